package sqlite

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/warder-iam/warder/internal/store"
)

// schemaVersion counts the shapes that the tables have had. It is in SQLite's
// user_version; applicationID ("WRDR") tells our files from other programs'.
const (
	schemaVersion = 1
	applicationID = 0x57524452
)

// schema makes the tables. Keys are blobs: they are ordered by their bytes in every
// database, whatever its collation.
//
//   - head has one row: the revision, the writer epoch, and where the log begins.
//   - record is the state at the head; base is the state where the log begins.
//   - log has one row a revision; entry is store.EncodeEntry's, the other columns
//     are for finding it.
var schema = []string{
	`CREATE TABLE head (
		id            INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
		revision      INTEGER NOT NULL,
		epoch         INTEGER NOT NULL,
		base_revision INTEGER NOT NULL,
		base_time     INTEGER NOT NULL
	) STRICT`,
	`CREATE TABLE record (
		key      BLOB NOT NULL PRIMARY KEY,
		revision INTEGER NOT NULL,
		value    BLOB NOT NULL
	) STRICT, WITHOUT ROWID`,
	`CREATE TABLE base (
		key      BLOB NOT NULL PRIMARY KEY,
		revision INTEGER NOT NULL,
		value    BLOB NOT NULL
	) STRICT, WITHOUT ROWID`,
	`CREATE TABLE log (
		revision INTEGER NOT NULL PRIMARY KEY,
		time     INTEGER NOT NULL,
		entry    BLOB NOT NULL
	) STRICT`,
	`INSERT INTO head (id, revision, epoch, base_revision, base_time) VALUES (1, 0, 0, 0, 0)`,
}

// migrate makes the tables of an empty file, and refuses a file that is not ours or
// is of a newer Warder.
func migrate(ctx context.Context, conn *sql.Conn) error {
	return immediate(ctx, conn, func() error {
		var id, version, tables int64
		for _, q := range []struct {
			query string
			into  *int64
		}{
			{"PRAGMA application_id", &id},
			{"PRAGMA user_version", &version},
			{"SELECT count(*) FROM sqlite_schema", &tables},
		} {
			if err := conn.QueryRowContext(ctx, q.query).Scan(q.into); err != nil {
				return err
			}
		}
		switch {
		case id == 0 && version == 0 && tables == 0:
		case id != applicationID:
			return fmt.Errorf("%w: it is a database of another program", store.ErrCorrupt)
		case version > schemaVersion:
			return fmt.Errorf("%w: its tables are of version %d, this program knows %d", store.ErrVersion, version, schemaVersion)
		case version < schemaVersion:
			return fmt.Errorf("%w: its tables are of version %d", store.ErrCorrupt, version)
		default:
			return nil
		}
		statements := append(append([]string{}, schema...),
			fmt.Sprintf("PRAGMA application_id = %d", applicationID),
			fmt.Sprintf("PRAGMA user_version = %d", schemaVersion))
		for _, statement := range statements {
			if _, err := conn.ExecContext(ctx, statement); err != nil {
				return err
			}
		}
		return nil
	})
}

// takeEpoch makes the caller the writer. It looks whether head and log agree first.
func takeEpoch(ctx context.Context, conn *sql.Conn) (epoch int64, err error) {
	err = immediate(ctx, conn, func() error {
		h, err := readHead(conn.QueryRowContext(ctx, selectHead))
		if err != nil {
			return err
		}
		var first, last sql.NullInt64
		err = conn.QueryRowContext(ctx, `SELECT (SELECT min(revision) FROM log), (SELECT max(revision) FROM log)`).Scan(&first, &last)
		if err != nil {
			return err
		}
		if first.Valid != (h.revision > h.base) || first.Valid && (first.Int64 != h.base+1 || last.Int64 != h.revision) {
			return fmt.Errorf("%w: the head is %d from %d, the log %d to %d",
				store.ErrCorrupt, h.revision, h.base, first.Int64, last.Int64)
		}
		epoch = h.epoch + 1
		_, err = conn.ExecContext(ctx, `UPDATE head SET epoch = ?`, epoch)
		return err
	})
	return epoch, err
}

// head is the row of the same name.
type head struct{ revision, epoch, base, baseTime int64 }

const selectHead = `SELECT revision, epoch, base_revision, base_time FROM head WHERE id = 1`

func readHead(row *sql.Row) (head, error) {
	var h head
	err := row.Scan(&h.revision, &h.epoch, &h.base, &h.baseTime)
	if err == sql.ErrNoRows {
		return h, fmt.Errorf("%w: there is no head", store.ErrCorrupt)
	}
	if err == nil && (h.base < 0 || h.revision < h.base || h.epoch < 0) {
		return h, fmt.Errorf("%w: the head is %d from %d, epoch %d", store.ErrCorrupt, h.revision, h.base, h.epoch)
	}
	return h, err
}

// has says whether the state at a revision can be had.
func (h head) has(revision int64) error {
	switch {
	case revision < h.base:
		return fmt.Errorf("%w: %d, the log begins at %d", store.ErrCompacted, revision, h.base)
	case revision > h.revision:
		return fmt.Errorf("%w: %d, the head is %d", store.ErrRevision, revision, h.revision)
	}
	return nil
}

// immediate runs fn in a transaction that holds the write lock from its start on.
func immediate(ctx context.Context, conn *sql.Conn, fn func() error) error {
	if _, err := conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	err := fn()
	if err == nil {
		_, err = conn.ExecContext(ctx, "COMMIT")
	}
	if err != nil {
		conn.ExecContext(ctx, "ROLLBACK") // has been done already after some errors
	}
	return err
}
