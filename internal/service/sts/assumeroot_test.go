package sts_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"

	"github.com/warder-iam/warder/internal/wardertest"
)

// Without an organization there is nobody whose root user one may be.
func TestAssumeRoot(t *testing.T) {
	s := wardertest.Start(t)
	other, _, root := s.NewAccount()
	rootARN := "arn:aws:iam::" + other + ":root"
	const audit = "arn:aws:iam::aws:policy/root-task/IAMAuditRootUserCredentials"
	noAudit := s.User(s.Admin, "no-audit", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},
		{"Effect":"Deny","Action":"sts:AssumeRoot","Resource":"`+rootARN+`","Condition":{"StringEquals":{"sts:TaskPolicyArn":"`+audit+`"}}}]}`)
	notThere := s.User(s.Admin, "not-there", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},
		{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:ResourceAccount":"`+other+`"}}}]}`)
	nobody := s.User(s.Admin, "nobody", "")
	const explicit = "with an explicit deny in an identity-based policy"
	for _, tc := range []struct {
		name         string
		as           wardertest.Credentials
		target, task string
		seconds      int32
		code, text   string
	}{
		{"another account", s.Admin, other, audit, 900, "AccessDenied", "is not authorized to perform: sts:AssumeRoot on resource: " + rootARN},
		{"by ARN", s.Admin, rootARN, audit, 0, "AccessDenied", "on resource: " + rootARN},
		{"one's own account", s.Admin, wardertest.Account, audit, 900, "AccessDenied", "on resource: arn:aws:iam::" + wardertest.Account + ":root"},
		{"as the root user", root, other, audit, 900, "AccessDenied", "on resource: " + rootARN},
		{"no permission", nobody, other, audit, 900, "AccessDenied", "because no identity-based policy allows the sts:AssumeRoot action"},
		{"the task is denied", noAudit, other, audit, 900, "AccessDenied", explicit},
		{"another task is not denied", noAudit, other, "arn:aws:iam::aws:policy/root-task/S3UnlockBucketPolicy", 900, "AccessDenied", "on resource: " + rootARN},
		{"the account is denied", notThere, other, audit, 900, "AccessDenied", explicit},
		{"no task policy", s.Admin, other, "arn:aws:iam::aws:policy/AdministratorAccess", 900, "ValidationError", "Request must contain valid AWS managed task policy ARN"},
		{"a task policy of another path", s.Admin, other, "arn:aws:iam::aws:policy/IAMAuditRootUserCredentials", 900, "ValidationError", ""},
		{"too long", s.Admin, other, audit, 901, "ValidationError", "durationSeconds"},
		{"a user", s.Admin, "arn:aws:iam::" + other + ":user/administrator", audit, 900, "ValidationError", "Request must contain a valid target principal"},
		{"not a root user's ARN", s.Admin, "arn:aws:sts::" + other + ":root", audit, 900, "ValidationError", "target principal"},
		{"nothing", s.Admin, "xxxxxxxxxxxx", audit, 900, "ValidationError", "target principal"},
		{"too short", s.Admin, "1", audit, 900, "ValidationError", "targetPrincipal"},
	} {
		_, err := s.STS(tc.as).AssumeRoot(t.Context(), &sts.AssumeRootInput{
			TargetPrincipal: &tc.target, TaskPolicyArn: &types.PolicyDescriptorType{Arn: aws.String(tc.task)}, DurationSeconds: &tc.seconds,
		})
		if wardertest.Code(err) != tc.code || !strings.Contains(wardertest.Message(err), tc.text) {
			t.Errorf("%s: %v", tc.name, err)
		}
		if tc.code == "AccessDenied" && tc.text != explicit && strings.Contains(wardertest.Message(err), explicit) {
			t.Errorf("%s: %v", tc.name, err)
		}
	}
}
