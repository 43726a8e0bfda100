package state

import (
	"iter"
	"time"
)

// AccessKey is a long-term credential of a user or of an account's root user.
type AccessKey struct {
	ID      string // AKIA…
	Account string
	Owner   string // unique id of the user, or the account id for the root user
	Active  bool
	Created time.Time
	Secret  []byte // sealed: internal/seal, purpose "access-key", bound to ID and Account
}

const accessKeyByOwner = 0

var accessKeySchema = schema[AccessKey]{
	prefix: "iam/access-key/",
	key:    func(k *AccessKey) string { return k.ID },
	indexes: []index[AccessKey]{
		accessKeyByOwner: {name: "owner", keys: func(k *AccessKey) []string { return []string{k.Owner} }},
	},
}

// AccessKeysOf iterates over the access keys of a user (by unique id) or of a
// root user (by account id).
func (s *Snapshot) AccessKeysOf(owner string) iter.Seq[*AccessKey] {
	return values(s.AccessKeys.scan(accessKeyByOwner, owner+"\x00", ""))
}

// MFADevice is a TOTP secret, and whose it is: a virtual device, or a hardware
// token that the operator has loaded.
type MFADevice struct {
	Serial  string // of a virtual device its ARN: arn:aws:iam::ACCOUNT:mfa/path/name
	Account string
	Path    string `json:",omitempty"` // of a virtual device
	Name    string `json:",omitempty"`
	// Hardware tokens are there before anybody enables them and are not deleted
	// by who does not have them.
	Hardware bool `json:",omitempty"`
	Created  time.Time
	Seed     []byte    // sealed: internal/seal, purpose "mfa-seed", bound to Serial and Account
	Tags     []Tag     `json:",omitempty"`
	Owner    string    `json:",omitempty"` // unique id of the user or the account id of the root user; "": unassigned
	Enabled  time.Time `json:",omitzero"`
	// Counter is the last time step whose code was accepted; Drift what the
	// device's clock is ahead, in steps. A code of a step up to Counter is never
	// accepted again.
	Counter int64 `json:",omitempty"`
	Drift   int64 `json:",omitempty"`
	Guesses
}

// Guesses counts wrong codes or passwords, so that guessing can be slowed down.
type Guesses struct {
	Failures    int       `json:",omitempty"` // since the last right one
	LockedUntil time.Time `json:",omitzero"`  // no guess is looked at before
}

const (
	mfaByOwner = iota
	mfaByAccount
)

var mfaDeviceSchema = schema[MFADevice]{
	prefix: "iam/mfa/",
	key:    func(d *MFADevice) string { return d.Serial },
	indexes: []index[MFADevice]{
		mfaByOwner: {name: "owner", keys: func(d *MFADevice) []string {
			if d.Owner == "" {
				return nil
			}
			return []string{d.Owner}
		}},
		mfaByAccount: {name: "account", unique: true, keys: func(d *MFADevice) []string { return []string{d.Account + "/" + d.Serial} }},
	},
}

// MFADevicesOwnedBy iterates over the devices of a user (by unique id) or a
// root user (by account id).
func (s *Snapshot) MFADevicesOwnedBy(owner string) iter.Seq[*MFADevice] {
	return values(s.MFADevices.scan(mfaByOwner, owner+"\x00", ""))
}

// MFADevicesOf iterates over an account's devices by serial number, after the
// one with the serial number after.
func (s *Snapshot) MFADevicesOf(account, after string) iter.Seq[*MFADevice] {
	if after != "" {
		after = account + "/" + after
	}
	return values(s.MFADevices.scan(mfaByAccount, account+"/", after))
}
