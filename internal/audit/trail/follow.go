package trail

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"path/filepath"
)

// Follow yields the records after a position (0: from the start) in order and
// without gaps, and goes on with new ones as they reach the disk, until the
// context ends, the log is closed (both end it without an error), or an error. What
// it has yielded no crash takes back. Records that were retired before they
// were read appear as one Gap.
func (l *Log) Follow(ctx context.Context, after int64) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		w := newWalker(l.dir)
		defer w.close()
		for {
			l.mu.Lock()
			synced, changed := l.synced, l.changed
			l.mu.Unlock()
			if after > synced.Position && w.first == 0 {
				yield(Record{}, fmt.Errorf("%w: asked for what follows %d, the log ends at %d", ErrCorrupt, after, synced.Position))
				return
			}
			if !w.upTo(ctx, synced, after, yield) {
				return
			}
			select {
			case <-changed:
			case <-ctx.Done():
				return
			case <-l.done:
				l.mu.Lock()
				end := l.synced.Position
				l.mu.Unlock()
				if max(w.at.Position, after) >= end {
					return
				}
			}
		}
	}
}

// Read yields the records of the log in a folder after a position, up to where it
// ends now, whether or not a process has it open to write. It may yield records
// that a crash of that process takes back.
func Read(ctx context.Context, dir string, after int64) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		firsts, err := segments(dir)
		if err != nil {
			yield(Record{}, fmt.Errorf("trail: %w", err))
			return
		}
		if len(firsts) == 0 {
			return
		}
		w := newWalker(dir)
		defer w.close()
		w.upTo(ctx, place{Head{Position: 1<<63 - 1}, firsts[len(firsts)-1], -1}, after, yield)
	}
}

// upTo yields the records after a position up to a place. It returns false if that
// was the end of it.
func (w *walker) upTo(ctx context.Context, to place, after int64, yield func(Record, error) bool) bool {
	if to.Position <= max(w.at.Position, after) {
		return true
	}
	fail := func(err error) bool {
		if ctx.Err() == nil {
			yield(Record{}, err)
		}
		return false
	}
	if w.first == 0 {
		if lost, err := w.seek(after); err != nil {
			return fail(err)
		} else if lost != nil && !yield(*lost, nil) {
			return false
		}
	}
	for {
		limit := int64(-1)
		if w.first == to.first {
			limit = to.size
		}
		goOn := true
		err := w.lines(limit, func(l *line) (bool, error) {
			if ctx.Err() != nil {
				goOn = false
				return false, nil
			}
			if l.Position <= after {
				return true, nil
			}
			r, err := l.record()
			if err != nil {
				return false, w.corrupt(err)
			}
			goOn = yield(r, nil)
			return goOn, nil
		})
		switch {
		case errors.Is(err, errTorn) && w.first == to.first && to.size < 0:
			return true // it is being written, or was when a crash came
		case errors.Is(err, errTorn):
			return fail(w.corrupt(err))
		case err != nil:
			return fail(err)
		case !goOn:
			return false
		case w.first == to.first:
			return true
		}
		if lost, err := w.follow(); err != nil {
			return fail(err)
		} else if lost != nil && !yield(*lost, nil) {
			return false
		}
	}
}

// follow opens the next segment.
func (w *walker) follow() (lost *Record, err error) {
	next := w.at.Position + 1
	if next == w.first {
		return nil, fmt.Errorf("%w: %s has no records, and others follow", ErrCorrupt, filepath.Base(segmentPath(w.dir, w.first)))
	}
	err = w.open(next)
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	firsts, err := segments(w.dir)
	if err != nil {
		return nil, err
	}
	if len(firsts) == 0 || firsts[0] <= next { // not retired while this one was read
		return nil, fmt.Errorf("%w: the segment %s is missing", ErrCorrupt, filepath.Base(segmentPath(w.dir, next)))
	}
	w.first, w.at.Position = 0, 0
	return w.seek(next - 1)
}

// seek opens the segment that has the record after a position. If that has been
// retired it is the first that there is, and the record is the Gap before it.
func (w *walker) seek(after int64) (lost *Record, err error) {
	for range 3 { // it may be retired on the way
		firsts, err := segments(w.dir)
		if err != nil {
			return nil, err
		}
		if len(firsts) == 0 {
			return nil, fmt.Errorf("%w: there are no segments", ErrCorrupt)
		}
		i := 0
		for i+1 < len(firsts) && firsts[i+1] <= after+1 {
			i++
		}
		w.log = "" // the chain is taken up with the segment's header
		if err := w.open(firsts[i]); errors.Is(err, fs.ErrNotExist) {
			continue
		} else if err != nil {
			return nil, err
		}
		if n := firsts[i] - 1 - after; n > 0 {
			lost = &Record{Position: firsts[i] - 1, Gap: &Gap{Cause: Retired, Lost: n, Detail: "records deleted for their age"}}
		}
		return lost, nil
	}
	return nil, fmt.Errorf("%w: the segments cannot be opened", ErrCorrupt)
}
