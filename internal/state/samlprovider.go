package state

import (
	"iter"
	"strings"
	"time"

	"github.com/warder-iam/warder/arn"
)

// SAMLProvider is a SAML identity provider that an account trusts.
type SAMLProvider struct {
	Account  string
	Name     string // unique in the account without regard to case
	UUID     string // unique id; another for a provider of the same name made later
	Metadata string // as it was sent
	// What was read of the metadata when it was saved.
	EntityID     string
	Certificates [][]byte  // DER, of the keys that sign
	ValidUntil   time.Time // UTC, whole seconds
	Created      time.Time // UTC, whole seconds
	Tags         []Tag     `json:",omitempty"`
	// EncryptionRequired refuses assertions that are not encrypted to one of Keys.
	EncryptionRequired bool      `json:",omitempty"`
	Keys               []SAMLKey `json:",omitempty"`
}

// SAMLKey is a private key that decrypts assertions.
type SAMLKey struct {
	ID     string
	Added  time.Time
	Secret []byte // sealed: internal/federation/saml, bound to the account, the provider's UUID and ID
}

// ARN is the provider's name in policies.
func (p *SAMLProvider) ARN() string { return arn.IAM(p.Account, "saml-provider", "/", p.Name) }

var samlProviderSchema = schema[SAMLProvider]{
	prefix: "iam/saml-provider/",
	key:    func(p *SAMLProvider) string { return nameKey(p.Account, p.Name) },
	indexes: []index[SAMLProvider]{
		{name: "SAML provider name", unique: true, keys: func(p *SAMLProvider) []string { return []string{nameKey(p.Account, p.Name)} }},
	},
}

// SAMLProvider finds an account's provider by name, without regard to case; nil
// if there is none.
func (s *Snapshot) SAMLProvider(account, name string) *SAMLProvider {
	return s.SAMLProviders.Get(nameKey(account, name))
}

// SAMLProviderByARN finds a provider by its exact ARN; nil if there is none.
func (s *Snapshot) SAMLProviderByARN(providerARN string) *SAMLProvider {
	a, err := arn.Parse(providerARN)
	if err != nil {
		return nil
	}
	name, ok := strings.CutPrefix(a.Resource, "saml-provider/")
	if !ok {
		return nil
	}
	if p := s.SAMLProvider(a.Account, name); p != nil && p.ARN() == providerARN {
		return p
	}
	return nil
}

// SAMLProvidersOf iterates over an account's providers by name.
func (s *Snapshot) SAMLProvidersOf(account string) iter.Seq[*SAMLProvider] {
	return inAccount(&s.SAMLProviders, 0, account, "")
}

// Redemption is the memory of a SAML assertion that got somebody a session, kept
// until the assertion expires.
type Redemption struct {
	// ID is a digest of the account, the issuer and the assertion's own ID.
	ID      string
	Expires time.Time
	Address string   // from which it was used
	Roles   []string // ARNs of the roles that it was used for
	Once    bool     `json:",omitempty"` // it may not be used for another
}

var redemptionSchema = schema[Redemption]{
	prefix: "sts/redemption/",
	key:    func(r *Redemption) string { return r.ID },
	indexes: []index[Redemption]{
		{name: "expiry", keys: func(r *Redemption) []string { return []string{r.Expires.UTC().Format(time.RFC3339)} }},
	},
}

// ExpiredRedemptions iterates over what need not be remembered any more, the
// oldest first.
func (s *Snapshot) ExpiredRedemptions(now time.Time) iter.Seq[*Redemption] {
	return func(yield func(*Redemption) bool) {
		for _, r := range s.Redemptions.scan(0, "", "") {
			if r.Expires.After(now) || !yield(r) {
				return
			}
		}
	}
}
