package policy

import (
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// ParseError says why a text is no policy document of its kind, and where.
// Reason is the text that AWS answers with under MalformedPolicyDocument where
// that is known; Detail says in our words what is wrong at that place.
type ParseError struct {
	Pos    Pos
	Reason string
	Detail string
}

// Error is Reason alone, since clients match on AWS's texts.
func (e *ParseError) Error() string { return e.Reason }

// String is the error with its place and detail, for people.
func (e *ParseError) String() string {
	s := fmt.Sprintf("line %d, column %d: %s", e.Pos.Line, e.Pos.Column, e.Reason)
	if e.Detail != "" {
		s += " (" + e.Detail + ")"
	}
	return s
}

// ReasonSyntax is what AWS says of every document that has not the shape of a policy.
const ReasonSyntax = "Syntax errors in policy."

// MaxSource is the longest text that Parse reads. AWS's APIs take a
// PolicyDocument of up to 131,072 characters
// (https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreatePolicy.html),
// and a few of its own managed policies are longer.
const MaxSource = 1 << 20

// maxValues is how many values a document may have, so that a span can hold them.
const maxValues = 1<<16 - 1

// reader reads JSON (RFC 8259) strictly and knows where it is. It has no
// generic values: the parser asks for what the grammar wants at each place, so
// nothing nests deeper than the grammar does, and nothing is skipped unread.
type reader struct {
	src       string
	pos       int
	line      int32
	lineStart int
}

func (r *reader) here() Pos { return r.at(r.pos) }

// at is the position of an offset in the current line.
func (r *reader) at(offset int) Pos {
	return Pos{Line: r.line + 1, Column: int32(offset-r.lineStart) + 1, Offset: int32(offset)}
}

func (r *reader) fail(detail string) error {
	return &ParseError{Pos: r.here(), Reason: ReasonSyntax, Detail: detail}
}

// next skips white space and returns the byte that follows, or 0 at the end.
func (r *reader) next() byte {
	for r.pos < len(r.src) {
		switch c := r.src[r.pos]; c {
		case '\n':
			r.line++
			r.lineStart = r.pos + 1
		case ' ', '\t', '\r':
		default:
			return c
		}
		r.pos++
	}
	return 0
}

func (r *reader) expect(c byte) error {
	if r.next() != c || r.pos == len(r.src) {
		return r.fail("expected " + string(c))
	}
	r.pos++
	return nil
}

// end wants nothing more.
func (r *reader) end() error {
	r.next()
	if r.pos < len(r.src) {
		return r.fail("text after the document")
	}
	return nil
}

// object reads an object and calls member for each name, which must read the
// value. Whether a name may come again is the caller's to say.
func (r *reader) object(member func(name Item) error) error {
	if err := r.expect('{'); err != nil {
		return err
	}
	if r.next() == '}' {
		r.pos++
		return nil
	}
	for {
		r.next()
		name, err := r.str()
		if err != nil {
			return err
		}
		if err := r.expect(':'); err != nil {
			return err
		}
		if err := member(name); err != nil {
			return err
		}
		switch r.next() {
		case ',':
			r.pos++
		case '}':
			r.pos++
			return nil
		default:
			return r.fail("expected , or }")
		}
	}
}

// array reads an array and calls element for each element.
func (r *reader) array(element func() error) error {
	if err := r.expect('['); err != nil {
		return err
	}
	if r.next() == ']' {
		r.pos++
		return nil
	}
	for {
		if err := element(); err != nil {
			return err
		}
		switch r.next() {
		case ',':
			r.pos++
		case ']':
			r.pos++
			return nil
		default:
			return r.fail("expected , or ]")
		}
	}
}

// str reads a string. A string without escapes is a part of the source.
func (r *reader) str() (Item, error) {
	if r.next() != '"' {
		return Item{}, r.fail("expected a string")
	}
	start := r.here()
	r.pos++
	from := r.pos
	for r.pos < len(r.src) {
		switch c := r.src[r.pos]; {
		case c == '"':
			s := r.src[from:r.pos]
			r.pos++
			return Item{s, start}, nil
		case c == '\\':
			return r.escaped(start, from)
		case c < 0x20:
			return Item{}, r.fail("control character in a string")
		}
		r.pos++
	}
	return Item{}, r.fail("unterminated string")
}

// escaped reads the rest of a string that has escapes.
func (r *reader) escaped(start Pos, from int) (Item, error) {
	var b strings.Builder
	b.WriteString(r.src[from:r.pos])
	for r.pos < len(r.src) {
		c := r.src[r.pos]
		switch {
		case c == '"':
			r.pos++
			return Item{b.String(), start}, nil
		case c < 0x20:
			return Item{}, r.fail("control character in a string")
		case c != '\\':
			b.WriteByte(c)
			r.pos++
			continue
		}
		if r.pos+1 >= len(r.src) {
			break
		}
		switch e := r.src[r.pos+1]; e {
		case '"', '\\', '/':
			b.WriteByte(e)
		case 'b':
			b.WriteByte('\b')
		case 'f':
			b.WriteByte('\f')
		case 'n':
			b.WriteByte('\n')
		case 'r':
			b.WriteByte('\r')
		case 't':
			b.WriteByte('\t')
		case 'u':
			c, n := r.unicode()
			if n == 0 {
				return Item{}, r.fail("bad \\u escape")
			}
			b.WriteRune(c)
			r.pos += n
			continue
		default:
			return Item{}, r.fail("bad escape")
		}
		r.pos += 2
	}
	return Item{}, r.fail("unterminated string")
}

// unicode reads \uXXXX or a surrogate pair of them, and how long that was. A
// surrogate by itself is no character and is refused.
func (r *reader) unicode() (rune, int) {
	c, ok := hex4(r.src[r.pos:])
	switch {
	case !ok:
		return 0, 0
	case !utf16.IsSurrogate(c):
		return c, 6
	}
	low, ok := hex4(r.src[r.pos+6:])
	if c = utf16.DecodeRune(c, low); !ok || c == utf8.RuneError {
		return 0, 0
	}
	return c, 12
}

// hex4 reads \uXXXX at the start of s.
func hex4(s string) (rune, bool) {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return 0, false
	}
	var v rune
	for _, c := range []byte(s[2:6]) {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		v = v<<4 | rune(c)
	}
	return v, true
}

