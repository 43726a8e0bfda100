package sts_test

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/go-jose/go-jose/v4"

	"github.com/warder-iam/warder/internal/daemon"
	"github.com/warder-iam/warder/internal/federation/oidc"
	"github.com/warder-iam/warder/internal/federation/oidc/oidctest"
	"github.com/warder-iam/warder/internal/wardertest"
	"github.com/warder-iam/warder/sigv4"
)

// web is a server, and a provider that its first account has registered.
type web struct {
	*wardertest.Server
	idp *oidctest.Provider
	t   testing.TB
	arn string // of the provider
}

func startWeb(t testing.TB) *web {
	t.Helper()
	return startWebConfig(t, daemon.Config{})
}

func startWebConfig(t testing.TB, c daemon.Config) *web {
	t.Helper()
	p := oidctest.Start(t, "/realms/R")
	c.Store, c.TestHooks = "memory", true
	c.Federation = oidc.Network{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Roots: p.Roots()}
	w := &web{t: t, idp: p, Server: wardertest.StartConfig(t, c)}
	out, err := w.IAM(w.Admin).CreateOpenIDConnectProvider(t.Context(), &iam.CreateOpenIDConnectProviderInput{
		Url: aws.String("https://" + p.URL), ClientIDList: []string{oidctest.Client}, ThumbprintList: []string{strings.Repeat("0", 40)},
	})
	if err != nil {
		t.Fatal(err)
	}
	w.arn = *out.OpenIDConnectProviderArn
	return w
}

// trust is a trust policy for a provider's tokens.
func (w *web) trust(provider, actions, condition string) string {
	return `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Federated":"` + provider + `"},"Action":[` + actions + `]` + condition + `}}`
}

const (
	web1   = `"sts:AssumeRoleWithWebIdentity"`
	webAll = web1 + `,"sts:TagSession","sts:SetSourceIdentity"`
)

// assume shows a token, unsigned as SDKs send it.
func (w *web) assume(role, token string, change func(*sts.AssumeRoleWithWebIdentityInput)) (*sts.AssumeRoleWithWebIdentityOutput, error) {
	w.t.Helper()
	in := &sts.AssumeRoleWithWebIdentityInput{RoleArn: &role, RoleSessionName: aws.String("session"), WebIdentityToken: &token}
	if change != nil {
		change(in)
	}
	return w.STS(wardertest.Credentials{}).AssumeRoleWithWebIdentity(w.t.Context(), in)
}

// token is a good token with changes.
func (w *web) token(change map[string]any) string { return w.idp.Token(w.Clock.Now(), change) }

func wantRefusal(t testing.TB, what string, err error, code, text string) {
	t.Helper()
	if wardertest.Code(err) != code || wardertest.Message(err) != text {
		t.Errorf("%s: %v, want %s: %s", what, err, code, text)
	}
}

const notAuthorized = "Not authorized to perform sts:AssumeRoleWithWebIdentity"

func TestAssumeRoleWithWebIdentity(t *testing.T) {
	w := startWeb(t)
	condition := `,"Condition":{"StringEquals":{"` + w.idp.URL + `:sub":"subject-1","` + w.idp.URL + `:aud":"` + oidctest.Client + `","aws:FederatedProvider":"` + w.arn + `","sts:RoleSessionName":"session"}}`
	arn := role(t, w.Server, w.Admin, "web", w.trust(w.arn, web1, condition), allows("iam:ListUsers", "*"))
	out, err := w.assume(arn, w.token(nil), nil)
	if err != nil {
		t.Fatal(err)
	}
	id := *out.AssumedRoleUser.AssumedRoleId
	if *out.SubjectFromWebIdentityToken != "subject-1" || *out.Audience != oidctest.Client || *out.Provider != w.arn ||
		*out.AssumedRoleUser.Arn != "arn:aws:sts::"+account+":assumed-role/web/session" || !strings.HasPrefix(id, "AROA") || !strings.HasSuffix(id, ":session") ||
		out.SourceIdentity != nil || webPacked(out) != nil {
		t.Errorf("%+v %+v", out, out.AssumedRoleUser)
	}
	if d := out.Credentials.Expiration.Sub(w.Clock.Now()); d < 59*time.Minute || d > time.Hour {
		t.Errorf("the session lasts %v", d)
	}
	session := wardertest.SessionCredentials(out.Credentials)
	who, err := w.STS(session).GetCallerIdentity(t.Context(), nil)
	if err != nil || *who.Arn != *out.AssumedRoleUser.Arn || *who.UserId != id {
		t.Errorf("%+v, %v", who, err)
	}
	_, err = w.IAM(session).ListUsers(t.Context(), nil)
	wardertest.WantCode(t, err, "")
	_, err = w.IAM(session).ListRoles(t.Context(), nil)
	wardertest.WantCode(t, err, "AccessDenied")
	// A session from a token is no stranger to role chaining.
	next := role(t, w.Server, w.Admin, "next", trusts(arn, `,"Condition":{"StringEquals":{"`+w.idp.URL+`:sub":"subject-1","aws:FederatedProvider":"`+w.arn+`"}}`), "")
	if _, err := w.IAM(w.Admin).PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{RoleName: aws.String("web"), PolicyName: aws.String("q"), PolicyDocument: aws.String(allows("sts:AssumeRole", next))}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.STS(session).AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: &next, RoleSessionName: aws.String("s2")}); err != nil {
		t.Error(err)
	}
}

