package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const (
	ec2Trust     = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
	getObject    = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::my-bucket/*"}]}`
	listBucket   = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3:::example_bucket"}}`
	putObject    = `{"Version":"2012-10-17","Statement":[{"Sid":"Statement1","Effect":"Allow","Action":["s3:PutObject"],"Resource":["arn:aws:s3:::my-bucket/*"]}]}`
	accountTrust = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"` + account + `"},"Action":"sts:AssumeRole"}}`
)

func role(name string) string { return "arn:aws:iam::" + account + ":role/" + name }

func userARN(name string) string { return "arn:aws:iam::" + account + ":user/" + name }

// decisions asks simulate-principal-policy and gives "action resource decision"
// by action and resource.
func (c *cli) wantDecisions(source string, actions, resources []string, want ...string) {
	c.t.Helper()
	out := c.ok("aws iam simulate-principal-policy --policy-source-arn %s --action-names %s --resource-arns %s",
		source, strings.Join(actions, " "), strings.Join(resources, " "))
	var got []string
	for _, r := range out.list("EvaluationResults") {
		result := object(r.(map[string]any))
		specific := result.list("ResourceSpecificResults")
		if len(specific) == 0 {
			got = append(got, result.text("EvalDecision"))
		}
		for _, sr := range specific {
			got = append(got, object(sr.(map[string]any)).text("EvalResourceDecision"))
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		c.t.Errorf("%s, %q on %q: %q, want %q", source, actions, resources, got, want)
	}
}

// A role for EC2 with an inline policy.
func TestMinimalRole(t *testing.T) {
	t.Parallel()
	c := serveMemory(t).cli()
	c.file("trust-policy.json", ec2Trust)
	c.file("permissions-policy.json", getObject)
	made := c.ok("aws iam create-role --role-name MyMinimalRole --assume-role-policy-document file://trust-policy.json")
	made.want(t, "Role.Arn", role("MyMinimalRole"), "Role.RoleName", "MyMinimalRole", "Role.Path", "/",
		"Role.AssumeRolePolicyDocument.Statement.0.Principal.Service", "ec2.amazonaws.com")
	if id := made.text("Role.RoleId"); !strings.HasPrefix(id, "AROA") {
		t.Errorf("the role's id is %q", id)
	}
	if created, err := time.Parse(time.RFC3339, made.text("Role.CreateDate")); err != nil || time.Since(created).Abs() > time.Minute {
		t.Errorf("the role's date is %q", made.text("Role.CreateDate"))
	}
	if out := c.ok("aws iam put-role-policy --role-name MyMinimalRole --policy-name MyMinimalPolicy --policy-document file://permissions-policy.json"); out != nil {
		t.Errorf("put-role-policy prints %v", out)
	}
	c.ok("aws iam get-role --role-name MyMinimalRole").want(t, "Role.Arn", role("MyMinimalRole"), "Role.MaxSessionDuration", 3600,
		"Role.RoleId", made.text("Role.RoleId"))
	c.ok("aws iam list-role-policies --role-name MyMinimalRole").want(t, "PolicyNames", "[MyMinimalPolicy]")
	c.ok("aws iam get-role-policy --role-name MyMinimalRole --policy-name MyMinimalPolicy").want(t,
		"RoleName", "MyMinimalRole", "PolicyName", "MyMinimalPolicy", "PolicyDocument.Statement.0.Resource", "arn:aws:s3:::my-bucket/*")
	c.wantDecisions(role("MyMinimalRole"), []string{"s3:GetObject", "s3:PutObject"},
		[]string{"arn:aws:s3:::my-bucket/report", "arn:aws:s3:::other-bucket/report"}, "allowed", "implicitDeny", "implicitDeny", "implicitDeny")

	c.refused("AccessDenied", "User: "+userARN("administrator")+" is not authorized to perform: sts:AssumeRole on resource: "+role("MyMinimalRole"),
		"aws sts assume-role --role-arn %s --role-session-name me", role("MyMinimalRole"))
	c.refused("EntityAlreadyExists", "Role with name MyMinimalRole already exists.",
		"aws iam create-role --role-name MyMinimalRole --assume-role-policy-document file://trust-policy.json")
	c.refused("NoSuchEntity", "The role with name Other cannot be found.",
		"aws iam put-role-policy --role-name Other --policy-name MyMinimalPolicy --policy-document file://permissions-policy.json")
	c.file("no-policy.json", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Acton":"s3:GetObject","Resource":"*"}]}`)
	c.refused("MalformedPolicyDocument", "", "aws iam put-role-policy --role-name MyMinimalRole --policy-name Second --policy-document file://no-policy.json")
	c.refused("DeleteConflict", "Cannot delete entity, must delete policies first.", "aws iam delete-role --role-name MyMinimalRole")
	if _, err := c.run("aws iam get-role --role-name Nobody"); err == nil || !strings.Contains(err.Error(), "NoSuchEntity") {
		t.Errorf("a role that is not there: %v", err)
	}
}

// A trust policy that asks for MFA: refused with the long-term key, granted
// with a session that an MFA code was given for.
func TestRoleWithMFA(t *testing.T) {
	t.Parallel()
	c := serveMemory(t).cli()
	c.ok("aws iam create-user --user-name MyUser").want(t, "User.Arn", userARN("MyUser"))
	my := c.by(c.ok("aws iam create-access-key --user-name MyUser").accessKey())
	c.file("trust-policy.json", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"`+userARN("MyUser")+`"},
		"Action":"sts:AssumeRole","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}}]}`)
	c.ok("aws iam create-role --role-name MyMFARole --assume-role-policy-document file://trust-policy.json")
	const assume = "aws sts assume-role --role-arn arn:aws:iam::" + account + ":role/MyMFARole --role-session-name Session1"
	notAllowed := "User: " + userARN("MyUser") + " is not authorized to perform: sts:AssumeRole on resource: " + role("MyMFARole")
	my.refused("AccessDenied", notAllowed, assume)

	device := c.ok("aws iam create-virtual-mfa-device --virtual-mfa-device-name MyDevice --outfile seed --bootstrap-method Base32StringSeed")
	serial := "arn:aws:iam::" + account + ":mfa/MyDevice"
	device.want(t, "VirtualMFADevice.SerialNumber", serial)
	text, err := os.ReadFile(filepath.Join(c.dir, "seed"))
	if err != nil {
		t.Fatal(err)
	}
	app := &authenticator{seed: strings.TrimSpace(string(text))}
	if strings.Contains(fmt.Sprint(device), app.seed) {
		t.Error("the seed is printed beside the file")
	}
	my.refused("AccessDenied", "MultiFactorAuthentication failed", "aws sts get-session-token --serial-number %s --token-code %s", serial, app.next(t))
	one, two := app.pair(t)
	c.refused("InvalidAuthenticationCode", "", "aws iam enable-mfa-device --user-name MyUser --serial-number %s --authentication-code1 %s --authentication-code2 %s",
		serial, one, one)
	c.ok("aws iam enable-mfa-device --user-name MyUser --serial-number %s --authentication-code1 %s --authentication-code2 %s",
		serial, one, two)
	c.ok("aws iam list-mfa-devices --user-name MyUser").want(t, "MFADevices.0.SerialNumber", serial, "MFADevices.0.UserName", "MyUser")
	c.ok("aws iam list-virtual-mfa-devices --assignment-status Assigned").want(t, "VirtualMFADevices.0.User.UserName", "MyUser")

	// The long-term key has no MFA still, nor has a session without a code.
	my.refused("AccessDenied", notAllowed, assume)
	plain := c.by(my.ok("aws sts get-session-token").credentials())
	plain.refused("AccessDenied", notAllowed, assume)

	my.refused("AccessDenied", "MultiFactorAuthentication failed", "aws sts get-session-token --serial-number %s", serial)
	my.refused("AccessDenied", "MultiFactorAuthentication failed with invalid MFA one time pass code.",
		"aws sts get-session-token --serial-number %s --token-code %s", serial, app.wrong(t))
	now := app.next(t)
	got := my.ok("aws sts get-session-token --serial-number %s --token-code %s", serial, now)
	mfa := c.by(got.credentials())
	if id := mfa.as.AccessKeyID; !strings.HasPrefix(id, "ASIA") {
		t.Errorf("the session's key is %q", id)
	}
	if until, err := time.Parse(time.RFC3339, got.text("Credentials.Expiration")); err != nil || time.Until(until) < 11*time.Hour || time.Until(until) > 12*time.Hour {
		t.Errorf("the session lasts until %q", got.text("Credentials.Expiration"))
	}
	my.refused("AccessDenied", "MultiFactorAuthentication failed", "aws sts get-session-token --serial-number %s --token-code %s", serial, now)

	session := mfa.ok(assume)
	session.want(t, "AssumedRoleUser.Arn", "arn:aws:sts::"+account+":assumed-role/MyMFARole/Session1")
	if id := session.text("AssumedRoleUser.AssumedRoleId"); !strings.HasPrefix(id, "AROA") || !strings.HasSuffix(id, ":Session1") {
		t.Errorf("the assumed role's id is %q", id)
	}
	c.by(session.credentials()).ok("aws sts get-caller-identity").want(t, "Arn", "arn:aws:sts::"+account+":assumed-role/MyMFARole/Session1", "Account", account)

	// A code given with the request itself does as well as a session.
	next := app.next(t)
	my.ok(assume+" --serial-number %s --token-code %s", serial, next)
	my.refused("AccessDenied", "MultiFactorAuthentication failed", assume+" --serial-number %s --token-code %s", serial, next)

	// MFA is the user's, not the account's: another's session is not enough.
	c.refused("AccessDenied", "sts:AssumeRole", assume)

	c.ok("aws iam deactivate-mfa-device --user-name MyUser --serial-number %s", serial)
	c.ok("aws iam delete-virtual-mfa-device --serial-number %s", serial)
	c.ok("aws iam list-virtual-mfa-devices").want(t, "VirtualMFADevices", "[]")
}

// A session policy: the session has what both the role and the policy allow.
func TestSessionPolicy(t *testing.T) {
	t.Parallel()
	c := serveMemory(t).cli()
	c.file("trust.json", accountTrust)
	c.file("role.json", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["s3:*","iam:ListUsers","iam:ListRoles"],"Resource":"*"}}`)
	c.ok("aws iam create-role --role-name MyRole --assume-role-policy-document file://trust.json")
	c.ok("aws iam put-role-policy --role-name MyRole --policy-name Wide --policy-document file://role.json")
	const assume = "aws sts assume-role --role-arn arn:aws:iam::" + account + ":role/MyRole --role-session-name Session1"
	session := "User: arn:aws:sts::" + account + ":assumed-role/MyRole/Session1 is not authorized to perform: "

	full := c.by(c.ok(assume).credentials())
	full.ok("aws iam list-users")
	full.ok("aws iam list-roles")
	full.refused("AccessDenied", session+"iam:ListGroups on resource: * because no identity-based policy allows the iam:ListGroups action", "aws iam list-groups")

	got := c.ok(assume+" --policy '%s'", putObject)
	if size, ok := got.at("PackedPolicySize").(float64); !ok || size <= 0 || size >= 100 {
		t.Errorf("the packed size of the session policy is %v", got.at("PackedPolicySize"))
	}
	narrow := c.by(got.credentials())
	narrow.ok("aws sts get-caller-identity").want(t, "Arn", "arn:aws:sts::"+account+":assumed-role/MyRole/Session1")
	narrow.refused("AccessDenied", session+"iam:ListUsers on resource: * because no session policy allows the iam:ListUsers action", "aws iam list-users")

	// What the session policy adds to the role is nothing.
	both := c.by(c.ok(assume+" --policy '%s'", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["iam:ListUsers","iam:ListGroups"],"Resource":"*"}}`).credentials())
	both.ok("aws iam list-users")
	both.refused("AccessDenied", "no session policy allows the iam:ListRoles action", "aws iam list-roles")
	both.refused("AccessDenied", "no identity-based policy allows the iam:ListGroups action", "aws iam list-groups")

	// A managed policy as session policy, and a denial in one.
	c.file("deny.json", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"iam:ListRoles","Resource":"*"}]}`)
	policy := c.ok("aws iam create-policy --policy-name NoRoles --policy-document file://deny.json").text("Policy.Arn")
	managed := c.by(c.ok(assume+" --policy-arns arn=%s", policy).credentials())
	managed.ok("aws iam list-users")
	managed.refused("AccessDenied", "with an explicit deny in a session policy", "aws iam list-roles")

	// A session of the session keeps its limits: it may not call what it may not.
	narrow.refused("AccessDenied", "sts:AssumeRole", assume)
	c.refused("MalformedPolicyDocument", "", assume+" --policy '{}'")
	c.refused("ValidationError", "DurationSeconds exceeds the MaxSessionDuration", assume+" --duration-seconds 7200")
}

// The one statement that grants s3:ListBucket on a bucket, on a user and a
// group, inline and managed.
func TestSingleStatement(t *testing.T) {
	t.Parallel()
	c := serveMemory(t).cli()
	c.file("policy.json", listBucket)
	for _, name := range []string{"inline", "managed", "member", "managed-member", "nobody"} {
		c.ok("aws iam create-user --user-name %s", name)
	}
	policy := c.ok("aws iam create-policy --policy-name ListBucket --policy-document file://policy.json")
	policy.want(t, "Policy.Arn", "arn:aws:iam::"+account+":policy/ListBucket", "Policy.DefaultVersionId", "v1", "Policy.AttachmentCount", 0, "Policy.IsAttachable", true)
	arn := policy.text("Policy.Arn")
	c.ok("aws iam put-user-policy --user-name inline --policy-name ListBucket --policy-document file://policy.json")
	c.ok("aws iam attach-user-policy --user-name managed --policy-arn %s", arn)
	c.ok("aws iam create-group --group-name Inline").want(t, "Group.Arn", "arn:aws:iam::"+account+":group/Inline")
	c.ok("aws iam put-group-policy --group-name Inline --policy-name ListBucket --policy-document file://policy.json")
	c.ok("aws iam add-user-to-group --group-name Inline --user-name member")
	c.ok("aws iam create-group --group-name Managed")
	c.ok("aws iam attach-group-policy --group-name Managed --policy-arn %s", arn)
	c.ok("aws iam add-user-to-group --group-name Managed --user-name managed-member")

	actions, resources := []string{"s3:ListBucket"}, []string{"arn:aws:s3:::example_bucket", "arn:aws:s3:::another_bucket"}
	for _, name := range []string{"inline", "managed", "member", "managed-member"} {
		c.wantDecisions(userARN(name), actions, resources, "allowed", "implicitDeny")
	}
	c.wantDecisions(userARN("nobody"), actions, resources, "implicitDeny", "implicitDeny")
	c.wantDecisions("arn:aws:iam::"+account+":group/Inline", actions, resources, "allowed", "implicitDeny")

	// The text is kept as it was sent: one statement, not a list of one.
	version := c.ok("aws iam get-policy-version --policy-arn %s --version-id v1", arn)
	version.want(t, "PolicyVersion.Document.Statement.Action", "s3:ListBucket", "PolicyVersion.IsDefaultVersion", true)
	c.ok("aws iam get-user-policy --user-name inline --policy-name ListBucket").want(t, "PolicyDocument.Statement.Action", "s3:ListBucket")
	c.ok("aws iam get-policy --policy-arn %s", arn).want(t, "Policy.AttachmentCount", 2)
	c.ok("aws iam list-attached-user-policies --user-name managed").want(t, "AttachedPolicies.0.PolicyArn", arn)
	c.ok("aws iam list-entities-for-policy --policy-arn %s", arn).want(t, "PolicyUsers.0.UserName", "managed", "PolicyGroups.0.GroupName", "Managed")

	// What grants is the membership and the attachment, no more and no longer.
	c.ok("aws iam remove-user-from-group --group-name Inline --user-name member")
	c.ok("aws iam detach-user-policy --user-name managed --policy-arn %s", arn)
	c.wantDecisions(userARN("member"), actions, resources, "implicitDeny", "implicitDeny")
	c.wantDecisions(userARN("managed"), actions, resources, "implicitDeny", "implicitDeny")
	c.refused("DeleteConflict", "Cannot delete a policy attached to entities.", "aws iam delete-policy --policy-arn %s", arn)
}

// A user of one account assumes a role of another: the trust policy, its
// ExternalId and the user's own policy are all needed.
func TestCrossAccount(t *testing.T) {
	t.Parallel()
	data := dataFolder(t)
	s := serve(t, append([]string{"--data", data}, administrator...)...)
	c := s.cli()
	if out, err := warder(t, "account", "create", "--data", data, "--account", "210987654321"); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	b := c.by(envOf(t, "sh", "--data", data, "--account", "210987654321"))
	b.ok("aws sts get-caller-identity").want(t, "Account", "210987654321")

	c.ok("aws iam create-user --user-name MyUser")
	my := c.by(c.ok("aws iam create-access-key --user-name MyUser").accessKey())
	b.file("trust.json", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"`+userARN("MyUser")+`"},
		"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"12345"}}}}`)
	b.ok("aws iam create-role --role-name Partner --assume-role-policy-document file://trust.json")
	const arn = "arn:aws:iam::210987654321:role/Partner"
	const assume = "aws sts assume-role --role-arn " + arn + " --role-session-name Session1"
	denied := "User: " + userARN("MyUser") + " is not authorized to perform: sts:AssumeRole on resource: " + arn

	// B trusts, A does not allow.
	my.refused("AccessDenied", denied, assume+" --external-id 12345")
	c.file("use.json", allow("sts:AssumeRole", arn))
	c.ok("aws iam put-user-policy --user-name MyUser --policy-name Use --policy-document file://use.json")
	// Both, but for the ExternalId.
	my.refused("AccessDenied", denied, assume)
	my.refused("AccessDenied", denied, assume+" --external-id 54321")
	got := my.ok(assume + " --external-id 12345")
	got.want(t, "AssumedRoleUser.Arn", "arn:aws:sts::210987654321:assumed-role/Partner/Session1")
	// A allows, B does not trust: even the administrator, who may do anything in A.
	c.refused("AccessDenied", "sts:AssumeRole", assume+" --external-id 12345")
	// The session is B's and has what the role has: nothing.
	partner := c.by(got.credentials())
	partner.ok("aws sts get-caller-identity").want(t, "Account", "210987654321")
	partner.refused("AccessDenied", "arn:aws:sts::210987654321:assumed-role/Partner/Session1 is not authorized to perform: iam:ListUsers", "aws iam list-users")
	// Nor does either account see the other's.
	b.refused("NoSuchEntity", "The user with name MyUser cannot be found.", "aws iam get-user --user-name MyUser")
	c.refused("NoSuchEntity", "The role with name Partner cannot be found.", "aws iam get-role --role-name Partner")

	// The trusted user deleted and made again is not the trusted user any more.
	c.ok("aws iam delete-user-policy --user-name MyUser --policy-name Use")
	c.ok("aws iam delete-access-key --user-name MyUser --access-key-id %s", my.as.AccessKeyID)
	c.ok("aws iam delete-user --user-name MyUser")
	my.refused("InvalidClientTokenId", "The security token included in the request is invalid", "aws sts get-caller-identity")
	c.ok("aws iam create-user --user-name MyUser")
	again := c.by(c.ok("aws iam create-access-key --user-name MyUser").accessKey())
	c.ok("aws iam put-user-policy --user-name MyUser --policy-name Use --policy-document file://use.json")
	again.refused("AccessDenied", denied, assume+" --external-id 12345")
	principal := b.ok("aws iam get-role --role-name Partner").text("Role.AssumeRolePolicyDocument.Statement.Principal.AWS")
	if !strings.HasPrefix(principal, "AIDA") {
		t.Errorf("the trust policy of a deleted user names %q, want its unique id", principal)
	}
}
