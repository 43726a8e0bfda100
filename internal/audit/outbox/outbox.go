// Package outbox keeps what is to leave this node until it has left: log files for
// a bucket, messages for a topic or a webhook. What a consumer of the trail makes of
// events is put in together with its positions in the feed, in one transaction, so
// that nothing is lost or sent on twice by a crash in between; what is sent may
// arrive twice when the answer to it is lost.
//
// An item stands in a queue, is taken when it is due, and is gone when it was
// delivered. One that fails is tried again later, and becomes a dead letter when
// that is over. Items of one lane within a queue are sent one after the other, in
// the order in which they came.
//
// The file also holds small values by which a consumer goes on where it was (the
// last digest, what was seen before), and the positions. Unlike the index it cannot
// be made again: without it, delivery begins with what comes next.
package outbox

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"time"

	_ "modernc.org/sqlite" // the driver
)

// Outbox is one file.
type Outbox struct{ db *sql.DB }

// Item is one thing to send.
type Item struct {
	ID    int64  // set by the outbox
	Queue string // who sends it
	Lane  string // what it must not overtake; "" may be sent at any time
	Key   string // what it is, for the sender: an object key, a target's ARN
	Body  []byte

	Made     time.Time // when it was put in
	Due      time.Time // not before; Made if it is zero
	Attempts int       // that failed
	Error    string    // of the last
}

// schema makes the tables. An item that is dead is due never.
var schema = []string{
	`CREATE TABLE item (
		id       INTEGER PRIMARY KEY AUTOINCREMENT,
		queue    TEXT NOT NULL,
		lane     TEXT NOT NULL,
		key      TEXT NOT NULL,
		body     BLOB NOT NULL,
		made     INTEGER NOT NULL,
		due      INTEGER,
		attempts INTEGER NOT NULL DEFAULT 0,
		error    TEXT NOT NULL DEFAULT ''
	) STRICT`,
	`CREATE INDEX item_due ON item (queue, due)`,
	`CREATE INDEX item_lane ON item (queue, lane, id)`,
	`CREATE INDEX item_lane_due ON item (queue, lane, due)`,
	`CREATE TABLE position (
		consumer TEXT NOT NULL,
		source   TEXT NOT NULL,
		position INTEGER NOT NULL,
		PRIMARY KEY (consumer, source)
	) STRICT, WITHOUT ROWID`,
	`CREATE TABLE value (
		name  TEXT NOT NULL PRIMARY KEY,
		value BLOB NOT NULL
	) STRICT, WITHOUT ROWID`,
}

const (
	version     = 1
	application = 0x5752544f // "WRTO"
)

// A commit is on the disk before it is acknowledged.
var pragmas = []string{
	"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)", "trusted_schema(OFF)", "cell_size_check(ON)", "journal_size_limit(67108864)",
}

// Open opens the outbox in a file, and makes it if there is none; "" is one in
// memory.
func Open(path string) (*Outbox, error) {
	dsn := ":memory:"
	if path != "" {
		full, err := filepath.Abs(path)
		if err != nil {
			return nil, fmt.Errorf("outbox: %w", err)
		}
		// SQLite would create the file with the mode that the umask leaves.
		f, err := os.OpenFile(full, os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return nil, fmt.Errorf("outbox: %w", err)
		}
		if err := errors.Join(f.Chmod(0o600), f.Close()); err != nil {
			return nil, fmt.Errorf("outbox: %w", err)
		}
		dsn = "file:" + (&url.URL{Path: filepath.ToSlash(full)}).EscapedPath()
	}
	db, err := sql.Open("sqlite", dsn+"?"+url.Values{"_pragma": pragmas}.Encode())
	if err != nil {
		return nil, fmt.Errorf("outbox: %w", err)
	}
	db.SetMaxOpenConns(1)
	o := &Outbox{db}
	if err := o.migrate(context.Background()); err != nil {
		return nil, fmt.Errorf("outbox %s: %w", path, errors.Join(err, db.Close()))
	}
	return o, nil
}

