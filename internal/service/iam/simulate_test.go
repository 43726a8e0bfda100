package iam_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/warder-iam/warder/internal/wardertest"
)

const (
	allowed      = types.PolicyEvaluationDecisionTypeAllowed
	explicitDeny = types.PolicyEvaluationDecisionTypeExplicitDeny
	implicitDeny = types.PolicyEvaluationDecisionTypeImplicitDeny

	bucketA = "arn:aws:s3:::a"
	bucketB = "arn:aws:s3:::b"
)

// matched is a statement in the answer: its policy and type, and where it
// begins and ends.
func matched(id, kind string, line, column, endLine, endColumn int32) types.Statement {
	return types.Statement{
		SourcePolicyId: &id, SourcePolicyType: types.PolicySourceType(kind),
		StartPosition: &types.Position{Line: line, Column: column}, EndPosition: &types.Position{Line: endLine, Column: endColumn},
	}
}

func deny(action, resource string) string {
	return fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":%q,"Resource":%q}]}`, action, resource)
}

func entry(name string, kind types.ContextKeyTypeEnum, values ...string) types.ContextEntry {
	return types.ContextEntry{ContextKeyName: &name, ContextKeyType: kind, ContextKeyValues: values}
}

// The first two are the examples of the AWS CLI's reference, down to the
// columns: https://docs.aws.amazon.com/cli/latest/reference/iam/simulate-custom-policy.html.
func TestSimulateCustomPolicyAnswers(t *testing.T) {
	s := wardertest.Start(t)
	client := s.IAM(s.Admin)
	const dated = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"dynamodb:*","Resource":"*","Condition":{"DateGreaterThan":{"aws:CurrentTime":"2018-08-16T12:00:00Z"}}}}`
	const pretty = "{\r\n  \"Statement\": [\n    {\"Effect\": \"Allow\", \"Action\": \"s3:*\",\r     \"Resource\": \"*\"},\n    {\"Sid\": \"no\", \"Effect\": \"Deny\", \"Action\": \"s3:Put*\", \"Resource\": \"*\"}\n  ]\n}"
	getA, getAll := allow("s3:GetObject", bucketA, ""), allow("s3:GetObject", "*", "")
	none := []types.Statement{}
	inGetA := matched("PolicyInputList.1", "IAM Policy", 1, 38, 1, 108)
	inGetAll := matched("PolicyInputList.1", "IAM Policy", 1, 38, 1, 95)
	const resourcePolicy = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:user/Jo"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::a"}]}`
	inResource := matched("ResourcePolicy", "Resource Policy", 1, 38, 1, 164)
	jo := aws.String("arn:aws:iam::123456789012:user/Jo")
	bound := func(ok bool) *types.PermissionsBoundaryDecisionDetail {
		return &types.PermissionsBoundaryDecisionDetail{AllowedByPermissionsBoundary: ok}
	}

	for _, c := range []struct {
		name string
		in   iam.SimulateCustomPolicyInput // ActionNames: s3:GetObject unless given
		want types.EvaluationResult        // EvalActionName is filled in
	}{
		{"example 1", iam.SimulateCustomPolicyInput{
			PolicyInputList: []string{dated}, ActionNames: []string{"dynamodb:CreateBackup"},
			ContextEntries: []types.ContextEntry{entry("aws:CurrentTime", "date", "2019-04-25T11:00:00Z")},
		}, types.EvaluationResult{
			EvalResourceName: aws.String("*"), EvalDecision: allowed, MissingContextValues: []string{},
			MatchedStatements: []types.Statement{matched("PolicyInputList.1", "IAM Policy", 1, 38, 1, 167)},
		}},
		{"example 2", iam.SimulateCustomPolicyInput{
			PolicyInputList: []string{dated}, ActionNames: []string{"dynamodb:CreateBackup"},
			ContextEntries: []types.ContextEntry{entry("aws:CurrentTime", "date", "2014-04-25T11:00:00Z")},
		}, types.EvaluationResult{
			EvalResourceName: aws.String("*"), EvalDecision: implicitDeny, MissingContextValues: []string{}, MatchedStatements: none,
		}},
		{"every key is missing, whatever its statement", iam.SimulateCustomPolicyInput{
			PolicyInputList: []string{
				allow("s3:GetObject", bucketA, `{"StringLike":{"aws:PrincipalTag/allowed_service":"s3","aws:userAgent":"x"}}`),
				allow("s3:PutObject", "arn:aws:s3:::b/${aws:username}", ""),
			},
			ContextEntries: []types.ContextEntry{entry("AWS:UserAgent", "string", "curl")},
		}, types.EvaluationResult{
			EvalResourceName: aws.String("*"), EvalDecision: implicitDeny, MatchedStatements: none,
			MissingContextValues: []string{"aws:PrincipalTag/allowed_service", "aws:username"},
		}},
		{"nothing is missing from what is allowed", iam.SimulateCustomPolicyInput{
			PolicyInputList: []string{getAll, allow("s3:GetObject", "*", `{"Bool":{"aws:SecureTransport":"true"}}`)},
		}, types.EvaluationResult{
			EvalResourceName: aws.String("*"), EvalDecision: allowed, MatchedStatements: []types.Statement{inGetAll}, MissingContextValues: []string{},
		}},
		{"one resource", iam.SimulateCustomPolicyInput{PolicyInputList: []string{getA}, ResourceArns: []string{bucketA}}, types.EvaluationResult{
			EvalResourceName: aws.String(bucketA), EvalDecision: allowed, MatchedStatements: []types.Statement{inGetA},
			MissingContextValues: []string{}, EvalDecisionDetails: map[string]types.PolicyEvaluationDecisionType{},
			ResourceSpecificResults: []types.ResourceSpecificResult{
				{EvalResourceName: aws.String(bucketA), EvalResourceDecision: allowed, MatchedStatements: []types.Statement{inGetA}, MissingContextValues: []string{}},
			},
		}},
		{"two resources", iam.SimulateCustomPolicyInput{PolicyInputList: []string{getA}, ResourceArns: []string{bucketA, bucketB}}, types.EvaluationResult{
			EvalResourceName: aws.String("*"), EvalDecision: implicitDeny, MatchedStatements: none,
			MissingContextValues: []string{}, EvalDecisionDetails: map[string]types.PolicyEvaluationDecisionType{},
			ResourceSpecificResults: []types.ResourceSpecificResult{
				{EvalResourceName: aws.String(bucketA), EvalResourceDecision: allowed, MatchedStatements: []types.Statement{inGetA}, MissingContextValues: []string{}},
				{EvalResourceName: aws.String(bucketB), EvalResourceDecision: implicitDeny, MatchedStatements: none, MissingContextValues: []string{}},
			},
		}},
		{"a deny beats an allow and is listed alone", iam.SimulateCustomPolicyInput{
			PolicyInputList: []string{getAll, pretty}, ActionNames: []string{"s3:PutObject"},
		}, types.EvaluationResult{
			EvalResourceName: aws.String("*"), EvalDecision: explicitDeny, MissingContextValues: []string{},
			MatchedStatements: []types.Statement{matched("PolicyInputList.2", "IAM Policy", 4, 22, 5, 74)},
		}},
		{"positions over several lines", iam.SimulateCustomPolicyInput{PolicyInputList: []string{pretty}}, types.EvaluationResult{
			EvalResourceName: aws.String("*"), EvalDecision: allowed, MissingContextValues: []string{},
			MatchedStatements: []types.Statement{matched("PolicyInputList.1", "IAM Policy", 2, 17, 4, 22)},
		}},
		{"a boundary that allows", iam.SimulateCustomPolicyInput{
			PolicyInputList: []string{getAll}, PermissionsBoundaryPolicyInputList: []string{allow("s3:*", "*", "")},
		}, types.EvaluationResult{
			EvalResourceName: aws.String("*"), EvalDecision: allowed, MatchedStatements: []types.Statement{inGetAll},
			MissingContextValues: []string{}, PermissionsBoundaryDecisionDetail: bound(true),
		}},
		{"a boundary that does not", iam.SimulateCustomPolicyInput{
			PolicyInputList: []string{getAll}, PermissionsBoundaryPolicyInputList: []string{allow("s3:Put*", "*", "")}, ResourceArns: []string{bucketA},
		}, types.EvaluationResult{
			EvalResourceName: aws.String(bucketA), EvalDecision: implicitDeny, MatchedStatements: none, MissingContextValues: []string{},
			PermissionsBoundaryDecisionDetail: bound(false), EvalDecisionDetails: map[string]types.PolicyEvaluationDecisionType{},
			ResourceSpecificResults: []types.ResourceSpecificResult{{
				EvalResourceName: aws.String(bucketA), EvalResourceDecision: implicitDeny, MatchedStatements: none,
				MissingContextValues: []string{}, PermissionsBoundaryDecisionDetail: bound(false),
			}},
		}},
		{"a boundary that denies", iam.SimulateCustomPolicyInput{
			PolicyInputList: []string{getAll}, PermissionsBoundaryPolicyInputList: []string{deny("s3:GetObject", "*")},
		}, types.EvaluationResult{
			EvalResourceName: aws.String("*"), EvalDecision: explicitDeny, MissingContextValues: []string{}, PermissionsBoundaryDecisionDetail: bound(false),
			MatchedStatements: []types.Statement{matched("PermissionsBoundaryPolicyInputList.1", "Permissions Boundary Policy", 1, 38, 1, 94)},
		}},
		{"a resource policy grants by itself within the account", iam.SimulateCustomPolicyInput{
			PolicyInputList: []string{allow("s3:PutObject", "*", "")}, ResourceArns: []string{bucketA},
			ResourcePolicy: aws.String(resourcePolicy), CallerArn: jo,
		}, types.EvaluationResult{
			EvalResourceName: aws.String(bucketA), EvalDecision: allowed, MatchedStatements: []types.Statement{inResource},
			MissingContextValues: []string{}, EvalDecisionDetails: map[string]types.PolicyEvaluationDecisionType{},
			ResourceSpecificResults: []types.ResourceSpecificResult{
				{EvalResourceName: aws.String(bucketA), EvalResourceDecision: allowed, MatchedStatements: []types.Statement{inResource}, MissingContextValues: []string{}},
			},
		}},
		{"across accounts both sides must grant", iam.SimulateCustomPolicyInput{
			PolicyInputList: []string{allow("s3:PutObject", "*", "")}, ResourceArns: []string{bucketA},
			ResourcePolicy: aws.String(resourcePolicy), CallerArn: jo, ResourceOwner: aws.String("arn:aws:iam::210987654321:root"),
		}, types.EvaluationResult{
			EvalResourceName: aws.String(bucketA), EvalDecision: implicitDeny, MatchedStatements: none, MissingContextValues: []string{},
			EvalDecisionDetails: map[string]types.PolicyEvaluationDecisionType{"IAM Policy": implicitDeny, "Resource Policy": allowed},
			ResourceSpecificResults: []types.ResourceSpecificResult{{
				EvalResourceName: aws.String(bucketA), EvalResourceDecision: implicitDeny, MatchedStatements: none, MissingContextValues: []string{},
				EvalDecisionDetails: map[string]types.PolicyEvaluationDecisionType{"IAM Policy": implicitDeny, "Resource Policy": allowed},
			}},
		}},
		{"across accounts and both grant", iam.SimulateCustomPolicyInput{
			PolicyInputList: []string{getAll}, ResourceArns: []string{bucketA},
			ResourcePolicy: aws.String(resourcePolicy), CallerArn: jo, ResourceOwner: aws.String("arn:aws:iam::210987654321:root"),
		}, types.EvaluationResult{
			EvalResourceName: aws.String(bucketA), EvalDecision: allowed, MatchedStatements: []types.Statement{inResource, inGetAll}, MissingContextValues: []string{},
			EvalDecisionDetails: map[string]types.PolicyEvaluationDecisionType{"IAM Policy": allowed, "Resource Policy": allowed},
			ResourceSpecificResults: []types.ResourceSpecificResult{{
				EvalResourceName: aws.String(bucketA), EvalResourceDecision: allowed, MatchedStatements: []types.Statement{inResource, inGetAll}, MissingContextValues: []string{},
				EvalDecisionDetails: map[string]types.PolicyEvaluationDecisionType{"IAM Policy": allowed, "Resource Policy": allowed},
			}},
		}},
	} {
		if c.in.ActionNames == nil {
			c.in.ActionNames = []string{"s3:GetObject"}
		}
		out, err := client.SimulateCustomPolicy(t.Context(), &c.in)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		c.want.EvalActionName = &c.in.ActionNames[0]
		same(t, c.name, out.EvaluationResults, []types.EvaluationResult{c.want})
		if out.IsTruncated || out.Marker != nil {
			t.Errorf("%s: truncated %v, marker %v", c.name, out.IsTruncated, out.Marker)
		}
	}
}

