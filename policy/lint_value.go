package policy

import (
	"net/netip"
	"slices"
	"strings"
)

// values looks over the values of a condition.
func (l *linter) values(s *lintStatement, c *lintCondition) {
	if len(c.values) > 1 {
		l.several(c)
	}
	for _, v := range c.values {
		if strings.Contains(v.text, "${") && l.variables && !c.op.takesVariables() {
			l.report("INVALID_VARIABLE_FOR_OPERATOR", v.at())
			continue
		}
		if strings.Contains(v.text, "${") && c.op.takesVariables() {
			if l.variable(v) {
				l.denyVariables(s, v)
			}
			if l.variables {
				continue
			}
		}
		l.value(c, v)
		l.keyValue(c, v)
	}
	l.addresses(c)
}

// several looks over values that stand together.
func (l *linter) several(c *lintCondition) {
	for _, v := range c.values[1:] {
		if v.kind != c.values[0].kind {
			l.report("INVALID_CONDITION_DATA_TYPE", c.value.at())
			break
		}
	}
	switch c.op.Comparison {
	case OpBool, OpNull:
		l.report("INVALID_CONDITION_MULTIPLE_BOOLEAN", c.value.at())
	case OpNumericLessThan, OpNumericLessThanEquals:
		l.report("REDUNDANT_CONDITION_VALUE_NUM", c.value.at(), c.name, "greatest", c.key)
	case OpNumericGreaterThan, OpNumericGreaterThanEquals:
		l.report("REDUNDANT_CONDITION_VALUE_NUM", c.value.at(), c.name, "least", c.key)
	}
}

// value looks over a value without variables by its operator.
func (l *linter) value(c *lintCondition, v *lintNode) {
	switch c.op.typ() {
	case typeString:
		if wild(v.text) {
			l.report("WILDCARD_WITHOUT_LIKE_OPERATOR", v.at())
		}
	case typePattern:
	case typeARN:
		if v.text != "*" && !strings.HasPrefix(v.text, "arn:") {
			l.report("INVALID_ARN_PREFIX", v.at())
		}
	case typeNumber:
		if _, ok := parseDecimal(v.text); !ok {
			l.report("TYPE_MISMATCH_NUMBER", v.at(), c.name)
		}
	case typeDate:
		_, ok := parseMoment(v.text)
		switch {
		case !ok:
			l.report("TYPE_MISMATCH_DATE", v.at())
		case digits(strings.TrimPrefix(v.text, "-")):
			l.report("INVALID_DATE_VALUE", v.at(), v.text)
		}
	case typeBool, typeNull:
		if !strings.EqualFold(v.text, "true") && !strings.EqualFold(v.text, "false") {
			l.report("TYPE_MISMATCH_BOOLEAN", v.at(), c.name)
		}
	case typeBinary:
		if _, ok := canonicalBase64(v.text); !ok {
			l.report("TYPE_MISMATCH_STRING", v.at(), c.name)
		}
	case typeAddress:
		p, ok := parsePrefix(v.text)
		if !ok {
			l.report("TYPE_MISMATCH_IP_RANGE", v.at(), c.name)
			return
		}
		if given, err := netip.ParsePrefix(v.text); err == nil && given != given.Masked() {
			l.report("IMPROVE_IP_RANGE", v.at(), p.String())
		}
	}
}

// keyValue looks over a value by its key, if it has no wildcards. A year of
// four digits is a date like any other.
func (l *linter) keyValue(c *lintCondition, v *lintNode) {
	if c.op.Comparison == OpNull || wild(v.text) {
		return
	}
	switch strings.ToLower(c.key) {
	case "aws:requestedregion":
		if !isRegion(v.text) {
			l.report("INVALID_REGION", v.at(), v.text)
		}
	case "aws:sourcevpc":
		if !isIdentifier(v.text, "vpc-") {
			l.report("INVALID_VPC_FORMAT", v.at())
		}
	case "aws:sourcevpce":
		if !isIdentifier(v.text, "vpce-") {
			l.report("INVALID_VPCE_FORMAT", v.at())
		}
	case "iam:passedtoservice", "iam:awsservicename", "aws:principalservicename", "aws:principalservicenameslist", "aws:calledvia", "aws:calledviafirst", "aws:calledvialast":
		if !isServicePrincipal(v.text) {
			l.report("INVALID_SERVICE_PRINCIPAL_FORMAT", v.at(), servicePrincipalForm)
		}
	case "kms:viaservice":
		if parts := strings.Split(v.text, "."); !isServicePrincipal(v.text) || len(parts) < 4 || !isRegion(parts[len(parts)-3]) {
			l.report("INVALID_SERVICE_PRINCIPAL_FORMAT", v.at(), "service-name.AWS_region.amazonaws.com")
		}
	case "s3:x-amz-server-side-encryption-aws-kms-key-id":
		f, ok := splitARN(v.text)
		if !ok || f[2] != "kms" || !strings.HasPrefix(f[5], "key/") {
			l.report("INVALID_KMS_KEY_VALUE", v.at(), c.key)
		}
	}
}

