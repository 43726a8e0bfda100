package events_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/warder-iam/warder/internal/wardertest"
)

const (
	account = wardertest.Account
	pattern = `{"source": ["aws.iam"]}`
	topic   = "arn:aws:sns:us-east-1:" + account + ":alerts"
)

func arnOf(resource string) string { return "arn:aws:events:us-east-1:" + account + ":" + resource }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// want compares an error with a code, and with the beginning of a message.
func want(t *testing.T, err error, code, message string) {
	t.Helper()
	if wardertest.Code(err) != code || !strings.HasPrefix(wardertest.Message(err), message) {
		t.Errorf("%v, want %s: %s", err, code, message)
	}
}

const (
	invalid  = "ValidationException"
	notFound = "ResourceNotFoundException"
	taken    = "ResourceAlreadyExistsException"
	denied   = "AccessDeniedException"
)

func putRule(t *testing.T, c *eventbridge.Client, name string) {
	t.Helper()
	_, err := c.PutRule(t.Context(), &eventbridge.PutRuleInput{Name: &name, EventPattern: aws.String(pattern)})
	must(t, err)
}

func TestRules(t *testing.T) {
	s := wardertest.Start(t)
	c, ctx := s.EventBridge(s.Admin), t.Context()
	out, err := c.PutRule(ctx, &eventbridge.PutRuleInput{
		Name: aws.String("a"), EventPattern: aws.String(pattern), Description: aws.String("about a"), Tags: []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}},
	})
	must(t, err)
	if *out.RuleArn != arnOf("rule/a") {
		t.Error(*out.RuleArn)
	}
	_, err = c.PutTargets(ctx, &eventbridge.PutTargetsInput{Rule: aws.String("a"), Targets: []types.Target{{Id: aws.String("1"), Arn: aws.String(topic)}}})
	must(t, err)
	_, err = c.DisableRule(ctx, &eventbridge.DisableRuleInput{Name: aws.String("a")})
	must(t, err)
	// Put again, a rule keeps its state, targets and tags, and loses its description.
	_, err = c.PutRule(ctx, &eventbridge.PutRuleInput{Name: aws.String("a"), EventPattern: aws.String(`{"source":["x"]}`), EventBusName: aws.String(arnOf("event-bus/default"))})
	must(t, err)
	r, err := c.DescribeRule(ctx, &eventbridge.DescribeRuleInput{Name: aws.String("a"), EventBusName: aws.String("default")})
	must(t, err)
	if *r.EventPattern != `{"source":["x"]}` || r.Description != nil || r.State != types.RuleStateDisabled || *r.EventBusName != "default" || *r.CreatedBy != account || r.ScheduleExpression != nil || r.ManagedBy != nil {
		t.Errorf("%+v", r)
	}
	tags, err := c.ListTagsForResource(ctx, &eventbridge.ListTagsForResourceInput{ResourceARN: out.RuleArn})
	must(t, err)
	names, err := c.ListRuleNamesByTarget(ctx, &eventbridge.ListRuleNamesByTargetInput{TargetArn: aws.String(topic)})
	must(t, err)
	if len(tags.Tags) != 1 || len(names.RuleNames) != 1 || names.RuleNames[0] != "a" {
		t.Error(tags.Tags, names.RuleNames)
	}
	_, err = c.EnableRule(ctx, &eventbridge.EnableRuleInput{Name: aws.String("a")})
	must(t, err)
	_, err = c.DeleteRule(ctx, &eventbridge.DeleteRuleInput{Name: aws.String("a")})
	want(t, err, invalid, "Rule can't be deleted since it has targets.")
	removed, err := c.RemoveTargets(ctx, &eventbridge.RemoveTargetsInput{Rule: aws.String("a"), Ids: []string{"1", "2"}})
	must(t, err)
	if removed.FailedEntryCount != 1 || *removed.FailedEntries[0].TargetId != "2" || *removed.FailedEntries[0].ErrorCode != notFound {
		t.Errorf("%+v", removed.FailedEntries)
	}
	_, err = c.DeleteRule(ctx, &eventbridge.DeleteRuleInput{Name: aws.String("a")})
	must(t, err)
	_, err = c.DeleteRule(ctx, &eventbridge.DeleteRuleInput{Name: aws.String("a")}) // is no error
	must(t, err)

	_, err = c.DescribeRule(ctx, &eventbridge.DescribeRuleInput{Name: aws.String("a")})
	want(t, err, notFound, "Rule a does not exist on EventBus default.")
	_, err = c.DescribeRule(ctx, &eventbridge.DescribeRuleInput{Name: aws.String("a"), EventBusName: aws.String("nowhere")})
	want(t, err, notFound, "Event bus nowhere does not exist.")
	_, err = c.PutRule(ctx, &eventbridge.PutRuleInput{Name: aws.String("a")})
	want(t, err, invalid, "Parameter(s) EventPattern or ScheduleExpression must be specified.")
	_, err = c.PutRule(ctx, &eventbridge.PutRuleInput{Name: aws.String("a"), ScheduleExpression: aws.String("rate(5 minutes)")})
	want(t, err, invalid, "Parameter ScheduleExpression is not valid. Reason: Warder runs no schedules")
	_, err = c.PutRule(ctx, &eventbridge.PutRuleInput{Name: aws.String("a"), EventPattern: aws.String(`{"source": "aws.iam"}`)})
	want(t, err, "InvalidEventPatternException", "Event pattern is not valid. Reason: \"source\" must be an object or an array\n at [Source: (String)\"{\"source\": \"aws.iam\"}\"; line: 1, column: 13]")
	_, err = c.PutRule(ctx, &eventbridge.PutRuleInput{Name: aws.String("no name"), EventPattern: aws.String(pattern)})
	want(t, err, invalid, "1 validation error detected: Value 'no name' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern")
	_, err = c.PutRule(ctx, &eventbridge.PutRuleInput{Name: aws.String("a"), EventPattern: aws.String(pattern), EventBusName: aws.String("arn:aws:events:eu-west-1:" + account + ":event-bus/default")})
	want(t, err, invalid, "Parameter EventBusName is not valid.")
	_, err = c.PutRule(ctx, &eventbridge.PutRuleInput{Name: aws.String("a"), EventPattern: aws.String(pattern), RoleArn: aws.String("arn:aws:iam::" + account + ":role/none")})
	must(t, err) // an administrator may pass any role; nothing uses a rule's role
}

