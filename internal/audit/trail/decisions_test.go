package trail

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

func decisions(t *testing.T, x *Index, from, to time.Time) (got []string) {
	t.Helper()
	for block, err := range x.Decisions(t.Context(), from, to) {
		if err != nil {
			t.Fatal(err)
		}
		text, err := block.Unpack(nil)
		if err != nil {
			t.Fatal(err)
		}
		for d := range EachDecision(text) {
			got = append(got, fmt.Sprintf("%s %s %s", d.EventID, d.Account, d.Record))
		}
	}
	return got
}

// Records of decisions come back by day, those of data events too, which the event
// history has not; and go with their day.
func TestDecisions(t *testing.T) {
	x, err := OpenIndex("")
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	day := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	var entries []*Entry
	var want [2][]string
	for i := range 3 * decisionRecords {
		d := i % 2
		e := &Entry{ID: fmt.Sprintf("e%d", i), Name: "n", Account: "111122223333", Time: day.AddDate(0, 0, d).Add(time.Duration(i)), JSON: []byte("{}")}
		if i%5 == 0 {
			e.Category = Data
		}
		if i%3 != 0 {
			e.Record = fmt.Appendf(nil, `{"n":%d}`, i)
			want[d] = append(want[d], fmt.Sprintf("e%d 111122223333 {\"n\":%d}", i, i))
		}
		entries = append(entries, e)
	}
	if err := x.Add(t.Context(), "s", 1, entries[:700]); err != nil {
		t.Fatal(err)
	}
	if err := x.Add(t.Context(), "s", 2, entries[700:]); err != nil {
		t.Fatal(err)
	}
	all := slices.Concat(want[0], want[1])
	if got := decisions(t, x, time.Time{}, time.Time{}); !slices.Equal(got, all) {
		t.Errorf("%d records, want %d", len(got), len(all))
	}
	if got := decisions(t, x, day.AddDate(0, 0, 1), time.Time{}); !slices.Equal(got, want[1]) {
		t.Errorf("from the second day: %d records, want %d", len(got), len(want[1]))
	}
	if got := decisions(t, x, time.Time{}, day); !slices.Equal(got, want[0]) {
		t.Errorf("up to the first day: %d records, want %d", len(got), len(want[0]))
	}
	if got := decisions(t, x, day.AddDate(0, 0, 2), time.Time{}); got != nil {
		t.Errorf("after the last day: %d records", len(got))
	}
	for _, tc := range []struct {
		id   string
		want int
	}{{"e1", 1}, {"e5", 0}} {
		page, err := x.Find(t.Context(), Query{Account: "111122223333", Attribute: EventID, Value: tc.id})
		if err != nil || len(page.Entries) != tc.want {
			t.Errorf("%s: %d events, %v, want %d", tc.id, len(page.Entries), err, tc.want)
		}
	}
	if err := x.Retire(t.Context(), day.AddDate(0, 0, 1)); err != nil {
		t.Fatal(err)
	}
	if got := decisions(t, x, time.Time{}, time.Time{}); !slices.Equal(got, want[1]) {
		t.Errorf("after the first day was retired: %d records, want %d", len(got), len(want[1]))
	}
}

// An entry's record goes through the log's form, and white space in it does no harm.
func TestEntryRecord(t *testing.T) {
	e := &Entry{ID: "x", Name: "n", Account: "111122223333", Category: Data, Time: time.Unix(1, 0).UTC(), JSON: []byte("{\t\"a\":\n1}"), Record: []byte("{\"b\":\t2}")}
	text, err := e.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	var got Entry
	if err := got.UnmarshalBinary(text); err != nil {
		t.Fatal(err)
	}
	if string(got.JSON) != `{"a":1}` || string(got.Record) != `{"b":2}` || got.Category != Data {
		t.Errorf("%s, %s, %s", got.JSON, got.Record, got.Category)
	}
}
