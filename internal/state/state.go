// Package state holds the whole state of Warder in memory: typed tables with
// indexes, immutable snapshots to read, transactions to write. Every read is
// served from a snapshot without a lock; a write is a function on a
// transaction, becomes one batch of the durable store, and is visible to
// everybody when Update returns.
//
// It keeps records and their invariants (unique names, referential look-ups).
// The rules of AWS's operations are in internal/service; durability is in
// internal/store.
package state

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/warder-iam/warder/internal/store"
)

// State is the state of one node. Its methods are safe for concurrent use.
type State struct {
	store   store.Store
	current atomic.Pointer[Snapshot]
	usage   usage

	mu      sync.Mutex
	head    *Snapshot // current, plus the pending changes
	pending []*change // run on head, not yet durable, in order
	closed  bool
	broken  bool // the store may hold what memory does not: only a restart helps

	wake chan struct{} // the committer has something to do
	stop chan struct{} // the committer is to drain pending and end
	done chan struct{} // the committer has ended
}

// A change is a transaction on its way to the store.
type change struct {
	batch store.Batch
	snap  *Snapshot
	done  chan struct{} // closed when err is set
	err   error
}

// ErrClosed is returned by Update after Close.
var ErrClosed = errors.New("state: closed")

var errDiverged = errors.New("state: the outcome of an earlier write is unknown; restart to go on writing")

// Open loads everything that the store holds. The State owns the store from
// now on and closes it.
func Open(ctx context.Context, st store.Store) (*State, error) {
	s := &State{store: st, wake: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{})}
	snap := newSnapshot()
	snap.usage = &s.usage
	tables := snap.tables()
	rev, err := st.Load(ctx, func(r store.Record) error {
		for _, t := range tables {
			if strings.HasPrefix(r.Key, t.prefix()) {
				if err := t.load(r.Value); err != nil {
					return fmt.Errorf("state: record %s: %w", r.Key, err)
				}
				return nil
			}
		}
		return fmt.Errorf("state: record %s belongs to no table: was it written by a newer Warder?", r.Key)
	})
	if err != nil {
		return nil, err
	}
	snap.Revision = rev
	s.head = snap
	s.current.Store(snap)
	go s.commitLoop()
	return s, nil
}

// Snapshot is the newest durable state.
func (s *State) Snapshot() *Snapshot { return s.current.Load() }

// Update runs fn on the state that includes every earlier Update, one fn at a
// time, and returns when what fn wrote is durable and visible. An error of fn
// is returned as it is and nothing is written. fn must be quick and do no I/O:
// other writers wait for it. It is handed the one time of the transaction.
//
// Even an error, or a transaction without writes, is only answered once all
// that fn could have read is durable, so that nobody is told of a state which
// a crash undoes.
func (s *State) Update(ctx context.Context, now time.Time, fn func(*Tx) error) error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return ErrClosed
	}
	if s.broken {
		s.mu.Unlock()
		return errDiverged
	}
	tx := &Tx{Snapshot: *s.head, Now: now}
	for _, t := range tx.tables() {
		t.begin(tx)
	}
	err := s.run(tx, fn)
	if err == nil {
		err = tx.failed
	}
	var wait *change
	batch := store.Batch{Ops: tx.ops, Events: tx.events, Time: now}
	if err == nil {
		err = batch.Check()
	}
	if err == nil && len(tx.ops)+len(tx.events) > 0 {
		for _, t := range tx.tables() {
			t.seal()
		}
		snap := tx.Snapshot
		wait = &change{batch: batch, snap: &snap, done: make(chan struct{})}
		s.head = wait.snap
		s.pending = append(s.pending, wait)
	} else if n := len(s.pending); n > 0 {
		wait = s.pending[n-1]
	}
	s.mu.Unlock()
	if wait == nil {
		return err
	}
	select {
	case s.wake <- struct{}{}:
	default:
	}
	<-wait.done
	if wait.err != nil {
		return fmt.Errorf("state: commit: %w", wait.err)
	}
	return err
}

