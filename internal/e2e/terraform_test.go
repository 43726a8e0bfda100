package e2e

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/iam"
)

// pluginFolder finds the folder that has the AWS provider for Terraform, as
// terraform's -plugin-dir wants it: the one above registry.terraform.io.
func pluginFolder(t testing.TB) string {
	t.Helper()
	switch dir := os.Getenv("WARDER_TERRAFORM_PLUGINS"); dir {
	case "":
	case "none":
		t.Skip("SKIPPED: WARDER_TERRAFORM_PLUGINS=none")
	default:
		return dir
	}
	roots := []string{"/opt", "/usr/local/share/terraform", "/usr/share/terraform", "/usr/local/lib", "/var/lib/terraform"}
	if user, err := os.UserHomeDir(); err == nil {
		roots = append(roots, filepath.Join(user, ".terraform.d"), filepath.Join(user, ".local/share/terraform"))
	}
	for _, root := range roots {
		var found string
		_ = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err == nil && strings.HasPrefix(d.Name(), "terraform-provider-aws_v5") && !d.IsDir() {
				found = path
				return fs.SkipAll
			}
			return nil // folders that cannot be read are no place for plugins
		})
		if dir, _, ok := strings.Cut(found, string(filepath.Separator)+"registry.terraform.io"+string(filepath.Separator)); ok {
			return dir
		}
	}
	missing(t, "no Terraform provider for AWS, version 5, under %q: name its folder in WARDER_TERRAFORM_PLUGINS", roots)
	return ""
}

// terraform is one configuration in one folder.
type terraform struct {
	*server
	path, dir, state string
	vars             []string
}

// run runs a command of terraform and gives what it prints and its exit status.
func (tf *terraform) run(args ...string) (string, int) {
	tf.t.Helper()
	cmd := exec.Command(tf.path, append([]string{"-chdir=" + tf.dir}, args...)...)
	cmd.Env = tf.environ(adminKey, "CHECKPOINT_DISABLE=1", "TF_IN_AUTOMATION=1", "TF_INPUT=0",
		"TF_CLI_CONFIG_FILE="+os.DevNull, "TF_VAR_endpoint="+tf.url)
	cmd.SysProcAttr = dieWithTest()
	out, err := cmd.CombinedOutput()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return string(out), exit.ExitCode()
	} else if err != nil {
		tf.t.Fatal(err)
	}
	return string(out), 0
}

// must runs a command that has to end with a status.
func (tf *terraform) must(status int, args ...string) string {
	tf.t.Helper()
	out, got := tf.run(args...)
	if got != status {
		tf.t.Fatalf("terraform %q: status %d, want %d: %s\nthe server: %s", args, got, status, lastLines(out, 40), lastLines(tf.log.String(), 3))
	}
	return out
}

func (tf *terraform) with(command string, more ...string) []string {
	args := []string{command, "-no-color", "-state=" + tf.state}
	return append(append(args, tf.vars...), more...)
}

func (tf *terraform) outputs(name string, into any) {
	tf.t.Helper()
	text := tf.must(0, "output", "-no-color", "-json", "-state="+tf.state, name)
	if err := json.Unmarshal([]byte(text), into); err != nil {
		tf.t.Fatalf("output %s: %v: %s", name, err, text)
	}
}

