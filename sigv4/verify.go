package sigv4

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// DefaultMaxSkew is how far a request's time may be from the verifier's: the
// five minutes of IAM and STS
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html).
const DefaultMaxSkew = 5 * time.Minute

// Options are what a signature is verified against.
type Options struct {
	Now     time.Time     // the verifier's time; needed
	Service string        // the service that the request reached; needed
	Region  string        // the region it reached; "" accepts any
	MaxSkew time.Duration // 0 is DefaultMaxSkew
	Keys    *KeyCache     // remembers derived keys; may be nil
}

func (o *Options) skew() time.Duration {
	if o.MaxSkew > 0 {
		return o.MaxSkew
	}
	return DefaultMaxSkew
}

// Check refuses a claim that no secret could make right: for another service or
// region, or out of its time. AWS answers these before it looks at the access
// key, so a server calls Check between Read and its look-up; Verify checks
// again. A nil error means nothing but that Verify is worth a try.
func (c *Claim) Check(o Options) error {
	if err := c.checkTime(&o); err != nil {
		return err
	}
	if o.Service == "" || c.Service != o.Service {
		return &Error{InvalidScope, "Credential should be scoped to correct service: '" + o.Service + "'."}
	}
	if o.Region != "" && c.Region != o.Region {
		return &Error{InvalidScope, "Credential should be scoped to a valid region."}
	}
	return nil
}

func (c *Claim) checkTime(o *Options) error {
	skew := o.skew()
	window := skew
	if c.Expires > 0 {
		window = c.Expires // counted from the time of signing, to the second
	}
	now := o.Now.UTC()
	if c.Time.Before(now.Add(-window)) {
		return &Error{SignatureExpired, timeMessage("Signature expired: ", c.Time, " is now earlier than ", now, -window)}
	}
	if c.Time.After(now.Add(skew)) {
		return &Error{SignatureNotYetCurrent, timeMessage("Signature not yet current: ", c.Time, " is still later than ", now, skew)}
	}
	return nil
}

// timeMessage is AWS's: "… 20250101T000000Z is now earlier than
// 20250101T001000Z (20250101T001500Z - 5 min.)".
func timeMessage(what string, t time.Time, than string, now time.Time, d time.Duration) string {
	sign, abs := " + ", d
	if d < 0 {
		sign, abs = " - ", -d
	}
	span := strconv.FormatInt(int64(abs/time.Minute), 10) + " min."
	if abs%time.Minute != 0 {
		span = strconv.FormatInt(int64(abs/time.Second), 10) + " sec."
	}
	return what + t.Format(timeFormat) + than + now.Add(d).Format(timeFormat) + " (" + now.Format(timeFormat) + sign + span + ")"
}

// Verify tells whether r, with that body, was signed with secret, for this
// service and region, at this time. r is the request that the claim was read
// from, and body all of it. Any error refuses the request; all are *Error.
//
// An empty secret never verifies.
func (c *Claim) Verify(r *http.Request, body []byte, secret string, o Options) error {
	return c.VerifyHash(r, sha256.Sum256(body), secret, o)
}

// VerifyHash is Verify for a caller that has hashed the body already.
func (c *Claim) VerifyHash(r *http.Request, bodySHA256 [sha256.Size]byte, secret string, o Options) error {
	if err := c.Check(o); err != nil {
		return err
	}
	if secret == "" || len(c.stamp) != len(timeFormat) {
		return errMismatch // no secret, or a Claim that Read did not make
	}
	if err := c.checkSigned(r); err != nil {
		return err
	}
	var hashRoom [sha256.Size * 2]byte
	hash := hex.AppendEncode(hashRoom[:0], bodySHA256[:])
	hash, err := c.checkContentHash(hash)
	if err != nil {
		return err
	}
	var canonicalRoom [2048]byte
	canonical, err := appendCanonical(canonicalRoom[:0], r, c.SignedHeaders, hash, c.mode)
	if err != nil {
		return err
	}
	var toSignRoom [256]byte
	toSign := appendStringToSign(toSignRoom[:0], c.stamp, c.Scope, canonical)
	key := o.Keys.Key(c.Scope, secret)
	want := signature(&key, toSign)
	var got [len(want)]byte
	if len(c.Signature) != copy(got[:], c.Signature) || subtle.ConstantTimeCompare(want[:], got[:]) != 1 {
		return errMismatch
	}
	return nil
}

// declaredHash is the X-Amz-Content-Sha256 that holds for the claim, or "". A
// presigned request to S3 has an unsigned body unless it says otherwise
// (https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html).
func (c *Claim) declaredHash() string {
	if c.contentHash == "" && c.Presigned && c.Service == "s3" {
		return unsignedPayload
	}
	return c.contentHash
}

// checkContentHash holds the declared hash of the body against the real one and
// returns the last line of the canonical request.
func (c *Claim) checkContentHash(real []byte) ([]byte, error) {
	declared := c.declaredHash()
	s3 := c.Service == "s3"
	switch {
	case declared == "" && s3:
		return nil, &Error{InvalidContentHash, "Missing required header for this request: x-amz-content-sha256"}
	case declared == "":
		return real, nil
	case declared == unsignedPayload && s3:
		return []byte(unsignedPayload), nil
	case len(declared) != len(real) || strings.Trim(declared, "0123456789abcdef") != "":
		return nil, &Error{InvalidContentHash, "x-amz-content-sha256 must be a valid sha256 value."}
	case declared != string(real):
		return nil, &Error{ContentHashMismatch, "The provided 'x-amz-content-sha256' header does not match what was computed."}
	}
	return real, nil
}

// appendStringToSign appends the string to sign of a canonical request.
func appendStringToSign(b []byte, stamp string, s Scope, canonical []byte) []byte {
	b = append(b, algorithm+"\n"...)
	b = append(b, stamp...)
	b = append(b, '\n')
	b = append(b, s.Date...)
	b = append(b, '/')
	b = append(b, s.Region...)
	b = append(b, '/')
	b = append(b, s.Service...)
	b = append(b, "/"+terminator+"\n"...)
	sum := sha256.Sum256(canonical)
	return hex.AppendEncode(b, sum[:])
}

// signature is the HMAC of the string to sign, in lower-case hex.
func signature(key *Key, toSign []byte) (sig [sha256.Size * 2]byte) {
	sum := hmacSum(key, toSign)
	hex.Encode(sig[:], sum[:])
	return sig
}
