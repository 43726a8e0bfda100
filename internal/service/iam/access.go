package iam

import (
	"reflect"
	"strings"

	"github.com/warder-iam/warder/arn"
	api "github.com/warder-iam/warder/internal/api/iam"
	"github.com/warder-iam/warder/internal/authz"
	"github.com/warder-iam/warder/internal/awspolicies"
	"github.com/warder-iam/warder/internal/service"
	"github.com/warder-iam/warder/internal/state"
	"github.com/warder-iam/warder/policy"
)

// This file is the vocabulary of the authorization entries in ops.go: which
// resource each operation is authorized on and with which condition keys, after
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html.

// named makes a target from a member that names a resource of the caller's
// account. A resource that does not exist is authorized by the name it would
// have without a path, so that only who may ask learns that it is not there.
func named(member, kind string, find func(s *state.Snapshot, account, name string) (resource string, tags []state.Tag, boundary string)) service.Target {
	return func(input reflect.Type) service.Part {
		name := service.Member[*string](input, member)
		return func(c *service.Call, s *state.Snapshot, in any, check *authz.Check) error {
			account := c.Caller.Account
			n := name(in)
			check.Account = account
			if n == nil {
				// Validation has refused a missing member where the model requires it.
				// Elsewhere the operation is about the caller.
				own(c, s, kind, check)
				return nil
			}
			check.Resource, check.Tags, check.Boundary = find(s, account, *n)
			if check.Resource == "" {
				check.Resource = arn.IAM(account, kind, "/", *n)
			}
			return nil
		}
	}
}

// own makes the caller itself the resource: what AWS does where UserName may be
// left out.
func own(c *service.Call, s *state.Snapshot, kind string, check *authz.Check) {
	switch {
	case kind == "user" && c.Caller.Kind == policy.Root:
		check.Resource = arn.Root(c.Caller.Account)
	case kind == "user" && c.Caller.User != nil:
		if u := s.Users.Get(c.Caller.User.ID); u != nil {
			check.Resource, check.Tags, check.Boundary = u.ARN(), u.Tags, u.Boundary
			return
		}
		check.Resource = c.Caller.ARN
	default:
		check.Resource = c.Caller.ARN
	}
}

var (
	user = named("UserName", "user", func(s *state.Snapshot, account, name string) (string, []state.Tag, string) {
		if u := s.User(account, name); u != nil {
			return u.ARN(), u.Tags, u.Boundary
		}
		return "", nil, ""
	})
	group = named("GroupName", "group", func(s *state.Snapshot, account, name string) (string, []state.Tag, string) {
		if g := s.Group(account, name); g != nil {
			return g.ARN(), nil, ""
		}
		return "", nil, ""
	})
	role = named("RoleName", "role", func(s *state.Snapshot, account, name string) (string, []state.Tag, string) {
		if r := s.Role(account, name); r != nil {
			return r.ARN(), r.Tags, r.Boundary
		}
		return "", nil, ""
	})
	instanceProfile = named("InstanceProfileName", "instance-profile", func(s *state.Snapshot, account, name string) (string, []state.Tag, string) {
		if p := s.InstanceProfile(account, name); p != nil {
			return p.ARN(), p.Tags, ""
		}
		return "", nil, ""
	})
	serverCertificate = named("ServerCertificateName", "server-certificate", func(s *state.Snapshot, account, name string) (string, []state.Tag, string) {
		if c := s.ServerCertificate(account, name); c != nil {
			return c.ARN(), c.Tags, ""
		}
		return "", nil, ""
	})

	newUser              = toBe("user", "UserName")
	newGroup             = toBe("group", "GroupName")
	newRole              = toBe("role", "RoleName")
	newPolicy            = toBe("policy", "PolicyName")
	newInstanceProfile   = toBe("instance-profile", "InstanceProfileName")
	newMFADevice         = toBe("mfa", "VirtualMFADeviceName")
	newServerCertificate = toBe("server-certificate", "ServerCertificateName")

	// AWS's policies count as the caller's for those who read, attach or tag, so
	// that an identity policy suffices. To change a policy, which customerPolicy is
	// for, they are what they are: somebody else's, which none suffices for.
	managedPolicy = byARN("PolicyArn", func(s *state.Snapshot, text string) []state.Tag {
		if p := s.PolicyByARN(text); p != nil {
			return p.Tags
		}
		return nil
	})
	customerPolicy service.Target = func(input reflect.Type) service.Part {
		find := managedPolicy(input)
		return func(c *service.Call, s *state.Snapshot, in any, check *authz.Check) error {
			if err := find(c, s, in, check); err != nil {
				return err
			}
			if a, err := arn.Parse(check.Resource); err == nil && a.Account == awspolicies.Account {
				check.Account = awspolicies.Account
			}
			return nil
		}
	}
	mfaDevice = byARN("SerialNumber", func(s *state.Snapshot, text string) []state.Tag {
		if d := s.MFADevices.Get(text); d != nil {
			return d.Tags
		}
		return nil
	})
)

// toBe is the target of an operation that makes a resource: the ARN it will have.
func toBe(kind, member string) service.Target {
	return func(input reflect.Type) service.Part {
		name, path := service.Member[*string](input, member), service.Member[*string](input, "Path")
		return func(c *service.Call, _ *state.Snapshot, in any, check *authz.Check) error {
			p := "/"
			if path(in) != nil {
				p = *path(in)
			}
			check.Resource, check.Account = arn.IAM(c.Caller.Account, kind, p, *name(in)), c.Caller.Account
			return nil
		}
	}
}

