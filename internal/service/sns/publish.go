package sns

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	api "github.com/warder-iam/warder/internal/api/sns"
	"github.com/warder-iam/warder/internal/authn"
	"github.com/warder-iam/warder/internal/awserr"
	"github.com/warder-iam/warder/internal/notify/topic"
	"github.com/warder-iam/warder/internal/service"
	"github.com/warder-iam/warder/internal/state"
)

// Publishing (https://docs.aws.amazon.com/sns/latest/api/API_Publish.html). It changes
// nothing in the state: messages go to the outbox, and are in it when the call
// returns.

const (
	maxMessage  = 256 << 10 // bytes, attributes included; all of a batch together
	maxSubject  = 100       // characters
	maxEntries  = 10
	maxEntryID  = 80
	maxAttrName = 256
)

// target is what Publish names, and by which parameter.
func target(in *api.PublishInput) (parameter, arn string, err error) {
	switch {
	case in.PhoneNumber != nil:
		return "", "", notBuilt("PhoneNumber", "Warder sends no text messages")
	case in.TopicArn != nil:
		return "TopicArn", *in.TopicArn, nil
	case in.TargetArn != nil && strings.Contains(*in.TargetArn, ":endpoint/"):
		return "", "", notBuilt("TargetArn", "Warder has no platform endpoints")
	case in.TargetArn != nil:
		return "TargetArn", *in.TargetArn, nil
	}
	return "", "", invalid("TopicArn or TargetArn Reason: no value for required parameter")
}

func (s *Service) publish(c *service.Call, snap *state.Snapshot, in *api.PublishInput) (*api.PublishResponse, error) {
	_, arn, err := target(in)
	if err != nil {
		return nil, err
	}
	t, err := findTopic(c, snap, arn)
	if err != nil {
		return nil, err
	}
	m, _, err := s.message(c, &api.PublishBatchRequestEntry{
		Message: in.Message, Subject: in.Subject, MessageStructure: in.MessageStructure, MessageAttributes: in.MessageAttributes,
		MessageDeduplicationId: in.MessageDeduplicationId, MessageGroupId: in.MessageGroupId,
	})
	if err != nil {
		return nil, err
	}
	if err := s.publisher.Publish(c, snap, t, m); err != nil {
		return nil, err
	}
	return &api.PublishResponse{MessageId: &m.ID}, nil
}

// publishBatch publishes all messages or, if something is wrong with one, none.
func (s *Service) publishBatch(c *service.Call, snap *state.Snapshot, in *api.PublishBatchInput) (*api.PublishBatchResponse, error) {
	t, err := findTopic(c, snap, *in.TopicArn)
	if err != nil {
		return nil, err
	}
	switch n := len(in.PublishBatchRequestEntries); {
	case n == 0:
		return nil, awserr.New("EmptyBatchRequest", "The batch request doesn't contain any entries.")
	case n > maxEntries:
		return nil, awserr.New("TooManyEntriesInBatchRequest", "The batch request contains more entries than permissible.")
	}
	out := &api.PublishBatchResponse{Successful: []api.PublishBatchResultEntry{}, Failed: []api.BatchResultErrorEntry{}}
	var messages []*topic.Message
	ids, total := make(map[string]bool), 0
	for i := range in.PublishBatchRequestEntries {
		e := &in.PublishBatchRequestEntries[i]
		if err := checkEntryID(*e.Id, ids); err != nil {
			return nil, err
		}
		m, size, err := s.message(c, e)
		if err != nil {
			return nil, err
		}
		total += size
		messages = append(messages, m)
		out.Successful = append(out.Successful, api.PublishBatchResultEntry{Id: e.Id, MessageId: &m.ID})
	}
	if total > maxMessage {
		return nil, awserr.New("BatchRequestTooLong", "The length of all the messages put together is more than the limit.")
	}
	return out, s.publisher.Publish(c, snap, t, messages...)
}

func checkEntryID(id string, before map[string]bool) error {
	switch {
	case before[id]:
		return awserr.New("BatchEntryIdsNotDistinct", "Two or more batch entries in the request have the same Id.")
	case len(id) > maxEntryID:
		return awserr.New("InvalidBatchEntryId", "The Id of a batch entry in the batch request is too long: %s", id)
	case id == "" || strings.ContainsFunc(id, func(r rune) bool { return !alphanumeric(r) && r != '-' && r != '_' }):
		return awserr.New("InvalidBatchEntryId", "The Id of a batch entry in the batch request contains an impermissible character: %s", id)
	}
	before[id] = true
	return nil
}

func alphanumeric(r rune) bool {
	return '0' <= r && r <= '9' || 'A' <= r && r <= 'Z' || 'a' <= r && r <= 'z'
}

// message checks a message, and tells its size.
func (s *Service) message(c *service.Call, in *api.PublishBatchRequestEntry) (m *topic.Message, size int, err error) {
	switch {
	case in.Subject != nil && !goodSubject(*in.Subject):
		return nil, 0, invalid("Subject")
	case *in.Message == "":
		return nil, 0, invalid("Empty message")
	case in.MessageDeduplicationId != nil:
		return nil, 0, invalid("MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter that is not valid for this topic type")
	case in.MessageGroupId != nil:
		return nil, 0, invalid("MessageGroupId Reason: The request includes MessageGroupId parameter that is not valid for this topic type")
	}
	m = &topic.Message{ID: s.ids.Request(), Subject: deref(in.Subject), Text: *in.Message, Time: c.Time}
	if m.Attributes, size, err = attributes(in.MessageAttributes); err != nil {
		return nil, 0, err
	}
	if size += len(*in.Message); size > maxMessage {
		return nil, 0, invalid("Message too long")
	}
	switch deref(in.MessageStructure) {
	case "":
	case "json":
		if m.By, err = structured(*in.Message); err != nil {
			return nil, 0, err
		}
		m.Text = m.By["default"]
	default:
		return nil, 0, invalid("MessageStructure")
	}
	return m, size, nil
}

