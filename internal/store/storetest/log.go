package storetest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/warder-iam/warder/internal/store"
)

func testLoadAt(t *testing.T, h *harness) {
	s := h.store()
	h.commit(s,
		batch(put("a", "1"), put("b", "1")),
		batch(del("a")),
		batch(put("a", "3"), put("b", "3")),
		batch(del("a"), del("b")))
	for revision, want := range [][]string{
		{},
		{`"a"="1"@1`, `"b"="1"@1`},
		{`"b"="1"@1`},
		{`"a"="3"@3`, `"b"="3"@3`},
		{},
	} {
		if got := h.loadAt(s, int64(revision)); !slices.Equal(got, want) {
			t.Errorf("at %d: %v, want %v", revision, got, want)
		}
	}
	for revision, want := range map[int64]error{5: store.ErrRevision, 1 << 60: store.ErrRevision, -1: store.ErrCompacted} {
		if err := s.LoadAt(t.Context(), revision, func(store.Record) error { return nil }); !errors.Is(err, want) {
			t.Errorf("at %d: %v, want %v", revision, err, want)
		}
	}
}

func testRevisionAt(t *testing.T, h *harness) {
	s := h.store()
	at := func(when time.Time, want int64) {
		t.Helper()
		if got, err := s.RevisionAt(t.Context(), when); err != nil || got != want {
			t.Errorf("at %v: revision %d, %v; want %d", when, got, err, want)
		}
	}
	at(start, 0)
	for _, seconds := range []time.Duration{0, 10, 10, 5, 20} { // the clock was set back once
		h.commit(s, store.Batch{Time: start.Add(seconds * time.Second)})
	}
	at(start.Add(-time.Microsecond), 0)
	at(start, 1)
	at(start.Add(time.Second), 1)
	at(start.Add(5*time.Second), 4)
	at(start.Add(19*time.Second), 4)
	at(start.Add(20*time.Second), 5)
	at(start.Add(20*time.Second+time.Nanosecond), 5)
	at(start.AddDate(100, 0, 0), 5)
	if err := s.Compact(t.Context(), 3); err != nil {
		t.Fatal(err)
	}
	at(start.Add(10*time.Second), 4)
	at(start.Add(5*time.Second), 4)
	if got, err := s.RevisionAt(t.Context(), start); !errors.Is(err, store.ErrCompacted) {
		t.Errorf("of a time compacted away: %d, %v", got, err)
	}
	if err := s.Compact(t.Context(), 5); err != nil {
		t.Fatal(err)
	}
	at(start.Add(20*time.Second), 5)
}

func testCompact(t *testing.T, h *harness) {
	s := h.store()
	const n = 1000 // more than a driver may take in at once
	for i := range n / 10 {
		group := make([]store.Batch, 10)
		for j := range group {
			k := i*10 + j
			group[j] = batch(put(fmt.Sprintf("k%d", k%7), fmt.Sprint(k)), del(fmt.Sprintf("k%d", k%5)))
		}
		if _, err := s.CommitAll(t.Context(), group); err != nil {
			t.Fatal(err)
		}
	}
	before := map[int64][]string{}
	for _, revision := range []int64{1, 500, 600, 601, 999, n} {
		before[revision] = h.loadAt(s, revision)
	}
	if err := s.Compact(t.Context(), n+1); !errors.Is(err, store.ErrRevision) {
		t.Errorf("compacting what is to come: %v", err)
	}
	for _, floor := range []int64{0, 500, 600, 600, 10, 601, n} {
		if err := s.Compact(t.Context(), floor); err != nil {
			t.Fatalf("compacting to %d: %v", floor, err)
		}
		for revision, want := range before {
			if revision >= max(floor, 600) || revision >= floor && floor == 500 {
				if got := h.loadAt(s, revision); !slices.Equal(got, want) {
					t.Errorf("compacted to %d, at %d: %v, want %v", floor, revision, got, want)
				}
			}
		}
	}
	for _, revision := range []int64{0, 1, 999} {
		if err := s.LoadAt(t.Context(), revision, func(store.Record) error { return nil }); !errors.Is(err, store.ErrCompacted) {
			t.Errorf("at %d: %v", revision, err)
		}
		for _, err := range s.Watch(t.Context(), revision) {
			if !errors.Is(err, store.ErrCompacted) {
				t.Errorf("watching after %d: %v", revision, err)
			}
		}
	}
	if got, revision := h.load(s); revision != n || !slices.Equal(got, before[n]) {
		t.Errorf("the head: %d %v", revision, got)
	}
	h.commit(s, batch(put("more", "1")))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = h.store()
	if got := h.loadAt(s, n); !slices.Equal(got, before[n]) {
		t.Errorf("opened anew, at %d: %v, want %v", n, got, before[n])
	}
	want := append(slices.Clone(before[n]), fmt.Sprintf(`"more"="1"@%d`, n+1))
	h.holds(s, n+1, want...)
}

