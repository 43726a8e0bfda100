package daemon

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/warder-iam/warder/arn"
	"github.com/warder-iam/warder/internal/alert"
	"github.com/warder-iam/warder/internal/service/sns"
	"github.com/warder-iam/warder/internal/state"
)

// The names of what ready-made alerts are sent with.
const (
	alertsName = alert.Prefix + "alerts" // of roles, connections and API destinations
	mailTopic  = alertsName + "-mail"
	// WebhookHeader is the header by which webhooks know that it is Warder that calls.
	WebhookHeader = "X-Warder-Key"
)

// AlertsEnabled is what was done to enable alerts.
type AlertsEnabled struct {
	Rules      []string
	WebhookKey string   `json:",omitempty"` // if it was made up
	Notes      []string `json:",omitempty"` // what is left to do
}

// alertTarget is where an alert is to be sent.
type alertTarget struct {
	ID, ARN, Role string
	text          bool // for people
}

// enableAlerts makes the rules of alerts and what they are sent with, by the
// operations that users have for it: all of it is in the trail, as the
// administrator's doing.
func (d *Daemon) enableAlerts(ctx context.Context, ask *AlertsRequest) (*AlertsEnabled, error) {
	alerts, err := alert.Find(ask.Names)
	if err != nil {
		return nil, err
	}
	op, err := d.operator(ask.Account, ask.Region)
	if err != nil {
		return nil, err
	}
	if ask.Topic+ask.Webhook+ask.Mail == "" {
		for _, a := range alerts {
			if r := d.alertRule(ask, a); r == nil || len(r.Targets) == 0 {
				return nil, fmt.Errorf("%s is sent nowhere yet: say where by --to, --webhook or --mail", a.Name)
			}
		}
	}
	done := new(AlertsEnabled)
	var targets []alertTarget
	for _, add := range []func(context.Context, *operator, *AlertsRequest, *AlertsEnabled) (*alertTarget, error){d.topicTarget, d.webhookTarget, d.mailTarget} {
		t, err := add(ctx, op, ask, done)
		if err != nil {
			return nil, err
		}
		if t != nil {
			targets = append(targets, *t)
		}
	}
	for _, a := range alerts {
		rule := map[string]any{"Name": a.Rule(), "EventPattern": a.Pattern, "State": a.State(), "Description": a.Title + "."}
		if err := op.events(ctx, "PutRule", rule); err != nil {
			return nil, err
		}
		if len(targets) > 0 {
			if err := op.events(ctx, "PutTargets", map[string]any{"Rule": a.Rule(), "Targets": targetsOf(a, targets)}); err != nil {
				return nil, err
			}
		}
		done.Rules = append(done.Rules, a.Rule())
	}
	return done, nil
}

func targetsOf(a *alert.Alert, targets []alertTarget) (list []map[string]any) {
	for _, t := range targets {
		input := a.Input()
		if t.text {
			input = a.Text()
		}
		transformer := map[string]any{"InputTemplate": input.Template}
		if input.Paths != nil {
			transformer["InputPathsMap"] = input.Paths
		}
		one := map[string]any{"Id": t.ID, "Arn": t.ARN, "InputTransformer": transformer}
		if t.Role != "" {
			one["RoleArn"] = t.Role
		}
		list = append(list, one)
	}
	return list
}

// disableAlerts switches alerts off; their rules stay unless they are to be deleted.
func (d *Daemon) disableAlerts(ctx context.Context, ask *AlertsRequest) (*AlertsEnabled, error) {
	alerts, err := alert.Find(ask.Names)
	if err != nil {
		return nil, err
	}
	op, err := d.operator(ask.Account, ask.Region)
	if err != nil {
		return nil, err
	}
	done := new(AlertsEnabled)
	for _, a := range alerts {
		r := d.alertRule(ask, a)
		switch {
		case r == nil:
			continue
		case !ask.Delete:
			err = op.events(ctx, "DisableRule", map[string]any{"Name": r.Name})
		case len(r.Targets) > 0:
			var ids []string
			for _, t := range r.Targets {
				ids = append(ids, t.ID)
			}
			err = op.events(ctx, "RemoveTargets", map[string]any{"Rule": r.Name, "Ids": ids})
		}
		if err == nil && ask.Delete {
			err = op.events(ctx, "DeleteRule", map[string]any{"Name": r.Name})
		}
		if err != nil {
			return nil, err
		}
		done.Rules = append(done.Rules, a.Rule())
	}
	return done, nil
}

