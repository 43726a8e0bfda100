package eventpattern

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// kind is a kind of JSON token.
type kind byte

const (
	bad kind = iota // the text is wrong here: scanner.err
	end
	openObject
	closeObject
	openArray
	closeArray
	name
	text
	number
	literal // true, false, null
)

// A token is a piece of the text.
type token struct {
	kind       kind
	start, end int
}

// scanner reads JSON as tokens. Its errors and where it sees them are those of
// the parser that AWS uses, since people find mistakes in patterns by them.
type scanner struct {
	text  string
	at    int
	depth []byte // '{' and '[' that are open
	phase phase
	last  token
	read  bool // the last token is a text whose value has been asked for
	err   error
}

type phase byte

const (
	wantValue phase = iota
	wantFirst       // the first value or name, or the end
	wantMore        // a comma or the end
)

// maxDepth is how deep objects and arrays may be nested.
const maxDepth = 1000

// next reads the next token.
func (s *scanner) next() token {
	s.read = false
	s.last = s.scan()
	return s.last
}

func (s *scanner) scan() token {
	if s.err != nil {
		return token{}
	}
	s.space()
	if len(s.depth) == 0 && s.phase == wantMore {
		if s.at < len(s.text) {
			return s.unexpected("expected nothing behind the object")
		}
		return token{end, s.at, s.at}
	}
	if s.at == len(s.text) {
		if len(s.depth) == 0 {
			return token{end, s.at, s.at}
		}
		what := "Object"
		if s.depth[len(s.depth)-1] == '[' {
			what = "Array"
		}
		return s.fail("Unexpected end-of-input: expected close marker for %s", what)
	}
	inObject := len(s.depth) > 0 && s.depth[len(s.depth)-1] == '{'
	if s.phase == wantMore || s.phase == wantFirst {
		if c := s.text[s.at]; c == '}' && inObject || c == ']' && !inObject {
			return s.close()
		}
	}
	if s.phase == wantMore {
		if s.text[s.at] != ',' {
			if inObject {
				return s.unexpected("was expecting comma to separate Object entries")
			}
			return s.unexpected("was expecting comma to separate Array entries")
		}
		s.at++
		s.space()
		s.phase = wantValue
		if inObject {
			return s.name()
		}
		return s.value()
	}
	if inObject && s.phase == wantFirst {
		return s.name()
	}
	return s.value()
}

func (s *scanner) space() {
	for s.at < len(s.text) && strings.IndexByte(" \t\r\n", s.text[s.at]) >= 0 {
		s.at++
	}
}

// close reads the end of the innermost object or array.
func (s *scanner) close() token {
	t := token{closeObject, s.at, s.at + 1}
	if s.text[s.at] == ']' {
		t.kind = closeArray
	}
	s.at++
	s.depth, s.phase = s.depth[:len(s.depth)-1], wantMore
	return t
}

// name reads a member's name and its colon.
func (s *scanner) name() token {
	if s.at == len(s.text) || s.text[s.at] != '"' {
		return s.unexpected("was expecting double-quote to start field name")
	}
	t := s.string(name)
	if t.kind == bad {
		return t
	}
	s.space()
	if s.at == len(s.text) || s.text[s.at] != ':' {
		return s.unexpected("was expecting a colon to separate field name and value")
	}
	s.at++
	s.phase = wantValue
	return t
}

func (s *scanner) value() token {
	if s.at == len(s.text) {
		return s.fail("Unexpected end-of-input")
	}
	switch c := s.text[s.at]; {
	case c == '{', c == '[':
		if len(s.depth) == maxDepth {
			return s.fail("Document nesting depth (%d) exceeds the maximum allowed (%d)", maxDepth+1, maxDepth)
		}
		s.depth, s.phase = append(s.depth, c), wantFirst
		s.at++
		if c == '{' {
			return token{openObject, s.at - 1, s.at}
		}
		return token{openArray, s.at - 1, s.at}
	case c == '"':
		s.phase = wantMore
		return s.string(text)
	case c == '-' || c >= '0' && c <= '9':
		s.phase = wantMore
		return s.number()
	case isWord(c):
		return s.word()
	}
	return s.unexpected("expected a valid value (JSON String, Number, Array, Object or token 'null', 'true' or 'false')")
}

// string reads to the closing quote and checks what is escaped.
func (s *scanner) string(k kind) token {
	start := s.at
	for s.at++; s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; {
		case c == '"':
			s.at++
			return token{k, start, s.at}
		case c < ' ':
			s.at++
			return s.fail("Illegal unquoted character ((CTRL-CHAR, code %d)): has to be escaped using backslash to be included in string value", c)
		case c == '\\':
			if s.at++; s.at == len(s.text) {
				break
			}
			switch e := s.text[s.at]; {
			case strings.IndexByte(`"\/bfnrt`, e) >= 0:
			case e == 'u':
				for range 4 {
					if s.at++; s.at >= len(s.text) || !isHex(s.text[s.at]) {
						return s.fail("Unexpected character: expected a hex-digit for character escape sequence")
					}
				}
			default:
				s.at++
				return s.fail("Unrecognized character escape '%c' (code %d)", e, e)
			}
		}
	}
	s.at = len(s.text) // a backslash may have been the last
	if k == name {
		return s.fail("Unexpected end-of-input in field name")
	}
	return s.fail("Unexpected end-of-input: was expecting closing quote for a string value")
}

