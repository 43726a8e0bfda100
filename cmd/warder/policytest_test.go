package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestTestScripts(t *testing.T) { runScripts(t, "testdata/test") }

// TestPolicyTestsPage runs what docs/policy-tests.md shows: the files in its
// blocks, and the commands with their output.
func TestPolicyTestsPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/policy-tests.md")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	commands := 0
	for _, block := range regexp.MustCompile("(?ms)^```(\\w+) ?(\\S*)\n(.*?)^```$").FindAllStringSubmatch(string(page), -1) {
		language, name, text := block[1], block[2], block[3]
		if language != "console" {
			if filepath.Base(name) != name || name == "" {
				t.Fatalf("block of %s without a file name", language)
			}
			if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			continue
		}
		commands++
		command, want, _ := strings.Cut(text, "\n")
		args, ok := strings.CutPrefix(command, "$ warder ")
		if !ok {
			t.Fatalf("no command: %s", command)
		}
		wantCode := 0
		if strings.Contains(want, "FAIL") {
			wantCode = exitFound
		}
		var out, errs bytes.Buffer
		if code := run(t.Context(), strings.Fields(args), &out, &errs); code != wantCode || out.String() != want || errs.Len() > 0 {
			t.Errorf("%s\nexit %d, want %d\n%s%swant\n%s", command, code, wantCode, out.String(), errs.String(), want)
		}
	}
	if commands < 2 {
		t.Errorf("%d commands on the page", commands)
	}
}
