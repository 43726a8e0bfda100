package question

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/warder-iam/warder/policy"
)

// Value is a JSON value as the value of a condition key: a string, a number or
// a boolean, or a list of them for a key with several values. Numbers keep the
// digits they are written with. Null and objects are no values: dropping them
// could make a Deny miss.
func Value(v any) (policy.Value, error) {
	if list, ok := v.([]any); ok {
		texts := make([]string, len(list))
		for i, item := range list {
			text, err := scalar(item)
			if err != nil {
				return policy.Value{}, err
			}
			texts[i] = text
		}
		return policy.Strings(texts...), nil
	}
	if b, ok := v.(bool); ok {
		return policy.Bool(b), nil
	}
	text, err := scalar(v)
	return policy.String(text), err
}

func scalar(v any) (string, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case json.Number:
		return v.String(), nil
	case bool:
		if v {
			return "true", nil
		}
		return "false", nil
	case nil:
		return "", errors.New("null is no value of a condition key")
	case []any:
		return "", errors.New("a list in a list is no value of a condition key")
	default:
		return "", errors.New("an object is no value of a condition key")
	}
}

// maxKey is how long the name of a condition key may be, as in the simulator
// (https://docs.aws.amazon.com/IAM/latest/APIReference/API_ContextEntry.html).
const maxKey = 256

// Add sets a condition key, and refuses one that is set already: the names of
// keys do not differ in case alone.
func Add(v policy.Values, name string, value policy.Value) error {
	if name == "" || len(name) > maxKey {
		return fmt.Errorf("the name of a condition key has 1 to %d characters", maxKey)
	}
	if !strings.Contains(name, ":") {
		return fmt.Errorf("the condition key %q has no prefix such as \"aws:\"", name)
	}
	k := policy.KeyOf(name)
	if _, twice := v[k]; twice {
		return fmt.Errorf("the condition key %q is given twice", name)
	}
	v[k] = value
	return nil
}

// AddObject sets the condition keys that a JSON object holds by their names.
func AddObject(v policy.Values, o map[string]any) error {
	for _, name := range slices.Sorted(maps.Keys(o)) {
		value, err := Value(o[name])
		if err != nil {
			return fmt.Errorf("condition key %q: %w", name, err)
		}
		if err := Add(v, name, value); err != nil {
			return err
		}
	}
	return nil
}
