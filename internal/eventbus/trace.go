package eventbus

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/warder-iam/warder/internal/audit/outbox"
	"github.com/warder-iam/warder/internal/notify/topic"
	"github.com/warder-iam/warder/internal/service/events"
	"github.com/warder-iam/warder/internal/state"
)

// Try has one rule take an event, and says whether its pattern matches. It sets the
// event's id.
func (b *Bus) Try(ctx context.Context, r *state.EventRule, e *events.Envelope) (bool, error) {
	pattern, err := r.Pattern.Compile()
	if err != nil {
		return false, err
	}
	e.ID = b.IDs.Request()
	text, err := e.JSON()
	if err != nil {
		return false, err
	}
	only := rulesOfBus{}
	only.add(&rule{r, pattern})
	rules := &rules{buses: map[place]rulesOfBus{{r.Account, r.Region, r.Bus}: only}}
	batch := new(outbox.Batch)
	a := arrived{account: r.Account, region: r.Region, bus: r.Bus, Event: events.Event{ID: e.ID, JSON: text, Time: b.Now()}}
	if err := rules.match(batch, &a); err != nil || len(batch.Items) == 0 {
		return false, err
	}
	_, err = b.Outbox.Put(ctx, batch)
	return true, err
}

// Outcome is what became of an event at one receiver.
type Outcome struct {
	Target   string // id
	To       string // ARN of the target, or the endpoint of a topic's subscription
	Arrived  bool
	Attempts int    `json:",omitempty"` // that failed
	Error    string `json:",omitempty"` // of the last, or why nothing was sent
	Dead     bool   `json:",omitempty"` // it is not tried again
}

// open says whether nothing has come of the first attempt yet.
func (o *Outcome) open() bool { return !o.Arrived && o.Error == "" }

// maxTraced is how many items are looked through.
const maxTraced = 10_000

// Trace follows an event that a rule took to the receivers. It is settled if each has
// it or has refused it.
func (b *Bus) Trace(ctx context.Context, r *state.EventRule, event string) (outcomes []Outcome, settled bool, err error) {
	inBus, err := b.items(ctx, Queue, func(text []byte) (string, string) {
		d := new(delivery)
		if json.Unmarshal(text, d) != nil {
			return "", ""
		}
		return d.ID, d.Target
	})
	if err != nil {
		return nil, false, err
	}
	inTopic, err := b.items(ctx, topic.Queue, func(text []byte) (string, string) {
		d := new(topic.Delivery)
		if json.Unmarshal(text, d) != nil {
			return "", ""
		}
		return d.ID, d.Subscription
	})
	if err != nil {
		return nil, false, err
	}
	snap := b.State()
	for _, t := range r.Targets {
		if item, ok := inBus[[2]string{event, t.ID}]; ok {
			outcomes = append(outcomes, outcomeOf(t.ID, t.ARN, item))
			continue
		}
		if snap.Topics.Get(t.ARN) == nil {
			outcomes = append(outcomes, Outcome{Target: t.ID, To: t.ARN, Arrived: true})
			continue
		}
		before := len(outcomes)
		for sub := range snap.SubscriptionsOf(t.ARN, "") {
			to := sub.Protocol + " " + sub.Endpoint
			item, ok := inTopic[[2]string{MessageID(event, r.ARN(), t.ID), sub.ARN}]
			switch {
			case !sub.Confirmed:
				outcomes = append(outcomes, Outcome{Target: t.ID, To: to, Error: "the subscription is not confirmed"})
			case ok:
				outcomes = append(outcomes, outcomeOf(t.ID, to, item))
			case sub.FilterPolicy != "":
				outcomes = append(outcomes, Outcome{Target: t.ID, To: to, Error: "the subscription's filter policy may have left it out"})
			default:
				outcomes = append(outcomes, Outcome{Target: t.ID, To: to, Arrived: true})
			}
		}
		if len(outcomes) == before {
			outcomes = append(outcomes, Outcome{Target: t.ID, To: t.ARN, Error: "the topic has no subscription"})
		}
	}
	for i := range outcomes {
		if outcomes[i].open() {
			return outcomes, false, nil
		}
	}
	return outcomes, true, nil
}

func outcomeOf(target, to string, item *outbox.Item) Outcome {
	return Outcome{Target: target, To: to, Attempts: item.Attempts, Error: item.Error, Dead: item.Due.IsZero()}
}

// items are those of a queue, dead or not, by what key makes of them.
func (b *Bus) items(ctx context.Context, queue string, key func([]byte) (string, string)) (map[[2]string]*outbox.Item, error) {
	waiting, err := b.Outbox.Waiting(ctx, queue, maxTraced)
	if err != nil {
		return nil, err
	}
	dead, err := b.Outbox.Dead(ctx, queue, 0, maxTraced)
	if err != nil {
		return nil, err
	}
	found := map[[2]string]*outbox.Item{}
	for _, item := range append(waiting, dead...) {
		a, c := key(item.Body)
		found[[2]string{a, c}] = item
	}
	return found, nil
}

// A DeadLetter is what could not be sent, by a rule or by a topic.
type DeadLetter struct {
	ID       int64
	From     string // ARN of the rule or topic
	To       string // ARN of the target, or the endpoint
	Event    string // id of the event or message
	Made     string // when it was put in
	Attempts int
	Error    string
}

// Dead are all dead letters.
func (b *Bus) Dead(ctx context.Context) (list []DeadLetter, err error) {
	for _, queue := range []string{Queue, topic.Queue} {
		items, err := b.Outbox.Dead(ctx, queue, 0, maxTraced)
		if err != nil {
			return nil, err
		}
		for _, item := range items {
			letter := DeadLetter{ID: item.ID, Made: item.Made.UTC().Format("2006-01-02T15:04:05Z"), Attempts: item.Attempts, Error: item.Error}
			if queue == Queue {
				d, err := read(item)
				if err != nil {
					return nil, err
				}
				letter.From, letter.To, letter.Event = d.Rule, d.ARN, d.ID
			} else {
				d := new(topic.Delivery)
				if err := json.Unmarshal(item.Body, d); err != nil {
					return nil, err
				}
				letter.From, letter.To, letter.Event = d.Topic, d.Protocol+" "+d.Endpoint, d.ID
			}
			list = append(list, letter)
		}
	}
	return list, nil
}

// Redrive has a dead letter sent again, or deletes it.
func (b *Bus) Redrive(ctx context.Context, id int64, remove bool) error {
	for _, queue := range []string{Queue, topic.Queue} {
		items, err := b.Outbox.Dead(ctx, queue, id-1, 1)
		if err != nil {
			return err
		}
		if len(items) == 0 || items[0].ID != id {
			continue
		}
		if remove {
			return b.Outbox.Delete(ctx, id)
		}
		_, err = b.Outbox.Revive(ctx, id)
		return err
	}
	return fmt.Errorf("there is no dead letter %d", id)
}
