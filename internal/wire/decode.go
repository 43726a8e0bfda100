package wire

import (
	"cmp"
	"encoding/base64"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/warder-iam/warder/internal/api"
	"github.com/warder-iam/warder/internal/awserr"
)

// DecodeQuery reads a query protocol request into a new input of op, a pointer
// to a struct of type op.Input.
//
// As AWS does, it passes over parameters that the operation does not have;
// SDKs newer than the service depend on it. A parameter under the name of a
// member that has one, though, must fit it: nothing that names a known member
// is dropped. A list takes its members in the order of their numbers; gaps
// between the numbers are closed.
//
// DecodeQuery reads what was sent. What must be sent, and which values are
// allowed, is for Validate.
func DecodeQuery(svc *api.Service, op *api.Operation, form Form) (any, error) {
	in := reflect.New(op.Input)
	if p := servicePlanOf(svc).of(op.InputShape); p != nil {
		d := decoder(form)
		if err := d.structure(p, in.Elem(), 0, len(d.params), 0); err != nil {
			return nil, err
		}
	}
	return in.Interface(), nil
}

// decoder walks the sorted parameters. A structure, list or map owns a run of
// them, from lo to hi, which agree in the first `skip` bytes of their names:
// its own name and a dot.
type decoder struct {
	params []param
}

// child finds what belongs to a name below a run: the parameter of exactly
// that name, if any, and the run of those that go on with a dot.
func (d *decoder) child(name string, lo, hi, skip int) (value string, exact bool, from, to int) {
	run := d.params[lo:hi]
	i, exact := slices.BinarySearchFunc(run, name, func(p param, name string) int {
		return cmp.Compare(p.name[skip:], name)
	})
	if exact {
		value = run[i].value
	}
	// The dot is written out in the comparison to save joining strings.
	from, _ = slices.BinarySearchFunc(run[i:], name, func(p param, name string) int {
		return compareDotted(p.name[skip:], name, '.')
	})
	from += i
	to, _ = slices.BinarySearchFunc(run[from:], name, func(p param, name string) int {
		return compareDotted(p.name[skip:], name, '.'+1)
	})
	return value, exact, lo + from, lo + from + to
}

// compareDotted compares s with name followed by sep; s that goes on after
// them is greater.
func compareDotted(s, name string, sep byte) int {
	if len(s) <= len(name) {
		if c := cmp.Compare(s, name[:len(s)]); c != 0 {
			return c
		}
		return -1
	}
	if c := cmp.Compare(s[:len(name)], name); c != 0 {
		return c
	}
	if c := cmp.Compare(s[len(name)], sep); c != 0 {
		return c
	}
	return cmp.Compare(len(s), len(name)+1)
}

func (d *decoder) structure(p *plan, v reflect.Value, lo, hi, skip int) error {
	for i := range p.members {
		m := &p.members[i]
		value, exact, from, to := d.child(m.name, lo, hi, skip)
		if !exact && from == to {
			continue
		}
		if err := d.value(m.plan, v.Field(i), value, exact, from, to, skip+len(m.name)+1); err != nil {
			return err
		}
	}
	return nil
}

// value reads what was found under a name. The texts of the refusals are those
// of AWS's query services.
func (d *decoder) value(p *plan, v reflect.Value, value string, exact bool, from, to, skip int) error {
	switch p.shape.Kind {
	case api.List, api.Map:
		return d.collection(p, v, value, exact, from, to, skip)
	case api.Structure:
		if exact {
			return malformedInput("Unexpected complex element termination")
		}
		if v.Kind() == reflect.Pointer {
			v.Set(reflect.New(p.typ))
			v = v.Elem()
		}
		return d.structure(p, v, from, to, skip)
	}
	if from < to {
		return malformedInput("Start of structure or map found where not expected.")
	}
	return scalar(p, v, value)
}

func (d *decoder) collection(p *plan, v reflect.Value, value string, exact bool, from, to, skip int) error {
	if exact {
		// "Tags=" is how SDKs send an empty list.
		if value != "" || from < to {
			return malformedInput("Unexpected list element termination")
		}
		if p.shape.Kind == api.Map {
			v.Set(reflect.MakeMap(p.typ))
		} else {
			v.Set(reflect.MakeSlice(p.typ, 0, 0))
		}
		return nil
	}
	item := p.itemName
	if p.shape.Kind == api.Map {
		item = "entry"
	}
	_, _, first, last := d.child(item, from, to, skip)
	if first != from || last != to { // not all are ITEM.something
		if strings.Count(d.params[from].name[:skip], ".") == 1 {
			return malformedInput("Top level element may not be treated as a list")
		}
		return malformedInput("Start of list found where not expected")
	}
	skip += len(item) + 1
	items, err := d.items(from, to, skip)
	if err != nil {
		return err
	}
	if p.shape.Kind == api.Map {
		return d.entries(p, v, items)
	}
	return d.list(p, v, items)
}

// item is one numbered member of a list or map.
type item struct {
	number         int
	value          string
	exact          bool
	from, to, skip int
}

