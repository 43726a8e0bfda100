package iam_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/warder-iam/warder/internal/wardertest"
)

func TestSimulationRefusals(t *testing.T) {
	s := wardertest.Start(t)
	client := s.IAM(s.Admin)
	const invalid = "InvalidInput"
	resourcePolicy := aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*"}]}`)
	for _, c := range []struct {
		in      iam.SimulateCustomPolicyInput
		code    string
		message string
	}{
		{iam.SimulateCustomPolicyInput{ActionNames: []string{"GetObject"}}, invalid, "The action is invalid since it is missing names"},
		{iam.SimulateCustomPolicyInput{ActionNames: []string{"s3:"}}, invalid, "The action is invalid since it is missing names"},
		{iam.SimulateCustomPolicyInput{ActionNames: []string{"s3:Get*"}}, invalid, "Invalid action name s3:Get*: wildcards are not supported in action names."},
		{iam.SimulateCustomPolicyInput{ResourceArns: []string{"14a050d4"}}, invalid, "ResourceNames are not in a valid ARN format: 14a050d4."},
		{iam.SimulateCustomPolicyInput{ResourceArns: []string{bucketA, "*"}}, invalid, "ResourceNames are not in a valid ARN format: *."},
		{iam.SimulateCustomPolicyInput{ResourceOwner: aws.String("123456789012")}, invalid, "'123456789012' is not a valid as a Resource Owner."},
		{iam.SimulateCustomPolicyInput{ResourceHandlingOption: aws.String("EC2-Classic-EBS")}, invalid, "Invalid input resource handling options: EC2-Classic-EBS."},
		{iam.SimulateCustomPolicyInput{ResourceHandlingOption: aws.String("EC2-VPC-EBS"), ResourceArns: []string{bucketA}}, invalid,
			"Invalid input resource handling options. Action does not support resource handling options: s3:GetObject."},
		{iam.SimulateCustomPolicyInput{ResourceHandlingOption: aws.String("EC2-VPC-EBS"), ActionNames: []string{"ec2:RunInstances"}, ResourceArns: []string{"arn:aws:ec2:us-east-1:123456789012:instance/i-1"}}, "", ""},
		{iam.SimulateCustomPolicyInput{PolicyInputList: []string{"{"}}, invalid, "Syntax errors in policy."},
		{iam.SimulateCustomPolicyInput{PolicyInputList: []string{*resourcePolicy}}, invalid, "Policy document should not specify a principal."},
		{iam.SimulateCustomPolicyInput{PermissionsBoundaryPolicyInputList: []string{listBucket, listBucket}}, invalid, "Only one permissions boundary policy can be simulated, but received 2."},
		{iam.SimulateCustomPolicyInput{PermissionsBoundaryPolicyInputList: []string{"x"}}, invalid, "Syntax errors in policy."},
		{iam.SimulateCustomPolicyInput{ResourcePolicy: resourcePolicy, ResourceArns: []string{bucketA}}, invalid, "Invalid caller - Caller cannot be null or empty."},
		{iam.SimulateCustomPolicyInput{ResourcePolicy: resourcePolicy, ResourceArns: []string{bucketA}, CallerArn: aws.String(accountARN + "role/R")}, invalid,
			"Invalid caller - Caller must be an IAM user in this context."},
		{iam.SimulateCustomPolicyInput{ResourcePolicy: resourcePolicy, CallerArn: aws.String(accountARN + "user/Jo")}, invalid,
			"Invalid Entity Arn: * does not clearly define entity type and name."},
		{iam.SimulateCustomPolicyInput{ResourcePolicy: aws.String(listBucket), ResourceArns: []string{bucketA}, CallerArn: aws.String(accountARN + "user/Jo")}, invalid,
			"Missing required field Principal"},
		{iam.SimulateCustomPolicyInput{CallerArn: aws.String("arn:aws:sts::123456789012:assumed-role/R/s")}, invalid, "Invalid caller - Caller must be an IAM user, role or group in this context."},
		{iam.SimulateCustomPolicyInput{CallerArn: aws.String(accountARN + "root")}, invalid, "Invalid caller - Caller must be an IAM user, role or group in this context."},
		{iam.SimulateCustomPolicyInput{CallerArn: aws.String("ec2.amazonaws.com")}, invalid, "Invalid caller - Caller must be an IAM user, role or group in this context."},
		{iam.SimulateCustomPolicyInput{Marker: aws.String("not a marker")}, "ValidationError", "Invalid Marker."},
		{iam.SimulateCustomPolicyInput{ContextEntries: []types.ContextEntry{entry("x:abc", "string")}}, invalid, "Context values for context key x:abc cannot be null or empty."},
		{iam.SimulateCustomPolicyInput{ContextEntries: []types.ContextEntry{entry("x:abc", "string", "a", "b")}}, invalid, "Context key x:abc expected a single value, but received 2."},
		{iam.SimulateCustomPolicyInput{ContextEntries: []types.ContextEntry{entry("x:abc", "string", "a"), entry("X:abc", "string", "b")}}, invalid, "Duplicate context key: X:abc."},
		{iam.SimulateCustomPolicyInput{ContextEntries: []types.ContextEntry{{ContextKeyName: aws.String("x:abc"), ContextKeyValues: []string{"a"}}}}, invalid, "Context key x:abc has invalid type null."},
		{iam.SimulateCustomPolicyInput{ContextEntries: []types.ContextEntry{entry("x:abc", "numeric", "NaN")}}, invalid, "Invalid context value for key x:abc: expected numeric format."},
		{iam.SimulateCustomPolicyInput{ContextEntries: []types.ContextEntry{entry("x:abc", "numericList", "1", "two")}}, invalid, "Invalid context value for key x:abc: expected numeric format."},
		{iam.SimulateCustomPolicyInput{ContextEntries: []types.ContextEntry{entry("x:abc", "boolean", "yes")}}, invalid, "Invalid context value for key x:abc: expected boolean format."},
		{iam.SimulateCustomPolicyInput{ContextEntries: []types.ContextEntry{entry("x:abc", "date", "tomorrow")}}, invalid, "Invalid context value for key x:abc: expected DateTime format."},
		{iam.SimulateCustomPolicyInput{ContextEntries: []types.ContextEntry{entry("x:abc", "ip", "999.0.0.1")}}, invalid, "Invalid context value for key x:abc: expected IP address."},
		{iam.SimulateCustomPolicyInput{ContextEntries: []types.ContextEntry{{ContextKeyName: aws.String("x:abc"), ContextKeyValues: []string{"y"}}}}, invalid, "Context key x:abc has invalid type null."},
		{iam.SimulateCustomPolicyInput{ContextEntries: []types.ContextEntry{entry("x:abc", "ip", "192.0.2.0/24")}}, invalid, "Invalid context value for key x:abc: expected IP address."},
		{iam.SimulateCustomPolicyInput{ContextEntries: []types.ContextEntry{entry("x:abc", "binary", "eWVz\n")}}, invalid, "Invalid context value for key x:abc: expected base-64 encoded binary format."},
		{iam.SimulateCustomPolicyInput{ContextEntries: []types.ContextEntry{entry("x:abc", "binary", "!")}}, invalid, "Invalid context value for key x:abc: expected base-64 encoded binary format."},
		{iam.SimulateCustomPolicyInput{ResourceArns: strings.Split(strings.Repeat(bucketA+" ", 9900)+bucketB, " "), PolicyInputList: []string{policyDocument(30000)}}, invalid,
			"The simulation is too large: use fewer resources or smaller policies in one call."},
	} {
		if c.in.ActionNames == nil {
			c.in.ActionNames = []string{"s3:GetObject"}
		}
		if c.in.PolicyInputList == nil {
			c.in.PolicyInputList = []string{listBucket}
		}
		_, err := client.SimulateCustomPolicy(t.Context(), &c.in)
		wantError(t, err, c.code, c.message)
	}
	_, err := client.SimulateCustomPolicy(t.Context(), &iam.SimulateCustomPolicyInput{
		PolicyInputList: []string{listBucket}, ActionNames: []string{"s3:GetObject"},
		ContextEntries: []types.ContextEntry{entry("x:abc", "unknown", "a")},
	})
	wardertest.WantCode(t, err, "ValidationError") // the type is no member of the enumeration
}

