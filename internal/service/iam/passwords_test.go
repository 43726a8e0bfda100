package iam_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/warder-iam/warder/internal/wardertest"
)

const (
	firstPassword  = "First-Passw0rd"
	secondPassword = "Second-Passw0rd"
	thirdPassword  = "Third-Passw0rd"
	reusedText     = "Policy constraint violation with password reuse prevention during password change."
)

func setPassword(t testing.TB, client *iam.Client, name, password string) {
	t.Helper()
	must(t, errOf(client.CreateLoginProfile(t.Context(), &iam.CreateLoginProfileInput{UserName: &name, Password: &password})))
}

func changePassword(t testing.TB, client *iam.Client, from, to string) error {
	t.Helper()
	return errOf(client.ChangePassword(t.Context(), &iam.ChangePasswordInput{OldPassword: &from, NewPassword: &to}))
}

func TestLoginProfileLifecycle(t *testing.T) {
	s := wardertest.Start(t)
	client, ctx := s.IAM(s.Admin), t.Context()
	makeUser(t, client, "Bob")
	made, err := client.CreateLoginProfile(ctx, &iam.CreateLoginProfileInput{UserName: aws.String("BOB"), Password: aws.String(firstPassword), PasswordResetRequired: true})
	must(t, err)
	created := made.LoginProfile.CreateDate
	if created == nil || time.Since(*created) > time.Hour {
		t.Errorf("created %v", created)
	}
	profile := func(reset bool) *types.LoginProfile {
		return &types.LoginProfile{UserName: aws.String("Bob"), CreateDate: created, PasswordResetRequired: reset}
	}
	same(t, "CreateLoginProfile", made.LoginProfile, profile(true))
	get := func() *types.LoginProfile {
		out, err := client.GetLoginProfile(ctx, &iam.GetLoginProfileInput{UserName: aws.String("bob")})
		must(t, err)
		return out.LoginProfile
	}
	same(t, "GetLoginProfile", get(), profile(true))

	// Each part changes alone; what is not sent stays.
	must(t, errOf(client.UpdateLoginProfile(ctx, &iam.UpdateLoginProfileInput{UserName: aws.String("Bob"), Password: aws.String(secondPassword)})))
	same(t, "new password", get(), profile(true))
	must(t, errOf(client.UpdateLoginProfile(ctx, &iam.UpdateLoginProfileInput{UserName: aws.String("Bob"), PasswordResetRequired: aws.Bool(false)})))
	same(t, "no reset", get(), profile(false))
	must(t, errOf(client.UpdateLoginProfile(ctx, &iam.UpdateLoginProfileInput{UserName: aws.String("Bob")})))
	same(t, "nothing", get(), profile(false))

	_, err = client.DeleteUser(ctx, &iam.DeleteUserInput{UserName: aws.String("Bob")})
	wantError(t, err, "DeleteConflict", "Cannot delete entity, must delete login profile first.")
	must(t, errOf(client.DeleteLoginProfile(ctx, &iam.DeleteLoginProfileInput{UserName: aws.String("Bob")})))
	_, err = client.GetLoginProfile(ctx, &iam.GetLoginProfileInput{UserName: aws.String("Bob")})
	wantError(t, err, "NoSuchEntity", "Login Profile for User Bob cannot be found.")
	for _, password := range []string{firstPassword, secondPassword} {
		if strings.Contains(s.Log.String(), password) {
			t.Error("a password is in the log")
		}
	}
}

