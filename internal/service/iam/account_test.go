package iam_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/warder-iam/warder/internal/wardertest"
)

func TestAccountAlias(t *testing.T) {
	s := wardertest.Start(t)
	ctx := t.Context()
	ours := s.IAM(s.Admin)
	_, admin, _ := s.NewAccount()
	theirs := s.IAM(admin)
	create := func(c *iam.Client, alias string) error {
		return errOf(c.CreateAccountAlias(ctx, &iam.CreateAccountAliasInput{AccountAlias: &alias}))
	}
	del := func(c *iam.Client, alias string) error {
		return errOf(c.DeleteAccountAlias(ctx, &iam.DeleteAccountAliasInput{AccountAlias: &alias}))
	}
	has := func(c *iam.Client, want ...string) {
		t.Helper()
		out, err := c.ListAccountAliases(ctx, &iam.ListAccountAliasesInput{MaxItems: aws.Int32(1)})
		must(t, err)
		same(t, "aliases", append([]string{}, out.AccountAliases...), append([]string{}, want...))
		if out.IsTruncated || out.Marker != nil {
			t.Error("one alias is more than a page")
		}
	}
	has(ours)
	must(t, create(ours, "example-corp"))
	has(ours, "example-corp")
	wantError(t, create(theirs, "example-corp"), "EntityAlreadyExists", "The account alias example-corp already exists.")
	wantError(t, create(ours, "example-corp"), "EntityAlreadyExists", "The account alias example-corp already exists.")
	must(t, create(ours, "renamed")) // takes the place of the old one, which is free again
	has(ours, "renamed")
	must(t, create(theirs, "example-corp"))
	has(theirs, "example-corp")

	wantError(t, del(ours, "example-corp"), "NoSuchEntity", "The account alias example-corp cannot be found.")
	has(theirs, "example-corp")
	must(t, del(ours, "renamed"))
	has(ours)
	wantError(t, del(ours, "renamed"), "NoSuchEntity", "The account alias renamed cannot be found.")

	for _, alias := range []string{"ab", "Upper", "-dash", "dash-", "two--dashes", "with space"} {
		wardertest.WantCode(t, create(ours, alias), "ValidationError")
	}
	wardertest.WantCode(t, create(ours, wardertest.Account), "InvalidInput")
	wardertest.WantCode(t, create(ours, "210987654321"), "InvalidInput")
	_, err := ours.ListAccountAliases(ctx, &iam.ListAccountAliasesInput{Marker: aws.String("x")})
	wantError(t, err, "ValidationError", "Invalid Marker.")
}

func TestAccountSummary(t *testing.T) {
	s := wardertest.Start(t)
	ctx := t.Context()
	_, admin, root := s.NewAccount() // has an administrator and a key for its root user
	client := s.IAM(admin)
	before, err := client.GetAccountSummary(ctx, &iam.GetAccountSummaryInput{})
	must(t, err)
	quotas := map[string]int32{
		"AccessKeysPerUserQuota": 2, "AssumeRolePolicySizeQuota": 2048, "AttachedPoliciesPerGroupQuota": 10,
		"AttachedPoliciesPerRoleQuota": 10, "AttachedPoliciesPerUserQuota": 10, "GroupPolicySizeQuota": 5120,
		"GroupsPerUserQuota": 10, "GroupsQuota": 300, "InstanceProfilesQuota": 1000, "PoliciesQuota": 1500,
		"PolicySizeQuota": 6144, "PolicyVersionsInUseQuota": 10000, "RolePolicySizeQuota": 10240, "RolesQuota": 1000,
		"ServerCertificatesQuota": 20, "SigningCertificatesPerUserQuota": 2, "UserPolicySizeQuota": 2048,
		"UsersQuota": 5000, "VersionsPerPolicyQuota": 5,
	}
	counts := map[string]int32{
		"AccountAccessKeysPresent": 1, "AccountMFAEnabled": 0, "AccountPasswordPresent": 0, "AccountSigningCertificatesPresent": 0,
		"GlobalEndpointTokenVersion": 1, "Groups": 0, "InstanceProfiles": 0, "MFADevices": 0, "MFADevicesInUse": 0,
		"Policies": 0, "PolicyVersionsInUse": 0, "Providers": 0, "Roles": 0, "ServerCertificates": 0,
		"Users": before.SummaryMap["Users"],
	}
	expect := func(out *iam.GetAccountSummaryOutput) {
		t.Helper()
		want := map[string]int32{}
		for _, part := range []map[string]int32{quotas, counts} {
			for key, n := range part {
				want[key] = n
			}
		}
		same(t, "summary", out.SummaryMap, want)
	}
	expect(before)

	must(t, errOf(client.CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String("u")})))
	must(t, errOf(client.CreateGroup(ctx, &iam.CreateGroupInput{GroupName: aws.String("g")})))
	must(t, errOf(client.CreateInstanceProfile(ctx, &iam.CreateInstanceProfileInput{InstanceProfileName: aws.String("i")})))
	must(t, errOf(client.CreateVirtualMFADevice(ctx, &iam.CreateVirtualMFADeviceInput{VirtualMFADeviceName: aws.String("m")})))
	must(t, errOf(client.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("r"), AssumeRolePolicyDocument: aws.String(ec2Trust)})))
	policy := makePolicy(t, client, "p")
	must(t, errOf(client.CreatePolicyVersion(ctx, &iam.CreatePolicyVersionInput{PolicyArn: &policy, PolicyDocument: aws.String(allow("s3:*", "*", ""))})))
	// What counts is what is in use, once however often, whatever versions it has.
	for range 2 {
		must(t, errOf(client.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: aws.String("r"), PolicyArn: &policy})))
		must(t, errOf(client.PutRolePermissionsBoundary(ctx, &iam.PutRolePermissionsBoundaryInput{RoleName: aws.String("r"), PermissionsBoundary: &policy})))
	}
	must(t, errOf(client.AttachGroupPolicy(ctx, &iam.AttachGroupPolicyInput{GroupName: aws.String("g"), PolicyArn: aws.String("arn:aws:iam::aws:policy/ReadOnlyAccess")})))
	makePolicy(t, client, "unused")
	must(t, errOf(client.SetSecurityTokenServicePreferences(ctx, &iam.SetSecurityTokenServicePreferencesInput{
		GlobalEndpointTokenVersion: types.GlobalEndpointTokenVersionV2Token,
	})))
	makeRole(t, s.IAM(s.Admin), "elsewhere") // another account's role does not count
	for _, key := range []string{"Users", "Groups", "InstanceProfiles", "MFADevices", "Roles", "Policies"} {
		counts[key]++
	}
	counts["Policies"], counts["PolicyVersionsInUse"], counts["GlobalEndpointTokenVersion"] = 2, 2, 2
	after, err := s.IAM(root).GetAccountSummary(ctx, &iam.GetAccountSummaryInput{})
	must(t, err)
	expect(after)

	_, err = client.SetSecurityTokenServicePreferences(ctx, &iam.SetSecurityTokenServicePreferencesInput{GlobalEndpointTokenVersion: "v3Token"})
	wardertest.WantCode(t, err, "ValidationError")
}
