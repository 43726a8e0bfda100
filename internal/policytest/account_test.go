package policytest

import (
	"os"
	"strings"
	"testing"
)

// export is a suite of one test of an exported account.
func export(account, principal, test string) (*Suite, error) {
	text := "principals: {p: {arn: '" + principal + "', account: account.json}}\n" +
		"policies: {s3: {document: {Version: 2012-10-17, Statement: {Sid: Any, Effect: Allow, Action: 's3:List*', Resource: '*'}}}}\n" +
		"context: {aws:PrincipalTag/team: file}\n" +
		"tests: [{principal: p, " + test + "}]"
	return parse("f.yaml", []byte(text), func(name string) ([]byte, error) {
		if name != "account.json" {
			return none(name)
		}
		return []byte(account), nil
	})
}

func exportedAccount(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("testdata/account.json")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestAccount: every layer of an exported principal counts, and the test file's besides.
func TestAccount(t *testing.T) {
	account := exportedAccount(t)
	const app, al = "arn:aws:iam::123456789012:role/service/app", "arn:aws:iam::123456789012:user/al"
	for _, test := range []struct{ who, test string }{
		{jo, "action: s3:GetObject, resource: 'arn:aws:s3:::home/AIDAEXAMPLEJO0000000/a', expect: allowed, because: home/Home"},
		{jo, "action: s3:GetObject, resource: 'arn:aws:s3:::reports/010/a', expect: allowed, because: reports/Read"},
		{jo, "action: s3:GetObject, resource: 'arn:aws:s3:::reports/010/a', context: {aws:PrincipalTag/team: b}, expect: implicitDeny"},
		{jo, "action: s3:GetObject, resource: 'arn:aws:s3:::reports/010/closed/a', expect: explicitDeny, because: closed/Closed"},
		{jo, "action: s3:PutObject, resource: 'arn:aws:s3:::reports/010/a', expect: implicitDeny"}, // the old version would allow it
		{jo, "action: s3:ListBucket, resource: 'arn:aws:s3:::reports', expect: allowed, because: tables/Tables"},
		{jo, "action: dynamodb:GetItem, expect: implicitDeny"}, // outside the boundary
		{al, "action: [s3:GetObject, s3:ListBucket], expect: implicitDeny"},
		{al, "action: s3:ListBucket, resource: 'arn:aws:s3:::reports', expect: implicitDeny"},
		{app, "action: sqs:SendMessage, expect: allowed, because: queue/Send"},
		{app, "action: s3:GetObject, resource: 'arn:aws:s3:::reports/010/a', expect: allowed, because: reports"},
		{app, "action: s3:GetObject, resource: 'arn:aws:s3:::reports/010/closed/a', expect: explicitDeny, because: closed"},
		// A policy of AWS's that the export does not hold is known.
		{"arn:aws:iam::123456789012:user/eve", "action: sqs:SendMessage, expect: allowed, because: AdministratorAccess"},
	} {
		s, err := export(account, test.who, test.test)
		if err != nil {
			t.Errorf("%s: %s: %v", test.who, test.test, err)
			continue
		}
		results, err := s.Run(t.Context(), Engine)
		if err != nil {
			t.Errorf("%s: %s: %v", test.who, test.test, err)
		}
		for _, r := range results {
			if !r.Passed {
				t.Errorf("%s: %s\n%s", test.who, test.test, r.Diff())
			}
		}
	}
}

// TestAccountRefused: what an export does not tell is an error, whatever is expected.
func TestAccountRefused(t *testing.T) {
	account := exportedAccount(t)
	for _, test := range []struct{ old, new, who, want string }{
		{"", "", "arn:aws:iam::123456789012:user/nobody", "does not hold the principal"},
		{"", "", "arn:aws:iam::210987654321:user/jo", "does not hold the principal"},
		{"", "", "arn:aws:iam::123456789012:role/app", "does not hold the principal"},
		{"", "", "arn:aws:iam::123456789012:root", "neither a user nor a role"},
		{"", "", "arn:aws:sts::123456789012:assumed-role/app/s", "neither a user nor a role"},
		{"policy/AdministratorAccess", "policy/AdministratorAxess", "arn:aws:iam::123456789012:user/eve", "no AWS managed policy arn:aws:iam::aws:policy/AdministratorAxess"},
		{account, "{}", jo, "does not hold the principal"},
		{account, "[]", jo, "not an object"},
		{account, "", jo, "ends too early"},
		{account, account + account, jo, "data after"},
		{`"UserDetailList": [`, `"IsTruncated": true, "UserDetailList": [`, jo, "one page of several"},
		{`"UserDetailList": [`, `"IsTruncated": true, "istruncated": false, "UserDetailList": [`, jo, "stands twice"},
		{`"UserDetailList": [`, `"NextToken": "x", "UserDetailList": [`, jo, "one page of several"},
		{`"UserDetailList": [`, `"Marker": "x", "UserDetailList": [`, jo, "one page of several"},
		{`user/al"`, `user/jo"`, jo, "holds the principal twice"},
		{`policy/only-s3",` + "\n" + `      "Path"`, `policy/other", "Path"`, jo, "does not hold the policy arn:aws:iam::123456789012:policy/only-s3"},
		{`"PermissionsBoundaryArn": "arn:aws:iam::123456789012:policy/only-s3"`, `"x": ""`, jo, "does not hold the policy"},
		{`"GroupName": "devs"`, `"GroupName": "ops"`, jo, "does not hold the group devs"},
		{`"IsDefaultVersion": true`, `"IsDefaultVersion": false`, jo, "has 0 default versions"},
		{`"IsDefaultVersion": false`, `"IsDefaultVersion": true`, jo, "v1 is not DefaultVersionId"},
		{`"DefaultVersionId": "v2"`, `"DefaultVersionId": "v1"`, jo, "v2 is not DefaultVersionId"},
		{`"PolicyName": "home"`, `"x": ""`, jo, "no PolicyName"},
		{`"Effect": "Allow"`, `"Effect": "allow"`, jo, "Effect"},
		{`"%7B`, `"%7Bx`, jo, "tables"},
		{`"%7B`, `"%7`, jo, "escape"},
		{`"%7B`, `"{`, jo, "Syntax errors"},
		{`"PolicyDocument": {`, `"PolicyDocument": null, "x": {`, jo, "neither a JSON object"},
		{`"Document": {`, `"x": {`, jo, "has no document"},
	} {
		changed := strings.Replace(account, test.old, test.new, 1)
		if test.old != test.new && changed == account {
			t.Errorf("%q is not in the account", test.old)
		}
		s, err := export(changed, test.who, "action: s3:GetObject, expect: denied")
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q for %q, %s: %v, %v, want %q", test.new, test.old, test.who, s, err, test.want)
		}
	}
	for _, extra := range []string{"identity: p", "boundary: p", "identity: []"} {
		text := "policies: {p: {document: '{}'}}\nprincipals: {p: {arn: '" + jo + "', account: a, " + extra + "}}\ntests: [{principal: p, action: s3:GetObject, expect: denied}]"
		if _, err := parse("f.yaml", []byte(text), func(string) ([]byte, error) { return []byte(account), nil }); err == nil {
			t.Errorf("%s beside account is not refused", extra)
		}
	}
}
