package iam_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/warder-iam/warder/internal/wardertest"
)

func TestPolicyLifecycle(t *testing.T) {
	s := wardertest.Start(t)
	client, ctx := s.IAM(s.Admin), t.Context()
	tags := []types.Tag{{Key: aws.String("Department"), Value: aws.String("Accounting")}}
	out, err := client.CreatePolicy(ctx, &iam.CreatePolicyInput{
		PolicyName: aws.String("Reader"), Path: aws.String("/team/"), Description: aws.String("reads"), Tags: tags, PolicyDocument: aws.String(listBucket),
	})
	must(t, err)
	made := out.Policy
	if made.CreateDate == nil || made.CreateDate.Nanosecond() != 0 || made.CreateDate.Location() != time.UTC {
		t.Errorf("created %v, want whole seconds in UTC", made.CreateDate)
	}
	if id := *made.PolicyId; len(id) != 21 || id[:4] != "ANPA" {
		t.Errorf("unique id %s", id)
	}
	listed := types.Policy{
		PolicyName: aws.String("Reader"), PolicyId: made.PolicyId, Path: aws.String("/team/"), DefaultVersionId: aws.String("v1"),
		Arn:             aws.String("arn:aws:iam::" + wardertest.Account + ":policy/team/Reader"),
		AttachmentCount: aws.Int32(0), PermissionsBoundaryUsageCount: aws.Int32(0), IsAttachable: true,
		CreateDate: made.CreateDate, UpdateDate: made.CreateDate,
	}
	want := listed
	want.Tags = tags
	same(t, "CreatePolicy", *made, want)
	want.Description = aws.String("reads")
	got, err := client.GetPolicy(ctx, &iam.GetPolicyInput{PolicyArn: made.Arn})
	must(t, err)
	same(t, "GetPolicy", *got.Policy, want)
	list, err := client.ListPolicies(ctx, &iam.ListPoliciesInput{Scope: types.PolicyScopeTypeLocal})
	must(t, err)
	same(t, "ListPolicies", list.Policies, []types.Policy{listed})

	bare := makePolicyAt(t, client, "/", "Bare")
	got, err = client.GetPolicy(ctx, &iam.GetPolicyInput{PolicyArn: &bare})
	must(t, err)
	if got.Policy.Tags == nil || len(got.Policy.Tags) != 0 || got.Policy.Description != nil {
		t.Errorf("a policy without tags and description is shown as %v, %v", got.Policy.Tags, got.Policy.Description)
	}

	_, err = client.DeletePolicy(ctx, &iam.DeletePolicyInput{PolicyArn: made.Arn})
	must(t, err)
	_, err = client.GetPolicy(ctx, &iam.GetPolicyInput{PolicyArn: made.Arn})
	wantError(t, err, "NoSuchEntity", "Policy "+*made.Arn+" was not found.")
}

func TestCreatePolicyRefusals(t *testing.T) {
	s := wardertest.Start(t)
	client, ctx := s.IAM(s.Admin), t.Context()
	makePolicyAt(t, client, "/", "Taken")
	tag := func(k string) types.Tag { return types.Tag{Key: &k, Value: aws.String("v")} }
	for _, c := range []struct {
		name, doc  string
		tags       []types.Tag
		code, text string
	}{
		{name: "TAKEN", doc: listBucket, code: "EntityAlreadyExists", text: "A policy called TAKEN already exists. Duplicate names are not allowed."},
		{name: "big", doc: policyDocument(6145), code: "LimitExceeded", text: "Cannot exceed quota for PolicySize: 6144"},
		{name: "broken", doc: `{"Statement":[}`, code: "MalformedPolicyDocument"},
		{name: "principal", doc: strings.ReplaceAll(listBucket, `"Resource"`, `"Principal":"*","Resource"`), code: "MalformedPolicyDocument"},
		{name: "old", doc: strings.ReplaceAll(listBucket, "2012", "2008"), code: "MalformedPolicyDocument", text: "Policy document must be version 2012-10-17 or greater."},
		{name: "none", doc: `{"Statement":{"Effect":"denY","Action":"s3:*"}}`, code: "MalformedPolicyDocument", text: "Policy document must be version 2012-10-17 or greater."},
		{name: "next", doc: strings.ReplaceAll(listBucket, "2012", "2013"), code: "MalformedPolicyDocument", text: "Syntax errors in policy."},
		{name: "tags", doc: listBucket, tags: []types.Tag{tag("a"), tag("A")}, code: "InvalidInput", text: "Duplicate tag keys found. Please note that Tag keys are case insensitive."},
		{name: "a/b", doc: listBucket, code: "ValidationError"},
	} {
		_, err := client.CreatePolicy(ctx, &iam.CreatePolicyInput{PolicyName: &c.name, PolicyDocument: &c.doc, Tags: c.tags})
		wardertest.WantCode(t, err, c.code)
		if c.text != "" {
			wantError(t, err, c.code, c.text)
		}
	}
	_, err := client.CreatePolicy(ctx, &iam.CreatePolicyInput{PolicyName: aws.String("full"), PolicyDocument: aws.String(policyDocument(6144))})
	must(t, err)
}

