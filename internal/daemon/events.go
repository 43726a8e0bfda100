package daemon

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/warder-iam/warder/internal/audit/trail"
)

// FoundEvents is a page of the audit trail, the newest event first.
type FoundEvents struct {
	Events []FoundEvent `json:"events"`
	Next   string       `json:"next,omitempty"` // where the next page begins; "" if this was the last
}

// FoundEvent is an event and what it is about.
type FoundEvent struct {
	Record    json.RawMessage  `json:"record"` // as CloudTrail writes it
	Resources []trail.Resource `json:"resources,omitempty"`
}

// EventQuery asks for events of the audit trail, for the path "/events".
type EventQuery struct {
	Account          string // the only one there is, if empty
	Attribute, Value string // see trail.Attribute; an empty attribute finds all
	From, To         time.Time
	Limit            int
	After            string // FoundEvents.Next of the page before
}

// Path is the path of the query.
func (q *EventQuery) Path() string {
	v := url.Values{"account": {q.Account}, "attribute": {q.Attribute}, "value": {q.Value}, "after": {q.After}, "limit": {strconv.Itoa(q.Limit)}}
	for name, t := range map[string]time.Time{"from": q.From, "to": q.To} {
		if !t.IsZero() {
			v.Set(name, t.UTC().Format(time.RFC3339Nano))
		}
	}
	return "/events?" + v.Encode()
}

func parseEventQuery(v url.Values) (q EventQuery, err error) {
	q = EventQuery{Account: v.Get("account"), Attribute: v.Get("attribute"), Value: v.Get("value"), After: v.Get("after")}
	if q.Limit, err = strconv.Atoi(v.Get("limit")); err != nil {
		return q, err
	}
	for name, t := range map[string]*time.Time{"from": &q.From, "to": &q.To} {
		if text := v.Get(name); text != "" {
			if *t, err = time.Parse(time.RFC3339Nano, text); err != nil {
				return q, err
			}
		}
	}
	return q, nil
}

func (d *Daemon) serveEvents(w http.ResponseWriter, r *http.Request) {
	found, err := d.findEvents(r)
	reply(w, found, err)
}

func (d *Daemon) findEvents(r *http.Request) (*FoundEvents, error) {
	if d.trail == nil {
		return nil, errors.New("this server keeps no audit trail: it was started with --trail none")
	}
	q, err := parseEventQuery(r.URL.Query())
	if err != nil {
		return nil, err
	}
	if q.Account, err = d.onlyAccount(q.Account); err != nil {
		return nil, err
	}
	page, err := d.trail.index.Find(r.Context(), trail.Query{
		Account: q.Account, Attribute: trail.Attribute(q.Attribute), Value: q.Value,
		From: q.From, To: q.To, Limit: q.Limit, After: q.After,
	})
	if err != nil {
		return nil, err
	}
	found := &FoundEvents{Events: []FoundEvent{}, Next: page.Next}
	for _, e := range page.Entries {
		found.Events = append(found.Events, FoundEvent{Record: e.JSON, Resources: e.Resources})
	}
	return found, nil
}
