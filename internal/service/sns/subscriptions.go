package sns

import (
	"net/mail"
	"net/url"
	"strings"
	"time"

	api "github.com/warder-iam/warder/internal/api/sns"
	"github.com/warder-iam/warder/internal/awserr"
	"github.com/warder-iam/warder/internal/notify/topic"
	"github.com/warder-iam/warder/internal/service"
	"github.com/warder-iam/warder/internal/state"
	"github.com/warder-iam/warder/policy"
)

// Subscriptions (https://docs.aws.amazon.com/sns/latest/api/API_Subscribe.html). Each
// is pending until whoever has the endpoint confirms it.

const (
	// What AWS shows in place of the ARN of a subscription that is pending or deleted.
	pendingAnswer = "pending confirmation"
	pendingARN    = "PendingConfirmation"
	deletedARN    = "Deleted"

	maxSubscriptions = 12_500_000 // of a topic
	maxEndpoint      = 2048
)

func (s *Service) subscribe(c *service.Call, tx *state.Tx, in *api.SubscribeInput) (*api.SubscribeResponse, error) {
	t, err := findTopic(c, &tx.Snapshot, *in.TopicArn)
	if err != nil {
		return nil, err
	}
	protocol := *in.Protocol
	if err := s.checkEndpoint(protocol, in.Endpoint); err != nil {
		return nil, err
	}
	made := &state.Subscription{
		ARN: t.ARN() + ":" + s.ids.Request(), Topic: t.ARN(), Owner: c.Caller.Account, Principal: c.Caller.ARN,
		Protocol: protocol, Endpoint: *in.Endpoint, Created: c.Now(),
	}
	if err := setAttributes(t, made, in.Attributes); err != nil {
		return nil, err
	}
	have := tx.SubscriptionTo(made.Topic, made.Protocol, made.Endpoint)
	switch {
	case have == nil:
		if tx.Subscriptions.Len() >= maxSubscriptions && count(tx.SubscriptionsOf(made.Topic, "")) >= maxSubscriptions {
			return nil, awserr.New("SubscriptionLimitExceeded", "Subscription limit exceeded")
		}
	case have.Confirmed && have.Ended.IsZero():
		if !alike(have, made, in.Attributes) {
			return nil, invalid("Attributes Reason: Subscription already exists with different attributes")
		}
		return &api.SubscribeResponse{SubscriptionArn: &have.ARN}, nil
	case have.Ended.IsZero() && have.Owner == made.Owner:
		made.ARN, made.Created = have.ARN, have.Created // asked again for what is pending
	default:
		tx.Subscriptions.Delete(have)
	}
	tx.Subscriptions.Put(made)
	c.Prepared = &confirmation{made, topic.SubscriptionConfirm}
	if deref(in.ReturnSubscriptionArn) {
		return &api.SubscribeResponse{SubscriptionArn: &made.ARN}, nil
	}
	return &api.SubscribeResponse{SubscriptionArn: ptr(pendingAnswer)}, nil
}

// checkEndpoint refuses endpoints that nothing can be delivered to.
func (s *Service) checkEndpoint(protocol string, endpoint *string) error {
	switch protocol {
	case topic.HTTP, topic.HTTPS, topic.Email, topic.EmailJSON:
	case "sqs", "sms", "lambda", "firehose", "application":
		return notBuilt("Protocol", "Warder delivers by http, https, email and email-json")
	default:
		return invalid("Amazon SNS does not support this protocol string: %s", protocol)
	}
	if deref(endpoint) == "" {
		return awserr.New("NotFound", "Endpoint not specified in subscription")
	}
	if !s.linked {
		return notBuilt("Endpoint", "Warder does not know how its receivers reach it: start it with --public-url")
	}
	text := *endpoint
	if topic.ByMail(protocol) {
		a, err := mail.ParseAddress(text)
		switch {
		case err != nil || a.Address != text:
			return invalid("Email address")
		case !s.mail:
			return notBuilt("Protocol", "Warder has no mail server: start it with --smtp-url")
		}
		return nil
	}
	u, err := url.Parse(text)
	switch {
	case !strings.HasPrefix(text, protocol+"://"):
		return invalid("Endpoint must match the specified protocol")
	case err != nil || u.Hostname() == "" || u.Fragment != "" || len(text) > maxEndpoint:
		return invalid("Endpoint")
	case u.User != nil:
		return notBuilt("Endpoint", "Warder keeps no password in an endpoint's address; the endpoint can verify signatures")
	}
	return nil
}

// alike says whether a subscription has the attributes that one is asked for with.
func alike(have, made *state.Subscription, asked map[string]string) bool {
	for name := range asked {
		if attribute(have, name) != attribute(made, name) {
			return false
		}
	}
	return true
}

