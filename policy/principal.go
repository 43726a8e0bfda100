package policy

import (
	"strings"

	"github.com/warder-iam/warder/arn"
)

// PrincipalKind is what kind of requester a Principal is.
type PrincipalKind uint8

// The kinds of requesters.
const (
	Anonymous         PrincipalKind = iota // not signed in
	Root                                   // the root user of an account
	User                                   // an IAM user, with a key or a GetSessionToken session
	RoleSession                            // an assumed role
	FederatedUser                          // a GetFederationToken session
	AssumeRootSession                      // a member account's root user, for one task
	WebIdentity                            // the bearer of an OIDC token, before it is a session
	SAML                                   // the bearer of a SAML assertion, before it is a session
	Service                                // an AWS service principal
)

func (k PrincipalKind) String() string {
	return [...]string{"anonymous", "root", "user", "role session", "federated user", "AssumeRoot session", "web identity", "SAML", "service"}[k]
}

// Principal is who makes a request.
type Principal struct {
	Kind PrincipalKind
	// ARN is the user's, the root user's or the session's ARN. It is what
	// AccessDenied messages call the user.
	ARN string
	// RoleARN is the role behind a RoleSession, with its path.
	RoleARN string
	// UserARN is the IAM user (or root) behind a FederatedUser.
	UserARN string
	// Account is the account id, "" for principals of no account.
	Account string
	// UniqueID is the unique id of the user (AIDA…) or role (AROA…), without
	// the session name.
	UniqueID string
	// Service is the name of a Service principal ("ec2.amazonaws.com").
	Service string
	// Provider is the identity provider of a WebIdentity or SAML principal as
	// a trust policy names it: an ARN, or "accounts.google.com".
	Provider string
	// CanonicalUser is the canonical user id of the account, where known.
	CanonicalUser string
	// ServiceLinked is set for sessions of service-linked roles, which neither
	// SCPs nor RCPs bind.
	ServiceLinked bool
}

// hasAccount says whether requesters of the kind belong to an account, and so
// can be named by it and have policies of their own.
func (k PrincipalKind) hasAccount() bool {
	switch k {
	case Root, User, RoleSession, FederatedUser, AssumeRootSession:
		return true
	case Anonymous, WebIdentity, SAML, Service:
	}
	return false
}

// needsSession says whether requesters of the kind have no permissions without
// a session policy.
func (k PrincipalKind) needsSession() bool {
	switch k {
	case FederatedUser, AssumeRootSession:
		return true
	case Anonymous, Root, User, RoleSession, WebIdentity, SAML, Service:
	}
	return false
}

// grade says how closely a Principal element names a requester, on which
// depends what limits the grant.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html
type grade uint8

const (
	notNamed grade = iota
	// byAccount: its account is named, which delegates to identity policies.
	byAccount
	// byIdentity: the role behind the session is named. Boundary and session
	// policy limit the grant.
	byIdentity
	// directly: the user or the session itself is named, or everyone is. An
	// implicit deny elsewhere in the account does not limit the grant. (For
	// "*" see "IAM role principals" in reference_policies_elements_principal.)
	directly
)

type principalSpec struct {
	kind  specKind
	value string
	id    string // the unique id that value was resolved to, if it was
}

type specKind uint8

const (
	specEveryone specKind = iota
	specAccount
	specID
	specARN
	specService
	specFederated
	specCanonical
)

type principalList struct {
	not   bool
	trust bool
	specs []principalSpec
}

func compilePrincipals(src *Statement, o *options) *principalList {
	l := &principalList{not: src.NotPrincipal, specs: make([]principalSpec, 0, len(src.Principals))}
	for _, p := range src.Principals {
		s := principalSpec{value: p.Value}
		switch p.Type {
		case EveryonePrincipal:
			s.kind = specEveryone
		case AWSPrincipal:
			s.kind = specARN
			a, err := arn.Parse(p.Value)
			switch {
			case p.Value == "*":
				s.kind = specEveryone
			case arn.IsAccountID(p.Value):
				s.kind = specAccount
			case err != nil:
				s.kind = specID
			case a.Service == "iam" && a.Resource == "root":
				s.kind, s.value = specAccount, a.Account
			default:
				s.id = o.ids[p.Value]
			}
		case ServicePrincipal:
			s.kind = specService
		case FederatedPrincipal:
			s.kind = specFederated
		case CanonicalUserPrincipal:
			s.kind = specCanonical
		}
		l.specs = append(l.specs, s)
	}
	return l
}

