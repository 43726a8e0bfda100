package policy

import "strings"

// pattern is a compiled value of a policy: an action, a resource or a
// condition value. Which kinds occur is decided by what it is compiled for.
type pattern struct {
	text string
	n    uint16 // patPrefix, patTail: bytes of literal head; patTemplate: number of the template
	kind patternKind
}

type patternKind uint8

const (
	patExact    patternKind = iota // the text itself
	patAny                         // "*"
	patPrefix                      // text[:n] and anything
	patGlob                        // wildcards anywhere
	patTail                        // an ARN: text[:n] literally, through the fifth colon, then a glob
	patFields                      // an ARN: six globs
	patTemplate                    // policy variables or escapes
)

// maxHead is the longest literal head that pattern.n can hold. Longer patterns
// are matched as globs, which gives the same answer.
const maxHead = 1<<16 - 1

// compileGlob compiles a text with wildcards that is matched as a whole.
func compileGlob(text string) pattern {
	if text == "*" {
		return pattern{kind: patAny, text: text}
	}
	switch i := strings.IndexAny(text, "*?"); {
	case i < 0:
		return pattern{kind: patExact, text: text}
	case i == len(text)-1 && text[i] == '*' && i <= maxHead:
		return pattern{kind: patPrefix, text: text, n: uint16(i)}
	}
	return pattern{kind: patGlob, text: text}
}

// compileARN compiles an ARN pattern without variables. Its six fields are
// matched one by one, so that a wildcard reaches over a colon only in the last
// field. Fields that are left out stand for "*".
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
func compileARN(text string) pattern {
	if text == "*" {
		return pattern{kind: patAny, text: text}
	}
	tail := tailOf(text)
	if tail < 0 || tail > maxHead || strings.ContainsAny(text[:tail], "*?") {
		return pattern{kind: patFields, text: text}
	}
	switch i := strings.IndexAny(text[tail:], "*?"); {
	case i < 0:
		return pattern{kind: patExact, text: text}
	case tail+i == len(text)-1 && text[tail+i] == '*' && tail+i <= maxHead:
		return pattern{kind: patPrefix, text: text, n: uint16(tail + i)}
	}
	return pattern{kind: patTail, text: text, n: uint16(tail)}
}

// tailOf is where the sixth field of an ARN begins, or -1 if it has fewer.
func tailOf(s string) int {
	at := 0
	for range 5 {
		i := strings.IndexByte(s[at:], ':')
		if i < 0 {
			return -1
		}
		at += i + 1
	}
	return at
}

// arnFields is an ARN cut at its first five colons.
type arnFields [6]string

// splitARN cuts the ARN of a request, which must have all six fields.
func splitARN(s string) (f arnFields, ok bool) {
	if !strings.HasPrefix(s, "arn:") {
		return f, false
	}
	for i := range 5 {
		if f[i], s, ok = strings.Cut(s, ":"); !ok {
			return f, false
		}
	}
	f[5] = s
	return f, true
}

// splitPattern cuts an ARN pattern at its first five colons that are not
// inside a variable. Fields that are left out are "*".
func splitPattern(s string) (f arnFields) {
	for i := range 6 {
		f[i] = "*"
	}
	variables := true
	for i := range 6 {
		end := len(s)
		if i < 5 {
			for j := 0; j < len(s); j++ {
				if variables && strings.HasPrefix(s[j:], "${") {
					n := variableEnd(s[j:])
					if n > 0 {
						j += n - 1
						continue
					}
					variables = false // unclosed: so is any that follows
				}
				if s[j] == ':' {
					end = j
					break
				}
			}
		}
		f[i] = s[:end]
		if end == len(s) {
			return f
		}
		s = s[end+1:]
	}
	return f
}

// matchFields matches the fields of an ARN with a pattern's, cutting the
// pattern on the way.
func matchFields(text string, f *arnFields) bool {
	for i := range 5 {
		field, rest, more := strings.Cut(text, ":")
		if !glob(field, f[i]) {
			return false
		}
		if !more {
			return true // the rest stands for "*"
		}
		text = rest
	}
	return glob(text, f[5])
}

// compiledTemplate is a pattern with variables: one template, or six for an ARN.
type compiledTemplate []template

func compileTemplate(text string, isARN, wildcards bool) (compiledTemplate, error) {
	if !isARN {
		t, err := parseTemplate(text, wildcards)
		return compiledTemplate{t}, err
	}
	var ct compiledTemplate
	for _, f := range splitPattern(text) {
		t, err := parseTemplate(f, wildcards)
		if err != nil {
			return nil, err
		}
		ct = append(ct, t)
	}
	return ct, nil
}

func (ct compiledTemplate) hasVariables() bool {
	for _, t := range ct {
		if t.hasVariables() {
			return true
		}
	}
	return false
}

// resolvable says whether every variable has a value or a default.
func (ct compiledTemplate) resolvable(ctx Context) bool {
	for _, t := range ct {
		for i := range t {
			if t[i].kind == segVariable {
				if _, ok := t[i].value(ctx); !ok {
					return false
				}
			}
		}
	}
	return true
}

// matchARN matches the fields of an ARN with the six templates.
func (ct compiledTemplate) matchARN(ctx Context, f *arnFields) bool {
	for i, t := range ct {
		var r resolved
		if !t.resolve(ctx, &r) || !matchSegments(r.segments(), f[i]) {
			return false
		}
	}
	return true
}

// lowerASCII is s with the letters A to Z in lower case, or s itself if it has
// none. Other letters stay: the Kelvin sign is no "k" in an action.
func lowerASCII(s string) string {
	for i := range len(s) {
		if 'A' <= s[i] && s[i] <= 'Z' {
			b := []byte(s)
			for j := range b {
				b[j] = lowerByte(b[j])
			}
			return string(b)
		}
	}
	return s
}

// literalPrefix is the part of a pattern before anything that may not be literal.
func literalPrefix(text string) string {
	if i := strings.IndexAny(text, "*?$"); i >= 0 {
		return text[:i]
	}
	return text
}
