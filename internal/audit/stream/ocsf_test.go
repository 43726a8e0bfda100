package stream

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/warder-iam/warder/internal/audit/trail"
)

// schemas are those of the OCSF classes, of version 1.5.0 with the profiles cloud
// and datetime, by class_uid. PyPI's ocsf-json-schema made them of the published
// schema; they take no member that the schema does not have.
func schemas(t testing.TB) map[int]*jsonschema.Schema {
	t.Helper()
	all := map[int]*jsonschema.Schema{}
	for uid, name := range map[int]string{3001: "account_change", 3002: "authentication", 6003: "api_activity"} {
		packed, err := os.ReadFile("testdata/ocsf-" + name + ".schema.json.gz")
		if err != nil {
			t.Fatal(err)
		}
		z, err := gzip.NewReader(bytes.NewReader(packed))
		if err != nil {
			t.Fatal(err)
		}
		document, err := jsonschema.UnmarshalJSON(z)
		if err != nil {
			t.Fatal(err)
		}
		c := jsonschema.NewCompiler()
		if err := c.AddResource(name, document); err != nil {
			t.Fatal(err)
		}
		if all[uid], err = c.Compile(name); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// examples are the events of the tests of package audit, by file.
func examples(t testing.TB) map[string]*trail.Entry {
	t.Helper()
	files, err := filepath.Glob("../testdata/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	all := map[string]*trail.Entry{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all[filepath.Base(file)] = entryOf(t, string(text))
	}
	return all
}

func entryOf(t testing.TB, text string) *trail.Entry {
	t.Helper()
	var b bytes.Buffer
	if err := json.Compact(&b, []byte(text)); err != nil {
		t.Fatal(err)
	}
	var r record
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		t.Fatal(err)
	}
	e := &trail.Entry{ID: r.EventID, Name: r.EventName, Source: r.EventSource, Account: r.RecipientAccount, Time: time.Unix(1782911045, 0), JSON: b.Bytes()}
	if r.EventCategory == "Data" {
		e.Category = trail.Data
	}
	return e
}

func ocsfOf(t testing.TB, e *trail.Entry) map[string]any {
	t.Helper()
	target := Target{OCSF: true}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(target.message(e).text))
	if err != nil {
		t.Fatal(err)
	}
	return v.(map[string]any)
}

const (
	consoleEvent = `{"eventVersion":"1.11","userIdentity":{"type":"IAMUser","principalId":"AIDAX","arn":"arn:aws:iam::111122223333:user/x","accountId":"111122223333","userName":"x"},
		"eventTime":"2026-07-01T13:04:05Z","eventSource":"signin.amazonaws.com","eventName":"ConsoleLogin","awsRegion":"us-east-1","sourceIPAddress":"192.0.2.7","userAgent":"b",
		"errorMessage":"Failed authentication","requestParameters":null,"responseElements":{"ConsoleLogin":"Failure"},
		"additionalEventData":{"LoginTo":"https://console","MobileVersion":"No","MFAUsed":"Yes"},"eventID":"e1","eventType":"AwsConsoleSignIn","recipientAccountId":"111122223333",
		"managementEvent":true,"readOnly":false,"eventCategory":"Management"}`
	questionEvent = `{"eventVersion":"1.11","userIdentity":{"type":"AWSService","invokedBy":"app"},"eventTime":"2026-07-01T13:04:05Z","eventSource":"authzen.warder",
		"eventName":"Evaluate","awsRegion":"us-east-1","sourceIPAddress":"","userAgent":"","requestParameters":{"action":"a"},"responseElements":{"decision":false},
		"requestID":"r","eventID":"e2","readOnly":true,"resources":[{"accountId":"111122223333","type":"Warder::Application::Resource","ARN":"doc-1"}],
		"eventType":"AwsApiCall","managementEvent":false,"recipientAccountId":"111122223333","eventCategory":"Data"}`
)

