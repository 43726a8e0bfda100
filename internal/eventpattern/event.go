package eventpattern

import "errors"

// An Event is a parsed event: its values by their paths. Steps of a path are
// joined by dots, so that {"a.b": 1} and {"a": {"b": 1}} are the same.
type Event struct {
	text   string
	fields map[string][]value
}

// A value is a scalar of an event. Each element of an array is a value of the
// array's path; empty arrays and objects have none.
type value struct {
	kind       kind
	text       string // of a string what it says, of others how it stands there
	number     int64  // in millionths
	comparable bool   // there is such a number
	place      *place
}

// A place is an element of an array in which a value is, and the place of that
// array if it is in one itself. Elements that are scalars are in no place.
type place struct {
	outer *place
	array int // counts the arrays of the event; outer ones have lower numbers
	index int
}

// ErrEvent is the error of Parse: an event is a JSON object.
var ErrEvent = errors.New("eventpattern: not a JSON object")

// Parse reads an event.
func Parse(event []byte) (*Event, error) {
	p := parser{scanner: scanner{text: string(event)}, fields: make(map[string][]value)}
	if p.next().kind != openObject {
		return nil, ErrEvent
	}
	p.object(nil)
	if p.next(); p.err != nil {
		return nil, errors.Join(ErrEvent, p.err)
	}
	return &Event{p.text, p.fields}, nil
}

// String gives the event's string at a path; false if there is no such string.
func (e *Event) String(path string) (string, bool) {
	v := e.fields[path]
	if len(v) != 1 || v[0].kind != text {
		return "", false
	}
	return v[0].text, true
}

// Strings are the event's strings at a path.
func (e *Event) Strings(path string) (all []string) {
	for _, v := range e.fields[path] {
		if v.kind == text {
			all = append(all, v.text)
		}
	}
	return all
}

type parser struct {
	scanner
	fields map[string][]value
	path   []byte
	arrays int
}

// object reads the members of an object to its end.
func (p *parser) object(at *place) {
	length := len(p.path)
	for {
		t := p.next()
		if t.kind != name {
			return // the end, or bad
		}
		if length > 0 {
			p.path = append(p.path, '.')
		}
		p.path = append(p.path, p.content(t)...)
		p.member(p.next(), at)
		p.path = p.path[:length]
	}
}

// member reads a value that begins with t.
func (p *parser) member(t token, at *place) {
	switch t.kind {
	case openObject:
		p.object(at)
	case openArray:
		p.array(at)
	case text:
		p.add(value{kind: text, text: p.content(t), place: at})
	case number:
		v := value{kind: number, text: p.raw(t), place: at}
		v.number, v.comparable = millionths(v.text)
		p.add(v)
	case literal:
		p.add(value{kind: literal, text: p.raw(t), place: at})
	}
}

func (p *parser) add(v value) {
	if all, ok := p.fields[string(p.path)]; ok {
		p.fields[string(p.path)] = append(all, v)
	} else {
		p.fields[string(p.path)] = []value{v}
	}
}

// array reads the elements of an array to its end.
func (p *parser) array(at *place) {
	array := p.arrays
	p.arrays++
	for index := 0; ; index++ {
		switch t := p.next(); t.kind {
		case closeArray, bad:
			return
		case openObject, openArray:
			p.member(t, &place{at, array, index})
		default:
			p.member(t, at)
		}
	}
}
