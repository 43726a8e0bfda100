// Package store is the durable side of internal/state: a contract, small enough
// that a driver is a few hundred lines and a reader can hold all of it in mind.
//
// To a store, the state is a map from keys to opaque records with one revision
// counter. A commit is a batch of puts and deletes that lands whole or not at
// all, takes the next revision, and is kept in a log, so that the state at any
// past revision can be had again and whoever follows the log misses nothing.
//
// What it leaves out: indexes, types, queries, caching (internal/state holds all
// of the state in memory and serves every read from there), and secrecy (values
// that hold secrets are sealed with internal/seal before they come here).
//
// The drivers are store/memory and store/sqlite; store/storetest is the suite
// that each of them passes. Its only callers are internal/state and the commands
// that open a store.
package store

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"
)

// Limits of a batch. They keep within what every driver's database takes in an
// index entry and a row, so that a batch good for one driver is good for all.
const (
	MaxKey   = 1 << 10  // bytes in a key; a key has at least one
	MaxValue = 16 << 20 // bytes in a value
	MaxBatch = 64 << 20 // bytes in the keys, values and events of a batch together
)

// Errors that callers act upon. Drivers wrap them with detail: use errors.Is.
var (
	// ErrConflict: a guard of the batch did not hold. Nothing of it landed.
	ErrConflict = errors.New("store: a guarded record has changed")
	// ErrFenced: a later writer has opened the store. Nothing landed, and nothing
	// from this handle ever will; the process should stop writing and say so.
	ErrFenced = errors.New("store: another writer has taken over")
	// ErrLocked: another process has the store open, and the driver takes one only.
	ErrLocked = errors.New("store: in use by another process")
	// ErrClosed: the store has been closed.
	ErrClosed = errors.New("store: closed")
	// ErrCorrupt: what is stored cannot be right. Never ignored, never repaired
	// on the quiet.
	ErrCorrupt = errors.New("store: corrupt")
	// ErrCompacted: that part of the log has been compacted away.
	ErrCompacted = errors.New("store: revision compacted")
	// ErrRevision: there has been no such revision yet.
	ErrRevision = errors.New("store: no such revision")
	// ErrInvalid: the batch breaks a limit of this package. Nothing of it landed.
	ErrInvalid = errors.New("store: invalid batch")
	// ErrUncertain: the database failed in the middle of a commit and cannot say
	// whether it landed. The handle commits no more; open the store anew to see.
	ErrUncertain = errors.New("store: the outcome of a commit is unknown")
	// ErrVersion: the stored data was written by a newer Warder.
	ErrVersion = errors.New("store: written by a newer version")
)

// A Record is one key and its value.
type Record struct {
	Key      string
	Value    []byte // never nil
	Revision int64  // of the commit that last put it
}

// An Op puts a record or deletes it.
type Op struct {
	Key   string
	Value []byte // nil deletes; an empty slice that is not nil puts an empty value
}

// A Guard is a condition on a commit: the record must still be as it was seen.
type Guard struct {
	Key      string
	Revision int64 // the revision seen; 0 means that there must be no such record
}

// A Batch is what lands together. Its ops apply in order, so the last op on a key
// stands; deleting what is not there has no effect. A batch without ops is good:
// it takes a revision like any other.
//
// The slices of a batch belong to the store from the call on: the caller must not
// change them afterwards.
type Batch struct {
	Ops    []Op
	Guards []Guard
	// Events tell what was done, for the audit trail. They are opaque here, are
	// no part of the state, and are kept in the log with the change that they are
	// about: there is never one without the other.
	Events [][]byte
	// Time is when the change was made, by the caller's clock. It is kept in the
	// log to the microsecond, and nothing is ever ordered by it.
	Time time.Time
}

// A Result is what became of one batch of a group.
type Result struct {
	Revision int64 // the batch's revision if Err is nil
	Err      error // ErrConflict or ErrInvalid, perhaps with detail
}

// Committed is one entry of the log. Its slices are shared: do not change them.
type Committed struct {
	Revision int64
	Epoch    int64 // the writer that committed it
	Time     time.Time
	Ops      []Op
	Events   [][]byte
}

