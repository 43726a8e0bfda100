package question

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// maxDepth is how deep JSON may nest.
const maxDepth = 32

// ParseJSON reads one JSON value strictly: a name that stands twice in an
// object, data after the value, deep nesting, invalid UTF-8 and unpaired
// surrogates are refused, since another reader of the same text could see
// something else in them. Objects are map[string]any, with names as they are
// written; numbers are json.Number.
func ParseJSON(data []byte) (any, error) {
	if !utf8.Valid(data) {
		return nil, errors.New("the JSON is not valid UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	v, err := parseValue(d, 0)
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is data after the JSON value")
	}
	return v, nil
}

// ParseObject is ParseJSON of what must be an object.
func ParseObject(data []byte) (map[string]any, error) {
	v, err := ParseJSON(data)
	if err != nil {
		return nil, err
	}
	o, ok := v.(map[string]any)
	if !ok {
		return nil, errors.New("the JSON is not an object")
	}
	return o, nil
}

func token(d *json.Decoder) (json.Token, error) {
	t, err := d.Token()
	if errors.Is(err, io.EOF) {
		return nil, errors.New("the JSON ends too early")
	}
	if err != nil {
		return nil, fmt.Errorf("malformed JSON: %w", err)
	}
	if s, ok := t.(string); ok && strings.ContainsRune(s, utf8.RuneError) {
		return nil, errors.New("a JSON string holds an unpaired surrogate or U+FFFD")
	}
	return t, nil
}

func parseValue(d *json.Decoder, depth int) (any, error) {
	t, err := token(d)
	if err != nil {
		return nil, err
	}
	delim, ok := t.(json.Delim)
	if !ok {
		return t, nil
	}
	if depth == maxDepth {
		return nil, fmt.Errorf("the JSON is nested deeper than %d", maxDepth)
	}
	if delim == '{' {
		return parseObject(d, depth+1)
	}
	list := []any{}
	for d.More() {
		v, err := parseValue(d, depth+1)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	_, err = token(d) // the closing bracket
	return list, err
}

func parseObject(d *json.Decoder, depth int) (any, error) {
	o := map[string]any{}
	for d.More() {
		t, err := token(d)
		if err != nil {
			return nil, err
		}
		name, ok := t.(string)
		if !ok {
			return nil, errors.New("malformed JSON: the name of a member is not a string")
		}
		if _, twice := o[name]; twice {
			return nil, fmt.Errorf("the name %q stands twice in a JSON object", name)
		}
		if o[name], err = parseValue(d, depth); err != nil {
			return nil, err
		}
	}
	_, err := token(d) // the closing brace
	return o, err
}
