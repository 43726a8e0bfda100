package iam_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/warder-iam/warder/internal/wardertest"
)

func TestAccountPasswordPolicy(t *testing.T) {
	s := wardertest.Start(t)
	client, ctx := s.IAM(s.Admin), t.Context()
	get := func() (*types.PasswordPolicy, error) {
		out, err := client.GetAccountPasswordPolicy(ctx, &iam.GetAccountPasswordPolicyInput{})
		if err != nil {
			return nil, err
		}
		return out.PasswordPolicy, nil
	}
	noPolicy := "The Password Policy with domain name " + wardertest.Account + " cannot be found."
	_, err := get()
	wantError(t, err, "NoSuchEntity", noPolicy)
	_, err = client.DeleteAccountPasswordPolicy(ctx, &iam.DeleteAccountPasswordPolicyInput{})
	wantError(t, err, "NoSuchEntity", "The account policy with name PasswordPolicy cannot be found.")

	for _, tt := range []struct {
		name string
		in   iam.UpdateAccountPasswordPolicyInput
		want types.PasswordPolicy
	}{
		{"all", iam.UpdateAccountPasswordPolicyInput{
			MinimumPasswordLength: aws.Int32(10), RequireSymbols: true, RequireNumbers: true, RequireUppercaseCharacters: true,
			RequireLowercaseCharacters: true, AllowUsersToChangePassword: true, MaxPasswordAge: aws.Int32(60), PasswordReusePrevention: aws.Int32(3), HardExpiry: aws.Bool(true),
		}, types.PasswordPolicy{
			MinimumPasswordLength: aws.Int32(10), RequireSymbols: true, RequireNumbers: true, RequireUppercaseCharacters: true, RequireLowercaseCharacters: true,
			AllowUsersToChangePassword: true, ExpirePasswords: true, MaxPasswordAge: aws.Int32(60), PasswordReusePrevention: aws.Int32(3), HardExpiry: aws.Bool(true),
		}},
		// What is left out has its default, not what was set before.
		{"nothing", iam.UpdateAccountPasswordPolicyInput{}, types.PasswordPolicy{MinimumPasswordLength: aws.Int32(6)}},
		{"hard expiry off", iam.UpdateAccountPasswordPolicyInput{HardExpiry: aws.Bool(false)}, types.PasswordPolicy{MinimumPasswordLength: aws.Int32(6), HardExpiry: aws.Bool(false)}},
	} {
		must(t, errOf(client.UpdateAccountPasswordPolicy(ctx, &tt.in)))
		got, err := get()
		must(t, err)
		same(t, tt.name, got, &tt.want)
	}
	_, err = client.UpdateAccountPasswordPolicy(ctx, &iam.UpdateAccountPasswordPolicyInput{MinimumPasswordLength: aws.Int32(5)})
	wantError(t, err, "ValidationError", "…Member must have value greater than or equal to 6")
	_, err = client.UpdateAccountPasswordPolicy(ctx, &iam.UpdateAccountPasswordPolicyInput{MaxPasswordAge: aws.Int32(1096)})
	wantError(t, err, "ValidationError", "…Member must have value less than or equal to 1095")
	_, err = client.UpdateAccountPasswordPolicy(ctx, &iam.UpdateAccountPasswordPolicyInput{PasswordReusePrevention: aws.Int32(25)})
	wantError(t, err, "ValidationError", "…Member must have value less than or equal to 24")

	must(t, errOf(client.DeleteAccountPasswordPolicy(ctx, &iam.DeleteAccountPasswordPolicyInput{})))
	_, err = get()
	wantError(t, err, "NoSuchEntity", noPolicy)
}

// Another account's policy is another policy.
func TestPasswordPolicyIsTheAccounts(t *testing.T) {
	s := wardertest.Start(t)
	_, other, _ := s.NewAccount()
	must(t, errOf(s.IAM(s.Admin).UpdateAccountPasswordPolicy(t.Context(), &iam.UpdateAccountPasswordPolicyInput{})))
	_, err := s.IAM(other).GetAccountPasswordPolicy(t.Context(), &iam.GetAccountPasswordPolicyInput{})
	wardertest.WantCode(t, err, "NoSuchEntity")
}

