package trail

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"strconv"
	"time"
)

// The kinds of lines.
const (
	kindSegment = "segment"
	kindEvent   = "event"
	kindGap     = "gap"
	kindRetired = "retired"
	kindClosed  = "closed"
)

// header is the JSON of a segment's first line.
type header struct {
	Version  int       `json:"version"`
	Log      string    `json:"log"` // Log.ID
	Previous Hash      `json:"previous"`
	Made     time.Time `json:"made"`
}

const formVersion = 1

// lineOverhead is the most that a line has beside an entry, maxLine bounds it.
const (
	lineOverhead = 128
	maxLine      = MaxEntry + lineOverhead
)

// A Record is one line of the log for those who read it.
type Record struct {
	Position int64
	Hash     Hash
	Entry    *Entry // or
	Gap      *Gap   // or neither: a mark of the log's own
}

// chain computes hashes along the chain.
type chain struct {
	hash.Hash
	sum [sha256.Size]byte
}

func newChain() *chain { return &chain{Hash: sha256.New()} }

// next is the hash of a line, given as its parts.
func (c *chain) next(previous Hash, parts ...[]byte) Hash {
	c.Reset()
	c.Write(previous[:])
	for _, p := range parts {
		c.Write(p)
	}
	return Hash(c.Sum(c.sum[:0]))
}

// appendLine appends the line of a record that follows at, and moves at on to it.
// The header of a segment takes no position.
func (c *chain) appendLine(b []byte, at *Head, body []byte) []byte {
	if !bytes.HasPrefix(body, []byte(kindSegment+"\t")) {
		at.Position++
	}
	start := len(b)
	b = strconv.AppendInt(b, at.Position, 10)
	b = append(b, '\t')
	at.Hash = c.next(at.Hash, b[start:], body)
	b = hex.AppendEncode(b, at.Hash[:])
	b = append(b, '\t')
	b = append(b, body...)
	return append(b, '\n')
}

// line is a line taken apart. It points into the bytes it was parsed from.
type line struct {
	Head
	position []byte // with its tab
	body     []byte // from KIND on
}

// parseLine takes a line, without its newline, apart. Only the form in which lines
// are written passes, since the position and the hash are not in the hash letter
// by letter.
func parseLine(b []byte) (line, error) {
	var l line
	i := bytes.IndexByte(b, '\t')
	if i < 0 || len(b) < i+1+2*sha256.Size+1 || b[i+1+2*sha256.Size] != '\t' {
		return l, errors.New("not a line of the log")
	}
	l.position, l.body = b[:i+1], b[i+1+2*sha256.Size+1:]
	var err error
	if l.Position, err = strconv.ParseInt(string(b[:i]), 10, 64); err != nil || l.Position < 0 ||
		string(strconv.AppendInt(nil, l.Position, 10)) != string(b[:i]) {
		return l, fmt.Errorf("the position is %.20q", b[:i])
	}
	return l, l.Hash.UnmarshalText(b[i+1 : i+1+2*sha256.Size])
}

// split takes the first field off.
func split(b []byte) (field, rest []byte) {
	field, rest, _ = bytes.Cut(b, []byte{'\t'})
	return field, rest
}

// header reads the line as a segment's first.
func (l *line) header() (header, error) {
	var h header
	kind, text := split(l.body)
	if string(kind) != kindSegment {
		return h, fmt.Errorf("a line of kind %.20q where the segment's header should be", kind)
	}
	if err := json.Unmarshal(text, &h); err != nil {
		return h, fmt.Errorf("the header: %w", err)
	}
	if h.Version != formVersion {
		return h, fmt.Errorf("the header is of version %d, this program knows %d", h.Version, formVersion)
	}
	return h, nil
}

// record reads the line as any other. What it returns shares nothing with the line.
func (l *line) record() (Record, error) {
	r := Record{Position: l.Position, Hash: l.Hash}
	kind, rest := split(l.body)
	var err error
	switch string(kind) {
	case kindEvent:
		r.Entry, err = parseEntry(rest)
	case kindGap:
		r.Gap = new(Gap)
		err = json.Unmarshal(rest, r.Gap)
	case kindRetired, kindClosed:
	default:
		err = fmt.Errorf("a record of unknown kind %.20q", kind)
	}
	return r, err
}

