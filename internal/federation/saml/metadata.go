package saml

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"time"
	"unicode/utf8"
)

// Metadata is what is read of a provider's metadata document.
type Metadata struct {
	EntityID     string
	Certificates [][]byte  // DER, of the keys that sign
	ValidUntil   time.Time // zero if it does not say
}

// ErrNoProvider is that metadata are of no identity provider.
var ErrNoProvider = errors.New("no identity provider")

// validYears is how long AWS takes metadata to be valid that do not say.
const validYears = 100

// Ends is when metadata end that were taken at a time, in whole seconds.
func (m *Metadata) Ends(taken time.Time) time.Time {
	if m.ValidUntil.IsZero() {
		return taken.UTC().Truncate(time.Second).AddDate(validYears, 0, 0)
	}
	return m.ValidUntil.Truncate(time.Second)
}

// minRSA is the least size of a provider's key
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_saml.html#troubleshoot_saml_issuer-metadata).
const minRSA = 1024

// An entity is the part of a metadata document that counts
// (saml-metadata-2.0, 2.3 and 2.4.3).
type entity struct {
	XMLName    xml.Name `xml:"urn:oasis:names:tc:SAML:2.0:metadata EntityDescriptor"`
	EntityID   string   `xml:"entityID,attr"`
	ValidUntil string   `xml:"validUntil,attr"`
	Providers  []struct {
		ValidUntil string `xml:"validUntil,attr"`
		Protocols  string `xml:"protocolSupportEnumeration,attr"`
		Keys       []struct {
			Use          string   `xml:"use,attr"`
			Certificates []string `xml:"http://www.w3.org/2000/09/xmldsig# KeyInfo>X509Data>X509Certificate"`
		} `xml:"urn:oasis:names:tc:SAML:2.0:metadata KeyDescriptor"`
	} `xml:"urn:oasis:names:tc:SAML:2.0:metadata IDPSSODescriptor"`
}

// ParseMetadata reads the metadata document of one identity provider. It comes
// from whoever may make providers, so a signature in it says nothing.
func ParseMetadata(text string) (*Metadata, error) {
	if err := checkMetadata([]byte(text)); err != nil {
		return nil, err
	}
	var e entity
	if err := xml.Unmarshal([]byte(text), &e); err != nil {
		return nil, err
	}
	if e.EntityID == "" || len(e.EntityID) > 1024 { // saml-metadata-2.0, 2.2.1
		return nil, errors.New("no entity id")
	}
	switch len(e.Providers) {
	case 0:
		return nil, ErrNoProvider
	case 1:
	default:
		return nil, errors.New("more than one identity provider")
	}
	m := &Metadata{EntityID: e.EntityID}
	for _, text := range []string{e.ValidUntil, e.Providers[0].ValidUntil} {
		if text == "" {
			continue
		}
		until, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return nil, err
		}
		if m.ValidUntil.IsZero() || until.Before(m.ValidUntil) {
			m.ValidUntil = until.UTC()
		}
	}
	for _, key := range e.Providers[0].Keys {
		if key.Use != "" && key.Use != "signing" {
			continue
		}
		for _, text := range key.Certificates {
			der, err := base64.StdEncoding.DecodeString(withoutSpace(text))
			if err != nil {
				return nil, err
			}
			if _, err := certificate(der); err != nil {
				return nil, err
			}
			m.Certificates = append(m.Certificates, der)
		}
	}
	if len(m.Certificates) == 0 {
		return nil, errors.New("no signing key")
	}
	return m, nil
}

func certificate(der []byte) (*x509.Certificate, error) {
	c, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	key, ok := c.PublicKey.(*rsa.PublicKey)
	if !ok {
		return nil, errors.New("a key that is not RSA")
	}
	if key.N.BitLen() < minRSA {
		return nil, fmt.Errorf("an RSA key of %d bits", key.N.BitLen())
	}
	return c, nil
}

// ParseCertificates reads the certificates of metadata that were read before.
func ParseCertificates(all [][]byte) ([]*x509.Certificate, error) {
	var out []*x509.Certificate
	for _, der := range all {
		c, err := certificate(der)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

// checkMetadata refuses a document type, and what is no single document.
func checkMetadata(text []byte) error {
	if !utf8.Valid(text) {
		return errors.New("not UTF-8")
	}
	d := xml.NewDecoder(bytes.NewReader(text))
	for depth, roots := 0, 0; ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		switch t := token.(type) {
		case xml.StartElement:
			if depth == 0 {
				roots++
			}
			if depth++; depth > maxDepth || roots > 1 {
				return errors.New("too deep, or two documents")
			}
		case xml.EndElement:
			depth--
		case xml.CharData:
			// A byte order mark is refused here, as AWS does.
			if depth == 0 && len(bytes.TrimSpace(t)) > 0 {
				return errors.New("text outside the document")
			}
		case xml.Directive:
			return errors.New("a document type")
		}
	}
}
