package iam_test

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/boombuler/barcode/qr"
	"github.com/pquerna/otp/totp"

	"github.com/warder-iam/warder/internal/wardertest"
)

const badCodes = "Authentication code for device is not valid."

// phone is an authenticator app with a virtual MFA device in it.
type phone struct {
	t      testing.TB
	s      *wardertest.Server
	serial *string
	secret string
}

func newPhone(t testing.TB, s *wardertest.Server, by wardertest.Credentials, name string) *phone {
	t.Helper()
	out, err := s.IAM(by).CreateVirtualMFADevice(t.Context(), &iam.CreateVirtualMFADeviceInput{VirtualMFADeviceName: &name})
	must(t, err)
	return &phone{t, s, out.VirtualMFADevice.SerialNumber, string(out.VirtualMFADevice.Base32StringSeed)}
}

// at is the code that the phone shows some steps from now.
func (p *phone) at(steps int) *string {
	p.t.Helper()
	code, err := totp.GenerateCode(p.secret, p.s.Clock.Now().Add(time.Duration(steps)*30*time.Second))
	must(p.t, err)
	return &code
}

// next waits for the next step, on the server's clock, and is its code.
func (p *phone) next() *string {
	p.t.Helper()
	p.s.Clock.Add(30 * time.Second)
	return p.at(0)
}

func (p *phone) enable(by wardertest.Credentials, user string) error {
	p.t.Helper()
	return errOf(p.s.IAM(by).EnableMFADevice(p.t.Context(), &iam.EnableMFADeviceInput{
		UserName: &user, SerialNumber: p.serial, AuthenticationCode1: p.at(-1), AuthenticationCode2: p.at(0),
	}))
}

// session is a session of a user with MFA.
func (p *phone) session(by wardertest.Credentials) (wardertest.Credentials, error) {
	p.t.Helper()
	out, err := p.s.STS(by).GetSessionToken(p.t.Context(), &sts.GetSessionTokenInput{SerialNumber: p.serial, TokenCode: p.next()})
	if err != nil {
		return wardertest.Credentials{}, err
	}
	return wardertest.SessionCredentials(out.Credentials), nil
}

