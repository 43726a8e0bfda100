package server

import (
	"cmp"
	"net/http"

	"github.com/warder-iam/warder/internal/api"
	"github.com/warder-iam/warder/internal/audit"
	"github.com/warder-iam/warder/internal/audit/decision"
	"github.com/warder-iam/warder/internal/authz"
	"github.com/warder-iam/warder/internal/awserr"
	"github.com/warder-iam/warder/internal/service"
)

// A Trail keeps the events of requests (internal/audit).
type Trail interface {
	// Encode is an event as it lands with the change that it tells of.
	Encode(*audit.Event) ([]byte, error)
	// Log keeps an event of a request that changed nothing: a read or a refusal.
	// It does not wait without bound.
	Log(*audit.Event)
}

// audited begins the audit record of a request that names an operation, and has
// the events of a change land with it.
func (s *Server) audited(r *http.Request, rec *Record, call *service.Call, svc *service.Service, op *api.Operation) {
	if s.Trail == nil {
		return
	}
	rec.audit = &audit.Request{
		ID: rec.RequestID, Time: rec.Time, Service: svc.API, Operation: op,
		UserAgent: r.UserAgent(), TLS: r.TLS, Host: r.Host,
	}
	call.Decided = new(authz.Decided)
	call.Events = func(out any) (encoded [][]byte, err error) {
		for _, e := range s.events(rec, call, out, nil) {
			text, err := s.Trail.Encode(e)
			if err != nil {
				return nil, err
			}
			encoded = append(encoded, text)
		}
		return encoded, nil
	}
}

// keep logs the events of a request that is over, unless they have landed with
// what it changed.
func (s *Server) keep(rec *Record, call *service.Call, out any, err error) {
	if rec.audit == nil || call.Recorded {
		return
	}
	for _, e := range s.events(rec, call, out, err) {
		s.Trail.Log(e)
	}
}

// defaultRegion is where an event happened if no signature that was verified says
// so: where CloudTrail has the requests to the endpoints without a region.
const defaultRegion = "us-east-1"

// events are the events of a request with what came of it. Who calls is known
// by now, and may be another than who signed: the bearer of a token.
func (s *Server) events(rec *Record, call *service.Call, out any, err error) []*audit.Event {
	q := rec.audit
	q.Caller, q.MFA, q.Region, q.SourceIP = call.Caller, call.MFA, cmp.Or(call.Region, defaultRegion), rec.SourceIP
	q.Token = call.Token
	if call.Caller != nil && call.Caller.Session != nil {
		q.Delegate = call.Caller.Session.Delegate
	}
	q.Output, q.Err = out, nil
	if err != nil {
		q.Output, q.Err = nil, awserr.From(err)
	}
	events := q.Events(s.IDs.Request)
	if record := decision.Of(&call.Request, call.Decided); record != nil && len(events) > 0 {
		text, err := record.Append(nil)
		if err != nil {
			s.Log.Error("how a request was decided cannot be written", "request", rec.RequestID, "error", err)
			return events
		}
		events[0].Record = text // the other account's event is no request of its own
	}
	return events
}

// Unsigned is what is known of a request to a fixed path whose caller proves by other
// means than a signature who it is, and what its events begin with.
func (s *Server) Unsigned(r *http.Request) (authz.Request, audit.Request) {
	rec, ok := r.Context().Value(recordKey{}).(*Record)
	if !ok {
		rec = &Record{RequestID: s.IDs.Request(), Time: s.Now()}
	}
	q, _ := s.request(r, nil, nil, "", rec) // there is nothing that could be refused
	q.Region = defaultRegion
	return q, audit.Request{
		ID: rec.RequestID, Time: q.Time, Region: q.Region, SourceIP: q.SourceIP, UserAgent: q.UserAgent, TLS: r.TLS, Host: r.Host,
	}
}

// Asked keeps the data event of a question that came to a fixed path; q has what
// was asked and what was answered, the rest is the request's.
func (s *Server) Asked(r *http.Request, caller *authz.Request, q *audit.Question) {
	q.ID, q.Time, q.UserAgent, q.TLS, q.Host = s.IDs.Request(), caller.Time, r.UserAgent(), r.TLS, r.Host
	if rec, ok := r.Context().Value(recordKey{}).(*Record); ok {
		q.ID = rec.RequestID
	}
	q.Caller, q.MFA, q.Region, q.SourceIP = caller.Caller, caller.MFA, cmp.Or(caller.Region, defaultRegion), caller.SourceIP
	if caller.Caller.Session != nil {
		q.Delegate = caller.Caller.Session.Delegate
	}
	s.Trail.Log(q.Event(s.IDs.Request()))
}
