package eventpattern

import (
	"encoding/json"
	"strings"
	"testing"
)

func mustMatch(t *testing.T, pattern, event string) bool {
	t.Helper()
	p, err := Compile(pattern)
	if err != nil {
		t.Fatalf("%s: %v", pattern, err)
	}
	e, err := Parse([]byte(event))
	if err != nil {
		t.Fatalf("%s: %v", event, err)
	}
	got := p.Matches(e)
	if naive := naiveMatches(t, pattern, event); naive != got {
		t.Errorf("%s on %s: %v, and %v by the second implementation", pattern, event, got, naive)
	}
	return got
}

// TestValues: one field, its conditions and values that meet them or do not. As in
// aws/event-ruler and as AWS was seen to do.
func TestValues(t *testing.T) {
	for conditions, values := range map[string]struct{ yes, no string }{ // values with blanks between
		`"a"`:             {`"a" ["b","a"] [["a"]] "\u0061"`, `"A" "b" "" 1 null {} [] {"a":"a"}`},
		`""`:              {`""`, `" " null [] {}`},
		`"a", "b"`:        {`"a" "b" ["b"]`, `"c"`},
		`1`:               {`1 1.0 1e0 10e-1 1.0000001 [2,1]`, `"1" 1.1 2 true`},
		`1.5`:             {`1.5 15e-1 1.50`, `1 2`},
		`-0.5`:            {`-0.5 -5e-1`, `0.5`},
		`123456789012`:    {`123456789012`, `123456789012.0 123456789013 "123456789012"`}, // too large to compare: by its text
		`0`:               {`0 0.0 -0 0e5`, `"0" "" false null`},
		`true`:            {`true [false,true]`, `false "true" 1`},
		`null`:            {`null [1,null]`, `"null" 0 "" {} []`},
		`"10.0.0.1"`:      {`"10.0.0.1" "010.000.0.1"`, `"10.0.0.2"`},
		`"::1"`:           {`"::1" "0:0:0:0:0:0:0:1"`, `"::2"`},
		`{"exactly":"a"}`: {`"a"`, `"b"`},

		`{"prefix":"a\"b"}`:                        {`"a\"bc" "a\"b"`, `"a" "ab" null 1`},
		`{"prefix":""}`:                            {`"" "x"`, `1 null [] {}`},
		`{"prefix":{"equals-ignore-case":"eC2"}}`:  {`"ec2 x" "EC2"`, `"e" "xec2" 1`},
		`{"suffix":".PNG"}`:                        {`"x.PNG" ".PNG"`, `".png" "PNG" 1`},
		`{"suffix":{"equals-ignore-case":".PNG"}}`: {`"x.png" ".Png" "é.pNG"`, `"png" "" 1`},
		`{"equals-ignore-case":"aBé"}`:             {`"AbÉ" "abé"`, `"abe" "abéx" "ab" "" null`},
		`{"wildcard":"a*b"}`:                       {`"ab" "a b" "aabb" "a*b"`, `"a" "abc" "xab" 1`},
		`{"wildcard":"*"}`:                         {`"" "x"`, `1 null true`},
		`{"wildcard":"a\\*b\\\\"}`:                 {`"a*b\\"`, `"axb\\" "a*b"`},
		`{"wildcard":"ab*ba"}`:                     {`"abba" "abxba"`, `"aba" "abb"`},
		`{"wildcard":"plain"}`:                     {`"plain"`, `"plainer" ""`},

		`{"exists":true}`:                    {`1 "" null [1] [{},null]`, `[] {} [[]] {"x":1} [{"x":1}]`},
		`{"exists":false}`:                   {`[] {} {"x":1} [{"x":1}]`, `1 "" null [1]`},
		`{"exists":false}, "a"`:              {`[] "a" {"x":1}`, `"b" null`},
		`{"numeric":["=",3.018e2]}`:          {`301.8 3018e-1`, `301.9 "301.8" null`},
		`{"numeric":[">",0,"<=",5]}`:         {`5 0.000001 1 [9,3]`, `0 5.000001 -1 "3" 5e9`},
		`{"numeric":[">=",0,"<",5]}`:         {`0 4.999999`, `5 -0.000001`},
		`{"numeric":["<",-1]}`:               {`-1.000001 -5e9`, `-1 0 -5000000000.000001`},
		`{"numeric":["<=",10]}`:              {`10 -5e9`, `10.000001`},
		`{"numeric":[">",10]}`:               {`11 5e9`, `10 5000000001`},
		`{"numeric":[">=",10]}`:              {`10`, `9.999999`},
		`{"cidr":"10.0.0.0/24"}`:             {`"10.0.0.0" "10.0.0.255"`, `"10.0.1.0" "10.0.0" "10.0.0.256" "::1" 10 "::a00:1"`},
		`{"cidr":"10.0.0.5/24"}`:             {`"10.0.0.5"`, `"10.0.0.4" "10.0.1.1"`},
		`{"cidr":"10.0.0.5/32"}`:             {`"10.0.0.5"`, `"10.0.0.6"`},
		`{"cidr":"0.0.0.0/0"}`:               {`"255.255.255.255"`, `"::" "x"`},
		`{"cidr":"2001:db8:1234:1a00::/57"}`: {`"2001:0db8:1234:1a00::1" "2001:db8:1234:1a7f:ffff:ffff:ffff:ffff"`, `"2001:db8:1234:1a80::" "10.0.0.1"`},

		`{"anything-but":"a"}`:                              {`"b" null 1 "" ["a","b"] "A"`, `"a" ["a"] [] {}`},
		`{"anything-but":["a","b"]}`:                        {`"c" null [1,"a"]`, `"a" "b" ["b","a"] []`},
		`{"anything-but":1}`:                                {`2 "1" null`, `1 1.0 []`},
		`{"anything-but":[1,0]}`:                            {`2 "x" 6e9`, `1 0 -0`},
		`{"anything-but":{"prefix":"in"}}`:                  {`"x" 1 null ""`, `"init" "in" []`},
		`{"anything-but":{"prefix":["in","st"]}}`:           {`"x" 1`, `"init" "stop"`},
		`{"anything-but":{"suffix":"it"}}`:                  {`"x" 1`, `"init"`},
		`{"anything-but":{"suffix":[".txt",".rtf"]}}`:       {`".jpg"`, `"a.txt" ".rtf"`},
		`{"anything-but":{"equals-ignore-case":"A"}}`:       {`"b" null`, `"a" "A"`},
		`{"anything-but":{"equals-ignore-case":["A","b"]}}`: {`"c" null`, `"a" "B"`},
		`{"anything-but":{"wildcard":"*/bin/*.jar"}}`:       {`"/bin/a" 5`, `"/usr/bin/a.jar"`},
		`{"anything-but":{"wildcard":["a*","*b"]}}`:         {`"cc"`, `"ax" "xb"`},
		`"a", {"numeric":["<",1]}, null`:                    {`"a" 0 null`, `"b" 1 true`},
	} {
		pattern := `{"x": {"v": [` + conditions + `]}}`
		for want, list := range map[bool]string{true: values.yes, false: values.no} {
			for d := json.NewDecoder(strings.NewReader(list)); d.More(); {
				var v json.RawMessage
				if err := d.Decode(&v); err != nil {
					t.Fatal(list, err)
				}
				if mustMatch(t, pattern, `{"x": {"v": `+string(v)+`, "other": 1}}`) != want {
					t.Errorf("%s matches %s: %v", conditions, v, !want)
				}
			}
		}
	}
}