// short tells targets apart by what they are.
func short(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:4])
}

// topicTarget is a topic that there is. EventBridge is let in if its policy does not
// yet.
func (d *Daemon) topicTarget(ctx context.Context, op *operator, ask *AlertsRequest, done *AlertsEnabled) (*alertTarget, error) {
	if ask.Topic == "" {
		return nil, nil
	}
	a, err := arn.Parse(ask.Topic)
	if err != nil || a.Service != "sns" || a.Region != ask.Region || a.Account != ask.Account {
		return nil, fmt.Errorf("%s is no topic of account %s in region %s", ask.Topic, ask.Account, ask.Region)
	}
	if d.state.Snapshot().Topics.Get(ask.Topic) == nil {
		return nil, fmt.Errorf("there is no topic %s: aws sns create-topic makes one", ask.Topic)
	}
	if added, err := op.letIn(ctx, ask.Topic); err != nil {
		return nil, err
	} else if added {
		done.Notes = append(done.Notes, "the topic's policy now lets EventBridge publish for the rules "+alert.Prefix+"* of this account")
	}
	return &alertTarget{ID: "topic-" + short(ask.Topic), ARN: ask.Topic}, nil
}

// letIn lets the rules of alerts publish to a topic, if they may not yet.
func (op *operator) letIn(ctx context.Context, topic string) (added bool, err error) {
	rules := state.EventsARN(op.account, op.region, "rule/"+alert.Prefix)
	n := &sns.Notice{Service: "events.amazonaws.com", SourceARN: rules + alertsName, SourceAccount: op.account, Topic: topic, Time: op.d.config.Now()}
	if op.d.notify.sns.MayPublish(op.d.state.Snapshot(), n) == nil {
		return false, nil
	}
	text, err := op.topicPolicy(ctx, topic)
	if err != nil {
		return false, err
	}
	var doc map[string]any
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		return false, err
	}
	statements, ok := doc["Statement"].([]any)
	if !ok {
		statements = []any{doc["Statement"]}
	}
	doc["Statement"] = append(statements, map[string]any{
		"Sid": alertsName, "Effect": "Allow", "Principal": map[string]string{"Service": "events.amazonaws.com"},
		"Action": "sns:Publish", "Resource": topic, "Condition": map[string]any{"ArnLike": map[string]string{"aws:SourceArn": rules + "*"}},
	})
	policy, err := json.Marshal(doc)
	if err != nil {
		return false, err
	}
	return true, op.query(ctx, "sns", "2010-03-31", "SetTopicAttributes", url.Values{"TopicArn": {topic}, "AttributeName": {"Policy"}, "AttributeValue": {string(policy)}}, nil)
}

// mailTarget is a topic of its own for people, with a subscription of the address.
func (d *Daemon) mailTarget(ctx context.Context, op *operator, ask *AlertsRequest, done *AlertsEnabled) (*alertTarget, error) {
	if ask.Mail == "" {
		return nil, nil
	}
	topic := state.TopicARN(op.account, op.region, mailTopic)
	if d.state.Snapshot().Topics.Get(topic) == nil {
		attributes := url.Values{"Name": {mailTopic}, "Attributes.entry.1.key": {"DisplayName"}, "Attributes.entry.1.value": {"Warder alerts"}}
		if err := op.query(ctx, "sns", "2010-03-31", "CreateTopic", attributes, nil); err != nil {
			return nil, err
		}
	}
	if _, err := op.letIn(ctx, topic); err != nil {
		return nil, err
	}
	if err := op.query(ctx, "sns", "2010-03-31", "Subscribe", url.Values{"TopicArn": {topic}, "Protocol": {"email"}, "Endpoint": {ask.Mail}}, nil); err != nil {
		return nil, err
	}
	if sub := d.state.Snapshot().SubscriptionTo(topic, "email", ask.Mail); sub == nil || !sub.Confirmed {
		done.Notes = append(done.Notes, ask.Mail+" was sent a mail with a link: alerts are sent there once it is visited")
	}
	return &alertTarget{ID: "mail", ARN: topic, text: true}, nil
}

