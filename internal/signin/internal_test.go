package signin

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/warder-iam/warder/internal/audit"
	"github.com/warder-iam/warder/internal/authn"
	"github.com/warder-iam/warder/internal/authz"
	"github.com/warder-iam/warder/internal/ids"
	"github.com/warder-iam/warder/internal/seal"
	"github.com/warder-iam/warder/internal/state"
	"github.com/warder-iam/warder/internal/store/memory"
)

// full is a trail that takes nothing.
type full struct{}

func (full) Encode(*audit.Event) ([]byte, error) { return nil, errors.New("full") }
func (full) Log(*audit.Event)                    {}

// Nobody is signed in, and no password changed, without the event.
func TestNoSignInWithoutEvent(t *testing.T) {
	st, err := state.Open(t.Context(), memory.New())
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	hash, err := seal.PasswordCost{Memory: 64, Time: 1, Threads: 1}.Hash("First-Passw0rd")
	if err != nil {
		t.Fatal(err)
	}
	user := &state.User{
		Entity: state.Entity{Account: "123456789012", ID: "AIDA1", Name: "Bob", Path: "/"},
		Login:  &state.LoginProfile{Changed: now, Hash: hash, ResetRequired: true},
	}
	err = st.Update(t.Context(), now, func(tx *state.Tx) error {
		tx.Accounts.Put(&state.Account{ID: "123456789012", PasswordPolicy: &state.PasswordPolicy{MinimumLength: 6, AllowUsersToChangePassword: true}})
		tx.Users.Put(user)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	ring := seal.NewRandom()
	s := New(Config{
		State: st, Authz: authz.New(), Ring: ring, IDs: ids.New(), Passwords: authn.NewPasswords(st), MFA: authn.NewMFA(st, ring), Log: slog.New(slog.DiscardHandler),
		Trail: full{},
	})
	in := &Request{Account: "123456789012", UserName: "Bob", Password: "First-Passw0rd", NewPassword: "Second-Passw0rd"}
	q := authz.Request{Time: now, Caller: authn.Anonymous()}
	session, err := s.SignIn(t.Context(), q, audit.Request{Time: now}, in)
	if session != nil || err == nil || err.Error() != "full" {
		t.Errorf("%v, %v", session, err)
	}
	if u := st.Snapshot().Users.Get("AIDA1"); u.Login.Hash != hash || !u.PasswordUsed.IsZero() {
		t.Errorf("%+v", u)
	}
	s.Trail = nil
	if session, err = s.SignIn(t.Context(), q, audit.Request{Time: now}, in); err != nil || session == nil {
		t.Error(err)
	}
}

func TestBuckets(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	b := buckets{every: time.Second, most: 3}
	take := func(key string, want bool) {
		t.Helper()
		if b.take(key, now) != want {
			t.Errorf("%s at %v: %v", key, now, !want)
		}
	}
	for range 3 {
		take("a", true)
	}
	take("a", false)
	take("b", true)
	b.back("a")
	take("a", true)
	take("a", false)
	now = now.Add(time.Second)
	take("a", true)
	take("a", false)
	now = now.Add(time.Hour) // no more than the most is saved up
	for range 3 {
		take("a", true)
	}
	take("a", false)
	for i := range 3 * maxKeys {
		take(fmt.Sprint(i), true)
	}
	if n := len(b.young) + len(b.old); n > 2*maxKeys {
		t.Errorf("%d keys are kept", n)
	}
}

func TestAddressKey(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		same bool
	}{
		{"192.0.2.1", "192.0.2.1", true}, {"192.0.2.1", "192.0.2.2", false},
		{"2001:db8::1", "2001:db8::ffff:2", true}, {"2001:db8::1", "2001:db8:0:1::1", false},
	} {
		if (addressKey(netip.MustParseAddr(tt.a)) == addressKey(netip.MustParseAddr(tt.b))) != tt.same {
			t.Errorf("%s and %s: not %v", tt.a, tt.b, tt.same)
		}
	}
}

func TestTypeOf(t *testing.T) {
	virtual, hardware := &state.MFADevice{Serial: "arn:aws:iam::123456789012:mfa/a"}, &state.MFADevice{Serial: "GAHT1", Hardware: true}
	for want, devices := range map[string][]*state.MFADevice{
		"Virtual MFA": {virtual, virtual}, "Hardware MFA": {hardware}, "Multiple MFA Devices": {virtual, hardware},
	} {
		if got := typeOf(devices); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(`{"account":"123456789012","userName":"Bob","password":"p","mfaCode":"123456"}`)
	f.Add(`{"account":1}{}`)
	f.Fuzz(func(t *testing.T, text string) {
		in, err := decode(strings.NewReader(text))
		if (in == nil) == (err == nil) {
			t.Fatal(in, err)
		}
		if err == nil && in.check() == nil && (in.Account == "" || in.UserName == "" || in.Password == "" || len(in.MFACode) != 0 && len(in.MFACode) != 6) {
			t.Fatalf("%+v", in)
		}
	})
}
