package iam_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"time"
)

// A party is somebody with a certificate and its private key.
type party struct {
	cert *x509.Certificate
	key  crypto.Signer
}

// newParty makes a certificate that is valid in a span around now and signed by
// another party, or by its own key.
func newParty(t testing.TB, name string, key crypto.Signer, by *party, from, to time.Duration) *party {
	t.Helper()
	now := time.Now().Truncate(time.Second)
	form := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: now.Add(from), NotAfter: now.Add(to),
		IsCA: true, BasicConstraintsValid: true,
	}
	parent, signer := form, key
	if by != nil {
		parent, signer = by.cert, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, form, parent, key.Public(), signer)
	must(t, err)
	cert, err := x509.ParseCertificate(der)
	must(t, err)
	return &party{cert, key}
}

const year = 365 * 24 * time.Hour

// ecParty has a certificate for a year on a new EC key.
func ecParty(t testing.TB, name string, by *party) *party {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	return newParty(t, name, key, by, -time.Hour, year)
}

func edKey(t testing.TB) crypto.Signer {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	must(t, err)
	return key
}

func rsaKey(t testing.TB, bits int) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, bits)
	must(t, err)
	return key
}

func pemOf(kind string, der []byte) string {
	return strings.TrimSpace(string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})))
}

func (p *party) body() string { return pemOf("CERTIFICATE", p.cert.Raw) }

// pkcs8 is the private key in PEM.
func (p *party) pkcs8(t testing.TB) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(p.key)
	must(t, err)
	return pemOf("PRIVATE KEY", der)
}
