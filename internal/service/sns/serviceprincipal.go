package sns

import (
	"github.com/warder-iam/warder/internal/authn"
	"github.com/warder-iam/warder/internal/authz"
	"github.com/warder-iam/warder/internal/state"
	"github.com/warder-iam/warder/policy"
)

// permits asks the topic's policy about a service: it has no policies of its own, so
// that one must let it in
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-sourcearn).
func (s *Service) permits(snap *state.Snapshot, t *state.Topic, n *Notice) error {
	resource, err := compiled(t)
	if err != nil {
		return err
	}
	check := authz.Check{Action: "SNS:Publish", Resource: t.ARN(), Account: t.Account, Tags: t.Tags, ResourcePolicy: resource}
	check.Set("aws:SourceArn", policy.String(n.SourceARN))
	check.Set("aws:SourceAccount", policy.String(n.SourceAccount))
	check.Set("aws:PrincipalIsAWSService", policy.Bool(true))
	check.Set("aws:PrincipalServiceName", policy.String(n.Service))
	request := authz.Request{
		Caller: &authn.Caller{Principal: policy.Principal{Kind: policy.Service, ARN: n.Service, Service: n.Service}},
		Time:   n.Time, Region: t.Region, Secure: true,
	}
	return s.authz.Require(snap, &request, &check)
}
