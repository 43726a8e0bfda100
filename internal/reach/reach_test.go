package reach_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/warder-iam/warder/internal/catalog"
	"github.com/warder-iam/warder/internal/reach"
	"github.com/warder-iam/warder/policy"
)

// fake is a catalog of three services.
type fake map[string][]string

func (f fake) Services() []string { return []string{"ec2", "iam", "s3"} }

func (f fake) Service(prefix string) *policy.CatalogService {
	names, ok := f[strings.ToLower(prefix)]
	if !ok {
		return nil
	}
	s := &policy.CatalogService{Prefix: prefix}
	for _, n := range names {
		s.Actions = append(s.Actions, policy.CatalogAction{Name: n})
	}
	return s
}

var small = fake{"ec2": {"RunInstances", "StopInstances"}, "iam": {"GetUser", "ListUsers"}, "s3": {"GetObject", "PutObject"}}

func parse(t testing.TB, statements ...string) *policy.Document {
	t.Helper()
	doc, err := policy.ParseText(policy.Identity, `{"Version":"2012-10-17","Statement":[`+strings.Join(statements, ",")+`]}`)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func allow(actions string) string {
	return `{"Effect":"Allow","Action":` + actions + `,"Resource":"arn:aws:s3:::x"}`
}
func deny(actions string) string {
	return `{"Effect":"Deny","Action":` + actions + `,"Resource":"*"}`
}

func TestServices(t *testing.T) {
	for _, c := range []struct {
		name       string
		statements []string
		want       string // services, then the actions of s3
	}{
		{"everything", []string{allow(`"*"`)}, "ec2 iam s3: GetObject PutObject"},
		{"a service", []string{allow(`"s3:*"`)}, "s3: GetObject PutObject"},
		{"another case", []string{allow(`"S3:GET*"`)}, "s3: GetObject"},
		{"an action that there is not", []string{allow(`"s3:Frobnicate"`)}, ":"},
		{"two services", []string{allow(`["s3:PutObject","iam:Get*"]`)}, "iam s3: PutObject"},
		{"conditions may be met", []string{`{"Effect":"Allow","Action":"s3:GetObject","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}`}, "s3: GetObject"},
		{"NotAction of a service", []string{`{"Effect":"Allow","NotAction":"s3:*","Resource":"*"}`}, "ec2 iam:"},
		{"NotAction of some actions", []string{`{"Effect":"Allow","NotAction":["s3:Get*","iam:*"],"Resource":"*"}`}, "ec2 s3: PutObject"},
		{"NotAction of everything", []string{`{"Effect":"Allow","NotAction":"*","Resource":"*"}`}, ":"},
		{"denied service", []string{allow(`"*"`), deny(`"s3:*"`)}, "ec2 iam:"},
		{"denied action", []string{allow(`"*"`), deny(`"s3:GetObject"`)}, "ec2 iam s3: PutObject"},
		{"denied piece by piece", []string{allow(`"*"`), deny(`"s3:GetObject"`), deny(`"s3:P*"`)}, "ec2 iam:"},
		{"denied on a resource", []string{allow(`"*"`), `{"Effect":"Deny","Action":"s3:*","Resource":"arn:aws:s3:::x/*"}`}, "ec2 iam s3: GetObject PutObject"},
		{"denied on a condition", []string{allow(`"*"`), `{"Effect":"Deny","Action":"s3:*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}`}, "ec2 iam s3: GetObject PutObject"},
		{"all but one denied", []string{allow(`"*"`), `{"Effect":"Deny","NotAction":"s3:GetObject","Resource":"*"}`}, "s3: GetObject"},
		{"everything denied", []string{allow(`"*"`), deny(`"*"`)}, ":"},
		{"nothing allowed", []string{deny(`"s3:*"`)}, ":"},
		{"a service of one's own", []string{allow(`["record:read","iam:GetUser"]`)}, "iam record:"},
		{"of which all is denied", []string{allow(`"record:*"`), deny(`"record:*"`)}, ":"},
		{"of which some is denied", []string{allow(`["record:read","record:write"]`), deny(`"record:read"`)}, "record:"},
		{"of which what is allowed is denied", []string{allow(`"record:read"`), deny(`"record:r*"`)}, ":"},
		{"of which not everything is denied", []string{allow(`"*"`), deny(`"record:read"`)}, "ec2 iam record s3: GetObject PutObject"},
	} {
		docs := []*policy.Document{parse(t, c.statements...)}
		r := reach.New(small, docs, docs)
		got := strings.Join(r.Services(), " ") + ":"
		for _, a := range r.Actions("s3") {
			got += " " + a
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
		for _, s := range small.Services() {
			if got, want := r.Service(strings.ToUpper(s)), slices.Contains(r.Services(), s); got != want {
				t.Errorf("%s: Service(%s) is %v", c.name, s, got)
			}
		}
	}
}

// TestDenying: a policy grants nothing that another one of the same principal
// takes away.
func TestDenying(t *testing.T) {
	one, other := parse(t, allow(`"*"`)), parse(t, deny(`"s3:*"`))
	if got := reach.New(small, []*policy.Document{one}, []*policy.Document{one, other}).Services(); !slices.Equal(got, []string{"ec2", "iam"}) {
		t.Errorf("with the other one's Deny: %v", got)
	}
	if got := reach.New(small, []*policy.Document{one}, nil).Services(); len(got) != 3 {
		t.Errorf("alone: %v", got)
	}
	if got := reach.New(small, nil, nil).Services(); got != nil {
		t.Errorf("no policies: %v", got)
	}
}

func TestAction(t *testing.T) {
	doc := []*policy.Document{parse(t, allow(`["s3:Get*","record:*"]`), deny(`"record:erase"`))}
	r := reach.New(small, doc, doc)
	for action, want := range map[string]bool{
		"s3:GetNewThing": true, "S3:getobject": true, "s3:PutObject": false, "record:read": true, "record:Erase": false, "ec2:RunInstances": false, "x:y": false,
	} {
		if got := r.Action(action); got != want {
			t.Errorf("%s: %v", action, got)
		}
	}
}

// TestAgainstEngine: over the whole catalog, what is granted is what the engine
// allows on some resource, for statements that hold on all of them.
func TestAgainstEngine(t *testing.T) {
	cat := catalog.Open()
	doc := parse(t,
		`{"Effect":"Allow","Action":["s3:*","ec2:Describe*","kms:?ncrypt","iam:*Policy","sts:*"],"Resource":"*"}`,
		`{"Effect":"Allow","NotAction":["acm:*","s3:Get*","lambda:*","dynamodb:*Item"],"Resource":"*"}`,
		`{"Effect":"Deny","Action":["sts:*","ec2:*Vpc*","glue:*"],"Resource":"*"}`,
	)
	r := reach.New(cat, []*policy.Document{doc}, []*policy.Document{doc})
	layers := &policy.Layers{Identity: policy.NewSet(policy.Compile(policy.Source{Name: "p"}, doc))}
	user := &policy.Principal{Kind: policy.User, ARN: "arn:aws:iam::123456789012:user/u", Account: "123456789012", UniqueID: "AIDAX"}
	var want []string
	for _, prefix := range cat.Services() {
		var actions []string
		for _, a := range cat.Service(prefix).Actions {
			req := &policy.Request{Principal: user, Action: prefix + ":" + a.Name, Resource: "*", ResourceAccount: user.Account, Context: policy.NewContext()}
			if policy.Evaluate(req, layers).Allowed() {
				actions = append(actions, a.Name)
			}
		}
		if got := r.Actions(prefix); !slices.Equal(got, actions) {
			t.Errorf("%s: %v, the engine says %v", prefix, got, actions)
		}
		if actions != nil {
			want = append(want, prefix)
		}
	}
	if got := r.Services(); !slices.Equal(got, want) || len(got) < 400 {
		t.Errorf("%d services, the engine says %d", len(got), len(want))
	}
}

func BenchmarkServices(b *testing.B) {
	cat := catalog.Open()
	var actions []string
	for _, s := range cat.Services() {
		actions = append(actions, `"`+s+`:Get*","`+s+`:List*","`+s+`:Describe*"`)
	}
	for name, text := range map[string]string{"everything": allow(`"*"`), "read-only": allow("[" + strings.Join(actions, ",") + "]")} {
		docs := []*policy.Document{parse(b, text)}
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if len(reach.New(cat, docs, docs).Services()) < 400 {
					b.Fatal("too few")
				}
			}
		})
	}
}
