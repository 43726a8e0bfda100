package trail

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// segment is the one that is written to.
type segment struct {
	f     *os.File
	first int64
	size  int64 // of what is right in it
	made  time.Time
	dirty bool // there may be more in the file, from a write that failed
}

func (s *segment) close() error {
	if s.f == nil {
		return nil
	}
	f := s.f
	s.f = nil
	return f.Close()
}

// recover finds the end of the log, or makes its first segment.
func (l *Log) recover() error {
	firsts, err := segments(l.dir)
	if err != nil {
		return err
	}
	for len(firsts) > 0 {
		last := firsts[len(firsts)-1]
		begun, closed, cut, err := l.resume(last)
		if err != nil {
			return err
		}
		if begun {
			if closed {
				return nil
			}
			gap := Gap{Cause: Crash, Cut: cut, Until: time.Now().UTC(), Detail: "the log was not closed: the last events before may be missing"}
			return l.write([][]byte{mark(kindGap, &gap)})
		}
		// A crash while it was made: it does not have its header.
		if err := os.Remove(segmentPath(l.dir, last)); err != nil {
			return err
		}
		firsts = firsts[:len(firsts)-1]
	}
	l.id = rand.Text()
	return l.write(nil)
}

// resume takes up the writing of a segment. begun is false if it has no header.
func (l *Log) resume(first int64) (begun, closed bool, cut int64, err error) {
	w := newWalker(l.dir)
	defer w.close()
	if err := w.open(first); err != nil {
		return false, false, 0, err
	}
	err = w.lines(-1, func(*line) (bool, error) { return true, nil })
	if err != nil {
		n, isTorn, tornErr := torn(w.f, w.end)
		if tornErr != nil {
			return false, false, 0, tornErr
		}
		if !isTorn {
			return false, false, 0, err
		}
		cut = n
	}
	if w.end == 0 {
		return false, false, 0, nil
	}
	h, err := readHeader(l.dir, first)
	if err != nil {
		return false, false, 0, err
	}
	f, err := os.OpenFile(segmentPath(l.dir, first), os.O_RDWR, 0)
	if err != nil {
		return false, false, 0, err
	}
	l.segment = segment{f: f, first: first, size: w.end, made: h.Made, dirty: cut > 0}
	l.id, l.at = w.log, w.at
	return true, w.last == kindClosed, cut, l.settle()
}

// readHeader reads the first line of a segment.
func readHeader(dir string, first int64) (header, error) {
	f, err := os.Open(segmentPath(dir, first))
	if err != nil {
		return header{}, err
	}
	defer f.Close()
	b, err := newScanner(f, 0).next()
	if err == nil {
		var ln line
		if ln, err = parseLine(b); err == nil {
			return ln.header()
		}
	}
	return header{}, fmt.Errorf("%w: %s: %w", ErrCorrupt, filepath.Base(f.Name()), err)
}

// run is the writer: it empties the queue and writes it, until Close.
func (l *Log) run() {
	defer close(l.done)
	timer := time.NewTimer(0)
	defer timer.Stop()
	last := time.Now()
	for {
		select {
		case <-l.wake:
		case <-l.closing:
			l.end()
			return
		}
		timer.Reset(time.Until(last.Add(l.opts.Every)))
		select {
		case <-timer.C:
		case <-l.hurry:
		case <-l.closing:
		}
		if !l.group() { // closed while the disk took nothing
			l.end()
			return
		}
		last = time.Now()
	}
}

// The least and most that a disk that fails is left alone.
const (
	minRetry = 50 * time.Millisecond
	maxRetry = 5 * time.Second
)

// group writes what is in the queue, again and again until the disk takes it or
// the log is closed.
func (l *Log) group() bool {
	bodies := l.take()
	for retry := minRetry; ; retry = min(2*retry, maxRetry) {
		if err := l.commit(bodies); err == nil {
			return true
		}
		timer := time.NewTimer(retry)
		select {
		case <-timer.C:
		case <-l.closing:
			timer.Stop()
			l.mu.Lock()
			l.queue = append(bodies, l.queue...) // for end
			l.mu.Unlock()
			return false
		}
	}
}

