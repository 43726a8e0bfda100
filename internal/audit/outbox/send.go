package outbox

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"
)

// Permanent is an error after which it makes no sense to try again: the item
// becomes a dead letter at once.
type Permanent struct{ Err error }

// Error implements error.
func (p *Permanent) Error() string { return p.Err.Error() }

// Unwrap implements errors.
func (p *Permanent) Unwrap() error { return p.Err }

// Later is an error of a receiver that has said when to try again.
type Later struct {
	Err   error
	After time.Duration
}

// Error implements error.
func (l *Later) Error() string { return l.Err.Error() }

// Unwrap implements errors.
func (l *Later) Unwrap() error { return l.Err }

// Sender says how the items of a queue are sent.
type Sender struct {
	Queue   string
	Workers int // that send at the same time (1)
	// Unordered has the items of a lane sent one at a time as well, but each when it
	// is due: one that has to be sent again does not hold up those behind it. A
	// receiver that is away keeps one worker busy for each of its lanes, however
	// many items it is to get.
	Unordered bool
	// Send delivers an item. It is bound to end by itself, with its own timeout.
	Send func(ctx context.Context, item *Item) error
	// Keep says whether an item that has failed is to be tried again; nil keeps it
	// for good.
	Keep func(item *Item, now time.Time) bool
	// Died is told of an item that became a dead letter; nil is told nothing.
	Died func(ctx context.Context, item *Item)
	// First and Most bound the time between attempts, which doubles with each (1 s, 5 min).
	First, Most time.Duration

	Log *slog.Logger
}

// Run sends what is due until ctx ends.
func (o *Outbox) Run(ctx context.Context, s Sender) {
	if s.Workers == 0 {
		s.Workers = 1
	}
	if s.First == 0 {
		s.First, s.Most = time.Second, 5*time.Minute
	}
	r := &run{outbox: o, Sender: s, busy: map[int64]bool{}, lanes: map[string]bool{}, idle: make(chan struct{}, 1)}
	free := make(chan struct{}, s.Workers)
	var working sync.WaitGroup
	defer working.Wait()
	for {
		select {
		case free <- struct{}{}:
		case <-ctx.Done():
			return
		}
		item, wait, err := r.next(ctx)
		if item != nil {
			working.Go(func() {
				defer func() { <-free }()
				r.send(ctx, item)
			})
			continue
		}
		<-free
		if err != nil && ctx.Err() == nil {
			s.Log.Error("the outbox cannot be read", "queue", s.Queue, "error", err)
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		case <-r.idle:
			timer.Stop()
		}
	}
}

// run is a Sender at work.
type run struct {
	outbox *Outbox
	Sender
	idle chan struct{} // has room for one: an item is done

	mu    sync.Mutex
	busy  map[int64]bool  // items that are being sent
	lanes map[string]bool // and their lanes
}

// lookEvery is how long nothing is looked for after nothing was found: what is put
// in meanwhile waits that long at most.
const lookEvery = 100 * time.Millisecond

const (
	// ordered are the items that are due and that nothing is before in their lane,
	// unless it is dead.
	ordered = `SELECT ` + columns + ` FROM item AS i WHERE queue = ?1 AND due <= ?2 AND
		(lane = '' OR NOT EXISTS (SELECT 1 FROM item AS o WHERE o.queue = i.queue AND o.lane = i.lane AND o.id < i.id AND o.due IS NOT NULL))
		ORDER BY due, id LIMIT ?3`
	// unordered is the first item of each lane that is due. It takes a step for each
	// lane, and not for each item.
	unordered = `WITH RECURSIVE l(lane) AS (
			SELECT min(lane) FROM item WHERE queue = ?1
			UNION ALL SELECT (SELECT min(lane) FROM item WHERE queue = ?1 AND lane > l.lane) FROM l WHERE l.lane IS NOT NULL)
		SELECT ` + columns + ` FROM item WHERE id IN (
			SELECT (SELECT id FROM item WHERE queue = ?1 AND lane = l.lane AND due <= ?2 ORDER BY due, id LIMIT 1) FROM l WHERE l.lane IS NOT NULL)
		ORDER BY due, id`
)

// next is the oldest item that is due and may be sent.
func (r *run) next(ctx context.Context) (*Item, time.Duration, error) {
	query := ordered
	if r.Unordered {
		query = unordered
	}
	rows, err := r.outbox.db.QueryContext(ctx, query, r.Queue, time.Now().UnixMilli(), 2*r.Workers)
	if err != nil {
		return nil, time.Second, err
	}
	defer rows.Close()
	r.mu.Lock()
	defer r.mu.Unlock()
	for rows.Next() {
		item, err := scan(rows)
		if err != nil {
			return nil, time.Second, err
		}
		if r.busy[item.ID] || item.Lane != "" && r.lanes[item.Lane] {
			continue
		}
		r.busy[item.ID] = true
		if item.Lane != "" {
			r.lanes[item.Lane] = true
		}
		return item, 0, nil
	}
	return nil, lookEvery, rows.Err()
}

