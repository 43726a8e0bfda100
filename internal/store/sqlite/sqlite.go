// Package sqlite is the store driver for one machine: one SQLite file in a data
// folder, in WAL mode with a sync at each commit (https://sqlite.org/wal.html,
// https://sqlite.org/pragma.html#pragma_synchronous), and one process at a time.
//
// Two things keep a second writer out. A lock on a file beside the data refuses it
// at once with store.ErrLocked; where the lock does not work (a network folder, a
// deleted lock file) the writer epoch in the head row fences the older of the two.
//
// It leaves out sharing between machines, for which there is to be a driver of
// PostgreSQL. It is opened by cmd/warder and used through store.Store.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync"

	sqlite3 "modernc.org/sqlite"

	"github.com/warder-iam/warder/internal/store"
)

// The names of the files in the data folder. SQLite adds its own beside DataFile.
const (
	DataFile = "warder.db"
	LockFile = "warder.lock"
)

// Store is the handle on the data of one folder.
type Store struct {
	epoch   int64
	lock    *fileLock // nil only in tests of fencing
	readers *sql.DB

	writing sync.Mutex // held for a write transaction
	writers *sql.DB
	writer  writer
	broken  error // ErrUncertain once a commit has ended in the dark

	mu      sync.Mutex
	closed  bool
	active  sync.WaitGroup // calls under way
	closing chan struct{}  // closed by Close
	changed chan struct{}  // closed and replaced at each commit
}

var _ store.Store = (*Store)(nil)

// Open opens the store in a folder, which it makes if there is none, and takes a
// new writer epoch. Folder and files are for their owner alone.
func Open(dir string) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	lock, err := lockFile(filepath.Join(dir, LockFile))
	if err != nil {
		return nil, err
	}
	s, err := open(dir)
	if err != nil {
		lock.release()
		return nil, fmt.Errorf("store: %s: %w", filepath.Join(dir, DataFile), err)
	}
	s.lock = lock
	return s, nil
}

// open is Open without the lock.
func open(dir string) (*Store, error) {
	path, err := filepath.Abs(filepath.Join(dir, DataFile))
	if err != nil {
		return nil, err
	}
	// SQLite would create the file with the mode that the umask leaves; the files
	// beside it take their mode from it.
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	err = f.Chmod(0o600)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return nil, err
	}
	s := &Store{closing: make(chan struct{}), changed: make(chan struct{})}
	if s.writers, err = sql.Open("sqlite", dsn(path, nil)); err != nil {
		return nil, err
	}
	if err := s.begin(); err != nil {
		return nil, errors.Join(wrap(err), s.shut())
	}
	if s.readers, err = sql.Open("sqlite", dsn(path, readerPragmas)); err != nil {
		return nil, errors.Join(err, s.shut())
	}
	return s, nil
}

// begin readies the writing connection and takes the epoch.
func (s *Store) begin() error {
	ctx := context.Background()
	s.writers.SetMaxOpenConns(1)
	conn, err := s.writers.Conn(ctx)
	if err != nil {
		return err
	}
	if err := migrate(ctx, conn); err != nil {
		return errors.Join(err, conn.Close())
	}
	if s.epoch, err = takeEpoch(ctx, conn); err != nil {
		return errors.Join(err, conn.Close())
	}
	s.writer, err = newWriter(ctx, conn)
	return err
}

// enter begins a call, unless the store is closed or the context over; leave ends
// what enter began.
func (s *Store) enter(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return store.ErrClosed
	}
	s.active.Add(1)
	return nil
}

func (s *Store) leave() { s.active.Done() }

// Close implements store.Store.
func (s *Store) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	close(s.closing)
	s.mu.Unlock()
	s.active.Wait()
	err := s.shut()
	if s.lock != nil {
		s.lock.release()
	}
	return err
}

// shut lets go of the connections, the writing one last: it folds the WAL into the
// data file.
func (s *Store) shut() error {
	var errs []error
	if s.readers != nil {
		errs = append(errs, s.readers.Close())
	}
	errs = append(errs, s.writer.close(), s.writers.Close())
	return errors.Join(errs...)
}

// pragmas are set on each connection as it is made; SQLite forgets most of them
// with the connection.
var pragmas = []string{
	"busy_timeout(10000)", // first, as setting the next may have to wait
	"journal_mode(WAL)",
	"synchronous(FULL)", // a commit is on the disk when it returns
	"foreign_keys(ON)",
	"trusted_schema(OFF)", // https://sqlite.org/security.html
	"cell_size_check(ON)",
	"cache_size(-16384)",           // KiB
	"wal_autocheckpoint(4000)",     // pages; fewer rewrites of the same page
	"journal_size_limit(67108864)", // what a large batch leaves behind
}

var readerPragmas = []string{"query_only(ON)"}

// dsn names the file as a URI, so that no character of its path is special.
func dsn(path string, more []string) string {
	query := url.Values{"_pragma": append(append([]string{}, pragmas...), more...)}
	return "file:" + (&url.URL{Path: filepath.ToSlash(path)}).EscapedPath() + "?" + query.Encode()
}

// wrap gives SQLite's errors the kind that callers look for.
func wrap(err error) error {
	e, ok := errors.AsType[*sqlite3.Error](err)
	if !ok {
		return err
	}
	const busy, corrupt, notADatabase = 5, 11, 26 // https://sqlite.org/rescode.html
	switch e.Code() & 0xff {
	case corrupt, notADatabase:
		return fmt.Errorf("%w: %w", store.ErrCorrupt, err)
	case busy:
		return fmt.Errorf("%w: %w", store.ErrLocked, err)
	}
	return err
}
