package policy

import (
	"fmt"
	"strings"
	"testing"
)

const (
	acctA = "111111111111"
	acctB = "222222222222"
)

// compile parses and compiles, or fails the test.
func compile(t testing.TB, kind Kind, text string, opts ...Option) *Policy {
	t.Helper()
	doc, err := Parse(kind, []byte(text))
	if err != nil {
		t.Fatalf("Parse(%s, %s): %s", kind, text, err.(*ParseError).String())
	}
	return Compile(Source{Name: "test"}, doc, opts...)
}

// doc is a document of the statements, in the current version.
func doc(statements ...string) string {
	return `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
}

// statementText is a statement without Principal.
func statementText(effect, action, resource string) string {
	return fmt.Sprintf(`{"Effect":%q,"Action":%q,"Resource":%q}`, effect, action, resource)
}

func set(t testing.TB, kind Kind, statements ...string) *Set {
	t.Helper()
	return NewSet(compile(t, kind, doc(statements...)))
}

func user(account, name string) *Principal {
	return &Principal{Kind: User, ARN: "arn:aws:iam::" + account + ":user/" + name, Account: account, UniqueID: "AIDAEXAMPLE" + strings.ToUpper(name) + "0000"}
}

func roleSession(account, role, session string) *Principal {
	name := role[strings.LastIndex(role, "/")+1:]
	return &Principal{
		Kind: RoleSession, ARN: "arn:aws:sts::" + account + ":assumed-role/" + name + "/" + session,
		RoleARN: "arn:aws:iam::" + account + ":role/" + role, Account: account, UniqueID: "AROAEXAMPLE" + strings.ToUpper(name) + "0000",
	}
}
