package iam_test

import (
	"encoding/base32"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/warder-iam/warder/internal/daemon"
	"github.com/warder-iam/warder/internal/wardertest"
)

// tokenServer is a server whose operator can load hardware tokens.
func tokenServer(t *testing.T) (s *wardertest.Server, control func(method, path string, in daemon.Tokens) (daemon.Tokens, error)) {
	t.Helper()
	data := t.TempDir()
	s = wardertest.StartConfig(t, daemon.Config{Data: data, TestHooks: true})
	return s, func(method, path string, in daemon.Tokens) (done daemon.Tokens, err error) {
		err = daemon.Control(t.Context(), data, method, path, in, &done)
		return done, err
	}
}

const tokenSeed = "12345678901234567890"

// hardware is a token with the test seed, as its owner holds it.
func hardware(t testing.TB, s *wardertest.Server, serial string) *phone {
	return &phone{t, s, &serial, base32.StdEncoding.EncodeToString([]byte(tokenSeed))}
}

func loaded(account string, serials ...string) daemon.Tokens {
	tokens := daemon.Tokens{Account: account}
	for _, serial := range serials {
		tokens.Tokens = append(tokens.Tokens, daemon.Token{Serial: serial, Seed: []byte(tokenSeed)})
	}
	return tokens
}

func TestHardwareTokens(t *testing.T) {
	s, control := tokenServer(t)
	client, ctx := s.IAM(s.Admin), t.Context()
	const serial = "GAHT12345678"
	p := hardware(t, s, serial)
	makeUser(t, client, "Bob")
	wantError(t, p.enable(s.Admin, "Bob"), "NoSuchEntity", "MFA Device with serial number "+serial+" does not exist.")
	done, err := control("POST", "/tokens", loaded("", serial, "GAHT00000001"))
	must(t, err)
	same(t, "loaded", done, daemon.Tokens{Account: wardertest.Account, Tokens: []daemon.Token{{Serial: serial}, {Serial: "GAHT00000001"}}})
	devices := func(want int32) {
		t.Helper()
		out, err := client.GetAccountSummary(ctx, &iam.GetAccountSummaryInput{})
		must(t, err)
		same(t, "MFADevices", []int32{out.SummaryMap["MFADevices"], out.SummaryMap["MFADevicesInUse"]}, []int32{want, want})
	}
	devices(0)

	wantError(t, (&phone{t, s, p.serial, "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJR"}).enable(s.Admin, "Bob"), "InvalidAuthenticationCode", badCodes)
	must(t, p.enable(s.Admin, "Bob"))
	devices(1)
	list, err := client.ListMFADevices(ctx, &iam.ListMFADevicesInput{UserName: aws.String("Bob")})
	must(t, err)
	same(t, "ListMFADevices", list.MFADevices, []types.MFADevice{{UserName: aws.String("Bob"), SerialNumber: p.serial, EnableDate: list.MFADevices[0].EnableDate}})
	user, err := client.GetUser(ctx, &iam.GetUserInput{UserName: aws.String("Bob")})
	must(t, err)
	all, err := control("GET", "/tokens", daemon.Tokens{})
	must(t, err)
	same(t, "tokens", all.Tokens, []daemon.Token{{Serial: "GAHT00000001"}, {Serial: serial, Owner: *user.User.UserId}})

	// It is a second factor like another.
	bob := wardertest.KeyCredentials(makeKey(t, client, aws.String("Bob")))
	_, err = p.session(bob)
	must(t, err)

	// It is no virtual device.
	virtual, err := client.ListVirtualMFADevices(ctx, &iam.ListVirtualMFADevicesInput{})
	must(t, err)
	same(t, "ListVirtualMFADevices", virtual.VirtualMFADevices, []types.VirtualMFADevice{})
	missing := "MFA Device with serial number " + serial + " does not exist."
	wantError(t, errOf(client.DeleteVirtualMFADevice(ctx, &iam.DeleteVirtualMFADeviceInput{SerialNumber: p.serial})), "NoSuchEntity", missing)
	wantError(t, errOf(client.TagMFADevice(ctx, &iam.TagMFADeviceInput{SerialNumber: p.serial, Tags: tagList("k", "v")})), "NoSuchEntity", missing)
	wantError(t, errOf(client.ListMFADeviceTags(ctx, &iam.ListMFADeviceTagsInput{SerialNumber: p.serial})), "NoSuchEntity", missing)
	wantError(t, errOf(client.DeleteUser(ctx, &iam.DeleteUserInput{UserName: aws.String("Bob")})), "DeleteConflict", "Cannot delete entity, must delete access keys first.")

	// Deactivated, it is free for somebody else; spent codes stay spent.
	_, err = control("POST", "/tokens/remove", loaded("", serial))
	if err == nil || !strings.Contains(err.Error(), "is in use") {
		t.Errorf("removed a token in use: %v", err)
	}
	must(t, errOf(client.DeactivateMFADevice(ctx, &iam.DeactivateMFADeviceInput{UserName: aws.String("Bob"), SerialNumber: p.serial})))
	devices(0)
	makeUser(t, client, "Eve")
	wantError(t, p.enable(s.Admin, "Eve"), "InvalidAuthenticationCode", badCodes)
	s.Clock.Add(time.Minute)
	must(t, p.enable(s.Admin, "Eve"))
	must(t, errOf(client.DeactivateMFADevice(ctx, &iam.DeactivateMFADeviceInput{UserName: aws.String("Eve"), SerialNumber: p.serial})))
	_, err = control("POST", "/tokens/remove", loaded("", serial))
	must(t, err)
	wantError(t, p.enable(s.Admin, "Eve"), "NoSuchEntity", missing)
	if strings.Contains(s.Log.String(), tokenSeed) || strings.Contains(s.Log.String(), p.secret) {
		t.Error("the seed is in the log")
	}
}

