// Package authz gathers what a decision needs, the policies and the context of
// a request, from the state, and asks package policy. Every request to Warder is
// decided here and nowhere else; questions about other requests (simulation,
// AuthZEN) take their policies from here and ask the same engine.
//
// It caches compiled policies, never decisions. What it cannot read or find
// denies.
package authz

import (
	"fmt"
	"slices"
	"sync"

	"github.com/warder-iam/warder/internal/authn"
	"github.com/warder-iam/warder/internal/awserr"
	"github.com/warder-iam/warder/internal/state"
	"github.com/warder-iam/warder/policy"
)

// Authorizer decides requests. It is safe for concurrent use.
type Authorizer struct {
	mu       sync.RWMutex
	sets     map[string]*cachedSet  // by the unique id of the principal
	sessions map[string]*policy.Set // by the text of an inline session policy
}

// A cachedSet is the index over a principal's policies, good as long as they
// are the very same ones: compiled policies are immutable and live with the
// record that they stand in, so equal pointers mean equal policies.
type cachedSet struct {
	parts []*policy.Policy
	set   *policy.Set
}

// maxCached bounds each cache; a full cache is emptied, which costs compiling
// again.
const maxCached = 1 << 16

// New makes an authorizer.
func New() *Authorizer {
	return &Authorizer{sets: make(map[string]*cachedSet), sessions: make(map[string]*policy.Set)}
}

// Decided is what became of the checks of a request, for the audit trail.
type Decided struct {
	Revision int64 // of the state that they were decided in
	Checks   []Check
	// Decisions are those on the first of Checks: after one that denies, the others
	// are not decided.
	Decisions []policy.Decision
	Err       error // why the last could not be evaluated; nil if it was
}

// RequireAll is nil if all checks are allowed, and otherwise the AccessDenied of
// the first that is not. What it decided it leaves in decided, unless that is nil.
func (a *Authorizer) RequireAll(s *state.Snapshot, r *Request, checks []Check, decided *Decided) error {
	if decided != nil {
		*decided = Decided{Revision: s.Revision, Checks: checks, Decisions: make([]policy.Decision, 0, len(checks))}
	}
	for i := range checks {
		d, req, err := a.Decide(s, r, &checks[i])
		if decided != nil {
			decided.Decisions, decided.Err = append(decided.Decisions, d), err
		}
		if err := a.refusal(s, r, &checks[i], d, req, err); err != nil {
			return err
		}
	}
	return nil
}

// Require is nil if the check is allowed, and otherwise AWS's AccessDenied.
func (a *Authorizer) Require(s *state.Snapshot, r *Request, c *Check) error {
	d, req, err := a.Decide(s, r, c)
	return a.refusal(s, r, c, d, req, err)
}

// refusal is what the caller is told of a decision; nil if it allows.
func (a *Authorizer) refusal(s *state.Snapshot, r *Request, c *Check, d policy.Decision, req *policy.Request, err error) error {
	federated := r.Caller.Kind == policy.WebIdentity || r.Caller.Kind == policy.SAML
	if federated && !d.Allowed() {
		// AWS names neither the bearer of a token nor the role, and gives no reason.
		return &awserr.Error{Code: awserr.CodeAccessDenied, Cause: err, Message: "Not authorized to perform " + c.Action}
	}
	if err != nil {
		return &awserr.Error{
			Code: awserr.CodeAccessDenied, Cause: err,
			Message: fmt.Sprintf("User: %s is not authorized to perform: %s on resource: %s because a policy could not be evaluated", r.Caller.ARN, c.Action, c.Resource),
		}
	}
	if d.Allowed() {
		return nil
	}
	return awserr.New(awserr.CodeAccessDenied, "%s", a.told(s, r, c, d).AccessDeniedMessage(req))
}

// told is the denial that the caller is told of. What stands in the policy of
// another account's resource is nothing to it, nor whether there is such a
// resource: it is answered as if that had no policy.
func (a *Authorizer) told(s *state.Snapshot, r *Request, c *Check, d policy.Decision) policy.Decision {
	if c.ResourcePolicy == nil || c.Account == r.Caller.Account || d.Layer != policy.LayerTrust && d.Layer != policy.LayerResource {
		return d
	}
	without := *c
	without.ResourcePolicy = nil
	if blind, _, err := a.Decide(s, r, &without); err == nil && !blind.Allowed() {
		return blind
	}
	return policy.Decision{} // denied, and no more is said
}

// Decide asks the engine. An error means that a policy in force cannot be read
// or found; it denies.
func (a *Authorizer) Decide(s *state.Snapshot, r *Request, c *Check) (policy.Decision, *policy.Request, error) {
	layers, err := a.Layers(s, r.Caller)
	if err != nil {
		return policy.Decision{}, nil, err
	}
	d, req := Evaluate(layers, r, c)
	return d, req, nil
}

