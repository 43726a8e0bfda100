package policy

import "strings"

// Comparison is what a condition operator does with one value of the request
// and one of the policy, set qualifier and suffix aside.
type Comparison uint8

// The condition operators of
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html.
const (
	OpStringEquals Comparison = iota + 1
	OpStringNotEquals
	OpStringEqualsIgnoreCase
	OpStringNotEqualsIgnoreCase
	OpStringLike
	OpStringNotLike
	OpNumericEquals
	OpNumericNotEquals
	OpNumericLessThan
	OpNumericLessThanEquals
	OpNumericGreaterThan
	OpNumericGreaterThanEquals
	OpDateEquals
	OpDateNotEquals
	OpDateLessThan
	OpDateLessThanEquals
	OpDateGreaterThan
	OpDateGreaterThanEquals
	OpBool
	OpBinaryEquals
	OpIPAddress
	OpNotIPAddress
	OpArnEquals
	OpArnNotEquals
	OpArnLike
	OpArnNotLike
	OpNull
	comparisonEnd
)

// valueType is what the values of an operator are read as.
type valueType uint8

const (
	typeString  valueType = iota + 1 // exact text, variables
	typePattern                      // text with wildcards, variables
	typeARN                          // six fields with wildcards, variables
	typeNumber
	typeDate
	typeBool // "true" or "false", variables
	typeBinary
	typeAddress
	typeNull // "true" or "false"
)

type comparisonInfo struct {
	name    string
	typ     valueType
	negated bool
}

var comparisons = [comparisonEnd]comparisonInfo{
	OpStringEquals:              {"StringEquals", typeString, false},
	OpStringNotEquals:           {"StringNotEquals", typeString, true},
	OpStringEqualsIgnoreCase:    {"StringEqualsIgnoreCase", typeString, false},
	OpStringNotEqualsIgnoreCase: {"StringNotEqualsIgnoreCase", typeString, true},
	OpStringLike:                {"StringLike", typePattern, false},
	OpStringNotLike:             {"StringNotLike", typePattern, true},
	OpNumericEquals:             {"NumericEquals", typeNumber, false},
	OpNumericNotEquals:          {"NumericNotEquals", typeNumber, true},
	OpNumericLessThan:           {"NumericLessThan", typeNumber, false},
	OpNumericLessThanEquals:     {"NumericLessThanEquals", typeNumber, false},
	OpNumericGreaterThan:        {"NumericGreaterThan", typeNumber, false},
	OpNumericGreaterThanEquals:  {"NumericGreaterThanEquals", typeNumber, false},
	OpDateEquals:                {"DateEquals", typeDate, false},
	OpDateNotEquals:             {"DateNotEquals", typeDate, true},
	OpDateLessThan:              {"DateLessThan", typeDate, false},
	OpDateLessThanEquals:        {"DateLessThanEquals", typeDate, false},
	OpDateGreaterThan:           {"DateGreaterThan", typeDate, false},
	OpDateGreaterThanEquals:     {"DateGreaterThanEquals", typeDate, false},
	OpBool:                      {"Bool", typeBool, false},
	OpBinaryEquals:              {"BinaryEquals", typeBinary, false},
	OpIPAddress:                 {"IpAddress", typeAddress, false},
	OpNotIPAddress:              {"NotIpAddress", typeAddress, true},
	OpArnEquals:                 {"ArnEquals", typeARN, false},
	OpArnNotEquals:              {"ArnNotEquals", typeARN, true},
	OpArnLike:                   {"ArnLike", typeARN, false},
	OpArnNotLike:                {"ArnNotLike", typeARN, true},
	OpNull:                      {"Null", typeNull, false},
}

// String is the operator's name in policies ("IpAddress").
func (c Comparison) String() string {
	if c > 0 && c < comparisonEnd {
		return comparisons[c].name
	}
	return "none"
}

// Quantifier is the set qualifier before an operator.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
type Quantifier uint8

// An operator compares a single value, any, or all values of a key.
const (
	SingleValue Quantifier = iota
	ForAnyValue
	ForAllValues
)

// Operator is a condition operator with its qualifier and suffix, as in
// "ForAnyValue:StringLikeIfExists".
type Operator struct {
	Comparison Comparison
	Quantifier Quantifier
	IfExists   bool
}

// String writes the operator as it stands in a policy.
func (o Operator) String() string {
	s := o.Comparison.String()
	switch o.Quantifier {
	case ForAnyValue:
		s = "ForAnyValue:" + s
	case ForAllValues:
		s = "ForAllValues:" + s
	case SingleValue:
	}
	if o.IfExists {
		s += "IfExists"
	}
	return s
}

func (o Operator) typ() valueType { return comparisons[o.Comparison].typ }

// negated says whether the operator wants every value to differ.
func (o Operator) negated() bool { return comparisons[o.Comparison].negated }

// takesVariables says whether ${...} in the operator's values are policy
// variables: in string, ARN and Bool operators.
func (o Operator) takesVariables() bool {
	switch o.typ() {
	case typeString, typePattern, typeARN, typeBool:
		return true
	case typeNumber, typeDate, typeBinary, typeAddress, typeNull:
	}
	return false
}

// parseOperator reads an operator. Names are case-sensitive, like all names
// of the language; Null takes no IfExists, since it asks for existence itself.
func parseOperator(s string) (Operator, bool) {
	var o Operator
	if rest, ok := strings.CutPrefix(s, "ForAnyValue:"); ok {
		o.Quantifier, s = ForAnyValue, rest
	} else if rest, ok := strings.CutPrefix(s, "ForAllValues:"); ok {
		o.Quantifier, s = ForAllValues, rest
	}
	s, o.IfExists = strings.CutSuffix(s, "IfExists")
	for c := OpStringEquals; c < comparisonEnd; c++ {
		if comparisons[c].name == s {
			o.Comparison = c
			return o, c != OpNull || (!o.IfExists && o.Quantifier == SingleValue)
		}
	}
	return o, false
}