func TestRulePages(t *testing.T) {
	s := wardertest.Start(t)
	c := s.EventBridge(s.Admin)
	for i := range 7 {
		putRule(t, c, fmt.Sprintf("rule-%d", i))
	}
	putRule(t, c, "other")
	var names []string
	in := &eventbridge.ListRulesInput{NamePrefix: aws.String("rule-"), Limit: aws.Int32(3)}
	for {
		out, err := c.ListRules(t.Context(), in)
		must(t, err)
		for _, r := range out.Rules {
			names = append(names, *r.Name)
		}
		if in.NextToken = out.NextToken; in.NextToken == nil {
			break
		}
	}
	if strings.Join(names, " ") != "rule-0 rule-1 rule-2 rule-3 rule-4 rule-5 rule-6" {
		t.Error(names)
	}
	_, err := c.ListRules(t.Context(), &eventbridge.ListRulesInput{NextToken: aws.String("made up")})
	want(t, err, invalid, "Parameter NextToken is not valid.")
}

func role(t *testing.T, s *wardertest.Server) *string {
	t.Helper()
	out, err := s.IAM(s.Admin).CreateRole(t.Context(), &iam.CreateRoleInput{
		RoleName: aws.String("sender"), AssumeRolePolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":"sts:AssumeRole"}}`),
	})
	must(t, err)
	return out.Role.Arn
}

// destination makes a connection and an API destination with a place in its path.
func destination(t *testing.T, c *eventbridge.Client) *string {
	t.Helper()
	connection, err := c.CreateConnection(t.Context(), &eventbridge.CreateConnectionInput{
		Name: aws.String("conn"), AuthorizationType: types.ConnectionAuthorizationTypeApiKey,
		AuthParameters: &types.CreateConnectionAuthRequestParameters{ApiKeyAuthParameters: &types.CreateConnectionApiKeyAuthRequestParameters{ApiKeyName: aws.String("X-Key"), ApiKeyValue: aws.String("s3cret")}},
	})
	must(t, err)
	out, err := c.CreateApiDestination(t.Context(), &eventbridge.CreateApiDestinationInput{
		Name: aws.String("hook"), ConnectionArn: connection.ConnectionArn, InvocationEndpoint: aws.String("https://hooks.example.com/a/*"), HttpMethod: types.ApiDestinationHttpMethodPost,
	})
	must(t, err)
	return out.ApiDestinationArn
}