func TestLoginProfileRefusals(t *testing.T) {
	s := wardertest.Start(t)
	client, ctx := s.IAM(s.Admin), t.Context()
	_, _, root := s.NewAccount()
	makeUser(t, client, "Bob")
	makeUser(t, client, "Eve")
	setPassword(t, client, "Bob", firstPassword)
	password := aws.String(secondPassword)
	const nobody, none = "The user with name Nobody cannot be found.", "Login Profile for User Eve cannot be found."
	for _, tt := range []struct {
		name, code, message string
		err                 error
	}{
		{"create for nobody", "NoSuchEntity", nobody, errOf(client.CreateLoginProfile(ctx, &iam.CreateLoginProfileInput{UserName: aws.String("Nobody"), Password: password}))},
		{"create again", "EntityAlreadyExists", "Login Profile for user Bob already exists.",
			errOf(client.CreateLoginProfile(ctx, &iam.CreateLoginProfileInput{UserName: aws.String("bob"), Password: password}))},
		{"create without a password", "ValidationError", "1 validation error detected: Value at 'password' failed to satisfy constraint: Member must not be null",
			errOf(client.CreateLoginProfile(ctx, &iam.CreateLoginProfileInput{UserName: aws.String("Eve")}))},
		{"create a weak one", "PasswordPolicyViolation", "Password should have a minimum length of 8",
			errOf(client.CreateLoginProfile(ctx, &iam.CreateLoginProfileInput{UserName: aws.String("Eve"), Password: aws.String("Pw-1")}))},
		{"create for root", "ValidationError", notAsNonUser, errOf(s.IAM(root).CreateLoginProfile(ctx, &iam.CreateLoginProfileInput{Password: password}))},
		{"get of nobody", "NoSuchEntity", nobody, errOf(client.GetLoginProfile(ctx, &iam.GetLoginProfileInput{UserName: aws.String("Nobody")}))},
		{"get none", "NoSuchEntity", none, errOf(client.GetLoginProfile(ctx, &iam.GetLoginProfileInput{UserName: aws.String("Eve")}))},
		{"get of root", "ValidationError", notAsNonUser, errOf(s.IAM(root).GetLoginProfile(ctx, &iam.GetLoginProfileInput{}))},
		{"update nobody", "NoSuchEntity", nobody, errOf(client.UpdateLoginProfile(ctx, &iam.UpdateLoginProfileInput{UserName: aws.String("Nobody"), Password: password}))},
		{"update none", "NoSuchEntity", none, errOf(client.UpdateLoginProfile(ctx, &iam.UpdateLoginProfileInput{UserName: aws.String("Eve"), Password: password}))},
		{"update to a weak one", "PasswordPolicyViolation", "Password should have a minimum length of 8",
			errOf(client.UpdateLoginProfile(ctx, &iam.UpdateLoginProfileInput{UserName: aws.String("Bob"), Password: aws.String("Pw-1")}))},
		{"delete of nobody", "NoSuchEntity", nobody, errOf(client.DeleteLoginProfile(ctx, &iam.DeleteLoginProfileInput{UserName: aws.String("Nobody")}))},
		{"delete none", "NoSuchEntity", none, errOf(client.DeleteLoginProfile(ctx, &iam.DeleteLoginProfileInput{UserName: aws.String("Eve")}))},
	} {
		t.Run(tt.name, func(t *testing.T) { wantError(t, tt.err, tt.code, tt.message) })
	}
}

func TestPasswordAuthorization(t *testing.T) {
	s := wardertest.Start(t)
	admin, ctx := s.IAM(s.Admin), t.Context()
	must(t, errOf(admin.CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String("Bob"), Path: aws.String("/team/")})))
	bob, bobARN := aws.String("Bob"), accountARN+"user/team/Bob"
	for _, op := range []struct {
		action string
		call   func(c *iam.Client) error
	}{
		{"CreateLoginProfile", func(c *iam.Client) error {
			return errOf(c.CreateLoginProfile(ctx, &iam.CreateLoginProfileInput{UserName: bob, Password: aws.String(firstPassword)}))
		}},
		{"GetLoginProfile", func(c *iam.Client) error {
			return errOf(c.GetLoginProfile(ctx, &iam.GetLoginProfileInput{UserName: bob}))
		}},
		{"UpdateLoginProfile", func(c *iam.Client) error {
			return errOf(c.UpdateLoginProfile(ctx, &iam.UpdateLoginProfileInput{UserName: bob, Password: aws.String(secondPassword)}))
		}},
		{"DeleteLoginProfile", func(c *iam.Client) error {
			return errOf(c.DeleteLoginProfile(ctx, &iam.DeleteLoginProfileInput{UserName: bob}))
		}},
	} {
		for suffix, policy := range map[string]string{
			"1": "", "2": allow("iam:"+op.action, accountARN+"user/Bob", ""), "3": allow("iam:ChangePassword", "*", ""),
		} {
			err := op.call(s.IAM(s.User(s.Admin, op.action+suffix, policy)))
			wantError(t, err, "AccessDenied", "User: "+accountARN+"user/"+op.action+suffix+" is not authorized to perform: iam:"+op.action+" on resource: "+bobARN+" because no identity-based policy allows the iam:"+op.action+" action")
		}
		must(t, op.call(s.IAM(s.User(s.Admin, op.action, allow("iam:"+op.action, bobARN, "")))))
	}
}

