package eventpattern

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// conditions are what a field of a pattern asks for: one of them must be met.
type conditions struct {
	absent  bool // {"exists": false}
	present bool // {"exists": true}

	strings  map[string]bool // the value is this string
	literals map[string]bool // the value stands in the event like this: a number, true, false, null
	numbers  map[int64]bool  // the value is this number, in millionths
	tests    []test
}

// A test is a condition on a value.
type test interface{ match(v *value) bool }

func put[K comparable](set map[K]bool, k K) map[K]bool {
	if set == nil {
		set = make(map[K]bool)
	}
	set[k] = true
	return set
}

func (c *conditions) add(t test) { c.tests = append(c.tests, t) }

// equal asks for a string. One that is an IP address matches the address in all
// its spellings.
func (c *conditions) equal(s string) {
	if a, ok := address(s); ok {
		c.add(addressRange{a, a})
		return
	}
	c.strings = put(c.strings, s)
}

// literal asks for a number, true, false or null. Numbers match by value as far as
// they can be compared, and else by their text.
func (c *conditions) literal(raw string, k kind) {
	if k == number {
		if n, ok := millionths(raw); ok {
			c.numbers = put(c.numbers, n)
		}
	}
	c.literals = put(c.literals, raw)
}

// match says whether a value meets a condition; not those on absence.
func (c *conditions) match(v *value) bool {
	switch {
	case c.present:
		return true
	case v.kind == text:
		if c.strings[v.text] {
			return true
		}
	default:
		if c.literals[v.text] || v.comparable && c.numbers[v.number] {
			return true
		}
	}
	for _, t := range c.tests {
		if t.match(v) {
			return true
		}
	}
	return false
}

// negation is met by every value that none of its parts is met by, of whatever type.
type negation conditions

func (n *negation) match(v *value) bool { return !(*conditions)(n).match(v) }

// The operators on strings. No other value meets them.
type (
	prefix           string
	suffix           string
	ignoreCase       string
	prefixIgnoreCase string
	suffixIgnoreCase string
)

func (p prefix) match(v *value) bool { return v.kind == text && strings.HasPrefix(v.text, string(p)) }

func (s suffix) match(v *value) bool { return v.kind == text && strings.HasSuffix(v.text, string(s)) }

func (p ignoreCase) match(v *value) bool {
	rest, ok := cutFolded(v.text, string(p))
	return v.kind == text && ok && rest == ""
}

func (p prefixIgnoreCase) match(v *value) bool {
	_, ok := cutFolded(v.text, string(p))
	return v.kind == text && ok
}

func (p suffixIgnoreCase) match(v *value) bool {
	if v.kind != text {
		return false
	}
	// A letter may be longer in the other case: from the end, as many letters as asked for.
	at := len(v.text)
	for range utf8.RuneCountInString(string(p)) {
		_, size := utf8.DecodeLastRuneInString(v.text[:at])
		if size == 0 {
			return false
		}
		at -= size
	}
	rest, ok := cutFolded(v.text[at:], string(p))
	return ok && rest == ""
}

// cutFolded takes a prefix from s whose letters may be in either case.
func cutFolded(s, prefix string) (rest string, ok bool) {
	for _, p := range prefix {
		r, size := utf8.DecodeRuneInString(s)
		if size == 0 || r != p && r != unicode.ToLower(p) && r != unicode.ToUpper(p) {
			return "", false
		}
		s = s[size:]
	}
	return s, true
}
