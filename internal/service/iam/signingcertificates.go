package iam

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"

	api "github.com/warder-iam/warder/internal/api/iam"
	"github.com/warder-iam/warder/internal/awserr"
	"github.com/warder-iam/warder/internal/certs"
	"github.com/warder-iam/warder/internal/service"
	"github.com/warder-iam/warder/internal/state"
)

// X.509 signing certificates of users and root users
// (https://docs.aws.amazon.com/IAM/latest/APIReference/API_UploadSigningCertificate.html).
// They sign requests to services that are not here; Warder keeps them.

// prepareSigningCertificate reads the certificate before the transaction.
func (s *Service) prepareSigningCertificate(c *service.Call, _ *state.Snapshot, in *api.UploadSigningCertificateRequest) (any, error) {
	found, err := certs.Chain(*in.CertificateBody)
	if err != nil || len(found) != 1 {
		return nil, awserr.New("MalformedCertificate", "Certificate %s is malformed.", *in.CertificateBody)
	}
	cert := found[0]
	if certs.CheckKey(cert) != nil {
		return nil, awserr.New("InvalidCertificate", "The key of the certificate must be an RSA key of at least 1024 bits or an ECDSA key.")
	}
	// AWS finds no other words for a certificate that is not valid now.
	if checkValidity(c, cert) != nil {
		return nil, awserr.New("MalformedCertificate", "Certificate %s is malformed.", *in.CertificateBody)
	}
	return cert, nil
}

// uploadSigningCertificate keeps the certificate's text as it is sent, which is
// what Terraform compares it with. Whoever sends a certificate again is shown the
// one that is there, as an active one even where it is not: so does AWS.
func (s *Service) uploadSigningCertificate(c *service.Call, tx *state.Tx, in *api.UploadSigningCertificateRequest) (*api.UploadSigningCertificateResponse, error) {
	o, err := findOwner(c, &tx.Snapshot, in.UserName)
	if err != nil {
		return nil, err
	}
	account, cert := c.Caller.Account, c.Prepared.(*x509.Certificate)
	sum := sha256.Sum256(cert.Raw)
	digest := hex.EncodeToString(sum[:])
	if have := tx.SigningCertificateByDigest(account, digest); have != nil {
		if have.Owner != o.id {
			return nil, awserr.New("DuplicateCertificate", "Duplicate certificate uploaded.")
		}
		out := signingCertificateOut(o, have)
		out.Status = statusOut(true)
		return &api.UploadSigningCertificateResponse{Certificate: out}, nil
	}
	if atLeast(tx.SigningCertificatesOf(o.id), maxSigningCertificates) {
		return nil, overQuota("CertificatesPerUser", maxSigningCertificates)
	}
	k := &state.SigningCertificate{
		ID: s.ids.Certificate(), Account: account, Owner: o.id, Body: *in.CertificateBody, Digest: digest, Active: true, Uploaded: c.Now(),
	}
	tx.SigningCertificates.Put(k)
	return &api.UploadSigningCertificateResponse{Certificate: signingCertificateOut(o, k)}, nil
}

func signingCertificateOut(o owner, k *state.SigningCertificate) *api.SigningCertificate {
	return &api.SigningCertificate{
		UserName: o.name(), CertificateId: ptr(k.ID), CertificateBody: ptr(k.Body), Status: statusOut(k.Active), UploadDate: ptr(k.Uploaded),
	}
}

// findSigningCertificate finds a certificate by its id, of that owner and nobody else.
func findSigningCertificate(s *state.Snapshot, o owner, id string) (*state.SigningCertificate, error) {
	if k := s.SigningCertificates.Get(id); k != nil && k.Owner == o.id {
		return k, nil
	}
	return nil, awserr.New("NoSuchEntity", "The Certificate with id %s cannot be found.", id)
}

func (s *Service) listSigningCertificates(c *service.Call, snap *state.Snapshot, in *api.ListSigningCertificatesRequest) (*api.ListSigningCertificatesResponse, error) {
	o, err := findOwner(c, snap, in.UserName)
	if err != nil {
		return nil, err
	}
	after, limit, err := start(in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	keys, end := page(snap.SigningCertificatesOf(o.id), limit,
		func(k *state.SigningCertificate) string { return k.ID },
		func(k *state.SigningCertificate) bool { return k.ID > after })
	out := &api.ListSigningCertificatesResponse{Certificates: make([]api.SigningCertificate, 0, len(keys)), IsTruncated: end.IsTruncated, Marker: end.Marker}
	for _, k := range keys {
		out.Certificates = append(out.Certificates, *signingCertificateOut(o, k))
	}
	return out, nil
}

func (s *Service) updateSigningCertificate(c *service.Call, tx *state.Tx, in *api.UpdateSigningCertificateRequest) (*none, error) {
	o, err := findOwner(c, &tx.Snapshot, in.UserName)
	if err != nil {
		return nil, err
	}
	k, err := findSigningCertificate(&tx.Snapshot, o, *in.CertificateId)
	if err != nil {
		return nil, err
	}
	active, err := newStatus(in.Status)
	if err != nil {
		return nil, err
	}
	tx.SigningCertificates.Update(k, func(k *state.SigningCertificate) { k.Active = active })
	return nil, nil
}

func (s *Service) deleteSigningCertificate(c *service.Call, tx *state.Tx, in *api.DeleteSigningCertificateRequest) (*none, error) {
	o, err := findOwner(c, &tx.Snapshot, in.UserName)
	if err != nil {
		return nil, err
	}
	k, err := findSigningCertificate(&tx.Snapshot, o, *in.CertificateId)
	if err != nil {
		return nil, err
	}
	tx.SigningCertificates.Delete(k)
	return nil, nil
}
