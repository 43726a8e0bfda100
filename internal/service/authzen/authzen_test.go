package authzen_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/warder-iam/warder/internal/wardertest"
	"github.com/warder-iam/warder/sigv4"
)

const (
	evaluation  = "/access/v1/evaluation"
	evaluations = "/access/v1/evaluations"
	account     = "arn:aws:iam::" + wardertest.Account + ":"
)

// world is a server with a policy that most tests ask about: alice may read
// records, and write and softly delete those that are not archived; an
// administrator by tag may write any record.
type world struct {
	*wardertest.Server
	t     *testing.T
	pep   wardertest.Credentials // may ask about everybody
	alice string                 // unique id
	app   string                 // unique id of a role
	iam   *iam.Client
}

const alicePolicy = `{"Version":"2012-10-17","Statement":[
 {"Sid":"Read","Effect":"Allow","Action":"record:read","Resource":"*"},
 {"Sid":"Write","Effect":"Allow","Action":"record:write","Resource":"arn:aws:record::123456789012:*"},
 {"Sid":"Admin","Effect":"Allow","Action":"record:*","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalTag/role":"admin"}}},
 {"Sid":"Archived","Effect":"Deny","Action":"record:write","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/status":"archived"},"StringNotEquals":{"aws:PrincipalTag/role":"admin"}}},
 {"Sid":"Soft","Effect":"Allow","Action":"record:delete","Resource":"*","Condition":{"Bool":{"record:soft":"true"}}},
 {"Sid":"Office","Effect":"Allow","Action":"record:list","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}},
 {"Sid":"Own","Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::home/${aws:username}/*"},
 {"Sid":"Team","Effect":"Allow","Action":"s3:PutObject","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalTag/team":"blue"}}},
 {"Sid":"Assume","Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"},
 {"Sid":"Tagged","Effect":"Allow","Action":"iam:GetUser","Resource":"*","Condition":{"StringEquals":{"iam:ResourceTag/team":"blue"}}},
 {"Sid":"KMS","Effect":"Allow","Action":["kms:*","sqs:*"],"Resource":"*"},
 {"Sid":"Hours","Effect":"Allow","Action":"record:audit","Resource":"*","Condition":{"DateLessThan":{"aws:CurrentTime":"2020-01-01T00:00:00Z"}}}
]}`

func start(t *testing.T) *world { return startOn(t, wardertest.Start(t)) }

