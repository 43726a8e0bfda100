package sigv4

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestErrorTexts holds every refusal to AWS's code and text. The texts are
// those that AWS's services send; the pages of reference_sigv-troubleshooting
// quote most of them.
func TestErrorTexts(t *testing.T) {
	const hashed = "(Hashed with SHA-256 and encoded with Base64) Authorization="
	for _, c := range []struct {
		name, code, message string
		presigned           bool
		edit                func(r *http.Request)
		at                  time.Duration
	}{
		{name: "anonymous", code: "MissingAuthenticationToken", message: "Request is missing Authentication Token",
			edit: func(r *http.Request) { r.Header.Del("Authorization") }},
		{name: "all missing", code: "IncompleteSignature",
			message: "Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. " +
				"Authorization header requires 'SignedHeaders' parameter. " +
				"Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. " + hashed + "YI2YWea8FSxnksZL2ETHbs5elHm9HQufxTLK0W0ffV0=",
			edit: func(r *http.Request) {
				r.Header.Set("Authorization", "AWS4-HMAC-SHA256")
				r.Header.Del("X-Amz-Date")
			}},
		{name: "another scheme", code: "IncompleteSignature",
			message: "Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. " +
				"Authorization header requires 'SignedHeaders' parameter. " + hashed + blurred("Basic abc"),
			edit: func(r *http.Request) { r.Header.Set("Authorization", "Basic abc") }},
		{name: "no signature", code: "IncompleteSignature", message: "Authorization header requires 'Signature' parameter. " + hashed + "*",
			edit: func(r *http.Request) { setSignature(r, "") }},
		{name: "no equal-sign", code: "IncompleteSignature",
			message: "Invalid key=value pair (missing equal-sign) in Authorization header (hashed with SHA-256 and encoded with Base64): '*'.",
			edit:    func(r *http.Request) { editAuth(r, "Credential=", "Credential=not ") }},
		{name: "unknown parameter", code: "IncompleteSignature", message: "Authorization header has an unknown parameter. " + hashed + "*",
			edit: func(r *http.Request) { editAuth(r, "Credential=", "Extra=1,Credential=") }},
		{name: "algorithm", code: "IncompleteSignature", message: "Unsupported AWS 'algorithm': 'AWS4-HMAC-SHA25' (only AWS4-HMAC-SHA256 for now).",
			edit: func(r *http.Request) { editAuth(r, "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA25") }},
		{name: "date", code: "IncompleteSignature", message: "Date must be in ISO-8601 'basic format'. Got '201'. See http://en.wikipedia.org/wiki/ISO_8601",
			edit: func(r *http.Request) { r.Header.Set("X-Amz-Date", "201") }},
		{name: "fractions of seconds", code: "IncompleteSignature",
			message: "Date must be in ISO-8601 'basic format'. Got '20250101T001000.5Z'. See http://en.wikipedia.org/wiki/ISO_8601",
			edit:    func(r *http.Request) { r.Header.Set("X-Amz-Date", "20250101T001000.5Z") }},
		{name: "no such date", code: "IncompleteSignature",
			message: "Date must be in ISO-8601 'basic format'. Got '20250230T001000Z'. See http://en.wikipedia.org/wiki/ISO_8601",
			edit:    func(r *http.Request) { r.Header.Set("X-Amz-Date", "20250230T001000Z") }},
		{name: "credential parts", code: "IncompleteSignature",
			message: "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got 'AKIAIOSFODNN7EXAMPLE/20250101/us-east-1/aws4_request'",
			edit:    func(r *http.Request) { editAuth(r, "/sts/", "/") }},
		{name: "too many credential parts", code: "IncompleteSignature",
			message: "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got 'a/AKIAIOSFODNN7EXAMPLE/20250101/us-east-1/sts/aws4_request'",
			edit:    func(r *http.Request) { editAuth(r, "Credential=", "Credential=a/") }},
		{name: "empty credential part", code: "IncompleteSignature",
			message: "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '/20250101/us-east-1/sts/aws4_request'",
			edit:    func(r *http.Request) { editAuth(r, "AKIAIOSFODNN7EXAMPLE", "") }},
		{name: "terminator", code: "SignatureDoesNotMatch", message: "Credential should be scoped with a valid terminator: 'aws4_request', not 'e'.",
			edit: func(r *http.Request) { editAuth(r, "aws4_request", "e") }},
		{name: "scope date", code: "SignatureDoesNotMatch",
			message: "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '20250102' != '20250101', from '20250101T001000Z'.",
			edit:    func(r *http.Request) { editAuth(r, "/20250101/", "/20250102/") }},
		{name: "region", code: "SignatureDoesNotMatch", message: "Credential should be scoped to a valid region.",
			edit: func(r *http.Request) { editAuth(r, "us-east-1", "mars") }},
		{name: "service", code: "SignatureDoesNotMatch", message: "Credential should be scoped to correct service: 'sts'.",
			edit: func(r *http.Request) { editAuth(r, "/sts/", "/iam/") }},
		{name: "host", code: "SignatureDoesNotMatch", message: "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.",
			edit: func(r *http.Request) { editAuth(r, "host;", "") }},
		{name: "x-amz header", code: "SignatureDoesNotMatch", message: "'X-Amz-Target' must be a 'SignedHeader' in the AWS Authorization.",
			edit: func(r *http.Request) { r.Header.Set("X-Amz-Target", "t") }},
		{name: "expired", code: "SignatureDoesNotMatch", at: 10 * time.Minute,
			message: "Signature expired: 20250101T001000Z is now earlier than 20250101T001500Z (20250101T002000Z - 5 min.)"},
		{name: "not yet current", code: "SignatureDoesNotMatch", at: -10 * time.Minute,
			message: "Signature not yet current: 20250101T001000Z is still later than 20250101T000500Z (20250101T000000Z + 5 min.)"},
		{name: "signature", code: "SignatureDoesNotMatch",
			message: "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.",
			edit:    func(r *http.Request) { r.Method = "PUT" }},
		{name: "both", code: "SignatureDoesNotMatch", message: "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.",
			edit: func(r *http.Request) { r.URL.RawQuery = "X-Amz-Algorithm=AWS4-HMAC-SHA256" }},
		{name: "escape", code: "MalformedQueryString", message: "Illegal hex character in escape % pattern: %zz",
			edit: func(r *http.Request) { r.URL.RawQuery = "a%zz=1" }},
		{name: "cut escape", code: "MalformedQueryString", message: "Incomplete trailing escape % sequence",
			edit: func(r *http.Request) { r.URL.RawQuery = "a%2=1" }},

		{name: "presigned: all missing", presigned: true, code: "IncompleteSignature",
			message: "AWS query-string parameters must include 'X-Amz-Credential'. AWS query-string parameters must include 'X-Amz-Signature'. " +
				"AWS query-string parameters must include 'X-Amz-SignedHeaders'. AWS query-string parameters must include 'X-Amz-Date'. Re-examine the query-string parameters.",
			edit: func(r *http.Request) { r.URL.RawQuery = "X-Amz-Algorithm=AWS4-HMAC-SHA256" }},
		{name: "presigned: expired", presigned: true, code: "SignatureDoesNotMatch", at: 2 * time.Hour,
			message: "Signature expired: 20250101T001000Z is now earlier than 20250101T011000Z (20250101T021000Z - 60 min.)"},
		{name: "presigned: expires", presigned: true, code: "IncompleteSignature",
			message: "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds",
			edit:    func(r *http.Request) { editQuery(r, "Expires=3600", "Expires=604801") }},
		{name: "presigned: date", presigned: true, code: "IncompleteSignature",
			message: "Date must be in ISO-8601 'basic format'. Got 'x'. See http://en.wikipedia.org/wiki/ISO_8601",
			edit:    func(r *http.Request) { editQuery(r, "Date=20250101T001000Z", "Date=x") }},
		{name: "presigned: malformed value elsewhere", presigned: true, code: "MalformedQueryString", message: "Illegal hex character in escape % pattern: %g0",
			edit: func(r *http.Request) { r.URL.RawQuery += "&a=%g0" }},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, body := signedPost(t, nil), testBody
			if c.presigned {
				r, body = presignedGet(t, nil), nil
			}
			if c.edit != nil {
				c.edit(r)
			}
			o := testOptions()
			o.Now = o.Now.Add(c.at)
			err := verify(r, body, o)
			if err == nil {
				t.Fatal("verifies")
			}
			e := err.(*Error)
			want := strings.Replace(c.message, "*", blurred(r.Header.Get("Authorization")), 1)
			if e.Code() != c.code || e.Message != want {
				t.Errorf("\n got: %s: %s\nwant: %s: %s", e.Code(), e.Message, c.code, want)
			}
		})
	}
}

