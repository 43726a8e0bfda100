package iam_test

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/warder-iam/warder/internal/wardertest"
)

func TestPoliciesGrantingServiceAccess(t *testing.T) {
	s := wardertest.Start(t)
	client, ctx := s.IAM(s.Admin), t.Context()
	s3, admin := makePolicy(t, client, "s3"), func() string {
		out, err := client.CreatePolicy(ctx, &iam.CreatePolicyInput{PolicyName: aws.String("all"), Path: aws.String("/x/"), PolicyDocument: aws.String(allow("*", "*", ""))})
		must(t, err)
		return *out.Policy.Arn
	}()
	// The user has its own inline policy, and one in common with its group.
	s.User(s.Admin, "alice", allow("sqs:*", "*", ""))
	must(t, errOf(client.AttachUserPolicy(ctx, &iam.AttachUserPolicyInput{UserName: aws.String("alice"), PolicyArn: &s3})))
	must(t, errOf(client.PutUserPermissionsBoundary(ctx, &iam.PutUserPermissionsBoundaryInput{UserName: aws.String("alice"), PermissionsBoundary: &admin})))
	must(t, errOf(client.CreateGroup(ctx, &iam.CreateGroupInput{GroupName: aws.String("crew"), Path: aws.String("/x/")})))
	must(t, errOf(client.AddUserToGroup(ctx, &iam.AddUserToGroupInput{UserName: aws.String("alice"), GroupName: aws.String("crew")})))
	must(t, errOf(client.AttachGroupPolicy(ctx, &iam.AttachGroupPolicyInput{GroupName: aws.String("crew"), PolicyArn: &s3})))
	must(t, errOf(client.PutGroupPolicy(ctx, &iam.PutGroupPolicyInput{GroupName: aws.String("crew"), PolicyName: aws.String("own"), PolicyDocument: aws.String(allow("s3:List*", "arn:aws:s3:::b", ""))})))
	makeRole(t, client, "worker")
	must(t, errOf(client.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: aws.String("worker"), PolicyArn: &admin})))
	must(t, errOf(client.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: aws.String("worker"), PolicyName: aws.String("notQueues"), PolicyDocument: aws.String(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"sqs:*","Resource":"*"},{"Effect":"Allow","Action":"sns:Publish","Resource":"*"}]}`)})))

	inline := func(name string, kind types.PolicyOwnerEntityType, of string) types.PolicyGrantingServiceAccess {
		return types.PolicyGrantingServiceAccess{PolicyName: &name, PolicyType: types.PolicyTypeInline, EntityType: kind, EntityName: &of}
	}
	managed := func(name, arn string) types.PolicyGrantingServiceAccess {
		return types.PolicyGrantingServiceAccess{PolicyName: &name, PolicyType: types.PolicyTypeManaged, PolicyArn: &arn}
	}
	entry := func(namespace string, policies ...types.PolicyGrantingServiceAccess) types.ListPoliciesGrantingServiceAccessEntry {
		if policies == nil {
			policies = []types.PolicyGrantingServiceAccess{}
		}
		return types.ListPoliciesGrantingServiceAccessEntry{ServiceNamespace: &namespace, Policies: policies}
	}
	user, group, role := types.PolicyOwnerEntityTypeUser, types.PolicyOwnerEntityTypeGroup, types.PolicyOwnerEntityTypeRole
	for _, c := range []struct {
		arn  string
		want []types.ListPoliciesGrantingServiceAccessEntry
	}{
		{arnOf("user", "alice"), []types.ListPoliciesGrantingServiceAccessEntry{
			entry("sqs", inline("test", user, "alice")), entry("s3", managed("s3", s3), inline("own", group, "crew")), entry("ec2"),
		}},
		{arnOf("group", "x/crew"), []types.ListPoliciesGrantingServiceAccessEntry{
			entry("s3", inline("own", group, "crew"), managed("s3", s3)), entry("sqs"),
		}},
		{arnOf("role", "worker"), []types.ListPoliciesGrantingServiceAccessEntry{
			entry("sqs"), entry("s3", managed("all", admin)), entry("sns", inline("notQueues", role, "worker"), managed("all", admin)),
		}},
	} {
		in := &iam.ListPoliciesGrantingServiceAccessInput{Arn: &c.arn}
		for _, e := range c.want {
			in.ServiceNamespaces = append(in.ServiceNamespaces, *e.ServiceNamespace)
		}
		out, err := client.ListPoliciesGrantingServiceAccess(ctx, in)
		must(t, err)
		same(t, c.arn, out.PoliciesGrantingServiceAccess, c.want)
		if out.IsTruncated || out.Marker != nil {
			t.Errorf("%s: there is more", c.arn)
		}
	}

	twice, err := client.ListPoliciesGrantingServiceAccess(ctx, &iam.ListPoliciesGrantingServiceAccessInput{Arn: aws.String(arnOf("role", "worker")), ServiceNamespaces: []string{"s3", "sqs", "s3"}})
	must(t, err)
	same(t, "a service that comes twice", twice.PoliciesGrantingServiceAccess, []types.ListPoliciesGrantingServiceAccessEntry{entry("s3", managed("all", admin)), entry("sqs")})

	// More than a page, as many as there may be.
	in := &iam.ListPoliciesGrantingServiceAccessInput{Arn: aws.String(arnOf("role", "worker"))}
	for i := range 200 {
		in.ServiceNamespaces = append(in.ServiceNamespaces, fmt.Sprintf("own-%d", i))
	}
	first, err := client.ListPoliciesGrantingServiceAccess(ctx, in)
	must(t, err)
	in.Marker = first.Marker
	second, err := client.ListPoliciesGrantingServiceAccess(ctx, in)
	must(t, err)
	all := append(first.PoliciesGrantingServiceAccess, second.PoliciesGrantingServiceAccess...)
	if !first.IsTruncated || second.IsTruncated || len(all) != 200 || *all[0].ServiceNamespace != "own-0" || *all[199].ServiceNamespace != "own-199" {
		t.Errorf("200 services came as %d and %d", len(first.PoliciesGrantingServiceAccess), len(second.PoliciesGrantingServiceAccess))
	}
	in.ServiceNamespaces, in.Marker = append(in.ServiceNamespaces, "s3"), nil
	wardertest.WantCode(t, errOf(client.ListPoliciesGrantingServiceAccess(ctx, in)), "ValidationError")

	for _, c := range []struct{ arn, code, message string }{
		{arnOf("user", "nobody"), "NoSuchEntity", "ARN " + arnOf("user", "nobody") + " does not exist."},
		{arnOf("group", "crew"), "NoSuchEntity", "ARN " + arnOf("group", "crew") + " does not exist."},
		{arnOf("role", "nobody"), "NoSuchEntity", "ARN " + arnOf("role", "nobody") + " does not exist."},
		{s3, "InvalidInput", "Invalid Entity Arn: " + s3 + " is not supported."},
		{"this is not an ARN at all", "ValidationError", "ARN this is not an ARN at all is not valid."},
	} {
		wantError(t, errOf(client.ListPoliciesGrantingServiceAccess(ctx, &iam.ListPoliciesGrantingServiceAccessInput{Arn: &c.arn, ServiceNamespaces: []string{"s3"}})), c.code, c.message)
	}
}

// TestInsightAccess: each operation needs its own action, on what it is about.
func TestInsightAccess(t *testing.T) {
	s := wardertest.Start(t)
	admin, ctx := s.IAM(s.Admin), t.Context()
	target, other := aws.String(arnOf("user", "x/target")), aws.String(arnOf("user", "x/other"))
	for _, name := range []string{"target", "other"} {
		must(t, errOf(admin.CreateUser(ctx, &iam.CreateUserInput{UserName: &name, Path: aws.String("/x/"), Tags: tagList("team", name)})))
	}
	for i, c := range []struct {
		policy string
		call   func(*iam.Client, *string) error
	}{
		{allow("iam:GenerateServiceLastAccessedDetails", *target, ""), func(c *iam.Client, arn *string) error {
			return errOf(c.GenerateServiceLastAccessedDetails(ctx, &iam.GenerateServiceLastAccessedDetailsInput{Arn: arn}))
		}},
		{allow("iam:GenerateServiceLastAccessedDetails", "*", stringIs("iam:ResourceTag/team", "target")), func(c *iam.Client, arn *string) error {
			return errOf(c.GenerateServiceLastAccessedDetails(ctx, &iam.GenerateServiceLastAccessedDetailsInput{Arn: arn}))
		}},
		{allow("iam:ListPoliciesGrantingServiceAccess", *target, ""), func(c *iam.Client, arn *string) error {
			return errOf(c.ListPoliciesGrantingServiceAccess(ctx, &iam.ListPoliciesGrantingServiceAccessInput{Arn: arn, ServiceNamespaces: []string{"s3"}}))
		}},
	} {
		client := s.IAM(s.User(s.Admin, fmt.Sprint("caller", i), c.policy))
		wardertest.WantCode(t, c.call(client, target), "")
		wardertest.WantCode(t, c.call(client, other), "AccessDenied")
		// Nor does it learn who is there.
		wardertest.WantCode(t, c.call(client, aws.String(arnOf("user", "x/nobody"))), "AccessDenied")
	}
	mine := s.User(s.Admin, "reader", allow("iam:GetServiceLastAccessedDetails", "*", ""))
	job := aws.String("00000000-0000-4000-8000-000000000000")
	wardertest.WantCode(t, errOf(s.IAM(mine).GetServiceLastAccessedDetails(ctx, &iam.GetServiceLastAccessedDetailsInput{JobId: job})), "NoSuchEntity")
	wardertest.WantCode(t, errOf(s.IAM(mine).GetServiceLastAccessedDetailsWithEntities(ctx, &iam.GetServiceLastAccessedDetailsWithEntitiesInput{JobId: job, ServiceNamespace: aws.String("s3")})), "AccessDenied")
}
