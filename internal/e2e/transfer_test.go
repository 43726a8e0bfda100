package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/warder-iam/warder/internal/wardertest"
)

// run runs the warder program and gives what it prints.
func run(t testing.TB, args ...string) (string, error) {
	t.Helper()
	cmd := exec.Command(binary, args...)
	cmd.Env, cmd.Dir, cmd.SysProcAttr = cleanEnv(t), t.TempDir(), dieWithTest()
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return stderr.String(), err
	}
	return string(out), nil
}

// filling is what the account has that is exported and imported. It is typed in
// the shell, with the real CLI, so that the listing is what a user has.
const filling = `set -eu
aws iam create-group --group-name devs
aws iam create-user --user-name alice --path /team/ --tags Key=team,Value=blue
aws iam add-user-to-group --group-name devs --user-name alice
aws iam create-policy --policy-name reports --policy-document '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::reports/${aws:username}/*"}}'
aws iam create-policy-version --policy-arn arn:aws:iam::$ACCOUNT:policy/reports --policy-document '{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}'
aws iam attach-group-policy --group-name devs --policy-arn arn:aws:iam::$ACCOUNT:policy/reports
aws iam attach-user-policy --user-name alice --policy-arn arn:aws:iam::aws:policy/ReadOnlyAccess
aws iam put-user-policy --user-name alice --policy-name own --policy-document '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}}'
aws iam create-role --role-name app --description 'runs it' --max-session-duration 7200 --assume-role-policy-document '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::'$ACCOUNT':user/team/alice"},"Action":"sts:AssumeRole"}}'
aws iam put-role-permissions-boundary --role-name app --permissions-boundary arn:aws:iam::$ACCOUNT:policy/reports
aws iam create-instance-profile --instance-profile-name app
aws iam add-role-to-instance-profile --instance-profile-name app --role-name app
aws iam create-instance-profile --instance-profile-name empty
aws iam create-account-alias --account-alias exported
aws iam update-account-password-policy --minimum-password-length 12 --max-password-age 30
aws iam create-open-id-connect-provider --url https://token.actions.githubusercontent.com --client-id-list sts.amazonaws.com --thumbprint-list 6938fd4d98bab03faadb97b34396831e3780aea1
`

// An account goes through the listing of the real CLI into another server, and
// through warder export back: the same, and decided the same.
func TestImportAndExport(t *testing.T) {
	t.Parallel()
	need(t, "aws")
	source := dataFolder(t)
	from := serve(t, append([]string{"--data", source}, administrator...)...)
	env := append(from.environ(adminKey, "ACCOUNT="+account), "PATH="+os.Getenv("PATH"))
	cli := func(script string) string {
		cmd := exec.Command(need(t, "sh"), "-c", script)
		cmd.Env, cmd.Dir, cmd.SysProcAttr = env, t.TempDir(), dieWithTest()
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return string(out)
	}
	cli(filling)
	listing := filepath.Join(t.TempDir(), "details.json")
	if err := os.WriteFile(listing, []byte(cli("aws iam get-account-authorization-details --output json")), 0o600); err != nil {
		t.Fatal(err)
	}

	data := dataFolder(t)
	to := serve(t, "--data", data)
	out, err := run(t, "import", "aws", "--data", data, listing)
	if err != nil {
		t.Fatalf("import: %v: %s", err, out)
	}
	var made struct {
		Account string
		Users   int
		Root    struct{ AccessKeyID, SecretAccessKey string }
	}
	if err := json.Unmarshal([]byte(out), &made); err != nil || made.Account != account || made.Users != 2 {
		t.Fatalf("import says %s, %v", out, err)
	}
	root := envOf(t, "sh", "--data", data, "--account", account)
	if root.SecretAccessKey != made.Root.SecretAccessKey {
		t.Error("warder env gives another key than import")
	}
	to.wantCaller(root, "arn:aws:iam::"+account+":root")
	if out, err := run(t, "import", "aws", "--data", data, listing); err == nil || !strings.Contains(out, "already") {
		t.Errorf("a second import: %v: %s", err, out)
	}

	again, err := run(t, "export", "--data", data, "--account", account)
	if err != nil {
		t.Fatal(again, err)
	}
	if sameJSON(t, again) != sameJSON(t, read(t, listing)) {
		t.Errorf("exported again:\n%s\nwas\n%s", again, read(t, listing))
	}
	simulate := func(s *server, c wardertest.Credentials) string {
		out, err := s.iam(c).SimulatePrincipalPolicy(t.Context(), &iam.SimulatePrincipalPolicyInput{
			PolicySourceArn: ptr("arn:aws:iam::" + account + ":user/team/alice"),
			ActionNames:     []string{"s3:GetObject", "sts:AssumeRole", "iam:ListUsers", "iam:CreateUser"},
			ResourceArns:    []string{"arn:aws:s3:::reports/alice/x", "arn:aws:iam::" + account + ":role/app"},
		})
		if err != nil {
			t.Fatal(err)
		}
		text, _ := json.Marshal(out.EvaluationResults)
		return string(text)
	}
	if a, b := simulate(from, adminKey), simulate(to, root); a != b {
		t.Errorf("decided\n%s\nand in the import\n%s", a, b)
	}

	// Everything, through a folder, into a third.
	folder := filepath.Join(t.TempDir(), "backup")
	if out, err := run(t, "export", "--data", source, "--dir", folder); err != nil {
		t.Fatal(out, err)
	}
	files, err := filepath.Glob(filepath.Join(folder, "*"))
	if err != nil || len(files) < 6 {
		t.Fatalf("exported %v, %v", files, err)
	}
	third := dataFolder(t)
	s := serve(t, "--data", third)
	if out, err := run(t, append([]string{"import", "aws", "--data", third}, files...)...); err != nil {
		t.Fatal(out, err)
	}
	key := envOf(t, "sh", "--data", third, "--account", account)
	role, err := s.iam(key).GetRole(t.Context(), &iam.GetRoleInput{RoleName: ptr("app")})
	if err != nil || *role.Role.MaxSessionDuration != 7200 || *role.Role.Description != "runs it" {
		t.Errorf("role %+v, %v", role, err)
	}
	if _, err := s.iam(key).GetInstanceProfile(t.Context(), &iam.GetInstanceProfileInput{InstanceProfileName: ptr("empty")}); err != nil {
		t.Error(err)
	}
	provider, err := s.iam(key).GetOpenIDConnectProvider(t.Context(), &iam.GetOpenIDConnectProviderInput{OpenIDConnectProviderArn: ptr("arn:aws:iam::" + account + ":oidc-provider/token.actions.githubusercontent.com")})
	if err != nil || len(provider.ClientIDList) != 1 {
		t.Errorf("provider %+v, %v", provider, err)
	}
	second := filepath.Join(t.TempDir(), "again")
	if out, err := run(t, "export", "--data", third, "--account", account, "--dir", second); err != nil {
		t.Fatal(out, err)
	}
	for _, f := range files {
		if a, b := read(t, f), read(t, filepath.Join(second, filepath.Base(f))); a != b {
			t.Errorf("%s of the second export is\n%s\nwas\n%s", filepath.Base(f), b, a)
		}
	}
	if out, err := run(t, "export", "--data", third, "--account", account, "--dir", second); err == nil {
		t.Errorf("exported over another export: %s", out)
	}
}

func read(t testing.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// sameJSON is a listing without what printers differ in: the order of members,
// spaces, and how UTC is written.
func sameJSON(t testing.TB, text string) string {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	out, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(out), "+00:00\"", "Z\"")
}
