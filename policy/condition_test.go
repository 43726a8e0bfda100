package policy

import (
	"net/netip"
	"strings"
	"testing"
	"time"
)

// conditionHolds says whether a condition lets a statement of an effect match.
func conditionHolds(t *testing.T, effect, condition string, ctx Context) bool {
	t.Helper()
	p := compile(t, Identity, doc(`{"Effect":"`+effect+`","Action":"*","Resource":"*","Condition":`+condition+`}`))
	var m match
	if !m.init(&Request{Principal: user(acctA, "u"), Action: "s3:GetObject", Resource: "arn:aws:s3:::b/o", Context: ctx}, &Layers{}) {
		t.Fatal("bad request")
	}
	return p.statements[0].matches(&m)
}

func one(v Value) Values { return NewContext().Set("t:k", v) }

// TestOperators has a row for each rule of reference_policies_elements_condition_operators.
func TestOperators(t *testing.T) {
	tm := time.Date(2024, 2, 29, 12, 30, 15, 500_000_000, time.UTC)
	missing := NewContext()
	for _, tc := range []struct {
		condition string
		ctx       Context
		want      bool
	}{
		// String operators.
		{`{"StringEquals":{"t:k":"a"}}`, one(String("a")), true},
		{`{"StringEquals":{"t:k":"a"}}`, one(String("A")), false},
		{`{"StringEquals":{"t:k":["x","a"]}}`, one(String("a")), true},
		{`{"StringEquals":{"t:k":["x","y"]}}`, one(String("a")), false},
		{`{"StringEquals":{"t:k":"a*"}}`, one(String("ab")), false},
		{`{"StringEquals":{"t:k":"a*"}}`, one(String("a*")), true},
		{`{"StringEquals":{"t:k":"${*}"}}`, one(String("*")), true},
		{`{"StringEquals":{"t:k":""}}`, one(String("")), true},
		{`{"StringEquals":{"t:k":"true"}}`, one(Bool(true)), true},
		{`{"StringEquals":{"t:k":5}}`, one(Int(5)), true},
		{`{"StringEquals":{"T:K":"a"}}`, one(String("a")), true},
		{`{"StringEquals":{"t:k":"a"}}`, missing, false},
		{`{"StringNotEquals":{"t:k":"a"}}`, one(String("b")), true},
		{`{"StringNotEquals":{"t:k":"a"}}`, one(String("a")), false},
		{`{"StringNotEquals":{"t:k":["a","b"]}}`, one(String("b")), false},
		{`{"StringNotEquals":{"t:k":"a"}}`, missing, true},
		{`{"StringEqualsIgnoreCase":{"t:k":"aB"}}`, one(String("Ab")), true},
		{`{"StringEqualsIgnoreCase":{"t:k":"aB"}}`, one(String("Abc")), false},
		{`{"StringNotEqualsIgnoreCase":{"t:k":"aB"}}`, one(String("Ab")), false},
		{`{"StringNotEqualsIgnoreCase":{"t:k":"aB"}}`, missing, true},
		{`{"StringLike":{"t:k":"a*c?"}}`, one(String("abbbcd")), true},
		{`{"StringLike":{"t:k":"a*c?"}}`, one(String("abbbc")), false},
		{`{"StringLike":{"t:k":"A*"}}`, one(String("ab")), false},
		{`{"StringLike":{"t:k":"*"}}`, one(String("")), true},
		{`{"StringLike":{"t:k":"?"}}`, one(String("")), false},
		{`{"StringLike":{"t:k":"?"}}`, one(String("é")), true},
		{`{"StringLike":{"t:k":"??"}}`, one(String("é")), false},
		{`{"StringLike":{"t:k":"a${*}"}}`, one(String("ab")), false},
		{`{"StringLike":{"t:k":"a${*}"}}`, one(String("a*")), true},
		{`{"StringLike":{"t:k":"${?}${$}"}}`, one(String("?$")), true},
		{`{"StringLike":{"t:k":"*"}}`, missing, false},
		{`{"StringNotLike":{"t:k":"a*"}}`, one(String("b")), true},
		{`{"StringNotLike":{"t:k":["b*","a*"]}}`, one(String("ab")), false},
		{`{"StringNotLike":{"t:k":"*"}}`, missing, true},

		// Numeric operators are exact and take decimals.
		{`{"NumericEquals":{"t:k":"10"}}`, one(String("10.0")), true},
		{`{"NumericEquals":{"t:k":10}}`, one(Int(10)), true},
		{`{"NumericEquals":{"t:k":"9007199254740993"}}`, one(String("9007199254740992")), false},
		{`{"NumericEquals":{"t:k":"-0"}}`, one(String("0")), true},
		{`{"NumericEquals":{"t:k":"1"}}`, missing, false},
		{`{"NumericNotEquals":{"t:k":"10"}}`, one(String("11")), true},
		{`{"NumericNotEquals":{"t:k":["10","11"]}}`, one(String("11")), false},
		{`{"NumericNotEquals":{"t:k":"10"}}`, missing, true},
		{`{"NumericLessThan":{"t:k":"10"}}`, one(String("9.99")), true},
		{`{"NumericLessThan":{"t:k":"10"}}`, one(String("10")), false},
		{`{"NumericLessThan":{"t:k":"-1"}}`, one(String("-2")), true},
		{`{"NumericLessThan":{"t:k":"1"}}`, one(String("-2")), true},
		{`{"NumericLessThanEquals":{"t:k":"10"}}`, one(String("10")), true},
		{`{"NumericLessThanEquals":{"t:k":"10"}}`, one(String("10.01")), false},
		{`{"NumericGreaterThan":{"t:k":"10"}}`, one(String("100")), true},
		{`{"NumericGreaterThan":{"t:k":"10"}}`, one(String("9")), false},
		{`{"NumericGreaterThan":{"t:k":["100","10"]}}`, one(String("50")), true},
		{`{"NumericGreaterThanEquals":{"t:k":"10"}}`, one(String("010")), true},
		{`{"NumericGreaterThanEquals":{"t:k":"10"}}`, one(String("9.999")), false},
		{`{"NumericLessThan":{"t:k":"10"}}`, one(String("1e0")), false},
		{`{"NumericLessThan":{"t:k":"10"}}`, one(String("abc")), false},

		// Date operators.
		{`{"DateEquals":{"t:k":"2024-02-29T12:30:15.5Z"}}`, one(Time(tm)), true},
		{`{"DateEquals":{"t:k":"2024-02-29T13:30:15.500+01:00"}}`, one(Time(tm)), true},
		{`{"DateEquals":{"t:k":"2024-02-29T12:30:15Z"}}`, one(Time(tm)), false},
		{`{"DateNotEquals":{"t:k":"2024-02-29T12:30:15Z"}}`, one(Time(tm)), true},
		{`{"DateNotEquals":{"t:k":"2024-02-29T12:30:15Z"}}`, missing, true},
		{`{"DateLessThan":{"t:k":"2024-03"}}`, one(Time(tm)), true},
		{`{"DateLessThan":{"t:k":"2024"}}`, one(Time(tm)), false},
		{`{"DateGreaterThan":{"t:k":"2024-02-29"}}`, one(Time(tm)), true},
		{`{"DateGreaterThan":{"t:k":"2024-02-29T12:31Z"}}`, one(Time(tm)), false},
		{`{"DateLessThanEquals":{"t:k":"1709209815"}}`, one(String("2024-02-29T12:30:15Z")), true},
		{`{"DateLessThanEquals":{"t:k":1709209814}}`, one(String("2024-02-29T12:30:15Z")), false},
		{`{"DateGreaterThanEquals":{"t:k":"2024-02-29T12:30:15Z"}}`, one(String("1709209815")), true},
		{`{"DateGreaterThanEquals":{"t:k":"2020-01-01T00:00:00Z"}}`, missing, false},
		{`{"DateGreaterThan":{"t:k":"2020-01-01"}}`, one(String("2023-02-29")), false},
		{`{"DateLessThan":{"t:k":"2020-01-01"}}`, one(String("soon")), false},

		// Bool.
		{`{"Bool":{"t:k":"true"}}`, one(Bool(true)), true},
		{`{"Bool":{"t:k":true}}`, one(String("True")), true},
		{`{"Bool":{"t:k":"false"}}`, one(Bool(true)), false},
		{`{"Bool":{"t:k":"false"}}`, missing, false},
		{`{"Bool":{"t:k":"true"}}`, one(String("1")), false},

		// BinaryEquals.
		{`{"BinaryEquals":{"t:k":"QmluYXJ5VmFsdWVJbkJhc2U2NA=="}}`, one(Binary([]byte("BinaryValueInBase64"))), true},
		{`{"BinaryEquals":{"t:k":"QmluYXJ5VmFsdWVJbkJhc2U2NA=="}}`, one(String("QmluYXJ5VmFsdWVJbkJhc2U2NA==")), true},
		{`{"BinaryEquals":{"t:k":"QmluYXJ5VmFsdWVJbkJhc2U2NA=="}}`, one(Binary([]byte("x"))), false},
		{`{"BinaryEquals":{"t:k":"QQ=="}}`, missing, false},

		// Address operators.
		{`{"IpAddress":{"t:k":"203.0.113.0/24"}}`, one(String("203.0.113.9")), true},
		{`{"IpAddress":{"t:k":"203.0.113.77/24"}}`, one(String("203.0.113.9")), true},
		{`{"IpAddress":{"t:k":"203.0.113.0/24"}}`, one(Addr(netip.MustParseAddr("203.0.114.0"))), false},
		{`{"IpAddress":{"t:k":"203.0.113.9"}}`, one(String("203.0.113.9")), true},
		{`{"IpAddress":{"t:k":"203.0.113.9"}}`, one(String("203.0.113.8")), false},
		{`{"IpAddress":{"t:k":["203.0.113.0/24","2001:DB8:1234:5678::/64"]}}`, one(String("2001:db8:1234:5678::1")), true},
		{`{"IpAddress":{"t:k":"0.0.0.0/0"}}`, one(String("2001:db8::1")), false},
		{`{"IpAddress":{"t:k":"10.0.0.0/8"}}`, one(String("::ffff:10.1.2.3")), true},
		{`{"IpAddress":{"t:k":"::ffff:10.0.0.0/104"}}`, one(String("10.1.2.3")), true},
		{`{"IpAddress":{"t:k":"10.0.0.0/8"}}`, missing, false},
		{`{"IpAddress":{"t:k":"0.0.0.0/0"}}`, one(String("010.1.2.3")), false},
		{`{"IpAddress":{"t:k":"::/0"}}`, one(String("fe80::1%eth0")), false},
		{`{"NotIpAddress":{"t:k":"10.0.0.0/8"}}`, one(String("11.0.0.1")), true},
		{`{"NotIpAddress":{"t:k":["11.0.0.0/8","10.0.0.0/8"]}}`, one(String("10.0.0.1")), false},
		{`{"NotIpAddress":{"t:k":"10.0.0.0/8"}}`, one(String("::ffff:10.1.2.3")), false},
		{`{"NotIpAddress":{"t:k":"10.0.0.0/8"}}`, missing, true},

		// ARN operators: Equals and Like alike, six fields each.
		{`{"ArnEquals":{"t:k":"arn:aws:sns:*:123456789012:*"}}`, one(String("arn:aws:sns:eu-west-1:123456789012:topic")), true},
		{`{"ArnLike":{"t:k":"arn:aws:sns:*:123456789012:*"}}`, one(String("arn:aws:sns:eu-west-1:123456789012:a:b")), true},
		{`{"ArnLike":{"t:k":"arn:aws:sns:*:topic"}}`, one(String("arn:aws:sns:eu-west-1:123456789012:topic")), false},
		{`{"ArnLike":{"t:k":"arn:aws:iam::123456789012:role/*"}}`, one(String("arn:aws:iam::123456789012:role/a/b")), true},
		{`{"ArnLike":{"t:k":"arn:aws:iam::123456789012:role/?"}}`, one(String("arn:aws:iam::123456789012:role/ab")), false},
		{`{"ArnEquals":{"t:k":"arn:aws:iam::123456789012:role/a"}}`, missing, false},
		{`{"ArnEquals":{"t:k":"arn:aws:iam::123456789012:role/a"}}`, one(String("arn:aws:iam::123456789012:role/A")), false},
		{`{"ArnLike":{"t:k":"arn:aws:iam::${t:acct}:role/*"}}`, one(String("arn:aws:iam::111111111111:role/r")).Set("t:acct", String("111111111111")), true},
		{`{"ArnLike":{"t:k":"arn:aws:iam::${t:acct}:role/*"}}`, one(String("arn:aws:iam::111111111111:role/r")).Set("t:acct", String("*")), false},
		{`{"ArnNotEquals":{"t:k":"arn:aws:iam::123456789012:role/*"}}`, one(String("arn:aws:iam::123456789012:role/a")), false},
		{`{"ArnNotLike":{"t:k":"arn:aws:iam::123456789012:role/*"}}`, one(String("arn:aws:iam::123456789012:user/a")), true},
		{`{"ArnNotLike":{"t:k":"arn:aws:iam::123456789012:role/*"}}`, missing, true},

		// Null.
		{`{"Null":{"t:k":"true"}}`, missing, true},
		{`{"Null":{"t:k":"true"}}`, one(String("")), false},
		{`{"Null":{"t:k":"false"}}`, one(String("x")), true},
		{`{"Null":{"t:k":false}}`, missing, false},
		{`{"Null":{"t:k":"true"}}`, one(Strings()), true},
		{`{"Null":{"t:k":"false"}}`, one(Strings("a", "b")), true},
		{`{"Null":{"t:k":["true","false"]}}`, missing, true},

		// IfExists.
		{`{"StringEqualsIfExists":{"t:k":"a"}}`, missing, true},
		{`{"StringEqualsIfExists":{"t:k":"a"}}`, one(String("b")), false},
		{`{"StringEqualsIfExists":{"t:k":"a"}}`, one(String("a")), true},
		{`{"StringNotEqualsIfExists":{"t:k":"a"}}`, missing, true},
		{`{"StringNotEqualsIfExists":{"t:k":"a"}}`, one(String("a")), false},
		{`{"BoolIfExists":{"t:k":"false"}}`, missing, true},
		{`{"NumericLessThanIfExists":{"t:k":"5"}}`, one(String("6")), false},
		{`{"IpAddressIfExists":{"t:k":"10.0.0.0/8"}}`, one(String("junk")), false},
		{`{"ForAnyValue:StringEqualsIfExists":{"t:k":"a"}}`, missing, true},
		{`{"ForAnyValue:StringEqualsIfExists":{"t:k":"a"}}`, one(Strings("b")), false},
		{`{"ForAnyValue:StringEqualsIfExists":{"t:k":"a"}}`, one(Strings()), false},

		// Set qualifiers.
		{`{"ForAllValues:StringEquals":{"t:k":["a","b"]}}`, one(Strings("a", "b", "a")), true},
		{`{"ForAllValues:StringEquals":{"t:k":["a","b"]}}`, one(Strings("a", "c")), false},
		{`{"ForAllValues:StringEquals":{"t:k":"a"}}`, missing, true},
		{`{"ForAllValues:StringEquals":{"t:k":"a"}}`, one(Strings()), true},
		{`{"ForAllValues:StringEquals":{"t:k":"a"}}`, one(String("")), true},
		{`{"ForAllValues:StringEquals":{"t:k":"a"}}`, one(Strings("", "")), false},
		{`{"ForAnyValue:StringEquals":{"t:k":["a","b"]}}`, one(Strings("x", "b")), true},
		{`{"ForAnyValue:StringEquals":{"t:k":["a","b"]}}`, one(Strings("x", "y")), false},
		{`{"ForAnyValue:StringEquals":{"t:k":"a"}}`, missing, false},
		{`{"ForAnyValue:StringEquals":{"t:k":"a"}}`, one(Strings()), false},
		{`{"ForAnyValue:StringLike":{"t:k":"*"}}`, one(String("")), false},
		{`{"ForAnyValue:StringEquals":{"t:k":"a"}}`, one(String("a")), true},
		// Negated operators negate each value, not the outcome.
		{`{"ForAllValues:StringNotEquals":{"t:k":["a","b"]}}`, one(Strings("c", "d")), true},
		{`{"ForAllValues:StringNotEquals":{"t:k":["a","b"]}}`, one(Strings("c", "a")), false},
		{`{"ForAllValues:StringNotEquals":{"t:k":"a"}}`, missing, true},
		{`{"ForAnyValue:StringNotEquals":{"t:k":["a","b"]}}`, one(Strings("c", "a")), true},
		{`{"ForAnyValue:StringNotEquals":{"t:k":["a","b"]}}`, one(Strings("b", "a")), false},
		{`{"ForAnyValue:StringNotEquals":{"t:k":"a"}}`, missing, false},
		{`{"ForAllValues:NumericLessThan":{"t:k":"10"}}`, one(Strings("1", "x")), false},
		{`{"ForAllValues:StringNotLike":{"t:k":"prod*"}}`, one(Strings("dev", "production")), false},

		// Blocks and keys are ANDed.
		{`{"StringEquals":{"t:k":"a","t:l":"b"}}`, one(String("a")).Set("t:l", String("b")), true},
		{`{"StringEquals":{"t:k":"a","t:l":"b"}}`, one(String("a")).Set("t:l", String("c")), false},
		{`{"StringEquals":{"t:k":"a"},"Bool":{"t:l":"true"}}`, one(String("a")).Set("t:l", Bool(false)), false},

		// Variables: literal values, defaults, several.
		{`{"StringEquals":{"t:k":"${t:v}"}}`, one(String("x")).Set("T:V", String("x")), true},
		{`{"StringLike":{"t:k":"${t:v}"}}`, one(String("anything")).Set("t:v", String("*")), false},
		{`{"StringLike":{"t:k":"${t:v}/*"}}`, one(String("*/a")).Set("t:v", String("*")), true},
		{`{"StringLike":{"t:k":"a/${t:v}-${t:w}/*"}}`, one(String("a/1-2/c")).Set("t:v", String("1")).Set("t:w", String("2")), true},
		{`{"StringEquals":{"t:k":"${t:v, 'd'}"}}`, one(String("d")), true},
		{`{"StringEquals":{"t:k":"${t:v, 'd'}"}}`, one(String("d")).Set("t:v", String("e")), false},
		{`{"StringEquals":{"t:k":"${t:v,''}"}}`, one(String("")), true},
		{`{"StringEquals":{"t:k":"${t:v}"}}`, one(String("${t:v}")), false},
		{`{"StringEquals":{"t:k":"${t:v}"}}`, one(String("")), false},
		{`{"StringEquals":{"t:k":["${t:v}","a"]}}`, one(String("a")), true},
		{`{"StringEqualsIgnoreCase":{"t:k":"X-${t:v}"}}`, one(String("x-AB")).Set("t:v", String("ab")), true},
		{`{"StringEquals":{"t:k":"${t:v}"}}`, one(String("a")).Set("t:v", Strings("a")), false},
		{`{"Bool":{"t:k":"${t:v}"}}`, one(Bool(true)).Set("t:v", String("TRUE")), true},
		// A variable without a value makes the statement not match, even in a
		// negated operator and on a missing key; IfExists prevents that.
		{`{"StringNotEquals":{"t:k":"${t:v}"}}`, one(String("a")), false},
		{`{"StringNotEquals":{"t:k":["${t:v}","b"]}}`, one(String("a")), false},
		{`{"StringNotEquals":{"t:k":"${t:v}"}}`, missing, false},
		{`{"StringNotEqualsIfExists":{"t:k":"${t:v}"}}`, missing, true},
		{`{"ForAllValues:StringEquals":{"t:k":"${t:v}"}}`, missing, false},
		{`{"StringNotEquals":{"t:k":"${t:v, 'b'}"}}`, one(String("a")), true},
	} {
		for _, effect := range []string{"Allow", "Deny"} {
			if got := conditionHolds(t, effect, tc.condition, tc.ctx); got != tc.want {
				t.Errorf("%s %s on %v: %v", effect, tc.condition, tc.ctx, got)
			}
		}
	}
}

