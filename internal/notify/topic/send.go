package topic

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	api "github.com/warder-iam/warder/internal/api/sns"
	"github.com/warder-iam/warder/internal/audit/outbox"
	"github.com/warder-iam/warder/internal/notify"
	"github.com/warder-iam/warder/internal/outward"
	"github.com/warder-iam/warder/internal/seal"
	"github.com/warder-iam/warder/internal/state"
)

// Sender makes deliveries. It is safe for concurrent use.
type Sender struct {
	keys   *Keys
	ring   *seal.Keyring
	client *http.Client
	mailer *notify.Mailer
	state  func() *state.Snapshot
	now    func() time.Time
}

// SenderConfig is what a sender works with.
type SenderConfig struct {
	Keys     *Keys
	Ring     *seal.Keyring // makes the tokens that confirm subscriptions
	Network  outward.Network
	Mailer   *notify.Mailer // nil: no mail is sent
	Snapshot func() *state.Snapshot
	Now      func() time.Time
}

// NewSender makes a sender.
func NewSender(c SenderConfig) *Sender {
	return &Sender{keys: c.Keys, ring: c.Ring, client: outward.Client(c.Network.Transport()), mailer: c.Mailer, state: c.Snapshot, now: c.Now}
}

// sendTimeout is how long an endpoint has to answer
// (https://docs.aws.amazon.com/sns/latest/dg/SendMessageToHttp.prepare.html).
const sendTimeout = 15 * time.Second

// Send makes the delivery that an item of the outbox holds: outbox.Sender.Send. When
// to try again is decided here, by the retries of the delivery.
func (s *Sender) Send(ctx context.Context, item *outbox.Item) error {
	d := new(Delivery)
	if err := json.Unmarshal(item.Body, d); err != nil {
		return &outbox.Permanent{Err: err}
	}
	err := s.deliver(ctx, d)
	if _, permanent := errors.AsType[*outbox.Permanent](err); err == nil || permanent {
		return err
	}
	after, again := d.Retries.After(item.Attempts + 1)
	if !again {
		return &outbox.Permanent{Err: err}
	}
	if later, ok := errors.AsType[*outbox.Later](err); ok {
		after = max(after, later.After)
	}
	return &outbox.Later{Err: err, After: after}
}

// deliver tries once. What was on its way to a subscription that is gone is let go.
func (s *Sender) deliver(ctx context.Context, d *Delivery) error {
	snap := s.state()
	if d.Kind != UnsubscribeConfirmation {
		if sub := snap.Subscriptions.Get(d.Subscription); sub == nil || !sub.Ended.IsZero() {
			return nil
		}
	}
	doc, err := s.document(snap, d)
	if err != nil {
		return err
	}
	if ByMail(d.Protocol) {
		return s.mail(ctx, d, doc)
	}
	return s.post(ctx, d, doc)
}

// Links are how the receivers of messages find Warder. They are requests of the query
// protocol, which need no signature.
func link(base string, parameters ...string) string {
	text := base + "/?Action=" + parameters[0]
	for i := 1; i < len(parameters); i += 2 {
		text += "&" + parameters[i] + "=" + parameters[i+1] // ARNs and tokens need no escaping
	}
	return text + "&Version=" + api.Service.Version
}

func (s *Sender) document(snap *state.Snapshot, d *Delivery) (*document, error) {
	doc := &document{
		kind: d.Kind, id: d.ID, topic: d.Topic, subject: d.Subject, text: d.Text, at: d.Time.UTC().Format("2006-01-02T15:04:05.000Z"),
		version: d.SignatureVersion, attributes: d.Attributes,
	}
	if d.Kind == Notification {
		doc.unsubscribe = link(s.keys.base, "Unsubscribe", "SubscriptionArn", d.Subscription)
	} else {
		doc.token = Token(s.ring, d.Subscription, s.now())
		doc.subscribe = link(s.keys.base, "ConfirmSubscription", "TopicArn", d.Topic, "Token", doc.token)
	}
	return doc, s.keys.sign(snap, doc)
}

// post sends a message by HTTP
// (https://docs.aws.amazon.com/sns/latest/dg/http-header.html).
func (s *Sender) post(ctx context.Context, d *Delivery, doc *document) error {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	body := doc.json()
	raw := d.Raw && d.Kind == Notification
	if raw {
		body = []byte(d.Text)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, d.Endpoint, bytes.NewReader(body))
	if err != nil {
		return &outbox.Permanent{Err: errors.New("topic: the endpoint is no address")}
	}
	r.Header.Set("User-Agent", "Amazon Simple Notification Service Agent")
	r.Header.Set("Content-Type", d.ContentType)
	r.Header.Set("x-amz-sns-message-type", d.Kind)
	r.Header.Set("x-amz-sns-message-id", d.ID)
	r.Header.Set("x-amz-sns-topic-arn", d.Topic)
	if d.Kind != SubscriptionConfirm {
		r.Header.Set("x-amz-sns-subscription-arn", d.Subscription)
	}
	if raw {
		r.Header.Set("x-amz-sns-rawdelivery", "true")
	}
	resp, _, err := notify.Do(s.client, r, maxAnswer)
	if err != nil {
		return err
	}
	return notify.Judge(resp, again, s.now())
}

const maxAnswer = 64 << 10

// again are the answers after which SNS tries again; all others are for good
// (https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html).
func again(status int) bool { return status == http.StatusTooManyRequests || status >= 500 }

var errNoMail = errors.New("topic: there is no mail server: it is named by --smtp-url")

// mail sends a message by mail: its text and a way out or, as email-json, the document.
func (s *Sender) mail(ctx context.Context, d *Delivery, doc *document) error {
	if s.mailer == nil {
		return errNoMail
	}
	m := &notify.Mail{To: d.Endpoint, FromName: d.DisplayName, Subject: d.Subject}
	switch d.Kind {
	case Notification:
		if m.Subject == "" {
			m.Subject = "AWS Notification Message"
		}
		m.Text = fmt.Sprintf("%s\n\n--\nIf you wish to stop receiving notifications from this topic, please click or visit the link below to unsubscribe:\n%s\n",
			d.Text, doc.unsubscribe)
	case SubscriptionConfirm:
		m.Subject = "AWS Notification - Subscription Confirmation"
		m.Text = fmt.Sprintf("You have chosen to subscribe to the topic:\n%s\n\nTo confirm this subscription, click or visit the link below (If this was in error no action is necessary):\n%s\n",
			d.Topic, doc.subscribe)
	case UnsubscribeConfirmation:
		m.Subject = "AWS Notification - Unsubscribe Confirmation"
		m.Text = fmt.Sprintf("Your subscription to the topic below has been deleted:\n%s\n\nIf this was in error, click or visit the link below to subscribe again:\n%s\n",
			d.Topic, doc.subscribe)
	}
	if d.Protocol == EmailJSON {
		m.Text = string(doc.json())
	}
	return s.mailer.Send(ctx, m)
}
