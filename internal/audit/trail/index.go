package trail

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	sqlite3 "modernc.org/sqlite"
)

// Index finds events by their attributes.
//
// It is made for the way events come and go: in the order of time, nearly, and out
// again after 90 days. The keys of its one table begin with the day, so that
// whatever is added goes into one part of the tree that stays in memory, and
// what is too old is one range. Bodies are kept in blocks of several, compressed
// together. A search goes through the days, newest first: as many steps as there
// are days, whatever the number of events.
type Index struct {
	path    string
	readers *sql.DB // the same as writers if the index is in memory
	writers *sql.DB

	writing sync.Mutex
	pack    packer
}

// indexSchema makes the tables.
//
//   - posting has a row for each value of an event's attributes: key is postingKey's,
//     time in milliseconds, ref the event's place: the number of the block within
//     the day and the number in it.
//   - block has the events themselves; id is the day and the number.
//   - decision has the records of decisions (decisions.go); id is as block's.
//   - source says up to where a source is in the index.
var indexSchema = []string{
	`CREATE TABLE posting (
		key  INTEGER NOT NULL,
		time INTEGER NOT NULL,
		ref  INTEGER NOT NULL,
		PRIMARY KEY (key, time, ref)
	) STRICT, WITHOUT ROWID`,
	`CREATE TABLE block (
		id   INTEGER NOT NULL PRIMARY KEY,
		body BLOB NOT NULL
	) STRICT`,
	`CREATE TABLE decision (
		id   INTEGER NOT NULL PRIMARY KEY,
		body BLOB NOT NULL
	) STRICT`,
	`CREATE TABLE source (
		name     TEXT NOT NULL PRIMARY KEY,
		position INTEGER NOT NULL
	) STRICT, WITHOUT ROWID`,
}

const (
	indexVersion     = 2
	indexApplication = 0x57525458 // "WRTX"
)

// indexPragmas are set on each connection as it is made. The index can be made
// again, so that a commit that a power failure takes back costs nothing but time:
// it takes its position with it.
var indexPragmas = []string{
	"busy_timeout(10000)",
	"journal_mode(WAL)",
	"synchronous(NORMAL)",
	"trusted_schema(OFF)",
	"cell_size_check(ON)",
	"cache_size(-32768)",
	"wal_autocheckpoint(8000)",
	"journal_size_limit(67108864)",
}

// OpenIndex opens the index in a file; "" is an index in memory. A file that is
// damaged or of another version of this program is made anew: Position is 0 then
// for every source, and whoever feeds the index feeds it from the start.
func OpenIndex(path string) (*Index, error) {
	x := &Index{path: path}
	err := x.open()
	if errors.Is(err, errRemake) {
		for _, suffix := range []string{"", "-wal", "-shm"} {
			if removeErr := os.Remove(path + suffix); removeErr != nil && !errors.Is(removeErr, os.ErrNotExist) {
				return nil, fmt.Errorf("trail: %w", errors.Join(err, removeErr))
			}
		}
		err = x.open()
	}
	if err != nil {
		return nil, fmt.Errorf("trail: index %s: %w", path, err)
	}
	return x, nil
}

var errRemake = errors.New("the file has to be made anew")

func (x *Index) open() (err error) {
	dsn := ":memory:?" + url.Values{"_pragma": indexPragmas[3:6]}.Encode()
	if x.path != "" {
		path, err := filepath.Abs(x.path)
		if err != nil {
			return err
		}
		// SQLite would create the file with the mode that the umask leaves.
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return err
		}
		if err := errors.Join(f.Chmod(0o600), f.Close()); err != nil {
			return err
		}
		dsn = "file:" + (&url.URL{Path: filepath.ToSlash(path)}).EscapedPath() + "?" + url.Values{"_pragma": indexPragmas}.Encode()
	}
	if x.writers, err = sql.Open("sqlite", dsn); err != nil {
		return err
	}
	x.writers.SetMaxOpenConns(1)
	x.readers = x.writers
	if err := x.migrate(context.Background()); err != nil {
		return errors.Join(err, x.Close())
	}
	if x.path != "" {
		x.readers, err = sql.Open("sqlite", dsn+"&_pragma=query_only(ON)")
	}
	return err
}

