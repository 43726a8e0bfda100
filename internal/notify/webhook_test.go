package notify

import (
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/warder-iam/warder/internal/audit/outbox"
	"github.com/warder-iam/warder/internal/outward"
)

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// network reaches a test server and nothing else of this machine's.
func network(s *httptest.Server) outward.Network {
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	return outward.Network{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, Roots: roots, Flag: "--notify-network"}
}

type request struct {
	*http.Request
	body string
}

// serve is an HTTPS server that answers by the function and hands over what it got.
func serve(t *testing.T, answer http.HandlerFunc) (*httptest.Server, chan request) {
	t.Helper()
	got := make(chan request, 100)
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		got <- request{r, string(body)}
		answer(w, r)
	}))
	t.Cleanup(s.Close)
	return s, got
}

func fine(http.ResponseWriter, *http.Request) {}

func TestWebhook(t *testing.T) {
	s, got := serve(t, fine)
	w := NewWebhooks(network(s), func() time.Time { return now })
	at, err := FillPath(s.URL+"/a/*/b/*", []string{"x y/z", "1"})
	if err != nil {
		t.Fatal(err)
	}
	err = w.Send(t.Context(), &Webhook{
		Method: "PUT", URL: at + "?k=v", Query: []Field{{"q", "a&b"}}, Header: []Field{{"X-Team", "security"}, {"Content-Type", "application/cloudevents+json"}},
		Fields: []Field{{"added", "yes"}}, Body: []byte(`{"detail":{"n":1}}`), Auth: Auth{APIKey: &Field{"X-Api-Key", "secret"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	r := <-got
	if r.Method != "PUT" || r.URL.EscapedPath() != "/a/x%20y%2Fz/b/1" || r.URL.RawQuery != "k=v&q=a%26b" || r.body != `{"added":"yes","detail":{"n":1}}` {
		t.Errorf("%s %s %s", r.Method, r.URL, r.body)
	}
	for name, value := range map[string]string{
		"User-Agent": "Amazon/EventBridge/ApiDestinations", "Content-Type": "application/cloudevents+json", "Range": "bytes=0-1048575",
		"X-Team": "security", "X-Api-Key": "secret", "Authorization": "",
	} {
		if r.Header.Get(name) != value {
			t.Errorf("%s is %q", name, r.Header.Get(name))
		}
	}
	if err := w.Send(t.Context(), &Webhook{Method: "POST", URL: s.URL, Body: []byte("text"), Auth: Auth{Basic: &Field{"user", "pass"}}}); err != nil {
		t.Fatal(err)
	}
	r = <-got
	if user, pass, ok := r.BasicAuth(); !ok || user != "user" || pass != "pass" || r.body != "text" || r.Header.Get("Content-Type") != "application/json; charset=utf-8" {
		t.Errorf("%v %s", r.Header, r.body)
	}
}

// kind is what an error says is to be done.
func kind(err error) string {
	later, asked := errors.AsType[*outbox.Later](err)
	_, permanent := errors.AsType[*outbox.Permanent](err)
	switch {
	case err == nil:
		return "done"
	case permanent:
		return "never"
	case asked:
		return "after " + later.After.String()
	}
	return "again"
}

func TestWebhookAnswers(t *testing.T) {
	for _, tc := range []struct {
		status int
		after  string
		want   string
	}{
		{200, "", "done"}, {202, "", "done"}, {204, "", "done"},
		{302, "", "never"}, {400, "", "never"}, {403, "", "never"}, {404, "5", "never"},
		{401, "", "again"}, {407, "", "again"}, {409, "", "again"}, {429, "", "again"}, {500, "", "again"}, {503, "", "again"},
		{429, "7", "after 7s"}, {503, "0", "after 0s"}, {503, "-1", "never"}, {503, "soon", "again"}, {503, "9999999", "after 24h0m0s"},
		{503, now.Add(time.Minute).Format(http.TimeFormat), "after 1m0s"}, {503, now.Add(-time.Minute).Format(http.TimeFormat), "after 0s"},
	} {
		s, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			if tc.after != "" {
				w.Header().Set("Retry-After", tc.after)
			}
			w.Header().Set("Location", "https://example.com/")
			w.WriteHeader(tc.status)
		})
		w := NewWebhooks(network(s), func() time.Time { return now })
		err := w.Send(t.Context(), &Webhook{Method: "POST", URL: s.URL + "/?key=canary"})
		if got := kind(err); got != tc.want {
			t.Errorf("%d, Retry-After %q: %s (%v), want %s", tc.status, tc.after, got, err, tc.want)
		}
	}
}

// What can never be sent, and what may be later; no error has the secrets of the
// address in it.
func TestWebhookRefusals(t *testing.T) {
	s, got := serve(t, fine)
	open := network(s)
	closed := open
	closed.Allow = nil
	strange := open
	strange.Roots = x509.NewCertPool()
	gone := httptest.NewServer(nil)
	gone.Close()
	at := strings.Replace(gone.URL, "http", "https", 1) + "/?key=canary"
	for name, tc := range map[string]struct {
		network outward.Network
		hook    Webhook
		want    string
	}{
		"not on the internet":        {closed, Webhook{Method: "POST", URL: s.URL + "/?key=canary"}, "never"},
		"a certificate of nobody":    {strange, Webhook{Method: "POST", URL: s.URL + "/?key=canary"}, "again"},
		"nobody listens":             {open, Webhook{Method: "POST", URL: at}, "again"},
		"plain HTTP":                 {open, Webhook{Method: "POST", URL: "http://127.0.0.1/?key=canary"}, "never"},
		"a password in the address":  {open, Webhook{Method: "POST", URL: "https://u:canary@127.0.0.1/"}, "never"},
		"no address":                 {open, Webhook{Method: "POST", URL: "https://%zz/canary"}, "never"},
		"no method":                  {open, Webhook{Method: "PO ST", URL: s.URL}, "never"},
		"a header of AWS's":          {open, Webhook{Method: "POST", URL: s.URL, Header: []Field{{"host", "canary"}}}, "never"},
		"a header with a line break": {open, Webhook{Method: "POST", URL: s.URL, Header: []Field{{"X-A", "a\r\ncanary: b"}}}, "again"},
		"fields for no object":       {open, Webhook{Method: "POST", URL: s.URL, Body: []byte("[]"), Fields: []Field{{"a", "canary"}}}, "never"},
	} {
		err := NewWebhooks(tc.network, time.Now).Send(t.Context(), &tc.hook)
		if kind(err) != tc.want {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: the error tells a secret: %v", name, err)
		}
	}
	if _, err := FillPath("https://example.com/*", nil); kind(err) != "never" {
		t.Errorf("no value for a place: %v", err)
	}
	if len(got) != 0 {
		t.Errorf("%d requests arrived", len(got))
	}
}

// A token is asked for once, until it ends or is refused.
func TestOAuth(t *testing.T) {
	refuse, clock := false, now
	s, got := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasPrefix(r.URL.Path, "/token"):
			_ = json.NewEncoder(w).Encode(map[string]any{"access_token": "T0", "token_type": "bearer", "expires_in": 3600})
		case refuse:
			refuse = false
			w.WriteHeader(http.StatusUnauthorized)
		}
	})
	w := NewWebhooks(network(s), func() time.Time { return clock })
	auth := &OAuth{Endpoint: s.URL + "/token", Method: "POST", ClientID: "id", ClientSecret: "hush", Body: []Field{{"scope", "events"}}, Query: []Field{{"q", "1"}}}
	send := func(wanted string, requests ...string) {
		t.Helper()
		err := w.Send(t.Context(), &Webhook{Method: "POST", URL: s.URL + "/hook", Auth: Auth{OAuth: auth}})
		if kind(err) != wanted {
			t.Errorf("%v, want %s", err, wanted)
		}
		for _, path := range requests {
			r := <-got
			if r.URL.Path != path {
				t.Errorf("there came %s, want %s", r.URL, path)
			}
			if path == "/hook" && r.Header.Get("Authorization") != "Bearer T0" {
				t.Errorf("authorized by %s", r.Header.Get("Authorization"))
			}
			if path == "/token" && (r.body != "client_id=id&client_secret=hush&grant_type=client_credentials&scope=events" || r.URL.RawQuery != "q=1" || r.Header.Get("Content-Type") != "application/x-www-form-urlencoded") {
				t.Errorf("a token was asked for by %s %v %s", r.URL, r.Header, r.body)
			}
		}
		if len(got) != 0 {
			t.Errorf("%d requests more", len(got))
		}
	}
	send("done", "/token", "/hook")
	send("done", "/hook")
	clock = clock.Add(time.Hour - tokenMargin)
	send("done", "/token", "/hook")
	refuse = true
	send("again", "/hook")
	send("done", "/token", "/hook")

	auth.Header = []Field{{"Content-Type", "application/json"}}
	if err := w.Send(t.Context(), &Webhook{Method: "POST", URL: s.URL + "/hook", Auth: Auth{OAuth: auth}}); err != nil {
		t.Fatal(err)
	}
	if r := <-got; r.body != `{"client_id":"id","client_secret":"hush","grant_type":"client_credentials","scope":"events"}` {
		t.Errorf("as JSON: %s", r.body)
	}
}

func TestOAuthRefusals(t *testing.T) {
	for body, status := range map[string]int{"": 200, "{}": 200, `{"access_token":"x","token_type":"mac"}`: 200, `{"access_token":"x"}`: 500, strings.Repeat(" ", 70<<10) + `{"access_token":"x"}`: 200} {
		s, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		})
		auth := Auth{OAuth: &OAuth{Endpoint: s.URL, Method: "POST", ClientID: "id", ClientSecret: "canary"}}
		err := NewWebhooks(network(s), time.Now).Send(t.Context(), &Webhook{Method: "POST", URL: s.URL, Auth: auth})
		if kind(err) != "again" || strings.Contains(err.Error(), "canary") {
			t.Errorf("%d %.50s: %v", status, body, err)
		}
	}
	auth := Auth{OAuth: &OAuth{Endpoint: "http://127.0.0.1/", Method: "POST"}}
	if err := NewWebhooks(outward.Network{}, time.Now).Send(t.Context(), &Webhook{Method: "POST", URL: "https://127.0.0.1/", Auth: auth}); kind(err) != "never" {
		t.Errorf("over plain HTTP: %v", err)
	}
}
