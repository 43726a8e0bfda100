// Package memory is the store driver that keeps everything in memory and nothing
// durably: for tests, and for `warder serve --store memory`. It keeps the whole
// contract of package store but for durability, fencing and the log included.
package memory

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/warder-iam/warder/internal/store"
)

// DB is the data that one or more handles work on. It lives as long as something
// refers to it, so closing a handle and opening another one loses nothing.
type DB struct {
	mu       sync.Mutex
	records  map[string]record
	base     map[string]record // the state at baseRev; what the log starts from
	baseRev  int64
	baseTime time.Time
	log      []store.Committed // revisions baseRev+1 … baseRev+len(log)
	epoch    int64
	changed  chan struct{} // closed and replaced at each commit
}

type record struct {
	value    []byte
	revision int64
}

// Store is a handle on a DB.
type Store struct {
	db     *DB
	epoch  int64
	once   sync.Once
	closed chan struct{}
}

var _ store.Store = (*Store)(nil)

// New opens a store with data of its own, which begin empty.
func New() *Store { return NewDB().Open() }

// NewDB makes an empty DB.
func NewDB() *DB {
	return &DB{
		records: map[string]record{},
		base:    map[string]record{},
		changed: make(chan struct{}),
	}
}

// Open opens a handle on the data and fences those opened before.
func (db *DB) Open() *Store {
	db.mu.Lock()
	defer db.mu.Unlock()
	db.epoch++
	return &Store{db: db, epoch: db.epoch, closed: make(chan struct{})}
}

func (db *DB) head() int64 { return db.baseRev + int64(len(db.log)) }

// begin takes the lock unless the store is closed or the context over.
func (s *Store) begin(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	s.db.mu.Lock()
	select {
	case <-s.closed:
		s.db.mu.Unlock()
		return store.ErrClosed
	default:
		return nil
	}
}

// Load implements store.Store.
func (s *Store) Load(ctx context.Context, fn func(store.Record) error) (int64, error) {
	if err := s.begin(ctx); err != nil {
		return 0, err
	}
	revision := s.db.head()
	records := sorted(s.db.records)
	s.db.mu.Unlock()
	return revision, each(ctx, records, fn)
}

// LoadAt implements store.Store.
func (s *Store) LoadAt(ctx context.Context, revision int64, fn func(store.Record) error) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	if err := s.db.inLog(revision); err != nil {
		s.db.mu.Unlock()
		return err
	}
	state := maps.Clone(s.db.base)
	for _, c := range s.db.log[:revision-s.db.baseRev] {
		apply(state, c)
	}
	s.db.mu.Unlock()
	return each(ctx, sorted(state), fn)
}

// RevisionAt implements store.Store.
func (s *Store) RevisionAt(ctx context.Context, t time.Time) (int64, error) {
	if err := s.begin(ctx); err != nil {
		return 0, err
	}
	defer s.db.mu.Unlock()
	for _, c := range slices.Backward(s.db.log) {
		if !c.Time.After(t) {
			return c.Revision, nil
		}
	}
	if s.db.baseRev > 0 && s.db.baseTime.After(t) {
		return 0, fmt.Errorf("%w: the log begins at %v", store.ErrCompacted, s.db.baseTime)
	}
	return s.db.baseRev, nil
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
	if err := s.begin(ctx); err != nil {
		return nil, err
	}
	defer s.db.mu.Unlock()
	db := s.db
	if s.epoch != db.epoch {
		return nil, store.ErrFenced
	}
	results := make([]store.Result, len(batches))
	landed := false
	for i := range batches {
		if err := db.judge(&batches[i]); err != nil {
			results[i].Err = err
			continue
		}
		c := store.Committed{
			Revision: db.head() + 1,
			Epoch:    s.epoch,
			Time:     batches[i].Time.Truncate(time.Microsecond).UTC(),
			Ops:      batches[i].Ops,
			Events:   batches[i].Events,
		}
		apply(db.records, c)
		db.log = append(db.log, c)
		results[i].Revision = c.Revision
		landed = true
	}
	if landed {
		close(db.changed)
		db.changed = make(chan struct{})
	}
	return results, nil
}

// judge says whether the batch may land on the state as it is.
func (db *DB) judge(b *store.Batch) error {
	if err := b.Check(); err != nil {
		return err
	}
	for _, g := range b.Guards {
		if err := g.Holds(db.records[g.Key].revision); err != nil {
			return err
		}
	}
	return nil
}

// Watch implements store.Store.
func (s *Store) Watch(ctx context.Context, after int64) iter.Seq2[store.Committed, error] {
	return func(yield func(store.Committed, error) bool) {
		for at := after; ; {
			if err := s.begin(ctx); err != nil {
				yield(store.Committed{}, err)
				return
			}
			if err := s.db.inLog(at); err != nil {
				s.db.mu.Unlock()
				yield(store.Committed{}, err)
				return
			}
			// The log is only ever appended to or replaced, so that this part of
			// it can be read without the lock.
			news := s.db.log[at-s.db.baseRev:]
			changed := s.db.changed
			s.db.mu.Unlock()

			for _, c := range news {
				select {
				case <-s.closed:
					yield(store.Committed{}, store.ErrClosed)
					return
				default:
				}
				if ctx.Err() != nil {
					yield(store.Committed{}, context.Cause(ctx))
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
			case <-s.closed:
			}
		}
	}
}

// Compact implements store.Store.
func (s *Store) Compact(ctx context.Context, revision int64) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer s.db.mu.Unlock()
	db := s.db
	if s.epoch != db.epoch {
		return store.ErrFenced
	}
	if revision > db.head() {
		return fmt.Errorf("%w: %d, the head is %d", store.ErrRevision, revision, db.head())
	}
	if revision <= db.baseRev {
		return nil
	}
	n := revision - db.baseRev
	for _, c := range db.log[:n] {
		apply(db.base, c)
		db.baseTime = c.Time
	}
	db.baseRev = revision
	db.log = slices.Clone(db.log[n:])
	return nil
}

// Close implements store.Store.
func (s *Store) Close() error {
	s.once.Do(func() {
		s.db.mu.Lock() // a commit under way lands first
		defer s.db.mu.Unlock()
		close(s.closed)
	})
	return nil
}

// inLog says whether the state at a revision can be had.
func (db *DB) inLog(revision int64) error {
	switch {
	case revision < db.baseRev:
		return fmt.Errorf("%w: %d, the log begins at %d", store.ErrCompacted, revision, db.baseRev)
	case revision > db.head():
		return fmt.Errorf("%w: %d, the head is %d", store.ErrRevision, revision, db.head())
	}
	return nil
}

func apply(state map[string]record, c store.Committed) {
	for _, op := range c.Ops {
		if op.Value == nil {
			delete(state, op.Key)
		} else {
			state[op.Key] = record{op.Value, c.Revision}
		}
	}
}

func sorted(state map[string]record) []store.Record {
	records := make([]store.Record, 0, len(state))
	for key, r := range state {
		records = append(records, store.Record{Key: key, Value: r.value, Revision: r.revision})
	}
	slices.SortFunc(records, func(a, b store.Record) int {
		if a.Key < b.Key {
			return -1
		}
		return 1 // keys are distinct
	})
	return records
}

func each(ctx context.Context, records []store.Record, fn func(store.Record) error) error {
	for i := range records {
		if i%1024 == 0 && ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := fn(records[i]); err != nil {
			return err
		}
	}
	return nil
}
