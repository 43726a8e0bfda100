package saml_test

import (
	"bufio"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/warder-iam/warder/internal/federation/saml"
	"github.com/warder-iam/warder/internal/federation/saml/samltest"
)

// A party is a pair of an identity and a service provider of testdata/corpora.
type party struct {
	issuer string // "" if it is that of the document
	at     saml.Endpoints
	// certificate is the file of the one that signed; "" for samltest's first key.
	certificate string
	key         string // the file of the key that decrypts; "" for none
}

var (
	toolkit = party{at: saml.Endpoints{
		"http://sp.example.com/demo1/metadata.php", "http://sp.example.com/demo1/index.php?acs", "https://sp.example.com/saml/metadata",
		"https://sp.example.com/saml/acs",
	}}
	oktadev = party{issuer: "http://example.com/saml/acs/example", at: saml.Endpoints{
		"http://example.com/saml/acs/example", "http://sp.example.com/v1/_saml_callback", "http://dba9a5fc.ngrok.io/v1/_saml_callback",
	}}
	oktadevItself = party{issuer: oktadev.issuer, at: oktadev.at, certificate: "oktadev.crt"}
	pingfed       = party{at: endpoints("hp24dqnpvq"), certificate: "pingfed.crt", key: "pingfed.key"}
	okta          = party{at: endpoints("skv8dv26wh"), certificate: "okta.crt", key: "okta.key"}
)

func endpoints(id string) saml.Endpoints {
	const at = "https://saml.test.nope/session/sso/saml/"
	return saml.Endpoints{at + "acs/" + id, at + "spentityid/" + id}
}

// corpora are the documents of testdata/corpora, and what becomes of each.
var corpora = map[string]struct {
	party
	subject string // of the assertion, if it is accepted
	text    string // of the refusal
	cause   string // what it has in it; "" for none
}{
	"crewjam-good-assertion": {toolkit, "_ce3d2948b4cf20146dee0a0b3dd6f69b6cf86f62d7", "", ""},
	"crewjam-good-response":  {toolkit, "user@example.com", "", ""},
	"crewjam-good-google":    {toolkit, "user@example.com", "", ""},
	"crewjam-xsw1":           {toolkit, "", "Invalid SAML response", "two elements Response"},
	"crewjam-xsw2":           {toolkit, "", "Invalid SAML response", "two elements Response"},
	"crewjam-xsw3":           {toolkit, "", "Invalid SAML response", "two elements Assertion"},
	"crewjam-xsw4":           {toolkit, "", "Invalid SAML response", "two elements Assertion"},
	"crewjam-xsw5":           {toolkit, "", "Invalid SAML response", "two elements Assertion"},
	"crewjam-xsw6":           {toolkit, "", "Invalid SAML response", "two elements Assertion"},
	"crewjam-xsw7":           {toolkit, "", "Invalid SAML response", "two elements Assertion"},
	"crewjam-xsw8":           {toolkit, "", "Invalid SAML response", "two elements Assertion"},
	"crewjam-xsw9":           {toolkit, "", "Invalid SAML response", "two elements Assertion"},
	"crewjam-multiple":       {toolkit, "", "Invalid SAML response", "two elements Assertion"},
	"crewjam-comment":        {toolkit, "", "Invalid SAML response", "a comment"},
	"crewjam-malformed":      {toolkit, "", "Invalid SAML response", "expected attribute name"},

	"oktadev-0":         {oktadev, "jane.doe@example.com", "", ""},                                             // the assertion is signed
	"oktadev-1":         {oktadev, "", "Response signature invalid", "nothing is signed"},                      // nothing is
	"oktadev-2":         {oktadev, "jane.doe@example.com", "", ""},                                             // the response is signed
	"oktadev-3":         {oktadev, "", "Response signature invalid", "verification error"},                     // by another key
	"oktadev-4":         {oktadev, "", "Response does not contain the required audience.", ""},                 // another destination
	"oktadev-5":         {oktadev, "", "Issuer not present in specified provider", ""},                         // another issuer
	"oktadev-6":         {oktadev, "", "Response does not contain the required audience.", ""},                 // another audience
	"oktadev-7":         {oktadev, "", "Invalid SAML response", "no Issuer"},                                   // no issuer
	"oktadev-8":         {oktadev, "", "Invalid SAML response", "a confirmation without end"},                  // no end
	"oktadev-9":         {oktadev, "jane.doe@example.com", "", ""},                                             // conditions without an end
	"oktadev-10":        {oktadev, "jane.doe@example.com", "", ""},                                             // conditions without a beginning
	"oktadev-11":        {oktadev, "", "Response has expired", ""},                                             // times long over
	"oktadev-12":        {oktadev, "", "Response signature invalid", "nothing is signed"},                      // another subject, not signed
	"oktadev-13":        {oktadev, "", "Response signature invalid", "Signature could not be verified"},        // another subject, signed before
	"oktadev-14":        {oktadev, "", "The identity provider (IdP) reported that authentication failed.", ""}, // a status that is none
	"oktadev-15":        {oktadev, "", "The identity provider (IdP) reported that authentication failed.", ""}, // another status
	"oktadev-16":        {oktadev, "", "Invalid SAML response", "UTF-8"},                                       // compressed
	"oktadev-empty-uri": {oktadevItself, "", "Response signature invalid", `a reference to "" in the element`}, // as it came

	"pingfed-01":     {pingfed, "firstlast@saml.test.nope", "", ""},
	"pingfed-02":     {pingfed, "firstlast@saml.test.nope", "", ""},
	"pingfed-03":     {pingfed, "firstlast@saml.test.nope", "", ""},
	"pingfed-05":     {pingfed, "firstlast@saml.test.nope", "", ""},
	"okta-encrypted": {okta, "fronkey@skyportsystems.com", "", ""},
}

