package policy

import (
	"cmp"
	"slices"
)

// Set is the policies of one layer: they apply together, and an Allow of any
// of them suffices. It is immutable and safe for concurrent use. Sets of the
// same policies can be shared between principals.
type Set struct {
	policies []*Policy
	entries  []entry // the Deny statements, and from denies on the Allow statements
	denies   int
	index    *[2]*index // of the two parts, where they are long
}

// entry is a statement with its filter at hand.
type entry struct {
	filter
	st *statement
}

// indexFrom is the number of entries from which on an index pays. Fewer are
// looked at one by one.
const indexFrom = 24

// NewSet makes a set of policies. A set of none allows nothing, which is not
// the same as no set at all. The set keeps the slice, which must not be changed.
func NewSet(policies ...*Policy) *Set {
	s := &Set{policies: policies}
	n := 0
	for _, p := range policies {
		n += len(p.statements)
	}
	if n == 0 {
		return s
	}
	s.entries = make([]entry, 0, n)
	s.add(Deny)
	s.denies = len(s.entries)
	s.add(Allow)
	deny, allow := newIndex(s.entries[:s.denies]), newIndex(s.entries[s.denies:])
	if deny != nil || allow != nil {
		s.index = &[2]*index{deny, allow}
	}
	return s
}

func (s *Set) add(effect Effect) {
	for _, p := range s.policies {
		for i := range p.statements {
			if st := &p.statements[i]; st.effect == effect {
				s.entries = append(s.entries, entry{newFilter(st), st})
			}
		}
	}
}

// Policies are the policies of the set. The slice must not be changed.
func (s *Set) Policies() []*Policy {
	if s == nil {
		return nil
	}
	return s.policies
}

// deny is a Deny statement that matches, or nil.
func (s *Set) deny(m *match) *statement {
	if s == nil || s.denies == 0 {
		return nil
	}
	if s.index != nil && s.index[0] != nil {
		return s.index[0].find(s.entries[:s.denies], m)
	}
	return first(s.entries[:s.denies], m)
}

// allow is an Allow statement that matches, or nil.
func (s *Set) allow(m *match) *statement {
	if s == nil {
		return nil
	}
	if s.index != nil && s.index[1] != nil {
		return s.index[1].find(s.entries[s.denies:], m)
	}
	return first(s.entries[s.denies:], m)
}

// closest is the Allow statement that names the requester most closely.
func (s *Set) closest(m *match) (best *statement, named grade) {
	if s == nil {
		return nil, notNamed
	}
	for i := s.denies; i < len(s.entries) && named != directly; i++ {
		e := &s.entries[i]
		if !e.passes(&m.probe, m.req.Resource) {
			continue
		}
		if g := e.st.grade(m); g > named && e.st.matches(m) {
			best, named = e.st, g
		}
	}
	return best, named
}

func first(entries []entry, m *match) *statement {
	for i := range entries {
		if st := entries[i].try(m); st != nil {
			return st
		}
	}
	return nil
}

// try is the entry's statement if it matches.
func (e *entry) try(m *match) *statement {
	if e.passes(&m.probe, m.req.Resource) && e.st.matches(m) && e.st.grade(m) != notNamed {
		return e.st
	}
	return nil
}

// index finds entries by service, then by exact action or by literal resource
// prefix. What it passes over could not match; what it finds is matched in full.
type index struct {
	actions []actionRef // statements for any resource that list exact actions, by hash
	groups  []group     // the other entries, in the order of the program's
}

// actionRef leads from an action to an entry.
type actionRef struct {
	action uint32
	entry  uint32
}

// group is a run of entries of one service and one length of literal resource
// prefix, sorted by the end of that prefix.
type group struct {
	service  uint32
	tailEnd  uint16
	from, to uint32
}

// newIndex sorts the entries and makes an index of them, if they are many.
func newIndex(entries []entry) *index {
	if len(entries) < indexFrom {
		return nil
	}
	byAction := func(e entry) int {
		if e.tailEnd == 0 && e.st.exactActions() {
			return 1 // behind the groups
		}
		return 0
	}
	slices.SortStableFunc(entries, func(a, b entry) int {
		return cmp.Or(cmp.Compare(byAction(a), byAction(b)),
			cmp.Compare(a.service, b.service), cmp.Compare(a.tailEnd, b.tailEnd), cmp.Compare(a.tail, b.tail))
	})
	x := &index{}
	for i, e := range entries {
		if byAction(e) == 1 {
			for _, pat := range e.st.policy.patterns[e.st.actions.from:e.st.actions.to] {
				p, _ := newProbe(pat.text)
				x.actions = append(x.actions, actionRef{p.action, uint32(i)})
			}
			continue
		}
		if n := len(x.groups); n > 0 && x.groups[n-1].service == e.service && x.groups[n-1].tailEnd == e.tailEnd {
			x.groups[n-1].to++
			continue
		}
		x.groups = append(x.groups, group{e.service, e.tailEnd, uint32(i), uint32(i) + 1})
	}
	slices.SortStableFunc(x.actions, func(a, b actionRef) int { return cmp.Compare(a.action, b.action) })
	x.actions, x.groups = slices.Clip(x.actions), slices.Clip(x.groups)
	return x
}

// exactActions says whether the statement lists actions without wildcards.
func (st *statement) exactActions() bool {
	if st.notAction {
		return false
	}
	for _, pat := range st.policy.patterns[st.actions.from:st.actions.to] {
		if pat.kind != patExact {
			return false
		}
	}
	return true
}

func (x *index) find(entries []entry, m *match) *statement {
	if len(x.actions) > 0 {
		i := lowerBound(len(x.actions), func(i int) bool { return x.actions[i].action < m.action })
		for ; i < len(x.actions) && x.actions[i].action == m.action; i++ {
			if st := entries[x.actions[i].entry].try(m); st != nil {
				return st
			}
		}
	}
	if st := x.service(entries, m, 0); st != nil {
		return st
	}
	return x.service(entries, m, m.service)
}

// service tries the groups of a service, or of none.
func (x *index) service(entries []entry, m *match, service uint32) *statement {
	g := 0
	if service != 0 {
		g = lowerBound(len(x.groups), func(i int) bool { return x.groups[i].service < service })
	}
	resource := m.req.Resource
	for ; g < len(x.groups) && x.groups[g].service == service; g++ {
		gr := &x.groups[g]
		run := entries[gr.from:gr.to]
		end := int(gr.tailEnd)
		if end > len(resource) {
			return nil // later groups want longer resources still
		}
		i := 0
		tail := uint64(0)
		if end > 0 {
			tail = tailBytes(resource, end)
			i = lowerBound(len(run), func(i int) bool { return run[i].tail < tail })
		}
		for ; i < len(run) && run[i].tail == tail; i++ {
			if st := run[i].try(m); st != nil {
				return st
			}
		}
	}
	return nil
}

// lowerBound is the first of n places at which less no longer holds.
func lowerBound(n int, less func(int) bool) int {
	lo := 0
	for n > 0 {
		half := n / 2
		if less(lo + half) {
			lo += half + 1
			n -= half + 1
		} else {
			n = half
		}
	}
	return lo
}
