package policy

import (
	"slices"
	"strings"
)

// lintPrincipal is one value of a Principal element.
type lintPrincipal struct {
	typ  PrincipalType
	node *lintNode
}

// policyTypes are the names that ValidatePolicy has for the kinds of policies
// without Principal.
var policyTypes = map[Kind]string{Identity: "IDENTITY_POLICY", Session: "IDENTITY_POLICY"}

// principals looks over Principal or NotPrincipal.
func (l *linter) principals(s *lintStatement) {
	n := either(s.principal, s.notPrincipal)
	switch l.kind {
	case Identity, Session, SCP:
		for _, name := range []string{"Principal", "NotPrincipal"} {
			key, ok := s.keys[name]
			switch {
			case !ok:
			case l.kind == SCP:
				l.report("SCP_SYNTAX_ERROR_PRINCIPAL", key)
			default:
				l.report("UNSUPPORTED_PRINCIPAL", key, policyTypes[l.kind])
			}
		}
		return
	case Resource, Trust, KeyPolicy, RCP, Endpoint:
	}
	if n == nil {
		l.report("MISSING_PRINCIPAL", s.node.at())
		return
	}
	if s.notPrincipal != nil {
		switch {
		case l.kind == Trust:
			l.report("ROLE_TRUST_POLICY_SYNTAX_ERROR_NOTPRINCIPAL", s.keys["NotPrincipal"])
		case l.kind != RCP && s.effect == Allow:
			l.report("ALLOW_WITH_NOT_PRINCIPAL", s.keys["NotPrincipal"])
		}
	}
	l.readPrincipals(s, n)
	for _, p := range s.principals {
		l.principal(p)
	}
}

func (l *linter) readPrincipals(s *lintStatement, n *lintNode) {
	switch {
	case n.kind == nodeString && n.text == "*":
		s.principals = []lintPrincipal{{EveryonePrincipal, n}}
		if l.kind == Trust {
			l.report("ROLE_TRUST_POLICY_UNSUPPORTED_WILDCARD_IN_PRINCIPAL", n.at())
		}
		return
	case n.kind == nodeString:
		l.report("INVALID_PRINCIPAL_FORMAT", n.at())
		return
	case !l.want(n, nodeObject):
		return
	case len(n.members) == 0:
		l.report("EMPTY_OBJECT_PRINCIPAL", n.at())
		return
	}
	for _, m := range n.members {
		typ, ok := principalType(m.name)
		switch {
		case !ok:
			l.report("INVALID_PRINCIPAL_KEY", m.key, m.name)
			continue
		case empty(m.value):
			l.report("EMPTY_ARRAY_PRINCIPAL", m.value.at())
		}
		for _, v := range l.strings(m.value) {
			s.principals = append(s.principals, lintPrincipal{typ, v})
		}
	}
}

func principalType(name string) (PrincipalType, bool) {
	for t := AWSPrincipal; t <= CanonicalUserPrincipal; t++ {
		if t.String() == name {
			return t, true
		}
	}
	return 0, false
}

func (l *linter) principal(p lintPrincipal) {
	text, where := p.node.text, p.node.at()
	switch {
	case p.typ == EveryonePrincipal || p.typ == AWSPrincipal && text == "*":
		return
	case l.noVariable(p.node):
		return
	case p.typ == FederatedPrincipal && l.kind != Trust:
		l.report("FEDERATED_PRINCIPAL_NOT_SUPPORTED", where)
		return
	case wild(text):
		l.report("UNSUPPORTED_WILDCARD_IN_PRINCIPAL", where, p.typ)
		return
	}
	switch p.typ {
	case AWSPrincipal:
		switch {
		case isUniqueID(text) && strings.HasPrefix(text, "AROA"):
			l.report("INVALID_ROLE_REFERENCE", where, text)
		case isUniqueID(text):
			l.report("INVALID_USER_REFERENCE", where, text)
		case !validPrincipal(PrincipalItem{AWSPrincipal, text, p.node.start}):
			l.report("INVALID_PRINCIPAL_FORMAT", where)
		}
	case ServicePrincipal:
		if !isServicePrincipal(text) {
			l.report("INVALID_SERVICE_PRINCIPAL_FORMAT", where, servicePrincipalForm)
		}
	case FederatedPrincipal:
		if providerOf(text) == noProvider {
			l.report("INVALID_FEDERATED_PRINCIPAL_SYNTAX_IN_ROLE_TRUST_POLICY", where)
		}
	case CanonicalUserPrincipal:
		if !validPrincipal(PrincipalItem{CanonicalUserPrincipal, text, p.node.start}) {
			l.report("INVALID_PRINCIPAL_FORMAT", where)
		}
	case EveryonePrincipal:
	}
}