func TestTargets(t *testing.T) {
	s := wardertest.Start(t)
	c, ctx := s.EventBridge(s.Admin), t.Context()
	putRule(t, c, "r")
	hook, sender := destination(t, c), role(t, s)
	_, err := c.CreateEventBus(ctx, &eventbridge.CreateEventBusInput{Name: aws.String("other")})
	must(t, err)
	targets := []types.Target{
		{Id: aws.String("bus"), Arn: aws.String(arnOf("event-bus/other")), RoleArn: sender},
		{
			Id: aws.String("hook"), Arn: hook, RoleArn: sender, InputPath: aws.String("$.detail"),
			HttpParameters: &types.HttpParameters{PathParameterValues: []string{"$.detail.id"}, HeaderParameters: map[string]string{"X-A": "b"}, QueryStringParameters: map[string]string{"q": "$.id"}},
		},
		{
			Id: aws.String("topic"), Arn: aws.String(topic), DeadLetterConfig: &types.DeadLetterConfig{Arn: aws.String(topic + "-dead")}, RetryPolicy: &types.RetryPolicy{MaximumRetryAttempts: aws.Int32(3), MaximumEventAgeInSeconds: aws.Int32(60)},
			InputTransformer: &types.InputTransformer{InputPathsMap: map[string]string{"n": "$.detail.eventName"}, InputTemplate: aws.String(`"<n> by <aws.events.rule-name>"`)},
		},
	}
	out, err := c.PutTargets(ctx, &eventbridge.PutTargetsInput{Rule: aws.String("r"), Targets: targets})
	must(t, err)
	if out.FailedEntryCount != 0 {
		t.Error(out.FailedEntries)
	}
	list, err := c.ListTargetsByRule(ctx, &eventbridge.ListTargetsByRuleInput{Rule: aws.String("r")})
	must(t, err)
	if got, sent := asJSON(t, list.Targets), asJSON(t, targets); got != sent {
		t.Errorf("got  %s\nsent %s", got, sent)
	}
	target := func(change func(*types.Target)) error {
		x := types.Target{Id: aws.String("x"), Arn: aws.String(topic)}
		change(&x)
		_, err := c.PutTargets(ctx, &eventbridge.PutTargetsInput{Rule: aws.String("r"), Targets: []types.Target{x}})
		return err
	}
	for message, change := range map[string]func(*types.Target){
		"Parameter test-bucket is not valid. Reason: Provided Arn is not in correct format.":                                 func(x *types.Target) { x.Arn = aws.String("test-bucket") },
		"Parameter arn:aws:lambda:us-east-1:111122223333:function:f is not valid. Reason: Warder sends events to SNS topics": func(x *types.Target) { x.Arn = aws.String("arn:aws:lambda:us-east-1:111122223333:function:f") },
		"Parameter arn:aws:sns:eu-west-1:111122223333:t is not valid.":                                                       func(x *types.Target) { x.Arn = aws.String("arn:aws:sns:eu-west-1:111122223333:t") },
		"Parameter " + arnOf("event-bus/default") + " is not valid.":                                                         func(x *types.Target) { x.Arn = aws.String(arnOf("event-bus/default")) },
		"Only one of Input, InputPath, or InputTransformer must be provided for target x.":                                   func(x *types.Target) { x.Input, x.InputPath = aws.String("1"), aws.String("$") },
		"JSON syntax error in input for target x.":                                                                           func(x *types.Target) { x.Input = aws.String("nope") },
		"Invalid InputPath for target x.":                                                                                    func(x *types.Target) { x.InputPath = aws.String("detail") },
		"InputTemplate for target x contains invalid placeholder missing.": func(x *types.Target) {
			x.InputTransformer = &types.InputTransformer{InputTemplate: aws.String(`"<missing>"`)}
		},
		"Invalid InputTemplate for target x : the template is not JSON.": func(x *types.Target) {
			x.InputTransformer = &types.InputTransformer{InputTemplate: aws.String(`no quotes`)}
		},
		"Invalid JSONPath in InputPathsMap for target x.": func(x *types.Target) {
			x.InputTransformer = &types.InputTransformer{InputTemplate: aws.String(`"<a>"`), InputPathsMap: map[string]string{"a": "a"}}
		},
		"Parameter SqsParameters is not valid.":  func(x *types.Target) { x.SqsParameters = &types.SqsParameters{MessageGroupId: aws.String("g")} },
		"Parameter HttpParameters is not valid.": func(x *types.Target) { x.HttpParameters = &types.HttpParameters{} },
		"Parameter DeadLetterConfig is not valid.": func(x *types.Target) {
			x.DeadLetterConfig = &types.DeadLetterConfig{Arn: aws.String("arn:aws:sqs:us-east-1:" + account + ":q")}
		},
		"RoleArn is required for target " + *hook:                                                   func(x *types.Target) { x.Arn = hook },
		"Parameter PathParameterValues is not valid. Reason: the endpoint of target x has 1 places": func(x *types.Target) { x.Arn, x.RoleArn = hook, sender },
		"Parameter HeaderParameters is not valid. Reason: the header host cannot be set": func(x *types.Target) {
			x.Arn, x.RoleArn, x.HttpParameters = hook, sender, &types.HttpParameters{PathParameterValues: []string{"a"}, HeaderParameters: map[string]string{"host": "x"}}
		},
		"Invalid JSONPath $x for target x.": func(x *types.Target) {
			x.Arn, x.RoleArn, x.HttpParameters = hook, sender, &types.HttpParameters{PathParameterValues: []string{"$x"}}
		},
		"Provided role 'arn:aws:iam::" + account + ":role/none' cannot be assumed by principal 'events.amazonaws.com'.":     func(x *types.Target) { x.RoleArn = aws.String("arn:aws:iam::" + account + ":role/none") },
		"1 validation error detected: Value '186' at 'targets.1.member.retryPolicy.maximumRetryAttempts' failed to satisfy": func(x *types.Target) { x.RetryPolicy = &types.RetryPolicy{MaximumRetryAttempts: aws.Int32(186)} },
	} {
		want(t, target(change), invalid, message)
	}
	want(t, target(func(x *types.Target) { x.Arn = aws.String(*hook + "0") }), notFound, "An api-destination '"+*hook+"0' does not exist.")
	for i := range 3 {
		err = target(func(x *types.Target) { x.Id = aws.String(fmt.Sprint(i)) })
	}
	want(t, err, "LimitExceededException", "The requested resource exceeds the maximum number allowed.")
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	must(t, err)
	return string(text)
}

