package iam_test

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/warder-iam/warder/internal/wardertest"
)

// taggedKind is a kind of resource that takes tags, with its three operations.
type taggedKind struct {
	name    string
	there   string // a resource that is there, by name, ARN or serial number
	missing string
	refusal string // for the missing one
	tag     func(on string, tags []types.Tag) error
	untag   func(on string, keys []string) error
	list    func(on string, marker *string, max *int32) (tags []types.Tag, more bool, next *string, err error)
}

// taggedKinds makes one resource of every kind that takes tags.
func taggedKinds(t *testing.T, client *iam.Client) []taggedKind {
	t.Helper()
	ctx := t.Context()
	must(t, errOf(client.CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String("Ann")})))
	must(t, errOf(client.CreateInstanceProfile(ctx, &iam.CreateInstanceProfileInput{InstanceProfileName: aws.String("Box")})))
	makeRole(t, client, "Worker")
	policy := makePolicy(t, client, "P")
	device, err := client.CreateVirtualMFADevice(ctx, &iam.CreateVirtualMFADeviceInput{VirtualMFADeviceName: aws.String("phone")})
	must(t, err)
	own := ecParty(t, "own", nil)
	must(t, errOf(client.UploadServerCertificate(ctx, &iam.UploadServerCertificateInput{
		ServerCertificateName: aws.String("Web"), CertificateBody: aws.String(own.body()), PrivateKey: aws.String(own.pkcs8(t)),
	})))
	return []taggedKind{
		{
			"ServerCertificate", "WEB", "ghost", "The Server Certificate with name ghost cannot be found.",
			func(on string, tags []types.Tag) error {
				return errOf(client.TagServerCertificate(ctx, &iam.TagServerCertificateInput{ServerCertificateName: &on, Tags: tags}))
			},
			func(on string, keys []string) error {
				return errOf(client.UntagServerCertificate(ctx, &iam.UntagServerCertificateInput{ServerCertificateName: &on, TagKeys: keys}))
			},
			func(on string, marker *string, max *int32) ([]types.Tag, bool, *string, error) {
				out, err := client.ListServerCertificateTags(ctx, &iam.ListServerCertificateTagsInput{ServerCertificateName: &on, Marker: marker, MaxItems: max})
				if err != nil {
					return nil, false, nil, err
				}
				return out.Tags, out.IsTruncated, out.Marker, nil
			},
		},
		{
			"User", "ANN", "ghost", "The user with name ghost cannot be found.",
			func(on string, tags []types.Tag) error {
				return errOf(client.TagUser(ctx, &iam.TagUserInput{UserName: &on, Tags: tags}))
			},
			func(on string, keys []string) error {
				return errOf(client.UntagUser(ctx, &iam.UntagUserInput{UserName: &on, TagKeys: keys}))
			},
			func(on string, marker *string, max *int32) ([]types.Tag, bool, *string, error) {
				out, err := client.ListUserTags(ctx, &iam.ListUserTagsInput{UserName: &on, Marker: marker, MaxItems: max})
				if err != nil {
					return nil, false, nil, err
				}
				return out.Tags, out.IsTruncated, out.Marker, nil
			},
		},
		{
			"Role", "WORKER", "ghost", "The role with name ghost cannot be found.",
			func(on string, tags []types.Tag) error {
				return errOf(client.TagRole(ctx, &iam.TagRoleInput{RoleName: &on, Tags: tags}))
			},
			func(on string, keys []string) error {
				return errOf(client.UntagRole(ctx, &iam.UntagRoleInput{RoleName: &on, TagKeys: keys}))
			},
			func(on string, marker *string, max *int32) ([]types.Tag, bool, *string, error) {
				out, err := client.ListRoleTags(ctx, &iam.ListRoleTagsInput{RoleName: &on, Marker: marker, MaxItems: max})
				if err != nil {
					return nil, false, nil, err
				}
				return out.Tags, out.IsTruncated, out.Marker, nil
			},
		},
		{
			"InstanceProfile", "BOX", "ghost", "Instance Profile ghost cannot be found.",
			func(on string, tags []types.Tag) error {
				return errOf(client.TagInstanceProfile(ctx, &iam.TagInstanceProfileInput{InstanceProfileName: &on, Tags: tags}))
			},
			func(on string, keys []string) error {
				return errOf(client.UntagInstanceProfile(ctx, &iam.UntagInstanceProfileInput{InstanceProfileName: &on, TagKeys: keys}))
			},
			func(on string, marker *string, max *int32) ([]types.Tag, bool, *string, error) {
				out, err := client.ListInstanceProfileTags(ctx, &iam.ListInstanceProfileTagsInput{InstanceProfileName: &on, Marker: marker, MaxItems: max})
				if err != nil {
					return nil, false, nil, err
				}
				return out.Tags, out.IsTruncated, out.Marker, nil
			},
		},
		{
			"Policy", policy, accountARN + "policy/ghost", "Policy " + accountARN + "policy/ghost was not found.",
			func(on string, tags []types.Tag) error {
				return errOf(client.TagPolicy(ctx, &iam.TagPolicyInput{PolicyArn: &on, Tags: tags}))
			},
			func(on string, keys []string) error {
				return errOf(client.UntagPolicy(ctx, &iam.UntagPolicyInput{PolicyArn: &on, TagKeys: keys}))
			},
			func(on string, marker *string, max *int32) ([]types.Tag, bool, *string, error) {
				out, err := client.ListPolicyTags(ctx, &iam.ListPolicyTagsInput{PolicyArn: &on, Marker: marker, MaxItems: max})
				if err != nil {
					return nil, false, nil, err
				}
				return out.Tags, out.IsTruncated, out.Marker, nil
			},
		},
		{
			"MFADevice", *device.VirtualMFADevice.SerialNumber, accountARN + "mfa/ghost",
			"MFA Device with serial number " + accountARN + "mfa/ghost does not exist.",
			func(on string, tags []types.Tag) error {
				return errOf(client.TagMFADevice(ctx, &iam.TagMFADeviceInput{SerialNumber: &on, Tags: tags}))
			},
			func(on string, keys []string) error {
				return errOf(client.UntagMFADevice(ctx, &iam.UntagMFADeviceInput{SerialNumber: &on, TagKeys: keys}))
			},
			func(on string, marker *string, max *int32) ([]types.Tag, bool, *string, error) {
				out, err := client.ListMFADeviceTags(ctx, &iam.ListMFADeviceTagsInput{SerialNumber: &on, Marker: marker, MaxItems: max})
				if err != nil {
					return nil, false, nil, err
				}
				return out.Tags, out.IsTruncated, out.Marker, nil
			},
		},
	}
}

