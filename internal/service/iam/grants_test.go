package iam_test

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/warder-iam/warder/internal/wardertest"
)

const listBucket = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3:::example_bucket"}}`

// policyDocument is a document of a number of characters.
func policyDocument(size int) string {
	const head, tail = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::`, `"}}`
	return head + strings.Repeat("b", size-len(head)-len(tail)) + tail
}

// makePolicyAt makes a customer managed policy with a path and gives its ARN.
func makePolicyAt(t *testing.T, client *iam.Client, path, name string) string {
	t.Helper()
	out, err := client.CreatePolicy(t.Context(), &iam.CreatePolicyInput{Path: &path, PolicyName: &name, PolicyDocument: aws.String(listBucket)})
	must(t, err)
	return *out.Policy.Arn
}

// A grantee is the part of the SDK's client that is about the policies of one
// user, group or role.
type grantee struct {
	kind, name string
	maxInline  int

	put          func(ctx context.Context, c *iam.Client, name, policyName, doc string) error
	get          func(ctx context.Context, c *iam.Client, name, policyName string) (entity, policy, doc *string, err error)
	drop         func(ctx context.Context, c *iam.Client, name, policyName string) error
	list         func(ctx context.Context, c *iam.Client, name string, marker *string, max *int32) (names []string, more bool, next *string, err error)
	attach       func(ctx context.Context, c *iam.Client, name, policyARN string) error
	detach       func(ctx context.Context, c *iam.Client, name, policyARN string) error
	listAttached func(ctx context.Context, c *iam.Client, name string, prefix, marker *string, max *int32) (attached []types.AttachedPolicy, more bool, next *string, err error)
}

