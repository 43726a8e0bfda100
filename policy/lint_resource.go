package policy

import (
	"slices"
	"strings"

	"github.com/warder-iam/warder/arn"
)

// resources looks over Resource or NotResource.
func (l *linter) resources(s *lintStatement) {
	n := either(s.resource, s.notResource)
	if l.kind == Trust {
		for _, name := range []string{"Resource", "NotResource"} {
			if key, ok := s.keys[name]; ok {
				l.report("ROLE_TRUST_POLICY_SYNTAX_ERROR_RESOURCE", key)
			}
		}
		return
	}
	if n == nil {
		// Repositories and keys have policies without Resource; Parse takes them.
		if l.kind != Resource && l.kind != KeyPolicy {
			l.report("MISSING_RESOURCE", s.node.at())
		}
		return
	}
	if empty(n) {
		l.report("EMPTY_ARRAY_RESOURCE", n.at())
	}
	s.resources = l.strings(n)
	for _, r := range s.resources {
		if l.variable(r) {
			l.arn(r)
			l.denyVariables(s, r)
		}
	}
	l.redundant("REDUNDANT_RESOURCE", s.resources, func(s string) string { return s })
}

// partitions are AWS's.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
var partitions = []string{"aws", "aws-cn", "aws-us-gov", "aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f", "aws-eusc"}

func (l *linter) arn(n *lintNode) {
	if n.text == "*" {
		return
	}
	if !strings.HasPrefix(n.text, "arn:") {
		l.report("INVALID_ARN_PREFIX", n.at())
		return
	}
	f, count := lintFields(n.text)
	if count < 6 {
		l.report("MISSING_ARN_FIELD", n.at(), 6)
		return
	}
	partition, service, region, account := f[1], f[2], f[3], f[4]
	if !open(partition) && !slices.Contains(partitions, partition) {
		l.report("INVALID_PARTITION", n.at(), service, partition, strings.Join(partitions, ", "))
	}
	if !open(region) && region != "" && !isRegion(region) {
		l.report("INVALID_ARN_REGION", n.at(), region)
		region = "*"
	}
	if !l.arnService(n, service) {
		return
	}
	forms := l.forms(service)
	if !open(account) && account != "" && !arn.IsAccountID(account) && account != "aws" &&
		!slices.ContainsFunc(forms, func(form arnForm) bool { return form.fields[4] == account }) {
		l.report("INVALID_ARN_ACCOUNT", n.at(), account)
		account = "*"
	}
	if typ, own := l.attachedTo(); own != "" && !open(service) && service != own {
		l.report("UNSUPPORTED_RESOURCE_ARN_IN_POLICY", n.at(), typ)
	}
	l.arnForm(n, forms, service, region, account, f[5])
}

// lintFields cuts an ARN and counts its fields.
func lintFields(s string) (f arnFields, n int) {
	f = splitPattern(s)
	return f, 1 + min(5, strings.Count(withoutVariables(s), ":"))
}

// withoutVariables is s with "*" in the place of each variable.
func withoutVariables(s string) string {
	var b strings.Builder
	for {
		i := strings.Index(s, "${")
		if i < 0 {
			break
		}
		n := variableEnd(s[i:])
		if n < 0 {
			break
		}
		b.WriteString(s[:i])
		b.WriteByte('*')
		s = s[i+n:]
	}
	b.WriteString(s)
	return b.String()
}

// open says whether a field can have several values.
func open(field string) bool { return wild(field) || strings.Contains(field, "${") }

// isRegion knows Regions by the form of their codes, so that new ones need no
// new release: an area, a direction and a number.
// https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html
func isRegion(s string) bool {
	parts := strings.Split(s, "-")
	if len(parts) < 3 {
		return false
	}
	number, direction := parts[len(parts)-1], parts[len(parts)-2]
	area := strings.Join(parts[:len(parts)-2], "-")
	return len(number) == 1 && '1' <= number[0] && number[0] <= '9' &&
		slices.Contains([]string{"north", "south", "east", "west", "central", "northeast", "northwest", "southeast", "southwest", "de"}, direction) &&
		slices.Contains([]string{"us", "us-gov", "us-iso", "us-isob", "us-isof", "eu", "eu-isoe", "eusc", "eusc-de", "ap", "ca", "cn", "sa", "me", "af", "il", "mx"}, area)
}

