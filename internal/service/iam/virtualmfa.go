package iam

import (
	"bytes"
	"encoding/base32"
	"image/png"
	"net/url"
	"strings"

	"github.com/boombuler/barcode"
	"github.com/boombuler/barcode/qr"

	"github.com/warder-iam/warder/arn"
	api "github.com/warder-iam/warder/internal/api/iam"
	"github.com/warder-iam/warder/internal/awserr"
	"github.com/warder-iam/warder/internal/service"
	"github.com/warder-iam/warder/internal/state"
)

// Virtual MFA devices: TOTP secrets under a name
// (https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateVirtualMFADevice.html).

const (
	maxSerial  = 256  // characters that a serial number can have in requests
	maxVirtual = 5000 // virtual devices of an account: as many as users
	moduleSide = 5    // pixels of the QR code's modules
	quietZone  = 4    // modules of margin that scanners ask for
	otpIssuer  = "Amazon Web Services"
)

// A newDevice is a device's secret in the forms that are shown once.
type newDevice struct {
	seed   []byte
	base32 string
	png    []byte
}

// prepareVirtualMFADevice makes the secret and draws its code, before the
// transaction: drawing takes milliseconds.
func (s *Service) prepareVirtualMFADevice(c *service.Call, snap *state.Snapshot, in *api.CreateVirtualMFADeviceRequest) (any, error) {
	if _, err := virtualSerial(c, in); err != nil {
		return nil, err // what is too long for a serial number may be so for the code, too
	}
	d := &newDevice{seed: s.ids.Seed()}
	d.base32 = base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(d.seed)
	label := c.Caller.Account
	if a := snap.Accounts.Get(c.Caller.Account); a.Alias != "" {
		label = a.Alias
	}
	code, err := qr.Encode(otpURI(*in.VirtualMFADeviceName, label, d.base32), qr.M, qr.Unicode)
	if err != nil {
		return nil, err
	}
	side := (code.Bounds().Dx() + 2*quietZone) * moduleSide
	scaled, err := barcode.Scale(code, side, side)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := png.Encode(&b, scaled); err != nil {
		return nil, err
	}
	d.png = b.Bytes()
	return d, nil
}

// otpURI is what the QR code says: the form that AWS documents for
// VirtualMFADevice, with the issuer that AWS's codes have besides, so that
// authenticator apps show one.
func otpURI(device, account, secret string) string {
	issuer := url.PathEscape(otpIssuer)
	return "otpauth://totp/" + issuer + ":" + url.PathEscape(device) + "@" + url.PathEscape(account) + "?secret=" + secret + "&issuer=" + issuer
}

// virtualSerial is the serial number of a device that is to be made.
func virtualSerial(c *service.Call, in *api.CreateVirtualMFADeviceRequest) (string, error) {
	serial := arn.IAM(c.Caller.Account, "mfa", pathOf(in.Path), *in.VirtualMFADeviceName)
	if len(serial) > maxSerial {
		return "", validation("1 validation error detected: Value at 'serialNumber' failed to satisfy constraint: Member must have length less than or equal to %d", maxSerial)
	}
	return serial, nil
}

func (s *Service) createVirtualMFADevice(c *service.Call, tx *state.Tx, in *api.CreateVirtualMFADeviceRequest) (*api.CreateVirtualMFADeviceResponse, error) {
	account, path := c.Caller.Account, pathOf(in.Path)
	serial, err := virtualSerial(c, in)
	if err != nil {
		return nil, err
	}
	devices := 0
	for d := range tx.MFADevicesOf(account, "") {
		if d.Hardware {
			continue
		}
		// Names differ by more than case, as those of users do.
		if strings.EqualFold(d.Serial, serial) {
			return nil, awserr.New("EntityAlreadyExists", "MFA device already exists.")
		}
		devices++
	}
	if devices >= maxVirtual {
		return nil, overQuota("VirtualMFADevicesPerAccount", maxVirtual)
	}
	tags, err := newTags(in.Tags)
	if err != nil {
		return nil, err
	}
	made := c.Prepared.(*newDevice)
	tx.MFADevices.Put(&state.MFADevice{
		Serial: serial, Account: account, Path: path, Name: *in.VirtualMFADeviceName, Created: c.Now(),
		Seed: s.mfa.SealSeed(account, serial, made.seed), Tags: tags,
	})
	return &api.CreateVirtualMFADeviceResponse{VirtualMFADevice: &api.VirtualMFADevice{
		SerialNumber: ptr(serial), Base32StringSeed: []byte(made.base32), QRCodePNG: made.png, Tags: tagsOut(tags),
	}}, nil
}

func (s *Service) deleteVirtualMFADevice(c *service.Call, tx *state.Tx, in *api.DeleteVirtualMFADeviceRequest) (*none, error) {
	d, err := findVirtualMFADevice(c, &tx.Snapshot, *in.SerialNumber)
	if err != nil {
		return nil, err
	}
	if d.Owner != "" {
		return nil, deleteConflict("MFA VirtualDevice in use. Must deactivate first.")
	}
	tx.MFADevices.Delete(d)
	return nil, nil
}

// listVirtualMFADevices leaves out tags, and of course the secrets
// (https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListVirtualMFADevices.html).
func (s *Service) listVirtualMFADevices(c *service.Call, snap *state.Snapshot, in *api.ListVirtualMFADevicesRequest) (*api.ListVirtualMFADevicesResponse, error) {
	after, limit, err := start(in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	devices, end := page(snap.MFADevicesOf(c.Caller.Account, after), limit,
		func(d *state.MFADevice) string { return d.Serial },
		func(d *state.MFADevice) bool {
			if d.Hardware {
				return false
			}
			switch deref(in.AssignmentStatus) {
			case api.AssignmentStatusTypeAssigned:
				return d.Owner != ""
			case api.AssignmentStatusTypeUnassigned:
				return d.Owner == ""
			}
			return true
		})
	out := &api.ListVirtualMFADevicesResponse{VirtualMFADevices: make([]api.VirtualMFADevice, 0, len(devices)), IsTruncated: end.IsTruncated, Marker: end.Marker}
	for _, d := range devices {
		item := api.VirtualMFADevice{SerialNumber: ptr(d.Serial)}
		if d.Owner != "" {
			item.EnableDate, item.User = ptr(d.Enabled), deviceUser(snap, d)
		}
		out.VirtualMFADevices = append(out.VirtualMFADevices, item)
	}
	return out, nil
}

// deviceUser is whose device it is. The root user has no name and path.
func deviceUser(s *state.Snapshot, d *state.MFADevice) *api.User {
	if u := s.Users.Get(d.Owner); u != nil {
		return userOut(u)
	}
	a := s.Accounts.Get(d.Account)
	return &api.User{UserId: ptr(a.ID), Arn: ptr(a.RootARN()), CreateDate: ptr(a.Created)}
}
