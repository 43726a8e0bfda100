package iam

import (
	"reflect"
	"strconv"
	"strings"

	"github.com/warder-iam/warder/arn"
	api "github.com/warder-iam/warder/internal/api/iam"
	"github.com/warder-iam/warder/internal/authz"
	"github.com/warder-iam/warder/internal/service"
	"github.com/warder-iam/warder/internal/state"
	"github.com/warder-iam/warder/policy"
)

// The authorization of delegation requests. A request is of the account that is
// to grant the access, or, until that is known, of whoever looks
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies-temporary-delegation.html#temporary-delegation-managing-permissions).

const delegationKind = "delegation-request"

// delegationFor finds a request that the caller's account may know of; nil if
// there is none. Others' requests are not told from those that do not exist.
func delegationFor(c *service.Call, s *state.Snapshot, id string) *state.DelegationRequest {
	r := s.DelegationRequests.Get(id)
	if r == nil || r.Account != "" && r.Account != c.Caller.Account {
		return nil
	}
	return r
}

// onDelegation fills in a check for a request.
func onDelegation(c *service.Call, s *state.Snapshot, id string, check *authz.Check) {
	check.Account = c.Caller.Account
	check.Resource = arn.IAM(check.Account, delegationKind, "/", id)
	if r := delegationFor(c, s, id); r != nil && r.Owner != nil {
		check.Set("iam:DelegationRequestOwner", policy.String(delegatorARN(s, r.Owner)))
	}
}

// delegationRequest is the target of the operations on a request.
func delegationRequest(input reflect.Type) service.Part {
	id := service.Member[*string](input, "DelegationRequestId")
	return func(c *service.Call, s *state.Snapshot, in any, check *authz.Check) error {
		onDelegation(c, s, *id(in), check)
		return nil
	}
}

// summarized is the target of GetHumanReadableSummary: the request that an ARN names.
func summarized(input reflect.Type) service.Part {
	text := service.Member[*string](input, "EntityArn")
	return func(c *service.Call, s *state.Snapshot, in any, check *authz.Check) error {
		id, err := delegationID(c, *text(in))
		if err != nil {
			return err
		}
		onDelegation(c, s, id, check)
		return nil
	}
}

// delegationID is the id in a request's ARN. The ARN of another account's is as
// good as one of no request.
func delegationID(c *service.Call, text string) (string, error) {
	a, err := arn.Parse(text)
	if err != nil || a.Service != "iam" || a.Region != "" || a.ResourceType() != delegationKind || a.ResourceID() == "" {
		return "", invalidARN(text)
	}
	if a.Account != c.Caller.Account {
		return "", noSuchDelegation(a.ResourceID())
	}
	return a.ResourceID(), nil
}

// newDelegationRequest is the target of CreateDelegationRequest: a request of
// which only the account is known yet.
func newDelegationRequest(reflect.Type) service.Part {
	return func(c *service.Call, _ *state.Snapshot, input any, check *authz.Check) error {
		in := input.(*api.CreateDelegationRequestRequest)
		check.Account = c.Caller.Account
		check.Resource = arn.IAM(check.Account, delegationKind, "/", "*")
		check.Set("iam:DelegationDuration", policy.String(strconv.Itoa(int(*in.SessionDuration))))
		check.Set("iam:NotificationChannel", policy.String(*in.NotificationChannel))
		if template := in.Permissions.PolicyTemplateArn; template != nil {
			check.Set("iam:TemplateArn", policy.String(*template))
		}
		return nil
	}
}

// delegationOwnerFilter adds the owner that ListDelegationRequests asks for.
func delegationOwnerFilter(input reflect.Type) service.Part {
	owner := service.Member[*string](input, "OwnerId")
	return func(_ *service.Call, _ *state.Snapshot, in any, check *authz.Check) error {
		if o := owner(in); o != nil {
			check.Set("iam:DelegationRequestOwner", policy.String(*o))
		}
		return nil
	}
}

// ownerGrant is what the owner of a request may do with it by default.
var ownerGrant = func() *policy.Policy {
	doc, err := policy.Parse(policy.Resource, []byte(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Resource":"*",`+
		`"Action":["iam:GetDelegationRequest","iam:UpdateDelegationRequest","iam:GetHumanReadableSummary"]}}`))
	if err != nil {
		panic(err)
	}
	return policy.Compile(policy.Source{Type: policy.SourceResource, Name: "delegation request"}, doc)
}()

// delegationOwner gives the owner of a request its default permission. A Deny in
// any policy still ends it.
func delegationOwner(input reflect.Type) service.Part {
	id := func(any) *string { return nil }
	if service.HasMember(input, "DelegationRequestId") {
		id = service.Member[*string](input, "DelegationRequestId")
	}
	return func(c *service.Call, s *state.Snapshot, in any, check *authz.Check) error {
		which := deref(id(in))
		if which == "" {
			which = strings.TrimPrefix(check.Resource, arn.IAM(check.Account, delegationKind, "/", ""))
		}
		if r := delegationFor(c, s, which); r != nil && r.Owner.Is(callerAsDelegator(c)) {
			check.ResourcePolicy = ownerGrant
		}
		return nil
	}
}

// callerAsDelegator is the caller as a request remembers principals.
func callerAsDelegator(c *service.Call) *state.Delegator {
	d := &state.Delegator{ID: c.Caller.UniqueID, ARN: c.Caller.ARN}
	if c.Caller.Kind == policy.RoleSession {
		d.Session = c.Caller.Session.Name
	}
	return d
}

// delegatorARN is the ARN that a principal has now, or had last.
func delegatorARN(s *state.Snapshot, d *state.Delegator) string {
	if u := s.Users.Get(d.ID); u != nil {
		return u.ARN()
	}
	if r := s.Roles.Get(d.ID); r != nil {
		return arn.AssumedRole(r.Account, r.Name, d.Session)
	}
	return d.ARN
}
