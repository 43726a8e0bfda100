package iam_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/warder-iam/warder/internal/daemon"
	"github.com/warder-iam/warder/internal/federation/oidc"
	"github.com/warder-iam/warder/internal/federation/oidc/oidctest"
	"github.com/warder-iam/warder/internal/wardertest"
)

const oidcARN = accountARN + "oidc-provider/idp.example.com/realms/R"

func makeOIDC(t testing.TB, client *iam.Client) {
	t.Helper()
	_, err := client.CreateOpenIDConnectProvider(t.Context(), &iam.CreateOpenIDConnectProviderInput{
		Url: aws.String("https://idp.example.com/realms/R"), ClientIDList: []string{"b", "a", "b"},
		ThumbprintList: []string{strings.Repeat("AB", 20)}, Tags: []types.Tag{{Key: aws.String("K"), Value: aws.String("v")}},
	})
	must(t, err)
}

func TestOIDCProviderLifecycle(t *testing.T) {
	s := wardertest.Start(t)
	client, ctx, arn := s.IAM(s.Admin), t.Context(), aws.String(oidcARN)
	tags := []types.Tag{{Key: aws.String("K"), Value: aws.String("v")}}
	made, err := client.CreateOpenIDConnectProvider(ctx, &iam.CreateOpenIDConnectProviderInput{
		Url: aws.String("https://idp.example.com/realms/R"), ClientIDList: []string{"b", "a", "b"},
		ThumbprintList: []string{strings.Repeat("AB", 20)}, Tags: tags,
	})
	must(t, err)
	if *made.OpenIDConnectProviderArn != oidcARN {
		t.Errorf("ARN %s", *made.OpenIDConnectProviderArn)
	}
	same(t, "CreateOpenIDConnectProvider", made.Tags, tags)
	got := func() *iam.GetOpenIDConnectProviderOutput {
		t.Helper()
		out, err := client.GetOpenIDConnectProvider(ctx, &iam.GetOpenIDConnectProviderInput{OpenIDConnectProviderArn: arn})
		must(t, err)
		return out
	}
	out := got()
	if *out.Url != "idp.example.com/realms/R" || time.Since(*out.CreateDate).Abs() > time.Minute {
		t.Errorf("%s of %v", *out.Url, *out.CreateDate)
	}
	same(t, "client ids", out.ClientIDList, []string{"b", "a"})
	same(t, "thumbprints", out.ThumbprintList, []string{strings.Repeat("ab", 20)})
	same(t, "tags", out.Tags, tags)

	add := func(id string) error {
		return errOf(client.AddClientIDToOpenIDConnectProvider(ctx, &iam.AddClientIDToOpenIDConnectProviderInput{OpenIDConnectProviderArn: arn, ClientID: &id}))
	}
	must(t, add("c"))
	must(t, add("a")) // idempotent
	remove := func(id string) error {
		return errOf(client.RemoveClientIDFromOpenIDConnectProvider(ctx, &iam.RemoveClientIDFromOpenIDConnectProviderInput{OpenIDConnectProviderArn: arn, ClientID: &id}))
	}
	must(t, remove("b"))
	must(t, remove("nobody")) // idempotent
	same(t, "client ids", got().ClientIDList, []string{"a", "c"})
	thumbprints := func(list ...string) error {
		return errOf(client.UpdateOpenIDConnectProviderThumbprint(ctx, &iam.UpdateOpenIDConnectProviderThumbprintInput{OpenIDConnectProviderArn: arn, ThumbprintList: list}))
	}
	must(t, thumbprints(strings.Repeat("1", 40), strings.Repeat("2", 40)))
	same(t, "thumbprints", got().ThumbprintList, []string{strings.Repeat("1", 40), strings.Repeat("2", 40)})
	// What comes twice and what is no number stays, in lower case.
	must(t, thumbprints(strings.Repeat("X", 40), strings.Repeat("x", 40)))
	same(t, "thumbprints", got().ThumbprintList, []string{strings.Repeat("x", 40), strings.Repeat("x", 40)})
	wantError(t, thumbprints("1"), "ValidationError", "…")
	wantError(t, thumbprints([]string{}...), "InvalidInput", "Thumbprint list must contain at least one entry.")
	six := []string{}
	for i := range 6 {
		six = append(six, strings.Repeat(fmt.Sprint(i), 40))
	}
	wantError(t, thumbprints(six...), "InvalidInput", "Thumbprint list must contain fewer than 5 entries.")

	must(t, errOf(client.TagOpenIDConnectProvider(ctx, &iam.TagOpenIDConnectProviderInput{OpenIDConnectProviderArn: arn, Tags: []types.Tag{{Key: aws.String("L"), Value: aws.String("w")}}})))
	must(t, errOf(client.UntagOpenIDConnectProvider(ctx, &iam.UntagOpenIDConnectProviderInput{OpenIDConnectProviderArn: arn, TagKeys: []string{"k"}})))
	listed, err := client.ListOpenIDConnectProviderTags(ctx, &iam.ListOpenIDConnectProviderTagsInput{OpenIDConnectProviderArn: arn})
	must(t, err)
	same(t, "tags", listed.Tags, []types.Tag{{Key: aws.String("L"), Value: aws.String("w")}})

	for i := 2; i < 100; i++ {
		must(t, add(fmt.Sprintf("client-%d", i)))
	}
	wantError(t, add("one too many"), "LimitExceeded", "Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: 100")

	all, err := client.ListOpenIDConnectProviders(ctx, nil)
	must(t, err)
	same(t, "ListOpenIDConnectProviders", all.OpenIDConnectProviderList, []types.OpenIDConnectProviderListEntry{{Arn: arn}})
	summary, err := client.GetAccountSummary(ctx, nil)
	must(t, err)
	if n := summary.SummaryMap["Providers"]; n != 1 {
		t.Errorf("the summary counts %d providers", n)
	}
	remove2 := func() error {
		return errOf(client.DeleteOpenIDConnectProvider(ctx, &iam.DeleteOpenIDConnectProviderInput{OpenIDConnectProviderArn: arn}))
	}
	must(t, remove2())
	wantError(t, remove2(), "NoSuchEntity", "OpenId connect Provider "+oidcARN+" cannot be found.")
	const none = "OpenIDConnect Provider not found for arn " + oidcARN
	wantError(t, errOf(client.GetOpenIDConnectProvider(ctx, &iam.GetOpenIDConnectProviderInput{OpenIDConnectProviderArn: arn})), "NoSuchEntity", none)
	wantError(t, add("x"), "NoSuchEntity", none)
	wantError(t, remove("x"), "NoSuchEntity", none)
	wantError(t, thumbprints(strings.Repeat("1", 40)), "NoSuchEntity", none)

	// The port of https is not part of the name.
	ported, err := client.CreateOpenIDConnectProvider(ctx, &iam.CreateOpenIDConnectProviderInput{
		Url: aws.String("https://port.example.com:443/a/"), ThumbprintList: []string{strings.Repeat("0", 40)},
	})
	must(t, err)
	same(t, "the ARN", *ported.OpenIDConnectProviderArn, accountARN+"oidc-provider/port.example.com/a/")
}

