package signin_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	cttypes "github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/pquerna/otp/totp"

	"github.com/warder-iam/warder/internal/daemon"
	"github.com/warder-iam/warder/internal/signin"
	"github.com/warder-iam/warder/internal/wardertest"
)

const (
	first  = "First-Passw0rd"
	second = "Second-Passw0rd"
	wrong  = "Wrong-Passw0rd"
)

// A world is a server with a trail, whose clock the test moves.
type world struct {
	*wardertest.Server
	t *testing.T
}

func start(t *testing.T) *world {
	t.Helper()
	s := wardertest.StartConfig(t, daemon.Config{Store: "memory", TestHooks: true, Trail: t.TempDir()})
	s.Clock.Stop()
	return &world{s, t}
}

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// user makes a user with a password, and a policy unless it is empty.
func (w *world) user(name, policy string, reset bool) {
	w.t.Helper()
	w.User(w.Admin, name, policy)
	must[*iam.CreateLoginProfileOutput](w.t)(w.IAM(w.Admin).CreateLoginProfile(w.t.Context(),
		&iam.CreateLoginProfileInput{UserName: &name, Password: aws.String(first), PasswordResetRequired: reset}))
}

// device gives a user an MFA device and is what the device shows. The two codes that
// enable it are used up when device returns.
func (w *world) device(user, name string) (serial string, code func() string) {
	w.t.Helper()
	client, ctx := w.IAM(w.Admin), w.t.Context()
	made := must[*iam.CreateVirtualMFADeviceOutput](w.t)(client.CreateVirtualMFADevice(ctx, &iam.CreateVirtualMFADeviceInput{VirtualMFADeviceName: &name}))
	seed := string(made.VirtualMFADevice.Base32StringSeed)
	at := func(offset time.Duration) string {
		return must[string](w.t)(totp.GenerateCode(seed, w.Clock.Now().Add(offset)))
	}
	must[*iam.EnableMFADeviceOutput](w.t)(client.EnableMFADevice(ctx, &iam.EnableMFADeviceInput{
		UserName: &user, SerialNumber: made.VirtualMFADevice.SerialNumber, AuthenticationCode1: aws.String(at(-30 * time.Second)), AuthenticationCode2: aws.String(at(0)),
	}))
	w.Clock.Add(30 * time.Second)
	return *made.VirtualMFADevice.SerialNumber, func() string { return at(0) }
}

