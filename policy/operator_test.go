package policy

import (
	"fmt"
	"strings"
	"testing"
)

// TestOperatorsAreComplete: each comparison has a name, a type and, under its
// name, an inverse in the parser.
func TestOperatorsAreComplete(t *testing.T) {
	for c := OpStringEquals; c < comparisonEnd; c++ {
		info := comparisons[c]
		if info.typ == 0 {
			t.Errorf("%s has no type", c)
		}
		if info.negated != strings.Contains(info.name, "Not") {
			t.Errorf("%s: negated is %v", c, info.negated)
		}
		for _, form := range []string{"%s", "%sIfExists", "ForAnyValue:%s", "ForAllValues:%sIfExists"} {
			text := fmt.Sprintf(form, c)
			o, ok := parseOperator(text)
			if c == OpNull && form != "%s" {
				if ok {
					t.Errorf("%s is an operator", text)
				}
				continue
			}
			if !ok || o.Comparison != c || o.String() != text {
				t.Errorf("%s is read as %s, %v", text, o, ok)
			}
		}
	}
}
