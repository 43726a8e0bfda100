package audit

import (
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"unicode/utf8"
)

// writer appends JSON. Every method appends to buf and gives the writer back.
type writer struct {
	buf       []byte
	resources []Resource // met on the way
}

// writers are reused, with the memory that they have grown, up to maxKept.
var writers = sync.Pool{New: func() any { return &writer{buf: make([]byte, 0, 4096)} }}

const maxKept = 256 << 10

func (w *writer) reset() {
	clear(w.resources)
	w.buf, w.resources = w.buf[:0], w.resources[:0]
}

func (w *writer) free() {
	if w.reset(); cap(w.buf) <= maxKept {
		writers.Put(w)
	}
}

// raw appends what is JSON already.
func (w *writer) raw(s string) *writer {
	w.buf = append(w.buf, s...)
	return w
}

// key begins a member of an object whose name needs no escaping.
func (w *writer) key(name string) *writer {
	b := w.buf
	if b[len(b)-1] != '{' {
		b = append(b, ',')
	}
	b = append(append(append(b, '"'), name...), '"', ':')
	w.buf = b
	return w
}

// anyKey begins a member of an object whose name is somebody's text.
func (w *writer) anyKey(name string) *writer {
	if w.buf[len(w.buf)-1] != '{' {
		w.buf = append(w.buf, ',')
	}
	return w.text(name).raw(":")
}

// item begins an item of a list.
func (w *writer) item() *writer {
	if w.buf[len(w.buf)-1] != '[' {
		w.buf = append(w.buf, ',')
	}
	return w
}

// text appends a string.
func (w *writer) text(s string) *writer {
	w.buf = append(appendText(append(w.buf, '"'), s), '"')
	return w
}

// part appends text inside of a string.
func (w *writer) part(s string) *writer {
	w.buf = appendText(w.buf, s)
	return w
}

// appendText appends text inside of a string. What is not UTF-8 becomes U+FFFD.
func appendText(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	done := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c < utf8.RuneSelf && c != '"' && c != '\\' {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			if r, size := utf8.DecodeRuneInString(s[i:]); r != utf8.RuneError || size > 1 {
				i += size
				continue
			}
		}
		b = append(b, s[done:i]...)
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c == '\n':
			b = append(b, '\\', 'n')
		case c == '\r':
			b = append(b, '\\', 'r')
		case c == '\t':
			b = append(b, '\\', 't')
		case c < ' ':
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			b = append(b, "\uFFFD"...)
		}
		i++
		done = i
	}
	return append(b, s[done:]...)
}

func (w *writer) bool(v bool) *writer {
	w.buf = strconv.AppendBool(w.buf, v)
	return w
}

func (w *writer) address(a netip.Addr) *writer {
	w.raw(`"`)
	if a.IsValid() {
		w.buf = a.WithZone("").AppendTo(w.buf)
	}
	return w.raw(`"`)
}

// maxName is the length beyond which a text is no resource's name: ARNs have 2,048
// characters at most, and inputs that fail validation may have anything.
const maxName = 4 * 2048

// met notes a resource of the event, once.
func (w *writer) met(r Resource) {
	if len(r.Name) <= maxName && !slices.Contains(w.resources, r) {
		w.resources = append(w.resources, r)
	}
}

// cut shortens a text to what CloudTrail keeps of it, at a character's end.
func cut(s string) string {
	if len(s) <= maxText {
		return s
	}
	end := maxText
	for end > maxText-utf8.UTFMax && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end]
}
