package saml_test

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
	"github.com/russellhaering/goxmldsig/etreeutils"

	"github.com/warder-iam/warder/internal/federation/saml"
	"github.com/warder-iam/warder/internal/federation/saml/samltest"
)

const entityID = "https://idp.example.com/metadata"

var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func idp() *samltest.IdP { return samltest.New(entityID, 0) }

// provider is what a Warder knows of an IdP by its metadata.
func provider(t testing.TB, p *samltest.IdP) *saml.Provider {
	t.Helper()
	m, err := saml.ParseMetadata(p.Metadata())
	if err != nil {
		t.Fatal(err)
	}
	certificates, err := saml.ParseCertificates(m.Certificates)
	if err != nil {
		t.Fatal(err)
	}
	return &saml.Provider{EntityID: m.EntityID, Certificates: certificates, UUID: "SAMLPEXAMPLE", ValidUntil: now.AddDate(100, 0, 0)}
}

// refusal is the text of a refusal; "" if there is none.
func refusal(t testing.TB, err error) (string, saml.Kind) {
	t.Helper()
	if err == nil {
		return "", 0
	}
	r, ok := errors.AsType[*saml.Refusal](err)
	if !ok {
		t.Fatalf("an error of another kind: %v", err)
	}
	return r.Text, r.Kind
}

func TestAccepted(t *testing.T) {
	p := idp()
	for _, sign := range []string{"assertion", "response", "both"} {
		a, err := provider(t, p).Verify(p.Respond(samltest.Response{
			Now: now, Sign: sign, Subject: "alice@example.com", Format: "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress",
			Attributes: []samltest.Attribute{{Name: "a", Values: []string{"1", "2"}}, {Name: "b", Values: []string{"3"}}, {Name: "a", Values: []string{" 4\n"}}},
		}), saml.AWS, now)
		if err != nil {
			t.Fatalf("%s signed: %v (%v)", sign, err, errors.Unwrap(err))
		}
		if a.Issuer != entityID || a.Subject != "alice@example.com" || a.SubjectType != "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress" || a.Recipient != samltest.SignIn || a.ID == "" || a.Once {
			t.Errorf("%s signed: %+v", sign, a)
		}
		if got := strings.Join(a.Values("a"), ","); got != "1,2,4" {
			t.Errorf("values %s", got)
		}
		if got := strings.Join(a.Names(), ","); got != "a,b" {
			t.Errorf("names %s", got)
		}
		if want := now.Add(5 * time.Minute); !a.Expires.Equal(want) {
			t.Errorf("expires %v, want %v", a.Expires, want)
		}
	}
}

// The base64 may be in lines, and the document as pretty as the provider likes.
func TestWhiteSpace(t *testing.T) {
	p := idp()
	doc := p.Document(samltest.Response{Now: now, Sign: "nothing", Before: func(r, a *etree.Element) {
		for _, e := range []*etree.Element{r.FindElement("Issuer"), a.FindElement("Issuer"), a.FindElement("Subject/NameID"), a.FindElement("Conditions/AudienceRestriction/Audience")} {
			e.SetText("\n    " + e.Text() + "\n  ")
		}
	}})
	doc.Indent(2)
	p.SignElement(doc.Root())
	var lines []string
	for text := samltest.Encode(doc); text != ""; {
		n := min(len(text), 64)
		lines, text = append(lines, text[:n]), text[n:]
	}
	a, err := provider(t, p).Verify(strings.Join(lines, "\r\n"), saml.AWS, now)
	if err != nil || a.Subject != "alice" || a.SubjectType != "persistent" {
		t.Errorf("%+v, %v (%v)", a, err, errors.Unwrap(err))
	}
}

// set changes the attribute of an element of the response or assertion.
func set(path, name, value string) func(r, a *etree.Element) {
	return func(r, a *etree.Element) {
		e := a.FindElement(path)
		if path == "." {
			e = a
		}
		if value == "-" {
			e.RemoveAttr(name)
			return
		}
		e.CreateAttr(name, value)
	}
}

