package events

import (
	"bytes"
	"encoding/json"
	"strings"
	"time"

	api "github.com/warder-iam/warder/internal/api/events"
	"github.com/warder-iam/warder/internal/awserr"
	"github.com/warder-iam/warder/internal/eventpattern"
	"github.com/warder-iam/warder/internal/service"
	"github.com/warder-iam/warder/internal/state"
)

// maxRequest is how large all entries of a request may be together
// (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html#eb-putevent-size).
const maxRequest = 256 << 10

// putEvents hands events to the rules of buses. Each entry is answered by itself, in
// their order: with the id of its event, or with what is wrong with it
// (https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html).
func (s *Service) putEvents(c *service.Call, snap *state.Snapshot, in *api.PutEventsRequest) (*api.PutEventsResponse, error) {
	if in.EndpointId != nil {
		return nil, notFound("Endpoint '%s' does not exist.", *in.EndpointId)
	}
	size := 0
	for i := range in.Entries {
		size += sizeOf(&in.Entries[i])
	}
	if size > maxRequest {
		return nil, invalid("Total size of the entries in the request is over the limit.")
	}
	out := &api.PutEventsResponse{FailedEntryCount: new(int32), Entries: make([]api.PutEventsResultEntry, len(in.Entries))}
	fail := func(i int, code, message string) {
		out.Entries[i] = api.PutEventsResultEntry{ErrorCode: &code, ErrorMessage: &message}
		*out.FailedEntryCount++
	}
	type batch struct {
		bus     *state.EventBus
		events  []Event
		entries []int
	}
	var batches []*batch // by bus, in the order in which they come first
	byARN := map[string]*batch{}
	for i := range in.Entries {
		bus, event, err := s.newEvent(c, snap, &in.Entries[i])
		if err != nil {
			refusal := awserr.From(err)
			fail(i, refusal.Code, refusal.Message)
			continue
		}
		b := byARN[bus.ARN()]
		if b == nil {
			b = &batch{bus: bus}
			batches, byARN[bus.ARN()] = append(batches, b), b
		}
		b.events, b.entries = append(b.events, *event), append(b.entries, i)
		out.Entries[i] = api.PutEventsResultEntry{EventId: &event.ID}
	}
	for _, b := range batches {
		if s.bus != nil && s.bus.Put(c, b.bus, b.events) == nil {
			continue
		}
		for _, i := range b.entries {
			fail(i, "InternalException", "The event could not be taken. Please try again.")
		}
	}
	return out, nil
}

// sizeOf is the size of an entry as AWS counts it.
func sizeOf(e *api.PutEventsRequestEntry) int {
	size := len(deref(e.Source)) + len(deref(e.DetailType)) + len(deref(e.Detail))
	if e.Time != nil {
		size += 14
	}
	for _, r := range e.Resources {
		size += len(r)
	}
	return size
}

// newEvent makes an event of an entry.
func (s *Service) newEvent(c *service.Call, snap *state.Snapshot, e *api.PutEventsRequestEntry) (*state.EventBus, *Event, error) {
	required := func(name string) error {
		return awserr.New("InvalidArgument", "Parameter %s is not valid. Reason: %[1]s is a required argument.", name)
	}
	switch {
	case deref(e.Source) == "":
		return nil, nil, required("Source")
	case deref(e.DetailType) == "":
		return nil, nil, required("DetailType")
	case deref(e.Detail) == "":
		return nil, nil, required("Detail")
	case strings.HasPrefix(*e.Source, "aws."), strings.HasPrefix(*e.Source, "warder."):
		return nil, nil, awserr.New("NotAuthorizedForSourceException", "Not authorized for the source.")
	case e.TraceHeader != nil:
		return nil, nil, awserr.New("InvalidArgument", "Parameter TraceHeader is not valid. Reason: Warder traces no events.")
	}
	if _, err := eventpattern.Parse([]byte(*e.Detail)); err != nil {
		return nil, nil, awserr.New("MalformedDetail", "Detail is malformed.")
	}
	p, err := placeOf(c, e.EventBusName)
	if err != nil {
		return nil, nil, err
	}
	bus, err := p.find(snap)
	if err != nil {
		return nil, nil, err
	}
	event := &Event{ID: s.ids.Request(), Time: c.Time}
	at := c.Now()
	if e.Time != nil {
		at = e.Time.UTC().Truncate(time.Second)
	}
	resources := e.Resources
	if resources == nil {
		resources = []string{}
	}
	event.JSON, err = (&Envelope{
		ID: event.ID, DetailType: *e.DetailType, Source: *e.Source, Account: c.Caller.Account, Time: at, Region: bus.Region,
		Resources: resources, Detail: []byte(*e.Detail),
	}).JSON()
	return bus, event, err
}

// Envelope is an event as rules see it
// (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html).
type Envelope struct {
	Version    string          `json:"version"` // set by JSON
	ID         string          `json:"id"`
	DetailType string          `json:"detail-type"`
	Source     string          `json:"source"`
	Account    string          `json:"account"`
	Time       time.Time       `json:"time"` // UTC, whole seconds
	Region     string          `json:"region"`
	Resources  []string        `json:"resources"`
	Detail     json.RawMessage `json:"detail"`
}

// JSON writes the event.
func (e *Envelope) JSON() ([]byte, error) {
	e.Version = "0"
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(e)
	return bytes.TrimRight(b.Bytes(), "\n"), err
}
