package policy

import "fmt"

// Request is a question: may the principal do the action on the resource?
type Request struct {
	Principal *Principal
	Action    string // "s3:GetObject"
	Resource  string // an ARN, or "*" for an action on no resource
	// ResourceAccount is the account that owns the resource. Empty means that
	// it is not known, and then the resource counts as another account's. For
	// the resource "*" it is the principal's own.
	ResourceAccount string
	Context         Context // may be nil: no keys
}

// sameAccount says whether the resource is of the requester's own account.
func (req *Request) sameAccount() bool {
	if req.Principal == nil || !req.Principal.Kind.hasAccount() || req.Principal.Account == "" {
		return false
	}
	owner := req.ResourceAccount
	return owner == req.Principal.Account || owner == "" && req.Resource == "*"
}

// Layers are the policies that apply to a request, by type. The caller gathers
// them; what binds whom is documented with each.
type Layers struct {
	// Identity are the policies of the user with those of its groups, or of
	// the role. nil is as none.
	Identity *Set
	// Boundary is the permissions boundary, nil if none is set.
	Boundary *Set
	// Session are the session policies, inline and managed together; nil if
	// none were passed. A FederatedUser or AssumeRootSession without them has
	// no permissions of its own.
	Session *Set
	// Resource is the policy of the resource, nil if it has none. Its kind is
	// Resource, Trust or KeyPolicy; any other cannot be evaluated and denies.
	Resource *Policy
	// ResourceMustGrant is set where no identity policy can stand in for the
	// resource's: for roles and KMS keys. A Resource of kind Trust or
	// KeyPolicy implies it.
	ResourceMustGrant bool
	// S3 are the access control lists and the public access settings of a
	// bucket or object, nil for other resources.
	S3 *S3
	// Endpoint is the policy of the VPC endpoint, nil if the request came
	// through none.
	Endpoint *Set
	// SCPs are the service control policies of each level from the root of the
	// organization to the principal's account; nil if they do not bind it (no
	// organization, or its management account). Each level must allow.
	SCPs []*Set
	// RCPs are the resource control policies of each level down to the
	// resource's account, nil if they do not bind it.
	RCPs []*Set
}

// Layer is a policy type in a decision.
type Layer uint8

// The layers in which a request can be decided.
const (
	NoLayer       Layer = iota // the request itself cannot be evaluated
	LayerIdentity              // also: the root user's own permission
	LayerBoundary
	LayerSession
	LayerResource
	LayerTrust
	LayerEndpoint
	LayerSCP
	LayerRCP
	layerEnd
)

var layerNames = [layerEnd]string{"none", "identity-based policy", "permissions boundary", "session policy", "resource-based policy",
	"role trust policy", "VPC endpoint policy", "service control policy", "resource control policy"}

// String is AWS's name of the policy type ("identity-based policy").
func (l Layer) String() string {
	if l < layerEnd {
		return layerNames[l]
	}
	return fmt.Sprintf("Layer(%d)", uint8(l))
}

// Reason is why a decision came out as it did.
type Reason uint8

// The reasons. The zero Decision is an implicit deny.
const (
	ImplicitDeny Reason = iota // nothing allowed it
	ExplicitDeny               // a statement denied it
	Allowed                    // a statement allowed it, or the requester is the root user
)

func (r Reason) String() string {
	return [...]string{"implicitDeny", "explicitDeny", "allowed"}[r]
}

// Decision is the answer to a Request.
type Decision struct {
	Reason Reason
	Layer  Layer // the layer that decided: that denied, did not allow, or granted
	Level  int   // for SCPs and RCPs: the index of the level
	st     *statement
}

// Allowed says whether the request is allowed.
func (d Decision) Allowed() bool { return d.Reason == Allowed }

// Statement is the statement that denied or granted: its policy and its index
// in it. It is nil, -1 for implicit denies, for the root user, and where an S3
// ACL granted or RestrictPublicBuckets denied.
func (d Decision) Statement() (*Policy, int) {
	if d.st == nil {
		return nil, -1
	}
	return d.st.policy, int(d.st.index)
}

// Evaluate decides a request. It is pure, safe for concurrent use and does not
// allocate. The order is that of
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html
// and, across accounts,
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html:
// an explicit deny anywhere ends it; then every RCP level, every SCP level and
// the endpoint must allow; then the principal's and the resource's side are
// combined.
func Evaluate(req *Request, l *Layers) Decision {
	var m match
	if !m.init(req, l) {
		return Decision{}
	}
	if d := l.denied(&m); d.Reason == ExplicitDeny {
		return d
	}
	if d, ok := l.guarded(&m); !ok {
		return d
	}
	return l.granted(&m)
}

