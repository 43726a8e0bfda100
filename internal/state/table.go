package state

import (
	"encoding/json"
	"fmt"
	"iter"
	"strings"

	"github.com/tidwall/btree"

	"github.com/warder-iam/warder/internal/store"
)

// A schema describes one record type: where its records are stored and by
// which keys they are found.
type schema[R any] struct {
	prefix  string          // of its keys in the store, e.g. "iam/user/"
	key     func(*R) string // the primary key; unique, never changes
	indexes []index[R]
}

// An index finds records by other keys than the primary one. It holds the
// record once under every key that keys gives for it.
type index[R any] struct {
	name   string
	unique bool
	keys   func(*R) []string
}

// Table holds the records of one type in primary key order, and its indexes.
// A Table of a Snapshot is immutable. A Table of a Tx takes Put and Delete; its
// trees are shared with the snapshot until the first write copies them lazily.
//
// Records are immutable once they are in a table: to change one, use Update,
// and clone a slice or map inside it before changing that.
type Table[R any] struct {
	schema *schema[R]
	rows   *btree.Map[string, *R]
	byKey  []*btree.Map[string, *R]
	tx     *Tx // nil in a snapshot
	owned  bool
}

func newTable[R any](s *schema[R]) Table[R] {
	t := Table[R]{schema: s, rows: new(btree.Map[string, *R])}
	for range s.indexes {
		t.byKey = append(t.byKey, new(btree.Map[string, *R]))
	}
	return t
}

// Len is the number of records.
func (t *Table[R]) Len() int { return t.rows.Len() }

// Get finds a record by its primary key; nil if there is none.
func (t *Table[R]) Get(key string) *R {
	r, _ := t.rows.Get(key)
	return r
}

// Same says whether two snapshots' tables are one and the same, unchanged.
func (t *Table[R]) Same(o *Table[R]) bool { return t.rows == o.rows }

// All iterates over all records in the order of their primary keys.
func (t *Table[R]) All() iter.Seq[*R] {
	return func(yield func(*R) bool) {
		t.rows.Scan(func(_ string, r *R) bool { return yield(r) })
	}
}

// find gives the record that a unique index holds under key; nil if none.
func (t *Table[R]) find(indexNo int, key string) *R {
	r, _ := t.byKey[indexNo].Get(key)
	return r
}

// scan iterates over an index from the first key that begins with prefix and
// comes after the key "after" ("" means from the start), while keys begin with
// prefix. The key that is handed out can be given as "after" later on.
func (t *Table[R]) scan(indexNo int, prefix, after string) iter.Seq2[string, *R] {
	return func(yield func(string, *R) bool) {
		pivot := max(prefix, after)
		t.byKey[indexNo].Ascend(pivot, func(k string, r *R) bool {
			if k == after && after != "" {
				return true
			}
			return strings.HasPrefix(k, prefix) && yield(k, r)
		})
	}
}

func (t *Table[R]) own() {
	if t.owned {
		return
	}
	if t.tx == nil {
		panic("state: write to a snapshot of " + t.schema.prefix)
	}
	t.rows = t.rows.Copy()
	byKey := make([]*btree.Map[string, *R], len(t.byKey))
	for i, m := range t.byKey {
		byKey[i] = m.Copy()
	}
	t.byKey = byKey
	t.owned = true
}

// Put stores a record under its primary key, in place of the one that was
// there. A key that a unique index already holds for another record fails the
// whole transaction: the rule that was to check it first is wrong.
func (t *Table[R]) Put(r *R) {
	t.own()
	value, err := json.Marshal(r)
	if err != nil {
		t.tx.fail(fmt.Errorf("state: encode %s%s: %w", t.schema.prefix, t.schema.key(r), err))
		return
	}
	if err := t.insert(r); err != nil {
		t.tx.fail(err)
		return
	}
	t.tx.ops = append(t.tx.ops, store.Op{Key: t.schema.prefix + t.schema.key(r), Value: value})
}

// insert puts the record in the trees only.
func (t *Table[R]) insert(r *R) error {
	key := t.schema.key(r)
	old, replaced := t.rows.Set(key, r)
	for i, ix := range t.schema.indexes {
		if replaced {
			for _, k := range ix.keys(old) {
				t.byKey[i].Delete(ix.entry(k, key))
			}
		}
		for _, k := range ix.keys(r) {
			if other, taken := t.byKey[i].Set(ix.entry(k, key), r); taken && ix.unique {
				return fmt.Errorf("state: %s%s and %s hold the same %s", t.schema.prefix, key, t.schema.key(other), ix.name)
			}
		}
	}
	return nil
}

// Update puts a changed shallow copy of r.
func (t *Table[R]) Update(r *R, change func(*R)) *R {
	c := *r
	change(&c)
	t.Put(&c)
	return &c
}

// Delete removes the record with r's primary key.
func (t *Table[R]) Delete(r *R) {
	t.own()
	key := t.schema.key(r)
	old, ok := t.rows.Delete(key)
	if !ok {
		return
	}
	for i, ix := range t.schema.indexes {
		for _, k := range ix.keys(old) {
			t.byKey[i].Delete(ix.entry(k, key))
		}
	}
	t.tx.ops = append(t.tx.ops, store.Op{Key: t.schema.prefix + key})
}

// entry is the key of a record in the index's tree.
func (ix *index[R]) entry(key, primary string) string {
	if ix.unique {
		return key
	}
	return key + "\x00" + primary
}

// load takes a record as the store keeps it.
func (t *Table[R]) load(value []byte) error {
	r := new(R)
	if err := json.Unmarshal(value, r); err != nil {
		return err
	}
	return t.insert(r)
}

func (t *Table[R]) prefix() string { return t.schema.prefix }

func (t *Table[R]) begin(tx *Tx) { t.tx, t.owned = tx, false }

func (t *Table[R]) seal() { t.tx, t.owned = nil, false }

// clear deletes every record.
func (t *Table[R]) clear() {
	tx := t.tx
	for r := range t.All() {
		tx.ops = append(tx.ops, store.Op{Key: t.schema.prefix + t.schema.key(r)})
	}
	*t = newTable(t.schema)
	t.tx, t.owned = tx, true
}

// anyTable is what the state does to each table whatever its record type.
type anyTable interface {
	prefix() string
	load(value []byte) error
	begin(*Tx)
	seal()
	clear()
}
