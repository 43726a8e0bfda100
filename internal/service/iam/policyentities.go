package iam

import (
	"iter"
	"slices"
	"strings"

	api "github.com/warder-iam/warder/internal/api/iam"
	"github.com/warder-iam/warder/internal/service"
	"github.com/warder-iam/warder/internal/state"
)

// A policyEntity is a user, group or role that uses a managed policy, with how
// it is put into the output of ListEntitiesForPolicy.
type policyEntity struct {
	key string // the kind, then the name: the order of the list
	put func(*api.ListEntitiesForPolicyResponse)
}

// listEntitiesForPolicy lists groups, then roles, then users, each by name. An
// entity that uses the policy both as a permissions policy and as its boundary
// stands once.
func (s *Service) listEntitiesForPolicy(c *service.Call, snap *state.Snapshot, in *api.ListEntitiesForPolicyRequest) (*api.ListEntitiesForPolicyResponse, error) {
	if err := checkPolicyARN(*in.PolicyArn); err != nil {
		return nil, err
	}
	p := snap.PolicyByARN(*in.PolicyArn)
	if p == nil {
		return nil, noSuchPolicy(*in.PolicyArn)
	}
	after, limit, err := start(in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	all := policyEntities(snap, c.Caller.Account, p.ARN(), in)
	slices.SortFunc(all, func(a, b policyEntity) int { return strings.Compare(a.key, b.key) })
	all = slices.CompactFunc(all, func(a, b policyEntity) bool { return a.key == b.key })
	part, end := pageOf(all, after, limit, func(e policyEntity) string { return e.key })
	out := &api.ListEntitiesForPolicyResponse{
		PolicyGroups: []api.PolicyGroup{}, PolicyUsers: []api.PolicyUser{}, PolicyRoles: []api.PolicyRole{},
		IsTruncated: end.IsTruncated, Marker: end.Marker,
	}
	for _, e := range part {
		e.put(out)
	}
	return out, nil
}

// policyEntities gathers what the request's filters let through, in no order.
func policyEntities(s *state.Snapshot, account, policyARN string, in *api.ListEntitiesForPolicyRequest) (all []policyEntity) {
	kind, prefix := deref(in.EntityFilter), prefixOf(in.PathPrefix)
	add := func(of string, e *state.Entity, put func(*api.ListEntitiesForPolicyResponse)) {
		if (kind == "" || kind == of) && strings.HasPrefix(e.Path, prefix) {
			all = append(all, policyEntity{of + "/" + strings.ToLower(e.Name), put})
		}
	}
	users := func(seq iter.Seq[*state.User]) {
		for u := range seq {
			add(api.EntityTypeUser, &u.Entity, func(out *api.ListEntitiesForPolicyResponse) {
				out.PolicyUsers = append(out.PolicyUsers, api.PolicyUser{UserName: ptr(u.Name), UserId: ptr(u.ID)})
			})
		}
	}
	roles := func(seq iter.Seq[*state.Role]) {
		for r := range seq {
			add(api.EntityTypeRole, &r.Entity, func(out *api.ListEntitiesForPolicyResponse) {
				out.PolicyRoles = append(out.PolicyRoles, api.PolicyRole{RoleName: ptr(r.Name), RoleId: ptr(r.ID)})
			})
		}
	}
	if usage := deref(in.PolicyUsageFilter); usage != api.PolicyUsageTypePermissionsBoundary {
		for g := range s.GroupsWithPolicy(account, policyARN) {
			add(api.EntityTypeGroup, &g.Entity, func(out *api.ListEntitiesForPolicyResponse) {
				out.PolicyGroups = append(out.PolicyGroups, api.PolicyGroup{GroupName: ptr(g.Name), GroupId: ptr(g.ID)})
			})
		}
		users(s.UsersWithPolicy(account, policyARN))
		roles(s.RolesWithPolicy(account, policyARN))
	}
	if usage := deref(in.PolicyUsageFilter); usage != api.PolicyUsageTypePermissionsPolicy {
		users(s.UsersWithBoundary(account, policyARN))
		roles(s.RolesWithBoundary(account, policyARN))
	}
	return all
}
