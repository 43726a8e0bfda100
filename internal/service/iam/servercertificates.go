package iam

import (
	"crypto/x509"
	"errors"
	"strings"
	"time"

	api "github.com/warder-iam/warder/internal/api/iam"
	"github.com/warder-iam/warder/internal/awserr"
	"github.com/warder-iam/warder/internal/certs"
	"github.com/warder-iam/warder/internal/ids"
	"github.com/warder-iam/warder/internal/seal"
	"github.com/warder-iam/warder/internal/service"
	"github.com/warder-iam/warder/internal/state"
)

// Server certificates
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_server-certs.html).
// No operation shows the private key again.

const purposeServerCertificate = "server-certificate-key"

// A newCertificate is what is uploaded, read and checked.
type newCertificate struct {
	leaf  *x509.Certificate
	chain []*x509.Certificate
	key   []byte // PKCS #8
}

func malformedCertificate(text string) error { return awserr.New("MalformedCertificate", "%s", text) }

const notPEM = "Unable to parse certificate. Please ensure the certificate is in PEM format."

// checkValidity refuses certificates that are not valid at the time of the call
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_server-certs_manage.html).
func checkValidity(c *service.Call, cert *x509.Certificate) error {
	switch now := c.Now(); {
	case now.Before(cert.NotBefore):
		return malformedCertificate("The certificate is not valid before " + cert.NotBefore.UTC().Format(time.RFC3339) + ".")
	case now.After(cert.NotAfter):
		return malformedCertificate("Certificate is no longer valid. The 'Not After' date restriction on the certificate has passed.")
	}
	return nil
}

// prepareServerCertificate reads and checks all parts before the transaction: a
// long chain takes milliseconds.
func (s *Service) prepareServerCertificate(c *service.Call, _ *state.Snapshot, in *api.UploadServerCertificateRequest) (any, error) {
	leaf, err := certs.Certificate(*in.CertificateBody)
	if err != nil {
		return nil, malformedCertificate(notPEM)
	}
	made := &newCertificate{leaf: leaf}
	if certs.CheckKey(leaf) != nil {
		return nil, malformedCertificate("The key of the certificate must be an RSA key of at least 1024 bits or an ECDSA key.")
	}
	if err := checkValidity(c, leaf); err != nil {
		return nil, err
	}
	key, err := certs.PrivateKey(*in.PrivateKey)
	switch {
	case errors.Is(err, certs.ErrEncrypted):
		return nil, malformedCertificate("Unable to parse key; the body is encrypted.")
	case err != nil:
		return nil, malformedCertificate("Private Key was in an unrecognized format.")
	case !certs.Fits(key, leaf):
		return nil, awserr.New("KeyPairMismatch", "The private key did not match the public key provided. Please verify the key material and try again.")
	}
	if made.key, err = x509.MarshalPKCS8PrivateKey(key); err != nil {
		return nil, malformedCertificate("Private Key was in an unrecognized format.")
	}
	if in.CertificateChain == nil {
		return made, nil
	}
	if made.chain, err = certs.Chain(*in.CertificateChain); err != nil {
		return nil, malformedCertificate(notPEM)
	}
	if i, ok := certs.CheckChain(leaf, made.chain); !ok {
		return nil, awserr.New("MalformedCertificate", "Unable to validate certificate chain. The certificate chain must start with the immediate signing certificate, followed by any intermediaries in order. The index within the chain of the invalid certificate is: %d", i)
	}
	return made, nil
}

func (s *Service) uploadServerCertificate(c *service.Call, tx *state.Tx, in *api.UploadServerCertificateRequest) (*api.UploadServerCertificateResponse, error) {
	account, made := c.Caller.Account, c.Prepared.(*newCertificate)
	if tx.ServerCertificate(account, *in.ServerCertificateName) != nil {
		return nil, serverCertificateExists(*in.ServerCertificateName)
	}
	if err := within(s.quotas, serverCertificatesPerAccount, tx.ServerCertificates.Len(), tx.ServerCertificatesOf(account, "")); err != nil {
		return nil, err
	}
	tags, err := newTags(in.Tags)
	if err != nil {
		return nil, err
	}
	id := s.ids.Unique(ids.ServerCertificate, account)
	cert := &state.ServerCertificate{
		Entity: state.Entity{
			Account: account, ID: id, Name: *in.ServerCertificateName, Path: pathOf(in.Path), Created: c.Now(), Tags: tags,
		},
		Body: certs.Text(made.leaf), Chain: certs.Text(made.chain...), Expires: made.leaf.NotAfter.UTC(),
		Key: s.ring.Seal(purposeServerCertificate, seal.Owner(account, id), made.key),
	}
	tx.ServerCertificates.Put(cert)
	return &api.UploadServerCertificateResponse{ServerCertificateMetadata: serverCertificateMetadata(cert), Tags: tagsOut(tags)}, nil
}

