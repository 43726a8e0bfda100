package iam_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/warder-iam/warder/internal/wardertest"
)

// What each operation on groups, policies and grants is authorized on, after
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html.
type access struct {
	op       string
	resource string
	keys     map[string]string // the condition keys, with their values in the call
	also     string            // another action needed on the same resource
	call     func(ctx context.Context, c *iam.Client) error
}

// callable gives a call of one operation with one input.
func callable[In, Out any](op func(*iam.Client, context.Context, *In, ...func(*iam.Options)) (*Out, error), in *In) func(context.Context, *iam.Client) error {
	return func(ctx context.Context, c *iam.Client) error {
		_, err := op(c, ctx, in)
		return err
	}
}

const (
	teamARN   = accountARN + "group/eng/Team"
	janeARN   = accountARN + "user/eng/Jane"
	deployARN = accountARN + "role/eng/Deploy"
	sharedARN = accountARN + "policy/eng/Shared"
	boundARN  = accountARN + "policy/Bound"
)

func groupAndPolicyAccess() []access {
	team, jane, shared := aws.String("Team"), aws.String("Jane"), aws.String(sharedARN)
	tagged := map[string]string{"aws:ResourceTag/team": "blue", "iam:ResourceTag/team": "blue"}
	return []access{
		{op: "CreateGroup", resource: accountARN + "group/new/Built", call: callable((*iam.Client).CreateGroup, &iam.CreateGroupInput{GroupName: aws.String("Built"), Path: aws.String("/new/")})},
		{op: "GetGroup", resource: teamARN, call: callable((*iam.Client).GetGroup, &iam.GetGroupInput{GroupName: team})},
		{op: "ListGroups", resource: "*", call: callable((*iam.Client).ListGroups, &iam.ListGroupsInput{})},
		{op: "UpdateGroup", resource: teamARN, call: callable((*iam.Client).UpdateGroup, &iam.UpdateGroupInput{GroupName: team})},
		{op: "AddUserToGroup", resource: teamARN, call: callable((*iam.Client).AddUserToGroup, &iam.AddUserToGroupInput{GroupName: team, UserName: jane})},
		{op: "ListGroupsForUser", resource: janeARN, keys: tagged, call: callable((*iam.Client).ListGroupsForUser, &iam.ListGroupsForUserInput{UserName: jane})},
		{op: "RemoveUserFromGroup", resource: teamARN, call: callable((*iam.Client).RemoveUserFromGroup, &iam.RemoveUserFromGroupInput{GroupName: team, UserName: jane})},
		{op: "DeleteGroup", resource: accountARN + "group/new/Built", call: callable((*iam.Client).DeleteGroup, &iam.DeleteGroupInput{GroupName: aws.String("Built")})},

		{op: "CreatePolicy", resource: accountARN + "policy/new/Fresh", also: "iam:TagPolicy",
			keys: map[string]string{"aws:RequestTag/cost": "42", "aws:TagKeys": "cost"},
			call: callable((*iam.Client).CreatePolicy, &iam.CreatePolicyInput{
				PolicyName: aws.String("Fresh"), Path: aws.String("/new/"), PolicyDocument: aws.String(listBucket),
				Tags: []types.Tag{{Key: aws.String("cost"), Value: aws.String("42")}},
			})},
		{op: "CreatePolicy", resource: accountARN + "policy/Untagged", call: callable((*iam.Client).CreatePolicy, &iam.CreatePolicyInput{PolicyName: aws.String("Untagged"), PolicyDocument: aws.String(listBucket)})},
		{op: "GetPolicy", resource: sharedARN, keys: tagged, call: callable((*iam.Client).GetPolicy, &iam.GetPolicyInput{PolicyArn: shared})},
		{op: "ListPolicies", resource: "*", call: callable((*iam.Client).ListPolicies, &iam.ListPoliciesInput{})},
		{op: "ListEntitiesForPolicy", resource: sharedARN, keys: tagged, call: callable((*iam.Client).ListEntitiesForPolicy, &iam.ListEntitiesForPolicyInput{PolicyArn: shared})},
		{op: "CreatePolicyVersion", resource: sharedARN, keys: tagged, call: callable((*iam.Client).CreatePolicyVersion, &iam.CreatePolicyVersionInput{PolicyArn: shared, PolicyDocument: aws.String(listBucket)})},
		{op: "GetPolicyVersion", resource: sharedARN, keys: tagged, call: callable((*iam.Client).GetPolicyVersion, &iam.GetPolicyVersionInput{PolicyArn: shared, VersionId: aws.String("v2")})},
		{op: "ListPolicyVersions", resource: sharedARN, keys: tagged, call: callable((*iam.Client).ListPolicyVersions, &iam.ListPolicyVersionsInput{PolicyArn: shared})},
		{op: "SetDefaultPolicyVersion", resource: sharedARN, keys: tagged, call: callable((*iam.Client).SetDefaultPolicyVersion, &iam.SetDefaultPolicyVersionInput{PolicyArn: shared, VersionId: aws.String("v2")})},
		{op: "DeletePolicyVersion", resource: sharedARN, keys: tagged, call: callable((*iam.Client).DeletePolicyVersion, &iam.DeletePolicyVersionInput{PolicyArn: shared, VersionId: aws.String("v1")})},
		{op: "DeletePolicy", resource: sharedARN, keys: tagged, call: callable((*iam.Client).DeletePolicy, &iam.DeletePolicyInput{PolicyArn: shared})},
	}
}

