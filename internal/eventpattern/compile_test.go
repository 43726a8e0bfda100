package eventpattern

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// where is the location that AWS puts behind a reason.
func where(pattern string, column string) string {
	return "\n at [Source: (String)\"" + pattern + "\"; line: 1, column: " + column + "]"
}

// TestRefused: the reasons and places are those that AWS was seen to give, as far as
// they are known; the others are those of aws/event-ruler.
func TestRefused(t *testing.T) {
	const nowhere = ""
	for _, c := range []struct{ pattern, reason, column string }{
		// Seen.
		{`{"int": 42}`, `"int" must be an object or an array`, "11"},
		{`{"string": "my-value"}`, `"string" must be an object or an array`, "13"},
		{`{"resources": []}`, "Empty arrays are not allowed", "17"},
		{`{"detail": {"equal": [{"NUMERIC": ["=", 5]}]}}`, "Unrecognized match type NUMERIC", "36"},
		{`{"my_key": [{"EXISTS": true}]}`, "Unrecognized match type EXISTS", "28"},
		{`{"detail": {"c-count": [{"numeric": [">", 0, ">", 0]}]}}`, "Bad numeric range operator: >", "49"},
		{`{"detail": {"c-count": [{"numeric": [">", 0, "<"]}]}}`, "Value of < must be numeric", "50"},
		{`{"source": ["aws.health"], "detail": {}}`, "Empty objects are not allowed", "40"},
		{`{"EventBusArn": [{"wildcard": "*:*:*:*:*:event-bus/*"}]}`, tooComplex, nowhere},
		{`{"EventBusArn": [{"wildcard": "arn:aws:events:us-east-1:**:event-bus/*"}]}`, "Consecutive wildcard characters at pos 26", "72"},
		{`{"EventBusArn": [{"wildcard": 123}]}`, "wildcard match pattern must be a string", "34"},
		{`{"EventBusArn": [{"wildcard": ["arn"]}]}`, "wildcard match pattern must be a string", "32"},
		{`{"detail-type": [{"equals-ignore-case": ["ec2 instance state-change notification"]}]}`, "equals-ignore-case match pattern must be a string", "42"},
		{`{"detail-type": [{"equals-ignore-case": {"prefix": "ec2"}}]}`, "equals-ignore-case match pattern must be a string", "42"},
		{`{"detail": {"sourceIPAddress": [{"cidr": "bad-filter"}]}}`, "Malformed CIDR, one '/' required", nowhere},
		{`{"detail": {"sourceIPAddress": [{"cidr": "10.0.0.0/a"}]}}`, "Malformed CIDR, mask bits must be an integer", nowhere},
		{`{"detail": {"sourceIPAddress": [{"cidr": "xx.11.xx/8"}]}}`, "Nonstandard IP address: xx.11.xx", nowhere},
		{`{"detail": {"sourceIPAddress": [{"cidr": "xxxx:db8:1234:1a00::/64"}]}}`, "Nonstandard IP address: xxxx:db8:1234:1a00::", nowhere},
		{`{"detail": {"sourceIPAddress": [{"cidr": ["bad-type"]}]}}`, "prefix match pattern must be a string", "43"},
		{`{"time": [{"prefix": ["2022-07-13"]}]}`, "prefix match pattern must be a string", "23"},
		{`{"time": [{"prefix": 123}]}`, "prefix match pattern must be a string", "25"},
		{`{"FileName": [{"suffix": 123}]}`, "suffix match pattern must be a string", "29"},
		{`{"FileName": [{"suffix": [".png"]}]}`, "suffix match pattern must be a string", "27"},
		{`{"detail": {"state": [{"anything-but": {"equals-ignore-case": 123}}]}}`, "Inside anything-but/equals-ignore-case list, number|start|null|boolean is not supported.", "66"},
		{`{"detail": {"FilePath": [{"anything-but": {"wildcard": 123}}]}}`, "wildcard match pattern must be a string", "59"},
		{`{"detail": {"FileName": [{"anything-but": {"suffix": 123}}]}}`, "prefix/suffix match pattern must be a string", "57"},
		{`{"detail": {"state": [{"anything-but": {"prefix": 123}}]}}`, "prefix/suffix match pattern must be a string", "54"},
		{`{"detail": {"FileName": [{"anything-but": {"prefix": {"equals-ignore-case": "file"}}}]}}`, "Value of anything-but must be an array or single string/number value.", "55"},
		{`this is valid json but not a dict`, `Unrecognized token 'this': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')`, "5"},
		{`{'bad': 'quotation'}`, `Unexpected character (''' (code 39)): was expecting double-quote to start field name`, "2"},
		{`{"not": closed mark"`, `Unrecognized token 'closed': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')`, "15"},
		{`["not", "a", "dict", "but valid json"]`, "Filter is not an object", "2"},

		{``, "Filter is not an object", "1"},
		{`{}`, "Empty objects are not allowed", "3"},
		{`{"a": [[1]]}`, "Match value must be String, number, true, false, or null", "9"},
		{`{"a": [{}]}`, "Match expression name not found", "10"},
		{`{"a": [{"prefix": "a", "suffix": "b"}]}`, "Only one key allowed in match expression", "35"},
		{`{"a": [{"exists": "x"}]}`, "exists match pattern must be either true or false.", "20"},
		{`{"a": [{"exists": true, "prefix": "x"}]}`, "Only one key allowed in match expression", "36"},
		{`{"a": [{"prefix": {"prefix": "x"}}]}`, "Unsupported prefix pattern: prefix", "31"},
		{`{"a": [{"suffix": {}}]}`, "Suffix expression name not found", "21"},
		{`{"a": [{"anything-but": {"numeric": ["=", 1]}}]}`, "Unsupported anything-but pattern: numeric", "38"},
		{`{"a": [{"anything-but": []}]}`, "Inside anything but list, either all values are number or string, mixed type is not supported", "27"},
		{`{"a": [{"anything-but": ["a", 1]}]}`, "Inside anything but list, either all values are number or string, mixed type is not supported", "33"},
		{`{"a": [{"anything-but": {"prefix": ""}}]}`, "Null prefix/suffix not allowed", "38"},
		{`{"a": [{"anything-but": true}]}`, "Value of anything-but must be an array or single string/number value.", "29"},
		{`{"a": [{"anything-but": 6e9}]}`, outOfRange, nowhere},
		{`{"a": [{"numeric": 5}]}`, "Value of numeric must be an array.", "21"},
		{`{"a": [{"numeric": [5]}]}`, "Invalid member in numeric match: 5", "22"},
		{`{"a": [{"numeric": ["~", 5]}]}`, "Unrecognized numeric range operator: ~", "27"},
		{`{"a": [{"numeric": ["=", "5"]}]}`, "Value of equals must be numeric", "27"},
		{`{"a": [{"numeric": ["=", 5, 6]}]}`, tooManyElements, "30"},
		{`{"a": [{"numeric": [">", 5, "<", 5]}]}`, "Bottom must be less than top", "36"},
		{`{"a": [{"numeric": [">", 5, "<", 7, 8]}]}`, "Too many terms in numeric range expression", "38"},
		{`{"a": [{"numeric": ["<", 5e9, "a"]}]}`, tooManyElements, "32"},
		{`{"a": [{"numeric": ["<", 5000000001]}]}`, outOfRange, "36"},
		{`{"a": [{"wildcard": "a\\b"}]}`, `Invalid escape character at pos 2`, "27"},
		{`{"a": [{"cidr": "10.0.0.0/33"}]}`, "IPv4 mask bits must be < 33", nowhere},
		{`{"$or": {"a": [1]}}`, "It must be an Array followed with $or.", "10"},
		{`{"$or": [{"a": [1]}]}`, "There must have at least 2 Objects in $or relationship.", "21"},
		{`{"$or": [{"a": [1]}, "b"]}`, "Only JSON object is allowed in array of $or relationship.", "23"},
		{`{"$or": [{"a": [1]}, {"prefix": ["b"]}]}`, "prefix is Ruler reserved fieldName which cannot be used inside $or.", "34"},
		{`{"a": [1] "b": [1]}`, "Unexpected character ('\"' (code 34)): was expecting comma to separate Object entries", "11"},
		{`{"a": [1 2]}`, "Unexpected character ('2' (code 50)): was expecting comma to separate Array entries", "10"},
		{`{"a" [1]}`, "Unexpected character ('[' (code 91)): was expecting a colon to separate field name and value", "6"},
		{`{"a": [1]} x`, "Unexpected character ('x' (code 120)): expected nothing behind the object", "12"},
		{`{"a": [01]}`, "Invalid numeric value: Leading zeroes not allowed", "10"},
		{`{"a": [`, "Unexpected end-of-input: expected close marker for Array", "8"},
		{`{"a": ["x`, "Unexpected end-of-input: was expecting closing quote for a string value", "10"},
	} {
		p, err := Compile(c.pattern)
		want := c.reason
		if c.column != nowhere {
			want += where(c.pattern, c.column)
		}
		e, ok := errors.AsType[*Error](err)
		if !ok || e.Reason != want || p != nil {
			t.Errorf("%s\n got %v\nwant %s", c.pattern, err, want)
		}
	}
}

