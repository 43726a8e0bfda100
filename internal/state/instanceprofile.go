package state

import (
	"iter"

	"github.com/warder-iam/warder/arn"
)

// InstanceProfile is the container by which a role is handed to an instance.
type InstanceProfile struct {
	Entity
	Role string `json:",omitempty"` // unique id of its role; "": none
}

// ARN is the instance profile's name in policies.
func (p *InstanceProfile) ARN() string {
	return arn.IAM(p.Account, "instance-profile", p.Path, p.Name)
}

const (
	profileByName = iota
	profileByRole
)

var instanceProfileSchema = schema[InstanceProfile]{
	prefix: "iam/instance-profile/",
	key:    func(p *InstanceProfile) string { return p.ID },
	indexes: []index[InstanceProfile]{
		profileByName: {name: "instance profile name", unique: true, keys: func(p *InstanceProfile) []string { return p.nameKeys() }},
		profileByRole: {name: "role", keys: func(p *InstanceProfile) []string {
			if p.Role == "" {
				return nil
			}
			return []string{p.Role}
		}},
	},
}

// InstanceProfile finds an instance profile by name, without regard to case;
// nil if there is none.
func (s *Snapshot) InstanceProfile(account, name string) *InstanceProfile {
	return s.InstanceProfiles.find(profileByName, nameKey(account, name))
}

// InstanceProfilesOf iterates over an account's instance profiles by name,
// after the one named after.
func (s *Snapshot) InstanceProfilesOf(account, after string) iter.Seq[*InstanceProfile] {
	return inAccount(&s.InstanceProfiles, profileByName, account, after)
}

// InstanceProfilesWithRole iterates over the instance profiles that hold a role.
func (s *Snapshot) InstanceProfilesWithRole(r *Role) iter.Seq[*InstanceProfile] {
	return values(s.InstanceProfiles.scan(profileByRole, r.ID+"\x00", ""))
}
