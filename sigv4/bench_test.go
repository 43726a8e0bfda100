package sigv4

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// BenchmarkVerifyHeader is what verification costs a server for the request
// that most clients send to STS, with the signing key remembered.
func BenchmarkVerifyHeader(b *testing.B) {
	body := []byte("Action=GetCallerIdentity&Version=2011-06-15")
	r := httptest.NewRequest("POST", "http://sts.us-east-1.amazonaws.com/", strings.NewReader(string(body)))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	r.Header.Set("User-Agent", "aws-cli/2.0")
	r.Header.Set("Accept-Encoding", "identity")
	benchmarkVerify(b, func(c Credentials, now time.Time) error { return Sign(r, body, c, "us-east-1", "sts", now) },
		func(o Options, secret string) error {
			c, err := Read(r)
			if err != nil {
				return err
			}
			return c.Verify(r, body, secret, o)
		})
}

// BenchmarkVerifyPresigned is the same for a presigned GetCallerIdentity, as
// clusters use it for tokens.
func BenchmarkVerifyPresigned(b *testing.B) {
	r := httptest.NewRequest("GET", "http://sts.us-east-1.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15", nil)
	r.Header.Set("X-K8s-Aws-Id", "cluster-1")
	benchmarkVerify(b, func(c Credentials, now time.Time) error {
		return Presign(r, nil, c, "us-east-1", "sts", now, time.Minute)
	},
		func(o Options, secret string) error {
			c, err := Read(r)
			if err != nil {
				return err
			}
			return c.Verify(r, nil, secret, o)
		})
}

func benchmarkVerify(b *testing.B, sign func(Credentials, time.Time) error, verify func(Options, string) error) {
	now := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	creds := Credentials{AccessKeyID: "AKIAIOSFODNN7EXAMPLE", SecretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}
	if err := sign(creds, now); err != nil {
		b.Fatal(err)
	}
	o := Options{Now: now, Service: "sts", Region: "us-east-1", Keys: NewKeyCache(16)}
	b.ReportAllocs()
	for b.Loop() {
		if err := verify(o, creds.SecretAccessKey); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSigningKey is what the cache saves.
func BenchmarkSigningKey(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		SigningKey("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "20250101", "us-east-1", "sts")
	}
}
