package state

import (
	"iter"
	"time"

	"github.com/warder-iam/warder/arn"
)

// SigningCertificate is an X.509 certificate by which requests of a user can be
// known.
type SigningCertificate struct {
	ID       string
	Account  string
	Owner    string // unique id of the user, or the account id for the root user
	Body     string // PEM, as it was sent
	Digest   string // SHA-256 of the certificate, in hexadecimal
	Active   bool
	Uploaded time.Time
}

const (
	signingCertificateByOwner = iota
	signingCertificateByDigest
)

var signingCertificateSchema = schema[SigningCertificate]{
	prefix: "iam/signing-certificate/",
	key:    func(c *SigningCertificate) string { return c.ID },
	indexes: []index[SigningCertificate]{
		signingCertificateByOwner:  {name: "owner", keys: func(c *SigningCertificate) []string { return []string{c.Owner} }},
		signingCertificateByDigest: {name: "certificate", unique: true, keys: func(c *SigningCertificate) []string { return []string{c.Account + "/" + c.Digest} }},
	},
}

// SigningCertificatesOf iterates over the signing certificates of a user (by
// unique id) or of a root user (by account id).
func (s *Snapshot) SigningCertificatesOf(owner string) iter.Seq[*SigningCertificate] {
	return values(s.SigningCertificates.scan(signingCertificateByOwner, owner+"\x00", ""))
}

// SigningCertificateByDigest finds the signing certificate of an account that has
// the digest; nil if there is none.
func (s *Snapshot) SigningCertificateByDigest(account, digest string) *SigningCertificate {
	return s.SigningCertificates.find(signingCertificateByDigest, account+"/"+digest)
}

// ServerCertificate is an X.509 certificate for TLS servers, with its private key.
// Created is when it was uploaded.
type ServerCertificate struct {
	Entity
	Body    string    // PEM
	Chain   string    `json:",omitempty"` // PEM, from the issuer on; "": none
	Expires time.Time // UTC
	Key     []byte    // PKCS #8, sealed: internal/seal, purpose "server-certificate-key", bound to Account and ID
}

// ARN is the server certificate's name in policies.
func (c *ServerCertificate) ARN() string {
	return arn.IAM(c.Account, "server-certificate", c.Path, c.Name)
}

const serverCertificateByName = 0

var serverCertificateSchema = schema[ServerCertificate]{
	prefix: "iam/server-certificate/",
	key:    func(c *ServerCertificate) string { return c.ID },
	indexes: []index[ServerCertificate]{
		serverCertificateByName: {name: "server certificate name", unique: true, keys: func(c *ServerCertificate) []string { return c.nameKeys() }},
	},
}

// ServerCertificate finds a server certificate by name, without regard to case;
// nil if there is none.
func (s *Snapshot) ServerCertificate(account, name string) *ServerCertificate {
	return s.ServerCertificates.find(serverCertificateByName, nameKey(account, name))
}

// ServerCertificatesOf iterates over an account's server certificates by name,
// after the one named after.
func (s *Snapshot) ServerCertificatesOf(account, after string) iter.Seq[*ServerCertificate] {
	return inAccount(&s.ServerCertificates, serverCertificateByName, account, after)
}
