package authzen_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/warder-iam/warder/internal/wardertest"
)

const good = `{"subject":{"type":"user","id":"alice"},"action":{"name":"read"},"resource":{"type":"record","id":"1"}}`

// The caller is known before anything of the body is looked at.
func TestAuthentication(t *testing.T) {
	w := start(t)
	wrong, unknown := w.pep, w.pep
	wrong.SecretAccessKey += "x"
	unknown.AccessKeyID = "AKIAUNKNOWN000000000"
	for _, c := range []struct {
		name   string
		creds  *wardertest.Credentials
		change func(*http.Request)
		code   string
	}{
		{"not signed", nil, nil, "MissingAuthenticationToken"},
		{"a bearer token", nil, func(r *http.Request) { r.Header.Set("Authorization", "Bearer x") }, ""},
		{"wrong secret", &wrong, nil, "SignatureDoesNotMatch"},
		{"unknown key", &unknown, nil, "InvalidClientTokenId"},
		{"signed for another service", &w.pep, func(r *http.Request) { r.Header.Set("Test-Service", "iam") }, "SignatureDoesNotMatch"},
	} {
		for _, path := range []string{evaluation, evaluations} {
			for _, body := range []string{good, "not JSON"} {
				resp, text := w.send(c.creds, path, body, c.change)
				if resp.StatusCode != http.StatusUnauthorized || !strings.HasPrefix(text, c.code) || resp.Header.Get("Www-Authenticate") == "" {
					t.Errorf("%s: %s %s", c.name, resp.Status, text)
				}
			}
		}
	}
	// A request whose body was changed after it was signed.
	var signed *http.Request
	w.send(&w.pep, evaluation, good, func(r *http.Request) { signed = r })
	other := strings.Replace(good, "alice", "admin", 1)
	signed.Body, signed.ContentLength, signed.GetBody = io.NopCloser(strings.NewReader(other)), int64(len(other)), nil
	resp, err := http.DefaultClient.Do(signed)
	w.must(err)
	resp.Body.Close()
	if resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("changed body: %s", resp.Status)
	}
}

