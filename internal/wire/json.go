package wire

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"math"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/warder-iam/warder/internal/api"
	"github.com/warder-iam/warder/internal/awserr"
)

// The AWS JSON protocols, 1.0 and 1.1, which differ in their content type only
// (https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html).

// codeSerialization is the code of bodies that cannot be read.
const codeSerialization = "SerializationException"

// Target finds the operation that an X-Amz-Target header asks for:
// "PREFIX.Operation". The SDKs that are made of Smithy models know the prefix without
// the package that older ones have in it: "CloudTrail_20131101".
func Target(svc *api.Service, target string) (*api.Operation, error) {
	short := svc.TargetPrefix[strings.LastIndexByte(svc.TargetPrefix, '.')+1:]
	name, ok := strings.CutPrefix(target, svc.TargetPrefix+".")
	if !ok {
		name, ok = strings.CutPrefix(target, short+".")
	}
	if ok {
		if op := svc.Operation(name); op != nil {
			return op, nil
		}
	}
	return nil, awserr.New("UnknownOperationException", "")
}

// DecodeJSON reads a JSON protocol request into a new input of op, a pointer to
// a struct of type op.Input. An empty body is an empty input.
//
// As AWS does, it passes over members that the operation does not have, and
// takes null for a member that was not sent. A member that is sent twice is
// refused: readers differ on which of the two counts.
func DecodeJSON(svc *api.Service, op *api.Operation, body []byte) (any, error) {
	in := reflect.New(op.Input)
	if !utf8.Valid(body) {
		return nil, unreadable("The body is not valid UTF-8")
	}
	if len(bytes.TrimSpace(body)) == 0 {
		return in.Interface(), nil
	}
	d := &jsonDecoder{json.NewDecoder(bytes.NewReader(body))}
	d.UseNumber()
	token, err := d.next()
	if err != nil {
		return nil, err
	}
	if token != json.Delim('{') {
		return nil, unreadable("Start of structure expected")
	}
	p := servicePlanOf(svc).of(op.InputShape)
	if p == nil {
		p = &plan{shape: &api.Shape{Kind: api.Structure}}
	}
	if err := d.structure(p, in.Elem(), 1); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, unreadable("There is data after the end of the body's structure")
	}
	return in.Interface(), nil
}

// maxNesting is how deep a body may nest: models are recursive, stacks are not
// endless.
const maxNesting = 64

type jsonDecoder struct{ *json.Decoder }

func (d *jsonDecoder) next() (json.Token, error) {
	token, err := d.Token()
	if err != nil {
		return nil, unreadable("The body is not valid JSON")
	}
	return token, nil
}

// structure reads the members of an object whose brace has been read.
func (d *jsonDecoder) structure(p *plan, v reflect.Value, depth int) error {
	seen := make(map[string]bool)
	for d.More() {
		name, err := d.name(seen)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(p.members, func(m memberPlan) bool { return m.name == name })
		if i < 0 {
			if err := d.skip(depth); err != nil {
				return err
			}
			continue
		}
		if err := d.value(p.members[i].plan, v.Field(i), depth); err != nil {
			return err
		}
	}
	_, err := d.next()
	return err
}

// name reads the name of an object's next member.
func (d *jsonDecoder) name(seen map[string]bool) (string, error) {
	token, err := d.next()
	if err != nil {
		return "", err
	}
	name := token.(string)
	if seen[name] {
		return "", unreadable("%s is given more than once", clip(name, maxEcho))
	}
	seen[name] = true
	return name, nil
}

// skip passes over a value.
func (d *jsonDecoder) skip(depth int) error {
	open := 0
	for {
		token, err := d.next()
		if err != nil {
			return err
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			if open++; depth+open > maxNesting {
				return tooDeep()
			}
		case json.Delim('}'), json.Delim(']'):
			open--
		}
		if open == 0 {
			return nil
		}
	}
}

func (d *jsonDecoder) value(p *plan, v reflect.Value, depth int) error {
	token, err := d.next()
	if err != nil {
		return err
	}
	if depth++; depth > maxNesting {
		return tooDeep()
	}
	delim, isDelim := token.(json.Delim)
	switch {
	case token == nil:
		return nil // null: not sent
	case p.shape.Kind == api.Structure:
		if delim != '{' {
			return misplaced(token)
		}
		if v.Kind() == reflect.Pointer {
			v.Set(reflect.New(p.typ))
			v = v.Elem()
		}
		return d.structure(p, v, depth)
	case p.shape.Kind == api.List:
		if delim != '[' {
			return misplaced(token)
		}
		return d.list(p, v, depth)
	case p.shape.Kind == api.Map:
		if delim != '{' {
			return misplaced(token)
		}
		return d.entries(p, v, depth)
	case isDelim:
		return misplaced(token)
	}
	return jsonScalar(p, v, token)
}

func (d *jsonDecoder) list(p *plan, v reflect.Value, depth int) error {
	v.Set(reflect.MakeSlice(p.typ, 0, 0))
	for d.More() {
		v.Set(reflect.Append(v, reflect.Zero(p.typ.Elem())))
		if err := d.value(p.elem, v.Index(v.Len()-1), depth); err != nil {
			return err
		}
	}
	_, err := d.next()
	return err
}

