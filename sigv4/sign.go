package sigv4

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Credentials sign requests. They print without their secrets.
type Credentials struct {
	AccessKeyID     string
	SecretAccessKey string
	SessionToken    string // "" for long-term keys
}

// String hides all but the access key id.
func (c Credentials) String() string { return "sigv4.Credentials(" + c.AccessKeyID + ")" }

// GoString hides all but the access key id.
func (c Credentials) GoString() string { return c.String() }

// Sign signs a request in its headers: it sets X-Amz-Date, X-Amz-Security-Token
// when there is a session token, X-Amz-Content-Sha256 for S3, and
// Authorization. Every header that is there by then is signed, but for those
// that clients and proxies set on the way. body is what will be sent; Sign
// neither reads nor sets r.Body.
func Sign(r *http.Request, body []byte, c Credentials, region, service string, t time.Time) error {
	settlePath(r.URL)
	t = t.UTC()
	stamp := t.Format(timeFormat)
	scope := Scope{c.AccessKeyID, stamp[:8], region, service}

	r.Header.Del("Authorization")
	r.Header.Set("X-Amz-Date", stamp)
	r.Header.Del("X-Amz-Security-Token")
	if c.SessionToken != "" {
		r.Header.Set("X-Amz-Security-Token", c.SessionToken)
	}
	hash := hexSHA256(body)
	if service == "s3" {
		r.Header.Set("X-Amz-Content-Sha256", hash)
	}
	signed, err := headersToSign(r)
	if err != nil {
		return err
	}
	sig, err := compute(r, signed, hash, stamp, scope, c.SecretAccessKey, modeFor(service))
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", algorithm+
		" Credential="+c.AccessKeyID+"/"+scope.String()+
		", SignedHeaders="+strings.Join(signed, ";")+
		", Signature="+sig)
	return nil
}

// Presign signs a request in its query string, so that its URL alone, with the
// headers that were there, does for expires from t on. The headers are signed
// and have to be sent with the URL. The body is signed for all services but S3.
func Presign(r *http.Request, body []byte, c Credentials, region, service string, t time.Time, expires time.Duration) error {
	if seconds := expires / time.Second; seconds < 1 || seconds > 604800 {
		return fmt.Errorf("sigv4: a presigned request lasts from 1 to 604800 seconds, not %d", seconds)
	}
	settlePath(r.URL)
	t = t.UTC()
	stamp := t.Format(timeFormat)
	scope := Scope{c.AccessKeyID, stamp[:8], region, service}
	signed, err := headersToSign(r)
	if err != nil {
		return err
	}
	for _, name := range paramNames {
		if len(r.Header[http.CanonicalHeaderKey(name)]) > 0 && name != "X-Amz-Content-Sha256" {
			return errors.New("sigv4: " + name + " is a header of the request to presign")
		}
	}
	if q, err := readQuery(r.URL.RawQuery); err != nil {
		return err
	} else if q.any {
		return errors.New("sigv4: the request is presigned already")
	}

	q := strings.TrimRight(r.URL.RawQuery, "&")
	add := func(name, value string) {
		if q != "" {
			q += "&"
		}
		q += name + "=" + url.QueryEscape(value)
	}
	add("X-Amz-Algorithm", algorithm)
	add("X-Amz-Credential", c.AccessKeyID+"/"+scope.String())
	add("X-Amz-Date", stamp)
	add("X-Amz-Expires", strconv.Itoa(int(expires/time.Second)))
	if c.SessionToken != "" {
		add("X-Amz-Security-Token", c.SessionToken)
	}
	add("X-Amz-SignedHeaders", strings.Join(signed, ";"))
	r.URL.RawQuery = q

	hash := hexSHA256(body)
	if service == "s3" {
		hash = unsignedPayload
	}
	m := modeFor(service)
	m.presigned = true
	sig, err := compute(r, signed, hash, stamp, scope, c.SecretAccessKey, m)
	if err != nil {
		return err
	}
	add("X-Amz-Signature", sig)
	r.URL.RawQuery = q
	return nil
}

func compute(r *http.Request, signed []string, hash, stamp string, s Scope, secret string, m mode) (string, error) {
	canonical, err := appendCanonical(nil, r, signed, []byte(hash), m)
	if err != nil {
		return "", err
	}
	key := SigningKey(secret, s.Date, s.Region, s.Service)
	sig := signature(&key, appendStringToSign(nil, stamp, s, canonical))
	return string(sig[:]), nil
}

// unsent are the headers that are not signed because the transport or a proxy
// sets, changes or drops them.
var unsent = []string{
	"accept-encoding", "authorization", "connection", "content-length", "expect", "keep-alive", "proxy-authenticate",
	"proxy-authorization", "te", "trailer", "transfer-encoding", "upgrade", "user-agent", "x-amzn-trace-id",
}

func headersToSign(r *http.Request) ([]string, error) {
	names := []string{"host"}
	for key, values := range r.Header {
		name := strings.ToLower(key)
		if len(values) == 0 || name == "host" || slices.Contains(unsent, name) {
			continue
		}
		if !isHeaderName(name) || string(appendHeaderKey(nil, name)) != key {
			return nil, errors.New("sigv4: cannot sign a header with the key " + strconv.Quote(key))
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return names, nil
}

// settlePath drops a RawPath that net/http's client would not send as it is, so
// that what is signed is what is sent.
func settlePath(u *url.URL) {
	if u.RawPath != "" && u.EscapedPath() != u.RawPath {
		u.RawPath = ""
	}
}

func hexSHA256(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
