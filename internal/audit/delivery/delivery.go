// Package delivery puts the events of trails into buckets, as CloudTrail does: log
// files every five minutes, and hourly digests that are signed and name the files,
// so that what is changed or taken out later is found
// (https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-intro.html).
//
// A Delivery is a consumer of the audit trail's feed. It gathers events in memory
// and cuts them into files, whose names and bytes are fixed then and put into the
// outbox in one transaction with how far the sources were read. What was not cut
// when the server ended is read again; what was cut is sent until it has arrived, a
// trail's files one after the other. So nothing is lost or doubled, however often
// the server is killed and however long a bucket is away: a file that is sent twice
// is the same object.
//
// It leaves out which events a trail takes (internal/audit/selector), how files
// wait (internal/audit/outbox), and the API (internal/service/cloudtrail). The
// daemon calls it. docs/decisions/0010-delivery.md says what was decided.
package delivery

import (
	"context"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/warder-iam/warder/internal/audit/outbox"
	"github.com/warder-iam/warder/internal/audit/trail"
	"github.com/warder-iam/warder/internal/seal"
	"github.com/warder-iam/warder/internal/state"
)

// Config is what a Delivery works with.
type Config struct {
	State   *state.State
	Ring    *seal.Keyring // seals the keys that sign
	Outbox  *outbox.Outbox
	Buckets Buckets
	// Head is the end of the log, which digests tell of; nil has them not.
	Head func() trail.Head
	// Notify is told of each log file that has arrived, of a trail with a topic; nil
	// is told nothing.
	Notify func(ctx context.Context, t *state.Trail, bucket, key string) error

	Every       time.Duration // between log files (5 min)
	DigestEvery time.Duration // between digests; whole seconds (1 h)
	Memory      int           // bytes of events after which files are cut at once (48 MiB)

	Now func() time.Time
	Log *slog.Logger
}

const (
	defaultEvery       = 5 * time.Minute
	defaultDigestEvery = time.Hour
	// defaultMemory makes files of 50 MB at most before compression, but for one
	// batch of the feed.
	defaultMemory = 48 << 20
)

// Delivery delivers the trails of all accounts. Make it with New, feed it, Run it.
type Delivery struct {
	Config
	keys   *keys
	status *statuses

	mu       sync.Mutex
	trails   map[string]*tracked   // by trail id
	accounts map[string][]*tracked // those that may take events
	revision int64                 // of the state that trails is of

	files   map[fileID]*file // that are being gathered
	size    int              // bytes of events in them
	chains  map[chainID]chain
	last    time.Time        // when files were last cut
	taken   map[string]int64 // positions up to which files has events, by source
	durable map[string]int64 // those that the outbox has
}

// consumer is Delivery's name in the feed and the outbox, and begins the names of
// its values there.
const consumer = "delivery"

// New makes a delivery, which goes on where the outbox says it was.
func New(ctx context.Context, c Config) (*Delivery, error) {
	if c.Every == 0 {
		c.Every = defaultEvery
	}
	if c.DigestEvery == 0 {
		c.DigestEvery = defaultDigestEvery
	}
	if c.Memory == 0 {
		c.Memory = defaultMemory
	}
	d := &Delivery{
		Config: c, keys: &keys{c.State, c.Ring}, files: map[fileID]*file{}, last: c.Now(), taken: map[string]int64{}, durable: map[string]int64{}, revision: -1,
	}
	var err error
	if d.trails, err = loadTrails(ctx, c.Outbox, c.Now()); err != nil {
		return nil, err
	}
	if d.chains, err = loadChains(ctx, c.Outbox); err != nil {
		return nil, err
	}
	for id := range d.chains {
		if t := d.trails[id.trail]; t != nil {
			t.regions[id.region] = true
		}
	}
	d.status, err = loadStatuses(ctx, c.Outbox)
	return d, err
}

// Name implements feed.Consumer.
func (d *Delivery) Name() string { return consumer }

// Position implements feed.Consumer. It is that up to which events are in memory:
// those are read again only after a restart.
func (d *Delivery) Position(ctx context.Context, source string) (int64, bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if at, known := d.taken[source]; known {
		return at, true, nil
	}
	at, known, err := d.Outbox.Position(ctx, consumer, source)
	if known {
		d.taken[source], d.durable[source] = at, at
	}
	return at, known, err
}

// Take implements feed.Consumer. It fails, and takes nothing, if there is no
// room in memory because what was gathered cannot be put on the disk.
func (d *Delivery) Take(ctx context.Context, source string, position int64, entries []*trail.Entry) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.size >= d.Memory {
		if err := d.cut(ctx); err != nil {
			return err
		}
	}
	at, known := d.taken[source]
	if known && position <= at {
		return nil
	}
	if !known && len(entries) == 0 { // it begins here, also if nothing is cut before the server ends
		if _, err := d.Outbox.Put(ctx, &outbox.Batch{Consumer: consumer, Positions: map[string]int64{source: position}}); err != nil {
			return err
		}
		d.durable[source] = position
	}
	d.look(ctx)
	for _, e := range entries {
		d.gather(e)
	}
	d.taken[source] = position
	return nil
}

// Idle says whether there is no trail, and nothing of one is still to be delivered.
func (d *Delivery) Idle() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.trails) == 0 && len(d.files) == 0 && d.State.Snapshot().Trails.Len() == 0
}

// Taken is up to where a source is in the outbox: what follows is lost if it goes.
func (d *Delivery) Taken(source string) int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.durable[source]
}

// Run cuts files when it is time and sends what has been cut, until ctx ends. What
// is in memory then it cuts.
func (d *Delivery) Run(ctx context.Context) {
	var sending sync.WaitGroup
	sending.Go(func() { d.Outbox.Run(ctx, d.sender()) })
	tick := time.NewTicker(tickEvery)
	defer tick.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-tick.C:
			d.cutIfDue(ctx)
		}
	}
	if err := d.Flush(context.WithoutCancel(ctx)); err != nil {
		d.Log.Error("log files of trails could not be made; their events are read again by the next start", "error", err)
	}
	sending.Wait()
}

// tickEvery is how often it is looked whether files are to be cut.
const tickEvery = 250 * time.Millisecond

func (d *Delivery) cutIfDue(ctx context.Context) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.look(ctx)
	if now := d.Now(); !passed(d.last, now, d.Every) && !d.digestDue(now) {
		return
	}
	if err := d.cut(ctx); err != nil && ctx.Err() == nil {
		d.Log.Error("log files of trails could not be made; this is tried again", "error", err)
	}
}

// Flush cuts what is in memory.
func (d *Delivery) Flush(ctx context.Context) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.cut(ctx)
}

// passed says whether there is a multiple of every between two times.
func passed(last, now time.Time, every time.Duration) bool {
	return now.Truncate(every).After(last.Truncate(every))
}

// progress are the positions that the outbox does not have yet.
func (d *Delivery) progress() map[string]int64 {
	p := maps.Clone(d.taken)
	maps.DeleteFunc(p, func(source string, at int64) bool { return at <= d.durable[source] })
	return p
}
