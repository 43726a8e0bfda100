package eventbus

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/warder-iam/warder/arn"
	"github.com/warder-iam/warder/internal/audit/outbox"
	"github.com/warder-iam/warder/internal/eventpattern"
	"github.com/warder-iam/warder/internal/service/events"
	"github.com/warder-iam/warder/internal/state"
)

// rules are the rules of all buses that are not disabled, by what an event must have
// at least for them to match. They are made anew when a rule has changed.
type rules struct {
	table    state.Table[state.EventRule]
	buses    map[place]rulesOfBus
	accounts map[string]bool // with a rule on a default bus
}

type place struct{ account, region, bus string }

// rulesOfBus has the rules of a bus by what they ask for, "" where anything will do.
type rulesOfBus map[asked][]*rule

// asked is what most patterns ask for: a source and, of a CloudTrail record, the
// eventName and the type of the userIdentity. It is known of an event of the trail
// before it is read, and most need not be.
type asked [3]string

// paths are where an event has what is asked for.
var paths = [...]string{"source", "detail.eventName", "detail.userIdentity.type"}

type rule struct {
	*state.EventRule
	pattern *eventpattern.Pattern
}

// of are the rules of a snapshot: the same, if none has changed.
func (r *rules) of(snap *state.Snapshot, log *slog.Logger) *rules {
	if r.buses != nil && r.table.Same(&snap.EventRules) {
		return r
	}
	r = &rules{table: snap.EventRules, buses: map[place]rulesOfBus{}, accounts: map[string]bool{}}
	for record := range snap.EventRules.All() {
		if !record.Enabled() || len(record.Targets) == 0 {
			continue
		}
		pattern, err := record.Pattern.Compile()
		if err != nil {
			log.Error("a rule's pattern cannot be read", "rule", record.ARN(), "error", err)
			continue
		}
		at := place{record.Account, record.Region, record.Bus}
		if r.buses[at] == nil {
			r.buses[at] = rulesOfBus{}
		}
		r.buses[at].add(&rule{record, pattern})
		if record.Bus == state.DefaultEventBus {
			r.accounts[record.Account] = true
		}
	}
	return r
}

func (b rulesOfBus) add(r *rule) {
	keys := []asked{{}}
	for i, path := range paths {
		values, ok := r.pattern.Requires(path)
		if !ok || slices.Contains(values, "") {
			continue
		}
		var with []asked
		for _, key := range keys {
			for _, v := range values {
				key[i] = v
				with = append(with, key)
			}
		}
		keys = with
	}
	for _, key := range keys {
		b[key] = append(b[key], r)
	}
}

// listens says whether an account has rules on a default bus.
func (r *rules) listens(account string) bool { return r.accounts[account] }

// addressed are the events that one is: itself or, if it is of no account, one for each
// account with rules.
func (r *rules) addressed(e *events.Envelope) (list []*events.Envelope) {
	if e.Account != "" {
		return []*events.Envelope{e}
	}
	for _, account := range slices.Sorted(maps.Keys(r.accounts)) {
		one := *e
		one.Account = account
		list = append(list, &one)
	}
	return list
}

// arrived is an event that has come to a bus.
type arrived struct {
	events.Event
	account, region, bus string // where
	asked                asked  // what the event says, if it is known without reading it
	several              bool   // it says several things of one kind: it has a list
	read                 bool   // by CloudTrail, of an operation that only reads
	forwarded            bool   // by a rule of another bus

	parsed *eventpattern.Event
}

func (a *arrived) parse() (err error) {
	if a.parsed == nil {
		if a.parsed, err = eventpattern.Parse(a.JSON); err == nil {
			for i, path := range paths {
				switch values := a.parsed.Strings(path); len(values) {
				case 0:
				case 1:
					a.asked[i] = values[0]
				default:
					a.several = true
				}
			}
		}
	}
	return err
}

// candidates calls fn with the rules that may match until it returns false. Rules get
// events of reads only if they say so
// (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail-management.html).
func (r *rules) candidates(a *arrived, fn func(*rule) bool) {
	of := r.buses[place{a.account, a.region, a.bus}]
	take := func(r *rule) bool { return a.read && r.State != state.EventRuleAllEvents || fn(r) }
	if a.several {
		tried := map[*rule]bool{}
		for _, list := range of {
			for _, rule := range list {
				if tried[rule] {
					continue
				}
				if tried[rule] = true; !take(rule) {
					return
				}
			}
		}
		return
	}
	for which := range 1 << len(paths) {
		var key asked
		twice := false
		for i := range paths {
			if which&(1<<i) != 0 {
				key[i] = a.asked[i]
				twice = twice || key[i] == ""
			}
		}
		if twice {
			continue
		}
		for _, rule := range of[key] {
			if !take(rule) {
				return
			}
		}
	}
}

