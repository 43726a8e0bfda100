package notify

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/http/httptest"
	"net/mail"
	"strings"
	"testing"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// postbox is a mail server.
type postbox struct {
	got     chan letter
	refusal *smtp.SMTPError // of a recipient
	secure  bool            // wants a user and a password
}

type letter struct{ user, from, to, text string }

func (p *postbox) NewSession(*smtp.Conn) (smtp.Session, error) { return &session{box: p}, nil }

type session struct {
	box    *postbox
	letter letter
}

func (s *session) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if password != "right" {
			return smtp.ErrAuthFailed
		}
		s.letter.user = user
		return nil
	}), nil
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	if s.box.secure && s.letter.user == "" {
		return smtp.ErrAuthRequired
	}
	s.letter.from = from
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.letter.to = to
	if s.box.refusal != nil {
		return s.box.refusal
	}
	return nil
}

func (s *session) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	s.letter.text = string(text)
	s.box.got <- s.letter
	return err
}

func (s *session) Reset()        { s.letter = letter{user: s.letter.user} }
func (s *session) Logout() error { return nil }

// start serves mail: in the clear, with STARTTLS, or with TLS from the start.
func (p *postbox) start(t *testing.T, mode string) (address string, roots *x509.CertPool) {
	t.Helper()
	p.got = make(chan letter, 10)
	certs := httptest.NewTLSServer(nil) // for its certificate
	t.Cleanup(certs.Close)
	roots = x509.NewCertPool()
	roots.AddCert(certs.Certificate())
	server := smtp.NewServer(p)
	server.AllowInsecureAuth = true
	server.ErrorLog = log.New(io.Discard, "", 0)
	if mode != "plain" {
		server.TLSConfig = &tls.Config{Certificates: certs.TLS.Certificates}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address = listener.Addr().String()
	if mode == "tls" {
		listener = tls.NewListener(listener, server.TLSConfig)
	}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	return address, roots
}

func TestMail(t *testing.T) {
	out := &Mail{To: "someone@example.com", FromName: "Älarme", Subject: "Wurzel ✓", Text: "Zeile 1\n.\nZeile 3 ✓\n"}
	for mode, scheme := range map[string]string{"plain": "smtp", "starttls": "smtp", "tls": "smtps"} {
		p := &postbox{secure: mode != "plain"}
		address, roots := p.start(t, mode)
		user, password := "", ""
		if p.secure {
			user, password = "alarm@", "right"
		}
		m, err := NewMailer(scheme+"://"+user+address, "warder@example.com", password, roots)
		if err != nil {
			t.Fatal(mode, err)
		}
		if err := m.Send(t.Context(), out); err != nil {
			t.Errorf("%s: %v", mode, err)
			continue
		}
		got := <-p.got
		msg, err := mail.ReadMessage(strings.NewReader(got.text))
		if err != nil {
			t.Fatal(mode, err)
		}
		from, err := msg.Header.AddressList("From")
		subject, _ := new(mime.WordDecoder).DecodeHeader(msg.Header.Get("Subject"))
		text, _ := io.ReadAll(quotedprintable.NewReader(msg.Body))
		if got.from != "warder@example.com" || got.to != out.To || err != nil || from[0].Name != out.FromName || subject != out.Subject ||
			strings.TrimRight(strings.ReplaceAll(string(text), "\r\n", "\n"), "\n") != strings.TrimRight(out.Text, "\n") || p.secure && got.user != "alarm" {
			t.Errorf("%s: %+v", mode, got)
		}
	}
}

func TestMailRefusals(t *testing.T) {
	out := &Mail{To: "someone@example.com", Subject: "s", Text: "t"}
	for _, tc := range []struct {
		name     string
		box      postbox
		scheme   string
		mode     string
		password string
		strange  bool
		want     string
	}{
		{"no such mailbox", postbox{refusal: &smtp.SMTPError{Code: 550, Message: "no such mailbox"}}, "smtp", "plain", "", false, "never"},
		{"a full mailbox", postbox{refusal: &smtp.SMTPError{Code: 452, Message: "full"}}, "smtp", "plain", "", false, "again"},
		{"a wrong password", postbox{secure: true}, "smtp", "starttls", "wrong", false, "again"},
		{"a password, without TLS", postbox{secure: true}, "smtp", "plain", "right", false, "again"},
		{"a certificate of nobody", postbox{}, "smtps", "tls", "", true, "again"},
	} {
		address, roots := tc.box.start(t, tc.mode)
		if tc.strange {
			roots = x509.NewCertPool()
		}
		user := ""
		if tc.password != "" {
			user = "alarm@"
		}
		m, err := NewMailer(tc.scheme+"://"+user+address, "warder@example.com", tc.password, roots)
		if err != nil {
			t.Fatal(tc.name, err)
		}
		err = m.Send(t.Context(), out)
		if kind(err) != tc.want || strings.Contains(err.Error(), "right") {
			t.Errorf("%s: %v", tc.name, err)
		}
		if len(tc.box.got) != 0 {
			t.Errorf("%s: it arrived", tc.name)
		}
	}
	p := new(postbox)
	address, roots := p.start(t, "plain")
	m, err := NewMailer("smtp://"+address, "warder@example.com", "", roots)
	if err != nil {
		t.Fatal(err)
	}
	for _, to := range []string{"", "nobody", "a@example.com\r\nBcc: b@example.com", "a@example.com, b@example.com"} {
		if err := m.Send(t.Context(), &Mail{To: to, Subject: "s", Text: "t"}); kind(err) != "never" {
			t.Errorf("to %q: %v", to, err)
		}
	}
	if err := m.Send(t.Context(), &Mail{To: out.To, FromName: "x\r\nBcc: b@example.com", Subject: "s\r\nBcc: b@example.com", Text: "t"}); err != nil {
		t.Log(err) // refused is good, too
	} else if got := <-p.got; strings.Contains(got.text, "\nBcc:") {
		t.Errorf("a header was put in: %s", got.text)
	}
	for _, tc := range []struct{ server, from, password string }{
		{"mail.example.com", "a@example.com", ""}, {"http://mail.example.com", "a@example.com", ""}, {"smtp://", "a@example.com", ""},
		{"smtp://u:canary@mail.example.com", "a@example.com", "p"}, {"smtp://u@mail.example.com", "a@example.com", ""}, {"smtp://mail.example.com", "a@example.com", "p"},
		{"smtp://mail.example.com", "nobody", ""}, {"smtp://mail.example.com:99999", "a@example.com", ""}, {"smtp://mail.example.com/x", "a@example.com", ""},
	} {
		if _, err := NewMailer(tc.server, tc.from, tc.password, nil); err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s from %s: %v", tc.server, tc.from, err)
		}
	}
}
