package e2e

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The checks are in testdata/boto3_client.py.
func TestBoto3(t *testing.T) {
	t.Parallel()
	python := need(t, "python3")
	probe := exec.Command(python, "-c", "import boto3")
	if out, err := probe.CombinedOutput(); err != nil {
		missing(t, "boto3 is not installed: %s", lastLines(string(out), 1))
	}
	script, err := filepath.Abs(filepath.Join("testdata", "boto3_client.py"))
	if err != nil {
		t.Fatal(err)
	}
	s := serveMemory(t)
	cmd := exec.Command(python, "-B", "-W", "error::UserWarning", script)
	cmd.Env, cmd.Dir, cmd.SysProcAttr = s.environ(adminKey), t.TempDir(), dieWithTest()
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.HasSuffix(string(out), "ok\n") {
		t.Errorf("%v\n%s\nthe server: %s", err, out, lastLines(s.log.String(), 3))
	}
}
