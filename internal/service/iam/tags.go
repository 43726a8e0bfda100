package iam

import (
	api "github.com/warder-iam/warder/internal/api/iam"
	"github.com/warder-iam/warder/internal/awserr"
	"github.com/warder-iam/warder/internal/service"
	"github.com/warder-iam/warder/internal/state"
)

// Tags on resources
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html): one rule for
// every kind of resource that takes them. What a tag may be is in entity.go.

// taggable is how the tagging operations reach the resources of one kind.
type taggable[R any] struct {
	find  func(c *service.Call, s *state.Snapshot, name *string) (*R, error)
	table func(tx *state.Tx) *state.Table[R]
	tags  func(r *R) *[]state.Tag
	// What AWS says to no tags and no keys at all; "" if it was not seen to refuse.
	noTags, noKeys string
}

func (k taggable[R]) tag(c *service.Call, tx *state.Tx, name *string, in []api.Tag) (*none, error) {
	r, err := k.find(c, &tx.Snapshot, name)
	if err != nil {
		return nil, err
	}
	if len(in) == 0 && k.noTags != "" {
		return nil, invalidInput("%s", k.noTags)
	}
	tags, err := mergeTags(*k.tags(r), in)
	if err != nil {
		return nil, err
	}
	k.table(tx).Update(r, func(r *R) { *k.tags(r) = tags })
	return nil, nil
}

// untag ignores keys that are not there, as AWS does.
func (k taggable[R]) untag(c *service.Call, tx *state.Tx, name *string, keys []string) (*none, error) {
	r, err := k.find(c, &tx.Snapshot, name)
	if err != nil {
		return nil, err
	}
	if len(keys) == 0 && k.noKeys != "" {
		return nil, invalidInput("%s", k.noKeys)
	}
	k.table(tx).Update(r, func(r *R) { *k.tags(r) = withoutTags(*k.tags(r), keys) })
	return nil, nil
}

func (k taggable[R]) list(c *service.Call, s *state.Snapshot, name, marker *string, maxItems *int32) ([]api.Tag, paged, error) {
	r, err := k.find(c, s, name)
	if err != nil {
		return nil, paged{}, err
	}
	return tagsPage(*k.tags(r), marker, maxItems)
}

var (
	userTags = taggable[state.User]{
		find:  findUser,
		table: func(tx *state.Tx) *state.Table[state.User] { return &tx.Users },
		tags:  func(u *state.User) *[]state.Tag { return &u.Tags },

		noTags: "Error occurred while validating input. ",
	}
	roleTags = taggable[state.Role]{
		find:  findRole,
		table: func(tx *state.Tx) *state.Table[state.Role] { return &tx.Roles },
		tags:  func(r *state.Role) *[]state.Tag { return &r.Tags },
	}
	policyTags = taggable[state.ManagedPolicy]{
		find:  taggedPolicy,
		table: func(tx *state.Tx) *state.Table[state.ManagedPolicy] { return &tx.Policies },
		tags:  func(p *state.ManagedPolicy) *[]state.Tag { return &p.Tags },
	}
	instanceProfileTags = taggable[state.InstanceProfile]{
		find:  findInstanceProfile,
		table: func(tx *state.Tx) *state.Table[state.InstanceProfile] { return &tx.InstanceProfiles },
		tags:  func(p *state.InstanceProfile) *[]state.Tag { return &p.Tags },
	}
	mfaDeviceTags = taggable[state.MFADevice]{
		find:  taggedMFADevice,
		table: func(tx *state.Tx) *state.Table[state.MFADevice] { return &tx.MFADevices },
		tags:  func(d *state.MFADevice) *[]state.Tag { return &d.Tags },
	}
)

// taggedPolicy finds a customer managed policy of the caller's account. Nobody
// tags another account's policies, nor AWS's.
func taggedPolicy(c *service.Call, s *state.Snapshot, policyARN *string) (*state.ManagedPolicy, error) {
	p := s.PolicyByARN(*policyARN)
	switch {
	case p != nil && p.Account == c.Caller.Account:
		return p, nil
	case p != nil && p.AWSManaged():
		return nil, invalidInput("Tags not supported for policies in this domain")
	}
	return nil, awserr.New("NoSuchEntity", "Policy %s was not found.", *policyARN)
}

// taggedMFADevice finds a virtual device: hardware tokens have no tags.
func taggedMFADevice(c *service.Call, s *state.Snapshot, serial *string) (*state.MFADevice, error) {
	return findVirtualMFADevice(c, s, *serial)
}

