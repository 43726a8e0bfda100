package certs

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"strings"

	"golang.org/x/crypto/ssh"
)

// SSHKey is an RSA public key for SSH.
type SSHKey struct {
	key ssh.PublicKey
	rsa *rsa.PublicKey
	pem bool // it was read from PEM
}

// ReadSSHKey reads a public key "in ssh-rsa format or PEM format"
// (https://docs.aws.amazon.com/IAM/latest/APIReference/API_UploadSSHPublicKey.html).
// The error is ErrFormat for text in neither, and ErrKey for keys that are broken
// or too small.
func ReadSSHKey(text string) (*SSHKey, error) {
	text = strings.TrimSpace(text)
	if strings.HasPrefix(text, begin) {
		return readPEMKey(text)
	}
	kind, _, _ := strings.Cut(text, " ")
	if kind != ssh.KeyAlgoRSA || strings.ContainsAny(text, "\r\n") {
		return nil, ErrFormat
	}
	key, _, options, _, err := ssh.ParseAuthorizedKey([]byte(text))
	if err != nil || len(options) > 0 || key.Type() != ssh.KeyAlgoRSA {
		return nil, ErrKey
	}
	crypto, ok := key.(ssh.CryptoPublicKey)
	if !ok {
		return nil, ErrKey
	}
	return newSSHKey(crypto.CryptoPublicKey(), false)
}

func readPEMKey(text string) (*SSHKey, error) {
	b, rest := firstBlock(text)
	if b == nil || rest != "" || len(b.Headers) > 0 {
		return nil, ErrFormat
	}
	var key any
	var err error
	switch b.Type {
	case "PUBLIC KEY":
		key, err = x509.ParsePKIXPublicKey(b.Bytes)
	case "RSA PUBLIC KEY":
		key, err = x509.ParsePKCS1PublicKey(b.Bytes)
	default:
		return nil, ErrFormat
	}
	if err != nil {
		return nil, ErrKey
	}
	return newSSHKey(key, true)
}

func newSSHKey(public any, pem bool) (*SSHKey, error) {
	r, ok := public.(*rsa.PublicKey)
	if !ok || r.N.BitLen() < minSSHRSA || r.N.BitLen() > maxRSA || r.E < 3 || r.E%2 == 0 {
		return nil, ErrKey
	}
	key, err := ssh.NewPublicKey(r)
	if err != nil {
		return nil, ErrKey
	}
	return &SSHKey{key, r, pem}, nil
}

// Text is the key in the form that it was read in: PEM or SSH.
func (k *SSHKey) Text() string {
	if k.pem {
		return k.PEM()
	}
	return k.SSH()
}

// SSH is the key as a line of an authorized_keys file, without a comment.
func (k *SSHKey) SSH() string {
	return strings.TrimSuffix(string(ssh.MarshalAuthorizedKey(k.key)), "\n")
}

// PEM is the key as a SubjectPublicKeyInfo.
func (k *SSHKey) PEM() string {
	der, err := x509.MarshalPKIXPublicKey(k.rsa)
	if err != nil {
		panic("certs: an RSA key without a form: " + err.Error())
	}
	return strings.TrimSuffix(string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})), "\n")
}

// Fingerprint is the MD5 digest of the key, sixteen bytes in hexadecimal with
// colons between
// (https://docs.aws.amazon.com/IAM/latest/APIReference/API_SSHPublicKey.html).
func (k *SSHKey) Fingerprint() string { return ssh.FingerprintLegacyMD5(k.key) }
