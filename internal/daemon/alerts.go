package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/warder-iam/warder/internal/alert"
	"github.com/warder-iam/warder/internal/eventbus"
	"github.com/warder-iam/warder/internal/state"
)

// AlertsRequest asks for something to be done with ready-made alerts, for the paths
// "/alerts/…" of the control socket.
type AlertsRequest struct {
	Account string   // the only one there is, if empty
	Region  string   // "us-east-1" if empty
	Names   []string // all if there are none

	// To enable: where the alerts are sent, besides where they are sent already.
	Topic      string `json:",omitempty"` // ARN
	Webhook    string `json:",omitempty"` // URL
	WebhookKey string `json:",omitempty"` // what the webhook's requests have in the header WebhookHeader; random if empty
	Mail       string `json:",omitempty"` // address

	Delete bool `json:",omitempty"` // to disable: the rules are deleted
}

// AlertStatus is what is known of a ready-made alert.
type AlertStatus struct {
	Name, Severity, Title string
	State                 string // "on", "off" or, if the rule is not as it was made, "changed"
	Targets               []string
	eventbus.Tally
}

// AlertTest is what became of the sample of an alert.
type AlertTest struct {
	Name     string
	Error    string `json:",omitempty"` // why there was none
	Outcomes []eventbus.Outcome
}

// AlertLetters is what is to be done with dead letters: nothing, one is sent again, or
// deleted.
type AlertLetters struct{ Retry, Delete int64 }

func (d *Daemon) alertRoutes(mux *http.ServeMux) {
	mux.HandleFunc("POST /alerts/list", alertRoute(d, d.listAlerts))
	mux.HandleFunc("POST /alerts/enable", alertRoute(d, d.enableAlerts))
	mux.HandleFunc("POST /alerts/disable", alertRoute(d, d.disableAlerts))
	mux.HandleFunc("POST /alerts/test", alertRoute(d, d.testAlerts))
	mux.HandleFunc("POST /alerts/dead", func(w http.ResponseWriter, r *http.Request) {
		letters, err := d.deadLetters(r)
		reply(w, letters, err)
	})
}

var errNoTrail = errors.New("this server keeps no audit trail, and so has no alerts: it was started with --trail none")

func alertRoute[Out any](d *Daemon, do func(context.Context, *AlertsRequest) (Out, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		out, err := func() (out Out, err error) {
			if d.buses == nil {
				return out, errNoTrail
			}
			ask := new(AlertsRequest)
			if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10)).Decode(ask); err != nil {
				return out, err
			}
			if ask.Account, err = d.onlyAccount(ask.Account); err != nil {
				return out, err
			}
			if ask.Region == "" {
				ask.Region = alert.Region
			}
			return do(r.Context(), ask)
		}()
		reply(w, out, err)
	}
}

func (d *Daemon) alertRule(ask *AlertsRequest, a *alert.Alert) *state.EventRule {
	return d.state.Snapshot().EventRule(ask.Account, ask.Region, state.DefaultEventBus, a.Rule())
}

// listAlerts shows all ready-made alerts.
func (d *Daemon) listAlerts(ctx context.Context, ask *AlertsRequest) ([]AlertStatus, error) {
	tallies, err := d.buses.Tallies(ctx)
	if err != nil {
		return nil, err
	}
	alerts, err := alert.Find(ask.Names)
	if err != nil {
		return nil, err
	}
	snap := d.state.Snapshot()
	var list []AlertStatus
	for _, a := range alerts {
		s := AlertStatus{Name: a.Name, Severity: a.Severity, Title: a.Title, State: "off"}
		if r := d.alertRule(ask, a); r != nil {
			s.Tally = tallies[r.ARN()]
			switch {
			case !r.Enabled():
			case r.Pattern.Text != a.Pattern || r.State != a.State():
				s.State = "changed"
			default:
				s.State = "on"
			}
			for _, t := range r.Targets {
				s.Targets = append(s.Targets, describe(snap, t))
			}
		}
		list = append(list, s)
	}
	return list, nil
}

// describe says where a target is.
func describe(snap *state.Snapshot, t *state.EventTarget) string {
	if dest := snap.APIDestinationByARN(t.ARN); dest != nil {
		return dest.Endpoint
	}
	topic := snap.Topics.Get(t.ARN)
	if topic == nil {
		return t.ARN + " (is gone)"
	}
	if topic.Name != mailTopic {
		return t.ARN
	}
	text := ""
	for sub := range snap.SubscriptionsOf(t.ARN, "") {
		if text != "" {
			text += ", "
		}
		text += sub.Endpoint
		if !sub.Confirmed {
			text += " (not confirmed)"
		}
	}
	return text
}

const (
	// testFor is how long a sample is followed.
	testFor  = 20 * time.Second
	testTick = 50 * time.Millisecond
)

// testAlerts sends a sample of alerts that are on, and follows it to its receivers.
func (d *Daemon) testAlerts(ctx context.Context, ask *AlertsRequest) (tests []AlertTest, err error) {
	alerts, err := alert.Find(ask.Names)
	if err != nil {
		return nil, err
	}
	type sample struct {
		rule *state.EventRule
		id   string
		test int
	}
	var sent []sample
	for _, a := range alerts {
		r := d.alertRule(ask, a)
		if len(ask.Names) == 0 && (r == nil || !r.Enabled()) {
			continue
		}
		test := AlertTest{Name: a.Name}
		switch id, err := d.sendSample(ctx, ask, a, r); {
		case err != nil:
			test.Error = err.Error()
		default:
			sent = append(sent, sample{r, id, len(tests)})
		}
		tests = append(tests, test)
	}
	if len(tests) == 0 {
		return nil, errors.New("no alert is on: `warder alerts enable` switches them on")
	}
	ctx, cancel := context.WithTimeout(ctx, testFor)
	defer cancel()
	tick := time.NewTicker(testTick)
	defer tick.Stop()
	for _, s := range sent {
		for settled := false; !settled && ctx.Err() == nil; {
			if tests[s.test].Outcomes, settled, err = d.buses.Trace(ctx, s.rule, s.id); err != nil && ctx.Err() == nil {
				return nil, err
			}
			if !settled {
				select {
				case <-tick.C:
				case <-ctx.Done():
				}
			}
		}
	}
	return tests, nil
}

func (d *Daemon) sendSample(ctx context.Context, ask *AlertsRequest, a *alert.Alert, r *state.EventRule) (id string, err error) {
	switch {
	case r == nil || !r.Enabled():
		return "", errors.New("the alert is off: nothing was sent")
	case len(r.Targets) == 0:
		return "", errors.New("the alert has no target: nothing was sent")
	}
	event, err := a.Sample(ask.Account, ask.Region, d.config.Now())
	if err != nil {
		return "", err
	}
	matched, err := d.buses.Try(ctx, r, event)
	if err == nil && !matched {
		err = errors.New("the rule's pattern was changed: it does not match the sample")
	}
	return event.ID, err
}

func (d *Daemon) deadLetters(r *http.Request) ([]eventbus.DeadLetter, error) {
	if d.buses == nil {
		return nil, errNoTrail
	}
	var ask AlertLetters
	if err := json.NewDecoder(http.MaxBytesReader(nil, r.Body, 4<<10)).Decode(&ask); err != nil {
		return nil, err
	}
	for _, id := range []int64{ask.Retry, ask.Delete} {
		if id == 0 {
			continue
		}
		if err := d.buses.Redrive(r.Context(), id, id == ask.Delete); err != nil {
			return nil, fmt.Errorf("%s: %w", strconv.FormatInt(id, 10), err)
		}
	}
	return d.buses.Dead(r.Context())
}
