package iam

import (
	"iter"

	"github.com/warder-iam/warder/arn"
	api "github.com/warder-iam/warder/internal/api/iam"
	"github.com/warder-iam/warder/internal/awserr"
	"github.com/warder-iam/warder/internal/service"
	"github.com/warder-iam/warder/internal/state"
)

// createAccountAlias gives the account an alias, in place of the one it had. An
// alias that is taken is refused, even by the account itself
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/console_account-alias.html).
// Twelve digits are refused too: where an account is named by its alias or its
// id, such an alias would pass for another account.
func (s *Service) createAccountAlias(c *service.Call, tx *state.Tx, in *api.CreateAccountAliasRequest) (*none, error) {
	alias := *in.AccountAlias
	if arn.IsAccountID(alias) {
		return nil, invalidInput("The account alias %s is not valid: it is an account ID.", alias)
	}
	if tx.AccountByAlias(alias) != nil {
		return nil, awserr.New("EntityAlreadyExists", "The account alias %s already exists.", alias)
	}
	tx.Accounts.Update(tx.Accounts.Get(c.Caller.Account), func(a *state.Account) { a.Alias = alias })
	return nil, nil
}

func (s *Service) deleteAccountAlias(c *service.Call, tx *state.Tx, in *api.DeleteAccountAliasRequest) (*none, error) {
	a := tx.Accounts.Get(c.Caller.Account)
	if a.Alias != *in.AccountAlias {
		return nil, awserr.New("NoSuchEntity", "The account alias %s cannot be found.", *in.AccountAlias)
	}
	tx.Accounts.Update(a, func(a *state.Account) { a.Alias = "" })
	return nil, nil
}

