package iam_test

import (
	"net/url"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/middleware"

	"github.com/warder-iam/warder/internal/wardertest"
)

func makeLinked(t *testing.T, c *iam.Client, service string) *types.Role {
	t.Helper()
	out, err := c.CreateServiceLinkedRole(t.Context(), &iam.CreateServiceLinkedRoleInput{AWSServiceName: &service})
	if err != nil {
		t.Fatal(err)
	}
	return out.Role
}

func TestCreateServiceLinkedRole(t *testing.T) {
	s := wardertest.Start(t)
	c := s.IAM(s.Admin)
	got := makeLinked(t, c, "ecs.amazonaws.com")
	arn := "arn:aws:iam::" + wardertest.Account + ":role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS"
	want := &types.Role{
		Path: aws.String("/aws-service-role/ecs.amazonaws.com/"), RoleName: aws.String("AWSServiceRoleForECS"), Arn: &arn,
		RoleId: got.RoleId, CreateDate: got.CreateDate, AssumeRolePolicyDocument: got.AssumeRolePolicyDocument, // looked at below
	}
	if !reflect.DeepEqual(got, want) || !strings.HasPrefix(*got.RoleId, "AROA") {
		t.Errorf("created %+v", got)
	}
	checkTrust := func(document *string, want string) {
		t.Helper()
		if text, err := url.PathUnescape(*document); err != nil || text != want {
			t.Errorf("the trust policy is %s, want %s", text, want)
		}
	}
	checkTrust(got.AssumeRolePolicyDocument, `{"Version":"2012-10-17","Statement":[{"Action":["sts:AssumeRole"],"Effect":"Allow","Principal":{"Service":["ecs.amazonaws.com"]}}]}`)

	r, err := c.GetRole(t.Context(), &iam.GetRoleInput{RoleName: got.RoleName})
	if err != nil {
		t.Fatal(err)
	}
	checkTrust(r.Role.AssumeRolePolicyDocument, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ecs.amazonaws.com"},"Action":"sts:AssumeRole"}]}`)
	if r.Role.Description != nil || *r.Role.MaxSessionDuration != 3600 || *r.Role.Arn != arn {
		t.Errorf("the role reads %+v", r.Role)
	}
	attached, err := c.ListAttachedRolePolicies(t.Context(), &iam.ListAttachedRolePoliciesInput{RoleName: got.RoleName})
	if err != nil || len(attached.AttachedPolicies) != 1 ||
		*attached.AttachedPolicies[0].PolicyArn != "arn:aws:iam::aws:policy/aws-service-role/AmazonECSServiceRolePolicy" ||
		*attached.AttachedPolicies[0].PolicyName != "AmazonECSServiceRolePolicy" {
		t.Errorf("attached: %+v, %v", attached, err)
	}
	// Its permissions are those of AWS's policy.
	entities, err := c.ListEntitiesForPolicy(t.Context(), &iam.ListEntitiesForPolicyInput{PolicyArn: attached.AttachedPolicies[0].PolicyArn})
	if err != nil || len(entities.PolicyRoles) != 1 || *entities.PolicyRoles[0].RoleName != *got.RoleName {
		t.Errorf("the policy is attached to %+v, %v", entities, err)
	}
	for action, want := range map[string]types.PolicyEvaluationDecisionType{
		"ec2:DescribeSubnets": types.PolicyEvaluationDecisionTypeAllowed, "iam:CreateUser": types.PolicyEvaluationDecisionTypeImplicitDeny,
	} {
		out, err := c.SimulatePrincipalPolicy(t.Context(), &iam.SimulatePrincipalPolicyInput{PolicySourceArn: &arn, ActionNames: []string{action}})
		if err != nil || len(out.EvaluationResults) != 1 || out.EvaluationResults[0].EvalDecision != want {
			t.Errorf("%s: %+v, %v", action, out, err)
		}
	}
	inline, err := c.ListRolePolicies(t.Context(), &iam.ListRolePoliciesInput{RoleName: got.RoleName})
	if err != nil || len(inline.PolicyNames) != 0 {
		t.Errorf("inline: %+v, %v", inline, err)
	}
}

func TestCreateServiceLinkedRoleRefused(t *testing.T) {
	s := wardertest.Start(t)
	c := s.IAM(s.Admin)
	create := func(service, suffix, description string) (*iam.CreateServiceLinkedRoleOutput, error) {
		in := &iam.CreateServiceLinkedRoleInput{AWSServiceName: &service}
		if suffix != "" {
			in.CustomSuffix = &suffix
		}
		if description != "" {
			in.Description = &description
		}
		return c.CreateServiceLinkedRole(t.Context(), in)
	}
	if _, err := create("ecs.amazonaws.com", "", ""); err != nil {
		t.Fatal(err)
	}
	first, err := create("autoscaling.amazonaws.com", "one", "mine")
	if err != nil || *first.Role.RoleName != "AWSServiceRoleForAutoScaling_one" {
		t.Fatalf("%+v, %v", first, err)
	}
	r, err := c.GetRole(t.Context(), &iam.GetRoleInput{RoleName: first.Role.RoleName})
	if err != nil || aws.ToString(r.Role.Description) != "mine" {
		t.Errorf("%+v, %v", r, err)
	}
	if _, err := create("autoscaling.amazonaws.com", "two", ""); err != nil {
		t.Error(err)
	}
	if _, err := create("autoscaling.amazonaws.com", "", ""); err != nil {
		t.Error(err)
	}
	for _, tc := range []struct{ service, suffix, code, message string }{
		{"ecs.amazonaws.com", "", "InvalidInput", "Service role name AWSServiceRoleForECS has been taken in this account, please try a different suffix."},
		{"autoscaling.amazonaws.com", "one", "InvalidInput", "Service role name AWSServiceRoleForAutoScaling_one has been taken in this account, please try a different suffix."},
		{"ecs.amazonaws.com", "x", "InvalidInput", "Custom suffix is not allowed for ecs.amazonaws.com"},
		{"account.amazonaws.com", "", "AccessDenied", "Cannot find Service Linked Role template for account.amazonaws.com"},
		{"ECS.amazonaws.com", "", "AccessDenied", "Cannot find Service Linked Role template for ECS.amazonaws.com"},
		{"account.amazonaws.com", "x", "AccessDenied", "Cannot find Service Linked Role template for account.amazonaws.com"},
		{"autoscaling.amazonaws.com", strings.Repeat("x", 36), "InvalidInput", "longer than 64"},
		{"ecs/amazonaws", "", "ValidationError", "aWSServiceName"},
		{"autoscaling.amazonaws.com", "a/b", "ValidationError", "customSuffix"},
	} {
		_, err := create(tc.service, tc.suffix, "")
		if wardertest.Code(err) != tc.code || !strings.Contains(wardertest.Message(err), tc.message) {
			t.Errorf("%s with %q: %v", tc.service, tc.suffix, err)
		}
	}
	if _, err := create("autoscaling.amazonaws.com", strings.Repeat("x", 35), ""); err != nil {
		t.Errorf("a name of 64 characters: %v", err)
	}

	// The name is taken even by a role elsewhere; the path is for these roles alone.
	makeRole(t, c, "AWSServiceRoleForBatch")
	_, err = create("batch.amazonaws.com", "", "")
	wardertest.WantCode(t, err, "InvalidInput")
	_, err = c.CreateRole(t.Context(), &iam.CreateRoleInput{
		RoleName: aws.String("x"), AssumeRolePolicyDocument: aws.String(accountTrust), Path: aws.String("/aws-service-role/ecs.amazonaws.com/"),
	})
	wardertest.WantCode(t, err, "InvalidInput")
}

// Who may make a role for one service may not make one for another, however the
// policy says it.
func TestCreateServiceLinkedRoleAuthorized(t *testing.T) {
	s := wardertest.Start(t)
	byARN := s.User(s.Admin, "by-arn", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"iam:CreateServiceLinkedRole",
		"Resource":"arn:aws:iam::*:role/aws-service-role/batch.amazonaws.com/AWSServiceRoleForBatch"}}`)
	byKey := s.User(s.Admin, "by-key", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"iam:CreateServiceLinkedRole",
		"Resource":"*","Condition":{"StringEquals":{"iam:AWSServiceName":"shield.amazonaws.com"}}}}`)
	for _, tc := range []struct {
		as      wardertest.Credentials
		service string
		code    string
	}{
		{byARN, "shield.amazonaws.com", "AccessDenied"},
		{byKey, "batch.amazonaws.com", "AccessDenied"},
		{byARN, "batch.amazonaws.com", ""},
		{byKey, "shield.amazonaws.com", ""},
	} {
		_, err := s.IAM(tc.as).CreateServiceLinkedRole(t.Context(), &iam.CreateServiceLinkedRoleInput{AWSServiceName: &tc.service})
		wardertest.WantCode(t, err, tc.code)
	}
	_, err := s.IAM(byARN).CreateServiceLinkedRole(t.Context(), &iam.CreateServiceLinkedRoleInput{AWSServiceName: aws.String("autoscaling.amazonaws.com"), CustomSuffix: aws.String("x")})
	if want := "role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling_x"; !strings.Contains(wardertest.Message(err), want) {
		t.Errorf("%v, want it to name %s", err, want)
	}
	// Whether a service has a role is for those to know who may make one.
	_, err = s.IAM(byARN).CreateServiceLinkedRole(t.Context(), &iam.CreateServiceLinkedRoleInput{AWSServiceName: aws.String("account.amazonaws.com")})
	if strings.Contains(wardertest.Message(err), "template") || wardertest.Code(err) != "AccessDenied" {
		t.Error(err)
	}
}

