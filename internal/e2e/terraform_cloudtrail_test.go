package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
)

// The AWS provider makes trails and an event data store, finds nothing to change
// afterwards, changes them, takes them over into an empty state and takes them away.
func TestTerraformCloudTrail(t *testing.T) {
	t.Parallel()
	path, plugins := need(t, "terraform"), pluginFolder(t)
	buckets := t.TempDir()
	for _, name := range []string{"audit-logs", "other-logs"} {
		if err := os.Mkdir(filepath.Join(buckets, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	s := serve(t, append([]string{"--store", "memory", "--test-hooks", "--trail", t.TempDir(), "--buckets", buckets}, administrator...)...)
	tf := &terraform{server: s, path: path, dir: t.TempDir(), state: "terraform.tfstate"}
	text, err := os.ReadFile(filepath.Join("testdata", "terraform-cloudtrail", "main.tf"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(tf.dir, "main.tf"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	tf.must(0, "init", "-no-color", "-plugin-dir="+plugins)
	tf.must(0, tf.with("apply", "-auto-approve")...)
	var checks struct{ ARN, Region, Store string }
	tf.outputs("checks", &checks)
	if checks.ARN != "arn:aws:cloudtrail:us-east-1:"+account+":trail/basic" || checks.Region != "us-east-1" {
		t.Errorf("%+v", checks)
	}
	tf.must(0, tf.with("plan", "-detailed-exitcode")...)

	client := cloudtrail.New(cloudtrail.Options{BaseEndpoint: &s.url, Region: "us-east-1",
		Credentials: credentials.StaticCredentialsProvider{Value: adminKey}})
	logging := func() bool {
		t.Helper()
		out, err := client.GetTrailStatus(t.Context(), &cloudtrail.GetTrailStatusInput{Name: &checks.ARN})
		if err != nil {
			t.Fatal(err)
		}
		return *out.IsLogging
	}
	if !logging() {
		t.Error("the trail is not logging")
	}

	// What is there comes into an empty state; a trail's import does not know whether
	// to stop or start it, so that much may be planned.
	var imports strings.Builder
	for address, id := range map[string]string{
		"aws_cloudtrail.plain": "arn:aws:cloudtrail:us-east-1:" + account + ":trail/plain", "aws_cloudtrail.basic": checks.ARN,
		"aws_cloudtrail.advanced": "arn:aws:cloudtrail:us-east-1:" + account + ":trail/advanced", "aws_cloudtrail_event_data_store.lake": checks.Store,
	} {
		fmt.Fprintf(&imports, "import {\n  to = %s\n  id = %q\n}\n", address, id)
	}
	file := filepath.Join(tf.dir, "imports.tf")
	if err := os.WriteFile(file, []byte(imports.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	fresh := *tf
	fresh.state = "fresh.tfstate"
	if out := fresh.must(0, fresh.with("plan")...); !regexp.MustCompile(`Plan: 4 to import, 0 to add, \d to change, 0 to destroy`).MatchString(out) {
		t.Errorf("the import: %s", lastLines(out, 40))
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}

	tf.vars = []string{"-var=bucket=other-logs", "-var=read_write=All", "-var=excluded=rdsdata.amazonaws.com", "-var=logging=false", "-var=team=security", "-var=retention=120"}
	if out := tf.must(0, tf.with("apply", "-auto-approve")...); !strings.Contains(out, "0 added, 3 changed, 0 destroyed") {
		t.Errorf("the change: %s", lastLines(out, 10))
	}
	tf.must(0, tf.with("plan", "-detailed-exitcode")...)
	if logging() {
		t.Error("the trail is still logging")
	}

	if out := tf.must(0, tf.with("destroy", "-auto-approve")...); !strings.Contains(out, "Destroy complete!") {
		t.Errorf("destroy says %s", lastLines(out, 5))
	}
	if left, err := client.ListTrails(t.Context(), nil); err != nil || len(left.Trails) != 0 {
		t.Errorf("destroy has left %+v, %v", left, err)
	}
}