// isIdentifier knows the ids of VPCs and the like by their form.
func isIdentifier(s, prefix string) bool {
	id, ok := strings.CutPrefix(s, prefix)
	if !ok || len(id) != 8 && len(id) != 17 {
		return false
	}
	return !strings.ContainsFunc(id, func(r rune) bool { return !('0' <= r && r <= '9') && !('a' <= r && r <= 'z') })
}

// addresses compares the addresses of aws:SourceIp with what it can be on AWS.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-sourceip
func (l *linter) addresses(c *lintCondition) {
	if c.op.typ() != typeAddress || !strings.EqualFold(c.key, "aws:SourceIp") {
		return
	}
	private, public := 0, 0
	for _, v := range c.values {
		p, ok := parsePrefix(v.text)
		if !ok {
			return
		}
		if p.Addr().IsPrivate() || p.Addr().IsLoopback() || p.Addr().IsLinkLocalUnicast() {
			private++
		} else {
			public++
		}
	}
	code := "PRIVATE_IP_ADDRESS"
	if c.op.negated() {
		code = "PRIVATE_NOT_IP_ADDRESS"
	}
	switch {
	case private == 0:
		return
	case public > 0:
		code += "_SUBSET"
	}
	l.report(code, c.value.at())
}

// sensitive are the keys in which AWS sees no use for wildcards.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-sensitive
var sensitive = []string{
	"aws:principalaccount", "aws:principalorgid", "aws:resourceaccount", "aws:resourceorgid", "aws:sourceaccount", "aws:sourceorgid",
	"aws:sourcevpc", "aws:sourcevpce", "aws:vpceaccount", "aws:vpceorgid",
}

// The texts of the third case of the checks for wildcards and variables.
const (
	userIDWildcard = "Overly permissive use of wildcard with aws:userID. Use the wildcard on the right side of colon or as the only character on the left side of a colon."
	userIDVariable = "Overly permissive use of policy variable with aws:userID. Use the policy variable on the right side of colon or as the only character on the left side of a colon."
)

// wildcards looks over wildcards and variables in the values of a condition.
func (l *linter) wildcards(c *lintCondition) {
	like := c.op.typ() == typePattern || c.op.typ() == typeARN
	low := strings.ToLower(c.key)
	isSensitive := slices.Contains(sensitive, low)
	for _, v := range c.values {
		t := template{{kind: segLiteral, text: v.text}}
		if parsed, err := parseTemplate(v.text, like); err == nil {
			t = parsed
		}
		stars, variable := false, false
		for _, seg := range t {
			stars = stars || seg.kind == segStar || seg.kind == segAny
			variable = variable || l.variables && c.op.takesVariables() && seg.kind == segVariable && !trusted(seg.text)
		}
		if stars && v.text == "*" {
			l.always(c, v)
		}
		switch {
		case stars && isSensitive:
			l.report("WILDCARD_USAGE_TOO_PERMISSIVE", v.at(), c.key)
		case stars && low == "aws:userid" && wideUserID(withoutVariables(v.text)):
			l.reportText("WILDCARD_USAGE_TOO_PERMISSIVE", v.at(), userIDWildcard)
		}
		switch {
		case variable && isSensitive:
			l.report("VARIABLE_USAGE_TOO_PERMISSIVE", v.at(), c.key)
		case variable && low == "aws:userid" && wideUserID(withoutVariables(v.text)):
			l.reportText("VARIABLE_USAGE_TOO_PERMISSIVE", v.at(), userIDVariable)
		}
	}
}

// wideUserID says whether the value of aws:userid has a wildcard where it
// stands for more than a session's name or every role: left of the colon and
// not alone there.
func wideUserID(s string) bool {
	id, _, session := strings.Cut(s, ":")
	return wild(id) && (!session || id != "*")
}

// trusted says whether a variable holds what AWS says of the request and not
// what somebody has chosen, such as a tag. Comparing the account of a resource
// with the account of the caller is what these are for.
func trusted(variable string) bool {
	return slices.Contains(sensitive, strings.ToLower(variable))
}

// always reports a value that anything matches.
func (l *linter) always(c *lintCondition, v *lintNode) {
	code := ""
	switch {
	case c.op.negated() && c.op.Quantifier == ForAnyValue:
		code = "REDUNDANT_STATEMENT_DUE_TO_WILDCARD_IN_CONDITION"
	case c.op.negated() && !c.op.IfExists:
		l.report("EQUIVALENT_TO_NULL_TRUE", v.at(), c.key, c.name, "{"+c.key+": true}")
	case c.op.negated():
	case c.op.IfExists || c.op.Quantifier == ForAllValues:
		code = "REDUNDANT_KEY_DUE_TO_WILDCARD_IN_CONDITION"
	default:
		l.report("EQUIVALENT_TO_NULL_FALSE", v.at(), c.key, c.name, "{"+c.key+": false}")
	}
	if code != "" {
		l.report(code, v.at(), c.key, c.name)
	}
}
