package sns_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"

	"github.com/warder-iam/warder/internal/wardertest"
)

var http1 = aws.String("http")

// A subscription from the request for it to its end, as its endpoint sees it.
func TestSubscription(t *testing.T) {
	s := start(t)
	c, ctx := s.SNS(s.Admin), t.Context()
	topic, r := makeTopic(t, c, "alerts"), newReceiver(t)
	out, err := c.Subscribe(ctx, &sns.SubscribeInput{TopicArn: topic, Protocol: http1, Endpoint: &r.URL})
	must(t, err)
	if *out.SubscriptionArn != "pending confirmation" {
		t.Errorf("Subscribe answers %s", *out.SubscriptionArn)
	}
	ask := r.next(t)
	if got := ask.text("Type"); got != "SubscriptionConfirmation" || ask.header.Get("X-Amz-Sns-Message-Type") != got || ask.header.Get("X-Amz-Sns-Topic-Arn") != *topic ||
		ask.header.Get("X-Amz-Sns-Message-Id") != ask.text("MessageId") || ask.header.Get("X-Amz-Sns-Subscription-Arn") != "" ||
		ask.header.Get("Content-Type") != "text/plain; charset=UTF-8" || ask.header.Get("User-Agent") != "Amazon Simple Notification Service Agent" {
		t.Errorf("asked to confirm by %v %s", ask.header, ask.body)
	}
	if !strings.HasPrefix(ask.body, "{\n  \"Type\" : \"SubscriptionConfirmation\",\n  \"MessageId\" : \"") || ask.text("SignatureVersion") != "1" ||
		ask.text("Message") != "You have chosen to subscribe to the topic "+*topic+".\nTo confirm the subscription, visit the SubscribeURL included in this message." {
		t.Errorf("the document is %s", ask.body)
	}
	verify(t, s, ask)

	list := func() string {
		t.Helper()
		out, err := c.ListSubscriptionsByTopic(ctx, &sns.ListSubscriptionsByTopicInput{TopicArn: topic})
		must(t, err)
		all, err := c.ListSubscriptions(ctx, &sns.ListSubscriptionsInput{})
		must(t, err)
		text := ""
		for i, sub := range out.Subscriptions {
			text += *sub.SubscriptionArn + " " + *sub.Owner + " " + *sub.Protocol + " " + *sub.Endpoint + " " + *sub.TopicArn + "\n"
			if *all.Subscriptions[i].SubscriptionArn != *sub.SubscriptionArn {
				t.Errorf("both lists: %v, %v", all.Subscriptions, out.Subscriptions)
			}
		}
		return text
	}
	rest := " " + account + " http " + r.URL + " " + *topic + "\n"
	if got := list(); got != "PendingConfirmation"+rest {
		t.Errorf("pending: %s", got)
	}
	// Nothing is sent before it is confirmed. Whoever asks for it again is asked again.
	_, err = c.Publish(ctx, &sns.PublishInput{TopicArn: topic, Message: aws.String("too early")})
	must(t, err)
	again, err := c.Subscribe(ctx, &sns.SubscribeInput{TopicArn: topic, Protocol: http1, Endpoint: &r.URL, ReturnSubscriptionArn: true})
	must(t, err)
	second := r.next(t)
	if second.text("Type") != "SubscriptionConfirmation" || second.text("Token") == ask.text("Token") {
		t.Errorf("asked again: %s", second.body)
	}
	arn := again.SubscriptionArn
	if !regexp.MustCompile("^" + *topic + ":[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$").MatchString(*arn) {
		t.Errorf("the ARN is %s", *arn)
	}
	if got := subscriptionOf(t, c, arn); got["PendingConfirmation"] != "true" || got["ConfirmationWasAuthenticated"] != "false" {
		t.Errorf("pending: %v", got)
	}
	_, err = c.Unsubscribe(ctx, &sns.UnsubscribeInput{SubscriptionArn: arn})
	want(t, "not confirmed", err, "InvalidParameter", "Invalid parameter: This subscription is pending confirmation and cannot be deleted")

	if body := get(t, second.text("SubscribeURL"), http.StatusOK); !strings.Contains(body, "<SubscriptionArn>"+*arn+"</SubscriptionArn>") {
		t.Errorf("the link answers %s", body)
	}
	get(t, second.text("SubscribeURL"), http.StatusOK)
	if got := list(); got != *arn+rest {
		t.Errorf("confirmed: %s", got)
	}
	got := subscriptionOf(t, c, arn)
	for name, value := range map[string]string{
		"SubscriptionArn": *arn, "TopicArn": *topic, "Owner": account, "Protocol": "http", "Endpoint": r.URL, "RawMessageDelivery": "false",
		"SubscriptionPrincipal": "arn:aws:iam::" + account + ":user/administrator", "PendingConfirmation": "false", "ConfirmationWasAuthenticated": "false",
		"EffectiveDeliveryPolicy": `{"healthyRetryPolicy":{"minDelayTarget":20,"maxDelayTarget":20,"numRetries":3,"numMaxDelayRetries":0,"numNoDelayRetries":0,"numMinDelayRetries":0,"backoffFunction":"linear"},"sicklyRetryPolicy":null,"throttlePolicy":null,"requestPolicy":{"headerContentType":"text/plain; charset=UTF-8"},"guaranteed":false}`,
	} {
		if got[name] != value {
			t.Errorf("%s is %s", name, got[name])
		}
		delete(got, name)
	}
	if len(got) != 0 {
		t.Errorf("there are also %v", got)
	}
	if got := attributesOf(t, c, topic); got["SubscriptionsConfirmed"] != "1" || got["SubscriptionsPending"] != "0" {
		t.Errorf("the topic: %v", got)
	}

	sent, err := c.Publish(ctx, &sns.PublishInput{
		TopicArn: topic, Message: aws.String(`<b>"ä"</b> & more`), Subject: aws.String("A subject"),
		MessageAttributes: map[string]types.MessageAttributeValue{
			"n": {DataType: aws.String("Number"), StringValue: aws.String("1.5")},
			"b": {DataType: aws.String("Binary"), BinaryValue: []byte{0, 1}},
		},
	})
	must(t, err)
	m := r.next(t)
	verify(t, s, m)
	attributes, _ := json.Marshal(m.message["MessageAttributes"])
	if m.text("Type") != "Notification" || m.text("MessageId") != *sent.MessageId || m.text("Message") != `<b>"ä"</b> & more` || m.text("Subject") != "A subject" ||
		m.header.Get("X-Amz-Sns-Subscription-Arn") != *arn || m.header.Get("X-Amz-Sns-Message-Type") != "Notification" || m.header.Get("X-Amz-Sns-Rawdelivery") != "" ||
		string(attributes) != `{"b":{"Type":"Binary","Value":"AAE="},"n":{"Type":"Number","Value":"1.5"}}` || m.message["Token"] != nil {
		t.Errorf("the message is %v %s", m.header, m.body)
	}
	if at, err := time.Parse("2006-01-02T15:04:05.000Z", m.text("Timestamp")); err != nil || time.Since(at).Abs() > time.Hour {
		t.Errorf("the time is %s", m.text("Timestamp"))
	}

	// Whoever has a message can end the subscription, and the endpoint undo that.
	get(t, m.text("UnsubscribeURL"), http.StatusOK)
	undo := r.next(t)
	verify(t, s, undo)
	if undo.text("Type") != "UnsubscribeConfirmation" || undo.header.Get("X-Amz-Sns-Subscription-Arn") != *arn {
		t.Errorf("it ended by %v %s", undo.header, undo.body)
	}
	if got := list(); got != "Deleted"+rest {
		t.Errorf("ended: %s", got)
	}
	_, err = c.GetSubscriptionAttributes(ctx, &sns.GetSubscriptionAttributesInput{SubscriptionArn: arn})
	want(t, "ended", err, "NotFound", "Subscription does not exist")
	get(t, m.text("UnsubscribeURL"), http.StatusOK)
	get(t, undo.text("SubscribeURL"), http.StatusOK)
	if got := list(); got != *arn+rest {
		t.Errorf("restored: %s", got)
	}

	// Its owner ends it without further ado.
	for range 2 {
		must1(c.Unsubscribe(ctx, &sns.UnsubscribeInput{SubscriptionArn: arn}))(t)
	}
	if got := list(); got != "" {
		t.Errorf("over: %s", got)
	}
	if got := attributesOf(t, c, topic); got["SubscriptionsConfirmed"] != "0" || got["SubscriptionsDeleted"] != "2" {
		t.Errorf("the topic: %v", got)
	}
	get(t, undo.text("SubscribeURL"), http.StatusBadRequest)
	if len(r.got) != 0 {
		t.Errorf("also sent was %s", (<-r.got).body)
	}
}

