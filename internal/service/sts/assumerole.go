package sts

import (
	"reflect"

	"github.com/warder-iam/warder/arn"
	api "github.com/warder-iam/warder/internal/api/sts"
	"github.com/warder-iam/warder/internal/authn"
	"github.com/warder-iam/warder/internal/authz"
	"github.com/warder-iam/warder/internal/awserr"
	"github.com/warder-iam/warder/internal/service"
	"github.com/warder-iam/warder/internal/state"
	"github.com/warder-iam/warder/policy"
)

const (
	minSession     = 900  // seconds
	defaultSession = 3600 // of AssumeRole
	maxChained     = 3600 // of a role assumed with a role's credentials
)

// noTrust is the trust policy of a role that does not exist: it trusts nobody,
// and all it says is about a unique id that nobody has. So a caller cannot tell a role that is not there from one that does not trust it.
var noTrust = func() *policy.Policy {
	doc, err := policy.Parse(policy.Trust, []byte(`{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":{"AWS":"AIDA0000000000000000"},"Action":"sts:AssumeRole"}]}`))
	if err != nil {
		panic(err)
	}
	return policy.Compile(policy.Source{Type: policy.SourceResource}, doc)
}()

// assumeRoleRule authorizes sts:AssumeRole against the role's trust policy, and
// with it sts:TagSession and sts:SetSourceIdentity where the session has tags
// or a source identity, its caller's transitive ones among them.
func assumeRoleRule(action string, _ reflect.Type) service.Authorize {
	return func(c *service.Call, s *state.Snapshot, input any) ([]authz.Check, error) {
		in := input.(*api.AssumeRoleRequest)
		if err := assumable(c, in); err != nil {
			return nil, err
		}
		check := authz.Check{Action: action, Resource: *in.RoleArn, ResourcePolicy: noTrust}
		target, _ := arn.Parse(*in.RoleArn)
		check.Account = target.Account
		if role := s.RoleByARN(*in.RoleArn); role != nil {
			check.Tags = role.Tags
			trust, err := authz.TrustPolicy(role)
			if err != nil {
				return nil, denied(&c.Request, action, *in.RoleArn)
			}
			check.ResourcePolicy = trust
		}
		if in.ExternalId != nil {
			check.Set("sts:ExternalId", policy.String(*in.ExternalId))
		}
		source := sourceIdentity(c, in)
		session := new(authn.Session)
		if err := setTags(session, c.Caller.Session, in.Tags, in.TransitiveTagKeys); err != nil {
			return nil, err
		}
		return sessionChecks(check, *in.RoleSessionName, source, session), nil
	}
}

// assumable refuses what no policy can allow.
func assumable(c *service.Call, in *api.AssumeRoleRequest) error {
	if _, err := roleARN(*in.RoleArn); err != nil {
		return err
	}
	if c.Caller.Kind == policy.Root {
		return awserr.New(awserr.CodeAccessDenied, "Roles may not be assumed by root accounts.")
	}
	if len(in.ProvidedContexts) > 0 {
		return awserr.New(awserr.CodeNotImplemented, "ProvidedContexts of AssumeRole is not implemented by Warder.")
	}
	return nil
}

// sourceIdentity is the source identity that the session will have: the one of
// the caller's session stays, once set.
func sourceIdentity(c *service.Call, in *api.AssumeRoleRequest) string {
	if c.Caller.Session != nil && c.Caller.Session.SourceIdentity != "" {
		return c.Caller.Session.SourceIdentity
	}
	return deref(in.SourceIdentity)
}

func (s *Service) assumeRoleMFA(c *service.Call, _ *state.Snapshot, in *api.AssumeRoleRequest) error {
	return s.requireFactor(c, in.SerialNumber, in.TokenCode)
}

func (s *Service) assumeRole(c *service.Call, snap *state.Snapshot, in *api.AssumeRoleRequest) (*api.AssumeRoleResponse, error) {
	role := snap.RoleByARN(*in.RoleArn)
	if role == nil {
		return nil, denied(&c.Request, "sts:AssumeRole", *in.RoleArn)
	}
	lasts := seconds(in.DurationSeconds)
	chained := c.Caller.Kind == policy.RoleSession || c.Caller.Session != nil && c.Caller.Session.Kind == authn.Delegated
	if chained && lasts > maxChained {
		return nil, validation("The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining")
	}
	if lasts > role.MaxSessionDuration {
		return nil, validation("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	}
	source := sourceIdentity(c, in)
	if asked := deref(in.SourceIdentity); asked != "" && asked != source {
		return nil, awserr.New(awserr.CodeAccessDenied, "The source identity of the calling session is set and cannot be changed.")
	}
	session := &authn.Session{
		Kind: authn.AssumedRole, Account: role.Account, Principal: role.ID, Name: *in.RoleSessionName,
		SourceIdentity: source, Chained: chained,
	}
	if err := setPolicies(snap, session, in.Policy, in.PolicyArns); err != nil {
		return nil, err
	}
	if err := setTags(session, c.Caller.Session, in.Tags, in.TransitiveTagKeys); err != nil {
		return nil, err
	}
	if by := c.Caller.Session; by != nil && by.Delegate != "" {
		// Nothing that a delegation leads to outlives it.
		session.Delegate, session.Expires = by.Delegate, by.Expires
	}
	made, err := s.roleSession(c, role, session, lasts)
	if err != nil {
		return nil, err
	}
	return &api.AssumeRoleResponse{
		Credentials: made.Credentials, AssumedRoleUser: made.User, PackedPolicySize: made.Packed, SourceIdentity: made.Source,
	}, nil
}

// roleSession is what an operation that takes on a role has made.
type roleSession struct {
	Credentials *api.Credentials
	User        *api.AssumedRoleUser
	Packed      *int32
	Source      *string // nil if there is no source identity
}

// roleSession issues a session of a role, once it has been authorized.
func (s *Service) roleSession(c *service.Call, role *state.Role, session *authn.Session, seconds int) (*roleSession, error) {
	packed, err := packedSize(session)
	if err != nil {
		return nil, err
	}
	credentials, err := s.issue(c, session, seconds)
	if err != nil {
		return nil, err
	}
	out := &roleSession{
		Credentials: credentials, Packed: packed,
		User: &api.AssumedRoleUser{
			AssumedRoleId: ptr(role.ID + ":" + session.Name),
			Arn:           ptr(arn.AssumedRole(role.Account, role.Name, session.Name)),
		},
	}
	if session.SourceIdentity != "" {
		out.Source = &session.SourceIdentity
	}
	return out, nil
}
