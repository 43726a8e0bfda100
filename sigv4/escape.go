package sigv4

import (
	"net/url"
	"strings"
)

const upperHex = "0123456789ABCDEF"

// unreserved are the bytes that AWS's UriEncode leaves alone: letters, digits
// and "-._~".
var unreserved = func() (t [256]bool) {
	for _, ch := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~") {
		t[ch] = true
	}
	return
}()

func appendEscaped(b []byte, ch byte) []byte {
	if unreserved[ch] {
		return append(b, ch)
	}
	return append(b, '%', upperHex[ch>>4], upperHex[ch&15])
}

// appendQueryEncoded appends a name or value of a query string, decoded and
// encoded again AWS's way.
func appendQueryEncoded(b []byte, s string) ([]byte, error) {
	for i := 0; i < len(s); i++ {
		switch ch := s[i]; ch {
		case '+':
			b = append(b, "%20"...)
		case '%':
			v, err := hexPair(s, i)
			if err != nil {
				return b, err
			}
			b = appendEscaped(b, v)
			i += 2
		default:
			b = appendEscaped(b, ch)
		}
	}
	return b, nil
}

// queryUnescape decodes a name or value of a query string. It costs nothing
// when there is nothing to decode.
func queryUnescape(s string) (string, error) {
	if strings.IndexByte(s, '%') < 0 && strings.IndexByte(s, '+') < 0 {
		return s, nil
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch ch := s[i]; ch {
		case '+':
			b = append(b, ' ')
		case '%':
			v, err := hexPair(s, i)
			if err != nil {
				return "", err
			}
			b = append(b, v)
			i += 2
		default:
			b = append(b, ch)
		}
	}
	return string(b), nil
}

func hexPair(s string, i int) (byte, error) {
	if i+2 >= len(s) {
		return 0, &Error{MalformedQueryString, "Incomplete trailing escape % sequence"}
	}
	hi, ok1 := hexValue(s[i+1])
	lo, ok2 := hexValue(s[i+2])
	if !ok1 || !ok2 {
		return 0, &Error{MalformedQueryString, "Illegal hex character in escape % pattern: " + s[i:i+3]}
	}
	return hi<<4 | lo, nil
}

func hexValue(ch byte) (byte, bool) {
	switch {
	case ch >= '0' && ch <= '9':
		return ch - '0', true
	case ch >= 'a' && ch <= 'f':
		return ch - 'a' + 10, true
	case ch >= 'A' && ch <= 'F':
		return ch - 'A' + 10, true
	}
	return 0, false
}

// wirePath is the path as it stood in the request line. A RawPath that does not
// decode to Path is not believed: handlers go by Path, so the signature must.
func wirePath(u *url.URL) (string, error) {
	p := u.RawPath
	if p == "" || !decodesTo(p, u.Path) {
		p = u.EscapedPath()
	}
	if p == "" {
		p = "/"
	}
	if p[0] != '/' || u.Opaque != "" {
		return "", errMismatch // "*" and the like: no service signs them
	}
	return p, nil
}

// decodesTo tells whether raw, percent-decoded, is path.
func decodesTo(raw, path string) bool {
	n := 0
	for i := 0; i < len(raw); i++ {
		ch := raw[i]
		if ch == '%' {
			v, err := hexPair(raw, i)
			if err != nil {
				return false
			}
			ch = v
			i += 2
		}
		if n >= len(path) || path[n] != ch {
			return false
		}
		n++
	}
	return n == len(path)
}

// normalizePath takes "." and ".." segments and empty segments out of a path
// (RFC 3986 section 6; AWS folds repeated slashes too).
func normalizePath(p string) string {
	if !strings.Contains(p, "//") && !strings.Contains(p, "/.") {
		return p
	}
	out := make([]byte, 0, len(p))
	for rest, more := p, true; more; {
		var seg string
		seg, rest, more = strings.Cut(rest, "/")
		switch seg {
		case "", ".":
		case "..":
			for len(out) > 0 {
				last := out[len(out)-1]
				out = out[:len(out)-1]
				if last == '/' {
					break
				}
			}
		default:
			out = append(out, '/')
			out = append(out, seg...)
		}
	}
	if len(out) == 0 || p[len(p)-1] == '/' {
		out = append(out, '/')
	}
	return string(out)
}

// appendCanonicalPath appends the canonical URI of a path as it stood in the
// request line.
func appendCanonicalPath(b []byte, p string, m mode) []byte {
	if m.normalize {
		p = normalizePath(p)
	}
	for i := 0; i < len(p); i++ {
		ch := p[i]
		if ch == '/' {
			b = append(b, ch)
			continue
		}
		if ch == '%' && !m.double {
			// Encoded once: decode what the client encoded and encode it AWS's
			// way. "%2F" stays itself and is never the same as "/".
			if v, err := hexPair(p, i); err == nil {
				ch = v
				i += 2
			}
		}
		b = appendEscaped(b, ch)
	}
	return b
}