func text(path, value string) func(r, a *etree.Element) {
	return func(_, a *etree.Element) { a.FindElement(path).SetText(value) }
}

func at(d time.Duration) string { return now.Add(d).Format(time.RFC3339) }

// What is signed and still not good enough, and what is at its limits.
func TestContents(t *testing.T) {
	const confirmation, conditions = "Subject/SubjectConfirmation/SubjectConfirmationData", "Conditions"
	p := idp()
	remove := func(path string) func(r, a *etree.Element) {
		return func(_, a *etree.Element) { e := a.FindElement(path); e.Parent().RemoveChild(e) }
	}
	repeat := func(path string) func(r, a *etree.Element) {
		return func(_, a *etree.Element) { e := a.FindElement(path); e.Parent().AddChild(e.Copy()) }
	}
	for name, tc := range map[string]struct {
		before func(r, a *etree.Element)
		want   string
	}{
		"as it is":                       {nil, ""},
		"another issuer":                 {text("Issuer", "https://evil.example.com"), "Issuer not present in specified provider"},
		"an issuer in another case":      {text("Issuer", strings.ToUpper(entityID)), "Issuer not present in specified provider"},
		"no issuer":                      {remove("Issuer"), "Invalid SAML response"},
		"another issuer of the response": {func(r, _ *etree.Element) { r.FindElement("Issuer").SetText("x") }, "Issuer not present in specified provider"},
		"no issuer of the response":      {func(r, _ *etree.Element) { r.RemoveChild(r.FindElement("Issuer")) }, ""},
		"a failure": {func(r, _ *etree.Element) {
			r.FindElement("Status/StatusCode").CreateAttr("Value", "urn:oasis:names:tc:SAML:2.0:status:Responder")
		}, "The identity provider (IdP) reported that authentication failed."},
		"another destination":            {func(r, _ *etree.Element) { r.CreateAttr("Destination", "https://sp.example.com/acs") }, "Response does not contain the required audience."},
		"SAML 1.1":                       {set(".", "Version", "1.1"), "Invalid SAML response"},
		"issued five minutes ago":        {set(".", "IssueInstant", at(-5*time.Minute)), "Token must be redeemed within 5 minutes of issuance"},
		"issued nearly five minutes ago": {set(".", "IssueInstant", at(-5*time.Minute+time.Second)), ""},
		"issued a little ahead":          {set(".", "IssueInstant", at(time.Minute)), ""},
		"issued ahead":                   {set(".", "IssueInstant", at(61*time.Second)), "Response is not valid yet"},
		"issued never":                   {set(".", "IssueInstant", "-"), "Invalid SAML response"},
		"issued sometime":                {set(".", "IssueInstant", "today"), "Invalid SAML response"},
		"not before a little ahead":      {set(conditions, "NotBefore", at(time.Minute)), ""},
		"not before":                     {set(conditions, "NotBefore", at(61*time.Second)), "Response is not valid yet"},
		"on":                             {set(conditions, "NotOnOrAfter", at(0)), "Response has expired"},
		"just before the end":            {set(conditions, "NotOnOrAfter", at(time.Second)), ""},
		"no times": {func(_, a *etree.Element) {
			c := a.FindElement(conditions)
			c.RemoveAttr("NotBefore")
			c.RemoveAttr("NotOnOrAfter")
		}, ""},
		"a time that is none":            {set(conditions, "NotOnOrAfter", "9999"), "Invalid SAML response"},
		"no conditions":                  {remove(conditions), "Response does not contain the required audience."},
		"no audience":                    {remove("Conditions/AudienceRestriction"), "Response does not contain the required audience."},
		"another audience":               {text("Conditions/AudienceRestriction/Audience", "https://sp.example.com"), "Response does not contain the required audience."},
		"the audience of the documents":  {text("Conditions/AudienceRestriction/Audience", "urn:amazon:webservices"), ""},
		"a regional audience":            {text("Conditions/AudienceRestriction/Audience", "https://eu-central-1.signin.aws.amazon.com/saml"), ""},
		"an audience that looks like it": {text("Conditions/AudienceRestriction/Audience", "https://evil.signin.aws.amazon.com.example.com/saml"), "Response does not contain the required audience."},
		"the second audience": {func(_, a *etree.Element) {
			a.FindElement("Conditions/AudienceRestriction").InsertChildAt(0, audience("https://sp.example.com"))
		}, ""},
		"a second restriction": {func(_, a *etree.Element) {
			r := etree.NewElement("saml:AudienceRestriction")
			r.AddChild(audience("https://sp.example.com"))
			a.FindElement(conditions).AddChild(r)
		}, "Response does not contain the required audience."},
		"an unknown condition":       {func(_, a *etree.Element) { a.FindElement(conditions).CreateElement("saml:Condition") }, "Invalid SAML response"},
		"no subject":                 {remove("Subject"), "no NameID"},
		"no name":                    {remove("Subject/NameID"), "no NameID"},
		"two names":                  {repeat("Subject/NameID"), "Invalid SAML response"},
		"an empty name":              {text("Subject/NameID", " "), "Invalid SAML response"},
		"no confirmation":            {remove("Subject/SubjectConfirmation"), "Invalid SAML response"},
		"two confirmations":          {repeat("Subject/SubjectConfirmation"), "Invalid SAML response"},
		"confirmation by a key":      {set("Subject/SubjectConfirmation", "Method", "urn:oasis:names:tc:SAML:2.0:cm:holder-of-key"), "Invalid SAML response"},
		"no data":                    {remove(confirmation), "Invalid SAML response"},
		"another recipient":          {set(confirmation, "Recipient", "https://sp.example.com/acs"), "Response does not contain the required audience."},
		"no recipient":               {set(confirmation, "Recipient", "-"), "Response does not contain the required audience."},
		"a recipient that is a name": {set(confirmation, "Recipient", "urn:amazon:webservices"), "Response does not contain the required audience."},
		"a recipient of old":         {set(confirmation, "Recipient", "https://signin.aws.amazon.com/static/saml"), ""},
		"the provider's own":         {set(confirmation, "Recipient", "https://us-east-1.signin.aws.amazon.com/saml/acs/SAMLPEXAMPLE"), ""},
		"another provider's own":     {set(confirmation, "Recipient", "https://us-east-1.signin.aws.amazon.com/saml/acs/SAMLPOTHER"), "Response does not contain the required audience."},
		"a confirmation at its end":  {set(confirmation, "NotOnOrAfter", at(0)), "Response has expired"},
		"one without end":            {set(confirmation, "NotOnOrAfter", "-"), "Invalid SAML response"},
		"in response to something":   {set(confirmation, "InResponseTo", "_request"), ""},
		"a session at its end":       {set("AuthnStatement", "SessionNotOnOrAfter", at(0)), "Response has expired"},
		"an attribute without name":  {func(_, a *etree.Element) { a.FindElement("AttributeStatement").CreateElement("saml:Attribute") }, "Invalid SAML response"},
		"a value that is no text": {func(_, a *etree.Element) {
			at := a.FindElement("AttributeStatement").CreateElement("saml:Attribute")
			at.CreateAttr("Name", "n")
			at.CreateElement("saml:AttributeValue").CreateElement("x")
		}, "Invalid SAML response"},
	} {
		for _, sign := range []string{"assertion", "response"} {
			_, err := provider(t, p).Verify(p.Respond(samltest.Response{Now: now, Sign: sign, Before: tc.before}), saml.AWS, now)
			if got, _ := refusal(t, err); got != tc.want {
				t.Errorf("%s, %s signed: %q (%v), want %q", name, sign, got, errors.Unwrap(err), tc.want)
			}
		}
	}
}

