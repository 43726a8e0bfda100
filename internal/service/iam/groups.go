package iam

import (
	"cmp"
	"slices"
	"strings"

	api "github.com/warder-iam/warder/internal/api/iam"
	"github.com/warder-iam/warder/internal/ids"
	"github.com/warder-iam/warder/internal/service"
	"github.com/warder-iam/warder/internal/state"
)

// findGroup finds a group of the caller's account.
func findGroup(c *service.Call, s *state.Snapshot, name *string) (*state.Group, error) {
	if g := s.Group(c.Caller.Account, *name); g != nil {
		return g, nil
	}
	return nil, noSuchGroup(*name)
}

func (s *Service) createGroup(c *service.Call, tx *state.Tx, in *api.CreateGroupRequest) (*api.CreateGroupResponse, error) {
	account := c.Caller.Account
	if tx.Group(account, *in.GroupName) != nil {
		return nil, exists("Group", *in.GroupName)
	}
	if err := within(s.quotas, groupsPerAccount, tx.Groups.Len(), tx.AllGroupsOf(account, "")); err != nil {
		return nil, err
	}
	g := &state.Group{Entity: state.Entity{
		Account: account, ID: s.ids.Unique(ids.Group, account), Name: *in.GroupName,
		Path: pathOf(in.Path), Created: c.Now(),
	}}
	tx.Groups.Put(g)
	return &api.CreateGroupResponse{Group: groupOut(g)}, nil
}

func groupOut(g *state.Group) *api.Group {
	return &api.Group{
		Path: ptr(g.Path), GroupName: ptr(g.Name), GroupId: ptr(g.ID), Arn: ptr(g.ARN()), CreateDate: ptr(g.Created),
	}
}

// getGroup lists a page of the members, by name, beside the group.
func (s *Service) getGroup(c *service.Call, snap *state.Snapshot, in *api.GetGroupRequest) (*api.GetGroupResponse, error) {
	g, err := findGroup(c, snap, in.GroupName)
	if err != nil {
		return nil, err
	}
	after, limit, err := start(in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	key := func(u *state.User) string { return strings.ToLower(u.Name) }
	members := slices.SortedFunc(snap.GroupMembers(g), func(a, b *state.User) int { return cmp.Compare(key(a), key(b)) })
	members, end := pageOf(members, after, limit, key)
	out := &api.GetGroupResponse{
		Group: groupOut(g), Users: make([]api.User, 0, len(members)), IsTruncated: end.IsTruncated, Marker: end.Marker,
	}
	for _, u := range members {
		out.Users = append(out.Users, *userOut(u))
	}
	return out, nil
}

func (s *Service) listGroups(c *service.Call, snap *state.Snapshot, in *api.ListGroupsRequest) (*api.ListGroupsResponse, error) {
	after, limit, err := start(in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	groups, end := page(snap.AllGroupsOf(c.Caller.Account, after), limit,
		func(g *state.Group) string { return g.Name },
		func(g *state.Group) bool { return strings.HasPrefix(g.Path, prefixOf(in.PathPrefix)) })
	return &api.ListGroupsResponse{Groups: groupsOut(groups), IsTruncated: end.IsTruncated, Marker: end.Marker}, nil
}

func groupsOut(groups []*state.Group) []api.Group {
	out := make([]api.Group, 0, len(groups))
	for _, g := range groups {
		out = append(out, *groupOut(g))
	}
	return out
}

func (s *Service) updateGroup(c *service.Call, tx *state.Tx, in *api.UpdateGroupRequest) (*none, error) {
	g, err := findGroup(c, &tx.Snapshot, in.GroupName)
	if err != nil {
		return nil, err
	}
	if in.NewGroupName != nil {
		if other := tx.Group(g.Account, *in.NewGroupName); other != nil && other.ID != g.ID {
			return nil, exists("Group", *in.NewGroupName)
		}
	}
	tx.Groups.Update(g, func(g *state.Group) {
		if in.NewGroupName != nil {
			g.Name = *in.NewGroupName
			g.Inline = renamed(g.Inline)
		}
		if in.NewPath != nil {
			g.Path = *in.NewPath
		}
	})
	return nil, nil
}

func (s *Service) deleteGroup(c *service.Call, tx *state.Tx, in *api.DeleteGroupRequest) (*none, error) {
	g, err := findGroup(c, &tx.Snapshot, in.GroupName)
	if err != nil {
		return nil, err
	}
	switch {
	case atLeast(tx.GroupMembers(g), 1):
		return nil, deleteConflict("Cannot delete entity, must remove users from group first.")
	case len(g.Attached) > 0:
		return nil, deleteConflict("Cannot delete entity, must detach all policies first.")
	case len(g.Inline) > 0:
		return nil, deleteConflict("Cannot delete entity, must delete policies first.")
	}
	tx.Groups.Delete(g)
	return nil, nil
}

// groupAndUser finds both ends of a membership.
func groupAndUser(c *service.Call, s *state.Snapshot, group, user *string) (*state.Group, *state.User, error) {
	u, err := findUser(c, s, user)
	if err != nil {
		return nil, nil, err
	}
	g, err := findGroup(c, s, group)
	return g, u, err
}

// addUserToGroup changes nothing if the user is a member already.
func (s *Service) addUserToGroup(c *service.Call, tx *state.Tx, in *api.AddUserToGroupRequest) (*none, error) {
	g, u, err := groupAndUser(c, &tx.Snapshot, in.GroupName, in.UserName)
	if err != nil || u.InGroup(g) {
		return nil, err
	}
	if len(u.Groups) >= maxGroupsPerUser {
		return nil, overQuota("GroupsPerUser", maxGroupsPerUser)
	}
	tx.Users.Update(u, func(u *state.User) { u.Groups = append(slices.Clone(u.Groups), g.ID) })
	return nil, nil
}

// removeUserFromGroup is no error for a user who is no member: AWS answers with
// success, as the people of https://github.com/cloud-custodian/cloud-custodian/pull/4730
// found by trying.
func (s *Service) removeUserFromGroup(c *service.Call, tx *state.Tx, in *api.RemoveUserFromGroupRequest) (*none, error) {
	g, u, err := groupAndUser(c, &tx.Snapshot, in.GroupName, in.UserName)
	if err != nil || !u.InGroup(g) {
		return nil, err
	}
	tx.Users.Update(u, func(u *state.User) {
		u.Groups = slices.DeleteFunc(slices.Clone(u.Groups), func(id string) bool { return id == g.ID })
	})
	return nil, nil
}

func (s *Service) listGroupsForUser(c *service.Call, snap *state.Snapshot, in *api.ListGroupsForUserRequest) (*api.ListGroupsForUserResponse, error) {
	u, err := findUser(c, snap, in.UserName)
	if err != nil {
		return nil, err
	}
	after, limit, err := start(in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	key := func(g *state.Group) string { return strings.ToLower(g.Name) }
	groups := snap.GroupsOf(u)
	slices.SortFunc(groups, func(a, b *state.Group) int { return cmp.Compare(key(a), key(b)) })
	groups, end := pageOf(groups, after, limit, key)
	return &api.ListGroupsForUserResponse{Groups: groupsOut(groups), IsTruncated: end.IsTruncated, Marker: end.Marker}, nil
}
