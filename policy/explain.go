package policy

import (
	"slices"
	"strings"
)

// Explanation is a decision with everything that led to it. It marshals to
// JSON, and String renders it for people.
type Explanation struct {
	Decision string `json:"decision"`          // "allowed", "explicitDeny" or "implicitDeny"
	Layer    string `json:"layer"`             // the policy type that decided
	Message  string `json:"message,omitempty"` // AWS's AccessDenied sentence

	Principal string `json:"principal"`
	Action    string `json:"action"`
	Resource  string `json:"resource"`

	// Deciding is the statement that denied or granted; nil for implicit
	// denies, for the root user and where an S3 ACL or setting decided.
	Deciding *StatementTrace `json:"deciding,omitempty"`
	// Layers has every layer that was given, each decided by itself.
	Layers []LayerTrace `json:"layers"`
	// MissingContextKeys are the keys that statements which otherwise might
	// match asked for in vain, as SimulatePrincipalPolicy's MissingContextValues.
	MissingContextKeys []string `json:"missingContextKeys,omitempty"`
	// Needed are the smallest grants that together would allow the request.
	// It is empty if it is allowed, or if an explicit deny makes it impossible.
	Needed []Grant `json:"needed,omitempty"`
}

// LayerTrace is one layer, or one level of SCPs or RCPs, decided by itself.
type LayerTrace struct {
	Layer      string           `json:"layer"`
	Level      int              `json:"level"`
	Result     string           `json:"result"`     // "allowed", "explicitDeny" or "implicitDeny"
	Considered []Source         `json:"considered"` // its policies
	Matched    []StatementTrace `json:"matched,omitempty"`
	NearMisses []StatementTrace `json:"nearMisses,omitempty"` // the action is theirs, something else failed
	// ACLGrants are the grants of the S3 ACL that permit the request. They are
	// part of the resource-based policy, as are the settings that Note tells of.
	ACLGrants []ACLGrant `json:"aclGrants,omitempty"`
	Note      string     `json:"note,omitempty"`
	layer     Layer
}

// StatementTrace is one statement and why it did not match, if it did not.
type StatementTrace struct {
	Policy Source `json:"policy"`
	Index  int    `json:"index"`
	Sid    string `json:"sid,omitempty"`
	Effect string `json:"effect"`
	Start  Pos    `json:"start"`
	End    Pos    `json:"end"`
	Misses []Miss `json:"misses,omitempty"`
}

// Miss is an element of a statement that did not match.
type Miss struct {
	Element  string   `json:"element"`            // "Resource", "Principal", "Condition", ... as written
	Operator string   `json:"operator,omitempty"` // of a condition
	Key      string   `json:"key,omitempty"`      // of a condition
	Expected []string `json:"expected,omitempty"`
	Actual   []string `json:"actual,omitempty"`
	Missing  bool     `json:"missing,omitempty"` // the key is not in the request
	Note     string   `json:"note,omitempty"`    // what could not be evaluated
	Pos      Pos      `json:"pos"`
}

// Grant is a statement that is needed, and where.
type Grant struct {
	Layer     string         `json:"layer"`
	Level     int            `json:"level"`
	Statement GrantStatement `json:"statement,omitzero"`
	ACL       *ACLGrant      `json:"acl,omitempty"` // in place of a statement, for an object that only its ACL can open
	layer     Layer
}

// GrantStatement is a statement in the form of a policy document.
type GrantStatement struct {
	Effect    string            `json:"Effect"`
	Principal map[string]string `json:"Principal,omitempty"`
	Action    string            `json:"Action"`
	Resource  string            `json:"Resource,omitempty"`
}

// Explain decides the request like Evaluate and says why.
func Explain(req *Request, l *Layers) *Explanation {
	d := Evaluate(req, l)
	e := &Explanation{
		Decision: d.Reason.String(), Layer: d.Layer.String(), Message: d.AccessDeniedMessage(req),
		Principal: callerName(req.Principal), Action: req.Action, Resource: req.Resource,
	}
	x := explainer{l: l, docs: map[*Policy]*Document{}}
	if !x.m.init(req, l) {
		return e
	}
	if d.st != nil {
		t := x.trace(d.st)
		e.Deciding = &t
	}
	e.Layers = x.layers()
	e.MissingContextKeys = x.missing
	if d.Reason == ImplicitDeny && !x.denied {
		e.Needed = x.needed()
	}
	return e
}

