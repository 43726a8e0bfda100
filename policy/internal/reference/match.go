package reference

import (
	"encoding/base64"
	"math/big"
	"net"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// matches says whether action, resource and all conditions match.
func (e *evaluator) matches(d *document, st *statement) bool {
	action := func(patterns []string) bool {
		for _, p := range patterns {
			if wild(literal(strings.ToLower(p), true), []rune(strings.ToLower(e.Action))) {
				return true
			}
		}
		return false
	}
	if st.Action != nil && !action(st.Action) || st.NotAction != nil && action(st.NotAction) {
		return false
	}
	if st.Resource != nil {
		found := false
		for _, p := range st.Resource {
			ok, known := e.resource(d, p)
			found = found || ok && known
		}
		if !found {
			return false
		}
	}
	for _, p := range st.NotResource {
		// The first that matches excludes; one that is not known before that, too.
		if ok, known := e.resource(d, p); ok || !known {
			return false
		}
	}
	for op, keys := range st.Condition {
		for key, values := range keys {
			if !e.condition(d, op, key, values, st.Effect == "Deny") {
				return false
			}
		}
	}
	return true
}

// token is a character of a pattern: a literal, "*" or "?".
type token struct {
	r    rune
	wild bool
}

// literal turns text into tokens; with wildcards, "*" and "?" are wild.
func literal(s string, wildcards bool) (ts []token) {
	for _, r := range s {
		ts = append(ts, token{r, wildcards && (r == '*' || r == '?')})
	}
	return ts
}

// wild matches by the definition.
func wild(p []token, s []rune) bool {
	for len(p) > 0 {
		switch {
		case p[0].wild && p[0].r == '*':
			for len(p) > 1 && p[1].wild && p[1].r == '*' {
				p = p[1:]
			}
			for i := range len(s) + 1 {
				if wild(p[1:], s[i:]) {
					return true
				}
			}
			return false
		case len(s) == 0, !p[0].wild && p[0].r != s[0]:
			return false
		}
		p, s = p[1:], s[1:]
	}
	return len(s) == 0
}

var variable = regexp.MustCompile(`\$\{([^}',]*)(?:,\s*'([^']*)'\s*)?\}`)

// expand is a pattern with its variables filled in; known is false if one has
// no value.
func (e *evaluator) expand(d *document, text string, wildcards bool) (ts []token, known bool) {
	if d.Version != "2012-10-17" {
		return literal(text, wildcards), true
	}
	known = true
	at := 0
	for _, m := range variable.FindAllStringSubmatchIndex(text, -1) {
		ts = append(ts, literal(text[at:m[0]], wildcards)...)
		at = m[1]
		name := strings.TrimSpace(text[m[2]:m[3]])
		if name == "*" || name == "?" || name == "$" {
			ts = append(ts, literal(name, false)...)
			continue
		}
		v, ok := e.Context[strings.ToLower(name)]
		switch {
		case ok && !v.Multi:
			ts = append(ts, literal(v.Texts[0], false)...)
		case m[4] >= 0:
			ts = append(ts, literal(text[m[4]:m[5]], false)...)
		default:
			known = false
		}
	}
	return append(ts, literal(text[at:], wildcards)...), known
}

// fields cuts a pattern's tokens at the first five colons that the pattern
// itself has; those left out are "*".
func (e *evaluator) fields(d *document, pattern string) (fs [6][]token, known bool) {
	// Hide the colons of variables while cutting.
	hidden := pattern
	if d.Version == "2012-10-17" {
		hidden = variable.ReplaceAllStringFunc(pattern, func(s string) string { return strings.ReplaceAll(s, ":", "\x00") })
	}
	parts := strings.SplitN(hidden, ":", 6)
	known = true
	for i := range fs {
		if i >= len(parts) {
			fs[i] = literal("*", true)
			continue
		}
		ts, ok := e.expand(d, strings.ReplaceAll(parts[i], "\x00", ":"), true)
		fs[i], known = ts, known && ok
	}
	return fs, known
}

// arn says whether an ARN matches a pattern, field by field.
func (e *evaluator) arn(d *document, pattern, arn string) (ok, known bool) {
	fs, known := e.fields(d, pattern)
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) < 6 || parts[0] != "arn" {
		return false, known
	}
	for i := range fs {
		if !wild(fs[i], []rune(parts[i])) {
			return false, known
		}
	}
	return known, known
}

func (e *evaluator) resource(d *document, pattern string) (ok, known bool) {
	if pattern == "*" {
		return true, true
	}
	return e.arn(d, pattern, e.Resource)
}

