//go:build unix

package e2e

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const webRealm = "company"

// A company's own Keycloak, registered as AWS users register one, signs its users
// in: by the aws CLI, and by a token in a file as CI systems and Kubernetes have it.
func TestKeycloakWebIdentity(t *testing.T) {
	t.Parallel()
	aws, python := need(t, "aws"), need(t, "python3")
	k := startKeycloak(t)
	tags := `{"principal_tags":{"team":["blue"]},"transitive_tag_keys":["team"]}`
	k.admin(http.MethodPost, "", map[string]any{
		"realm": webRealm, "enabled": true, "users": []any{k.user("alice", "pass-of-alice")},
		"clients": []any{map[string]any{
			"clientId": "warder", "publicClient": true, "directAccessGrantsEnabled": true,
			"protocolMappers": []any{map[string]any{
				"name": "tags", "protocol": "openid-connect", "protocolMapper": "oidc-hardcoded-claim-mapper",
				"config": map[string]any{
					"claim.name": `https://aws\.amazon\.com/tags`, "claim.value": tags, "jsonType.label": "JSON", "id.token.claim": "true",
				},
			}},
		}},
	})
	token := k.grant(webRealm, url.Values{
		"grant_type": {"password"}, "client_id": {"warder"}, "username": {"alice"}, "password": {"pass-of-alice"}, "scope": {"openid"},
	})["id_token"].(string)
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(token), 0o600); err != nil {
		t.Fatal(err)
	}

	s := serve(t, append([]string{"--store", "memory", "--federation-network", "127.0.0.0/8", "--federation-ca-file", k.caFile}, administrator...)...)
	run := func(env []string, name string, args ...string) string {
		t.Helper()
		cmd := exec.Command(name, args...)
		cmd.Env, cmd.Dir, cmd.SysProcAttr = env, t.TempDir(), dieWithTest()
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s %q: %v: %s\nthe server: %s", name, args, err, out, lastLines(s.log.String(), 3))
		}
		return string(out)
	}
	admin := s.environ(adminKey)
	issuer := k.url + "/realms/" + webRealm
	host := strings.TrimPrefix(issuer, "https://")
	provider := strings.TrimSpace(run(admin, aws, "iam", "create-open-id-connect-provider", "--url", issuer, "--client-id-list", "warder", "--query", "OpenIDConnectProviderArn", "--output", "text"))
	if provider != "arn:aws:iam::"+account+":oidc-provider/"+host {
		t.Fatalf("the provider is %s", provider)
	}
	trust := `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Federated":"` + provider + `"},"Action":["sts:AssumeRoleWithWebIdentity","sts:TagSession"],` +
		`"Condition":{"StringEquals":{"` + host + `:aud":"warder","` + host + `:email":"alice@example.com","aws:RequestTag/team":"blue"}}}}`
	role := strings.TrimSpace(run(admin, aws, "iam", "create-role", "--role-name", "web", "--assume-role-policy-document", trust, "--query", "Role.Arn", "--output", "text"))

	// Shown by hand, without any key.
	bare := cleanEnv(t, "AWS_ENDPOINT_URL="+s.url)
	var out struct {
		SubjectFromWebIdentityToken, Audience, Provider string
		PackedPolicySize                                int
		AssumedRoleUser                                 struct{ Arn string }
	}
	shown := run(bare, aws, "sts", "assume-role-with-web-identity", "--role-arn", role, "--role-session-name", "alice", "--web-identity-token", token)
	if err := json.Unmarshal([]byte(shown), &out); err != nil {
		t.Fatal(err)
	}
	session := "arn:aws:sts::" + account + ":assumed-role/web/"
	if out.Audience != "warder" || out.Provider != provider || len(out.SubjectFromWebIdentityToken) != 36 || out.PackedPolicySize == 0 || out.AssumedRoleUser.Arn != session+"alice" {
		t.Errorf("assume-role-with-web-identity: %+v", out)
	}

	// Found by the clients in a file.
	inFile := append(bare, "AWS_ROLE_ARN="+role, "AWS_WEB_IDENTITY_TOKEN_FILE="+file, "AWS_ROLE_SESSION_NAME=robot")
	if got := strings.TrimSpace(run(inFile, aws, "sts", "get-caller-identity", "--query", "Arn", "--output", "text")); got != session+"robot" {
		t.Errorf("the aws CLI is %s", got)
	}
	if err := exec.Command(python, "-c", "import boto3").Run(); err != nil {
		missing(t, "boto3 is not installed")
	}
	if got := strings.TrimSpace(run(inFile, python, "-c", "import boto3; print(boto3.client('sts').get_caller_identity()['Arn'])")); got != session+"robot" {
		t.Errorf("boto3 is %s", got)
	}

	// Another realm of the same Keycloak is another issuer; and so is nobody.
	stranger := k.token
	cmd := exec.Command(aws, "sts", "assume-role-with-web-identity", "--role-arn", role, "--role-session-name", "x1", "--web-identity-token", stranger)
	cmd.Env, cmd.SysProcAttr = bare, dieWithTest()
	if text, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(text), "(InvalidIdentityToken)") || !strings.Contains(string(text), "No OpenIDConnect provider found in your account for "+k.url+"/realms/master") {
		t.Errorf("a token of another realm: %v: %s", err, text)
	}
	if strings.Contains(s.log.String(), token) {
		t.Error("the token is in the log")
	}
}

// The Terraform resource: applied, unchanged, changed in place, taken away.
func TestTerraformOpenIDConnectProvider(t *testing.T) {
	t.Parallel()
	path, plugins := need(t, "terraform"), pluginFolder(t)
	tf := &terraform{server: serveMemory(t), path: path, dir: t.TempDir(), state: "terraform.tfstate"}
	write := func(clients, thumbprint, stage string) {
		t.Helper()
		text := `variable "endpoint" {}
provider "aws" {
  region                      = "us-east-1"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
  endpoints {
    iam = var.endpoint
    sts = var.endpoint
  }
}
resource "aws_iam_openid_connect_provider" "idp" {
  url             = "https://idp.example.com/realms/company"
  client_id_list  = [` + clients + `]
  thumbprint_list = ["` + thumbprint + `"]
  tags            = { Stage = "` + stage + `" }
}
data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRoleWithWebIdentity"]
    principals {
      type        = "Federated"
      identifiers = [aws_iam_openid_connect_provider.idp.arn]
    }
    condition {
      test     = "StringEquals"
      variable = "idp.example.com/realms/company:sub"
      values   = ["alice"]
    }
  }
}
resource "aws_iam_role" "web" {
  name               = "web"
  assume_role_policy = data.aws_iam_policy_document.trust.json
}
`
		if err := os.WriteFile(filepath.Join(tf.dir, "main.tf"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(`"a", "b"`, strings.Repeat("a", 40), "one")
	tf.must(0, "init", "-no-color", "-plugin-dir="+plugins)
	tf.must(0, tf.with("apply", "-auto-approve")...)
	tf.must(0, tf.with("plan", "-detailed-exitcode")...)
	write(`"b", "c"`, strings.Repeat("b", 40), "two")
	tf.must(0, tf.with("apply", "-auto-approve")...)
	tf.must(0, tf.with("plan", "-detailed-exitcode")...)
	tf.must(0, tf.with("destroy", "-auto-approve")...)
}
