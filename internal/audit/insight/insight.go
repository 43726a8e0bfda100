// Package insight finds unusual activity in the trail, as CloudTrail Insights does:
// calls that manage something, or errors, at a rate that is far from what it was in the
// seven days before
// (https://docs.aws.amazon.com/awscloudtrail/latest/userguide/logging-insights-events-with-cloudtrail.html).
//
// An account is watched while one of its trails has Insights selectors. Calls are
// counted per API, region and, for errors, error code, in windows of five minutes.
// AWS does not say how it decides; here a window is unusual if it has ten calls at least,
// is far above the average of the days before (six standard deviations of a Poisson
// distribution), and has twice the calls of the busiest window of these days, so that
// what happens every night is nothing new. Its beginning and its end are each an
// event, with the sharedEventID in common.
//
// What was counted is kept in the outbox, together with the positions up to which it
// was, once a minute: after a crash the minute is counted again, and an event that
// was made in it comes a second time with the same id.
package insight

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"github.com/warder-iam/warder/internal/audit/outbox"
	"github.com/warder-iam/warder/internal/audit/trail"
)

const (
	// Learning is how long an account is watched before anything is unusual; AWS says
	// up to 36 hours.
	Learning = 36 * time.Hour
	// history is how far the baseline goes back.
	history = 7 * 24 * time.Hour
	// window is the time in which calls are counted together, in minutes.
	window = 5
	// fewest is how many calls a window has at least to be unusual.
	fewest = 10
	// saveEvery is how much is counted again after a crash.
	saveEvery = time.Minute
	// maxSeries bounds what is kept of an account; APIs beyond are not watched.
	maxSeries = 5000
)

// The types of Insights, as the API names them.
const (
	CallRate  = "ApiCallRateInsight"
	ErrorRate = "ApiErrorRateInsight"
)

// Config is what a Watcher works with.
type Config struct {
	Outbox *outbox.Outbox
	// Wants says which types of Insights an account has asked for.
	Wants func(account string) (calls, errors bool)
	// Emit puts an event into the trail.
	Emit func(ctx context.Context, e *trail.Entry) error
}

// Watcher counts the events of the trail. It is a feed.Consumer.
type Watcher struct {
	config Config

	mu        sync.Mutex
	accounts  map[string]*account
	positions map[string]int64 // by source, of what is counted
	saved     time.Time
	changed   map[string]bool // accounts that are not saved as they are
}

// account is what is known of one account.
type account struct {
	Since  time.Time          `json:"since"` // the first event that was counted
	Series map[string]*series `json:"series"`
}

// New makes a watcher, and takes up what was kept.
func New(ctx context.Context, c Config) (*Watcher, error) {
	w := &Watcher{config: c, accounts: map[string]*account{}, positions: map[string]int64{}, changed: map[string]bool{}}
	names, err := c.Outbox.ValueNames(ctx, valuePrefix)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		text, err := c.Outbox.Value(ctx, name)
		if err != nil {
			return nil, err
		}
		a := new(account)
		if err := json.Unmarshal(text, a); err != nil {
			return nil, err
		}
		w.accounts[name[len(valuePrefix):]] = a
	}
	return w, nil
}

const (
	consumer    = "insights"
	valuePrefix = "insight/"
)

// Name implements feed.Consumer.
func (*Watcher) Name() string { return consumer }

// Position implements feed.Consumer.
func (w *Watcher) Position(ctx context.Context, source string) (int64, bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if at, known := w.positions[source]; known {
		return at, true, nil
	}
	return w.config.Outbox.Position(ctx, consumer, source)
}

// Take implements feed.Consumer.
func (w *Watcher) Take(ctx context.Context, source string, position int64, entries []*trail.Entry) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	at, known := w.positions[source]
	if known && position <= at {
		return nil // counted before
	}
	for _, e := range entries {
		if err := w.count(ctx, e); err != nil {
			return err
		}
	}
	w.positions[source] = position
	if known && time.Since(w.saved) < saveEvery {
		return nil
	}
	return w.save(ctx)
}

