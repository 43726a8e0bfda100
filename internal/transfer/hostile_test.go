package transfer_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/warder-iam/warder/internal/state"
	"github.com/warder-iam/warder/internal/transfer"
)

// A listing that somebody has written to get at another account of the server.
func hostile(of, users, roles, policies string) []transfer.File {
	text := fmt.Sprintf(`{"UserDetailList":[%s],"GroupDetailList":[],"RoleDetailList":[%s],"Policies":[%s]}`, users, roles, policies)
	return []transfer.File{{Name: "of-" + of + ".json", Text: []byte(text)}}
}

func hostileUser(of, id string) string {
	return fmt.Sprintf(`{"Path":"/","UserName":"eve","UserId":%q,"Arn":"arn:aws:iam::%s:user/eve","CreateDate":"2022-02-02T02:02:02Z"}`, id, of)
}

func hostilePolicy(arn, name, id, action string) string {
	return fmt.Sprintf(`{"PolicyName":%q,"PolicyId":%q,"Arn":%q,"Path":"/","DefaultVersionId":"v1","CreateDate":"2022-02-02T02:02:02Z",
		"PolicyVersionList":[{"VersionId":"v1","IsDefaultVersion":true,"CreateDate":"2022-02-02T02:02:02Z",
		"Document":{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":%q,"Resource":"*"}}}]}`, name, id, arn, action)
}

func hostileRole(of, trusted string) string {
	return fmt.Sprintf(`{"Path":"/","RoleName":"r","RoleId":"AROA2EXAMPLEHOSTILE01","Arn":"arn:aws:iam::%s:role/r","CreateDate":"2022-02-02T02:02:02Z",
		"AssumeRolePolicyDocument":{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":%q},"Action":"sts:AssumeRole"}}}`, of, trusted)
}

// Nothing that a listing says may change what stands for whom, or what a policy
// says, in the accounts that are there.
func TestImportLeavesOthersAlone(t *testing.T) {
	const other = "999999999999"
	for name, tc := range map[string]struct {
		files []transfer.File
		want  string
	}{
		"the id of a policy": {
			hostile(other, hostileUser(other, "AIDA2EXAMPLEEVE000001"), "", hostilePolicy("arn:aws:iam::"+other+":policy/p", "p", "ANPA2EXAMPLEEDGE00001", "*")),
			"ANPA2EXAMPLEEDGE00001 is there already",
		},
		"the id of a policy, for one of AWS's": {
			hostile(other, hostileUser(other, "AIDA2EXAMPLEEVE000001"), "", hostilePolicy("arn:aws:iam::aws:policy/Newer", "Newer", "ANPA2EXAMPLEEDGE00001", "*")),
			"ANPA2EXAMPLEEDGE00001 is there already",
		},
		"a user with the id of a role": {
			hostile(other, hostileUser(other, "AROA2EXAMPLEAPP000001"), "", ""),
			"AROA2EXAMPLEAPP000001 is there already",
		},
		"the id of somebody who is gone, whom a role trusts by it": {
			hostile(other, hostileUser(other, "AIDA2EXAMPLEGONE00001"), "", ""),
			"AIDA2EXAMPLEGONE00001 is somebody else's",
		},
		"another meaning for a policy of AWS's": {
			hostile(other, hostileUser(other, "AIDA2EXAMPLEEVE000001"), "", hostilePolicy("arn:aws:iam::aws:policy/BrandNewOfAWS", "BrandNewOfAWS", "ANPA2EXAMPLENEW000002", "*")),
			"BrandNewOfAWS is there already, and says something else",
		},
		"an alias that is an account's id": {
			append(hostile(other, hostileUser(other, "AIDA2EXAMPLEEVE000001"), "", ""), transfer.File{Name: "a", Text: []byte(`{"AccountAliases":["` + account + `"]}`)}),
			"alias",
		},
	} {
		s := open(t)
		if _, err := apply(s, read(t, details)); err != nil {
			t.Fatal(err)
		}
		before := s.Snapshot().Policies.Len()
		if _, err := apply(s, tc.files); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %q", name, err, tc.want)
		}
		snap := s.Snapshot()
		if snap.Accounts.Len() != 1 || snap.Policies.Len() != before || snap.PolicyByARN("arn:aws:iam::"+account+":policy/limits/edge") == nil {
			t.Errorf("%s: something is left behind", name)
		}
	}
}

// Whom a role trusted by an ARN, and who is gone since, does not come back as
// somebody in another account.
func TestImportOfFormerPrincipal(t *testing.T) {
	const trusting, trusted, other = "111111111111", "222222222222", "333333333333"
	s := open(t)
	for _, files := range [][]transfer.File{
		hostile(trusted, hostileUser(trusted, "AIDA2EXAMPLEEVE000001"), "", ""),
		hostile(trusting, "", hostileRole(trusting, "arn:aws:iam::"+trusted+":user/eve"), ""),
	} {
		if _, err := apply(s, files); err != nil {
			t.Fatal(err)
		}
	}
	err := s.Update(t.Context(), s.Snapshot().Role(trusting, "r").Created, func(tx *state.Tx) error {
		tx.Users.Delete(tx.User(trusted, "eve"))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := apply(s, hostile(other, hostileUser(other, "AIDA2EXAMPLEEVE000001"), "", "")); err == nil || !strings.Contains(err.Error(), "is somebody else's") {
		t.Errorf("%v", err)
	}
}
