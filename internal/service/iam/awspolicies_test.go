package iam_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	ststypes "github.com/aws/aws-sdk-go-v2/service/sts/types"

	"github.com/warder-iam/warder/internal/wardertest"
)

const (
	administratorAccess = "arn:aws:iam::aws:policy/AdministratorAccess"
	powerUserAccess     = "arn:aws:iam::aws:policy/PowerUserAccess"
	iamReadOnlyAccess   = "arn:aws:iam::aws:policy/IAMReadOnlyAccess"
	lambdaExecution     = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
	supportServiceRole  = "arn:aws:iam::aws:policy/aws-service-role/AWSSupportServiceRolePolicy"
)

func TestGetAWSPolicy(t *testing.T) {
	s := wardertest.Start(t)
	client, ctx := s.IAM(s.Admin), t.Context()
	made := time.Date(2015, 2, 6, 18, 39, 46, 0, time.UTC)
	got, err := client.GetPolicy(ctx, &iam.GetPolicyInput{PolicyArn: aws.String(administratorAccess)})
	must(t, err)
	same(t, "GetPolicy", *got.Policy, types.Policy{
		PolicyName: aws.String("AdministratorAccess"), PolicyId: aws.String("ANPAIWMBCKSKIEE64ZLYK"), Arn: aws.String(administratorAccess),
		Path: aws.String("/"), DefaultVersionId: aws.String("v1"), AttachmentCount: aws.Int32(0), PermissionsBoundaryUsageCount: aws.Int32(0),
		IsAttachable: true, CreateDate: &made, UpdateDate: &made, Tags: []types.Tag{},
	})
	version, err := client.GetPolicyVersion(ctx, &iam.GetPolicyVersionInput{PolicyArn: aws.String(administratorAccess), VersionId: aws.String("v1")})
	must(t, err)
	text, err := url.PathUnescape(*version.PolicyVersion.Document)
	must(t, err)
	const want = `{
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": "*",
            "Resource": "*"
        }
    ]
}`
	if text != want {
		t.Errorf("document %s", text)
	}
	version.PolicyVersion.Document = nil
	same(t, "GetPolicyVersion", *version.PolicyVersion, types.PolicyVersion{VersionId: aws.String("v1"), IsDefaultVersion: true, CreateDate: &made})

	// Former versions are there too, with their documents.
	var ids []string
	pages := iam.NewListPolicyVersionsPaginator(client, &iam.ListPolicyVersionsInput{PolicyArn: aws.String(powerUserAccess), MaxItems: aws.Int32(4)})
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		must(t, err)
		for _, v := range out.Versions {
			if v.IsDefaultVersion != (len(ids) == 0) || v.CreateDate == nil || v.Document != nil {
				t.Errorf("version %+v after %v", v, ids)
			}
			ids = append(ids, *v.VersionId)
		}
	}
	if len(ids) < 5 || ids[len(ids)-1] != "v1" {
		t.Errorf("versions %v", ids)
	}
	for _, id := range ids {
		v, err := client.GetPolicyVersion(ctx, &iam.GetPolicyVersionInput{PolicyArn: aws.String(powerUserAccess), VersionId: &id})
		must(t, err)
		text, err := url.PathUnescape(*v.PolicyVersion.Document)
		must(t, err)
		if !json.Valid([]byte(text)) || v.PolicyVersion.IsDefaultVersion != (id == ids[0]) {
			t.Errorf("%s: %+v", id, v.PolicyVersion)
		}
	}
	_, err = client.GetPolicyVersion(ctx, &iam.GetPolicyVersionInput{PolicyArn: aws.String(powerUserAccess), VersionId: aws.String("v999")})
	wantError(t, err, "NoSuchEntity", "Policy "+powerUserAccess+" version v999 does not exist or is not attachable.")
}