// The AWS provider applies a configuration, finds nothing to change afterwards,
// takes it over into an empty state, changes it and takes it away.
func TestTerraform(t *testing.T) {
	t.Parallel()
	path, plugins := need(t, "terraform"), pluginFolder(t)
	s := serveMemory(t)
	tf := &terraform{server: s, path: path, dir: t.TempDir(), state: "terraform.tfstate"}
	text, err := os.ReadFile(filepath.Join("testdata", "terraform", "main.tf"))
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(tf.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("main.tf", string(text))
	resources := len(regexp.MustCompile(`(?m)^resource "`).FindAllString(string(text), -1))
	if resources < 20 {
		t.Fatalf("the configuration has %d resources", resources)
	}
	tf.must(0, "init", "-no-color", "-plugin-dir="+plugins)

	out := tf.must(0, tf.with("apply", "-auto-approve")...)
	if n := regexp.MustCompile(`Resources: (\d+) added, 0 changed, 0 destroyed`).FindStringSubmatch(out); n == nil {
		t.Errorf("apply says %s", lastLines(out, 30))
	}
	var checks struct {
		Account, User, Boundary, Role, Profile, Alias string
		Duration, Password                            int
		Members                                       []string
		Policy, Simulated                             bool
		Tags                                          map[string]string
	}
	tf.outputs("checks", &checks)
	if checks.Account != account || checks.User != "arn:aws:iam::"+account+":user/people/alice" ||
		checks.Boundary != "arn:aws:iam::"+account+":policy/boundaries/boundary" || checks.Role != "arn:aws:iam::"+account+":role/services/service" ||
		checks.Profile != "service" || checks.Alias != "example-platform" || checks.Duration != 3600 || checks.Password != 24 ||
		!slices.Equal(checks.Members, []string{"alice", "bob"}) || !checks.Policy || checks.Simulated || checks.Tags["team"] != "platform" || checks.Tags["mail"] != "alice@example.com" {
		t.Errorf("the data sources read %+v", checks)
	}
	tf.must(0, tf.with("plan", "-detailed-exitcode")...)

	// The key that Terraform made is a key.
	var key string
	tf.outputs("access_key", &key)
	id, secret, _ := strings.Cut(key, " ")
	alice := adminKey
	alice.AccessKeyID, alice.SecretAccessKey = id, secret
	s.wantCaller(alice, "arn:aws:iam::"+account+":user/people/alice")

	t.Run("import", func(t *testing.T) { tf.importAll(t, write) })

	// A change of tags, policies and settings.
	tf.vars = []string{"-var=team=security", `-var=actions=["s3:GetObject","s3:PutObject"]`,
		"-var=max_session_duration=7200", "-var=minimum_password_length=16"}
	tf.must(0, tf.with("apply", "-auto-approve")...)
	tf.must(0, tf.with("plan", "-detailed-exitcode")...)
	tf.outputs("checks", &checks)
	if checks.Alias != "example-security" || checks.Duration != 7200 || checks.Tags["team"] != "security" {
		t.Errorf("after the change the data sources read %+v", checks)
	}
	s.wantCaller(alice, "arn:aws:iam::"+account+":user/people/alice")

	// What somebody changes behind its back, Terraform notices and puts right.
	if _, err := s.iam(adminKey).UpdateRole(t.Context(), &iam.UpdateRoleInput{RoleName: ptr("service"), Description: ptr("Changed by hand")}); err != nil {
		t.Error(err)
	}
	// With it a rename. The provider tags a user by its new name before it renames
	// it, so the two cannot be changed at once, here as in AWS.
	tf.vars = append(tf.vars, "-var=user=alicia")
	before, err := s.iam(adminKey).GetUser(t.Context(), &iam.GetUserInput{UserName: ptr("alice")})
	if err != nil {
		t.Fatal(err)
	}
	if out := tf.must(0, tf.with("apply", "-auto-approve")...); !strings.Contains(out, "Changed by hand") {
		t.Errorf("the plan misses the change by hand: %s", out)
	}
	tf.must(0, tf.with("plan", "-detailed-exitcode")...)
	after, err := s.iam(adminKey).GetUser(t.Context(), &iam.GetUserInput{UserName: ptr("alicia")})
	if err != nil {
		t.Fatal(err)
	}
	if *before.User.UserId != *after.User.UserId || *after.User.Arn != "arn:aws:iam::"+account+":user/people/alicia" {
		t.Errorf("the rename made %s of %s", *after.User.UserId, *before.User.UserId)
	}

	out = tf.must(0, tf.with("destroy", "-auto-approve")...)
	if !strings.Contains(out, "Destroy complete!") {
		t.Errorf("destroy says %s", lastLines(out, 5))
	}
	left, err := s.iam(adminKey).GetAccountAuthorizationDetails(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	local := 0
	for _, p := range left.Policies {
		if !strings.HasPrefix(*p.Arn, "arn:aws:iam::aws:") {
			local++
		}
	}
	if len(left.UserDetailList) != 1 || len(left.GroupDetailList)+len(left.RoleDetailList)+local != 0 {
		t.Errorf("destroy has left %d users, %d groups, %d roles, %d policies", len(left.UserDetailList), len(left.GroupDetailList), len(left.RoleDetailList), local)
	}
}

// importAll takes every resource over into an empty state, by import blocks,
// and checks that the plan for it creates, changes and destroys nothing but
// what no import can know.
func (tf *terraform) importAll(t *testing.T, write func(name, text string)) {
	var ids struct {
		AccessKey  string `json:"access_key"`
		PeopleRole string `json:"people_role"`
	}
	tf.outputs("ids", &ids)
	text, err := os.ReadFile(filepath.Join("testdata", "terraform", "imports.tf.txt"))
	if err != nil {
		t.Fatal(err)
	}
	write("imports.tf", strings.NewReplacer("ACCOUNT", account, "ACCESS_KEY", ids.AccessKey, "PEOPLE_ROLE", ids.PeopleRole).Replace(string(text)))
	imports := strings.Count(string(text), "import {")
	fresh := *tf
	fresh.state = "fresh.tfstate"
	out, status := fresh.run(fresh.with("plan", "-out=fresh.plan")...)
	if status != 0 {
		t.Fatalf("plan of the imports: %s", out)
	}
	type change struct {
		Address, Mode string
		Change        struct {
			Actions       []string
			Before, After map[string]any
			Importing     *struct{ ID string }
		}
	}
	var plan struct {
		Changes []change `json:"resource_changes"`
	}
	if err := json.Unmarshal([]byte(tf.must(0, "show", "-no-color", "-json", "fresh.plan")), &plan); err != nil {
		t.Fatal(err)
	}
	imported := 0
	for _, c := range plan.Changes {
		switch {
		case c.Mode == "data":
		case c.Change.Importing != nil && (slices.Equal(c.Change.Actions, []string{"no-op"}) || onlyLocal(c.Change.Before, c.Change.After)):
			imported++
		// The one resource that cannot be imported has nothing to it but its members.
		case c.Address == "aws_iam_group_membership.developers":
		default:
			t.Errorf("importing %s means to %v it: %v → %v", c.Address, c.Change.Actions, c.Change.Before, c.Change.After)
		}
	}
	if imported != imports {
		t.Errorf("%d of %d resources were imported", imported, imports)
	}
	if err := os.Remove(filepath.Join(tf.dir, "imports.tf")); err != nil {
		t.Fatal(err)
	}
}

// onlyLocal says whether a change is of settings that the provider keeps in the
// state alone, so that no import can find them.
func onlyLocal(before, after map[string]any) bool {
	local := []string{"force_destroy", "force_detach_policies", "password_length", "password_reset_required", "name_prefix"}
	for name, value := range after {
		was, _ := json.Marshal(before[name])
		is, _ := json.Marshal(value)
		if string(was) != string(is) && !slices.Contains(local, name) {
			return false
		}
	}
	return true
}
