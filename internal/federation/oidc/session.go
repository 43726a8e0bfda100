package oidc

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

// What a token says of the session that it is to make: tags and source
// identity, in claims of AWS's own
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html#id_session-tags_adding-assume-role-idp,
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_monitor.html).
const (
	claimTags           = "https://aws.amazon.com/tags"
	claimTag            = claimTags + "/principal_tags/" // and the key: for providers that cannot nest claims
	claimTransitive     = claimTags + "/transitive_tag_keys"
	claimSourceIdentity = "https://aws.amazon.com/source_identity"
)

// Tag is a session tag.
type Tag struct{ Key, Value string }

// The forms of STS's API model: tagKeyType, tagValueType, sourceIdentityType.
var (
	tagText  = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`)
	identity = regexp.MustCompile(`^[\w+=,.@-]{2,64}$`)
)

// Tags are the session tags of the token, sorted by key, and the keys of those
// that are transitive.
func (t *Token) Tags() (tags []Tag, transitive []string, err error) {
	found := make(map[string]string)
	if nested, ok := t.claims[claimTags]; ok {
		object, ok := nested.(map[string]any)
		if !ok {
			return nil, nil, malformed(claimTags)
		}
		for name, value := range object {
			switch name {
			case "principal_tags":
				all, ok := value.(map[string]any)
				if !ok {
					return nil, nil, malformed(claimTags)
				}
				for key, value := range all {
					if err := addTag(found, key, value); err != nil {
						return nil, nil, err
					}
				}
			case "transitive_tag_keys":
				if transitive, err = (&Token{claims: object}).strings(name); err != nil {
					return nil, nil, malformed(claimTags)
				}
			}
		}
	}
	for name, value := range t.claims {
		if key, ok := strings.CutPrefix(name, claimTag); ok {
			if err := addTag(found, key, value); err != nil {
				return nil, nil, err
			}
		}
	}
	flat, err := t.strings(claimTransitive)
	if err != nil {
		return nil, nil, err
	}
	transitive = append(transitive, flat...)
	for _, key := range slices.Sorted(maps.Keys(found)) {
		tags = append(tags, Tag{key, found[key]})
	}
	return tags, transitive, nil
}

// addTag takes a tag whose value is a string, or a list of exactly one, which is
// how AWS's own example has it.
func addTag(found map[string]string, key string, value any) error {
	if list, ok := value.([]any); ok && len(list) == 1 {
		value = list[0]
	}
	s, ok := value.(string)
	_, twice := found[key]
	if !ok || twice || len([]rune(key)) < 1 || len([]rune(key)) > 128 || len([]rune(s)) > 256 || !tagText.MatchString(key) || !tagText.MatchString(s) {
		return malformed(claimTags)
	}
	found[key] = s
	return nil
}

// SourceIdentity is the source identity that the token sets; "" if none.
func (t *Token) SourceIdentity() (string, error) {
	s, err := t.text(claimSourceIdentity)
	if err != nil {
		return "", err
	}
	if _, ok := t.claims[claimSourceIdentity]; ok && !identity.MatchString(s) {
		return "", malformed(claimSourceIdentity)
	}
	return s, nil
}
