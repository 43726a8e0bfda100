// Package sigv4 canonicalises, signs and verifies requests with AWS Signature
// Version 4, in the header form and in the query (presigned URL) form, with
// and without session tokens.
//
// A verifier works in two steps, because the secret is found with the access
// key id that the request names:
//
//	claim, err := sigv4.Read(r)            // what the request says of itself
//	secret := lookUp(claim.AccessKeyID)    // the caller's business
//	err = claim.Verify(r, body, secret, sigv4.Options{Now: now, Service: "sts"})
//
// Nothing in a Claim may be relied on before Verify has returned nil. Verify is
// the only verifier: every form of request goes through it, and what it does
// not know it refuses.
//
// The package is pure. It reads no clock, starts nothing, logs nothing and
// fetches nothing; the body is handed in as bytes or as its SHA-256. It does
// not decide whether an access key is active, whether a session token is
// genuine, or what its owner may do: internal/authn does. It leaves out the
// chunked (STREAMING-*) payloads of S3, browser POST policies, Signature
// Version 4A and the X.509 variant of Roles Anywhere; requests in these forms
// are refused.
//
// It is called by internal/authn to verify, and by the command-line client,
// the benchmarks and the tests to sign.
//
// The specification is
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html, in
// particular its pages reference_sigv-create-signed-request and
// reference_sigv-signing-elements; for S3,
// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-authenticating-requests.html.
package sigv4

const (
	algorithm  = "AWS4-HMAC-SHA256"
	terminator = "aws4_request"

	// timeFormat is the ISO 8601 basic format of X-Amz-Date.
	timeFormat = "20060102T150405Z"

	// unsignedPayload stands for the body's hash where S3 lets the body go
	// unsigned.
	unsignedPayload = "UNSIGNED-PAYLOAD"
)
