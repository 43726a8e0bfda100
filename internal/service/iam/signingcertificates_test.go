package iam_test

import (
	"regexp"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/warder-iam/warder/internal/wardertest"
)

func uploadSigning(t testing.TB, client *iam.Client, user *string, body string) *types.SigningCertificate {
	t.Helper()
	out, err := client.UploadSigningCertificate(t.Context(), &iam.UploadSigningCertificateInput{UserName: user, CertificateBody: &body})
	must(t, err)
	return out.Certificate
}

func listSigning(t testing.TB, client *iam.Client, user *string) []types.SigningCertificate {
	t.Helper()
	out, err := client.ListSigningCertificates(t.Context(), &iam.ListSigningCertificatesInput{UserName: user})
	must(t, err)
	if out.IsTruncated || out.Marker != nil {
		t.Error("the list goes on")
	}
	return out.Certificates
}

// Users by name and by themselves, and root users by themselves.
func TestSigningCertificates(t *testing.T) {
	s := wardertest.Start(t)
	_, _, root := s.NewAccount()
	bob := s.User(s.Admin, "Bob", allow("iam:*SigningCertificate*", accountARN+"user/${aws:username}", ""))
	makeUser(t, s.IAM(s.Admin), "Ann")
	for _, tt := range []struct {
		name        string
		by          wardertest.Credentials
		named, want *string
	}{{"another user", s.Admin, aws.String("ANN"), aws.String("Ann")}, {"oneself", bob, nil, aws.String("Bob")}, {"the root user", root, nil, nil}} {
		t.Run(tt.name, func(t *testing.T) {
			client, ctx := s.IAM(tt.by), t.Context()
			same(t, "none", listSigning(t, client, tt.named), []types.SigningCertificate{})
			one, two, three := ecParty(t, "1", nil), newParty(t, "2", rsaKey(t, 2048), nil, -time.Hour, year), ecParty(t, "3", nil)
			text := one.body() + "\n" // stays as it is
			k := uploadSigning(t, client, tt.named, text)
			if !regexp.MustCompile(`^[A-Z0-9]{24,128}$`).MatchString(*k.CertificateId) || k.UploadDate == nil {
				t.Errorf("uploaded %s", dump(k))
			}
			want := types.SigningCertificate{
				UserName: tt.want, CertificateId: k.CertificateId, CertificateBody: &text, Status: types.StatusTypeActive, UploadDate: k.UploadDate,
			}
			same(t, "UploadSigningCertificate", *k, want)
			same(t, "ListSigningCertificates", listSigning(t, client, tt.named), []types.SigningCertificate{want})
			for _, status := range []types.StatusType{types.StatusTypeInactive, types.StatusTypeActive} {
				must(t, errOf(client.UpdateSigningCertificate(ctx, &iam.UpdateSigningCertificateInput{UserName: tt.named, CertificateId: k.CertificateId, Status: status})))
				want.Status = status
				same(t, "a new status", listSigning(t, client, tt.named), []types.SigningCertificate{want})
			}

			second := uploadSigning(t, client, tt.named, two.body())
			_, err := client.UploadSigningCertificate(ctx, &iam.UploadSigningCertificateInput{UserName: tt.named, CertificateBody: aws.String(three.body())})
			wantError(t, err, "LimitExceeded", "Cannot exceed quota for CertificatesPerUser: 2")
			left := map[string]bool{*k.CertificateId: true, *second.CertificateId: true}
			pages := iam.NewListSigningCertificatesPaginator(client, &iam.ListSigningCertificatesInput{UserName: tt.named, MaxItems: aws.Int32(1)})
			for n := 1; pages.HasMorePages(); n++ {
				page, err := pages.NextPage(ctx)
				must(t, err)
				if len(page.Certificates) != 1 || !left[*page.Certificates[0].CertificateId] || page.IsTruncated != (n == 1) {
					t.Fatalf("page %d: %s", n, dump(page))
				}
				delete(left, *page.Certificates[0].CertificateId)
			}
			if len(left) > 0 {
				t.Errorf("left out: %v", left)
			}

			must(t, errOf(client.DeleteSigningCertificate(ctx, &iam.DeleteSigningCertificateInput{UserName: tt.named, CertificateId: second.CertificateId})))
			same(t, "one deleted", listSigning(t, client, tt.named), []types.SigningCertificate{want})
		})
	}
	out, err := s.IAM(root).GetAccountSummary(t.Context(), nil)
	must(t, err)
	same(t, "AccountSigningCertificatesPresent", out.SummaryMap["AccountSigningCertificatesPresent"], int32(1))
}

