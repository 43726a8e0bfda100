package iam_test

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/warder-iam/warder/internal/daemon"
	iamservice "github.com/warder-iam/warder/internal/service/iam"
	"github.com/warder-iam/warder/internal/wardertest"
)

func TestAuthorizationDetails(t *testing.T) {
	s := wardertest.Start(t)
	_, _, root := s.NewAccount() // so that little else is in the account
	client, ctx := s.IAM(root), t.Context()
	doc := allow("s3:ListBucket", "*", "")
	policy := makePolicy(t, client, "Shared")
	must(t, errOf(client.CreatePolicyVersion(ctx, &iam.CreatePolicyVersionInput{PolicyArn: &policy, PolicyDocument: &doc})))
	attached := []types.AttachedPolicy{{PolicyArn: &policy, PolicyName: aws.String("Shared")}}
	inline := []types.PolicyDetail{{PolicyName: aws.String("own"), PolicyDocument: aws.String(escaped(doc))}}
	bound := &types.AttachedPermissionsBoundary{PermissionsBoundaryArn: &policy, PermissionsBoundaryType: "Policy"}

	must(t, errOf(client.CreateGroup(ctx, &iam.CreateGroupInput{GroupName: aws.String("Crew")})))
	must(t, errOf(client.PutGroupPolicy(ctx, &iam.PutGroupPolicyInput{GroupName: aws.String("Crew"), PolicyName: aws.String("own"), PolicyDocument: &doc})))
	must(t, errOf(client.AttachGroupPolicy(ctx, &iam.AttachGroupPolicyInput{GroupName: aws.String("Crew"), PolicyArn: &policy})))
	must(t, errOf(client.CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String("Zoe"), Path: aws.String("/x/"), Tags: tagList("k", "v"), PermissionsBoundary: &policy})))
	must(t, errOf(client.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: aws.String("Zoe"), PolicyName: aws.String("own"), PolicyDocument: &doc})))
	must(t, errOf(client.AttachUserPolicy(ctx, &iam.AttachUserPolicyInput{UserName: aws.String("Zoe"), PolicyArn: &policy})))
	must(t, errOf(client.AddUserToGroup(ctx, &iam.AddUserToGroupInput{UserName: aws.String("Zoe"), GroupName: aws.String("Crew")})))
	must(t, errOf(client.CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String("bare")})))
	must(t, errOf(client.CreateRole(ctx, &iam.CreateRoleInput{
		RoleName: aws.String("Worker"), AssumeRolePolicyDocument: aws.String(ec2Trust), Description: aws.String("not shown"),
		Tags: tagList("k", "v"), PermissionsBoundary: &policy,
	})))
	must(t, errOf(client.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: aws.String("Worker"), PolicyName: aws.String("own"), PolicyDocument: &doc})))
	must(t, errOf(client.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: aws.String("Worker"), PolicyArn: &policy})))
	must(t, errOf(client.CreateInstanceProfile(ctx, &iam.CreateInstanceProfileInput{InstanceProfileName: aws.String("Box"), Tags: tagList("not", "shown")})))
	must(t, errOf(client.AddRoleToInstanceProfile(ctx, &iam.AddRoleToInstanceProfileInput{InstanceProfileName: aws.String("Box"), RoleName: aws.String("Worker")})))

	all, err := client.GetAccountAuthorizationDetails(ctx, &iam.GetAccountAuthorizationDetailsInput{})
	must(t, err)
	if all.IsTruncated || all.Marker != nil {
		t.Error("a small account is more than a page")
	}

	users := map[string]types.UserDetail{}
	for _, u := range all.UserDetailList {
		users[*u.UserName] = u
	}
	zoe, bare := users["Zoe"], users["bare"]
	same(t, "user", zoe, types.UserDetail{
		UserName: aws.String("Zoe"), Path: aws.String("/x/"), Arn: zoe.Arn, UserId: zoe.UserId, CreateDate: zoe.CreateDate,
		UserPolicyList: inline, GroupList: []string{"Crew"}, AttachedManagedPolicies: attached, PermissionsBoundary: bound, Tags: tagList("k", "v"),
	})
	same(t, "bare user", bare, types.UserDetail{
		UserName: aws.String("bare"), Path: aws.String("/"), Arn: bare.Arn, UserId: bare.UserId, CreateDate: bare.CreateDate,
		GroupList: []string{}, AttachedManagedPolicies: []types.AttachedPolicy{}, Tags: []types.Tag{},
	})
	if len(all.GroupDetailList) != 1 || len(all.RoleDetailList) != 1 || len(all.Policies) != 1 {
		t.Fatalf("got %s", dump(all))
	}
	g := all.GroupDetailList[0]
	same(t, "group", g, types.GroupDetail{
		GroupName: aws.String("Crew"), Path: aws.String("/"), Arn: g.Arn, GroupId: g.GroupId, CreateDate: g.CreateDate,
		GroupPolicyList: inline, AttachedManagedPolicies: attached,
	})
	r := all.RoleDetailList[0]
	profile, err := client.ListInstanceProfiles(ctx, &iam.ListInstanceProfilesInput{})
	must(t, err)
	same(t, "role", r, types.RoleDetail{
		RoleName: aws.String("Worker"), Path: aws.String("/"), Arn: r.Arn, RoleId: r.RoleId, CreateDate: r.CreateDate,
		AssumeRolePolicyDocument: aws.String(escaped(ec2Trust)), InstanceProfileList: profile.InstanceProfiles, RolePolicyList: inline,
		AttachedManagedPolicies: attached, PermissionsBoundary: bound, Tags: tagList("k", "v"), RoleLastUsed: &types.RoleLastUsed{},
	})
	p := all.Policies[0]
	if len(p.PolicyVersionList) != 2 {
		t.Fatalf("versions: %s", dump(p))
	}
	same(t, "policy", p, types.ManagedPolicyDetail{
		PolicyName: aws.String("Shared"), Path: aws.String("/"), Arn: &policy, PolicyId: p.PolicyId, CreateDate: p.CreateDate, UpdateDate: p.UpdateDate,
		DefaultVersionId: aws.String("v1"), IsAttachable: true, AttachmentCount: aws.Int32(3), PermissionsBoundaryUsageCount: aws.Int32(2),
		PolicyVersionList: []types.PolicyVersion{
			{VersionId: aws.String("v2"), Document: aws.String(escaped(doc)), CreateDate: p.PolicyVersionList[0].CreateDate},
			{VersionId: aws.String("v1"), IsDefaultVersion: true, Document: aws.String(escaped(allow("s3:GetObject", "*", ""))), CreateDate: p.PolicyVersionList[1].CreateDate},
		},
	})

	for _, c := range []struct {
		filter                         []types.EntityType
		users, groups, roles, policies int
	}{
		{[]types.EntityType{"User"}, len(all.UserDetailList), 0, 0, 0},
		{[]types.EntityType{"Group"}, 0, 1, 0, 0},
		{[]types.EntityType{"Role"}, 0, 0, 1, 0},
		{[]types.EntityType{"LocalManagedPolicy"}, 0, 0, 0, 1},
		{[]types.EntityType{"AWSManagedPolicy"}, 0, 0, 0, 0},
		{[]types.EntityType{"Role", "Group"}, 0, 1, 1, 0},
	} {
		out, err := client.GetAccountAuthorizationDetails(ctx, &iam.GetAccountAuthorizationDetailsInput{Filter: c.filter})
		must(t, err)
		if len(out.UserDetailList) != c.users || len(out.GroupDetailList) != c.groups || len(out.RoleDetailList) != c.roles || len(out.Policies) != c.policies {
			t.Errorf("%v: %s", c.filter, dump(out))
		}
	}
	neither, role := aws.String("dzE6TmVpdGhlci9uYW1l"), aws.String("dzE6Um9sZS9uYW1l") // w1:Neither/name, w1:Role/name
	for _, c := range []struct {
		filter  []types.EntityType
		marker  *string
		message string
	}{
		{nil, aws.String("x"), "Invalid Marker."},
		{nil, neither, "Invalid Marker."},
		{[]types.EntityType{"User"}, aws.String("not-an-aws-marker"), "Marker and Filter do not match"},
		{[]types.EntityType{"User"}, neither, "Marker and Filter do not match"},
		{[]types.EntityType{"User", "LocalManagedPolicy"}, role, "Marker and Filter do not match"},
		{[]types.EntityType{"Dog"}, nil, "1 validation error detected: Value at 'filter' failed to satisfy constraint: Member must satisfy constraint: " +
			"[Member must satisfy enum value set: [User, Role, Group, LocalManagedPolicy, AWSManagedPolicy]]"},
	} {
		_, err := client.GetAccountAuthorizationDetails(ctx, &iam.GetAccountAuthorizationDetailsInput{Filter: c.filter, Marker: c.marker})
		wantError(t, err, "ValidationError", c.message)
	}
	if _, err := client.GetAccountAuthorizationDetails(ctx, &iam.GetAccountAuthorizationDetailsInput{Filter: []types.EntityType{"User", "Role"}, Marker: role}); err != nil {
		t.Errorf("a marker of one of the kinds asked for: %v", err)
	}
}

