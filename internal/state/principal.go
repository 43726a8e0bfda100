package state

import (
	"strings"

	"github.com/warder-iam/warder/arn"
	"github.com/warder-iam/warder/policy"
)

// Unique ids that nobody has, for principals in saved policies that stand for
// nobody.
const (
	// Nobody is a principal of an account that was not here when the policy was
	// saved: it stays nobody if such an account is made later.
	Nobody = "-"
	// NotImported is a principal in a policy that was imported before the
	// principal's own account. It gets its id when that is imported too.
	NotImported = "?"
)

// PrincipalID looks up an AWS principal as policies name it. resolve says that
// it stands for a user or role, whose unique id is id; ok that it may stand in a
// policy (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html).
func (s *Snapshot) PrincipalID(text string) (id string, resolve, ok bool) {
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
		return Nobody, true, true
	}
	if u := s.UserByARN(text); u != nil {
		return u.ID, true, true
	}
	if r := s.RoleByARN(text); r != nil {
		return r.ID, true, true
	}
	if r := s.sessionRole(a); r != nil {
		return r.ID, true, true
	}
	return "", true, false
}

// sessionRole is the role of a session's ARN; nil if it is another kind of ARN
// or the role does not exist.
func (s *Snapshot) sessionRole(a arn.ARN) *Role {
	if a.Service != "sts" || a.ResourceType() != "assumed-role" {
		return nil
	}
	name, _, _ := strings.Cut(a.ResourceID(), "/")
	return s.Role(a.Account, name)
}

// PrincipalName is how a principal that was written in a saved policy reads now:
// as the ARN that its unique id has, or as the id if it has none. A session's
// role keeps its name, and so does who stands for nobody.
func (s *Snapshot) PrincipalName(written, id string) string {
	if id == Nobody || id == NotImported {
		return written
	}
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

// TrustedPrincipals are the AWS principals that a trust policy names.
func TrustedPrincipals(doc *policy.Document) (names []string) {
	for _, p := range doc.Principals() {
		if p.Type == policy.AWSPrincipal && p.Value != "*" {
			names = append(names, p.Value)
		}
	}
	return names
}
