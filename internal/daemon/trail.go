package daemon

import (
	"context"
	"crypto/rand"
	"errors"
	"iter"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/warder-iam/warder/internal/audit"
	"github.com/warder-iam/warder/internal/audit/trail"
	"github.com/warder-iam/warder/internal/state"
	"github.com/warder-iam/warder/internal/store"
)

// auditTrail keeps the events of one node: those of changes are in the store, with
// the change; the others in a log of their own; and both are found by an index
// that is made of the two, so that it may be behind them but never ahead.
type auditTrail struct {
	log   *trail.Log
	index *trail.Index
	out   *slog.Logger
	store string // the name of the store among the sources of the index

	lost lossReport
}

// eventsFor is how long events are found: as long as CloudTrail's event history
// (https://docs.aws.amazon.com/awscloudtrail/latest/userguide/view-cloudtrail-events.html).
const eventsFor = 90 * 24 * time.Hour

// openTrail opens the trail in a folder, and makes both if there are none.
// lasting says whether the store's revisions are the same after a restart; those
// of one that is in memory begin again, and are a source of their own each time.
func openTrail(dir string, lasting bool, out *slog.Logger) (*auditTrail, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	t := &auditTrail{out: out, store: sourceStore}
	if !lasting {
		t.store += " " + rand.Text()
	}
	var err error
	if t.log, err = trail.OpenLog(filepath.Join(dir, "log"), trail.Options{}); err != nil {
		return nil, err
	}
	if t.index, err = trail.OpenIndex(filepath.Join(dir, "index.db")); err != nil {
		return nil, errors.Join(err, t.log.Close())
	}
	return t, nil
}

// retire lets go of events that are too old to be found.
func (t *auditTrail) retire(ctx context.Context, now time.Time) error {
	before := now.Add(-eventsFor)
	_, err := t.log.Retire(ctx, before)
	return errors.Join(err, t.index.Retire(ctx, before))
}

func (t *auditTrail) close() error { return errors.Join(t.log.Close(), t.index.Close()) }

func entryOf(e *audit.Event) *trail.Entry {
	entry := &trail.Entry{
		ID: e.ID, Name: e.Name, Source: e.Source, Username: e.Username, AccessKeyID: e.AccessKeyID,
		Account: e.Account, Time: e.Time, ReadOnly: e.ReadOnly, JSON: e.JSON,
	}
	for _, r := range e.Resources {
		entry.Resources = append(entry.Resources, trail.Resource{Type: r.Type, Name: r.Name})
	}
	return entry
}

// Encode implements server.Trail.
func (t *auditTrail) Encode(e *audit.Event) ([]byte, error) { return entryOf(e).MarshalBinary() }

// Log implements server.Trail. What the log cannot take it counts, and says so
// itself as soon as it can.
func (t *auditTrail) Log(e *audit.Event) {
	err := t.log.Append(context.Background(), entryOf(e))
	if err == nil {
		return
	}
	if n := t.lost.count(time.Now()); n > 0 {
		t.out.Error("events of the audit trail are lost", "events", n, "event", e.ID, "error", err, "disk", t.log.Stats().Err)
	}
}

// lossReport says every loss of events once, and not more often than each second:
// when a disk is full there is one with every request.
type lossReport struct {
	mu   sync.Mutex
	lost int
	said time.Time
}

// count counts one event, and returns how many are to be told of now.
func (l *lossReport) count(now time.Time) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lost++
	if now.Sub(l.said) < time.Second {
		return 0
	}
	n := l.lost
	l.lost, l.said = 0, now
	return n
}

// catchUp waits until the index has read the store up to a revision, for some
// seconds at most.
func (t *auditTrail) catchUp(ctx context.Context, revision int64) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	for ctx.Err() == nil {
		if at, err := t.index.Position(ctx, t.store); err == nil && at >= revision {
			return
		}
		pause(ctx, 5*time.Millisecond)
	}
	t.out.Error("events of changes were not indexed before the end")
}

// compact forgets the store's log as far as the index has read it.
func (t *auditTrail) compact(ctx context.Context, st *state.State) error {
	indexed, err := t.index.Position(ctx, t.store)
	if err != nil {
		return err
	}
	return st.Compact(ctx, indexed)
}

