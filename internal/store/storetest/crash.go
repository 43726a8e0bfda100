package storetest

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/warder-iam/warder/internal/store"
)

const (
	// crashChild names the data folder to the child process.
	crashChild = "WARDER_STORETEST_CRASH_CHILD"
	// crashKills is how often to kill; 20 times if it is not set.
	crashKills = "WARDER_STORETEST_KILLS"
)

// Crash kills a writing process with SIGKILL, again and again on the same data, and
// looks each time that every acknowledged batch is there and none is half there.
// The writer is this test binary, running the calling test alone, which therefore
// must do nothing before it calls Crash. That shows what the death of the process
// does, not what the loss of power does.
func Crash(t *testing.T, open func(dir string) (store.Store, error)) {
	if dir := os.Getenv(crashChild); dir != "" {
		crashWriter(dir, open)
	}
	kills := 20
	if text := os.Getenv(crashKills); text != "" {
		var err error
		if kills, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	var total int64
	for kill := range kills {
		acknowledged := killedWriter(t, dir, rand.IntN(60), time.Duration(rand.IntN(2000))*time.Microsecond)
		total = crashCheck(t, dir, open, acknowledged)
		if t.Failed() {
			t.Fatalf("after %d kills", kill+1)
		}
	}
	t.Logf("%d kills, %d batches", kills, total)
}

// killedWriter starts a writer, kills it a moment after it has acknowledged some
// batches, and returns the last revision that it acknowledged, 0 if none.
func killedWriter(t *testing.T, dir string, after int, more time.Duration) (acknowledged int64) {
	child := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	child.Env = append(os.Environ(), crashChild+"="+dir)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for n := 0; lines.Scan(); n++ { // to the end: what came before the kill counts
		text, whole := strings.CutSuffix(lines.Text(), ".")
		revision, err := strconv.ParseInt(text, 10, 64)
		if !whole || err != nil {
			continue // the line that the kill cut
		}
		acknowledged = revision
		if n == after {
			time.AfterFunc(more, func() { child.Process.Kill() })
		}
	}
	if err := child.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Fatalf("the writer ended by itself: %v", err)
	}
	return acknowledged
}

// crashOps are what batch n consists of: records of many sizes that name it, the
// counter, and the deletion of records of an earlier batch.
func crashOps(n int64) []store.Op {
	ops := []store.Op{put("counter", fmt.Sprint(n))}
	for i := range crashWidth(n) {
		size := (n*31 + i*977) % 9000
		ops = append(ops, put(fmt.Sprintf("batch/%d/%d", n, i), fmt.Sprint(n)+strings.Repeat("#", int(size))))
	}
	if n > 20 {
		for i := range crashWidth(n - 20) {
			ops = append(ops, del(fmt.Sprintf("batch/%d/%d", n-20, i)))
		}
	}
	return ops
}

func crashWidth(n int64) int64 { return 1 + n%5 }

// crashWriter never returns: it commits until it is killed.
func crashWriter(dir string, open func(dir string) (store.Store, error)) {
	fail := func(err error) {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(3)
	}
	s, err := open(dir)
	if err != nil {
		fail(err)
	}
	ctx := context.Background()
	revision, err := s.Load(ctx, func(store.Record) error { return nil })
	if err != nil {
		fail(err)
	}
	for {
		group := make([]store.Batch, 1+rand.IntN(4))
		for i := range group {
			n := revision + int64(i) + 1
			group[i] = store.Batch{Ops: crashOps(n), Guards: []store.Guard{{Key: "counter", Revision: n - 1}}}
		}
		results, err := s.CommitAll(ctx, group)
		if err != nil {
			fail(err)
		}
		for _, r := range results {
			if r.Err != nil {
				fail(r.Err)
			}
			revision = r.Revision
			fmt.Printf("%d.\n", revision)
		}
		if rand.IntN(50) == 0 && revision > 30 {
			if err := s.Compact(ctx, revision-30); err != nil {
				fail(err)
			}
		}
	}
}

// crashCheck compares the data with what the batches up to the head amount to.
func crashCheck(t *testing.T, dir string, open func(dir string) (store.Store, error), acknowledged int64) (revision int64) {
	s, err := open(dir)
	if err != nil {
		t.Fatalf("opening after a kill: %v", err)
	}
	defer s.Close()
	h := &harness{T: t}
	got, revision := h.load(s)
	if revision < acknowledged {
		t.Errorf("revision %d was acknowledged, %d is there", acknowledged, revision)
	}
	want := map[string]bool{}
	for n := max(1, revision-20); n <= revision; n++ {
		for _, op := range crashOps(n) {
			line := show(store.Record{Key: op.Key, Value: op.Value, Revision: n})
			want[line] = op.Value != nil && (op.Key != "counter" || n == revision) && (op.Key == "counter" || n > revision-20)
		}
	}
	n := 0
	for _, is := range want {
		if is {
			n++
		}
	}
	if len(got) != n {
		t.Errorf("%d records are there, not %d", len(got), n)
	}
	for _, line := range got {
		if !want[line] {
			t.Errorf("at revision %d there is %.60s", revision, line)
		}
	}
	h.holds(s, revision, got...) // the log says the same
	return revision
}
