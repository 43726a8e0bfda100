// Package decision is the record of how a request was decided: who asked, the whole
// context of the request, the revision of the state, what had to be allowed and
// what was answered on what grounds. It stands beside the event of the request in
// the audit trail and suffices to decide the same request again, by the same
// policies or by others (internal/replay).
//
// A record refers to the principal by its unique id, and to a role's trust policy
// by the role: what they are is the state's, at the revision or at another. All else
// that a decision depends on is in the record itself. It holds no secret: of a
// session it has what the token says of its rights, and not the key.
package decision

import (
	"bytes"
	"fmt"
	"net/netip"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/warder-iam/warder/internal/authn"
	"github.com/warder-iam/warder/internal/authz"
	"github.com/warder-iam/warder/internal/state"
	"github.com/warder-iam/warder/policy"
)

// Record is one request.
type Record struct {
	Revision  int64          `json:"revision"`
	Caller    jsontext.Value `json:"caller"` // a Caller, read by ParseCaller
	Time      time.Time      `json:"time"`
	Region    string         `json:"region,omitzero"`
	SourceIP  netip.Addr     `json:"sourceIp,omitzero"`
	Secure    bool           `json:"secure,omitzero"`
	UserAgent string         `json:"userAgent,omitzero"`
	Referer   string         `json:"referer,omitzero"`
	MFA       *time.Time     `json:"mfa,omitzero"`
	Checks    []Check        `json:"checks"` // all must allow
}

// Caller is who asked.
type Caller struct {
	Kind     string              `json:"kind"` // policy.PrincipalKind, in words
	Account  string              `json:"account,omitzero"`
	ID       string              `json:"id,omitzero"` // unique id of the user or role, or the account of a root user
	ARN      string              `json:"arn,omitzero"`
	Provider string              `json:"provider,omitzero"` // of the bearer of a token
	Claims   map[string][]string `json:"claims,omitzero"`   // of the bearer of a token
	KeyID    string              `json:"key,omitzero"`
	Session  *Session            `json:"session,omitzero"`
}

// Session is what a session's token says of its rights: authn.Session without the key.
type Session struct {
	Kind           authn.Kind          `json:"kind"`
	Name           string              `json:"name,omitzero"`
	Issued         time.Time           `json:"issued"`
	MFA            *time.Time          `json:"mfa,omitzero"`
	SourceIdentity string              `json:"sourceIdentity,omitzero"`
	Tags           Tags                `json:"tags,omitzero"`
	Transitive     []string            `json:"transitive,omitzero"`
	Policy         string              `json:"policy,omitzero"`
	PolicyARNs     []string            `json:"policyArns,omitzero"`
	Chained        bool                `json:"chained,omitzero"`
	Delegate       string              `json:"delegate,omitzero"`
	Provider       string              `json:"provider,omitzero"`
	Claims         map[string][]string `json:"claims,omitzero"`
}

// Check is one thing that had to be allowed.
type Check struct {
	Action      string           `json:"action"`
	Resource    string           `json:"resource"`
	Account     string           `json:"account,omitzero"` // that owns the resource
	Tags        Tags             `json:"tags,omitzero"`    // of the resource
	Boundary    string           `json:"boundary,omitzero"`
	RequestTags Tags             `json:"requestTags,omitzero"`
	TagKeys     []string         `json:"tagKeys,omitzero"`
	Keys        map[string]Value `json:"keys,omitzero"`    // condition keys of the operation
	Context     map[string]Value `json:"context,omitzero"` // all condition keys, of a question that brought them; Keys is empty then

	// Trust says that the resource is a role whose trust policy was asked. Policy is
	// the text of another resource's policy, and Granted of what the account grants
	// its users besides their own.
	Trust   bool   `json:"trust,omitzero"`
	Policy  string `json:"policy,omitzero"`
	Granted string `json:"granted,omitzero"`

	Outcome *Outcome `json:"outcome,omitzero"` // nil: a check before it denied
}

// Outcome is how a check was decided. More than the statement that decided it takes
// to explain it is found by deciding it again.
type Outcome struct {
	Decision  string `json:"decision"` // policy.Reason, in words
	Layer     string `json:"layer,omitzero"`
	Policy    string `json:"policy,omitzero"` // its ARN, or its name
	Statement *int   `json:"statement,omitzero"`
	Error     string `json:"error,omitzero"` // why it could not be evaluated, which denies
}

