package daemon

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/warder-iam/warder/internal/audit"
	"github.com/warder-iam/warder/internal/audit/trail"
	"github.com/warder-iam/warder/internal/state"
	"github.com/warder-iam/warder/internal/store/memory"
)

const trailAccount = "111122223333"

func change(t *testing.T, at *auditTrail, st *state.State, id string) {
	t.Helper()
	text, err := at.Encode(&audit.Event{ID: id, Name: "CreateUser", Source: "iam.amazonaws.com", Account: trailAccount, Time: time.Now(), JSON: []byte("{}")})
	if err != nil {
		t.Fatal(err)
	}
	if err := st.Update(t.Context(), time.Now(), func(tx *state.Tx) error { tx.Record(text); return nil }); err != nil {
		t.Fatal(err)
	}
}

func memoryState(t *testing.T) *state.State {
	t.Helper()
	st, err := state.Open(t.Context(), memory.New())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	return st
}

func indexed(t *testing.T, at *auditTrail) (ids []string) {
	t.Helper()
	page, err := at.index.Find(t.Context(), trail.Query{Account: trailAccount})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range page.Entries {
		ids = append(ids, e.ID)
	}
	slices.Sort(ids)
	return ids
}

// A store in memory forgets no event that the index has not read, and begins anew
// with every start though the trail's folder stays.
func TestTrailOfMemory(t *testing.T) {
	dir, want := t.TempDir(), []string(nil)
	for start := range 3 {
		st := memoryState(t)
		at, err := openTrail(dir, st, false, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		for i := range 3 {
			id := fmt.Sprintf("%d-%d", start, i)
			want = append(want, id)
			change(t, at, st, id)
			if err := at.compact(t.Context(), st); err != nil { // before anything is indexed
				t.Fatal(err)
			}
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { at.feed.Run(ctx); close(done) }()
		at.catchUp(ctx, st.Snapshot().Revision)
		stop()
		<-done
		if got := indexed(t, at); !slices.Equal(got, want) {
			t.Errorf("start %d: the index has %q, want %q", start, got, want)
		}
		if err := at.compact(t.Context(), st); err != nil {
			t.Error(err)
		}
		if err := errors.Join(st.Close(), at.close()); err != nil {
			t.Error(err)
		}
	}
}

// What is lost is said, but not with every request.
func TestTrailLosses(t *testing.T) {
	var said bytes.Buffer
	at, err := openTrail(t.TempDir(), memoryState(t), true, slog.New(slog.NewTextHandler(&said, nil)))
	if err != nil {
		t.Fatal(err)
	}
	if err := at.close(); err != nil {
		t.Fatal(err)
	}
	for range 100 {
		at.Log(&audit.Event{ID: "e", JSON: []byte("{}")})
	}
	if n := bytes.Count(said.Bytes(), []byte("lost")); n < 1 || n > 20 {
		t.Errorf("%d lines about 100 losses", n)
	}
	report := lossReport{lost: 5}
	if n := report.count(time.Now()); n != 6 {
		t.Errorf("%d losses are told of, want 6", n)
	}
}

// A flood of requests of nobody takes a bounded room in the log, which says how many
// there were; what an account's principals do is kept whatever comes beside it.
func TestTrailFlood(t *testing.T) {
	dir := t.TempDir()
	at, err := openTrail(dir, memoryState(t), true, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	const n = 20 * nobodyAtOnce
	for i := range n {
		at.Log(&audit.Event{ID: "nobody", Time: time.Now(), JSON: []byte("{}")})
		if i%nobodyAtOnce == 0 {
			at.Log(&audit.Event{ID: "known", Account: trailAccount, Time: time.Now(), JSON: []byte("{}")})
		}
	}
	if err := at.close(); err != nil {
		t.Fatal(err)
	}
	kept, known, skipped := int64(0), 0, int64(0)
	for r, err := range trail.Read(t.Context(), filepath.Join(dir, "log"), 0) {
		switch {
		case err != nil:
			t.Fatal(err)
		case r.Gap != nil && r.Gap.Cause == trail.Flood:
			skipped += r.Gap.Lost
		case r.Entry != nil && r.Entry.Account == "":
			kept++
		case r.Entry != nil:
			known++
		}
	}
	if kept+skipped != n || skipped == 0 || known != 20 {
		t.Errorf("%d kept and %d counted of %d, %d of an account", kept, skipped, n, known)
	}
}
