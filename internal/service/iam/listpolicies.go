package iam

import (
	"iter"
	"strings"
	"time"

	api "github.com/warder-iam/warder/internal/api/iam"
	"github.com/warder-iam/warder/internal/awspolicies"
	"github.com/warder-iam/warder/internal/service"
	"github.com/warder-iam/warder/internal/state"
)

// A listedPolicy is what lists show of a managed policy. Listing AWS's reads
// none of their documents.
type listedPolicy struct {
	name, id, arn, path, version string
	created, updated             time.Time
	aws                          bool
}

func listedOf(p *state.ManagedPolicy) listedPolicy {
	return listedPolicy{p.Name, p.ID, p.ARN(), p.Path, p.Default, p.Created, p.Updated, p.AWSManaged()}
}

func listedOfAWS(p *awspolicies.Policy) listedPolicy {
	return listedPolicy{p.Name, p.ID, p.ARN(), p.Path, p.Default, p.Created, p.Updated, true}
}

// key orders policies by name without regard to case, AWS's after the account's
// of the same name.
func (p listedPolicy) key() string {
	owner := ""
	if p.aws {
		owner = awspolicies.Account
	}
	return strings.ToLower(p.name) + keySeparator + owner
}

// keySeparator comes before all that may stand in a name, so that keys have the
// order of names.
const keySeparator = "\x00"

// output is a policy as lists show it: without description and tags
// (https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListPolicies.html). An
// account sees its own use of AWS's policies only. AWS shows all of its own as
// attachable, those for service-linked roles too.
func (p listedPolicy) output(s *state.Snapshot, account string) *api.Policy {
	return &api.Policy{
		PolicyName: ptr(p.name), PolicyId: ptr(p.id), Arn: ptr(p.arn), Path: ptr(p.path),
		DefaultVersionId:              ptr(p.version),
		AttachmentCount:               ptr(int32(s.AttachmentCount(account, p.arn))),
		PermissionsBoundaryUsageCount: ptr(int32(s.BoundaryCount(account, p.arn))),
		IsAttachable:                  ptr(true),
		CreateDate:                    ptr(p.created),
		UpdateDate:                    ptr(p.updated),
	}
}

func (s *Service) listPolicies(c *service.Call, snap *state.Snapshot, in *api.ListPoliciesRequest) (*api.ListPoliciesResponse, error) {
	after, limit, err := start(in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	account := c.Caller.Account
	policies, end := page(policiesInScope(snap, account, deref(in.Scope), after), limit, listedPolicy.key,
		func(p listedPolicy) bool {
			return strings.HasPrefix(p.path, prefixOf(in.PathPrefix)) &&
				usedAs(snap, account, p.arn, deref(in.PolicyUsageFilter), deref(in.OnlyAttached))
		})
	out := &api.ListPoliciesResponse{Policies: make([]api.Policy, 0, len(policies)), IsTruncated: end.IsTruncated, Marker: end.Marker}
	for _, p := range policies {
		out.Policies = append(out.Policies, *p.output(snap, account))
	}
	return out, nil
}

// policiesInScope iterates over the account's policies and AWS's, or one of both,
// in the order of their keys, after the key given.
func policiesInScope(s *state.Snapshot, account, scope, after string) iter.Seq[listedPolicy] {
	name, _, _ := strings.Cut(after, keySeparator)
	own := func(yield func(listedPolicy) bool) {
		for p := range s.PoliciesOf(account, name) {
			if !yield(listedOf(p)) {
				return
			}
		}
	}
	known := func(yield func(listedPolicy) bool) {
		for _, p := range awspolicies.Open().From(name) {
			if l := listedOfAWS(p); l.key() > after && !yield(l) {
				return
			}
		}
	}
	imported := func(yield func(listedPolicy) bool) { // newer than what is known
		for p := range s.PoliciesOf(awspolicies.Account, "") {
			if l := listedOf(p); l.key() > after && !yield(l) {
				return
			}
		}
	}
	aws := merged(known, imported)
	switch scope {
	case api.PolicyScopeTypeLocal:
		return own
	case api.PolicyScopeTypeAWS:
		return aws
	}
	return merged(own, aws)
}

// merged iterates over two sequences that are each in the order of their keys as
// over one.
func merged(a, b iter.Seq[listedPolicy]) iter.Seq[listedPolicy] {
	return func(yield func(listedPolicy) bool) {
		next, stop := iter.Pull(b)
		defer stop()
		q, more := next()
		for p := range a {
			for ; more && q.key() < p.key(); q, more = next() {
				if !yield(q) {
					return
				}
			}
			if !yield(p) {
				return
			}
		}
		for ; more; q, more = next() {
			if !yield(q) {
				return
			}
		}
	}
}

// usedAs says whether the account uses a policy as the filters of ListPolicies
// ask. AWS looks at PolicyUsageFilter only where OnlyAttached is set, and that
// alone means either use.
func usedAs(s *state.Snapshot, account, policyARN, usage string, onlyAttached bool) bool {
	if !onlyAttached {
		return true
	}
	return usage != api.PolicyUsageTypePermissionsBoundary && s.AttachmentCount(account, policyARN) > 0 ||
		usage != api.PolicyUsageTypePermissionsPolicy && s.BoundaryCount(account, policyARN) > 0
}
