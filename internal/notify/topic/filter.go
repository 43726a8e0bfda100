package topic

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/warder-iam/warder/internal/eventpattern"
	"github.com/warder-iam/warder/internal/state"
)

// A filter policy says which of a topic's messages a subscription gets
// (https://docs.aws.amazon.com/sns/latest/dg/sns-message-filtering.html). It is in
// the language of event patterns, without wildcards, and is about the message's
// attributes or about its text, if that is a JSON object.

// ScopeBody is the scope of filter policies that are about the text.
const ScopeBody = "MessageBody"

// The bounds of a filter policy
// (https://docs.aws.amazon.com/sns/latest/dg/subscription-filter-policy-constraints.html).
const (
	maxFilterKeys         = 5
	maxFilterCombinations = 150
	maxFilterPolicy       = 256 << 10 // bytes
)

// refusal is what is wrong in AWS's words, which are no Go error's.
type refusal string

func (r refusal) Error() string { return string(r) }

// CheckFilter says what is wrong with a filter policy, in AWS's words.
func CheckFilter(text, scope string) error {
	if len(text) > maxFilterPolicy {
		return fmt.Errorf("FilterPolicy: Filter policy can not be larger than %d bytes", maxFilterPolicy)
	}
	var members map[string]any
	if json.Unmarshal([]byte(text), &members) != nil || members == nil {
		return refusal("FilterPolicy: failed to parse JSON.")
	}
	if len(members) > maxFilterKeys {
		return errors.New("FilterPolicy: Filter policy can not have more than 5 keys")
	}
	combinations, err := combine(members, 1, 1, scope)
	switch {
	case err != nil:
		return err
	case combinations > maxFilterCombinations:
		return errors.New("FilterPolicy: Filter policy is too complex")
	case len(members) == 0:
		return nil
	}
	if _, err := eventpattern.Compile(text); err != nil {
		reason := err.Error()
		if e, ok := errors.AsType[*eventpattern.Error](err); ok {
			reason = e.Reason
		}
		return errors.New("FilterPolicy: " + reason)
	}
	return nil
}

// combine multiplies the numbers of values, and those of nested ones by how deep they
// are, as AWS counts.
func combine(members map[string]any, depth, combinations int, scope string) (int, error) {
	var err error
	for key, value := range members {
		switch v := value.(type) {
		case map[string]any:
			if scope != ScopeBody {
				return 0, refusal("Filter policy scope MessageAttributes does not support nested filter policy")
			}
			if combinations, err = combine(v, depth+1, combinations, scope); err != nil {
				return 0, err
			}
		case []any:
			if len(v) == 0 {
				return 0, errors.New("FilterPolicy: Empty arrays are not allowed")
			}
			if key == "$or" {
				if combinations, err = alternatives(v, depth, combinations, scope); err != nil {
					return 0, err
				}
				continue
			}
			for _, rule := range v {
				if operator, ok := rule.(map[string]any); ok && wild(operator) {
					return 0, errors.New("FilterPolicy: Unrecognized match type wildcard")
				}
			}
			combinations *= len(v) * depth
		default:
			return 0, fmt.Errorf("FilterPolicy: %q must be an object or an array", key)
		}
		if combinations > maxFilterCombinations {
			return combinations, nil // it only grows
		}
	}
	return combinations, nil
}

func alternatives(v []any, depth, combinations int, scope string) (sum int, err error) {
	for _, one := range v {
		members, ok := one.(map[string]any)
		if !ok {
			return combinations, nil // the pattern's compiler says what is wrong
		}
		n, err := combine(members, depth, combinations, scope)
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}

// wild says whether an operator is a wildcard, which EventBridge has and SNS has not.
func wild(operator map[string]any) bool {
	if _, ok := operator["wildcard"]; ok {
		return true
	}
	inner, ok := operator["anything-but"].(map[string]any)
	_, wildcard := inner["wildcard"]
	return ok && wildcard
}

// passes says whether a subscription gets a message. A policy that cannot be read,
// which is never saved, lets nothing through.
func passes(s *state.Subscription, m *Message) bool {
	if s.FilterPolicy == "" {
		return true
	}
	pattern, err := eventpattern.Compile(s.FilterPolicy)
	if err != nil {
		return false
	}
	subject := []byte(m.For(s.Protocol))
	if s.Scope() != ScopeBody {
		subject = attributesEvent(m.Attributes)
	}
	event, err := eventpattern.Parse(subject)
	return err == nil && pattern.Matches(event)
}

// attributesEvent are the attributes as values that a pattern can look at: numbers as
// numbers, an array's elements each by itself. Binary ones are left out
// (https://docs.aws.amazon.com/sns/latest/dg/sns-subscription-filter-policies.html).
func attributesEvent(attributes map[string]Attribute) []byte {
	values := make(map[string]json.RawMessage, len(attributes))
	for name, a := range attributes {
		switch a.Type {
		case "String":
			text, err := json.Marshal(a.Value)
			if err == nil {
				values[name] = text
			}
		case "Number":
			if value := json.RawMessage(a.Value); json.Valid(value) && bytes.IndexByte([]byte("-0123456789"), value[0]) >= 0 {
				values[name] = value
			}
		case "String.Array":
			var elements []any
			if json.Unmarshal([]byte(a.Value), &elements) == nil {
				values[name] = json.RawMessage(a.Value)
			}
		}
	}
	text, err := json.Marshal(values)
	if err != nil {
		return nil
	}
	return text
}
