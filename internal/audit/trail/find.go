package trail

import (
	"bytes"
	"container/list"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"time"
)

// Query is what Find looks for.
type Query struct {
	Account   string    // whose events; there is no query over all accounts
	Category  Category  // of the events
	Attribute Attribute // "": all events of the account
	Value     string
	From, To  time.Time // both included, to the millisecond; zero: no bound
	Limit     int       // of a page; 0 is DefaultLimit
	After     string    // the token of the page before; "" for the first
}

// The sizes of a page; LookupEvents has 50 for both
// (https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html).
const (
	DefaultLimit = 50
	MaxLimit     = 1000
)

// Page is a part of what Find finds.
type Page struct {
	Entries []*Entry
	Next    string // the token for the rest; "" if this was all
}

// Find finds events, the newest first. Pages neither overlap nor leave out what
// was there when the first was asked for, whatever is added meanwhile; events that
// are added later appear in them only if they are older than where the paging is.
//
// A token says where to go on and is bound to the other members of the query. It is
// not a secret nor a right: it gives nothing that the query without it does not.
func (x *Index) Find(ctx context.Context, q Query) (*Page, error) {
	s, err := newSearch(&q)
	if err != nil {
		return nil, err
	}
	// One transaction, so that nothing is retired between a posting and its block.
	tx, err := x.readers.BeginTx(ctx, nil)
	if err != nil {
		return nil, fmt.Errorf("trail: index: %w", err)
	}
	defer tx.Rollback()
	if err := s.run(ctx, tx); err != nil {
		return nil, fmt.Errorf("trail: index: %w", err)
	}
	return &s.page, nil
}

// search is the work of one Find.
type search struct {
	q      *Query
	from   int64   // the earliest time
	at     posting // what is found is before this, in time and ref
	page   Page
	blocks blockCache
}

