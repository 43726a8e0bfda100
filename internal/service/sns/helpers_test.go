package sns_test

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // SignatureVersion 1
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/warder-iam/warder/internal/daemon"
	"github.com/warder-iam/warder/internal/outward"
	"github.com/warder-iam/warder/internal/wardertest"
)

const account = wardertest.Account

var loopback = daemon.Notify{Network: outward.Network{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}}}

func start(t *testing.T) *wardertest.Server {
	t.Helper()
	return wardertest.StartConfig(t, daemon.Config{Store: "memory", TestHooks: true, Trail: t.TempDir(), Notify: loopback})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func want(t *testing.T, what string, err error, code, message string) {
	t.Helper()
	if wardertest.Code(err) != code || wardertest.Message(err) != message {
		t.Errorf("%s: %v, want %s: %s", what, err, code, message)
	}
}

func topicARN(name string) string { return "arn:aws:sns:us-east-1:" + account + ":" + name }

func makeTopic(t *testing.T, c *sns.Client, name string) *string {
	t.Helper()
	out, err := c.CreateTopic(t.Context(), &sns.CreateTopicInput{Name: &name})
	must(t, err)
	return out.TopicArn
}

func attributesOf(t *testing.T, c *sns.Client, topic *string) map[string]string {
	t.Helper()
	out, err := c.GetTopicAttributes(t.Context(), &sns.GetTopicAttributesInput{TopicArn: topic})
	must(t, err)
	return out.Attributes
}

func subscriptionOf(t *testing.T, c *sns.Client, arn *string) map[string]string {
	t.Helper()
	out, err := c.GetSubscriptionAttributes(t.Context(), &sns.GetSubscriptionAttributesInput{SubscriptionArn: arn})
	must(t, err)
	return out.Attributes
}

// arrival is a request that an endpoint got.
type arrival struct {
	header http.Header
	body   string
	// message are the members of the body, if it is a JSON object.
	message map[string]any
}

func (a *arrival) text(name string) string {
	text, _ := a.message[name].(string)
	return text
}

// receiver is an HTTP endpoint.
type receiver struct {
	*httptest.Server
	got    chan *arrival
	status chan int // the next answers; 200 when there is none
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{got: make(chan *arrival, 100), status: make(chan int, 100)}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			t.Error(err)
		}
		a := &arrival{header: req.Header, body: string(body)}
		_ = json.Unmarshal(body, &a.message) // a raw message need not be JSON
		select {
		case status := <-r.status:
			w.WriteHeader(status)
		default:
		}
		r.got <- a
	}))
	t.Cleanup(r.Close)
	return r
}

// next waits for the next message.
func (r *receiver) next(t *testing.T) *arrival {
	t.Helper()
	select {
	case a := <-r.got:
		return a
	case <-t.Context().Done():
		t.Fatal("no message came")
		return nil
	}
}

// subscribe subscribes an endpoint and confirms it by the link that it is sent.
func (r *receiver) subscribe(t *testing.T, c *sns.Client, topic *string, attributes map[string]string) *string {
	t.Helper()
	out, err := c.Subscribe(t.Context(), &sns.SubscribeInput{
		TopicArn: topic, Protocol: aws.String("http"), Endpoint: &r.URL, Attributes: attributes, ReturnSubscriptionArn: true,
	})
	must(t, err)
	get(t, r.next(t).text("SubscribeURL"), http.StatusOK)
	return out.SubscriptionArn
}

func get(t *testing.T, link string, status int) string {
	t.Helper()
	resp, err := http.Get(link)
	must(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	must(t, err)
	if resp.StatusCode != status {
		t.Errorf("%s answers %s: %s", link, resp.Status, body)
	}
	return string(body)
}

// verify verifies a message as AWS says that receivers should
// (https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message-verify-message-signature.html).
func verify(t *testing.T, s *wardertest.Server, a *arrival) {
	t.Helper()
	u, err := url.Parse(a.text("SigningCertURL"))
	must(t, err)
	if !strings.HasPrefix(u.String(), s.URL+"/") || !strings.HasSuffix(u.Path, ".pem") {
		t.Fatalf("the certificate is at %s", u)
	}
	block, _ := pem.Decode([]byte(get(t, u.String(), http.StatusOK)))
	if block == nil {
		t.Fatal("there is no certificate")
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	must(t, err)
	names := []string{"Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"}
	if a.text("Type") != "Notification" {
		names = []string{"Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"}
	}
	signed := ""
	for _, name := range names {
		if value, ok := a.message[name]; ok {
			signed += name + "\n" + value.(string) + "\n"
		}
	}
	signature, err := base64.StdEncoding.DecodeString(a.text("Signature"))
	must(t, err)
	hash, sum := crypto.SHA1, sha1.Sum([]byte(signed)) //nolint:gosec // see the import
	digest := sum[:]
	if a.text("SignatureVersion") == "2" {
		strong := sha256.Sum256([]byte(signed))
		hash, digest = crypto.SHA256, strong[:]
	}
	if err := rsa.VerifyPKCS1v15(cert.PublicKey.(*rsa.PublicKey), hash, digest, signature); err != nil {
		t.Errorf("the signature of %s: %v", a.body, err)
	}
}