var grantees = []grantee{{
	kind: "user", name: "Jane", maxInline: 2048,
	put: func(ctx context.Context, c *iam.Client, name, policyName, doc string) error {
		_, err := c.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: &name, PolicyName: &policyName, PolicyDocument: &doc})
		return err
	},
	get: func(ctx context.Context, c *iam.Client, name, policyName string) (*string, *string, *string, error) {
		out, err := c.GetUserPolicy(ctx, &iam.GetUserPolicyInput{UserName: &name, PolicyName: &policyName})
		if err != nil {
			return nil, nil, nil, err
		}
		return out.UserName, out.PolicyName, out.PolicyDocument, nil
	},
	drop: func(ctx context.Context, c *iam.Client, name, policyName string) error {
		_, err := c.DeleteUserPolicy(ctx, &iam.DeleteUserPolicyInput{UserName: &name, PolicyName: &policyName})
		return err
	},
	list: func(ctx context.Context, c *iam.Client, name string, marker *string, max *int32) ([]string, bool, *string, error) {
		out, err := c.ListUserPolicies(ctx, &iam.ListUserPoliciesInput{UserName: &name, Marker: marker, MaxItems: max})
		if err != nil {
			return nil, false, nil, err
		}
		return out.PolicyNames, out.IsTruncated, out.Marker, nil
	},
	attach: func(ctx context.Context, c *iam.Client, name, policyARN string) error {
		_, err := c.AttachUserPolicy(ctx, &iam.AttachUserPolicyInput{UserName: &name, PolicyArn: &policyARN})
		return err
	},
	detach: func(ctx context.Context, c *iam.Client, name, policyARN string) error {
		_, err := c.DetachUserPolicy(ctx, &iam.DetachUserPolicyInput{UserName: &name, PolicyArn: &policyARN})
		return err
	},
	listAttached: func(ctx context.Context, c *iam.Client, name string, prefix, marker *string, max *int32) ([]types.AttachedPolicy, bool, *string, error) {
		out, err := c.ListAttachedUserPolicies(ctx, &iam.ListAttachedUserPoliciesInput{UserName: &name, PathPrefix: prefix, Marker: marker, MaxItems: max})
		if err != nil {
			return nil, false, nil, err
		}
		return out.AttachedPolicies, out.IsTruncated, out.Marker, nil
	},
}, {
	kind: "group", name: "Team", maxInline: 5120,
	put: func(ctx context.Context, c *iam.Client, name, policyName, doc string) error {
		_, err := c.PutGroupPolicy(ctx, &iam.PutGroupPolicyInput{GroupName: &name, PolicyName: &policyName, PolicyDocument: &doc})
		return err
	},
	get: func(ctx context.Context, c *iam.Client, name, policyName string) (*string, *string, *string, error) {
		out, err := c.GetGroupPolicy(ctx, &iam.GetGroupPolicyInput{GroupName: &name, PolicyName: &policyName})
		if err != nil {
			return nil, nil, nil, err
		}
		return out.GroupName, out.PolicyName, out.PolicyDocument, nil
	},
	drop: func(ctx context.Context, c *iam.Client, name, policyName string) error {
		_, err := c.DeleteGroupPolicy(ctx, &iam.DeleteGroupPolicyInput{GroupName: &name, PolicyName: &policyName})
		return err
	},
	list: func(ctx context.Context, c *iam.Client, name string, marker *string, max *int32) ([]string, bool, *string, error) {
		out, err := c.ListGroupPolicies(ctx, &iam.ListGroupPoliciesInput{GroupName: &name, Marker: marker, MaxItems: max})
		if err != nil {
			return nil, false, nil, err
		}
		return out.PolicyNames, out.IsTruncated, out.Marker, nil
	},
	attach: func(ctx context.Context, c *iam.Client, name, policyARN string) error {
		_, err := c.AttachGroupPolicy(ctx, &iam.AttachGroupPolicyInput{GroupName: &name, PolicyArn: &policyARN})
		return err
	},
	detach: func(ctx context.Context, c *iam.Client, name, policyARN string) error {
		_, err := c.DetachGroupPolicy(ctx, &iam.DetachGroupPolicyInput{GroupName: &name, PolicyArn: &policyARN})
		return err
	},
	listAttached: func(ctx context.Context, c *iam.Client, name string, prefix, marker *string, max *int32) ([]types.AttachedPolicy, bool, *string, error) {
		out, err := c.ListAttachedGroupPolicies(ctx, &iam.ListAttachedGroupPoliciesInput{GroupName: &name, PathPrefix: prefix, Marker: marker, MaxItems: max})
		if err != nil {
			return nil, false, nil, err
		}
		return out.AttachedPolicies, out.IsTruncated, out.Marker, nil
	},
}, {
	kind: "role", name: "Deploy", maxInline: 10240,
	put: func(ctx context.Context, c *iam.Client, name, policyName, doc string) error {
		_, err := c.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: &name, PolicyName: &policyName, PolicyDocument: &doc})
		return err
	},
	get: func(ctx context.Context, c *iam.Client, name, policyName string) (*string, *string, *string, error) {
		out, err := c.GetRolePolicy(ctx, &iam.GetRolePolicyInput{RoleName: &name, PolicyName: &policyName})
		if err != nil {
			return nil, nil, nil, err
		}
		return out.RoleName, out.PolicyName, out.PolicyDocument, nil
	},
	drop: func(ctx context.Context, c *iam.Client, name, policyName string) error {
		_, err := c.DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{RoleName: &name, PolicyName: &policyName})
		return err
	},
	list: func(ctx context.Context, c *iam.Client, name string, marker *string, max *int32) ([]string, bool, *string, error) {
		out, err := c.ListRolePolicies(ctx, &iam.ListRolePoliciesInput{RoleName: &name, Marker: marker, MaxItems: max})
		if err != nil {
			return nil, false, nil, err
		}
		return out.PolicyNames, out.IsTruncated, out.Marker, nil
	},
	attach: func(ctx context.Context, c *iam.Client, name, policyARN string) error {
		_, err := c.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: &name, PolicyArn: &policyARN})
		return err
	},
	detach: func(ctx context.Context, c *iam.Client, name, policyARN string) error {
		_, err := c.DetachRolePolicy(ctx, &iam.DetachRolePolicyInput{RoleName: &name, PolicyArn: &policyARN})
		return err
	},
	listAttached: func(ctx context.Context, c *iam.Client, name string, prefix, marker *string, max *int32) ([]types.AttachedPolicy, bool, *string, error) {
		out, err := c.ListAttachedRolePolicies(ctx, &iam.ListAttachedRolePoliciesInput{RoleName: &name, PathPrefix: prefix, Marker: marker, MaxItems: max})
		if err != nil {
			return nil, false, nil, err
		}
		return out.AttachedPolicies, out.IsTruncated, out.Marker, nil
	},
}}

