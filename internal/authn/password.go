package authn

import (
	"context"
	"time"

	"github.com/warder-iam/warder/internal/awserr"
	"github.com/warder-iam/warder/internal/seal"
	"github.com/warder-iam/warder/internal/state"
)

// Passwords checks the console passwords of IAM users.
type Passwords struct{ state *state.State }

// NewPasswords makes a checker that keeps its count of wrong guesses in st.
func NewPasswords(st *state.State) *Passwords { return &Passwords{st} }

// Verify checks a user's password and gives the hash it was checked against; ok
// is false if it is wrong or the user has none. Too many wrong ones in a row are
// answered with Throttling for a while, whatever the next one is. It works for
// tens of milliseconds and must not be called in a transaction.
//
// Every guess is counted as a wrong one before it is looked at, durably, and
// taken back if it is right: guesses made at the same time, or interrupted by a
// crash, are no way around the count.
func (p *Passwords) Verify(ctx context.Context, now time.Time, userID, password string) (hash string, ok bool, err error) {
	err = p.state.Update(ctx, now, func(tx *state.Tx) error {
		u := tx.Users.Get(userID)
		if u == nil || u.Login == nil {
			return nil
		}
		if locked(u.Login.Guesses, now) {
			return awserr.New(awserr.CodeThrottling, "Rate exceeded")
		}
		hash = u.Login.Hash
		updateLogin(tx, u, func(l *state.LoginProfile) { wrongGuess(&l.Guesses, now) })
		return nil
	})
	if err != nil {
		return "", false, err
	}
	// An empty hash takes as long: the delay does not tell who has a password.
	if !seal.VerifyPassword(hash, password) {
		return "", false, nil
	}
	err = p.state.Update(ctx, now, func(tx *state.Tx) error {
		if u := tx.Users.Get(userID); u != nil && u.Login != nil && u.Login.Hash == hash {
			updateLogin(tx, u, func(l *state.LoginProfile) { l.Guesses = state.Guesses{} })
		}
		return nil
	})
	return hash, err == nil, err
}

func updateLogin(tx *state.Tx, u *state.User, change func(*state.LoginProfile)) {
	tx.Users.Update(u, func(u *state.User) {
		login := *u.Login
		change(&login)
		u.Login = &login
	})
}
