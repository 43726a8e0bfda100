package cloudtrail

import (
	"slices"
	"strings"

	base "github.com/warder-iam/warder/internal/api"
	api "github.com/warder-iam/warder/internal/api/cloudtrail"
	"github.com/warder-iam/warder/internal/awserr"
	"github.com/warder-iam/warder/internal/service"
	"github.com/warder-iam/warder/internal/state"
)

const maxTags = 50 // on a resource

func newTags(in []api.Tag) ([]state.Tag, error) { return mergeTags(nil, in) }

// mergeTags sets tags on a resource that has some. A tag without a value has an
// empty one.
func mergeTags(old []state.Tag, in []api.Tag) ([]state.Tag, error) {
	invalid := func(text string) error { return awserr.New("InvalidTagParameterException", "%s", text) }
	tags := slices.Clone(old)
	for i, t := range in {
		if strings.HasPrefix(strings.ToLower(*t.Key), "aws:") {
			return nil, invalid("Tag keys beginning with aws: are reserved for system use.")
		}
		if slices.ContainsFunc(in[:i], func(before api.Tag) bool { return state.SameTagKey(*before.Key, *t.Key) }) {
			return nil, invalid("The tag key " + *t.Key + " is there more than once.")
		}
		tag := state.Tag{Key: *t.Key, Value: base.Deref(t.Value)}
		if i := slices.IndexFunc(tags, func(have state.Tag) bool { return state.SameTagKey(have.Key, tag.Key) }); i >= 0 {
			tags[i] = tag
		} else {
			tags = append(tags, tag)
		}
	}
	if len(tags) > maxTags {
		return nil, awserr.New("TagsLimitExceededException", "The number of tags on a resource is limited to %d.", maxTags)
	}
	return tags, nil
}

func tagsOut(tags []state.Tag) []api.Tag {
	out := make([]api.Tag, len(tags))
	for i, t := range tags {
		out[i] = api.Tag{Key: &t.Key, Value: &t.Value}
	}
	return out
}

// existing finds a resource that there must be.
func existing(c *service.Call, s *state.Snapshot, text string) (resource, error) {
	r, err := findResource(c, s, text)
	if err == nil && r == nil {
		err = awserr.New("ResourceNotFoundException", "The resource %s was not found.", text)
	}
	return r, err
}

func (s *Service) addTags(c *service.Call, tx *state.Tx, in *api.AddTagsRequest) (*api.AddTagsResponse, error) {
	r, err := existing(c, &tx.Snapshot, *in.ResourceId)
	if err != nil {
		return nil, err
	}
	tags, err := mergeTags(r.tags(), in.TagsList)
	if err != nil {
		return nil, err
	}
	r.tag(tx, tags)
	return nil, nil
}

// removeTags goes by the keys; those that are not there it ignores.
func (s *Service) removeTags(c *service.Call, tx *state.Tx, in *api.RemoveTagsRequest) (*api.RemoveTagsResponse, error) {
	r, err := existing(c, &tx.Snapshot, *in.ResourceId)
	if err != nil {
		return nil, err
	}
	r.tag(tx, slices.DeleteFunc(slices.Clone(r.tags()), func(have state.Tag) bool {
		return slices.ContainsFunc(in.TagsList, func(t api.Tag) bool { return state.SameTagKey(*t.Key, have.Key) })
	}))
	return nil, nil
}

const maxListedTags = 20 // resources in one ListTags

func (s *Service) listTags(c *service.Call, snap *state.Snapshot, in *api.ListTagsRequest) (*api.ListTagsResponse, error) {
	if in.NextToken != nil {
		return nil, awserr.New("InvalidTokenException", "The specified NextToken is not valid.")
	}
	if len(in.ResourceIdList) > maxListedTags {
		return nil, invalidParameter("ResourceIdList is limited to %d resources.", maxListedTags)
	}
	out := &api.ListTagsResponse{ResourceTagList: []api.ResourceTag{}}
	for _, id := range in.ResourceIdList {
		r, err := existing(c, snap, id)
		if err != nil {
			return nil, err
		}
		out.ResourceTagList = append(out.ResourceTagList, api.ResourceTag{ResourceId: &id, TagsList: tagsOut(r.tags())})
	}
	return out, nil
}
