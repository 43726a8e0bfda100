package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/warder-iam/warder/internal/store"
)

// writer is the one connection that writes, with its statements.
type writer struct {
	conn *sql.Conn

	begin, commit, rollback *sql.Stmt
	head, setHead           *sql.Stmt
	get, put, delete        *sql.Stmt
	log                     *sql.Stmt
}

func newWriter(ctx context.Context, conn *sql.Conn) (writer, error) {
	w := writer{conn: conn}
	for _, s := range []struct {
		into  **sql.Stmt
		query string
	}{
		{&w.begin, `BEGIN IMMEDIATE`},
		{&w.commit, `COMMIT`},
		{&w.rollback, `ROLLBACK`},
		{&w.head, selectHead},
		{&w.setHead, `UPDATE head SET revision = ? WHERE id = 1`},
		{&w.get, `SELECT revision FROM record WHERE key = ?`},
		{&w.put, `INSERT INTO record (key, revision, value) VALUES (?, ?, ?)
			ON CONFLICT (key) DO UPDATE SET revision = excluded.revision, value = excluded.value`},
		{&w.delete, `DELETE FROM record WHERE key = ?`},
		{&w.log, `INSERT INTO log (revision, time, entry) VALUES (?, ?, ?)`},
	} {
		var err error
		if *s.into, err = conn.PrepareContext(ctx, s.query); err != nil {
			return w, err
		}
	}
	return w, nil
}

func (w *writer) close() error {
	if w.conn == nil {
		return nil
	}
	for _, s := range []*sql.Stmt{w.begin, w.commit, w.rollback, w.head, w.setHead, w.get, w.put, w.delete, w.log} {
		if s != nil {
			s.Close()
		}
	}
	return w.conn.Close()
}

// Commit implements store.Store.
func (s *Store) Commit(ctx context.Context, batch store.Batch) (int64, error) {
	results, err := s.CommitAll(ctx, []store.Batch{batch})
	if err != nil {
		return 0, err
	}
	return results[0].Revision, results[0].Err
}

// CommitAll implements store.Store.
func (s *Store) CommitAll(ctx context.Context, batches []store.Batch) ([]store.Result, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.leave()
	s.writing.Lock()
	defer s.writing.Unlock()
	if ctx.Err() != nil { // while others were writing
		return nil, context.Cause(ctx)
	}
	var results []store.Result
	err := s.transact(func(ctx context.Context, h head) (int64, error) {
		results = make([]store.Result, len(batches))
		revision := h.revision
		for i := range batches {
			err := s.writer.apply(ctx, &batches[i], store.Committed{
				Revision: revision + 1,
				Epoch:    s.epoch,
				Time:     batches[i].Time,
				Ops:      batches[i].Ops,
				Events:   batches[i].Events,
			})
			switch {
			case errors.Is(err, store.ErrConflict), errors.Is(err, store.ErrInvalid):
				results[i].Err = err
			case err != nil:
				return 0, err
			default:
				revision++
				results[i].Revision = revision
			}
		}
		return revision, nil
	})
	if err != nil {
		return nil, err
	}
	return results, nil
}

// apply writes one batch, or nothing if it is refused.
func (w *writer) apply(ctx context.Context, b *store.Batch, c store.Committed) error {
	if err := b.Check(); err != nil {
		return err
	}
	for _, g := range b.Guards {
		var seen int64
		if err := w.get.QueryRowContext(ctx, []byte(g.Key)).Scan(&seen); err != nil && err != sql.ErrNoRows {
			return err
		}
		if err := g.Holds(seen); err != nil {
			return err
		}
	}
	for i := range c.Ops {
		op := &c.Ops[i]
		var err error
		if op.Value == nil {
			_, err = w.delete.ExecContext(ctx, []byte(op.Key))
		} else {
			_, err = w.put.ExecContext(ctx, []byte(op.Key), c.Revision, op.Value)
		}
		if err != nil {
			return err
		}
	}
	_, err := w.log.ExecContext(ctx, c.Revision, c.Time.UnixMicro(), store.EncodeEntry(&c))
	return err
}

