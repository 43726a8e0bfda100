package iam

import (
	"slices"

	api "github.com/warder-iam/warder/internal/api/iam"
	"github.com/warder-iam/warder/internal/awserr"
	"github.com/warder-iam/warder/internal/service"
	"github.com/warder-iam/warder/internal/state"
)

// Outbound identity federation: the account as an issuer of web identity tokens
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_outbound.html).
// Tokens themselves come from sts:GetWebIdentityToken.

// prepareOutboundFederation makes the keys of an account that has none yet.
func (s *Service) prepareOutboundFederation(c *service.Call, snap *state.Snapshot, _ *none) (any, error) {
	if snap.TokenIssuers.Get(c.Caller.Account) != nil {
		return []state.SigningKey(nil), nil
	}
	return s.issuer.NewKeys(c.Caller.Account, c.Now())
}

// enableOutboundFederation gives an account the issuer that it had before, if it
// had one: what others trust stays what it is.
func (s *Service) enableOutboundFederation(c *service.Call, tx *state.Tx, _ *none) (*api.EnableOutboundWebIdentityFederationResponse, error) {
	r := tx.TokenIssuers.Get(c.Caller.Account)
	switch {
	case r == nil:
		keys, _ := c.Prepared.([]state.SigningKey)
		r = &state.TokenIssuer{Account: c.Caller.Account, ID: s.ids.Request(), Keys: slices.Clone(keys)}
	case r.Enabled:
		return nil, awserr.New("FeatureEnabled", "Outbound identity federation is already enabled for account %s", c.Caller.Account)
	}
	issuer := s.issuer.URL(r)
	if issuer == "" {
		return nil, validation("Warder does not know the URL that others reach it by. Start it with --public-url.")
	}
	tx.TokenIssuers.Update(r, func(r *state.TokenIssuer) { r.Enabled = true })
	return &api.EnableOutboundWebIdentityFederationResponse{IssuerIdentifier: ptr(issuer)}, nil
}

func (s *Service) disableOutboundFederation(c *service.Call, tx *state.Tx, _ *none) (*none, error) {
	r, err := enabledIssuer(c, &tx.Snapshot)
	if err != nil {
		return nil, err
	}
	tx.TokenIssuers.Update(r, func(r *state.TokenIssuer) { r.Enabled = false })
	return nil, nil
}

func (s *Service) getOutboundFederationInfo(c *service.Call, snap *state.Snapshot, _ *none) (*api.GetOutboundWebIdentityFederationInfoResponse, error) {
	r, err := enabledIssuer(c, snap)
	if err != nil {
		return nil, err
	}
	return &api.GetOutboundWebIdentityFederationInfoResponse{
		IssuerIdentifier: ptr(s.issuer.URL(r)), JwtVendingEnabled: ptr(true),
	}, nil
}

func enabledIssuer(c *service.Call, s *state.Snapshot) (*state.TokenIssuer, error) {
	if r := s.TokenIssuers.Get(c.Caller.Account); r != nil && r.Enabled {
		return r, nil
	}
	return nil, awserr.New("FeatureDisabled", "Outbound identity federation is disabled for account %s", c.Caller.Account)
}