// Every operation that takes a policy's ARN refuses what is none, and what is
// not there.
func TestPolicyARNs(t *testing.T) {
	s := wardertest.Start(t)
	client, ctx := s.IAM(s.Admin), t.Context()
	other, otherAdmin, _ := s.NewAccount()
	theirs := makePolicyAt(t, s.IAM(otherAdmin), "/", "Theirs")
	operations := map[string]func(arn string) error{
		"GetPolicy": func(a string) error { _, err := client.GetPolicy(ctx, &iam.GetPolicyInput{PolicyArn: &a}); return err },
		"DeletePolicy": func(a string) error {
			_, err := client.DeletePolicy(ctx, &iam.DeletePolicyInput{PolicyArn: &a})
			return err
		},
		"CreatePolicyVersion": func(a string) error {
			_, err := client.CreatePolicyVersion(ctx, &iam.CreatePolicyVersionInput{PolicyArn: &a, PolicyDocument: aws.String(listBucket)})
			return err
		},
		"GetPolicyVersion": func(a string) error {
			_, err := client.GetPolicyVersion(ctx, &iam.GetPolicyVersionInput{PolicyArn: &a, VersionId: aws.String("v1")})
			return err
		},
		"ListPolicyVersions": func(a string) error {
			_, err := client.ListPolicyVersions(ctx, &iam.ListPolicyVersionsInput{PolicyArn: &a})
			return err
		},
		"SetDefaultPolicyVersion": func(a string) error {
			_, err := client.SetDefaultPolicyVersion(ctx, &iam.SetDefaultPolicyVersionInput{PolicyArn: &a, VersionId: aws.String("v1")})
			return err
		},
		"DeletePolicyVersion": func(a string) error {
			_, err := client.DeletePolicyVersion(ctx, &iam.DeletePolicyVersionInput{PolicyArn: &a, VersionId: aws.String("v1")})
			return err
		},
		"ListEntitiesForPolicy": func(a string) error {
			_, err := client.ListEntitiesForPolicy(ctx, &iam.ListEntitiesForPolicyInput{PolicyArn: &a})
			return err
		},
	}
	for name, call := range operations {
		t.Run(name, func(t *testing.T) {
			absent := []string{"arn:aws:iam::" + wardertest.Account + ":policy/Absent"}
			if strings.HasPrefix(name, "Get") || strings.HasPrefix(name, "List") {
				absent = append(absent, "arn:aws:iam::aws:policy/AbsentAccess")
			} else {
				wardertest.WantCode(t, call("arn:aws:iam::aws:policy/AbsentAccess"), "AccessDenied")
			}
			for _, arn := range absent {
				want := "Policy " + arn + " was not found."
				switch name {
				case "GetPolicyVersion", "SetDefaultPolicyVersion", "DeletePolicyVersion":
					want = "Policy " + arn + " version v1 does not exist or is not attachable."
				case "ListEntitiesForPolicy":
					want = "Policy " + arn + " does not exist or is not attachable."
				}
				wantError(t, call(arn), "NoSuchEntity", want)
			}
			wantError(t, call("not-the-arn-of-a-policy"), "ValidationError", "ARN not-the-arn-of-a-policy is not valid.")
			user := "arn:aws:iam::" + wardertest.Account + ":user/admin"
			wantError(t, call(user), "InvalidInput", "ARN "+user+" is not valid.")
			wantError(t, call("arn:aws-cn:iam::"+wardertest.Account+":policy/P"), "ValidationError", "Invalid ARN partition")
			// There or not, a policy of another account is refused alike.
			wardertest.WantCode(t, call(theirs), "AccessDenied")
			wardertest.WantCode(t, call("arn:aws:iam::"+other+":policy/Absent"), "AccessDenied")
		})
	}
	if _, err := s.IAM(otherAdmin).GetPolicy(ctx, &iam.GetPolicyInput{PolicyArn: &theirs}); err != nil {
		t.Error(err)
	}
}