// makeGrantees makes the user, group and role of the table.
func makeGrantees(t *testing.T, client *iam.Client, path string, boundary *string, tags []types.Tag) {
	t.Helper()
	ctx := t.Context()
	_, err := client.CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String("Jane"), Path: &path, PermissionsBoundary: boundary, Tags: tags})
	must(t, err)
	_, err = client.CreateGroup(ctx, &iam.CreateGroupInput{GroupName: aws.String("Team"), Path: &path})
	must(t, err)
	_, err = client.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("Deploy"), Path: &path, PermissionsBoundary: boundary, Tags: tags, AssumeRolePolicyDocument: aws.String(ec2Trust)})
	must(t, err)
}

func TestInlinePolicies(t *testing.T) {
	s := wardertest.Start(t)
	client, ctx := s.IAM(s.Admin), t.Context()
	makeGrantees(t, client, "/", nil, nil)
	for _, g := range grantees {
		t.Run(g.kind, func(t *testing.T) {
			lower := strings.ToLower(g.name) // names are found whatever their case
			noEntity := fmt.Sprintf("The %s with name Absent cannot be found.", g.kind)
			noPolicy := fmt.Sprintf("The %s policy with name Absent cannot be found.", g.kind)

			text := "{\n\t\"Version\": \"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"s3:Get*\",\"Resource\":\"arn:aws:s3:::b/\u00e9 + ~\"}}"
			must(t, g.put(ctx, client, lower, "Reader", text))
			entity, name, doc, err := g.get(ctx, client, lower, "Reader")
			must(t, err)
			if *entity != g.name || *name != "Reader" {
				t.Errorf("policy %s of %s", *name, *entity)
			}
			if plain, err := url.PathUnescape(*doc); err != nil || plain != text || strings.ContainsAny(*doc, "+{ ") {
				t.Errorf("document %s, %v", *doc, err)
			}

			// Names of inline policies keep the case they have at first, and do not
			// differ by it: what is put is in place of the first. The answer spells the
			// name as the question does. So AWS was seen to do.
			must(t, g.put(ctx, client, g.name, "reader", listBucket))
			must(t, g.put(ctx, client, g.name, "Alpha", listBucket))
			must(t, g.put(ctx, client, g.name, "Last", listBucket))
			_, name, doc, err = g.get(ctx, client, lower, "READER")
			must(t, err)
			if plain, err := url.PathUnescape(*doc); err != nil || plain != listBucket || *name != "READER" {
				t.Errorf("policy %s: %s, %v", *name, *doc, err)
			}
			names, more, _, err := g.list(ctx, client, lower, nil, nil)
			must(t, err)
			if more || !slices.Equal(names, []string{"Alpha", "Last", "Reader"}) {
				t.Errorf("names %v, truncated %v", names, more)
			}
			var paged []string
			for marker := (*string)(nil); ; {
				names, more, next, err := g.list(ctx, client, g.name, marker, aws.Int32(2))
				must(t, err)
				paged = append(paged, names...)
				if more != (next != nil) {
					t.Fatalf("truncated %v with marker %v", more, next)
				}
				if marker = next; !more {
					break
				}
			}
			if !slices.Equal(paged, []string{"Alpha", "Last", "Reader"}) {
				t.Errorf("paged %v", paged)
			}

			wantError(t, g.put(ctx, client, "Absent", "p", listBucket), "NoSuchEntity", noEntity)
			wantError(t, g.drop(ctx, client, "Absent", "p"), "NoSuchEntity", noEntity)
			_, _, _, err = g.get(ctx, client, "Absent", "p")
			wantError(t, err, "NoSuchEntity", noEntity)
			_, _, _, err = g.list(ctx, client, "Absent", nil, nil)
			wantError(t, err, "NoSuchEntity", noEntity)
			_, _, _, err = g.list(ctx, client, g.name, aws.String("no-marker"), nil)
			wardertest.WantCode(t, err, "ValidationError")
			wantError(t, g.drop(ctx, client, g.name, "Absent"), "NoSuchEntity", noPolicy)
			_, _, _, err = g.get(ctx, client, g.name, "Absent")
			wantError(t, err, "NoSuchEntity", noPolicy)
			wardertest.WantCode(t, g.put(ctx, client, g.name, "p", `{"Statement":`), "MalformedPolicyDocument")
			wardertest.WantCode(t, g.put(ctx, client, g.name, "p", strings.ReplaceAll(listBucket, `"Resource"`, `"Principal":"*","Resource"`)), "MalformedPolicyDocument")
			wardertest.WantCode(t, g.put(ctx, client, g.name, "a b", listBucket), "ValidationError")

			for _, name := range []string{"Alpha", "rEADER", "Last"} {
				must(t, g.drop(ctx, client, g.name, name))
			}
			names, _, _, err = g.list(ctx, client, g.name, nil, nil)
			must(t, err)
			if len(names) != 0 {
				t.Errorf("left: %v", names)
			}
		})
	}
}

