package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/warder-iam/warder/internal/federation/saml/samltest"
	"github.com/warder-iam/warder/internal/wardertest"
	"github.com/warder-iam/warder/sigv4"
)

// federationSecrets makes what is secret about federation, delegation and other
// services' credentials, shows it where it is refused, and adds it to secrets.
func federationSecrets(t *testing.T, s *server, secrets map[string][]byte) {
	t.Helper()
	client, tokens, ctx := s.iam(adminKey), s.sts(adminKey), t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}

	git, err := client.CreateServiceSpecificCredential(ctx, &iam.CreateServiceSpecificCredentialInput{UserName: ptr("canary"), ServiceName: ptr("codecommit.amazonaws.com")})
	must(err)
	secrets["a password for a service"] = []byte(*git.ServiceSpecificCredential.ServicePassword)
	again, err := client.ResetServiceSpecificCredential(ctx, &iam.ResetServiceSpecificCredentialInput{
		UserName: ptr("canary"), ServiceSpecificCredentialId: git.ServiceSpecificCredential.ServiceSpecificCredentialId,
	})
	must(err)
	secrets["a password for a service that was reset"] = []byte(*again.ServiceSpecificCredential.ServicePassword)
	bedrock, err := client.CreateServiceSpecificCredential(ctx, &iam.CreateServiceSpecificCredentialInput{
		UserName: ptr("canary"), ServiceName: ptr("bedrock.amazonaws.com"), CredentialAgeDays: aws.Int32(1),
	})
	must(err)
	secrets["an API key"] = []byte(*bedrock.ServiceSpecificCredential.ServiceCredentialSecret)

	// A SAML provider's private key; with metadata that are none, too.
	key := samltest.PEM(samltest.Key(1))
	metadata := samltest.New("https://idp.example.com/canary", 0).Metadata()
	_, err = client.CreateSAMLProvider(ctx, &iam.CreateSAMLProviderInput{Name: ptr("canary"), SAMLMetadataDocument: &metadata, AddPrivateKey: &key})
	must(err)
	secrets["a line of a SAML private key"] = []byte(strings.Split(key, "\n")[5])
	_, err = client.CreateSAMLProvider(ctx, &iam.CreateSAMLProviderInput{Name: ptr("broken"), SAMLMetadataDocument: &metadata, AddPrivateKey: ptr(key[:len(key)-60])})
	wardertest.WantCode(t, err, "InvalidInput")

	// A web identity token is good for whoever shows it, until it expires.
	_, err = client.EnableOutboundWebIdentityFederation(ctx, &iam.EnableOutboundWebIdentityFederationInput{})
	must(err)
	token, err := tokens.GetWebIdentityToken(ctx, &sts.GetWebIdentityTokenInput{Audience: []string{"canary"}, SigningAlgorithm: ptr("ES384")})
	must(err)
	secrets["a web identity token"] = []byte(*token.WebIdentityToken)
	_, err = tokens.AssumeRoleWithWebIdentity(ctx, &sts.AssumeRoleWithWebIdentityInput{
		RoleArn: ptr("arn:aws:iam::" + account + ":role/none"), RoleSessionName: ptr("canary"), WebIdentityToken: token.WebIdentityToken,
	})
	wardertest.WantCode(t, err, "InvalidIdentityToken")

	// And the token of a delegation request, and the session that it gets.
	policy, err := client.CreatePolicy(ctx, &iam.CreatePolicyInput{PolicyName: ptr("canary"), PolicyDocument: ptr(allow("iam:ListUsers", "*"))})
	must(err)
	request, err := client.CreateDelegationRequest(ctx, &iam.CreateDelegationRequestInput{
		Description: ptr("canary"), RequestorWorkflowId: ptr("canary"), SessionDuration: aws.Int32(3600),
		Permissions:         &types.DelegationPermission{PolicyTemplateArn: policy.Policy.Arn},
		NotificationChannel: ptr("arn:aws:sns:us-east-1:" + account + ":canary"),
	})
	must(err)
	id := request.DelegationRequestId
	_, err = client.AssociateDelegationRequest(ctx, &iam.AssociateDelegationRequestInput{DelegationRequestId: id})
	must(err)
	_, err = client.AcceptDelegationRequest(ctx, &iam.AcceptDelegationRequestInput{DelegationRequestId: id})
	must(err)
	_, err = client.SendDelegationToken(ctx, &iam.SendDelegationTokenInput{DelegationRequestId: id})
	must(err)
	trade := tradeInToken(t, s, *id)
	secrets["a token to exchange"] = []byte(trade)
	delegated, err := tokens.GetDelegatedAccessToken(ctx, &sts.GetDelegatedAccessTokenInput{TradeInToken: &trade})
	must(err)
	secrets["a delegated session's secret"] = []byte(*delegated.Credentials.SecretAccessKey)
	secrets["a delegated session's token"] = []byte(*delegated.Credentials.SessionToken)
	_, err = tokens.GetDelegatedAccessToken(ctx, &sts.GetDelegatedAccessTokenInput{TradeInToken: &trade})
	wardertest.WantCode(t, err, "ExpiredTradeInTokenException")
}

// tradeInToken asks for the token of a delegation request as its requestor does.
func tradeInToken(t *testing.T, s *server, id string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/delegation/"+id, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := sigv4.Sign(r, nil, signing(adminKey), "us-east-1", "warder", time.Now()); err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var notice struct{ TradeInToken string }
	if err := json.Unmarshal(text, &notice); err != nil || notice.TradeInToken == "" {
		t.Fatalf("%s: %v", text, err)
	}
	return notice.TradeInToken
}
