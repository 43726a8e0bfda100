package iam_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/warder-iam/warder/internal/wardertest"
	"github.com/warder-iam/warder/sigv4"
)

func arnOf(kind, name string) string {
	return "arn:aws:iam::" + wardertest.Account + ":" + kind + "/" + name
}

// generate has a report made and gives its job's id.
func generate(t testing.TB, client *iam.Client, about string, level types.AccessAdvisorUsageGranularityType) *string {
	t.Helper()
	out, err := client.GenerateServiceLastAccessedDetails(t.Context(), &iam.GenerateServiceLastAccessedDetailsInput{Arn: &about, Granularity: level})
	must(t, err)
	return out.JobId
}

// report is a report with all its pages.
func report(t testing.TB, client *iam.Client, job *string) (all []types.ServiceLastAccessed) {
	t.Helper()
	in := &iam.GetServiceLastAccessedDetailsInput{JobId: job}
	for {
		out, err := client.GetServiceLastAccessedDetails(t.Context(), in)
		must(t, err)
		all = append(all, out.ServicesLastAccessed...)
		if !out.IsTruncated {
			return all
		}
		in.Marker = out.Marker
	}
}

func service(t testing.TB, rows []types.ServiceLastAccessed, namespace string) types.ServiceLastAccessed {
	t.Helper()
	i := slices.IndexFunc(rows, func(r types.ServiceLastAccessed) bool { return *r.ServiceNamespace == namespace })
	if i < 0 {
		t.Fatalf("%s is not in the report", namespace)
	}
	return rows[i]
}

// unused is the row of a service that nobody used.
func unused(namespace, name string) types.ServiceLastAccessed {
	return types.ServiceLastAccessed{ServiceNamespace: &namespace, ServiceName: &name, TotalAuthenticatedEntities: aws.Int32(0)}
}

