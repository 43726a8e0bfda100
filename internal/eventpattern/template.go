package eventpattern

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// A Template is an input transformer: JSON, or lines of JSON, with variables in
// angle brackets that paths of the event or the rule give values to
// (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html).
//
// Outside of quotes a variable stands for its value as JSON, and one that has no
// value for an empty string. Inside of quotes it stands for the text of a string,
// the JSON of another value, or nothing; what would end the string is escaped, so
// that the result is JSON whatever the event says.
type Template struct {
	parts []part
	paths map[string]*Path
}

// A part is some text and the variable behind it; "" behind the last.
type part struct {
	text     string
	variable string
	quoted   bool // the variable stands in a string
}

// Rule is what the reserved variables say of the rule and of the event's way.
type Rule struct {
	ARN, Name string
	Ingested  time.Time // when the bus got the event
}

// The reserved variables.
const (
	ruleARN       = "aws.events.rule-arn"
	ruleName      = "aws.events.rule-name"
	ingestionTime = "aws.events.event.ingestion-time"
	eventHead     = "aws.events.event"      // without its detail
	eventJSON     = "aws.events.event.json" // the whole event
)

var reservedVariables = map[string]bool{ruleARN: true, ruleName: true, ingestionTime: true, eventHead: true, eventJSON: true}

// The errors of CompileTemplate, besides ErrVariable.
var (
	ErrTemplate = errors.New("eventpattern: the template is not JSON, nor lines of JSON")
	ErrReserved = errors.New(`eventpattern: names that begin with "aws." are reserved for EventBridge`)
)

// ErrVariable says that a template has a variable that is not defined.
type ErrVariable string

func (e ErrVariable) Error() string { return fmt.Sprintf("eventpattern: no variable %q", string(e)) }

// CompileTemplate reads a template and the paths of its variables.
func CompileTemplate(text string, paths map[string]string) (*Template, error) {
	t := &Template{paths: make(map[string]*Path, len(paths))}
	for name, path := range paths {
		if strings.HasPrefix(strings.ToLower(name), "aws.") {
			return nil, ErrReserved
		}
		var err error
		if t.paths[name], err = CompilePath(path); err != nil {
			return nil, err
		}
	}
	quoted := false
	for rest := text; ; {
		end := 0
		var variable string
		for ; end < len(rest); end++ {
			if rest[end] == '\\' && quoted {
				end++
			} else if rest[end] == '"' {
				quoted = !quoted
			} else if rest[end] == '<' {
				if name, _, ok := strings.Cut(rest[end+1:], ">"); ok {
					variable = name
					break
				}
			}
		}
		end = min(end, len(rest))
		t.parts = append(t.parts, part{rest[:end], variable, quoted})
		if variable == "" && end == len(rest) {
			break
		}
		if !reservedVariables[variable] && t.paths[variable] == nil {
			return nil, ErrVariable(variable)
		}
		rest = rest[end+len(variable)+2:]
	}
	return t, t.check()
}

// check makes sure that the template is JSON whatever its variables are, and that
// no member's name is or has one.
func (t *Template) check() error {
	sample := t.fill(func(_ string, quoted bool) string {
		if quoted {
			return `\u0000`
		}
		return "0"
	})
	d := json.NewDecoder(strings.NewReader(sample))
	for n := 0; ; n++ {
		var v any
		switch err := d.Decode(&v); {
		case err == io.EOF && n > 0:
			return nil
		case err != nil, namesContain(v, "\x00"):
			return ErrTemplate
		}
		if rest := sample[d.InputOffset():]; rest != "" && strings.TrimLeft(rest, " \t\r\n") == rest {
			return ErrTemplate // values must not run together
		}
	}
}

func namesContain(v any, mark string) bool {
	switch v := v.(type) {
	case map[string]any:
		for name, m := range v {
			if strings.Contains(name, mark) || namesContain(m, mark) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(v, func(e any) bool { return namesContain(e, mark) })
	}
	return false
}

func (t *Template) fill(value func(variable string, quoted bool) string) string {
	var b strings.Builder
	for _, p := range t.parts {
		b.WriteString(p.text)
		if p.variable != "" {
			b.WriteString(value(p.variable, p.quoted))
		}
	}
	return b.String()
}

// Fill makes the input from an event, a JSON object.
func (t *Template) Fill(event []byte, r Rule) []byte {
	out := t.fill(func(variable string, quoted bool) string {
		v, ok := t.value(variable, event, r)
		switch {
		case quoted && !ok:
			return ""
		case !ok:
			return `""`
		case !quoted:
			return string(v)
		}
		if v[0] == '"' {
			return string(v[1 : len(v)-1]) // escaped as it stands
		}
		inside := quote(string(v))
		return string(inside[1 : len(inside)-1])
	})
	return compact([]byte(out))
}

// value is a variable's value, as compact JSON.
func (t *Template) value(variable string, event []byte, r Rule) (json.RawMessage, bool) {
	switch variable {
	case ruleARN:
		return quote(r.ARN), true
	case ruleName:
		return quote(r.Name), true
	case ingestionTime:
		return quote(r.Ingested.UTC().Format(time.RFC3339)), true
	case eventHead:
		return head(event), true
	case eventJSON:
		return compact(event), true
	}
	v, ok := t.paths[variable].Find(event)
	return v, ok && len(v) > 0
}

// head is an event without its detail. What AWS makes of it is not quite the event:
// its detail-type is called detailType.
func head(event []byte) []byte {
	b := []byte{'{'}
	for _, m := range membersOf(event) {
		switch m.name {
		case "detail":
			continue
		case "detail-type":
			m.name = "detailType"
		}
		if len(b) > 1 {
			b = append(b, ',')
		}
		b = append(append(append(b, quote(m.name)...), ':'), compact(m.value)...)
	}
	return append(b, '}')
}

// quote is a string as JSON.
func quote(s string) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(s) != nil {
		return []byte(`""`)
	}
	return bytes.TrimRight(b.Bytes(), "\n")
}
