package daemon_test

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/warder-iam/warder/internal/daemon"
	"github.com/warder-iam/warder/internal/wardertest"
)

// enable starts a daemon and asks it for the administrator's account's issuer.
func enable(t *testing.T, c daemon.Config) (issuer string, enabling, opening error) {
	t.Helper()
	c.Store = "memory"
	d, err := daemon.Open(t.Context(), c)
	if err != nil {
		return "", nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	defer func() {
		stop()
		<-ended
		d.Close()
	}()
	url := d.URL()
	client := iam.New(iam.Options{BaseEndpoint: &url, Region: "us-east-1", RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(d.First.Admin.AccessKeyID, d.First.Admin.SecretAccessKey, "")})
	out, err := client.EnableOutboundWebIdentityFederation(t.Context(), &iam.EnableOutboundWebIdentityFederationInput{})
	if err != nil {
		return "", err, nil
	}
	return *out.IssuerIdentifier, nil, nil
}

func TestPublicURL(t *testing.T) {
	for _, bad := range []string{"iam.example.com", "ftp://iam.example.com", "https://", "https://user:secret@iam.example.com", "https://iam.example.com?x=1", "https://iam.example.com#x", "https://iam.example.com/?", "http://[::1"} {
		if _, _, err := enable(t, daemon.Config{Listen: "127.0.0.1:0", PublicURL: bad}); err == nil {
			t.Errorf("started with the public URL %s", bad)
		}
	}
	const start = "https://iam.example.com/warder/outbound/"
	issuer, err, opening := enable(t, daemon.Config{Listen: "127.0.0.1:0", PublicURL: "https://iam.example.com/warder/"})
	if err != nil || opening != nil || len(issuer) != len(start)+36 || issuer[:len(start)] != start {
		t.Errorf("%s, %v, %v", issuer, err, opening)
	}
	// An address that nobody can call makes no issuer.
	_, err, opening = enable(t, daemon.Config{Listen: "0.0.0.0:0", InsecureListen: true})
	if wardertest.Code(err) != "ValidationError" || opening != nil {
		t.Errorf("%v, %v", err, opening)
	}
	if _, err, opening = enable(t, daemon.Config{Listen: "0.0.0.0:0", InsecureListen: true, PublicURL: "https://iam.example.com"}); err != nil || opening != nil {
		t.Errorf("%v, %v", err, opening)
	}
}
