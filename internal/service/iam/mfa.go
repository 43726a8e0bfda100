package iam

import (
	"reflect"
	"strings"
	"time"

	"github.com/warder-iam/warder/arn"
	api "github.com/warder-iam/warder/internal/api/iam"
	"github.com/warder-iam/warder/internal/authz"
	"github.com/warder-iam/warder/internal/awserr"
	"github.com/warder-iam/warder/internal/service"
	"github.com/warder-iam/warder/internal/state"
	"github.com/warder-iam/warder/policy"
)

// MFA devices of users and of the root user: virtual ones, which
// CreateVirtualMFADevice makes (virtualmfa.go), and hardware tokens, which the
// operator loads. Security keys are registered in AWS's console only, and there
// are none here.

func noSuchMFADevice(serial string) error {
	return awserr.New("NoSuchEntity", "MFA Device with serial number %s does not exist.", serial)
}

// findMFADevice finds a device of the caller's account.
func findMFADevice(c *service.Call, s *state.Snapshot, serial string) (*state.MFADevice, error) {
	if d := s.MFADevices.Get(serial); d != nil && d.Account == c.Caller.Account {
		return d, nil
	}
	return nil, noSuchMFADevice(serial)
}

// findVirtualMFADevice finds a virtual device of the caller's account.
func findVirtualMFADevice(c *service.Call, s *state.Snapshot, serial string) (*state.MFADevice, error) {
	d, err := findMFADevice(c, s, serial)
	if err == nil && d.Hardware {
		return nil, noSuchMFADevice(serial)
	}
	return d, err
}

// findOwnedMFADevice finds a device that is enabled for that owner.
func findOwnedMFADevice(c *service.Call, s *state.Snapshot, o owner, serial string) (*state.MFADevice, error) {
	d, err := findMFADevice(c, s, serial)
	if err != nil {
		return nil, err
	}
	if d.Owner != o.id {
		return nil, awserr.New("NoSuchEntity", "MFA Device invalid for user.")
	}
	return d, nil
}

// namesRoot says whether a caller means itself, the root user, by a name that
// no IAM user has. AWS lets the root user enable its device in the console
// only, so the API has no name for it; here it is the account id, or what
// GetUser answers as the root user's name.
func namesRoot(c *service.Call, s *state.Snapshot, name *string) bool {
	if c.Caller.Kind != policy.Root || name == nil || s.User(c.Caller.Account, *name) != nil {
		return false
	}
	a := s.Accounts.Get(c.Caller.Account)
	return *name == a.ID || *name == accountName(a)
}

// findMFAOwner finds who a request is about: a user, or the root user itself.
func findMFAOwner(c *service.Call, s *state.Snapshot, name *string) (owner, error) {
	if namesRoot(c, s, name) {
		name = nil
	}
	return findOwner(c, s, name)
}

// mfaOwner is the target of the operations on the devices of a user.
func mfaOwner(input reflect.Type) service.Part {
	name, ofUser := service.Member[*string](input, "UserName"), user(input)
	return func(c *service.Call, s *state.Snapshot, in any, check *authz.Check) error {
		if namesRoot(c, s, name(in)) {
			check.Account, check.Resource = c.Caller.Account, arn.Root(c.Caller.Account)
			return nil
		}
		return ofUser(c, s, in, check)
	}
}

// requireOwnMFA keeps a user that has MFA from adding or removing devices of its
// own with credentials that did not prove it: whoever stole an access key could
// otherwise do away with the second factor. AWS refuses this whatever the
// policies say. An administrator may do it for another user.
func requireOwnMFA(c *service.Call, s *state.Snapshot, o owner) error {
	if o.user == nil || c.Caller.User == nil || c.Caller.User.ID != o.id || c.MFA != nil || !atLeast(s.MFADevicesOwnedBy(o.id), 1) {
		return nil
	}
	return awserr.New(awserr.CodeAccessDenied, "To complete this action, please ensure that you are authenticated with an MFA device that is enabled for this user.")
}

func invalidCodes() error {
	return awserr.New("InvalidAuthenticationCode", "Authentication code for device is not valid.")
}

// isSecurityKey says whether a serial number is that of a FIDO security key: an
// ARN that ends in u2f/user/NAME/KEY
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-arns).
func isSecurityKey(serial string) bool {
	a, err := arn.Parse(serial)
	return err == nil && a.Service == "iam" && strings.HasPrefix(a.Resource, "u2f/")
}

