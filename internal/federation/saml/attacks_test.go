package saml_test

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/beevik/etree"

	"github.com/warder-iam/warder/internal/federation/saml"
	"github.com/warder-iam/warder/internal/federation/saml/samltest"
)

func deflate(text []byte) []byte {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, flate.BestCompression)
	_, _ = w.Write(text)
	_ = w.Close()
	return b.Bytes()
}

const ds = "http://www.w3.org/2000/09/xmldsig#"

// evil is a copy of an assertion that says something else, without a signature.
func evil(a *etree.Element, id string) *etree.Element {
	e := a.Copy()
	if s := e.FindElement("Signature"); s != nil {
		e.RemoveChild(s)
	}
	e.CreateAttr("ID", id)
	e.FindElement("Subject/NameID").SetText("root")
	return e
}

// The eight signature wrappings of "On Breaking SAML: Be Whoever You Want to Be"
// (USENIX Security 2012), as SAML Raider does them, and later ones, by surgery on
// a good response. None of them may be accepted, whoever is named.
func TestAttacks(t *testing.T) {
	p := idp()
	for name, tc := range map[string]struct {
		sign string
		do   func(doc *etree.Document)
	}{
		"XSW1: the response is copied into its signature": {"response", func(doc *etree.Document) {
			root := doc.Root()
			original := root.Copy()
			signature := root.FindElement("Signature")
			original.RemoveChild(original.FindElement("Signature"))
			root.CreateAttr("ID", samltest.ID())
			signature.AddChild(original)
			root.FindElement("Assertion/Subject/NameID").SetText("root")
		}},
		"XSW2: the same, detached": {"response", func(doc *etree.Document) {
			root := doc.Root()
			original := root.Copy()
			original.RemoveChild(original.FindElement("Signature"))
			root.CreateAttr("ID", samltest.ID())
			root.InsertChildAt(root.FindElement("Signature").Index(), original)
			root.FindElement("./Assertion/Subject/NameID").SetText("root")
		}},
		"XSW3: an assertion before the signed one": {"assertion", func(doc *etree.Document) {
			a := doc.Root().FindElement("Assertion")
			doc.Root().InsertChildAt(a.Index(), evil(a, samltest.ID()))
		}},
		"XSW4: the signed assertion inside another": {"assertion", func(doc *etree.Document) {
			a := doc.Root().FindElement("Assertion")
			e := evil(a, samltest.ID())
			doc.Root().RemoveChild(a)
			e.AddChild(a)
			doc.Root().AddChild(e)
		}},
		"XSW5: the signed assertion behind, its signature in another": {"assertion", func(doc *etree.Document) {
			a := doc.Root().FindElement("Assertion")
			e := a.Copy()
			e.FindElement("Subject/NameID").SetText("root")
			e.CreateAttr("ID", samltest.ID())
			a.RemoveChild(a.FindElement("Signature"))
			doc.Root().RemoveChild(a)
			doc.Root().AddChild(e)
			doc.Root().AddChild(a)
		}},
		"XSW6: the signed assertion in the signature of another": {"assertion", func(doc *etree.Document) {
			a := doc.Root().FindElement("Assertion")
			e := a.Copy()
			e.FindElement("Subject/NameID").SetText("root")
			e.CreateAttr("ID", samltest.ID())
			a.RemoveChild(a.FindElement("Signature"))
			doc.Root().RemoveChild(a)
			e.FindElement("Signature").AddChild(a)
			doc.Root().AddChild(e)
		}},
		"XSW7: another assertion in extensions": {"assertion", func(doc *etree.Document) {
			a := doc.Root().FindElement("Assertion")
			x := etree.NewElement("samlp:Extensions")
			x.AddChild(evil(a, a.SelectAttrValue("ID", "")))
			doc.Root().InsertChildAt(a.Index(), x)
		}},
		"XSW8: the signed assertion in an object of the signature": {"assertion", func(doc *etree.Document) {
			a := doc.Root().FindElement("Assertion")
			e := a.Copy()
			e.FindElement("Subject/NameID").SetText("root")
			a.RemoveChild(a.FindElement("Signature"))
			doc.Root().RemoveChild(a)
			object := etree.NewElement("ds:Object")
			object.AddChild(a)
			e.FindElement("Signature").AddChild(object)
			doc.Root().AddChild(e)
		}},
		"the same ID twice": {"assertion", func(doc *etree.Document) {
			doc.Root().FindElement("Assertion/AuthnStatement").CreateAttr("ID", doc.Root().FindElement("Assertion").SelectAttrValue("ID", ""))
		}},
		"no signature": {"nothing", func(*etree.Document) {}},
		"the signature taken away": {"assertion", func(doc *etree.Document) {
			a := doc.Root().FindElement("Assertion")
			a.RemoveChild(a.FindElement("Signature"))
		}},
		"a name that was changed":                       {"both", func(doc *etree.Document) { doc.Root().FindElement("Assertion/Subject/NameID").SetText("root") }},
		"a name that was changed, of a signed response": {"response", func(doc *etree.Document) { doc.Root().FindElement("Assertion/Subject/NameID").SetText("root") }},
		"the response's signature about the assertion": {"assertion", func(doc *etree.Document) {
			// The signature is genuine, but what stands around it is not what it is about.
			a := doc.Root().FindElement("Assertion")
			s := a.FindElement("Signature")
			a.RemoveChild(s)
			doc.Root().InsertChildAt(1, s)
			doc.Root().FindElement("Assertion/Subject/NameID").SetText("root")
		}},
		"a good response, a bad assertion in it": {"nothing", func(doc *etree.Document) {
			a := doc.Root().FindElement("Assertion")
			p.SignElement(a)
			a.FindElement("Signature/SignatureValue").SetText("AAAA")
			p.SignElement(doc.Root())
		}},
		"an empty reference": {"assertion", func(doc *etree.Document) {
			doc.Root().FindElement("Assertion/Signature/SignedInfo/Reference").CreateAttr("URI", "")
		}},
		"a second reference": {"assertion", func(doc *etree.Document) {
			r := doc.Root().FindElement("Assertion/Signature/SignedInfo/Reference")
			r.Parent().AddChild(r.Copy())
		}},
		"a second SignedInfo": {"assertion", func(doc *etree.Document) {
			i := doc.Root().FindElement("Assertion/Signature/SignedInfo")
			i.Parent().InsertChildAt(0, i.Copy())
		}},
		"a second DigestValue (CVE-2024-45409)": {"assertion", func(doc *etree.Document) {
			v := doc.Root().FindElement("Assertion/Signature/SignedInfo/Reference/DigestValue")
			v.Parent().AddChild(v.Copy())
		}},
		"a digest in an extension (CVE-2024-45409)": {"assertion", func(doc *etree.Document) {
			v := doc.Root().FindElement("Assertion/Signature/SignedInfo/Reference/DigestValue").Copy()
			v.CreateAttr("xmlns:ds", ds)
			doc.Root().CreateElement("samlp:Extensions").AddChild(v)
			doc.Root().FindElement("Assertion/Subject/NameID").SetText("root")
		}},
		"a comment in the digest (xml-crypto, CVE-2025-29775)": {"assertion", func(doc *etree.Document) {
			doc.Root().FindElement("Assertion/Signature/SignedInfo/Reference/DigestValue").AddChild(etree.NewComment("x"))
		}},
		"two signatures": {"assertion", func(doc *etree.Document) {
			s := doc.Root().FindElement("Assertion/Signature")
			s.Parent().AddChild(s.Copy())
		}},
		"a transform more": {"assertion", func(doc *etree.Document) {
			list := doc.Root().FindElement("Assertion/Signature/SignedInfo/Reference/Transforms")
			list.CreateElement("ds:Transform").CreateAttr("Algorithm", "http://www.w3.org/TR/1999/REC-xslt-19991116")
		}},
		"an XPath transform": {"assertion", func(doc *etree.Document) {
			doc.Root().FindElement("Assertion/Signature/SignedInfo/Reference/Transforms/Transform").CreateAttr("Algorithm", "http://www.w3.org/TR/1999/REC-xpath-19991116")
		}},
		"canonicalisation with comments": {"assertion", func(doc *etree.Document) {
			doc.Root().FindElement("Assertion/Signature/SignedInfo/CanonicalizationMethod").CreateAttr("Algorithm", "http://www.w3.org/2001/10/xml-exc-c14n#WithComments")
		}},
		"no canonicalisation": {"assertion", func(doc *etree.Document) {
			doc.Root().FindElement("Assertion/Signature/SignedInfo/CanonicalizationMethod").RemoveAttr("Algorithm")
		}},
		"HMAC": {"assertion", func(doc *etree.Document) {
			doc.Root().FindElement("Assertion/Signature/SignedInfo/SignatureMethod").CreateAttr("Algorithm", "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256")
		}},
		"a SHA-1 digest": {"assertion", func(doc *etree.Document) {
			doc.Root().FindElement("Assertion/Signature/SignedInfo/Reference/DigestMethod").CreateAttr("Algorithm", ds+"sha1")
		}},
		"a key of the sender's choice": {"nothing", func(doc *etree.Document) {
			samltest.New(entityID, 1).SignElement(doc.Root().FindElement("Assertion"))
		}},
		"a key of the sender's choice under our certificate": {"nothing", func(doc *etree.Document) {
			a := doc.Root().FindElement("Assertion")
			samltest.New(entityID, 1).SignElement(a)
			a.FindElement("Signature/KeyInfo/X509Data/X509Certificate").SetText(base64.StdEncoding.EncodeToString(p.Certificate))
		}},
		"no signature value": {"assertion", func(doc *etree.Document) {
			s := doc.Root().FindElement("Assertion/Signature")
			s.RemoveChild(s.FindElement("SignatureValue"))
		}},
		"an assertion of another namespace": {"assertion", func(doc *etree.Document) {
			doc.Root().FindElement("Assertion").CreateAttr("xmlns:saml", "urn:example:other")
		}},
		"an assertion below the surface": {"assertion", func(doc *etree.Document) {
			a := doc.Root().FindElement("Assertion")
			doc.Root().RemoveChild(a)
			doc.Root().CreateElement("samlp:Extensions").AddChild(a)
		}},
	} {
		doc := p.Document(samltest.Response{Now: now, Sign: tc.sign})
		tc.do(doc)
		if a, err := provider(t, p).Verify(samltest.Encode(doc), saml.AWS, now); err == nil {
			t.Errorf("%s: accepted as %s", name, a.Subject)
		} else if _, ok := errors.AsType[*saml.Refusal](err); !ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Attacks on the text, where XML parsers differ.
func TestTextAttacks(t *testing.T) {
	p := idp()
	doc := p.Document(samltest.Response{Now: now, Subject: "alice@example.com.evil.example"})
	raw, err := base64.StdEncoding.DecodeString(samltest.Encode(doc))
	if err != nil {
		t.Fatal(err)
	}
	good := string(raw)
	replace := func(old, with string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("the response has no %q", old)
		}
		return strings.Replace(good, old, with, 1)
	}
	for name, text := range map[string]string{
		"a comment in the name":            replace("alice@example.com.evil", "alice@example.com<!-- -->.evil"),
		"a processing instruction in it":   replace("alice@example.com.evil", "alice@example.com<?x?>.evil"),
		"a comment in the role":            replace("<saml:Conditions", "<!-- x --><saml:Conditions"),
		"a document type":                  "<!DOCTYPE x>" + good,
		"an external entity":               `<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>` + replace("alice@", "&e;alice@"),
		"a billion laughs":                 `<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>` + replace("alice@", "&b;"),
		"an ID by document type":           `<!DOCTYPE samlp:Response [<!ATTLIST saml:Assertion ID ID "x">]>` + good,
		"an unknown entity":                replace("alice@", "&eacute;alice@"),
		"another encoding":                 `<?xml version="1.0" encoding="UTF-7"?>` + good,
		"UTF-16":                           "\xff\xfe<\x00a\x00/\x00>\x00",
		"no UTF-8":                         replace("alice@", "alice\xff@"),
		"a byte order mark in the middle":  good + "\ufeff",
		"two documents":                    good + good,
		"a document behind":                good + "<a/>",
		"text behind":                      good + "x",
		"an XML declaration in the middle": replace("<saml:Conditions", `<?xml version="1.0"?><saml:Conditions`),
		"an attribute twice":               replace(` Version="2.0"`, ` Version="2.0" Version="2.0"`),
		"an attribute twice by namespaces": replace(` Version="2.0"`, ` Version="2.0" xmlns:a="urn:x" xmlns:b="urn:x" a:c="" b:c=""`),
		"a prefix declared twice":          replace(` Version="2.0"`, ` Version="2.0" xmlns:a="urn:x" xmlns:a="urn:y"`),
		"an undeclared prefix":             replace("<saml:Conditions", "<x:y/><saml:Conditions"),
		"a colon too many":                 replace("<saml:Conditions", "<x::y xmlns:x='urn:x'/><saml:Conditions"),
		"a name that begins with a colon":  replace("<saml:Conditions", "<:y/><saml:Conditions"),
		"the prefix xmlns":                 replace(` Version="2.0"`, ` Version="2.0" xmlns:xmlns="urn:x"`),
		"the prefix xml":                   replace(` Version="2.0"`, ` Version="2.0" xmlns:xml="urn:x"`),
		"a prefix undeclared again":        replace(` Version="2.0"`, ` Version="2.0" xmlns:x=""`),
		"an empty ID":                      replace("<saml:Conditions", `<saml:Conditions ID=""`),
		"overlapping elements":             replace("</saml:Subject>", "</saml:Conditions>"),
		"an open end":                      good[:len(good)-10],
		"depth":                            strings.Repeat("<a>", 100) + strings.Repeat("</a>", 100),
		"breadth":                          "<a>" + strings.Repeat("<b/>", 2000) + "</a>",
		"nothing":                          " ",
	} {
		_, err := provider(t, p).Verify(base64.StdEncoding.EncodeToString([]byte(text)), saml.AWS, now)
		if got, kind := refusal(t, err); got != "Invalid SAML response" || kind != saml.Invalid {
			t.Errorf("%s: %q", name, got)
		}
	}
	// A declaration in front, and a name in CDATA, are as good as without.
	for _, text := range []string{good, `<?xml version="1.0" encoding="UTF-8"?>` + "\n" + good + "\n", replace("alice@example.com.evil", "<![CDATA[alice@example.com]]>.evil")} {
		a, err := provider(t, p).Verify(base64.StdEncoding.EncodeToString([]byte(text)), saml.AWS, now)
		if err != nil || a.Subject != "alice@example.com.evil.example" {
			t.Errorf("%+v, %v", a, err)
		}
	}
}

// Whatever is changed in a good response, it is refused or says the same.
func FuzzVerify(f *testing.F) {
	p := idp()
	key := samltest.Key(2)
	for _, r := range []samltest.Response{{}, {Sign: "response"}, {Sign: "both"}, {Encrypt: &key.PublicKey}, {Sign: "nothing"}} {
		r.Now = now
		raw, _ := base64.StdEncoding.DecodeString(p.Respond(r))
		f.Add(raw)
	}
	f.Add([]byte(`<!DOCTYPE x><a/>`))
	at := provider(f, p)
	at.Keys = append(at.Keys, key)
	f.Fuzz(func(t *testing.T, raw []byte) {
		a, err := at.Verify(base64.StdEncoding.EncodeToString(raw), saml.AWS, now)
		if err != nil {
			if _, ok := errors.AsType[*saml.Refusal](err); !ok {
				t.Fatalf("an error of another kind: %v", err)
			}
			return
		}
		if a.Issuer != entityID || a.Subject != "alice" || a.Recipient != samltest.SignIn || len(a.Names()) > 0 {
			t.Fatalf("forged: %+v", a)
		}
	})
}
