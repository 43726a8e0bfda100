package e2e

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
)

// hook is a webhook that may be away, and notes what it got by the user that it is
// about or, if it is about none, by the alert.
type hook struct {
	*httptest.Server
	away atomic.Bool
	mu   sync.Mutex
	got  map[string]int
}

func newHook(t *testing.T) (h *hook, ca string) {
	h = &hook{got: map[string]int{}}
	h.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var m struct {
			Alert string
			Event struct {
				Detail struct{ RequestParameters struct{ UserName string } }
			}
		}
		if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
			t.Error(err)
		}
		if h.away.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		name := m.Event.Detail.RequestParameters.UserName
		if name == "" {
			name = m.Alert
		}
		h.got[name]++
	}))
	t.Cleanup(h.Close)
	ca = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: h.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	return h, ca
}

func (h *hook) count(name string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.got[name]
}

func until(t *testing.T, what string, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !so(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("never: " + what)
		}
	}
}

// A webhook that is away while the server is killed gets what happened meanwhile: of
// each change that was acknowledged, and that the log may have a gap.
func TestAlertsAcrossAKill(t *testing.T) {
	t.Parallel()
	h, ca := newHook(t)
	data, trail := dataFolder(t), t.TempDir()
	flags := append([]string{"--data", data, "--trail", trail, "--notify-network", "127.0.0.1", "--notify-ca-file", ca}, administrator...)
	s := serve(t, flags...)
	out, err := warder(t, "alerts", "enable", "--data", data, "policy-change", "log-gap", "--webhook", h.URL)
	if err != nil || !strings.Contains(out, "on: warder-policy-change warder-log-gap") || !strings.Contains(out, "X-Warder-Key: ") {
		t.Fatalf("%s, %v", out, err)
	}
	if out, err = warder(t, "alerts", "test", "--data", data); err != nil || strings.Count(out, "arrived") != 2 {
		t.Fatalf("%s, %v", out, err)
	}
	h.away.Store(true)
	if out, err = warder(t, "alerts", "test", "--data", data, "log-gap"); err == nil || !strings.Contains(out, "is tried again") || !strings.Contains(out, "503") {
		t.Errorf("%s, %v", out, err)
	}
	c := s.cli()
	const users = 5
	for i := range users {
		c.ok("aws iam create-user --user-name user%d", i)
		c.ok("aws iam attach-user-policy --user-name user%d --policy-arn arn:aws:iam::aws:policy/ReadOnlyAccess", i)
	}
	s.kill()
	s = serve(t, flags...)
	h.away.Store(false)
	for i := range users {
		name := fmt.Sprintf("user%d", i)
		until(t, "the alert of "+name, func() bool { return h.count(name) > 0 })
	}
	until(t, "the alert of the gap", func() bool { return h.count("log-gap") > 1 }) // the sample was the first
	for i := range users {
		if n := h.count(fmt.Sprintf("user%d", i)); n != 1 {
			t.Errorf("user%d came %d times", i, n)
		}
	}
	if out, err = warder(t, "alerts", "list", "--data", data); err != nil || !regexp.MustCompile(`policy-change +MEDIUM +on +[6-9] `).MatchString(out) || !strings.Contains(out, h.URL) {
		t.Errorf("%s, %v", out, err)
	}
	if out, err = warder(t, "alerts", "disable", "--data", data, "policy-change"); err != nil || !strings.Contains(out, "off: warder-policy-change") {
		t.Errorf("%s, %v", out, err)
	}
	for _, args := range [][]string{{"enable", "nothing", "--webhook", h.URL}, {"enable", "--webhook", "http://plain.example.com"}, {"enable", "--mail", "somebody@example.com"}, {"test", "policy-change"}, {"dead", "--retry", "99"}} {
		if out, err := warder(t, append([]string{"alerts", args[0], "--data", data}, args[1:]...)...); err == nil {
			t.Errorf("%q: %s", args, out)
		}
	}
	s.stop()
}

// mailbox is a mail server.
type mailbox struct{ got chan string }

func (m *mailbox) NewSession(*smtp.Conn) (smtp.Session, error) { return &delivery{m}, nil }

type delivery struct{ *mailbox }

func (d *delivery) Mail(string, *smtp.MailOptions) error { return nil }
func (d *delivery) Rcpt(string, *smtp.RcptOptions) error { return nil }
func (d *delivery) Reset()                               {}
func (d *delivery) Logout() error                        { return nil }

func (d *delivery) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	d.got <- string(text)
	return err
}

// letter waits for the next mail, and gives its text without line breaks that are not
// the writer's.
func (m *mailbox) letter(t *testing.T) string {
	t.Helper()
	select {
	case text := <-m.got:
		return strings.NewReplacer("=\r\n", "", "=3D", "=").Replace(text)
	case <-time.After(time.Minute):
		t.Fatal("no mail came")
		return ""
	}
}

