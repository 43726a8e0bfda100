package iam_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/warder-iam/warder/internal/wardertest"
)

func TestServerCertificates(t *testing.T) {
	s := wardertest.Start(t)
	client, ctx := s.IAM(s.Admin), t.Context()
	root := newParty(t, "root", rsaKey(t, 2048), nil, -time.Hour, 10*year)
	middle := ecParty(t, "middle", root)
	web := newParty(t, "www.example.com", rsaKey(t, 2048), middle, -time.Hour, year)
	chain := middle.body() + "\n" + root.body()

	up, err := client.UploadServerCertificate(ctx, &iam.UploadServerCertificateInput{
		ServerCertificateName: aws.String("Web"), Path: aws.String("/cloudfront/prod/"), Tags: tagList("team", "edge"),
		CertificateBody:  aws.String(strings.ReplaceAll(web.body(), "\n", "\r\n") + "\r\n" + middle.body()), // only the first is kept
		PrivateKey:       aws.String(pemOf("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(web.key.(*rsa.PrivateKey)))),
		CertificateChain: aws.String(chain + "\n"),
	})
	must(t, err)
	meta := up.ServerCertificateMetadata
	if !regexp.MustCompile(`^ASCA[A-Z2-7]{17}$`).MatchString(*meta.ServerCertificateId) || meta.UploadDate == nil || time.Since(*meta.UploadDate).Abs() > time.Minute {
		t.Errorf("uploaded %s", dump(meta))
	}
	expires := web.cert.NotAfter.UTC()
	wantMeta := &types.ServerCertificateMetadata{
		ServerCertificateName: aws.String("Web"), Path: aws.String("/cloudfront/prod/"), Arn: aws.String(accountARN + "server-certificate/cloudfront/prod/Web"),
		ServerCertificateId: meta.ServerCertificateId, UploadDate: meta.UploadDate, Expiration: &expires,
	}
	same(t, "UploadServerCertificate", meta, wantMeta)
	same(t, "its tags", up.Tags, tagList("team", "edge"))
	get := func(name string) *types.ServerCertificate {
		t.Helper()
		out, err := client.GetServerCertificate(ctx, &iam.GetServerCertificateInput{ServerCertificateName: &name})
		must(t, err)
		return out.ServerCertificate
	}
	same(t, "GetServerCertificate", get("WEB"), &types.ServerCertificate{
		ServerCertificateMetadata: wantMeta, CertificateBody: aws.String(web.body()), CertificateChain: &chain, Tags: tagList("team", "edge"),
	})

	// Signed by its own key, without a path, chain or tags.
	own := ecParty(t, "own", nil)
	up, err = client.UploadServerCertificate(ctx, &iam.UploadServerCertificateInput{
		ServerCertificateName: aws.String("Own"), CertificateBody: aws.String(own.body()), PrivateKey: aws.String(own.pkcs8(t)),
	})
	must(t, err)
	same(t, "path", up.ServerCertificateMetadata.Path, aws.String("/"))
	same(t, "tags", len(up.Tags), 0)
	same(t, "GetServerCertificate", get("Own"), &types.ServerCertificate{
		ServerCertificateMetadata: up.ServerCertificateMetadata, CertificateBody: aws.String(own.body()), Tags: []types.Tag{},
	})

	list := func(prefix *string) (names []string) {
		t.Helper()
		out, err := client.ListServerCertificates(ctx, &iam.ListServerCertificatesInput{PathPrefix: prefix})
		must(t, err)
		for _, m := range out.ServerCertificateMetadataList {
			names = append(names, *m.ServerCertificateName)
			if *m.ServerCertificateName == "Web" {
				same(t, "ListServerCertificates", m, *wantMeta)
			}
		}
		return names
	}
	same(t, "all", list(nil), []string{"Own", "Web"})
	same(t, "by path", list(aws.String("/cloudfront/")), []string{"Web"})
	same(t, "by another path", list(aws.String("/other")), []string(nil))
	first, err := client.ListServerCertificates(ctx, &iam.ListServerCertificatesInput{MaxItems: aws.Int32(1)})
	must(t, err)
	second, err := client.ListServerCertificates(ctx, &iam.ListServerCertificatesInput{MaxItems: aws.Int32(1), Marker: first.Marker})
	must(t, err)
	if !first.IsTruncated || second.IsTruncated || *first.ServerCertificateMetadataList[0].ServerCertificateName != "Own" || *second.ServerCertificateMetadataList[0].ServerCertificateName != "Web" {
		t.Errorf("pages: %s %s", dump(first), dump(second))
	}
	summary, err := client.GetAccountSummary(ctx, nil)
	must(t, err)
	same(t, "ServerCertificates", summary.SummaryMap["ServerCertificates"], int32(2))

	// A new name and path; all else stays.
	must(t, errOf(client.UpdateServerCertificate(ctx, &iam.UpdateServerCertificateInput{ServerCertificateName: aws.String("Web"), NewServerCertificateName: aws.String("WWW"), NewPath: aws.String("/")})))
	wantMeta.ServerCertificateName, wantMeta.Path, wantMeta.Arn = aws.String("WWW"), aws.String("/"), aws.String(accountARN+"server-certificate/WWW")
	same(t, "renamed", get("WWW"), &types.ServerCertificate{
		ServerCertificateMetadata: wantMeta, CertificateBody: aws.String(web.body()), CertificateChain: &chain, Tags: tagList("team", "edge"),
	})
	must(t, errOf(client.UpdateServerCertificate(ctx, &iam.UpdateServerCertificateInput{ServerCertificateName: aws.String("www"), NewServerCertificateName: aws.String("Www")})))
	must(t, errOf(client.UpdateServerCertificate(ctx, &iam.UpdateServerCertificateInput{ServerCertificateName: aws.String("Www")})))
	same(t, "all", list(nil), []string{"Own", "Www"})

	must(t, errOf(client.DeleteServerCertificate(ctx, &iam.DeleteServerCertificateInput{ServerCertificateName: aws.String("WWW")})))
	_, err = client.GetServerCertificate(ctx, &iam.GetServerCertificateInput{ServerCertificateName: aws.String("Www")})
	wantError(t, err, "NoSuchEntity", "The Server Certificate with name Www cannot be found.")
	same(t, "all", list(nil), []string{"Own"})
}

func TestServerCertificateRefusals(t *testing.T) {
	s := wardertest.Start(t)
	client, ctx := s.IAM(s.Admin), t.Context()
	root := newParty(t, "root", rsaKey(t, 2048), nil, -time.Hour, year)
	middle := ecParty(t, "middle", root)
	web := newParty(t, "web", rsaKey(t, 2048), middle, -time.Hour, year)
	other := ecParty(t, "other", nil)
	early := newParty(t, "early", other.key, nil, time.Hour, year)
	late := newParty(t, "late", other.key, nil, -year, -time.Hour)
	odd := newParty(t, "odd", edKey(t), nil, -time.Hour, year)
	//lint:ignore SA1019 the form that openssl writes
	encrypted, err := x509.EncryptPEMBlock(rand.Reader, "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(web.key.(*rsa.PrivateKey)), []byte("secret"), x509.PEMCipherAES256)
	must(t, err)
	must(t, errOf(client.UploadServerCertificate(ctx, &iam.UploadServerCertificateInput{
		ServerCertificateName: aws.String("Taken"), CertificateBody: aws.String(web.body()), PrivateKey: aws.String(web.pkcs8(t)),
	})))
	must(t, errOf(client.UploadServerCertificate(ctx, &iam.UploadServerCertificateInput{
		ServerCertificateName: aws.String("Other"), CertificateBody: aws.String(other.body()), PrivateKey: aws.String(other.pkcs8(t)),
	})))

	const (
		notPEM    = "Unable to parse certificate. Please ensure the certificate is in PEM format."
		badKey    = "Private Key was in an unrecognized format."
		encrypts  = "Unable to parse key; the body is encrypted."
		malformed = "MalformedCertificate"
	)
	broken := func(index int) string {
		return "Unable to validate certificate chain. The certificate chain must start with the immediate signing certificate, followed by any intermediaries in order. The index within the chain of the invalid certificate is: " + strconv.Itoa(index)
	}
	webKey := web.pkcs8(t)
	for _, tt := range []struct{ name, body, key, chain, code, message string }{
		{"words", "file://cert.pem", webKey, "", malformed, notPEM},
		{"a description first", "Certificate:\n" + web.body(), webKey, "", malformed, notPEM},
		{"the key as certificate", webKey, webKey, "", malformed, notPEM},
		{"not yet valid", early.body(), other.pkcs8(t), "", malformed, "The certificate is not valid before " + early.cert.NotBefore.Format(time.RFC3339) + "."},
		{"expired", late.body(), other.pkcs8(t), "", malformed, "Certificate is no longer valid. The 'Not After' date restriction on the certificate has passed."},
		{"Ed25519", odd.body(), odd.pkcs8(t), "", malformed, "The key of the certificate must be an RSA key of at least 1024 bits or an ECDSA key."},
		{"no key", web.body(), "secret", "", malformed, badKey},
		{"the certificate as key", web.body(), web.body(), "", malformed, badKey},
		{"an Ed25519 key", web.body(), odd.pkcs8(t), "", malformed, badKey},
		{"an encrypted key", web.body(), string(pem.EncodeToMemory(encrypted)), "", malformed, encrypts},
		{"an encrypted PKCS #8 key", web.body(), pemOf("ENCRYPTED PRIVATE KEY", []byte("x")), "", malformed, encrypts},
		{"another key", web.body(), other.pkcs8(t), "", "KeyPairMismatch", "The private key did not match the public key provided. Please verify the key material and try again."},
		{"another key of the kind", web.body(), root.pkcs8(t), "", "KeyPairMismatch", "The private key did not match the public key provided. Please verify the key material and try again."},
		{"words as chain", web.body(), webKey, "chain", malformed, notPEM},
		{"text in the chain", web.body(), webKey, middle.body() + "\nroot\n" + root.body(), malformed, notPEM},
		{"not the issuer", web.body(), webKey, root.body(), malformed, broken(-1)},
		{"the wrong order", web.body(), webKey, root.body() + "\n" + middle.body(), malformed, broken(-1)},
		{"the leaf in the chain", web.body(), webKey, web.body() + "\n" + middle.body(), malformed, broken(0)},
		{"a gap", web.body(), webKey, middle.body() + "\n" + other.body(), malformed, broken(-1)},
		{"more than the root", web.body(), webKey, middle.body() + "\n" + root.body() + "\n" + other.body(), malformed, broken(-1)},
		{"the name", web.body(), webKey, "", "EntityAlreadyExists", "The Server Certificate with name TAKEN already exists."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			name := "New"
			if tt.name == "the name" {
				name = "TAKEN"
			}
			in := &iam.UploadServerCertificateInput{ServerCertificateName: &name, CertificateBody: &tt.body, PrivateKey: &tt.key}
			if tt.chain != "" {
				in.CertificateChain = &tt.chain
			}
			wantError(t, errOf(client.UploadServerCertificate(ctx, in)), tt.code, tt.message)
		})
	}
	nobody := aws.String("Nobody")
	missing := "The Server Certificate with name Nobody cannot be found."
	for _, tt := range []struct {
		name, code, message string
		err                 error
	}{
		{"get", "NoSuchEntity", missing, errOf(client.GetServerCertificate(ctx, &iam.GetServerCertificateInput{ServerCertificateName: nobody}))},
		{"update", "NoSuchEntity", missing, errOf(client.UpdateServerCertificate(ctx, &iam.UpdateServerCertificateInput{ServerCertificateName: nobody}))},
		{"delete", "NoSuchEntity", missing, errOf(client.DeleteServerCertificate(ctx, &iam.DeleteServerCertificateInput{ServerCertificateName: nobody}))},
		{"a name that is taken", "EntityAlreadyExists", "The Server Certificate with name TAKEN already exists.",
			errOf(client.UpdateServerCertificate(ctx, &iam.UpdateServerCertificateInput{ServerCertificateName: aws.String("Other"), NewServerCertificateName: aws.String("TAKEN")}))},
		{"tags that differ in case", "InvalidInput", "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
			errOf(client.UploadServerCertificate(ctx, &iam.UploadServerCertificateInput{ServerCertificateName: nobody, CertificateBody: aws.String(web.body()), PrivateKey: &webKey, Tags: tagList("a", "", "A", "")}))},
	} {
		t.Run(tt.name, func(t *testing.T) { wantError(t, tt.err, tt.code, tt.message) })
	}
	out, err := client.ListServerCertificates(ctx, nil)
	must(t, err)
	if len(out.ServerCertificateMetadataList) != 2 {
		t.Errorf("after all refusals there are %s", dump(out.ServerCertificateMetadataList))
	}
	// No refusal says anything of the private key, whatever is wrong with it.
	_, err = client.UploadServerCertificate(ctx, &iam.UploadServerCertificateInput{ServerCertificateName: nobody, CertificateBody: aws.String(web.body()), PrivateKey: aws.String("secret☃")})
	if wardertest.Code(err) != "ValidationError" || strings.Contains(wardertest.Message(err), "secret") {
		t.Errorf("got %v", err)
	}
}

func TestServerCertificateQuota(t *testing.T) {
	s := wardertest.Start(t)
	client, ctx := s.IAM(s.Admin), t.Context()
	own := ecParty(t, "own", nil)
	upload := func(client *iam.Client, n int) error {
		return errOf(client.UploadServerCertificate(ctx, &iam.UploadServerCertificateInput{
			ServerCertificateName: aws.String("c" + strconv.Itoa(n)), CertificateBody: aws.String(own.body()), PrivateKey: aws.String(own.pkcs8(t)),
		}))
	}
	for n := range 20 {
		must(t, upload(client, n))
	}
	wantError(t, upload(client, 20), "LimitExceeded", "Cannot exceed quota for ServerCertificatesPerAccount: 20")
	_, admin, _ := s.NewAccount()
	must(t, upload(s.IAM(admin), 0)) // another account has its own
}
