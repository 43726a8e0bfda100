package delegation_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/warder-iam/warder/internal/delegation"
	"github.com/warder-iam/warder/internal/seal"
	"github.com/warder-iam/warder/internal/state"
	"github.com/warder-iam/warder/policy"
)

func text(name string, values ...string) state.DelegationParameter {
	return state.DelegationParameter{Name: name, Type: delegation.String, Values: values}
}

func list(name string, values ...string) state.DelegationParameter {
	return state.DelegationParameter{Name: name, Type: delegation.StringList, Values: values}
}

func statement(resource string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:GetObject"],"Resource":` + resource + `}]}`
}

// The cases of https://docs.aws.amazon.com/IAM/latest/UserGuide/temporary-delegation-policy-templates.html,
// and what could go wrong.
func TestRender(t *testing.T) {
	for name, tt := range map[string]struct {
		template   string
		parameters []state.DelegationParameter
		want       string // "" for a refusal
		refusal    string
	}{
		"a string":                {statement(`"arn:aws:s3:::@{bucketName}/*"`), []state.DelegationParameter{text("bucketName", "b")}, statement(`"arn:aws:s3:::b/*"`), ""},
		"twice in one":            {statement(`"@{aaaaa}/@{aaaaa}"`), []state.DelegationParameter{text("aaaaa", "x")}, statement(`"x/x"`), ""},
		"a list":                  {statement(`"arn:@{names}/*"`), []state.DelegationParameter{list("names", "1", "2")}, statement(`["arn:1/*","arn:2/*"]`), ""},
		"a list of one":           {statement(`"arn:@{names}/*"`), []state.DelegationParameter{list("names", "1")}, statement(`["arn:1/*"]`), ""},
		"a list in a list":        {statement(`["a","@{names}","z"]`), []state.DelegationParameter{list("names", "1", "2")}, statement(`["a","1","2","z"]`), ""},
		"every combination":       {statement(`"@{names}/@{others}"`), []state.DelegationParameter{list("names", "1", "2"), list("others", "a", "b")}, statement(`["1/a","1/b","2/a","2/b"]`), ""},
		"with a string":           {statement(`"@{names}/@{prefix}"`), []state.DelegationParameter{list("names", "1", "2"), text("prefix", "p")}, statement(`["1/p","2/p"]`), ""},
		"none":                    {statement(`"*"`), nil, statement(`"*"`), ""},
		"escaped":                 {statement(`"\u0040{names}"`), []state.DelegationParameter{text("names", "x")}, statement(`"x"`), ""},
		"characters of HTML":      {statement(`"@{names}"`), []state.DelegationParameter{text("names", "<&>")}, statement(`"<&>"`), ""},
		"quotes stay text":        {statement(`"@{names}"`), []state.DelegationParameter{text("names", `x","Action":"*`)}, statement(`"x\",\"Action\":\"*"`), ""},
		"not filled in again":     {statement(`"@{names}"`), []state.DelegationParameter{text("names", "@{other}")}, statement(`"@{other}"`), ""},
		"a parameter is missing":  {statement(`"@{names}"`), nil, "", "the parameter names of the policy template has no value"},
		"a parameter too many":    {statement(`"*"`), []state.DelegationParameter{text("names", "x")}, "", "the policy template has no parameter names"},
		"there twice":             {statement(`"@{names}"`), []state.DelegationParameter{text("names", "x"), text("names", "y")}, "", "the parameter names is there twice"},
		"a string with two":       {statement(`"@{names}"`), []state.DelegationParameter{text("names", "x", "y")}, "", "the parameter names is a string and has 2 values"},
		"an empty list":           {statement(`"@{names}"`), []state.DelegationParameter{list("names")}, "", "the parameter names has no value"},
		"no type":                 {statement(`"@{names}"`), []state.DelegationParameter{{Name: "names", Values: []string{"x"}}}, "", "the parameter names has no type"},
		"open":                    {statement(`"@{names"`), []state.DelegationParameter{text("names", "x")}, "", "a placeholder in the policy template has no end: @{names"},
		"in the name of a member": {`{"@{names}":"Allow"}`, []state.DelegationParameter{text("names", "Effect")}, "", `the name "@{names}" in the policy template has a parameter`},
		"too many combinations": {statement(`"@{names}@{names}@{names}@{names}@{names}@{names}@{names}@{names}@{names}@{names}@{names}"`),
			[]state.DelegationParameter{list("names", "1", "2")}, "", "the parameters of the policy template have too many values"},
		"not JSON": {`{"a":`, nil, "", "the policy template is not JSON"},
	} {
		got, err := delegation.Render(tt.template, tt.parameters)
		if err != nil {
			got = ""
		}
		if got != tt.want || err != nil && err.Error() != tt.refusal || err == nil && tt.refusal != "" {
			t.Errorf("%s: %s, %v; want %s %s", name, got, err, tt.want, tt.refusal)
		}
	}
}