// transact runs fn in a write transaction, provided that this handle is still the
// writer, and sets the head to the revision that fn returns. The caller holds
// s.writing. If it fails, nothing has happened, or the error is ErrUncertain and
// the handle writes no more.
func (s *Store) transact(fn func(ctx context.Context, h head) (int64, error)) error {
	if s.broken != nil {
		return s.broken
	}
	// Not the caller's context: to stop halfway would leave it wondering.
	ctx := context.Background()
	w := &s.writer
	if _, err := w.begin.ExecContext(ctx); err != nil {
		return wrap(err)
	}
	h, err := readHead(w.head.QueryRowContext(ctx))
	if err != nil {
		return s.abort(ctx, h, false, err)
	}
	if h.epoch != s.epoch {
		return s.abort(ctx, h, true, fmt.Errorf("%w: the epoch is %d, this writer's %d", store.ErrFenced, h.epoch, s.epoch))
	}
	revision, err := fn(ctx, h)
	if err != nil {
		return s.abort(ctx, h, true, err)
	}
	if revision != h.revision {
		if _, err := w.setHead.ExecContext(ctx, revision); err != nil {
			return s.abort(ctx, h, true, err)
		}
	}
	if _, err := w.commit.ExecContext(ctx); err != nil {
		return s.abort(ctx, h, true, err)
	}
	if revision != h.revision {
		s.announce()
	}
	return nil
}

// abort ends a transaction that failed because of err. It then looks whether the
// head is where it was; only that makes it certain that nothing has landed.
func (s *Store) abort(ctx context.Context, was head, known bool, err error) error {
	err = wrap(err)
	// SQLite rolls back by itself after some errors, and this one then fails.
	s.writer.rollback.ExecContext(ctx)
	if !known {
		return err // nothing had been written
	}
	is, headErr := readHead(s.writer.head.QueryRowContext(ctx))
	if headErr == nil && is.revision == was.revision && is.base == was.base {
		return err
	}
	s.broken = fmt.Errorf("%w: %w", store.ErrUncertain, errors.Join(err, headErr))
	return s.broken
}

// announce wakes those who watch.
func (s *Store) announce() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.changed)
	s.changed = make(chan struct{})
}

// compactStep is how many revisions one transaction of a compaction takes in, so
// that commits are not kept waiting for all of it.
const compactStep = 256

// Compact implements store.Store.
func (s *Store) Compact(ctx context.Context, revision int64) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.leave()
	for {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		done, err := s.compactSome(revision)
		if err != nil || done {
			return err
		}
	}
}

func (s *Store) compactSome(revision int64) (done bool, err error) {
	s.writing.Lock()
	defer s.writing.Unlock()
	err = s.transact(func(ctx context.Context, h head) (int64, error) {
		if revision > h.revision {
			return 0, h.has(revision)
		}
		upTo := min(revision, h.base+compactStep)
		done = upTo >= revision
		if upTo <= h.base {
			return h.revision, nil
		}
		return h.revision, s.writer.fold(ctx, h.base, upTo)
	})
	return done, err
}

// fold moves the log entries from (excluded) to upTo (included) into the base.
func (w *writer) fold(ctx context.Context, from, upTo int64) error {
	var last time.Time
	latest := map[string]record{}
	at := from
	err := entries(ctx, w.conn, from, upTo, func(c store.Committed) error {
		for _, op := range c.Ops {
			latest[op.Key] = record{op.Value, c.Revision}
		}
		at, last = c.Revision, c.Time
		return nil
	})
	if err != nil {
		return err
	}
	if at != upTo {
		return fmt.Errorf("%w: the log ends at %d", store.ErrCorrupt, at)
	}
	for key, r := range latest {
		if r.value == nil {
			_, err = w.conn.ExecContext(ctx, `DELETE FROM base WHERE key = ?`, []byte(key))
		} else {
			_, err = w.conn.ExecContext(ctx, `INSERT INTO base (key, revision, value) VALUES (?, ?, ?)
				ON CONFLICT (key) DO UPDATE SET revision = excluded.revision, value = excluded.value`,
				[]byte(key), r.revision, r.value)
		}
		if err != nil {
			return err
		}
	}
	if _, err := w.conn.ExecContext(ctx, `DELETE FROM log WHERE revision <= ?`, upTo); err != nil {
		return err
	}
	_, err = w.conn.ExecContext(ctx, `UPDATE head SET base_revision = ?, base_time = ? WHERE id = 1`, upTo, last.UnixMicro())
	return err
}