// Who sends a certificate again gets the one that is there, which stays as it is.
// The answer says that it is active all the same.
func TestSigningCertificateAgain(t *testing.T) {
	s := wardertest.Start(t)
	client, ctx := s.IAM(s.Admin), t.Context()
	makeUser(t, client, "Bob")
	p, bob := ecParty(t, "p", nil), aws.String("Bob")
	first := uploadSigning(t, client, bob, p.body())
	must(t, errOf(client.UpdateSigningCertificate(ctx, &iam.UpdateSigningCertificateInput{UserName: bob, CertificateId: first.CertificateId, Status: "Inactive"})))
	same(t, "the answer", uploadSigning(t, client, bob, p.body()), first)
	want := *first
	want.Status = types.StatusTypeInactive
	same(t, "the certificates", listSigning(t, client, bob), []types.SigningCertificate{want})
}

func TestSigningCertificateRefusals(t *testing.T) {
	s := wardertest.Start(t)
	client, ctx := s.IAM(s.Admin), t.Context()
	makeUser(t, client, "Bob")
	makeUser(t, client, "Eve")
	p := ecParty(t, "p", nil)
	eves := uploadSigning(t, client, aws.String("Eve"), p.body()).CertificateId
	early := newParty(t, "early", p.key, nil, time.Hour, year)
	late := newParty(t, "late", p.key, nil, -year, -time.Hour)
	odd := newParty(t, "odd", edKey(t), nil, -time.Hour, year)
	_, theirs, _ := s.NewAccount()

	upload := func(user, body string) error {
		return errOf(client.UploadSigningCertificate(ctx, &iam.UploadSigningCertificateInput{UserName: &user, CertificateBody: &body}))
	}
	nobody, bob := aws.String("Nobody"), aws.String("Bob")
	noUser, notHis := "The user with name Nobody cannot be found.", "The Certificate with id "+*eves+" cannot be found."
	for _, tt := range []struct {
		name, code, message string
		err                 error
	}{
		{"words", "MalformedCertificate", "Certificate invalid-certificate-body is malformed.", upload("Bob", "invalid-certificate-body")},
		{"two", "MalformedCertificate", "Certificate " + p.body() + "\n" + late.body() + " is malformed.", upload("Bob", p.body()+"\n"+late.body())},
		{"its key with it", "MalformedCertificate", "Certificate " + p.body() + "\n" + p.pkcs8(t) + " is malformed.", upload("Bob", p.body()+"\n"+p.pkcs8(t))},
		{"not yet valid", "MalformedCertificate", "Certificate " + early.body() + " is malformed.", upload("Bob", early.body())},
		{"expired", "MalformedCertificate", "Certificate " + late.body() + " is malformed.", upload("Bob", late.body())},
		{"Ed25519", "InvalidCertificate", "The key of the certificate must be an RSA key of at least 1024 bits or an ECDSA key.", upload("Bob", odd.body())},
		{"another user's", "DuplicateCertificate", "Duplicate certificate uploaded.", upload("Bob", p.body())},
		{"upload for nobody", "NoSuchEntity", noUser, upload("Nobody", p.body())},
		{"list of nobody", "NoSuchEntity", noUser, errOf(client.ListSigningCertificates(ctx, &iam.ListSigningCertificatesInput{UserName: nobody}))},
		{"update of nobody", "NoSuchEntity", noUser, errOf(client.UpdateSigningCertificate(ctx, &iam.UpdateSigningCertificateInput{UserName: nobody, CertificateId: eves, Status: "Active"}))},
		{"delete of nobody", "NoSuchEntity", noUser, errOf(client.DeleteSigningCertificate(ctx, &iam.DeleteSigningCertificateInput{UserName: nobody, CertificateId: eves}))},
		{"update of another", "NoSuchEntity", notHis, errOf(client.UpdateSigningCertificate(ctx, &iam.UpdateSigningCertificateInput{UserName: bob, CertificateId: eves, Status: "Inactive"}))},
		{"delete of another", "NoSuchEntity", notHis, errOf(client.DeleteSigningCertificate(ctx, &iam.DeleteSigningCertificateInput{UserName: bob, CertificateId: eves}))},
		{"delete as one's own", "NoSuchEntity", notHis, errOf(client.DeleteSigningCertificate(ctx, &iam.DeleteSigningCertificateInput{CertificateId: eves}))},
		{"status expired", "InvalidInput", "Operation does not support status Expired",
			errOf(client.UpdateSigningCertificate(ctx, &iam.UpdateSigningCertificateInput{UserName: aws.String("Eve"), CertificateId: eves, Status: "Expired"}))},
	} {
		t.Run(tt.name, func(t *testing.T) { wantError(t, tt.err, tt.code, tt.message) })
	}
	if list := listSigning(t, client, aws.String("Eve")); len(list) != 1 || list[0].Status != types.StatusTypeActive {
		t.Errorf("after all refusals Eve has %s", dump(list))
	}
	// Another account may have the same certificate.
	uploadSigning(t, s.IAM(theirs), nil, p.body())
}
