package question

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/warder-iam/warder/policy"
)

func TestPrincipal(t *testing.T) {
	const account = "123456789012"
	for _, c := range []struct {
		text string
		want *policy.Principal // nil: refused
	}{
		{"*", &policy.Principal{Kind: policy.Anonymous}},
		{"ec2.amazonaws.com", &policy.Principal{Kind: policy.Service, Service: "ec2.amazonaws.com"}},
		{"arn:aws:iam::123456789012:root", &policy.Principal{Kind: policy.Root, ARN: "arn:aws:iam::123456789012:root", Account: account}},
		{"arn:aws:iam::123456789012:user/a/Jo", &policy.Principal{Kind: policy.User, ARN: "arn:aws:iam::123456789012:user/a/Jo", Account: account}},
		{"arn:aws:iam::123456789012:role/a/R", &policy.Principal{Kind: policy.RoleSession, ARN: "arn:aws:iam::123456789012:role/a/R", RoleARN: "arn:aws:iam::123456789012:role/a/R", Account: account}},
		{"arn:aws-cn:sts::123456789012:assumed-role/R/s", &policy.Principal{Kind: policy.RoleSession, ARN: "arn:aws-cn:sts::123456789012:assumed-role/R/s", RoleARN: "arn:aws-cn:iam::123456789012:role/R", Account: account}},
		{"arn:aws:sts::123456789012:federated-user/F", &policy.Principal{Kind: policy.FederatedUser, ARN: "arn:aws:sts::123456789012:federated-user/F", Account: account}},
		{"", nil}, {"Jo", nil}, {"123456789012", nil}, {"a.b*", nil}, {"arn:aws:iam::123456789012:user/", nil}, {"arn:aws:iam::123456789012:user/a/", nil},
		{"arn:aws:iam::123456789012:user/*", nil}, {"arn:aws:iam::12345678901:user/Jo", nil}, {"arn:aws:iam:us-east-1:123456789012:user/Jo", nil},
		{"arn:aws:iam::123456789012:group/G", nil}, {"arn:aws:sts::123456789012:assumed-role/R", nil}, {"arn:aws:sts::123456789012:assumed-role/R/s/t", nil},
		{"arn:aws:sts::123456789012:assumed-role//s", nil}, {"arn:aws:s3:::bucket", nil}, {"arn:aws:sts::123456789012:user/Jo", nil},
	} {
		got, err := Principal(c.text)
		if (err == nil) != (c.want != nil) || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%q: %+v, %v", c.text, got, err)
		}
	}
}

func TestFacts(t *testing.T) {
	for _, c := range []struct {
		principal *policy.Principal
		want      map[string]string
	}{
		{&policy.Principal{Kind: policy.User, ARN: "arn:aws:iam::1:user/a/Jo", Account: "1", UniqueID: "AIDA"}, map[string]string{
			"aws:principalaccount": "1", "aws:principalarn": "arn:aws:iam::1:user/a/Jo", "aws:principaltype": "User",
			"aws:username": "Jo", "aws:userid": "AIDA", "aws:principalisawsservice": "false",
		}},
		{&policy.Principal{Kind: policy.User, Account: "1"}, map[string]string{"aws:principalaccount": "1", "aws:principalisawsservice": "false"}},
		{&policy.Principal{Kind: policy.RoleSession, ARN: "arn:aws:sts::1:assumed-role/R/s", RoleARN: "arn:aws:iam::1:role/R", Account: "1", UniqueID: "AROA"}, map[string]string{
			"aws:principalaccount": "1", "aws:principalarn": "arn:aws:iam::1:role/R", "aws:principaltype": "AssumedRole",
			"aws:userid": "AROA:s", "aws:principalisawsservice": "false",
		}},
		{&policy.Principal{Kind: policy.Root, ARN: "arn:aws:iam::1:root", Account: "1"}, map[string]string{
			"aws:principalaccount": "1", "aws:principalarn": "arn:aws:iam::1:root", "aws:principaltype": "Account", "aws:userid": "1", "aws:principalisawsservice": "false",
		}},
		{&policy.Principal{Kind: policy.Service, Service: "ec2.amazonaws.com"}, map[string]string{
			"aws:principalisawsservice": "true", "aws:principalservicename": "ec2.amazonaws.com",
		}},
		{&policy.Principal{Kind: policy.Anonymous}, map[string]string{"aws:principalisawsservice": "false", "aws:principaltype": "Anonymous"}},
	} {
		v := policy.NewContext()
		Facts(v, c.principal)
		got := map[string]string{}
		for k, value := range v {
			got[k.String()] = value.At(0)
		}
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %v", c.principal.Kind, got)
		}
	}
	given := policy.NewContext().Set("AWS:PrincipalArn", policy.String("given"))
	Facts(given, &policy.Principal{Kind: policy.User, ARN: "arn:aws:iam::1:user/Jo", Account: "1"})
	if v := given[policy.KeyOf("aws:principalarn")]; v.At(0) != "given" {
		t.Errorf("a key that was given is now %s", v.At(0))
	}
}

