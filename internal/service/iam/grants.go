package iam

import (
	"slices"
	"strings"

	"github.com/warder-iam/warder/arn"
	api "github.com/warder-iam/warder/internal/api/iam"
	"github.com/warder-iam/warder/internal/awserr"
	"github.com/warder-iam/warder/internal/service"
	"github.com/warder-iam/warder/internal/state"
	"github.com/warder-iam/warder/policy"
)

// A holder is a kind of entity that policies hang on: users, groups, roles. The
// rules of inline policies and attachments stand here once; inline.go and
// attachments.go bind them to the operations of each kind.
type holder[R any] struct {
	kind        string // as error texts name it
	find        func(*service.Call, *state.Snapshot, *string) (*R, error)
	change      func(*service.Call, *state.Snapshot, *string) (*R, error) // find, unless it is protected
	entity      func(*R) (*state.Entity, *state.Grants)
	table       func(*state.Tx) *state.Table[R]
	maxInline   int    // characters of all inline policies together
	maxAttached int    // managed policies
	quota       string // AWS's name of maxAttached
}

var (
	userGrants = holder[state.User]{
		kind: "user", find: findUser, change: findUser,
		entity:    func(u *state.User) (*state.Entity, *state.Grants) { return &u.Entity, &u.Grants },
		table:     func(tx *state.Tx) *state.Table[state.User] { return &tx.Users },
		maxInline: maxUserPolicySize, maxAttached: maxAttachedToUser, quota: "PoliciesPerUser",
	}
	groupGrants = holder[state.Group]{
		kind: "group", find: findGroup, change: findGroup,
		entity:    func(g *state.Group) (*state.Entity, *state.Grants) { return &g.Entity, &g.Grants },
		table:     func(tx *state.Tx) *state.Table[state.Group] { return &tx.Groups },
		maxInline: maxGroupPolicySize, maxAttached: maxAttachedToGroup, quota: "PoliciesPerGroup",
	}
	roleGrants = holder[state.Role]{
		kind: "role", find: findRole, change: changeableRole,
		entity:    func(r *state.Role) (*state.Entity, *state.Grants) { return &r.Entity, &r.Grants },
		table:     func(tx *state.Tx) *state.Table[state.Role] { return &tx.Roles },
		maxInline: maxRolePolicySize, maxAttached: maxAttachedToRole, quota: "PoliciesPerRole",
	}
)

func (h *holder[R]) update(tx *state.Tx, r *R, change func(*state.Grants)) {
	h.table(tx).Update(r, func(r *R) {
		_, grants := h.entity(r)
		change(grants)
	})
}

// putInline adds or replaces an inline policy. The quota is on the inline
// policies of the entity together
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html#reference_iam-quotas-entity-length).
func (h *holder[R]) putInline(c *service.Call, tx *state.Tx, name, policyName, text *string) (*none, error) {
	r, err := h.change(c, &tx.Snapshot, name)
	if err != nil {
		return nil, err
	}
	doc, err := identityDocument(*text)
	if err != nil {
		return nil, err
	}
	entity, grants := h.entity(r)
	size := policy.NonWhitespaceLen([]byte(*text))
	for _, p := range grants.Inline {
		if !strings.EqualFold(p.Name, *policyName) {
			size += policy.NonWhitespaceLen([]byte(p.Document.Text))
		}
	}
	if size > h.maxInline {
		return nil, awserr.New("LimitExceeded", "Maximum policy size of %d bytes exceeded for %s %s", h.maxInline, h.kind, entity.Name)
	}
	h.update(tx, r, func(g *state.Grants) { g.PutInline(state.InlinePolicy{Name: *policyName, Document: doc}) })
	return nil, nil
}

// getInline gives the entity's name as it is kept, and the policy.
func (h *holder[R]) getInline(c *service.Call, s *state.Snapshot, name, policyName *string) (entityName string, p *state.InlinePolicy, err error) {
	r, err := h.find(c, s, name)
	if err != nil {
		return "", nil, err
	}
	entity, grants := h.entity(r)
	if p = grants.InlinePolicy(*policyName); p == nil {
		return "", nil, noSuchInlinePolicy(h.kind, *policyName)
	}
	return entity.Name, p, nil
}

func (h *holder[R]) deleteInline(c *service.Call, tx *state.Tx, name, policyName *string) (*none, error) {
	r, err := h.change(c, &tx.Snapshot, name)
	if err != nil {
		return nil, err
	}
	if _, grants := h.entity(r); grants.InlinePolicy(*policyName) == nil {
		return nil, noSuchInlinePolicy(h.kind, *policyName)
	}
	h.update(tx, r, func(g *state.Grants) { g.DeleteInline(*policyName) })
	return nil, nil
}

