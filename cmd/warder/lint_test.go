package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// runScripts runs the commands in the scripts of a folder, in that folder, and
// compares what they print and how they end.
func runScripts(t *testing.T, folder string) {
	t.Helper()
	scripts, err := filepath.Glob(folder + "/*.txt")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, name := range scripts {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(filepath.Base(name), func(t *testing.T) {
			t.Chdir(folder)
			commands := parseScript(t, string(text))
			if len(commands) == 0 {
				t.Error("no commands")
			}
			for _, c := range commands {
				runScripted(t, c)
			}
		})
	}
}

func runScripted(t *testing.T, c scripted) {
	t.Helper()
	var out, errs bytes.Buffer
	code := run(t.Context(), c.args, &out, &errs)
	if code != c.code || out.String() != c.stdout || errs.String() != c.stderr {
		t.Errorf("line %d: %s\nexit %d, want %d\n%s%swant\n%s%s", c.line, strings.Join(c.args, " "), code, c.code, out.String(), errs.String(), c.stdout, c.stderr)
	}
}

func TestLintScripts(t *testing.T) { runScripts(t, "testdata/lint") }

func TestLintStdin(t *testing.T) {
	f, err := os.Open("testdata/lint/warn.json")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	old := os.Stdin
	os.Stdin = f
	defer func() { os.Stdin = old }()
	var out, errs bytes.Buffer
	if code := run(t.Context(), []string{"lint", "-"}, &out, &errs); code != exitFound || !strings.HasPrefix(out.String(), "-:1:1: WARNING MISSING_VERSION: ") {
		t.Errorf("exit %d: %s%s", code, out.String(), errs.String())
	}
}

// TestLintSARIF: what the SARIF specification asks for beyond what the script
// shows: results refer to their rules, regions are not empty and count from 1.
func TestLintSARIF(t *testing.T) {
	files, err := filepath.Glob("../../policy/testdata/lint/*.txt") // no JSON at all
	if err != nil || len(files) == 0 {
		t.Fatal("no files")
	}
	var out, errs bytes.Buffer
	args := append([]string{"lint", "--format", "sarif", "testdata/lint/bad.json", "testdata/lint/broken.json"}, files...)
	if code := run(t.Context(), args, &out, &errs); code != exitFound {
		t.Fatalf("exit %d: %s", code, errs.String())
	}
	var log sarifLog
	d := json.NewDecoder(&out)
	d.DisallowUnknownFields()
	if err := d.Decode(&log); err != nil {
		t.Fatal(err)
	}
	if log.Version != "2.1.0" || len(log.Runs) != 1 || len(log.Runs[0].Results) < len(files) {
		t.Fatalf("version %s, %d runs", log.Version, len(log.Runs))
	}
	rules := log.Runs[0].Tool.Driver.Rules
	for _, r := range log.Runs[0].Results {
		if r.RuleIndex >= len(rules) || rules[r.RuleIndex].ID != r.RuleID || r.Message.Text == "" || len(r.Locations) != 1 {
			t.Errorf("result %+v", r)
			continue
		}
		at := r.Locations[0].Physical
		if at.Artifact.URI == "" || at.Region.StartLine < 1 || at.Region.StartColumn < 1 || at.Region.EndLine < at.Region.StartLine {
			t.Errorf("location %+v", at)
		}
	}
}

func TestFileURI(t *testing.T) {
	for name, want := range map[string]string{
		"a/b.json": "a/b.json", "a b.json": "a%20b.json", "/x/y.json": "file:///x/y.json", "-": "stdin", "a#b?.json": "a%23b%3F.json",
	} {
		if got := fileURI(name); got != want {
			t.Errorf("fileURI(%q) = %q, want %q", name, got, want)
		}
	}
}
