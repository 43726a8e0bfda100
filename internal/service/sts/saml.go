package sts

import (
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/warder-iam/warder/arn"
	api "github.com/warder-iam/warder/internal/api/sts"
	"github.com/warder-iam/warder/internal/authn"
	"github.com/warder-iam/warder/internal/awserr"
	"github.com/warder-iam/warder/internal/federation/saml"
	"github.com/warder-iam/warder/internal/service"
	"github.com/warder-iam/warder/internal/state"
	"github.com/warder-iam/warder/policy"
)

// sts:AssumeRoleWithSAML
// (https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithSAML.html).

// SAML is what STS needs besides for SAML.
type SAML struct {
	State     *state.State   // remembers assertions that were used
	Endpoints saml.Endpoints // that responses may be for; AWS's if there are none
}

const codeInvalidToken = "InvalidIdentityToken"

// samlToken is a verified assertion and the provider that it is from.
type samlToken struct {
	*saml.Assertion
	provider *state.SAMLProvider
}

// verifySAML verifies the response. Only the named provider's keys count, and
// they must be of the role's account.
func (s *Service) verifySAML(c *service.Call, snap *state.Snapshot, in *api.AssumeRoleWithSAMLRequest) (*bearer, error) {
	role, err := roleARN(*in.RoleArn)
	if err != nil {
		return nil, err
	}
	if _, err := arn.Parse(*in.PrincipalArn); err != nil {
		return nil, validation("Request ARN is invalid")
	}
	provider := snap.SAMLProviderByARN(*in.PrincipalArn)
	if provider == nil {
		return nil, awserr.New(codeInvalidToken, "Specified provider doesn't exist")
	}
	if provider.Account != role.Account {
		return nil, notAuthorized("sts:AssumeRoleWithSAML")
	}
	known, err := s.knownProvider(provider)
	if err != nil {
		return nil, awserr.Internal(err)
	}
	endpoints := s.saml.Endpoints
	if len(endpoints) == 0 {
		endpoints = saml.AWS
	}
	assertion, err := known.Verify(*in.SAMLAssertion, endpoints, c.Time)
	if err != nil {
		return nil, samlRefusal(err)
	}
	return samlBearer(c, in, &samlToken{assertion, provider})
}

// knownProvider is the provider as its assertions are verified against it.
func (s *Service) knownProvider(p *state.SAMLProvider) (*saml.Provider, error) {
	certificates, err := saml.ParseCertificates(p.Certificates)
	if err != nil {
		return nil, err
	}
	known := &saml.Provider{EntityID: p.EntityID, Certificates: certificates, UUID: p.UUID, ValidUntil: p.ValidUntil, EncryptionRequired: p.EncryptionRequired}
	for _, k := range p.Keys {
		key, err := saml.OpenKey(s.ring, p.Account, p.UUID, k.ID, k.Secret)
		if err != nil {
			return nil, err
		}
		known.Keys = append(known.Keys, key)
	}
	return known, nil
}

// samlRefusal gives a refusal of a response the code that it has in STS.
func samlRefusal(err error) error {
	r, ok := errors.AsType[*saml.Refusal](err)
	if !ok {
		return awserr.Internal(err)
	}
	code := codeInvalidToken
	switch r.Kind {
	case saml.Expired:
		code = "ExpiredTokenException"
	case saml.Rejected:
		code = "IDPRejectedClaim"
	case saml.Unidentified:
		return notAuthorized("sts:AssumeRoleWithSAML")
	}
	return &awserr.Error{Code: code, Message: r.Text, Cause: r.Cause}
}

// AWS's attributes
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_saml_assertions.html).
const (
	samlAttributes      = "https://aws.amazon.com/SAML/Attributes/"
	samlRole            = samlAttributes + "Role"
	samlRoleSessionName = samlAttributes + "RoleSessionName"
	samlSessionDuration = samlAttributes + "SessionDuration"
	samlSourceIdentity  = samlAttributes + "SourceIdentity"
	samlPrincipalTag    = samlAttributes + "PrincipalTag:"
	samlTransitive      = samlAttributes + "TransitiveTagKeys"
)

const maxSessionSeconds = 43200

