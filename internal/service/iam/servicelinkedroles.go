package iam

import (
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/warder-iam/warder/arn"
	api "github.com/warder-iam/warder/internal/api/iam"
	"github.com/warder-iam/warder/internal/authz"
	"github.com/warder-iam/warder/internal/awserr"
	"github.com/warder-iam/warder/internal/ids"
	"github.com/warder-iam/warder/internal/service"
	"github.com/warder-iam/warder/internal/servicelinked"
	"github.com/warder-iam/warder/internal/state"
	"github.com/warder-iam/warder/policy"
)

// Service-linked roles: a service defines their name, trust policy and
// permissions, and nobody else changes them
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/using-service-linked-roles.html).
// Which services have one is in internal/servicelinked.

const (
	maxRoleName = 64 // characters

	// deletionKept is how long the status of a deletion can be asked for. AWS
	// does not document a time.
	deletionKept = 7 * 24 * time.Hour
	// maxDeletions bounds the tasks of an account that are kept: more than there
	// are services with such roles. The oldest goes.
	maxDeletions = 300

	deletionTaskPrefix = "task"
)

// linkedRole is the service-linked role that a request asks for. A service
// without one is refused as AWS does
// (https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateServiceLinkedRole.html).
func linkedRole(in *api.CreateServiceLinkedRoleRequest) (r servicelinked.Role, name string, err error) {
	r, ok := servicelinked.Of(*in.AWSServiceName)
	switch {
	case !ok:
		return r, "", awserr.New(awserr.CodeAccessDenied, "Cannot find Service Linked Role template for %s", *in.AWSServiceName)
	case in.CustomSuffix == nil:
		return r, r.Name, nil
	case !r.Suffix:
		return r, "", invalidInput("Custom suffix is not allowed for %s", r.Service)
	}
	name = r.Name + "_" + *in.CustomSuffix
	if len(name) > maxRoleName {
		return r, "", invalidInput("The role name %s is longer than %d characters, please try a shorter suffix.", name, maxRoleName)
	}
	return r, name, nil
}

// newServiceLinkedRole is the target of CreateServiceLinkedRole: the ARN that the
// role will have. Where there will be none, the caller must be allowed the role
// that its words come closest to, before it is told.
func newServiceLinkedRole(reflect.Type) service.Part {
	return func(c *service.Call, _ *state.Snapshot, input any, check *authz.Check) error {
		in := input.(*api.CreateServiceLinkedRoleRequest)
		r, name, err := linkedRole(in)
		if err != nil {
			name = r.Name
		}
		if name == "" {
			name = "AWSServiceRoleFor"
		}
		check.Account = c.Caller.Account
		check.Resource = arn.IAM(check.Account, "role", linkedPath(*in.AWSServiceName), name)
		check.Set("iam:AWSServiceName", policy.String(*in.AWSServiceName))
		return nil
	}
}

func linkedPath(principal string) string { return state.ServiceLinkedPath + principal + "/" }

