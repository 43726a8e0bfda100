package policy_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/warder-iam/warder/internal/catalog"
	"github.com/warder-iam/warder/policy"
)

// lintCase is a document of testdata/lint. Each file there is of one code, and
// holds documents of two sorts, each under a line that says which, and of what
// kind the document is:
//
//	== finds identity type=AWS::S3::Bucket
//	{"Version": «"2012"», …}
//	>> the text of the finding
//	== passes identity
//	{"Version": "2012-10-17", …}
//
// The marks stand around the places of the finding.
type lintCase struct {
	name    string
	code    string
	finds   bool
	kind    policy.Kind
	opts    []policy.LintOption
	doc     string
	spans   []policy.Span
	details string
}

func lintCases(t testing.TB) []lintCase {
	t.Helper()
	files, err := filepath.Glob("testdata/lint/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no testdata: %v", err)
	}
	var out []lintCase
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		code := strings.TrimSuffix(filepath.Base(f), ".txt")
		for i, section := range strings.Split("\n"+string(data), "\n== ")[1:] {
			head, body, _ := strings.Cut(section, "\n")
			words := strings.Fields(head)
			c := lintCase{name: code + "/" + string(rune('a'+i)), code: code, finds: words[0] == "finds"}
			var ok bool
			if c.kind, ok = policy.KindOf(words[1]); !ok || !c.finds && words[0] != "passes" {
				t.Fatalf("%s: bad section %q", f, head)
			}
			for _, w := range words[2:] {
				typ, ok := strings.CutPrefix(w, "type=")
				if !ok {
					t.Fatalf("%s: bad option %q", f, w)
				}
				c.opts = append(c.opts, policy.LintResourceType(typ))
			}
			body, c.details, _ = strings.Cut(body, "\n>> ")
			c.details = strings.TrimSpace(c.details)
			c.doc, c.spans = unmark(strings.TrimSuffix(body, "\n"))
			out = append(out, c)
		}
	}
	return out
}

// unmark takes the marks out of a document. Marks may nest.
func unmark(s string) (string, []policy.Span) {
	var b strings.Builder
	var opened []policy.Position
	var spans []policy.Span
	p := policy.Position{Line: 1}
	for _, r := range s {
		switch r {
		case '«':
			opened = append(opened, p)
			continue
		case '»':
			spans = append(spans, policy.Span{Start: opened[len(opened)-1], End: p})
			opened = opened[:len(opened)-1]
			continue
		case '\n':
			p = policy.Position{Line: p.Line + 1, Offset: p.Offset + 1}
		default:
			p.Column++
			p.Offset++
		}
		b.WriteRune(r)
	}
	return b.String(), spans
}

func sortSpans(s []policy.Span) []policy.Span {
	slices.SortFunc(s, func(a, b policy.Span) int {
		return cmp.Or(cmp.Compare(a.Start.Offset, b.Start.Offset), cmp.Compare(a.End.Offset, b.End.Offset))
	})
	return s
}

func TestLint(t *testing.T) {
	for _, c := range lintCases(t) {
		t.Run(c.name, func(t *testing.T) {
			var of []policy.Finding
			for _, f := range policy.LintText(c.kind, c.doc, catalog.Open(), c.opts...) {
				if f.Code == c.code {
					of = append(of, f)
				}
			}
			switch {
			case !c.finds && len(of) > 0:
				t.Fatalf("found %+v in\n%s", of, c.doc)
			case !c.finds:
				if _, err := policy.ParseText(c.kind, c.doc); err != nil {
					t.Errorf("a near miss is to be right otherwise: %v in\n%s", err, c.doc)
				}
				return
			case len(of) == 0:
				t.Fatalf("not found in\n%s", c.doc)
			}
			var spans []policy.Span
			for _, f := range of {
				for _, l := range f.Locations {
					spans = append(spans, l.Span)
				}
			}
			if !slices.Equal(sortSpans(spans), sortSpans(c.spans)) {
				t.Errorf("at %+v, want %+v, in\n%s", spans, c.spans, c.doc)
			}
			if of[0].Details != c.details {
				t.Errorf("text %q, want %q", of[0].Details, c.details)
			}
		})
	}
}

// TestLintPairs: every code has a document that gives it and one that does not.
func TestLintPairs(t *testing.T) {
	found, passed := map[string]bool{}, map[string]bool{}
	for _, c := range lintCases(t) {
		if c.finds {
			found[c.code] = true
		} else {
			passed[c.code] = true
		}
	}
	for _, check := range policy.LintChecks() {
		if !found[check.Code] || !passed[check.Code] {
			t.Errorf("%s: found in testdata %t, passed %t", check.Code, found[check.Code], passed[check.Code])
		}
		delete(found, check.Code)
	}
	for code := range found {
		t.Errorf("testdata has %s, which Lint has not", code)
	}
}

