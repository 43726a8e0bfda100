// Package feed hands the events of the audit trail to those who work on them: the
// index, the delivery of log files, the event bus, streams. Events are kept in two
// places, those of changes in the store and the others in the log
// (internal/audit/trail); each is a Source with positions of its own, in which
// nothing is missing and the order stays the same. A Consumer remembers how far it
// has come in each, and goes on there after a restart.
//
// What happened in the two sources at the same time is not put in order between
// them: whoever wants that sorts by the events' time.
package feed

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"sync"
	"time"

	"github.com/warder-iam/warder/internal/audit/trail"
	"github.com/warder-iam/warder/internal/state"
	"github.com/warder-iam/warder/internal/store"
)

// A Consumer works on events in the order of their source.
type Consumer interface {
	// Name is for the server's log: "index".
	Name() string
	// Position is up to where the consumer has a source; known is false for a
	// source that it has not met yet.
	Position(ctx context.Context, source string) (position int64, known bool, err error)
	// Take works on the events that follow on Position, up to a new one, and
	// remembers it with what came of them. It may be called again with the same
	// events when it is not known whether it succeeded, and does nothing then.
	Take(ctx context.Context, source string, position int64, entries []*trail.Entry) error
}

// An Auditor is a Consumer that also wants to know what the log does not have.
type Auditor interface {
	// Missed is called before the Take that goes past gaps of a source, and again
	// with a Take that is called again.
	Missed(source string, gaps []*trail.Gap)
}

// Options say how a consumer is served.
type Options struct {
	// FromNow begins a source that the consumer has not met at its end, and not at
	// its start.
	FromNow bool
	// Batch is how many events are handed over at once, at most (1000).
	Batch int
	// Idle says that there is nothing that the consumer would do with events: it is
	// handed none then, but the position. Nil: there always is.
	Idle func() bool
	// Share is the part of the time that a consumer may take of each source while
	// more events come than it takes: one in Share. It falls behind then, and
	// catches up later. 0 does not hold it back.
	Share int
}

// Feed is all events that a node keeps. Make it with New, Add the consumers, Run
// it.
type Feed struct {
	out       *slog.Logger
	sources   []*source
	consumers []served
}

type served struct {
	Consumer
	Options
}

type source struct {
	name   string
	follow func(ctx context.Context, after int64) iter.Seq2[arrival, error]
	count  func() int64 // how many there are, reckoned from anywhere
	end    func() int64 // the position of the last
	out    *slog.Logger
}

// arrival is what comes from a source at one position.
type arrival struct {
	position int64
	entries  []*trail.Entry
	gaps     []*trail.Gap // but for those by age
	retired  int64        // records before it that were let go for their age
}

// New makes the feed of a store and a log. The name of the store's source stands
// for its revisions: one whose revisions begin again has another name.
func New(st *state.State, storeName string, log *trail.Log, out *slog.Logger) *Feed {
	return &Feed{out: out, sources: []*source{
		{
			storeName,
			func(ctx context.Context, after int64) iter.Seq2[arrival, error] { return fromStore(ctx, st, after) },
			func() int64 { return st.Snapshot().Revision },
			func() int64 { return st.Snapshot().Revision },
			out,
		},
		{
			log.ID(),
			func(ctx context.Context, after int64) iter.Seq2[arrival, error] { return fromLog(ctx, log, after) },
			func() int64 { return log.Stats().Accepted },
			func() int64 { return log.Head().Position },
			out,
		},
	}}
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
			switch {
			case r.Gap == nil:
			case r.Gap.Cause == trail.Retired:
				a.retired = r.Gap.Lost
			default:
				a.gaps = []*trail.Gap{r.Gap}
			}
			if !yield(a, err) {
				return
			}
		}
	}
}

// Store is the position up to which every consumer has the events of the store:
// what is before it the store may forget.
func (f *Feed) Store(ctx context.Context) (int64, error) {
	s := f.sources[0]
	oldest := s.end()
	for _, c := range f.consumers {
		position, _, err := c.Position(ctx, s.name)
		if err != nil {
			return 0, err
		}
		oldest = min(oldest, position)
	}
	return oldest, nil
}

// CatchUp waits until every consumer has all events of the store up to a revision,
// or ctx ends.
func (f *Feed) CatchUp(ctx context.Context, revision int64) error {
	for ctx.Err() == nil {
		if at, err := f.Store(ctx); err == nil && at >= revision {
			return nil
		}
		pause(ctx, 5*time.Millisecond)
	}
	return context.Cause(ctx)
}

