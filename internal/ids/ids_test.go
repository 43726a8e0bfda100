package ids_test

import (
	"regexp"
	"testing"

	"github.com/warder-iam/warder/arn"
	"github.com/warder-iam/warder/internal/ids"
)

func TestKeyIDsCarryTheAccount(t *testing.T) {
	src := ids.New()
	form := regexp.MustCompile(`^(AKIA|ASIA)[A-Z2-7]{16}$|^(AIDA|AROA)[A-Z2-7]{17}$`)
	seen := map[string]bool{}
	for range 200 {
		account := src.Account()
		if !arn.IsAccountID(account) {
			t.Fatalf("account id %q", account)
		}
		for _, account := range []string{account, "000000000001", "999999999999", "123456789012"} {
			for _, id := range []string{
				src.KeyID(ids.AccessKey, account), src.KeyID(ids.SessionKey, account),
				src.Unique(ids.User, account), src.Unique(ids.Role, account),
			} {
				if got, ok := ids.AccountOf(id); !ok || got != account {
					t.Fatalf("AccountOf(%s) = %q, %v; want %s", id, got, ok, account)
				}
				if !form.MatchString(id) || seen[id] {
					t.Fatalf("bad or repeated id %q", id)
				}
				seen[id] = true
			}
		}
	}
}

// The two key ids and their accounts are from public write-ups of the encoding.
func TestAccountOfPublished(t *testing.T) {
	for id, want := range map[string]string{
		"ASIAY34FZKBOKMUTVV7A": "609629065308",
		"ASIAQNZGKIQY56JQ7WML": "029608264753",
	} {
		if got, ok := ids.AccountOf(id); !ok || got != want {
			t.Errorf("AccountOf(%s) = %q, %v; want %s", id, got, ok, want)
		}
	}
	for _, id := range []string{"", "AKIA", "AKIAIOSFODNN7EXAMPLE", "AKIA!!!!!!!!!!!!!!!!", "AKIAI44QH8DHBEXAMPLE"} {
		if got, ok := ids.AccountOf(id); ok {
			t.Errorf("AccountOf(%q) = %q; want none", id, got)
		}
	}
}

func TestRequestIsAUUID(t *testing.T) {
	if id := ids.New().Request(); !regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(id) {
		t.Errorf("request id %q", id)
	}
}