// FuzzRender: whatever the values are, what is rendered differs from the template
// in the text of strings only, and in how many there are.
func FuzzRender(f *testing.F) {
	f.Add(statement(`"arn:aws:s3:::@{names}/*"`), "names", "bucket", "other", true)
	f.Add(statement(`["x","@{names}"]`), "names", `","Effect":"Allow`, `\`, false)
	f.Add(statement(`"\u0040{a}@{a}"`), "a", "@{a}", "", true)
	f.Fuzz(func(t *testing.T, template, name, one, two string, isList bool) {
		p := list(name, one, two)
		if !isList {
			p = text(name, one)
		}
		got, err := delegation.Render(template, []state.DelegationParameter{p})
		if err != nil {
			return
		}
		var before, after any
		if json.Unmarshal([]byte(template), &before) != nil {
			t.Fatalf("rendered what is no JSON: %s", template)
		}
		if err := json.Unmarshal([]byte(got), &after); err != nil {
			t.Fatalf("%s became %s: %v", template, got, err)
		}
		if !sameShape(before, after) {
			t.Fatalf("%s became %s", template, got)
		}
		doc, err := policy.ParseText(policy.Session, template)
		if err != nil {
			return
		}
		filled, err := policy.ParseText(policy.Session, got)
		if err != nil {
			return
		}
		if len(doc.Statements) != len(filled.Statements) {
			t.Fatalf("%s became %s", template, got)
		}
		for i := range doc.Statements {
			if a, b := &doc.Statements[i], &filled.Statements[i]; a.Effect != b.Effect || a.NotAction != b.NotAction || a.NotResource != b.NotResource || len(a.Conditions) != len(b.Conditions) {
				t.Fatalf("%s became %s", template, got)
			}
		}
	})
}

// sameShape says whether two values have the same members, and the same values
// but for strings, each of which may have become several.
func sameShape(a, b any) bool {
	switch a := a.(type) {
	case map[string]any:
		m, ok := b.(map[string]any)
		if !ok || len(a) != len(m) {
			return false
		}
		for k, v := range a {
			other, ok := m[k]
			if !ok || !sameShape(v, other) {
				return false
			}
		}
		return true
	case []any:
		l, ok := b.([]any)
		if !ok {
			return false
		}
		// Strings may have multiplied; all that is not a string stands in order.
		return sameRest(a, l)
	case string:
		if l, ok := b.([]any); ok {
			return strings.Contains(a, "@{") && sameRest(nil, l)
		}
		s, ok := b.(string)
		return ok && (s == a || strings.Contains(a, "@{"))
	default:
		return a == b
	}
}

func sameRest(a, b []any) bool {
	rest := func(in []any) (out []any) {
		for _, v := range in {
			if _, ok := v.(string); !ok {
				out = append(out, v)
			}
		}
		return out
	}
	a, b = rest(a), rest(b)
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !sameShape(a[i], b[i]) {
			return false
		}
	}
	return true
}

func TestToken(t *testing.T) {
	ring := seal.NewRandom()
	r := &state.DelegationRequest{ID: "request", Requestor: "111122223333"}
	token := delegation.Token(ring, r)
	if id, ok := delegation.Open(ring, r.Requestor, token); !ok || id != r.ID {
		t.Errorf("%q, %v", id, ok)
	}
	for name, tt := range map[string]struct {
		ring             *seal.Keyring
		requestor, token string
	}{
		"another account":  {ring, "444455556666", token},
		"another key":      {seal.NewRandom(), r.Requestor, token},
		"altered":          {ring, r.Requestor, "A" + token},
		"cut":              {ring, r.Requestor, token[:len(token)-1]},
		"with a line end":  {ring, r.Requestor, token + "\n"},
		"empty":            {ring, r.Requestor, ""},
		"the id":           {ring, r.Requestor, r.ID},
		"long":             {ring, r.Requestor, strings.Repeat("A", 1<<20)},
		"of no characters": {ring, r.Requestor, "\x00"},
	} {
		if id, ok := delegation.Open(tt.ring, tt.requestor, tt.token); ok {
			t.Errorf("%s: opens, to %s", name, id)
		}
	}
}
