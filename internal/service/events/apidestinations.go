package events

import (
	"net/url"
	"strings"

	api "github.com/warder-iam/warder/internal/api/events"
	"github.com/warder-iam/warder/internal/service"
	"github.com/warder-iam/warder/internal/state"
)

// API destinations (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-api-destinations.html).

func destinationNamed(c *service.Call, s *state.Snapshot, name, failedTo string) (*state.APIDestination, error) {
	if d := s.APIDestination(c.Caller.Account, c.Region, name); d != nil {
		return d, nil
	}
	return nil, notFound("Failed to %s the api-destination(s). An api-destination '%s' does not exist.", failedTo, name)
}

// connectionOf checks that a destination's connection is of its account and region.
func connectionOf(c *service.Call, s *state.Snapshot, text string) error {
	if n := s.EventConnectionByARN(text); n == nil || n.Account != c.Caller.Account || n.Region != c.Region {
		return notFound("Connection '%s' does not exist.", text)
	}
	return nil
}

// checkEndpoint checks the address of a server that requests are sent to: HTTPS, with
// nothing in it that asterisks for path parameters must not be in.
func checkEndpoint(member, text string) error {
	u, err := url.Parse(text)
	if err != nil || !strings.EqualFold(u.Scheme, "https") || u.Host == "" || u.User != nil || u.Fragment != "" || strings.Contains(u.Host, "*") {
		return invalid("Parameter %s is not valid. Reason: %[1]s must be a valid HTTPS URL.", member)
	}
	return nil
}

func (s *Service) createAPIDestination(c *service.Call, tx *state.Tx, in *api.CreateApiDestinationRequest) (*api.CreateApiDestinationResponse, error) {
	d := &state.APIDestination{
		Account: c.Caller.Account, Region: c.Region, Name: *in.Name, ID: s.ids.Request(), Created: c.Now(), Modified: c.Now(), Description: deref(in.Description),
		Connection: *in.ConnectionArn, Endpoint: *in.InvocationEndpoint, Method: *in.HttpMethod, Rate: state.APIDestinationRate,
	}
	if in.InvocationRateLimitPerSecond != nil {
		d.Rate = int(*in.InvocationRateLimitPerSecond)
	}
	if tx.APIDestination(d.Account, d.Region, d.Name) != nil {
		return nil, exists("An api-destination", d.Name)
	}
	if atLeast(tx.APIDestinationsIn(d.Account, d.Region), maxConnections) {
		return nil, overLimit()
	}
	if err := connectionOf(c, &tx.Snapshot, d.Connection); err != nil {
		return nil, err
	}
	if err := checkEndpoint("InvocationEndpoint", d.Endpoint); err != nil {
		return nil, err
	}
	tx.APIDestinations.Put(d)
	return &api.CreateApiDestinationResponse{
		ApiDestinationArn: new(d.ARN()), ApiDestinationState: destinationState(&tx.Snapshot, d), CreationTime: &d.Created, LastModifiedTime: &d.Modified,
	}, nil
}

func destinationState(s *state.Snapshot, d *state.APIDestination) *string {
	if s.Active(d) {
		return new(api.ApiDestinationStateACTIVE)
	}
	return new(api.ApiDestinationStateINACTIVE)
}

func (s *Service) updateAPIDestination(c *service.Call, tx *state.Tx, in *api.UpdateApiDestinationRequest) (*api.UpdateApiDestinationResponse, error) {
	old, err := destinationNamed(c, &tx.Snapshot, *in.Name, "update")
	if err != nil {
		return nil, err
	}
	d := *old
	d.Modified = c.Now()
	if in.Description != nil {
		d.Description = *in.Description
	}
	if in.ConnectionArn != nil {
		if err := connectionOf(c, &tx.Snapshot, *in.ConnectionArn); err != nil {
			return nil, err
		}
		d.Connection = *in.ConnectionArn
	}
	if in.InvocationEndpoint != nil {
		if err := checkEndpoint("InvocationEndpoint", *in.InvocationEndpoint); err != nil {
			return nil, err
		}
		d.Endpoint = *in.InvocationEndpoint
	}
	if in.HttpMethod != nil {
		d.Method = *in.HttpMethod
	}
	if in.InvocationRateLimitPerSecond != nil {
		d.Rate = int(*in.InvocationRateLimitPerSecond)
	}
	tx.APIDestinations.Put(&d)
	return &api.UpdateApiDestinationResponse{
		ApiDestinationArn: new(d.ARN()), ApiDestinationState: destinationState(&tx.Snapshot, &d), CreationTime: &d.Created, LastModifiedTime: &d.Modified,
	}, nil
}

// deleteAPIDestination leaves the rules that have it as a target; what they send there
// is lost, as with AWS.
func (s *Service) deleteAPIDestination(c *service.Call, tx *state.Tx, in *api.DeleteApiDestinationRequest) (*api.DeleteApiDestinationResponse, error) {
	d, err := destinationNamed(c, &tx.Snapshot, *in.Name, "delete")
	if err != nil {
		return nil, err
	}
	tx.APIDestinations.Delete(d)
	return nil, nil
}

func (s *Service) describeAPIDestination(c *service.Call, snap *state.Snapshot, in *api.DescribeApiDestinationRequest) (*api.DescribeApiDestinationResponse, error) {
	d, err := destinationNamed(c, snap, *in.Name, "describe")
	if err != nil {
		return nil, err
	}
	return &api.DescribeApiDestinationResponse{
		ApiDestinationArn: new(d.ARN()), Name: &d.Name, Description: optional(d.Description), ApiDestinationState: destinationState(snap, d), ConnectionArn: &d.Connection,
		InvocationEndpoint: &d.Endpoint, HttpMethod: &d.Method, InvocationRateLimitPerSecond: new(int32(d.Rate)), CreationTime: &d.Created, LastModifiedTime: &d.Modified,
	}, nil
}

func (s *Service) listAPIDestinations(c *service.Call, snap *state.Snapshot, in *api.ListApiDestinationsRequest) (*api.ListApiDestinationsResponse, error) {
	list, next, err := page(snap.APIDestinationsIn(c.Caller.Account, c.Region), func(d *state.APIDestination) string { return d.Name }, in.NamePrefix, in.NextToken, in.Limit,
		func(d *state.APIDestination) bool {
			return in.ConnectionArn == nil || d.Connection == *in.ConnectionArn
		})
	if err != nil {
		return nil, err
	}
	out := &api.ListApiDestinationsResponse{ApiDestinations: []api.ApiDestination{}, NextToken: next}
	for _, d := range list {
		out.ApiDestinations = append(out.ApiDestinations, api.ApiDestination{
			ApiDestinationArn: new(d.ARN()), Name: &d.Name, ApiDestinationState: destinationState(snap, d), ConnectionArn: &d.Connection,
			InvocationEndpoint: &d.Endpoint, HttpMethod: &d.Method, InvocationRateLimitPerSecond: new(int32(d.Rate)), CreationTime: &d.Created, LastModifiedTime: &d.Modified,
		})
	}
	return out, nil
}
