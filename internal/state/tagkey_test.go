package state

import "testing"

func TestSameTagKey(t *testing.T) {
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{"", "", true},
		{"team", "team", true},
		{"Team", "tEAM", true},
		{"team", "teams", false},
		{"teams", "team", false},
		{"Équipe", "équipe", true},
		{"Ünit/ß", "ünit/ß", true},
		{"class", "cla\u017fs", false}, // long s
		{"rank", "ran\u212a", false},   // Kelvin sign
		{"id", "\u0130d", false},       // capital i with a dot
		{"a b", "a_b", false},
	} {
		for _, pair := range [][2]string{{c.a, c.b}, {c.b, c.a}} {
			if got := SameTagKey(pair[0], pair[1]); got != c.same {
				t.Errorf("SameTagKey(%q, %q) = %v", pair[0], pair[1], got)
			}
			e := Entity{Tags: []Tag{{pair[0], "v"}}}
			if _, got := e.Tag(pair[1]); got != c.same {
				t.Errorf("the tag %q found by %q: %v", pair[0], pair[1], got)
			}
		}
	}
}