func webPacked(out *sts.AssumeRoleWithWebIdentityOutput) *int32 {
	return out.PackedPolicySize //lint:ignore SA1019 the API has no other yet in the version that Warder speaks
}

// What trust policies decide.
func TestWebIdentityTrust(t *testing.T) {
	w := startWeb(t)
	_, others, _ := w.NewAccount()
	key := func(claim, value string) string {
		return `,"Condition":{"StringEquals":{"` + w.idp.URL + `:` + claim + `":"` + value + `"}}`
	}
	roles := map[string]string{}
	for name, trust := range map[string]string{
		"any":       w.trust(w.arn, web1, ""),
		"subject":   w.trust(w.arn, web1, key("sub", "subject-1")),
		"another":   w.trust(w.arn, web1, key("sub", "subject-2")),
		"audience":  w.trust(w.arn, web1, key("aud", "account")),
		"original":  w.trust(w.arn, web1, key("oaud", "account")),
		"group":     w.trust(w.arn, web1, key("groups", "admins")),
		"upper":     w.trust(w.arn, web1, `,"Condition":{"StringEquals":{"`+strings.ToUpper(w.idp.URL)+`:SUB":"subject-1"}}`),
		"amr":       w.trust(w.arn, web1, `,"Condition":{"ForAnyValue:StringEquals":{"`+w.idp.URL+`:amr":"otp"}}`),
		"no action": w.trust(w.arn, `"sts:AssumeRole"`, ""),
		"saml":      w.trust(w.arn, `"sts:AssumeRoleWithSAML"`, ""),
		"google":    w.trust("accounts.google.com", web1, ""),
		"other":     w.trust(strings.Replace(w.arn, "realms", "other", 1), web1, ""),
		"account":   trusts(account, ""),
		"everyone":  `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"*"},"Action":[` + web1 + `]}}`,
		"denied": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Federated":"` + w.arn + `"},"Action":` + web1 +
			`},{"Effect":"Deny","Principal":{"Federated":"` + w.arn + `"},"Action":"sts:*"` + key("sub", "subject-1") + `}]}`,
	} {
		roles[name] = role(t, w.Server, w.Admin, strings.ReplaceAll(name, " ", "-"), trust, "")
	}
	roles["missing"] = strings.Replace(roles["any"], "/any", "/missing", 1)
	roles["under a path"] = strings.Replace(roles["any"], "/any", "/path/any", 1)
	keycloak := map[string]any{"azp": oidctest.Client, "aud": "account"}
	for _, tc := range []struct {
		role   string
		change map[string]any
		ok     bool
	}{
		{"any", nil, true},
		{"subject", nil, true},
		{"subject", map[string]any{"sub": "SUBJECT-1"}, false},
		{"another", nil, false},
		{"upper", nil, true},
		{"audience", keycloak, false}, // aud is the authorized party, as with AWS
		{"original", keycloak, true},
		{"group", map[string]any{"groups": "admins"}, false}, // no condition key, as with AWS
		{"amr", map[string]any{"amr": []string{"pwd", "otp"}}, true},
		{"amr", map[string]any{"amr": []string{"pwd"}}, false},
		{"amr", nil, false},
		{"no action", nil, false},
		{"saml", nil, false},
		{"google", nil, false},
		{"other", nil, false},
		{"account", nil, false},
		{"everyone", nil, false},
		{"denied", nil, false},
		{"denied", map[string]any{"sub": "subject-2"}, true},
		{"missing", nil, false},
		{"under a path", nil, false},
	} {
		_, err := w.assume(roles[tc.role], w.token(tc.change), nil)
		if tc.ok && err != nil {
			t.Errorf("%s, %v: %v", tc.role, tc.change, err)
		} else if !tc.ok {
			wantRefusal(t, tc.role, err, "AccessDenied", notAuthorized)
		}
	}
	// The provider of one account is nobody in another, whoever trusts it there.
	theirs := role(t, w.Server, others, "theirs", w.trust(w.arn, web1, ""), "")
	_, err := w.assume(theirs, w.token(nil), nil)
	wantRefusal(t, "another account", err, "InvalidIdentityToken", "No OpenIDConnect provider found in your account for https://"+w.idp.URL)
	// Deleting the provider ends it; the trust policies stay as they are.
	if _, err := w.IAM(w.Admin).DeleteOpenIDConnectProvider(t.Context(), &iam.DeleteOpenIDConnectProviderInput{OpenIDConnectProviderArn: &w.arn}); err != nil {
		t.Fatal(err)
	}
	_, err = w.assume(roles["any"], w.token(nil), nil)
	wantRefusal(t, "a deleted provider", err, "InvalidIdentityToken", "No OpenIDConnect provider found in your account for https://"+w.idp.URL)
}

