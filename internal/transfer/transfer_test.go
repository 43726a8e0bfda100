package transfer_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/warder-iam/warder/internal/federation/saml/samltest"
	"github.com/warder-iam/warder/internal/state"
	"github.com/warder-iam/warder/internal/store/memory"
	"github.com/warder-iam/warder/internal/transfer"
)

const account = "444455556666"

func read(t *testing.T, names ...string) (files []transfer.File) {
	t.Helper()
	for _, name := range names {
		text, err := os.ReadFile(filepath.Join("testdata/account", name+".json"))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, transfer.File{Name: name + ".json", Text: text})
	}
	return files
}

func open(t *testing.T) *state.State {
	t.Helper()
	s, err := state.Open(t.Context(), memory.New())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func apply(s *state.State, files []transfer.File) (*transfer.Summary, error) {
	a, err := transfer.Read(files)
	if err != nil {
		return nil, err
	}
	var sum *transfer.Summary
	err = s.Update(context.Background(), time.Now(), func(tx *state.Tx) error {
		sum, err = a.Apply(tx)
		return err
	})
	return sum, err
}

const details = "get-account-authorization-details"

func TestImport(t *testing.T) {
	s := open(t)
	sum, err := apply(s, read(t, details, "list-roles", "list-account-aliases", "get-account-password-policy",
		"get-open-id-connect-provider.1", "list-open-id-connect-providers", "get-group"))
	if err != nil {
		t.Fatal(err)
	}
	if sum.Account != account || sum.Users != 2 || sum.Groups != 1 || sum.Roles != 1 || sum.Policies != 2 || sum.InstanceProfiles != 1 || sum.Providers != 2 {
		t.Errorf("summary %+v", sum)
	}
	for _, note := range []string{"BrandNewOfAWS is not one of", "EXAMPLE has no client ids"} {
		if !strings.Contains(strings.Join(sum.Notes, "\n"), note) {
			t.Errorf("no note says %q: %q", note, sum.Notes)
		}
	}
	snap := s.Snapshot()
	a := snap.AccountByAlias("example-corp")
	if a == nil || a.ID != account || a.PasswordPolicy.MinimumLength != 14 || a.PasswordPolicy.MaxAgeDays != 90 {
		t.Errorf("account %+v", a)
	}
	alice, bob := snap.User(account, "alice"), snap.UserByARN("arn:aws:iam::"+account+":user/division/Bob")
	if alice == nil || bob == nil {
		t.Fatal("users are missing")
	}
	if alice.ID != "AIDA2EXAMPLEALICE0001" || !alice.Created.Equal(time.Date(2023, 5, 2, 8, 15, 30, 0, time.UTC)) || alice.Boundary == "" {
		t.Errorf("alice is %+v", alice)
	}
	if v, _ := alice.Tag("TEAM"); v != "blue" {
		t.Errorf("alice has tags %v", alice.Tags)
	}
	if g := snap.Group(account, "developers"); !alice.InGroup(g) || !bob.InGroup(g) {
		t.Error("alice is in developers by her details, Bob by get-group")
	}
	if p := snap.PolicyByARN("arn:aws:iam::" + account + ":policy/limits/edge"); p.Default != "v2" || p.LastVersion != 3 || !strings.Contains(p.DefaultVersion().Document.Text, "s3:*") {
		t.Errorf("policy %+v", p)
	}
	if snap.PolicyByARN("arn:aws:iam::aws:policy/BrandNewOfAWS") == nil {
		t.Error("a new policy of AWS's is not there")
	}
	r := snap.Role(account, "app")
	if r.MaxSessionDuration != 7200 || *r.Description != "runs the app" {
		t.Errorf("role %+v", r)
	}
	if use, ok := snap.LastUse(r.ID); !ok || use.Region != "eu-central-1" {
		t.Errorf("last use %+v", use)
	}
	if p := snap.InstanceProfile(account, "app"); p.Role != r.ID {
		t.Errorf("profile %+v", p)
	}
	for name, id := range map[string]string{
		"arn:aws:iam::" + account + ":user/alice":   alice.ID,
		"arn:aws:iam::777788889999:role/deployer":   state.NotImported,
		"AIDA2EXAMPLEGONE00001":                     "",
		"arn:aws:iam::444455556666:user/not-listed": "",
	} {
		if got := r.Trust.Principals[name]; got != id {
			t.Errorf("the principal %s stands for %q, want %q", name, got, id)
		}
	}

	// The other account's import gives its role the place that was kept for it.
	other := read(t, details)[0]
	other.Text = []byte(`{"UserDetailList":[],"GroupDetailList":[],"Policies":[],"RoleDetailList":[{"Path":"/","RoleName":"deployer",
		"RoleId":"AROA2EXAMPLEDEPLOY001","Arn":"arn:aws:iam::777788889999:role/deployer","CreateDate":"2022-02-02T02:02:02+00:00",
		"AssumeRolePolicyDocument":{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::444455556666:user/not-listed"},"Action":"sts:AssumeRole"}}}]}`)
	sum, err = apply(s, []transfer.File{other})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(strings.Join(sum.Notes, "\n"), "not-listed, which is not there") {
		t.Errorf("notes %q", sum.Notes)
	}
	if got := s.Snapshot().Role(account, "app").Trust.Principals["arn:aws:iam::777788889999:role/deployer"]; got != "AROA2EXAMPLEDEPLOY001" {
		t.Errorf("the role of the other account stands for %q", got)
	}
	if got := s.Snapshot().Role("777788889999", "deployer").Trust.Principals["arn:aws:iam::444455556666:user/not-listed"]; got != state.Nobody {
		t.Errorf("who is not there stands for %q", got)
	}
}

func TestRefused(t *testing.T) {
	whole := string(read(t, details)[0].Text)
	for name, tc := range map[string]struct{ old, new, want string }{
		"another account":          {"444455556666:user/alice\",\n            \"CreateDate\"", "999999999999:user/alice\",\n            \"CreateDate\"", "999999999999"},
		"a name that does not fit": {`"UserName": "alice"`, `"UserName": "malice"`, "is not the ARN of the user malice"},
		"a bad name":               {`"UserName": "alice"`, `"UserName": "al/ice"`, "not one of IAM's"},
		"a unique id twice":        {"AIDA2EXAMPLEBOB000001", "AIDA2EXAMPLEALICE0001", "same unique id"},
		"no unique id":             {"AIDA2EXAMPLEALICE0001", "", "not a unique id"},
		"an unknown group":         {"\"GroupList\": [\n                \"developers\"", "\"GroupList\": [\n                \"others\"", "others, which is not listed"},
		"an unknown policy":        {"\"PolicyArn\": \"arn:aws:iam::444455556666:policy/limits/edge\"", `"PolicyArn": "arn:aws:iam::444455556666:policy/nowhere"`, "policy/nowhere, which is not listed"},
		"an unknown boundary":      {"\"PermissionsBoundaryArn\": \"arn:aws:iam::444455556666:policy/limits/edge\"", `"PermissionsBoundaryArn": "arn:aws:iam::444455556666:policy/nowhere"`, "policy/nowhere, which is not listed"},
		"a document that is none": {`"Effect": "Allow",
                                "Action": "s3:GetObject"`, `"Effect": "Perhaps",
                                "Action": "s3:GetObject"`, "user/division/Bob: own"},
		"a trust policy of none": {`"Action": "sts:AssumeRole"`, `"Action": "sts:AssumeRole", "Resource": "*"`, "trust policy"},
		"two default versions":   {`"IsDefaultVersion": false`, `"IsDefaultVersion": true`, "default versions"},
		"no default version":     {`"IsDefaultVersion": true`, `"IsDefaultVersion": false`, "default versions"},
		"a page of several":      {`"UserDetailList"`, `"IsTruncated": true, "UserDetailList"`, "one page of several"},
		"not JSON":               {`"UserDetailList"`, `UserDetailList`, "JSON"},
		"no date":                {`"CreateDate": "2023-05-02T08:15:30+00:00",`, ``, "no CreateDate"},
		"a bad date":             {`2023-05-02T08:15:30+00:00`, `yesterday`, "yesterday"},
	} {
		s := open(t)
		if !strings.Contains(whole, tc.old) {
			t.Fatalf("%s: the listing has no %s", name, tc.old)
		}
		_, err := apply(s, []transfer.File{{Name: "d.json", Text: []byte(strings.Replace(whole, tc.old, tc.new, 1))}})
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %q", name, err, tc.want)
		}
		if n := s.Snapshot().Accounts.Len() + s.Snapshot().Users.Len() + s.Snapshot().Policies.Len(); n > 0 {
			t.Errorf("%s: %d records are left behind", name, n)
		}
	}
	for name, tc := range map[string]struct {
		files []transfer.File
		want  string
	}{
		"nothing":                          {nil, "none of the files"},
		"no details":                       {read(t, "list-roles"), "none of the files"},
		"details twice":                    {append(read(t, details), read(t, details)...), "there twice"},
		"another output":                   {append(read(t, details), transfer.File{Name: "x", Text: []byte(`{"Stacks":[]}`)}), "not the output of a command"},
		"whose groups":                     {append(read(t, details), transfer.File{Name: "x.json", Text: []byte(`{"Groups":[]}`)}), "NAME=FILE"},
		"an unknown member":                {append(read(t, details), transfer.File{Name: "x", Subject: "eve", Text: []byte(`{"Groups":[{"GroupName":"developers"}]}`)}), "the user eve"},
		"no metadata":                      {append(read(t, details), transfer.File{Name: "x", Text: []byte(`{"SAMLProviderList":[{"Arn":"arn:aws:iam::444455556666:saml-provider/idp"}]}`)}), "get-saml-provider"},
		"bad metadata":                     {append(read(t, details), transfer.File{Name: "get-saml-provider.idp.json", Text: []byte(`{"SAMLMetadataDocument":"<x/>"}`)}), "SAML provider idp"},
		"a provider of another account":    {append(read(t, details), transfer.File{Name: "x", Text: []byte(`{"OpenIDConnectProviderList":[{"Arn":"arn:aws:iam::999999999999:oidc-provider/idp.example.com"}]}`)}), "999999999999"},
		"a provider's URL with a wildcard": {append(read(t, details), transfer.File{Name: "x", Text: []byte(`{"Url":"*.example.com","ClientIDList":[]}`)}), "*.example.com"},
		"a provider's URL in two cases":    {append(read(t, details), provider("idp.example.com", ""), provider("IDP.example.com", "")), "there twice"},
		"a bad thumbprint":                 {append(read(t, details), provider("idp.example.com", "00")), "no thumbprint"},
		"a SAML provider's name":           {append(read(t, details), transfer.File{Name: "x", Subject: "a/b", Text: []byte(`{"SAMLMetadataDocument":"<x/>"}`)}), "a/b"},
		"an empty account":                 {[]transfer.File{{Name: "x", Text: []byte(`{"UserDetailList":[]}`)}}, "name no user"},
	} {
		s := open(t)
		if _, err := apply(s, tc.files); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %q", name, err, tc.want)
		}
		if n := s.Snapshot().Accounts.Len(); n > 0 {
			t.Errorf("%s: an account is left behind", name)
		}
	}
	s := open(t)
	if _, err := apply(s, read(t, details)); err != nil {
		t.Fatal(err)
	}
	if _, err := apply(s, read(t, details)); err == nil || !strings.Contains(err.Error(), "already") {
		t.Errorf("a second import: %v", err)
	}
}

