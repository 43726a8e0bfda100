package state

import (
	"iter"
	"strings"
	"time"

	"github.com/warder-iam/warder/arn"
)

// OIDCProvider is an OpenID Connect identity provider that an account trusts.
type OIDCProvider struct {
	Account     string
	URL         string // of the issuer, without "https://"; unique in the account without regard to case
	ClientIDs   []string
	Thumbprints []string  // SHA-1 of certificates, in lower case hexadecimal
	Created     time.Time // UTC, whole seconds
	Tags        []Tag     `json:",omitempty"`
}

// ARN is the provider's name in policies.
func (p *OIDCProvider) ARN() string { return arn.IAM(p.Account, "oidc-provider", "/", p.URL) }

// Condition keys, which begin with the URL, are blind to case: two providers
// whose URLs differ in nothing else could not be told apart by them.
var oidcProviderSchema = schema[OIDCProvider]{
	prefix: "iam/oidc-provider/",
	key:    func(p *OIDCProvider) string { return nameKey(p.Account, p.URL) },
	indexes: []index[OIDCProvider]{
		{name: "OpenID Connect provider URL", unique: true, keys: func(p *OIDCProvider) []string { return []string{nameKey(p.Account, p.URL)} }},
	},
}

// OIDCProvider finds an account's provider by its URL without "https://",
// without regard to case; nil if there is none.
func (s *Snapshot) OIDCProvider(account, url string) *OIDCProvider {
	return s.OIDCProviders.Get(nameKey(account, url))
}

// OIDCProviderByARN finds a provider by its exact ARN; nil if there is none.
func (s *Snapshot) OIDCProviderByARN(providerARN string) *OIDCProvider {
	a, err := arn.Parse(providerARN)
	if err != nil {
		return nil
	}
	url, ok := strings.CutPrefix(a.Resource, "oidc-provider/")
	if !ok {
		return nil
	}
	if p := s.OIDCProvider(a.Account, url); p != nil && p.ARN() == providerARN {
		return p
	}
	return nil
}

// OIDCProvidersOf iterates over an account's providers by URL.
func (s *Snapshot) OIDCProvidersOf(account string) iter.Seq[*OIDCProvider] {
	return inAccount(&s.OIDCProviders, 0, account, "")
}
