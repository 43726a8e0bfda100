package saml

import (
	"crypto/x509"
	"errors"
	"fmt"
	"slices"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
	"github.com/russellhaering/goxmldsig/etreeutils"
)

// The algorithms that are accepted. SHA-1 is not, which the library would take:
// two documents of one digest are a matter of money.
var (
	canonicalisations = []string{
		string(dsig.CanonicalXML10ExclusiveAlgorithmId), string(dsig.CanonicalXML10RecAlgorithmId), string(dsig.CanonicalXML11AlgorithmId),
	}
	signatures = []string{dsig.RSASHA256SignatureMethod, dsig.RSASHA384SignatureMethod, dsig.RSASHA512SignatureMethod}
	digests    = []string{
		"http://www.w3.org/2001/04/xmlenc#sha256", "http://www.w3.org/2001/04/xmldsig-more#sha384", "http://www.w3.org/2001/04/xmlenc#sha512",
	}
)

func hasSignature(e *etree.Element) bool { return len(all(e, nsSignature, "Signature")) > 0 }

// verify verifies the signature that stands in an element and is about that
// element, by any of the certificates' keys, and gives the element as it was
// signed: parsed from the canonical bytes that were digested.
//
// The certificates' dates do not matter, with AWS neither: the provider's
// metadata name the keys, not an authority
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_saml.html).
func verify(e *etree.Element, certificates []*x509.Certificate) (*etree.Element, error) {
	fail := func(cause error) (*etree.Element, error) {
		return nil, &Refusal{Kind: Invalid, Text: textSignature, Cause: cause}
	}
	if err := checkSignature(e); err != nil {
		return fail(err)
	}
	context, err := etreeutils.NSBuildParentContext(e)
	if err != nil {
		return fail(err)
	}
	alone, err := etreeutils.NSDetatch(context, e)
	if err != nil {
		return fail(err)
	}
	signature, err := one(alone, nsSignature, "Signature")
	if err != nil {
		return fail(err)
	}
	if err := bare(signature); err != nil {
		return fail(err)
	}
	err = errors.New("no certificate")
	for _, c := range certificates {
		var signed *etree.Element
		v := dsig.ValidationContext{
			CertificateStore: &dsig.MemoryX509CertificateStore{Roots: []*x509.Certificate{c}},
			IdAttribute:      "ID", Clock: dsig.NewFakeClockAt(c.NotBefore),
		}
		if signed, err = v.Validate(alone); err != nil {
			continue
		}
		if signed == nil || !is(signed, e.NamespaceURI(), e.Tag) || signed.SelectAttrValue("ID", "") != e.SelectAttrValue("ID", "") {
			return fail(errors.New("something else is signed"))
		}
		return signed, nil
	}
	return fail(err)
}

// bare leaves of a signature what is needed to verify it. What else is in it is
// unsigned: KeyInfo, where a key of the sender's choice could be, and white
// space in the value.
func bare(signature *etree.Element) error {
	for _, info := range all(signature, nsSignature, "KeyInfo") {
		signature.RemoveChild(info)
	}
	encoded, err := one(signature, nsSignature, "SignatureValue")
	if err != nil {
		return err
	}
	text, err := value(encoded)
	if err != nil {
		return err
	}
	encoded.SetText(withoutSpace(text))
	return nil
}

// checkSignature holds an element's signature against the profile of SAML
// (saml-core-2.0, 5.4): one reference, to the element that it stands in, with
// the enveloped-signature transform and canonicalisation and nothing else.
func checkSignature(e *etree.Element) error {
	id := e.SelectAttr("ID")
	if id == nil || id.Space != "" || !ncName.MatchString(id.Value) {
		return errors.New("a signed element without a proper ID")
	}
	signature, err := one(e, nsSignature, "Signature")
	if err != nil {
		return err
	}
	if err := only(signature, nsSignature, "SignedInfo", "SignatureValue", "KeyInfo"); err != nil {
		return err
	}
	info, err := one(signature, nsSignature, "SignedInfo")
	if err != nil {
		return err
	}
	if err := only(info, nsSignature, "CanonicalizationMethod", "SignatureMethod", "Reference"); err != nil {
		return err
	}
	if err := algorithm(info, "CanonicalizationMethod", canonicalisations); err != nil {
		return err
	}
	if err := algorithm(info, "SignatureMethod", signatures); err != nil {
		return err
	}
	reference, err := one(info, nsSignature, "Reference")
	if err != nil {
		return err
	}
	if err := only(reference, nsSignature, "Transforms", "DigestMethod", "DigestValue"); err != nil {
		return err
	}
	if uri := reference.SelectAttrValue("URI", ""); uri != "#"+id.Value {
		return fmt.Errorf("a reference to %q in the element %q", uri, id.Value)
	}
	if err := algorithm(reference, "DigestMethod", digests); err != nil {
		return err
	}
	if _, err := one(reference, nsSignature, "DigestValue"); err != nil {
		return err
	}
	return checkTransforms(reference)
}

func checkTransforms(reference *etree.Element) error {
	list, err := one(reference, nsSignature, "Transforms")
	if err != nil {
		return err
	}
	if err := only(list, nsSignature, "Transform"); err != nil {
		return err
	}
	transforms := list.ChildElements()
	if len(transforms) != 2 ||
		transforms[0].SelectAttrValue("Algorithm", "") != string(dsig.EnvelopedSignatureAltorithmId) ||
		!slices.Contains(canonicalisations, transforms[1].SelectAttrValue("Algorithm", "")) {
		return errors.New("other transforms than those of SAML")
	}
	if len(transforms[0].ChildElements()) > 0 {
		return errors.New("a transform with parameters")
	}
	return only(transforms[1], string(dsig.CanonicalXML10ExclusiveAlgorithmId), "InclusiveNamespaces")
}

// only refuses children of other names; white space is all that may stand between
// them.
func only(e *etree.Element, space string, tags ...string) error {
	for _, child := range e.Child {
		switch c := child.(type) {
		case *etree.Element:
			if !slices.ContainsFunc(tags, func(tag string) bool { return is(c, space, tag) }) {
				return fmt.Errorf("%s in %s", c.Tag, e.Tag)
			}
		case *etree.CharData:
			if !c.IsWhitespace() {
				return fmt.Errorf("text in %s", e.Tag)
			}
		default:
			return fmt.Errorf("%s has more than elements in it", e.Tag)
		}
	}
	return nil
}

// algorithm checks the one child that names an algorithm, without parameters.
func algorithm(e *etree.Element, tag string, accepted []string) error {
	method, err := one(e, nsSignature, tag)
	if err != nil {
		return err
	}
	name := method.SelectAttrValue("Algorithm", "")
	if !slices.Contains(accepted, name) {
		return fmt.Errorf("%s %q is not accepted", tag, name)
	}
	return nil
}
