package iam

import (
	"fmt"
	"iter"
	"slices"

	"github.com/warder-iam/warder/arn"
	api "github.com/warder-iam/warder/internal/api/iam"
	"github.com/warder-iam/warder/internal/awserr"
	"github.com/warder-iam/warder/internal/catalog"
	"github.com/warder-iam/warder/internal/question"
	"github.com/warder-iam/warder/internal/reach"
	"github.com/warder-iam/warder/internal/service"
	"github.com/warder-iam/warder/internal/state"
	"github.com/warder-iam/warder/policy"
)

// accessTarget is the user, group, role or policy that Arn names.
var accessTarget = byARN("Arn", func(s *state.Snapshot, text string) []state.Tag {
	if u := s.UserByARN(text); u != nil {
		return u.Tags
	}
	if r := s.RoleByARN(text); r != nil {
		return r.Tags
	}
	if p := s.PolicyByARN(text); p != nil {
		return p.Tags
	}
	return nil
})

// An accessSubject is what is asked about: policies, and the users and roles
// that have them.
type accessSubject struct {
	policies []heldPolicy
	entities []state.AccessEntity
}

// A heldPolicy is a permissions policy with the place it is in.
type heldPolicy struct {
	text string
	out  api.PolicyGrantingServiceAccess
}

// findAccessSubject finds what an ARN names in the account.
func findAccessSubject(snap *state.Snapshot, account, text string) (*accessSubject, error) {
	a, err := arn.Parse(text)
	switch {
	case err != nil:
		return nil, invalidARN(text)
	case a.Partition != "aws":
		return nil, validation("Invalid ARN partition")
	case a.Service != "iam":
		return nil, validation("Invalid service in ARN")
	}
	subject := new(accessSubject)
	switch a.ResourceType() {
	case "user":
		u := snap.UserByARN(text)
		if u == nil || u.Account != account {
			return nil, noSuchARN(text)
		}
		subject.policies, err = policiesOfUser(snap, u)
		subject.addUsers(func(yield func(*state.User) bool) { yield(u) })
	case "role":
		r := snap.RoleByARN(text)
		if r == nil || r.Account != account {
			return nil, noSuchARN(text)
		}
		subject.policies, err = held(nil, snap, &r.Grants, api.PolicyOwnerEntityTypeROLE, r.Name)
		subject.addRoles(func(yield func(*state.Role) bool) { yield(r) })
	case "group":
		g := snap.Group(account, question.Name(text))
		if g == nil || g.ARN() != text {
			return nil, noSuchARN(text)
		}
		subject.policies, err = held(nil, snap, &g.Grants, api.PolicyOwnerEntityTypeGROUP, g.Name)
		subject.addUsers(snap.GroupMembers(g))
	case "policy":
		p := snap.PolicyByARN(text)
		if p == nil || a.Account != account && arn.IsAccountID(a.Account) {
			return nil, noSuchPolicy(text)
		}
		subject.policies = []heldPolicy{managedOut(p)}
		subject.addUsers(snap.UsersWithPolicy(account, text))
		for g := range snap.GroupsWithPolicy(account, text) {
			subject.addUsers(snap.GroupMembers(g))
		}
		subject.addRoles(snap.RolesWithPolicy(account, text))
	default:
		return nil, unsupportedARN(text)
	}
	return subject, err
}

func noSuchARN(text string) error {
	return awserr.New("NoSuchEntity", "ARN %s does not exist.", text)
}

func unsupportedARN(text string) error {
	return invalidInput("Invalid Entity Arn: %s is not supported.", text)
}

func (subject *accessSubject) addUsers(users iter.Seq[*state.User]) {
	have := make(map[string]bool)
	for _, e := range subject.entities {
		have[e.ID] = true
	}
	for u := range users {
		if !have[u.ID] {
			subject.entities = append(subject.entities, state.AccessEntity{ID: u.ID, ARN: u.ARN()})
		}
	}
}

func (subject *accessSubject) addRoles(roles iter.Seq[*state.Role]) {
	for r := range roles {
		subject.entities = append(subject.entities, state.AccessEntity{ID: r.ID, ARN: r.ARN()})
	}
}

