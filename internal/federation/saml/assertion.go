package saml

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/beevik/etree"
)

// An Assertion is what an identity provider says of a user, verified.
type Assertion struct {
	ID      string
	Issuer  string
	Subject string // the NameID
	// SubjectType is the NameID's format, without the prefix that SAML 2.0's have.
	SubjectType string
	Recipient   string    // the endpoint that it is for
	Expires     time.Time // the last moment at which it is accepted
	// SessionEnds is when the provider's own session ends; zero if it does not say.
	SessionEnds time.Time
	// Once says that the provider wants it used for one session only.
	Once       bool
	attributes []attribute
}

type attribute struct {
	name   string
	values []string
}

// Values are the values of an attribute. Some providers send an attribute of
// several values as several attributes.
func (a *Assertion) Values(name string) (values []string) {
	for _, at := range a.attributes {
		if at.name == name {
			values = append(values, at.values...)
		}
	}
	return values
}

// Names are the names of the attributes, each once, in the order they came in.
func (a *Assertion) Names() (names []string) {
	for _, at := range a.attributes {
		if !slices.Contains(names, at.name) {
			names = append(names, at.name)
		}
	}
	return names
}

// Endpoints are where responses may be sent to: what their audience, recipient
// and destination may be.
type Endpoints []string

// AWS are the endpoints of AWS, which identity providers' ready-made settings
// for AWS name
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_saml_assertions.html).
var AWS = Endpoints{"urn:amazon:webservices", signIn, "https://signin.aws.amazon.com/static/saml"}

const signIn = "https://signin.aws.amazon.com/saml"

var regionalSignIn = regexp.MustCompile(`^https://[a-z]{2}(-[a-z]+)+-[0-9]\.signin\.aws\.amazon\.com/saml$`)

// audience says whether an assertion for this audience is for us.
func (at Endpoints) audience(text, uuid string) bool {
	text, _ = strings.CutSuffix(text, "/acs/"+uuid)
	return slices.Contains(at, text) || slices.Contains(at, signIn) && regionalSignIn.MatchString(text)
}

// recipient is audience for addresses.
func (at Endpoints) recipient(text, uuid string) bool {
	return strings.HasPrefix(text, "http") && at.audience(text, uuid)
}

const (
	// redeemable is how long after it was issued AWS accepts an assertion
	// (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_saml.html).
	redeemable = 5 * time.Minute
	// ahead is how far the provider's clock may be ahead of ours.
	ahead = time.Minute
)

// The prefix of formats of names, and the format of a name that has none
// (saml-core-2.0, 8.3).
const (
	formatPrefix = "urn:oasis:names:tc:SAML:2.0:nameid-format:"
	unspecified  = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"
)

// read reads a verified assertion and decides whether it is from this provider,
// for us and of now.
func (p *Provider) read(e *etree.Element, at Endpoints, now time.Time) (*Assertion, error) {
	a := &Assertion{ID: e.SelectAttrValue("ID", "")}
	if e.SelectAttrValue("Version", "") != "2.0" || a.ID == "" {
		return nil, malformed(errors.New("no assertion of SAML 2.0"))
	}
	issuer, err := one(e, nsAssertion, "Issuer")
	if err != nil {
		return nil, malformed(err)
	}
	if a.Issuer, err = value(issuer); err != nil || a.Issuer != p.EntityID {
		return nil, invalid(textIssuer)
	}
	issued, err := instant(e, "IssueInstant")
	if err != nil || issued.IsZero() {
		return nil, malformed(fmt.Errorf("no time of issue: %w", err))
	}
	if issued.After(now.Add(ahead)) {
		return nil, invalid(textEarly)
	}
	a.Expires = issued.Add(redeemable)
	if !now.Before(a.Expires) {
		return nil, &Refusal{Kind: Expired, Text: textLate}
	}
	for _, step := range []func(*etree.Element, Endpoints, *Assertion, time.Time) error{p.conditions, p.subject, p.session} {
		if err := step(e, at, a, now); err != nil {
			return nil, err
		}
	}
	return a, a.readAttributes(e)
}

// during checks the NotBefore and NotOnOrAfter of an element.
func during(e *etree.Element, now time.Time) error {
	from, err := instant(e, "NotBefore")
	if err != nil {
		return malformed(err)
	}
	to, err := instant(e, "NotOnOrAfter")
	if err != nil {
		return malformed(err)
	}
	if from.After(now.Add(ahead)) {
		return invalid(textEarly)
	}
	if !to.IsZero() && !now.Before(to) {
		return &Refusal{Kind: Expired, Text: textExpired}
	}
	return nil
}

