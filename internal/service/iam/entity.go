package iam

import (
	"cmp"
	"iter"
	"slices"
	"strings"

	"github.com/warder-iam/warder/arn"
	api "github.com/warder-iam/warder/internal/api/iam"
	"github.com/warder-iam/warder/internal/awserr"
	"github.com/warder-iam/warder/internal/state"
)

// What users, groups, roles, policies and instance profiles have in common:
// paths, tags, boundaries.

// pathOf is a new resource's path.
func pathOf(path *string) string {
	if path == nil {
		return "/"
	}
	return *path
}

// prefixOf is the path prefix that a list is filtered by; "" keeps everything.
func prefixOf(prefix *string) string { return deref(prefix) }

// atLeast says whether a sequence has n items, without counting further.
func atLeast[T any](seq iter.Seq[T], n int) bool {
	if n == 0 {
		return true
	}
	for range seq {
		if n--; n == 0 {
			return true
		}
	}
	return false
}

// newTags checks the tags of a new resource. The order they were sent in stays.
func newTags(in []api.Tag) ([]state.Tag, error) {
	return mergeTags(nil, in)
}

// mergeTags sets tags on a resource that has some. A key that differs from an
// old one in case only replaces it
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html#id_tags_rules).
func mergeTags(old []state.Tag, in []api.Tag) ([]state.Tag, error) {
	for _, t := range in {
		if strings.HasPrefix(strings.ToLower(*t.Key), "aws:") {
			return nil, invalidInput("Tag keys beginning with aws: are reserved for system use.")
		}
	}
	tags := slices.Clone(old)
	for i, t := range in {
		if slices.ContainsFunc(in[:i], func(before api.Tag) bool { return state.SameTagKey(*before.Key, *t.Key) }) {
			return nil, invalidInput("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
		}
		if i := slices.IndexFunc(tags, func(have state.Tag) bool { return state.SameTagKey(have.Key, *t.Key) }); i >= 0 {
			tags[i] = state.Tag{Key: *t.Key, Value: *t.Value}
		} else {
			tags = append(tags, state.Tag{Key: *t.Key, Value: *t.Value})
		}
	}
	if len(tags) > maxTags {
		return nil, awserr.New("LimitExceeded", "The number of tags has reached the maximum limit.")
	}
	return tags, nil
}

// withoutTags removes tags by key, without regard to case.
func withoutTags(old []state.Tag, keys []string) []state.Tag {
	return slices.DeleteFunc(slices.Clone(old), func(t state.Tag) bool {
		return slices.ContainsFunc(keys, func(k string) bool { return state.SameTagKey(k, t.Key) })
	})
}

// tagsOut is nil for a resource without tags: AWS leaves the element out.
func tagsOut(tags []state.Tag) []api.Tag {
	if len(tags) == 0 {
		return nil
	}
	out := make([]api.Tag, len(tags))
	for i, t := range tags {
		out[i] = api.Tag{Key: ptr(t.Key), Value: ptr(t.Value)}
	}
	return out
}

// everyTag is the list of tags where AWS shows an empty one too.
func everyTag(tags []state.Tag) []api.Tag {
	if len(tags) == 0 {
		return []api.Tag{}
	}
	return tagsOut(tags)
}

// tagsPage is a page of ListXTags, in the order of the keys.
func tagsPage(tags []state.Tag, marker *string, maxItems *int32) ([]api.Tag, paged, error) {
	after, limit, err := start(marker, maxItems)
	if err != nil {
		return nil, paged{}, err
	}
	sorted := slices.SortedFunc(slices.Values(tags), func(a, b state.Tag) int { return cmp.Compare(a.Key, b.Key) })
	part, end := pageOf(sorted, after, limit, func(t state.Tag) string { return t.Key })
	return everyTag(part), end, nil
}

// findBoundary checks that a permissions boundary is a managed policy of the
// account; "" if none is asked for. AWS has its own refusals for boundaries.
func findBoundary(s *state.Snapshot, account string, boundaryARN *string) (string, error) {
	if boundaryARN == nil {
		return "", nil
	}
	if a, err := arn.Parse(*boundaryARN); err != nil || a.Service != "iam" || a.ResourceType() != "policy" {
		return "", invalidARN(*boundaryARN)
	}
	p, err := attachable(s, account, *boundaryARN)
	if err != nil || p.ServiceLinked() {
		return "", awserr.New("NoSuchEntity", "Scope ARN: %s does not exist or is not attachable.", *boundaryARN)
	}
	return p.ARN(), nil
}

// attachable finds a managed policy that may be attached in the account: one of
// its own or of AWS's.
func attachable(s *state.Snapshot, account, policyARN string) (*state.ManagedPolicy, error) {
	if err := checkPolicyARN(policyARN); err != nil {
		return nil, err
	}
	p := s.PolicyByARN(policyARN)
	if p == nil || p.Account != account && !p.AWSManaged() {
		return nil, noSuchPolicy(policyARN)
	}
	return p, nil
}

func boundaryOut(boundaryARN string) *api.AttachedPermissionsBoundary {
	if boundaryARN == "" {
		return nil
	}
	return &api.AttachedPermissionsBoundary{
		// AWS sends this, and not the one value that its model has.
		PermissionsBoundaryType: ptr("Policy"),
		PermissionsBoundaryArn:  ptr(boundaryARN),
	}
}

func noBoundary(kind, name string) error {
	return awserr.New("NoSuchEntity", "No permissions boundary found for %s %s", kind, name)
}
