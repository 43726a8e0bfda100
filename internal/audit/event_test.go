package audit

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/warder-iam/warder/internal/api"
	"github.com/warder-iam/warder/internal/api/iam"
	"github.com/warder-iam/warder/internal/api/sts"
	"github.com/warder-iam/warder/internal/authn"
	"github.com/warder-iam/warder/internal/awserr"
	"github.com/warder-iam/warder/internal/state"
	"github.com/warder-iam/warder/policy"
)

func object(t *testing.T, text []byte) map[string]any {
	t.Helper()
	var o map[string]any
	if err := json.Unmarshal(text, &o); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return o
}

// Callers of account 111122223333.

func user() *authn.Caller {
	return &authn.Caller{
		Principal: policy.Principal{Kind: policy.User, ARN: "arn:aws:iam::111122223333:user/div/ann", Account: "111122223333", UniqueID: "AIDAANN"},
		KeyID:     "AKIAANN", User: &state.User{Entity: state.Entity{Name: "ann"}},
	}
}

func with(c *authn.Caller, keyID string, s authn.Session) *authn.Caller {
	s.Issued = at.Add(-time.Hour)
	c.KeyID, c.Session = keyID, &s
	return c
}

func roleSession(s authn.Session) *authn.Caller {
	s.Name = "build-7"
	return with(&authn.Caller{Principal: policy.Principal{
		Kind: policy.RoleSession, Account: "111122223333", UniqueID: "AROADEPLOY",
		ARN: "arn:aws:sts::111122223333:assumed-role/deploy/build-7", RoleARN: "arn:aws:iam::111122223333:role/ci/deploy",
	}}, "ASIADEPLOY", s)
}

func federatedUser() *authn.Caller {
	c := user()
	c.Principal = policy.Principal{
		Kind: policy.FederatedUser, Account: "111122223333", UniqueID: "AIDAANN",
		ARN: "arn:aws:sts::111122223333:federated-user/guest", UserARN: "arn:aws:iam::111122223333:user/div/ann",
	}
	return with(c, "ASIAGUEST", authn.Session{Name: "guest"})
}

func credentials() *sts.Credentials {
	return &sts.Credentials{
		AccessKeyId: new("ASIANEW"), SecretAccessKey: new("the secret"), SessionToken: new("the token"),
		Expiration: new(time.Date(2026, 7, 1, 0, 4, 5, 0, time.UTC)),
	}
}

func assumed(account, name, session string) *sts.AssumedRoleUser {
	return &sts.AssumedRoleUser{AssumedRoleId: new("AROAOTHER:" + session), Arn: new("arn:aws:sts::" + account + ":assumed-role/" + name + "/" + session)}
}

