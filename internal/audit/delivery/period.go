package delivery

import (
	"context"
	"encoding/json"
	"reflect"
	"time"

	"github.com/warder-iam/warder/internal/audit/outbox"
	"github.com/warder-iam/warder/internal/audit/selector"
	"github.com/warder-iam/warder/internal/state"
)

// A period is a time in which a trail delivered, in one way: what happened in it
// goes to the bucket that the trail had then, whenever it is read. Events are
// always behind what they tell of, hours if a server was away.
type period struct {
	Trail *state.Trail
	From  time.Time
	Until time.Time `json:",omitzero"` // included; zero: it goes on

	selector *selector.Selector
	ended    time.Time // when it was noticed that it is over; zero while it is open
}

// end ends a period.
func (p *period) end(at, now time.Time) { p.Until, p.ended = at, now }

func (p *period) open() bool { return p.Until.IsZero() }

func (p *period) has(t time.Time) bool {
	return !t.Before(p.From) && (p.open() || !t.After(p.Until))
}

// tracked is a trail as delivery knows it.
type tracked struct {
	ID      string    `json:"-"`
	Started time.Time `json:",omitzero"` // the start of logging that the last period knows of
	Periods []*period // oldest first; only the last may be open

	dirty   bool            // the outbox has another form of it
	regions map[string]bool // that there were events of, beside the home region
}

const (
	// keepEnded is how long a period is remembered after it was noticed that it is
	// over: what is still to be read by then is not of it.
	keepEnded = 24 * time.Hour
	// maxPeriods bounds what a trail that is changed all the time costs.
	maxPeriods = 50
)

func (t *tracked) last() *period {
	if len(t.Periods) == 0 {
		return nil
	}
	return t.Periods[len(t.Periods)-1]
}

// at is the period that has a time; nil if there is none. The later one has what
// both have.
func (t *tracked) at(when time.Time) *period {
	for i := len(t.Periods) - 1; i >= 0; i-- {
		if p := t.Periods[i]; p.has(when) {
			return p
		}
	}
	return nil
}

// home is the trail's home region; "" if there is nothing of it.
func (t *tracked) home() string {
	if p := t.last(); p != nil {
		return p.Trail.Region
	}
	return ""
}

// validates says whether digests are to be made from now on.
func (t *tracked) validates() bool {
	p := t.last()
	return p != nil && p.open() && p.Trail.Validation
}

// see compares the trail with what it is now; nil if it is gone.
func (t *tracked) see(r *state.Trail, now time.Time) {
	began := r != nil && r.Started.After(t.Started)
	last := t.last()
	if last != nil && last.open() {
		switch {
		case r == nil:
			last.end(now, now)
		case began && r.Stopped.After(last.From) && !r.Stopped.After(r.Started):
			last.end(r.Stopped, now)
		case began:
			last.end(r.Started, now)
		case !r.Logging:
			last.end(r.Stopped, now)
		case reflect.DeepEqual(last.Trail, r):
			return
		default:
			last.end(now, now)
		}
		t.dirty = true
	}
	switch {
	case began:
		t.Started = r.Started
		t.begin(r, r.Started, now)
	case r != nil && r.Logging && (last == nil || !last.open()):
		t.begin(r, now, now)
	}
}

func (t *tracked) begin(r *state.Trail, from, now time.Time) {
	p := &period{Trail: r, From: from, selector: selector.Of(r)}
	if !r.Logging { // it is over before it was noticed
		p.end(r.Stopped, now)
	}
	if t.Periods = append(t.Periods, p); len(t.Periods) > maxPeriods {
		t.Periods[1].From = t.Periods[0].From // too much rather than too little
		t.Periods = t.Periods[1:]
	}
	t.dirty = true
}

// forget lets go of periods that nothing more is to come of.
func (t *tracked) forget(now time.Time) {
	for len(t.Periods) > 0 && !t.Periods[0].ended.IsZero() && now.After(t.Periods[0].ended.Add(keepEnded)) {
		t.Periods = t.Periods[1:]
		t.dirty = true
	}
}

// look brings what is known of the trails up to the state. What has changed goes to
// the outbox at once: it tells to which bucket events go that come before the next
// file.
func (d *Delivery) look(ctx context.Context) {
	s, now := d.State.Snapshot(), d.Now()
	if s.Revision == d.revision {
		return
	}
	values := map[string][]byte{}
	d.accounts = map[string][]*tracked{}
	for r := range s.Trails.All() {
		if d.trails[r.ID] == nil {
			d.trails[r.ID] = &tracked{ID: r.ID, regions: map[string]bool{}}
		}
	}
	for id, t := range d.trails {
		r := s.Trails.Get(id)
		t.see(r, now)
		t.forget(now)
		if r == nil && len(t.Periods) == 0 {
			delete(d.trails, id)
			d.status.forget(id)
			values[trailValue+id], values[statusValue+id] = nil, nil
			continue
		}
		if last := t.last(); last != nil {
			d.accounts[last.Trail.Account] = append(d.accounts[last.Trail.Account], t)
		}
		if t.dirty {
			values[trailValue+id] = encode(t)
		}
	}
	if len(values) > 0 {
		if _, err := d.Outbox.Put(ctx, &outbox.Batch{Values: values}); err != nil {
			if ctx.Err() == nil {
				d.Log.Error("what has changed of trails could not be noted; this is tried again", "error", err)
			}
			return
		}
		for _, t := range d.trails {
			t.dirty = false
		}
	}
	d.revision = s.Revision
}

// encode is a value for the outbox.
func encode(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // of our own types, which marshal
	}
	return text
}

const trailValue = consumer + "/trail/"

func loadTrails(ctx context.Context, o *outbox.Outbox, now time.Time) (map[string]*tracked, error) {
	all := map[string]*tracked{}
	err := load(ctx, o, trailValue, func(id string, text []byte) error {
		t := &tracked{ID: id, regions: map[string]bool{}}
		if err := json.Unmarshal(text, t); err != nil {
			return err
		}
		for _, p := range t.Periods {
			p.selector = selector.Of(p.Trail)
			if !p.open() {
				p.ended = now // what was to be read before the server ended still is
			}
		}
		all[id] = t
		return nil
	})
	return all, err
}

// load reads the values whose names begin with a prefix.
func load(ctx context.Context, o *outbox.Outbox, prefix string, each func(rest string, value []byte) error) error {
	names, err := o.ValueNames(ctx, prefix)
	if err != nil {
		return err
	}
	for _, name := range names {
		value, err := o.Value(ctx, name)
		if err != nil {
			return err
		}
		if err := each(name[len(prefix):], value); err != nil {
			return err
		}
	}
	return nil
}