// collect watches until it has seen a revision.
func collect(ctx context.Context, s store.Store, after, last int64) (seen []store.Committed, err error) {
	for c, err := range s.Watch(ctx, after) {
		if err != nil {
			return seen, err
		}
		if seen = append(seen, c); c.Revision >= last {
			break
		}
	}
	return seen, nil
}

func testWatch(t *testing.T, h *harness) {
	s := h.store()
	when := start.Add(123456789 * time.Nanosecond)
	h.commit(s, batch(put("a", "1"), del("b")), store.Batch{Time: when}, batch(put("a", "")))
	seen, err := collect(t.Context(), s, 0, 3)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, c := range seen {
		line := fmt.Sprintf("%d", c.Revision)
		for _, op := range c.Ops {
			line += fmt.Sprintf(" %s=%q(%v)", op.Key, op.Value, op.Value == nil)
		}
		lines = append(lines, line)
	}
	if want := []string{`1 a="1"(false) b=""(true)`, `2`, `3 a=""(false)`}; !slices.Equal(lines, want) {
		t.Errorf("seen %q, want %q", lines, want)
	}
	if got := seen[1].Time; !got.Equal(when.Truncate(time.Microsecond)) || got.Location() != time.UTC {
		t.Errorf("the time is %v, want %v", got, when)
	}
	if seen, err = collect(t.Context(), s, 2, 3); err != nil || len(seen) != 1 || seen[0].Revision != 3 {
		t.Errorf("after 2: %v, %v", seen, err)
	}
	// One that begins at the head waits.
	next := make(chan store.Committed, 1)
	go func() {
		seen, err := collect(t.Context(), s, 3, 4)
		if err != nil || len(seen) != 1 {
			t.Errorf("after 3: %v, %v", seen, err)
			next <- store.Committed{}
			return
		}
		next <- seen[0]
	}()
	h.commit(s, batch(put("b", "1")))
	if c := <-next; c.Revision != 4 || len(c.Ops) != 1 || c.Ops[0].Key != "b" {
		t.Errorf("the next one is %+v", c)
	}
}

// A watcher far behind catches up, also with a log of much data.
// Events come with the change that they are about, are no part of the state, and
// make a revision by themselves.
func testEvents(t *testing.T, h *harness) {
	s := h.store()
	changed := batch(put("a", "1"))
	changed.Events = [][]byte{[]byte("first"), {}}
	refused := store.Batch{Guards: []store.Guard{{Key: "a", Revision: 7}}, Events: [][]byte{[]byte("of nothing")}}
	results, err := s.CommitAll(t.Context(), []store.Batch{changed, refused, {Events: [][]byte{[]byte("alone")}}})
	if err != nil || !errors.Is(results[1].Err, store.ErrConflict) {
		t.Fatalf("%v, %v", results, err)
	}
	seen, err := collect(t.Context(), s, 0, 2)
	if err != nil || len(seen) != 2 {
		t.Fatalf("%v, %v", seen, err)
	}
	if got := fmt.Sprintf("%q %q", seen[0].Events, seen[1].Events); got != `["first" ""] ["alone"]` {
		t.Errorf("events %s", got)
	}
	h.holds(s, 2, `"a"="1"@1`)
	big := store.Batch{Events: [][]byte{make([]byte, store.MaxValue+1)}}
	if _, err := s.Commit(t.Context(), big); !errors.Is(err, store.ErrInvalid) {
		t.Errorf("a huge event: %v", err)
	}
}