// TestRefusedInList: in lists AWS names the place twice.
func TestRefusedInList(t *testing.T) {
	for pattern, reason := range map[string]string{
		`{"detail": {"state": [{"anything-but": {"equals-ignore-case": [123, 456]}}]}}`: "Inside anything-but/equals-ignore-case list, number|start|null|boolean is not supported.@67",
		`{"detail": {"state": [{"anything-but": {"wildcard": [123, "*/dir/*"]}}]}}`:     "wildcard match pattern must be a string@57",
		`{"detail": {"FileName": [{"anything-but": {"suffix": [123, ".txt"]}}]}}`:       "prefix/suffix match pattern must be a string@58",
		`{"detail": {"state": [{"anything-but": {"prefix": [123, "test"]}}]}}`:          "prefix/suffix match pattern must be a string@55",
	} {
		reason, column, _ := strings.Cut(reason, "@")
		if _, err := Compile(pattern); err == nil || err.(*Error).Reason != reason+where(pattern, column)+where(pattern, column) {
			t.Errorf("%s: %v", pattern, err)
		}
	}
}

func TestLocation(t *testing.T) {
	_, err := Compile("{\n  \"detail\": {\r\n    \"slug\": \"a\"\n}}")
	if !strings.HasSuffix(err.Error(), "; line: 3, column: 14]") {
		t.Error(err)
	}
	long := `{"` + strings.Repeat("x", 600) + `": 1}`
	if _, err := Compile(long); !strings.Contains(err.Error(), `"[truncated 107 chars]; line: 1, column: 607]`) {
		t.Error(err)
	}
}