// Allowed says whether the request was allowed.
func (r *Record) Allowed() bool {
	for i := range r.Checks {
		if o := r.Checks[i].Outcome; o == nil || o.Decision != policy.Allowed.String() || o.Error != "" {
			return false
		}
	}
	return true
}

// Of is the record of a request to Warder. It is nil if nothing was decided: an
// operation that needs no permission, or a request that got nowhere.
func Of(r *authz.Request, d *authz.Decided) *Record {
	if d == nil || len(d.Checks) == 0 || r.Caller == nil {
		return nil
	}
	rec := newRecord(r, d.Revision)
	rec.Checks = make([]Check, len(d.Checks))
	for i := range d.Checks {
		c := checkOf(&d.Checks[i])
		if i < len(d.Decisions) {
			c.Outcome = outcomeOf(d.Decisions[i])
			if i == len(d.Decisions)-1 && d.Err != nil {
				c.Outcome.Error = d.Err.Error()
			}
		}
		rec.Checks[i] = c
	}
	return rec
}

// OfQuestion is the record of a question that brought its own context, a
// policy.Values, about what r has for a caller.
func OfQuestion(r *authz.Request, q *policy.Request, d policy.Decision, revision int64) *Record {
	rec := newRecord(r, revision)
	c := Check{Action: q.Action, Resource: q.Resource, Account: q.ResourceAccount, Outcome: outcomeOf(d)}
	keys := q.Context.(policy.Values)
	c.Context = make(map[string]Value, len(keys))
	for k, v := range keys {
		c.Context[k.String()] = Value{v}
	}
	rec.Checks = []Check{c}
	return rec
}

func newRecord(r *authz.Request, revision int64) *Record {
	caller, err := json.Marshal(callerOf(r.Caller), writing)
	if err != nil {
		panic(err) // of our own types, which marshal
	}
	return &Record{
		Revision: revision, Caller: caller, Time: r.Time.UTC(), Region: r.Region, SourceIP: r.SourceIP, Secure: r.Secure,
		UserAgent: r.UserAgent, Referer: r.Referer, MFA: r.MFA,
	}
}

func callerOf(c *authn.Caller) *Caller {
	out := &Caller{Kind: c.Kind.String(), Account: c.Account, ID: c.UniqueID, ARN: c.ARN, Provider: c.Provider, KeyID: c.KeyID}
	s := c.Session
	if s == nil {
		out.Claims = c.Claims
		return out
	}
	out.ID = s.Principal
	out.Session = &Session{
		Kind: s.Kind, Name: s.Name, Issued: s.Issued, MFA: s.MFA, SourceIdentity: s.SourceIdentity, Tags: tagsOf(s.Tags), Transitive: s.Transitive,
		Policy: s.Policy, PolicyARNs: s.PolicyARNs, Chained: s.Chained, Delegate: s.Delegate, Provider: s.Provider, Claims: s.Claims,
	}
	return out
}

func checkOf(c *authz.Check) Check {
	out := Check{
		Action: c.Action, Resource: c.Resource, Account: c.Account, Tags: tagsOf(c.Tags), Boundary: c.Boundary,
		RequestTags: tagsOf(c.RequestTags), TagKeys: c.TagKeys,
	}
	c.Keys(func(name string, v policy.Value) {
		if out.Keys == nil {
			out.Keys = map[string]Value{}
		}
		out.Keys[name] = Value{v}
	})
	switch p := c.ResourcePolicy; {
	case p == nil:
	case p.Kind() == policy.Trust:
		out.Trust = true
	default:
		out.Policy = p.Text()
	}
	if c.Granted != nil {
		out.Granted = c.Granted.Text()
	}
	return out
}

func outcomeOf(d policy.Decision) *Outcome {
	o := &Outcome{Decision: d.Reason.String()}
	if d.Layer != policy.NoLayer {
		o.Layer = d.Layer.String()
	}
	if p, i := d.Statement(); p != nil {
		source := p.Source()
		if o.Policy = source.ARN; o.Policy == "" {
			o.Policy = source.Name
		}
		o.Statement = &i
	}
	return o
}

