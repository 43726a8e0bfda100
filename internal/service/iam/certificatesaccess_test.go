package iam_test

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/warder-iam/warder/internal/wardertest"
)

// What the operations on SSH keys and certificates are authorized on.
func TestCertificateAccess(t *testing.T) {
	s := wardertest.Start(t)
	admin, ctx := s.IAM(s.Admin), t.Context()
	tags := tagList("team", "blue")
	must(t, errOf(admin.CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String("Jane"), Path: aws.String("/eng/"), Tags: tags})))
	jane := aws.String("Jane")
	line, _, _ := sshKey(t, 2048)
	key := uploadSSHKey(t, admin, "Jane", line).SSHPublicKeyId
	next, _, _ := sshKey(t, 2048)
	one, two := ecParty(t, "1", nil), ecParty(t, "2", nil)
	signing := uploadSigning(t, admin, jane, one.body()).CertificateId
	must(t, errOf(admin.UploadServerCertificate(ctx, &iam.UploadServerCertificateInput{
		ServerCertificateName: aws.String("Web"), Path: aws.String("/eng/"), CertificateBody: aws.String(one.body()), PrivateKey: aws.String(one.pkcs8(t)), Tags: tags,
	})))
	web, webARN := aws.String("Web"), accountARN+"server-certificate/eng/Web"

	tagged := map[string]string{"aws:ResourceTag/team": "blue", "iam:ResourceTag/team": "blue"}
	with := func(more map[string]string) map[string]string {
		for k, v := range tagged {
			more[k] = v
		}
		return more
	}
	checkAccess(t, s, []access{
		{op: "UploadSSHPublicKey", resource: janeARN, keys: tagged, call: callable((*iam.Client).UploadSSHPublicKey, &iam.UploadSSHPublicKeyInput{UserName: jane, SSHPublicKeyBody: &next})},
		{op: "GetSSHPublicKey", resource: janeARN, keys: tagged, call: callable((*iam.Client).GetSSHPublicKey, &iam.GetSSHPublicKeyInput{UserName: jane, SSHPublicKeyId: key, Encoding: "SSH"})},
		{op: "ListSSHPublicKeys", resource: janeARN, keys: tagged, call: callable((*iam.Client).ListSSHPublicKeys, &iam.ListSSHPublicKeysInput{UserName: jane})},
		{op: "UpdateSSHPublicKey", resource: janeARN, keys: tagged, call: callable((*iam.Client).UpdateSSHPublicKey, &iam.UpdateSSHPublicKeyInput{UserName: jane, SSHPublicKeyId: key, Status: "Inactive"})},
		{op: "DeleteSSHPublicKey", resource: janeARN, keys: tagged, call: callable((*iam.Client).DeleteSSHPublicKey, &iam.DeleteSSHPublicKeyInput{UserName: jane, SSHPublicKeyId: key})},

		{op: "UploadSigningCertificate", resource: janeARN, keys: tagged, call: callable((*iam.Client).UploadSigningCertificate, &iam.UploadSigningCertificateInput{UserName: jane, CertificateBody: aws.String(two.body())})},
		{op: "ListSigningCertificates", resource: janeARN, keys: tagged, call: callable((*iam.Client).ListSigningCertificates, &iam.ListSigningCertificatesInput{UserName: jane})},
		{op: "UpdateSigningCertificate", resource: janeARN, keys: tagged, call: callable((*iam.Client).UpdateSigningCertificate, &iam.UpdateSigningCertificateInput{UserName: jane, CertificateId: signing, Status: "Inactive"})},
		{op: "DeleteSigningCertificate", resource: janeARN, keys: tagged, call: callable((*iam.Client).DeleteSigningCertificate, &iam.DeleteSigningCertificateInput{UserName: jane, CertificateId: signing})},

		{op: "UploadServerCertificate", resource: accountARN + "server-certificate/new/Fresh", also: "iam:TagServerCertificate",
			keys: map[string]string{"aws:RequestTag/cost": "42", "aws:TagKeys": "cost"},
			call: callable((*iam.Client).UploadServerCertificate, &iam.UploadServerCertificateInput{
				ServerCertificateName: aws.String("Fresh"), Path: aws.String("/new/"), CertificateBody: aws.String(one.body()), PrivateKey: aws.String(one.pkcs8(t)), Tags: tagList("cost", "42"),
			})},
		{op: "UploadServerCertificate", resource: accountARN + "server-certificate/Untagged", call: callable((*iam.Client).UploadServerCertificate, &iam.UploadServerCertificateInput{
			ServerCertificateName: aws.String("Untagged"), CertificateBody: aws.String(one.body()), PrivateKey: aws.String(one.pkcs8(t)),
		})},
		{op: "GetServerCertificate", resource: webARN, keys: tagged, call: callable((*iam.Client).GetServerCertificate, &iam.GetServerCertificateInput{ServerCertificateName: web})},
		{op: "ListServerCertificates", resource: "*", call: callable((*iam.Client).ListServerCertificates, &iam.ListServerCertificatesInput{})},
		{op: "UpdateServerCertificate", resource: webARN, keys: tagged, call: callable((*iam.Client).UpdateServerCertificate, &iam.UpdateServerCertificateInput{ServerCertificateName: web})},
		{op: "ListServerCertificateTags", resource: webARN, keys: tagged, call: callable((*iam.Client).ListServerCertificateTags, &iam.ListServerCertificateTagsInput{ServerCertificateName: web})},
		{op: "TagServerCertificate", resource: webARN, keys: with(map[string]string{"aws:RequestTag/cost": "42", "aws:TagKeys": "cost"}),
			call: callable((*iam.Client).TagServerCertificate, &iam.TagServerCertificateInput{ServerCertificateName: web, Tags: tagList("cost", "42")})},
		{op: "UntagServerCertificate", resource: webARN, keys: with(map[string]string{"aws:TagKeys": "cost"}),
			call: callable((*iam.Client).UntagServerCertificate, &iam.UntagServerCertificateInput{ServerCertificateName: web, TagKeys: []string{"cost"}})},
		{op: "DeleteServerCertificate", resource: webARN, keys: tagged, call: callable((*iam.Client).DeleteServerCertificate, &iam.DeleteServerCertificateInput{ServerCertificateName: web})},
	})
}

// Another name or path of a server certificate needs permission on both ends.
func TestRenameServerCertificateAccess(t *testing.T) {
	s := wardertest.Start(t)
	admin, ctx := s.IAM(s.Admin), t.Context()
	own := ecParty(t, "own", nil)
	must(t, errOf(admin.UploadServerCertificate(ctx, &iam.UploadServerCertificateInput{
		ServerCertificateName: aws.String("Web"), CertificateBody: aws.String(own.body()), PrivateKey: aws.String(own.pkcs8(t)),
	})))
	from, to := accountARN+"server-certificate/Web", accountARN+"server-certificate/x/WWW"
	both := fmt.Sprintf(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"iam:UpdateServerCertificate","Resource":[%q,%q]}}`, from, to)
	for _, c := range []struct{ user, doc, code string }{
		{"old", allow("iam:UpdateServerCertificate", from, ""), "AccessDenied"},
		{"new", allow("iam:UpdateServerCertificate", to, ""), "AccessDenied"},
		{"both", both, ""},
	} {
		client := s.IAM(s.User(s.Admin, c.user, c.doc))
		_, err := client.UpdateServerCertificate(ctx, &iam.UpdateServerCertificateInput{ServerCertificateName: aws.String("Web"), NewServerCertificateName: aws.String("WWW"), NewPath: aws.String("/x/")})
		wardertest.WantCode(t, err, c.code)
	}
}