// What no trust policy can allow.
func TestWebIdentityRefusals(t *testing.T) {
	w := startWeb(t)
	arn := role(t, w.Server, w.Admin, "web", w.trust(w.arn, webAll, ""), "")
	good := w.token(nil)
	type in = sts.AssumeRoleWithWebIdentityInput
	now := w.Clock.Now()
	unknown := oidctest.Sign(t, jose.RS256, oidctest.RSA(), "unknown", w.idp.Claims(now, nil))
	for name, tc := range map[string]struct {
		token      string
		change     func(*in)
		code, text string
	}{
		"no token":       {"not-a-token", nil, "InvalidIdentityToken", "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)"},
		"no such issuer": {w.token(map[string]any{"iss": "https://elsewhere.example.com"}), nil, "InvalidIdentityToken", "No OpenIDConnect provider found in your account for https://elsewhere.example.com"},
		"issuer's case":  {w.token(map[string]any{"iss": "https://" + strings.ToLower(w.idp.URL)}), nil, "InvalidIdentityToken", "No OpenIDConnect provider found in your account for https://" + strings.ToLower(w.idp.URL)},
		"audience":       {w.token(map[string]any{"aud": "x"}), nil, "InvalidIdentityToken", "Incorrect token audience"},
		"unknown key":    {unknown, nil, "InvalidIdentityToken", "Couldn't retrieve verification key from your identity provider,  please reference AssumeRoleWithWebIdentity documentation for requirements"},
		"no role ARN":    {good, func(i *in) { i.RoleArn = aws.String("arn:aws:iam::" + account + ":user/x") }, "ValidationError", "Request ARN is invalid"},
		"too long":       {good, func(i *in) { i.DurationSeconds = aws.Int32(3601) }, "ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."},
		"a bad policy":   {good, func(i *in) { i.Policy = aws.String("{") }, "MalformedPolicyDocument", ""},
		"no such policy": {good, func(i *in) {
			i.PolicyArns = []types.PolicyDescriptorType{{Arn: aws.String("arn:aws:iam::" + account + ":policy/x")}}
		}, "ValidationError", ""},
		"Facebook":        {good, func(i *in) { i.ProviderId = aws.String("graph.facebook.com") }, "NotImplemented", ""},
		"Amazon":          {good, func(i *in) { i.ProviderId = aws.String("www.amazon.com") }, "NotImplemented", ""},
		"a provider id":   {good, func(i *in) { i.ProviderId = aws.String(w.idp.URL) }, "ValidationError", ""},
		"bad tags":        {w.token(map[string]any{"https://aws.amazon.com/tags": "x"}), nil, "InvalidIdentityToken", "The claim https://aws.amazon.com/tags of the ID Token is malformed."},
		"tags twice":      {w.token(map[string]any{"https://aws.amazon.com/tags/principal_tags/a": "x", "https://aws.amazon.com/tags/principal_tags/A": "x"}), nil, "InvalidParameterValue", ""},
		"tags of AWS":     {w.token(map[string]any{"https://aws.amazon.com/tags/principal_tags/aws:a": "x"}), nil, "InvalidParameterValue", ""},
		"transitive tags": {w.token(map[string]any{"https://aws.amazon.com/tags/transitive_tag_keys": []string{"a"}}), nil, "InvalidParameterValue", ""},
	} {
		_, err := w.assume(arn, tc.token, tc.change)
		if tc.text == "" {
			if wardertest.Code(err) != tc.code {
				t.Errorf("%s: %v, want %s", name, err, tc.code)
			}
			continue
		}
		wantRefusal(t, name, err, tc.code, tc.text)
	}
	expired := w.token(map[string]any{"exp": now.Add(-time.Minute).Unix()})
	_, err := w.assume(arn, expired, nil)
	if wardertest.Code(err) != "ExpiredTokenException" || !strings.HasPrefix(wardertest.Message(err), "Token expired: current date/time ") {
		t.Errorf("expired: %v", err)
	}
	if logged := w.Log.String(); strings.Contains(logged, good) || strings.Contains(logged, strings.Split(good, ".")[2]) {
		t.Error("the token is in the log")
	}
}

