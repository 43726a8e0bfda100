package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/pquerna/otp"
	"github.com/pquerna/otp/totp"

	"github.com/warder-iam/warder/internal/wardertest"
)

// need finds a client program. Without it the test is skipped, or fails in CI,
// where a test that nobody runs would go unnoticed.
func need(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		missing(t, "%s is not installed", name)
	}
	return path
}

func missing(t testing.TB, format string, args ...any) {
	t.Helper()
	why := fmt.Sprintf(format, args...)
	if os.Getenv("CI") == "true" {
		t.Fatalf("CI must run this, but %s", why)
	}
	fmt.Fprintf(os.Stderr, "SKIPPED: %s: %s\n", t.Name(), why)
	t.Skip("SKIPPED: " + why)
}

// inMemory is what the SDK clients send through. It keeps connections as the
// SDK's own client does.
var inMemory = wardertest.InMemory{Client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64, IdleConnTimeout: time.Minute}}}

// iam is an SDK client with these credentials. It does not retry.
func (s *server) iam(c wardertest.Credentials) *iam.Client {
	return iam.New(iam.Options{BaseEndpoint: &s.url, Region: "us-east-1", RetryMaxAttempts: 1,
		Credentials: credentials.StaticCredentialsProvider{Value: c}, HTTPClient: inMemory})
}

// sts is an SDK client with these credentials. It does not retry.
func (s *server) sts(c wardertest.Credentials) *sts.Client {
	return sts.New(sts.Options{BaseEndpoint: &s.url, Region: "us-east-1", RetryMaxAttempts: 1,
		Credentials: credentials.StaticCredentialsProvider{Value: c}, HTTPClient: inMemory})
}

// wantCaller checks who credentials belong to, by GetCallerIdentity.
func (s *server) wantCaller(c wardertest.Credentials, arn string) {
	s.t.Helper()
	out, err := s.sts(c).GetCallerIdentity(s.t.Context(), nil)
	if err != nil {
		s.t.Errorf("GetCallerIdentity: %v", err)
	} else if *out.Arn != arn {
		s.t.Errorf("the caller is %s, want %s", *out.Arn, arn)
	}
}

// environ is the environment for a client of the server.
func (s *server) environ(c wardertest.Credentials, more ...string) []string {
	env := []string{
		"AWS_ENDPOINT_URL=" + s.url, "AWS_ACCESS_KEY_ID=" + c.AccessKeyID, "AWS_SECRET_ACCESS_KEY=" + c.SecretAccessKey,
	}
	if c.SessionToken != "" {
		env = append(env, "AWS_SESSION_TOKEN="+c.SessionToken)
	}
	return cleanEnv(s.t, append(env, more...)...)
}

// cli is the aws CLI as one caller, in one folder.
type cli struct {
	*server
	path string
	dir  string
	as   wardertest.Credentials
}

// cli gives the aws CLI with the administrator's credentials.
func (s *server) cli() *cli {
	s.t.Helper()
	return &cli{server: s, path: need(s.t, "aws"), dir: s.t.TempDir(), as: adminKey}
}

// by is the same CLI in the hands of somebody else.
func (c *cli) by(who wardertest.Credentials) *cli {
	other := *c
	other.as = who
	return &other
}

// file writes a file that arguments can name as file://name.
func (c *cli) file(name, content string) {
	c.t.Helper()
	if err := os.WriteFile(filepath.Join(c.dir, name), []byte(content), 0o600); err != nil {
		c.t.Fatal(err)
	}
}

// run runs a command, typed as one would, and gives its standard output.
// Single quotes keep words together.
func (c *cli) run(command string, args ...any) (string, error) {
	c.t.Helper()
	words := split(fmt.Sprintf(command, args...))
	if words[0] != "aws" {
		c.t.Fatalf("not a command for the aws CLI: %s", command)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, c.path, words[1:]...)
	cmd.Env, cmd.Dir, cmd.SysProcAttr = c.environ(c.as), c.dir, dieWithTest()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			c.t.Fatal(err)
		}
		return stdout.String(), &cliError{command: strings.Join(words, " "), status: exit.ExitCode(), text: strings.TrimSpace(stderr.String())}
	}
	return stdout.String(), nil
}

// split cuts a command into words at spaces outside single quotes.
func split(command string) []string {
	var words []string
	var word strings.Builder
	quoted, any := false, false
	for _, r := range command {
		switch {
		case r == '\'':
			quoted, any = !quoted, true
		case (r == ' ' || r == '\n' || r == '\t') && !quoted:
			if any {
				words = append(words, word.String())
				word.Reset()
				any = false
			}
		default:
			word.WriteRune(r)
			any = true
		}
	}
	if any {
		words = append(words, word.String())
	}
	return words
}

// ok runs a command that must succeed and reads its output as JSON.
func (c *cli) ok(command string, args ...any) object {
	c.t.Helper()
	out, err := c.run(command, args...)
	if err != nil {
		c.t.Fatal(err)
	}
	var o object
	if strings.TrimSpace(out) == "" {
		return nil
	}
	if err := json.Unmarshal([]byte(out), &o); err != nil {
		c.t.Fatalf("aws %s: output is not JSON: %v: %s", command, err, out)
	}
	return o
}

