package policy

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Finding is something in a policy that is wrong, dangerous or in vain. Its
// JSON is that of IAM Access Analyzer's ValidatePolicy
// (https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_ValidatePolicyFinding.html).
type Finding struct {
	Code          string      `json:"issueCode"`
	Type          FindingType `json:"findingType"`
	Details       string      `json:"findingDetails"`
	LearnMoreLink string      `json:"learnMoreLink"`
	Locations     []Location  `json:"locations"`
}

// FindingType is how bad a finding is.
type FindingType uint8

// The types of findings, the worst first.
const (
	LintError           FindingType = iota + 1 // a part of the policy does not work
	LintSecurityWarning                        // it allows more than is good
	LintWarning                                // it may not do what is meant
	LintSuggestion                             // it could be written better
	findingTypeEnd
)

var findingTypeNames = [findingTypeEnd]string{"none", "ERROR", "SECURITY_WARNING", "WARNING", "SUGGESTION"}

// String is the name that ValidatePolicy gives the type ("SECURITY_WARNING").
func (t FindingType) String() string {
	if t < findingTypeEnd {
		return findingTypeNames[t]
	}
	return findingTypeNames[0]
}

// MarshalText is String, for JSON.
func (t FindingType) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// Location is a place in a document that a finding is about.
type Location struct {
	Path []PathElement `json:"path"`
	Span Span          `json:"span"`
}

// PathElement is a step from a JSON value into it; one of its fields is set.
type PathElement struct {
	Index *int   // an element of an array
	Key   string // the name of an object's member itself
	Value string // the value of the member of this name
}

// MarshalJSON writes the field that is set, as ValidatePolicy does.
func (p PathElement) MarshalJSON() ([]byte, error) {
	switch {
	case p.Index != nil:
		return json.Marshal(map[string]int{"index": *p.Index})
	case p.Key != "":
		return json.Marshal(map[string]string{"key": p.Key})
	}
	return json.Marshal(map[string]string{"value": p.Value})
}

// String is the step as it is written after a value: "[0]" or ".Action".
func (p PathElement) String() string {
	switch {
	case p.Index != nil:
		return "[" + strconv.Itoa(*p.Index) + "]"
	case p.Key != "":
		return "." + p.Key
	}
	return "." + p.Value
}

// Span is a part of the text of a document.
type Span struct {
	Start Position `json:"start"`
	End   Position `json:"end"` // just past the last character
}

// Position is a place in the text of a document, as ValidatePolicy counts: in
// characters, lines from 1, the others from 0
// (https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_Position.html).
// It differs from Pos, which counts bytes and columns from 1.
type Position struct {
	Line   int `json:"line"`
	Column int `json:"column"`
	Offset int `json:"offset"`
}

// LintOption changes what Lint looks for.
type LintOption func(*linter)

// LintResourceType says to what type of resource a resource policy is
// attached ("AWS::S3::Bucket"), as ValidatePolicy's validatePolicyResourceType.
// LintResourceTypes lists the types that make a difference.
func LintResourceType(name string) LintOption {
	return func(l *linter) { l.resourceType = name }
}

// LintIgnore leaves out findings of some codes.
func LintIgnore(codes ...string) LintOption {
	return func(l *linter) { l.ignored = append(l.ignored, codes...) }
}

// Lint looks a document over. See LintText.
func Lint(doc *Document, c Catalog, opts ...LintOption) []Finding {
	return LintText(doc.Kind, doc.Text(), c, opts...)
}

// LintText looks the text of a policy over, whether Parse takes it or not:
// what Parse refuses gives at least one finding of type LintError. Findings
// have the codes, types and texts of
// https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-reference-policy-checks.html,
// and a few of Warder's own, whose codes begin with WARDER_. docs/lint.md lists
// them. They come in the order of their places in the text. Without a catalog
// (nil) nothing is said about names of services, actions and keys.
func LintText(kind Kind, src string, c Catalog, opts ...LintOption) []Finding {
	l := &linter{kind: kind, src: src, catalog: c}
	for _, o := range opts {
		o(l)
	}
	if kind < kindEnd && len(src) <= MaxSource && utf8.ValidString(src) {
		l.text(src)
	} else {
		l.reportText("JSON_SYNTAX_ERROR", l.whole(), "Fix the JSON syntax error.")
	}
	l.refused()
	slices.SortStableFunc(l.findings, func(a, b Finding) int {
		return cmp.Or(
			cmp.Compare(a.Locations[0].Span.Start.Offset, b.Locations[0].Span.Start.Offset),
			cmp.Compare(a.Type, b.Type), cmp.Compare(a.Code, b.Code), cmp.Compare(a.Details, b.Details),
		)
	})
	if l.findings == nil {
		return []Finding{}
	}
	return l.findings
}

