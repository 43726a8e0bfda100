package sts

import (
	"strings"

	api "github.com/warder-iam/warder/internal/api/sts"
	"github.com/warder-iam/warder/internal/authn"
	"github.com/warder-iam/warder/internal/awserr"
	"github.com/warder-iam/warder/internal/federation/oidc"
	"github.com/warder-iam/warder/internal/service"
	"github.com/warder-iam/warder/internal/state"
	"github.com/warder-iam/warder/policy"
)

// sts:AssumeRoleWithWebIdentity
// (https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html).

// builtIn are the providers that need no record in the account: a trust policy
// names them by themselves.
var builtIn = map[string]bool{"accounts.google.com": true, "cognito-identity.amazonaws.com": true}

// verifyWebIdentity verifies the token. Only a provider that the role's account
// has registered, or one that is built in, is ever asked for keys.
func (s *Service) verifyWebIdentity(c *service.Call, snap *state.Snapshot, in *api.AssumeRoleWithWebIdentityRequest) (*bearer, error) {
	role, err := roleARN(*in.RoleArn)
	if err != nil {
		return nil, err
	}
	switch id := deref(in.ProviderId); {
	case id == "www.amazon.com" || id == "graph.facebook.com":
		return nil, awserr.New(awserr.CodeNotImplemented, "OAuth 2.0 access tokens of %s are not taken by Warder: use an OpenID Connect ID token, without ProviderId.", id)
	case in.ProviderId != nil:
		return nil, validation("ProviderId is for OAuth 2.0 access tokens only, of www.amazon.com or graph.facebook.com.")
	}
	unverified, err := oidc.Read(*in.WebIdentityToken)
	if err != nil {
		return nil, err
	}
	url, isURL := strings.CutPrefix(unverified.Issuer, "https://")
	name, provider := "", (*oidc.Provider)(nil)
	if p := snap.OIDCProvider(role.Account, url); isURL && p != nil && p.URL == url {
		name, provider = p.ARN(), &oidc.Provider{URL: p.URL, ClientIDs: p.ClientIDs, Thumbprints: p.Thumbprints}
	} else if builtIn[url] {
		name, provider = url, &oidc.Provider{URL: url, AnyClient: true}
	} else {
		return nil, awserr.New("InvalidIdentityToken", "No OpenIDConnect provider found in your account for %s", unverified.Issuer)
	}
	token, err := s.oidc.Verify(c, c.Time, unverified, provider)
	if err != nil {
		return nil, err
	}
	return webBearer(in, name, provider, token)
}

// webBearer is what a genuine token and the request make of the caller.
func webBearer(in *api.AssumeRoleWithWebIdentityRequest, name string, provider *oidc.Provider, token *oidc.Token) (*bearer, error) {
	claims, keep, err := token.Conditions(provider)
	if err != nil {
		return nil, err
	}
	b := &bearer{
		Caller: authn.Federated(policy.WebIdentity, name, claims), Keep: keep, token: token,
		RoleARN: *in.RoleArn, SessionName: *in.RoleSessionName,
		Policy: in.Policy, PolicyARNs: in.PolicyArns, Seconds: seconds(in.DurationSeconds),
	}
	if b.SourceIdentity, err = token.SourceIdentity(); err != nil {
		return nil, err
	}
	tags, transitive, err := token.Tags()
	if err != nil {
		return nil, err
	}
	for _, t := range tags {
		b.Tags = append(b.Tags, api.Tag{Key: &t.Key, Value: &t.Value})
	}
	b.Transitive = transitive
	return b, nil
}

func (s *Service) assumeRoleWithWebIdentity(c *service.Call, snap *state.Snapshot, _ *api.AssumeRoleWithWebIdentityRequest) (*api.AssumeRoleWithWebIdentityResponse, error) {
	made, err := s.federate(c, snap)
	if err != nil {
		return nil, err
	}
	b := bearerOf(c)
	token := b.token.(*oidc.Token)
	return &api.AssumeRoleWithWebIdentityResponse{
		Credentials: made.Credentials, AssumedRoleUser: made.User, PackedPolicySize: made.Packed, SourceIdentity: made.Source,
		SubjectFromWebIdentityToken: &token.Subject, Audience: &token.Audience, Provider: ptr(b.Caller.FederatedProvider()),
	}, nil
}
