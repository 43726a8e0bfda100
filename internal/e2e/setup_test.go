package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/warder-iam/warder/internal/wardertest"
)

// shell runs a script in a shell with the program on its PATH and gives what it prints.
func shell(t testing.TB, name, script string, env ...string) (string, error) {
	t.Helper()
	cmd := exec.Command(need(t, name), "-c", script)
	cmd.Env, cmd.Dir, cmd.SysProcAttr = cleanEnv(t, env...), t.TempDir(), dieWithTest()
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// envOf reads what `warder env` prints, by having a shell evaluate it.
func envOf(t testing.TB, shellName string, flags ...string) wardertest.Credentials {
	t.Helper()
	script := `set -eu; env="$(warder env ` + strings.Join(flags, " ") + `)"; eval "$env"; printf '%s\n' "$AWS_ENDPOINT_URL" "$AWS_ACCESS_KEY_ID" "$AWS_SECRET_ACCESS_KEY" "$AWS_REGION" "$AWS_DEFAULT_REGION" "${AWS_SESSION_TOKEN-none}"`
	out, err := shell(t, shellName, script, "AWS_SESSION_TOKEN=stale", "AWS_PROFILE=stale")
	if err != nil {
		t.Fatalf("warder env in %s: %v: %s", shellName, err, out)
	}
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if len(lines) != 6 || !strings.HasPrefix(lines[0], "http") || lines[3] != "us-east-1" || lines[4] != "us-east-1" || lines[5] != "none" {
		t.Fatalf("warder env in %s gave %q", shellName, lines)
	}
	return wardertest.Credentials{AccessKeyID: lines[1], SecretAccessKey: lines[2]}
}

// The first start makes an account and tells how to use it, once; nobody has
// to choose or type a credential.
func TestZeroSetUp(t *testing.T) {
	t.Parallel()
	data := filepath.Join(dataFolder(t), "data")
	s := serve(t, "--data", data)
	text := s.stdout.wait(t, `get-caller-identity\n`)
	welcome := regexp.MustCompile(`account (\d{12}) `).FindStringSubmatch(text)
	if welcome == nil || !strings.Contains(s.stdout.String(), `env --data `+data) {
		t.Fatalf("the first start says: %s", s.stdout)
	}
	if strings.Count(s.stdout.String(), "\n") > 4 {
		t.Errorf("the first start says more than it needs: %s", s.stdout)
	}
	admin := envOf(t, "bash", "--data", data)
	if again := envOf(t, "sh", "--data", data); again != admin {
		t.Errorf("warder env gave two keys: %s and %s", admin.AccessKeyID, again.AccessKeyID)
	}
	s.wantCaller(admin, "arn:aws:iam::"+welcome[1]+":user/administrator")
	if strings.Contains(s.log.String()+s.stdout.String(), admin.SecretAccessKey) {
		t.Error("the secret was printed")
	}
	if _, err := s.iam(admin).CreateUser(t.Context(), createUser("kept")); err != nil {
		t.Fatal(err)
	}
	s.stop()

	s = serve(t, "--data", data)
	if again := envOf(t, "sh", "--data", data); again != admin {
		t.Errorf("the second start changed the administrator's key")
	}
	s.wantCaller(admin, "arn:aws:iam::"+welcome[1]+":user/administrator")
	_, err := s.iam(admin).CreateUser(t.Context(), createUser("KEPT"))
	wardertest.WantCode(t, err, "EntityAlreadyExists")
	for _, name := range []string{"", "warder.db", "master.key", "control.sock"} {
		info, err := os.Stat(filepath.Join(data, name))
		if err != nil {
			t.Error(err)
		} else if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s of the data folder has mode %v: others can open it", name, info.Mode())
		}
	}
	s.stop()
	if s.stdout.String() != "" {
		t.Errorf("the second start says: %s", s.stdout)
	}
}