// grantAccess is about one of the user, group and role that makeGrantees makes.
func grantAccess(g grantee, resource string) []access {
	kind := map[string]string{"user": "User", "group": "Group", "role": "Role"}[g.kind]
	read := map[string]string{"aws:ResourceTag/team": "blue", "iam:ResourceTag/team": "blue"}
	write := map[string]string{"iam:PermissionsBoundary": boundARN}
	if g.kind == "group" { // has neither tags nor a boundary
		read, write = nil, map[string]string{}
	}
	maps.Copy(write, read)
	attach := maps.Clone(write)
	attach["iam:PolicyARN"] = sharedARN
	return []access{
		{op: "Put" + kind + "Policy", resource: resource, keys: write, call: func(ctx context.Context, c *iam.Client) error { return g.put(ctx, c, g.name, "p", listBucket) }},
		{op: "Get" + kind + "Policy", resource: resource, keys: read, call: func(ctx context.Context, c *iam.Client) error {
			_, _, _, err := g.get(ctx, c, g.name, "p")
			return err
		}},
		{op: "List" + kind + "Policies", resource: resource, keys: read, call: func(ctx context.Context, c *iam.Client) error {
			_, _, _, err := g.list(ctx, c, g.name, nil, nil)
			return err
		}},
		{op: "Delete" + kind + "Policy", resource: resource, keys: write, call: func(ctx context.Context, c *iam.Client) error { return g.drop(ctx, c, g.name, "p") }},
		{op: "Attach" + kind + "Policy", resource: resource, keys: attach, call: func(ctx context.Context, c *iam.Client) error { return g.attach(ctx, c, g.name, sharedARN) }},
		{op: "ListAttached" + kind + "Policies", resource: resource, keys: read, call: func(ctx context.Context, c *iam.Client) error {
			_, _, _, err := g.listAttached(ctx, c, g.name, nil, nil, nil)
			return err
		}},
		{op: "Detach" + kind + "Policy", resource: resource, keys: attach, call: func(ctx context.Context, c *iam.Client) error { return g.detach(ctx, c, g.name, sharedARN) }},
	}
}

