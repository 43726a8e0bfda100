package sigv4

import (
	"net/http"
	"strings"
	"time"
)

// readHeader takes an Authorization header apart:
//
//	AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…
//
// The order of the checks, and so which of two faults is reported, is AWS's:
// shape, missing parts, date, algorithm, credential.
func (c *Claim) readHeader(r *http.Request, authorization string) error {
	alg, rest, _ := strings.Cut(strings.TrimSpace(authorization), " ")
	aws := strings.HasPrefix(alg, "AWS4-")

	var credential, signature, signedHeaders string
	for aws && rest != "" {
		var param string
		if i := strings.IndexAny(rest, ", \t"); i >= 0 {
			param, rest = rest[:i], rest[i+1:]
		} else {
			param, rest = rest, ""
		}
		if param == "" {
			continue
		}
		name, value, ok := strings.Cut(param, "=")
		if !ok {
			return incomplete("Invalid key=value pair (missing equal-sign) in Authorization header (hashed with SHA-256 and encoded with Base64): '" +
				blurred(authorization) + "'.")
		}
		var into *string
		switch name {
		case "Credential":
			into = &credential
		case "Signature":
			into = &signature
		case "SignedHeaders":
			into = &signedHeaders
		default:
			return incomplete("Authorization header has an unknown parameter. (Hashed with SHA-256 and encoded with Base64) Authorization=" + blurred(authorization))
		}
		if *into != "" {
			return &Error{AmbiguousAuthentication, "Authorization header has more than one '" + name + "' parameter."}
		}
		*into = value
	}

	var missing strings.Builder
	for _, p := range [...]struct{ name, value string }{
		{"Credential", credential}, {"Signature", signature}, {"SignedHeaders", signedHeaders},
	} {
		if p.value == "" {
			missing.WriteString("Authorization header requires '" + p.name + "' parameter. ")
		}
	}
	amzDate, date := first(r.Header["X-Amz-Date"]), first(r.Header["Date"])
	if amzDate == "" && date == "" {
		missing.WriteString("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ")
	}
	if missing.Len() > 0 {
		return incomplete(missing.String() + "(Hashed with SHA-256 and encoded with Base64) Authorization=" + blurred(authorization))
	}

	if err := c.setHeaderTime(amzDate, date); err != nil {
		return err
	}
	if alg != algorithm {
		return incomplete("Unsupported AWS 'algorithm': '" + clip(alg) + "' (only AWS4-HMAC-SHA256 for now).")
	}
	if err := c.setCredential(credential); err != nil {
		return err
	}
	if err := c.setSignedHeaders(signedHeaders); err != nil {
		return err
	}
	c.Signature = signature
	c.SessionToken = first(r.Header["X-Amz-Security-Token"])
	c.contentHash = first(r.Header["X-Amz-Content-Sha256"])
	return nil
}

// setHeaderTime takes the time from X-Amz-Date, which wins, or from Date, which
// may be in HTTP's own format
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-signing-elements.html).
// Date need not be a signed header: the string to sign has the time in it.
func (c *Claim) setHeaderTime(amzDate, date string) error {
	if amzDate != "" {
		return c.setTime(amzDate)
	}
	if t, err := http.ParseTime(date); err == nil {
		c.Time = t.UTC().Truncate(time.Second)
		c.stamp = c.Time.Format(timeFormat)
		return nil
	}
	return c.setTime(date)
}

func first(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[0]
}
