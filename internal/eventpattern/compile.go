package eventpattern

import (
	"maps"
	"slices"
	"strings"
)

// compiler reads a pattern into rules.
type compiler struct {
	scanner
	path []string
}

// A rule is the conditions on each path that must all be met.
type rule map[string]*conditions

func (c *compiler) pattern() []rule {
	if c.next().kind != openObject {
		c.refuse("Filter is not an object")
		return nil
	}
	rules := c.object([]rule{{}}, false)
	c.next() // nothing may follow
	return rules
}

// object reads the members of an object into every rule. A path that comes again
// takes the place of what was there.
func (c *compiler) object(rules []rule, inOr bool) []rule {
	members := 0
	for {
		t := c.next()
		switch t.kind {
		case bad:
			return rules
		case closeObject:
			if members == 0 {
				c.refuse("Empty objects are not allowed")
			}
			return rules
		}
		members++
		key := c.content(t)
		if key == "$or" {
			rules = c.or(rules)
			continue
		}
		if inOr && slices.Contains(reserved, key) {
			c.refuse("%s is Ruler reserved fieldName which cannot be used inside $or.", key)
			return rules
		}
		c.path = append(c.path, key)
		switch c.next().kind {
		case openObject:
			rules = c.object(rules, inOr)
		case openArray:
			path, values := strings.Join(c.path, "."), c.conditions()
			for _, r := range rules {
				r[path] = values
			}
		default:
			c.refuse(`"%s" must be an object or an array`, key)
		}
		c.path = c.path[:len(c.path)-1]
	}
}

// reserved are the names that fields inside of "$or" may not have.
var reserved = []string{
	"exactly", "equals-ignore-case", "prefix", "suffix", "anything-but", "exists", "wildcard", "numeric", "cidr", "=", "<", "<=", ">", ">=",
	"regex", "not-wildcard", "not-equals-ignore-case", "date-after", "date-on-or-after", "date-before", "date-on-or-before", "in-date-range",
	"ip-address-in-range", "ip-address-not-in-range",
}

// or makes of every rule as many as there are alternatives.
func (c *compiler) or(rules []rule) []rule {
	if c.next().kind != openArray {
		c.refuse("It must be an Array followed with $or.")
		return nil
	}
	var all []rule
	for n := 0; ; n++ {
		switch c.next().kind {
		case bad:
			return nil
		case closeArray:
			if n < 2 {
				c.refuse("There must have at least 2 Objects in $or relationship.")
			}
			return all
		case openObject:
			copies := make([]rule, len(rules))
			for i, r := range rules {
				copies[i] = maps.Clone(r)
			}
			if all = append(all, c.object(copies, true)...); len(all) > maxAlternatives {
				c.refuse("There are more than %d combinations of $or", maxAlternatives)
				return nil
			}
		default:
			c.refuse("Only JSON object is allowed in array of $or relationship.")
			return nil
		}
	}
}

// conditions reads the array of a field.
func (c *compiler) conditions() *conditions {
	out := &conditions{}
	for n := 0; ; n++ {
		switch t := c.next(); t.kind {
		case bad:
			return out
		case closeArray:
			if n == 0 {
				c.refuse("Empty arrays are not allowed")
			}
			return out
		case openObject:
			c.expression(out)
		case text:
			out.equal(c.content(t))
		case number, literal:
			out.literal(c.raw(t), t.kind)
		default:
			c.refuse("Match value must be String, number, true, false, or null")
		}
	}
}

// expression reads a condition that is written as an object of one member.
func (c *compiler) expression(out *conditions) {
	t := c.next()
	if t.kind != name {
		c.refuse("Match expression name not found")
		return
	}
	switch operator := c.content(t); operator {
	case "exactly":
		if s, ok := c.single("exact match pattern must be a string"); ok {
			out.strings = put(out.strings, s)
		}
	case "prefix", "suffix":
		c.affix(out, operator)
	case "equals-ignore-case":
		if s, ok := c.single("equals-ignore-case match pattern must be a string"); ok {
			out.add(ignoreCase(s))
		}
	case "wildcard":
		c.wildcard(out)
	case "numeric":
		c.numeric(out)
	case "cidr":
		c.cidr(out)
	case "exists":
		c.exists(out)
	case "anything-but":
		c.anythingBut(out)
	default:
		c.refuse("Unrecognized match type %s", operator)
	}
}

// single reads a string and the end of the expression around it.
func (c *compiler) single(otherwise string) (string, bool) {
	t := c.next()
	if t.kind != text {
		c.refuse("%s", otherwise)
		return "", false
	}
	s := c.content(t)
	return s, c.closed("Only one key allowed in match expression")
}

// closed reads the end of an object.
func (c *compiler) closed(otherwise string) bool {
	if c.next().kind != closeObject {
		c.refuse("%s", otherwise)
	}
	return c.err == nil
}

