package wire

import (
	"fmt"
	"strings"
	"testing"

	"github.com/warder-iam/warder/internal/api"
	"github.com/warder-iam/warder/internal/api/iam"
	"github.com/warder-iam/warder/internal/api/sts"
	"github.com/warder-iam/warder/internal/awserr"
)

func TestValidate(t *testing.T) {
	long := strings.Repeat("a", 65)
	role := "RoleArn=arn:aws:iam::123456789012:role/R&"
	var tags51 strings.Builder
	for i := range 51 {
		fmt.Fprintf(&tags51, "&Tags.member.%d.Key=k&Tags.member.%d.Value=v", i+1, i+1)
	}
	for _, test := range []struct {
		name string
		svc  *api.Service
		body string
		want string // the whole message
	}{
		{"required", &iam.Service, iamBody("CreateUser", ""),
			"1 validation error detected: Value at 'userName' failed to satisfy constraint: Member must not be null"},
		{"too long", &iam.Service, iamBody("CreateUser", "UserName="+long),
			"1 validation error detected: Value at 'userName' failed to satisfy constraint: Member must have length less than or equal to 64"},
		{"two in model order", &iam.Service, iamBody("CreateRole", "RoleName="+long),
			"2 validation errors detected: Value at 'roleName' failed to satisfy constraint: Member must have length less than or equal to 64; " +
				"Value at 'assumeRolePolicyDocument' failed to satisfy constraint: Member must not be null"},
		{"in a list", &iam.Service, iamBody("TagUser", "UserName=u&Tags.member.1.Key=k&Tags.member.1.Value=v&Tags.member.7.Key=%26&Tags.member.7.Value=%24"),
			`2 validation errors detected: Value at 'tags.2.member.key' failed to satisfy constraint: Member must satisfy regular expression pattern: [\p{L}\p{Z}\p{N}_.:/=+\-@]+; ` +
				`Value at 'tags.2.member.value' failed to satisfy constraint: Member must satisfy regular expression pattern: [\p{L}\p{Z}\p{N}_.:/=+\-@]*`},
		{"required in a list", &iam.Service, iamBody("TagUser", "UserName=u&Tags.member.1.Key=k&Tags.member.2.X=1"),
			"3 validation errors detected: Value at 'tags.1.member.value' failed to satisfy constraint: Member must not be null; " +
				"Value at 'tags.2.member.key' failed to satisfy constraint: Member must not be null; " +
				"Value at 'tags.2.member.value' failed to satisfy constraint: Member must not be null"},
		{"members of a list of strings", &iam.Service, iamBody("UntagUser", "UserName=u&TagKeys.member.1=ok&TagKeys.member.2=%24"),
			`1 validation error detected: Value at 'tagKeys' failed to satisfy constraint: Member must satisfy constraint: ` +
				`[Member must have length less than or equal to 128, Member must have length greater than or equal to 1, ` +
				`Member must satisfy regular expression pattern: [\p{L}\p{Z}\p{N}_.:/=+\-@]+, Member must not be null]`},
		{"an empty one in a list of strings without a pattern", &sts.Service, stsBody("GetWebIdentityToken", "SigningAlgorithm=RS256&Audience.member.1="),
			"1 validation error detected: Value '[]' at 'audience' failed to satisfy constraint: Member must satisfy constraint: " +
				"[Member must have length less than or equal to 1000, Member must have length greater than or equal to 1]"},
		{"an enum", &iam.Service, iamBody("UpdateAccessKey", "AccessKeyId=AKIAIOSFODNN7EXAMPLE&Status=active"),
			"1 validation error detected: Value at 'status' failed to satisfy constraint: Member must satisfy enum value set: [Active, Inactive, Expired]"},
		{"a number too small", &iam.Service, iamBody("ListUsers", "MaxItems=0"),
			"1 validation error detected: Value at 'maxItems' failed to satisfy constraint: Member must have value greater than or equal to 1"},
		{"a number too big", &iam.Service, iamBody("ListUsers", "MaxItems=1001"),
			"1 validation error detected: Value at 'maxItems' failed to satisfy constraint: Member must have value less than or equal to 1000"},
		{"pattern before lower bound", &sts.Service, stsBody("AssumeRole", role+"RoleSessionName=%24"),
			`2 validation errors detected: Value '$' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w+=,.@-]*; ` +
				"Value '$' at 'roleSessionName' failed to satisfy constraint: Member must have length greater than or equal to 2"},
		{"the whole value must match", &sts.Service, stsBody("AssumeRole", role+"RoleSessionName=ok%0A"),
			"1 validation error detected: Value 'ok\n' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]*"},
		{"word characters are ASCII", &sts.Service, stsBody("AssumeRole", role+"RoleSessionName=h%C3%A9llo"),
			"1 validation error detected: Value 'héllo' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]*"},
		{"a list's length", &sts.Service, stsBody("AssumeRole", role+"RoleSessionName=ok&ProvidedContexts="),
			"1 validation error detected: Value '[]' at 'providedContexts' failed to satisfy constraint: Member must have length greater than or equal to 1"},
		{"a secret", &iam.Service, iamBody("CreateLoginProfile", "UserName=u&Password=hunter2%E2%82%AC"),
			`1 validation error detected: Value at 'password' failed to satisfy constraint: Member must satisfy regular expression pattern: [\u0009\u000A\u000D\u0020-\u00FF]+`},
		{"a secret missing", &iam.Service, iamBody("ChangePassword", "OldPassword=a"),
			"1 validation error detected: Value at 'newPassword' failed to satisfy constraint: Member must not be null"},
		{"a token", &sts.Service, stsBody("AssumeRoleWithWebIdentity", role+"RoleSessionName=ok&WebIdentityToken=abc"),
			"1 validation error detected: Value at 'webIdentityToken' failed to satisfy constraint: Member must have length greater than or equal to 4"},
		{"the service's own sentence", &iam.Service, iamBody("CreateUser", "UserName=a+b"),
			"The specified value for userName is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-"},
		{"the first of two", &iam.Service, iamBody("PutUserPolicy", "UserName=a+b&PolicyName=%2F&PolicyDocument=%7B%7D"),
			"The specified value for userName is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-"},
		{"after what the model says", &iam.Service, iamBody("PutUserPolicy", "UserName=a+b&PolicyName=p"),
			"1 validation error detected: Value at 'policyDocument' failed to satisfy constraint: Member must not be null"},
		{"a path", &iam.Service, iamBody("CreateUser", "UserName=a&Path=/x"),
			"The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters."},
	} {
		_, err := decode(test.svc, test.body)
		if awserr.Code(err) != awserr.CodeValidationError || awserr.From(err).Message != test.want {
			t.Errorf("%s:\ngot  %v\nwant %s", test.name, err, test.want)
		}
	}

	_, err := decode(&iam.Service, iamBody("TagUser", "UserName=u"+tags51.String()))
	if message := awserr.From(err).Message; message != "1 validation error detected: Value at 'tags' failed to satisfy constraint: Member must have length less than or equal to 50" {
		t.Errorf("51 tags: %s", message)
	}
}

