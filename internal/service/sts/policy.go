package sts

import (
	"bytes"
	"compress/flate"
	"slices"
	"strings"

	api "github.com/warder-iam/warder/internal/api/sts"
	"github.com/warder-iam/warder/internal/authn"
	"github.com/warder-iam/warder/internal/awserr"
	"github.com/warder-iam/warder/internal/state"
	"github.com/warder-iam/warder/policy"
)

// Session policies and tags, and the room that they have in a session
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html).
const (
	maxPlainPolicy = 2048 // characters of an inline session policy
	maxPolicyARNs  = 10
	maxSessionTags = 50
	packedLimit    = 2048 // bytes that policy, policy ARNs and tags have together when packed
)

// setPolicies checks the session policies and puts them in the session. Managed
// ones must be of the account whose session it is, or AWS's.
func setPolicies(s *state.Snapshot, session *authn.Session, inline *string, arns []api.PolicyDescriptorType) error {
	if inline != nil {
		if _, err := policy.Parse(policy.Session, []byte(*inline)); err != nil {
			return malformed(err)
		}
		session.Policy = *inline
	}
	if len(arns) > maxPolicyARNs {
		return awserr.New("PackedPolicyTooLarge", "The number of managed session policies exceeds the limit of %d.", maxPolicyARNs)
	}
	for _, d := range arns {
		text := deref(d.Arn)
		p := s.PolicyByARN(text)
		if p == nil || p.Account != session.Account && !p.AWSManaged() {
			return validation("The session policy %s does not exist in the account %s.", text, session.Account)
		}
		session.PolicyARNs = append(session.PolicyARNs, text)
	}
	return nil
}

func malformed(err error) error {
	return awserr.New("MalformedPolicyDocument", "%s", err.Error())
}

// setTags checks session tags and puts them in the session, behind the
// transitive ones that the caller's session hands on: those cannot be set anew
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html).
func setTags(session *authn.Session, parent *authn.Session, tags []api.Tag, transitive []string) error {
	if parent != nil {
		for _, key := range parent.Transitive {
			if v, ok := (&state.Entity{Tags: parent.Tags}).Tag(key); ok {
				session.Tags = append(session.Tags, state.Tag{Key: key, Value: v})
				session.Transitive = append(session.Transitive, key)
			}
		}
	}
	inherited := len(session.Tags)
	for _, t := range tags {
		if strings.HasPrefix(strings.ToLower(*t.Key), "aws:") {
			return awserr.New("InvalidParameterValue", "The tag key %s is reserved: keys that begin with aws: are for AWS use only.", *t.Key)
		}
		for i, have := range session.Tags {
			if state.SameTagKey(have.Key, *t.Key) {
				if i < inherited {
					return awserr.New("InvalidParameterValue", "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session.")
				}
				return awserr.New("InvalidParameterValue", "Duplicate tag keys found. Please note that Tag keys are case insensitive.")
			}
		}
		session.Tags = append(session.Tags, state.Tag{Key: *t.Key, Value: *t.Value})
	}
	if len(session.Tags) > maxSessionTags {
		return awserr.New("InvalidParameterValue", "The session has more than %d tags.", maxSessionTags)
	}
	for _, key := range transitive {
		i := slices.IndexFunc(session.Tags[inherited:], func(t state.Tag) bool { return state.SameTagKey(t.Key, key) })
		if i < 0 {
			return awserr.New("InvalidParameterValue", "The specified transitive tag key must be included in the requested tags.")
		}
		// As the tag spells it, and once: each is a tag of the next session.
		if key = session.Tags[inherited+i].Key; !slices.Contains(session.Transitive, key) {
			session.Transitive = append(session.Transitive, key)
		}
	}
	return nil
}

// packedSize is how much of the room for session policies and tags a session
// uses, in percent; nil if it has neither. Beyond 100 it is refused.
func packedSize(session *authn.Session) (*int32, error) {
	if !session.Bounded() && len(session.Tags) == 0 {
		return nil, nil
	}
	if len([]rune(session.Policy)) > maxPlainPolicy {
		return nil, packedTooLarge(session)
	}
	percent := int32((packedBytes(session)*100 + packedLimit - 1) / packedLimit)
	if percent > 100 {
		return nil, packedTooLarge(session)
	}
	return &percent, nil
}

func packedTooLarge(session *authn.Session) error {
	percent := max(packedBytes(session)*100/packedLimit, len([]rune(session.Policy))*100/maxPlainPolicy)
	return awserr.New("PackedPolicyTooLarge", "Packed size of session tags/policy consumes %d%% of allotted space.", max(percent, 101))
}

func packedBytes(session *authn.Session) int {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, flate.BestSpeed) // the level is a good one
	put := func(parts ...string) {
		for _, p := range parts {
			_, _ = w.Write(append([]byte(p), 0)) // a bytes.Buffer takes everything
		}
	}
	put(session.Policy)
	put(session.PolicyARNs...)
	for _, t := range session.Tags {
		put(t.Key, t.Value)
	}
	_ = w.Close()
	return b.Len()
}
