package iam_test

import (
	"encoding/csv"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/warder-iam/warder/internal/wardertest"
)

const reportHeader = "user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,password_next_rotation,mfa_active," +
	"access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date,access_key_1_last_used_region,access_key_1_last_used_service," +
	"access_key_2_active,access_key_2_last_rotated,access_key_2_last_used_date,access_key_2_last_used_region,access_key_2_last_used_service," +
	"cert_1_active,cert_1_last_rotated,cert_2_active,cert_2_last_rotated"

const startedReport = "No report exists. Starting a new report generation task"

// generateReport makes a report, and wants it to be started or not.
func generateReport(t testing.TB, client *iam.Client, want types.ReportStateType) {
	t.Helper()
	out, err := client.GenerateCredentialReport(t.Context(), &iam.GenerateCredentialReportInput{})
	must(t, err)
	var description *string
	if want == types.ReportStateTypeStarted {
		description = aws.String(startedReport)
	}
	same(t, "GenerateCredentialReport", []any{out.State, out.Description}, []any{want, description})
}

// credentialReport is the lines of the report, without the header, by the name of the user.
func credentialReport(t testing.TB, client *iam.Client) (lines map[string]string, made time.Time) {
	t.Helper()
	out, err := client.GetCredentialReport(t.Context(), &iam.GetCredentialReportInput{})
	must(t, err)
	same(t, "ReportFormat", out.ReportFormat, types.ReportFormatTypeTextCsv)
	all := strings.Split(string(out.Content), "\n")
	same(t, "header", all[0], reportHeader)
	if !strings.HasPrefix(all[1], "<root_account>,") {
		t.Errorf("the first line is %s", all[1])
	}
	lines = map[string]string{}
	rows, err := csv.NewReader(strings.NewReader(string(out.Content))).ReadAll()
	must(t, err)
	for i, row := range rows[1:] {
		lines[row[0]] = all[i+1]
	}
	return lines, *out.GeneratedTime
}

func TestCredentialReport(t *testing.T) {
	s := wardertest.Start(t)
	s.Clock.Stop() // the report has times to the second that no answer tells
	account, admin, root := s.NewAccount()
	client, ctx := s.IAM(admin), t.Context()
	iso := func(at *time.Time) string { return at.UTC().Format("2006-01-02T15:04:05Z") }
	// later moves on, so that times differ, and is a new user's creation.
	later := func(name, path string) (arn, created string) {
		t.Helper()
		s.Clock.Add(time.Second)
		out, err := client.CreateUser(ctx, &iam.CreateUserInput{UserName: &name, Path: &path})
		must(t, err)
		return *out.User.Arn, iso(out.User.CreateDate)
	}
	key := func(name string) *types.AccessKey {
		t.Helper()
		s.Clock.Add(time.Second)
		return makeKey(t, client, &name)
	}
	const none, noCerts = "false,N/A,N/A,N/A,N/A", "false,N/A,false,N/A"
	want := map[string]string{}

	arn, created := later("zoe,bare", "/team/") // a name that CSV quotes
	want["zoe,bare"] = `"zoe,bare","` + arn + `",` + created + ",false,N/A,N/A,N/A,false," + none + "," + none + "," + noCerts

	must(t, errOf(client.UpdateAccountPasswordPolicy(ctx, &iam.UpdateAccountPasswordPolicyInput{MaxPasswordAge: aws.Int32(90)})))
	arn, created = later("Bob", "/")
	s.Clock.Add(time.Minute)
	profile, err := client.CreateLoginProfile(ctx, &iam.CreateLoginProfileInput{UserName: aws.String("Bob"), Password: aws.String("Passw0rd!"), PasswordResetRequired: true})
	must(t, err)
	s.Clock.Add(time.Hour)
	must(t, errOf(client.UpdateLoginProfile(ctx, &iam.UpdateLoginProfileInput{UserName: aws.String("Bob"), Password: aws.String("Passw0rd!2")})))
	changed := profile.LoginProfile.CreateDate.Add(time.Hour)
	expires := changed.Add(90 * 24 * time.Hour)
	must(t, newPhone(t, s, admin, "phone").enable(admin, "Bob"))
	want["Bob"] = "Bob," + arn + "," + created + ",true,no_information," + iso(&changed) + "," + iso(&expires) + ",true," + none + "," + none + "," + noCerts

	arn, created = later("amy", "/")
	used, idle := key("amy"), key("amy")
	must(t, errOf(client.UpdateAccessKey(ctx, &iam.UpdateAccessKeyInput{UserName: aws.String("amy"), AccessKeyId: idle.AccessKeyId, Status: types.StatusTypeInactive})))
	s.Clock.Add(20 * time.Minute)
	at := s.Clock.Now().Truncate(time.Minute)
	must(t, errOf(s.STS(wardertest.KeyCredentials(used)).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})))
	slots := []string{"true," + iso(used.CreateDate) + "," + iso(&at) + ",us-east-1,sts", "false," + iso(idle.CreateDate) + ",N/A,N/A,N/A"}
	if *used.AccessKeyId > *idle.AccessKeyId { // slots are in the order of the ids
		slots[0], slots[1] = slots[1], slots[0]
	}
	want["amy"] = "amy," + arn + "," + created + ",false,N/A,N/A,N/A,false," + slots[0] + "," + slots[1] + "," + noCerts

	must(t, errOf(s.IAM(root).ListUsers(ctx, &iam.ListUsersInput{})))
	keys := listKeys(t, s.IAM(root), nil)
	self, err := s.IAM(root).GetUser(ctx, &iam.GetUserInput{})
	must(t, err)
	use, err := s.IAM(root).GetAccessKeyLastUsed(ctx, &iam.GetAccessKeyLastUsedInput{AccessKeyId: &root.AccessKeyID})
	must(t, err)
	want["<root_account>"] = "<root_account>,arn:aws:iam::" + account + ":root," + iso(self.User.CreateDate) + ",false,N/A,N/A,not_supported,false,true," +
		iso(keys[0].CreateDate) + "," + iso(use.AccessKeyLastUsed.LastUsedDate) + ",us-east-1,iam," + none + "," + noCerts

	generateReport(t, client, types.ReportStateTypeStarted)
	got, made := credentialReport(t, client)
	for name, line := range want {
		same(t, name, got[name], line)
	}
	same(t, "lines", len(got), len(want)+1)
	same(t, "made at", made, s.Clock.Now().UTC().Truncate(time.Second))

	// Users are in the order of their names, whatever their case, and there is no
	// line end after the last.
	out, err := client.GetCredentialReport(ctx, &iam.GetCredentialReportInput{})
	must(t, err)
	var names []string
	for _, line := range strings.Split(string(out.Content), "\n")[1:] {
		name, _, _ := strings.Cut(line, ",")
		names = append(names, name)
	}
	same(t, "order", names, []string{"<root_account>", "administrator", "amy", "Bob", `"zoe`})
}

