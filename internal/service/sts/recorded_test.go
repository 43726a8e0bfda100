package sts_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/warder-iam/warder/internal/wardertest"
)

// Facts from recorded answers of AWS: what is no ARN is told by itself, and
// GetFederationToken sends the packed size also of a session without policies.

func TestAssumeRoleOfNoARN(t *testing.T) {
	s := wardertest.Start(t)
	for _, arn := range []string{
		"nothing-valid-in-here", "arn::b:::something/test-role", "arn:a::::something/test-role", "arn:a:::something/test-role", "arn:a:a::aaaaaaaaaa:",
	} {
		_, err := s.STS(s.Admin).AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: &arn, RoleSessionName: aws.String("x1")})
		wantRefusal(t, arn, err, "ValidationError", arn+" is invalid")
	}
}

func TestFederationTokenPackedSize(t *testing.T) {
	s := wardertest.Start(t)
	out, err := s.STS(s.Admin).GetFederationToken(t.Context(), &sts.GetFederationTokenInput{Name: aws.String("fed")})
	if err != nil {
		t.Fatal(err)
	}
	//lint:ignore SA1019 the API has no other yet in the version that Warder speaks
	if size := out.PackedPolicySize; size == nil || *size != 0 {
		t.Errorf("packed size %v, want 0", size)
	}
}