func (s *Service) listAccountAliases(c *service.Call, snap *state.Snapshot, in *api.ListAccountAliasesRequest) (*api.ListAccountAliasesResponse, error) {
	after, limit, err := start(in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	var aliases []string
	if a := snap.Accounts.Get(c.Caller.Account); a.Alias != "" {
		aliases = append(aliases, a.Alias)
	}
	aliases, end := pageOf(aliases, after, limit, func(alias string) string { return alias })
	return &api.ListAccountAliasesResponse{AccountAliases: aliases, IsTruncated: end.IsTruncated, Marker: end.Marker}, nil
}

// The versions of tokens that the global STS endpoint may be asked to issue
// (https://docs.aws.amazon.com/IAM/latest/APIReference/API_SetSecurityTokenServicePreferences.html).
var tokenVersions = map[string]int{
	api.GlobalEndpointTokenVersionV1Token: 1, api.GlobalEndpointTokenVersionV2Token: 2,
}

func (s *Service) setSecurityTokenServicePreferences(c *service.Call, tx *state.Tx, in *api.SetSecurityTokenServicePreferencesRequest) (*none, error) {
	version := tokenVersions[*in.GlobalEndpointTokenVersion] // validation admits no other names
	tx.Accounts.Update(tx.Accounts.Get(c.Caller.Account), func(a *state.Account) { a.GlobalTokenVersion = version })
	return nil, nil
}

// getAccountSummary has every key that AWS sends, those of features that are
// not here with the count they must have: none
// (https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountSummary.html).
func (s *Service) getAccountSummary(c *service.Call, snap *state.Snapshot, _ *none) (*api.GetAccountSummaryResponse, error) {
	account := c.Caller.Account
	devices, assigned := 0, 0
	for d := range snap.MFADevicesOf(account, "") {
		if d.Hardware && d.Owner == "" {
			continue // nobody's yet
		}
		devices++
		if d.Owner != "" {
			assigned++
		}
	}
	inUse := policiesInUse(snap, account)
	tokens := 1
	if a := snap.Accounts.Get(account); a.GlobalTokenVersion != 0 {
		tokens = a.GlobalTokenVersion
	}
	counts := map[string]int{
		api.SummaryKeyTypeUsers:                             count(snap.UsersOf(account, "")),
		api.SummaryKeyTypeUsersQuota:                        s.quotas.of(usersPerAccount),
		api.SummaryKeyTypeGroups:                            count(snap.AllGroupsOf(account, "")),
		api.SummaryKeyTypeGroupsQuota:                       s.quotas.of(groupsPerAccount),
		api.SummaryKeyTypeRoles:                             count(snap.RolesOf(account, "")),
		api.SummaryKeyTypeRolesQuota:                        s.quotas.of(rolesPerAccount),
		api.SummaryKeyTypeInstanceProfiles:                  count(snap.InstanceProfilesOf(account, "")),
		api.SummaryKeyTypeInstanceProfilesQuota:             s.quotas.of(instanceProfilesPerAccount),
		api.SummaryKeyTypePolicies:                          count(snap.PoliciesOf(account, "")),
		api.SummaryKeyTypePoliciesQuota:                     s.quotas.of(policiesPerAccount),
		api.SummaryKeyTypePolicyVersionsInUse:               inUse,
		api.SummaryKeyTypePolicyVersionsInUseQuota:          maxVersionsInUse,
		api.SummaryKeyTypeVersionsPerPolicyQuota:            maxVersions,
		api.SummaryKeyTypePolicySizeQuota:                   maxPolicySize,
		api.SummaryKeyTypeUserPolicySizeQuota:               maxUserPolicySize,
		api.SummaryKeyTypeGroupPolicySizeQuota:              maxGroupPolicySize,
		api.SummaryKeyTypeRolePolicySizeQuota:               maxRolePolicySize,
		api.SummaryKeyTypeAssumeRolePolicySizeQuota:         maxTrustPolicySize,
		api.SummaryKeyTypeAttachedPoliciesPerUserQuota:      maxAttachedToUser,
		api.SummaryKeyTypeAttachedPoliciesPerGroupQuota:     maxAttachedToGroup,
		api.SummaryKeyTypeAttachedPoliciesPerRoleQuota:      maxAttachedToRole,
		api.SummaryKeyTypeGroupsPerUserQuota:                maxGroupsPerUser,
		api.SummaryKeyTypeAccessKeysPerUserQuota:            maxAccessKeys,
		api.SummaryKeyTypeSigningCertificatesPerUserQuota:   maxSigningCertificates,
		api.SummaryKeyTypeServerCertificates:                count(snap.ServerCertificatesOf(account, "")),
		api.SummaryKeyTypeServerCertificatesQuota:           s.quotas.of(serverCertificatesPerAccount),
		api.SummaryKeyTypeProviders:                         count(snap.OIDCProvidersOf(account)) + count(snap.SAMLProvidersOf(account)),
		api.SummaryKeyTypeMFADevices:                        devices,
		api.SummaryKeyTypeMFADevicesInUse:                   assigned,
		api.SummaryKeyTypeAccountMFAEnabled:                 oneIf(atLeast(snap.MFADevicesOwnedBy(account), 1)),
		api.SummaryKeyTypeAccountAccessKeysPresent:          oneIf(atLeast(snap.AccessKeysOf(account), 1)),
		api.SummaryKeyTypeAccountPasswordPresent:            0,
		api.SummaryKeyTypeAccountSigningCertificatesPresent: oneIf(atLeast(snap.SigningCertificatesOf(account), 1)),
		api.SummaryKeyTypeGlobalEndpointTokenVersion:        tokens,
	}
	out := make(map[string]int32, len(counts))
	for key, n := range counts {
		out[key] = int32(n)
	}
	return &api.GetAccountSummaryResponse{SummaryMap: out}, nil
}

// policiesInUse counts the managed policies, the account's own and AWS's, that are
// attached to anybody or are anybody's boundary. Of each of them one version is in
// use, whatever others it has.
func policiesInUse(s *state.Snapshot, account string) int {
	used := map[string]bool{}
	add := func(boundary string, attached []string) {
		if boundary != "" {
			used[boundary] = true
		}
		for _, p := range attached {
			used[p] = true
		}
	}
	for u := range s.UsersOf(account, "") {
		add(u.Boundary, u.Attached)
	}
	for g := range s.AllGroupsOf(account, "") {
		add("", g.Attached)
	}
	for r := range s.RolesOf(account, "") {
		add(r.Boundary, r.Attached)
	}
	return len(used)
}

func count[T any](seq iter.Seq[T]) (n int) {
	for range seq {
		n++
	}
	return n
}

func oneIf(b bool) int {
	if b {
		return 1
	}
	return 0
}
