// Package wardertest starts a real Warder on a loopback port for a test, and
// makes real AWS SDK clients for it. It has no shortcuts into the server: what
// a test built on it sees is what a user sees.
package wardertest

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	ststypes "github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/aws/smithy-go"

	"github.com/warder-iam/warder/internal/daemon"
)

// Account is the account that every Server begins with.
const Account = "123456789012"

// Server is a Warder that runs until its test ends.
type Server struct {
	URL   string
	Admin Credentials // of the administrator of Account
	Clock *Clock
	Log   *bytes.Buffer // what it logged, at debug level; read it when the server is idle

	t    testing.TB
	http InMemory
}

// InMemory is an SDK's HTTP client that hands on requests with their bodies in
// memory. The SDK closes the
// body of a request as soon as the response begins, and net/http, when it does
// not know that it is in memory, may still be about to look for the body's end:
// it then takes the connection away while the response is read. That happens
// when client and server share a machine that is busy with other things.
type InMemory struct{ *http.Client }

func (c InMemory) Do(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		r = r.Clone(r.Context())
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	return c.Client.Do(r)
}

// Credentials are an access key, with a session token for sessions.
type Credentials = aws.Credentials

// Clock is the server's clock: real time plus what a test added to it. The
// clients of this package sign by it too.
type Clock struct {
	mu      sync.Mutex
	ahead   time.Duration
	stopped time.Time // zero: it runs
}

// Now is the server's time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.stopped.IsZero() {
		return c.stopped.Add(c.ahead)
	}
	return time.Now().Add(c.ahead)
}

// Stop has only Add move the clock from now on, so that a test can tell the
// second in which something happens.
func (c *Clock) Stop() {
	c.mu.Lock()
	c.stopped = time.Now()
	c.mu.Unlock()
}

// Add moves the server's clock.
func (c *Clock) Add(d time.Duration) {
	c.mu.Lock()
	c.ahead += d
	c.mu.Unlock()
}

// lockedBuffer is a buffer that a logger writes to from many goroutines.
type lockedBuffer struct {
	mu sync.Mutex
	b  *bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// Start starts a server on the memory store with test hooks.
func Start(t testing.TB) *Server {
	t.Helper()
	return StartConfig(t, daemon.Config{Store: "memory", TestHooks: true})
}

// StartConfig starts a server with a configuration of the test's own; the
// address, account, administrator and clock are filled in, and a log if there is
// none.
func StartConfig(t testing.TB, c daemon.Config) *Server {
	t.Helper()
	s := &Server{t: t, Clock: new(Clock), Log: new(bytes.Buffer)}
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	s.http = InMemory{&http.Client{Transport: transport}}
	s.Admin = Credentials{AccessKeyID: "AKIAWARDERTEST000000", SecretAccessKey: "test-secret-of-the-administrator-0000000"}
	c.Listen, c.Account = "127.0.0.1:0", Account
	c.AdminKeyID, c.AdminSecret = s.Admin.AccessKeyID, s.Admin.SecretAccessKey
	c.Now = s.Clock.Now
	if c.Log == nil {
		c.Log = slog.New(slog.NewTextHandler(&lockedBuffer{b: s.Log}, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	d, err := daemon.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	s.URL = d.URL()
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		stop()
		if err := errors.Join(<-ended, d.Close()); err != nil {
			t.Errorf("the server ended with: %v", err)
		}
	})
	return s
}

// signer signs by the server's clock.
type signer struct {
	*v4.Signer
	clock *Clock
}

func (s signer) SignHTTP(ctx context.Context, c Credentials, r *http.Request, hash, service, region string, _ time.Time, options ...func(*v4.SignerOptions)) error {
	return s.Signer.SignHTTP(ctx, c, r, hash, service, region, s.clock.Now(), options...)
}

func (s *Server) signer() signer { return signer{v4.NewSigner(), s.Clock} }

// IAM is an IAM client with these credentials. It does not retry.
func (s *Server) IAM(c Credentials) *iam.Client {
	return iam.New(iam.Options{
		BaseEndpoint: &s.URL, Region: "us-east-1", RetryMaxAttempts: 1, Credentials: provider(c), HTTPClient: s.http, HTTPSignerV4: s.signer(),
	})
}

// STS is an STS client with these credentials. It does not retry.
func (s *Server) STS(c Credentials) *sts.Client {
	return sts.New(sts.Options{
		BaseEndpoint: &s.URL, Region: "us-east-1", RetryMaxAttempts: 1, Credentials: provider(c), HTTPClient: s.http, HTTPSignerV4: s.signer(),
	})
}

// SNS is an SNS client with these credentials. It does not retry.
func (s *Server) SNS(c Credentials) *sns.Client {
	return sns.New(sns.Options{
		BaseEndpoint: &s.URL, Region: "us-east-1", RetryMaxAttempts: 1, Credentials: provider(c), HTTPClient: s.http, HTTPSignerV4: s.signer(),
	})
}

// CloudTrail is a CloudTrail client with these credentials. It does not retry.
func (s *Server) CloudTrail(c Credentials) *cloudtrail.Client {
	return cloudtrail.New(cloudtrail.Options{
		BaseEndpoint: &s.URL, Region: "us-east-1", RetryMaxAttempts: 1, Credentials: provider(c), HTTPClient: s.http, HTTPSignerV4: s.signer(),
	})
}

func provider(c Credentials) aws.CredentialsProvider {
	if c.AccessKeyID == "" {
		return aws.AnonymousCredentials{}
	}
	return credentials.StaticCredentialsProvider{Value: c}
}

// NewAccount makes another account by the test hook, with a key for its root user.
func (s *Server) NewAccount() (id string, admin, root Credentials) {
	s.t.Helper()
	return s.createAccount(`{"rootKey":true}`)
}

// NewAccountWithID makes another account with an id of the test's choice.
func (s *Server) NewAccountWithID(account string) (admin, root Credentials) {
	s.t.Helper()
	_, admin, root = s.createAccount(`{"rootKey":true,"account":"` + account + `"}`)
	return admin, root
}

func (s *Server) createAccount(spec string) (id string, admin, root Credentials) {
	s.t.Helper()
	resp, err := http.Post(s.URL+"/_warder/accounts", "application/json", bytes.NewReader([]byte(spec)))
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	var made daemon.NewAccount
	if err := json.NewDecoder(resp.Body).Decode(&made); err != nil || resp.StatusCode != http.StatusOK {
		s.t.Fatalf("account: %s, %v", resp.Status, err)
	}
	return made.ID, keyOf(made.Admin), keyOf(*made.Root)
}

func keyOf(k daemon.Key) Credentials {
	return Credentials{AccessKeyID: k.AccessKeyID, SecretAccessKey: k.SecretAccessKey}
}

// User makes a user with an access key and, unless it is empty, an inline policy.
func (s *Server) User(by Credentials, name, policy string) Credentials {
	s.t.Helper()
	client, ctx := s.IAM(by), s.t.Context()
	if _, err := client.CreateUser(ctx, &iam.CreateUserInput{UserName: &name}); err != nil {
		s.t.Fatal(err)
	}
	if policy != "" {
		if _, err := client.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: &name, PolicyName: aws.String("test"), PolicyDocument: &policy}); err != nil {
			s.t.Fatal(err)
		}
	}
	out, err := client.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: &name})
	if err != nil {
		s.t.Fatal(err)
	}
	return KeyCredentials(out.AccessKey)
}