// byARN is the target of an operation that names its resource by an ARN.
func byARN(member string, tags func(s *state.Snapshot, text string) []state.Tag) service.Target {
	return func(input reflect.Type) service.Part {
		text := service.Member[*string](input, member)
		return func(c *service.Call, s *state.Snapshot, in any, check *authz.Check) error {
			check.Account = c.Caller.Account
			if text(in) == nil {
				own(c, s, "user", check)
				return nil
			}
			check.Resource = *text(in)
			check.Tags = tags(s, check.Resource)
			if a, err := arn.Parse(check.Resource); err == nil && arn.IsAccountID(a.Account) {
				check.Account = a.Account
			} else if err != nil && member != "SerialNumber" { // a hardware device's serial number is no ARN
				return noARN(check.Resource)
			}
			return nil
		}
	}
}

// policyARN adds iam:PolicyARN.
func policyARN(input reflect.Type) service.Part {
	text := service.Member[*string](input, "PolicyArn")
	return func(_ *service.Call, _ *state.Snapshot, in any, check *authz.Check) error {
		check.Set("iam:PolicyARN", policy.String(*text(in)))
		return nil
	}
}

// boundary adds iam:PermissionsBoundary: the boundary that the request sets or,
// where it sets none, the one that the target has.
func boundary(input reflect.Type) service.Part {
	set := func(any) *string { return nil }
	if service.HasMember(input, "PermissionsBoundary") {
		set = service.Member[*string](input, "PermissionsBoundary")
	}
	return func(_ *service.Call, _ *state.Snapshot, in any, check *authz.Check) error {
		b := check.Boundary
		if p := set(in); p != nil {
			b = *p
		}
		if b != "" {
			check.Set("iam:PermissionsBoundary", policy.String(b))
		}
		return nil
	}
}

// requestTags adds aws:RequestTag/KEY and aws:TagKeys from the tags sent.
func requestTags(input reflect.Type) service.Part {
	tags := service.Member[[]api.Tag](input, "Tags")
	return func(_ *service.Call, _ *state.Snapshot, in any, check *authz.Check) error {
		for _, t := range tags(in) {
			check.RequestTag(*t.Key, *t.Value)
		}
		return nil
	}
}

// tagKeys adds aws:TagKeys from the keys sent.
func tagKeys(input reflect.Type) service.Part {
	keys := service.Member[[]string](input, "TagKeys")
	return func(_ *service.Call, _ *state.Snapshot, in any, check *authz.Check) error {
		check.TagKeys = keys(in)
		return nil
	}
}

// creating is the rule of an operation that makes a resource which may be given
// tags: tags need the tagging action too, as with AWS.
func creating(target service.Target, tagAction string, extras ...service.Extra) service.Rule {
	extras = append(extras, requestTags)
	tag := service.On(target, extras...)
	return service.And(service.On(target, extras...), func(input reflect.Type) service.Authorize {
		tags, also := service.Member[[]api.Tag](input, "Tags"), tag(tagAction, input)
		return func(c *service.Call, s *state.Snapshot, in any) ([]authz.Check, error) {
			if len(tags(in)) == 0 {
				return nil, nil
			}
			return also(c, s, in)
		}
	})
}

// passing adds iam:PassRole on the role in RoleName, for the service that will
// use it (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html).
func passing(rule service.Rule, to string) service.Rule {
	return service.And(rule, func(input reflect.Type) service.Authorize {
		find := role(input)
		return func(c *service.Call, s *state.Snapshot, in any) ([]authz.Check, error) {
			check := authz.Check{Action: "iam:PassRole"}
			if err := find(c, s, in, &check); err != nil {
				return nil, err
			}
			check.Set("iam:PassedToService", policy.String(to))
			return []authz.Check{check}, nil
		}
	})
}

// renaming is the rule of an operation that changes the name or path of a user
// or group: its action is needed on the ARN that the resource has and on the
// one that it will have, or else a new name would carry it out of, or into, what
// a policy is about
// (https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateUser.html,
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateGroup.html).
func renaming(target service.Target, newName string) service.Rule {
	return func(action string, input reflect.Type) service.Authorize {
		now := service.On(target)(action, input)
		name, path := service.Member[*string](input, newName), service.Member[*string](input, "NewPath")
		return func(c *service.Call, s *state.Snapshot, in any) ([]authz.Check, error) {
			checks, err := now(c, s, in)
			if err != nil || name(in) == nil && path(in) == nil {
				return checks, err
			}
			then := checks[0]
			a, err := arn.Parse(then.Resource)
			if err != nil {
				return nil, err
			}
			kind, rest, _ := strings.Cut(a.Resource, "/")
			dir, base := "/", rest
			if i := strings.LastIndexByte(rest, '/'); i >= 0 {
				dir, base = "/"+rest[:i+1], rest[i+1:]
			}
			if name(in) != nil {
				base = *name(in)
			}
			if path(in) != nil {
				dir = *path(in)
			}
			then.Resource = arn.IAM(then.Account, kind, dir, base)
			return append(checks, then), nil
		}
	}
}