// tagList makes tags of key, value, key, value, ….
func tagList(pairs ...string) []types.Tag {
	tags := []types.Tag{}
	for i := 0; i < len(pairs); i += 2 {
		tags = append(tags, types.Tag{Key: &pairs[i], Value: &pairs[i+1]})
	}
	return tags
}

func TestTags(t *testing.T) {
	s := wardertest.Start(t)
	for _, k := range taggedKinds(t, s.IAM(s.Admin)) {
		t.Run(k.name, func(t *testing.T) {
			has := func(want ...string) {
				t.Helper()
				tags, more, next, err := k.list(k.there, nil, nil)
				must(t, err)
				same(t, "tags", tags, tagList(want...))
				if more || next != nil {
					t.Errorf("there is more: %v %v", more, next)
				}
			}
			has()
			must(t, k.tag(k.there, tagList("Team", "a", "Zone", "", "Area", "51")))
			has("Area", "51", "Team", "a", "Zone", "") // by key
			must(t, k.tag(k.there, tagList("TEAM", "b", "new", "tag")))
			has("Area", "51", "TEAM", "b", "Zone", "", "new", "tag")
			must(t, k.untag(k.there, []string{"team", "AREA", "was-never-there"}))
			has("Zone", "", "new", "tag")

			wantError(t, k.tag(k.missing, tagList("a", "b")), "NoSuchEntity", k.refusal)
			wantError(t, k.untag(k.missing, []string{"a"}), "NoSuchEntity", k.refusal)
			_, _, _, err := k.list(k.missing, nil, nil)
			wantError(t, err, "NoSuchEntity", k.refusal)

			wantError(t, k.tag(k.there, tagList("k", "1", "K", "2")), "InvalidInput", "Duplicate tag keys found. Please note that Tag keys are case insensitive.")
			for _, key := range []string{"aws:x", "AWS:x"} {
				wardertest.WantCode(t, k.tag(k.there, tagList("fine", "1", key, "2")), "InvalidInput")
			}
			switch k.name { // as recorded
			case "User":
				wantError(t, k.tag(k.there, tagList()), "InvalidInput", "Error occurred while validating input. ")
			case "ServerCertificate":
				wantError(t, k.tag(k.there, tagList()), "InvalidInput", "The provided tag map must not be null/empty.")
				wantError(t, k.untag(k.there, []string{}), "InvalidInput", "The provided tag keys must not be null/empty.")
			}
			wantError(t, k.tag(k.there, tagList("aws:x", "1", "aws:x", "2")), "InvalidInput", "Tag keys beginning with aws: are reserved for system use.")
			has("Zone", "", "new", "tag") // a refused request changes nothing

			var many []string
			for i := range 48 {
				many = append(many, fmt.Sprintf("k%02d", i), "v")
			}
			must(t, k.tag(k.there, tagList(many...)))
			wantError(t, k.tag(k.there, tagList("one", "more")), "LimitExceeded", "The number of tags has reached the maximum limit.")
			must(t, k.tag(k.there, tagList("ZONE", "51st", "NEW", "50th"))) // in place of two that are there
			wantError(t, k.tag(k.there, tagList(append(many, "a", "", "b", "", "c", "")...)), "ValidationError",
				"… at 'tags' failed to satisfy constraint: Member must have length less than or equal to 50")

			var got []types.Tag
			for marker, more := (*string)(nil), true; more; {
				var part []types.Tag
				var err error
				part, more, marker, err = k.list(k.there, marker, aws.Int32(20))
				must(t, err)
				got = append(got, part...)
			}
			want := tagList(append([]string{"NEW", "50th", "ZONE", "51st"}, many...)...)
			same(t, "tags over all pages", got, want)
			_, _, _, err = k.list(k.there, aws.String("x"), nil)
			wantError(t, err, "ValidationError", "Invalid Marker.")
		})
	}
}

