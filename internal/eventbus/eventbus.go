// Package eventbus runs the rules of EventBridge: it matches events against the rules
// of a bus and sends what comes of it to their targets
// (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-how-it-works.html).
//
// Events come from two sides: the audit trail, of which a Bus is a consumer
// (internal/audit/feed), and PutEvents (internal/service/events). What is to be sent
// is made at once, an item of the outbox for each target, together with the position
// in the trail: nothing is lost or sent on twice by a crash in between. Sending is
// the outbox's, which tries again and keeps what could not be sent.
//
// A bus knows nothing of alerts, but for a Watcher (internal/alert) that makes events
// of its own of what it sees in the trail. Rules and their targets are the records of
// internal/state, how patterns match and inputs are made is internal/eventpattern's,
// how messages leave internal/notify's.
package eventbus

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/warder-iam/warder/internal/audit/outbox"
	"github.com/warder-iam/warder/internal/audit/trail"
	"github.com/warder-iam/warder/internal/authz"
	"github.com/warder-iam/warder/internal/ids"
	"github.com/warder-iam/warder/internal/notify"
	"github.com/warder-iam/warder/internal/seal"
	"github.com/warder-iam/warder/internal/service/events"
	"github.com/warder-iam/warder/internal/service/sns"
	"github.com/warder-iam/warder/internal/state"
)

// Config is what a bus works with.
type Config struct {
	State    func() *state.Snapshot
	Authz    *authz.Authorizer
	Ring     *seal.Keyring // opens the secrets of connections
	IDs      *ids.Source
	Outbox   *outbox.Outbox
	Topics   *sns.Service
	Webhooks *notify.Webhooks
	Watcher  Watcher // may be nil
	Now      func() time.Time
	Log      *slog.Logger

	// FirstRetry and MostRetry bound the time between attempts (1 s, 10 min).
	FirstRetry, MostRetry time.Duration
}

// A Watcher makes events of its own of what is in the trail.
type Watcher interface {
	// Watch looks at events of management and at gaps of the log. It is not called
	// again before Landed was, unless what it made was lost. Its events are for the
	// default buses of their accounts in their regions.
	Watch(ctx context.Context, entries []*trail.Entry, gaps []*trail.Gap) (*Watched, error)
}

// Watched is what a Watcher made.
type Watched struct {
	// Events have no ids yet. Those of no account are for all that have rules.
	Events []*events.Envelope
	Values map[string][]byte // of the outbox, which land with the events
	Landed func()            // is called when they have
}

// Bus is all event buses of a node.
type Bus struct {
	Config
	rates rates
	sent  ledger

	mu     sync.Mutex // one Take at a time: what the watcher has seen is in order
	rules  *rules     // of the last snapshot
	idle   map[string]idle
	missed map[string][]*trail.Gap // by source
}

// idle is a position up to which there was nothing to do, and that is not on the disk
// yet.
type idle struct {
	position int64
	since    time.Time
}

// New makes the buses.
func New(c Config) *Bus {
	if c.FirstRetry == 0 {
		c.FirstRetry, c.MostRetry = time.Second, 10*time.Minute
	}
	return &Bus{Config: c, idle: map[string]idle{}, missed: map[string][]*trail.Gap{}, rules: new(rules)}
}

const (
	// Queue is the outbox's queue of what goes to targets.
	Queue = "events"

	consumer = "events"
	// workers send at the same time; at most lanes of them to one target.
	workers, lanes = 64, 4
	// idleFor is how long a position is kept in memory: a commit for each batch of
	// reads that no rule is about would cost more than looking at them.
	idleFor = time.Second
)

// Name implements feed.Consumer.
func (b *Bus) Name() string { return consumer }

// Position implements feed.Consumer.
func (b *Bus) Position(ctx context.Context, source string) (int64, bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if i, ok := b.idle[source]; ok {
		if err := b.put(ctx, source, i.position, new(outbox.Batch)); err != nil {
			return 0, false, err
		}
	}
	return b.Outbox.Position(ctx, consumer, source)
}

// Missed implements feed.Auditor.
func (b *Bus) Missed(source string, gaps []*trail.Gap) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.missed[source] = gaps
}

