package sigv4

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// The tests of this file are each named for a flaw that a system like this one
// had. Every request in them is right but for the one thing under test, so
// that taking the check away makes the test fail.

func TestBaselineVerifies(t *testing.T) {
	if err := verify(signedPost(t, nil), testBody, testOptions()); err != nil {
		t.Error(err)
	}
	if err := verify(presignedGet(t, nil), nil, testOptions()); err != nil {
		t.Error(err)
	}
}

// CVE-2026-41145, CVE-2025-31489, CVE-2020-11012: the credential is read from
// one place and the signature checked at another.
func TestHeaderAndQueryAuthenticationTogether(t *testing.T) {
	for _, param := range []string{
		"X-Amz-Algorithm=AWS4-HMAC-SHA256", "X-Amz-Credential=AKIAOTHER%2F20250101%2Fus-east-1%2Fsts%2Faws4_request",
		"X-Amz-Signature=00", "X-Amz-SignedHeaders=host", "X-Amz-Date=20250101T001000Z", "X-Amz-Expires=60",
		"X-Amz-Security-Token=t", "X-Amz-Securit%79-Token=t", "X%2DAmz-Credential=a",
	} {
		// The parameter is signed too: only the two together are wrong.
		r := signedPost(t, func(r *http.Request) { r.URL.RawQuery = param })
		wantReason(t, verify(r, testBody, testOptions()), AmbiguousAuthentication)
	}
}

func TestPresignedWithSecurityHeaders(t *testing.T) {
	for _, name := range []string{"X-Amz-Date", "X-Amz-Security-Token"} {
		r := presignedGet(t, nil)
		r.Header.Set(name, "20250101T001000Z")
		editQuery(r, "X-Amz-SignedHeaders=host", "X-Amz-SignedHeaders=host%3B"+strings.ToLower(name))
		resignQuery(t, r, "sts")
		wantReason(t, verify(r, nil, testOptions()), AmbiguousAuthentication)
	}
}

// The key id of a claim is what the request says; only the right secret for
// that very id makes it count.
func TestAccessKeyBelongsToSignature(t *testing.T) {
	r := signedPost(t, nil)
	c, err := Read(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"", "x", testCreds.SecretAccessKey + "x", strings.ToLower(testCreds.SecretAccessKey)} {
		wantReason(t, c.Verify(r, testBody, secret, testOptions()), SignatureDoesNotMatch)
	}
}

// A key that was not found has the empty secret. A request signed with the
// empty secret must not be right for it.
func TestEmptySecretNeverVerifies(t *testing.T) {
	r := newRequest("POST", "/", testBody)
	if err := Sign(r, testBody, Credentials{AccessKeyID: "AKIANOBODY"}, "us-east-1", "sts", testNow); err != nil {
		t.Fatal(err)
	}
	c, err := Read(r)
	if err != nil {
		t.Fatal(err)
	}
	wantReason(t, c.Verify(r, testBody, "", testOptions()), SignatureDoesNotMatch)
}

func TestClaimMadeByHandNeverVerifies(t *testing.T) {
	r := signedPost(t, nil)
	c := &Claim{Scope: Scope{"AKIA", "20250101", "us-east-1", "sts"}, SignedHeaders: []string{"host"}, Time: testNow}
	wantReason(t, c.Verify(r, testBody, "secret", testOptions()), SignatureDoesNotMatch)
}

// CVE-2026-40344: a kind of authentication that one switch forgets. What is not
// known is refused, and is never taken for an anonymous request.
func TestForeignAuthenticationIsRefused(t *testing.T) {
	signed := signedPost(t, nil).Header.Get("Authorization")
	for _, auth := range []string{
		"Bearer abc", "Basic dXNlcjpwYXNz", "AWS AKIAIOSFODNN7EXAMPLE:c2lnbmF0dXJl", "", " ", "AWS4-HMAC-SHA256",
		strings.Replace(signed, "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA512", 1),
		strings.Replace(signed, "AWS4-HMAC-SHA256", "aws4-hmac-sha256", 1),
		strings.Replace(signed, "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256-PAYLOAD", 1),
		strings.Replace(signed, "AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256", 1),
		strings.Replace(signed, "AWS4-HMAC-SHA256", "AWS4-X509-RSA-SHA256", 1),
	} {
		r := signedPost(t, nil)
		r.Header["Authorization"] = []string{auth}
		wantReason(t, verify(r, testBody, testOptions()), IncompleteSignature)
	}
	for _, alg := range []string{"AWS4-HMAC-SHA512", "AWS4-ECDSA-P256-SHA256", "AWS4-X509-RSA-SHA256", "none", ""} {
		r := presignedGet(t, nil)
		editQuery(r, "X-Amz-Algorithm=AWS4-HMAC-SHA256", "X-Amz-Algorithm="+alg)
		resignQuery(t, r, "sts")
		wantReason(t, verify(r, nil, testOptions()), IncompleteSignature)
	}
	// Any part of a presigned request makes it a signed one.
	for _, param := range paramNames[:paramContentHash] {
		r := newRequest("GET", "/?"+param+"=x", nil)
		wantReason(t, verify(r, nil, testOptions()), IncompleteSignature)
	}
}