// TestRecords compares records with such as AWS makes: the files of testdata are
// its own documents' samples and published logs, with other names, in the form of
// version 1.11. They are not to be made by this program.
//
// The samples are those of
// https://docs.aws.amazon.com/IAM/latest/UserGuide/cloudtrail-integration.html,
// https://docs.aws.amazon.com/IAM/latest/UserGuide/cloudtrail-track-privileged-tasks.html and
// https://stratus-red-team.cloud/attack-techniques/AWS/ (logs of real calls).
func TestRecords(t *testing.T) {
	yes, mfa := true, at.Add(-time.Hour)
	tests := map[string]*Request{
		"create-user": request(&iam.Service, "CreateUser", user(),
			&iam.CreateUserRequest{UserName: new("bob"), Tags: []iam.Tag{{Key: new("team"), Value: new("red \"one\"")}}},
			&iam.CreateUserResponse{User: &iam.User{
				Path: new("/"), UserName: new("bob"), UserId: new("AIDABOB"), Arn: new("arn:aws:iam::111122223333:user/bob"),
				CreateDate: &at, Tags: []iam.Tag{{Key: new("team"), Value: new("red \"one\"")}},
			}}),
		"create-access-key-of-root": request(&iam.Service, "CreateAccessKey", root(), &iam.CreateAccessKeyRequest{},
			&iam.CreateAccessKeyResponse{AccessKey: &iam.AccessKey{
				AccessKeyId: new("AKIANEW"), Status: new("Active"), SecretAccessKey: new("the secret"), CreateDate: &at,
			}}),
		"create-login-profile": request(&iam.Service, "CreateLoginProfile", user(),
			&iam.CreateLoginProfileRequest{UserName: new("bob"), Password: new("the password"), PasswordResetRequired: new(false)},
			&iam.CreateLoginProfileResponse{LoginProfile: &iam.LoginProfile{UserName: new("bob"), CreateDate: &at, PasswordResetRequired: new(false)}}),
		"put-role-policy-with-mfa": request(&iam.Service, "PutRolePolicy", roleSession(authn.Session{Kind: authn.AssumedRole, MFA: &mfa, SourceIdentity: "ann"}),
			&iam.PutRolePolicyRequest{RoleName: new("app"), PolicyName: new("p"), PolicyDocument: new("{\n\t\"Version\": \"2012-10-17\"}")}, &api.None{}),
		"no-such-entity": request(&iam.Service, "GetUser", user(), &iam.GetUserRequest{UserName: new("bob")}, nil),
		"denied":         request(&iam.Service, "DeleteRole", user(), &iam.DeleteRoleRequest{RoleName: new("app")}, nil),
		"get-caller-identity-federated-user": request(&sts.Service, "GetCallerIdentity", federatedUser(), &sts.GetCallerIdentityRequest{},
			&sts.GetCallerIdentityResponse{Account: new("111122223333"), UserId: new("111122223333:guest"), Arn: new("arn:aws:sts::111122223333:federated-user/guest")}),
		"get-federation-token": request(&sts.Service, "GetFederationToken", user(), &sts.GetFederationTokenRequest{Name: new("guest"), Policy: new("{}")},
			&sts.GetFederationTokenResponse{
				Credentials: credentials(), PackedPolicySize: new(int32(4)),
				FederatedUser: &sts.FederatedUser{Arn: new("arn:aws:sts::111122223333:federated-user/guest"), FederatedUserId: new("111122223333:guest")},
			}),
		"get-session-token": request(&sts.Service, "GetSessionToken", user(),
			&sts.GetSessionTokenRequest{SerialNumber: new("arn:aws:iam::111122223333:mfa/ann"), TokenCode: new("123456"), DurationSeconds: new(int32(900))},
			&sts.GetSessionTokenResponse{Credentials: credentials()}),
		"session-token-of-user": request(&iam.Service, "ListUsers", with(user(), "ASIAANN", authn.Session{Kind: authn.SessionToken, MFA: &mfa}), &iam.ListUsersRequest{},
			&iam.ListUsersResponse{IsTruncated: &yes}),
		"assume-role-chained": request(&sts.Service, "AssumeRole", roleSession(authn.Session{
			Kind: authn.AssumedRole, SourceIdentity: "ann", Transitive: []string{"dept"},
			Tags: []state.Tag{{Key: "dept", Value: "eng"}, {Key: "mine", Value: "1"}},
		}), &sts.AssumeRoleRequest{
			RoleArn: new("arn:aws:iam::111122223333:role/next"), RoleSessionName: new("s"), SourceIdentity: new("ann"), DurationSeconds: new(int32(3600)),
			Tags: []sts.Tag{{Key: new("mail"), Value: new("ann@example.com")}}, TransitiveTagKeys: []string{"mail"},
		}, &sts.AssumeRoleResponse{Credentials: credentials(), AssumedRoleUser: assumed("111122223333", "next", "s"), SourceIdentity: new("ann")}),
		"assume-role-with-saml": request(&sts.Service, "AssumeRoleWithSAML",
			authn.Federated(policy.SAML, "arn:aws:iam::111122223333:saml-provider/corp", authn.Claims{"saml:sub": {"ann@corp"}, "saml:namequalifier": {"Qual="}}),
			&sts.AssumeRoleWithSAMLRequest{
				RoleArn: new("arn:aws:iam::111122223333:role/sso"), PrincipalArn: new("arn:aws:iam::111122223333:saml-provider/corp"),
				SAMLAssertion: new("the assertion"), DurationSeconds: new(int32(1800)),
			},
			&sts.AssumeRoleWithSAMLResponse{
				Credentials: credentials(), AssumedRoleUser: assumed("111122223333", "sso", "ann"), PackedPolicySize: new(int32(1)),
				Subject: new("ann@corp"), SubjectType: new("transient"), Issuer: new("https://idp.example.com/saml"),
				Audience: new("https://signin.aws.amazon.com/saml"), NameQualifier: new("Qual="), SourceIdentity: new("ann"),
			}),
		"assume-role-with-web-identity":        webIdentityRequest(),
		"assume-role-with-web-identity-denied": webIdentityRequest(),
		"assume-root-denied": request(&sts.Service, "AssumeRoot", roleSession(authn.Session{Kind: authn.AssumedRole}),
			&sts.AssumeRootRequest{TargetPrincipal: new("444455556666"), TaskPolicyArn: &sts.PolicyDescriptorType{Arn: new("arn:aws:iam::aws:policy/root-task/IAMAuditRootUserCredentials")}}, nil),
		"delegated": request(&iam.Service, "GetUserPolicy", roleSession(authn.Session{Kind: authn.Delegated}),
			&iam.GetUserPolicyRequest{UserName: new("bob"), PolicyName: new("p")}, &iam.GetUserPolicyResponse{UserName: new("bob"), PolicyDocument: new("{}")}),
		"session-of-web-identity": request(&sts.Service, "GetCallerIdentity",
			roleSession(authn.Session{Kind: authn.AssumedRole, Provider: "arn:aws:iam::111122223333:oidc-provider/idp.example.com"}), &sts.GetCallerIdentityRequest{}, nil),
		"unknown": request(&iam.Service, "ListUsers", nil, nil, nil),
	}
	tests["no-such-entity"].Err = awserr.New("NoSuchEntity", "The user with name bob cannot be found.")
	tests["denied"].Err = awserr.New(awserr.CodeAccessDenied, "User: arn:aws:iam::111122223333:user/div/ann is not authorized to perform: iam:DeleteRole")
	tests["assume-role-with-web-identity-denied"].Err = awserr.New(awserr.CodeAccessDenied, "Not authorized to perform sts:AssumeRoleWithWebIdentity")
	tests["assume-root-denied"].Err = awserr.New(awserr.CodeAccessDenied, "no")
	tests["unknown"].Err = awserr.New(awserr.CodeInvalidClientTokenID, "The security token included in the request is invalid.")
	tests["delegated"].Delegate = "777788889999"
	tests["assume-role-with-saml"].Token = &Token{
		ID: "_a1", SessionName: "ann", SourceIdentity: "ann",
		Tags: []state.Tag{{Key: "a \"project\"", Value: "unicorn"}}, Transitive: []string{"a \"project\""},
	}
	for name, r := range tests {
		if r.Caller != nil && r.Caller.Session != nil {
			r.MFA = r.Caller.Session.MFA
		}
		r.SourceIP = netip.MustParseAddr("192.0.2.101")
		r.Host, r.TLS = r.Service.GlobalEndpoint, &tls.ConnectionState{Version: tls.VersionTLS13, CipherSuite: tls.TLS_AES_128_GCM_SHA256}
		events := r.Events(uuids())
		if len(events) != 1 {
			t.Errorf("%s: %d events", name, len(events))
			continue
		}
		compare(t, name, events[0])
	}
	files, _ := filepath.Glob("testdata/*.json")
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		if tests[name] == nil && !strings.HasPrefix(name, "cross-account-") {
			t.Errorf("no test is about %s", file)
		}
	}
}