func TestInlinePolicySize(t *testing.T) {
	s := wardertest.Start(t)
	client, ctx := s.IAM(s.Admin), t.Context()
	makeGrantees(t, client, "/", nil, nil)
	for _, g := range grantees {
		t.Run(g.kind, func(t *testing.T) {
			full := policyDocument(g.maxInline)
			text := fmt.Sprintf("Maximum policy size of %d bytes exceeded for %s %s", g.maxInline, g.kind, g.name)
			wantError(t, g.put(ctx, client, strings.ToUpper(g.name), "p", policyDocument(g.maxInline+1)), "LimitExceeded", text)
			// White space does not count, and a policy that is replaced does not either.
			must(t, g.put(ctx, client, g.name, "p", strings.ReplaceAll(full, ":{", ":\n {\t")))
			must(t, g.put(ctx, client, g.name, "p", full))
			wantError(t, g.put(ctx, client, g.name, "q", listBucket), "LimitExceeded", text)
			must(t, g.put(ctx, client, g.name, "p", policyDocument(g.maxInline-len(listBucket))))
			must(t, g.put(ctx, client, g.name, "q", listBucket))
			wantError(t, g.put(ctx, client, g.name, "r", policyDocument(100)), "LimitExceeded", text)
			_, _, _, err := g.get(ctx, client, g.name, "r")
			wardertest.WantCode(t, err, "NoSuchEntity")
		})
	}
}

