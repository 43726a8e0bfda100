package iam

import (
	"slices"
	"strings"
	"time"

	"github.com/warder-iam/warder/arn"
	api "github.com/warder-iam/warder/internal/api/iam"
	"github.com/warder-iam/warder/internal/authn"
	"github.com/warder-iam/warder/internal/awserr"
	"github.com/warder-iam/warder/internal/delegation"
	"github.com/warder-iam/warder/internal/service"
	"github.com/warder-iam/warder/internal/state"
	"github.com/warder-iam/warder/policy"
)

// Temporary delegation: another account asks for access for some hours, and a
// principal of this one passes on some of what it may do
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies-temporary-delegation.html).
// Templates are managed policies of the requestor's account. What is granted is
// never more than the rendered template and the approver's own permissions: see
// sts.getDelegatedAccessToken and authz.

const (
	unassignedLife = 24 * time.Hour
	delegationLife = 7 * 24 * time.Hour // in every other state
	// keptExpired is how long a request is kept after it has expired (ours).
	keptExpired = 30 * 24 * time.Hour

	maxDelegationRequests = 1000 // of a requestor, those that are kept (ours)
	maxDelegatedPolicy    = 2048 // characters of a rendered template
	maxDelegatedByRoot    = 4 * 3600
)

func noSuchDelegation(id string) error {
	return awserr.New("NoSuchEntity", "The delegation request with id %s cannot be found.", id)
}

func (s *Service) createDelegationRequest(c *service.Call, tx *state.Tx, in *api.CreateDelegationRequestRequest) (*api.CreateDelegationRequestResponse, error) {
	account := c.Caller.Account
	forgetExpired(tx, account, c.Now())
	if tx.DelegationRequestByWorkflow(account, *in.RequestorWorkflowId) != nil {
		return nil, awserr.New("EntityAlreadyExists", "A delegation request with the workflow id %s already exists.", *in.RequestorWorkflowId)
	}
	if atLeast(tx.DelegationRequestsBy(account), maxDelegationRequests) {
		return nil, overQuota("DelegationRequestsPerAccount", maxDelegationRequests)
	}
	if err := checkChannel(account, *in.NotificationChannel); err != nil {
		return nil, err
	}
	r := &state.DelegationRequest{
		ID: s.ids.Request(), Requestor: account, Account: deref(in.OwnerAccountId), WorkflowID: *in.RequestorWorkflowId,
		Description: *in.Description, Message: deref(in.RequestMessage), RedirectURL: deref(in.RedirectUrl),
		Channel: *in.NotificationChannel, Seconds: int(*in.SessionDuration), OnlySendByOwner: in.OnlySendByOwner,
		State: delegation.Unassigned, Created: c.Now(), Updated: c.Now(), Expires: c.Now().Add(unassignedLife),
	}
	if r.Account != "" && tx.Accounts.Get(r.Account) == nil {
		return nil, invalidInput("There is no account %s here.", r.Account)
	}
	if err := fillTemplate(&tx.Snapshot, r, in.Permissions); err != nil {
		return nil, err
	}
	tx.DelegationRequests.Put(r)
	return &api.CreateDelegationRequestResponse{DelegationRequestId: ptr(r.ID)}, nil
}

// forgetExpired removes the requestor's requests that expired long ago.
func forgetExpired(tx *state.Tx, requestor string, now time.Time) {
	for _, r := range slices.Collect(tx.DelegationRequestsBy(requestor)) {
		if !now.Before(r.Expires.Add(keptExpired)) {
			tx.DelegationRequests.Delete(r)
		}
	}
}

// checkChannel takes an SNS topic of the requestor's.
func checkChannel(account, channel string) error {
	a, err := arn.Parse(channel)
	if err != nil || a.Service != "sns" || a.Region == "" || a.Resource == "" || a.Account != account {
		return invalidInput("The notification channel %s is not the ARN of an SNS topic of the account %s.", channel, account)
	}
	return nil
}

// fillTemplate renders the template that a request names. The result must be a
// session policy.
func fillTemplate(s *state.Snapshot, r *state.DelegationRequest, in *api.DelegationPermission) error {
	if in.PolicyTemplateArn == nil {
		return invalidInput("Permissions must name a PolicyTemplateArn.")
	}
	r.Template = *in.PolicyTemplateArn
	template, err := attachable(s, r.Requestor, r.Template)
	if err != nil {
		return invalidInput("The policy template %s does not exist.", r.Template)
	}
	for _, p := range in.Parameters {
		r.Parameters = append(r.Parameters, state.DelegationParameter{Name: deref(p.Name), Type: deref(p.Type), Values: p.Values})
	}
	if r.Policy, err = delegation.Render(template.DefaultVersion().Document.Text, r.Parameters); err != nil {
		return invalidInput("%s.", err.Error())
	}
	if len([]rune(r.Policy)) > maxDelegatedPolicy {
		return invalidInput("The policy is larger than %d characters when its parameters are filled in.", maxDelegatedPolicy)
	}
	if _, err := policy.ParseText(policy.Session, r.Policy); err != nil {
		return invalidInput("The policy with its parameters filled in is not valid: %s", err.Error())
	}
	return nil
}

