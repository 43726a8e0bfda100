package saml_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/warder-iam/warder/internal/federation/saml"
	"github.com/warder-iam/warder/internal/federation/saml/samltest"
	"github.com/warder-iam/warder/internal/seal"
)

func selfSigned(t *testing.T, public, private any) string {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(der)
}

func TestParseMetadata(t *testing.T) {
	p := idp()
	good := p.Metadata()
	own := base64.StdEncoding.EncodeToString(p.Certificate)
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	replace := func(old, with string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("the metadata have no %q", old)
		}
		return strings.Replace(good, old, with, 1)
	}
	second := `<md:KeyDescriptor><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data><ds:X509Certificate>` + own + `</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>`
	until := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	for name, tc := range map[string]struct {
		text  string
		keys  int
		until time.Time
	}{
		"as they are":               {good, 1, time.Time{}},
		"with comments":             {replace("<md:IDPSSO", "<!-- x --><md:IDPSSO"), 1, time.Time{}},
		"two keys":                  {replace("<md:NameIDFormat>", second+"<md:NameIDFormat>"), 2, time.Time{}},
		"a key for encryption":      {replace("<md:NameIDFormat>", strings.Replace(second, "<md:KeyDescriptor>", `<md:KeyDescriptor use="encryption">`, 1)+"<md:NameIDFormat>"), 1, time.Time{}},
		"an end":                    {replace(` entityID=`, ` validUntil="2030-01-02T03:04:05Z" entityID=`), 1, until},
		"two ends":                  {strings.Replace(replace(` entityID=`, ` validUntil="2030-01-02T03:04:05Z" entityID=`), "<md:IDPSSODescriptor", `<md:IDPSSODescriptor validUntil="2031-01-01T00:00:00Z"`, 1), 1, until},
		"other prefixes":            {strings.NewReplacer("md:", "", "xmlns:md", "xmlns").Replace(good), 1, time.Time{}},
		"an entity id in test mode": {replace(entityID, "urn:x"), 1, time.Time{}},
	} {
		m, err := saml.ParseMetadata(tc.text)
		if err != nil || m.EntityID != entityID && !strings.Contains(tc.text, `"urn:x"`) || len(m.Certificates) != tc.keys || !m.ValidUntil.Equal(tc.until) {
			t.Errorf("%s: %+v, %v", name, m, err)
		}
	}
	for name, text := range map[string]string{
		"nothing":                       "",
		"no XML":                        strings.Repeat("x", 1000),
		"a byte order mark":             "\ufeff" + good,
		"a document type":               "<!DOCTYPE x>" + good,
		"an entity":                     `<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>` + replace(entityID, "&e;"),
		"no entity id":                  replace(` entityID="`+entityID+`"`, ""),
		"a long entity id":              replace(entityID, strings.Repeat("x", 1025)),
		"a service provider's":          strings.ReplaceAll(good, "IDPSSODescriptor", "SPSSODescriptor"),
		"another namespace":             replace("urn:oasis:names:tc:SAML:2.0:metadata", "urn:example"),
		"several entities":              "<md:EntitiesDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\">" + good[strings.Index(good, "<md:Entity"):] + "</md:EntitiesDescriptor>",
		"two documents":                 good + good[strings.Index(good, "<md:Entity"):],
		"text behind":                   good + "x",
		"no key":                        strings.Replace(good, `use="signing"`, `use="encryption"`, 1),
		"no certificate":                replace(own, ""),
		"a certificate that is none":    replace(own, "AAAA"),
		"a key that is not RSA":         replace(own, selfSigned(t, &ec.PublicKey, ec)),
		"an end that is no time":        replace(` entityID=`, ` validUntil="soon" entityID=`),
		"depth":                         strings.Repeat("<a>", 100) + strings.Repeat("</a>", 100),
		"an open end":                   good[:len(good)-20],
		"an identity provider too many": replace("</md:EntityDescriptor>", good[strings.Index(good, "<md:IDPSSO"):strings.Index(good, "</md:EntityDescriptor>")]+"</md:EntityDescriptor>"),
	} {
		if m, err := saml.ParseMetadata(text); err == nil {
			t.Errorf("%s: %+v", name, m)
		}
	}
}

func FuzzParseMetadata(f *testing.F) {
	f.Add(idp().Metadata())
	f.Fuzz(func(t *testing.T, text string) {
		m, err := saml.ParseMetadata(text)
		if err != nil {
			return
		}
		if m.EntityID == "" || len(m.Certificates) == 0 {
			t.Errorf("%+v", m)
		}
		if _, err := saml.ParseCertificates(m.Certificates); err != nil {
			t.Error(err)
		}
	})
}

func TestParseKey(t *testing.T) {
	key := samltest.Key(2)
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ecDER, err := x509.MarshalPKCS8PrivateKey(ec)
	if err != nil {
		t.Fatal(err)
	}
	block := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	ring := seal.NewRandom()
	for name, text := range map[string]string{"PKCS #8": samltest.PEM(key), "PKCS #1": block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key))} {
		der, err := saml.ParseKey(text)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		sealed := saml.SealKey(ring, "111122223333", "provider", "key", der)
		if got, err := saml.OpenKey(ring, "111122223333", "provider", "key", sealed); err != nil || !got.Equal(key) {
			t.Errorf("%s: %v", name, err)
		}
		for _, other := range [][3]string{{"444455556666", "provider", "key"}, {"111122223333", "other", "key"}, {"111122223333", "provider", "other"}} {
			if _, err := saml.OpenKey(ring, other[0], other[1], other[2], sealed); err == nil {
				t.Errorf("%s: opened as that of %v", name, other)
			}
		}
	}
	for name, tc := range map[string]struct {
		text string
		want error
	}{
		"nothing":          {"", saml.ErrKeyFormat},
		"no PEM":           {"key", saml.ErrKeyFormat},
		"garbage":          {block("PRIVATE KEY", []byte("key")), saml.ErrKeyFormat},
		"encrypted":        {block("ENCRYPTED PRIVATE KEY", []byte("key")), saml.ErrKeyEncrypted},
		"encrypted of old": {"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n", saml.ErrKeyEncrypted},
		"a public key":     {block("PUBLIC KEY", []byte("key")), saml.ErrKeyFormat},
		"1,024 bits":       {samltest.PEM(small), saml.ErrKeyFormat},
		"not RSA":          {block("PRIVATE KEY", ecDER), saml.ErrKeyFormat},
		"two keys":         {samltest.PEM(key) + samltest.PEM(key), saml.ErrKeyFormat},
	} {
		if _, err := saml.ParseKey(tc.text); !errors.Is(err, tc.want) {
			t.Errorf("%s: %v, want %v", name, err, tc.want)
		}
	}
}
