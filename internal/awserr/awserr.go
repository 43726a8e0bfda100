// Package awserr is the one error type inside Warder. Business rules, the
// authenticator, the authorizer and the codecs all return it; the edge
// (internal/server) turns it into the bytes of the service's protocol, and is
// the only place that knows about HTTP status codes.
//
// The code and the message are AWS's own wherever AWS documents or is known to
// send them, because clients and people match on them.
package awserr

import (
	"errors"
	"fmt"
)

// Error is a refusal or failure that a client is told about.
type Error struct {
	Code    string // the AWS error code as it stands on the wire, e.g. "NoSuchEntity"
	Message string // the text the client sees; holds no secret
	Cause   error  // what the log is told besides; never sent
}

func (e *Error) Error() string {
	if e.Cause != nil {
		return e.Code + ": " + e.Message + ": " + e.Cause.Error()
	}
	return e.Code + ": " + e.Message
}

// Unwrap gives the cause to errors.Is and errors.As.
func (e *Error) Unwrap() error { return e.Cause }

// New makes an error with a formatted message.
func New(code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Internal wraps a failure that is Warder's own. The client sees
// InternalFailure and a request id; the cause goes to the log.
func Internal(cause error) *Error {
	return &Error{
		Code:    CodeInternalFailure,
		Message: "The request processing has failed because of an unknown error, exception or failure.",
		Cause:   cause,
	}
}

// From finds the Error in err's chain; any other error becomes Internal.
// From(nil) is nil.
func From(err error) *Error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return Internal(err)
}

// Code is the code of err, or "" if err is nil.
func Code(err error) string {
	if err == nil {
		return ""
	}
	return From(err).Code
}

// The codes common to all services, as listed in
// https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html.
const (
	CodeAccessDenied               = "AccessDenied"
	CodeExpiredToken               = "ExpiredToken"
	CodeIncompleteSignature        = "IncompleteSignature"
	CodeInternalFailure            = "InternalFailure"
	CodeInvalidAction              = "InvalidAction"
	CodeInvalidClientTokenID       = "InvalidClientTokenId"
	CodeMalformedQueryString       = "MalformedQueryString"
	CodeMissingAction              = "MissingAction"
	CodeMissingAuthenticationToken = "MissingAuthenticationToken"
	CodeNotImplemented             = "NotImplemented"
	CodeRequestExpired             = "RequestExpired"
	CodeServiceUnavailable         = "ServiceUnavailable"
	CodeSignatureDoesNotMatch      = "SignatureDoesNotMatch"
	CodeThrottling                 = "Throttling"
	CodeValidationError            = "ValidationError"
)