// startOn makes the world on a server of the test's own.
func startOn(t *testing.T, s *wardertest.Server) *world {
	w := &world{Server: s, t: t}
	w.iam = w.IAM(w.Admin)
	ctx := t.Context()
	blue := []types.Tag{{Key: aws.String("team"), Value: aws.String("blue")}}
	made, err := w.iam.CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String("alice"), Path: aws.String("/eng/"), Tags: blue})
	w.must(err)
	w.alice = *made.User.UserId
	w.put("alice", alicePolicy)
	w.User(w.Admin, "bob", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"record:read","Resource":"*"}}`)
	w.pep = w.User(w.Admin, "pep", "")
	w.put("pep", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"warder:Evaluate","Resource":"*"}}`)
	role := func(name, principal string) *types.Role {
		trust := `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"` + principal + `"},"Action":"sts:AssumeRole"}}`
		out, err := w.iam.CreateRole(ctx, &iam.CreateRoleInput{RoleName: &name, Path: aws.String("/svc/"), AssumeRolePolicyDocument: &trust, Tags: blue})
		w.must(err)
		return out.Role
	}
	w.app = *role("App", wardertest.Account).RoleId
	role("Closed", account+"user/bob")
	_, err = w.iam.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: aws.String("App"), PolicyName: aws.String("p"), PolicyDocument: aws.String(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"record:read","Resource":"*"},
		 {"Effect":"Allow","Action":"record:write","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalTag/team":"red"}}},
		 {"Effect":"Allow","Action":"record:list","Resource":"*","Condition":{"StringLike":{"aws:userid":"*:night"}}}]}`)})
	w.must(err)
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) put(user, doc string) {
	w.t.Helper()
	_, err := w.iam.PutUserPolicy(w.t.Context(), &iam.PutUserPolicyInput{UserName: &user, PolicyName: aws.String("p"), PolicyDocument: &doc})
	w.must(err)
}

// send posts a body that c signs, unless it is nil, with what change does to
// the request before it is signed.
func (w *world) send(c *wardertest.Credentials, path, body string, change func(*http.Request)) (*http.Response, string) {
	w.t.Helper()
	r, err := http.NewRequest(http.MethodPost, w.URL+path, strings.NewReader(body))
	w.must(err)
	r.Header.Set("Content-Type", "application/json")
	service := "warder"
	if change != nil {
		change(r)
	}
	if s := r.Header.Get("Test-Service"); s != "" {
		service = s
		r.Header.Del("Test-Service")
	}
	if c != nil {
		creds := sigv4.Credentials{AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey, SessionToken: c.SessionToken}
		w.must(sigv4.Sign(r, []byte(body), creds, "us-east-1", service, time.Now()))
	}
	resp, err := http.DefaultClient.Do(r)
	w.must(err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	w.must(err)
	return resp, string(text)
}

type answer struct {
	Decision *bool
	Context  struct {
		Reason string
		Error  struct {
			Status  int
			Message string
		}
		Explanation struct {
			Decision string
			Deciding struct{ Sid string }
		}
		Encoded string `json:"encoded_authorization_message"`
	}
}

// ask asks one question and gives its answer.
func (w *world) ask(body string) answer {
	w.t.Helper()
	resp, text := w.send(&w.pep, evaluation, body, nil)
	var a answer
	if err := json.Unmarshal([]byte(text), &a); resp.StatusCode != http.StatusOK || err != nil || a.Decision == nil {
		w.t.Fatalf("%s\n%s: %s", body, resp.Status, text)
	}
	if ct := resp.Header.Get("Content-Type"); ct != "application/json" {
		w.t.Errorf("Content-Type %q", ct)
	}
	return a
}

func TestDecisions(t *testing.T) {
	w := start(t)
	const (
		alice   = `"subject":{"type":"user","id":"alice"}`
		record1 = `"resource":{"type":"record","id":"record-1"}`
	)
	act := func(name string) string { return `"action":{"name":"` + name + `"}` }
	res := func(id string) string { return `"resource":{"type":"thing","id":"` + id + `"}` }
	for _, c := range []struct {
		name string
		body string // without braces
		want bool
	}{
		{"a bare action on a bare resource", alice + "," + act("read") + "," + record1, true},
		{"the same in full", alice + "," + act("record:read") + "," + res("arn:aws:record::123456789012:record-1"), true},
		{"in any case", alice + "," + act("Record:READ") + "," + res("arn:aws:record::123456789012:record-1"), true},
		{"a bare action on an ARN", alice + "," + act("GetObject") + "," + res("arn:aws:s3:::home/alice/x"), true},
		{"the composed ARN is the account's", alice + "," + act("write") + "," + record1, true},
		{"another service", alice + "," + act("read") + `,"resource":{"type":"book","id":"1"}`, false},
		{"another action", alice + "," + act("purge") + "," + record1, false},
		{"another subject", `"subject":{"type":"user","id":"bob"},` + act("write") + "," + record1, false},
		{"a subject by ARN", `"subject":{"type":"user","id":"` + account + `user/eng/alice"},` + act("read") + "," + record1, true},
		{"a subject by unique id", `"subject":{"type":"user","id":"` + w.alice + `"},` + act("read") + "," + record1, true},
		{"a resource's property is its tag", alice + "," + act("write") + `,"resource":{"type":"record","id":"r","properties":{"status":"archived"}}`, false},
		{"a subject's property is its tag", `"subject":{"type":"user","id":"alice","properties":{"role":"admin"}},` + act("write") + `,"resource":{"type":"record","id":"r","properties":{"status":"archived"}}`, true},
		{"an action's property is a key of the service", alice + `,"action":{"name":"delete","properties":{"soft":true}},` + record1, true},
		{"and counts", alice + `,"action":{"name":"delete","properties":{"soft":false}},` + record1, false},
		{"context is a key of the service", alice + "," + act("delete") + "," + record1 + `,"context":{"soft":true}`, true},
		{"a full key in context", alice + "," + act("list") + "," + record1 + `,"context":{"aws:SourceIp":"10.1.2.3"}`, true},
		{"ip_address", `"subject":{"type":"user","id":"alice","properties":{"ip_address":"10.1.2.3"}},` + act("list") + "," + record1, true},
		{"an address outside", `"subject":{"type":"user","id":"alice","properties":{"ip_address":"192.0.2.1"}},` + act("list") + "," + record1, false},
		{"no address: the caller's is not the subject's", alice + "," + act("list") + "," + record1, false},
		{"objects are flattened", alice + "," + act("write") + `,"resource":{"type":"record","id":"r","properties":{"deep":{"er":{"status":"archived"}}}}`, true},
		{"unknown members are ignored", alice + "," + act("read") + "," + record1 + `,"foo":{"bar":[1]},"context":null`, true},
		{"a tag that is stored", alice + "," + act("PutObject") + "," + res("arn:aws:s3:::b/k"), true},
		{"a tag that is repeated", `"subject":{"type":"user","id":"alice","properties":{"Team":"blue"}},` + act("PutObject") + "," + res("arn:aws:s3:::b/k"), true},
		{"a variable", alice + "," + act("GetObject") + "," + res("arn:aws:s3:::home/bob/x"), false},
		{"a resource of another account", alice + "," + act("SendMessage") + "," + res("arn:aws:sqs:us-east-1:210987654321:q"), false},
		{"a resource of this account", alice + "," + act("SendMessage") + "," + res("arn:aws:sqs:us-east-1:123456789012:q"), true},
		{"a bucket of another account", alice + "," + act("PutObject") + `,"resource":{"type":"b","id":"arn:aws:s3:::b/k","properties":{"aws:ResourceAccount":"210987654321"}}`, false},
		{"a KMS key, whose policy is not known", alice + "," + act("Decrypt") + "," + res("arn:aws:kms:us-east-1:123456789012:key/k"), false},
		{"a role that trusts the account", alice + "," + act("sts:AssumeRole") + "," + res(account+"role/svc/App"), true},
		{"a role that trusts another", alice + "," + act("sts:AssumeRole") + "," + res(account+"role/svc/Closed"), false},
		{"a role that is not there", alice + "," + act("sts:AssumeRole") + "," + res(account+"role/svc/None"), false},
		{"tags of an IAM resource", alice + "," + act("iam:GetUser") + "," + res(account+"user/eng/alice"), true},
		{"no tags of an IAM resource", alice + "," + act("iam:GetUser") + "," + res(account+"user/bob"), false},
		{"every resource", alice + "," + act("record:read") + "," + res("*"), true},
		{"the present", alice + "," + act("audit") + "," + record1, false},
		{"a time that is given", alice + "," + act("audit") + "," + record1 + `,"context":{"aws:CurrentTime":"2019-12-31T00:00:00Z"}`, true},
		{"a role by name", `"subject":{"type":"role","id":"app"},` + act("read") + "," + record1, true},
		{"a role by ARN", `"subject":{"type":"role","id":"` + account + `role/svc/App"},` + act("read") + "," + record1, true},
		{"a role by unique id", `"subject":{"type":"role","id":"` + w.app + `"},` + act("read") + "," + record1, true},
		{"a session by ARN", `"subject":{"type":"session","id":"arn:aws:sts::123456789012:assumed-role/App/night"},` + act("list") + "," + record1, true},
		{"a session by unique id", `"subject":{"type":"session","id":"` + w.app + `:night"},` + act("list") + "," + record1, true},
		{"another session", `"subject":{"type":"session","id":"` + w.app + `:day"},` + act("list") + "," + record1, false},
		{"a session may have other tags", `"subject":{"type":"session","id":"` + w.app + `:day","properties":{"team":"red"}},` + act("write") + "," + record1, true},
		{"than its role", `"subject":{"type":"session","id":"` + w.app + `:day"},` + act("write") + "," + record1, false},
	} {
		a := w.ask("{" + c.body + "}")
		if *a.Decision != c.want {
			t.Errorf("%s: %v (%s)", c.name, *a.Decision, a.Context.Reason)
		}
		if *a.Decision == (a.Context.Reason != "" || a.Context.Encoded != "") {
			t.Errorf("%s: %v with reason %q", c.name, *a.Decision, a.Context.Reason)
		}
	}
}

// An unknown subject is denied, and who may not ask is not told which it is.
func TestUnknownSubject(t *testing.T) {
	w := start(t)
	other, theirs, _ := w.NewAccount()
	w.User(theirs, "alice", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`)
	for subject, message := range map[string]string{
		`{"type":"user","id":"nobody"}`:  "The user " + account + "user/nobody cannot be found.",
		`{"type":"user","id":"*"}`:       "The user " + account + "user/* cannot be found.",
		`{"type":"role","id":"alice"}`:   "The role " + account + "role/alice cannot be found.",
		`{"type":"user","id":"AIDANO"}`:  "The user " + account + "user/AIDANO cannot be found.",
		`{"type":"session","id":"a:bc"}`: "The role " + account + "role/a cannot be found.",
		`{"type":"session","id":"arn:aws:sts::123456789012:assumed-role/None/sess"}`: "The role " + account + "role/None cannot be found.",
		`{"type":"user","id":"` + account + `user/alice"}`:                           "The user " + account + "user/alice cannot be found.", // it has a path
	} {
		a := w.ask(`{"subject":` + subject + `,"action":{"name":"read"},"resource":{"type":"record","id":"1"}}`)
		if *a.Decision || a.Context.Error.Status != 404 || a.Context.Error.Message != message {
			t.Errorf("%s: %v, %+v", subject, *a.Decision, a.Context.Error)
		}
	}
	for _, id := range []string{"alice", "nobody"} {
		resp, text := w.send(&w.pep, evaluation, `{"subject":{"type":"user","id":"arn:aws:iam::`+other+`:user/`+id+`"},"action":{"name":"read"},"resource":{"type":"record","id":"1"}}`, nil)
		want := "User: " + account + "user/pep is not authorized to perform: warder:Evaluate on resource: arn:aws:iam::" + other + ":user/" + id +
			" because no resource-based policy allows the warder:Evaluate action\n"
		if resp.StatusCode != http.StatusForbidden || text != want {
			t.Errorf("%s of another account: %s %s", id, resp.Status, text)
		}
	}
}

