package wire

import (
	"cmp"
	"mime"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/warder-iam/warder/internal/awserr"
)

const (
	// MaxParams is how many parameters a request may have. AWS documents no
	// number; the longest legitimate requests (simulations over many actions
	// and resources) have a few thousand.
	MaxParams = 10_000

	// maxNameLen bounds a parameter's name, and with it how deeply a request
	// can nest. The longest name a model gives rise to has about 100 bytes.
	maxNameLen = 512
)

const (
	codeMalformedInput       = "MalformedInput"
	codeMalformedHTTPRequest = "MalformedHttpRequestException"
)

// A Form is the parameters of a query protocol request. The strings in it
// share one copy of the request; inputs decoded from it have their own.
type Form struct {
	params []param // sorted by name; no name comes twice
}

type param struct{ name, value string }

// Get is the value of the parameter with exactly this name.
func (f Form) Get(name string) (value string, ok bool) {
	i, ok := slices.BinarySearchFunc(f.params, name, func(p param, name string) int {
		return cmp.Compare(p.name, name)
	})
	if !ok {
		return "", false
	}
	return f.params[i].value, true
}

// Len is the number of parameters.
func (f Form) Len() int { return len(f.params) }

// ParseForm reads the parameters of a request from its body and from the query
// of its URL; the protocol allows either. A parameter that comes twice, in one
// or across both, is refused: whichever of the two a check looked at, another
// could be acted on. Presigned requests carry their X-Amz- parameters in the
// query beside a form in the body, which is fine.
func ParseForm(body []byte, rawQuery, contentType string) (Form, error) {
	if len(body) > 0 {
		if err := checkContentType(contentType); err != nil {
			return Form{}, err
		}
	}
	p := formParser{
		params: make([]span, 0, min(countPairs(rawQuery)+countPairs(body), MaxParams)),
	}
	p.text.Grow(len(rawQuery) + len(body))
	if err := parsePairs(&p, rawQuery); err != nil {
		return Form{}, err
	}
	if err := parsePairs(&p, body); err != nil {
		return Form{}, err
	}
	return p.form()
}

// checkContentType refuses bodies that are not forms, rather than reading as a
// form what was meant as something else. AWS's common errors have
// MalformedHttpRequestException for what is wrong at the level of HTTP.
func checkContentType(contentType string) error {
	switch contentType {
	case "application/x-www-form-urlencoded", "application/x-www-form-urlencoded; charset=utf-8":
		return nil // what SDKs send, without the work of parsing it
	}
	kind, attrs, err := mime.ParseMediaType(contentType)
	if err != nil || kind != "application/x-www-form-urlencoded" {
		return awserr.New(codeMalformedHTTPRequest,
			"The Content-Type of a request with a body must be application/x-www-form-urlencoded.")
	}
	if charset, ok := attrs["charset"]; ok && !strings.EqualFold(charset, "utf-8") {
		return awserr.New(codeMalformedHTTPRequest, "The charset of the Content-Type must be utf-8.")
	}
	return nil
}

// formParser unescapes all names and values into one text and cuts it up at
// the end, so that a request costs two allocations, not two per parameter.
type formParser struct {
	text   strings.Builder
	params []span
}

// span is where a parameter stands in the text: its name from start to mid,
// its value from mid to end.
type span struct{ start, mid, end int }

func countPairs[T string | []byte](text T) int {
	if len(text) == 0 {
		return 0
	}
	n := 1
	for i := range len(text) {
		if text[i] == '&' {
			n++
		}
	}
	return n
}

func parsePairs[T string | []byte](p *formParser, text T) error {
	for start := 0; start < len(text); {
		end := start
		equals := -1
		for ; end < len(text) && text[end] != '&'; end++ {
			if text[end] == '=' && equals < 0 {
				equals = end
			}
		}
		if end == start { // as in "a=1&&b=2"
			start++
			continue
		}
		if equals < 0 {
			equals = end
		}
		s := span{start: p.text.Len()}
		if err := unescape(&p.text, text, start, equals); err != nil {
			return err
		}
		s.mid = p.text.Len()
		if equals < end {
			if err := unescape(&p.text, text, equals+1, end); err != nil {
				return err
			}
		}
		s.end = p.text.Len()
		switch {
		case s.mid == s.start:
			return malformedQuery("A parameter has no name")
		case s.mid-s.start > maxNameLen:
			return malformedQuery("The name of a parameter is longer than %d bytes", maxNameLen)
		case len(p.params) == MaxParams:
			return malformedQuery("The request has more than %d parameters", MaxParams)
		}
		p.params = append(p.params, s)
		start = end + 1
	}
	return nil
}

func unescape[T string | []byte](to *strings.Builder, text T, start, end int) error {
	for i := start; i < end; i++ {
		switch c := text[i]; c {
		case '+':
			to.WriteByte(' ')
		case '%':
			if i+2 >= end {
				return malformedQuery("The percent-encoding is invalid")
			}
			high, ok1 := unhex(text[i+1])
			low, ok2 := unhex(text[i+2])
			if !ok1 || !ok2 {
				return malformedQuery("The percent-encoding is invalid")
			}
			to.WriteByte(high<<4 | low)
			i += 2
		default:
			to.WriteByte(c)
		}
	}
	return nil
}

func unhex(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}

// form cuts the text into parameters and sorts them, so that those of one
// structure or list stand together.
func (p *formParser) form() (Form, error) {
	text := p.text.String()
	f := Form{params: make([]param, len(p.params))}
	for i, s := range p.params {
		name, value := text[s.start:s.mid], text[s.mid:s.end]
		// Names and values are looked at singly: two halves of a character
		// that only meet in the text are no character.
		if !utf8.ValidString(name) || !utf8.ValidString(value) {
			return Form{}, malformedQuery("The request is not valid UTF-8")
		}
		f.params[i] = param{name, value}
	}
	slices.SortFunc(f.params, func(a, b param) int { return cmp.Compare(a.name, b.name) })
	for i := 1; i < len(f.params); i++ {
		if f.params[i].name == f.params[i-1].name {
			return Form{}, malformedQuery("The parameter %s is given more than once", clip(f.params[i].name, 64))
		}
	}
	return f, nil
}

func malformedQuery(format string, args ...any) error {
	return awserr.New(awserr.CodeMalformedQueryString, format, args...)
}

// clip cuts a text of the caller's for use in a message, at a character.
func clip(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	for limit > 0 && !utf8.RuneStart(text[limit]) {
		limit--
	}
	return text[:limit] + "..."
}