func (p *Provider) conditions(e *etree.Element, at Endpoints, a *Assertion, now time.Time) error {
	c, err := optional(e, nsAssertion, "Conditions")
	if err != nil {
		return malformed(err)
	}
	if c == nil {
		return invalid(textAudience)
	}
	if err := during(c, now); err != nil {
		return err
	}
	restrictions := 0
	for _, child := range c.ChildElements() {
		switch {
		case is(child, nsAssertion, "AudienceRestriction"):
			// Each of them must name us.
			restrictions++
			if !p.named(child, at) {
				return invalid(textAudience)
			}
		case is(child, nsAssertion, "OneTimeUse"):
			a.Once = true
		case is(child, nsAssertion, "ProxyRestriction"): // about issuing further assertions
		default:
			// A condition that is not understood is not known to hold (saml-core-2.0, 2.5.1.1).
			return malformed(fmt.Errorf("the condition %s", child.Tag))
		}
	}
	if restrictions == 0 {
		return invalid(textAudience)
	}
	return nil
}

// named says whether an audience restriction names us.
func (p *Provider) named(restriction *etree.Element, at Endpoints) bool {
	return slices.ContainsFunc(all(restriction, nsAssertion, "Audience"), func(e *etree.Element) bool {
		text, err := value(e)
		return err == nil && at.audience(text, p.UUID)
	})
}

// subject reads whom the assertion is about. There must be one confirmation,
// by bearer, with an end and a recipient that is us. InResponseTo has nothing to
// be held against: we ask no identity provider for anything, and nor does AWS.
func (p *Provider) subject(e *etree.Element, at Endpoints, a *Assertion, now time.Time) error {
	subject, err := optional(e, nsAssertion, "Subject")
	if err != nil {
		return malformed(err)
	}
	var id *etree.Element
	if subject != nil {
		if id, err = optional(subject, nsAssertion, "NameID"); err != nil {
			return malformed(err)
		}
	}
	if id == nil {
		return &Refusal{Kind: Unidentified, Text: "no NameID"}
	}
	if a.Subject, err = value(id); err != nil || a.Subject == "" {
		return malformed(errors.New("an empty name"))
	}
	a.SubjectType = strings.TrimPrefix(id.SelectAttrValue("Format", unspecified), formatPrefix)
	confirmation, err := one(subject, nsAssertion, "SubjectConfirmation")
	if err != nil {
		return malformed(err)
	}
	if confirmation.SelectAttrValue("Method", "") != "urn:oasis:names:tc:SAML:2.0:cm:bearer" {
		return malformed(errors.New("no confirmation by bearer"))
	}
	data, err := one(confirmation, nsAssertion, "SubjectConfirmationData")
	if err != nil {
		return malformed(err)
	}
	if data.SelectAttr("NotOnOrAfter") == nil {
		return malformed(errors.New("a confirmation without end"))
	}
	if err := during(data, now); err != nil {
		return err
	}
	a.Recipient = data.SelectAttrValue("Recipient", "")
	if !at.recipient(a.Recipient, p.UUID) {
		return invalid(textAudience)
	}
	return nil
}

// session reads when the provider's own session ends.
func (p *Provider) session(e *etree.Element, _ Endpoints, a *Assertion, now time.Time) error {
	for _, statement := range all(e, nsAssertion, "AuthnStatement") {
		ends, err := instant(statement, "SessionNotOnOrAfter")
		if err != nil {
			return malformed(err)
		}
		if !ends.IsZero() && (a.SessionEnds.IsZero() || ends.Before(a.SessionEnds)) {
			a.SessionEnds = ends
		}
	}
	if !a.SessionEnds.IsZero() && !now.Before(a.SessionEnds) {
		return &Refusal{Kind: Expired, Text: textExpired}
	}
	return nil
}

func (a *Assertion) readAttributes(e *etree.Element) error {
	for _, statement := range all(e, nsAssertion, "AttributeStatement") {
		for _, at := range all(statement, nsAssertion, "Attribute") {
			name := at.SelectAttrValue("Name", "")
			if name == "" {
				return malformed(errors.New("an attribute without a name"))
			}
			read := attribute{name: name}
			for _, v := range all(at, nsAssertion, "AttributeValue") {
				text, err := attributeText(v)
				if err != nil {
					return malformed(err)
				}
				read.values = append(read.values, text)
			}
			a.attributes = append(a.attributes, read)
		}
	}
	return nil
}

// attributeText is an attribute's value. That of eduPersonTargetedID is a NameID.
func attributeText(v *etree.Element) (string, error) {
	if id, err := optional(v, nsAssertion, "NameID"); err == nil && id != nil && only(v, nsAssertion, "NameID") == nil {
		return value(id)
	}
	return value(v)
}

// instant reads a time; zero if there is none. SAML's times are UTC (saml-core-2.0, 1.3.3).
func instant(e *etree.Element, name string) (time.Time, error) {
	at := e.SelectAttr(name)
	if at == nil {
		return time.Time{}, nil
	}
	return time.Parse(time.RFC3339, strings.Trim(at.Value, " \t\r\n"))
}