// Nothing of another account is looked up, neither a trust policy that would
// grant nor tags that could be guessed by contradicting them.
func TestOtherAccounts(t *testing.T) {
	w := start(t)
	other, theirs, _ := w.NewAccount()
	client, ctx := w.IAM(theirs), t.Context()
	made, err := client.CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String("eve"), Tags: []types.Tag{{Key: aws.String("team"), Value: aws.String("blue")}}})
	w.must(err)
	trust := `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"` + account + `user/eng/alice"},"Action":"sts:AssumeRole"}}`
	role, err := client.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("Open"), AssumeRolePolicyDocument: &trust})
	w.must(err)
	for _, resource := range []string{
		`{"type":"role","id":"` + *role.Role.Arn + `"}`,
		`{"type":"user","id":"` + *made.User.Arn + `"}`,
		`{"type":"user","id":"` + *made.User.Arn + `","properties":{"team":"red"}}`,
	} {
		action := "sts:AssumeRole"
		if strings.Contains(resource, "user/") {
			action = "iam:GetUser"
		}
		a := w.ask(`{"subject":{"type":"user","id":"alice"},"action":{"name":"` + action + `"},"resource":` + resource + `}`)
		if *a.Decision || a.Context.Error.Status != 0 {
			t.Errorf("%s: %v, %+v", resource, *a.Decision, a.Context)
		}
	}
	for kind, id := range map[string]string{"user": *made.User.UserId, "role": *role.Role.RoleId} {
		a := w.ask(`{"subject":{"type":"` + kind + `","id":"` + id + `"},"action":{"name":"read"},"resource":{"type":"record","id":"1"}}`)
		if want := "The " + kind + " " + account + kind + "/" + id + " cannot be found."; *a.Decision || a.Context.Error.Message != want {
			t.Errorf("%s of %s: %v, %+v", kind, other, *a.Decision, a.Context.Error)
		}
	}
}

