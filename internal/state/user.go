package state

import (
	"iter"
	"slices"
	"time"

	"github.com/warder-iam/warder/arn"
)

// User is an IAM user.
type User struct {
	Entity
	Grants
	Boundary string        `json:",omitempty"` // ARN of the managed policy that is its permissions boundary
	Groups   []string      `json:",omitempty"` // unique ids, in the order the user was added
	Login    *LoginProfile `json:",omitempty"` // nil: no console password
	// PasswordUsed is when the user last signed in with a password, of this login
	// profile or an earlier one.
	PasswordUsed time.Time `json:",omitzero"`
}

// LoginProfile is a user's console password.
type LoginProfile struct {
	Created       time.Time // of the profile
	Changed       time.Time // of the password
	Hash          string    // argon2id, PHC string form
	Former        []string  `json:",omitempty"` // hashes of earlier passwords, newest first, at most 24
	ResetRequired bool      `json:",omitempty"`
	Guesses
}

// ARN is the user's name in policies.
func (u *User) ARN() string { return arn.IAM(u.Account, "user", u.Path, u.Name) }

const (
	userByName = iota
	userByGroup
	userByPolicy
	userByBoundary
)

var userSchema = schema[User]{
	prefix: "iam/user/",
	key:    func(u *User) string { return u.ID },
	indexes: []index[User]{
		userByName:     {name: "user name", unique: true, keys: func(u *User) []string { return u.nameKeys() }},
		userByGroup:    {name: "group", keys: func(u *User) []string { return u.Groups }},
		userByPolicy:   {name: "attached policy", keys: func(u *User) []string { return attachmentKeys(u.Account, u.Attached) }},
		userByBoundary: {name: "boundary", keys: func(u *User) []string { return boundaryKeys(u.Account, u.Boundary) }},
	},
}

// attachmentKeys are index keys of (account, policy): AWS managed policies are
// shared by all accounts, their attachments are not.
func attachmentKeys(account string, policyARNs []string) []string {
	keys := make([]string, len(policyARNs))
	for i, p := range policyARNs {
		keys[i] = account + "/" + p
	}
	return keys
}

func boundaryKeys(account, boundary string) []string {
	if boundary == "" {
		return nil
	}
	return []string{account + "/" + boundary}
}

// User finds a user by name, without regard to case; nil if there is none.
func (s *Snapshot) User(account, name string) *User {
	return s.Users.find(userByName, nameKey(account, name))
}

// UsersOf iterates over an account's users by name, after the one named after.
func (s *Snapshot) UsersOf(account, after string) iter.Seq[*User] {
	return inAccount(&s.Users, userByName, account, after)
}

// GroupMembers iterates over the users in a group.
func (s *Snapshot) GroupMembers(g *Group) iter.Seq[*User] {
	return values(s.Users.scan(userByGroup, g.ID+"\x00", ""))
}

// UsersWithPolicy iterates over an account's users that a managed policy is attached to.
func (s *Snapshot) UsersWithPolicy(account, policyARN string) iter.Seq[*User] {
	return values(s.Users.scan(userByPolicy, account+"/"+policyARN+"\x00", ""))
}

// UsersWithBoundary iterates over an account's users that have the policy as their boundary.
func (s *Snapshot) UsersWithBoundary(account, policyARN string) iter.Seq[*User] {
	return values(s.Users.scan(userByBoundary, account+"/"+policyARN+"\x00", ""))
}

// GroupsOf lists a user's groups, in the order the user was added to them.
func (s *Snapshot) GroupsOf(u *User) []*Group {
	groups := make([]*Group, 0, len(u.Groups))
	for _, id := range u.Groups {
		if g := s.Groups.Get(id); g != nil {
			groups = append(groups, g)
		}
	}
	return groups
}

// InGroup says whether the user is a member of the group.
func (u *User) InGroup(g *Group) bool { return slices.Contains(u.Groups, g.ID) }
