package sns

import (
	"reflect"
	"strings"

	"github.com/warder-iam/warder/arn"
	api "github.com/warder-iam/warder/internal/api/sns"
	"github.com/warder-iam/warder/internal/authz"
	"github.com/warder-iam/warder/internal/service"
	"github.com/warder-iam/warder/internal/state"
	"github.com/warder-iam/warder/policy"
)

// This file is the vocabulary of the authorization entries: which resource each
// operation is authorized on and with which condition keys, after
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsns.html.
// A topic's policy counts like that of any resource.

// on is service.On with SNS's prefix as it stands in AWS's messages: "SNS:Publish".
func on(target service.Target, extras ...service.Extra) service.Rule {
	rule := service.On(target, extras...)
	return func(action string, input reflect.Type) service.Authorize {
		_, name, _ := strings.Cut(action, ":")
		return rule("SNS:"+name, input)
	}
}

// creating is the rule of CreateTopic: tags need the tagging action too.
func creating(target service.Target) service.Rule {
	rule := on(target, requestTags)
	return service.And(rule, func(input reflect.Type) service.Authorize {
		tags, also := service.Member[[]api.Tag](input, "Tags"), rule("sns:TagResource", input)
		return func(c *service.Call, s *state.Snapshot, in any) ([]authz.Check, error) {
			if len(tags(in)) == 0 {
				return nil, nil
			}
			return also(c, s, in)
		}
	})
}

// unlessUnsigned lets unsigned requests through to the handler: what they hold, a
// token or a subscription's id, is what permits them.
func unlessUnsigned(rule service.Rule) service.Rule {
	return func(action string, input reflect.Type) service.Authorize {
		signed := rule(action, input)
		return func(c *service.Call, s *state.Snapshot, in any) ([]authz.Check, error) {
			if c.Caller.Kind == policy.Anonymous {
				return nil, nil
			}
			return signed(c, s, in)
		}
	}
}

// batch authorizes PublishBatch, which has no action of its own, as Publish
// (https://docs.aws.amazon.com/sns/latest/dg/sns-batch-api-actions.html).
func batch(rule service.Rule) service.Rule {
	return func(_ string, input reflect.Type) service.Authorize { return rule("sns:Publish", input) }
}

// parseTopic reads the ARN of a topic in the region that the request is made in. An
// unsigned request is made in none.
func parseTopic(c *service.Call, parameter, text string) (arn.ARN, error) {
	a, err := arn.Parse(text)
	switch {
	case strings.Count(text, ":") < 5:
		return a, notARN(parameter, text)
	case err != nil || a.Service != "sns" || !arn.IsAccountID(a.Account) || strings.Contains(a.Resource, ":"):
		return a, invalid("%s", parameter)
	case c.Region != "" && a.Region != c.Region:
		return a, invalid("%s", parameter)
	}
	return a, nil
}

// topicCheck fills in the check of a topic, whether or not it exists.
func topicCheck(c *service.Call, s *state.Snapshot, parameter, text string, check *authz.Check) error {
	a, err := parseTopic(c, parameter, text)
	if err != nil {
		return err
	}
	check.Resource, check.Account = text, a.Account
	if t := s.Topics.Get(text); t != nil {
		check.Tags = t.Tags
		check.ResourcePolicy, err = compiled(t)
	}
	return err
}

// compiled is a topic's policy. The default one grants nothing: it asks for
// aws:SourceOwner, which no request to Warder has.
func compiled(t *state.Topic) (*policy.Policy, error) {
	if t.Policy == nil {
		return nil, nil
	}
	return t.Policy.CompileAs(policy.Resource, func() policy.Source {
		return policy.Source{Type: policy.SourceResource, Name: t.Name, ARN: t.ARN()}
	})
}

// topicARN is the topic named by TopicArn.
func topicARN(input reflect.Type) service.Part {
	name := service.Member[*string](input, "TopicArn")
	return func(c *service.Call, s *state.Snapshot, in any, check *authz.Check) error {
		return topicCheck(c, s, "TopicArn", *name(in), check)
	}
}

// resource is the topic named by ResourceArn.
func resource(input reflect.Type) service.Part {
	name := service.Member[*string](input, "ResourceArn")
	return func(c *service.Call, s *state.Snapshot, in any, check *authz.Check) error {
		return topicCheck(c, s, "ResourceArn", *name(in), check)
	}
}

// published is what Publish publishes to. TargetArn serves for a topic too.
func published(reflect.Type) service.Part {
	return func(c *service.Call, s *state.Snapshot, in any, check *authz.Check) error {
		parameter, text, err := target(in.(*api.PublishInput))
		if err != nil {
			return err
		}
		return topicCheck(c, s, parameter, text, check)
	}
}

// newTopic is the topic that is to be made.
func newTopic(input reflect.Type) service.Part {
	name := service.Member[*string](input, "Name")
	return func(c *service.Call, s *state.Snapshot, in any, check *authz.Check) error {
		if err := checkName(*name(in)); err != nil {
			return err
		}
		return topicCheck(c, s, "Name", state.TopicARN(c.Caller.Account, c.Region, *name(in)), check)
	}
}

// subscription is the topic of a subscription, which has no ARN of its own in the
// reference. Whoever subscribed owns it, and is asked by their own policies; for others
// it is as the topic is.
func subscription(input reflect.Type) service.Part {
	name := service.Member[*string](input, "SubscriptionArn")
	return func(c *service.Call, s *state.Snapshot, in any, check *authz.Check) error {
		text := *name(in)
		ofTopic, err := topicOf(text)
		if err != nil {
			return err
		}
		if err := topicCheck(c, s, "SubscriptionArn", ofTopic, check); err != nil {
			return err
		}
		sub := s.Subscriptions.Get(text)
		if sub == nil {
			return nil
		}
		if sub.Owner == c.Caller.Account && sub.Owner != check.Account {
			check.Account, check.ResourcePolicy = sub.Owner, nil
		}
		about(check, sub.Protocol, sub.Endpoint)
		return nil
	}
}

// topicOf is the ARN of a subscription's topic.
func topicOf(subscription string) (string, error) {
	if strings.Count(subscription, ":") < 5 {
		return "", notARN("SubscriptionArn", subscription)
	}
	i := strings.LastIndexByte(subscription, ':')
	if strings.Count(subscription, ":") != 6 {
		return "", invalid("SubscriptionId")
	}
	return subscription[:i], nil
}

// endpoint adds the condition keys of Subscribe.
func endpoint(reflect.Type) service.Part {
	return func(_ *service.Call, _ *state.Snapshot, in any, check *authz.Check) error {
		i := in.(*api.SubscribeInput)
		about(check, *i.Protocol, deref(i.Endpoint))
		return nil
	}
}

func about(check *authz.Check, protocol, endpoint string) {
	check.Set("sns:Protocol", policy.String(protocol))
	check.Set("sns:Endpoint", policy.String(endpoint))
}

// requestTags adds aws:RequestTag/KEY and aws:TagKeys from the tags sent.
func requestTags(input reflect.Type) service.Part {
	tags := service.Member[[]api.Tag](input, "Tags")
	return func(_ *service.Call, _ *state.Snapshot, in any, check *authz.Check) error {
		for _, t := range tags(in) {
			check.RequestTag(*t.Key, *t.Value)
		}
		return nil
	}
}

// tagKeys adds aws:TagKeys from the keys sent.
func tagKeys(input reflect.Type) service.Part {
	keys := service.Member[[]string](input, "TagKeys")
	return func(_ *service.Call, _ *state.Snapshot, in any, check *authz.Check) error {
		check.TagKeys = keys(in)
		return nil
	}
}