// grant is a policy that allows the entry's actions on a resource under the
// condition that its keys have values.
func (a access) grant(resource string, keys map[string]string) string {
	actions := []string{"iam:" + a.op}
	if a.also != "" {
		actions = append(actions, a.also)
	}
	statement := map[string]any{"Effect": "Allow", "Action": actions, "Resource": resource}
	if len(keys) > 0 {
		statement["Condition"] = map[string]any{"StringEquals": keys}
	}
	text, _ := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": statement}) // maps of strings always have JSON
	return string(text)
}

func TestGrantAccess(t *testing.T) {
	s := wardertest.Start(t)
	admin, ctx := s.IAM(s.Admin), t.Context()
	tags := []types.Tag{{Key: aws.String("team"), Value: aws.String("blue")}}
	makePolicyAt(t, admin, "/", "Bound")
	_, err := admin.CreatePolicy(ctx, &iam.CreatePolicyInput{PolicyName: aws.String("Shared"), Path: aws.String("/eng/"), PolicyDocument: aws.String(listBucket), Tags: tags})
	must(t, err)
	makeGrantees(t, admin, "/eng/", aws.String(boundARN), tags)
	table := grantAccess(grantees[0], janeARN)
	table = append(table, grantAccess(grantees[1], teamARN)...)
	table = append(table, grantAccess(grantees[2], deployARN)...)
	table = append(table, groupAndPolicyAccess()...)
	checkAccess(t, s, table)
}

// checkAccess calls each operation in turn: it must be refused to who has no
// permission, or a near miss of it, and granted to who has exactly the one.
func checkAccess(t *testing.T, s *wardertest.Server, table []access) {
	t.Helper()
	admin, ctx := s.IAM(s.Admin), t.Context()
	nobody, caller := s.IAM(s.User(s.Admin, "nobody", "")), s.IAM(s.User(s.Admin, "caller", ""))
	allowed := func(doc string) *iam.Client {
		t.Helper()
		_, err := admin.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: aws.String("caller"), PolicyName: aws.String("only"), PolicyDocument: &doc})
		must(t, err)
		return caller
	}
	for _, a := range table {
		wantError(t, a.call(ctx, nobody), "AccessDenied", fmt.Sprintf(
			"User: %suser/nobody is not authorized to perform: iam:%s on resource: %s because no identity-based policy allows the iam:%s action",
			accountARN, a.op, a.resource, a.op))
		refused := func(why, doc string) {
			t.Helper()
			if err := a.call(ctx, allowed(doc)); wardertest.Code(err) != "AccessDenied" {
				t.Errorf("%s with %s: %v", a.op, why, err)
			}
		}
		if a.resource != "*" {
			refused("another resource", a.grant(a.resource+"x", nil))
			refused("the wrong path", a.grant(accountARN+"*/elsewhere/*", nil))
		}
		for key := range a.keys {
			wrong := maps.Clone(a.keys)
			wrong[key] = "other"
			refused("the wrong "+key, a.grant(a.resource, wrong))
		}
		if a.also != "" {
			refused("no "+a.also, access{op: a.op}.grant(a.resource, nil))
			refused("only "+a.also, access{op: a.also[len("iam:"):]}.grant(a.resource, nil))
		}
		refused("another action", access{op: a.op + "x"}.grant("*", nil))
		if err := a.call(ctx, allowed(a.grant(a.resource, a.keys))); err != nil {
			t.Errorf("%s with exactly its permission: %v", a.op, err)
		}
	}
}