func TestListPolicies(t *testing.T) {
	s := wardertest.Start(t)
	client, ctx := s.IAM(s.Admin), t.Context()
	makePolicyAt(t, client, "/b/", "Delta")
	attached := makePolicyAt(t, client, "/a/", "charlie")
	bounding := makePolicyAt(t, client, "/a/x/", "Bravo")
	makePolicyAt(t, client, "/", "alpha")
	makeGrantees(t, client, "/", &bounding, nil)
	for _, g := range grantees {
		must(t, g.attach(ctx, client, g.name, attached))
	}
	for _, c := range []struct {
		in   iam.ListPoliciesInput
		want string
	}{
		{iam.ListPoliciesInput{Scope: types.PolicyScopeTypeLocal}, "alpha Bravo charlie Delta"},
		{iam.ListPoliciesInput{Scope: types.PolicyScopeTypeAll, PathPrefix: aws.String("/a/")}, "Bravo charlie"},
		{iam.ListPoliciesInput{Scope: types.PolicyScopeTypeAws, OnlyAttached: true}, ""},
		// As recorded: the use is looked at only together with OnlyAttached.
		{iam.ListPoliciesInput{OnlyAttached: true}, "Bravo charlie"},
		{iam.ListPoliciesInput{OnlyAttached: true, PolicyUsageFilter: types.PolicyUsageTypePermissionsPolicy}, "charlie"},
		{iam.ListPoliciesInput{Scope: types.PolicyScopeTypeLocal, PolicyUsageFilter: types.PolicyUsageTypePermissionsPolicy}, "alpha Bravo charlie Delta"},
		{iam.ListPoliciesInput{PolicyUsageFilter: types.PolicyUsageTypePermissionsBoundary, OnlyAttached: true}, "Bravo"},
		{iam.ListPoliciesInput{PolicyUsageFilter: types.PolicyUsageTypePermissionsBoundary, OnlyAttached: true, PathPrefix: aws.String("/b/")}, ""},
		{iam.ListPoliciesInput{PolicyUsageFilter: types.PolicyUsageTypePermissionsBoundary, PathPrefix: aws.String("/b/")}, "Delta"},
	} {
		out, err := client.ListPolicies(ctx, &c.in)
		must(t, err)
		var names []string
		for _, p := range out.Policies {
			names = append(names, *p.PolicyName)
			switch *p.PolicyName {
			case "charlie":
				same(t, "uses of charlie", []int32{*p.AttachmentCount, *p.PermissionsBoundaryUsageCount}, []int32{3, 0})
			case "Bravo":
				same(t, "uses of Bravo", []int32{*p.AttachmentCount, *p.PermissionsBoundaryUsageCount}, []int32{0, 2})
			}
		}
		if got := strings.Join(names, " "); got != c.want || out.IsTruncated {
			t.Errorf("%+v lists %q, truncated %v, want %q", c.in, got, out.IsTruncated, c.want)
		}
	}
	var paged []string
	pages := iam.NewListPoliciesPaginator(client, &iam.ListPoliciesInput{Scope: types.PolicyScopeTypeLocal, MaxItems: aws.Int32(3)})
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		must(t, err)
		for _, p := range out.Policies {
			paged = append(paged, *p.PolicyName)
		}
	}
	if !slices.Equal(paged, []string{"alpha", "Bravo", "charlie", "Delta"}) {
		t.Errorf("paged %v", paged)
	}

	// Neither use lets a policy be deleted.
	for _, arn := range []string{attached, bounding} {
		_, err := client.DeletePolicy(ctx, &iam.DeletePolicyInput{PolicyArn: &arn})
		wantError(t, err, "DeleteConflict", "Cannot delete a policy attached to entities.")
	}
}

