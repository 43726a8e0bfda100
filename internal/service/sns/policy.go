package sns

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/warder-iam/warder/arn"
	api "github.com/warder-iam/warder/internal/api/sns"
	"github.com/warder-iam/warder/internal/service"
	"github.com/warder-iam/warder/internal/state"
	"github.com/warder-iam/warder/policy"
)

// Topic policies
// (https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-use-cases.html).

const (
	maxPolicy     = 30 << 10 // bytes
	maxStatements = 100
)

// actions are those that a topic's policy may be about.
var actions = []string{
	"GetTopicAttributes", "SetTopicAttributes", "AddPermission", "RemovePermission", "DeleteTopic", "Subscribe",
	"ListSubscriptionsByTopic", "Publish", "Receive", "GetDataProtectionPolicy", "PutDataProtectionPolicy", "ListTagsForResource", "TagResource", "UntagResource",
	"ConfirmSubscription", "Unsubscribe", "GetSubscriptionAttributes", "SetSubscriptionAttributes",
}

// newPolicy checks the policy of a topic; none puts the default one back.
func newPolicy(s *state.Snapshot, t *state.Topic, text string) (*state.Document, error) {
	if text == "" || text == defaultPolicy(t) {
		return nil, nil
	}
	if len(text) > maxPolicy {
		return nil, invalid("Policy Reason: Policy exceeds max size: %d", maxPolicy)
	}
	doc, err := policy.ParseText(policy.Resource, text)
	if err != nil {
		return nil, invalid("Policy Error: %s", err)
	}
	if len(doc.Statements) > maxStatements {
		return nil, invalid("Policy Error: more than %d statements", maxStatements)
	}
	for i := range doc.Statements {
		if err := checkStatement(t, &doc.Statements[i]); err != nil {
			return nil, err
		}
	}
	ids, unknown := s.Resolve(doc)
	if unknown != "" {
		return nil, invalid("Policy Error: PrincipalNotFound")
	}
	return &state.Document{Text: text, Principals: ids}, nil
}

// checkStatement refuses a statement that is about other services, or other topics.
func checkStatement(t *state.Topic, st *policy.Statement) error {
	for _, a := range st.Actions {
		inScope := func(name string) bool { return policy.MatchAction(a.Value, "sns:"+name) }
		if prefix, _, ok := strings.Cut(a.Value, ":"); a.Value != "*" && (!ok || !strings.EqualFold(prefix, "sns")) || !slices.ContainsFunc(actions, inScope) {
			return invalid("Policy statement action out of service scope!")
		}
	}
	for _, r := range st.Resources {
		if r.Open() {
			continue
		}
		if a, err := arn.Parse(r.Value); err != nil || a.Service != "sns" {
			return invalid("Policy Error: a statement is about %s, which is no topic", r.Value)
		}
	}
	return nil
}

// policyText is a topic's policy as it reads now.
func policyText(s *state.Snapshot, t *state.Topic) string {
	if t.Policy == nil {
		return defaultPolicy(t)
	}
	return s.Shown(policy.Resource, t.Policy)
}

// The policy as AWS writes it, for the default one and for AddPermission.
type document struct {
	Version   string            `json:"Version"`
	ID        string            `json:"Id"`
	Statement []json.RawMessage `json:"Statement"`
}

type statement struct {
	Sid       string                       `json:"Sid"`
	Effect    string                       `json:"Effect"`
	Principal map[string]any               `json:"Principal"`
	Action    any                          `json:"Action"`
	Resource  string                       `json:"Resource"`
	Condition map[string]map[string]string `json:"Condition,omitempty"`
}

const (
	defaultVersion = "2008-10-17"
	defaultID      = "__default_policy_ID"
)

// defaultPolicy is the policy of a topic that was given none. It lets in services
// that act for the owner's account by aws:SourceOwner.
func defaultPolicy(t *state.Topic) string {
	var names []string
	for _, a := range actions[:8] {
		names = append(names, "SNS:"+a)
	}
	return written(&document{Version: defaultVersion, ID: defaultID, Statement: []json.RawMessage{raw(statement{
		Sid: "__default_statement_ID", Effect: "Allow", Principal: map[string]any{"AWS": "*"}, Action: names, Resource: t.ARN(),
		Condition: map[string]map[string]string{"StringEquals": {"AWS:SourceOwner": t.Account}},
	})}})
}

