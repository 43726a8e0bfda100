package sts

import (
	"reflect"
	"slices"

	"github.com/warder-iam/warder/arn"
	api "github.com/warder-iam/warder/internal/api/sts"
	"github.com/warder-iam/warder/internal/authz"
	"github.com/warder-iam/warder/internal/service"
	"github.com/warder-iam/warder/internal/state"
	"github.com/warder-iam/warder/policy"
)

// rootTasks are the managed policies that a privileged session of a member
// account's root user may be given
// (https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoot.html).
var rootTasks = []string{
	"arn:aws:iam::aws:policy/root-task/IAMAuditRootUserCredentials",
	"arn:aws:iam::aws:policy/root-task/IAMCreateRootUserPassword",
	"arn:aws:iam::aws:policy/root-task/IAMDeleteRootUserCredentials",
	"arn:aws:iam::aws:policy/root-task/S3UnlockBucketPolicy",
	"arn:aws:iam::aws:policy/root-task/SQSUnlockQueuePolicy",
}

// assumeRootRule authorizes sts:AssumeRoot on the root user of the target
// account, with sts:TaskPolicyArn. Only the caller's own policies are asked, as
// within an organization: a member account has no say in who becomes its root
// user.
func assumeRootRule(action string, _ reflect.Type) service.Authorize {
	return func(c *service.Call, _ *state.Snapshot, input any) ([]authz.Check, error) {
		in := input.(*api.AssumeRootRequest)
		account, err := rootAccount(*in.TargetPrincipal)
		if err != nil {
			return nil, err
		}
		task := deref(in.TaskPolicyArn.Arn)
		if !slices.Contains(rootTasks, task) {
			return nil, validation("Request must contain valid AWS managed task policy ARN")
		}
		check := authz.Check{Action: action, Resource: arn.Root(account), Account: c.Caller.Account}
		check.Set("aws:ResourceAccount", policy.String(account))
		check.Set("sts:TaskPolicyArn", policy.String(task))
		return []authz.Check{check}, nil
	}
}

// rootAccount is the account of a target principal: an account id, or the ARN of
// a root user.
func rootAccount(principal string) (string, error) {
	if arn.IsAccountID(principal) {
		return principal, nil
	}
	a, err := arn.Parse(principal)
	if err != nil || !arn.IsAccountID(a.Account) || principal != arn.Root(a.Account) {
		return "", validation("Request must contain a valid target principal")
	}
	return a.Account, nil
}

// assumeRoot refuses everybody: only the management account of an organization,
// or IAM's delegated administrator in it, may get such a session, for a member
// account.
func (s *Service) assumeRoot(c *service.Call, _ *state.Snapshot, in *api.AssumeRootRequest) (*api.AssumeRootResponse, error) {
	account, err := rootAccount(*in.TargetPrincipal)
	if err != nil {
		return nil, err
	}
	return nil, denied(&c.Request, "sts:AssumeRoot", arn.Root(account))
}
