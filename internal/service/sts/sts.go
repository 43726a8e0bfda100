// Package sts holds the rules of the AWS Security Token Service: who gets a
// session, for how long, with what in it. Sessions are sealed into their tokens
// (authn.Issue); nothing of them is stored.
package sts

import (
	"time"

	base "github.com/warder-iam/warder/internal/api"
	api "github.com/warder-iam/warder/internal/api/sts"
	"github.com/warder-iam/warder/internal/authn"
	"github.com/warder-iam/warder/internal/authz"
	"github.com/warder-iam/warder/internal/awserr"
	"github.com/warder-iam/warder/internal/federation/oidc"
	"github.com/warder-iam/warder/internal/ids"
	"github.com/warder-iam/warder/internal/outbound"
	"github.com/warder-iam/warder/internal/seal"
	"github.com/warder-iam/warder/internal/service"
	"github.com/warder-iam/warder/internal/state"
)

// Service is STS.
type Service struct {
	ids  *ids.Source
	ring *seal.Keyring
	mfa  *authn.MFA

	issuer *outbound.Issuer
	oidc   *oidc.Verifier
	saml   SAML
}

// Config is what STS works with.
type Config struct {
	IDs    *ids.Source
	Ring   *seal.Keyring // seals sessions into their tokens
	MFA    *authn.MFA
	Issuer *outbound.Issuer // of web identity tokens
	OIDC   *oidc.Verifier
	SAML   SAML
}

// New makes STS's table of operations.
func New(c Config) *service.Service {
	s := &Service{ids: c.IDs, ring: c.Ring, mfa: c.MFA, issuer: c.Issuer, oidc: c.OIDC, saml: c.SAML}
	return service.New(&api.Service, admit, []service.Operation{
		service.WithFactor(service.Read("AssumeRole", assumeRoleRule, s.assumeRole), s.assumeRoleMFA),
		federated("AssumeRoleWithSAML", s.verifySAML, s.assumeRoleWithSAML),
		federated("AssumeRoleWithWebIdentity", s.verifyWebIdentity, s.assumeRoleWithWebIdentity),
		service.Read("AssumeRoot", assumeRootRule, s.assumeRoot),
		service.Read("DecodeAuthorizationMessage", service.On(service.Anything), s.decodeAuthorizationMessage),
		service.Read("GetAccessKeyInfo", service.On(service.Anything), s.getAccessKeyInfo),
		// Needs no permission and cannot be denied:
		// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html.
		service.Read("GetCallerIdentity", service.Free, s.getCallerIdentity),
		service.Write("GetDelegatedAccessToken", service.On(service.Anything), s.getDelegatedAccessToken),
		service.Read("GetWebIdentityToken", webIdentityTokenRule, s.getWebIdentityToken),
		service.Read("GetFederationToken", federationRule, s.getFederationToken),
		// Needs no permission, so that MFA can always be shown:
		// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html.
		service.WithFactor(service.Read("GetSessionToken", service.Free, s.getSessionToken), s.sessionTokenMFA),
	})
}

func admit(c *service.Call, _ *state.Snapshot) error { return c.Caller.AdmitSTS(c.Operation.Name) }

// issue makes the credentials of a session. Its issue time is now, unless it has
// an earlier one already; it ends sooner if it has an end that is sooner.
func (s *Service) issue(c *service.Call, session *authn.Session, seconds int) (*api.Credentials, error) {
	session.KeyID, session.Secret = authn.NewKey(s.ids, session.Account)
	if session.Issued.IsZero() {
		session.Issued = c.Now()
	}
	if end := c.Now().Add(time.Duration(seconds) * time.Second); session.Expires.IsZero() || end.Before(session.Expires) {
		session.Expires = end
	}
	token, err := authn.Issue(s.ring, session)
	if err != nil {
		return nil, packedTooLarge(session)
	}
	return &api.Credentials{
		AccessKeyId: &session.KeyID, SecretAccessKey: &session.Secret, SessionToken: &token, Expiration: &session.Expires,
	}, nil
}

func ptr[T any](v T) *T { return &v }

func deref[T any](p *T) T { return base.Deref(p) }

func validation(format string, args ...any) error {
	return awserr.New(awserr.CodeValidationError, format, args...)
}

func denied(c *authz.Request, action, resource string) error {
	return awserr.New(awserr.CodeAccessDenied, "User: %s is not authorized to perform: %s on resource: %s", c.Caller.ARN, action, resource)
}

// requireFactor checks the pair of MFA parameters and spends the code.
func (s *Service) requireFactor(c *service.Call, serial, code *string) error {
	if serial == nil && code == nil {
		return nil
	}
	if serial == nil || code == nil {
		return awserr.New(awserr.CodeAccessDenied, "MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code.")
	}
	owner := c.Caller.Account // of a root user's device
	if c.Caller.User != nil {
		owner = c.Caller.User.ID
	} else if c.Caller.Role != nil {
		owner = c.Caller.Role.ID // roles have no devices: refused as AWS does
	}
	if err := s.mfa.Consume(c, c.Time, owner, *serial, *code); err != nil {
		return err
	}
	c.MFA = ptr(c.Now())
	return nil
}