// any says whether a rule may match, without looking into the event.
func (r *rules) any(a *arrived) (found bool) {
	r.candidates(a, func(*rule) bool { found = true; return false })
	return found
}

// match adds an item for each target of each rule that matches.
func (r *rules) match(batch *outbox.Batch, a *arrived) error {
	if r.buses[place{a.account, a.region, a.bus}] == nil {
		return nil
	}
	if err := a.parse(); err != nil {
		return err
	}
	var failed error
	r.candidates(a, func(rule *rule) bool {
		if !rule.pattern.Matches(a.parsed) {
			return true
		}
		for _, t := range rule.Targets {
			if failed = add(batch, a, rule.EventRule, t); failed != nil {
				return false
			}
		}
		return true
	})
	return failed
}

// A delivery is an event on its way to one target, as the outbox keeps it: with all
// that the rule said of it when the event came.
type delivery struct {
	Rule   string // ARN
	Target string // id
	ARN    string // of the target
	Role   string `json:",omitempty"`
	ID     string // of the event
	Event  string
	Time   time.Time        // when the bus got it
	HTTP   *state.EventHTTP `json:",omitempty"` // with values for paths
	Input  string           `json:",omitempty"` // what is sent; "" is the event

	MaxAttempts, MaxAge int    // retries, seconds
	DeadLetter          string `json:",omitempty"`
}

func read(item *outbox.Item) (*delivery, error) {
	d := new(delivery)
	return d, json.Unmarshal(item.Body, d)
}

func (d *delivery) input() string { return cmp.Or(d.Input, d.Event) }

// messageID is the id of the message that an event becomes on a topic: the same
// whenever it is tried, so that receivers can tell what they got twice.
func (d *delivery) messageID() string { return MessageID(d.ID, d.Rule, d.Target) }

// MessageID is the id of the message that a target, a topic, publishes of an event.
func MessageID(event, rule, target string) string {
	sum := sha256.Sum256([]byte(event + " " + rule + " " + target))
	sum[6], sum[8] = sum[6]&0x0f|0x80, sum[8]&0x3f|0x80 // a UUID of version 8
	return fmt.Sprintf("%x-%x-%x-%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}

// add adds the item of a target.
func add(batch *outbox.Batch, a *arrived, r *state.EventRule, t *state.EventTarget) error {
	if a.forwarded && isBus(t.ARN) {
		// An event that came from another bus is not sent to a third one, so that none
		// goes round
		// (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-bus-to-bus.html).
		return nil
	}
	input, err := t.Payload(a.JSON, eventpattern.Rule{ARN: r.ARN(), Name: r.Name, Ingested: a.Time})
	if err != nil {
		return fmt.Errorf("target %s of %s: %w", t.ID, r.ARN(), err)
	}
	d := &delivery{
		Rule: r.ARN(), Target: t.ID, ARN: t.ARN, Role: t.Role, ID: a.ID, Event: string(a.JSON), Time: a.Time, HTTP: resolve(t.HTTP, a.JSON),
		MaxAttempts: t.MaxAttempts(), MaxAge: t.MaxAge(), DeadLetter: t.DeadLetter,
	}
	if d.Role == "" && isBus(t.ARN) {
		d.Role = r.Role
	}
	if string(input) != d.Event {
		d.Input = string(input)
	}
	body, err := json.Marshal(d)
	if err != nil {
		return err
	}
	batch.Items = append(batch.Items, outbox.Item{
		Queue: Queue, Lane: fmt.Sprintf("%s#%d", t.ARN, a.ID[len(a.ID)-1]%lanes), Key: d.Rule + " " + t.ID, Body: body, Made: a.Time,
	})
	return nil
}

func isBus(target string) bool {
	a, err := arn.Parse(target)
	return err == nil && a.Service == "events" && a.ResourceType() == "event-bus"
}

// resolve puts the parts of the event in the place of their paths. What is not there
// is the empty string.
func resolve(h *state.EventHTTP, event []byte) *state.EventHTTP {
	if h == nil {
		return nil
	}
	value := func(text string) string {
		if !strings.HasPrefix(text, "$") {
			return text
		}
		path, err := eventpattern.CompilePath(text)
		if err != nil {
			return "" // which PutTargets refuses
		}
		part, ok := path.Find(event)
		if !ok {
			return ""
		}
		var s string
		if json.Unmarshal(part, &s) == nil {
			return s
		}
		return string(part)
	}
	values := func(in map[string]string) map[string]string {
		out := make(map[string]string, len(in))
		for name, text := range in {
			out[name] = value(text)
		}
		return out
	}
	out := &state.EventHTTP{Header: values(h.Header), Query: values(h.Query)}
	for _, text := range h.PathParameters {
		out.PathParameters = append(out.PathParameters, value(text))
	}
	return out
}
