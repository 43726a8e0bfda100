package authz_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	ststypes "github.com/aws/aws-sdk-go-v2/service/sts/types"

	"github.com/warder-iam/warder/internal/wardertest"
)

const account = wardertest.Account

// Every global context key that a request to Warder has, as the policies of a
// user and of a role session see it.
func TestGlobalContextKeys(t *testing.T) {
	s := wardertest.Start(t)
	ctx, client := t.Context(), s.IAM(s.Admin)

	user := s.User(s.Admin, "alice", "")
	if _, err := client.TagUser(ctx, &iam.TagUserInput{UserName: aws.String("alice"), Tags: []iamtypes.Tag{{Key: aws.String("Team"), Value: aws.String("blue")}}}); err != nil {
		t.Fatal(err)
	}
	got, err := client.GetUser(ctx, &iam.GetUserInput{UserName: aws.String("alice")})
	if err != nil {
		t.Fatal(err)
	}
	role, err := client.CreateRole(ctx, &iam.CreateRoleInput{
		RoleName: aws.String("r"), Path: aws.String("/deep/"),
		AssumeRolePolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"` + account + `"},"Action":["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"]}}`),
		Tags:                     []iamtypes.Tag{{Key: aws.String("Team"), Value: aws.String("red")}, {Key: aws.String("Own"), Value: aws.String("role")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	assumed, err := s.STS(s.Admin).AssumeRole(ctx, &sts.AssumeRoleInput{
		RoleArn: role.Role.Arn, RoleSessionName: aws.String("sess"), SourceIdentity: aws.String("me"),
		Tags: []ststypes.Tag{{Key: aws.String("team"), Value: aws.String("green")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	session := wardertest.SessionCredentials(assumed.Credentials)

	const yes, no = true, false
	for _, tc := range []struct {
		condition     string
		user, session bool
	}{
		{`"StringEquals":{"aws:username":"alice"}`, yes, no},
		{`"Null":{"aws:username":"true"}`, no, yes},
		{`"StringEquals":{"aws:userid":"` + *got.User.UserId + `"}`, yes, no},
		{`"StringEquals":{"aws:userid":"` + *role.Role.RoleId + `:sess"}`, no, yes},
		{`"StringEquals":{"aws:PrincipalType":"User"}`, yes, no},
		{`"StringEquals":{"aws:PrincipalType":"AssumedRole"}`, no, yes},
		{`"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::` + account + `:user/alice"}`, yes, no},
		{`"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::` + account + `:role/deep/r"}`, no, yes},
		{`"ArnLike":{"aws:PrincipalArn":"arn:aws:sts::*"}`, no, no},
		{`"StringEquals":{"aws:PrincipalAccount":"` + account + `"}`, yes, yes},
		{`"StringEquals":{"aws:ResourceAccount":"` + account + `"}`, yes, yes},
		{`"StringEquals":{"aws:PrincipalTag/team":"blue"}`, yes, no},
		{`"StringEquals":{"aws:PrincipalTag/TEAM":"green"}`, no, yes}, // the session's tag before the role's
		{`"StringEquals":{"aws:PrincipalTag/Own":"role"}`, no, yes},
		{`"Null":{"aws:PrincipalTag/none":"true"}`, yes, yes},
		{`"StringEquals":{"aws:SourceIdentity":"me"}`, no, yes},
		{`"Bool":{"aws:SecureTransport":"false"}`, yes, yes},
		{`"Bool":{"aws:SecureTransport":"true"}`, no, no},
		{`"Bool":{"aws:ViaAWSService":"false"}`, yes, yes},
		{`"Bool":{"aws:PrincipalIsAWSService":"false"}`, yes, yes},
		{`"IpAddress":{"aws:SourceIp":"127.0.0.0/8"}`, yes, yes},
		{`"NotIpAddress":{"aws:SourceIp":"127.0.0.1"}`, no, no},
		{`"StringLike":{"aws:UserAgent":"aws-sdk-go-v2/*"}`, yes, yes},
		{`"StringEquals":{"aws:RequestedRegion":"us-east-1"}`, yes, yes},
		{`"Null":{"aws:Referer":"true"}`, yes, yes},
		{`"DateGreaterThan":{"aws:CurrentTime":"2020-01-01T00:00:00Z"}`, yes, yes},
		{`"DateLessThan":{"aws:CurrentTime":"2020-01-01T00:00:00Z"}`, no, no},
		{`"NumericGreaterThan":{"aws:EpochTime":"1577836800"}`, yes, yes},
		{`"Null":{"aws:TokenIssueTime":"true"}`, yes, no},
		{`"DateGreaterThan":{"aws:TokenIssueTime":"2020-01-01T00:00:00Z"}`, no, yes},
		// Absent, not false, on long-term keys; false on a role session.
		{`"Null":{"aws:MultiFactorAuthPresent":"true"}`, yes, no},
		{`"Bool":{"aws:MultiFactorAuthPresent":"false"}`, no, yes},
		{`"BoolIfExists":{"aws:MultiFactorAuthPresent":"true"}`, yes, no},
		{`"Null":{"aws:MultiFactorAuthAge":"true"}`, yes, yes},
		// Nobody is in an organization.
		{`"Null":{"aws:PrincipalOrgID":"true","aws:ResourceOrgID":"true"}`, yes, yes},
		{`"StringEquals":{"aws:NoSuchKey":"x"}`, no, no},
	} {
		doc := fmt.Sprintf(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"iam:ListGroups","Resource":"*","Condition":{%s}}}`, tc.condition)
		if _, err := client.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: aws.String("alice"), PolicyName: aws.String("p"), PolicyDocument: &doc}); err != nil {
			t.Fatalf("%s: %v", tc.condition, err)
		}
		if _, err := client.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: aws.String("r"), PolicyName: aws.String("p"), PolicyDocument: &doc}); err != nil {
			t.Fatalf("%s: %v", tc.condition, err)
		}
		for _, who := range []struct {
			name string
			c    wardertest.Credentials
			want bool
		}{{"the user", user, tc.user}, {"the session", session, tc.session}} {
			_, err := s.IAM(who.c).ListGroups(ctx, &iam.ListGroupsInput{})
			if (err == nil) != who.want || err != nil && wardertest.Code(err) != "AccessDenied" {
				t.Errorf("%s for %s: %v, want allowed %v", tc.condition, who.name, err, who.want)
			}
		}
	}
}

