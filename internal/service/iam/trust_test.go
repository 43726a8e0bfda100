package iam_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/warder-iam/warder/internal/wardertest"
)

// A trust policy cannot say whom it does not mean.
func TestTrustTakesNoNotPrincipal(t *testing.T) {
	s := wardertest.Start(t)
	client, ctx := s.IAM(s.Admin), t.Context()
	makeRole(t, client, "Worker")
	for _, effect := range []string{"Allow", "Deny"} {
		trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + wardertest.Account + `"},"Action":"sts:AssumeRole"},
			{"Effect":"` + effect + `","NotPrincipal":{"AWS":"` + accountARN + `user/administrator"},"Action":"sts:AssumeRole"}]}`
		_, err := client.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("R"), AssumeRolePolicyDocument: &trust})
		wantError(t, err, "MalformedPolicyDocument", "Has prohibited field NotPrincipal")
		_, err = client.UpdateAssumeRolePolicy(ctx, &iam.UpdateAssumeRolePolicyInput{RoleName: aws.String("Worker"), PolicyDocument: &trust})
		wantError(t, err, "MalformedPolicyDocument", "Has prohibited field NotPrincipal")
	}
}

// A trust in a session is a trust in a session of that very role: whoever makes
// a role of the name later does not regain it.
func TestTrustInASessionEndsWithItsRole(t *testing.T) {
	s := wardertest.Start(t)
	ctx, client := t.Context(), s.IAM(s.Admin)
	own := `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"` + wardertest.Account + `"},"Action":"sts:AssumeRole"}}`
	session := "arn:aws:sts::" + wardertest.Account + ":assumed-role/first/s1"
	trust := `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"` + session + `"},"Action":"sts:AssumeRole"}}`
	create := func(name, doc string) error {
		_, err := client.CreateRole(ctx, &iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: &doc})
		return err
	}
	chain := func() error {
		first, err := s.STS(s.Admin).AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: aws.String("arn:aws:iam::" + wardertest.Account + ":role/first"), RoleSessionName: aws.String("s1")})
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.STS(wardertest.SessionCredentials(first.Credentials)).AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: aws.String("arn:aws:iam::" + wardertest.Account + ":role/second"), RoleSessionName: aws.String("s2")})
		return err
	}
	wardertest.WantCode(t, create("second", trust), "MalformedPolicyDocument") // no such role yet
	wardertest.WantCode(t, create("first", own), "")
	wardertest.WantCode(t, create("second", trust), "")
	wardertest.WantCode(t, chain(), "")
	shown := func() string {
		out, err := client.GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String("second")})
		if err != nil {
			t.Fatal(err)
		}
		text, err := url.QueryUnescape(*out.Role.AssumeRolePolicyDocument)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	if shown() != trust {
		t.Errorf("the trust policy reads %s", shown())
	}
	if _, err := client.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: aws.String("first")}); err != nil {
		t.Fatal(err)
	}
	wardertest.WantCode(t, create("first", own), "")
	wardertest.WantCode(t, chain(), "AccessDenied")
	if strings.Contains(shown(), session) || !strings.Contains(shown(), "AROA") {
		t.Errorf("the trust policy reads %s", shown())
	}
}