func raw(s statement) json.RawMessage {
	text, err := json.Marshal(s)
	if err != nil {
		panic(err) // strings only
	}
	return text
}

func written(d *document) string {
	text, err := json.Marshal(d)
	if err != nil {
		panic(err) // it was read as JSON, or made of strings
	}
	return string(text)
}

// change edits the statements of a topic's policy, leaving what it does not touch as
// it is.
func change(s *state.Snapshot, t *state.Topic, edit func([]json.RawMessage) ([]json.RawMessage, error)) (*state.Document, error) {
	var d struct {
		Version   string          `json:"Version"`
		ID        string          `json:"Id"`
		Statement json.RawMessage `json:"Statement"`
	}
	if err := json.Unmarshal([]byte(policyText(s, t)), &d); err != nil {
		return nil, err
	}
	var statements []json.RawMessage
	if json.Unmarshal(d.Statement, &statements) != nil {
		statements = []json.RawMessage{d.Statement} // one alone needs no list
	}
	statements, err := edit(statements)
	if err != nil {
		return nil, err
	}
	if len(statements) == 0 {
		return nil, nil
	}
	return newPolicy(s, t, written(&document{Version: d.Version, ID: d.ID, Statement: statements}))
}

func sidOf(text json.RawMessage) string {
	var s struct{ Sid string }
	if json.Unmarshal(text, &s) != nil {
		return ""
	}
	return s.Sid
}

// addPermission adds a statement to a topic's policy
// (https://docs.aws.amazon.com/sns/latest/api/API_AddPermission.html).
func (s *Service) addPermission(c *service.Call, tx *state.Tx, in *api.AddPermissionInput) (*none, error) {
	t, err := findTopic(c, &tx.Snapshot, *in.TopicArn)
	if err != nil {
		return nil, err
	}
	var principals, names []string
	for _, account := range in.AWSAccountId {
		if !arn.IsAccountID(account) {
			return nil, invalid("AWSAccountId Reason: %s is no account", account)
		}
		principals = append(principals, arn.Root(account))
	}
	for _, name := range in.ActionName {
		if !slices.Contains(actions, name) {
			return nil, invalid("Policy statement action out of service scope!")
		}
		names = append(names, "SNS:"+name)
	}
	if len(principals) == 0 || len(names) == 0 {
		return nil, invalid("ActionName and AWSAccountId must not be empty")
	}
	added := raw(statement{Sid: *in.Label, Effect: "Allow", Principal: map[string]any{"AWS": single(principals)}, Action: single(names), Resource: t.ARN()})
	p, err := change(&tx.Snapshot, t, func(have []json.RawMessage) ([]json.RawMessage, error) {
		if slices.ContainsFunc(have, func(h json.RawMessage) bool { return sidOf(h) == *in.Label }) {
			return nil, invalid("Statement already exists")
		}
		return append(have, added), nil
	})
	if err != nil {
		return nil, err
	}
	tx.Topics.Update(t, func(t *state.Topic) { t.Policy = p })
	return nil, nil
}

// single is a list's one element by itself, as AWS writes it.
func single(all []string) any {
	if len(all) == 1 {
		return all[0]
	}
	return all
}

// removePermission takes a statement out; one that is not there, too.
func (s *Service) removePermission(c *service.Call, tx *state.Tx, in *api.RemovePermissionInput) (*none, error) {
	t, err := findTopic(c, &tx.Snapshot, *in.TopicArn)
	if err != nil {
		return nil, err
	}
	p, err := change(&tx.Snapshot, t, func(have []json.RawMessage) ([]json.RawMessage, error) {
		return slices.DeleteFunc(have, func(h json.RawMessage) bool { return sidOf(h) == *in.Label }), nil
	})
	if err != nil {
		return nil, err
	}
	tx.Topics.Update(t, func(t *state.Topic) { t.Policy = p })
	return nil, nil
}