func webIdentityRequest() *Request {
	provider := "arn:aws:iam::111122223333:oidc-provider/idp.example.com/Realm"
	r := request(&sts.Service, "AssumeRoleWithWebIdentity",
		authn.Federated(policy.WebIdentity, provider, authn.Claims{"idp.example.com/realm:sub": {"system:pod:a"}, "idp.example.com/realm:aud": {"sts"}}),
		&sts.AssumeRoleWithWebIdentityRequest{
			RoleArn: new("arn:aws:iam::111122223333:role/pod"), RoleSessionName: new("a"), WebIdentityToken: new("the token"), DurationSeconds: new(int32(3600)),
		},
		&sts.AssumeRoleWithWebIdentityResponse{
			Credentials: credentials(), AssumedRoleUser: assumed("111122223333", "pod", "a"),
			SubjectFromWebIdentityToken: new("system:pod:a"), Provider: &provider, Audience: new("sts"),
		})
	r.Token = &Token{Verified: "IAMTrustStore"}
	return r
}

// compare compares an event's record with a file of testdata, and its attributes
// with the record.
func compare(t *testing.T, name string, e *Event) {
	t.Helper()
	want, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	got := object(t, e.JSON)
	if !reflect.DeepEqual(got, object(t, want)) {
		var indented bytes.Buffer
		_ = json.Indent(&indented, e.JSON, "", "  ")
		t.Errorf("%s: got %s", name, indented.Bytes())
	}
	account, _ := got["recipientAccountId"].(string)
	key, _ := got["userIdentity"].(map[string]any)["accessKeyId"].(string)
	if got["eventID"] != e.ID || got["eventName"] != e.Name || got["eventSource"] != e.Source || got["readOnly"] != e.ReadOnly ||
		account != e.Account || key != e.AccessKeyID || !e.Time.Equal(at) {
		t.Errorf("%s: the attributes %+v are not the record's", name, e)
	}
}