func TestEventPattern(t *testing.T) {
	s := wardertest.Start(t)
	c := s.EventBridge(s.Admin)
	event := `{"id":"1","account":"1","source":"aws.iam","time":"2026-01-01T00:00:00Z","region":"us-east-1","resources":[],"detail-type":"x","detail":{"n":5}}`
	for p, want := range map[string]bool{`{"detail":{"n":[{"numeric":[">",4]}]}}`: true, `{"detail":{"n":[4]}}`: false} {
		out, err := c.TestEventPattern(t.Context(), &eventbridge.TestEventPatternInput{EventPattern: &p, Event: &event})
		must(t, err)
		if out.Result != want {
			t.Error(p, out.Result)
		}
	}
	for _, event := range []string{"plain", "{}", strings.Replace(event, `"id"`, `"ID"`, 1)} {
		_, err := c.TestEventPattern(t.Context(), &eventbridge.TestEventPatternInput{EventPattern: aws.String(pattern), Event: &event})
		want(t, err, invalid, "Parameter Event is not valid.")
	}
}

func TestBuses(t *testing.T) {
	s := wardertest.Start(t)
	c, ctx := s.EventBridge(s.Admin), t.Context()
	out, err := c.CreateEventBus(ctx, &eventbridge.CreateEventBusInput{Name: aws.String("mine"), Description: aws.String("d")})
	must(t, err)
	if *out.EventBusArn != arnOf("event-bus/mine") {
		t.Error(*out.EventBusArn)
	}
	_, err = c.PutRule(ctx, &eventbridge.PutRuleInput{Name: aws.String("r"), EventPattern: aws.String(pattern), EventBusName: aws.String("mine")})
	must(t, err)
	r, err := c.DescribeRule(ctx, &eventbridge.DescribeRuleInput{Name: aws.String("r"), EventBusName: out.EventBusArn})
	must(t, err)
	if *r.Arn != arnOf("rule/mine/r") {
		t.Error(*r.Arn)
	}
	_, err = c.UpdateEventBus(ctx, &eventbridge.UpdateEventBusInput{Description: aws.String("the default one")})
	must(t, err)
	list, err := c.ListEventBuses(ctx, &eventbridge.ListEventBusesInput{})
	must(t, err)
	if len(list.EventBuses) != 2 || *list.EventBuses[0].Name != "default" || *list.EventBuses[0].Description != "the default one" || *list.EventBuses[1].Name != "mine" {
		t.Error(asJSON(t, list.EventBuses))
	}
	_, err = c.TagResource(ctx, &eventbridge.TagResourceInput{ResourceARN: out.EventBusArn, Tags: []types.Tag{{Key: aws.String("a"), Value: aws.String("1")}, {Key: aws.String("b"), Value: aws.String("2")}}})
	must(t, err)
	_, err = c.UntagResource(ctx, &eventbridge.UntagResourceInput{ResourceARN: out.EventBusArn, TagKeys: []string{"a"}})
	must(t, err)
	tags, err := c.ListTagsForResource(ctx, &eventbridge.ListTagsForResourceInput{ResourceARN: out.EventBusArn})
	must(t, err)
	if len(tags.Tags) != 1 || *tags.Tags[0].Key != "b" {
		t.Error(asJSON(t, tags.Tags))
	}
	_, err = c.CreateEventBus(ctx, &eventbridge.CreateEventBusInput{Name: aws.String("mine")})
	want(t, err, taken, "Event bus mine already exists.")
	_, err = c.CreateEventBus(ctx, &eventbridge.CreateEventBusInput{Name: aws.String("default")})
	want(t, err, taken, "Event bus default already exists.")
	_, err = c.CreateEventBus(ctx, &eventbridge.CreateEventBusInput{Name: aws.String("a/b")})
	want(t, err, invalid, "Event bus name must not contain '/'.")
	_, err = c.CreateEventBus(ctx, &eventbridge.CreateEventBusInput{Name: aws.String("k"), KmsKeyIdentifier: aws.String("alias/x")})
	want(t, err, invalid, "Parameter KmsKeyIdentifier is not valid.")
	_, err = c.DeleteEventBus(ctx, &eventbridge.DeleteEventBusInput{Name: aws.String("default")})
	want(t, err, invalid, "Cannot delete event bus default.")
	_, err = c.DeleteEventBus(ctx, &eventbridge.DeleteEventBusInput{Name: aws.String("mine")})
	must(t, err)
	_, err = c.DescribeEventBus(ctx, &eventbridge.DescribeEventBusInput{Name: aws.String("mine")})
	want(t, err, notFound, "Event bus mine does not exist.")
	// With the bus its rules are gone.
	_, err = c.CreateEventBus(ctx, &eventbridge.CreateEventBusInput{Name: aws.String("mine")})
	must(t, err)
	_, err = c.DescribeRule(ctx, &eventbridge.DescribeRuleInput{Name: aws.String("r"), EventBusName: aws.String("mine")})
	want(t, err, notFound, "Rule r does not exist on EventBus mine.")
}

// policyOf reads the policy of the default bus.
func policyOf(t *testing.T, c *eventbridge.Client) string {
	t.Helper()
	out, err := c.DescribeEventBus(t.Context(), &eventbridge.DescribeEventBusInput{})
	must(t, err)
	return aws.ToString(out.Policy)
}

