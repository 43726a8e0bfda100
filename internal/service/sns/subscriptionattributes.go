package sns

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	api "github.com/warder-iam/warder/internal/api/sns"
	"github.com/warder-iam/warder/internal/notify/topic"
	"github.com/warder-iam/warder/internal/service"
	"github.com/warder-iam/warder/internal/state"
)

// The attributes of subscriptions
// (https://docs.aws.amazon.com/sns/latest/api/API_SetSubscriptionAttributes.html).

func (s *Service) getSubscriptionAttributes(c *service.Call, snap *state.Snapshot, in *api.GetSubscriptionAttributesInput) (*api.GetSubscriptionAttributesResponse, error) {
	sub, err := findSubscription(c, snap, *in.SubscriptionArn)
	if err != nil {
		return nil, err
	}
	out := map[string]string{
		"SubscriptionArn": sub.ARN, "TopicArn": sub.Topic, "Owner": sub.Owner, "Protocol": sub.Protocol, "Endpoint": sub.Endpoint,
		"SubscriptionPrincipal": sub.Principal, "PendingConfirmation": strconv.FormatBool(!sub.Confirmed),
		"ConfirmationWasAuthenticated": strconv.FormatBool(sub.Authenticated), "RawMessageDelivery": attribute(sub, "RawMessageDelivery"),
	}
	if sub.FilterPolicy != "" {
		out["FilterPolicy"], out["FilterPolicyScope"] = sub.FilterPolicy, sub.Scope()
	}
	if sub.DeliveryPolicy != "" {
		out["DeliveryPolicy"] = sub.DeliveryPolicy
	}
	if t := snap.Topics.Get(sub.Topic); t != nil && !topic.ByMail(sub.Protocol) {
		if text, err := topic.EffectiveSubscriptionPolicy(sub.DeliveryPolicy, t.DeliveryPolicy); err == nil { // it was when it was set
			out["EffectiveDeliveryPolicy"] = text
		}
	}
	return &api.GetSubscriptionAttributesResponse{Attributes: out}, nil
}

// attribute is an attribute that can be set.
func attribute(sub *state.Subscription, name string) string {
	switch name {
	case "FilterPolicy":
		return sub.FilterPolicy
	case "FilterPolicyScope":
		return sub.Scope()
	case "RawMessageDelivery":
		return strconv.FormatBool(sub.Raw)
	case "DeliveryPolicy":
		return sub.DeliveryPolicy
	}
	return ""
}

func (s *Service) setSubscriptionAttributes(c *service.Call, tx *state.Tx, in *api.SetSubscriptionAttributesInput) (*none, error) {
	sub, err := findSubscription(c, &tx.Snapshot, *in.SubscriptionArn)
	if err != nil {
		return nil, err
	}
	t := tx.Topics.Get(sub.Topic)
	if t == nil {
		return nil, noSuchSubscription()
	}
	tx.Subscriptions.Update(sub, func(sub *state.Subscription) {
		if err = setAttribute(t, sub, *in.AttributeName, deref(in.AttributeValue), ""); err == nil {
			err = checkFilter(sub, "")
		}
	})
	return nil, err
}

// setAttributes sets those that Subscribe is called with.
func setAttributes(t *state.Topic, sub *state.Subscription, attributes map[string]string) error {
	const prefix = "Attributes Reason: "
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		if err := setAttribute(t, sub, name, attributes[name], prefix); err != nil {
			return err
		}
	}
	return checkFilter(sub, prefix)
}

// setAttribute changes a subscription, unless the value is wrong. The prefix is what
// AWS puts before a reason where several attributes are set.
func setAttribute(t *state.Topic, sub *state.Subscription, name, value, prefix string) error {
	switch name {
	case "FilterPolicy":
		sub.FilterPolicy = value
		var members map[string]any
		if json.Unmarshal([]byte(value), &members) == nil && len(members) == 0 {
			sub.FilterPolicy = "" // which is how it is taken away
		}
	case "FilterPolicyScope":
		switch value {
		case "MessageAttributes":
			sub.FilterScope = ""
		case topic.ScopeBody:
			sub.FilterScope = value
		default:
			return invalid("%sFilterPolicyScope: Invalid value [%s]. Please use either MessageBody or MessageAttributes", prefix, value)
		}
	case "RawMessageDelivery":
		raw := strings.EqualFold(value, "true")
		if !raw && !strings.EqualFold(value, "false") {
			return invalid("%sRawMessageDelivery: Invalid value [%s]. Must be true or false.", prefix, value)
		}
		if raw && topic.ByMail(sub.Protocol) {
			return invalid("%sDelivery protocol [%s] does not support raw message delivery.", prefix, sub.Protocol)
		}
		sub.Raw = raw
	case "DeliveryPolicy":
		if value != "" && topic.ByMail(sub.Protocol) {
			return invalid("%sDeliveryPolicy: it is for HTTP/S endpoints only", prefix)
		}
		if _, err := topic.EffectiveSubscriptionPolicy(value, t.DeliveryPolicy); err != nil {
			return invalid("%sDeliveryPolicy: %s", prefix, err)
		}
		sub.DeliveryPolicy = value
	case "RedrivePolicy":
		if value != "" {
			return notBuilt(prefix+name, "Warder has no queues; messages that could not be delivered stay in its outbox")
		}
	case "SubscriptionRoleArn", "ReplayPolicy", "ReplayStatus":
		return notBuilt(prefix+name, "it is for protocols and topics that Warder has not")
	default:
		return invalid("%sAttributeName", prefix)
	}
	return nil
}

// checkFilter looks at the filter policy when the scope is known.
func checkFilter(sub *state.Subscription, prefix string) error {
	if sub.FilterPolicy == "" {
		return nil
	}
	if err := topic.CheckFilter(sub.FilterPolicy, sub.Scope()); err != nil {
		return invalid("%s%s", prefix, err)
	}
	return nil
}