func TestLastAccessedOfUser(t *testing.T) {
	s := wardertest.Start(t)
	admin, ctx := s.IAM(s.Admin), t.Context()
	c := s.User(s.Admin, "alice", allow("iam:List*", "*", ""))
	must(t, errOf(admin.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: aws.String("alice"), PolicyName: aws.String("more"), PolicyDocument: aws.String(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:GetObject","sts:Get*","ec2:*"],"Resource":"*"},{"Effect":"Deny","Action":"ec2:*","Resource":"*"}]}`)})))
	begin := s.Clock.Now().UTC().Truncate(time.Minute)
	must(t, errOf(s.IAM(c).ListUsers(ctx, &iam.ListUsersInput{})))
	// A denied attempt counts, but the action is not one of alice's.
	wardertest.WantCode(t, errOf(s.IAM(c).GetUser(ctx, &iam.GetUserInput{UserName: aws.String("administrator")})), "AccessDenied")
	must(t, errOf(s.STS(c).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})))

	// The name is the user's of now.
	must(t, errOf(admin.UpdateUser(ctx, &iam.UpdateUserInput{UserName: aws.String("alice"), NewUserName: aws.String("alicia")})))
	alicia := arnOf("user", "alicia")

	job := generate(t, admin, alicia, "")
	out, err := admin.GetServiceLastAccessedDetails(ctx, &iam.GetServiceLastAccessedDetailsInput{JobId: job})
	must(t, err)
	if out.JobStatus != types.JobStatusTypeCompleted || out.JobType != types.AccessAdvisorUsageGranularityTypeServiceLevel || out.IsTruncated || out.Marker != nil || out.Error != nil {
		t.Errorf("the job is %s", dump(out))
	}
	created := aws.ToTime(out.JobCreationDate)
	if created.Before(begin) || created.After(s.Clock.Now()) || !created.Equal(aws.ToTime(out.JobCompletionDate)) {
		t.Errorf("created %s, completed %s", created, out.JobCompletionDate)
	}
	rows := out.ServicesLastAccessed
	iamRow, stsRow := service(t, rows, "iam"), service(t, rows, "sts")
	at := aws.ToTime(iamRow.LastAuthenticated)
	if at.Before(begin) || at.Second() != 0 {
		t.Errorf("last authenticated at %s", at)
	}
	used := func(namespace, name string, at *time.Time) types.ServiceLastAccessed {
		row := unused(namespace, name)
		row.LastAuthenticated, row.LastAuthenticatedEntity, row.LastAuthenticatedRegion, row.TotalAuthenticatedEntities = at, &alicia, aws.String("us-east-1"), aws.Int32(1)
		return row
	}
	same(t, "services", rows, []types.ServiceLastAccessed{
		used("iam", "AWS Identity and Access Management", iamRow.LastAuthenticated), unused("s3", "Amazon S3"),
		used("sts", "AWS Security Token Service", stsRow.LastAuthenticated),
	})

	// At the level of actions: all that are granted and tracked, with those used.
	job = generate(t, admin, alicia, types.AccessAdvisorUsageGranularityTypeActionLevel)
	detail, err := admin.GetServiceLastAccessedDetails(ctx, &iam.GetServiceLastAccessedDetailsInput{JobId: job})
	must(t, err)
	if detail.JobType != types.AccessAdvisorUsageGranularityTypeActionLevel {
		t.Errorf("the type is %s", detail.JobType)
	}
	var names []string
	for _, a := range service(t, detail.ServicesLastAccessed, "iam").TrackedActionsLastAccessed {
		names = append(names, *a.ActionName)
		want := types.TrackedActionLastAccessed{ActionName: a.ActionName}
		if *a.ActionName == "ListUsers" {
			want.LastAccessedEntity, want.LastAccessedRegion, want.LastAccessedTime = &alicia, aws.String("us-east-1"), a.LastAccessedTime
			if aws.ToTime(a.LastAccessedTime).Before(begin) {
				t.Errorf("ListUsers was used at %v", a.LastAccessedTime)
			}
		}
		same(t, *a.ActionName, a, want)
	}
	if !slices.IsSorted(names) || !slices.Contains(names, "ListAccessKeys") || !slices.Contains(names, "ListUsers") ||
		slices.ContainsFunc(names, func(n string) bool { return !strings.HasPrefix(n, "List") }) {
		t.Errorf("tracked actions: %v", names)
	}
	if s3 := service(t, detail.ServicesLastAccessed, "s3"); s3.TrackedActionsLastAccessed != nil {
		t.Errorf("actions that are not tracked: %s", dump(s3))
	}

	// Reports show the moment that they were made at.
	must(t, errOf(s.IAM(c).ListRoles(ctx, &iam.ListRolesInput{})))
	must(t, errOf(admin.DeleteUserPolicy(ctx, &iam.DeleteUserPolicyInput{UserName: aws.String("alicia"), PolicyName: aws.String("more")})))
	again, err := admin.GetServiceLastAccessedDetails(ctx, &iam.GetServiceLastAccessedDetailsInput{JobId: job})
	must(t, err)
	same(t, "the same report later", again.ServicesLastAccessed, detail.ServicesLastAccessed)
	if rows := report(t, admin, generate(t, admin, alicia, "")); len(rows) != 1 {
		t.Errorf("a new report: %s", dump(rows))
	}

	entities, err := admin.GetServiceLastAccessedDetailsWithEntities(ctx, &iam.GetServiceLastAccessedDetailsWithEntitiesInput{JobId: job, ServiceNamespace: aws.String("sts")})
	must(t, err)
	user, err := admin.GetUser(ctx, &iam.GetUserInput{UserName: aws.String("alicia")})
	must(t, err)
	same(t, "entities", entities.EntityDetailsList, []types.EntityDetails{{LastAuthenticated: stsRow.LastAuthenticated, EntityInfo: &types.EntityInfo{
		Arn: &alicia, Name: aws.String("alicia"), Type: types.PolicyOwnerEntityTypeUser, Id: user.User.UserId, Path: aws.String("/"),
	}}})
}

// TestLastAccessedOfGroupAndPolicy: reports about several entities.
func TestLastAccessedOfGroupAndPolicy(t *testing.T) {
	s := wardertest.Start(t)
	admin, ctx := s.IAM(s.Admin), t.Context()
	made, err := admin.CreatePolicy(ctx, &iam.CreatePolicyInput{PolicyName: aws.String("shared"), PolicyDocument: aws.String(allow("sts:*", "*", ""))})
	must(t, err)
	policy := *made.Policy.Arn
	must(t, errOf(admin.CreateGroup(ctx, &iam.CreateGroupInput{GroupName: aws.String("crew")})))
	must(t, errOf(admin.AttachGroupPolicy(ctx, &iam.AttachGroupPolicyInput{GroupName: aws.String("crew"), PolicyArn: &policy})))
	keys := map[string]wardertest.Credentials{}
	for _, name := range []string{"first", "idle", "last", "outside"} {
		keys[name] = s.User(s.Admin, name, "")
		if name != "outside" {
			must(t, errOf(admin.AddUserToGroup(ctx, &iam.AddUserToGroupInput{GroupName: aws.String("crew"), UserName: aws.String(name)})))
		}
	}
	must(t, errOf(admin.AttachUserPolicy(ctx, &iam.AttachUserPolicyInput{UserName: aws.String("last"), PolicyArn: &policy}))) // and by the group
	role := makeRole(t, admin, "worker")
	must(t, errOf(admin.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: aws.String("worker"), PolicyArn: &policy})))
	identity := func(c wardertest.Credentials) {
		must(t, errOf(s.STS(c).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})))
	}
	identity(keys["first"])
	identity(keys["outside"])
	s.Clock.Add(2 * time.Minute)
	identity(keys["last"])
	last := arnOf("user", "last")

	job := generate(t, admin, arnOf("group", "crew"), types.AccessAdvisorUsageGranularityTypeActionLevel)
	rows := report(t, admin, job)
	if len(rows) != 1 || *rows[0].LastAuthenticatedEntity != last || *rows[0].TotalAuthenticatedEntities != 2 {
		t.Errorf("the group: %s", dump(rows))
	}
	i := slices.IndexFunc(rows[0].TrackedActionsLastAccessed, func(a types.TrackedActionLastAccessed) bool { return *a.ActionName == "GetCallerIdentity" })
	if a := rows[0].TrackedActionsLastAccessed[i]; aws.ToString(a.LastAccessedEntity) != last || !a.LastAccessedTime.Equal(*rows[0].LastAuthenticated) {
		t.Errorf("GetCallerIdentity: %s", dump(a))
	}
	names := func(in *iam.GetServiceLastAccessedDetailsWithEntitiesInput) (names []string) {
		in.ServiceNamespace = aws.String("sts")
		for {
			out, err := admin.GetServiceLastAccessedDetailsWithEntities(ctx, in)
			must(t, err)
			if out.JobStatus != types.JobStatusTypeCompleted || out.JobCreationDate == nil || out.JobCompletionDate == nil || out.Error != nil {
				t.Errorf("the job is %s", dump(out))
			}
			for _, e := range out.EntityDetailsList {
				name := *e.EntityInfo.Name
				if e.LastAuthenticated == nil {
					name = "(" + name + ")"
				}
				names = append(names, name)
			}
			if in.Marker = out.Marker; !out.IsTruncated {
				return names
			}
		}
	}
	same(t, "members, the latest first", names(&iam.GetServiceLastAccessedDetailsWithEntitiesInput{JobId: job}), []string{"last", "first", "(idle)"})
	same(t, "members, one a page", names(&iam.GetServiceLastAccessedDetailsWithEntitiesInput{JobId: job, MaxItems: aws.Int32(1)}), []string{"last", "first", "(idle)"})

	out, err := s.STS(s.Admin).AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: &role, RoleSessionName: aws.String("night")})
	must(t, err)
	s.Clock.Add(2 * time.Minute)
	identity(wardertest.SessionCredentials(out.Credentials))
	job = generate(t, admin, policy, "")
	rows = report(t, admin, job)
	if len(rows) != 1 || *rows[0].LastAuthenticatedEntity != role || *rows[0].TotalAuthenticatedEntities != 3 {
		t.Errorf("the policy: %s", dump(rows))
	}
	same(t, "whom the policy is attached to", names(&iam.GetServiceLastAccessedDetailsWithEntitiesInput{JobId: job}), []string{"worker", "last", "first", "(idle)"})
	rows = report(t, admin, generate(t, admin, role, ""))
	if len(rows) != 1 || *rows[0].LastAuthenticatedEntity != role || *rows[0].TotalAuthenticatedEntities != 1 {
		t.Errorf("the role: %s", dump(rows))
	}

	// A role that is made anew was never used.
	must(t, errOf(admin.DetachRolePolicy(ctx, &iam.DetachRolePolicyInput{RoleName: aws.String("worker"), PolicyArn: &policy})))
	must(t, errOf(admin.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: aws.String("worker")})))
	makeRole(t, admin, "worker")
	must(t, errOf(admin.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: aws.String("worker"), PolicyArn: &policy})))
	same(t, "the new role", report(t, admin, generate(t, admin, role, "")), []types.ServiceLastAccessed{unused("sts", "AWS Security Token Service")})
}

