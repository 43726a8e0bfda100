// Package storetest is the one suite that every store driver passes. A driver's
// tests call Run, and Crash too if the driver is durable. Each test gets data of
// its own.
package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/warder-iam/warder/internal/store"
)

// A Fresh makes empty data and returns how to open a handle on them. Opening again
// while another handle is open must be possible: the suite tests fencing with it.
type Fresh func(t testing.TB) (open func() (store.Store, error))

// Run runs the suite.
func Run(t *testing.T, fresh Fresh) {
	for _, c := range []struct {
		name string
		test func(t *testing.T, h *harness)
	}{
		{"Empty", testEmpty},
		{"PutGetDelete", testPutGetDelete},
		{"Order", testOrder},
		{"Values", testValues},
		{"BigBatch", testBigBatch},
		{"OpsInOrder", testOpsInOrder},
		{"Guards", testGuards},
		{"GuardRace", testGuardRace},
		{"Atomic", testAtomic},
		{"Group", testGroup},
		{"Invalid", testInvalid},
		{"LoadError", testLoadError},
		{"LoadWhileWriting", testLoadWhileWriting},
		{"Cancelled", testCancelled},
		{"LoadAt", testLoadAt},
		{"RevisionAt", testRevisionAt},
		{"Compact", testCompact},
		{"Watch", testWatch},
		{"Events", testEvents},
		{"WatchBehind", testWatchBehind},
		{"WatchConcurrent", testWatchConcurrent},
		{"WatchEnds", testWatchEnds},
		{"Close", testClose},
		{"CloseUnderLoad", testCloseUnderLoad},
		{"Fencing", testFencing},
		{"Reopen", testReopen},
		{"Model", testModel},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.test(t, &harness{T: t, fresh: fresh, open: fresh(t)})
		})
	}
}

// harness is what a test works with: one set of data, and helpers that fail it.
type harness struct {
	*testing.T
	fresh Fresh
	open  func() (store.Store, error)
}

func (h *harness) store() store.Store {
	h.Helper()
	s, err := h.open()
	if err != nil {
		h.Fatalf("opening: %v", err)
	}
	h.Cleanup(func() {
		if err := s.Close(); err != nil {
			h.Errorf("closing: %v", err)
		}
	})
	return s
}

var start = time.Date(2026, 3, 4, 5, 6, 7, 8000, time.UTC)

func put(key, value string) store.Op    { return store.Op{Key: key, Value: []byte(value)} }
func del(key string) store.Op           { return store.Op{Key: key} }
func batch(ops ...store.Op) store.Batch { return store.Batch{Ops: ops, Time: start} }

func guarded(b store.Batch, key string, revision int64) store.Batch {
	b.Guards = append(slices.Clone(b.Guards), store.Guard{Key: key, Revision: revision})
	return b
}

// commit lands batches one by one and returns the last revision.
func (h *harness) commit(s store.Store, batches ...store.Batch) (revision int64) {
	h.Helper()
	for _, b := range batches {
		var err error
		if revision, err = s.Commit(h.Context(), b); err != nil {
			h.Fatalf("commit: %v", err)
		}
	}
	return revision
}

func (h *harness) refused(s store.Store, b store.Batch, want error) {
	h.Helper()
	if revision, err := s.Commit(h.Context(), b); !errors.Is(err, want) || revision != 0 {
		h.Errorf("commit answers %d, %v; want 0, %v", revision, err, want)
	}
}

// show puts a record into a line.
func show(r store.Record) string { return fmt.Sprintf("%q=%q@%d", r.Key, r.Value, r.Revision) }

func (h *harness) load(s store.Store) (records []string, revision int64) {
	h.Helper()
	revision, err := s.Load(h.Context(), func(r store.Record) error {
		if r.Value == nil {
			h.Errorf("%q has a nil value", r.Key)
		}
		records = append(records, show(r))
		return nil
	})
	if err != nil {
		h.Fatalf("load: %v", err)
	}
	return records, revision
}

