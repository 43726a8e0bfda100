package policy

import (
	"strings"
	"unicode/utf8"
)

// Parse reads a policy document of a kind and checks it against the grammar
// of https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
// and the rules by which AWS refuses to store a document. What Parse accepts,
// Compile can evaluate in full: nothing unknown gets past it. Errors are of
// type *ParseError.
func Parse(kind Kind, src []byte) (*Document, error) { return ParseText(kind, string(src)) }

// ParseText is Parse of a string; the document refers to it without a copy.
func ParseText(kind Kind, src string) (*Document, error) {
	p := parser{reader: reader{src: src}, doc: &Document{Kind: kind, source: src}}
	switch {
	case kind >= kindEnd:
		return nil, p.fail("unknown policy kind")
	case len(src) > MaxSource:
		return nil, p.fail("document too long")
	case !utf8.ValidString(src):
		return nil, p.fail("not UTF-8")
	}
	if err := p.document(); err != nil {
		return nil, err
	}
	if p.legacy != nil {
		return nil, p.legacy
	}
	if err := p.doc.check(); err != nil {
		return nil, err
	}
	return p.doc, nil
}

type parser struct {
	reader
	doc    *Document
	values int
	legacy error // the first element that AWS's old parser does not read
}

// seen notes members of an object by bit and refuses one that comes twice: a
// document that two parsers could read differently is no policy.
type seen uint16

func (p *parser) once(s *seen, bit seen, name Item) error {
	if *s&bit != 0 {
		return &ParseError{name.Pos, ReasonSyntax, "duplicate element " + name.Value}
	}
	*s |= bit
	return nil
}

func (p *parser) document() error {
	const version, id, statement = 1, 2, 4
	var have seen
	err := p.object(func(name Item) (err error) {
		switch name.Value {
		case "Version":
			if err = p.once(&have, version, name); err == nil {
				p.doc.Version, err = p.str()
			}
		case "Id":
			if err = p.once(&have, id, name); err == nil {
				p.doc.ID, err = p.str()
			}
		case "Statement":
			if err = p.once(&have, statement, name); err == nil {
				err = p.oneOrMore(p.statement)
			}
		default:
			err = &ParseError{name.Pos, ReasonSyntax, "unknown element " + name.Value}
		}
		return err
	})
	if err != nil {
		return err
	}
	if err := p.end(); err != nil {
		return err
	}
	switch p.doc.Version.Value {
	case "2012-10-17":
		p.doc.Variables = true
	case "2008-10-17":
	default:
		if have&version != 0 {
			return &ParseError{p.doc.Version.Pos, ReasonSyntax, "unknown version"}
		}
	}
	if len(p.doc.Statements) == 0 {
		return &ParseError{Pos{1, 1, 0}, ReasonSyntax, "no statement"}
	}
	return nil
}

// oneOrMore reads one value, or an array of them.
func (p *parser) oneOrMore(value func() error) error {
	if p.next() == '[' {
		return p.array(value)
	}
	return value()
}

// items reads one string or an array of them.
func (p *parser) items(read func() (Item, error)) ([]Item, error) {
	if p.next() != '[' {
		it, err := read()
		if err != nil {
			return nil, err
		}
		return []Item{it}, p.count()
	}
	out := []Item{}
	err := p.array(func() error {
		it, err := read()
		if err == nil {
			err = p.count()
		}
		out = append(out, it)
		return err
	})
	return out, err
}

// count counts a value of a statement.
func (p *parser) count() error {
	if p.values++; p.values > maxValues {
		return p.fail("too many values")
	}
	return nil
}

