package authn

import (
	"context"
	"encoding/base32"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"

	"github.com/warder-iam/warder/internal/awserr"
	"github.com/warder-iam/warder/internal/seal"
	"github.com/warder-iam/warder/internal/state"
)

// MFA checks the codes of virtual MFA devices: TOTP (RFC 6238) with SHA-1, six
// digits and steps of 30 seconds, which is what AWS's devices are.
type MFA struct {
	state *state.State
	ring  *seal.Keyring
}

// NewMFA makes a checker that keeps its counters in st.
func NewMFA(st *state.State, ring *seal.Keyring) *MFA { return &MFA{st, ring} }

const (
	purposeSeed = "mfa-seed"
	step        = 30 // seconds

	// A code is accepted one step early or late, and a device that is resynced
	// may be up to two hours off.
	loginWindow  = 1
	resyncWindow = 240
)

var seedEncoding = base32.StdEncoding.WithPadding(base32.NoPadding)

// SealSeed seals the seed of a device for its record.
func (m *MFA) SealSeed(account, serial string, seed []byte) []byte {
	return m.ring.Seal(purposeSeed, seal.Owner(account, serial), seed)
}

// match looks for the step, from first to last, whose code is code.
func match(seed []byte, code string, first, last int64) (counter int64, ok bool) {
	secret := seedEncoding.EncodeToString(seed)
	for counter = max(first, 0); counter <= last; counter++ {
		ok, err := hotp.ValidateCustom(code, uint64(counter), secret, hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
		if err == nil && ok {
			return counter, true
		}
	}
	return 0, false
}

// Sync finds two consecutive codes of a device and gives the device's new
// counter and drift. It is what EnableMFADevice and ResyncMFADevice ask for. A
// step that has been used is not found again.
func (m *MFA) Sync(d *state.MFADevice, code1, code2 string, now time.Time) (counter, drift int64, ok bool) {
	seed, err := m.ring.Open(purposeSeed, seal.Owner(d.Account, d.Serial), d.Seed)
	if err != nil {
		return 0, 0, false
	}
	at := now.Unix() / step
	for first := max(at-resyncWindow, d.Counter+1); first <= at+resyncWindow; first++ {
		c1, found := match(seed, code1, first, at+resyncWindow)
		if !found {
			return 0, 0, false
		}
		if c2, consecutive := match(seed, code2, c1+1, c1+1); consecutive {
			return c2, c2 - at, true
		}
		first = c1
	}
	return 0, 0, false
}

// Consume accepts a code for a device of the owner (a user's unique id, or an
// account id for its root user), once. The used step is durable when Consume
// returns, so the same code is refused from then on, a crash notwithstanding;
// so are wrong tries, which lock the device.
func (m *MFA) Consume(ctx context.Context, now time.Time, owner, serial, code string) error {
	var refusal error
	err := m.state.Update(ctx, now, func(tx *state.Tx) error {
		d := tx.MFADevices.Get(serial)
		if d == nil || d.Owner == "" || d.Owner != owner {
			refusal = awserr.New(awserr.CodeAccessDenied, "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial number is valid and associated with this user.")
			return nil
		}
		refusal = m.consume(tx, d, code, now)
		return nil
	})
	if err != nil {
		return err
	}
	return refusal
}

func (m *MFA) consume(tx *state.Tx, d *state.MFADevice, code string, now time.Time) error {
	wrong := awserr.New(awserr.CodeAccessDenied, "MultiFactorAuthentication failed with invalid MFA one time pass code. ")
	if locked(d.Guesses, now) {
		return wrong
	}
	seed, err := m.ring.Open(purposeSeed, seal.Owner(d.Account, d.Serial), d.Seed)
	if err != nil {
		return awserr.Internal(err)
	}
	at := now.Unix() / step
	// The device's drift may be what its owner took to type the codes that it was
	// enabled with, so the present steps are good as well.
	counter, ok := match(seed, code, max(at+d.Drift-loginWindow, d.Counter+1), at+d.Drift+loginWindow)
	if !ok {
		counter, ok = match(seed, code, max(at-loginWindow, d.Counter+1), at+loginWindow)
	}
	tx.MFADevices.Update(d, func(d *state.MFADevice) {
		if ok {
			// A device whose clock wanders is followed, a step at a time.
			d.Counter, d.Drift, d.Guesses = counter, counter-at, state.Guesses{}
			return
		}
		wrongGuess(&d.Guesses, now)
	})
	if !ok {
		return wrong
	}
	return nil
}
