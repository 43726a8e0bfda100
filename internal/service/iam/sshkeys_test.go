package iam_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"math/big"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"golang.org/x/crypto/ssh"

	"github.com/warder-iam/warder/internal/wardertest"
)

// sshKey is a new public key, as ssh-keygen writes it without a comment, and in
// PEM. Nobody needs the private one, so the modulus is any odd number of the size.
func sshKey(t testing.TB, bits int) (line, asPEM, fingerprint string) {
	t.Helper()
	n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), uint(bits-1)))
	must(t, err)
	public := &rsa.PublicKey{N: n.SetBit(n.SetBit(n, 0, 1), bits-1, 1), E: 65537}
	key, err := ssh.NewPublicKey(public)
	must(t, err)
	der, err := x509.MarshalPKIXPublicKey(public)
	must(t, err)
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key))), pemOf("PUBLIC KEY", der), ssh.FingerprintLegacyMD5(key)
}

func uploadSSHKey(t testing.TB, client *iam.Client, user, body string) *types.SSHPublicKey {
	t.Helper()
	out, err := client.UploadSSHPublicKey(t.Context(), &iam.UploadSSHPublicKeyInput{UserName: &user, SSHPublicKeyBody: &body})
	must(t, err)
	return out.SSHPublicKey
}

func TestSSHPublicKeys(t *testing.T) {
	s := wardertest.Start(t)
	client, ctx := s.IAM(s.Admin), t.Context()
	makeUser(t, client, "Bob")
	bob := aws.String("Bob")
	list := func() []types.SSHPublicKeyMetadata {
		t.Helper()
		out, err := client.ListSSHPublicKeys(ctx, &iam.ListSSHPublicKeysInput{UserName: bob})
		must(t, err)
		if out.IsTruncated || out.Marker != nil {
			t.Error("the list goes on")
		}
		return out.SSHPublicKeys
	}
	same(t, "no keys", list(), []types.SSHPublicKeyMetadata{})

	line, asPEM, fingerprint := sshKey(t, 2048)
	k := uploadSSHKey(t, client, "BOB", line+" bob@example.com\n")
	if !regexp.MustCompile(`^APKA[A-Z2-7]{16}$`).MatchString(*k.SSHPublicKeyId) || k.UploadDate == nil || !regexp.MustCompile(`^([0-9a-f]{2}:){15}[0-9a-f]{2}$`).MatchString(*k.Fingerprint) {
		t.Errorf("uploaded %s", dump(k))
	}
	want := &types.SSHPublicKey{
		UserName: bob, SSHPublicKeyId: k.SSHPublicKeyId, SSHPublicKeyBody: &line, Fingerprint: &fingerprint,
		Status: types.StatusTypeActive, UploadDate: k.UploadDate,
	}
	sent := *want
	sent.SSHPublicKeyBody = aws.String(line + " bob@example.com\n")
	same(t, "UploadSSHPublicKey", k, &sent)
	meta := types.SSHPublicKeyMetadata{UserName: bob, SSHPublicKeyId: k.SSHPublicKeyId, Status: types.StatusTypeActive, UploadDate: k.UploadDate}
	same(t, "ListSSHPublicKeys", list(), []types.SSHPublicKeyMetadata{meta})

	get := func(encoding types.EncodingType) *types.SSHPublicKey {
		t.Helper()
		out, err := client.GetSSHPublicKey(ctx, &iam.GetSSHPublicKeyInput{UserName: bob, SSHPublicKeyId: k.SSHPublicKeyId, Encoding: encoding})
		must(t, err)
		return out.SSHPublicKey
	}
	same(t, "GetSSHPublicKey", get(types.EncodingTypeSsh), want)
	want.SSHPublicKeyBody = aws.String(asPEM + "\n")
	same(t, "GetSSHPublicKey in PEM", get(types.EncodingTypePem), want)

	for _, status := range []types.StatusType{types.StatusTypeInactive, types.StatusTypeActive} {
		must(t, errOf(client.UpdateSSHPublicKey(ctx, &iam.UpdateSSHPublicKeyInput{UserName: bob, SSHPublicKeyId: k.SSHPublicKeyId, Status: status})))
		same(t, "status", get(types.EncodingTypeSsh).Status, status)
		same(t, "status in the list", list()[0].Status, status)
	}

	// In PEM, it is answered in PEM; the same key is the same in both forms.
	wantError(t, errOf(client.UploadSSHPublicKey(ctx, &iam.UploadSSHPublicKeyInput{UserName: bob, SSHPublicKeyBody: &asPEM})),
		"DuplicateSSHPublicKey", "Duplicate SSH public key uploaded.")
	must(t, errOf(client.DeleteSSHPublicKey(ctx, &iam.DeleteSSHPublicKeyInput{UserName: bob, SSHPublicKeyId: k.SSHPublicKeyId})))
	same(t, "no keys", list(), []types.SSHPublicKeyMetadata{})
	same(t, "uploaded in PEM", uploadSSHKey(t, client, "Bob", asPEM).SSHPublicKeyBody, &asPEM)
}

