package trail

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Options are the settings of a log. A zero stands for the default.
type Options struct {
	// Queue is how many bytes of entries wait in memory for the disk (16 MiB). As
	// much again may be on its way there, twice while it is put in form.
	Queue int
	// Wait is how long Append waits for room in the queue (100 ms), reckoned from
	// when the queue became full: a disk that stands still delays the callers of
	// that time, not each one after.
	Wait time.Duration
	// Every is how long entries may stay in memory before they are written and
	// synced (50 ms): what a crash loses at most.
	Every time.Duration
	// SegmentSize and SegmentAge are when the next segment is begun, at the first
	// write after (64 MiB, 24 h).
	SegmentSize int64
	SegmentAge  time.Duration
}

func (o Options) withDefaults() Options {
	set(&o.Queue, 16<<20)
	set(&o.Wait, 100*time.Millisecond)
	set(&o.Every, 50*time.Millisecond)
	set(&o.SegmentSize, 64<<20)
	set(&o.SegmentAge, 24*time.Hour)
	return o
}

func set[T comparable](v *T, def T) {
	var zero T
	if *v == zero {
		*v = def
	}
}

// Log is the handle on a folder for the one that writes to it.
type Log struct {
	dir  string
	id   string
	opts Options
	lock *os.File
	disk disk

	wake    chan struct{} // there is something to write
	hurry   chan struct{} // write it now
	closing chan struct{} // closed by Close
	done    chan struct{} // closed by the writer at its end

	mu      sync.Mutex
	closed  bool
	queue   [][]byte      // bodies of lines
	queued  int           // bytes in it
	full    time.Time     // since when the queue has been full; zero: it is not
	room    chan struct{} // closed and replaced when the queue has been emptied
	lost    Gap           // losses that no record tells of yet
	skipped Gap           // events that were not to be kept, likewise
	stats   Stats
	synced  place         // the end of what is on the disk
	changed chan struct{} // closed and replaced when synced or the error changes
	endErr  error         // of Close

	writing sync.Mutex // held for what follows
	segment segment
	at      Head
	chain   *chain
	buf     []byte
	// tampering is the gap to be written before all else; nil if there is none.
	tampering []byte
	ended     bool
}

// place is an end of the log on the disk.
type place struct {
	Head
	first, size int64 // of the segment that it is in
}

// Stats are figures for metrics.
type Stats struct {
	Queued   int   // bytes that wait in memory
	Accepted int64 // events taken by Append
	Written  int64 // of these, the ones on the disk
	Lost     int64 // events not taken
	Err      error // why the disk takes nothing; nil if it does
}

// disk is what of the file system tests make fail.
type disk struct {
	write func(f *os.File, b []byte, offset int64) error
	sync  func(f *os.File) error
}

var realDisk = disk{
	write: func(f *os.File, b []byte, offset int64) error {
		_, err := f.WriteAt(b, offset)
		return err
	},
	sync: (*os.File).Sync,
}

// OpenLog opens the log in a folder to write, and makes both if there are none. A
// record that a crash has torn is cut off, and a Gap says so; other damage in the
// last segment is ErrCorrupt, which no opening repairs: Verify says what it is, and
// whoever has looked at it moves the folder away. One process may have it open.
func OpenLog(dir string, o Options) (*Log, error) { return openLog(dir, o, realDisk) }

func openLog(dir string, o Options, d disk) (*Log, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("trail: %w", err)
	}
	lock, err := lockFile(filepath.Join(dir, lockName))
	if err != nil {
		return nil, fmt.Errorf("trail: %w", err)
	}
	l := &Log{
		dir: dir, opts: o.withDefaults(), lock: lock, disk: d, chain: newChain(),
		wake: make(chan struct{}, 1), hurry: make(chan struct{}, 1),
		closing: make(chan struct{}), done: make(chan struct{}),
		room: make(chan struct{}), changed: make(chan struct{}),
	}
	if err := l.recover(); err != nil {
		l.segment.close()
		lock.Close()
		return nil, fmt.Errorf("trail: %w", err)
	}
	l.publish(0)
	go l.run()
	return l, nil
}

