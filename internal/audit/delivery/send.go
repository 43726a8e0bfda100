package delivery

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"github.com/warder-iam/warder/internal/audit/outbox"
	"github.com/warder-iam/warder/internal/state"
)

// parcel is what the outbox has of a file beside its bytes.
type parcel struct {
	Trail    string            `json:"trail"` // the id
	Bucket   string            `json:"bucket"`
	Object   string            `json:"object"`
	Digest   bool              `json:"digest,omitempty"`
	Metadata map[string]string `json:"metadata,omitempty"`
	Notify   *state.Trail      `json:"notify,omitempty"` // if it has a topic that is to be told
}

// item is the parcel and its bytes in the outbox. The files of a trail arrive in
// order, so that a digest never tells of what is still to come.
func (p *parcel) item(body []byte) outbox.Item {
	return outbox.Item{
		Queue: consumer, Lane: p.Trail, Key: p.Bucket + "/" + p.Object,
		Body: append(append(encode(p), '\n'), body...),
	}
}

func parse(item *outbox.Item) (p parcel, body []byte, err error) {
	text, body, ok := bytes.Cut(item.Body, []byte{'\n'})
	if !ok {
		return p, nil, errors.New("an item that is no file's")
	}
	return p, body, json.Unmarshal(text, &p)
}

const (
	// sendFor is how long a file is tried to be delivered: as long as CloudTrail
	// does (https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-create-and-update-a-trail.html).
	sendFor = 30 * 24 * time.Hour
	// sendTimeout is how long a bucket may take for one.
	sendTimeout = time.Minute
	// senders is how many trails' files are sent at the same time.
	senders = 4
)

func (d *Delivery) sender() outbox.Sender {
	return outbox.Sender{
		Queue: consumer, Workers: senders, Send: d.send, Log: d.Log,
		Keep: func(item *outbox.Item, now time.Time) bool { return now.Before(item.Made.Add(sendFor)) },
		Died: func(ctx context.Context, item *outbox.Item) {
			if err := d.Outbox.Delete(ctx, item.ID); err != nil {
				d.Log.Error("a log file that was given up could not be removed", "error", err)
			}
		},
	}
}

func (d *Delivery) send(ctx context.Context, item *outbox.Item) error {
	p, body, err := parse(item)
	if err != nil {
		return &outbox.Permanent{Err: err}
	}
	putting, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	err = d.Buckets.Put(putting, p.Bucket, p.Object, &Object{Body: body, Metadata: p.Metadata})
	if err != nil && ctx.Err() != nil {
		return err // the server ends
	}
	d.note(ctx, &p, func(s *Status) { s.put(p.Digest, Code(err), d.Now()) })
	if err != nil || p.Notify == nil || d.Notify == nil {
		return err
	}
	// Nobody is told twice because of a topic that takes nothing: that is shown, and
	// the file counts as delivered.
	failed := d.Notify(ctx, p.Notify, p.Bucket, p.Object)
	d.note(ctx, &p, func(s *Status) { s.notify(Code(failed), d.Now()) })
	return nil
}

// Status is how the deliveries of a trail went, as far as GetTrailStatus tells of
// it. A time is zero if there was none, an error "" if the last try succeeded.
type Status struct {
	Delivered, DigestDelivered, Notified, Attempted time.Time
	Error, DigestError, NotifyError                 string
}

func (s *Status) put(digest bool, code string, now time.Time) {
	s.Attempted = now
	at, failed := &s.Delivered, &s.Error
	if digest {
		at, failed = &s.DigestDelivered, &s.DigestError
	}
	if *failed = code; code == "" {
		*at = now
	}
}

func (s *Status) notify(code string, now time.Time) {
	if s.NotifyError = code; code == "" {
		s.Notified = now
	}
}

// statuses are those of all trails.
type statuses struct {
	mu  sync.Mutex
	all map[string]Status
}

const statusValue = consumer + "/status/"

func loadStatuses(ctx context.Context, o *outbox.Outbox) (*statuses, error) {
	s := &statuses{all: map[string]Status{}}
	return s, load(ctx, o, statusValue, func(id string, text []byte) error {
		var one Status
		err := json.Unmarshal(text, &one)
		s.all[id] = one
		return err
	})
}

func (s *statuses) forget(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, id)
}

// Status is how the deliveries of a trail went, by its id.
func (d *Delivery) Status(trailID string) Status {
	d.status.mu.Lock()
	defer d.status.mu.Unlock()
	return d.status.all[trailID]
}

// note changes the status of a parcel's trail. What cannot be kept of it is wrong
// after a restart only, until the next delivery.
func (d *Delivery) note(ctx context.Context, p *parcel, change func(*Status)) {
	if d.State.Snapshot().Trails.Get(p.Trail) == nil {
		return // nobody can ask for it
	}
	d.status.mu.Lock()
	s := d.status.all[p.Trail]
	change(&s)
	d.status.all[p.Trail] = s
	d.status.mu.Unlock()
	if _, err := d.Outbox.Put(ctx, &outbox.Batch{Values: map[string][]byte{statusValue + p.Trail: encode(s)}}); err != nil && ctx.Err() == nil {
		d.Log.Error("the status of a trail could not be kept", "error", err)
	}
}