func (s *Service) tagUser(c *service.Call, tx *state.Tx, in *api.TagUserRequest) (*none, error) {
	return userTags.tag(c, tx, in.UserName, in.Tags)
}

func (s *Service) untagUser(c *service.Call, tx *state.Tx, in *api.UntagUserRequest) (*none, error) {
	return userTags.untag(c, tx, in.UserName, in.TagKeys)
}

func (s *Service) listUserTags(c *service.Call, snap *state.Snapshot, in *api.ListUserTagsRequest) (*api.ListUserTagsResponse, error) {
	tags, end, err := userTags.list(c, snap, in.UserName, in.Marker, in.MaxItems)
	return &api.ListUserTagsResponse{Tags: tags, IsTruncated: end.IsTruncated, Marker: end.Marker}, err
}

func (s *Service) tagRole(c *service.Call, tx *state.Tx, in *api.TagRoleRequest) (*none, error) {
	return roleTags.tag(c, tx, in.RoleName, in.Tags)
}

func (s *Service) untagRole(c *service.Call, tx *state.Tx, in *api.UntagRoleRequest) (*none, error) {
	return roleTags.untag(c, tx, in.RoleName, in.TagKeys)
}

func (s *Service) listRoleTags(c *service.Call, snap *state.Snapshot, in *api.ListRoleTagsRequest) (*api.ListRoleTagsResponse, error) {
	tags, end, err := roleTags.list(c, snap, in.RoleName, in.Marker, in.MaxItems)
	return &api.ListRoleTagsResponse{Tags: tags, IsTruncated: end.IsTruncated, Marker: end.Marker}, err
}

func (s *Service) tagPolicy(c *service.Call, tx *state.Tx, in *api.TagPolicyRequest) (*none, error) {
	return policyTags.tag(c, tx, in.PolicyArn, in.Tags)
}

func (s *Service) untagPolicy(c *service.Call, tx *state.Tx, in *api.UntagPolicyRequest) (*none, error) {
	return policyTags.untag(c, tx, in.PolicyArn, in.TagKeys)
}

func (s *Service) listPolicyTags(c *service.Call, snap *state.Snapshot, in *api.ListPolicyTagsRequest) (*api.ListPolicyTagsResponse, error) {
	tags, end, err := policyTags.list(c, snap, in.PolicyArn, in.Marker, in.MaxItems)
	return &api.ListPolicyTagsResponse{Tags: tags, IsTruncated: end.IsTruncated, Marker: end.Marker}, err
}

func (s *Service) tagInstanceProfile(c *service.Call, tx *state.Tx, in *api.TagInstanceProfileRequest) (*none, error) {
	return instanceProfileTags.tag(c, tx, in.InstanceProfileName, in.Tags)
}

func (s *Service) untagInstanceProfile(c *service.Call, tx *state.Tx, in *api.UntagInstanceProfileRequest) (*none, error) {
	return instanceProfileTags.untag(c, tx, in.InstanceProfileName, in.TagKeys)
}

func (s *Service) listInstanceProfileTags(c *service.Call, snap *state.Snapshot, in *api.ListInstanceProfileTagsRequest) (*api.ListInstanceProfileTagsResponse, error) {
	tags, end, err := instanceProfileTags.list(c, snap, in.InstanceProfileName, in.Marker, in.MaxItems)
	return &api.ListInstanceProfileTagsResponse{Tags: tags, IsTruncated: end.IsTruncated, Marker: end.Marker}, err
}

func (s *Service) tagMFADevice(c *service.Call, tx *state.Tx, in *api.TagMFADeviceRequest) (*none, error) {
	return mfaDeviceTags.tag(c, tx, in.SerialNumber, in.Tags)
}

func (s *Service) untagMFADevice(c *service.Call, tx *state.Tx, in *api.UntagMFADeviceRequest) (*none, error) {
	return mfaDeviceTags.untag(c, tx, in.SerialNumber, in.TagKeys)
}

func (s *Service) listMFADeviceTags(c *service.Call, snap *state.Snapshot, in *api.ListMFADeviceTagsRequest) (*api.ListMFADeviceTagsResponse, error) {
	tags, end, err := mfaDeviceTags.list(c, snap, in.SerialNumber, in.Marker, in.MaxItems)
	return &api.ListMFADeviceTagsResponse{Tags: tags, IsTruncated: end.IsTruncated, Marker: end.Marker}, err
}
