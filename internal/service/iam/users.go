package iam

import (
	"strings"

	api "github.com/warder-iam/warder/internal/api/iam"
	"github.com/warder-iam/warder/internal/ids"
	"github.com/warder-iam/warder/internal/service"
	"github.com/warder-iam/warder/internal/state"
	"github.com/warder-iam/warder/policy"
)

// findUser finds a user of the caller's account.
func findUser(c *service.Call, s *state.Snapshot, name *string) (*state.User, error) {
	if u := s.User(c.Caller.Account, *name); u != nil {
		return u, nil
	}
	return nil, noSuchUser(*name)
}

// userOrSelf finds a user by name or, where the name is left out, the user
// whose credentials signed the request.
func userOrSelf(c *service.Call, s *state.Snapshot, name *string) (*state.User, error) {
	if name != nil {
		return findUser(c, s, name)
	}
	if c.Caller.User != nil {
		if u := s.Users.Get(c.Caller.User.ID); u != nil {
			return u, nil
		}
	}
	return nil, validation("Must specify userName when calling with non-User credentials")
}

func (s *Service) createUser(c *service.Call, tx *state.Tx, in *api.CreateUserRequest) (*api.CreateUserResponse, error) {
	account := c.Caller.Account
	if tx.User(account, *in.UserName) != nil {
		return nil, exists("User", *in.UserName)
	}
	if err := within(s.quotas, usersPerAccount, tx.Users.Len(), tx.UsersOf(account, "")); err != nil {
		return nil, err
	}
	tags, err := newTags(in.Tags)
	if err != nil {
		return nil, err
	}
	bound, err := findBoundary(&tx.Snapshot, account, in.PermissionsBoundary)
	if err != nil {
		return nil, err
	}
	u := &state.User{
		Entity: state.Entity{
			Account: account, ID: s.ids.Unique(ids.User, account), Name: *in.UserName,
			Path: pathOf(in.Path), Created: c.Now(), Tags: tags,
		},
		Boundary: bound,
	}
	tx.Users.Put(u)
	out := userOut(u)
	out.Tags, out.PermissionsBoundary = tagsOut(u.Tags), boundaryOut(u.Boundary)
	return &api.CreateUserResponse{User: out}, nil
}

// userOut is a user without its tags: lists leave them out.
func userOut(u *state.User) *api.User {
	return &api.User{
		Path: ptr(u.Path), UserName: ptr(u.Name), UserId: ptr(u.ID), Arn: ptr(u.ARN()), CreateDate: ptr(u.Created),
	}
}

func (s *Service) getUser(c *service.Call, snap *state.Snapshot, in *api.GetUserRequest) (*api.GetUserResponse, error) {
	if in.UserName == nil && c.Caller.Kind == policy.Root {
		account := snap.Accounts.Get(c.Caller.Account)
		return &api.GetUserResponse{User: &api.User{
			UserId: ptr(account.ID), Arn: ptr(account.RootARN()), CreateDate: ptr(account.Created),
			Path: ptr("/"), UserName: ptr(accountName(account)),
		}}, nil
	}
	u, err := userOrSelf(c, snap, in.UserName)
	if err != nil {
		return nil, err
	}
	out := userOut(u)
	out.PasswordLastUsed = optional(u.PasswordUsed)
	out.Tags = tagsOut(u.Tags)
	out.PermissionsBoundary = boundaryOut(u.Boundary)
	return &api.GetUserResponse{User: out}, nil
}

func accountName(a *state.Account) string {
	if a.Alias != "" {
		return a.Alias
	}
	return a.Name
}

func (s *Service) listUsers(c *service.Call, snap *state.Snapshot, in *api.ListUsersRequest) (*api.ListUsersResponse, error) {
	after, limit, err := start(in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	users, end := page(snap.UsersOf(c.Caller.Account, after), limit,
		func(u *state.User) string { return u.Name },
		func(u *state.User) bool { return strings.HasPrefix(u.Path, prefixOf(in.PathPrefix)) })
	out := &api.ListUsersResponse{Users: make([]api.User, 0, len(users)), IsTruncated: end.IsTruncated, Marker: end.Marker}
	for _, u := range users {
		listed := userOut(u)
		listed.PasswordLastUsed = optional(u.PasswordUsed)
		out.Users = append(out.Users, *listed)
	}
	return out, nil
}

func (s *Service) updateUser(c *service.Call, tx *state.Tx, in *api.UpdateUserRequest) (*none, error) {
	u, err := findUser(c, &tx.Snapshot, in.UserName)
	if err != nil {
		return nil, err
	}
	if in.NewUserName != nil {
		if other := tx.User(u.Account, *in.NewUserName); other != nil && other.ID != u.ID {
			return nil, exists("User", *in.NewUserName)
		}
	}
	tx.Users.Update(u, func(u *state.User) {
		if in.NewUserName != nil {
			u.Name = *in.NewUserName
			u.Inline = renamed(u.Inline)
		}
		if in.NewPath != nil {
			u.Path = *in.NewPath
		}
	})
	return nil, nil
}

func (s *Service) deleteUser(c *service.Call, tx *state.Tx, in *api.DeleteUserRequest) (*none, error) {
	u, err := findUser(c, &tx.Snapshot, in.UserName)
	if err != nil {
		return nil, err
	}
	switch {
	case len(u.Attached) > 0:
		return nil, deleteConflict("Cannot delete entity, must detach all policies first.")
	case len(u.Inline) > 0:
		return nil, deleteConflict("Cannot delete entity, must delete policies first.")
	case len(u.Groups) > 0:
		return nil, deleteConflict("Cannot delete entity, must remove users from group first.")
	case u.Login != nil:
		return nil, deleteConflict("Cannot delete entity, must delete login profile first.")
	case atLeast(tx.AccessKeysOf(u.ID), 1):
		return nil, deleteConflict("Cannot delete entity, must delete access keys first.")
	case atLeast(tx.MFADevicesOwnedBy(u.ID), 1):
		return nil, deleteConflict("Cannot delete entity, must remove tokens from principal first.")
	case atLeast(tx.ServiceCredentialsOf(u.ID), 1):
		return nil, deleteConflict("Cannot delete entity, must remove referenced objects first.")
	case atLeast(tx.SigningCertificatesOf(u.ID), 1):
		return nil, deleteConflict("Cannot delete entity, must delete certificates first.")
	case atLeast(tx.SSHPublicKeysOf(u.ID), 1):
		return nil, deleteConflict("Cannot delete entity, must remove referenced objects first.")
	}
	tx.ForgetUses(u.ID)
	tx.Users.Delete(u)
	return nil, nil
}

func (s *Service) putUserPermissionsBoundary(c *service.Call, tx *state.Tx, in *api.PutUserPermissionsBoundaryRequest) (*none, error) {
	u, err := findUser(c, &tx.Snapshot, in.UserName)
	if err != nil {
		return nil, err
	}
	bound, err := findBoundary(&tx.Snapshot, u.Account, in.PermissionsBoundary)
	if err != nil {
		return nil, err
	}
	tx.Users.Update(u, func(u *state.User) { u.Boundary = bound })
	return nil, nil
}

func (s *Service) deleteUserPermissionsBoundary(c *service.Call, tx *state.Tx, in *api.DeleteUserPermissionsBoundaryRequest) (*none, error) {
	u, err := findUser(c, &tx.Snapshot, in.UserName)
	if err != nil {
		return nil, err
	}
	if u.Boundary == "" {
		return nil, noBoundary("user", u.Name)
	}
	tx.Users.Update(u, func(u *state.User) { u.Boundary = "" })
	return nil, nil
}
