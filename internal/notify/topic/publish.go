package topic

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"time"

	"github.com/warder-iam/warder/internal/audit/outbox"
	"github.com/warder-iam/warder/internal/state"
)

// Queue is the name of the outbox's queue that deliveries stand in.
const Queue = "sns"

// Outbox keeps deliveries until they are made: *outbox.Outbox.
type Outbox interface {
	Put(ctx context.Context, b *outbox.Batch) (put bool, err error)
}

// Publisher puts messages into the outbox.
type Publisher struct{ outbox Outbox }

// NewPublisher makes a publisher.
func NewPublisher(o Outbox) *Publisher { return &Publisher{o} }

// Publish puts messages to a topic into the outbox, a delivery for each confirmed
// subscription that lets it through, all or none.
func (p *Publisher) Publish(ctx context.Context, s *state.Snapshot, t *state.Topic, messages ...*Message) error {
	var items []outbox.Item
	for sub := range s.SubscriptionsOf(t.ARN(), "") {
		for _, m := range messages {
			if !sub.Confirmed || !passes(sub, m) {
				continue
			}
			d, err := prepare(t, sub, Notification)
			if err != nil {
				return err
			}
			d.ID, d.Subject, d.Text, d.Attributes, d.Time, d.Raw = m.ID, m.Subject, m.For(sub.Protocol), m.Attributes, m.Time, sub.Raw
			if items, err = appendItem(items, d); err != nil {
				return err
			}
		}
	}
	return p.put(ctx, items)
}

// Confirm asks the endpoint of a subscription to confirm it, or, of one that ended, to
// confirm that it is to be again: kind says which.
func (p *Publisher) Confirm(ctx context.Context, t *state.Topic, sub *state.Subscription, kind, id string, now time.Time) error {
	d, err := prepare(t, sub, kind)
	if err != nil {
		return err
	}
	d.ID, d.Time = id, now
	if kind == SubscriptionConfirm {
		d.Text = fmt.Sprintf("You have chosen to subscribe to the topic %s.\nTo confirm the subscription, visit the SubscribeURL included in this message.", sub.Topic)
	} else {
		d.Text = fmt.Sprintf("You have chosen to deactivate subscription %s.\nTo cancel this operation and restore the subscription, visit the SubscribeURL included in this message.", sub.ARN)
	}
	items, err := appendItem(nil, d)
	if err != nil {
		return err
	}
	return p.put(ctx, items)
}

func prepare(t *state.Topic, sub *state.Subscription, kind string) (*Delivery, error) {
	d := &Delivery{
		Kind: kind, Topic: sub.Topic, Subscription: sub.ARN, Protocol: sub.Protocol, Endpoint: sub.Endpoint,
		SignatureVersion: "1", DisplayName: t.DisplayName, Retries: mailRetries,
	}
	if t.SignatureVersion != "" {
		d.SignatureVersion = t.SignatureVersion
	}
	if !ByMail(sub.Protocol) {
		policy, err := readSubscriptionPolicy(sub.DeliveryPolicy, t.DeliveryPolicy)
		if err != nil {
			return nil, fmt.Errorf("topic: %s: %w", sub.ARN, err)
		}
		d.Retries, d.ContentType = *policy.Retry, policy.Request.ContentType
	}
	return d, nil
}

// lane is one of a few of a subscription's: an endpoint that is away holds up no other,
// and one that is slow gets more than one message at a time.
func lane(d *Delivery) string {
	return fmt.Sprintf("%s#%d", d.Subscription, crc32.ChecksumIEEE([]byte(d.ID))%4)
}

func appendItem(items []outbox.Item, d *Delivery) ([]outbox.Item, error) {
	body, err := json.Marshal(d)
	if err != nil {
		return nil, err
	}
	return append(items, outbox.Item{Queue: Queue, Lane: lane(d), Key: d.Subscription, Body: body}), nil
}

func (p *Publisher) put(ctx context.Context, items []outbox.Item) error {
	if len(items) == 0 {
		return nil
	}
	_, err := p.outbox.Put(ctx, &outbox.Batch{Items: items})
	return err
}
