package replay_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/warder-iam/warder/internal/daemon"
	"github.com/warder-iam/warder/internal/replay"
	"github.com/warder-iam/warder/internal/wardertest"
)

const here = wardertest.Account

// post sends a signed JSON request to a fixed path; a body of bytes as it is.
func post(t testing.TB, s *wardertest.Server, c wardertest.Credentials, path string, body any) (int, []byte) {
	t.Helper()
	text, ok := body.([]byte)
	var err error
	if !ok {
		text, err = json.Marshal(body)
	}
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+path, bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	sum := sha256.Sum256(text)
	if err := v4.NewSigner().SignHTTP(t.Context(), c, r, hex.EncodeToString(sum[:]), "warder", "us-east-1", time.Now()); err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, answer
}

// act is something that a principal does, again and again.
type act struct {
	principal, action string
	do                func() (allowed bool)
}

// world is a server with principals, and what they do.
type world struct {
	*wardertest.Server
	t    *testing.T
	acts []act
}

func allow(statement string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow",` + statement + `}]}`
}

func newWorld(t *testing.T) *world {
	w := &world{wardertest.StartConfig(t, daemon.Config{Store: "memory", TestHooks: true, Trail: t.TempDir()}), t, nil}
	ctx, client := t.Context(), w.IAM(w.Admin)
	must := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	alice := w.User(w.Admin, "alice", allow(`"Action":["iam:GetUser","iam:ListUsers","sts:AssumeRole"],"Resource":"*"`))
	bob := w.User(w.Admin, "bob", "")
	w.User(w.Admin, "carol", "")
	must(client.CreateGroup(ctx, &iam.CreateGroupInput{GroupName: aws.String("readers")}))
	must(client.PutGroupPolicy(ctx, &iam.PutGroupPolicyInput{GroupName: aws.String("readers"), PolicyName: aws.String("p"), PolicyDocument: aws.String(allow(`"Action":["iam:List*","record:read"],"Resource":"*"`))}))
	must(client.AddUserToGroup(ctx, &iam.AddUserToGroupInput{GroupName: aws.String("readers"), UserName: aws.String("bob")}))
	must(client.TagUser(ctx, &iam.TagUserInput{UserName: aws.String("bob"), Tags: []iamtypes.Tag{{Key: aws.String("team"), Value: aws.String("blue")}}}))
	must(client.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: aws.String("bob"), PolicyName: aws.String("team"), PolicyDocument: aws.String(allow(`"Action":"iam:GetGroup","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalTag/team":"blue"}}`))}))
	limit, err := client.CreatePolicy(ctx, &iam.CreatePolicyInput{PolicyName: aws.String("limit"), PolicyDocument: aws.String(allow(`"Action":["iam:GetUser","sts:*"],"Resource":"*"`))})
	must(limit, err)
	role, err := client.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("app"), Path: aws.String("/deep/"), AssumeRolePolicyDocument: aws.String(allow(`"Principal":{"AWS":"arn:aws:iam::` + here + `:user/alice"},"Action":"sts:AssumeRole"`))})
	must(role, err)
	must(client.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: aws.String("app"), PolicyArn: aws.String("arn:aws:iam::aws:policy/IAMReadOnlyAccess")}))
	assume := func(input sts.AssumeRoleInput) wardertest.Credentials {
		t.Helper()
		input.RoleArn, input.RoleSessionName = role.Role.Arn, aws.String("session")
		out, err := w.STS(alice).AssumeRole(ctx, &input)
		must(out, err)
		return wardertest.SessionCredentials(out.Credentials)
	}
	session, bounded := assume(sts.AssumeRoleInput{}), assume(sts.AssumeRoleInput{Policy: aws.String(allow(`"Action":"iam:GetUser","Resource":"*"`))})

	call := func(who, action string, fn func() error) {
		w.acts = append(w.acts, act{who, action, func() bool {
			code := wardertest.Code(fn())
			return code != "AccessDenied" && code != "InvalidClientTokenId"
		}})
	}
	userARN := func(name string) string { return "arn:aws:iam::" + here + ":user/" + name }
	as := func(who string, c wardertest.Credentials) {
		call(who, "iam:GetUser", func() error {
			_, err := w.IAM(c).GetUser(ctx, &iam.GetUserInput{UserName: aws.String("carol")})
			return err
		})
		call(who, "iam:ListUsers", func() error { _, err := w.IAM(c).ListUsers(ctx, nil); return err })
		call(who, "iam:GetGroup", func() error {
			_, err := w.IAM(c).GetGroup(ctx, &iam.GetGroupInput{GroupName: aws.String("readers")})
			return err
		})
		call(who, "iam:TagUser", func() error {
			_, err := w.IAM(c).TagUser(ctx, &iam.TagUserInput{UserName: aws.String("carol"), Tags: []iamtypes.Tag{{Key: aws.String("k"), Value: aws.String("v")}}})
			return err
		})
		call(who, "sts:AssumeRole", func() error {
			_, err := w.STS(c).AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: role.Role.Arn, RoleSessionName: aws.String("again")})
			return err
		})
	}
	as(userARN("alice"), alice)
	as(userARN("bob"), bob)
	as(*role.Role.Arn, session)
	as(*role.Role.Arn, bounded)
	for _, name := range []string{"alice", "bob"} {
		w.acts = append(w.acts, act{userARN(name), "record:read", func() bool {
			status, text := post(t, w.Server, w.Admin, "/access/v1/evaluation", map[string]any{
				"subject": map[string]any{"type": "user", "id": name}, "action": map[string]any{"name": "read"}, "resource": map[string]any{"type": "record", "id": "1"},
			})
			var answer struct{ Decision bool }
			if err := json.Unmarshal(text, &answer); err != nil || status != http.StatusOK {
				t.Fatalf("%d %s", status, text)
			}
			return answer.Decision
		}})
	}
	return w
}