func testWatchBehind(t *testing.T, h *harness) {
	s := h.store()
	const n = 700
	big := string(make([]byte, 1<<20))
	for i := range n / 100 {
		group := make([]store.Batch, 100)
		for j := range group {
			group[j] = batch(put("k", fmt.Sprint(i*100+j+1)))
		}
		group[50].Ops = append(group[50].Ops, put("big", big))
		group[51].Ops = append(group[51].Ops, put("big", big+big+big+big+big))
		if _, err := s.CommitAll(t.Context(), group); err != nil {
			t.Fatal(err)
		}
	}
	seen, err := collect(t.Context(), s, 0, n)
	if err != nil || len(seen) != n {
		t.Fatalf("seen %d, %v", len(seen), err)
	}
	for i, c := range seen {
		if c.Revision != int64(i+1) || string(c.Ops[0].Value) != fmt.Sprint(i+1) {
			t.Fatalf("entry %d is %d with %q", i+1, c.Revision, c.Ops[0].Value)
		}
	}
}

// Many writers, single and in groups, with watchers that come in anywhere: each
// sees every revision once and in order, and what it sees is the state.
func testWatchConcurrent(t *testing.T, h *harness) {
	s := h.store()
	const writers, each = 4, 20
	const last = writers * each * 3
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				key := fmt.Sprintf("w%d/%d", w, i)
				if _, err := s.Commit(t.Context(), batch(put(key, "1"), put("shared", key))); err != nil {
					t.Error(err)
				}
				results, err := s.CommitAll(t.Context(), []store.Batch{batch(put(key, "2")), batch(del("shared")), guarded(batch(), "none", 1)})
				if err != nil || results[0].Err != nil || results[1].Revision != results[0].Revision+1 || results[2].Err == nil {
					t.Errorf("a group: %v, %v", results, err)
				}
			}
		})
	}
	for w := range 4 {
		wg.Go(func() {
			after := int64(0)
			if w%2 == 1 { // comes in somewhere in the middle
				if _, err := s.Load(t.Context(), func(store.Record) error { return nil }); err != nil {
					t.Error(err)
				}
				after, _ = s.RevisionAt(t.Context(), start)
			}
			if after == last {
				return // there is nothing to come
			}
			seen, err := collect(t.Context(), s, after, last)
			if err != nil || int64(len(seen)) != last-after {
				t.Errorf("after %d: %d entries, %v", after, len(seen), err)
				return
			}
			for i, c := range seen {
				if c.Revision != after+int64(i)+1 {
					t.Errorf("entry %d after %d is revision %d", i, after, c.Revision)
				}
			}
			if after == 0 {
				h.amounts(s, seen)
			}
		})
	}
	wg.Wait()
}

// amounts checks that the entries amount to the state at the head.
func (h *harness) amounts(s store.Store, entries []store.Committed) {
	state := map[string]string{}
	for _, c := range entries {
		for _, op := range c.Ops {
			if op.Value == nil {
				delete(state, op.Key)
			} else {
				state[op.Key] = show(store.Record{Key: op.Key, Value: op.Value, Revision: c.Revision})
			}
		}
	}
	var want []string
	for _, key := range slices.Sorted(maps.Keys(state)) {
		want = append(want, state[key])
	}
	if got := h.loadAt(s, entries[len(entries)-1].Revision); !slices.Equal(got, want) {
		h.Errorf("the entries amount to %v, the state is %v", want, got)
	}
}