// The quota of roles does not stop service-linked roles.
func TestServiceLinkedRoleBeyondQuota(t *testing.T) {
	s := wardertest.Start(t)
	c := s.IAM(s.Admin)
	role := &iam.CreateRoleInput{AssumeRolePolicyDocument: aws.String(accountTrust)}
	for i := range 1001 {
		role.RoleName = aws.String("role-" + strconv.Itoa(i))
		_, err := c.CreateRole(t.Context(), role)
		if want := map[bool]string{true: "LimitExceeded"}[i == 1000]; wardertest.Code(err) != want {
			t.Fatalf("role %d: %v", i, err)
		}
	}
	makeLinked(t, c, "ecs.amazonaws.com")
}

func TestProtectedRole(t *testing.T) {
	s := wardertest.Start(t)
	c, ctx := s.IAM(s.Admin), t.Context()
	name := makeLinked(t, c, "ecs.amazonaws.com").RoleName
	own, err := c.CreatePolicy(ctx, &iam.CreatePolicyInput{PolicyName: aws.String("own"), PolicyDocument: aws.String(allowAll)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.CreateInstanceProfile(ctx, &iam.CreateInstanceProfileInput{InstanceProfileName: aws.String("profile")}); err != nil {
		t.Fatal(err)
	}
	before := roleDetail(t, c)
	const policyARN = "arn:aws:iam::aws:policy/aws-service-role/AmazonECSServiceRolePolicy"
	for what, do := range map[string]func() error{
		"DeleteRole": func() error { _, err := c.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: name}); return err },
		"UpdateRole": func() error {
			_, err := c.UpdateRole(ctx, &iam.UpdateRoleInput{RoleName: name, Description: aws.String("x"), MaxSessionDuration: aws.Int32(7200)})
			return err
		},
		"UpdateAssumeRolePolicy": func() error {
			_, err := c.UpdateAssumeRolePolicy(ctx, &iam.UpdateAssumeRolePolicyInput{RoleName: name, PolicyDocument: aws.String(accountTrust)})
			return err
		},
		"AttachRolePolicy": func() error {
			_, err := c.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: name, PolicyArn: own.Policy.Arn})
			return err
		},
		"DetachRolePolicy": func() error {
			_, err := c.DetachRolePolicy(ctx, &iam.DetachRolePolicyInput{RoleName: name, PolicyArn: aws.String(policyARN)})
			return err
		},
		"PutRolePolicy": func() error {
			_, err := c.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: name, PolicyName: aws.String("p"), PolicyDocument: aws.String(allowAll)})
			return err
		},
		"DeleteRolePolicy": func() error {
			_, err := c.DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{RoleName: name, PolicyName: aws.String("p")})
			return err
		},
		"PutRolePermissionsBoundary": func() error {
			_, err := c.PutRolePermissionsBoundary(ctx, &iam.PutRolePermissionsBoundaryInput{RoleName: name, PermissionsBoundary: own.Policy.Arn})
			return err
		},
		"DeleteRolePermissionsBoundary": func() error {
			_, err := c.DeleteRolePermissionsBoundary(ctx, &iam.DeleteRolePermissionsBoundaryInput{RoleName: name})
			return err
		},
		"AddRoleToInstanceProfile": func() error {
			_, err := c.AddRoleToInstanceProfile(ctx, &iam.AddRoleToInstanceProfileInput{RoleName: name, InstanceProfileName: aws.String("profile")})
			return err
		},
		"RemoveRoleFromInstanceProfile": func() error {
			_, err := c.RemoveRoleFromInstanceProfile(ctx, &iam.RemoveRoleFromInstanceProfileInput{RoleName: name, InstanceProfileName: aws.String("profile")})
			return err
		},
	} {
		err := do()
		text := "Cannot perform the operation on the protected role 'AWSServiceRoleForECS' - this role is only modifiable by AWS"
		if what == "UpdateRole" {
			text = "AWSServiceRoleForECS is an AWS service linked role, max session duration cannot be changed."
		}
		if wardertest.Code(err) != "UnmodifiableEntity" || wardertest.Message(err) != text {
			t.Errorf("%s: %v", what, err)
		}
	}
	if after := roleDetail(t, c); !reflect.DeepEqual(after, before) {
		t.Errorf("the role changed from %+v to %+v", before, after)
	}

	// What is allowed: the description and tags.
	if _, err := c.UpdateRole(ctx, &iam.UpdateRoleInput{RoleName: name, Description: aws.String("first")}); err != nil {
		t.Error(err)
	}
	if _, err := c.UpdateRoleDescription(ctx, &iam.UpdateRoleDescriptionInput{RoleName: name, Description: aws.String("second")}); err != nil {
		t.Error(err)
	}
	if _, err := c.TagRole(ctx, &iam.TagRoleInput{RoleName: name, Tags: []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}}}); err != nil {
		t.Error(err)
	}
	r, err := c.GetRole(ctx, &iam.GetRoleInput{RoleName: name})
	if err != nil || aws.ToString(r.Role.Description) != "second" || len(r.Role.Tags) != 1 {
		t.Errorf("%+v, %v", r, err)
	}
	if _, err := c.UntagRole(ctx, &iam.UntagRoleInput{RoleName: name, TagKeys: []string{"k"}}); err != nil {
		t.Error(err)
	}

	// Nobody but its service assumes it.
	for _, as := range []wardertest.Credentials{s.Admin, s.User(s.Admin, "u", allowAll)} {
		_, err := s.STS(as).AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: r.Role.Arn, RoleSessionName: aws.String("x1")})
		wardertest.WantCode(t, err, "AccessDenied")
	}
}