func TestAttachments(t *testing.T) {
	s := wardertest.Start(t)
	client, ctx := s.IAM(s.Admin), t.Context()
	makeGrantees(t, client, "/", nil, nil)
	beta, alpha := makePolicyAt(t, client, "/", "Beta"), makePolicyAt(t, client, "/team/", "alpha")
	other, _, _ := s.NewAccount()
	absent := "arn:aws:iam::" + wardertest.Account + ":policy/Absent"
	for _, g := range grantees {
		t.Run(g.kind, func(t *testing.T) {
			for _, arn := range []string{beta, alpha, beta} { // again is no error
				must(t, g.attach(ctx, client, strings.ToLower(g.name), arn))
			}
			inAlpha, inBeta := types.AttachedPolicy{PolicyName: aws.String("alpha"), PolicyArn: &alpha}, types.AttachedPolicy{PolicyName: aws.String("Beta"), PolicyArn: &beta}
			attached, more, _, err := g.listAttached(ctx, client, strings.ToUpper(g.name), nil, nil, nil)
			must(t, err)
			same(t, "list", attached, []types.AttachedPolicy{inAlpha, inBeta})
			if more {
				t.Error("truncated")
			}
			attached, _, _, err = g.listAttached(ctx, client, g.name, aws.String("/team/"), nil, nil)
			must(t, err)
			same(t, "list by path", attached, []types.AttachedPolicy{inAlpha})
			attached, more, next, err := g.listAttached(ctx, client, g.name, nil, nil, aws.Int32(1))
			must(t, err)
			same(t, "first page", attached, []types.AttachedPolicy{inAlpha})
			if !more || next == nil {
				t.Fatal("first page is not truncated")
			}
			attached, more, _, err = g.listAttached(ctx, client, g.name, nil, next, aws.Int32(1))
			must(t, err)
			same(t, "second page", attached, []types.AttachedPolicy{inBeta})
			if more {
				t.Error("second page is truncated")
			}

			noEntity := fmt.Sprintf("The %s with name Absent cannot be found.", g.kind)
			wantError(t, g.attach(ctx, client, "Absent", beta), "NoSuchEntity", noEntity)
			wantError(t, g.detach(ctx, client, "Absent", beta), "NoSuchEntity", noEntity)
			_, _, _, err = g.listAttached(ctx, client, "Absent", nil, nil, nil)
			wantError(t, err, "NoSuchEntity", noEntity)
			for _, arn := range []string{
				absent, strings.ToLower(beta),
				"arn:aws:iam::aws:policy/AdministratorAccess2",
				"arn:aws:iam::" + other + ":policy/Beta",
			} {
				wantError(t, g.attach(ctx, client, g.name, arn), "NoSuchEntity", "Policy "+arn+" does not exist or is not attachable.")
				wantError(t, g.detach(ctx, client, g.name, arn), "NoSuchEntity", "Policy "+arn+" was not found.")
			}
			const none = "policy/Beta-without-an-ARN"
			wantError(t, g.attach(ctx, client, g.name, none), "ValidationError", "ARN "+none+" is not valid.")
			wantError(t, g.detach(ctx, client, g.name, none), "ValidationError", "ARN "+none+" is not valid.")
			for _, arn := range []string{
				"arn:aws:iam::" + wardertest.Account + ":role/Deploy",
				"arn:aws:iam:us-east-1:" + wardertest.Account + ":policy/Beta",
				"arn:aws:s3::" + wardertest.Account + ":policy/Beta",
			} {
				wantError(t, g.attach(ctx, client, g.name, arn), "InvalidInput", "ARN "+arn+" is not valid.")
				wantError(t, g.detach(ctx, client, g.name, arn), "InvalidInput", "ARN "+arn+" is not valid.")
			}
			wantError(t, g.attach(ctx, client, g.name, "arn:aws-cn:iam::aws:policy/AdministratorAccess"), "ValidationError", "Invalid ARN partition")

			must(t, g.detach(ctx, client, g.name, beta))
			wantError(t, g.detach(ctx, client, g.name, beta), "NoSuchEntity", "Policy "+beta+" was not found.")
			must(t, g.detach(ctx, client, g.name, alpha))
			attached, _, _, err = g.listAttached(ctx, client, g.name, nil, nil, nil)
			must(t, err)
			if len(attached) != 0 {
				t.Errorf("left: %v", attached)
			}
		})
	}
}

func TestAttachmentQuota(t *testing.T) {
	s := wardertest.Start(t)
	client, ctx := s.IAM(s.Admin), t.Context()
	makeGrantees(t, client, "/", nil, nil)
	var arns []string
	for i := range 11 {
		arns = append(arns, makePolicyAt(t, client, "/", fmt.Sprint("p", i)))
	}
	for _, g := range grantees {
		for _, arn := range arns[:10] {
			must(t, g.attach(ctx, client, g.name, arn))
		}
		quota := "PoliciesPer" + strings.ToUpper(g.kind[:1]) + g.kind[1:]
		wantError(t, g.attach(ctx, client, g.name, arns[10]), "LimitExceeded", "Cannot exceed quota for "+quota+": 10")
		must(t, g.attach(ctx, client, g.name, arns[3])) // is there already
		must(t, g.detach(ctx, client, g.name, arns[3]))
		must(t, g.attach(ctx, client, g.name, arns[10]))
	}
}
