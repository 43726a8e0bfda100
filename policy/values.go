package policy

import (
	"encoding/base64"
	"net/netip"
	"strings"
	"time"
)

// decimal is an exact number, kept as its digits, so that no two numbers that
// differ compare as equal and nothing is allocated to compare them.
type decimal struct {
	negative  bool
	int, frac string // without leading and trailing zeros
}

// parseDecimal reads an optional sign, digits and an optional fraction.
// Exponents are not read: AWS documents integers and decimals only.
func parseDecimal(s string) (d decimal, ok bool) {
	if s != "" && (s[0] == '-' || s[0] == '+') {
		d.negative = s[0] == '-'
		s = s[1:]
	}
	whole, frac, point := strings.Cut(s, ".")
	if whole == "" && frac == "" || point && frac == "" || !digits(whole) || !digits(frac) {
		return decimal{}, false
	}
	d.int, d.frac = strings.TrimLeft(whole, "0"), strings.TrimRight(frac, "0")
	if d.int == "" && d.frac == "" {
		d.negative = false
	}
	return d, true
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// compare is -1, 0 or 1.
func (d decimal) compare(e decimal) int {
	if d.negative != e.negative {
		if d.negative {
			return -1
		}
		return 1
	}
	c := 0
	switch {
	case len(d.int) != len(e.int):
		c = 1
		if len(d.int) < len(e.int) {
			c = -1
		}
	default:
		if c = strings.Compare(d.int, e.int); c == 0 {
			c = strings.Compare(d.frac, e.frac)
		}
	}
	if d.negative {
		return -c
	}
	return c
}

// moment is a point in time.
type moment struct {
	sec  int64
	nsec int32
}

func (m moment) compare(n moment) int {
	switch {
	case m.sec < n.sec || m.sec == n.sec && m.nsec < n.nsec:
		return -1
	case m == n:
		return 0
	}
	return 1
}

// parseMoment reads a date in one of the forms of the W3C note on ISO 8601
// (YYYY, YYYY-MM, YYYY-MM-DD, and with a time to the minute, second or
// fraction and a zone), or seconds since 1970. Four digits are a year.
// https://www.w3.org/TR/NOTE-datetime
func parseMoment(s string) (moment, bool) {
	if len(s) != 4 && s != "" && digits(strings.TrimPrefix(s, "-")) {
		return parseEpoch(s)
	}
	year, s, ok := number(s, 4)
	if !ok {
		return moment{}, false
	}
	month, day, hour, minute, second := 1, 1, 0, 0, 0
	var nsec int32
	offset := 0
	if s != "" {
		if month, s, ok = field(s, '-'); !ok || month < 1 || month > 12 {
			return moment{}, false
		}
	}
	if s != "" {
		if day, s, ok = field(s, '-'); !ok || day < 1 || day > daysIn(year, month) {
			return moment{}, false
		}
	}
	if s != "" {
		if hour, s, ok = field(s, 'T'); !ok || hour > 23 {
			return moment{}, false
		}
		if minute, s, ok = field(s, ':'); !ok || minute > 59 {
			return moment{}, false
		}
		if strings.HasPrefix(s, ":") {
			if second, s, ok = field(s, ':'); !ok || second > 59 {
				return moment{}, false
			}
			if strings.HasPrefix(s, ".") {
				if nsec, s, ok = fraction(s[1:]); !ok {
					return moment{}, false
				}
			}
		}
		if offset, ok = zone(s); !ok {
			return moment{}, false
		}
	}
	t := time.Date(year, time.Month(month), day, hour, minute, second, 0, time.UTC)
	return moment{t.Unix() - int64(offset)*60, nsec}, true
}

func parseEpoch(s string) (moment, bool) {
	negative := strings.HasPrefix(s, "-")
	s = strings.TrimPrefix(s, "-")
	if s == "" || len(s) > 18 {
		return moment{}, false
	}
	var n int64
	for i := range len(s) {
		n = n*10 + int64(s[i]-'0')
	}
	if negative {
		n = -n
	}
	return moment{sec: n}, true
}

// number reads exactly n digits.
func number(s string, n int) (v int, rest string, ok bool) {
	if len(s) < n || !digits(s[:n]) {
		return 0, "", false
	}
	for i := range n {
		v = v*10 + int(s[i]-'0')
	}
	return v, s[n:], true
}

// field reads a separator and two digits.
func field(s string, sep byte) (v int, rest string, ok bool) {
	if s == "" || s[0] != sep {
		return 0, "", false
	}
	return number(s[1:], 2)
}

func fraction(s string) (nsec int32, rest string, ok bool) {
	n, scale := 0, int32(100_000_000)
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		nsec += int32(s[n]-'0') * scale
		scale /= 10
		n++
	}
	return nsec, s[n:], n > 0 && n <= 9
}

