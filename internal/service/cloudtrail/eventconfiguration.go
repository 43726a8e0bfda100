package cloudtrail

import (
	"slices"

	api "github.com/warder-iam/warder/internal/api/cloudtrail"
	"github.com/warder-iam/warder/internal/awserr"
	"github.com/warder-iam/warder/internal/service"
	"github.com/warder-iam/warder/internal/state"
)

// What is done to events before they are kept or delivered: of event data stores
// that they may be large and have keys added, of trails that data events are
// aggregated, which they cannot be here.
// (https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_PutEventConfiguration.html)

func oneOf(trail, store *string) error {
	if (trail == nil) == (store == nil) {
		return invalidCombination("Specify either the TrailName or the EventDataStore parameter.")
	}
	return nil
}

func (s *Service) putEventConfiguration(c *service.Call, tx *state.Tx, in *api.PutEventConfigurationRequest) (*api.PutEventConfigurationResponse, error) {
	if err := oneOf(in.TrailName, in.EventDataStore); err != nil {
		return nil, err
	}
	if in.TrailName != nil {
		t, err := findHomeTrail(c, &tx.Snapshot, in.TrailName)
		switch {
		case err != nil:
			return nil, err
		case in.MaxEventSize != nil || len(in.ContextKeySelectors) > 0:
			return nil, invalidCombination("MaxEventSize and ContextKeySelectors are for event data stores only.")
		case len(in.AggregationConfigurations) > 0:
			return nil, unsupported("Events of the trail %s cannot be aggregated.", t.ARN())
		}
		return &api.PutEventConfigurationResponse{TrailARN: new(t.ARN()), AggregationConfigurations: []api.AggregationConfiguration{}}, nil
	}
	e, err := configurable(c, &tx.Snapshot, *in.EventDataStore)
	switch {
	case err != nil:
		return nil, err
	case len(in.AggregationConfigurations) > 0:
		return nil, invalidCombination("AggregationConfigurations are for trails only.")
	}
	large := e.Large
	if in.MaxEventSize != nil {
		large = *in.MaxEventSize == api.MaxEventSizeLarge
	}
	var keys []state.ContextKeySelector
	for _, k := range in.ContextKeySelectors {
		if slices.ContainsFunc(keys, func(have state.ContextKeySelector) bool { return have.Type == *k.Type }) {
			return nil, invalidParameter("The type %s of context keys is there more than once.", *k.Type)
		}
		keys = append(keys, state.ContextKeySelector{Type: *k.Type, Keys: k.Equals})
	}
	if len(keys) > 0 && !large {
		return nil, invalidParameter("MaxEventSize must be %s with context key selectors.", api.MaxEventSizeLarge)
	}
	e = tx.EventDataStores.Update(e, func(e *state.EventDataStore) { e.Large, e.ContextKeys, e.Updated = large, keys, c.Now() })
	return &api.PutEventConfigurationResponse{EventDataStoreArn: new(e.ARN()), MaxEventSize: eventSize(e), ContextKeySelectors: contextKeysOut(e)}, nil
}

func (s *Service) getEventConfiguration(c *service.Call, snap *state.Snapshot, in *api.GetEventConfigurationRequest) (*api.GetEventConfigurationResponse, error) {
	if err := oneOf(in.TrailName, in.EventDataStore); err != nil {
		return nil, err
	}
	if in.TrailName != nil {
		t, err := findTrail(c, snap, in.TrailName)
		if err != nil {
			return nil, err
		}
		return &api.GetEventConfigurationResponse{TrailARN: new(t.ARN()), AggregationConfigurations: []api.AggregationConfiguration{}}, nil
	}
	e, err := configurable(c, snap, *in.EventDataStore)
	if err != nil {
		return nil, err
	}
	return &api.GetEventConfigurationResponse{EventDataStoreArn: new(e.ARN()), MaxEventSize: eventSize(e), ContextKeySelectors: contextKeysOut(e)}, nil
}

// configurable finds an event data store that takes CloudTrail's events, and no others.
func configurable(c *service.Call, s *state.Snapshot, text string) (*state.EventDataStore, error) {
	e, err := findActive(c, s, text)
	if err == nil && kindOf(e) != cloudTrailEvents {
		err = awserr.New("InvalidEventDataStoreCategoryException", "The event data store %s takes %s events only.", e.ARN(), kindOf(e))
	}
	return e, err
}

func eventSize(e *state.EventDataStore) *string {
	if e.Large {
		return new(api.MaxEventSizeLarge)
	}
	return new(api.MaxEventSizeStandard)
}

func contextKeysOut(e *state.EventDataStore) []api.ContextKeySelector {
	out := make([]api.ContextKeySelector, len(e.ContextKeys))
	for i, k := range e.ContextKeys {
		out[i] = api.ContextKeySelector{Type: &k.Type, Equals: k.Keys}
	}
	return out
}