func TestListAWSPolicies(t *testing.T) {
	s := wardertest.Start(t)
	client, ctx := s.IAM(s.Admin), t.Context()
	// A name that AWS has too, and its neighbours in the order of names.
	for _, name := range []string{"PowerUserAccess", "PowerUserAccess-", "PowerUser", "zebra"} {
		makePolicyAt(t, client, "/", name)
	}
	makeGrantees(t, client, "/", aws.String(powerUserAccess), nil)
	for _, g := range grantees {
		must(t, g.attach(ctx, client, g.name, lambdaExecution))
	}
	list := func(in iam.ListPoliciesInput) (arns []string) {
		t.Helper()
		pages := iam.NewListPoliciesPaginator(client, &in)
		for pages.HasMorePages() {
			out, err := pages.NextPage(ctx)
			must(t, err)
			if in.MaxItems != nil && len(out.Policies) > int(*in.MaxItems) {
				t.Fatalf("a page of %d", len(out.Policies))
			}
			for _, p := range out.Policies {
				if p.Description != nil || p.Tags != nil || !p.IsAttachable || p.PolicyId == nil || p.DefaultVersionId == nil {
					t.Errorf("listed %+v", p)
				}
				arns = append(arns, *p.Arn)
			}
		}
		return arns
	}
	all := list(iam.ListPoliciesInput{Scope: types.PolicyScopeTypeAws, MaxItems: aws.Int32(1000)})
	if len(all) != 1594 || !slices.Contains(all, administratorAccess) || !slices.Contains(all, supportServiceRole) {
		t.Fatalf("%d of AWS's", len(all))
	}
	both := list(iam.ListPoliciesInput{MaxItems: aws.Int32(7)})
	if sorted := slices.Compact(slices.Sorted(slices.Values(both))); len(both) != 1598 || len(sorted) != len(both) {
		t.Errorf("%d in all, %d different", len(both), len(sorted))
	}
	name := func(arn string) string { return strings.ToLower(arn[strings.LastIndexByte(arn, '/')+1:]) }
	if !slices.IsSortedFunc(both, func(a, b string) int { return strings.Compare(name(a), name(b)) }) {
		t.Error("not in the order of names")
	}
	// Wherever a page ends, the next one goes on behind it.
	own := "arn:aws:iam::" + wardertest.Account + ":policy/"
	at := slices.Index(both, own+"PowerUser")
	same(t, "neighbours", both[at:at+4], []string{own + "PowerUser", own + "PowerUserAccess", powerUserAccess, own + "PowerUserAccess-"})

	for _, c := range []struct {
		in   iam.ListPoliciesInput
		want []string
	}{
		{iam.ListPoliciesInput{OnlyAttached: true}, []string{lambdaExecution, powerUserAccess}},
		{iam.ListPoliciesInput{Scope: types.PolicyScopeTypeAws, OnlyAttached: true, PolicyUsageFilter: types.PolicyUsageTypePermissionsPolicy}, []string{lambdaExecution}},
		{iam.ListPoliciesInput{Scope: types.PolicyScopeTypeAws, OnlyAttached: true, PolicyUsageFilter: types.PolicyUsageTypePermissionsBoundary}, []string{powerUserAccess}},
		{iam.ListPoliciesInput{Scope: types.PolicyScopeTypeLocal, OnlyAttached: true}, nil},
		{iam.ListPoliciesInput{OnlyAttached: true, PathPrefix: aws.String("/job-function/")}, nil},
	} {
		same(t, fmt.Sprintf("%+v", c.in), list(c.in), c.want)
	}
	if got := list(iam.ListPoliciesInput{PathPrefix: aws.String("/job-function/")}); len(got) != 11 {
		t.Errorf("job functions %v", got)
	}

	// An account's use of AWS's policies is its own.
	got, err := client.GetPolicy(ctx, &iam.GetPolicyInput{PolicyArn: aws.String(lambdaExecution)})
	must(t, err)
	_, otherAdmin, _ := s.NewAccount()
	other, err := s.IAM(otherAdmin).GetPolicy(ctx, &iam.GetPolicyInput{PolicyArn: aws.String(lambdaExecution)})
	must(t, err)
	if *got.Policy.AttachmentCount != int32(len(grantees)) || *other.Policy.AttachmentCount != 0 {
		t.Errorf("attached %d times here, %d times there", *got.Policy.AttachmentCount, *other.Policy.AttachmentCount)
	}
	entities, err := client.ListEntitiesForPolicy(ctx, &iam.ListEntitiesForPolicyInput{PolicyArn: aws.String(lambdaExecution)})
	must(t, err)
	elsewhere, err := s.IAM(otherAdmin).ListEntitiesForPolicy(ctx, &iam.ListEntitiesForPolicyInput{PolicyArn: aws.String(lambdaExecution)})
	must(t, err)
	same(t, "entities", []int{len(entities.PolicyGroups), len(entities.PolicyRoles), len(entities.PolicyUsers),
		len(elsewhere.PolicyGroups) + len(elsewhere.PolicyRoles) + len(elsewhere.PolicyUsers)}, []int{1, 1, 1, 0})

	details, err := client.GetAccountAuthorizationDetails(ctx, &iam.GetAccountAuthorizationDetailsInput{Filter: []types.EntityType{types.EntityTypeAWSManagedPolicy}})
	must(t, err)
	if n := len(details.Policies); n != 2 || len(details.UserDetailList) != 0 {
		t.Fatalf("%d policies in the details", n)
	}
	for i, want := range []string{lambdaExecution, powerUserAccess} {
		p := details.Policies[i]
		if *p.Arn != want || len(p.PolicyVersionList) != 1 || *p.PolicyVersionList[0].VersionId != *p.DefaultVersionId || p.PolicyVersionList[0].Document == nil {
			t.Errorf("detail %d: %+v", i, p)
		}
	}
}

