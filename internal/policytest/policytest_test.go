package policytest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/warder-iam/warder/policy"
)

const jo = "arn:aws:iam::123456789012:user/jo"

func none(name string) ([]byte, error) { return nil, errors.New("no file " + name) }

// TestMet: what is not known is never taken for what is expected.
func TestMet(t *testing.T) {
	for _, test := range []struct {
		expect, because      string
		decision, name, stmt string
		want                 bool
	}{
		{Allowed, "", Allowed, "", "", true},
		{Allowed, "", ImplicitDeny, "", "", false},
		{Allowed, "", Denied, "", "", false},
		{Allowed, "", "", "", "", false},
		{Denied, "", ImplicitDeny, "", "", true},
		{Denied, "", ExplicitDeny, "", "", true},
		{Denied, "", Denied, "", "", true},
		{Denied, "", Allowed, "", "", false},
		{Denied, "", "", "", "", false},
		{ExplicitDeny, "", Denied, "", "", false},
		{ExplicitDeny, "", ImplicitDeny, "", "", false},
		{ImplicitDeny, "", Denied, "", "", false},
		{Allowed, "p", Allowed, "p", "S", true},
		{Allowed, "p/S", Allowed, "p", "S", true},
		{Allowed, "p/T", Allowed, "p", "S", false},
		{Allowed, "q", Allowed, "p", "S", false},
		{Allowed, "p", Allowed, "", "", false},
		{Allowed, "/", Allowed, "", "", false},
		{Allowed, "p/S", ImplicitDeny, "p", "S", false},
		{Denied, "p/0", ExplicitDeny, "p", "0", true},
	} {
		c := &Case{Expect: test.expect, Because: test.because}
		if got := c.met(&Answer{Decision: test.decision, Policy: test.name, Sid: test.stmt}); got != test.want {
			t.Errorf("%+v: %t", test, got)
		}
	}
}

func TestRun(t *testing.T) {
	s := &Suite{File: "f.yaml", Cases: []Case{{Name: "a", Line: 3, Expect: Denied}, {Name: "b", Line: 4, Expect: Allowed}}}
	results, err := s.Run(t.Context(), func(context.Context, *Case) (*Answer, error) { return &Answer{Decision: Allowed}, nil })
	if err != nil || len(results) != 2 || results[0].Passed || !results[1].Passed {
		t.Errorf("%+v, %v", results, err)
	}
	_, err = s.Run(t.Context(), func(context.Context, *Case) (*Answer, error) { return nil, errors.New("no answer") })
	if err == nil || err.Error() != "f.yaml:3: a: no answer" {
		t.Errorf("error %v", err)
	}
}

// TestDocuments: a policy in YAML is read as what stands there.
func TestDocuments(t *testing.T) {
	for yaml, want := range map[string]string{
		`{Version: 2012-10-17, Statement: []}`:             `{"Version":"2012-10-17","Statement":[]}`,
		`{b: 1, a: 2, b: 3}`:                               `{"b":1,"a":2,"b":3}`,
		`{a: 012345678901, b: 0x10, c: .5}`:                `{"a":"012345678901","b":"0x10","c":".5"}`,
		`{a: yes, b: true, c: "true", d: ~}`:               `{"a":"yes","b":true,"c":"true","d":null}`,
		`{a: 1.50, b: -3, c: 1e3}`:                         `{"a":1.50,"b":-3,"c":1e3}`,
		`{a: "x\ty", b: 'é"', c: |-` + "\n  two\n  lines}": "",
		"'{\"a\": 1}'":                                     `{"a": 1}`,
		"&x {a: &y [1], b: *y}":                            `{"a":[1],"b":[1]}`,
	} {
		text := "policies: {p: {document: " + yaml + "}}\ntests: []"
		got, err := document(text)
		if want == "" {
			if err == nil {
				t.Errorf("%s: %s", yaml, got)
			}
			continue
		}
		if err != nil || got != want {
			t.Errorf("%s: %s, %v, want %s", yaml, got, err, want)
		}
	}
}

// document is the text of policy p.
func document(text string) (string, error) {
	var f file
	if err := decode([]byte(text), &f); err != nil {
		return "", err
	}
	l := &loader{file: &f, read: none, texts: map[string][]byte{}}
	got, err := l.text("p")
	return string(got), err
}

// TestAWSManaged: a principal may have AWS managed policies by their ARNs.
func TestAWSManaged(t *testing.T) {
	const text = `
principals:
  jo: {arn: "arn:aws:iam::123456789012:user/jo", identity: ["arn:aws:iam::aws:policy/AdministratorAccess"], boundary: "arn:aws:iam::aws:policy/IAMReadOnlyAccess"}
tests:
  - {principal: jo, action: iam:GetUser, expect: allowed, because: AdministratorAccess}
  - {principal: jo, action: iam:CreateUser, expect: implicitDeny}`
	s, err := parse("f.yaml", []byte(text), none)
	if err != nil {
		t.Fatal(err)
	}
	results, err := s.Run(t.Context(), Engine)
	if err != nil || len(results) != 2 {
		t.Fatal(results, err)
	}
	for _, r := range results {
		if !r.Passed {
			t.Error(r.Diff())
		}
	}
}

