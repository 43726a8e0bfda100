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
	deny     program
	allow    program
}

// program is the statements of one effect, each behind its filter. A long one
// is sorted and has an index, so that statements for other services, actions
// or resources cost nothing.
type program struct {
	entries []entry
	index   *index
}

// entry is a statement with its filter at hand.
type entry struct {
	filter
	st *statement
}

// indexFrom is the number of entries from which on an index pays.
const indexFrom = 24

// NewSet makes a set of policies. A set of none allows nothing, which is not
// the same as no set at all.
func NewSet(policies ...*Policy) *Set {
	s := &Set{policies: policies}
	denies, allows := 0, 0
	for _, p := range policies {
		for i := range p.statements {
			if p.statements[i].effect == Deny {
				denies++
			} else {
				allows++
			}
		}
	}
	s.deny = newProgram(policies, Deny, denies)
	s.allow = newProgram(policies, Allow, allows)
	return s
}

// Policies are the policies of the set. The slice must not be changed.
func (s *Set) Policies() []*Policy {
	if s == nil {
		return nil
	}
	return s.policies
}

// denies is a Deny statement that matches, or nil.
func (s *Set) denies(m *match) *statement {
	if s == nil {
		return nil
	}
	return s.deny.find(m)
}

// allows is an Allow statement that matches, or nil.
func (s *Set) allows(m *match) *statement {
	if s == nil {
		return nil
	}
	return s.allow.find(m)
}

func newProgram(policies []*Policy, effect Effect, n int) program {
	if n == 0 {
		return program{}
	}
	pr := program{entries: make([]entry, 0, n)}
	for _, p := range policies {
		for i := range p.statements {
			if st := &p.statements[i]; st.effect == effect {
				pr.entries = append(pr.entries, entry{st.filter, st})
			}
		}
	}
	if n >= indexFrom {
		pr.index = newIndex(&pr)
	}
	return pr
}

// find is the first entry that matches: in the order of the policies, or of
// the index if there is one.
func (pr *program) find(m *match) *statement {
	if pr.index != nil {
		return pr.index.find(pr.entries, m)
	}
	for i := range pr.entries {
		if st := pr.entries[i].try(m); st != nil {
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

func newIndex(pr *program) *index {
	slices.SortStableFunc(pr.entries, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.service, b.service), cmp.Compare(a.tailEnd, b.tailEnd), cmp.Compare(a.tail, b.tail))
	})
	x := &index{}
	// Entries that are found by their actions go to the end of the program.
	var rest, byAction []entry
	for _, e := range pr.entries {
		if e.tailEnd == 0 && e.st.exactActions() {
			byAction = append(byAction, e)
		} else {
			rest = append(rest, e)
		}
	}
	for i, e := range rest {
		if n := len(x.groups); n > 0 && x.groups[n-1].service == e.service && x.groups[n-1].tailEnd == e.tailEnd {
			x.groups[n-1].to++
			continue
		}
		x.groups = append(x.groups, group{e.service, e.tailEnd, uint32(i), uint32(i) + 1})
	}
	for i, e := range byAction {
		for _, pat := range e.st.policy.patterns[e.st.actions.from:e.st.actions.to] {
			p, _ := newProbe(pat.text)
			x.actions = append(x.actions, actionRef{p.action, uint32(len(rest) + i)})
		}
	}
	slices.SortStableFunc(x.actions, func(a, b actionRef) int { return cmp.Compare(a.action, b.action) })
	pr.entries = append(rest, byAction...)
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
