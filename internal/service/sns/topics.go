package sns

import (
	"iter"
	"maps"
	"slices"
	"strings"

	api "github.com/warder-iam/warder/internal/api/sns"
	"github.com/warder-iam/warder/internal/awserr"
	"github.com/warder-iam/warder/internal/service"
	"github.com/warder-iam/warder/internal/state"
)

// Topics (https://docs.aws.amazon.com/sns/latest/api/API_CreateTopic.html). Every topic
// is a standard one: nothing that Warder delivers to may subscribe to a FIFO topic.

const (
	maxTopicName = 256
	maxTopics    = 100_000 // of an account
)

func checkName(name string) error {
	ok := name != "" && len(name) <= maxTopicName && strings.IndexFunc(name, func(r rune) bool {
		return r != '-' && r != '_' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	}) < 0
	switch {
	case ok:
		return nil
	case strings.HasSuffix(name, ".fifo"):
		return notBuilt("Topic Name", "FIFO topics deliver to queues only, and Warder has none")
	}
	return invalid("Topic Name")
}

// prepareTopic makes the key that messages are signed by, if there is none yet.
func (s *Service) prepareTopic(c *service.Call, snap *state.Snapshot, _ *api.CreateTopicInput) (any, error) {
	if snap.MessageKey() != nil {
		return nil, nil
	}
	return s.keys.New(0, c.Time)
}

func (s *Service) createTopic(c *service.Call, tx *state.Tx, in *api.CreateTopicInput) (*api.CreateTopicResponse, error) {
	if err := checkName(*in.Name); err != nil {
		return nil, err
	}
	if deref(in.DataProtectionPolicy) != "" {
		return nil, notBuilt("DataProtectionPolicy", "Warder does not look into messages")
	}
	made := &state.Topic{Account: c.Caller.Account, Region: c.Region, Name: *in.Name, Created: c.Now()}
	for _, name := range slices.Sorted(maps.Keys(in.Attributes)) {
		if err := setTopicAttribute(&tx.Snapshot, made, name, in.Attributes[name], "Attributes Reason: "); err != nil {
			return nil, err
		}
	}
	var err error
	if made.Tags, err = mergeTags(nil, in.Tags); err != nil {
		return nil, err
	}
	arn := made.ARN()
	if have := tx.Topics.Get(arn); have != nil {
		return &api.CreateTopicResponse{TopicArn: &arn}, sameTopic(&tx.Snapshot, have, made, in)
	}
	if tx.Topics.Len() >= maxTopics && count(tx.TopicsIn(c.Caller.Account, c.Region, "")) >= maxTopics {
		return nil, awserr.New("TopicLimitExceeded", "Topic limit exceeded")
	}
	tx.Topics.Put(made)
	if key, ok := c.Prepared.(*state.MessageKey); ok && key != nil && tx.MessageKey() == nil {
		tx.MessageKeys.Put(key)
	}
	return &api.CreateTopicResponse{TopicArn: &arn}, nil
}

// sameTopic refuses to make a topic again with other attributes or tags than it has.
// Those that are not named do not count.
func sameTopic(snap *state.Snapshot, have, made *state.Topic, in *api.CreateTopicInput) error {
	now, wanted := topicAttributes(snap, have), topicAttributes(snap, made)
	for name := range in.Attributes {
		if now[name] != wanted[name] {
			return invalid("Attributes Reason: Topic already exists with different attributes")
		}
	}
	for _, t := range made.Tags {
		if value, ok := tagValue(have.Tags, t.Key); !ok || value != t.Value {
			return invalid("Tags Reason: Topic already exists with different tags")
		}
	}
	return nil
}

// findTopic finds a topic by the ARN in a request.
func findTopic(c *service.Call, s *state.Snapshot, arn string) (*state.Topic, error) {
	if _, err := parseTopic(c, "TopicArn", arn); err != nil {
		return nil, err
	}
	t := s.Topics.Get(arn)
	if t == nil {
		return nil, noSuchTopic()
	}
	return t, nil
}

// deleteTopic deletes a topic with its subscriptions; one that is not there, too.
func (s *Service) deleteTopic(c *service.Call, tx *state.Tx, in *api.DeleteTopicInput) (*none, error) {
	t, err := findTopic(c, &tx.Snapshot, *in.TopicArn)
	if awserr.Code(err) == "NotFound" {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	for _, sub := range slices.Collect(tx.SubscriptionsOf(t.ARN(), "")) {
		tx.Subscriptions.Delete(sub)
	}
	tx.Topics.Delete(t)
	return nil, nil
}

func (s *Service) listTopics(c *service.Call, snap *state.Snapshot, in *api.ListTopicsInput) (*api.ListTopicsResponse, error) {
	after, err := start(in.NextToken)
	if err != nil {
		return nil, err
	}
	topics, next := page(snap.TopicsIn(c.Caller.Account, c.Region, after), func(t *state.Topic) string { return t.Name })
	out := &api.ListTopicsResponse{Topics: []api.Topic{}, NextToken: next}
	for _, t := range topics {
		out.Topics = append(out.Topics, api.Topic{TopicArn: ptr(t.ARN())})
	}
	return out, nil
}

func count[T any](seq iter.Seq[T]) (n int) {
	for range seq {
		n++
	}
	return n
}
