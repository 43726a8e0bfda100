package policy

import (
	"math/rand/v2"
	"strings"
	"testing"
)

func TestMatchAction(t *testing.T) {
	for _, tc := range []struct {
		pattern, action string
		want            bool
	}{
		{"*", "s3:GetObject", true},
		{"s3:*", "s3:GetObject", true},
		{"s3:*", "s3express:GetObject", false},
		{"S3:getobject", "s3:GetObject", true},
		{"s3:GetObject", "S3:GETOBJECT", true},
		{"s3:GetObject", "s3:GetObjectAcl", false},
		{"s3:GetObject", "s3:GetObjec", false},
		{"s3:Get*", "s3:GetObject", true},
		{"s3:Ge*", "s3:GetObject", true},
		{"s3:Get*", "s3:PutObject", false},
		{"s3:*Object", "s3:GetObject", true},
		{"s3:*Object", "s3:GetObjectAcl", false},
		{"iam:*Access?ey*", "iam:ListAccessKeys", true},
		{"iam:*Access?ey*", "iam:ListAccessKey", true},
		{"iam:*Access?ey*", "iam:ListAccessey", false},
		{"s3:Get?bject", "s3:GetObject", true},
		{"s3:Get??bject", "s3:GetObject", false},
		{"s3:?", "s3:G", true},
		{"s3:?", "s3:GG", false},
		{"s3:GetObject ", "s3:GetObject", false},
	} {
		for _, not := range []bool{false, true} {
			element := "Action"
			if not {
				element = "NotAction"
			}
			p := compile(t, Identity, doc(`{"Effect":"Allow","`+element+`":"`+tc.pattern+`","Resource":"*"}`))
			req := &Request{Principal: user(acctA, "u"), Action: tc.action, Resource: "*"}
			if got := Evaluate(req, &Layers{Identity: NewSet(p)}).Allowed(); got != (tc.want != not) {
				t.Errorf("%s %s on %s: %v", element, tc.pattern, tc.action, got)
			}
		}
	}
}

// TestActionLettersAreASCII: letters that fold to ASCII ones are others, in
// short and in long actions.
func TestActionLettersAreASCII(t *testing.T) {
	for _, pad := range []string{"", strings.Repeat("x", 80)} {
		l := &Layers{Identity: set(t, Identity, statementText("Allow", "s3:?k*"+pad, "*"), statementText("Allow", "s3:ask"+pad, "*"))}
		for action, want := range map[string]bool{"s3:aK" + pad: true, "s3:aSK" + pad: true, "s3:a\u212a" + pad: false, "s3:a\u017fk" + pad: false} {
			if got := Evaluate(&Request{Principal: alice, Action: action, Resource: "*"}, l).Allowed(); got != want {
				t.Errorf("%s: %v", action, got)
			}
		}
	}
}

// TestNoAction: what is no action is allowed by nothing.
func TestNoAction(t *testing.T) {
	l := &Layers{Identity: set(t, Identity, statementText("Allow", "*", "*"))}
	for _, a := range []string{"", "*", "GetObject", ":GetObject", "s3:", "s3:Get:Object"} {
		if Evaluate(&Request{Principal: user(acctA, "u"), Action: a, Resource: "*"}, l).Allowed() {
			t.Errorf("%q is allowed", a)
		}
	}
	if Evaluate(&Request{Principal: user(acctA, "u"), Action: "s3:GetObject"}, l).Allowed() {
		t.Error("no resource is allowed")
	}
	if Evaluate(&Request{Action: "s3:GetObject", Resource: "*"}, l).Allowed() {
		t.Error("no principal is allowed")
	}
}

