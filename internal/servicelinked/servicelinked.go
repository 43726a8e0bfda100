// Package servicelinked knows the service-linked roles of AWS's services: which
// service principals have one, how it is called, which AWS managed policy hangs
// on it and whether its name takes a suffix
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/using-service-linked-roles.html).
//
// It is data, embedded from roles.tsv; README.md says where it comes from and
// how sure it is. The rules are in internal/service/iam, which calls it.
package servicelinked

import (
	_ "embed"
	"fmt"
	"strings"
	"sync"
)

//go:embed roles.tsv
var table string

// Role is the service-linked role of a service.
type Role struct {
	Service string // its principal: "ecs.amazonaws.com"
	Name    string // "AWSServiceRoleForECS"
	Policy  string // ARN of the AWS managed policy that is attached to it
	Suffix  bool   // the name may be given a suffix, so that there are several
}

// policyPath is where the policies of service-linked roles are.
const policyPath = "arn:aws:iam::aws:policy/aws-service-role/"

// The columns of roles.tsv.
const (
	service = iota
	name
	managedPolicy
	suffix
	source
	columns
)

var roles = sync.OnceValue(func() map[string]Role {
	all, err := read(table)
	if err != nil {
		panic("servicelinked: embedded data: " + err.Error()) // a test reads it
	}
	return all
})

func read(text string) (map[string]Role, error) {
	all := make(map[string]Role)
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(f) != columns {
			return nil, fmt.Errorf("bad line %q", line)
		}
		if _, twice := all[f[service]]; twice {
			return nil, fmt.Errorf("%s stands twice", f[service])
		}
		all[f[service]] = Role{Service: f[service], Name: f[name], Policy: policyPath + f[managedPolicy], Suffix: f[suffix] == "suffix"}
	}
	return all, nil
}

// Of is the service-linked role of a service principal, which is case-sensitive;
// ok is false for a service that has none.
func Of(principal string) (r Role, ok bool) {
	r, ok = roles()[principal]
	return r, ok
}