// TestLastAccessedPages: an administrator's services, some hundreds.
func TestLastAccessedPages(t *testing.T) {
	s := wardertest.Start(t)
	client, ctx := s.IAM(s.Admin), t.Context()
	job := generate(t, client, arnOf("user", "administrator"), types.AccessAdvisorUsageGranularityTypeActionLevel)
	first, err := client.GetServiceLastAccessedDetails(ctx, &iam.GetServiceLastAccessedDetailsInput{JobId: job})
	must(t, err)
	if len(first.ServicesLastAccessed) != 200 || !first.IsTruncated {
		t.Errorf("the default page has %d services", len(first.ServicesLastAccessed))
	}
	all := report(t, client, job)
	var namespaces []string
	for _, row := range all {
		namespaces = append(namespaces, *row.ServiceNamespace)
	}
	if len(all) < 400 || !slices.IsSorted(namespaces) || len(slices.Compact(namespaces)) != len(all) {
		t.Errorf("%d services: %v", len(all), namespaces)
	}
	n := len(service(t, all, "iam").TrackedActionsLastAccessed)
	if passRole := slices.ContainsFunc(service(t, all, "iam").TrackedActionsLastAccessed, func(a types.TrackedActionLastAccessed) bool { return *a.ActionName == "PassRole" }); n < 150 || passRole {
		t.Errorf("%d actions of IAM, with PassRole: %v", n, passRole)
	}
	wantError(t, errOf(client.GetServiceLastAccessedDetails(ctx, &iam.GetServiceLastAccessedDetailsInput{JobId: job, Marker: aws.String("nonsense")})), "ValidationError", "Invalid Marker.")

	// Nor are markers of another report, or of a report's other list.
	another := generate(t, client, arnOf("user", "administrator"), "")
	const foreign = "The marker passed in the request was invalid."
	wantError(t, errOf(client.GetServiceLastAccessedDetails(ctx, &iam.GetServiceLastAccessedDetailsInput{JobId: another, Marker: first.Marker})), "InvalidInput", foreign)
	wantError(t, errOf(client.GetServiceLastAccessedDetailsWithEntities(ctx, &iam.GetServiceLastAccessedDetailsWithEntitiesInput{JobId: job, ServiceNamespace: aws.String("s3"), Marker: first.Marker})), "InvalidInput", foreign)
}