func TestMalformedRequests(t *testing.T) {
	w := start(t)
	with := func(old, to string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("no %s", old)
		}
		return strings.Replace(good, old, to, 1)
	}
	for _, c := range []struct{ body, text string }{
		{``, "the JSON ends too early"},
		{`{`, "the JSON ends too early"},
		{`[]`, "the JSON is not an object"},
		{good + good, "there is data after the JSON value"},
		{with(`"id":"alice"`, `"id":"alice","id":"bob"`), `the name "id" stands twice in a JSON object`},
		{with(`alice`, "al\xffce"), "the JSON is not valid UTF-8"},
		{strings.Repeat(`{"a":`, 1000), "the JSON is nested deeper than 32"},
		{`{"action":{"name":"read"},"resource":{"type":"record","id":"1"}}`, "subject is missing"},
		{`{"subject":{"type":"user","id":"alice"},"resource":{"type":"record","id":"1"}}`, "action is missing"},
		{`{"subject":{"type":"user","id":"alice"},"action":{"name":"read"}}`, "resource is missing"},
		{`{"Subject":{"type":"user","id":"alice"},"action":{"name":"read"},"resource":{"type":"record","id":"1"}}`, "subject is missing"},
		{with(`"type":"user",`, ``), "subject.type is missing or not a string"},
		{with(`"id":"alice"`, `"id":""`), "subject.id is missing or not a string"},
		{with(`"name":"read"`, ``), "action.name is missing or not a string"},
		{with(`"name":"read"`, `"name":123`), "action.name is missing or not a string"},
		{with(`"type":"record",`, ``), "resource.type is missing or not a string"},
		{with(`,"id":"1"`, ``), "resource.id is missing or not a string"},
		{with(`{"type":"user","id":"alice"}`, `"alice"`), "subject is not an object"},
		{with(`{"type":"user","id":"alice"}`, `null`), "subject is not an object"},
		{with(`"id":"alice"`, `"id":"alice","properties":[]`), "subject.properties is not an object"},
		{with(`"action"`, `"context":"x","action"`), "context is not an object"},
		{with(`"action"`, `"options":1,"action"`), "options is not an object"},
		{with(`"action"`, `"options":{"explain":"yes"},"action"`), "options.explain is not a boolean"},
		{with(`"type":"user"`, `"type":"group"`), `subject.type "group" is not known: use "user", "role" or "session"`},
		{with(`"id":"alice"`, `"id":"arn:aws:s3:::alice"`), "subject.id is not the ARN of a user: arn:aws:s3:::alice"},
		{with(`"id":"alice"`, `"id":"arn:aws:iam::123456789012:root"`), "subject.id is not the ARN of a user: arn:aws:iam::123456789012:root"},
		{with(`"type":"user","id":"alice"`, `"type":"session","id":"App"`), "subject.id is no role session: it is an ARN such as arn:aws:sts::123456789012:assumed-role/ROLE/SESSION, or the role's unique id or name, a colon and the session's name"},
		{with(`"read"`, `"record:*"`), `action.name gives "record:*", which is no action such as "s3:GetObject"`},
		{with(`"read"`, `"a:b:c"`), `action.name gives "a:b:c", which is no action such as "s3:GetObject"`},
		{with(`"type":"record"`, `"type":"My Record"`), `resource.id is no ARN, and resource.type "My Record" cannot be the service of one: ^[a-z][a-z0-9-]{0,63}$`},
		{with(`"id":"1"`, `"id":"arn:aws:s3"`), `resource.id is no ARN, and resource.type "record" cannot be the service of one: ^[a-z][a-z0-9-]{0,63}$`},
		{with(`"id":"1"`, `"id":"1","properties":{"x":null}`), `resource.properties "x": null is no value of a condition key`},
		{with(`"id":"1"`, `"id":"1","properties":{"x":{}}`), `resource.properties "x": an object is no value of a condition key`},
		{with(`"id":"1"`, `"id":"1","properties":{"x":[{"y":1}]}`), `resource.properties "x": an object is no value of a condition key`},
		{with(`"id":"1"`, `"id":"1","properties":{"":1}`), `resource.properties has a member without a name`},
		{with(`"id":"1"`, `"id":"1","properties":{"a.b":1,"a":{"b":2}}`), `resource.properties has two members of one name`},
		{with(`"id":"1"`, `"id":"1","properties":{"x":1,"X":2}`), `resource.properties: the condition key "aws:ResourceTag/x" is given twice`},
		{with(`"id":"1"`, `"id":"1","properties":{"aws:ResourceAccount":"1"}`), "resource.properties aws:ResourceAccount is no account id, or not the one in the ARN"},
		{with(`"id":"1"`, `"id":"arn:aws:sqs:us-east-1:123456789012:q","properties":{"aws:ResourceAccount":"210987654321"}`), "resource.properties aws:ResourceAccount is no account id, or not the one in the ARN"},
		{with(`"action"`, `"context":{"aws:PrincipalArn":"x"},"action"`), "the condition key aws:principalarn follows from the subject and cannot be given"},
		{with(`"action"`, `"context":{"AWS:UserName":"x"},"action"`), "the condition key aws:username follows from the subject and cannot be given"},
		{with(`"action"`, `"context":{"aws:PrincipalTag/Team":"red"},"action"`), "the condition key aws:PrincipalTag/team is known to have another value"},
		{with(`"id":"alice"`, `"id":"alice","properties":{"team":["blue","red"]}`), "the condition key aws:PrincipalTag/team is known to have another value"},
		{with(`"id":"1"`, `"id":"arn:aws:iam::123456789012:user/eng/alice","properties":{"team":"red"}`), "the condition key aws:ResourceTag/team is known to have another value"},
	} {
		resp, text := w.send(&w.pep, evaluation, c.body, nil)
		if resp.StatusCode != http.StatusBadRequest || text != c.text+"\n" {
			t.Errorf("%.200s\n got %s %s\nwant %s", c.body, resp.Status, text, c.text)
		}
	}
}