func TestPermissions(t *testing.T) {
	s := wardertest.Start(t)
	c, ctx := s.EventBridge(s.Admin), t.Context()
	put := func(in eventbridge.PutPermissionInput) error {
		_, err := c.PutPermission(ctx, &in)
		return err
	}
	must(t, put(eventbridge.PutPermissionInput{Action: aws.String("events:PutEvents"), Principal: aws.String("444455556666"), StatementId: aws.String("one")}))
	must(t, put(eventbridge.PutPermissionInput{Action: aws.String("events:PutEvents"), Principal: aws.String("*"), StatementId: aws.String("two"), Condition: &types.Condition{Type: aws.String("StringEquals"), Key: aws.String("aws:PrincipalOrgID"), Value: aws.String("o-1")}}))
	must(t, put(eventbridge.PutPermissionInput{Action: aws.String("events:PutEvents"), Principal: aws.String("777788889999"), StatementId: aws.String("one")}))
	if got, want := policyOf(t, c), `{"Version":"2012-10-17","Statement":[`+
		`{"Sid":"two","Effect":"Allow","Principal":"*","Action":"events:PutEvents","Resource":"`+arnOf("event-bus/default")+`","Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-1"}}},`+
		`{"Sid":"one","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::777788889999:root"},"Action":"events:PutEvents","Resource":"`+arnOf("event-bus/default")+`"}]}`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	remove := func(in eventbridge.RemovePermissionInput) error {
		_, err := c.RemovePermission(ctx, &in)
		return err
	}
	want(t, remove(eventbridge.RemovePermissionInput{StatementId: aws.String("three")}), notFound, "Statement with the provided id does not exist.")
	must(t, remove(eventbridge.RemovePermissionInput{StatementId: aws.String("one")}))
	must(t, remove(eventbridge.RemovePermissionInput{StatementId: aws.String("two")}))
	want(t, remove(eventbridge.RemovePermissionInput{StatementId: aws.String("two")}), notFound, "EventBus does not have a policy.")
	want(t, remove(eventbridge.RemovePermissionInput{}), invalid, "Parameter StatementId is required.")
	want(t, put(eventbridge.PutPermissionInput{Action: aws.String("events:PutRule"), Principal: aws.String("*"), StatementId: aws.String("x")}), invalid, "Provided value in parameter 'action' is not supported.")
	want(t, put(eventbridge.PutPermissionInput{Principal: aws.String("*")}), invalid, "Parameters Action, Principal and StatementId must be specified, or Policy.")
	want(t, put(eventbridge.PutPermissionInput{Policy: aws.String("{}"), Principal: aws.String("*")}), invalid, "Parameter Policy must not be specified together")
	want(t, put(eventbridge.PutPermissionInput{Policy: aws.String("{}")}), invalid, "This policy contains invalid Json or statements")
	want(t, put(eventbridge.PutPermissionInput{Policy: aws.String(strings.Repeat(" ", 10241))}), "PolicyLengthExceededException", "")
	if got := policyOf(t, c); got != "" {
		t.Error(got)
	}
}

// TestOtherAccounts: a bus's policy lets other accounts put events and rules on it, as
// far as it says so.
func TestOtherAccounts(t *testing.T) {
	s := wardertest.Start(t)
	ctx := t.Context()
	other, admin, _ := s.NewAccount()
	owner, guest := s.EventBridge(s.Admin), s.EventBridge(admin)
	bus := aws.String(arnOf("event-bus/default"))
	entry := func(source string) error {
		_, err := guest.PutEvents(ctx, &eventbridge.PutEventsInput{Entries: []types.PutEventsRequestEntry{
			{EventBusName: bus, Source: &source, DetailType: aws.String("t"), Detail: aws.String("{}")},
		}})
		return err
	}
	want(t, entry("shop"), denied, "User: ")
	document := fmt.Sprintf(`{"Version":"2012-10-17","Statement":[
		{"Sid":"events","Effect":"Allow","Principal":{"AWS":"%s"},"Action":"events:PutEvents","Resource":"%s","Condition":{"StringEquals":{"events:source":"shop"}}},
		{"Sid":"rules","Effect":"Allow","Principal":{"AWS":"%[1]s"},"Action":["events:PutRule","events:DescribeRule","events:DeleteRule"],"Resource":"%[3]s","Condition":{"StringEqualsIfExists":{"events:creatorAccount":"${aws:PrincipalAccount}"}}}]}`,
		other, *bus, arnOf("rule/guest-*"))
	_, err := owner.PutPermission(ctx, &eventbridge.PutPermissionInput{Policy: &document})
	must(t, err)
	must(t, entry("shop"))
	want(t, entry("bank"), denied, "User: ")
	_, err = guest.PutRule(ctx, &eventbridge.PutRuleInput{Name: aws.String("guest-1"), EventBusName: bus, EventPattern: aws.String(pattern)})
	must(t, err)
	_, err = guest.PutRule(ctx, &eventbridge.PutRuleInput{Name: aws.String("host-1"), EventBusName: bus, EventPattern: aws.String(pattern)})
	want(t, err, denied, "User: ")
	r, err := owner.DescribeRule(ctx, &eventbridge.DescribeRuleInput{Name: aws.String("guest-1")})
	must(t, err)
	if *r.CreatedBy != other {
		t.Error(*r.CreatedBy)
	}
	// A rule of the owner's, though called as a guest's may be, is not the guest's.
	putRule(t, owner, "guest-2")
	_, err = guest.DeleteRule(ctx, &eventbridge.DeleteRuleInput{Name: aws.String("guest-2"), EventBusName: bus})
	want(t, err, denied, "User: ")
	_, err = guest.DeleteRule(ctx, &eventbridge.DeleteRuleInput{Name: aws.String("guest-1"), EventBusName: bus})
	must(t, err)
	_, err = guest.ListRules(ctx, &eventbridge.ListRulesInput{EventBusName: bus})
	want(t, err, notFound, "Event bus default does not exist.")
}