// Pages cut through the kinds of entities anywhere, and together they hold
// everything once.
func TestAuthorizationDetailsPages(t *testing.T) {
	s := wardertest.Start(t)
	client, ctx := s.IAM(s.Admin), t.Context()
	for i := range 3 {
		name := aws.String(fmt.Sprintf("n%d", i))
		must(t, errOf(client.CreateUser(ctx, &iam.CreateUserInput{UserName: name})))
		must(t, errOf(client.CreateGroup(ctx, &iam.CreateGroupInput{GroupName: name})))
		makeRole(t, client, *name)
		makePolicy(t, client, *name)
	}
	whole, err := client.GetAccountAuthorizationDetails(ctx, &iam.GetAccountAuthorizationDetailsInput{MaxItems: aws.Int32(1000)})
	must(t, err)
	total := len(whole.UserDetailList) + len(whole.GroupDetailList) + len(whole.RoleDetailList) + len(whole.Policies)
	for size := 1; size <= total; size++ {
		var got iam.GetAccountAuthorizationDetailsOutput
		pages := iam.NewGetAccountAuthorizationDetailsPaginator(client, &iam.GetAccountAuthorizationDetailsInput{MaxItems: aws.Int32(int32(size))})
		n := 0
		for pages.HasMorePages() {
			out, err := pages.NextPage(ctx)
			must(t, err)
			n++
			got.UserDetailList = append(got.UserDetailList, out.UserDetailList...)
			got.GroupDetailList = append(got.GroupDetailList, out.GroupDetailList...)
			got.RoleDetailList = append(got.RoleDetailList, out.RoleDetailList...)
			got.Policies = append(got.Policies, out.Policies...)
		}
		if want := (total + size - 1) / size; n != want {
			t.Errorf("%d entities came in %d pages of %d, want %d", total, n, size, want)
		}
		same(t, fmt.Sprintf("users in pages of %d", size), got.UserDetailList, whole.UserDetailList)
		same(t, fmt.Sprintf("groups in pages of %d", size), got.GroupDetailList, whole.GroupDetailList)
		same(t, fmt.Sprintf("roles in pages of %d", size), got.RoleDetailList, whole.RoleDetailList)
		same(t, fmt.Sprintf("policies in pages of %d", size), got.Policies, whole.Policies)
	}
}

