package eventbus_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/warder-iam/warder/internal/daemon"
)

// event is an event as rules see it.
type event struct {
	Version, ID, Source, Account, Region, Time string
	DetailType                                 string `json:"detail-type"`
	Resources                                  []string
	Detail                                     struct {
		EventName, EventID, AwsRegion string
		N                             int
	}
}

func read(t *testing.T, text string) (e event) {
	t.Helper()
	must(t, json.Unmarshal([]byte(text), &e))
	return e
}

// A change is told to the topic of a rule once, as EventBridge has it.
func TestCallToTopic(t *testing.T) {
	s, r := start(t), newReceiver(t, false)
	s.rule("users", `{"source":["aws.iam"],"detail":{"eventName":["CreateUser"],"errorCode":[{"exists":false}]}}`, types.RuleStateEnabled,
		types.Target{Id: aws.String("1"), Arn: aws.String(s.topic("told", r))})
	s.createUser("ann")
	e := read(t, r.message(t))
	if e.Version != "0" || e.Source != "aws.iam" || e.DetailType != "AWS API Call via CloudTrail" || e.Account != account || e.Region != "us-east-1" ||
		e.Detail.EventName != "CreateUser" || e.Detail.AwsRegion != "us-east-1" || len(e.ID) != 36 || e.Time == "" || e.Resources == nil {
		t.Errorf("the event is %+v", e)
	}
	// What is refused changes nothing, and does not match; what comes later shows that
	// there was nothing between.
	if _, err := s.iam.CreateUser(t.Context(), &iam.CreateUserInput{UserName: aws.String("ann")}); err == nil {
		t.Fatal("a user was made twice")
	}
	s.createUser("ben")
	if again := read(t, r.message(t)); again.Detail.EventID == e.Detail.EventID || again.Detail.EventName != "CreateUser" {
		t.Errorf("then came %+v", again)
	}
	if letters := s.dead(); len(letters) != 0 {
		t.Errorf("dead letters: %+v", letters)
	}
}

// Rules get events of operations that only read if their state says so.
func TestReads(t *testing.T) {
	s, some, all := start(t), newReceiver(t, false), newReceiver(t, false)
	const pattern = `{"source":["aws.iam"],"detail":{"eventName":["ListGroups","CreateGroup"]}}`
	s.rule("some", pattern, types.RuleStateEnabled, types.Target{Id: aws.String("1"), Arn: aws.String(s.topic("some", some))})
	s.rule("all", pattern, types.RuleStateEnabledWithAllCloudtrailManagementEvents, types.Target{Id: aws.String("1"), Arn: aws.String(s.topic("all", all))})
	_, err := s.iam.ListGroups(t.Context(), &iam.ListGroupsInput{})
	must(t, err)
	if e := read(t, all.message(t)); e.Detail.EventName != "ListGroups" {
		t.Errorf("%+v", e)
	}
	_, err = s.iam.CreateGroup(t.Context(), &iam.CreateGroupInput{GroupName: aws.String("g")})
	must(t, err)
	for _, r := range []*receiver{some, all} {
		if e := read(t, r.message(t)); e.Detail.EventName != "CreateGroup" {
			t.Errorf("%+v", e)
		}
	}
}

// An event with a list where a rule asks for one of several values is found by it, once.
func TestLists(t *testing.T) {
	s, r := start(t), newReceiver(t, false)
	s.rule("list", `{"source":["mine"],"detail":{"eventName":["a","b"]}}`, types.RuleStateEnabled, types.Target{Id: aws.String("1"), Arn: aws.String(s.topic("told", r))})
	s.put(`{"eventName":["c","d"]}`)
	s.put(`{"eventName":["a","b"],"n":1}`)
	s.put(`{"eventName":"b","n":2}`)
	s.put(`{"eventName":"a","n":3}`)
	seen := 0
	for range 3 {
		var e struct{ Detail struct{ N int } }
		must(t, json.Unmarshal([]byte(r.message(t)), &e))
		seen |= 1 << e.Detail.N
	}
	if seen != 1<<1|1<<2|1<<3 {
		t.Errorf("there came %b", seen)
	}
}

// A rule that is disabled gets nothing.
func TestDisabled(t *testing.T) {
	s, r := start(t), newReceiver(t, false)
	target := types.Target{Id: aws.String("1"), Arn: aws.String(s.topic("told", r))}
	s.rule("off", `{"source":["mine"],"detail":{"n":[1]}}`, types.RuleStateDisabled, target)
	s.rule("on", `{"source":["mine"],"detail":{"n":[2]}}`, types.RuleStateEnabled, target)
	s.put(`{"n":1}`)
	s.put(`{"n":2}`)
	if e := read(t, r.message(t)); e.Detail.N != 2 {
		t.Errorf("%+v", e)
	}
}

