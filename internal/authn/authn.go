// Package authn goes from credentials to a principal: it verifies the signature
// of a request, opens session tokens, checks MFA codes, and says who calls. It
// decides nothing about what the caller may do (internal/authz), except for the
// kinds of session that AWS does not admit to a service at all (admit.go).
//
// There is one verifier and one typed result, *Caller; whatever it does not
// know it refuses. internal/server calls it for every request.
package authn

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/warder-iam/warder/arn"
	"github.com/warder-iam/warder/internal/awserr"
	"github.com/warder-iam/warder/internal/ids"
	"github.com/warder-iam/warder/internal/seal"
	"github.com/warder-iam/warder/internal/state"
	"github.com/warder-iam/warder/policy"
	"github.com/warder-iam/warder/sigv4"
)

// Authenticator verifies requests. It is safe for concurrent use.
type Authenticator struct {
	ring *seal.Keyring
	keys *sigv4.KeyCache
}

// New makes an authenticator that opens secrets and tokens with ring.
func New(ring *seal.Keyring) *Authenticator {
	return &Authenticator{ring: ring, keys: sigv4.NewKeyCache(8192)}
}

// purposeAccessKey binds sealed access key secrets to their use.
const purposeAccessKey = "access-key"

// SealSecret seals the secret of an access key for its record.
func SealSecret(ring *seal.Keyring, account, keyID, secret string) []byte {
	return ring.Seal(purposeAccessKey, seal.Owner(account, keyID), []byte(secret))
}

// OpenSecret is the secret of an access key.
func OpenSecret(ring *seal.Keyring, key *state.AccessKey) (string, error) {
	secret, err := ring.Open(purposeAccessKey, seal.Owner(key.Account, key.ID), key.Secret)
	return string(secret), err
}

// errInvalidToken is AWS's answer to an access key that is unknown, inactive or
// whose principal is gone, and to a session token that is not genuine: it does
// not say which.
func errInvalidToken(cause error) error {
	return &awserr.Error{Code: awserr.CodeInvalidClientTokenID, Message: "The security token included in the request is invalid.", Cause: cause}
}

// Authenticate verifies the signature of a request to a service and gives its
// caller. A request without any signature is refused with
// MissingAuthenticationToken; an operation that takes such requests does not
// ask.
func (a *Authenticator) Authenticate(s *state.Snapshot, r *http.Request, claim *sigv4.Claim, body []byte, now time.Time) (*Caller, error) {
	options := sigv4.Options{Now: now, Service: claim.Service, Keys: a.keys}
	if err := claim.Check(options); err != nil {
		return nil, refused(err)
	}
	caller, secret, err := a.credential(s, claim)
	if err != nil {
		return nil, err
	}
	if err := claim.Verify(r, body, secret, options); err != nil {
		return nil, refused(err)
	}
	// The token is genuine and the signature right: only now is its age told.
	if caller.Session != nil && !now.Before(caller.Session.Expires) {
		return nil, awserr.New(awserr.CodeExpiredToken, "The security token included in the request is expired")
	}
	return caller, nil
}

// credential finds the secret that must have signed the claim, and who is
// behind it. Nothing of the caller may be used before the signature is verified.
func (a *Authenticator) credential(s *state.Snapshot, claim *sigv4.Claim) (*Caller, string, error) {
	if claim.SessionToken != "" {
		return a.sessionCredential(s, claim)
	}
	key := s.AccessKeys.Get(claim.AccessKeyID)
	if key == nil || !key.Active {
		return nil, "", errInvalidToken(nil)
	}
	secret, err := OpenSecret(a.ring, key)
	if err != nil {
		return nil, "", awserr.Internal(err)
	}
	c, err := OfOwner(s, key.Account, key.Owner)
	if err != nil {
		return nil, "", err
	}
	c.KeyID = key.ID
	return c, secret, nil
}

// OfOwner is the caller that the user with a unique id is, or the account's root
// user if the id is the account's, when it signs with a key of its own.
func OfOwner(s *state.Snapshot, account, owner string) (*Caller, error) {
	c := new(Caller)
	return c, c.own(s, account, owner)
}

func (a *Authenticator) sessionCredential(s *state.Snapshot, claim *sigv4.Claim) (*Caller, string, error) {
	session, err := open(a.ring, claim.AccessKeyID, claim.SessionToken)
	if err != nil {
		return nil, "", errInvalidToken(err)
	}
	c, err := OfSession(s, session)
	return c, session.Secret, err
}

