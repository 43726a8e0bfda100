package iam

import (
	"fmt"
	"reflect"
	"strings"

	api "github.com/warder-iam/warder/internal/api/iam"
	"github.com/warder-iam/warder/internal/authz"
	"github.com/warder-iam/warder/internal/awserr"
	"github.com/warder-iam/warder/internal/service"
	"github.com/warder-iam/warder/internal/state"
	"github.com/warder-iam/warder/policy"
)

// The account password policy
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_passwords_account-policy.html):
// what it is, what it lets users do, and which passwords it takes.

// minPolicyLength is the minimum length of a policy that does not say one.
const minPolicyLength = 6

// updateAccountPasswordPolicy replaces the whole policy: what is left out gets
// its default, not the value it had
// (https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateAccountPasswordPolicy.html).
func (s *Service) updateAccountPasswordPolicy(c *service.Call, tx *state.Tx, in *api.UpdateAccountPasswordPolicyRequest) (*none, error) {
	p := &state.PasswordPolicy{
		MinimumLength:              minPolicyLength,
		RequireSymbols:             deref(in.RequireSymbols),
		RequireNumbers:             deref(in.RequireNumbers),
		RequireUppercase:           deref(in.RequireUppercaseCharacters),
		RequireLowercase:           deref(in.RequireLowercaseCharacters),
		AllowUsersToChangePassword: deref(in.AllowUsersToChangePassword),
		MaxAgeDays:                 int(deref(in.MaxPasswordAge)),
		ReusePrevention:            int(deref(in.PasswordReusePrevention)),
		HardExpiry:                 in.HardExpiry,
	}
	if in.MinimumPasswordLength != nil {
		p.MinimumLength = int(*in.MinimumPasswordLength)
	}
	tx.Accounts.Update(tx.Accounts.Get(c.Caller.Account), func(a *state.Account) { a.PasswordPolicy = p })
	return nil, nil
}

func (s *Service) getAccountPasswordPolicy(c *service.Call, snap *state.Snapshot, _ *none) (*api.GetAccountPasswordPolicyResponse, error) {
	p := snap.Accounts.Get(c.Caller.Account).PasswordPolicy
	if p == nil {
		return nil, awserr.New("NoSuchEntity", "The Password Policy with domain name %s cannot be found.", c.Caller.Account)
	}
	return &api.GetAccountPasswordPolicyResponse{PasswordPolicy: &api.PasswordPolicy{
		MinimumPasswordLength:      ptr(int32(p.MinimumLength)),
		RequireSymbols:             ptr(p.RequireSymbols),
		RequireNumbers:             ptr(p.RequireNumbers),
		RequireUppercaseCharacters: ptr(p.RequireUppercase),
		RequireLowercaseCharacters: ptr(p.RequireLowercase),
		AllowUsersToChangePassword: ptr(p.AllowUsersToChangePassword),
		ExpirePasswords:            ptr(p.MaxAgeDays > 0),
		MaxPasswordAge:             optional(int32(p.MaxAgeDays)),
		PasswordReusePrevention:    optional(int32(p.ReusePrevention)),
		HardExpiry:                 p.HardExpiry,
	}}, nil
}

func (s *Service) deleteAccountPasswordPolicy(c *service.Call, tx *state.Tx, _ *none) (*none, error) {
	account := tx.Accounts.Get(c.Caller.Account)
	if account.PasswordPolicy == nil {
		return nil, awserr.New("NoSuchEntity", "The account policy with name PasswordPolicy cannot be found.")
	}
	tx.Accounts.Update(account, func(a *state.Account) { a.PasswordPolicy = nil })
	return nil, nil
}

