package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/warder-iam/warder/internal/catalog"
	"github.com/warder-iam/warder/policy"
)

const lintHelp = `Look policies over for mistakes and dangers: elements that are not valid, names
of services, actions and condition keys that do not exist, values of the wrong
type, statements that give more than they seem to or nothing at all. Findings
have the codes and texts of IAM Access Analyzer's ValidatePolicy; docs/lint.md
lists them.

All files are of the one type that --type names; - is the standard input. A
permissions boundary is of type identity.

The exit code is 0 if nothing is found at --fail-on or worse, 1 if something is,
2 if a file cannot be read.`

const lintExample = `  warder lint policy.json
  warder lint --type trust --fail-on SECURITY_WARNING role.json
  warder lint --type resource --resource-type AWS::S3::Bucket --format sarif bucket.json > lint.sarif`

// exitFound is lint's exit code if there are findings.
const exitFound = 1

// linted is a file with what was found in it. JSON output is a list of these.
type linted struct {
	File     string           `json:"file"`
	Type     string           `json:"type"`
	Findings []policy.Finding `json:"findings"`
}

func lintCommand() *cobra.Command {
	var kindName, format, failOn, resourceType string
	var ignore []string
	fail := func(err error) error { return &exitError{exitFailed, err} }
	cmd := &cobra.Command{
		Use:     "lint FILE...",
		Short:   "Look policies over for mistakes and dangers",
		Long:    lintHelp,
		Example: lintExample,
		RunE: func(cmd *cobra.Command, files []string) error {
			if len(files) == 0 {
				return fail(errors.New("no file is named; - is the standard input"))
			}
			kind, ok := policy.KindOf(kindName)
			if !ok {
				return fail(fmt.Errorf("--type %q is none of %s", kindName, strings.Join(kindNames(), ", ")))
			}
			threshold, err := findingType(failOn)
			if err != nil {
				return fail(err)
			}
			write, ok := map[string]func(io.Writer, []linted) error{"text": lintText, "json": lintJSON, "sarif": lintSARIF}[format]
			if !ok {
				return fail(fmt.Errorf("--format is %q: use \"text\", \"json\" or \"sarif\"", format))
			}
			opts, err := lintOptions(kind, resourceType, ignore)
			if err != nil {
				return fail(err)
			}
			out := []linted{}
			found := false
			for _, name := range files {
				text, err := readPolicy(cmd.InOrStdin(), name)
				if err != nil {
					return fail(err)
				}
				l := linted{name, kind.String(), policy.LintText(kind, text, catalog.Open(), opts...)}
				found = found || slices.ContainsFunc(l.Findings, func(f policy.Finding) bool { return f.Type <= threshold })
				out = append(out, l)
			}
			if err := write(cmd.OutOrStdout(), out); err != nil {
				return fail(err)
			}
			if found {
				return &exitError{exitFound, nil}
			}
			return nil
		},
	}
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return fail(err) })
	f := cmd.Flags()
	f.StringVar(&kindName, "type", policy.Identity.String(), "type of the policies: "+strings.Join(kindNames(), ", "))
	f.StringVar(&resourceType, "resource-type", "", "type of the resource that a resource policy is attached to, such as AWS::S3::Bucket")
	f.StringVar(&format, "format", "text", `"text", "json" or "sarif"`)
	f.StringVar(&failOn, "fail-on", policy.LintSuggestion.String(), "least bad type of finding that fails: ERROR, SECURITY_WARNING, WARNING or SUGGESTION")
	f.StringSliceVar(&ignore, "ignore", nil, "code of findings to leave out; again or with commas for more")
	return cmd
}

func kindNames() (names []string) {
	for k := policy.Identity; k <= policy.Endpoint; k++ {
		names = append(names, k.String())
	}
	return names
}

func findingType(name string) (policy.FindingType, error) {
	for t := policy.LintError; t <= policy.LintSuggestion; t++ {
		if strings.EqualFold(t.String(), name) {
			return t, nil
		}
	}
	return 0, fmt.Errorf("--fail-on is %q: use ERROR, SECURITY_WARNING, WARNING or SUGGESTION", name)
}

// lintOptions refuses what would silently change nothing.
func lintOptions(kind policy.Kind, resourceType string, ignore []string) ([]policy.LintOption, error) {
	var opts []policy.LintOption
	if resourceType != "" {
		switch {
		case kind != policy.Resource:
			return nil, errors.New("--resource-type goes with --type resource")
		case !slices.Contains(policy.LintResourceTypes(), resourceType):
			return nil, fmt.Errorf("--resource-type %q is none of %s", resourceType, strings.Join(policy.LintResourceTypes(), ", "))
		}
		opts = append(opts, policy.LintResourceType(resourceType))
	}
	for _, code := range ignore {
		if !slices.ContainsFunc(policy.LintChecks(), func(f policy.Finding) bool { return f.Code == code }) {
			return nil, fmt.Errorf("--ignore %q is no code of a finding", code)
		}
	}
	return append(opts, policy.LintIgnore(ignore...)), nil
}

// readPolicy reads a file, and no more of it than a policy can have.
func readPolicy(stdin io.Reader, name string) (string, error) {
	r := stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return "", err
		}
		defer f.Close()
		r = f
	}
	text, err := io.ReadAll(io.LimitReader(r, policy.MaxSource+1))
	return string(text), err
}

