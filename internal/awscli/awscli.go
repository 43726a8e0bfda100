// Package awscli reads and writes the outputs of operations as the AWS CLI
// prints them: JSON with the members' names of the API model, policy documents
// as JSON objects. The SDKs' outputs, where documents are percent-encoded
// strings, are read too. Import, export and `warder test` use it with the
// output types of internal/api.
package awscli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"strings"
	"time"

	"github.com/warder-iam/warder/internal/question"
)

// Unmarshal reads an operation's output into its type. Policy documents become
// strings of JSON text, without the spaces that a printer put between tokens.
// Members that the type does not have are passed over, as SDKs do; a name that
// stands twice in an object is refused, also in another case, since encoding/json
// would take the last.
func Unmarshal(text []byte, out any) error {
	if _, err := question.ParseObject(text); err != nil {
		return err
	}
	flat, err := flatten("", text)
	if err != nil {
		return err
	}
	return json.Unmarshal(flat, out)
}

// flatten makes strings of the policy documents in a value that stands under
// name. The text is known to be JSON.
func flatten(name string, raw json.RawMessage) (json.RawMessage, error) {
	raw = bytes.TrimSpace(raw)
	switch {
	case isDocument(name):
		return document(name, raw)
	case raw[0] == '{':
		var members map[string]json.RawMessage
		if err := json.Unmarshal(raw, &members); err != nil {
			return nil, err
		}
		seen := make(map[string]bool, len(members))
		for member, value := range members {
			fold := strings.ToLower(strings.ToUpper(member))
			if seen[fold] {
				return nil, fmt.Errorf("the name %q stands twice in a JSON object", member)
			}
			seen[fold] = true
			flat, err := flatten(member, value)
			if err != nil {
				return nil, err
			}
			members[member] = flat
		}
		return json.Marshal(members)
	case raw[0] == '[':
		var items []json.RawMessage
		if err := json.Unmarshal(raw, &items); err != nil {
			return nil, err
		}
		for i, item := range items {
			flat, err := flatten("", item)
			if err != nil {
				return nil, err
			}
			items[i] = flat
		}
		return json.Marshal(items)
	}
	return raw, nil
}

// isDocument says whether a member holds a policy document. The metadata of a
// SAML provider is called a document too, and is XML.
func isDocument(name string) bool {
	fold := strings.ToLower(name)
	return strings.HasSuffix(fold, "document") && fold != "samlmetadatadocument"
}

// document is a policy document as a JSON string of its text.
func document(name string, raw json.RawMessage) (json.RawMessage, error) {
	if raw[0] == '{' {
		var text bytes.Buffer
		if err := json.Compact(&text, raw); err != nil {
			return nil, err
		}
		return quote(text.String())
	}
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return nil, fmt.Errorf("%s is neither a JSON object nor a string", name)
	}
	if strings.HasPrefix(text, "%") {
		var err error
		if text, err = url.PathUnescape(text); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	if !strings.HasPrefix(strings.TrimSpace(text), "{") {
		return nil, fmt.Errorf("%s is neither a JSON object nor percent-encoded", name)
	}
	return quote(text)
}

// quote is a JSON string that says exactly what the text says: encoding/json
// alone would put replacement characters for what is not UTF-8.
func quote(text string) (json.RawMessage, error) {
	if strings.ToValidUTF8(text, "") != text {
		return nil, errors.New("a policy document is not valid UTF-8")
	}
	return json.Marshal(text)
}

// Marshal writes an output as the CLI prints it: indented by four spaces,
// members that are absent left out, documents as objects.
func Marshal(out any) ([]byte, error) {
	v, err := plain("", reflect.ValueOf(out))
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "    ")
	err = e.Encode(v)
	return b.Bytes(), err
}

// member is a name and a value: objects keep the order of the model.
type member struct {
	name  string
	value any
}

type object []member

// MarshalJSON implements json.Marshaler.
func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		if err := e.Encode(m.name); err != nil {
			return nil, err
		}
		b.WriteByte(':')
		if err := e.Encode(m.value); err != nil {
			return nil, err
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// plain gives a value the form that it is printed in; nil for what is absent.
func plain(name string, v reflect.Value) (any, error) {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return nil, nil
		}
		return plain(name, v.Elem())
	case reflect.Struct:
		if t, ok := v.Interface().(time.Time); ok {
			return t.UTC().Format("2006-01-02T15:04:05+00:00"), nil
		}
		o := object{}
		for i := range v.NumField() {
			field := v.Type().Field(i)
			value, err := plain(field.Name, v.Field(i))
			if err != nil {
				return nil, err
			}
			if value != nil {
				o = append(o, member{field.Name, value})
			}
		}
		return o, nil
	case reflect.Slice:
		if v.IsNil() {
			return nil, nil
		}
		items := make([]any, v.Len())
		for i := range items {
			var err error
			if items[i], err = plain("", v.Index(i)); err != nil {
				return nil, err
			}
		}
		return items, nil
	case reflect.String:
		if isDocument(name) {
			return asObject(v.String())
		}
	}
	return v.Interface(), nil
}

// asObject is the text of a document, percent-encoded or not, to stand as JSON.
func asObject(text string) (any, error) {
	if strings.HasPrefix(text, "%") {
		var err error
		if text, err = url.PathUnescape(text); err != nil {
			return nil, err
		}
	}
	if !json.Valid([]byte(text)) {
		return text, nil
	}
	return json.RawMessage(text), nil
}
