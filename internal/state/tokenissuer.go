package state

import (
	"slices"
	"time"
)

// TokenIssuer is an account as an issuer of web identity tokens to the outside
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_outbound.html).
// It stays when the feature is disabled: tokens that are out can still be
// verified, and enabling it again gives the same issuer.
type TokenIssuer struct {
	Account string
	ID      string // a UUID; part of the issuer's URL, which is made when it is shown
	Enabled bool
	Keys    []SigningKey // oldest first; per algorithm the numbers rise
}

// SigningKey is a key pair of an issuer. It is published as soon as it exists and
// signs from From on, so that no verifier meets a token before its key.
type SigningKey struct {
	Algorithm string // "RS256" or "ES384"
	Number    int    // counts the issuer's keys of the algorithm, from 0
	From      time.Time
	Private   []byte // sealed: internal/outbound
	Public    []byte // PKIX, DER
}

var tokenIssuerSchema = schema[TokenIssuer]{
	prefix: "sts/token-issuer/",
	key:    func(i *TokenIssuer) string { return i.Account },
	indexes: []index[TokenIssuer]{
		{name: "issuer id", unique: true, keys: func(i *TokenIssuer) []string { return []string{i.ID} }},
	},
}

// TokenIssuerByID finds an issuer by the id in its URL; nil if there is none.
func (s *Snapshot) TokenIssuerByID(id string) *TokenIssuer { return s.TokenIssuers.find(0, id) }

// Signing is the key that signs at a time: the newest one whose time has come;
// nil if there is none.
func (i *TokenIssuer) Signing(algorithm string, now time.Time) *SigningKey {
	for k := len(i.Keys) - 1; k >= 0; k-- {
		if key := &i.Keys[k]; key.Algorithm == algorithm && !now.Before(key.From) {
			return key
		}
	}
	return nil
}

// Newest is the newest key of an algorithm, whether or not its time has come.
func (i *TokenIssuer) Newest(algorithm string) *SigningKey {
	for k := len(i.Keys) - 1; k >= 0; k-- {
		if i.Keys[k].Algorithm == algorithm {
			return &i.Keys[k]
		}
	}
	return nil
}

// Superseded says whether a newer key of the same algorithm has been signing
// since a time.
func (i *TokenIssuer) Superseded(k SigningKey, since time.Time) bool {
	return slices.ContainsFunc(i.Keys, func(other SigningKey) bool {
		return other.Algorithm == k.Algorithm && other.Number > k.Number && !since.Before(other.From)
	})
}