// denied looks for an explicit deny in every layer.
func (l *Layers) denied(m *match) Decision {
	if !m.principal.ServiceLinked {
		for i, s := range l.SCPs {
			if st := s.deny(m); st != nil {
				return Decision{ExplicitDeny, LayerSCP, i, st}
			}
		}
		for i, s := range l.RCPs {
			if st := s.deny(m); st != nil {
				return Decision{ExplicitDeny, LayerRCP, i, st}
			}
		}
	}
	if st := l.Endpoint.deny(m); st != nil {
		return Decision{ExplicitDeny, LayerEndpoint, 0, st}
	}
	if st := l.resourceSet().deny(m); st != nil {
		return Decision{ExplicitDeny, l.resourceLayer(), 0, st}
	}
	if l.restricted(m) {
		return Decision{ExplicitDeny, LayerResource, 0, nil}
	}
	if st := l.Identity.deny(m); st != nil {
		return Decision{ExplicitDeny, LayerIdentity, 0, st}
	}
	if st := l.Boundary.deny(m); st != nil {
		return Decision{ExplicitDeny, LayerBoundary, 0, st}
	}
	if st := l.Session.deny(m); st != nil {
		return Decision{ExplicitDeny, LayerSession, 0, st}
	}
	return Decision{}
}

// guarded asks the layers that only limit, whoever grants.
func (l *Layers) guarded(m *match) (Decision, bool) {
	if !m.principal.ServiceLinked {
		for i, s := range l.RCPs {
			if s.allow(m) == nil {
				return Decision{ImplicitDeny, LayerRCP, i, nil}, false
			}
		}
		for i, s := range l.SCPs {
			if s.allow(m) == nil {
				return Decision{ImplicitDeny, LayerSCP, i, nil}, false
			}
		}
	}
	if l.Endpoint != nil && l.Endpoint.allow(m) == nil {
		return Decision{ImplicitDeny, LayerEndpoint, 0, nil}, false
	}
	return Decision{}, true
}

// granted combines what the principal's side and the resource's side grant.
func (l *Layers) granted(m *match) Decision {
	byResource, named := l.closest(m)
	fromResource := Decision{Allowed, l.resourceLayer(), 0, byResource}
	noResource := Decision{ImplicitDeny, l.resourceLayer(), 0, nil}
	p := m.principal
	if !p.Kind.hasAccount() {
		// These have no policies of their own.
		if named == notNamed {
			return noResource
		}
		return fromResource
	}

	same := m.same
	if p.Kind == AssumeRootSession && named == directly {
		named = byIdentity // the task policy limits whatever grants
	}
	if same && named == directly {
		return fromResource
	}
	identity, ok := l.identityAllows(m)
	switch {
	case same && named == byIdentity:
		// The role's own grant: identity policies need not allow as well.
		if d, ok := l.limited(m); !ok {
			return d
		}
		return fromResource
	case same && named == notNamed && l.mustGrant():
		return noResource
	case !ok:
		return Decision{ImplicitDeny, LayerIdentity, 0, nil}
	}
	if d, ok := l.limited(m); !ok {
		return d
	}
	if !same && named == notNamed {
		return noResource
	}
	return Decision{Allowed, LayerIdentity, 0, identity}
}

// closest is what of the resource's side names the requester most closely: a
// statement of its policy, or without one an S3 ACL.
func (l *Layers) closest(m *match) (st *statement, named grade) {
	if !m.foreign {
		st, named = l.resourceSet().closest(m)
	}
	if l.S3 != nil && named != directly {
		if g := l.S3.grade(m); g > named {
			return nil, g
		}
	}
	return st, named
}

// identityAllows asks the identity policies. The root user of an account, and
// a session of it, have every permission in it.
func (l *Layers) identityAllows(m *match) (*statement, bool) {
	if k := m.principal.Kind; k == Root || k == AssumeRootSession {
		return nil, true
	}
	st := l.Identity.allow(m)
	return st, st != nil
}

// limited asks the boundary and the session policies.
func (l *Layers) limited(m *match) (Decision, bool) {
	if l.Boundary != nil && l.Boundary.allow(m) == nil {
		return Decision{ImplicitDeny, LayerBoundary, 0, nil}, false
	}
	needed := l.Session != nil || m.principal.Kind.needsSession()
	if needed && l.Session.allow(m) == nil {
		return Decision{ImplicitDeny, LayerSession, 0, nil}, false
	}
	return Decision{}, true
}

func (l *Layers) mustGrant() bool {
	return l.ResourceMustGrant || l.Resource != nil && (l.Resource.kind == Trust || l.Resource.kind == KeyPolicy)
}

// resourceLayer is what the resource's policy is called.
func (l *Layers) resourceLayer() Layer {
	if l.Resource != nil && l.Resource.kind == Trust {
		return LayerTrust
	}
	return LayerResource
}

// valid says whether the resource's policy is of a kind that a resource has,
// and a bucket's if there are ACLs. One that is not cannot be evaluated, and
// that denies.
func (l *Layers) valid() bool {
	p := l.Resource
	return p == nil || p.more != nil && p.more.set != nil && (l.S3 == nil || p.kind == Resource)
}

// resourceSet is the resource's policy as a set, nil if it has none.
func (l *Layers) resourceSet() *Set {
	if l.Resource == nil {
		return nil
	}
	return l.Resource.more.set
}