// CVE-2021-21390: chunked payloads, whose chunk signatures nobody here checks.
func TestChunkedPayloadIsRefused(t *testing.T) {
	for _, kind := range []string{"STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", "anything"} {
		for _, service := range []string{"s3", "sts"} {
			r := newRequest("PUT", "/b/k", testBody)
			r.Header.Set("X-Amz-Content-Sha256", kind)
			r.Header.Set("X-Amz-Date", testNow.Format(timeFormat))
			r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+testCreds.AccessKeyID+"/20250101/us-east-1/"+service+
				"/aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=0")
			sig, err := compute(r, []string{"host", "x-amz-content-sha256", "x-amz-date"}, kind, testNow.Format(timeFormat),
				Scope{testCreds.AccessKeyID, "20250101", "us-east-1", service}, testCreds.SecretAccessKey, modeFor(service))
			if err != nil {
				t.Fatal(err)
			}
			setSignature(r, sig)
			o := testOptions()
			o.Service = service
			wantReason(t, verify(r, testBody, o), InvalidContentHash)
		}
	}
}

// CVE-2020-12692: signatures without an age limit.
func TestAgeIsBounded(t *testing.T) {
	header, presigned := signedPost(t, nil), presignedGet(t, nil)
	noExpires := presignedGet(t, nil)
	noExpires.URL.RawQuery = dropParam(noExpires.URL.RawQuery, "X-Amz-Expires")
	resignQuery(t, noExpires, "sts")
	for _, c := range []struct {
		name string
		r    *http.Request
		body []byte
		at   time.Duration // from the time of signing
		want Reason        // 0: verifies
	}{
		{"header, at the end", header, testBody, 5 * time.Minute, 0},
		{"header, past it", header, testBody, 5*time.Minute + time.Second, SignatureExpired},
		{"header, years later", header, testBody, 90000 * time.Hour, SignatureExpired},
		{"header, early", header, testBody, -5 * time.Minute, 0},
		{"header, too early", header, testBody, -5*time.Minute - time.Second, SignatureNotYetCurrent},
		{"presigned, at the end", presigned, nil, time.Hour, 0},
		{"presigned, past it", presigned, nil, time.Hour + time.Second, SignatureExpired},
		{"presigned, early", presigned, nil, -5 * time.Minute, 0},
		{"presigned, too early", presigned, nil, -5*time.Minute - time.Second, SignatureNotYetCurrent},
		{"presigned without expiry, at the end", noExpires, nil, 5 * time.Minute, 0},
		{"presigned without expiry, past it", noExpires, nil, 5*time.Minute + time.Second, SignatureExpired},
	} {
		o := testOptions()
		o.Now = testNow.Add(c.at)
		err := verify(c.r, c.body, o)
		if c.want == 0 {
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
			continue
		}
		t.Run(c.name, func(t *testing.T) { wantReason(t, err, c.want) })
	}
	o := testOptions()
	o.Now = time.Time{}
	wantReason(t, verify(header, testBody, o), SignatureNotYetCurrent) // no clock, no answer
}

