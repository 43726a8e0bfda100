package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/warder-iam/warder/internal/wardertest"
)

// post sends a request to a hook and gives the status and the body.
func (s *server) post(path, body string, header ...string) (int, string) {
	s.t.Helper()
	r, err := http.NewRequest("POST", s.url+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		if header[i] == "Host" {
			r.Host = header[i+1]
		} else {
			r.Header.Set(header[i], header[i+1])
		}
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

// A reset leaves the account and its administrator as the first start made
// them, and nothing else, in either store; a durable server remembers it.
func TestReset(t *testing.T) {
	t.Parallel()
	data := dataFolder(t)
	for name, flags := range map[string][]string{"memory": {"--store", "memory"}, "durable": {"--data", data}} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, append(append(flags, "--test-hooks"), administrator...)...)
			mallory := s.user(adminKey, "mallory", allow("*", "*"))
			session, err := s.sts(mallory).GetSessionToken(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			status, body := s.post("/_warder/accounts", `{"account":"210987654321"}`)
			var made struct {
				Administrator struct{ AccessKeyID, SecretAccessKey string }
			}
			if err := json.Unmarshal([]byte(body), &made); err != nil || status != 200 {
				t.Fatalf("%d: %s", status, body)
			}
			partner := wardertest.Credentials{AccessKeyID: made.Administrator.AccessKeyID, SecretAccessKey: made.Administrator.SecretAccessKey}
			s.wantCaller(partner, "arn:aws:iam::210987654321:user/administrator")
			if _, err := s.iam(adminKey).PutUserPolicy(t.Context(), &iam.PutUserPolicyInput{
				UserName: ptr("administrator"), PolicyName: ptr("more"), PolicyDocument: ptr(allow("s3:*", "*")),
			}); err != nil {
				t.Fatal(err)
			}

			check := func() {
				t.Helper()
				for who, c := range map[string]wardertest.Credentials{
					"a user's key": mallory, "another account's key": partner, "a user's session": wardertest.SessionCredentials(session.Credentials),
				} {
					_, err := s.sts(c).GetCallerIdentity(t.Context(), nil)
					if code := wardertest.Code(err); code != "InvalidClientTokenId" {
						t.Errorf("%s after a reset: %q", who, code)
					}
				}
				s.wantCaller(adminKey, "arn:aws:iam::"+account+":user/administrator")
				users, err := s.iam(adminKey).ListUsers(t.Context(), nil)
				if err != nil || len(users.Users) != 1 || *users.Users[0].UserName != "administrator" {
					t.Errorf("users after a reset: %v, %v", users, err)
				}
				policies, err := s.iam(adminKey).ListUserPolicies(t.Context(), &iam.ListUserPoliciesInput{UserName: ptr("administrator")})
				if err != nil || len(policies.PolicyNames) != 1 || policies.PolicyNames[0] == "more" {
					t.Errorf("the administrator's inline policies after a reset: %v, %v", policies, err)
				}
			}
			status, body = s.post("/_warder/reset", "")
			if status != 200 || !strings.Contains(body, adminKeyID) {
				t.Errorf("reset: %d %s", status, body)
			}
			check()
			if name == "durable" {
				s.stop()
				s = serve(t, append(append(flags, "--test-hooks"), administrator...)...)
				check()
			}
			s.user(adminKey, "mallory", "")
		})
	}
}

// Without the flag the hooks are not there: the paths are AWS's like any other.
func TestNoHooksWithoutFlag(t *testing.T) {
	t.Parallel()
	s := serve(t, append([]string{"--store", "memory"}, administrator...)...)
	key := s.user(adminKey, "kept", "")
	for _, path := range []string{"/_warder/reset", "/_warder/accounts", "/_warder/", "/_warder/reset/"} {
		if status, body := s.post(path, "{}"); status < 400 || strings.Contains(strings.ToLower(body), "warder") {
			t.Errorf("%s without the flag: %d %s", path, status, body)
		}
	}
	s.wantCaller(key, "arn:aws:iam::"+account+":user/kept")
}

// The hooks ask for no credentials, so only programs on this machine may reach
// them, and no page in its browser.
func TestHooksAreNotForWebPages(t *testing.T) {
	t.Parallel()
	s := serveMemory(t)
	key := s.user(adminKey, "kept", "")
	for _, header := range [][]string{
		{"Origin", "https://example.com"}, {"Sec-Fetch-Site", "cross-site"}, {"Host", "rebound.example.com"}, {"Host", "127.0.0.1.example.com:4500"},
	} {
		for _, path := range []string{"/_warder/reset", "/_warder/accounts"} {
			if status, body := s.post(path, "{}", header...); status != http.StatusForbidden {
				t.Errorf("%s with %v: %d %s", path, header, status, body)
			}
		}
	}
	resp, err := http.Get(s.url + "/_warder/reset")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("GET of the reset hook: %s", resp.Status)
	}
	s.wantCaller(key, "arn:aws:iam::"+account+":user/kept")
	if status, _ := s.post("/_warder/reset", "", "Host", "localhost:4500"); status != http.StatusOK {
		t.Errorf("reset by the name localhost: %d", status)
	}
	for _, spec := range []string{"{", `{"account":"12"}`, `{"account":"` + account + `"}`, `{"admin":true}`, `[]`} {
		if status, body := s.post("/_warder/accounts", spec); status != http.StatusBadRequest {
			t.Errorf("account %s: %d %s", spec, status, body)
		}
	}
}

// The issue asks for less than 50 ms. What is emptied is a state of 1,000 users.
func BenchmarkReset(b *testing.B) {
	s := serveMemory(b)
	for range b.N {
		b.StopTimer()
		for i := range 1000 {
			if _, err := s.iam(adminKey).CreateUser(b.Context(), createUser("user"+string(rune('a'+i%26))+string(rune('a'+i/26%26))+string(rune('a'+i/676)))); err != nil {
				b.Fatal(err)
			}
		}
		b.StartTimer()
		if status, body := s.post("/_warder/reset", ""); status != 200 {
			b.Fatal(body)
		}
	}
}
