package eventpattern

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// The second implementation: it works on the decoded texts, tries all choices of
// elements one by one, and has nothing in common with the first.

// naiveMatches matches a pattern that is known to be valid.
func naiveMatches(t *testing.T, pattern, event string) bool {
	t.Helper()
	var leaves []naiveLeaf
	counter := 0
	flattenNaively(json.RawMessage(event), "", nil, &counter, &leaves)
	for _, rule := range naiveRules(orderedMembers(pattern), "", []map[string][]any{{}}) {
		if naiveSearch(leaves, rule, slices.Sorted(maps.Keys(rule)), map[int]int{}) {
			return true
		}
	}
	return false
}

type naiveLeaf struct {
	path   string
	value  any // string, json.Number, bool, nil
	places map[int]int
}

func orderedMembers(text string) []member { return membersOf([]byte(text)) }

func flattenNaively(text json.RawMessage, path string, places map[int]int, counter *int, out *[]naiveLeaf) {
	switch text = json.RawMessage(strings.TrimSpace(string(text))); text[0] {
	case '{':
		for _, m := range membersOf(text) {
			name := m.name
			if path != "" {
				name = path + "." + name
			}
			flattenNaively(m.value, name, places, counter, out)
		}
	case '[':
		number := *counter
		*counter++
		var elements []json.RawMessage
		_ = json.Unmarshal(text, &elements)
		for i, e := range elements {
			inner := places
			if c := strings.TrimSpace(string(e))[0]; c == '{' || c == '[' {
				inner = maps.Clone(places)
				if inner == nil {
					inner = map[int]int{}
				}
				inner[number] = i
			}
			flattenNaively(e, path, inner, counter, out)
		}
	default:
		*out = append(*out, naiveLeaf{path, decodeNaively(string(text)), places})
	}
}

func decodeNaively(text string) (v any) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	_ = d.Decode(&v)
	return v
}

func naiveRules(members []member, path string, rules []map[string][]any) []map[string][]any {
	for _, m := range members {
		name := m.name
		if path != "" {
			name = path + "." + name
		}
		switch {
		case m.name == "$or":
			var parts []json.RawMessage
			_ = json.Unmarshal(m.value, &parts)
			var all []map[string][]any
			for _, part := range parts {
				var copies []map[string][]any
				for _, r := range rules {
					copies = append(copies, maps.Clone(r))
				}
				all = append(all, naiveRules(membersOf(part), path, copies)...)
			}
			rules = all
		case strings.HasPrefix(strings.TrimSpace(string(m.value)), "{"):
			rules = naiveRules(membersOf(m.value), name, rules)
		default:
			for _, r := range rules {
				r[name] = decodeNaively(string(m.value)).([]any)
			}
		}
	}
	return rules
}

func consistentNaively(chosen, places map[int]int) bool {
	for array, index := range places {
		if i, ok := chosen[array]; ok && i != index {
			return false
		}
	}
	return true
}

func naiveSearch(leaves []naiveLeaf, rule map[string][]any, paths []string, chosen map[int]int) bool {
	if len(paths) == 0 {
		return true
	}
	conditions := rule[paths[0]]
	there := false
	for _, l := range leaves {
		if l.path != paths[0] || !consistentNaively(chosen, l.places) {
			continue
		}
		there = true
		if slices.ContainsFunc(conditions, func(c any) bool { return naiveCondition(c, l.value) }) {
			next := maps.Clone(chosen)
			maps.Copy(next, l.places)
			if naiveSearch(leaves, rule, paths[1:], next) {
				return true
			}
		}
	}
	absent := slices.ContainsFunc(conditions, func(c any) bool {
		m, ok := c.(map[string]any)
		return ok && m["exists"] == false
	})
	return absent && !there && naiveSearch(leaves, rule, paths[1:], chosen)
}

var (
	naiveV4 = regexp.MustCompile(`^(\d+)\.(\d+)\.(\d+)\.(\d+)$`)
	naiveV6 = regexp.MustCompile(`^[0-9a-fA-F:]*:[0-9a-fA-F:]*$`)
)

func naiveAddress(s string) (netip.Addr, bool) {
	if m := naiveV4.FindStringSubmatch(s); m != nil {
		var parts []string
		for _, p := range m[1:] {
			if p = strings.TrimLeft(p, "0"); p == "" {
				p = "0"
			}
			parts = append(parts, p)
		}
		s = strings.Join(parts, ".")
	} else if !naiveV6.MatchString(s) {
		return netip.Addr{}, false
	}
	a, err := netip.ParseAddr(s)
	return a.Unmap(), err == nil
}