func TestListEntitiesForPolicy(t *testing.T) {
	s := wardertest.Start(t)
	client, ctx := s.IAM(s.Admin), t.Context()
	arn := makePolicyAt(t, client, "/", "P")
	makeGrantees(t, client, "/team/", &arn, nil) // bounds Jane and Deploy
	_, err := client.CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String("bob")})
	must(t, err)
	for _, g := range grantees {
		must(t, g.attach(ctx, client, g.name, arn))
	}
	_, err = client.DetachRolePolicy(ctx, &iam.DetachRolePolicyInput{RoleName: aws.String("Deploy"), PolicyArn: &arn})
	must(t, err)
	must(t, grantees[0].attach(ctx, client, "bob", arn))

	names := func(out *iam.ListEntitiesForPolicyOutput) (all []string) {
		for _, g := range out.PolicyGroups {
			all = append(all, "group/"+*g.GroupName)
		}
		for _, r := range out.PolicyRoles {
			all = append(all, "role/"+*r.RoleName)
		}
		for _, u := range out.PolicyUsers {
			all = append(all, "user/"+*u.UserName)
		}
		return all
	}
	for _, c := range []struct {
		in   iam.ListEntitiesForPolicyInput
		want string
	}{
		{iam.ListEntitiesForPolicyInput{}, "group/Team role/Deploy user/bob user/Jane"},
		{iam.ListEntitiesForPolicyInput{PathPrefix: aws.String("/team/")}, "group/Team role/Deploy user/Jane"},
		{iam.ListEntitiesForPolicyInput{EntityFilter: types.EntityTypeUser}, "user/bob user/Jane"},
		{iam.ListEntitiesForPolicyInput{EntityFilter: types.EntityTypeGroup}, "group/Team"},
		{iam.ListEntitiesForPolicyInput{EntityFilter: types.EntityTypeRole}, "role/Deploy"},
		{iam.ListEntitiesForPolicyInput{EntityFilter: types.EntityTypeLocalManagedPolicy}, ""},
		{iam.ListEntitiesForPolicyInput{PolicyUsageFilter: types.PolicyUsageTypePermissionsPolicy}, "group/Team user/bob user/Jane"},
		{iam.ListEntitiesForPolicyInput{PolicyUsageFilter: types.PolicyUsageTypePermissionsBoundary}, "role/Deploy user/Jane"},
		{iam.ListEntitiesForPolicyInput{PolicyUsageFilter: types.PolicyUsageTypePermissionsBoundary, EntityFilter: types.EntityTypeRole}, "role/Deploy"},
	} {
		c.in.PolicyArn = &arn
		out, err := client.ListEntitiesForPolicy(ctx, &c.in)
		must(t, err)
		if got := strings.Join(names(out), " "); got != c.want || out.IsTruncated {
			t.Errorf("%+v lists %q, want %q", c.in, got, c.want)
		}
	}
	var paged []string
	pages := iam.NewListEntitiesForPolicyPaginator(client, &iam.ListEntitiesForPolicyInput{PolicyArn: &arn, MaxItems: aws.Int32(3)})
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		must(t, err)
		paged = append(paged, names(out)...)
	}
	if got := strings.Join(paged, " "); got != "group/Team role/Deploy user/bob user/Jane" {
		t.Errorf("paged %s", got)
	}

	out, err := client.ListEntitiesForPolicy(ctx, &iam.ListEntitiesForPolicyInput{PolicyArn: &arn})
	must(t, err)
	user, err := client.GetUser(ctx, &iam.GetUserInput{UserName: aws.String("Jane")})
	must(t, err)
	group, err := client.GetGroup(ctx, &iam.GetGroupInput{GroupName: aws.String("Team")})
	must(t, err)
	role, err := client.GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String("Deploy")})
	must(t, err)
	if *out.PolicyUsers[1].UserId != *user.User.UserId || *out.PolicyGroups[0].GroupId != *group.Group.GroupId || *out.PolicyRoles[0].RoleId != *role.Role.RoleId {
		t.Errorf("ids %v %v %v", *out.PolicyUsers[1].UserId, *out.PolicyGroups[0].GroupId, *out.PolicyRoles[0].RoleId)
	}
}

func TestPolicyQuota(t *testing.T) {
	s := wardertest.Start(t)
	client := s.IAM(s.Admin)
	for i := range 1500 {
		makePolicy(t, client, fmt.Sprint("p", i))
	}
	_, err := client.CreatePolicy(t.Context(), &iam.CreatePolicyInput{PolicyName: aws.String("more"), PolicyDocument: aws.String(listBucket)})
	wantError(t, err, "LimitExceeded", "Cannot exceed quota for PoliciesPerAccount: 1500")
}
