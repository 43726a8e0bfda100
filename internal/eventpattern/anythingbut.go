package eventpattern

// anythingBut reads the value of "anything-but": a string or number, a list of
// either, or an object that names another operator
// (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html#eb-filtering-anything-but).
func (c *compiler) anythingBut(out *conditions) {
	t := c.next()
	operator := ""
	if t.kind == openObject {
		if t = c.next(); t.kind != name {
			c.refuse("Anything-But expression name not found")
			return
		}
		switch operator = c.content(t); operator {
		case "equals-ignore-case", "prefix", "suffix", "wildcard":
		default:
			c.refuse("Unsupported anything-but pattern: %s", operator)
			return
		}
		t = c.next()
	}
	not := &negation{}
	switch {
	case t.kind == openArray && operator == "":
		c.exceptValues(not)
	case t.kind == openArray:
		for t = c.next(); t.kind != closeArray && c.err == nil; t = c.next() {
			c.except(not, operator, t, true)
		}
	case t.kind == text && operator == "":
		not.strings = put(not.strings, c.content(t))
	case t.kind == number && operator == "":
		if n, ok := millionths(c.raw(t)); ok {
			not.numbers = put(not.numbers, n)
		} else {
			c.plain(outOfRange)
		}
	case t.kind == text || t.kind == number:
		c.except(not, operator, t, false)
	default:
		c.refuse("Value of anything-but must be an array or single string/number value.")
	}
	out.add(not)
	if c.err == nil && c.closed(tooManyElements) && operator != "" {
		c.closed(tooManyElements)
	}
}

// exceptValues reads a list of strings or of numbers.
func (c *compiler) exceptValues(not *negation) {
	for {
		switch t := c.next(); t.kind {
		case bad:
			return
		case closeArray:
			if (len(not.strings) == 0) == (len(not.numbers) == 0) {
				c.refuse("Inside anything but list, either all values are number or string, mixed type is not supported")
			}
			return
		case text:
			not.strings = put(not.strings, c.content(t))
		case number:
			n, ok := millionths(c.raw(t))
			if !ok {
				c.refuse(outOfRange)
				return
			}
			not.numbers = put(not.numbers, n)
		default:
			c.refuseInList("Inside anything but list, start|null|boolean is not supported.")
			return
		}
	}
}

// except adds a value of an operator inside of "anything-but".
func (c *compiler) except(not *negation, operator string, t token, inList bool) {
	refuse := func(reason string) {
		if inList {
			c.refuseInList(reason)
		} else {
			c.refuse("%s", reason)
		}
	}
	if t.kind != text {
		switch operator {
		case "equals-ignore-case":
			refuse("Inside anything-but/equals-ignore-case list, number|start|null|boolean is not supported.")
		case "wildcard":
			refuse("wildcard match pattern must be a string")
		default:
			refuse("prefix/suffix match pattern must be a string")
		}
		return
	}
	s := c.content(t)
	switch operator {
	case "equals-ignore-case":
		not.tests = append(not.tests, ignoreCase(s))
	case "wildcard":
		w, wrong := newWildcard(s)
		switch {
		case wrong != "":
			c.refuse("%s", wrong)
		case w.complex():
			c.plain(tooComplex)
		default:
			not.tests = append(not.tests, w)
		}
	case "prefix", "suffix":
		if s == "" {
			refuse("Null prefix/suffix not allowed")
			return
		}
		if operator == "prefix" {
			not.tests = append(not.tests, prefix(s))
		} else {
			not.tests = append(not.tests, suffix(s))
		}
	}
}

// refuseInList refuses a member of a list: AWS says twice where it is.
func (c *compiler) refuseInList(reason string) {
	c.refuse("%s%s", reason, c.location(c.position()))
}
