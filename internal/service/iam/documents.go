package iam

import (
	"encoding/json"
	"strings"

	"github.com/warder-iam/warder/arn"
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
	d := &state.Document{Text: text}
	for _, p := range doc.Principals() {
		if p.Type != policy.AWSPrincipal || p.Value == "*" {
			continue
		}
		id, resolve, ok := resolvePrincipal(s, p.Value)
		if !ok {
			return nil, awserr.New("MalformedPolicyDocument", "Invalid principal in policy: \"AWS\":\"%s\"", p.Value)
		}
		if resolve {
			if d.Principals == nil {
				d.Principals = make(map[string]string)
			}
			d.Principals[p.Value] = id
		}
	}
	return d, nil
}

// nobody is the unique id of principals in accounts that are not here.
const nobody = "-"

// resolvePrincipal looks up an AWS principal. resolve says that it stands for
// a user or role, whose unique id is id; ok that it may stand in a policy.
func resolvePrincipal(s *state.Snapshot, text string) (id string, resolve, ok bool) {
	a, err := arn.Parse(text)
	switch {
	case err != nil && arn.IsAccountID(text):
		return "", false, true
	case err != nil:
		// A unique id: what a trust policy reads as when its principal was deleted.
		return "", false, s.Users.Get(text) != nil || s.Roles.Get(text) != nil
	case a.Resource == "root" || a.Service == "sts" && a.ResourceType() != "assumed-role":
		return "", false, true
	case s.Accounts.Get(a.Account) == nil:
		return nobody, true, true
	}
	if u := s.UserByARN(text); u != nil {
		return u.ID, true, true
	}
	if r := s.RoleByARN(text); r != nil {
		return r.ID, true, true
	}
	if r := sessionRole(s, a); r != nil {
		return r.ID, true, true
	}
	return "", true, false
}

// sessionRole is the role of a session's ARN; nil if it is another kind of ARN
// or the role does not exist.
func sessionRole(s *state.Snapshot, a arn.ARN) *state.Role {
	if a.Service != "sts" || a.ResourceType() != "assumed-role" {
		return nil
	}
	name, _, _ := strings.Cut(a.ResourceID(), "/")
	return s.Role(a.Account, name)
}

// shown is the text of a document as it reads now: byte for byte as it was
// saved, except that a user or role that was deleted since reads as its unique
// id, and one that was renamed as its new ARN
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html).
func shown(s *state.Snapshot, kind policy.Kind, d *state.Document) string {
	now := make(map[string]string)
	for written, id := range d.Principals {
		if reads := principalName(s, written, id); id != nobody && reads != written {
			now[written] = reads
		}
	}
	if len(now) == 0 {
		return d.Text
	}
	doc, err := policy.ParseText(kind, d.Text)
	if err != nil {
		return d.Text
	}
	var b strings.Builder
	from := 0
	for _, p := range doc.Principals() {
		reads, changed := now[p.Value]
		if !changed || p.Type != policy.AWSPrincipal {
			continue
		}
		at := int(p.Pos.Offset)
		b.WriteString(d.Text[from:at])
		quoted, _ := json.Marshal(reads) // a string always has JSON
		b.Write(quoted)
		from = at + literalLen(d.Text[at:])
	}
	b.WriteString(d.Text[from:])
	return b.String()
}

// principalName is how a principal that was written reads now: as the ARN that
// its unique id has, or as the id if it has none. A session's role keeps its name.
func principalName(s *state.Snapshot, written, id string) string {
	if a, err := arn.Parse(written); err == nil && a.Service == "sts" && s.Roles.Get(id) != nil {
		return written
	}
	if u := s.Users.Get(id); u != nil {
		return u.ARN()
	}
	if r := s.Roles.Get(id); r != nil {
		return r.ARN()
	}
	return id
}

// literalLen is the length of the JSON string literal that text begins with.
func literalLen(text string) int {
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(text)
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
