package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/warder-iam/warder/internal/wardertest"
)

// The policies of the user Jo in the group Devs, and of her boundary.
var joPolicies = map[string]string{
	"inline": `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":["s3:GetObject","s3:PutObject"],"Resource":"arn:aws:s3:::home/${aws:username}/*"},
		{"Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3:::home","Condition":{"StringLike":{"s3:prefix":"${aws:username}/*"}}},
		{"Effect":"Deny","Action":"s3:PutObject","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}},
		{"Effect":"Allow","Action":"ec2:*","Resource":"*"}]}`,
	"group": `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":"sqs:*","Resource":"arn:aws:sqs:*:123456789012:dev-*"},
		{"Effect":"Deny","NotAction":["sqs:*","s3:*","ec2:*"],"Resource":"*"},
		{"Effect":"Allow","Action":"s3:DeleteObject","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"},"NumericLessThan":{"s3:max-keys":"10"}}},
		{"Effect":"Allow","Action":"s3:PutObjectTagging","Resource":"*","Condition":{"ForAllValues:StringEquals":{"aws:TagKeys":["a","b"]},"DateLessThan":{"aws:CurrentTime":"2025-01-01T00:00:00Z"}}}]}`,
	"boundary": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:*","sqs:*","iam:*"],"Resource":"*"}]}`,
}

