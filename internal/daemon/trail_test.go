package daemon

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
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
		at, err := openTrail(dir, false, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		st, err := state.Open(t.Context(), memory.New())
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
		go func() { at.run(ctx, st); close(done) }()
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
	at, err := openTrail(t.TempDir(), true, slog.New(slog.NewTextHandler(&said, nil)))
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

// Who reads a source ends with the attempt to index it.
func TestTrailFollowerEnds(t *testing.T) {
	at, err := openTrail(t.TempDir(), true, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	err = at.follow(t.Context(), &source{
		"s", func(ctx context.Context, _ int64) iter.Seq2[arrival, error] {
			return func(yield func(arrival, error) bool) {
				defer close(ended)
				if err := at.index.Close(); err != nil { // what follows cannot be indexed
					t.Error(err)
				}
				if yield(arrival{position: 1}, nil) {
					<-ctx.Done()
				}
			}
		},
		func() int64 { return 0 },
	})
	if err == nil {
		t.Error("an index that is closed took an event")
	}
	<-ended
	if err := at.log.Close(); err != nil {
		t.Error(err)
	}
}

// Many new events make the index give way, few do not.
func TestTrailBusy(t *testing.T) {
	for _, tc := range []struct {
		came    int64
		indexed int
		want    bool
	}{{0, 4000, false}, {500, 4000, false}, {501, 4000, true}, {1, 1, true}} {
		if got := busy(tc.came, tc.indexed); got != tc.want {
			t.Errorf("%d came, %d indexed: %t", tc.came, tc.indexed, got)
		}
	}
}

// Requests that nobody is known to have made are in the log and not in the index.
func TestTrailOfNobody(t *testing.T) {
	at, err := openTrail(t.TempDir(), true, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	for _, account := range []string{"", trailAccount} {
		at.Log(&audit.Event{ID: "of " + account, Account: account, Time: time.Now(), JSON: []byte("{}")})
	}
	if err := at.log.Close(); err != nil {
		t.Fatal(err)
	}
	var got []string
	positions := int64(0)
	for a, err := range fromLog(t.Context(), at.log, 0) {
		if err != nil {
			t.Fatal(err)
		}
		positions = a.position
		for _, e := range a.entries {
			got = append(got, e.ID)
		}
	}
	if !slices.Equal(got, []string{"of " + trailAccount}) || positions < 2 {
		t.Errorf("%q to be indexed, up to %d", got, positions)
	}
	if err := at.index.Close(); err != nil {
		t.Error(err)
	}
}