func TestExpiresIsBounded(t *testing.T) {
	for value, want := range map[string]Reason{
		"1": 0, "604800": 0, "0": InvalidExpires, "604801": InvalidExpires, "-1": InvalidExpires, "%2B60": InvalidExpires, "1e3": InvalidExpires,
		"": InvalidExpires, "99999999999999999999999": InvalidExpires, "60.0": InvalidExpires, "+60": InvalidExpires,
	} {
		r := presignedGet(t, nil)
		editQuery(r, "X-Amz-Expires=3600", "X-Amz-Expires="+value)
		resignQuery(t, r, "sts")
		if err := verify(r, nil, testOptions()); want != 0 {
			wantReason(t, err, want)
		} else if err != nil {
			t.Errorf("%q: %v", value, err)
		}
	}
	// S3 asks for an expiry.
	r := newRequest("GET", "/b/k", nil)
	if err := Presign(r, nil, testCreds, "us-east-1", "s3", testNow, time.Hour); err != nil {
		t.Fatal(err)
	}
	r.URL.RawQuery = dropParam(r.URL.RawQuery, "X-Amz-Expires")
	resignQuery(t, r, "s3")
	o := testOptions()
	o.Service = "s3"
	wantReason(t, verify(r, nil, o), InvalidExpires)
}

// A key derived for another day would sign for today.
func TestScopeDateIsTheRequestsDay(t *testing.T) {
	r := signedPost(t, nil)
	editAuth(r, "/20250101/", "/20241231/")
	resign(t, r, testBody)
	wantReason(t, verify(r, testBody, testOptions()), InvalidScope)

	r = presignedGet(t, nil)
	editQuery(r, "%2F20250101%2F", "%2F20241231%2F")
	resignQuery(t, r, "sts")
	wantReason(t, verify(r, nil, testOptions()), InvalidScope)
}

// CVE-2025-65073: a signature made for one service, region or host is replayed
// at another.
func TestSignatureIsForThisServiceRegionAndHost(t *testing.T) {
	r := signedPost(t, nil)
	o := testOptions()
	o.Service = "iam"
	wantReason(t, verify(r, testBody, o), InvalidScope)
	o = testOptions()
	o.Service = ""
	wantReason(t, verify(r, testBody, o), InvalidScope) // a server that forgets to say which it is
	o = testOptions()
	o.Region = "eu-central-1"
	wantReason(t, verify(r, testBody, o), InvalidScope)
	for _, host := range []string{"sts.evil.example", "sts.us-east-1.amazonaws.com:443", "STS.us-east-1.amazonaws.com", ""} {
		r := signedPost(t, nil)
		r.Host, r.URL.Host = host, ""
		wantReason(t, verify(r, testBody, testOptions()), SignatureDoesNotMatch)
	}
	r = signedPost(t, nil)
	editAuth(r, "aws4_request", "aws5_request")
	wantReason(t, verify(r, testBody, testOptions()), InvalidScope)
}

func TestHostMustBeSigned(t *testing.T) {
	r := signedPost(t, nil)
	editAuth(r, ";host;", ";")
	resign(t, r, testBody)
	wantReason(t, verify(r, testBody, testOptions()), UnsignedHeader)

	r = presignedGet(t, func(r *http.Request) { r.Header.Set("X-K8s-Aws-Id", "c") })
	editQuery(r, "X-Amz-SignedHeaders=host%3B", "X-Amz-SignedHeaders=")
	resignQuery(t, r, "sts")
	wantReason(t, verify(r, nil, testOptions()), UnsignedHeader)
}

// Unsigned x-amz-* headers honoured: a bystander adds one to a signed request.
func TestAmzHeadersMustBeSigned(t *testing.T) {
	for _, name := range []string{"X-Amz-Security-Token", "X-Amz-Target", "X-Amz-Anything", "X-Amz-Copy-Source", "x-amz-lower-case"} {
		for _, r := range []*http.Request{signedPost(t, nil), presignedGet(t, nil)} {
			r.Header[name] = []string{"value"}
			c, err := Read(r)
			if err == nil {
				err = c.Verify(r, testBody, testCreds.SecretAccessKey, testOptions())
			}
			if name == "X-Amz-Security-Token" && c == nil && strings.Contains(err.Error(), "Ambiguous") {
				continue // a presigned request with a token in a header
			}
			wantReason(t, err, UnsignedHeader)
		}
	}
	// One that comes between Read and Verify is not honoured either.
	r := signedPost(t, nil)
	c, err := Read(r)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Amz-Target", "t")
	wantReason(t, c.Verify(r, testBody, testCreds.SecretAccessKey, testOptions()), UnsignedHeader)
}