// An error quotes no more of a request than it has to, and nothing that an
// Authorization header of another kind may hold.
func TestErrorsHideSecrets(t *testing.T) {
	const canary = "cAnArYsEcReT"
	for _, edit := range []func(r *http.Request){
		func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+canary) },
		func(r *http.Request) { r.Header.Set("Authorization", "AWS4-HMAC-SHA256 "+canary) },
		func(r *http.Request) { r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Secret="+canary) },
		func(r *http.Request) { r.Header.Set("X-Amz-Security-Token", canary) },
		func(r *http.Request) { r.Method = "PUT" },
	} {
		r := newRequest("POST", "/", testBody)
		creds := Credentials{AccessKeyID: "AKIA", SecretAccessKey: canary}
		if err := Sign(r, testBody, creds, "us-east-1", "sts", testNow); err != nil {
			t.Fatal(err)
		}
		edit(r)
		c, err := Read(r)
		if err == nil {
			err = c.Verify(r, testBody, canary, testOptions())
		}
		if err == nil || strings.Contains(err.Error(), canary) {
			t.Errorf("got %v", err)
		}
	}
	r := signedPost(t, nil)
	editAuth(r, "us-east-1", strings.Repeat("x/", 100000))
	if err := verify(r, testBody, testOptions()); err == nil || len(err.Error()) > 1000 {
		t.Errorf("an error of %d bytes", len(err.Error()))
	}
}