// TestLintDocs: docs/lint.md lists what is checked, and nothing else.
func TestLintDocs(t *testing.T) {
	page, err := os.ReadFile("../docs/lint.md")
	if err != nil {
		t.Fatal(err)
	}
	implemented, _, ok := strings.Cut(string(page), "## Not implemented")
	if !ok {
		t.Fatal("docs/lint.md has no part on what is not implemented")
	}
	listed := map[string]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| `([A-Z0-9_]+)` \\| ([A-Z_]+) \\|").FindAllStringSubmatch(implemented, -1) {
		listed[row[1]] = row[2]
	}
	for _, check := range policy.LintChecks() {
		if listed[check.Code] != check.Type.String() {
			t.Errorf("docs/lint.md has %s as %q, want %s", check.Code, listed[check.Code], check.Type)
		}
		delete(listed, check.Code)
	}
	for code := range listed {
		t.Errorf("docs/lint.md lists %s, which Lint has not", code)
	}
}

// TestLintReported: every code in the source is one of the table, and every
// code of the table is reported somewhere.
func TestLintReported(t *testing.T) {
	files, err := filepath.Glob("lint*.go")
	if err != nil {
		t.Fatal(err)
	}
	var src strings.Builder
	for _, f := range files {
		if f == "lint_checks.go" || strings.HasSuffix(f, "_test.go") {
			continue
		}
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		src.Write(data)
	}
	codes := map[string]bool{}
	for _, check := range policy.LintChecks() {
		codes[check.Code] = true
	}
	for _, m := range regexp.MustCompile(`report(?:All|Text)?\("([A-Z0-9_]+)"`).FindAllStringSubmatch(src.String(), -1) {
		if !codes[m[1]] {
			t.Errorf("%s is reported and not in the table", m[1])
		}
	}
}

// TestLintClean: documents from guides that are as they should be.
func TestLintClean(t *testing.T) {
	files, err := filepath.Glob("testdata/lint/clean/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no testdata: %v", err)
	}
	for _, f := range files {
		name, _, _ := strings.Cut(filepath.Base(f), "-")
		kind, ok := policy.KindOf(name)
		if !ok {
			t.Fatalf("%s: no kind %q", f, name)
		}
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := policy.Parse(kind, text)
		if err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		for _, finding := range policy.Lint(doc, catalog.Open()) {
			t.Errorf("%s: %s: %s at %+v", f, finding.Code, finding.Details, finding.Locations)
		}
	}
}

// TestLintRefusals: what Parse refuses has an error, whatever is wrong with it.
func TestLintRefusals(t *testing.T) {
	statement := `{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"%s}`
	for _, text := range []string{
		"", "null", "[]", "{}", `"`, "{", `{"Version":"2012-10-17"}`, strings.Repeat("[", 10_000), "{\"a\xff\":1}",
		`{"Version":"2012-10-17","Version":"2012-10-17","Statement":` + statement + `}`,
		`{"version":"2012-10-17","Statement":[]}`,
		`{"Statement":[{}]}`, `{"Statement":null}`, `{"Statement":[null,1,"x",true]}`,
		`{"Statement":{"Effect":null,"Action":null,"Resource":null,"Principal":null,"Condition":null,"Sid":null}}`,
		`{"Statement":{"Effect":"Allow","Action":[],"Resource":[]}}`,
		`{"Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"*","Condition":{"DateEquals":{"aws:CurrentTime":"soon"}}}}`,
		`{"Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"*","Condition":{"ForAnyValue:Null":{"aws:TagKeys":"true"}}}}`,
		`{"Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalTag/a":[]}}}}`,
		`{"Statement":{"Effect":"Allow","Principal":{},"Action":"s3:GetObject","Resource":"*"}}`,
		`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::${a'b}"}}`,
	} {
		for kind := policy.Identity; kind <= policy.Endpoint; kind++ {
			requireError(t, kind, text)
		}
	}
}

