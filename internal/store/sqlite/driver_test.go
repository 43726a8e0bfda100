package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/warder-iam/warder/internal/store"
)

func mustOpen(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func mustCommit(t *testing.T, s *Store, key, value string) {
	t.Helper()
	if _, err := s.Commit(t.Context(), store.Batch{Ops: []store.Op{{Key: key, Value: []byte(value)}}}); err != nil {
		t.Fatal(err)
	}
}

// tamper changes the file of a closed store behind the driver's back.
func tamper(t *testing.T, dir string, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(dir, DataFile))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, statement := range statements {
		if _, err := db.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSecondWriterIsRefused(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir)
	_, err := Open(dir)
	if !errors.Is(err, store.ErrLocked) || !strings.Contains(err.Error(), fmt.Sprint(os.Getpid())) {
		t.Errorf("a second writer: %v", err)
	}
	mustCommit(t, s, "a", "1") // the first goes on
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	mustCommit(t, mustOpen(t, dir), "a", "2")
}

func TestModes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "data")
	s := mustOpen(t, dir)
	mustCommit(t, s, "a", "1")
	files, err := os.ReadDir(dir)
	if err != nil || len(files) < 3 {
		t.Fatalf("the folder has %v, %v", files, err)
	}
	for _, f := range files {
		info, err := f.Info()
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, %v", f.Name(), info.Mode(), err)
		}
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder has mode %v, %v", info.Mode(), err)
	}
	s.Close()
	path := filepath.Join(dir, DataFile)
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	mustOpen(t, dir)
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o600 {
		t.Errorf("opened with mode %v", info.Mode())
	}
}

func TestPragmasOnEveryConnection(t *testing.T) {
	s := mustOpen(t, t.TempDir())
	check := func(what string, conn *sql.Conn, more map[string]string) {
		want := map[string]string{"journal_mode": "wal", "synchronous": "2", "busy_timeout": "10000", "trusted_schema": "0", "cell_size_check": "1"}
		for name, value := range more {
			want[name] = value
		}
		for name, value := range want {
			var got string
			if err := conn.QueryRowContext(t.Context(), "PRAGMA "+name).Scan(&got); err != nil || got != value {
				t.Errorf("%s: %s is %q, %v; want %q", what, name, got, err, value)
			}
		}
	}
	check("writer", s.writer.conn, map[string]string{"query_only": "0"})
	for i := range 3 { // held together, so that each is another connection
		conn, err := s.readers.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		check(fmt.Sprint("reader ", i), conn, map[string]string{"query_only": "1"})
	}
}

func TestOpenRefuses(t *testing.T) {
	for _, c := range []struct {
		name   string
		tamper []string
		want   error
	}{
		{"a newer version", []string{"PRAGMA user_version = 2"}, store.ErrVersion},
		{"no version", []string{"PRAGMA user_version = 0"}, store.ErrCorrupt},
		{"another program's", []string{"PRAGMA application_id = 1"}, store.ErrCorrupt},
		{"no head", []string{"DELETE FROM head"}, store.ErrCorrupt},
		{"a head put back", []string{"UPDATE head SET revision = 2"}, store.ErrCorrupt},
		{"a head ahead", []string{"UPDATE head SET revision = 4"}, store.ErrCorrupt},
		{"a negative head", []string{"UPDATE head SET revision = -1, base_revision = -1"}, store.ErrCorrupt},
		{"a log without its end", []string{"DELETE FROM log WHERE revision = 3"}, store.ErrCorrupt},
		{"a log without its start", []string{"DELETE FROM log WHERE revision = 1"}, store.ErrCorrupt},
		{"no log", []string{"DELETE FROM log"}, store.ErrCorrupt},
		{"a log that should not be", []string{"UPDATE head SET base_revision = 3"}, store.ErrCorrupt},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			s := mustOpen(t, dir)
			for range 3 {
				mustCommit(t, s, "a", "1")
			}
			s.Close()
			tamper(t, dir, c.tamper...)
			for range 2 { // the refusal leaves no lock behind
				if s, err := Open(dir); !errors.Is(err, c.want) {
					t.Errorf("opens with %v, want %v", err, c.want)
					if err == nil {
						s.Close()
					}
				}
			}
		})
	}
	t.Run("a file of no database", func(t *testing.T) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, DataFile), []byte(strings.Repeat("no database ", 1000)), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(dir); !errors.Is(err, store.ErrCorrupt) {
			t.Errorf("opens with %v", err)
		}
	})
	t.Run("a database of others", func(t *testing.T) {
		dir := t.TempDir()
		tamper(t, dir, "CREATE TABLE theirs (a)")
		if _, err := Open(dir); !errors.Is(err, store.ErrCorrupt) {
			t.Errorf("opens with %v", err)
		}
	})
}

