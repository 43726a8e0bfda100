// Package reference is a second evaluator of policies, for tests only: slow,
// naive and as close to the sentences of the IAM User Guide as code can be. It
// shares no code with package policy except the types that describe a
// requester and the answer: documents are read with encoding/json, wildcards
// are matched by recursion, numbers are rationals. What it knows only from the
// guide, and what both had to decide where the guide is silent, is said at the
// same places in package policy.
package reference

import (
	"encoding/json"
	"strings"

	"github.com/warder-iam/warder/policy"
)

// Value is the value of a context key: its texts, and whether it is multivalued.
type Value struct {
	Texts []string
	Multi bool
}

// Case is a request with everything that applies to it, as texts.
type Case struct {
	Principal                   *policy.Principal
	Action, Resource, Account   string
	Context                     map[string]Value // by lower-cased key
	Identity, Boundary, Session []string         // nil: none set
	Endpoint                    []string
	Resources                   string // the resource's policy; "": none
	ResourceKind                policy.Kind
	SCPs, RCPs                  [][]string
	IDs                         map[string]string // of principals in Resources
	S3                          *policy.S3

	documents map[string]document // read already
}

// strs is one string or several.
type strs []string

func (s *strs) UnmarshalJSON(b []byte) error {
	if b[0] == '[' {
		var raw []json.RawMessage
		if err := json.Unmarshal(b, &raw); err != nil {
			return err
		}
		*s = strs{}
		for _, r := range raw {
			*s = append(*s, scalar(r))
		}
		return nil
	}
	*s = strs{scalar(b)}
	return nil
}

// scalar is a JSON string, or the text of a number or boolean.
func scalar(b []byte) string {
	var s string
	if json.Unmarshal(b, &s) != nil {
		return string(b)
	}
	return s
}

type statement struct {
	Effect                  string
	Action, NotAction       strs
	Resource, NotResource   strs
	Principal, NotPrincipal *principals
	Condition               map[string]map[string]strs
}

type principals map[string]strs

func (p *principals) UnmarshalJSON(b []byte) error {
	if b[0] == '"' {
		*p = principals{"*": {scalar(b)}}
		return nil
	}
	m := map[string]strs{}
	err := json.Unmarshal(b, &m)
	*p = m
	return err
}

type document struct {
	Version    string
	Statements []statement
}

func read(text string) document {
	var raw struct {
		Version   string
		Statement json.RawMessage
	}
	if err := json.Unmarshal([]byte(text), &raw); err != nil {
		panic(err)
	}
	d := document{Version: raw.Version}
	if raw.Statement[0] == '{' {
		raw.Statement = append(append([]byte("["), raw.Statement...), ']')
	}
	if err := json.Unmarshal(raw.Statement, &d.Statements); err != nil {
		panic(err)
	}
	return d
}

// evaluator decides one case.
type evaluator struct {
	*Case
	trust bool // the document at hand is a trust policy
}

