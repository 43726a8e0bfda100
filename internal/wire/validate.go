package wire

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/warder-iam/warder/internal/api"
	"github.com/warder-iam/warder/internal/awserr"
)

const (
	// maxViolations is how many violations a message lists. It counts them
	// all. AWS lists all; the bound keeps a request of thousands of wrong
	// members from being answered with megabytes.
	maxViolations = 100

	// maxValue is how much of a wrong value a message repeats, for the same
	// reason.
	maxValue = 4096
)

// Validate checks an input, a pointer to a struct of type op.Input, against
// the constraints of the model. The error lists all violations in AWS's words
// and has the code ValidationError.
//
// The order of the violations is the order of the members and, for one value,
// the one seen in AWS's answers: the upper bound, the pattern, the lower
// bound. Lengths count characters (code points), as the models define it:
// https://smithy.io/2.0/spec/constraint-traits.html#length-trait. The values
// of sensitive shapes are not repeated.
//
// IAM checks the characters of names and paths itself, after everything that
// its model says, and has its own sentence for it, which names the first wrong
// one only; Shape.PatternText has that sentence.
func Validate(svc *api.Service, op *api.Operation, in any) error {
	p := servicePlanOf(svc).of(op.InputShape)
	if p == nil {
		return nil
	}
	v := reflect.ValueOf(in)
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Type() != p.typ {
		panic(fmt.Sprintf("wire: the input of %s is a %T, not a *%v", op.Name, in, p.typ))
	}
	c := checker{hidesValues: svc.HidesValues}
	c.structure(p, v.Elem())
	switch {
	case c.count == 1:
		return awserr.New(awserr.CodeValidationError, "1 validation error detected: %s", c.found[0])
	case c.count > 1:
		return awserr.New(awserr.CodeValidationError, "%d validation errors detected: %s", c.count, strings.Join(c.found, "; "))
	case c.own != "":
		return awserr.New(awserr.CodeValidationError, "%s", c.own)
	}
	return nil
}

// checker collects violations. The path is where it is.
type checker struct {
	path  []byte
	found []string
	count int
	own   string // the first violation that the service words itself

	hidesValues bool
}

func (c *checker) violated(p *plan, v reflect.Value, constraint string) {
	c.count++
	if len(c.found) < maxViolations {
		shown := ""
		switch {
		case c.hidesValues:
		case p == nil:
			shown = " null"
		default:
			shown = shownValue(p, v)
		}
		c.found = append(c.found, fmt.Sprintf("Value%s at '%s' failed to satisfy constraint: %s", shown, c.path, constraint))
	}
}

const notNull = "Member must not be null"

func (c *checker) structure(p *plan, v reflect.Value) {
	at := len(c.path)
	for i := range p.members {
		m := &p.members[i]
		field := v.Field(i)
		nothing := field.IsNil()
		if nothing && !m.required {
			continue
		}
		if at > 0 {
			c.path = append(c.path, '.')
		}
		c.path = append(c.path, m.path...)
		if nothing {
			c.violated(nil, field, notNull)
		} else {
			if field.Kind() == reflect.Pointer {
				field = field.Elem()
			}
			c.value(m.plan, field)
		}
		c.path = c.path[:at]
	}
}

func (c *checker) value(p *plan, v reflect.Value) {
	switch p.shape.Kind {
	case api.Structure:
		c.structure(p, v)
	case api.List:
		c.list(p, v)
	case api.Map:
		c.mapping(p, v)
	default:
		c.scalar(p, v)
	}
}

func (c *checker) scalar(p *plan, v reflect.Value) {
	for _, violation := range violations(p, v) {
		if violation == constraintPattern && p.shape.PatternText != "" {
			if c.own == "" {
				c.own = fmt.Sprintf("The specified value for %s is invalid. %s", c.path, p.shape.PatternText)
			}
			continue
		}
		c.violated(p, v, violation.text(p.shape))
	}
}

// list checks a list's length and its members. A wrong member that is no
// structure is told of at the list, with all constraints on its members.
func (c *checker) list(p *plan, v reflect.Value) {
	n := v.Len()
	c.length(p, v, n)
	at := len(c.path)
	for i := range n {
		elem := v.Index(i)
		if k := p.elem.shape.Kind; k != api.Structure && k != api.List && k != api.Map {
			if len(violations(p.elem, elem)) > 0 {
				c.violated(p, v, "Member must satisfy constraint: "+allConstraints(p.elem.shape))
				return
			}
			continue
		}
		c.path = append(strconv.AppendInt(append(c.path, '.'), int64(i+1), 10), ".member"...)
		c.value(p.elem, elem)
		c.path = c.path[:at]
	}
}

// mapping checks a map's size, keys and values; see list.
func (c *checker) mapping(p *plan, v reflect.Value) {
	c.length(p, v, v.Len())
	at := len(c.path)
	keys := v.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
	for _, key := range keys {
		if len(violations(p.key, key)) > 0 {
			c.violated(p, v, "Map keys must satisfy constraint: "+allConstraints(p.key.shape))
			return
		}
	}
	for _, key := range keys {
		elem := v.MapIndex(key)
		if k := p.elem.shape.Kind; k != api.Structure && k != api.List && k != api.Map {
			if len(violations(p.elem, elem)) > 0 {
				c.violated(p, v, "Map value must satisfy constraint: "+allConstraints(p.elem.shape))
				return
			}
			continue
		}
		c.path = append(append(append(c.path, '.'), clip(key.String(), maxEcho)...), ".member"...)
		c.value(p.elem, elem)
		c.path = c.path[:at]
	}
}