// S3 wants content-type signed when there is one; for the others AWS's
// specification leaves it open, and curl --aws-sigv4 does not sign it.
func TestContentTypeSignedForS3(t *testing.T) {
	for service, want := range map[string]Reason{"s3": UnsignedHeader, "sts": 0} {
		r := newRequest("PUT", "/b/k", testBody)
		if err := Sign(r, testBody, testCreds, "us-east-1", service, testNow); err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "text/html")
		o := testOptions()
		o.Service = service
		if err := verify(r, testBody, o); want != 0 {
			wantReason(t, err, want)
		} else if err != nil {
			t.Error(err)
		}
	}
}

func TestDuplicateSecurityHeaders(t *testing.T) {
	for _, name := range onceOnly {
		r := signedPost(t, func(r *http.Request) {
			for _, once := range onceOnly {
				if once != "Authorization" && once != "X-Amz-Content-Sha256" {
					r.Header.Set(once, "v")
				}
			}
			r.Header.Set("X-Amz-Content-Sha256", hexSHA256(testBody))
		})
		r.Header.Set("X-Amz-Security-Token", "v")
		editAuth(r, "x-amz-date;", "x-amz-date;x-amz-security-token;")
		resign(t, r, testBody)
		if err := verify(r, testBody, testOptions()); err != nil {
			t.Fatal(err)
		}
		r.Header[name] = append(r.Header[name], r.Header[name][0])
		if name != "Authorization" {
			resign(t, r, testBody)
		}
		wantReason(t, verify(r, testBody, testOptions()), AmbiguousAuthentication)
	}
}

func TestDuplicateSecurityParameters(t *testing.T) {
	for i, name := range paramNames {
		r := newRequest("GET", "/?Action=GetCallerIdentity", nil)
		creds := testCreds
		creds.SessionToken = "token"
		if err := Presign(r, nil, creds, "us-east-1", "sts", testNow, time.Hour); err != nil {
			t.Fatal(err)
		}
		r.URL.RawQuery += "&X-Amz-Content-Sha256=x"
		value := r.URL.Query().Get(name)
		for _, again := range []string{name, strings.Replace(name, "Amz", "%41mz", 1)} {
			r := r.Clone(t.Context())
			r.URL.RawQuery += "&" + again + "=" + url.QueryEscape(value)
			if i != paramSignature {
				resignQuery(t, r, "sts")
			}
			wantReason(t, verify(r, nil, testOptions()), AmbiguousAuthentication)
		}
	}
	for _, param := range []string{"Credential", "SignedHeaders", "Signature"} {
		r := signedPost(t, nil)
		auth := r.Header.Get("Authorization")
		r.Header.Set("Authorization", auth+", "+param+"="+strings.TrimSuffix(between(auth+",", param+"=", ","), ","))
		wantReason(t, verify(r, testBody, testOptions()), AmbiguousAuthentication)
	}
}

// Paths normalised one way here and another there: Claim.Path is the path that
// was signed, and a path that means another thing does not verify.
func TestOnePath(t *testing.T) {
	sign := func(service, target string) *http.Request {
		r := newRequest("GET", target, nil)
		if err := Sign(r, nil, testCreds, "us-east-1", service, testNow); err != nil {
			t.Fatal(err)
		}
		return r
	}
	for _, c := range []struct{ service, signed, sent, path string }{
		{"sts", "/a", "/a", "/a"},
		{"sts", "/a", "/b/../a", "/a"}, // equal to AWS, so Claim.Path has to say so
		{"sts", "/a", "//a", "/a"},
		{"sts", "/a/b", "/a%2Fb", ""},
		{"sts", "/a/b", "/a%2fb", ""},
		{"sts", "/a", "/%61", ""},
		{"sts", "/a", "/b/%2e%2e/a", ""},
		{"sts", "/a", "/a/", ""},
		{"s3", "/b/k", "/b/k", "/b/k"},
		{"s3", "/b/k", "/b/x/../k", ""},
		{"s3", "/b/k", "/b//k", ""},
		{"s3", "/b/k", "/b/./k", ""},
		{"s3", "/b/c/k", "/b/c%2Fk", ""},
		{"s3", "/b/../k", "/b/../k", "/b/../k"},
		{"s3", "/b/k", "/b/%6B", "/b/%6B"}, // another spelling of the same bytes
	} {
		r := sign(c.service, c.signed)
		sent, err := url.ParseRequestURI(c.sent)
		if err != nil {
			t.Fatal(err)
		}
		r.URL = sent
		o := testOptions()
		o.Service = c.service
		claim, err := Read(r)
		if err != nil {
			t.Fatal(err)
		}
		err = claim.Verify(r, nil, testCreds.SecretAccessKey, o)
		if c.path == "" {
			if err == nil {
				t.Errorf("%s: signed %s, sent %s: verifies", c.service, c.signed, c.sent)
			}
		} else if err != nil || claim.Path != c.path {
			t.Errorf("%s: signed %s, sent %s: path %q, %v", c.service, c.signed, c.sent, claim.Path, err)
		}
	}
	// Handlers see URL.Path; a RawPath that says another thing is not believed.
	r := sign("sts", "/a")
	r.URL.Path, r.URL.RawPath = "/b", "/a"
	wantReason(t, verify(r, nil, testOptions()), SignatureDoesNotMatch)
	r = sign("sts", "/a")
	r.URL.Opaque = "//other/path"
	wantReason(t, verify(r, nil, testOptions()), SignatureDoesNotMatch)
}

