package main

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// fault is one error of a service.
type fault struct {
	code, shape string
	status      int
	sender      bool
}

// errorCode is the code of an error shape. Where the model gives none, the
// query protocol uses the shape's name and the status 400:
// https://smithy.io/2.0/aws/protocols/aws-query-protocol.html#operation-error-serialization
func (g *generator) errorCode(name string) (fault, error) {
	s, ok := g.Shapes[name]
	if !ok || !s.Exception {
		return fault{}, fmt.Errorf("%s is no error shape", name)
	}
	f := fault{code: name, shape: name, status: 400, sender: true}
	if e := s.Error; e != nil {
		f.sender = e.SenderFault
		if e.Code != "" {
			f.code = e.Code
		}
		if e.HTTPStatusCode != 0 {
			f.status = e.HTTPStatusCode
		}
	}
	return f, nil
}

func (g *generator) service(b *bytes.Buffer) error {
	m := g.Metadata
	signing := m.SigningName
	if signing == "" {
		signing = m.EndpointPrefix
	}
	fmt.Fprintf(b, `// Package %s has the shapes, operations and errors of %s,
// API version %s, generated from its model. The codecs of internal/wire fill
// and read its structs; its rules are elsewhere, in the service's package.
package %s

import (
	"reflect"

	"github.com/warder-iam/warder/internal/api"
)

`, g.name, m.ServiceFullName, m.APIVersion, g.name)
	fmt.Fprintf(b, "// Service describes %s.\nvar Service = api.Service{\n", m.ServiceFullName)
	for _, f := range [][2]string{
		{"ID", m.ServiceID},
		{"Name", m.ServiceFullName},
		{"Abbreviation", cmp.Or(m.ServiceAbbreviation, m.ServiceFullName)},
		{"Version", m.APIVersion},
		{"Protocol", m.Protocol},
		{"XMLNamespace", m.XMLNamespace},
		{"SigningName", signing},
		{"EndpointPrefix", m.EndpointPrefix},
		{"GlobalEndpoint", m.GlobalEndpoint},
		{"JSONVersion", m.JSONVersion},
		{"TargetPrefix", m.TargetPrefix},
	} {
		if f[1] != "" {
			fmt.Fprintf(b, "%s: %q,\n", f[0], f[1])
		}
	}
	if len(g.patternTexts) > 0 {
		b.WriteString("HidesValues: true,\n")
	}
	b.WriteString("Operations: operations,\nErrors: faults,\nShapes: shapes,\n}\n\n")

	b.WriteString("var operations = []api.Operation{\n")
	faults := map[string]fault{}
	for _, name := range slices.Sorted(maps.Keys(g.Operations)) {
		if err := g.operation(b, name, faults); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	b.WriteString("}\n\nvar faults = []api.Error{\n")
	for _, code := range slices.Sorted(maps.Keys(faults)) {
		f := faults[code]
		fmt.Fprintf(b, "{Code: %q, Shape: %q, Status: %d, SenderFault: %t},\n", f.code, f.shape, f.status, f.sender)
	}
	b.WriteString("}\n")
	return nil
}

func (g *generator) operation(b *bytes.Buffer, name string, faults map[string]fault) error {
	op := g.Operations[name]
	fmt.Fprintf(b, "{\nName: %q,\n", name)
	for _, side := range []struct {
		field string
		ref   *ref
	}{{"Input", op.Input}, {"Output", op.Output}} {
		if side.ref == nil {
			fmt.Fprintf(b, "%s: reflect.TypeFor[api.None](), %sShape: api.NoShape,\n", side.field, side.field)
			continue
		}
		fmt.Fprintf(b, "%s: reflect.TypeFor[%s](), %sShape: %d,\n",
			side.field, goName(side.ref.Shape), side.field, g.index[side.ref.Shape])
	}
	if op.Output != nil && op.Output.ResultWrapper != "" {
		fmt.Fprintf(b, "ResultWrapper: %q,\n", op.Output.ResultWrapper)
	}
	var codes []string
	for _, r := range op.Errors {
		f, err := g.errorCode(r.Shape)
		if err != nil {
			return err
		}
		if known, ok := faults[f.code]; ok && known != f {
			return fmt.Errorf("the code %s belongs to %s and %s", f.code, known.shape, f.shape)
		}
		faults[f.code] = f
		codes = append(codes, f.code)
	}
	slices.Sort(codes)
	if len(codes) > 0 {
		fmt.Fprintf(b, "Errors: []string{%s},\n", quoted(codes))
	}
	if p := g.Pagination[name]; p != nil {
		b.WriteString("Pagination: &api.Pagination{")
		for _, f := range []struct {
			field string
			value texts
		}{{"InputToken", p.InputToken}, {"OutputToken", p.OutputToken}, {"LimitKey", p.LimitKey}, {"MoreResults", p.MoreResults}} {
			value, err := f.value.single()
			if err != nil {
				return err
			}
			if value != "" {
				fmt.Fprintf(b, "%s: %q, ", f.field, value)
			}
		}
		fmt.Fprintf(b, "ResultKeys: []string{%s}},\n", quoted(p.ResultKey))
	}
	if slices.Contains(op.Auth, "smithy.api#noAuth") || unsigned[g.name+":"+name] {
		b.WriteString("NoAuth: true,\n")
	}
	b.WriteString("},\n")
	return nil
}

func (g *generator) constraints(b *bytes.Buffer) error {
	fmt.Fprintf(b, "package %s\n\nimport \"github.com/warder-iam/warder/internal/api\"\n\n", g.name)
	b.WriteString("var shapes = []api.Shape{\n")
	used := map[string]bool{}
	for i, name := range g.shapes {
		s := g.Shapes[name]
		fmt.Fprintf(b, "%d: {Name: %q, Kind: api.%s", i, name, goName(s.Type))
		if s.Sensitive {
			b.WriteString(", Sensitive: true")
		}
		if s.Flattened {
			b.WriteString(", Flattened: true")
		}
		if s.Min != nil {
			fmt.Fprintf(b, ", HasMin: true, Min: %d", *s.Min)
		}
		if s.Max != nil {
			fmt.Fprintf(b, ", HasMax: true, Max: %d", *s.Max)
		}
		if s.Pattern != "" {
			fmt.Fprintf(b, ", Pattern: %q", s.Pattern)
			if text := g.patternTexts[s.Pattern]; text != "" {
				used[s.Pattern] = true
				fmt.Fprintf(b, ", PatternText: %q", text)
			}
		}
		if len(s.Enum) > 0 {
			fmt.Fprintf(b, ", Enum: []string{%s}", quoted(s.Enum))
		}
		if s.TimestampFormat != "" {
			fmt.Fprintf(b, ", TimeFormat: %q", s.TimestampFormat)
		}
		if elem := s.elem(); elem != nil {
			fmt.Fprintf(b, ", Elem: %d", g.index[elem.Shape])
			if elem.LocationName != "" {
				fmt.Fprintf(b, ", ElemName: %q", elem.LocationName)
			}
		}
		if s.Key != nil {
			fmt.Fprintf(b, ", Key: %d", g.index[s.Key.Shape])
			if s.Key.LocationName != "" {
				fmt.Fprintf(b, ", KeyName: %q", s.Key.LocationName)
			}
		}
		if len(s.Members) > 0 {
			b.WriteString(", Members: []api.Member{\n")
			for _, m := range s.Members {
				if m.Flattened {
					return fmt.Errorf("%s.%s: flattened at the member, which no codec reads", name, m.name)
				}
				fmt.Fprintf(b, "{Name: %q, Shape: %d", m.name, g.index[m.Shape])
				if slices.Contains(s.Required, m.name) {
					b.WriteString(", Required: true")
				}
				if m.LocationName != "" {
					fmt.Fprintf(b, ", LocationName: %q", m.LocationName)
				}
				if m.Location != "" {
					fmt.Fprintf(b, ", Location: %q", m.Location)
				}
				b.WriteString("},\n")
			}
			b.WriteString("}")
		}
		b.WriteString("},\n")
	}
	b.WriteString("}\n")
	if len(used) != len(g.patternTexts) {
		return fmt.Errorf("models/texts has patterns that the model has not")
	}
	return nil
}

// elem is what a list or map holds; nil for other shapes.
func (s *shape) elem() *ref {
	if s.Member != nil {
		return s.Member
	}
	return s.Value
}

func quoted(list []string) string {
	q := make([]string, len(list))
	for i, s := range list {
		q[i] = fmt.Sprintf("%q", s)
	}
	return strings.Join(q, ", ")
}

// unsigned are operations that take unsigned requests though their model does not
// say so: the links in SNS's messages are such requests
// (https://docs.aws.amazon.com/sns/latest/api/API_ConfirmSubscription.html).
var unsigned = map[string]bool{"sns:ConfirmSubscription": true, "sns:Unsubscribe": true}
