package server_test

import (
	"cmp"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"

	"github.com/warder-iam/warder/arn"
	"github.com/warder-iam/warder/internal/api"
	"github.com/warder-iam/warder/internal/api/cloudtrail"
	"github.com/warder-iam/warder/internal/api/events"
	"github.com/warder-iam/warder/internal/api/sns"
	"github.com/warder-iam/warder/internal/daemon"
	"github.com/warder-iam/warder/internal/service"
	cloudtrailservice "github.com/warder-iam/warder/internal/service/cloudtrail"
	eventsservice "github.com/warder-iam/warder/internal/service/events"
	iamservice "github.com/warder-iam/warder/internal/service/iam"
	snsservice "github.com/warder-iam/warder/internal/service/sns"
	stsservice "github.com/warder-iam/warder/internal/service/sts"
	"github.com/warder-iam/warder/internal/wardertest"
	"github.com/warder-iam/warder/sigv4"
)

// The complete matrix: every operation of every service by every kind of
// caller. It runs from the operation tables, so an operation that is added is
// tested without anybody thinking of it; if it requires a member that has no
// sample here, the test fails.

// account is the account that the samples are about.
const account = "111122223333"

const (
	trustOwn  = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"` + account + `"},"Action":"sts:AssumeRole"}}`
	permitAll = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`
)