// The simulator, AuthZEN and the eval command answer from one engine: the same
// question has the same answer, whichever way it is asked.
func TestOneAnswerThreeWays(t *testing.T) {
	s := wardertest.Start(t)
	client, ctx := s.IAM(s.Admin), t.Context()
	t.Setenv("AWS_ACCESS_KEY_ID", s.Admin.AccessKeyID)
	t.Setenv("AWS_SECRET_ACCESS_KEY", s.Admin.SecretAccessKey)
	t.Setenv("AWS_SESSION_TOKEN", "")
	must := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	jo, devs, joARN := aws.String("Jo"), aws.String("Devs"), "arn:aws:iam::"+wardertest.Account+":user/Jo"
	bound, err := client.CreatePolicy(ctx, &iam.CreatePolicyInput{PolicyName: aws.String("Bound"), PolicyDocument: aws.String(joPolicies["boundary"])})
	must(bound, err)
	must(client.CreateUser(ctx, &iam.CreateUserInput{UserName: jo, PermissionsBoundary: bound.Policy.Arn}))
	must(client.CreateGroup(ctx, &iam.CreateGroupInput{GroupName: devs}))
	must(client.AddUserToGroup(ctx, &iam.AddUserToGroupInput{GroupName: devs, UserName: jo}))
	must(client.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: jo, PolicyName: aws.String("p"), PolicyDocument: aws.String(joPolicies["inline"])}))
	must(client.PutGroupPolicy(ctx, &iam.PutGroupPolicyInput{GroupName: devs, PolicyName: aws.String("p"), PolicyDocument: aws.String(joPolicies["group"])}))
	files := make(map[string]string)
	for name, text := range joPolicies {
		files[name] = filepath.Join(t.TempDir(), name+".json")
		must(nil, os.WriteFile(files[name], []byte(text), 0o600))
	}
	empty := filepath.Join(t.TempDir(), "empty.json") // allows what nobody asks about
	must(nil, os.WriteFile(empty, []byte(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"x:x","Resource":"*"}}`), 0o600))

	answers := map[string]bool{}
	for _, q := range []struct {
		action, resource string
		context          []string
		want             string
	}{
		{"s3:GetObject", "arn:aws:s3:::home/Jo/x", nil, "allowed"},
		{"s3:GetObject", "arn:aws:s3:::home/Al/x", nil, "implicitDeny"},
		{"S3:getobject", "arn:aws:s3:::home/Jo/x", nil, "allowed"},
		{"s3:GetObject", "arn:aws:s3:::HOME/Jo/x", nil, "implicitDeny"},
		{"s3:PutObject", "arn:aws:s3:::home/Jo/x", []string{"aws:SecureTransport=true"}, "allowed"},
		{"s3:PutObject", "arn:aws:s3:::home/Jo/x", []string{"aws:securetransport=false"}, "explicitDeny"},
		{"s3:PutObject", "arn:aws:s3:::home/Jo/x", nil, "allowed"},
		{"s3:ListBucket", "arn:aws:s3:::home", []string{"s3:prefix=Jo/photos"}, "allowed"},
		{"s3:ListBucket", "arn:aws:s3:::home", []string{"s3:prefix=Al/photos"}, "implicitDeny"},
		{"s3:ListBucket", "arn:aws:s3:::home", nil, "implicitDeny"},
		{"ec2:RunInstances", "*", nil, "implicitDeny"}, // the boundary
		{"sqs:SendMessage", "arn:aws:sqs:eu-west-1:123456789012:dev-jobs", nil, "allowed"},
		{"sqs:SendMessage", "arn:aws:sqs:eu-west-1:123456789012:prod-jobs", nil, "implicitDeny"},
		{"sqs:ListQueues", "*", nil, "implicitDeny"},
		{"iam:ListUsers", "*", nil, "explicitDeny"},
		{"s3:DeleteObject", "arn:aws:s3:::b/x", []string{"aws:SourceIp=10.1.2.3", "s3:max-keys=9"}, "allowed"},
		{"s3:DeleteObject", "arn:aws:s3:::b/x", []string{"aws:SourceIp=10.1.2.3", "s3:max-keys=ten"}, "implicitDeny"},
		{"s3:DeleteObject", "arn:aws:s3:::b/x", []string{"aws:SourceIp=192.0.2.1", "s3:max-keys=9"}, "implicitDeny"},
		{"s3:PutObjectTagging", "arn:aws:s3:::b/x", []string{"aws:TagKeys=a", "aws:TagKeys=b", "aws:CurrentTime=2024-12-31T00:00:00Z"}, "allowed"},
		{"s3:PutObjectTagging", "arn:aws:s3:::b/x", []string{"aws:TagKeys=a", "aws:TagKeys=c", "aws:CurrentTime=2024-12-31T00:00:00Z"}, "implicitDeny"},
		{"s3:PutObjectTagging", "arn:aws:s3:::b/x", []string{"aws:TagKeys=a", "aws:TagKeys=b", "aws:CurrentTime=2025-01-01T00:00:00Z"}, "implicitDeny"},
	} {
		in := &iam.SimulatePrincipalPolicyInput{PolicySourceArn: &joARN, ActionNames: []string{q.action}, ResourceArns: []string{q.resource}}
		question := []string{"eval", "--explain", "--output", "json", "--principal", joARN, "--action", q.action, "--resource", q.resource}
		for _, c := range q.context {
			question = append(question, "--context", c)
			key, value, _ := strings.Cut(c, "=")
			i := slices.IndexFunc(in.ContextEntries, func(e types.ContextEntry) bool { return *e.ContextKeyName == key })
			if i < 0 {
				in.ContextEntries = append(in.ContextEntries, types.ContextEntry{ContextKeyName: &key, ContextKeyType: "stringList"})
				i = len(in.ContextEntries) - 1
			}
			in.ContextEntries[i].ContextKeyValues = append(in.ContextEntries[i].ContextKeyValues, value)
		}
		for i := range in.ContextEntries {
			if len(in.ContextEntries[i].ContextKeyValues) == 1 {
				in.ContextEntries[i].ContextKeyType = "string"
			}
		}
		simulated, err := client.SimulatePrincipalPolicy(ctx, in)
		must(simulated, err)
		question = slices.Clip(question)
		for way, got := range map[string]string{
			"simulator":      string(simulated.EvaluationResults[0].EvalDecision),
			"files":          evalDecision(t, append(question, "--identity", files["inline"], "--identity", files["group"], "--boundary", files["boundary"])),
			"AuthZEN":        evalDecision(t, append(question, "--server", s.URL)),
			"eval simulator": evalDecision(t, append(question, "--server", s.URL, "--identity", empty)),
		} {
			if got != q.want {
				t.Errorf("%s on %s with %v: %s by %s, want %s", q.action, q.resource, q.context, got, way, q.want)
			}
			answers[got] = true
		}
	}
	if len(answers) != 3 {
		t.Errorf("the questions have %d kinds of answers", len(answers))
	}
}

// evalDecision runs eval and gives the decision, checked with the exit code.
func evalDecision(t *testing.T, args []string) string {
	t.Helper()
	var out, errs bytes.Buffer
	code := run(t.Context(), args, &out, &errs)
	_, rest, _ := strings.Cut(out.String(), `"decision": "`)
	decision, _, _ := strings.Cut(rest, `"`)
	if want := map[string]int{"allowed": 0, "explicitDeny": exitDenied, "implicitDeny": exitDenied}; want[decision] != code || errs.Len() > 0 {
		return fmt.Sprintf("exit %d, %s%s", code, out.String(), errs.String())
	}
	return decision
}

