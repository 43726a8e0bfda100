package authn_test

import (
	"context"
	"encoding/base32"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/warder-iam/warder/internal/authn"
	"github.com/warder-iam/warder/internal/awserr"
	"github.com/warder-iam/warder/internal/seal"
	"github.com/warder-iam/warder/internal/state"
	"github.com/warder-iam/warder/internal/store/memory"
)

const (
	account = "123456789012"
	user    = "AIDAQ3EGWLJW3EXAMPLE1"
	other   = "AIDAQ3EGWLJW3EXAMPLE2"
	phone   = "arn:aws:iam::" + account + ":mfa/phone"
)

// noon is the beginning of a time step.
var noon = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

type device struct {
	t     *testing.T
	mfa   *authn.MFA
	state *state.State
	seed  []byte
}

// newDevice makes a device of user whose last used step is long past.
func newDevice(t *testing.T, change func(*state.MFADevice)) *device {
	t.Helper()
	st := newState(t)
	d := &device{t: t, mfa: authn.NewMFA(st, seal.NewRandom()), state: st, seed: []byte("12345678901234567890")}
	d.put(func(r *state.MFADevice) {
		if change != nil {
			change(r)
		}
	})
	return d
}

func newState(t *testing.T) *state.State {
	t.Helper()
	st, err := state.Open(t.Context(), memory.New())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	return st
}

func (d *device) put(change func(*state.MFADevice)) {
	d.t.Helper()
	r := &state.MFADevice{Serial: phone, Account: account, Name: "phone", Path: "/", Owner: user, Enabled: noon, Seed: d.mfa.SealSeed(account, phone, d.seed)}
	change(r)
	if err := d.state.Update(d.t.Context(), noon, func(tx *state.Tx) error { tx.MFADevices.Put(r); return nil }); err != nil {
		d.t.Fatal(err)
	}
}

// code is the code that the device shows some steps after a time.
func (d *device) code(at time.Time, steps int) string {
	d.t.Helper()
	code, err := totp.GenerateCode(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(d.seed), at.Add(time.Duration(steps)*30*time.Second))
	if err != nil {
		d.t.Fatal(err)
	}
	return code
}

func (d *device) consume(at time.Time, code string) error {
	return d.mfa.Consume(context.Background(), at, user, phone, code)
}

func (d *device) record() *state.MFADevice { return d.state.Snapshot().MFADevices.Get(phone) }

const (
	wrongCode   = "MultiFactorAuthentication failed with invalid MFA one time pass code. "
	wrongDevice = "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial number is valid and associated with this user."
)

func wantRefusal(t *testing.T, err error, message string) {
	t.Helper()
	if message == "" {
		if err != nil {
			t.Errorf("refused: %v", err)
		}
		return
	}
	if err == nil {
		t.Errorf("granted, want: %s", message)
	} else if e := awserr.From(err); e.Code != awserr.CodeAccessDenied || e.Message != message {
		t.Errorf("got %v, want AccessDenied: %s", err, message)
	}
}

func TestConsume(t *testing.T) {
	at := noon.Unix() / 30
	tests := []struct {
		name   string
		change func(*state.MFADevice)
		steps  int // which code is shown
		want   string
	}{
		{"now", nil, 0, ""},
		{"one step late", nil, -1, ""},
		{"one step early", nil, 1, ""},
		{"two steps late", nil, -2, wrongCode},
		{"two steps early", nil, 2, wrongCode},
		{"a day late", nil, -2880, wrongCode},
		{"used", func(d *state.MFADevice) { d.Counter = at }, 0, wrongCode},
		{"before one that was used", func(d *state.MFADevice) { d.Counter = at }, -1, wrongCode},
		{"after one that was used", func(d *state.MFADevice) { d.Counter = at }, 1, ""},
		{"the clock of the device is ahead", func(d *state.MFADevice) { d.Drift = 10 }, 10, ""},
		{"the clock of the device is behind", func(d *state.MFADevice) { d.Drift = -10 }, -11, ""},
		{"the codes it was enabled with were typed late", func(d *state.MFADevice) { d.Drift = -2 }, 0, ""},
		{"neither now nor by the drift", func(d *state.MFADevice) { d.Drift = 10 }, 5, wrongCode},
		{"of another user", func(d *state.MFADevice) { d.Owner = other }, 0, wrongDevice},
		{"of the root user", func(d *state.MFADevice) { d.Owner = account }, 0, wrongDevice},
		{"of nobody", func(d *state.MFADevice) { d.Owner = "" }, 0, wrongDevice},
		{"with the secret of another device", func(d *state.MFADevice) { d.Serial, d.Seed = phone, []byte("not sealed for it") }, 0, "internal"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := newDevice(t, tt.change)
			err := d.consume(noon, d.code(noon, tt.steps))
			if tt.want == "internal" {
				if awserr.Code(err) != awserr.CodeInternalFailure {
					t.Errorf("got %v, want an internal failure", err)
				}
				return
			}
			wantRefusal(t, err, tt.want)
			if tt.want == "" {
				wantRefusal(t, d.consume(noon, d.code(noon, tt.steps)), wrongCode) // once only
			}
		})
	}
}