func TestChangePassword(t *testing.T) {
	s := wardertest.Start(t)
	admin, ctx := s.IAM(s.Admin), t.Context()
	_, _, root := s.NewAccount()
	own := allow("iam:ChangePassword", accountARN+"user/${aws:username}", "")
	bob := s.IAM(s.User(s.Admin, "Bob", own))
	wantError(t, changePassword(t, bob, firstPassword, secondPassword), "NoSuchEntity", "Login Profile for User Bob cannot be found.")
	must(t, errOf(admin.CreateLoginProfile(ctx, &iam.CreateLoginProfileInput{UserName: aws.String("Bob"), Password: aws.String(firstPassword), PasswordResetRequired: true})))

	wantError(t, changePassword(t, bob, firstPassword, firstPassword), "PasswordPolicyViolation", reusedText)
	wantError(t, changePassword(t, bob, secondPassword, thirdPassword), "AccessDenied", "The old password was incorrect.")
	wantError(t, changePassword(t, bob, firstPassword, "Short-1"), "PasswordPolicyViolation", "Password should have a minimum length of 8")
	must(t, changePassword(t, bob, firstPassword, secondPassword))
	out, err := admin.GetLoginProfile(ctx, &iam.GetLoginProfileInput{UserName: aws.String("Bob")})
	must(t, err)
	if out.LoginProfile.PasswordResetRequired {
		t.Error("a password that its user chose must be reset")
	}
	wantError(t, changePassword(t, bob, firstPassword, thirdPassword), "AccessDenied", "The old password was incorrect.")
	must(t, changePassword(t, bob, secondPassword, firstPassword)) // nothing forbids to reuse it

	// Nobody but users has a password to change.
	wantError(t, changePassword(t, s.IAM(root), firstPassword, secondPassword), "InvalidUserType", "Only IAM Users can change their own password.")
	role := makeRole(t, admin, "Changer")
	must(t, errOf(admin.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: aws.String("Changer"), PolicyName: aws.String("all"), PolicyDocument: aws.String(allow("*", "*", ""))})))
	session, err := s.STS(s.Admin).AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: &role, RoleSessionName: aws.String("session")})
	must(t, err)
	wantError(t, changePassword(t, s.IAM(wardertest.SessionCredentials(session.Credentials)), firstPassword, secondPassword), "InvalidUserType", "Only IAM Users can change their own password.")
}

// Who may change the own password: by a policy, or by the account's setting.
func TestChangePasswordAuthorization(t *testing.T) {
	s := wardertest.Start(t)
	admin, ctx := s.IAM(s.Admin), t.Context()
	deny := `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"iam:ChangePassword","Resource":"*"}}`
	boundary, err := admin.CreatePolicy(ctx, &iam.CreatePolicyInput{PolicyName: aws.String("S3"), PolicyDocument: aws.String(allow("s3:*", "*", ""))})
	must(t, err)
	for _, tt := range []struct {
		name, policy         string
		bound                bool
		byDefault, bySetting string // the end of the refusal; "" for success
	}{
		{name: "None", byDefault: "because no identity-based policy allows the iam:ChangePassword action"},
		{name: "Allowed", policy: allow("iam:ChangePassword", accountARN+"user/Allowed", "")},
		{name: "Misnamed", policy: allow("iam:ChangePassword", accountARN+"user/Other", ""), byDefault: "because no identity-based policy allows the iam:ChangePassword action"},
		{name: "Denied", policy: deny, byDefault: "with an explicit deny in an identity-based policy", bySetting: "with an explicit deny in an identity-based policy"},
		{name: "Bound", policy: allow("*", "*", ""), bound: true,
			byDefault: "because no permissions boundary allows the iam:ChangePassword action", bySetting: "because no permissions boundary allows the iam:ChangePassword action"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			user := s.IAM(s.User(s.Admin, tt.name, tt.policy))
			setPassword(t, admin, tt.name, firstPassword)
			if tt.bound {
				must(t, errOf(admin.PutUserPermissionsBoundary(ctx, &iam.PutUserPermissionsBoundaryInput{UserName: &tt.name, PermissionsBoundary: boundary.Policy.Arn})))
			}
			want := func(err error, ending string) {
				t.Helper()
				if ending == "" {
					wardertest.WantCode(t, err, "")
					return
				}
				wantError(t, err, "AccessDenied", "User: "+accountARN+"user/"+tt.name+" is not authorized to perform: iam:ChangePassword on resource: "+accountARN+"user/"+tt.name+" "+ending)
			}
			must(t, errOf(admin.UpdateAccountPasswordPolicy(ctx, &iam.UpdateAccountPasswordPolicyInput{})))
			want(changePassword(t, user, firstPassword, secondPassword), tt.byDefault)
			must(t, errOf(admin.UpdateAccountPasswordPolicy(ctx, &iam.UpdateAccountPasswordPolicyInput{AllowUsersToChangePassword: true})))
			from := firstPassword
			if tt.byDefault == "" {
				from = secondPassword
			}
			want(changePassword(t, user, from, thirdPassword), tt.bySetting)
			// The setting lets users see what is asked of them, and no more.
			_, err := user.GetAccountPasswordPolicy(ctx, &iam.GetAccountPasswordPolicyInput{})
			if tt.bound {
				wardertest.WantCode(t, err, "AccessDenied")
			} else {
				wardertest.WantCode(t, err, "")
				_, err = user.UpdateAccountPasswordPolicy(ctx, &iam.UpdateAccountPasswordPolicyInput{})
				wardertest.WantCode(t, err, "AccessDenied")
			}
		})
	}
	// It is a setting for users, not for roles.
	role := makeRole(t, admin, "Reader")
	session, err := s.STS(s.Admin).AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: &role, RoleSessionName: aws.String("session")})
	must(t, err)
	_, err = s.IAM(wardertest.SessionCredentials(session.Credentials)).GetAccountPasswordPolicy(ctx, &iam.GetAccountPasswordPolicyInput{})
	wardertest.WantCode(t, err, "AccessDenied")
}