// LintChecks lists the codes that Lint can report, with their types and a link
// to what they mean.
func LintChecks() []Finding {
	var out []Finding
	for code, check := range lintChecks {
		out = append(out, Finding{Code: code, Type: check.typ, Details: check.message, LearnMoreLink: check.link(code)})
	}
	slices.SortFunc(out, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Type, b.Type), strings.Compare(a.Code, b.Code))
	})
	return out
}

// maxFindings bounds the answer for documents that are made to be wrong. It is
// for each type, so that suggestions do not crowd out errors.
const maxFindings = 1000

// maxWork bounds what is compared with what in one document, in steps. The
// largest of AWS's managed policies take a thirtieth of it.
const maxWork = 20_000_000

// spend takes steps for a comparison that grows faster than the document. When
// there are none left it says no, and the comparison is left out.
func (l *linter) spend(steps int) bool {
	l.work += steps
	return l.work <= maxWork
}

// linter is one run of Lint.
type linter struct {
	kind         Kind
	src          string
	catalog      Catalog
	resourceType string
	ignored      []string

	variables   bool // the version has policy variables
	arnServices map[string]bool
	findings    []Finding
	count       [findingTypeEnd]int
	work        int // spent, see spend
	runes       []int
}

// at is a place that a finding is about.
type at struct {
	path       *lintPath
	start, end Pos
}

// lintPath is a path from its end.
type lintPath struct {
	up   *lintPath
	step PathElement
}

func (p *lintPath) steps() []PathElement {
	out := []PathElement{}
	for ; p != nil; p = p.up {
		out = append(out, p.step)
	}
	slices.Reverse(out)
	return out
}

func (p *lintPath) value(name string) *lintPath { return &lintPath{p, PathElement{Value: name}} }
func (p *lintPath) key(name string) *lintPath   { return &lintPath{p, PathElement{Key: name}} }
func (p *lintPath) index(i int) *lintPath       { return &lintPath{p, PathElement{Index: &i}} }

// report adds a finding with the text of its code, filled in.
func (l *linter) report(code string, where at, args ...any) {
	l.reportAll(code, []at{where}, args...)
}

// reportAll is report of several places.
func (l *linter) reportAll(code string, where []at, args ...any) {
	l.add(code, where, lintChecks[code].fill(args))
}

// reportText is report with a text of its own.
func (l *linter) reportText(code string, where at, text string) { l.add(code, []at{where}, text) }

func (l *linter) add(code string, where []at, text string) {
	check := lintChecks[code]
	if slices.Contains(l.ignored, code) || l.count[check.typ] >= maxFindings {
		return
	}
	l.count[check.typ]++
	f := Finding{Code: code, Type: check.typ, Details: text, LearnMoreLink: check.link(code)}
	for i, w := range where {
		if i == 20 {
			break // more places than anybody reads
		}
		f.Locations = append(f.Locations, Location{Path: w.path.steps(), Span: Span{l.position(w.start), l.position(w.end)}})
	}
	l.findings = append(l.findings, f)
}

// refused reports what Parse refuses if no finding, or only ignored ones, have
// said that it is wrong.
func (l *linter) refused() {
	if l.count[LintError] > 0 {
		return
	}
	_, err := ParseText(l.kind, l.src)
	pe, ok := err.(*ParseError)
	if !ok {
		return
	}
	text := pe.Reason
	if pe.Detail != "" {
		text += " (" + pe.Detail + ")"
	}
	l.reportText("WARDER_MALFORMED_POLICY_DOCUMENT", at{start: pe.Pos, end: pe.Pos}, text)
}

// whole is the whole text.
func (l *linter) whole() at {
	r := reader{src: l.src}
	for r.pos < len(r.src) {
		if r.src[r.pos] == '\n' {
			r.line++
			r.lineStart = r.pos + 1
		}
		r.pos++
	}
	return at{start: Pos{1, 1, 0}, end: r.here()}
}

// runeStep is how many bytes apart the counted characters in linter.runes are.
const runeStep = 1024

// position counts characters instead of bytes.
func (l *linter) position(p Pos) Position {
	line := l.runesBefore(int(p.Offset) - int(p.Column) + 1)
	offset := l.runesBefore(int(p.Offset))
	return Position{Line: int(p.Line), Column: offset - line, Offset: offset}
}

func (l *linter) runesBefore(offset int) int {
	if l.runes == nil {
		l.runes = []int{0}
		for from := 0; from+runeStep <= len(l.src); from += runeStep {
			l.runes = append(l.runes, l.runes[len(l.runes)-1]+runeStarts(l.src[from:from+runeStep]))
		}
	}
	offset = max(0, min(offset, len(l.src)))
	from := offset / runeStep
	return l.runes[from] + runeStarts(l.src[from*runeStep:offset])
}

// runeStarts counts the characters that begin in s.
func runeStarts(s string) int {
	n := 0
	for i := range len(s) {
		if utf8.RuneStart(s[i]) {
			n++
		}
	}
	return n
}
