// Package stream sends the events of the audit trail, as they come, to those who
// collect events: standard output, a file, a syslog receiver, an OpenTelemetry
// collector. A stream is what "warder serve --stream" names; the events are
// CloudTrail's records or, if the stream asks for it, their OCSF form.
//
// A stream is a consumer of the feed. Its position in each source is in the outbox
// file, and moves on when the receiver has taken the events: they come at least
// once, in the order of each source, also after a restart. While a receiver is away
// its stream waits and holds no more than a batch or two; the events stay where the
// trail keeps them, and nobody else waits.
//
// The package leaves out events of no account, as the index does, and the log's
// gaps, which are in the server's log. internal/daemon makes and feeds the streams.
package stream

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/warder-iam/warder/internal/audit/feed"
	"github.com/warder-iam/warder/internal/audit/outbox"
	"github.com/warder-iam/warder/internal/audit/trail"
)

// Stream sends events to one target. It is a feed.Consumer, to be added to the
// feed with Feed.
type Stream struct {
	target Target
	outbox *outbox.Outbox
	out    *slog.Logger

	sending sync.Mutex // events of one source at a time
	to      sender
}

// sender delivers messages. It is called by one goroutine at a time.
type sender interface {
	// send returns when the receiver has the messages, as far as one can know, and
	// when ctx ends.
	send(ctx context.Context, messages []message) error
	close() error
}

// Feed is how the feed is to serve a stream. What happened before the stream was
// there is not sent.
var Feed = feed.Options{FromNow: true, Batch: batchSize}

const (
	// batchSize bounds what a stream holds in memory: so many events are being sent,
	// and as many wait.
	batchSize = 250
	// gather is how long a stream lets events come together after a batch that was
	// not full, since each batch costs a write to the disk.
	gather = 100 * time.Millisecond
	// firstRetry and mostRetry bound the time between attempts, which doubles.
	firstRetry, mostRetry = 250 * time.Millisecond, 30 * time.Second
	// sendTimeout bounds an attempt to send over a network.
	sendTimeout = 30 * time.Second
)

// Open makes a stream to a target. What cannot be right now or later is an error; a
// receiver that is away is not.
func Open(t Target, box *outbox.Outbox, out *slog.Logger) (*Stream, error) {
	s := &Stream{target: t, outbox: box, out: out.With("stream", t.String())}
	var err error
	s.to, err = t.sender(s.out)
	return s, err
}

// Close lets go of the receiver. The feed must have ended.
func (s *Stream) Close() error { return s.to.close() }

// Name implements feed.Consumer.
func (s *Stream) Name() string { return "stream " + s.target.String() }

// Position implements feed.Consumer.
func (s *Stream) Position(ctx context.Context, source string) (int64, bool, error) {
	return s.outbox.Position(ctx, s.Name(), source)
}

// Take implements feed.Consumer. It tries until the receiver has the events or ctx
// ends.
func (s *Stream) Take(ctx context.Context, source string, position int64, entries []*trail.Entry) error {
	var messages []message
	for _, e := range entries {
		if s.target.wants(e) {
			messages = append(messages, s.target.message(e))
		}
	}
	if len(messages) > 0 {
		if err := s.deliver(ctx, messages); err != nil {
			return err
		}
	}
	if _, err := s.outbox.Put(ctx, &outbox.Batch{Consumer: s.Name(), Positions: map[string]int64{source: position}}); err != nil {
		return err
	}
	if 0 < len(entries) && len(entries) < batchSize {
		pause(ctx, gather)
	}
	return nil
}

// deliver sends until it succeeds or ctx ends.
func (s *Stream) deliver(ctx context.Context, messages []message) error {
	away := time.Time{}
	for wait := firstRetry; ; wait = min(2*wait, mostRetry) {
		err := s.attempt(ctx, messages)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil {
			if !away.IsZero() {
				s.out.Info("the stream's receiver is back", "away", time.Since(away).Round(time.Second))
			}
			return nil
		}
		if away.IsZero() {
			away = time.Now()
			s.out.Warn("the stream's receiver does not take events: they wait", "error", err)
		}
		pauseFor := wait/2 + rand.N(wait/2)
		if later, ok := errors.AsType[*outbox.Later](err); ok {
			pauseFor = min(max(later.After, firstRetry), 5*time.Minute)
		}
		pause(ctx, pauseFor)
	}
}

func (s *Stream) attempt(ctx context.Context, messages []message) error {
	s.sending.Lock()
	defer s.sending.Unlock()
	return s.to.send(ctx, messages)
}

// pause waits, but not beyond the end of ctx.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