func TestValidateAllows(t *testing.T) {
	sixtyFour := strings.Repeat("a", 64)
	for _, test := range []struct {
		svc  *api.Service
		body string
	}{
		{&iam.Service, iamBody("CreateUser", "UserName="+sixtyFour)},
		{&iam.Service, iamBody("CreateUser", "UserName=%2B=,.@_-9&Path=/")},
		{&iam.Service, iamBody("CreateUser", "UserName=u&Path=/division_abc/subdivision_xyz/")},
		{&iam.Service, iamBody("CreatePolicy", "PolicyName=p&Path=/a.b/&PolicyDocument=%7B%0A%09%7D")},
		{&iam.Service, iamBody("TagUser", "UserName=u&Tags=")},
		// 256 characters of two UTF-16 units and four bytes each, all of them letters.
		{&iam.Service, iamBody("TagUser", "UserName=u&Tags.member.1.Key=k&Tags.member.1.Value="+strings.Repeat("%F0%90%90%80", 256))},
		{&iam.Service, iamBody("CreateAccountAlias", "AccountAlias=my-account-1")},
		{&sts.Service, stsBody("GetSessionToken", "")},
		{&sts.Service, stsBody("GetFederationToken", "Name=Bob&Policy=%7B%7D")},
	} {
		if _, err := decode(test.svc, test.body); err != nil {
			t.Errorf("%s: %v", test.body, err)
		}
	}
}

func TestValidateBounds(t *testing.T) {
	var body strings.Builder
	body.WriteString(iamBody("SimulateCustomPolicy", "PolicyInputList.member.1=%7B%7D&ActionNames.member.1=s3:Get"))
	for i := range 5000 {
		fmt.Fprintf(&body, "&ContextEntries.member.%d.ContextKeyType=%s", i+1, strings.Repeat("x", 100))
	}
	_, err := decode(&iam.Service, body.String())
	message := awserr.From(err).Message
	if !strings.HasPrefix(message, "5000 validation errors detected: ") || strings.Count(message, "; ") != maxViolations-1 {
		t.Errorf("5000 violations: %.100s... of %d bytes", message, len(message))
	}
	_, err = decode(&iam.Service, iamBody("CreateUser", "UserName="+strings.Repeat("%C3%A9", 100_000)))
	if message := awserr.From(err).Message; len(message) > 2*maxValue {
		t.Errorf("a long value is answered with %d bytes", len(message))
	}
}

