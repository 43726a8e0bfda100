package state

import (
	"iter"
	"sync"
	"time"

	"github.com/warder-iam/warder/internal/eventpattern"
)

// EventRule is a rule of an event bus: which events go to which targets
// (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rules.html).
type EventRule struct {
	Account   string // of the bus
	Region    string
	Bus       string // its name
	Name      string // unique on the bus
	CreatedBy string // the account that made it
	Created   time.Time

	Pattern     *EventPattern
	State       string // one of the constants below
	Description string `json:",omitempty"`
	Role        string `json:",omitempty"` // ARN
	Tags        []Tag  `json:",omitempty"`

	Targets []*EventTarget `json:",omitempty"` // in the order they were put
}

// The states of rules. A rule in state AllEvents gets the events of reads, too.
const (
	EventRuleEnabled   = "ENABLED"
	EventRuleDisabled  = "DISABLED"
	EventRuleAllEvents = "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"
)

// ARN is the rule's name in policies. That of a rule on the default bus does not
// name the bus.
func (r *EventRule) ARN() string {
	if r.Bus == DefaultEventBus {
		return EventsARN(r.Account, r.Region, "rule/"+r.Name)
	}
	return EventsARN(r.Account, r.Region, "rule/"+r.Bus+"/"+r.Name)
}

// Enabled says whether the rule takes events at all.
func (r *EventRule) Enabled() bool { return r.State != EventRuleDisabled }

// Target finds a target by its id; nil if there is none.
func (r *EventRule) Target(id string) *EventTarget {
	for _, t := range r.Targets {
		if t.ID == id {
			return t
		}
	}
	return nil
}

// EventPattern is an event pattern as it was saved. It is immutable; its compiled
// form is made at first use and kept with it.
type EventPattern struct {
	Text string

	once     sync.Once
	compiled *eventpattern.Pattern
	err      error
}

// Compile gives the program of the pattern. An error means that the text cannot be
// read, which saving refuses.
func (p *EventPattern) Compile() (*eventpattern.Pattern, error) {
	p.once.Do(func() { p.compiled, p.err = eventpattern.Compile(p.Text) })
	return p.compiled, p.err
}

func eventRulePlace(account, region, bus string) string {
	return eventsPlace(account, region) + bus + "/"
}

var eventRuleSchema = schema[EventRule]{
	prefix: "events/rule/",
	key:    func(r *EventRule) string { return eventRulePlace(r.Account, r.Region, r.Bus) + r.Name },
	indexes: []index[EventRule]{
		{name: "rule name", unique: true, keys: func(r *EventRule) []string { return []string{eventRulePlace(r.Account, r.Region, r.Bus) + r.Name} }},
	},
}

// EventRule finds a rule; nil if there is none.
func (s *Snapshot) EventRule(account, region, bus, name string) *EventRule {
	return s.EventRules.Get(eventRulePlace(account, region, bus) + name)
}

// EventRulesOf iterates over the rules of a bus in the order of their names, after
// the one named after.
func (s *Snapshot) EventRulesOf(account, region, bus, after string) iter.Seq[*EventRule] {
	place := eventRulePlace(account, region, bus)
	if after != "" {
		after = place + after
	}
	return values(s.EventRules.scan(0, place, after))
}