// migrate makes the tables of an empty file.
func (x *Index) migrate(ctx context.Context) error {
	var id, version, tables int64
	err := x.writers.QueryRowContext(ctx, `SELECT (SELECT application_id FROM pragma_application_id),
		(SELECT user_version FROM pragma_user_version), (SELECT count(*) FROM sqlite_schema)`).Scan(&id, &version, &tables)
	switch {
	case damaged(err):
		return fmt.Errorf("%w: %w", errRemake, err)
	case err != nil:
		return err
	case id == indexApplication && version == indexVersion:
		return nil
	case id == indexApplication:
		return fmt.Errorf("%w: its version is %d, this program's %d", errRemake, version, indexVersion)
	case id != 0 || version != 0 || tables != 0:
		return fmt.Errorf("%w: it is a database of another program", ErrCorrupt)
	}
	return x.transact(ctx, func(tx *sql.Tx) error {
		for _, s := range append(slices.Clone(indexSchema),
			fmt.Sprintf("PRAGMA application_id = %d", indexApplication),
			fmt.Sprintf("PRAGMA user_version = %d", indexVersion)) {
			if _, err := tx.ExecContext(ctx, s); err != nil {
				return err
			}
		}
		return nil
	})
}

// damaged says whether an error is that the file is no sound database
// (https://sqlite.org/rescode.html).
func damaged(err error) bool {
	e, ok := errors.AsType[*sqlite3.Error](err)
	return ok && (e.Code()&0xff == 11 || e.Code()&0xff == 26)
}

// Close lets go of the file.
func (x *Index) Close() error {
	var errs []error
	if x.readers != nil && x.readers != x.writers {
		errs = append(errs, x.readers.Close())
	}
	return errors.Join(append(errs, x.writers.Close())...)
}

