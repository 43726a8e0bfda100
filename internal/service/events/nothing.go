package events

import (
	"slices"

	api "github.com/warder-iam/warder/internal/api/events"
	"github.com/warder-iam/warder/internal/service"
	"github.com/warder-iam/warder/internal/state"
)

// What an account without archives, replays, partner event sources and global
// endpoints is answered.

// noPage is a page of a list in which nothing is.
func noPage(prefix, token *string, limit *int32) error {
	_, _, err := page(slices.Values([]string(nil)), nil, prefix, token, limit, nil)
	return err
}

func noSuchArchive(name string) error  { return notFound("Archive %s does not exist.", name) }
func noSuchReplay(name string) error   { return notFound("Replay %s does not exist.", name) }
func noSuchSource(name string) error   { return notFound("Event source %s does not exist.", name) }
func noSuchEndpoint(name string) error { return notFound("Endpoint '%s' does not exist.", name) }

func deleteArchive(_ *service.Call, _ *state.Tx, in *api.DeleteArchiveRequest) (*api.DeleteArchiveResponse, error) {
	return nil, noSuchArchive(*in.ArchiveName)
}

func describeArchive(_ *service.Call, _ *state.Snapshot, in *api.DescribeArchiveRequest) (*api.DescribeArchiveResponse, error) {
	return nil, noSuchArchive(*in.ArchiveName)
}

func listArchives(c *service.Call, s *state.Snapshot, in *api.ListArchivesRequest) (*api.ListArchivesResponse, error) {
	if in.EventSourceArn != nil {
		if _, err := ownPlace(c, s, in.EventSourceArn); err != nil {
			return nil, err
		}
	}
	return &api.ListArchivesResponse{Archives: []api.Archive{}}, noPage(in.NamePrefix, in.NextToken, in.Limit)
}

func cancelReplay(_ *service.Call, _ *state.Tx, in *api.CancelReplayRequest) (*api.CancelReplayResponse, error) {
	return nil, noSuchReplay(*in.ReplayName)
}

func describeReplay(_ *service.Call, _ *state.Snapshot, in *api.DescribeReplayRequest) (*api.DescribeReplayResponse, error) {
	return nil, noSuchReplay(*in.ReplayName)
}

func listReplays(_ *service.Call, _ *state.Snapshot, in *api.ListReplaysRequest) (*api.ListReplaysResponse, error) {
	return &api.ListReplaysResponse{Replays: []api.Replay{}}, noPage(in.NamePrefix, in.NextToken, in.Limit)
}

func activateEventSource(_ *service.Call, _ *state.Tx, in *api.ActivateEventSourceRequest) (*none, error) {
	return nil, noSuchSource(*in.Name)
}

func deactivateEventSource(_ *service.Call, _ *state.Tx, in *api.DeactivateEventSourceRequest) (*none, error) {
	return nil, noSuchSource(*in.Name)
}

func describeEventSource(_ *service.Call, _ *state.Snapshot, in *api.DescribeEventSourceRequest) (*api.DescribeEventSourceResponse, error) {
	return nil, noSuchSource(*in.Name)
}

func listEventSources(_ *service.Call, _ *state.Snapshot, in *api.ListEventSourcesRequest) (*api.ListEventSourcesResponse, error) {
	return &api.ListEventSourcesResponse{EventSources: []api.EventSource{}}, noPage(in.NamePrefix, in.NextToken, in.Limit)
}

func deletePartnerEventSource(_ *service.Call, _ *state.Tx, in *api.DeletePartnerEventSourceRequest) (*none, error) {
	return nil, noSuchSource(*in.Name)
}

func describePartnerEventSource(_ *service.Call, _ *state.Snapshot, in *api.DescribePartnerEventSourceRequest) (*api.DescribePartnerEventSourceResponse, error) {
	return nil, noSuchSource(*in.Name)
}

func listPartnerEventSources(_ *service.Call, _ *state.Snapshot, in *api.ListPartnerEventSourcesRequest) (*api.ListPartnerEventSourcesResponse, error) {
	return &api.ListPartnerEventSourcesResponse{PartnerEventSources: []api.PartnerEventSource{}}, noPage(in.NamePrefix, in.NextToken, in.Limit)
}

func listPartnerEventSourceAccounts(_ *service.Call, _ *state.Snapshot, in *api.ListPartnerEventSourceAccountsRequest) (*api.ListPartnerEventSourceAccountsResponse, error) {
	return nil, noSuchSource(*in.EventSourceName)
}

func deleteEndpoint(_ *service.Call, _ *state.Tx, in *api.DeleteEndpointRequest) (*api.DeleteEndpointResponse, error) {
	return nil, noSuchEndpoint(*in.Name)
}

func describeEndpoint(_ *service.Call, _ *state.Snapshot, in *api.DescribeEndpointRequest) (*api.DescribeEndpointResponse, error) {
	return nil, noSuchEndpoint(*in.Name)
}

func listEndpoints(_ *service.Call, _ *state.Snapshot, in *api.ListEndpointsRequest) (*api.ListEndpointsResponse, error) {
	return &api.ListEndpointsResponse{Endpoints: []api.Endpoint{}}, noPage(in.NamePrefix, in.NextToken, in.MaxResults)
}