// refused runs a command that the server must refuse with an error code, in a
// text that contains some words. It gives the message.
func (c *cli) refused(code, words, command string, args ...any) string {
	c.t.Helper()
	_, err := c.run(command, args...)
	e, ok := errors.AsType[*cliError](err)
	switch {
	case !ok:
		c.t.Errorf("%s was not refused, want %s", command, code)
		return ""
	case e.status != 254 && e.status != 255:
		c.t.Errorf("exit status %d of %v, want 254 (version 2) or 255 (version 1)", e.status, e)
	}
	gotCode, message := e.split()
	if gotCode != code || !strings.Contains(message, words) {
		c.t.Errorf("%s was refused with\n%s: %s\nwant\n%s: …%s…", e.command, gotCode, message, code, words)
	}
	return message
}

// cliError is a command that failed.
type cliError struct {
	command string
	status  int
	text    string
}

// Error implements error.
func (e *cliError) Error() string {
	return fmt.Sprintf("%s: status %d: %s", e.command, e.status, e.text)
}

var cliErrorText = regexp.MustCompile(`(?s)An error occurred \((\S+)\) when calling the \w+ operation(?: \([^)]*\))?: (.*)`)

// split reads the server's error out of the CLI's message.
func (e *cliError) split() (code, message string) {
	if m := cliErrorText.FindStringSubmatch(e.text); m != nil {
		return m[1], m[2]
	}
	return "", e.text
}

// object is JSON output, looked into by paths like "Role.Arn" and "Users.0.UserName".
type object map[string]any

// at is the value at a path; nil if there is none.
func (o object) at(path string) any {
	var v any = map[string]any(o)
	for step := range strings.SplitSeq(path, ".") {
		switch here := v.(type) {
		case map[string]any:
			v = here[step]
		case []any:
			var i int
			if _, err := fmt.Sscanf(step, "%d", &i); err != nil || i >= len(here) {
				return nil
			}
			v = here[i]
		default:
			return nil
		}
	}
	return v
}

// text is the string at a path; "" if there is none.
func (o object) text(path string) string {
	s, _ := o.at(path).(string)
	return s
}

// list is the list at a path.
func (o object) list(path string) []any {
	l, _ := o.at(path).([]any)
	return l
}

// credentials are the session credentials in an answer of STS.
func (o object) credentials() wardertest.Credentials {
	return wardertest.Credentials{
		AccessKeyID: o.text("Credentials.AccessKeyId"), SecretAccessKey: o.text("Credentials.SecretAccessKey"), SessionToken: o.text("Credentials.SessionToken"),
	}
}

// accessKey are the credentials in an answer of CreateAccessKey.
func (o object) accessKey() wardertest.Credentials {
	return wardertest.Credentials{AccessKeyID: o.text("AccessKey.AccessKeyId"), SecretAccessKey: o.text("AccessKey.SecretAccessKey")}
}

// want checks values at paths.
func (o object) want(t testing.TB, pairs ...any) {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if got := o.at(pairs[i].(string)); fmt.Sprint(got) != fmt.Sprint(pairs[i+1]) {
			t.Errorf("%s is %v, want %v", pairs[i], got, pairs[i+1])
		}
	}
}

// authenticator is an app that shows the codes of an MFA device. It never gives
// a code twice, since none is taken twice.
type authenticator struct {
	seed string
	last int64 // the step of the last code that it gave
}

// pair are two codes in a row: the last one and the present one.
func (a *authenticator) pair(t testing.TB) (string, string) {
	t.Helper()
	a.last = time.Now().Unix() / 30
	return a.at(t, a.last-1), a.at(t, a.last)
}

// next is the present code, or the one after it if that has been given.
func (a *authenticator) next(t testing.TB) string {
	t.Helper()
	a.last = max(time.Now().Unix()/30, a.last+1)
	return a.at(t, a.last)
}

// wrong is a code that is not shown anywhere near now.
func (a *authenticator) wrong(t testing.TB) string {
	t.Helper()
	now, guess := time.Now().Unix()/30, 0
	for near := now - 5; near <= now+5; near++ {
		if a.at(t, near) == fmt.Sprintf("%06d", guess) {
			guess, near = guess+1, now-6
		}
	}
	return fmt.Sprintf("%06d", guess)
}

func (a *authenticator) at(t testing.TB, step int64) string {
	t.Helper()
	code, err := totp.GenerateCodeCustom(a.seed, time.Unix(step*30, 0),
		totp.ValidateOpts{Period: 30, Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
	if err != nil {
		t.Fatal(err)
	}
	return code
}

func ptr[T any](v T) *T { return &v }

func createUser(name string) *iam.CreateUserInput { return &iam.CreateUserInput{UserName: &name} }

// user makes a user with an access key and, unless it is empty, an inline policy.
func (s *server) user(by wardertest.Credentials, name, policy string) wardertest.Credentials {
	s.t.Helper()
	client, ctx := s.iam(by), s.t.Context()
	if _, err := client.CreateUser(ctx, createUser(name)); err != nil {
		s.t.Fatal(err)
	}
	if policy != "" {
		if _, err := client.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: &name, PolicyName: ptr("inline"), PolicyDocument: &policy}); err != nil {
			s.t.Fatal(err)
		}
	}
	out, err := client.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: &name})
	if err != nil {
		s.t.Fatal(err)
	}
	return wardertest.KeyCredentials(out.AccessKey)
}

// allow is a policy with one statement.
func allow(action, resource string) string {
	return fmt.Sprintf(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":%q,"Resource":%q}}`, action, resource)
}
