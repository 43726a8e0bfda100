package iam_test

import (
	"fmt"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/warder-iam/warder/internal/wardertest"
)

// ec2Trust has white space and an escape that must survive: documents come back
// byte for byte.
const ec2Trust = `{ "Version":"2012-10-17",
 "Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}`

const (
	accountARN   = "arn:aws:iam::" + wardertest.Account + ":"
	accountTrust = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"` + wardertest.Account + `"},"Action":"sts:AssumeRole"}}`
)

func TestRoleLifecycle(t *testing.T) {
	s := wardertest.Start(t)
	client, ctx := s.IAM(s.Admin), t.Context()
	bound := makePolicy(t, client, "Bound")

	made, err := client.CreateRole(ctx, &iam.CreateRoleInput{
		RoleName: aws.String("Deployer"), Path: aws.String("/team/a/"), AssumeRolePolicyDocument: aws.String(ec2Trust),
		Description: aws.String("deploys"), MaxSessionDuration: aws.Int32(7200), PermissionsBoundary: &bound,
		Tags: []types.Tag{{Key: aws.String("Team"), Value: aws.String("A")}, {Key: aws.String("Empty"), Value: aws.String("")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	id, created := *made.Role.RoleId, made.Role.CreateDate
	if !strings.HasPrefix(id, "AROA") || time.Since(*created) > time.Hour {
		t.Errorf("id %s, created %v", id, created)
	}
	inProfile := types.Role{
		RoleName: aws.String("Deployer"), Path: aws.String("/team/a/"), RoleId: &id, CreateDate: created,
		Arn: aws.String(accountARN + "role/team/a/Deployer"), AssumeRolePolicyDocument: aws.String(escaped(ec2Trust)),
	}
	listed := inProfile
	listed.Description, listed.MaxSessionDuration = aws.String("deploys"), aws.Int32(7200)
	withTags := func(r types.Role) *types.Role {
		r.Tags = []types.Tag{{Key: aws.String("Team"), Value: aws.String("A")}, {Key: aws.String("Empty"), Value: aws.String("")}}
		r.PermissionsBoundary = &types.AttachedPermissionsBoundary{
			PermissionsBoundaryArn: &bound, PermissionsBoundaryType: "Policy",
		}
		return &r
	}
	same(t, "CreateRole", made.Role, withTags(inProfile))

	// Names are found without regard to case and keep the case they were given.
	got, err := client.GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String("DEPLOYER")})
	if err != nil {
		t.Fatal(err)
	}
	want := withTags(listed)
	want.RoleLastUsed = &types.RoleLastUsed{}
	same(t, "GetRole", got.Role, want)

	roles, err := client.ListRoles(ctx, &iam.ListRolesInput{PathPrefix: aws.String("/team/")})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "ListRoles", roles.Roles, []types.Role{listed})

	// UpdateRole leaves alone what is not sent.
	must(t, errOf(client.UpdateRole(ctx, &iam.UpdateRoleInput{RoleName: aws.String("deployer")})))
	must(t, errOf(client.UpdateRole(ctx, &iam.UpdateRoleInput{RoleName: aws.String("deployer"), Description: aws.String("one")})))
	must(t, errOf(client.UpdateRole(ctx, &iam.UpdateRoleInput{RoleName: aws.String("deployer"), MaxSessionDuration: aws.Int32(43200)})))
	described, err := client.UpdateRoleDescription(ctx, &iam.UpdateRoleDescriptionInput{RoleName: aws.String("deployer"), Description: aws.String("two")})
	if err != nil {
		t.Fatal(err)
	}
	after := inProfile
	after.Description = aws.String("two")
	same(t, "UpdateRoleDescription", described.Role, &after)

	must(t, errOf(client.UpdateAssumeRolePolicy(ctx, &iam.UpdateAssumeRolePolicyInput{RoleName: aws.String("deployer"), PolicyDocument: aws.String(accountTrust)})))
	must(t, errOf(client.DeleteRolePermissionsBoundary(ctx, &iam.DeleteRolePermissionsBoundaryInput{RoleName: aws.String("deployer")})))
	got, err = client.GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String("Deployer")})
	if err != nil {
		t.Fatal(err)
	}
	r := got.Role
	if *r.Description != "two" || *r.MaxSessionDuration != 43200 || *r.AssumeRolePolicyDocument != escaped(accountTrust) || r.PermissionsBoundary != nil {
		t.Errorf("after the updates: %s", dump(r))
	}
	must(t, errOf(client.PutRolePermissionsBoundary(ctx, &iam.PutRolePermissionsBoundaryInput{RoleName: aws.String("deployer"), PermissionsBoundary: &bound})))
	got, err = client.GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String("Deployer")})
	if err != nil || got.Role.PermissionsBoundary == nil || *got.Role.PermissionsBoundary.PermissionsBoundaryArn != bound {
		t.Errorf("boundary after Put: %v, %s", err, dump(got.Role))
	}

	must(t, errOf(client.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: aws.String("deployer")})))
	_, err = client.GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String("Deployer")})
	wantError(t, err, "NoSuchEntity", "The role with name Deployer cannot be found.")
}

func TestRoleDefaults(t *testing.T) {
	s := wardertest.Start(t)
	client, ctx := s.IAM(s.Admin), t.Context()
	makeRole(t, client, "plain")
	got, err := client.GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String("plain")})
	if err != nil {
		t.Fatal(err)
	}
	r := got.Role
	same(t, "GetRole", r, &types.Role{
		RoleName: aws.String("plain"), Path: aws.String("/"), Arn: aws.String(accountARN + "role/plain"), RoleId: r.RoleId,
		CreateDate: r.CreateDate, AssumeRolePolicyDocument: aws.String(escaped(accountTrust)),
		MaxSessionDuration: aws.Int32(3600), RoleLastUsed: &types.RoleLastUsed{},
	})
}

func TestRoleLastUsed(t *testing.T) {
	s := wardertest.Start(t)
	client, ctx := s.IAM(s.Admin), t.Context()
	role := makeRole(t, client, "worker")
	must(t, errOf(client.PutRolePolicy(ctx, &iam.PutRolePolicyInput{
		RoleName: aws.String("worker"), PolicyName: aws.String("p"), PolicyDocument: aws.String(allow("iam:ListRoles", "*", "")),
	})))
	out, err := s.STS(s.Admin).AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: &role, RoleSessionName: aws.String("session")})
	if err != nil {
		t.Fatal(err)
	}
	must(t, errOf(s.IAM(wardertest.SessionCredentials(out.Credentials)).ListRoles(ctx, &iam.ListRolesInput{})))
	got, err := client.GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String("worker")})
	if err != nil {
		t.Fatal(err)
	}
	if used := got.Role.RoleLastUsed; used == nil || used.LastUsedDate == nil || aws.ToString(used.Region) != "us-east-1" {
		t.Errorf("last used: %s", dump(used))
	}
	// A role of the same name made later was never used.
	must(t, errOf(client.DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{RoleName: aws.String("worker"), PolicyName: aws.String("p")})))
	must(t, errOf(client.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: aws.String("worker")})))
	makeRole(t, client, "worker")
	got, err = client.GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String("worker")})
	if err != nil || got.Role.RoleLastUsed == nil || got.Role.RoleLastUsed.LastUsedDate != nil {
		t.Errorf("a new role was last used: %v, %s", err, dump(got))
	}
}

func TestListRolesPages(t *testing.T) {
	s := wardertest.Start(t)
	client, ctx := s.IAM(s.Admin), t.Context()
	for _, name := range []string{"Zeta", "beta", "Alpha", "gamma", "delta"} {
		makeRole(t, client, name)
	}
	var names []string
	in := &iam.ListRolesInput{MaxItems: aws.Int32(2)}
	for pages := 0; ; pages++ {
		out, err := client.ListRoles(ctx, in)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range out.Roles {
			names = append(names, *r.RoleName)
		}
		if !out.IsTruncated {
			if out.Marker != nil || pages != 2 {
				t.Errorf("ended on page %d with marker %v", pages, out.Marker)
			}
			break
		}
		in.Marker = out.Marker
		if pages == 0 { // what is deleted between two pages must not disturb them
			must(t, errOf(client.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: aws.String("beta")})))
		}
	}
	same(t, "names over all pages", names, []string{"Alpha", "beta", "delta", "gamma", "Zeta"})

	none, err := client.ListRoles(ctx, &iam.ListRolesInput{PathPrefix: aws.String("/nowhere/")})
	if err != nil || none.Roles == nil || len(none.Roles) != 0 || none.IsTruncated {
		t.Errorf("empty list: %v, %s", err, dump(none))
	}
	_, err = client.ListRoles(ctx, &iam.ListRolesInput{Marker: aws.String("invalid")})
	wantError(t, err, "ValidationError", "Invalid Marker.")
}

func TestRoleRefusals(t *testing.T) {
	s := wardertest.Start(t)
	client, ctx := s.IAM(s.Admin), t.Context()
	makeRole(t, client, "Taken")
	create := func(change func(*iam.CreateRoleInput)) func() error {
		return func() error {
			in := &iam.CreateRoleInput{RoleName: aws.String("fresh"), AssumeRolePolicyDocument: aws.String(accountTrust)}
			change(in)
			_, err := client.CreateRole(ctx, in)
			return err
		}
	}
	trust := func(text string) func() error {
		return func() error {
			_, err := client.UpdateAssumeRolePolicy(ctx, &iam.UpdateAssumeRolePolicyInput{RoleName: aws.String("Taken"), PolicyDocument: &text})
			return err
		}
	}
	const noRole = "The role with name ghost cannot be found."
	ghost := aws.String("ghost")
	for _, c := range []struct {
		name          string
		call          func() error
		code, message string
	}{
		{"name taken", create(func(in *iam.CreateRoleInput) { in.RoleName = aws.String("TAKEN") }),
			"EntityAlreadyExists", "Role with name TAKEN already exists."},
		{"session too short", create(func(in *iam.CreateRoleInput) { in.MaxSessionDuration = aws.Int32(3599) }),
			"ValidationError", "… at 'maxSessionDuration' failed to satisfy constraint: Member must have value greater than or equal to 3600"},
		{"session too long", create(func(in *iam.CreateRoleInput) { in.MaxSessionDuration = aws.Int32(43201) }),
			"ValidationError", "… at 'maxSessionDuration' failed to satisfy constraint: Member must have value less than or equal to 43200"},
		{"boundary that is no policy", create(func(in *iam.CreateRoleInput) {
			in.PermissionsBoundary = aws.String(accountARN + "not_a_policy/invalid")
		}), "InvalidInput", "ARN " + accountARN + "not_a_policy/invalid is not valid."},
		{"boundary that is not there", create(func(in *iam.CreateRoleInput) {
			in.PermissionsBoundary = aws.String(accountARN + "policy/ghost")
		}), "NoSuchEntity", "Scope ARN: " + accountARN + "policy/ghost does not exist or is not attachable."},
		{"duplicate tags", create(func(in *iam.CreateRoleInput) {
			in.Tags = []types.Tag{{Key: aws.String("a"), Value: aws.String("1")}, {Key: aws.String("A"), Value: aws.String("2")}}
		}), "InvalidInput", "Duplicate tag keys found. Please note that Tag keys are case insensitive."},

		{"trust that is no JSON", trust("not valid json"), "MalformedPolicyDocument", "This policy contains invalid Json"},
		{"trust with other actions", trust(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"s3:GetObject"}]}`),
			"MalformedPolicyDocument", "AssumeRole policy may only specify STS AssumeRole actions."},
		{"trust with a resource", trust(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole","Resource":"*"}]}`),
			"MalformedPolicyDocument", "Has prohibited field Resource"},
		{"trust in nobody", trust(strings.Replace(accountTrust, wardertest.Account, accountARN+"user/ghost", 1)),
			"MalformedPolicyDocument", `Invalid principal in policy: "AWS":"` + accountARN + `user/ghost"`},
		{"trust too long", trust(strings.Replace(accountTrust, `"Action"`, `"Sid":"`+strings.Repeat("x", 2048)+`","Action"`, 1)),
			"LimitExceeded", "Cannot exceed quota for ACLSizePerRole: 2048"},

		{"no such role to get", func() error {
			return errOf(client.GetRole(ctx, &iam.GetRoleInput{RoleName: ghost}))
		}, "NoSuchEntity", noRole},
		{"no such role to update", func() error {
			return errOf(client.UpdateRole(ctx, &iam.UpdateRoleInput{RoleName: ghost}))
		}, "NoSuchEntity", noRole},
		{"no such role to describe", func() error {
			return errOf(client.UpdateRoleDescription(ctx, &iam.UpdateRoleDescriptionInput{RoleName: ghost, Description: aws.String("")}))
		}, "NoSuchEntity", noRole},
		{"no such role to trust", func() error {
			return errOf(client.UpdateAssumeRolePolicy(ctx, &iam.UpdateAssumeRolePolicyInput{RoleName: ghost, PolicyDocument: aws.String(accountTrust)}))
		}, "NoSuchEntity", noRole},
		{"no such role to delete", func() error {
			return errOf(client.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: ghost}))
		}, "NoSuchEntity", noRole},
		{"no such role to bound", func() error {
			return errOf(client.PutRolePermissionsBoundary(ctx, &iam.PutRolePermissionsBoundaryInput{
				RoleName: ghost, PermissionsBoundary: aws.String(accountARN + "policy/p"),
			}))
		}, "NoSuchEntity", noRole},
		{"no such role to unbound", func() error {
			return errOf(client.DeleteRolePermissionsBoundary(ctx, &iam.DeleteRolePermissionsBoundaryInput{RoleName: ghost}))
		}, "NoSuchEntity", noRole},
		{"no boundary to delete", func() error {
			return errOf(client.DeleteRolePermissionsBoundary(ctx, &iam.DeleteRolePermissionsBoundaryInput{RoleName: aws.String("taken")}))
		}, "NoSuchEntity", "No permissions boundary found for role Taken"},
	} {
		t.Run(c.name, func(t *testing.T) { wantError(t, c.call(), c.code, c.message) })
	}
}

