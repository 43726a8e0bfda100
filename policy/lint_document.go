package policy

import (
	"slices"
	"strings"
)

// text looks over a document that may be no JSON at all.
func (l *linter) text(src string) {
	root, err := readTree(src)
	if err != nil {
		p := err.(*ParseError).Pos
		where := l.position(p)
		l.report("JSON_SYNTAX_ERROR", at{start: p, end: p}, where.Offset, where.Line, where.Column)
		return
	}
	l.duplicates(root)
	if !l.want(root, nodeObject) {
		return
	}
	l.size(root)
	var statement, version *lintNode
	for _, m := range root.members {
		switch m.name {
		case "Version":
			version = m.value
		case "Id":
			l.want(m.value, nodeString)
		case "Statement":
			statement = m.value
		default:
			l.report("INVALID_POLICY_ELEMENT", m.key, m.name)
		}
	}
	l.version(root, version)
	if statement == nil || statement.kind == nodeArray && len(statement.items) == 0 {
		where := root
		if statement != nil {
			where = statement
		}
		l.report("MISSING_STATEMENT", where.at())
		return
	}
	var statements []*lintStatement
	for _, n := range statement.list() {
		if l.want(n, nodeObject) {
			s := l.readStatement(n)
			l.statement(s)
			statements = append(statements, s)
		}
	}
	l.sids(statements)
	l.redundantStatements(statements)
}

// duplicates reports names that stand twice in an object: AWS's readers and
// others could see different policies in the same text.
func (l *linter) duplicates(n *lintNode) {
	seen := map[string]bool{}
	for _, m := range n.members {
		if seen[m.name] {
			p := l.position(m.key.start)
			l.report("JSON_SYNTAX_ERROR", m.key, p.Offset, p.Line, p.Column)
		}
		seen[m.name] = true
		l.duplicates(m.value)
	}
	for _, item := range n.items {
		l.duplicates(item)
	}
}

var nodeKindNames = [...]string{nodeObject: "Object", nodeArray: "Array", nodeString: "String", nodeNumber: "Number", nodeBool: "Boolean", nodeNull: "Null"}

// want reports a value that is not of a kind.
func (l *linter) want(n *lintNode, kind nodeKind) bool {
	if n.kind == kind {
		return true
	}
	l.report("DATA_TYPE_MISMATCH", n.at(), nodeKindNames[kind])
	return false
}

func (l *linter) version(root, version *lintNode) {
	switch {
	case version == nil:
		l.report("MISSING_VERSION", root.at())
	case !l.want(version, nodeString):
	case version.text == "2012-10-17":
		l.variables = true
	case version.text != "2008-10-17":
		l.report("INVALID_VERSION", version.at(), version.text, "2012-10-17, 2008-10-17")
	}
}

// The quotas of
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html#reference_iam-quotas-entity-length,
// https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html,
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/add-bucket-policy.html and
// https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html.
const (
	maxIdentitySize = 6144
	maxTrustSize    = 2048
	maxSCPSize      = 5120
	maxRCPSize      = 5120
	maxBucketSize   = 20 << 10
	maxKeySize      = 32 << 10
)

func (l *linter) size(root *lintNode) {
	n := NonWhitespaceLen([]byte(l.src))
	over := func(code string, quota int) {
		if n > quota {
			l.report(code, root.at(), n, quota)
		}
	}
	switch l.kind {
	case Identity:
		over("POLICY_SIZE_EXCEEDS_IDENTITY_POLICY_QUOTA", maxIdentitySize)
	case Trust:
		over("POLICY_SIZE_EXCEEDS_ROLE_TRUST_POLICY_QUOTA", maxTrustSize)
	case SCP:
		over("POLICY_SIZE_EXCEEDS_SCP_QUOTA", maxSCPSize)
	case RCP:
		over("POLICY_SIZE_EXCEEDS_RCP_QUOTA", maxRCPSize)
	case KeyPolicy:
		over("POLICY_SIZE_EXCEEDS_RESOURCE_POLICY_QUOTA", maxKeySize)
	case Resource:
		if l.resourceType == "AWS::S3::Bucket" {
			over("POLICY_SIZE_EXCEEDS_RESOURCE_POLICY_QUOTA", maxBucketSize)
		}
	case Session, Endpoint:
	}
}

// lintStatement is a statement as far as it can be read.
type lintStatement struct {
	node *lintNode
	// The values of its elements, nil where they are missing.
	sid, effectNode, action, notAction, resource, notResource, principal, notPrincipal, condition *lintNode
	keys                                                                                          map[string]at // the names of its elements

	effect     Effect // 0 if it is not readable
	actions    []*lintNode
	resources  []*lintNode
	principals []lintPrincipal
	conditions []*lintCondition
}

