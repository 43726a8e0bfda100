package main

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/warder-iam/warder/internal/policytest"
	"github.com/warder-iam/warder/policy"
)

const testHelp = `Run unit tests of policies. A file (YAML) says which policies there are, who
asks for what in which context, and whether that is to be allowed or denied and
because of which statement; docs/policy-tests.md explains it.

Without --server the engine decides in this process and nothing is asked of
anybody; a principal can be one of an exported account. With --server the principals are those of the running server, with
their policies there; see "warder help eval" for how it is asked.

The exit code is 0 if every test passes, 1 if one fails, 2 if a file cannot be
read or a request cannot be decided.`

const testExample = `  warder test policies_test.yaml
  warder test --format junit tests/*.yaml > report.xml
  warder test --server "$AWS_ENDPOINT_URL" account_test.yaml`

func testCommand() *cobra.Command {
	var server, format string
	var verbose bool
	fail := func(err error) error { return &exitError{exitFailed, err} }
	cmd := &cobra.Command{
		Use:     "test FILE...",
		Short:   "Run unit tests of policies",
		Long:    testHelp,
		Example: testExample,
		RunE: func(cmd *cobra.Command, files []string) error {
			if len(files) == 0 {
				return fail(errors.New("no file is named"))
			}
			report := &testReport{verbose: verbose}
			write, ok := map[string]func(io.Writer) error{"text": report.text, "json": report.json, "junit": report.junit}[format]
			if !ok {
				return fail(fmt.Errorf("--format is %q: use \"text\", \"json\" or \"junit\"", format))
			}
			decide := policytest.Engine
			if server != "" {
				decide = serverDecider(server)
			}
			for _, name := range files {
				suite, err := policytest.Load(name)
				if err != nil {
					return fail(err)
				}
				results, err := suite.Run(cmd.Context(), decide)
				if err != nil {
					return fail(err)
				}
				report.add(name, results)
			}
			if err := write(cmd.OutOrStdout()); err != nil {
				return fail(err)
			}
			if report.failed > 0 {
				return &exitError{exitFound, nil}
			}
			return nil
		},
	}
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return fail(err) })
	f := cmd.Flags()
	f.StringVar(&server, "server", "", "URL of a running server to ask")
	f.StringVar(&format, "format", "text", `"text", "json" or "junit"`)
	f.BoolVarP(&verbose, "verbose", "v", false, "name the tests that pass too, in text")
	return cmd
}

// serverDecider asks a running server, as eval does: about the principal alone
// its AuthZEN endpoint, which tells the deciding statement, and with policies
// of the file besides SimulatePrincipalPolicy, which does not.
func serverDecider(url string) policytest.Decider {
	return func(ctx context.Context, c *policytest.Case) (*policytest.Answer, error) {
		if c.Account != "" {
			return nil, fmt.Errorf("--server does not go with the exported account %s", c.Account)
		}
		f := &evalFlags{question: c.Question, server: url, explain: true}
		got, err := f.ask(ctx, &c.Policies)
		if err != nil {
			return nil, err
		}
		text, err := json.Marshal(got.Explanation)
		if err != nil {
			return nil, err
		}
		var e explained // from AuthZEN; what the simulator tells leaves it empty
		if err := json.Unmarshal(text, &e); err != nil {
			return nil, err
		}
		a := &policytest.Answer{Decision: got.Decision, Explanation: string(text) + "\n"}
		if e.Decision != "" {
			a.Explanation = e.String()
		}
		switch {
		case got.Allowed:
			a.Decision = policytest.Allowed
		case a.Decision == "":
			a.Decision = policytest.Denied
		}
		if d := e.Deciding; d != nil {
			a.Policy, a.Sid = d.Policy.Name, policytest.StatementName(d.Sid, d.Index)
		}
		return a, nil
	}
}

// explained is what of an explanation in JSON a report shows.
type explained struct {
	Decision string
	Message  string
	Deciding *explainedStatement
	Layers   []struct {
		Layer, Result string
		NearMisses    []explainedStatement
	}
	Needed []struct {
		Layer     string
		Statement json.RawMessage
	}
}

type explainedStatement struct {
	Policy struct{ Name string }
	Index  int
	Sid    string
	Misses []policy.Miss
}

