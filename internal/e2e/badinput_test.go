package e2e

import (
	"bytes"
	"compress/gzip"
	"encoding/xml"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/warder-iam/warder/sigv4"
)

const formType = "application/x-www-form-urlencoded; charset=utf-8"

// answer is what came back for a raw request.
type answer struct {
	status int
	header http.Header
	body   string
	code   string // of the error, if it is AWS's XML form
	whole  bool   // the error has all the parts that AWS's has
}

// request is a raw request: what a client library would not send.
type request struct {
	method, path, query, body, contentType string
	service                                string                // to sign for; "-" sends it unsigned
	prepare                                func(r *http.Request) // before it is signed
	change                                 func(r *http.Request) // after that
}

func (s *server) do(q request) answer {
	s.t.Helper()
	method := q.method
	if method == "" {
		method = "POST"
	}
	if q.path == "" {
		q.path = "/"
	}
	target := s.url + q.path
	r, err := http.NewRequest(method, target, strings.NewReader(q.body))
	if err != nil {
		s.t.Fatal(err)
	}
	r.URL.RawQuery = q.query
	if q.contentType == "" && q.body != "" {
		q.contentType = formType
	}
	if q.contentType != "" {
		r.Header.Set("Content-Type", q.contentType)
	}
	if q.prepare != nil {
		q.prepare(r)
	}
	if q.service == "" {
		q.service = "iam"
	}
	if q.service != "-" {
		if err := sigv4.Sign(r, []byte(q.body), signing(adminKey), "us-east-1", q.service, time.Now()); err != nil {
			s.t.Fatal(err)
		}
	}
	if q.change != nil {
		q.change(r)
	}
	client := http.Client{Timeout: 40 * time.Second, Transport: &http.Transport{DisableCompression: true, DisableKeepAlives: true}}
	resp, err := client.Do(r)
	if err != nil {
		return answer{body: err.Error()}
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return answer{body: err.Error()}
	}
	a := answer{status: resp.StatusCode, header: resp.Header, body: string(text)}
	var e struct {
		XMLName   xml.Name
		Error     struct{ Type, Code, Message string }
		RequestID string `xml:"RequestId"`
	}
	if xml.Unmarshal(text, &e) == nil && e.XMLName.Local == "ErrorResponse" {
		a.code = e.Error.Code
		a.whole = e.Error.Message != "" && (e.Error.Type == "Sender") == (a.status < 500) && e.RequestID != "" &&
			e.RequestID == resp.Header.Get("X-Amzn-Requestid") && strings.HasPrefix(resp.Header.Get("Content-Type"), "text/xml")
	}
	return a
}

// wantAlive checks that the server still does its work.
func (s *server) wantAlive() {
	s.t.Helper()
	s.wantCaller(adminKey, "arn:aws:iam::"+account+":user/administrator")
}

const (
	listUsers = "Action=ListUsers&Version=2010-05-08"
	putPolicy = "Action=PutUserPolicy&Version=2010-05-08&UserName=administrator&PolicyName=bad&PolicyDocument="
)