// Another name or path needs permission on both ends: with one of them alone, a
// group could be carried into, or out of, what a policy is about.
func TestRenameGroupAccess(t *testing.T) {
	s := wardertest.Start(t)
	admin, ctx := s.IAM(s.Admin), t.Context()
	makeGroup(t, admin, "/", "Managers")
	managers, mgrs := accountARN+"group/Managers", accountARN+"group/x/MGRs"
	both := fmt.Sprintf(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"iam:UpdateGroup","Resource":[%q,%q]}}`, managers, mgrs)
	for _, c := range []struct{ user, doc, code string }{
		{"old", allow("iam:UpdateGroup", managers, ""), "AccessDenied"},
		{"new", allow("iam:UpdateGroup", mgrs, ""), "AccessDenied"},
		{"both", both, ""},
	} {
		client := s.IAM(s.User(s.Admin, c.user, c.doc))
		_, err := client.UpdateGroup(ctx, &iam.UpdateGroupInput{GroupName: aws.String("Managers"), NewGroupName: aws.String("MGRs"), NewPath: aws.String("/x/")})
		wardertest.WantCode(t, err, c.code)
	}
}

// Grants take effect, and lose it, with the operation's answer.
func TestGrantsTakeEffect(t *testing.T) {
	s := wardertest.Start(t)
	admin, ctx := s.IAM(s.Admin), t.Context()
	dev := s.IAM(s.User(s.Admin, "dev", ""))
	may := func(want bool, when string) {
		t.Helper()
		if _, err := dev.ListGroups(ctx, &iam.ListGroupsInput{}); (err == nil) != want {
			t.Errorf("%s: allowed %v", when, err == nil)
		}
	}
	listGroups, nothing := allow("iam:ListGroups", "*", ""), allow("iam:ListUsers", "*", "")
	user, group := grantees[0], grantees[1]
	made, err := admin.CreatePolicy(ctx, &iam.CreatePolicyInput{PolicyName: aws.String("P"), PolicyDocument: &listGroups})
	must(t, err)
	arn := *made.Policy.Arn
	makeGroup(t, admin, "/", "Team")
	may(false, "without a policy")

	must(t, user.put(ctx, admin, "dev", "p", listGroups))
	may(true, "with an inline policy")
	must(t, user.put(ctx, admin, "dev", "p", nothing))
	may(false, "with the inline policy replaced")
	must(t, user.put(ctx, admin, "dev", "p", listGroups))
	must(t, user.drop(ctx, admin, "dev", "p"))
	may(false, "with the inline policy deleted")

	must(t, user.attach(ctx, admin, "dev", arn))
	may(true, "with the policy attached")
	_, err = admin.CreatePolicyVersion(ctx, &iam.CreatePolicyVersionInput{PolicyArn: &arn, PolicyDocument: &nothing})
	must(t, err)
	may(true, "with a version that is not the default")
	_, err = admin.SetDefaultPolicyVersion(ctx, &iam.SetDefaultPolicyVersionInput{PolicyArn: &arn, VersionId: aws.String("v2")})
	must(t, err)
	may(false, "with another version in force")
	_, err = admin.SetDefaultPolicyVersion(ctx, &iam.SetDefaultPolicyVersionInput{PolicyArn: &arn, VersionId: aws.String("v1")})
	must(t, err)
	must(t, user.detach(ctx, admin, "dev", arn))
	may(false, "with the policy detached")

	must(t, group.attach(ctx, admin, "Team", arn))
	may(false, "with the policy on a group of others")
	_, err = admin.AddUserToGroup(ctx, &iam.AddUserToGroupInput{GroupName: aws.String("Team"), UserName: aws.String("dev")})
	must(t, err)
	may(true, "as a member of the group")
	must(t, group.detach(ctx, admin, "Team", arn))
	may(false, "with the group's policy detached")
	must(t, group.put(ctx, admin, "Team", "p", listGroups))
	may(true, "with an inline policy of the group")
	_, err = admin.UpdateGroup(ctx, &iam.UpdateGroupInput{GroupName: aws.String("Team"), NewGroupName: aws.String("Crew")})
	must(t, err)
	may(true, "with the group renamed")
	_, err = admin.RemoveUserFromGroup(ctx, &iam.RemoveUserFromGroupInput{GroupName: aws.String("Crew"), UserName: aws.String("dev")})
	must(t, err)
	may(false, "as a member no more")
}
