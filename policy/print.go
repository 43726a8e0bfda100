package policy

import (
	"encoding/json"
	"strings"
)

// Print writes the document anew, in one canonical form: elements in the order
// of the guide, two spaces of indentation, one value without a list around it.
// It says what Source says; parsed again it gives the same statements.
func (d *Document) Print() []byte {
	p := printer{}
	p.open("{")
	if d.Version.Value != "" {
		p.member("Version").str(d.Version.Value)
	}
	if d.ID.Value != "" {
		p.member("Id").str(d.ID.Value)
	}
	p.member("Statement").open("[")
	for i := range d.Statements {
		p.element()
		p.statement(&d.Statements[i])
	}
	p.shut("]")
	p.shut("}")
	p.b.WriteByte('\n')
	return []byte(p.b.String())
}

// printer writes indented JSON.
type printer struct {
	b     strings.Builder
	depth int
	more  bool // something stands before in the same object or list
}

func (p *printer) newline() {
	p.b.WriteByte('\n')
	for range p.depth {
		p.b.WriteString("  ")
	}
}

func (p *printer) open(bracket string) {
	p.b.WriteString(bracket)
	p.depth++
	p.more = false
}

func (p *printer) shut(bracket string) {
	p.depth--
	if p.more {
		p.newline()
	}
	p.b.WriteString(bracket)
	p.more = true
}

// element begins an element of a list.
func (p *printer) element() {
	if p.more {
		p.b.WriteByte(',')
	}
	p.newline()
	p.more = true
}

// member begins a member of an object.
func (p *printer) member(name string) *printer {
	p.element()
	p.str(name)
	p.b.WriteString(": ")
	return p
}

// str writes a string, with the characters of policies (<, >, &) as they are.
func (p *printer) str(s string) {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		panic(err) // strings encode
	}
	p.b.WriteString(strings.TrimSuffix(b.String(), "\n"))
}

// values writes one value or a list.
func (p *printer) values(values []string) {
	if len(values) == 1 {
		p.str(values[0])
		return
	}
	p.open("[")
	for _, v := range values {
		p.element()
		p.str(v)
	}
	p.shut("]")
}

func (p *printer) statement(st *Statement) {
	p.open("{")
	if st.Sid.Value != "" {
		p.member("Sid").str(st.Sid.Value)
	}
	p.member("Effect").str(st.Effect.String())
	if st.Principals != nil {
		p.member(not(st.NotPrincipal, "Principal")).principals(st.Principals)
	}
	p.member(not(st.NotAction, "Action")).values(texts(st.Actions))
	if st.Resources != nil {
		p.member(not(st.NotResource, "Resource")).values(texts(st.Resources))
	}
	if len(st.Conditions) > 0 {
		p.member("Condition").conditions(st.Conditions)
	}
	p.shut("}")
}

func (p *printer) principals(list []PrincipalItem) {
	if list[0].Type == EveryonePrincipal {
		p.str("*")
		return
	}
	p.open("{")
	for len(list) > 0 {
		n := 1
		for n < len(list) && list[n].Type == list[0].Type {
			n++
		}
		var names []string
		for _, it := range list[:n] {
			names = append(names, it.Value)
		}
		p.member(list[0].Type.String()).values(names)
		list = list[n:]
	}
	p.shut("}")
}

func (p *printer) conditions(list []Condition) {
	p.open("{")
	for len(list) > 0 {
		n := 1
		for n < len(list) && list[n].Operator == list[0].Operator {
			n++
		}
		p.member(list[0].Operator.String()).open("{")
		for _, c := range list[:n] {
			p.member(c.Key.Value).values(texts(c.Values))
		}
		p.shut("}")
		list = list[n:]
	}
	p.shut("}")
}
