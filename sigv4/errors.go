package sigv4

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"
)

// Reason says why a request was refused. The set is closed: a server can map
// every one of them.
type Reason uint8

const (
	// MissingAuthenticationToken: the request carries no signature of any kind.
	MissingAuthenticationToken Reason = iota + 1
	// IncompleteSignature: a signature that is there, but not well formed.
	IncompleteSignature
	// MalformedQueryString: a query string that cannot be decoded.
	MalformedQueryString
	// InvalidExpires: X-Amz-Expires is missing where needed, no number, or out of range.
	InvalidExpires
	// AmbiguousAuthentication: more than one signature, or one part of it given twice.
	AmbiguousAuthentication
	// UnsignedHeader: a header that must be signed is not.
	UnsignedHeader
	// InvalidScope: the credential scope is not that of this service, region or day.
	InvalidScope
	// SignatureExpired: signed too long ago, or past the expiry of a presigned URL.
	SignatureExpired
	// SignatureNotYetCurrent: signed in the future.
	SignatureNotYetCurrent
	// InvalidContentHash: an x-amz-content-sha256 of a kind that is not accepted.
	InvalidContentHash
	// ContentHashMismatch: x-amz-content-sha256 is not the hash of the body.
	ContentHashMismatch
	// SignatureDoesNotMatch: the signature is not the one that the secret makes.
	SignatureDoesNotMatch
)

var reasonNames = [...]string{
	MissingAuthenticationToken: "MissingAuthenticationToken",
	IncompleteSignature:        "IncompleteSignature",
	MalformedQueryString:       "MalformedQueryString",
	InvalidExpires:             "InvalidExpires",
	AmbiguousAuthentication:    "AmbiguousAuthentication",
	UnsignedHeader:             "UnsignedHeader",
	InvalidScope:               "InvalidScope",
	SignatureExpired:           "SignatureExpired",
	SignatureNotYetCurrent:     "SignatureNotYetCurrent",
	InvalidContentHash:         "InvalidContentHash",
	ContentHashMismatch:        "ContentHashMismatch",
	SignatureDoesNotMatch:      "SignatureDoesNotMatch",
}

// String is the name of the reason, for records and tests.
func (r Reason) String() string {
	if int(r) < len(reasonNames) && reasonNames[r] != "" {
		return reasonNames[r]
	}
	return "Unknown"
}

// Code is the error code under which AWS reports the reason in the query and
// REST protocols of IAM and STS. The JSON protocols call SignatureDoesNotMatch
// InvalidSignatureException and put Exception after the others; that
// translation is the server's. The codes are those of
// https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html and of
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html.
func (r Reason) Code() string {
	switch r {
	case MissingAuthenticationToken:
		return "MissingAuthenticationToken"
	case IncompleteSignature, InvalidExpires, InvalidContentHash:
		return "IncompleteSignature"
	case MalformedQueryString:
		return "MalformedQueryString"
	default:
		return "SignatureDoesNotMatch"
	}
}

// Error is a refusal. Message is AWS's text where AWS is known to send one for
// the case. It never holds a secret, a session token or an expected signature.
type Error struct {
	Reason  Reason
	Message string
}

func (e *Error) Error() string { return e.Reason.String() + ": " + e.Message }

// Code is e.Reason.Code().
func (e *Error) Code() string { return e.Reason.Code() }

// ErrMissing is what Read returns for an anonymous request: one without any
// part of a signature in its headers or its query. A request with a broken or
// foreign kind of authentication is not anonymous and gets another error.
var ErrMissing = &Error{MissingAuthenticationToken, "Request is missing Authentication Token"}

// errMismatch is the one answer to every signature that is not right, so that
// the answer tells nothing about how it was wrong.
var errMismatch = &Error{SignatureDoesNotMatch, "The request signature we calculated does not match the signature you provided. " +
	"Check your AWS Secret Access Key and signing method. Consult the service documentation for details."}

func incomplete(message string) *Error { return &Error{IncompleteSignature, message} }

// blurred is how AWS names an Authorization header in an error: by its hash,
// since people put passwords and tokens of other systems into it.
func blurred(authorization string) string {
	sum := sha256.Sum256([]byte(authorization))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// clip keeps what an error quotes from a request short.
func clip(s string) string {
	if len(s) > 200 {
		return s[:200] + "..."
	}
	return s
}

// errUnsigned names a header, in the case in which AWS would, that has to be
// signed and is not.
func errUnsigned(name string) *Error {
	if strings.EqualFold(name, "host") {
		name = "Host' or ':authority"
	}
	return &Error{UnsignedHeader, "'" + clip(name) + "' must be a 'SignedHeader' in the AWS Authorization."}
}
