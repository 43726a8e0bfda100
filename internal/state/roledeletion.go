package state

import "time"

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
}