// Tick ends what has ended by a time, for accounts in which nothing happens any more.
func (w *Watcher) Tick(ctx context.Context, now time.Time) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for id, a := range w.accounts {
		if err := w.settle(ctx, id, a, minuteOf(now)); err != nil {
			return err
		}
	}
	return w.save(ctx)
}

// Save keeps what was counted, before the end.
func (w *Watcher) Save(ctx context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.save(ctx)
}

func (w *Watcher) save(ctx context.Context) error {
	b := &outbox.Batch{Consumer: consumer, Positions: w.positions, Values: map[string][]byte{}}
	for id := range w.changed {
		text, err := json.Marshal(w.accounts[id])
		if err != nil {
			return err
		}
		b.Values[valuePrefix+id] = text
	}
	if len(b.Positions) == 0 && len(b.Values) == 0 {
		return nil
	}
	if _, err := w.config.Outbox.Put(ctx, b); err != nil {
		return err
	}
	clear(w.changed)
	w.saved = time.Now()
	return nil
}

// record is what counts of a CloudTrail record.
type record struct {
	Region   string `json:"awsRegion"`
	Agent    string `json:"userAgent"`
	Error    string `json:"errorCode"`
	Identity struct {
		ARN string `json:"arn"`
	} `json:"userIdentity"`
}

// count counts one event in the series that it belongs to.
func (w *Watcher) count(ctx context.Context, e *trail.Entry) error {
	if e.Category != trail.Management {
		return nil
	}
	calls, errors := w.config.Wants(e.Account)
	if !calls && !errors {
		return nil
	}
	var r record
	if json.Unmarshal(e.JSON, &r) != nil {
		return nil // counted by nobody
	}
	a := w.accounts[e.Account]
	if a == nil {
		a = &account{Since: e.Time.UTC(), Series: map[string]*series{}}
		w.accounts[e.Account] = a
	}
	w.changed[e.Account] = true
	if e.Time.Before(a.Since) { // the sources are not in order between them
		a.Since = e.Time.UTC()
	}
	if err := w.settle(ctx, e.Account, a, minuteOf(e.Time)); err != nil {
		return err
	}
	if calls && !e.ReadOnly {
		if err := w.add(ctx, a, api{CallRate, e.Account, r.Region, e.Source, e.Name, ""}, e.Time, &r); err != nil {
			return err
		}
	}
	if errors && r.Error != "" {
		return w.add(ctx, a, api{ErrorRate, e.Account, r.Region, e.Source, e.Name, r.Error}, e.Time, &r)
	}
	return nil
}

func (w *Watcher) add(ctx context.Context, a *account, of api, at time.Time, r *record) error {
	s := a.Series[of.key()]
	if s == nil {
		if len(a.Series) >= maxSeries {
			return nil
		}
		s = &series{API: of, Hours: map[int64]*hour{}, Baseline: attributes{}}
		a.Series[of.key()] = s
	}
	minute := minuteOf(at)
	s.call(minute, r)
	if s.Open != nil || at.Sub(a.Since) < Learning {
		return nil
	}
	average := s.average(minute, a.Since)
	if !s.unusual(average) {
		return nil
	}
	s.open(minute, average, a.Since)
	return w.config.Emit(ctx, s.event("Start", minute))
}

// settle ends the Insights whose rate is usual again at a minute.
func (w *Watcher) settle(ctx context.Context, id string, a *account, minute int64) error {
	for _, s := range a.Series {
		if s.Open == nil || minute < s.Open.Last+window {
			continue
		}
		if err := w.config.Emit(ctx, s.event("End", s.Open.Last)); err != nil {
			return err
		}
		s.Open = nil
		w.changed[id] = true
	}
	return nil
}

func minuteOf(t time.Time) int64 { return t.Unix() / 60 }
