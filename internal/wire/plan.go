package wire

import (
	"cmp"
	"fmt"
	"reflect"
	"strings"
	"sync"

	"github.com/warder-iam/warder/internal/api"
)

// A plan is what the codecs know about a shape: the model's description, the
// Go type that stands for it and the compiled pattern. Plans are made once a
// service, on first use, and refer to one another, so recursive shapes need no
// special care.
type plan struct {
	shape   *api.Shape
	typ     reflect.Type
	members []memberPlan // of a structure; also the order of the Go fields
	elem    *plan        // of a list or map
	key     *plan        // of a map

	itemName, keyName string // the names of list members or map values, and of map keys
	matcher           func() *matcher
}

type memberPlan struct {
	*plan
	name     string // on the wire
	path     string // in validation messages
	required bool
}

// plans has a *servicePlan for each *api.Service in use.
var plans sync.Map

type servicePlan struct {
	shapes []plan // by api.ShapeIndex
}

func servicePlanOf(svc *api.Service) *servicePlan {
	if known, ok := plans.Load(svc); ok {
		return known.(*servicePlan)
	}
	made, _ := plans.LoadOrStore(svc, newServicePlan(svc))
	return made.(*servicePlan)
}

// of is the plan of a shape; nil for api.NoShape.
func (s *servicePlan) of(i api.ShapeIndex) *plan {
	if i < 0 {
		return nil
	}
	return &s.shapes[i]
}

// newServicePlan makes the plans of all shapes that the operations reach. It
// panics where model and Go types do not fit, which only a generator or a
// hand-made service gets wrong, and which no request can bring about.
func newServicePlan(svc *api.Service) *servicePlan {
	s := &servicePlan{shapes: make([]plan, len(svc.Shapes))}
	for i := range svc.Operations {
		op := &svc.Operations[i]
		s.add(svc, op.InputShape, op.Input)
		s.add(svc, op.OutputShape, op.Output)
	}
	return s
}

func (s *servicePlan) add(svc *api.Service, i api.ShapeIndex, typ reflect.Type) *plan {
	if i < 0 {
		return nil
	}
	p, shape := &s.shapes[i], svc.Shape(i)
	if p.shape != nil {
		if p.typ != typ {
			panic(fmt.Sprintf("wire: %s.%s is %v and %v", svc.ID, shape.Name, p.typ, typ))
		}
		return p
	}
	if shape.Flattened {
		panic(fmt.Sprintf("wire: %s.%s is flattened, which the query codec does not do", svc.ID, shape.Name))
	}
	p.shape, p.typ = shape, typ
	p.matcher = sync.OnceValue(func() *matcher { return mustCompile(shape) })
	want, ok := kinds[shape.Kind]
	if !ok || typ.Kind() != want {
		panic(fmt.Sprintf("wire: %s.%s is a %v", svc.ID, shape.Name, typ))
	}
	switch shape.Kind {
	case api.Structure:
		if typ.NumField() != len(shape.Members) {
			panic(fmt.Sprintf("wire: %s.%s has %d members, %v %d fields", svc.ID, shape.Name, len(shape.Members), typ, typ.NumField()))
		}
		p.members = make([]memberPlan, len(shape.Members))
		for i, m := range shape.Members {
			field := typ.Field(i).Type
			if field.Kind() == reflect.Pointer {
				field = field.Elem()
			}
			p.members[i] = memberPlan{
				plan:     s.add(svc, m.Shape, field),
				name:     cmp.Or(m.LocationName, m.Name),
				path:     strings.ToLower(m.Name[:1]) + m.Name[1:],
				required: m.Required,
			}
		}
	case api.List:
		p.elem = s.add(svc, shape.Elem, typ.Elem())
		p.itemName = cmp.Or(shape.ElemName, "member")
	case api.Map:
		p.key = s.add(svc, shape.Key, typ.Key())
		p.elem = s.add(svc, shape.Elem, typ.Elem())
		p.keyName = cmp.Or(shape.KeyName, "key")
		p.itemName = cmp.Or(shape.ElemName, "value")
	}
	return p
}

var kinds = map[api.Kind]reflect.Kind{
	api.Structure: reflect.Struct,
	api.List:      reflect.Slice,
	api.Map:       reflect.Map,
	api.String:    reflect.String,
	api.Integer:   reflect.Int32,
	api.Long:      reflect.Int64,
	api.Float:     reflect.Float32,
	api.Double:    reflect.Float64,
	api.Boolean:   reflect.Bool,
	api.Timestamp: reflect.Struct,
	api.Blob:      reflect.Slice,
}
