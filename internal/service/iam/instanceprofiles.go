package iam

import (
	"cmp"
	"slices"
	"strings"

	api "github.com/warder-iam/warder/internal/api/iam"
	"github.com/warder-iam/warder/internal/awserr"
	"github.com/warder-iam/warder/internal/ids"
	"github.com/warder-iam/warder/internal/service"
	"github.com/warder-iam/warder/internal/state"
)

// findInstanceProfile finds an instance profile of the caller's account.
func findInstanceProfile(c *service.Call, s *state.Snapshot, name *string) (*state.InstanceProfile, error) {
	if p := s.InstanceProfile(c.Caller.Account, *name); p != nil {
		return p, nil
	}
	return nil, noSuchInstanceProfile(*name)
}

func (s *Service) createInstanceProfile(c *service.Call, tx *state.Tx, in *api.CreateInstanceProfileRequest) (*api.CreateInstanceProfileResponse, error) {
	account := c.Caller.Account
	if tx.InstanceProfile(account, *in.InstanceProfileName) != nil {
		return nil, awserr.New("EntityAlreadyExists", "Instance Profile %s already exists.", *in.InstanceProfileName)
	}
	if err := within(s.quotas, instanceProfilesPerAccount, tx.InstanceProfiles.Len(), tx.InstanceProfilesOf(account, "")); err != nil {
		return nil, err
	}
	tags, err := newTags(in.Tags)
	if err != nil {
		return nil, err
	}
	p := &state.InstanceProfile{Entity: state.Entity{
		Account: account, ID: s.ids.Unique(ids.InstanceProfile, account), Name: *in.InstanceProfileName,
		Path: pathOf(in.Path), Created: c.Now(), Tags: tags,
	}}
	tx.InstanceProfiles.Put(p)
	out := instanceProfileOut(&tx.Snapshot, p)
	out.Tags = tagsOut(p.Tags)
	return &api.CreateInstanceProfileResponse{InstanceProfile: &out}, nil
}

// instanceProfileOut is an instance profile with its role, without its tags:
// lists leave them out.
func instanceProfileOut(s *state.Snapshot, p *state.InstanceProfile) api.InstanceProfile {
	out := api.InstanceProfile{
		Path: ptr(p.Path), InstanceProfileName: ptr(p.Name), InstanceProfileId: ptr(p.ID), Arn: ptr(p.ARN()),
		CreateDate: ptr(p.Created), Roles: []api.Role{},
	}
	if r := s.Roles.Get(p.Role); r != nil {
		out.Roles = append(out.Roles, *roleOut(s, r))
	}
	return out
}

func instanceProfilesOut(s *state.Snapshot, profiles []*state.InstanceProfile) []api.InstanceProfile {
	out := make([]api.InstanceProfile, len(profiles))
	for i, p := range profiles {
		out[i] = instanceProfileOut(s, p)
	}
	return out
}

// profilesOfRole lists the instance profiles that hold a role, by name.
func profilesOfRole(s *state.Snapshot, r *state.Role) []*state.InstanceProfile {
	return slices.SortedFunc(s.InstanceProfilesWithRole(r), func(a, b *state.InstanceProfile) int {
		return cmp.Compare(profileKey(a), profileKey(b))
	})
}

// profileKey is what profilesOfRole is in the order of.
func profileKey(p *state.InstanceProfile) string { return strings.ToLower(p.Name) }

// getInstanceProfile shows the tags even of a profile that has none, as AWS does.
func (s *Service) getInstanceProfile(c *service.Call, snap *state.Snapshot, in *api.GetInstanceProfileRequest) (*api.GetInstanceProfileResponse, error) {
	p, err := findInstanceProfile(c, snap, in.InstanceProfileName)
	if err != nil {
		return nil, err
	}
	out := instanceProfileOut(snap, p)
	out.Tags = everyTag(p.Tags)
	return &api.GetInstanceProfileResponse{InstanceProfile: &out}, nil
}

func (s *Service) listInstanceProfiles(c *service.Call, snap *state.Snapshot, in *api.ListInstanceProfilesRequest) (*api.ListInstanceProfilesResponse, error) {
	after, limit, err := start(in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	profiles, end := page(snap.InstanceProfilesOf(c.Caller.Account, after), limit,
		func(p *state.InstanceProfile) string { return p.Name },
		func(p *state.InstanceProfile) bool { return strings.HasPrefix(p.Path, prefixOf(in.PathPrefix)) })
	return &api.ListInstanceProfilesResponse{
		InstanceProfiles: instanceProfilesOut(snap, profiles), IsTruncated: end.IsTruncated, Marker: end.Marker,
	}, nil
}

func (s *Service) listInstanceProfilesForRole(c *service.Call, snap *state.Snapshot, in *api.ListInstanceProfilesForRoleRequest) (*api.ListInstanceProfilesForRoleResponse, error) {
	r, err := findRole(c, snap, in.RoleName)
	if err != nil {
		return nil, err
	}
	after, limit, err := start(in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	profiles, end := pageOf(profilesOfRole(snap, r), after, limit, profileKey)
	return &api.ListInstanceProfilesForRoleResponse{
		InstanceProfiles: instanceProfilesOut(snap, profiles), IsTruncated: end.IsTruncated, Marker: end.Marker,
	}, nil
}

func (s *Service) deleteInstanceProfile(c *service.Call, tx *state.Tx, in *api.DeleteInstanceProfileRequest) (*none, error) {
	p, err := findInstanceProfile(c, &tx.Snapshot, in.InstanceProfileName)
	if err != nil {
		return nil, err
	}
	if p.Role != "" {
		return nil, deleteConflict("Cannot delete entity, must remove roles from instance profile first.")
	}
	tx.InstanceProfiles.Delete(p)
	return nil, nil
}

// addRoleToInstanceProfile refuses a second role, and the same role again, under
// the quota's name that AWS has for it
// (https://docs.aws.amazon.com/IAM/latest/APIReference/API_AddRoleToInstanceProfile.html).
func (s *Service) addRoleToInstanceProfile(c *service.Call, tx *state.Tx, in *api.AddRoleToInstanceProfileRequest) (*none, error) {
	p, err := findInstanceProfile(c, &tx.Snapshot, in.InstanceProfileName)
	if err != nil {
		return nil, err
	}
	r, err := changeableRole(c, &tx.Snapshot, in.RoleName)
	if err != nil {
		return nil, err
	}
	if p.Role != "" {
		return nil, overQuota("InstanceSessionsPerInstanceProfile", maxRolesPerProfile)
	}
	tx.InstanceProfiles.Update(p, func(p *state.InstanceProfile) { p.Role = r.ID })
	return nil, nil
}

func (s *Service) removeRoleFromInstanceProfile(c *service.Call, tx *state.Tx, in *api.RemoveRoleFromInstanceProfileRequest) (*none, error) {
	p, err := findInstanceProfile(c, &tx.Snapshot, in.InstanceProfileName)
	if err != nil {
		return nil, err
	}
	r, err := changeableRole(c, &tx.Snapshot, in.RoleName)
	if err != nil {
		return nil, err
	}
	if p.Role != r.ID {
		return nil, awserr.New("NoSuchEntity", "Role %s in Instance Profile %s cannot be found.", r.Name, p.Name)
	}
	tx.InstanceProfiles.Update(p, func(p *state.InstanceProfile) { p.Role = "" })
	return nil, nil
}