func (x *Index) transact(ctx context.Context, fn func(tx *sql.Tx) error) error {
	tx, err := x.writers.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := fn(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

// Position is up to where a source is in the index: whoever feeds it goes on with
// what follows. It is 0 for a source of which there is nothing.
func (x *Index) Position(ctx context.Context, source string) (int64, error) {
	var position int64
	err := x.readers.QueryRowContext(ctx, `SELECT position FROM source WHERE name = ?`, source).Scan(&position)
	if err != nil && err != sql.ErrNoRows {
		return 0, fmt.Errorf("trail: index: %w", err)
	}
	return position, nil
}

// Add adds the events of a source that follow on its Position and go up to a new
// one, in one transaction. It does nothing if the source is there or further
// already, so it may be called again when it is not known whether it succeeded. A
// batch of some thousand is fastest.
func (x *Index) Add(ctx context.Context, source string, position int64, entries []*Entry) error {
	x.writing.Lock()
	defer x.writing.Unlock()
	err := x.transact(ctx, func(tx *sql.Tx) error {
		done, err := tx.ExecContext(ctx, `INSERT INTO source (name, position) VALUES (?, ?)
			ON CONFLICT (name) DO UPDATE SET position = excluded.position WHERE position < excluded.position`, source, position)
		if err != nil {
			return err
		}
		if n, err := done.RowsAffected(); err != nil || n == 0 {
			return err
		}
		return x.insert(ctx, tx, entries)
	})
	if err != nil {
		return fmt.Errorf("trail: index: %w", err)
	}
	return nil
}

type posting struct{ key, time, ref int64 }

// insert adds events: for each day, sorted by time, in blocks.
func (x *Index) insert(ctx context.Context, tx *sql.Tx, entries []*Entry) error {
	entries = slices.Clone(entries)
	slices.SortStableFunc(entries, func(a, b *Entry) int { return a.Time.Compare(b.Time) })
	if err := insertDecisions(ctx, tx, entries); err != nil {
		return err
	}
	// Data events are not in CloudTrail's event history.
	entries = slices.DeleteFunc(entries, func(e *Entry) bool { return e.Category == Data })
	insertBlock, err := tx.PrepareContext(ctx, `INSERT INTO block (id, body) VALUES (?, ?)`)
	if err != nil {
		return err
	}
	defer insertBlock.Close()
	var postings []posting
	id, day := int64(0), int64(-1)
	for len(entries) > 0 {
		if d := dayOf(entries[0].Time.UnixMilli()); d != day {
			day = d
			if err := tx.QueryRowContext(ctx, lastBlock, blockID(day+1, 0), blockID(day, 0)).Scan(&id); err != nil {
				return err
			}
		}
		id++
		number := id - blockID(day, 0)
		if number >= maxBlocks {
			return fmt.Errorf("more than %d blocks in a day", maxBlocks)
		}
		body, n, err := x.pack.pack(entries, day)
		if err != nil {
			return err
		}
		if _, err := insertBlock.ExecContext(ctx, id, body); err != nil {
			return err
		}
		for i, e := range entries[:n] {
			ref, ms := number*blockEntries+int64(i), e.Time.UnixMilli()
			e.attributes(func(attribute Attribute, value string) {
				postings = append(postings, posting{postingKey(day, realm(e.Account, e.Category), attribute, value), ms, ref})
			})
		}
		entries = entries[n:]
	}
	return insertPostings(ctx, tx, postings)
}

// lastBlock finds the last block of a day, or the number 0 that no block has.
const lastBlock = `SELECT coalesce(max(id), ?2) FROM block WHERE id > ?2 AND id < ?1`

// rowsAtOnce is how many rows one statement inserts: the cost is per statement.
const rowsAtOnce = 200

// insertPostings inserts in the order of the key, so that the tree is gone through once.
func insertPostings(ctx context.Context, tx *sql.Tx, postings []posting) error {
	slices.SortFunc(postings, func(a, b posting) int {
		switch {
		case a.key != b.key:
			return compare(a.key, b.key)
		case a.time != b.time:
			return compare(a.time, b.time)
		}
		return compare(a.ref, b.ref)
	})
	postings = slices.Compact(postings) // an event may have a resource's type twice
	const insert = `INSERT INTO posting (key, time, ref) VALUES (?, ?, ?)`
	many, err := tx.PrepareContext(ctx, insert+strings.Repeat(`, (?, ?, ?)`, rowsAtOnce-1))
	if err != nil {
		return err
	}
	defer many.Close()
	args := make([]any, 0, 3*rowsAtOnce)
	for len(postings) > 0 {
		n := min(len(postings), rowsAtOnce)
		args = args[:0]
		for _, p := range postings[:n] {
			args = append(args, p.key, p.time, p.ref)
		}
		if n == rowsAtOnce {
			_, err = many.ExecContext(ctx, args...)
		} else {
			_, err = tx.ExecContext(ctx, insert+strings.Repeat(`, (?, ?, ?)`, n-1), args...)
		}
		if err != nil {
			return err
		}
		postings = postings[n:]
	}
	return nil
}

func compare(a, b int64) int {
	if a < b {
		return -1
	}
	return 1
}

// retireStep is how many rows one transaction of Retire takes, so that Add does
// not wait for all of it.
const retireStep = 20000

// Retire takes the events of the days (in UTC) before a time's day out of the
// index. The space is used again for others.
func (x *Index) Retire(ctx context.Context, before time.Time) error {
	day := dayOf(before.UnixMilli())
	for {
		more, err := x.retireSome(ctx, day)
		if err != nil {
			return fmt.Errorf("trail: index: %w", err)
		}
		if !more {
			return nil
		}
	}
}

// The postings go first: an event that has them has its body.
const (
	retireBoundary = `SELECT key, time, ref FROM posting WHERE key < ? ORDER BY key, time, ref LIMIT 1 OFFSET ?`
	retirePostings = `DELETE FROM posting WHERE (key, time, ref) < (?, ?, ?)`
	retireBlocks   = `DELETE FROM block WHERE id < ?`
	retireRecords  = `DELETE FROM decision WHERE id < ?`
)

func (x *Index) retireSome(ctx context.Context, day int64) (more bool, err error) {
	x.writing.Lock()
	defer x.writing.Unlock()
	err = x.transact(ctx, func(tx *sql.Tx) error {
		p := posting{key: firstKey(day)}
		err := tx.QueryRowContext(ctx, retireBoundary, p.key, retireStep).Scan(&p.key, &p.time, &p.ref)
		if more = err == nil; !more && err != sql.ErrNoRows {
			return err
		}
		if !more {
			p.time = -1 << 63
			var last sql.NullInt64 // blocks in steps of their own
			err := tx.QueryRowContext(ctx, `SELECT id FROM block WHERE id < ? ORDER BY id LIMIT 1 OFFSET ?`, blockID(day, 0), retireStep/10).Scan(&last)
			if err != nil && err != sql.ErrNoRows {
				return err
			}
			more = last.Valid
			upTo := blockID(day, 0)
			if more {
				upTo = last.Int64
			}
			for _, statement := range []string{retireBlocks, retireRecords} {
				if _, err := tx.ExecContext(ctx, statement, upTo); err != nil {
					return err
				}
			}
		}
		_, err = tx.ExecContext(ctx, retirePostings, p.key, p.time, p.ref)
		return err
	})
	return more, err
}
