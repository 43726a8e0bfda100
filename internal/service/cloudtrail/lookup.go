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

// lookupEvents finds the account's management events, the newest first: those of
// the last 90 days, which is how long the index keeps them
// (https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html).
func (s *Service) lookupEvents(c *service.Call, _ *state.Snapshot, in *api.LookupEventsRequest) (*api.LookupEventsResponse, error) {
	q, err := query(c, in)
	if err != nil {
		return nil, err
	}
	out := &api.LookupEventsResponse{Events: []api.Event{}}
	if base.Deref(in.EventCategory) == api.EventCategoryInsight {
		return out, nil // no insights have been found, since nobody looks for any
	}
	page, err := s.index.Find(c, *q)
	if errors.Is(err, trail.ErrToken) {
		return nil, awserr.New("InvalidNextTokenException", "The specified NextToken is not valid.")
	}
	if err != nil {
		return nil, err
	}
	for _, e := range page.Entries {
		out.Events = append(out.Events, event(e))
	}
	if page.Next != "" {
		out.NextToken = &page.Next
	}
	return out, nil
}

func query(c *service.Call, in *api.LookupEventsRequest) (*trail.Query, error) {
	q := &trail.Query{
		Account: c.Caller.Account, Limit: maxResults, After: base.Deref(in.NextToken),
		From: base.Deref(in.StartTime), To: base.Deref(in.EndTime),
	}
	if in.MaxResults != nil {
		q.Limit = int(*in.MaxResults)
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
	if e.AccessKeyID != "" {
		out.AccessKeyId = &e.AccessKeyID
	}
	if e.Username != "" {
		out.Username = &e.Username
	}
	for _, r := range e.Resources {
		out.Resources = append(out.Resources, api.Resource{ResourceType: &r.Type, ResourceName: &r.Name})
	}
	return out
}
