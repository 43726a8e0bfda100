package iam

import (
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/warder-iam/warder/internal/awserr"
)

// AWS's default quotas
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html).
// GetAccountSummary lists them under the names in the comments.
const (
	maxMFADevices      = 8     // per user
	maxGroupsPerUser   = 10    // GroupsPerUserQuota
	maxAccessKeys      = 2     // AccessKeysPerUserQuota
	maxVersions        = 5     // VersionsPerPolicyQuota
	maxTags            = 50    // per resource
	maxAttachedToUser  = 10    // AttachedPoliciesPerUserQuota
	maxAttachedToGroup = 10    // AttachedPoliciesPerGroupQuota
	maxAttachedToRole  = 10    // AttachedPoliciesPerRoleQuota
	maxVersionsInUse   = 10000 // PolicyVersionsInUseQuota
	maxRolesPerProfile = 1

	maxServiceCredentials = 2 // of a user, per service

	maxSSHPublicKeys       = 5 // per user
	maxSigningCertificates = 2 // SigningCertificatesPerUserQuota

	// Sizes of policy documents, in characters that are not white space; inline
	// policies count together.
	maxUserPolicySize  = 2048  // UserPolicySizeQuota
	maxGroupPolicySize = 5120  // GroupPolicySizeQuota
	maxRolePolicySize  = 10240 // RolePolicySizeQuota
	maxPolicySize      = 6144  // PolicySizeQuota
	maxTrustPolicySize = 2048  // AssumeRolePolicySizeQuota
)

// Quotas are the account's quotas that the operator has set, by the name that
// AWS's refusals give them. What is not there has AWS's default.
type Quotas map[string]int

// The quotas that can be set: how many of a kind an account may have. AWS raises
// most of them on request; who runs Warder asks nobody.
const (
	usersPerAccount              = "UsersPerAccount"
	groupsPerAccount             = "GroupsPerAccount"
	rolesPerAccount              = "RolesPerAccount"
	policiesPerAccount           = "PoliciesPerAccount"
	instanceProfilesPerAccount   = "InstanceProfilesPerAccount"
	oidcProvidersPerAccount      = "OpenIdConnectProvidersPerAccount"
	serverCertificatesPerAccount = "ServerCertificatesPerAccount"
	samlProvidersPerAccount      = "SAMLProvidersPerAccount"
)

var defaultQuotas = map[string]int{
	usersPerAccount:              5000,
	groupsPerAccount:             300,
	rolesPerAccount:              1000,
	policiesPerAccount:           1500,
	instanceProfilesPerAccount:   1000,
	oidcProvidersPerAccount:      100,
	serverCertificatesPerAccount: 20,
	samlProvidersPerAccount:      100,
}

// Check refuses names that are no quota's and numbers that are none.
func (q Quotas) Check() error {
	for name, n := range q {
		if defaultQuotas[name] == 0 {
			return fmt.Errorf("iam: there is no quota %q to set; there are %s", name, strings.Join(slices.Sorted(maps.Keys(defaultQuotas)), ", "))
		}
		if n < 1 {
			return fmt.Errorf("iam: the quota %s cannot be %d", name, n)
		}
	}
	return nil
}

func (q Quotas) of(name string) int {
	if n, ok := q[name]; ok {
		return n
	}
	return defaultQuotas[name]
}

// within refuses one more of what an account has as many of as its quota. all
// is how many there are in all accounts together: mostly fewer than one account
// may have, so that nobody needs to count.
func within[R any](q Quotas, name string, all int, have iter.Seq[R]) error {
	if limit := q.of(name); all >= limit && atLeast(have, limit) {
		return overQuota(name, limit)
	}
	return nil
}

// overQuota is the answer when a quota stands in the way: name is AWS's, e.g.
// "UsersPerAccount".
func overQuota(name string, limit int) error {
	return awserr.New("LimitExceeded", "Cannot exceed quota for %s: %d", name, limit)
}
