package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/warder-iam/warder/internal/store"
)

type record struct {
	value    []byte
	revision int64
}

// querier is what *sql.Tx and *sql.Conn have in common.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// snapshot runs fn in a read transaction, which sees one revision throughout and
// keeps nobody from writing.
func (s *Store) snapshot(ctx context.Context, fn func(tx *sql.Tx, h head) error) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.leave()
	tx, err := s.readers.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err == nil {
		defer tx.Rollback()
		var h head
		if h, err = readHead(tx.QueryRowContext(ctx, selectHead)); err == nil {
			err = fn(tx, h)
		}
	}
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx) // rather than SQLite's word for it
	}
	return wrap(err)
}

// Load implements store.Store.
func (s *Store) Load(ctx context.Context, fn func(store.Record) error) (revision int64, err error) {
	err = s.snapshot(ctx, func(tx *sql.Tx, h head) error {
		revision = h.revision
		return records(ctx, tx, `SELECT key, revision, value FROM record ORDER BY key`, fn)
	})
	if err != nil {
		return 0, err
	}
	return revision, nil
}

func records(ctx context.Context, q querier, query string, fn func(store.Record) error) error {
	rows, err := q.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close()
	// Scanning into the same variables by raw bytes spares an allocation each.
	var key sql.RawBytes
	var r store.Record
	for rows.Next() {
		if err := rows.Scan(&key, &r.Revision, &r.Value); err != nil {
			return err
		}
		r.Key = string(key)
		if r.Value == nil {
			r.Value = []byte{}
		}
		if err := fn(r); err != nil {
			return err
		}
	}
	return rows.Err()
}

// LoadAt implements store.Store. It replays the log onto the base in memory, which
// takes as long as the log is long; it is for looking back, not for serving.
func (s *Store) LoadAt(ctx context.Context, revision int64, fn func(store.Record) error) error {
	state := map[string]record{}
	err := s.snapshot(ctx, func(tx *sql.Tx, h head) error {
		if err := h.has(revision); err != nil {
			return err
		}
		err := records(ctx, tx, `SELECT key, revision, value FROM base ORDER BY key`, func(r store.Record) error {
			state[r.Key] = record{r.Value, r.Revision}
			return nil
		})
		if err != nil {
			return err
		}
		at := h.base
		err = entries(ctx, tx, h.base, revision, func(c store.Committed) error {
			for _, op := range c.Ops {
				if op.Value == nil {
					delete(state, op.Key)
				} else {
					state[op.Key] = record{op.Value, c.Revision}
				}
			}
			at = c.Revision
			return nil
		})
		if err == nil && at != revision {
			err = fmt.Errorf("%w: the log ends at %d", store.ErrCorrupt, at)
		}
		return err
	})
	if err != nil {
		return err
	}
	keys := make([]string, 0, len(state))
	for key := range state {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := fn(store.Record{Key: key, Value: state[key].value, Revision: state[key].revision}); err != nil {
			return err
		}
	}
	return nil
}

// entries calls fn with the log entries from one revision (excluded) to another
// (included), and sees to it that none is missing between them. That the last one
// is there is for the caller to see.
func entries(ctx context.Context, q querier, from, upTo int64, fn func(store.Committed) error) error {
	rows, err := q.QueryContext(ctx, `SELECT revision, entry FROM log WHERE revision > ? AND revision <= ? ORDER BY revision`, from, upTo)
	if err != nil {
		return err
	}
	defer rows.Close()
	for next := from + 1; rows.Next(); next++ {
		var revision int64
		var entry []byte // the decoded entry is made of it
		if err := rows.Scan(&revision, &entry); err != nil {
			return err
		}
		c, err := store.DecodeEntry(entry)
		if err != nil {
			return fmt.Errorf("log entry %d: %w", revision, err)
		}
		if revision != next || c.Revision != revision {
			return fmt.Errorf("%w: log entry %d stands at %d where %d should be", store.ErrCorrupt, c.Revision, revision, next)
		}
		if err := fn(c); err != nil {
			return err
		}
	}
	return rows.Err()
}

// RevisionAt implements store.Store.
func (s *Store) RevisionAt(ctx context.Context, t time.Time) (revision int64, err error) {
	err = s.snapshot(ctx, func(tx *sql.Tx, h head) error {
		// Backwards from the end, as most questions are about the recent past.
		err := tx.QueryRowContext(ctx, `SELECT revision FROM log WHERE time <= ? ORDER BY revision DESC LIMIT 1`, t.UnixMicro()).Scan(&revision)
		if err != sql.ErrNoRows {
			return err
		}
		if h.base > 0 && h.baseTime > t.UnixMicro() {
			return fmt.Errorf("%w: the log begins at %v", store.ErrCompacted, time.UnixMicro(h.baseTime).UTC())
		}
		revision = h.base
		return nil
	})
	return revision, err
}

// What Watch reads at a time, so that a reader far behind takes bounded memory.
const (
	watchEntries = 256
	watchBytes   = 4 << 20
)

// Watch implements store.Store.
func (s *Store) Watch(ctx context.Context, after int64) iter.Seq2[store.Committed, error] {
	return func(yield func(store.Committed, error) bool) {
		at := after
		for {
			s.mu.Lock()
			changed := s.changed // before looking, so that no commit falls between
			s.mu.Unlock()
			news, err := s.since(ctx, at)
			if err != nil {
				yield(store.Committed{}, err)
				return
			}
			for _, c := range news {
				if err := s.over(ctx); err != nil {
					yield(store.Committed{}, err)
					return
				}
				if !yield(c, nil) {
					return
				}
				at = c.Revision
			}
			if len(news) > 0 {
				continue
			}
			select {
			case <-changed:
			case <-ctx.Done():
			case <-s.closing:
			}
		}
	}
}

// over says whether watching has come to its end.
func (s *Store) over(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-s.closing:
		return store.ErrClosed
	default:
		return nil
	}
}

// since reads the next few log entries after a revision; none if it is the last.
func (s *Store) since(ctx context.Context, at int64) ([]store.Committed, error) {
	var news []store.Committed
	err := s.snapshot(ctx, func(tx *sql.Tx, h head) error {
		if err := h.has(at); err != nil {
			return err
		}
		if at == h.revision {
			return nil
		}
		size := 0
		err := entries(ctx, tx, at, min(h.revision, at+watchEntries), func(c store.Committed) error {
			news = append(news, c)
			for _, op := range c.Ops {
				size += len(op.Key) + len(op.Value)
			}
			if size > watchBytes {
				return errEnough
			}
			return nil
		})
		if err == errEnough {
			return nil
		}
		if err == nil && len(news) == 0 {
			return fmt.Errorf("%w: the log ends at %d, the head is %d", store.ErrCorrupt, at, h.revision)
		}
		return err
	})
	return news, err
}

var errEnough = fmt.Errorf("store: enough read")
