// Package question reads questions that are put to the policy engine from
// outside a signed AWS request: by the policy simulator, by the AuthZEN
// endpoint and by the eval command. It turns the ARN of a principal into the
// principal, JSON into condition keys, and policy files into the layers of a
// decision, in one way for all of them, so that they cannot differ.
//
// It decides nothing itself and knows no state: who a principal really is, and
// which policies it has, its callers find out. internal/service/iam,
// internal/service/authzen and cmd/warder call it.
package question

import (
	"fmt"
	"strings"
	"time"

	"github.com/warder-iam/warder/arn"
	"github.com/warder-iam/warder/internal/awspolicies"
	"github.com/warder-iam/warder/policy"
)

// Principal reads a principal as it is named in questions: the ARN of a user, a
// role, a role session, a federated user or an account's root user; the name of
// a service ("ec2.amazonaws.com"); or "*" for somebody who is not signed in. A
// role stands for any session of it. Nothing is looked up, so the unique id
// stays empty, and the path of a session's role, which its ARN does not tell,
// is taken to be "/".
func Principal(text string) (*policy.Principal, error) {
	if text == "*" {
		return &policy.Principal{Kind: policy.Anonymous}, nil
	}
	a, err := arn.Parse(text)
	if err != nil {
		if strings.Contains(text, ".") && !strings.ContainsAny(text, ":/ *?") {
			return &policy.Principal{Kind: policy.Service, Service: text}, nil
		}
		return nil, fmt.Errorf("%q is neither an ARN nor the name of a service", text)
	}
	p := &policy.Principal{ARN: text, Account: a.Account}
	kind, id := a.ResourceType(), a.ResourceID()
	named := id != "" && !strings.HasSuffix(id, "/") && !strings.ContainsAny(id, "*?")
	switch {
	case !arn.IsAccountID(a.Account) || a.Region != "":
	case a.Service == "iam" && a.Resource == "root":
		p.Kind = policy.Root
		return p, nil
	case a.Service == "iam" && kind == "user" && named:
		p.Kind = policy.User
		return p, nil
	case a.Service == "iam" && kind == "role" && named:
		p.Kind, p.RoleARN = policy.RoleSession, text
		return p, nil
	case a.Service == "sts" && kind == "assumed-role" && named:
		role, session, ok := strings.Cut(id, "/")
		if !ok || role == "" || session == "" || strings.Contains(session, "/") {
			break
		}
		p.Kind = policy.RoleSession
		p.RoleARN = arn.ARN{Partition: a.Partition, Service: "iam", Account: a.Account, Resource: "role/" + role}.String()
		return p, nil
	case a.Service == "sts" && kind == "federated-user" && named:
		p.Kind = policy.FederatedUser
		return p, nil
	}
	return nil, fmt.Errorf("%q is not the ARN of a user, a role, a session or a root user", text)
}

// Name is the friendly name at the end of an ARN's path.
func Name(text string) string { return text[strings.LastIndexByte(text, '/')+1:] }

// Facts sets the condition keys that follow from who the principal is, except
// for those that are set already. See
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html.
func Facts(v policy.Values, p *policy.Principal) {
	set := func(name, value string) {
		if value != "" {
			setDefault(v, name, policy.String(value))
		}
	}
	set("aws:PrincipalAccount", p.Account)
	setDefault(v, "aws:PrincipalIsAWSService", policy.Bool(p.Kind == policy.Service))
	switch p.Kind {
	case policy.Root:
		set("aws:PrincipalArn", p.ARN)
		set("aws:PrincipalType", "Account")
		set("aws:userid", p.Account)
	case policy.User:
		if p.ARN == "" {
			return // somebody of the account
		}
		set("aws:PrincipalArn", p.ARN)
		set("aws:PrincipalType", "User")
		set("aws:userid", p.UniqueID)
		set("aws:username", Name(p.ARN))
	case policy.RoleSession:
		set("aws:PrincipalArn", p.RoleARN)
		set("aws:PrincipalType", "AssumedRole")
		if session := Name(p.ARN); p.UniqueID != "" && p.ARN != p.RoleARN {
			set("aws:userid", p.UniqueID+":"+session)
		}
	case policy.FederatedUser:
		set("aws:PrincipalArn", p.ARN)
		set("aws:PrincipalType", "FederatedUser")
		set("aws:userid", p.Account+":"+Name(p.ARN))
	case policy.Service:
		set("aws:PrincipalServiceName", p.Service)
	case policy.Anonymous:
		set("aws:PrincipalType", "Anonymous")
	case policy.AssumeRootSession, policy.WebIdentity, policy.SAML:
	}
}

// Clock sets the keys that tell the time, except for those that are set already.
func Clock(v policy.Values, now time.Time) {
	setDefault(v, "aws:CurrentTime", policy.Time(now))
	setDefault(v, "aws:EpochTime", policy.Int(now.Unix()))
}

func setDefault(v policy.Values, name string, value policy.Value) {
	if _, ok := v[policy.KeyOf(name)]; !ok {
		v.Set(name, value)
	}
}

// Owner is the account that owns a resource that somebody acts on: the one that
// its ARN names, or otherwise where the ARN names none, as those of S3 buckets do
// not. AWS managed policies count as everybody's own, except for who would change
// them.
func Owner(action, resource, otherwise string) string {
	a, err := arn.Parse(resource)
	if err != nil || a.Account == "" || a.Account == awspolicies.Account && a.Service == "iam" && !changesPolicy(action) {
		return otherwise
	}
	return a.Account
}

// changesPolicy says whether the action changes or deletes a managed policy.
func changesPolicy(action string) bool {
	for _, name := range []string{"iam:CreatePolicyVersion", "iam:SetDefaultPolicyVersion", "iam:DeletePolicyVersion", "iam:DeletePolicy"} {
		if strings.EqualFold(action, name) {
			return true
		}
	}
	return false
}

// PolicyKind is the kind of policy that an action on a resource is subject to.
// A role's trust policy, for the actions of STS on the role, and a KMS key's
// policy must grant by themselves
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html).
func PolicyKind(action, resource string) policy.Kind {
	a, err := arn.Parse(resource)
	service, _, _ := strings.Cut(action, ":")
	switch {
	case err != nil:
	case a.Service == "iam" && a.ResourceType() == "role" && strings.EqualFold(service, "sts"):
		return policy.Trust
	case a.Service == "kms" && a.ResourceType() == "key" && strings.EqualFold(service, "kms"):
		return policy.KeyPolicy
	}
	return policy.Resource
}
