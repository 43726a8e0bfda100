package notify

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"time"

	"github.com/wneessen/go-mail"

	"github.com/warder-iam/warder/internal/audit/outbox"
)

// Mail is a message to one person.
type Mail struct {
	To       string
	FromName string // shown beside the sender's address; may be empty
	Subject  string
	Text     string
}

// Mailer hands mail to the operator's mail server. The server is where the operator
// says, so any address may be connected to.
type Mailer struct {
	host, user, password, from string
	options                    []mail.Option
}

// mailTimeout bounds a message's way to the server.
const mailTimeout = 30 * time.Second

// NewMailer reads the operator's settings: smtp://user@host:port, which goes over to
// TLS by STARTTLS, or smtps://user@host:port, which begins with it. Without TLS, mail
// goes to this machine only. The sender's address is from.
func NewMailer(server, from, password string, roots *x509.CertPool) (*Mailer, error) {
	u, err := url.Parse(server)
	if err != nil {
		return nil, errors.New("the mail server is not of the form smtp://user@host:port") // err would show a password
	}
	_, secret := u.User.Password()
	switch {
	case u.Scheme != "smtp" && u.Scheme != "smtps" || u.Hostname() == "" || u.Path != "" || u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("the mail server is not of the form smtp://user@host:port or smtps://user@host:port")
	case secret:
		return nil, errors.New("the mail server's password does not belong in its address: put it in the environment")
	case (u.User.Username() == "") != (password == ""):
		return nil, errors.New("the mail server's user needs a password, and a password its user")
	}
	if err := new(mail.Msg).From(from); err != nil {
		return nil, fmt.Errorf("%q is no address that mail can come from", from)
	}
	m := &Mailer{host: u.Hostname(), user: u.User.Username(), password: password, from: from}
	m.options = []mail.Option{
		mail.WithTimeout(mailTimeout),
		mail.WithTLSConfig(&tls.Config{ServerName: m.host, RootCAs: roots, MinVersion: tls.VersionTLS12}),
	}
	switch {
	case u.Scheme == "smtps":
		m.options = append(m.options, mail.WithSSL(), mail.WithPort(mail.DefaultPortSSL))
	case loopback(m.host):
		m.options = append(m.options, mail.WithTLSPolicy(mail.TLSOpportunistic), mail.WithPort(mail.DefaultPort))
	default:
		m.options = append(m.options, mail.WithTLSPolicy(mail.TLSMandatory), mail.WithPort(mail.DefaultPortTLS))
	}
	if u.Port() != "" {
		port, err := strconv.Atoi(u.Port())
		if err != nil {
			return nil, fmt.Errorf("the mail server's port %q is none", u.Port())
		}
		m.options = append(m.options, mail.WithPort(port))
	}
	if m.user != "" {
		// Never in the clear: the library gives no password away without TLS.
		m.options = append(m.options, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(m.user), mail.WithPassword(m.password))
	}
	if _, err := mail.NewClient(m.host, m.options...); err != nil {
		return nil, err
	}
	return m, nil
}

func loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// Send sends a mail. What the server refuses for good (a code of 5xx) is not sent
// again; whatever else goes wrong, signing in included, may be put right.
func (m *Mailer) Send(ctx context.Context, out *Mail) error {
	msg := mail.NewMsg()
	from := msg.FromFormat(out.FromName, m.from)
	if err := errors.Join(from, msg.To(out.To)); err != nil {
		return invalid("%q is no address that mail can go to", out.To)
	}
	msg.Subject(out.Subject)
	msg.SetDate()
	msg.SetMessageID()
	msg.SetBodyString(mail.TypeTextPlain, out.Text)
	client, err := mail.NewClient(m.host, m.options...) // it keeps one connection, so one for each mail
	if err != nil {
		return err
	}
	ctx, cancel := within(ctx, mailTimeout)
	defer cancel()
	err = client.DialAndSendWithContext(ctx, msg)
	if err == nil {
		return nil
	}
	failure := fmt.Errorf("notify: mail: %w", err)
	if refused, ok := errors.AsType[*mail.SendError](err); ok && refused.ErrorCode() >= 500 {
		return &outbox.Permanent{Err: failure}
	}
	return failure
}
