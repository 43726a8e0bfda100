package iam

import (
	api "github.com/warder-iam/warder/internal/api/iam"
	"github.com/warder-iam/warder/internal/service"
	"github.com/warder-iam/warder/internal/state"
)

// The operations on inline policies of users, groups and roles; the rules are
// in grants.go
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_managed-vs-inline.html).

func putUserPolicy(c *service.Call, tx *state.Tx, in *api.PutUserPolicyRequest) (*none, error) {
	return userGrants.putInline(c, tx, in.UserName, in.PolicyName, in.PolicyDocument)
}

func putGroupPolicy(c *service.Call, tx *state.Tx, in *api.PutGroupPolicyRequest) (*none, error) {
	return groupGrants.putInline(c, tx, in.GroupName, in.PolicyName, in.PolicyDocument)
}

func putRolePolicy(c *service.Call, tx *state.Tx, in *api.PutRolePolicyRequest) (*none, error) {
	return roleGrants.putInline(c, tx, in.RoleName, in.PolicyName, in.PolicyDocument)
}

func getUserPolicy(c *service.Call, s *state.Snapshot, in *api.GetUserPolicyRequest) (*api.GetUserPolicyResponse, error) {
	name, p, err := userGrants.getInline(c, s, in.UserName, in.PolicyName)
	if err != nil {
		return nil, err
	}
	return &api.GetUserPolicyResponse{UserName: ptr(name), PolicyName: in.PolicyName, PolicyDocument: encoded(p.Document.Text)}, nil
}

func getGroupPolicy(c *service.Call, s *state.Snapshot, in *api.GetGroupPolicyRequest) (*api.GetGroupPolicyResponse, error) {
	name, p, err := groupGrants.getInline(c, s, in.GroupName, in.PolicyName)
	if err != nil {
		return nil, err
	}
	return &api.GetGroupPolicyResponse{GroupName: ptr(name), PolicyName: in.PolicyName, PolicyDocument: encoded(p.Document.Text)}, nil
}

func getRolePolicy(c *service.Call, s *state.Snapshot, in *api.GetRolePolicyRequest) (*api.GetRolePolicyResponse, error) {
	name, p, err := roleGrants.getInline(c, s, in.RoleName, in.PolicyName)
	if err != nil {
		return nil, err
	}
	return &api.GetRolePolicyResponse{RoleName: ptr(name), PolicyName: in.PolicyName, PolicyDocument: encoded(p.Document.Text)}, nil
}

func deleteUserPolicy(c *service.Call, tx *state.Tx, in *api.DeleteUserPolicyRequest) (*none, error) {
	return userGrants.deleteInline(c, tx, in.UserName, in.PolicyName)
}

func deleteGroupPolicy(c *service.Call, tx *state.Tx, in *api.DeleteGroupPolicyRequest) (*none, error) {
	return groupGrants.deleteInline(c, tx, in.GroupName, in.PolicyName)
}

func deleteRolePolicy(c *service.Call, tx *state.Tx, in *api.DeleteRolePolicyRequest) (*none, error) {
	return roleGrants.deleteInline(c, tx, in.RoleName, in.PolicyName)
}

func listUserPolicies(c *service.Call, s *state.Snapshot, in *api.ListUserPoliciesRequest) (*api.ListUserPoliciesResponse, error) {
	names, end, err := userGrants.listInline(c, s, in.UserName, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	return &api.ListUserPoliciesResponse{PolicyNames: names, IsTruncated: end.IsTruncated, Marker: end.Marker}, nil
}

func listGroupPolicies(c *service.Call, s *state.Snapshot, in *api.ListGroupPoliciesRequest) (*api.ListGroupPoliciesResponse, error) {
	names, end, err := groupGrants.listInline(c, s, in.GroupName, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	return &api.ListGroupPoliciesResponse{PolicyNames: names, IsTruncated: end.IsTruncated, Marker: end.Marker}, nil
}

func listRolePolicies(c *service.Call, s *state.Snapshot, in *api.ListRolePoliciesRequest) (*api.ListRolePoliciesResponse, error) {
	names, end, err := roleGrants.listInline(c, s, in.RoleName, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	return &api.ListRolePoliciesResponse{PolicyNames: names, IsTruncated: end.IsTruncated, Marker: end.Marker}, nil
}