func newSearch(q *Query) (*search, error) {
	s := &search{q: q, from: -1 << 63, at: posting{time: 1<<63 - 1, ref: 1<<63 - 1}}
	switch q.Attribute {
	case "", EventID, EventName, EventSource, ReadOnly, Username, AccessKeyID, ResourceType, ResourceName:
	default:
		return nil, fmt.Errorf("%w: attribute %.40q", ErrQuery, q.Attribute)
	}
	switch {
	case q.Account == "":
		return nil, fmt.Errorf("%w: no account", ErrQuery)
	case q.Attribute == "" && q.Value != "":
		return nil, fmt.Errorf("%w: a value without an attribute", ErrQuery)
	case q.Limit < 0 || q.Limit > MaxLimit:
		return nil, fmt.Errorf("%w: limit %d", ErrQuery, q.Limit)
	case q.Limit == 0:
		q.Limit = DefaultLimit
	}
	if !q.From.IsZero() {
		s.from = q.From.UnixMilli()
	}
	if !q.To.IsZero() {
		s.at.time = q.To.UnixMilli()
	}
	if q.After != "" {
		var err error
		if s.at, err = q.parseToken(); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// The statements of a search. The rows of a day are taken from the index in their
// order and no further than asked for; each step to the day before is one look.
const (
	dayBefore  = `SELECT key FROM posting WHERE key < ? ORDER BY key DESC LIMIT 1`
	findInDay  = `SELECT time, ref FROM posting WHERE key = ? AND (time, ref) < (?, ?) AND time >= ? ORDER BY time DESC, ref DESC`
	findABlock = `SELECT body FROM block WHERE id = ?`
)

func (s *search) run(ctx context.Context, tx *sql.Tx) error {
	inDay, err := tx.PrepareContext(ctx, findInDay)
	if err != nil {
		return err
	}
	defer inDay.Close()
	before, err := tx.PrepareContext(ctx, dayBefore)
	if err != nil {
		return err
	}
	defer before.Close()
	if s.blocks.get, err = tx.PrepareContext(ctx, findABlock); err != nil {
		return err
	}
	defer s.blocks.get.Close()
	for day := dayOf(s.at.time) + 1; ; {
		var key int64
		err := before.QueryRowContext(ctx, firstKey(day)).Scan(&key)
		if err == sql.ErrNoRows {
			return nil
		} else if err != nil {
			return err
		}
		day = key >> hashBits
		if day < dayOf(s.from) {
			return nil
		}
		full, err := s.day(ctx, inDay, day)
		if err != nil || full {
			return err
		}
	}
}

// day looks through one day. It is full when there are more than go in the page.
func (s *search) day(ctx context.Context, inDay *sql.Stmt, day int64) (full bool, err error) {
	key := postingKey(day, realm(s.q.Account, s.q.Category), s.q.Attribute, s.q.Value)
	rows, err := inDay.QueryContext(ctx, key, s.at.time, s.at.ref, s.from)
	if err != nil {
		return false, err
	}
	defer rows.Close()
	for rows.Next() {
		var p posting
		if err := rows.Scan(&p.time, &p.ref); err != nil {
			return false, err
		}
		e, err := s.blocks.entry(ctx, day, p.ref)
		if err != nil {
			return false, err
		}
		if !e.has(s.q) {
			continue
		}
		if len(s.page.Entries) == s.q.Limit {
			s.page.Next = s.q.token(s.at)
			return true, nil
		}
		s.page.Entries = append(s.page.Entries, e)
		s.at = p
	}
	return false, rows.Err()
}

// blockCache has the last blocks that were unpacked: events that follow on one
// another are often in the same, but sorted among those of others.
type blockCache struct {
	get    *sql.Stmt
	recent list.List // of *unpacked, the last used in front
}

type unpacked struct {
	id    int64
	lines [][]byte
}

const cachedBlocks = 8

func (c *blockCache) entry(ctx context.Context, day, ref int64) (*Entry, error) {
	lines, err := c.lines(ctx, blockID(day, ref/blockEntries))
	if err != nil {
		return nil, err
	}
	if i := ref % blockEntries; i < int64(len(lines)) {
		return parseEntry(lines[i])
	}
	return nil, fmt.Errorf("%w: the block of an event does not have it", ErrCorrupt)
}

func (c *blockCache) lines(ctx context.Context, id int64) ([][]byte, error) {
	for e := c.recent.Front(); e != nil; e = e.Next() {
		if u := e.Value.(*unpacked); u.id == id {
			c.recent.MoveToFront(e)
			return u.lines, nil
		}
	}
	var body []byte
	if err := c.get.QueryRowContext(ctx, id).Scan(&body); err != nil {
		return nil, err
	}
	lines, err := unpack(body)
	if err != nil {
		return nil, err
	}
	if c.recent.Len() == cachedBlocks {
		c.recent.Remove(c.recent.Back())
	}
	c.recent.PushFront(&unpacked{id, lines})
	return lines, nil
}

// token says that a page ended at p.
func (q *Query) token(p posting) string {
	b := append([]byte{}, q.fingerprint()...)
	b = binary.AppendVarint(b, p.time)
	b = binary.AppendVarint(b, p.ref)
	return base64.RawURLEncoding.EncodeToString(b)
}

func (q *Query) parseToken() (p posting, err error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(q.After)
	fingerprint := q.fingerprint()
	if err != nil || !bytes.HasPrefix(b, fingerprint) {
		return p, ErrToken
	}
	b = b[len(fingerprint):]
	for _, into := range []*int64{&p.time, &p.ref} {
		v, n := binary.Varint(b)
		if n <= 0 {
			return p, ErrToken
		}
		*into, b = v, b[n:]
	}
	if len(b) != 0 {
		return p, ErrToken
	}
	return p, nil
}

// fingerprint is of what has to be the same from page to page.
func (q *Query) fingerprint() []byte {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q %d %d", realm(q.Account, q.Category), q.Attribute, q.Value, q.From.UnixMilli(), q.To.UnixMilli()))
	return sum[:12]
}