func provider(url, thumbprint string) transfer.File {
	return transfer.File{Name: url, Text: fmt.Appendf(nil, `{"Url":%q,"ClientIDList":["x"],"ThumbprintList":[%q]}`, url, cmp.Or(thumbprint, strings.Repeat("AB", 20)))}
}

// Metadata that do not say how long they are valid are valid as if they had been
// given to CreateSAMLProvider, and thumbprints are compared in lower case.
func TestImportProviders(t *testing.T) {
	s := open(t)
	metadata, err := json.Marshal(samltest.New("https://idp.example.com/metadata", 0).Metadata())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := apply(s, append(read(t, details), provider("idp.example.com", ""),
		transfer.File{Name: "get-saml-provider.idp.json", Text: fmt.Appendf(nil, `{"SAMLMetadataDocument":%s,"CreateDate":"2022-02-02T02:02:02Z"}`, metadata)})); err != nil {
		t.Fatal(err)
	}
	if p := s.Snapshot().SAMLProvider(account, "idp"); p == nil || !p.ValidUntil.Equal(time.Date(2122, 2, 2, 2, 2, 2, 0, time.UTC)) {
		t.Errorf("%+v", p)
	}
	if p := s.Snapshot().OIDCProvider(account, "idp.example.com"); p == nil || !slices.Equal(p.Thumbprints, []string{strings.Repeat("ab", 20)}) {
		t.Errorf("%+v", p)
	}
}
