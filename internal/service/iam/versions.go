package iam

import (
	"slices"
	"strconv"

	api "github.com/warder-iam/warder/internal/api/iam"
	"github.com/warder-iam/warder/internal/awserr"
	"github.com/warder-iam/warder/internal/service"
	"github.com/warder-iam/warder/internal/state"
)

// The versions of managed policies: AWS's have those whose documents are known
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_managed-versioning.html).

// findVersion finds a policy and one version of it. AWS does not say which of
// the two is not there.
func findVersion(s *state.Snapshot, policyARN, versionID *string) (*state.ManagedPolicy, *state.PolicyVersion, error) {
	if err := checkPolicyARN(*policyARN); err != nil {
		return nil, nil, err
	}
	if p := s.PolicyByARN(*policyARN); p != nil {
		if v := p.Version(*versionID); v != nil {
			return p, v, nil
		}
	}
	return nil, nil, noSuchVersion(policyARN, versionID)
}

func noSuchVersion(policyARN, versionID *string) error {
	return awserr.New("NoSuchEntity", "Policy %s version %s does not exist or is not attachable.", *policyARN, *versionID)
}

// findCustomerVersion is findVersion for operations that change the policy; see findCustomerPolicy.
func findCustomerVersion(c *service.Call, s *state.Snapshot, policyARN, versionID *string) (*state.ManagedPolicy, *state.PolicyVersion, error) {
	p, v, err := findVersion(s, policyARN, versionID)
	if err == nil && p.Account != c.Caller.Account {
		err = noSuchVersion(policyARN, versionID)
	}
	return p, v, err
}

// versionOut is a version as all operations but GetPolicyVersion show it:
// without its document.
func versionOut(p *state.ManagedPolicy, v *state.PolicyVersion) *api.PolicyVersion {
	return &api.PolicyVersion{VersionId: ptr(v.ID), IsDefaultVersion: ptr(v.ID == p.Default), CreateDate: ptr(v.Created)}
}

func (s *Service) createPolicyVersion(c *service.Call, tx *state.Tx, in *api.CreatePolicyVersionRequest) (*api.CreatePolicyVersionResponse, error) {
	p, err := findCustomerPolicy(c, &tx.Snapshot, in.PolicyArn)
	if err != nil {
		return nil, err
	}
	doc, err := managedDocument(*in.PolicyDocument)
	if err != nil {
		return nil, err
	}
	if len(p.Versions) >= maxVersions {
		return nil, awserr.New("LimitExceeded", "A managed policy can have up to %d versions. Before you create a new version, you must delete an existing version.", maxVersions)
	}
	p = tx.Policies.Update(p, func(p *state.ManagedPolicy) { p.AddVersion(doc, c.Now(), deref(in.SetAsDefault)) })
	return &api.CreatePolicyVersionResponse{PolicyVersion: versionOut(p, &p.Versions[len(p.Versions)-1])}, nil
}

func (s *Service) getPolicyVersion(_ *service.Call, snap *state.Snapshot, in *api.GetPolicyVersionRequest) (*api.GetPolicyVersionResponse, error) {
	p, v, err := findVersion(snap, in.PolicyArn, in.VersionId)
	if err != nil {
		return nil, err
	}
	out := versionOut(p, v)
	out.Document = encoded(v.Text())
	return &api.GetPolicyVersionResponse{PolicyVersion: out}, nil
}

// listPolicyVersions lists the newest version first.
func (s *Service) listPolicyVersions(_ *service.Call, snap *state.Snapshot, in *api.ListPolicyVersionsRequest) (*api.ListPolicyVersionsResponse, error) {
	p, err := findPolicy(snap, in.PolicyArn)
	if err != nil {
		return nil, err
	}
	after, limit, err := start(in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	newestFirst := slices.Clone(p.Versions)
	slices.Reverse(newestFirst)
	versions, end := page(slices.Values(newestFirst), limit,
		func(v state.PolicyVersion) string { return v.ID },
		func(v state.PolicyVersion) bool { return after == "" || versionNumber(v.ID) < versionNumber(after) })
	out := &api.ListPolicyVersionsResponse{Versions: make([]api.PolicyVersion, 0, len(versions)), IsTruncated: end.IsTruncated, Marker: end.Marker}
	for _, v := range versions {
		out.Versions = append(out.Versions, *versionOut(p, &v))
	}
	return out, nil
}

// versionNumber is 12 for "v12", and 0 for what is no version.
func versionNumber(id string) int {
	if id == "" {
		return 0
	}
	n, err := strconv.Atoi(id[1:])
	if err != nil {
		return 0
	}
	return n
}

func (s *Service) setDefaultPolicyVersion(c *service.Call, tx *state.Tx, in *api.SetDefaultPolicyVersionRequest) (*none, error) {
	p, v, err := findCustomerVersion(c, &tx.Snapshot, in.PolicyArn, in.VersionId)
	if err != nil {
		return nil, err
	}
	tx.Policies.Update(p, func(p *state.ManagedPolicy) { p.Default = v.ID })
	return nil, nil
}

func (s *Service) deletePolicyVersion(c *service.Call, tx *state.Tx, in *api.DeletePolicyVersionRequest) (*none, error) {
	p, v, err := findCustomerVersion(c, &tx.Snapshot, in.PolicyArn, in.VersionId)
	if err != nil {
		return nil, err
	}
	if v.ID == p.Default {
		return nil, deleteConflict("Cannot delete the default version of a policy.")
	}
	id := v.ID
	tx.Policies.Update(p, func(p *state.ManagedPolicy) {
		p.Versions = slices.DeleteFunc(slices.Clone(p.Versions), func(v state.PolicyVersion) bool { return v.ID == id })
	})
	return nil, nil
}