// The memory store needs no folder: the welcome itself has the credentials, and
// the same program twice makes two worlds.
func TestZeroSetUpInMemory(t *testing.T) {
	t.Parallel()
	words := regexp.MustCompile(`AWS_ACCESS_KEY_ID=(\S+) AWS_SECRET_ACCESS_KEY=(\S+)`)
	var keys [2]wardertest.Credentials
	for i := range keys {
		s := serve(t, "--store", "memory")
		m := words.FindStringSubmatch(s.stdout.wait(t, `AWS_SECRET_ACCESS_KEY=.*\n`))
		if m == nil {
			t.Fatalf("the first start says: %s", s.stdout)
		}
		keys[i] = wardertest.Credentials{AccessKeyID: m[1], SecretAccessKey: m[2]}
		if _, err := s.sts(keys[i]).GetCallerIdentity(t.Context(), nil); err != nil {
			t.Error(err)
		}
		if i == 1 {
			_, err := s.sts(keys[0]).GetCallerIdentity(t.Context(), nil)
			wardertest.WantCode(t, err, "InvalidClientTokenId")
		}
	}
	if keys[0].AccessKeyID == keys[1].AccessKeyID || keys[0].SecretAccessKey == keys[1].SecretAccessKey {
		t.Error("two servers have the same credentials")
	}
}

// Credentials that are anybody's guess must open nothing, hooks or not.
func TestNoDefaultCredentials(t *testing.T) {
	t.Parallel()
	s := serve(t, "--store", "memory", "--test-hooks")
	for _, c := range [][2]string{
		{"test", "test"}, {"minioadmin", "minioadmin"}, {"warder", "warder"}, {"admin", "admin"}, {"administrator", "administrator"},
		{"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}, {adminKeyID, adminSecret},
		{wardertest.Account, wardertest.Account}, {"AKIAWARDERTEST000000", "test-secret-of-the-administrator-0000000"},
	} {
		_, err := s.sts(wardertest.Credentials{AccessKeyID: c[0], SecretAccessKey: c[1]}).GetCallerIdentity(t.Context(), nil)
		switch code := wardertest.Code(err); code {
		case "InvalidClientTokenId", "IncompleteSignature", "InvalidAccessKeyId":
		default:
			t.Errorf("key %s: %q", c[0], code)
		}
	}
}

// The flags of a durable server hold on the first start and are checked on
// later ones, where they can no longer change anything.
func TestKeyFlagsOfDurableStore(t *testing.T) {
	t.Parallel()
	data := dataFolder(t)
	s := serve(t, append([]string{"--data", data}, administrator...)...)
	s.wantCaller(adminKey, "arn:aws:iam::"+account+":user/administrator")
	if got := envOf(t, "sh", "--data", data, "--account", account); got != adminKey {
		t.Errorf("warder env gives key %s", got.AccessKeyID)
	}
	if strings.Contains(s.log.String()+s.stdout.String(), adminSecret) {
		t.Error("the secret was printed")
	}
	s.stop()

	s = serve(t, append([]string{"--data", data}, administrator...)...)
	s.wantCaller(adminKey, "arn:aws:iam::"+account+":user/administrator")
	s.stop()

	for _, flags := range [][]string{
		{"--account", "999999999999"},
		{"--admin-access-key-id", "AKIASOMEOTHERKEY0000", "--admin-secret-access-key", "other"},
		{"--admin-access-key-id", adminKeyID, "--admin-secret-access-key", "another secret for the same key"},
	} {
		if _, err := tryServe(t, append([]string{"--data", data}, flags...)...); err == nil {
			t.Errorf("a data folder was opened with %q, which it does not hold", flags)
		}
	}
}

// What does not go together is refused before anything is made.
func TestWrongFlags(t *testing.T) {
	t.Parallel()
	cert, key := certificate(t)
	tests := []struct {
		name  string
		flags []string
		words string
	}{
		{"beyond loopback", []string{"--listen", "0.0.0.0:0"}, "without TLS"},
		{"every address", []string{"--listen", ":0"}, "without TLS"},
		{"beyond loopback, version 6", []string{"--listen", "[::]:0"}, "without TLS"},
		{"hooks beyond loopback", []string{"--listen", "0.0.0.0:0", "--test-hooks", "--insecure-listen"}, "loopback only"},
		{"hooks beyond loopback with TLS", []string{"--listen", "0.0.0.0:0", "--test-hooks", "--tls-cert", cert, "--tls-key", key}, "loopback only"},
		{"no port", []string{"--listen", "127.0.0.1"}, "listen address"},
		{"certificate alone", []string{"--tls-cert", cert}, "needs its key"},
		{"key alone", []string{"--tls-key", key}, "needs its key"},
		{"no such certificate", []string{"--tls-cert", cert + "x", "--tls-key", key}, "no such file"},
		{"key for certificate", []string{"--tls-cert", key, "--tls-key", cert}, "certificate"},
		{"store", []string{"--store", "mongodb"}, "no store"},
		{"account", []string{"--account", "12345"}, "twelve digits"},
		{"key without secret", []string{"--admin-access-key-id", adminKeyID}, "both its id and its secret"},
		{"secret without key", []string{"--admin-secret-access-key", adminSecret}, "both its id and its secret"},
		{"short key", []string{"--admin-access-key-id", "AKIA", "--admin-secret-access-key", adminSecret}, "16 to 128"},
		{"key with a slash", []string{"--admin-access-key-id", "AKIA/EXAMPLE/WARDER", "--admin-secret-access-key", adminSecret}, "16 to 128"},
		{"long path", []string{"--data", strings.Repeat("long/", 30)}, "too long for a socket"},
		{"unknown flag", []string{"--no-auth"}, "unknown flag"},
		{"argument", []string{"now"}, "unknown command"},
		{"log level", []string{"--log-level", "loud"}, "log-level"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			data := filepath.Join(dataFolder(t), "data")
			_, err := tryServe(t, append([]string{"--data", data}, tt.flags...)...)
			if err == nil {
				t.Fatal("the server started")
			}
			if !strings.Contains(err.Error(), tt.words) || strings.Contains(err.Error(), "panic") {
				t.Errorf("the server says: %v", err)
			}
			if _, said, _ := strings.Cut(err.Error(), ": "); strings.Contains(said, adminSecret) {
				t.Errorf("the secret is in: %v", err)
			}
			if _, err := os.Stat(filepath.Join(data, "warder.db")); err == nil {
				t.Error("the refused start has made a database")
			}
		})
	}
}

