package iam

import "github.com/warder-iam/warder/internal/awserr"

// AWS's default quotas
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html).
// GetAccountSummary lists them under the names in the comments.
const (
	maxUsers            = 5000  // UsersQuota
	maxGroups           = 300   // GroupsQuota
	maxRoles            = 1000  // RolesQuota
	maxPolicies         = 1500  // PoliciesQuota
	maxInstanceProfiles = 1000  // InstanceProfilesQuota
	maxMFADevices       = 8     // per user
	maxGroupsPerUser    = 10    // GroupsPerUserQuota
	maxAccessKeys       = 2     // AccessKeysPerUserQuota
	maxVersions         = 5     // VersionsPerPolicyQuota
	maxTags             = 50    // per resource
	maxAttachedToUser   = 10    // AttachedPoliciesPerUserQuota
	maxAttachedToGroup  = 10    // AttachedPoliciesPerGroupQuota
	maxAttachedToRole   = 10    // AttachedPoliciesPerRoleQuota
	maxVersionsInUse    = 10000 // PolicyVersionsInUseQuota
	maxRolesPerProfile  = 1

	// Certificates are not here; GetAccountSummary lists their quotas all the same.
	maxServerCertificates  = 20 // ServerCertificatesQuota
	maxSigningCertificates = 2  // SigningCertificatesPerUserQuota

	// Sizes of policy documents, in characters that are not white space; inline
	// policies count together.
	maxUserPolicySize  = 2048  // UserPolicySizeQuota
	maxGroupPolicySize = 5120  // GroupPolicySizeQuota
	maxRolePolicySize  = 10240 // RolePolicySizeQuota
	maxPolicySize      = 6144  // PolicySizeQuota
	maxTrustPolicySize = 2048  // AssumeRolePolicySizeQuota
)

// overQuota is the answer when a quota stands in the way: name is AWS's, e.g.
// "UsersPerAccount".
func overQuota(name string, limit int) error {
	return awserr.New("LimitExceeded", "Cannot exceed quota for %s: %d", name, limit)
}
