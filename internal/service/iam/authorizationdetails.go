package iam

import (
	"iter"
	"slices"
	"strings"
	"time"

	api "github.com/warder-iam/warder/internal/api/iam"
	"github.com/warder-iam/warder/internal/service"
	"github.com/warder-iam/warder/internal/state"
	"github.com/warder-iam/warder/policy"
)

// details is an answer of GetAccountAuthorizationDetails in the making
// (https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountAuthorizationDetails.html).
// It goes through the users, then the groups, the roles and the policies of an
// account; a page may end in the middle of any of them.
type details struct {
	s       *state.Snapshot
	account string
	now     time.Time
	out     *api.GetAccountAuthorizationDetailsResponse
}

// A detailKind is one of the kinds of entities, under its name in Filter. list
// goes over their names, after the one given; calling the function that comes
// with a name adds the entity to the answer, so that a page costs what it shows.
type detailKind struct {
	filter string
	list   func(after string) iter.Seq2[string, func()]
}

func (d *details) kinds() []detailKind {
	return []detailKind{
		{api.EntityTypeUser, func(after string) iter.Seq2[string, func()] {
			return detailsOf(d.s.UsersOf(d.account, after), func(u *state.User) string { return u.Name }, d.user)
		}},
		{api.EntityTypeGroup, func(after string) iter.Seq2[string, func()] {
			return detailsOf(d.s.AllGroupsOf(d.account, after), func(g *state.Group) string { return g.Name }, d.group)
		}},
		{api.EntityTypeRole, func(after string) iter.Seq2[string, func()] {
			return detailsOf(d.s.RolesOf(d.account, after), func(r *state.Role) string { return r.Name }, d.role)
		}},
		{api.EntityTypeLocalManagedPolicy, func(after string) iter.Seq2[string, func()] {
			return detailsOf(d.s.PoliciesOf(d.account, after), func(p *state.ManagedPolicy) string { return p.Name }, d.policy)
		}},
		{api.EntityTypeAWSManagedPolicy, func(after string) iter.Seq2[string, func()] {
			return detailsOf(d.awsPolicies(after), func(p *listedPolicy) string { return p.name }, func(p *listedPolicy) {
				d.policy(d.s.PolicyByARN(p.arn))
			})
		}},
	}
}

func detailsOf[R any](all iter.Seq[*R], name func(*R) string, add func(*R)) iter.Seq2[string, func()] {
	return func(yield func(string, func()) bool) {
		for r := range all {
			if !yield(name(r), func() { add(r) }) {
				return
			}
		}
	}
}

func (s *Service) getAccountAuthorizationDetails(c *service.Call, snap *state.Snapshot, in *api.GetAccountAuthorizationDetailsRequest) (*api.GetAccountAuthorizationDetailsResponse, error) {
	after, limit, err := start(in.Marker, in.MaxItems)
	if err != nil {
		return nil, foreignMarker(in)
	}
	d := &details{s: snap, account: c.Caller.Account, now: c.Time, out: &api.GetAccountAuthorizationDetailsResponse{
		UserDetailList: []api.UserDetail{}, GroupDetailList: []api.GroupDetail{}, RoleDetailList: []api.RoleDetail{},
		Policies: []api.ManagedPolicyDetail{},
	}}
	kinds := d.kinds()
	// A marker is the kind and the name after which the page begins.
	from := ""
	if after != "" {
		kind, name, _ := strings.Cut(after, "/")
		i := slices.IndexFunc(kinds, func(k detailKind) bool { return k.filter == kind })
		if i < 0 || len(in.Filter) > 0 && !slices.Contains(in.Filter, kind) {
			return nil, foreignMarker(in)
		}
		kinds, from = kinds[i:], name
	}
	n, last := 0, ""
	end := pageEnd("")
fill:
	for _, kind := range kinds {
		start := from
		from = ""
		if len(in.Filter) > 0 && !slices.Contains(in.Filter, kind.filter) {
			continue
		}
		for name, add := range kind.list(start) {
			if n == limit {
				end = pageEnd(last)
				break fill
			}
			add()
			n, last = n+1, kind.filter+"/"+name
		}
	}
	d.out.IsTruncated, d.out.Marker = end.IsTruncated, end.Marker
	return d.out, nil
}

// foreignMarker refuses a marker that no page of what is asked for ended with.
func foreignMarker(in *api.GetAccountAuthorizationDetailsRequest) error {
	if len(in.Filter) > 0 {
		return validation("Marker and Filter do not match")
	}
	return validation("Invalid Marker.")
}

