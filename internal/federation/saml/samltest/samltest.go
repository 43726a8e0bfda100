// Package samltest is a SAML identity provider for tests: it makes metadata and
// responses, signed and encrypted as asked, and lets a test do its worst to them
// before and after they are signed.
package samltest

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha512" // for signatures
	"crypto/x509"
	"crypto/x509/pkix"
	_ "embed" // the keys
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"math/big"
	"strings"
	"time"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
)

// SignIn is the endpoint of AWS that responses are for, unless told otherwise.
const SignIn = "https://signin.aws.amazon.com/saml"

// Namespaces.
const (
	Protocol  = "urn:oasis:names:tc:SAML:2.0:protocol"
	Assertion = "urn:oasis:names:tc:SAML:2.0:assertion"
)

// An IdP is an identity provider.
type IdP struct {
	EntityID    string
	Key         *rsa.PrivateKey
	Certificate []byte // DER
}

//go:embed keys.pem
var keys []byte

// Key is one of four RSA keys of 2,048 bits, the same in every process: a fuzz
// target's workers share what its seeds are signed with. They are in the open, so
// they are good for nothing else.
func Key(number int) *rsa.PrivateKey {
	rest := keys
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			panic("samltest: there is no such key")
		}
		if number--; number < 0 {
			key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
			if err != nil {
				panic(err)
			}
			return key.(*rsa.PrivateKey)
		}
	}
}

