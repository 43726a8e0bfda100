package policy

import "strings"

// filter sorts out statements that cannot match a request, by a few integer
// comparisons and without following pointers. It errs on the side of letting
// pass: what passes is matched in full, and what it rejects could not match.
type filter struct {
	actions uint64 // one bit for each exact action's hash (low half) and each action prefix's (high half)
	tail    uint64 // the last eight bytes of the literal prefix common to all resources
	service uint32 // hash of the service of all actions; 0: several, or any
	tailEnd uint16 // length of that prefix; 0: too short to use
}

// probe is what a request looks like to a filter.
type probe struct {
	actions uint64
	service uint32
	action  uint32 // hash of the whole action
}

const (
	fnvOffset  = 2166136261
	fnvPrime   = 16777619
	prefixLen  = 3 // letters of an action's name that the high half of filter.actions tells apart
	allActions = ^uint64(0)
)

func lowerByte(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}

// newProbe hashes an action in one pass. ok is false for what is no action:
// those match no statement.
func newProbe(action string) (p probe, ok bool) {
	h := uint32(fnvOffset)
	colon := -1
	prefix := uint32(0)
	for i := 0; i < len(action); i++ {
		c := lowerByte(action[i])
		if c == ':' {
			if colon >= 0 || i == 0 {
				return probe{}, false
			}
			colon = i
			p.service = h | 1 // never 0
		}
		h = (h ^ uint32(c)) * fnvPrime
		if colon >= 0 && i == colon+prefixLen {
			prefix = h
		}
	}
	p.action = h
	p.actions = 1<<(h>>27) | 1<<(32+prefix>>27)
	return p, colon > 0 && colon < len(action)-1
}

// newFilter makes the filter of a compiled statement.
func newFilter(st *statement) filter {
	f := filter{actions: allActions}
	p := st.policy
	if !st.notAction {
		f.actions = 0
		for i, a := range p.patterns[st.actions.from:st.actions.to] {
			bits, service := actionBits(a.text)
			f.actions |= bits
			if i == 0 {
				f.service = service
			} else if service != f.service {
				f.service = 0
			}
		}
	}
	if resources := p.patterns[st.resources.from:st.resources.to]; !st.notResource && len(resources) > 0 {
		prefix := literalPrefix(resources[0].text)
		for _, r := range resources[1:] {
			prefix = commonPrefix(prefix, literalPrefix(r.text))
		}
		if n := min(len(prefix), maxHead); n >= 8 {
			f.tailEnd, f.tail = uint16(n), tailBytes(prefix, n)
		}
	}
	return f
}

// actionBits are the filter's bits for one action of a statement, and its service.
func actionBits(a string) (bits uint64, service uint32) {
	literal := a
	if i := strings.IndexAny(a, "*?"); i >= 0 {
		literal = a[:i]
	}
	colon := strings.IndexByte(literal, ':')
	if colon < 0 {
		return allActions, 0
	}
	if len(literal) == len(a) {
		p, _ := newProbe(a)
		return p.actions & (1<<32 - 1), p.service
	}
	p, ok := newProbe(literal)
	if !ok { // nothing literal after the colon
		p, _ = newProbe(literal + "x")
		return allActions, p.service
	}
	if len(literal)-colon-1 < prefixLen {
		return allActions, p.service
	}
	return p.actions &^ (1<<32 - 1), p.service
}

func commonPrefix(a, b string) string {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return a[:n]
}

// tailBytes are the eight bytes before offset end.
func tailBytes(s string, end int) uint64 {
	b := s[end-8 : end]
	return uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
		uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
}

// passes says whether a statement may match.
func (f *filter) passes(p *probe, resource string) bool {
	if f.actions&p.actions == 0 || f.service != 0 && f.service != p.service {
		return false
	}
	return f.tailEnd == 0 || int(f.tailEnd) <= len(resource) && tailBytes(resource, int(f.tailEnd)) == f.tail
}
