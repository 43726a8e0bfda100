package state

import (
	"iter"

	"github.com/warder-iam/warder/arn"
)

// Group is an IAM group. Its members are found by Snapshot.GroupMembers.
// Groups take no tags; Entity.Tags stays empty.
type Group struct {
	Entity
	Grants
}

// ARN is the group's name in policies.
func (g *Group) ARN() string { return arn.IAM(g.Account, "group", g.Path, g.Name) }

const (
	groupByName = iota
	groupByPolicy
)

var groupSchema = schema[Group]{
	prefix: "iam/group/",
	key:    func(g *Group) string { return g.ID },
	indexes: []index[Group]{
		groupByName:   {name: "group name", unique: true, keys: func(g *Group) []string { return g.nameKeys() }},
		groupByPolicy: {name: "attached policy", keys: func(g *Group) []string { return attachmentKeys(g.Account, g.Attached) }},
	},
}

// Group finds a group by name, without regard to case; nil if there is none.
func (s *Snapshot) Group(account, name string) *Group {
	return s.Groups.find(groupByName, nameKey(account, name))
}

// AllGroupsOf iterates over an account's groups by name, after the one named after.
func (s *Snapshot) AllGroupsOf(account, after string) iter.Seq[*Group] {
	return inAccount(&s.Groups, groupByName, account, after)
}

// GroupsWithPolicy iterates over an account's groups that a managed policy is attached to.
func (s *Snapshot) GroupsWithPolicy(account, policyARN string) iter.Seq[*Group] {
	return values(s.Groups.scan(groupByPolicy, account+"/"+policyARN+"\x00", ""))
}
