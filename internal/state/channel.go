package state

import "iter"

// Channel is a way for events from outside into event data stores
// (https://docs.aws.amazon.com/awscloudtrail/latest/userguide/query-event-data-store-integration.html).
type Channel struct {
	LakeResource
	Source       string   // "Custom", or a partner
	Destinations []string // ARNs of event data stores
}

// ARN is the channel's name in policies.
func (c *Channel) ARN() string { return cloudTrailARN(c.Region, c.Account, "channel", c.ID) }

var channelSchema = schema[Channel]{
	prefix: "cloudtrail/channel/",
	key:    func(c *Channel) string { return c.ID },
	indexes: []index[Channel]{
		lakeByARN:    {name: "ARN", unique: true, keys: func(c *Channel) []string { return []string{c.ARN()} }},
		lakeByRegion: {name: "region", keys: func(c *Channel) []string { return c.inRegion() }},
	},
}

// ChannelByARN finds a channel; nil if there is none.
func (s *Snapshot) ChannelByARN(text string) *Channel { return s.Channels.find(lakeByARN, text) }

// ChannelsOf iterates over the channels of an account's region, by name.
func (s *Snapshot) ChannelsOf(account, region string) iter.Seq[*Channel] {
	return values(s.Channels.scan(lakeByRegion, account+"/"+region+"/", ""))
}