// decisionOf simulates one action and gives the decision.
func decisionOf(t *testing.T, client *iam.Client, in *iam.SimulateCustomPolicyInput) types.PolicyEvaluationDecisionType {
	t.Helper()
	if in.ActionNames == nil {
		in.ActionNames = []string{"s3:GetObject"}
	}
	out, err := client.SimulateCustomPolicy(t.Context(), in)
	if err != nil {
		t.Errorf("%v", err)
		return ""
	}
	return out.EvaluationResults[0].EvalDecision
}

func TestSimulationContext(t *testing.T) {
	s := wardertest.Start(t)
	client := s.IAM(s.Admin)
	for _, c := range []struct {
		condition string
		entry     types.ContextEntry
		want      types.PolicyEvaluationDecisionType
	}{
		{`{"StringEquals":{"x:abc":"v"}}`, entry("X:ABC", "string", "v"), allowed},
		{`{"StringEquals":{"x:abc":"v"}}`, entry("x:abc", "string", "V"), implicitDeny},
		{`{"ForAllValues:StringEquals":{"x:abc":["a","b"]}}`, entry("x:abc", "stringList", "a", "b"), allowed},
		{`{"ForAllValues:StringEquals":{"x:abc":["a","b"]}}`, entry("x:abc", "stringList", "a", "c"), implicitDeny},
		{`{"NumericLessThan":{"x:abc":"10"}}`, entry("x:abc", "numeric", "9.5"), allowed},
		{`{"NumericLessThan":{"x:abc":"10"}}`, entry("x:abc", "numeric", "10"), implicitDeny},
		{`{"ForAnyValue:NumericEquals":{"x:abc":"7"}}`, entry("x:abc", "numericList", "1", "7"), allowed},
		{`{"Bool":{"x:abc":"true"}}`, entry("x:abc", "boolean", "True"), allowed},
		{`{"Bool":{"x:abc":"true"}}`, entry("x:abc", "boolean", "false"), implicitDeny},
		{`{"ForAnyValue:Bool":{"x:abc":"true"}}`, entry("x:abc", "booleanList", "false", "true"), allowed},
		{`{"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}}`, entry("aws:SourceIp", "ip", "203.0.113.9"), allowed},
		{`{"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}}`, entry("aws:SourceIp", "ip", "203.0.114.9"), implicitDeny},
		{`{"ForAnyValue:IpAddress":{"x:abc":"2001:db8::/32"}}`, entry("x:abc", "ipList", "2001:db8::1", "::1"), allowed},
		{`{"BinaryEquals":{"x:abc":"QmluYXJ5"}}`, entry("x:abc", "binary", "QmluYXJ5"), allowed},
		{`{"BinaryEquals":{"x:abc":"QmluYXJ5"}}`, entry("x:abc", "binary", "QmluYXJ6"), implicitDeny},
		{`{"ForAnyValue:BinaryEquals":{"x:abc":"QmluYXJ5"}}`, entry("x:abc", "binaryList", "AA==", "QmluYXJ5"), allowed},
		{`{"DateLessThan":{"x:abc":"2025-01-01T00:00:00Z"}}`, entry("x:abc", "date", "2024-12-31T23:59:59Z"), allowed},
		{`{"DateLessThan":{"x:abc":"2025-01-01T00:00:00Z"}}`, entry("x:abc", "date", "1735689600"), implicitDeny},
		{`{"ForAnyValue:DateLessThan":{"x:abc":"2025-01-01"}}`, entry("x:abc", "dateList", "2026-01-01", "2024-06-01T10:00+02:00"), allowed},
	} {
		got := decisionOf(t, client, &iam.SimulateCustomPolicyInput{
			PolicyInputList: []string{allow("s3:GetObject", "*", c.condition)}, ContextEntries: []types.ContextEntry{c.entry},
		})
		if got != c.want {
			t.Errorf("%s with %s %v: %s, want %s", c.condition, c.entry.ContextKeyType, c.entry.ContextKeyValues, got, c.want)
		}
	}
}

