package iam

import (
	"strings"
	"time"

	api "github.com/warder-iam/warder/internal/api/iam"
	"github.com/warder-iam/warder/internal/awserr"
	"github.com/warder-iam/warder/internal/ids"
	"github.com/warder-iam/warder/internal/service"
	"github.com/warder-iam/warder/internal/state"
	"github.com/warder-iam/warder/policy"
)

// defaultSession is the MaxSessionDuration of a role that is made without one,
// in seconds (https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html).
const defaultSession = 3600

// findRole finds a role of the caller's account.
func findRole(c *service.Call, s *state.Snapshot, name *string) (*state.Role, error) {
	if r := s.Role(c.Caller.Account, *name); r != nil {
		return r, nil
	}
	return nil, noSuchRole(*name)
}

func (s *Service) createRole(c *service.Call, tx *state.Tx, in *api.CreateRoleRequest) (*api.CreateRoleResponse, error) {
	account := c.Caller.Account
	if tx.Role(account, *in.RoleName) != nil {
		return nil, exists("Role", *in.RoleName)
	}
	if err := within(s.quotas, rolesPerAccount, tx.Roles.Len(), tx.RolesOf(account, "")); err != nil {
		return nil, err
	}
	if strings.HasPrefix(pathOf(in.Path), state.ServiceLinkedPath) {
		return nil, invalidInput("The path %s is reserved for service-linked roles.", *in.Path)
	}
	tags, err := newTags(in.Tags)
	if err != nil {
		return nil, err
	}
	bound, err := findBoundary(&tx.Snapshot, account, in.PermissionsBoundary)
	if err != nil {
		return nil, err
	}
	trust, err := trustDocument(&tx.Snapshot, *in.AssumeRolePolicyDocument)
	if err != nil {
		return nil, err
	}
	r := &state.Role{
		Entity: state.Entity{
			Account: account, ID: s.ids.Unique(ids.Role, account), Name: *in.RoleName,
			Path: pathOf(in.Path), Created: c.Now(), Tags: tags,
		},
		Trust: trust, Description: in.Description, MaxSessionDuration: defaultSession, Boundary: bound,
	}
	if in.MaxSessionDuration != nil {
		r.MaxSessionDuration = int(*in.MaxSessionDuration)
	}
	tx.Roles.Put(r)
	out := roleOut(&tx.Snapshot, r)
	out.Tags, out.PermissionsBoundary = tagsOut(r.Tags), boundaryOut(r.Boundary)
	return &api.CreateRoleResponse{Role: out}, nil
}

// roleOut is a role as instance profiles show it, and CreateRole, which adds its
// tags and boundary: no description, no session duration, no last use.
func roleOut(s *state.Snapshot, r *state.Role) *api.Role {
	return &api.Role{
		Path: ptr(r.Path), RoleName: ptr(r.Name), RoleId: ptr(r.ID), Arn: ptr(r.ARN()), CreateDate: ptr(r.Created),
		AssumeRolePolicyDocument: encoded(s.Shown(policy.Trust, r.Trust)),
	}
}

// roleListed is a role as ListRoles shows it.
func roleListed(s *state.Snapshot, r *state.Role) *api.Role {
	out := roleOut(s, r)
	out.Description, out.MaxSessionDuration = r.Description, ptr(int32(r.MaxSessionDuration))
	return out
}

// lastUsed is when a role was last used. A role that was not, or not for long,
// has the element with nothing in it
// (https://docs.aws.amazon.com/IAM/latest/APIReference/API_RoleLastUsed.html).
func lastUsed(s *state.Snapshot, r *state.Role, now time.Time) *api.RoleLastUsed {
	use, ok := s.LastUse(r.ID)
	if !ok || now.Sub(use.Date) > state.TrackingPeriod {
		return &api.RoleLastUsed{}
	}
	return &api.RoleLastUsed{LastUsedDate: ptr(use.Date), Region: optional(use.Region)}
}

func (s *Service) getRole(c *service.Call, snap *state.Snapshot, in *api.GetRoleRequest) (*api.GetRoleResponse, error) {
	r, err := findRole(c, snap, in.RoleName)
	if err != nil {
		return nil, err
	}
	out := roleListed(snap, r)
	out.Tags, out.PermissionsBoundary, out.RoleLastUsed = tagsOut(r.Tags), boundaryOut(r.Boundary), lastUsed(snap, r, c.Time)
	return &api.GetRoleResponse{Role: out}, nil
}

