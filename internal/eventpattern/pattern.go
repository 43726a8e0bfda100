// Package eventpattern holds the language of Amazon EventBridge's event patterns
// (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html):
// it compiles a pattern, says whether it matches an event, and makes a target's
// input from an event. What the user guide leaves open is done as by the library
// that AWS publishes, aws/event-ruler: how values compare, arrays of objects,
// and the words in which a pattern is refused.
//
// A pattern is compiled once and an event parsed once; then any number of
// patterns is matched against it. Both are immutable.
//
// It is a leaf: it knows no rule, bus or target. internal/service/events takes
// patterns and templates from users, internal/eventbus matches and transforms.
package eventpattern

import (
	"maps"
	"slices"
)

// A Pattern is a compiled event pattern: alternatives that come of "$or", of
// which one must match.
type Pattern struct {
	alternatives []alternative
}

// An alternative is fields that must all match, in the order of their paths.
type alternative []field

// A field is a path of the event, its steps joined by dots, with the conditions
// of which a value there must meet one.
type field struct {
	path string
	*conditions
}

// maxAlternatives is how many combinations the "$or"s of a pattern may have
// (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html#eb-filtering-complex-example-or).
const maxAlternatives = 1000

// Compile reads a pattern. The error is an *Error.
func Compile(text string) (*Pattern, error) {
	c := compiler{scanner: scanner{text: text}}
	rules := c.pattern()
	if c.err != nil {
		return nil, c.err
	}
	p := &Pattern{alternatives: make([]alternative, len(rules))}
	for i, r := range rules {
		for _, path := range slices.Sorted(maps.Keys(r)) {
			p.alternatives[i] = append(p.alternatives[i], field{path, r[path]})
		}
	}
	return p, nil
}

// Literals are the strings that the pattern's conditions on a path ask for
// literally, from all alternatives: what policies' conditions on events:source
// and the like are about. Values that are asked for by other means are not among them.
func (p *Pattern) Literals(path string) []string {
	all := make(map[string]bool)
	for _, a := range p.alternatives {
		for _, f := range a {
			if f.path == path {
				for s := range f.strings {
					all[s] = true
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// Requires are the strings of which an event must have one at a path if it is to
// match at all; false if there are none such.
func (p *Pattern) Requires(path string) (values []string, ok bool) {
	for _, a := range p.alternatives {
		i := slices.IndexFunc(a, func(f field) bool { return f.path == path })
		if i < 0 || a[i].absent || a[i].present || len(a[i].literals)+len(a[i].tests) > 0 {
			return nil, false
		}
	}
	return p.Literals(path), true
}

// An Error says why a pattern is refused, in the words that AWS sends behind
// "Event pattern is not valid. Reason: ".
type Error struct{ Reason string }

func (e *Error) Error() string { return "eventpattern: " + e.Reason }
