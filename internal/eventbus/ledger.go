package eventbus

import (
	"context"
	"encoding/json"
	"maps"
	"sync"
	"time"

	"github.com/warder-iam/warder/internal/audit/outbox"
)

// Tally is what became of what a rule sent.
type Tally struct {
	Sent     int64     // to targets, attempts that failed aside
	LastSent time.Time `json:",omitzero"`

	Failed     int64     // attempts
	LastFailed time.Time `json:",omitzero"`
	LastError  string    `json:",omitempty"`
}

// ledger keeps the tallies of rules, by their ARNs. A crash loses those of the last
// seconds.
type ledger struct {
	mu      sync.Mutex
	read    bool
	changed bool
	rules   map[string]Tally
}

const (
	// ledgerValue is where the outbox has the tallies.
	ledgerValue = "events/sent"
	noteEvery   = 5 * time.Second
)

func (l *ledger) add(rule string, now time.Time, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.rules == nil {
		l.rules = map[string]Tally{}
	}
	t := l.rules[rule]
	if err == nil {
		t.Sent, t.LastSent = t.Sent+1, now
	} else {
		t.Failed, t.LastFailed, t.LastError = t.Failed+1, now, err.Error()
	}
	l.rules[rule], l.changed = t, true
}

// load reads what earlier runs noted, once.
func (b *Bus) load(ctx context.Context) error {
	l := &b.sent
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.read {
		return nil
	}
	text, err := b.Outbox.Value(ctx, ledgerValue)
	if err != nil {
		return err
	}
	known := map[string]Tally{}
	if text != nil {
		if err := json.Unmarshal(text, &known); err != nil {
			return err
		}
	}
	for rule, now := range l.rules {
		before := known[rule]
		now.Sent, now.Failed = now.Sent+before.Sent, now.Failed+before.Failed
		if now.LastSent.IsZero() {
			now.LastSent = before.LastSent
		}
		if now.LastFailed.IsZero() {
			now.LastFailed, now.LastError = before.LastFailed, before.LastError
		}
		known[rule] = now
	}
	l.rules, l.read = known, true
	return nil
}

// Tallies are those of all rules that sent something.
func (b *Bus) Tallies(ctx context.Context) (map[string]Tally, error) {
	if err := b.load(ctx); err != nil {
		return nil, err
	}
	b.sent.mu.Lock()
	defer b.sent.mu.Unlock()
	return maps.Clone(b.sent.rules), nil
}

// note writes the tallies now and then, and at the end.
func (b *Bus) note(ctx context.Context) {
	tick := time.NewTicker(noteEvery)
	defer tick.Stop()
	for ctx.Err() == nil {
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
		if err := b.write(context.WithoutCancel(ctx)); err != nil {
			b.Log.Error("what rules have sent cannot be noted", "error", err)
		}
	}
}

// write writes the tallies of the rules that there are.
func (b *Bus) write(ctx context.Context) error {
	if err := b.load(ctx); err != nil {
		return err
	}
	there := map[string]bool{}
	for r := range b.State().EventRules.All() {
		there[r.ARN()] = true
	}
	l := &b.sent
	l.mu.Lock()
	maps.DeleteFunc(l.rules, func(rule string, _ Tally) bool { return !there[rule] })
	changed := l.changed
	l.changed = false
	text, err := json.Marshal(l.rules)
	l.mu.Unlock()
	if err != nil || !changed {
		return err
	}
	_, err = b.Outbox.Put(ctx, &outbox.Batch{Values: map[string][]byte{ledgerValue: text}})
	return err
}