// TestFailClosed has the cases that AWS does not document: they keep an Allow
// from matching and make a Deny match.
func TestFailClosed(t *testing.T) {
	for _, tc := range []struct {
		condition string
		ctx       Context
	}{
		{`{"StringEquals":{"t:k":"a"}}`, one(Strings("a", "b"))},
		{`{"StringEqualsIfExists":{"t:k":"a"}}`, one(Strings("a", "b"))},
		{`{"StringNotEquals":{"t:k":"a"}}`, one(Strings("b", "c"))},
		{`{"NotIpAddress":{"t:k":"10.0.0.0/8"}}`, one(String("junk"))},
		{`{"NumericNotEquals":{"t:k":"1"}}`, one(String("one"))},
		{`{"DateNotEquals":{"t:k":"2020"}}`, one(String("then"))},
		{`{"ArnNotLike":{"t:k":"arn:aws:iam::*:role/*"}}`, one(String("r"))},
		{`{"ForAllValues:NumericNotEquals":{"t:k":"1"}}`, one(Strings("2", "x"))},
	} {
		if conditionHolds(t, "Allow", tc.condition, tc.ctx) {
			t.Errorf("Allow %s on %v matches", tc.condition, tc.ctx)
		}
		if !conditionHolds(t, "Deny", tc.condition, tc.ctx) {
			t.Errorf("Deny %s on %v does not match", tc.condition, tc.ctx)
		}
	}
}

