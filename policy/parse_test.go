package policy

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// TestParseAccepts lists forms that AWS takes and that are easy to lose.
func TestParseAccepts(t *testing.T) {
	for _, tc := range []struct {
		name string
		kind Kind
		text string
	}{
		{"single statement object", Identity, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3:::example_bucket"}}`},
		{"old version", Identity, `{"Version":"2008-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`},
		{"no version", Identity, `{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`},
		{"id, sid, lists, elements in any order", Identity, `{"Statement":[{"Resource":["*"],"Action":["s3:Get*","ec2:*"],"Effect":"Deny","Sid":"A1"}],"Id":"x","Version":"2012-10-17"}`},
		{"NotAction, NotResource", Identity, `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","NotAction":"iam:*","NotResource":["arn:aws:s3:::b"]}]}`},
		{"wildcards inside an action", Identity, doc(statementText("Allow", "iam:*Access?ey*", "*"))},
		{"short ARN", Identity, doc(statementText("Allow", "sqs:*", "arn:aws:sqs"))},
		{"short ARN with account", Identity, doc(statementText("Allow", "iam:*", "arn:aws:iam:*:123456789012"))},
		{"other partitions", Identity, doc(statementText("Allow", "s3:*", "arn:aws-us-gov:s3:::b"), statementText("Allow", "s3:*", "arn:*:s3:::b"))},
		{"boolean and number condition values", Identity, doc(`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":true},"NumericLessThan":{"s3:max-keys":[10,2.5]}}}`)},
		{"empty condition", Identity, doc(`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{}}`)},
		{"condition key without a service", Identity, doc(`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"ForAnyValue:StringEqualsIfExists":{"a":"asf"}}}`)},
		{"unknown condition operators of nothing", Identity, doc(`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"x":{},"y":{},"Bool":{}}}`)},
		{"IAM resources", Identity, doc(`{"Effect":"Allow","Action":"*","Resource":["arn:aws:iam:::user/u","arn:aws:iam::123456789012:root","arn:aws:iam::*:*","arn:aws:iam:*:*:u*","arn:aws:iam::123456789012:delegation-request/dr","arn:aws:iam::123456789012:${aws:username}"]}`)},
		{"regional S3 resources", Identity, doc(statementText("Allow", "s3:*", "arn:aws:s3:us-west-2:123456789012:accesspoint/a/object/*"), statementText("Allow", "s3:*", "arn:aws:s3:*:*:b"))},
		{"resource of an unknown service", Identity, doc(statementText("Allow", "s3:*", "arn:aws:invalid-service:us-east-1::b"))},
		{"variables", Identity, doc(`{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::b/${aws:username}/${aws:PrincipalTag/team, 'none'}/${*}"}`)},
		{"dollar brace is text in the old version", Identity, `{"Version":"2008-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/${unclosed"}}`},
		{"escapes", Identity, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","\u0041ction":"s3:\u0047et*","Resource":"arn:aws:s3:::b\/\ud83d\ude00"}}`},
		{"resource policy", Resource, doc(`{"Sid":"Any Sid-1","Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}`)},
		{"resource policy without Resource", Resource, doc(`{"Effect":"Allow","Principal":{"AWS":"123456789012"},"Action":"ecr:BatchGetImage"}`)},
		{"all principal types", Resource, doc(`{"Effect":"Allow","Principal":{"AWS":["123456789012","arn:aws:iam::123456789012:root","arn:aws:iam::123456789012:role/a/b","arn:aws:sts::123456789012:assumed-role/b/s","arn:aws:sts::123456789012:federated-user/f","AIDAJQABLZS4A3QDU576Q"],"Service":["ec2.amazonaws.com"],"Federated":"accounts.google.com","CanonicalUser":"79a5"},"Action":"s3:*","Resource":"*"}`)},
		{"NotPrincipal", Resource, doc(`{"Effect":"Deny","NotPrincipal":{"AWS":"arn:aws:iam::123456789012:user/u"},"Action":"s3:*","Resource":"*"}`)},
		{"trust policy", Trust, doc(`{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":["sts:AssumeRole","sts:TagSession"]}`)},
		{"SCP with the whole language", SCP, doc(`{"Effect":"Allow","Action":"s3:*Get","NotResource":"arn:aws:s3:::b","Condition":{"StringEquals":{"aws:RequestedRegion":"eu-west-1"}}}`)},
		{"RCP", RCP, doc(`{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"}`)},
		{"RCPFullAWSAccess", RCP, doc(`{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}`)},
	} {
		d, err := Parse(tc.kind, []byte(tc.text))
		if err != nil {
			t.Errorf("%s: %s", tc.name, err.(*ParseError).String())
			continue
		}
		if string(d.Source()) != tc.text {
			t.Errorf("%s: the source changed", tc.name)
		}
		Compile(Source{}, d)
	}
}

func TestParseRefuses(t *testing.T) {
	ok := `"Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3:::b"`
	one := func(members string) string { return `{"Version":"2012-10-17","Statement":{` + members + `}}` }
	cond := func(c string) string { return one(ok + `,"Condition":` + c) }
	iamPath := `IAM resource path must either be "*", root, or start with user/, federated-user/, role/, group/, instance-profile/, mfa/, server-certificate/, policy/, sms-mfa/, saml-provider/, oidc-provider/, report/, access-report/.`
	for _, tc := range []struct {
		name   string
		kind   Kind
		text   string
		reason string
	}{
		{"no JSON", Identity, `This is not a json document`, ReasonSyntax},
		{"empty", Identity, ``, ReasonSyntax},
		{"not an object", Identity, `[]`, ReasonSyntax},
		{"trailing data", Identity, one(ok) + `{}`, ReasonSyntax},
		{"trailing comma", Identity, `{"Version":"2012-10-17","Statement":[{` + ok + `},]}`, ReasonSyntax},
		{"comment", Identity, one(ok + `/* */`), ReasonSyntax},
		{"byte order mark", Identity, "\ufeff" + one(ok), ReasonSyntax},
		{"invalid UTF-8", Identity, one(ok + `,"Sid":"` + "\xff" + `"`), ReasonSyntax},
		{"lone surrogate", Identity, one(ok + `,"Sid":"\ud800"`), ReasonSyntax},
		{"reversed surrogates", Identity, one(ok + `,"Sid":"\ude00\ud83d"`), ReasonSyntax},
		{"control character", Identity, one(ok + ",\"Sid\":\"a\nb\""), ReasonSyntax},
		{"bad escape", Identity, one(ok + `,"Sid":"\x41"`), ReasonSyntax},
		{"depth bomb", Identity, one(`"Effect":"Allow","Action":` + strings.Repeat("[", 100000)), ReasonSyntax},
		{"too many values", Identity, one(`"Effect":"Allow","Resource":"*","Action":["*"` + strings.Repeat(`,"*"`, 70000) + `]`), ReasonSyntax},
		{"unterminated", Identity, one(ok)[:40], ReasonSyntax},
		{"unknown version", Identity, `{"Version":"2013-10-17","Statement":{` + ok + `}}`, ReasonSyntax},
		{"no statement", Identity, `{"Version":"2012-10-17"}`, ReasonSyntax},
		{"empty statement list", Identity, `{"Version":"2012-10-17","Statement":[]}`, ReasonSyntax},
		{"statement is a string", Identity, `{"Version":"2012-10-17","Statement":["afd"]}`, ReasonSyntax},
		{"unknown element", Identity, `{"Version":"2012-10-17","Statement":{` + ok + `},"Extra":1}`, ReasonSyntax},
		{"mis-cased element", Identity, `{"version":"2012-10-17","Statement":{` + ok + `}}`, ReasonSyntax},
		{"unknown statement element", Identity, one(ok + `,"Extra":"x"`), ReasonSyntax},
		{"mis-cased statement element", Identity, one(`"effect":"Allow","Action":"s3:*","Resource":"*"`), ReasonSyntax},
		{"duplicate Version", Identity, `{"Version":"2012-10-17","Version":"2008-10-17","Statement":{` + ok + `}}`, ReasonSyntax},
		{"duplicate Action", Identity, one(ok + `,"Action":"*"`), ReasonSyntax},
		{"duplicate, escaped", Identity, one(ok + `,"\u0041ction":"*"`), ReasonSyntax},
		{"Action and NotAction", Identity, one(ok + `,"NotAction":"*"`), ReasonSyntax},
		{"Resource and NotResource", Identity, one(ok + `,"NotResource":[]`), ReasonSyntax},
		{"Id is a list", Identity, `{"Version":"2012-10-17","Id":["a"],"Statement":{` + ok + `}}`, ReasonSyntax},
		{"no effect", Identity, one(`"Action":"s3:*","Resource":"*"`), ReasonSyntax},
		{"mis-cased effect", Identity, one(`"Effect":"allow","Action":"s3:*","Resource":"*"`), reasonLegacy},
		{"other effect", Identity, one(`"Effect":"invalid","Action":"s3:*","Resource":"*"`), ReasonSyntax},
		{"action is a number", Identity, one(`"Effect":"Allow","Action":1,"Resource":"*"`), ReasonSyntax},
		{"nested action list", Identity, one(`"Effect":"Allow","Action":[["s3:*"]],"Resource":"*"`), ReasonSyntax},
		{"null", Identity, one(`"Effect":"Allow","Action":null,"Resource":"*"`), ReasonSyntax},
		{"no actions", Identity, one(`"Effect":"Allow","Resource":"*"`), reasonNoActions},
		{"empty actions", Identity, one(`"Effect":"Allow","Action":[],"Resource":"*"`), reasonNoActions},
		{"action without service", Identity, one(`"Effect":"Allow","Action":"invalid","Resource":"*"`), reasonVendor},
		{"empty action", Identity, one(`"Effect":"Allow","NotAction":"","Resource":"*"`), reasonVendor},
		{"action with two colons", Identity, one(`"Effect":"Allow","Action":"s3:List:Bucket","Resource":"*"`), reasonOneColon},
		{"service with a space", Identity, one(`"Effect":"Allow","Action":"a a:ListBucket","Resource":"*"`), "Vendor a a is not valid"},
		{"service with a wildcard", Identity, one(`"Effect":"Allow","Action":"s*:ListBucket","Resource":"*"`), reasonVendorWild},
		{"any service", Identity, one(`"Effect":"Allow","Action":"*:Untag*","Resource":"*"`), reasonVendorWild},
		{"any action of any service", Identity, one(`"Effect":"Allow","Action":"*:*","Resource":"*"`), reasonVendorWild},
		{"services of one more letter", SCP, one(`"Effect":"Deny","NotAction":"s?:*","Resource":"*"`), reasonVendorWild},
		{"action name missing", Identity, one(`"Effect":"Allow","Action":"s3:","Resource":"*"`), reasonLegacy},
		{"no resources", Identity, one(`"Effect":"Allow","Action":"s3:*"`), reasonNoResources},
		{"empty resources", Identity, one(`"Effect":"Allow","Action":"s3:*","Resource":[]`), reasonNoResources},
		{"resource is no ARN", Identity, one(`"Effect":"Allow","Action":"s3:*","Resource":"invalid resource"`), `Resource invalid resource must be in ARN format or "*".`},
		{"empty resource", Identity, one(`"Effect":"Allow","Action":"s3:*","Resource":""`), `Resource  must be in ARN format or "*".`},
		{"unknown partition", Identity, one(`"Effect":"Allow","Action":"s3:*","Resource":"arn:error:s3:::b"`), `Partition "error" is not valid for resource "arn:error:s3:::b".`},
		{"variable as partition", Identity, one(`"Effect":"Allow","Action":"s3:*","Resource":"arn:${P}:s3:::b"`), `Partition "${P}" is not valid for resource "arn:${P}:s3:::b".`},
		{"resource without service", Identity, one(`"Effect":"Allow","Action":"s3:*","Resource":"arn:aws"`), reasonFullVendor},
		{"unclosed variable", Identity, one(`"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/${aws:username"`), reasonLegacy},
		{"empty variable", Identity, one(`"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/${}"`), reasonLegacy},
		{"bad default", Identity, one(`"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/${a:b, none}"`), reasonLegacy},
		{"duplicate sid", Identity, doc(`{"Sid":"a",`+ok+`}`, `{"Sid":"a",`+ok+`}`), reasonSIDUnique},
		{"sid with a space", Identity, one(`"Sid":"a b",` + ok), reasonSIDChars},
		{"principal in an identity policy", Identity, one(`"Principal":"*",` + ok), reasonNoPrincipal},
		{"principal in an SCP", SCP, one(`"Principal":"*",` + ok), reasonNoPrincipal},
		{"no principal in a resource policy", Resource, one(ok), reasonWantTrust},
		{"empty principal", Resource, one(`"Principal":{},` + ok), reasonWantTrust},
		{"no principal in a trust policy", Trust, one(`"Effect":"Allow","Action":"sts:AssumeRole"`), reasonWantTrust},
		{"resource in a trust policy", Trust, one(`"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Resource":"*"`), reasonHasResource},
		{"other action in a trust policy", Trust, one(`"Effect":"Allow","Principal":"*","Action":"s3:GetObject"`), reasonTrustActions},
		{"principal string", Resource, one(`"Principal":"123456789012",` + ok), ReasonSyntax},
		{"unknown principal type", Resource, one(`"Principal":{"Aws":"*"},` + ok), ReasonSyntax},
		{"partial wildcard in a principal", Resource, one(`"Principal":{"AWS":"arn:aws:iam::123456789012:user/*"},` + ok), `Invalid principal in policy: "AWS":"arn:aws:iam::123456789012:user/*"`},
		{"session wildcard", Trust, one(`"Effect":"Allow","Principal":{"AWS":"arn:aws:sts::123456789012:assumed-role/r/*"},"Action":"sts:AssumeRole"`), `Invalid principal in policy: "AWS":"arn:aws:sts::123456789012:assumed-role/r/*"`},
		{"group as a principal", Resource, one(`"Principal":{"AWS":"arn:aws:iam::123456789012:group/g"},` + ok), `Invalid principal in policy: "AWS":"arn:aws:iam::123456789012:group/g"`},
		{"service wildcard", Resource, one(`"Principal":{"Service":"*"},` + ok), `Invalid principal in policy: "Service":"*"`},
		{"short account id", Resource, one(`"Principal":{"AWS":"12345"},` + ok), `Invalid principal in policy: "AWS":"12345"`},
		{"condition is a list", Identity, cond(`[]`), ReasonSyntax},
		{"condition operator without keys", Identity, cond(`{"StringEquals":"b"}`), ReasonSyntax},
		{"unknown operator", Identity, cond(`{"StringMatches":{"aws:x":"y"}}`), ReasonSyntax},
		{"mis-cased operator", Identity, cond(`{"stringEquals":{"aws:x":"y"}}`), ReasonSyntax},
		{"IfExists twice", Identity, cond(`{"StringEqualsIfExistsIfExists":{"aws:x":"y"}}`), ReasonSyntax},
		{"Null with IfExists", Identity, cond(`{"NullIfExists":{"aws:x":"true"}}`), ReasonSyntax},
		{"duplicate operator", Identity, cond(`{"Bool":{"aws:x":"true"},"Bool":{"aws:y":"true"}}`), ReasonSyntax},
		{"duplicate key in another case", Identity, cond(`{"Bool":{"aws:x":"true","AWS:X":"false"}}`), ReasonSyntax},
		{"value is an object", Identity, cond(`{"StringEquals":{"aws:x":{}}}`), ReasonSyntax},
		{"no values", Identity, cond(`{"StringEquals":{"aws:x":[]}}`), reasonLegacy},
		{"bad date", Identity, cond(`{"DateGreaterThan":{"aws:CurrentTime":"yesterday"}}`), reasonLegacy},
		{"bad number", Identity, cond(`{"NumericEquals":{"s3:max-keys":"ten"}}`), reasonLegacy},
		{"bad address", Identity, cond(`{"IpAddress":{"aws:SourceIp":"10.0.0.0/33"}}`), reasonLegacy},
		{"bad boolean", Identity, cond(`{"Bool":{"aws:SecureTransport":"yes"}}`), reasonLegacy},
		{"bad null", Identity, cond(`{"Null":{"aws:x":"maybe"}}`), reasonLegacy},
		{"bad base64", Identity, cond(`{"BinaryEquals":{"a:b":"!"}}`), reasonLegacy},
		{"bad ARN", Identity, cond(`{"ArnLike":{"aws:SourceArn":"my-topic"}}`), reasonLegacy},
		{"key with an empty service", Identity, cond(`{"StringEquals":{":username":"y"}}`), reasonVendor},
		{"empty key", Identity, cond(`{"StringEquals":{"":"y"}}`), reasonVendor},
		{"unknown operator among others", Identity, cond(`{"Bool":{"aws:x":"true"},"x":{"aws:y":"1"}}`), ReasonSyntax},
		{"resource that lacks a field", Identity, one(`"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3::b"`), reasonLegacy},
		{"resource with an empty service", Identity, one(`"Effect":"Allow","Action":"s3:*","Resource":"arn:aws::::b"`), reasonLegacy},
		{"short resource with an empty service", Identity, one(`"Effect":"Allow","Action":"s3:*","NotResource":"arn:aws::b"`), reasonLegacy},
		{"no ARN, with colons", Identity, one(`"Effect":"Allow","Action":"s3:*","Resource":"aws:s3:::b"`), `Partition "s3" is not valid for resource "arn:s3:::b:*".`},
		{"no ARN, with one colon", Identity, one(`"Effect":"Allow","Action":"s3:*","Resource":"a:b"`), `Partition "b" is not valid for resource "arn:b:*:*:*:*".`},
		{"no ARN, with a partition", Identity, one(`"Effect":"Allow","Action":"s3:*","Resource":"a:aws:s3:::b"`), `Resource a:aws:s3:::b must be in ARN format or "*".`},
		{"IAM resource of no type", Identity, one(`"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:iam:::b"`), iamPath},
		{"IAM resource of a short type", Identity, one(`"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:iam:::user"`), iamPath},
		{"IAM resource in a region", Identity, one(`"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:iam:us-east-1::b"`), `IAM resource arn:aws:iam:us-east-1::b cannot contain region information.`},
		{"bucket in a region", Identity, one(`"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:us-east-1::b"`), `Resource arn:aws:s3:us-east-1::b can not contain region information.`},
		{"old parser before statement ids", Identity, doc(`{"Sid":"a","Effect":"aLLow","Action":"s3:*","Resource":"*"}`, `{"Sid":"a","Effect":"Allow"}`), reasonLegacy},
		{"old parser before partitions", Identity, one(`"Effect":"Allow","Action":"s3:*","Resource":"arn:error:s3:::b","Condition":{"DateGreaterThan":{"a":"x"}}`), reasonLegacy},
		{"old parser before missing actions", Identity, one(`"Effect":"Allow","Resource":"arn:aws:s3::b"`), reasonLegacy},
		{"statement ids before missing actions", Identity, doc(`{"Sid":"a",`+ok+`}`, `{"Sid":"a","Effect":"Allow"}`), reasonSIDUnique},
		{"missing actions before missing resources", Identity, one(`"Effect":"Allow"`), reasonNoActions},
		{"missing resources before actions", Identity, one(`"Effect":"Allow","Action":"invalid"`), reasonNoResources},
		{"resources before actions", Identity, one(`"Effect":"Allow","Action":"s:3:List","Resource":"b"`), `Resource b must be in ARN format or "*".`},
		{"all statements' actions", Identity, doc(`{"Effect":"Allow","Action":"s3s:List","Resource":"arn:aws:s3:::b"}`, `{"Effect":"Allow","Action":"s:3s:List","Resource":"arn:aws:s3:::b"}`), reasonOneColon},
		{"sid with a hyphen, session", Session, one(`"Sid":"a-b",` + ok), reasonSIDChars},
		{"sid with a hyphen, trust", Trust, one(`"Sid":"a-b","Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"`), reasonSIDChars},
		{"sid with a hyphen, SCP", SCP, one(`"Sid":"a-b",` + ok), reasonSIDChars},
		{"sid with a hyphen, RCP", RCP, one(`"Sid":"a-b","Principal":"*","Effect":"Deny","Action":"s3:*","Resource":"*"`), reasonSIDChars},
		{"duplicate sid, resource policy", Resource, doc(`{"Sid":"a b","Principal":"*",`+ok+`}`, `{"Sid":"a b","Principal":"*",`+ok+`}`), reasonSIDUnique},
		{"ForAnyValue:Null", Identity, cond(`{"ForAnyValue:Null":{"aws:x":"true"}}`), ReasonSyntax},
		{"ForAllValues:Null", Identity, cond(`{"ForAllValues:Null":{"aws:x":"true"}}`), ReasonSyntax},
		{"mis-cased set qualifier", Identity, cond(`{"forAllValues:StringEquals":{"aws:x":"true"}}`), ReasonSyntax},
		{"Action and NotAction, the other way round", Identity, one(`"NotAction":"*",` + ok), ReasonSyntax},
		{"Principal and NotPrincipal", Resource, one(`"Principal":"*","NotPrincipal":"*",` + ok), ReasonSyntax},
		{"NotPrincipal in an identity policy", Identity, one(`"NotPrincipal":"*",` + ok), reasonNoPrincipal},
		{"NotPrincipal in a trust policy", Trust, doc(`{"Effect":"Deny","NotPrincipal":{"AWS":"111111111111"},"Action":"sts:AssumeRole"}`), reasonTrustNot},
		{"NotPrincipal in a session policy", Session, one(`"NotPrincipal":"*",` + ok), reasonNoPrincipal},
		{"NotResource in a trust policy", Trust, one(`"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","NotResource":"*"`), reasonHasResource},
		{"every action in a trust policy", Trust, one(`"Effect":"Allow","Principal":"*","Action":"*"`), reasonTrustActions},
		{"SCP of the old version", SCP, `{"Version":"2008-10-17","Statement":{` + ok + `}}`, ReasonSyntax},
		{"SCP without a version", SCP, `{"Statement":{` + ok + `}}`, ReasonSyntax},
		{"RCP without a version", RCP, `{"Statement":{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"}}`, ReasonSyntax},
		{"RCP on every action", RCP, doc(`{"Effect":"Deny","Principal":"*","Action":["s3:*","*"],"Resource":"*"}`), ReasonSyntax},
		{"RCP with NotAction", RCP, doc(`{"Effect":"Deny","Principal":"*","NotAction":"s3:*","Resource":"*"}`), ReasonSyntax},
		{"RCP with NotPrincipal", RCP, doc(`{"Effect":"Deny","NotPrincipal":"*","Action":"s3:*","Resource":"*"}`), ReasonSyntax},
		{"RCP without Principal", RCP, doc(`{"Effect":"Deny","Action":"s3:*","Resource":"*"}`), reasonWantTrust},
		{"RCP that allows under a condition", RCP, doc(`{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"true"}}}`), ReasonSyntax},
		{"RCP that allows", RCP, doc(`{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*"}`), ReasonSyntax},
		{"RCP for one account", RCP, doc(`{"Effect":"Deny","Principal":{"AWS":"123456789012"},"Action":"s3:*","Resource":"*"}`), ReasonSyntax},
	} {
		_, err := Parse(tc.kind, []byte(tc.text))
		var pe *ParseError
		if !errors.As(err, &pe) {
			t.Errorf("%s: accepted", tc.name)
			continue
		}
		if pe.Reason != tc.reason {
			t.Errorf("%s: %q, want %q", tc.name, pe.Reason, tc.reason)
		}
	}
}

// TestParseHuge: no text of the longest size takes long, whatever it repeats.
// A quadratic parser would not finish within the test's time limit.
func TestParseHuge(t *testing.T) {
	fill := func(head, unit, tail string) string {
		return head + strings.Repeat(unit, (MaxSource-len(head)-len(tail))/len(unit)) + tail
	}
	st := `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"`
	keys := strings.Builder{}
	for i := range 60000 {
		fmt.Fprintf(&keys, `"a:%d":"",`, i)
	}
	for _, text := range []string{
		fill(st+"arn:aws:", "${", `"}}`), fill(st+"arn:aws:s3:::", "${'", `"}}`), fill(st+"arn:aws:s3:::", "${a}", `"}}`),
		fill(st+"arn:", ":", `"}}`), fill(st+"arn:aws:s3:::", "*?", `"}}`), fill(st+"*", `","*`, `"}}`),
		fill(st+`*","Sid":"`, `\u0041`, `"}}`), fill("", "[", ""), fill("", " ", ""), fill(st[:38], `{},`, ""),
		st + `*","Condition":{"StringEquals":{` + keys.String() + `"a:b":""}}}}`,
	} {
		if d, err := ParseText(Identity, text); err == nil {
			p := Compile(Source{}, d)
			Evaluate(&Request{Principal: alice, Action: get, Resource: bucketA, ResourceAccount: acctA}, &Layers{Identity: NewSet(p)})
		}
	}
}

func TestPositions(t *testing.T) {
	text := "{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [{\n    \"Effect\": \"Allow\",\n    \"Action\": [\"s3:Get*\",\n      \"s3:Put*\"], \"Resource\": \"*\"\n  }]\n}\n"
	d, err := Parse(Identity, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	st := d.Statements[0]
	for _, tc := range []struct {
		got  Pos
		want Pos
	}{
		{st.Pos, Pos{3, 17, int32(strings.Index(text, "{\n    \"Effect"))}},
		{st.End, Pos{7, 4, int32(strings.Index(text, "]\n}\n"))}},
		{st.Actions[1].Pos, Pos{6, 7, int32(strings.Index(text, `"s3:Put*"`))}},
		{st.Resources[0].Pos, Pos{6, 31, int32(strings.LastIndex(text, `"*"`))}},
	} {
		if tc.got != tc.want {
			t.Errorf("got %+v, want %+v", tc.got, tc.want)
		}
	}
	_, err = Parse(Identity, []byte("{\n \"Version\": 3}"))
	if pe := err.(*ParseError); pe.Pos != (Pos{2, 13, 14}) {
		t.Errorf("error at %+v", pe.Pos)
	}
}

func TestContextKeys(t *testing.T) {
	text := doc(`{"Effect":"Allow","Action":"*","Resource":["arn:aws:s3:::${aws:username}/${*}"],"Condition":{"StringLike":{"s3:prefix":"${aws:PrincipalTag/Team, 'x'}/*","AWS:UserName":"a"},"NumericEquals":{"s3:max-keys":"1"}}}`)
	d, err := Parse(Identity, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(d.ContextKeys(), " "); got != "aws:username s3:prefix aws:PrincipalTag/Team AWS:UserName s3:max-keys" {
		t.Error(got)
	}
	d, err = Parse(Identity, []byte(strings.Replace(text, "2012", "2008", 1)))
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(d.ContextKeys(), " "); got != "s3:prefix AWS:UserName s3:max-keys" {
		t.Error(got)
	}
}

func TestPrincipals(t *testing.T) {
	d, err := Parse(Resource, []byte(doc(`{"Effect":"Allow","Principal":{"AWS":["arn:aws:iam::111111111111:user/u","111111111111"],"Service":"s3.amazonaws.com"},"Action":"*","Resource":"*"}`, `{"Effect":"Deny","NotPrincipal":"*","Action":"*","Resource":"*"}`)))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range d.Principals() {
		got = append(got, p.Type.String()+"="+p.Value)
		if string(d.Source()[p.Pos.Offset]) != `"` {
			t.Errorf("%s is not at %d", p.Value, p.Pos.Offset)
		}
	}
	if s := strings.Join(got, " "); s != "AWS=arn:aws:iam::111111111111:user/u AWS=111111111111 Service=s3.amazonaws.com *=*" {
		t.Error(s)
	}
}

func TestNonWhitespaceLen(t *testing.T) {
	if n := NonWhitespaceLen([]byte("{ \"a\":\t\"é b\"\r\n}")); n != 10 {
		t.Error(n)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(uint8(Identity), doc(statementText("Allow", "s3:*", "*")))
	f.Add(uint8(Trust), doc(`{"Effect":"Allow","Principal":{"Service":["ec2.amazonaws.com"]},"Action":"sts:AssumeRole","Condition":{"ForAnyValue:StringLikeIfExists":{"aws:x":["${a:b, 'c'}",1]}}}`))
	f.Add(uint8(Resource), doc(`{"Effect":"Deny","NotPrincipal":"*","NotAction":"a:b","NotResource":"arn:aws:s3:::${*}\u00e9"}`))
	f.Fuzz(func(t *testing.T, kind uint8, text string) {
		d, err := Parse(Kind(kind), []byte(text))
		if err != nil {
			return
		}
		if string(d.Source()) != text {
			t.Fatal("the source changed")
		}
		printed := d.Print()
		again, err := Parse(Kind(kind), printed)
		if err != nil {
			t.Fatalf("%s: %v", printed, err)
		}
		if string(again.Print()) != string(printed) {
			t.Fatalf("%s\n%s", printed, again.Print())
		}
		p := Compile(Source{}, d)
		for _, who := range []*Principal{user(acctA, "u"), {Kind: Anonymous}} {
			req := &Request{Principal: who, Action: "s3:GetObject", Resource: "arn:aws:s3:::b/x", ResourceAccount: acctA}
			l := &Layers{Identity: NewSet(p), Resource: p}
			if got, want := Explain(req, l).Decision, Evaluate(req, l).Reason.String(); got != want {
				t.Fatalf("Explain says %s, Evaluate %s", got, want)
			}
		}
	})
}