// TestConditionKeys: what permission policies may ask about.
func TestConditionKeys(t *testing.T) {
	s := wardertest.Start(t)
	ctx := t.Context()
	sender := role(t, s)
	c := s.EventBridge(s.User(s.Admin, "limited", `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":"events:PutRule","Resource":"*","Condition":{"ForAllValues:StringEquals":{"events:source":"aws.iam"},"Null":{"events:source":"false"}}},
		{"Effect":"Allow","Action":"events:PutTargets","Resource":"`+arnOf("rule/*")+`","Condition":{"ForAllValues:ArnLike":{"events:TargetArn":"arn:aws:sns:*:*:alerts"}}},
		{"Effect":"Allow","Action":"events:TagResource","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/team":"red"}}}]}`))
	rule := func(in eventbridge.PutRuleInput) error {
		in.Name = aws.String("r")
		_, err := c.PutRule(ctx, &in)
		return err
	}
	must(t, rule(eventbridge.PutRuleInput{EventPattern: aws.String(pattern)}))
	want(t, rule(eventbridge.PutRuleInput{EventPattern: aws.String(`{"source":["aws.iam","aws.s3"]}`)}), denied, "User: ")
	want(t, rule(eventbridge.PutRuleInput{EventPattern: aws.String(`{"source":[{"prefix":"aws.iam"}]}`)}), denied, "User: ")
	want(t, rule(eventbridge.PutRuleInput{EventPattern: aws.String(pattern), RoleArn: sender}), denied, "User: arn:aws:iam::"+account+":user/limited is not authorized to perform: iam:PassRole on resource: "+*sender)
	want(t, rule(eventbridge.PutRuleInput{EventPattern: aws.String(pattern), Tags: []types.Tag{{Key: aws.String("team"), Value: aws.String("red")}}}), denied, "User: arn:aws:iam::"+account+":user/limited is not authorized to perform: events:TagResource")
	target := func(arns ...string) error {
		in := &eventbridge.PutTargetsInput{Rule: aws.String("r")}
		for i, a := range arns {
			in.Targets = append(in.Targets, types.Target{Id: aws.String(fmt.Sprint(i)), Arn: &a})
		}
		_, err := c.PutTargets(ctx, in)
		return err
	}
	must(t, target(topic))
	want(t, target(topic, topic+"2"), denied, "User: ")
}