func TestDeleteRoleConflicts(t *testing.T) {
	s := wardertest.Start(t)
	client, ctx := s.IAM(s.Admin), t.Context()
	makeRole(t, client, "busy")
	policy, role, profile := makePolicy(t, client, "P"), aws.String("busy"), aws.String("box")
	del := func() error { return errOf(client.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: role})) }

	must(t, errOf(client.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: role, PolicyArn: &policy})))
	wantError(t, del(), "DeleteConflict", "Cannot delete entity, must detach all policies first.")
	must(t, errOf(client.DetachRolePolicy(ctx, &iam.DetachRolePolicyInput{RoleName: role, PolicyArn: &policy})))

	must(t, errOf(client.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: role, PolicyName: aws.String("p"), PolicyDocument: aws.String(allow("s3:*", "*", ""))})))
	wantError(t, del(), "DeleteConflict", "Cannot delete entity, must delete policies first.")
	must(t, errOf(client.DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{RoleName: role, PolicyName: aws.String("p")})))

	must(t, errOf(client.CreateInstanceProfile(ctx, &iam.CreateInstanceProfileInput{InstanceProfileName: profile})))
	must(t, errOf(client.AddRoleToInstanceProfile(ctx, &iam.AddRoleToInstanceProfileInput{InstanceProfileName: profile, RoleName: role})))
	wantError(t, del(), "DeleteConflict", "Cannot delete entity, must remove roles from instance profile first.")
	must(t, errOf(client.RemoveRoleFromInstanceProfile(ctx, &iam.RemoveRoleFromInstanceProfileInput{InstanceProfileName: profile, RoleName: role})))
	must(t, del())
}