// Evaluate asks the engine about a check, by the caller's Layers, to which it adds
// the check's own.
func Evaluate(layers *policy.Layers, r *Request, c *Check) (policy.Decision, *policy.Request) {
	layers.Resource = c.ResourcePolicy
	if c.Granted != nil && r.Caller.Kind == policy.User {
		layers.Identity = policy.NewSet(append(slices.Clone(layers.Identity.Policies()), c.Granted)...)
	}
	req := &policy.Request{
		Principal: &r.Caller.Principal, Action: c.Action, Resource: c.Resource, ResourceAccount: c.Account,
		Context: requestContext{r, c},
	}
	d := policy.Evaluate(req, layers)
	if d.Allowed() && delegated(r.Caller) {
		return onlyDelegated(req, d, layers.Session), req
	}
	return d, req
}

func delegated(c *authn.Caller) bool { return c.Session != nil && c.Session.Kind == authn.Delegated }

// onlyDelegated is what is left of an allowed decision for a delegated session.
// It acts as the principal that delegated, so a resource's policy that names
// that principal lets it in past every session policy; but nothing may be done
// beyond what was delegated. So the session policies must allow by themselves as
// well (https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies-temporary-delegation.html).
func onlyDelegated(req *policy.Request, d policy.Decision, session *policy.Set) policy.Decision {
	alone := *req
	alone.ResourceAccount = req.Principal.Account // no other side to ask
	if session == nil || !policy.Evaluate(&alone, &policy.Layers{Identity: session, Session: session}).Allowed() {
		return policy.Decision{Layer: policy.LayerSession}
	}
	return d
}