func TestPasswordReusePrevention(t *testing.T) {
	s := wardertest.Start(t)
	admin, ctx := s.IAM(s.Admin), t.Context()
	bob := s.IAM(s.User(s.Admin, "Bob", allow("iam:ChangePassword", "*", "")))
	setPassword(t, admin, "Bob", firstPassword)
	must(t, changePassword(t, bob, firstPassword, secondPassword)) // remembered although no policy asks for it yet
	must(t, errOf(admin.UpdateAccountPasswordPolicy(ctx, &iam.UpdateAccountPasswordPolicyInput{PasswordReusePrevention: aws.Int32(1)})))

	wantError(t, changePassword(t, bob, secondPassword, firstPassword), "PasswordPolicyViolation", reusedText)
	_, err := admin.UpdateLoginProfile(ctx, &iam.UpdateLoginProfileInput{UserName: aws.String("Bob"), Password: aws.String(firstPassword)})
	wantError(t, err, "PasswordPolicyViolation", reusedText)
	_, err = admin.UpdateLoginProfile(ctx, &iam.UpdateLoginProfileInput{UserName: aws.String("Bob"), Password: aws.String(secondPassword)})
	wantError(t, err, "PasswordPolicyViolation", reusedText)
	must(t, changePassword(t, bob, secondPassword, thirdPassword))
	must(t, changePassword(t, bob, thirdPassword, firstPassword)) // two passwords ago

	must(t, errOf(admin.UpdateAccountPasswordPolicy(ctx, &iam.UpdateAccountPasswordPolicyInput{PasswordReusePrevention: aws.Int32(24)})))
	for _, password := range []string{secondPassword, thirdPassword} {
		wantError(t, changePassword(t, bob, firstPassword, password), "PasswordPolicyViolation", reusedText)
	}
	must(t, changePassword(t, bob, firstPassword, "Fourth-Passw0rd"))
}

// Guessing the old password is slowed down.
func TestChangePasswordGuesses(t *testing.T) {
	s := wardertest.Start(t)
	bob := s.IAM(s.User(s.Admin, "Bob", allow("iam:ChangePassword", "*", "")))
	eve := s.IAM(s.User(s.Admin, "Eve", allow("iam:ChangePassword", "*", "")))
	setPassword(t, s.IAM(s.Admin), "Bob", firstPassword)
	setPassword(t, s.IAM(s.Admin), "Eve", firstPassword)
	for range 5 {
		wantError(t, changePassword(t, bob, thirdPassword, secondPassword), "AccessDenied", "The old password was incorrect.")
	}
	wantError(t, changePassword(t, bob, thirdPassword, secondPassword), "Throttling", "Rate exceeded")
	wantError(t, changePassword(t, bob, firstPassword, secondPassword), "Throttling", "Rate exceeded")
	must(t, changePassword(t, eve, firstPassword, secondPassword)) // others are not held up
	s.Clock.Add(61 * time.Second)
	must(t, changePassword(t, bob, firstPassword, secondPassword))
}

// HardExpiry is about the console: with access keys an expired password can be
// changed.
func TestExpiredPasswordCanBeChanged(t *testing.T) {
	s := wardertest.Start(t)
	admin := s.IAM(s.Admin)
	bob := s.IAM(s.User(s.Admin, "Bob", allow("iam:ChangePassword", "*", "")))
	must(t, errOf(admin.UpdateAccountPasswordPolicy(t.Context(), &iam.UpdateAccountPasswordPolicyInput{MaxPasswordAge: aws.Int32(1), HardExpiry: aws.Bool(true)})))
	setPassword(t, admin, "Bob", firstPassword)
	must(t, changePassword(t, bob, firstPassword, secondPassword))
}