// openDelegation finds a request that is in one of the given states.
func openDelegation(c *service.Call, s *state.Snapshot, id string, states ...string) (*state.DelegationRequest, error) {
	r := delegationFor(c, s, id)
	if r == nil {
		return nil, noSuchDelegation(id)
	}
	if is := delegation.StateOf(r, c.Now()); !slices.Contains(states, is) {
		return nil, invalidInput("The delegation request is in the state %s, and must be in %s.", is, strings.Join(states, " or "))
	}
	return r, nil
}

// change puts a request into a state, from which it has a week.
func change(c *service.Call, tx *state.Tx, r *state.DelegationRequest, to string, also func(*state.DelegationRequest)) {
	tx.DelegationRequests.Update(r, func(r *state.DelegationRequest) {
		r.State, r.Updated, r.Expires = to, c.Now(), c.Now().Add(delegationLife)
		if also != nil {
			also(r)
		}
	})
}

// byItself refuses delegated sessions, which act for somebody else: what this
// does is for that principal to do.
func byItself(c *service.Call) error {
	if c.Caller.Session != nil && c.Caller.Session.Kind == authn.Delegated {
		return awserr.New(awserr.CodeAccessDenied, "Cannot call %s with delegated credentials", c.Operation.Name)
	}
	return nil
}

func (s *Service) associateDelegationRequest(c *service.Call, tx *state.Tx, in *api.AssociateDelegationRequestRequest) (*none, error) {
	if err := byItself(c); err != nil {
		return nil, err
	}
	r, err := openDelegation(c, &tx.Snapshot, *in.DelegationRequestId, delegation.Unassigned)
	if err != nil {
		return nil, err
	}
	change(c, tx, r, delegation.Assigned, func(r *state.DelegationRequest) {
		r.Account, r.Owner = c.Caller.Account, callerAsDelegator(c)
	})
	return nil, nil
}

func (s *Service) updateDelegationRequest(c *service.Call, tx *state.Tx, in *api.UpdateDelegationRequestRequest) (*none, error) {
	r, err := openDelegation(c, &tx.Snapshot, *in.DelegationRequestId, delegation.Assigned, delegation.PendingApproval)
	if err != nil {
		return nil, err
	}
	change(c, tx, r, delegation.PendingApproval, func(r *state.DelegationRequest) {
		if in.Notes != nil {
			r.Notes = *in.Notes
		}
	})
	return nil, nil
}

// acceptDelegationRequest records who accepts, and the state of its session: that
// is whom the delegated session acts as. A session that is itself held down by
// session policies has nothing to pass on, since the delegated session would be
// free of them.
func (s *Service) acceptDelegationRequest(c *service.Call, tx *state.Tx, in *api.AcceptDelegationRequestRequest) (*none, error) {
	r, err := openDelegation(c, &tx.Snapshot, *in.DelegationRequestId, delegation.Assigned, delegation.PendingApproval)
	if err != nil {
		return nil, err
	}
	if err := byItself(c); err != nil {
		return nil, err
	}
	session := c.Caller.Session
	if session != nil && session.Bounded() {
		return nil, awserr.New(awserr.CodeAccessDenied, "Cannot call AcceptDelegationRequest with credentials that have session policies")
	}
	if c.Caller.Kind == policy.Root && r.Seconds > maxDelegatedByRoot {
		return nil, invalidInput("The root user can only accept delegation requests with a duration of 4 hours or less.")
	}
	approver := &state.Approver{Delegator: *callerAsDelegator(c), Issued: c.Now()}
	if session != nil {
		approver.SessionEnds, approver.Tags, approver.Transitive = session.Expires, session.Tags, session.Transitive
		approver.SourceIdentity, approver.Provider, approver.Claims = session.SourceIdentity, session.Provider, session.Claims
	}
	change(c, tx, r, delegation.Accepted, func(r *state.DelegationRequest) { r.Approver = approver })
	return nil, nil
}

func (s *Service) rejectDelegationRequest(c *service.Call, tx *state.Tx, in *api.RejectDelegationRequestRequest) (*none, error) {
	r, err := openDelegation(c, &tx.Snapshot, *in.DelegationRequestId, delegation.Assigned, delegation.PendingApproval, delegation.Accepted)
	if err != nil {
		return nil, err
	}
	change(c, tx, r, delegation.Rejected, func(r *state.DelegationRequest) { r.Rejection = deref(in.Notes) })
	return nil, nil
}

// sendDelegationToken releases the exchange token: from now on the requestor can
// fetch it (package delegation), and the time that it asked for runs.
func (s *Service) sendDelegationToken(c *service.Call, tx *state.Tx, in *api.SendDelegationTokenRequest) (*none, error) {
	if err := byItself(c); err != nil {
		return nil, err
	}
	r, err := openDelegation(c, &tx.Snapshot, *in.DelegationRequestId, delegation.Accepted)
	if err != nil {
		return nil, err
	}
	if deref(r.OnlySendByOwner) && !r.Owner.Is(callerAsDelegator(c)) {
		return nil, awserr.New(awserr.CodeAccessDenied, "Only the owner of the delegation request can send its token.")
	}
	if end := r.Approver.SessionEnds; !end.IsZero() && !c.Now().Before(end) {
		return nil, invalidInput("The session that accepted the delegation request has ended.")
	}
	change(c, tx, r, delegation.Finalized, func(r *state.DelegationRequest) { r.Finalized = c.Now() })
	return nil, nil
}