// The Date header serves where X-Amz-Date is missing, in HTTP's format or in
// ISO 8601's.
func TestDateHeader(t *testing.T) {
	for _, format := range []string{http.TimeFormat, timeFormat} {
		r := newRequest("POST", "/", testBody)
		r.Header.Set("Date", testNow.Format(format))
		stamp := testNow.Format(timeFormat)
		sig, err := compute(r, []string{"date", "host"}, hexSHA256(testBody), stamp,
			Scope{testCreds.AccessKeyID, "20250101", "us-east-1", "sts"}, testCreds.SecretAccessKey, modeFor("sts"))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+testCreds.AccessKeyID+"/20250101/us-east-1/sts/aws4_request,SignedHeaders=date;host,Signature="+sig)
		if err := verify(r, testBody, testOptions()); err != nil {
			t.Errorf("%s: %v", format, err)
		}
		r.Header.Set("Date", testNow.Add(time.Second).Format(format))
		wantReason(t, verify(r, testBody, testOptions()), SignatureDoesNotMatch)
	}
	r := newRequest("POST", "/", testBody)
	r.Header.Set("Date", "yesterday")
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=a,SignedHeaders=b,Signature=c")
	wantReason(t, verify(r, testBody, testOptions()), IncompleteSignature)
}

func TestReasons(t *testing.T) {
	seen := map[string]bool{}
	for r := MissingAuthenticationToken; r <= SignatureDoesNotMatch; r++ {
		if s := r.String(); s == "Unknown" || seen[s] {
			t.Errorf("reason %d is called %q", r, s)
		} else {
			seen[s] = true
		}
	}
	if Reason(0).String() != "Unknown" || Reason(200).String() != "Unknown" || Reason(200).Code() != "SignatureDoesNotMatch" {
		t.Error("an unknown reason has to be a refusal")
	}
}
