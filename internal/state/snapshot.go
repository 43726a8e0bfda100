package state

// Snapshot is the whole state at one revision. It never changes.
//
// One field a record type; the finders beside each type (user.go, role.go, …)
// say which look-ups there are.
type Snapshot struct {
	Revision int64 // of the store

	Accounts           Table[Account]
	Users              Table[User]
	Groups             Table[Group]
	Roles              Table[Role]
	Policies           Table[ManagedPolicy]
	InstanceProfiles   Table[InstanceProfile]
	OIDCProviders      Table[OIDCProvider]
	SAMLProviders      Table[SAMLProvider]
	Redemptions        Table[Redemption]
	AccessKeys         Table[AccessKey]
	MFADevices         Table[MFADevice]
	LastUses           Table[LastUse]
	ServiceCredentials Table[ServiceCredential]
	CredentialReports  Table[CredentialReport]
	Accesses           Table[Access]
	AccessReports      Table[AccessReport]

	SSHPublicKeys       Table[SSHPublicKey]
	SigningCertificates Table[SigningCertificate]
	ServerCertificates  Table[ServerCertificate]

	TokenIssuers       Table[TokenIssuer]
	DelegationRequests Table[DelegationRequest]

	RoleDeletions Table[RoleDeletion]

	Trails          Table[Trail]
	DigestKeys      Table[DigestKey]
	EventDataStores Table[EventDataStore]
	Channels        Table[Channel]
	Dashboards      Table[Dashboard]

	Topics        Table[Topic]
	Subscriptions Table[Subscription]
	MessageKeys   Table[MessageKey]

	EventBuses       Table[EventBus]
	EventRules       Table[EventRule]
	EventConnections Table[EventConnection]
	APIDestinations  Table[APIDestination]

	usage *usage
}

func newSnapshot() *Snapshot {
	return &Snapshot{
		Accounts:           newTable(&accountSchema),
		Users:              newTable(&userSchema),
		Groups:             newTable(&groupSchema),
		Roles:              newTable(&roleSchema),
		Policies:           newTable(&policySchema),
		InstanceProfiles:   newTable(&instanceProfileSchema),
		OIDCProviders:      newTable(&oidcProviderSchema),
		SAMLProviders:      newTable(&samlProviderSchema),
		Redemptions:        newTable(&redemptionSchema),
		AccessKeys:         newTable(&accessKeySchema),
		MFADevices:         newTable(&mfaDeviceSchema),
		LastUses:           newTable(&lastUseSchema),
		ServiceCredentials: newTable(&serviceCredentialSchema),
		CredentialReports:  newTable(&credentialReportSchema),
		Accesses:           newTable(&accessSchema),
		AccessReports:      newTable(&accessReportSchema),

		SSHPublicKeys:       newTable(&sshKeySchema),
		SigningCertificates: newTable(&signingCertificateSchema),
		ServerCertificates:  newTable(&serverCertificateSchema),

		TokenIssuers:       newTable(&tokenIssuerSchema),
		DelegationRequests: newTable(&delegationSchema),

		RoleDeletions: newTable(&roleDeletionSchema),

		Trails:          newTable(&trailSchema),
		DigestKeys:      newTable(&digestKeySchema),
		EventDataStores: newTable(&eventDataStoreSchema),
		Channels:        newTable(&channelSchema),
		Dashboards:      newTable(&dashboardSchema),

		Topics:        newTable(&topicSchema),
		Subscriptions: newTable(&subscriptionSchema),
		MessageKeys:   newTable(&messageKeySchema),

		EventBuses:       newTable(&eventBusSchema),
		EventRules:       newTable(&eventRuleSchema),
		EventConnections: newTable(&eventConnectionSchema),
		APIDestinations:  newTable(&apiDestinationSchema),
	}
}

func (s *Snapshot) tables() []anyTable {
	return []anyTable{
		&s.Accounts, &s.Users, &s.Groups, &s.Roles, &s.Policies,
		&s.InstanceProfiles, &s.OIDCProviders, &s.SAMLProviders, &s.Redemptions, &s.AccessKeys, &s.MFADevices, &s.LastUses,
		&s.ServiceCredentials, &s.CredentialReports, &s.Accesses, &s.AccessReports,
		&s.SSHPublicKeys, &s.SigningCertificates, &s.ServerCertificates,
		&s.TokenIssuers, &s.DelegationRequests,
		&s.RoleDeletions,
		&s.Trails, &s.DigestKeys, &s.EventDataStores, &s.Channels, &s.Dashboards,
		&s.Topics, &s.Subscriptions, &s.MessageKeys,
		&s.EventBuses, &s.EventRules, &s.EventConnections, &s.APIDestinations,
	}
}
