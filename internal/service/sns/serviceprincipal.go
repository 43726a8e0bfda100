package sns

import (
	"github.com/warder-iam/warder/internal/authn"
	"github.com/warder-iam/warder/internal/authz"
	"github.com/warder-iam/warder/internal/state"
	"github.com/warder-iam/warder/policy"
)

// permits asks whether a service may publish. In its own name it has no policies, so
// that the topic's must let it in
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-sourcearn).
func (s *Service) permits(snap *state.Snapshot, t *state.Topic, n *Notice) error {
	resource, err := compiled(t)
	if err != nil {
		return err
	}
	check := authz.Check{Action: "SNS:Publish", Resource: t.ARN(), Account: t.Account, Tags: t.Tags, ResourcePolicy: resource}
	check.Set("aws:SourceArn", policy.String(n.SourceARN))
	check.Set("aws:SourceAccount", policy.String(n.SourceAccount))
	request := authz.Request{Caller: n.Caller, Time: n.Time, Region: t.Region, Secure: true}
	if request.Caller == nil {
		check.Set("aws:PrincipalIsAWSService", policy.Bool(true))
		check.Set("aws:PrincipalServiceName", policy.String(n.Service))
		request.Caller = &authn.Caller{Principal: policy.Principal{Kind: policy.Service, ARN: n.Service, Service: n.Service}}
	}
	return s.authz.Require(snap, &request, &check)
}