func TestConnections(t *testing.T) {
	s := wardertest.Start(t)
	c, ctx := s.EventBridge(s.Admin), t.Context()
	_, err := c.CreateConnection(ctx, &eventbridge.CreateConnectionInput{
		Name: aws.String("o"), AuthorizationType: types.ConnectionAuthorizationTypeOauthClientCredentials, Description: aws.String("d"),
		AuthParameters: &types.CreateConnectionAuthRequestParameters{
			OAuthParameters: &types.CreateConnectionOAuthRequestParameters{
				AuthorizationEndpoint: aws.String("https://login.example.com/token"), HttpMethod: types.ConnectionOAuthHttpMethodPost,
				ClientParameters:    &types.CreateConnectionOAuthClientRequestParameters{ClientID: aws.String("id"), ClientSecret: aws.String("CANARY-1")},
				OAuthHttpParameters: &types.ConnectionHttpParameters{BodyParameters: []types.ConnectionBodyParameter{{Key: aws.String("scope"), Value: aws.String("all")}, {Key: aws.String("extra"), Value: aws.String("CANARY-2"), IsValueSecret: true}}},
			},
			InvocationHttpParameters: &types.ConnectionHttpParameters{
				HeaderParameters:      []types.ConnectionHeaderParameter{{Key: aws.String("X-Seen"), Value: aws.String("seen")}, {Key: aws.String("X-Token"), Value: aws.String("CANARY-3"), IsValueSecret: true}},
				QueryStringParameters: []types.ConnectionQueryStringParameter{{Key: aws.String("q"), Value: aws.String("CANARY-4"), IsValueSecret: true}},
			},
		},
	})
	must(t, err)
	d, err := c.DescribeConnection(ctx, &eventbridge.DescribeConnectionInput{Name: aws.String("o")})
	must(t, err)
	shown := asJSON(t, d)
	if strings.Contains(shown, "CANARY") || d.ConnectionState != types.ConnectionStateAuthorized || !strings.HasPrefix(*d.SecretArn, "arn:aws:secretsmanager:us-east-1:"+account+":secret:events!connection/o/") ||
		*d.AuthParameters.OAuthParameters.ClientParameters.ClientID != "id" || *d.AuthParameters.InvocationHttpParameters.HeaderParameters[0].Value != "seen" || d.AuthParameters.InvocationHttpParameters.HeaderParameters[1].Value != nil {
		t.Error(shown)
	}
	update := func(in eventbridge.UpdateConnectionInput) error {
		in.Name = aws.String("o")
		_, err := c.UpdateConnection(ctx, &in)
		return err
	}
	must(t, update(eventbridge.UpdateConnectionInput{Description: aws.String("e")}))
	basic := &types.UpdateConnectionAuthRequestParameters{BasicAuthParameters: &types.UpdateConnectionBasicAuthRequestParameters{Username: aws.String("u"), Password: aws.String("CANARY-5")}}
	want(t, update(eventbridge.UpdateConnectionInput{AuthParameters: basic}), invalid, "Parameter AuthParameters is not valid. Reason: the parameters of BASIC do not go with the authorization type OAUTH_CLIENT_CREDENTIALS.")
	want(t, update(eventbridge.UpdateConnectionInput{AuthorizationType: types.ConnectionAuthorizationTypeBasic}), invalid, "Parameter AuthParameters is not valid. Reason: the parameters of BASIC must be given.")
	must(t, update(eventbridge.UpdateConnectionInput{AuthorizationType: types.ConnectionAuthorizationTypeBasic, AuthParameters: basic}))
	must(t, update(eventbridge.UpdateConnectionInput{AuthParameters: &types.UpdateConnectionAuthRequestParameters{BasicAuthParameters: &types.UpdateConnectionBasicAuthRequestParameters{Username: aws.String("v")}}}))
	d, err = c.DescribeConnection(ctx, &eventbridge.DescribeConnectionInput{Name: aws.String("o")})
	must(t, err)
	if d.AuthorizationType != types.ConnectionAuthorizationTypeBasic || *d.AuthParameters.BasicAuthParameters.Username != "v" || d.AuthParameters.OAuthParameters != nil || len(d.AuthParameters.InvocationHttpParameters.HeaderParameters) != 2 || *d.Description != "e" {
		t.Error(asJSON(t, d))
	}
	destination, err := c.CreateApiDestination(ctx, &eventbridge.CreateApiDestinationInput{
		Name: aws.String("h"), ConnectionArn: d.ConnectionArn, InvocationEndpoint: aws.String("https://h.example.com/*"), HttpMethod: types.ApiDestinationHttpMethodPut, InvocationRateLimitPerSecond: aws.Int32(7),
	})
	must(t, err)
	if destination.ApiDestinationState != types.ApiDestinationStateActive {
		t.Error(destination.ApiDestinationState)
	}
	gone, err := c.DeauthorizeConnection(ctx, &eventbridge.DeauthorizeConnectionInput{Name: aws.String("o")})
	must(t, err)
	if gone.ConnectionState != types.ConnectionStateDeauthorizing {
		t.Error(gone.ConnectionState)
	}
	list, err := c.ListConnections(ctx, &eventbridge.ListConnectionsInput{ConnectionState: types.ConnectionStateDeauthorized})
	must(t, err)
	h, err := c.DescribeApiDestination(ctx, &eventbridge.DescribeApiDestinationInput{Name: aws.String("h")})
	must(t, err)
	if len(list.Connections) != 1 || h.ApiDestinationState != types.ApiDestinationStateInactive || *h.InvocationRateLimitPerSecond != 7 {
		t.Error(asJSON(t, list.Connections), asJSON(t, h))
	}
	_, err = c.DeleteConnection(ctx, &eventbridge.DeleteConnectionInput{Name: aws.String("o")})
	must(t, err)
	_, err = c.DescribeConnection(ctx, &eventbridge.DescribeConnectionInput{Name: aws.String("o")})
	want(t, err, notFound, "Failed to describe the connection(s). Connection 'o' does not exist.")
	create := func(change func(*eventbridge.CreateConnectionInput)) error {
		in := &eventbridge.CreateConnectionInput{
			Name: aws.String("n"), AuthorizationType: types.ConnectionAuthorizationTypeBasic,
			AuthParameters: &types.CreateConnectionAuthRequestParameters{BasicAuthParameters: &types.CreateConnectionBasicAuthRequestParameters{Username: aws.String("u"), Password: aws.String("p")}},
		}
		change(in)
		_, err := c.CreateConnection(ctx, in)
		return err
	}
	must(t, create(func(*eventbridge.CreateConnectionInput) {}))
	want(t, create(func(*eventbridge.CreateConnectionInput) {}), taken, "Connection n already exists.")
	want(t, create(func(in *eventbridge.CreateConnectionInput) { in.Name = aws.String("Invalid Name With Spaces!") }), invalid,
		`1 validation error detected: Value 'Invalid Name With Spaces!' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: [\.\-_A-Za-z0-9]+`)
	want(t, create(func(in *eventbridge.CreateConnectionInput) { in.AuthorizationType = "INVALID_AUTH_TYPE" }), invalid,
		"1 validation error detected: Value 'INVALID_AUTH_TYPE' at 'authorizationType' failed to satisfy constraint: Member must satisfy enum value set: [BASIC, OAUTH_CLIENT_CREDENTIALS, API_KEY]")
	want(t, create(func(in *eventbridge.CreateConnectionInput) {
		in.Name, in.AuthParameters.InvocationHttpParameters = aws.String("m"), &types.ConnectionHttpParameters{HeaderParameters: []types.ConnectionHeaderParameter{{Key: aws.String("Host"), Value: aws.String("x")}}}
	}), invalid, "Parameter HeaderParameters is not valid. Reason: the header Host cannot be set")
}

