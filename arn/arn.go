// Package arn reads and writes Amazon Resource Names: the six-field names
// "arn:partition:service:region:account:resource" by which AWS-shaped APIs
// name principals and resources. It knows their form only, not which services
// or resources exist, and it matches no patterns (package policy does).
//
// The form is the one of
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html.
package arn

import (
	"errors"
	"strings"
)

// ARN is a parsed Amazon Resource Name. Every field may be empty except
// Partition, Service and Resource.
type ARN struct {
	Partition string // "aws"
	Service   string // "iam"
	Region    string // "" for global services
	Account   string // twelve digits, "aws" for AWS managed policies, or ""
	Resource  string // everything after the fifth colon: "user/division/Jo"
}

// ErrInvalid is returned by Parse for a text that is no ARN.
var ErrInvalid = errors.New("arn: not an ARN")

// Parse reads s. The resource field keeps any colons it holds.
func Parse(s string) (ARN, error) {
	var a ARN
	rest, ok := strings.CutPrefix(s, "arn:")
	if !ok {
		return a, ErrInvalid
	}
	for _, f := range []*string{&a.Partition, &a.Service, &a.Region, &a.Account} {
		if *f, rest, ok = strings.Cut(rest, ":"); !ok {
			return ARN{}, ErrInvalid
		}
	}
	a.Resource = rest
	if a.Partition == "" || a.Service == "" || a.Resource == "" {
		return ARN{}, ErrInvalid
	}
	return a, nil
}

// String writes the ARN; Parse(a.String()) gives a again.
func (a ARN) String() string {
	return "arn:" + a.Partition + ":" + a.Service + ":" + a.Region + ":" + a.Account + ":" + a.Resource
}

// ResourceType is the part of the resource before its first "/" or ":"
// ("user" in "user/division/Jo"), or the whole resource if it has neither.
func (a ARN) ResourceType() string {
	if i := strings.IndexAny(a.Resource, "/:"); i >= 0 {
		return a.Resource[:i]
	}
	return a.Resource
}

// ResourceID is what follows ResourceType and its separator
// ("division/Jo" in "user/division/Jo"), or "".
func (a ARN) ResourceID() string {
	if i := strings.IndexAny(a.Resource, "/:"); i >= 0 {
		return a.Resource[i+1:]
	}
	return ""
}

// IAM is the ARN of an IAM resource of an account: kind "user", path
// "/division/" and name "Jo" give arn:aws:iam::ACCOUNT:user/division/Jo.
func IAM(account, kind, path, name string) string {
	return "arn:aws:iam::" + account + ":" + kind + path + name
}

// Root is the ARN of an account's root user.
func Root(account string) string { return "arn:aws:iam::" + account + ":root" }

// AssumedRole is the ARN of a role session. The role's path is not part of it.
func AssumedRole(account, role, session string) string {
	return "arn:aws:sts::" + account + ":assumed-role/" + role + "/" + session
}

// FederatedUser is the ARN of a GetFederationToken session.
func FederatedUser(account, name string) string {
	return "arn:aws:sts::" + account + ":federated-user/" + name
}

// IsAccountID says whether s is an account id: twelve digits.
func IsAccountID(s string) bool {
	if len(s) != 12 {
		return false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}
