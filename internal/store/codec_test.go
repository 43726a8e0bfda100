package store

import (
	"bytes"
	"errors"
	"hash/crc32"
	"reflect"
	"strings"
	"testing"
	"time"
)

func entries() []Committed {
	at := time.Date(2026, 2, 3, 4, 5, 6, 7000, time.UTC)
	return []Committed{
		{},
		{Revision: 1, Epoch: 1, Time: at},
		{Revision: 2, Epoch: 1, Time: at, Ops: []Op{{Key: "a", Value: []byte("x")}}},
		{Revision: 3, Epoch: 1, Time: at, Events: [][]byte{[]byte("{}")}},
		{Revision: 4, Epoch: 1, Time: at, Ops: []Op{{Key: "a"}}, Events: [][]byte{{}, bytes.Repeat([]byte("e"), 70_000)}},
		{Revision: 1 << 62, Epoch: 1 << 40, Time: time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), Ops: []Op{
			{Key: "deleted"},
			{Key: "empty", Value: []byte{}},
			{Key: "\x00\xff", Value: []byte{0, 1, 0xff}},
			{Key: strings.Repeat("k", MaxKey), Value: bytes.Repeat([]byte("v"), 100_000)},
		}},
	}
}

func TestEntryRoundTrip(t *testing.T) {
	for _, want := range entries() {
		got, err := DecodeEntry(EncodeEntry(&want))
		if err != nil {
			t.Fatal(err)
		}
		if !got.Time.Equal(want.Time) {
			t.Errorf("time %v, want %v", got.Time, want.Time)
		}
		got.Time, want.Time = time.Time{}, time.Time{}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("revision %d: came back as %+v", want.Revision, got)
		}
	}
}

func TestEntryDamage(t *testing.T) {
	good := EncodeEntry(&entries()[2])
	for i := range good {
		if _, err := DecodeEntry(good[:i]); !errors.Is(err, ErrCorrupt) {
			t.Errorf("cut to %d bytes: %v", i, err)
		}
		for bit := range 8 {
			bad := bytes.Clone(good)
			bad[i] ^= 1 << bit
			if _, err := DecodeEntry(bad); !errors.Is(err, ErrCorrupt) {
				t.Errorf("bit %d of byte %d turned: %v", bit, i, err)
			}
		}
	}
	// With a checksum that fits, the layout itself is looked at.
	for name, body := range map[string]string{
		"nothing":         "\x02",
		"ops missing":     "\x02\x01\x01\x00\x02\x01a\x00",
		"too many ops":    "\x02\x01\x01\x00\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
		"long key":        "\x02\x01\x01\x00\x01\x09a\x00",
		"kind of op":      "\x02\x01\x01\x00\x01\x01a\x02",
		"value missing":   "\x02\x01\x01\x00\x01\x01a\x01",
		"long value":      "\x02\x01\x01\x00\x01\x01a\x01\x05v",
		"trailing":        "\x02\x01\x01\x00\x00!",
		"huge revision":   "\x02\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x01\x00\x00",
		"endless number":  "\x02\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
		"too many events": "\x02\x01\x01\x00\x00\xff\x7f",
		"long event":      "\x02\x01\x01\x00\x00\x01\x05e",
		"events missing":  "\x02\x01\x01\x00\x00",
	} {
		if _, err := DecodeEntry(sum(body)); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := DecodeEntry(sum("\x03\x01\x01\x00\x00\x00")); !errors.Is(err, ErrVersion) {
		t.Errorf("a newer layout: %v", err)
	}
}

func sum(body string) []byte {
	n := crc32.Checksum([]byte(body), castagnoli)
	return append([]byte(body), byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
}

// FuzzEntry gives the fuzzer the body alone and sums it itself; otherwise it would
// not get past the checksum.
func FuzzEntry(f *testing.F) {
	for _, c := range entries()[:3] {
		b := EncodeEntry(&c)
		f.Add(b[:len(b)-4])
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		c, err := DecodeEntry(sum(string(body)))
		if err != nil {
			return
		}
		again, err := DecodeEntry(EncodeEntry(&c))
		if err != nil || !reflect.DeepEqual(c, again) {
			t.Errorf("%+v came back as %+v, %v", c, again, err)
		}
	})
}

func TestCheck(t *testing.T) {
	long := strings.Repeat("k", MaxKey+1)
	for name, c := range map[string]struct {
		batch Batch
		good  bool
	}{
		"nothing":           {Batch{}, true},
		"longest key":       {Batch{Ops: []Op{{Key: long[1:], Value: []byte{}}}}, true},
		"no key":            {Batch{Ops: []Op{{Key: "", Value: []byte{}}}}, false},
		"long key":          {Batch{Ops: []Op{{Key: long}}}, false},
		"largest value":     {Batch{Ops: []Op{{Key: "a", Value: make([]byte, MaxValue)}}}, true},
		"large value":       {Batch{Ops: []Op{{Key: "a", Value: make([]byte, MaxValue+1)}}}, false},
		"large in all":      {Batch{Ops: slicesRepeat(Op{Key: "a", Value: make([]byte, MaxValue)}, 4)}, false},
		"guard, no key":     {Batch{Guards: []Guard{{}}}, false},
		"guard, long key":   {Batch{Guards: []Guard{{Key: long}}}, false},
		"guard on absence":  {Batch{Guards: []Guard{{Key: "a"}}}, true},
		"guard, negative":   {Batch{Guards: []Guard{{Key: "a", Revision: -1}}}, false},
		"guard on presence": {Batch{Guards: []Guard{{Key: "a", Revision: 1}}}, true},
	} {
		err := c.batch.Check()
		if c.good && err != nil || !c.good && !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func slicesRepeat(op Op, n int) []Op {
	ops := make([]Op, n)
	for i := range ops {
		ops[i] = op
	}
	return ops
}