// samples are values of required members that pass validation. They name what
// fixture makes.
var samples = map[string]map[string]string{
	"Arn":                      {"Arn": "arn:aws:iam::" + account + ":user/target"},
	"AWSServiceName":           {"AWSServiceName": "ecs.amazonaws.com"},
	"DeletionTaskId":           {"DeletionTaskId": "task/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS/11111111-2222-3333-4444-555555555555"},
	"EntityPath":               {"EntityPath": "o-a1b2c3d4e5/r-f6g7h8i9j0example"},
	"JobId":                    {"JobId": "00000000-0000-4000-8000-000000000000"},
	"ServiceNamespace":         {"ServiceNamespace": "s3"},
	"ServiceNamespaces":        {"ServiceNamespaces.member.1": "s3"},
	"AccountAlias":             {"AccountAlias": "an-alias"},
	"ActionNames":              {"ActionNames.member.1": "s3:GetObject"},
	"AssumeRolePolicyDocument": {"AssumeRolePolicyDocument": trustOwn},
	"AuthenticationCode1":      {"AuthenticationCode1": "000000"},
	"AuthenticationCode2":      {"AuthenticationCode2": "111111"},
	"CertificateBody":          {"CertificateBody": sampleCertificate},
	"CertificateId":            {"CertificateId": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"},
	"Description":              {"Description": "a description"},
	"Encoding":                 {"Encoding": "PEM"},
	"EncodedMessage":           {"EncodedMessage": "nothing"},
	"GlobalEndpointTokenVersion": {
		"GlobalEndpointTokenVersion": "v2Token"},
	"GroupName":                {"GroupName": "target"},
	"InstanceProfileName":      {"InstanceProfileName": "target"},
	"Name":                     {"Name": "federated"},
	"NewPassword":              {"NewPassword": "New-Passw0rd!"},
	"OpenIDConnectProviderArn": {"OpenIDConnectProviderArn": targetOIDCProvider},
	"ClientID":                 {"ClientID": "client"},
	"ThumbprintList":           {"ThumbprintList.member.1": "0000000000000000000000000000000000000000"},
	"Url":                      {"Url": "https://127.0.0.1"},
	"WebIdentityToken":         {"WebIdentityToken": "AAAA"},
	"OldPassword":              {"OldPassword": "Old-Passw0rd!"},
	"Password":                 {"Password": "Passw0rd!!"},
	"PermissionsBoundary":      {"PermissionsBoundary": targetPolicy},
	"PolicyArn":                {"PolicyArn": targetPolicy},
	"PolicyDocument":           {"PolicyDocument": permitAll},
	"PolicyInputList":          {"PolicyInputList.member.1": permitAll},
	"PolicyName":               {"PolicyName": "target"},
	"PrincipalArn":             {"PrincipalArn": targetSAMLProvider},
	"PolicySourceArn":          {"PolicySourceArn": "arn:aws:iam::" + account + ":user/target"},
	"PrivateKey":               {"PrivateKey": sampleKey},
	"RoleArn":                  {"RoleArn": "arn:aws:iam::" + account + ":role/target"},
	"RoleName":                 {"RoleName": "target"},
	"RoleSessionName":          {"RoleSessionName": "session"},
	"SAMLAssertion":            {"SAMLAssertion": "AAAA"},
	"SAMLMetadataDocument":     {"SAMLMetadataDocument": sampleMetadata},
	"SAMLProviderArn":          {"SAMLProviderArn": targetSAMLProvider},
	"SerialNumber":             {"SerialNumber": "arn:aws:iam::" + account + ":mfa/target"},
	"ServiceName":              {"ServiceName": "codecommit.amazonaws.com"},
	"ServerCertificateName":    {"ServerCertificateName": "target"},
	"SSHPublicKeyBody":         {"SSHPublicKeyBody": sampleSSHKey},
	"SSHPublicKeyId":           {"SSHPublicKeyId": "APKAAAAAAAAAAAAAAAAA"},
	"Status":                   {"Status": "Inactive"},
	"TagKeys":                  {"TagKeys.member.1": "key"},
	"Tags":                     {"Tags.member.1.Key": "key", "Tags.member.1.Value": "value"},
	"TargetPrincipal":          {"TargetPrincipal": account},
	"TaskPolicyArn":            {"TaskPolicyArn.arn": "arn:aws:iam::aws:policy/root-task/IAMAuditRootUserCredentials"},
	"UserName":                 {"UserName": "target"},
	"VersionId":                {"VersionId": "v1"},
	"VirtualMFADeviceName":     {"VirtualMFADeviceName": "device"},

	"Audience":            {"Audience.member.1": "https://audience.example.com"},
	"NotificationChannel": {"NotificationChannel": "arn:aws:sns:us-east-1:" + account + ":topic"},
	"Permissions":         {"Permissions.PolicyTemplateArn": targetPolicy},
	"RequestorWorkflowId": {"RequestorWorkflowId": "workflow"},
	"SessionDuration":     {"SessionDuration": "3600"},
	"SigningAlgorithm":    {"SigningAlgorithm": "ES384"},
	"TradeInToken":        {"TradeInToken": "nothing"},
}

const targetOIDCProvider = "arn:aws:iam::" + account + ":oidc-provider/target.example.com"

const targetPolicy = "arn:aws:iam::" + account + ":policy/target"

// form is a valid request for an operation: its required members, UserName
// wherever there is one, so that the call is about another than its caller, and
// the members that the rules require though the model does not.
func (w *world) form(t *testing.T, svc *api.Service, op *api.Operation) url.Values {
	t.Helper()
	v := url.Values{"Action": {op.Name}, "Version": {svc.Version}}
	shape := svc.Shape(op.InputShape)
	if shape == nil {
		return v
	}
	for _, m := range shape.Members {
		if svc.ID == sns.Service.ID {
			snsSample(t, v, op, &m)
			continue
		}
		own := ""
		switch svc.ID {
		case cloudtrail.Service.ID:
			own = cloudTrailSamples[m.Name]
		case events.Service.ID:
			if own = eventsSamples[op.Name+"."+m.Name]; own == "" && m.Required {
				own = eventsSamples[m.Name]
			}
		}
		forced := svc.ID == events.Service.ID && own != ""
		if !forced && !m.Required && m.Name != "UserName" && m.Name != "Password" && (m.Name != "SAMLMetadataDocument" || op.Name != "UpdateSAMLProvider") {
			continue
		}
		switch {
		case own != "":
			v.Set(m.Name, own)
			continue
		case m.Name == "AccessKeyId":
			v.Set(m.Name, w.keyID)
			continue
		case m.Name == "DelegationRequestId":
			v.Set(m.Name, w.delegationID)
			continue
		case m.Name == "EntityArn":
			v.Set(m.Name, arn.IAM(account, "delegation-request", "/", w.delegationID))
			continue
		case m.Name == "ServiceSpecificCredentialId":
			v.Set(m.Name, w.credentialID)
			continue
		case m.Name == "SerialNumber" && op.Name == "GetMFADevice": // it is about security keys
			v.Set(m.Name, "arn:aws:iam::"+account+":u2f/user/target/key")
			continue
		}
		sample, ok := samples[m.Name]
		if !ok {
			t.Errorf("%s requires %s, which has no sample: add one", op.Name, m.Name)
		}
		for k, value := range sample {
			v.Set(k, value)
		}
	}
	if op.Name == "UpdateSAMLProvider" { // which wants something to update
		v.Set("AssertionEncryptionMode", "Allowed")
	}
	return v
}

// fixture makes what the samples name.
func (w *world) fixture(t *testing.T) {
	t.Helper()
	c, ctx, name := w.IAM(w.admin), t.Context(), aws.String("target")
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err := c.CreateUser(ctx, &iam.CreateUserInput{UserName: name, Tags: []iamtypes.Tag{{Key: aws.String("key"), Value: aws.String("v")}}})
	must(err)
	key, err := c.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: name})
	must(err)
	w.keyID = *key.AccessKey.AccessKeyId
	credential, err := c.CreateServiceSpecificCredential(ctx, &iam.CreateServiceSpecificCredentialInput{UserName: name, ServiceName: aws.String("codecommit.amazonaws.com")})
	must(err)
	w.credentialID = *credential.ServiceSpecificCredential.ServiceSpecificCredentialId
	_, err = c.CreateGroup(ctx, &iam.CreateGroupInput{GroupName: name})
	must(err)
	_, err = c.CreateRole(ctx, &iam.CreateRoleInput{RoleName: name, AssumeRolePolicyDocument: aws.String(trustOwn)})
	must(err)
	_, err = c.CreatePolicy(ctx, &iam.CreatePolicyInput{PolicyName: name, PolicyDocument: aws.String(permitAll)})
	must(err)
	_, err = c.CreateInstanceProfile(ctx, &iam.CreateInstanceProfileInput{InstanceProfileName: name})
	must(err)
	_, err = c.CreateOpenIDConnectProvider(ctx, &iam.CreateOpenIDConnectProviderInput{Url: aws.String("https://target.example.com"), ThumbprintList: []string{strings.Repeat("0", 40)}})
	must(err)
	_, err = c.CreateSAMLProvider(ctx, &iam.CreateSAMLProviderInput{Name: name, SAMLMetadataDocument: aws.String(sampleMetadata)})
	must(err)
	_, err = c.CreateVirtualMFADevice(ctx, &iam.CreateVirtualMFADeviceInput{VirtualMFADeviceName: name})
	must(err)
	_, err = c.UploadServerCertificate(ctx, &iam.UploadServerCertificateInput{ServerCertificateName: name, CertificateBody: &sampleCertificate, PrivateKey: &sampleKey})
	must(err)
	_, err = c.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: name, PolicyName: name, PolicyDocument: aws.String(permitAll)})
	must(err)
	delegation, err := c.CreateDelegationRequest(ctx, &iam.CreateDelegationRequestInput{
		Description: name, Permissions: &iamtypes.DelegationPermission{PolicyTemplateArn: aws.String(targetPolicy)}, OwnerAccountId: aws.String(account),
		RequestorWorkflowId: aws.String("fixture"), NotificationChannel: aws.String("arn:aws:sns:us-east-1:" + account + ":topic"), SessionDuration: aws.Int32(3600),
	})
	must(err)
	w.delegationID = *delegation.DelegationRequestId
}

