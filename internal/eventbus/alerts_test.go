package eventbus_test

import (
	"bytes"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/warder-iam/warder/internal/alert"
	"github.com/warder-iam/warder/internal/daemon"
	"github.com/warder-iam/warder/internal/signin"
)

// alarm is what a webhook gets.
type alarm struct {
	Alert, Severity, Title string
	Event                  struct {
		Source, Account string
		Detail          struct {
			EventName, Principal, Role, Network, Region string
			WarderSample                                bool
		}
	}
}

// Each ready-made alert is raised by the real thing.
func TestAlerts(t *testing.T) {
	buckets := t.TempDir()
	must(t, os.Mkdir(filepath.Join(buckets, "logs"), 0o700))
	s := start(t, func(c *daemon.Config) { c.AlertLearning, c.Buckets = time.Nanosecond, buckets })
	r := newReceiver(t, true)
	id, admin, root := s.NewAccount()
	as := s.IAM(admin)
	var enabled daemon.AlertsEnabled
	must(t, s.control("/alerts/enable", daemon.AlertsRequest{Account: id, Webhook: r.URL, WebhookKey: "the key"}, &enabled))
	if len(enabled.Rules) != len(alert.Catalogue) {
		t.Fatalf("%+v", enabled)
	}
	raised := map[string]alarm{}
	expect := func(names ...string) {
		t.Helper()
		for len(names) > 0 {
			c := r.next(t)
			var a alarm
			if err := json.Unmarshal([]byte(c.body), &a); err != nil || c.Header.Get(daemon.WebhookHeader) != "the key" || a.Event.Account != id || a.Title == "" || a.Severity == "" {
				t.Fatalf("%v, %s, %v", c.Header, c.body, err)
			}
			raised[a.Alert] = a
			names = slices.DeleteFunc(names, func(name string) bool { return name == a.Alert })
		}
	}
	ctx := t.Context()
	expect("alerts-change") // that they were enabled
	_, err := s.IAM(root).ListUsers(ctx, &iam.ListUsersInput{})
	must(t, err)
	expect("root-use")

	_, err = as.CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String("ann")})
	must(t, err)
	_, err = as.AttachUserPolicy(ctx, &iam.AttachUserPolicyInput{UserName: aws.String("ann"), PolicyArn: aws.String("arn:aws:iam::aws:policy/ReadOnlyAccess")})
	must(t, err)
	expect("policy-change")
	key, err := as.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: aws.String("ann")})
	must(t, err)
	expect("credential-created")
	_, err = as.CreateLoginProfile(ctx, &iam.CreateLoginProfileInput{UserName: aws.String("ann"), Password: aws.String("correct horse 1!Battery")})
	must(t, err)
	expect("credential-created")
	for password, status := range map[string]int{"correct horse 1!Battery": http.StatusOK, "wrong": 0} {
		body, err := json.Marshal(signin.Request{Account: id, UserName: "ann", Password: password})
		must(t, err)
		resp, err := http.Post(s.URL+signin.Path, "application/json", bytes.NewReader(body))
		must(t, err)
		must(t, resp.Body.Close())
		if status != 0 && resp.StatusCode != status {
			t.Errorf("signing in: %s", resp.Status)
		}
	}
	expect("console-login-without-mfa", "console-login-failure")
	trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + id + `:root"},"Action":"sts:AssumeRole"}]}`
	role, err := as.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("r"), AssumeRolePolicyDocument: &trust})
	must(t, err)
	_, err = as.UpdateAssumeRolePolicy(ctx, &iam.UpdateAssumeRolePolicyInput{RoleName: aws.String("r"), PolicyDocument: &trust})
	must(t, err)
	expect("trust-change")
	device, err := as.CreateVirtualMFADevice(ctx, &iam.CreateVirtualMFADeviceInput{VirtualMFADeviceName: aws.String("m")})
	must(t, err)
	_, err = as.DeleteVirtualMFADevice(ctx, &iam.DeleteVirtualMFADeviceInput{SerialNumber: device.VirtualMFADevice.SerialNumber})
	must(t, err)
	expect("mfa-deactivated")
	_, err = s.CloudTrail(admin).CreateTrail(ctx, &cloudtrail.CreateTrailInput{Name: aws.String("trail"), S3BucketName: aws.String("logs")})
	must(t, err)
	expect("trail-change")

	_, err = s.STS(admin).AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: role.Role.Arn, RoleSessionName: aws.String("test")})
	must(t, err)
	expect("new-role-assumption")
	if a := raised["new-role-assumption"]; a.Event.Source != alert.Source || a.Event.Detail.Role != *role.Role.Arn || a.Event.Detail.Principal != "arn:aws:iam::"+id+":user/administrator" {
		t.Errorf("%+v", a)
	}
	its := func(region string, from *net.TCPAddr) *iam.Client {
		client := &http.Client{Transport: &http.Transport{DialContext: (&net.Dialer{LocalAddr: from}).DialContext, DisableKeepAlives: true}}
		return iam.New(iam.Options{
			BaseEndpoint: &s.URL, Region: region, RetryMaxAttempts: 1, HTTPClient: client,
			Credentials: credentials.NewStaticCredentialsProvider(*key.AccessKey.AccessKeyId, *key.AccessKey.SecretAccessKey, ""),
		})
	}
	// The first time that somebody comes from anywhere is not from somewhere new.
	_, err = its("us-east-1", nil).GetUser(ctx, &iam.GetUserInput{})
	must(t, err)
	_, err = its("us-east-1", &net.TCPAddr{IP: net.IPv4(127, 0, 77, 1)}).GetUser(ctx, &iam.GetUserInput{})
	must(t, err)
	expect("new-network")
	if a := raised["new-network"]; a.Event.Detail.Network != "127.0.77.0/24" || a.Event.Detail.Principal != "arn:aws:iam::"+id+":user/ann" {
		t.Errorf("%+v", a)
	}
	stsIn := sts.New(sts.Options{BaseEndpoint: &s.URL, Region: "ap-south-1", Credentials: credentials.NewStaticCredentialsProvider(*key.AccessKey.AccessKeyId, *key.AccessKey.SecretAccessKey, "")})
	_, err = stsIn.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	must(t, err)
	expect("new-region")
	if a := raised["new-region"]; a.Event.Detail.Region != "ap-south-1" {
		t.Errorf("%+v", a)
	}
	for range 10 {
		if _, err := its("us-east-1", nil).CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String("x")}); err == nil {
			t.Fatal("not refused")
		}
	}
	expect("unauthorized-calls")
	_, err = s.EventBridge(admin).DisableRule(ctx, &eventbridge.DisableRuleInput{Name: aws.String("warder-root-use")})
	must(t, err)
	expect("alerts-change")

	var list []daemon.AlertStatus
	must(t, s.control("/alerts/list", daemon.AlertsRequest{Account: id}, &list))
	for _, a := range list {
		want := "on"
		if a.Name == "root-use" {
			want = "off"
		}
		if a.State != want || !slices.Equal(a.Targets, []string{r.URL}) || a.Name != "log-gap" && (a.Sent == 0 || a.LastSent.IsZero()) {
			t.Errorf("%+v", a)
		}
	}
}

