package wire

import (
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"

	"github.com/warder-iam/warder/internal/api"
)

// A matcher tells whether a whole value matches a model's pattern.
//
// The patterns are Java's. What the models use of Java is the same in Go's
// RE2 but for \uXXXX and two look-aheads; \w and \d are ASCII in both, and with (?s) in
// front a dot is any character. Anything else that would mean something different
// is refused by translate, and a test compiles every pattern of every model.
type matcher struct {
	set    *runeSet // for a pattern that is one class, repeated; nil otherwise
	some   bool     // the class must occur once at least
	re     *regexp.Regexp
	forbid string // what the value may not contain besides
	filled bool   // whether it must have more than white space
}

func (m *matcher) match(s string) bool {
	if m.set != nil {
		return (s != "" || !m.some) && m.set.all(s)
	}
	return m.re.MatchString(s) && (m.forbid == "" || !strings.Contains(s, m.forbid)) && (!m.filled || strings.Trim(s, " \t\n\v\f\r") != "")
}

// mustCompile makes the matcher of a shape's pattern; nil if it has none.
func mustCompile(shape *api.Shape) *matcher {
	if shape.Pattern == "" {
		return nil
	}
	m, err := compile(shape.Pattern)
	if err != nil {
		panic(fmt.Sprintf("wire: pattern of %s: %v", shape.Name, err))
	}
	return m
}

func compile(java string) (*matcher, error) {
	m := &matcher{}
	if java == aliasPattern {
		// The look-ahead says that no hyphen is followed by a hyphen. The
		// value begins and ends with something else, so a value is refused
		// for it exactly when it has two hyphens in a row.
		java = strings.Replace(java, "(?!-)", "", 1)
		m.forbid = "--"
	}
	java, m.filled = strings.CutPrefix(java, notBlank)
	expr, err := translate(java)
	if err != nil {
		return nil, err
	}
	// Most patterns are one character class, repeated. On a policy of 100 kB
	// a look-up for each character is much faster than a regexp.
	parsed, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return nil, err
	}
	if (parsed.Op == syntax.OpPlus || parsed.Op == syntax.OpStar) && parsed.Sub[0].Op == syntax.OpCharClass {
		m.set = newRuneSet(parsed.Sub[0].Rune)
		m.some = parsed.Op == syntax.OpPlus
		return m, nil
	}
	m.re, err = regexp.Compile(`\A(?:` + expr + `)\z`)
	return m, err
}

// aliasPattern is IAM's accountAliasType.
const aliasPattern = `^[a-z0-9]([a-z0-9]|-(?!-)){1,61}[a-z0-9]$`

// notBlank is a look-ahead that some patterns of EventBridge begin with.
const notBlank = `^(?!\s*$)`

// translate writes a Java pattern as RE2.
//
// A \u takes four hexadecimal digits in Java, so that the \u10000-\u10FFFF of
// STS's arnType would mean U+1000, "0" to U+10FF and two Fs. What was meant is
// the characters beyond U+FFFF, and that is what is read here.
func translate(java string) (string, error) {
	var b strings.Builder
	inClass := false
	for i := 0; i < len(java); i++ {
		c := java[i]
		switch {
		case c == '\\' && i+1 < len(java):
			i++
			if java[i] != 'u' {
				if !strings.ContainsRune(`wdpPDWsStnrx.-_/:+=\^$*?()[]{}|,@`, rune(java[i])) {
					return "", fmt.Errorf("\\%c is not known to mean the same in Go", java[i])
				}
				if java[i] == 'x' && strings.HasPrefix(java[i+1:], "{") {
					return "", fmt.Errorf("\\x of more than two digits")
				}
				b.WriteByte('\\')
				b.WriteByte(java[i])
				continue
			}
			digits := 0
			for i+1+digits < len(java) && digits < 6 {
				if _, ok := unhex(java[i+1+digits]); !ok {
					break
				}
				digits++
			}
			if digits < 4 {
				return "", fmt.Errorf("a \\u without four digits")
			}
			code, _ := strconv.ParseInt(java[i+1:i+1+digits], 16, 32)
			i += digits
			if low := java[i+1:]; utf16.IsSurrogate(rune(code)) && len(low) >= 6 && strings.HasPrefix(low, `\u`) { // half of a character
				second, err := strconv.ParseInt(low[2:6], 16, 32)
				if err != nil {
					return "", err
				}
				code = int64(utf16.DecodeRune(rune(code), rune(second)))
				i += 6
			}
			fmt.Fprintf(&b, `\x{%X}`, code)
			continue
		case inClass && c == '[', inClass && c == '&' && strings.HasPrefix(java[i:], "&&"):
			return "", fmt.Errorf("an operation on classes, which Go has not")
		case c == '[':
			inClass = true
		case c == ']':
			inClass = false
		case !inClass && c == '(' && strings.HasPrefix(java[i:], "(?") && !strings.HasPrefix(java[i:], "(?:") && !(i == 0 && strings.HasPrefix(java, "(?s)")):
			return "", fmt.Errorf("a group of a special kind")
		}
		b.WriteByte(c)
	}
	return b.String(), nil
}

// runeSet is a set of characters.
type runeSet struct {
	low    [256]bool
	ranges []rune // pairs of first and last, in order
}

func newRuneSet(ranges []rune) *runeSet {
	s := &runeSet{ranges: ranges}
	for r := range rune(len(s.low)) {
		s.low[r] = s.find(r)
	}
	return s
}

func (s *runeSet) find(r rune) bool {
	i, exact := slices.BinarySearch(s.ranges, r)
	return exact || i%2 == 1
}

func (s *runeSet) all(text string) bool {
	for _, r := range text {
		if r <= unicode.MaxLatin1 {
			if !s.low[r] {
				return false
			}
		} else if !s.find(r) {
			return false
		}
	}
	return true
}
