package iam

import (
	"reflect"
	"slices"
	"time"

	api "github.com/warder-iam/warder/internal/api/iam"
	"github.com/warder-iam/warder/internal/authz"
	"github.com/warder-iam/warder/internal/awserr"
	"github.com/warder-iam/warder/internal/seal"
	"github.com/warder-iam/warder/internal/service"
	"github.com/warder-iam/warder/internal/state"
	"github.com/warder-iam/warder/policy"
)

// Console passwords: login profiles, and ChangePassword.
//
// Checking a password against former ones and hashing it is slow, so it is done
// before the transaction (a Prepare step). The transaction checks that what was
// checked against is still in force.

// maxFormer is how many former passwords are remembered: as many as a policy
// can ask for, whatever it asks for now.
const maxFormer = 24

func noLoginProfile(u *state.User) error {
	return awserr.New("NoSuchEntity", "Login Profile for User %s cannot be found.", u.Name)
}

func concurrentChange() error {
	return awserr.New("ConcurrentModification", "The request was rejected because multiple requests to change this object were submitted simultaneously. Wait a few minutes and submit your request again.")
}

// A NewPassword is a password that was checked and hashed before the transaction.
type NewPassword struct {
	hash     string
	replaces string // hash of the password that it was checked against; "" if the user had none
}

// preparePassword checks a new password for a user and hashes it.
func preparePassword(snap *state.Snapshot, u *state.User, password string) (*NewPassword, error) {
	account := snap.Accounts.Get(u.Account)
	if err := conforms(account, password); err != nil {
		return nil, err
	}
	made := new(NewPassword)
	if u.Login != nil {
		made.replaces = u.Login.Hash
		if p := account.PasswordPolicy; p != nil && p.ReusePrevention > 0 && reused(u.Login, password, p.ReusePrevention) {
			return nil, reusedPassword()
		}
	}
	var err error
	made.hash, err = seal.HashPassword(password)
	return made, err
}

func reusedPassword() error {
	return policyViolation("Policy constraint violation with password reuse prevention during password change.")
}

// reused says whether a password is the present one or one of the last n before it.
func reused(l *state.LoginProfile, password string, n int) bool {
	return seal.VerifyPassword(l.Hash, password) || slices.ContainsFunc(l.Former[:min(n, len(l.Former))],
		func(hash string) bool { return seal.VerifyPassword(hash, password) })
}

// Set puts a prepared password in place of the one it was checked against. The
// password policy may have changed since, so it is asked again.
func (n *NewPassword) Set(tx *state.Tx, u *state.User, now time.Time, password string, reset *bool) error {
	if err := conforms(tx.Accounts.Get(u.Account), password); err != nil {
		return err
	}
	if u.Login.Hash != n.replaces {
		return concurrentChange()
	}
	login := *u.Login
	login.Former = slices.Insert(slices.Clone(login.Former), 0, login.Hash)
	login.Former = login.Former[:min(len(login.Former), maxFormer)]
	login.Hash, login.Changed, login.Guesses = n.hash, now, state.Guesses{}
	if reset != nil {
		login.ResetRequired = *reset
	}
	tx.Users.Update(u, func(u *state.User) { u.Login = &login })
	return nil
}

func loginOut(u *state.User) *api.LoginProfile {
	return &api.LoginProfile{UserName: ptr(u.Name), CreateDate: ptr(u.Login.Created), PasswordResetRequired: ptr(u.Login.ResetRequired)}
}

// newLoginUser finds the user that is to get its first password.
func newLoginUser(c *service.Call, s *state.Snapshot, in *api.CreateLoginProfileRequest) (*state.User, error) {
	u, err := userOrSelf(c, s, in.UserName)
	switch {
	case err != nil:
		return nil, err
	case in.Password == nil:
		// The model lets it be left out for root users of member accounts only.
		return nil, validation("1 validation error detected: Value at 'password' failed to satisfy constraint: Member must not be null")
	case u.Login != nil:
		return nil, awserr.New("EntityAlreadyExists", "Login Profile for user %s already exists.", u.Name)
	}
	return u, nil
}

func (s *Service) prepareLoginProfile(c *service.Call, snap *state.Snapshot, in *api.CreateLoginProfileRequest) (any, error) {
	u, err := newLoginUser(c, snap, in)
	if err != nil {
		return nil, err
	}
	return preparePassword(snap, u, *in.Password)
}

