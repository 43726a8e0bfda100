package policy

import (
	"encoding/base64"
	"net/netip"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
	"unique"
)

// Key is the interned, lower-cased name of a condition context key. Keys are
// compared as pointers. The whole name is without regard to case, the tag key
// in aws:ResourceTag/KEY too
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/access_tags.html).
type Key struct{ h unique.Handle[string] }

// KeyOf is the key of a name in any case. Letters beyond ASCII are never taken
// for ASCII ones, as Unicode's lower case does with the Kelvin sign: a tag that
// only looks like "rank" must not answer for aws:PrincipalTag/rank.
func KeyOf(name string) Key { return Key{unique.Make(lower(name))} }

func lower(name string) string {
	for i := range len(name) {
		if name[i] >= utf8.RuneSelf {
			return strings.Map(func(r rune) rune {
				if low := unicode.ToLower(r); r < utf8.RuneSelf || low >= utf8.RuneSelf {
					return low
				}
				return r
			}, name)
		}
	}
	return strings.ToLower(name)
}

// String is the lower-cased name.
func (k Key) String() string {
	if k == (Key{}) {
		return ""
	}
	return k.h.Value()
}

// Context holds the condition keys of one request. Evaluate looks up only what
// statements that might match ask for, so an implementation may compute values
// lazily. Lookup must give the same answer throughout one evaluation. A key
// that is present with an empty list is not the same as a missing one.
type Context interface {
	Lookup(Key) (Value, bool)
}

// Values is a Context made from a map, for callers that have no cheaper way.
type Values map[Key]Value

// NewContext is an empty context.
func NewContext() Values { return Values{} }

// Set gives a key its value, and returns the context for chaining.
func (c Values) Set(name string, v Value) Values {
	c[KeyOf(name)] = v
	return c
}

// Lookup implements Context.
func (c Values) Lookup(k Key) (Value, bool) {
	v, ok := c[k]
	return v, ok
}

// Value is the immutable value of a context key: one or several strings, or
// one typed value. Typed values carry their parsed form, so that a comparison
// does not parse.
type Value struct {
	text string
	list []string
	addr netip.Addr
	sec  int64
	nsec int32
	kind valueKind
}

type valueKind uint8

const (
	kindString valueKind = iota
	kindList
	kindBool
	kindInt
	kindTime
	kindAddr
	kindBinary
)

// String is a single string.
func String(s string) Value { return Value{text: s} }

// Strings is the value of a multivalued key. The slice must not change afterwards.
func Strings(s ...string) Value { return Value{kind: kindList, list: s} }

// Bool is "true" or "false".
func Bool(b bool) Value { return Value{kind: kindBool, text: strconv.FormatBool(b)} }

// Int is a whole number.
func Int(n int64) Value { return Value{kind: kindInt, text: strconv.FormatInt(n, 10)} }

// Time is a moment; its text is ISO 8601 in UTC, to the second or finer if needed.
func Time(t time.Time) Value {
	return Value{kind: kindTime, text: t.UTC().Format("2006-01-02T15:04:05.999999999Z"), sec: t.Unix(), nsec: int32(t.Nanosecond())}
}

// Addr is an IP address.
func Addr(a netip.Addr) Value {
	a = a.Unmap().WithZone("")
	return Value{kind: kindAddr, addr: a, text: a.String()}
}

// Binary is a byte string, for BinaryEquals. Its text is base64, as in policies.
func Binary(b []byte) Value {
	return Value{kind: kindBinary, text: base64.StdEncoding.EncodeToString(b)}
}

// Multivalued says whether it is the value of a multivalued key, made by Strings.
func (v *Value) Multivalued() bool { return v.kind == kindList }

// Len is the number of values.
func (v *Value) Len() int {
	if v.kind == kindList {
		return len(v.list)
	}
	return 1
}

// At is the text of value number i.
func (v *Value) At(i int) string {
	if v.kind == kindList {
		return v.list[i]
	}
	return v.text
}

// All is a copy of the values' texts.
func (v *Value) All() []string {
	if v.kind == kindList {
		return append([]string{}, v.list...)
	}
	return []string{v.text}
}