func (d *details) user(u *state.User) {
	groups := []string{}
	for _, g := range d.s.GroupsOf(u) {
		groups = append(groups, g.Name)
	}
	inline := inlineDetails(&u.Grants)
	if len(inline) == 0 {
		inline = nil // AWS leaves out this one, and only this one, when it is empty
	}
	d.out.UserDetailList = append(d.out.UserDetailList, api.UserDetail{
		Path: ptr(u.Path), UserName: ptr(u.Name), UserId: ptr(u.ID), Arn: ptr(u.ARN()), CreateDate: ptr(u.Created),
		UserPolicyList: inline, GroupList: groups, AttachedManagedPolicies: attachedDetails(&u.Grants),
		PermissionsBoundary: boundaryOut(u.Boundary), Tags: everyTag(u.Tags),
	})
}

func (d *details) group(g *state.Group) {
	d.out.GroupDetailList = append(d.out.GroupDetailList, api.GroupDetail{
		Path: ptr(g.Path), GroupName: ptr(g.Name), GroupId: ptr(g.ID), Arn: ptr(g.ARN()), CreateDate: ptr(g.Created),
		GroupPolicyList: inlineDetails(&g.Grants), AttachedManagedPolicies: attachedDetails(&g.Grants),
	})
}

func (d *details) role(r *state.Role) {
	d.out.RoleDetailList = append(d.out.RoleDetailList, api.RoleDetail{
		Path: ptr(r.Path), RoleName: ptr(r.Name), RoleId: ptr(r.ID), Arn: ptr(r.ARN()), CreateDate: ptr(r.Created),
		AssumeRolePolicyDocument: encoded(d.s.Shown(policy.Trust, r.Trust)),
		InstanceProfileList:      instanceProfilesOut(d.s, profilesOfRole(d.s, r)),
		RolePolicyList:           inlineDetails(&r.Grants), AttachedManagedPolicies: attachedDetails(&r.Grants),
		PermissionsBoundary: boundaryOut(r.Boundary), Tags: everyTag(r.Tags), RoleLastUsed: lastUsed(d.s, r, d.now),
	})
}

// awsPolicies iterates over the policies of AWS that the account uses.
func (d *details) awsPolicies(after string) iter.Seq[*listedPolicy] {
	if after != "" {
		after = listedPolicy{name: after, aws: true}.key()
	}
	return func(yield func(*listedPolicy) bool) {
		for p := range policiesInScope(d.s, d.account, api.PolicyScopeTypeAWS, after) {
			used := usedAs(d.s, d.account, p.arn, "", true)
			if used && !yield(&p) {
				return
			}
		}
	}
}

// policy shows every version, newest first; of AWS's policies the one in force,
// since there may be a hundred others.
func (d *details) policy(p *state.ManagedPolicy) {
	versions := make([]api.PolicyVersion, 0, len(p.Versions))
	for _, v := range slices.Backward(p.Versions) {
		if p.AWSManaged() && v.ID != p.Default {
			continue
		}
		versions = append(versions, api.PolicyVersion{
			VersionId: ptr(v.ID), IsDefaultVersion: ptr(v.ID == p.Default), CreateDate: ptr(v.Created),
			Document: encoded(v.Text()),
		})
	}
	d.out.Policies = append(d.out.Policies, api.ManagedPolicyDetail{
		PolicyName: ptr(p.Name), PolicyId: ptr(p.ID), Arn: ptr(p.ARN()), Path: ptr(p.Path),
		DefaultVersionId: ptr(p.Default), IsAttachable: ptr(true), Description: optional(p.Description),
		AttachmentCount:               ptr(int32(d.s.AttachmentCount(d.account, p.ARN()))),
		PermissionsBoundaryUsageCount: ptr(int32(d.s.BoundaryCount(d.account, p.ARN()))),
		CreateDate:                    ptr(p.Created), UpdateDate: ptr(p.Updated), PolicyVersionList: versions,
	})
}

func inlineDetails(g *state.Grants) []api.PolicyDetail {
	out := make([]api.PolicyDetail, len(g.Inline))
	for i := range g.Inline {
		out[i] = api.PolicyDetail{PolicyName: ptr(g.Inline[i].Name), PolicyDocument: encoded(g.Inline[i].Document.Text)}
	}
	return out
}

// attachedDetails are the attached policies. A policy's name, which never
// changes, is the end of its ARN.
func attachedDetails(g *state.Grants) []api.AttachedPolicy {
	out := make([]api.AttachedPolicy, len(g.Attached))
	for i, policyARN := range g.Attached {
		out[i] = api.AttachedPolicy{PolicyName: ptr(policyARN[strings.LastIndexByte(policyARN, '/')+1:]), PolicyArn: ptr(policyARN)}
	}
	return out
}
