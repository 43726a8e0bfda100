// Package outward makes the connections to addresses that users name: identity
// providers, webhooks, the endpoints of subscriptions. Whoever may name an address
// could otherwise have Warder reach what only Warder can: the machines around it,
// a cloud's metadata, its own control ports. So an address is connected to if it is
// on the public internet or the operator has named its network, and that is checked
// on the address itself, after all name resolution.
//
// There is no proxy, since it would resolve names where nobody looks at the
// address, and no redirect is followed.
//
// internal/federation/oidc and internal/notify call it. What is fetched or sent is
// theirs, as are the addresses that the operator names, such as a mail server's.
package outward

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"syscall"
	"time"
)

// Network says which addresses may be connected to.
type Network struct {
	// Allow are networks that are not on the public internet and may be connected
	// to all the same.
	Allow []netip.Prefix
	// Roots vouch for the certificates of servers; nil for the system's.
	Roots *x509.CertPool
	// Flag is how the operator allows a network, for the log.
	Flag string
}

// NewNetwork reads the operator's settings: networks such as "10.0.0.0/8" or
// single addresses, and a file of certificates that vouch for servers besides the
// system's roots ("" for none).
func NewNetwork(flag string, networks []string, rootsFile string) (Network, error) {
	n := Network{Flag: flag}
	for _, text := range networks {
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			addr, err := netip.ParseAddr(text)
			if err != nil {
				return n, fmt.Errorf("%q is neither a network such as 10.0.0.0/8 nor an address", text)
			}
			prefix = netip.PrefixFrom(addr, addr.BitLen())
		}
		n.Allow = append(n.Allow, prefix.Masked())
	}
	if rootsFile == "" {
		return n, nil
	}
	text, err := os.ReadFile(rootsFile)
	if err != nil {
		return n, err
	}
	if n.Roots, err = x509.SystemCertPool(); err != nil {
		return n, err
	}
	if !n.Roots.AppendCertsFromPEM(text) {
		return n, fmt.Errorf("%s holds no certificate (PEM)", rootsFile)
	}
	return n, nil
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

// ErrNotPublic is why an address was not connected to.
var ErrNotPublic = errors.New("is not on the public internet")

// control looks at the very address that is about to be connected to: there is no
// second look-up that could answer differently.
func (n *Network) control(_, address string, _ syscall.RawConn) error {
	peer, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	if !n.permits(peer.Addr()) {
		return fmt.Errorf("%s %w: allow its network by %s", peer.Addr(), ErrNotPublic, n.Flag)
	}
	return nil
}

// maxHeader bounds the header of an answer.
const maxHeader = 32 << 10

// Transport makes connections within the network. It is the caller's to change
// further, but for how it dials.
func (n *Network) Transport() *http.Transport {
	return &http.Transport{
		DialContext:            (&net.Dialer{Control: n.control}).DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: n.Roots},
		TLSHandshakeTimeout:    10 * time.Second,
		MaxIdleConnsPerHost:    2,
		IdleConnTimeout:        30 * time.Second,
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxHeader,
	}
}

// Client is an HTTP client that follows no redirect.
func Client(t http.RoundTripper) *http.Client {
	return &http.Client{
		Transport:     t,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// ErrTooLong is the error of an answer with more than the bytes it may have.
var ErrTooLong = errors.New("the answer is too long")

// Read reads the body of an answer, of at most limit bytes.
func Read(resp *http.Response, limit int64) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(body)) > limit {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrTooLong, limit)
	}
	return body, nil
}