func TestLastAccessedRefusals(t *testing.T) {
	s := wardertest.Start(t)
	admin, ctx := s.IAM(s.Admin), t.Context()
	other, _, otherRoot := s.NewAccount()
	for _, c := range []struct{ arn, code, message string }{
		{arnOf("user", "nobody"), "NoSuchEntity", "ARN " + arnOf("user", "nobody") + " does not exist."},
		{arnOf("user", "x/administrator"), "NoSuchEntity", "ARN " + arnOf("user", "x/administrator") + " does not exist."},
		{arnOf("role", "nobody"), "NoSuchEntity", "ARN " + arnOf("role", "nobody") + " does not exist."},
		{arnOf("group", "nobody"), "NoSuchEntity", "ARN " + arnOf("group", "nobody") + " does not exist."},
		{arnOf("policy", "nothing"), "NoSuchEntity", "Policy " + arnOf("policy", "nothing") + " does not exist or is not attachable."},
		{arnOf("mfa", "nothing"), "InvalidInput", "Invalid Entity Arn: " + arnOf("mfa", "nothing") + " is not supported."},
		{"arn:aws:iam::" + wardertest.Account + ":root", "InvalidInput", "Invalid Entity Arn: arn:aws:iam::" + wardertest.Account + ":root is not supported."},
		{"arn:aws:s3:::bucket-of-somebody", "ValidationError", "Invalid service in ARN"},
		{"arn:aws-cn:iam::" + wardertest.Account + ":user/administrator", "ValidationError", "Invalid ARN partition"},
		{"this is not an ARN at all", "ValidationError", "ARN this is not an ARN at all is not valid."},
		{"arn:aws:iam::" + other + ":user/administrator", "AccessDenied", "…because no resource-based policy allows the iam:GenerateServiceLastAccessedDetails action"},
	} {
		wantError(t, errOf(admin.GenerateServiceLastAccessedDetails(ctx, &iam.GenerateServiceLastAccessedDetailsInput{Arn: &c.arn})), c.code, c.message)
	}
	wardertest.WantCode(t, errOf(admin.GenerateServiceLastAccessedDetails(ctx, &iam.GenerateServiceLastAccessedDetailsInput{Arn: aws.String(arnOf("user", "administrator")), Granularity: "NO_LEVEL"})), "ValidationError")

	// Only who had a report made reads it, a role in the session it was made in.
	job := generate(t, admin, arnOf("user", "administrator"), "")
	colleague := s.IAM(s.User(s.Admin, "colleague", allow("*", "*", "")))
	role := makeRole(t, admin, "worker")
	must(t, errOf(admin.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: aws.String("worker"), PolicyName: aws.String("p"), PolicyDocument: aws.String(allow("*", "*", ""))})))
	session := func(name string) *iam.Client {
		out, err := s.STS(s.Admin).AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: &role, RoleSessionName: &name})
		must(t, err)
		return s.IAM(wardertest.SessionCredentials(out.Credentials))
	}
	night := session("night")
	nightJob := generate(t, night, arnOf("user", "administrator"), "")
	must(t, errOf(night.GetServiceLastAccessedDetails(ctx, &iam.GetServiceLastAccessedDetailsInput{JobId: nightJob})))
	unknown := aws.String("00000000-0000-4000-8000-000000000000")
	reads := func(what string, client *iam.Client, job *string) {
		t.Helper()
		text := "Job " + *job + " does not exist."
		wantError(t, errOf(client.GetServiceLastAccessedDetails(ctx, &iam.GetServiceLastAccessedDetailsInput{JobId: job})), "NoSuchEntity", text)
		wantError(t, errOf(client.GetServiceLastAccessedDetailsWithEntities(ctx, &iam.GetServiceLastAccessedDetailsWithEntitiesInput{JobId: job, ServiceNamespace: aws.String("s3")})), "NoSuchEntity", text)
	}
	reads("an unknown job", admin, unknown)
	reads("another user", colleague, job)
	reads("another account", s.IAM(otherRoot), job)
	reads("another session", session("day"), nightJob)
	reads("the user behind the session", admin, nightJob)

	entities := func(namespace string) (*iam.GetServiceLastAccessedDetailsWithEntitiesOutput, error) {
		return night.GetServiceLastAccessedDetailsWithEntities(ctx, &iam.GetServiceLastAccessedDetailsWithEntitiesInput{JobId: nightJob, ServiceNamespace: &namespace})
	}
	wantError(t, errOf(entities("frobnicate")), "InvalidInput", "Service namepace frobnicate is either invalid or unsupported.")
	nothing := generate(t, admin, role, "")
	if out, err := admin.GetServiceLastAccessedDetailsWithEntities(ctx, &iam.GetServiceLastAccessedDetailsWithEntitiesInput{JobId: nothing, ServiceNamespace: aws.String("s3")}); err != nil || len(out.EntityDetailsList) != 1 {
		t.Errorf("a service that is granted: %v, %s", err, dump(out))
	}
	must(t, errOf(admin.DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{RoleName: aws.String("worker"), PolicyName: aws.String("p")})))
	nothing = generate(t, admin, role, "")
	if rows := report(t, admin, nothing); len(rows) != 0 {
		t.Errorf("a role without policies: %s", dump(rows))
	}
	if out, err := admin.GetServiceLastAccessedDetailsWithEntities(ctx, &iam.GetServiceLastAccessedDetailsWithEntitiesInput{JobId: nothing, ServiceNamespace: aws.String("s3")}); err != nil || len(out.EntityDetailsList) != 0 {
		t.Errorf("a service that is not granted: %v, %s", err, dump(out))
	}

	// A day later it is gone. The SDK would sign with the real time.
	s.Clock.Add(24*time.Hour + time.Minute)
	form := url.Values{"Action": {"GetServiceLastAccessedDetails"}, "Version": {"2010-05-08"}, "JobId": {*job}}.Encode()
	r, err := http.NewRequest(http.MethodPost, s.URL, strings.NewReader(form))
	must(t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	must(t, sigv4.Sign(r, []byte(form), sigv4.Credentials{AccessKeyID: s.Admin.AccessKeyID, SecretAccessKey: s.Admin.SecretAccessKey}, "us-east-1", "iam", s.Clock.Now()))
	wantError(t, wardertest.Do(r), "NoSuchEntity", "Job "+*job+" does not exist.")
}

