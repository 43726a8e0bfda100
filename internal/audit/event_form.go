package audit

import (
	"cmp"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/warder-iam/warder/internal/api"
	"github.com/warder-iam/warder/internal/catalog"
	"github.com/warder-iam/warder/policy"
)

// A plan is what is known of an operation's events before there is one.
type plan struct {
	source        string // "iam.amazonaws.com"
	readOnly      bool
	answer        bool  // the record shows the output
	data          bool  // its events are data events
	input, output *form // nil if the operation has none
}

// plans has a plan for each *api.Operation in use.
var plans sync.Map

func planOf(svc *api.Service, op *api.Operation) *plan {
	if known, ok := plans.Load(op); ok {
		return known.(*plan)
	}
	forms := &forms{service: svc, known: map[api.ShapeIndex]*form{}}
	p := &plan{source: svc.EndpointPrefix + ".amazonaws.com", input: forms.of(op.InputShape), output: forms.of(op.OutputShape)}
	p.readOnly, p.answer = effect(svc.SigningName, op.Name)
	p.data = dataOperations[svc.SigningName+":"+op.Name]
	made, _ := plans.LoadOrStore(op, p)
	return made.(*plan)
}

// dataOperations are those on what is in a resource
// (https://docs.aws.amazon.com/sns/latest/dg/logging-using-cloudtrail.html).
var dataOperations = map[string]bool{"sns:Publish": true, "sns:PublishBatch": true}

// effect says whether an operation only reads, and whether its events show the
// answer. Reads do not, except STS's, whose answers are credentials. What an
// operation does is told by the access level of its action; one that is not
// known counts as writing. CloudTrail has the operations that assume a role as
// reads though their actions are at the level of writes
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/cloudtrail-integration.html#cloudtrail-integration_examples-sts-api).
func effect(service, operation string) (readOnly, answer bool) {
	if a := catalog.Open().Action(service + ":" + operation); a != nil {
		readOnly = a.Level == policy.LevelRead || a.Level == policy.LevelList
	}
	answer = !readOnly
	if service == "sts" {
		switch operation {
		case "AssumeRole", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity":
			return true, true
		case "GetSessionToken":
			return readOnly, true
		}
	}
	return readOnly, answer
}

// A form is how the values of a shape are written, without what is secret.
type form struct {
	kind    api.Kind
	members []member // of a structure: those that are written
	secrets []member // of a structure: those whose values are not
	elem    *form    // of a list or map
	layout  string   // of a timestamp
}

type member struct {
	field    int
	name     string
	marked   bool   // a marker stands for the value
	resource string // the type of the thing that the value names; "" if it names none
	*form
}

// forms makes the forms of a service's shapes, each once, since shapes are
// recursive.
type forms struct {
	service *api.Service
	known   map[api.ShapeIndex]*form
}

func (fs *forms) of(i api.ShapeIndex) *form {
	shape := fs.service.Shape(i)
	if shape == nil {
		return nil
	}
	if f := fs.known[i]; f != nil {
		return f
	}
	f := &form{kind: shape.Kind, layout: dateOf(fs.service)}
	fs.known[i] = f
	switch shape.Kind {
	case api.Structure:
		for i := range shape.Members {
			m := &shape.Members[i]
			made := member{field: i, name: lowerFirst(m.Name), resource: resourceType(shape.Name, m.Name), form: fs.of(m.Shape)}
			switch treatmentOf(fs.service, m) {
			case shown:
				f.members = append(f.members, made)
			case marked:
				made.marked = true
				f.members, f.secrets = append(f.members, made), append(f.secrets, made)
			default:
				f.secrets = append(f.secrets, made)
			}
		}
	case api.List, api.Map:
		f.elem = fs.of(shape.Elem)
	}
	return f
}

// lowerFirst is a member's name as CloudTrail writes it: "SAMLProviderArn" is
// "sAMLProviderArn".
func lowerFirst(name string) string { return strings.ToLower(name[:1]) + name[1:] }

// dateOf is how dates in parameters are written. IAM's events lack the comma
// that others have behind the year.
func dateOf(svc *api.Service) string {
	if svc.SigningName == "iam" {
		return "Jan 2, 2006 3:04:05 PM"
	}
	return "Jan 2, 2006, 3:04:05 PM"
}

