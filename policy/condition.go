package policy

import (
	"net/netip"
	"strings"
)

// condition is a compiled Condition.
type condition struct {
	key       Key
	typed     *typedValues // of numeric, date and address operators
	values    span         // of the others
	op        Operator
	variables bool
}

// typedValues are the values of operators that do not compare text.
type typedValues struct {
	numbers  []decimal
	moments  []moment
	networks []netip.Prefix
}

// verdict is the result of comparing one value of the request with the values
// of a condition.
type verdict uint8

const (
	differs    verdict = iota
	matches            // at least one value of the policy compares as its operator's positive form asks
	unreadable         // the value of the request is not of the operator's type
)

// holds says whether the condition is fulfilled for a statement of the effect.
//
// The rules are those of
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
// and .../reference_policies_condition-single-vs-multi-valued-context-keys.html.
// Three cases are not documented, and fail closed, which makes them depend on
// the effect:
//
//   - a key with several values under an operator without set qualifier ("require
//     a condition set operator", says the guide, and not what happens without):
//     an Allow does not match, a Deny does;
//   - a negated operator on a value that is not of its type (NotIpAddress on
//     what is no address): the same. A positive operator is false on it;
//   - a policy variable without a value in a value of a negated operator: the
//     condition is false, as "the entire statement is invalid" suggests for both.
func (c *condition) holds(p *Policy, ctx Context, effect Effect) bool {
	var v Value
	ok := false
	if ctx != nil {
		v, ok = ctx.Lookup(c.key)
	}
	n := 0
	if ok {
		n = v.Len()
	}
	if c.op.Comparison == OpNull {
		return c.null(p, n == 0)
	}
	if !ok && c.op.IfExists {
		return true
	}
	negated := c.op.negated()
	if c.variables && (negated || n == 0) && !c.resolvable(p, ctx) {
		return false
	}
	switch c.op.Quantifier {
	case ForAnyValue:
		if n == 1 && v.At(0) == "" {
			return false // an empty string is an empty set to the set qualifiers
		}
		for i := range n {
			if c.value(p, ctx, &v, i, negated, effect) {
				return true
			}
		}
		return false
	case ForAllValues:
		if n == 1 && v.At(0) == "" {
			return true
		}
		for i := range n {
			if !c.value(p, ctx, &v, i, negated, effect) {
				return false
			}
		}
		return true
	case SingleValue:
	}
	switch n {
	case 0:
		return negated
	case 1:
		return c.value(p, ctx, &v, 0, negated, effect)
	}
	return effect == Deny
}

// value says whether one value of the request fulfils the operator.
func (c *condition) value(p *Policy, ctx Context, v *Value, i int, negated bool, effect Effect) bool {
	switch c.compare(p, ctx, v, i) {
	case matches:
		return !negated
	case differs:
		return negated
	case unreadable:
	}
	return negated && effect == Deny
}

// null compares whether the key is missing with "true" or "false". A key
// without any value is as good as missing to it.
func (c *condition) null(p *Policy, missing bool) bool {
	for _, pat := range p.patterns[c.values.from:c.values.to] {
		if strings.EqualFold(pat.text, "true") == missing {
			return true
		}
	}
	return false
}

func (c *condition) resolvable(p *Policy, ctx Context) bool {
	for _, pat := range p.patterns[c.values.from:c.values.to] {
		if pat.kind == patTemplate && !p.more.templates[pat.n].resolvable(ctx) {
			return false
		}
	}
	return true
}

func (c *condition) compare(p *Policy, ctx Context, v *Value, i int) verdict {
	switch c.op.typ() {
	case typeNumber:
		return c.compareNumber(v, i)
	case typeDate:
		return c.compareMoment(v, i)
	case typeAddress:
		return c.compareAddress(v, i)
	case typeARN:
		return c.compareARN(p, ctx, v.At(i))
	case typeString, typePattern, typeBool, typeBinary, typeNull:
	}
	s := v.At(i)
	op := c.op.Comparison
	fold := op == OpStringEqualsIgnoreCase || op == OpStringNotEqualsIgnoreCase || op == OpBool
	for k := c.values.from; k < c.values.to; k++ {
		if p.patterns[k].matchText(p, ctx, s, fold) {
			return matches
		}
	}
	return differs
}

// matchText matches a whole string.
func (pat *pattern) matchText(p *Policy, ctx Context, s string, fold bool) bool {
	switch pat.kind {
	case patExact:
		return s == pat.text || fold && strings.EqualFold(s, pat.text)
	case patAny:
		return true
	case patPrefix:
		return strings.HasPrefix(s, pat.text[:pat.n])
	case patGlob:
		return glob(pat.text, s)
	case patTemplate:
		var r resolved
		t := p.more.templates[pat.n][0]
		if !t.resolve(ctx, &r) {
			return false
		}
		if fold {
			return equalFold(r.segments(), s)
		}
		return matchSegments(r.segments(), s)
	case patTail, patFields:
	}
	return false
}

func (c *condition) compareARN(p *Policy, ctx Context, s string) verdict {
	f, ok := splitARN(s)
	if !ok {
		return unreadable
	}
	for k := c.values.from; k < c.values.to; k++ {
		if p.patterns[k].matchARN(p, ctx, s, &f) {
			return matches
		}
	}
	return differs
}

// matchARN matches an ARN, given also as its fields.
func (pat *pattern) matchARN(p *Policy, ctx Context, s string, f *arnFields) bool {
	switch pat.kind {
	case patExact:
		return s == pat.text
	case patAny:
		return true
	case patPrefix:
		return strings.HasPrefix(s, pat.text[:pat.n])
	case patTail:
		return strings.HasPrefix(s, pat.text[:pat.n]) && glob(pat.text[pat.n:], s[pat.n:])
	case patFields:
		return matchFields(pat.text, f)
	case patTemplate:
		return p.more.templates[pat.n].matchARN(ctx, f)
	case patGlob:
	}
	return false
}

func (c *condition) compareNumber(v *Value, i int) verdict {
	d, ok := parseDecimal(v.At(i))
	if !ok {
		return unreadable
	}
	for _, e := range c.typed.numbers {
		if ordered(c.op.Comparison, d.compare(e)) {
			return matches
		}
	}
	return differs
}

func (c *condition) compareMoment(v *Value, i int) verdict {
	m, ok := v.moment(i)
	if !ok {
		return unreadable
	}
	for _, n := range c.typed.moments {
		if ordered(c.op.Comparison, m.compare(n)) {
			return matches
		}
	}
	return differs
}

// ordered says whether an operator's positive form wants this order between
// the request's value and the policy's.
func ordered(op Comparison, c int) bool {
	switch op {
	case OpNumericEquals, OpNumericNotEquals, OpDateEquals, OpDateNotEquals:
		return c == 0
	case OpNumericLessThan, OpDateLessThan:
		return c < 0
	case OpNumericLessThanEquals, OpDateLessThanEquals:
		return c <= 0
	case OpNumericGreaterThan, OpDateGreaterThan:
		return c > 0
	case OpNumericGreaterThanEquals, OpDateGreaterThanEquals:
		return c >= 0
	default:
		return false // they compare no order
	}
}

func (c *condition) compareAddress(v *Value, i int) verdict {
	a, ok := v.address(i)
	if !ok {
		return unreadable
	}
	for _, n := range c.typed.networks {
		if n.Contains(a) {
			return matches
		}
	}
	return differs
}