// Who asks for plain text by name gets it.
func TestInsecureListen(t *testing.T) {
	t.Parallel()
	s := serve(t, append([]string{"--store", "memory", "--listen", "0.0.0.0:0", "--insecure-listen"}, administrator...)...)
	_, port, err := net.SplitHostPort(strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	s.url = "http://127.0.0.1:" + port
	s.wantCaller(adminKey, "arn:aws:iam::"+account+":user/administrator")
}

// The server with a self-made certificate, as the aws CLI sees it.
func TestTLS(t *testing.T) {
	t.Parallel()
	cert, key := certificate(t)
	data := dataFolder(t)
	s := serve(t, append([]string{"--data", data, "--tls-cert", cert, "--tls-key", key}, administrator...)...)
	if !strings.HasPrefix(s.url, "https://") {
		t.Errorf("the address is %s", s.url)
	}
	script := `set -eu; eval "$(warder env --data ` + data + `)"; aws sts get-caller-identity --query Arn --output text`
	need(t, "aws")
	if out, err := shell(t, "sh", script, "AWS_CA_BUNDLE="+cert); err != nil || strings.TrimSpace(out) != "arn:aws:iam::"+account+":user/administrator" {
		t.Errorf("with the certificate: %v: %s", err, out)
	}
	if out, err := shell(t, "sh", script); err == nil {
		t.Errorf("without the certificate the CLI went on: %s", out)
	}
	resp, err := http.Get("http" + strings.TrimPrefix(s.url, "https"))
	if err == nil {
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusBadRequest {
			t.Errorf("plain text on the TLS port: %s", resp.Status)
		}
	}
	s.wantTLSAlive(cert)
}

func (s *server) wantTLSAlive(cert string) {
	s.t.Helper()
	script := `set -eu; aws sts get-caller-identity --query Account --output text`
	out, err := shell(s.t, "sh", script, append(s.environ(adminKey), "AWS_CA_BUNDLE="+cert)...)
	if err != nil || strings.TrimSpace(out) != account {
		s.t.Errorf("the server answers no more: %v: %s", err, out)
	}
}

// certificate makes a self-signed certificate for 127.0.0.1 and gives its files.
func certificate(t testing.TB) (cert, key string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "warder"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, &k.PublicKey, k)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name, kind string, der []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	return write("cert.pem", "CERTIFICATE", der), write("key.pem", "PRIVATE KEY", keyDER)
}

