package iam_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

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