var (
	issuerText = regexp.MustCompile(`Issuer[^>]*>([^<]*)<`)
	issuedAt   = regexp.MustCompile(`IssueInstant="([^"]*)"`)
)

// knows is the provider as the party that gets a document knows it, and when the
// document was made.
func (p party) knows(t testing.TB, document []byte) (*saml.Provider, time.Time) {
	t.Helper()
	issuer, at := p.issuer, time.Date(2017, 4, 4, 16, 54, 18, 0, time.UTC)
	if m := issuerText.FindSubmatch(document); m != nil && issuer == "" {
		issuer = string(m[1])
	}
	if m := issuedAt.FindSubmatch(document); m != nil {
		var err error
		if at, err = time.Parse(time.RFC3339, string(m[1])); err != nil {
			t.Fatal(err)
		}
	}
	known := provider(t, samltest.New(issuer, 0))
	if p.certificate != "" {
		certificate, err := x509.ParseCertificate(corporaPEM(t, p.certificate))
		if err != nil {
			t.Fatal(err)
		}
		known.Certificates = []*x509.Certificate{certificate}
	}
	if p.key != "" {
		key, err := x509.ParsePKCS8PrivateKey(corporaPEM(t, p.key))
		if err != nil {
			t.Fatal(err)
		}
		known.Keys = []*rsa.PrivateKey{key.(*rsa.PrivateKey)}
	}
	return known, at
}

func corporaPEM(t testing.TB, file string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata/corpora", file))
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	if block == nil {
		t.Fatalf("%s is not PEM", file)
	}
	return block.Bytes
}