func testWatchEnds(t *testing.T, h *harness) {
	s := h.store()
	h.commit(s, batch(put("a", "1")))
	for after, want := range map[int64]error{2: store.ErrRevision, -1: store.ErrCompacted} {
		n := 0
		for c, err := range s.Watch(t.Context(), after) {
			if n++; !errors.Is(err, want) || c.Revision != 0 {
				t.Errorf("after %d: %+v, %v", after, c, err)
			}
		}
		if n != 1 {
			t.Errorf("after %d: yields %d times", after, n)
		}
	}
	why := errors.New("why")
	watch := func(end func(cancel context.CancelCauseFunc), want error) {
		t.Helper()
		ctx, cancel := context.WithCancelCause(t.Context())
		defer cancel(nil)
		var last error
		n := 0
		for _, err := range s.Watch(ctx, 0) {
			if n++; err == nil {
				end(cancel) // it then ends while it waits, or before
			}
			last = err
		}
		if !errors.Is(last, want) || n != 2 {
			t.Errorf("yields %d times, last with %v; want 2 and %v", n, last, want)
		}
	}
	watch(func(cancel context.CancelCauseFunc) { cancel(why) }, why)
	watch(func(cancel context.CancelCauseFunc) { go cancel(why) }, why)
	watch(func(context.CancelCauseFunc) { go s.Close() }, store.ErrClosed)
}

