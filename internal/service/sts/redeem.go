package sts

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"time"

	"github.com/warder-iam/warder/internal/awserr"
	"github.com/warder-iam/warder/internal/seal"
	"github.com/warder-iam/warder/internal/service"
	"github.com/warder-iam/warder/internal/state"
)

// What keeps a SAML response from being used again by whoever got hold of it.
// AWS does not document any such thing; clients that use a response for several
// roles, one after the other, are common, and work: an assertion is good for one
// session of each role that it names, and from one address.

const (
	// rememberLonger is how much longer than needed a use is remembered, should
	// the clock be set back.
	rememberLonger = 5 * time.Minute
	// forgetAtOnce bounds what one request clears away.
	forgetAtOnce = 100
)

// redeem notes that the assertion has got a session of the role, or refuses it
// because it had. What is remembered outlives a restart.
func (s *Service) redeem(c *service.Call, t *samlToken, role string) error {
	sum := sha256.Sum256(seal.Owner(t.provider.Account, t.Issuer, t.ID))
	id, address := hex.EncodeToString(sum[:]), c.SourceIP.String()
	return s.saml.State.Update(c, c.Time, func(tx *state.Tx) error {
		var past []*state.Redemption
		for r := range tx.ExpiredRedemptions(c.Time) {
			if past = append(past, r); len(past) == forgetAtOnce {
				break
			}
		}
		for _, r := range past {
			tx.Redemptions.Delete(r)
		}
		r := tx.Redemptions.Get(id)
		switch {
		case r == nil:
			tx.Redemptions.Put(&state.Redemption{ID: id, Expires: t.Expires.Add(rememberLonger), Address: address, Roles: []string{role}, Once: t.Once})
		case r.Once || r.Address != address || slices.Contains(r.Roles, role):
			return awserr.New(codeInvalidToken, "The SAML assertion has been used before.")
		default:
			tx.Redemptions.Update(r, func(r *state.Redemption) { r.Roles = append(slices.Clip(r.Roles), role) })
		}
		return nil
	})
}