// take empties the queue.
func (l *Log) take() [][]byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	bodies := l.queue
	l.queue, l.queued, l.full = nil, 0, time.Time{}
	close(l.room)
	l.room = make(chan struct{})
	return bodies
}

// commit writes the bodies of events and after them the gaps, if there are any:
// what was lost came when the queue was full of them.
func (l *Log) commit(bodies [][]byte) error {
	l.mu.Lock()
	lost, skipped := l.lost, l.skipped
	l.mu.Unlock()
	lost.Cause, skipped.Cause = Overload, Flood
	all := bodies[:len(bodies):len(bodies)]
	for _, gap := range []*Gap{&lost, &skipped} {
		if gap.Lost > 0 {
			all = append(all, mark(kindGap, gap))
		}
	}
	if len(all) == 0 {
		return nil
	}
	l.writing.Lock()
	defer l.writing.Unlock()
	err := l.write(all)
	l.mu.Lock()
	l.stats.Err = err
	if err == nil {
		l.lost.written(lost)
		l.skipped.written(skipped)
	}
	l.mu.Unlock()
	if err != nil {
		l.publish(0) // for those in Sync
	} else {
		l.publish(len(bodies))
	}
	return err
}

// end writes the rest and the mark of the end. It tries once.
func (l *Log) end() {
	bodies := l.take()
	err := l.commit(bodies)
	l.writing.Lock()
	if err == nil {
		if err = l.write([][]byte{mark(kindClosed, struct{}{})}); err == nil {
			l.publish(0)
		}
	} else {
		err = fmt.Errorf("%d events are lost: %w", len(bodies), err)
	}
	l.ended = true
	if err = errors.Join(err, l.segment.close(), l.lock.Close()); err != nil {
		err = fmt.Errorf("trail: %w", err)
	}
	l.writing.Unlock()
	l.mu.Lock()
	l.endErr = err
	l.mu.Unlock()
}

// publish makes known what is on the disk, n events more than before.
func (l *Log) publish(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.synced = place{l.at, l.segment.first, l.segment.size}
	l.stats.Written += int64(n)
	close(l.changed)
	l.changed = make(chan struct{})
}

// keepBuffer is how large a buffer is kept from one group to the next.
const keepBuffer = 4 << 20

// write appends records and syncs them; either all of them are in the log then, or
// l is as before. The caller holds l.writing.
func (l *Log) write(bodies [][]byte) error {
	if err := l.settle(); err != nil {
		return err
	}
	now := time.Now().UTC()
	if l.segment.f != nil {
		detail, err := l.changedByOthers()
		if err != nil {
			return err
		}
		switch {
		case detail != "":
			l.tampering = mark(kindGap, &Gap{Cause: Tampering, Until: now, Detail: detail})
			l.segment.close()
		case l.at.Position >= l.segment.first && (l.segment.size >= l.opts.SegmentSize || now.Sub(l.segment.made) >= l.opts.SegmentAge):
			l.segment.close()
		}
	}
	seg, at := l.segment, l.at
	size := 4 << 10 // for the log's own
	for _, body := range bodies {
		size += len(body) + lineOverhead
	}
	l.buf = slices.Grow(l.buf[:0], size)
	if seg.f == nil {
		var err error
		if seg, err = l.create(at, now); err != nil {
			return err
		}
		h := header{Version: formVersion, Log: l.id, Previous: at.Hash, Made: now}
		l.buf = l.chain.appendLine(l.buf, &at, mark(kindSegment, &h))
	}
	if l.tampering != nil {
		l.buf = l.chain.appendLine(l.buf, &at, l.tampering)
	}
	for _, body := range bodies {
		l.buf = l.chain.appendLine(l.buf, &at, body)
	}
	err := l.disk.write(seg.f, l.buf, seg.size)
	if err == nil {
		err = l.disk.sync(seg.f)
	}
	if err == nil && l.segment.f == nil {
		err = l.syncDir()
	}
	if err != nil {
		if l.segment.f == nil { // a new segment: begun again the next time
			return errors.Join(err, seg.close())
		}
		l.segment.dirty = true
		return err
	}
	seg.size += int64(len(l.buf))
	l.segment, l.at, l.tampering = seg, at, nil
	if cap(l.buf) > keepBuffer {
		l.buf = nil
	}
	return nil
}