// mark is the body of a line of the log's own.
func mark(kind string, v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // of our own types, which marshal
	}
	return append([]byte(kind+"\t"), text...)
}

// appendEntry appends an entry as the fields JSON, EVENT and RECORD.
func appendEntry(b []byte, e *Entry) ([]byte, error) {
	start := len(b)
	b, err := e.appendAttributes(b)
	if err != nil {
		return b, err
	}
	b = append(b, '\t')
	if b, err = appendJSON(b, e.JSON); err != nil {
		return b, err
	}
	if len(e.Record) > 0 {
		b = append(b, '\t')
		if b, err = appendJSON(b, e.Record); err != nil {
			return b, err
		}
	}
	if n := len(b) - start; n > MaxEntry {
		return b, fmt.Errorf("an entry of %d bytes, at most %d are kept", n, MaxEntry)
	}
	return b, nil
}

// appendJSON appends a JSON text as a field of a line: what white space has of the
// separators goes.
func appendJSON(b, text []byte) ([]byte, error) {
	if bytes.IndexByte(text, '\n') < 0 && bytes.IndexByte(text, '\t') < 0 {
		return append(b, text...), nil
	}
	compact := bytes.NewBuffer(b)
	err := json.Compact(compact, text)
	return compact.Bytes(), err
}

// appendAttributes appends what json.Marshal makes of the entry, at a fraction of
// its cost: it is done with every request.
func (e *Entry) appendAttributes(b []byte) ([]byte, error) {
	b = appendString(append(b, `{"id":`...), e.ID)
	b = appendString(append(b, `,"name":`...), e.Name)
	b = appendString(append(b, `,"source":`...), e.Source)
	if e.Username != "" {
		b = appendString(append(b, `,"user":`...), e.Username)
	}
	if e.AccessKeyID != "" {
		b = appendString(append(b, `,"key":`...), e.AccessKeyID)
	}
	b = appendString(append(b, `,"account":`...), e.Account)
	if y := e.Time.Year(); y < 0 || y > 9999 {
		return b, fmt.Errorf("the year %d", y)
	}
	b = e.Time.AppendFormat(append(b, `,"time":"`...), time.RFC3339Nano)
	b = append(b, '"')
	if e.ReadOnly {
		b = append(b, `,"readOnly":true`...)
	}
	if e.Category != "" {
		b = appendString(append(b, `,"category":`...), string(e.Category))
	}
	for i, r := range e.Resources {
		b = append(b, [...]string{`,"resources":[{`, `,{`}[min(i, 1)]...)
		if r.Type != "" {
			b = appendString(append(b, `"type":`...), r.Type)
		}
		if r.Type != "" && r.Name != "" {
			b = append(b, ',')
		}
		if r.Name != "" {
			b = appendString(append(b, `"name":`...), r.Name)
		}
		b = append(b, '}')
	}
	if len(e.Resources) > 0 {
		b = append(b, ']')
	}
	return append(b, '}'), nil
}

// appendString appends a JSON string.
func appendString(b []byte, s string) []byte {
	for i := range len(s) {
		switch c := s[i]; {
		case c < ' ', c >= 0x7f, c == '"', c == '\\', c == '<', c == '>', c == '&':
			text, err := json.Marshal(s)
			if err != nil {
				panic(err) // of a string, which marshals
			}
			return append(b, text...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}

// parseEntry is the reverse of appendEntry.
func parseEntry(b []byte) (*Entry, error) {
	attributes, rest := split(b)
	event, record := split(rest)
	e := new(Entry)
	if err := json.Unmarshal(attributes, e); err != nil {
		return nil, fmt.Errorf("the attributes: %w", err)
	}
	e.JSON = bytes.Clone(event)
	if len(record) > 0 {
		e.Record = bytes.Clone(record)
	}
	return e, nil
}
