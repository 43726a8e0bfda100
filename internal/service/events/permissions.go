package events

import (
	"encoding/json"
	"slices"

	"github.com/warder-iam/warder/arn"
	api "github.com/warder-iam/warder/internal/api/events"
	"github.com/warder-iam/warder/internal/awserr"
	"github.com/warder-iam/warder/internal/service"
	"github.com/warder-iam/warder/internal/state"
	"github.com/warder-iam/warder/policy"
)

// Policies of event buses
// (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-bus-perms.html).

// maxPolicy is how long a bus's policy may be
// (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html).
const maxPolicy = 10240

// statement is one that PutPermission makes.
type statement struct {
	Sid       string
	Effect    string
	Principal any // "*" or {"AWS": ARN}
	Action    string
	Resource  string
	Condition map[string]map[string]string `json:",omitempty"`
}

// document is a policy of which single statements are changed.
type document struct {
	Version   string
	Id        string `json:",omitempty"`
	Statement []json.RawMessage
}

// putPermission sets the whole policy of a bus, or one statement of it by its id.
func (s *Service) putPermission(c *service.Call, tx *state.Tx, in *api.PutPermissionRequest) (*none, error) {
	b, err := ownBus(c, &tx.Snapshot, in.EventBusName)
	if err != nil {
		return nil, err
	}
	parts := []*string{in.Action, in.Principal, in.StatementId}
	switch given := slices.ContainsFunc(parts, func(p *string) bool { return p != nil }); {
	case in.Policy != nil && (given || in.Condition != nil):
		return nil, invalid("Parameter Policy must not be specified together with Action, Principal, StatementId or Condition.")
	case in.Policy != nil:
		return nil, setPolicy(c, tx, b, *in.Policy)
	case slices.Contains(parts, nil):
		return nil, invalid("Parameters Action, Principal and StatementId must be specified, or Policy.")
	case *in.Action != "events:PutEvents":
		return nil, invalid("Provided value in parameter 'action' is not supported.")
	}
	st := statement{Sid: *in.StatementId, Effect: "Allow", Principal: *in.Principal, Action: *in.Action, Resource: b.ARN()}
	if *in.Principal != "*" {
		if in.Condition != nil {
			return nil, invalid("Parameter Condition can only be set when Principal is '*'.")
		}
		st.Principal = map[string]string{"AWS": arn.Root(*in.Principal)}
	}
	if in.Condition != nil {
		if *in.Condition.Type != "StringEquals" || *in.Condition.Key != "aws:PrincipalOrgID" {
			return nil, invalid("Parameter Condition is not valid. Reason: Type must be StringEquals and Key aws:PrincipalOrgID.")
		}
		st.Condition = map[string]map[string]string{*in.Condition.Type: {*in.Condition.Key: *in.Condition.Value}}
	}
	doc, err := readPolicy(&tx.Snapshot, b)
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(st)
	if err != nil {
		return nil, err
	}
	doc.Statement = append(slices.DeleteFunc(doc.Statement, hasID(st.Sid)), text)
	return nil, doc.save(c, tx, b)
}

// readPolicy takes a bus's policy apart, as it reads now: whoever was deleted must
// not be taken for another of the same name when it is saved.
func readPolicy(s *state.Snapshot, b *state.EventBus) (*document, error) {
	d := &document{Version: "2012-10-17"}
	if b.Policy == nil {
		return d, nil
	}
	var one struct {
		document
		Statement json.RawMessage
	}
	if err := json.Unmarshal([]byte(s.Shown(policy.Resource, b.Policy)), &one); err != nil {
		return nil, err
	}
	d.Version, d.Id = one.Version, one.Id
	if json.Unmarshal(one.Statement, &d.Statement) != nil {
		d.Statement = []json.RawMessage{one.Statement} // a single statement may stand without a list
	}
	return d, nil
}

func hasID(sid string) func(json.RawMessage) bool {
	return func(text json.RawMessage) bool {
		var s struct{ Sid string }
		return json.Unmarshal(text, &s) == nil && s.Sid == sid
	}
}

func (d *document) save(c *service.Call, tx *state.Tx, b *state.EventBus) error {
	if len(d.Statement) == 0 {
		tx.EventBuses.Update(b, func(b *state.EventBus) { b.Policy, b.Modified = nil, c.Now() })
		return nil
	}
	text, err := json.Marshal(d)
	if err != nil {
		return err
	}
	return setPolicy(c, tx, b, string(text))
}

// setPolicy checks a policy, resolves the users and roles that it names to their
// unique ids, and saves it.
func setPolicy(c *service.Call, tx *state.Tx, b *state.EventBus, text string) error {
	if len(text) > maxPolicy {
		return awserr.New("PolicyLengthExceededException", "Policy length exceeded limit.")
	}
	doc, err := policy.ParseText(policy.Resource, text)
	if err != nil {
		return invalid("This policy contains invalid Json or statements: %s", err.Error())
	}
	ids, unknown := tx.Resolve(doc)
	if unknown != "" {
		return invalid("This policy contains an invalid principal: %s", unknown)
	}
	tx.EventBuses.Update(b, func(b *state.EventBus) {
		b.Policy, b.Modified = &state.Document{Text: text, Principals: ids}, c.Now()
	})
	return nil
}

// removePermission takes one statement out of a bus's policy, or all.
func (s *Service) removePermission(c *service.Call, tx *state.Tx, in *api.RemovePermissionRequest) (*none, error) {
	b, err := ownBus(c, &tx.Snapshot, in.EventBusName)
	if err != nil {
		return nil, err
	}
	if deref(in.RemoveAllPermissions) {
		return nil, (&document{}).save(c, tx, b)
	}
	switch {
	case in.StatementId == nil:
		return nil, invalid("Parameter StatementId is required.")
	case b.Policy == nil:
		return nil, notFound("EventBus does not have a policy.")
	}
	d, err := readPolicy(&tx.Snapshot, b)
	if err != nil {
		return nil, err
	}
	before := len(d.Statement)
	if d.Statement = slices.DeleteFunc(d.Statement, hasID(*in.StatementId)); len(d.Statement) == before {
		return nil, notFound("Statement with the provided id does not exist.")
	}
	return nil, d.save(c, tx, b)
}
