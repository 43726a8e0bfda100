package iam_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/warder-iam/warder/internal/daemon"
	iamservice "github.com/warder-iam/warder/internal/service/iam"
	"github.com/warder-iam/warder/internal/wardertest"
)

// A quota that the operator sets holds in the place of AWS's, in the refusal
// and in the account's summary; the others stay.
func TestQuotasOfTheOperator(t *testing.T) {
	s := wardertest.StartConfig(t, daemon.Config{Store: "memory", Quotas: iamservice.Quotas{"UsersPerAccount": 3, "RolesPerAccount": 1}})
	client, ctx := s.IAM(s.Admin), t.Context()
	for _, name := range []string{"b", "c"} { // the administrator is a user as well
		if _, err := client.CreateUser(ctx, &iam.CreateUserInput{UserName: &name}); err != nil {
			t.Fatal(err)
		}
	}
	_, err := client.CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String("d")})
	wantError(t, err, "LimitExceeded", "Cannot exceed quota for UsersPerAccount: 3")
	if _, err := client.DeleteUser(ctx, &iam.DeleteUserInput{UserName: aws.String("b")}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String("d")}); err != nil {
		t.Errorf("one was deleted: %v", err)
	}
	out, err := client.GetAccountSummary(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]int32{"UsersQuota": 3, "RolesQuota": 1, "GroupsQuota": 300} {
		if got := out.SummaryMap[key]; got != want {
			t.Errorf("%s is %d, want %d", key, got, want)
		}
	}
}

func TestQuotasThatAreNone(t *testing.T) {
	for text, q := range map[string]iamservice.Quotas{
		`no quota "Users"`: {"Users": 5},
		"cannot be 0":      {"UsersPerAccount": 0},
		"cannot be -1":     {"UsersPerAccount": -1},
	} {
		if err := q.Check(); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%v: %v, want %q", q, err, text)
		}
	}
}
