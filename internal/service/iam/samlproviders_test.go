package iam_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/warder-iam/warder/internal/federation/saml/samltest"
	"github.com/warder-iam/warder/internal/wardertest"
)

const samlARN = "arn:aws:iam::" + wardertest.Account + ":saml-provider/"

func TestSAMLProvider(t *testing.T) {
	s := wardertest.Start(t)
	c, ctx := s.IAM(s.Admin), t.Context()
	metadata := aws.String(samltest.New("https://idp.example.com/metadata", 0).Metadata())
	made, err := c.CreateSAMLProvider(ctx, &iam.CreateSAMLProviderInput{Name: aws.String("idp"), SAMLMetadataDocument: metadata})
	if err != nil || *made.SAMLProviderArn != samlARN+"idp" || made.Tags != nil {
		t.Fatalf("%+v, %v", made, err)
	}
	got, err := c.GetSAMLProvider(ctx, &iam.GetSAMLProviderInput{SAMLProviderArn: made.SAMLProviderArn})
	if err != nil {
		t.Fatal(err)
	}
	if *got.SAMLMetadataDocument != *metadata || got.AssertionEncryptionMode != "Allowed" || got.PrivateKeyList == nil || len(got.PrivateKeyList) > 0 || got.Tags == nil || len(got.Tags) > 0 {
		t.Errorf("%+v", got)
	}
	if n := len(*got.SAMLProviderUUID); n < 22 || n > 64 || strings.ToUpper(*got.SAMLProviderUUID) != *got.SAMLProviderUUID {
		t.Errorf("UUID %s", *got.SAMLProviderUUID)
	}
	// Without an end in the metadata AWS shows one in a hundred years.
	if want := got.CreateDate.AddDate(100, 0, 0); !got.ValidUntil.Equal(want) || s.Clock.Now().Sub(*got.CreateDate) > time.Minute {
		t.Errorf("created %v, valid until %v", got.CreateDate, got.ValidUntil)
	}
	until := strings.Replace(*metadata, " entityID=", ` validUntil="2090-01-02T03:04:05.678Z" entityID=`, 1)
	tagged, err := c.CreateSAMLProvider(ctx, &iam.CreateSAMLProviderInput{
		Name: aws.String("Another"), SAMLMetadataDocument: &until, Tags: []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}},
		AddPrivateKey: aws.String(samltest.PEM(samltest.Key(2))), AssertionEncryptionMode: "Required",
	})
	if err != nil || len(tagged.Tags) != 1 || *tagged.Tags[0].Key != "k" {
		t.Fatalf("%+v, %v", tagged, err)
	}
	got, err = c.GetSAMLProvider(ctx, &iam.GetSAMLProviderInput{SAMLProviderArn: tagged.SAMLProviderArn})
	if err != nil || got.AssertionEncryptionMode != "Required" || len(got.PrivateKeyList) != 1 || got.PrivateKeyList[0].Timestamp == nil || len(*got.PrivateKeyList[0].KeyId) < 22 || len(got.Tags) != 1 {
		t.Fatalf("%+v, %v", got, err)
	}
	list, err := c.ListSAMLProviders(ctx, &iam.ListSAMLProvidersInput{})
	if err != nil || len(list.SAMLProviderList) != 2 {
		t.Fatalf("%+v, %v", list, err)
	}
	first := list.SAMLProviderList[0]
	if *first.Arn != samlARN+"Another" || first.ValidUntil.Format(time.RFC3339) != "2090-01-02T03:04:05Z" || first.CreateDate == nil || *list.SAMLProviderList[1].Arn != samlARN+"idp" {
		t.Errorf("%+v", list.SAMLProviderList)
	}
	if _, err := c.TagSAMLProvider(ctx, &iam.TagSAMLProviderInput{SAMLProviderArn: made.SAMLProviderArn, Tags: []types.Tag{{Key: aws.String("a"), Value: aws.String("1")}, {Key: aws.String("b"), Value: aws.String("2")}}}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.UntagSAMLProvider(ctx, &iam.UntagSAMLProviderInput{SAMLProviderArn: made.SAMLProviderArn, TagKeys: []string{"A"}}); err != nil {
		t.Fatal(err)
	}
	tags, err := c.ListSAMLProviderTags(ctx, &iam.ListSAMLProviderTagsInput{SAMLProviderArn: made.SAMLProviderArn})
	if err != nil || len(tags.Tags) != 1 || *tags.Tags[0].Key != "b" || tags.IsTruncated {
		t.Errorf("%+v, %v", tags, err)
	}
	_, err = c.DeleteSAMLProvider(ctx, &iam.DeleteSAMLProviderInput{SAMLProviderArn: made.SAMLProviderArn})
	wardertest.WantCode(t, err, "")
	for name, err := range map[string]error{
		"get":    second(c.GetSAMLProvider(ctx, &iam.GetSAMLProviderInput{SAMLProviderArn: made.SAMLProviderArn})),
		"delete": second(c.DeleteSAMLProvider(ctx, &iam.DeleteSAMLProviderInput{SAMLProviderArn: made.SAMLProviderArn})),
		"update": second(c.UpdateSAMLProvider(ctx, &iam.UpdateSAMLProviderInput{SAMLProviderArn: made.SAMLProviderArn, SAMLMetadataDocument: metadata})),
		"tags":   second(c.ListSAMLProviderTags(ctx, &iam.ListSAMLProviderTagsInput{SAMLProviderArn: made.SAMLProviderArn})),
	} {
		if wardertest.Code(err) != "NoSuchEntity" || wardertest.Message(err) != "Manifest not found for arn "+samlARN+"idp" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// second is the error of a call.
func second[T any](_ T, err error) error { return err }

func TestUpdateSAMLProvider(t *testing.T) {
	s := wardertest.Start(t)
	c, ctx := s.IAM(s.Admin), t.Context()
	metadata := samltest.New("https://idp.example.com/metadata", 0).Metadata()
	made, err := c.CreateSAMLProvider(ctx, &iam.CreateSAMLProviderInput{Name: aws.String("idp"), SAMLMetadataDocument: &metadata})
	if err != nil {
		t.Fatal(err)
	}
	get := func() *iam.GetSAMLProviderOutput {
		t.Helper()
		out, err := c.GetSAMLProvider(ctx, &iam.GetSAMLProviderInput{SAMLProviderArn: made.SAMLProviderArn})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	key := aws.String(samltest.PEM(samltest.Key(2)))
	steps := []struct {
		name          string
		in            iam.UpdateSAMLProviderInput
		code, message string
	}{
		{"nothing", iam.UpdateSAMLProviderInput{}, "ValidationError", "Unable to update identity provider. No updates are defined for metadata or encryption assertion."},
		{"no metadata", iam.UpdateSAMLProviderInput{SAMLMetadataDocument: aws.String(strings.Repeat("x", 1000))}, "InvalidInput", "Could not parse metadata"},
		{"short metadata", iam.UpdateSAMLProviderInput{SAMLMetadataDocument: aws.String("x")}, "ValidationError", ""},
		{"other metadata", iam.UpdateSAMLProviderInput{SAMLMetadataDocument: aws.String(samltest.New("urn:other", 1).Metadata())}, "", ""},
		{"no key to encrypt to", iam.UpdateSAMLProviderInput{AssertionEncryptionMode: "Required"}, "InvalidInput", "Failed to set assertion encryption mode to Required because no private key is present."},
		{"a mode that is none", iam.UpdateSAMLProviderInput{AssertionEncryptionMode: "Never"}, "ValidationError", ""},
		{"a key that is none", iam.UpdateSAMLProviderInput{AddPrivateKey: aws.String("key")}, "InvalidInput", "Invalid private key. Key format is not recognized. The private key file must be a .pem file."},
		{"adding and removing", iam.UpdateSAMLProviderInput{AddPrivateKey: key, RemovePrivateKey: aws.String("SAMLKAAAAAAAAAAAAAAAAA")}, "ValidationError", "Unable to add and remove private keys in the same request. Set a value for only one of the two parameters."},
		{"a key and the mode", iam.UpdateSAMLProviderInput{AddPrivateKey: key, AssertionEncryptionMode: "Required"}, "", ""},
		{"another key", iam.UpdateSAMLProviderInput{AddPrivateKey: key}, "", ""},
		{"a third key", iam.UpdateSAMLProviderInput{AddPrivateKey: key}, "LimitExceeded", "Private key limit of 2 is reached."},
		{"removing a key that is not there", iam.UpdateSAMLProviderInput{RemovePrivateKey: aws.String("SAMLKAAAAAAAAAAAAAAAAA")}, "InvalidInput", "Failed to remove private key because the Key ID does not match a private key."},
	}
	for _, step := range steps {
		step.in.SAMLProviderArn = made.SAMLProviderArn
		out, err := c.UpdateSAMLProvider(ctx, &step.in)
		if wardertest.Code(err) != step.code || step.message != "" && wardertest.Message(err) != step.message {
			t.Errorf("%s: %v", step.name, err)
		}
		if err == nil && *out.SAMLProviderArn != *made.SAMLProviderArn {
			t.Errorf("%s: %+v", step.name, out)
		}
	}
	got := get()
	if !strings.Contains(*got.SAMLMetadataDocument, "urn:other") || got.AssertionEncryptionMode != "Required" || len(got.PrivateKeyList) != 2 {
		t.Fatalf("%+v", got)
	}
	remove := func(i int) error {
		return second(c.UpdateSAMLProvider(ctx, &iam.UpdateSAMLProviderInput{SAMLProviderArn: made.SAMLProviderArn, RemovePrivateKey: got.PrivateKeyList[i].KeyId}))
	}
	wardertest.WantCode(t, remove(0), "")
	if err := remove(1); wardertest.Code(err) != "InvalidInput" || wardertest.Message(err) != "Failed to remove private key." {
		t.Errorf("the last key: %v", err)
	}
	_, err = c.UpdateSAMLProvider(ctx, &iam.UpdateSAMLProviderInput{SAMLProviderArn: made.SAMLProviderArn, AssertionEncryptionMode: "Allowed", RemovePrivateKey: got.PrivateKeyList[1].KeyId})
	wardertest.WantCode(t, err, "")
	if got := get(); got.AssertionEncryptionMode != "Allowed" || len(got.PrivateKeyList) > 0 {
		t.Errorf("%+v", got)
	}
}

func TestSAMLProviderRefuses(t *testing.T) {
	s := wardertest.Start(t)
	c, ctx := s.IAM(s.Admin), t.Context()
	metadata := aws.String(samltest.New("https://idp.example.com/metadata", 0).Metadata())
	create := func(in iam.CreateSAMLProviderInput) error {
		if in.SAMLMetadataDocument == nil {
			in.SAMLMetadataDocument = metadata
		}
		return second(c.CreateSAMLProvider(ctx, &in))
	}
	for i := range 100 {
		wardertest.WantCode(t, create(iam.CreateSAMLProviderInput{Name: aws.String(fmt.Sprint("idp", i))}), "")
	}
	for name, tc := range map[string]struct {
		err           error
		code, message string
	}{
		"one too many":       {create(iam.CreateSAMLProviderInput{Name: aws.String("more")}), "LimitExceeded", "Cannot exceed quota for SAMLProvidersPerAccount: 100"},
		"a name twice":       {create(iam.CreateSAMLProviderInput{Name: aws.String("IDP1")}), "EntityAlreadyExists", "Provider with name IDP1 already exists."},
		"a name with a path": {create(iam.CreateSAMLProviderInput{Name: aws.String("a/b")}), "ValidationError", ""},
		"no metadata":        {create(iam.CreateSAMLProviderInput{Name: aws.String("x"), SAMLMetadataDocument: aws.String(strings.Repeat("<a/>", 300))}), "InvalidInput", "Could not parse metadata"},
		"no provider": {create(iam.CreateSAMLProviderInput{Name: aws.String("x"), SAMLMetadataDocument: aws.String(`<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="x"/>` + strings.Repeat(" ", 1000))}),
			"InvalidInput", "SAML Providers must reference at least one SAML assertion issuer."},
		"no key to encrypt to": {create(iam.CreateSAMLProviderInput{Name: aws.String("x"), AssertionEncryptionMode: "Required"}),
			"ValidationError", "Unable to set assertion encryption mode to Required because no private key is provided."},
		"an encrypted key": {create(iam.CreateSAMLProviderInput{Name: aws.String("x"), AddPrivateKey: aws.String("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n")}),
			"InvalidInput", "Invalid private key. The key is encrypted."},
		"another account's": {second(c.GetSAMLProvider(ctx, &iam.GetSAMLProviderInput{SAMLProviderArn: aws.String("arn:aws:iam::444455556666:saml-provider/idp1")})), "AccessDenied", ""},
		"no ARN":            {second(c.GetSAMLProvider(ctx, &iam.GetSAMLProviderInput{SAMLProviderArn: aws.String("idp1-idp1-idp1-idp1-idp1")})), "ValidationError", "ARN idp1-idp1-idp1-idp1-idp1 is not valid."},
		"another case":      {second(c.GetSAMLProvider(ctx, &iam.GetSAMLProviderInput{SAMLProviderArn: aws.String(samlARN + "IDP1")})), "NoSuchEntity", ""},
	} {
		if wardertest.Code(tc.err) != tc.code && name != "another account's" || tc.message != "" && wardertest.Message(tc.err) != tc.message {
			t.Errorf("%s: %v", name, tc.err)
		}
		if tc.err == nil {
			t.Errorf("%s: granted", name)
		}
	}
}

// Each action is asked for on the provider, with its tags.
func TestSAMLProviderAccess(t *testing.T) {
	s := wardertest.Start(t)
	ctx := t.Context()
	metadata := aws.String(samltest.New("https://idp.example.com/metadata", 0).Metadata())
	policy := `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":["iam:CreateSAMLProvider","iam:TagSAMLProvider"],"Resource":"` + samlARN + `blue","Condition":{"StringEquals":{"aws:RequestTag/team":"blue"}}},
		{"Effect":"Allow","Action":["iam:GetSAMLProvider","iam:UpdateSAMLProvider"],"Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/team":"blue"}}}]}`
	c := s.IAM(s.User(s.Admin, "u", policy))
	blue := []types.Tag{{Key: aws.String("team"), Value: aws.String("blue")}}
	create := func(name string, tags []types.Tag) error {
		return second(c.CreateSAMLProvider(ctx, &iam.CreateSAMLProviderInput{Name: &name, SAMLMetadataDocument: metadata, Tags: tags}))
	}
	wardertest.WantCode(t, create("blue", nil), "AccessDenied")
	wardertest.WantCode(t, create("red", blue), "AccessDenied")
	wardertest.WantCode(t, create("blue", blue), "")
	if _, err := s.IAM(s.Admin).CreateSAMLProvider(ctx, &iam.CreateSAMLProviderInput{Name: aws.String("red"), SAMLMetadataDocument: metadata}); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"blue": "", "red": "AccessDenied"} {
		wardertest.WantCode(t, second(c.GetSAMLProvider(ctx, &iam.GetSAMLProviderInput{SAMLProviderArn: aws.String(samlARN + name)})), want)
		wardertest.WantCode(t, second(c.UpdateSAMLProvider(ctx, &iam.UpdateSAMLProviderInput{SAMLProviderArn: aws.String(samlARN + name), SAMLMetadataDocument: metadata})), want)
		wardertest.WantCode(t, second(c.DeleteSAMLProvider(ctx, &iam.DeleteSAMLProviderInput{SAMLProviderArn: aws.String(samlARN + name)})), "AccessDenied")
	}
}