// TestLastAccessedOfAWSPolicy: one of AWS's policies has users in every account,
// and each account sees its own. What a session of GetFederationToken does is
// its user's use.
func TestLastAccessedOfAWSPolicy(t *testing.T) {
	s := wardertest.Start(t)
	admin, ctx := s.IAM(s.Admin), t.Context()
	policy := "arn:aws:iam::aws:policy/IAMReadOnlyAccess"
	key := s.User(s.Admin, "alice", allow("sts:*", "*", ""))
	must(t, errOf(admin.AttachUserPolicy(ctx, &iam.AttachUserPolicyInput{UserName: aws.String("alice"), PolicyArn: &policy})))
	must(t, errOf(s.IAM(key).ListUsers(ctx, &iam.ListUsersInput{})))
	rows := report(t, admin, generate(t, admin, policy, ""))
	if row := service(t, rows, "iam"); aws.ToString(row.LastAuthenticatedEntity) != arnOf("user", "alice") || *row.TotalAuthenticatedEntities != 1 {
		t.Errorf("here: %s", dump(row))
	}
	_, elsewhere, _ := s.NewAccount()
	for _, row := range report(t, s.IAM(elsewhere), generate(t, s.IAM(elsewhere), policy, "")) {
		if row.LastAuthenticated != nil || *row.TotalAuthenticatedEntities != 0 {
			t.Errorf("in another account: %s", dump(row))
		}
	}

	s.Clock.Add(2 * time.Minute)
	out, err := s.STS(key).GetFederationToken(ctx, &sts.GetFederationTokenInput{Name: aws.String("guest")})
	must(t, err)
	s.Clock.Add(2 * time.Minute)
	at := s.Clock.Now().UTC().Truncate(time.Minute)
	must(t, errOf(s.STS(wardertest.SessionCredentials(out.Credentials)).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})))
	row := service(t, report(t, admin, generate(t, admin, arnOf("user", "alice"), "")), "sts")
	if aws.ToString(row.LastAuthenticatedEntity) != arnOf("user", "alice") || aws.ToTime(row.LastAuthenticated).Before(at) {
		t.Errorf("after the federated user: %s", dump(row))
	}
}
