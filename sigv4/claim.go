package sigv4

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// Scope is what a signature is good for: one key, day, region and service.
type Scope struct {
	AccessKeyID string
	Date        string // yyyymmdd
	Region      string
	Service     string
}

// String is the credential scope as it stands in the string to sign, without
// the access key id.
func (s Scope) String() string {
	return s.Date + "/" + s.Region + "/" + s.Service + "/" + terminator
}

// A Claim is what a request says of its own signature. It is made by Read
// alone; no field is to be trusted before Verify, least of all AccessKeyID.
type Claim struct {
	Scope
	SignedHeaders []string      // lower case, ascending, each once
	Signature     string        // as sent
	Time          time.Time     // when the request says that it was signed
	SessionToken  string        // X-Amz-Security-Token, or ""
	Presigned     bool          // the signature is in the query string
	Expires       time.Duration // how long a presigned request lasts; 0 when it does not say

	// Path is the path that the signature covers, still percent-encoded: for
	// services other than S3 with dot segments and repeated slashes taken out.
	// Route and authorize on this path, not on r.URL.Path, so that no two parts
	// of a server see two different paths in one signed request.
	Path string

	stamp       string // Time in timeFormat
	contentHash string // the declared X-Amz-Content-Sha256, or ""
	mode        mode
	names       [12]string // the room SignedHeaders usually needs
}

// Signed tells whether the signature covers the header of that name. The name
// is in lower case.
func (c *Claim) Signed(name string) bool {
	_, found := slices.BinarySearch(c.SignedHeaders, name)
	return found
}

// UnsignedPayload tells that the signature says nothing about the body, as S3
// allows.
func (c *Claim) UnsignedPayload() bool { return c.declaredHash() == unsignedPayload }

// Read finds the signature of a request and takes it apart. It returns
// ErrMissing for an anonymous request and another *Error for one whose
// authentication is malformed, ambiguous, of another kind, or does not cover
// the headers that it must: host and every x-amz-* header that was sent, and
// for S3 content-type
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html,
// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html).
//
// r is a request as net/http's server hands it over. Read does not touch the
// body.
func Read(r *http.Request) (*Claim, error) {
	q, err := readQuery(r.URL.RawQuery)
	if err != nil {
		return nil, err
	}
	inHeader := len(r.Header["Authorization"]) > 0
	if !inHeader && !q.any {
		return nil, ErrMissing
	}
	if inHeader && q.any {
		return nil, &Error{AmbiguousAuthentication,
			"Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header."}
	}
	for _, name := range onceOnly {
		if len(r.Header[name]) > 1 {
			return nil, &Error{AmbiguousAuthentication, "The request has more than one '" + name + "' header."}
		}
	}

	c := &Claim{Presigned: q.any}
	if inHeader {
		err = c.readHeader(r, r.Header["Authorization"][0])
	} else {
		err = c.readPresigned(r, &q)
	}
	if err != nil {
		return nil, err
	}
	c.mode = modeFor(c.Service)
	c.mode.presigned = c.Presigned
	if err := c.checkSigned(r); err != nil {
		return nil, err
	}
	path, err := wirePath(r.URL)
	if err != nil {
		return nil, err
	}
	if c.mode.normalize {
		path = normalizePath(path)
	}
	c.Path = path
	return c, nil
}

// onceOnly are the headers that say who calls, when, and what is called. Two of
// one kind are refused, since two readers could each take another one.
var onceOnly = [...]string{
	"Authorization", "Content-Type", "Date",
	"X-Amz-Content-Sha256", "X-Amz-Date", "X-Amz-Security-Token", "X-Amz-Target",
}

