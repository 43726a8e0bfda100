package iam

import (
	"slices"
	"strings"
	"time"

	api "github.com/warder-iam/warder/internal/api/iam"
	"github.com/warder-iam/warder/internal/authz"
	"github.com/warder-iam/warder/internal/delegation"
	"github.com/warder-iam/warder/internal/service"
	"github.com/warder-iam/warder/internal/state"
	"github.com/warder-iam/warder/policy"
)

const maxRequestorName = 30

func (s *Service) getDelegationRequest(c *service.Call, snap *state.Snapshot, in *api.GetDelegationRequestRequest) (*api.GetDelegationRequestResponse, error) {
	r := delegationFor(c, snap, *in.DelegationRequestId)
	if r == nil {
		return nil, noSuchDelegation(*in.DelegationRequestId)
	}
	out := &api.GetDelegationRequestResponse{DelegationRequest: delegationOut(snap, r, c.Now())}
	if deref(in.DelegationPermissionCheck) {
		// Warder is done at once, AWS answers later.
		out.PermissionCheckStatus = ptr(api.PermissionCheckStatusTypeCOMPLETE)
		out.PermissionCheckResult = ptr(s.covers(c, snap, r))
	}
	return out, nil
}

func (s *Service) listDelegationRequests(c *service.Call, snap *state.Snapshot, in *api.ListDelegationRequestsRequest) (*api.ListDelegationRequestsResponse, error) {
	after, limit, err := start(in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	found, end := page(snap.DelegationRequestsOf(c.Caller.Account, after), limit, (*state.DelegationRequest).PageKey,
		func(r *state.DelegationRequest) bool {
			return in.OwnerId == nil || delegatorARN(snap, r.Owner) == *in.OwnerId
		})
	out := &api.ListDelegationRequestsResponse{DelegationRequests: []api.DelegationRequest{}, IsTruncated: end.IsTruncated, Marker: end.Marker}
	for _, r := range found {
		out.DelegationRequests = append(out.DelegationRequests, *delegationOut(snap, r, c.Now()))
	}
	return out, nil
}

func delegationOut(s *state.Snapshot, r *state.DelegationRequest, now time.Time) *api.DelegationRequest {
	out := &api.DelegationRequest{
		DelegationRequestId: ptr(r.ID), OwnerAccountId: optional(r.Account), Description: ptr(r.Description),
		RequestMessage: optional(r.Message), Permissions: permissionsOut(r), PermissionPolicy: ptr(r.Policy),
		RolePermissionRestrictionArns: roleRestrictions(r.Policy),
		State:                         ptr(delegation.StateOf(r, now)), ExpirationTime: ptr(r.Expires),
		RequestorId: ptr(r.Requestor), RequestorName: requestorName(s, r), CreateDate: ptr(r.Created), UpdatedTime: ptr(r.Updated),
		SessionDuration: ptr(int32(r.Seconds)), RedirectUrl: optional(r.RedirectURL),
		Notes: optional(r.Notes), RejectionReason: optional(r.Rejection), OnlySendByOwner: ptr(deref(r.OnlySendByOwner)),
	}
	if r.Owner != nil {
		out.OwnerId = ptr(delegatorARN(s, r.Owner))
	}
	if r.Approver != nil {
		out.ApproverId = ptr(delegatorARN(s, &r.Approver.Delegator))
	}
	return out
}

func permissionsOut(r *state.DelegationRequest) *api.DelegationPermission {
	out := &api.DelegationPermission{PolicyTemplateArn: ptr(r.Template)}
	for _, p := range r.Parameters {
		out.Parameters = append(out.Parameters, api.PolicyParameter{Name: ptr(p.Name), Type: ptr(p.Type), Values: p.Values})
	}
	return out
}

// requestorName is what the requestor's account is called, as far as it fits.
func requestorName(s *state.Snapshot, r *state.DelegationRequest) *string {
	account := s.Accounts.Get(r.Requestor)
	if account == nil {
		return nil
	}
	name := []rune(accountName(account))
	return optional(string(name[:min(len(name), maxRequestorName)]))
}

// roleRestrictions are the permissions boundaries that a policy requires of the
// roles that it allows to create; none if it allows any role without one.
func roleRestrictions(text string) []string {
	doc, err := policy.ParseText(policy.Session, text)
	if err != nil {
		return nil
	}
	var arns []string
	for i := range doc.Statements {
		st := &doc.Statements[i]
		if st.Effect != policy.Allow || st.NotAction == slices.ContainsFunc(st.Actions, createsRoles) {
			continue
		}
		required := boundariesOf(st)
		if len(required) == 0 {
			return nil
		}
		for _, b := range required {
			if !slices.Contains(arns, b) {
				arns = append(arns, b)
			}
		}
	}
	return arns
}

// boundariesOf are the boundaries of which a statement requires one: by a
// condition that a role without a boundary fails.
func boundariesOf(st *policy.Statement) (arns []string) {
	for _, cond := range st.Conditions {
		if !strings.EqualFold(cond.Key.Value, "iam:PermissionsBoundary") || !restricts(cond.Operator) {
			continue
		}
		for _, v := range cond.Values {
			arns = append(arns, v.Value)
		}
	}
	return arns
}

func restricts(o policy.Operator) bool {
	switch o.Comparison {
	case policy.OpStringEquals, policy.OpStringEqualsIgnoreCase, policy.OpStringLike, policy.OpArnEquals, policy.OpArnLike:
		return !o.IfExists && o.Quantifier != policy.ForAllValues
	default:
		return false
	}
}

func createsRoles(action policy.Item) bool { return policy.MatchAction(action.Value, "iam:CreateRole") }

// covers says whether the caller has all the permissions that a request asks
// for: an approximation, as with AWS, that says ALLOWED or DENIED only where no
// condition or exception has a part in it.
func (s *Service) covers(c *service.Call, snap *state.Snapshot, r *state.DelegationRequest) string {
	asked, err := policy.ParseText(policy.Session, r.Policy)
	layers, err2 := s.authz.Layers(snap, c.Caller)
	if err != nil || err2 != nil {
		return api.PermissionCheckResultTypeUNSURE
	}
	simple := layers.Boundary == nil && layers.Session == nil && plain(layers.Identity)
	all := true
	for _, st := range asked.Statements {
		if st.Effect != policy.Allow {
			continue
		}
		if st.NotAction || st.NotResource {
			simple = false
		}
		for _, action := range st.Actions {
			for _, resource := range st.Resources {
				check := authz.Check{Action: action.Value, Resource: resource.Value, Account: c.Caller.Account}
				d, _, err := s.authz.Decide(snap, &c.Request, &check)
				if err == nil && d.Allowed() {
					// A pattern that stands for what has ? in it is wider than it looks.
					simple = simple && !strings.ContainsAny(action.Value+resource.Value, "?$")
					continue
				}
				all = false
				// Several statements may add up to a pattern, but not to everything.
				if strings.ContainsAny(action.Value, "*?") || resource.Value != "*" && strings.ContainsAny(resource.Value, "*?$") {
					simple = false
				}
			}
		}
	}
	switch {
	case !simple:
		return api.PermissionCheckResultTypeUNSURE
	case all:
		return api.PermissionCheckResultTypeALLOWED
	}
	return api.PermissionCheckResultTypeDENIED
}

// plain says whether policies allow by patterns of * alone: no Deny, no
// condition, no exception, no variable.
func plain(set *policy.Set) bool {
	if set == nil {
		return true
	}
	for _, p := range set.Policies() {
		for _, st := range p.Document().Statements {
			if st.Effect != policy.Allow || st.NotAction || st.NotResource || len(st.Conditions) > 0 {
				return false
			}
			for _, item := range slices.Concat(st.Actions, st.Resources) {
				if strings.ContainsAny(item.Value, "?$") {
					return false
				}
			}
		}
	}
	return true
}
