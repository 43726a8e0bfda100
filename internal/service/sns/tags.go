package sns

import (
	"slices"
	"strings"

	api "github.com/warder-iam/warder/internal/api/sns"
	"github.com/warder-iam/warder/internal/awserr"
	"github.com/warder-iam/warder/internal/service"
	"github.com/warder-iam/warder/internal/state"
)

// Tags of topics. Unlike IAM's, their keys differ if their case does
// (https://docs.aws.amazon.com/sns/latest/dg/sns-tags.html).

const maxTags = 50

func mergeTags(old []state.Tag, in []api.Tag) ([]state.Tag, error) {
	tags := slices.Clone(old)
	for i, t := range in {
		if strings.HasPrefix(strings.ToLower(*t.Key), "aws:") {
			return nil, invalid("Tag keys beginning with aws: are reserved for system use.")
		}
		if slices.ContainsFunc(in[:i], func(before api.Tag) bool { return *before.Key == *t.Key }) {
			return nil, invalid("Duplicated keys are not allowed.")
		}
		if at := slices.IndexFunc(tags, func(have state.Tag) bool { return have.Key == *t.Key }); at >= 0 {
			tags[at].Value = *t.Value
		} else {
			tags = append(tags, state.Tag{Key: *t.Key, Value: *t.Value})
		}
	}
	if len(tags) > maxTags {
		return nil, awserr.New("TagLimitExceeded", "Could not complete request: tag quota of per resource exceeded")
	}
	return tags, nil
}

func tagValue(tags []state.Tag, key string) (string, bool) {
	for _, t := range tags {
		if t.Key == key {
			return t.Value, true
		}
	}
	return "", false
}

// tagged finds the topic that is to be tagged.
func tagged(c *service.Call, s *state.Snapshot, arn string) (*state.Topic, error) {
	if _, err := parseTopic(c, "ResourceArn", arn); err != nil {
		return nil, err
	}
	t := s.Topics.Get(arn)
	if t == nil {
		return nil, noSuchResource()
	}
	return t, nil
}

func (s *Service) tagResource(c *service.Call, tx *state.Tx, in *api.TagResourceRequest) (*api.TagResourceResponse, error) {
	t, err := tagged(c, &tx.Snapshot, *in.ResourceArn)
	if err != nil {
		return nil, err
	}
	tags, err := mergeTags(t.Tags, in.Tags)
	if err != nil {
		return nil, err
	}
	tx.Topics.Update(t, func(t *state.Topic) { t.Tags = tags })
	return nil, nil
}

func (s *Service) untagResource(c *service.Call, tx *state.Tx, in *api.UntagResourceRequest) (*api.UntagResourceResponse, error) {
	t, err := tagged(c, &tx.Snapshot, *in.ResourceArn)
	if err != nil {
		return nil, err
	}
	tx.Topics.Update(t, func(t *state.Topic) {
		t.Tags = slices.DeleteFunc(slices.Clone(t.Tags), func(tag state.Tag) bool { return slices.Contains(in.TagKeys, tag.Key) })
	})
	return nil, nil
}

func (s *Service) listTagsForResource(c *service.Call, snap *state.Snapshot, in *api.ListTagsForResourceRequest) (*api.ListTagsForResourceResponse, error) {
	t, err := tagged(c, snap, *in.ResourceArn)
	if err != nil {
		return nil, err
	}
	out := &api.ListTagsForResourceResponse{Tags: []api.Tag{}}
	for _, tag := range t.Tags {
		out.Tags = append(out.Tags, api.Tag{Key: ptr(tag.Key), Value: ptr(tag.Value)})
	}
	return out, nil
}
