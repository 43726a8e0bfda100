// Package delegation holds what IAM and STS share about temporary delegation
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies-temporary-delegation.html):
// filling in a policy template, and the token that the requestor exchanges for
// credentials. It also serves the requestor's side of it: with AWS the token comes
// by SNS, with Warder the requestor fetches it.
//
// The rules of the operations are in internal/service/iam and internal/service/sts.
package delegation

import (
	"encoding/base64"
	"time"

	"github.com/warder-iam/warder/internal/seal"
	"github.com/warder-iam/warder/internal/state"
)

// The states of a request, by the model's stateType
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/temporary-delegation-building-integration.html#temporary-delegation-request-lifecycle).
const (
	Unassigned      = "UNASSIGNED"
	Assigned        = "ASSIGNED"
	PendingApproval = "PENDING_APPROVAL"
	Accepted        = "ACCEPTED"
	Finalized       = "FINALIZED"
	Rejected        = "REJECTED"
	Expired         = "EXPIRED"
)

// StateOf is the state of a request at a time: any state ends by expiring.
func StateOf(r *state.DelegationRequest, now time.Time) string {
	if !now.Before(r.Expires) {
		return Expired
	}
	return r.State
}

// Ends is when the access of a finalized request ends: after the duration that was
// asked for, from the release of the token on, and no later than the session in
// which it was accepted.
func Ends(r *state.DelegationRequest) time.Time {
	end := r.Finalized.Add(time.Duration(r.Seconds) * time.Second)
	if a := r.Approver; a != nil && !a.SessionEnds.IsZero() && a.SessionEnds.Before(end) {
		return a.SessionEnds
	}
	return end
}

// Tradable says whether the token of a request can be exchanged at a time: it was
// released, not yet exchanged, and the access has not ended.
func Tradable(r *state.DelegationRequest, now time.Time) bool {
	return StateOf(r, now) == Finalized && r.Traded.IsZero() && r.Approver != nil && now.Before(Ends(r))
}

// purpose binds sealed tokens to their use.
const purpose = "delegation-token"

// Token is the exchange token of a request: it names the request, and only the
// requestor's account can use it.
func Token(ring *seal.Keyring, r *state.DelegationRequest) string {
	return base64.RawURLEncoding.EncodeToString(ring.Seal(purpose, seal.Owner(r.Requestor), []byte(r.ID)))
}

// maxToken bounds what is looked at for a token.
const maxToken = 1024

// Open is the id of the request whose token this is, if it is one of the
// requestor's.
func Open(ring *seal.Keyring, requestor, token string) (id string, ok bool) {
	if len(token) > maxToken {
		return "", false
	}
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(token)
	// The decoder passes over line ends, which would give a token many texts.
	if err != nil || base64.RawURLEncoding.EncodedLen(len(sealed)) != len(token) {
		return "", false
	}
	plain, err := ring.Open(purpose, seal.Owner(requestor), sealed)
	return string(plain), err == nil
}