func TestMFADeviceLifecycle(t *testing.T) {
	s := wardertest.Start(t)
	client, ctx := s.IAM(s.Admin), t.Context()
	makeUser(t, client, "Bob")
	user, err := client.GetUser(ctx, &iam.GetUserInput{UserName: aws.String("Bob")})
	must(t, err)
	serial := aws.String(accountARN + "mfa/team/Bob-phone")
	made, err := client.CreateVirtualMFADevice(ctx, &iam.CreateVirtualMFADeviceInput{
		VirtualMFADeviceName: aws.String("Bob-phone"), Path: aws.String("/team/"), Tags: []types.Tag{{Key: aws.String("Team"), Value: aws.String("A")}},
	})
	must(t, err)
	d := made.VirtualMFADevice
	same(t, "CreateVirtualMFADevice", d, &types.VirtualMFADevice{
		SerialNumber: serial, Base32StringSeed: d.Base32StringSeed, QRCodePNG: d.QRCodePNG, Tags: []types.Tag{{Key: aws.String("Team"), Value: aws.String("A")}},
	})
	if len(d.Base32StringSeed) != 64 {
		t.Errorf("the seed has %d characters", len(d.Base32StringSeed))
	}
	wantQRCode(t, d.QRCodePNG, "otpauth://totp/Amazon%20Web%20Services:Bob-phone@"+wardertest.Account+"?secret="+string(d.Base32StringSeed)+"&issuer=Amazon%20Web%20Services")
	p := &phone{t, s, serial, string(d.Base32StringSeed)}

	list := func(status types.AssignmentStatusType) []types.VirtualMFADevice {
		t.Helper()
		out, err := client.ListVirtualMFADevices(ctx, &iam.ListVirtualMFADevicesInput{AssignmentStatus: status})
		must(t, err)
		return out.VirtualMFADevices
	}
	bobs := func() []types.MFADevice {
		t.Helper()
		out, err := client.ListMFADevices(ctx, &iam.ListMFADevicesInput{UserName: aws.String("bob")})
		must(t, err)
		if out.IsTruncated {
			t.Error("the list of MFA devices is truncated")
		}
		return out.MFADevices
	}
	unassigned := []types.VirtualMFADevice{{SerialNumber: serial}}
	same(t, "any", list(types.AssignmentStatusTypeAny), unassigned)
	same(t, "unassigned", list(types.AssignmentStatusTypeUnassigned), unassigned)
	same(t, "assigned", list(types.AssignmentStatusTypeAssigned), []types.VirtualMFADevice{})
	same(t, "ListMFADevices", bobs(), []types.MFADevice{})

	must(t, p.enable(s.Admin, "BOB"))
	got := bobs()
	if len(got) != 1 || got[0].EnableDate == nil || time.Since(*got[0].EnableDate) > time.Hour {
		t.Fatalf("ListMFADevices: %s", dump(got))
	}
	enabled := got[0].EnableDate
	same(t, "ListMFADevices", got, []types.MFADevice{{UserName: aws.String("Bob"), SerialNumber: serial, EnableDate: enabled}})
	assigned := []types.VirtualMFADevice{{SerialNumber: serial, EnableDate: enabled, User: user.User}}
	same(t, "assigned", list(types.AssignmentStatusTypeAssigned), assigned)
	same(t, "any", list(""), assigned)
	same(t, "unassigned", list(types.AssignmentStatusTypeUnassigned), []types.VirtualMFADevice{})
	wantError(t, p.enable(s.Admin, "Bob"), "EntityAlreadyExists", "MFA Device for user Bob already exists.")

	// The server's clock goes on, the device's lags behind.
	late := p.at(0)
	s.Clock.Add(3 * time.Minute)
	must(t, errOf(client.ResyncMFADevice(ctx, &iam.ResyncMFADeviceInput{UserName: aws.String("Bob"), SerialNumber: serial, AuthenticationCode1: p.at(-4), AuthenticationCode2: p.at(-3)})))
	_, err = client.ResyncMFADevice(ctx, &iam.ResyncMFADeviceInput{UserName: aws.String("Bob"), SerialNumber: serial, AuthenticationCode1: late, AuthenticationCode2: p.at(-5)})
	wantError(t, err, "InvalidAuthenticationCode", badCodes)

	_, err = client.DeleteVirtualMFADevice(ctx, &iam.DeleteVirtualMFADeviceInput{SerialNumber: serial})
	wantError(t, err, "DeleteConflict", "MFA VirtualDevice in use. Must deactivate first.")
	_, err = client.DeleteUser(ctx, &iam.DeleteUserInput{UserName: aws.String("Bob")})
	wantError(t, err, "DeleteConflict", "Cannot delete entity, must remove tokens from principal first.")
	must(t, errOf(client.DeactivateMFADevice(ctx, &iam.DeactivateMFADeviceInput{UserName: aws.String("Bob"), SerialNumber: serial})))
	same(t, "ListMFADevices", bobs(), []types.MFADevice{})
	same(t, "unassigned", list(types.AssignmentStatusTypeUnassigned), unassigned)
	must(t, errOf(client.DeleteVirtualMFADevice(ctx, &iam.DeleteVirtualMFADeviceInput{SerialNumber: serial})))
	same(t, "none", list(""), []types.VirtualMFADevice{})
	if strings.Contains(s.Log.String(), p.secret) {
		t.Error("the seed is in the log")
	}
}

// wantQRCode compares a picture with the code for a text, module by module.
func wantQRCode(t testing.TB, picture []byte, text string) {
	t.Helper()
	got, err := png.Decode(bytes.NewReader(picture))
	must(t, err)
	want, err := qr.Encode(text, qr.M, qr.Unicode)
	must(t, err)
	n := want.Bounds().Dx()
	scale := got.Bounds().Dx() / n
	margin := (got.Bounds().Dx() - n*scale) / 2
	dark := func(m image.Image, x, y int) bool { r, _, _, _ := m.At(x, y).RGBA(); return r < 0x8000 }
	for x := range n {
		for y := range n {
			if dark(want, x, y) != dark(got, margin+x*scale+scale/2, margin+y*scale+scale/2) {
				t.Fatalf("the QR code does not say %s: module %d,%d differs", text, x, y)
			}
		}
	}
}