// Decide is the answer to a case, and the layer that gave it.
func Decide(c *Case) (policy.Reason, policy.Layer) {
	if c.documents == nil {
		c.documents = map[string]document{}
	}
	e := &evaluator{Case: c}
	onResource := &evaluator{Case: c, trust: c.Resources != "" && c.ResourceKind == policy.Trust}
	if c.Principal == nil || c.Resource == "" || !validAction(c.Action) || c.S3 != nil && c.Resources != "" && c.ResourceKind != policy.Resource {
		return policy.ImplicitDeny, policy.NoLayer
	}
	resourceLayer := policy.LayerResource
	if onResource.trust {
		resourceLayer = policy.LayerTrust
	}
	scps, rcps := c.SCPs, c.RCPs
	if c.Principal.ServiceLinked {
		scps, rcps = nil, nil
	}

	// An explicit deny anywhere ends it.
	for _, s := range scps {
		if e.denies(s) {
			return policy.ExplicitDeny, policy.LayerSCP
		}
	}
	for _, s := range rcps {
		if e.denies(s) {
			return policy.ExplicitDeny, policy.LayerRCP
		}
	}
	switch {
	case e.denies(c.Endpoint):
		return policy.ExplicitDeny, policy.LayerEndpoint
	case onResource.denies(e.resources()):
		return policy.ExplicitDeny, resourceLayer
	case c.restricted():
		return policy.ExplicitDeny, resourceLayer
	case e.denies(c.Identity):
		return policy.ExplicitDeny, policy.LayerIdentity
	case e.denies(c.Boundary):
		return policy.ExplicitDeny, policy.LayerBoundary
	case e.denies(c.Session):
		return policy.ExplicitDeny, policy.LayerSession
	}

	// What only limits must allow, at every level.
	for _, s := range rcps {
		if !e.allows(s) {
			return policy.ImplicitDeny, policy.LayerRCP
		}
	}
	for _, s := range scps {
		if !e.allows(s) {
			return policy.ImplicitDeny, policy.LayerSCP
		}
	}
	if c.Endpoint != nil && !e.allows(c.Endpoint) {
		return policy.ImplicitDeny, policy.LayerEndpoint
	}

	// Who is granted how by the resource.
	owner := c.owner()
	policyCounts := owner == c.bucketOwner()
	direct := policyCounts && onResource.granted("self") || c.byACL("self")
	identity := policyCounts && onResource.granted("identity") || c.byACL("identity")
	account := policyCounts && onResource.granted("account") || c.byACL("account")
	switch c.Principal.Kind {
	case policy.Anonymous, policy.Service, policy.WebIdentity, policy.SAML:
		if direct || identity || account {
			return policy.Allowed, resourceLayer
		}
		return policy.ImplicitDeny, resourceLayer
	}
	if c.Principal.Kind == policy.AssumeRootSession && direct {
		direct, identity = false, true
	}
	same := owner != "" && owner == c.Principal.Account
	required := c.Resources != "" && (c.ResourceKind == policy.Trust || c.ResourceKind == policy.KeyPolicy)
	if same {
		if direct {
			return policy.Allowed, resourceLayer
		}
		if identity {
			if layer := e.limit(); layer != policy.NoLayer {
				return policy.ImplicitDeny, layer
			}
			return policy.Allowed, resourceLayer
		}
		if required && !account {
			return policy.ImplicitDeny, resourceLayer
		}
	}
	root := c.Principal.Kind == policy.Root || c.Principal.Kind == policy.AssumeRootSession
	if !root && !e.allows(c.Identity) {
		return policy.ImplicitDeny, policy.LayerIdentity
	}
	if layer := e.limit(); layer != policy.NoLayer {
		return policy.ImplicitDeny, layer
	}
	if !same && !direct && !identity && !account {
		return policy.ImplicitDeny, resourceLayer
	}
	return policy.Allowed, policy.LayerIdentity
}

// limit is the layer of boundary and session that does not allow, if one is set.
func (e *evaluator) limit() policy.Layer {
	if e.Boundary != nil && !e.allows(e.Boundary) {
		return policy.LayerBoundary
	}
	needs := e.Principal.Kind == policy.FederatedUser || e.Principal.Kind == policy.AssumeRootSession
	if (needs || e.Session != nil) && !e.allows(e.Session) {
		return policy.LayerSession
	}
	return policy.NoLayer
}

func (e *evaluator) resources() []string {
	if e.Resources == "" {
		return nil
	}
	return []string{e.Resources}
}

func (e *evaluator) any(texts []string, effect string, named func(st *statement) bool) bool {
	for _, t := range texts {
		d, ok := e.documents[t]
		if !ok {
			d = read(t)
			e.documents[t] = d
		}
		for i := range d.Statements {
			st := &d.Statements[i]
			if st.Effect == effect && named(st) && e.matches(&d, st) {
				return true
			}
		}
	}
	return false
}

