package iam

import "github.com/warder-iam/warder/internal/service"

// Short names for the vocabulary of the tables below.
var (
	on       = service.On
	anything = service.Target(service.Anything)
)

// operations is the table of IAM: every operation with its authorization entry
// and its rule. What is not in it answers NotImplemented.
func (s *Service) operations() []service.Operation {
	var table []service.Operation
	table = append(table, s.userOperations()...)
	return table
}

func (s *Service) userOperations() []service.Operation {
	return []service.Operation{
		service.Write("CreateUser", creating(newUser, "iam:TagUser", boundary), s.createUser),
		service.Read("GetUser", on(user), s.getUser),
		service.Read("ListUsers", on(anything), s.listUsers),
		service.Write("UpdateUser", on(user), s.updateUser),
		service.Write("DeleteUser", on(user), s.deleteUser),
		service.Write("PutUserPermissionsBoundary", on(user, boundary), s.putUserPermissionsBoundary),
		service.Write("DeleteUserPermissionsBoundary", on(user, boundary), s.deleteUserPermissionsBoundary),
	}
}
