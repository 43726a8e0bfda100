package state

import (
	"iter"
	"slices"
	"strconv"
	"time"

	"github.com/warder-iam/warder/arn"
)

// ManagedPolicy is a managed policy: a customer managed one, which is a record of
// its account, or one of AWS's, which are in no table.
type ManagedPolicy struct {
	Entity
	Description string `json:",omitempty"`
	Updated     time.Time
	Versions    []PolicyVersion // oldest first, at least one; of a customer managed policy at most five
	Default     string          // the id of the version in force: "v1"
	LastVersion int             // the number of the newest version ever made
}

// PolicyVersion is one version of a managed policy.
type PolicyVersion struct {
	ID      string // "v1"
	Created time.Time
	// Document is nil for versions of AWS managed policies that are not in force:
	// nobody can bring them back, so they are only ever shown.
	Document *Document

	former func() string
}

// Text is the version's document as it was saved.
func (v *PolicyVersion) Text() string {
	if v.Document == nil {
		return v.former()
	}
	return v.Document.Text
}

// ARN is the policy's name.
func (p *ManagedPolicy) ARN() string { return arn.IAM(p.Account, "policy", p.Path, p.Name) }

// Version finds a version by its id; nil if there is none.
func (p *ManagedPolicy) Version(id string) *PolicyVersion {
	for i := range p.Versions {
		if p.Versions[i].ID == id {
			return &p.Versions[i]
		}
	}
	return nil
}

// DefaultVersion is the version in force.
func (p *ManagedPolicy) DefaultVersion() *PolicyVersion { return p.Version(p.Default) }

// AddVersion adds a version under the next number; numbers are never used
// again. The update date of a policy is that of its newest version
// (https://docs.aws.amazon.com/IAM/latest/APIReference/API_Policy.html).
func (p *ManagedPolicy) AddVersion(doc *Document, now time.Time, setDefault bool) {
	p.LastVersion++
	v := PolicyVersion{ID: "v" + strconv.Itoa(p.LastVersion), Created: now, Document: doc}
	p.Versions = append(slices.Clone(p.Versions), v)
	p.Updated = now
	if setDefault {
		p.Default = v.ID
	}
}

const (
	policyByName = iota
	policyByARN
)

var policySchema = schema[ManagedPolicy]{
	prefix: "iam/policy/",
	key:    func(p *ManagedPolicy) string { return p.ID },
	indexes: []index[ManagedPolicy]{
		policyByName: {name: "policy name", unique: true, keys: func(p *ManagedPolicy) []string { return p.nameKeys() }},
		policyByARN:  {name: "policy ARN", unique: true, keys: func(p *ManagedPolicy) []string { return []string{p.ARN()} }},
	},
}

// Policy finds a customer managed policy by name, without regard to case; nil
// if there is none.
func (s *Snapshot) Policy(account, name string) *ManagedPolicy {
	return s.Policies.find(policyByName, nameKey(account, name))
}

// PolicyByARN finds a managed policy, a customer's or AWS's, by its exact ARN; nil
// if there is none.
func (s *Snapshot) PolicyByARN(policyARN string) *ManagedPolicy {
	if p := awsManagedPolicy(policyARN); p != nil {
		return p
	}
	return s.Policies.find(policyByARN, policyARN)
}

// PoliciesOf iterates over an account's customer managed policies by name,
// after the one named after.
func (s *Snapshot) PoliciesOf(account, after string) iter.Seq[*ManagedPolicy] {
	return inAccount(&s.Policies, policyByName, account, after)
}

// AttachmentCount is the number of users, groups and roles of the account that
// the policy is attached to; BoundaryCount that of users and roles that have it
// as their boundary.
func (s *Snapshot) AttachmentCount(account, policyARN string) int {
	return count(s.UsersWithPolicy(account, policyARN)) +
		count(s.GroupsWithPolicy(account, policyARN)) +
		count(s.RolesWithPolicy(account, policyARN))
}

// BoundaryCount is explained at AttachmentCount.
func (s *Snapshot) BoundaryCount(account, policyARN string) int {
	return count(s.UsersWithBoundary(account, policyARN)) + count(s.RolesWithBoundary(account, policyARN))
}

func count[T any](seq iter.Seq[T]) (n int) {
	for range seq {
		n++
	}
	return n
}
