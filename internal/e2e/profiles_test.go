//go:build unix

package e2e

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
)

// profiles writes the CLI's two files and gives an environment without keys
// that names them.
func (s *server) profiles(config, keys string) []string {
	s.t.Helper()
	dir := s.t.TempDir()
	env := cleanEnv(s.t, "AWS_ENDPOINT_URL="+s.url)
	for name, text := range map[string]string{"AWS_CONFIG_FILE": config, "AWS_SHARED_CREDENTIALS_FILE": keys} {
		path := filepath.Join(dir, strings.ToLower(name))
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			s.t.Fatal(err)
		}
		env = append(env, name+"="+path)
	}
	return env
}

// whoIs gives the ARN that the aws CLI has with a profile, or its complaint. It
// types a code where it is asked for one.
func (s *server) whoIs(env []string, profile, code string) string {
	s.t.Helper()
	cmd := exec.Command(need(s.t, "aws"), "sts", "get-caller-identity", "--query", "Arn", "--output", "text", "--profile", profile)
	cmd.Env, cmd.Dir, cmd.Stdin, cmd.SysProcAttr = env, s.t.TempDir(), strings.NewReader(code+"\n"), dieWithTest()
	if cmd.SysProcAttr != nil {
		cmd.SysProcAttr.Setsid = true // without a terminal the CLI asks on its standard input
	}
	out, err := cmd.Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return string(exit.Stderr)
	} else if err != nil {
		s.t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// Profiles of the aws CLI, and the SDK's providers: a role, a role behind a role,
// and a role that wants MFA.
func TestProfiles(t *testing.T) {
	t.Parallel()
	s := serveMemory(t)
	ctx, client := t.Context(), s.iam(adminKey)
	alice := s.user(adminKey, "alice", allow("sts:AssumeRole", role("*")))
	trust := func(principal, condition string) *string {
		return ptr(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"` + principal + `"},"Action":"sts:AssumeRole"` + condition + `}}`)
	}
	for name, document := range map[string]*string{
		"first": trust(userARN("alice"), `,"Condition":{"StringEquals":{"sts:ExternalId":"token-42"}}`),
		"mfa":   trust(account, `,"Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}`),
	} {
		if _, err := client.CreateRole(ctx, &iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: document}); err != nil {
			t.Fatal(err)
		}
	}
	_, err1 := client.CreateRole(ctx, &iam.CreateRoleInput{RoleName: ptr("second"), AssumeRolePolicyDocument: trust(role("first"), "")})
	made, err2 := client.CreateVirtualMFADevice(ctx, &iam.CreateVirtualMFADeviceInput{VirtualMFADeviceName: ptr("alice")})
	if err := firstError(err1, err2); err != nil {
		t.Fatal(err)
	}
	app, serial := &authenticator{seed: string(made.VirtualMFADevice.Base32StringSeed)}, *made.VirtualMFADevice.SerialNumber
	one, two := app.pair(t)
	if _, err := client.EnableMFADevice(ctx, &iam.EnableMFADeviceInput{UserName: ptr("alice"), SerialNumber: &serial, AuthenticationCode1: &one, AuthenticationCode2: &two}); err != nil {
		t.Fatal(err)
	}

	env := s.profiles(`
[profile first]
role_arn = `+role("first")+`
source_profile = alice
external_id = token-42
role_session_name = one

[profile stranger]
role_arn = `+role("first")+`
source_profile = alice

[profile second]
role_arn = `+role("second")+`
source_profile = first
role_session_name = two

[profile mfa]
role_arn = `+role("mfa")+`
source_profile = alice
mfa_serial = `+serial+`
role_session_name = three
duration_seconds = 900
`, `
[alice]
aws_access_key_id = `+alice.AccessKeyID+`
aws_secret_access_key = `+alice.SecretAccessKey+`
`)
	session := "arn:aws:sts::" + account + ":assumed-role/"
	for profile, want := range map[string]string{"first": session + "first/one", "second": session + "second/two"} {
		if got := s.whoIs(env, profile, ""); got != want {
			t.Errorf("profile %s is %s, want %s", profile, got, want)
		}
	}
	if got, want := s.whoIs(env, "mfa", app.next(t)), session+"mfa/three"; got != want {
		t.Errorf("profile mfa is %s, want %s", got, want)
	}
	if got := s.whoIs(env, "mfa", app.wrong(t)); !strings.Contains(got, "(AccessDenied)") || !strings.Contains(got, "MultiFactorAuthentication failed with invalid MFA one time pass code") {
		t.Errorf("profile mfa with a wrong code: %s", got)
	}
	if got := s.whoIs(env, "stranger", ""); !strings.Contains(got, "(AccessDenied)") || !strings.Contains(got, "is not authorized to perform: sts:AssumeRole on resource: "+role("first")) {
		t.Errorf("without the external id: %s", got)
	}

	// The same by the SDK's provider, which asks a function for the code.
	provider := stscreds.NewAssumeRoleProvider(s.sts(alice), role("mfa"), func(o *stscreds.AssumeRoleOptions) {
		o.SerialNumber, o.TokenProvider = &serial, func() (string, error) { return app.next(t), nil }
		o.RoleSessionName, o.Duration = "four", 15*time.Minute
		o.Policy = ptr(allow("sts:AssumeRole", "*"))
		o.PolicyARNs = []types.PolicyDescriptorType{{Arn: ptr("arn:aws:iam::aws:policy/ReadOnlyAccess")}}
	})
	got, err := provider.Retrieve(ctx)
	if err != nil {
		t.Fatal(err)
	}
	s.wantCaller(got, session+"mfa/four")
	if left := time.Until(got.Expires); !got.CanExpire || left > 15*time.Minute || left < 13*time.Minute {
		t.Errorf("the session ends in %v", left)
	}
}

