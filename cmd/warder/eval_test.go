package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const testPrincipal = "arn:aws:iam::123456789012:user/Jo"

// TestEvalScripts runs the commands in testdata/eval/*.txt in that folder and
// compares what they print and how they end.
func TestEvalScripts(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	scripts, err := filepath.Glob("testdata/eval/*.txt")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for i := range scripts {
		text, err := os.ReadFile(scripts[i])
		if err != nil {
			t.Fatal(err)
		}
		t.Run(filepath.Base(scripts[i]), func(t *testing.T) {
			t.Chdir("testdata/eval")
			commands := 0
			for _, c := range parseScript(t, string(text)) {
				commands++
				var out, errs bytes.Buffer
				code := run(t.Context(), c.args, &out, &errs)
				if code != c.code || out.String() != c.stdout || errs.String() != c.stderr {
					t.Errorf("line %d: %s\nexit %d, want %d\n%s%swant\n%s%s", c.line, strings.Join(c.args, " "), code, c.code, out.String(), errs.String(), c.stdout, c.stderr)
				}
			}
			if commands == 0 {
				t.Error("no commands")
			}
		})
	}
}

type scripted struct {
	line           int
	args           []string
	stdout, stderr string
	code           int
}

// parseScript reads lines that begin with "$" (a command), ">" (its output),
// "!" (its errors), "=" (its exit code, last) or "#" (nothing).
func parseScript(t *testing.T, text string) []scripted {
	t.Helper()
	var all []scripted
	open := false
	for i, line := range strings.Split(text, "\n") {
		if line == "" || line[0] == '#' {
			continue
		}
		rest := strings.TrimPrefix(line[1:], " ") + "\n"
		if open == (line[0] == '$') {
			t.Fatalf("line %d: out of place: %s", i+1, line)
		}
		switch line[0] {
		case '$':
			all, open = append(all, scripted{line: i + 1, args: strings.Fields(strings.ReplaceAll(rest, "$P", testPrincipal))}), true
		case '>':
			all[len(all)-1].stdout += rest
		case '!':
			all[len(all)-1].stderr += rest
		case '=':
			if _, err := fmt.Sscan(rest, &all[len(all)-1].code); err != nil {
				t.Fatalf("line %d: %v", i+1, err)
			}
			open = false
		default:
			t.Fatalf("line %d: %s", i+1, line)
		}
	}
	if open {
		t.Fatal("the last command has no exit code")
	}
	return all
}

func TestEvalJSONExplanation(t *testing.T) {
	t.Chdir("testdata/eval")
	var out, errs bytes.Buffer
	code := run(t.Context(), []string{"eval", "--principal", testPrincipal, "--action", "s3:GetObject", "--identity", "none.json", "--explain", "--output", "json"}, &out, &errs)
	var got struct {
		Allowed     bool
		Decision    string
		Explanation struct {
			Decision string
			Deciding struct {
				Policy struct{ Name string }
				Sid    string
			}
		}
	}
	if err := json.Unmarshal(out.Bytes(), &got); err != nil || code != exitDenied || errs.Len() > 0 {
		t.Fatalf("exit %d, %v: %s%s", code, err, out.String(), errs.String())
	}
	e := &got.Explanation
	if got.Allowed || got.Decision != "explicitDeny" || e.Decision != got.Decision || e.Deciding.Policy.Name != "none.json" || e.Deciding.Sid != "None" {
		t.Error(out.String())
	}
}
