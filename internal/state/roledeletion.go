package state

import (
	"iter"
	"time"
)

// RoleDeletion is the task of deleting a service-linked role, kept for those who
// ask what became of it. Nothing here uses such a role, so the role is gone when
// the task is there.
type RoleDeletion struct {
	ID      string // "task/aws-service-role/SERVICE/ROLE/UUID"
	Account string
	Done    time.Time
}

var roleDeletionSchema = schema[RoleDeletion]{
	prefix: "iam/role-deletion/",
	key:    func(d *RoleDeletion) string { return d.ID },
	indexes: []index[RoleDeletion]{
		{name: "account", keys: func(d *RoleDeletion) []string { return []string{d.Account + "/" + d.Done.UTC().Format(time.RFC3339)} }},
	},
}

// RoleDeletionsOf iterates over an account's tasks, the oldest first.
func (s *Snapshot) RoleDeletionsOf(account string) iter.Seq[*RoleDeletion] {
	return values(s.RoleDeletions.scan(0, account+"/", ""))
}