// run has everything done once, and says what was allowed.
func (w *world) run() (allowed []bool) {
	for _, a := range w.acts {
		allowed = append(allowed, a.do())
	}
	return allowed
}

// replay asks for the report on changes, once all that was done is indexed.
func (w *world) replay(since time.Time, changes ...replay.Change) *replay.Report {
	w.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		status, text := post(w.t, w.Server, w.Admin, daemon.PathReplay, daemon.ReplayRequest{From: since, Changes: changes})
		report := new(replay.Report)
		if err := json.Unmarshal(text, report); status != http.StatusOK || err != nil {
			w.t.Fatalf("%d %s", status, text)
		}
		if report.Requests >= int64(len(w.acts)) {
			return report
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("%d requests are recorded, want %d", report.Requests, len(w.acts))
		}
	}
}

// apply makes a change for real, by the SDK's method of the operation's name.
func (w *world) apply(c replay.Change) {
	w.t.Helper()
	method := reflect.ValueOf(w.IAM(w.Admin)).MethodByName(c.Operation)
	in := reflect.New(method.Type().In(1).Elem())
	if err := json.Unmarshal(c.Input, in.Interface()); err != nil {
		w.t.Fatal(err)
	}
	out := method.Call([]reflect.Value{reflect.ValueOf(w.t.Context()), in})
	if err, _ := out[1].Interface().(error); err != nil {
		w.t.Fatal(err)
	}
}

// differences are the lines of a report: "-" what is newly denied, "+" what is allowed.
func differences(r *replay.Report) []string {
	lines := map[string]int64{}
	for _, p := range r.Principals {
		for _, d := range p.NewlyDenied {
			lines["- "+p.ARN+" "+d.Action] = d.Count
		}
		for _, d := range p.NewlyAllowed {
			lines["+ "+p.ARN+" "+d.Action] = d.Count
		}
	}
	return sorted(lines)
}

func sorted(lines map[string]int64) (out []string) {
	for _, line := range slices.Sorted(maps.Keys(lines)) {
		out = append(out, fmt.Sprintf("%s %d", line, lines[line]))
	}
	return out
}

func change(operation, input string) replay.Change {
	return replay.Change{Operation: operation, Input: json.RawMessage(strings.ReplaceAll(input, "ACCOUNT", here))}
}

func quoted(document string) string {
	text, _ := json.Marshal(document)
	return string(text)
}