// writing: a client may send bytes that are no UTF-8, in its User-Agent for one. The
// record has U+FFFD for them.
var writing = json.JoinOptions(jsontext.AllowInvalidUTF8(true), json.Deterministic(true))

// reading: what a later program adds to the form may matter to the decision, so a
// record that has more than is known here is not understood.
var reading = json.RejectUnknownMembers(true)

// Append appends the record to b as one JSON text.
func (r *Record) Append(b []byte) ([]byte, error) {
	out := bytes.NewBuffer(b)
	err := json.MarshalWrite(out, r, writing)
	return out.Bytes(), err
}

// Parse reads what Append wrote. The record keeps nothing of the text.
func Parse(text []byte) (*Record, error) {
	r := new(Record)
	if err := json.Unmarshal(text, r, reading); err != nil {
		return nil, fmt.Errorf("decision: %w", err)
	}
	return r, nil
}

// ParseCaller reads a Record's Caller.
func ParseCaller(text []byte) (*Caller, error) {
	c := new(Caller)
	if err := json.Unmarshal(text, c, reading); err != nil {
		return nil, fmt.Errorf("decision: the caller: %w", err)
	}
	return c, nil
}

// In is the caller as it is in a state: the principal by its id, whatever it is
// called now. It is an error if that is not there any more.
func (c *Caller) In(s *state.Snapshot) (*authn.Caller, error) {
	if c.Session != nil {
		t := c.Session
		return authn.OfSession(s, &authn.Session{
			KeyID: c.KeyID, Kind: t.Kind, Account: c.Account, Principal: c.ID, Name: t.Name, Issued: t.Issued, MFA: t.MFA,
			SourceIdentity: t.SourceIdentity, Tags: t.Tags.list(), Transitive: t.Transitive, Policy: t.Policy, PolicyARNs: t.PolicyARNs,
			Chained: t.Chained, Delegate: t.Delegate, Provider: t.Provider, Claims: t.Claims,
		})
	}
	switch c.Kind {
	case policy.Root.String(), policy.User.String():
		caller, err := authn.OfOwner(s, c.Account, c.ID)
		if err == nil {
			caller.KeyID = c.KeyID
		}
		return caller, err
	case policy.RoleSession.String(): // of a question: any session of the role, or one by its name
		role := s.Roles.Get(c.ID)
		if role == nil || role.Account != c.Account {
			return nil, fmt.Errorf("decision: the role %s is gone", c.ID)
		}
		return &authn.Caller{Role: role, Principal: policy.Principal{
			Kind: policy.RoleSession, Account: c.Account, UniqueID: c.ID, ARN: c.ARN, RoleARN: role.ARN(),
		}}, nil
	case policy.WebIdentity.String():
		return authn.Federated(policy.WebIdentity, c.Provider, c.Claims), nil
	case policy.SAML.String():
		return authn.Federated(policy.SAML, c.Provider, c.Claims), nil
	case policy.Anonymous.String():
		return authn.Anonymous(), nil
	}
	return nil, fmt.Errorf("decision: a caller of the unknown kind %q", c.Kind)
}

// Request is what all checks of the record have in common, for a caller.
func (r *Record) Request(c *authn.Caller) *authz.Request {
	return &authz.Request{
		Caller: c, Time: r.Time, Region: r.Region, SourceIP: r.SourceIP, Secure: r.Secure, UserAgent: r.UserAgent, Referer: r.Referer, MFA: r.MFA,
	}
}

// Check is the check to decide again, without the policies that hang on it.
func (c *Check) Check() *authz.Check {
	out := &authz.Check{
		Action: c.Action, Resource: c.Resource, Account: c.Account, Tags: c.Tags.list(), Boundary: c.Boundary,
		RequestTags: c.RequestTags.list(), TagKeys: c.TagKeys,
	}
	for name, v := range c.Keys {
		out.Set(name, v.Value)
	}
	return out
}

// Values are the condition keys of a question that brought its own; nil of others.
func (c *Check) Values() policy.Values {
	if c.Context == nil {
		return nil
	}
	values := make(policy.Values, len(c.Context))
	for name, v := range c.Context {
		values.Set(name, v.Value)
	}
	return values
}