func TestConsumeRefusesVariants(t *testing.T) {
	d := newDevice(t, nil)
	code := d.code(noon, 0)
	for _, serial := range []string{"", "phone", "arn:aws:iam::" + account + ":mfa/Phone", phone + " ", "arn:aws:iam::210987654321:mfa/phone"} {
		wantRefusal(t, d.mfa.Consume(t.Context(), noon, user, serial, code), wrongDevice)
	}
	wantRefusal(t, d.mfa.Consume(t.Context(), noon, "", phone, code), wrongDevice)
	if d.record().Failures != 0 {
		t.Error("a try that names another device or user counts against this one")
	}
	for _, code := range []string{"", "0", code[:5], code + "0", "0" + code, "٠٠٠٠٠٠"} {
		wantRefusal(t, d.consume(noon, code), wrongCode)
		d.put(func(*state.MFADevice) {}) // forget the failure
	}
	// However it is written, a code is good once.
	wantRefusal(t, d.consume(noon, code), "")
	for _, again := range []string{code, " " + code, code + " ", code + "\n"} {
		wantRefusal(t, d.consume(noon, again), wrongCode)
	}
}

func TestConsumeDeletedDevice(t *testing.T) {
	d := newDevice(t, nil)
	if err := d.state.Update(t.Context(), noon, func(tx *state.Tx) error { tx.MFADevices.Delete(d.record()); return nil }); err != nil {
		t.Fatal(err)
	}
	wantRefusal(t, d.consume(noon, d.code(noon, 0)), wrongDevice)
}

// A code that many requests bring at once is good for one of them.
func TestConsumeOnceConcurrently(t *testing.T) {
	d := newDevice(t, nil)
	code := d.code(noon, 0)
	var granted atomic.Int32
	var wg sync.WaitGroup
	for range 32 {
		wg.Go(func() {
			if d.consume(noon, code) == nil {
				granted.Add(1)
			}
		})
	}
	wg.Wait()
	if n := granted.Load(); n != 1 {
		t.Errorf("one code was accepted %d times", n)
	}
}

// A device whose clock wanders slowly is followed.
func TestConsumeFollowsDrift(t *testing.T) {
	d := newDevice(t, nil)
	for i := range 10 {
		at := noon.Add(time.Duration(i) * 5 * time.Minute)
		wantRefusal(t, d.consume(at, d.code(at, i+1)), "")
	}
	if d.record().Drift != 10 {
		t.Errorf("drift %d, want 10", d.record().Drift)
	}
}

func TestWrongCodesLock(t *testing.T) {
	d := newDevice(t, nil)
	wrong := func(at time.Time) { t.Helper(); wantRefusal(t, d.consume(at, d.code(at, 100)), wrongCode) }
	at := noon
	for range 4 {
		wrong(at)
	}
	wantRefusal(t, d.consume(at, d.code(at, 0)), "") // four do not lock, and are forgotten
	at = at.Add(time.Hour)
	for range 5 {
		wrong(at)
	}
	// The wait doubles with every wrong code after it, up to a quarter of an hour.
	for i, wait := range []time.Duration{1, 2, 4, 8, 15, 15, 15} {
		wait *= time.Minute
		if until := d.record().LockedUntil; !until.Equal(at.Add(wait)) {
			t.Fatalf("lock %d is until %v, want %v", i, until, at.Add(wait))
		}
		almost := at.Add(wait - time.Second)
		wantRefusal(t, d.consume(almost, d.code(almost, 0)), wrongCode) // right, but locked
		at = at.Add(wait)
		wrong(at)
	}
	at = d.record().LockedUntil
	wantRefusal(t, d.consume(at, d.code(at, 0)), "")
	if r := d.record(); r.Failures != 0 || !r.LockedUntil.IsZero() {
		t.Errorf("after a right code: %d failures, locked until %v", r.Failures, r.LockedUntil)
	}
}

func TestSync(t *testing.T) {
	at := noon.Unix() / 30
	tests := []struct {
		name         string
		used         int64
		first, again int // the steps of the two codes
		ok           bool
	}{
		{"the last two", 0, -1, 0, true},
		{"this and the next", 0, 0, 1, true},
		{"an hour behind", 0, -120, -119, true},
		{"an hour ahead", 0, 120, 121, true},
		{"three hours behind", 0, -360, -359, false},
		{"three hours ahead", 0, 360, 361, false},
		{"the same twice", 0, 0, 0, false},
		{"in the wrong order", 0, 0, -1, false},
		{"not consecutive", 0, -2, 0, false},
		{"the first was used", at - 1, -1, 0, false},
		{"both were used", at, -1, 0, false},
		{"after one that was used", at - 2, -1, 0, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := newDevice(t, func(r *state.MFADevice) { r.Counter = tt.used })
			counter, drift, ok := d.mfa.Sync(d.record(), d.code(noon, tt.first), d.code(noon, tt.again), noon)
			if ok != tt.ok {
				t.Fatalf("got %v, want %v", ok, tt.ok)
			}
			if ok && (counter != at+int64(tt.again) || drift != int64(tt.again)) {
				t.Errorf("counter %+d, drift %d, want %+d", counter-at, drift, tt.again)
			}
		})
	}
}
