package iam

import (
	api "github.com/warder-iam/warder/internal/api/iam"
	"github.com/warder-iam/warder/internal/service"
	"github.com/warder-iam/warder/internal/state"
)

// The operations that attach managed policies to users, groups and roles; the
// rules are in grants.go
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_manage-attach-detach.html).

func attachUserPolicy(c *service.Call, tx *state.Tx, in *api.AttachUserPolicyRequest) (*none, error) {
	return userGrants.attach(c, tx, in.UserName, in.PolicyArn)
}

func attachGroupPolicy(c *service.Call, tx *state.Tx, in *api.AttachGroupPolicyRequest) (*none, error) {
	return groupGrants.attach(c, tx, in.GroupName, in.PolicyArn)
}

func attachRolePolicy(c *service.Call, tx *state.Tx, in *api.AttachRolePolicyRequest) (*none, error) {
	return roleGrants.attach(c, tx, in.RoleName, in.PolicyArn)
}

func detachUserPolicy(c *service.Call, tx *state.Tx, in *api.DetachUserPolicyRequest) (*none, error) {
	return userGrants.detach(c, tx, in.UserName, in.PolicyArn)
}

func detachGroupPolicy(c *service.Call, tx *state.Tx, in *api.DetachGroupPolicyRequest) (*none, error) {
	return groupGrants.detach(c, tx, in.GroupName, in.PolicyArn)
}

func detachRolePolicy(c *service.Call, tx *state.Tx, in *api.DetachRolePolicyRequest) (*none, error) {
	return roleGrants.detach(c, tx, in.RoleName, in.PolicyArn)
}

func listAttachedUserPolicies(c *service.Call, s *state.Snapshot, in *api.ListAttachedUserPoliciesRequest) (*api.ListAttachedUserPoliciesResponse, error) {
	attached, end, err := userGrants.listAttached(c, s, in.UserName, in.PathPrefix, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	return &api.ListAttachedUserPoliciesResponse{AttachedPolicies: attached, IsTruncated: end.IsTruncated, Marker: end.Marker}, nil
}

func listAttachedGroupPolicies(c *service.Call, s *state.Snapshot, in *api.ListAttachedGroupPoliciesRequest) (*api.ListAttachedGroupPoliciesResponse, error) {
	attached, end, err := groupGrants.listAttached(c, s, in.GroupName, in.PathPrefix, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	return &api.ListAttachedGroupPoliciesResponse{AttachedPolicies: attached, IsTruncated: end.IsTruncated, Marker: end.Marker}, nil
}

func listAttachedRolePolicies(c *service.Call, s *state.Snapshot, in *api.ListAttachedRolePoliciesRequest) (*api.ListAttachedRolePoliciesResponse, error) {
	attached, end, err := roleGrants.listAttached(c, s, in.RoleName, in.PathPrefix, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	return &api.ListAttachedRolePoliciesResponse{AttachedPolicies: attached, IsTruncated: end.IsTruncated, Marker: end.Marker}, nil
}
