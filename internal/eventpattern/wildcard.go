package eventpattern

import (
	"fmt"
	"slices"
	"strings"
)

// wildcard is met by strings in which its parts stand one after the other: the
// first at the beginning, the last at the end, anything between them.
type wildcard []string

// newWildcard reads a wildcard: "*" is any characters, "\*" and "\\" the two
// themselves
// (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html#eb-filtering-wildcard-matching).
// AWS counts positions from the quote.
func newWildcard(s string) (w wildcard, wrong string) {
	var part strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '*' && strings.HasPrefix(s[i+1:], "*"):
			return nil, fmt.Sprintf("Consecutive wildcard characters at pos %d", i+1)
		case s[i] == '*':
			w = append(w, part.String())
			part.Reset()
		case s[i] == '\\':
			if i++; i == len(s) || s[i] != '*' && s[i] != '\\' {
				return nil, fmt.Sprintf("Invalid escape character at pos %d", i)
			}
			part.WriteByte(s[i])
		default:
			part.WriteByte(s[i])
		}
	}
	return append(w, part.String()), ""
}

func (w wildcard) match(v *value) bool {
	if v.kind != text {
		return false
	}
	first, last := w[0], w[len(w)-1]
	if len(w) == 1 {
		return v.text == first
	}
	s, ok := strings.CutPrefix(v.text, first)
	if !ok {
		return false
	}
	for _, part := range w[1 : len(w)-1] {
		if _, s, ok = strings.Cut(s, part); !ok {
			return false
		}
	}
	return strings.HasSuffix(s, last)
}

const (
	tooComplex = "Rule is too complex - try using fewer wildcard characters or fewer repeating character sequences after a wildcard character"
	// maxComplexity: "*:*:*:*:*:event-bus/*", which AWS's guide gives as an example
	// of what is refused, has one more.
	maxComplexity = 10
)

// complex says whether there is a value at some place of which more beginnings
// of the pattern have been met than AWS allows, each of which the matching would
// have to go on with. It walks over all sets of them that values lead to. These
// are few: the longest beginning that does not end in a wildcard determines the
// others, but for how many wildcards were passed.
func (w wildcard) complex() bool {
	const star = -1
	symbols := []int{'"'}
	for i, part := range w {
		if i > 0 {
			symbols = append(symbols, star)
		}
		for _, b := range []byte(part) {
			symbols = append(symbols, int(b))
		}
	}
	symbols = append(symbols, '"')
	seen := map[string]bool{}
	queue := [][]int{{0}} // how long the beginnings are
	for len(queue) > 0 {
		met := queue[0]
		if queue = queue[1:]; len(met) > maxComplexity {
			return true
		}
		for _, n := range met {
			if n == len(symbols) || symbols[n] == star {
				continue
			}
			var next []int
			for _, m := range met {
				if m > 0 && symbols[m-1] == star {
					next = append(next, m)
				}
				if m < len(symbols) && symbols[m] == symbols[n] {
					if next = append(next, m+1); m+1 < len(symbols) && symbols[m+1] == star {
						next = append(next, m+2)
					}
				}
			}
			slices.Sort(next)
			next = slices.Compact(next)
			if key := fmt.Sprint(next); !seen[key] {
				seen[key] = true
				queue = append(queue, next)
			}
		}
	}
	return false
}