// OfSession is the caller that a session is, as long as its principal is there.
func OfSession(s *state.Snapshot, session *Session) (*Caller, error) {
	c := &Caller{KeyID: session.KeyID, Session: session, Claims: session.Claims}
	switch session.Kind {
	case AssumedRole:
		c.Role = s.Roles.Get(session.Principal)
		if c.Role == nil || c.Role.Account != session.Account {
			return nil, errInvalidToken(errors.New("authn: the role of the session is gone"))
		}
		c.Principal = policy.Principal{
			Kind: policy.RoleSession, Account: session.Account, UniqueID: c.Role.ID,
			ARN: arn.AssumedRole(session.Account, c.Role.Name, session.Name), RoleARN: c.Role.ARN(),
		}
	case SessionToken:
		if err := c.own(s, session.Account, session.Principal); err != nil {
			return nil, err
		}
	case Delegated:
		if err := c.delegator(s, session); err != nil {
			return nil, err
		}
	case FederatedUser:
		if err := c.own(s, session.Account, session.Principal); err != nil {
			return nil, err
		}
		c.Principal = policy.Principal{
			Kind: policy.FederatedUser, Account: session.Account, UniqueID: session.Principal,
			ARN: arn.FederatedUser(session.Account, session.Name), UserARN: c.ARN,
		}
	default:
		// Sealed by a Warder that knows more kinds: it may not pass for the user
		// or root user behind it.
		return nil, errInvalidToken(fmt.Errorf("authn: session of the unknown kind %q", session.Kind))
	}
	if session.Principal == session.Account && s.Accounts.Get(session.Account).Created.After(session.Issued) {
		// A root user has no unique id but its account's, which can be made again.
		return nil, errInvalidToken(errors.New("authn: the session is older than its account"))
	}
	return c, nil
}

// delegator makes the caller the principal that delegated: the user, the session
// of a role, or the root user. Session policies hold it to what was delegated,
// whatever grants (internal/authz).
func (c *Caller) delegator(s *state.Snapshot, session *Session) error {
	c.Role = s.Roles.Get(session.Principal)
	if c.Role == nil {
		return c.own(s, session.Account, session.Principal)
	}
	if c.Role.Account != session.Account {
		return errInvalidToken(errors.New("authn: the role of the session is of another account"))
	}
	c.Principal = policy.Principal{
		Kind: policy.RoleSession, Account: session.Account, UniqueID: c.Role.ID,
		ARN: arn.AssumedRole(session.Account, c.Role.Name, session.Name), RoleARN: c.Role.ARN(),
	}
	return nil
}

// own makes the caller the user with the unique id owner, or the account's root
// user if owner is the account id.
func (c *Caller) own(s *state.Snapshot, account, owner string) error {
	if owner == account {
		if s.Accounts.Get(account) == nil {
			return errInvalidToken(errors.New("authn: the account of the credential is gone"))
		}
		c.Principal = policy.Principal{Kind: policy.Root, ARN: arn.Root(account), Account: account, UniqueID: account}
		return nil
	}
	c.User = s.Users.Get(owner)
	if c.User == nil || c.User.Account != account {
		return errInvalidToken(errors.New("authn: the user of the credential is gone"))
	}
	c.Principal = policy.Principal{Kind: policy.User, ARN: c.User.ARN(), Account: account, UniqueID: owner}
	return nil
}

// LastUsedID is the record under which a use by this caller is noted: the
// access key's for long-term credentials, the role's for role sessions; "" for
// others, which AWS keeps no date for.
func (c *Caller) LastUsedID() string {
	switch {
	case c.Role != nil:
		return c.Role.ID
	case c.Session == nil:
		return c.KeyID
	}
	return ""
}

// NewKey makes the id and secret of a session.
func NewKey(src *ids.Source, account string) (keyID, secret string) {
	return src.KeyID(ids.SessionKey, account), src.Secret()
}

// refused gives a refusal of sigv4 the form of an AWS error.
func refused(err error) error {
	if e, ok := errors.AsType[*sigv4.Error](err); ok {
		return awserr.New(e.Code(), "%s", e.Message)
	}
	return awserr.Internal(err)
}

// ReadClaim reads the signature of a request; nil without an error means that
// the request is not signed at all.
func ReadClaim(r *http.Request) (*sigv4.Claim, error) {
	claim, err := sigv4.Read(r)
	if err == nil {
		return claim, nil
	}
	if errors.Is(err, sigv4.ErrMissing) {
		return nil, nil
	}
	return nil, refused(err)
}

// ErrMissing is the answer to an unsigned request where a signature is needed.
func ErrMissing() error { return refused(sigv4.ErrMissing) }