func (h *harness) loadAt(s store.Store, revision int64) (records []string) {
	h.Helper()
	err := s.LoadAt(h.Context(), revision, func(r store.Record) error {
		if r.Value == nil {
			h.Errorf("%q has a nil value", r.Key)
		}
		records = append(records, show(r))
		return nil
	})
	if err != nil {
		h.Fatalf("load at %d: %v", revision, err)
	}
	return records
}

// holds checks the head's state and that the log leads to the same.
func (h *harness) holds(s store.Store, revision int64, want ...string) {
	h.Helper()
	got, at := h.load(s)
	if !slices.Equal(got, want) || at != revision {
		h.Errorf("at revision %d:\n  %s\nwant at revision %d:\n  %s", at, strings.Join(got, "\n  "), revision, strings.Join(want, "\n  "))
	}
	if logged := h.loadAt(s, at); !slices.Equal(logged, got) {
		h.Errorf("the log leads to:\n  %s\nthe records are:\n  %s", strings.Join(logged, "\n  "), strings.Join(got, "\n  "))
	}
}

func testEmpty(t *testing.T, h *harness) {
	s := h.store()
	h.holds(s, 0)
	if got := h.commit(s, store.Batch{Time: start}); got != 1 {
		t.Errorf("a batch without ops takes revision %d", got)
	}
	h.holds(s, 1)
	if results, err := s.CommitAll(t.Context(), nil); err != nil || len(results) != 0 {
		t.Errorf("a group of none answers %v, %v", results, err)
	}
	h.holds(s, 1)
}

func testPutGetDelete(t *testing.T, h *harness) {
	s := h.store()
	h.commit(s, batch(put("b", "1"), put("a", "2")))
	h.holds(s, 1, `"a"="2"@1`, `"b"="1"@1`)
	h.commit(s, batch(put("b", "3")))
	h.holds(s, 2, `"a"="2"@1`, `"b"="3"@2`)
	h.commit(s, batch(del("a"), del("never")))
	h.holds(s, 3, `"b"="3"@2`)
	h.commit(s, batch(put("a", "back")))
	h.holds(s, 4, `"a"="back"@4`, `"b"="3"@2`)
}

// Keys are in the order of their bytes: not of a language, of case, or of UTF-16.
func testOrder(t *testing.T, h *harness) {
	keys := []string{
		"\x00", "\x00\x00", "\x01", " ", "A", "B", "Z", "_", "a", "a\x00", "a\x00b", "a/b", "a0", "aa", "b", "ä",
		"\xc3", "z", "\u07ff", "\u0800", "\uffff", "\U00010000", "\xff", "\xff\xfe", "%", "'", `"`, "\\",
		strings.Repeat("m", store.MaxKey), strings.Repeat("\xff", store.MaxKey),
	}
	shuffled := slices.Clone(keys)
	rand.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
	s := h.store()
	for _, key := range shuffled {
		h.commit(s, batch(put(key, key)))
	}
	slices.Sort(keys)
	var got, logged []string
	collect := func(into *[]string) func(store.Record) error {
		return func(r store.Record) error {
			if r.Key != string(r.Value) {
				t.Errorf("%q holds %q", r.Key, r.Value)
			}
			*into = append(*into, r.Key)
			return nil
		}
	}
	revision, err := s.Load(t.Context(), collect(&got))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.LoadAt(t.Context(), revision, collect(&logged)); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got, keys) || !slices.Equal(logged, keys) {
		t.Errorf("order:\n%q\nwant\n%q\nfrom the log\n%q", got, keys, logged)
	}
}