// requireError fails the test if Parse refuses a text in which Lint has no error.
func requireError(t testing.TB, kind policy.Kind, text string) {
	t.Helper()
	findings := policy.LintText(kind, text, catalog.Open())
	isError := func(f policy.Finding) bool { return f.Type == policy.LintError }
	if _, err := policy.ParseText(kind, text); err != nil && !slices.ContainsFunc(findings, isError) {
		t.Errorf("Parse refuses this %s policy (%v), Lint has %+v:\n%s", kind, err, findings, text)
	}
	// A place that was not filled in, unless the document itself has the braces.
	ownBraces := strings.Contains(text, "{{") || strings.Contains(text, `\`)
	for _, f := range findings {
		if len(f.Locations) == 0 || f.Type.String() == "none" || !strings.HasPrefix(f.LearnMoreLink, "https://") || strings.Contains(f.Details, "{{") && !ownBraces {
			t.Errorf("incomplete finding %+v in\n%s", f, text)
		}
		for _, l := range f.Locations {
			if l.Span.Start.Offset < 0 || l.Span.Start.Column < 0 || l.Span.End.Offset < l.Span.Start.Offset || l.Span.End.Offset > utf8.RuneCountInString(text) && utf8.ValidString(text) {
				t.Errorf("%s at %+v in\n%s", f.Code, l.Span, text)
			}
		}
	}
}

// TestLintWithoutCatalog: names are not judged, the rest is.
func TestLintWithoutCatalog(t *testing.T) {
	const text = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"made:Up","Resource":"arn:aws:made:::up","Condition":{"StringEquals":{"made:Up":"x","aws:Made":"*"}}}]}`
	got := policy.LintText(policy.Identity, text, nil)
	if len(got) != 1 || got[0].Code != "WILDCARD_WITHOUT_LIKE_OPERATOR" {
		t.Errorf("findings %+v", got)
	}
}

func TestLintIgnore(t *testing.T) {
	const text = `{"Statement":{"Effect":"Allow","Action":"made:Up","Resource":"*"}}`
	codes := func(opts ...policy.LintOption) (out []string) {
		for _, f := range policy.LintText(policy.Identity, text, catalog.Open(), opts...) {
			out = append(out, f.Code)
		}
		return out
	}
	if got := codes(); !slices.Equal(got, []string{"MISSING_VERSION", "INVALID_SERVICE_IN_ACTION"}) {
		t.Errorf("findings %q", got)
	}
	// What Parse refuses cannot be ignored.
	const refused = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Resource":"*"}}`
	got := policy.LintText(policy.Identity, refused, catalog.Open(), policy.LintIgnore("MISSING_ACTION"))
	if len(got) != 1 || got[0].Code != "WARDER_MALFORMED_POLICY_DOCUMENT" {
		t.Errorf("findings %+v", got)
	}
	if got := codes(policy.LintIgnore("MISSING_VERSION")); !slices.Equal(got, []string{"INVALID_SERVICE_IN_ACTION"}) {
		t.Errorf("findings %q", got)
	}
}

// TestFindingJSON: the JSON is ValidatePolicy's, with positions in characters.
func TestFindingJSON(t *testing.T) {
	const text = "{\"Version\": \"2012-10-17\", \"Statement\": [\n  {\"Sid\": \"\", \"Effect\": \"Allow\", \"Action\": [\"s3:GetObject\", \"é:x\"], \"Resource\": \"*\"}]}"
	got, err := json.MarshalIndent(policy.LintText(policy.Identity, text, catalog.Open()), "", " ")
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("testdata/lint/findings.json")
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != strings.TrimSpace(string(want)) {
		t.Errorf("JSON\n%s\nwant\n%s", got, want)
	}
}

func TestLintMany(t *testing.T) {
	text := `{"Version":"2012-10-17","Statement":[` + strings.Repeat(`{"Effect":"Allow","Action":["s3:Nope","s3:Nopes"],"Resource":"x"},`, 5000)
	text = strings.TrimSuffix(text, ",") + `]}`
	count := map[policy.FindingType]int{}
	for _, f := range policy.LintText(policy.Identity, text, catalog.Open()) {
		count[f.Type]++
	}
	if count[policy.LintError] != 1000 || count[policy.LintSuggestion] != 1000 {
		t.Errorf("findings %v", count)
	}
}

// TestLintHuge: what is compared with what is bounded, and nothing false is
// said of what is not compared.
func TestLintHuge(t *testing.T) {
	list := func(n int, item func(int) string) string {
		items := make([]string, n)
		for i := range items {
			items[i] = item(i)
		}
		return "[" + strings.Join(items, ",") + "]"
	}
	conditions := make([]string, 3000)
	for i := range conditions {
		conditions[i] = fmt.Sprintf(`"aws:ResourceTag/%d":"x"`, i)
	}
	text := `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":` +
		list(6000, func(i int) string { return fmt.Sprintf(`"ec2:DescribeInstance%d*"`, i) }) + `,"Resource":` +
		list(4000, func(i int) string {
			return fmt.Sprintf(`"arn:aws:ec2:us-east-1:123456789012:instance/*%s%d*"`, strings.Repeat("?", 50), i)
		}) +
		`,"Condition":{"StringEquals":{` + strings.Join(conditions, ",") + `}}}}`
	if _, err := policy.ParseText(policy.Identity, text); err != nil {
		t.Fatal(err)
	}
	for _, f := range policy.LintText(policy.Identity, text, catalog.Open()) {
		switch f.Code {
		case "INVALID_ACTION", "REDUNDANT_ACTION", "REDUNDANT_RESOURCE", "POLICY_SIZE_EXCEEDS_IDENTITY_POLICY_QUOTA":
		default:
			t.Fatalf("%s: %s", f.Code, f.Details)
		}
	}
}

func FuzzLint(f *testing.F) {
	for _, c := range lintCases(f) {
		f.Add(uint8(c.kind), c.doc)
	}
	f.Fuzz(func(t *testing.T, kind uint8, text string) {
		requireError(t, policy.Kind(kind%uint8(policy.Endpoint+1)), text)
	})
}

func BenchmarkLint(b *testing.B) {
	text, err := os.ReadFile("testdata/lint/clean/identity-guide.json")
	if err != nil {
		b.Fatal(err)
	}
	c := catalog.Open()
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		policy.LintText(policy.Identity, string(text), c)
	}
}