// "+" and "%2B" are two things to a handler, so they are to the signature.
func TestQueryMeansWhatWasSigned(t *testing.T) {
	for _, c := range []struct {
		signed, sent string
		same         bool
	}{
		{"a=1&b=2", "b=2&a=1", true},
		{"a=x+y", "a=x%20y", true},
		{"a=%7E", "a=~", true},
		{"a", "a=", true},
		{"a=x%2By", "a=x+y", false},
		{"a=1&b=2", "a=1%26b=2", false},
		{"a=1&a=2", "a=2&a=1", true}, // AWS sorts by value: order between equal names is not signed
		{"a=1", "a=1&a=1", false},
		{"a=1", "A=1", false},
		{"a=1", "a=1&b", false},
		{"a=b=c", "a=b&=c", false},
		{"a==", "a=%3D", true},
		{"a=1;b=2", "a=1&b=2", false},
	} {
		r := newRequest("GET", "/?"+c.signed, nil)
		if err := Sign(r, nil, testCreds, "us-east-1", "sts", testNow); err != nil {
			t.Fatal(err)
		}
		r.URL.RawQuery = c.sent
		if err := verify(r, nil, testOptions()); (err == nil) != c.same {
			t.Errorf("signed %q, sent %q: %v", c.signed, c.sent, err)
		}
	}
}

// CVE-2021-21362, CVE-2026-39360: the forms of a browser's POST policy are no
// way around: they leave a request anonymous.
func TestPostPolicyFormIsAnonymous(t *testing.T) {
	r := newRequest("POST", "/", []byte("--b\r\nContent-Disposition: form-data; name=\"X-Amz-Signature\"\r\n\r\nx\r\n--b--\r\n"))
	r.Header.Set("Content-Type", "multipart/form-data; boundary=b")
	if _, err := Read(r); err != ErrMissing {
		t.Errorf("got %v, want ErrMissing", err)
	}
}

// A signature that binds a prefix, not the method.
func TestMethodIsBound(t *testing.T) {
	for _, method := range []string{"PUT", "post", "POS", "POSTX", ""} {
		r := signedPost(t, nil)
		r.Method = method
		wantReason(t, verify(r, testBody, testOptions()), SignatureDoesNotMatch)
	}
}

func TestBodyIsBound(t *testing.T) {
	for _, body := range []string{"", "x", string(testBody) + "\n", string(testBody[:len(testBody)-1])} {
		wantReason(t, verify(signedPost(t, nil), []byte(body), testOptions()), SignatureDoesNotMatch)
	}
	// A presigned request is signed with the body that was there: none.
	r := presignedGet(t, func(r *http.Request) { r.Method = "POST" })
	if err := verify(r, nil, testOptions()); err != nil {
		t.Error(err)
	}
	wantReason(t, verify(r, []byte("Action=AssumeRole"), testOptions()), SignatureDoesNotMatch)
}