func TestBinding(t *testing.T) {
	w := start(t)
	for _, ct := range []string{"", "text/plain", "application/x-www-form-urlencoded", "application/json; x"} {
		resp, text := w.send(&w.pep, evaluation, good, func(r *http.Request) { r.Header.Set("Content-Type", ct) })
		if resp.StatusCode != http.StatusBadRequest {
			t.Errorf("Content-Type %q: %s %s", ct, resp.Status, text)
		}
	}
	resp, text := w.send(&w.pep, evaluation, good, func(r *http.Request) {
		r.Header.Set("Content-Type", "application/json; charset=utf-8")
		r.Header.Set("X-Request-Id", "bfe9eb29")
	})
	if resp.StatusCode != http.StatusOK || resp.Header.Get("X-Request-Id") != "bfe9eb29" || text != "{\"decision\":true}\n" {
		t.Errorf("%s %v %s", resp.Status, resp.Header, text)
	}
	resp, _ = w.send(&w.pep, evaluation, "{", func(r *http.Request) { r.Header.Set("X-Request-Id", "in an error") })
	if resp.Header.Get("X-Request-Id") != "in an error" {
		t.Errorf("an error has X-Request-Id %q", resp.Header.Get("X-Request-Id"))
	}
	for _, chunked := range []bool{false, true} {
		body := `{"x":"` + strings.Repeat("x", 1<<20) + `"}`
		resp, text := w.send(&w.pep, evaluation, body, func(r *http.Request) {
			if chunked {
				r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), -1
			}
		})
		if resp.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("oversize: %s %s", resp.Status, text)
		}
	}
	for _, path := range []string{evaluation, evaluations} {
		resp, err := http.Get(w.URL + path)
		w.must(err)
		resp.Body.Close()
		if resp.StatusCode != http.StatusMethodNotAllowed || resp.Header.Get("Allow") != "POST" {
			t.Errorf("GET %s: %s", path, resp.Status)
		}
	}
}

func TestMetadata(t *testing.T) {
	w := start(t)
	r, err := http.NewRequest(http.MethodGet, w.URL+"/.well-known/authzen-configuration", nil)
	w.must(err)
	r.Host = "evil.example" // the answer is the server's, whoever asks for it by what name
	resp, err := http.DefaultClient.Do(r)
	w.must(err)
	defer resp.Body.Close()
	var got map[string]string
	w.must(json.NewDecoder(resp.Body).Decode(&got))
	want := map[string]string{
		"policy_decision_point": w.URL, "access_evaluation_endpoint": w.URL + evaluation, "access_evaluations_endpoint": w.URL + evaluations,
	}
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "application/json" || !reflect.DeepEqual(got, want) {
		t.Errorf("%s %v", resp.Status, got)
	}
	if resp, _ := w.send(&w.pep, "/.well-known/authzen-configuration", "{}", nil); resp.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST: %s", resp.Status)
	}
}

