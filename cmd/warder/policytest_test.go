package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/warder-iam/warder/internal/wardertest"
)

func TestTestScripts(t *testing.T) { runScripts(t, "testdata/test") }

// TestPolicyTestsPage runs what docs/policy-tests.md shows: the files in its
// blocks, and the commands with their output.
func TestPolicyTestsPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/policy-tests.md")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	commands := 0
	for _, block := range regexp.MustCompile("(?ms)^```(\\w+) ?(\\S*)\n(.*?)^```$").FindAllStringSubmatch(string(page), -1) {
		language, name, text := block[1], block[2], block[3]
		if language != "console" {
			if filepath.Base(name) != name || name == "" {
				t.Fatalf("block of %s without a file name", language)
			}
			if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			continue
		}
		commands++
		command, want, _ := strings.Cut(text, "\n")
		args, ok := strings.CutPrefix(command, "$ warder ")
		if !ok {
			t.Fatalf("no command: %s", command)
		}
		wantCode := 0
		if strings.Contains(want, "FAIL") {
			wantCode = exitFound
		}
		var out, errs bytes.Buffer
		if code := run(t.Context(), strings.Fields(args), &out, &errs); code != wantCode || out.String() != want || errs.Len() > 0 {
			t.Errorf("%s\nexit %d, want %d\n%s%swant\n%s", command, code, wantCode, out.String(), errs.String(), want)
		}
	}
	if commands < 2 {
		t.Errorf("%d commands on the page", commands)
	}
}

// TestTestServer asks a running server about a user of its own.
func TestTestServer(t *testing.T) {
	s := wardertest.Start(t)
	t.Setenv("AWS_ACCESS_KEY_ID", s.Admin.AccessKeyID)
	t.Setenv("AWS_SECRET_ACCESS_KEY", s.Admin.SecretAccessKey)
	t.Setenv("AWS_SESSION_TOKEN", "")
	client, jo := s.IAM(s.Admin), aws.String("Jo")
	if _, err := client.CreateUser(t.Context(), &iam.CreateUserInput{UserName: jo}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.PutUserPolicy(t.Context(), &iam.PutUserPolicyInput{UserName: jo, PolicyName: aws.String("own"), PolicyDocument: aws.String(
		`{"Version":"2012-10-17","Statement":[{"Sid":"Home","Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::home/${aws:username}/*"},
		{"Effect":"Deny","Action":"s3:GetObject","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}]}`)}); err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	for _, test := range []struct{ name, text, want string }{
		{"good.yaml", `
tests:
  - {principal: USER, action: s3:GetObject, resource: arn:aws:s3:::home/Jo/a, expect: allowed, because: user_Jo_own/Home}
  - {principal: USER, action: s3:GetObject, resource: arn:aws:s3:::home/Al/a, expect: implicitDeny}
  - {principal: USER, action: s3:GetObject, resource: arn:aws:s3:::home/Jo/a, context: {aws:SecureTransport: false}, expect: explicitDeny, because: user_Jo_own/1}
`, "3 requests: 3 as expected, 0 not\n"},
		{"more.yaml", `
policies: {put: {document: {Version: 2012-10-17, Statement: {Sid: Put, Effect: Allow, Action: s3:PutObject, Resource: "*"}}}}
principals: {jo: {arn: USER, identity: put}}
tests:
  - {principal: jo, action: [s3:PutObject, s3:GetObject], resource: arn:aws:s3:::home/Jo/a, expect: allowed}
  - {principal: jo, action: s3:DeleteObject, resource: arn:aws:s3:::home/Jo/a, expect: implicitDeny}
`, "3 requests: 3 as expected, 0 not\n"},
		{"bad.yaml", `
policies: {put: {document: {Version: 2012-10-17, Statement: {Sid: Put, Effect: Allow, Action: s3:PutObject, Resource: "*"}}}}
principals: {jo: {arn: USER, identity: put}}
tests:
  - {principal: USER, action: s3:GetObject, resource: arn:aws:s3:::home/Jo/a, expect: allowed, because: other/Home}
  - {principal: jo, action: s3:PutObject, resource: arn:aws:s3:::home/Jo/a, expect: allowed, because: put/Put} # not known
`, "2 requests: 0 as expected, 2 not\n"},
	} {
		text := strings.ReplaceAll(test.text, "USER", "'arn:aws:iam::"+wardertest.Account+":user/Jo'")
		if err := os.WriteFile(test.name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		var out, errs bytes.Buffer
		code := run(t.Context(), []string{"test", "--server", s.URL, test.name}, &out, &errs)
		if explained := "  missed: user_Jo_own/1\n              Condition Bool aws:SecureTransport"; test.name == "bad.yaml" && !strings.Contains(out.String(), explained) {
			t.Errorf("no explanation: %s", out.String())
		}
		if wantFail := !strings.Contains(test.want, " 0 not"); !strings.HasSuffix(out.String(), test.want) || (code == exitFound) != wantFail {
			t.Errorf("%s: exit %d: %s%s", test.name, code, out.String(), errs.String())
		}
	}
	if err := os.WriteFile("nobody.yaml", []byte("tests: [{principal: 'arn:aws:iam::"+wardertest.Account+":user/Nobody', action: s3:GetObject, expect: denied}]"), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	if code := run(t.Context(), []string{"test", "--server", s.URL, "nobody.yaml"}, &out, &errs); code != exitFailed {
		t.Errorf("a user that is not there: exit %d: %s%s", code, out.String(), errs.String())
	}
}