func TestPolicyKind(t *testing.T) {
	for _, c := range []struct {
		action, resource string
		want             policy.Kind
	}{
		{"sts:AssumeRole", "arn:aws:iam::1:role/R", policy.Trust}, {"STS:AssumeRole", "arn:aws:iam::1:role/R", policy.Trust},
		{"iam:GetRole", "arn:aws:iam::1:role/R", policy.Resource}, {"sts:AssumeRole", "*", policy.Resource},
		{"kms:Decrypt", "arn:aws:kms:us-east-1:1:key/k", policy.KeyPolicy}, {"kms:Decrypt", "arn:aws:kms:us-east-1:1:alias/k", policy.Resource},
		{"s3:GetObject", "arn:aws:s3:::b", policy.Resource},
	} {
		if got := PolicyKind(c.action, c.resource); got != c.want {
			t.Errorf("%s on %s: %s", c.action, c.resource, got)
		}
	}
}

func TestParseJSON(t *testing.T) {
	for _, c := range []struct {
		text string
		want any
	}{
		{`{"a":[1,"x",true,null,{"A":1.50}]}`, map[string]any{"a": []any{json.Number("1"), "x", true, nil, map[string]any{"A": json.Number("1.50")}}}},
		{` [] `, []any{}},
		{strings.Repeat("[", maxDepth) + strings.Repeat("]", maxDepth), nest(maxDepth)},
	} {
		got, err := ParseJSON([]byte(c.text))
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %v, %v", c.text, got, err)
		}
	}
	for text, want := range map[string]string{
		``: "ends too early", `{`: "ends too early", `{"a":1`: "ends too early", `{"a":1}}`: "data after", `{} {}`: "data after",
		`{"a":1,"a":2}`: `"a" stands twice`, `{"x":{"b":1,"\u0062":2}}`: `"b" stands twice`,
		`{"a" 1}`: "malformed", `{1:2}`: "malformed", `[1,]`: "malformed", `nil`: "malformed",
		"{\"a\":\"\xff\"}": "UTF-8", `{"a":"\ud800"}`: "surrogate",
		strings.Repeat("[", maxDepth+1) + strings.Repeat("]", maxDepth+1): "deeper",
		strings.Repeat(`{"a":`, 100000):                                   "deeper",
	} {
		if _, err := ParseJSON([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40s: %v, want %s", text, err, want)
		}
	}
	if _, err := ParseObject([]byte(`[]`)); err == nil {
		t.Error("a list passes for an object")
	}
}

func nest(n int) any {
	v := []any{}
	for range n - 1 {
		v = []any{v}
	}
	return v
}