func (d *jsonDecoder) entries(p *plan, v reflect.Value, depth int) error {
	v.Set(reflect.MakeMap(p.typ))
	seen := make(map[string]bool)
	for d.More() {
		name, err := d.name(seen)
		if err != nil {
			return err
		}
		elem := reflect.New(p.typ.Elem()).Elem()
		if err := d.value(p.elem, elem, depth); err != nil {
			return err
		}
		v.SetMapIndex(reflect.ValueOf(name).Convert(p.typ.Key()), elem)
	}
	_, err := d.next()
	return err
}

// jsonScalar reads a string, number or boolean into a field. The refusals are
// in the words of AWS's JSON services, which name the token and the type.
func jsonScalar(p *plan, v reflect.Value, token json.Token) error {
	target := v.Addr().Interface()
	switch p.shape.Kind {
	case api.String:
		if text, ok := token.(string); ok {
			set(target, text)
			return nil
		}
	case api.Boolean:
		if b, ok := token.(bool); ok {
			set(target, b)
			return nil
		}
	case api.Integer, api.Long:
		if n, ok := token.(json.Number); ok {
			return jsonInteger(p, target, n)
		}
	case api.Float, api.Double:
		if n, ok := jsonFloat(token); ok {
			if p.shape.Kind == api.Float {
				set(target, float32(n))
			} else {
				set(target, n)
			}
			return nil
		}
	case api.Timestamp:
		if t, ok := jsonTime(token); ok {
			set(target, t)
			return nil
		}
	case api.Blob:
		if text, ok := token.(string); ok {
			b, err := base64.StdEncoding.Strict().DecodeString(text)
			if err != nil || strings.ContainsAny(text, "\r\n") {
				return unreadable("A blob is not valid base64")
			}
			*target.(*[]byte) = b
			return nil
		}
	}
	return unreadable("%s can not be converted to %s", tokenName(token), kindNames[p.shape.Kind])
}

func jsonInteger(p *plan, target any, n json.Number) error {
	bits := 64
	if p.shape.Kind == api.Integer {
		bits = 32
	}
	i, err := strconv.ParseInt(n.String(), 10, bits)
	if err != nil {
		// 1.0 and 1e3 are integers too.
		f, ferr := n.Float64()
		if ferr != nil || f != math.Trunc(f) || math.Abs(f) >= 1<<53 || bits == 32 && int64(f) != int64(int32(f)) {
			return unreadable("NUMBER_VALUE can not be converted to %s", kindNames[p.shape.Kind])
		}
		i = int64(f)
	}
	if bits == 32 {
		set(target, int32(i))
	} else {
		set(target, i)
	}
	return nil
}

func jsonFloat(token json.Token) (float64, bool) {
	switch t := token.(type) {
	case json.Number:
		f, err := t.Float64()
		return f, err == nil
	case string:
		switch t {
		case "NaN", "Infinity", "-Infinity":
			f, err := strconv.ParseFloat(t, 64)
			return f, err == nil
		}
	}
	return 0, false
}

// jsonTime reads a time: seconds since 1970, with a fraction, or a date as
// services take it too.
func jsonTime(token json.Token) (time.Time, bool) {
	switch t := token.(type) {
	case json.Number:
		f, err := t.Float64()
		const furthest = 1 << 40 // seconds; beyond it dates have no four-digit years
		if err != nil || math.Abs(f) > furthest {
			return time.Time{}, false
		}
		whole, part := math.Modf(f)
		return time.Unix(int64(whole), int64(math.Round(part*1e3))*1e6).UTC(), true
	case string:
		at, err := time.Parse(time.RFC3339, t)
		return at.UTC(), err == nil
	}
	return time.Time{}, false
}

var kindNames = map[api.Kind]string{
	api.String: "a String", api.Boolean: "a Boolean", api.Integer: "an Integer", api.Long: "a Long",
	api.Float: "a Float", api.Double: "a Double", api.Timestamp: "a Timestamp", api.Blob: "a Blob",
}

func tokenName(token json.Token) string {
	switch t := token.(type) {
	case string:
		return "STRING_VALUE"
	case bool:
		if t {
			return "TRUE_VALUE"
		}
		return "FALSE_VALUE"
	}
	return "NUMBER_VALUE"
}

func misplaced(token json.Token) error {
	switch token {
	case json.Delim('{'):
		return unreadable("Start of structure or map found where not expected.")
	case json.Delim('['):
		return unreadable("Start of list found where not expected")
	}
	return unreadable("Unexpected field type")
}

func tooDeep() error { return unreadable("The body nests too deep") }

func unreadable(format string, args ...any) error {
	return awserr.New(codeSerialization, format, args...)
}

// ContentTypeJSON is the Content-Type of a service's responses and errors.
func ContentTypeJSON(svc *api.Service) string { return "application/x-amz-json-" + svc.JSONVersion }