// Every event is valid by the published schema.
func TestOCSFSchema(t *testing.T) {
	all, events := schemas(t), examples(t)
	events["console"], events["question"] = entryOf(t, consoleEvent), entryOf(t, questionEvent)
	events["broken"] = &trail.Entry{ID: "1", Name: "CreateUser", Source: "iam.amazonaws.com", Account: "111122223333", JSON: []byte(`{"eventName":"Crea`)}
	events["other types"] = &trail.Entry{ID: "1", Name: "AssumeRole", Source: "sts.amazonaws.com", Account: "111122223333",
		JSON: []byte(`{"userIdentity":[1],"requestParameters":[1],"responseElements":"x","resources":{}}`)}
	// Every operation that has a class of its own, with nothing else known of it.
	for name := range accountChanges {
		events[name] = &trail.Entry{ID: "1", Name: name, Source: sourceIAM, JSON: []byte(`{}`)}
	}
	for name := range logons {
		events[name] = &trail.Entry{ID: "1", Name: name, Source: sourceSTS, JSON: []byte(`{}`)}
	}
	seen := map[int]int{}
	for name, e := range events {
		v := ocsfOf(t, e)
		n, err := v["class_uid"].(json.Number).Int64()
		if err != nil || all[int(n)] == nil {
			t.Fatalf("%s: class %v", name, v["class_uid"])
		}
		seen[int(n)]++
		if err := all[int(n)].Validate(v); err != nil {
			t.Errorf("%s: %v\n%v", name, err, v)
		}
	}
	if len(seen) != 3 {
		t.Errorf("not all classes are tested: %v", seen)
	}
	// The schema is one that can refuse.
	bad := ocsfOf(t, events["console"])
	bad["colour"] = "red"
	if all[3002].Validate(bad) == nil {
		t.Error("the schema takes anything")
	}
}

func at(v any, path ...string) any {
	for _, name := range path {
		m, _ := v.(map[string]any)
		v = m[name]
	}
	return v
}

func text(v any) string {
	b, _ := json.Marshal(v)
	return string(b)
}

// What an event says is where the published mapping has it.
func TestOCSF(t *testing.T) {
	events := examples(t)
	events["console"], events["question"] = entryOf(t, consoleEvent), entryOf(t, questionEvent)
	events["broken"] = &trail.Entry{ID: "1", Name: "CreateUser", Source: "iam.amazonaws.com", Account: "111122223333", JSON: []byte(`{"eventName":"Crea`)}
	for _, tc := range []struct {
		event, want string
		path        []string
	}{
		{"create-user.json", `300101`, []string{"type_uid"}},
		{"create-user.json", `"Account Change: Create"`, []string{"type_name"}},
		{"create-user.json", `"Success"`, []string{"status"}},
		{"create-login-profile.json", `300102`, []string{"type_uid"}},
		{"create-login-profile.json", `"bob"`, []string{"user", "name"}},
		{"create-login-profile.json", `"ann"`, []string{"actor", "user", "name"}},
		{"create-access-key-of-root.json", `300199`, []string{"type_uid"}},
		{"create-access-key-of-root.json", `"CreateAccessKey"`, []string{"activity_name"}},
		{"create-access-key-of-root.json", `"arn:aws:iam::111122223333:root"`, []string{"user", "uid"}},
		{"denied.json", `300106`, []string{"type_uid"}},
		{"denied.json", `"Failure"`, []string{"status"}},
		{"denied.json", `"AccessDenied"`, []string{"status_code"}},
		{"denied.json", `"AccessDenied"`, []string{"api", "response", "error"}},
		{"denied.json", `"app"`, []string{"user", "name"}},
		{"denied.json", `"AKIAANN"`, []string{"actor", "user", "credential_uid"}},
		{"denied.json", `"192.0.2.101"`, []string{"src_endpoint", "ip"}},
		{"denied.json", `"aws-cli/2.0"`, []string{"http_request", "user_agent"}},
		{"denied.json", `{"data":{"roleName":"app"},"uid":"11111111-2222-3333-4444-555555555555"}`, []string{"api", "request"}},
		{"denied.json", `"00000000-0000-0000-0000-000000000001"`, []string{"metadata", "uid"}},
		{"denied.json", `1782911045000`, []string{"time"}},
		{"denied.json", `{"managementEvent":"true","readOnly":"false","tlsDetails.cipherSuite":"TLS_AES_128_GCM_SHA256","tlsDetails.clientProvidedHostHeader":"iam.amazonaws.com","tlsDetails.tlsVersion":"TLSv1.3"}`, []string{"unmapped"}},
		{"assume-role-chained.json", `300201`, []string{"type_uid"}},
		{"assume-role-chained.json", `{"name":"s","uid":"arn:aws:iam::111122223333:role/next","uid_alt":"AROADEPLOY:build-7"}`, []string{"user"}},
		{"assume-role-chained.json", `{"credential_uid":"ASIANEW","uid":"arn:aws:sts::111122223333:assumed-role/next/s","uid_alt":"AROAOTHER:s"}`, []string{"session"}},
		{"assume-role-chained.json", `{"created_time":1782907445000,"created_time_dt":"2026-07-01T12:04:05Z","is_mfa":false,"issuer":"arn:aws:iam::111122223333:role/ci/deploy"}`, []string{"actor", "session"}},
		{"assume-role-chained.json", `"ann"`, []string{"unmapped", "userIdentity.sessionContext.sourceIdentity"}},
		{"session-token-of-user.json", `600302`, []string{"type_uid"}},
		{"session-token-of-user.json", `true`, []string{"actor", "session", "is_mfa"}},
		{"unknown.json", `"Unknown"`, []string{"actor", "user", "name"}},
		{"console", `300201`, []string{"type_uid"}},
		{"console", `"Failure"`, []string{"status"}},
		{"console", `true`, []string{"is_mfa"}},
		{"console", `"https://console"`, []string{"dst_endpoint", "svc_name"}},
		{"console", `"No"`, []string{"unmapped", "additionalEventData.MobileVersion"}},
		{"question", `600302`, []string{"type_uid"}},
		{"question", `[{"owner":{"account":{"uid":"111122223333"}},"type":"Warder::Application::Resource","uid":"doc-1"}]`, []string{"resources"}},
		{"question", `"unknown"`, []string{"src_endpoint", "name"}},
		{"question", `"app"`, []string{"actor", "invoked_by"}},
		{"question", `[{"name":"actor.user.name","type":"User Name","type_id":4,"value":"AWSService"},{"name":"resources[].uid","type":"Resource UID","type_id":10,"value":"doc-1"}]`, []string{"observables"}},
		{"broken", `300101`, []string{"type_uid"}},
		{"broken", `"{\"eventName\":\"Crea"`, []string{"raw_data"}},
	} {
		e := events[tc.event]
		if e == nil {
			t.Fatalf("there is no %s", tc.event)
		}
		if got := text(at(ocsfOf(t, e), tc.path...)); got != tc.want {
			t.Errorf("%s: %v is %s, want %s", tc.event, tc.path, got, tc.want)
		}
	}
}