func TestWhoMayAsk(t *testing.T) {
	w := start(t)
	caller := w.User(w.Admin, "caller", "")
	const body = `{"subject":{"type":"user","id":"alice"},"action":{"name":"read"},"resource":{"type":"record","id":"1"}%s}`
	question := strings.Replace(body, "%s", "", 1)
	explained := strings.Replace(body, "%s", `,"options":{"explain":true}`, 1)
	refused := func(action string) string {
		return "User: " + account + "user/caller is not authorized to perform: " + action + " on resource: " + account +
			"user/eng/alice because no identity-based policy allows the " + action + " action\n"
	}
	statement := func(action, resource, condition string) string {
		return `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":` + action + `,"Resource":"` + resource + `"` + condition + `}}`
	}
	tagIs := func(v string) string { return `,"Condition":{"StringEquals":{"aws:ResourceTag/team":"` + v + `"}}` }
	for _, c := range []struct {
		policy, body string
		status       int
		text         string
	}{
		{statement(`"warder:Evaluates"`, "*", ""), question, 403, refused("warder:Evaluate")},
		{statement(`"warder:Evaluate"`, account+"user/bob", ""), question, 403, refused("warder:Evaluate")},
		{statement(`"warder:Evaluate"`, account+"user/eng/*", ""), question, 200, `{"decision":true}` + "\n"},
		{statement(`"warder:Evaluate"`, "*", tagIs("blue")), question, 200, `{"decision":true}` + "\n"},
		{statement(`"warder:Evaluate"`, "*", tagIs("red")), question, 403, refused("warder:Evaluate")},
		{statement(`"warder:Evaluate"`, "*", ""), explained, 403, refused("iam:SimulatePrincipalPolicy")},
		{statement(`["warder:Evaluate","iam:SimulatePrincipalPolicy"]`, account+"user/eng/alice", ""), explained, 200, ""},
	} {
		w.put("caller", c.policy)
		resp, text := w.send(&caller, evaluation, c.body, nil)
		if resp.StatusCode != c.status || c.text != "" && text != c.text {
			t.Errorf("%s: %s %s", c.policy, resp.Status, text)
		}
	}
	resp, text := w.send(&caller, evaluation, explained, nil)
	var a answer
	if err := json.Unmarshal([]byte(text), &a); err != nil || !*a.Decision || a.Context.Explanation.Decision != "allowed" || a.Context.Explanation.Deciding.Sid != "Read" {
		t.Errorf("explanation: %s %s", resp.Status, text)
	}
}