// TestAWSPolicyIsReadOnly: nobody changes AWS's policies, whatever the caller's
// own policies allow.
func TestAWSPolicyIsReadOnly(t *testing.T) {
	s := wardertest.Start(t)
	ctx := t.Context()
	_, _, root := s.NewAccount()
	tags := []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}}
	for who, client := range map[string]*iam.Client{"administrator": s.IAM(s.Admin), "root": s.IAM(root)} {
		for action, call := range map[string]func(arn *string) error{
			"DeletePolicy": func(a *string) error {
				_, err := client.DeletePolicy(ctx, &iam.DeletePolicyInput{PolicyArn: a})
				return err
			},
			"CreatePolicyVersion": func(a *string) error {
				_, err := client.CreatePolicyVersion(ctx, &iam.CreatePolicyVersionInput{PolicyArn: a, PolicyDocument: aws.String(listBucket), SetAsDefault: true})
				return err
			},
			"SetDefaultPolicyVersion": func(a *string) error {
				_, err := client.SetDefaultPolicyVersion(ctx, &iam.SetDefaultPolicyVersionInput{PolicyArn: a, VersionId: aws.String("v1")})
				return err
			},
			"DeletePolicyVersion": func(a *string) error {
				_, err := client.DeletePolicyVersion(ctx, &iam.DeletePolicyVersionInput{PolicyArn: a, VersionId: aws.String("v1")})
				return err
			},
		} {
			for _, arn := range []string{powerUserAccess, lambdaExecution, supportServiceRole} {
				err := call(&arn)
				wardertest.WantCode(t, err, "AccessDenied")
				if want := "is not authorized to perform: iam:" + action + " on resource: " + arn; err != nil && !strings.Contains(err.Error(), want) {
					t.Errorf("%s, %s: %v", who, action, err)
				}
			}
		}
		const untaggable = "Tags not supported for policies in this domain"
		_, err := client.TagPolicy(ctx, &iam.TagPolicyInput{PolicyArn: aws.String(powerUserAccess), Tags: tags})
		wantError(t, err, "InvalidInput", untaggable)
		_, err = client.UntagPolicy(ctx, &iam.UntagPolicyInput{PolicyArn: aws.String(powerUserAccess), TagKeys: []string{"k"}})
		wantError(t, err, "InvalidInput", untaggable)
		_, err = client.ListPolicyTags(ctx, &iam.ListPolicyTagsInput{PolicyArn: aws.String(powerUserAccess)})
		wantError(t, err, "InvalidInput", untaggable)
	}
	local, err := s.IAM(s.Admin).ListPolicies(ctx, &iam.ListPoliciesInput{Scope: types.PolicyScopeTypeLocal})
	must(t, err)
	if len(local.Policies) != 0 {
		t.Errorf("the account has %+v", local.Policies)
	}
}