// create makes the file of the segment that follows at. Whatever has its name is
// from an attempt that failed, as no record has had its position.
func (l *Log) create(at Head, now time.Time) (segment, error) {
	if err := os.MkdirAll(l.dir, 0o700); err != nil {
		return segment{}, err
	}
	first := at.Position + 1
	f, err := os.OpenFile(segmentPath(l.dir, first), os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	return segment{f: f, first: first, made: now}, err
}

// settle cuts off what a write that failed has left.
func (l *Log) settle() error {
	if !l.segment.dirty {
		return nil
	}
	if err := l.segment.f.Truncate(l.segment.size); err != nil {
		return err
	}
	if err := l.disk.sync(l.segment.f); err != nil {
		return err
	}
	l.segment.dirty = false
	return nil
}

// changedByOthers says what has happened to the segment since it was last written.
func (l *Log) changedByOthers() (string, error) {
	path := segmentPath(l.dir, l.segment.first)
	ours, err := l.segment.f.Stat()
	if err != nil {
		return "", err
	}
	there, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return fmt.Sprintf("the segment %s was removed", filepath.Base(path)), nil
	case err != nil:
		return "", err
	case !os.SameFile(ours, there):
		return fmt.Sprintf("the segment %s was replaced", filepath.Base(path)), nil
	case there.Size() != l.segment.size:
		return fmt.Sprintf("the segment %s has %d bytes, %d were written", filepath.Base(path), there.Size(), l.segment.size), nil
	}
	return "", nil
}

// syncDir makes names of files durable. Some systems cannot, and need not.
func (l *Log) syncDir() error {
	d, err := os.Open(l.dir)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := l.disk.sync(d); err != nil && !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, os.ErrInvalid) {
		return err
	}
	return nil
}

// retired is the JSON of the mark of that kind: the segments up to there may be
// missing.
type retired struct {
	Through Head `json:"through"`
}

// Retire deletes the segments whose records are all older than a time, and leaves a
// mark by which Verify knows that they are not missing. The segment that is written
// to stays. It returns how many it deleted.
func (l *Log) Retire(ctx context.Context, before time.Time) (int, error) {
	l.writing.Lock()
	defer l.writing.Unlock()
	if l.ended {
		return 0, ErrClosed
	}
	firsts, err := segments(l.dir)
	if err != nil {
		return 0, fmt.Errorf("trail: %w", err)
	}
	n := 0
	var through Head
	for n+1 < len(firsts) && firsts[n] < l.segment.first {
		next, err := readHeader(l.dir, firsts[n+1])
		if err != nil {
			return 0, fmt.Errorf("trail: %w", err)
		}
		if next.Made.After(before) { // a record was made before its successor's segment
			break
		}
		n++
		through = Head{firsts[n] - 1, next.Previous}
	}
	if n == 0 {
		return 0, nil
	}
	if err := l.write([][]byte{mark(kindRetired, retired{through})}); err != nil {
		return 0, fmt.Errorf("trail: %w", err)
	}
	l.publish(0)
	for i, first := range firsts[:n] {
		if ctx.Err() != nil {
			return i, context.Cause(ctx)
		}
		if err := os.Remove(segmentPath(l.dir, first)); err != nil {
			return i, fmt.Errorf("trail: %w", err)
		}
	}
	return n, l.syncDir()
}