func TestQRCodeNamesTheAlias(t *testing.T) {
	s := wardertest.Start(t)
	client, ctx := s.IAM(s.Admin), t.Context()
	must(t, errOf(client.CreateAccountAlias(ctx, &iam.CreateAccountAliasInput{AccountAlias: aws.String("acme")})))
	out, err := client.CreateVirtualMFADevice(ctx, &iam.CreateVirtualMFADeviceInput{VirtualMFADeviceName: aws.String("a=b@c")})
	must(t, err)
	wantQRCode(t, out.VirtualMFADevice.QRCodePNG, "otpauth://totp/Amazon%20Web%20Services:a=b@c@acme?secret="+string(out.VirtualMFADevice.Base32StringSeed)+"&issuer=Amazon%20Web%20Services")
}

func TestListVirtualMFADevicesPages(t *testing.T) {
	s := wardertest.Start(t)
	client, ctx := s.IAM(s.Admin), t.Context()
	_, other, _ := s.NewAccount()
	newPhone(t, s, other, "m1-elsewhere")
	makeUser(t, client, "Bob")
	for _, name := range []string{"m3", "m1", "m5", "m2", "m4"} {
		p := newPhone(t, s, s.Admin, name)
		if name == "m2" || name == "m4" {
			must(t, p.enable(s.Admin, "Bob"))
		}
	}
	for _, tt := range []struct {
		status types.AssignmentStatusType
		want   string
	}{{"", "m1 m2 m3 m4 m5"}, {types.AssignmentStatusTypeUnassigned, "m1 m3 m5"}, {types.AssignmentStatusTypeAssigned, "m2 m4"}} {
		var got []string
		pages := iam.NewListVirtualMFADevicesPaginator(client, &iam.ListVirtualMFADevicesInput{AssignmentStatus: tt.status, MaxItems: aws.Int32(2)})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			must(t, err)
			for _, d := range page.VirtualMFADevices {
				got = append(got, strings.TrimPrefix(*d.SerialNumber, accountARN+"mfa/"))
			}
		}
		same(t, "devices "+string(tt.status), strings.Join(got, " "), tt.want)
	}
	var got []string
	pages := iam.NewListMFADevicesPaginator(client, &iam.ListMFADevicesInput{UserName: aws.String("Bob"), MaxItems: aws.Int32(1)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		must(t, err)
		got = append(got, strings.TrimPrefix(*page.MFADevices[0].SerialNumber, accountARN+"mfa/"))
	}
	same(t, "Bob's devices", strings.Join(got, " "), "m2 m4")
	_, err := client.ListVirtualMFADevices(ctx, &iam.ListVirtualMFADevicesInput{Marker: aws.String("no-marker")})
	wardertest.WantCode(t, err, "ValidationError")
}