func TestDeclaredContentHash(t *testing.T) {
	for _, c := range []struct {
		name, service, declared, body string
		want                          Reason
	}{
		{"the body's", "sts", hexSHA256(testBody), string(testBody), 0},
		{"the body's, s3", "s3", hexSHA256(testBody), string(testBody), 0},
		{"another body's", "sts", hexSHA256([]byte("x")), string(testBody), ContentHashMismatch},
		{"another body's, s3", "s3", hexSHA256([]byte("x")), string(testBody), ContentHashMismatch},
		{"unsigned", "sts", unsignedPayload, string(testBody), InvalidContentHash},
		{"unsigned, s3", "s3", unsignedPayload, string(testBody), 0},
		{"upper case", "sts", strings.ToUpper(hexSHA256(testBody)), string(testBody), InvalidContentHash},
		{"cut short", "sts", hexSHA256(testBody)[:63], string(testBody), InvalidContentHash},
		{"none, s3", "s3", "", string(testBody), InvalidContentHash},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRequest("PUT", "/b/k", []byte(c.body))
			if err := Sign(r, testBody, testCreds, "us-east-1", c.service, testNow); err != nil {
				t.Fatal(err)
			}
			// Signed over the declared hash, as a client would that declares it.
			names := []string{"host", "x-amz-date"}
			hash := hexSHA256([]byte(c.body))
			if c.declared == "" {
				r.Header.Del("X-Amz-Content-Sha256")
			} else {
				r.Header.Set("X-Amz-Content-Sha256", c.declared)
				names = []string{"host", "x-amz-content-sha256", "x-amz-date"}
				hash = c.declared
			}
			sig, err := compute(r, names, hash, testNow.Format(timeFormat),
				Scope{testCreds.AccessKeyID, "20250101", "us-east-1", c.service}, testCreds.SecretAccessKey, modeFor(c.service))
			if err != nil {
				t.Fatal(err)
			}
			auth := r.Header.Get("Authorization")
			editAuth(r, between(auth, "SignedHeaders=", ","), strings.Join(names, ";"))
			setSignature(r, sig)
			o := testOptions()
			o.Service = c.service
			if err := verify(r, []byte(c.body), o); c.want != 0 {
				wantReason(t, err, c.want)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

// A list of signed headers that names one twice, or in disorder or capitals,
// can hide a name from who searches it.
func TestSignedHeadersAreInOrder(t *testing.T) {
	const list = "content-type;host;x-amz-date"
	for _, bad := range []string{
		"host;content-type;x-amz-date", "content-type;host;host;x-amz-date", "content-type;Host;x-amz-date",
		"content-type;host;x-amz-date;", ";content-type;host;x-amz-date", "content-type;;host;x-amz-date",
	} {
		r := signedPost(t, nil)
		editAuth(r, list, bad)
		if sig, err := compute(r, strings.Split(bad, ";"), hexSHA256(testBody), testNow.Format(timeFormat),
			Scope{testCreds.AccessKeyID, "20250101", "us-east-1", "sts"}, testCreds.SecretAccessKey, modeFor("sts")); err == nil {
			setSignature(r, sig)
		}
		if err := verify(r, testBody, testOptions()); err == nil {
			t.Errorf("%q verifies", bad)
		} else {
			wantReason(t, err, IncompleteSignature)
		}
	}
}

// A header that is signed but absent would read the same as an empty one.
func TestSignedHeaderMustBeSent(t *testing.T) {
	r := signedPost(t, func(r *http.Request) { r.Header.Set("My-Header", "") })
	if err := verify(r, testBody, testOptions()); err != nil {
		t.Fatal(err)
	}
	r.Header.Del("My-Header")
	wantReason(t, verify(r, testBody, testOptions()), SignatureDoesNotMatch)
}

// A line break in a scope would move the lines of the string to sign.
func TestScopeHoldsNoControlCharacters(t *testing.T) {
	for _, region := range []string{"us%0Aeast", "us%20east", "us%00", "%C3%A9", ""} {
		r := presignedGet(t, nil)
		editQuery(r, "us-east-1", region)
		resignQuery(t, r, "sts")
		o := testOptions()
		o.Region = ""
		wantReason(t, verify(r, nil, o), IncompleteSignature)
	}
}

func TestSignatureIsCompared(t *testing.T) {
	sig := between(signedPost(t, nil).Header.Get("Authorization"), "Signature=", "")
	for _, bad := range []string{sig[:63], sig + "0", sig + sig, strings.ToUpper(sig), strings.Repeat("0", 64), sig[:32]} {
		r := signedPost(t, nil)
		setSignature(r, bad)
		wantReason(t, verify(r, testBody, testOptions()), SignatureDoesNotMatch)
	}
}
