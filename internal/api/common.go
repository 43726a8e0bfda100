package api

import "net/http"

// commonStatus gives the HTTP status of the errors that any query service may
// answer with, as listed in
// https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html and
// https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html.
//
// Two pairs of names are one error under different spellings. STS answers
// ExpiredToken and InvalidClientTokenId with 403 and services write
// AccessDenied with 403, whatever older copies of the list say.
// MalformedQueryString is 404 in both lists, which is AWS's own oddity.
var commonStatus = map[string]int{
	"AccessDenied":                   http.StatusForbidden,
	"AccessDeniedException":          http.StatusForbidden,
	"ExpiredToken":                   http.StatusForbidden,
	"ExpiredTokenException":          http.StatusForbidden,
	"IncompleteSignature":            http.StatusBadRequest,
	"InternalFailure":                http.StatusInternalServerError,
	"InvalidAction":                  http.StatusBadRequest,
	"InvalidClientTokenId":           http.StatusForbidden,
	"InvalidParameterCombination":    http.StatusBadRequest,
	"InvalidParameterValue":          http.StatusBadRequest,
	"InvalidQueryParameter":          http.StatusBadRequest,
	"MalformedHttpRequest":           http.StatusBadRequest,
	"MalformedHttpRequestException":  http.StatusBadRequest,
	"MalformedInput":                 http.StatusBadRequest,
	"MalformedQueryString":           http.StatusNotFound,
	"MethodNotAllowed":               http.StatusMethodNotAllowed,
	"MissingAction":                  http.StatusBadRequest,
	"MissingAuthenticationToken":     http.StatusForbidden,
	"MissingParameter":               http.StatusBadRequest,
	"NotAuthorized":                  http.StatusForbidden,
	"NotImplemented":                 http.StatusNotImplemented,
	"OptInRequired":                  http.StatusForbidden,
	"RequestAbortedException":        http.StatusBadRequest,
	"RequestEntityTooLarge":          http.StatusRequestEntityTooLarge,
	"RequestEntityTooLargeException": http.StatusRequestEntityTooLarge,
	"RequestExpired":                 http.StatusBadRequest,
	"RequestTimeoutException":        http.StatusRequestTimeout,
	"SerializationException":         http.StatusBadRequest,
	"ServiceUnavailable":             http.StatusServiceUnavailable,
	"SignatureDoesNotMatch":          http.StatusForbidden,
	"Throttling":                     http.StatusBadRequest,
	"ThrottlingException":            http.StatusBadRequest,
	"UnknownOperationException":      http.StatusNotFound,
	"UnrecognizedClientException":    http.StatusForbidden,
	"ValidationError":                http.StatusBadRequest,
	"ValidationException":            http.StatusBadRequest,
}