// Whoever confirms that alerts may be sent by mail gets them as text.
func TestAlertsByMail(t *testing.T) {
	t.Parallel()
	box := &mailbox{make(chan string, 100)}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := smtp.NewServer(box)
	go func() { _ = server.Serve(l) }() // ends with Close
	t.Cleanup(func() { server.Close() })
	data := dataFolder(t)
	s := serve(t, append([]string{"--data", data, "--trail", t.TempDir(), "--smtp-url", "smtp://" + l.Addr().String(), "--smtp-from", "warder@example.com"}, administrator...)...)
	out, err := warder(t, "alerts", "enable", "--data", data, "credential-created", "--mail", "security@example.com")
	if err != nil || !strings.Contains(out, "security@example.com was sent a mail with a link") {
		t.Fatalf("%s, %v", out, err)
	}
	if out, err = warder(t, "alerts", "test", "--data", data); err == nil || !strings.Contains(out, "the subscription is not confirmed") {
		t.Errorf("%s, %v", out, err)
	}
	link := regexp.MustCompile(`http://\S+ConfirmSubscription\S+`).FindString(box.letter(t))
	resp, err := http.Get(link)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s", link, resp.Status)
	}
	s.cli().ok("aws iam create-access-key --user-name administrator")
	text := box.letter(t)
	for _, want := range []string{
		"To: <security@example.com>", "From: \"Warder alerts\" <warder@example.com>", "MEDIUM: An access key, password or other credential was made", "Account " + account,
		"Who: arn:aws:iam::" + account + ":user/administrator", "What: CreateAccessKey of iam.amazonaws.com", "From: 127.0.0.1", "Action=Unsubscribe",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in %s", want, text)
		}
	}
	if out, err = warder(t, "alerts", "test", "--data", data); err != nil || !strings.Contains(out, "arrived") {
		t.Errorf("%s, %v", out, err)
	}
}

// A rule by the aws CLI: what is refused for good is a dead letter that can be sent again.
func TestRuleByTheCLI(t *testing.T) {
	t.Parallel()
	var refuse atomic.Bool
	got := make(chan string, 100)
	r := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		var m struct{ Type, SubscribeURL, Message string }
		if err := json.Unmarshal(body, &m); err != nil {
			t.Error(err)
		}
		switch {
		case m.Type == "SubscriptionConfirmation":
			resp, err := http.Get(m.SubscribeURL)
			if err != nil || resp.StatusCode != http.StatusOK {
				t.Errorf("%v, %v", resp, err)
				return
			}
			resp.Body.Close()
			got <- "confirmed"
		case refuse.Load():
			w.WriteHeader(http.StatusForbidden)
		default:
			got <- m.Message
		}
	}))
	t.Cleanup(r.Close)
	data := dataFolder(t)
	s := serve(t, append([]string{"--data", data, "--trail", t.TempDir(), "--notify-network", "127.0.0.1"}, administrator...)...)
	c := s.cli()
	topic := "arn:aws:sns:us-east-1:" + account + ":told"
	c.ok("aws sns create-topic --name told")
	c.file("policy.json", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":"sns:Publish","Resource":"`+topic+`"}]}`)
	c.ok("aws sns set-topic-attributes --topic-arn %s --attribute-name Policy --attribute-value file://policy.json", topic)
	c.ok("aws sns subscribe --topic-arn %s --protocol http --notification-endpoint %s", topic, r.URL)
	if text := <-got; text != "confirmed" {
		t.Fatal(text)
	}
	c.file("pattern.json", `{"source":["aws.iam"],"detail":{"eventName":[{"prefix":"Create"}],"requestParameters":{"userName":[{"wildcard":"a*z"}]}}}`)
	c.file("targets.json", `[{"Id":"1","Arn":"`+topic+`","InputTransformer":{"InputPathsMap":{"who":"$.detail.userIdentity.userName","user":"$.detail.requestParameters.userName"},"InputTemplate":"\"<who> made <user>\""}}]`)
	c.ok("aws events put-rule --name made --event-pattern file://pattern.json")
	c.ok("aws events put-targets --rule made --targets file://targets.json")
	c.ok("aws iam create-user --user-name ben")
	c.ok("aws iam create-user --user-name abz")
	if text := <-got; text != `"administrator made abz"` {
		t.Errorf("there came %s", text)
	}
	refuse.Store(true)
	c.ok("aws iam create-user --user-name acz")
	var id int
	until(t, "a dead letter", func() bool {
		out, err := warder(t, "alerts", "dead", "--data", data)
		if err != nil {
			t.Fatal(err)
		}
		line := regexp.MustCompile(`(?m)^(\d+) .*http ` + r.URL + ` .*403`).FindStringSubmatch(out)
		if line == nil {
			return false
		}
		id, err = strconv.Atoi(line[1])
		return err == nil
	})
	refuse.Store(false)
	if out, err := warder(t, "alerts", "dead", "--data", data, "--retry", strconv.Itoa(id)); err != nil || strings.Contains(out, "403") {
		t.Errorf("%s, %v", out, err)
	}
	if text := <-got; text != `"administrator made acz"` {
		t.Errorf("there came %s", text)
	}
	if len(got) != 0 {
		t.Errorf("more came: %s", <-got)
	}
}