// scalar reads a string, number or boolean; the latter two as their text.
func (r *reader) scalar() (Item, error) {
	c := r.next()
	start := r.here()
	rest := r.src[r.pos:]
	switch {
	case c == '"':
		return r.str()
	case strings.HasPrefix(rest, "true"):
		r.pos += 4
		return Item{"true", start}, nil
	case strings.HasPrefix(rest, "false"):
		r.pos += 5
		return Item{"false", start}, nil
	case c == '-' || '0' <= c && c <= '9':
		n := numberLen(rest)
		if n == 0 {
			return Item{}, r.fail("bad number")
		}
		r.pos += n
		return Item{rest[:n], start}, nil
	}
	return Item{}, r.fail("expected a string, number or boolean")
}

// numberLen is the length of the JSON number at the start of s, or 0.
func numberLen(s string) int {
	i := 0
	run := func() bool {
		from := i
		for i < len(s) && '0' <= s[i] && s[i] <= '9' {
			i++
		}
		return i > from
	}
	if i < len(s) && s[i] == '-' {
		i++
	}
	if i < len(s) && s[i] == '0' {
		i++
	} else if !run() {
		return 0
	}
	if i < len(s) && s[i] == '.' {
		i++
		if !run() {
			return 0
		}
	}
	if i < len(s) && (s[i] == 'e' || s[i] == 'E') {
		i++
		if i < len(s) && (s[i] == '+' || s[i] == '-') {
			i++
		}
		if !run() {
			return 0
		}
	}
	return i
}