type explainer struct {
	m       match
	l       *Layers
	docs    map[*Policy]*Document
	missing []string
	denied  bool
}

// document parses each policy once.
func (x *explainer) document(p *Policy) *Document {
	d := x.docs[p]
	if d == nil {
		d = p.Document()
		x.docs[p] = d
	}
	return d
}

func (x *explainer) layers() []LayerTrace {
	var out []LayerTrace
	add := func(layer Layer, level int, policies []*Policy) { out = append(out, x.layer(layer, level, policies)) }
	if !x.m.principal.ServiceLinked {
		for i, s := range x.l.RCPs {
			add(LayerRCP, i, s.Policies())
		}
		for i, s := range x.l.SCPs {
			add(LayerSCP, i, s.Policies())
		}
	}
	if x.l.Endpoint != nil {
		add(LayerEndpoint, 0, x.l.Endpoint.policies)
	}
	if x.l.Resource != nil || x.l.S3 != nil {
		out = append(out, x.resource())
	}
	if x.l.Identity != nil {
		add(LayerIdentity, 0, x.l.Identity.policies)
	}
	if x.l.Boundary != nil {
		add(LayerBoundary, 0, x.l.Boundary.policies)
	}
	if x.l.Session != nil {
		add(LayerSession, 0, x.l.Session.policies)
	}
	return out
}

func (x *explainer) layer(layer Layer, level int, policies []*Policy) LayerTrace {
	t := LayerTrace{Layer: layer.String(), Level: level, layer: layer, Considered: []Source{}}
	reason := ImplicitDeny
	for _, p := range policies {
		t.Considered = append(t.Considered, p.source)
		for i := range p.statements {
			st := &p.statements[i]
			if st.matchAction(x.m.req.Action) == st.notAction {
				continue
			}
			x.note(st)
			tr := x.trace(st)
			if len(tr.Misses) > 0 {
				t.NearMisses = append(t.NearMisses, tr)
				continue
			}
			t.Matched = append(t.Matched, tr)
			switch {
			case st.effect == Deny:
				reason, x.denied = ExplicitDeny, true
			case reason == ImplicitDeny:
				reason = Allowed
			}
		}
	}
	t.Result = reason.String()
	return t
}

// resource is the layer of the resource's policy, with S3's ACLs and settings.
func (x *explainer) resource() LayerTrace {
	var policies []*Policy
	if x.l.Resource != nil {
		policies = append(policies, x.l.Resource)
	}
	t := x.layer(x.l.resourceLayer(), 0, policies)
	s := x.l.S3
	if s == nil {
		return t
	}
	if x.m.foreign {
		t.Note = "the object is owned by another account than the bucket: the bucket policy cannot allow, only the object's ACL can"
		if t.Result == Allowed.String() {
			t.Result = ImplicitDeny.String()
		}
	}
	list := s.list(&x.m)
	switch {
	case list == nil:
	case s.PublicAccess.IgnorePublicAcls && list.IsPublic():
		t.Note = "IgnorePublicAcls: the ACL is public and ignored"
	default:
		for _, g := range list.Grants {
			if s.permits(&x.m, g.Permission) && g.names(x.m.principal) != notNamed {
				t.ACLGrants = append(t.ACLGrants, g)
			}
		}
	}
	if len(t.ACLGrants) > 0 && t.Result == ImplicitDeny.String() {
		t.Result = Allowed.String()
	}
	if x.l.restricted(&x.m) {
		t.Note = "RestrictPublicBuckets: the bucket policy is public, so that only the bucket's account and services have access"
		t.Result, x.denied = ExplicitDeny.String(), true
	}
	return t
}