func testValues(t *testing.T, h *harness) {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	random := make([]byte, 5<<20)
	for i := range random {
		random[i] = byte(rand.Uint32())
	}
	values := map[string][]byte{
		"empty": {}, "zero": {0}, "zeros": make([]byte, 100), "all": all, "text": []byte("ünïcödé'\"\\%s?"),
		"random": random, "largest": make([]byte, store.MaxValue),
	}
	s := h.store()
	var b store.Batch
	for key, value := range values {
		b.Ops = append(b.Ops, store.Op{Key: key, Value: value})
	}
	revision := h.commit(s, b)
	check := func(how string) func(store.Record) error {
		return func(r store.Record) error {
			if r.Value == nil || !bytes.Equal(r.Value, values[r.Key]) {
				t.Errorf("%s: %q came back with %d bytes (nil: %v), not the %d put", how, r.Key, len(r.Value), r.Value == nil, len(values[r.Key]))
			}
			return nil
		}
	}
	if _, err := s.Load(t.Context(), check("load")); err != nil {
		t.Fatal(err)
	}
	if err := s.LoadAt(t.Context(), revision, check("log")); err != nil {
		t.Fatal(err)
	}
	for c, err := range s.Watch(t.Context(), 0) {
		if err != nil {
			t.Fatal(err)
		}
		for _, op := range c.Ops {
			check("watch")(store.Record{Key: op.Key, Value: op.Value})
		}
		break
	}
}

func testBigBatch(t *testing.T, h *harness) {
	s := h.store()
	var b store.Batch
	var want []string
	for i := range 5000 {
		b.Ops = append(b.Ops, put(fmt.Sprintf("k%05d", i), fmt.Sprint(i)))
		want = append(want, fmt.Sprintf(`"k%05d"="%d"@1`, i, i))
	}
	h.commit(s, b)
	h.holds(s, 1, want...)
	for i := range b.Ops {
		b.Ops[i] = del(b.Ops[i].Key)
	}
	h.commit(s, store.Batch{Ops: slices.Clone(b.Ops)})
	h.holds(s, 2)
}

func testOpsInOrder(t *testing.T, h *harness) {
	s := h.store()
	h.commit(s, batch(put("a", "1"), put("a", "2"), put("b", "1"), del("b"), del("c"), put("c", "1")))
	h.holds(s, 1, `"a"="2"@1`, `"c"="1"@1`)
}

func testGuards(t *testing.T, h *harness) {
	s := h.store()
	h.commit(s, guarded(batch(put("a", "1")), "a", 0))
	h.refused(s, guarded(batch(put("a", "x")), "a", 0), store.ErrConflict)
	h.refused(s, guarded(batch(put("a", "x")), "a", 2), store.ErrConflict)
	h.refused(s, guarded(batch(put("x", "x")), "none", 1), store.ErrConflict)
	h.holds(s, 1, `"a"="1"@1`)
	h.commit(s, guarded(batch(put("a", "2")), "a", 1))
	h.refused(s, guarded(batch(put("a", "x")), "a", 1), store.ErrConflict)
	h.commit(s, batch(put("a", "2"))) // the same value is a new revision all the same
	h.refused(s, guarded(batch(put("a", "x")), "a", 2), store.ErrConflict)
	h.commit(s, guarded(guarded(batch(del("a")), "a", 3), "b", 0))
	h.refused(s, guarded(batch(put("a", "x")), "a", 3), store.ErrConflict)
	h.commit(s, guarded(batch(put("a", "new")), "a", 0))
	h.holds(s, 5, `"a"="new"@5`)
	// One guard of several that fails is enough, wherever it stands.
	h.refused(s, guarded(guarded(batch(put("b", "x")), "a", 5), "a", 4), store.ErrConflict)
	h.refused(s, guarded(guarded(batch(put("b", "x")), "a", 4), "a", 5), store.ErrConflict)
	// Guards look at the state before the batch, not at its own ops.
	h.refused(s, guarded(batch(del("a")), "a", 0), store.ErrConflict)
	h.holds(s, 5, `"a"="new"@5`)
}

