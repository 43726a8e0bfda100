package iam

import (
	"encoding/json"

	"github.com/warder-iam/warder/arn"
	api "github.com/warder-iam/warder/internal/api/iam"
	"github.com/warder-iam/warder/internal/awserr"
	"github.com/warder-iam/warder/internal/ids"
	"github.com/warder-iam/warder/internal/service"
	"github.com/warder-iam/warder/internal/state"
	"github.com/warder-iam/warder/policy"
)

// checkPolicyARN refuses an ARN that cannot be a managed policy's. AWS looks at
// each element: the partition is the account's, the service is iam, there is no
// region, the type is policy.
func checkPolicyARN(text string) error {
	a, err := arn.Parse(text)
	switch {
	case err != nil:
		return noARN(text)
	case a.Partition != "aws":
		return validation("Invalid ARN partition")
	case a.Service != "iam" || a.Region != "" || a.ResourceType() != "policy":
		return invalidARN(text)
	}
	return nil
}

func policyNotFound(policyARN string) error {
	return awserr.New("NoSuchEntity", "Policy %s was not found.", policyARN)
}

// findPolicy finds a managed policy, of the account or of AWS, by its ARN.
// Authorization has refused the policies of other accounts.
func findPolicy(s *state.Snapshot, policyARN *string) (*state.ManagedPolicy, error) {
	if err := checkPolicyARN(*policyARN); err != nil {
		return nil, err
	}
	if p := s.PolicyByARN(*policyARN); p != nil {
		return p, nil
	}
	return nil, policyNotFound(*policyARN)
}

// findCustomerPolicy is findPolicy for operations that change the policy.
// Authorization has refused AWS's; this keeps them out of the account's records
// if it ever should not.
func findCustomerPolicy(c *service.Call, s *state.Snapshot, policyARN *string) (*state.ManagedPolicy, error) {
	p, err := findPolicy(s, policyARN)
	if err == nil && p.Account != c.Caller.Account {
		err = policyNotFound(*policyARN)
	}
	return p, err
}

// managedDocument checks the document of a managed policy. Unlike an inline
// policy it must be of the present version of the policy language. AWS says so
// of everything that it can read, before it looks further.
func managedDocument(text string) (*state.Document, error) {
	_, err := policy.ParseText(policy.Identity, text)
	if err == nil || err.Error() != policy.ReasonSyntax {
		var head struct{ Version string }
		if json.Unmarshal([]byte(text), &head) != nil || head.Version != "2012-10-17" {
			return nil, awserr.New("MalformedPolicyDocument", "Policy document must be version 2012-10-17 or greater.")
		}
	}
	if err != nil {
		return nil, awserr.New("MalformedPolicyDocument", "%s", err.Error())
	}
	if policy.NonWhitespaceLen([]byte(text)) > maxPolicySize {
		return nil, overQuota("PolicySize", maxPolicySize)
	}
	return &state.Document{Text: text}, nil
}

func (s *Service) createPolicy(c *service.Call, tx *state.Tx, in *api.CreatePolicyRequest) (*api.CreatePolicyResponse, error) {
	account := c.Caller.Account
	doc, err := managedDocument(*in.PolicyDocument)
	if err != nil {
		return nil, err
	}
	if tx.Policy(account, *in.PolicyName) != nil {
		return nil, awserr.New("EntityAlreadyExists", "A policy called %s already exists. Duplicate names are not allowed.", *in.PolicyName)
	}
	if err := within(s.quotas, policiesPerAccount, tx.Policies.Len(), tx.PoliciesOf(account, "")); err != nil {
		return nil, err
	}
	tags, err := newTags(in.Tags)
	if err != nil {
		return nil, err
	}
	p := &state.ManagedPolicy{
		Entity: state.Entity{
			Account: account, ID: s.ids.Unique(ids.Policy, account), Name: *in.PolicyName,
			Path: pathOf(in.Path), Created: c.Now(), Tags: tags,
		},
		Description: deref(in.Description),
	}
	p.AddVersion(doc, c.Now(), true)
	tx.Policies.Put(p)
	out := listedOf(p).output(&tx.Snapshot, account)
	out.Tags = tagsOut(p.Tags)
	return &api.CreatePolicyResponse{Policy: out}, nil
}

func (s *Service) getPolicy(c *service.Call, snap *state.Snapshot, in *api.GetPolicyRequest) (*api.GetPolicyResponse, error) {
	p, err := findPolicy(snap, in.PolicyArn)
	if err != nil {
		return nil, err
	}
	out := listedOf(p).output(snap, c.Caller.Account)
	out.Description = optional(p.Description)
	out.Tags = everyTag(p.Tags)
	return &api.GetPolicyResponse{Policy: out}, nil
}

func (s *Service) deletePolicy(c *service.Call, tx *state.Tx, in *api.DeletePolicyRequest) (*none, error) {
	p, err := findCustomerPolicy(c, &tx.Snapshot, in.PolicyArn)
	if err != nil {
		return nil, err
	}
	switch {
	case tx.AttachmentCount(p.Account, p.ARN())+tx.BoundaryCount(p.Account, p.ARN()) > 0:
		return nil, deleteConflict("Cannot delete a policy attached to entities.")
	case len(p.Versions) > 1:
		return nil, deleteConflict("This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The default version is deleted with the policy.")
	}
	tx.Policies.Delete(p)
	return nil, nil
}