func audience(name string) *etree.Element {
	e := etree.NewElement("saml:Audience")
	e.SetText(name)
	return e
}

func TestRead(t *testing.T) {
	p := idp()
	a, err := provider(t, p).Verify(p.Respond(samltest.Response{Now: now, Before: func(_, a *etree.Element) {
		a.FindElement("Subject/NameID").RemoveAttr("Format")
		a.FindElement("Conditions").CreateElement("saml:OneTimeUse")
		a.FindElement("AuthnStatement").CreateAttr("SessionNotOnOrAfter", at(2*time.Hour))
		second := a.FindElement("AuthnStatement").Copy()
		second.CreateAttr("SessionNotOnOrAfter", at(time.Hour))
		a.AddChild(second)
		id := a.FindElement("AttributeStatement").CreateElement("saml:Attribute")
		id.CreateAttr("Name", "id")
		id.CreateElement("saml:AttributeValue").CreateElement("saml:NameID").SetText("targeted")
	}}), saml.AWS, now)
	if err != nil {
		t.Fatal(err)
	}
	if !a.Once || !a.SessionEnds.Equal(now.Add(time.Hour)) || a.SubjectType != "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified" || strings.Join(a.Values("id"), ",") != "targeted" {
		t.Errorf("%+v", a)
	}
}

