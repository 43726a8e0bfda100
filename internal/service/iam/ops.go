package iam

import (
	"slices"

	api "github.com/warder-iam/warder/internal/api/iam"
	"github.com/warder-iam/warder/internal/service"
)

// Short names for the vocabulary of the tables below.
var (
	on       = service.On
	anything = service.Target(service.Anything)
)

// operations is the table of IAM: every operation with its authorization entry
// and its rule. What is not in it answers NotImplemented.
func (s *Service) operations() []service.Operation {
	return slices.Concat(
		s.userOperations(),
		s.groupOperations(),
		s.roleOperations(),
		s.instanceProfileOperations(),
		s.policyOperations(),
		s.grantOperations(),
		s.tagOperations(),
		s.accessKeyOperations(),
		s.passwordOperations(),
		s.mfaOperations(),
		s.accountOperations(),
		s.simulationOperations(),
		s.sshKeyOperations(),
		s.signingCertificateOperations(),
		s.serverCertificateOperations(),
		s.serviceCredentialOperations(),
		s.credentialReportOperations(),
		s.openIDConnectProviderOperations(),
		s.samlProviderOperations(),
		s.serviceLinkedRoleOperations(),
		s.outboundFederationOperations(),
		s.delegationOperations(),
		s.organizationOperations(),
		s.lastAccessedOperations(),
	)
}

func (s *Service) userOperations() []service.Operation {
	return []service.Operation{
		service.Write("CreateUser", creating(newUser, "iam:TagUser", boundary), s.createUser),
		service.Read("GetUser", on(user), s.getUser),
		service.Read("ListUsers", on(anything), s.listUsers),
		service.Write("UpdateUser", renaming(user, "NewUserName"), s.updateUser),
		service.Write("DeleteUser", on(user), s.deleteUser),
		service.Write("PutUserPermissionsBoundary", on(user, boundary), s.putUserPermissionsBoundary),
		service.Write("DeleteUserPermissionsBoundary", on(user, boundary), s.deleteUserPermissionsBoundary),
	}
}

func (s *Service) groupOperations() []service.Operation {
	return []service.Operation{
		service.Write("CreateGroup", on(newGroup), s.createGroup),
		service.Read("GetGroup", on(group), s.getGroup),
		service.Read("ListGroups", on(anything), s.listGroups),
		service.Write("UpdateGroup", renaming(group, "NewGroupName"), s.updateGroup),
		service.Write("DeleteGroup", on(group), s.deleteGroup),
		service.Write("AddUserToGroup", on(group), s.addUserToGroup),
		service.Write("RemoveUserFromGroup", on(group), s.removeUserFromGroup),
		service.Read("ListGroupsForUser", on(user), s.listGroupsForUser),
	}
}

func (s *Service) roleOperations() []service.Operation {
	return []service.Operation{
		service.Write("CreateRole", creating(newRole, "iam:TagRole", boundary), s.createRole),
		service.Read("GetRole", on(role, boundary), s.getRole),
		service.Read("ListRoles", on(anything), s.listRoles),
		service.Write("UpdateRole", on(role, boundary), s.updateRole),
		service.Write("UpdateRoleDescription", on(role, boundary), s.updateRoleDescription),
		service.Write("UpdateAssumeRolePolicy", on(role, boundary), s.updateAssumeRolePolicy),
		service.Write("DeleteRole", on(role, boundary), s.deleteRole),
		service.Write("PutRolePermissionsBoundary", on(role, boundary), s.putRolePermissionsBoundary),
		service.Write("DeleteRolePermissionsBoundary", on(role, boundary), s.deleteRolePermissionsBoundary),
	}
}

func (s *Service) instanceProfileOperations() []service.Operation {
	return []service.Operation{
		service.Write("CreateInstanceProfile", creating(newInstanceProfile, "iam:TagInstanceProfile"), s.createInstanceProfile),
		service.Read("GetInstanceProfile", on(instanceProfile), s.getInstanceProfile),
		service.Read("ListInstanceProfiles", on(anything), s.listInstanceProfiles),
		service.Read("ListInstanceProfilesForRole", on(role), s.listInstanceProfilesForRole),
		service.Write("DeleteInstanceProfile", on(instanceProfile), s.deleteInstanceProfile),
		service.Write("AddRoleToInstanceProfile", passing(on(instanceProfile), "ec2.amazonaws.com"), s.addRoleToInstanceProfile),
		service.Write("RemoveRoleFromInstanceProfile", on(instanceProfile), s.removeRoleFromInstanceProfile),
	}
}

