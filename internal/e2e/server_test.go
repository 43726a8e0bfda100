package e2e

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/warder-iam/warder/internal/wardertest"
)

// binary is the warder program under test, made once by TestMain.
var binary string

func TestMain(m *testing.M) {
	flag.Parse()
	if testing.Short() {
		fmt.Println("SKIPPED: internal/e2e starts real servers and clients; -short leaves it out")
		return
	}
	os.Exit(buildAndRun(m))
}

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "warder-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "warder")
	build := exec.Command("go", "build", "-o", binary, "github.com/warder-iam/warder/cmd/warder")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building warder: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// The account that most tests begin with, and its administrator's key.
const (
	account     = "123456789012"
	adminKeyID  = "AKIAEXAMPLEWARDERE2E"
	adminSecret = "e2e-administrator-0123456789abcdefghijkl"
)

var adminKey = wardertest.Credentials{AccessKeyID: adminKeyID, SecretAccessKey: adminSecret}

// administrator are the flags that make the account above.
var administrator = []string{
	"--account", account, "--admin-access-key-id", adminKeyID, "--admin-secret-access-key", adminSecret,
}

// server is one run of `warder serve`.
type server struct {
	t      testing.TB
	url    string
	stdout *output
	log    *output
	cmd    *exec.Cmd
	ended  chan struct{} // closed when the process has
	err    error         // how it ended
}

// serve starts a server that listens on a free loopback port, and returns when
// it does. It ends with the test, which fails if there is an error in the log.
func serve(t testing.TB, flags ...string) *server {
	t.Helper()
	s, err := tryServe(t, flags...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// serveMemory is the server for tests of what the clients see: nothing on disk,
// the hooks for tests on, the account and administrator above.
func serveMemory(t testing.TB) *server {
	t.Helper()
	return serve(t, append([]string{"--store", "memory", "--test-hooks"}, administrator...)...)
}

// tryServe is serve for a test that expects that the server may refuse to start.
func tryServe(t testing.TB, flags ...string) (*server, error) {
	t.Helper()
	return spawn(t, flags...).listening()
}

// serveWith is serve with variables in the environment.
func serveWith(t testing.TB, env []string, flags ...string) *server {
	t.Helper()
	s, err := spawnWith(t, env, flags...).listening()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// listening waits until the server listens or has ended.
func (s *server) listening() (*server, error) {
	s.t.Helper()
	select {
	case <-s.log.waitFor(regexp.MustCompile(`msg=listening url=(\S+)`)):
		s.url = s.log.found()
		return s, nil
	case <-s.ended:
		return nil, fmt.Errorf("%q ended with %v: %s", s.cmd.Args, s.err, s.log)
	case <-time.After(60 * time.Second):
		s.t.Fatalf("%q does not listen: %s", s.cmd.Args, s.log)
		return nil, nil
	}
}

// spawn starts `warder serve` and waits for nothing.
func spawn(t testing.TB, flags ...string) *server {
	t.Helper()
	return spawnWith(t, nil, flags...)
}

func spawnWith(t testing.TB, env []string, flags ...string) *server {
	t.Helper()
	args := append([]string{"serve", "--listen", "127.0.0.1:0", "--log-level", "debug"}, flags...)
	s := &server{t: t, stdout: new(output), log: new(output), ended: make(chan struct{})}
	s.cmd = exec.Command(binary, args...)
	s.cmd.Env = cleanEnv(t, env...)
	s.cmd.Stdout, s.cmd.Stderr = s.stdout, s.log
	s.cmd.SysProcAttr = dieWithTest()
	s.cmd.Dir = t.TempDir()
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		s.err = s.cmd.Wait()
		close(s.ended)
	}()
	t.Cleanup(s.stop)
	return s
}

// stop ends the server as a user would, with SIGTERM, and checks that it ended
// well. Stopping a server that has ended does nothing.
func (s *server) stop() {
	select {
	case <-s.ended:
		return
	default:
	}
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.ended:
		if s.err != nil {
			s.t.Errorf("the server ended with %v: %s", s.err, s.log)
		}
	case <-time.After(20 * time.Second):
		s.t.Errorf("the server does not end on SIGTERM")
		s.kill()
	}
	s.checkLog()
}

// kill ends the server with SIGKILL.
func (s *server) kill() {
	_ = s.cmd.Process.Kill()
	<-s.ended
}

// checkLog fails the test for what no request may lead to, however bad it is.
func (s *server) checkLog() {
	s.t.Helper()
	for line := range strings.Lines(s.log.String()) {
		if strings.Contains(line, "level=ERROR") || strings.Contains(line, "panic") {
			s.t.Errorf("the server logged: %s", line)
		}
	}
}

// output is what a process writes, as it comes.
type output struct {
	mu      sync.Mutex
	text    bytes.Buffer
	pattern *regexp.Regexp
	match   string
	seen    chan struct{}
}

// Write implements io.Writer.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.text.Write(p)
	o.look()
	return len(p), nil
}

func (o *output) look() {
	if o.pattern == nil {
		return
	}
	if m := o.pattern.FindSubmatch(o.text.Bytes()); m != nil {
		o.match = string(m[1])
		o.pattern = nil
		close(o.seen)
	}
}

// wait gives what is written, once the pattern is in it.
func (o *output) wait(t testing.TB, pattern string) string {
	t.Helper()
	select {
	case <-o.waitFor(regexp.MustCompile("(" + pattern + ")")):
	case <-time.After(20 * time.Second):
		t.Fatalf("%q is not in: %s", pattern, o)
	}
	return o.String()
}

// waitFor gives a channel that is closed when the pattern has been written.
func (o *output) waitFor(pattern *regexp.Regexp) <-chan struct{} {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.pattern, o.seen = pattern, make(chan struct{})
	o.look()
	return o.seen
}

// found is the first group of the pattern that was waited for.
func (o *output) found() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.match
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// cleanEnv is the environment of every process: nothing of the user's AWS or
// Warder settings, no instance metadata, no pager.
func cleanEnv(t testing.TB, more ...string) []string {
	empty := filepath.Join(home(t), "empty")
	return append([]string{
		"PATH=" + filepath.Dir(binary) + string(os.PathListSeparator) + os.Getenv("PATH"),
		"HOME=" + home(t), "TMPDIR=" + os.TempDir(), "LANG=C.UTF-8", "LC_ALL=C.UTF-8",
		"AWS_CONFIG_FILE=" + empty, "AWS_SHARED_CREDENTIALS_FILE=" + empty, "AWS_EC2_METADATA_DISABLED=true",
		"AWS_PAGER=", "AWS_MAX_ATTEMPTS=1", "AWS_REGION=us-east-1", "AWS_DEFAULT_REGION=us-east-1",
	}, more...)
}

var homes sync.Map // of testing.TB

// home is an empty home directory, one a test.
func home(t testing.TB) string {
	if dir, ok := homes.Load(t); ok {
		return dir.(string)
	}
	dir := t.TempDir()
	homes.Store(t, dir)
	return dir
}

// warder runs another command of the program and gives its standard output.
func warder(t testing.TB, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Env = cleanEnv(t)
	cmd.SysProcAttr = dieWithTest()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return stdout.String(), fmt.Errorf("warder %s: %w: %s", strings.Join(args, " "), err, stderr.String())
	}
	return stdout.String(), nil
}

// dataFolder makes a data folder. Its path is short, as that of a socket must be.
func dataFolder(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "warder-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}
