// Package topic delivers the messages of SNS topics: which subscriptions get one, in
// which form, signed by which key, and how often it is tried
// (https://docs.aws.amazon.com/sns/latest/dg/sns-http-https-endpoint-as-subscriber.html).
//
// A Publisher puts a delivery for each subscription into the outbox; a Sender takes
// them out and sends them, by HTTP or by mail. Signatures are made when a message is
// sent, and so are the tokens that confirm a subscription: neither is kept anywhere.
// The certificates that signatures are verified with are served by Keys.
//
// internal/service/sns, whose rules topics and subscriptions are, publishes what
// callers send and asks for confirmations. internal/daemon runs the sender, and has
// the event bus publish what rules send to topics.
package topic

import "time"

// The kinds of messages, as endpoints are told.
const (
	Notification            = "Notification"
	SubscriptionConfirm     = "SubscriptionConfirmation"
	UnsubscribeConfirmation = "UnsubscribeConfirmation"
)

// The protocols that messages are delivered by.
const (
	HTTP      = "http"
	HTTPS     = "https"
	Email     = "email"
	EmailJSON = "email-json"
)

// ByMail says whether a protocol's endpoints are mail addresses.
func ByMail(protocol string) bool { return protocol == Email || protocol == EmailJSON }

// Message is what is published.
type Message struct {
	ID      string
	Subject string // may be empty
	Text    string
	// By are the texts for single protocols; nil if all get the same.
	By         map[string]string
	Attributes map[string]Attribute
	Time       time.Time
}

// For is the text for a protocol.
func (m *Message) For(protocol string) string {
	if text, ok := m.By[protocol]; ok {
		return text
	}
	return m.Text
}

// Attribute is a message attribute; of a binary one, Value is base64.
type Attribute struct{ Type, Value string }

// Delivery is one message on its way to one endpoint, as the outbox keeps it.
type Delivery struct {
	Kind             string
	Topic            string // ARN
	Subscription     string // ARN
	Protocol         string
	Endpoint         string
	Raw              bool   `json:",omitempty"`
	SignatureVersion string // "1" or "2"
	DisplayName      string `json:",omitempty"` // of the topic, for mail
	ContentType      string `json:",omitempty"` // of the request
	Retries          Retries

	ID         string
	Subject    string `json:",omitempty"`
	Text       string
	Attributes map[string]Attribute `json:",omitempty"`
	Time       time.Time
}
