package cloudtrail

import (
	"errors"
	"strconv"
	"time"

	base "github.com/warder-iam/warder/internal/api"
	api "github.com/warder-iam/warder/internal/api/cloudtrail"
	"github.com/warder-iam/warder/internal/audit/trail"
	"github.com/warder-iam/warder/internal/awserr"
	"github.com/warder-iam/warder/internal/service"
	"github.com/warder-iam/warder/internal/state"
)

// maxResults is the most that a page has, and what it has unless told otherwise.
const maxResults = 50

// lookupEvents finds the account's management events, or its Insights events, the
// newest first: those of the last 90 days, which is how long the index keeps them
// (https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html).
func (s *Service) lookupEvents(c *service.Call, _ *state.Snapshot, in *api.LookupEventsRequest) (*api.LookupEventsResponse, error) {
	q, err := query(c, in)
	if err != nil {
		return nil, err
	}
	events, next, err := s.find(c, q)
	return &api.LookupEventsResponse{Events: events, NextToken: next}, err
}

// find is a page of what is in the index.
func (s *Service) find(c *service.Call, q *trail.Query) (events []api.Event, next *string, err error) {
	page, err := s.index.Find(c, *q)
	if errors.Is(err, trail.ErrToken) {
		return nil, nil, invalidToken()
	}
	if err != nil {
		return nil, nil, err
	}
	events = []api.Event{}
	for _, e := range page.Entries {
		events = append(events, event(e))
	}
	return events, some(page.Next), nil
}

func query(c *service.Call, in *api.LookupEventsRequest) (*trail.Query, error) {
	q := &trail.Query{
		Account: c.Caller.Account, Limit: maxResults, After: base.Deref(in.NextToken),
		From: base.Deref(in.StartTime), To: base.Deref(in.EndTime),
	}
	if in.MaxResults != nil {
		q.Limit = int(*in.MaxResults)
	}
	if base.Deref(in.EventCategory) == api.EventCategoryInsight {
		q.Category = trail.Insight
	}
	switch {
	case len(in.LookupAttributes) > 1:
		return nil, awserr.New("InvalidLookupAttributesException", "You can only specify one lookup attribute.")
	case !q.From.IsZero() && !q.To.IsZero() && q.From.After(q.To):
		return nil, awserr.New("InvalidTimeRangeException", "The start time must be before the end time.")
	}
	for _, a := range in.LookupAttributes {
		q.Attribute, q.Value = trail.Attribute(*a.AttributeKey), *a.AttributeValue
	}
	return q, nil
}

func event(e *trail.Entry) api.Event {
	at, readOnly, record := e.Time.UTC().Truncate(time.Second), strconv.FormatBool(e.ReadOnly), string(e.JSON)
	out := api.Event{
		EventId: &e.ID, EventName: &e.Name, ReadOnly: &readOnly, EventTime: &at, EventSource: &e.Source,
		Resources: []api.Resource{}, CloudTrailEvent: &record,
	}
	out.AccessKeyId, out.Username = some(e.AccessKeyID), some(e.Username)
	for _, r := range e.Resources {
		out.Resources = append(out.Resources, api.Resource{ResourceType: &r.Type, ResourceName: &r.Name})
	}
	return out
}
