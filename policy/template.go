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
// what is between two stars is placed at its first fit.
func matchSegments(segs []resolvedSegment, s string) bool {
	star := nextStar(segs)
	n := matchRun(segs[:star], s)
	if n < 0 || star == len(segs) {
		return n == len(s)
	}
	for {
		s, segs = s[n:], segs[star+1:]
		star = nextStar(segs)
		if star == len(segs) {
			return matchLast(segs, s)
		}
		if n = findRun(segs[:star], s); n < 0 {
			return false
		}
	}
}

// nextStar is the index of the first star, or the number of segments.
func nextStar(segs []resolvedSegment) int {
	for i := range segs {
		if segs[i].kind == segStar {
			return i
		}
	}
	return len(segs)
}

// matchRun matches segments without stars at the start of s and returns the
// length of what they matched, or -1.
func matchRun(segs []resolvedSegment, s string) int {
	pos := 0
	for i := range segs {
		switch {
		case segs[i].kind != segAny:
			if !strings.HasPrefix(s[pos:], segs[i].text) {
				return -1
			}
			pos += len(segs[i].text)
		case pos == len(s):
			return -1
		default:
			pos += runeLen(s[pos:])
		}
	}
	return pos
}

// findRun finds the first place in s that segments without stars fit, and
// returns where they end there, or -1. As findChunk it first tries a few.
func findRun(segs []resolvedSegment, s string) int {
	i := 0
	for range 4 {
		if n := matchRun(segs, s[i:]); n >= 0 {
			return i + n
		}
		if i == len(s) {
			return -1
		}
		i += runeLen(s[i:])
	}
	const one = 0xFF // is in no UTF-8
	var buf [1024]byte
	chunk := buf[:0]
	for k := range segs {
		if segs[k].kind == segAny {
			chunk = append(chunk, one)
			continue
		}
		if len(chunk)+len(segs[k].text) >= len(buf) || !utf8.ValidString(segs[k].text) {
			return findSlowly(segs, s, i)
		}
		chunk = append(chunk, segs[k].text...)
	}
	if len(s) > maxSearch || len(chunk) == 0 {
		return findSlowly(segs, s, i)
	}
	if n := shiftAnd(chunk, one, s[i:]); n >= 0 {
		return i + n
	}
	return -1
}

// findSlowly tries every place from i.
func findSlowly(segs []resolvedSegment, s string, i int) int {
	for ; ; i += runeLen(s[i:]) {
		if n := matchRun(segs, s[i:]); n >= 0 {
			return i + n
		}
		if i == len(s) {
			return -1
		}
	}
}

// matchLast matches segments without stars at the end of s.
func matchLast(segs []resolvedSegment, s string) bool {
	chars := 0
	for i := range segs {
		switch {
		case segs[i].kind == segAny:
			chars++
		case !utf8.ValidString(segs[i].text):
			return lastSlowly(segs, s)
		default:
			chars += utf8.RuneCountInString(segs[i].text)
		}
	}
	i := len(s)
	for ; chars > 0; chars-- {
		if i == 0 {
			return false
		}
		_, size := utf8.DecodeLastRuneInString(s[:i])
		i -= size
	}
	return matchRun(segs, s[i:]) == len(s)-i
}

// lastSlowly tries every place.
func lastSlowly(segs []resolvedSegment, s string) bool {
	for i := 0; ; i += runeLen(s[i:]) {
		if matchRun(segs, s[i:]) == len(s)-i {
			return true
		}
		if i == len(s) {
			return false
		}
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