// everything is the identity policy that a root user would have.
var everything = func() *policy.Set {
	doc, err := policy.Parse(policy.Identity, []byte(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`))
	if err != nil {
		panic(err)
	}
	return policy.NewSet(policy.Compile(policy.Source{Name: "root user"}, doc))
}()

// Layers gathers the policies that apply to a caller, without any resource's.
func (a *Authorizer) Layers(s *state.Snapshot, c *authn.Caller) (*policy.Layers, error) {
	l := new(policy.Layers)
	var err error
	switch {
	case c.Role != nil:
		r := s.Roles.Get(c.Role.ID)
		if r == nil {
			return nil, fmt.Errorf("authz: the role %s is gone", c.Role.ID)
		}
		l.Identity, l.Boundary, err = a.RolePolicies(s, r)
	case c.User != nil:
		u := s.Users.Get(c.User.ID)
		if u == nil {
			return nil, fmt.Errorf("authz: the user %s is gone", c.User.ID)
		}
		l.Identity, l.Boundary, err = a.UserPolicies(s, u)
	case c.Kind == policy.FederatedUser:
		l.Identity = everything // of a root user, who may do everything
	}
	if err != nil {
		return nil, err
	}
	if c.Session != nil && (c.Session.Bounded() || c.Session.Kind == authn.FederatedUser || delegated(c)) {
		// A federated user without session policies has no permissions of its own,
		// nor has a delegated session.
		l.Session, err = a.sessionPolicies(s, c.Session)
	}
	return l, err
}

// UserPolicies are a user's identity policies, its groups' among them, and its
// permissions boundary (nil if it has none).
func (a *Authorizer) UserPolicies(s *state.Snapshot, u *state.User) (identity, boundary *policy.Set, err error) {
	parts, err := grants(nil, s, &u.Grants, policy.SourceUser, u.Name)
	if err != nil {
		return nil, nil, err
	}
	for _, g := range s.GroupsOf(u) {
		if parts, err = grants(parts, s, &g.Grants, policy.SourceGroup, g.Name); err != nil {
			return nil, nil, err
		}
	}
	boundary, err = a.boundary(s, u.Boundary)
	return a.set(u.ID, parts), boundary, err
}

// RolePolicies are a role's identity policies and its permissions boundary
// (nil if it has none).
func (a *Authorizer) RolePolicies(s *state.Snapshot, r *state.Role) (identity, boundary *policy.Set, err error) {
	parts, err := grants(nil, s, &r.Grants, policy.SourceRole, r.Name)
	if err != nil {
		return nil, nil, err
	}
	boundary, err = a.boundary(s, r.Boundary)
	return a.set(r.ID, parts), boundary, err
}

// GroupPolicies are a group's policies.
func (a *Authorizer) GroupPolicies(s *state.Snapshot, g *state.Group) (*policy.Set, error) {
	parts, err := grants(nil, s, &g.Grants, policy.SourceGroup, g.Name)
	if err != nil {
		return nil, err
	}
	return a.set(g.ID, parts), nil
}

// grants appends the compiled inline and attached policies of an entity.
func grants(parts []*policy.Policy, s *state.Snapshot, g *state.Grants, of policy.SourceType, owner string) ([]*policy.Policy, error) {
	for i := range g.Inline {
		p, err := inline(&g.Inline[i], of, owner)
		if err != nil {
			return nil, err
		}
		parts = append(parts, p)
	}
	for _, arn := range g.Attached {
		p, err := Managed(s, arn)
		if err != nil {
			return nil, err
		}
		parts = append(parts, p)
	}
	return parts, nil
}

// inline is a compiled inline policy, named as IAM's simulator names it.
func inline(p *state.InlinePolicy, of policy.SourceType, owner string) (*policy.Policy, error) {
	compiled, err := p.Document.CompileAs(policy.Identity, func() policy.Source {
		return policy.Source{Type: of, Name: of.String() + "_" + owner + "_" + p.Name}
	})
	if err != nil {
		return nil, fmt.Errorf("authz: inline policy %s of %s %s: %w", p.Name, of, owner, err)
	}
	return compiled, nil
}

// Managed is the compiled default version of a managed policy.
func Managed(s *state.Snapshot, arn string) (*policy.Policy, error) {
	p := s.PolicyByARN(arn)
	if p == nil {
		return nil, fmt.Errorf("authz: managed policy %s is gone", arn)
	}
	compiled, err := p.DefaultVersion().Document.CompileAs(policy.Identity, func() policy.Source {
		kind := policy.SourceUserManaged
		if p.AWSManaged() {
			kind = policy.SourceAWSManaged
		}
		return policy.Source{Type: kind, Name: p.Name, ARN: arn}
	})
	if err != nil {
		return nil, fmt.Errorf("authz: managed policy %s: %w", arn, err)
	}
	return compiled, nil
}

// TrustPolicy is a role's compiled trust policy.
func TrustPolicy(r *state.Role) (*policy.Policy, error) {
	return r.Trust.CompileAs(policy.Trust, func() policy.Source {
		return policy.Source{Type: policy.SourceResource, Name: r.Name, ARN: r.ARN()}
	})
}

func (a *Authorizer) boundary(s *state.Snapshot, arn string) (*policy.Set, error) {
	if arn == "" {
		return nil, nil
	}
	p, err := Managed(s, arn)
	if err != nil {
		return nil, err
	}
	return a.set("boundary/"+arn, []*policy.Policy{p}), nil
}

// set is the index over a principal's policies.
func (a *Authorizer) set(id string, parts []*policy.Policy) *policy.Set {
	a.mu.RLock()
	cached := a.sets[id]
	a.mu.RUnlock()
	if cached != nil && slices.Equal(cached.parts, parts) {
		return cached.set
	}
	cached = &cachedSet{parts, policy.NewSet(parts...)}
	a.mu.Lock()
	if len(a.sets) >= maxCached {
		clear(a.sets)
	}
	a.sets[id] = cached
	a.mu.Unlock()
	return cached.set
}

// sessionPolicies are the inline and managed session policies of a session:
// what any of them allows, the session may keep.
func (a *Authorizer) sessionPolicies(s *state.Snapshot, session *authn.Session) (*policy.Set, error) {
	if len(session.PolicyARNs) == 0 {
		return a.inlineSession(session.Policy)
	}
	var parts []*policy.Policy
	for _, arn := range session.PolicyARNs {
		p, err := Managed(s, arn)
		if err != nil {
			return nil, err
		}
		parts = append(parts, p)
	}
	if session.Policy != "" {
		p, err := compileSession(session.Policy)
		if err != nil {
			return nil, err
		}
		parts = append(parts, p)
	}
	return policy.NewSet(parts...), nil
}

func (a *Authorizer) inlineSession(text string) (*policy.Set, error) {
	a.mu.RLock()
	set := a.sessions[text]
	a.mu.RUnlock()
	if set != nil {
		return set, nil
	}
	set = policy.NewSet()
	if text != "" {
		p, err := compileSession(text)
		if err != nil {
			return nil, err
		}
		set = policy.NewSet(p)
	}
	a.mu.Lock()
	if len(a.sessions) >= maxCached/16 {
		clear(a.sessions)
	}
	a.sessions[text] = set
	a.mu.Unlock()
	return set, nil
}

func compileSession(text string) (*policy.Policy, error) {
	doc, err := policy.Parse(policy.Session, []byte(text))
	if err != nil {
		return nil, fmt.Errorf("authz: session policy: %w", err)
	}
	return policy.Compile(policy.Source{Name: "session policy"}, doc), nil
}
