package iam_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/warder-iam/warder/internal/wardertest"
)

func TestPolicyVersions(t *testing.T) {
	s := wardertest.Start(t)
	client, ctx := s.IAM(s.Admin), t.Context()
	arn := makePolicyAt(t, client, "/", "P")
	document := func(n int) string {
		return fmt.Sprintf(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::bucket-%d"}}`, n)
	}
	create := func(doc string, setDefault bool) (*types.PolicyVersion, error) {
		out, err := client.CreatePolicyVersion(ctx, &iam.CreatePolicyVersionInput{PolicyArn: &arn, PolicyDocument: &doc, SetAsDefault: setDefault})
		if err != nil {
			return nil, err
		}
		return out.PolicyVersion, nil
	}
	remove := func(id string) error {
		_, err := client.DeletePolicyVersion(ctx, &iam.DeletePolicyVersionInput{PolicyArn: &arn, VersionId: &id})
		return err
	}
	versions := func() (text string) {
		out, err := client.ListPolicyVersions(ctx, &iam.ListPolicyVersionsInput{PolicyArn: &arn})
		must(t, err)
		for _, v := range out.Versions {
			if text += *v.VersionId; v.IsDefaultVersion {
				text += "*"
			}
			text += " "
			if v.Document != nil || v.CreateDate == nil {
				t.Errorf("a list shows version %s with document %v, date %v", *v.VersionId, v.Document, v.CreateDate)
			}
		}
		return text
	}
	want := func(text string) {
		t.Helper()
		if got := versions(); got != text {
			t.Errorf("versions %q, want %q", got, text)
		}
	}

	want("v1* ")
	s.Clock.Add(time.Minute)
	v2, err := create(document(2), false)
	must(t, err)
	same(t, "CreatePolicyVersion", *v2, types.PolicyVersion{VersionId: aws.String("v2"), CreateDate: v2.CreateDate})
	want("v2 v1* ")
	p, err := client.GetPolicy(ctx, &iam.GetPolicyInput{PolicyArn: &arn})
	must(t, err)
	if *p.Policy.DefaultVersionId != "v1" || !p.Policy.UpdateDate.Equal(*v2.CreateDate) || !p.Policy.UpdateDate.After(*p.Policy.CreateDate) {
		t.Errorf("default %s, updated %v, created %v", *p.Policy.DefaultVersionId, p.Policy.UpdateDate, p.Policy.CreateDate)
	}
	v3, err := create(document(3), true)
	must(t, err)
	if !v3.IsDefaultVersion {
		t.Error("v3 is not the default")
	}
	want("v3* v2 v1 ")
	got, err := client.GetPolicyVersion(ctx, &iam.GetPolicyVersionInput{PolicyArn: &arn, VersionId: aws.String("v2")})
	must(t, err)
	same(t, "GetPolicyVersion", *got.PolicyVersion, types.PolicyVersion{
		VersionId: aws.String("v2"), CreateDate: v2.CreateDate, Document: aws.String(escaped(document(2))),
	})

	_, err = create(document(4), false)
	must(t, err)
	_, err = create(document(5), false)
	must(t, err)
	_, err = create(document(6), false)
	wantError(t, err, "LimitExceeded", "A managed policy can have up to 5 versions. Before you create a new version, you must delete an existing version.")
	wantError(t, remove("v3"), "DeleteConflict", "Cannot delete the default version of a policy.")
	must(t, remove("v5"))
	_, err = create(document(6), false) // a number is never given again
	must(t, err)
	want("v6 v4 v3* v2 v1 ")

	pages, text := iam.NewListPolicyVersionsPaginator(client, &iam.ListPolicyVersionsInput{PolicyArn: &arn, MaxItems: aws.Int32(2)}), ""
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		must(t, err)
		for _, v := range out.Versions {
			text += *v.VersionId + " "
		}
		text += "| "
	}
	if text != "v6 v4 | v3 v2 | v1 | " {
		t.Errorf("pages %s", text)
	}

	_, err = client.SetDefaultPolicyVersion(ctx, &iam.SetDefaultPolicyVersionInput{PolicyArn: &arn, VersionId: aws.String("v1")})
	must(t, err)
	want("v6 v4 v3 v2 v1* ")

	gone := "Policy " + arn + " version v5 does not exist or is not attachable."
	wantError(t, remove("v5"), "NoSuchEntity", gone)
	_, err = client.SetDefaultPolicyVersion(ctx, &iam.SetDefaultPolicyVersionInput{PolicyArn: &arn, VersionId: aws.String("v5")})
	wantError(t, err, "NoSuchEntity", gone)
	_, err = client.GetPolicyVersion(ctx, &iam.GetPolicyVersionInput{PolicyArn: &arn, VersionId: aws.String("v5")})
	wantError(t, err, "NoSuchEntity", gone)
	wardertest.WantCode(t, remove("5"), "ValidationError")

	_, err = client.DeletePolicy(ctx, &iam.DeletePolicyInput{PolicyArn: &arn})
	wantError(t, err, "DeleteConflict", "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The default version is deleted with the policy.")
	for _, id := range []string{"v2", "v3", "v4", "v6"} {
		must(t, remove(id))
	}
	_, err = create(policyDocument(6145), true)
	wantError(t, err, "LimitExceeded", "Cannot exceed quota for PolicySize: 6144")
	_, err = create(`{"Statement":[]`, true)
	wardertest.WantCode(t, err, "MalformedPolicyDocument")
	want("v1* ")
	_, err = client.DeletePolicy(ctx, &iam.DeletePolicyInput{PolicyArn: &arn})
	must(t, err)
}