// A trust policy means the user that bore the name when it was saved: the name
// reads as the unique id once that user is gone, and another user of the same
// name is not trusted.
func TestTrustIsInThePrincipalNotTheName(t *testing.T) {
	s := wardertest.Start(t)
	client, ctx := s.IAM(s.Admin), t.Context()
	made, err := client.CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String("bob")})
	if err != nil {
		t.Fatal(err)
	}
	trust := strings.Replace(accountTrust, wardertest.Account, accountARN+"user/bob", 1)
	role := aws.String(makeRole(t, client, "bobs"))
	must(t, errOf(client.UpdateAssumeRolePolicy(ctx, &iam.UpdateAssumeRolePolicyInput{RoleName: aws.String("bobs"), PolicyDocument: &trust})))
	reads := func(want string) {
		t.Helper()
		got, err := client.GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String("bobs")})
		if err != nil {
			t.Fatal(err)
		}
		if text, _ := url.QueryUnescape(*got.Role.AssumeRolePolicyDocument); text != strings.Replace(trust, accountARN+"user/bob", want, 1) {
			t.Errorf("trust policy reads %s", text)
		}
	}
	reads(accountARN + "user/bob")
	must(t, errOf(client.UpdateUser(ctx, &iam.UpdateUserInput{UserName: aws.String("bob"), NewUserName: aws.String("rob"), NewPath: aws.String("/x/")})))
	reads(accountARN + "user/x/rob")
	must(t, errOf(client.DeleteUser(ctx, &iam.DeleteUserInput{UserName: aws.String("rob")})))
	reads(*made.User.UserId)
	impostor := s.User(s.Admin, "bob", allow("sts:AssumeRole", "*", ""))
	_, err = s.STS(impostor).AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: role, RoleSessionName: aws.String("session")})
	wardertest.WantCode(t, err, "AccessDenied")
}