// listInline is a page of the names of inline policies, in their order.
func (h *holder[R]) listInline(c *service.Call, s *state.Snapshot, name, marker *string, maxItems *int32) ([]string, paged, error) {
	r, err := h.find(c, s, name)
	if err != nil {
		return nil, paged{}, err
	}
	after, limit, err := start(marker, maxItems)
	if err != nil {
		return nil, paged{}, err
	}
	_, grants := h.entity(r)
	names := make([]string, len(grants.Inline))
	for i, p := range grants.Inline {
		names[i] = p.Name
	}
	names, end := pageOf(names, after, limit, func(name string) string { return name })
	return names, end, nil
}

// attach changes nothing if the policy is attached already.
func (h *holder[R]) attach(c *service.Call, tx *state.Tx, name, policyARN *string) (*none, error) {
	r, err := h.change(c, &tx.Snapshot, name)
	if err != nil {
		return nil, err
	}
	p, err := attachable(&tx.Snapshot, c.Caller.Account, *policyARN)
	if err != nil {
		return nil, err
	}
	if p.ServiceLinked() {
		return nil, notForCustomers(h.kind)
	}
	_, grants := h.entity(r)
	switch {
	case slices.Contains(grants.Attached, *policyARN):
		return nil, nil
	case len(grants.Attached) >= h.maxAttached:
		return nil, overQuota(h.quota, h.maxAttached)
	}
	h.update(tx, r, func(g *state.Grants) { g.Attach(*policyARN) })
	return nil, nil
}

func (h *holder[R]) detach(c *service.Call, tx *state.Tx, name, policyARN *string) (*none, error) {
	r, err := h.change(c, &tx.Snapshot, name)
	if err != nil {
		return nil, err
	}
	if err := checkPolicyARN(*policyARN); err != nil {
		return nil, err
	}
	if _, grants := h.entity(r); !slices.Contains(grants.Attached, *policyARN) {
		return nil, policyNotFound(*policyARN)
	}
	h.update(tx, r, func(g *state.Grants) { g.Detach(*policyARN) })
	return nil, nil
}

// listAttached is a page of the managed policies that are attached, by name.
func (h *holder[R]) listAttached(c *service.Call, s *state.Snapshot, name, pathPrefix, marker *string, maxItems *int32) ([]api.AttachedPolicy, paged, error) {
	r, err := h.find(c, s, name)
	if err != nil {
		return nil, paged{}, err
	}
	after, limit, err := start(marker, maxItems)
	if err != nil {
		return nil, paged{}, err
	}
	_, grants := h.entity(r)
	all := attachedOut(grants.Attached)
	all = slices.DeleteFunc(all, func(p api.AttachedPolicy) bool {
		path, _ := pathAndName(*p.PolicyArn)
		return !strings.HasPrefix(path, prefixOf(pathPrefix))
	})
	slices.SortFunc(all, func(a, b api.AttachedPolicy) int { return strings.Compare(attachedKey(a), attachedKey(b)) })
	all, end := pageOf(all, after, limit, attachedKey)
	return all, end, nil
}

// attachedKey orders attached policies by name. A policy of the account and one
// of AWS's may share a name, so the ARN belongs to the key.
func attachedKey(p api.AttachedPolicy) string {
	return strings.ToLower(*p.PolicyName) + "\x00" + *p.PolicyArn
}

// attachedOut shows attached policies in the order of their ARNs given.
func attachedOut(policyARNs []string) []api.AttachedPolicy {
	out := make([]api.AttachedPolicy, 0, len(policyARNs))
	for _, a := range policyARNs {
		_, name := pathAndName(a)
		out = append(out, api.AttachedPolicy{PolicyName: ptr(name), PolicyArn: ptr(a)})
	}
	return out
}

// pathAndName takes the path and the friendly name out of an IAM ARN:
// "/division/" and "name" of "arn:aws:iam::123456789012:policy/division/name".
func pathAndName(iamARN string) (path, name string) {
	a, err := arn.Parse(iamARN)
	if err != nil {
		return "", ""
	}
	id := "/" + a.ResourceID()
	i := strings.LastIndexByte(id, '/') + 1
	return id[:i], id[i:]
}

// renamed gives inline policies to an entity under another name: explanations
// name a policy after its entity, and a document keeps the name that it was
// first compiled with.
func renamed(inline []state.InlinePolicy) []state.InlinePolicy {
	out := make([]state.InlinePolicy, len(inline))
	for i, p := range inline {
		out[i] = state.InlinePolicy{Name: p.Name, Document: &state.Document{Text: p.Document.Text, Principals: p.Document.Principals}}
	}
	return out
}
