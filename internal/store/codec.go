package store

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"time"
)

// entryVersion is the first byte of an encoded log entry.
const entryVersion = 2

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// EncodeEntry is a log entry as one value of bytes, which is how drivers of
// databases keep it. The layout is: version, revision, epoch, time in microseconds,
// number of ops; for each op its key, 0 for a delete or 1 and the value for a put;
// the number of events and the events; a CRC-32C of all that. Numbers are varints, and a key or value follows its length.
// The checksum is there to notice failing hardware and stray writes, no attacker.
func EncodeEntry(c *Committed) []byte {
	size := 1 + 4*binary.MaxVarintLen64 + 4
	for i := range c.Ops {
		size += 2*binary.MaxVarintLen32 + 1 + len(c.Ops[i].Key) + len(c.Ops[i].Value)
	}
	for _, e := range c.Events {
		size += binary.MaxVarintLen32 + len(e)
	}
	b := make([]byte, 0, size+binary.MaxVarintLen64)
	b = append(b, entryVersion)
	b = binary.AppendUvarint(b, uint64(c.Revision))
	b = binary.AppendUvarint(b, uint64(c.Epoch))
	b = binary.AppendVarint(b, c.Time.UnixMicro())
	b = binary.AppendUvarint(b, uint64(len(c.Ops)))
	for i := range c.Ops {
		op := &c.Ops[i]
		b = binary.AppendUvarint(b, uint64(len(op.Key)))
		b = append(b, op.Key...)
		if op.Value == nil {
			b = append(b, 0)
			continue
		}
		b = append(b, 1)
		b = binary.AppendUvarint(b, uint64(len(op.Value)))
		b = append(b, op.Value...)
	}
	b = binary.AppendUvarint(b, uint64(len(c.Events)))
	for _, e := range c.Events {
		b = binary.AppendUvarint(b, uint64(len(e)))
		b = append(b, e...)
	}
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// DecodeEntry reads what EncodeEntry made. The values are parts of b. An error
// wraps ErrCorrupt, or ErrVersion if the entry is of a newer layout.
func DecodeEntry(b []byte) (Committed, error) {
	var c Committed
	if len(b) < 1+4 {
		return c, fmt.Errorf("%w: a log entry of %d bytes", ErrCorrupt, len(b))
	}
	body := b[:len(b)-4]
	if crc32.Checksum(body, castagnoli) != binary.BigEndian.Uint32(b[len(body):]) {
		return c, fmt.Errorf("%w: the checksum of a log entry", ErrCorrupt)
	}
	if body[0] != entryVersion {
		return c, fmt.Errorf("%w: a log entry of layout %d", ErrVersion, body[0])
	}
	r := entryReader{rest: body[1:]}
	c.Revision = int64(r.uvarint())
	c.Epoch = int64(r.uvarint())
	c.Time = time.UnixMicro(r.varint()).UTC()
	n := r.uvarint()
	if n > uint64(len(r.rest))/2 { // an op has two bytes at least
		r.bad = true
	} else if n > 0 {
		c.Ops = make([]Op, n)
	}
	for i := range c.Ops {
		c.Ops[i].Key = string(r.bytes())
		switch r.byte() {
		case 0:
		case 1:
			c.Ops[i].Value = r.bytes()
		default:
			r.bad = true
		}
	}
	if n := r.uvarint(); n > uint64(len(r.rest)) { // an event has one byte at least
		r.bad = true
	} else if n > 0 {
		c.Events = make([][]byte, n)
	}
	for i := range c.Events {
		c.Events[i] = r.bytes()
	}
	if r.bad || len(r.rest) > 0 || c.Revision < 0 || c.Epoch < 0 {
		return Committed{}, fmt.Errorf("%w: the layout of a log entry", ErrCorrupt)
	}
	return c, nil
}

// entryReader reads fields off the front. After a bad one all are zero.
type entryReader struct {
	rest []byte
	bad  bool
}

func (r *entryReader) took(n int, ok bool) {
	if !ok || r.bad {
		r.bad, r.rest = true, nil
		return
	}
	r.rest = r.rest[n:]
}

func (r *entryReader) uvarint() uint64 {
	v, n := binary.Uvarint(r.rest)
	r.took(n, n > 0)
	return v
}

func (r *entryReader) varint() int64 {
	v, n := binary.Varint(r.rest)
	r.took(n, n > 0)
	return v
}

func (r *entryReader) byte() byte {
	if len(r.rest) == 0 {
		r.bad = true
		return 0
	}
	v := r.rest[0]
	r.took(1, true)
	return v
}

// bytes is never nil, and cannot be appended to in place.
func (r *entryReader) bytes() []byte {
	n := r.uvarint()
	if r.bad || n > uint64(len(r.rest)) {
		r.took(0, false)
		return []byte{}
	}
	v := r.rest[:n:n]
	if v == nil {
		v = []byte{}
	}
	r.took(int(n), true)
	return v
}