func TestRolesQuota(t *testing.T) {
	if testing.Short() {
		t.Skip("makes a thousand roles")
	}
	s := wardertest.Start(t)
	client, ctx := s.IAM(s.Admin), t.Context()
	for i := range 1000 {
		makeRole(t, client, fmt.Sprintf("r%d", i))
	}
	_, err := client.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("more"), AssumeRolePolicyDocument: aws.String(accountTrust)})
	wantError(t, err, "LimitExceeded", "Cannot exceed quota for RolesPerAccount: 1000")
	all, err := client.ListRoles(ctx, &iam.ListRolesInput{})
	if err != nil || len(all.Roles) != 100 || !all.IsTruncated {
		t.Errorf("the default page has %d roles: %v", len(all.Roles), err)
	}
}

// makeRole makes a role that its account may assume and gives its ARN.
func makeRole(t testing.TB, client *iam.Client, name string) string {
	t.Helper()
	out, err := client.CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: aws.String(accountTrust)})
	if err != nil {
		t.Fatal(err)
	}
	return *out.Role.Arn
}

// makePolicy makes a managed policy that allows s3:GetObject and gives its ARN.
func makePolicy(t testing.TB, client *iam.Client, name string) string {
	t.Helper()
	out, err := client.CreatePolicy(t.Context(), &iam.CreatePolicyInput{PolicyName: &name, PolicyDocument: aws.String(allow("s3:GetObject", "*", ""))})
	if err != nil {
		t.Fatal(err)
	}
	return *out.Policy.Arn
}

// allow is a policy document of one statement; condition is its Condition in JSON or "".
func allow(action, resource, condition string) string {
	if condition != "" {
		condition = `,"Condition":` + condition
	}
	return fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":%q,"Resource":%q%s}]}`, action, resource, condition)
}

// escaped is a text percent-encoded per RFC 3986.
func escaped(text string) string { return strings.ReplaceAll(url.QueryEscape(text), "+", "%20") }

func errOf(_ any, err error) error { return err }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wantError wants an AWS error. A message that begins with "…" is the end of the
// text only.
func wantError(t testing.TB, err error, code, message string) {
	t.Helper()
	end, partial := strings.CutPrefix(message, "…")
	got := wardertest.Message(err)
	if wardertest.Code(err) != code || got != message && !(partial && strings.HasSuffix(got, end)) {
		t.Errorf("got %v, want %s: %s", err, code, message)
	}
}

func same(t testing.TB, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s:\n got %s\nwant %s", what, dump(got), dump(want))
	}
}