func TestMFADeviceRefusals(t *testing.T) {
	s := wardertest.Start(t)
	client, ctx := s.IAM(s.Admin), t.Context()
	account, other, _ := s.NewAccount()
	makeUser(t, client, "Bob")
	makeUser(t, client, "Eve")
	bobs, evesFree := newPhone(t, s, s.Admin, "bobs"), newPhone(t, s, s.Admin, "free")
	must(t, bobs.enable(s.Admin, "Bob"))
	foreign := newPhone(t, s, other, "foreign")
	missing := aws.String(accountARN + "mfa/missing")

	create := func(name, path string) error {
		in := &iam.CreateVirtualMFADeviceInput{VirtualMFADeviceName: &name}
		if path != "" {
			in.Path = &path
		}
		return errOf(client.CreateVirtualMFADevice(ctx, in))
	}
	enable := func(user string, serial, code1, code2 *string) error {
		return errOf(client.EnableMFADevice(ctx, &iam.EnableMFADeviceInput{UserName: &user, SerialNumber: serial, AuthenticationCode1: code1, AuthenticationCode2: code2}))
	}
	resync := func(user string, serial, code1, code2 *string) error {
		return errOf(client.ResyncMFADevice(ctx, &iam.ResyncMFADeviceInput{UserName: &user, SerialNumber: serial, AuthenticationCode1: code1, AuthenticationCode2: code2}))
	}
	deactivate := func(user string, serial *string) error {
		return errOf(client.DeactivateMFADevice(ctx, &iam.DeactivateMFADeviceInput{UserName: &user, SerialNumber: serial}))
	}
	remove := func(serial *string) error {
		return errOf(client.DeleteVirtualMFADevice(ctx, &iam.DeleteVirtualMFADeviceInput{SerialNumber: serial}))
	}
	get := func(user string, serial *string) error {
		return errOf(client.GetMFADevice(ctx, &iam.GetMFADeviceInput{UserName: &user, SerialNumber: serial}))
	}
	const nobody, notHers = "The user with name Nobody cannot be found.", "MFA Device invalid for user."
	noDevice := func(serial *string) string { return "MFA Device with serial number " + *serial + " does not exist." }
	free, one, two := evesFree.serial, evesFree.at(-1), evesFree.at(0)
	key, securityKey := aws.String("GAHT12345678"), aws.String(accountARN+"u2f/user/Eve/key-1")
	const onlyKeys = "The MFA device serial number sent in the request is invalid or not supported by this API. Currently, only hardware FIDO security keys are supported. Please use the compatible device or API."
	for _, tt := range []struct {
		name, code, message string
		err                 error
	}{
		{"create again", "EntityAlreadyExists", "MFA device already exists.", create("bobs", "")},
		{"create again in another case", "EntityAlreadyExists", "MFA device already exists.", create("BOBS", "/")},
		{"create on the same path elsewhere", "", "", create("bobs", "/elsewhere/")},
		{"create on no path", "ValidationError", "The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters.", create("x", "elsewhere")},
		{"create with a name too long", "ValidationError", "…Member must have length less than or equal to 256", create(strings.Repeat("x", 230), "")},
		{"create with a name that no code holds", "ValidationError", "…Member must have length less than or equal to 256", create(strings.Repeat("x", 5000), "")},
		{"enable for nobody", "NoSuchEntity", nobody, enable("Nobody", free, one, two)},
		{"enable a missing device", "NoSuchEntity", noDevice(missing), enable("Eve", missing, one, two)},
		{"enable another account's", "NoSuchEntity", noDevice(foreign.serial), enable("Eve", foreign.serial, foreign.at(-1), foreign.at(0))},
		{"enable Bob's", "EntityAlreadyExists", "MFA Device is already in use.", enable("Eve", bobs.serial, bobs.at(1), bobs.at(2))},
		{"enable a hardware device", "NoSuchEntity", noDevice(key), enable("Eve", key, one, two)},
		{"enable a security key", "NoSuchEntity", noDevice(securityKey), enable("Eve", securityKey, one, two)},
		{"enable with the codes of another device", "InvalidAuthenticationCode", badCodes, enable("Eve", free, bobs.at(-1), bobs.at(0))},
		{"enable with one code twice", "InvalidAuthenticationCode", badCodes, enable("Eve", free, two, two)},
		{"enable with codes in the wrong order", "InvalidAuthenticationCode", badCodes, enable("Eve", free, two, one)},
		{"enable with letters", "ValidationError", "…", enable("Eve", free, aws.String("12345x"), two)},
		{"resync for nobody", "NoSuchEntity", nobody, resync("Nobody", bobs.serial, bobs.at(1), bobs.at(2))},
		{"resync a missing device", "NoSuchEntity", noDevice(missing), resync("Bob", missing, one, two)},
		{"resync another's device", "NoSuchEntity", notHers, resync("Eve", bobs.serial, bobs.at(1), bobs.at(2))},
		{"resync a free device", "NoSuchEntity", notHers, resync("Eve", free, one, two)},
		{"resync with spent codes", "InvalidAuthenticationCode", badCodes, resync("Bob", bobs.serial, bobs.at(-1), bobs.at(0))},
		{"resync three hours late", "InvalidAuthenticationCode", badCodes, resync("Bob", bobs.serial, bobs.at(360), bobs.at(361))},
		{"deactivate for nobody", "NoSuchEntity", nobody, deactivate("Nobody", bobs.serial)},
		{"deactivate a missing device", "NoSuchEntity", noDevice(missing), deactivate("Bob", missing)},
		{"deactivate another's device", "NoSuchEntity", notHers, deactivate("Eve", bobs.serial)},
		{"deactivate a free device", "NoSuchEntity", notHers, deactivate("Eve", free)},
		{"deactivate a hardware device", "NoSuchEntity", noDevice(key), deactivate("Eve", key)},
		{"delete a missing device", "NoSuchEntity", noDevice(missing), remove(missing)},
		{"delete a hardware device", "NoSuchEntity", noDevice(key), remove(key)},
		{"delete another account's", "AccessDenied", "…", remove(foreign.serial)},
		{"get a virtual device", "ValidationError", onlyKeys, get("Bob", bobs.serial)},
		{"get a hardware device", "ValidationError", onlyKeys, get("Bob", key)},
		{"get a security key", "NoSuchEntity", noDevice(securityKey), get("Eve", securityKey)},
		{"get nobody's", "NoSuchEntity", nobody, get("Nobody", securityKey)},
		{"list nobody's", "NoSuchEntity", nobody, errOf(client.ListMFADevices(ctx, &iam.ListMFADevicesInput{UserName: aws.String("Nobody")}))},
		// Only the root user can mean the root user.
		{"enable for root", "NoSuchEntity", "The user with name " + wardertest.Account + " cannot be found.", enable(wardertest.Account, free, one, two)},
		{"enable for another account's root", "NoSuchEntity", "The user with name " + account + " cannot be found.", enable(account, free, one, two)},
	} {
		t.Run(tt.name, func(t *testing.T) { wantError(t, tt.err, tt.code, tt.message) })
	}
	must(t, evesFree.enable(s.Admin, "Eve")) // after all refusals it is still free
}

