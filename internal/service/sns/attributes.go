package sns

import (
	"strconv"
	"strings"
	"unicode/utf8"

	api "github.com/warder-iam/warder/internal/api/sns"
	"github.com/warder-iam/warder/internal/notify/topic"
	"github.com/warder-iam/warder/internal/service"
	"github.com/warder-iam/warder/internal/state"
)

// The attributes of topics
// (https://docs.aws.amazon.com/sns/latest/api/API_SetTopicAttributes.html).

func (s *Service) getTopicAttributes(c *service.Call, snap *state.Snapshot, in *api.GetTopicAttributesInput) (*api.GetTopicAttributesResponse, error) {
	t, err := findTopic(c, snap, *in.TopicArn)
	if err != nil {
		return nil, err
	}
	return &api.GetTopicAttributesResponse{Attributes: topicAttributes(snap, t)}, nil
}

func topicAttributes(snap *state.Snapshot, t *state.Topic) map[string]string {
	confirmed, pending := 0, 0
	for sub := range snap.SubscriptionsOf(t.ARN(), "") {
		switch {
		case !sub.Ended.IsZero():
		case sub.Confirmed:
			confirmed++
		default:
			pending++
		}
	}
	out := map[string]string{
		"TopicArn": t.ARN(), "Owner": t.Account, "DisplayName": t.DisplayName, "Policy": policyText(snap, t),
		"SubscriptionsConfirmed": strconv.Itoa(confirmed), "SubscriptionsPending": strconv.Itoa(pending), "SubscriptionsDeleted": strconv.Itoa(t.Deleted),
	}
	if text, err := topic.EffectiveTopicPolicy(t.DeliveryPolicy); err == nil { // it was when it was set
		out["EffectiveDeliveryPolicy"] = text
	}
	if t.DeliveryPolicy != "" {
		out["DeliveryPolicy"] = t.DeliveryPolicy
	}
	if t.SignatureVersion != "" {
		out["SignatureVersion"] = t.SignatureVersion
	}
	return out
}

func (s *Service) setTopicAttributes(c *service.Call, tx *state.Tx, in *api.SetTopicAttributesInput) (*none, error) {
	t, err := findTopic(c, &tx.Snapshot, *in.TopicArn)
	if err != nil {
		return nil, err
	}
	tx.Topics.Update(t, func(t *state.Topic) {
		err = setTopicAttribute(&tx.Snapshot, t, *in.AttributeName, deref(in.AttributeValue), "")
	})
	return nil, err
}

// maxDisplayName is in characters.
const maxDisplayName = 100

// setTopicAttribute changes a topic, unless the value is wrong. The prefix is what AWS
// puts before a reason where several attributes are set.
func setTopicAttribute(snap *state.Snapshot, t *state.Topic, name, value, prefix string) (err error) {
	switch name {
	case "DisplayName":
		if utf8.RuneCountInString(value) > maxDisplayName || strings.ContainsFunc(value, func(r rune) bool { return r < ' ' }) {
			return invalid("%sDisplayName", prefix)
		}
		t.DisplayName = value
	case "Policy":
		t.Policy, err = newPolicy(snap, t, value)
		return err
	case "DeliveryPolicy":
		if _, err := topic.EffectiveTopicPolicy(value); err != nil {
			return invalid("%sDeliveryPolicy: %s", prefix, err)
		}
		t.DeliveryPolicy = value
	case "SignatureVersion":
		if value != "1" && value != "2" {
			return invalid("%sSignatureVersion", prefix)
		}
		t.SignatureVersion = value
	case "TracingConfig":
		if value != "PassThrough" { // which is to do nothing
			return notBuilt(prefix+name, "Warder traces no messages")
		}
	case "FifoTopic":
		if prefix == "" {
			return invalid("AttributeName")
		}
		if !strings.EqualFold(value, "false") {
			return notBuilt(prefix+name, "FIFO topics deliver to queues only, and Warder has none")
		}
	case "KmsMasterKeyId":
		if value != "" {
			return notBuilt(prefix+name, "Warder has no keys of KMS")
		}
	case "ContentBasedDeduplication", "FifoThroughputScope", "ArchivePolicy", "BeginningArchiveTime":
		return notBuilt(prefix+name, "it is for FIFO topics")
	default:
		if strings.HasSuffix(name, "FeedbackRoleArn") || strings.HasSuffix(name, "FeedbackSampleRate") {
			if value == "" || value == "0" { // which is to log nothing; Terraform sets it
				return nil
			}
			return notBuilt(prefix+name, "Warder has no CloudWatch Logs to write deliveries to; failed ones are in the server's log")
		}
		return invalid("%sAttributeName", prefix)
	}
	return nil
}