// Nothing of a file that has one bad token is loaded, and a token is one
// account's.
func TestHardwareTokenRefusals(t *testing.T) {
	s, control := tokenServer(t)
	_, err := control("POST", "/tokens", loaded("", "GAHT00000001"))
	must(t, err)
	account, other, _ := s.NewAccount()
	makeUser(t, s.IAM(other), "Bob")
	serial := "GAHT00000001"
	wantError(t, hardware(t, s, serial).enable(other, "Bob"), "NoSuchEntity", "MFA Device with serial number "+serial+" does not exist.")
	for _, tt := range []struct {
		name, path, want string
		in               daemon.Tokens
	}{
		{"one that is there", "/tokens", "there is a token GAHT00000001 already", loaded(account, "GAHT00000002", "GAHT00000001")},
		{"one twice", "/tokens", "there is a token GAHT00000002 already", loaded(account, "GAHT00000002", "GAHT00000002")},
		{"an ARN", "/tokens", `"arn:aws:iam::1:mfa/x" is no serial number: it has 9 to 256 letters, digits or +=/,.@_-`, loaded(account, "arn:aws:iam::1:mfa/x")},
		{"a short seed", "/tokens", "the seed of GAHT00000003 has 4 bytes, not 16 to 64", daemon.Tokens{Account: account, Tokens: []daemon.Token{{Serial: "GAHT00000003", Seed: []byte("seed")}}}},
		{"no account", "/tokens", `there is no account "999999999999"`, loaded("999999999999", "GAHT00000004")},
		{"of several accounts", "/tokens", "there are several accounts: say which with --account", loaded("", "GAHT00000004")},
		{"removing another account's", "/tokens/remove", "account " + account + " has no token GAHT00000001", loaded(account, "GAHT00000001")},
	} {
		if _, err := control("POST", tt.path, tt.in); err == nil || err.Error() != tt.want {
			t.Errorf("%s: %v, want %s", tt.name, err, tt.want)
		}
	}
	left, err := control("GET", "/tokens?account="+account, daemon.Tokens{})
	must(t, err)
	same(t, "tokens", left.Tokens, []daemon.Token{})
}