const sample = `{
	"version": "0", "id": "ddddd4-aaaa-7777-4444-345dd43cc333", "detail-type": "EC2 Instance State-change Notification", "source": "aws.ec2",
	"account": "012345679012", "time": "2017-10-02T16:24:49Z", "region": "us-east-1",
	"resources": ["arn:aws:ec2:us-east-1:123456789012:instance/i-000000aaaaaa00000"],
	"detail": {"c-count": 5, "d-count": 3, "x-limit": 301.8, "source-ip": "10.0.0.33", "instance-id": "i-000000aaaaaa00000", "state": "running", "no": {}},
	"employees": [
		{"firstName": "John", "lastName": "Doe", "pets": [{"kind": "cat", "name": "Tom"}, {"kind": "dog", "name": "Rex"}]},
		{"firstName": "Anna", "lastName": "Smith", "pets": []},
		{"firstName": "Peter", "lastName": "Jones", "pets": [{"kind": "dog", "name": "Tom"}], "retired": true}
	],
	"dotted.name": 1, "deep": {"er": {"est": null}}, "matrix": [[{"a": 1, "b": 2}], [{"a": 3, "b": 4}]]
}`

func TestPatterns(t *testing.T) {
	for pattern, want := range map[string]bool{
		`{"detail-type": ["EC2 Instance State-change Notification"], "resources": ["arn:aws:ec2:us-east-1:123456789012:instance/i-000000aaaaaa00000"], "detail": {"state": ["initializing", "running"]}}`:                                                                        true,
		`{"time": [{"prefix": "2017-10-02"}], "detail": {"state": [{"anything-but": "initializing"}], "c-count": [{"numeric": [">", 0, "<=", 5]}], "d-count": [{"numeric": ["<", 10]}], "x-limit": [{"anything-but": [100, 200, 300]}], "source-ip": [{"cidr": "10.0.0.0/8"}]}}`: true,
		`{"detail": {"state": ["running"], "c-count": [6]}}`:                  false,
		`{"source": ["aws.EC2"]}`:                                             false,
		`{"Source": ["aws.ec2"]}`:                                             false,
		`{"dotted": {"name": [1]}}`:                                           true,
		`{"dotted.name": [1]}`:                                                true,
		`{"deep.er": {"est": [null]}}`:                                        true,
		`{"deep": {"er": [null]}}`:                                            false,
		`{"deep": {"er": [{"exists": false}]}}`:                               true, // exists looks at leaves
		`{"detail": {"no": [{"exists": false}]}}`:                             true,
		`{"nowhere": {"x": [{"exists": false}]}, "source": ["aws.ec2"]}`:      true,
		`{"source": ["no"], "source": ["aws.ec2"]}`:                           true, // the last one counts
		`{"source": ["aws.ec2"], "source": ["no"]}`:                           false,
		`{"$or": [{"source": ["no"]}, {"detail": {"state": ["running"]}}]}`:   true,
		`{"$or": [{"source": ["no"]}, {"detail": {"state": ["stopped"]}}]}`:   false,
		`{"source": ["no"], "$or": [{"id": [{"exists": true}]}, {"x": [1]}]}`: false,
		`{"$or": [{"x": [1]}, {"account": ["012345679012"], "$or": [{"y": [1]}, {"region": ["us-east-1"]}]}], "detail": {"$or": [{"c-count": [5]}, {"z": [1]}]}}`: true,
		`{"$or": [{"x": [1]}, {"account": ["012345679012"], "$or": [{"y": [1]}, {"region": ["us-east-2"]}]}], "detail": {"$or": [{"c-count": [5]}, {"z": [1]}]}}`: false,
		// The fields of one element.
		`{"employees": {"firstName": ["Anna"]}}`:                                                        true,
		`{"employees": {"firstName": ["Anna"], "lastName": ["Jones"]}}`:                                 false,
		`{"employees": {"firstName": ["Peter"], "lastName": ["Jones"]}}`:                                true,
		`{"employees": {"firstName": ["John"], "pets": {"kind": ["dog"], "name": ["Rex"]}}}`:            true,
		`{"employees": {"firstName": ["John"], "pets": {"kind": ["cat"], "name": ["Rex"]}}}`:            false,
		`{"employees": {"firstName": ["Peter"], "pets": {"kind": ["dog"], "name": ["Rex"]}}}`:           false,
		`{"employees": {"pets": {"kind": ["dog"], "name": ["Tom"]}}}`:                                   true,
		`{"employees": {"firstName": ["Anna"], "retired": [{"exists": false}]}}`:                        true,
		`{"employees": {"firstName": ["Peter"], "retired": [{"exists": false}]}}`:                       false,
		`{"employees": {"firstName": ["Anna"], "pets": {"kind": [{"exists": false}]}}}`:                 true,
		`{"employees": {"firstName": ["John"], "pets": {"kind": [{"exists": false}]}}}`:                 false,
		`{"matrix": {"a": [1], "b": [2]}}`:                                                              true,
		`{"matrix": {"a": [1], "b": [4]}}`:                                                              false,
		`{"employees": {"firstName": ["Anna"]}, "matrix": {"a": [3], "b": [4]}, "source": ["aws.ec2"]}`: true,
	} {
		if got := mustMatch(t, pattern, sample); got != want {
			t.Errorf("%s: %v", pattern, got)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, event := range []string{``, `[]`, `1`, `"x"`, `{`, `{"a":}`, `{"a":1,}`, `{"a":1} {}`, `{"a":"` + "\n" + `"}`, `{"a":tru}`, `{"a":1.}`, `{"a":-}`, `{"a":1e}`, `{"a":"\x"}`, `{"a":"\u12"}`,
		strings.Repeat(`{"a":`, 1001) + "1" + strings.Repeat("}", 1001)} {
		if e, err := Parse([]byte(event)); err == nil {
			t.Errorf("%s: %v", event, e)
		}
	}
}

// TestTwoArraysAtOnePath: whoever sends many arrays under one name gets no match for
// it, in bounded time.
func TestTwoArraysAtOnePath(t *testing.T) {
	array := `[` + strings.TrimSuffix(strings.Repeat(`{"x":1,"y":1,"z":2},`, 2000), ",") + `]`
	e, err := Parse([]byte(`{"a":` + array + `,"a":` + array + `,"a":` + array + `}`))
	if err != nil {
		t.Fatal(err)
	}
	p, err := Compile(`{"a":{"x":[1],"y":[1],"z":[3]}}`)
	if err != nil {
		t.Fatal(err)
	}
	if p.Matches(e) {
		t.Error("matches")
	}
}

func BenchmarkParse(b *testing.B) {
	b.SetBytes(int64(len(sample)))
	for b.Loop() {
		if _, err := Parse([]byte(sample)); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkMatches matches a hundred patterns against one event.
func BenchmarkMatches(b *testing.B) {
	var patterns []*Pattern
	for i := range 100 {
		text := `{"source": ["aws.ec2"], "detail": {"state": ["stopped", "running"], "c-count": [{"numeric": [">", 5]}]}}`
		if i%2 == 0 {
			text = `{"source": ["aws.iam"], "detail": {"eventName": ["CreateUser", "DeleteUser", {"prefix": "Put"}]}}`
		}
		p, err := Compile(text)
		if err != nil {
			b.Fatal(err)
		}
		patterns = append(patterns, p)
	}
	e, err := Parse([]byte(sample))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		for _, p := range patterns {
			if p.Matches(e) {
				b.Fatal("matches")
			}
		}
	}
}
