//go:build unix

package e2e

import (
	"encoding/base64"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/warder-iam/warder/internal/federation/saml/samltest"
	"github.com/warder-iam/warder/internal/wardertest"
)

const samlAttributes = "https://aws.amazon.com/SAML/Attributes/"

// samlClient is Warder as a SAML client of Keycloak, as Keycloak's own guides
// have it for AWS.
func samlClient(role, provider string) map[string]any {
	mapper := func(name, kind string, config map[string]string) map[string]any {
		return map[string]any{"name": name, "protocol": "saml", "protocolMapper": kind, "config": config}
	}
	constant := func(name, value string) map[string]any {
		return mapper(name, "saml-hardcode-attribute-mapper", map[string]string{
			"attribute.name": samlAttributes + name, "attribute.nameformat": "URI Reference", "attribute.value": value})
	}
	return map[string]any{
		"clientId": "urn:amazon:webservices", "protocol": "saml", "enabled": true, "fullScopeAllowed": false,
		"redirectUris": []string{samltest.SignIn}, "defaultClientScopes": []string{},
		"attributes": map[string]string{
			"saml_idp_initiated_sso_url_name": "warder", "saml_assertion_consumer_url_post": samltest.SignIn,
			"saml.force.post.binding": "true", "saml.authnstatement": "true", "saml.client.signature": "false",
			"saml.server.signature": "true", "saml.assertion.signature": "true", "saml.signature.algorithm": "RSA_SHA256",
			"saml_name_id_format": "persistent", "saml_force_name_id_format": "true",
		},
		"protocolMappers": []any{
			constant("Role", role+","+provider), constant("PrincipalTag:team", "blue"), constant("SessionDuration", "1800"),
			mapper("name", "saml-user-property-mapper", map[string]string{
				"user.attribute": "username", "attribute.name": samlAttributes + "RoleSessionName", "attribute.nameformat": "URI Reference"}),
			mapper("mail", "saml-user-property-mapper", map[string]string{
				"user.attribute": "email", "attribute.nameformat": "URI Reference",
				"attribute.name": "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress"}),
		},
	}
}

// samlSignIn signs a user in by the forms that a browser shows, and gives the
// response that Keycloak has the browser post.
func (k *keycloak) samlSignIn(realm, user, password string) string {
	k.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		k.t.Fatal(err)
	}
	browser := &http.Client{Transport: k.http.Transport, Timeout: k.http.Timeout, Jar: jar}
	page := func(resp *http.Response, err error) string {
		k.t.Helper()
		if err != nil {
			k.t.Fatal(err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != http.StatusOK {
			k.t.Fatalf("%s: %s, %v", resp.Status, text, err)
		}
		return string(text)
	}
	find := func(pattern, text string) string {
		k.t.Helper()
		m := regexp.MustCompile(pattern).FindStringSubmatch(text)
		if m == nil {
			k.t.Fatalf("no %s in %s", pattern, text)
		}
		return html.UnescapeString(m[1])
	}
	form := page(browser.Get(k.url + "/realms/" + realm + "/protocol/saml/clients/warder"))
	done := page(browser.PostForm(find(`action="([^"]+)"`, form), url.Values{"username": {user}, "password": {password}}))
	return find(`(?i)name="SAMLResponse"\s+value="([^"]+)"`, done)
}

// Keycloak as the identity provider behind AssumeRoleWithSAML: metadata and
// responses made and signed by another XML library than ours.
func TestKeycloakSAML(t *testing.T) {
	t.Parallel()
	k := startKeycloak(t)
	s := wardertest.Start(t)
	ctx, c := t.Context(), s.IAM(s.Admin)
	provider, role := "arn:aws:iam::"+wardertest.Account+":saml-provider/keycloak", "arn:aws:iam::"+wardertest.Account+":role/fed"
	k.admin(http.MethodPost, "", map[string]any{
		"realm": "staff", "enabled": true, "clients": []any{samlClient(role, provider)}, "users": []any{k.user("alice", "pw-of-alice")},
	})
	r, err := http.NewRequest(http.MethodGet, k.url+"/realms/staff/protocol/saml/descriptor", nil)
	if err != nil {
		t.Fatal(err)
	}
	metadata := string(k.do(r))
	if _, err := c.CreateSAMLProvider(ctx, &iam.CreateSAMLProviderInput{Name: aws.String("keycloak"), SAMLMetadataDocument: &metadata}); err != nil {
		t.Fatal(err)
	}
	trust := `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Federated":"` + provider + `"},"Action":["sts:AssumeRoleWithSAML","sts:TagSession"],
		"Condition":{"StringEquals":{"saml:aud":"` + samltest.SignIn + `","saml:mail":"alice@example.com","saml:iss":"` + k.url + `/realms/staff","aws:RequestTag/team":"blue"}}}}`
	if _, err := c.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("fed"), AssumeRolePolicyDocument: &trust}); err != nil {
		t.Fatal(err)
	}
	assume := func(response string) (*sts.AssumeRoleWithSAMLOutput, error) {
		return s.STS(wardertest.Credentials{}).AssumeRoleWithSAML(ctx, &sts.AssumeRoleWithSAMLInput{RoleArn: &role, PrincipalArn: &provider, SAMLAssertion: &response})
	}
	response := k.samlSignIn("staff", "alice", "pw-of-alice")
	out, err := assume(response)
	if err != nil {
		t.Fatal(err)
	}
	if want := "arn:aws:sts::" + wardertest.Account + ":assumed-role/fed/alice"; *out.AssumedRoleUser.Arn != want || *out.SubjectType != "persistent" || *out.Issuer != k.url+"/realms/staff" {
		t.Errorf("%+v", out)
	}
	_, err = assume(response)
	wardertest.WantCode(t, err, "InvalidIdentityToken")

	// What was changed on the way is refused.
	raw, err := base64.StdEncoding.DecodeString(k.samlSignIn("staff", "alice", "pw-of-alice"))
	if err != nil {
		t.Fatal(err)
	}
	forged := strings.Replace(string(raw), ">alice<", ">admin<", 1)
	if forged == string(raw) {
		t.Fatalf("the response does not name alice: %s", raw)
	}
	_, err = assume(base64.StdEncoding.EncodeToString([]byte(forged)))
	if wardertest.Message(err) != "Response signature invalid" {
		t.Errorf("a forged name: %v", err)
	}
}