// A denial carries a message that DecodeAuthorizationMessage opens.
func TestEncodedMessage(t *testing.T) {
	w := start(t)
	a := w.ask(`{"subject":{"type":"user","id":"alice"},"action":{"name":"write"},"resource":{"type":"record","id":"r","properties":{"status":"archived"}}}`)
	if want := "User: " + account + "user/eng/alice is not authorized to perform: record:write on resource: arn:aws:record::123456789012:r with an explicit deny in an identity-based policy"; a.Context.Reason != want {
		t.Errorf("reason %q", a.Context.Reason)
	}
	decode := &sts.DecodeAuthorizationMessageInput{EncodedMessage: &a.Context.Encoded}
	out, err := w.STS(w.Admin).DecodeAuthorizationMessage(t.Context(), decode)
	w.must(err)
	var m struct {
		Allowed, ExplicitDeny bool
		MatchedStatements     struct {
			Items []struct{ StatementID, Effect, SourcePolicyID string }
		}
		Context struct {
			Principal        struct{ ID, ARN string }
			Action, Resource string
			Conditions       struct {
				Items []struct {
					Key    string
					Values struct{ Items []struct{ Value string } }
				}
			}
		}
	}
	w.must(json.Unmarshal([]byte(*out.DecodedMessage), &m))
	if m.Allowed || !m.ExplicitDeny || m.Context.Principal.ID != w.alice || m.Context.Principal.ARN != account+"user/eng/alice" ||
		m.Context.Action != "record:write" || m.Context.Resource != "arn:aws:record::123456789012:r" {
		t.Errorf("%s", *out.DecodedMessage)
	}
	effects := map[string]string{}
	for _, st := range m.MatchedStatements.Items {
		effects[st.StatementID] = st.Effect + " " + st.SourcePolicyID
	}
	if len(effects) != 2 || effects["Archived"] != "DENY user_alice_p" || effects["Write"] != "ALLOW user_alice_p" {
		t.Errorf("statements %v", effects)
	}
	found := false
	for _, c := range m.Context.Conditions.Items {
		found = found || c.Key == "aws:resourcetag/status" && c.Values.Items[0].Value == "archived"
	}
	if !found {
		t.Errorf("no status in %s", *out.DecodedMessage)
	}
	_, theirs, _ := w.NewAccount()
	_, err = w.STS(theirs).DecodeAuthorizationMessage(t.Context(), decode)
	wardertest.WantCode(t, err, "InvalidAuthorizationMessageException")
}
