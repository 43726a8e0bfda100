package feed

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/warder-iam/warder/internal/audit/trail"
	"github.com/warder-iam/warder/internal/state"
	"github.com/warder-iam/warder/internal/store/memory"
)

const account = "111122223333"

func entry(id, account string) *trail.Entry {
	return &trail.Entry{ID: id, Account: account, Time: time.Now(), JSON: []byte("{}")}
}

// world is a store and a log, and the feed of them.
type world struct {
	t     *testing.T
	state *state.State
	log   *trail.Log
	*Feed
}

func newWorld(t *testing.T) *world {
	t.Helper()
	st, err := state.Open(t.Context(), memory.New())
	if err != nil {
		t.Fatal(err)
	}
	log, err := trail.OpenLog(t.TempDir(), trail.Options{Every: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(log.Close(), st.Close()); err != nil {
			t.Error(err)
		}
	})
	return &world{t, st, log, New(st, "store", log, slog.New(slog.DiscardHandler))}
}

func (w *world) change(id string) {
	w.t.Helper()
	text, err := entry(id, account).MarshalBinary()
	if err != nil {
		w.t.Fatal(err)
	}
	if err := w.state.Update(w.t.Context(), time.Now(), func(tx *state.Tx) error { tx.Record(text); return nil }); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) read(id, account string) {
	w.t.Helper()
	if err := errors.Join(w.log.Append(w.t.Context(), entry(id, account)), w.log.Sync(w.t.Context())); err != nil {
		w.t.Fatal(err)
	}
}

// run feeds until the consumer has a number of events.
func (w *world) run(c *collector, n int) {
	w.t.Helper()
	ctx, stop := context.WithTimeout(w.t.Context(), 30*time.Second)
	defer stop()
	done := make(chan struct{})
	go func() { w.Run(ctx); close(done) }()
	for ctx.Err() == nil && len(c.got()) < n {
		pause(ctx, time.Millisecond)
	}
	stop()
	<-done
}

// collector is a consumer that fails as often as it is told to.
type collector struct {
	mu        sync.Mutex
	positions map[string]int64
	ids       []string
	fail      error
}

func (c *collector) Name() string { return "collector" }

func (c *collector) Position(_ context.Context, source string) (int64, bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	at, known := c.positions[source]
	return at, known, nil
}

func (c *collector) Take(_ context.Context, source string, position int64, entries []*trail.Entry) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fail != nil {
		return c.fail
	}
	if c.positions == nil {
		c.positions = map[string]int64{}
	}
	if position < c.positions[source] {
		return errors.New("the positions go back")
	}
	c.positions[source] = position
	for _, e := range entries {
		c.ids = append(c.ids, e.ID)
	}
	return nil
}

func (c *collector) got() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	ids := slices.Clone(c.ids)
	slices.Sort(ids)
	return ids
}