// Add adds a consumer. What it has not taken yet the store is not to forget from
// now on.
func (f *Feed) Add(c Consumer, o Options) {
	if o.Batch == 0 {
		o.Batch = 1000
	}
	f.consumers = append(f.consumers, served{c, o})
}

// Begin has the consumers that begin now do so: what happens after it they get,
// even if the server ends before Run has fed them anything.
func (f *Feed) Begin(ctx context.Context) error {
	for _, c := range f.consumers {
		for _, s := range f.sources {
			if _, err := s.begin(ctx, c); err != nil {
				return err
			}
		}
	}
	return nil
}

// Run feeds the consumers until ctx ends. When something goes wrong it says so in
// the server's log, and tries again.
func (f *Feed) Run(ctx context.Context) {
	var running sync.WaitGroup
	for _, c := range f.consumers {
		for _, s := range f.sources {
			running.Go(func() { f.feed(ctx, s, c) })
		}
	}
	running.Wait()
}

// retryAfter is how long a consumer that failed is left alone.
const retryAfter = 10 * time.Second

func (f *Feed) feed(ctx context.Context, s *source, c served) {
	for ctx.Err() == nil {
		err := s.serve(ctx, c)
		if ctx.Err() != nil {
			return
		}
		if errors.Is(err, errIdle) {
			continue
		}
		log := f.out.With("consumer", c.Name(), "source", s.name)
		switch {
		case errors.Is(err, store.ErrCompacted):
			log.Error("events of changes are gone before they were taken", "error", err)
			return
		case errors.Is(err, store.ErrRevision):
			log.Error("the store is older than what the audit trail has of it: "+
				"if an older copy was put back, stop the server and remove index.db, which is then made anew", "error", err)
		default:
			log.Error("a consumer of the audit trail stands still (if it is the index and index.db is damaged, stop the server and remove the file: it is then made anew)", "error", err)
		}
		pause(ctx, retryAfter)
	}
}

// pause waits, but not beyond the end of ctx.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// busy says whether so much came while a number of events was taken that the
// answers need the time more.
func (o *Options) busy(came int64, taken int) bool {
	return o.Share > 0 && came*int64(o.Share) > int64(taken)
}

// begin is where the consumer goes on, which it remembers if it is now.
func (s *source) begin(ctx context.Context, c served) (after int64, err error) {
	after, known, err := c.Position(ctx, s.name)
	if err != nil || known || !c.FromNow {
		return after, err
	}
	after = s.end()
	return after, c.Take(ctx, s.name, after, nil)
}

// errIdle ends serving a consumer that has nothing to do with events any more.
var errIdle = errors.New("feed: the consumer is idle")

// idleEvery is how often it is looked whether a consumer is still idle.
const idleEvery = 200 * time.Millisecond

// idle moves the position of a consumer on while it is idle. The end is read before
// the question is asked: what comes after the answer is never passed over.
func (s *source) idle(ctx context.Context, c served, after int64) (int64, error) {
	for c.Idle != nil && ctx.Err() == nil {
		end := s.end()
		if !c.Idle() {
			break
		}
		if end > after {
			if err := c.Take(ctx, s.name, end, nil); err != nil {
				return after, err
			}
			after = end
		}
		pause(ctx, idleEvery)
	}
	return after, ctx.Err()
}

func (s *source) serve(ctx context.Context, c served) error {
	after, err := s.begin(ctx, c)
	if err == nil {
		after, err = s.idle(ctx, c, after)
	}
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	arrivals, failed := make(chan arrival, c.Batch), make(chan error, 1)
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
			batch, gaps, position, retired := a.entries, a.gaps, a.position, a.retired
			for len(batch) < c.Batch && len(arrivals) > 0 {
				a = <-arrivals
				batch, gaps, position, retired = append(batch, a.entries...), append(gaps, a.gaps...), a.position, retired+a.retired
			}
			if retired > 0 {
				s.out.Warn("events were let go for their age before they were taken", "consumer", c.Name(), "source", s.name, "records", retired)
			}
			if auditor, ok := c.Consumer.(Auditor); ok && len(gaps) > 0 {
				auditor.Missed(s.name, gaps)
			}
			if err := c.Take(ctx, s.name, position, batch); err != nil {
				return err
			}
			if c.Idle != nil && c.Idle() {
				return errIdle
			}
			if len(arrivals) > 0 && c.busy(s.count()-count, len(batch)) {
				pause(ctx, time.Duration(c.Share-1)*time.Since(began))
			}
		}
	}
}
