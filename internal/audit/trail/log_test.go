package trail

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

var start = time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC)

// quick is a disk that does not wait for the hardware.
var quick = disk{write: realDisk.write, sync: func(*os.File) error { return nil }}

func mustOpen(t *testing.T, dir string, o Options) *Log {
	t.Helper()
	l, err := openLog(dir, o, quick)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// numbered is an event that can be told by its number.
func numbered(n int) *Entry {
	return &Entry{
		ID: fmt.Sprint("event-", n), Name: "GetUser", Source: "iam.amazonaws.com", Account: "111122223333",
		Time: start.Add(time.Duration(n) * time.Second), JSON: fmt.Appendf(nil, `{"n":%d}`, n),
	}
}

// appendGroups appends events, each a group of its own, so that segments end where
// their size says.
func appendGroups(t *testing.T, l *Log, from, n int) {
	t.Helper()
	for i := range n {
		if err := l.Append(t.Context(), numbered(from+i)); err != nil {
			t.Fatal(err)
		}
		if err := l.Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// read is all that is in a folder, in words.
func read(t *testing.T, dir string, after int64) []string {
	t.Helper()
	var all []string
	for r, err := range Read(t.Context(), dir, after) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, words(r))
	}
	return all
}

func words(r Record) string {
	switch {
	case r.Entry != nil:
		return fmt.Sprint(r.Position, " ", r.Entry.ID)
	case r.Gap != nil:
		return fmt.Sprint(r.Position, " ", r.Gap.Cause, " ", r.Gap.Lost)
	}
	return fmt.Sprint(r.Position)
}

func mustVerify(t *testing.T, dir string, known ...Head) *Report {
	t.Helper()
	r, err := Verify(t.Context(), dir, known...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func wantSound(t *testing.T, dir string, known ...Head) *Report {
	t.Helper()
	r := mustVerify(t, dir, known...)
	if !r.OK() {
		t.Fatalf("problems: %v", r.Problems)
	}
	return r
}

func TestEntriesComeBack(t *testing.T) {
	dir := t.TempDir()
	l := mustOpen(t, dir, Options{})
	entries := []*Entry{
		{ID: "1", Name: "AssumeRole", Source: "sts.amazonaws.com", Username: "tab\tand\nnewline", AccessKeyID: "AKIA", Account: "111122223333",
			Time: start.Add(123456789), ReadOnly: true, Resources: []Resource{{"AWS::IAM::Role", "arn:aws:iam::111122223333:role/a"}, {"", "b"}}, JSON: []byte(`{"a":"b\tc"}`)},
		{Time: start, JSON: []byte(`not JSON, but one line`)},
		{Time: start, JSON: []byte{}},
	}
	for _, e := range entries {
		if err := l.Append(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Append(t.Context(), &Entry{Time: start, JSON: []byte("{\n  \"a\": 1\n}\n")}); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	entries = append(entries, &Entry{Time: start, JSON: []byte(`{"a":1}`)})
	i := 0
	for r, err := range Read(t.Context(), dir, 0) {
		if err != nil {
			t.Fatal(err)
		}
		if i < len(entries) && !reflect.DeepEqual(r.Entry, entries[i]) {
			t.Errorf("%d: %+v, want %+v", i, r.Entry, entries[i])
		}
		i++
	}
	if i != len(entries)+1 { // and the mark of the end
		t.Errorf("%d records", i)
	}
	if r := wantSound(t, dir); !r.Closed || r.Events != 4 || r.Head.Position != 5 || r.Log != l.ID() {
		t.Errorf("%+v", r)
	}
}

func TestWhatCannotBeKeptIsCounted(t *testing.T) {
	dir := t.TempDir()
	l := mustOpen(t, dir, Options{})
	for _, json := range []string{"not\nJSON", strings.Repeat("x", MaxEntry)} {
		if err := l.Append(t.Context(), &Entry{JSON: []byte(json)}); !errors.Is(err, ErrLost) {
			t.Errorf("%.10q: %v", json, err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if got := read(t, dir, 0); fmt.Sprint(got) != "[1 overload 2 2]" {
		t.Errorf("%v", got)
	}
	if err := l.Append(t.Context(), numbered(1)); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

// A disk that stands still: the queue fills, callers wait once and not again, what
// is lost is counted, and when the disk comes back the log says so.
func TestOverload(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		stands := make(chan struct{})
		var stand atomic.Bool
		d := disk{write: realDisk.write, sync: func(*os.File) error {
			if stand.Load() {
				<-stands
			}
			return nil
		}}
		l, err := openLog(dir, Options{Queue: 1000, Wait: 100 * time.Millisecond}, d)
		if err != nil {
			t.Fatal(err)
		}
		stand.Store(true)
		if err := l.Append(t.Context(), numbered(0)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second) // it is with the disk now
		taken, lost := 1, 0
		began := time.Now()
		for i := range 100 {
			err := l.Append(t.Context(), numbered(i+1))
			switch {
			case err == nil && lost > 0:
				t.Fatal("taken after one was lost")
			case err == nil:
				taken++
			case errors.Is(err, ErrLost):
				lost++
			default:
				t.Fatal(err)
			}
		}
		if waited := time.Since(began); waited != 100*time.Millisecond {
			t.Errorf("the callers waited %v in all", waited)
		}
		if s := l.Stats(); s.Lost != int64(lost) || s.Accepted != int64(taken) || s.Queued > 1000 || taken < 4 || taken > 10 {
			t.Errorf("%d taken, %d lost: %+v", taken, lost, s)
		}
		stand.Store(false)
		close(stands)
		if err := l.Append(t.Context(), numbered(101)); err != nil { // waits for the disk or is taken
			t.Logf("the queue was not yet empty: %v", err)
			lost++
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		var told int64
		for r, err := range Read(t.Context(), dir, 0) {
			if err != nil {
				t.Fatal(err)
			}
			if r.Gap != nil {
				told += r.Gap.Lost
				if r.Gap.Cause != Overload || r.Gap.Since.IsZero() || r.Gap.Until.Before(r.Gap.Since) {
					t.Errorf("%+v", r.Gap)
				}
			}
		}
		if told != int64(lost) {
			t.Errorf("the log tells of %d lost, %d were", told, lost)
		}
	})
	wantSound(t, dir)
}

func TestAppendEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stands := make(chan struct{})
		var stand atomic.Bool
		d := disk{write: realDisk.write, sync: func(*os.File) error {
			if stand.Load() {
				<-stands
			}
			return nil
		}}
		l, err := openLog(t.TempDir(), Options{Queue: 100, Wait: time.Hour}, d)
		if err != nil {
			t.Fatal(err)
		}
		stand.Store(true)
		l.Append(t.Context(), numbered(0))
		time.Sleep(time.Second)
		l.Append(t.Context(), numbered(1))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := l.Append(ctx, numbered(2)); !errors.Is(err, ErrLost) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		close(stands)
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
}

// A disk that fails, before and after it has written a part: the same events are
// written again, and nothing stands twice or is missing.
func TestDiskFails(t *testing.T) {
	for _, size := range []int64{1 << 20, 1} { // in one segment; at the start of each
		dir := t.TempDir()
		synctest.Test(t, func(t *testing.T) {
			var fails atomic.Int32
			broken := errors.New("broken")
			d := disk{
				write: func(f *os.File, b []byte, offset int64) error {
					if fails.Load()%3 == 1 {
						f.WriteAt(b[:len(b)/2], offset)
						fails.Add(-1)
						return broken
					}
					return realDisk.write(f, b, offset)
				},
				sync: func(*os.File) error {
					if fails.Load() > 0 {
						fails.Add(-1)
						return broken
					}
					return nil
				},
			}
			l, err := openLog(dir, Options{SegmentSize: size}, d)
			if err != nil {
				t.Fatal(err)
			}
			for i := range 5 {
				fails.Store(int32(2 + i))
				if err := l.Append(t.Context(), numbered(i)); err != nil {
					t.Fatal(err)
				}
				if err := l.Sync(t.Context()); !errors.Is(err, broken) {
					t.Errorf("Sync on a broken disk: %v", err)
				}
				time.Sleep(time.Minute)
				if err := l.Sync(t.Context()); err != nil {
					t.Errorf("Sync on a mended disk: %v", err)
				}
			}
			fails.Store(1000)
			l.Append(t.Context(), numbered(5))
			if err := l.Close(); !errors.Is(err, broken) {
				t.Errorf("Close on a broken disk: %v", err)
			}
		})
		got := fmt.Sprint(read(t, dir, 0))
		if want := "[1 event-0 2 event-1 3 event-2 4 event-3 5 event-4"; !strings.HasPrefix(got, want) {
			t.Errorf("size %d: %v", size, got)
		}
		l := mustOpen(t, dir, Options{})
		l.Close()
		if r := wantSound(t, dir); len(r.Gaps) != 1 || r.Gaps[0].Gap.Cause != Crash {
			t.Errorf("%+v", r)
		}
	}
}

func TestOneWriter(t *testing.T) {
	dir := t.TempDir()
	l := mustOpen(t, dir, Options{})
	if _, err := OpenLog(dir, Options{}); !errors.Is(err, ErrLocked) {
		t.Errorf("%v", err)
	}
	l.Close()
	mustOpen(t, dir, Options{})
}

func TestSegments(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		l, err := openLog(dir, Options{SegmentAge: time.Hour}, quick)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 6 {
			appendGroups(t, l, i, 1)
			time.Sleep(31 * time.Minute)
		}
		if firsts, _ := segments(dir); fmt.Sprint(firsts) != "[1 3 5]" {
			t.Errorf("segments %v", firsts)
		}
		wantSound(t, dir, l.Head())
		// The first segment's last event is older than the second segment.
		if n, err := l.Retire(t.Context(), time.Now().Add(-3*time.Hour)); n != 0 || err != nil {
			t.Errorf("%d retired, %v", n, err)
		}
		old := l.Head()
		if n, err := l.Retire(t.Context(), time.Now().Add(-90*time.Minute)); n != 1 || err != nil {
			t.Errorf("%d retired, %v", n, err)
		}
		if got := fmt.Sprint(read(t, dir, 1)); got != "[2 retired 1 3 event-2 4 event-3 5 event-4 6 event-5 7]" {
			t.Errorf("%v", got)
		}
		// The mark of it has begun a segment; all before may go.
		if n, err := l.Retire(t.Context(), time.Now().Add(time.Hour)); n != 2 || err != nil {
			t.Errorf("%d retired, %v", n, err)
		}
		if got := fmt.Sprint(read(t, dir, 0)); got != "[6 retired 6 7 8]" {
			t.Errorf("%v", got)
		}
		r := wantSound(t, dir, old, Head{Position: 2}, l.Head()) // of what is gone nothing can be said
		if r.First != 7 || r.Closed {
			t.Errorf("%+v", r)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	})
	// Going on in another process.
	l := mustOpen(t, dir, Options{SegmentSize: 1})
	appendGroups(t, l, 10, 2)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(read(t, dir, 8)); got != "[9 10 event-10 11 event-11 12]" {
		t.Errorf("%v", got)
	}
	if r := wantSound(t, dir); r.Log != l.ID() || !r.Closed {
		t.Errorf("%+v", r)
	}
}

func TestFollow(t *testing.T) {
	l := mustOpen(t, t.TempDir(), Options{SegmentSize: 300})
	appendGroups(t, l, 1, 5)
	got := make(chan string, 100)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for r, err := range l.Follow(t.Context(), 3) {
			if err != nil {
				t.Error(err)
			}
			got <- words(r)
		}
	}()
	for i := 4; i <= 30; i++ {
		if i > 5 {
			appendGroups(t, l, i, 1)
		}
		if g, want := <-got, fmt.Sprintf("%d event-%d", i, i); g != want {
			t.Fatalf("%s, want %s", g, want)
		}
	}
	l.Close()
	if g := <-got; g != "31" {
		t.Errorf("%s, want the mark of the end", g)
	}
	<-ended
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for r := range l.Follow(ctx, 0) { // also of a log that has ended
		if cancel(); r.Position != 1 {
			t.Errorf("position %d", r.Position)
		}
	}
	for _, err := range l.Follow(t.Context(), 32) {
		if !errors.Is(err, ErrCorrupt) {
			t.Errorf("after the end: %v", err)
		}
	}
}

// Follow goes on where it is when the segment after it has been retired meanwhile.
func TestFollowRetired(t *testing.T) {
	l := mustOpen(t, t.TempDir(), Options{SegmentSize: 1})
	appendGroups(t, l, 1, 5)
	var got []string
	for r, err := range l.Follow(t.Context(), 0) {
		if err != nil {
			t.Fatal(err)
		}
		if got = append(got, words(r)); len(got) == 1 {
			if n, err := l.Retire(t.Context(), time.Now().Add(time.Hour)); n != 4 || err != nil {
				t.Fatal(n, err)
			}
			if r := wantSound(t, l.dir); r.First != 5 {
				t.Errorf("%+v", r)
			}
		}
		if len(got) == 3 {
			break
		}
	}
	if fmt.Sprint(got) != "[1 event-1 4 retired 3 5 event-5]" {
		t.Errorf("%v", got)
	}
}

// The log notices when its own segment is changed under it, says so in the log, and
// goes on in another.
func TestTamperingWhileOpen(t *testing.T) {
	for name, tamper := range map[string]func(path string) error{
		"removed": os.Remove,
		"cut":     func(path string) error { return os.Truncate(path, 100) },
		"emptied": func(path string) error { return os.Truncate(path, 0) },
		"replaced": func(path string) error {
			return errors.Join(os.Rename(path, path+".x"), os.WriteFile(path, nil, 0o600))
		},
		"longer": func(path string) error {
			f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
			if err == nil {
				_, err = f.WriteString("more\n")
			}
			return errors.Join(err, f.Close())
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			l := mustOpen(t, dir, Options{})
			appendGroups(t, l, 1, 3)
			if err := tamper(segmentPath(dir, 1)); err != nil {
				t.Fatal(err)
			}
			appendGroups(t, l, 4, 2)
			var got []string
			for r, err := range Read(t.Context(), dir, 3) {
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, words(r))
			}
			if fmt.Sprint(got) != "[4 tampering 0 5 event-4 6 event-5]" {
				t.Errorf("%v", got)
			}
			if r := mustVerify(t, dir, l.Head()); r.OK() {
				t.Error("Verify finds nothing")
			}
			if err := l.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestModes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "log")
	l := mustOpen(t, dir, Options{SegmentSize: 1})
	appendGroups(t, l, 1, 3)
	l.Close()
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder has mode %v, %v", info.Mode(), err)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 5 { // the lock, and a segment for each group with that of the end
		t.Fatalf("the folder has %v, %v", files, err)
	}
	for _, f := range files {
		if info, err := f.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, %v", f.Name(), info.Mode(), err)
		}
	}
}
