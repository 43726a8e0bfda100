package stream

import "strings"

// class is an OCSF class with its activities.
type class struct {
	uid, category      int
	name, categoryName string
	activities         map[int]string
}

var (
	accountChange = class{3001, 3, "Account Change", "Identity & Access Management", map[int]string{
		1: "Create", 2: "Enable", 3: "Password Change", 4: "Password Reset", 5: "Disable", 6: "Delete",
		7: "Attach Policy", 8: "Detach Policy", 10: "MFA Factor Enable", 11: "MFA Factor Disable",
	}}
	authentication = class{3002, 3, "Authentication", "Identity & Access Management", map[int]string{1: "Logon", 2: "Logoff"}}
	apiActivity    = class{6003, 6, "API Activity", "Application Activity", map[int]string{1: "Create", 2: "Read", 3: "Update", 4: "Delete"}}
)

// other is an activity that the class has no number for; its name is the event's.
const other = 99

// accountChanges are the operations of IAM on users, roles and their credentials, by
// activity. A login profile lets a user into the console, so making it enables the
// account; a policy of a group or of no one is not here, but API activity.
var accountChanges = map[string]int{
	"CreateUser": 1, "CreateRole": 1, "CreateServiceLinkedRole": 1,
	"CreateLoginProfile": 2,
	"ChangePassword":     3,
	"UpdateLoginProfile": 4,
	"DeleteLoginProfile": 5,
	"DeleteUser":         6, "DeleteRole": 6, "DeleteServiceLinkedRole": 6,
	"AttachUserPolicy": 7, "AttachRolePolicy": 7, "PutUserPolicy": 7, "PutRolePolicy": 7,
	"DetachUserPolicy": 8, "DetachRolePolicy": 8, "DeleteUserPolicy": 8, "DeleteRolePolicy": 8,
	"EnableMFADevice": 10, "DeactivateMFADevice": 11,

	"UpdateUser": other, "UpdateRole": other, "UpdateRoleDescription": other, "UpdateAssumeRolePolicy": other,
	"PutUserPermissionsBoundary": other, "DeleteUserPermissionsBoundary": other,
	"PutRolePermissionsBoundary": other, "DeleteRolePermissionsBoundary": other,
	"CreateAccessKey": other, "UpdateAccessKey": other, "DeleteAccessKey": other,
	"UploadSSHPublicKey": other, "UpdateSSHPublicKey": other, "DeleteSSHPublicKey": other,
	"UploadSigningCertificate": other, "UpdateSigningCertificate": other, "DeleteSigningCertificate": other,
	"CreateServiceSpecificCredential": other, "UpdateServiceSpecificCredential": other,
	"ResetServiceSpecificCredential": other, "DeleteServiceSpecificCredential": other,
	"ResyncMFADevice": other,
}

// logons are the operations of STS that give credentials of a session. A web
// identity token logs on nowhere yet.
var logons = map[string]int{
	"AssumeRole": 1, "AssumeRoleWithSAML": 1, "AssumeRoleWithWebIdentity": 1, "AssumeRoot": 1,
	"GetSessionToken": 1, "GetFederationToken": 1, "GetDelegatedAccessToken": 1,
	"GetWebIdentityToken": other,
}

// Sources of events.
const (
	sourceIAM    = "iam.amazonaws.com"
	sourceSTS    = "sts.amazonaws.com"
	sourceSignIn = "signin.amazonaws.com"
)

// classOf is the class of an event and its activity in it, after the published
// mapping of CloudTrail's events (https://github.com/ocsf/examples, mappings of AWS
// v1.5.0).
func classOf(r *record) (*class, int) {
	switch r.EventSource {
	case sourceSignIn:
		switch r.EventName {
		case consoleLogin:
			return &authentication, 1
		case "Logout":
			return &authentication, 2
		}
		return &authentication, other
	case sourceSTS:
		if activity, ok := logons[r.EventName]; ok {
			return &authentication, activity
		}
	case sourceIAM:
		if activity, ok := accountChanges[r.EventName]; ok {
			return &accountChange, activity
		}
	}
	return &apiActivity, apiActivityOf(r)
}

// apiActivityOf goes by what AWS calls its operations.
func apiActivityOf(r *record) int {
	if r.ReadOnly != nil && *r.ReadOnly {
		return 2
	}
	for _, verb := range []struct {
		prefix   string
		activity int
	}{
		{"Create", 1}, {"Upload", 1}, {"Generate", 1}, {"Delete", 4}, {"Remove", 4},
		{"Get", 2}, {"List", 2}, {"Describe", 2}, {"Lookup", 2}, {"Simulate", 2},
	} {
		if strings.HasPrefix(r.EventName, verb.prefix) {
			return verb.activity
		}
	}
	if r.ReadOnly == nil {
		return other
	}
	return 3
}