func TestMatchResource(t *testing.T) {
	ctx := NewContext().Set("aws:username", String("jo")).Set("t:star", String("*")).Set("t:colon", String("x:y")).Set("t:list", Strings("a", "b"))
	for _, tc := range []struct {
		pattern, resource string
		want              bool
	}{
		{"*", "arn:aws:s3:::b", true},
		{"*", "*", true},
		{"arn:aws:s3:::*", "*", false},
		{"arn:aws:s3:::b", "arn:aws:s3:::b", true},
		{"arn:aws:s3:::b", "arn:aws:s3:::B", false},
		{"arn:aws:s3:::b", "arn:aws:s3:::b/x", false},
		{"arn:aws:s3:::b/*", "arn:aws:s3:::b/", true},
		{"arn:aws:s3:::b/*", "arn:aws:s3:::b", false},
		{"arn:aws:s3:::b/*", "arn:aws:s3:::b/x/y:z", true},
		{"arn:aws:s3:::b/*/x", "arn:aws:s3:::b/a/b/x", true},
		{"arn:aws:s3:::b/?", "arn:aws:s3:::b/é", true},
		{"arn:aws:s3:::b/?", "arn:aws:s3:::b/ab", false},
		{"arn:aws:s3:::b*", "arn:aws:s3:eu-west-1::b", false},
		{"arn:aws:s3:::*", "arn:aws:s3:::x:y", true},
		{"arn:aws:sns:*:*:t", "arn:aws:sns:eu-west-1:123456789012:t", true},
		{"arn:aws:sns:*:t", "arn:aws:sns:eu-west-1:123456789012:t", false},
		{"arn:aws:sns:eu-*:123456789012:t", "arn:aws:sns:eu-west-1:123456789012:t", true},
		{"arn:aws:sns:eu-*:123456789012:t", "arn:aws:sns:us-west-1:123456789012:t", false},
		{"arn:aws:sns:eu-west-?:*:t", "arn:aws:sns:eu-west-12:123456789012:t", false},
		// A wildcard in an early field does not reach over a colon.
		{"arn:aws:s3:*:b", "arn:aws:s3:::b", false},
		{"arn:aws:iam:*role/r", "arn:aws:iam::123456789012:role/r", false},
		// Missing fields stand for "*".
		{"arn:aws:sqs", "arn:aws:sqs:eu-west-1:123456789012:q", true},
		{"arn:aws:sqs", "arn:aws:sns:eu-west-1:123456789012:q", false},
		{"arn:aws:sqs:eu-*", "arn:aws:sqs:eu-west-1:123456789012:q", true},
		{"arn:aws:iam:*:123456789012", "arn:aws:iam::123456789012:user/u", true},
		{"arn:aws:iam:*:123456789012", "arn:aws:iam::1234567890123:user/u", false},
		{"arn:aws:*", "arn:aws:s3:::b", true},
		{"arn:*:s3:::b", "arn:aws-cn:s3:::b", true},
		{"arn:aws:s3:::b", "arn:aws-cn:s3:::b", false},
		{"arn:aws:s3:::b", "not an arn", false},
		{"arn:aws:*", "arn:aws:s3:b", false},
		// Variables.
		{"arn:aws:s3:::b/${aws:username}", "arn:aws:s3:::b/jo", true},
		{"arn:aws:s3:::b/${AWS:UserName}/*", "arn:aws:s3:::b/jo/x", true},
		{"arn:aws:s3:::b/${aws:username}/*", "arn:aws:s3:::b/joe/x", false},
		{"arn:aws:s3:::b/${t:star}", "arn:aws:s3:::b/anything", false},
		{"arn:aws:s3:::b/${t:star}", "arn:aws:s3:::b/*", true},
		{"arn:aws:s3:::b/${*}", "arn:aws:s3:::b/x", false},
		{"arn:aws:s3:::b/${t:colon}", "arn:aws:s3:::b/x:y", true},
		{"arn:aws:sns:*:${t:colon}", "arn:aws:sns::x:y", false},
		{"arn:aws:s3:::b/${t:none}", "arn:aws:s3:::b/", false},
		{"arn:aws:s3:::b/${t:none, 'd'}", "arn:aws:s3:::b/d", true},
		{"arn:aws:s3:::b/${t:list}", "arn:aws:s3:::b/a", false},
		{"arn:aws:s3:::b/${t:none,'a}b'}", "arn:aws:s3:::b/a}b", true},
	} {
		p := compile(t, Identity, doc(statementText("Allow", "x:y", tc.pattern)))
		req := &Request{Principal: user(acctA, "u"), Action: "x:y", Resource: tc.resource, ResourceAccount: acctA, Context: ctx}
		if got := Evaluate(req, &Layers{Identity: NewSet(p)}).Allowed(); got != tc.want {
			t.Errorf("%s on %s: %v", tc.pattern, tc.resource, got)
		}
		not := compile(t, Identity, doc(`{"Effect":"Allow","Action":"x:y","NotResource":"`+tc.pattern+`"}`))
		want := !tc.want && !strings.Contains(tc.pattern, "t:none}") && !strings.Contains(tc.pattern, "t:list}")
		if got := Evaluate(req, &Layers{Identity: NewSet(not)}).Allowed(); got != want {
			t.Errorf("NotResource %s on %s: %v", tc.pattern, tc.resource, got)
		}
	}
}

func TestGlob(t *testing.T) {
	for _, tc := range []struct {
		p, s string
		want bool
	}{
		{"", "", true}, {"", "a", false}, {"*", "", true}, {"**", "", true}, {"?", "", false},
		{"a*", "a", true}, {"*a", "ba", true}, {"*a", "ab", false},
		{"a*b*c", "axxbyyc", true}, {"a*b*c", "axxcyyb", false},
		{"*ab*ab*", "abab", true}, {"*ab*ab*", "aab", false}, {"*ab*ab", "aba", false},
		{"a*a", "a", false}, {"a*a", "aa", true},
		{"*?*", "", false}, {"*?*", "x", true}, {"??*", "é", false}, {"*??", "€", false}, {"*??", "€x", true},
		{"*?b*", "ab", true}, {"*a?c*d", "abcabcd", true}, {"*a?c*d", "acd", false},
		{"a?", "a", false}, {"?é?", "xéy", true}, {"*é", "é", true},
		{"***a***b***", "xaybz", true},
	} {
		if got := glob(tc.p, tc.s); got != tc.want {
			t.Errorf("glob(%q, %q) = %v", tc.p, tc.s, got)
		}
		if got := templateGlob(t, tc.p, tc.s); got != tc.want {
			t.Errorf("template(%q, %q) = %v", tc.p, tc.s, got)
		}
	}
}

