package policy

import "strings"

// variable looks over the policy variables of a value that may have them, and
// says whether it can be read.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
func (l *linter) variable(n *lintNode) bool {
	i := strings.Index(n.text, "${")
	if i < 0 {
		return true
	}
	if !l.variables {
		l.report("VARIABLE_UNSUPPORTED_IN_VERSION", n.at())
		return true
	}
	for rest := n.text[i:]; ; {
		end := variableEnd(rest)
		if end < 0 {
			code := "MISSING_BRACE_IN_VARIABLE"
			if strings.Contains(rest, "}") {
				code = "MISSING_QUOTE_IN_VARIABLE" // the brace is in a text that is never closed
			}
			l.report(code, n.at())
			return false
		}
		if code := variableError(rest[2 : end-1]); code != "" {
			l.report(code, n.at())
			return false
		}
		i := strings.Index(rest[end:], "${")
		if i < 0 {
			return true
		}
		rest = rest[end+i:]
	}
}

// variableError is the code of what is wrong between the braces of a variable.
func variableError(body string) string {
	name, def, hasDef := strings.Cut(body, ",")
	switch def = strings.TrimSpace(def); {
	case strings.TrimSpace(name) == "":
		return "EMPTY_VARIABLE"
	case strings.ContainsAny(name, " \t"):
		return "UNSUPPORTED_SPACE_IN_VARIABLE"
	case hasDef && (len(def) < 2 || def[0] != '\'' || def[len(def)-1] != '\''):
		return "MISSING_QUOTE_IN_VARIABLE"
	}
	return ""
}

// noVariable reports a variable where there can be none.
func (l *linter) noVariable(n *lintNode) bool {
	i := strings.Index(n.text, "${")
	if i < 0 {
		return false
	}
	name := n.text[i:]
	if end := variableEnd(name); end > 0 {
		name = name[:end]
	}
	l.report("VARIABLE_UNSUPPORTED_IN_ELEMENT", n.at(), name)
	return true
}

// alwaysPresent are keys that no request lacks.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
var alwaysPresent = map[string]bool{
	"aws:currenttime": true, "aws:epochtime": true, "aws:principalaccount": true, "aws:principaltype": true, "aws:securetransport": true,
	"aws:useragent": true, "aws:viaawsservice": true, "aws:principalisawsservice": true,
}

// denyVariables reports variables of a Deny that a request may lack: the
// statement then matches nothing, and denies nothing.
func (l *linter) denyVariables(s *lintStatement, n *lintNode) {
	if s.effect != Deny || !l.variables {
		return
	}
	t, err := parseTemplate(n.text, true)
	if err != nil {
		return
	}
	for _, seg := range t {
		if seg.kind == segVariable && !seg.hasDef && !alwaysPresent[strings.ToLower(seg.text)] {
			l.report("WARDER_DENY_WITH_VARIABLE_WITHOUT_DEFAULT", n.at(), "${"+seg.text+"}")
			return
		}
	}
}