// A caller is a kind of caller, and how operations answer it.
type caller struct {
	name string
	c    wardertest.Credentials
	// refusal is the code with which every request is refused; "" for callers
	// whose permissions decide.
	refusal string
}

// free are the operations that need no permission, as AWS documents.
var free = map[string]bool{"GetCallerIdentity": true, "GetSessionToken": true}

// notForRoot are the operations that AWS refuses to root users, who may do all
// else.
var notForRoot = map[string]bool{"AssumeRole": true, "ChangePassword": true}

// needsOrganization are the operations that AWS denies to everybody outside an
// organization.
var needsOrganization = map[string]bool{"AssumeRoot": true}

func call(t *testing.T, s *wardertest.Server, c wardertest.Credentials, service string, v url.Values) error {
	t.Helper()
	body, contentType, target := v.Encode(), "application/x-www-form-urlencoded; charset=utf-8", ""
	for _, svc := range []*api.Service{&cloudtrail.Service, &events.Service} {
		if service == svc.SigningName {
			body, contentType, target = asJSON(t, v), "application/x-amz-json-1.1", svc.TargetPrefix+"."+v.Get("Action")
		}
	}
	r, err := http.NewRequest(http.MethodPost, s.URL, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", contentType)
	if target != "" {
		r.Header.Set("X-Amz-Target", target)
	}
	if c.AccessKeyID != "" {
		key := sigv4.Credentials{AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey, SessionToken: c.SessionToken}
		if err := sigv4.Sign(r, []byte(body), key, "us-east-1", service, s.Clock.Now()); err != nil {
			t.Fatal(err)
		}
	}
	err = wardertest.Do(r)
	if e := (smithy.APIError)(nil); errors.As(err, &e) && (target != "" || service == sns.Service.SigningName) {
		code := strings.TrimSuffix(e.ErrorCode(), "Exception")
		return &smithy.GenericAPIError{Code: cmp.Or(queryCodes[code], code), Message: e.ErrorMessage()}
	}
	return err
}

// queryCodes are the errors that the JSON protocols, or SNS, call by another name, but
// for the word Exception at the end.
var queryCodes = map[string]string{
	"AuthorizationError": "AccessDenied",
	"UnrecognizedClient": "InvalidClientTokenId", "InvalidSignature": "SignatureDoesNotMatch", "Validation": "ValidationError",
}

// asJSON is a request of the JSON protocols with the members of a form. Lists are
// JSON already.
func asJSON(t *testing.T, v url.Values) string {
	t.Helper()
	members := map[string]any{}
	for name := range v {
		switch value := v.Get(name); {
		case name == "Action" || name == "Version":
		case strings.HasPrefix(value, "["):
			members[name] = json.RawMessage(value)
		case strings.HasPrefix(value, "json:"):
			members[name] = json.RawMessage(strings.TrimPrefix(value, "json:"))
		default:
			members[name] = value
		}
	}
	body, err := json.Marshal(members)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// start starts a server that serves all tables.
func start(t *testing.T) *wardertest.Server {
	t.Helper()
	return wardertest.StartConfig(t, daemon.Config{Store: "memory", TestHooks: true, Trail: t.TempDir()})
}

// tables are the services as the daemon builds them.
func tables() []*service.Service {
	return []*service.Service{
		iamservice.New(iamservice.Config{}),
		stsservice.New(stsservice.Config{}),
		cloudtrailservice.New(cloudtrailservice.Config{}),
		eventsservice.New(eventsservice.Config{}),
		snsservice.New(snsservice.Config{}).Operations(),
	}
}

// world is a server with the account of the samples and callers of every kind.
type world struct {
	*wardertest.Server
	admin, root wardertest.Credentials
	keyID       string   // an access key of the user "target"
	refused     []caller // refused whatever is asked, or for want of permission

	delegationID string // a delegation request to the account, by itself

	credentialID string // a service-specific credential of the user "target"
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{Server: start(t)}
	w.admin, w.root = w.NewAccountWithID(account)
	w.fixture(t)
	ctx, client := t.Context(), w.IAM(w.admin)

	inactive := w.User(w.admin, "inactive", permitAll)
	if _, err := client.UpdateAccessKey(ctx, &iam.UpdateAccessKeyInput{UserName: aws.String("inactive"), AccessKeyId: &inactive.AccessKeyID, Status: iamtypes.StatusTypeInactive}); err != nil {
		t.Fatal(err)
	}
	revoked := w.User(w.admin, "revoked", permitAll)
	if _, err := client.DeleteAccessKey(ctx, &iam.DeleteAccessKeyInput{UserName: aws.String("revoked"), AccessKeyId: &revoked.AccessKeyID}); err != nil {
		t.Fatal(err)
	}
	stranger := w.admin
	stranger.SecretAccessKey = "wrong"
	w.refused = []caller{
		{"anonymous", wardertest.Credentials{}, "MissingAuthenticationToken"},
		{"an inactive key", inactive, "InvalidClientTokenId"},
		{"a revoked key", revoked, "InvalidClientTokenId"},
		{"a wrong secret", stranger, "SignatureDoesNotMatch"},
		{"an unprivileged user", w.User(w.admin, "unprivileged", ""), ""},
		{"a user with everything but these services", w.User(w.admin, "elsewhere", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","NotAction":["iam:*","sts:*","cloudtrail:*","events:*","sns:*"],"Resource":"*"}}`), ""},
		{"a user who is denied", w.User(w.admin, "denied", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"*","Resource":"*"}]}`), ""},
	}
	return w
}

// contents is everything that is in the account of the samples.
func (w *world) contents(t *testing.T) string {
	t.Helper()
	out, err := w.IAM(w.admin).GetAccountAuthorizationDetails(t.Context(), &iam.GetAccountAuthorizationDetailsInput{MaxItems: aws.Int32(1000)})
	if err != nil {
		t.Fatal(err)
	}
	out.ResultMetadata = middleware.Metadata{}
	for i := range out.RoleDetailList {
		out.RoleDetailList[i].RoleLastUsed = nil
	}
	text, err := json.Marshal(out)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// resourceTypes are the resource types of each action in AWS's service
// authorization reference; see testdata/README.md.
type resourceTypes map[string][]string

func loadReference(t *testing.T) resourceTypes {
	t.Helper()
	text, err := os.ReadFile("testdata/resource-types.json")
	if err != nil {
		t.Fatal(err)
	}
	var r resourceTypes
	if err := json.Unmarshal(text, &r); err != nil || len(r) == 0 {
		t.Fatalf("%d actions, %v", len(r), err)
	}
	return r
}

// check holds a refusal against the reference: AWS's sentence with the
// operation's own action, on a resource of one of its types.
func (r resourceTypes) check(t *testing.T, action, message string) {
	t.Helper()
	if action == "cloudtrail:ListInsightsMetricData" {
		action = "cloudtrail:LookupEvents" // as its reference page says
	}
	if action == "sns:PublishBatch" {
		action = "sns:Publish" // it has no action of its own
	}
	named := strings.Replace(action, "sns:", "SNS:", 1) // which is how SNS writes it
	_, rest, ok := strings.Cut(message, " is not authorized to perform: "+named+" on resource: ")
	resource, _, _ := strings.Cut(rest, " ")
	types, known := r[action]
	if !ok || !known {
		t.Errorf("%s is refused by %q", action, message)
		return
	}
	switch {
	case action == "sts:GetWebIdentityToken":
		types = []string{"self"} // which the reference does not have; AWS was seen to use it
	case len(types) == 0:
		types = []string{"*"}
	}
	got := resource
	if a, err := arn.Parse(resource); err == nil {
		got = a.ResourceType()
		switch {
		case a.Resource == "root":
			got = "root-user"
		case a.Service == "sns":
			got = "topic"
		}
		if a.Account != account && got != "event-source" { // which belongs to no account
			t.Errorf("%s is authorized on %s, of another account", action, resource)
		}
	}
	if !slices.Contains(types, got) {
		t.Errorf("%s is authorized on %s, a %s; the reference says %v", action, resource, got, types)
	}
}

func TestMatrixRefused(t *testing.T) {
	w := newWorld(t)
	reference := loadReference(t)
	before := w.contents(t)
	for _, table := range tables() {
		service := table.API.SigningName
		for i := range table.API.Operations {
			op := &table.API.Operations[i]
			if op.NoAuth {
				continue
			}
			v := url.Values{"Action": {op.Name}, "Version": {table.API.Version}}
			built := table.Operation(op.Name) != nil
			if built {
				v = w.form(t, table.API, op)
			}
			for _, c := range w.refused {
				want := c.refusal
				switch {
				case want != "":
				case !built:
					want = "NotImplemented"
				case !free[op.Name]:
					want = "AccessDenied"
				}
				err := call(t, w.Server, c.c, service, v)
				if code := wardertest.Code(err); code != want {
					t.Errorf("%s by %s: %v, want %q", op.Name, c.name, err, want)
				}
				if want == "AccessDenied" {
					reference.check(t, service+":"+op.Name, wardertest.Message(err))
				}
			}
			// The administrator of another account has all permissions there, and
			// none here: what it does, it does at home.
			if built {
				if err := call(t, w.Server, w.Admin, service, v); err == nil && strings.Contains(v.Encode(), account) && !free[op.Name] && !aboutNothing[op.Name] {
					t.Errorf("%s on account %s by another account: granted", op.Name, account)
				}
			}
		}
	}
	if after := w.contents(t); after != before {
		t.Errorf("refused callers changed the account\nfrom %s\nto   %s", before, after)
	}
}

// aboutNothing are the operations whose samples name the account in a policy
// document or in a target of events only, which they decide or store at home.
var aboutNothing = map[string]bool{"CreateRole": true, "PutTargets": true}

func TestMatrixPermitted(t *testing.T) {
	for _, table := range tables() {
		for _, name := range table.Names() {
			t.Run(table.API.SigningName+"/"+name, func(t *testing.T) {
				for _, who := range []string{"the administrator", "the root user"} {
					w := &world{Server: start(t)}
					w.admin, w.root = w.NewAccountWithID(account)
					w.fixture(t)
					c := w.admin
					if who == "the root user" {
						c = w.root
					}
					err := call(t, w.Server, c, table.API.SigningName, w.form(t, table.API, table.API.Operation(name)))
					refused := slices.Contains([]string{"AccessDenied", "InvalidClientTokenId", "SignatureDoesNotMatch", "ValidationError", "InternalFailure", "NotImplemented"}, wardertest.Code(err))
					if refused && !(who == "the root user" && notForRoot[name]) && !needsOrganization[name] {
						t.Errorf("%s by %s: %v", name, who, err)
					}
				}
			})
		}
	}
}

func TestMatrixExpired(t *testing.T) {
	w := newWorld(t)
	out, err := w.STS(w.admin).GetSessionToken(t.Context(), &sts.GetSessionTokenInput{DurationSeconds: aws.Int32(900)})
	if err != nil {
		t.Fatal(err)
	}
	w.Clock.Add(15*time.Minute + time.Second)
	for _, table := range tables() {
		for _, name := range table.Names() {
			err := call(t, w.Server, wardertest.SessionCredentials(out.Credentials), table.API.SigningName, w.form(t, table.API, table.API.Operation(name)))
			wardertest.WantCode(t, err, "ExpiredToken")
		}
	}
}