func TestSSHPublicKeyPagesAndQuota(t *testing.T) {
	s := wardertest.Start(t)
	client, ctx := s.IAM(s.Admin), t.Context()
	makeUser(t, client, "Bob")
	makeUser(t, client, "Eve")
	bodies, all := []string{}, map[string]bool{}
	for range 5 {
		line, _, _ := sshKey(t, 2048)
		bodies = append(bodies, line)
		all[*uploadSSHKey(t, client, "Bob", line).SSHPublicKeyId] = true
	}
	line, _, _ := sshKey(t, 4096)
	_, err := client.UploadSSHPublicKey(ctx, &iam.UploadSSHPublicKeyInput{UserName: aws.String("Bob"), SSHPublicKeyBody: &line})
	wantError(t, err, "LimitExceeded", "Cannot exceed quota for SSHPublicKeysPerUser: 5")
	uploadSSHKey(t, client, "Eve", bodies[0]) // another user may have the same key

	pages := iam.NewListSSHPublicKeysPaginator(client, &iam.ListSSHPublicKeysInput{UserName: aws.String("Bob"), MaxItems: aws.Int32(2)})
	for n := 1; pages.HasMorePages(); n++ {
		page, err := pages.NextPage(ctx)
		must(t, err)
		for _, k := range page.SSHPublicKeys {
			if !all[*k.SSHPublicKeyId] {
				t.Errorf("%s is listed twice or not Bob's", *k.SSHPublicKeyId)
			}
			delete(all, *k.SSHPublicKeyId)
		}
		if page.IsTruncated != (n < 3) {
			t.Errorf("page %d: more is %v", n, page.IsTruncated)
		}
	}
	if len(all) > 0 {
		t.Errorf("left out: %v", all)
	}
}