// confirmSubscription takes the token that an endpoint was sent. It confirms again
// what is confirmed, and brings back what somebody without a signature ended.
func (s *Service) confirmSubscription(c *service.Call, tx *state.Tx, in *api.ConfirmSubscriptionInput) (*api.ConfirmSubscriptionResponse, error) {
	if _, err := parseTopic(c, "TopicArn", *in.TopicArn); err != nil {
		return nil, err
	}
	signed := c.Caller.Kind != policy.Anonymous
	keep := strings.EqualFold(deref(in.AuthenticateOnUnsubscribe), "true")
	if keep && !signed {
		return nil, invalid("AuthenticateOnUnsubscribe Reason: The request must be signed")
	}
	if tx.Topics.Get(*in.TopicArn) == nil {
		return nil, noSuchTopic()
	}
	sub := topic.Confirmed(s.ring, &tx.Snapshot, *in.TopicArn, *in.Token, c.Time)
	if sub == nil {
		return nil, invalid("Token")
	}
	if !sub.Confirmed || !sub.Ended.IsZero() {
		tx.Subscriptions.Update(sub, func(sub *state.Subscription) {
			sub.Confirmed, sub.Authenticated, sub.KeptByOwner = true, signed, keep
			sub.Ended = time.Time{}
		})
	}
	return &api.ConfirmSubscriptionResponse{SubscriptionArn: &sub.ARN}, nil
}

// findSubscription finds a subscription by its ARN. One that has ended is gone.
func findSubscription(c *service.Call, s *state.Snapshot, arn string) (*state.Subscription, error) {
	ofTopic, err := topicOf(arn)
	if err != nil {
		return nil, err
	}
	if _, err := parseTopic(c, "SubscriptionArn", ofTopic); err != nil {
		return nil, err
	}
	sub := s.Subscriptions.Get(arn)
	if sub == nil || !sub.Ended.IsZero() {
		return nil, noSuchSubscription()
	}
	return sub, nil
}

// unsubscribe ends a subscription; one that is not there, too. Who is not its owner
// may do so as well, unless whoever confirmed it had that ruled out; the endpoint is
// told then, and can undo it
// (https://docs.aws.amazon.com/sns/latest/api/API_Unsubscribe.html).
func (s *Service) unsubscribe(c *service.Call, tx *state.Tx, in *api.UnsubscribeInput) (*none, error) {
	sub, err := findSubscription(c, &tx.Snapshot, *in.SubscriptionArn)
	if awserr.Code(err) == "NotFound" {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if !sub.Confirmed {
		return nil, invalid("This subscription is pending confirmation and cannot be deleted")
	}
	t := tx.Topics.Get(sub.Topic) // with which its subscriptions go
	owner := c.Caller.Account == sub.Owner || c.Caller.Account == t.Account
	if sub.KeptByOwner && !owner {
		return nil, awserr.New(awserr.CodeAccessDenied, "Only the owner of the topic or of the subscription may unsubscribe the endpoint")
	}
	tx.Topics.Update(t, func(t *state.Topic) { t.Deleted++ })
	if c.Caller.Account == sub.Owner {
		tx.Subscriptions.Delete(sub)
		return nil, nil
	}
	ended := tx.Subscriptions.Update(sub, func(sub *state.Subscription) { sub.Ended = c.Now() })
	c.Prepared = &confirmation{ended, topic.UnsubscribeConfirmation}
	return nil, nil
}

func (s *Service) listSubscriptions(c *service.Call, snap *state.Snapshot, in *api.ListSubscriptionsInput) (*api.ListSubscriptionsResponse, error) {
	after, err := start(in.NextToken)
	if err != nil {
		return nil, err
	}
	subs, next := page(snap.SubscriptionsBy(c.Caller.Account, c.Region, after), func(s *state.Subscription) string { return s.ARN })
	return &api.ListSubscriptionsResponse{Subscriptions: listed(subs), NextToken: next}, nil
}

func (s *Service) listSubscriptionsByTopic(c *service.Call, snap *state.Snapshot, in *api.ListSubscriptionsByTopicInput) (*api.ListSubscriptionsByTopicResponse, error) {
	t, err := findTopic(c, snap, *in.TopicArn)
	if err != nil {
		return nil, err
	}
	after, err := start(in.NextToken)
	if err != nil {
		return nil, err
	}
	subs, next := page(snap.SubscriptionsOf(t.ARN(), after), func(s *state.Subscription) string { return s.ARN })
	return &api.ListSubscriptionsByTopicResponse{Subscriptions: listed(subs), NextToken: next}, nil
}

func listed(subs []*state.Subscription) []api.Subscription {
	out := []api.Subscription{}
	for _, sub := range subs {
		arn := sub.ARN
		switch {
		case !sub.Ended.IsZero():
			arn = deletedARN
		case !sub.Confirmed:
			arn = pendingARN
		}
		out = append(out, api.Subscription{SubscriptionArn: &arn, Owner: &sub.Owner, Protocol: &sub.Protocol, Endpoint: &sub.Endpoint, TopicArn: &sub.Topic})
	}
	return out
}
