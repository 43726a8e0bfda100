package sts

import (
	"reflect"

	"github.com/warder-iam/warder/arn"
	api "github.com/warder-iam/warder/internal/api/sts"
	"github.com/warder-iam/warder/internal/audit"
	"github.com/warder-iam/warder/internal/authn"
	"github.com/warder-iam/warder/internal/authz"
	"github.com/warder-iam/warder/internal/awserr"
	"github.com/warder-iam/warder/internal/service"
	"github.com/warder-iam/warder/internal/state"
	"github.com/warder-iam/warder/policy"
)

// What sts:AssumeRoleWithWebIdentity and sts:AssumeRoleWithSAML have in common:
// an identity provider's token stands for the signature of the request. The
// operation's factor step verifies it and says what it vouches for (bearer); the
// role's trust policy decides; a role session is issued.

// A bearer is who shows an identity provider's token, and which session is asked
// for, by the token and by the request. Whoever verifies the token makes it.
type bearer struct {
	// Caller is made by authn.Federated: the provider, and the claims that trust
	// policies ask for.
	Caller *authn.Caller
	// Keep are the claims that stay condition keys in the session.
	Keep authn.Claims

	RoleARN        string
	SessionName    string // shown to be of the form that roleSessionNameType has
	SourceIdentity string // from the token; "" if it has none
	Tags           []api.Tag
	Transitive     []string
	Policy         *string
	PolicyARNs     []api.PolicyDescriptorType
	// Seconds is what the session is to last: what was asked for, or else the
	// default. Longest is the most that the token allows; 0 for no such limit.
	Seconds, Longest int

	token any // what the operation needs of the token for its answer
}

// seconds is the duration that a request asks for, or AssumeRole's default.
func seconds(asked *int32) int {
	if asked == nil {
		return defaultSession
	}
	return int(*asked)
}

// federated makes an operation that takes an identity provider's token for a
// signature. verify must do all that makes the token trustworthy, and nothing
// of it counts before verify has returned without an error. It runs before
// anything is authorized, for anybody: what it costs must be bounded. handle
// calls federate.
func federated[In, Out any](
	name string,
	verify func(*service.Call, *state.Snapshot, *In) (*bearer, error),
	handle func(*service.Call, *state.Snapshot, *In) (*Out, error),
) service.Operation {
	factor := func(c *service.Call, s *state.Snapshot, in *In) error {
		b, err := verify(c, s, in)
		if err != nil {
			return err
		}
		// Should the request be signed as well, that says nothing here.
		c.Caller, c.MFA, c.Prepared, c.Token = b.Caller, nil, b, b.shown()
		return nil
	}
	return service.WithFactor(service.Read(name, federatedRule, handle), factor)
}

// shown is what the audit trail shows of the token: what it asks for.
func (b *bearer) shown() *audit.Token {
	t := &audit.Token{SourceIdentity: b.SourceIdentity, Transitive: b.Transitive}
	for _, tag := range b.Tags {
		t.Tags = append(t.Tags, state.Tag{Key: *tag.Key, Value: *tag.Value})
	}
	if token, ok := b.token.(*samlToken); ok {
		t.ID, t.SessionName = token.ID, b.SessionName
	}
	return t
}

// bearerOf is the bearer of a federated operation's token.
func bearerOf(c *service.Call) *bearer { return c.Prepared.(*bearer) }

// federatedRule authorizes a federated operation against the role's trust
// policy, and with it sts:TagSession and sts:SetSourceIdentity where the token
// has session tags or a source identity
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html).
func federatedRule(action string, _ reflect.Type) service.Authorize {
	return func(c *service.Call, s *state.Snapshot, _ any) ([]authz.Check, error) {
		b := bearerOf(c)
		target, err := roleARN(b.RoleARN)
		if err != nil {
			return nil, err
		}
		check := authz.Check{Action: action, Resource: b.RoleARN, Account: target.Account, ResourcePolicy: noTrust}
		if role := s.RoleByARN(b.RoleARN); role != nil {
			trust, err := authz.TrustPolicy(role)
			if err != nil {
				return nil, notAuthorized(action)
			}
			check.Tags, check.ResourcePolicy = role.Tags, trust
		}
		session := new(authn.Session)
		if err := setTags(session, nil, b.Tags, b.Transitive); err != nil {
			return nil, err
		}
		return sessionChecks(check, b.SessionName, b.SourceIdentity, session), nil
	}
}

// sessionChecks are the checks for a role session: the action that makes it, and
// what its tags and source identity need besides.
func sessionChecks(check authz.Check, name, source string, session *authn.Session) []authz.Check {
	check.Set("sts:RoleSessionName", policy.String(name))
	if source != "" {
		check.Set("sts:SourceIdentity", policy.String(source))
	}
	check.RequestTags = session.Tags
	if len(session.Transitive) > 0 {
		check.Set("sts:TransitiveTagKeys", policy.Strings(session.Transitive...))
	}
	checks := []authz.Check{check}
	if len(session.Tags) > 0 {
		check.Action = "sts:TagSession"
		checks = append(checks, check)
	}
	if source != "" {
		check.Action = "sts:SetSourceIdentity"
		checks = append(checks, check)
	}
	return checks
}

// roleARN reads the ARN of a role that is to be assumed.
func roleARN(text string) (arn.ARN, error) {
	a, err := arn.Parse(text)
	if err != nil {
		return arn.ARN{}, validation("%s is invalid", text)
	}
	if a.Service != "iam" || a.Region != "" || !arn.IsAccountID(a.Account) || a.ResourceType() != "role" || a.ResourceID() == "" {
		return arn.ARN{}, validation("Request ARN is invalid")
	}
	return a, nil
}

// notAuthorized is what a bearer is told whom the trust policy does not let in:
// not whether there is such a role, and not why.
func notAuthorized(action string) error {
	return awserr.New(awserr.CodeAccessDenied, "Not authorized to perform %s", action)
}

// federate issues the session that the bearer has been authorized for.
func (s *Service) federate(c *service.Call, snap *state.Snapshot) (*roleSession, error) {
	b := bearerOf(c)
	role := snap.RoleByARN(b.RoleARN)
	if role == nil {
		return nil, notAuthorized("sts:" + c.Operation.Name)
	}
	lasts := b.Seconds
	if lasts > role.MaxSessionDuration {
		return nil, validation("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	}
	if b.Longest > 0 {
		lasts = min(lasts, b.Longest)
	}
	session := &authn.Session{
		Kind: authn.AssumedRole, Account: role.Account, Principal: role.ID, Name: b.SessionName,
		SourceIdentity: b.SourceIdentity, Provider: b.Caller.FederatedProvider(), Claims: b.Keep,
	}
	if err := setPolicies(snap, session, b.Policy, b.PolicyARNs); err != nil {
		return nil, err
	}
	if err := setTags(session, nil, b.Tags, b.Transitive); err != nil {
		return nil, err
	}
	return s.roleSession(c, role, session, lasts)
}