// destination makes an API destination with a connection by API key and a role that
// may invoke it.
func (s *server) destination(name, endpoint string) (arn, role string) {
	s.t.Helper()
	trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
	made, err := s.iam.CreateRole(s.t.Context(), &iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: &trust})
	must(s.t, err)
	policy := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"events:InvokeApiDestination","Resource":"*"}]}`
	_, err = s.iam.PutRolePolicy(s.t.Context(), &iam.PutRolePolicyInput{RoleName: &name, PolicyName: &name, PolicyDocument: &policy})
	must(s.t, err)
	c, err := s.eb.CreateConnection(s.t.Context(), &eventbridge.CreateConnectionInput{
		Name: &name, AuthorizationType: types.ConnectionAuthorizationTypeApiKey, AuthParameters: &types.CreateConnectionAuthRequestParameters{
			ApiKeyAuthParameters: &types.CreateConnectionApiKeyAuthRequestParameters{ApiKeyName: aws.String("X-Key"), ApiKeyValue: aws.String("open sesame")},
			InvocationHttpParameters: &types.ConnectionHttpParameters{
				HeaderParameters: []types.ConnectionHeaderParameter{{Key: aws.String("X-Both"), Value: aws.String("connection")}},
				BodyParameters:   []types.ConnectionBodyParameter{{Key: aws.String("added"), Value: aws.String("yes")}},
			},
		},
	})
	must(s.t, err)
	d, err := s.eb.CreateApiDestination(s.t.Context(), &eventbridge.CreateApiDestinationInput{
		Name: &name, ConnectionArn: c.ConnectionArn, InvocationEndpoint: &endpoint, HttpMethod: types.ApiDestinationHttpMethodPost,
	})
	must(s.t, err)
	return *d.ApiDestinationArn, *made.Role.Arn
}

// A webhook is called with what the target, the connection and the event give it.
func TestWebhook(t *testing.T) {
	s, r := start(t), newReceiver(t, true)
	dest, role := s.destination("hook", r.URL+"/of/*")
	s.rule("hook", `{"source":["mine"]}`, types.RuleStateEnabled, types.Target{
		Id: aws.String("1"), Arn: &dest, RoleArn: &role,
		HttpParameters: &types.HttpParameters{
			PathParameterValues: []string{"$.detail.who"}, QueryStringParameters: map[string]string{"n": "$.detail.n", "missing": "$.detail.nothing"},
			HeaderParameters: map[string]string{"X-Both": "target", "X-Source": "$.source"},
		},
		InputTransformer: &types.InputTransformer{
			InputPathsMap: map[string]string{"who": "$.detail.who"}, InputTemplate: aws.String(`{"text":"<who> by <aws.events.rule-name>"}`),
		},
	})
	s.put(`{"who":"a b/c","n":7}`)
	c := r.next(t)
	if c.URL.EscapedPath() != "/of/a%20b%2Fc" || c.URL.Query().Get("n") != "7" || c.URL.Query().Get("missing") != "" || c.Method != "POST" {
		t.Errorf("%s %s", c.Method, c.URL)
	}
	if c.Header.Get("X-Key") != "open sesame" || c.Header.Get("X-Both") != "connection" || c.Header.Get("X-Source") != "mine" {
		t.Errorf("%v", c.Header)
	}
	var body map[string]string
	must(t, json.Unmarshal([]byte(c.body), &body))
	if len(body) != 2 || body["text"] != "a b/c by hook" || body["added"] != "yes" {
		t.Errorf("%s", c.body)
	}
}

// A receiver that is away gets the event when it is back; one that refuses for good
// makes it a dead letter, which can be sent again or deleted.
func TestRetriesAndDeadLetters(t *testing.T) {
	s, r := start(t), newReceiver(t, true)
	dest, role := s.destination("hook", r.URL)
	s.rule("hook", mine, types.RuleStateEnabled, types.Target{Id: aws.String("1"), Arn: &dest, RoleArn: &role})
	for range 3 {
		r.status <- http.StatusServiceUnavailable
	}
	id := s.put(`{"n":1}`)
	for range 4 {
		if e := read(t, r.next(t).body); e.ID != id {
			t.Errorf("%+v", e)
		}
	}
	r.status <- http.StatusBadRequest
	id = s.put(`{"n":2}`)
	r.next(t)
	await(t, "a dead letter", func() bool { return len(s.dead()) == 1 })
	letter := s.dead()[0]
	if letter.Event != id || letter.To != dest || !strings.Contains(letter.Error, "400") || letter.Attempts != 1 {
		t.Errorf("%+v", letter)
	}
	var left []any
	must(t, s.control("/alerts/dead", daemon.AlertLetters{Retry: letter.ID}, &left))
	if e := read(t, r.next(t).body); e.ID != id {
		t.Errorf("%+v", e)
	}
	r.status <- http.StatusGone
	s.put(`{"n":3}`)
	r.next(t)
	await(t, "a dead letter", func() bool { return len(s.dead()) == 1 })
	must(t, s.control("/alerts/dead", daemon.AlertLetters{Delete: s.dead()[0].ID}, &left))
	if len(s.dead()) != 0 {
		t.Errorf("left: %+v", s.dead())
	}
	if err := s.control("/alerts/dead", daemon.AlertLetters{Retry: letter.ID}, &left); err == nil {
		t.Error("a letter that is gone was sent again")
	}
}

// The retry policy bounds the attempts, and a topic gets the dead letter with what AWS
// says of it.
func TestRetryPolicyAndDeadLetterTopic(t *testing.T) {
	s, r, letters := start(t), newReceiver(t, true), newReceiver(t, false)
	dest, role := s.destination("hook", r.URL)
	topic := s.topic("letters", letters)
	s.rule("hook", mine, types.RuleStateEnabled, types.Target{
		Id: aws.String("1"), Arn: &dest, RoleArn: &role, RetryPolicy: &types.RetryPolicy{MaximumRetryAttempts: aws.Int32(2)},
		DeadLetterConfig: &types.DeadLetterConfig{Arn: &topic},
	})
	for range 3 {
		r.status <- http.StatusInternalServerError
	}
	id := s.put(`{"n":1}`)
	for range 3 {
		r.next(t)
	}
	var m struct {
		Message           string
		MessageAttributes map[string]struct{ Type, Value string }
	}
	must(t, json.Unmarshal([]byte(letters.next(t).body), &m))
	if read(t, m.Message).ID != id {
		t.Errorf("%s", m.Message)
	}
	for name, want := range map[string]string{
		"RULE_ARN": "arn:aws:events:us-east-1:" + account + ":rule/hook", "TARGET_ARN": dest, "EXHAUSTED_RETRY_CONDITION": "MaximumRetryAttempts", "RETRY_ATTEMPTS": "2",
	} {
		if m.MessageAttributes[name].Value != want {
			t.Errorf("%s: %+v", name, m.MessageAttributes[name])
		}
	}
	await(t, "no dead letter left", func() bool { return len(s.dead()) == 0 })
	if len(r.calls) != 0 {
		t.Error("it was tried more often")
	}
}

// What EventBridge may not do it does not: a topic whose policy does not let it in, a
// role that may not invoke, or that it may not assume.
func TestRefusals(t *testing.T) {
	s, r := start(t), newReceiver(t, true)
	_, err := s.sns.CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String("closed")})
	must(t, err)
	dest, role := s.destination("hook", r.URL)
	closed := "arn:aws:sns:us-east-1:" + account + ":closed"
	for i, change := range []struct {
		target types.Target
		before func()
		reason string
	}{
		{types.Target{Arn: &closed}, func() {}, "events.amazonaws.com is not authorized to perform: SNS:Publish on resource: " + closed},
		{types.Target{Arn: aws.String("arn:aws:sns:us-east-1:" + account + ":gone")}, func() {}, "Topic does not exist"},
		{types.Target{Arn: &dest, RoleArn: &role}, func() {
			_, err := s.iam.DeleteRolePolicy(t.Context(), &iam.DeleteRolePolicyInput{RoleName: aws.String("hook"), PolicyName: aws.String("hook")})
			must(t, err)
		}, "is not authorized to perform: events:InvokeApiDestination on resource: " + dest},
		{types.Target{Arn: &dest, RoleArn: &role}, func() {
			trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
			_, err := s.iam.UpdateAssumeRolePolicy(t.Context(), &iam.UpdateAssumeRolePolicyInput{RoleName: aws.String("hook"), PolicyDocument: &trust})
			must(t, err)
		}, "is not authorized to perform: sts:AssumeRole on resource: " + role},
	} {
		change.before()
		change.target.Id = aws.String("1")
		s.rule("refused", fmt.Sprintf(`{"source":["mine"],"detail":{"n":[%d]}}`, i), types.RuleStateEnabled, change.target)
		id := s.put(fmt.Sprintf(`{"n":%d}`, i))
		await(t, "a dead letter", func() bool { return len(s.dead()) == i+1 })
		letter := s.dead()[i]
		if letter.Event != id || !strings.Contains(letter.Error, change.reason) || letter.Attempts != 1 {
			t.Errorf("%d: %+v, want %s", i, letter, change.reason)
		}
	}
	if len(r.calls) != 0 {
		t.Error("the webhook was called")
	}
}

// Events go from bus to bus, but not on to a third one.
func TestForward(t *testing.T) {
	s, second, third := start(t), newReceiver(t, false), newReceiver(t, false)
	for _, name := range []string{"two", "three"} {
		_, err := s.eb.CreateEventBus(t.Context(), &eventbridge.CreateEventBusInput{Name: &name})
		must(t, err)
	}
	bus := func(name string) types.Target {
		return types.Target{Id: aws.String("bus"), Arn: aws.String("arn:aws:events:us-east-1:" + account + ":event-bus/" + name)}
	}
	s.ruleOn("three", "told", mine, types.RuleStateEnabled, types.Target{Id: aws.String("1"), Arn: aws.String(s.topic("third", third))})
	s.ruleOn("two", "on", mine, types.RuleStateEnabled, bus("three"), types.Target{Id: aws.String("1"), Arn: aws.String(s.topic("second", second))})
	s.rule("on", `{"source":["mine"],"detail":{"n":[1]}}`, types.RuleStateEnabled, bus("two"))
	id := s.put(`{"n":1}`)
	if e := read(t, second.message(t)); e.ID != id || e.Detail.N != 1 {
		t.Errorf("%+v", e)
	}
	// What is put on the second bus itself goes on.
	out, err := s.eb.PutEvents(t.Context(), &eventbridge.PutEventsInput{Entries: []types.PutEventsRequestEntry{
		{EventBusName: aws.String("two"), Source: aws.String("mine"), DetailType: aws.String("Test"), Detail: aws.String(`{"n":2}`)},
	}})
	must(t, err)
	if e := read(t, third.message(t)); e.ID != *out.Entries[0].EventId || e.Detail.N != 2 {
		t.Errorf("the third bus got %+v", e)
	}
}

// Another account's bus takes an event only if its policy lets the account in.
func TestForwardToAnotherAccount(t *testing.T) {
	s, r := start(t), newReceiver(t, false)
	other, admin, _ := s.NewAccount()
	its := *s
	its.eb, its.sns = s.EventBridge(admin), s.SNS(admin)
	topic := "arn:aws:sns:us-east-1:" + other + ":told"
	policy := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":"sns:Publish","Resource":"` + topic + `"}]}`
	_, err := its.sns.CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String("told"), Attributes: map[string]string{"Policy": policy}})
	must(t, err)
	its.subscribe(topic, r)
	its.rule("told", mine, types.RuleStateEnabled, types.Target{Id: aws.String("1"), Arn: &topic})
	s.rule("over", mine, types.RuleStateEnabled, types.Target{Id: aws.String("1"), Arn: aws.String("arn:aws:events:us-east-1:" + other + ":event-bus/default")})
	s.put(`{"n":1}`)
	await(t, "a dead letter", func() bool { return len(s.dead()) == 1 })
	if letter := s.dead()[0]; !strings.Contains(letter.Error, "events:PutEvents") {
		t.Errorf("%+v", letter)
	}
	_, err = its.eb.PutPermission(t.Context(), &eventbridge.PutPermissionInput{
		Action: aws.String("events:PutEvents"), Principal: aws.String(account), StatementId: aws.String("them"),
	})
	must(t, err)
	s.put(`{"n":2}`)
	if e := read(t, r.message(t)); e.Account != account || e.Detail.N != 2 {
		t.Errorf("%+v", e)
	}
}

// A receiver that never answers holds up no other.
func TestAway(t *testing.T) {
	s, r := start(t), newReceiver(t, true)
	away := newReceiver(t, true)
	hang := make(chan struct{})
	away.Config.Handler = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hang })
	defer close(hang)
	gone, role := s.destination("away", away.URL)
	there, itsRole := s.destination("there", r.URL)
	s.rule("both", mine, types.RuleStateEnabled, types.Target{Id: aws.String("away"), Arn: &gone, RoleArn: &role}, types.Target{Id: aws.String("there"), Arn: &there, RoleArn: &itsRole})
	got := map[string]bool{}
	for i := range 100 {
		s.put(fmt.Sprintf(`{"n":%d}`, i))
	}
	for range 100 {
		got[read(t, r.next(t).body).ID] = true
	}
	if len(got) != 100 {
		t.Errorf("%d events came", len(got))
	}
}