func TestEvaluations(t *testing.T) {
	w := start(t)
	const subject = `"subject":{"type":"user","id":"alice"}`
	item := func(id string) string { return `{"resource":{"type":"record","id":"` + id + `"}}` }
	const archived = `{"resource":{"type":"record","id":"2","properties":{"status":"archived"}}}`
	for _, c := range []struct {
		name, body string
		want       string // a letter a decision: t or f, 4xx for an error; "" for a single answer
	}{
		{"all, in order", `{` + subject + `,"action":{"name":"write"},"evaluations":[` + item("1") + `,` + archived + `,` + item("3") + `]}`, "t f t"},
		{"execute_all", `{` + subject + `,"action":{"name":"write"},"options":{"evaluations_semantic":"execute_all"},"evaluations":[` + archived + `,` + item("3") + `]}`, "f t"},
		{"deny_on_first_deny", `{` + subject + `,"action":{"name":"write"},"options":{"evaluations_semantic":"deny_on_first_deny"},"evaluations":[` + item("1") + `,` + archived + `,` + item("3") + `]}`, "t f"},
		{"permit_on_first_permit", `{` + subject + `,"action":{"name":"write"},"options":{"evaluations_semantic":"permit_on_first_permit"},"evaluations":[` + archived + `,` + item("1") + `,` + item("3") + `]}`, "f t"},
		{"no defaults", `{"evaluations":[` + good + `,{"subject":{"type":"user","id":"bob"},"action":{"name":"write"},"resource":{"type":"record","id":"1"}}]}`, "t f"},
		{"an entity replaces the default", `{` + subject + `,"action":{"name":"delete","properties":{"soft":true}},"resource":{"type":"record","id":"1"},"evaluations":[{},{"action":{"name":"delete"}},{"subject":{"type":"user","id":"bob"}}]}`, "t f f"},
		{"but for its type and id", `{` + subject + `,"action":{"name":"write"},"resource":{"type":"record","properties":{"status":"archived"}},"evaluations":[{"resource":{"id":"1"}}]}`, "t"},
		{"context is replaced", `{` + subject + `,"action":{"name":"delete"},"resource":{"type":"record","id":"1"},"context":{"soft":true},"evaluations":[{},{"context":{}},{"context":{"soft":false}}]}`, "t f f"},
		{"what is wrong with one is its own", `{` + subject + `,"action":{"name":"read"},"evaluations":[` + item("1") + `,{},3,{"resource":{"type":"record","id":"1"},"subject":{"type":"user","id":"nobody"}},` + item("2") + `]}`, "t 400 400 404 t"},
		{"an error is a denial", `{` + subject + `,"action":{"name":"read"},"options":{"evaluations_semantic":"deny_on_first_deny"},"evaluations":[{},` + item("1") + `]}`, "400"},
		{"none", good, ""},
		{"an empty list", strings.TrimSuffix(good, "}") + `,"evaluations":[]}`, ""},
	} {
		resp, text := w.send(&w.pep, evaluations, c.body, nil)
		if c.want == "" {
			if text != "{\"decision\":true}\n" {
				t.Errorf("%s: %s %s", c.name, resp.Status, text)
			}
			continue
		}
		var out struct {
			Decision    *bool
			Evaluations []answer
		}
		if err := json.Unmarshal([]byte(text), &out); err != nil || resp.StatusCode != http.StatusOK || out.Decision != nil {
			t.Errorf("%s: %s %s", c.name, resp.Status, text)
			continue
		}
		var got []string
		for _, e := range out.Evaluations {
			switch {
			case e.Context.Error.Status != 0 && !*e.Decision:
				got = append(got, fmt.Sprint(e.Context.Error.Status))
			case *e.Decision:
				got = append(got, "t")
			default:
				got = append(got, "f")
			}
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: %v, want %s: %s", c.name, got, c.want, text)
		}
	}

	// Who may ask about one subject only is told so of the others.
	w.put("pep", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"warder:Evaluate","Resource":"`+account+`user/bob"}}`)
	_, text := w.send(&w.pep, evaluations, `{"action":{"name":"read"},"resource":{"type":"record","id":"1"},"evaluations":[{"subject":{"type":"user","id":"bob"}},{"subject":{"type":"user","id":"alice"}}]}`, nil)
	if !strings.HasPrefix(text, `{"evaluations":[{"decision":true},{"decision":false,"context":{"error":{"status":403,"message":"User: `+account+`user/pep is not authorized`) {
		t.Error(text)
	}

	for body, want := range map[string]string{
		`{"evaluations":{}}`: "evaluations is not a list",
		`{"options":{"evaluations_semantic":"first"},"evaluations":[{}]}`: "options.evaluations_semantic is none of execute_all, deny_on_first_deny, permit_on_first_permit",
		`{"evaluations":[{}` + strings.Repeat(",{}", 1000) + `]}`:         "evaluations has more than 1000 members",
	} {
		if resp, text := w.send(&w.pep, evaluations, body, nil); resp.StatusCode != http.StatusBadRequest || text != want+"\n" {
			t.Errorf("%.60s: %s %s", body, resp.Status, text)
		}
	}
}