// What a simulated caller is known to be comes from its ARN; who may only call
// SimulateCustomPolicy learns nothing else about it.
func TestSimulatedCaller(t *testing.T) {
	s := wardertest.Start(t)
	client := s.IAM(s.Admin)
	_, err := client.CreateUser(t.Context(), &iam.CreateUserInput{UserName: aws.String("Jo"), Tags: tagList("team", "blue")})
	must(t, err)
	jo := accountARN + "user/Jo"
	for _, c := range []struct {
		condition, caller string
		entries           []types.ContextEntry
		want              types.PolicyEvaluationDecisionType
	}{
		{condition: stringIs("aws:username", "Jo"), caller: jo, want: allowed},
		{condition: stringIs("aws:username", "Jo"), want: implicitDeny},
		{condition: stringIs("aws:username", "Jo"), caller: accountARN + "role/Jo", want: implicitDeny},
		{condition: stringIs("aws:PrincipalArn", jo), caller: jo, want: allowed},
		{condition: stringIs("aws:PrincipalArn", jo), caller: jo, entries: []types.ContextEntry{entry("aws:principalarn", "string", "arn:aws:iam::1:x")}, want: implicitDeny},
		{condition: stringIs("aws:PrincipalAccount", wardertest.Account), want: allowed},
		{condition: stringIs("aws:PrincipalAccount", "210987654321"), caller: "arn:aws:iam::210987654321:user/Jo", want: allowed},
		{condition: stringIs("aws:PrincipalTag/team", "blue"), caller: jo, want: implicitDeny},
		{condition: `{"Null":{"aws:userid":"false"}}`, caller: jo, want: implicitDeny},
	} {
		in := &iam.SimulateCustomPolicyInput{PolicyInputList: []string{allow("s3:GetObject", "*", c.condition)}, ContextEntries: c.entries}
		if c.caller != "" {
			in.CallerArn = &c.caller
		}
		if got := decisionOf(t, client, in); got != c.want {
			t.Errorf("%s as %q: %s, want %s", c.condition, c.caller, got, c.want)
		}
	}
}

