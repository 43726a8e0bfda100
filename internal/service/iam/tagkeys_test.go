package iam_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/warder-iam/warder/internal/wardertest"
)

// A user who may set the tag "class" to one value must not get another value
// under it by a second key that only looks the same to some folding of case.
func TestTagKeysDoNotCollide(t *testing.T) {
	s := wardertest.Start(t)
	eve := s.IAM(s.User(s.Admin, "eve", `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":"iam:TagUser","Resource":"*","Condition":{"StringEquals":{"aws:RequestTag/class":"low"}}},
		{"Effect":"Allow","Action":"iam:CreateGroup","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalTag/class":"high"}}}]}`))
	ctx := t.Context()
	tag := func(key, value string) types.Tag { return types.Tag{Key: &key, Value: &value} }
	for _, second := range []string{"cla\u017fs", "\u212alass"} {
		must(t, errOf(eve.TagUser(ctx, &iam.TagUserInput{UserName: aws.String("eve"), Tags: []types.Tag{tag("class", "low"), tag(second, "high")}})))
		out, err := s.IAM(s.Admin).ListUserTags(ctx, &iam.ListUserTagsInput{UserName: aws.String("eve")})
		must(t, err)
		if len(out.Tags) != 2 && second == "cla\u017fs" {
			t.Errorf("tags %v", out.Tags)
		}
		wardertest.WantCode(t, errOf(eve.CreateGroup(ctx, &iam.CreateGroupInput{GroupName: aws.String("g")})), "AccessDenied")
	}
	// What differs in case only is the same key, and not given twice.
	err := errOf(eve.TagUser(ctx, &iam.TagUserInput{UserName: aws.String("eve"), Tags: []types.Tag{tag("class", "low"), tag("Class", "high")}}))
	wardertest.WantCode(t, err, "InvalidInput")
}
