package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/warder-iam/warder/internal/audit/delivery"
	"github.com/warder-iam/warder/internal/audit/feed"
	"github.com/warder-iam/warder/internal/service/cloudtrail"
	"github.com/warder-iam/warder/internal/service/sns"
	"github.com/warder-iam/warder/internal/state"
)

// deliveryShare is the part of the time that each source may take to be delivered
// while many events come: one in eight. It may fall behind then, and catches up later.
const deliveryShare = 8

// deliver has trails delivered to the buckets of the configuration, if there are any.
func (d *Daemon) deliver(ctx context.Context) error {
	c, t := &d.config, d.trail
	if c.Buckets == "" {
		return nil
	}
	buckets, err := delivery.OpenBuckets(c.Buckets, c.MakeBuckets)
	if err != nil {
		return err
	}
	t.delivery, err = delivery.New(ctx, delivery.Config{
		State: d.state, Ring: d.ring, Outbox: t.outbox, Buckets: buckets, Head: t.log.Head,
		Every: c.DeliverEvery, DigestEvery: c.DigestEvery, Now: c.Now, Log: c.Log,
	})
	if err != nil {
		return err
	}
	t.feed.Add(t.delivery, feed.Options{FromNow: true, Share: deliveryShare, Idle: t.delivery.Idle})
	return nil
}

// deliveryConfig completes and checks what is said of delivery.
func (c *Config) deliveryConfig() error {
	if c.Buckets != "" && c.Trail == "" {
		return errors.New("what goes to buckets is read from the audit trail: say where it is kept, by --trail FOLDER")
	}
	if c.TrailFor == 0 {
		c.TrailFor = eventsFor
	}
	if c.TrailFor < 0 || c.DeliverEvery < 0 || c.DigestEvery < 0 || c.DigestEvery%time.Second != 0 {
		return errors.New("the times of the audit trail are to be above zero, and that of digests whole seconds")
	}
	return nil
}

// topics are the SNS topics that trails tell of their deliveries
// (https://docs.aws.amazon.com/awscloudtrail/latest/userguide/configure-sns-notifications-for-cloudtrail.html).
type topics struct {
	sns *sns.Service
	d   *Daemon
}

func (t topics) notice(trail *state.Trail) *sns.Notice {
	return &sns.Notice{
		Service: "cloudtrail.amazonaws.com", SourceARN: trail.ARN(), SourceAccount: trail.Account, Topic: trail.TopicARN(), Time: t.d.config.Now(),
	}
}

// MayPublish implements cloudtrail.Topics.
func (t topics) MayPublish(s *state.Snapshot, _ string, trail *state.Trail) bool {
	return t.sns.MayPublish(s, t.notice(trail)) == nil
}

// tell is delivery.Config.Notify.
func (t topics) tell(ctx context.Context, trail *state.Trail, bucket, key string) error {
	n := t.notice(trail)
	n.ID = t.d.ids.Request()
	text, err := json.Marshal(struct {
		Bucket string   `json:"s3Bucket"`
		Keys   []string `json:"s3ObjectKey"`
	}{bucket, []string{key}})
	if err != nil {
		return err
	}
	n.Text = string(text)
	return t.sns.PublishAs(ctx, t.d.state.Snapshot(), n)
}

// deliverer is delivery as CloudTrail's operations know it.
type deliverer struct {
	*delivery.Delivery
}

func (d deliverer) CheckBucket(ctx context.Context, bucket, prefix string) error {
	err := d.Buckets.Check(ctx, bucket, prefix)
	switch {
	case errors.Is(err, delivery.ErrNoBucket):
		return cloudtrail.ErrNoBucket
	case errors.Is(err, delivery.ErrDenied):
		return cloudtrail.ErrBucketDenied
	}
	return err
}

func (d deliverer) Status(trailID string) cloudtrail.DeliveryStatus {
	s := d.Delivery.Status(trailID)
	return cloudtrail.DeliveryStatus{
		Delivered: s.Delivered, DigestDelivered: s.DigestDelivered, Notified: s.Notified, Attempted: s.Attempted,
		Error: s.Error, DigestError: s.DigestError, NotifyError: s.NotifyError,
	}
}

func (d deliverer) PublicKeys(_ string, from, to time.Time) (keys []cloudtrail.PublicKey) {
	for _, k := range d.Delivery.PublicKeys(from, to) {
		keys = append(keys, cloudtrail.PublicKey{PKCS1: k.Public, Fingerprint: k.Fingerprint, From: k.From, Until: k.Until})
	}
	return keys
}
