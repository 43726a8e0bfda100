package trail

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func mustOpenIndex(t *testing.T, path string) *Index {
	t.Helper()
	x, err := OpenIndex(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { x.Close() })
	return x
}

func mustAdd(t *testing.T, x *Index, source string, position int64, entries ...*Entry) {
	t.Helper()
	if err := x.Add(t.Context(), source, position, entries); err != nil {
		t.Fatal(err)
	}
}

// ids are those of all events that a query finds, page by page.
func ids(t *testing.T, x *Index, q Query) []string {
	t.Helper()
	var all []string
	for {
		p, err := x.Find(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range p.Entries {
			all = append(all, e.ID)
		}
		if p.Next == "" {
			return all
		}
		if len(p.Entries) == 0 {
			t.Fatal("an empty page with more after it")
		}
		q.After = p.Next
	}
}

func forBoth(t *testing.T, fn func(t *testing.T, x *Index)) {
	t.Run("memory", func(t *testing.T) { fn(t, mustOpenIndex(t, "")) })
	t.Run("file", func(t *testing.T) { fn(t, mustOpenIndex(t, filepath.Join(t.TempDir(), "a b%?#.db"))) })
}

// TestFindAgainstScan fills an index from two sources in batches of many sizes, and
// compares what it finds with a scan over all events, for every attribute.
func TestFindAgainstScan(t *testing.T) {
	forBoth(t, func(t *testing.T, x *Index) {
		s := newSample(start, 10*time.Minute) // 3,000 events in some 20 days
		var all []*Entry
		position := map[string]int64{}
		for len(all) < 3000 {
			batch := make([]*Entry, 1+s.r.IntN(100)*s.r.IntN(2))
			for i := range batch {
				batch[i] = s.next()
				batch[i].ReadOnly = s.n%3 == 0
				batch[i].Category = []Category{Management, Insight, Data, Management}[s.n%4]
				if s.n%5 == 0 { // arrives late, or at the same moment as others
					batch[i].Time = batch[i].Time.Add(-50 * time.Hour).Truncate(24 * time.Hour)
				}
			}
			all = append(all, batch...)
			source := []string{"log", "store"}[s.r.IntN(2)]
			position[source]++
			mustAdd(t, x, source, position[source], batch...)
		}
		some := all[len(all)/2]
		some.Username = "" // no longer found, as it is in the index with one
		queries := []Query{
			{}, {From: some.Time}, {To: some.Time}, {From: some.Time.Add(-100 * time.Hour), To: some.Time}, {From: some.Time, To: some.Time},
			{From: some.Time, To: some.Time.Add(-time.Hour)}, {From: start.Add(-1000 * time.Hour), To: start.Add(-500 * time.Hour)},
		}
		for _, a := range []struct {
			attribute Attribute
			value     string
		}{
			{EventID, some.ID}, {EventName, "GetUser"}, {EventSource, "sts.amazonaws.com"}, {ReadOnly, "true"}, {ReadOnly, "false"},
			{Username, "user-7"}, {AccessKeyID, some.AccessKeyID}, {ResourceType, "AWS::IAM::User"},
			{ResourceName, "arn:aws:iam::111122223333:role/service-99"}, {EventName, "getuser"}, {EventName, "NoSuchEvent"}, {Username, ""}, {ReadOnly, "True"},
		} {
			queries = append(queries, Query{Attribute: a.attribute, Value: a.value}, Query{Attribute: a.attribute, Value: a.value, From: some.Time.Add(-30 * time.Hour), To: some.Time})
		}
		queries = append(queries, Query{Category: Insight}, Query{Category: Insight, Attribute: EventName, Value: "GetUser"})
		for _, account := range []string{"111122223333", "444455556666", "000000000000"} {
			for _, q := range queries {
				q.Account, q.Limit = account, 20+s.r.IntN(100)
				var want []string
				for _, e := range all {
					if e.has(&q) && (q.From.IsZero() || e.Time.UnixMilli() >= q.From.UnixMilli()) && (q.To.IsZero() || e.Time.UnixMilli() <= q.To.UnixMilli()) {
						want = append(want, e.ID)
					}
				}
				got := ids(t, x, q)
				at := map[string]int64{}
				for _, e := range all {
					at[e.ID] = e.Time.UnixMilli()
				}
				if !slices.IsSortedFunc(got, func(a, b string) int { return cmp.Compare(at[b], at[a]) }) {
					t.Errorf("%+v: not the newest first", q)
				}
				slices.Sort(want)
				slices.Sort(got)
				if !slices.Equal(got, want) {
					t.Errorf("%+v: %d found, want %d", q, len(got), len(want))
				}
			}
		}
	})
}

func TestEntriesComeBackWhole(t *testing.T) {
	forBoth(t, func(t *testing.T, x *Index) {
		e := newSample(start, time.Second).next()
		e.Time = e.Time.Add(123456)
		e.Resources = []Resource{{"AWS::IAM::Role", "a"}, {"AWS::IAM::Role", "b"}, {"", "a"}}
		mustAdd(t, x, "log", 1, e)
		p, err := x.Find(t.Context(), Query{Account: e.Account, Attribute: ResourceName, Value: "a"})
		if err != nil || len(p.Entries) != 1 || fmt.Sprintf("%+v", p.Entries[0]) != fmt.Sprintf("%+v", e) {
			t.Errorf("%+v, %v", p, err)
		}
	})
}

// TestPagingWhileEventsArrive: pages neither overlap nor leave out.
func TestPagingWhileEventsArrive(t *testing.T) {
	forBoth(t, func(t *testing.T, x *Index) {
		var want []string
		for i := range 100 {
			e := numbered(i)
			e.Time = start.Add(time.Duration(i/7) * 5 * time.Hour) // seven at a time
			mustAdd(t, x, "log", int64(i+1), e)
			want = append(want, e.ID)
		}
		slices.Reverse(want)
		var got []string
		q := Query{Account: "111122223333", Attribute: EventName, Value: "GetUser", Limit: 3}
		for i := 100; ; i++ {
			p, err := x.Find(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range p.Entries {
				got = append(got, e.ID)
			}
			if p.Next == "" {
				break
			}
			q.After = p.Next
			e := numbered(i)
			e.Time = start.Add(1000 * time.Hour)
			mustAdd(t, x, "log", int64(i+1), e)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
	})
}

func TestAddIsIdempotent(t *testing.T) {
	path := filepath.Join(t.TempDir(), "index.db")
	x := mustOpenIndex(t, path)
	for range 2 {
		mustAdd(t, x, "log", 5, numbered(1), numbered(2))
		mustAdd(t, x, "store", 3, numbered(3))
		mustAdd(t, x, "log", 4, numbered(4)) // behind
		mustAdd(t, x, "log", 9)              // positions without events count too
		x.Close()
		x = mustOpenIndex(t, path)
	}
	for source, want := range map[string]int64{"log": 9, "store": 3, "other": 0} {
		if got, err := x.Position(t.Context(), source); got != want || err != nil {
			t.Errorf("%s is at %d, %v", source, got, err)
		}
	}
	if got := ids(t, x, Query{Account: "111122223333"}); fmt.Sprint(got) != "[event-3 event-2 event-1]" {
		t.Errorf("%v", got)
	}
	// A batch that fails leaves neither events nor position.
	if err := x.Add(t.Context(), "log", 10, []*Entry{numbered(5), {Time: start, JSON: []byte("not\nJSON")}}); err == nil {
		t.Error("taken")
	}
	if got, _ := x.Position(t.Context(), "log"); got != 9 || len(ids(t, x, Query{Account: "111122223333"})) != 3 {
		t.Errorf("at %d", got)
	}
}

func TestQueriesRefused(t *testing.T) {
	x := mustOpenIndex(t, "")
	mustAdd(t, x, "log", 1, numbered(1), numbered(2), numbered(3))
	good := Query{Account: "111122223333", Attribute: EventName, Value: "GetUser", Limit: 1}
	p, err := x.Find(t.Context(), good)
	if err != nil || p.Next == "" {
		t.Fatal(p, err)
	}
	for name, c := range map[string]struct {
		change func(q *Query)
		want   error
	}{
		"no account":                {func(q *Query) { q.Account = "" }, ErrQuery},
		"an unknown attribute":      {func(q *Query) { q.Attribute = "eventname" }, ErrQuery},
		"a value alone":             {func(q *Query) { q.Attribute = "" }, ErrQuery},
		"a negative limit":          {func(q *Query) { q.Limit = -1 }, ErrQuery},
		"a large limit":             {func(q *Query) { q.Limit = MaxLimit + 1 }, ErrQuery},
		"nonsense for a token":      {func(q *Query) { q.After = "nonsense" }, ErrToken},
		"half a token":              {func(q *Query) { q.After = p.Next[:len(p.Next)-2] }, ErrToken},
		"more than a token":         {func(q *Query) { q.After = p.Next + "AAAA" }, ErrToken},
		"a token of another value":  {func(q *Query) { q.After, q.Value = p.Next, "PutUser" }, ErrToken},
		"a token of another person": {func(q *Query) { q.After, q.Account = p.Next, "444455556666" }, ErrToken},
		"a token of other times":    {func(q *Query) { q.After, q.From = p.Next, start }, ErrToken},
	} {
		q := good
		c.change(&q)
		if _, err := x.Find(t.Context(), q); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Values whose hashes are the same are told apart by the events themselves.
func TestCollision(t *testing.T) {
	x := mustOpenIndex(t, "")
	mustAdd(t, x, "log", 1, numbered(1), numbered(2), numbered(3))
	key := postingKey(dayOf(start.UnixMilli()), "111122223333", EventID, "event-2")
	for ref := range 3 {
		if _, err := x.writers.Exec(`INSERT OR IGNORE INTO posting (key, time, ref) VALUES (?, ?, ?)`, key, start.Add(time.Duration(ref+1)*time.Second).UnixMilli(), blockEntries+ref); err != nil {
			t.Fatal(err)
		}
	}
	if got := ids(t, x, Query{Account: "111122223333", Attribute: EventID, Value: "event-2", Limit: 1}); fmt.Sprint(got) != "[event-2]" {
		t.Errorf("%v", got)
	}
}

func TestIndexRetire(t *testing.T) {
	forBoth(t, func(t *testing.T, x *Index) {
		s := newSample(start, 10*time.Second)
		for i := range 5 { // some 30 hours, and more rows than one step takes
			batch := make([]*Entry, 2000)
			for i := range batch {
				batch[i] = s.next()
			}
			mustAdd(t, x, "log", int64(i+1), batch...)
		}
		before := ids(t, x, Query{Account: "111122223333", From: start.Add(24 * time.Hour), Limit: 1000})
		if err := x.Retire(t.Context(), start.Add(30*time.Hour)); err != nil {
			t.Fatal(err)
		}
		after := ids(t, x, Query{Account: "111122223333", Limit: 1000})
		if !slices.Equal(before, after) || len(before) == 0 {
			t.Errorf("%d events, want %d", len(after), len(before))
		}
		for table, want := range map[string]string{"posting": fmt.Sprint("key >= ", firstKey(dayOf(start.UnixMilli())+1)), "block": fmt.Sprint("id >= ", blockID(dayOf(start.UnixMilli())+1, 0))} {
			var n int
			if err := x.readers.QueryRow("SELECT count(*) FROM " + table + " WHERE NOT " + want).Scan(&n); err != nil || n != 0 {
				t.Errorf("%s has %d rows of what was retired, %v", table, n, err)
			}
		}
		if got, _ := x.Position(t.Context(), "log"); got != 5 {
			t.Errorf("at %d", got)
		}
		if err := x.Retire(t.Context(), start.Add(1000*time.Hour)); err != nil {
			t.Fatal(err)
		}
		if got := ids(t, x, Query{Account: "111122223333"}); len(got) != 0 {
			t.Errorf("%d left", len(got))
		}
	})
}

// Times that no event should have do no harm.
func TestStrangeTimes(t *testing.T) {
	x := mustOpenIndex(t, "")
	for i, at := range []time.Time{{}, time.Unix(0, 0), start, time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)} {
		e := numbered(i)
		e.Time = at
		mustAdd(t, x, "log", int64(i+1), e)
	}
	for limit := range 5 {
		if got := ids(t, x, Query{Account: "111122223333", Limit: limit + 1}); fmt.Sprint(got) != "[event-4 event-3 event-2 event-1 event-0]" {
			t.Errorf("%v", got)
		}
	}
}

// TestQueryPlans: every statement of a search, and of what is done beside it, uses an
// index, reads in its order, and scans and sorts nothing.
func TestQueryPlans(t *testing.T) {
	x := mustOpenIndex(t, filepath.Join(t.TempDir(), "index.db"))
	for statement, want := range map[string]string{
		findInDay:      "SEARCH posting USING PRIMARY KEY (key=? AND time>? AND (time,ref)<(?,?))",
		dayBefore:      "SEARCH posting USING PRIMARY KEY (key<?)",
		findABlock:     "SEARCH block USING INTEGER PRIMARY KEY (rowid=?)",
		lastBlock:      "SEARCH block USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)",
		retireBoundary: "SEARCH posting USING PRIMARY KEY (key<?)",
		retirePostings: "SEARCH posting USING PRIMARY KEY ((key,time,ref)<(?,?,?))",
		retireBlocks:   "SEARCH block USING INTEGER PRIMARY KEY (rowid<?)",
	} {
		args := make([]any, strings.Count(statement, "?"))
		if statement == lastBlock {
			args = args[:2]
		}
		for i := range args {
			args[i] = 1
		}
		rows, err := x.readers.Query("EXPLAIN QUERY PLAN "+statement, args...)
		if err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
		var plan []string
		for rows.Next() {
			var id, parent, unused int
			var detail string
			if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
				t.Fatal(err)
			}
			plan = append(plan, detail)
		}
		rows.Close()
		if got := strings.Join(plan, "; "); got != want {
			t.Errorf("%s:\n%s, want\n%s", statement, got, want)
		}
	}
}

func TestRemade(t *testing.T) {
	for name, spoil := range map[string]func(t *testing.T, path string){
		"nonsense": func(t *testing.T, path string) { os.WriteFile(path, []byte(strings.Repeat("nonsense", 1000)), 0o600) },
		"newer": func(t *testing.T, path string) {
			x := mustOpenIndex(t, path)
			if _, err := x.writers.Exec(`PRAGMA user_version = 99`); err != nil {
				t.Fatal(err)
			}
			x.Close()
		},
	} {
		path := filepath.Join(t.TempDir(), "index.db")
		x := mustOpenIndex(t, path)
		mustAdd(t, x, "log", 1, numbered(1))
		x.Close()
		spoil(t, path)
		x = mustOpenIndex(t, path)
		if got, err := x.Position(t.Context(), "log"); got != 0 || err != nil {
			t.Errorf("%s: at %d, %v", name, got, err)
		}
		mustAdd(t, x, "log", 1, numbered(1))
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode %v, %v", name, info.Mode(), err)
		}
		x.Close()
	}
	// Another program's database is left alone.
	path := filepath.Join(t.TempDir(), "other.db")
	x := mustOpenIndex(t, path)
	if _, err := x.writers.Exec(`PRAGMA application_id = 1`); err != nil {
		t.Fatal(err)
	}
	x.Close()
	if _, err := OpenIndex(path); !errors.Is(err, ErrCorrupt) {
		t.Errorf("%v", err)
	}
}

// TestFindWhileAdding finds and adds at the same time.
func TestFindWhileAdding(t *testing.T) {
	forBoth(t, func(t *testing.T, x *Index) {
		ctx, cancel := context.WithCancel(t.Context())
		failed := make(chan error, 1)
		go func() {
			defer close(failed)
			for ctx.Err() == nil {
				p, err := x.Find(ctx, Query{Account: "111122223333", Limit: 1 + rand.IntN(50)})
				if err != nil && ctx.Err() == nil {
					failed <- err
					return
				}
				for i := 1; err == nil && i < len(p.Entries); i++ {
					if p.Entries[i].Time.After(p.Entries[i-1].Time) {
						failed <- errors.New("not the newest first")
						return
					}
				}
			}
		}()
		for i := range 50 {
			mustAdd(t, x, "log", int64(i+1), numbered(2*i), numbered(2*i+1))
		}
		cancel()
		if err := <-failed; err != nil {
			t.Error(err)
		}
	})
}
