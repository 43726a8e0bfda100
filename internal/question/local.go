package question

import (
	"errors"
	"fmt"
	"time"

	"github.com/warder-iam/warder/policy"
)

// Question is a question in the form in which people write it down.
type Question struct {
	Principal string // as Principal takes it
	Action    string // "s3:GetObject"
	Resource  string // an ARN or "*"
	// ResourceAccount owns the resource. Empty means the account in its ARN or,
	// if there is none, the principal's.
	ResourceAccount string
	Context         policy.Values
}

// ParseQuestion reads a question from JSON:
//
//	{"principal": "arn:…", "action": "s3:GetObject", "resource": "arn:…",
//	 "resourceAccount": "…", "context": {"aws:SourceIp": "…", "aws:TagKeys": ["a", "b"]}}
func ParseQuestion(data []byte) (*Question, error) {
	o, err := ParseObject(data)
	if err != nil {
		return nil, err
	}
	q := &Question{Context: policy.NewContext()}
	for name, v := range o {
		var to *string
		switch name {
		case "principal":
			to = &q.Principal
		case "action":
			to = &q.Action
		case "resource":
			to = &q.Resource
		case "resourceAccount":
			to = &q.ResourceAccount
		case "context":
			keys, ok := v.(map[string]any)
			if !ok {
				return nil, fmt.Errorf("%q is not an object", name)
			}
			if err := AddObject(q.Context, keys); err != nil {
				return nil, err
			}
			continue
		default:
			return nil, fmt.Errorf("a question has no member %q", name)
		}
		text, ok := v.(string)
		if !ok {
			return nil, fmt.Errorf("%q is not a string", name)
		}
		*to = text
	}
	return q, nil
}

// Request makes the engine's request of a question that is asked at a time.
func (q *Question) Request(now time.Time) (*policy.Request, error) {
	p, err := Principal(q.Principal)
	if err != nil {
		return nil, err
	}
	r := &policy.Request{Principal: p, Action: q.Action, Resource: q.Resource, ResourceAccount: q.ResourceAccount}
	if r.ResourceAccount == "" {
		r.ResourceAccount = Owner(q.Action, q.Resource, p.Account)
	}
	keys := policy.NewContext()
	for k, v := range q.Context {
		keys[k] = v
	}
	Facts(keys, p)
	Clock(keys, now)
	if r.ResourceAccount != "" {
		setDefault(keys, "aws:ResourceAccount", policy.String(r.ResourceAccount))
	}
	r.Context = keys
	return r, nil
}

// A File is the text of a policy with the name it goes by in explanations.
type File struct {
	Name string
	Text []byte
}

// Policies are the policies that apply to a question, by type.
type Policies struct {
	Identity []File
	Boundary []File // at most one
	Session  []File
	Resource []File // at most one
	SCPs     []File // one a level, from the root of the organization down
	RCPs     []File // one a level
}

// Layers compiles the policies. A type of which there is none does not apply;
// only without an identity policy is nothing allowed by one.
func (p *Policies) Layers(action, resource string) (*policy.Layers, error) {
	l, kind := &policy.Layers{Identity: policy.NewSet()}, PolicyKind(action, resource)
	one := func(what string, files []File) error {
		if len(files) > 1 {
			return fmt.Errorf("there can be only one %s", what)
		}
		return nil
	}
	if err := one("permissions boundary", p.Boundary); err != nil {
		return nil, err
	}
	if err := one("resource policy", p.Resource); err != nil {
		return nil, err
	}
	for _, layer := range []struct {
		files []File
		kind  policy.Kind
		put   func([]*policy.Policy)
	}{
		{p.Identity, policy.Identity, func(c []*policy.Policy) { l.Identity = policy.NewSet(c...) }},
		{p.Boundary, policy.Identity, func(c []*policy.Policy) { l.Boundary = policy.NewSet(c...) }},
		{p.Session, policy.Session, func(c []*policy.Policy) { l.Session = policy.NewSet(c...) }},
		{p.Resource, kind, func(c []*policy.Policy) { l.Resource = c[0] }},
		{p.SCPs, policy.SCP, func(c []*policy.Policy) { l.SCPs = levels(c) }},
		{p.RCPs, policy.RCP, func(c []*policy.Policy) { l.RCPs = levels(c) }},
	} {
		if len(layer.files) == 0 {
			continue
		}
		var compiled []*policy.Policy
		for _, f := range layer.files {
			doc, err := policy.Parse(layer.kind, f.Text)
			if err != nil {
				if e, ok := errors.AsType[*policy.ParseError](err); ok {
					return nil, fmt.Errorf("%s: %s", f.Name, e.String())
				}
				return nil, fmt.Errorf("%s: %w", f.Name, err)
			}
			compiled = append(compiled, policy.Compile(policy.Source{Name: f.Name}, doc))
		}
		layer.put(compiled)
	}
	// A role and a key always have a policy, and it must grant: one that is not
	// given grants nothing.
	l.ResourceMustGrant = kind != policy.Resource
	return l, nil
}

func levels(policies []*policy.Policy) []*policy.Set {
	sets := make([]*policy.Set, len(policies))
	for i, p := range policies {
		sets[i] = policy.NewSet(p)
	}
	return sets
}
