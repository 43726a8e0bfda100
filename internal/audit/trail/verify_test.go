package trail

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// makeLog makes a closed log of 11 events in three segments.
func makeLog(t *testing.T, dir string) Head {
	t.Helper()
	l := mustOpen(t, dir, Options{SegmentSize: 900})
	appendGroups(t, l, 1, 11)
	head := l.Head()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if firsts, _ := segments(dir); len(firsts) != 3 {
		t.Fatalf("segments %v", firsts)
	}
	wantSound(t, dir, head)
	return head
}

func copyFolder(t *testing.T, from string) string {
	t.Helper()
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	return to
}

// edit changes the lines of a file.
func edit(t *testing.T, path string, fn func(lines [][]byte) [][]byte) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := fn(bytes.SplitAfter(b, []byte("\n")))
	if err := os.WriteFile(path, bytes.Join(lines, nil), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestVerifyFinds does what a hand might do to a log and wants it found in its place.
func TestVerifyFinds(t *testing.T) {
	dir := t.TempDir()
	head := makeLog(t, dir)
	firsts, _ := segments(dir)
	names := make([]string, 3)
	for i, first := range firsts {
		names[i] = filepath.Base(segmentPath(dir, first))
	}
	for _, c := range []struct {
		name     string
		tamper   func(dir string)
		segment  int
		position int64
		what     string
		problems int
	}{
		{"a record changed", func(dir string) {
			edit(t, filepath.Join(dir, names[1]), func(l [][]byte) [][]byte {
				l[2] = bytes.Replace(l[2], []byte("GetUser"), []byte("PutUser"), 1)
				return l
			})
		}, 1, firsts[1] + 1, "hash does not follow", 1},
		{"a record deleted", func(dir string) {
			edit(t, filepath.Join(dir, names[1]), func(l [][]byte) [][]byte { return slices.Delete(l, 2, 3) })
		}, 1, firsts[1] + 2, "deleted, inserted or moved", 1},
		{"the last record of a segment deleted", func(dir string) {
			edit(t, filepath.Join(dir, names[0]), func(l [][]byte) [][]byte { return l[:len(l)-2] })
		}, 1, firsts[1] - 1, "records are missing or too many", 1},
		{"a record twice", func(dir string) {
			edit(t, filepath.Join(dir, names[1]), func(l [][]byte) [][]byte { return slices.Insert(l, 2, l[2]) })
		}, 1, firsts[1] + 1, "deleted, inserted or moved", 1},
		{"records changed about", func(dir string) {
			edit(t, filepath.Join(dir, names[1]), func(l [][]byte) [][]byte { l[1], l[2] = l[2], l[1]; return l })
		}, 1, firsts[1] + 1, "deleted, inserted or moved", 3},
		{"a record deleted and those after it renumbered", func(dir string) {
			edit(t, filepath.Join(dir, names[1]), func(l [][]byte) [][]byte {
				l = slices.Delete(l, 2, 3)
				for i := 2; i < len(l)-1; i++ {
					_, rest := split(l[i])
					l[i] = fmt.Appendf(nil, "%d\t%s", firsts[1]+int64(i)-1, rest)
				}
				return l
			})
		}, 1, firsts[1] + 1, "hash does not follow", -1},
		{"a line of nonsense", func(dir string) {
			edit(t, filepath.Join(dir, names[1]), func(l [][]byte) [][]byte { l[2] = []byte("nonsense\n"); return l })
		}, 1, firsts[1] + 1, "not a line", 1},
		{"a hash in capitals", func(dir string) {
			edit(t, filepath.Join(dir, names[1]), func(l [][]byte) [][]byte {
				f := bytes.SplitN(l[2], []byte("\t"), 3)
				l[2] = bytes.Join([][]byte{f[0], bytes.ToUpper(f[1]), f[2]}, []byte("\t"))
				return l
			})
		}, 1, firsts[1] + 1, "not a hash", 1},
		{"a segment deleted", func(dir string) { os.Remove(filepath.Join(dir, names[1])) }, 2, firsts[2] - 1, "missing", 1},
		{"the first segment deleted", func(dir string) { os.Remove(filepath.Join(dir, names[0])) }, 1, firsts[1] - 1, "no mark says that they were retired", 1},
		{"the last segment deleted", func(dir string) { os.Remove(filepath.Join(dir, names[2])) }, 1, head.Position, "is known", 1},
		{"segments changed about", func(dir string) {
			a, b := filepath.Join(dir, names[0]), filepath.Join(dir, names[1])
			os.Rename(a, a+"x")
			os.Rename(b, a)
			os.Rename(a+"x", b)
		}, 0, firsts[1] - 1, "the header is that of", -1},
		{"a header deleted", func(dir string) {
			edit(t, filepath.Join(dir, names[1]), func(l [][]byte) [][]byte { return l[1:] })
		}, 1, firsts[1], "where the segment's header should be", 1},
		{"a header changed", func(dir string) {
			edit(t, filepath.Join(dir, names[1]), func(l [][]byte) [][]byte {
				l[0] = bytes.Replace(l[0], []byte(`"made":"2`), []byte(`"made":"3`), 1)
				return l
			})
		}, 1, firsts[1] - 1, "the header was changed", 1},
		{"a segment emptied", func(dir string) { os.Truncate(filepath.Join(dir, names[1]), 0) }, 1, firsts[1] - 1, "empty", 2},
		{"a segment of another log", func(dir string) {
			other := t.TempDir()
			makeLog(t, other)
			b, err := os.ReadFile(filepath.Join(other, names[1]))
			if err != nil {
				t.Fatal(err)
			}
			os.WriteFile(filepath.Join(dir, names[1]), b, 0o600)
		}, 1, firsts[1] - 1, "another log", 2},
		{"a whole new log", func(dir string) {
			for _, name := range names {
				os.Remove(filepath.Join(dir, name))
			}
			makeLog(t, dir)
		}, 2, head.Position, "computed anew", 1},
		{"a false mark of what was retired", func(dir string) {
			os.Remove(filepath.Join(dir, names[0]))
			l := mustOpen(t, dir, Options{})
			l.writing.Lock()
			if err := l.write([][]byte{mark(kindRetired, retired{Head{Position: firsts[1] - 1}})}); err != nil {
				t.Fatal(err)
			}
			l.writing.Unlock()
			l.Close()
		}, 1, firsts[1] - 1, "another hash", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := copyFolder(t, dir)
			c.tamper(dir)
			r := mustVerify(t, dir, head)
			if r.OK() || c.problems > 0 && len(r.Problems) != c.problems {
				t.Fatalf("problems: %v", r.Problems)
			}
			// Who reads finds it as well, where the ends alone do not hide it.
			var readErr error
			for _, err := range Read(t.Context(), dir, 0) {
				readErr = err
			}
			hidden := slices.Contains([]string{"the first segment deleted", "the last segment deleted", "a whole new log", "a false mark of what was retired"}, c.name)
			if hidden != (readErr == nil) || readErr != nil && !errors.Is(readErr, ErrCorrupt) {
				t.Errorf("Read: %v", readErr)
			}
			p := r.Problems[0]
			if p.Segment != names[c.segment] || p.Position != c.position || !strings.Contains(p.What, c.what) {
				t.Errorf("%v, want %s, record %d: %s", p, names[c.segment], c.position, c.what)
			}
		})
	}
}

