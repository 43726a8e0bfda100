package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/warder-iam/warder/internal/wardertest"
)

// A crash gives nobody anything back: a code that was used stays used, a key
// that was taken away stays away, and sessions go on as they were.
func TestCrashUndoesNothing(t *testing.T) {
	t.Parallel()
	data := dataFolder(t)
	flags := append([]string{"--data", data}, administrator...)
	s := serve(t, flags...)
	ctx := t.Context()
	my := s.user(adminKey, "MyUser", allow("iam:ListUsers", "*"))
	gone := s.user(adminKey, "gone", allow("*", "*"))
	device, err := s.iam(adminKey).CreateVirtualMFADevice(ctx, &iam.CreateVirtualMFADeviceInput{VirtualMFADeviceName: ptr("device")})
	if err != nil {
		t.Fatal(err)
	}
	seed, serial := string(device.VirtualMFADevice.Base32StringSeed), device.VirtualMFADevice.SerialNumber
	app := &authenticator{seed: seed}
	one, two := app.pair(t)
	if _, err := s.iam(adminKey).EnableMFADevice(ctx, &iam.EnableMFADeviceInput{
		UserName: ptr("MyUser"), SerialNumber: serial, AuthenticationCode1: &one, AuthenticationCode2: &two,
	}); err != nil {
		t.Fatal(err)
	}
	now := app.next(t)
	got, err := s.sts(my).GetSessionToken(ctx, &sts.GetSessionTokenInput{SerialNumber: serial, TokenCode: &now})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.iam(adminKey).DeleteAccessKey(ctx, &iam.DeleteAccessKeyInput{UserName: ptr("gone"), AccessKeyId: &gone.AccessKeyID}); err != nil {
		t.Fatal(err)
	}
	s.kill()

	s = serve(t, flags...)
	_, err = s.sts(my).GetSessionToken(ctx, &sts.GetSessionTokenInput{SerialNumber: serial, TokenCode: &now})
	wardertest.WantCode(t, err, "AccessDenied")
	_, err = s.sts(gone).GetCallerIdentity(ctx, nil)
	wardertest.WantCode(t, err, "InvalidClientTokenId")
	session := wardertest.SessionCredentials(got.Credentials)
	s.wantCaller(session, "arn:aws:iam::"+account+":user/MyUser")
	if _, err := s.iam(session).ListUsers(ctx, nil); err != nil {
		t.Errorf("the session has lost its MFA mark or its permissions: %v", err)
	}
	// A session of a user ends with the user, before a crash or after it.
	for _, call := range []func() error{
		func() error {
			_, err := s.iam(adminKey).DeactivateMFADevice(ctx, &iam.DeactivateMFADeviceInput{UserName: ptr("MyUser"), SerialNumber: serial})
			return err
		},
		func() error {
			_, err := s.iam(adminKey).DeleteUserPolicy(ctx, &iam.DeleteUserPolicyInput{UserName: ptr("MyUser"), PolicyName: ptr("inline")})
			return err
		},
		func() error {
			_, err := s.iam(adminKey).DeleteAccessKey(ctx, &iam.DeleteAccessKeyInput{UserName: ptr("MyUser"), AccessKeyId: &my.AccessKeyID})
			return err
		},
		func() error {
			_, err := s.iam(adminKey).DeleteUser(ctx, &iam.DeleteUserInput{UserName: ptr("MyUser")})
			return err
		},
	} {
		if err := call(); err != nil {
			t.Fatal(err)
		}
	}
	s.kill()
	s = serve(t, flags...)
	_, err = s.sts(session).GetCallerIdentity(ctx, nil)
	wardertest.WantCode(t, err, "InvalidClientTokenId")
}

// The master key may come from the environment; then it is not in the folder,
// and the folder alone opens nothing.
func TestMasterKeyFromEnvironment(t *testing.T) {
	first := dataFolder(t)
	serve(t, "--data", first).stop()
	key, err := os.ReadFile(filepath.Join(first, "master.key"))
	if err != nil {
		t.Fatal(err)
	}
	data := dataFolder(t)
	flags := append([]string{"--data", data}, administrator...)
	t.Run("given", func(t *testing.T) {
		s := serveWith(t, []string{"WARDER_MASTER_KEY=" + strings.TrimSpace(string(key))}, flags...)
		s.wantCaller(adminKey, "arn:aws:iam::"+account+":user/administrator")
		if _, err := os.Stat(filepath.Join(data, "master.key")); err == nil {
			t.Error("there is a key file as well")
		}
		searchFolder(t, data, map[string][]byte{"the master key": []byte(strings.TrimSpace(string(key)))})
	})
	t.Run("not given", func(t *testing.T) {
		if _, err := tryServe(t, flags...); err == nil {
			t.Error("the server started without its key")
		}
	})
}