// element is where the value of an element goes, or nil if there is no such element.
func (s *lintStatement) element(name string) **lintNode {
	switch name {
	case "Sid":
		return &s.sid
	case "Effect":
		return &s.effectNode
	case "Action":
		return &s.action
	case "NotAction":
		return &s.notAction
	case "Resource":
		return &s.resource
	case "NotResource":
		return &s.notResource
	case "Principal":
		return &s.principal
	case "NotPrincipal":
		return &s.notPrincipal
	case "Condition":
		return &s.condition
	}
	return nil
}

func (l *linter) readStatement(n *lintNode) *lintStatement {
	s := &lintStatement{node: n, keys: map[string]at{}}
	for _, m := range n.members {
		to := s.element(m.name)
		if to == nil {
			l.report("INVALID_POLICY_ELEMENT", m.key, m.name)
			continue
		}
		*to = m.value
		s.keys[m.name] = m.key
	}
	return s
}

// statement looks over one statement.
func (l *linter) statement(s *lintStatement) {
	for _, pair := range [][2]string{{"Action", "NotAction"}, {"Resource", "NotResource"}, {"Principal", "NotPrincipal"}} {
		if a, both := s.keys[pair[0]]; both {
			if b, both := s.keys[pair[1]]; both {
				l.reportAll("UNSUPPORTED_ELEMENT_COMBINATION", []at{a, b}, pair[0], pair[1])
			}
		}
	}
	l.effect(s)
	l.actions(s)
	l.resources(s)
	l.principals(s)
	l.conditions(s)
	l.related(s)
	l.tags(s)
	l.services(s)
	l.roles(s)
	l.trust(s)
	l.organization(s)
	l.mismatch(s)
}

func (l *linter) effect(s *lintStatement) {
	n := s.effectNode
	switch {
	case n == nil:
		l.report("MISSING_EFFECT", s.node.at())
	case !l.want(n, nodeString):
	case n.text == "Allow":
		s.effect = Allow
	case n.text == "Deny":
		s.effect = Deny
	default:
		l.report("INVALID_EFFECT", n.at(), n.text)
	}
}

// strings are the strings of an element that holds one or a list of them.
func (l *linter) strings(n *lintNode) []*lintNode {
	var out []*lintNode
	if n != nil {
		for _, item := range n.list() {
			if l.want(item, nodeString) {
				out = append(out, item)
			}
		}
	}
	return out
}

func empty(n *lintNode) bool { return n != nil && n.kind == nodeArray && len(n.items) == 0 }

// either is the first that is not nil, or nil.
func either(a, b *lintNode) *lintNode {
	if a != nil {
		return a
	}
	return b
}

// sids looks over the statement ids
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_sid.html).
func (l *linter) sids(statements []*lintStatement) {
	seen := map[string]bool{}
	for _, s := range statements {
		n := s.sid
		if n == nil || !l.want(n, nodeString) {
			continue
		}
		if n.text == "" {
			l.report("EMPTY_SID_VALUE", n.at())
			continue
		}
		strict := l.kind != Resource && l.kind != KeyPolicy && l.kind != Endpoint
		if strict && strings.ContainsFunc(n.text, func(r rune) bool { return r > '~' || !alphanumeric(byte(r)) }) {
			l.report("UNSUPPORTED_SID", n.at())
		}
		switch {
		case !seen[n.text]:
		case strict:
			l.report("UNIQUE_SIDS_REQUIRED", n.at())
		default:
			l.report("UNIQUE_SIDS_RECOMMENDED", n.at())
		}
		seen[n.text] = true
	}
}

// redundantStatements reports statements that differ in nothing but the Sid.
func (l *linter) redundantStatements(statements []*lintStatement) {
	first := map[string]*lintStatement{}
	for _, s := range statements {
		text := canonical(s.node, true)
		if f := first[text]; f != nil {
			l.reportAll("REDUNDANT_STATEMENT", []at{s.node.at(), f.node.at()})
			continue
		}
		first[text] = s
	}
}

// canonical is a text that is the same for values that mean the same: neither
// the order of members and elements matters, nor whether a single value stands
// in an array.
func canonical(n *lintNode, statement bool) string {
	var parts []string
	switch n.kind {
	case nodeObject:
		for _, m := range n.members {
			if !statement || m.name != "Sid" {
				parts = append(parts, quoteText(m.name)+":"+canonical(m.value, false))
			}
		}
		slices.Sort(parts)
		return "{" + strings.Join(parts, ",") + "}"
	case nodeArray:
		if len(n.items) == 1 {
			return canonical(n.items[0], false)
		}
		for _, item := range n.items {
			parts = append(parts, canonical(item, false))
		}
		slices.Sort(parts)
		return "[" + strings.Join(parts, ",") + "]"
	case nodeString, nodeNumber, nodeBool, nodeNull:
	}
	return quoteText(n.text)
}

func quoteText(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }
