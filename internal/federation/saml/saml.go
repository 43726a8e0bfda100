// Package saml decides whether a SAML 2.0 response is an identity provider's,
// for this Warder and of now, and reads what it says. It also reads providers'
// metadata and keeps their private keys.
//
// It trusts nothing but bytes whose signature it has verified: those are parsed
// anew, and the answer is read from them alone. A document that is stranger than
// identity providers send (comments, document types, several assertions, an ID
// twice, a signature elsewhere than in the signed element) is refused before any
// signature is looked at, which leaves signature wrapping and differences between
// parsers nothing to work with. Signatures and canonicalisation are goxmldsig's.
//
// What roles an assertion is good for, and whether it was used before, is for
// internal/service/sts, which calls this.
package saml

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"strings"
	"time"

	"github.com/beevik/etree"
)

// The namespaces of the documents.
const (
	nsProtocol  = "urn:oasis:names:tc:SAML:2.0:protocol"
	nsAssertion = "urn:oasis:names:tc:SAML:2.0:assertion"
	nsSignature = "http://www.w3.org/2000/09/xmldsig#"
)

// A Provider is what is known of an identity provider.
type Provider struct {
	EntityID     string
	Certificates []*x509.Certificate // any of their keys may sign; RSA
	// UUID is the provider's unique identifier, which an endpoint may end in.
	UUID string
	// ValidUntil is when the metadata ends.
	ValidUntil time.Time
	// Keys decrypt assertions. EncryptionRequired refuses those that are not encrypted.
	Keys               []*rsa.PrivateKey
	EncryptionRequired bool
}

// Kind says what is wrong with a response.
type Kind int

// The kinds of refusal, each of which STS has an error code for.
const (
	Invalid      Kind = iota // not trustworthy, or not what is asked for
	Expired                  // its time is over
	Rejected                 // the identity provider says that it did not sign the user in
	Unidentified             // it does not say whom it is about
)

// A Refusal is why a response is not accepted. Its text is for the bearer.
type Refusal struct {
	Kind Kind
	Text string
	// Cause is for the log; nil if the text says all.
	Cause error
}

func (r *Refusal) Error() string { return r.Text }

// Unwrap gives the cause.
func (r *Refusal) Unwrap() error { return r.Cause }

func invalid(text string) error { return &Refusal{Kind: Invalid, Text: text} }

// The texts are AWS's where they are documented
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_saml.html).
const (
	textBase64    = "Invalid base64 SAMLResponse"
	textMalformed = "Invalid SAML response"
	textSignature = "Response signature invalid"
	textIssuer    = "Issuer not present in specified provider"
	textAudience  = "Response does not contain the required audience."
	textLate      = "Token must be redeemed within 5 minutes of issuance"
	textExpired   = "Response has expired"
	textEarly     = "Response is not valid yet"
	textRejected  = "The identity provider (IdP) reported that authentication failed."
	textDecrypt   = "The encrypted assertion could not be decrypted"
	textPlain     = "The SAML provider requires encrypted assertions"
	textMetadata  = "The metadata of the SAML provider has expired"
)

func malformed(cause error) error {
	return &Refusal{Kind: Invalid, Text: textMalformed, Cause: cause}
}

// Verify decides on a base64 response as it stands at a time.
func (p *Provider) Verify(encoded string, at Endpoints, now time.Time) (*Assertion, error) {
	if !now.Before(p.ValidUntil) {
		return nil, invalid(textMetadata)
	}
	// There is no inflating: in the POST binding, the only one that AWS takes,
	// responses are not compressed.
	text, err := base64.StdEncoding.DecodeString(withoutSpace(encoded))
	if err != nil {
		return nil, &Refusal{Kind: Invalid, Text: textBase64, Cause: err}
	}
	response, err := parse(text)
	if err != nil {
		return nil, malformed(err)
	}
	if err := p.checkResponse(response, at); err != nil {
		return nil, err
	}
	assertion, err := p.signed(response)
	if err != nil {
		return nil, err
	}
	return p.read(assertion, at, now)
}

// checkResponse refuses a response by what its envelope says. It may not be
// signed, so nothing is believed of it here, only held against it.
func (p *Provider) checkResponse(response *etree.Element, at Endpoints) error {
	if !is(response, nsProtocol, "Response") || response.SelectAttrValue("Version", "") != "2.0" {
		return malformed(errors.New("no response of SAML 2.0"))
	}
	status, err := one(response, nsProtocol, "Status")
	if err != nil {
		return malformed(err)
	}
	code, err := one(status, nsProtocol, "StatusCode")
	if err != nil {
		return malformed(err)
	}
	if code.SelectAttrValue("Value", "") != "urn:oasis:names:tc:SAML:2.0:status:Success" {
		return &Refusal{Kind: Rejected, Text: textRejected}
	}
	issuer, err := optional(response, nsAssertion, "Issuer")
	if err != nil {
		return malformed(err)
	}
	if issuer != nil {
		if name, err := value(issuer); err != nil || name != p.EntityID {
			return invalid(textIssuer)
		}
	}
	if to := response.SelectAttr("Destination"); to != nil && to.Value != "" && !at.recipient(to.Value, p.UUID) {
		return invalid(textAudience)
	}
	return nil
}

// signed gives the response's one assertion, from verified bytes: either the
// response is signed, or the assertion, or both.
func (p *Provider) signed(response *etree.Element) (*etree.Element, error) {
	whole := false
	if hasSignature(response) {
		verified, err := verify(response, p.Certificates)
		if err != nil {
			return nil, err
		}
		response, whole = verified, true
	}
	assertion, err := p.assertion(response, whole)
	if err != nil {
		return nil, err
	}
	switch {
	case hasSignature(assertion):
		return verify(assertion, p.Certificates)
	case whole:
		return assertion, nil
	}
	return nil, &Refusal{Kind: Invalid, Text: textSignature, Cause: errors.New("nothing is signed")}
}

// assertion finds the response's assertion, and decrypts it if it must be. The
// response is verified if whole says so.
func (p *Provider) assertion(response *etree.Element, whole bool) (*etree.Element, error) {
	plain, err := optional(response, nsAssertion, "Assertion")
	if err != nil {
		return nil, malformed(err)
	}
	encrypted, err := optional(response, nsAssertion, "EncryptedAssertion")
	if err != nil || (plain == nil) == (encrypted == nil) {
		return nil, malformed(errors.New("not exactly one assertion"))
	}
	if plain != nil {
		if p.EncryptionRequired {
			return nil, invalid(textPlain)
		}
		return plain, nil
	}
	text, err := decrypt(encrypted, p.Keys, whole)
	if err != nil {
		return nil, &Refusal{Kind: Invalid, Text: textDecrypt, Cause: err}
	}
	assertion, err := parse(text)
	if err != nil || !is(assertion, nsAssertion, "Assertion") {
		// The same as for what cannot be decrypted: who sends altered ciphertext
		// must not learn which of the two it was.
		return nil, &Refusal{Kind: Invalid, Text: textDecrypt, Cause: errors.New("the plain text is no assertion")}
	}
	return assertion, nil
}

// withoutSpace takes out the line breaks that base64 may come with.
func withoutSpace(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\r' || r == '\t' || r == ' ' {
			return -1
		}
		return r
	}, text)
}