// A provider that nobody registered in the account of the role is never asked.
func TestWebIdentityAsksNoStranger(t *testing.T) {
	w := startWeb(t)
	stranger := oidctest.Start(t, "")
	arn := role(t, w.Server, w.Admin, "web", w.trust(w.arn, web1, ""), "")
	_, err := w.assume(arn, stranger.Token(w.Clock.Now(), nil), nil)
	wardertest.WantCode(t, err, "InvalidIdentityToken")
	if n := stranger.Requests(oidctest.Discovery); n != 0 {
		t.Errorf("a stranger was asked %d times", n)
	}
}

func TestWebIdentityTags(t *testing.T) {
	w := startWeb(t)
	const ns = "https://aws.amazon.com/"
	condition := `,"Condition":{"StringEquals":{"aws:RequestTag/team":"blue"},"ForAllValues:StringEquals":{"sts:TransitiveTagKeys":["team"],"aws:TagKeys":["team","stage"]}}`
	full := role(t, w.Server, w.Admin, "full", w.trust(w.arn, webAll, condition),
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:ListUsers","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalTag/team":"blue","aws:SourceIdentity":"alice"}}},{"Effect":"Allow","Action":"sts:*","Resource":"*"}]}`)
	plain := role(t, w.Server, w.Admin, "plain", w.trust(w.arn, web1, ""), "")
	next := role(t, w.Server, w.Admin, "next", trusts(full, `,"Condition":{"StringEquals":{"aws:RequestTag/team":"blue","sts:SourceIdentity":"alice"}}`), "")
	tagged := map[string]any{
		ns + "tags":            map[string]any{"principal_tags": map[string]any{"team": []string{"blue"}, "stage": "prod"}, "transitive_tag_keys": []string{"team"}},
		ns + "source_identity": "alice",
	}
	out, err := w.assume(full, w.token(tagged), nil)
	if err != nil {
		t.Fatal(err)
	}
	if aws.ToString(out.SourceIdentity) != "alice" || webPacked(out) == nil {
		t.Errorf("%+v", out)
	}
	session := wardertest.SessionCredentials(out.Credentials)
	_, err = w.IAM(session).ListUsers(t.Context(), nil)
	wardertest.WantCode(t, err, "")
	chained, err := w.STS(session).AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: &next, RoleSessionName: aws.String("s2")})
	if err != nil || aws.ToString(chained.SourceIdentity) != "alice" {
		t.Errorf("%+v, %v", chained, err)
	}
	_, err = w.assume(full, w.token(map[string]any{ns + "tags/principal_tags/team": "red"}), nil)
	wantRefusal(t, "another team", err, "AccessDenied", notAuthorized)
	_, err = w.assume(plain, w.token(map[string]any{ns + "tags/principal_tags/team": "blue"}), nil)
	wantRefusal(t, "no sts:TagSession", err, "AccessDenied", "Not authorized to perform sts:TagSession")
	_, err = w.assume(plain, w.token(map[string]any{ns + "source_identity": "alice"}), nil)
	wantRefusal(t, "no sts:SetSourceIdentity", err, "AccessDenied", "Not authorized to perform sts:SetSourceIdentity")
	_, err = w.assume(plain, w.token(nil), nil)
	wardertest.WantCode(t, err, "")
}