func (c *checker) length(p *plan, v reflect.Value, n int) {
	if p.shape.HasMax && int64(n) > p.shape.Max {
		c.violated(p, v, constraintMax.text(p.shape))
	}
	if p.shape.HasMin && int64(n) < p.shape.Min {
		c.violated(p, v, constraintMin.text(p.shape))
	}
}

// constraint is one of the constraints that a shape may have.
type constraint int

const (
	constraintMax constraint = iota + 1
	constraintMin
	constraintPattern
	constraintEnum
)

func (k constraint) text(s *api.Shape) string {
	what := "length"
	switch s.Kind {
	case api.Integer, api.Long, api.Float, api.Double:
		what = "value"
	}
	switch k {
	case constraintMax:
		return fmt.Sprintf("Member must have %s less than or equal to %d", what, s.Max)
	case constraintMin:
		return fmt.Sprintf("Member must have %s greater than or equal to %d", what, s.Min)
	case constraintPattern:
		return "Member must satisfy regular expression pattern: " + s.Pattern
	default:
		return "Member must satisfy enum value set: [" + strings.Join(s.Enum, ", ") + "]"
	}
}

// allConstraints lists what the members of a list or map must satisfy. That they
// must not be null is among it beside a pattern, and was not seen otherwise.
func allConstraints(s *api.Shape) string {
	var all []string
	if s.HasMax {
		all = append(all, constraintMax.text(s))
	}
	if s.HasMin {
		all = append(all, constraintMin.text(s))
	}
	if s.Pattern != "" {
		all = append(all, constraintPattern.text(s), notNull)
	}
	if len(s.Enum) > 0 {
		all = append(all, constraintEnum.text(s))
	}
	return "[" + strings.Join(all, ", ") + "]"
}

// violations are the constraints that a scalar fails.
func violations(p *plan, v reflect.Value) []constraint {
	s := p.shape
	var low, high, mismatch, unlisted bool
	switch s.Kind {
	case api.String:
		text := v.String()
		if s.HasMin || s.HasMax {
			n := int64(utf8.RuneCountInString(text))
			low, high = s.HasMin && n < s.Min, s.HasMax && n > s.Max
		}
		// A value that is too long is not also matched, so that the work is
		// bounded by the constraint and not by the request.
		if m := p.matcher(); m != nil && !high {
			mismatch = !m.match(text)
		}
		unlisted = len(s.Enum) > 0 && !slices.Contains(s.Enum, text)
	case api.Blob:
		n := int64(v.Len())
		low, high = s.HasMin && n < s.Min, s.HasMax && n > s.Max
	case api.Integer, api.Long:
		low, high = s.HasMin && v.Int() < s.Min, s.HasMax && v.Int() > s.Max
	case api.Float, api.Double:
		// Written so that what is not a number is outside of every range.
		low = s.HasMin && !(v.Float() >= float64(s.Min))
		high = s.HasMax && !(v.Float() <= float64(s.Max))
	}
	if !low && !high && !mismatch && !unlisted {
		return nil
	}
	var found []constraint
	if high {
		found = append(found, constraintMax)
	}
	if mismatch {
		found = append(found, constraintPattern)
	}
	if low {
		found = append(found, constraintMin)
	}
	if unlisted {
		found = append(found, constraintEnum)
	}
	return found
}

// shownValue is a value as a message repeats it, in quotes after a space, or
// nothing if it is a secret or has one in it. AWS repeated the values of all
// its query services this way for years. STS does so still; IAM's answers
// recorded since 2025 do without ("Value at 'roleName' failed ...").
func shownValue(p *plan, v reflect.Value) string {
	if p.secret() {
		return ""
	}
	text := appendShown(nil, p, v)
	return " '" + clip(string(text), maxValue) + "'"
}

// secret tells whether a list, map or scalar has a sensitive shape in it. The
// structures of a list count as secret if any member is.
func (p *plan) secret() bool {
	if p.shape.Sensitive {
		return true
	}
	switch p.shape.Kind {
	case api.List:
		return p.elem.secret()
	case api.Map:
		return p.key.secret() || p.elem.secret()
	case api.Structure:
		for i := range p.members {
			// Only scalars are looked at below a structure, which may be
			// recursive; appendShown shows nothing deeper either.
			if p.members[i].shape.Sensitive {
				return true
			}
		}
	}
	return false
}

// appendShown writes a value like Java does: [a, b] and {k=v}.
func appendShown(dst []byte, p *plan, v reflect.Value) []byte {
	if len(dst) > maxValue {
		return dst
	}
	switch p.shape.Kind {
	case api.String:
		return append(dst, v.String()...)
	case api.Boolean:
		return strconv.AppendBool(dst, v.Bool())
	case api.Integer, api.Long:
		return strconv.AppendInt(dst, v.Int(), 10)
	case api.Float, api.Double:
		return strconv.AppendFloat(dst, v.Float(), 'g', -1, 64)
	case api.List:
		dst = append(dst, '[')
		for i := range v.Len() {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			dst = appendShown(dst, p.elem, v.Index(i))
		}
		return append(dst, ']')
	case api.Map:
		dst = append(dst, '{')
		for i, key := range v.MapKeys() {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			dst = append(append(dst, key.String()...), '=')
			dst = appendShown(dst, p.elem, v.MapIndex(key))
		}
		return append(dst, '}')
	case api.Structure:
		dst = append(dst, '{')
		some := false
		for i := range p.members {
			m, field := &p.members[i], v.Field(i)
			if m.shape.Kind != api.String || field.IsNil() {
				continue
			}
			if some {
				dst = append(dst, ", "...)
			}
			some = true
			dst = append(append(dst, m.path...), '=')
			dst = append(dst, field.Elem().String()...)
		}
		return append(dst, '}')
	}
	return append(dst, "..."...)
}