func TestPolicySourceRefusals(t *testing.T) {
	s := wardertest.Start(t)
	client := s.IAM(s.Admin)
	other, theirs, _ := s.NewAccount()
	makeUser(t, s.IAM(theirs), "Jo")
	unclear := func(arn string) string {
		return "Invalid Entity Arn: " + arn + " does not clearly define entity type and name."
	}
	for _, c := range []struct{ arn, code, message string }{
		{accountARN + "user/Nobody", "NoSuchEntity", "The user with name Nobody cannot be found."},
		{accountARN + "role/None", "NoSuchEntity", "The role with name None cannot be found."},
		{accountARN + "group/None", "NoSuchEntity", "The group with name None cannot be found."},
		{"arn:aws:sts::123456789012:assumed-role/R/session", "InvalidInput", unclear("arn:aws:sts::123456789012:assumed-role/R/session")},
		{accountARN + "policy/Something", "InvalidInput", unclear(accountARN + "policy/Something")},
		{accountARN + "root/of/everything", "InvalidInput", unclear(accountARN + "root/of/everything")},
		{"twenty characters at least", "InvalidInput", unclear("twenty characters at least")},
		// Whether it exists or not is not told.
		{"arn:aws:iam::" + other + ":user/Jo", "InvalidInput", "Invalid Policy Source Arn: caller's account 123456789012 does not have access to policies in account " + other},
		{"arn:aws:iam::" + other + ":user/No", "InvalidInput", "Invalid Policy Source Arn: caller's account 123456789012 does not have access to policies in account " + other},
	} {
		_, err := client.SimulatePrincipalPolicy(t.Context(), &iam.SimulatePrincipalPolicyInput{PolicySourceArn: &c.arn, ActionNames: []string{"s3:GetObject"}})
		wantError(t, err, c.code, c.message)
		_, err = client.GetContextKeysForPrincipalPolicy(t.Context(), &iam.GetContextKeysForPrincipalPolicyInput{PolicySourceArn: &c.arn})
		wantError(t, err, c.code, c.message)
	}
	_, err := client.GetContextKeysForPrincipalPolicy(t.Context(), &iam.GetContextKeysForPrincipalPolicyInput{
		PolicySourceArn: aws.String(accountARN + "user/administrator"), PolicyInputList: []string{"{"},
	})
	wantError(t, err, "InvalidInput", "Syntax errors in policy.")
	_, err = client.GetContextKeysForCustomPolicy(t.Context(), &iam.GetContextKeysForCustomPolicyInput{PolicyInputList: []string{"{}"}})
	wantError(t, err, "InvalidInput", "Syntax errors in policy.")
}