// What the server refuses is an error, not a denial.
func TestEvalServerErrors(t *testing.T) {
	s := wardertest.Start(t)
	nobody := s.User(s.Admin, "nobody", "")
	set := func(c wardertest.Credentials) {
		t.Setenv("AWS_ACCESS_KEY_ID", c.AccessKeyID)
		t.Setenv("AWS_SECRET_ACCESS_KEY", c.SecretAccessKey)
		t.Setenv("AWS_SESSION_TOKEN", c.SessionToken)
	}
	const admin = "arn:aws:iam::123456789012:user/administrator"
	wrong := s.Admin
	wrong.SecretAccessKey += "x"
	for _, c := range []struct {
		creds  wardertest.Credentials
		args   []string
		code   int
		stderr string
	}{
		{s.Admin, []string{"--principal", admin}, 0, ""},
		{s.Admin, []string{"--principal", "arn:aws:iam::123456789012:user/Nobody"}, exitFailed, "The user arn:aws:iam::123456789012:user/Nobody cannot be found."},
		{s.Admin, []string{"--principal", admin, "--context", "aws:username=x"}, exitFailed, "the server answers 400 Bad Request: the condition key aws:username follows from the subject and cannot be given"},
		{s.Admin, []string{"--principal", "arn:aws:sts::123456789012:assumed-role/R/sess", "--identity", "testdata/eval/all.json"}, exitFailed,
			"the server answers 400 Bad Request: InvalidInput: Invalid Entity Arn: arn:aws:sts::123456789012:assumed-role/R/sess does not clearly define entity type and name."},
		{wrong, []string{"--principal", admin}, exitFailed, "the server answers 401 Unauthorized: SignatureDoesNotMatch: "},
		{nobody, []string{"--principal", admin}, exitFailed, "the server answers 403 Forbidden: User: arn:aws:iam::123456789012:user/nobody is not authorized to perform: warder:Evaluate on resource: " + admin},
		{nobody, []string{"--principal", admin, "--identity", "testdata/eval/all.json"}, exitFailed, "the server answers 403 Forbidden: AccessDenied: User: arn:aws:iam::123456789012:user/nobody is not authorized to perform: iam:SimulatePrincipalPolicy on resource: " + admin},
	} {
		set(c.creds)
		var out, errs bytes.Buffer
		code := run(t.Context(), append([]string{"eval", "--server", s.URL + "/", "--action", "s3:GetObject"}, c.args...), &out, &errs)
		want := c.stderr
		if want != "" {
			want = "warder: " + want
		}
		if code != c.code || !strings.HasPrefix(errs.String(), want) || (want == "") != (errs.Len() == 0) {
			t.Errorf("%v: exit %d, %s%s", c.args, code, out.String(), errs.String())
		}
	}
}
