// Package sns holds the rules of Amazon SNS: topics, who subscribes to them, and
// what is published. Messages go to HTTP endpoints and mail addresses; telephones,
// mobile devices, queues and functions get none, and what is about those answers
// NotImplemented, or InvalidParameter where it is one member of an input.
//
// How messages are delivered is internal/notify/topic's. internal/server calls this
// package through the service frame; the event bus publishes by PublishAs.
package sns

import (
	"context"

	base "github.com/warder-iam/warder/internal/api"
	api "github.com/warder-iam/warder/internal/api/sns"
	"github.com/warder-iam/warder/internal/authz"
	"github.com/warder-iam/warder/internal/ids"
	"github.com/warder-iam/warder/internal/notify/topic"
	"github.com/warder-iam/warder/internal/seal"
	"github.com/warder-iam/warder/internal/service"
	"github.com/warder-iam/warder/internal/state"
)

// Service is SNS.
type Service struct {
	ids       *ids.Source
	ring      *seal.Keyring
	authz     *authz.Authorizer
	keys      *topic.Keys
	publisher *topic.Publisher
	mail      bool
	linked    bool
}

// Config is what SNS works with.
type Config struct {
	IDs       *ids.Source
	Ring      *seal.Keyring // opens the tokens that confirm subscriptions
	Authz     *authz.Authorizer
	Keys      *topic.Keys // that messages are signed by
	Publisher *topic.Publisher
	Mail      bool // there is a mail server
	Linked    bool // it is known how others reach this server, for the links in messages
}

// New makes SNS.
func New(c Config) *Service {
	return &Service{ids: c.IDs, ring: c.Ring, authz: c.Authz, keys: c.Keys, publisher: c.Publisher, mail: c.Mail, linked: c.Linked}
}

// Operations makes SNS's table of operations.
func (s *Service) Operations() *service.Service {
	return service.New(&api.Service, nil, []service.Operation{
		service.WithPrepare(service.Write("CreateTopic", creating(newTopic), s.createTopic), s.prepareTopic),
		service.Write("DeleteTopic", on(topicARN), s.deleteTopic),
		service.Read("GetTopicAttributes", on(topicARN), s.getTopicAttributes),
		service.Write("SetTopicAttributes", on(topicARN), s.setTopicAttributes),
		service.Read("ListTopics", on(service.Anything), s.listTopics),
		service.Write("AddPermission", on(topicARN), s.addPermission),
		service.Write("RemovePermission", on(topicARN), s.removePermission),

		service.WithAfter(service.Write("Subscribe", on(topicARN, endpoint), s.subscribe), s.ask),
		service.Write("ConfirmSubscription", unlessUnsigned(on(topicARN)), s.confirmSubscription),
		service.WithAfter(service.Write("Unsubscribe", unlessUnsigned(on(subscription)), s.unsubscribe), s.ask),
		service.Read("GetSubscriptionAttributes", on(subscription), s.getSubscriptionAttributes),
		service.Write("SetSubscriptionAttributes", on(subscription), s.setSubscriptionAttributes),
		service.Read("ListSubscriptions", on(service.Anything), s.listSubscriptions),
		service.Read("ListSubscriptionsByTopic", on(topicARN), s.listSubscriptionsByTopic),

		service.Read("Publish", on(published), s.publish),
		service.Read("PublishBatch", batch(on(topicARN)), s.publishBatch),

		service.Write("TagResource", on(resource, requestTags), s.tagResource),
		service.Write("UntagResource", on(resource, tagKeys), s.untagResource),
		service.Read("ListTagsForResource", on(resource), s.listTagsForResource),
	})
}

// A confirmation is what Subscribe and Unsubscribe leave to be sent.
type confirmation struct {
	subscription *state.Subscription
	kind         string
}

// ask asks an endpoint to confirm.
func (s *Service) ask(c *service.Call, snap *state.Snapshot) error {
	todo, ok := c.Prepared.(*confirmation)
	if !ok {
		return nil
	}
	t := snap.Topics.Get(todo.subscription.Topic)
	if t == nil {
		return nil // deleted meanwhile
	}
	// Whoever calls may have gone away; the change stands.
	return s.publisher.Confirm(context.WithoutCancel(c), t, todo.subscription, todo.kind, s.ids.Request(), c.Time)
}

// none is the output of an operation that has none.
type none = base.None

func ptr[T any](v T) *T { return &v }

func deref[T any](p *T) T { return base.Deref(p) }