// post sends a body and gives the answer.
func (w *world) post(body string, change ...func(*http.Request)) (int, string) {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.URL+signin.Path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	for _, c := range change {
		c(r)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	answer := must[[]byte](w.t)(io.ReadAll(resp.Body))
	if resp.Header.Get("Cache-Control") != "no-store" || resp.Header.Get("Content-Type") != "application/json" {
		w.t.Errorf("headers: %v", resp.Header)
	}
	return resp.StatusCode, string(answer)
}

func body(t *testing.T, in *signin.Request) string {
	return string(must[[]byte](t)(json.Marshal(in)))
}

func (w *world) signIn(in *signin.Request) wardertest.Credentials {
	w.t.Helper()
	status, answer := w.post(body(w.t, in))
	var s signin.Session
	if err := json.Unmarshal([]byte(answer), &s); err != nil || status != http.StatusOK {
		w.t.Fatalf("%d %s", status, answer)
	}
	if want := w.Clock.Now().Add(12 * time.Hour); s.Expiration.Sub(want).Abs() > time.Second || !strings.HasSuffix(s.ARN, "user/"+in.UserName) {
		w.t.Errorf("session %s until %v", s.ARN, s.Expiration)
	}
	return wardertest.Credentials{AccessKeyID: s.AccessKeyID, SecretAccessKey: s.SecretAccessKey, SessionToken: s.SessionToken}
}

func (w *world) refuse(in *signin.Request, status int, code string) *signin.Refusal {
	w.t.Helper()
	got, answer := w.post(body(w.t, in))
	r := new(signin.Refusal)
	if err := json.Unmarshal([]byte(answer), r); err != nil || got != status || r.Code != code {
		w.t.Errorf("%d %s, want %d %s", got, answer, status, code)
	}
	return r
}

// An event is what CloudTrail shows of a sign-in.
type event struct {
	UserIdentity struct {
		Type, PrincipalID, ARN, AccountID, UserName string
		AccessKeyID                                 *string
	}
	EventSource, EventName, EventType, EventCategory, AWSRegion, SourceIPAddress, ErrorMessage, RecipientAccountID string
	ResponseElements, AdditionalEventData                                                                          map[string]string
	ReadOnly, ManagementEvent                                                                                      bool
	SessionCredentialFromConsole                                                                                   string
}

// events waits for n events of that name and gives them, the oldest first.
func (w *world) events(name string, n int) []event {
	w.t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(50 * time.Millisecond) {
		out := must[*cloudtrail.LookupEventsOutput](w.t)(w.CloudTrail(w.Admin).LookupEvents(w.t.Context(), &cloudtrail.LookupEventsInput{
			LookupAttributes: []cttypes.LookupAttribute{{AttributeKey: cttypes.LookupAttributeKeyEventName, AttributeValue: &name}},
		}))
		if len(out.Events) >= n {
			found := make([]event, len(out.Events))
			for i, e := range out.Events {
				if err := json.Unmarshal([]byte(*e.CloudTrailEvent), &found[i]); err != nil {
					w.t.Fatal(err)
				}
				if *e.Username != found[i].UserIdentity.UserName {
					w.t.Errorf("found by the name %s: %s", *e.Username, *e.CloudTrailEvent)
				}
				for _, secret := range []string{first, second, wrong} {
					if strings.Contains(*e.CloudTrailEvent, secret) {
						w.t.Errorf("a password is in %s", *e.CloudTrailEvent)
					}
				}
			}
			slices.Reverse(found)
			return found
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("%d events %s, want %d", len(out.Events), name, n)
		}
	}
}

const account = wardertest.Account

// Who signs in may do what the user may, IAM without MFA too, for twelve hours; when
// it was is told, and there is an event.
func TestSignIn(t *testing.T) {
	w := start(t)
	admin, ctx := w.IAM(w.Admin), t.Context()
	must[*iam.CreateAccountAliasOutput](t)(admin.CreateAccountAlias(ctx, &iam.CreateAccountAliasInput{AccountAlias: aws.String("example-corp")}))
	w.user("Bob", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["iam:GetUser","sts:*"],"Resource":"*"}}`, false)
	byID := w.signIn(&signin.Request{Account: account, UserName: "Bob", Password: first})
	signedIn := w.Clock.Now().UTC().Truncate(time.Second)
	w.Clock.Add(4 * time.Minute)
	byAlias := w.signIn(&signin.Request{Account: "example-corp", UserName: "Bob", Password: first})
	for _, c := range []wardertest.Credentials{byID, byAlias} {
		got := must[*iam.GetUserOutput](t)(w.IAM(c).GetUser(ctx, &iam.GetUserInput{}))
		if *got.User.UserName != "Bob" || !aws.ToTime(got.User.PasswordLastUsed).Equal(signedIn) {
			t.Errorf("%s, password used %v, want %v", *got.User.UserName, got.User.PasswordLastUsed, signedIn)
		}
		_, err := w.IAM(c).ListUsers(ctx, &iam.ListUsersInput{})
		wardertest.WantCode(t, err, "AccessDenied")
		_, err = w.STS(c).GetSessionToken(ctx, &sts.GetSessionTokenInput{})
		wardertest.WantCode(t, err, "AccessDenied")
		must[*sts.GetAccessKeyInfoOutput](t)(w.STS(c).GetAccessKeyInfo(ctx, &sts.GetAccessKeyInfoInput{AccessKeyId: &c.AccessKeyID}))
	}
	users := must[*iam.ListUsersOutput](t)(admin.ListUsers(ctx, &iam.ListUsersInput{}))
	for _, u := range users.Users {
		if (*u.UserName == "Bob") != (u.PasswordLastUsed != nil) {
			t.Errorf("ListUsers: %s used a password: %v", *u.UserName, u.PasswordLastUsed)
		}
	}
	must[*iam.GenerateCredentialReportOutput](t)(admin.GenerateCredentialReport(ctx, &iam.GenerateCredentialReportInput{}))
	report := must[*iam.GetCredentialReportOutput](t)(admin.GetCredentialReport(ctx, &iam.GetCredentialReportInput{}))
	if !bytes.Contains(report.Content, []byte(",true,"+signedIn.Format("2006-01-02T15:04:05Z")+",")) {
		t.Errorf("report: %s", report.Content)
	}

	for _, e := range w.events("ConsoleLogin", 2) {
		if e.UserIdentity.Type != "IAMUser" || e.UserIdentity.ARN != "arn:aws:iam::"+account+":user/Bob" || e.UserIdentity.AccountID != account ||
			e.UserIdentity.UserName != "Bob" || !strings.HasPrefix(e.UserIdentity.PrincipalID, "AIDA") || e.UserIdentity.AccessKeyID != nil {
			t.Errorf("%+v", e.UserIdentity)
		}
		if e.EventSource != "signin.amazonaws.com" || e.EventType != "AwsConsoleSignIn" || e.EventCategory != "Management" || e.AWSRegion != "us-east-1" ||
			e.SourceIPAddress != "127.0.0.1" || e.ErrorMessage != "" || e.RecipientAccountID != account || e.ReadOnly || !e.ManagementEvent {
			t.Errorf("%+v", e)
		}
		if fmt.Sprint(e.ResponseElements, e.AdditionalEventData) != "map[ConsoleLogin:Success] map[LoginTo:"+w.URL+" MFAUsed:No MobileVersion:No]" {
			t.Errorf("%v %v", e.ResponseElements, e.AdditionalEventData)
		}
	}
	if e := w.events("GetUser", 2)[0]; e.SessionCredentialFromConsole != "true" {
		t.Error("what was done after signing in does not say so")
	}

	// Another use within five minutes is not noted, a later one is.
	w.Clock.Add(time.Minute)
	w.signIn(&signin.Request{Account: account, UserName: "Bob", Password: first})
	got := must[*iam.GetUserOutput](t)(admin.GetUser(ctx, &iam.GetUserInput{UserName: aws.String("Bob")}))
	if !got.User.PasswordLastUsed.Equal(signedIn.Add(5 * time.Minute)) {
		t.Errorf("used %v, want %v", got.User.PasswordLastUsed, signedIn.Add(5*time.Minute))
	}
	w.Clock.Add(12*time.Hour - 5*time.Minute)
	_, err := w.STS(byID).GetCallerIdentity(ctx, nil)
	wardertest.WantCode(t, err, "ExpiredToken")
	for _, password := range []string{first, byID.SecretAccessKey} {
		if strings.Contains(w.Log.String(), password) {
			t.Error("a secret is in the log")
		}
	}
}

// Whoever is not known, and whatever is wrong, the answer is the same. The events,
// which the account's administrators read, tell more.
func TestOneRefusal(t *testing.T) {
	w := start(t)
	w.user("Bob", "", false)
	w.user("Mfa", "", false)
	w.user("Locked", "", false)
	w.User(w.Admin, "NoPassword", "")
	_, code := w.device("Mfa", "phone")
	good := code()
	for range 5 {
		w.refuse(&signin.Request{Account: account, UserName: "Locked", Password: wrong}, 403, signin.CodeFailed)
	}
	bad := "000000"
	if good == bad {
		bad = "000001"
	}
	var want string
	for _, tt := range []struct {
		what string
		in   signin.Request
	}{
		{"no account", signin.Request{Account: "210987654321", UserName: "Bob", Password: first}},
		{"no alias", signin.Request{Account: "nobody", UserName: "Bob", Password: first}},
		{"no user", signin.Request{Account: account, UserName: "Nobody", Password: first}},
		{"no password", signin.Request{Account: account, UserName: "NoPassword", Password: first}},
		{"wrong password", signin.Request{Account: account, UserName: "Bob", Password: wrong}},
		{"locked", signin.Request{Account: account, UserName: "Locked", Password: first}},
		{"wrong code", signin.Request{Account: account, UserName: "Mfa", Password: first, MFACode: bad}},
		{"another's device", signin.Request{Account: account, UserName: "Mfa", Password: first, MFACode: good, MFASerialNumber: "arn:aws:iam::" + account + ":mfa/other"}},
		{"a code without a device", signin.Request{Account: account, UserName: "Bob", Password: first, MFACode: good}},
		{"wrong password, right code", signin.Request{Account: account, UserName: "Mfa", Password: wrong, MFACode: good}},
	} {
		status, answer := w.post(body(t, &tt.in))
		if want == "" {
			want = answer
		}
		if status != http.StatusForbidden || answer != want || !strings.Contains(answer, "Your authentication information is incorrect. Please try again.") {
			t.Errorf("%s: %d %s, want %s", tt.what, status, answer, want)
		}
	}
	got := map[string]int{}
	for _, e := range w.events("ConsoleLogin", 13) {
		if e.ResponseElements["ConsoleLogin"] != "Failure" || e.UserIdentity.ARN != "" || e.UserIdentity.AccessKeyID == nil {
			t.Errorf("%+v", e)
		}
		got[e.UserIdentity.UserName+": "+e.ErrorMessage+", MFA "+e.AdditionalEventData["MFAUsed"]]++
	}
	if fmt.Sprint(got) != fmt.Sprint(map[string]int{
		"HIDDEN_DUE_TO_SECURITY_REASONS: No username found in supplied account, MFA No": 1,
		"NoPassword: Failed authentication, MFA No":                                     1,
		"Bob: Failed authentication, MFA No":                                            1,
		"Bob: Failed authentication, MFA Yes":                                           1,
		"Locked: Failed authentication, MFA No":                                         6,
		"Mfa: Failed authentication, MFA Yes":                                           3,
	}) {
		t.Errorf("%v", got)
	}
	// The lock ends, and the right code was not spent on a wrong password or device.
	w.Clock.Add(time.Minute)
	w.signIn(&signin.Request{Account: account, UserName: "Locked", Password: first})
	w.signIn(&signin.Request{Account: account, UserName: "Mfa", Password: first, MFACode: code()})
}

// A name is limited under whatever spelling, whether somebody has it or not.
func TestThrottling(t *testing.T) {
	w := start(t)
	w.user("Bob", "", false)
	for _, spellings := range [][]signin.Request{
		{{Account: account, UserName: "Nobody"}, {Account: account, UserName: "NOBODY"}},
		{{Account: "nowhere", UserName: "Nobody"}},
		{{Account: account, UserName: "Bob"}, {Account: account, UserName: "bOB"}},
	} {
		for i := range 10 {
			in := spellings[i%len(spellings)]
			in.Password = wrong
			w.refuse(&in, 403, signin.CodeFailed)
		}
		in := spellings[len(spellings)-1]
		in.Password = first
		w.refuse(&in, 429, "Throttling")
	}
	w.Clock.Add(16 * time.Minute)
	w.signIn(&signin.Request{Account: account, UserName: "Bob", Password: first})
	for range 15 { // right ones do not count
		w.signIn(&signin.Request{Account: account, UserName: "Bob", Password: first})
	}
}

func TestMFA(t *testing.T) {
	w := start(t)
	w.user("Bob", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"iam:ListUsers","Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}}}`, false)
	in := &signin.Request{Account: account, UserName: "Bob", Password: first}
	_, err := w.IAM(w.signIn(in)).ListUsers(t.Context(), nil)
	wardertest.WantCode(t, err, "AccessDenied")

	serial, code := w.device("Bob", "phone")
	if r := w.refuse(in, 403, signin.CodeMFARequired); len(r.MFADevices) != 1 || r.MFADevices[0] != serial || r.PasswordChangeRequired {
		t.Errorf("%+v", r)
	}
	in.MFACode = code()
	session := w.signIn(in)
	must[*iam.ListUsersOutput](t)(w.IAM(session).ListUsers(t.Context(), nil))
	w.refuse(in, 403, signin.CodeFailed) // spent

	e := w.events("CheckMfa", 1)[0]
	if e.UserIdentity.UserName != "Bob" || fmt.Sprint(e.ResponseElements, e.AdditionalEventData) != "map[CheckMfa:Success] map[MfaType:Virtual MFA]" {
		t.Errorf("%+v", e)
	}
	if e = w.events("ConsoleLogin", 3)[1]; e.AdditionalEventData["MFAUsed"] != "Yes" || e.AdditionalEventData["MFAIdentifier"] != serial || e.ErrorMessage != "" {
		t.Errorf("%+v", e)
	}

	// With two devices it must be said which.
	w.device("Bob", "tablet")
	in.MFACode = code()
	if r := w.refuse(in, 403, signin.CodeMFARequired); len(r.MFADevices) != 2 {
		t.Errorf("%+v", r)
	}
	in.MFASerialNumber = serial
	w.signIn(in)
}

