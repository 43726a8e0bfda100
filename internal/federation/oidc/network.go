package oidc

import (
	"context"
	"crypto/sha1" //nolint:gosec // thumbprints are defined as SHA-1; they pin a certificate that was chosen, and a second preimage is out of reach
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"

	strict "github.com/go-jose/go-jose/v4/json"
)

// Network says which addresses of providers may be connected to.
type Network struct {
	// Allow are networks that are not on the public internet and may be connected
	// to all the same: where a company's own provider is. Without it nobody can
	// make Warder send requests to the machines around it.
	Allow []netip.Prefix
	// Roots vouch for the certificates of providers; nil for the system's.
	Roots *x509.CertPool
}

// special are networks that are not the public internet, besides those that
// package netip knows about. Some carry IPv4 addresses in IPv6 ones.
var special = func() (all []netip.Prefix) {
	for _, p := range []string{
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24",
		"203.0.113.0/24", "240.0.0.0/4", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16",
		"3fff::/20", "5f00::/16", "fec0::/10", "::/96",
	} {
		all = append(all, netip.MustParsePrefix(p))
	}
	return all
}()

// permits says whether an address may be connected to.
func (n *Network) permits(addr netip.Addr) bool {
	addr = addr.Unmap().WithZone("")
	within := func(p netip.Prefix) bool { return p.Contains(addr) }
	if slices.ContainsFunc(n.Allow, within) {
		return true
	}
	return addr.IsGlobalUnicast() && !addr.IsPrivate() && !slices.ContainsFunc(special, within)
}

// control looks at the very address that is about to be connected to, after all
// name resolution: there is no second look-up that could answer differently.
func (n *Network) control(_, address string, _ syscall.RawConn) error {
	peer, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	if !n.permits(peer.Addr()) {
		return fmt.Errorf("%w: %s is not on the public internet: allow its network by --federation-network", errRefused, peer.Addr())
	}
	return nil
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
	transport := &http.Transport{
		// No proxy: it would resolve names where nobody looks at the address.
		DialContext: (&net.Dialer{Control: c.network.control}).DialContext,
		TLSClientConfig: &tls.Config{
			MinVersion:         tls.VersionTLS12,
			InsecureSkipVerify: true, //nolint:gosec // verified by trust, which knows thumbprints too
			// Of the host that was asked for: a name that is an address is not in
			// the connection's state.
			VerifyConnection: func(state tls.ConnectionState) error { return t(r.URL.Hostname(), state.PeerCertificates) },
		},
		DisableKeepAlives: true, DisableCompression: true, MaxResponseHeaderBytes: 32 << 10,
	}
	defer transport.CloseIdleConnections()
	httpClient := &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := httpClient.Do(r)
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
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxResponse+1))
	if err != nil {
		return err
	}
	if len(body) > maxResponse {
		return fmt.Errorf("%w: %s answers with more than %d bytes", errRefused, at, maxResponse)
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
