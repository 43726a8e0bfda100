package e2e

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"io/fs"
	"math/big"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/warder-iam/warder/internal/wardertest"
	"github.com/warder-iam/warder/sigv4"
)

// What is secret must be on no disk and in no log, in no form that a search
// would find: access key secrets, passwords, MFA seeds and codes, session
// tokens and their secrets, the master key outside its file.
func TestCanary(t *testing.T) {
	t.Parallel()
	data := dataFolder(t)
	s := serve(t, append([]string{"--data", data}, administrator...)...)
	client, ctx := s.iam(adminKey), t.Context()
	secrets := map[string][]byte{"the administrator's secret": []byte(adminSecret)}

	canary := s.user(adminKey, "canary", allow("*", "*"))
	secrets["a user's secret"] = []byte(canary.SecretAccessKey)

	const password, next = "Canary-Password-8402!", "Canary-Password-9513!"
	secrets["a password"], secrets["a changed password"] = []byte(password), []byte(next)
	if _, err := client.CreateLoginProfile(ctx, &iam.CreateLoginProfileInput{UserName: ptr("canary"), Password: ptr(password)}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.iam(canary).ChangePassword(ctx, &iam.ChangePasswordInput{OldPassword: ptr(password), NewPassword: ptr(next)}); err != nil {
		t.Fatal(err)
	}
	const wrong = "Canary-Wrong-Password-7!"
	secrets["a wrong password"] = []byte(wrong)
	_, err := s.iam(canary).ChangePassword(ctx, &iam.ChangePasswordInput{OldPassword: ptr(wrong), NewPassword: ptr(next)})
	if err == nil {
		t.Error("a wrong password was taken")
	}

	device, err := client.CreateVirtualMFADevice(ctx, &iam.CreateVirtualMFADeviceInput{VirtualMFADeviceName: ptr("canary")})
	if err != nil {
		t.Fatal(err)
	}
	seed := string(device.VirtualMFADevice.Base32StringSeed)
	secrets["an MFA seed in Base32"] = []byte(seed)
	if raw, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.TrimRight(seed, "=")); err != nil {
		t.Errorf("the seed %q: %v", seed, err)
	} else {
		secrets["an MFA seed"] = raw
	}
	app := &authenticator{seed: seed}
	one, two := app.pair(t)
	if _, err := client.EnableMFADevice(ctx, &iam.EnableMFADeviceInput{
		UserName: ptr("canary"), SerialNumber: device.VirtualMFADevice.SerialNumber,
		AuthenticationCode1: &one, AuthenticationCode2: &two,
	}); err != nil {
		t.Fatal(err)
	}
	session, err := s.sts(canary).GetSessionToken(ctx, &sts.GetSessionTokenInput{
		SerialNumber: device.VirtualMFADevice.SerialNumber, TokenCode: ptr(app.next(t)),
	})
	if err != nil {
		t.Fatal(err)
	}
	c := wardertest.SessionCredentials(session.Credentials)
	secrets["a session's secret"], secrets["a session token"] = []byte(c.SecretAccessKey), []byte(c.SessionToken)
	s.wantCaller(c, "arn:aws:iam::"+account+":user/canary")

	private, certificate := newCertificate(t)
	secrets["a private key"], secrets["a line of a private key"] = private, []byte(strings.Split(inPEM("PRIVATE KEY", private), "\n")[1])
	if _, err := client.UploadServerCertificate(ctx, &iam.UploadServerCertificateInput{
		ServerCertificateName: ptr("canary"), CertificateBody: ptr(inPEM("CERTIFICATE", certificate)), PrivateKey: ptr(inPEM("PRIVATE KEY", private)),
	}); err != nil {
		t.Fatal(err)
	}
	_, err = client.UploadServerCertificate(ctx, &iam.UploadServerCertificateInput{
		ServerCertificateName: ptr("broken"), CertificateBody: ptr("none"), PrivateKey: ptr(inPEM("PRIVATE KEY", private)),
	})
	wardertest.WantCode(t, err, "MalformedCertificate")
	federationSecrets(t, s, secrets)

	// The places where a server that is careless repeats what it was sent:
	// refused requests, in the URL, in the body, with a wrong signature.
	_, err = client.UpdateLoginProfile(ctx, &iam.UpdateLoginProfileInput{UserName: ptr("nobody"), Password: ptr(next)})
	wardertest.WantCode(t, err, "NoSuchEntity")
	_, err = s.sts(wardertest.Credentials{AccessKeyID: c.AccessKeyID, SecretAccessKey: "wrong", SessionToken: c.SessionToken}).GetCallerIdentity(ctx, nil)
	wardertest.WantCode(t, err, "SignatureDoesNotMatch")
	for _, query := range []string{
		"?Action=ChangePassword&Version=2010-05-08&OldPassword=" + url.QueryEscape(next) + "&NewPassword=" + url.QueryEscape(password),
		"?Action=Unknown&Password=" + url.QueryEscape(next), "/" + url.PathEscape(next),
	} {
		r, err := http.NewRequest("POST", s.url+query, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := sigv4.Sign(r, nil, signing(c), "us-east-1", "iam", time.Now()); err != nil {
			t.Fatal(err)
		}
		if resp, err := http.DefaultClient.Do(r); err != nil {
			t.Error(err)
		} else {
			resp.Body.Close()
		}
	}
	envOf(t, "sh", "--data", data)
	master, err := os.ReadFile(filepath.Join(data, "master.key"))
	if err != nil {
		t.Fatal(err)
	}
	for field := range bytes.FieldsSeq(master) {
		if len(field) >= 32 {
			secrets["the master key"] = field
		}
	}
	if secrets["the master key"] == nil {
		t.Fatalf("the master key file is not as the test knows it: it has %d bytes", len(master))
	}

	found := searchFolder(t, data, secrets)
	s.stop()
	found += searchFolder(t, data, secrets)
	for name, text := range map[string]string{"log": s.log.String(), "standard output": s.stdout.String()} {
		found += search(t, "the "+name, []byte(text), secrets)
	}
	if found < 6 {
		t.Errorf("the test looked into %d places only: it has missed the data", found)
	}
	if !strings.Contains(s.log.String(), "level=DEBUG") {
		t.Error("the log is not at debug level")
	}
}

// newCertificate makes a private key, in PKCS #8, and a certificate of its own.
func newCertificate(t testing.TB) (private, certificate []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	form := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	if certificate, err = x509.CreateCertificate(rand.Reader, form, form, key.Public(), key); err != nil {
		t.Fatal(err)
	}
	if private, err = x509.MarshalPKCS8PrivateKey(key); err != nil {
		t.Fatal(err)
	}
	return private, certificate
}

func inPEM(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// signing are credentials for this module's own signer.
func signing(c wardertest.Credentials) sigv4.Credentials {
	return sigv4.Credentials{AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey, SessionToken: c.SessionToken}
}

// searchFolder looks for the secrets in all files of a folder. The master key is
// allowed in its own file.
func searchFolder(t testing.TB, dir string, secrets map[string][]byte) int {
	t.Helper()
	files := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		here := secrets
		if d.Name() == "master.key" {
			here = map[string][]byte{}
			for name, secret := range secrets {
				if name != "the master key" {
					here[name] = secret
				}
			}
		}
		files += search(t, path, content, here)
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	return files
}

// search looks for secrets in a text: as they are, in hexadecimal, percent-encoded,
// and in Base64 at each of the three places that it can begin.
func search(t testing.TB, where string, text []byte, secrets map[string][]byte) int {
	t.Helper()
	for _, what := range find(text, secrets) {
		t.Errorf("%s has %s", where, what)
	}
	return 1
}

func find(text []byte, secrets map[string][]byte) (found []string) {
	for name, secret := range secrets {
		forms := map[string][]byte{
			"":                    secret,
			" in hexadecimal":     []byte(hex.EncodeToString(secret)),
			" as query parameter": []byte(url.QueryEscape(string(secret))),
			" as path":            []byte(url.PathEscape(string(secret))),
		}
		for name, encoding := range map[string]*base64.Encoding{"Base64": base64.RawStdEncoding, "Base64 for URLs": base64.RawURLEncoding} {
			for shift := range 3 {
				// Without the characters at either end that depend on the neighbours.
				text := encoding.EncodeToString(append(make([]byte, shift), secret...))
				forms[fmt.Sprintf(" in %s, shifted by %d", name, shift)] = []byte(text[(shift*8+5)/6 : len(text)-1])
			}
		}
		for form, bytesOf := range forms {
			if bytes.Contains(text, bytesOf) {
				found = append(found, name+form)
			}
		}
	}
	return found
}

// The search of the canary test finds what it is meant to find.
func TestCanaryIsFound(t *testing.T) {
	const canary = "canary/secret+0123456789"
	secrets := map[string][]byte{"canary": []byte(canary)}
	for _, text := range []string{
		"log: " + canary + ".", hex.EncodeToString([]byte("x" + canary)), "Password=" + url.QueryEscape(canary), "/" + url.PathEscape(canary),
		base64.StdEncoding.EncodeToString([]byte(canary)), base64.StdEncoding.EncodeToString([]byte("a" + canary + "b")),
		base64.URLEncoding.EncodeToString([]byte("ab" + canary + "c")), base64.StdEncoding.EncodeToString([]byte("abc" + canary)),
		`{"Secret":"` + base64.StdEncoding.EncodeToString([]byte("{\"a\":1,\"b\":\""+canary+"\"}")) + `"}`,
	} {
		if len(find([]byte(text), secrets)) == 0 {
			t.Errorf("not found in %s", text)
		}
	}
	if found := find([]byte("nothing of the kind"), secrets); found != nil {
		t.Errorf("found %q in nothing", found)
	}
}
