package eventpattern

import (
	"fmt"
	"slices"
)

// Matches says whether the pattern matches an event. The fields of a pattern that
// are about the elements of one array must all be met by the same element.
func (p *Pattern) Matches(e *Event) bool {
	for _, a := range p.alternatives {
		if a.matches(e) {
			return true
		}
	}
	return false
}

func (a alternative) matches(e *Event) bool {
	placed := false
	for i := range a {
		f, met := &a[i], false
		values := e.fields[f.path]
		for k := range values {
			met = met || f.match(&values[k])
			placed = placed || values[k].place != nil
		}
		if !met && !(f.absent && len(values) == 0) && !(f.absent && values[0].place != nil) {
			return false // no choice of elements can help
		}
	}
	return !placed || a.matchesPlaced(e)
}

// maxSteps bounds the work on one event. One that takes more, which its maker must
// have intended, does not match.
const maxSteps = 1 << 20

// A choice is an element of each of some arrays, by the number of the array.
type choice map[int]int

// matchesPlaced looks for elements of the event's arrays of objects with which all
// fields are met. It goes through the fields in the order of their paths with
// all choices by which those before are met, and forgets the arrays that no
// field behind is about. As the paths below an array stand together, there are no
// more choices than values, unless two arrays stand at one path; then maxSteps ends it.
func (a alternative) matchesPlaced(e *Event) bool {
	last := map[int]int{} // the last field that an array is about
	for i := range a {
		for _, v := range e.fields[a[i].path] {
			for p := v.place; p != nil; p = p.outer {
				last[p.array] = i
			}
		}
	}
	choices, steps := []choice{{}}, 0
	for i := range a {
		f, all, met := &a[i], &branch{}, &branch{}
		values := e.fields[f.path]
		for k := range values {
			if all.put(values[k].place); f.match(&values[k]) {
				met.put(values[k].place)
			}
		}
		var next []choice
		seen := map[string]bool{}
		keep := func(c choice) {
			for array := range c {
				if last[array] <= i {
					delete(c, array)
				}
			}
			if key := fmt.Sprint(c); !seen[key] { // in the order of the keys
				seen[key] = true
				next = append(next, c)
			}
		}
		for _, c := range choices {
			met.consistent(c, func(p *place) bool {
				keep(c.with(p))
				steps++
				return steps < maxSteps
			})
			if f.absent && all.consistent(c, func(*place) bool { return false }) {
				keep(c.with(nil))
			}
		}
		if choices = next; len(choices) == 0 || steps == maxSteps {
			return false
		}
	}
	return true
}

// with is the choice with the elements that a place is in.
func (c choice) with(p *place) choice {
	out := make(choice, len(c)+1)
	for array, index := range c {
		out[array] = index
	}
	for ; p != nil; p = p.outer {
		out[p.array] = p.index
	}
	return out
}

// A branch holds the places of values, by the arrays and elements on the way to
// them, so that those that go with a choice are found without looking at others.
type branch struct {
	places []*place
	arrays map[int]map[int]*branch // by array and element
}

// put adds a place.
func (b *branch) put(p *place) {
	at := b
	var way []*place
	for q := p; q != nil; q = q.outer {
		way = append(way, q)
	}
	for _, q := range slices.Backward(way) {
		at = at.element(q)
	}
	if len(at.places) == 0 { // another value there is met by the same choices
		at.places = append(at.places, p)
	}
}

func (b *branch) element(p *place) *branch {
	if b.arrays == nil {
		b.arrays = map[int]map[int]*branch{}
	}
	if b.arrays[p.array] == nil {
		b.arrays[p.array] = map[int]*branch{}
	}
	e := b.arrays[p.array][p.index]
	if e == nil {
		e = &branch{}
		b.arrays[p.array][p.index] = e
	}
	return e
}

// consistent calls yield with the places that go with a choice, until it says no;
// then it says no, too.
func (b *branch) consistent(c choice, yield func(*place) bool) bool {
	for _, p := range b.places {
		if !yield(p) {
			return false
		}
	}
	for array, elements := range b.arrays {
		if index, chosen := c[array]; chosen {
			if e := elements[index]; e != nil && !e.consistent(c, yield) {
				return false
			}
			continue
		}
		for _, e := range elements {
			if !e.consistent(c, yield) {
				return false
			}
		}
	}
	return true
}