func TestCredentialReportCertificates(t *testing.T) {
	s := wardertest.Start(t)
	client, ctx := s.IAM(s.Admin), t.Context()
	makeUser(t, client, "Bob")
	var uploaded []types.SigningCertificate
	for range 2 {
		s.Clock.Add(time.Second)
		uploaded = append(uploaded, *uploadSigning(t, client, aws.String("Bob"), ecParty(t, "Bob", nil).body()))
	}
	must(t, errOf(client.UpdateSigningCertificate(ctx, &iam.UpdateSigningCertificateInput{UserName: aws.String("Bob"), CertificateId: uploaded[1].CertificateId, Status: types.StatusTypeInactive})))
	generateReport(t, client, types.ReportStateTypeStarted)
	lines, _ := credentialReport(t, client)
	iso := func(c types.SigningCertificate) string { return c.UploadDate.Format("2006-01-02T15:04:05Z") }
	if want := ",false," + iso(uploaded[1]) + ",true," + iso(uploaded[0]); !strings.HasSuffix(lines["Bob"], want) {
		t.Errorf("got %s, want %s", lines["Bob"], want)
	}
}

// A report stands for four hours, in which nothing changes it.
func TestCredentialReportLifetime(t *testing.T) {
	s := wardertest.Start(t)
	s.Clock.Stop()
	client, ctx := s.IAM(s.Admin), t.Context()
	account, other, _ := s.NewAccount()
	get := func(c *iam.Client) error {
		return errOf(c.GetCredentialReport(ctx, &iam.GetCredentialReportInput{}))
	}
	wantError(t, get(client), "ReportNotPresent", "")
	generateReport(t, client, types.ReportStateTypeStarted)
	generateReport(t, client, types.ReportStateTypeComplete)
	wantError(t, get(s.IAM(other)), "ReportNotPresent", "") // each account has its own
	generateReport(t, s.IAM(other), types.ReportStateTypeStarted)
	theirs, _ := credentialReport(t, s.IAM(other))
	if !strings.Contains(theirs["administrator"], account) {
		t.Errorf("another account's report has %s", theirs["administrator"])
	}

	before, made := credentialReport(t, client)
	makeUser(t, client, "Bob")
	s.Clock.Add(made.Add(4*time.Hour).Sub(s.Clock.Now()) - time.Second)
	generateReport(t, client, types.ReportStateTypeComplete)
	after, again := credentialReport(t, client)
	same(t, "report", after, before)
	same(t, "GeneratedTime", again, made)

	s.Clock.Add(2 * time.Second)
	wantError(t, get(client), "ReportExpired", "")
	generateReport(t, client, types.ReportStateTypeStarted)
	if after, _ = credentialReport(t, client); after["Bob"] == "" {
		t.Errorf("the new report has no Bob: %s", dump(after))
	}
}

