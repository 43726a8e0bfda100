package saml

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"strings"

	"github.com/warder-iam/warder/internal/seal"
)

// minKey is the least size of a private key, in bits.
const minKey = 2048

// A KeyError is what is wrong with a private key, in AWS's words
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_saml.html).
type KeyError string

func (e KeyError) Error() string { return string(e) }

// The refusals of private keys.
const (
	ErrKeyEncrypted KeyError = "The key is encrypted."
	ErrKeyFormat    KeyError = "Key format is not recognized. The private key file must be a .pem file."
)

// ParseKey reads the private key that an account has for assertions to be
// encrypted to: RSA in PEM, PKCS #8 or PKCS #1. It gives it in PKCS #8.
func ParseKey(text string) ([]byte, error) {
	block, rest := pem.Decode([]byte(text))
	if block == nil || strings.TrimSpace(string(rest)) != "" {
		return nil, ErrKeyFormat
	}
	if block.Type == "ENCRYPTED PRIVATE KEY" || block.Headers["DEK-Info"] != "" {
		return nil, ErrKeyEncrypted
	}
	var key any
	var err error
	switch block.Type {
	case "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	default:
		return nil, ErrKeyFormat
	}
	private, ok := key.(*rsa.PrivateKey)
	if err != nil || !ok || private.N.BitLen() < minKey {
		return nil, ErrKeyFormat
	}
	return x509.MarshalPKCS8PrivateKey(private)
}

// purposeKey binds sealed private keys to their use.
const purposeKey = "saml-key"

// SealKey seals a private key, as ParseKey gives it, for the record of its provider.
func SealKey(ring *seal.Keyring, account, provider, id string, der []byte) []byte {
	return ring.Seal(purposeKey, seal.Owner(account, provider, id), der)
}

// OpenKey gives a sealed private key.
func OpenKey(ring *seal.Keyring, account, provider, id string, sealed []byte) (*rsa.PrivateKey, error) {
	der, err := ring.Open(purposeKey, seal.Owner(account, provider, id), sealed)
	if err != nil {
		return nil, err
	}
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, err
	}
	private, ok := key.(*rsa.PrivateKey)
	if !ok {
		return nil, errors.New("saml: a sealed key that is not RSA")
	}
	return private, nil
}