// Each bad request is refused with AWS's code in AWS's form, changes nothing,
// and leaves the server as it was.
func TestBadRequests(t *testing.T) {
	t.Parallel()
	s := serveMemory(t)
	tests := []struct {
		name string
		request
		status int
		code   string
	}{
		{"no action", request{body: "Version=2010-05-08"}, 400, "MissingAction"},
		{"nothing", request{}, 400, "MissingAction"},
		{"empty action", request{body: "Action=&Version=2010-05-08"}, 400, "MissingAction"},
		{"unknown action", request{body: "Action=CreateWorld&Version=2010-05-08"}, 400, "InvalidAction"},
		{"action in another case", request{body: "Action=listusers&Version=2010-05-08"}, 400, "InvalidAction"},
		{"unknown version", request{body: "Action=ListUsers&Version=2011-01-01"}, 400, "InvalidAction"},
		{"no version", request{body: "Action=ListUsers"}, 400, "InvalidAction"},
		{"action of another service", request{body: "Action=GetCallerIdentity&Version=2011-06-15"}, 400, "InvalidAction"},
		{"very long action", request{body: "Action=" + strings.Repeat("A", 1<<20) + "&Version=2010-05-08"}, 400, "InvalidAction"},
		{"twice in the body", request{body: "Action=ListUsers&" + listUsers}, 404, "MalformedQueryString"},
		{"twice in the query", request{method: "GET", query: "Action=ListUsers&" + listUsers}, 404, "MalformedQueryString"},
		{"once in each", request{query: "Action=DeleteUser", body: listUsers}, 404, "MalformedQueryString"},
		{"twice, once escaped", request{body: listUsers + "&%41ction=DeleteUser"}, 404, "MalformedQueryString"},
		{"bad percent-encoding", request{body: listUsers + "&PathPrefix=%zz"}, 404, "MalformedQueryString"},
		{"cut percent-encoding", request{body: listUsers + "&PathPrefix=%2"}, 404, "MalformedQueryString"},
		{"invalid UTF-8", request{body: listUsers + "&PathPrefix=\xff\xfe"}, 404, "MalformedQueryString"},
		{"invalid UTF-8, escaped", request{body: listUsers + "&PathPrefix=%c3%28"}, 404, "MalformedQueryString"},
		{"surrogates", request{body: listUsers + "&PathPrefix=%ed%a0%80"}, 404, "MalformedQueryString"},
		{"too many parameters", request{body: listUsers + strings.Repeat("&a=", 10_001)}, 404, "MalformedQueryString"},
		{"name too long", request{body: listUsers + "&" + strings.Repeat("a.", 1000) + "=1"}, 404, "MalformedQueryString"},
		{"huge index", request{body: "Action=TagUser&Version=2010-05-08&UserName=administrator&Tags.member.999999999.Key=a"}, 400, "ValidationError"},
		{"overflowing index", request{body: "Action=TagUser&Version=2010-05-08&UserName=administrator&Tags.member.99999999999999999999.Key=a"}, 400, "*"},
		{"number", request{body: listUsers + "&MaxItems=ten"}, 400, "*"},
		{"number out of range", request{body: listUsers + "&MaxItems=99999999999999999999"}, 400, "*"},
		{"JSON body", request{body: `{"Action":"ListUsers"}`, contentType: "application/json"}, 400, "MalformedHttpRequestException"},
		{"JSON protocol", request{body: `{}`, contentType: "application/x-amz-json-1.1", prepare: func(r *http.Request) { r.Header.Set("X-Amz-Target", "IAM.ListUsers") }}, 400, "MalformedHttpRequestException"},
		{"form of another kind", request{body: listUsers, contentType: "multipart/form-data; boundary=x"}, 400, "MalformedHttpRequestException"},
		{"another charset", request{body: listUsers, contentType: "application/x-www-form-urlencoded; charset=utf-16"}, 400, "MalformedHttpRequestException"},
		{"no content type", request{body: listUsers, change: func(r *http.Request) { r.Header.Del("Content-Type") }}, 400, "*"},
		{"compressed", request{body: zipped(listUsers), change: func(r *http.Request) { r.Header.Set("Content-Encoding", "gzip") }}, 400, "*"},
		{"too large", request{body: listUsers + "&PathPrefix=" + strings.Repeat("a", 9<<20)}, 413, "RequestEntityTooLarge"},
		{"not signed", request{service: "-", body: listUsers}, 403, "MissingAuthenticationToken"},
		{"not signed, unknown", request{service: "-", method: "GET"}, 403, "MissingAuthenticationToken"},
		{"not signed, large", request{service: "-", body: listUsers + "&PathPrefix=" + strings.Repeat("a", 900<<10)}, 403, "MissingAuthenticationToken"},
		{"not signed, too large", request{service: "-", body: listUsers + "&PathPrefix=" + strings.Repeat("a", 2<<20)}, 413, "RequestEntityTooLarge"},
		{"signed for another service", request{service: "sts", body: listUsers}, 400, "InvalidAction"},
		{"signed for no service of ours", request{service: "s3", body: listUsers}, 403, "SignatureDoesNotMatch"},
		{"signed in header and query", request{method: "GET", query: listUsers, change: alsoPresigned}, 400, "*"},
		{"body not as signed", request{body: listUsers, change: setBody("Action=DeleteUser&Version=2010-05-08&UserName=administrator")}, 403, "SignatureDoesNotMatch"},
		{"two signatures", request{body: listUsers, change: func(r *http.Request) {
			r.Header["Authorization"] = append(r.Header["Authorization"], r.Header["Authorization"][0])
		}}, 400, "*"},
		{"other kind of authorization", request{service: "-", body: listUsers, change: func(r *http.Request) { r.SetBasicAuth("administrator", adminSecret) }}, 400, "*"},
		{"policy of no JSON", request{body: putPolicy + "policy"}, 400, "MalformedPolicyDocument"},
		{"deep policy", request{body: putPolicy + url.QueryEscape(strings.Repeat(`{"Statement":[`, 3000))}, 400, "MalformedPolicyDocument"},
		{"deep and closed policy", request{body: putPolicy + url.QueryEscape(strings.Repeat("[", 20000)+strings.Repeat("]", 20000))}, 400, "MalformedPolicyDocument"},
		{"large policy", request{body: putPolicy + url.QueryEscape(allow("s3:"+strings.Repeat("s", 3000), "*"))}, 409, "LimitExceeded"},
		{"huge policy", request{body: putPolicy + url.QueryEscape(allow(strings.Repeat("s", 2<<20), "*"))}, 400, "ValidationError"},
		{"policy with a key twice", request{body: putPolicy + url.QueryEscape(`{"Version":"2012-10-17","Statement":{"Effect":"Deny","Effect":"Allow","Action":"*","Resource":"*"}}`)}, 400, "MalformedPolicyDocument"},
		{"policy with data after it", request{body: putPolicy + url.QueryEscape(allow("s3:*", "*")+"{}")}, 400, "MalformedPolicyDocument"},
		{"policy of many wildcards", request{body: putPolicy + url.QueryEscape(allow("s3:"+strings.Repeat("*?", 1000), "*"))}, 409, "LimitExceeded"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := s.do(tt.request)
			if got.status != tt.status && !(tt.code == "*" && got.status >= 400 && got.status < 500) || tt.code != "*" && got.code != tt.code {
				t.Errorf("got %d %s, want %d %s: %.500s", got.status, got.code, tt.status, tt.code, got.body)
			}
			if !got.whole {
				t.Errorf("this is not AWS's form of an error: %v %.500s", got.header, got.body)
			}
			if len(got.body) > 8192 {
				t.Errorf("the error has %d bytes: it repeats what it was sent", len(got.body))
			}
		})
	}
	s.wantAlive()
	out, err := s.iam(adminKey).ListUsers(t.Context(), nil)
	if err != nil || len(out.Users) != 1 {
		t.Errorf("the users are %v, %v", out, err)
	}
	policies, err := s.iam(adminKey).ListUserPolicies(t.Context(), &iam.ListUserPoliciesInput{UserName: ptr("administrator")})
	if err != nil || len(policies.PolicyNames) != 1 {
		t.Errorf("the policies are %v, %v", policies, err)
	}
}