// Session policies limit the session, and the claims of the token are there for
// the policies of the role.
func TestWebIdentitySession(t *testing.T) {
	w := startWeb(t)
	arn := role(t, w.Server, w.Admin, "web", w.trust(w.arn, web1, ""), `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":"iam:List*","Resource":"*","Condition":{"StringEquals":{"`+w.idp.URL+`:sub":"subject-1","`+w.idp.URL+`:aud":"`+oidctest.Client+`"}}},
		{"Effect":"Allow","Action":"iam:GetAccountSummary","Resource":"*","Condition":{"StringEquals":{"`+w.idp.URL+`:email":"me@example.com"}}}]}`)
	use := func(change map[string]any, policy *string) (users, roles, summary string) {
		t.Helper()
		out, err := w.assume(arn, w.token(change), func(i *sts.AssumeRoleWithWebIdentityInput) {
			i.Policy, i.DurationSeconds = policy, aws.Int32(900)
		})
		if err != nil {
			t.Fatal(err)
		}
		c := w.IAM(wardertest.SessionCredentials(out.Credentials))
		_, err1 := c.ListUsers(t.Context(), nil)
		_, err2 := c.ListRoles(t.Context(), nil)
		_, err3 := c.GetAccountSummary(t.Context(), nil)
		return wardertest.Code(err1), wardertest.Code(err2), wardertest.Code(err3)
	}
	type codes struct{ users, roles, summary string }
	for name, tc := range map[string]struct {
		change map[string]any
		policy *string
		want   codes
	}{
		"by the subject": {nil, nil, codes{"", "", "AccessDenied"}},
		"another":        {map[string]any{"sub": "subject-2"}, nil, codes{"AccessDenied", "AccessDenied", "AccessDenied"}},
		"a policy":       {nil, aws.String(allows("iam:ListUsers", "*")), codes{"", "AccessDenied", "AccessDenied"}},
		// The address is for trust policies only, as with AWS.
		"by the address": {map[string]any{"email": "me@example.com"}, nil, codes{"", "", "AccessDenied"}},
	} {
		users, roles, summary := use(tc.change, tc.policy)
		if got := (codes{users, roles, summary}); got != tc.want {
			t.Errorf("%s: %+v, want %+v", name, got, tc.want)
		}
	}
}