var (
	sessionNameForm = regexp.MustCompile(`^[a-zA-Z_0-9+=,.@-]{2,64}$`)
	tagForm         = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`)
)

// samlBearer is what a genuine assertion and the request make of the caller.
func samlBearer(c *service.Call, in *api.AssumeRoleWithSAMLRequest, t *samlToken) (*bearer, error) {
	if !t.pairs(*in.RoleArn, *in.PrincipalArn) {
		return nil, notAuthorized("sts:AssumeRoleWithSAML")
	}
	claims := t.claims()
	b := &bearer{
		Caller:  authn.Federated(policy.SAML, *in.PrincipalArn, claims),
		Keep:    kept(claims),
		RoleARN: *in.RoleArn, Policy: in.Policy, PolicyARNs: in.PolicyArns, Seconds: seconds(in.DurationSeconds),
		token: t,
	}
	var err error
	if b.SessionName, err = t.single(samlRoleSessionName); err != nil {
		return nil, err
	}
	if b.SessionName == "" {
		return nil, awserr.New(codeInvalidToken, "RoleSessionName is required in AuthnResponse")
	}
	if !sessionNameForm.MatchString(b.SessionName) {
		return nil, awserr.New(codeInvalidToken, "RoleSessionName in AuthnResponse must match [a-zA-Z_0-9+=,.@-]{2,64}")
	}
	if b.SourceIdentity, err = t.single(samlSourceIdentity); err != nil {
		return nil, err
	}
	if b.SourceIdentity != "" && (!sessionNameForm.MatchString(b.SourceIdentity) || strings.HasPrefix(strings.ToLower(b.SourceIdentity), "aws:")) {
		return nil, awserr.New(codeInvalidToken, `Source Identity must match [a-zA-Z_0-9+=,.@-]{2,64} and not begin with "aws:"`)
	}
	if b.Longest, err = t.longest(c.Time); err != nil {
		return nil, err
	}
	if b.Tags, err = t.tags(); err != nil {
		return nil, err
	}
	b.Transitive = t.Values(samlTransitive)
	return b, nil
}

// pairs says whether the assertion pairs a role with a provider, in either order.
func (t *samlToken) pairs(role, provider string) bool {
	return slices.ContainsFunc(t.Values(samlRole), func(text string) bool {
		one, other, ok := strings.Cut(text, ",")
		one, other = strings.TrimSpace(one), strings.TrimSpace(other)
		return ok && (one == role && other == provider || one == provider && other == role)
	})
}

// single is an attribute that may have one value; "" if it is not there.
func (t *samlToken) single(name string) (string, error) {
	switch values := t.Values(name); len(values) {
	case 0:
		return "", nil
	case 1:
		return values[0], nil
	}
	return "", awserr.New(codeInvalidToken, "The attribute %s must have a single value.", name)
}

// longest is how many seconds the assertion lets a session last; 0 for no limit.
func (t *samlToken) longest(now time.Time) (int, error) {
	limit := 0
	text, err := t.single(samlSessionDuration)
	if err != nil {
		return 0, err
	}
	if text != "" {
		if limit, err = strconv.Atoi(text); err != nil || limit < minSession || limit > maxSessionSeconds {
			return 0, awserr.New(codeInvalidToken, "SessionDuration must be a number of seconds from %d to %d.", minSession, maxSessionSeconds)
		}
	}
	if !t.SessionEnds.IsZero() {
		left := max(int(t.SessionEnds.Sub(now)/time.Second), 1)
		if limit == 0 || left < limit {
			limit = left
		}
	}
	return limit, nil
}

// tags are the session tags, in the order of the attributes.
func (t *samlToken) tags() ([]api.Tag, error) {
	var tags []api.Tag
	for _, name := range t.Names() {
		key, ok := strings.CutPrefix(name, samlPrincipalTag)
		if !ok {
			continue
		}
		value, err := t.single(name)
		if err != nil {
			return nil, err
		}
		if n := len([]rune(key)); n == 0 || n > 128 || len([]rune(value)) > 256 || !tagForm.MatchString(key) || !tagForm.MatchString(value) {
			return nil, awserr.New(codeInvalidToken, "The session tag %s of the SAML assertion is not valid.", name)
		}
		tags = append(tags, api.Tag{Key: &key, Value: &value})
	}
	return tags, nil
}

// nameQualifier is the hash that AWS documents: with the subject, it tells a
// user from all others.
func (t *samlToken) nameQualifier() string {
	sum := sha1.Sum([]byte(t.Issuer + t.provider.Account + "/" + t.provider.Name))
	return base64.StdEncoding.EncodeToString(sum[:])
}

func (s *Service) assumeRoleWithSAML(c *service.Call, snap *state.Snapshot, in *api.AssumeRoleWithSAMLRequest) (*api.AssumeRoleWithSAMLResponse, error) {
	made, err := s.federate(c, snap)
	if err != nil {
		return nil, err
	}
	t := bearerOf(c).token.(*samlToken)
	if err := s.redeem(c, t, *in.RoleArn); err != nil {
		return nil, err
	}
	return &api.AssumeRoleWithSAMLResponse{
		Credentials: made.Credentials, AssumedRoleUser: made.User, PackedPolicySize: made.Packed, SourceIdentity: made.Source,
		Subject: &t.Subject, SubjectType: &t.SubjectType, Issuer: &t.Issuer, Audience: &t.Recipient, NameQualifier: ptr(t.nameQualifier()),
	}, nil
}