// Take implements feed.Consumer: the events go to the default bus of their account
// in their region.
func (b *Bus) Take(ctx context.Context, source string, position int64, entries []*trail.Entry) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	snap := b.State()
	b.rules = b.rules.of(snap, b.Log)
	batch := new(outbox.Batch)
	now := b.Now()
	for _, e := range entries {
		if err := b.takeEntry(batch, snap, e, now); err != nil {
			// What no rule can read must not hold up the events behind it.
			b.Log.Error("an event of the trail cannot be put on its bus", "event", e.ID, "error", err)
		}
	}
	landed := func() {}
	if b.Watcher != nil {
		var err error
		if landed, err = b.watch(ctx, batch, snap, entries, b.missed[source], now); err != nil {
			return err
		}
	}
	if i, ok := b.idle[source]; len(batch.Items)+len(batch.Values) == 0 && (!ok || now.Sub(i.since) < idleFor) && len(entries) > 0 {
		if !ok {
			i.since = now
		}
		i.position = position
		b.idle[source] = i
	} else if err := b.put(ctx, source, position, batch); err != nil {
		return err
	}
	delete(b.missed, source)
	landed()
	return nil
}

// put puts a batch with the position of its source.
func (b *Bus) put(ctx context.Context, source string, position int64, batch *outbox.Batch) error {
	batch.Consumer, batch.Positions = consumer, map[string]int64{source: position}
	if _, err := b.Outbox.Put(ctx, batch); err != nil {
		return err
	}
	delete(b.idle, source)
	return nil
}

// takeEntry puts an event of the trail on its bus.
func (b *Bus) takeEntry(batch *outbox.Batch, snap *state.Snapshot, e *trail.Entry, now time.Time) error {
	if !b.rules.listens(e.Account) {
		return nil
	}
	region := regionOf(e)
	source, detailType := sourceOf(e)
	a := arrived{account: e.Account, region: region, bus: state.DefaultEventBus, asked: asked{source, e.Name, identityOf(e)}, read: e.ReadOnly && e.Category == trail.Management}
	if !b.rules.any(&a) || e.Category == trail.Data && !logged(snap, e) {
		return nil
	}
	id := b.IDs.Request()
	a.Event = events.Event{ID: id, JSON: envelope(id, e, source, detailType, region), Time: now}
	return b.rules.match(batch, &a)
}

// watch hands entries to the watcher, of those accounts in which there is a rule that
// its events could match, and puts its events on their buses.
func (b *Bus) watch(ctx context.Context, batch *outbox.Batch, snap *state.Snapshot, entries []*trail.Entry, gaps []*trail.Gap, now time.Time) (landed func(), err error) {
	var of []*trail.Entry
	for _, e := range entries {
		if e.Category == trail.Management && b.rules.listens(e.Account) {
			of = append(of, e)
		}
	}
	if len(of)+len(gaps) == 0 {
		return func() {}, nil
	}
	w, err := b.Watcher.Watch(ctx, of, gaps)
	if err != nil {
		return nil, err
	}
	batch.Values = w.Values
	for _, e := range w.Events {
		for _, one := range b.rules.addressed(e) {
			if err := b.add(b.rules, batch, one, now); err != nil {
				return nil, err
			}
		}
	}
	return w.Landed, nil
}

// add puts an event on the default bus of its account and region.
func (b *Bus) add(r *rules, batch *outbox.Batch, e *events.Envelope, now time.Time) error {
	e.ID = b.IDs.Request()
	text, err := e.JSON()
	if err != nil {
		return err
	}
	a := arrived{account: e.Account, region: e.Region, bus: state.DefaultEventBus, Event: events.Event{ID: e.ID, JSON: text, Time: now}}
	return r.match(batch, &a)
}

// Put implements events.Bus.
func (b *Bus) Put(ctx context.Context, bus *state.EventBus, list []events.Event) error {
	return b.arrive(ctx, bus, list, false)
}

// arrive puts events on a bus that come from callers or, by a rule, from another bus.
func (b *Bus) arrive(ctx context.Context, bus *state.EventBus, list []events.Event, forwarded bool) error {
	rules := b.current()
	batch := new(outbox.Batch)
	for _, e := range list {
		a := arrived{Event: e, account: bus.Account, region: bus.Region, bus: bus.Name, forwarded: forwarded}
		if err := rules.match(batch, &a); err != nil {
			return err
		}
	}
	if len(batch.Items) == 0 {
		return nil
	}
	_, err := b.Outbox.Put(ctx, batch)
	return err
}

// Emit puts an event of Warder's own on the default bus of its account and region, or
// of all accounts if it is of none.
func (b *Bus) Emit(ctx context.Context, e *events.Envelope) error {
	batch := new(outbox.Batch)
	rules := b.current()
	for _, one := range rules.addressed(e) {
		if err := b.add(rules, batch, one, b.Now()); err != nil {
			return err
		}
	}
	if len(batch.Items) == 0 {
		return nil
	}
	_, err := b.Outbox.Put(ctx, batch)
	return err
}

// current are the rules as they are now.
func (b *Bus) current() *rules {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.rules = b.rules.of(b.State(), b.Log)
	return b.rules
}
