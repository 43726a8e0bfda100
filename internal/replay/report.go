package replay

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/warder-iam/warder/internal/audit/decision"
	"github.com/warder-iam/warder/internal/audit/trail"
)

// Report says what a change would have changed.
type Report struct {
	Account  string    `json:"account"`
	From     time.Time `json:"from,omitzero"`
	To       time.Time `json:"to,omitzero"`
	Revision int64     `json:"revision"` // of the state that the change is proposed for

	Requests   int64 `json:"requests"`   // that were decided again
	Gone       int64 `json:"gone"`       // of these, by principals and keys that are not there today
	Drift      int64 `json:"drift"`      // of these, decided otherwise today than they were then
	Unreadable int64 `json:"unreadable"` // records that are not understood

	NewlyDenied  int64 `json:"newlyDenied"` // requests
	NewlyAllowed int64 `json:"newlyAllowed"`

	Principals []Principal `json:"principals"` // with differences, by ARN
}

// Principal is what would change for one user or role.
type Principal struct {
	ARN          string       `json:"arn"`
	NewlyDenied  []Difference `json:"newlyDenied,omitempty"` // by count, the most first
	NewlyAllowed []Difference `json:"newlyAllowed,omitempty"`
}

// Difference is an action that would be decided otherwise.
type Difference struct {
	Action  string    `json:"action"`
	Count   int64     `json:"count"`
	First   time.Time `json:"first"`
	Last    time.Time `json:"last"`
	Example Example   `json:"example"` // the last one
}

// Example is one request.
type Example struct {
	EventID  string `json:"eventId"` // in the trail
	Resource string `json:"resource"`
	Caller   string `json:"caller"` // the ARN of the session, of a role
	SourceIP string `json:"sourceIp,omitempty"`
	// Reason is AWS's sentence of the denial, or which statement would allow.
	Reason string `json:"reason"`
}

// tally is what one judge has counted.
type tally struct {
	requests, gone, drift, unreadable int64
	differences                       map[key]*difference
}

type key struct {
	principal, action string
	denied            bool
}

type difference struct {
	count       int64
	first, last time.Time
	event       string
	record      []byte // of the last
}

// add counts a request that comes out otherwise.
func (t *tally) add(principal string, rec *decision.Record, d *trail.Decision, now, then verdict) {
	k := key{principal: principal, denied: now.allowed}
	if k.denied {
		k.action = rec.Checks[then.check].Action
	} else {
		k.action = rec.Checks[now.check].Action
	}
	diff := t.differences[k]
	if diff == nil {
		diff = &difference{first: rec.Time}
		t.differences[k] = diff
	}
	diff.count++
	if rec.Time.Before(diff.first) {
		diff.first = rec.Time
	}
	if !rec.Time.Before(diff.last) {
		diff.last, diff.event, diff.record = rec.Time, string(d.EventID), append(diff.record[:0], d.Record...)
	}
}

func newReport(q *Query, revision int64) *report {
	return &report{
		Report: &Report{Account: q.Account, From: q.From, To: q.To, Revision: revision, Principals: []Principal{}},
		tally:  tally{differences: map[key]*difference{}},
	}
}

// report is a Report that is being made.
type report struct {
	*Report
	tally tally
}

func (r *report) merge(t tally) {
	r.Requests += t.requests
	r.Gone += t.gone
	r.Drift += t.drift
	r.Unreadable += t.unreadable
	for k, d := range t.differences {
		have := r.tally.differences[k]
		if have == nil {
			r.tally.differences[k] = d
			continue
		}
		have.count += d.count
		if d.first.Before(have.first) {
			have.first = d.first
		}
		if d.last.After(have.last) {
			have.last, have.event, have.record = d.last, d.event, d.record
		}
	}
}

// finish orders the differences and explains their examples.
func (r *report) finish(j *judge) *Report {
	principals := map[string]*Principal{}
	for k, d := range r.tally.differences {
		p := principals[k.principal]
		if p == nil {
			p = &Principal{ARN: k.principal}
			principals[k.principal] = p
		}
		out := Difference{Action: k.action, Count: d.count, First: at(d.first), Last: at(d.last), Example: j.explain(d)}
		if k.denied {
			r.NewlyDenied += d.count
			p.NewlyDenied = append(p.NewlyDenied, out)
		} else {
			r.NewlyAllowed += d.count
			p.NewlyAllowed = append(p.NewlyAllowed, out)
		}
	}
	for _, p := range principals {
		for _, list := range [][]Difference{p.NewlyDenied, p.NewlyAllowed} {
			slices.SortFunc(list, func(a, b Difference) int {
				return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Action, b.Action))
			})
		}
		r.Principals = append(r.Principals, *p)
	}
	slices.SortFunc(r.Principals, func(a, b Principal) int { return cmp.Compare(a.ARN, b.ARN) })
	return r.Report
}

// explain decides an example once more and says why it comes out so.
func (j *judge) explain(d *difference) Example {
	e := Example{EventID: d.event}
	rec, err := decision.Parse(d.record)
	if err != nil {
		e.Reason = err.Error()
		return e
	}
	was, err := decision.ParseCaller(rec.Caller)
	if err != nil {
		e.Reason = err.Error()
		return e
	}
	e.Caller = was.ARN
	if rec.SourceIP.IsValid() {
		e.SourceIP = rec.SourceIP.String()
	}
	who := j.after.seat(was)
	then := j.after.decide(rec, &who)
	e.Resource = rec.Checks[then.check].Resource
	switch {
	case then.why != "":
		e.Reason = then.why
	case then.allowed:
		e.Reason = "allowed by the " + then.decided.Layer.String()
		if p, i := then.decided.Statement(); p != nil {
			e.Reason = fmt.Sprintf("allowed by statement %d of %s", i+1, p.Source().Name)
		}
	default:
		e.Reason = then.decided.AccessDeniedMessage(then.request)
	}
	return e
}