func TestForcedChange(t *testing.T) {
	w := start(t)
	admin, ctx := w.IAM(w.Admin), t.Context()
	w.user("Bob", "", true)
	in := func(newPassword string) *signin.Request {
		return &signin.Request{Account: account, UserName: "Bob", Password: first, NewPassword: newPassword}
	}
	if r := w.refuse(in(""), 403, signin.CodeChangeRequired); r.Message != "You must change your password to continue." {
		t.Errorf("%+v", r)
	}
	if r := w.refuse(in(second), 403, "AccessDenied"); !strings.Contains(r.Message, "is not authorized to perform: iam:ChangePassword on resource: arn:aws:iam::"+account+":user/Bob") {
		t.Errorf("%+v", r)
	}
	must[*iam.UpdateAccountPasswordPolicyOutput](t)(admin.UpdateAccountPasswordPolicy(ctx, &iam.UpdateAccountPasswordPolicyInput{AllowUsersToChangePassword: true, MinimumPasswordLength: aws.Int32(10)}))
	w.refuse(in("short"), 400, "PasswordPolicyViolation")
	w.refuse(in(first), 400, "PasswordPolicyViolation")
	w.refuse(in("\x00in visible"), 400, signin.CodeInvalid)
	w.signIn(in(second))
	if e := w.events("PasswordUpdated", 1)[0]; e.UserIdentity.ARN == "" || fmt.Sprint(e.ResponseElements) != "map[PasswordUpdated:Success]" || e.AdditionalEventData != nil {
		t.Errorf("%+v", e)
	}
	var outcomes []string
	for _, e := range w.events("ConsoleLogin", 5) {
		outcomes = append(outcomes, e.ErrorMessage)
	}
	slices.Sort(outcomes) // those of one second have no order
	if fmt.Sprint(outcomes) != "[ Password change refused Password change refused Password change refused Password change required]" {
		t.Errorf("%q", outcomes)
	}
	w.refuse(in(""), 403, signin.CodeFailed)
	w.refuse(&signin.Request{Account: account, UserName: "Bob", Password: second, NewPassword: first}, 400, "PasswordChangeNotRequired")
	w.signIn(&signin.Request{Account: account, UserName: "Bob", Password: second})
	profile := must[*iam.GetLoginProfileOutput](t)(admin.GetLoginProfile(ctx, &iam.GetLoginProfileInput{UserName: aws.String("Bob")}))
	if profile.LoginProfile.PasswordResetRequired {
		t.Error("still to be reset")
	}
}

