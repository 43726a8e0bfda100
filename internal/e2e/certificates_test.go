package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/iam"
)

// keyFiles makes keys and certificates in a folder with the tools that users
// make them with: an SSH key pair id_rsa and another one's public key in PEM, a
// root, a certificate "web" that it signed, and one, "own", that signed itself.
func keyFiles(t testing.TB, dir string) {
	t.Helper()
	openssl, keygen := need(t, "openssl"), need(t, "ssh-keygen")
	run := func(name string, args ...string) {
		t.Helper()
		cmd := exec.Command(name, args...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s %q: %v: %s", name, args, err, out)
		}
	}
	run(keygen, "-q", "-t", "rsa", "-b", "2048", "-m", "PEM", "-N", "", "-C", "git@example.com", "-f", "id_rsa")
	run(openssl, "genrsa", "-out", "other.key", "2048")
	run(openssl, "rsa", "-in", "other.key", "-pubout", "-out", "other.pem")
	run(openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "root.key", "-out", "root.pem", "-days", "30", "-subj", "/CN=root")
	run(openssl, "req", "-newkey", "rsa:2048", "-nodes", "-keyout", "web.key", "-out", "web.csr", "-subj", "/CN=www.example.com")
	run(openssl, "x509", "-req", "-in", "web.csr", "-CA", "root.pem", "-CAkey", "root.key", "-CAcreateserial", "-out", "web.pem", "-days", "30")
	run(openssl, "ecparam", "-name", "prime256v1", "-genkey", "-out", "own.key") // with its parameters before it
	run(openssl, "req", "-x509", "-key", "own.key", "-out", "own.pem", "-days", "30", "-subj", "/CN=own.example.com")
	run(openssl, "rsa", "-in", "web.key", "-aes256", "-passout", "pass:secret", "-out", "encrypted.key")
}