// TestServiceRolePolicies: some policies are for service-linked roles only.
func TestServiceRolePolicies(t *testing.T) {
	s := wardertest.Start(t)
	client, ctx := s.IAM(s.Admin), t.Context()
	makeGrantees(t, client, "/", nil, nil)
	for _, g := range grantees {
		kind := strings.ToUpper(g.kind[:1]) + g.kind[1:]
		wantError(t, g.attach(ctx, client, g.name, supportServiceRole), "PolicyNotAttachable", "Cannot attach a Service Role Policy to a Customer "+kind+".")
		wantError(t, g.detach(ctx, client, g.name, supportServiceRole), "NoSuchEntity", "Policy "+supportServiceRole+" was not found.")
		must(t, g.attach(ctx, client, g.name, lambdaExecution)) // of a service role that is the account's own
		must(t, g.detach(ctx, client, g.name, lambdaExecution))
	}
	_, err := client.CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String("bounded"), PermissionsBoundary: aws.String(supportServiceRole)})
	wantError(t, err, "NoSuchEntity", "Scope ARN: "+supportServiceRole+" does not exist or is not attachable.")
}

// TestAWSPolicyInForce: AWS's policies grant and bound like a customer's, on
// users, through groups, on roles and for sessions.
func TestAWSPolicyInForce(t *testing.T) {
	s := wardertest.Start(t)
	client, ctx := s.IAM(s.Admin), t.Context()
	reads := func(c wardertest.Credentials) error {
		_, err := s.IAM(c).ListUsers(ctx, &iam.ListUsersInput{})
		return err
	}
	writes := func(c wardertest.Credentials) error {
		_, err := s.IAM(c).CreateGroup(ctx, &iam.CreateGroupInput{GroupName: aws.String(fmt.Sprint("g", time.Now().UnixNano()))})
		return err
	}
	denied := func(err error) {
		t.Helper()
		wardertest.WantCode(t, err, "AccessDenied")
	}
	alice := s.User(s.Admin, "alice", "")
	denied(reads(alice))
	attach := func(arn string) {
		t.Helper()
		_, err := client.AttachUserPolicy(ctx, &iam.AttachUserPolicyInput{UserName: aws.String("alice"), PolicyArn: &arn})
		must(t, err)
	}
	attach(iamReadOnlyAccess)
	must(t, reads(alice))
	denied(writes(alice))
	attach(administratorAccess)
	must(t, writes(alice))
	// PowerUserAccess has a NotAction of iam:*, so as a boundary it forbids that.
	_, err := client.PutUserPermissionsBoundary(ctx, &iam.PutUserPermissionsBoundaryInput{UserName: aws.String("alice"), PermissionsBoundary: aws.String(powerUserAccess)})
	must(t, err)
	denied(writes(alice))

	// A user without policies of its own that may attach one AWS policy only.
	s.User(s.Admin, "bob", "")
	carol := s.User(s.Admin, "carol", fmt.Sprintf(`{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":"iam:AttachUserPolicy","Resource":"*","Condition":{"ArnEquals":{"iam:PolicyARN":%q}}},
		{"Effect":"Allow","Action":"iam:GetPolicy","Resource":"arn:aws:iam::aws:policy/service-role/*"}]}`, iamReadOnlyAccess))
	_, err = s.IAM(carol).AttachUserPolicy(ctx, &iam.AttachUserPolicyInput{UserName: aws.String("bob"), PolicyArn: aws.String(administratorAccess)})
	denied(err)
	_, err = s.IAM(carol).AttachUserPolicy(ctx, &iam.AttachUserPolicyInput{UserName: aws.String("bob"), PolicyArn: aws.String(iamReadOnlyAccess)})
	must(t, err)
	_, err = s.IAM(carol).GetPolicy(ctx, &iam.GetPolicyInput{PolicyArn: aws.String(lambdaExecution)})
	must(t, err)
	_, err = s.IAM(carol).GetPolicy(ctx, &iam.GetPolicyInput{PolicyArn: aws.String(administratorAccess)})
	denied(err)

	_, err = client.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("r"), AssumeRolePolicyDocument: aws.String(
		`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"` + wardertest.Account + `"},"Action":"sts:AssumeRole"}}`)})
	must(t, err)
	_, err = client.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: aws.String("r"), PolicyArn: aws.String(administratorAccess)})
	must(t, err)
	assume := func(arns ...string) wardertest.Credentials {
		t.Helper()
		in := &sts.AssumeRoleInput{RoleArn: aws.String("arn:aws:iam::" + wardertest.Account + ":role/r"), RoleSessionName: aws.String("session")}
		for _, arn := range arns {
			in.PolicyArns = append(in.PolicyArns, ststypes.PolicyDescriptorType{Arn: &arn})
		}
		out, err := s.STS(s.Admin).AssumeRole(ctx, in)
		must(t, err)
		return wardertest.SessionCredentials(out.Credentials)
	}
	must(t, writes(assume()))
	limited := assume(iamReadOnlyAccess)
	must(t, reads(limited))
	denied(writes(limited))

	// The simulator names them.
	sim, err := client.SimulatePrincipalPolicy(ctx, &iam.SimulatePrincipalPolicyInput{
		PolicySourceArn: aws.String("arn:aws:iam::" + wardertest.Account + ":role/r"), ActionNames: []string{"s3:GetObject"},
	})
	must(t, err)
	if r := sim.EvaluationResults[0]; r.EvalDecision != types.PolicyEvaluationDecisionTypeAllowed || *r.MatchedStatements[0].SourcePolicyId != "AdministratorAccess" {
		t.Errorf("simulated %+v", r)
	}
}