// What is to be changed is told with what code is asked for, and no code is spent on it.
func TestForcedChangeWithMFA(t *testing.T) {
	w := start(t)
	w.user("Bob", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"iam:ChangePassword","Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}}}`, true)
	_, code := w.device("Bob", "phone")
	in := &signin.Request{Account: account, UserName: "Bob", Password: first}
	if r := w.refuse(in, 403, signin.CodeMFARequired); !r.PasswordChangeRequired {
		t.Errorf("%+v", r)
	}
	in.MFACode = code()
	w.refuse(in, 403, signin.CodeChangeRequired)
	in.NewPassword = second
	w.signIn(in)
}

func TestExpiry(t *testing.T) {
	w := start(t)
	admin, ctx := w.IAM(w.Admin), t.Context()
	w.user("Bob", "", false)
	expire := func(hard bool) {
		must[*iam.UpdateAccountPasswordPolicyOutput](t)(admin.UpdateAccountPasswordPolicy(ctx, &iam.UpdateAccountPasswordPolicyInput{
			AllowUsersToChangePassword: true, MaxPasswordAge: aws.Int32(2), HardExpiry: &hard,
		}))
	}
	expire(true)
	in := &signin.Request{Account: account, UserName: "Bob", Password: first}
	w.Clock.Add(48*time.Hour - 2*time.Second)
	w.signIn(in)
	w.Clock.Add(2 * time.Second)
	w.refuse(in, 403, signin.CodeExpired)
	in.NewPassword = second
	w.refuse(in, 403, signin.CodeExpired)
	expire(false)
	in.NewPassword = ""
	w.refuse(in, 403, signin.CodeChangeRequired)
	in.NewPassword = second
	w.signIn(in)
	w.signIn(&signin.Request{Account: account, UserName: "Bob", Password: second})
}

// Only who means to sign in does: no other site's page, nobody without TLS from
// elsewhere, nothing that is not the form.
func TestDoor(t *testing.T) {
	w := start(t)
	w.user("Bob", "", false)
	good := body(t, &signin.Request{Account: account, UserName: "Bob", Password: first})
	header := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	for _, tt := range []struct {
		what, body string
		change     func(*http.Request)
		status     int
		code       string
	}{
		{"another site's page", good, header("Origin", "https://evil.example"), 403, "CrossOriginRequest"},
		{"another site's form", good, header("Sec-Fetch-Site", "cross-site"), 403, "CrossOriginRequest"},
		{"a name that resolves here", good, func(r *http.Request) { r.Host = "evil.example" }, 403, "InsecureConnection"},
		{"GET", "", func(r *http.Request) { r.Method = http.MethodGet }, 405, "MethodNotAllowed"},
		{"a form", good, header("Content-Type", "text/plain"), 400, "InvalidRequest"},
		{"nothing", "", nil, 400, "InvalidRequest"},
		{"no password", `{"account":"` + account + `","userName":"Bob"}`, nil, 400, "InvalidRequest"},
		{"an unknown member", strings.Replace(good, "{", `{"admin":true,`, 1), nil, 400, "InvalidRequest"},
		{"two", good + good, nil, 400, "InvalidRequest"},
		{"too large", good + strings.Repeat(" ", 20<<10), nil, 400, "InvalidRequest"},
		{"a short code", strings.Replace(good, "{", `{"mfaCode":"12345",`, 1), nil, 400, "InvalidRequest"},
		{"a device without a code", strings.Replace(good, "{", `{"mfaSerialNumber":"arn:aws:iam::1:mfa/a",`, 1), nil, 400, "InvalidRequest"},
		{"a long name", body(t, &signin.Request{Account: account, UserName: strings.Repeat("b", 65), Password: first}), nil, 400, "InvalidRequest"},
	} {
		if tt.change == nil {
			tt.change = func(*http.Request) {}
		}
		status, answer := w.post(tt.body, tt.change)
		var r signin.Refusal
		if err := json.Unmarshal([]byte(answer), &r); err != nil || status != tt.status || r.Code != tt.code || strings.Contains(answer, first) {
			t.Errorf("%s: %d %s, want %d %s", tt.what, status, answer, tt.status, tt.code)
		}
	}
	if status, answer := w.post(good, header("Sec-Fetch-Site", "same-origin")); status != http.StatusOK {
		t.Errorf("the console's own page: %d %s", status, answer)
	}
}

// A session of sign-in ends with its user, and a random password does not pass for
// any (the hash of nobody's password is of nothing).
func TestDeletedUser(t *testing.T) {
	w := start(t)
	admin, ctx := w.IAM(w.Admin), t.Context()
	w.user("Bob", "", false)
	session := w.signIn(&signin.Request{Account: account, UserName: "Bob", Password: first})
	must[*iam.DeleteLoginProfileOutput](t)(admin.DeleteLoginProfile(ctx, &iam.DeleteLoginProfileInput{UserName: aws.String("Bob")}))
	w.refuse(&signin.Request{Account: account, UserName: "Bob", Password: first}, 403, signin.CodeFailed)
	must[*sts.GetCallerIdentityOutput](t)(w.STS(session).GetCallerIdentity(ctx, nil))
	keys := must[*iam.ListAccessKeysOutput](t)(admin.ListAccessKeys(ctx, &iam.ListAccessKeysInput{UserName: aws.String("Bob")}))
	for _, k := range keys.AccessKeyMetadata {
		must[*iam.DeleteAccessKeyOutput](t)(admin.DeleteAccessKey(ctx, &iam.DeleteAccessKeyInput{UserName: aws.String("Bob"), AccessKeyId: k.AccessKeyId}))
	}
	must[*iam.DeleteUserOutput](t)(admin.DeleteUser(ctx, &iam.DeleteUserInput{UserName: aws.String("Bob")}))
	_, err := w.STS(session).GetCallerIdentity(ctx, nil)
	wardertest.WantCode(t, err, "InvalidClientTokenId")
	for _, password := range []string{string(make([]byte, 32)), base64.StdEncoding.EncodeToString(make([]byte, 32))} {
		w.refuse(&signin.Request{Account: account, UserName: "Bob", Password: password}, 403, signin.CodeFailed)
	}
}