// However many ask at once, one report is made, and they all get that one.
func TestCredentialReportConcurrent(t *testing.T) {
	s := wardertest.Start(t)
	client := s.IAM(s.Admin)
	var started sync.Map
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			out, err := client.GenerateCredentialReport(t.Context(), &iam.GenerateCredentialReportInput{})
			if err != nil {
				t.Error(err)
				return
			}
			if out.State == types.ReportStateTypeStarted {
				started.Store(i, true)
			}
		})
	}
	group.Wait()
	n := 0
	started.Range(func(any, any) bool { n++; return true })
	same(t, "started", n, 1)
	credentialReport(t, client)
}

func TestCredentialReportAuthorization(t *testing.T) {
	s := wardertest.Start(t)
	ctx := t.Context()
	generateReport(t, s.IAM(s.Admin), types.ReportStateTypeStarted)
	for action, call := range map[string]func(c *iam.Client) error{
		"GenerateCredentialReport": func(c *iam.Client) error {
			return errOf(c.GenerateCredentialReport(ctx, &iam.GenerateCredentialReportInput{}))
		},
		"GetCredentialReport": func(c *iam.Client) error {
			return errOf(c.GetCredentialReport(ctx, &iam.GetCredentialReportInput{}))
		},
	} {
		for i, policy := range []string{"", allow("iam:"+action, accountARN+"user/*", ""), allow("iam:List*", "*", "")} {
			name := fmt.Sprint(action, i)
			wantError(t, call(s.IAM(s.User(s.Admin, name, policy))), "AccessDenied",
				"User: "+accountARN+"user/"+name+" is not authorized to perform: iam:"+action+" on resource: * because no identity-based policy allows the iam:"+action+" action")
		}
		must(t, call(s.IAM(s.User(s.Admin, action, allow("iam:"+action, "*", "")))))
	}
}

// Uses of an access key within a quarter of an hour are one use, the first.
func TestAccessKeyLastUsedSpan(t *testing.T) {
	s := wardertest.Start(t)
	client, ctx := s.IAM(s.Admin), t.Context()
	bob := s.User(s.Admin, "Bob", allow("iam:GetUser", "*", ""))
	wantUse := func(service string, at time.Time) {
		t.Helper()
		out, err := client.GetAccessKeyLastUsed(ctx, &iam.GetAccessKeyLastUsedInput{AccessKeyId: &bob.AccessKeyID})
		must(t, err)
		same(t, "last use", out.AccessKeyLastUsed, &types.AccessKeyLastUsed{LastUsedDate: aws.Time(at.UTC()), Region: aws.String("us-east-1"), ServiceName: &service})
	}
	s.Clock.Add(time.Until(time.Now().Truncate(time.Minute).Add(2*time.Minute + 10*time.Second))) // ten seconds into a minute
	first := s.Clock.Now().Truncate(time.Minute)
	must(t, errOf(s.IAM(bob).GetUser(ctx, &iam.GetUserInput{})))
	wantUse("iam", first)
	s.Clock.Add(14 * time.Minute)
	must(t, errOf(s.STS(bob).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})))
	wantUse("iam", first)
	s.Clock.Add(2 * time.Minute)
	must(t, errOf(s.STS(bob).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})))
	wantUse("sts", first.Add(16*time.Minute))
}

// Uses of roles are told for 400 days.
func TestRoleLastUsedWindow(t *testing.T) {
	s := wardertest.Start(t)
	client, ctx := s.IAM(s.Admin), t.Context()
	role := makeRole(t, client, "worker")
	out, err := s.STS(s.Admin).AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: &role, RoleSessionName: aws.String("session")})
	must(t, err)
	must(t, errOf(s.STS(wardertest.SessionCredentials(out.Credentials)).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})))
	used := func() (uses []*types.RoleLastUsed) {
		t.Helper()
		one, err := client.GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String("worker")})
		must(t, err)
		all, err := client.GetAccountAuthorizationDetails(ctx, &iam.GetAccountAuthorizationDetailsInput{Filter: []types.EntityType{types.EntityTypeRole}})
		must(t, err)
		return append(uses, one.Role.RoleLastUsed, all.RoleDetailList[0].RoleLastUsed)
	}
	s.Clock.Add(400*24*time.Hour - time.Minute)
	for _, use := range used() {
		if use.LastUsedDate == nil || aws.ToString(use.Region) != "us-east-1" {
			t.Errorf("after 400 days: %s", dump(use))
		}
	}
	s.Clock.Add(2 * time.Minute)
	same(t, "later", used(), []*types.RoleLastUsed{{}, {}})
}

func BenchmarkCredentialReport(b *testing.B) {
	s := wardertest.Start(b)
	client := s.IAM(s.Admin)
	for i := range 4990 {
		makeUser(b, client, fmt.Sprint("user", i))
	}
	for b.Loop() {
		generateReport(b, client, types.ReportStateTypeStarted)
		s.Clock.Add(5 * time.Hour)
	}
}
