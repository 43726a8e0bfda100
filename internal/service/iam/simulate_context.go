package iam

import (
	"encoding/base64"
	"net/netip"
	"regexp"
	"strings"
	"time"

	api "github.com/warder-iam/warder/internal/api/iam"
	"github.com/warder-iam/warder/policy"
)

// The values of context entries, each checked for what its type says it is
// (https://docs.aws.amazon.com/IAM/latest/APIReference/API_ContextEntry.html).

// contextType is a type without "List", and how its values are read: a nil
// error is all that decides whether a value is one.
type contextType struct {
	expected string
	value    func(text string) (policy.Value, bool)
}

var contextTypes = map[string]contextType{
	api.ContextKeyTypeEnumString: {"string", func(s string) (policy.Value, bool) { return policy.String(s), true }},
	api.ContextKeyTypeEnumNumeric: {"numeric format", func(s string) (policy.Value, bool) {
		return policy.String(s), numeric.MatchString(s)
	}},
	api.ContextKeyTypeEnumBoolean: {"boolean format", func(s string) (policy.Value, bool) {
		return policy.Bool(strings.EqualFold(s, "true")), strings.EqualFold(s, "true") || strings.EqualFold(s, "false")
	}},
	api.ContextKeyTypeEnumIp: {"IP address", func(s string) (policy.Value, bool) {
		a, err := netip.ParseAddr(s)
		return policy.Addr(a), err == nil && a.Zone() == ""
	}},
	api.ContextKeyTypeEnumBinary: {"base-64 encoded binary format", func(s string) (policy.Value, bool) {
		b, err := base64.StdEncoding.DecodeString(s)
		return policy.Binary(b), err == nil && !strings.ContainsAny(s, "\r\n")
	}},
	api.ContextKeyTypeEnumDate: {"DateTime format", func(s string) (policy.Value, bool) {
		return policy.String(s), isDate(s)
	}},
}

var (
	numeric = regexp.MustCompile(`^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?$`)
	epoch   = regexp.MustCompile(`^[0-9]{1,12}(\.[0-9]{1,9})?$`)
)

// isDate takes the forms of
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_Date:
// the W3C's profile of ISO 8601, or seconds of Unix time.
func isDate(s string) bool {
	if epoch.MatchString(s) {
		return true
	}
	for _, layout := range []string{"2006-01", "2006-01-02", "2006-01-02T15:04Z07:00", time.RFC3339Nano, "2006-01-02T15:04Z0700", "2006-01-02T15:04:05.999999999Z0700"} {
		if _, err := time.Parse(layout, s); err == nil {
			return true
		}
	}
	return false
}

// contextValue reads the values of one entry. A list stays a list, even of one
// value, since operators tell them apart.
func contextValue(name, kind string, texts []string) (policy.Value, error) {
	if len(texts) == 0 {
		return policy.Value{}, invalidInput("Context values for context key %s cannot be null or empty.", name)
	}
	base, list := strings.CutSuffix(kind, "List")
	t, ok := contextTypes[base]
	if !ok {
		if kind == "" {
			kind = "null"
		}
		return policy.Value{}, invalidInput("Context key %s has invalid type %s.", name, kind)
	}
	if !list && len(texts) != 1 {
		return policy.Value{}, invalidInput("Context key %s expected a single value, but received %d.", name, len(texts))
	}
	values := make([]string, len(texts))
	for i, text := range texts {
		v, ok := t.value(text)
		if !ok {
			return policy.Value{}, invalidInput("Invalid context value for key %s: expected %s.", name, t.expected)
		}
		if !list {
			return v, nil
		}
		values[i] = v.At(0)
	}
	return policy.Strings(values...), nil
}