func TestAPIDestinations(t *testing.T) {
	s := wardertest.Start(t)
	c, ctx := s.EventBridge(s.Admin), t.Context()
	hook := destination(t, c)
	d, err := c.DescribeApiDestination(ctx, &eventbridge.DescribeApiDestinationInput{Name: aws.String("hook")})
	must(t, err)
	if *d.ApiDestinationArn != *hook || *d.InvocationRateLimitPerSecond != 300 || d.Description != nil {
		t.Error(asJSON(t, d))
	}
	_, err = c.UpdateApiDestination(ctx, &eventbridge.UpdateApiDestinationInput{Name: aws.String("hook"), InvocationEndpoint: aws.String("https://two.example.com"), Description: aws.String("d")})
	must(t, err)
	list, err := c.ListApiDestinations(ctx, &eventbridge.ListApiDestinationsInput{ConnectionArn: d.ConnectionArn})
	must(t, err)
	if len(list.ApiDestinations) != 1 || *list.ApiDestinations[0].InvocationEndpoint != "https://two.example.com" || list.ApiDestinations[0].HttpMethod != types.ApiDestinationHttpMethodPost {
		t.Error(asJSON(t, list))
	}
	create := func(name, connection, endpoint string) error {
		_, err := c.CreateApiDestination(ctx, &eventbridge.CreateApiDestinationInput{Name: &name, ConnectionArn: &connection, InvocationEndpoint: &endpoint, HttpMethod: types.ApiDestinationHttpMethodGet})
		return err
	}
	want(t, create("hook", *d.ConnectionArn, "https://a.example.com"), taken, "An api-destination hook already exists.")
	want(t, create("b", *d.ConnectionArn+"0", "https://a.example.com"), notFound, "Connection '"+*d.ConnectionArn+"0' does not exist.")
	for _, endpoint := range []string{"http://a.example.com", "https://u:p@a.example.com", "https://*.example.com", "a.example.com", "https:///x"} {
		want(t, create("b", *d.ConnectionArn, endpoint), invalid, "Parameter InvocationEndpoint is not valid. Reason: InvocationEndpoint must be a valid HTTPS URL.")
	}
	_, err = c.DeleteApiDestination(ctx, &eventbridge.DeleteApiDestinationInput{Name: aws.String("hook")})
	must(t, err)
	_, err = c.DescribeApiDestination(ctx, &eventbridge.DescribeApiDestinationInput{Name: aws.String("hook")})
	want(t, err, notFound, "Failed to describe the api-destination(s). An api-destination 'hook' does not exist.")
}

// TestNothing: an account without archives, replays, partners and endpoints.
func TestNothing(t *testing.T) {
	s := wardertest.Start(t)
	c, ctx := s.EventBridge(s.Admin), t.Context()
	x := aws.String("x")
	for _, f := range []func(context.Context) error{
		func(ctx context.Context) error {
			_, err := c.DescribeArchive(ctx, &eventbridge.DescribeArchiveInput{ArchiveName: x})
			return err
		},
		func(ctx context.Context) error {
			_, err := c.DeleteArchive(ctx, &eventbridge.DeleteArchiveInput{ArchiveName: x})
			return err
		},
		func(ctx context.Context) error {
			_, err := c.DescribeReplay(ctx, &eventbridge.DescribeReplayInput{ReplayName: x})
			return err
		},
		func(ctx context.Context) error {
			_, err := c.DescribeEndpoint(ctx, &eventbridge.DescribeEndpointInput{Name: x})
			return err
		},
		func(ctx context.Context) error {
			_, err := c.DescribeEventSource(ctx, &eventbridge.DescribeEventSourceInput{Name: aws.String("aws.partner/x/y")})
			return err
		},
	} {
		if err := f(ctx); wardertest.Code(err) != notFound {
			t.Error(err)
		}
	}
	archives, err := c.ListArchives(ctx, &eventbridge.ListArchivesInput{})
	must(t, err)
	replays, err := c.ListReplays(ctx, &eventbridge.ListReplaysInput{})
	must(t, err)
	if len(archives.Archives)+len(replays.Replays) != 0 {
		t.Error(archives, replays)
	}
	_, err = c.ListArchives(ctx, &eventbridge.ListArchivesInput{EventSourceArn: aws.String(arnOf("event-bus/none"))})
	want(t, err, notFound, "Event bus none does not exist.")
	_, err = c.CreateArchive(ctx, &eventbridge.CreateArchiveInput{ArchiveName: x, EventSourceArn: aws.String(arnOf("event-bus/default"))})
	if code := wardertest.Code(err); !strings.HasPrefix(code, "NotImplemented") {
		t.Error(err)
	}
}
