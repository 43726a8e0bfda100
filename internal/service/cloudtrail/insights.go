package cloudtrail

import (
	"slices"

	base "github.com/warder-iam/warder/internal/api"
	api "github.com/warder-iam/warder/internal/api/cloudtrail"
	"github.com/warder-iam/warder/internal/audit/trail"
	"github.com/warder-iam/warder/internal/awserr"
	"github.com/warder-iam/warder/internal/service"
	"github.com/warder-iam/warder/internal/state"
)

// CloudTrail Insights of trails
// (https://docs.aws.amazon.com/awscloudtrail/latest/userguide/logging-insights-events-with-cloudtrail.html).
// Event data stores have none, since they hold no events.

func invalidInsights(format string, args ...any) error {
	return awserr.New("InvalidInsightSelectorsException", format, args...)
}

// putInsightSelectors turns Insights off if there are no selectors.
func (s *Service) putInsightSelectors(c *service.Call, tx *state.Tx, in *api.PutInsightSelectorsRequest) (*api.PutInsightSelectorsResponse, error) {
	if in.InsightsDestination != nil && in.EventDataStore == nil {
		return nil, invalidCombination("InsightsDestination is for event data stores only.")
	}
	t, err := insightsOf(c, &tx.Snapshot, in.TrailName, in.EventDataStore, findHomeTrail)
	if err != nil {
		return nil, err
	}
	var selectors []state.InsightSelector
	for _, i := range in.InsightSelectors {
		switch {
		case i.InsightType == nil:
			return nil, invalidInsights("An Insights selector must have an InsightType.")
		case slices.ContainsFunc(selectors, func(s state.InsightSelector) bool { return s.Type == *i.InsightType }):
			return nil, invalidInsights("The InsightType %s is there more than once.", *i.InsightType)
		case slices.Contains(i.EventCategories, api.SourceEventCategoryData):
			return nil, unsupported("Insights are found in management events only.")
		}
		selectors = append(selectors, state.InsightSelector{Type: *i.InsightType, Categories: i.EventCategories})
	}
	t = tx.Trails.Update(t, func(t *state.Trail) { t.Insights = selectors })
	if err := insightsPossible(t); err != nil {
		return nil, err
	}
	return &api.PutInsightSelectorsResponse{TrailARN: new(t.ARN()), InsightSelectors: insightsOut(t)}, nil
}

func (s *Service) getInsightSelectors(c *service.Call, snap *state.Snapshot, in *api.GetInsightSelectorsRequest) (*api.GetInsightSelectorsResponse, error) {
	t, err := insightsOf(c, snap, in.TrailName, in.EventDataStore, findTrail)
	if err != nil {
		return nil, err
	}
	if len(t.Insights) == 0 {
		return nil, insightsOff(t)
	}
	return &api.GetInsightSelectorsResponse{TrailARN: new(t.ARN()), InsightSelectors: insightsOut(t)}, nil
}

// insightsOf finds the trail whose Insights a request is about.
func insightsOf(c *service.Call, s *state.Snapshot, trail, store *string, find func(*service.Call, *state.Snapshot, *string) (*state.Trail, error)) (*state.Trail, error) {
	switch {
	case (trail == nil) == (store == nil):
		return nil, invalidCombination("Specify either the TrailName or the EventDataStore parameter.")
	case store != nil:
		e, err := findEventDataStore(c, s, *store)
		if err != nil {
			return nil, err
		}
		return nil, unsupported("Insights are not supported on event data stores: %s", e.ARN())
	}
	return find(c, s, trail)
}

func insightsOff(t *state.Trail) error {
	return awserr.New("InsightNotEnabledException", "Trail %s does not have Insights enabled. Edit the trail settings to enable Insights, and then try the operation again.", t.ARN())
}

// insightsPossible says whether a trail takes the events that its Insights need:
// writes for the rate of calls to manage, any for that of errors
// (https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_PutInsightSelectors.html).
func insightsPossible(t *state.Trail) error {
	for _, i := range t.Insights {
		categories := i.Categories
		if len(categories) == 0 {
			categories = []string{management}
		}
		for _, of := range categories {
			var readOnly *bool
			kind := "read or write"
			if of == management && i.Type == api.InsightTypeApiCallRateInsight {
				readOnly, kind = new(false), "write"
			}
			if !takes(&t.Selectors, of, readOnly) {
				return invalidInsights("To log %s, the trail must log %s %s events.", i.Type, kind, of)
			}
		}
	}
	return nil
}

func insightsOut(t *state.Trail) []api.InsightSelector {
	out := make([]api.InsightSelector, len(t.Insights))
	for i, s := range t.Insights {
		out[i] = api.InsightSelector{InsightType: &s.Type, EventCategories: s.Categories}
		if len(s.Categories) == 0 {
			out[i].EventCategories = []string{management}
		}
	}
	return out
}

// listInsightsData finds the Insights events of a trail, which must have Insights.
// (https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_ListInsightsData.html)
func (s *Service) listInsightsData(c *service.Call, snap *state.Snapshot, in *api.ListInsightsDataRequest) (*api.ListInsightsDataResponse, error) {
	t, err := findTrail(c, snap, in.InsightSource)
	if err != nil {
		return nil, err
	}
	if *in.DataType != api.ListInsightsDataTypeInsightsEvents {
		return nil, invalidParameter("DataType must be %s.", api.ListInsightsDataTypeInsightsEvents)
	}
	q := &trail.Query{
		Account: t.Account, Category: trail.Insight, Limit: maxResults, After: base.Deref(in.NextToken),
		From: base.Deref(in.StartTime), To: base.Deref(in.EndTime),
	}
	if in.MaxResults != nil {
		q.Limit = int(*in.MaxResults)
	}
	if !q.From.IsZero() && !q.To.IsZero() && q.From.After(q.To) {
		return nil, invalidParameter("The start time must be before the end time.")
	}
	for dimension, value := range in.Dimensions {
		q.Attribute, q.Value = trail.Attribute(dimension), value
	}
	found, next, err := s.find(c, q)
	if awserr.Code(err) == "InvalidNextTokenException" {
		err = invalidParameter("The specified NextToken is not valid.")
	}
	return &api.ListInsightsDataResponse{Events: found, NextToken: next}, err
}

// listInsightsMetricData would give the numbers that Insights are made of, which
// nobody keeps.
func (s *Service) listInsightsMetricData(c *service.Call, snap *state.Snapshot, in *api.ListInsightsMetricDataRequest) (*api.ListInsightsMetricDataResponse, error) {
	if in.TrailName != nil {
		if _, err := findTrail(c, snap, in.TrailName); err != nil {
			return nil, err
		}
	}
	if *in.InsightType == api.InsightTypeApiErrorRateInsight && in.ErrorCode == nil {
		return nil, invalidParameter("ErrorCode is required for %s.", *in.InsightType)
	}
	return nil, unsupported("Metric data of Insights is not kept.")
}