// A request that is signed too, with whatever credentials, is the bearer's.
func TestWebIdentitySigned(t *testing.T) {
	w := startWeb(t)
	arn := role(t, w.Server, w.Admin, "web", w.trust(w.arn, web1, `,"Condition":{"Null":{"aws:PrincipalArn":"true","aws:MultiFactorAuthPresent":"true","aws:username":"true"}}`), "")
	theirs := role(t, w.Server, w.Admin, "users", trusts(account, ""), "")
	form := url.Values{"Action": {"AssumeRoleWithWebIdentity"}, "Version": {"2011-06-15"}, "RoleArn": {arn}, "RoleSessionName": {"session"}, "WebIdentityToken": {w.token(nil)}}
	post := func() error {
		r, err := http.NewRequest(http.MethodPost, w.Server.URL, strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		sign(t, w.Server, r, form.Encode())
		return wardertest.Do(r)
	}
	wardertest.WantCode(t, post(), "")
	form.Set("RoleArn", theirs) // which trusts the account, and so the signer, but not the token
	wantRefusal(t, "a role for the signer", post(), "AccessDenied", notAuthorized)
}

// Issuers that give tokens to everybody have to be asked whose a token is.
func TestSharedIssuers(t *testing.T) {
	s := wardertest.Start(t)
	const github = "arn:aws:iam::" + account + ":oidc-provider/token.actions.githubusercontent.com"
	const gitlab = "arn:aws:iam::" + account + ":oidc-provider/gitlab.com"
	refused := func(provider, keys string) string {
		return "Trust policy with trusted principal " + provider + " must evaluate, using StringEquals, StringLike or StringEqualsIgnoreCase, " + keys + " which is not scoped to all."
	}
	ofGitHub := refused(github, "token.actions.githubusercontent.com:sub or token.actions.githubusercontent.com:job_workflow_ref")
	const sub = "token.actions.githubusercontent.com:sub"
	for i, tc := range []struct{ provider, condition, text string }{
		{github, ``, ofGitHub},
		{github, `{"StringEquals":{"token.actions.githubusercontent.com:aud":"sts.amazonaws.com"}}`, ofGitHub},
		{github, `{"StringLike":{"` + sub + `":"*"}}`, ofGitHub},
		{github, `{"StringLike":{"` + sub + `":["repo:o/r:*","**"]}}`, ofGitHub},
		{github, `{"StringEquals":{"` + sub + `":"${` + sub + `}"}}`, ofGitHub},
		{github, `{"StringLike":{"` + sub + `":"*${Token.Actions.GitHubUserContent.com:SUB, '}'}*"}}`, ofGitHub},
		{github, `{"StringEquals":{"` + sub + `":"${sts:RoleSessionName}${aws:SourceIdentity}"}}`, ofGitHub},
		{github, `{"StringLike":{"` + sub + `":"repo:o/${sts:RoleSessionName}:*"}}`, ""},
		{github, `{"StringNotEquals":{"` + sub + `":"repo:o/r"}}`, ofGitHub},
		{github, `{"StringEqualsIfExists":{"` + sub + `":"repo:o/r"}}`, ofGitHub},
		{github, `{"ForAllValues:StringEquals":{"` + sub + `":"repo:o/r"}}`, ofGitHub},
		{github, `{"StringEquals":{"gitlab.com:sub":"repo:o/r"}}`, ofGitHub},
		{github, `{"StringEquals":{"` + sub + `":"repo:o/r:ref:refs/heads/main"}}`, ""},
		{github, `{"StringLike":{"` + sub + `":"repo:o/*"}}`, ""},
		{github, `{"StringEqualsIgnoreCase":{"Token.Actions.GitHubUserContent.com:SUB":"repo:o/r"}}`, ""},
		{github, `{"StringLike":{"token.actions.githubusercontent.com:job_workflow_ref":"o/r/.github/workflows/*"}}`, ""},
		{github + "/octo", ``, ""}, // an enterprise's own
		{gitlab, ``, refused(gitlab, "gitlab.com:sub")},
		{gitlab, `{"StringEquals":{"gitlab.com:sub":"project_path:g/p"}}`, ""},
		{"cognito-identity.amazonaws.com", ``, refused("cognito-identity.amazonaws.com", "cognito-identity.amazonaws.com:aud")},
		{"cognito-identity.amazonaws.com", `{"StringEquals":{"cognito-identity.amazonaws.com:aud":"us-east-1:pool"}}`, ""},
		{"arn:aws:iam::" + account + ":oidc-provider/idp.example.com", ``, ""},
	} {
		trust := `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Federated":"` + tc.provider + `"},"Action":"sts:AssumeRoleWithWebIdentity"}}`
		if tc.condition != "" {
			trust = strings.TrimSuffix(trust, "}}") + `,"Condition":` + tc.condition + `}}`
		}
		name := "role-" + string(rune('a'+i))
		client := s.IAM(s.Admin)
		_, err := client.CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: &trust})
		if tc.text == "" {
			if err != nil {
				t.Errorf("%s %s: %v", tc.provider, tc.condition, err)
			}
			continue
		}
		wantRefusal(t, tc.provider+" "+tc.condition, err, "MalformedPolicyDocument", tc.text)
		role(t, s, s.Admin, name, trusts(account, ""), "")
		_, err = client.UpdateAssumeRolePolicy(t.Context(), &iam.UpdateAssumeRolePolicyInput{RoleName: &name, PolicyDocument: &trust})
		wantRefusal(t, "update: "+tc.condition, err, "MalformedPolicyDocument", tc.text)
	}
}

// sign signs a request by the administrator.
func sign(t testing.TB, s *wardertest.Server, r *http.Request, body string) {
	t.Helper()
	signFor(t, s, r, body, "sts")
}

func signFor(t testing.TB, s *wardertest.Server, r *http.Request, body, service string) {
	t.Helper()
	key := sigv4.Credentials{AccessKeyID: s.Admin.AccessKeyID, SecretAccessKey: s.Admin.SecretAccessKey}
	if err := sigv4.Sign(r, []byte(body), key, "us-east-1", service, s.Clock.Now()); err != nil {
		t.Fatal(err)
	}
}