// condition says whether one key fulfils one operator.
func (e *evaluator) condition(d *document, op, key string, values []string, deny bool) bool {
	set := ""
	if i := strings.Index(op, ":"); i >= 0 {
		set, op = op[:i], op[i+1:]
	}
	v, ok := e.Context[strings.ToLower(key)]
	if op == "Null" {
		for _, want := range values {
			if (strings.ToLower(want) == "true") == (len(v.Texts) == 0) {
				return true
			}
		}
		return false
	}
	ifExists := strings.HasSuffix(op, "IfExists")
	op = strings.TrimSuffix(op, "IfExists")
	if !ok && ifExists {
		return true
	}
	negated := strings.Contains(op, "Not")
	op = strings.Replace(op, "Not", "", 1)
	if negated || len(v.Texts) == 0 {
		// A variable without a value makes the statement invalid.
		for _, want := range values {
			if _, known := e.expand(d, want, true); !known && takesVariables(op) {
				return false
			}
		}
	}
	one := func(text string) bool {
		found, readable := false, true
		for _, want := range values {
			m, r := e.compare(d, op, text, want)
			found, readable = found || m && r, readable && r
		}
		if !readable {
			return negated && deny
		}
		return found != negated
	}
	empty := len(v.Texts) == 0 || len(v.Texts) == 1 && v.Texts[0] == ""
	switch set {
	case "ForAnyValue":
		if empty {
			return false
		}
		for _, t := range v.Texts {
			if one(t) {
				return true
			}
		}
		return false
	case "ForAllValues":
		if empty {
			return true
		}
		for _, t := range v.Texts {
			if !one(t) {
				return false
			}
		}
		return true
	}
	switch len(v.Texts) {
	case 0:
		return negated
	case 1:
		return one(v.Texts[0])
	}
	return deny
}

func takesVariables(op string) bool {
	return strings.HasPrefix(op, "String") || strings.HasPrefix(op, "Arn") || op == "Bool"
}

var decimal = regexp.MustCompile(`^[+-]?[0-9]*(\.[0-9]+)?$`)

// compare compares a text of the request with a value of the policy. readable
// is false if the text is not of the operator's type.
func (e *evaluator) compare(d *document, op, text, want string) (match, readable bool) {
	switch op {
	case "StringEquals", "StringEqualsIgnoreCase", "Bool":
		ts, known := e.expand(d, want, false)
		s := ""
		for _, t := range ts {
			s += string(t.r)
		}
		if op != "StringEquals" {
			return known && strings.EqualFold(s, text), true
		}
		return known && s == text, true
	case "StringLike":
		ts, known := e.expand(d, want, true)
		return known && wild(ts, []rune(text)), true
	case "ArnEquals", "ArnLike":
		if parts := strings.SplitN(text, ":", 6); len(parts) < 6 || parts[0] != "arn" {
			return false, false
		}
		if want == "*" {
			return true, true
		}
		ok, _ := e.arn(d, want, text)
		return ok, true
	case "BinaryEquals":
		a, errA := base64.StdEncoding.DecodeString(text)
		b, errB := base64.StdEncoding.DecodeString(want)
		return errA == nil && errB == nil && string(a) == string(b), true
	case "IpAddress":
		ip := net.ParseIP(text)
		if !strings.Contains(want, "/") {
			return ip.Equal(net.ParseIP(want)), ip != nil
		}
		_, network, err := net.ParseCIDR(want)
		return ip != nil && err == nil && network.Contains(ip), ip != nil
	}
	kind, relation := op[:4], strings.TrimPrefix(strings.TrimPrefix(op, "Date"), "Numeric")
	var c int
	if kind == "Date" {
		a, okA := date(text)
		b, okB := date(want)
		if !okA || !okB {
			return false, okA
		}
		c = a.Compare(b)
	} else {
		if !decimal.MatchString(text) || strings.Trim(text, "+-") == "" {
			return false, false
		}
		a, okA := new(big.Rat).SetString(text)
		b, okB := new(big.Rat).SetString(want)
		if !okA || !okB {
			return false, okA
		}
		c = a.Cmp(b)
	}
	switch relation {
	case "Equals":
		return c == 0, true
	case "LessThan":
		return c < 0, true
	case "LessThanEquals":
		return c <= 0, true
	case "GreaterThan":
		return c > 0, true
	case "GreaterThanEquals":
		return c >= 0, true
	}
	panic("operator " + op)
}

func date(s string) (time.Time, bool) {
	for _, layout := range []string{"2006", "2006-01", "2006-01-02", "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05Z07:00"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil && s[0] != '+' {
		return time.Unix(n, 0), true
	}
	return time.Time{}, false
}