// TestEveryByte changes each byte of a log, takes out some, and wants each found.
func TestEveryByte(t *testing.T) {
	dir := t.TempDir()
	head := makeLog(t, dir)
	firsts, _ := segments(dir)
	for _, first := range firsts {
		path := segmentPath(dir, first)
		was, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for i := range was {
			changed := bytes.Clone(was)
			changed[i] ^= 1
			for what, b := range map[string][]byte{"changed": changed, "taken out": slices.Delete(bytes.Clone(was), i, i+1)} {
				if what == "taken out" && i%10 != 0 { // files take their time
					continue
				}
				os.WriteFile(path, b, 0o600)
				if r := mustVerify(t, dir, head); r.OK() && (r.Torn == 0 || r.Closed) {
					t.Fatalf("%s: byte %d %s is not found: %+v", filepath.Base(path), i, what, r)
				}
			}
		}
		os.WriteFile(path, was, 0o600)
	}
}

// TestCutAtEveryByte cuts the last segment at each byte, as a crash may, and opens
// the log: all that is whole is there, the log tells of the crash, and goes on.
func TestCutAtEveryByte(t *testing.T) {
	dir := t.TempDir()
	head := makeLog(t, dir)
	firsts, _ := segments(dir)
	last := segmentPath(dir, firsts[2])
	was, err := os.ReadFile(last)
	if err != nil {
		t.Fatal(err)
	}
	all := read(t, dir, 0)
	for cut := range was {
		dir := copyFolder(t, dir)
		path := filepath.Join(dir, filepath.Base(last))
		b := was[:cut:cut]
		if cut%3 == 0 { // zeros where the file grew and the data did not come
			b = append(b, make([]byte, 700)...)
		}
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if r := mustVerify(t, dir, head); r.OK() && cut < len(was)-200 {
			t.Fatalf("cut at %d: Verify finds nothing, though a later head is known", cut)
		}
		whole := int(firsts[2]) - 1 + max(bytes.Count(was[:cut], []byte("\n"))-1, 0)
		l := mustOpen(t, dir, Options{})
		appendGroups(t, l, 100, 1)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		want := append(slices.Clone(all[:whole]), fmt.Sprint(whole+1, " crash 0"), fmt.Sprint(whole+2, " event-100"), fmt.Sprint(whole+3))
		if got := read(t, dir, 0); !slices.Equal(got, want) {
			t.Fatalf("cut at %d: %v, want %v", cut, got, want)
		}
		wantSound(t, dir)
	}
}

