package daemon

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/warder-iam/warder/internal/audit/outbox"
	"github.com/warder-iam/warder/internal/authz"
	"github.com/warder-iam/warder/internal/notify"
	"github.com/warder-iam/warder/internal/notify/topic"
	"github.com/warder-iam/warder/internal/outward"
	"github.com/warder-iam/warder/internal/service/sns"
)

// Notify says how messages leave: to webhooks and subscriptions, and by mail.
type Notify struct {
	// Network says how far Warder goes to reach the addresses that users name.
	Network outward.Network
	// SMTP is the mail server: smtp://user@host:port, or smtps:// for TLS from the
	// start. Empty: no mail is sent.
	SMTP string
	// From is the address that mail comes from.
	From string
	// FirstRetry and MostRetry bound the time between attempts to send to the targets of
	// rules; EventBridge's if zero.
	FirstRetry, MostRetry time.Duration
}

// smtpVariable names the environment variable that holds the mail server's password.
const smtpVariable = "WARDER_SMTP_PASSWORD"

// mailer is nil if there is no mail server.
func (n *Notify) mailer() (*notify.Mailer, error) {
	switch {
	case n.SMTP == "" && n.From == "":
		return nil, nil
	case n.SMTP == "" || n.From == "":
		return nil, errors.New("mail needs both a server and the address that it comes from")
	}
	return notify.NewMailer(n.SMTP, n.From, os.Getenv(smtpVariable), n.Network.Roots)
}

// notifications are SNS and what sends its messages.
type notifications struct {
	sns    *sns.Service
	keys   *topic.Keys
	sender *topic.Sender
}

func (d *Daemon) newNotifications(az *authz.Authorizer, mailer *notify.Mailer) *notifications {
	keys := topic.NewKeys(d.publicURL(), d.ring)
	return &notifications{
		keys: keys,
		sns: sns.New(sns.Config{
			IDs: d.ids, Ring: d.ring, Authz: az, Keys: keys, Publisher: topic.NewPublisher(d.trail.outbox), Mail: mailer != nil, Linked: d.publicURL() != "",
		}),
		sender: topic.NewSender(topic.SenderConfig{
			Keys: keys, Ring: d.ring, Network: d.config.Notify.Network, Mailer: mailer, Snapshot: d.state.Snapshot, Now: d.config.Now,
		}),
	}
}

// senders is how many deliveries are made at the same time.
const senders = 16

// run sends until ctx ends.
func (n *notifications) run(ctx context.Context, d *Daemon) {
	// When to try again is the sender's to say, down to at once.
	d.trail.outbox.Run(ctx, outbox.Sender{
		Queue: topic.Queue, Workers: senders, Unordered: true, Send: n.sender.Send, First: time.Millisecond, Most: time.Hour, Log: d.config.Log,
	})
}

// housekeep is done now and then.
func (n *notifications) housekeep(ctx context.Context, d *Daemon) error {
	return errors.Join(n.keys.Rotate(ctx, d.state, d.config.Now()), sns.Sweep(ctx, d.state, d.config.Now()))
}
