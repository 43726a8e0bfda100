package certs

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"strings"
)

// PrivateKey reads a private key in PEM: PKCS #8, or the older forms of RSA and
// EC keys, the latter also after its parameters, as openssl prints them.
func PrivateKey(text string) (crypto.Signer, error) {
	b, rest := firstBlock(text)
	if b != nil && b.Type == "EC PARAMETERS" {
		b, rest = firstBlock(rest)
	}
	switch {
	case b == nil || strings.TrimSpace(rest) != "":
		return nil, ErrFormat
	case b.Type == "ENCRYPTED PRIVATE KEY" || strings.Contains(b.Headers["Proc-Type"], "ENCRYPTED"):
		return nil, ErrEncrypted
	case len(b.Headers) > 0:
		return nil, ErrFormat
	}
	key, err := parsePrivateKey(b)
	if err != nil {
		return nil, ErrFormat // the parser's reason could tell about the key
	}
	switch k := key.(type) {
	case *rsa.PrivateKey:
		return k, nil
	case *ecdsa.PrivateKey:
		return k, nil
	}
	return nil, ErrKey
}

func parsePrivateKey(b *pem.Block) (any, error) {
	switch b.Type {
	case "RSA PRIVATE KEY":
		return x509.ParsePKCS1PrivateKey(b.Bytes)
	case "EC PRIVATE KEY":
		return x509.ParseECPrivateKey(b.Bytes)
	case "PRIVATE KEY":
		return x509.ParsePKCS8PrivateKey(b.Bytes)
	}
	return nil, ErrFormat
}

// Fits says whether a private key is the one of a certificate.
func Fits(key crypto.Signer, cert *x509.Certificate) bool {
	public, ok := key.Public().(interface{ Equal(crypto.PublicKey) bool })
	return ok && public.Equal(cert.PublicKey)
}