func (s *Service) createLoginProfile(c *service.Call, tx *state.Tx, in *api.CreateLoginProfileRequest) (*api.CreateLoginProfileResponse, error) {
	u, err := newLoginUser(c, &tx.Snapshot, in)
	if err != nil {
		return nil, err
	}
	if err := conforms(tx.Accounts.Get(u.Account), *in.Password); err != nil {
		return nil, err
	}
	login := &state.LoginProfile{
		Created: c.Now(), Changed: c.Now(), Hash: c.Prepared.(*NewPassword).hash, ResetRequired: deref(in.PasswordResetRequired),
	}
	u = tx.Users.Update(u, func(u *state.User) { u.Login = login })
	return &api.CreateLoginProfileResponse{LoginProfile: loginOut(u)}, nil
}

// loginUser finds a user that has a password.
func loginUser(c *service.Call, s *state.Snapshot, name *string) (*state.User, error) {
	u, err := userOrSelf(c, s, name)
	if err != nil {
		return nil, err
	}
	if u.Login == nil {
		return nil, noLoginProfile(u)
	}
	return u, nil
}

func (s *Service) getLoginProfile(c *service.Call, snap *state.Snapshot, in *api.GetLoginProfileRequest) (*api.GetLoginProfileResponse, error) {
	u, err := loginUser(c, snap, in.UserName)
	if err != nil {
		return nil, err
	}
	return &api.GetLoginProfileResponse{LoginProfile: loginOut(u)}, nil
}

func (s *Service) prepareUpdatedLogin(c *service.Call, snap *state.Snapshot, in *api.UpdateLoginProfileRequest) (any, error) {
	u, err := loginUser(c, snap, in.UserName)
	if err != nil || in.Password == nil {
		return nil, err
	}
	return preparePassword(snap, u, *in.Password)
}

func (s *Service) updateLoginProfile(c *service.Call, tx *state.Tx, in *api.UpdateLoginProfileRequest) (*none, error) {
	u, err := loginUser(c, &tx.Snapshot, in.UserName)
	if err != nil {
		return nil, err
	}
	if in.Password != nil {
		return nil, c.Prepared.(*NewPassword).Set(tx, u, c.Now(), *in.Password, in.PasswordResetRequired)
	}
	if in.PasswordResetRequired != nil {
		login := *u.Login
		login.ResetRequired = *in.PasswordResetRequired
		tx.Users.Update(u, func(u *state.User) { u.Login = &login })
	}
	return nil, nil
}

func (s *Service) deleteLoginProfile(c *service.Call, tx *state.Tx, in *api.DeleteLoginProfileRequest) (*none, error) {
	u, err := loginUser(c, &tx.Snapshot, in.UserName)
	if err != nil {
		return nil, err
	}
	tx.Users.Update(u, func(u *state.User) { u.Login = nil })
	return nil, nil
}

// caller is the target of ChangePassword: the user who calls.
func caller(reflect.Type) service.Part {
	return func(c *service.Call, s *state.Snapshot, _ any, check *authz.Check) error {
		check.Account = c.Caller.Account
		own(c, s, "user", check)
		return nil
	}
}

// passwordUser is the user whose password ChangePassword changes: the caller,
// with its access keys or a session of them, and nobody else
// (https://docs.aws.amazon.com/IAM/latest/APIReference/API_ChangePassword.html).
func passwordUser(c *service.Call, s *state.Snapshot) (*state.User, error) {
	if c.Caller.Kind != policy.User {
		return nil, awserr.New("InvalidUserType", "Only IAM Users can change their own password.")
	}
	return loginUser(c, s, nil)
}

// prepareChange checks the old password. An expired password is no obstacle,
// with HardExpiry neither: that keeps users from changing it in the console
// only, as its documentation says.
func (s *Service) prepareChange(c *service.Call, snap *state.Snapshot, in *api.ChangePasswordRequest) (any, error) {
	u, err := passwordUser(c, snap)
	if err != nil {
		return nil, err
	}
	hash, ok, err := s.passwords.Verify(c, c.Time, u.ID, *in.OldPassword)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, wrongPassword()
	}
	return ChangePassword(snap, u, hash, *in.OldPassword, *in.NewPassword)
}

// ChangePassword checks and hashes the password that a user wants in place of the
// present one, which has been verified against hash (authn.Passwords).
func ChangePassword(snap *state.Snapshot, u *state.User, hash, old, password string) (*NewPassword, error) {
	if password == old {
		return nil, reusedPassword()
	}
	made, err := preparePassword(snap, u, password)
	if err == nil && made.replaces != hash {
		err = concurrentChange()
	}
	return made, err
}

func wrongPassword() error {
	return awserr.New(awserr.CodeAccessDenied, "The old password was incorrect.")
}

func (s *Service) changePassword(c *service.Call, tx *state.Tx, in *api.ChangePasswordRequest) (*none, error) {
	u, err := passwordUser(c, &tx.Snapshot)
	if err != nil {
		return nil, err
	}
	return nil, c.Prepared.(*NewPassword).Set(tx, u, c.Now(), *in.NewPassword, ptr(false))
}
