package cloudtrail

import (
	api "github.com/warder-iam/warder/internal/api/cloudtrail"
	"github.com/warder-iam/warder/internal/service"
	"github.com/warder-iam/warder/internal/state"
)

// Delegated administrators of an organization's trails. No account is in an
// organization.

func (s *Service) registerOrganizationDelegatedAdmin(*service.Call, *state.Snapshot, *api.RegisterOrganizationDelegatedAdminRequest) (*api.RegisterOrganizationDelegatedAdminResponse, error) {
	return nil, noOrganization()
}

func (s *Service) deregisterOrganizationDelegatedAdmin(*service.Call, *state.Snapshot, *api.DeregisterOrganizationDelegatedAdminRequest) (*api.DeregisterOrganizationDelegatedAdminResponse, error) {
	return nil, noOrganization()
}