func TestRefused(t *testing.T) {
	test := "\ntests: [{principal: '" + jo + "', action: s3:GetObject, expect: denied}]"
	deep := strings.Repeat("{a: ", 20) + "1" + strings.Repeat("}", 20)
	for name, text := range map[string]string{
		"two documents":           "tests: []\n---\ntests: []",
		"no mapping":              "[]",
		"unknown field":           "policy: {}" + test,
		"no policy text":          "policies: {p: {}}" + test,
		"two policy texts":        "policies: {p: {file: x, document: '{}'}}" + test,
		"missing file":            "policies: {p: {file: x}}" + test,
		"deep policy":             "policies: {p: {document: " + deep + "}}" + test,
		"endless policy":          "policies: {p: {document: &a {a: *a}}}" + test,
		"merge":                   "policies: {p: {document: {<<: {a: 1}}}}" + test,
		"principal without arn":   "principals: {p: {}}\ntests: [{principal: p, action: s3:GetObject, expect: denied}]",
		"principal with bad arn":  "principals: {p: {arn: jo}}\ntests: [{principal: p, action: s3:GetObject, expect: denied}]",
		"no principal":            "tests: [{action: s3:GetObject, expect: denied}]",
		"no action":               "tests: [{principal: '" + jo + "', expect: denied}]",
		"no expectation":          "tests: [{principal: '" + jo + "', action: s3:GetObject}]",
		"bad time":                "time: noon" + test,
		"key twice":               "context: {aws:TagKeys: [a], AWS:tagkeys: [b]}" + test,
		"object for a key":        "context: {aws:TagKeys: {a: b}}" + test,
		"key without prefix":      "context: {team: a}" + test,
		"unknown AWS policy":      "principals: {p: {arn: '" + jo + "', identity: ['arn:aws:iam::aws:policy/Nope']}}\ntests: [{principal: p, action: s3:GetObject, expect: denied}]",
		"unknown control policy":  "scps: [p]" + test,
		"unknown resource policy": "tests: [{principal: '" + jo + "', action: s3:GetObject, resource-policy: p, expect: denied}]",
	} {
		if s, err := parse("f.yaml", []byte(text), none); err == nil {
			t.Errorf("%s: not refused: %+v", name, s)
		}
	}
}

// TestContext: keys of a test go before those of its principal and the file.
func TestContext(t *testing.T) {
	s, err := parse("f.yaml", []byte(`
principals: {jo: {arn: `+jo+`, context: {aws:PrincipalTag/a: principal, aws:PrincipalTag/b: principal}}}
context: {aws:PrincipalTag/a: file, aws:PrincipalTag/b: file, aws:PrincipalTag/c: file, aws:TagKeys: [x, 1, true]}
time: 2026-01-31T12:00:00Z
tests: [{principal: jo, action: s3:GetObject, context: {AWS:principaltag/a: test}, expect: denied}]
`), none)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"aws:PrincipalTag/a": "[test]", "aws:PrincipalTag/b": "[principal]", "aws:PrincipalTag/c": "[file]", "aws:TagKeys": "[x 1 true]",
		"aws:CurrentTime": "[2026-01-31T12:00:00Z]", "aws:EpochTime": "[1769860800]",
	} {
		v, ok := s.Cases[0].Question.Context.Lookup(policy.KeyOf(name))
		if got := fmt.Sprint(v.All()); !ok || got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
}

// FuzzParse: whatever a file holds, it is read or refused.
func FuzzParse(f *testing.F) {
	f.Add("policies: {p: {document: {Version: 2012-10-17, Statement: {Effect: Allow, Action: '*', Resource: '*'}}}}\nprincipals: {jo: {arn: " + jo + ", identity: p}}\n" +
		"context: {aws:TagKeys: [a]}\ntime: 2026-01-31T12:00:00Z\ntests: [{principal: jo, action: [a:b, c:d], resource: ['*'], expect: allowed, because: p/0}]")
	f.Add("policies: &a {p: {document: *a}}\ntests: []")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := parse("f.yaml", []byte(text), none)
		if err == nil && len(s.Cases) == 0 {
			t.Error("no cases and no error")
		}
		if err != nil {
			return
		}
		for i := range s.Cases {
			if _, err := Engine(t.Context(), &s.Cases[i]); err != nil && !strings.Contains(err.Error(), "no action") {
				t.Errorf("case %d was loaded and cannot be decided: %v", i, err)
			}
		}
	})
}