func TestValidateOtherKinds(t *testing.T) {
	svc := everythingService()
	const one = "1 validation error detected: Value "
	for _, test := range []struct{ body, want string }{
		{"Long=1", one + "'1' at 'long' failed to satisfy constraint: Member must have value greater than or equal to 2"},
		{"Double=9.5", one + "'9.5' at 'double' failed to satisfy constraint: Member must have value less than or equal to 9"},
		{"Double=NaN", one + "'NaN' at 'double' failed to satisfy constraint: Member must have value less than or equal to 9"},
		{"Secret=123456", one + "at 'secret' failed to satisfy constraint: Member must have value less than or equal to 5"},
		{"Numbers.number.1=1&Numbers.number.2=6", one + "'[1, 6]' at 'numbers' failed to satisfy constraint: Member must satisfy constraint: [Member must have value less than or equal to 5]"},
		{"Next.Next.Long=0", one + "'0' at 'next.next.long' failed to satisfy constraint: Member must have value greater than or equal to 2"},
		{"Deep.entry.1.Name=k&Deep.entry.1.Attribute.Long=0", one + "'0' at 'deep.k.member.long' failed to satisfy constraint: Member must have value greater than or equal to 2"},
		{"Map.entry.1.key=a&Map.entry.1.value=123456789", one + "'{a=123456789}' at 'map' failed to satisfy constraint: Map value must satisfy constraint: [Member must have length less than or equal to 8]"},
		{"Map.entry.1.key=123456789&Map.entry.1.value=a", one + "'{123456789=a}' at 'map' failed to satisfy constraint: Map keys must satisfy constraint: [Member must have length less than or equal to 8]"},
		{"Blob=AAAAAAAAAAAAAAAA", one + "'...' at 'blob' failed to satisfy constraint: Member must have length less than or equal to 8"},
	} {
		_, err := decode(svc, "Action=Do&Version=1&"+test.body)
		if err == nil || awserr.From(err).Message != test.want {
			t.Errorf("%s:\ngot  %v\nwant %s", test.body, err, test.want)
		}
	}
}

// TestPatternsCompile compiles every pattern of every model and tries each
// constraint's own bounds for contradictions in the translation.
func TestPatternsCompile(t *testing.T) {
	seen := 0
	for _, svc := range botocoreServices {
		for i := range svc.Shapes {
			shape := &svc.Shapes[i]
			if shape.Pattern == "" {
				continue
			}
			seen++
			if _, err := compile(shape.Pattern); err != nil {
				t.Errorf("%s.%s: %s: %v", svc.ID, shape.Name, shape.Pattern, err)
			}
		}
	}
	if seen < 60 {
		t.Errorf("only %d patterns", seen)
	}
}