// zone reads Z or ±hh:mm, in minutes.
func zone(s string) (int, bool) {
	if s == "Z" {
		return 0, true
	}
	if s == "" {
		return 0, false
	}
	sign := 1
	if s[0] == '-' {
		sign = -1
	} else if s[0] != '+' {
		return 0, false
	}
	h, rest, ok := number(s[1:], 2)
	if !ok || h > 23 {
		return 0, false
	}
	m, rest, ok := field(rest, ':')
	return sign * (h*60 + m), ok && m < 60 && rest == ""
}

func daysIn(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// parsePrefix reads an address or a CIDR block of a policy. A bare address is a
// block of one. An IPv4 block written as IPv6 (::ffff:a.b.c.d) is read as IPv4,
// so that the way an address is written cannot evade it.
func parsePrefix(s string) (netip.Prefix, bool) {
	var p netip.Prefix
	if strings.IndexByte(s, '/') < 0 {
		a, ok := parseAddr(s)
		if !ok {
			return p, false
		}
		return netip.PrefixFrom(a, a.BitLen()), true
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return p, false
	}
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p.Masked(), true
}

// parseAddr reads an address without a zone. Values of other keys end here
// too, and netip's errors are allocated, so it looks first whether s is one.
func parseAddr(s string) (netip.Addr, bool) {
	if strings.IndexByte(s, ':') < 0 {
		return parseIPv4(s)
	}
	for _, c := range []byte(s) {
		if c != ':' && c != '.' && !('0' <= c && c <= '9') && !('a' <= c|0x20 && c|0x20 <= 'f') {
			return netip.Addr{}, false
		}
	}
	a, err := netip.ParseAddr(s)
	if err != nil || a.Zone() != "" {
		return netip.Addr{}, false
	}
	return a.Unmap(), true
}

// parseIPv4 reads four numbers without leading zeros, which some take for octal.
func parseIPv4(s string) (netip.Addr, bool) {
	var b [4]byte
	for i := range b {
		n := 0
		for n < len(s) && n < 3 && '0' <= s[n] && s[n] <= '9' {
			n++
		}
		v := 0
		for _, c := range []byte(s[:n]) {
			v = v*10 + int(c-'0')
		}
		if n == 0 || v > 255 || n > 1 && s[0] == '0' {
			return netip.Addr{}, false
		}
		b[i], s = byte(v), s[n:]
		if i < 3 {
			var ok bool
			if s, ok = strings.CutPrefix(s, "."); !ok {
				return netip.Addr{}, false
			}
		}
	}
	return netip.AddrFrom4(b), s == ""
}

// canonicalBase64 decodes and encodes again, so that equal bytes have equal text.
func canonicalBase64(s string) (string, bool) {
	b, err := base64.StdEncoding.Strict().DecodeString(s)
	if err != nil {
		return "", false
	}
	return base64.StdEncoding.EncodeToString(b), true
}

// The typed forms of a context value: ready if it was built typed, and read
// from its text otherwise. false means that the text is no such value.

func (v *Value) moment(i int) (moment, bool) {
	if v.kind == kindTime {
		return moment{v.sec, v.nsec}, true
	}
	return parseMoment(v.At(i))
}

func (v *Value) address(i int) (netip.Addr, bool) {
	if v.kind == kindAddr {
		return v.addr, v.addr.IsValid()
	}
	return parseAddr(v.At(i))
}