func TestTooManyAlternatives(t *testing.T) {
	ten := `[{"a":[1]},{"a":[2]},{"a":[3]},{"a":[4]},{"a":[5]},{"a":[6]},{"a":[7]},{"a":[8]},{"a":[9]},{"a":[0]}]`
	thousand := `{"x":{"$or":` + ten + `},"y":{"$or":` + ten + `},"z":{"$or":` + ten + `}}`
	p, err := Compile(thousand)
	if err != nil || len(p.alternatives) != 1000 {
		t.Fatal(err)
	}
	if _, err := Compile(strings.Replace(thousand, `{"x"`, `{"w":{"$or":[{"a":[1]},{"a":[2]}]},"x"`, 1)); err == nil {
		t.Error("2000 alternatives")
	}
}

func TestRequires(t *testing.T) {
	for text, want := range map[string]string{
		`{"source": ["b", "a"], "detail": {"x": [1]}}`:         "a b true",
		`{"$or": [{"source": ["a"]}, {"source": ["b"]}]}`:      "a b true",
		`{"$or": [{"source": ["a"]}, {"detail-type": ["b"]}]}`: " false",
		`{"source": ["a", {"prefix": "b"}]}`:                   " false",
		`{"source": [{"exists": false}]}`:                      " false",
		`{"source": ["a", null]}`:                              " false",
		`{"source": [{"anything-but": "a"}]}`:                  " false",
		`{"detail": {"source": ["a"]}}`:                        " false",
	} {
		p, err := Compile(text)
		if err != nil {
			t.Fatal(text, err)
		}
		values, ok := p.Requires("source")
		if got := fmt.Sprint(strings.Join(values, " "), " ", ok); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

func TestLiterals(t *testing.T) {
	p, err := Compile(`{"source": ["b", "a", {"prefix": "c"}], "$or": [{"detail-type": ["x"]}, {"detail-type": ["y", 1]}]}`)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(p.Literals("source"), " ") + "," + strings.Join(p.Literals("detail-type"), " "); got != "a b,x y" {
		t.Error(got)
	}
}
