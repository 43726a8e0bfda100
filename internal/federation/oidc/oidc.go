// Package oidc verifies OpenID Connect ID tokens, the web identity tokens of
// sts:AssumeRoleWithWebIdentity: it finds the keys of an identity provider over
// HTTPS, keeps them for a while, and says what a genuine token vouches for. It
// refuses in AWS's words.
//
// It does not decide which providers are trusted (the account's records do) nor
// what a token is good for (role trust policies do). internal/service/sts calls
// it for tokens, internal/service/iam for certificate thumbprints.
//
// What it needs of a token and of a provider is listed in
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc.html
// and https://repost.aws/knowledge-center/iam-oidc-idp-federation.
package oidc

import (
	"context"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/warder-iam/warder/internal/awserr"
)

// A Provider is an identity provider whose tokens are taken.
type Provider struct {
	URL         string   // of the issuer, without "https://"
	ClientIDs   []string // of which a token must be for one
	AnyClient   bool     // of a provider that is built in: role trust policies say which
	Thumbprints []string // of certificates that may vouch for its TLS, besides the roots; SHA-1 in lower case hexadecimal
}

// The error codes of STS for web identity tokens.
const (
	codeInvalid       = "InvalidIdentityToken"
	codeExpired       = "ExpiredTokenException"
	codeCommunication = "IDPCommunicationError"
)

func invalid(format string, args ...any) error { return awserr.New(codeInvalid, format, args...) }

// Verifier verifies tokens. It is safe for concurrent use.
type Verifier struct {
	client *client
	keys   *keyCache
}

// New makes a verifier that reaches providers as far as network lets it.
func New(network Network) *Verifier {
	c := &client{network: network}
	return &Verifier{client: c, keys: newKeyCache(c)}
}

// skew is how far ahead of ours the clock of a provider may be.
const skew = 5 * time.Minute

// Verify says what an unverified token vouches for, if it is genuine, of this
// provider, for a client of it, and good at the time now.
func (v *Verifier) Verify(ctx context.Context, now time.Time, u *Unverified, p *Provider) (*Token, error) {
	if u.Issuer != issuerOf(p.URL) && !(p.AnyClient && u.Issuer == p.URL) {
		// The caller looked the provider up by the issuer: it has to be this one.
		return nil, invalid("No OpenIDConnect provider found in your account for %s", u.Issuer)
	}
	keys, err := v.keys.find(ctx, now, p, u.header)
	if err != nil {
		return nil, err
	}
	payload, err := verifySignature(u.jws, keys)
	if err != nil {
		return nil, err
	}
	t, err := readToken(payload)
	if err != nil {
		return nil, err
	}
	if t.Issuer != u.Issuer {
		return nil, invalid("The issuer of the ID Token is ambiguous.")
	}
	if err := t.current(now); err != nil {
		return nil, err
	}
	if err := t.choose(p); err != nil {
		return nil, err
	}
	return t, nil
}

// verifySignature tries the keys, of which there are several only while a
// provider uses one key id twice or none.
func verifySignature(jws *jose.JSONWebSignature, keys []jose.JSONWebKey) ([]byte, error) {
	for i := range keys {
		if payload, err := jws.Verify(keys[i].Key); err == nil {
			return payload, nil
		}
	}
	return nil, invalid("The ID Token signature is not valid.")
}

// current checks the times of a token.
func (t *Token) current(now time.Time) error {
	switch {
	case !now.Before(t.Expires):
		return awserr.New(codeExpired, "Token expired: current date/time %d must be before the expiration date/time %d", now.Unix(), t.Expires.Unix())
	case t.Issued.After(now.Add(skew)):
		return invalid("The ID Token was issued in the future.")
	case t.NotBefore.After(now.Add(skew)):
		return invalid("The ID Token is not valid yet.")
	}
	return nil
}

// choose finds the audience for which the token is taken. The authorized party,
// where there is one, stands in for the audience, as AWS has it: it is the
// client that the token was issued to
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html#condition-keys-wif).
func (t *Token) choose(p *Provider) error {
	candidates := t.Audiences
	if t.AuthorizedParty != "" {
		candidates = []string{t.AuthorizedParty}
	}
	if p.AnyClient {
		if len(candidates) > 1 {
			return invalid("Incorrect token audience")
		}
		t.Audience = candidates[0]
		return nil
	}
	i := slices.IndexFunc(candidates, func(a string) bool { return slices.Contains(p.ClientIDs, a) })
	if i < 0 {
		return invalid("Incorrect token audience")
	}
	t.Audience = candidates[i]
	return nil
}

func issuerOf(url string) string { return "https://" + url }