// AppendJSONResponse appends the body of a successful response to dst. The
// output is a pointer to a struct of type op.Output. Members that are nil are
// left out.
func AppendJSONResponse(dst []byte, svc *api.Service, op *api.Operation, out any) []byte {
	p := servicePlanOf(svc).of(op.OutputShape)
	if p == nil {
		return append(dst, "{}"...)
	}
	return appendJSON(dst, p, reflect.ValueOf(out).Elem())
}

// jsonCodes are the errors common to all services that have another name in the
// JSON protocols
// (https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/CommonErrors.html).
var jsonCodes = map[string]string{
	"AccessDenied":               "AccessDeniedException",
	"ExpiredToken":               "ExpiredTokenException",
	"IncompleteSignature":        "IncompleteSignatureException",
	"InvalidClientTokenId":       "UnrecognizedClientException",
	"MissingAuthenticationToken": "MissingAuthenticationTokenException",
	"SignatureDoesNotMatch":      "InvalidSignatureException",
	"Throttling":                 "ThrottlingException",
	"ValidationError":            "ValidationException",
}

// AppendJSONError appends the body of an error response to dst and tells the
// HTTP status that goes with it: 400 for all that the caller is to blame for.
// The cause of the error stays inside.
func AppendJSONError(dst []byte, svc *api.Service, err *awserr.Error) (status int, body []byte) {
	status, sender := svc.ErrorStatus(err.Code)
	if sender {
		status = http.StatusBadRequest
	}
	dst = append(dst, `{"__type":`...)
	dst = appendJSONString(dst, cmp.Or(jsonCodes[err.Code], err.Code))
	if err.Message != "" {
		// Errors of the model call it message, and those of AWS's front end
		// Message; SDKs read either.
		dst = append(dst, `,"message":`...)
		dst = appendJSONString(dst, err.Message)
	}
	return status, append(dst, '}')
}

func appendJSON(dst []byte, p *plan, v reflect.Value) []byte {
	switch p.shape.Kind {
	case api.Structure:
		dst = append(dst, '{')
		for i := range p.members {
			m, field := &p.members[i], v.Field(i)
			if field.IsNil() {
				continue
			}
			if field.Kind() == reflect.Pointer {
				field = field.Elem()
			}
			dst = appendName(dst, m.name)
			dst = appendJSON(dst, m.plan, field)
		}
		return append(dst, '}')
	case api.List:
		dst = append(dst, '[')
		for i := range v.Len() {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendJSON(dst, p.elem, v.Index(i))
		}
		return append(dst, ']')
	case api.Map:
		return appendJSONMap(dst, p, v)
	case api.String:
		return appendJSONString(dst, v.String())
	case api.Boolean:
		return strconv.AppendBool(dst, v.Bool())
	case api.Integer, api.Long:
		return strconv.AppendInt(dst, v.Int(), 10)
	case api.Float:
		return appendJSONFloat(dst, v.Float(), 32)
	case api.Double:
		return appendJSONFloat(dst, v.Float(), 64)
	case api.Timestamp:
		t := v.Interface().(time.Time)
		return strconv.AppendFloat(dst, float64(t.UnixMilli())/1e3, 'f', -1, 64)
	case api.Blob:
		dst = append(dst, '"')
		dst = base64.StdEncoding.AppendEncode(dst, v.Bytes())
		return append(dst, '"')
	}
	return dst
}

// appendName writes the name of a member, behind a comma unless it is the first.
func appendName(dst []byte, name string) []byte {
	if dst[len(dst)-1] != '{' {
		dst = append(dst, ',')
	}
	return append(appendJSONString(dst, name), ':')
}

// appendJSONMap writes the entries in the order of their keys, so that a
// response has one form.
func appendJSONMap(dst []byte, p *plan, v reflect.Value) []byte {
	entries := make(map[string]reflect.Value, v.Len())
	for it := v.MapRange(); it.Next(); {
		entries[it.Key().String()] = it.Value()
	}
	dst = append(dst, '{')
	for _, key := range slices.Sorted(maps.Keys(entries)) {
		dst = appendName(dst, key)
		dst = appendJSON(dst, p.elem, entries[key])
	}
	return append(dst, '}')
}

func appendJSONFloat(dst []byte, f float64, bits int) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		dst = append(dst, '"')
		return append(appendFloat(dst, f, bits), '"')
	}
	return strconv.AppendFloat(dst, f, 'g', -1, bits)
}

// appendJSONString writes a string as JSON. What is not UTF-8 becomes the
// replacement character.
func appendJSONString(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r == '\n':
			dst = append(dst, '\\', 'n')
		case r == '\r':
			dst = append(dst, '\\', 'r')
		case r == '\t':
			dst = append(dst, '\\', 't')
		case r < 0x20 || r == 0x2028 || r == 0x2029:
			dst = append(dst, '\\', 'u', hex[r>>12&15], hex[r>>8&15], hex[r>>4&15], hex[r&15])
		default:
			dst = utf8.AppendRune(dst, r)
		}
	}
	return append(dst, '"')
}