func (r *run) send(ctx context.Context, item *Item) {
	defer func() {
		r.mu.Lock()
		delete(r.busy, item.ID)
		delete(r.lanes, item.Lane)
		r.mu.Unlock()
		select {
		case r.idle <- struct{}{}:
		default:
		}
	}()
	err := r.Send(ctx, item)
	if err != nil && ctx.Err() != nil {
		return // the end of the server is no fault of the receiver's
	}
	// What has been delivered is done with, even if the server ends now.
	ctx = context.WithoutCancel(ctx)
	if err := r.settle(ctx, item, err); err != nil {
		r.Log.Error("the outbox cannot be written", "queue", r.Queue, "item", item.ID, "error", err)
		time.Sleep(time.Second) // or it would be sent again and again
	}
}

func (r *run) settle(ctx context.Context, item *Item, err error) error {
	if err == nil {
		return r.outbox.Delete(ctx, item.ID)
	}
	now := time.Now()
	item.Attempts++
	item.Error = err.Error()
	_, permanent := errors.AsType[*Permanent](err)
	if permanent || r.Keep != nil && !r.Keep(item, now) {
		r.Log.Warn("an item was given up", "queue", r.Queue, "key", item.Key, "attempts", item.Attempts, "error", err)
		if err := r.outbox.retry(ctx, item, nil); err != nil {
			return err
		}
		if r.Died != nil {
			r.Died(ctx, item)
		}
		return nil
	}
	wait := r.backoff(item.Attempts)
	if later, ok := errors.AsType[*Later](err); ok {
		wait = max(later.After, r.First)
	}
	r.Log.Warn("an item could not be sent", "queue", r.Queue, "key", item.Key, "attempts", item.Attempts, "again", wait, "error", err)
	due := now.Add(wait)
	return r.outbox.retry(ctx, item, &due)
}

// backoff is how long to wait after a number of failures: twice as long each time,
// with some chance in it, so that receivers that were away are not met by all at
// once.
func (r *run) backoff(attempts int) time.Duration {
	d := r.First << min(attempts-1, 20)
	if d <= 0 || d > r.Most {
		d = r.Most
	}
	return d/2 + rand.N(d/2+1)
}

const columns = `id, queue, lane, key, body, made, due, attempts, error`

func scan(rows interface{ Scan(...any) error }) (*Item, error) {
	item := new(Item)
	var made int64
	var due sql.NullInt64
	if err := rows.Scan(&item.ID, &item.Queue, &item.Lane, &item.Key, &item.Body, &made, &due, &item.Attempts, &item.Error); err != nil {
		return nil, err
	}
	item.Made = time.UnixMilli(made)
	if due.Valid {
		item.Due = time.UnixMilli(due.Int64)
	}
	return item, nil
}

// retry notes a failure; without a time the item is dead.
func (o *Outbox) retry(ctx context.Context, item *Item, due *time.Time) error {
	var at any
	if due != nil {
		at = due.UnixMilli()
	}
	_, err := o.db.ExecContext(ctx, `UPDATE item SET due = ?, attempts = ?, error = ? WHERE id = ?`, at, item.Attempts, item.Error, item.ID)
	return wrap(err)
}

// Delete takes an item out, dead or not.
func (o *Outbox) Delete(ctx context.Context, id int64) error {
	_, err := o.db.ExecContext(ctx, `DELETE FROM item WHERE id = ?`, id)
	return wrap(err)
}

// Revive has a dead letter sent again, as if it were new. It says whether there was
// one.
func (o *Outbox) Revive(ctx context.Context, id int64) (bool, error) {
	now := time.Now().UnixMilli()
	done, err := o.db.ExecContext(ctx, `UPDATE item SET due = ?1, made = ?1, attempts = 0 WHERE id = ?2 AND due IS NULL`, now, id)
	if err != nil {
		return false, wrap(err)
	}
	n, err := done.RowsAffected()
	return n > 0, wrap(err)
}

// Dead are the dead letters of a queue after an id, the oldest first.
func (o *Outbox) Dead(ctx context.Context, queue string, after int64, limit int) ([]*Item, error) {
	return o.list(ctx, `SELECT `+columns+` FROM item WHERE queue = ? AND due IS NULL AND id > ? ORDER BY id LIMIT ?`, queue, after, limit)
}

// Waiting are the items of a queue that are not sent yet, the oldest first.
func (o *Outbox) Waiting(ctx context.Context, queue string, limit int) ([]*Item, error) {
	return o.list(ctx, `SELECT `+columns+` FROM item WHERE queue = ? AND due IS NOT NULL ORDER BY id LIMIT ?`, queue, limit)
}

func (o *Outbox) list(ctx context.Context, query string, args ...any) (items []*Item, err error) {
	rows, err := o.db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, wrap(err)
	}
	defer rows.Close()
	for rows.Next() {
		item, err := scan(rows)
		if err != nil {
			return nil, wrap(err)
		}
		items = append(items, item)
	}
	return items, wrap(rows.Err())
}
