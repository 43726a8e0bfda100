package authn

import (
	"github.com/warder-iam/warder/internal/state"
	"github.com/warder-iam/warder/policy"
)

// Caller is who makes a request, as far as its credentials prove it.
type Caller struct {
	policy.Principal
	KeyID   string      // access key id; "" for an anonymous caller
	Session *Session    // nil for long-term credentials
	User    *state.User // of a user and of a user's sessions; nil otherwise
	Role    *state.Role // of a role session; nil otherwise

	// Claims are what an identity provider says of a caller that shows its
	// token: a WebIdentity or SAML principal, or a session made from one.
	Claims Claims
}

// Federated is the caller of an operation that takes an identity provider's
// token for a signature: kind is policy.WebIdentity or policy.SAML, provider
// the one that vouches, as a trust policy's Principal names it.
func Federated(kind policy.PrincipalKind, provider string, claims Claims) *Caller {
	return &Caller{Principal: policy.Principal{Kind: kind, Provider: provider}, Claims: claims}
}

// FederatedProvider is the caller's aws:FederatedProvider; "" if no identity
// provider stands behind it.
func (c *Caller) FederatedProvider() string {
	if c.Session != nil {
		return c.Session.Provider
	}
	return c.Provider
}

// Anonymous is the caller of a request without credentials.
func Anonymous() *Caller {
	return &Caller{Principal: policy.Principal{Kind: policy.Anonymous}}
}

// UserID is the aws:userid of the caller, and the UserId that
// sts:GetCallerIdentity answers: the unique id, with the session's name behind
// it where there is one
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#principaltable).
func (c *Caller) UserID() string {
	switch c.Kind {
	case policy.Root:
		return c.Account
	case policy.RoleSession:
		return c.UniqueID + ":" + c.Session.Name
	case policy.FederatedUser:
		return c.Account + ":" + c.Session.Name
	default:
		return c.UniqueID
	}
}

// Tag is a tag of the caller: one of the session, or else one of the user or role.
func (c *Caller) Tag(key string) (string, bool) {
	if c.Session != nil {
		session := state.Entity{Tags: c.Session.Tags}
		if v, ok := session.Tag(key); ok {
			return v, true
		}
	}
	switch {
	case c.Role != nil:
		return c.Role.Tag(key)
	case c.User != nil && c.Kind == policy.User:
		return c.User.Tag(key)
	}
	return "", false
}

// PolicyARN is the caller's aws:PrincipalArn: for a role session the role's
// ARN, not the session's.
func (c *Caller) PolicyARN() string {
	if c.Kind == policy.RoleSession {
		return c.RoleARN
	}
	return c.ARN
}

// Type is the caller's aws:PrincipalType.
func (c *Caller) Type() string {
	switch c.Kind {
	case policy.Root:
		return "Account"
	case policy.User:
		return "User"
	case policy.RoleSession:
		return "AssumedRole"
	case policy.FederatedUser:
		return "FederatedUser"
	default:
		return "Anonymous"
	}
}

// UserName is the caller's aws:username: users have one, sessions of roles,
// federated users and root users do not.
func (c *Caller) UserName() string {
	if c.Kind == policy.User {
		return c.User.Name
	}
	return ""
}
