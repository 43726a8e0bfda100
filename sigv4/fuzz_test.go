package sigv4

import (
	"bytes"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// FuzzSignVerify: what Sign and Presign make always verifies, and no longer
// does when one byte of the method, path, query, a signed header or the body
// is another. AWS's canonical form takes some spellings for the same; a change
// of spelling alone is told apart by what it decodes to.
func FuzzSignVerify(f *testing.F) {
	f.Add("GET", "/", "", "v", []byte(""), false, uint(0), byte(1))
	f.Add("POST", "/a b/../c//%2F", "a=1&b=%20&c", " x  y ", []byte("body"), true, uint(7), byte(32))
	f.Add("PUT", "/é", "a=b=c&&=&+", "\xff\x00", []byte{0, 255}, false, uint(3), byte(128))
	f.Fuzz(func(t *testing.T, method, path, query, header string, body []byte, presign bool, at uint, flip byte) {
		for _, service := range []string{"sts", "s3"} {
			u := &url.URL{Path: path, RawQuery: query}
			if strings.Contains(path, "%") {
				if raw, err := url.PathUnescape(path); err == nil {
					u.Path, u.RawPath = raw, path
				}
			}
			r := &http.Request{Method: method, Host: "example.com", URL: u, Header: http.Header{"My-Header": {header}}}
			var err error
			if presign {
				err = Presign(r, body, testCreds, "us-east-1", service, testNow, time.Minute)
			} else {
				err = Sign(r, body, testCreds, "us-east-1", service, testNow)
			}
			if err != nil {
				continue // a path without a slash, a query that does not decode
			}
			o := testOptions()
			o.Service = service
			if err := verify(r, body, o); err != nil {
				t.Fatalf("%s: %q %q %q: %v", service, method, path, query, err)
			}
			if flip == 0 {
				continue
			}

			if other := r.Clone(t.Context()); method != "" {
				other.Method = flipped(method, at, flip)
				mustFail(t, "method", other, body, o)
			}
			if p := r.URL.Path; p != "" {
				other := r.Clone(t.Context())
				other.URL.Path, other.URL.RawPath = flipped(p, at, flip), ""
				a, errA := wirePath(r.URL)
				b, errB := wirePath(other.URL)
				if errA == nil && errB == nil && (service == "s3" || normalizePath(a) != normalizePath(b)) {
					mustFail(t, "path", other, body, o)
				}
			}
			if raw := r.URL.RawQuery; raw != "" {
				other := r.Clone(t.Context())
				other.URL.RawQuery = flipped(raw, at, flip)
				if !sameQuery(raw, other.URL.RawQuery) {
					mustFail(t, "query", other, body, o)
				}
			}
			if header != "" {
				other := r.Clone(t.Context())
				other.Header.Set("My-Header", flipped(header, at, flip))
				if string(appendFolded(nil, other.Header.Get("My-Header"))) != string(appendFolded(nil, header)) {
					mustFail(t, "header", other, body, o)
				}
			}
			if len(body) > 0 && !(presign && service == "s3") {
				mustFail(t, "body", r, []byte(flipped(string(body), at, flip)), o)
			}
		}
	})
}

func mustFail(t *testing.T, what string, r *http.Request, body []byte, o Options) {
	t.Helper()
	if verify(r, body, o) == nil {
		t.Fatalf("verifies with another %s: %s %q %q %q", what, r.Method, r.URL.Path, r.URL.RawQuery, r.Header)
	}
}

func flipped(s string, at uint, flip byte) string {
	b := []byte(s)
	b[at%uint(len(b))] ^= flip
	return string(b)
}

// sameQuery tells whether two query strings mean the same to a handler, by
// net/url's decoder: the same values in the same number for every name. The
// order between values of one name is the one thing that AWS does not sign.
func sameQuery(a, b string) bool {
	x, errX := url.ParseQuery(a)
	y, errY := url.ParseQuery(b)
	if errX != nil || errY != nil || len(x) != len(y) {
		return errX != nil || errY != nil // net/url refuses ";", which AWS signs as a byte
	}
	for k := range x {
		if !slices.Equal(slices.Sorted(slices.Values(x[k])), slices.Sorted(slices.Values(y[k]))) {
			return false
		}
	}
	return true
}

// FuzzRead: no request makes Read or Verify panic, nothing verifies that was
// not signed, and a claim that Read returns keeps what it promises.
func FuzzRead(f *testing.F) {
	f.Add("AWS4-HMAC-SHA256 Credential=A/20250101/us-east-1/sts/aws4_request, SignedHeaders=host;x-amz-date, Signature=00", "20250101T001000Z", "", "/")
	f.Add("", "", "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=A%2F20250101%2Fus-east-1%2Fsts%2Faws4_request&X-Amz-Date=20250101T001000Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature=00", "/a/../b")
	f.Add("Bearer x", "", "a=%zz", "*")
	f.Fuzz(func(t *testing.T, auth, date, query, path string) {
		r := &http.Request{Method: "GET", Host: "h", URL: &url.URL{Path: path, RawPath: path, RawQuery: query}, Header: http.Header{}}
		if auth != "" {
			r.Header.Set("Authorization", auth)
		}
		if date != "" {
			r.Header.Set("X-Amz-Date", date)
		}
		c, err := Read(r)
		if err != nil {
			if _, ok := err.(*Error); !ok || c != nil {
				t.Fatalf("%T %v %v", err, err, c)
			}
			if err == error(ErrMissing) && auth != "" {
				t.Fatal("taken for anonymous")
			}
			return
		}
		if !c.Signed("host") || c.Date != c.Time.Format("20060102") || c.Path == "" || c.Path[0] != '/' || c.AccessKeyID == "" || c.Region == "" {
			t.Fatalf("%+v", c)
		}
		for i := 1; i < len(c.SignedHeaders); i++ {
			if c.SignedHeaders[i-1] >= c.SignedHeaders[i] {
				t.Fatalf("%q", c.SignedHeaders)
			}
		}
		if c.Verify(r, nil, "a secret that the fuzzer does not know", Options{Now: c.Time, Service: c.Service}) == nil {
			t.Fatal("verifies")
		}
	})
}

// FuzzNormalizePath: a normal path has no dot or empty segments left, keeps its
// leading slash, and stays as it is when normalised again.
func FuzzNormalizePath(f *testing.F) {
	for _, p := range []string{"/", "/a/../..", "//", "/./a/.", "/..a/.b./", "/a/..//../b"} {
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, p string) {
		p = "/" + p
		n := normalizePath(p)
		if n[0] != '/' || normalizePath(n) != n {
			t.Fatalf("%q → %q → %q", p, n, normalizePath(n))
		}
		for seg := range bytes.SplitSeq([]byte(strings.TrimSuffix(n[1:], "/")), []byte("/")) {
			if n != "/" && (len(seg) == 0 || string(seg) == "." || string(seg) == "..") {
				t.Fatalf("%q → %q", p, n)
			}
		}
	})
}