func serverCertificateMetadata(c *state.ServerCertificate) *api.ServerCertificateMetadata {
	return &api.ServerCertificateMetadata{
		Path: ptr(c.Path), ServerCertificateName: ptr(c.Name), ServerCertificateId: ptr(c.ID), Arn: ptr(c.ARN()),
		UploadDate: ptr(c.Created), Expiration: ptr(c.Expires),
	}
}

func serverCertificateExists(name string) error {
	return exists("The Server Certificate", name)
}

// findServerCertificate finds a server certificate of the caller's account.
func findServerCertificate(c *service.Call, s *state.Snapshot, name *string) (*state.ServerCertificate, error) {
	if cert := s.ServerCertificate(c.Caller.Account, *name); cert != nil {
		return cert, nil
	}
	return nil, awserr.New("NoSuchEntity", "The Server Certificate with name %s cannot be found.", *name)
}

// getServerCertificate shows the tags even of a certificate that has none, as AWS does.
func (s *Service) getServerCertificate(c *service.Call, snap *state.Snapshot, in *api.GetServerCertificateRequest) (*api.GetServerCertificateResponse, error) {
	cert, err := findServerCertificate(c, snap, in.ServerCertificateName)
	if err != nil {
		return nil, err
	}
	return &api.GetServerCertificateResponse{ServerCertificate: &api.ServerCertificate{
		ServerCertificateMetadata: serverCertificateMetadata(cert), CertificateBody: ptr(cert.Body),
		CertificateChain: optional(cert.Chain), Tags: everyTag(cert.Tags),
	}}, nil
}

func (s *Service) listServerCertificates(c *service.Call, snap *state.Snapshot, in *api.ListServerCertificatesRequest) (*api.ListServerCertificatesResponse, error) {
	after, limit, err := start(in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	found, end := page(snap.ServerCertificatesOf(c.Caller.Account, after), limit,
		func(cert *state.ServerCertificate) string { return cert.Name },
		func(cert *state.ServerCertificate) bool { return strings.HasPrefix(cert.Path, prefixOf(in.PathPrefix)) })
	out := &api.ListServerCertificatesResponse{
		ServerCertificateMetadataList: make([]api.ServerCertificateMetadata, 0, len(found)), IsTruncated: end.IsTruncated, Marker: end.Marker,
	}
	for _, cert := range found {
		out.ServerCertificateMetadataList = append(out.ServerCertificateMetadataList, *serverCertificateMetadata(cert))
	}
	return out, nil
}

func (s *Service) updateServerCertificate(c *service.Call, tx *state.Tx, in *api.UpdateServerCertificateRequest) (*none, error) {
	cert, err := findServerCertificate(c, &tx.Snapshot, in.ServerCertificateName)
	if err != nil {
		return nil, err
	}
	if in.NewServerCertificateName != nil {
		if other := tx.ServerCertificate(cert.Account, *in.NewServerCertificateName); other != nil && other.ID != cert.ID {
			return nil, serverCertificateExists(*in.NewServerCertificateName)
		}
	}
	tx.ServerCertificates.Update(cert, func(cert *state.ServerCertificate) {
		if in.NewServerCertificateName != nil {
			cert.Name = *in.NewServerCertificateName
		}
		if in.NewPath != nil {
			cert.Path = *in.NewPath
		}
	})
	return nil, nil
}

func (s *Service) deleteServerCertificate(c *service.Call, tx *state.Tx, in *api.DeleteServerCertificateRequest) (*none, error) {
	cert, err := findServerCertificate(c, &tx.Snapshot, in.ServerCertificateName)
	if err != nil {
		return nil, err
	}
	tx.ServerCertificates.Delete(cert)
	return nil, nil
}

var serverCertificateTags = taggable[state.ServerCertificate]{
	find:  findServerCertificate,
	table: func(tx *state.Tx) *state.Table[state.ServerCertificate] { return &tx.ServerCertificates },
	tags:  func(c *state.ServerCertificate) *[]state.Tag { return &c.Tags },

	noTags: "The provided tag map must not be null/empty.",
	noKeys: "The provided tag keys must not be null/empty.",
}

func (s *Service) tagServerCertificate(c *service.Call, tx *state.Tx, in *api.TagServerCertificateRequest) (*none, error) {
	return serverCertificateTags.tag(c, tx, in.ServerCertificateName, in.Tags)
}

func (s *Service) untagServerCertificate(c *service.Call, tx *state.Tx, in *api.UntagServerCertificateRequest) (*none, error) {
	return serverCertificateTags.untag(c, tx, in.ServerCertificateName, in.TagKeys)
}

func (s *Service) listServerCertificateTags(c *service.Call, snap *state.Snapshot, in *api.ListServerCertificateTagsRequest) (*api.ListServerCertificateTagsResponse, error) {
	tags, end, err := serverCertificateTags.list(c, snap, in.ServerCertificateName, in.Marker, in.MaxItems)
	return &api.ListServerCertificateTagsResponse{Tags: tags, IsTruncated: end.IsTruncated, Marker: end.Marker}, err
}
