package events

import (
	"slices"
	"strings"

	api "github.com/warder-iam/warder/internal/api/events"
	"github.com/warder-iam/warder/internal/service"
	"github.com/warder-iam/warder/internal/state"
)

const maxTags = 50 // on a resource

// mergeTags sets tags on a resource that has some.
func mergeTags(old []state.Tag, in []api.Tag) ([]state.Tag, error) {
	tags := slices.Clone(old)
	for i, t := range in {
		if strings.HasPrefix(strings.ToLower(*t.Key), "aws:") {
			return nil, invalid("Tag keys beginning with aws: are reserved for system use.")
		}
		if slices.ContainsFunc(in[:i], func(before api.Tag) bool { return state.SameTagKey(*before.Key, *t.Key) }) {
			return nil, invalid("Invalid parameter: Duplicated keys are not allowed.")
		}
		tag := state.Tag{Key: *t.Key, Value: *t.Value}
		if i := slices.IndexFunc(tags, func(have state.Tag) bool { return state.SameTagKey(have.Key, tag.Key) }); i >= 0 {
			tags[i] = tag
		} else {
			tags = append(tags, tag)
		}
	}
	if len(tags) > maxTags {
		return nil, overLimit()
	}
	return tags, nil
}

// setTags changes the tags of the bus or rule that an ARN names.
func setTags(c *service.Call, tx *state.Tx, text string, change func([]state.Tag) ([]state.Tag, error)) error {
	p, name, err := taggedPlace(c, text)
	if err != nil {
		return err
	}
	b, err := p.find(&tx.Snapshot)
	if err != nil {
		return err
	}
	if name == "" {
		tags, err := change(b.Tags)
		if err == nil {
			tx.EventBuses.Update(b, func(b *state.EventBus) { b.Tags = tags })
		}
		return err
	}
	r := tx.EventRule(p.account, p.region, p.bus, name)
	if r == nil {
		return noSuchRule(name, p.bus)
	}
	tags, err := change(r.Tags)
	if err == nil {
		tx.EventRules.Update(r, func(r *state.EventRule) { r.Tags = tags })
	}
	return err
}

func (s *Service) tagResource(c *service.Call, tx *state.Tx, in *api.TagResourceRequest) (*api.TagResourceResponse, error) {
	return nil, setTags(c, tx, *in.ResourceARN, func(old []state.Tag) ([]state.Tag, error) { return mergeTags(old, in.Tags) })
}

func (s *Service) untagResource(c *service.Call, tx *state.Tx, in *api.UntagResourceRequest) (*api.UntagResourceResponse, error) {
	return nil, setTags(c, tx, *in.ResourceARN, func(old []state.Tag) ([]state.Tag, error) {
		return slices.DeleteFunc(slices.Clone(old), func(t state.Tag) bool {
			return slices.ContainsFunc(in.TagKeys, func(key string) bool { return state.SameTagKey(t.Key, key) })
		}), nil
	})
}

func (s *Service) listTagsForResource(c *service.Call, snap *state.Snapshot, in *api.ListTagsForResourceRequest) (*api.ListTagsForResourceResponse, error) {
	p, name, err := taggedPlace(c, *in.ResourceARN)
	if err != nil {
		return nil, err
	}
	b, err := p.find(snap)
	if err != nil {
		return nil, err
	}
	tags := b.Tags
	if name != "" {
		r := snap.EventRule(p.account, p.region, p.bus, name)
		if r == nil {
			return nil, noSuchRule(name, p.bus)
		}
		tags = r.Tags
	}
	out := &api.ListTagsForResourceResponse{Tags: []api.Tag{}}
	for _, t := range tags {
		out.Tags = append(out.Tags, api.Tag{Key: &t.Key, Value: &t.Value})
	}
	return out, nil
}
