package oidc

import (
	"regexp"
	"slices"
	"strings"

	strict "github.com/go-jose/go-jose/v4/json"

	"github.com/warder-iam/warder/policy"
)

// Claims are condition keys under the issuer's URL. AWS takes a few claims of
// any provider, and of some providers more; what is not listed is no condition
// key there, and not here
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html#condition-keys-wif,
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecuritytokenservice.html).

// anyProvider are the claims of every provider that are condition keys as they
// are; aud and oaud come besides.
var anyProvider = []string{"amr", "email", "sub"}

var github = []string{
	"actor", "actor_id", "enterprise_id", "environment", "job_workflow_ref", "ref", "repository",
	"repository_id", "repository_owner_id", "workflow",
}

var buildkite = []string{
	"build_branch", "cluster_id", "cluster_name", "organization_id", "organization_slug", "pipeline_id", "pipeline_slug",
}

// particular are the claims of providers with more to say.
var particular = []struct {
	issuer *regexp.Regexp
	claims []string
}{
	{regexp.MustCompile(`^token\.actions\.githubusercontent\.com(/.*)?$`), github},
	{regexp.MustCompile(`^token\.actions\.[a-z0-9-]+\.ghe\.com$`), github},
	{regexp.MustCompile(`^agent\.buildkite\.com$`), buildkite},
	{regexp.MustCompile(`^agent\.[a-z0-9-]+\.buildkite\.(dev|site)$`), buildkite},
	{regexp.MustCompile(`^gitlab\.com$`), []string{
		"namespace_id", "pipeline_source", "project_id", "ref_protected", "runner_environment", "user_access_level",
		"user_email", "user_id", "user_login",
	}},
	{regexp.MustCompile(`^accounts\.google\.com$`), []string{"google/organization_number"}},
	{regexp.MustCompile(`^idcs-[a-z0-9]+\.identity\.oraclecloud\.com$`), []string{"rpst_id"}},
	{regexp.MustCompile(`^oidc\.circleci\.com/org/.*$`), []string{"oidc.circleci.com/project-id"}},
}

// sessionClaims are the condition keys that stay in the session, for the
// policies of the role and of resources: who the bearer is.
var sessionClaims = []string{"amr", "aud", "oaud", "sub"}

// maxKept bounds what of the claims goes into a session token, in bytes.
const maxKept = 2048

// Conditions are the token's claims as condition keys, in the form in which
// package policy asks for them; keep are those that stay in the session.
func (t *Token) Conditions(p *Provider) (keys, keep map[string][]string, err error) {
	keys, keep = make(map[string][]string), make(map[string][]string)
	kept := 0
	set := func(claim string, values []string) {
		if len(values) == 0 {
			return
		}
		key := policy.KeyOf(p.URL + ":" + claim).String()
		keys[key] = values
		if slices.Contains(sessionClaims, claim) {
			keep[key] = values
			kept += len(key) + len(strings.Join(values, " "))
		}
	}
	for _, claim := range anyProvider {
		if _, ok := t.claims[claim]; ok {
			values, err := t.strings(claim)
			if err != nil {
				return nil, nil, err
			}
			set(claim, values)
		}
	}
	for _, more := range particular {
		if !more.issuer.MatchString(p.URL) {
			continue
		}
		for _, claim := range more.claims {
			if s, ok := scalar(t.claims[claim]); ok {
				set(claim, []string{s})
			}
		}
	}
	set("aud", []string{t.Audience})
	set("oaud", t.Audiences)
	if kept > maxKept {
		return nil, nil, invalid("The claims of the ID Token are too large for a session.")
	}
	return keys, keep, nil
}

// scalar is a claim's value as policies compare it: booleans and numbers read as
// their strings.
func scalar(value any) (string, bool) {
	switch v := value.(type) {
	case string:
		return v, readable(v)
	case bool:
		if v {
			return "true", true
		}
		return "false", true
	case strict.Number:
		return string(v), true
	}
	return "", false
}