func zipped(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write([]byte(text))
	_ = w.Close()
	return b.String()
}

func alsoPresigned(r *http.Request) {
	other, err := http.NewRequest("GET", r.URL.String(), nil)
	if err == nil {
		err = sigv4.Presign(other, nil, signing(adminKey), "us-east-1", "iam", time.Now(), time.Minute)
	}
	if err != nil {
		panic(err)
	}
	r.URL.RawQuery = other.URL.RawQuery
}

func setBody(text string) func(r *http.Request) {
	return func(r *http.Request) {
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(text)), int64(len(text))
	}
}

// The methods of the query protocol are GET and POST; parameters may stand in
// the query, the body or both
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/programming.html).
func TestMethods(t *testing.T) {
	t.Parallel()
	s := serveMemory(t)
	for _, q := range []request{
		{method: "GET", query: listUsers},
		{method: "POST", body: listUsers},
		{method: "POST", query: listUsers},
		{method: "POST", query: "Action=ListUsers", body: "Version=2010-05-08"},
		{method: "POST", body: listUsers, change: func(r *http.Request) { r.ContentLength = -1 }},                      // chunked
		{method: "POST", body: listUsers, change: func(r *http.Request) { r.Header.Set("Expect", "100-continue") }},    // asks first
		{method: "POST", body: listUsers, contentType: "application/x-www-form-urlencoded"},                            // other SDKs
		{method: "POST", body: listUsers, contentType: `Application/X-WWW-Form-URLEncoded; charset="UTF-8"`},           // spelt otherwise
		{method: "POST", body: "&" + listUsers + "&&MaxItems=5&"},                                                      // empty pairs
		{method: "POST", body: listUsers, change: func(r *http.Request) { r.Header.Set("User-Agent", "\u00e9\x7f;") }}, // not signed, not harmful
	} {
		if got := s.do(q); got.status != 200 && !strings.Contains(got.body, "invalid header") || got.status == 200 && !strings.Contains(got.body, "<ListUsersResponse") {
			t.Errorf("%s ?%s %q: %d %s", q.method, q.query, q.body, got.status, got.body)
		}
	}
	if got := s.do(request{method: "HEAD", query: listUsers}); got.status != 405 || got.body != "" {
		t.Errorf("HEAD: %d %q", got.status, got.body)
	}
	for _, method := range []string{"PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND"} {
		got := s.do(request{method: method, query: "Action=CreateUser&Version=2010-05-08&UserName=by" + method})
		if got.status != 405 || got.code != "MethodNotAllowed" || !got.whole {
			t.Errorf("%s: %d %s", method, got.status, got.body)
		}
	}
	if got := s.do(request{method: "CONNECT", service: "-"}); got.status >= 200 && got.status < 400 {
		t.Errorf("CONNECT: %d %s", got.status, got.body)
	}
	out, err := s.iam(adminKey).ListUsers(t.Context(), nil)
	if err != nil || len(out.Users) != 1 {
		t.Errorf("the users are %v, %v", out, err)
	}
}

