package state

import (
	"iter"
	"time"
)

// EventBus is an event bus of EventBridge
// (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-bus.html).
type EventBus struct {
	Account  string // twelve digits
	Region   string
	Name     string    // unique in the account's region
	Created  time.Time // UTC, whole seconds; zero for a default bus that nobody has changed
	Modified time.Time

	Description string    `json:",omitempty"`
	Policy      *Document `json:",omitempty"` // who else may do what with it
	Tags        []Tag     `json:",omitempty"`
}

// DefaultEventBus is the name of the bus that every account has in every region,
// and that the events of services come to.
const DefaultEventBus = "default"

// ARN is the bus's name in policies.
func (b *EventBus) ARN() string { return EventsARN(b.Account, b.Region, "event-bus/"+b.Name) }

// EventsARN is the ARN of a resource of EventBridge.
func EventsARN(account, region, resource string) string {
	return "arn:aws:events:" + region + ":" + account + ":" + resource
}

// eventsPlace is what the keys of an account's resources in a region begin with.
func eventsPlace(account, region string) string { return account + "/" + region + "/" }

var eventBusSchema = schema[EventBus]{
	prefix: "events/bus/",
	key:    func(b *EventBus) string { return eventsPlace(b.Account, b.Region) + b.Name },
	indexes: []index[EventBus]{
		{name: "event bus name", unique: true, keys: func(b *EventBus) []string { return []string{eventsPlace(b.Account, b.Region) + b.Name} }},
	},
}

// EventBus finds a bus; nil if there is none. The default bus is always there.
func (s *Snapshot) EventBus(account, region, name string) *EventBus {
	if b := s.EventBuses.Get(eventsPlace(account, region) + name); b != nil {
		return b
	}
	if a := s.Accounts.Get(account); a != nil && name == DefaultEventBus {
		return &EventBus{Account: account, Region: region, Name: name, Created: a.Created, Modified: a.Created}
	}
	return nil
}

// EventBusesIn iterates over the buses of an account's region that are not the
// default bus, in the order of their names.
func (s *Snapshot) EventBusesIn(account, region string) iter.Seq[*EventBus] {
	return func(yield func(*EventBus) bool) {
		for b := range values(s.EventBuses.scan(0, eventsPlace(account, region), "")) {
			if b.Name != DefaultEventBus && !yield(b) {
				return
			}
		}
	}
}