func TestMFADevicesPerUser(t *testing.T) {
	s := wardertest.Start(t)
	makeUser(t, s.IAM(s.Admin), "Bob")
	for i := range 8 {
		must(t, newPhone(t, s, s.Admin, fmt.Sprint("phone", i)).enable(s.Admin, "Bob"))
	}
	wantError(t, newPhone(t, s, s.Admin, "phone8").enable(s.Admin, "Bob"), "LimitExceeded", "Cannot exceed quota for MFADevicesPerUser: 8")
}

func TestMFAAuthorization(t *testing.T) {
	s := wardertest.Start(t)
	admin, ctx := s.IAM(s.Admin), t.Context()
	must(t, errOf(admin.CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String("Bob"), Path: aws.String("/team/")})))
	bob, bobARN := aws.String("Bob"), accountARN+"user/team/Bob"
	p := newPhone(t, s, s.Admin, "phone")
	mfaARN := accountARN + "mfa/new"
	made := func(c *iam.Client, tags ...types.Tag) error {
		return errOf(c.CreateVirtualMFADevice(ctx, &iam.CreateVirtualMFADeviceInput{VirtualMFADeviceName: aws.String("new"), Tags: tags}))
	}
	tag := types.Tag{Key: aws.String("Team"), Value: aws.String("A")}
	both := func(condition string) string {
		return strings.Replace(allow("iam:CreateVirtualMFADevice", mfaARN, condition), `"iam:CreateVirtualMFADevice"`, `["iam:CreateVirtualMFADevice","iam:TagMFADevice"]`, 1)
	}
	for i, tt := range []struct {
		action, resource string
		grant            string
		others           []string // policies that do not suffice
		call             func(c *iam.Client) error
	}{
		{"CreateVirtualMFADevice", mfaARN, allow("iam:CreateVirtualMFADevice", mfaARN, ""), []string{allow("iam:CreateVirtualMFADevice", accountARN+"mfa/old", "")},
			func(c *iam.Client) error { return made(c) }},
		{"DeleteVirtualMFADevice", mfaARN, allow("iam:DeleteVirtualMFADevice", mfaARN, ""), []string{allow("iam:DeleteVirtualMFADevice", accountARN+"mfa/phone", "")},
			func(c *iam.Client) error {
				return errOf(c.DeleteVirtualMFADevice(ctx, &iam.DeleteVirtualMFADeviceInput{SerialNumber: &mfaARN}))
			}},
		{"TagMFADevice", mfaARN, both(`{"StringEquals":{"aws:RequestTag/Team":"A"}}`), []string{allow("iam:CreateVirtualMFADevice", mfaARN, "")},
			func(c *iam.Client) error { return made(c, tag) }},
		{"DeleteVirtualMFADevice", mfaARN, allow("iam:DeleteVirtualMFADevice", mfaARN, `{"StringEquals":{"aws:ResourceTag/Team":"A"}}`),
			[]string{allow("iam:DeleteVirtualMFADevice", mfaARN, `{"StringEquals":{"aws:ResourceTag/Team":"B"}}`)},
			func(c *iam.Client) error {
				return errOf(c.DeleteVirtualMFADevice(ctx, &iam.DeleteVirtualMFADeviceInput{SerialNumber: &mfaARN}))
			}},
		{"CreateVirtualMFADevice", mfaARN, both(`{"ForAllValues:StringEquals":{"aws:TagKeys":["Team"]}}`), []string{
			both(`{"StringEquals":{"aws:RequestTag/Team":"B"}}`), both(`{"ForAllValues:StringEquals":{"aws:TagKeys":["Owner"]}}`)},
			func(c *iam.Client) error { return made(c, tag) }},
		{"ListVirtualMFADevices", "*", allow("iam:ListVirtualMFADevices", "*", ""), []string{allow("iam:ListVirtualMFADevices", bobARN, "")},
			func(c *iam.Client) error {
				return errOf(c.ListVirtualMFADevices(ctx, &iam.ListVirtualMFADevicesInput{}))
			}},
		{"EnableMFADevice", bobARN, allow("iam:EnableMFADevice", bobARN, ""), []string{allow("iam:EnableMFADevice", accountARN+"user/Bob", ""), allow("iam:EnableMFADevice", *p.serial, "")},
			func(c *iam.Client) error {
				return errOf(c.EnableMFADevice(ctx, &iam.EnableMFADeviceInput{UserName: bob, SerialNumber: p.serial, AuthenticationCode1: p.at(-1), AuthenticationCode2: p.at(0)}))
			}},
		{"ResyncMFADevice", bobARN, allow("iam:ResyncMFADevice", bobARN, ""), []string{allow("iam:ResyncMFADevice", accountARN+"user/Bob", "")},
			func(c *iam.Client) error {
				return errOf(c.ResyncMFADevice(ctx, &iam.ResyncMFADeviceInput{UserName: bob, SerialNumber: p.serial, AuthenticationCode1: p.at(2), AuthenticationCode2: p.at(3)}))
			}},
		{"ListMFADevices", bobARN, allow("iam:ListMFADevices", bobARN, ""), []string{allow("iam:ListMFADevices", accountARN+"user/Bob", "")},
			func(c *iam.Client) error {
				return errOf(c.ListMFADevices(ctx, &iam.ListMFADevicesInput{UserName: bob}))
			}},
		{"GetMFADevice", bobARN, allow("iam:GetMFADevice", bobARN, ""), []string{allow("iam:GetMFADevice", accountARN+"user/Bob", "")},
			func(c *iam.Client) error {
				err := errOf(c.GetMFADevice(ctx, &iam.GetMFADeviceInput{UserName: bob, SerialNumber: aws.String(accountARN + "u2f/user/Bob/key-1")}))
				if wardertest.Code(err) == "NoSuchEntity" {
					return nil // there is none, and who may ask is told
				}
				return err
			}},
		{"DeactivateMFADevice", bobARN, allow("iam:DeactivateMFADevice", bobARN, ""), []string{allow("iam:DeactivateMFADevice", accountARN+"user/Bob", "")},
			func(c *iam.Client) error {
				return errOf(c.DeactivateMFADevice(ctx, &iam.DeactivateMFADeviceInput{UserName: bob, SerialNumber: p.serial}))
			}},
	} {
		t.Run(fmt.Sprint(i, tt.action), func(t *testing.T) {
			for n, policy := range append(tt.others, "") {
				name := fmt.Sprintf("%s-%d-%d", tt.action, i, n)
				err := tt.call(s.IAM(s.User(s.Admin, name, policy)))
				action := tt.action
				if policy == "" && action == "TagMFADevice" {
					action = "CreateVirtualMFADevice" // the first of the two that is missing
				}
				wantError(t, err, "AccessDenied", "User: "+accountARN+"user/"+name+" is not authorized to perform: iam:"+action+" on resource: "+tt.resource+" because no identity-based policy allows the iam:"+action+" action")
			}
			must(t, tt.call(s.IAM(s.User(s.Admin, fmt.Sprintf("%s-%d", tt.action, i), tt.grant))))
		})
	}
}