// ID is the name that the log got when it was made, at random. Whoever remembers
// positions remembers it with them: in a log that was made anew they mean others.
func (l *Log) ID() string { return l.id }

// Append hands an event over to be written. It returns nil if the event is taken;
// Sync waits until it is on the disk. If the queue is full it waits, no longer than
// Options.Wait and the context allow. Every event not taken is ErrLost and counted:
// the next Gap in the log has the number. Append keeps nothing of the entry.
func (l *Log) Append(ctx context.Context, e *Entry) error {
	body, err := appendEntry(append(make([]byte, 0, len(e.JSON)+512), kindEvent+"\t"...), e)
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		return l.lose(err)
	}
	for !l.closed && l.queued > 0 && l.queued+len(body) > l.opts.Queue {
		if l.full.IsZero() {
			l.full = time.Now()
		}
		if err := l.await(ctx, time.Until(l.full.Add(l.opts.Wait))); err != nil {
			return l.lose(err)
		}
	}
	if l.closed {
		return ErrClosed
	}
	l.queue = append(l.queue, body)
	l.queued += len(body)
	l.stats.Accepted++
	signal(l.wake)
	if l.queued > l.opts.Queue/2 {
		signal(l.hurry)
	}
	return nil
}

var errFull = errors.New("the queue is full")

// await waits for room with l.mu let go of meanwhile.
func (l *Log) await(ctx context.Context, d time.Duration) error {
	room := l.room
	l.mu.Unlock()
	defer l.mu.Lock()
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-room:
		return nil
	case <-l.closing:
		return nil
	case <-timer.C:
		return errFull
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// lose counts an event that is not taken.
func (l *Log) lose(err error) error {
	if l.closed {
		return ErrClosed
	}
	l.lost.more(time.Now().UTC())
	l.stats.Lost++
	signal(l.wake)
	return fmt.Errorf("%w: %w", ErrLost, err)
}

// Skip counts an event that its caller keeps from the log because there are too many
// of its kind: a Gap of cause Flood has the number.
func (l *Log) Skip() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed {
		l.skipped.more(time.Now().UTC())
		signal(l.wake)
	}
}

// more counts one more event in a gap that is not written yet.
func (g *Gap) more(now time.Time) {
	if g.Lost == 0 {
		g.Since = now
	}
	g.Lost++
	g.Until = now
}

// written takes out what a record tells of by now.
func (g *Gap) written(told Gap) {
	if told.Lost > 0 {
		g.Lost -= told.Lost
		g.Since = told.Until // of those lost meanwhile, if any were
	}
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Sync waits until every event taken before is on the disk. It fails with the
// disk's error if that takes nothing.
func (l *Log) Sync(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for upTo := l.stats.Accepted; l.stats.Written < upTo; {
		if l.stats.Err != nil {
			return l.stats.Err
		}
		changed := l.changed
		l.mu.Unlock()
		signal(l.hurry)
		var err error
		select {
		case <-changed:
		case <-ctx.Done():
			err = context.Cause(ctx)
		case <-l.done:
			err = ErrClosed
		}
		l.mu.Lock()
		if err != nil && l.stats.Written < upTo {
			return err
		}
	}
	return nil
}

// Head is the end of what is on the disk: what Verify wants to know from elsewhere.
func (l *Log) Head() Head {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.synced.Head
}

// Stats are the figures of now.
func (l *Log) Stats() Stats {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.stats
	s.Queued = l.queued
	return s
}

// Close writes what waits, marks the log as closed, and ends those who follow. It
// waits for the disk; if that fails, it does not try again and says what was lost.
func (l *Log) Close() error {
	l.mu.Lock()
	if !l.closed {
		l.closed = true
		close(l.closing)
	}
	l.mu.Unlock()
	<-l.done
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.endErr
}