func TestOIDCProviderRefusals(t *testing.T) {
	s := wardertest.Start(t)
	client, ctx := s.IAM(s.Admin), t.Context()
	makeOIDC(t, client)
	create := func(url string, change func(*iam.CreateOpenIDConnectProviderInput)) error {
		in := &iam.CreateOpenIDConnectProviderInput{Url: &url, ThumbprintList: []string{strings.Repeat("0", 40)}}
		if change != nil {
			change(in)
		}
		return errOf(client.CreateOpenIDConnectProvider(ctx, in))
	}
	for _, url := range []string{
		"idp.example.com", "http://idp.example.com", "https://", "https:///path",
		"https://user@idp.example.com", "https://idp.example.com/*", "https://idp.example.com/a b", "HTTPS://idp.example.com",
		"https://-idp.example.com", "https://idp.example.com:port", "https://[::1]", "https://idp.example.com/\u00e4",
		"https://saml", "https://SAML", // its claims would be saml:sub and saml:aud
	} {
		wantError(t, create(url, nil), "ValidationError", "Invalid Open ID Connect Provider URL")
	}
	for _, url := range []string{"https://idp.example.com?x=1", "https://idp.example.com/a?x", "https://idp.example.com#f"} {
		wantError(t, create(url, nil), "InvalidInput", "The URL of an OpenID Connect provider has no query and no fragment.")
	}
	wantError(t, create("https://idp.example.com/realms/R", nil), "EntityAlreadyExists", "Provider with url https://idp.example.com/realms/R already exists.")
	// Condition keys could not tell them apart.
	wantError(t, create("https://IdP.example.com/realms/r", nil), "EntityAlreadyExists", "Provider with url https://idp.example.com/realms/R already exists.")
	wantError(t, create("https://many.example.com", func(in *iam.CreateOpenIDConnectProviderInput) {
		for i := range 101 {
			in.ClientIDList = append(in.ClientIDList, fmt.Sprint(i))
		}
	}), "LimitExceeded", "Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: 100")
	// Without a thumbprint the provider is asked: not in networks that are not public.
	for _, url := range []string{"https://127.0.0.1:1", "https://169.254.169.254", "https://10.0.0.1"} {
		err := create(url, func(in *iam.CreateOpenIDConnectProviderInput) { in.ThumbprintList = nil })
		wantError(t, err, "OpenIdIdpCommunicationError", "The identity provider at "+url+" could not be reached to read the thumbprint of its certificate. Give a thumbprint to register it all the same.")
	}
	for i := range 99 {
		must(t, create(fmt.Sprintf("https://idp.example.com:%d/", 1000+i), nil))
	}
	wantError(t, create("https://last.example.com", nil), "LimitExceeded", "Cannot exceed quota for OpenIdConnectProvidersPerAccount: 100")
	_, theirs, _ := s.NewAccount()
	wantError(t, errOf(s.IAM(theirs).GetOpenIDConnectProvider(ctx, &iam.GetOpenIDConnectProviderInput{OpenIDConnectProviderArn: aws.String(oidcARN)})), "AccessDenied", "…")
	must(t, errOf(s.IAM(theirs).CreateOpenIDConnectProvider(ctx, &iam.CreateOpenIDConnectProviderInput{Url: aws.String("https://idp.example.com/realms/R"), ThumbprintList: []string{strings.Repeat("0", 40)}})))
}

