package authn_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/warder-iam/warder/internal/authn"
	"github.com/warder-iam/warder/internal/awserr"
	"github.com/warder-iam/warder/internal/seal"
	"github.com/warder-iam/warder/internal/state"
)

const password = "correct horse battery staple"

// withPassword makes a user with a password that is cheap to check.
func withPassword(t *testing.T) (*authn.Passwords, *state.State) {
	t.Helper()
	st := newState(t)
	hash, err := seal.PasswordCost{Memory: 8, Time: 1, Threads: 1}.Hash(password)
	if err != nil {
		t.Fatal(err)
	}
	err = st.Update(t.Context(), noon, func(tx *state.Tx) error {
		tx.Users.Put(&state.User{Entity: state.Entity{Account: account, ID: user, Name: "Bob"}, Login: &state.LoginProfile{Hash: hash}})
		tx.Users.Put(&state.User{Entity: state.Entity{Account: account, ID: other, Name: "Eve"}})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return authn.NewPasswords(st), st
}

func TestVerifyPassword(t *testing.T) {
	p, st := withPassword(t)
	tests := []struct {
		name, user, password string
		ok                   bool
	}{
		{"right", user, password, true},
		{"wrong", user, "Correct horse battery staple", false},
		{"empty", user, "", false},
		{"with a space behind", user, password + " ", false},
		{"of a user without one", other, password, false},
		{"of nobody", "AIDANOBODY", password, false},
		{"the hash itself", user, st.Snapshot().Users.Get(user).Login.Hash, false},
	}
	for _, tt := range tests {
		hash, ok, err := p.Verify(t.Context(), noon, tt.user, tt.password)
		if ok != tt.ok || err != nil {
			t.Errorf("%s: got %v, %v", tt.name, ok, err)
		}
		if want := st.Snapshot().Users.Get(user).Login.Hash; ok && hash != want {
			t.Errorf("%s: checked against %q", tt.name, hash)
		}
	}
}

func TestWrongPasswordsLock(t *testing.T) {
	p, st := withPassword(t)
	try := func(at time.Time, password, code string, want bool) {
		t.Helper()
		_, ok, err := p.Verify(t.Context(), at, user, password)
		if ok != want || awserr.Code(err) != code {
			t.Errorf("got %v, %v; want %v, %q", ok, err, want, code)
		}
	}
	for range 4 {
		try(noon, "wrong", "", false)
	}
	try(noon, password, "", true)
	for range 5 {
		try(noon, "wrong", "", false)
	}
	try(noon, password, awserr.CodeThrottling, false)
	try(noon.Add(59*time.Second), password, awserr.CodeThrottling, false)
	try(noon.Add(time.Minute), "wrong", "", false)
	try(noon.Add(3*time.Minute-time.Second), password, awserr.CodeThrottling, false)
	try(noon.Add(3*time.Minute), password, "", true)
	if g := st.Snapshot().Users.Get(user).Login.Guesses; g != (state.Guesses{}) {
		t.Errorf("after the right password: %+v", g)
	}
}

// Guesses at the same time are counted as if they came one after the other.
func TestConcurrentGuesses(t *testing.T) {
	p, _ := withPassword(t)
	var looked atomic.Int32
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			_, ok, err := p.Verify(context.Background(), noon, user, "wrong")
			if ok {
				t.Error("a wrong password was right")
			}
			if err == nil {
				looked.Add(1)
			}
		})
	}
	wg.Wait()
	if n := looked.Load(); n != 5 {
		t.Errorf("%d guesses were looked at, want 5", n)
	}
}