func readFile(t testing.TB, dir, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// What openssl and ssh-keygen make, through the aws CLI.
func TestCertificateFiles(t *testing.T) {
	t.Parallel()
	c := serveMemory(t).cli()
	keyFiles(t, c.dir)
	c.ok("aws iam create-user --user-name git")

	key := c.ok("aws iam upload-ssh-public-key --user-name git --ssh-public-key-body file://id_rsa.pub")
	key.want(t, "SSHPublicKey.UserName", "git", "SSHPublicKey.Status", "Active")
	fingerprint, err := exec.Command(need(t, "ssh-keygen"), "-l", "-E", "md5", "-f", filepath.Join(c.dir, "id_rsa.pub")).Output()
	if err != nil || !strings.Contains(string(fingerprint), "MD5:"+key.text("SSHPublicKey.Fingerprint")+" ") {
		t.Errorf("the fingerprint is %s, ssh-keygen says %s (%v)", key.text("SSHPublicKey.Fingerprint"), fingerprint, err)
	}
	id := key.text("SSHPublicKey.SSHPublicKeyId")
	inPEM := c.ok("aws iam get-ssh-public-key --user-name git --ssh-public-key-id %s --encoding PEM", id)
	public, err := exec.Command(need(t, "openssl"), "rsa", "-in", filepath.Join(c.dir, "id_rsa"), "-pubout").Output()
	if err != nil || inPEM.text("SSHPublicKey.SSHPublicKeyBody") != string(public) {
		t.Errorf("the key in PEM is %s, openssl says %s (%v)", inPEM.text("SSHPublicKey.SSHPublicKeyBody"), public, err)
	}
	c.refused("UnrecognizedPublicKeyEncoding", "Invalid public key uploaded.", "aws iam upload-ssh-public-key --user-name git --ssh-public-key-body id_rsa.pub")

	signing := c.ok("aws iam upload-signing-certificate --user-name git --certificate-body file://own.pem")
	signing.want(t, "Certificate.UserName", "git", "Certificate.Status", "Active", "Certificate.CertificateBody", readFile(t, c.dir, "own.pem"))
	c.refused("DeleteConflict", "must delete certificates first", "aws iam delete-user --user-name git")
	c.ok("aws iam delete-signing-certificate --user-name git --certificate-id %s", signing.text("Certificate.CertificateId"))
	c.refused("DeleteConflict", "must remove referenced objects first", "aws iam delete-user --user-name git")
	c.ok("aws iam delete-ssh-public-key --user-name git --ssh-public-key-id %s", id)
	c.ok("aws iam delete-user --user-name git")

	const upload = "aws iam upload-server-certificate --server-certificate-name web --certificate-body file://web.pem"
	c.refused("MalformedCertificate", "the body is encrypted", upload+" --private-key file://encrypted.key")
	c.refused("KeyPairMismatch", "did not match", upload+" --private-key file://own.key")
	c.refused("MalformedCertificate", "is: -1", upload+" --private-key file://web.key --certificate-chain file://own.pem")
	c.ok(upload+" --private-key file://web.key --certificate-chain file://root.pem --path /cloudfront/test/").want(t,
		"ServerCertificateMetadata.Arn", "arn:aws:iam::"+account+":server-certificate/cloudfront/test/web")
	c.ok("aws iam get-server-certificate --server-certificate-name web").want(t,
		"ServerCertificate.CertificateBody", strings.TrimSpace(readFile(t, c.dir, "web.pem")),
		"ServerCertificate.CertificateChain", strings.TrimSpace(readFile(t, c.dir, "root.pem")))
	c.ok("aws iam upload-server-certificate --server-certificate-name own --certificate-body file://own.pem --private-key file://own.key")
	c.ok("aws iam list-server-certificates").want(t, "ServerCertificateMetadataList.0.ServerCertificateName", "own", "ServerCertificateMetadataList.1.ServerCertificateName", "web")
}

// The AWS provider's resources for SSH keys and certificates, and a user whose
// credentials nobody told Terraform of, taken away by force.
func TestTerraformCredentials(t *testing.T) {
	t.Parallel()
	path, plugins := need(t, "terraform"), pluginFolder(t)
	s := serveMemory(t)
	tf := &terraform{server: s, path: path, dir: t.TempDir(), state: "terraform.tfstate"}
	keyFiles(t, tf.dir)
	text := readFile(t, filepath.Join("testdata", "terraform"), "credentials.tf")
	if err := os.WriteFile(filepath.Join(tf.dir, "main.tf"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	tf.must(0, "init", "-no-color", "-plugin-dir="+plugins)
	tf.must(0, tf.with("apply", "-auto-approve")...)
	tf.must(0, tf.with("plan", "-detailed-exitcode")...)
	var checks struct {
		ARN, ID, Chain, PEM, Fingerprint string
		Tags                             map[string]string
	}
	tf.outputs("checks", &checks)
	if checks.ARN != "arn:aws:iam::"+account+":server-certificate/cloudfront/test/web" || !strings.HasPrefix(checks.ID, "ASCA") ||
		!strings.Contains(checks.Chain, "BEGIN CERTIFICATE") || !strings.Contains(checks.PEM, "BEGIN PUBLIC KEY") || len(checks.Fingerprint) != 47 || checks.Tags["team"] != "platform" {
		t.Errorf("the data sources read %+v", checks)
	}

	tf.vars = []string{"-var=status=Inactive", "-var=path=/cloudfront/other/"}
	tf.must(0, tf.with("apply", "-auto-approve")...)
	tf.must(0, tf.with("plan", "-detailed-exitcode")...)
	client, ctx, git := s.iam(adminKey), t.Context(), ptr("git")
	web, err := client.GetServerCertificate(ctx, &iam.GetServerCertificateInput{ServerCertificateName: ptr("web")})
	if err != nil || *web.ServerCertificate.ServerCertificateMetadata.Path != "/cloudfront/other/" || *web.ServerCertificate.ServerCertificateMetadata.ServerCertificateId != checks.ID {
		t.Errorf("after the move: %v, %v", web, err)
	}

	// Credentials of every kind behind Terraform's back.
	body := readFile(t, tf.dir, "root.pem")
	for _, made := range []func() error{
		func() error {
			_, err := client.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: git})
			return err
		},
		func() error {
			_, err := client.CreateLoginProfile(ctx, &iam.CreateLoginProfileInput{UserName: git, Password: ptr("Passw0rd!!")})
			return err
		},
		func() error {
			_, err := client.UploadSigningCertificate(ctx, &iam.UploadSigningCertificateInput{UserName: git, CertificateBody: &body})
			return err
		},
		func() error {
			_, err := client.CreateServiceSpecificCredential(ctx, &iam.CreateServiceSpecificCredentialInput{UserName: git, ServiceName: ptr("codecommit.amazonaws.com")})
			return err
		},
		func() error { return s.enableMFA("git") },
	} {
		if err := made(); err != nil {
			t.Fatal(err)
		}
	}
	tf.must(0, tf.with("destroy", "-auto-approve")...)
	left, err := client.GetAccountSummary(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	if left.SummaryMap["Users"] != 1 || left.SummaryMap["ServerCertificates"] != 0 || left.SummaryMap["MFADevicesInUse"] != 0 {
		t.Errorf("destroy has left %v", left.SummaryMap)
	}
}

// enableMFA gives a user a virtual device.
func (s *server) enableMFA(user string) error {
	s.t.Helper()
	client, ctx := s.iam(adminKey), s.t.Context()
	made, err := client.CreateVirtualMFADevice(ctx, &iam.CreateVirtualMFADeviceInput{VirtualMFADeviceName: &user})
	if err != nil {
		return err
	}
	app := &authenticator{seed: string(made.VirtualMFADevice.Base32StringSeed)}
	one, two := app.pair(s.t)
	_, err = client.EnableMFADevice(ctx, &iam.EnableMFADeviceInput{
		UserName: &user, SerialNumber: made.VirtualMFADevice.SerialNumber, AuthenticationCode1: &one, AuthenticationCode2: &two,
	})
	return err
}