// BenchmarkAuthorizationDetails reads an account of 10,000 users, groups, roles
// and policies from the first page to the last, and one page near its end.
func BenchmarkAuthorizationDetails(b *testing.B) {
	s := wardertest.StartConfig(b, daemon.Config{Store: "memory", Log: slog.New(slog.DiscardHandler), Quotas: iamservice.Quotas{
		"UsersPerAccount": 10_000, "GroupsPerAccount": 1000, "RolesPerAccount": 10_000, "PoliciesPerAccount": 10_000,
	}})
	client, ctx := s.IAM(s.Admin), b.Context()
	var work sync.WaitGroup
	steps := make(chan func() error)
	each := func(n int, step func(name *string) error) {
		for i := range n {
			name := aws.String(fmt.Sprintf("n%04d", i))
			steps <- func() error { return step(name) }
		}
	}
	for range 16 {
		work.Go(func() {
			for step := range steps {
				if err := step(); err != nil {
					b.Error(err)
				}
			}
		})
	}
	shared := aws.String("arn:aws:iam::" + wardertest.Account + ":policy/n0000")
	must(b, errOf(client.CreatePolicy(ctx, &iam.CreatePolicyInput{PolicyName: aws.String("n0000"), PolicyDocument: aws.String(allow("s3:*", "*", ""))})))
	each(500, func(name *string) error {
		return errOf(client.CreateGroup(ctx, &iam.CreateGroupInput{GroupName: name}))
	})
	each(6000, func(name *string) error {
		return errors.Join(
			errOf(client.CreateUser(ctx, &iam.CreateUserInput{UserName: name, Tags: tagList("team", "blue")})),
			errOf(client.AttachUserPolicy(ctx, &iam.AttachUserPolicyInput{UserName: name, PolicyArn: shared})))
	})
	each(2000, func(name *string) error {
		return errors.Join(
			errOf(client.CreateRole(ctx, &iam.CreateRoleInput{RoleName: name, AssumeRolePolicyDocument: aws.String(accountTrust)})),
			errOf(client.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: name, PolicyName: name, PolicyDocument: aws.String(allow("s3:*", "*", ""))})))
	})
	each(1500, func(name *string) error {
		if *name == "n0000" {
			return nil
		}
		return errOf(client.CreatePolicy(ctx, &iam.CreatePolicyInput{PolicyName: name, PolicyDocument: aws.String(allow("s3:*", "*", ""))}))
	})
	close(steps)
	work.Wait()
	read := func(b *testing.B, size int32, filter ...types.EntityType) {
		for b.Loop() {
			n := 0
			pages := iam.NewGetAccountAuthorizationDetailsPaginator(client, &iam.GetAccountAuthorizationDetailsInput{MaxItems: &size, Filter: filter})
			for pages.HasMorePages() {
				out, err := pages.NextPage(ctx)
				must(b, err)
				n += len(out.UserDetailList) + len(out.GroupDetailList) + len(out.RoleDetailList) + len(out.Policies)
			}
			b.ReportMetric(float64(n), "entities")
		}
	}
	b.Run("pages of 1000", func(b *testing.B) { read(b, 1000) })
	b.Run("pages of 100", func(b *testing.B) { read(b, 100) })
	b.Run("policies only", func(b *testing.B) { read(b, 1000, types.EntityTypeLocalManagedPolicy) })
	b.Run("one page of 10", func(b *testing.B) {
		page := &iam.GetAccountAuthorizationDetailsInput{MaxItems: aws.Int32(1000), Filter: []types.EntityType{types.EntityTypeRole}}
		first, err := client.GetAccountAuthorizationDetails(ctx, page)
		must(b, err)
		page.Marker, page.MaxItems = first.Marker, aws.Int32(10)
		for b.Loop() {
			must(b, errOf(client.GetAccountAuthorizationDetails(ctx, page)))
		}
	})
}
