package sigv4

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

var (
	testNow   = time.Date(2025, 1, 1, 0, 10, 0, 0, time.UTC)
	testCreds = Credentials{AccessKeyID: "AKIAIOSFODNN7EXAMPLE", SecretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}
	testBody  = []byte("Action=GetCallerIdentity&Version=2011-06-15")
)

func testOptions() Options { return Options{Now: testNow, Service: "sts", Region: "us-east-1"} }

// newRequest is an unsigned request to STS, as a server sees it.
func newRequest(method, target string, body []byte) *http.Request {
	r := httptest.NewRequest(method, target, strings.NewReader(string(body)))
	r.Host = "sts.us-east-1.amazonaws.com"
	return r
}

// signedPost is a request to STS signed at testNow in its headers, after edit.
func signedPost(t testing.TB, edit func(r *http.Request)) *http.Request {
	t.Helper()
	r := newRequest("POST", "/", testBody)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	if edit != nil {
		edit(r)
	}
	if err := Sign(r, testBody, testCreds, "us-east-1", "sts", testNow); err != nil {
		t.Fatal(err)
	}
	return r
}

// presignedGet is a presigned request to STS, signed at testNow for an hour.
func presignedGet(t testing.TB, edit func(r *http.Request)) *http.Request {
	t.Helper()
	r := newRequest("GET", "/?Action=GetCallerIdentity&Version=2011-06-15", nil)
	if edit != nil {
		edit(r)
	}
	if err := Presign(r, nil, testCreds, "us-east-1", "sts", testNow, time.Hour); err != nil {
		t.Fatal(err)
	}
	return r
}

// verify reads and verifies a request with the right secret.
func verify(r *http.Request, body []byte, o Options) error {
	c, err := Read(r)
	if err != nil {
		return err
	}
	return c.Verify(r, body, testCreds.SecretAccessKey, o)
}

// wantReason fails unless err is an *Error with that reason.
func wantReason(t *testing.T, err error, want Reason) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || e.Reason != want {
		t.Errorf("got %v, want %v", err, want)
	}
}

// resign computes the signature of a request anew over the signed headers that
// it names, so that a test can break one thing without breaking the signature.
func resign(t *testing.T, r *http.Request, body []byte) {
	t.Helper()
	old := r.Header.Get("Authorization")
	cred := between(old, "Credential=", ",")
	signed := between(old, "SignedHeaders=", ",")
	part := strings.Split(cred, "/")
	s := Scope{part[0], part[1], part[2], part[3]}
	stamp := r.Header.Get("X-Amz-Date")
	if stamp == "" {
		d, err := http.ParseTime(r.Header.Get("Date"))
		if err != nil {
			t.Fatal(err)
		}
		stamp = d.UTC().Format(timeFormat)
	}
	sig, err := compute(r, strings.Split(signed, ";"), hexSHA256(body), stamp, s, testCreds.SecretAccessKey, modeFor(s.Service))
	if err != nil {
		t.Fatal(err)
	}
	setSignature(r, sig)
}

func setSignature(r *http.Request, sig string) {
	rest, _, _ := strings.Cut(r.Header.Get("Authorization"), "Signature=")
	r.Header.Set("Authorization", rest+"Signature="+sig)
}

// resignQuery does for a presigned request what resign does for the other form.
func resignQuery(t *testing.T, r *http.Request, service string) {
	t.Helper()
	q := r.URL.Query()
	part := strings.Split(q.Get("X-Amz-Credential"), "/")
	r.URL.RawQuery = dropParam(r.URL.RawQuery, "X-Amz-Signature")
	m := modeFor(service)
	m.presigned = true
	hash := hexSHA256(nil)
	if service == "s3" {
		hash = unsignedPayload
	}
	sig, err := compute(r, strings.Split(q.Get("X-Amz-SignedHeaders"), ";"), hash, q.Get("X-Amz-Date"),
		Scope{part[0], part[1], part[2], part[3]}, testCreds.SecretAccessKey, m)
	if err != nil {
		t.Fatal(err)
	}
	r.URL.RawQuery += "&X-Amz-Signature=" + sig
}

func between(s, after, before string) string {
	_, s, _ = strings.Cut(s, after)
	if before != "" {
		s, _, _ = strings.Cut(s, before)
	}
	return s
}

// editAuth replaces text in the Authorization header.
func editAuth(r *http.Request, old, new string) {
	r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), old, new, 1))
}

// editQuery replaces text in the query string.
func editQuery(r *http.Request, old, new string) {
	r.URL.RawQuery = strings.Replace(r.URL.RawQuery, old, new, 1)
}
