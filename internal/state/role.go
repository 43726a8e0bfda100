package state

import (
	"iter"
	"strings"

	"github.com/warder-iam/warder/arn"
)

// Role is an IAM role.
type Role struct {
	Entity
	Grants
	Trust              *Document // the trust policy
	Description        *string   `json:",omitempty"`
	MaxSessionDuration int       // seconds, 3600 to 43200
	Boundary           string    `json:",omitempty"` // ARN of the managed policy that is its permissions boundary
}

// ServiceLinkedPath is the path that service-linked roles have, with the
// service's principal behind it. No other role may be there.
const ServiceLinkedPath = "/aws-service-role/"

// ServiceLinked says whether the role is one that only a service may change
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/using-service-linked-roles.html).
func (r *Role) ServiceLinked() bool { return strings.HasPrefix(r.Path, ServiceLinkedPath) }

// ARN is the role's name in policies.
func (r *Role) ARN() string { return arn.IAM(r.Account, "role", r.Path, r.Name) }

const (
	roleByName = iota
	roleByPolicy
	roleByBoundary
)

var roleSchema = schema[Role]{
	prefix: "iam/role/",
	key:    func(r *Role) string { return r.ID },
	indexes: []index[Role]{
		roleByName:     {name: "role name", unique: true, keys: func(r *Role) []string { return r.nameKeys() }},
		roleByPolicy:   {name: "attached policy", keys: func(r *Role) []string { return attachmentKeys(r.Account, r.Attached) }},
		roleByBoundary: {name: "boundary", keys: func(r *Role) []string { return boundaryKeys(r.Account, r.Boundary) }},
	},
}

// Role finds a role by name, without regard to case; nil if there is none.
func (s *Snapshot) Role(account, name string) *Role {
	return s.Roles.find(roleByName, nameKey(account, name))
}

// RoleByARN finds a role by its exact ARN, path included; nil if there is none.
func (s *Snapshot) RoleByARN(roleARN string) *Role {
	account, name, ok := splitIAM(roleARN, "role")
	if !ok {
		return nil
	}
	if r := s.Role(account, name); r != nil && r.ARN() == roleARN {
		return r
	}
	return nil
}

// UserByARN finds a user by its exact ARN, path included; nil if there is none.
func (s *Snapshot) UserByARN(userARN string) *User {
	account, name, ok := splitIAM(userARN, "user")
	if !ok {
		return nil
	}
	if u := s.User(account, name); u != nil && u.ARN() == userARN {
		return u
	}
	return nil
}

// RolesOf iterates over an account's roles by name, after the one named after.
func (s *Snapshot) RolesOf(account, after string) iter.Seq[*Role] {
	return inAccount(&s.Roles, roleByName, account, after)
}

// RolesWithPolicy iterates over an account's roles that a managed policy is attached to.
func (s *Snapshot) RolesWithPolicy(account, policyARN string) iter.Seq[*Role] {
	return values(s.Roles.scan(roleByPolicy, account+"/"+policyARN+"\x00", ""))
}

// RolesWithBoundary iterates over an account's roles that have the policy as their boundary.
func (s *Snapshot) RolesWithBoundary(account, policyARN string) iter.Seq[*Role] {
	return values(s.Roles.scan(roleByBoundary, account+"/"+policyARN+"\x00", ""))
}

// splitIAM takes "arn:aws:iam::ACCOUNT:KIND/path/name" apart.
func splitIAM(text, kind string) (account, name string, ok bool) {
	a, err := arn.Parse(text)
	if err != nil || a.Service != "iam" || a.ResourceType() != kind {
		return "", "", false
	}
	id := a.ResourceID()
	for i := len(id) - 1; i >= 0; i-- {
		if id[i] == '/' {
			id = id[i+1:]
			break
		}
	}
	return a.Account, id, id != ""
}
