package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
)

// Every resource and data source that the AWS provider has for IAM: made, taken
// over into an empty state, changed, renamed, put right and taken away.
func TestTerraformEverything(t *testing.T) {
	t.Parallel()
	path, plugins := need(t, "terraform"), pluginFolder(t)
	s := serveMemory(t)
	tf := &terraform{server: s, path: path, dir: t.TempDir(), state: "terraform.tfstate"}
	keyFiles(t, tf.dir)
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(tf.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 2 {
		write(fmt.Sprintf("metadata%d.xml", i), samlMetadata(fmt.Sprintf("https://idp%d.example.com/", i), readFile(t, tf.dir, "root.pem")))
	}
	text := readFile(t, filepath.Join("testdata", "terraform-everything"), "main.tf")
	write("main.tf", text)
	tf.must(0, "init", "-no-color", "-plugin-dir="+plugins)
	for _, name := range tf.kinds() {
		// One needs an organization, and no account is in one.
		if !strings.Contains(text, name+" ") && !strings.HasSuffix(name, `"aws_iam_organizations_features"`) {
			t.Errorf("the configuration has no %s", name)
		}
	}
	stage := func(n int) {
		t.Helper()
		tf.vars = []string{fmt.Sprintf("-var=stage=%d", n)}
		tf.must(0, tf.with("apply", "-auto-approve")...)
	}

	stage(0)
	tf.must(0, tf.with("plan", "-detailed-exitcode")...)
	tf.wantEverything(0)

	// The policy gets all the versions that it can have. For the next one the
	// provider takes away the oldest that is not in force.
	ctx, client, allowAll := t.Context(), s.iam(adminKey), ptr(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`)
	policy := ptr("arn:aws:iam::" + account + ":policy/policies/allow")
	for range 4 {
		if _, err := client.CreatePolicyVersion(ctx, &iam.CreatePolicyVersionInput{PolicyArn: policy, PolicyDocument: allowAll}); err != nil {
			t.Fatal(err)
		}
	}
	stage(1)
	tf.wantEverything(1)
	versions, err := client.ListPolicyVersions(ctx, &iam.ListPolicyVersionsInput{PolicyArn: policy})
	if err != nil || len(versions.Versions) != 5 || *versions.Versions[0].VersionId != "v6" || *versions.Versions[4].VersionId != "v1" {
		t.Errorf("versions %+v, %v", versions, err)
	}
	t.Run("import", func(t *testing.T) { tf.importEverything(t, write) })

	// What should be there alone is alone again after the next change.
	admin := ptr("arn:aws:iam::aws:policy/AdministratorAccess")
	_, err1 := client.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: ptr("main"), PolicyName: ptr("stray"), PolicyDocument: allowAll})
	_, err2 := client.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: ptr("main"), PolicyName: ptr("stray"), PolicyDocument: allowAll})
	_, err3 := client.AttachGroupPolicy(ctx, &iam.AttachGroupPolicyInput{GroupName: ptr("other"), PolicyArn: admin})
	_, err4 := client.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: ptr("exclusive"), PolicyArn: admin})
	if err := firstError(err1, err2, err3, err4); err != nil {
		t.Fatal(err)
	}
	stage(2)
	tf.wantEverything(2)
	inline, err := client.ListUserPolicies(ctx, &iam.ListUserPoliciesInput{UserName: ptr("main")})
	if err != nil || slices.Contains(inline.PolicyNames, "stray") {
		t.Errorf("inline policies %+v, %v", inline, err)
	}
	if used, err := client.ListEntitiesForPolicy(ctx, &iam.ListEntitiesForPolicyInput{PolicyArn: admin}); err != nil || len(used.PolicyGroups)+len(used.PolicyRoles) != 0 {
		t.Errorf("the stray policy is attached to %+v, %v", used, err)
	}

	// A role with force_detach_policies lets go of policies that it was given since.
	roles, err := client.ListRoles(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range roles.Roles {
		if strings.HasPrefix(*r.RoleName, "complete-") {
			_, err1 := client.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: r.RoleName, PolicyArn: admin})
			_, err2 := client.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: r.RoleName, PolicyName: ptr("stray"), PolicyDocument: allowAll})
			if err := firstError(err1, err2); err != nil {
				t.Fatal(err)
			}
		}
	}
	tf.must(0, tf.with("destroy", "-auto-approve")...)
	left, err := client.GetAccountSummary(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]int32{"Users": 1, "Groups": 0, "Roles": 0, "Policies": 0, "InstanceProfiles": 0, "ServerCertificates": 0, "MFADevices": 0, "Providers": 0} {
		if got, ok := left.SummaryMap[name]; !ok || got != want {
			t.Errorf("destroy has left %d %s", got, name)
		}
	}
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// samlMetadata is the least that an identity provider tells of itself.
func samlMetadata(entity, certificate string) string {
	var body strings.Builder
	for line := range strings.Lines(certificate) {
		if !strings.HasPrefix(line, "-----") {
			body.WriteString(line)
		}
	}
	text := `<?xml version="1.0"?>
<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="` + entity + `">
  <IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
    <KeyDescriptor use="signing"><KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data><X509Certificate>
` + body.String() + `</X509Certificate></X509Data></KeyInfo></KeyDescriptor>
    <SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="` + entity + `sso"/>
  </IDPSSODescriptor>
</EntityDescriptor>
`
	return text
}

// kinds gives the resources and data sources of the provider for IAM, as a
// configuration begins them.
func (tf *terraform) kinds() []string {
	tf.t.Helper()
	var schema struct {
		Providers map[string]struct {
			Resources map[string]any `json:"resource_schemas"`
			Data      map[string]any `json:"data_source_schemas"`
		} `json:"provider_schemas"`
	}
	if err := json.Unmarshal([]byte(tf.must(0, "providers", "schema", "-json")), &schema); err != nil {
		tf.t.Fatal(err)
	}
	var names []string
	add := func(kind string, schemas map[string]any) {
		for name := range schemas {
			if strings.HasPrefix(name, "aws_iam_") || name == "aws_caller_identity" {
				names = append(names, kind+` "`+name+`"`)
			}
		}
	}
	for _, p := range schema.Providers {
		add("resource", p.Resources)
		add("data", p.Data)
	}
	if len(names) < 50 {
		tf.t.Fatalf("the provider has %q", names)
	}
	return names
}

// wantEverything checks what the data sources read in a stage.
func (tf *terraform) wantEverything(stage int) {
	tf.t.Helper()
	var got any
	tf.outputs("checks", &got)
	changed := min(stage, 1)
	pick := func(first, later any) any { return []any{first, later}[changed] }
	group, members := "group/first/main", []string{"main"}
	switch stage {
	case 1:
		group, members = "group/later/main", []string{"main", "other"}
	case 2:
		group, members = "group/later/moved", []string{"another", "main"}
	}
	arn := "arn:aws:iam::" + account + ":"
	boundary := pick(arn+"policy/policies/allow", "arn:aws:iam::aws:policy/PowerUserAccess")
	tags := pick(map[string]string{"kind": "first", "kept": "yes", "team": "platform"}, map[string]string{"kind": "later", "added": "yes", "team": "security"})
	me, err := tf.sts(adminKey).GetCallerIdentity(tf.t.Context(), nil)
	if err != nil {
		tf.t.Fatal(err)
	}
	want := map[string]any{
		"caller":      aws.ToString(me.UserId),
		"alias":       "everything",
		"session":     arn + "role/roles/main",
		"keys":        []any{pick("Active", "Inactive")},
		"user":        []any{arn + pick("user/first/main", "user/later/main").(string), boundary},
		"users":       []any{"main"},
		"key":         pick("Active", "Inactive"),
		"group":       arn + group,
		"members":     members,
		"role":        []any{pick("At first", "Later"), boundary},
		"trust":       pick("ec2.amazonaws.com", "lambda.amazonaws.com"),
		"roles":       []any{"main"},
		"profile":     pick("main", "exclusive"),
		"profiles":    []any{"main"},
		"clients":     pick([]any{"first", "kept"}, []any{"kept", "later"}),
		"thumbprints": []any{pick("9e99a48a9960b14926bb7f3b02e22da2b0ab7280", "9e99a48a9960b14926bb7f3b02e22da2b0ab7281")},
		"saml":        true,
		"certificate": true,
		"policy":      true,
		"simulated":   []any{"allowed", "allowed"},
		"tags":        []any{tags, tags, tags, tags, tags},
	}
	is, _ := json.MarshalIndent(got, "", " ")
	should, _ := json.MarshalIndent(want, "", " ")
	if string(is) != string(should) {
		tf.t.Errorf("in stage %d the data sources read %s\nwant %s", stage, is, should)
	}
}

// importEverything takes all that can be taken over into an empty state, and
// checks that nothing would be changed but what no import can know.
func (tf *terraform) importEverything(t *testing.T, write func(name, text string)) {
	var state struct {
		Resources []struct {
			Mode, Type, Name string
			Instances        []struct{ Attributes map[string]any }
		}
	}
	if err := json.Unmarshal([]byte(readFile(t, tf.dir, tf.state)), &state); err != nil {
		t.Fatal(err)
	}
	cannot := []string{"aws_iam_group_membership", "aws_iam_policy_attachment", "aws_iam_security_token_service_preferences"}
	var imports strings.Builder
	count := 0
	for _, r := range state.Resources {
		if r.Mode != "managed" || slices.Contains(cannot, r.Type) {
			continue
		}
		attributes := r.Instances[0].Attributes
		value := func(name string) string { text, _ := attributes[name].(string); return text }
		owner := value("user") + value("user_name") + value("group") + value("group_name") + value("role") + value("role_name")
		id := value("id")
		switch {
		case strings.HasSuffix(r.Type, "_exclusive"):
			id = owner
		case strings.HasSuffix(r.Type, "_policy_attachment"):
			id = owner + "/" + value("policy_arn")
		case r.Type == "aws_iam_user_group_membership":
			id = owner + "/" + attributes["groups"].([]any)[0].(string)
		case r.Type == "aws_iam_user_ssh_key":
			id = value("username") + ":" + value("ssh_public_key_id") + ":SSH"
		case r.Type == "aws_iam_server_certificate":
			id = value("name")
		}
		fmt.Fprintf(&imports, "import {\n  to = %s\n  id = %q\n}\n", r.Type+"."+r.Name, id)
		count++
	}
	write("imports.tf", imports.String())
	fresh := *tf
	fresh.state = "fresh.tfstate"
	fresh.must(0, fresh.with("plan", "-out=fresh.plan")...)
	if err := os.Remove(filepath.Join(tf.dir, "imports.tf")); err != nil {
		t.Fatal(err)
	}
	var plan struct {
		Changes []struct {
			Address, Mode, Type string
			Change              struct {
				Actions       []string
				Before, After map[string]any
				Importing     *struct{ ID string }
			}
		} `json:"resource_changes"`
	}
	if err := json.Unmarshal([]byte(tf.must(0, "show", "-no-color", "-json", "fresh.plan")), &plan); err != nil {
		t.Fatal(err)
	}
	for _, c := range plan.Changes {
		if c.Mode != "managed" || slices.Contains(cannot, c.Type) {
			continue
		}
		for name, after := range c.Change.After {
			if name == "private_key" || nothing(after) && nothing(c.Change.Before[name]) {
				delete(c.Change.After, name) // private keys are not given out
			}
		}
		if c.Change.Importing == nil || !onlyLocal(c.Change.Before, c.Change.After) {
			t.Errorf("importing %s means to %v it: %v → %v", c.Address, c.Change.Actions, c.Change.Before, c.Change.After)
			continue
		}
		count--
	}
	if count != 0 {
		t.Errorf("%d resources were not imported", count)
	}
}

// nothing says whether a value of the provider stands for none.
func nothing(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case map[string]any:
		return len(v) == 0
	}
	return false
}