// Samples go the whole way, and it is said of each receiver whether it has them.
func TestSamples(t *testing.T) {
	s, hook, endpoint := start(t), newReceiver(t, true), newReceiver(t, false)
	var tests []daemon.AlertTest
	if err := s.control("/alerts/test", daemon.AlertsRequest{}, &tests); err == nil || !strings.Contains(err.Error(), "no alert is on") {
		t.Errorf("%v", err)
	}
	if err := s.control("/alerts/enable", daemon.AlertsRequest{}, new(daemon.AlertsEnabled)); err == nil || !strings.Contains(err.Error(), "sent nowhere") {
		t.Errorf("%v", err)
	}
	topic := s.topic("told", endpoint)
	ask := daemon.AlertsRequest{Webhook: hook.URL, Topic: topic}
	var enabled daemon.AlertsEnabled
	must(t, s.control("/alerts/enable", ask, &enabled))
	if len(enabled.WebhookKey) < 20 {
		t.Errorf("%+v", enabled)
	}
	for range 2 { // enabling twice is enabling once
		var again daemon.AlertsEnabled
		must(t, s.control("/alerts/enable", ask, &again))
		if again.WebhookKey != "" || len(again.Notes) != 0 {
			t.Errorf("%+v", again)
		}
	}
	must(t, s.control("/alerts/test", daemon.AlertsRequest{}, &tests))
	if len(tests) != len(alert.Catalogue) {
		t.Fatalf("%d tests", len(tests))
	}
	for _, test := range tests {
		if test.Error != "" || len(test.Outcomes) != 2 || !test.Outcomes[0].Arrived || !test.Outcomes[1].Arrived {
			t.Errorf("%+v", test)
		}
	}
	samples := map[string]int{}
	for len(hook.calls) > 0 {
		var a alarm
		must(t, json.Unmarshal([]byte(hook.next(t).body), &a))
		if a.Event.Detail.WarderSample {
			samples[a.Alert]++
		}
	}
	for len(endpoint.calls) > 0 {
		var a alarm
		must(t, json.Unmarshal([]byte(endpoint.message(t)), &a))
		if a.Event.Detail.WarderSample {
			samples[a.Alert]++
		}
	}
	for _, a := range alert.Catalogue {
		if samples[a.Name] != 2 {
			t.Errorf("%d samples of %s came", samples[a.Name], a.Name)
		}
	}
	hook.status <- http.StatusForbidden
	must(t, s.control("/alerts/test", daemon.AlertsRequest{Names: []string{"root-use"}}, &tests))
	if len(tests) != 1 || len(tests[0].Outcomes) != 2 {
		t.Fatalf("%+v", tests)
	}
	for _, o := range tests[0].Outcomes {
		if refused := strings.HasPrefix(o.Target, "webhook"); o.Arrived == refused || o.Dead != refused || refused && !strings.Contains(o.Error, "403") {
			t.Errorf("%+v", o)
		}
	}
	must(t, s.control("/alerts/disable", daemon.AlertsRequest{Names: []string{"root-use"}}, &enabled))
	must(t, s.control("/alerts/test", daemon.AlertsRequest{Names: []string{"root-use"}}, &tests))
	if !strings.Contains(tests[0].Error, "off") {
		t.Errorf("%+v", tests)
	}
	must(t, s.control("/alerts/enable", daemon.AlertsRequest{Names: []string{"root-use"}}, &enabled)) // where it was sent is known
	must(t, s.control("/alerts/disable", daemon.AlertsRequest{Delete: true}, &enabled))
	rules, err := s.eb.ListRules(t.Context(), &eventbridge.ListRulesInput{})
	must(t, err)
	if len(rules.Rules) != 0 {
		t.Errorf("left: %+v", rules.Rules)
	}
}