// trace compares every element of the statement with the request.
func (x *explainer) trace(st *statement) StatementTrace {
	src := &x.document(st.policy).Statements[st.index]
	t := StatementTrace{
		Policy: st.policy.source, Index: int(st.index), Sid: src.Sid.Value,
		Effect: src.Effect.String(), Start: src.Pos, End: src.End,
	}
	m := &x.m
	if st.matchAction(m.req.Action) == st.notAction {
		t.Misses = append(t.Misses, Miss{Element: not(src.NotAction, "Action"), Expected: texts(src.Actions), Actual: []string{m.req.Action}, Pos: firstPos(src.Actions)})
	}
	if !st.matchResource(m) {
		t.Misses = append(t.Misses, Miss{
			Element: not(src.NotResource, "Resource"), Expected: texts(src.Resources), Actual: []string{m.req.Resource},
			Pos: firstPos(src.Resources), Note: x.unresolved(st, st.resources),
		})
	}
	if st.grade(m) == notNamed {
		var names []string
		for _, p := range src.Principals {
			names = append(names, p.Value)
		}
		t.Misses = append(t.Misses, Miss{Element: not(src.NotPrincipal, "Principal"), Expected: names, Actual: []string{callerName(m.principal)}, Pos: src.Principals[0].Pos})
	}
	for i := range src.Conditions {
		c := &st.policy.more.conditions[int(st.conditions.from)+i]
		if !c.holds(st.policy, m.req.Context, st.effect) {
			t.Misses = append(t.Misses, x.conditionMiss(st, c, &src.Conditions[i]))
		}
	}
	return t
}

func (x *explainer) conditionMiss(st *statement, c *condition, src *Condition) Miss {
	out := Miss{Element: "Condition", Operator: src.Operator.String(), Key: src.Key.Value, Expected: texts(src.Values), Pos: src.Key.Pos}
	v, ok := lookup(x.m.req.Context, c.key)
	if !ok {
		out.Missing = true
	} else {
		out.Actual = v.All()
	}
	switch {
	case ok && v.Len() > 1 && c.op.Quantifier == SingleValue && c.op.Comparison != OpNull:
		out.Note = "the key has several values, and the operator has neither ForAnyValue nor ForAllValues"
	case ok && c.op.Comparison != OpNull && slices.ContainsFunc(v.All(), func(s string) bool {
		one := String(s)
		return c.compare(st.policy, x.m.req.Context, &one, 0) == unreadable
	}):
		out.Note = "the value is not of the operator's type"
	default:
		out.Note = x.unresolved(st, c.values)
	}
	return out
}

// unresolved names the policy variables without a value.
func (x *explainer) unresolved(st *statement, s span) string {
	var names []string
	x.variables(st, s, func(seg *segment) {
		if _, ok := seg.value(x.m.req.Context); !ok {
			names = append(names, "${"+seg.text+"}")
		}
	})
	if names == nil {
		return ""
	}
	return "no value for " + strings.Join(names, ", ")
}

func (x *explainer) variables(st *statement, s span, visit func(*segment)) {
	p := st.policy
	for _, pat := range p.patterns[s.from:s.to] {
		if pat.kind != patTemplate {
			continue
		}
		for _, t := range p.more.templates[pat.n] {
			for i := range t {
				if t[i].kind == segVariable {
					visit(&t[i])
				}
			}
		}
	}
}

// note collects the missing keys of a statement that would otherwise be of
// interest: its resource matches, or might once a variable has a value.
func (x *explainer) note(st *statement) {
	if st.grade(&x.m) == notNamed || !st.matchResource(&x.m) && x.unresolved(st, st.resources) == "" {
		return
	}
	add := func(name string) {
		if !slices.ContainsFunc(x.missing, func(s string) bool { return strings.EqualFold(s, name) }) {
			x.missing = append(x.missing, name)
		}
	}
	variable := func(seg *segment) {
		if _, ok := lookup(x.m.req.Context, seg.key); !ok {
			add(seg.text)
		}
	}
	x.variables(st, st.resources, variable)
	src := x.document(st.policy).Statements[st.index].Conditions
	for i := range src {
		c := &st.policy.more.conditions[int(st.conditions.from)+i]
		if _, ok := lookup(x.m.req.Context, c.key); !ok {
			add(src[i].Key.Value)
		}
		x.variables(st, c.values, variable)
	}
}

func lookup(ctx Context, k Key) (Value, bool) {
	if ctx == nil {
		return Value{}, false
	}
	return ctx.Lookup(k)
}

func not(negated bool, element string) string {
	if negated {
		return "Not" + element
	}
	return element
}

func texts(items []Item) []string {
	out := make([]string, len(items))
	for i := range items {
		out[i] = items[i].Value
	}
	return out
}

func firstPos(items []Item) Pos {
	if len(items) == 0 {
		return Pos{}
	}
	return items[0].Pos
}
