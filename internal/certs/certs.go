// Package certs reads the certificates and keys that users upload to IAM: X.509
// certificates and their chains, private keys, SSH public keys, all as text. It
// takes what AWS documents and refuses the rest; what it returns has been
// checked and has one form, however the text was laid out.
//
// It leaves out who may upload, what is kept, and the words of refusals; those
// are in internal/service/iam, its caller. It trusts no certificate: a chain is
// checked to be one, and nothing more.
package certs

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
)

// Errors of reading.
var (
	ErrFormat    = errors.New("certs: not in a form that is known")
	ErrEncrypted = errors.New("certs: the key is encrypted")
	ErrKey       = errors.New("certs: not a key of a kind and size that is taken")
)

// Sizes of RSA keys in bits. The upper bound keeps the work of checking a chain
// small.
const (
	minRSA    = 1024 // of certificates
	maxRSA    = 16384
	minSSHRSA = 2048
)

// Certificate reads the first certificate of a PEM text, which begins with it. AWS
// keeps one certificate where a text has several.
func Certificate(text string) (*x509.Certificate, error) {
	cert, _, err := next(text)
	return cert, err
}

// Chain reads a PEM text of certificates and nothing else.
func Chain(text string) ([]*x509.Certificate, error) {
	var chain []*x509.Certificate
	for {
		cert, rest, err := next(text)
		if err != nil {
			return nil, err
		}
		chain = append(chain, cert)
		if text = rest; strings.TrimSpace(text) == "" {
			return chain, nil
		}
	}
}

const (
	begin           = "-----BEGIN "
	certificateType = "CERTIFICATE"
)

// next reads the certificate that a text begins with. AWS refuses text before
// it, such as the description that openssl prints.
func next(text string) (*x509.Certificate, string, error) {
	block, rest := firstBlock(text)
	if block == nil || block.Type != certificateType || len(block.Headers) > 0 {
		return nil, "", ErrFormat
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, "", fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if key, ok := cert.PublicKey.(*rsa.PublicKey); ok && key.N.BitLen() > maxRSA {
		return nil, "", ErrKey
	}
	return cert, rest, nil
}

// firstBlock decodes the PEM block that a text begins with; nil if there is none.
// pem.Decode by itself would look for one further on.
func firstBlock(text string) (*pem.Block, string) {
	text = strings.TrimLeft(strings.ReplaceAll(text, "\r\n", "\n"), " \t\n\r")
	if !strings.HasPrefix(text, begin) {
		return nil, ""
	}
	block, rest := pem.Decode([]byte(text))
	if block == nil || strings.Count(text[:len(text)-len(rest)], begin) != 1 {
		return nil, "" // the first block is broken, and this is a later one
	}
	return block, string(rest)
}

// CheckKey refuses certificates of other than RSA keys of 1024 bits and more, and
// ECDSA keys.
func CheckKey(cert *x509.Certificate) error {
	switch key := cert.PublicKey.(type) {
	case *rsa.PublicKey:
		if bits := key.N.BitLen(); bits >= minRSA && bits <= maxRSA {
			return nil
		}
	case *ecdsa.PublicKey:
		return nil
	}
	return ErrKey
}

// Text is the PEM form of certificates, without a line end at the end.
func Text(certs ...*x509.Certificate) string {
	var b bytes.Buffer
	for _, c := range certs {
		b.Write(pem.EncodeToMemory(&pem.Block{Type: certificateType, Bytes: c.Raw}))
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// CheckChain checks that each certificate is signed by the one after it, the
// first of the chain by that being the signer of leaf, and that those between
// the leaf and the last are of authorities. It goes from the last one down, as
// AWS does. ok is false if one fails, and index is where, counted as AWS counts:
// -1 if the last one did not sign the one before it, else the place among all of
// them, the leaf being 0.
func CheckChain(leaf *x509.Certificate, chain []*x509.Certificate) (index int, ok bool) {
	all := append([]*x509.Certificate{leaf}, chain...)
	for i := len(chain) - 1; i >= 0; i-- {
		child, parent := all[i], all[i+1]
		if !bytes.Equal(child.RawIssuer, parent.RawSubject) || parent.CheckSignature(child.SignatureAlgorithm, child.RawTBSCertificate, child.Signature) != nil {
			if i == len(chain)-1 {
				return -1, false
			}
			return i, false
		}
		if i > 0 && !child.IsCA {
			return i, false
		}
	}
	return 0, true
}
