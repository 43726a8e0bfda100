package oidc

import (
	"crypto/x509"
	"fmt"
	"net/netip"
	"os"
)

// NewNetwork reads the operator's settings: networks such as "10.0.0.0/8" or
// single addresses, and a file of certificates that vouch for providers besides
// the system's roots ("" for none).
func NewNetwork(networks []string, rootsFile string) (Network, error) {
	var n Network
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
