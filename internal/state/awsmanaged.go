package state

import (
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/warder-iam/warder/internal/awspolicies"
)

// AWSManaged says whether the policy is one of AWS's: every account has it, none
// can change it.
func (p *ManagedPolicy) AWSManaged() bool { return p.Account == awspolicies.Account }

// ServiceLinked says whether the policy is one of AWS's that service-linked roles
// alone may have.
func (p *ManagedPolicy) ServiceLinked() bool {
	return p.AWSManaged() && p.Path == "/aws-service-role/"
}

// awsManaged are the records of AWS managed policies that were asked for so far,
// by *awspolicies.Policy. They are the same in every snapshot and every State of
// the process, and so is what their documents compile to. Nothing of them is
// stored. Only policies of AWS's that an import brought, and that are newer than
// those embedded, are records in the table of policies, of the account "aws".
var awsManaged sync.Map

// awsManagedPolicy finds an AWS managed policy by its exact ARN; nil if there is
// none.
func awsManagedPolicy(policyARN string) *ManagedPolicy {
	p := awspolicies.Find(policyARN)
	if p == nil {
		return nil
	}
	if r, ok := awsManaged.Load(p); ok {
		return r.(*ManagedPolicy)
	}
	r, _ := awsManaged.LoadOrStore(p, readAWSManaged(p))
	return r.(*ManagedPolicy)
}

func readAWSManaged(p *awspolicies.Policy) *ManagedPolicy {
	r := &ManagedPolicy{
		Entity:  Entity{Account: awspolicies.Account, ID: p.ID, Name: p.Name, Path: p.Path, Created: p.Created},
		Updated: p.Updated, Default: p.Default,
	}
	versions, err := p.Versions()
	if err != nil {
		panic(fmt.Sprintf("state: embedded policy %s: %v", p.ARN(), err)) // a test of awspolicies reads them all
	}
	for i := len(versions) - 1; i >= 0; i-- {
		v := PolicyVersion{ID: versions[i].ID, Created: versions[i].Created}
		if v.ID == p.Default {
			v.Document = &Document{Text: awsDocument(p, v.ID)}
		} else {
			v.former = func() string { return awsDocument(p, v.ID) }
		}
		r.Versions = append(r.Versions, v)
	}
	r.LastVersion, _ = strconv.Atoi(strings.TrimPrefix(p.Default, "v")) // a shape that the generator checks
	return r
}

func awsDocument(p *awspolicies.Policy, version string) string {
	text, err := p.Document(version)
	if err != nil {
		panic(fmt.Sprintf("state: embedded policy %s %s: %v", p.ARN(), version, err))
	}
	return text
}