// A user with MFA adds and removes its devices in a session with MFA only.
func TestOwnMFADevicesNeedMFA(t *testing.T) {
	s := wardertest.Start(t)
	ctx := t.Context()
	bob := s.User(s.Admin, "Bob", allow("iam:*MFA*", "*", ""))
	first, second := newPhone(t, s, bob, "first"), newPhone(t, s, bob, "second")
	must(t, first.enable(bob, "Bob")) // there is no MFA yet to ask for
	const refusal = "To complete this action, please ensure that you are authenticated with an MFA device that is enabled for this user."
	deactivate := func(by wardertest.Credentials, p *phone) error {
		return errOf(s.IAM(by).DeactivateMFADevice(ctx, &iam.DeactivateMFADeviceInput{SerialNumber: p.serial}))
	}
	wantError(t, second.enable(bob, "Bob"), "AccessDenied", refusal)
	wantError(t, deactivate(bob, first), "AccessDenied", refusal)
	must(t, errOf(s.IAM(bob).ResyncMFADevice(ctx, &iam.ResyncMFADeviceInput{UserName: aws.String("Bob"), SerialNumber: first.serial, AuthenticationCode1: first.next(), AuthenticationCode2: first.next()})))

	session, err := first.session(bob)
	must(t, err)
	must(t, second.enable(session, "Bob"))
	list, err := s.IAM(bob).ListMFADevices(ctx, &iam.ListMFADevicesInput{})
	must(t, err)
	if len(list.MFADevices) != 2 {
		t.Errorf("Bob has %s", dump(list.MFADevices))
	}
	must(t, deactivate(session, first))
	must(t, deactivate(session, second))
	wantError(t, second.enable(s.Admin, "Bob"), "InvalidAuthenticationCode", badCodes) // codes that were used
	s.Clock.Add(time.Minute)
	must(t, second.enable(s.Admin, "Bob")) // an administrator needs no MFA of Bob's
}