// setCredential takes keyid/date/region/service/aws4_request apart. It needs
// c.stamp.
func (c *Claim) setCredential(s string) error {
	var part [5]string
	rest, n := s, 0
	for more := true; more; n++ {
		var p string
		p, rest, more = strings.Cut(rest, "/")
		if n >= len(part) || !isScopePart(p) {
			n = 0
			break
		}
		part[n] = p
	}
	if n != len(part) {
		return incomplete("Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '" + clip(s) + "'")
	}
	c.Scope = Scope{AccessKeyID: part[0], Date: part[1], Region: part[2], Service: part[3]}
	if part[4] != terminator {
		return &Error{InvalidScope, "Credential should be scoped with a valid terminator: 'aws4_request', not '" + clip(part[4]) + "'."}
	}
	if day := c.stamp[:8]; c.Date != day {
		return &Error{InvalidScope, "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '" +
			clip(c.Date) + "' != '" + day + "', from '" + c.stamp + "'."}
	}
	return nil
}

// isScopePart tells whether s may stand in a credential scope: something, in
// visible ASCII. A line break, which a query string can hold, would move the
// lines of the string to sign.
func isScopePart(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return s != ""
}

// setSignedHeaders takes the list of signed headers apart. AWS's specification
// has the names in lower case and sorted; a list in any other shape is refused,
// so that a name can neither hide from Signed nor stand there twice.
func (c *Claim) setSignedHeaders(s string) error {
	names := c.names[:0]
	for rest, more := s, true; more; {
		var name string
		name, rest, more = strings.Cut(rest, ";")
		if !isHeaderName(name) || len(names) > 0 && names[len(names)-1] >= name {
			return incomplete("'SignedHeaders' must be lower-case header names in ascending order, separated by semicolons.")
		}
		names = append(names, name)
	}
	c.SignedHeaders = names
	return nil
}

// isHeaderName tells whether s is an HTTP token without upper-case letters.
func isHeaderName(s string) bool {
	for i := range len(s) {
		ch := s[i]
		if ch >= 'a' && ch <= 'z' || ch >= '0' && ch <= '9' {
			continue
		}
		if strings.IndexByte("-_.!#$%&'*+^`|~", ch) < 0 {
			return false
		}
	}
	return s != ""
}

// setTime reads a date in the ISO 8601 basic format, and nothing but that.
func (c *Claim) setTime(s string) error {
	t, err := time.Parse(timeFormat, s)
	if err != nil || len(s) != len(timeFormat) { // time.Parse lets fractions of a second pass
		return incomplete("Date must be in ISO-8601 'basic format'. Got '" + clip(s) + "'. See http://en.wikipedia.org/wiki/ISO_8601")
	}
	c.Time, c.stamp = t, s
	return nil
}

// checkSigned refuses a request that carries a header which has to be signed
// and is not.
func (c *Claim) checkSigned(r *http.Request) error {
	if !c.Signed("host") {
		return errUnsigned("host")
	}
	var room [64]byte
	for name := range r.Header {
		if len(name) < 6 || !strings.EqualFold(name[:6], "x-amz-") {
			continue
		}
		if !c.signedBytes(appendLower(room[:0], name)) {
			return errUnsigned(name)
		}
	}
	if c.Service == "s3" && len(r.Header["Content-Type"]) > 0 && !c.Signed("content-type") {
		return errUnsigned("Content-Type")
	}
	return nil
}

// signedBytes is Signed for a name that is no string yet. The search is binary,
// so that a request with very many headers costs no square of them.
func (c *Claim) signedBytes(name []byte) bool {
	lo, hi := 0, len(c.SignedHeaders)
	for lo < hi {
		mid := (lo + hi) / 2
		switch s := c.SignedHeaders[mid]; {
		case s == string(name):
			return true
		case s < string(name):
			lo = mid + 1
		default:
			hi = mid
		}
	}
	return false
}

func appendLower(b []byte, s string) []byte {
	for i := range len(s) {
		ch := s[i]
		if ch >= 'A' && ch <= 'Z' {
			ch += 'a' - 'A'
		}
		b = append(b, ch)
	}
	return b
}