func (s *scanner) number() token {
	start := s.at
	if s.text[s.at] == '-' {
		s.at++
	}
	whole := s.at
	digits := s.digits()
	if digits == 0 {
		return s.unexpected("expected digit (0-9) to follow minus sign, for valid numeric value")
	}
	if digits > 1 && s.text[whole] == '0' {
		return s.fail("Invalid numeric value: Leading zeroes not allowed")
	}
	if s.at < len(s.text) && s.text[s.at] == '.' {
		s.at++
		if s.digits() == 0 {
			return s.unexpected("Decimal point not followed by a digit")
		}
	}
	if s.at < len(s.text) && (s.text[s.at] == 'e' || s.text[s.at] == 'E') {
		s.at++
		if s.at < len(s.text) && (s.text[s.at] == '+' || s.text[s.at] == '-') {
			s.at++
		}
		if s.digits() == 0 {
			return s.unexpected("Exponent indicator not followed by a digit")
		}
	}
	if s.at < len(s.text) && isWord(s.text[s.at]) {
		return s.unexpected("Expected space separating root-level values")
	}
	return token{number, start, s.at}
}

func (s *scanner) digits() (n int) {
	for s.at < len(s.text) && s.text[s.at] >= '0' && s.text[s.at] <= '9' {
		s.at++
		n++
	}
	return n
}

// word reads true, false or null.
func (s *scanner) word() token {
	start := s.at
	for s.at < len(s.text) && isWord(s.text[s.at]) {
		s.at++
	}
	switch w := s.text[start:s.at]; w {
	case "true", "false", "null":
		s.phase = wantMore
		return token{literal, start, s.at}
	default:
		return s.fail("Unrecognized token '%s': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')", w)
	}
}

func isWord(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '$' || c >= utf8.RuneSelf
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

// content is what a name or text says.
func (s *scanner) content(t token) string {
	if t == s.last {
		s.read = true
	}
	return unquote(s.text[t.start+1 : t.end-1])
}

// raw is a token as it stands in the text.
func (s *scanner) raw(t token) string { return s.text[t.start:t.end] }

// unquote resolves the escapes of a string that scanner.string has accepted.
func unquote(in string) string {
	if strings.IndexByte(in, '\\') < 0 {
		return in
	}
	out := make([]byte, 0, len(in))
	for i := 0; i < len(in); i++ {
		if in[i] != '\\' {
			out = append(out, in[i])
			continue
		}
		i++
		switch in[i] {
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		case 'u':
			r := codeUnit(in[i+1:])
			i += 4
			if utf16.IsSurrogate(r) && strings.HasPrefix(in[i+1:], `\u`) {
				if both := utf16.DecodeRune(r, codeUnit(in[i+3:])); both != utf8.RuneError {
					r = both
					i += 6
				}
			}
			out = utf8.AppendRune(out, r)
		default:
			out = append(out, in[i])
		}
	}
	return string(out)
}

func codeUnit(hex string) rune {
	n, _ := strconv.ParseUint(hex[:4], 16, 16)
	return rune(n)
}

// unexpected fails on the character that comes next.
func (s *scanner) unexpected(expected string) token {
	if s.at == len(s.text) {
		return s.fail("Unexpected end-of-input")
	}
	c, _ := utf8.DecodeRuneInString(s.text[s.at:])
	return s.failAt(s.at, fmt.Sprintf("Unexpected character ('%c' (code %d)): %s", c, c, expected))
}

// fail refuses the text where the scanner stands.
func (s *scanner) fail(format string, args ...any) token {
	return s.failAt(s.at, fmt.Sprintf(format, args...))
}

// refuse refuses the text at the last token.
func (s *scanner) refuse(format string, args ...any) {
	s.failAt(s.position(), fmt.Sprintf(format, args...))
}

// position is how far AWS's parser has read when it gives out the last token:
// to the end of most, but of a text, whose value it reads when it is asked for,
// and of a name, behind which it has already begun with the value.
func (s *scanner) position() int {
	switch s.last.kind {
	case text:
		if !s.read {
			return s.last.start + 1
		}
	case name:
		ahead := *s
		ahead.depth = append([]byte(nil), s.depth...)
		if t := ahead.next(); t.kind == text {
			return t.start + 1
		} else if t.kind != bad {
			return t.end
		}
	}
	return s.last.end
}

func (s *scanner) failAt(at int, reason string) token {
	if s.err == nil {
		s.err = &Error{reason + s.location(at)}
	}
	return token{}
}

// shownSource is how much of the text an error quotes.
const shownSource = 500

// location says where in the text something is wrong.
func (s *scanner) location(at int) string {
	line, column := 1, 1
	for i, c := range s.text[:at] {
		switch {
		case c == '\n', c == '\r' && !strings.HasPrefix(s.text[i+1:], "\n"):
			line, column = line+1, 1
		case c > 0xffff:
			column += 2
		default:
			column++
		}
	}
	quoted := `"` + s.text + `"`
	if units := utf16.Encode([]rune(s.text)); len(units) > shownSource {
		quoted = fmt.Sprintf(`"%s"[truncated %d chars]`, string(utf16.Decode(units[:shownSource])), len(units)-shownSource)
	}
	return fmt.Sprintf("\n at [Source: (String)%s; line: %d, column: %d]", quoted, line, column)
}