// goodSubject follows the rules of Publish: up to 100 characters on one line, the
// first of them no blank.
func goodSubject(text string) bool {
	return text != "" && utf8.RuneCountInString(text) <= maxSubject && text[0] != ' ' &&
		!strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f })
}

// structured reads a message with a text for each protocol. What is no text is not
// for any.
func structured(text string) (map[string]string, error) {
	var members map[string]any
	if json.Unmarshal([]byte(text), &members) != nil {
		return nil, invalid("Message Structure - JSON message body failed to parse")
	}
	by := make(map[string]string)
	for protocol, value := range members {
		if text, ok := value.(string); ok {
			by[protocol] = text
		}
	}
	if _, ok := by["default"]; !ok {
		return nil, invalid("Message Structure - No default entry in JSON message body")
	}
	return by, nil
}

func wrongValue(format string, args ...any) error {
	return awserr.New("ParameterValueInvalid", format, args...)
}

// attributes checks a message's attributes, and tells their size
// (https://docs.aws.amazon.com/sns/latest/dg/sns-message-attributes.html).
func attributes(in map[string]api.MessageAttributeValue) (out map[string]topic.Attribute, size int, err error) {
	for name, a := range in {
		if err := checkAttributeName(name); err != nil {
			return nil, 0, err
		}
		kind := *a.DataType
		base, _, _ := strings.Cut(kind, ".")
		value := deref(a.StringValue)
		field := "String"
		switch base {
		case "String", "Number":
		case "Binary":
			field, value = "Binary", base64.StdEncoding.EncodeToString(a.BinaryValue)
		default:
			return nil, 0, wrongValue("The message attribute '%s' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String.", name)
		}
		other := a.BinaryValue != nil
		if field == "Binary" {
			other = a.StringValue != nil
		}
		switch {
		case value == "" && other:
			return nil, 0, wrongValue("The message attribute '%s' with type '%s' must use field '%s'.", name, kind, field)
		case value == "":
			return nil, 0, wrongValue("The message attribute '%s' must contain non-empty message attribute value for message attribute type '%s'.", name, kind)
		case other:
			return nil, 0, wrongValue("The message attribute '%s' has a value in both fields.", name)
		case kind == "Number" && !json.Valid([]byte(value)):
			return nil, 0, wrongValue("Could not cast message attribute '%s' value to number.", name)
		}
		if out == nil {
			out = make(map[string]topic.Attribute, len(in))
		}
		out[name] = topic.Attribute{Type: kind, Value: value}
		size += len(name) + len(kind) + len(deref(a.StringValue)) + len(a.BinaryValue)
	}
	return out, size, nil
}

func checkAttributeName(name string) error {
	switch {
	case len(name) > maxAttrName:
		return wrongValue("Length of message attribute name must be less than 256 bytes.")
	case strings.HasPrefix(name, "."):
		return wrongValue("Invalid message attribute name starting with character '.' was found.")
	case strings.HasSuffix(name, "."):
		return wrongValue("Invalid message attribute name ending with character '.' was found.")
	case strings.Contains(name, ".."):
		return wrongValue("Message attribute name can not have successive '.' character.")
	}
	for _, r := range name {
		if !alphanumeric(r) && r != '_' && r != '-' && r != '.' {
			return wrongValue("Invalid non-alphanumeric character '#x%X' was found in the message attribute name. Can only include alphanumeric characters, hyphens, underscores, or dots.", r)
		}
	}
	return nil
}

// Notice is what a service of AWS's publishes.
type Notice struct {
	ID      string // of the message
	Service string // the service principal: "events.amazonaws.com"
	// Caller is a session of the role by which the service publishes; nil: it
	// publishes in its own name.
	Caller        *authn.Caller
	SourceARN     string // what makes it publish, such as a rule
	SourceAccount string
	Topic         string // ARN
	Subject       string // may be empty
	Text          string
	Attributes    map[string]topic.Attribute
	Time          time.Time
}

// MayPublish says whether a service could publish: nil if it could.
func (s *Service) MayPublish(snap *state.Snapshot, n *Notice) error {
	t := snap.Topics.Get(n.Topic)
	if t == nil {
		return noSuchTopic()
	}
	return s.permits(snap, t, n)
}

// PublishAs publishes for a service, if the topic's policy lets the service in, or its
// role may
// (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html#eb-sns-permissions).
// An *awserr.Error says that it cannot be, as a caller of Publish would be told.
func (s *Service) PublishAs(ctx context.Context, snap *state.Snapshot, n *Notice) error {
	if err := s.MayPublish(snap, n); err != nil {
		return err
	}
	t := snap.Topics.Get(n.Topic)
	if len(n.Text) > maxMessage {
		return invalid("Message too long")
	}
	m := &topic.Message{ID: cmp.Or(n.ID, s.ids.Request()), Subject: n.Subject, Text: n.Text, Attributes: n.Attributes, Time: n.Time}
	if err := s.publisher.Publish(ctx, snap, t, m); err != nil {
		return fmt.Errorf("sns: %w", err)
	}
	return nil
}
