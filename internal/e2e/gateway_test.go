//go:build unix

package e2e

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// versitygw is an S3 gateway in front of a folder: its buckets are folders, its
// objects files, their metadata extended attributes.
const versitygw = "github.com/versity/versitygw/cmd/versitygw@v1.8.0"

// gatewayProgram is the installed gateway, which is kept in the user's cache. The
// first test of a machine builds it, which takes a minute.
func gatewayProgram(t testing.TB) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(cache, "warder-e2e", "versitygw-v1.8.0")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	lock, err := os.Create(filepath.Join(dir, "lock"))
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "versitygw")
	if _, err := os.Stat(program); err == nil {
		return program
	}
	install := exec.Command(need(t, "go"), "install", versitygw)
	install.Env, install.Dir, install.SysProcAttr = append(os.Environ(), "GOBIN="+dir, "GOFLAGS="), dir, dieWithTest()
	if out, err := install.CombinedOutput(); err != nil {
		missing(t, "versitygw is not to be had: %v: %s", err, lastLines(string(out), 5))
	}
	return program
}

// gateway is an S3 endpoint whose buckets are folders.
type gateway struct {
	t       testing.TB
	address string
	dir     string // of the buckets
	cmd     *exec.Cmd
	held    net.Listener // on its port, while it is away
}

// newGateway makes an endpoint with empty buckets, and starts it. It knows the
// same access key as Warder, so that a client needs one only.
func newGateway(t testing.TB, buckets ...string) *gateway {
	t.Helper()
	g := &gateway{t: t, address: "127.0.0.1:" + freePort(t), dir: dataFolder(t)}
	for _, name := range buckets {
		if err := os.Mkdir(filepath.Join(g.dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	g.start()
	t.Cleanup(func() {
		g.stop()
		g.held.Close()
	})
	return g
}

func (g *gateway) url() string { return "http://" + g.address }

// environ is what Warder is to know of it.
func (g *gateway) environ() []string {
	return []string{"WARDER_BUCKETS_ACCESS_KEY_ID=" + adminKeyID, "WARDER_BUCKETS_SECRET_ACCESS_KEY=" + adminSecret}
}

func (g *gateway) start() {
	g.t.Helper()
	if g.held != nil {
		g.held.Close()
	}
	log := new(output)
	g.cmd = exec.Command(gatewayProgram(g.t), "--quiet", "--port", g.address, "--access", adminKeyID, "--secret", adminSecret, "posix", g.dir)
	g.cmd.Env, g.cmd.Dir, g.cmd.Stdout, g.cmd.Stderr, g.cmd.SysProcAttr = cleanEnv(g.t), g.t.TempDir(), log, log, dieWithTest()
	if err := g.cmd.Start(); err != nil {
		g.t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		if conn, err := net.Dial("tcp", g.address); err == nil {
			conn.Close()
			return
		}
		if time.Now().After(deadline) {
			g.t.Fatalf("the gateway does not listen: %s", log)
		}
	}
}

func (g *gateway) stop() {
	if g.cmd != nil {
		_ = g.cmd.Process.Kill()
		_ = g.cmd.Wait()
		g.cmd = nil
	}
	// Another test's server must not get the port meanwhile, and answer.
	var err error
	if g.held, err = net.Listen("tcp", g.address); err != nil {
		g.t.Fatalf("the gateway's port is gone: %v", err)
	}
	go func(held net.Listener) {
		for {
			conn, err := held.Accept()
			if err != nil {
				return
			}
			conn.Close()
		}
	}(g.held)
}

// keys are the objects whose keys match a pattern, as files.
func (g *gateway) keys(pattern string) []string {
	g.t.Helper()
	files, err := filepath.Glob(filepath.Join(g.dir, pattern))
	if err != nil {
		g.t.Fatal(err)
	}
	return files
}
