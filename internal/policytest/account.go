package policytest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/warder-iam/warder/internal/question"
	"github.com/warder-iam/warder/policy"
)

// The parts that decide of an account as GetAccountAuthorizationDetails tells it:
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountAuthorizationDetails.html
type (
	account struct {
		UserDetailList  []entity
		GroupDetailList []entity
		RoleDetailList  []entity
		Policies        []managed
		IsTruncated     bool
		Marker          string // of a page that is not the last
		NextToken       string // the same, as the CLI writes it with --max-items
	}
	// entity is a user, a group or a role: the members that it has not are empty.
	entity struct {
		Arn, UserID, GroupName  string
		UserPolicyList          []inline
		GroupPolicyList         []inline
		RolePolicyList          []inline
		AttachedManagedPolicies []struct{ PolicyArn string }
		PermissionsBoundary     *struct{ PermissionsBoundaryArn string }
		GroupList               []string
		Tags                    []struct{ Key, Value string }
	}
	inline struct {
		PolicyName     string
		PolicyDocument json.RawMessage
	}
	managed struct {
		PolicyName, Arn, DefaultVersionID string
		PolicyVersionList                 []struct {
			VersionID        string
			IsDefaultVersion bool
			Document         json.RawMessage
		}
	}
)

// parseAccount reads an export. What it does not hold it cannot decide, so
// that one page of several is refused.
func parseAccount(text []byte) (*account, error) {
	v, err := question.ParseJSON(text)
	if err != nil {
		return nil, err
	}
	if err := sameNames(v); err != nil {
		return nil, err
	}
	if _, ok := v.(map[string]any); !ok {
		return nil, errors.New("an exported account is a JSON object")
	}
	a := new(account)
	if err := json.Unmarshal(text, a); err != nil {
		return nil, err
	}
	if a.IsTruncated || a.Marker != "" || a.NextToken != "" {
		return nil, errors.New("this is one page of several (IsTruncated): export the whole account into one file")
	}
	return a, nil
}

// sameNames refuses names that differ in case only: encoding/json would take
// the last. Policy documents have their own parser.
func sameNames(v any) error {
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			if err := sameNames(item); err != nil {
				return err
			}
		}
	case map[string]any:
		seen := map[string]bool{}
		for name, member := range v {
			fold := strings.ToLower(strings.ToUpper(name))
			if seen[fold] {
				return fmt.Errorf("the name %q stands twice in a JSON object", name)
			}
			seen[fold] = true
			if strings.HasSuffix(fold, "document") {
				continue
			}
			if err := sameNames(member); err != nil {
				return err
			}
		}
	}
	return nil
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
	var in []entity
	switch {
	case who.Kind == policy.User:
		in = a.UserDetailList
	case who.Kind == policy.RoleSession && who.ARN == who.RoleARN:
		in = a.RoleDetailList
	default:
		return errors.New("this is neither a user nor a role")
	}
	e, err := only(in, "principal", func(e *entity) bool { return e.Arn == p.ARN })
	if err != nil {
		return err
	}
	from := []*entity{e}
	for _, name := range e.GroupList {
		g, err := only(a.GroupDetailList, "group "+name, func(g *entity) bool { return name != "" && g.GroupName == name })
		if err != nil {
			return err
		}
		from = append(from, g)
	}
	for _, e := range from {
		for _, list := range [][]inline{e.UserPolicyList, e.RolePolicyList, e.GroupPolicyList} {
			for _, i := range list {
				f, err := documentOf(i.PolicyName, i.PolicyDocument)
				if err != nil {
					return err
				}
				to.Identity = append(to.Identity, f)
			}
		}
		for _, attached := range e.AttachedManagedPolicies {
			f, err := a.managed(attached.PolicyArn)
			if err != nil {
				return err
			}
			to.Identity = append(to.Identity, f)
		}
	}
	if e.PermissionsBoundary != nil {
		f, err := a.managed(e.PermissionsBoundary.PermissionsBoundaryArn)
		if err != nil {
			return err
		}
		to.Boundary = []question.File{f}
	}
	p.tags = keys{}
	for _, tag := range e.Tags {
		p.tags["aws:PrincipalTag/"+tag.Key] = yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: tag.Value}
	}
	if e.UserID != "" {
		p.tags["aws:userid"] = yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: e.UserID}
	}
	return nil
}

// managed is the default version of a managed policy.
func (a *account) managed(arn string) (question.File, error) {
	m, err := only(a.Policies, "policy "+arn, func(m *managed) bool { return arn != "" && m.Arn == arn })
	if err != nil {
		return question.File{}, err
	}
	var text json.RawMessage
	found := 0
	for _, v := range m.PolicyVersionList {
		if v.IsDefaultVersion {
			text, found = v.Document, found+1
			if m.DefaultVersionID != "" && m.DefaultVersionID != v.VersionID {
				return question.File{}, fmt.Errorf("policy %s: version %s is not DefaultVersionId %s", arn, v.VersionID, m.DefaultVersionID)
			}
		}
	}
	if found != 1 {
		return question.File{}, fmt.Errorf("policy %s has %d default versions", arn, found)
	}
	return documentOf(m.PolicyName, text)
}

// documentOf is a policy as JSON, as the CLI prints it, or percent-encoded, as
// the API answers.
func documentOf(name string, raw json.RawMessage) (question.File, error) {
	f := question.File{Name: name, Text: raw}
	if name == "" {
		return f, errors.New("a policy has no PolicyName")
	}
	switch {
	case bytes.HasPrefix(raw, []byte(`{`)):
		return f, nil
	case !bytes.HasPrefix(raw, []byte(`"%`)):
		return f, fmt.Errorf("the document of policy %s is neither a JSON object nor percent-encoded", name)
	}
	var s string
	err := json.Unmarshal(raw, &s)
	if err == nil {
		s, err = url.PathUnescape(s)
	}
	if err != nil {
		return f, fmt.Errorf("the document of policy %s: %w", name, err)
	}
	f.Text = []byte(s)
	return f, nil
}

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