// AWS's simulator ignores the trust policy of a role; this one asks it.
func TestSimulateTrustPolicy(t *testing.T) {
	s := wardertest.Start(t)
	client := s.IAM(s.Admin)
	jo := accountARN + "user/Jo"
	trust := func(effect, principal string) *string {
		return aws.String(fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":%q,"Principal":{"AWS":%q},"Action":"sts:AssumeRole"}]}`, effect, principal))
	}
	for _, c := range []struct {
		trust *string
		want  types.PolicyEvaluationDecisionType
	}{
		{trust("Allow", wardertest.Account), allowed},
		{trust("Allow", accountARN+"user/Al"), implicitDeny},
		{trust("Deny", jo), explicitDeny},
		{nil, allowed}, // the principal's side alone, as AWS simulates
	} {
		got := decisionOf(t, client, &iam.SimulateCustomPolicyInput{
			PolicyInputList: []string{allow("sts:AssumeRole", "*", "")}, ActionNames: []string{"sts:AssumeRole"},
			ResourceArns: []string{accountARN + "role/R"}, ResourcePolicy: c.trust, CallerArn: &jo,
		})
		if got != c.want {
			t.Errorf("%v: %s, want %s", aws.ToString(c.trust), got, c.want)
		}
	}
}

func TestSimulatePrincipalPolicy(t *testing.T) {
	s := wardertest.Start(t)
	client, ctx := s.IAM(s.Admin), t.Context()
	readAll := makePolicy(t, client, "ReadAll") // s3:GetObject on *
	_, err := client.CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String("Jo"), Path: aws.String("/eng/"), Tags: tagList("team", "blue")})
	must(t, err)
	makeRole(t, client, "App")
	must(t, errOf(client.CreateGroup(ctx, &iam.CreateGroupInput{GroupName: aws.String("Devs")})))
	must(t, errOf(client.AddUserToGroup(ctx, &iam.AddUserToGroupInput{GroupName: aws.String("Devs"), UserName: aws.String("Jo")})))
	must(t, errOf(client.AttachUserPolicy(ctx, &iam.AttachUserPolicyInput{UserName: aws.String("Jo"), PolicyArn: &readAll})))
	must(t, errOf(client.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: aws.String("Jo"), PolicyName: aws.String("own"), PolicyDocument: aws.String(allow("s3:PutObject", "arn:aws:s3:::home/${aws:username}", ""))})))
	must(t, errOf(client.PutGroupPolicy(ctx, &iam.PutGroupPolicyInput{GroupName: aws.String("Devs"), PolicyName: aws.String("ec2"), PolicyDocument: aws.String(allow("ec2:*", "*", stringIs("aws:PrincipalTag/team", "blue")))})))
	must(t, errOf(client.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: aws.String("App"), PolicyName: aws.String("sqs"), PolicyDocument: aws.String(allow("sqs:SendMessage", "*", ""))})))
	must(t, errOf(client.PutRolePermissionsBoundary(ctx, &iam.PutRolePermissionsBoundaryInput{RoleName: aws.String("App"), PermissionsBoundary: &readAll})))
	jo, app, devs := accountARN+"user/eng/Jo", accountARN+"role/App", accountARN+"group/Devs"

	for _, c := range []struct {
		name   string
		in     iam.SimulatePrincipalPolicyInput
		want   types.PolicyEvaluationDecisionType
		source string // of the statement that matched
	}{
		{"managed", iam.SimulatePrincipalPolicyInput{PolicySourceArn: &jo, ActionNames: []string{"s3:GetObject"}}, allowed, "ReadAll"},
		{"inline, with a variable", iam.SimulatePrincipalPolicyInput{PolicySourceArn: &jo, ActionNames: []string{"s3:PutObject"}, ResourceArns: []string{"arn:aws:s3:::home/Jo"}}, allowed, "user_Jo_own"},
		{"inline, another resource", iam.SimulatePrincipalPolicyInput{PolicySourceArn: &jo, ActionNames: []string{"s3:PutObject"}, ResourceArns: []string{"arn:aws:s3:::home/Al"}}, implicitDeny, ""},
		{"as another caller", iam.SimulatePrincipalPolicyInput{PolicySourceArn: &jo, CallerArn: aws.String(accountARN + "user/Al"), ActionNames: []string{"s3:PutObject"}, ResourceArns: []string{"arn:aws:s3:::home/Al"}}, allowed, "user_Jo_own"},
		{"of a group, by the user's tag", iam.SimulatePrincipalPolicyInput{PolicySourceArn: &jo, ActionNames: []string{"ec2:RunInstances"}}, allowed, "group_Devs_ec2"},
		{"another caller has not the tag", iam.SimulatePrincipalPolicyInput{PolicySourceArn: &jo, CallerArn: aws.String(accountARN + "user/Al"), ActionNames: []string{"ec2:RunInstances"}}, implicitDeny, ""},
		{"a further policy", iam.SimulatePrincipalPolicyInput{PolicySourceArn: &jo, PolicyInputList: []string{deny("s3:*", "*")}, ActionNames: []string{"s3:GetObject"}}, explicitDeny, "PolicyInputList.1"},
		{"a boundary for once", iam.SimulatePrincipalPolicyInput{PolicySourceArn: &jo, PermissionsBoundaryPolicyInputList: []string{allow("ec2:*", "*", "")}, ActionNames: []string{"s3:GetObject"}}, implicitDeny, ""},
		{"a role within its boundary", iam.SimulatePrincipalPolicyInput{PolicySourceArn: &app, ActionNames: []string{"sqs:SendMessage"}}, implicitDeny, ""},
		{"its boundary replaced", iam.SimulatePrincipalPolicyInput{PolicySourceArn: &app, PermissionsBoundaryPolicyInputList: []string{allow("*", "*", "")}, ActionNames: []string{"sqs:SendMessage"}}, allowed, "role_App_sqs"},
		{"a group", iam.SimulatePrincipalPolicyInput{PolicySourceArn: &devs, ActionNames: []string{"ec2:RunInstances"}, ContextEntries: []types.ContextEntry{entry("aws:PrincipalTag/team", "string", "blue")}}, allowed, "group_Devs_ec2"},
		{"a resource policy for a user", iam.SimulatePrincipalPolicyInput{PolicySourceArn: &jo, ActionNames: []string{"s3:ListBucket"}, ResourceArns: []string{bucketA},
			ResourcePolicy: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + jo + `"},"Action":"s3:*","Resource":"` + bucketA + `"}]}`)}, allowed, "ResourcePolicy"},
	} {
		out, err := client.SimulatePrincipalPolicy(ctx, &c.in)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		r := out.EvaluationResults[0]
		var sources []string
		for _, st := range r.MatchedStatements {
			sources = append(sources, *st.SourcePolicyId)
		}
		if r.EvalDecision != c.want || strings.Join(sources, " ") != c.source {
			t.Errorf("%s: %s by %v, want %s by %s", c.name, r.EvalDecision, sources, c.want, c.source)
		}
	}

	keys, err := client.GetContextKeysForPrincipalPolicy(ctx, &iam.GetContextKeysForPrincipalPolicyInput{
		PolicySourceArn: &jo, PolicyInputList: []string{allow("s3:GetObject", "*", stringIs("AWS:Username", "x"))},
	})
	must(t, err)
	same(t, "keys of a user", keys.ContextKeyNames, []string{"AWS:Username", "aws:username", "aws:PrincipalTag/team"})
	keys, err = client.GetContextKeysForPrincipalPolicy(ctx, &iam.GetContextKeysForPrincipalPolicyInput{PolicySourceArn: &app})
	must(t, err)
	same(t, "keys of a role", keys.ContextKeyNames, []string{})
}

