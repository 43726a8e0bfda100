package iam_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/warder-iam/warder/internal/wardertest"
)

const entityPath = "o-a1b2c3d4e5/r-f6g7h8i9j0example/ou-1a2b3c-k9l8m7n6o5example"

// Outside an organization everybody who may is told that there is none.
func TestOrganizationOperationsWithoutOne(t *testing.T) {
	s := wardertest.Start(t)
	nobody := s.IAM(s.User(s.Admin, "nobody", ""))
	ctx, admin := t.Context(), s.IAM(s.Admin)
	for what, do := range map[string]func(*iam.Client) error{
		"EnableOrganizationsRootCredentialsManagement": func(c *iam.Client) error {
			_, err := c.EnableOrganizationsRootCredentialsManagement(ctx, &iam.EnableOrganizationsRootCredentialsManagementInput{})
			return err
		},
		"DisableOrganizationsRootCredentialsManagement": func(c *iam.Client) error {
			_, err := c.DisableOrganizationsRootCredentialsManagement(ctx, &iam.DisableOrganizationsRootCredentialsManagementInput{})
			return err
		},
		"EnableOrganizationsRootSessions": func(c *iam.Client) error {
			_, err := c.EnableOrganizationsRootSessions(ctx, &iam.EnableOrganizationsRootSessionsInput{})
			return err
		},
		"DisableOrganizationsRootSessions": func(c *iam.Client) error {
			_, err := c.DisableOrganizationsRootSessions(ctx, &iam.DisableOrganizationsRootSessionsInput{})
			return err
		},
		"ListOrganizationsFeatures": func(c *iam.Client) error {
			_, err := c.ListOrganizationsFeatures(ctx, &iam.ListOrganizationsFeaturesInput{})
			return err
		},
		"GenerateOrganizationsAccessReport": func(c *iam.Client) error {
			_, err := c.GenerateOrganizationsAccessReport(ctx, &iam.GenerateOrganizationsAccessReportInput{EntityPath: aws.String(entityPath)})
			return err
		},
	} {
		err := do(admin)
		if wardertest.Code(err) != "OrganizationNotFoundException" || wardertest.Message(err) != "The request was rejected because no organization is associated with your account." {
			t.Errorf("%s: %v", what, err)
		}
		err = do(nobody)
		if wardertest.Code(err) != "AccessDenied" || !strings.Contains(wardertest.Message(err), "iam:"+what) {
			t.Errorf("%s without permission: %v", what, err)
		}
	}
}

func TestOrganizationsAccessReports(t *testing.T) {
	s := wardertest.Start(t)
	ctx := t.Context()
	generate := func(as wardertest.Credentials, path, policyID string) error {
		in := &iam.GenerateOrganizationsAccessReportInput{EntityPath: &path}
		if policyID != "" {
			in.OrganizationsPolicyId = &policyID
		}
		_, err := s.IAM(as).GenerateOrganizationsAccessReport(ctx, in)
		return err
	}
	byARN := s.User(s.Admin, "by-arn", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"iam:GenerateOrganizationsAccessReport",
		"Resource":"arn:aws:iam::`+wardertest.Account+`:access-report/`+entityPath+`"}}`)
	byPolicy := s.User(s.Admin, "by-policy", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"iam:GenerateOrganizationsAccessReport",
		"Resource":"*","Condition":{"StringEquals":{"iam:OrganizationsPolicyId":"p-12345678"}}}}`)
	for _, tc := range []struct {
		as                   wardertest.Credentials
		path, policyID, code string
	}{
		{byARN, entityPath, "", "OrganizationNotFoundException"},
		{byARN, entityPath + "/123456789012", "", "AccessDenied"},
		{byPolicy, entityPath, "p-12345678", "OrganizationNotFoundException"},
		{byPolicy, entityPath, "p-87654321", "AccessDenied"},
		{byPolicy, entityPath, "", "AccessDenied"},
		{s.Admin, "o-1/r-1/too-short-ids", "", "ValidationError"},
		{s.Admin, entityPath, "x", "ValidationError"},
	} {
		wardertest.WantCode(t, generate(tc.as, tc.path, tc.policyID), tc.code)
	}

	get := func(in iam.GetOrganizationsAccessReportInput) error {
		_, err := s.IAM(s.Admin).GetOrganizationsAccessReport(ctx, &in)
		return err
	}
	job := aws.String("11111111-2222-3333-4444-555555555555")
	wardertest.WantCode(t, get(iam.GetOrganizationsAccessReportInput{JobId: job}), "NoSuchEntity")
	wardertest.WantCode(t, get(iam.GetOrganizationsAccessReportInput{JobId: job, SortKey: "NAME"}), "ValidationError")
	wardertest.WantCode(t, get(iam.GetOrganizationsAccessReportInput{JobId: job, Marker: aws.String("x")}), "ValidationError")
	wardertest.WantCode(t, get(iam.GetOrganizationsAccessReportInput{JobId: aws.String("x")}), "ValidationError")
}
