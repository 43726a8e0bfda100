package sigv4

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// TestOverTheWire signs requests, sends them through net/http's client to its
// server, and verifies them there: what is signed is what is sent and what is
// received.
func TestOverTheWire(t *testing.T) {
	now := time.Now()
	verdict := make(chan error, 1)
	service := ""
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			o := Options{Now: now, Service: service}
			err = verify(r, body, o)
		}
		verdict <- err
	}))
	defer srv.Close()
	for _, svc := range []string{"sts", "s3"} {
		service = svc
		for _, target := range []string{
			"", "/", "/?", "/a b", "/a%20b", "/a%2Fb", "/a//b/../c/.", "/é/%C3%A9", "/a+b@c:d!$&'()*,;=~", "/a%2Bb%7E", "/%", "/%zz",
			"/?a=1&b=2&a=0", "/?q=a+b%20c%2B", "/?é=ü", "/?a&b=&=c&&d", "/?a=%7e~", "/?a;b=c", "/?a=b=c", "/?x=/?:@",
		} {
			for _, presign := range []bool{false, true} {
				name := service + " " + target
				r, err := http.NewRequest("PUT", srv.URL+target, strings.NewReader(string(testBody)))
				if err != nil {
					if strings.Contains(target, "%z") || target == "/%" {
						continue // net/url will not have it
					}
					t.Fatal(err)
				}
				r.Header.Set("Content-Type", "text/plain")
				r.Header.Set("My-Header", "  a   b ")
				r.Header.Add("My-Header", "c")
				r.Header.Set("X-Amz-Meta-Empty", "")
				creds := testCreds
				creds.SessionToken = "token+/="
				if presign {
					err = Presign(r, testBody, creds, "us-east-1", service, now, time.Minute)
				} else {
					err = Sign(r, testBody, creds, "us-east-1", service, now)
				}
				if err != nil {
					t.Errorf("%s: %v", name, err)
					continue
				}
				res, err := http.DefaultClient.Do(r)
				if err != nil {
					t.Fatal(name, err)
				}
				res.Body.Close()
				if err := <-verdict; err != nil {
					t.Errorf("%s, presigned %v: %v", name, presign, err)
				}
			}
		}
	}
}

// A request may be signed again, as a client does that tries again.
func TestSignAgain(t *testing.T) {
	r := signedPost(t, nil)
	creds := testCreds
	creds.SessionToken = "token"
	if err := Sign(r, testBody, creds, "us-east-1", "sts", testNow); err != nil {
		t.Fatal(err)
	}
	if err := verify(r, testBody, testOptions()); err != nil {
		t.Error(err)
	}
	if err := Sign(r, testBody, testCreds, "us-east-1", "sts", testNow.Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if c, err := Read(r); err != nil || c.SessionToken != "" {
		t.Errorf("the old session token is still there: %v", err)
	}
	if err := verify(r, testBody, testOptions()); err != nil {
		t.Error(err)
	}
}

func TestSignRefuses(t *testing.T) {
	r := newRequest("GET", "/?a=%zz", nil)
	if err := Sign(r, nil, testCreds, "us-east-1", "sts", testNow); err == nil {
		t.Error("signs a query that cannot be decoded")
	}
	r = newRequest("GET", "/", nil)
	r.Header["lower-case"] = []string{"x"}
	if err := Sign(r, nil, testCreds, "us-east-1", "sts", testNow); err == nil {
		t.Error("signs a header that net/http would not find")
	}
	for _, d := range []time.Duration{0, -time.Second, 999 * time.Millisecond, 604801 * time.Second} {
		if err := Presign(newRequest("GET", "/", nil), nil, testCreds, "us-east-1", "sts", testNow, d); err == nil {
			t.Errorf("presigns for %v", d)
		}
	}
	r = presignedGet(t, nil)
	if err := Presign(r, nil, testCreds, "us-east-1", "sts", testNow, time.Minute); err == nil {
		t.Error("presigns twice")
	}
	r = newRequest("GET", "/", nil)
	r.Header.Set("X-Amz-Security-Token", "t")
	if err := Presign(r, nil, testCreds, "us-east-1", "sts", testNow, time.Minute); err == nil {
		t.Error("presigns a request with a security token in its headers")
	}
}
