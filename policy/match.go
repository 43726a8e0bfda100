package policy

// match is one request while it is evaluated.
type match struct {
	probe
	req       *Request
	principal *Principal
	bounded   bool // a permissions boundary is set
	same      bool // principal and resource are of one account
	split     bool // fields and isARN are known
	isARN     bool
	fields    arnFields // of the resource, if isARN

	foreign bool       // an S3 object whose owner decides, and not the bucket's
	acl     *aclAction // the action as ACLs know it, if they are given and do
}

// resourceFields cuts the resource when it is first asked for.
func (m *match) resourceFields() (*arnFields, bool) {
	if !m.split {
		m.split = true
		m.fields, m.isARN = splitARN(m.req.Resource)
	}
	return &m.fields, m.isARN
}

// init reports false for what cannot be evaluated.
func (m *match) init(req *Request, l *Layers) bool {
	var ok bool
	m.req, m.principal, m.bounded = req, req.Principal, l.Boundary != nil
	m.probe, ok = newProbe(req.Action)
	if !ok || m.principal == nil || req.Resource == "" || !l.valid() {
		return false
	}
	m.same = req.sameAccount()
	if l.S3 != nil {
		l.S3.own(m)
	}
	return true
}

// matches says whether every element of the statement but Principal matches.
func (st *statement) matches(m *match) bool {
	return st.matchAction(m.req.Action) != st.notAction && st.matchResource(m) && st.matchConditions(m)
}

func (st *statement) matchAction(action string) bool {
	pats := st.policy.patterns[st.actions.from:st.actions.to]
	for i := range pats {
		if pats[i].matchAction(action) {
			return true
		}
	}
	return false
}

// matchAction matches an action in any case; patterns are in lower case.
func (pat *pattern) matchAction(action string) bool {
	switch pat.kind {
	case patAny:
		return true
	case patExact:
		return len(action) == len(pat.text) && hasPrefixFold(action, pat.text)
	case patPrefix:
		return hasPrefixFold(action, pat.text[:pat.n])
	case patGlob:
		return globFold(pat.text, action)
	case patTail, patFields, patTemplate:
	}
	return false
}

// hasPrefixFold says whether s begins with prefix, which is in lower case.
func hasPrefixFold(s, prefix string) bool {
	if len(s) < len(prefix) {
		return false
	}
	for i := range len(prefix) {
		if lowerByte(s[i]) != prefix[i] {
			return false
		}
	}
	return true
}

// globFold is glob for actions. They are ASCII, short, and lower-cased on the
// stack.
func globFold(pattern, s string) bool {
	var buf [64]byte
	if len(s) > len(buf) {
		return glob(pattern, lowerASCII(s))
	}
	for i := range len(s) {
		buf[i] = lowerByte(s[i])
	}
	return globBytes(pattern, buf[:len(s)])
}

// globBytes is glob byte by byte, as long as that is quick.
func globBytes(p string, s []byte) bool {
	i, j, back, backPos := 0, 0, -1, 0
	for steps := 0; ; steps++ {
		if steps > 3*len(s) {
			return glob(p, string(s)) // a pattern made to be slow: worth an allocation
		}
		switch {
		case i == len(p) && j == len(s):
			return true
		case i < len(p) && p[i] == '*':
			i++
			back, backPos = i, j
			continue
		case i < len(p) && j < len(s) && (p[i] == '?' || p[i] == s[j]):
			i++
			j++
			continue
		}
		if back < 0 || backPos >= len(s) {
			return false
		}
		backPos++
		i, j = back, backPos
	}
}

func (st *statement) matchResource(m *match) bool {
	if st.anyResources {
		return true
	}
	p := st.policy
	for k := st.resources.from; k < st.resources.to; k++ {
		pat := &p.patterns[k]
		if pat.kind == patTemplate && st.notResource && !p.more.templates[pat.n].resolvable(m.req.Context) {
			return false // what is not to be matched is unknown
		}
		if pat.matchResource(p, m) {
			return !st.notResource
		}
	}
	return st.notResource
}

func (pat *pattern) matchResource(p *Policy, m *match) bool {
	switch pat.kind {
	case patFields, patTemplate:
		f, ok := m.resourceFields()
		return ok && pat.matchARN(p, m.req.Context, m.req.Resource, f)
	case patExact, patAny, patPrefix, patTail, patGlob:
	}
	// These hold all six fields themselves.
	return pat.matchARN(p, m.req.Context, m.req.Resource, nil)
}

func (st *statement) matchConditions(m *match) bool {
	p := st.policy
	for k := st.conditions.from; k < st.conditions.to; k++ {
		if !p.more.conditions[k].holds(p, m.req.Context, st.effect) {
			return false
		}
	}
	return true
}

// grade says how closely the statement names the requester. Kinds without
// Principal apply to whoever they are attached to.
func (st *statement) grade(m *match) grade {
	if st.principals == nil {
		return directly
	}
	return st.principals.grade(m.principal, st.effect, m.bounded)
}
