package eventpattern

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
)

// A Path finds a part of an event: the JSON paths of InputPath, InputPathsMap and
// PathParameterValues. As in AWS they are dots and names, indexes of arrays and
// wildcards, and no more
// (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html).
type Path struct{ steps []step }

// A step is a member by its name, an element by its index, or all of either.
type step struct {
	name    string
	index   int
	isIndex bool
	all     bool
}

// ErrPath is the error of CompilePath.
var ErrPath = errors.New("eventpattern: not a JSON path")

// CompilePath reads a path such as "$.detail.items[0].name".
func CompilePath(s string) (*Path, error) {
	rest, ok := strings.CutPrefix(s, "$")
	if !ok {
		return nil, ErrPath
	}
	p := &Path{}
	for rest != "" {
		var step step
		switch {
		case rest[0] == '[':
			inside, after, ok := strings.Cut(rest[1:], "]")
			n, err := strconv.ParseUint(inside, 10, 31)
			switch step.isIndex = true; {
			case !ok:
				return nil, ErrPath
			case inside == "*":
				step.all = true
			case err != nil:
				return nil, ErrPath
			}
			step.index, rest = int(n), after
		case rest[0] == '.':
			length := strings.IndexAny(rest[1:], ".[")
			if length < 0 {
				length = len(rest) - 1
			}
			step.name, rest = rest[1:1+length], rest[1+length:]
			step.all = step.name == "*"
			if step.name == "" || !step.all && strings.ContainsFunc(step.name, notInName) {
				return nil, ErrPath
			}
		default:
			return nil, ErrPath
		}
		p.steps = append(p.steps, step)
	}
	return p, nil
}

func notInName(r rune) bool {
	return !(r == '-' || r == '_' || r == '/' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r > 0x7f)
}

// Find gives what stands at the path in a JSON text, as JSON; false if there is
// nothing. A path with wildcards gives an array of all that it finds.
func (p *Path) Find(event []byte) (json.RawMessage, bool) {
	found, many := []json.RawMessage{event}, false
	for _, s := range p.steps {
		var next []json.RawMessage
		for _, v := range found {
			next = append(next, s.find(v)...)
		}
		found, many = next, many || s.all
	}
	switch {
	case len(found) == 0:
		return nil, false
	case !many:
		return compact(found[0]), true
	}
	out, err := json.Marshal(found)
	return out, err == nil
}

func (s step) find(in json.RawMessage) (out []json.RawMessage) {
	switch in = bytes.TrimSpace(in); {
	case len(in) == 0:
	case in[0] == '[' && (s.isIndex || s.all):
		var elements []json.RawMessage
		if json.Unmarshal(in, &elements) != nil {
			return nil
		}
		if s.all {
			return elements
		}
		if s.index < len(elements) {
			return elements[s.index : s.index+1]
		}
	case in[0] == '{' && !s.isIndex:
		for _, m := range membersOf(in) {
			if s.all || m.name == s.name {
				out = append(out, m.value)
			}
		}
		if !s.all && len(out) > 1 {
			out = out[len(out)-1:] // the last of several members of one name
		}
	}
	return out
}

// A member of an object.
type member struct {
	name  string
	value json.RawMessage
}

// membersOf lists the members of an object in their order; nil if it is none.
func membersOf(object []byte) (members []member) {
	d := json.NewDecoder(bytes.NewReader(object))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil
	}
	for d.More() {
		var m member
		t, err := d.Token()
		if err != nil || d.Decode(&m.value) != nil {
			return nil
		}
		m.name, _ = t.(string)
		members = append(members, m)
	}
	return members
}

// compact takes out the white space between tokens.
func compact(text []byte) []byte {
	var b bytes.Buffer
	if json.Compact(&b, text) != nil {
		return text
	}
	return b.Bytes()
}
