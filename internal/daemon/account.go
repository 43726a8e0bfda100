package daemon

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/warder-iam/warder/arn"
	"github.com/warder-iam/warder/internal/authn"
	"github.com/warder-iam/warder/internal/ids"
	"github.com/warder-iam/warder/internal/state"
)

// Key is an access key as it is shown to its owner.
type Key struct {
	AccessKeyID     string `json:"accessKeyId"`
	SecretAccessKey string `json:"secretAccessKey"`
}

// NewAccount is an account that was just made, with the credentials to use it.
type NewAccount struct {
	ID    string `json:"account"`
	Admin Key    `json:"administrator"`  // of the IAM user "administrator"
	Root  *Key   `json:"root,omitempty"` // of the root user; only where it was asked for
}

// AccountSpec is an account to be made. What is empty is chosen at random.
type AccountSpec struct {
	ID      string `json:"account"`
	Name    string `json:"name"`
	Admin   Key    `json:"administrator"`
	RootKey bool   `json:"rootKey"` // make an access key for the root user too
}

const (
	accountName = "warder"
	adminName   = "administrator"
	adminPolicy = `{
  "Version": "2012-10-17",
  "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]
}`
)

// bootstrap makes the first account if there is none. On a state that has one
// it checks that the flags ask for nothing else, and changes nothing.
func (d *Daemon) bootstrap(ctx context.Context) (*NewAccount, error) {
	snap := d.state.Snapshot()
	if snap.Accounts.Len() > 0 {
		if c := &d.config; c.Account != "" && snap.Accounts.Get(c.Account) == nil {
			return nil, fmt.Errorf("the data folder holds no account %s; make it with: warder account create --account %s", c.Account, c.Account)
		}
		return nil, d.checkAdmin(snap)
	}
	return d.createAccount(ctx, AccountSpec{
		ID: d.config.Account, Name: accountName,
		Admin: Key{d.config.AdminKeyID, d.config.AdminSecret},
	})
}

// checkAdmin refuses an administrator's key in the flags that the state does
// not hold as it stands there: whoever gives it counts on it to work.
func (d *Daemon) checkAdmin(snap *state.Snapshot) error {
	given := Key{d.config.AdminKeyID, d.config.AdminSecret}
	if given.AccessKeyID == "" {
		return nil
	}
	key := snap.AccessKeys.Get(given.AccessKeyID)
	if key == nil {
		return fmt.Errorf("the data folder holds no access key %s", given.AccessKeyID)
	}
	secret, err := authn.OpenSecret(d.ring, key)
	if err != nil {
		return err
	}
	if subtle.ConstantTimeCompare([]byte(secret), []byte(given.SecretAccessKey)) != 1 {
		return fmt.Errorf("the data folder holds the access key %s with another secret", given.AccessKeyID)
	}
	return nil
}

// keyID is what the API model takes for an access key id.
var keyID = regexp.MustCompile(`^\w{16,128}$`)

// check refuses an id or a key that cannot be.
func (spec *AccountSpec) check() error {
	if spec.ID != "" && !arn.IsAccountID(spec.ID) {
		return fmt.Errorf("an account id is twelve digits, and %q is not", spec.ID)
	}
	if spec.Admin == (Key{}) {
		return nil
	}
	if !keyID.MatchString(spec.Admin.AccessKeyID) || spec.Admin.SecretAccessKey == "" {
		return errors.New("an access key id has 16 to 128 letters and digits, and a secret is not empty")
	}
	return nil
}

// createAccount makes an account with its root user and one administrator: an
// IAM user whose inline policy allows everything.
func (d *Daemon) createAccount(ctx context.Context, spec AccountSpec) (*NewAccount, error) {
	var made *NewAccount
	err := d.state.Update(ctx, d.config.Now(), func(tx *state.Tx) (err error) {
		made, err = d.putAccount(tx, spec)
		return err
	})
	return made, err
}

func (d *Daemon) putAccount(tx *state.Tx, spec AccountSpec) (*NewAccount, error) {
	if err := spec.check(); err != nil {
		return nil, err
	}
	if spec.ID == "" {
		spec.ID = d.ids.Account()
	}
	if tx.Accounts.Get(spec.ID) != nil {
		return nil, fmt.Errorf("there is an account %s already", spec.ID)
	}
	if spec.Admin.AccessKeyID == "" {
		spec.Admin = Key{d.ids.KeyID(ids.AccessKey, spec.ID), d.ids.Secret()}
	}
	now := tx.Now.UTC().Truncate(time.Second)
	tx.Accounts.Put(&state.Account{ID: spec.ID, Name: spec.Name, Created: now})
	admin := &state.User{
		Entity: state.Entity{Account: spec.ID, ID: d.ids.Unique(ids.User, spec.ID), Name: adminName, Path: "/", Created: now},
	}
	admin.PutInline(state.InlinePolicy{Name: "AdministratorAccess", Document: &state.Document{Text: adminPolicy}})
	tx.Users.Put(admin)
	if err := d.putKey(tx, spec.ID, admin.ID, spec.Admin, now); err != nil {
		return nil, err
	}
	made := &NewAccount{ID: spec.ID, Admin: spec.Admin}
	if spec.RootKey {
		made.Root = &Key{d.ids.KeyID(ids.AccessKey, spec.ID), d.ids.Secret()}
		if err := d.putKey(tx, spec.ID, spec.ID, *made.Root, now); err != nil {
			return nil, err
		}
	}
	return made, nil
}

func (d *Daemon) putKey(tx *state.Tx, account, owner string, k Key, now time.Time) error {
	if tx.AccessKeys.Get(k.AccessKeyID) != nil {
		return fmt.Errorf("there is an access key %s already", k.AccessKeyID)
	}
	tx.AccessKeys.Put(&state.AccessKey{
		ID: k.AccessKeyID, Account: account, Owner: owner, Active: true, Created: now,
		Secret: authn.SealSecret(d.ring, account, k.AccessKeyID, k.SecretAccessKey),
	})
	return nil
}

// onlyAccount is the account that a command means: an empty one is the only one
// there is.
func (d *Daemon) onlyAccount(account string) (string, error) {
	snap := d.state.Snapshot()
	if account == "" {
		if snap.Accounts.Len() != 1 {
			return "", errors.New("there are several accounts: say which with --account")
		}
		for a := range snap.Accounts.All() {
			account = a.ID
		}
	}
	if snap.Accounts.Get(account) == nil {
		return "", fmt.Errorf("there is no account %q", account)
	}
	return account, nil
}

// adminKey is an access key for `warder env`: the oldest active one of the
// account's administrator or, in an account that was made without one, of its
// root user.
func (d *Daemon) adminKey(account string) (string, Key, error) {
	account, err := d.onlyAccount(account)
	if err != nil {
		return "", Key{}, err
	}
	snap := d.state.Snapshot()
	var oldest *state.AccessKey
	find := func(owner string) {
		for k := range snap.AccessKeysOf(owner) {
			if k.Active && (oldest == nil || k.Created.Before(oldest.Created)) {
				oldest = k
			}
		}
	}
	if u := snap.User(account, adminName); u != nil {
		find(u.ID)
	}
	if oldest == nil {
		find(account)
	}
	if oldest == nil {
		return "", Key{}, fmt.Errorf("neither a user %q of account %s nor its root user has an active access key (any more)", adminName, account)
	}
	secret, err := authn.OpenSecret(d.ring, oldest)
	return account, Key{oldest.ID, secret}, err
}