// A provider that is registered without a thumbprint has the one of its certificate.
func TestOIDCProviderThumbprint(t *testing.T) {
	p := oidctest.Start(t, "/realms/r")
	s := wardertest.StartConfig(t, daemon.Config{Store: "memory", Federation: oidc.Network{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}})
	client := s.IAM(s.Admin)
	made, err := client.CreateOpenIDConnectProvider(t.Context(), &iam.CreateOpenIDConnectProviderInput{Url: aws.String("https://" + p.URL)})
	must(t, err)
	out, err := client.GetOpenIDConnectProvider(t.Context(), &iam.GetOpenIDConnectProviderInput{OpenIDConnectProviderArn: made.OpenIDConnectProviderArn})
	must(t, err)
	same(t, "thumbprints", out.ThumbprintList, []string{p.Thumbprint()})
}

func TestOIDCProviderAccess(t *testing.T) {
	s := wardertest.Start(t)
	makeOIDC(t, s.IAM(s.Admin))
	arn := aws.String(oidcARN)
	client := s.IAM(s.User(s.Admin, "limited", `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":"iam:GetOpenIDConnectProvider","Resource":"`+oidcARN+`"},
		{"Effect":"Allow","Action":"iam:*ClientID*","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/K":"v"}}},
		{"Effect":"Allow","Action":"iam:CreateOpenIDConnectProvider","Resource":"`+accountARN+`oidc-provider/idp.example.com/*"}]}`))
	must(t, errOf(client.GetOpenIDConnectProvider(t.Context(), &iam.GetOpenIDConnectProviderInput{OpenIDConnectProviderArn: arn})))
	must(t, errOf(client.AddClientIDToOpenIDConnectProvider(t.Context(), &iam.AddClientIDToOpenIDConnectProviderInput{OpenIDConnectProviderArn: arn, ClientID: aws.String("x")})))
	create := func(url string, tags ...types.Tag) error {
		return errOf(client.CreateOpenIDConnectProvider(t.Context(), &iam.CreateOpenIDConnectProviderInput{Url: &url, ThumbprintList: []string{strings.Repeat("0", 40)}, Tags: tags}))
	}
	must(t, create("https://idp.example.com/realms/S"))
	wantError(t, create("https://other.example.com/realms/S"), "AccessDenied", "…")
	wantError(t, create("https://idp.example.com/realms/T", types.Tag{Key: aws.String("K"), Value: aws.String("v")}), "AccessDenied", "…")
	wantError(t, errOf(client.DeleteOpenIDConnectProvider(t.Context(), &iam.DeleteOpenIDConnectProviderInput{OpenIDConnectProviderArn: arn})), "AccessDenied", "…")
	untagged := aws.String(accountARN + "oidc-provider/idp.example.com/realms/S")
	wantError(t, errOf(client.AddClientIDToOpenIDConnectProvider(t.Context(), &iam.AddClientIDToOpenIDConnectProviderInput{OpenIDConnectProviderArn: untagged, ClientID: aws.String("x")})), "AccessDenied", "…")
}