func (o *Outbox) migrate(ctx context.Context) error {
	var id, have, tables int64
	err := o.db.QueryRowContext(ctx, `SELECT (SELECT application_id FROM pragma_application_id),
		(SELECT user_version FROM pragma_user_version), (SELECT count(*) FROM sqlite_schema)`).Scan(&id, &have, &tables)
	switch {
	case err != nil:
		return err
	case id == application && have == version:
		return nil
	case id != 0 || have != 0 || tables != 0:
		return fmt.Errorf("it is a database of another program, or of version %d (this program's is %d)", have, version)
	}
	return o.transact(ctx, func(tx *sql.Tx) error {
		for _, s := range append(slices.Clone(schema), fmt.Sprintf("PRAGMA application_id = %d", application), fmt.Sprintf("PRAGMA user_version = %d", version)) {
			if _, err := tx.ExecContext(ctx, s); err != nil {
				return err
			}
		}
		return nil
	})
}

func (o *Outbox) transact(ctx context.Context, fn func(tx *sql.Tx) error) error {
	tx, err := o.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := fn(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

// Close lets go of the file.
func (o *Outbox) Close() error { return o.db.Close() }

// Position is up to where a consumer has a source (feed.Consumer).
func (o *Outbox) Position(ctx context.Context, consumer, source string) (position int64, known bool, err error) {
	err = o.db.QueryRowContext(ctx, `SELECT position FROM position WHERE consumer = ? AND source = ?`, consumer, source).Scan(&position)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, false, nil
	}
	return position, err == nil, wrap(err)
}

// Batch is what lands in the outbox together.
type Batch struct {
	Consumer  string           // whose the positions are
	Positions map[string]int64 // by source; one that is not beyond the known one has the batch do nothing
	Items     []Item
	Values    map[string][]byte // nil deletes
}

// Put adds a batch, or nothing of it. It says whether it has: a batch whose
// positions are known has been put before.
func (o *Outbox) Put(ctx context.Context, b *Batch) (put bool, err error) {
	now := time.Now()
	err = o.transact(ctx, func(tx *sql.Tx) error {
		put = len(b.Positions) == 0
		for source, position := range b.Positions {
			done, err := tx.ExecContext(ctx, `INSERT INTO position (consumer, source, position) VALUES (?, ?, ?)
				ON CONFLICT (consumer, source) DO UPDATE SET position = excluded.position WHERE position < excluded.position`, b.Consumer, source, position)
			if err != nil {
				return err
			}
			n, err := done.RowsAffected()
			if err != nil {
				return err
			}
			put = put || n > 0
		}
		if !put {
			return nil
		}
		for i := range b.Items {
			if err := insert(ctx, tx, &b.Items[i], now); err != nil {
				return err
			}
		}
		for name, value := range b.Values {
			if err := set(ctx, tx, name, value); err != nil {
				return err
			}
		}
		return nil
	})
	return put && err == nil, wrap(err)
}

func insert(ctx context.Context, tx *sql.Tx, item *Item, now time.Time) error {
	made, due := item.Made, item.Due
	if made.IsZero() {
		made = now
	}
	if due.IsZero() {
		due = made
	}
	body := item.Body
	if body == nil {
		body = []byte{}
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO item (queue, lane, key, body, made, due) VALUES (?, ?, ?, ?, ?, ?)`,
		item.Queue, item.Lane, item.Key, body, made.UnixMilli(), due.UnixMilli())
	return err
}

func set(ctx context.Context, tx *sql.Tx, name string, value []byte) error {
	if value == nil {
		_, err := tx.ExecContext(ctx, `DELETE FROM value WHERE name = ?`, name)
		return err
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO value (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value`, name, value)
	return err
}

// Value is a value that was put; nil if there is none.
func (o *Outbox) Value(ctx context.Context, name string) (value []byte, err error) {
	err = o.db.QueryRowContext(ctx, `SELECT value FROM value WHERE name = ?`, name).Scan(&value)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return value, wrap(err)
}

// ValueNames are the names of the values that begin with a prefix, in order.
func (o *Outbox) ValueNames(ctx context.Context, prefix string) (names []string, err error) {
	rows, err := o.db.QueryContext(ctx, `SELECT name FROM value WHERE substr(name, 1, length(?1)) = ?1 ORDER BY name`, prefix)
	if err != nil {
		return nil, wrap(err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, wrap(err)
		}
		names = append(names, name)
	}
	return names, wrap(rows.Err())
}

func wrap(err error) error {
	if err != nil {
		return fmt.Errorf("outbox: %w", err)
	}
	return nil
}