func TestSubscribeRefusals(t *testing.T) {
	s := start(t)
	c, ctx := s.SNS(s.Admin), t.Context()
	topic := makeTopic(t, c, "alerts")
	for _, tc := range []struct {
		protocol, endpoint string
		attributes         map[string]string
		message            string
	}{
		{"carrier-pigeon", "x", nil, "Invalid parameter: Amazon SNS does not support this protocol string: carrier-pigeon"},
		{"sqs", "arn:aws:sqs:us-east-1:123456789012:q", nil, "Invalid parameter: Protocol Reason: Warder delivers by http, https, email and email-json"},
		{"https", "http://example.com", nil, "Invalid parameter: Endpoint must match the specified protocol"},
		{"http", "http://", nil, "Invalid parameter: Endpoint"},
		{"http", "http://a b/", nil, "Invalid parameter: Endpoint"},
		{"https", "https://user:secret@example.com/", nil, "Invalid parameter: Endpoint Reason: Warder keeps no password in an endpoint's address; the endpoint can verify signatures"},
		{"email", "no address", nil, "Invalid parameter: Email address"},
		{"email", "A <a@example.com>", nil, "Invalid parameter: Email address"},
		{"email", "a@example.com", nil, "Invalid parameter: Protocol Reason: Warder has no mail server: start it with --smtp-url"},
		{"http", "http://example.com", map[string]string{"Color": "red"}, "Invalid parameter: Attributes Reason: AttributeName"},
		{"http", "http://example.com", map[string]string{"RawMessageDelivery": "maybe"}, "Invalid parameter: Attributes Reason: RawMessageDelivery: Invalid value [maybe]. Must be true or false."},
		{"http", "http://example.com", map[string]string{"FilterPolicyScope": "Head"}, "Invalid parameter: Attributes Reason: FilterPolicyScope: Invalid value [Head]. Please use either MessageBody or MessageAttributes"},
		{"http", "http://example.com", map[string]string{"FilterPolicy": "{"}, "Invalid parameter: Attributes Reason: FilterPolicy: failed to parse JSON."},
		{"http", "http://example.com", map[string]string{"RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:123456789012:q"}`}, "Invalid parameter: Attributes Reason: RedrivePolicy Reason: Warder has no queues; messages that could not be delivered stay in its outbox"},
		{"http", "http://example.com", map[string]string{"DeliveryPolicy": `{"throttlePolicy":{"maxReceivesPerSecond":5}}`}, "Invalid parameter: Attributes Reason: DeliveryPolicy: deliveries are not throttled by Warder"},
		{"http", "http://example.com", map[string]string{"DeliveryPolicy": `{"healthyRetryPolicy":{"numRetries":1,"numNoDelayRetries":2}}`}, "Invalid parameter: Attributes Reason: DeliveryPolicy: numNoDelayRetries, numMinDelayRetries and numMaxDelayRetries must not be negative, nor more than numRetries together"},
	} {
		_, err := c.Subscribe(ctx, &sns.SubscribeInput{TopicArn: topic, Protocol: &tc.protocol, Endpoint: &tc.endpoint, Attributes: tc.attributes})
		want(t, tc.protocol+" "+tc.endpoint, err, "InvalidParameter", tc.message)
	}
	_, err := c.Subscribe(ctx, &sns.SubscribeInput{TopicArn: topic, Protocol: http1})
	want(t, "no endpoint", err, "NotFound", "Endpoint not specified in subscription")
	_, err = c.Subscribe(ctx, &sns.SubscribeInput{TopicArn: aws.String(topicARN("none")), Protocol: http1, Endpoint: aws.String("http://example.com")})
	want(t, "no topic", err, "NotFound", "Topic does not exist")
	for text, message := range map[string]string{
		"pending confirmation": "Invalid parameter: SubscriptionArn Reason: An ARN must have at least 6 elements, not 1",
		*topic:                 "Invalid parameter: SubscriptionId",
		*topic + ":a:b":        "Invalid parameter: SubscriptionId",
	} {
		_, err := c.Unsubscribe(ctx, &sns.UnsubscribeInput{SubscriptionArn: &text})
		want(t, text, err, "InvalidParameter", message)
	}
	must1(c.Unsubscribe(ctx, &sns.UnsubscribeInput{SubscriptionArn: aws.String(*topic + ":00000000-0000-4000-8000-000000000000")}))(t)
}

// A token is good for one subscription, for two days, and not without its parts.
func TestTokens(t *testing.T) {
	s := start(t)
	c, ctx := s.SNS(s.Admin), t.Context()
	topic, other, r := makeTopic(t, c, "alerts"), makeTopic(t, c, "other"), newReceiver(t)
	out, err := c.Subscribe(ctx, &sns.SubscribeInput{TopicArn: topic, Protocol: http1, Endpoint: &r.URL, ReturnSubscriptionArn: true})
	must(t, err)
	token := r.next(t).text("Token")
	confirm := func(c *sns.Client, topic *string, token string, kept *string) error {
		_, err := c.ConfirmSubscription(ctx, &sns.ConfirmSubscriptionInput{TopicArn: topic, Token: &token, AuthenticateOnUnsubscribe: kept})
		return err
	}
	anonymous := s.SNS(wardertest.Credentials{})
	for _, wrong := range []string{"", "00", "zz", token[:len(token)-2], token + "00", strings.Repeat("0", len(token)), token[:72] + strings.Repeat("0", len(token)-72)} {
		want(t, "the token "+wrong, confirm(anonymous, topic, wrong, nil), "InvalidParameter", "Invalid parameter: Token")
	}
	want(t, "another topic", confirm(anonymous, other, token, nil), "InvalidParameter", "Invalid parameter: Token")
	want(t, "no topic", confirm(anonymous, aws.String(topicARN("none")), token, nil), "NotFound", "Topic does not exist")
	want(t, "kept, without a signature", confirm(anonymous, topic, token, aws.String("true")), "InvalidParameter", "Invalid parameter: AuthenticateOnUnsubscribe Reason: The request must be signed")
	nobody := s.User(s.Admin, "nobody", "")
	if err := confirm(s.SNS(nobody), topic, token, nil); wardertest.Code(err) != "AuthorizationError" {
		t.Errorf("by a user without permission: %v", err)
	}
	must(t, confirm(c, topic, token, aws.String("true")))
	if got := subscriptionOf(t, c, out.SubscriptionArn); got["ConfirmationWasAuthenticated"] != "true" {
		t.Errorf("confirmed with a signature: %v", got)
	}
	_, err = anonymous.Unsubscribe(ctx, &sns.UnsubscribeInput{SubscriptionArn: out.SubscriptionArn})
	want(t, "kept by its owner", err, "AuthorizationError", "Only the owner of the topic or of the subscription may unsubscribe the endpoint")

	late := newReceiver(t)
	must1(c.Subscribe(ctx, &sns.SubscribeInput{TopicArn: topic, Protocol: http1, Endpoint: &late.URL}))(t)
	token = late.next(t).text("Token")
	s.Clock.Add(48*time.Hour + time.Second)
	want(t, "too late", confirm(anonymous, topic, token, nil), "InvalidParameter", "Invalid parameter: Token")
}

// What of a topic's messages a subscription gets, and in which form.
func TestSubscriptionAttributes(t *testing.T) {
	s := start(t)
	c, ctx := s.SNS(s.Admin), t.Context()
	topic := makeTopic(t, c, "alerts")
	r := newReceiver(t)
	arn := r.subscribe(t, c, topic, map[string]string{"FilterPolicy": `{"level":["high",{"numeric":[">",3]}],"team":[{"prefix":"se"}]}`})
	again, err := c.Subscribe(ctx, &sns.SubscribeInput{TopicArn: topic, Protocol: http1, Endpoint: &r.URL})
	must(t, err)
	if *again.SubscriptionArn != *arn {
		t.Errorf("subscribed again: %s", *again.SubscriptionArn)
	}
	_, err = c.Subscribe(ctx, &sns.SubscribeInput{TopicArn: topic, Protocol: http1, Endpoint: &r.URL, Attributes: map[string]string{"RawMessageDelivery": "true"}})
	want(t, "subscribed again otherwise", err, "InvalidParameter", "Invalid parameter: Attributes Reason: Subscription already exists with different attributes")
	set := func(name, value string) error {
		_, err := c.SetSubscriptionAttributes(ctx, &sns.SetSubscriptionAttributesInput{SubscriptionArn: arn, AttributeName: &name, AttributeValue: &value})
		return err
	}
	publish := func(message string, attributes map[string]types.MessageAttributeValue) {
		t.Helper()
		must1(c.Publish(ctx, &sns.PublishInput{TopicArn: topic, Message: &message, MessageAttributes: attributes}))(t)
	}
	value := func(kind, text string) types.MessageAttributeValue {
		return types.MessageAttributeValue{DataType: &kind, StringValue: &text}
	}
	arrives := func(what, message string) *arrival {
		t.Helper()
		a := r.next(t)
		if got := a.text("Message"); got != message && a.body != message {
			t.Errorf("%s: there came %s", what, a.body)
		}
		return a
	}
	security := value("String", "security")
	publish("no attributes", nil)
	publish("low", map[string]types.MessageAttributeValue{"level": value("String", "low"), "team": security})
	publish("another team", map[string]types.MessageAttributeValue{"level": value("String", "high"), "team": value("String", "sales")})
	publish("two", map[string]types.MessageAttributeValue{"level": value("Number", "2"), "team": security})
	publish("a number as a string", map[string]types.MessageAttributeValue{"level": value("String", "4"), "team": security})
	publish("high", map[string]types.MessageAttributeValue{"level": value("String", "high"), "team": security})
	arrives("by a string", "high")
	publish("four", map[string]types.MessageAttributeValue{"level": value("Number", "4"), "team": security})
	arrives("by a number", "four")
	publish("several", map[string]types.MessageAttributeValue{"level": value("String.Array", `["low","high"]`), "team": security})
	arrives("by an array", "several")
	publish("attributes in the body", nil)

	must(t, set("FilterPolicyScope", "MessageBody"))
	must(t, set("FilterPolicy", `{"detail":{"level":["high"]}}`))
	if got := subscriptionOf(t, c, arn); got["FilterPolicyScope"] != "MessageBody" || got["FilterPolicy"] != `{"detail":{"level":["high"]}}` {
		t.Errorf("the filter is %v", got)
	}
	publish("no JSON", nil)
	publish(`{"detail":{"level":"low"}}`, nil)
	publish(`["high"]`, nil)
	publish(`{"detail":{"level":"high"}}`, nil)
	arrives("by the body", `{"detail":{"level":"high"}}`)
	want(t, "nested, of attributes", set("FilterPolicyScope", "MessageAttributes"), "InvalidParameter", "Invalid parameter: Filter policy scope MessageAttributes does not support nested filter policy")
	for policy, message := range map[string]string{
		`[]`: "Invalid parameter: FilterPolicy: failed to parse JSON.",
		`{"a":["1"],"b":["1"],"c":["1"],"d":["1"],"e":["1"],"f":["1"]}`: "Invalid parameter: FilterPolicy: Filter policy can not have more than 5 keys",
		`{"a":` + numbers(151) + `}`:                                    "Invalid parameter: FilterPolicy: Filter policy is too complex",
		`{"a":"b"}`:                                                     `Invalid parameter: FilterPolicy: "a" must be an object or an array`,
		`{"a":[]}`:                                                      "Invalid parameter: FilterPolicy: Empty arrays are not allowed",
		`{"a":[{"wildcard":"x*"}]}`:                                     "Invalid parameter: FilterPolicy: Unrecognized match type wildcard",
		`{"a":[{"magic":"x"}]}`:                                         "Invalid parameter: FilterPolicy: Unrecognized match type magic",
	} {
		err := set("FilterPolicy", policy)
		if wardertest.Code(err) != "InvalidParameter" || !strings.HasPrefix(wardertest.Message(err), message) {
			t.Errorf("%s: %v, want %s", policy, err, message)
		}
	}
	must(t, set("FilterPolicy", "{}"))
	if got := subscriptionOf(t, c, arn); got["FilterPolicyScope"] != "" || got["FilterPolicy"] != "" {
		t.Errorf("without a filter: %v", got)
	}
	must(t, set("FilterPolicyScope", "MessageAttributes"))

	must(t, set("RawMessageDelivery", "True"))
	publish("raw", map[string]types.MessageAttributeValue{"level": value("String", "high")})
	if a := arrives("raw", "raw"); a.body != "raw" || a.header.Get("X-Amz-Sns-Rawdelivery") != "true" || a.header.Get("X-Amz-Sns-Message-Type") != "Notification" {
		t.Errorf("raw: %v %q", a.header, a.body)
	}
	must(t, set("RawMessageDelivery", "false"))
	must(t, set("DeliveryPolicy", `{"requestPolicy":{"headerContentType":"application/json"}}`))
	publish("JSON", nil)
	if a := arrives("as JSON", "JSON"); a.header.Get("Content-Type") != "application/json" {
		t.Errorf("the content type is %s", a.header.Get("Content-Type"))
	}
	// By another protocol's text, and by the newer signature.
	must1(c.SetTopicAttributes(ctx, &sns.SetTopicAttributesInput{TopicArn: topic, AttributeName: aws.String("SignatureVersion"), AttributeValue: aws.String("2")}))(t)
	must1(c.Publish(ctx, &sns.PublishInput{TopicArn: topic, MessageStructure: aws.String("json"), Message: aws.String(`{"default":"d","http":"for http","email":"e","n":1}`)}))(t)
	a := arrives("by protocol", "for http")
	if a.text("SignatureVersion") != "2" {
		t.Errorf("the signature is of version %s", a.text("SignatureVersion"))
	}
	verify(t, s, a)
	if len(r.got) != 0 {
		t.Errorf("also sent was %s", (<-r.got).body)
	}
}

func numbers(n int) string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprint(i)
	}
	return "[" + strings.Join(all, ",") + "]"
}

// What fails in passing is tried again, as often as the delivery policy says; what
// fails for good is not.
func TestRetries(t *testing.T) {
	s := start(t)
	c, ctx := s.SNS(s.Admin), t.Context()
	topic, r := makeTopic(t, c, "alerts"), newReceiver(t)
	r.subscribe(t, c, topic, map[string]string{"DeliveryPolicy": `{"healthyRetryPolicy":{"minDelayTarget":1,"maxDelayTarget":1,"numRetries":2,"numNoDelayRetries":2,"backoffFunction":"linear"}}`})
	publish := func(message string) {
		t.Helper()
		must1(c.Publish(ctx, &sns.PublishInput{TopicArn: topic, Message: &message}))(t)
	}
	arrives := func(message string, times int) {
		t.Helper()
		for range times {
			if got := r.next(t).text("Message"); got != message {
				t.Errorf("there came %s, want %s", got, message)
			}
		}
	}
	r.status <- 503
	r.status <- 429
	publish("third time lucky")
	arrives("third time lucky", 3)
	for range 3 {
		r.status <- 500
	}
	publish("given up")
	arrives("given up", 3)
	r.status <- 404
	publish("refused")
	arrives("refused", 1)
	r.status <- 302
	publish("elsewhere")
	arrives("elsewhere", 1)
	publish("last")
	arrives("last", 1)
}

// Another account's endpoint, subscribed by that account.
func TestSubscriptionAcrossAccounts(t *testing.T) {
	s := start(t)
	c, ctx := s.SNS(s.Admin), t.Context()
	other, otherAdmin, _ := s.NewAccount()
	them := s.SNS(otherAdmin)
	topic, r := makeTopic(t, c, "shared"), newReceiver(t)
	must1(c.AddPermission(ctx, &sns.AddPermissionInput{TopicArn: topic, Label: aws.String("l"), AWSAccountId: []string{other}, ActionName: []string{"Subscribe"}}))(t)
	arn := r.subscribe(t, them, topic, nil)
	if got := subscriptionOf(t, them, arn); got["Owner"] != other {
		t.Errorf("the owner is %v", got)
	}
	for what, c := range map[string]*sns.Client{"who subscribed": them, "the topic's account": c} {
		list, err := c.ListSubscriptions(ctx, &sns.ListSubscriptionsInput{})
		must(t, err)
		if len(list.Subscriptions) != map[string]int{"who subscribed": 1}[what] {
			t.Errorf("%s has %d subscriptions", what, len(list.Subscriptions))
		}
	}
	_, stranger, _ := s.NewAccount()
	for what, err := range map[string]error{
		"attributes":  second(s.SNS(stranger).GetSubscriptionAttributes(ctx, &sns.GetSubscriptionAttributesInput{SubscriptionArn: arn})),
		"unsubscribe": second(s.SNS(stranger).Unsubscribe(ctx, &sns.UnsubscribeInput{SubscriptionArn: arn})),
	} {
		if wardertest.Code(err) != "AuthorizationError" {
			t.Errorf("%s by a stranger: %v", what, err)
		}
	}
	// The topic's owner may end it, and the endpoint is told.
	must1(c.Unsubscribe(ctx, &sns.UnsubscribeInput{SubscriptionArn: arn}))(t)
	if a := r.next(t); a.text("Type") != "UnsubscribeConfirmation" {
		t.Errorf("there came %s", a.body)
	}
}

func second[T any](_ T, err error) error { return err }