// policiesOfUser are the policies of a user and then of its groups.
func policiesOfUser(snap *state.Snapshot, u *state.User) ([]heldPolicy, error) {
	all, err := held(nil, snap, &u.Grants, api.PolicyOwnerEntityTypeUSER, u.Name)
	for _, g := range snap.GroupsOf(u) {
		if err == nil {
			all, err = held(all, snap, &g.Grants, api.PolicyOwnerEntityTypeGROUP, g.Name)
		}
	}
	return all, err
}

// held appends the policies of an entity, inline ones first. A managed policy is
// there once, however it is attached.
func held(all []heldPolicy, snap *state.Snapshot, g *state.Grants, kind, owner string) ([]heldPolicy, error) {
	for i := range g.Inline {
		all = append(all, heldPolicy{g.Inline[i].Document.Text, api.PolicyGrantingServiceAccess{
			PolicyName: ptr(g.Inline[i].Name), PolicyType: ptr(api.PolicyTypeINLINE), EntityType: ptr(kind), EntityName: ptr(owner),
		}})
	}
	for _, text := range g.Attached {
		p := snap.PolicyByARN(text)
		if p == nil {
			return nil, awserr.Internal(fmt.Errorf("iam: the attached policy %s is gone", text))
		}
		if !slices.ContainsFunc(all, func(h heldPolicy) bool { return deref(h.out.PolicyArn) == text }) {
			all = append(all, managedOut(p))
		}
	}
	return all, nil
}

func managedOut(p *state.ManagedPolicy) heldPolicy {
	return heldPolicy{p.DefaultVersion().Document.Text, api.PolicyGrantingServiceAccess{
		PolicyName: ptr(p.Name), PolicyType: ptr(api.PolicyTypeMANAGED), PolicyArn: ptr(p.ARN()),
	}}
}

// documents reads policies that were checked when they were saved.
func documents(policies []heldPolicy) ([]*policy.Document, error) {
	docs := make([]*policy.Document, len(policies))
	for i, p := range policies {
		doc, err := policy.ParseText(policy.Identity, p.text)
		if err != nil {
			return nil, awserr.Internal(err)
		}
		docs[i] = doc
	}
	return docs, nil
}

// listPoliciesGrantingServiceAccess says which of the policies of a user, group
// or role grant anything of a service: one that only allows what another one
// denies outright does not
// (https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListPoliciesGrantingServiceAccess.html).
func (s *Service) listPoliciesGrantingServiceAccess(c *service.Call, snap *state.Snapshot, in *api.ListPoliciesGrantingServiceAccessRequest) (*api.ListPoliciesGrantingServiceAccessResponse, error) {
	after, limit, err := start(in.Marker, nil)
	if err != nil {
		return nil, err
	}
	if a, err := arn.Parse(*in.Arn); err == nil && a.ResourceType() == "policy" {
		return nil, unsupportedARN(*in.Arn)
	}
	subject, err := findAccessSubject(snap, c.Caller.Account, *in.Arn)
	if err != nil {
		return nil, err
	}
	docs, err := documents(subject.policies)
	if err != nil {
		return nil, err
	}
	reaches := make([]*reach.Reach, len(docs))
	for i := range docs {
		reaches[i] = reach.New(catalog.Open(), docs[i:i+1], docs)
	}
	type place struct {
		key, namespace string
	}
	var places []place
	for i, namespace := range in.ServiceNamespaces {
		if !slices.Contains(in.ServiceNamespaces[:i], namespace) {
			places = append(places, place{fmt.Sprintf("%03d", i), namespace})
		}
	}
	part, end := pageOf(places, after, limit, func(p place) string { return p.key })
	out := &api.ListPoliciesGrantingServiceAccessResponse{
		PoliciesGrantingServiceAccess: make([]api.ListPoliciesGrantingServiceAccessEntry, 0, len(part)), IsTruncated: end.IsTruncated, Marker: end.Marker,
	}
	for _, p := range part {
		entry := api.ListPoliciesGrantingServiceAccessEntry{ServiceNamespace: ptr(p.namespace), Policies: []api.PolicyGrantingServiceAccess{}}
		for i, r := range reaches {
			if r.Service(p.namespace) {
				entry.Policies = append(entry.Policies, subject.policies[i].out)
			}
		}
		out.PoliciesGrantingServiceAccess = append(out.PoliciesGrantingServiceAccess, entry)
	}
	return out, nil
}