// TestCrossAccount: each account has its own event, with the same sharedEventID;
// the role's account does not see the caller's name. A refusal is the caller's
// account's alone.
func TestCrossAccount(t *testing.T) {
	in := &sts.AssumeRoleRequest{RoleArn: new("arn:aws:iam::444455556666:role/shared"), RoleSessionName: new("ann"), ExternalId: new("x-1")}
	r := request(&sts.Service, "AssumeRole", user(), in, &sts.AssumeRoleResponse{Credentials: credentials(), AssumedRoleUser: assumed("444455556666", "shared", "ann")})
	r.SourceIP = netip.MustParseAddr("192.0.2.101")
	events := r.Events(uuids())
	if len(events) != 2 {
		t.Fatalf("%d events", len(events))
	}
	compare(t, "cross-account-caller", events[0])
	compare(t, "cross-account-role", events[1])
	if events[1].Username != "" || bytes.Contains(events[1].JSON, []byte("user/div/ann")) {
		t.Errorf("the role's account is told who calls: %s", events[1].JSON)
	}
	r.Err = awserr.New(awserr.CodeAccessDenied, "no")
	if events = r.Events(uuids()); len(events) != 1 || events[0].Account != "111122223333" {
		t.Errorf("a refusal is in %d accounts' trails", len(events))
	}
	// Nobody at all must not write into the trail of any account it likes to name.
	r.Caller = nil
	if events = r.Events(uuids()); len(events) != 1 || events[0].Account != "" {
		t.Errorf("unsigned: %d events, the first in %q", len(events), events[0].Account)
	}
}

// TestAttributes: what LookupEvents finds the events by. AWS's resources of an
// AssumeRole are the key, the role, and the session by id, name and ARN.
func TestAttributes(t *testing.T) {
	assume := &sts.AssumeRoleRequest{
		RoleArn: new("arn:aws:iam::111122223333:role/next"), RoleSessionName: new("s"),
		PolicyArns: []sts.PolicyDescriptorType{{Arn: new("arn:aws:iam::aws:policy/ReadOnlyAccess")}},
	}
	create := &iam.CreateUserRequest{UserName: new("bob"), PermissionsBoundary: new("arn:aws:iam::111122223333:policy/b")}
	tests := []struct {
		r         *Request
		username  string
		resources []Resource
	}{
		{request(&sts.Service, "AssumeRole", user(), assume, &sts.AssumeRoleResponse{Credentials: credentials(), AssumedRoleUser: assumed("111122223333", "next", "s")}),
			"ann", []Resource{
				{"AWS::IAM::Role", "arn:aws:iam::111122223333:role/next"}, {"AWS::STS::AssumedRole", "s"}, {"AWS::IAM::AccessKey", "ASIANEW"},
				{"AWS::STS::AssumedRole", "AROAOTHER:s"}, {"AWS::STS::AssumedRole", "arn:aws:sts::111122223333:assumed-role/next/s"},
			}},
		{request(&iam.Service, "CreateUser", root(), create, &iam.CreateUserResponse{User: &iam.User{UserName: new("bob"), UserId: new("AIDABOB"), Arn: new("arn:aws:iam::111122223333:user/bob")}}),
			"root", []Resource{
				{"AWS::IAM::User", "bob"}, {"AWS::IAM::Policy", "arn:aws:iam::111122223333:policy/b"},
				{"AWS::IAM::User", "AIDABOB"}, {"AWS::IAM::User", "arn:aws:iam::111122223333:user/bob"},
			}},
		{request(&iam.Service, "ListAccessKeys", roleSession(authn.Session{}), &iam.ListAccessKeysRequest{UserName: new("bob")},
			&iam.ListAccessKeysResponse{AccessKeyMetadata: []iam.AccessKeyMetadata{{AccessKeyId: new("AKIABOB")}}}),
			"build-7", []Resource{{"AWS::IAM::User", "bob"}}},
		{request(&sts.Service, "GetCallerIdentity", federatedUser(), &sts.GetCallerIdentityRequest{}, nil), "guest", nil},
		{webIdentityRequest(), "system:pod:a", nil},
		{request(&iam.Service, "ListUsers", nil, nil, nil), "", nil},
	}
	for _, test := range tests {
		e := test.r.Events(uuids())[0]
		if e.Username != test.username {
			t.Errorf("%s: username %q", e.Name, e.Username)
		}
		for _, want := range test.resources {
			if !slices.Contains(e.Resources, want) {
				t.Errorf("%s: not found by %v: %v", e.Name, want, e.Resources)
			}
		}
		if test.resources != nil && len(e.Resources) != len(test.resources) {
			t.Errorf("%s: resources %v", e.Name, e.Resources)
		}
	}
}