// arnService reports what is wrong with the service of an ARN, and says
// whether it is known well enough to look further.
func (l *linter) arnService(n *lintNode, service string) bool {
	switch low := strings.ToLower(service); {
	case open(service):
		l.report("WILDCARD_IN_SERVICE_NAME", n.at())
		return false
	case low != service:
		l.report("INVALID_ARN_SERVICE_CASE", n.at(), service)
		return false
	case service == "":
		return false // Parse refuses it
	}
	if l.catalog == nil || l.catalog.Service(service) != nil {
		return true
	}
	// Not every service's ARNs begin with the prefix of its actions.
	if l.arnServices == nil {
		l.arnServices = map[string]bool{}
		for _, prefix := range l.catalog.Services() {
			for _, r := range l.catalog.Service(prefix).Resources {
				f, ok := splitARN(r.ARN)
				if ok {
					l.arnServices[f[2]] = true
				}
			}
		}
	}
	if !l.arnServices[service] {
		l.report("INVALID_SERVICE", n.at(), service)
	}
	return false
}

// arnForm is the form of a resource type's ARNs.
type arnForm struct {
	name   string
	fields arnFields
}

// forms are the forms of a service's ARNs, none if one of them is not known.
func (l *linter) forms(service string) []arnForm {
	if l.catalog == nil {
		return nil
	}
	s := l.catalog.Service(service)
	if s == nil {
		return nil
	}
	var out []arnForm
	for _, r := range s.Resources {
		f, ok := splitARN(r.ARN)
		if !ok {
			return nil
		}
		if f[2] == service {
			out = append(out, arnForm{r.Name, f})
		}
	}
	return out
}

// arnForm compares an ARN with the forms of its service's resource types.
func (l *linter) arnForm(n *lintNode, forms []arnForm, service, region, account, resource string) {
	if len(forms) == 0 {
		return
	}
	var fit []arnForm
	for _, f := range forms {
		if l.meets(resource, f.fields[5]) {
			fit = append(fit, f)
		}
	}
	if fit == nil {
		l.report("INVALID_ARN_RESOURCE", n.at())
		return
	}
	all := func(field int, wants func(string) bool) bool {
		return !slices.ContainsFunc(fit, func(f arnForm) bool { return !wants(f.fields[field]) })
	}
	none := func(s string) bool { return s == "" }
	some := func(s string) bool { return strings.Contains(s, "${") }
	switch {
	case region == "" && all(3, some):
		l.report("MISSING_ARN_REGION", n.at(), service)
	case region != "" && !open(region) && all(3, none):
		l.report("ARN_REGION_NOT_ALLOWED", n.at(), service)
	}
	switch {
	case account == "" && all(4, some) && service != "ssm": // AWS's own documents have no account
		l.report("MISSING_ARN_ACCOUNT", n.at(), fit[0].name)
	case account != "" && !open(account) && all(4, none):
		l.report("ARN_ACCOUNT_NOT_ALLOWED", n.at(), service)
	}
}

