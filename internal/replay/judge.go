package replay

import (
	"errors"
	"strings"
	"time"

	"github.com/warder-iam/warder/arn"
	"github.com/warder-iam/warder/internal/audit/decision"
	"github.com/warder-iam/warder/internal/audit/trail"
	"github.com/warder-iam/warder/internal/authn"
	"github.com/warder-iam/warder/internal/authz"
	"github.com/warder-iam/warder/internal/question"
	"github.com/warder-iam/warder/internal/state"
	"github.com/warder-iam/warder/policy"
)

// judge decides records by two states. It is for one goroutine: what it keeps of
// callers needs no lock.
type judge struct {
	query         *Query
	before, after side
	callers       map[string]*caller // by the text of the record's caller
	tally         tally
	text          []byte // of a block
	failed        error
}

// side is one of the states, and what is known of it.
type side struct {
	snap  *state.Snapshot
	authz *authz.Authorizer
}

// caller is a caller in both states. Requests come again and again from the same
// ones, and finding their policies is most of the work.
type caller struct {
	skip          bool // not the principal that was asked for
	principal     string
	before, after seat
	same          bool // what it may do is the same in both, as far as its own policies say
}

// seat is a caller in one state.
type seat struct {
	*authn.Caller
	layers *policy.Layers
	gone   string // why it can ask nothing any more; "" if it can
}

func newJudge(before, after *state.Snapshot, q *Query) *judge {
	return &judge{
		query: q, before: side{before, authz.New()}, after: side{after, authz.New()},
		callers: map[string]*caller{}, tally: tally{differences: map[key]*difference{}},
	}
}

// maxCallers bounds the memory that callers take: each session is one.
const maxCallers = 1 << 16

func (j *judge) block(packed []byte) {
	if j.failed != nil {
		return
	}
	if j.text, j.failed = trail.DecisionBlock(packed).Unpack(j.text[:0]); j.failed != nil {
		return
	}
	for d := range trail.EachDecision(j.text) {
		if string(d.Account) == j.query.Account {
			j.record(&d)
		}
	}
}

func (j *judge) record(d *trail.Decision) {
	rec, err := decision.Parse(d.Record)
	if err != nil {
		j.tally.unreadable++
		return
	}
	if t := rec.Time; t.Before(j.query.From) || !j.query.To.IsZero() && t.After(j.query.To) {
		return
	}
	c, err := j.caller(rec.Caller)
	if err != nil {
		j.tally.unreadable++
		return
	}
	if c.skip {
		return
	}
	j.tally.requests++
	if c.before.gone != "" {
		j.tally.gone++
		return
	}
	now := j.before.decide(rec, &c.before)
	if now.allowed != rec.Allowed() {
		j.tally.drift++
	}
	if c.same && !trusted(rec) {
		return
	}
	then := j.after.decide(rec, &c.after)
	if now.allowed != then.allowed {
		j.tally.add(c.principal, rec, d, now, then)
	}
}

// trusted says whether a policy that is not the caller's own has a say: a role's
// trust policy, which is the state's.
func trusted(rec *decision.Record) bool {
	for i := range rec.Checks {
		if c := &rec.Checks[i]; c.Trust || c.Context != nil && question.PolicyKind(c.Action, c.Resource) == policy.Trust {
			return true
		}
	}
	return false
}

func (j *judge) caller(text []byte) (*caller, error) {
	if c := j.callers[string(text)]; c != nil {
		return c, nil
	}
	was, err := decision.ParseCaller(text)
	if err != nil {
		return nil, err
	}
	c := &caller{before: j.before.seat(was), after: j.after.seat(was)}
	c.principal = principalOf(was, c.before.Caller)
	c.skip = j.query.Principal != "" && c.principal != j.query.Principal
	c.same = c.before.gone == "" && c.after.gone == "" && sameLayers(c.before.layers, c.after.layers) && sameTags(c.before.Caller, c.after.Caller)
	if len(j.callers) >= maxCallers {
		clear(j.callers)
	}
	j.callers[string(text)] = c
	return c, nil
}

// principalOf is what a difference is told under: the user, or the role of all its
// sessions, by the name that it has now, or had then if it is gone.
func principalOf(was *decision.Caller, now *authn.Caller) string {
	switch {
	case now != nil && now.RoleARN != "":
		return now.RoleARN
	case now != nil && now.ARN != "":
		return now.ARN
	case was.Provider != "":
		return was.Provider
	}
	if a, err := arn.Parse(was.ARN); err == nil && a.Service == "sts" && a.ResourceType() == "assumed-role" {
		role, _, _ := strings.Cut(a.ResourceID(), "/")
		return arn.IAM(a.Account, "role", "/", role)
	}
	return was.ARN
}

