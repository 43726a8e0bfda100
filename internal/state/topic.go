package state

import (
	"cmp"
	"iter"
	"time"
)

// Topic is an SNS topic (https://docs.aws.amazon.com/sns/latest/dg/sns-create-topic.html).
type Topic struct {
	Account string // twelve digits
	Region  string
	Name    string // unique in the account's region
	Created time.Time

	DisplayName      string    `json:",omitempty"`
	Policy           *Document `json:",omitempty"` // nil: the default policy
	DeliveryPolicy   string    `json:",omitempty"` // as it was set
	SignatureVersion string    `json:",omitempty"` // "1" or "2"; "" was never set
	Tags             []Tag     `json:",omitempty"`

	Deleted int `json:",omitempty"` // how many of its subscriptions were
}

// ARN is the topic's.
func (t *Topic) ARN() string { return TopicARN(t.Account, t.Region, t.Name) }

// TopicARN is the ARN that a topic of this name has or would have.
func TopicARN(account, region, name string) string {
	return "arn:aws:sns:" + region + ":" + account + ":" + name
}

func topicPlace(account, region string) string { return account + "/" + region + "/" }

var topicSchema = schema[Topic]{
	prefix: "sns/topic/",
	key:    func(t *Topic) string { return t.ARN() },
	indexes: []index[Topic]{
		{name: "place", unique: true, keys: func(t *Topic) []string { return []string{topicPlace(t.Account, t.Region) + t.Name} }},
	},
}

// TopicsIn iterates over the topics of an account's region in the order of their
// names, after the one named after.
func (s *Snapshot) TopicsIn(account, region, after string) iter.Seq[*Topic] {
	place := topicPlace(account, region)
	if after != "" {
		after = place + after
	}
	return values(s.Topics.scan(0, place, after))
}

// Subscription is what a topic's messages are sent to
// (https://docs.aws.amazon.com/sns/latest/api/API_Subscribe.html).
type Subscription struct {
	ARN       string // of the topic, with a UUID behind it
	Topic     string // ARN
	Owner     string // the account that subscribed
	Principal string // ARN of who subscribed
	Protocol  string // "https", "email", …
	Endpoint  string
	Created   time.Time

	Confirmed bool // until then, nothing but the confirmation is sent
	// Ended is when somebody unsubscribed who did not say who they are: for a while,
	// whoever has the endpoint can undo that. Zero: it has not ended.
	Ended         time.Time `json:",omitzero"`
	Authenticated bool      // whoever confirmed it was
	// KeptByOwner is set if nobody but its owner and the topic's may unsubscribe.
	KeptByOwner bool `json:",omitempty"`

	FilterPolicy   string `json:",omitempty"` // as it was set; "" lets everything through
	FilterScope    string `json:",omitempty"` // "MessageBody"; "" is MessageAttributes
	Raw            bool   `json:",omitempty"` // the message alone is sent
	DeliveryPolicy string `json:",omitempty"` // as it was set
}

const (
	subscriptionByTopic = iota
	subscriptionByOwner
	subscriptionByEndpoint
)

var subscriptionSchema = schema[Subscription]{
	prefix: "sns/subscription/",
	key:    func(s *Subscription) string { return s.ARN },
	indexes: []index[Subscription]{
		subscriptionByTopic: {name: "topic", unique: true, keys: func(s *Subscription) []string { return []string{s.Topic + "\x00" + s.ARN} }},
		subscriptionByOwner: {name: "owner", unique: true, keys: func(s *Subscription) []string { return []string{s.Owner + "/" + s.ARN} }},
		subscriptionByEndpoint: {name: "endpoint", unique: true, keys: func(s *Subscription) []string {
			return []string{endpointKey(s.Topic, s.Protocol, s.Endpoint)}
		}},
	},
}

func endpointKey(topic, protocol, endpoint string) string {
	return topic + "\x00" + protocol + "\x00" + endpoint
}

// SubscriptionsOf iterates over the subscriptions of a topic, by ARN, after one.
func (s *Snapshot) SubscriptionsOf(topic, after string) iter.Seq[*Subscription] {
	prefix := topic + "\x00"
	if after != "" {
		after = prefix + after
	}
	return values(s.Subscriptions.scan(subscriptionByTopic, prefix, after))
}

// SubscriptionsBy iterates over the subscriptions that an account made in a
// region, after one.
func (s *Snapshot) SubscriptionsBy(owner, region, after string) iter.Seq[*Subscription] {
	if after != "" {
		after = owner + "/" + after
	}
	return values(s.Subscriptions.scan(subscriptionByOwner, owner+"/arn:aws:sns:"+region+":", after))
}

// SubscriptionTo finds the subscription of an endpoint to a topic; nil if there is
// none.
func (s *Snapshot) SubscriptionTo(topic, protocol, endpoint string) *Subscription {
	return s.Subscriptions.find(subscriptionByEndpoint, endpointKey(topic, protocol, endpoint))
}

// Scope is what of a message the filter policy is about, as AWS names it.
func (s *Subscription) Scope() string { return cmp.Or(s.FilterScope, "MessageAttributes") }