func TestPatterns(t *testing.T) {
	shapes := map[string]*api.Shape{}
	for _, svc := range botocoreServices {
		for i := range svc.Shapes {
			shapes[svc.ID+"."+svc.Shapes[i].Name] = &svc.Shapes[i]
		}
	}
	for _, test := range []struct {
		shape    string
		yes, not []string
	}{
		{"IAM.accountAliasType", []string{"abc", "a-b", "a-b-c", "a1b", "123"}, []string{"a", "ab", "a--b", "-ab", "ab-", "a-", "Abc", "a_b", "a-b--c", "abc\n", strings.Repeat("a", 64)}},
		{"IAM.userNameType", []string{"a", "A_b+=,.@-9"}, []string{"", "a b", "é", "a/b", "a\n", "\na"}},
		{"IAM.pathType", []string{"/", "/a/", "/a/b/", "/!~/"}, []string{"", "a", "/a", "a/", "//", "/a b/", "/\x7f/", "/é/"}},
		{"IAM.pathPrefixType", []string{"/", "/a", "/a/", "/\x7f"}, []string{"", "a", "/ "}},
		{"IAM.policyPathType", []string{"/", "/a/", "/a/b/"}, []string{"", "//", "/a", "a/", "/!/"}},
		{"IAM.policyDocumentType", []string{"{}", "{\n\t\r}", "é\u00FF"}, []string{"", "\u0100", "\x00", "{}\x0b"}},
		{"IAM.tagKeyType", []string{"a", "日本", "a b", "\u00A0", "Ⅷ", "a_.:/=+-@"}, []string{"", "a\n", "a,b", "a#", "\t", "\U0001F600"}},
		{"IAM.tagValueType", []string{"", "a", "a b"}, []string{"(", "a\n"}},
		{"IAM.policyVersionIdType", []string{"v1", "v10", "v1.abc", "v1."}, []string{"v0", "1", "v01", "v", "V1"}},
		{"IAM.authenticationCodeType", []string{"123456"}, []string{"", "12345a", "١٢٣"}},
		{"IAM.roleDescriptionType", []string{"", "a\nb", "é~¡"}, []string{"\x7f", "\u0080", "\u00A0"}},
		{"IAM.OrganizationIdType", []string{"o-abcdefghij"}, []string{"o-abc", "xo-abcdefghij", "o-abcdefghij\n"}},
		{"IAM.redirectUrlType", []string{"http://a/b?c=d#e", "https://"}, []string{"ftp://a", "https://a b"}},
		{"STS.arnType", []string{"arn:aws:iam::1:role/R", "\u0085", "\U00010000", "\U0010FFFF", "\uD7FF", "\uFFFD"}, []string{"", "\x00", "\x7f", "\u0080", "\u0086", "\uFFFE"}},
		{"CloudTrail.QueryStatement", []string{"", "SELECT 1\nFROM a"}, nil},
		{"CloudTrail.Prompt", []string{"", "a\nb"}, []string{"a\tb", "é"}},
		{"CloudTrail.PartitionKeyName", []string{"a\tb", "\uD7FF", "\U00010000", "\U0010FFFF"}, []string{"\x00", "\uFFFE"}},
		{"EventBridge.PathParameter", []string{"a", " a"}, []string{"", " ", "\t"}},
		{"EventBridge.QueryStringKey", []string{"a", "é"}, []string{"", "a\x1f", "\x7f"}},
		{"EventBridge.InputTransformerPathKey", []string{"a_-"}, []string{"a.b"}},
		{"STS.roleSessionNameType", []string{"", "a", "a@b"}, []string{"a:b", "a/b", "a b"}},
		{"STS.externalIdType", []string{"a:b/c"}, []string{"a b", "*"}},
		{"STS.federatedIdType", []string{"1:a"}, []string{"a/b"}},
	} {
		shape := shapes[test.shape]
		if shape == nil {
			t.Fatalf("no shape %s", test.shape)
		}
		m, err := compile(shape.Pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range test.yes {
			if !m.match(s) {
				t.Errorf("%s refuses %q", test.shape, s)
			}
		}
		for _, s := range test.not {
			if m.match(s) {
				t.Errorf("%s takes %q", test.shape, s)
			}
		}
	}
}

func TestTranslateRefuses(t *testing.T) {
	for _, pattern := range []string{`(?!a)b`, `(?i)a`, `[a[b]]`, `[a&&b]`, `\u12`, `\h`, `\Qa\E`, `\x{41}`, `\1`, `[a`, `a**`} {
		if _, err := compile(pattern); err == nil {
			t.Errorf("%s compiles", pattern)
		}
	}
}

// TestClassesAgree holds the table of a one-class pattern to the regexp.
func TestClassesAgree(t *testing.T) {
	for _, pattern := range []string{`[\w+=,.@-]+`, `[\p{L}\p{Z}\p{N}_.:/=+\-@]*`, `[\u0009\u000A\u000D\u0020-\u00FF]+`} {
		fast, err := compile(pattern)
		if err != nil || fast.set == nil {
			t.Fatalf("%s is not a class: %v", pattern, err)
		}
		slow, err := compile("(" + pattern + ")")
		if err != nil || slow.set != nil {
			t.Fatalf("%s is a class: %v", pattern, err)
		}
		for r := range rune(0x3000) {
			if s := string(r); fast.match(s) != slow.match(s) {
				t.Errorf("%s and %U: %t, %t", pattern, r, fast.match(s), slow.match(s))
			}
		}
		if fast.match("") != slow.match("") {
			t.Errorf("%s and nothing", pattern)
		}
	}
}

func BenchmarkValidatePolicy(b *testing.B) {
	in := &iam.CreatePolicyRequest{PolicyName: new("p"), PolicyDocument: new(strings.Repeat("x", 131072))}
	op := iam.Service.Operation("CreatePolicy")
	b.SetBytes(int64(len(*in.PolicyDocument)))
	b.ReportAllocs()
	for b.Loop() {
		if err := Validate(&iam.Service, op, in); err != nil {
			b.Fatal(err)
		}
	}
}
