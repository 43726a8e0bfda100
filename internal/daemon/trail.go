package daemon

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/warder-iam/warder/internal/audit"
	"github.com/warder-iam/warder/internal/audit/delivery"
	"github.com/warder-iam/warder/internal/audit/feed"
	"github.com/warder-iam/warder/internal/audit/insight"
	"github.com/warder-iam/warder/internal/audit/outbox"
	"github.com/warder-iam/warder/internal/audit/stream"
	"github.com/warder-iam/warder/internal/audit/trail"
	"github.com/warder-iam/warder/internal/state"
)

// auditTrail keeps the events of one node: those of changes are in the store, with
// the change; the others in a log of their own; and both are found by an index
// that is made of the two, so that it may be behind them but never ahead.
type auditTrail struct {
	log   *trail.Log
	index *trail.Index
	feed  *feed.Feed
	// outbox has what is to leave the node; without it the consumers of the feed
	// that send begin with what comes next.
	outbox   *outbox.Outbox
	streams  []*stream.Stream
	delivery *delivery.Delivery // nil without buckets
	insights *insight.Watcher
	out      *slog.Logger

	lost lossReport
	// nobody bounds the events of requests whose caller is not known: whoever can
	// connect can make any number of them, and each takes room on the disk.
	nobody *rate.Limiter
}

const (
	nobodyPerSecond = 100
	nobodyAtOnce    = 1000
)

// eventsFor is how long events are kept unless told otherwise: as long as CloudTrail's event history
// (https://docs.aws.amazon.com/awscloudtrail/latest/userguide/view-cloudtrail-events.html).
const eventsFor = 90 * 24 * time.Hour

// openTrail opens the trail in a folder, and makes both if there are none.
// lasting says whether the store's revisions are the same after a restart; those
// of one that is in memory begin again, and are a source of their own each time.
func openTrail(dir string, st *state.State, lasting bool, out *slog.Logger) (*auditTrail, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	t := &auditTrail{out: out, nobody: rate.NewLimiter(nobodyPerSecond, nobodyAtOnce)}
	var err error
	if t.log, err = trail.OpenLog(filepath.Join(dir, "log"), trail.Options{}); err != nil {
		return nil, err
	}
	if t.index, err = trail.OpenIndex(filepath.Join(dir, "index.db")); err != nil {
		return nil, errors.Join(err, t.log.Close())
	}
	if t.outbox, err = outbox.Open(filepath.Join(dir, "outbox.db")); err != nil {
		return nil, errors.Join(err, t.log.Close(), t.index.Close())
	}
	store := "store"
	if !lasting {
		store += " " + rand.Text()
	}
	t.feed = feed.New(st, store, t.log, out)
	t.feed.Add(indexer{t.index}, feed.Options{Batch: indexBatch, Share: indexShare})
	return t, nil
}

// run feeds those who follow the trail until ctx ends.
func (t *auditTrail) run(ctx context.Context) {
	var fed, sending sync.WaitGroup
	fed.Go(func() { t.feed.Run(ctx) })
	if t.delivery != nil {
		sends, stop := context.WithCancel(context.WithoutCancel(ctx))
		sending.Go(func() { t.delivery.Run(sends) })
		defer sending.Wait()
		defer stop() // when it is fed no more
	}
	fed.Wait()
	if err := t.insights.Save(context.WithoutCancel(ctx)); err != nil {
		t.out.Error("what was counted for Insights could not be kept", "error", err)
	}
}

// retire lets go of events of before a time. The feed says so if somebody has not
// taken them.
func (t *auditTrail) retire(ctx context.Context, before time.Time) error {
	_, err := t.log.Retire(ctx, before)
	err = errors.Join(err, t.index.Retire(ctx, before))
	if t.delivery != nil {
		err = errors.Join(err, t.delivery.RetireKeys(ctx))
	}
	return err
}

func (t *auditTrail) close() error {
	errs := []error{t.log.Close(), t.index.Close(), t.outbox.Close()}
	for _, s := range t.streams {
		errs = append(errs, s.Close())
	}
	return errors.Join(errs...)
}

func entryOf(e *audit.Event) *trail.Entry {
	entry := &trail.Entry{
		ID: e.ID, Name: e.Name, Source: e.Source, Username: e.Username, AccessKeyID: e.AccessKeyID,
		Account: e.Account, Time: e.Time, ReadOnly: e.ReadOnly, Category: e.Category, JSON: e.JSON, Record: e.Record,
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
	if e.Account == "" && !t.nobody.Allow() {
		t.log.Skip()
		return
	}
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

// catchUp waits until all that follow the trail have read the store up to a
// revision, for some seconds at most.
func (t *auditTrail) catchUp(ctx context.Context, revision int64) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if err := t.feed.CatchUp(ctx, revision); err != nil {
		t.out.Error("events of changes were not indexed before the end")
	}
}

// compact forgets the store's log as far as all that follow the trail have read it.
func (t *auditTrail) compact(ctx context.Context, st *state.State) error {
	taken, err := t.feed.Store(ctx)
	if err != nil {
		return err
	}
	return st.Compact(ctx, taken)
}

const (
	// indexBatch is how many events go into the index at once: an event costs a
	// third less than it does among 1000.
	indexBatch = 4000
	// indexShare is the part of the time that each source may take to index while
	// many events come: one in eight. It may fall behind then, and catches up later.
	indexShare = 8
)

// indexer is the index as a consumer of the feed.
type indexer struct{ *trail.Index }

func (indexer) Name() string { return "index" }

func (x indexer) Position(ctx context.Context, source string) (int64, bool, error) {
	position, err := x.Index.Position(ctx, source)
	return position, true, err
}

func (x indexer) Take(ctx context.Context, source string, position int64, entries []*trail.Entry) error {
	return x.Add(ctx, source, position, entries)
}
