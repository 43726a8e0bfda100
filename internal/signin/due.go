package signin

import (
	"time"

	"github.com/warder-iam/warder/internal/state"
)

// due is what must be done with a password that is right.
type due int

const (
	nothing due = iota
	change      // it must be changed, and the user may do it here
	expired     // it must be changed, and an administrator has to
)

// dueOf looks at an account's policy of expiring passwords
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_passwords_account-policy.html).
func dueOf(account *state.Account, u *state.User, now time.Time) due {
	p := account.PasswordPolicy
	switch {
	case p != nil && p.MaxAgeDays > 0 && !now.Before(u.Login.Changed.AddDate(0, 0, p.MaxAgeDays)):
		if p.HardExpiry != nil && *p.HardExpiry {
			return expired
		}
		return change
	case u.Login.ResetRequired:
		return change
	}
	return nothing
}

// typeOf is the MfaType of devices. AWS's name of hardware tokens is not known to us.
func typeOf(devices []*state.MFADevice) string {
	types := make(map[string]bool)
	for _, d := range devices {
		if d.Hardware {
			types["Hardware MFA"] = true
		} else {
			types["Virtual MFA"] = true
		}
	}
	if len(types) > 1 {
		return "Multiple MFA Devices"
	}
	for name := range types {
		return name
	}
	return ""
}