// Two servers on one folder would each undo the other's writes.
func TestOneServerPerFolder(t *testing.T) {
	t.Parallel()
	data := dataFolder(t)
	s := serve(t, append([]string{"--data", data}, administrator...)...)
	_, err := tryServe(t, "--data", data)
	if err == nil || !strings.Contains(err.Error(), "lock") && !strings.Contains(err.Error(), "another") {
		t.Errorf("the second server on the folder: %v", err)
	}
	// The refused one has not taken the first one's place on the way.
	if got := envOf(t, "sh", "--data", data); got != adminKey {
		t.Errorf("the first server's control socket is gone")
	}
	s.wantCaller(adminKey, "arn:aws:iam::"+account+":user/administrator")
}

// A folder whose master key is lost or another's must not start, let alone
// with a new key.
func TestLostMasterKey(t *testing.T) {
	t.Parallel()
	data := dataFolder(t)
	serve(t, "--data", data).stop()
	key := filepath.Join(data, "master.key")
	if err := os.Rename(key, key+".away"); err != nil {
		t.Fatal(err)
	}
	if _, err := tryServe(t, "--data", data); err == nil || !strings.Contains(err.Error(), "master key") {
		t.Errorf("without its master key: %v", err)
	}
	if _, err := os.Stat(key); err == nil {
		t.Error("a new master key was made for old data")
	}
	if err := os.Rename(key+".away", key); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(key, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := tryServe(t, "--data", data); err == nil || !strings.Contains(err.Error(), "master key") {
		t.Errorf("with a master key that others can read: %v", err)
	}
	if err := os.Chmod(key, 0o600); err != nil {
		t.Fatal(err)
	}
	serve(t, "--data", data)
}

func TestCommandsWithoutServer(t *testing.T) {
	t.Parallel()
	data := dataFolder(t)
	for _, args := range [][]string{{"env", "--data", data}, {"account", "create", "--data", data}} {
		out, err := warder(t, args...)
		if err == nil || !strings.Contains(err.Error(), "no Warder is running") || out != "" {
			t.Errorf("warder %q without a server: %q, %v", args, out, err)
		}
	}
}

func TestAccountCreate(t *testing.T) {
	t.Parallel()
	data := dataFolder(t)
	s := serve(t, append([]string{"--data", data}, administrator...)...)
	out, err := warder(t, "account", "create", "--data", data, "--account", "210987654321", "--name", "partner", "--root-key")
	if err != nil {
		t.Fatal(err)
	}
	type key struct{ AccessKeyID, SecretAccessKey string }
	var made struct {
		Account             string
		Administrator, Root key
	}
	if err := json.Unmarshal([]byte(out), &made); err != nil || made.Account != "210987654321" {
		t.Fatalf("%v: %s", err, out)
	}
	partner := wardertest.Credentials{AccessKeyID: made.Administrator.AccessKeyID, SecretAccessKey: made.Administrator.SecretAccessKey}
	root := wardertest.Credentials{AccessKeyID: made.Root.AccessKeyID, SecretAccessKey: made.Root.SecretAccessKey}
	s.wantCaller(partner, "arn:aws:iam::210987654321:user/administrator")
	s.wantCaller(root, "arn:aws:iam::210987654321:root")
	if _, err := warder(t, "account", "create", "--data", data, "--account", "210987654321"); err == nil {
		t.Error("an account was made twice")
	}
	if _, err := warder(t, "env", "--data", data); err == nil || !strings.Contains(err.Error(), "--account") {
		t.Errorf("warder env chose among two accounts: %v", err)
	}
	if got := envOf(t, "sh", "--data", data, "--account", "210987654321"); got != partner {
		t.Errorf("warder env --account gives %s", got.AccessKeyID)
	}
	if _, err := warder(t, "env", "--data", data, "--account", "000000000000"); err == nil {
		t.Error("warder env of an account that is not there")
	}
	s.stop()
	s = serve(t, "--data", data)
	s.wantCaller(partner, "arn:aws:iam::210987654321:user/administrator")
}
