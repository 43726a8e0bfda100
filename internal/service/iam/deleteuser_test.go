package iam_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/warder-iam/warder/internal/wardertest"
)

// Whatever hangs on a user keeps it from being deleted, until it is taken away.
func TestDeleteUserConflicts(t *testing.T) {
	s := wardertest.Start(t)
	client, ctx, bob := s.IAM(s.Admin), t.Context(), aws.String("Bob")
	makeUser(t, client, "Bob")
	makeGroup(t, client, "/", "Team")
	policy := makePolicy(t, client, "P")
	line, _, _ := sshKey(t, 2048)
	const referenced = "Cannot delete entity, must remove referenced objects first."
	var key, sshID, signing, credential, device *string
	for _, tt := range []struct {
		name, sentence string
		add, remove    func() error
	}{
		{"an attached policy", "Cannot delete entity, must detach all policies first.",
			func() error {
				return errOf(client.AttachUserPolicy(ctx, &iam.AttachUserPolicyInput{UserName: bob, PolicyArn: &policy}))
			},
			func() error {
				return errOf(client.DetachUserPolicy(ctx, &iam.DetachUserPolicyInput{UserName: bob, PolicyArn: &policy}))
			}},
		{"an inline policy", "Cannot delete entity, must delete policies first.",
			func() error {
				return errOf(client.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: bob, PolicyName: aws.String("p"), PolicyDocument: aws.String(allow("s3:*", "*", ""))}))
			},
			func() error {
				return errOf(client.DeleteUserPolicy(ctx, &iam.DeleteUserPolicyInput{UserName: bob, PolicyName: aws.String("p")}))
			}},
		{"a group", "Cannot delete entity, must remove users from group first.",
			func() error {
				return errOf(client.AddUserToGroup(ctx, &iam.AddUserToGroupInput{UserName: bob, GroupName: aws.String("Team")}))
			},
			func() error {
				return errOf(client.RemoveUserFromGroup(ctx, &iam.RemoveUserFromGroupInput{UserName: bob, GroupName: aws.String("Team")}))
			}},
		{"a login profile", "Cannot delete entity, must delete login profile first.",
			func() error {
				return errOf(client.CreateLoginProfile(ctx, &iam.CreateLoginProfileInput{UserName: bob, Password: aws.String("Passw0rd!!")}))
			},
			func() error {
				return errOf(client.DeleteLoginProfile(ctx, &iam.DeleteLoginProfileInput{UserName: bob}))
			}},
		{"an access key", "Cannot delete entity, must delete access keys first.",
			func() error {
				key = makeKey(t, client, bob).AccessKeyId
				return nil
			},
			func() error {
				return errOf(client.DeleteAccessKey(ctx, &iam.DeleteAccessKeyInput{UserName: bob, AccessKeyId: key}))
			}},
		{"an MFA device", "Cannot delete entity, must remove tokens from principal first.",
			func() error {
				phone := newPhone(t, s, s.Admin, "phone")
				device = aws.String(accountARN + "mfa/phone")
				return phone.enable(s.Admin, "Bob")
			},
			func() error {
				return errOf(client.DeactivateMFADevice(ctx, &iam.DeactivateMFADeviceInput{UserName: bob, SerialNumber: device}))
			}},
		{"a signing certificate", "Cannot delete entity, must delete certificates first.",
			func() error {
				signing = uploadSigning(t, client, bob, ecParty(t, "x", nil).body()).CertificateId
				return nil
			},
			func() error {
				return errOf(client.DeleteSigningCertificate(ctx, &iam.DeleteSigningCertificateInput{UserName: bob, CertificateId: signing}))
			}},
		{"an SSH public key", referenced,
			func() error {
				sshID = uploadSSHKey(t, client, "Bob", line).SSHPublicKeyId
				return nil
			},
			func() error {
				return errOf(client.DeleteSSHPublicKey(ctx, &iam.DeleteSSHPublicKeyInput{UserName: bob, SSHPublicKeyId: sshID}))
			}},
		{"a service-specific credential", referenced,
			func() error {
				out, err := client.CreateServiceSpecificCredential(ctx, &iam.CreateServiceSpecificCredentialInput{UserName: bob, ServiceName: aws.String("codecommit.amazonaws.com")})
				if err == nil {
					credential = out.ServiceSpecificCredential.ServiceSpecificCredentialId
				}
				return err
			},
			func() error {
				return errOf(client.DeleteServiceSpecificCredential(ctx, &iam.DeleteServiceSpecificCredentialInput{UserName: bob, ServiceSpecificCredentialId: credential}))
			}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			must(t, tt.add())
			wantError(t, errOf(client.DeleteUser(ctx, &iam.DeleteUserInput{UserName: bob})), "DeleteConflict", tt.sentence)
			must(t, tt.remove())
		})
	}
	must(t, errOf(client.DeleteUser(ctx, &iam.DeleteUserInput{UserName: bob})))
}