func TestSSHPublicKeyRefusals(t *testing.T) {
	s := wardertest.Start(t)
	client, ctx := s.IAM(s.Admin), t.Context()
	makeUser(t, client, "Bob")
	makeUser(t, client, "Eve")
	line, asPEM, _ := sshKey(t, 2048)
	eves := uploadSSHKey(t, client, "Eve", line).SSHPublicKeyId
	small, smallPEM, _ := sshKey(t, 2047)
	ed, err := ssh.NewPublicKey(edKey(t).Public())
	must(t, err)
	_, _, root := s.NewAccount()
	role := makeRole(t, client, "Keys")
	must(t, errOf(client.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: aws.String("Keys"), PolicyName: aws.String("all"), PolicyDocument: aws.String(allow("*", "*", ""))})))
	session, err := s.STS(s.Admin).AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: &role, RoleSessionName: aws.String("session")})
	must(t, err)

	upload := func(user, body string) error {
		return errOf(client.UploadSSHPublicKey(ctx, &iam.UploadSSHPublicKeyInput{UserName: &user, SSHPublicKeyBody: &body}))
	}
	const invalid, badBody = "Invalid public key uploaded.", "Invalid body for public key"
	const noKey = "APKAAAAAAAAAAAAAAAAA"
	nobody, bob := aws.String("Nobody"), aws.String("Bob")
	noUser, notHis := "The user with name Nobody cannot be found.", "User has no Public Key with id "+*eves+"."
	for _, tt := range []struct {
		name, code, message string
		err                 error
	}{
		{"words", "UnrecognizedPublicKeyEncoding", invalid, upload("Bob", "file://id_rsa.pub")},
		{"Ed25519", "UnrecognizedPublicKeyEncoding", invalid, upload("Bob", string(ssh.MarshalAuthorizedKey(ed)))},
		{"a certificate", "UnrecognizedPublicKeyEncoding", invalid, upload("Bob", strings.ReplaceAll(asPEM, "PUBLIC KEY", "CERTIFICATE"))},
		{"cut off", "InvalidPublicKey", badBody, upload("Bob", line[:200])},
		{"small", "InvalidPublicKey", badBody, upload("Bob", small)},
		{"small in PEM", "InvalidPublicKey", badBody, upload("Bob", smallPEM)},
		{"upload for nobody", "NoSuchEntity", noUser, upload("Nobody", line)},
		{"get of nobody", "NoSuchEntity", noUser, errOf(client.GetSSHPublicKey(ctx, &iam.GetSSHPublicKeyInput{UserName: nobody, SSHPublicKeyId: eves, Encoding: "SSH"}))},
		{"list of nobody", "NoSuchEntity", noUser, errOf(client.ListSSHPublicKeys(ctx, &iam.ListSSHPublicKeysInput{UserName: nobody}))},
		{"update of nobody", "NoSuchEntity", noUser, errOf(client.UpdateSSHPublicKey(ctx, &iam.UpdateSSHPublicKeyInput{UserName: nobody, SSHPublicKeyId: eves, Status: "Active"}))},
		{"delete of nobody", "NoSuchEntity", noUser, errOf(client.DeleteSSHPublicKey(ctx, &iam.DeleteSSHPublicKeyInput{UserName: nobody, SSHPublicKeyId: eves}))},
		{"get of no key", "NoSuchEntity", "The Public Key with id " + noKey + " cannot be found.", errOf(client.GetSSHPublicKey(ctx, &iam.GetSSHPublicKeyInput{UserName: bob, SSHPublicKeyId: aws.String(noKey), Encoding: "SSH"}))},
		{"get of another", "NoSuchEntity", notHis, errOf(client.GetSSHPublicKey(ctx, &iam.GetSSHPublicKeyInput{UserName: bob, SSHPublicKeyId: eves, Encoding: "SSH"}))},
		{"update of another", "NoSuchEntity", notHis, errOf(client.UpdateSSHPublicKey(ctx, &iam.UpdateSSHPublicKeyInput{UserName: bob, SSHPublicKeyId: eves, Status: "Inactive"}))},
		{"delete of another", "NoSuchEntity", notHis, errOf(client.DeleteSSHPublicKey(ctx, &iam.DeleteSSHPublicKeyInput{UserName: bob, SSHPublicKeyId: eves}))},
		{"expired", "InvalidInput", "Operation does not support status Expired",
			errOf(client.UpdateSSHPublicKey(ctx, &iam.UpdateSSHPublicKeyInput{UserName: aws.String("Eve"), SSHPublicKeyId: eves, Status: "Expired"}))},
		{"another encoding", "ValidationError", "…'encoding' failed to satisfy constraint: Member must satisfy enum value set: [SSH, PEM]",
			errOf(client.GetSSHPublicKey(ctx, &iam.GetSSHPublicKeyInput{UserName: aws.String("Eve"), SSHPublicKeyId: eves, Encoding: "DER"}))},
		{"list of a role", "ValidationError", notAsNonUser, errOf(s.IAM(wardertest.SessionCredentials(session.Credentials)).ListSSHPublicKeys(ctx, nil))},
		{"list of the root user", "ValidationError", notAsNonUser, errOf(s.IAM(root).ListSSHPublicKeys(ctx, nil))},
	} {
		t.Run(tt.name, func(t *testing.T) { wantError(t, tt.err, tt.code, tt.message) })
	}
	out, err := client.ListSSHPublicKeys(ctx, &iam.ListSSHPublicKeysInput{UserName: aws.String("Eve")})
	must(t, err)
	if len(out.SSHPublicKeys) != 1 || out.SSHPublicKeys[0].Status != types.StatusTypeActive {
		t.Errorf("after all refusals Eve has %s", dump(out.SSHPublicKeys))
	}
}

// A key stays its user's when the user is renamed; a user lists its own.
func TestSSHPublicKeysFollowTheirUser(t *testing.T) {
	s := wardertest.Start(t)
	client, ctx := s.IAM(s.Admin), t.Context()
	bob := s.IAM(s.User(s.Admin, "Bob", allow("iam:ListSSHPublicKeys", accountARN+"user/x/Robert", "")))
	line, _, _ := sshKey(t, 2048)
	k := uploadSSHKey(t, client, "Bob", line)
	must(t, errOf(client.UpdateUser(ctx, &iam.UpdateUserInput{UserName: aws.String("Bob"), NewUserName: aws.String("Robert"), NewPath: aws.String("/x/")})))
	out, err := bob.ListSSHPublicKeys(ctx, nil)
	must(t, err)
	same(t, "Robert's keys", out.SSHPublicKeys, []types.SSHPublicKeyMetadata{{
		UserName: aws.String("Robert"), SSHPublicKeyId: k.SSHPublicKeyId, Status: types.StatusTypeActive, UploadDate: k.UploadDate,
	}})
}
