package saml

import (
	"errors"
	"time"

	"github.com/beevik/etree"
)

// VerifyUnscanned is Verify without the scan for what is stranger than providers
// send: what the rules behind it make of a document.
func (p *Provider) VerifyUnscanned(text []byte, at Endpoints, now time.Time) (*Assertion, error) {
	doc := etree.NewDocument()
	if err := doc.ReadFromBytes(text); err != nil {
		return nil, err
	}
	if doc.Root() == nil {
		return nil, errors.New("no document")
	}
	if err := p.checkResponse(doc.Root(), at); err != nil {
		return nil, err
	}
	assertion, err := p.signed(doc.Root())
	if err != nil {
		return nil, err
	}
	return p.read(assertion, at, now)
}