// TestOpenRefuses: what no crash does is not repaired.
func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	makeLog(t, dir)
	firsts, _ := segments(dir)
	for i := range 3 { // the header, a record, the last but one
		dir := copyFolder(t, dir)
		edit(t, segmentPath(dir, firsts[2]), func(l [][]byte) [][]byte {
			l[i] = bytes.Replace(l[i], []byte("\t{"), []byte("\t {"), 1)
			return l
		})
		before, _ := os.ReadFile(segmentPath(dir, firsts[2]))
		if _, err := openLog(dir, Options{}, quick); !errors.Is(err, ErrCorrupt) {
			t.Errorf("line %d: %v", i, err)
		}
		if after, _ := os.ReadFile(segmentPath(dir, firsts[2])); !bytes.Equal(before, after) {
			t.Errorf("line %d: the segment was changed", i)
		}
		for _, err := range Read(t.Context(), dir, 0) {
			if err != nil && !errors.Is(err, ErrCorrupt) {
				t.Errorf("line %d: %v", i, err)
			}
		}
	}
}

// FuzzSegment reads any bytes as a segment. What Read yields is in the chain, Verify
// agrees with it, and what OpenLog takes is sound afterwards.
func FuzzSegment(f *testing.F) {
	c := newChain()
	var at Head
	b := c.appendLine(nil, &at, mark(kindSegment, &header{Version: formVersion, Log: "x", Made: start}))
	entry, _ := appendEntry([]byte("event\t"), numbered(1))
	b = c.appendLine(b, &at, entry)
	b = c.appendLine(b, &at, mark(kindGap, &Gap{Cause: Overload, Lost: 3}))
	f.Add(b)
	f.Add(b[:len(b)-5])
	f.Add(append(bytes.Clone(b), 0, 0, 0))
	f.Add(c.appendLine(bytes.Clone(b), &at, []byte("strange\tx")))
	f.Add([]byte("0\t\tsegment\t{}\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(segmentPath(dir, 1), b, 0o600); err != nil {
			t.Fatal(err)
		}
		var readErr error
		n := int64(0)
		for r, err := range Read(t.Context(), dir, 0) {
			if readErr = err; err != nil {
				break
			}
			if n++; r.Position != n {
				t.Fatalf("position %d, want %d", r.Position, n)
			}
		}
		report := mustVerify(t, dir)
		if report.OK() != (readErr == nil) && len(b) > 0 {
			t.Fatalf("Read: %v; Verify: %v", readErr, report.Problems)
		}
		l, err := openLog(dir, Options{}, quick)
		if err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Fatal(err)
			}
			return
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if r := mustVerify(t, dir); readErr == nil && (!r.OK() || !r.Closed) {
			t.Fatalf("opened: %+v", r)
		}
	})
}