// New is an identity provider with the key of that number.
func New(entityID string, number int) *IdP {
	key := Key(number)
	// Long over, which is of no account.
	template := &x509.Certificate{
		SerialNumber: big.NewInt(int64(number) + 1), Subject: pkix.Name{CommonName: "idp.example.com"},
		NotBefore: time.Date(2015, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2016, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		panic(err)
	}
	return &IdP{EntityID: entityID, Key: key, Certificate: der}
}

// Metadata is the provider's metadata document.
func (p *IdP) Metadata() string {
	return `<?xml version="1.0" encoding="UTF-8"?>
<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="` + p.EntityID + `">
  <md:IDPSSODescriptor WantAuthnRequestsSigned="false" protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
    <md:KeyDescriptor use="signing">
      <ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:KeyName>key</ds:KeyName><ds:X509Data><ds:X509Certificate>
` + base64.StdEncoding.EncodeToString(p.Certificate) + `
      </ds:X509Certificate></ds:X509Data></ds:KeyInfo>
    </md:KeyDescriptor>
    <md:NameIDFormat>urn:oasis:names:tc:SAML:2.0:nameid-format:persistent</md:NameIDFormat>
    <md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://idp.example.com/sso"/>
  </md:IDPSSODescriptor>
</md:EntityDescriptor>
`
}

// PEM is a private key as CreateSAMLProvider takes it.
func PEM(key *rsa.PrivateKey) string {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		panic(err) // it takes every RSA key
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// An Attribute is a name with values.
type Attribute struct {
	Name   string
	Values []string
}

// A Response is what a response says. Zero values are those of a good one.
type Response struct {
	Now        time.Time // of issue
	Subject    string
	Format     string
	Recipient  string
	Audience   string
	Attributes []Attribute
	// Sign is what is signed: "assertion" (if empty), "response", "both", "nothing".
	Sign string
	// Before changes the response before anything is signed.
	Before func(response, assertion *etree.Element)
	// Encrypt is the key that the assertion is encrypted to; nil for none. Cipher is
	// "gcm" (if empty) or "cbc".
	Encrypt *rsa.PublicKey
	Cipher  string
}

func or(text, fallback string) string {
	if text == "" {
		return fallback
	}
	return text
}

// ID is a fresh ID for an element.
func ID() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // it never fails
	return "_" + hex.EncodeToString(b)
}

func instant(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// child appends an element.
func child(parent *etree.Element, name, text string, attributes ...string) *etree.Element {
	e := parent.CreateElement(name)
	for i := 0; i < len(attributes); i += 2 {
		e.CreateAttr(attributes[i], attributes[i+1])
	}
	if text != "" {
		e.SetText(text)
	}
	return e
}

// Document makes the response, signed as it asks.
func (p *IdP) Document(r Response) *etree.Document {
	doc := etree.NewDocument()
	issued := instant(r.Now)
	response := child(&doc.Element, "samlp:Response", "", "xmlns:samlp", Protocol, "ID", ID(), "Version", "2.0", "IssueInstant", issued, "Destination", or(r.Recipient, SignIn))
	child(response, "saml:Issuer", p.EntityID, "xmlns:saml", Assertion)
	child(child(response, "samlp:Status", ""), "samlp:StatusCode", "", "Value", "urn:oasis:names:tc:SAML:2.0:status:Success")
	a := p.assertion(r)
	if r.Before != nil {
		r.Before(response, a)
	}
	if sign := or(r.Sign, "assertion"); sign == "assertion" || sign == "both" {
		p.SignElement(a)
	}
	if r.Encrypt != nil {
		a = Encrypt(a, r.Encrypt, or(r.Cipher, "gcm"))
	}
	response.AddChild(a)
	if r.Sign == "response" || r.Sign == "both" {
		p.SignElement(response)
	}
	return doc
}

func (p *IdP) assertion(r Response) *etree.Element {
	issued := instant(r.Now)
	end := instant(r.Now.Add(5 * time.Minute))
	a := etree.NewElement("saml:Assertion")
	for _, at := range [][2]string{{"xmlns:saml", Assertion}, {"ID", ID()}, {"Version", "2.0"}, {"IssueInstant", issued}} {
		a.CreateAttr(at[0], at[1])
	}
	child(a, "saml:Issuer", p.EntityID)
	subject := child(a, "saml:Subject", "")
	child(subject, "saml:NameID", or(r.Subject, "alice"), "Format", or(r.Format, "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"))
	confirmation := child(subject, "saml:SubjectConfirmation", "", "Method", "urn:oasis:names:tc:SAML:2.0:cm:bearer")
	child(confirmation, "saml:SubjectConfirmationData", "", "NotOnOrAfter", end, "Recipient", or(r.Recipient, SignIn))
	conditions := child(a, "saml:Conditions", "", "NotBefore", issued, "NotOnOrAfter", end)
	child(child(conditions, "saml:AudienceRestriction", ""), "saml:Audience", or(r.Audience, SignIn))
	statement := child(a, "saml:AuthnStatement", "", "AuthnInstant", issued)
	child(child(statement, "saml:AuthnContext", ""), "saml:AuthnContextClassRef", "urn:oasis:names:tc:SAML:2.0:ac:classes:Password")
	attributes := child(a, "saml:AttributeStatement", "")
	for _, at := range r.Attributes {
		e := child(attributes, "saml:Attribute", "", "Name", at.Name, "NameFormat", "urn:oasis:names:tc:SAML:2.0:attrname-format:uri")
		for _, v := range at.Values {
			child(e, "saml:AttributeValue", v)
		}
	}
	return a
}

// Respond makes the response in base64.
func (p *IdP) Respond(r Response) string { return Encode(p.Document(r)) }

// Encode is a document in base64.
func Encode(doc *etree.Document) string {
	text, err := doc.WriteToBytes()
	if err != nil {
		panic(err) // it writes to memory
	}
	return base64.StdEncoding.EncodeToString(text)
}

// SignElement signs an element by RSA with SHA-256, and puts the signature where
// the schema has it: behind the issuer.
func (p *IdP) SignElement(e *etree.Element) { p.SignElementBy(e, dsig.RSASHA256SignatureMethod) }

// SignElementBy signs by another algorithm.
func (p *IdP) SignElementBy(e *etree.Element, method string) {
	context, err := dsig.NewSigningContext(p.Key, [][]byte{p.Certificate})
	if err != nil {
		panic(err)
	}
	context.Canonicalizer = dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("")
	if err := context.SetSignatureMethod(method); err != nil {
		panic(err)
	}
	signature, err := context.ConstructSignature(e.Copy(), true)
	if err != nil {
		panic(err)
	}
	at := 0
	for _, c := range e.ChildElements() {
		if c.Tag == "Issuer" {
			at = c.Index() + 1
		}
	}
	e.InsertChildAt(at, signature)
}

// Encrypt makes an EncryptedAssertion.
func Encrypt(a *etree.Element, to *rsa.PublicKey, mode string) *etree.Element {
	doc := etree.NewDocument()
	doc.SetRoot(a.Copy())
	plain, err := doc.WriteToBytes()
	if err != nil {
		panic(err)
	}
	return EncryptBytes(plain, to, mode)
}

// EncryptBytes makes an EncryptedAssertion of any plain text. mode is "gcm",
// "cbc", or "rsa15" for GCM with the key in PKCS #1 v1.5.
func EncryptBytes(plain []byte, to *rsa.PublicKey, mode string) *etree.Element {
	secret, text := make([]byte, 32), []byte(nil)
	_, _ = rand.Read(secret)
	block, err := aes.NewCipher(secret)
	if err != nil {
		panic(err)
	}
	algorithm := "http://www.w3.org/2009/xmlenc11#aes256-gcm"
	if mode == "cbc" {
		algorithm = "http://www.w3.org/2001/04/xmlenc#aes256-cbc"
		padding := aes.BlockSize - len(plain)%aes.BlockSize
		padded := append(append(append([]byte{}, plain...), make([]byte, padding-1)...), byte(padding))
		text = make([]byte, aes.BlockSize+len(padded))
		_, _ = rand.Read(text[:aes.BlockSize])
		cipher.NewCBCEncrypter(block, text[:aes.BlockSize]).CryptBlocks(text[aes.BlockSize:], padded)
	} else {
		aead, err := cipher.NewGCM(block)
		if err != nil {
			panic(err)
		}
		nonce := make([]byte, aead.NonceSize())
		_, _ = rand.Read(nonce)
		text = aead.Seal(nonce, nonce, plain, nil)
	}
	transport := "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p"
	var wrapped []byte
	if mode == "rsa15" {
		transport = "http://www.w3.org/2001/04/xmlenc#rsa-1_5"
		//lint:ignore SA1019 it is to be refused
		wrapped, err = rsa.EncryptPKCS1v15(rand.Reader, to, secret)
	} else {
		wrapped, err = rsa.EncryptOAEP(crypto.SHA1.New(), rand.Reader, to, secret, nil)
	}
	if err != nil {
		panic(err)
	}
	e := etree.NewElement("saml:EncryptedAssertion")
	e.CreateAttr("xmlns:saml", Assertion)
	data := child(e, "xenc:EncryptedData", "", "xmlns:xenc", "http://www.w3.org/2001/04/xmlenc#", "Type", "http://www.w3.org/2001/04/xmlenc#Element")
	child(data, "xenc:EncryptionMethod", "", "Algorithm", algorithm)
	info := child(data, "ds:KeyInfo", "", "xmlns:ds", "http://www.w3.org/2000/09/xmldsig#")
	key := child(info, "xenc:EncryptedKey", "")
	child(child(key, "xenc:EncryptionMethod", "", "Algorithm", transport), "ds:DigestMethod", "", "Algorithm", "http://www.w3.org/2000/09/xmldsig#sha1")
	child(child(key, "xenc:CipherData", ""), "xenc:CipherValue", wrap(wrapped))
	child(child(data, "xenc:CipherData", ""), "xenc:CipherValue", wrap(text))
	return e
}

// wrap is base64 in lines, as most libraries write it.
func wrap(b []byte) string {
	text := base64.StdEncoding.EncodeToString(b)
	var lines []string
	for len(text) > 76 {
		lines, text = append(lines, text[:76]), text[76:]
	}
	return strings.Join(append(lines, text), "\n")
}