func (s *Service) policyOperations() []service.Operation {
	return []service.Operation{
		service.Write("CreatePolicy", creating(newPolicy, "iam:TagPolicy"), s.createPolicy),
		service.Read("GetPolicy", on(managedPolicy), s.getPolicy),
		service.Read("ListPolicies", on(anything), s.listPolicies),
		service.Write("DeletePolicy", on(customerPolicy), s.deletePolicy),
		service.Write("CreatePolicyVersion", on(customerPolicy), s.createPolicyVersion),
		service.Read("GetPolicyVersion", on(managedPolicy), s.getPolicyVersion),
		service.Read("ListPolicyVersions", on(managedPolicy), s.listPolicyVersions),
		service.Write("SetDefaultPolicyVersion", on(customerPolicy), s.setDefaultPolicyVersion),
		service.Write("DeletePolicyVersion", on(customerPolicy), s.deletePolicyVersion),
		service.Read("ListEntitiesForPolicy", on(managedPolicy), s.listEntitiesForPolicy),
	}
}

// grantOperations put policies on users, groups and roles: inline or attached.
func (s *Service) grantOperations() []service.Operation {
	return []service.Operation{
		service.Write("PutUserPolicy", on(user, boundary), putUserPolicy),
		service.Read("GetUserPolicy", on(user), getUserPolicy),
		service.Write("DeleteUserPolicy", on(user, boundary), deleteUserPolicy),
		service.Read("ListUserPolicies", on(user), listUserPolicies),
		service.Write("AttachUserPolicy", on(user, policyARN, boundary), attachUserPolicy),
		service.Write("DetachUserPolicy", on(user, policyARN, boundary), detachUserPolicy),
		service.Read("ListAttachedUserPolicies", on(user), listAttachedUserPolicies),
		service.Write("PutGroupPolicy", on(group), putGroupPolicy),
		service.Read("GetGroupPolicy", on(group), getGroupPolicy),
		service.Write("DeleteGroupPolicy", on(group), deleteGroupPolicy),
		service.Read("ListGroupPolicies", on(group), listGroupPolicies),
		service.Write("AttachGroupPolicy", on(group, policyARN), attachGroupPolicy),
		service.Write("DetachGroupPolicy", on(group, policyARN), detachGroupPolicy),
		service.Read("ListAttachedGroupPolicies", on(group), listAttachedGroupPolicies),
		service.Write("PutRolePolicy", on(role, boundary), putRolePolicy),
		service.Read("GetRolePolicy", on(role), getRolePolicy),
		service.Write("DeleteRolePolicy", on(role, boundary), deleteRolePolicy),
		service.Read("ListRolePolicies", on(role), listRolePolicies),
		service.Write("AttachRolePolicy", on(role, policyARN, boundary), attachRolePolicy),
		service.Write("DetachRolePolicy", on(role, policyARN, boundary), detachRolePolicy),
		service.Read("ListAttachedRolePolicies", on(role), listAttachedRolePolicies),
	}
}

func (s *Service) tagOperations() []service.Operation {
	return []service.Operation{
		service.Write("TagUser", on(user, requestTags), s.tagUser),
		service.Write("UntagUser", on(user, tagKeys), s.untagUser),
		service.Read("ListUserTags", on(user), s.listUserTags),
		service.Write("TagRole", on(role, requestTags), s.tagRole),
		service.Write("UntagRole", on(role, tagKeys), s.untagRole),
		service.Read("ListRoleTags", on(role), s.listRoleTags),
		service.Write("TagPolicy", on(managedPolicy, requestTags), s.tagPolicy),
		service.Write("UntagPolicy", on(managedPolicy, tagKeys), s.untagPolicy),
		service.Read("ListPolicyTags", on(managedPolicy), s.listPolicyTags),
		service.Write("TagInstanceProfile", on(instanceProfile, requestTags), s.tagInstanceProfile),
		service.Write("UntagInstanceProfile", on(instanceProfile, tagKeys), s.untagInstanceProfile),
		service.Read("ListInstanceProfileTags", on(instanceProfile), s.listInstanceProfileTags),
		service.Write("TagMFADevice", on(mfaDevice, requestTags), s.tagMFADevice),
		service.Write("UntagMFADevice", on(mfaDevice, tagKeys), s.untagMFADevice),
		service.Read("ListMFADeviceTags", on(mfaDevice), s.listMFADeviceTags),
	}
}

