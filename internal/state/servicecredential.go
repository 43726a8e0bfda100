package state

import (
	"iter"
	"time"
)

// ServiceCredential is a credential of a user that one service takes: a name and
// a password, or an API key.
type ServiceCredential struct {
	ID      string // ACCA…
	Account string
	Owner   string // unique id of the user
	Service string // "codecommit.amazonaws.com"
	// Login is the name that the service knows the credential by, unique in the
	// service: "NAME-at-ACCOUNT", "NAME+1-at-ACCOUNT", … It stays when the user is
	// renamed.
	Login   string
	Active  bool
	Created time.Time
	Expires time.Time `json:",omitzero"` // zero: never
	// Digest is the SHA-256 of the password. Nobody chose the password: it has 352
	// random bits, so the digest needs no salt and no stretching.
	Digest []byte
}

// Expired says whether the credential's time is over.
func (c *ServiceCredential) Expired(now time.Time) bool {
	return !c.Expires.IsZero() && !now.Before(c.Expires)
}

const (
	serviceCredentialByOwner = iota
	serviceCredentialByLogin
	serviceCredentialByAccount
)

var serviceCredentialSchema = schema[ServiceCredential]{
	prefix: "iam/service-credential/",
	key:    func(c *ServiceCredential) string { return c.ID },
	indexes: []index[ServiceCredential]{
		serviceCredentialByOwner: {name: "owner", keys: func(c *ServiceCredential) []string { return []string{c.Owner} }},
		serviceCredentialByLogin: {name: "login", unique: true, keys: func(c *ServiceCredential) []string {
			return []string{c.Service + "/" + c.Login}
		}},
		serviceCredentialByAccount: {name: "account", unique: true, keys: func(c *ServiceCredential) []string {
			return []string{c.Account + "/" + c.ID}
		}},
	},
}

// ServiceCredentialsOf iterates over a user's credentials by their ids.
func (s *Snapshot) ServiceCredentialsOf(owner string) iter.Seq[*ServiceCredential] {
	return values(s.ServiceCredentials.scan(serviceCredentialByOwner, owner+"\x00", ""))
}

// ServiceCredentialByLogin finds a credential by the name that its service knows
// it by; nil if there is none.
func (s *Snapshot) ServiceCredentialByLogin(service, login string) *ServiceCredential {
	return s.ServiceCredentials.find(serviceCredentialByLogin, service+"/"+login)
}

// ServiceCredentialsIn iterates over an account's credentials by their ids, after
// the one with the id after.
func (s *Snapshot) ServiceCredentialsIn(account, after string) iter.Seq[*ServiceCredential] {
	if after != "" {
		after = account + "/" + after
	}
	return values(s.ServiceCredentials.scan(serviceCredentialByAccount, account+"/", after))
}