// seat finds a caller in a state.
func (s *side) seat(was *decision.Caller) seat {
	c, err := was.In(s.snap)
	if err != nil {
		return seat{gone: "the principal does not exist any more"}
	}
	if was.Session == nil && was.KeyID != "" {
		if k := s.snap.AccessKeys.Get(was.KeyID); k == nil || !k.Active {
			return seat{Caller: c, gone: "the access key " + was.KeyID + " is not active any more"}
		}
	}
	layers, err := s.authz.Layers(s.snap, c)
	if err != nil {
		return seat{Caller: c, gone: err.Error()}
	}
	return seat{Caller: c, layers: layers}
}

// sameLayers says whether two states have the very same policies for a caller.
func sameLayers(a, b *policy.Layers) bool {
	return samePolicies(a.Identity, b.Identity) && samePolicies(a.Boundary, b.Boundary) && sameTexts(a.Session, b.Session)
}

// samePolicies compares compiled policies, which live with the record that they
// stand in.
func samePolicies(a, b *policy.Set) bool {
	if a == nil || b == nil {
		return a == b
	}
	p, q := a.Policies(), b.Policies()
	if len(p) != len(q) {
		return false
	}
	for i := range p {
		if p[i] != q[i] {
			return false
		}
	}
	return true
}

// sameTexts compares session policies, which are compiled for each state.
func sameTexts(a, b *policy.Set) bool {
	if a == nil || b == nil {
		return a == b
	}
	p, q := a.Policies(), b.Policies()
	if len(p) != len(q) {
		return false
	}
	for i := range p {
		if p[i].Text() != q[i].Text() {
			return false
		}
	}
	return true
}

// sameTags says whether a caller's own record is untouched: its tags and its name
// are condition keys.
func sameTags(a, b *authn.Caller) bool { return a.User == b.User && a.Role == b.Role }

// verdict is what a state makes of a request.
type verdict struct {
	allowed bool
	check   int             // the one that denied; the first if all allow
	decided policy.Decision // on it
	request *policy.Request // of it; nil if it was not asked
	why     string          // if not by policies
}

// decide decides all checks of a record in a state.
func (s *side) decide(rec *decision.Record, who *seat) verdict {
	if who.gone != "" {
		return verdict{why: who.gone}
	}
	request := rec.Request(who.Caller)
	var first verdict
	for i := range rec.Checks {
		d, asked, err := s.check(&rec.Checks[i], request, who)
		v := verdict{allowed: d.Allowed(), check: i, decided: d, request: asked}
		if err != nil {
			v = verdict{check: i, why: err.Error()}
		}
		if !v.allowed {
			return v
		}
		if i == 0 {
			first = v
		}
	}
	return first
}

func (s *side) check(c *decision.Check, request *authz.Request, who *seat) (policy.Decision, *policy.Request, error) {
	layers := *who.layers
	var resource *policy.Policy
	kind := policy.Resource
	if c.Trust || c.Context != nil {
		kind = question.PolicyKind(c.Action, c.Resource)
	}
	switch {
	case kind == policy.Trust:
		role := s.snap.RoleByARN(c.Resource)
		if role == nil && c.Trust {
			return policy.Decision{}, nil, errors.New("the role " + c.Resource + " does not exist any more")
		}
		if role != nil && (c.Trust || role.Account == request.Caller.Account) {
			var err error
			if resource, err = authz.TrustPolicy(role); err != nil {
				return policy.Decision{}, nil, err
			}
		}
	case c.Policy != "":
		var err error
		if resource, err = compile(policy.Resource, c.Policy); err != nil {
			return policy.Decision{}, nil, err
		}
	}
	if c.Context != nil {
		layers.Resource, layers.ResourceMustGrant = resource, kind != policy.Resource
		asked := &policy.Request{
			Principal: &request.Caller.Principal, Action: c.Action, Resource: c.Resource, ResourceAccount: c.Account, Context: c.Values(),
		}
		return policy.Evaluate(asked, &layers), asked, nil
	}
	check := c.Check()
	check.ResourcePolicy = resource
	if c.Granted != "" {
		var err error
		if check.Granted, err = compile(policy.Identity, c.Granted); err != nil {
			return policy.Decision{}, nil, err
		}
	}
	d, asked := authz.Evaluate(&layers, request, check)
	return d, asked, nil
}

func compile(kind policy.Kind, text string) (*policy.Policy, error) {
	doc, err := policy.Parse(kind, []byte(text))
	if err != nil {
		return nil, err
	}
	return policy.Compile(policy.Source{Name: "recorded policy"}, doc), nil
}

// at is the time of a record, in whole seconds as events have it.
func at(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }
