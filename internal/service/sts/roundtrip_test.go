package sts_test

import (
	"crypto/x509"
	"net/http/httptest"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/warder-iam/warder/internal/daemon"
	"github.com/warder-iam/warder/internal/federation/oidc"
	"github.com/warder-iam/warder/internal/wardertest"
)

// A principal of one account shows a token of its account's issuer to assume a
// role of another, which trusts that issuer. The server is reached by a public
// URL, through a proxy that has the certificate.
func TestWebIdentityTokenRoundTrip(t *testing.T) {
	var target *url.URL
	proxy := httptest.NewTLSServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.URL.Path = strings.TrimPrefix(r.Out.URL.Path, "/warder")
	}})
	t.Cleanup(proxy.Close)
	roots := x509.NewCertPool()
	roots.AddCert(proxy.Certificate())
	s := wardertest.StartConfig(t, daemon.Config{
		Store: "memory", TestHooks: true, PublicURL: proxy.URL + "/warder/",
		Federation: oidc.Network{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Roots: roots},
	})
	var err error
	if target, err = url.Parse(s.URL); err != nil {
		t.Fatal(err)
	}
	issuer := outbound(t, s)
	if !strings.HasPrefix(issuer, proxy.URL+"/warder/outbound/") {
		t.Fatalf("issuer %s", issuer)
	}
	_, other, _ := s.NewAccount()
	client := s.IAM(other)
	provider, err := client.CreateOpenIDConnectProvider(t.Context(), &iam.CreateOpenIDConnectProviderInput{
		Url: &issuer, ClientIDList: []string{audience}, ThumbprintList: []string{strings.Repeat("0", 40)},
	})
	if err != nil {
		t.Fatal(err)
	}
	name := strings.TrimPrefix(issuer, "https://")
	arn := role(t, s, other, "visitor", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Federated":"`+*provider.OpenIDConnectProviderArn+`"},
		"Action":"sts:AssumeRoleWithWebIdentity","Condition":{"StringEquals":{"`+name+`:sub":"arn:aws:iam::`+account+`:user/administrator"}}}}`, allows("iam:ListUsers", "*"))
	assume := func(who wardertest.Credentials, audience, algorithm string) (*sts.AssumeRoleWithWebIdentityOutput, error) {
		t.Helper()
		token, err := webToken(t, s, who, func(in *sts.GetWebIdentityTokenInput) {
			in.Audience, in.SigningAlgorithm = []string{audience}, &algorithm
		})
		if err != nil {
			t.Fatal(err)
		}
		return s.STS(wardertest.Credentials{}).AssumeRoleWithWebIdentity(t.Context(), &sts.AssumeRoleWithWebIdentityInput{
			RoleArn: &arn, RoleSessionName: aws.String("visit"), WebIdentityToken: token.WebIdentityToken,
		})
	}
	for _, algorithm := range []string{"RS256", "ES384"} {
		out, err := assume(s.Admin, audience, algorithm)
		if err != nil {
			t.Errorf("%s: %v", algorithm, err)
			continue
		}
		if _, err := s.IAM(wardertest.SessionCredentials(out.Credentials)).ListUsers(t.Context(), &iam.ListUsersInput{}); err != nil {
			t.Errorf("%s: %v", algorithm, err)
		}
	}
	_, err = assume(s.User(s.Admin, "bob", allows("sts:GetWebIdentityToken", "*")), audience, "RS256")
	wardertest.WantCode(t, err, "AccessDenied")
	_, err = assume(s.Admin, "https://elsewhere.example.com", "RS256")
	wardertest.WantCode(t, err, "InvalidIdentityToken")
}