// KeyCredentials are the credentials in an answer of CreateAccessKey.
func KeyCredentials(k *iamtypes.AccessKey) Credentials {
	return Credentials{AccessKeyID: *k.AccessKeyId, SecretAccessKey: *k.SecretAccessKey}
}

// SessionCredentials are the credentials in an answer of STS.
func SessionCredentials(c *ststypes.Credentials) Credentials {
	return Credentials{AccessKeyID: *c.AccessKeyId, SecretAccessKey: *c.SecretAccessKey, SessionToken: *c.SessionToken}
}

// Code is the AWS error code of an error; "" for nil, the error's text for
// what is no answer of a server.
func Code(err error) string {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		return e.ErrorCode()
	}
	return err.Error()
}

// Message is the message of an AWS error.
func Message(err error) string {
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		return e.ErrorMessage()
	}
	return ""
}

// WantCode fails the test unless err has the AWS error code ("" for success).
func WantCode(t testing.TB, err error, code string) {
	t.Helper()
	if got := Code(err); got != code {
		t.Errorf("got error code %q (%v), want %q", got, err, code)
	}
}

// Do sends a request that the test has made and signed itself. The error is
// the server's refusal, in the form that Code and Message read.
func Do(r *http.Request) error {
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusOK {
		return nil
	}
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "application/x-amz-json-") {
		var refusal struct {
			Type    string `json:"__type"`
			Message string `json:"message"`
		}
		if err := json.NewDecoder(resp.Body).Decode(&refusal); err != nil {
			return fmt.Errorf("%s: %w", resp.Status, err)
		}
		return &smithy.GenericAPIError{Code: refusal.Type, Message: refusal.Message}
	}
	var refusal struct {
		Error struct{ Code, Message string }
	}
	if err := xml.NewDecoder(resp.Body).Decode(&refusal); err != nil {
		return fmt.Errorf("%s: %w", resp.Status, err)
	}
	return &smithy.GenericAPIError{Code: refusal.Error.Code, Message: refusal.Error.Message}
}
