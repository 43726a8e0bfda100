package trail

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
)

const (
	extension  = ".log"
	lockName   = "trail.lock"
	nameDigits = 20 // so that names sort as their numbers do
)

// segmentPath is the file of the segment whose first record has that position.
func segmentPath(dir string, first int64) string {
	return filepath.Join(dir, fmt.Sprintf("%0*d%s", nameDigits, first, extension))
}

// segments are the first positions of the segments in a folder, in order.
func segments(dir string) ([]int64, error) {
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var firsts []int64
	for _, f := range files {
		name := f.Name()
		if len(name) != nameDigits+len(extension) || filepath.Ext(name) != extension {
			continue
		}
		if first, err := strconv.ParseInt(name[:nameDigits], 10, 64); err == nil && first > 0 {
			firsts = append(firsts, first)
		}
	}
	slices.Sort(firsts)
	return firsts, nil
}

// errTorn: the input ends within a line.
var errTorn = errors.New("it ends within a record")

// scanner reads lines and knows where they are.
type scanner struct {
	r     *bufio.Reader
	start int64 // offset of the current line
	end   int64 // offset after it
	long  []byte
}

func newScanner(r io.Reader, offset int64) *scanner {
	return &scanner{r: bufio.NewReaderSize(r, 16<<10), start: offset, end: offset}
}

// next returns the next line without its newline, io.EOF after the last, or
// errTorn if there is something after the last newline. The line is good until the
// next call. A line longer than any that is written comes back cut short.
func (s *scanner) next() ([]byte, error) {
	s.start = s.end
	s.long = s.long[:0]
	for {
		part, err := s.r.ReadSlice('\n')
		s.end += int64(len(part))
		switch {
		case err == nil && len(s.long) == 0:
			return part[:len(part)-1], nil
		case err == nil:
			s.keep(part[:len(part)-1])
			return s.long, nil
		case err == bufio.ErrBufferFull:
			s.keep(part)
		case err == io.EOF && s.end > s.start:
			return nil, errTorn
		default:
			return nil, err
		}
	}
}

func (s *scanner) keep(part []byte) {
	s.long = append(s.long, part[:min(len(part), maxLine+1-len(s.long))]...)
}

// A walker follows the chain along the lines of one segment after the other, and
// stops at the first that is not right.
type walker struct {
	dir   string
	chain *chain
	at    Head   // the last line
	first int64  // of the segment; 0 before the first
	log   string // the log's id; "" before the first
	last  string // kind of the last line

	f    *os.File
	scan *scanner
	end  int64 // offset after the last line that was right
}

func newWalker(dir string) *walker { return &walker{dir: dir, chain: newChain()} }

// open goes on with the segment of that first position. The file's first line is
// yet to be read.
func (w *walker) open(first int64) error {
	f, err := os.Open(segmentPath(w.dir, first))
	if err != nil {
		return err
	}
	w.close()
	w.f, w.end = f, 0
	if w.first == 0 { // the chain is taken up here, with what the header says
		w.at = Head{Position: first - 1}
	}
	w.first = first
	return nil
}

func (w *walker) close() {
	if w.f != nil {
		w.f.Close()
		w.f = nil
	}
}

// lines calls fn for each line from where it was up to an offset of the segment (-1:
// its end) except for the header, until fn returns false.
func (w *walker) lines(limit int64, fn func(*line) (bool, error)) error {
	if limit < 0 {
		limit = 1<<63 - 1
	}
	w.scan = newScanner(io.NewSectionReader(w.f, w.end, limit-w.end), w.end)
	for {
		b, err := w.scan.next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		l, err := w.step(b)
		if err != nil {
			return w.corrupt(err)
		}
		w.end = w.scan.end
		if w.last == kindSegment {
			continue
		}
		if more, err := fn(l); err != nil || !more {
			return err
		}
	}
}

// step checks that a line follows in the chain.
func (w *walker) step(b []byte) (*line, error) {
	l, err := parseLine(b)
	if err != nil {
		return nil, err
	}
	kind, _ := split(l.body)
	want := w.at.Position + 1
	if w.end == 0 {
		h, err := l.header()
		switch {
		case err != nil:
			return nil, err
		case w.log == "":
			w.log, w.at.Hash = h.Log, h.Previous
		case h.Log != w.log:
			return nil, fmt.Errorf("the segment is of the log %.40q, the ones before are of %.40q", h.Log, w.log)
		case h.Previous != w.at.Hash:
			return nil, fmt.Errorf("the segment follows on hash %s, the one before ends with %s", h.Previous, w.at.Hash)
		}
		want = w.at.Position
	} else if string(kind) == kindSegment {
		return nil, errors.New("a header within the segment")
	}
	if l.Position != want {
		return nil, fmt.Errorf("position %d where %d should be", l.Position, want)
	}
	if w.chain.next(w.at.Hash, l.position, l.body) != l.Hash {
		return nil, errors.New(notTheHash)
	}
	w.at = l.Head
	w.last = string(kind)
	return &l, nil
}

const notTheHash = "its hash does not follow from the record before: it was changed, or records before it were changed, deleted, inserted or moved"

func (w *walker) corrupt(err error) error {
	return fmt.Errorf("%w: %s: at byte %d, after position %d: %w", ErrCorrupt, filepath.Base(segmentPath(w.dir, w.first)), w.scan.start, w.at.Position, err)
}

// torn says whether a segment from an offset on is what a crash leaves: a line
// without its end, or zeros where the file grew and the data did not come.
func torn(f *os.File, from int64) (int64, bool, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, false, err
	}
	rest, err := io.ReadAll(io.NewSectionReader(f, from, info.Size()-from))
	if err != nil {
		return 0, false, err
	}
	return int64(len(rest)), bytes.IndexByte(rest, '\n') < 0 || bytes.IndexByte(rest, 0) >= 0, nil
}
