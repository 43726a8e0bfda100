package policy

import (
	"cmp"
	"slices"
	"strings"
)

// actions looks over Action or NotAction.
func (l *linter) actions(s *lintStatement) {
	n := either(s.action, s.notAction)
	if n == nil {
		l.report("MISSING_ACTION", s.node.at())
		return
	}
	if empty(n) {
		l.report("EMPTY_ARRAY_ACTION", n.at())
	}
	s.actions = l.strings(n)
	for _, a := range s.actions {
		l.action(a)
	}
	l.redundant("REDUNDANT_ACTION", s.actions, strings.ToLower)
}

func (l *linter) action(n *lintNode) {
	if l.noVariable(n) {
		return
	}
	if n.text == "*" {
		l.actionInPolicy(n, "")
		return
	}
	prefix, name, ok := strings.Cut(n.text, ":")
	switch {
	case !ok || prefix == "" || name == "" || strings.Contains(name, ":"):
		l.invalidAction(n, l.similarAction(n.text))
		return
	case strings.ContainsAny(prefix, "*?"):
		l.report("WILDCARD_IN_SERVICE_NAME", n.at())
		l.invalidService(n, prefix)
		return
	}
	l.actionInPolicy(n, strings.ToLower(prefix))
	if l.catalog == nil {
		return
	}
	service := l.catalog.Service(prefix)
	if service == nil {
		l.invalidService(n, prefix)
		return
	}
	if !l.matchesAction(service, name) {
		l.invalidAction(n, l.similarAction(n.text))
	}
}

// matchesAction says whether a name with wildcards reaches any action.
func (l *linter) matchesAction(s *CatalogService, name string) bool {
	if !strings.ContainsAny(name, "*?") {
		return s.Action(name) != nil
	}
	pattern := strings.ToLower(name)
	if !l.spend(len(s.Actions)) {
		return true
	}
	return slices.ContainsFunc(s.Actions, func(a CatalogAction) bool { return glob(pattern, strings.ToLower(a.Name)) })
}

func (l *linter) invalidAction(n *lintNode, similar string) {
	if similar == "" {
		l.reportText("INVALID_ACTION", n.at(), "The action "+n.text+" does not exist.")
		return
	}
	l.report("INVALID_ACTION", n.at(), n.text, similar)
}

func (l *linter) invalidService(n *lintNode, prefix string) {
	similar := ""
	if l.catalog != nil {
		similar = l.closest(prefix, slices.Values(l.catalog.Services()))
	}
	if similar == "" {
		l.reportText("INVALID_SERVICE_IN_ACTION", n.at(), "The service "+prefix+" specified in the action does not exist.")
		return
	}
	l.report("INVALID_SERVICE_IN_ACTION", n.at(), prefix, similar)
}

// similarAction is the action that somebody may have meant, or "".
func (l *linter) similarAction(text string) string {
	prefix, name, _ := strings.Cut(text, ":")
	if l.catalog == nil || strings.ContainsAny(text, "*?") {
		return ""
	}
	service := l.catalog.Service(prefix)
	if service == nil {
		return ""
	}
	similar := l.closest(name, func(yield func(string) bool) {
		for i := range service.Actions {
			if !yield(service.Actions[i].Name) {
				return
			}
		}
	})
	if similar == "" {
		return ""
	}
	return service.Prefix + ":" + similar
}

// closest is the candidate that differs least from a name, if that is little.
func (l *linter) closest(name string, candidates func(func(string) bool)) string {
	name = strings.ToLower(name)
	if len(name) > 64 {
		return ""
	}
	best, found := 1+min(3, len(name)/3), ""
	for c := range candidates {
		if len(c)-len(name) >= best || len(name)-len(c) >= best {
			continue
		}
		if !l.spend(len(c) * len(name)) {
			return ""
		}
		if d := distance(name, strings.ToLower(c)); d < best {
			best, found = d, c
		}
	}
	return found
}

// distance is how many bytes must be changed, added or taken to make b of a.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		last := row[0]
		row[0] = i + 1
		for j := range len(b) {
			d := last
			if a[i] != b[j] {
				d = 1 + min(last, row[j], row[j+1])
			}
			last, row[j+1] = row[j+1], d
		}
	}
	return row[len(b)]
}

// resourceTypes are the services whose actions and ARNs the policy of a
// resource can name.
var resourceTypes = map[string]string{
	"AWS::DynamoDB::Table":               "dynamodb",
	"AWS::ECR::Repository":               "ecr",
	"AWS::IAM::AssumeRolePolicyDocument": "sts",
	"AWS::KMS::Key":                      "kms",
	"AWS::Lambda::Function":              "lambda",
	"AWS::S3::AccessPoint":               "s3",
	"AWS::S3::Bucket":                    "s3",
	"AWS::S3::MultiRegionAccessPoint":    "s3",
	"AWS::S3ObjectLambda::AccessPoint":   "s3-object-lambda",
	"AWS::SNS::Topic":                    "sns",
	"AWS::SQS::Queue":                    "sqs",
	"AWS::SecretsManager::Secret":        "secretsmanager",
}

// LintResourceTypes lists the types that LintResourceType knows.
func LintResourceTypes() []string {
	var out []string
	for name := range resourceTypes {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// attachedTo is the type of the resource that the policy is of, and the
// service of the actions in it; "" if that is not known.
func (l *linter) attachedTo() (typ, service string) {
	switch l.kind {
	case Trust:
		typ = "AWS::IAM::AssumeRolePolicyDocument"
	case KeyPolicy:
		typ = "AWS::KMS::Key"
	case Resource:
		typ = l.resourceType
	case Identity, Session, SCP, RCP, Endpoint:
	}
	return typ, resourceTypes[typ]
}

// actionInPolicy reports an action that a resource of this type does not have.
// A trust policy has to name its actions, "*" is none.
func (l *linter) actionInPolicy(n *lintNode, prefix string) {
	typ, service := l.attachedTo()
	if service != "" && prefix != service && (prefix != "" || l.kind == Trust) {
		l.report("UNSUPPORTED_ACTION_IN_POLICY", n.at(), n.text, typ)
	}
}

// redundant reports the values that others in the list reach as well.
func (l *linter) redundant(code string, values []*lintNode, fold func(string) string) {
	seen := map[string]bool{}
	var wide []*lintNode
	for _, v := range values {
		if strings.ContainsAny(v.text, "*?") && !strings.Contains(v.text, "${") && len(wide) < 200 {
			wide = append(wide, v)
		}
	}
	var out []at
	example := ""
	for _, v := range values {
		text := fold(v.text)
		again := seen[text]
		seen[text] = true
		if again || l.spend(len(wide)) && slices.ContainsFunc(wide, func(w *lintNode) bool { return w != v && fold(w.text) != text && covers(fold(w.text), text) }) {
			example = cmp.Or(example, v.text)
			out = append(out, v.at())
		}
	}
	if out != nil {
		l.reportAll(code, out, len(out), example)
	}
}

// covers says whether everything that matches the pattern b matches a too. It
// may say no where the answer is yes.
func covers(a, b string) bool {
	if strings.Contains(a, "?") && strings.Contains(b, "*") {
		return false
	}
	return glob(a, b)
}

// reaches says whether an action pattern matches the action, in any case.
func reaches(pattern, action string) bool {
	return glob(strings.ToLower(pattern), strings.ToLower(action))
}

// wild says whether a text has wildcards.
func wild(s string) bool { return strings.ContainsAny(s, "*?") }