// createServiceLinkedRole does not look at the quota of roles: only
// service-linked roles may exceed it
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create-service-linked-role.html).
func (s *Service) createServiceLinkedRole(c *service.Call, tx *state.Tx, in *api.CreateServiceLinkedRoleRequest) (*api.CreateServiceLinkedRoleResponse, error) {
	linked, name, err := linkedRole(in)
	if err != nil {
		return nil, err
	}
	account := c.Caller.Account
	if tx.Role(account, name) != nil {
		return nil, invalidInput("Service role name %s has been taken in this account, please try a different suffix.", name)
	}
	r := &state.Role{
		Entity: state.Entity{
			Account: account, ID: s.ids.Unique(ids.Role, account), Name: name,
			Path: linkedPath(linked.Service), Created: c.Now(),
		},
		Trust:       &state.Document{Text: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"` + linked.Service + `"},"Action":"sts:AssumeRole"}]}`},
		Description: in.Description, MaxSessionDuration: defaultSession,
	}
	r.Attach(linked.Policy)
	tx.Roles.Put(r)
	out := roleOut(&tx.Snapshot, r)
	// The answer spells the trust policy in another way than GetRole will.
	out.AssumeRolePolicyDocument = encoded(`{"Version":"2012-10-17","Statement":[{"Action":["sts:AssumeRole"],"Effect":"Allow","Principal":{"Service":["` + linked.Service + `"]}}]}`)
	return &api.CreateServiceLinkedRoleResponse{Role: out}, nil
}

// deleteServiceLinkedRole deletes at once: no service here uses the role, so
// there is nothing that the deletion could wait for or fail at.
func (s *Service) deleteServiceLinkedRole(c *service.Call, tx *state.Tx, in *api.DeleteServiceLinkedRoleRequest) (*api.DeleteServiceLinkedRoleResponse, error) {
	r, err := findRole(c, &tx.Snapshot, in.RoleName)
	if err != nil {
		return nil, err
	}
	if !r.ServiceLinked() {
		return nil, awserr.New("NoSuchEntity", "%s exists but is not a service role.", r.Name)
	}
	tx.ForgetUses(r.ID)
	tx.Roles.Delete(r)
	kept := slices.Collect(tx.RoleDeletionsOf(r.Account)) // the oldest first
	for i, old := range kept {
		if forgotten(c, old) || len(kept)-i >= maxDeletions {
			tx.RoleDeletions.Delete(old)
		}
	}
	task := &state.RoleDeletion{ID: deletionTaskPrefix + r.Path + r.Name + "/" + s.ids.Request(), Account: r.Account, Done: c.Now()}
	tx.RoleDeletions.Put(task)
	return &api.DeleteServiceLinkedRoleResponse{DeletionTaskId: ptr(task.ID)}, nil
}

func forgotten(c *service.Call, d *state.RoleDeletion) bool {
	return c.Now().Sub(d.Done) > deletionKept
}

// deletedRole is the target of GetServiceLinkedRoleDeletionStatus: the role that
// the task's id names.
func deletedRole(reflect.Type) service.Part {
	return func(c *service.Call, _ *state.Snapshot, input any, check *authz.Check) error {
		id := *input.(*api.GetServiceLinkedRoleDeletionStatusRequest).DeletionTaskId
		path, ok := strings.CutPrefix(id, deletionTaskPrefix+state.ServiceLinkedPath)
		part := strings.Split(path, "/")
		if !ok || len(part) != 3 || part[0] == "" || part[1] == "" {
			return invalidInput("Invalid task id")
		}
		check.Account = c.Caller.Account
		check.Resource = arn.IAM(check.Account, "role", linkedPath(part[0]), part[1])
		return nil
	}
}

func (s *Service) getServiceLinkedRoleDeletionStatus(c *service.Call, snap *state.Snapshot, in *api.GetServiceLinkedRoleDeletionStatusRequest) (*api.GetServiceLinkedRoleDeletionStatusResponse, error) {
	task := snap.RoleDeletions.Get(*in.DeletionTaskId)
	if task == nil || task.Account != c.Caller.Account || forgotten(c, task) {
		return nil, awserr.New("NoSuchEntity", "Cannot find deletion status for given id.")
	}
	return &api.GetServiceLinkedRoleDeletionStatusResponse{Status: ptr(api.DeletionTaskStatusTypeSUCCEEDED)}, nil
}

// changeableRole finds a role of the caller's account for an operation that
// service-linked roles are protected from.
func changeableRole(c *service.Call, s *state.Snapshot, name *string) (*state.Role, error) {
	r, err := findRole(c, s, name)
	if err == nil && r.ServiceLinked() {
		return nil, protectedRole(r)
	}
	return r, err
}

func protectedRole(r *state.Role) error {
	return awserr.New("UnmodifiableEntity", "Cannot perform the operation on the protected role '%s' - this role is only modifiable by AWS", r.Name)
}