func (s *Service) accessKeyOperations() []service.Operation {
	return []service.Operation{
		service.Write("CreateAccessKey", on(user), s.createAccessKey),
		service.Read("ListAccessKeys", on(user), s.listAccessKeys),
		service.Write("UpdateAccessKey", on(user), s.updateAccessKey),
		service.Write("DeleteAccessKey", on(user), s.deleteAccessKey),
		service.Read("GetAccessKeyLastUsed", on(keyOwner), s.getAccessKeyLastUsed),
	}
}

func (s *Service) passwordOperations() []service.Operation {
	return []service.Operation{
		service.Write("UpdateAccountPasswordPolicy", on(anything), s.updateAccountPasswordPolicy),
		service.Read("GetAccountPasswordPolicy", on(anything, ownPassword), s.getAccountPasswordPolicy),
		service.Write("DeleteAccountPasswordPolicy", on(anything), s.deleteAccountPasswordPolicy),
		service.WithPrepare(service.Write("CreateLoginProfile", on(user), s.createLoginProfile), s.prepareLoginProfile),
		service.Read("GetLoginProfile", on(user), s.getLoginProfile),
		service.WithPrepare(service.Write("UpdateLoginProfile", on(user), s.updateLoginProfile), s.prepareUpdatedLogin),
		service.Write("DeleteLoginProfile", on(user), s.deleteLoginProfile),
		service.WithPrepare(service.Write("ChangePassword", on(caller, ownPassword), s.changePassword), s.prepareChange),
	}
}

func (s *Service) mfaOperations() []service.Operation {
	return []service.Operation{
		service.WithPrepare(service.Write("CreateVirtualMFADevice", creating(newMFADevice, "iam:TagMFADevice"), s.createVirtualMFADevice), s.prepareVirtualMFADevice),
		service.Write("DeleteVirtualMFADevice", on(mfaDevice), s.deleteVirtualMFADevice),
		service.Read("ListVirtualMFADevices", on(anything), s.listVirtualMFADevices),
		service.Write("EnableMFADevice", on(mfaOwner), s.enableMFADevice),
		service.Write("ResyncMFADevice", on(mfaOwner), s.resyncMFADevice),
		service.Write("DeactivateMFADevice", on(mfaOwner), s.deactivateMFADevice),
		service.Read("ListMFADevices", on(mfaOwner), s.listMFADevices),
		service.Read("GetMFADevice", on(mfaOwner), s.getMFADevice),
	}
}

func (s *Service) accountOperations() []service.Operation {
	return []service.Operation{
		service.Write("CreateAccountAlias", on(anything), s.createAccountAlias),
		service.Write("DeleteAccountAlias", on(anything), s.deleteAccountAlias),
		service.Read("ListAccountAliases", on(anything), s.listAccountAliases),
		service.Read("GetAccountSummary", on(anything), s.getAccountSummary),
		service.Read("GetAccountAuthorizationDetails", on(anything), s.getAccountAuthorizationDetails),
		service.Write("SetSecurityTokenServicePreferences", on(anything), s.setSecurityTokenServicePreferences),
	}
}

func (s *Service) simulationOperations() []service.Operation {
	return []service.Operation{
		service.Read("GetContextKeysForCustomPolicy", on(anything), s.getContextKeysForCustomPolicy),
		service.Read("GetContextKeysForPrincipalPolicy", on(policySource), s.getContextKeysForPrincipalPolicy),
		service.Read("SimulateCustomPolicy", on(anything), s.simulateCustomPolicy),
		service.Read("SimulatePrincipalPolicy", on(policySource), s.simulatePrincipalPolicy),
	}
}

func (s *Service) sshKeyOperations() []service.Operation {
	return []service.Operation{
		service.WithPrepare(service.Write("UploadSSHPublicKey", on(user), s.uploadSSHPublicKey), s.prepareSSHPublicKey),
		service.Read("GetSSHPublicKey", on(user), s.getSSHPublicKey),
		service.Read("ListSSHPublicKeys", on(user), s.listSSHPublicKeys),
		service.Write("UpdateSSHPublicKey", on(user), s.updateSSHPublicKey),
		service.Write("DeleteSSHPublicKey", on(user), s.deleteSSHPublicKey),
	}
}