func templateGlob(t testing.TB, p, s string) bool {
	tm, err := parseTemplate(p, true)
	if err != nil {
		t.Fatal(err)
	}
	var r resolved
	return tm.resolve(nil, &r) && matchSegments(r.segments(), s)
}

// slowGlob is the definition of a glob, for comparison.
func slowGlob(p, s []rune) bool {
	switch {
	case len(p) == 0:
		return len(s) == 0
	case p[0] == '*':
		return slowGlob(p[1:], s) || len(s) > 0 && slowGlob(p, s[1:])
	}
	return len(s) > 0 && (p[0] == '?' || p[0] == s[0]) && slowGlob(p[1:], s[1:])
}

// TestGlobExhaustive compares the matchers with the definition on every
// pattern and text of a small alphabet.
func TestGlobExhaustive(t *testing.T) {
	words := func(alphabet []string, n int) []string {
		out := []string{""}
		for from, i := 0, 0; i < n; i++ {
			to := len(out)
			for _, w := range out[from:to] {
				for _, c := range alphabet {
					out = append(out, w+c)
				}
			}
			from = to
		}
		return out
	}
	texts := words([]string{"a", "b", "é"}, 4)
	for _, p := range words([]string{"a", "b", "*", "?"}, 5) {
		for _, s := range texts {
			want := slowGlob([]rune(p), []rune(s))
			if glob(p, s) != want {
				t.Fatalf("glob(%q, %q) = %v", p, s, !want)
			}
			if !strings.Contains(s, "é") && globFold(p, strings.ToUpper(s)) != want {
				t.Fatalf("globFold(%q, %q) = %v", p, s, !want)
			}
		}
	}
}

// TestShiftAnd compares the search with trying every place, on chunks longer
// than a word and texts that are not UTF-8, too.
func TestShiftAnd(t *testing.T) {
	slow := func(chunk, s string) int {
		for i := 0; ; i += runeLen(s[i:]) {
			if n := matchPrefix(chunk, s[i:]); n >= 0 {
				return i + n
			}
			if i == len(s) {
				return -1
			}
		}
	}
	r := rand.New(rand.NewPCG(3, 1))
	pick := func(n int, from ...string) string {
		var b strings.Builder
		for range n {
			b.WriteString(from[r.IntN(len(from))])
		}
		return b.String()
	}
	found := 0
	for range 50_000 {
		s := pick(r.IntN(250), "a", "a", "a", "a", "é", "b", "\xff", "\xc3")
		chunk := pick(1+r.IntN(180), "a", "a", "?", "?", "?", "é")
		if r.IntN(2) == 0 {
			chunk = pick(1+r.IntN(12), "a", "a", "?", "é", "b")
		}
		want := slow(chunk, s)
		if want >= 0 {
			found++
		}
		if got := shiftAnd(chunk, '?', s); got != want {
			t.Fatalf("shiftAnd(%q, %q) = %d, want %d", chunk, s, got, want)
		}
		if got := findChunk(chunk, s); got != want {
			t.Fatalf("findChunk(%q, %q) = %d, want %d", chunk, s, got, want)
		}
		tm, err := parseTemplate(chunk, true)
		if err != nil {
			t.Fatal(err)
		}
		var res resolved
		if tm.resolve(nil, &res); findRun(res.segments(), s) != want || findSlowly(res.segments(), s, 0) != want {
			t.Fatalf("findRun(%q, %q) = %d, want %d", chunk, s, findRun(res.segments(), s), want)
		}
		if got, want := matchLast(res.segments(), s), lastSlowly(res.segments(), s); got != want {
			t.Fatalf("matchLast(%q, %q) = %v", chunk, s, got)
		}
	}
	if found < 5000 {
		t.Errorf("%d found only", found)
	}
}

// TestVariableValueBreaksNoCharacter: a value that is not UTF-8 matches itself
// and no part of a character.
func TestVariableValueBreaksNoCharacter(t *testing.T) {
	run := []resolvedSegment{{segStar, "*"}, {segAny, "?"}, {segLiteral, "\xa9"}, {segStar, "*"}}
	for s, want := range map[string]bool{"aaaaaaaaa\xa9": true, "aaaaaaaaé": false, "aaaaaaaaé\xa9a": true} {
		if got := matchSegments(run, s); got != want {
			t.Errorf("%q: %v", s, got)
		}
	}
}