// The tags, policies and devices of one account are nothing to another, even to
// an administrator of it.
func TestTagsOfAnotherAccount(t *testing.T) {
	s := wardertest.Start(t)
	ctx := t.Context()
	ours := s.IAM(s.Admin)
	policy := makePolicy(t, ours, "P")
	device, err := ours.CreateVirtualMFADevice(ctx, &iam.CreateVirtualMFADeviceInput{VirtualMFADeviceName: aws.String("phone")})
	must(t, err)
	_, admin, root := s.NewAccount()
	for _, who := range []wardertest.Credentials{admin, root} {
		theirs := s.IAM(who)
		for _, err := range []error{
			errOf(theirs.TagPolicy(ctx, &iam.TagPolicyInput{PolicyArn: &policy, Tags: tagList("a", "b")})),
			errOf(theirs.UntagPolicy(ctx, &iam.UntagPolicyInput{PolicyArn: &policy, TagKeys: []string{"a"}})),
			errOf(theirs.ListPolicyTags(ctx, &iam.ListPolicyTagsInput{PolicyArn: &policy})),
			errOf(theirs.TagMFADevice(ctx, &iam.TagMFADeviceInput{SerialNumber: device.VirtualMFADevice.SerialNumber, Tags: tagList("a", "b")})),
			errOf(theirs.ListMFADeviceTags(ctx, &iam.ListMFADeviceTagsInput{SerialNumber: device.VirtualMFADevice.SerialNumber})),
		} {
			if code := wardertest.Code(err); code != "AccessDenied" && code != "NoSuchEntity" {
				t.Errorf("got %v", err)
			}
		}
	}
	tags, err := ours.ListPolicyTags(ctx, &iam.ListPolicyTagsInput{PolicyArn: &policy})
	if err != nil || len(tags.Tags) != 0 {
		t.Errorf("tags: %v, %v", tags, err)
	}
}
