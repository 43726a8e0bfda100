package policytest

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"go.yaml.in/yaml/v3"

	base "github.com/warder-iam/warder/internal/api"
	api "github.com/warder-iam/warder/internal/api/iam"
	"github.com/warder-iam/warder/internal/awscli"
	"github.com/warder-iam/warder/internal/question"
	"github.com/warder-iam/warder/policy"
)

// An exported account is what GetAccountAuthorizationDetails tells of one:
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountAuthorizationDetails.html
type account struct {
	api.GetAccountAuthorizationDetailsResponse
	NextToken *string // of a page that is not the last, as the CLI writes it with --max-items
}

// parseAccount reads an export. What it does not hold it cannot decide, so
// that one page of several is refused.
func parseAccount(text []byte) (*account, error) {
	a := new(account)
	if err := awscli.Unmarshal(text, a); err != nil {
		return nil, err
	}
	if deref(a.IsTruncated) || deref(a.Marker) != "" || deref(a.NextToken) != "" {
		return nil, errors.New("this is one page of several (IsTruncated): export the whole account into one file")
	}
	return a, nil
}

// entity is a user, a group or a role of the account: what decides of it.
type entity struct {
	id       *string // unique id, of users only
	inline   []api.PolicyDetail
	attached []api.AttachedPolicy
	boundary *api.AttachedPermissionsBoundary
	groups   []string
	tags     []api.Tag
}

// find is the user or role with an ARN.
func (a *account) find(kind policy.PrincipalKind, arn string) (*entity, error) {
	if kind == policy.User {
		u, err := only(a.UserDetailList, "principal", func(u *api.UserDetail) bool { return deref(u.Arn) == arn })
		if err != nil {
			return nil, err
		}
		return &entity{u.UserId, u.UserPolicyList, u.AttachedManagedPolicies, u.PermissionsBoundary, u.GroupList, u.Tags}, nil
	}
	r, err := only(a.RoleDetailList, "principal", func(r *api.RoleDetail) bool { return deref(r.Arn) == arn })
	if err != nil {
		return nil, err
	}
	return &entity{nil, r.RolePolicyList, r.AttachedManagedPolicies, r.PermissionsBoundary, nil, r.Tags}, nil
}

func (a *account) group(name string) (*entity, error) {
	g, err := only(a.GroupDetailList, "group "+name, func(g *api.GroupDetail) bool { return name != "" && deref(g.GroupName) == name })
	if err != nil {
		return nil, err
	}
	return &entity{inline: g.GroupPolicyList, attached: g.AttachedManagedPolicies}, nil
}

// exported gives the principal the policies and the tags that it has in its
// account file.
func (l *loader) exported(p *principal, to *question.Policies) error {
	if p.Identity != nil || p.Boundary != "" {
		return errors.New("identity and boundary do not go with account: the policies are those of the account")
	}
	name := p.Account
	if !filepath.IsAbs(name) {
		name = filepath.Join(l.dir, name)
	}
	a, ok := l.accounts[name]
	if !ok {
		text, err := l.read(name)
		if err == nil {
			a, err = parseAccount(text)
		}
		if err != nil {
			return fmt.Errorf("account %s: %w", p.Account, err)
		}
		if l.accounts == nil {
			l.accounts = map[string]*account{}
		}
		l.accounts[name] = a
	}
	if err := a.principal(p, to); err != nil {
		return fmt.Errorf("account %s: %s: %w", p.Account, p.ARN, err)
	}
	return nil
}

func (a *account) principal(p *principal, to *question.Policies) error {
	who, err := question.Principal(p.ARN)
	if err != nil {
		return err
	}
	if who.Kind != policy.User && (who.Kind != policy.RoleSession || who.ARN != who.RoleARN) {
		return errors.New("this is neither a user nor a role")
	}
	e, err := a.find(who.Kind, p.ARN)
	if err != nil {
		return err
	}
	from := []*entity{e}
	for _, name := range e.groups {
		g, err := a.group(name)
		if err != nil {
			return err
		}
		from = append(from, g)
	}
	for _, e := range from {
		for _, i := range e.inline {
			f, err := documentOf(i.PolicyName, i.PolicyDocument)
			if err != nil {
				return err
			}
			to.Identity = append(to.Identity, f)
		}
		for _, attached := range e.attached {
			f, err := a.managed(deref(attached.PolicyArn))
			if err != nil {
				return err
			}
			to.Identity = append(to.Identity, f)
		}
	}
	if e.boundary != nil {
		f, err := a.managed(deref(e.boundary.PermissionsBoundaryArn))
		if err != nil {
			return err
		}
		to.Boundary = []question.File{f}
	}
	p.tags = keys{}
	for _, tag := range e.tags {
		p.tags["aws:PrincipalTag/"+deref(tag.Key)] = yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: deref(tag.Value)}
	}
	if id := deref(e.id); id != "" {
		p.tags["aws:userid"] = yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: id}
	}
	return nil
}

// managed is the default version of a managed policy. One of AWS's that the
// export left out is as Warder has it.
func (a *account) managed(arn string) (question.File, error) {
	if !slices.ContainsFunc(a.Policies, func(m api.ManagedPolicyDetail) bool { return deref(m.Arn) == arn }) {
		if f, ok, err := question.AWSManaged(arn); ok {
			return f, err
		}
	}
	m, err := only(a.Policies, "policy "+arn, func(m *api.ManagedPolicyDetail) bool { return arn != "" && deref(m.Arn) == arn })
	if err != nil {
		return question.File{}, err
	}
	var text *string
	found := 0
	for _, v := range m.PolicyVersionList {
		if deref(v.IsDefaultVersion) {
			text, found = v.Document, found+1
			if id := deref(m.DefaultVersionId); id != "" && id != deref(v.VersionId) {
				return question.File{}, fmt.Errorf("policy %s: version %s is not DefaultVersionId %s", arn, deref(v.VersionId), id)
			}
		}
	}
	if found != 1 {
		return question.File{}, fmt.Errorf("policy %s has %d default versions", arn, found)
	}
	return documentOf(m.PolicyName, text)
}

func documentOf(name, text *string) (question.File, error) {
	if deref(name) == "" {
		return question.File{}, errors.New("a policy has no PolicyName")
	}
	if text == nil {
		return question.File{}, fmt.Errorf("policy %s has no document", *name)
	}
	return question.File{Name: *name, Text: []byte(*text)}, nil
}

func deref[T any](p *T) T { return base.Deref(p) }

// only finds what the file has to hold exactly once.
func only[T any](in []T, what string, is func(*T) bool) (*T, error) {
	var out *T
	for i := range in {
		if !is(&in[i]) {
			continue
		}
		if out != nil {
			return nil, fmt.Errorf("the file holds the %s twice", what)
		}
		out = &in[i]
	}
	if out == nil {
		return nil, fmt.Errorf("the file does not hold the %s", what)
	}
	return out, nil
}
