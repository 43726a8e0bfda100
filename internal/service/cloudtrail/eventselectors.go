package cloudtrail

import (
	"cmp"
	"reflect"
	"slices"
	"strings"

	"github.com/warder-iam/warder/arn"
	base "github.com/warder-iam/warder/internal/api"
	api "github.com/warder-iam/warder/internal/api/cloudtrail"
	"github.com/warder-iam/warder/internal/awserr"
	"github.com/warder-iam/warder/internal/service"
	"github.com/warder-iam/warder/internal/state"
)

// How much the selectors of a trail may hold
// (https://docs.aws.amazon.com/awscloudtrail/latest/userguide/WhatIsCloudTrail-Limits.html).
const (
	maxSelectors     = 5
	maxDataResources = 250
	maxConditions    = 500
)

// defaultSelector is what a trail without selectors of its own is shown with. A
// trail that is given it has none of its own.
var defaultSelector = state.EventSelector{ReadWrite: api.ReadWriteTypeAll, Management: true}

func invalidSelectors(format string, args ...any) error {
	return awserr.New("InvalidEventSelectorsException", format, args...)
}

func (s *Service) putEventSelectors(c *service.Call, tx *state.Tx, in *api.PutEventSelectorsRequest) (*api.PutEventSelectorsResponse, error) {
	t, err := findHomeTrail(c, &tx.Snapshot, in.TrailName)
	if err != nil {
		return nil, err
	}
	var selectors state.EventSelectors
	switch {
	case len(in.EventSelectors) > 0 && len(in.AdvancedEventSelectors) > 0:
		return nil, invalidSelectors("You cannot specify both EventSelectors and AdvancedEventSelectors.")
	case len(in.AdvancedEventSelectors) > 0:
		selectors.Advanced, err = advancedSelectors(in.AdvancedEventSelectors, ofTrail)
	case len(in.EventSelectors) > 0:
		selectors.Basic, err = basicSelectors(in.EventSelectors)
	default:
		return nil, invalidSelectors("You must specify EventSelectors or AdvancedEventSelectors.")
	}
	if err != nil {
		return nil, err
	}
	if len(selectors.Basic) == 1 && reflect.DeepEqual(selectors.Basic[0], defaultSelector) {
		selectors.Basic = nil
	}
	t = tx.Trails.Update(t, func(t *state.Trail) { t.Selectors = selectors })
	if err := insightsPossible(t); err != nil {
		return nil, err
	}
	basic, advanced := selectorsOut(t)
	return &api.PutEventSelectorsResponse{TrailARN: new(t.ARN()), EventSelectors: basic, AdvancedEventSelectors: advanced}, nil
}

func (s *Service) getEventSelectors(c *service.Call, snap *state.Snapshot, in *api.GetEventSelectorsRequest) (*api.GetEventSelectorsResponse, error) {
	t, err := findTrail(c, snap, in.TrailName)
	if err != nil {
		return nil, err
	}
	basic, advanced := selectorsOut(t)
	return &api.GetEventSelectorsResponse{TrailARN: new(t.ARN()), EventSelectors: basic, AdvancedEventSelectors: advanced}, nil
}

// selectorsOut is nil where a trail has the other kind.
func selectorsOut(t *state.Trail) ([]api.EventSelector, []api.AdvancedEventSelector) {
	if len(t.Selectors.Advanced) > 0 {
		return nil, advancedOut(t.Selectors.Advanced)
	}
	selectors := t.Selectors.Basic
	if len(selectors) == 0 {
		selectors = []state.EventSelector{defaultSelector}
	}
	out := make([]api.EventSelector, len(selectors))
	for i, s := range selectors {
		out[i] = api.EventSelector{
			ReadWriteType: &s.ReadWrite, IncludeManagementEvents: &s.Management,
			DataResources: []api.DataResource{}, ExcludeManagementEventSources: append([]string{}, s.ExcludedSources...),
		}
		for _, d := range s.Data {
			out[i].DataResources = append(out[i].DataResources, api.DataResource{Type: &d.Type, Values: append([]string{}, d.Values...)})
		}
	}
	return out, nil
}

// basicSelectors reads basic event selectors
// (https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_EventSelector.html).
func basicSelectors(in []api.EventSelector) ([]state.EventSelector, error) {
	if len(in) > maxSelectors {
		return nil, invalidSelectors("The number of event selectors for a trail is limited to %d.", maxSelectors)
	}
	selectors, resources := make([]state.EventSelector, len(in)), 0
	for i, s := range in {
		out := &selectors[i]
		out.ReadWrite = cmp.Or(base.Deref(s.ReadWriteType), api.ReadWriteTypeAll)
		out.Management = s.IncludeManagementEvents == nil || *s.IncludeManagementEvents
		for _, source := range s.ExcludeManagementEventSources {
			if !slices.Contains(excludable, source) {
				return nil, invalidSelectors("Value %s for ExcludeManagementEventSources is invalid.", source)
			}
			out.ExcludedSources = append(out.ExcludedSources, source)
		}
		for _, d := range s.DataResources {
			read, err := dataResource(d)
			if err != nil {
				return nil, err
			}
			resources += len(read.Values)
			out.Data = append(out.Data, read)
		}
	}
	if resources > maxDataResources {
		return nil, invalidSelectors("The number of data resources for a trail is limited to %d.", maxDataResources)
	}
	return selectors, nil
}

// excludable are the services whose management events a trail may leave out.
var excludable = []string{"kms.amazonaws.com", "rdsdata.amazonaws.com"}

// dataResource reads the resources of one type. They are beginnings of ARNs of
// objects, the ARNs of functions and tables, or all of the type.
// (https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_DataResource.html)
func dataResource(in api.DataResource) (state.DataResource, error) {
	out := state.DataResource{Type: base.Deref(in.Type), Values: in.Values}
	kind, ok := map[string]struct{ service, resource string }{
		"AWS::S3::Object":       {"s3", ""},
		"AWS::Lambda::Function": {"lambda", "function"},
		"AWS::DynamoDB::Table":  {"dynamodb", "table"},
	}[out.Type]
	if !ok {
		return out, invalidSelectors("Value %s for DataResources.Type is invalid.", out.Type)
	}
	if len(in.Values) == 0 {
		return out, invalidSelectors("DataResources.Values must not be empty.")
	}
	for _, value := range in.Values {
		if all := "arn:aws:" + kind.service; value == all || value == all+":::" && kind.service == "s3" {
			continue
		}
		a, err := arn.Parse(value)
		object := err == nil && kind.service == "s3" && strings.Contains(a.Resource, "/")
		whole := err == nil && kind.resource != "" && a.ResourceType() == kind.resource && a.ResourceID() != "" && a.Region != "" && a.Account != ""
		if err != nil || a.Service != kind.service || !object && !whole || strings.Contains(value, "*") {
			return out, invalidSelectors("Value %s for DataResources.Values is invalid.", value)
		}
	}
	return out, nil
}
