package policy

// Set is the policies of one layer: they apply together, and an Allow of any
// of them suffices. It is immutable.
type Set struct {
	policies []*Policy
	deny     []entry
	allow    []entry
}

// entry is a statement with its filter at hand.
type entry struct {
	filter
	st *statement
}

// NewSet makes a set of policies. A set of none allows nothing, which is not
// the same as no set at all.
func NewSet(policies ...*Policy) *Set {
	s := &Set{policies: policies}
	for _, p := range policies {
		for i := range p.statements {
			st := &p.statements[i]
			if st.effect == Deny {
				s.deny = append(s.deny, entry{st.filter, st})
			} else {
				s.allow = append(s.allow, entry{st.filter, st})
			}
		}
	}
	return s
}

// Policies are the policies of the set. The slice must not be changed.
func (s *Set) Policies() []*Policy {
	if s == nil {
		return nil
	}
	return s.policies
}

// denies is the first Deny statement that matches, or nil.
func (s *Set) denies(m *match) *statement {
	if s == nil {
		return nil
	}
	return first(s.deny, m)
}

// allows is the first Allow statement that matches, or nil.
func (s *Set) allows(m *match) *statement {
	if s == nil {
		return nil
	}
	return first(s.allow, m)
}

func first(entries []entry, m *match) *statement {
	for i := range entries {
		e := &entries[i]
		if e.passes(&m.probe, m.req.Resource) && e.st.matches(m) && e.st.grade(m) != notNamed {
			return e.st
		}
	}
	return nil
}
