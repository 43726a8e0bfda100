package e2e

import (
	"path/filepath"
	"strings"
	"testing"
)

// A person signs in with a password on the command line, changes it because it must
// be changed, and goes on with the aws CLI, which finds the sign-in in the trail.
func TestSignInByPassword(t *testing.T) {
	t.Parallel()
	data := dataFolder(t)
	s := serve(t, append([]string{"--data", data, "--trail", filepath.Join(data, "trail")}, administrator...)...)
	admin := append(s.environ(adminKey), "AWS_DEFAULT_REGION=us-east-1")
	out, err := shell(t, "sh", `set -eu
aws iam create-account-alias --account-alias example-corp
aws iam create-user --user-name alice
aws iam attach-user-policy --user-name alice --policy-arn arn:aws:iam::aws:policy/IAMUserChangePassword
aws iam create-login-profile --user-name alice --password 'First-Passw0rd' --password-reset-required
`, admin...)
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	signIn := func(answers string) (string, error) {
		script := `set -eu
export AWS_SESSION_TOKEN=stale
env="$(printf '` + answers + `' | warder signin --account example-corp --user-name alice --url ` + s.url + `)"
eval "$env"
aws sts get-caller-identity --query Arn --output text`
		return shell(t, "sh", script)
	}
	for _, tt := range []struct{ answers, want string }{
		{`Wrong-Passw0rd\n`, "Your authentication information is incorrect. Please try again."},
		{`First-Passw0rd\n`, "there is no answer to"},
		{`First-Passw0rd\nshort\n`, "Password should have a minimum length of 8"},
	} {
		if out, err := signIn(tt.answers); err == nil || !strings.Contains(out, tt.want) {
			t.Errorf("%s: %v: %s", tt.answers, err, out)
		}
	}
	for _, answers := range []string{`First-Passw0rd\nSecond-Passw0rd\n`, `Second-Passw0rd`} {
		if out, err := signIn(answers); err != nil || !strings.HasSuffix(strings.TrimSpace(out), ":user/alice") {
			t.Errorf("%s: %v: %s", answers, err, out)
		}
	}
	if out, err := shell(t, "sh", `warder signin --account a --user-name u --url http://warder.example:4500 </dev/null`); err == nil || !strings.Contains(out, "without TLS") {
		t.Errorf("a password goes over the network in plain text: %v: %s", err, out)
	}
	found := lookUp(t, s, adminKey, 1, "--lookup-attributes", "AttributeKey=EventName,AttributeValue=PasswordUpdated")
	if e := found.Events[0]; e.Username != "alice" || e.EventSource != "signin.amazonaws.com" {
		t.Errorf("%+v", e)
	}
	found = lookUp(t, s, adminKey, 6, "--lookup-attributes", "AttributeKey=EventName,AttributeValue=ConsoleLogin")
	for _, e := range found.Events {
		if strings.Contains(e.CloudTrailEvent, "Passw0rd") {
			t.Errorf("a password is in the trail: %s", e.CloudTrailEvent)
		}
	}
	if text := s.log.String(); strings.Contains(text, "Passw0rd") {
		t.Errorf("a password is in the log: %s", text)
	}
}