func TestRootUsersMFA(t *testing.T) {
	s := wardertest.Start(t)
	ctx := t.Context()
	account, admin, root := s.NewAccount()
	client := s.IAM(root)
	p := newPhone(t, s, root, "root-account-mfa-device")
	wantError(t, p.enable(admin, account), "NoSuchEntity", "The user with name "+account+" cannot be found.")
	must(t, p.enable(root, account))
	list, err := client.ListMFADevices(ctx, &iam.ListMFADevicesInput{})
	must(t, err)
	if len(list.MFADevices) != 1 || *list.MFADevices[0].SerialNumber != "arn:aws:iam::"+account+":mfa/root-account-mfa-device" {
		t.Fatalf("the root user has %s", dump(list.MFADevices))
	}
	all, err := s.IAM(admin).ListVirtualMFADevices(ctx, &iam.ListVirtualMFADevicesInput{AssignmentStatus: types.AssignmentStatusTypeAssigned})
	must(t, err)
	u := all.VirtualMFADevices[0].User
	same(t, "user", u, &types.User{UserId: &account, Arn: aws.String("arn:aws:iam::" + account + ":root"), CreateDate: u.CreateDate})
	_, err = s.IAM(admin).DeleteVirtualMFADevice(ctx, &iam.DeleteVirtualMFADeviceInput{SerialNumber: p.serial})
	wardertest.WantCode(t, err, "DeleteConflict")
	_, err = s.IAM(admin).DeactivateMFADevice(ctx, &iam.DeactivateMFADeviceInput{SerialNumber: p.serial})
	wantError(t, err, "NoSuchEntity", "MFA Device invalid for user.")

	_, err = p.session(admin)
	wantError(t, err, "AccessDenied", "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial number is valid and associated with this user.")
	session, err := p.session(root)
	must(t, err)
	must(t, errOf(s.IAM(session).DeactivateMFADevice(ctx, &iam.DeactivateMFADeviceInput{SerialNumber: p.serial})))

	// A user that is named like the root user is that user.
	makeUser(t, s.IAM(admin), account)
	s.Clock.Add(time.Minute)
	must(t, p.enable(root, account))
	list, err = client.ListMFADevices(ctx, &iam.ListMFADevicesInput{})
	must(t, err)
	same(t, "root's devices", list.MFADevices, []types.MFADevice{})
}

const mfaTrust = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"` + accountARN + `user/MyUser"},"Action":"sts:AssumeRole","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}}}`