// Many who count up one record under a guard lose no count.
func testGuardRace(t *testing.T, h *harness) {
	s := h.store()
	const workers, each = 4, 10
	done := make(chan error, workers)
	for range workers {
		go func() {
			for n := 0; n < each; {
				var seen int64
				count := 0
				_, err := s.Load(t.Context(), func(r store.Record) error {
					seen = r.Revision
					_, err := fmt.Sscan(string(r.Value), &count)
					return err
				})
				if err == nil {
					_, err = s.Commit(t.Context(), guarded(batch(put("count", fmt.Sprint(count+1))), "count", seen))
				}
				switch {
				case err == nil:
					n++
				case !errors.Is(err, store.ErrConflict):
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for range workers {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	h.holds(s, workers*each, fmt.Sprintf(`"count"="%d"@%d`, workers*each, workers*each))
}

func testAtomic(t *testing.T, h *harness) {
	s := h.store()
	h.commit(s, batch(put("a", "1"), put("b", "1")))
	h.refused(s, guarded(batch(put("a", "x"), del("b"), put("c", "x")), "b", 0), store.ErrConflict)
	h.holds(s, 1, `"a"="1"@1`, `"b"="1"@1`)
	for c, err := range s.Watch(t.Context(), 0) {
		if err != nil || c.Revision != 1 || len(c.Ops) != 2 {
			t.Errorf("the log begins with %+v, %v", c, err)
		}
		break
	}
}

func testGroup(t *testing.T, h *harness) {
	s := h.store()
	h.commit(s, batch(put("a", "1")))
	results, err := s.CommitAll(t.Context(), []store.Batch{
		guarded(batch(put("a", "2")), "a", 1),          // 2
		guarded(batch(put("a", "x")), "a", 1),          // a is at 2 by now
		guarded(batch(put("b", "1")), "a", 2),          // 3
		batch(put("", "x")),                            // no key
		guarded(batch(del("a"), del("b")), "b", 3),     // 4
		guarded(batch(put("c", "1")), "a", 0),          // 5
		guarded(batch(put("d", "x")), "c", 0),          // c is at 5
		{Time: start},                                  // 6
		guarded(batch(put("c", "2")), "unheard-of", 9), // no such record
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []store.Result{
		{Revision: 2}, {Err: store.ErrConflict}, {Revision: 3}, {Err: store.ErrInvalid}, {Revision: 4},
		{Revision: 5}, {Err: store.ErrConflict}, {Revision: 6}, {Err: store.ErrConflict},
	}
	if len(results) != len(want) {
		t.Fatalf("%d results for %d batches", len(results), len(want))
	}
	for i, r := range results {
		if r.Revision != want[i].Revision || !errors.Is(r.Err, want[i].Err) {
			t.Errorf("batch %d: %+v, want %+v", i, r, want[i])
		}
	}
	h.holds(s, 6, `"c"="1"@5`)
	// All are refused: nothing happens.
	results, err = s.CommitAll(t.Context(), []store.Batch{guarded(batch(put("z", "x")), "z", 1), guarded(batch(), "c", 1)})
	if err != nil || len(results) != 2 || !errors.Is(results[0].Err, store.ErrConflict) || !errors.Is(results[1].Err, store.ErrConflict) {
		t.Errorf("a group that is refused answers %v, %v", results, err)
	}
	h.holds(s, 6, `"c"="1"@5`)
	if got := h.loadAt(s, 3); !slices.Equal(got, []string{`"a"="2"@2`, `"b"="1"@3`}) {
		t.Errorf("within the group, at 3: %v", got)
	}
	if got := h.commit(s, batch(put("e", "1"))); got != 7 {
		t.Errorf("the next revision is %d", got)
	}
}

func testInvalid(t *testing.T, h *harness) {
	s := h.store()
	for _, b := range []store.Batch{
		batch(put("", "x")),
		batch(put(strings.Repeat("k", store.MaxKey+1), "x")),
		batch(store.Op{Key: "a", Value: make([]byte, store.MaxValue+1)}),
		batch(put("good", "x"), del("")),
		guarded(batch(put("good", "x")), "", 0),
		guarded(batch(put("good", "x")), "a", -1),
	} {
		h.refused(s, b, store.ErrInvalid)
	}
	h.holds(s, 0)
}

func testLoadError(t *testing.T, h *harness) {
	s := h.store()
	h.commit(s, batch(put("a", "1"), put("b", "1")))
	enough := errors.New("enough")
	calls := 0
	stop := func(store.Record) error { calls++; return enough }
	if _, err := s.Load(t.Context(), stop); err != enough || calls != 1 {
		t.Errorf("load answers %v after %d calls", err, calls)
	}
	if err := s.LoadAt(t.Context(), 1, stop); err != enough || calls != 2 {
		t.Errorf("load at answers %v after %d calls", err, calls)
	}
	h.commit(s, batch(put("c", "1"))) // nothing is left locked
}

// A load sees one revision, though others, or itself, write while it goes on.
func testLoadWhileWriting(t *testing.T, h *harness) {
	s := h.store()
	var b store.Batch
	for i := range 2000 {
		b.Ops = append(b.Ops, put(fmt.Sprintf("k%04d", i), "old"))
	}
	h.commit(s, b)
	n := 0
	revision, err := s.Load(t.Context(), func(r store.Record) error {
		if n%500 == 0 {
			h.commit(s, batch(put("k1999", "new"), put("k9999", "new"), del("k1000")))
			if _, err := s.Load(t.Context(), func(store.Record) error { return nil }); err != nil {
				t.Error(err)
			}
		}
		n++
		if string(r.Value) != "old" || r.Revision != 1 {
			t.Errorf("a load at revision 1 sees %s", show(r))
		}
		return nil
	})
	if err != nil || revision != 1 || n != 2000 {
		t.Errorf("the load gave %d records at revision %d, %v", n, revision, err)
	}
}

func testCancelled(t *testing.T, h *harness) {
	s := h.store()
	h.commit(s, batch(put("a", "1")))
	why := errors.New("why")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(why)
	none := func(store.Record) error { t.Error("a record"); return nil }
	_, err1 := s.Load(ctx, none)
	err2 := s.LoadAt(ctx, 1, none)
	_, err3 := s.Commit(ctx, batch(put("b", "1")))
	_, err4 := s.CommitAll(ctx, []store.Batch{batch(put("b", "1"))})
	_, err5 := s.RevisionAt(ctx, start)
	err6 := s.Compact(ctx, 1)
	for i, err := range []error{err1, err2, err3, err4, err5, err6} {
		if !errors.Is(err, why) {
			t.Errorf("call %d: %v", i+1, err)
		}
	}
	h.holds(s, 1, `"a"="1"@1`)
}

func testFencing(t *testing.T, h *harness) {
	old := h.store()
	h.commit(old, batch(put("a", "1")))
	young := h.store()
	h.refused(old, batch(put("a", "old")), store.ErrFenced)
	h.commit(young, guarded(batch(put("a", "2")), "a", 1))
	h.refused(old, batch(put("a", "old")), store.ErrFenced)
	h.refused(old, guarded(batch(put("a", "old")), "a", 2), store.ErrFenced)
	if results, err := old.CommitAll(t.Context(), []store.Batch{batch(), batch()}); !errors.Is(err, store.ErrFenced) || results != nil {
		t.Errorf("a group of a fenced writer: %v, %v", results, err)
	}
	if err := old.Compact(t.Context(), 1); !errors.Is(err, store.ErrFenced) {
		t.Errorf("a compaction by a fenced writer: %v", err)
	}
	h.holds(young, 2, `"a"="2"@2`)
	h.holds(old, 2, `"a"="2"@2`) // it still reads
	if err := old.Close(); err != nil {
		t.Error(err)
	}
	h.commit(young, batch(put("b", "1"))) // closing the old one harms nothing
	var epochs []int64
	for c, err := range young.Watch(t.Context(), 0) {
		if err != nil {
			t.Fatal(err)
		}
		if epochs = append(epochs, c.Epoch); c.Revision == 3 {
			break
		}
	}
	if epochs[0] >= epochs[1] || epochs[1] != epochs[2] {
		t.Errorf("the epochs in the log are %v", epochs)
	}
}

func testReopen(t *testing.T, h *harness) {
	for i := range int64(4) {
		s, err := h.open()
		if err != nil {
			t.Fatal(err)
		}
		if _, revision := h.load(s); revision != i*2 {
			t.Errorf("opened for the %d. time at revision %d", i+1, revision)
		}
		h.commit(s, batch(put(fmt.Sprint(i), "x")), guarded(batch(put("last", fmt.Sprint(i))), fmt.Sprint(i), i*2+1))
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	h.holds(h.store(), 8, `"0"="x"@1`, `"1"="x"@3`, `"2"="x"@5`, `"3"="x"@7`, `"last"="3"@8`)
}