// TestAWSIsNoAccount: what stands in the ARNs of AWS's policies cannot be made a
// principal.
func TestAWSIsNoAccount(t *testing.T) {
	s := wardertest.Start(t)
	client, ctx := s.IAM(s.Admin), t.Context()
	for _, principal := range []string{"aws", "arn:aws:iam::aws:root", "arn:aws:iam::aws:user/x", "arn:aws:sts::aws:assumed-role/r/s", administratorAccess} {
		_, err := client.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("r"), AssumeRolePolicyDocument: aws.String(
			`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"` + principal + `"},"Action":"sts:AssumeRole"}}`)})
		wardertest.WantCode(t, err, "MalformedPolicyDocument")
	}
}

// BenchmarkListAWSPolicies lists all of AWS's policies through the SDK.
func BenchmarkListAWSPolicies(b *testing.B) {
	s := wardertest.Start(b)
	client := s.IAM(s.Admin)
	for b.Loop() {
		n := 0
		pages := iam.NewListPoliciesPaginator(client, &iam.ListPoliciesInput{Scope: types.PolicyScopeTypeAws, MaxItems: aws.Int32(1000)})
		for pages.HasMorePages() {
			out, err := pages.NextPage(b.Context())
			must(b, err)
			n += len(out.Policies)
		}
		if n != 1594 {
			b.Fatal(n)
		}
	}
}
