package eventpattern

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"
)

// FuzzCompile: any text is taken or refused with a reason, and what is taken is JSON
// and can be matched.
func FuzzCompile(f *testing.F) {
	for _, s := range []string{`{"a":[1]}`, `{"a":{"b":[{"numeric":[">",0,"<=",5]},{"wildcard":"*a*"}]},"$or":[{"c":["x"]},{"d":[{"exists":false}]}]}`, `{"a":[{"anything-but":{"prefix":["x"]}},{"cidr":"10.0.0.0/8"}]}`, sample} {
		f.Add(s)
	}
	e, err := Parse([]byte(sample))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 4096 {
			return
		}
		p, err := Compile(text)
		if err != nil {
			if p != nil || err.(*Error).Reason == "" {
				t.Fatal(p, err)
			}
			return
		}
		if !json.Valid([]byte(text)) {
			t.Fatalf("%q is taken", text)
		}
		p.Matches(e)
	})
}

// FuzzParse: an event is taken if and only if it is a JSON object.
func FuzzParse(f *testing.F) {
	f.Add(sample)
	f.Add(`{"a":[[{"b":"\ud83d\ude00"}],1e-9]}`)
	f.Fuzz(func(t *testing.T, text string) {
		_, err := Parse([]byte(text))
		object := json.Valid([]byte(text)) && strings.HasPrefix(strings.TrimLeft(text, " \t\r\n"), "{")
		if (err == nil) != object && strings.Count(text, "[")+strings.Count(text, "{") < maxDepth {
			t.Fatalf("%q: %v", text, err)
		}
	})
}

// FuzzMatches compares with the second implementation, on patterns and events that
// are made from few names and values, so that they often meet.
func FuzzMatches(f *testing.F) {
	for seed := range uint64(50) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		r := rand.New(rand.NewPCG(seed, 1))
		pattern, event := randomPattern(r, 0), randomObject(r, 0)
		p, err := Compile(pattern)
		if err != nil {
			t.Fatalf("%s: %v", pattern, err)
		}
		e, err := Parse([]byte(event))
		if err != nil {
			t.Fatalf("%s: %v", event, err)
		}
		if got, want := p.Matches(e), naiveMatches(t, pattern, event); got != want {
			t.Fatalf("%s on %s: %v, want %v", pattern, event, got, want)
		}
	})
}

func pick(r *rand.Rand, from ...string) string { return from[r.IntN(len(from))] }

var scalars = []string{`"a"`, `"ab"`, `"A"`, `""`, `1`, `1.0`, `-2.5`, `12e1`, `6e9`, `true`, `null`, `"10.0.0.1"`, `"10.0.1.1"`, `"::1"`}

func randomObject(r *rand.Rand, depth int) string {
	members := []string{}
	for _, name := range []string{"x", "y", "z", "x.y"} {
		if r.IntN(3) > 0 {
			members = append(members, `"`+name+`":`+randomValue(r, depth+1))
		}
	}
	return "{" + strings.Join(members, ",") + "}"
}

func randomValue(r *rand.Rand, depth int) string {
	switch k := r.IntN(6); {
	case depth < 4 && k == 0:
		return randomObject(r, depth)
	case depth < 4 && k < 3:
		elements := make([]string, r.IntN(4))
		for i := range elements {
			elements[i] = randomValue(r, depth+1)
		}
		return "[" + strings.Join(elements, ",") + "]"
	}
	return pick(r, scalars...)
}

func randomPattern(r *rand.Rand, depth int) string {
	members := []string{}
	for _, name := range []string{"x", "y", "z"} {
		switch k := r.IntN(4); {
		case k == 0 && depth < 3:
			members = append(members, `"`+name+`":`+randomPattern(r, depth+1))
		case k < 3:
			members = append(members, `"`+name+`":[`+randomConditions(r)+`]`)
		}
	}
	if len(members) == 0 || r.IntN(4) == 0 && depth < 2 {
		members = append(members, `"$or":[{"y":[`+randomConditions(r)+`]},{"z":{"x":[`+randomConditions(r)+`]}}]`)
	}
	return "{" + strings.Join(members, ",") + "}"
}

func randomConditions(r *rand.Rand) string {
	conditions := make([]string, 1+r.IntN(2))
	for i := range conditions {
		conditions[i] = pick(r, scalars...)
		if r.IntN(2) == 0 {
			conditions[i] = pick(r,
				`{"exists":false}`, `{"exists":true}`, `{"prefix":"a"}`, `{"suffix":"b"}`, `{"equals-ignore-case":"a"}`, `{"wildcard":"a*"}`, `{"wildcard":"*.*1"}`,
				`{"numeric":[">",0]}`, `{"numeric":[">=",-3,"<",1]}`, `{"cidr":"10.0.0.0/24"}`, `{"cidr":"::/8"}`, `{"anything-but":"a"}`, `{"anything-but":[1,120]}`,
				`{"anything-but":{"prefix":["a"]}}`, `{"anything-but":{"wildcard":"*b"}}`, `{"prefix":{"equals-ignore-case":"AB"}}`)
		}
	}
	return strings.Join(conditions, ",")
}
