package daemon

import (
	"context"
	"path/filepath"
	"time"

	"github.com/warder-iam/warder/internal/alert"
	"github.com/warder-iam/warder/internal/audit/feed"
	"github.com/warder-iam/warder/internal/audit/outbox"
	"github.com/warder-iam/warder/internal/audit/trail"
	"github.com/warder-iam/warder/internal/authz"
	"github.com/warder-iam/warder/internal/eventbus"
	"github.com/warder-iam/warder/internal/notify"
)

// buses are the event buses, and what watches the trail for them.
type buses struct {
	*eventbus.Bus
	watcher  *alert.Watcher
	verified time.Time // when the log was last looked through
}

// busShare is the part of the time that each source may take to be matched while many
// events come: one in four. Alerts are late then, and none is lost.
const busShare = 4

// newBuses makes the buses, and feeds them with the trail.
func (d *Daemon) newBuses(az *authz.Authorizer) *buses {
	watcher := alert.NewWatcher(d.trail.outbox, d.config.AlertLearning)
	b := &buses{watcher: watcher, verified: d.config.Now(), Bus: eventbus.New(eventbus.Config{
		State: d.state.Snapshot, Authz: az, Ring: d.ring, IDs: d.ids, Outbox: d.trail.outbox, Topics: d.notify.sns,
		Webhooks: notify.NewWebhooks(d.config.Notify.Network, d.config.Now), Watcher: watcher,
		Now: d.config.Now, Log: d.config.Log, FirstRetry: d.config.Notify.FirstRetry, MostRetry: d.config.Notify.MostRetry,
	})}
	d.trail.feed.Add(b, feed.Options{FromNow: true, Share: busShare})
	return b
}

// verifyEvery is how often the log is looked through for changes.
const verifyEvery = 24 * time.Hour

// housekeep is done now and then: the log is looked through, and what the watcher has
// not seen for long is forgotten.
func (b *buses) housekeep(ctx context.Context, d *Daemon) error {
	now := d.config.Now()
	if now.Sub(b.verified) < verifyEvery {
		return nil
	}
	b.verified = now
	report, err := trail.Verify(ctx, filepath.Join(d.config.Trail, "log"))
	if err != nil {
		return err
	}
	if !report.OK() {
		d.config.Log.Error("the log of the audit trail is not as it was written", "problems", len(report.Problems), "first", report.Problems[0])
		event, err := alert.Damage(report.Problems[0].String(), now)
		if err != nil {
			return err
		}
		if err := b.Emit(ctx, event); err != nil {
			return err
		}
	}
	forgotten, err := b.watcher.Forget(ctx, now)
	if err != nil || len(forgotten) == 0 {
		return err
	}
	_, err = d.trail.outbox.Put(ctx, &outbox.Batch{Values: forgotten})
	return err
}
