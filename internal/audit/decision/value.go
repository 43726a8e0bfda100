package decision

import (
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/warder-iam/warder/internal/state"
	"github.com/warder-iam/warder/policy"
)

// Value is the value of a condition key as JSON: a string, or a list of strings for
// a key that is multivalued. What was typed is read from its text again when a
// policy asks for it.
type Value struct{ policy.Value }

// MarshalJSONTo implements json.MarshalerTo.
func (v Value) MarshalJSONTo(e *jsontext.Encoder) error {
	if !v.Multivalued() {
		return e.WriteToken(jsontext.String(v.At(0)))
	}
	if err := e.WriteToken(jsontext.BeginArray); err != nil {
		return err
	}
	for i := range v.Len() {
		if err := e.WriteToken(jsontext.String(v.At(i))); err != nil {
			return err
		}
	}
	return e.WriteToken(jsontext.EndArray)
}

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (v *Value) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if d.PeekKind() == '[' {
		var list []string
		if err := json.UnmarshalDecode(d, &list); err != nil {
			return err
		}
		v.Value = policy.Strings(list...)
		return nil
	}
	t, err := d.ReadToken()
	if err != nil {
		return err
	}
	if t.Kind() != '"' {
		return fmt.Errorf("the value of a condition key is %s", t.Kind())
	}
	v.Value = policy.String(t.String())
	return nil
}

// Tags are tags as pairs of key and value, in their order.
type Tags [][2]string

func tagsOf(tags []state.Tag) Tags {
	if len(tags) == 0 {
		return nil
	}
	out := make(Tags, len(tags))
	for i, t := range tags {
		out[i] = [2]string{t.Key, t.Value}
	}
	return out
}

func (t Tags) list() []state.Tag {
	if len(t) == 0 {
		return nil
	}
	out := make([]state.Tag, len(t))
	for i, pair := range t {
		out[i] = state.Tag{Key: pair[0], Value: pair[1]}
	}
	return out
}
