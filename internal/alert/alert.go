// Package alert holds what Warder raises alarm about by itself.
//
// There are two halves. The ready-made alerts (catalogue.go) are rules of EventBridge,
// with patterns after the monitoring section of the CIS AWS Foundations Benchmark
// (https://docs.aws.amazon.com/securityhub/latest/userguide/cloudwatch-controls.html);
// cmd/warder puts them into an account by EventBridge's own operations, and they
// are run as any other rule is. The Watcher sees in the trail what no pattern can say,
// since it depends on what was before: the first time that somebody assumes a role,
// a network that a principal never came from, many refusals in a short time, gaps in the
// log. It makes findings of that, events with the source "warder.alerts", which rules
// match as they match others.
//
// internal/eventbus calls the Watcher and sends; internal/daemon puts the rules into
// accounts. The package itself neither sends nor changes anything.
package alert

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/warder-iam/warder/internal/service/events"
	"github.com/warder-iam/warder/internal/state"
)

const (
	// Source and DetailType are those of findings.
	Source     = "warder.alerts"
	DetailType = "Warder Finding"
	// Region is where findings are put on the bus, whatever region they are about:
	// nobody who acts in another one gets past them.
	Region = "us-east-1"
	// Prefix is what the names of the rules of ready-made alerts begin with.
	Prefix = "warder-"
)

// Alert is a ready-made alert.
type Alert struct {
	Name     string // "root-use"; the rule's has the Prefix
	Severity string // HIGH, MEDIUM or LOW
	Title    string
	Pattern  string // of the rule
	Reads    bool   // it is also about operations that only read

	finding string         // the kind of finding that the sample is; "" for other events
	source  string         // of the sample: "iam.amazonaws.com"
	sample  map[string]any // members of the sample's record
}

// Rule is the name of the alert's rule.
func (a *Alert) Rule() string { return Prefix + a.Name }

// State is the state of the alert's rule while it is enabled.
func (a *Alert) State() string {
	if a.Reads {
		return state.EventRuleAllEvents
	}
	return state.EventRuleEnabled
}

// Find finds the alerts of these names, with or without the Prefix; all if there are
// no names.
func Find(names []string) (found []*Alert, err error) {
	if len(names) == 0 {
		return Catalogue, nil
	}
	for _, name := range names {
		i := slices.IndexFunc(Catalogue, func(a *Alert) bool { return a.Name == strings.TrimPrefix(name, Prefix) })
		if i < 0 {
			return nil, fmt.Errorf("there is no alert %q: `warder alerts list` shows all", name)
		}
		found = append(found, Catalogue[i])
	}
	return found, nil
}

// Input is what targets are sent: what the alert is, and the event.
func (a *Alert) Input() *state.InputTransformer {
	head, err := json.Marshal(map[string]string{"alert": a.Name, "severity": a.Severity, "title": a.Title})
	if err != nil {
		panic(err) // of strings
	}
	return &state.InputTransformer{Template: strings.TrimSuffix(string(head), "}") + `,"event":<aws.events.event.json>}`}
}

// Text is what people are sent, by mail: lines, each a JSON string, as EventBridge has
// texts.
func (a *Alert) Text() *state.InputTransformer {
	record := "$.detail"
	if a.finding != "" {
		record = "$.detail.record"
	}
	quote := func(text string) string {
		q, err := json.Marshal(text)
		if err != nil {
			panic(err) // of a string
		}
		return string(q)
	}
	return &state.InputTransformer{
		Paths: map[string]string{
			"account": "$.account", "time": "$.time", "region": "$.region", "id": "$.id", "said": "$.detail.title",
			"who": record + ".userIdentity.arn", "service": record + ".eventSource", "what": record + ".eventName",
			"from": record + ".sourceIPAddress", "error": record + ".errorCode", "record": record + ".eventID",
		},
		Template: strings.Join([]string{
			quote(a.Severity + ": " + a.Title), `"<said>"`, `"Account <account>, region <region>, <time>"`,
			`"Who: <who>"`, `"What: <what> of <service>"`, `"From: <from>"`, `"Error: <error>"`, `"Event of the trail: <record>"`,
		}, "\n"),
	}
}

// Sample is an event that the alert is about, as if it happened now. It says of itself
// that it is one.
func (a *Alert) Sample(account, region string, now time.Time) (*events.Envelope, error) {
	principal := "arn:aws:iam::" + account + ":user/sample"
	record := map[string]any{
		"eventVersion": "1.11", "eventTime": now.UTC().Format(time.RFC3339), "eventSource": a.source, "awsRegion": region,
		"userIdentity":    map[string]any{"type": "IAMUser", "arn": principal, "accountId": account, "userName": "sample"},
		"sourceIPAddress": "192.0.2.1", "userAgent": "warder alerts test", "eventType": "AwsApiCall", "managementEvent": true,
		"recipientAccountId": account, "eventCategory": "Management", "warderSample": true,
	}
	for name, value := range a.sample {
		record[name] = value
	}
	if id, ok := record["userIdentity"].(map[string]any); ok && id["type"] == "Root" {
		record["userIdentity"] = map[string]any{"type": "Root", "arn": "arn:aws:iam::" + account + ":root", "accountId": account, "principalId": account}
	}
	text, err := json.Marshal(record)
	if err != nil {
		return nil, err
	}
	if a.finding != "" {
		f := finding{Finding: a.finding, Severity: a.Severity, Title: "A sample of this alert.", Principal: principal, Record: text, Sample: true}
		return f.envelope(account, region, now)
	}
	service, _, _ := strings.Cut(a.source, ".")
	kind := "AWS API Call via CloudTrail"
	if service == "signin" {
		kind = "AWS Console Sign In via CloudTrail"
	}
	return &events.Envelope{
		DetailType: kind, Source: "aws." + service, Account: account, Time: now.UTC().Truncate(time.Second), Region: region,
		Resources: []string{}, Detail: text,
	}, nil
}

// A finding is the detail of the Watcher's events.
type finding struct {
	Finding   string          `json:"finding"` // what kind: "new-role-assumption"
	Severity  string          `json:"severity"`
	Title     string          `json:"title"`
	Principal string          `json:"principal,omitempty"` // who
	Role      string          `json:"role,omitempty"`
	Network   string          `json:"network,omitempty"`
	Region    string          `json:"region,omitempty"`
	Count     int             `json:"count,omitempty"`
	Cause     string          `json:"cause,omitempty"`  // of a gap
	Record    json.RawMessage `json:"record,omitempty"` // the CloudTrail record that brought it about
	Sample    bool            `json:"warderSample,omitempty"`
}

// envelope is the finding as an event.
func (f *finding) envelope(account, region string, at time.Time) (*events.Envelope, error) {
	detail, err := json.Marshal(f)
	resources := []string{}
	for _, name := range []string{f.Principal, f.Role} {
		if strings.HasPrefix(name, "arn:") {
			resources = append(resources, name)
		}
	}
	return &events.Envelope{
		DetailType: DetailType, Source: Source, Account: account, Time: at.UTC().Truncate(time.Second), Region: region,
		Resources: resources, Detail: detail,
	}, err
}