// TestParseAddr compares with netip on what looks like an address.
func TestParseAddr(t *testing.T) {
	for _, s := range []string{"", "1.2.3.4", "1.2.3", "1.2.3.4.5", "1.2.3.", ".1.2.3", "256.1.1.1", "01.1.1.1", "0.0.0.0", "255.255.255.255", "1.2.3.4 ", "1.2.3.a", "1..2.3", "1234.1.1.1",
		"::", "::1", "1::2::3", "fe80::1", "FE80::1", "::ffff:1.2.3.4", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8:9", "g::", ":", "1.2.3.4:80"} {
		want, err := netip.ParseAddr(s)
		got, ok := parseAddr(s)
		if ok != (err == nil) || ok && got != want.Unmap() {
			t.Errorf("%q: %v %v, want %v %v", s, got, ok, want, err)
		}
	}
}

func TestEqualFold(t *testing.T) {
	for _, tc := range [][2]string{{"", ""}, {"aB", "Ab"}, {"k", "\u212a"}, {"é", "É"}, {"a", "ab"}, {"ab", "a"}, {"a", ""}, {"", "a"}, {"ß", "SS"}, {"σ", "ς"}} {
		segs := []resolvedSegment{{segLiteral, tc[0]}}
		if got, want := equalFold(segs, tc[1]), strings.EqualFold(tc[0], tc[1]); got != want {
			t.Errorf("%q %q: %v", tc[0], tc[1], got)
		}
	}
}

func TestOldVersionHasNoVariables(t *testing.T) {
	p := compile(t, Identity, `{"Version":"2008-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::b/${t:v}","Condition":{"StringEquals":{"t:k":"${t:v}"}}}}`)
	req := &Request{Principal: user(acctA, "u"), Action: "s3:GetObject", Resource: "arn:aws:s3:::b/x", ResourceAccount: acctA, Context: one(String("x")).Set("t:v", String("x"))}
	if Evaluate(req, &Layers{Identity: NewSet(p)}).Allowed() {
		t.Error("a variable of the old version was filled in")
	}
	req.Resource, req.Context = "arn:aws:s3:::b/${t:v}", one(String("${t:v}"))
	if !Evaluate(req, &Layers{Identity: NewSet(p)}).Allowed() {
		t.Error("the literal text does not match")
	}
}
