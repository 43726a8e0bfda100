package state

import (
	"time"

	"github.com/warder-iam/warder/arn"
)

// Account is an AWS account: the realm in which names are unique.
type Account struct {
	ID      string // twelve digits
	Name    string
	Alias   string `json:",omitempty"` // unique over all accounts
	Created time.Time

	PasswordPolicy *PasswordPolicy `json:",omitempty"` // nil: the default policy
	// GlobalTokenVersion is what SetSecurityTokenServicePreferences set: 1 or 2; 0 means never set.
	GlobalTokenVersion int `json:",omitempty"`
}

// PasswordPolicy is an account's custom password policy
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_passwords_account-policy.html).
type PasswordPolicy struct {
	MinimumLength              int
	RequireSymbols             bool
	RequireNumbers             bool
	RequireUppercase           bool
	RequireLowercase           bool
	AllowUsersToChangePassword bool
	MaxAgeDays                 int // 0: passwords do not expire
	ReusePrevention            int // 0: any former password will do
	// HardExpiry keeps users from changing an expired password in the console.
	// Nil: never set, which is as false but is not shown.
	HardExpiry *bool `json:",omitempty"`
}

// RootARN is the ARN of the account's root user.
func (a *Account) RootARN() string { return arn.Root(a.ID) }

var accountSchema = schema[Account]{
	prefix: "iam/account/",
	key:    func(a *Account) string { return a.ID },
	indexes: []index[Account]{{name: "alias", unique: true, keys: func(a *Account) []string {
		if a.Alias == "" {
			return nil
		}
		return []string{a.Alias}
	}}},
}

// AccountByAlias finds an account by its alias; nil if none has it.
func (s *Snapshot) AccountByAlias(alias string) *Account { return s.Accounts.find(0, alias) }
