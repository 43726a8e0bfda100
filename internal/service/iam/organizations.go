package iam

import (
	"reflect"

	"github.com/warder-iam/warder/arn"
	api "github.com/warder-iam/warder/internal/api/iam"
	"github.com/warder-iam/warder/internal/authz"
	"github.com/warder-iam/warder/internal/awserr"
	"github.com/warder-iam/warder/internal/service"
	"github.com/warder-iam/warder/internal/state"
	"github.com/warder-iam/warder/policy"
)

// The operations of the management account of an organization: central root
// access to member accounts
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_root-enable-root-access.html)
// and access reports
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_last-accessed-view-data-orgs.html).
// No account is in an organization, so they are authorized, and then refused as
// AWS refuses an account outside any.

// noOrganization has the sentence by which the API reference describes the code.
func noOrganization() error {
	return awserr.New("OrganizationNotFoundException", "The request was rejected because no organization is associated with your account.")
}

// organizationFeature is the rule of each operation on central root access.
func organizationFeature[In, Out any](*service.Call, *state.Snapshot, *In) (*Out, error) {
	return nil, noOrganization()
}

// accessReport is the target of GenerateOrganizationsAccessReport: the report on
// an organization, or on a root, unit or account in it.
func accessReport(reflect.Type) service.Part {
	return func(c *service.Call, _ *state.Snapshot, input any, check *authz.Check) error {
		in := input.(*api.GenerateOrganizationsAccessReportRequest)
		check.Account = c.Caller.Account
		check.Resource = arn.IAM(check.Account, "access-report", "/", *in.EntityPath)
		if in.OrganizationsPolicyId != nil {
			check.Set("iam:OrganizationsPolicyId", policy.String(*in.OrganizationsPolicyId))
		}
		return nil
	}
}

func (s *Service) generateOrganizationsAccessReport(*service.Call, *state.Snapshot, *api.GenerateOrganizationsAccessReportRequest) (*api.GenerateOrganizationsAccessReportResponse, error) {
	return nil, noOrganization()
}

// getOrganizationsAccessReport finds none: none can have been generated.
func (s *Service) getOrganizationsAccessReport(_ *service.Call, _ *state.Snapshot, in *api.GetOrganizationsAccessReportRequest) (*api.GetOrganizationsAccessReportResponse, error) {
	if _, _, err := start(in.Marker, in.MaxItems); err != nil {
		return nil, err
	}
	return nil, awserr.New("NoSuchEntity", "The job with ID %s cannot be found.", *in.JobId)
}