// A consumer gets what there is in both sources, goes on where it stopped, and is
// spared what belongs to nobody.
func TestRun(t *testing.T) {
	w, c := newWorld(t), &collector{}
	w.Add(c, Options{})
	w.change("1")
	w.read("2", account)
	w.read("nobody's", "")
	w.run(c, 2)
	w.change("3")
	w.read("4", account)
	w.run(c, 4)
	if got, want := c.got(), []string{"1", "2", "3", "4"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if at, err := w.Store(t.Context()); err != nil || at != w.state.Snapshot().Revision {
		t.Errorf("the store may be forgotten up to %d, %v", at, err)
	}
}

// Who begins now gets what comes from now on; what it has not taken the store keeps.
func TestFromNow(t *testing.T) {
	w, c := newWorld(t), &collector{}
	w.Add(c, Options{FromNow: true})
	w.change("1")
	w.read("2", account)
	if at, err := w.Store(t.Context()); err != nil || at != 0 {
		t.Errorf("before the start the store may be forgotten up to %d, %v", at, err)
	}
	w.run(c, 0)
	for len(c.positions) < 2 {
		w.run(c, 0)
	}
	w.change("3")
	w.read("4", account)
	w.run(c, 2)
	if got, want := c.got(), []string{"3", "4"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// What happens between the start and the first that is fed is not lost, even when
// there is a crash before it.
func TestBegin(t *testing.T) {
	w, c, all := newWorld(t), &collector{}, &collector{}
	w.Add(c, Options{FromNow: true})
	w.Add(all, Options{})
	w.change("1")
	w.read("2", account)
	for range 2 { // the second knows of the first
		if err := w.Begin(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.change("3")
		w.read("4", account)
	}
	w.run(c, 4)
	if got, want := c.got(), []string{"3", "3", "4", "4"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	w.run(all, 6)
	if got := all.got(); len(got) != 6 {
		t.Errorf("who does not begin now got %q", got)
	}
	broken := errors.New("broken")
	w.Add(&collector{fail: broken}, Options{FromNow: true})
	if err := w.Begin(t.Context()); !errors.Is(err, broken) {
		t.Errorf("a consumer that fails: %v", err)
	}
}

// Who reads a source ends with the attempt to hand it over.
func TestFollowerEnds(t *testing.T) {
	ended := make(chan struct{})
	s := &source{
		"s", func(ctx context.Context, _ int64) iter.Seq2[arrival, error] {
			return func(yield func(arrival, error) bool) {
				defer close(ended)
				if yield(arrival{position: 1}, nil) {
					<-ctx.Done()
				}
			}
		},
		func() int64 { return 0 }, func() int64 { return 0 }, nil,
	}
	broken := errors.New("broken")
	if err := s.serve(t.Context(), served{&collector{fail: broken}, Options{Batch: 1}}); !errors.Is(err, broken) {
		t.Errorf("a consumer that fails: %v", err)
	}
	<-ended
}

// Many new events make a consumer with a share give way, few do not.
func TestBusy(t *testing.T) {
	for _, tc := range []struct {
		share int
		came  int64
		taken int
		want  bool
	}{{8, 0, 4000, false}, {8, 500, 4000, false}, {8, 501, 4000, true}, {8, 1, 1, true}, {0, 4000, 1, false}} {
		if got := (&Options{Share: tc.share}).busy(tc.came, tc.taken); got != tc.want {
			t.Errorf("share %d: %d came, %d taken: %t", tc.share, tc.came, tc.taken, got)
		}
	}
}

// An idle consumer is handed no events, and keeps up; when it is idle no more it gets
// what comes from then on.
func TestIdle(t *testing.T) {
	w, c := newWorld(t), &collector{}
	var idle atomic.Bool
	idle.Store(true)
	w.Add(c, Options{Idle: idle.Load})
	ctx, stop := context.WithTimeout(t.Context(), 30*time.Second)
	defer stop()
	done := make(chan struct{})
	go func() { w.Run(ctx); close(done) }()
	w.change("1")
	w.read("2", account)
	upTo := func(name string, at int64) {
		t.Helper()
		for ctx.Err() == nil {
			if got, _, _ := c.Position(ctx, name); got >= at {
				return
			}
			pause(ctx, time.Millisecond)
		}
		t.Fatalf("%s is not taken up to %d", name, at)
	}
	upTo("store", w.state.Snapshot().Revision)
	upTo(w.log.ID(), w.log.Head().Position)
	if got := c.got(); len(got) != 0 {
		t.Errorf("while idle: %q", got)
	}
	idle.Store(false)
	w.change("3")
	w.read("4", account)
	for ctx.Err() == nil && len(c.got()) < 2 {
		pause(ctx, time.Millisecond)
	}
	idle.Store(true) // it is asked again with the next events, which come with them
	w.change("5")
	w.read("6", account)
	upTo("store", w.state.Snapshot().Revision)
	upTo(w.log.ID(), w.log.Head().Position)
	w.change("7")
	upTo("store", w.state.Snapshot().Revision)
	stop()
	<-done
	got := c.got()
	if len(got) < 2 || got[0] != "3" || got[1] != "4" || slices.Contains(got, "7") {
		t.Errorf("got %q", got)
	}
}
