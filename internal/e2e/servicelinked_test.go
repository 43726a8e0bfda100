package e2e

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/iam"
)

// Terraform makes service-linked roles, with a suffix and without, takes one
// over by its ARN, changes what may be changed and waits for their deletion.
func TestTerraformServiceLinkedRoles(t *testing.T) {
	t.Parallel()
	path, plugins := need(t, "terraform"), pluginFolder(t)
	s := serveMemory(t)
	tf := &terraform{server: s, path: path, dir: t.TempDir(), state: "terraform.tfstate"}
	text, err := os.ReadFile(filepath.Join("testdata", "servicelinked", "main.tf"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(tf.dir, "main.tf"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	tf.must(0, "init", "-no-color", "-plugin-dir="+plugins)

	// The first role is there already: someone else made it.
	linked, err := s.iam(adminKey).CreateServiceLinkedRole(t.Context(), &iam.CreateServiceLinkedRoleInput{AWSServiceName: ptr("ecs.amazonaws.com")})
	if err != nil {
		t.Fatal(err)
	}
	tf.must(0, tf.with("import", "aws_iam_service_linked_role.ecs", *linked.Role.Arn)...)
	tf.must(0, tf.with("apply", "-auto-approve")...)
	tf.must(0, tf.with("plan", "-detailed-exitcode")...)

	tf.vars = []string{"-var=description=changed", "-var=team=security"}
	tf.must(0, tf.with("apply", "-auto-approve")...)
	var arns []string
	tf.outputs("arns", &arns)
	for i, want := range []string{"ecs.amazonaws.com/AWSServiceRoleForECS", "autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling_blue"} {
		if want = "arn:aws:iam::" + account + ":role/aws-service-role/" + want; i >= len(arns) || arns[i] != want {
			t.Fatalf("the roles are %q, want %s", arns, want)
		}
	}
	got, err := s.iam(adminKey).GetRole(t.Context(), &iam.GetRoleInput{RoleName: linked.Role.RoleName})
	if err != nil {
		t.Fatal(err)
	}
	if *got.Role.RoleId != *linked.Role.RoleId || *got.Role.Description != "changed" || len(got.Role.Tags) != 1 || *got.Role.Tags[0].Value != "security" {
		t.Errorf("the role is %+v", got.Role)
	}

	tf.must(0, tf.with("destroy", "-auto-approve")...)
	left, err := s.iam(adminKey).ListRoles(t.Context(), nil)
	if err != nil || len(left.Roles) != 0 {
		t.Errorf("destroy has left %+v, %v", left, err)
	}
}