// What is no HTTP, or HTTP that two readers could read differently.
func TestBadConnections(t *testing.T) {
	t.Parallel()
	s := serveMemory(t)
	body := "Action=CreateUser&Version=2010-05-08&UserName=smuggled"
	for name, text := range map[string]string{
		"garbage":                 "\x00\x01\x02\x03\r\n\r\n",
		"TLS":                     "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + strings.Repeat("\xaa", 500),
		"HTTP/2 preface":          "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00",
		"no version":              "GET /\r\n\r\n",
		"huge header":             "GET / HTTP/1.1\r\nHost: x\r\nX-Amz-Security-Token: " + strings.Repeat("a", 1<<20) + "\r\n\r\n",
		"many headers":            "GET / HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("a: b\r\n", 50_000) + "\r\n",
		"huge line":               "GET /" + strings.Repeat("a", 1<<20) + " HTTP/1.1\r\nHost: x\r\n\r\n",
		"two lengths":             "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
		"length and chunks":       "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 60\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nPOST / HTTP/1.1\r\nHost: x\r\n\r\n" + body,
		"negative length":         "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n" + body,
		"huge length":             "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999\r\n\r\n" + body,
		"cut body":                "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: " + formType + "\r\nContent-Length: 5000\r\n\r\n" + body,
		"bad chunks":              "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzzzz\r\n" + body + "\r\n0\r\n\r\n",
		"cut chunks":              "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\n" + body,
		"two hosts":               "GET /?" + listUsers + " HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
		"no host":                 "GET /?" + listUsers + " HTTP/1.1\r\n\r\n",
		"folded header":           "GET / HTTP/1.1\r\nHost: x\r\nAuthorization: AWS4-HMAC-SHA256\r\n Credential=a\r\n\r\n",
		"space before colon":      "GET / HTTP/1.1\r\nHost: x\r\nAuthorization : AWS4-HMAC-SHA256\r\n\r\n",
		"header name not a token": "GET / HTTP/1.1\r\nHost: x\r\nX(Y): z\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
			go func() {
				_, _ = conn.Write([]byte(text)) // may fail: the server may have hung up
				_ = conn.(*net.TCPConn).CloseWrite()
			}()
			said, err := io.ReadAll(io.LimitReader(conn, 1<<20))
			if e, ok := err.(net.Error); ok && e.Timeout() {
				t.Fatalf("no answer, and the connection is held: %q", said)
			}
			if len(said) > 0 && !bytes.HasPrefix(said, []byte("HTTP/1.1 4")) && !bytes.HasPrefix(said, []byte("HTTP/1.0 4")) && !bytes.HasPrefix(said, []byte("HTTP/1.1 505")) {
				t.Errorf("the answer is %.300q", said)
			}
			if bytes.Contains(said, []byte(" 200 ")) {
				t.Errorf("something was accepted: %.300q", said)
			}
		})
	}
	s.wantAlive()
	if out, err := s.iam(adminKey).ListUsers(t.Context(), nil); err != nil || len(out.Users) != 1 {
		t.Errorf("the users are %v, %v", out, err)
	}
}

