// Package outbound makes Warder an OpenID Connect issuer to the outside: each
// account that enables it signs web identity tokens for its principals
// (sts:GetWebIdentityToken) with keys of its own, and publishes the public halves
// where verifiers look for them
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_outbound.html).
//
// Issuer URLs come from the configuration, never from a request. Keys are
// rotated by the daemon's housekeeping; a key stays published until the last
// token by it has expired.
//
// What a token says and who may have one is internal/service/sts's; switching it
// on and off is internal/service/iam's. Both call this package, and
// internal/daemon serves its documents.
package outbound

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"strconv"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/warder-iam/warder/internal/seal"
	"github.com/warder-iam/warder/internal/state"
)

// The algorithms of GetWebIdentityToken
// (https://docs.aws.amazon.com/STS/latest/APIReference/API_GetWebIdentityToken.html).
const (
	RS256 = "RS256"
	ES384 = "ES384"
)

var algorithms = []string{RS256, ES384}

// MaxToken is the longest that a token lives.
const MaxToken = time.Hour

// Issuer signs and publishes for all accounts.
type Issuer struct {
	base string // URL without a slash at its end
	ring *seal.Keyring
}

// New makes the issuer of a server that others reach at base, a URL without a
// slash at its end. Base may be empty where it is not known: then there is no
// issuer URL.
func New(base string, ring *seal.Keyring) *Issuer { return &Issuer{base, ring} }

// Path is where the documents of all issuers are: below it stand the issuer's
// id and the document's well-known path.
const Path = "/outbound/"

// URL is the issuer identifier of an account; "" where Warder does not know how
// others reach it.
func (i *Issuer) URL(r *state.TokenIssuer) string {
	if i.base == "" {
		return ""
	}
	return i.base + Path + r.ID
}

// purpose binds sealed signing keys to their use.
const purpose = "outbound-signing-key"

func owner(account, algorithm string, number int) []byte {
	return seal.Owner(account, algorithm, strconv.Itoa(number))
}

// NewKeys makes the first keys of an account. It takes a while.
func (i *Issuer) NewKeys(account string, now time.Time) ([]state.SigningKey, error) {
	var keys []state.SigningKey
	for _, algorithm := range algorithms {
		k, err := i.newKey(account, algorithm, 0, now)
		if err != nil {
			return nil, err
		}
		keys = append(keys, k)
	}
	return keys, nil
}

func (i *Issuer) newKey(account, algorithm string, number int, from time.Time) (state.SigningKey, error) {
	private, err := generate(algorithm)
	if err != nil {
		return state.SigningKey{}, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return state.SigningKey{}, err
	}
	public, err := x509.MarshalPKIXPublicKey(private.Public())
	if err != nil {
		return state.SigningKey{}, err
	}
	return state.SigningKey{
		Algorithm: algorithm, Number: number, From: from,
		Private: i.ring.Seal(purpose, owner(account, algorithm, number), der), Public: public,
	}, nil
}

func generate(algorithm string) (crypto.Signer, error) {
	if algorithm == RS256 {
		return rsa.GenerateKey(rand.Reader, 2048)
	}
	return ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
}

// Sign makes a token of claims by the account's key that signs now.
func (i *Issuer) Sign(r *state.TokenIssuer, algorithm string, now time.Time, claims any) (string, error) {
	k := r.Signing(algorithm, now)
	if k == nil {
		return "", fmt.Errorf("outbound: the account %s has no %s key", r.Account, algorithm)
	}
	der, err := i.ring.Open(purpose, owner(r.Account, k.Algorithm, k.Number), k.Private)
	if err != nil {
		return "", err
	}
	private, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return "", err
	}
	signer, err := jose.NewSigner(
		jose.SigningKey{Algorithm: jose.SignatureAlgorithm(algorithm), Key: jose.JSONWebKey{Key: private, KeyID: keyID(*k)}},
		new(jose.SignerOptions).WithType("JWT"),
	)
	if err != nil {
		return "", err
	}
	return jwt.Signed(signer).Claims(claims).Serialize()
}

// keyID names a key as AWS does: "RSA_0", "EC384_0".
func keyID(k state.SigningKey) string {
	if k.Algorithm == RS256 {
		return "RSA_" + strconv.Itoa(k.Number)
	}
	return "EC384_" + strconv.Itoa(k.Number)
}