func testClose(t *testing.T, h *harness) {
	s := h.store()
	h.commit(s, batch(put("a", "1")))
	for range 2 {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	none := func(store.Record) error { t.Error("a record"); return nil }
	_, err1 := s.Load(t.Context(), none)
	err2 := s.LoadAt(t.Context(), 1, none)
	_, err3 := s.Commit(t.Context(), batch())
	_, err4 := s.CommitAll(t.Context(), nil)
	_, err5 := s.RevisionAt(t.Context(), start)
	err6 := s.Compact(t.Context(), 1)
	_, err7 := collect(t.Context(), s, 0, 1)
	for i, err := range []error{err1, err2, err3, err4, err5, err6, err7} {
		if !errors.Is(err, store.ErrClosed) {
			t.Errorf("call %d: %v", i+1, err)
		}
	}
}

// Closing while all is going on ends everything with ErrClosed, and every commit
// that was acknowledged is there.
func testCloseUnderLoad(t *testing.T, h *harness) {
	s := h.store()
	var wg sync.WaitGroup
	acknowledged := make([]int, 4)
	begun := make(chan bool, len(acknowledged)+2)
	for w := range acknowledged {
		wg.Go(func() {
			for {
				n := acknowledged[w] + 1
				if _, err := s.Commit(t.Context(), batch(put(fmt.Sprintf("w%d", w), fmt.Sprint(n)))); err != nil {
					if !errors.Is(err, store.ErrClosed) {
						t.Errorf("commit: %v", err)
					}
					return
				}
				if acknowledged[w] = n; n == 5 {
					begun <- true
				}
			}
		})
	}
	for range 2 {
		wg.Go(func() {
			begun <- true
			for _, err := range s.Watch(t.Context(), 0) {
				if err != nil && !errors.Is(err, store.ErrClosed) {
					t.Errorf("watch: %v", err)
				}
			}
		})
	}
	for range cap(begun) {
		<-begun
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	wg.Wait()
	got := map[string]string{}
	if _, err := h.store().Load(t.Context(), func(r store.Record) error { got[r.Key] = string(r.Value); return nil }); err != nil {
		t.Fatal(err)
	}
	for w, n := range acknowledged {
		if got[fmt.Sprintf("w%d", w)] != fmt.Sprint(n) {
			t.Errorf("writer %d had %d acknowledged, %s is there", w, n, got[fmt.Sprintf("w%d", w)])
		}
	}
}

// A long random history is compared with the plainest model of the contract.
func testModel(t *testing.T, h *harness) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	s := h.store()
	state := map[string]store.Record{}
	var head, floor int64
	history := map[int64][]string{0: nil}
	key := func() string { return fmt.Sprint("k", random.IntN(8)) }
	for range 150 {
		group := make([]store.Batch, 1+random.IntN(4))
		want := make([]int64, len(group)) // 0 for a conflict
		for i := range group {
			for range random.IntN(3) {
				g := store.Guard{Key: key()}
				if g.Revision = state[g.Key].Revision; random.IntN(4) == 0 {
					g.Revision = random.Int64N(head + 2)
				}
				group[i].Guards = append(group[i].Guards, g)
			}
			for range random.IntN(4) {
				if random.IntN(3) == 0 {
					group[i].Ops = append(group[i].Ops, del(key()))
				} else {
					group[i].Ops = append(group[i].Ops, put(key(), fmt.Sprint(random.IntN(100))))
				}
			}
			if slices.ContainsFunc(group[i].Guards, func(g store.Guard) bool { return state[g.Key].Revision != g.Revision }) {
				continue
			}
			head++
			want[i] = head
			for _, op := range group[i].Ops {
				if op.Value == nil {
					delete(state, op.Key)
				} else {
					state[op.Key] = store.Record{Key: op.Key, Value: op.Value, Revision: head}
				}
			}
			lines := []string{}
			for _, key := range slices.Sorted(maps.Keys(state)) {
				lines = append(lines, show(state[key]))
			}
			history[head] = lines
		}
		results, err := s.CommitAll(t.Context(), group)
		if err != nil {
			t.Fatal(err)
		}
		for i, r := range results {
			if r.Revision != want[i] || (r.Err == nil) != (want[i] != 0) {
				t.Fatalf("batch %+v: %+v, want revision %d", group[i], r, want[i])
			}
		}
		switch random.IntN(20) {
		case 0:
			floor = max(floor, random.Int64N(head+1))
			if err := s.Compact(t.Context(), floor); err != nil {
				t.Fatal(err)
			}
		case 1:
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			s = h.store()
		case 2:
			revision := floor + random.Int64N(head-floor+1)
			if got := h.loadAt(s, revision); !slices.Equal(got, history[revision]) {
				t.Fatalf("at %d: %v, want %v", revision, got, history[revision])
			}
		}
	}
	h.holds(s, head, history[head]...)
}

// Bench measures durable commits: one by one, and in groups of 32.
func Bench(b *testing.B, fresh Fresh) {
	for _, size := range []int{1, 32} {
		b.Run(fmt.Sprintf("CommitAll%d", size), func(b *testing.B) {
			s, err := fresh(b)()
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			value := make([]byte, 400)
			n := 0
			b.ReportAllocs()
			for b.Loop() {
				group := make([]store.Batch, size)
				for i := range group {
					n++
					group[i] = store.Batch{Ops: []store.Op{
						{Key: fmt.Sprintf("user/%012d/%08d", n%50, n%20_000), Value: value},
						{Key: fmt.Sprintf("event/%012d", n%100_000), Value: value},
					}}
				}
				if _, err := s.CommitAll(b.Context(), group); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "commits/s")
		})
	}
	b.Run("Load100k", func(b *testing.B) {
		open := fresh(b)
		s, err := open()
		if err != nil {
			b.Fatal(err)
		}
		for i := range 20 {
			ops := make([]store.Op, 5000)
			for j := range ops {
				n := i*len(ops) + j
				ops[j] = store.Op{Key: fmt.Sprintf("user/%012d/%08d", n%50, n), Value: make([]byte, 400)}
			}
			if _, err := s.Commit(b.Context(), store.Batch{Ops: ops}); err != nil {
				b.Fatal(err)
			}
		}
		s.Close()
		b.ReportAllocs()
		for b.Loop() { // opening is part of a start
			s, err := open()
			if err != nil {
				b.Fatal(err)
			}
			n := 0
			if _, err := s.Load(b.Context(), func(store.Record) error { n++; return nil }); err != nil || n != 100_000 {
				b.Fatal(n, err)
			}
			s.Close()
		}
	})
}