func (s *Service) enableMFADevice(c *service.Call, tx *state.Tx, in *api.EnableMFADeviceRequest) (*none, error) {
	o, err := findMFAOwner(c, &tx.Snapshot, in.UserName)
	if err != nil {
		return nil, err
	}
	if err := requireOwnMFA(c, &tx.Snapshot, o); err != nil {
		return nil, err
	}
	d, err := findMFADevice(c, &tx.Snapshot, *in.SerialNumber)
	if err != nil {
		return nil, err
	}
	switch {
	case d.Owner == o.id && o.user != nil:
		return nil, awserr.New("EntityAlreadyExists", "MFA Device for user %s already exists.", o.user.Name)
	case d.Owner != "":
		return nil, awserr.New("EntityAlreadyExists", "MFA Device is already in use.")
	}
	if atLeast(tx.MFADevicesOwnedBy(o.id), maxMFADevices) {
		return nil, overQuota("MFADevicesPerUser", maxMFADevices)
	}
	if err := s.syncMFADevice(c, tx, d, in.AuthenticationCode1, in.AuthenticationCode2, func(d *state.MFADevice) {
		d.Owner, d.Enabled = o.id, c.Now()
	}); err != nil {
		return nil, err
	}
	return nil, nil
}

// syncMFADevice takes two consecutive codes of a device, after which neither is
// good any more, and changes the device.
func (s *Service) syncMFADevice(c *service.Call, tx *state.Tx, d *state.MFADevice, code1, code2 *string, change func(*state.MFADevice)) error {
	counter, drift, ok := s.mfa.Sync(d, *code1, *code2, c.Time)
	if !ok {
		return invalidCodes()
	}
	tx.MFADevices.Update(d, func(d *state.MFADevice) {
		d.Counter, d.Drift, d.Guesses = counter, drift, state.Guesses{}
		change(d)
	})
	return nil
}

func (s *Service) resyncMFADevice(c *service.Call, tx *state.Tx, in *api.ResyncMFADeviceRequest) (*none, error) {
	o, err := findMFAOwner(c, &tx.Snapshot, in.UserName)
	if err != nil {
		return nil, err
	}
	d, err := findOwnedMFADevice(c, &tx.Snapshot, o, *in.SerialNumber)
	if err != nil {
		return nil, err
	}
	return nil, s.syncMFADevice(c, tx, d, in.AuthenticationCode1, in.AuthenticationCode2, func(*state.MFADevice) {})
}

func (s *Service) deactivateMFADevice(c *service.Call, tx *state.Tx, in *api.DeactivateMFADeviceRequest) (*none, error) {
	o, err := findMFAOwner(c, &tx.Snapshot, in.UserName)
	if err != nil {
		return nil, err
	}
	if err := requireOwnMFA(c, &tx.Snapshot, o); err != nil {
		return nil, err
	}
	d, err := findOwnedMFADevice(c, &tx.Snapshot, o, *in.SerialNumber)
	if err != nil {
		return nil, err
	}
	// The counter stays: a code that was used is not good for the next owner either.
	tx.MFADevices.Update(d, func(d *state.MFADevice) { d.Owner, d.Enabled = "", time.Time{} })
	return nil, nil
}

func (s *Service) listMFADevices(c *service.Call, snap *state.Snapshot, in *api.ListMFADevicesRequest) (*api.ListMFADevicesResponse, error) {
	o, err := findMFAOwner(c, snap, in.UserName)
	if err != nil {
		return nil, err
	}
	after, limit, err := start(in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	devices, end := page(snap.MFADevicesOwnedBy(o.id), limit,
		func(d *state.MFADevice) string { return d.Serial },
		func(d *state.MFADevice) bool { return d.Serial > after })
	out := &api.ListMFADevicesResponse{MFADevices: make([]api.MFADevice, 0, len(devices)), IsTruncated: end.IsTruncated, Marker: end.Marker}
	for _, d := range devices {
		out.MFADevices = append(out.MFADevices, api.MFADevice{UserName: o.name(), SerialNumber: ptr(d.Serial), EnableDate: ptr(d.Enabled)})
	}
	return out, nil
}

// getMFADevice is about security keys only, as AWS documents
// (https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetMFADevice.html).
func (s *Service) getMFADevice(c *service.Call, snap *state.Snapshot, in *api.GetMFADeviceRequest) (*api.GetMFADeviceResponse, error) {
	if _, err := findMFAOwner(c, snap, in.UserName); err != nil {
		return nil, err
	}
	if !isSecurityKey(*in.SerialNumber) {
		return nil, validation("The MFA device serial number sent in the request is invalid or not supported by this API. Currently, only hardware FIDO security keys are supported. Please use the compatible device or API.")
	}
	return nil, noSuchMFADevice(*in.SerialNumber)
}