// Responses that others collected, attacks and genuine ones.
func TestCorpora(t *testing.T) {
	files, err := filepath.Glob("testdata/corpora/*.xml")
	if err != nil || len(files) != len(corpora) {
		t.Fatalf("%d files of %d, %v", len(files), len(corpora), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".xml")
		tc, ok := corpora[name]
		if !ok {
			t.Fatalf("nobody knows what is to become of %s", name)
		}
		document, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		known, issued := tc.knows(t, document)
		a, err := known.Verify(base64.StdEncoding.EncodeToString(document), tc.at, issued.Add(time.Second))
		if tc.text == "" {
			if err != nil || a.Subject != tc.subject {
				t.Errorf("%s: %+v, %v (%v)", name, a, err, errors.Unwrap(err))
			}
			continue
		}
		text, _ := refusal(t, err)
		cause := errors.Unwrap(err)
		if a != nil || text != tc.text || (cause == nil) != (tc.cause == "") || cause != nil && !strings.Contains(cause.Error(), tc.cause) {
			t.Errorf("%s: %+v, %v (%v)", name, a, err, cause)
		}
	}
}

// The wrapping attacks get nowhere either where the document is not scanned for
// what comes twice: what is not signed is not read.
func TestCorporaUnscanned(t *testing.T) {
	files, err := filepath.Glob("testdata/corpora/crewjam-xsw*.xml")
	if err != nil || len(files) != 9 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		document, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		known, issued := toolkit.knows(t, document)
		a, err := known.VerifyUnscanned(document, toolkit.at, issued.Add(time.Second))
		if strings.HasSuffix(file, "xsw7.xml") {
			// What is signed is in its place; the other is where nobody looks.
			if err != nil || a.Subject != corpora["crewjam-good-assertion"].subject {
				t.Errorf("%s: %+v, %v", file, a, err)
			}
		} else if _, ok := errors.AsType[*saml.Refusal](err); !ok {
			t.Errorf("%s: %+v, %v", file, a, err)
		}
	}
}

// What encoding/xml reads in one way, and what it writes of that in another
// (CVE-2020-29509 and its kin), and its neighbours: in a signed response before
// the assertion, and as the document.
func TestRoundTrips(t *testing.T) {
	file, err := os.Open("testdata/corpora/roundtrip.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	p, count := idp(), 0
	for lines := bufio.NewScanner(file); lines.Scan(); {
		line := strings.ReplaceAll(lines.Text(), `\n`, "\n")
		count++
		doc := p.Document(samltest.Response{Now: now})
		good, err := doc.WriteToString()
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{line, strings.Replace(good, "<saml:Assertion ", line+"<saml:Assertion ", 1)} {
			_, err := provider(t, p).Verify(base64.StdEncoding.EncodeToString([]byte(text)), saml.AWS, now)
			if text, _ := refusal(t, err); text != "Invalid SAML response" {
				t.Errorf("%s: %v", line, err)
			}
		}
	}
	if count != 21 {
		t.Errorf("%d lines", count)
	}
}

// FuzzCorpora: whatever is changed in a wrapping attack, it is refused or says
// what was signed.
func FuzzCorpora(f *testing.F) {
	files, err := filepath.Glob("testdata/corpora/crewjam-xsw*.xml")
	if err != nil || len(files) != 9 {
		f.Fatalf("%d files, %v", len(files), err)
	}
	var known *saml.Provider
	var at time.Time
	for _, file := range append(files, "testdata/corpora/crewjam-good-assertion.xml") {
		document, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(document)
		known, at = toolkit.knows(f, document)
	}
	f.Fuzz(func(t *testing.T, document []byte) {
		for _, verify := range []func() (*saml.Assertion, error){
			func() (*saml.Assertion, error) {
				return known.Verify(base64.StdEncoding.EncodeToString(document), toolkit.at, at.Add(time.Second))
			},
			func() (*saml.Assertion, error) {
				return known.VerifyUnscanned(document, toolkit.at, at.Add(time.Second))
			},
		} {
			a, err := verify()
			if err != nil {
				continue
			}
			mail := strings.Join(a.Values("mail"), ",")
			if a.Subject != corpora["crewjam-good-assertion"].subject || mail != "test@example.com" || len(a.Names()) != 3 {
				t.Fatalf("forged: %+v", a)
			}
		}
	})
}
