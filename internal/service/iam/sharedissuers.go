package iam

import (
	"slices"
	"strings"

	"github.com/warder-iam/warder/arn"
	"github.com/warder-iam/warder/internal/awserr"
	"github.com/warder-iam/warder/policy"
)

// Some issuers give tokens to everybody's projects: whoever trusts one without
// asking whose token it is trusts the whole world. AWS refuses such trust
// policies, and says which claim has to be asked for
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_oidc_secure-by-default.html).

// sharedIssuers are the condition keys of which one must be asked for, by the
// issuer; a key without a colon is a claim of it.
var sharedIssuers = map[string][]string{
	"agent.buildkite.com":            {"sub"},
	"api.pulumi.com/oidc":            {"aud"},
	"app.terraform.io":               {"sub"},
	"cognito-identity.amazonaws.com": {"aud"},
	"gitlab.com":                     {"sub"},
	"oidc-configuration.audit-log.githubusercontent.com": {"sub"},
	"oidc.codefresh.io": {"sub"},
	"oidc.op1.openshiftapps.com/2f785sojlpb85i7402pk3qogugim5nfb": {"sub"},
	"oidc.vercel.com":   {"aud"},
	"proidc.upbound.io": {"sub"},
	"sandboxes.cloud":   {"aud"},
	"scalr.io":          {"sub"},
	"sts.windows.net/33e01921-4d64-4f8c-a055-5bdaffd5e33d": {"sts:RoleSessionName"},
	"studio.datachain.ai/api":                              {"sub"},
	"token.actions.githubusercontent.com":                  {"sub", "job_workflow_ref"},
	"tokens.cloud.shisho.dev":                              {"sub"},
	"vstoken.actions.githubusercontent.com":                {"sub"},
}

// askWhose refuses a trust policy that trusts a shared issuer whoever the token
// is of.
func askWhose(doc *policy.Document) error {
	for i := range doc.Statements {
		st := &doc.Statements[i]
		if st.Effect != policy.Allow {
			continue
		}
		for _, p := range st.Principals {
			if p.Type != policy.FederatedPrincipal {
				continue
			}
			keys := controls(p.Value)
			if len(keys) > 0 && !slices.ContainsFunc(keys, func(key string) bool { return asks(st, key) }) {
				return awserr.New("MalformedPolicyDocument",
					"Trust policy with trusted principal %s must evaluate, using StringEquals, StringLike or StringEqualsIgnoreCase, %s which is not scoped to all.",
					p.Value, strings.Join(keys, " or "))
			}
		}
	}
	return nil
}

// controls are the condition keys that a trust in a provider has to ask for one
// of; none if it is not shared.
func controls(principal string) (keys []string) {
	issuer := principal
	if a, err := arn.Parse(principal); err == nil {
		issuer = strings.TrimPrefix(a.Resource, "oidc-provider/")
	}
	for _, key := range sharedIssuers[strings.ToLower(strings.TrimSuffix(issuer, "/"))] {
		if !strings.Contains(key, ":") {
			key = issuer + ":" + key
		}
		keys = append(keys, key)
	}
	return keys
}

// asks says whether a statement asks for a key in a way that not every value
// passes. A variable's value is the bearer's, and may be the key itself.
func asks(st *policy.Statement, key string) bool {
	return slices.ContainsFunc(st.Conditions, func(c policy.Condition) bool {
		return strings.EqualFold(c.Key.Value, key) && selects(c.Operator) &&
			!slices.ContainsFunc(c.Values, policy.Item.Open)
	})
}

// selects says whether an operator is one of the three, and fails where the key
// is not there.
func selects(o policy.Operator) bool {
	switch o.Comparison {
	case policy.OpStringEquals, policy.OpStringEqualsIgnoreCase, policy.OpStringLike:
		return !o.IfExists && o.Quantifier != policy.ForAllValues
	default:
		return false
	}
}