// What the replay says of a change is what happens when the change is made and
// everybody does the same again.
func TestReplayIsTrue(t *testing.T) {
	limit := `"arn:aws:iam::ACCOUNT:policy/limit"`
	trust := func(principal string) string {
		return quoted(strings.ReplaceAll(allow(`"Principal":`+principal+`,"Action":"sts:AssumeRole"`), "ACCOUNT", here))
	}
	for name, changes := range map[string][]replay.Change{
		"an inline policy instead of another": {change("PutUserPolicy", `{"UserName":"alice","PolicyName":"p","PolicyDocument":`+quoted(allow(`"Action":["iam:GetGroup","sts:AssumeRole"],"Resource":"*"`))+`}`)},
		"one more inline policy":              {change("PutUserPolicy", `{"UserName":"alice","PolicyName":"more","PolicyDocument":`+quoted(allow(`"Action":["iam:TagUser","record:*"],"Resource":"*"`))+`}`)},
		"an explicit deny":                    {change("PutUserPolicy", `{"UserName":"bob","PolicyName":"no","PolicyDocument":`+quoted(`{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}`)+`}`)},
		"a policy of the group":               {change("PutGroupPolicy", `{"GroupName":"readers","PolicyName":"p","PolicyDocument":`+quoted(allow(`"Action":"iam:GetUser","Resource":"*"`))+`}`)},
		"into a group":                        {change("AddUserToGroup", `{"GroupName":"readers","UserName":"alice"}`)},
		"out of a group":                      {change("RemoveUserFromGroup", `{"GroupName":"readers","UserName":"bob"}`)},
		"the end of a group": {
			change("RemoveUserFromGroup", `{"GroupName":"readers","UserName":"bob"}`),
			change("DeleteGroupPolicy", `{"GroupName":"readers","PolicyName":"p"}`),
			change("DeleteGroup", `{"GroupName":"readers"}`),
		},
		"a boundary":         {change("PutUserPermissionsBoundary", `{"UserName":"alice","PermissionsBoundary":`+limit+`}`)},
		"a role's boundary":  {change("PutRolePermissionsBoundary", `{"RoleName":"app","PermissionsBoundary":`+limit+`}`)},
		"a wider policy":     {change("CreatePolicyVersion", `{"PolicyArn":`+limit+`,"SetAsDefault":true,"PolicyDocument":`+quoted(allow(`"Action":"*","Resource":"*"`))+`}`), change("AttachUserPolicy", `{"UserName":"bob","PolicyArn":`+limit+`}`)},
		"a policy taken off": {change("DetachRolePolicy", `{"RoleName":"app","PolicyArn":"arn:aws:iam::aws:policy/IAMReadOnlyAccess"}`)},
		"AWS's everything":   {change("AttachRolePolicy", `{"RoleName":"app","PolicyArn":"arn:aws:iam::aws:policy/AdministratorAccess"}`)},
		"another trust":      {change("UpdateAssumeRolePolicy", `{"RoleName":"app","PolicyDocument":`+trust(`{"AWS":"arn:aws:iam::ACCOUNT:user/bob"}`)+`}`)},
		"trust in the account": {
			change("UpdateAssumeRolePolicy", `{"RoleName":"app","PolicyDocument":`+trust(`{"AWS":"arn:aws:iam::ACCOUNT:root"}`)+`}`),
		},
		"the end of a role": {
			change("DetachRolePolicy", `{"RoleName":"app","PolicyArn":"arn:aws:iam::aws:policy/IAMReadOnlyAccess"}`),
			change("DeleteRole", `{"RoleName":"app"}`),
		},
		"another tag":                   {change("TagUser", `{"UserName":"bob","Tags":[{"Key":"team","Value":"red"}]}`)},
		"another name":                  {change("UpdateUser", `{"UserName":"alice","NewUserName":"alicia"}`)},
		"nothing at all":                nil,
		"a change that concerns nobody": {change("PutUserPolicy", `{"UserName":"carol","PolicyName":"p","PolicyDocument":`+quoted(allow(`"Action":"*","Resource":"*"`))+`}`)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			since := time.Now()
			before := w.run()
			report := w.replay(since, changes...)
			if n := int64(len(w.acts)); report.Requests != n || report.Gone != 0 || report.Drift != 0 || report.Unreadable != 0 {
				t.Errorf("%d requests (want %d), %d gone, %d drift, %d unreadable", report.Requests, n, report.Gone, report.Drift, report.Unreadable)
			}
			if again := w.run(); !slices.Equal(again, before) {
				t.Fatal("the replay changed something")
			}
			for _, c := range changes {
				w.apply(c)
			}
			want := map[string]int64{}
			for i, allowed := range w.run() {
				a := w.acts[i]
				switch {
				case before[i] && !allowed:
					want["- "+a.principal+" "+a.action]++
				case !before[i] && allowed:
					want["+ "+a.principal+" "+a.action]++
				}
			}
			if name == "another name" { // questions are put by name, and records know whom they were about
				delete(want, "- arn:aws:iam::"+here+":user/alice record:read")
			}
			if got := differences(report); !slices.Equal(got, sorted(want)) {
				t.Errorf("the replay said\n\t%s\nand it came\n\t%s", strings.Join(got, "\n\t"), strings.Join(sorted(want), "\n\t"))
			}
			for _, p := range report.Principals {
				for _, d := range slices.Concat(p.NewlyDenied, p.NewlyAllowed) {
					if d.Example.Reason == "" || d.Example.EventID == "" || d.Last.IsZero() || d.First.After(d.Last) {
						t.Errorf("%s: %+v", p.ARN, d)
					}
				}
			}
		})
	}
}