// Keys of the request and its resource.
func TestOperationContextKeys(t *testing.T) {
	s := wardertest.Start(t)
	ctx, client := t.Context(), s.IAM(s.Admin)
	for name, team := range map[string]string{"blue-user": "blue", "red-user": "red"} {
		if _, err := client.CreateUser(ctx, &iam.CreateUserInput{UserName: &name, Tags: []iamtypes.Tag{{Key: aws.String("team"), Value: &team}}}); err != nil {
			t.Fatal(err)
		}
	}
	limit, err := client.CreatePolicy(ctx, &iam.CreatePolicyInput{PolicyName: aws.String("limit"), PolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}`)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.PutUserPermissionsBoundary(ctx, &iam.PutUserPermissionsBoundaryInput{UserName: aws.String("blue-user"), PermissionsBoundary: limit.Policy.Arn}); err != nil {
		t.Fatal(err)
	}
	tag := func(k, v string) []iamtypes.Tag { return []iamtypes.Tag{{Key: &k, Value: &v}} }
	for name, tc := range map[string]struct {
		policy string // statement without Effect
		call   func(c *iam.Client) error
		want   bool
	}{
		"resource tag, blue": {`"Action":"iam:GetUser","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/team":"blue"}}`,
			func(c *iam.Client) error {
				_, err := c.GetUser(ctx, &iam.GetUserInput{UserName: aws.String("blue-user")})
				return err
			}, true},
		"resource tag, red": {`"Action":"iam:GetUser","Resource":"*","Condition":{"StringEquals":{"iam:ResourceTag/team":"blue"}}`,
			func(c *iam.Client) error {
				_, err := c.GetUser(ctx, &iam.GetUserInput{UserName: aws.String("red-user")})
				return err
			}, false},
		"request tag": {`"Action":["iam:CreateUser","iam:TagUser"],"Resource":"*","Condition":{"StringEquals":{"aws:RequestTag/team":"blue"},"ForAllValues:StringEquals":{"aws:TagKeys":"team"}}`,
			func(c *iam.Client) error {
				_, err := c.CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String("n1"), Tags: tag("team", "blue")})
				return err
			}, true},
		"request tag of another value": {`"Action":["iam:CreateUser","iam:TagUser"],"Resource":"*","Condition":{"StringEquals":{"aws:RequestTag/team":"blue"}}`,
			func(c *iam.Client) error {
				_, err := c.CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String("n2"), Tags: tag("team", "red")})
				return err
			}, false},
		"tags without the tagging action": {`"Action":"iam:CreateUser","Resource":"*"`,
			func(c *iam.Client) error {
				_, err := c.CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String("n3"), Tags: tag("team", "red")})
				return err
			}, false},
		"untagging by key": {`"Action":"iam:UntagUser","Resource":"*","Condition":{"ForAllValues:StringEquals":{"aws:TagKeys":["other"]}}`,
			func(c *iam.Client) error {
				_, err := c.UntagUser(ctx, &iam.UntagUserInput{UserName: aws.String("red-user"), TagKeys: []string{"team"}})
				return err
			}, false},
		"the policy to attach": {`"Action":"iam:AttachUserPolicy","Resource":"*","Condition":{"ArnEquals":{"iam:PolicyARN":"` + *limit.Policy.Arn + `"}}`,
			func(c *iam.Client) error {
				_, err := c.AttachUserPolicy(ctx, &iam.AttachUserPolicyInput{UserName: aws.String("red-user"), PolicyArn: limit.Policy.Arn})
				return err
			}, true},
		"another policy to attach": {`"Action":"iam:AttachUserPolicy","Resource":"*","Condition":{"ArnEquals":{"iam:PolicyARN":"arn:aws:iam::` + account + `:policy/other"}}`,
			func(c *iam.Client) error {
				_, err := c.AttachUserPolicy(ctx, &iam.AttachUserPolicyInput{UserName: aws.String("red-user"), PolicyArn: limit.Policy.Arn})
				return err
			}, false},
		"the boundary of the target": {`"Action":"iam:PutUserPolicy","Resource":"*","Condition":{"StringEquals":{"iam:PermissionsBoundary":"` + *limit.Policy.Arn + `"}}`,
			func(c *iam.Client) error {
				_, err := c.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: aws.String("blue-user"), PolicyName: aws.String("p"), PolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}`)})
				return err
			}, true},
		"a target without the boundary": {`"Action":"iam:PutUserPolicy","Resource":"*","Condition":{"StringEquals":{"iam:PermissionsBoundary":"` + *limit.Policy.Arn + `"}}`,
			func(c *iam.Client) error {
				_, err := c.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: aws.String("red-user"), PolicyName: aws.String("p"), PolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}`)})
				return err
			}, false},
		"a new user with the boundary": {`"Action":"iam:CreateUser","Resource":"*","Condition":{"StringEquals":{"iam:PermissionsBoundary":"` + *limit.Policy.Arn + `"}}`,
			func(c *iam.Client) error {
				_, err := c.CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String("n4"), PermissionsBoundary: limit.Policy.Arn})
				return err
			}, true},
		"a new user without the boundary": {`"Action":"iam:CreateUser","Resource":"*","Condition":{"StringEquals":{"iam:PermissionsBoundary":"` + *limit.Policy.Arn + `"}}`,
			func(c *iam.Client) error {
				_, err := c.CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String("n5")})
				return err
			}, false},
		"a variable for oneself": {`"Action":"iam:GetUser","Resource":"arn:aws:iam::*:user/${aws:username}"`,
			func(c *iam.Client) error { _, err := c.GetUser(ctx, &iam.GetUserInput{}); return err }, true},
		"a variable for another": {`"Action":"iam:GetUser","Resource":"arn:aws:iam::*:user/${aws:username}"`,
			func(c *iam.Client) error {
				_, err := c.GetUser(ctx, &iam.GetUserInput{UserName: aws.String("red-user")})
				return err
			}, false},
	} {
		caller := "caller-" + strings.ReplaceAll(strings.ReplaceAll(name, " ", "-"), ",", "")
		c := s.IAM(s.User(s.Admin, caller, `{"Version":"2012-10-17","Statement":{"Effect":"Allow",`+tc.policy+`}}`))
		if err := tc.call(c); (err == nil) != tc.want || err != nil && wardertest.Code(err) != "AccessDenied" {
			t.Errorf("%s: %v, want allowed %v", name, err, tc.want)
		}
	}
}

// A permissions boundary limits, and a change of any policy counts at once.
func TestChangesCountAtOnce(t *testing.T) {
	s := wardertest.Start(t)
	ctx, client := t.Context(), s.IAM(s.Admin)
	user := s.User(s.Admin, "u", "")
	allowed := func(want bool, after string) {
		t.Helper()
		if _, err := s.IAM(user).ListGroups(ctx, &iam.ListGroupsInput{}); (err == nil) != want {
			t.Errorf("%s: %v, want allowed %v", after, err, want)
		}
	}
	must := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	doc := func(action string) *string {
		return aws.String(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"` + action + `","Resource":"*"}}`)
	}
	p, err := client.CreatePolicy(ctx, &iam.CreatePolicyInput{PolicyName: aws.String("p"), PolicyDocument: doc("iam:ListGroups")})
	must(p, err)
	bound, err := client.CreatePolicy(ctx, &iam.CreatePolicyInput{PolicyName: aws.String("b"), PolicyDocument: doc("s3:*")})
	must(bound, err)

	allowed(false, "at first")
	must(client.CreateGroup(ctx, &iam.CreateGroupInput{GroupName: aws.String("g")}))
	must(client.AttachGroupPolicy(ctx, &iam.AttachGroupPolicyInput{GroupName: aws.String("g"), PolicyArn: p.Policy.Arn}))
	must(client.AddUserToGroup(ctx, &iam.AddUserToGroupInput{GroupName: aws.String("g"), UserName: aws.String("u")}))
	allowed(true, "in the group")
	must(client.CreatePolicyVersion(ctx, &iam.CreatePolicyVersionInput{PolicyArn: p.Policy.Arn, PolicyDocument: doc("s3:GetObject"), SetAsDefault: true}))
	allowed(false, "by the new default version")
	must(client.SetDefaultPolicyVersion(ctx, &iam.SetDefaultPolicyVersionInput{PolicyArn: p.Policy.Arn, VersionId: aws.String("v1")}))
	allowed(true, "by the old version again")
	must(client.PutUserPermissionsBoundary(ctx, &iam.PutUserPermissionsBoundaryInput{UserName: aws.String("u"), PermissionsBoundary: bound.Policy.Arn}))
	allowed(false, "within the boundary")
	must(client.CreatePolicyVersion(ctx, &iam.CreatePolicyVersionInput{PolicyArn: bound.Policy.Arn, PolicyDocument: doc("iam:*"), SetAsDefault: true}))
	allowed(true, "within the wider boundary")
	must(client.DeleteUserPermissionsBoundary(ctx, &iam.DeleteUserPermissionsBoundaryInput{UserName: aws.String("u")}))
	allowed(true, "without a boundary")
	must(client.RemoveUserFromGroup(ctx, &iam.RemoveUserFromGroupInput{GroupName: aws.String("g"), UserName: aws.String("u")}))
	allowed(false, "out of the group")
}

