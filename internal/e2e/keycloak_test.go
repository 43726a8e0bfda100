//go:build unix

package e2e

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Keycloak, an identity provider that many have in their own network, as it comes
// from Maven Central. This version runs on Java 17 and later.
const (
	keycloakVersion = "26.3.5"
	keycloakSHA256  = "95756bdfd7540fafaf28874a8eb8d0d4c55977344a3b7821e9bd3a22bfb2b6a6" // of its zip file
	keycloakAdmin   = "admin-of-the-test"
)

// keycloakHome is an installed Keycloak, which is kept in the user's cache and
// shared by all tests. The first one of a machine fetches it: 150 MB.
func keycloakHome(t testing.TB) string {
	t.Helper()
	java := need(t, "java")
	out, err := exec.Command(java, "-version").CombinedOutput()
	if m := regexp.MustCompile(`version "(\d+)`).FindSubmatch(out); err != nil || m == nil {
		missing(t, "java -version says %q, %v", out, err)
	} else if major, _ := strconv.Atoi(string(m[1])); major < 17 {
		missing(t, "Keycloak needs Java 17, and this is %d", major)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	cache = filepath.Join(cache, "warder-e2e")
	if err := os.MkdirAll(cache, 0o755); err != nil {
		t.Fatal(err)
	}
	lock, err := os.Create(filepath.Join(cache, "lock"))
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	home := filepath.Join(cache, "keycloak-"+keycloakVersion)
	if _, err := os.Stat(filepath.Join(home, "built")); err == nil {
		return home
	}
	if err := os.RemoveAll(home); err != nil {
		t.Fatal(err)
	}
	installKeycloak(t, cache, home)
	return home
}

func installKeycloak(t testing.TB, cache, home string) {
	t.Helper()
	run := func(name string, args ...string) {
		t.Helper()
		cmd := exec.Command(name, args...)
		cmd.Dir, cmd.SysProcAttr = cache, dieWithTest()
		if out, err := cmd.CombinedOutput(); err != nil {
			missing(t, "Keycloak is not to be had: %s: %v: %s", filepath.Base(name), err, lastLines(string(out), 5))
		}
	}
	name := "keycloak-quarkus-dist-" + keycloakVersion + ".zip"
	run(need(t, "mvn"), "-q", "-B", "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy",
		"-Dartifact=org.keycloak:keycloak-quarkus-dist:"+keycloakVersion+":zip", "-DoutputDirectory="+cache)
	archive := filepath.Join(cache, name)
	text, err := os.ReadFile(archive)
	if err != nil {
		t.Fatal(err)
	}
	if sum := sha256.Sum256(text); hex.EncodeToString(sum[:]) != keycloakSHA256 {
		t.Fatalf("%s has the SHA-256 %x", name, sum)
	}
	run(need(t, "unzip"), "-q", "-o", archive)
	run(filepath.Join(home, "bin", "kc.sh"), "build", "--db=dev-mem")
	if err := os.WriteFile(filepath.Join(home, "built"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_ = os.Remove(archive) // what it holds is installed
}

// keycloak is a Keycloak that runs until its test ends, with nothing in it but
// the realm "master".
type keycloak struct {
	t      testing.TB
	url    string // https://127.0.0.1:PORT
	caFile string // of the certificate that vouches for itself
	http   *http.Client
	token  string // of the administrator
}

// startKeycloak starts a Keycloak over TLS on loopback.
func startKeycloak(t testing.TB) *keycloak {
	t.Helper()
	home := keycloakHome(t)
	cert, key := certificate(t)
	pem, err := os.ReadFile(cert)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	port, management := freePort(t), freePort(t)
	k := &keycloak{t: t, url: "https://127.0.0.1:" + port, caFile: cert, http: &http.Client{
		Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}},
		Timeout:   30 * time.Second,
	}}
	log := new(output)
	cmd := exec.Command(filepath.Join(home, "bin", "kc.sh"), "start", "--optimized", "--cache=local", "--hostname="+k.url,
		"--http-host=127.0.0.1", "--https-port="+port, "--https-certificate-file="+cert, "--https-certificate-key-file="+key,
		"--http-management-port="+management)
	cmd.Env = cleanEnv(t, "KC_BOOTSTRAP_ADMIN_USERNAME=admin", "KC_BOOTSTRAP_ADMIN_PASSWORD="+keycloakAdmin,
		"JAVA_OPTS_KC_HEAP=-Xms64m -Xmx512m", "JAVA_HOME="+os.Getenv("JAVA_HOME"))
	cmd.Stdout, cmd.Stderr, cmd.Dir = log, log, t.TempDir()
	cmd.SysProcAttr = dieWithTest()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	t.Cleanup(func() {
		k.http.CloseIdleConnections()
		_ = cmd.Process.Kill()
		<-ended
	})
	select {
	case <-log.waitFor(regexp.MustCompile(`Keycloak (\S+) on JVM`)):
	case <-ended:
		t.Fatalf("Keycloak ended: %s", lastLines(log.String(), 20))
	case <-time.After(3 * time.Minute):
		t.Fatalf("Keycloak does not listen: %s", lastLines(log.String(), 20))
	}
	k.token = k.grant("master", url.Values{
		"grant_type": {"password"}, "client_id": {"admin-cli"}, "username": {"admin"}, "password": {keycloakAdmin},
	})["access_token"].(string)
	return k
}

func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

// do sends a request and gives the answer's body. Any status but 2xx fails the test.
func (k *keycloak) do(r *http.Request) []byte {
	k.t.Helper()
	resp, err := k.http.Do(r)
	if err != nil {
		k.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode/100 != 2 {
		k.t.Fatalf("Keycloak: %s %s: %s %s %v", r.Method, r.URL.Path, resp.Status, body, err)
	}
	return body
}

// grant asks a realm's token endpoint.
func (k *keycloak) grant(realm string, form url.Values) map[string]any {
	k.t.Helper()
	r, err := http.NewRequest(http.MethodPost, k.url+"/realms/"+realm+"/protocol/openid-connect/token", strings.NewReader(form.Encode()))
	if err != nil {
		k.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	var out map[string]any
	if err := json.Unmarshal(k.do(r), &out); err != nil {
		k.t.Fatal(err)
	}
	return out
}

// admin sends JSON to the administration API, at a path behind /admin/realms.
func (k *keycloak) admin(method, path string, body any) []byte {
	k.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		k.t.Fatal(err)
	}
	r, err := http.NewRequest(method, k.url+"/admin/realms"+path, bytes.NewReader(text))
	if err != nil {
		k.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+k.token)
	return k.do(r)
}

// user is the representation of a user of a realm who can sign in by a password.
func (k *keycloak) user(name, password string) map[string]any {
	return map[string]any{
		"username": name, "enabled": true, "email": name + "@example.com", "emailVerified": true,
		"firstName": "First", "lastName": "of " + name,
		"credentials": []any{map[string]any{"type": "password", "value": password, "temporary": false}},
	}
}

func TestKeycloakStarts(t *testing.T) {
	t.Parallel()
	k := startKeycloak(t)
	k.admin(http.MethodPost, "", map[string]any{"realm": "probe", "enabled": true})
	r, err := http.NewRequest(http.MethodGet, k.url+"/realms/probe/protocol/saml/descriptor", nil)
	if err != nil {
		t.Fatal(err)
	}
	if text := k.do(r); !bytes.Contains(text, []byte("IDPSSODescriptor")) {
		t.Errorf("the realm's metadata: %s", text)
	}
}
