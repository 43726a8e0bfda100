package sigv4

import (
	"bytes"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// mode is how a service canonicalises.
type mode struct {
	normalize bool // take dot segments and repeated slashes out of the path
	double    bool // encode the path as it stood in the request once more
	presigned bool // X-Amz-Signature is no part of what is signed
}

// modeFor is the mode of a service: S3 takes a path as it is, since "a//b" and
// "a/../b" are names of objects there; every other service normalises it and
// encodes it twice.
func modeFor(service string) mode {
	if service == "s3" {
		return mode{}
	}
	return mode{normalize: true, double: true}
}

// appendCanonical appends the canonical request. signed is sorted; contentHash
// is the last line.
func appendCanonical(b []byte, r *http.Request, signed []string, contentHash []byte, m mode) ([]byte, error) {
	b = append(b, r.Method...)
	b = append(b, '\n')
	path, err := wirePath(r.URL)
	if err != nil {
		return b, err
	}
	b = appendCanonicalPath(b, path, m)
	b = append(b, '\n')
	if b, err = appendCanonicalQuery(b, r.URL.RawQuery, m.presigned); err != nil {
		return b, err
	}
	b = append(b, '\n')
	for _, name := range signed {
		b = append(b, name...)
		b = append(b, ':')
		if b, err = appendCanonicalHeader(b, r, name); err != nil {
			return b, err
		}
		b = append(b, '\n')
	}
	b = append(b, '\n')
	for i, name := range signed {
		if i > 0 {
			b = append(b, ';')
		}
		b = append(b, name...)
	}
	b = append(b, '\n')
	return append(b, contentHash...), nil
}

// appendCanonicalHeader appends the value of a signed header: its values
// trimmed, runs of white space in them folded to one space, joined with commas
// in the order in which they came. A header that is signed but was not sent is
// refused, since it would read the same as one sent empty.
func appendCanonicalHeader(b []byte, r *http.Request, name string) ([]byte, error) {
	if name == "host" {
		if host := requestHost(r); host != "" {
			return append(b, host...), nil // the port too, exactly as it was sent
		}
		return b, errMismatch
	}
	var room [64]byte
	values, sent := r.Header[string(appendHeaderKey(room[:0], name))]
	if !sent {
		return appendMovedHeader(b, r, name)
	}
	for i, v := range values {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendFolded(b, v)
	}
	return b, nil
}

// appendMovedHeader appends the headers that net/http keeps in fields of the
// request.
func appendMovedHeader(b []byte, r *http.Request, name string) ([]byte, error) {
	switch {
	case name == "content-length" && r.ContentLength >= 0:
		return strconv.AppendInt(b, r.ContentLength, 10), nil
	case name == "transfer-encoding" && len(r.TransferEncoding) > 0:
		return append(b, strings.Join(r.TransferEncoding, ",")...), nil
	}
	return b, errMismatch
}

func requestHost(r *http.Request) string {
	if r.Host != "" {
		return r.Host
	}
	return r.URL.Host
}

// appendHeaderKey appends the key under which net/http keeps a header that came
// in under any spelling of name.
func appendHeaderKey(b []byte, name string) []byte {
	up := true
	for i := range len(name) {
		ch := name[i]
		if up && ch >= 'a' && ch <= 'z' {
			ch -= 'a' - 'A'
		}
		up = ch == '-'
		b = append(b, ch)
	}
	return b
}

func appendFolded(b []byte, v string) []byte {
	start, space := len(b), false
	for i := range len(v) {
		ch := v[i]
		if ch == ' ' || ch >= '\t' && ch <= '\r' {
			space = true
			continue
		}
		if space && len(b) > start {
			b = append(b, ' ')
		}
		space = false
		b = append(b, ch)
	}
	return b
}

// span is one encoded query parameter in a buffer: key up to eq, value after it.
type span struct{ start, eq, end int }

// appendCanonicalQuery appends the query string with every name and value
// decoded, as a handler will see it ("+" is a space), encoded AWS's way and
// sorted by encoded name, then by encoded value. Empty pairs are dropped, as
// they are by every decoder of queries.
func appendCanonicalQuery(b []byte, raw string, presigned bool) ([]byte, error) {
	if raw == "" {
		return b, nil
	}
	var (
		encRoom  [1536]byte
		spanRoom [24]span
		enc      = encRoom[:0]
		spans    = spanRoom[:0]
		err      error
	)
	for raw != "" {
		var pair string
		pair, raw, _ = strings.Cut(raw, "&")
		if pair == "" {
			continue
		}
		key, value, _ := strings.Cut(pair, "=")
		s := span{start: len(enc)}
		if enc, err = appendQueryEncoded(enc, key); err != nil {
			return b, err
		}
		s.eq = len(enc)
		if presigned && string(enc[s.start:s.eq]) == "X-Amz-Signature" {
			enc = enc[:s.start]
			continue
		}
		if enc, err = appendQueryEncoded(enc, value); err != nil {
			return b, err
		}
		s.end = len(enc)
		spans = append(spans, s)
	}
	slices.SortFunc(spans, func(x, y span) int {
		if c := bytes.Compare(enc[x.start:x.eq], enc[y.start:y.eq]); c != 0 {
			return c
		}
		return bytes.Compare(enc[x.eq:x.end], enc[y.eq:y.end])
	})
	for i, s := range spans {
		if i > 0 {
			b = append(b, '&')
		}
		b = append(b, enc[s.start:s.eq]...)
		b = append(b, '=')
		b = append(b, enc[s.eq:s.end]...)
	}
	return b, nil
}