func TestOutcome(t *testing.T) {
	events := examples(t)
	for name, tc := range map[string]struct {
		entry *trail.Entry
		want  outcome
	}{
		"denied":   {events["denied.json"], refused},
		"error":    {events["no-such-entity.json"], failed},
		"success":  {events["create-user.json"], succeeded},
		"console":  {entryOf(t, consoleEvent), refused},
		"question": {entryOf(t, questionEvent), refused},
	} {
		r, err := readRecord(tc.entry)
		if err != nil || r.outcome() != tc.want {
			t.Errorf("%s: %v, %v, want %v", name, r.outcome(), err, tc.want)
		}
	}
}

// Whatever a record is, there is one line of valid JSON.
func FuzzOCSF(f *testing.F) {
	all := schemas(f)
	for _, e := range examples(f) {
		f.Add(e.JSON, e.Name, e.Source)
	}
	f.Add([]byte(`[]`), "ConsoleLogin", "signin.amazonaws.com")
	f.Fuzz(func(t *testing.T, record []byte, name, source string) {
		e := &trail.Entry{ID: "id", Name: name, Source: source, Time: time.Unix(0, 0), JSON: record}
		target := Target{OCSF: true}
		line := target.message(e).text
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(line))
		if err != nil || bytes.ContainsAny(line, "\n\r") {
			t.Fatalf("%q, %v", line, err)
		}
		uid, _ := v.(map[string]any)["class_uid"].(json.Number).Int64()
		if err := all[int(uid)].Validate(v); err != nil {
			t.Errorf("%v\n%s", err, line)
		}
	})
}

func BenchmarkMessage(b *testing.B) {
	e := examples(b)["assume-role-chained.json"]
	for name, target := range map[string]Target{"syslog": {Kind: kindSyslog}, "ocsf": {OCSF: true}} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				target.message(e)
			}
		})
	}
	b.Run("otlp", func(b *testing.B) {
		b.ReportAllocs()
		var target Target
		for b.Loop() {
			logsOf([]message{target.message(e)}, time.Unix(0, 0))
		}
	})
}
