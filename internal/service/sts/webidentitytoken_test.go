package sts_test

import (
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/warder-iam/warder/internal/wardertest"
)

const audience = "https://service.example.com"

// outbound enables outbound federation and gives the issuer.
func outbound(t *testing.T, s *wardertest.Server) string {
	t.Helper()
	out, err := s.IAM(s.Admin).EnableOutboundWebIdentityFederation(t.Context(), &iam.EnableOutboundWebIdentityFederationInput{})
	if err != nil {
		t.Fatal(err)
	}
	return *out.IssuerIdentifier
}

// webToken asks for a token for audience.
func webToken(t *testing.T, s *wardertest.Server, c wardertest.Credentials, change ...func(*sts.GetWebIdentityTokenInput)) (*sts.GetWebIdentityTokenOutput, error) {
	t.Helper()
	in := &sts.GetWebIdentityTokenInput{Audience: []string{audience}, SigningAlgorithm: aws.String("ES384")}
	for _, f := range change {
		f(in)
	}
	return s.STS(c).GetWebIdentityToken(t.Context(), in)
}

// verify checks a token as a relying party does, by the issuer's documents alone,
// and gives its claims.
func verify(t *testing.T, issuer, token, audience string) (*oidc.IDToken, map[string]any) {
	t.Helper()
	provider, err := oidc.NewProvider(t.Context(), issuer)
	if err != nil {
		t.Fatal(err)
	}
	verified, err := provider.Verifier(&oidc.Config{ClientID: audience}).Verify(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	claims := make(map[string]any)
	if err := verified.Claims(&claims); err != nil {
		t.Fatal(err)
	}
	return verified, claims
}

func TestGetWebIdentityToken(t *testing.T) {
	s := wardertest.Start(t)
	_, err := webToken(t, s, s.Admin)
	wardertest.WantCode(t, err, "OutboundWebIdentityFederationDisabledException")
	if got := wardertest.Message(err); got != "OutboundWebIdentityFederation is disabled." {
		t.Errorf("disabled: %s", got)
	}
	issuer := outbound(t, s)
	if !strings.HasPrefix(issuer, s.URL+"/") {
		t.Fatalf("issuer %s of the server %s", issuer, s.URL)
	}
	_, err = s.IAM(s.Admin).TagUser(t.Context(), &iam.TagUserInput{UserName: aws.String("administrator"), Tags: []iamtypes.Tag{{Key: aws.String("team"), Value: aws.String("red")}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, algorithm := range []string{"RS256", "ES384"} {
		before := s.Clock.Now().Truncate(time.Second)
		out, err := webToken(t, s, s.Admin, func(in *sts.GetWebIdentityTokenInput) {
			in.SigningAlgorithm = &algorithm
			in.DurationSeconds = aws.Int32(900)
			in.Tags = []types.Tag{{Key: aws.String("job"), Value: aws.String("7")}}
		})
		if err != nil {
			t.Fatal(err)
		}
		token, claims := verify(t, issuer, *out.WebIdentityToken, audience)
		if token.Issuer != issuer || !token.Expiry.Equal(*out.Expiration) || token.Expiry.Sub(token.IssuedAt) != 15*time.Minute || token.IssuedAt.Before(before) {
			t.Errorf("%s: issuer %s, from %v to %v, answered %v", algorithm, token.Issuer, token.IssuedAt, token.Expiry, out.Expiration)
		}
		const admin = "arn:aws:iam::" + account + ":user/administrator"
		if token.Subject != admin || claims["aud"] != audience || len(claims["jti"].(string)) != 36 {
			t.Errorf("%s: %v", algorithm, claims)
		}
		want := map[string]any{
			"aws_account": account, "source_region": "us-east-1", "principal_id": admin,
			"principal_tags": map[string]any{"team": "red"}, "request_tags": map[string]any{"job": "7"},
		}
		if got := claims["https://sts.amazonaws.com/"]; !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v, want %v", algorithm, got, want)
		}
		if len(claims) != 7 {
			t.Errorf("%s: %d claims: %v", algorithm, len(claims), claims)
		}
	}

	out, err := webToken(t, s, s.Admin, func(in *sts.GetWebIdentityTokenInput) { in.Audience = append(in.Audience, "second") })
	if err != nil {
		t.Fatal(err)
	}
	token, claims := verify(t, issuer, *out.WebIdentityToken, "second")
	if !reflect.DeepEqual(token.Audience, []string{audience, "second"}) || token.Expiry.Sub(token.IssuedAt) != 5*time.Minute {
		t.Errorf("two audiences, the default duration: %v", claims)
	}
	// Another account has another issuer, and its keys do not verify these tokens.
	_, other, _ := s.NewAccount()
	theirs, err := s.IAM(other).EnableOutboundWebIdentityFederation(t.Context(), &iam.EnableOutboundWebIdentityFederationInput{})
	if err != nil || *theirs.IssuerIdentifier == issuer {
		t.Fatalf("another account: %v, %v", theirs, err)
	}
	provider, err := oidc.NewProvider(t.Context(), *theirs.IssuerIdentifier)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := provider.Verifier(&oidc.Config{ClientID: "second", SkipIssuerCheck: true}).Verify(t.Context(), *out.WebIdentityToken); err == nil {
		t.Error("a token verifies with another account's keys")
	}
}

func TestGetWebIdentityTokenOfASession(t *testing.T) {
	s := wardertest.Start(t)
	issuer := outbound(t, s)
	arn := role(t, s, s.Admin, "worker", trusts(account, ""), allows("sts:*WebIdentityToken", "*"))
	_, err := s.IAM(s.Admin).TagRole(t.Context(), &iam.TagRoleInput{RoleName: aws.String("worker"), Tags: []iamtypes.Tag{
		{Key: aws.String("team"), Value: aws.String("red")}, {Key: aws.String("stage"), Value: aws.String("test")}}})
	if err != nil {
		t.Fatal(err)
	}
	assumed, err := s.STS(s.Admin).AssumeRole(t.Context(), &sts.AssumeRoleInput{
		RoleArn: &arn, RoleSessionName: aws.String("job"), DurationSeconds: aws.Int32(900), SourceIdentity: aws.String("alice"),
		Tags: []types.Tag{{Key: aws.String("Team"), Value: aws.String("blue")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	session := wardertest.SessionCredentials(assumed.Credentials)
	out, err := webToken(t, s, session)
	if err != nil {
		t.Fatal(err)
	}
	token, claims := verify(t, issuer, *out.WebIdentityToken, audience)
	if token.Subject != arn {
		t.Errorf("the subject is %s, not the role", token.Subject)
	}
	want := map[string]any{
		"aws_account": account, "source_region": "us-east-1", "principal_id": arn, "source_identity": "alice",
		"original_session_exp": assumed.Credentials.Expiration.UTC().Format(time.RFC3339),
		"principal_tags":       map[string]any{"Team": "blue", "stage": "test"},
	}
	if got := claims["https://sts.amazonaws.com/"]; !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	_, err = webToken(t, s, session, func(in *sts.GetWebIdentityTokenInput) { in.DurationSeconds = aws.Int32(901) })
	wardertest.WantCode(t, err, "SessionDurationEscalationException")

	plain, err := s.STS(s.Admin).GetSessionToken(t.Context(), &sts.GetSessionTokenInput{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = webToken(t, s, wardertest.SessionCredentials(plain.Credentials))
	wardertest.WantCode(t, err, "AccessDenied")
}

func TestGetWebIdentityTokenAuthorization(t *testing.T) {
	s := wardertest.Start(t)
	outbound(t, s)
	only := s.User(s.Admin, "only", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sts:GetWebIdentityToken","Resource":"*","Condition":{
		"ForAllValues:StringEquals":{"sts:IdentityTokenAudience":"`+audience+`"},"StringEquals":{"sts:SigningAlgorithm":"ES384"},
		"NumericLessThanEquals":{"sts:DurationSeconds":300}}}}`)
	tagging := s.User(s.Admin, "tagging", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:GetWebIdentityToken","Resource":"*"},
		{"Effect":"Allow","Action":"sts:TagGetWebIdentityToken","Resource":"*","Condition":{"StringEquals":{"aws:RequestTag/job":"7"},"ForAllValues:StringEquals":{"aws:TagKeys":"job"}}}]}`)
	self := s.User(s.Admin, "self", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sts:GetWebIdentityToken","Resource":"arn:aws:sts::*:self"}}`)
	tag := func(key, value string) func(*sts.GetWebIdentityTokenInput) {
		return func(in *sts.GetWebIdentityTokenInput) { in.Tags = append(in.Tags, types.Tag{Key: &key, Value: &value}) }
	}
	for name, tt := range map[string]struct {
		c      wardertest.Credentials
		change func(*sts.GetWebIdentityTokenInput)
		code   string
	}{
		"as allowed":        {only, func(*sts.GetWebIdentityTokenInput) {}, ""},
		"on the account":    {self, func(*sts.GetWebIdentityTokenInput) {}, ""},
		"no tagging":        {self, tag("job", "7"), "AccessDenied"},
		"another audience":  {only, func(in *sts.GetWebIdentityTokenInput) { in.Audience = append(in.Audience, "x") }, "AccessDenied"},
		"another algorithm": {only, func(in *sts.GetWebIdentityTokenInput) { in.SigningAlgorithm = aws.String("RS256") }, "AccessDenied"},
		"too long":          {only, func(in *sts.GetWebIdentityTokenInput) { in.DurationSeconds = aws.Int32(301) }, "AccessDenied"},
		"tags":              {only, tag("job", "7"), "AccessDenied"},
		"allowed tag":       {tagging, tag("job", "7"), ""},
		"another value":     {tagging, tag("job", "8"), "AccessDenied"},
		"another key":       {tagging, tag("jobs", "7"), "AccessDenied"},
		"no tag":            {tagging, func(*sts.GetWebIdentityTokenInput) {}, ""},
	} {
		_, err := webToken(t, s, tt.c, tt.change)
		if got := wardertest.Code(err); got != tt.code {
			t.Errorf("%s: %v, want %q", name, err, tt.code)
		}
	}
}

func TestGetWebIdentityTokenRefusals(t *testing.T) {
	s := wardertest.Start(t)
	twice := func(in *sts.GetWebIdentityTokenInput) {
		in.Tags = []types.Tag{{Key: aws.String("x"), Value: aws.String("1")}, {Key: aws.String("X"), Value: aws.String("2")}}
	}
	// AWS looks at the tags before it looks whether there are tokens at all.
	_, err := webToken(t, s, s.Admin, twice)
	wardertest.WantCode(t, err, "InvalidParameterValue")
	outbound(t, s)
	long := strings.Repeat("x", 1000)
	var tags []types.Tag
	for i := range 20 {
		tags = append(tags, types.Tag{Key: aws.String(fmt.Sprint(i)), Value: aws.String(long[:256])})
	}
	for name, tt := range map[string]struct {
		change func(*sts.GetWebIdentityTokenInput)
		code   string
	}{
		"no such algorithm": {func(in *sts.GetWebIdentityTokenInput) { in.SigningAlgorithm = aws.String("HS256") }, "ValidationError"},
		"no algorithm":      {func(in *sts.GetWebIdentityTokenInput) { in.SigningAlgorithm = aws.String("none") }, "ValidationError"},
		"too short":         {func(in *sts.GetWebIdentityTokenInput) { in.DurationSeconds = aws.Int32(59) }, "ValidationError"},
		"too long":          {func(in *sts.GetWebIdentityTokenInput) { in.DurationSeconds = aws.Int32(3601) }, "ValidationError"},
		"no audience":       {func(in *sts.GetWebIdentityTokenInput) { in.Audience = []string{} }, "ValidationError"},
		"a reserved tag, which is none here": {func(in *sts.GetWebIdentityTokenInput) {
			in.Tags = []types.Tag{{Key: aws.String("aws:x"), Value: aws.String("")}}
		}, ""},
		"a tag twice": {twice, "InvalidParameterValue"},
		"too much":    {func(in *sts.GetWebIdentityTokenInput) { in.Audience, in.Tags = slices.Repeat([]string{long}, 10), tags }, "JWTPayloadSizeExceededException"},
	} {
		_, err := webToken(t, s, s.Admin, tt.change)
		if got := wardertest.Code(err); got != tt.code {
			t.Errorf("%s: %v, want %q", name, err, tt.code)
		}
	}
}

func TestOutboundFederationFeature(t *testing.T) {
	s := wardertest.Start(t)
	client, ctx := s.IAM(s.Admin), t.Context()
	_, err := client.GetOutboundWebIdentityFederationInfo(ctx, &iam.GetOutboundWebIdentityFederationInfoInput{})
	wardertest.WantCode(t, err, "FeatureDisabled")
	_, err = client.DisableOutboundWebIdentityFederation(ctx, &iam.DisableOutboundWebIdentityFederationInput{})
	wardertest.WantCode(t, err, "FeatureDisabled")
	issuer := outbound(t, s)
	_, err = client.EnableOutboundWebIdentityFederation(ctx, &iam.EnableOutboundWebIdentityFederationInput{})
	wardertest.WantCode(t, err, "FeatureEnabled")
	info, err := client.GetOutboundWebIdentityFederationInfo(ctx, &iam.GetOutboundWebIdentityFederationInfoInput{})
	if err != nil || *info.IssuerIdentifier != issuer || !info.JwtVendingEnabled {
		t.Errorf("%v, %v", info, err)
	}
	out, err := webToken(t, s, s.Admin)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = client.DisableOutboundWebIdentityFederation(ctx, &iam.DisableOutboundWebIdentityFederationInput{}); err != nil {
		t.Fatal(err)
	}
	_, err = webToken(t, s, s.Admin)
	wardertest.WantCode(t, err, "OutboundWebIdentityFederationDisabledException")
	verify(t, issuer, *out.WebIdentityToken, audience) // tokens that are out stay good
	if again := outbound(t, s); again != issuer {
		t.Errorf("enabled again, the issuer is %s, was %s", again, issuer)
	}

	// A reset leaves nothing of it.
	if _, err := http.Post(s.URL+"/_warder/reset", "", nil); err != nil {
		t.Fatal(err)
	}
	resp, err := http.Get(issuer + "/.well-known/openid-configuration")
	if err != nil || resp.StatusCode != http.StatusNotFound {
		t.Errorf("after a reset: %v, %v", resp.Status, err)
	}
}