// A role whose trust policy asks for MFA.
func TestAssumeRoleWithMFA(t *testing.T) {
	s := wardertest.Start(t)
	admin, ctx := s.IAM(s.Admin), t.Context()
	user := s.User(s.Admin, "MyUser", "")
	eve := s.User(s.Admin, "Eve", allow("sts:AssumeRole", "*", ""))
	role, err := admin.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("Guarded"), AssumeRolePolicyDocument: aws.String(mfaTrust)})
	must(t, err)
	p, eves := newPhone(t, s, s.Admin, "MyPhone"), newPhone(t, s, s.Admin, "EvesPhone")
	must(t, p.enable(s.Admin, "MyUser"))
	must(t, eves.enable(s.Admin, "Eve"))
	assume := func(by wardertest.Credentials, serial, code *string) error {
		return errOf(s.STS(by).AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: role.Role.Arn, RoleSessionName: aws.String("session"), SerialNumber: serial, TokenCode: code}))
	}
	const (
		notAllowed = "…is not authorized to perform: sts:AssumeRole on resource: " + accountARN + "role/Guarded"
		wrongCode  = "MultiFactorAuthentication failed with invalid MFA one time pass code. "
		notYours   = "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial number is valid and associated with this user."
		half       = "MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code."
	)
	denied := func(err error) {
		t.Helper()
		if wardertest.Code(err) != "AccessDenied" || !strings.Contains(wardertest.Message(err), notAllowed[len("…"):]) {
			t.Errorf("got %v, want AccessDenied %s", err, notAllowed)
		}
	}
	plain, err := s.STS(user).GetSessionToken(ctx, &sts.GetSessionTokenInput{})
	must(t, err)

	denied(assume(user, nil, nil))                                                 // long-term keys
	denied(assume(wardertest.SessionCredentials(plain.Credentials), nil, nil))     // a session without MFA
	wantError(t, assume(user, p.serial, nil), "AccessDenied", half)                // no code
	wantError(t, assume(user, nil, p.at(0)), "AccessDenied", half)                 // no device
	wantError(t, assume(user, eves.serial, eves.next()), "AccessDenied", notYours) // another's device
	wantError(t, assume(user, p.serial, eves.at(0)), "AccessDenied", wrongCode)    // another device's code
	wantError(t, assume(eve, p.serial, p.at(0)), "AccessDenied", notYours)         // the device of another user
	denied(assume(eve, eves.serial, eves.at(0)))                                   // MFA, but not trusted
	code := p.next()
	must(t, assume(user, p.serial, code))                                 // the code with the call
	wantError(t, assume(user, p.serial, code), "AccessDenied", wrongCode) // once
	wantError(t, errOf(s.STS(user).GetSessionToken(ctx, &sts.GetSessionTokenInput{SerialNumber: p.serial, TokenCode: code})), "AccessDenied", wrongCode)
	session, err := p.session(user)
	must(t, err)
	must(t, assume(session, nil, nil)) // a session with MFA

	// A deactivated device proves nothing, and neither does a deleted one.
	must(t, errOf(admin.DeactivateMFADevice(ctx, &iam.DeactivateMFADeviceInput{UserName: aws.String("MyUser"), SerialNumber: p.serial})))
	wantError(t, assume(user, p.serial, p.next()), "AccessDenied", notYours)
	must(t, errOf(admin.DeleteVirtualMFADevice(ctx, &iam.DeleteVirtualMFADeviceInput{SerialNumber: p.serial})))
	wantError(t, assume(user, p.serial, p.next()), "AccessDenied", notYours)
	// A new device of the same name has another secret.
	again := newPhone(t, s, s.Admin, "MyPhone")
	must(t, again.enable(s.Admin, "MyUser"))
	wantError(t, assume(user, p.serial, p.next()), "AccessDenied", wrongCode)
	must(t, assume(user, again.serial, again.next()))
}

// Wrong codes lock the device, for right codes too.
func TestMFALocks(t *testing.T) {
	s := wardertest.Start(t)
	user := s.User(s.Admin, "MyUser", "")
	p := newPhone(t, s, s.Admin, "MyPhone")
	must(t, p.enable(s.Admin, "MyUser"))
	for range 5 {
		_, err := s.STS(user).GetSessionToken(t.Context(), &sts.GetSessionTokenInput{SerialNumber: p.serial, TokenCode: p.at(100)})
		wardertest.WantCode(t, err, "AccessDenied")
	}
	_, err := p.session(user)
	wardertest.WantCode(t, err, "AccessDenied")
	s.Clock.Add(time.Minute)
	_, err = p.session(user)
	must(t, err)
}