// The operator's own endpoints take the place of AWS's.
func TestEndpoints(t *testing.T) {
	p := idp()
	own := saml.Endpoints{"https://warder.example.com/saml"}
	for _, tc := range []struct {
		at   saml.Endpoints
		to   string
		want string
	}{
		{own, own[0], ""},
		{own, own[0] + "/acs/SAMLPEXAMPLE", ""},
		{own, samltest.SignIn, "Response does not contain the required audience."},
		{own, "https://eu-west-1.signin.aws.amazon.com/saml", "Response does not contain the required audience."},
		{saml.AWS, own[0], "Response does not contain the required audience."},
		{append(own, saml.AWS...), samltest.SignIn, ""},
	} {
		_, err := provider(t, p).Verify(p.Respond(samltest.Response{Now: now, Recipient: tc.to, Audience: tc.to}), tc.at, now)
		if got, _ := refusal(t, err); got != tc.want {
			t.Errorf("%s at %v: %q, want %q", tc.to, tc.at, got, tc.want)
		}
	}
}

func TestKeys(t *testing.T) {
	p, other := idp(), samltest.New(entityID, 1)
	both := provider(t, p)
	both.Certificates = append(both.Certificates, provider(t, other).Certificates...)
	for name, tc := range map[string]struct {
		by   *samltest.IdP
		at   *saml.Provider
		want string
	}{
		"a key that is not the provider's": {other, provider(t, p), "Response signature invalid"},
		"the second of two keys":           {other, both, ""},
		"no key":                           {p, &saml.Provider{EntityID: entityID, ValidUntil: now.Add(time.Hour)}, "Response signature invalid"},
		"metadata at its end":              {p, &saml.Provider{EntityID: entityID, Certificates: both.Certificates, ValidUntil: now}, "The metadata of the SAML provider has expired"},
	} {
		_, err := tc.at.Verify(tc.by.Respond(samltest.Response{Now: now}), saml.AWS, now)
		if got, _ := refusal(t, err); got != tc.want {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}

func TestAlgorithms(t *testing.T) {
	p := idp()
	for method, want := range map[string]string{
		dsig.RSASHA256SignatureMethod: "",
		dsig.RSASHA384SignatureMethod: "",
		dsig.RSASHA512SignatureMethod: "",
		dsig.RSASHA1SignatureMethod:   "Response signature invalid",
	} {
		doc := p.Document(samltest.Response{Now: now, Sign: "nothing"})
		p.SignElementBy(doc.Root().FindElement("Assertion"), method)
		_, err := provider(t, p).Verify(samltest.Encode(doc), saml.AWS, now)
		if got, _ := refusal(t, err); got != want {
			t.Errorf("%s: %q, want %q", method, got, want)
		}
	}
}

// A digest by SHA-1 under a signature by SHA-256.
func TestDigestAlgorithm(t *testing.T) {
	p := idp()
	doc := p.Document(samltest.Response{Now: now})
	a := doc.Root().FindElement("Assertion")
	reference := a.FindElement("Signature/SignedInfo/Reference")
	canonical := func(e *etree.Element) []byte {
		context, err := etreeutils.NSBuildParentContext(e)
		if err != nil {
			t.Fatal(err)
		}
		alone, err := etreeutils.NSDetatch(context, e)
		if err != nil {
			t.Fatal(err)
		}
		if s := alone.FindElement("./Signature"); s != nil {
			alone.RemoveChild(s)
		}
		text, err := dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("").Canonicalize(alone)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	for algorithm, tc := range map[string]struct {
		hash crypto.Hash
		want string
	}{
		"http://www.w3.org/2001/04/xmlenc#sha256": {crypto.SHA256, ""},
		ds + "sha1": {crypto.SHA1, "Response signature invalid"},
	} {
		h := tc.hash.New()
		h.Write(canonical(a))
		reference.FindElement("DigestMethod").CreateAttr("Algorithm", algorithm)
		reference.FindElement("DigestValue").SetText(base64.StdEncoding.EncodeToString(h.Sum(nil)))
		sum := sha256.Sum256(canonical(a.FindElement("Signature/SignedInfo")))
		value, err := rsa.SignPKCS1v15(nil, p.Key, crypto.SHA256, sum[:])
		if err != nil {
			t.Fatal(err)
		}
		a.FindElement("Signature/SignatureValue").SetText(base64.StdEncoding.EncodeToString(value))
		_, err = provider(t, p).Verify(samltest.Encode(doc), saml.AWS, now)
		if got, _ := refusal(t, err); got != tc.want {
			t.Errorf("%s: %q (%v), want %q", algorithm, got, errors.Unwrap(err), tc.want)
		}
	}
}

func TestEncrypted(t *testing.T) {
	p, ours, another := idp(), samltest.Key(2), samltest.Key(3)
	const refused = "The encrypted assertion could not be decrypted"
	for name, tc := range map[string]struct {
		r        samltest.Response
		keys     []*rsa.PrivateKey
		required bool
		want     string
	}{
		"to our key":                 {samltest.Response{Encrypt: &ours.PublicKey}, []*rsa.PrivateKey{ours}, false, ""},
		"to our second key":          {samltest.Response{Encrypt: &ours.PublicKey}, []*rsa.PrivateKey{another, ours}, true, ""},
		"signed outside only":        {samltest.Response{Encrypt: &ours.PublicKey, Sign: "response"}, []*rsa.PrivateKey{ours}, true, ""},
		"signed twice":               {samltest.Response{Encrypt: &ours.PublicKey, Sign: "both"}, []*rsa.PrivateKey{ours}, true, ""},
		"not signed":                 {samltest.Response{Encrypt: &ours.PublicKey, Sign: "nothing"}, []*rsa.PrivateKey{ours}, false, "Response signature invalid"},
		"to another key":             {samltest.Response{Encrypt: &another.PublicKey}, []*rsa.PrivateKey{ours}, false, refused},
		"without a key":              {samltest.Response{Encrypt: &ours.PublicKey}, nil, false, refused},
		"not encrypted":              {samltest.Response{}, []*rsa.PrivateKey{ours}, false, ""},
		"not encrypted, but must be": {samltest.Response{}, []*rsa.PrivateKey{ours}, true, "The SAML provider requires encrypted assertions"},
		"CBC in a signed response":   {samltest.Response{Encrypt: &ours.PublicKey, Cipher: "cbc", Sign: "response"}, []*rsa.PrivateKey{ours}, true, ""},
		"CBC signed inside only":     {samltest.Response{Encrypt: &ours.PublicKey, Cipher: "cbc"}, []*rsa.PrivateKey{ours}, true, refused},
		"a key in PKCS #1 v1.5":      {samltest.Response{Encrypt: &ours.PublicKey, Cipher: "rsa15", Sign: "both"}, []*rsa.PrivateKey{ours}, true, refused},
	} {
		at := provider(t, p)
		at.Keys, at.EncryptionRequired = tc.keys, tc.required
		tc.r.Now = now
		a, err := at.Verify(p.Respond(tc.r), saml.AWS, now)
		if got, _ := refusal(t, err); got != tc.want || err == nil && a.Subject != "alice" {
			t.Errorf("%s: %q (%v), want %q", name, got, errors.Unwrap(err), tc.want)
		}
	}
}

// What is in the ciphertext is looked at no less closely than what is not: it is
// the bearer who can encrypt.
func TestForgedCiphertext(t *testing.T) {
	p, ours := idp(), samltest.Key(2)
	at := provider(t, p)
	at.Keys = []*rsa.PrivateKey{ours}
	genuine := func() *etree.Element {
		return p.Document(samltest.Response{Now: now}).Root().FindElement("Assertion")
	}
	write := func(e *etree.Element) []byte {
		doc := etree.NewDocument()
		doc.SetRoot(e)
		text, err := doc.WriteToBytes()
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	forged := genuine()
	forged.FindElement("Subject/NameID").SetText("root")
	wrapped := genuine()
	evil := p.Document(samltest.Response{Now: now, Sign: "nothing", Subject: "root"}).Root().FindElement("Assertion")
	evil.CreateElement("saml:Advice").AddChild(wrapped)
	for name, plain := range map[string][]byte{
		"an assertion that was changed": write(forged),
		"one without a signature":       write(p.Document(samltest.Response{Now: now, Sign: "nothing"}).Root().FindElement("Assertion")),
		"one around another":            write(evil),
		"a response":                    write(p.Document(samltest.Response{Now: now, Sign: "both"}).Root()),
		"a document type":               append([]byte("<!DOCTYPE x>"), write(genuine())...),
		"a comment":                     append([]byte("<!-- -->"), write(genuine())...),
		"nothing":                       {},
		"no XML":                        []byte("alice"),
	} {
		doc := p.Document(samltest.Response{Now: now, Sign: "nothing"})
		root := doc.Root()
		root.RemoveChild(root.FindElement("Assertion"))
		root.AddChild(samltest.EncryptBytes(plain, &ours.PublicKey, "gcm"))
		if a, err := at.Verify(samltest.Encode(doc), saml.AWS, now); err == nil {
			t.Errorf("%s: accepted as %s", name, a.Subject)
		}
	}
}

func TestBase64(t *testing.T) {
	p := idp()
	for _, text := range []string{"", "!", "AAA", strings.TrimRight(p.Respond(samltest.Response{Now: now}), "=") + "=A"} {
		_, err := provider(t, p).Verify(text, saml.AWS, now)
		got, kind := refusal(t, err)
		if want := "Invalid base64 SAMLResponse"; got != want && text != "" || kind != saml.Invalid {
			t.Errorf("%q: %q", text, got)
		}
	}
}

// Responses are not compressed in the POST binding, so nothing is inflated.
func TestDeflated(t *testing.T) {
	p := idp()
	_, err := provider(t, p).Verify(base64.StdEncoding.EncodeToString(deflate([]byte(strings.Repeat("<a/>", 1<<20)))), saml.AWS, now)
	if got, _ := refusal(t, err); got != "Invalid SAML response" {
		t.Errorf("%q", got)
	}
}