// A token in a file, as CI systems and Kubernetes have it: a profile of the aws
// CLI and the SDK's provider. The issuer is the server itself, found by its
// published keys like any other.
func TestWebIdentityTokenFile(t *testing.T) {
	t.Parallel()
	cert, key := certificate(t)
	s := serve(t, append([]string{"--store", "memory", "--tls-cert", cert, "--tls-key", key,
		"--federation-network", "127.0.0.0/8", "--federation-ca-file", cert}, administrator...)...)
	ca, err := os.ReadFile(cert)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	trusting := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
	iamOptions := func(o *iam.Options) { o.HTTPClient = trusting }
	stsOptions := func(o *sts.Options) { o.HTTPClient = trusting }
	ctx, client := t.Context(), s.iam(adminKey)

	issuer, err := client.EnableOutboundWebIdentityFederation(ctx, &iam.EnableOutboundWebIdentityFederationInput{}, iamOptions)
	if err != nil {
		t.Fatal(err)
	}
	registered, err := client.CreateOpenIDConnectProvider(ctx, &iam.CreateOpenIDConnectProviderInput{Url: issuer.IssuerIdentifier, ClientIDList: []string{"warder"}}, iamOptions)
	if err != nil {
		t.Fatal(err)
	}
	host := strings.TrimPrefix(*issuer.IssuerIdentifier, "https://")
	_, err = client.CreateRole(ctx, &iam.CreateRoleInput{RoleName: ptr("web"), AssumeRolePolicyDocument: ptr(`{"Version":"2012-10-17","Statement":{"Effect":"Allow",` +
		`"Principal":{"Federated":"` + *registered.OpenIDConnectProviderArn + `"},"Action":"sts:AssumeRoleWithWebIdentity",` +
		`"Condition":{"StringEquals":{"` + host + `:aud":"warder","` + host + `:sub":"` + userARN("administrator") + `"}}}}`)}, iamOptions)
	if err != nil {
		t.Fatal(err)
	}
	token := func(audience string) string {
		out, err := s.sts(adminKey).GetWebIdentityToken(ctx, &sts.GetWebIdentityTokenInput{Audience: []string{audience}, SigningAlgorithm: ptr("RS256")}, stsOptions)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "token")
		if err := os.WriteFile(file, []byte(*out.WebIdentityToken), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	file := token("warder")

	env := append(s.profiles("[profile web]\nrole_arn = "+role("web")+"\nweb_identity_token_file = "+file+"\nrole_session_name = robot\n"+
		"[profile stranger]\nrole_arn = "+role("web")+"\nweb_identity_token_file = "+token("others")+"\n", ""), "AWS_CA_BUNDLE="+cert)
	session := "arn:aws:sts::" + account + ":assumed-role/web/"
	if got := s.whoIs(env, "web", ""); got != session+"robot" {
		t.Errorf("profile web is %s", got)
	}
	if got := s.whoIs(env, "stranger", ""); !strings.Contains(got, "(InvalidIdentityToken)") || !strings.Contains(got, "Incorrect token audience") {
		t.Errorf("with another's token: %s", got)
	}

	bare := sts.New(sts.Options{BaseEndpoint: &s.url, Region: "us-east-1", HTTPClient: trusting})
	provider := stscreds.NewWebIdentityRoleProvider(bare, role("web"), stscreds.IdentityTokenFile(file), func(o *stscreds.WebIdentityRoleOptions) { o.RoleSessionName = "pod" })
	got, err := provider.Retrieve(ctx)
	if err != nil {
		t.Fatal(err)
	}
	me, err := s.sts(got).GetCallerIdentity(ctx, nil, stsOptions)
	if err != nil || *me.Arn != session+"pod" {
		t.Errorf("the provider's credentials are of %v, %v", me, err)
	}
}
