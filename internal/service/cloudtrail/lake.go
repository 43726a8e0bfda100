package cloudtrail

import (
	base "github.com/warder-iam/warder/internal/api"
	api "github.com/warder-iam/warder/internal/api/cloudtrail"
	"github.com/warder-iam/warder/internal/awserr"
	"github.com/warder-iam/warder/internal/service"
	"github.com/warder-iam/warder/internal/state"
)

// What CloudTrail Lake would need an engine for: queries, and imports of log files
// into event data stores. There are never any, so whoever asks for one is told that
// there is none, and whoever starts one that it is not supported.

// noEngine is the answer to what would be a query.
func noEngine() error {
	return unsupported("There is no engine for queries. Use LookupEvents.")
}

// startQuery tells of another account's event data stores what it tells of its own.
func (s *Service) startQuery(_ *service.Call, _ *state.Snapshot, in *api.StartQueryRequest) (*api.StartQueryResponse, error) {
	switch {
	case (in.QueryStatement == nil) == (in.QueryAlias == nil):
		return nil, invalidParameter("Specify either QueryStatement or QueryAlias.")
	case len(in.QueryParameters) > 0 && in.QueryAlias == nil:
		return nil, invalidParameter("QueryParameters are for a QueryAlias only.")
	case in.EventDataStoreOwnerAccountId != nil:
		return nil, unsupported("Event data stores of other accounts cannot be queried.")
	case in.DeliveryS3Uri != nil:
		return nil, unsupported("Results of queries cannot be delivered to a bucket.")
	}
	return nil, noEngine()
}

func noSuchQuery(id *string) error {
	return awserr.New("QueryIdNotFoundException", "The query %s was not found.", base.Deref(id))
}

// queriesOf checks the event data store that a request about a query may name.
func queriesOf(c *service.Call, s *state.Snapshot, store, owner *string) error {
	if owner != nil && *owner != c.Caller.Account {
		return unsupported("Event data stores of other accounts cannot be queried.")
	}
	if store == nil {
		return nil
	}
	_, err := findActive(c, s, *store)
	return err
}

func (s *Service) describeQuery(c *service.Call, snap *state.Snapshot, in *api.DescribeQueryRequest) (*api.DescribeQueryResponse, error) {
	if (in.QueryId == nil) == (in.QueryAlias == nil) {
		return nil, invalidParameter("Specify either QueryId or QueryAlias.")
	}
	if in.RefreshId != nil && in.QueryAlias == nil {
		return nil, invalidParameter("RefreshId is for a QueryAlias only.")
	}
	if err := queriesOf(c, snap, in.EventDataStore, in.EventDataStoreOwnerAccountId); err != nil {
		return nil, err
	}
	return nil, noSuchQuery(in.QueryId)
}

func (s *Service) getQueryResults(c *service.Call, snap *state.Snapshot, in *api.GetQueryResultsRequest) (*api.GetQueryResultsResponse, error) {
	if err := queriesOf(c, snap, in.EventDataStore, in.EventDataStoreOwnerAccountId); err != nil {
		return nil, err
	}
	return nil, noSuchQuery(in.QueryId)
}

func (s *Service) cancelQuery(c *service.Call, snap *state.Snapshot, in *api.CancelQueryRequest) (*api.CancelQueryResponse, error) {
	if err := queriesOf(c, snap, in.EventDataStore, in.EventDataStoreOwnerAccountId); err != nil {
		return nil, err
	}
	return nil, noSuchQuery(in.QueryId)
}

func (s *Service) listQueries(c *service.Call, snap *state.Snapshot, in *api.ListQueriesRequest) (*api.ListQueriesResponse, error) {
	if _, err := findActive(c, snap, *in.EventDataStore); err != nil {
		return nil, err
	}
	if in.StartTime != nil && in.EndTime != nil && in.StartTime.After(*in.EndTime) {
		return nil, awserr.New("InvalidDateRangeException", "The start time must be before the end time.")
	}
	if in.NextToken != nil {
		return nil, invalidToken()
	}
	return &api.ListQueriesResponse{Queries: []api.Query{}}, nil
}

func (s *Service) generateQuery(c *service.Call, snap *state.Snapshot, in *api.GenerateQueryRequest) (*api.GenerateQueryResponse, error) {
	for _, text := range in.EventDataStores {
		if _, err := findActive(c, snap, text); err != nil {
			return nil, err
		}
	}
	return nil, noEngine()
}

func (s *Service) searchSampleQueries(*service.Call, *state.Snapshot, *api.SearchSampleQueriesRequest) (*api.SearchSampleQueriesResponse, error) {
	return nil, noEngine()
}

func noSuchImport(id string) error {
	return awserr.New("ImportNotFoundException", "The import %s was not found.", id)
}

// startImport starts a new import or, by its id, a stopped one again.
func (s *Service) startImport(c *service.Call, snap *state.Snapshot, in *api.StartImportRequest) (*api.StartImportResponse, error) {
	switch {
	case in.ImportId != nil && (in.Destinations != nil || in.ImportSource != nil || in.StartEventTime != nil || in.EndEventTime != nil):
		return nil, invalidParameter("ImportId cannot be specified with other parameters.")
	case in.ImportId != nil:
		return nil, noSuchImport(*in.ImportId)
	case in.Destinations == nil || in.ImportSource == nil:
		return nil, invalidParameter("Destinations and ImportSource are required for a new import.")
	}
	for _, text := range in.Destinations {
		if _, err := findActive(c, snap, text); err != nil {
			return nil, err
		}
	}
	return nil, unsupported("Log files cannot be imported into event data stores.")
}

func (s *Service) stopImport(_ *service.Call, _ *state.Snapshot, in *api.StopImportRequest) (*api.StopImportResponse, error) {
	return nil, noSuchImport(*in.ImportId)
}

func (s *Service) getImport(_ *service.Call, _ *state.Snapshot, in *api.GetImportRequest) (*api.GetImportResponse, error) {
	return nil, noSuchImport(*in.ImportId)
}

func (s *Service) listImports(c *service.Call, snap *state.Snapshot, in *api.ListImportsRequest) (*api.ListImportsResponse, error) {
	if in.Destination != nil {
		if _, err := findEventDataStore(c, snap, *in.Destination); err != nil {
			return nil, err
		}
	}
	if in.NextToken != nil {
		return nil, invalidToken()
	}
	return &api.ListImportsResponse{Imports: []api.ImportsListItem{}}, nil
}

func (s *Service) listImportFailures(_ *service.Call, _ *state.Snapshot, in *api.ListImportFailuresRequest) (*api.ListImportFailuresResponse, error) {
	return nil, noSuchImport(*in.ImportId)
}