func TestReadOnly(t *testing.T) {
	for operation, want := range map[string]bool{
		"iam:GetUser": true, "iam:ListRoles": true, "iam:SimulatePrincipalPolicy": true, "iam:CreateUser": false, "iam:PutUserPolicy": false,
		"iam:TagRole": false, "iam:UpdateDelegationRequest": false, "cloudtrail:LookupEvents": true, "cloudtrail:StopLogging": false,
		"sts:AssumeRole": true, "sts:AssumeRoleWithSAML": true, "sts:AssumeRoleWithWebIdentity": true, "sts:GetFederationToken": false,
		"sts:GetCallerIdentity": true, "sts:NoSuchOperation": false,
	} {
		service, name, _ := strings.Cut(operation, ":")
		if got, _ := effect(service, name); got != want {
			t.Errorf("%s: readOnly is %v", operation, got)
		}
	}
}

// TestSizes: what is too long is cut or left out as CloudTrail does it, and the
// record stays whole.
func TestSizes(t *testing.T) {
	in := &iam.CreatePolicyRequest{PolicyName: new("p"), PolicyDocument: new(strings.Repeat("d", maxParameters))}
	r := request(&iam.Service, "CreatePolicy", user(), in, nil)
	r.UserAgent, r.Err = strings.Repeat("ü", maxText), awserr.New("ValidationError", "%s", "x"+strings.Repeat("ü", maxText))
	o := object(t, r.Events(uuids())[0].JSON)
	if p := o["requestParameters"].(map[string]any); p["omitted"] != true || p["originalSize"].(float64) < maxParameters || p["policyName"] != nil {
		t.Errorf("parameters %v", p)
	}
	if got := o["userAgent"]; got != strings.Repeat("ü", maxText/2) {
		t.Errorf("userAgent %v", got)
	}
	if got := o["errorMessage"]; got != "x"+strings.Repeat("ü", maxText/2-1) {
		t.Errorf("errorMessage %v", got)
	}
	*in.PolicyDocument = (*in.PolicyDocument)[:maxParameters-100]
	if p := object(t, r.Events(uuids())[0].JSON)["requestParameters"].(map[string]any); p["policyName"] != "p" {
		t.Errorf("small enough, and left out: %v", p["omitted"])
	}
}

// TestTLS: AWS names the suites of TLS 1.2 as OpenSSL does; without TLS there is
// no tlsDetails.
func TestTLS(t *testing.T) {
	r := request(&sts.Service, "GetCallerIdentity", user(), nil, nil)
	if o := object(t, r.Events(uuids())[0].JSON); o["tlsDetails"] != nil {
		t.Errorf("tlsDetails %v", o["tlsDetails"])
	}
	r.TLS, r.Host = &tls.ConnectionState{Version: tls.VersionTLS12, CipherSuite: tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256}, "localhost:1"
	want := map[string]any{"tlsVersion": "TLSv1.2", "cipherSuite": "ECDHE-RSA-AES128-GCM-SHA256", "clientProvidedHostHeader": "localhost:1"}
	if o := object(t, r.Events(uuids())[0].JSON); !reflect.DeepEqual(o["tlsDetails"], want) {
		t.Errorf("tlsDetails %v", o["tlsDetails"])
	}
	for _, suite := range tls.CipherSuites() {
		name := suites[suite.ID]
		if want := suite.SupportedVersions[0] == tls.VersionTLS13; name == "" || (name == suite.Name) != want {
			t.Errorf("%s is called %q", suite.Name, name)
		}
	}
}