// names says how the specification names the requester.
func (s *principalSpec) names(p *Principal) grade {
	switch s.kind {
	case specEveryone:
		return directly
	case specAccount:
		if p.Kind.hasAccount() && p.Account != "" && p.Account == s.value {
			return byAccount
		}
	case specCanonical:
		if p.Kind.hasAccount() && p.CanonicalUser != "" && p.CanonicalUser == s.value {
			return byAccount
		}
	case specService:
		if p.Kind == Service && p.Service == s.value {
			return directly
		}
	case specFederated:
		if (p.Kind == WebIdentity || p.Kind == SAML) && p.Provider == s.value {
			return directly
		}
	case specID:
		if p.UniqueID != "" && p.UniqueID == s.value {
			return byUniqueID(p)
		}
	case specARN:
		return s.namesARN(p)
	}
	return notNamed
}

// byUniqueID is the grade of a match of the user's or role's unique id.
func byUniqueID(p *Principal) grade {
	switch p.Kind {
	case User:
		return directly
	case RoleSession, FederatedUser:
		return byIdentity
	case Anonymous, Root, AssumeRootSession, WebIdentity, SAML, Service:
	}
	return notNamed
}

func (s *principalSpec) namesARN(p *Principal) grade {
	switch p.Kind {
	case User:
		if s.id != "" {
			if s.id == p.UniqueID {
				return directly
			}
			return notNamed
		}
		if s.value == p.ARN {
			return directly
		}
	case RoleSession, FederatedUser:
		if s.value == p.ARN && strings.Contains(s.value, ":sts:") {
			if s.id != "" && s.id != p.UniqueID {
				return notNamed // a session of another role of that name
			}
			return directly
		}
		if s.id != "" {
			if s.id == p.UniqueID {
				return byIdentity
			}
			return notNamed
		}
		if s.value == p.RoleARN && p.Kind == RoleSession || s.value == p.UserARN && p.Kind == FederatedUser {
			return byIdentity
		}
	case Anonymous, Root, AssumeRootSession, WebIdentity, SAML, Service:
	}
	return notNamed
}

// grade says how the Principal or NotPrincipal element names the requester.
func (l *principalList) grade(p *Principal, effect Effect, bounded bool) grade {
	if l.not {
		return l.gradeNot(p, effect, bounded)
	}
	best := notNamed
	for i := range l.specs {
		s := &l.specs[i]
		g := s.names(p)
		// In a trust policy "*" allows AWS principals: AssumeRole needs
		// credentials, and services and federated identities must be named as
		// what they are. A Deny for "*" reaches everyone.
		if s.kind == specEveryone && l.trust && effect == Allow && !p.Kind.hasAccount() {
			continue
		}
		best = max(best, g)
	}
	return best
}

// gradeNot is for NotPrincipal.
//
// With Deny, a requester is exempt only if everything that it is is named: the
// user or session, the role behind a session, and the account
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html);
// and never if a permissions boundary is set
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html).
//
// With Allow it is not supported, says the same page: such a statement, which
// would allow all the world but a few, allows nobody.
func (l *principalList) gradeNot(p *Principal, effect Effect, bounded bool) grade {
	if effect == Allow {
		return notNamed
	}
	var self, identity, account bool
	for i := range l.specs {
		s := &l.specs[i]
		if s.kind == specEveryone {
			return notNamed
		}
		switch s.names(p) {
		case byAccount:
			account = true
		case byIdentity:
			identity = true
		case directly:
			self = true
		case notNamed:
		}
	}
	exempt := false
	switch p.Kind {
	case Anonymous:
	case Root, AssumeRootSession:
		exempt = account
	case User:
		exempt = self && account
	case RoleSession, FederatedUser:
		exempt = self && identity && account
	case WebIdentity, SAML, Service:
		exempt = self
	}
	if exempt && !bounded {
		return notNamed
	}
	return directly
}