func TestContextKeysForCustomPolicy(t *testing.T) {
	s := wardertest.Start(t)
	out, err := s.IAM(s.Admin).GetContextKeysForCustomPolicy(t.Context(), &iam.GetContextKeysForCustomPolicyInput{PolicyInputList: []string{
		allow("s3:*", "arn:aws:s3:::b/${aws:username}", `{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"},"StringLike":{"s3:prefix":"${aws:PrincipalTag/team}/*"}}`),
		allow("s3:*", "*", `{"Bool":{"aws:sourceip":"true"}}`),
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"true"}}}]}`,
	}})
	must(t, err)
	same(t, "keys", out.ContextKeyNames, []string{
		"aws:username", "aws:SourceIp", "s3:prefix", "aws:PrincipalTag/team", "aws:sourceip", "aws:SecureTransport",
	})
	// As recorded: a document that comes twice has its keys twice, each spelling once.
	twice := allow("s3:*", "arn:aws:s3:::b/${aws:username}/${AWS:username}", stringIs("aws:username", "a"))
	out, err = s.IAM(s.Admin).GetContextKeysForCustomPolicy(t.Context(), &iam.GetContextKeysForCustomPolicyInput{PolicyInputList: []string{twice, twice}})
	must(t, err)
	same(t, "keys", out.ContextKeyNames, []string{"aws:username", "AWS:username", "aws:username", "AWS:username"})
}

// An entity is found by its name, whatever path it is given, and who may ask is
// decided by the ARN that it has.
func TestPolicySourcePath(t *testing.T) {
	s := wardertest.Start(t)
	admin, ctx := s.IAM(s.Admin), t.Context()
	must(t, errOf(admin.CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String("Jo"), Path: aws.String("/team/")})))
	const real, wrong = accountARN + "user/team/Jo", accountARN + "user/elsewhere/Jo"
	for allowed, code := range map[string]string{real: "", wrong: "AccessDenied"} {
		caller := s.IAM(s.User(s.Admin, "by-"+code, allow("iam:*", allowed, "")))
		for _, source := range []string{real, wrong} {
			_, err := caller.SimulatePrincipalPolicy(ctx, &iam.SimulatePrincipalPolicyInput{PolicySourceArn: &source, ActionNames: []string{"s3:GetObject"}})
			wardertest.WantCode(t, err, code)
			_, err = caller.GetContextKeysForPrincipalPolicy(ctx, &iam.GetContextKeysForPrincipalPolicyInput{PolicySourceArn: &source})
			wardertest.WantCode(t, err, code)
		}
	}
}

func TestSimulationPages(t *testing.T) {
	s := wardertest.Start(t)
	in := &iam.SimulateCustomPolicyInput{
		PolicyInputList: []string{allow("s3:*", "*", "")}, MaxItems: aws.Int32(2),
		ActionNames: []string{"s3:A", "ec2:B", "s3:A", "s3:C", "ec2:D"},
	}
	var got []string
	pages := 0
	for p := iam.NewSimulateCustomPolicyPaginator(s.IAM(s.Admin), in); p.HasMorePages(); pages++ {
		out, err := p.NextPage(t.Context())
		must(t, err)
		for _, r := range out.EvaluationResults {
			got = append(got, *r.EvalActionName+" "+string(r.EvalDecision))
		}
	}
	same(t, "results", got, []string{"s3:A allowed", "ec2:B implicitDeny", "s3:A allowed", "s3:C allowed", "ec2:D implicitDeny"})
	if pages != 3 {
		t.Errorf("%d pages", pages)
	}
}

// simulationCalls are calls of the four operations; the second pair is about user/Jo.
var simulationCalls = map[string]func(context.Context, *iam.Client) error{
	"GetContextKeysForCustomPolicy":    callable((*iam.Client).GetContextKeysForCustomPolicy, &iam.GetContextKeysForCustomPolicyInput{PolicyInputList: []string{listBucket}}),
	"SimulateCustomPolicy":             callable((*iam.Client).SimulateCustomPolicy, &iam.SimulateCustomPolicyInput{PolicyInputList: []string{listBucket}, ActionNames: []string{"s3:GetObject"}}),
	"GetContextKeysForPrincipalPolicy": callable((*iam.Client).GetContextKeysForPrincipalPolicy, &iam.GetContextKeysForPrincipalPolicyInput{PolicySourceArn: aws.String(accountARN + "user/Jo")}),
	"SimulatePrincipalPolicy":          callable((*iam.Client).SimulatePrincipalPolicy, &iam.SimulatePrincipalPolicyInput{PolicySourceArn: aws.String(accountARN + "user/Jo"), ActionNames: []string{"s3:GetObject"}}),
}

func TestSimulationAccess(t *testing.T) {
	s := wardertest.Start(t)
	admin, ctx := s.IAM(s.Admin), t.Context()
	_, err := admin.CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String("Jo"), Tags: tagList("team", "blue")})
	must(t, err)
	caller := s.IAM(s.User(s.Admin, "caller", ""))
	for op, call := range simulationCalls {
		resource, other := "*", "arn:aws:s3:::*"
		if strings.Contains(op, "Principal") {
			resource, other = accountARN+"user/Jo", accountARN+"user/caller"
		}
		try := func(doc string) error {
			t.Helper()
			must(t, errOf(admin.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: aws.String("caller"), PolicyName: aws.String("only"), PolicyDocument: &doc})))
			return call(ctx, caller)
		}
		refusal := "User: " + accountARN + "user/caller is not authorized to perform: iam:" + op + " on resource: " + resource +
			" because no identity-based policy allows the iam:" + op + " action"
		wantError(t, try(allow("iam:Get", "*", "")), "AccessDenied", refusal)
		wantError(t, try(allow("iam:"+op, other, "")), "AccessDenied", refusal)
		must(t, try(allow("iam:"+op, resource, "")))
		if resource != "*" {
			must(t, try(allow("iam:"+op, "*", "")))
			must(t, try(allow("iam:"+op, resource, stringIs("aws:ResourceTag/team", "blue"))))
			wantError(t, try(allow("iam:"+op, resource, stringIs("aws:ResourceTag/team", "red"))), "AccessDenied", refusal)
		}
	}
}