func TestNoOperation(t *testing.T) {
	if events := (&Request{Service: &iam.Service}).Events(uuids()); events != nil {
		t.Errorf("events %v", events)
	}
}

// TestConcurrent: what requests share (plans, buffers) does not get mixed up.
func TestConcurrent(t *testing.T) {
	r := webIdentityRequest()
	want := string(r.Events(uuids())[0].JSON)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 100 {
				request(&iam.Service, "ListUsers", user(), &iam.ListUsersRequest{}, nil).Events(uuids())
				if got := string(r.Events(uuids())[0].JSON); got != want {
					t.Errorf("got %s", got)
				}
			}
		})
	}
	group.Wait()
}

// FuzzText: every text is JSON that reads as the text, but for what is not UTF-8.
func FuzzText(f *testing.F) {
	f.Add("a\"\\\x00\n\r\t\x1f\x7f\u2028ü\xff\xc3")
	f.Fuzz(func(t *testing.T, s string) {
		w := new(writer)
		var got string
		if err := json.Unmarshal(w.text(s).buf, &got); err != nil || got != strings.ToValidUTF8(s, "\uFFFD") && len([]rune(got)) != len([]rune(s)) {
			t.Errorf("%q is %s: %v", s, w.buf, err)
		}
	})
}

func BenchmarkEvents(b *testing.B) {
	mfa := at
	benches := map[string]*Request{
		"GetCallerIdentity": request(&sts.Service, "GetCallerIdentity", user(), &sts.GetCallerIdentityRequest{},
			&sts.GetCallerIdentityResponse{Account: new("111122223333")}),
		"AssumeRole": request(&sts.Service, "AssumeRole", roleSession(authn.Session{Kind: authn.AssumedRole, MFA: &mfa}),
			&sts.AssumeRoleRequest{RoleArn: new("arn:aws:iam::111122223333:role/next"), RoleSessionName: new("s"), DurationSeconds: new(int32(3600))},
			&sts.AssumeRoleResponse{Credentials: credentials(), AssumedRoleUser: assumed("111122223333", "next", "s")}),
		"CreateUser": request(&iam.Service, "CreateUser", user(),
			&iam.CreateUserRequest{UserName: new("bob"), Path: new("/"), Tags: []iam.Tag{{Key: new("team"), Value: new("red")}}},
			&iam.CreateUserResponse{User: &iam.User{Path: new("/"), UserName: new("bob"), UserId: new("AIDABOB"), Arn: new("arn:aws:iam::111122223333:user/bob"), CreateDate: &at}}),
	}
	for name, r := range benches {
		r.SourceIP, r.Host = netip.MustParseAddr("192.0.2.101"), "iam.amazonaws.com"
		r.TLS = &tls.ConnectionState{Version: tls.VersionTLS13, CipherSuite: tls.TLS_AES_128_GCM_SHA256}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r.Events(func() string { return "00000000-0000-0000-0000-000000000000" })
			}
		})
	}
}

// An input that fails validation does not make an event that is too large to keep.
func TestLargeNames(t *testing.T) {
	long := strings.Repeat("a", 1<<20)
	role := "arn:aws:iam::111122223333:role/" + long
	provider := "arn:aws:iam::111122223333:saml-provider/" + long
	for _, r := range []*Request{
		{Service: &iam.Service, Operation: iam.Service.Operation("GetUser"), Caller: user(), Input: &iam.GetUserRequest{UserName: &long}},
		{Service: &sts.Service, Operation: sts.Service.Operation("AssumeRole"), Caller: user(), Input: &sts.AssumeRoleRequest{RoleArn: &role, RoleSessionName: &long}},
		{Service: &sts.Service, Operation: sts.Service.Operation("AssumeRoleWithSAML"), Input: &sts.AssumeRoleWithSAMLRequest{RoleArn: new("arn:aws:iam::111122223333:role/r"), PrincipalArn: &provider}},
	} {
		r.Time, r.Err = at, awserr.New("ValidationError", "%s is too long", long)
		for _, e := range r.Events(func() string { return "id" }) {
			size := len(e.JSON)
			for _, resource := range e.Resources {
				size += len(resource.Name)
			}
			if size > 64<<10 {
				t.Errorf("%s: %d bytes", r.Operation.Name, size)
			}
		}
	}
}
