package eventpattern

import (
	"net/netip"
	"strconv"
	"strings"
)

// addressRange is met by strings that are IP addresses between two of the same
// family, inclusive.
type addressRange struct{ first, last netip.Addr }

func (r addressRange) match(v *value) bool {
	if v.kind != text {
		return false
	}
	a, ok := address(v.text)
	return ok && a.Is4() == r.first.Is4() && r.first.Compare(a) <= 0 && a.Compare(r.last) <= 0
}

// address reads an IP address, in the forms that AWS takes for one: four decimal
// numbers, which may have leading zeros, or hex digits and colons.
func address(s string) (netip.Addr, bool) {
	if strings.IndexByte(s, ':') >= 0 {
		if strings.Trim(s, "0123456789abcdefABCDEF:") != "" {
			return netip.Addr{}, false
		}
		a, err := netip.ParseAddr(s)
		return a.Unmap(), err == nil
	}
	var bytes [4]byte
	for i := range bytes {
		part, rest, more := strings.Cut(s, ".")
		if more == (i == 3) || part == "" || strings.Trim(part, "0123456789") != "" {
			return netip.Addr{}, false
		}
		n, err := strconv.ParseUint(part, 10, 8)
		if err != nil {
			return netip.Addr{}, false
		}
		bytes[i], s = byte(n), rest
	}
	return netip.AddrFrom4(bytes), true
}

// newAddressRange reads "10.0.0.0/8". As with AWS the range begins with the address
// as it is written, even if that is not the first one of the network.
func newAddressRange(s string) (r addressRange, wrong string) {
	ip, mask, ok := strings.Cut(s, "/")
	if !ok || strings.IndexByte(mask, '/') >= 0 {
		return r, "Malformed CIDR, one '/' required"
	}
	bits, err := strconv.Atoi(mask)
	if err != nil {
		return r, "Malformed CIDR, mask bits must be an integer"
	}
	if bits < 0 {
		return r, "Malformed CIDR, mask bits must not be negative"
	}
	a, ok := address(ip)
	switch {
	case !ok:
		return r, "Nonstandard IP address: " + ip
	case a.Is4() && bits > 32:
		return r, "IPv4 mask bits must be < 33"
	case bits > a.BitLen():
		return r, "IPv6 mask bits must be < 129"
	}
	last := a.AsSlice()
	for i := range last {
		if own := bits - 8*i; own <= 0 {
			last[i] = 0xff
		} else if own < 8 {
			last[i] |= 0xff >> own
		}
	}
	r.first = a
	r.last, _ = netip.AddrFromSlice(last)
	return r, ""
}