// changeOwnPassword is what AllowUsersToChangePassword gives every user. AWS
// attaches no policy to anybody for it but applies these permissions for the
// whole account
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_passwords_enable-user-change.html).
// It counts as one more identity policy of the user, so a deny, a boundary and
// a session policy still bind. ChangePassword is about the caller only, so "*"
// reaches nobody else.
var changeOwnPassword = func() *policy.Policy {
	doc, err := policy.Parse(policy.Identity, []byte(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["iam:ChangePassword","iam:GetAccountPasswordPolicy"],"Resource":"*"}}`))
	if err != nil {
		panic(err)
	}
	return policy.Compile(policy.Source{Name: "account password policy"}, doc)
}()

// ChangePasswordCheck is what a user must be allowed to do to change its own
// password: when it is asked to as it signs in, too
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_passwords_admin-change-user.html).
func ChangePasswordCheck(s *state.Snapshot, u *state.User) authz.Check {
	check := authz.Check{Action: "iam:ChangePassword", Account: u.Account, Resource: u.ARN(), Tags: u.Tags, Boundary: u.Boundary}
	grantOwnPassword(s, u.Account, &check)
	return check
}

// grantOwnPassword adds what the account's password policy allows its users.
func grantOwnPassword(s *state.Snapshot, account string, check *authz.Check) {
	if a := s.Accounts.Get(account); a != nil && a.PasswordPolicy != nil && a.PasswordPolicy.AllowUsersToChangePassword {
		check.Granted = changeOwnPassword
	}
}

func ownPassword(reflect.Type) service.Part {
	return func(c *service.Call, s *state.Snapshot, _ any, check *authz.Check) error {
		grantOwnPassword(s, c.Caller.Account, check)
		return nil
	}
}

// The classes of characters that a policy can ask for, and the symbols that
// count: those AWS lists, not any that is neither letter nor digit.
const (
	needUpper  = "Password should have at least one uppercase letter"
	needLower  = "Password should have at least one lowercase letter"
	needNumber = "Password should have at least one number"
	needSymbol = "Password should have at least one symbol"

	symbols = "!@#$%^&*()_+-=[]{}|'"
)

// The default policy of an account that has set none.
const (
	defaultMinLength = 8
	defaultClasses   = 3
)

func policyViolation(text string) error { return awserr.New("PasswordPolicyViolation", "%s", text) }

// conforms checks a password against the account's policy, or against the
// default policy if the account has none.
func conforms(account *state.Account, password string) error {
	has := func(in func(r rune) bool) bool { return strings.ContainsFunc(password, in) }
	classes := []struct {
		need     string
		has      bool
		required func(p *state.PasswordPolicy) bool
	}{
		{needUpper, has(func(r rune) bool { return 'A' <= r && r <= 'Z' }), func(p *state.PasswordPolicy) bool { return p.RequireUppercase }},
		{needLower, has(func(r rune) bool { return 'a' <= r && r <= 'z' }), func(p *state.PasswordPolicy) bool { return p.RequireLowercase }},
		{needNumber, has(func(r rune) bool { return '0' <= r && r <= '9' }), func(p *state.PasswordPolicy) bool { return p.RequireNumbers }},
		{needSymbol, strings.ContainsAny(password, symbols), func(p *state.PasswordPolicy) bool { return p.RequireSymbols }},
	}
	minimum := defaultMinLength
	p := account.PasswordPolicy
	if p != nil {
		minimum = p.MinimumLength
	}
	var missing, wanted []string
	if len([]rune(password)) < minimum {
		wanted = append(wanted, fmt.Sprintf("Password should have a minimum length of %d", minimum))
	}
	for _, class := range classes {
		if class.has {
			continue
		}
		missing = append(missing, class.need)
		if p != nil && class.required(p) {
			wanted = append(wanted, class.need)
		}
	}
	if p == nil {
		if more := defaultClasses - (len(classes) - len(missing)); more > 0 {
			wanted = append(wanted, fmt.Sprintf("Password should meet %d more of the following requirements: %s", more, strings.Join(missing, ", ")))
		}
		if strings.EqualFold(password, account.Name) || strings.EqualFold(password, account.Alias) {
			wanted = append(wanted, "Password should not be identical to the AWS account name")
		}
	}
	if len(wanted) > 0 {
		return policyViolation(strings.Join(wanted, ", "))
	}
	return nil
}
