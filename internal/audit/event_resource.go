package audit

// resourceType is the type by which LookupEvents finds an event that has the
// member in its parameters; "" if the member names no resource. A member of one
// structure goes before a name that stands for the same everywhere.
//
// The types are those of
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/view-cloudtrail-events-supported-resource-types.html.
func resourceType(structure, member string) string {
	if t, ok := resourceTypes[structure+"."+member]; ok {
		return t
	}
	return resourceTypes[member]
}

const (
	accessKeyType         = "AWS::IAM::AccessKey"
	assumedRoleType       = "AWS::STS::AssumedRole"
	serverCertificateType = "AWS::IAM::ServerCertificate"
	dataStoreType         = "AWS::CloudTrail::EventDataStore"
	federatedUserType     = "AWS::STS::FederatedUser"
	groupType             = "AWS::IAM::Group"
	mfaDeviceType         = "AWS::IAM::MfaDevice"
	oidcProviderType      = "AWS::IAM::OpenIDConnectProvider"
	policyType            = "AWS::IAM::Policy"
	instanceProfileType   = "AWS::IAM::InstanceProfile"
	roleType              = "AWS::IAM::Role"
	samlProviderType      = "AWS::IAM::SamlProvider"
	trailType             = "AWS::CloudTrail::Trail"
	userType              = "AWS::IAM::User"
)

var resourceTypes = map[string]string{
	"AccessKeyId":              accessKeyType,
	"CertificateId":            "AWS::IAM::SigningCertificate",
	"GroupId":                  groupType,
	"GroupName":                groupType,
	"InstanceProfileId":        instanceProfileType,
	"InstanceProfileName":      instanceProfileType,
	"NewGroupName":             groupType,
	"NewServerCertificateName": serverCertificateType,
	"NewUserName":              userType,
	"OpenIDConnectProviderArn": oidcProviderType,
	"PermissionsBoundary":      policyType,
	"PolicyArn":                policyType,
	"PolicyId":                 policyType,
	"PolicyName":               policyType,
	"RoleArn":                  roleType,
	"RoleId":                   roleType,
	"RoleName":                 roleType,
	"RoleSessionName":          assumedRoleType,
	"S3BucketName":             "AWS::S3::Bucket",
	"SAMLProviderArn":          samlProviderType,
	"SerialNumber":             mfaDeviceType,
	"ServerCertificateId":      serverCertificateType,
	"ServerCertificateName":    serverCertificateType,
	"SSHPublicKeyId":           "AWS::IAM::SshPublicKey",
	"TopicArn":                 "AWS::SNS::Topic",
	"TrailARN":                 trailType,
	"TrailName":                trailType,
	"UserId":                   userType,
	"UserName":                 userType,
	"VirtualMFADeviceName":     mfaDeviceType,

	"Group.Arn":                     groupType,
	"InstanceProfile.Arn":           instanceProfileType,
	"Policy.Arn":                    policyType,
	"Role.Arn":                      roleType,
	"ServerCertificateMetadata.Arn": serverCertificateType,
	"User.Arn":                      userType,

	"AssumedRoleUser.Arn":                    assumedRoleType,
	"AssumedRoleUser.AssumedRoleId":          assumedRoleType,
	"AssumeRoleWithSAMLRequest.PrincipalArn": samlProviderType,
	"FederatedUser.Arn":                      federatedUserType,
	"FederatedUser.FederatedUserId":          federatedUserType,
	"GetCallerIdentityResponse.UserId":       "",

	"CreateTrailRequest.Name":    trailType,
	"CreateTrailResponse.Name":   trailType,
	"DeleteTrailRequest.Name":    trailType,
	"EventDataStore":             dataStoreType,
	"EventDataStoreArn":          dataStoreType,
	"GetTrailRequest.Name":       trailType,
	"GetTrailStatusRequest.Name": trailType,
	"StartLoggingRequest.Name":   trailType,
	"StopLoggingRequest.Name":    trailType,
	"UpdateTrailRequest.Name":    trailType,
	"UpdateTrailResponse.Name":   trailType,
}