// Try runs fn as Update does and writes nothing: it returns the state that fn began
// with and the one that it made, for those who ask what would be. The first may be
// of changes that are not durable yet.
func (s *State) Try(now time.Time, fn func(*Tx) error) (before, after *Snapshot, err error) {
	s.mu.Lock() // writers copy the tables that Try copies
	defer s.mu.Unlock()
	if s.closed {
		return nil, nil, ErrClosed
	}
	head := *s.head
	tx := &Tx{Snapshot: head, Now: now}
	for _, t := range tx.tables() {
		t.begin(tx)
	}
	if err = s.run(tx, fn); err == nil {
		err = tx.failed
	}
	if err != nil {
		return nil, nil, err
	}
	for _, t := range tx.tables() {
		t.seal()
	}
	return &head, &tx.Snapshot, nil
}

// run calls fn; a panic in it becomes an error, so that the writer's lock is
// let go and no half transaction stays.
func (s *State) run(tx *Tx, fn func(*Tx) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("state: panic in a transaction: %v", p)
		}
	}()
	return fn(tx)
}

// commitLoop makes pending changes durable until Close.
func (s *State) commitLoop() {
	defer close(s.done)
	for {
		select {
		case <-s.wake:
			s.drain()
		case <-s.stop:
			s.drain()
			return
		}
	}
}

// drain commits until nothing is pending. All that queued up during one commit
// goes into the next one together (group commit), which is what makes durable
// writes by many clients fast.
func (s *State) drain() {
	for {
		// pending stays filled until the commit is over: an Update that
		// writes nothing waits for its last entry.
		s.mu.Lock()
		group := slices.Clone(s.pending)
		s.mu.Unlock()
		if len(group) == 0 {
			return
		}
		batches := make([]store.Batch, len(group))
		for i, c := range group {
			batches[i] = c.batch
		}
		results, err := s.store.CommitAll(context.Background(), batches)
		for _, r := range results {
			// Batches have no guards and were checked: none can be refused alone.
			// If one is, memory and store no longer agree on what comes after it.
			if r.Err != nil && err == nil {
				err = fmt.Errorf("%w: %w", errDiverged, r.Err)
			}
		}

		s.mu.Lock()
		if err == nil {
			for i, c := range group {
				c.snap.Revision = results[i].Revision
			}
			s.current.Store(group[len(group)-1].snap)
			s.pending = slices.Clone(s.pending[len(group):])
		} else {
			// What came later was built on this and cannot stand.
			group = s.pending
			s.pending = nil
			s.head = s.current.Load()
			s.broken = s.broken || errors.Is(err, errDiverged) || errors.Is(err, store.ErrUncertain)
		}
		s.mu.Unlock()
		for _, c := range group {
			c.err = err
			close(c.done)
		}
	}
}

// Feed yields every committed batch after a revision, in order, waiting for new
// ones as long as ctx lasts: store.Store's Watch.
func (s *State) Feed(ctx context.Context, after int64) iter.Seq2[store.Committed, error] {
	return s.store.Watch(ctx, after)
}

// Compact forgets the states before a revision, as far as the store keeps them,
// and with them what Feed yields up to it.
func (s *State) Compact(ctx context.Context, revision int64) error {
	return s.store.Compact(ctx, revision)
}

// Close writes what is still to be written and closes the store.
func (s *State) Close() error {
	flushed := s.FlushUsage(context.Background(), time.Now())
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	s.mu.Unlock()
	close(s.stop)
	<-s.done
	return errors.Join(flushed, s.store.Close())
}

// Tx is a transaction: the state as it will be after it, and the writes so
// far. It is used by one goroutine, inside Update only.
type Tx struct {
	Snapshot
	Now    time.Time // the one time of everything this transaction writes
	ops    []store.Op
	events [][]byte
	failed error
}

// Record adds an event of the audit trail, which lands with the transaction or
// not at all.
func (tx *Tx) Record(event []byte) { tx.events = append(tx.events, event) }

func (tx *Tx) fail(err error) {
	if tx.failed == nil {
		tx.failed = err
	}
}

// Clear removes every record. It is for the test hook that resets a server.
func (tx *Tx) Clear() {
	for _, t := range tx.tables() {
		t.clear()
	}
	tx.usage.forget()
}