// sourceStore is the source of the index whose positions are the revisions of the
// store. The other one is the log, which has an id of its own.
const sourceStore = "store"

// run feeds the index until ctx ends.
func (t *auditTrail) run(ctx context.Context, st *state.State) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		t.feed(ctx, &source{
			t.store, func(ctx context.Context, after int64) iter.Seq2[arrival, error] { return fromStore(ctx, st, after) },
			func() int64 { return st.Snapshot().Revision },
		})
	}()
	t.feed(ctx, &source{
		t.log.ID(), func(ctx context.Context, after int64) iter.Seq2[arrival, error] { return fromLog(ctx, t.log, after) },
		func() int64 { return t.log.Stats().Accepted },
	})
	<-done
}

// source is where events come from.
type source struct {
	name   string
	follow func(ctx context.Context, after int64) iter.Seq2[arrival, error]
	count  func() int64 // how many there are, reckoned from anywhere
}

// arrival is what comes from a source at one position.
type arrival struct {
	position int64
	entries  []*trail.Entry
}

func fromStore(ctx context.Context, st *state.State, after int64) iter.Seq2[arrival, error] {
	return func(yield func(arrival, error) bool) {
		for c, err := range st.Feed(ctx, after) {
			a := arrival{position: c.Revision}
			for _, text := range c.Events {
				e := new(trail.Entry)
				if err == nil {
					err = e.UnmarshalBinary(text)
				}
				a.entries = append(a.entries, e)
			}
			if !yield(a, err) {
				return
			}
		}
	}
}

func fromLog(ctx context.Context, log *trail.Log, after int64) iter.Seq2[arrival, error] {
	return func(yield func(arrival, error) bool) {
		for r, err := range log.Follow(ctx, after) {
			a := arrival{position: r.Position}
			// What belongs to no account nobody finds; anybody can make much of it.
			if r.Entry != nil && r.Entry.Account != "" {
				a.entries = []*trail.Entry{r.Entry}
			}
			if !yield(a, err) {
				return
			}
		}
	}
}

const (
	// indexBatch is how many events go into the index at once: an event costs a
	// third less than it does among 1000.
	indexBatch = 4000
	// indexShare is the part of the time that each source may take to index while
	// many events come: one in eight. It may fall behind then, and catches up later.
	indexShare = 8
)

// feed adds what comes from a source to the index, and goes on where it stopped
// when something went wrong.
func (t *auditTrail) feed(ctx context.Context, s *source) {
	for ctx.Err() == nil {
		err := t.follow(ctx, s)
		if ctx.Err() != nil {
			return
		}
		if errors.Is(err, store.ErrCompacted) {
			t.out.Error("events of changes are gone before they were indexed", "error", err)
			return
		}
		if errors.Is(err, store.ErrRevision) {
			t.out.Error("the store is older than what the index of the audit trail has of it: "+
				"if an older copy was put back, stop the server and remove index.db, which is then made anew", "error", err)
		} else {
			t.out.Error("the index of the audit trail stands still (if its file is damaged, stop the server and remove index.db, which is then made anew)", "source", s.name, "error", err)
		}
		pause(ctx, 10*time.Second)
	}
}

// busy says whether so much came while a number of events was indexed that the
// answers need the time more.
func busy(came int64, indexed int) bool { return came*indexShare > int64(indexed) }

// pause waits, but not beyond the end of ctx.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

func (t *auditTrail) follow(ctx context.Context, s *source) error {
	after, err := t.index.Position(ctx, s.name)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	arrivals, failed := make(chan arrival, indexBatch), make(chan error, 1)
	go func() {
		for a, err := range s.follow(ctx, after) {
			if err != nil {
				failed <- err
				return
			}
			select {
			case arrivals <- a:
			case <-ctx.Done():
				return
			}
		}
	}()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-failed:
			return err
		case a := <-arrivals:
			began, count := time.Now(), s.count()
			batch, position := a.entries, a.position
			for len(batch) < indexBatch && len(arrivals) > 0 {
				a = <-arrivals
				batch, position = append(batch, a.entries...), a.position
			}
			if err := t.index.Add(ctx, s.name, position, batch); err != nil {
				return err
			}
			if len(arrivals) > 0 && busy(s.count()-count, len(batch)) {
				pause(ctx, (indexShare-1)*time.Since(began))
			}
		}
	}
}
