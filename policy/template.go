package policy

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A template is a pattern in which wildcards, policy variables and literal
// text are told apart, so that a "*" that came out of a variable's value, or
// was written ${*}, is not a wildcard.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
type template []segment

type segKind uint8

const (
	segLiteral segKind = iota
	segStar
	segAny      // "?"
	segVariable // text is the key's name; def its default
)

type segment struct {
	kind   segKind
	hasDef bool
	text   string
	def    string
	key    Key
}

var errVariable = errors.New("malformed policy variable")

// parseTemplate splits text. Wildcards are segments of their own only if asked
// for. Variables are ${key}, ${key, 'default'} and the escapes ${*}, ${?}, ${$}.
func parseTemplate(text string, wildcards bool) (template, error) {
	var t template
	var lit strings.Builder
	flush := func() {
		if lit.Len() > 0 {
			t = append(t, segment{kind: segLiteral, text: lit.String()})
			lit.Reset()
		}
	}
	for i := 0; i < len(text); {
		switch c := text[i]; {
		case c == '$' && strings.HasPrefix(text[i:], "${"):
			end := variableEnd(text[i:])
			if end < 0 {
				return nil, errVariable
			}
			body := text[i+2 : i+end-1]
			i += end
			switch body {
			case "*", "?", "$":
				lit.WriteString(body)
				continue
			}
			seg, err := parseVariable(body)
			if err != nil {
				return nil, err
			}
			flush()
			t = append(t, seg)
		case wildcards && c == '*':
			flush()
			if len(t) == 0 || t[len(t)-1].kind != segStar {
				t = append(t, segment{kind: segStar})
			}
			i++
		case wildcards && c == '?':
			flush()
			t = append(t, segment{kind: segAny})
			i++
		default:
			lit.WriteByte(c)
			i++
		}
	}
	flush()
	return t, nil
}

// variableEnd is the length of the variable at the start of s, braces
// included, or -1. A default in single quotes may hold a closing brace.
func variableEnd(s string) int {
	quoted := false
	for i := 2; i < len(s); i++ {
		switch s[i] {
		case '\'':
			quoted = !quoted
		case '}':
			if !quoted {
				return i + 1
			}
		}
	}
	return -1
}

// parseVariable reads what is between the braces of a variable.
func parseVariable(body string) (segment, error) {
	name, def, hasDef := strings.Cut(body, ",")
	name = strings.TrimSpace(name)
	if name == "" || strings.ContainsAny(name, "'${}*?\" \t\r\n") {
		return segment{}, errVariable
	}
	if hasDef {
		def = strings.TrimSpace(def)
		if len(def) < 2 || def[0] != '\'' || def[len(def)-1] != '\'' || strings.Contains(def[1:len(def)-1], "'") {
			return segment{}, errVariable
		}
		def = def[1 : len(def)-1]
	}
	return segment{kind: segVariable, text: name, def: def, hasDef: hasDef, key: KeyOf(name)}, nil
}

// plain says whether the template has neither wildcards nor variables; its
// text is then its only literal, or empty.
func (t template) plain() (string, bool) {
	switch {
	case len(t) == 0:
		return "", true
	case len(t) == 1 && t[0].kind == segLiteral:
		return t[0].text, true
	}
	return "", false
}

// hasVariables says whether matching needs a context.
func (t template) hasVariables() bool {
	for i := range t {
		if t[i].kind == segVariable {
			return true
		}
	}
	return false
}

// resolved holds a template's segments with the variables filled in, in place
// and on the caller's stack as long as there are few.
type resolved struct {
	buf  [12]resolvedSegment
	long []resolvedSegment
	n    int
}

type resolvedSegment struct {
	kind segKind
	text string
}

func (r *resolved) segments() []resolvedSegment {
	if r.long != nil {
		return r.long
	}
	return r.buf[:r.n]
}

// resolve fills in the variables. It reports false if one has neither a value
// nor a default. A multivalued key is no value: such keys are not to be used
// as variables (reference_policies_condition-single-vs-multi-valued-context-keys).
func (t template) resolve(ctx Context, r *resolved) bool {
	if len(t) > len(r.buf) {
		r.long = make([]resolvedSegment, len(t))
	}
	r.n = len(t)
	out := r.segments()
	for i := range t {
		s := &t[i]
		if s.kind != segVariable {
			out[i] = resolvedSegment{s.kind, s.text}
			continue
		}
		text, ok := s.value(ctx)
		if !ok {
			return false
		}
		out[i] = resolvedSegment{segLiteral, text}
	}
	return true
}

// value is what the variable stands for.
func (s *segment) value(ctx Context) (string, bool) {
	if ctx != nil {
		if v, ok := ctx.Lookup(s.key); ok && v.kind != kindList {
			return v.text, true
		}
	}
	return s.def, s.hasDef
}

// matchSegments matches s against segments, with the same strategy as glob:
// after a star the rest is tried at each later place, and a further star makes
// the choice final.
func matchSegments(segs []resolvedSegment, s string) bool {
	i, pos := 0, 0
	back, backPos := -1, 0
	for {
		switch {
		case i == len(segs):
			if pos == len(s) {
				return true
			}
		case segs[i].kind == segStar:
			i++
			back, backPos = i, pos
			continue
		case segs[i].kind == segAny:
			if pos < len(s) {
				pos += runeLen(s[pos:])
				i++
				continue
			}
		default:
			if strings.HasPrefix(s[pos:], segs[i].text) {
				pos += len(segs[i].text)
				i++
				continue
			}
		}
		if back < 0 || backPos >= len(s) {
			return false
		}
		backPos += runeLen(s[backPos:])
		i, pos = back, backPos
	}
}

// equalFold says whether the segments, which hold no wildcards, spell s in any
// case, as strings.EqualFold would of their concatenation.
func equalFold(segs []resolvedSegment, s string) bool {
	for i := range segs {
		for _, r := range segs[i].text {
			if s == "" {
				return false
			}
			c, n := utf8.DecodeRuneInString(s)
			if !foldsTo(r, c) {
				return false
			}
			s = s[n:]
		}
	}
	return s == ""
}

// foldsTo says whether two characters differ in case only.
func foldsTo(a, b rune) bool {
	for c := a; ; {
		if c == b {
			return true
		}
		if c = unicode.SimpleFold(c); c == a {
			return false
		}
	}
}