// parameters writes an input or output, v, a pointer to the form's struct, and
// what more adds to it. It is null if there is nothing, as CloudTrail writes it,
// and left out if it is too large. CloudTrail says so by "omitted" too; the two
// members beside it are ours.
func (w *writer) parameters(f *form, v any, more func(*writer)) {
	start := len(w.buf)
	w.raw("{")
	if f != nil {
		if p := reflect.ValueOf(v); p.Kind() == reflect.Pointer && !p.IsNil() {
			w.structure(f, p.Elem(), true)
		}
	}
	if more != nil {
		more(w)
	}
	switch size := len(w.buf) + 1 - start; {
	case size == 2:
		w.buf = w.buf[:start]
		w.raw("null")
	case size > maxParameters:
		w.buf = w.buf[:start]
		w.raw(`{"omitted":true,"originalSize":`)
		w.buf = strconv.AppendInt(w.buf, int64(size), 10)
		w.raw(`,"reason":"The field exceeds the maximum size."}`)
	default:
		w.raw("}")
	}
}

// structure writes the members that are set. named says that values that name
// resources are those of the event; in a list they are not.
func (w *writer) structure(f *form, v reflect.Value, named bool) {
	for i := range f.members {
		m := &f.members[i]
		field := v.Field(m.field)
		switch field.Kind() {
		case reflect.Pointer:
			if field.IsNil() {
				continue
			}
			field = field.Elem()
		case reflect.Slice, reflect.Map:
			if field.IsNil() {
				continue
			}
		}
		w.key(m.name)
		if m.marked {
			w.text(hidden)
			continue
		}
		w.value(m.form, field, named)
		if named && m.resource != "" && m.kind == api.String {
			w.met(Resource{m.resource, field.String()})
		}
	}
}

func (w *writer) value(f *form, v reflect.Value, named bool) {
	switch f.kind {
	case api.Structure:
		w.raw("{")
		w.structure(f, v, named)
		w.raw("}")
	case api.List:
		w.raw("[")
		for i := range v.Len() {
			w.item().value(f.elem, v.Index(i), false)
		}
		w.raw("]")
	case api.Map:
		keys := v.MapKeys()
		slices.SortFunc(keys, func(a, b reflect.Value) int { return cmp.Compare(a.String(), b.String()) })
		w.raw("{")
		for _, key := range keys {
			w.anyKey(key.String()).value(f.elem, v.MapIndex(key), false)
		}
		w.raw("}")
	case api.String:
		w.text(v.String())
	case api.Integer, api.Long:
		w.buf = strconv.AppendInt(w.buf, v.Int(), 10)
	case api.Float, api.Double:
		if n := v.Float(); math.IsNaN(n) || math.IsInf(n, 0) {
			w.raw("null")
		} else {
			w.buf = strconv.AppendFloat(w.buf, n, 'g', -1, v.Type().Bits())
		}
	case api.Boolean:
		w.bool(v.Bool())
	case api.Timestamp:
		var t time.Time
		if v.CanAddr() {
			t = *v.Addr().Interface().(*time.Time) // does not allocate
		} else {
			t = v.Interface().(time.Time)
		}
		w.buf = t.UTC().AppendFormat(append(w.buf, '"'), f.layout)
		w.raw(`"`)
	default:
		// Blobs are secrets (treatmentOf); a list of them is not written either.
		w.text(hidden)
	}
}

// scrub takes the values of an input's secrets out of a text: a message about a
// parameter may quote it.
func (f *form) scrub(v any, text string) string {
	if p := reflect.ValueOf(v); f != nil && p.Kind() == reflect.Pointer && !p.IsNil() {
		return f.scrubValue(p.Elem(), text, false)
	}
	return text
}

// minScrubbed is the length below which a value is too short to be a secret, or
// to be told from the text around it.
const minScrubbed = 4

func (f *form) scrubValue(v reflect.Value, text string, secret bool) string {
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return text
		}
		v = v.Elem()
	}
	switch f.kind {
	case api.Structure:
		for _, m := range f.members {
			text = m.scrubValue(v.Field(m.field), text, secret)
		}
		for _, m := range f.secrets {
			text = m.scrubValue(v.Field(m.field), text, true)
		}
	case api.List:
		for i := range v.Len() {
			text = f.elem.scrubValue(v.Index(i), text, secret)
		}
	case api.Map:
		for it := v.MapRange(); it.Next(); {
			text = f.elem.scrubValue(it.Value(), text, secret)
		}
	case api.String:
		if value := v.String(); secret && len(value) >= minScrubbed {
			text = strings.ReplaceAll(text, value, hidden)
		}
	}
	return text
}
