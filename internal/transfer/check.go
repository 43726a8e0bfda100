package transfer

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/warder-iam/warder/arn"
	api "github.com/warder-iam/warder/internal/api/iam"
	"github.com/warder-iam/warder/internal/awspolicies"
	"github.com/warder-iam/warder/policy"
)

// The shapes that the API model gives names, paths and unique ids
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html).
var (
	nameForm = regexp.MustCompile(`^[\w+=,.@-]{1,128}$`)
	pathForm = regexp.MustCompile(`^/([\x21-\x7E]+/)?$`) // and 512 characters at most
	idForm   = regexp.MustCompile(`^[A-Z0-9]{16,128}$`)

	aliasForm = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$`)
)

// checker gathers what is wrong with the listings.
type checker struct {
	a    *Account
	errs []error
	ids  map[string]string // whose each unique id is
	arns map[string]bool
	// names by kind, in lower case: the names of a kind differ without regard to case
	names map[string]bool
}

func (c *checker) fail(format string, args ...any) {
	c.errs = append(c.errs, fmt.Errorf(format, args...))
}

// check refuses what cannot have been one account: entities of other accounts,
// names that do not fit their ARNs, references to what is not there, documents
// that are none.
func (a *Account) check() []error {
	c := &checker{a: a, ids: map[string]string{}, arns: map[string]bool{}, names: map[string]bool{}}
	groups := map[string]bool{}
	for _, g := range a.details.GroupDetailList {
		c.entity("group", g.Arn, g.GroupId, g.GroupName, g.Path, g.CreateDate)
		c.inline(deref(g.Arn), g.GroupPolicyList)
		groups[deref(g.GroupName)] = true
	}
	for _, p := range a.details.Policies {
		c.managed(&p)
	}
	users := map[string]bool{}
	for i := range a.details.UserDetailList {
		u := &a.details.UserDetailList[i]
		c.entity("user", u.Arn, u.UserId, u.UserName, u.Path, u.CreateDate)
		c.inline(deref(u.Arn), u.UserPolicyList)
		users[deref(u.UserName)] = true
		for _, g := range a.memberships[deref(u.UserName)] {
			if !slices.Contains(u.GroupList, g) {
				u.GroupList = append(u.GroupList, g)
			}
		}
		for _, g := range u.GroupList {
			if !groups[g] {
				c.fail("%s is in the group %s, which is not listed", deref(u.Arn), g)
			}
		}
	}
	for user := range sorted(a.memberships) {
		if !users[user] {
			c.fail("the user %s has groups and is not listed", user)
		}
	}
	roles := map[string]bool{}
	for _, r := range a.details.RoleDetailList {
		c.entity("role", r.Arn, r.RoleId, r.RoleName, r.Path, r.CreateDate)
		c.inline(deref(r.Arn), r.RolePolicyList)
		c.document(deref(r.Arn)+": trust policy", policy.Trust, r.AssumeRolePolicyDocument)
		roles[deref(r.Arn)] = true
		for _, p := range r.InstanceProfileList {
			a.profiles[deref(p.Arn)] = p
		}
	}
	for roleARN := range sorted(a.roles) {
		if !roles[roleARN] {
			c.fail("the role %s of list-roles is not among the account's authorization details", roleARN)
		}
	}
	for _, p := range sorted(a.profiles) {
		c.entity("instance-profile", p.Arn, p.InstanceProfileId, p.InstanceProfileName, p.Path, p.CreateDate)
		for _, r := range p.Roles {
			if !roles[deref(r.Arn)] {
				c.fail("%s holds the role %s, which is not listed", deref(p.Arn), deref(r.Arn))
			}
		}
		if len(p.Roles) > 1 {
			c.fail("%s holds several roles", deref(p.Arn))
		}
	}
	c.identityProviders()
	if a.alias != "" && (!aliasForm.MatchString(a.alias) || strings.Contains(a.alias, "--") || arn.IsAccountID(a.alias)) {
		c.fail("%q cannot be an account's alias", a.alias)
	}
	c.references()
	if a.ID == "" && len(c.errs) == 0 {
		c.fail("the listings name no user, group, role or policy of an account")
	}
	return c.errs
}

// account holds every ARN against the first one's account.
func (c *checker) account(text string) {
	a, err := arn.Parse(text)
	switch {
	case err != nil || !arn.IsAccountID(a.Account):
		c.fail("%q is not the ARN of an account's resource", text)
	case c.a.ID == "":
		c.a.ID = a.Account
	case c.a.ID != a.Account:
		c.fail("%s is not of the account %s, which the listings begin with", text, c.a.ID)
	}
}

func (c *checker) entity(kind string, arnText, id, name, path *string, created *time.Time) {
	text := deref(arnText)
	space := kind + "/"
	if kind == "user" || kind == "group" || kind == "role" {
		space = "" // a policy's principal may be any of them
	}
	c.account(text)
	switch {
	case !nameForm.MatchString(deref(name)) || !pathForm.MatchString(deref(path)) || len(deref(path)) > 512:
		c.fail("%q: the name %q or the path %q is not one of IAM's", text, deref(name), deref(path))
	case text != arn.IAM(c.a.ID, kind, deref(path), deref(name)):
		c.fail("%s is not the ARN of the %s %s with the path %s", text, kind, deref(name), deref(path))
	case !idForm.MatchString(deref(id)):
		c.fail("%s: %q is not a unique id", text, deref(id))
	case c.ids[space+*id] != "" && c.ids[space+*id] != text:
		c.fail("%s and %s have the same unique id", c.ids[space+*id], text)
	case created == nil:
		c.fail("%s has no CreateDate", text)
	case c.arns[text]:
		c.fail("%s is listed twice", text)
	case c.names[kind+"/"+strings.ToLower(*name)]:
		c.fail("%s: there are two of this name", text)
	}
	c.ids[space+deref(id)], c.arns[text], c.names[kind+"/"+strings.ToLower(deref(name))] = text, true, true
}

func (c *checker) inline(of string, policies []api.PolicyDetail) {
	seen := map[string]bool{}
	for _, p := range policies {
		name := deref(p.PolicyName)
		if !nameForm.MatchString(name) || seen[name] {
			c.fail("%s: %q cannot be the name of an inline policy, or is there twice", of, name)
		}
		seen[name] = true
		c.document(of+": "+name, policy.Identity, p.PolicyDocument)
	}
}

func (c *checker) document(of string, kind policy.Kind, text *string) {
	if text == nil {
		c.fail("%s: there is no document", of)
		return
	}
	if _, err := policy.ParseText(kind, *text); err != nil {
		c.fail("%s: %w", of, err)
	}
}

func (c *checker) managed(p *api.ManagedPolicyDetail) {
	text := deref(p.Arn)
	if a, err := arn.Parse(text); err == nil && a.Account == awspolicies.Account {
		if c.arns[text] {
			c.fail("%s is listed twice", text)
		}
		c.arns[text] = true
		if text != arn.IAM(awspolicies.Account, "policy", deref(p.Path), deref(p.PolicyName)) {
			c.fail("%s is not the ARN of the policy %s with the path %s", text, deref(p.PolicyName), deref(p.Path))
		}
		if id := deref(p.PolicyId); !idForm.MatchString(id) {
			c.fail("%s: %q is not a unique id", text, id)
		} else if of := c.ids["policy/"+id]; of != "" && of != text {
			c.fail("%s and %s have the same unique id", of, text)
		}
		c.ids["policy/"+deref(p.PolicyId)] = text
	} else {
		c.entity("policy", p.Arn, p.PolicyId, p.PolicyName, p.Path, p.CreateDate)
	}
	defaults := 0
	seen := map[string]bool{}
	for _, v := range p.PolicyVersionList {
		id := deref(v.VersionId)
		if _, ok := versionNumber(id); !ok || seen[id] || v.CreateDate == nil {
			c.fail("%s: the version %q is no version, has no date, or is there twice", text, id)
		}
		seen[id] = true
		c.document(text+" "+id, policy.Identity, v.Document)
		if deref(v.IsDefaultVersion) {
			defaults++
			if id != deref(p.DefaultVersionId) {
				c.fail("%s: version %s is not its DefaultVersionId %s", text, id, deref(p.DefaultVersionId))
			}
		}
	}
	if defaults != 1 {
		c.fail("%s has %d default versions", text, defaults)
	}
}

// references refuses attached policies and boundaries that nobody knows: the
// listings must hold a customer's policies; AWS's are known here, or listed.
func (c *checker) references() {
	known := func(of, policyARN string) {
		if !c.arns[policyARN] && awspolicies.Find(policyARN) == nil {
			c.fail("%s has the policy %s, which is not listed", of, policyARN)
		}
	}
	all := func(of *string, attached []api.AttachedPolicy, boundary *api.AttachedPermissionsBoundary) {
		for _, p := range attached {
			known(deref(of), deref(p.PolicyArn))
		}
		if boundary != nil {
			known(deref(of), deref(boundary.PermissionsBoundaryArn))
		}
	}
	for _, u := range c.a.details.UserDetailList {
		all(u.Arn, u.AttachedManagedPolicies, u.PermissionsBoundary)
	}
	for _, g := range c.a.details.GroupDetailList {
		all(g.Arn, g.AttachedManagedPolicies, nil)
	}
	for _, r := range c.a.details.RoleDetailList {
		all(r.Arn, r.AttachedManagedPolicies, r.PermissionsBoundary)
	}
}
