package sigv4

import (
	"net/http"
	"strings"
	"time"
)

// The parameters of a presigned request, in the order in which AWS complains
// about missing ones, then those that need not be there.
const (
	paramAlgorithm = iota
	paramCredential
	paramSignature
	paramSignedHeaders
	paramDate
	paramExpires
	paramSecurityToken
	paramContentHash
	paramCount
)

const paramsRequired = paramDate + 1

var paramNames = [paramCount]string{
	"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature", "X-Amz-SignedHeaders", "X-Amz-Date",
	"X-Amz-Expires", "X-Amz-Security-Token", "X-Amz-Content-Sha256",
}

// queryAuth is what a query string says about authentication.
type queryAuth struct {
	value [paramCount]string
	found [paramCount]bool
	any   bool // a parameter that only a signature has is there, so the request is not anonymous
}

// readQuery looks through a query string for a signature. Names are compared
// decoded, as a handler sees them, so that an escape hides none.
func readQuery(raw string) (q queryAuth, err error) {
	for raw != "" {
		var pair string
		pair, raw, _ = strings.Cut(raw, "&")
		key, value, _ := strings.Cut(pair, "=")
		if key, err = queryUnescape(key); err != nil {
			return q, err
		}
		i := paramIndex(key)
		if i < 0 {
			continue
		}
		if q.found[i] {
			return q, &Error{AmbiguousAuthentication, "The request has more than one '" + key + "' query-string parameter."}
		}
		if q.value[i], err = queryUnescape(value); err != nil {
			return q, err
		}
		q.found[i] = true
		q.any = q.any || i != paramContentHash
	}
	return q, nil
}

func paramIndex(key string) int {
	if !strings.HasPrefix(key, "X-Amz-") {
		return -1
	}
	for i, name := range paramNames {
		if key == name {
			return i
		}
	}
	return -1
}

// readPresigned takes a presigned request apart
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-authentication-methods.html).
func (c *Claim) readPresigned(r *http.Request, q *queryAuth) error {
	var missing strings.Builder
	for i := range paramsRequired {
		if q.value[i] == "" {
			missing.WriteString("AWS query-string parameters must include '" + paramNames[i] + "'. ")
		}
	}
	if missing.Len() > 0 {
		return incomplete(missing.String() + "Re-examine the query-string parameters.")
	}
	for _, i := range [...]int{paramDate, paramSecurityToken, paramContentHash} {
		if len(r.Header[paramNames[i]]) > 0 && (q.found[i] || i != paramContentHash) {
			return &Error{AmbiguousAuthentication, "The request has '" + paramNames[i] + "' as a header, though its signature is in the query string."}
		}
	}
	if err := c.setTime(q.value[paramDate]); err != nil {
		return err
	}
	if alg := q.value[paramAlgorithm]; alg != algorithm {
		return incomplete("Unsupported AWS 'algorithm': '" + clip(alg) + "' (only AWS4-HMAC-SHA256 for now).")
	}
	if err := c.setCredential(q.value[paramCredential]); err != nil {
		return err
	}
	if err := c.setSignedHeaders(q.value[paramSignedHeaders]); err != nil {
		return err
	}
	if q.found[paramExpires] {
		if err := c.setExpires(q.value[paramExpires]); err != nil {
			return err
		}
	} else if c.Service == "s3" {
		// S3 asks for it. STS does not: SDKs presign GetCallerIdentity without
		// it, and the request then lives as long as one signed in a header.
		return &Error{InvalidExpires, "AWS query-string parameters must include 'X-Amz-Expires'. Re-examine the query-string parameters."}
	}
	c.Signature = q.value[paramSignature]
	c.SessionToken = q.value[paramSecurityToken]
	c.contentHash = first(r.Header["X-Amz-Content-Sha256"])
	if q.found[paramContentHash] && c.Service == "s3" {
		c.contentHash = q.value[paramContentHash]
	}
	return nil
}

// setExpires reads the life of a presigned request in seconds. The bounds and
// texts are those of
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html.
func (c *Claim) setExpires(s string) error {
	const week = 604800
	seconds, digits := 0, s != ""
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			digits = false
			break
		}
		if seconds = seconds*10 + int(s[i]-'0'); seconds > week {
			return &Error{InvalidExpires, "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds"}
		}
	}
	if !digits {
		return &Error{InvalidExpires, "X-Amz-Expires should be a number"}
	}
	if seconds == 0 {
		return &Error{InvalidExpires, "X-Amz-Expires must be at least 1 second"}
	}
	c.Expires = time.Duration(seconds) * time.Second
	return nil
}
