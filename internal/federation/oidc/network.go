package oidc

import (
	"context"
	"crypto/sha1" //nolint:gosec // thumbprints are defined as SHA-1; they pin a certificate that was chosen, and a second preimage is out of reach
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	strict "github.com/go-jose/go-jose/v4/json"

	"github.com/warder-iam/warder/internal/outward"
)

// Network says which addresses of providers may be connected to.
type Network = outward.Network

// NewNetwork reads the operator's settings.
func NewNetwork(networks []string, rootsFile string) (Network, error) {
	return outward.NewNetwork("--federation-network", networks, rootsFile)
}

const (
	fetchTimeout = 5 * time.Second // for discovery and keys together
	maxResponse  = 512 << 10       // bytes
)

// client fetches documents of providers.
type client struct{ network Network }

// Why documents could not be had.
var (
	errTLS     = errors.New("oidc: the provider's certificate matches neither a root nor a thumbprint")
	errRefused = errors.New("oidc: refused")
)

// trust decides about the certificates of a connection to a host.
type trust func(host string, certs []*x509.Certificate) error

// byRootsOr accepts certificates that the roots vouch for or, where they do not,
// a chain whose last certificate has one of the thumbprints and vouches for the
// others: the order in which AWS tries them
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc_verify-thumbprint.html).
func (c *client) byRootsOr(thumbprints []string) trust {
	return func(host string, certs []*x509.Certificate) error {
		leaf, top := certs[0], certs[len(certs)-1]
		options := x509.VerifyOptions{DNSName: host, Roots: c.network.Roots, Intermediates: x509.NewCertPool()}
		for _, cert := range certs[1:] {
			options.Intermediates.AddCert(cert)
		}
		_, err := leaf.Verify(options)
		if err != nil && slices.Contains(thumbprints, thumbprint(top)) {
			options.Roots = x509.NewCertPool()
			options.Roots.AddCert(top)
			_, err = leaf.Verify(options)
		}
		if err != nil {
			return fmt.Errorf("%w: %w", errTLS, err)
		}
		return nil
	}
}

func thumbprint(cert *x509.Certificate) string {
	sum := sha1.Sum(cert.Raw) //nolint:gosec // see the import
	return hex.EncodeToString(sum[:])
}

// get fetches a JSON document into out. It follows no redirect: where a document
// is, is for the provider's record to say, or for its discovery document.
func (c *client) get(ctx context.Context, at string, t trust, out any) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return fmt.Errorf("%w: %w", errRefused, err)
	}
	r.Header.Set("Accept", "application/json")
	r.Header.Set("User-Agent", "warder")
	transport := c.network.Transport()
	transport.TLSClientConfig = &tls.Config{
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: true, //nolint:gosec // verified by trust, which knows thumbprints too
		// Of the host that was asked for: a name that is an address is not in
		// the connection's state.
		VerifyConnection: func(state tls.ConnectionState) error { return t(r.URL.Hostname(), state.PeerCertificates) },
	}
	transport.DisableKeepAlives = true
	defer transport.CloseIdleConnections()
	resp, err := outward.Client(transport).Do(r)
	if errors.Is(err, outward.ErrNotPublic) {
		return fmt.Errorf("%w: %w", errRefused, err)
	}
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= http.StatusInternalServerError || resp.StatusCode == http.StatusTooManyRequests {
		return fmt.Errorf("oidc: %s answers %s", at, resp.Status)
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%w: %s answers %s", errRefused, at, resp.Status)
	}
	body, err := outward.Read(resp, maxResponse)
	if errors.Is(err, outward.ErrTooLong) {
		return fmt.Errorf("%w: %s: %w", errRefused, at, err)
	}
	if err != nil {
		return err
	}
	if err := strict.Unmarshal(body, out); err != nil {
		return fmt.Errorf("%w: %s: %w", errRefused, at, err)
	}
	return nil
}

// keysURI asks a provider where its keys are
// (https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfig).
func (c *client) keysURI(ctx context.Context, providerURL string, t trust) (string, error) {
	var doc struct {
		Issuer  string `json:"issuer"`
		JWKSURI string `json:"jwks_uri"`
	}
	at := strings.TrimSuffix(issuerOf(providerURL), "/") + "/.well-known/openid-configuration"
	if err := c.get(ctx, at, t, &doc); err != nil {
		return "", err
	}
	if doc.Issuer != issuerOf(providerURL) {
		return "", fmt.Errorf("%w: the discovery document is of the issuer %q", errRefused, doc.Issuer)
	}
	u, err := url.Parse(doc.JWKSURI)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil {
		return "", fmt.Errorf("%w: the keys are at %q, which is not an HTTPS address", errRefused, doc.JWKSURI)
	}
	return doc.JWKSURI, nil
}

// Thumbprint is that of the certificate at the top of the chain which the
// provider shows where its keys are: what AWS notes of a provider that is
// registered without a thumbprint.
func (v *Verifier) Thumbprint(ctx context.Context, providerURL string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	var top *x509.Certificate
	note := func(_ string, certs []*x509.Certificate) error {
		top = certs[len(certs)-1]
		return nil
	}
	at, err := v.client.keysURI(ctx, providerURL, note)
	if err == nil {
		var ignored map[string]any
		err = v.client.get(ctx, at, note, &ignored)
	}
	if err != nil {
		return "", err
	}
	return thumbprint(top), nil
}