func (e *explained) String() string {
	var b strings.Builder
	b.WriteString(e.Decision + "\n")
	if e.Message != "" {
		b.WriteString("  " + e.Message + "\n")
	}
	for _, l := range e.Layers {
		fmt.Fprintf(&b, "%s: %s\n", l.Layer, l.Result)
		for _, s := range l.NearMisses {
			fmt.Fprintf(&b, "  missed: %s/%s\n", s.Policy.Name, policytest.StatementName(s.Sid, s.Index))
			for _, m := range s.Misses {
				fmt.Fprintf(&b, "          %s\n", m)
			}
		}
	}
	for _, g := range e.Needed {
		fmt.Fprintf(&b, "needed in a %s: %s\n", g.Layer, g.Statement)
	}
	return b.String()
}

// testReport is what the test command prints.
type testReport struct {
	verbose        bool
	suites         []testSuite
	passed, failed int
}

type testSuite struct {
	file    string
	results []policytest.Result
	failed  int
}

func (t *testReport) add(file string, results []policytest.Result) {
	s := testSuite{file: file, results: results}
	for _, r := range results {
		if !r.Passed {
			s.failed++
		}
	}
	t.failed += s.failed
	t.passed += len(results) - s.failed
	t.suites = append(t.suites, s)
}

func (t *testReport) text(w io.Writer) error {
	var b strings.Builder
	for _, s := range t.suites {
		for i := range s.results {
			r := &s.results[i]
			switch {
			case !r.Passed:
				fmt.Fprintf(&b, "FAIL %s:%d: %s\n", s.file, r.Case.Line, r.Case.Name)
				for line := range strings.Lines(r.Diff()) {
					b.WriteString("  " + line)
				}
			case t.verbose:
				fmt.Fprintf(&b, "ok   %s:%d: %s\n", s.file, r.Case.Line, r.Case.Name)
			}
		}
	}
	fmt.Fprintf(&b, "%d requests: %d as expected, %d not\n", t.passed+t.failed, t.passed, t.failed)
	_, err := io.WriteString(w, b.String())
	return err
}

// testRecord is a result in JSON.
type testRecord struct {
	File        string `json:"file"`
	Line        int    `json:"line"`
	Name        string `json:"name"`
	Principal   string `json:"principal"`
	Action      string `json:"action"`
	Resource    string `json:"resource"`
	Passed      bool   `json:"passed"`
	Expected    string `json:"expected"`
	Because     string `json:"expectedBecause,omitempty"`
	Got         string `json:"got"`
	GotBecause  string `json:"gotBecause,omitempty"`
	Explanation string `json:"explanation,omitempty"` // of what failed
}

func (t *testReport) json(w io.Writer) error {
	out := struct {
		Passed  int          `json:"passed"`
		Failed  int          `json:"failed"`
		Results []testRecord `json:"results"`
	}{t.passed, t.failed, []testRecord{}}
	for _, s := range t.suites {
		for _, r := range s.results {
			q := &r.Case.Question
			record := testRecord{
				File: s.file, Line: r.Case.Line, Name: r.Case.Name, Principal: q.Principal, Action: q.Action, Resource: q.Resource,
				Passed: r.Passed, Expected: r.Case.Expect, Because: r.Case.Because, Got: r.Answer.Decision, GotBecause: r.Answer.Because(),
			}
			if !r.Passed {
				record.Explanation = r.Answer.Explanation
			}
			out.Results = append(out.Results, record)
		}
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(out)
}

// The form of JUnit reports that CI systems read.
type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Name    string        `xml:"name,attr"`
		Class   string        `xml:"classname,attr"`
		File    string        `xml:"file,attr"`
		Line    int           `xml:"line,attr"`
		Failure *junitFailure `xml:"failure"`
	}
	junitFailure struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

func (t *testReport) junit(w io.Writer) error {
	out := junitSuites{Tests: t.passed + t.failed, Failures: t.failed}
	for _, s := range t.suites {
		suite := junitSuite{Name: s.file, Tests: len(s.results), Failures: s.failed}
		for i := range s.results {
			r := &s.results[i]
			c := junitCase{
				Name:  fmt.Sprintf("%s: %s on %s", r.Case.Name, r.Case.Question.Action, r.Case.Question.Resource),
				Class: strings.TrimSuffix(s.file, ".yaml"), File: s.file, Line: r.Case.Line,
			}
			if !r.Passed {
				c.Failure = &junitFailure{r.Summary(), r.Diff()}
			}
			suite.Cases = append(suite.Cases, c)
		}
		out.Suites = append(out.Suites, suite)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(out); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}
