package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The checks are in testdata/boto3_report.py.
func TestBoto3Report(t *testing.T) {
	t.Parallel()
	python := need(t, "python3")
	if out, err := exec.Command(python, "-c", "import boto3").CombinedOutput(); err != nil {
		missing(t, "boto3 is not installed: %s", lastLines(string(out), 1))
	}
	script, err := filepath.Abs(filepath.Join("testdata", "boto3_report.py"))
	if err != nil {
		t.Fatal(err)
	}
	s := serveMemory(t)
	cmd := exec.Command(python, "-B", script)
	cmd.Env, cmd.Dir, cmd.SysProcAttr = s.environ(adminKey), t.TempDir(), dieWithTest()
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.HasSuffix(string(out), "ok\n") {
		t.Errorf("%v\n%s\nthe server: %s", err, out, lastLines(s.log.String(), 3))
	}
}

func TestTerraformServiceCredentials(t *testing.T) {
	t.Parallel()
	path, plugins := need(t, "terraform"), pluginFolder(t)
	tf := &terraform{server: serveMemory(t), path: path, dir: t.TempDir(), state: "terraform.tfstate"}
	text := readFile(t, filepath.Join("testdata", "terraform"), "servicecredentials.tf")
	if err := os.WriteFile(filepath.Join(tf.dir, "main.tf"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	tf.must(0, "init", "-no-color", "-plugin-dir="+plugins)
	tf.must(0, tf.with("apply", "-auto-approve")...)
	tf.must(0, tf.with("plan", "-detailed-exitcode")...)
	var logins []string
	tf.outputs("logins", &logins)
	if want := []string{"git+1-at-" + account, "git-at-" + account}; !slices.Equal(logins, want) {
		t.Errorf("made %q, want %q", logins, want)
	}
	tf.vars = []string{"-var=status=Inactive"}
	tf.must(0, tf.with("apply", "-auto-approve")...)
	tf.must(0, tf.with("plan", "-detailed-exitcode")...)
	tf.must(0, tf.with("destroy", "-auto-approve")...)
}
