package cloudtrail

import (
	"strings"

	"github.com/warder-iam/warder/arn"
	"github.com/warder-iam/warder/internal/awserr"
	"github.com/warder-iam/warder/internal/service"
	"github.com/warder-iam/warder/internal/state"
)

// A resource is a trail, event data store, channel or dashboard, to the operations
// that are for all of them: those on tags and on policies.
type resource interface {
	tags() []state.Tag
	tag(tx *state.Tx, tags []state.Tag)
}

// A lakeResource can have a resource-based policy.
type lakeResource interface {
	resource
	lake() *state.LakeResource
	govern(tx *state.Tx, policy *state.Document)
}

type (
	trailResource     struct{ *state.Trail }
	storeResource     struct{ *state.EventDataStore }
	channelResource   struct{ *state.Channel }
	dashboardResource struct{ *state.Dashboard }
)

func (r trailResource) tags() []state.Tag { return r.Tags }

func (r trailResource) tag(tx *state.Tx, tags []state.Tag) {
	tx.Trails.Update(r.Trail, func(t *state.Trail) { t.Tags = tags })
}

func (r storeResource) lake() *state.LakeResource { return &r.LakeResource }
func (r storeResource) tags() []state.Tag         { return r.Tags }

func (r storeResource) tag(tx *state.Tx, tags []state.Tag) {
	tx.EventDataStores.Update(r.EventDataStore, func(e *state.EventDataStore) { e.Tags = tags })
}

func (r storeResource) govern(tx *state.Tx, policy *state.Document) {
	tx.EventDataStores.Update(r.EventDataStore, func(e *state.EventDataStore) { e.Policy = policy })
}

func (r channelResource) lake() *state.LakeResource { return &r.LakeResource }
func (r channelResource) tags() []state.Tag         { return r.Tags }

func (r channelResource) tag(tx *state.Tx, tags []state.Tag) {
	tx.Channels.Update(r.Channel, func(c *state.Channel) { c.Tags = tags })
}

func (r channelResource) govern(tx *state.Tx, policy *state.Document) {
	tx.Channels.Update(r.Channel, func(c *state.Channel) { c.Policy = policy })
}

func (r dashboardResource) lake() *state.LakeResource { return &r.LakeResource }
func (r dashboardResource) tags() []state.Tag         { return r.Tags }

func (r dashboardResource) tag(tx *state.Tx, tags []state.Tag) {
	tx.Dashboards.Update(r.Dashboard, func(d *state.Dashboard) { d.Tags = tags })
}

func (r dashboardResource) govern(tx *state.Tx, policy *state.Document) {
	tx.Dashboards.Update(r.Dashboard, func(d *state.Dashboard) { d.Policy = policy })
}

// invalidARN is the code for an ARN that is none of the caller's, by the type of
// the resource.
var invalidARN = map[string]string{
	"trail": "CloudTrailARNInvalidException", "eventdatastore": "EventDataStoreARNInvalidException",
	"channel": "ChannelARNInvalidException", "dashboard": "CloudTrailARNInvalidException",
}

// kindOfARN checks that a text is the ARN of a resource of the caller's account, and
// tells its type.
func kindOfARN(c *service.Call, text string) (string, error) {
	a, err := arn.Parse(text)
	if err != nil {
		return "", awserr.New("CloudTrailARNInvalidException", "The ARN %s is not valid.", text)
	}
	kind := a.ResourceType()
	code, ok := invalidARN[kind]
	if !ok {
		return "", awserr.New("ResourceTypeNotSupportedException", "Resources of the type %s are not supported.", kind)
	}
	_, err = ownARN(c, text, kind, code)
	return kind, err
}

// findResource finds a resource of the request's region by its ARN; nil if there is
// none.
func findResource(c *service.Call, s *state.Snapshot, text string) (resource, error) {
	kind, err := kindOfARN(c, text)
	if err != nil {
		return nil, err
	}
	if !strings.HasPrefix(text, "arn:aws:cloudtrail:"+c.Region+":") {
		return nil, wrongRegion(c, invalidARN[kind])
	}
	return lookUp(c, s, text), nil
}

// lookUp finds the resource that an ARN is of; nil if there is none.
func lookUp(c *service.Call, s *state.Snapshot, text string) resource {
	if t := s.TrailByARN(text); t != nil {
		return trailResource{t}
	}
	if e := eventDataStoreAt(c, s, text); e != nil {
		return storeResource{e}
	}
	if ch := s.ChannelByARN(text); ch != nil {
		return channelResource{ch}
	}
	if d := s.DashboardByARN(text); d != nil {
		return dashboardResource{d}
	}
	return nil
}
