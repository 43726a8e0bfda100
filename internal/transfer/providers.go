package transfer

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/warder-iam/warder/arn"
	api "github.com/warder-iam/warder/internal/api/iam"
	"github.com/warder-iam/warder/internal/awscli"
	"github.com/warder-iam/warder/internal/federation/oidc"
	"github.com/warder-iam/warder/internal/federation/saml"
	"github.com/warder-iam/warder/internal/state"
)

// Identity providers: how they are read, checked and put.

func (a *Account) addProvider(f *File, out *output) error {
	switch {
	case out.OpenIDConnectProviderList != nil:
		for _, p := range out.OpenIDConnectProviderList {
			id, err := arn.Parse(deref(p.Arn))
			if err != nil || id.ResourceType() != "oidc-provider" {
				return fmt.Errorf("%q is no provider's ARN", deref(p.Arn))
			}
			a.providers = append(a.providers, deref(p.Arn))
			if _, known := a.oidc[id.ResourceID()]; !known {
				a.oidc[id.ResourceID()] = nil
			}
		}
	case out.SAMLProviderList != nil:
		for _, p := range out.SAMLProviderList {
			id, err := arn.Parse(deref(p.Arn))
			if err != nil || id.ResourceType() != "saml-provider" {
				return fmt.Errorf("%q is no provider's ARN", deref(p.Arn))
			}
			a.providers = append(a.providers, deref(p.Arn))
			if _, known := a.saml[id.ResourceID()]; !known {
				a.saml[id.ResourceID()] = nil
			}
		}
	case out.Url != nil:
		p := new(api.GetOpenIDConnectProviderResponse)
		if err := awscli.Unmarshal(f.Text, p); err != nil {
			return err
		}
		a.oidc[strings.TrimPrefix(*p.Url, "https://")] = p
	case out.SAMLMetadataDocument != nil:
		name, err := f.subject("get-saml-provider")
		if err != nil {
			return err
		}
		p := new(api.GetSAMLProviderResponse)
		if err := awscli.Unmarshal(f.Text, p); err != nil {
			return err
		}
		a.saml[name] = p
	default:
		return errors.New("this is not the output of a command that import knows; see warder import aws --help")
	}
	return nil
}

var thumbprintForm = regexp.MustCompile(`^[0-9A-Fa-f]{40}$`)

// identityProviders refuses what cannot be an account's providers. Their names
// and URLs differ without regard to case.
func (c *checker) identityProviders() {
	for _, text := range c.a.providers {
		c.account(text)
	}
	for url, d := range sorted(c.a.oidc) {
		if !oidc.IsProviderURL(url) || c.names["oidc-provider/"+strings.ToLower(url)] {
			c.fail("%q cannot be the URL of an identity provider, or is there twice", url)
		}
		c.names["oidc-provider/"+strings.ToLower(url)] = true
		if d == nil {
			continue
		}
		for _, t := range d.ThumbprintList {
			if !thumbprintForm.MatchString(t) {
				c.fail("the identity provider %s: %q is no thumbprint", url, t)
			}
		}
	}
	for name, d := range sorted(c.a.saml) {
		if !nameForm.MatchString(name) || c.names["saml-provider/"+strings.ToLower(name)] {
			c.fail("%q cannot be the name of a SAML provider, or is there twice", name)
		}
		c.names["saml-provider/"+strings.ToLower(name)] = true
		if d == nil {
			c.fail("the SAML provider %s is listed without its metadata: add the output of get-saml-provider", name)
		}
	}
}

func (a *Account) putProviders(tx *state.Tx, sum *Summary) error {
	now := tx.Now.UTC().Truncate(time.Second)
	for url, d := range sorted(a.oidc) {
		p := &state.OIDCProvider{Account: a.ID, URL: url, Created: now}
		if d == nil {
			sum.note("the identity provider %s has no client ids: its tokens are refused until they are set", p.ARN())
		} else {
			p.ClientIDs = d.ClientIDList
			for _, t := range d.ThumbprintList {
				p.Thumbprints = append(p.Thumbprints, strings.ToLower(t))
			}
			if d.CreateDate != nil {
				p.Created = second(d.CreateDate)
			}
			p.Tags = a.entity(nil, nil, nil, nil, d.Tags).Tags
		}
		tx.OIDCProviders.Put(p)
		sum.Providers++
	}
	for name, d := range sorted(a.saml) {
		read, err := saml.ParseMetadata(deref(d.SAMLMetadataDocument))
		if err != nil {
			return fmt.Errorf("SAML provider %s: %w", name, err)
		}
		created := now
		if d.CreateDate != nil {
			created = second(d.CreateDate)
		}
		p := &state.SAMLProvider{
			Account: a.ID, Name: name, UUID: deref(d.SAMLProviderUUID), Metadata: deref(d.SAMLMetadataDocument),
			EntityID: read.EntityID, Certificates: read.Certificates, ValidUntil: read.Ends(created), Created: created,
			EncryptionRequired: deref(d.AssertionEncryptionMode) == api.AssertionEncryptionModeTypeRequired,
			Tags:               a.entity(nil, nil, nil, nil, d.Tags).Tags,
		}
		if len(d.PrivateKeyList) > 0 {
			sum.note("the private keys of %s are not in its listing: assertions encrypted to them are refused", p.ARN())
		}
		tx.SAMLProviders.Put(p)
		sum.Providers++
	}
	return nil
}