// The well-known way to revoke sessions: a deny on their time of issue.
func TestRevokeOlderSessions(t *testing.T) {
	s := wardertest.Start(t)
	ctx, client := t.Context(), s.IAM(s.Admin)
	role, err := client.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("r"), AssumeRolePolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"` + account + `"},"Action":"sts:AssumeRole"}}`)})
	if err != nil {
		t.Fatal(err)
	}
	put := func(name, doc string) {
		t.Helper()
		if _, err := client.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: aws.String("r"), PolicyName: &name, PolicyDocument: &doc}); err != nil {
			t.Fatal(err)
		}
	}
	put("all", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`)
	out, err := s.STS(s.Admin).AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: role.Role.Arn, RoleSessionName: aws.String("x1")})
	if err != nil {
		t.Fatal(err)
	}
	session := s.IAM(wardertest.SessionCredentials(out.Credentials))
	revoke := func(before time.Time) {
		put("AWSRevokeOlderSessions", fmt.Sprintf(`{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"DateLessThan":{"aws:TokenIssueTime":"%s"}}}}`, before.UTC().Format("2006-01-02T15:04:05.000Z")))
	}
	revoke(time.Now().Add(-time.Hour))
	_, err = session.ListUsers(ctx, &iam.ListUsersInput{})
	wardertest.WantCode(t, err, "")
	revoke(time.Now().Add(time.Hour))
	_, err = session.ListUsers(ctx, &iam.ListUsersInput{})
	wardertest.WantCode(t, err, "AccessDenied")
}
