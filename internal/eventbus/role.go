package eventbus

import (
	"time"

	"github.com/warder-iam/warder/arn"
	"github.com/warder-iam/warder/internal/authn"
	"github.com/warder-iam/warder/internal/authz"
	"github.com/warder-iam/warder/internal/awserr"
	"github.com/warder-iam/warder/internal/state"
	"github.com/warder-iam/warder/policy"
)

// servicePrincipal is what EventBridge is called in policies.
const servicePrincipal = "events.amazonaws.com"

// role is EventBridge in a session of the target's role, whose trust policy must let
// it in
// (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-identity-based.html#eb-event-bus-permissions).
func (b *Bus) role(snap *state.Snapshot, d *delivery) (*authn.Caller, error) {
	role := snap.RoleByARN(d.Role)
	if role == nil {
		return nil, awserr.New("ResourceNotFoundException", "Role %s does not exist.", d.Role)
	}
	trust, err := authz.TrustPolicy(role)
	if err != nil {
		return nil, err
	}
	rule, err := arn.Parse(d.Rule)
	if err != nil {
		return nil, err
	}
	check := authz.Check{Action: "sts:AssumeRole", Resource: role.ARN(), Account: role.Account, Tags: role.Tags, ResourcePolicy: trust}
	check.Set("aws:SourceArn", policy.String(d.Rule))
	check.Set("aws:SourceAccount", policy.String(rule.Account))
	check.Set("aws:PrincipalIsAWSService", policy.Bool(true))
	check.Set("aws:PrincipalServiceName", policy.String(servicePrincipal))
	now := b.Now()
	service := &authn.Caller{Principal: policy.Principal{Kind: policy.Service, ARN: servicePrincipal, Service: servicePrincipal}}
	if err := b.Authz.Require(snap, &authz.Request{Caller: service, Time: now, Region: rule.Region, Secure: true}, &check); err != nil {
		return nil, err
	}
	return authn.OfSession(snap, &authn.Session{
		Kind: authn.AssumedRole, Account: role.Account, Principal: role.ID, Name: "events", Issued: now, Expires: now.Add(time.Hour),
	})
}

// sender is who puts an event on another bus: the target's role or, if it has none,
// the account of the rule.
func (b *Bus) sender(snap *state.Snapshot, d *delivery) (*authn.Caller, error) {
	if d.Role != "" {
		return b.role(snap, d)
	}
	rule, err := arn.Parse(d.Rule)
	if err != nil {
		return nil, err
	}
	return authn.OfOwner(snap, rule.Account, rule.Account)
}
