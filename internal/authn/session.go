package authn

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/warder-iam/warder/internal/seal"
	"github.com/warder-iam/warder/internal/state"
)

// Kind says how a session came to be.
type Kind string

// The kinds of session.
const (
	AssumedRole   Kind = "role"      // sts:AssumeRole
	SessionToken  Kind = "session"   // sts:GetSessionToken
	FederatedUser Kind = "federated" // sts:GetFederationToken
	Delegated     Kind = "delegated" // sts:GetDelegatedAccessToken
)

// Session is what a session token carries: all that is needed to verify and to
// authorize a request by it, on any node and without a look-up.
type Session struct {
	KeyID   string `json:"k"` // ASIA…
	Secret  string `json:"x"`
	Kind    Kind   `json:"t"`
	Account string `json:"a"`
	// Principal is the unique id of the role or user, or the account id for the
	// root user. A session ends with its principal, not with its name.
	Principal string    `json:"p"`
	Name      string    `json:"n,omitempty"` // role session name or federated user name
	Issued    time.Time `json:"i"`
	Expires   time.Time `json:"e"`

	MFA            *time.Time  `json:"m,omitempty"` // when MFA was proven; nil: not in this session
	SourceIdentity string      `json:"s,omitempty"`
	Tags           []state.Tag `json:"g,omitempty"` // session tags; they override the principal's
	Transitive     []string    `json:"v,omitempty"` // keys of the tags that are handed on when chaining
	Policy         string      `json:"d,omitempty"` // inline session policy
	PolicyARNs     []string    `json:"r,omitempty"` // managed session policies
	Chained        bool        `json:"c,omitempty"` // assumed with role session credentials
	// Delegate is the account that acts by a delegated session, and by the
	// sessions that were got with it; "" for others.
	Delegate string `json:"b,omitempty"`
	// SignedIn says that a SessionToken session is one of a sign-in with a password
	// (internal/signin), and so may do what the user may.
	SignedIn bool `json:"l,omitempty"`

	// Provider is the identity provider that a federated session came from, as
	// aws:FederatedProvider names it; "" for others. Claims are what it said
	// of the bearer that stays in the session as condition keys
	// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html).
	Provider string `json:"f,omitempty"`
	Claims   Claims `json:"q,omitempty"`
}

// Claims are values that an identity provider vouches for, by the condition key
// under which policies ask for them, in lower case: "saml:sub",
// "idp.example.com/realm:aud".
type Claims map[string][]string

// Bounded says whether session policies limit the session.
func (s *Session) Bounded() bool { return s.Policy != "" || len(s.PolicyARNs) > 0 }

// Issue seals a session into its token. The token is bound to the access key
// id, so that it serves with no other.
func Issue(ring *seal.Keyring, s *Session) (string, error) {
	plain, err := json.Marshal(s)
	if err != nil {
		return "", err
	}
	return ring.SealToken([]byte(s.KeyID), pack(plain))
}

// open reads a session out of a token that came with keyID.
func open(ring *seal.Keyring, keyID, token string) (*Session, error) {
	packed, err := ring.OpenToken([]byte(keyID), token)
	if err != nil {
		return nil, err
	}
	plain, err := unpack(packed)
	if err != nil {
		return nil, err
	}
	s := new(Session)
	if err := json.Unmarshal(plain, s); err != nil {
		return nil, err
	}
	if s.KeyID != keyID {
		return nil, errors.New("authn: session token of another key")
	}
	return s, nil
}
