package trail

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"iter"
	"time"

	"github.com/klauspost/compress/zstd"
)

// The records of decisions stand in blocks of their own, in the order in which they
// came: whoever decides them again reads all of a time, and nothing of the events.

const (
	decisionRecords = 512
	decisionBytes   = 512 << 10 // of text in a block, unless one record alone is more
)

// zstd unpacks several times as fast as flate, which is what counts here. Both are
// safe for concurrent use.
var (
	decisionPacker   = must(zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1)))
	decisionUnpacker = must(zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(decisionBytes+4*MaxEntry)))
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err) // of constant options
	}
	return v
}

// insertDecisions adds the records of entries that are sorted by time.
func insertDecisions(ctx context.Context, tx *sql.Tx, entries []*Entry) error {
	for len(entries) > 0 {
		day := dayOf(entries[0].Time.UnixMilli())
		var text []byte
		n := 0
		for taken := 0; n < len(entries) && taken < decisionRecords && len(text) < decisionBytes && dayOf(entries[n].Time.UnixMilli()) == day; n++ {
			e := entries[n]
			if len(e.Record) == 0 {
				continue
			}
			text = append(append(text, e.ID...), '\t')
			text = append(append(text, e.Account...), '\t')
			text = append(append(text, e.Record...), '\n')
			taken++
		}
		entries = entries[n:]
		if len(text) == 0 {
			continue
		}
		var last int64
		if err := tx.QueryRowContext(ctx, `SELECT coalesce(max(id), ?2) FROM decision WHERE id > ?2 AND id < ?1`, blockID(day+1, 0), blockID(day, 0)).Scan(&last); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO decision (id, body) VALUES (?, ?)`, last+1, decisionPacker.EncodeAll(text, nil)); err != nil {
			return err
		}
	}
	return nil
}

// DecisionBlock is a number of records of decisions, packed.
type DecisionBlock []byte

// Decisions yields the records of decisions of all days from one time to another, in
// the order of the days and within one as they came. A zero time is open. The
// records of the first and last day may lie outside of the time. A block is good
// until the next one.
func (x *Index) Decisions(ctx context.Context, from, to time.Time) iter.Seq2[DecisionBlock, error] {
	return func(yield func(DecisionBlock, error) bool) {
		first, end := int64(0), blockID(maxDay+1, 0)
		if !from.IsZero() {
			first = blockID(dayOf(from.UnixMilli()), 0)
		}
		if !to.IsZero() {
			end = blockID(dayOf(to.UnixMilli())+1, 0)
		}
		rows, err := x.readers.QueryContext(ctx, `SELECT body FROM decision WHERE id >= ? AND id < ? ORDER BY id`, first, end)
		if err != nil {
			yield(nil, fmt.Errorf("trail: index: %w", err))
			return
		}
		defer rows.Close()
		for rows.Next() {
			var body sql.RawBytes
			err := rows.Scan(&body)
			if !yield(DecisionBlock(body), err) || err != nil {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(nil, fmt.Errorf("trail: index: %w", err))
		}
	}
}

// Unpack appends the text of the block to b.
func (d DecisionBlock) Unpack(b []byte) ([]byte, error) {
	b, err := decisionUnpacker.DecodeAll(d, b)
	if err != nil {
		return nil, fmt.Errorf("%w: a block of decisions: %w", ErrCorrupt, err)
	}
	return b, nil
}

// A Decision is one record of a block and the event that it belongs to. It points
// into the text that it was read from.
type Decision struct{ EventID, Account, Record []byte }

// EachDecision yields the records in the text of a block.
func EachDecision(text []byte) iter.Seq[Decision] {
	return func(yield func(Decision) bool) {
		for len(text) > 0 {
			var line []byte
			line, text, _ = bytes.Cut(text, []byte{'\n'})
			id, rest := split(line)
			account, record := split(rest)
			if !yield(Decision{id, account, record}) {
				return
			}
		}
	}
}