// What is accepted must be what encoding/json reads, and nothing may panic.
func FuzzParseJSON(f *testing.F) {
	for _, s := range []string{`{"a":[1,"x",true,null,{"A":1.5e3}]}`, `{"a":1,"a":2}`, `"\ud83d\ude00"`, `[[[[`, "\xff", `{"":{}}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := ParseJSON(data)
		if err != nil {
			return
		}
		d := json.NewDecoder(strings.NewReader(string(data)))
		d.UseNumber()
		var want any
		if err := d.Decode(&want); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %v, want %v (%v)", data, got, want, err)
		}
	})
}

func TestAddObject(t *testing.T) {
	o, err := ParseObject([]byte(`{"aws:TagKeys":["a","b"],"s3:max-keys":10,"aws:SecureTransport":true,"x:empty":[]}`))
	if err != nil {
		t.Fatal(err)
	}
	v := policy.NewContext()
	if err := AddObject(v, o); err != nil {
		t.Fatal(err)
	}
	want := policy.NewContext().Set("aws:tagkeys", policy.Strings("a", "b")).Set("s3:max-keys", policy.String("10")).
		Set("aws:securetransport", policy.Bool(true)).Set("x:empty", policy.Strings())
	for k, w := range want {
		if got := v[k]; got.Len() != w.Len() || !reflect.DeepEqual(got.All(), w.All()) {
			t.Errorf("%s: %v", k, got.All())
		}
	}
	for text, want := range map[string]string{
		`{"aws:x":null}`: "null", `{"aws:x":{}}`: "object", `{"aws:x":[[1]]}`: "list", `{"aws:x":[{}]}`: "object", `{"x":1}`: "no prefix",
		`{"":1}`: "characters", `{"aws:x":1,"AWS:X":2}`: "given twice", `{"a:` + strings.Repeat("b", maxKey) + `":1}`: "characters",
	} {
		o, err := ParseObject([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if err := AddObject(policy.NewContext(), o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s: %v, want %s", text, err, want)
		}
	}
}

func TestQuestion(t *testing.T) {
	q, err := ParseQuestion([]byte(`{"principal":"arn:aws:iam::123456789012:user/Jo","action":"s3:GetObject","resource":"arn:aws:s3:::b","context":{"aws:SourceIp":"::1"}}`))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2025, 1, 2, 3, 4, 5, 0, time.UTC)
	r, err := q.Request(now)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"aws:SourceIp": "::1", "aws:username": "Jo", "aws:ResourceAccount": "123456789012", "aws:CurrentTime": "2025-01-02T03:04:05Z", "aws:EpochTime": "1735787045",
	} {
		if v, ok := r.Context.Lookup(policy.KeyOf(name)); !ok || v.At(0) != want {
			t.Errorf("%s is %v", name, v.All())
		}
	}
	if r.ResourceAccount != "123456789012" || len(q.Context) != 1 {
		t.Errorf("owner %s, %d keys in the question", r.ResourceAccount, len(q.Context))
	}
	q.Resource = "arn:aws:sqs:us-east-1:210987654321:q"
	if r, err = q.Request(now); err != nil || r.ResourceAccount != "210987654321" {
		t.Errorf("owner %v, %v", r, err)
	}
	for _, text := range []string{`[]`, `{"Principal":"x"}`, `{"action":1}`, `{"context":[]}`, `{"context":{"x":1}}`, `{"action":"a","action":"b"}`} {
		if _, err := ParseQuestion([]byte(text)); err == nil {
			t.Errorf("%s passes", text)
		}
	}
}

// Roles and keys grant nothing without their policy.
func TestLayersFailClosed(t *testing.T) {
	all := []File{{"all", []byte(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`)}}
	for _, c := range []struct {
		action, resource string
		policies         Policies
		allowed          bool
	}{
		{"s3:GetObject", "arn:aws:s3:::b", Policies{Identity: all}, true},
		{"s3:GetObject", "arn:aws:s3:::b", Policies{}, false},
		{"s3:GetObject", "arn:aws:s3:::b", Policies{Identity: all, SCPs: append(all[:1:1], File{"none", []byte(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"ec2:*","Resource":"*"}}`)})}, false},
		{"s3:GetObject", "arn:aws:sqs:us-east-1:210987654321:q", Policies{Identity: all}, false},
		{"sts:AssumeRole", "arn:aws:iam::123456789012:role/R", Policies{Identity: all}, false},
		{"iam:GetRole", "arn:aws:iam::123456789012:role/R", Policies{Identity: all}, true},
		{"kms:Decrypt", "arn:aws:kms:us-east-1:123456789012:key/k", Policies{Identity: all}, false},
	} {
		q := &Question{Principal: "arn:aws:iam::123456789012:user/Jo", Action: c.action, Resource: c.resource}
		r, err := q.Request(time.Unix(0, 0))
		if err != nil {
			t.Fatal(err)
		}
		l, err := c.policies.Layers(c.action, c.resource)
		if err != nil {
			t.Fatal(err)
		}
		if got := policy.Evaluate(r, l).Allowed(); got != c.allowed {
			t.Errorf("%s on %s: %v", c.action, c.resource, got)
		}
	}
	for _, p := range []Policies{{Identity: []File{{"f", []byte("{")}}}, {Boundary: append(all, all...)}, {Resource: append(all, all...)}, {Resource: all}, {RCPs: all}} {
		if _, err := p.Layers("s3:GetObject", "*"); err == nil {
			t.Errorf("%v passes", p)
		}
	}
}

func TestOwner(t *testing.T) {
	const me, other, managed = "111122223333", "222233334444", "arn:aws:iam::aws:policy/ReadOnlyAccess"
	for _, test := range []struct{ action, resource, want string }{
		{"s3:GetObject", "arn:aws:s3:::bucket/key", me},
		{"s3:GetObject", "*", me},
		{"iam:GetUser", "arn:aws:iam::" + other + ":user/jo", other},
		{"iam:GetPolicy", managed, me},
		{"IAM:deletePolicy", managed, "aws"},
		{"iam:CreatePolicyVersion", managed, "aws"},
		{"iam:SetDefaultPolicyVersion", managed, "aws"},
		{"iam:DeletePolicyVersion", managed, "aws"},
		{"ssm:GetParameter", "arn:aws:ssm:us-east-1:aws:parameter/x", "aws"},
	} {
		if got := Owner(test.action, test.resource, me); got != test.want {
			t.Errorf("%s on %s: %s, want %s", test.action, test.resource, got, test.want)
		}
	}
}
