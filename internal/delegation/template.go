package delegation

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/warder-iam/warder/internal/state"
)

// The types of a parameter, by the model's PolicyParameterTypeEnum.
const (
	String     = "string"
	StringList = "stringList"
)

// maxExpanded bounds what one string of a template can become: a rendered policy
// has 2,048 characters at most.
const maxExpanded = 1024

// Render fills in a template: in every string, @{name} becomes the value of that
// parameter. A parameter that is a list makes a list of the string, one entry a
// value; several make one entry a combination
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/temporary-delegation-policy-templates.html).
// The template is a policy document, so it is JSON. Values never become anything
// but text within a string. A placeholder without a parameter, a parameter
// without a placeholder and one in the name of an element are errors, which are
// fit for who asks.
func Render(template string, parameters []state.DelegationParameter) (string, error) {
	if !json.Valid([]byte(template)) {
		return "", fmt.Errorf("the policy template is not JSON")
	}
	r := renderer{values: make(map[string][]string), lists: make(map[string]bool), used: make(map[string]bool)}
	for _, p := range parameters {
		switch {
		case r.values[p.Name] != nil:
			return "", fmt.Errorf("the parameter %s is there twice", p.Name)
		case len(p.Values) == 0:
			return "", fmt.Errorf("the parameter %s has no value", p.Name)
		case p.Type == String && len(p.Values) > 1:
			return "", fmt.Errorf("the parameter %s is a string and has %d values", p.Name, len(p.Values))
		case p.Type != String && p.Type != StringList:
			return "", fmt.Errorf("the parameter %s has no type", p.Name)
		}
		r.values[p.Name], r.lists[p.Name] = p.Values, p.Type == StringList
	}
	text, err := r.render(template)
	if err != nil {
		return "", err
	}
	for _, p := range parameters {
		if !r.used[p.Name] {
			return "", fmt.Errorf("the policy template has no parameter %s", p.Name)
		}
	}
	return text, nil
}

type renderer struct {
	values map[string][]string
	lists  map[string]bool
	used   map[string]bool
}

// render copies the text of the template, except for the string literals that
// have placeholders.
func (r *renderer) render(template string) (string, error) {
	var out strings.Builder
	var open []byte // the brackets around the place
	for i := 0; i < len(template); {
		switch c := template[i]; c {
		case '{', '[':
			open = append(open, c)
		case '}', ']':
			open = open[:len(open)-1]
		case '"':
			literal := json.NewDecoder(strings.NewReader(template[i:]))
			var s string
			if err := literal.Decode(&s); err != nil {
				return "", err
			}
			begin, end := i, i+int(literal.InputOffset())
			i = end
			if !strings.Contains(s, "@{") {
				out.WriteString(template[begin:end])
				continue
			}
			if strings.HasPrefix(strings.TrimLeft(template[end:], " \t\r\n"), ":") {
				return "", fmt.Errorf("the name %q in the policy template has a parameter", s)
			}
			entries, list, err := r.expand(s)
			if err != nil {
				return "", err
			}
			text := quote(entries)
			if list && (len(open) == 0 || open[len(open)-1] != '[') {
				text = "[" + text + "]"
			}
			out.WriteString(text)
			continue
		}
		out.WriteByte(template[i])
		i++
	}
	return out.String(), nil
}

// expand fills in one string; list says that a parameter in it is one.
func (r *renderer) expand(s string) (entries []string, list bool, err error) {
	entries = []string{""}
	for s != "" {
		before, rest, found := strings.Cut(s, "@{")
		for i := range entries {
			entries[i] += before
		}
		if !found {
			break
		}
		name, after, closed := strings.Cut(rest, "}")
		values := r.values[name]
		switch {
		case !closed:
			return nil, false, fmt.Errorf("a placeholder in the policy template has no end: @{%s", rest)
		case values == nil:
			return nil, false, fmt.Errorf("the parameter %s of the policy template has no value", name)
		case len(entries)*len(values) > maxExpanded:
			return nil, false, fmt.Errorf("the parameters of the policy template have too many values")
		}
		r.used[name] = true
		list = list || r.lists[name]
		var next []string
		for _, e := range entries {
			for _, v := range values {
				next = append(next, e+v)
			}
		}
		entries, s = next, after
	}
	return entries, list, nil
}

// quote is the strings as JSON, with commas between.
func quote(entries []string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	for i, s := range entries {
		if i > 0 {
			b.WriteByte(',')
		}
		_ = e.Encode(s) // a string always has JSON
		b.Truncate(b.Len() - 1)
	}
	return b.String()
}