func (s *Service) signingCertificateOperations() []service.Operation {
	return []service.Operation{
		service.WithPrepare(service.Write("UploadSigningCertificate", on(user), s.uploadSigningCertificate), s.prepareSigningCertificate),
		service.Read("ListSigningCertificates", on(user), s.listSigningCertificates),
		service.Write("UpdateSigningCertificate", on(user), s.updateSigningCertificate),
		service.Write("DeleteSigningCertificate", on(user), s.deleteSigningCertificate),
	}
}

func (s *Service) serverCertificateOperations() []service.Operation {
	return []service.Operation{
		service.WithPrepare(service.Write("UploadServerCertificate", creating(newServerCertificate, "iam:TagServerCertificate"), s.uploadServerCertificate), s.prepareServerCertificate),
		service.Read("GetServerCertificate", on(serverCertificate), s.getServerCertificate),
		service.Read("ListServerCertificates", on(anything), s.listServerCertificates),
		service.Write("UpdateServerCertificate", renaming(serverCertificate, "NewServerCertificateName"), s.updateServerCertificate),
		service.Write("DeleteServerCertificate", on(serverCertificate), s.deleteServerCertificate),
		service.Write("TagServerCertificate", on(serverCertificate, requestTags), s.tagServerCertificate),
		service.Write("UntagServerCertificate", on(serverCertificate, tagKeys), s.untagServerCertificate),
		service.Read("ListServerCertificateTags", on(serverCertificate), s.listServerCertificateTags),
	}
}

// serviceCredentialOperations are about credentials that one service takes, such
// as passwords for Git.
func (s *Service) serviceCredentialOperations() []service.Operation {
	return []service.Operation{
		service.Write("CreateServiceSpecificCredential", on(user, credentialService), s.createServiceSpecificCredential),
		service.Read("ListServiceSpecificCredentials", on(credentialOwners), s.listServiceSpecificCredentials),
		service.Write("UpdateServiceSpecificCredential", on(user, serviceOfCredential), s.updateServiceSpecificCredential),
		service.Write("ResetServiceSpecificCredential", on(user, serviceOfCredential), s.resetServiceSpecificCredential),
		service.Write("DeleteServiceSpecificCredential", on(user, serviceOfCredential), s.deleteServiceSpecificCredential),
	}
}

func (s *Service) credentialReportOperations() []service.Operation {
	return []service.Operation{
		service.WithPrepare(service.Write("GenerateCredentialReport", on(anything), s.generateCredentialReport), s.prepareCredentialReport),
		service.Read("GetCredentialReport", on(anything), s.getCredentialReport),
	}
}

func (s *Service) openIDConnectProviderOperations() []service.Operation {
	return []service.Operation{
		service.WithPrepare(service.Write("CreateOpenIDConnectProvider", creating(newOIDCProvider, "iam:TagOpenIDConnectProvider"), s.createOpenIDConnectProvider), s.prepareOIDCProvider),
		service.Read("GetOpenIDConnectProvider", on(oidcProvider), s.getOpenIDConnectProvider),
		service.Read("ListOpenIDConnectProviders", on(anything), s.listOpenIDConnectProviders),
		service.Write("DeleteOpenIDConnectProvider", on(oidcProvider), s.deleteOpenIDConnectProvider),
		service.Write("AddClientIDToOpenIDConnectProvider", on(oidcProvider), s.addClientIDToOpenIDConnectProvider),
		service.Write("RemoveClientIDFromOpenIDConnectProvider", on(oidcProvider), s.removeClientIDFromOpenIDConnectProvider),
		service.Write("UpdateOpenIDConnectProviderThumbprint", on(oidcProvider), s.updateOpenIDConnectProviderThumbprint),
		service.Write("TagOpenIDConnectProvider", on(oidcProvider, requestTags), s.tagOpenIDConnectProvider),
		service.Write("UntagOpenIDConnectProvider", on(oidcProvider, tagKeys), s.untagOpenIDConnectProvider),
		service.Read("ListOpenIDConnectProviderTags", on(oidcProvider), s.listOpenIDConnectProviderTags),
	}
}

func (s *Service) samlProviderOperations() []service.Operation {
	return []service.Operation{
		service.WithPrepare(service.Write("CreateSAMLProvider", creating(newSAMLProvider, "iam:TagSAMLProvider"), s.createSAMLProvider), s.prepareSAMLProvider),
		service.Read("GetSAMLProvider", on(samlProvider), s.getSAMLProvider),
		service.Read("ListSAMLProviders", on(anything), s.listSAMLProviders),
		service.WithPrepare(service.Write("UpdateSAMLProvider", on(samlProvider), s.updateSAMLProvider), s.prepareSAMLUpdate),
		service.Write("DeleteSAMLProvider", on(samlProvider), s.deleteSAMLProvider),
		service.Write("TagSAMLProvider", on(samlProvider, requestTags), s.tagSAMLProvider),
		service.Write("UntagSAMLProvider", on(samlProvider, tagKeys), s.untagSAMLProvider),
		service.Read("ListSAMLProviderTags", on(samlProvider), s.listSAMLProviderTags),
	}
}