// A topic that does not let EventBridge in is made to, and one that is another's is
// refused.
func TestAlertsToTopic(t *testing.T) {
	s, r := start(t), newReceiver(t, false)
	topic := s.topic("told", r)
	policy := `{"Version":"2012-10-17","Statement":{"Sid":"mine","Effect":"Allow","Principal":{"AWS":"` + account + `"},"Action":"sns:Publish","Resource":"` + topic + `"}}`
	s.setPolicy(topic, policy)
	var enabled daemon.AlertsEnabled
	ask := daemon.AlertsRequest{Names: []string{"policy-change"}, Topic: topic}
	must(t, s.control("/alerts/enable", ask, &enabled))
	if len(enabled.Notes) != 1 || !strings.Contains(enabled.Notes[0], "lets EventBridge publish") {
		t.Errorf("%+v", enabled)
	}
	if got := s.policyOf(topic); !strings.Contains(got, `"mine"`) || !strings.Contains(got, "rule/warder-*") {
		t.Errorf("%s", got)
	}
	var tests []daemon.AlertTest
	must(t, s.control("/alerts/test", ask, &tests))
	if !tests[0].Outcomes[0].Arrived {
		t.Errorf("%+v", tests)
	}
	for _, other := range []string{topic + "x", "arn:aws:sns:eu-west-1:" + account + ":told", "arn:aws:sns:us-east-1:210987654321:told", "told"} {
		if err := s.control("/alerts/enable", daemon.AlertsRequest{Topic: other}, &enabled); err == nil || !strings.Contains(err.Error(), "no topic") {
			t.Errorf("%s: %v", other, err)
		}
	}
}