func (e *evaluator) denies(texts []string) bool { return e.any(texts, "Deny", e.applies) }
func (e *evaluator) allows(texts []string) bool { return e.any(texts, "Allow", e.applies) }

// applies says whether the statement is about the requester at all.
func (e *evaluator) applies(st *statement) bool {
	switch {
	case st.Principal != nil:
		for _, how := range []string{"self", "identity", "account"} {
			if e.named(*st.Principal, how, st.Effect) {
				return true
			}
		}
		return false
	case st.NotPrincipal != nil:
		return st.Effect == "Deny" && e.notExempt(*st.NotPrincipal)
	}
	return true
}

// granted says whether the resource's policy allows the requester by itself,
// by its role or user, or by its account. An Allow with NotPrincipal allows
// nobody.
func (e *evaluator) granted(how string) bool {
	return e.any(e.resources(), "Allow", func(st *statement) bool {
		return st.NotPrincipal == nil && e.named(*st.Principal, how, "Allow")
	})
}

// named says whether one of the principals names the requester in a way.
func (e *evaluator) named(ps principals, how, effect string) bool {
	for typ, names := range ps {
		for _, n := range names {
			if n == "*" {
				if how == "self" && !(e.trust && effect == "Allow" && !e.ofAccount()) {
					return true
				}
				continue
			}
			if e.nameIs(typ, n) == how {
				return true
			}
		}
	}
	return false
}

// nameIs is what of the requester a name is: "self", "identity", "account" or "".
func (e *evaluator) nameIs(typ, name string) string {
	p := e.Principal
	switch typ {
	case "Service":
		if p.Kind == policy.Service && p.Service == name {
			return "self"
		}
	case "Federated":
		if (p.Kind == policy.WebIdentity || p.Kind == policy.SAML) && p.Provider == name {
			return "self"
		}
	case "CanonicalUser":
		if p.CanonicalUser == name && e.ofAccount() {
			return "account"
		}
	case "AWS":
		if e.ofAccount() && (name == p.Account || strings.HasPrefix(name, "arn:") && strings.HasSuffix(name, ":iam::"+p.Account+":root")) {
			return "account"
		}
		if strings.Contains(name, ":sts:") {
			if name == p.ARN {
				return "self"
			}
			return ""
		}
		id := e.IDs[name]
		if !strings.HasPrefix(name, "arn:") {
			id = name
		}
		switch p.Kind {
		case policy.User:
			if id == "" && name == p.ARN || id != "" && id == p.UniqueID {
				return "self"
			}
		case policy.RoleSession:
			if id == "" && name == p.RoleARN || id != "" && id == p.UniqueID {
				return "identity"
			}
		case policy.FederatedUser:
			if id == "" && name == p.UserARN || id != "" && id == p.UniqueID {
				return "identity"
			}
		}
	}
	return ""
}

// notExempt says whether a Deny with NotPrincipal is about the requester.
func (e *evaluator) notExempt(ps principals) bool {
	p := e.Principal
	found := map[string]bool{}
	for typ, names := range ps {
		for _, n := range names {
			if n == "*" {
				return false
			}
			found[e.nameIs(typ, n)] = true
		}
	}
	if e.Boundary != nil {
		return true
	}
	switch p.Kind {
	case policy.Anonymous:
		return true
	case policy.Root, policy.AssumeRootSession:
		return !found["account"]
	case policy.User:
		return !(found["self"] && found["account"])
	case policy.RoleSession, policy.FederatedUser:
		return !(found["self"] && found["identity"] && found["account"])
	}
	return !found["self"]
}

// ofAccount says whether the requester belongs to an account.
func (e *evaluator) ofAccount() bool {
	switch e.Principal.Kind {
	case policy.Anonymous, policy.Service, policy.WebIdentity, policy.SAML:
		return false
	}
	return e.Principal.Account != ""
}

func validAction(a string) bool {
	parts := strings.Split(a, ":")
	return len(parts) == 2 && parts[0] != "" && parts[1] != ""
}