func lintText(w io.Writer, files []linted) error {
	var b strings.Builder
	count := map[policy.FindingType]int{}
	for _, l := range files {
		for _, f := range l.Findings {
			count[f.Type]++
			for i, at := range f.Locations {
				p := at.Span.Start
				if i == 0 {
					fmt.Fprintf(&b, "%s:%d:%d: %s %s: %s\n", l.File, p.Line, p.Column+1, f.Type, f.Code, f.Details)
				} else {
					fmt.Fprintf(&b, "%s:%d:%d: and here\n", l.File, p.Line, p.Column+1)
				}
			}
		}
	}
	for t := policy.LintError; t <= policy.LintSuggestion; t++ {
		fmt.Fprintf(&b, "%d %s, ", count[t], t)
	}
	fmt.Fprintf(&b, "in %d files\n", len(files))
	_, err := io.WriteString(w, b.String())
	return err
}

func lintJSON(w io.Writer, files []linted) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(files)
}

// The parts of the Static Analysis Results Interchange Format that code hosts
// read. https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool       sarifTool     `json:"tool"`
		ColumnKind string        `json:"columnKind"`
		Results    []sarifResult `json:"results"`
	}
	sarifTool struct {
		Driver struct {
			Name  string      `json:"name"`
			Rules []sarifRule `json:"rules"`
		} `json:"driver"`
	}
	sarifRule struct {
		ID      string     `json:"id"`
		Short   sarifText  `json:"shortDescription"`
		HelpURI string     `json:"helpUri"`
		Default sarifLevel `json:"defaultConfiguration"`
	}
	sarifLevel struct {
		Level string `json:"level"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifResult struct {
		RuleID     string            `json:"ruleId"`
		RuleIndex  int               `json:"ruleIndex"`
		Level      string            `json:"level"`
		Message    sarifText         `json:"message"`
		Locations  []sarifLocation   `json:"locations"`
		Related    []sarifLocation   `json:"relatedLocations,omitempty"`
		Properties map[string]string `json:"properties"`
	}
	sarifLocation struct {
		Physical sarifPhysical  `json:"physicalLocation"`
		Logical  []sarifLogical `json:"logicalLocations,omitempty"`
	}
	sarifLogical struct {
		Name string `json:"fullyQualifiedName"`
	}
	sarifPhysical struct {
		Artifact struct {
			URI string `json:"uri"`
		} `json:"artifactLocation"`
		Region sarifRegion `json:"region"`
	}
	sarifRegion struct {
		StartLine   int `json:"startLine"`
		StartColumn int `json:"startColumn"`
		EndLine     int `json:"endLine"`
		EndColumn   int `json:"endColumn"`
	}
)

var sarifLevels = map[policy.FindingType]string{
	policy.LintError: "error", policy.LintSecurityWarning: "warning", policy.LintWarning: "warning", policy.LintSuggestion: "note",
}

func lintSARIF(w io.Writer, files []linted) error {
	run := sarifRun{ColumnKind: "unicodeCodePoints", Results: []sarifResult{}}
	run.Tool.Driver.Name = "warder lint"
	run.Tool.Driver.Rules = []sarifRule{}
	rules := map[string]int{}
	places := strings.NewReplacer("{{", "<", "}}", ">")
	for _, check := range policy.LintChecks() {
		used := func(f policy.Finding) bool { return f.Code == check.Code }
		if slices.ContainsFunc(files, func(l linted) bool { return slices.ContainsFunc(l.Findings, used) }) {
			rules[check.Code] = len(run.Tool.Driver.Rules)
			run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, sarifRule{check.Code, sarifText{places.Replace(check.Details)}, check.LearnMoreLink, sarifLevel{sarifLevels[check.Type]}})
		}
	}
	for _, l := range files {
		for _, f := range l.Findings {
			r := sarifResult{
				RuleID: f.Code, RuleIndex: rules[f.Code], Level: sarifLevels[f.Type], Message: sarifText{f.Details},
				Properties: map[string]string{"findingType": f.Type.String()},
			}
			for _, at := range f.Locations {
				r.Related = append(r.Related, sarifAt(l.File, at))
			}
			r.Locations, r.Related = r.Related[:1:1], r.Related[1:]
			run.Results = append(run.Results, r)
		}
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(sarifLog{"https://json.schemastore.org/sarif-2.1.0.json", "2.1.0", []sarifRun{run}})
}

func sarifAt(file string, at policy.Location) sarifLocation {
	var out sarifLocation
	var path strings.Builder
	for _, step := range at.Path {
		path.WriteString(step.String())
	}
	if path.Len() > 0 {
		out.Logical = []sarifLogical{{strings.TrimPrefix(path.String(), ".")}}
	}
	out.Physical.Artifact.URI = fileURI(file)
	out.Physical.Region = sarifRegion{at.Span.Start.Line, at.Span.Start.Column + 1, at.Span.End.Line, at.Span.End.Column + 1}
	return out
}

// fileURI names a file as it was named, relative or not.
func fileURI(file string) string {
	if file == "-" {
		return "stdin"
	}
	u := url.URL{Path: filepath.ToSlash(file)}
	if filepath.IsAbs(file) {
		u.Scheme = "file"
	}
	return u.String()
}
