package trail

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Report is what Verify has found.
type Report struct {
	Log      string // its id
	Segments int
	Events   int64
	First    int64 // position of the first record that is kept
	Head     Head  // the last record
	// Closed: the log ends with the mark of an orderly end. Otherwise it is open, or
	// a crash or a hand has cut it, and the end is only as sure as the known Heads.
	Closed bool
	// Torn is how many bytes of an unfinished record follow the last. A log that is
	// open may have them at any moment; OpenLog cuts them off.
	Torn     int64
	Gaps     []Record  // the gaps that the log itself tells of
	Problems []Problem // what is not as it was written
}

// OK says whether everything up to Head is as it was written.
func (r *Report) OK() bool { return len(r.Problems) == 0 }

// Problem is a place where the log is not as it was written.
type Problem struct {
	Segment  string // file name
	Offset   int64  // of the line
	Position int64  // of the record there, or that should be there
	What     string
}

func (p Problem) String() string {
	return fmt.Sprintf("%s: byte %d: record %d: %s", p.Segment, p.Offset, p.Position, p.What)
}

// maxProblems is when Verify has seen enough.
const maxProblems = 100

// Verify reads the whole log in a folder and reports every place at which it is not
// as it was written: records and segments changed, deleted, inserted, moved or cut.
// known are Heads from outside the folder; they have to be in the log, unless they
// are older than what it keeps. The error is for what could not be read.
func Verify(ctx context.Context, dir string, known ...Head) (*Report, error) {
	v := &verifier{walker: newWalker(dir), known: map[int64]Hash{}, ends: map[int64]Hash{}}
	for _, h := range known {
		if other, twice := v.known[h.Position]; twice && other != h.Hash {
			return nil, fmt.Errorf("%w: two known heads at position %d", ErrQuery, h.Position)
		}
		v.known[h.Position] = h.Hash
	}
	firsts, err := segments(dir)
	if err != nil {
		return nil, fmt.Errorf("trail: %w", err)
	}
	for i, first := range firsts {
		if err := v.segment(ctx, first, i == len(firsts)-1); err != nil {
			return nil, fmt.Errorf("trail: %w", err)
		}
		if len(v.report.Problems) >= maxProblems {
			break
		}
	}
	v.finish(firsts)
	return &v.report, nil
}

type verifier struct {
	*walker
	report  Report
	known   map[int64]Hash
	ends    map[int64]Hash // of segments, by position
	retired *Head
	lost    bool // the line before could not be read: nothing can be said of what follows on it
}

func (v *verifier) problem(offset int64, format string, args ...any) {
	v.report.Problems = append(v.report.Problems, Problem{
		filepath.Base(segmentPath(v.dir, v.first)), offset, v.at.Position, fmt.Sprintf(format, args...),
	})
}

func (v *verifier) segment(ctx context.Context, first int64, last bool) error {
	f, err := os.Open(segmentPath(v.dir, first))
	if errors.Is(err, os.ErrNotExist) {
		return nil // retired meanwhile
	} else if err != nil {
		return err
	}
	defer f.Close()
	v.first = first
	v.report.Segments++
	scan := newScanner(f, 0)
	for head := true; ; head = false {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		b, err := scan.next()
		switch {
		case err == io.EOF && head && !last:
			v.problem(scan.start, "the segment is empty")
			fallthrough
		case err == io.EOF:
			v.ends[v.at.Position] = v.at.Hash
			return nil
		case err == errTorn && last:
			v.report.Torn = scan.end - scan.start
			v.ends[v.at.Position] = v.at.Hash
			return nil
		case err == errTorn:
			v.at.Position++
			v.problem(scan.start, "the segment ends within a record")
			v.lost = true
			return nil
		case err != nil:
			return err
		}
		v.line(b, scan.start, head)
		if len(v.report.Problems) >= maxProblems {
			return nil
		}
	}
}