const servicePrincipalForm = "service-name.amazonaws.com"

// isServicePrincipal: services are named in the domains of AWS, in lower case.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html#principal-services
func isServicePrincipal(s string) bool {
	for _, domain := range []string{".amazonaws.com", ".amazonaws.com.cn", ".amazonaws.eu", ".aws.internal", ".amazon.com", ".aws.com"} {
		if name, ok := strings.CutSuffix(s, domain); ok {
			return name != "" && !strings.ContainsFunc(name, func(r rune) bool {
				return r > '~' || !('a' <= r && r <= 'z') && !('0' <= r && r <= '9') && r != '-' && r != '.'
			})
		}
	}
	return false
}

// provider is the kind of an identity provider.
type provider uint8

const (
	noProvider provider = iota
	samlProvider
	oidcProvider
)

// providerOf recognises the ARN of a provider or the name of one of those that
// every account has ("accounts.google.com").
func providerOf(s string) provider {
	f, ok := splitARN(s)
	if !ok {
		if strings.Contains(s, ".") && !strings.ContainsAny(s, ": \t") {
			return oidcProvider
		}
		return noProvider
	}
	name, isSAML := strings.CutPrefix(f[5], "saml-provider/")
	if !isSAML {
		name, ok = strings.CutPrefix(f[5], "oidc-provider/")
	}
	switch {
	case f[2] != "iam" || name == "" || !ok && !isSAML:
		return noProvider
	case isSAML:
		return samlProvider
	}
	return oidcProvider
}

// providerName is the name that the condition keys of a provider begin with.
func providerName(s string) string {
	_, name, ok := strings.Cut(s, ":oidc-provider/")
	if !ok {
		return s
	}
	return name
}

// services looks over what a resource policy lets services do: without a
// condition on the source, anybody who can use the service can have it call.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
func (l *linter) services(s *lintStatement) {
	if s.effect != Allow || l.kind != Resource && l.kind != KeyPolicy || s.principal == nil {
		return
	}
	var services []lintPrincipal
	for _, p := range s.principals {
		if p.typ == ServicePrincipal {
			services = append(services, p)
		}
	}
	if services == nil {
		return
	}
	l.servicesOnly(s, services)
	if s.hasKey("aws:SourceArn", "aws:SourceAccount", "aws:SourceOrgID", "aws:SourceOrgPaths") {
		return
	}
	for _, c := range s.conditions {
		switch low := strings.ToLower(c.key); low {
		case "aws:referer", "aws:sourceip", "aws:useragent":
			for _, p := range services {
				prefix, _, _ := strings.Cut(p.node.text, ".")
				l.report("RECOMMENDED_CONDITION_KEY_FOR_SERVICE_PRINCIPAL", c.keyAt, prefix, c.key)
			}
			return
		}
	}
	for _, p := range services {
		l.report("RESTRICT_ACCESS_TO_SERVICE_PRINCIPAL", p.node.at())
	}
}

// servicesOnly reports keys of principals in organizations, which services are
// not, where only services are named.
func (l *linter) servicesOnly(s *lintStatement, services []lintPrincipal) {
	if len(services) != len(s.principals) {
		return
	}
	var keys []string
	var where []at
	for _, c := range s.conditions {
		low := strings.ToLower(c.key)
		if c.op.IfExists || c.op.Comparison == OpNull || c.op.negated() {
			continue
		}
		if low == "aws:principalorgid" || low == "aws:principalorgpaths" || strings.HasPrefix(low, "aws:principaltag/") {
			keys = append(keys, c.key)
			where = append(where, c.keyAt)
		}
	}
	if keys != nil {
		l.reportAll("UNSUPPORTED_CONDITION_KEY_FOR_SERVICE_PRINCIPAL", where, strings.Join(slices.Compact(keys), ", "))
	}
}
