package server_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/warder-iam/warder/internal/wardertest"
)

// IAM is in one region, whichever one its caller signs for; STS is in all.
func TestRequestedRegion(t *testing.T) {
	s := wardertest.Start(t)
	confined := s.User(s.Admin, "confined", `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":"*","Resource":"*"},
		{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"StringNotEquals":{"aws:RequestedRegion":"eu-west-1"}}}]}`)
	for _, region := range []string{"us-east-1", "eu-west-1"} {
		_, err := s.IAM(confined).ListUsers(t.Context(), &iam.ListUsersInput{}, func(o *iam.Options) { o.Region = region })
		wardertest.WantCode(t, err, "AccessDenied")
		name := "fed"
		_, err = s.STS(confined).GetFederationToken(t.Context(), &sts.GetFederationTokenInput{Name: &name}, func(o *sts.Options) { o.Region = region })
		if region == "eu-west-1" {
			if err != nil {
				t.Errorf("STS in %s: %v", region, err)
			}
			continue
		}
		wardertest.WantCode(t, err, "AccessDenied")
	}
}
