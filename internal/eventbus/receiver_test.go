package eventbus_test

import (
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/warder-iam/warder/internal/daemon"
	"github.com/warder-iam/warder/internal/eventbus"
	"github.com/warder-iam/warder/internal/outward"
	"github.com/warder-iam/warder/internal/wardertest"
)

const account = wardertest.Account

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// call is a request that a receiver got.
type call struct {
	*http.Request
	body string
}

// receiver is an endpoint by HTTP or, for webhooks, HTTPS.
type receiver struct {
	*httptest.Server
	calls  chan call
	status chan int // the next answers; 200 when there is none
}

func newReceiver(t *testing.T, tls bool) *receiver {
	t.Helper()
	r := &receiver{calls: make(chan call, 1000), status: make(chan int, 1000)}
	r.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			t.Error(err)
		}
		status := http.StatusOK
		select {
		case status = <-r.status:
		default:
		}
		w.WriteHeader(status)
		r.calls <- call{req, string(body)}
	}))
	if tls {
		r.StartTLS()
	} else {
		r.Start()
	}
	t.Cleanup(r.Close)
	return r
}

// next waits for the next call.
func (r *receiver) next(t *testing.T) call {
	t.Helper()
	select {
	case c := <-r.calls:
		return c
	case <-time.After(30 * time.Second): // a failure should not take as long as the package may
		t.Fatal("nothing came")
		return call{}
	}
}

// server is a Warder whose messages reach this machine, and whose control socket is in data.
type server struct {
	*wardertest.Server
	t    *testing.T
	data string
	eb   *eventbridge.Client
	sns  *sns.Client
	iam  *iam.Client
}

// roots is a file with the certificate of the receivers by HTTPS.
func roots(t *testing.T) string {
	t.Helper()
	r := newReceiver(t, true)
	path := filepath.Join(t.TempDir(), "ca.pem")
	must(t, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: r.Certificate().Raw}), 0o600))
	return path
}

func start(t *testing.T, change ...func(*daemon.Config)) *server {
	t.Helper()
	network, err := outward.NewNetwork("--notify-network", []string{"127.0.0.1"}, roots(t))
	must(t, err)
	data, err := os.MkdirTemp("", "bus") // short, for the socket
	must(t, err)
	t.Cleanup(func() { os.RemoveAll(data) })
	c := daemon.Config{Data: data, Trail: t.TempDir(), TestHooks: true, Notify: daemon.Notify{Network: network, FirstRetry: time.Millisecond, MostRetry: 10 * time.Millisecond}}
	for _, fn := range change {
		fn(&c)
	}
	s := wardertest.StartConfig(t, c)
	return &server{s, t, data, s.EventBridge(s.Admin), s.SNS(s.Admin), s.IAM(s.Admin)}
}

func (s *server) control(path string, in, out any) error {
	return daemon.Control(s.t.Context(), s.data, "POST", path, in, out)
}

func (s *server) dead() (letters []eventbus.DeadLetter) {
	s.t.Helper()
	must(s.t, s.control("/alerts/dead", daemon.AlertLetters{}, &letters))
	return letters
}

// await waits until something is so.
func await(t *testing.T, what string, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !so(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("never: " + what)
		}
	}
}

// topic makes a topic that EventBridge may publish to, with a confirmed endpoint.
func (s *server) topic(name string, r *receiver) string {
	s.t.Helper()
	arn := "arn:aws:sns:us-east-1:" + account + ":" + name
	policy := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":"sns:Publish","Resource":"` + arn + `"}]}`
	_, err := s.sns.CreateTopic(s.t.Context(), &sns.CreateTopicInput{Name: &name, Attributes: map[string]string{"Policy": policy}})
	must(s.t, err)
	s.subscribe(arn, r)
	return arn
}

func (s *server) subscribe(topic string, r *receiver) {
	s.t.Helper()
	_, err := s.sns.Subscribe(s.t.Context(), &sns.SubscribeInput{TopicArn: &topic, Protocol: aws.String("http"), Endpoint: &r.URL})
	must(s.t, err)
	var m struct{ SubscribeURL string }
	must(s.t, json.Unmarshal([]byte(r.next(s.t).body), &m))
	resp, err := http.Get(m.SubscribeURL)
	must(s.t, err)
	must(s.t, resp.Body.Close())
}

// message is the text of a notification.
func (r *receiver) message(t *testing.T) string {
	t.Helper()
	var m struct{ Type, Message string }
	must(t, json.Unmarshal([]byte(r.next(t).body), &m))
	if m.Type != "Notification" {
		t.Fatalf("a message of type %q", m.Type)
	}
	return m.Message
}

// rule puts a rule with targets on the default bus, or another.
func (s *server) rule(name, pattern string, state types.RuleState, targets ...types.Target) {
	s.t.Helper()
	s.ruleOn("default", name, pattern, state, targets...)
}

func (s *server) ruleOn(bus, name, pattern string, state types.RuleState, targets ...types.Target) {
	s.t.Helper()
	_, err := s.eb.PutRule(s.t.Context(), &eventbridge.PutRuleInput{Name: &name, EventBusName: &bus, EventPattern: &pattern, State: state})
	must(s.t, err)
	_, err = s.eb.PutTargets(s.t.Context(), &eventbridge.PutTargetsInput{Rule: &name, EventBusName: &bus, Targets: targets})
	must(s.t, err)
}

func (s *server) createUser(name string) {
	s.t.Helper()
	_, err := s.iam.CreateUser(s.t.Context(), &iam.CreateUserInput{UserName: &name})
	must(s.t, err)
}

// put puts an event on the default bus.
func (s *server) put(detail string) string {
	s.t.Helper()
	out, err := s.eb.PutEvents(s.t.Context(), &eventbridge.PutEventsInput{Entries: []types.PutEventsRequestEntry{
		{Source: aws.String("mine"), DetailType: aws.String("Test"), Detail: &detail},
	}})
	must(s.t, err)
	if out.FailedEntryCount != 0 {
		s.t.Fatal(*out.Entries[0].ErrorMessage)
	}
	return *out.Entries[0].EventId
}

const mine = `{"source":["mine"]}`

func (s *server) setPolicy(topic, policy string) {
	s.t.Helper()
	_, err := s.sns.SetTopicAttributes(s.t.Context(), &sns.SetTopicAttributesInput{TopicArn: &topic, AttributeName: aws.String("Policy"), AttributeValue: &policy})
	must(s.t, err)
}

func (s *server) policyOf(topic string) string {
	s.t.Helper()
	out, err := s.sns.GetTopicAttributes(s.t.Context(), &sns.GetTopicAttributesInput{TopicArn: &topic})
	must(s.t, err)
	return out.Attributes["Policy"]
}
