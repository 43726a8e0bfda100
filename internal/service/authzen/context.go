package authzen

import (
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/warder-iam/warder/arn"
	"github.com/warder-iam/warder/internal/authn"
	"github.com/warder-iam/warder/internal/question"
	"github.com/warder-iam/warder/internal/state"
	"github.com/warder-iam/warder/policy"
)

// This file makes the engine's request of a question: the mapping that the
// package comment documents.

var (
	serviceName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,63}$`)
	actionName  = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9-]{0,63}:[\w./-]{1,127}$`)
)

// request makes the engine's request about a subject.
func (c *call) request(t *tuple, sub *subject, who *authn.Caller) (*policy.Request, *failure) {
	owner, f := ownerOf(t, sub)
	if f != nil {
		return nil, f
	}
	r := &policy.Request{Principal: &who.Principal, ResourceAccount: owner}
	service := t.resource.kind
	if a, err := arn.Parse(t.resource.id); err == nil {
		r.Resource, service = t.resource.id, a.Service
	} else if t.resource.id == "*" {
		r.Resource = "*"
	} else if strings.HasPrefix(t.resource.id, "arn:") || !serviceName.MatchString(service) {
		return nil, malformed("resource.id is no ARN, and resource.type %q cannot be the service of one: %s", t.resource.kind, serviceName)
	} else {
		r.Resource = arn.ARN{Partition: "aws", Service: service, Account: owner, Resource: t.resource.id}.String()
	}
	r.Action = t.action.id
	if !strings.Contains(r.Action, ":") {
		r.Action = service + ":" + r.Action
	}
	if !actionName.MatchString(r.Action) {
		return nil, malformed("action.name gives %q, which is no action such as \"s3:GetObject\"", r.Action)
	}

	keys := contextBuilder{values: policy.NewContext()}
	keys.service, _, _ = strings.Cut(r.Action, ":")
	keys.add("subject.properties", t.subject.properties, "aws:PrincipalTag/")
	keys.add("resource.properties", t.resource.properties, "aws:ResourceTag/")
	keys.add("action.properties", t.action.properties, keys.service+":")
	keys.add("context", t.context, keys.service+":")
	keys.know(c, r, sub)
	if keys.failed != nil {
		return nil, keys.failed
	}
	question.Facts(keys.values, r.Principal)
	question.Clock(keys.values, c.Time)
	r.Context = keys.values
	return r, nil
}

const keyResourceAccount = "aws:ResourceAccount"

// ownerOf is the account that owns the resource: the one in its ARN, or the
// one that aws:ResourceAccount says, or the subject's.
func ownerOf(t *tuple, sub *subject) (string, *failure) {
	owner := question.Owner(t.action.id, t.resource.id, "")
	for name, v := range t.resource.properties {
		if !strings.EqualFold(name, keyResourceAccount) {
			continue
		}
		given, _ := v.(string)
		if !arn.IsAccountID(given) || owner != "" && given != owner {
			return "", malformed("resource.properties %s is no account id, or not the one in the ARN", keyResourceAccount)
		}
		owner = given
	}
	if owner == "" {
		owner = sub.account
	}
	return owner, nil
}

// A contextBuilder collects condition keys, up to the first failure.
type contextBuilder struct {
	values  policy.Values
	service string
	failed  *failure
}

// add takes in the properties of an entity. A name with a colon is that of a
// condition key; others get the prefix.
func (b *contextBuilder) add(where string, properties map[string]any, prefix string) {
	flat := make(map[string]any)
	if !flatten(flat, "", properties) {
		b.failed = malformed("%s has two members of one name", where)
	}
	for _, name := range slices.Sorted(maps.Keys(flat)) {
		if b.failed != nil {
			return
		}
		v, err := question.Value(flat[name])
		if err != nil {
			b.failed = malformed("%s %q: %s", where, name, err)
			return
		}
		key := prefix + name
		switch {
		case name == "":
			b.failed = malformed("%s has a member without a name", where)
			return
		case strings.Contains(name, ":"):
			key = name
		case prefix == "aws:PrincipalTag/" && name == "ip_address":
			// The one property that the specification names and IAM has a key for.
			key = "aws:SourceIp"
		}
		if err := question.Add(b.values, key, v); err != nil {
			b.failed = malformed("%s: %s", where, err)
		}
	}
}

// flatten joins the names of objects within objects by dots. It reports false
// if two members get one name.
func flatten(to map[string]any, prefix string, o map[string]any) bool {
	for name, v := range o {
		if inner, ok := v.(map[string]any); ok && len(inner) > 0 {
			if !flatten(to, prefix+name+".", inner) {
				return false
			}
			continue
		}
		if _, twice := to[prefix+name]; twice {
			return false
		}
		to[prefix+name] = v
	}
	return true
}

// know sets what Warder knows itself about the subject and, if it is a user or
// role of the subject's account, the resource. What is given must not
// contradict it; only a session may have other tags than its role.
func (b *contextBuilder) know(c *call, r *policy.Request, sub *subject) {
	facts := policy.NewContext()
	question.Facts(facts, r.Principal)
	facts.Set("aws:username", policy.String("")) // a session has none
	for k := range facts {
		if _, given := b.values[k]; given && b.failed == nil {
			b.failed = malformed("the condition key %s follows from the subject and cannot be given", k)
		}
	}
	b.fix(keyResourceAccount, r.ResourceAccount, false)
	if sub.user != nil {
		b.tags("aws:PrincipalTag/", sub.user.Tags, false)
	} else {
		b.tags("aws:PrincipalTag/", sub.role.Tags, true)
	}
	if r.ResourceAccount != sub.account {
		return
	}
	var tags []state.Tag
	if u := c.snap.UserByARN(r.Resource); u != nil {
		tags = u.Tags
	} else if role := c.snap.RoleByARN(r.Resource); role != nil {
		tags = role.Tags
	} else if p := c.snap.PolicyByARN(r.Resource); p != nil {
		tags = p.Tags
	}
	b.tags("aws:ResourceTag/", tags, false)
	b.tags("iam:ResourceTag/", tags, false)
}

func (b *contextBuilder) tags(prefix string, tags []state.Tag, override bool) {
	for _, t := range tags {
		b.fix(prefix+t.Key, t.Value, override)
	}
}

// fix sets a key that is known. Another value given for it stays if override
// says so, and is a failure otherwise.
func (b *contextBuilder) fix(name, value string, override bool) {
	k := policy.KeyOf(name)
	given, ok := b.values[k]
	switch {
	case !ok:
		b.values[k] = policy.String(value)
	case override || given.Len() == 1 && given.At(0) == value:
	case b.failed == nil:
		b.failed = &failure{http.StatusBadRequest, "the condition key " + name + " is known to have another value"}
	}
}
