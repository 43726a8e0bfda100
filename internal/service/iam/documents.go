package iam

import (
	"encoding/json"
	"strings"

	"github.com/warder-iam/warder/internal/awserr"
	"github.com/warder-iam/warder/internal/state"
	"github.com/warder-iam/warder/policy"
)

// parseDocument reads a policy document that is to be saved.
func parseDocument(kind policy.Kind, text string) (*policy.Document, error) {
	doc, err := policy.ParseText(kind, text)
	if err != nil {
		return nil, awserr.New("MalformedPolicyDocument", "%s", err.Error())
	}
	return doc, nil
}

// identityDocument checks the document of an inline or managed policy.
func identityDocument(text string) (*state.Document, error) {
	if _, err := parseDocument(policy.Identity, text); err != nil {
		return nil, err
	}
	return &state.Document{Text: text}, nil
}

// trustDocument checks a trust policy and resolves the users and roles that it
// names to their unique ids. One that does not exist is refused, as AWS does,
// except in an account that this Warder does not have: there nobody is, so the
// name matches nobody, now or later.
func trustDocument(s *state.Snapshot, text string) (*state.Document, error) {
	doc, err := parseDocument(policy.Trust, text)
	if err != nil {
		if !json.Valid([]byte(text)) { // AWS says so of trust policies only
			err = awserr.New("MalformedPolicyDocument", "This policy contains invalid Json")
		}
		return nil, err
	}
	if n := policy.NonWhitespaceLen([]byte(text)); n > maxTrustPolicySize {
		return nil, overQuota("ACLSizePerRole", maxTrustPolicySize)
	}
	if err := askWhose(doc); err != nil {
		return nil, err
	}
	ids, unknown := s.Resolve(doc)
	if unknown != "" {
		return nil, awserr.New("MalformedPolicyDocument", "Invalid principal in policy: \"AWS\":\"%s\"", unknown)
	}
	return &state.Document{Text: text, Principals: ids}, nil
}

// encoded is a document as outputs carry it: percent-encoded per RFC 3986.
func encoded(text string) *string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	b.Grow(len(text) + len(text)/2)
	for i := range len(text) {
		c := text[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '.', c == '_', c == '~':
			b.WriteByte(c)
		default:
			b.WriteByte('%')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		}
	}
	out := b.String()
	return &out
}