func (s *Service) serviceLinkedRoleOperations() []service.Operation {
	return []service.Operation{
		service.Write("CreateServiceLinkedRole", on(newServiceLinkedRole), s.createServiceLinkedRole),
		service.Write("DeleteServiceLinkedRole", on(role), s.deleteServiceLinkedRole),
		service.Read("GetServiceLinkedRoleDeletionStatus", on(deletedRole), s.getServiceLinkedRoleDeletionStatus),
	}
}

func (s *Service) outboundFederationOperations() []service.Operation {
	return []service.Operation{
		service.WithPrepare(service.Write("EnableOutboundWebIdentityFederation", on(anything), s.enableOutboundFederation), s.prepareOutboundFederation),
		service.Write("DisableOutboundWebIdentityFederation", on(anything), s.disableOutboundFederation),
		service.Read("GetOutboundWebIdentityFederationInfo", on(anything), s.getOutboundFederationInfo),
	}
}

func (s *Service) delegationOperations() []service.Operation {
	return []service.Operation{
		service.Write("CreateDelegationRequest", on(newDelegationRequest), s.createDelegationRequest),
		service.Write("AssociateDelegationRequest", on(delegationRequest), s.associateDelegationRequest),
		service.Read("GetDelegationRequest", on(delegationRequest, delegationOwner), s.getDelegationRequest),
		service.Read("ListDelegationRequests", on(anything, delegationOwnerFilter), s.listDelegationRequests),
		service.Write("UpdateDelegationRequest", on(delegationRequest, delegationOwner), s.updateDelegationRequest),
		service.Write("AcceptDelegationRequest", on(delegationRequest), s.acceptDelegationRequest),
		service.Write("RejectDelegationRequest", on(delegationRequest), s.rejectDelegationRequest),
		service.Write("SendDelegationToken", on(delegationRequest), s.sendDelegationToken),
		service.Read("GetHumanReadableSummary", on(summarized, delegationOwner), s.getHumanReadableSummary),
	}
}

// organizationOperations need an organization, which the caller's account may not
// be in.
func (s *Service) organizationOperations() []service.Operation {
	return []service.Operation{
		service.Read("EnableOrganizationsRootCredentialsManagement", on(anything), organizationFeature[api.EnableOrganizationsRootCredentialsManagementRequest, api.EnableOrganizationsRootCredentialsManagementResponse]),
		service.Read("DisableOrganizationsRootCredentialsManagement", on(anything), organizationFeature[api.DisableOrganizationsRootCredentialsManagementRequest, api.DisableOrganizationsRootCredentialsManagementResponse]),
		service.Read("EnableOrganizationsRootSessions", on(anything), organizationFeature[api.EnableOrganizationsRootSessionsRequest, api.EnableOrganizationsRootSessionsResponse]),
		service.Read("DisableOrganizationsRootSessions", on(anything), organizationFeature[api.DisableOrganizationsRootSessionsRequest, api.DisableOrganizationsRootSessionsResponse]),
		service.Read("ListOrganizationsFeatures", on(anything), organizationFeature[api.ListOrganizationsFeaturesRequest, api.ListOrganizationsFeaturesResponse]),
		service.Read("GenerateOrganizationsAccessReport", on(accessReport), s.generateOrganizationsAccessReport),
		service.Read("GetOrganizationsAccessReport", on(anything), s.getOrganizationsAccessReport),
	}
}

func (s *Service) lastAccessedOperations() []service.Operation {
	return []service.Operation{
		service.WithPrepare(service.Write("GenerateServiceLastAccessedDetails", on(accessTarget), s.generateServiceLastAccessedDetails), s.prepareServiceLastAccessedDetails),
		service.Read("GetServiceLastAccessedDetails", on(anything), s.getServiceLastAccessedDetails),
		service.Read("GetServiceLastAccessedDetailsWithEntities", on(anything), s.getServiceLastAccessedDetailsWithEntities),
		service.Read("ListPoliciesGrantingServiceAccess", on(accessTarget), s.listPoliciesGrantingServiceAccess),
	}
}