// items groups a run by its numbers and puts the groups in order. A number
// costs nothing by its size. No number comes twice: what could stand between
// two names of one group, such as "1-", is no number and refused.
func (d *decoder) items(lo, hi, skip int) ([]item, error) {
	items := make([]item, 0, min(hi-lo, 16))
	for lo < hi {
		name := d.params[lo].name[skip:]
		digits, _, dotted := strings.Cut(name, ".")
		number, err := listNumber(digits)
		if err != nil {
			return nil, err
		}
		next := item{number: number, from: lo, to: lo, skip: skip + len(digits) + 1}
		if !dotted {
			next.value, next.exact = d.params[lo].value, true
			lo++
			next.from, next.to = lo, lo
		}
		for lo < hi && compareDotted(d.params[lo].name[skip:], digits, '.') >= 0 &&
			compareDotted(d.params[lo].name[skip:], digits, '.'+1) < 0 {
			lo++
		}
		next.to = lo
		items = append(items, next)
	}
	slices.SortFunc(items, func(a, b item) int { return cmp.Compare(a.number, b.number) })
	return items, nil
}

// listNumber reads the number of a list member. They begin with 1 and have one
// way of being written, so that no two names mean the same member.
func listNumber(digits string) (int, error) {
	if len(digits) == 0 || len(digits) > 10 || digits[0] == '0' {
		return 0, malformedInput("%s is not a valid index", clip(digits, maxEcho))
	}
	n := 0
	for i := range len(digits) {
		if digits[i] < '0' || digits[i] > '9' {
			return 0, malformedInput("%s is not a valid index", clip(digits, maxEcho))
		}
		n = n*10 + int(digits[i]-'0')
	}
	return n, nil
}

func (d *decoder) list(p *plan, v reflect.Value, items []item) error {
	if list, ok := v.Addr().Interface().(*[]string); ok {
		*list = make([]string, len(items))
		for i, it := range items {
			if it.from < it.to {
				return malformedInput("Start of structure or map found where not expected.")
			}
			(*list)[i] = it.value
		}
		return nil
	}
	v.Set(reflect.MakeSlice(p.typ, len(items), len(items)))
	for i, it := range items {
		if err := d.value(p.elem, v.Index(i), it.value, it.exact, it.from, it.to, it.skip); err != nil {
			return err
		}
	}
	return nil
}

func (d *decoder) entries(p *plan, v reflect.Value, items []item) error {
	v.Set(reflect.MakeMapWithSize(p.typ, len(items)))
	for _, it := range items {
		key, hasKey, keyFrom, keyTo := d.child(p.keyName, it.from, it.to, it.skip)
		value, exact, from, to := d.child(p.itemName, it.from, it.to, it.skip)
		if it.exact || !hasKey || keyFrom < keyTo || !exact && from == to {
			return malformedInput("Unexpected map element termination")
		}
		k := reflect.ValueOf(key)
		if v.MapIndex(k).IsValid() {
			return malformedInput("The key %s is given more than once", clip(key, maxEcho))
		}
		elem := reflect.New(p.typ.Elem()).Elem()
		if err := d.value(p.elem, elem, value, exact, from, to, it.skip+len(p.itemName)+1); err != nil {
			return err
		}
		v.SetMapIndex(k, elem)
	}
	return nil
}

// scalar reads one value into a field, a pointer, or into a list member or map
// value, which is none.
func scalar(p *plan, v reflect.Value, text string) error {
	target := v.Addr().Interface()
	switch p.shape.Kind {
	case api.String:
		// A copy: what a service keeps for years must not keep the whole request.
		set(target, strings.Clone(text))
	case api.Boolean:
		switch text { // as AWS was seen to take them
		case "true", "1":
			set(target, true)
		case "false", "0":
			set(target, false)
		default:
			return notA(p, text, "Boolean")
		}
	case api.Integer:
		n, err := strconv.ParseInt(text, 10, 32)
		if err != nil {
			return notA(p, text, "Integer")
		}
		set(target, int32(n))
	case api.Long:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return notA(p, text, "Long")
		}
		set(target, n)
	case api.Float:
		n, err := parseFloat(text, 32)
		if err != nil {
			return notA(p, text, "Float")
		}
		set(target, float32(n))
	case api.Double:
		n, err := parseFloat(text, 64)
		if err != nil {
			return notA(p, text, "Double")
		}
		set(target, n)
	case api.Timestamp:
		t, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return notA(p, text, "Timestamp")
		}
		set(target, t.UTC())
	case api.Blob:
		b, err := base64.StdEncoding.Strict().DecodeString(text)
		if err != nil || strings.ContainsAny(text, "\r\n") {
			return notA(p, text, "Blob")
		}
		*target.(*[]byte) = b
	}
	return nil
}

// parseFloat reads the numbers that the protocol has, which are fewer than
// Go's: no hexadecimal, no underscores, and the three names spelled this way.
func parseFloat(text string, bits int) (float64, error) {
	switch text {
	case "NaN", "Infinity", "-Infinity":
	default:
		if strings.Trim(text, "+-.0123456789eE") != "" {
			return 0, strconv.ErrSyntax
		}
	}
	return strconv.ParseFloat(text, bits)
}

func set[T any](target any, value T) {
	switch t := target.(type) {
	case **T:
		*t = &value
	case *T:
		*t = value
	}
}

// notA refuses a value that is not of its type. A secret is not repeated.
func notA(p *plan, text, kind string) error {
	if p.shape.Sensitive {
		return malformedInput("A value can not be converted to %s", kind)
	}
	return malformedInput("%s can not be converted to %s", clip(text, maxEcho), kind)
}

func malformedInput(format string, args ...any) error {
	return awserr.New(codeMalformedInput, format, args...)
}
