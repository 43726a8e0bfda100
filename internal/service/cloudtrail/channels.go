package cloudtrail

import (
	"slices"
	"strings"

	api "github.com/warder-iam/warder/internal/api/cloudtrail"
	"github.com/warder-iam/warder/internal/awserr"
	"github.com/warder-iam/warder/internal/service"
	"github.com/warder-iam/warder/internal/state"
)

// Channels, through which events from outside would come into event data stores
// (https://docs.aws.amazon.com/awscloudtrail/latest/userguide/query-event-data-store-integration.html).

const maxChannels = 25 // in a region

// channelARN is the ARN of the channel that a request names by its ARN or its id.
func channelARN(c *service.Call, text string) (string, error) {
	if !strings.HasPrefix(text, "arn:") {
		return (&state.Channel{LakeResource: state.LakeResource{Account: c.Caller.Account, Region: c.Region, ID: text}}).ARN(), nil
	}
	return ownARN(c, text, "channel", "ChannelARNInvalidException")
}

func findChannel(c *service.Call, s *state.Snapshot, text string) (*state.Channel, error) {
	name, err := channelARN(c, text)
	if err != nil {
		return nil, err
	}
	found := s.ChannelByARN(name)
	if found == nil || found.Region != c.Region {
		return nil, awserr.New("ChannelNotFoundException", "The channel %s was not found.", name)
	}
	return found, nil
}

func (s *Service) createChannel(c *service.Call, tx *state.Tx, in *api.CreateChannelRequest) (*api.CreateChannelResponse, error) {
	tags, err := newTags(in.Tags)
	if err != nil {
		return nil, err
	}
	destinations, err := destinations(c, &tx.Snapshot, in.Destinations)
	if err != nil {
		return nil, err
	}
	channel := &state.Channel{
		LakeResource: state.LakeResource{
			ID: s.ids.Request(), Account: c.Caller.Account, Region: c.Region, Name: *in.Name, Created: c.Now(), Updated: c.Now(), Tags: tags,
		},
		Source: *in.Source, Destinations: destinations,
	}
	count := 0
	for other := range tx.ChannelsOf(channel.Account, channel.Region) {
		if count++; other.Name == channel.Name || other.Source == channel.Source {
			return nil, channelExists(channel)
		}
	}
	if count >= maxChannels {
		return nil, awserr.New("ChannelMaxLimitExceededException", "The number of channels is limited to %d.", maxChannels)
	}
	tx.Channels.Put(channel)
	return &api.CreateChannelResponse{
		ChannelArn: new(channel.ARN()), Name: &channel.Name, Source: &channel.Source, Destinations: destinationsOut(channel), Tags: tagsOut(channel.Tags),
	}, nil
}

// channelExists is the answer to a name that is taken and to a second channel of a
// source.
func channelExists(c *state.Channel) error {
	return awserr.New("ChannelAlreadyExistsException", "A channel with the name %s or for the source %s already exists.", c.Name, c.Source)
}

// destinations reads where events are to go: to event data stores for events from
// outside.
func destinations(c *service.Call, s *state.Snapshot, in []api.Destination) ([]string, error) {
	var out []string
	for _, d := range in {
		if *d.Type != api.DestinationTypeEVENTDATASTORE {
			return nil, invalidParameter("The destination of a channel must be of the type %s.", api.DestinationTypeEVENTDATASTORE)
		}
		if !strings.HasPrefix(*d.Location, "arn:") {
			return nil, awserr.New("EventDataStoreARNInvalidException", "The ARN %s is not valid.", *d.Location)
		}
		e, err := findActive(c, s, *d.Location)
		switch {
		case err != nil:
			return nil, err
		case kindOf(e) != "ActivityAuditLog":
			return nil, awserr.New("InvalidEventDataStoreCategoryException", "The event data store %s does not take events from outside of AWS.", e.ARN())
		case slices.Contains(out, e.ARN()):
			return nil, invalidParameter("The destination %s is there more than once.", e.ARN())
		}
		out = append(out, e.ARN())
	}
	return out, nil
}

func destinationsOut(c *state.Channel) []api.Destination {
	out := make([]api.Destination, len(c.Destinations))
	for i, d := range c.Destinations {
		out[i] = api.Destination{Type: new(api.DestinationTypeEVENTDATASTORE), Location: &d}
	}
	return out
}

func (s *Service) updateChannel(c *service.Call, tx *state.Tx, in *api.UpdateChannelRequest) (*api.UpdateChannelResponse, error) {
	found, err := findChannel(c, &tx.Snapshot, *in.Channel)
	if err != nil {
		return nil, err
	}
	channel := *found
	channel.Updated = c.Now()
	if in.Name != nil {
		channel.Name = *in.Name
		for other := range tx.ChannelsOf(channel.Account, channel.Region) {
			if other.ID != channel.ID && other.Name == channel.Name {
				return nil, channelExists(&channel)
			}
		}
	}
	if in.Destinations != nil {
		if channel.Destinations, err = destinations(c, &tx.Snapshot, in.Destinations); err != nil {
			return nil, err
		}
	}
	tx.Channels.Put(&channel)
	return &api.UpdateChannelResponse{
		ChannelArn: new(channel.ARN()), Name: &channel.Name, Source: &channel.Source, Destinations: destinationsOut(&channel),
	}, nil
}

func (s *Service) deleteChannel(c *service.Call, tx *state.Tx, in *api.DeleteChannelRequest) (*api.DeleteChannelResponse, error) {
	channel, err := findChannel(c, &tx.Snapshot, *in.Channel)
	if err != nil {
		return nil, err
	}
	tx.Channels.Delete(channel)
	return nil, nil
}

func (s *Service) getChannel(c *service.Call, snap *state.Snapshot, in *api.GetChannelRequest) (*api.GetChannelResponse, error) {
	channel, err := findChannel(c, snap, *in.Channel)
	if err != nil {
		return nil, err
	}
	return &api.GetChannelResponse{
		ChannelArn: new(channel.ARN()), Name: &channel.Name, Source: &channel.Source, Destinations: destinationsOut(channel),
	}, nil
}

func (s *Service) listChannels(c *service.Call, snap *state.Snapshot, in *api.ListChannelsRequest) (*api.ListChannelsResponse, error) {
	channels, next, err := page(snap.ChannelsOf(c.Caller.Account, c.Region), func(c *state.Channel) string { return c.Name + "\x00" + c.ID }, in.NextToken, in.MaxResults)
	out := &api.ListChannelsResponse{Channels: []api.Channel{}, NextToken: next}
	for _, channel := range channels {
		out.Channels = append(out.Channels, api.Channel{ChannelArn: new(channel.ARN()), Name: &channel.Name})
	}
	return out, err
}