// meets says whether some text has both a form, in which each ${…} stands for
// any characters, and a pattern with wildcards and policy variables. A bucket's
// name has no slash, which tells buckets from objects.
func (l *linter) meets(pattern, form string) bool {
	a, b := literalPrefix(pattern), literalPrefix(form)
	if n := min(len(a), len(b)); a[:n] != b[:n] {
		return false
	}
	p, f := patternTokens(withoutVariables(pattern)), formTokens(form)
	if !l.spend(len(p) * len(f)) {
		return true
	}
	// reach[j]: the tokens of the pattern so far and the first j of the form can spell the same text.
	reach := make([]bool, len(f)+1)
	reach[0] = true
	for j := range f {
		reach[j+1] = reach[j] && f[j].many()
	}
	for _, t := range p {
		next := make([]bool, len(f)+1)
		if t.many() {
			next[0] = reach[0]
		}
		for j, u := range f {
			switch {
			case t.many() && (reach[j+1] || next[j]): // nothing, or what the form has here
				next[j+1] = true
			case u.many() && (next[j] || reach[j+1] && u.takes(t)):
				next[j+1] = true
			case !t.many() && !u.many() && reach[j] && u.takes(t):
				next[j+1] = true
			}
		}
		reach = next
	}
	return reach[len(f)]
}

// lintToken is a character of a pattern, or what stands for some.
type lintToken struct {
	kind tokenKind
	char byte
}

type tokenKind uint8

const (
	tokenChar    tokenKind = iota
	tokenAny               // "?"
	tokenStar              // "*"
	tokenSegment           // any characters but "/"
)

func (t lintToken) many() bool { return t.kind == tokenStar || t.kind == tokenSegment }

// takes says whether a token of a form can stand for one of a pattern, which
// is not a star.
func (t lintToken) takes(u lintToken) bool {
	switch t.kind {
	case tokenChar:
		return u.kind == tokenAny || u.char == t.char
	case tokenSegment:
		return u.kind == tokenAny || u.char != '/'
	case tokenStar, tokenAny:
	}
	return true
}

func patternTokens(s string) []lintToken {
	var out []lintToken
	for i := range len(s) {
		switch s[i] {
		case '*':
			out = append(out, lintToken{kind: tokenStar})
		case '?':
			out = append(out, lintToken{kind: tokenAny})
		default:
			out = append(out, lintToken{char: s[i]})
		}
	}
	return out
}

func formTokens(s string) []lintToken {
	var out []lintToken
	for {
		head, rest, more := strings.Cut(s, "${")
		out = append(out, patternTokens(head)...)
		if !more {
			return out
		}
		name, tail, _ := strings.Cut(rest, "}")
		kind := tokenStar
		if name == "BucketName" {
			kind = tokenSegment
		}
		out = append(out, lintToken{kind: kind})
		s = tail
	}
}

// mismatch reports actions that work on none of the statement's resources: the
// commonest mistake is s3:GetObject on a bucket, or s3:ListBucket on objects.
// It looks at exact actions and at actions that take a resource only.
func (l *linter) mismatch(s *lintStatement) {
	if l.catalog == nil || s.action == nil || s.resource == nil || len(s.resources) == 0 {
		return
	}
	var arns []arnFields
	for _, r := range s.resources {
		f, n := lintFields(r.text)
		if n < 6 || !strings.HasPrefix(r.text, "arn:") {
			return // "*", or reported
		}
		arns = append(arns, f)
	}
	for _, a := range s.actions {
		prefix, name, _ := strings.Cut(a.text, ":")
		service := l.catalog.Service(prefix)
		if service == nil {
			continue
		}
		action := service.Action(name)
		if action == nil {
			continue
		}
		types := []string{}
		for _, t := range action.Resources {
			types = append(types, t.Type)
		}
		switch {
		case len(types) == 0:
			l.report("WARDER_ACTION_WITHOUT_MATCHING_RESOURCE", a.at(), a.text, `"*"`)
		case !slices.ContainsFunc(types, func(t string) bool { return l.reachable(service.Resource(t).ARN, arns) }):
			l.report("WARDER_ACTION_WITHOUT_MATCHING_RESOURCE", a.at(), a.text, strings.Join(types, ", "))
		}
	}
}

// reachable says whether any of the ARN patterns can be of the form.
func (l *linter) reachable(form string, arns []arnFields) bool {
	f, ok := splitARN(form)
	return !ok || slices.ContainsFunc(arns, func(a arnFields) bool {
		return !l.spend(1) || l.meets(a[2], f[2]) && l.meets(a[5], f[5])
	})
}
