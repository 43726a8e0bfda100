package sts

import (
	"time"

	"github.com/warder-iam/warder/arn"
	api "github.com/warder-iam/warder/internal/api/sts"
	"github.com/warder-iam/warder/internal/authn"
	"github.com/warder-iam/warder/internal/awserr"
	"github.com/warder-iam/warder/internal/delegation"
	"github.com/warder-iam/warder/internal/service"
	"github.com/warder-iam/warder/internal/state"
)

// getDelegatedAccessToken exchanges the token of a delegation request, once, for
// a session of the principal that accepted it. The session has that principal's
// permissions as far as the request's policy allows them too, and the state that
// the approver's session had, so that conditions on tags and source identity hold
// as they did. MFA is not in it: its bearer has shown none. It counts as issued
// when the request was accepted, so that what revokes older sessions of the
// principal revokes it too, exchanged or not
// (https://docs.aws.amazon.com/STS/latest/APIReference/API_GetDelegatedAccessToken.html).
func (s *Service) getDelegatedAccessToken(c *service.Call, tx *state.Tx, in *api.GetDelegatedAccessTokenRequest) (*api.GetDelegatedAccessTokenResponse, error) {
	id, ok := delegation.Open(s.ring, c.Caller.Account, *in.TradeInToken)
	if !ok {
		return nil, expiredTradeIn()
	}
	r := tx.DelegationRequests.Get(id)
	if r == nil || r.Requestor != c.Caller.Account || !delegation.Tradable(r, c.Now()) {
		return nil, expiredTradeIn()
	}
	principal, ok := delegator(&tx.Snapshot, r)
	if !ok {
		return nil, expiredTradeIn()
	}
	a := r.Approver
	session := &authn.Session{
		Kind: authn.Delegated, Account: r.Account, Principal: a.ID, Name: a.Session, Policy: r.Policy,
		Tags: a.Tags, Transitive: a.Transitive, SourceIdentity: a.SourceIdentity,
		Provider: a.Provider, Claims: a.Claims, Chained: true, Issued: a.Issued,
		Delegate: r.Requestor,
	}
	if _, err := packedSize(session); err != nil {
		return nil, err
	}
	credentials, err := s.issue(c, session, int(delegation.Ends(r).Sub(c.Now())/time.Second))
	if err != nil {
		return nil, err
	}
	tx.DelegationRequests.Update(r, func(r *state.DelegationRequest) { r.Traded, r.Updated = c.Now(), c.Now() })
	return &api.GetDelegatedAccessTokenResponse{Credentials: credentials, AssumedPrincipal: &principal}, nil
}

// expiredTradeIn is the answer to every token that cannot be exchanged: it does
// not say why.
func expiredTradeIn() error {
	return awserr.New("ExpiredTradeInTokenException", "The trade-in token is not valid or has expired.")
}

// delegator is the ARN of the principal that accepted a request; not ok if it is
// gone.
func delegator(s *state.Snapshot, r *state.DelegationRequest) (principal string, ok bool) {
	a := r.Approver
	if a.ID == r.Account {
		account := s.Accounts.Get(r.Account)
		return arn.Root(r.Account), account != nil && !account.Created.After(a.Issued)
	}
	if u := s.Users.Get(a.ID); u != nil {
		return u.ARN(), u.Account == r.Account
	}
	if role := s.Roles.Get(a.ID); role != nil {
		return arn.AssumedRole(role.Account, role.Name, a.Session), role.Account == r.Account
	}
	return "", false
}