func (p *parser) statement() error {
	const sid, effect, action, resource, principal, condition = 1, 2, 4, 8, 16, 32
	var have seen
	var st Statement
	p.next()
	st.Pos = p.here()
	err := p.object(func(name Item) (err error) {
		switch name.Value {
		case "Sid":
			if err = p.once(&have, sid, name); err == nil {
				st.Sid, err = p.str()
			}
		case "Effect":
			if err = p.once(&have, effect, name); err == nil {
				err = p.effect(&st)
			}
		case "Action", "NotAction":
			if err = p.once(&have, action, name); err == nil {
				st.NotAction = name.Value != "Action"
				st.Actions, err = p.items(p.str)
			}
		case "Resource", "NotResource":
			if err = p.once(&have, resource, name); err == nil {
				st.NotResource = name.Value != "Resource"
				st.Resources, err = p.items(p.str)
			}
		case "Principal", "NotPrincipal":
			if err = p.once(&have, principal, name); err == nil {
				st.NotPrincipal = name.Value != "Principal"
				err = p.principals(&st)
			}
		case "Condition":
			if err = p.once(&have, condition, name); err == nil {
				err = p.conditions(&st)
			}
		default:
			err = &ParseError{name.Pos, ReasonSyntax, "unknown element " + name.Value}
		}
		return err
	})
	if err != nil {
		return err
	}
	st.End = p.here()
	if st.Effect == 0 {
		return &ParseError{st.Pos, ReasonSyntax, "no Effect"}
	}
	p.doc.Statements = append(p.doc.Statements, st)
	return nil
}

func (p *parser) effect(st *Statement) error {
	it, err := p.str()
	switch {
	case err != nil:
		return err
	case it.Value == "Allow":
		st.Effect = Allow
	case it.Value == "Deny":
		st.Effect = Deny
	case strings.EqualFold(it.Value, "Allow"), strings.EqualFold(it.Value, "Deny"):
		// No document has this effect: p.legacy refuses it.
		st.Effect = Deny
		if p.legacy == nil {
			p.legacy = &ParseError{it.Pos, reasonLegacy, "Effect is neither Allow nor Deny"}
		}
	default:
		return &ParseError{it.Pos, ReasonSyntax, "Effect is neither Allow nor Deny"}
	}
	return nil
}

// principals reads "*" or a map of principal types.
func (p *parser) principals(st *Statement) error {
	st.Principals = []PrincipalItem{}
	if p.next() == '"' {
		it, err := p.str()
		if err == nil && it.Value != "*" {
			err = &ParseError{it.Pos, ReasonSyntax, "a principal is \"*\" or an object"}
		}
		st.Principals = append(st.Principals, PrincipalItem{EveryonePrincipal, it.Value, it.Pos})
		return err
	}
	var have seen
	return p.object(func(name Item) error {
		for t := AWSPrincipal; t <= CanonicalUserPrincipal; t++ {
			if t.String() != name.Value {
				continue
			}
			if err := p.once(&have, 1<<t, name); err != nil {
				return err
			}
			items, err := p.items(p.str)
			for _, it := range items {
				st.Principals = append(st.Principals, PrincipalItem{t, it.Value, it.Pos})
			}
			return err
		}
		return &ParseError{name.Pos, ReasonSyntax, "unknown principal type " + name.Value}
	})
}

// conditions reads operators and, in each, keys and values. A key that comes
// twice in one operator is refused, in whatever case.
func (p *parser) conditions(st *Statement) error {
	var ops []Operator
	return p.object(func(name Item) error {
		op, ok := parseOperator(name.Value)
		if !ok {
			// AWS takes operators that it does not know as long as they compare nothing.
			return p.object(func(Item) error {
				return &ParseError{name.Pos, ReasonSyntax, "unknown condition operator " + name.Value}
			})
		}
		for _, o := range ops {
			if o == op {
				return &ParseError{name.Pos, ReasonSyntax, "duplicate condition operator " + name.Value}
			}
		}
		ops = append(ops, op)
		keys := map[string]bool{}
		return p.object(func(key Item) error {
			low := strings.ToLower(key.Value)
			if keys[low] {
				return &ParseError{key.Pos, ReasonSyntax, "duplicate condition key " + key.Value}
			}
			keys[low] = true
			values, err := p.items(p.scalar)
			st.Conditions = append(st.Conditions, Condition{op, key, values, name.Pos})
			return err
		})
	})
}