// A signed request that ends before its body does has done nothing.
func TestTruncatedBody(t *testing.T) {
	t.Parallel()
	s := serveMemory(t)
	whole := "Action=CreateUser&Version=2010-05-08&UserName=whole&Path=%2Fpath%2F"
	r, err := http.NewRequest("POST", s.url+"/", strings.NewReader(whole))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", formType)
	if err := sigv4.Sign(r, []byte(whole), signing(adminKey), "us-east-1", "iam", time.Now()); err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if err := r.Write(&text); err != nil {
		t.Fatal(err)
	}
	for _, missing := range []int{1, 15, len(whole)} {
		conn, err := net.Dial("tcp", r.URL.Host)
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
		if _, err := conn.Write(text.Bytes()[:text.Len()-missing]); err != nil {
			t.Fatal(err)
		}
		_ = conn.(*net.TCPConn).CloseWrite()
		said, _ := io.ReadAll(conn)
		conn.Close()
		if bytes.HasPrefix(said, []byte("HTTP/1.1 2")) {
			t.Errorf("without its last %d bytes: %s", missing, said)
		}
	}
	if out, err := s.iam(adminKey).ListUsers(t.Context(), nil); err != nil || len(out.Users) != 1 {
		t.Errorf("the users are %v, %v", out, err)
	}
}

// Clients that send a byte now and then are cut off, and while they last they
// keep nobody else waiting.
func TestSlowClients(t *testing.T) {
	t.Parallel()
	s := serveMemory(t)
	trickle := func(start string, ended chan<- error) {
		conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
		if err != nil {
			ended <- err
			return
		}
		defer conn.Close()
		gone := make(chan struct{})
		go func() {
			_, _ = io.Copy(io.Discard, conn)
			close(gone)
		}()
		_, err = conn.Write([]byte(start))
		for began := time.Now(); err == nil; {
			select {
			case <-gone:
				ended <- nil
				return
			case <-time.After(500 * time.Millisecond):
				_, err = conn.Write([]byte("a"))
			}
			if time.Since(began) > 45*time.Second {
				err = fmt.Errorf("a client that sends a byte every half second is still served after 45 s: %.60q", start)
				ended <- err
				return
			}
		}
		ended <- nil
	}
	starts := []string{
		"",
		"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ",
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Type: " + formType + "\r\nContent-Length: 1000000\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Type: " + formType + "\r\nTransfer-Encoding: chunked\r\n\r\nfffff\r\n",
	}
	ended := make(chan error, 25*len(starts))
	for range 25 {
		for _, start := range starts {
			go trickle(start, ended)
		}
	}
	for range 50 {
		s.wantAlive()
		time.Sleep(20 * time.Millisecond)
	}
	for range cap(ended) {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	s.wantAlive()
}

// Whoever sends large bodies all at once, with signatures or without, cannot
// make the server take memory without bound; a client among them that has to
// send one gets its turn.
func TestManyLargeBodies(t *testing.T) {
	t.Parallel()
	s := serveMemory(t)
	body := []byte(listUsers + "&PathPrefix=" + strings.Repeat("a", 8<<20-100))
	var sending sync.WaitGroup
	codes := make(chan string, 200)
	for i := range 200 {
		sending.Go(func() {
			q := request{body: string(body)}
			if i%2 == 0 {
				q.service = "-"
			}
			codes <- s.do(q).code
		})
	}
	sending.Wait()
	close(codes)
	got := map[string]int{}
	for code := range codes {
		got[code]++
	}
	s.wantAlive()
	t.Logf("the answers: %v; the server took %d MB at most", got, s.peakMemory()>>20)
	if got["ValidationError"] == 0 || got["RequestEntityTooLarge"] != 100 {
		t.Errorf("the answers are %v", got)
	}
	if peak := s.peakMemory(); peak > 1<<30 {
		t.Errorf("the server took %d MB", peak>>20)
	}
}

// peakMemory is the most memory that the server ever had, in bytes; 0 where the
// system does not tell.
func (s *server) peakMemory() int {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		var kB int
		if _, err := fmt.Sscanf(line, "VmHWM: %d kB", &kB); err == nil {
			return kB << 10
		}
	}
	return 0
}
