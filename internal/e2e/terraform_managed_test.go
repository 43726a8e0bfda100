package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
)

// The AWS provider finds AWS managed policies by ARN, name and path, attaches
// them, finds nothing to change afterwards, and takes them off.
func TestTerraformManagedPolicies(t *testing.T) {
	t.Parallel()
	path, plugins := need(t, "terraform"), pluginFolder(t)
	s := serveMemory(t)
	tf := &terraform{server: s, path: path, dir: t.TempDir(), state: "terraform.tfstate"}
	text, err := os.ReadFile(filepath.Join("testdata", "terraform-managed", "main.tf"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(tf.dir, "main.tf"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	tf.must(0, "init", "-no-color", "-plugin-dir="+plugins)
	tf.must(0, tf.with("apply", "-auto-approve")...)
	var checks struct{ ARN, ID, Path, Statement string }
	tf.outputs("checks", &checks)
	if checks.ARN != "arn:aws:iam::aws:policy/ReadOnlyAccess" || checks.ID != "ANPAIWMBCKSKIEE64ZLYK" || checks.Path != "/service-role/" || checks.Statement != "*" {
		t.Errorf("the data sources read %+v", checks)
	}
	tf.must(0, tf.with("plan", "-detailed-exitcode")...)

	client := s.iam(adminKey)
	attached, err := client.ListAttachedRolePolicies(t.Context(), &iam.ListAttachedRolePoliciesInput{RoleName: aws.String("function")})
	if err != nil || len(attached.AttachedPolicies) != 3 {
		t.Errorf("the role has %v, %v", attached, err)
	}
	if out := tf.must(0, tf.with("destroy", "-auto-approve")...); !strings.Contains(out, "Destroy complete!") {
		t.Errorf("destroy says %s", lastLines(out, 5))
	}
	policies, err := client.ListPolicies(t.Context(), &iam.ListPoliciesInput{OnlyAttached: true})
	if err != nil || len(policies.Policies) != 0 {
		t.Errorf("destroy has left attached %v, %v", policies, err)
	}
}