// A key that is to be switched off cannot be used any more.
func TestKeys(t *testing.T) {
	w := newWorld(t)
	since := time.Now()
	w.run()
	keys, err := w.IAM(w.Admin).ListAccessKeys(t.Context(), &iam.ListAccessKeysInput{UserName: aws.String("alice")})
	if err != nil {
		t.Fatal(err)
	}
	report := w.replay(since, change("UpdateAccessKey", `{"UserName":"alice","AccessKeyId":"`+*keys.AccessKeyMetadata[0].AccessKeyId+`","Status":"Inactive"}`))
	want := []string{
		"- arn:aws:iam::" + here + ":user/alice iam:GetUser 1",
		"- arn:aws:iam::" + here + ":user/alice iam:ListUsers 1",
		"- arn:aws:iam::" + here + ":user/alice sts:AssumeRole 1",
	}
	if got := differences(report); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// What the state of today decides otherwise than was recorded is drift, and what was
// asked by who is not there any more is counted apart.
func TestDrift(t *testing.T) {
	w := newWorld(t)
	since := time.Now()
	w.run()
	w.apply(change("RemoveUserFromGroup", `{"GroupName":"readers","UserName":"bob"}`))
	if r := w.replay(since); r.Drift != 2 || len(r.Principals) != 0 {
		t.Errorf("drift %d, want 2; %q", r.Drift, differences(r))
	}
	w.apply(change("DetachRolePolicy", `{"RoleName":"app","PolicyArn":"arn:aws:iam::aws:policy/IAMReadOnlyAccess"}`))
	w.apply(change("DeleteRole", `{"RoleName":"app"}`))
	if r := w.replay(since); r.Gone != 10 {
		t.Errorf("%d requests of who is gone, want 10", r.Gone)
	}
}

// Proposals that could not be made are refused, as is who may not ask.
func TestRefusals(t *testing.T) {
	w := newWorld(t)
	for _, tc := range []struct{ body, want string }{
		{`{"changes":[{"operation":"PutUserPolicy","input":{"UserName":"alice","PolicyName":"p","PolicyDocument":"{}"}}]}`, "change 1, PutUserPolicy: MalformedPolicyDocument: "},
		{`{"changes":[{"operation":"DeleteUser","input":{"UserName":"nobody"}}]}`, "change 1, DeleteUser: NoSuchEntity: The user with name nobody cannot be found."},
		{`{"changes":[{"operation":"DeleteUser","input":{"UserName":"bob"}}]}`, "DeleteConflict"},
		{`{"changes":[{"operation":"DeleteUser","input":{"UserNam":"bob"}}]}`, `the operation has no parameter "UserNam"`},
		{`{"changes":[{"operation":"DeleteUser","input":[]}]}`, "the input is not a JSON object"},
		{`{"changes":[{"operation":"DeleteUser"}]}`, "ValidationError: "},
		{`{"changes":[{"operation":"ListUsers","input":{}}]}`, "the operation changes nothing"},
		{`{"changes":[{"operation":"Nonsense","input":{}}]}`, `IAM has no operation "Nonsense"`},
		{`{"change":[]}`, `unknown field`},
		{`{"account":"999999999999"}`, "the account is not the caller's"},
		{`[`, "cannot be read"},
	} {
		status, text := post(t, w.Server, w.Admin, daemon.PathReplay, []byte(tc.body))
		var answer struct{ Error string }
		if err := json.Unmarshal(text, &answer); err != nil && tc.body != `[` || status < 400 || !strings.Contains(answer.Error, tc.want) {
			t.Errorf("%s: %d %s, want %q", tc.body, status, text, tc.want)
		}
	}
	alice := w.User(w.Admin, "mallory", allow(`"Action":"iam:*","Resource":"*"`))
	if status, text := post(t, w.Server, alice, daemon.PathReplay, daemon.ReplayRequest{}); status != http.StatusForbidden || !strings.Contains(string(text), "is not authorized to perform: warder:Replay on resource: *") {
		t.Errorf("without the permission: %d %s", status, text)
	}
	if status, text := post(t, w.Server, wardertest.Credentials{AccessKeyID: "AKIAQ3EGWLJW3EXAMPLE", SecretAccessKey: "x"}, daemon.PathReplay, daemon.ReplayRequest{}); status != http.StatusForbidden || !strings.Contains(string(text), "InvalidClientTokenId") {
		t.Errorf("with an unknown key: %d %s", status, text)
	}
	resp, err := http.Post(w.URL+daemon.PathReplay, "application/json", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusForbidden {
		t.Errorf("unsigned: %s", resp.Status)
	}
	bare := wardertest.Start(t)
	if status, text := post(t, bare, bare.Admin, daemon.PathReplay, daemon.ReplayRequest{}); status != http.StatusBadRequest || !strings.Contains(string(text), "keeps no audit trail") {
		t.Errorf("without a trail: %d %s", status, text)
	}
}
