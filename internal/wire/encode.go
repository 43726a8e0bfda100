package wire

import (
	"encoding/base64"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"time"

	"github.com/warder-iam/warder/internal/api"
	"github.com/warder-iam/warder/internal/awserr"
)

// ContentTypeXML is the Content-Type of query protocol responses and errors.
const ContentTypeXML = "text/xml"

// AppendQueryResponse appends the body of a successful response to dst. The
// output is a pointer to a struct of type op.Output; it is not looked at, and
// may be nil, if the operation has no output.
//
// Members stand in the model's order and those that are nil are left out. A
// list or map that is empty but not nil is an empty element, and so is a
// required one that is nil, since clients index into what the model promises.
//
// An output of another type is a mistake in the service and panics: a body
// without the output would tell the client of a success it cannot see.
func AppendQueryResponse(dst []byte, svc *api.Service, op *api.Operation, out any, requestID string) []byte {
	dst = appendRoot(dst, op.Name, "Response", svc.XMLNamespace)
	if p := servicePlanOf(svc).of(op.OutputShape); p != nil {
		v := reflect.ValueOf(out)
		if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Type() != p.typ {
			panic(fmt.Sprintf("wire: the output of %s is a %T, not a *%v", op.Name, out, p.typ))
		}
		dst = appendStructure(dst, p, v.Elem(), op.ResultWrapper)
	}
	dst = append(dst, "<ResponseMetadata><RequestId>"...)
	dst = appendText(dst, requestID)
	dst = append(dst, "</RequestId></ResponseMetadata>"...)
	dst = append(append(append(dst, "</"...), op.Name...), "Response>"...)
	return dst
}

// AppendQueryError appends the body of an error response to dst and tells the
// HTTP status that goes with it. The cause of the error stays inside. svc is
// nil when the request did not get as far as a service.
func AppendQueryError(dst []byte, svc *api.Service, err *awserr.Error, requestID string) (status int, body []byte) {
	status, senderFault := svc.ErrorStatus(err.Code)
	namespace := ""
	if svc != nil {
		namespace = svc.XMLNamespace
	}
	dst = appendRoot(dst, "ErrorResponse", "", namespace)
	dst = append(dst, "<Error><Type>"...)
	if senderFault {
		dst = append(dst, "Sender"...)
	} else {
		dst = append(dst, "Receiver"...)
	}
	dst = append(dst, "</Type><Code>"...)
	dst = appendText(dst, queryCode(svc, err.Code))
	dst = append(dst, "</Code>"...)
	if err.Message != "" { // AWS sends no message with some errors
		dst = append(dst, "<Message>"...)
		dst = appendText(dst, err.Message)
		dst = append(dst, "</Message>"...)
	}
	dst = append(dst, "</Error><RequestId>"...)
	dst = appendText(dst, requestID)
	dst = append(dst, "</RequestId></ErrorResponse>"...)
	return status, dst
}

// queryCode is what a service calls an error: SNS has a code of its own for denials.
func queryCode(svc *api.Service, code string) string {
	const denied = "AuthorizationError"
	if code == awserr.CodeAccessDenied && svc != nil && slices.ContainsFunc(svc.Errors, func(e api.Error) bool { return e.Code == denied }) {
		return denied
	}
	return code
}

func appendStructure(dst []byte, p *plan, v reflect.Value, name string) []byte {
	dst = appendOpen(dst, name)
	start := len(dst)
	for i := range p.members {
		dst = appendMember(dst, &p.members[i], v.Field(i))
	}
	if len(dst) == start {
		return appendEmpty(dst[:start-len(name)-2], name)
	}
	return appendClose(dst, name)
}

func appendMember(dst []byte, m *memberPlan, v reflect.Value) []byte {
	if v.IsNil() {
		if m.required && (m.shape.Kind == api.List || m.shape.Kind == api.Map) {
			return appendEmpty(dst, m.name)
		}
		return dst
	}
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	return appendValue(dst, m.plan, v, m.name)
}

func appendValue(dst []byte, p *plan, v reflect.Value, name string) []byte {
	switch p.shape.Kind {
	case api.Structure:
		return appendStructure(dst, p, v, name)
	case api.List:
		return appendList(dst, p, v, name)
	case api.Map:
		return appendMap(dst, p, v, name)
	}
	dst = appendOpen(dst, name)
	switch p.shape.Kind {
	case api.String:
		dst = appendText(dst, v.String())
	case api.Boolean:
		dst = strconv.AppendBool(dst, v.Bool())
	case api.Integer, api.Long:
		dst = strconv.AppendInt(dst, v.Int(), 10)
	case api.Float:
		dst = appendFloat(dst, v.Float(), 32)
	case api.Double:
		dst = appendFloat(dst, v.Float(), 64)
	case api.Timestamp:
		dst = appendTime(dst, *v.Addr().Interface().(*time.Time))
	case api.Blob:
		dst = base64.StdEncoding.AppendEncode(dst, v.Bytes())
	}
	return appendClose(dst, name)
}

// appendTime writes whole seconds in UTC, as IAM and STS do.
func appendTime(dst []byte, t time.Time) []byte {
	return t.UTC().AppendFormat(dst, "2006-01-02T15:04:05Z")
}

func appendFloat(dst []byte, f float64, bits int) []byte {
	switch {
	case math.IsInf(f, 1):
		return append(dst, "Infinity"...)
	case math.IsInf(f, -1):
		return append(dst, "-Infinity"...)
	}
	return strconv.AppendFloat(dst, f, 'g', -1, bits)
}

func appendList(dst []byte, p *plan, v reflect.Value, name string) []byte {
	n := v.Len()
	if n == 0 {
		return appendEmpty(dst, name)
	}
	dst = appendOpen(dst, name)
	for i := range n {
		dst = appendValue(dst, p.elem, v.Index(i), p.itemName)
	}
	return appendClose(dst, name)
}

// appendMap writes the entries in the order of their keys, so that a response
// has one form.
func appendMap(dst []byte, p *plan, v reflect.Value, name string) []byte {
	if v.Len() == 0 {
		return appendEmpty(dst, name)
	}
	dst = appendOpen(dst, name)
	entries := make(map[string]reflect.Value, v.Len())
	for it := v.MapRange(); it.Next(); {
		entries[it.Key().String()] = it.Value()
	}
	for _, key := range slices.Sorted(maps.Keys(entries)) {
		dst = append(dst, "<entry>"...)
		dst = appendOpen(dst, p.keyName)
		dst = appendText(dst, key)
		dst = appendClose(dst, p.keyName)
		value := reflect.New(p.typ.Elem()).Elem() // what a map holds has no address
		value.Set(entries[key])
		dst = appendValue(dst, p.elem, value, p.itemName)
		dst = append(dst, "</entry>"...)
	}
	return appendClose(dst, name)
}