const allowAll = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`

func roleDetail(t *testing.T, c *iam.Client) []types.RoleDetail {
	t.Helper()
	out, err := c.GetAccountAuthorizationDetails(t.Context(), &iam.GetAccountAuthorizationDetailsInput{Filter: []types.EntityType{types.EntityTypeRole}})
	if err != nil {
		t.Fatal(err)
	}
	return out.RoleDetailList
}

func TestDeleteServiceLinkedRole(t *testing.T) {
	s := wardertest.Start(t)
	c, ctx := s.IAM(s.Admin), t.Context()
	name := makeLinked(t, c, "ecs.amazonaws.com").RoleName
	remove := func() (*iam.DeleteServiceLinkedRoleOutput, error) {
		return c.DeleteServiceLinkedRole(ctx, &iam.DeleteServiceLinkedRoleInput{RoleName: name})
	}
	status := func(c *iam.Client, id string) (*iam.GetServiceLinkedRoleDeletionStatusOutput, error) {
		return c.GetServiceLinkedRoleDeletionStatus(ctx, &iam.GetServiceLinkedRoleDeletionStatusInput{DeletionTaskId: &id})
	}
	out, err := remove()
	if err != nil {
		t.Fatal(err)
	}
	id := *out.DeletionTaskId
	if !regexp.MustCompile(`^task/aws-service-role/ecs\.amazonaws\.com/AWSServiceRoleForECS/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`).MatchString(id) {
		t.Errorf("task %s", id)
	}
	got, err := status(c, id)
	if err != nil {
		t.Fatal(err)
	}
	got.ResultMetadata = middleware.Metadata{}
	if want := (&iam.GetServiceLinkedRoleDeletionStatusOutput{Status: types.DeletionTaskStatusTypeSucceeded}); !reflect.DeepEqual(got, want) {
		t.Errorf("status %+v", got)
	}
	_, err = c.GetRole(ctx, &iam.GetRoleInput{RoleName: name})
	wardertest.WantCode(t, err, "NoSuchEntity")
	_, err = remove()
	wardertest.WantCode(t, err, "NoSuchEntity")
	makeLinked(t, c, "ecs.amazonaws.com") // the name is free again

	makeRole(t, c, "plain")
	_, err = c.DeleteServiceLinkedRole(ctx, &iam.DeleteServiceLinkedRoleInput{RoleName: aws.String("plain")})
	wardertest.WantCode(t, err, "NoSuchEntity")
	if _, err := c.GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String("plain")}); err != nil {
		t.Errorf("the plain role: %v", err)
	}

	for id, code := range map[string]string{
		"x": "InvalidInput", "task/aws-service-role/a": "InvalidInput", "task/aws-service-role/a/b/c/d": "InvalidInput",
		"task/aws-service-role//b/c": "InvalidInput", id + "0": "NoSuchEntity",
	} {
		_, err := status(c, id)
		wardertest.WantCode(t, err, code)
	}
	_, other, _ := s.NewAccount()
	_, err = status(s.IAM(other), id)
	wardertest.WantCode(t, err, "NoSuchEntity")

	// Authorized on the role that the task is about, which need not be there any more.
	allowed := func(service string) wardertest.Credentials {
		return s.User(s.Admin, strings.Split(service, ".")[0], `{"Version":"2012-10-17","Statement":{"Effect":"Allow",
			"Action":["iam:DeleteServiceLinkedRole","iam:GetServiceLinkedRoleDeletionStatus"],"Resource":"arn:aws:iam::*:role/aws-service-role/`+service+`/*"}}`)
	}
	ecs, rds := s.IAM(allowed("ecs.amazonaws.com")), s.IAM(allowed("rds.amazonaws.com"))
	_, err = status(rds, id)
	wardertest.WantCode(t, err, "AccessDenied")
	_, err = rds.DeleteServiceLinkedRole(ctx, &iam.DeleteServiceLinkedRoleInput{RoleName: name})
	wardertest.WantCode(t, err, "AccessDenied")
	_, err = status(ecs, id)
	wardertest.WantCode(t, err, "")
	_, err = ecs.DeleteServiceLinkedRole(ctx, &iam.DeleteServiceLinkedRoleInput{RoleName: name})
	wardertest.WantCode(t, err, "")
}

// Making and deleting a role over and over does not fill the server with tasks.
func TestDeletionTasksAreBounded(t *testing.T) {
	s := wardertest.Start(t)
	c, ctx := s.IAM(s.Admin), t.Context()
	var tasks []string
	for range 301 {
		out, err := c.DeleteServiceLinkedRole(ctx, &iam.DeleteServiceLinkedRoleInput{RoleName: makeLinked(t, c, "ecs.amazonaws.com").RoleName})
		if err != nil {
			t.Fatal(err)
		}
		tasks = append(tasks, *out.DeletionTaskId)
		s.Clock.Add(time.Second) // they are forgotten in order of age
	}
	for i, code := range map[int]string{0: "NoSuchEntity", 1: "", 300: ""} {
		_, err := c.GetServiceLinkedRoleDeletionStatus(ctx, &iam.GetServiceLinkedRoleDeletionStatusInput{DeletionTaskId: &tasks[i]})
		wardertest.WantCode(t, err, code)
	}
}
