package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// block is a fenced block of a Markdown file.
type block struct {
	language string
	line     int // of the fence
	text     string
}

func blocks(t testing.TB, path string) []block {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var found []block
	open := false
	n := 0
	for line := range strings.Lines(string(text)) {
		n++
		switch language, fence := strings.CutPrefix(line, "```"); {
		case fence && !open:
			found = append(found, block{language: strings.TrimSpace(language), line: n})
			open = true
		case fence:
			open = false
		case open:
			found[len(found)-1].text += line
		}
	}
	return found
}

// prelude is what the blocks are run after: what bash is to do with errors,
// and a command that must be refused by the server. A leading "!" would let
// anything pass, so the test replaces it.
const prelude = `set -euo pipefail
exec 2>&1
trap 'kill $(jobs -p) 2>/dev/null || true' EXIT
refused() {
	local said
	if said=$("$@" 2>&1); then
		echo "NOT REFUSED: $*"
		exit 1
	fi
	case $said in
	*"An error occurred ("*) echo "$said" ;;
	*) echo "FAILED WITHOUT AN ANSWER: $*: $said"; exit 1 ;;
	esac
}
`

var bang = regexp.MustCompile(`(?m)^! `)

// The tour of docs/tour.md, typed as it stands into one shell, does what it says.
func TestTour(t *testing.T) { runDocument(t, "tour.md", 10) }

// So does docs/replay.md.
func TestReplayDocument(t *testing.T) { runDocument(t, "replay.md", 5) }

// So does docs/alerts.md.
func TestAlertsDocument(t *testing.T) {
	runDocument(t, "alerts.md", 7, "--notify-network", "127.0.0.1")
}

// runDocument types the blocks of a document of docs into one shell, beside a server,
// and compares what is said with what the document says.
func runDocument(t *testing.T, name string, least int, flags ...string) {
	t.Parallel()
	need(t, "aws")
	need(t, "python3")
	tour := blocks(t, filepath.Join("..", "..", "docs", name))
	script := prelude
	scripts := 0
	for i, b := range tour {
		if b.language == "sh" {
			script += fmt.Sprintf("echo '=== block %d'\n%s", i, bang.ReplaceAllString(b.text, "refused "))
			scripts++
		}
	}
	if scripts < least {
		t.Fatalf("the document has %d blocks to run: they are not where the test looks for them", scripts)
	}

	data := dataFolder(t)
	// Only the account's id is as the tour shows it; everything else is as a
	// first start makes it.
	s := serve(t, append([]string{"--data", data, "--account", account}, flags...)...)
	cmd := exec.Command(need(t, "bash"), "-c", script)
	cmd.Env, cmd.Dir, cmd.SysProcAttr = cleanEnv(t, "WARDER_DATA="+data), t.TempDir(), dieWithTest()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("the document ended with %v: %s\nthe server: %s", err, out, lastLines(s.log.String(), 10))
	}

	said := make(map[int]string)
	for part := range strings.SplitSeq("\n"+string(out), "\n=== block ") {
		var i int
		if _, err := fmt.Sscanf(part, "%d", &i); err == nil {
			said[i] = part
		}
	}
	for i, b := range tour {
		if i == 0 || tour[i-1].language != "sh" || b.language != "text" && b.language != "json" {
			continue
		}
		rest := said[i-1]
		for line := range strings.Lines(b.text) {
			parts := strings.Split(strings.TrimRight(line, "\n"), "…")
			for j := range parts {
				parts[j] = regexp.QuoteMeta(strings.TrimSpace(parts[j]))
			}
			where := regexp.MustCompile(strings.Join(parts, `.*`)).FindStringIndex(rest)
			if where == nil {
				t.Errorf("docs/%s:%d: the output lacks\n%s\nit is\n%s", name, b.line, line, said[i-1])
				break
			}
			rest = rest[where[1]:]
		}
	}
}

func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