func (c *compiler) affix(out *conditions, operator string) {
	t := c.next()
	folded := t.kind == openObject
	if folded {
		if t = c.next(); t.kind != name {
			c.refuse("%s expression name not found", strings.ToUpper(operator[:1])+operator[1:])
			return
		}
		if key := c.content(t); key != "equals-ignore-case" {
			c.refuse("Unsupported %s pattern: %s", operator, key)
			return
		}
		t = c.next()
		if t.kind != text {
			c.refuse("equals-ignore-case match pattern must be a string")
			return
		}
	} else if t.kind != text {
		c.refuse("%s match pattern must be a string", operator)
		return
	}
	s := c.content(t)
	if !c.closed("Only one key allowed in match expression") || folded && !c.closed("Only one key allowed in match expression") {
		return
	}
	switch {
	case operator == "prefix" && folded:
		out.add(prefixIgnoreCase(s))
	case operator == "prefix":
		out.add(prefix(s))
	case folded:
		out.add(suffixIgnoreCase(s))
	default:
		out.add(suffix(s))
	}
}

func (c *compiler) wildcard(out *conditions) {
	t := c.next()
	if t.kind != text {
		c.refuse("wildcard match pattern must be a string")
		return
	}
	w, wrong := newWildcard(c.content(t))
	if wrong != "" {
		c.refuse("%s", wrong)
		return
	}
	if w.complex() {
		c.plain(tooComplex)
		return
	}
	out.add(w)
	c.closed("Only one key allowed in match expression")
}

// plain refuses without saying where.
func (c *compiler) plain(reason string) {
	if c.err == nil {
		c.err = &Error{reason}
	}
}

func (c *compiler) cidr(out *conditions) {
	t := c.next()
	if t.kind != text {
		c.refuse("prefix match pattern must be a string") // AWS's slip
		return
	}
	r, wrong := newAddressRange(c.content(t))
	if wrong != "" {
		c.plain(wrong)
		return
	}
	out.add(r)
	c.closed("Only one key allowed in match expression")
}

func (c *compiler) exists(out *conditions) {
	t := c.next()
	switch {
	case t.kind == literal && c.raw(t) == "true":
		out.present = true
	case t.kind == literal && c.raw(t) == "false":
		out.absent = true
	default:
		c.refuse("exists match pattern must be either true or false.")
		return
	}
	c.closed("Only one key allowed in match expression")
}

// numeric reads ["=", 1] or [">", 0, "<=", 5].
func (c *compiler) numeric(out *conditions) {
	if c.next().kind != openArray {
		c.refuse("Value of numeric must be an array.")
		return
	}
	t := c.next()
	if t.kind != text {
		c.refuse("Invalid member in numeric match: %s", c.raw(t))
		return
	}
	operator := c.content(t)
	c.next()
	r := wholeRange
	switch operator {
	case "=":
		if n, ok := c.number("equals"); ok {
			r.bottom, r.top = n, n
		}
	case ">", ">=":
		n, ok := c.number(operator)
		if !ok {
			return
		}
		r.bottom, r.openBottom = n, operator == ">"
		if t := c.next(); t.kind != closeArray {
			c.top(t, &r)
			out.add(r)
			return
		}
		out.add(r)
		c.closed(tooManyElements)
		return
	case "<", "<=":
		if n, ok := c.number(operator); ok {
			r.top, r.openTop = n, operator == "<"
		}
	default:
		c.refuse("Unrecognized numeric range operator: %s", operator)
	}
	if c.err == nil && c.next().kind != closeArray {
		c.refuse(tooManyElements)
	}
	out.add(r)
	c.closed(tooManyElements)
}

const tooManyElements = "Too many elements in numeric expression"

// number is the value of the number that was read last.
func (c *compiler) number(operator string) (int64, bool) {
	if c.last.kind != number {
		c.refuse("Value of %s must be numeric", operator)
		return 0, false
	}
	n, ok := millionths(c.raw(c.last))
	if !ok {
		c.refuse(outOfRange)
	}
	return n, ok
}

// top reads the second half of a range, from its operator on.
func (c *compiler) top(t token, r *numberRange) {
	if t.kind != text {
		c.refuse("Bad value in numeric range: %s", c.raw(t))
		return
	}
	operator := c.content(t)
	if operator != "<" && operator != "<=" {
		c.refuse("Bad numeric range operator: %s", operator)
		return
	}
	c.next()
	n, ok := c.number(operator)
	if !ok {
		return
	}
	if c.next().kind != closeArray {
		c.refuse("Too many terms in numeric range expression")
		return
	}
	if r.top, r.openTop = n, operator == "<"; r.bottom >= r.top {
		c.refuse("Bottom must be less than top")
		return
	}
	c.closed(tooManyElements)
}