// naiveNumber is a number in millionths, and whether it can be compared.
func naiveNumber(n json.Number) (*big.Int, bool) {
	if i := strings.IndexAny(string(n), "eE"); i >= 0 && len(n)-i > 6 {
		digits := strings.Trim(string(n[:i]), "-0.")
		if digits == "" {
			return new(big.Int), true
		}
		if n[i+1] != '-' {
			return nil, strings.Trim(string(n[i+1:]), "+0") == "" // as the first one, beyond any sense
		}
	}
	r, ok := new(big.Rat).SetString(string(n))
	if !ok {
		return nil, false
	}
	if r.Cmp(big.NewRat(5e9, 1)) > 0 || r.Cmp(big.NewRat(-5e9, 1)) < 0 {
		return nil, false
	}
	r.Mul(r, big.NewRat(million, 1))
	return new(big.Int).Div(r.Num(), r.Denom()), true // rounds downwards
}

func naiveCondition(c, v any) bool {
	s, isString := v.(string)
	switch c := c.(type) {
	case string:
		a, ok := naiveAddress(c)
		if !ok {
			return v == any(c)
		}
		b, ok := naiveAddress(s)
		return isString && ok && a == b
	case json.Number:
		n, isNumber := v.(json.Number)
		if !isNumber {
			return false
		}
		a, okA := naiveNumber(c)
		b, okB := naiveNumber(n)
		return n == c || okA && okB && a.Cmp(b) == 0
	case map[string]any:
		for operator, x := range c {
			return naiveOperator(operator, x, v, s, isString)
		}
	}
	return c == v // true, false, null
}

func naiveOperator(operator string, x, v any, s string, isString bool) bool {
	if inner, ok := x.(map[string]any); ok && operator != "anything-but" {
		lower, _ := inner["equals-ignore-case"].(string)
		return naiveFolded(operator, lower, s, isString)
	}
	text, _ := x.(string)
	switch operator {
	case "exists":
		return x == true
	case "exactly":
		return v == x
	case "prefix":
		return isString && strings.HasPrefix(s, text)
	case "suffix":
		return isString && strings.HasSuffix(s, text)
	case "equals-ignore-case":
		return naiveFolded("", text, s, isString)
	case "wildcard":
		var expression strings.Builder
		for i := 0; i < len(text); i++ {
			switch text[i] {
			case '*':
				expression.WriteString(`(?s:.*)`)
			case '\\':
				i++
				fallthrough
			default:
				expression.WriteString(regexp.QuoteMeta(text[i : i+1]))
			}
		}
		return isString && regexp.MustCompile(`^(?:`+expression.String()+`)$`).MatchString(s)
	case "cidr":
		prefix, err := netip.ParsePrefix(text)
		ip, _, _ := strings.Cut(text, "/")
		first, ok := naiveAddress(ip)
		a, isAddress := naiveAddress(s)
		if err != nil {
			panic(fmt.Sprint("not for the second implementation: ", text))
		}
		return isString && ok && isAddress && prefix.Masked().Contains(a) && first.Compare(a) <= 0
	case "numeric":
		n, isNumber := v.(json.Number)
		if !isNumber {
			return false
		}
		value, ok := naiveNumber(n)
		if !ok {
			return false
		}
		terms := x.([]any)
		for i := 0; i < len(terms); i += 2 {
			bound, _ := naiveNumber(terms[i+1].(json.Number))
			cmp := value.Cmp(bound)
			if !map[string]bool{"=": cmp == 0, "<": cmp < 0, "<=": cmp <= 0, ">": cmp > 0, ">=": cmp >= 0}[terms[i].(string)] {
				return false
			}
		}
		return true
	case "anything-but":
		list := func(x any) []any {
			if l, ok := x.([]any); ok {
				return l
			}
			return []any{x}
		}
		if inner, ok := x.(map[string]any); ok {
			for operator, x := range inner {
				return !slices.ContainsFunc(list(x), func(x any) bool { return naiveOperator(operator, x, v, s, isString) })
			}
		}
		return !slices.ContainsFunc(list(x), func(x any) bool {
			if text, ok := x.(string); ok {
				return v == any(text) // no address here
			}
			if n, isNumber := v.(json.Number); isNumber {
				a, _ := naiveNumber(x.(json.Number))
				b, ok := naiveNumber(n)
				return ok && a.Cmp(b) == 0
			}
			return false
		})
	}
	panic(operator)
}

// naiveFolded compares letter by letter.
func naiveFolded(operator, pattern, s string, isString bool) bool {
	p, r := []rune(pattern), []rune(s)
	switch {
	case !isString, len(r) < len(p):
		return false
	case operator == "prefix":
		r = r[:len(p)]
	case operator == "suffix":
		r = r[len(r)-len(p):]
	case len(r) != len(p):
		return false
	}
	return slices.EqualFunc(p, r, func(p, r rune) bool { return r == p || r == unicode.ToLower(p) || r == unicode.ToUpper(p) })
}