func (s *Service) listRoles(c *service.Call, snap *state.Snapshot, in *api.ListRolesRequest) (*api.ListRolesResponse, error) {
	after, limit, err := start(in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	roles, end := page(snap.RolesOf(c.Caller.Account, after), limit,
		func(r *state.Role) string { return r.Name },
		func(r *state.Role) bool { return strings.HasPrefix(r.Path, prefixOf(in.PathPrefix)) })
	out := &api.ListRolesResponse{Roles: make([]api.Role, 0, len(roles)), IsTruncated: end.IsTruncated, Marker: end.Marker}
	for _, r := range roles {
		out.Roles = append(out.Roles, *roleListed(snap, r))
	}
	return out, nil
}

// updateRole leaves what is not sent as it is. Of a service-linked role the
// description may be edited, and nothing else
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_update-service-linked-role.html).
func (s *Service) updateRole(c *service.Call, tx *state.Tx, in *api.UpdateRoleRequest) (*api.UpdateRoleResponse, error) {
	r, err := findRole(c, &tx.Snapshot, in.RoleName)
	if err != nil {
		return nil, err
	}
	if r.ServiceLinked() && in.MaxSessionDuration != nil {
		return nil, awserr.New("UnmodifiableEntity", "%s is an AWS service linked role, max session duration cannot be changed.", r.Name)
	}
	tx.Roles.Update(r, func(r *state.Role) {
		if in.Description != nil {
			r.Description = in.Description
		}
		if in.MaxSessionDuration != nil {
			r.MaxSessionDuration = int(*in.MaxSessionDuration)
		}
	})
	return nil, nil
}

func (s *Service) updateRoleDescription(c *service.Call, tx *state.Tx, in *api.UpdateRoleDescriptionRequest) (*api.UpdateRoleDescriptionResponse, error) {
	r, err := findRole(c, &tx.Snapshot, in.RoleName)
	if err != nil {
		return nil, err
	}
	r = tx.Roles.Update(r, func(r *state.Role) { r.Description = in.Description })
	out := roleOut(&tx.Snapshot, r)
	out.Description = r.Description
	return &api.UpdateRoleDescriptionResponse{Role: out}, nil
}

func (s *Service) updateAssumeRolePolicy(c *service.Call, tx *state.Tx, in *api.UpdateAssumeRolePolicyRequest) (*none, error) {
	r, err := changeableRole(c, &tx.Snapshot, in.RoleName)
	if err != nil {
		return nil, err
	}
	trust, err := trustDocument(&tx.Snapshot, *in.PolicyDocument)
	if err != nil {
		return nil, err
	}
	tx.Roles.Update(r, func(r *state.Role) { r.Trust = trust })
	return nil, nil
}

func (s *Service) deleteRole(c *service.Call, tx *state.Tx, in *api.DeleteRoleRequest) (*none, error) {
	r, err := changeableRole(c, &tx.Snapshot, in.RoleName)
	if err != nil {
		return nil, err
	}
	switch {
	case atLeast(tx.InstanceProfilesWithRole(r), 1):
		return nil, deleteConflict("Cannot delete entity, must remove roles from instance profile first.")
	case len(r.Attached) > 0:
		return nil, deleteConflict("Cannot delete entity, must detach all policies first.")
	case len(r.Inline) > 0:
		return nil, deleteConflict("Cannot delete entity, must delete policies first.")
	}
	tx.ForgetUses(r.ID)
	tx.Roles.Delete(r)
	return nil, nil
}

func (s *Service) putRolePermissionsBoundary(c *service.Call, tx *state.Tx, in *api.PutRolePermissionsBoundaryRequest) (*none, error) {
	r, err := changeableRole(c, &tx.Snapshot, in.RoleName)
	if err != nil {
		return nil, err
	}
	bound, err := findBoundary(&tx.Snapshot, r.Account, in.PermissionsBoundary)
	if err != nil {
		return nil, err
	}
	tx.Roles.Update(r, func(r *state.Role) { r.Boundary = bound })
	return nil, nil
}

func (s *Service) deleteRolePermissionsBoundary(c *service.Call, tx *state.Tx, in *api.DeleteRolePermissionsBoundaryRequest) (*none, error) {
	r, err := changeableRole(c, &tx.Snapshot, in.RoleName)
	if err != nil {
		return nil, err
	}
	if r.Boundary == "" {
		return nil, noBoundary("role", r.Name)
	}
	tx.Roles.Update(r, func(r *state.Role) { r.Boundary = "" })
	return nil, nil
}
