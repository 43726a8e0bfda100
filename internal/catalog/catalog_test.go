package catalog

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/warder-iam/warder/policy"
)

// TestAll reads every service, so that nothing embedded can fail later.
func TestAll(t *testing.T) {
	c := Open()
	services, actions := c.Services(), 0
	if len(services) < 400 || !slices.IsSorted(services) {
		t.Fatalf("%d services, sorted %t", len(services), slices.IsSorted(services))
	}
	for _, prefix := range services {
		s := c.Service(prefix)
		if s == nil || s.Prefix != prefix || s.Name == "" {
			t.Fatalf("Service(%q) = %+v", prefix, s)
		}
		actions += len(s.Actions)
		for i, a := range s.Actions {
			if a.Level == policy.LevelUnknown {
				t.Errorf("%s:%s has no access level", prefix, a.Name)
			}
			if i > 0 && strings.ToLower(s.Actions[i-1].Name) >= strings.ToLower(a.Name) {
				t.Errorf("%s:%s is out of order", prefix, a.Name)
			}
			if s.Action(strings.ToUpper(a.Name)) != &s.Actions[i] {
				t.Errorf("%s:%s is not found", prefix, a.Name)
			}
			for _, r := range a.Resources {
				if s.Resource(r.Type) == nil {
					t.Errorf("%s:%s: no resource type %q", prefix, a.Name, r.Type)
				}
			}
		}
		for _, r := range s.Resources {
			if !strings.HasPrefix(r.ARN, "arn:") && r.ARN != "*" {
				t.Errorf("%s: resource type %q has ARN %q", prefix, r.Name, r.ARN)
			}
		}
	}
	if actions < 20_000 {
		t.Errorf("%d actions", actions)
	}
}

func TestVersion(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	name, version, _ := strings.Cut(Open().Version(), " ")
	if !strings.Contains(string(readme), "`"+name+"`") || !strings.Contains(string(readme), "version "+version+",") {
		t.Errorf("README.md does not name %s %s", name, version)
	}
}

func TestSize(t *testing.T) {
	if len(embedded) > 700<<10 {
		t.Errorf("the embedded data has %d bytes", len(embedded))
	}
}

func TestAction(t *testing.T) {
	c := Open()
	a := c.Action("S3:getobject")
	if a == nil || a.Name != "GetObject" || a.Level != policy.LevelRead {
		t.Fatalf("s3:GetObject = %+v", a)
	}
	if !slices.Contains(a.Keys, "s3:authType") {
		t.Errorf("s3:GetObject has keys %q", a.Keys)
	}
	if !slices.ContainsFunc(a.Resources, func(r policy.CatalogTarget) bool { return r.Type == "object" }) {
		t.Errorf("s3:GetObject works on %+v", a.Resources)
	}
	for name, level := range map[string]policy.AccessLevel{
		"iam:ListUsers": policy.LevelList, "iam:TagRole": policy.LevelTagging, "iam:PutUserPolicy": policy.LevelPermissions, "iam:CreateUser": policy.LevelWrite,
	} {
		if a := c.Action(name); a == nil || a.Level != level {
			t.Errorf("%s = %+v, want level %s", name, a, level)
		}
	}
	if a := c.Action("iam:ListUsers"); len(a.Resources) != 0 {
		t.Errorf("iam:ListUsers works on %+v", a.Resources)
	}
	for _, name := range []string{"", "s3", "s3:", "s3:GetObjects", "nope:GetObject", ":GetObject", "s3:Get*"} {
		if a := c.Action(name); a != nil {
			t.Errorf("Action(%q) = %+v", name, a)
		}
	}
}

func TestResource(t *testing.T) {
	r := Open().Service("iam").Resource("role")
	if r == nil || r.ARN != "arn:${Partition}:iam::${Account}:role/${RoleNameWithPath}" {
		t.Errorf("iam role = %+v", r)
	}
	if r := Open().Service("iam").Resource("rolls"); r != nil {
		t.Errorf("iam rolls = %+v", r)
	}
}

func TestConditionKey(t *testing.T) {
	for _, test := range []struct{ name, want, typ string }{
		{"aws:SourceIp", "aws:SourceIp", "IPAddress"},
		{"AWS:sourceip", "aws:SourceIp", "IPAddress"},
		{"aws:RequestTag/team", "aws:RequestTag/${TagKey}", "String"},
		{"aws:requesttag/a/b", "aws:RequestTag/${TagKey}", "String"},
		{"aws:PrincipalTag/${TagKey}", "aws:PrincipalTag/${TagKey}", "String"},
		{"aws:TagKeys", "aws:TagKeys", "ArrayOfString"},
		{"s3:prefix", "s3:prefix", "String"},
		{"kms:EncryptionContext:app", "kms:EncryptionContext:${EncryptionContextKey}", "String"},
		{"token.actions.githubusercontent.com:repository", "token.actions.githubusercontent.com:repository", "String"},
		{"s3:ExistingObjectTag/team", "s3:ExistingObjectTag/${TagKey}", "String"},
		{"secretsmanager:ResourceTag/team", "secretsmanager:ResourceTag/${TagKey}", "String"},
		{"saml:aud", "saml:aud", "String"},
		{"ec2:SourceInstanceArn", "ec2:SourceInstanceArn", "ARN"},
	} {
		k, ok := Open().ConditionKey(test.name)
		if !ok || k.Name != test.want || k.Type != test.typ {
			t.Errorf("ConditionKey(%q) = %+v, %t", test.name, k, ok)
		}
	}
	for _, name := range []string{"", "aws", "aws:", ":x", "aws:SourceIps", "aws:RequestTag", "aws:RequestTag/", "s3:prefixes", "nope:x", "idp.example.com:sub"} {
		if k, ok := Open().ConditionKey(name); ok {
			t.Errorf("ConditionKey(%q) = %+v", name, k)
		}
	}
	if k, _ := Open().ConditionKey("aws:TagKeys"); !k.Multivalued() || k.BaseType() != "String" {
		t.Errorf("aws:TagKeys = %+v", k)
	}
}

func TestRCP(t *testing.T) {
	for prefix, want := range map[string]bool{"s3": true, "sts": true, "kms": true, "iam": false} {
		if got := Open().Service(prefix).RCP; got != want {
			t.Errorf("%s: RCP %t, want %t", prefix, got, want)
		}
	}
}

func TestBadData(t *testing.T) {
	for _, data := range []string{"", "abc", "\xff\xff\xff\x7f", "\x02\x00\x00\x00X\n", "\x12\x00\x00\x00S\ts3\tS3\tfalse\t0\t9\n"} {
		if _, err := read(data); err == nil {
			t.Errorf("read(%q) took it", data)
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	for b.Loop() {
		if _, err := read(embedded); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkReadService(b *testing.B) {
	e := Open().byPrefix["s3"]
	for b.Loop() {
		if _, err := e.read(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAction(b *testing.B) {
	c := Open()
	for b.Loop() {
		c.Action("ec2:RunInstances")
	}
}
