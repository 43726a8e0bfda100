package alert

import "encoding/json"

// The kinds of findings.
const (
	newRoleUse = "new-role-assumption"
	newNetwork = "new-network"
	newRegion  = "new-region"
	refusals   = "unauthorized-calls"
	logGap     = "log-gap"
	logDamaged = "log-damaged"
)

// The severities.
const (
	high   = "HIGH"
	medium = "MEDIUM"
	low    = "LOW"
)

// Catalogue is the ready-made alerts. The numbers are those of CIS AWS Foundations
// Benchmark 3.0, section 4.
var Catalogue = []*Alert{
	{ // 4.3
		Name: "root-use", Severity: high, Title: "The root user was used", Reads: true,
		Pattern: `{"source":[{"prefix":"aws."}],"detail":{"userIdentity":{"type":["Root"],"invokedBy":[{"exists":false}]},"eventType":[{"anything-but":"AwsServiceEvent"}]}}`,
		source:  "iam.amazonaws.com", sample: map[string]any{"eventName": "ListUsers", "readOnly": true, "userIdentity": map[string]any{"type": "Root"}},
	},
	{ // 4.2
		Name: "console-login-without-mfa", Severity: high, Title: "Somebody signed in to the console without MFA",
		Pattern: `{"source":["aws.signin"],"detail":{"eventName":["ConsoleLogin"],"userIdentity":{"type":["IAMUser","Root"]},"additionalEventData":{"MFAUsed":[{"anything-but":"Yes"}]},"responseElements":{"ConsoleLogin":["Success"]}}}`,
		source:  "signin.amazonaws.com",
		sample: map[string]any{
			"eventName": "ConsoleLogin", "eventType": "AwsConsoleSignIn", "responseElements": map[string]any{"ConsoleLogin": "Success"},
			"additionalEventData": map[string]any{"MFAUsed": "No"},
		},
	},
	{ // 4.6
		Name: "console-login-failure", Severity: medium, Title: "Signing in to the console failed",
		Pattern: `{"source":["aws.signin"],"detail":{"eventName":["ConsoleLogin"],"responseElements":{"ConsoleLogin":["Failure"]}}}`,
		source:  "signin.amazonaws.com",
		sample: map[string]any{
			"eventName": "ConsoleLogin", "eventType": "AwsConsoleSignIn", "errorMessage": "Failed authentication", "responseElements": map[string]any{"ConsoleLogin": "Failure"},
		},
	},
	{ // 4.4
		Name: "policy-change", Severity: medium, Title: "A policy, or what it is attached to, was changed",
		Pattern: done("aws.iam", "PutUserPolicy", "PutGroupPolicy", "PutRolePolicy", "DeleteUserPolicy", "DeleteGroupPolicy", "DeleteRolePolicy",
			"CreatePolicy", "DeletePolicy", "CreatePolicyVersion", "DeletePolicyVersion", "SetDefaultPolicyVersion",
			"AttachUserPolicy", "AttachGroupPolicy", "AttachRolePolicy", "DetachUserPolicy", "DetachGroupPolicy", "DetachRolePolicy",
			"PutUserPermissionsBoundary", "PutRolePermissionsBoundary", "DeleteUserPermissionsBoundary", "DeleteRolePermissionsBoundary", "AddUserToGroup"),
		source: "iam.amazonaws.com", sample: map[string]any{"eventName": "AttachUserPolicy", "requestParameters": map[string]any{"userName": "sample"}},
	},
	{
		Name: "trust-change", Severity: high, Title: "Who may assume a role was changed, or who vouches for users",
		Pattern: done("aws.iam", "UpdateAssumeRolePolicy", "CreateSAMLProvider", "UpdateSAMLProvider", "DeleteSAMLProvider", "CreateOpenIDConnectProvider",
			"DeleteOpenIDConnectProvider", "UpdateOpenIDConnectProviderThumbprint", "AddClientIDToOpenIDConnectProvider", "RemoveClientIDFromOpenIDConnectProvider"),
		source: "iam.amazonaws.com", sample: map[string]any{"eventName": "UpdateAssumeRolePolicy", "requestParameters": map[string]any{"roleName": "sample"}},
	},
	{
		Name: "credential-created", Severity: medium, Title: "An access key, password or other credential was made",
		Pattern: done("aws.iam", "CreateAccessKey", "CreateLoginProfile", "UpdateLoginProfile", "CreateServiceSpecificCredential", "ResetServiceSpecificCredential",
			"UploadSSHPublicKey", "UploadSigningCertificate"),
		source: "iam.amazonaws.com", sample: map[string]any{"eventName": "CreateAccessKey", "requestParameters": map[string]any{"userName": "sample"}},
	},
	{
		Name: "mfa-deactivated", Severity: high, Title: "An MFA device was taken away",
		Pattern: done("aws.iam", "DeactivateMFADevice", "DeleteVirtualMFADevice"),
		source:  "iam.amazonaws.com", sample: map[string]any{"eventName": "DeactivateMFADevice", "requestParameters": map[string]any{"userName": "sample"}},
	},
	{ // 4.5
		Name: "trail-change", Severity: high, Title: "What the audit trail delivers was changed",
		Pattern: done("aws.cloudtrail", "CreateTrail", "UpdateTrail", "DeleteTrail", "StartLogging", "StopLogging", "PutEventSelectors", "PutInsightSelectors",
			"UpdateEventDataStore", "DeleteEventDataStore", "StopEventDataStoreIngestion", "DeleteChannel", "PutResourcePolicy", "DeleteResourcePolicy"),
		source: "cloudtrail.amazonaws.com", sample: map[string]any{"eventName": "StopLogging", "requestParameters": map[string]any{"name": "sample"}},
	},
	{
		Name: "alerts-change", Severity: high, Title: "A ready-made alert was changed",
		Pattern: `{"source":["aws.events"],"detail":{"eventName":["PutRule","DisableRule","EnableRule","DeleteRule","PutTargets","RemoveTargets"],"errorCode":[{"exists":false}],` +
			`"$or":[{"requestParameters":{"name":[{"prefix":"` + Prefix + `"}]}},{"requestParameters":{"rule":[{"prefix":"` + Prefix + `"}]}}]}}`,
		source: "events.amazonaws.com", sample: map[string]any{"eventName": "DisableRule", "requestParameters": map[string]any{"name": Prefix + "sample"}},
	},
	findings(newRoleUse, medium, "A principal assumed a role for the first time", newRoleUse),
	findings(newNetwork, medium, "A principal came from a network that it has not come from before", newNetwork),
	findings(newRegion, medium, "A region was used for the first time", newRegion),
	findings(refusals, medium, "A principal was refused many calls", refusals), // 4.1
	findings(logGap, high, "The audit trail has a gap, or was changed", logGap, logDamaged),
}

// done is the pattern of operations that succeeded.
func done(source string, operations ...string) string {
	return pattern(map[string]any{
		"source": []string{source},
		"detail": map[string]any{"eventName": operations, "errorCode": []any{map[string]bool{"exists": false}}},
	})
}

// findings is an alert about kinds of findings.
func findings(name, severity, title string, kinds ...string) *Alert {
	return &Alert{
		Name: name, Severity: severity, Title: title, finding: kinds[0], source: "sts.amazonaws.com", sample: map[string]any{"eventName": "AssumeRole"},
		Pattern: pattern(map[string]any{"source": []string{Source}, "detail": map[string]any{"finding": kinds}}),
	}
}

func pattern(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // of our own values
	}
	return string(text)
}