// What is wrong inside the log is found by whoever reads it, and never passed over.
func TestDamagedLog(t *testing.T) {
	for name, statement := range map[string]string{
		"gap":     "DELETE FROM log WHERE revision = 2",
		"bits":    "UPDATE log SET entry = CAST(substr(entry, 1, 1) || x'63' || substr(entry, 3) AS BLOB) WHERE revision = 2",
		"swapped": "UPDATE log SET entry = (SELECT entry FROM log WHERE revision = 3) WHERE revision = 2",
		"empty":   "UPDATE log SET entry = x'' WHERE revision = 2",
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := mustOpen(t, dir)
			for i := range 3 {
				mustCommit(t, s, "a", fmt.Sprint(i))
			}
			s.Close()
			tamper(t, dir, statement)
			s = mustOpen(t, dir)
			if err := s.LoadAt(t.Context(), 3, func(store.Record) error { return nil }); !errors.Is(err, store.ErrCorrupt) {
				t.Errorf("load at: %v", err)
			}
			if err := s.Compact(t.Context(), 3); !errors.Is(err, store.ErrCorrupt) {
				t.Errorf("compact: %v", err)
			}
			var last error
			for _, err := range s.Watch(t.Context(), 1) {
				if last = err; err == nil {
					break
				}
			}
			if !errors.Is(last, store.ErrCorrupt) {
				t.Errorf("watch: %v", last)
			}
		})
	}
}

// A full disk refuses what does not fit and spoils nothing.
func TestDiskFull(t *testing.T) {
	s := mustOpen(t, t.TempDir())
	mustCommit(t, s, "a", "1")
	limit := func(pages int) {
		if _, err := s.writer.conn.ExecContext(t.Context(), fmt.Sprintf("PRAGMA max_page_count = %d", pages)); err != nil {
			t.Fatal(err)
		}
	}
	limit(1) // SQLite takes it as the present size
	big := store.Batch{Ops: []store.Op{{Key: "a", Value: []byte("2")}, {Key: "b", Value: make([]byte, 1<<20)}}}
	if _, err := s.Commit(t.Context(), big); err == nil || errors.Is(err, store.ErrUncertain) {
		t.Errorf("commit on a full disk: %v", err)
	}
	limit(1 << 30)
	if revision, err := s.Commit(t.Context(), big); err != nil || revision != 2 {
		t.Errorf("commit with room again: %d, %v", revision, err)
	}
}

// A COMMIT that fails is looked into: a head that stayed makes the failure a plain
// one, a head that did not makes the handle useless, which is what is safe.
func TestFailingCommit(t *testing.T) {
	s := mustOpen(t, t.TempDir())
	mustCommit(t, s, "a", "1")
	prepare := func(query string) *sql.Stmt {
		stmt, err := s.writer.conn.PrepareContext(context.Background(), query)
		if err != nil {
			t.Fatal(err)
		}
		return stmt
	}
	commit, rollback := s.writer.commit, s.writer.rollback
	s.writer.commit = prepare("SELECT abs(-9223372036854775808)") // always fails
	b := store.Batch{Ops: []store.Op{{Key: "a", Value: []byte("2")}}}
	if _, err := s.Commit(t.Context(), b); err == nil || errors.Is(err, store.ErrUncertain) {
		t.Errorf("with a rollback: %v", err)
	}
	s.writer.commit = commit
	mustCommit(t, s, "a", "3")
	s.writer.commit = prepare("SELECT abs(-9223372036854775808)")
	s.writer.rollback = prepare("SELECT 1")
	if _, err := s.Commit(t.Context(), b); !errors.Is(err, store.ErrUncertain) {
		t.Errorf("without a rollback: %v", err)
	}
	s.writer.commit, s.writer.rollback = commit, rollback
	if _, err := s.Commit(t.Context(), b); !errors.Is(err, store.ErrUncertain) {
		t.Errorf("afterwards: %v", err)
	}
}