// line checks one line against the one before, and goes on from what it says
// itself, so that one change is one problem.
func (v *verifier) line(b []byte, offset int64, head bool) {
	previous := v.at
	if !head {
		v.at.Position++
	}
	l, err := parseLine(b)
	if err != nil {
		v.problem(offset, "%v", err)
		v.lost = true
		return
	}
	if head {
		v.header(&l, previous, offset)
		return
	}
	lost := v.lost
	v.at, v.lost = l.Head, false
	switch kind, _ := split(l.body); {
	case l.Position != previous.Position+1 && !lost:
		v.problem(offset, "it follows on record %d: records were deleted, inserted or moved", previous.Position)
	case string(kind) == kindSegment:
		v.problem(offset, "a header within the segment")
	case !lost && v.chain.next(previous.Hash, l.position, l.body) != l.Hash:
		v.problem(offset, notTheHash)
	case lost:
	default:
		v.record(&l, string(kind), offset)
	}
	if known, ok := v.known[l.Position]; ok {
		delete(v.known, l.Position)
		if known != l.Hash {
			v.problem(offset, "its hash is %s, known is %s: the chain was computed anew", l.Hash, known)
		}
	}
}

// header checks the first line of a segment.
func (v *verifier) header(l *line, previous Head, offset int64) {
	h, err := l.header()
	first := v.report.First == 0
	lost := v.lost
	v.at, v.lost = l.Head, false
	switch {
	case err != nil:
		v.problem(offset, "%v", err)
	case l.Position != v.first-1:
		v.problem(offset, "the header is that of the segment of record %d", l.Position+1)
	case v.chain.next(h.Previous, l.position, l.body) != l.Hash:
		v.problem(offset, "the header was changed")
	case first:
		if known, ok := v.known[l.Position]; ok && l.Position > 0 && known != h.Previous {
			v.problem(offset, "it follows on hash %s, known is %s: the chain was computed anew", h.Previous, known)
		}
		v.ends[l.Position] = h.Previous
	case h.Log != v.report.Log:
		v.problem(offset, "the segment is of another log, %.40q", h.Log)
	case l.Position != previous.Position:
		v.problem(offset, "the segments before end with record %d: records are missing or too many", previous.Position)
	case !lost && h.Previous != previous.Hash:
		v.problem(offset, "it does not follow on the hash of the segment before, which was changed")
	}
	if first {
		v.report.First, v.report.Log = v.first, h.Log
	}
}

func (v *verifier) record(l *line, kind string, offset int64) {
	r, err := l.record()
	if err != nil {
		v.problem(offset, "%v", err)
		return
	}
	v.report.Closed = kind == kindClosed
	switch {
	case r.Entry != nil:
		v.report.Events++
	case r.Gap != nil:
		v.report.Gaps = append(v.report.Gaps, r)
	case kind == kindRetired:
		_, text := split(l.body)
		var m retired
		if err := json.Unmarshal(text, &m); err != nil {
			v.problem(offset, "%v", err)
			return
		}
		v.retired = &m.Through
	}
}

// finish looks at what only the whole can show.
func (v *verifier) finish(firsts []int64) {
	v.report.Head = v.at
	if len(v.report.Problems) >= maxProblems {
		return
	}
	end := v.first
	if len(firsts) > 0 {
		v.first = firsts[0]
	}
	if missing := v.report.First - 1; missing > 0 {
		v.at.Position = missing
		switch {
		case v.retired == nil || v.retired.Position < missing:
			v.problem(0, "the records up to %d are missing, and no mark says that they were retired", missing)
		case v.ends[v.retired.Position] != v.retired.Hash:
			v.problem(0, "the mark of what was retired has another hash at record %d", v.retired.Position)
		}
	}
	v.first = end
	for position, hash := range v.known {
		if position > v.report.Head.Position {
			v.at.Position = position
			v.problem(0, "the log ends with record %d, but this one, of hash %s, is known", v.report.Head.Position, hash)
		}
	}
}