// A Store is one handle on the data, and the data's writer: opening one takes a
// new writer epoch, and from then on every commit by an earlier handle fails with
// ErrFenced. Handles go on reading when they have been fenced.
//
// All methods may be called from any number of goroutines. After Close they
// return ErrClosed. Revisions start at 1 and have no gaps; revision 0 is the
// empty state.
type Store interface {
	// Load calls fn with every record as of one revision, in the bytewise order
	// of their keys, and returns that revision. fn may keep a record's value but
	// not change it. An error of fn ends the load and is returned as it is.
	Load(ctx context.Context, fn func(Record) error) (int64, error)

	// LoadAt is Load as of a past revision. It returns ErrCompacted if the
	// revision is before the last compaction, ErrRevision if it is yet to come.
	LoadAt(ctx context.Context, revision int64, fn func(Record) error) error

	// RevisionAt is the newest revision whose batch has a Time not after t: the
	// one to give to LoadAt for the state as it was at t. It is 0 if all commits
	// are later, and ErrCompacted if it cannot be told any more.
	RevisionAt(ctx context.Context, t time.Time) (int64, error)

	// Commit lands one batch if all its guards hold, and returns its revision.
	// The batch is durable when it returns without an error. Cancelling ctx
	// before the commit has begun refuses it; afterwards it has no effect, so
	// that a caller never has to wonder.
	Commit(ctx context.Context, batch Batch) (int64, error)

	// CommitAll lands several batches with one durable transaction, which costs
	// about what one batch costs. Each batch is judged by itself, in order, on
	// the state that the ones before it left: if its guards hold it takes the
	// next revision and its own log entry, otherwise it alone is refused, in its
	// Result. When the error is not nil there are no results and none of the
	// batches landed (with ErrUncertain: all that could, or none).
	CommitAll(ctx context.Context, batches []Batch) ([]Result, error)

	// Watch yields every committed batch after a revision, in order and without
	// gaps, waiting for new ones as long as ctx lasts. It yields an error once,
	// as its last: the context's cause, ErrClosed, ErrCompacted or ErrRevision
	// when it cannot begin where it was told to, or what went wrong. It holds no
	// lock while the caller handles an entry.
	Watch(ctx context.Context, after int64) iter.Seq2[Committed, error]

	// Compact drops the log entries up to and including a revision. The state at
	// that revision and at each later one stays to be had. Revisions that have
	// been compacted already are no error.
	Compact(ctx context.Context, revision int64) error

	// Close ends every Watch with ErrClosed, waits for calls under way and lets
	// go of the data. Closing twice is no error.
	Close() error
}

// Check reports whether the batch keeps to the limits, with an error that wraps
// ErrInvalid if not. Drivers call it; callers need not.
func (b *Batch) Check() error {
	total := 0
	for i := range b.Ops {
		op := &b.Ops[i]
		if len(op.Key) == 0 || len(op.Key) > MaxKey {
			return fmt.Errorf("%w: a key of %d bytes", ErrInvalid, len(op.Key))
		}
		if len(op.Value) > MaxValue {
			return fmt.Errorf("%w: a value of %d bytes", ErrInvalid, len(op.Value))
		}
		total += len(op.Key) + len(op.Value)
	}
	for _, e := range b.Events {
		if len(e) > MaxValue {
			return fmt.Errorf("%w: an event of %d bytes", ErrInvalid, len(e))
		}
		total += len(e)
	}
	if total > MaxBatch {
		return fmt.Errorf("%w: %d bytes in all", ErrInvalid, total)
	}
	for _, g := range b.Guards {
		if len(g.Key) == 0 || len(g.Key) > MaxKey || g.Revision < 0 {
			return fmt.Errorf("%w: a guard on revision %d of a key of %d bytes", ErrInvalid, g.Revision, len(g.Key))
		}
	}
	return nil
}

// Holds reports whether a guard holds for a record last put at revision (0 if
// there is none), with an error that wraps ErrConflict if not.
func (g Guard) Holds(revision int64) error {
	if g.Revision == revision {
		return nil
	}
	return fmt.Errorf("%w: %q is at revision %d, not %d", ErrConflict, g.Key, revision, g.Revision)
}