func TestPasswordPolicyAuthorization(t *testing.T) {
	s := wardertest.Start(t)
	ctx := t.Context()
	must(t, errOf(s.IAM(s.Admin).UpdateAccountPasswordPolicy(ctx, &iam.UpdateAccountPasswordPolicyInput{})))
	for _, op := range []struct {
		action string
		call   func(c *iam.Client) error
	}{
		{"GetAccountPasswordPolicy", func(c *iam.Client) error {
			return errOf(c.GetAccountPasswordPolicy(ctx, &iam.GetAccountPasswordPolicyInput{}))
		}},
		{"UpdateAccountPasswordPolicy", func(c *iam.Client) error {
			return errOf(c.UpdateAccountPasswordPolicy(ctx, &iam.UpdateAccountPasswordPolicyInput{}))
		}},
		{"DeleteAccountPasswordPolicy", func(c *iam.Client) error {
			return errOf(c.DeleteAccountPasswordPolicy(ctx, &iam.DeleteAccountPasswordPolicyInput{}))
		}},
	} {
		err := op.call(s.IAM(s.User(s.Admin, op.action+"-none", allow("iam:"+op.action, accountARN+"*", ""))))
		wantError(t, err, "AccessDenied", "User: "+accountARN+"user/"+op.action+"-none is not authorized to perform: iam:"+op.action+" on resource: * because no identity-based policy allows the iam:"+op.action+" action")
		must(t, op.call(s.IAM(s.User(s.Admin, op.action, allow("iam:"+op.action, "*", "")))))
	}
}

func TestPasswordsConform(t *testing.T) {
	s := wardertest.Start(t)
	client, ctx := s.IAM(s.Admin), t.Context()
	must(t, errOf(client.CreateAccountAlias(ctx, &iam.CreateAccountAliasInput{AccountAlias: aws.String("acme-2026-prod")})))
	makeUser(t, client, "Bob")
	const (
		upper  = "Password should have at least one uppercase letter"
		lower  = "Password should have at least one lowercase letter"
		number = "Password should have at least one number"
		symbol = "Password should have at least one symbol"
	)
	length := func(n string) string { return "Password should have a minimum length of " + n }
	strict := &iam.UpdateAccountPasswordPolicyInput{
		MinimumPasswordLength: aws.Int32(12), RequireSymbols: true, RequireNumbers: true, RequireUppercaseCharacters: true, RequireLowercaseCharacters: true,
	}
	for _, tt := range []struct {
		policy         *iam.UpdateAccountPasswordPolicyInput // nil: the default policy
		password, want string
	}{
		{nil, "Passw0rd", ""},
		{nil, "pass-w0rd", ""},
		{nil, "Passw0r", length("8")},
		{nil, "password1", "Password should meet 1 more of the following requirements: " + upper + ", " + symbol},
		{nil, "password", "Password should meet 2 more of the following requirements: " + upper + ", " + number + ", " + symbol},
		{nil, "pässword1", "Password should meet 1 more of the following requirements: " + upper + ", " + symbol},
		// What AWS does not list is no symbol.
		{nil, "pass word.1", "Password should meet 1 more of the following requirements: " + upper + ", " + symbol},
		{nil, "Acme-2026-Prod", "Password should not be identical to the AWS account name"},
		{&iam.UpdateAccountPasswordPolicyInput{}, "aaaaaa", ""},
		{&iam.UpdateAccountPasswordPolicyInput{}, "ÄÖÜäöü", ""}, // characters, not bytes
		{&iam.UpdateAccountPasswordPolicyInput{}, "ÄÖÜäö", length("6")},
		{&iam.UpdateAccountPasswordPolicyInput{RequireSymbols: true}, "Passw0rd", symbol},
		{&iam.UpdateAccountPasswordPolicyInput{RequireSymbols: true}, "Passw0rd.", symbol},
		{strict, "Passw0rd-long", ""},
		{strict, "Passw0rd-lon", ""},
		{strict, "Passw0rd-lo", length("12")},
		{strict, "passw0rd-long", upper},
		{strict, "PASSW0RD-LONG", lower},
		{strict, "Password-long", number},
		{strict, "Passw0rd1long", symbol},
		{strict, "password", length("12") + ", " + upper + ", " + number + ", " + symbol},
	} {
		if tt.policy != nil {
			must(t, errOf(client.UpdateAccountPasswordPolicy(ctx, tt.policy)))
		}
		_, err := client.CreateLoginProfile(ctx, &iam.CreateLoginProfileInput{UserName: aws.String("Bob"), Password: &tt.password})
		if tt.want != "" {
			wantError(t, err, "PasswordPolicyViolation", tt.want)
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", tt.password, err)
			continue
		}
		must(t, errOf(client.DeleteLoginProfile(ctx, &iam.DeleteLoginProfileInput{UserName: aws.String("Bob")})))
	}
}