// webhookTarget is an API destination, with a connection that sends the key and a role
// by which EventBridge may use it.
func (d *Daemon) webhookTarget(ctx context.Context, op *operator, ask *AlertsRequest, done *AlertsEnabled) (*alertTarget, error) {
	if ask.Webhook == "" {
		return nil, nil
	}
	name := alertsName + "-" + short(ask.Webhook)
	dest := d.state.Snapshot().APIDestination(op.account, op.region, name)
	key := cmp.Or(ask.WebhookKey, rand.Text())
	auth := map[string]any{"ApiKeyAuthParameters": map[string]string{"ApiKeyName": WebhookHeader, "ApiKeyValue": key}}
	c := d.state.Snapshot().EventConnection(op.account, op.region, name)
	switch in := map[string]any{"Name": name, "AuthorizationType": "API_KEY", "AuthParameters": auth}; {
	case c == nil:
		if err := op.events(ctx, "CreateConnection", in); err != nil {
			return nil, err
		}
		if ask.WebhookKey == "" {
			done.WebhookKey = key
		}
		c = d.state.Snapshot().EventConnection(op.account, op.region, name)
	case ask.WebhookKey != "":
		if err := op.events(ctx, "UpdateConnection", in); err != nil {
			return nil, err
		}
	}
	if c == nil {
		return nil, errors.New("the connection is gone already")
	}
	if dest == nil {
		in := map[string]any{"Name": name, "ConnectionArn": c.ARN(), "InvocationEndpoint": ask.Webhook, "HttpMethod": "POST"}
		if err := op.events(ctx, "CreateApiDestination", in); err != nil {
			return nil, err
		}
		if dest = d.state.Snapshot().APIDestination(op.account, op.region, name); dest == nil {
			return nil, errors.New("the API destination is gone already")
		}
	}
	role, err := op.invoker(ctx)
	return &alertTarget{ID: "webhook-" + short(ask.Webhook), ARN: dest.ARN(), Role: role}, err
}

// invoker is the role by which EventBridge invokes the API destinations of alerts.
func (op *operator) invoker(ctx context.Context) (string, error) {
	const version = "2010-05-08"
	if op.d.state.Snapshot().Role(op.account, alertsName) == nil {
		trust := fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":"sts:AssumeRole",`+
			`"Condition":{"StringEquals":{"aws:SourceAccount":"%s"}}}]}`, op.account)
		if err := op.query(ctx, "iam", version, "CreateRole", url.Values{"RoleName": {alertsName}, "AssumeRolePolicyDocument": {trust}}, nil); err != nil {
			return "", err
		}
		policy := fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"events:InvokeApiDestination","Resource":"arn:aws:events:*:%s:api-destination/%s-*"}]}`,
			op.account, alertsName)
		if err := op.query(ctx, "iam", version, "PutRolePolicy", url.Values{"RoleName": {alertsName}, "PolicyName": {alertsName}, "PolicyDocument": {policy}}, nil); err != nil {
			return "", err
		}
	}
	return arn.IAM(op.account, "role", "/", alertsName), nil
}

// topicPolicy is a topic's policy as it is in force.
func (op *operator) topicPolicy(ctx context.Context, topic string) (string, error) {
	var out struct {
		Entries []struct {
			Key   string `xml:"key"`
			Value string `xml:"value"`
		} `xml:"GetTopicAttributesResult>Attributes>entry"`
	}
	if err := op.query(ctx, "sns", "2010-03-31", "GetTopicAttributes", url.Values{"TopicArn": {topic}}, &out); err != nil {
		return "", err
	}
	for _, e := range out.Entries {
		if e.Key == "Policy" {
			return e.Value, nil
		}
	}
	return "", errors.New("the topic shows no policy")
}

// events calls an operation of EventBridge.
func (op *operator) events(ctx context.Context, operation string, in any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	header := http.Header{"Content-Type": {"application/x-amz-json-1.1"}, "X-Amz-Target": {"AWSEvents." + operation}}
	status, answer, err := op.call(ctx, "events", header, body)
	if err != nil || status == http.StatusOK {
		return err
	}
	var refusal struct {
		Type    string `json:"__type"`
		Message string `json:"message"`
	}
	if err := json.Unmarshal(answer, &refusal); err != nil {
		return fmt.Errorf("%s: %w", operation, err)
	}
	return fmt.Errorf("%s: %s: %s", operation, refusal.Type[strings.LastIndexByte(refusal.Type, '#')+1:], refusal.Message)
}
