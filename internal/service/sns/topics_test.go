package sns_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"

	"github.com/warder-iam/warder/internal/wardertest"
)

func TestTopics(t *testing.T) {
	s := start(t)
	c, ctx := s.SNS(s.Admin), t.Context()
	topic := makeTopic(t, c, "alerts")
	if *topic != topicARN("alerts") {
		t.Errorf("the ARN is %s", *topic)
	}
	if again := makeTopic(t, c, "alerts"); *again != *topic {
		t.Errorf("made again, it is %s", *again)
	}
	got := attributesOf(t, c, topic)
	for name, value := range map[string]string{
		"TopicArn": *topic, "Owner": account, "DisplayName": "", "SubscriptionsConfirmed": "0", "SubscriptionsPending": "0", "SubscriptionsDeleted": "0",
		"EffectiveDeliveryPolicy": `{"http":{"defaultHealthyRetryPolicy":{"minDelayTarget":20,"maxDelayTarget":20,"numRetries":3,"numMaxDelayRetries":0,"numNoDelayRetries":0,"numMinDelayRetries":0,"backoffFunction":"linear"},"disableSubscriptionOverrides":false,"defaultRequestPolicy":{"headerContentType":"text/plain; charset=UTF-8"}}}`,
		"Policy":                  `{"Version":"2008-10-17","Id":"__default_policy_ID","Statement":[{"Sid":"__default_statement_ID","Effect":"Allow","Principal":{"AWS":"*"},"Action":["SNS:GetTopicAttributes","SNS:SetTopicAttributes","SNS:AddPermission","SNS:RemovePermission","SNS:DeleteTopic","SNS:Subscribe","SNS:ListSubscriptionsByTopic","SNS:Publish"],"Resource":"` + *topic + `","Condition":{"StringEquals":{"AWS:SourceOwner":"` + account + `"}}}]}`,
	} {
		if got[name] != value {
			t.Errorf("%s is\n%s, want\n%s", name, got[name], value)
		}
		delete(got, name)
	}
	if len(got) != 0 {
		t.Errorf("there are also %v", got)
	}
	must1(c.DeleteTopic(ctx, &sns.DeleteTopicInput{TopicArn: topic}))(t)
	must1(c.DeleteTopic(ctx, &sns.DeleteTopicInput{TopicArn: topic}))(t)
	_, err := c.GetTopicAttributes(ctx, &sns.GetTopicAttributesInput{TopicArn: topic})
	want(t, "a topic that is gone", err, "NotFound", "Topic does not exist")
}

// must1 fails the test on an error of a call whose output does not matter.
func must1[T any](_ T, err error) func(*testing.T) {
	return func(t *testing.T) {
		t.Helper()
		must(t, err)
	}
}

func TestTopicAttributes(t *testing.T) {
	s := start(t)
	c, ctx := s.SNS(s.Admin), t.Context()
	topic := makeTopic(t, c, "alerts")
	set := func(name, value string) error {
		_, err := c.SetTopicAttributes(ctx, &sns.SetTopicAttributesInput{TopicArn: topic, AttributeName: &name, AttributeValue: &value})
		return err
	}
	delivery := `{"http":{"defaultHealthyRetryPolicy":{"minDelayTarget":1,"maxDelayTarget":5,"numRetries":4,"numMaxDelayRetries":1,"numNoDelayRetries":1,"numMinDelayRetries":1,"backoffFunction":"exponential"},"defaultRequestPolicy":{"headerContentType":"application/json"}}}`
	for name, value := range map[string]string{"DisplayName": "Älerts", "SignatureVersion": "2", "DeliveryPolicy": delivery} {
		must(t, set(name, value))
		if got := attributesOf(t, c, topic)[name]; got != value {
			t.Errorf("%s is %s", name, got)
		}
	}
	if got := attributesOf(t, c, topic)["EffectiveDeliveryPolicy"]; !strings.Contains(got, `"numRetries":4`) || !strings.Contains(got, `"disableSubscriptionOverrides":false`) || !strings.Contains(got, "application/json") {
		t.Errorf("the effective delivery policy is %s", got)
	}
	must(t, set("TracingConfig", "PassThrough"))
	must(t, set("KmsMasterKeyId", ""))
	for _, tc := range []struct{ name, value, message string }{
		{"DisplayName", strings.Repeat("x", 101), "Invalid parameter: DisplayName"},
		{"DisplayName", "a\r\nBcc: b", "Invalid parameter: DisplayName"},
		{"SignatureVersion", "3", "Invalid parameter: SignatureVersion"},
		{"FifoTopic", "true", "Invalid parameter: AttributeName"},
		{"Nonsense", "x", "Invalid parameter: AttributeName"},
		{"Owner", "111111111111", "Invalid parameter: AttributeName"},
		{"TracingConfig", "Active", "Invalid parameter: TracingConfig Reason: Warder traces no messages"},
		{"KmsMasterKeyId", "alias/aws/sns", "Invalid parameter: KmsMasterKeyId Reason: Warder has no keys of KMS"},
		{"HTTPSuccessFeedbackRoleArn", "arn:aws:iam::123456789012:role/r", "Invalid parameter: HTTPSuccessFeedbackRoleArn Reason: Warder has no CloudWatch Logs to write deliveries to; failed ones are in the server's log"},
		{"DeliveryPolicy", "{", "Invalid parameter: DeliveryPolicy: failed to parse JSON, or it has a member that is not known"},
		{"DeliveryPolicy", `{"http":{"defaultThrottlePolicy":{"maxReceivesPerSecond":1}}}`, "Invalid parameter: DeliveryPolicy: deliveries are not throttled by Warder"},
		{"DeliveryPolicy", `{"http":{"defaultHealthyRetryPolicy":{"numRetries":101}}}`, "Invalid parameter: DeliveryPolicy: numRetries must be between 0 and 100"},
		{"DeliveryPolicy", `{"http":{"defaultHealthyRetryPolicy":{"numRetries":100,"maxDelayTarget":60}}}`, "Invalid parameter: DeliveryPolicy: the delays are more than 3600 seconds together"},
		{"DeliveryPolicy", `{"http":{"defaultRequestPolicy":{"headerContentType":"image/png"}}}`, `Invalid parameter: DeliveryPolicy: headerContentType must not be "image/png"`},
	} {
		want(t, tc.name+" "+tc.value, set(tc.name, tc.value), "InvalidParameter", tc.message)
	}
	_, err := c.CreateTopic(ctx, &sns.CreateTopicInput{Name: aws.String("alerts"), Attributes: map[string]string{"DisplayName": "other"}})
	want(t, "made again with another attribute", err, "InvalidParameter", "Invalid parameter: Attributes Reason: Topic already exists with different attributes")
	must1(c.CreateTopic(ctx, &sns.CreateTopicInput{Name: aws.String("alerts"), Attributes: map[string]string{"SignatureVersion": "2"}}))(t)
	for _, tc := range []struct {
		in      *sns.CreateTopicInput
		message string
	}{
		{&sns.CreateTopicInput{Name: aws.String("")}, "Invalid parameter: Topic Name"},
		{&sns.CreateTopicInput{Name: aws.String("a b")}, "Invalid parameter: Topic Name"},
		{&sns.CreateTopicInput{Name: aws.String("a:b")}, "Invalid parameter: Topic Name"},
		{&sns.CreateTopicInput{Name: aws.String(strings.Repeat("x", 257))}, "Invalid parameter: Topic Name"},
		{&sns.CreateTopicInput{Name: aws.String("a.fifo"), Attributes: map[string]string{"FifoTopic": "true"}}, "Invalid parameter: Topic Name Reason: FIFO topics deliver to queues only, and Warder has none"},
		{&sns.CreateTopicInput{Name: aws.String("a"), Attributes: map[string]string{"X": "y"}}, "Invalid parameter: Attributes Reason: AttributeName"},
		{&sns.CreateTopicInput{Name: aws.String("a"), DataProtectionPolicy: aws.String("{}")}, "Invalid parameter: DataProtectionPolicy Reason: Warder does not look into messages"},
	} {
		_, err := c.CreateTopic(ctx, tc.in)
		want(t, *tc.in.Name, err, "InvalidParameter", tc.message)
	}
	for text, message := range map[string]string{
		"randomstring": "Invalid parameter: TopicArn Reason: An ARN must have at least 6 elements, not 1",
		"a:b":          "Invalid parameter: TopicArn Reason: An ARN must have at least 6 elements, not 2",
		"arn:aws:sns:eu-west-1:" + account + ":alerts":      "Invalid parameter: TopicArn",
		"arn:aws:iam:us-east-1:" + account + ":role/alerts": "Invalid parameter: TopicArn",
	} {
		_, err := c.GetTopicAttributes(ctx, &sns.GetTopicAttributesInput{TopicArn: &text})
		want(t, text, err, "InvalidParameter", message)
	}
}

func TestTopicTags(t *testing.T) {
	s := start(t)
	c, ctx := s.SNS(s.Admin), t.Context()
	tag := func(k, v string) types.Tag { return types.Tag{Key: &k, Value: &v} }
	out, err := c.CreateTopic(ctx, &sns.CreateTopicInput{Name: aws.String("t"), Tags: []types.Tag{tag("k1", "v1"), tag("k2", "v2")}})
	must(t, err)
	topic := out.TopicArn
	list := func() string {
		t.Helper()
		out, err := c.ListTagsForResource(ctx, &sns.ListTagsForResourceInput{ResourceArn: topic})
		must(t, err)
		text := ""
		for _, tag := range out.Tags {
			text += *tag.Key + "=" + *tag.Value + " "
		}
		return text
	}
	steps := func(what, wanted string) {
		t.Helper()
		if got := list(); got != wanted {
			t.Errorf("%s: %s", what, got)
		}
	}
	steps("made", "k1=v1 k2=v2 ")
	must1(c.TagResource(ctx, &sns.TagResourceInput{ResourceArn: topic, Tags: []types.Tag{tag("k2", "v3"), tag("K2", "v4")}}))(t)
	steps("tagged", "k1=v1 k2=v3 K2=v4 ")
	must1(c.UntagResource(ctx, &sns.UntagResourceInput{ResourceArn: topic, TagKeys: []string{"k2", "none"}}))(t)
	steps("untagged", "k1=v1 K2=v4 ")
	must1(c.CreateTopic(ctx, &sns.CreateTopicInput{Name: aws.String("t"), Tags: []types.Tag{tag("k1", "v1")}}))(t)
	_, err = c.CreateTopic(ctx, &sns.CreateTopicInput{Name: aws.String("t"), Tags: []types.Tag{tag("k1", "other")}})
	want(t, "made again with other tags", err, "InvalidParameter", "Invalid parameter: Tags Reason: Topic already exists with different tags")
	_, err = c.TagResource(ctx, &sns.TagResourceInput{ResourceArn: topic, Tags: []types.Tag{tag("a", "1"), tag("a", "2")}})
	want(t, "a key twice", err, "InvalidParameter", "Invalid parameter: Duplicated keys are not allowed.")
	_, err = c.TagResource(ctx, &sns.TagResourceInput{ResourceArn: topic, Tags: []types.Tag{tag("aws:x", "1")}})
	want(t, "a reserved key", err, "InvalidParameter", "Invalid parameter: Tag keys beginning with aws: are reserved for system use.")
	var many []types.Tag
	for i := range 49 {
		many = append(many, tag(fmt.Sprint(i), ""))
	}
	_, err = c.TagResource(ctx, &sns.TagResourceInput{ResourceArn: topic, Tags: many})
	want(t, "too many", err, "TagLimitExceeded", "Could not complete request: tag quota of per resource exceeded")
	_, err = c.ListTagsForResource(ctx, &sns.ListTagsForResourceInput{ResourceArn: aws.String(topicARN("none"))})
	want(t, "no such topic", err, "ResourceNotFound", "Resource does not exist")
}

func TestListTopics(t *testing.T) {
	s := start(t)
	c, ctx := s.SNS(s.Admin), t.Context()
	var made []string
	for i := range 101 {
		made = append(made, *makeTopic(t, c, fmt.Sprintf("topic-%03d", i)))
	}
	elsewhere := sns.New(c.Options(), func(o *sns.Options) { o.Region = "eu-west-1" })
	makeTopic(t, elsewhere, "far")
	var got []string
	pages := sns.NewListTopicsPaginator(c, &sns.ListTopicsInput{})
	sizes := []int{}
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		must(t, err)
		sizes = append(sizes, len(page.Topics))
		for _, topic := range page.Topics {
			got = append(got, *topic.TopicArn)
		}
	}
	if !slices.Equal(got, made) || !slices.Equal(sizes, []int{100, 1}) {
		t.Errorf("pages of %v: %v", sizes, got)
	}
	_, err := c.ListTopics(ctx, &sns.ListTopicsInput{NextToken: aws.String("nonsense")})
	want(t, "a token that is none", err, "InvalidParameter", "Invalid parameter: NextToken Reason: Invalid NextToken")
}

func TestPermissions(t *testing.T) {
	s := start(t)
	c, ctx := s.SNS(s.Admin), t.Context()
	other, otherAdmin, _ := s.NewAccount()
	topic := makeTopic(t, c, "shared")
	publish := func() error {
		_, err := s.SNS(otherAdmin).Publish(ctx, &sns.PublishInput{TopicArn: topic, Message: aws.String("m")})
		return err
	}
	denied := "User: arn:aws:iam::" + other + ":user/administrator is not authorized to perform: SNS:Publish on resource: " + *topic + " because no resource-based policy allows the SNS:Publish action"
	want(t, "without permission", publish(), "AuthorizationError", denied)
	add := func(label, account, action string) error {
		_, err := c.AddPermission(ctx, &sns.AddPermissionInput{TopicArn: topic, Label: &label, AWSAccountId: []string{account}, ActionName: []string{action}})
		return err
	}
	must(t, add("them", other, "Publish"))
	must(t, publish())
	want(t, "another action", func() error {
		_, err := s.SNS(otherAdmin).DeleteTopic(ctx, &sns.DeleteTopicInput{TopicArn: topic})
		return err
	}(), "AuthorizationError", strings.ReplaceAll(denied, "SNS:Publish", "SNS:DeleteTopic"))
	var doc struct{ Statement []map[string]any }
	must(t, json.Unmarshal([]byte(attributesOf(t, c, topic)["Policy"]), &doc))
	if len(doc.Statement) != 2 || !reflect.DeepEqual(doc.Statement[1], map[string]any{
		"Sid": "them", "Effect": "Allow", "Principal": map[string]any{"AWS": "arn:aws:iam::" + other + ":root"}, "Action": "SNS:Publish", "Resource": *topic,
	}) {
		t.Errorf("the policy is %v", doc.Statement)
	}
	want(t, "a label twice", add("them", other, "Publish"), "InvalidParameter", "Invalid parameter: Statement already exists")
	want(t, "an action of nobody", add("x", other, "Fly"), "InvalidParameter", "Invalid parameter: Policy statement action out of service scope!")
	want(t, "no account", add("x", "12", "Publish"), "InvalidParameter", "Invalid parameter: AWSAccountId Reason: 12 is no account")
	must1(c.RemovePermission(ctx, &sns.RemovePermissionInput{TopicArn: topic, Label: aws.String("them")}))(t)
	must1(c.RemovePermission(ctx, &sns.RemovePermissionInput{TopicArn: topic, Label: aws.String("them")}))(t)
	want(t, "taken away", publish(), "AuthorizationError", denied)

	set := func(policy string) error {
		_, err := c.SetTopicAttributes(ctx, &sns.SetTopicAttributesInput{TopicArn: topic, AttributeName: aws.String("Policy"), AttributeValue: &policy})
		return err
	}
	statement := func(principal, action, resource string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":` + principal + `,"Action":"` + action + `","Resource":"` + resource + `"}]}`
	}
	// A user without policies may what the topic's policy lets them.
	nobody := s.User(s.Admin, "nobody", "")
	try := func(who wardertest.Credentials) string {
		_, err := s.SNS(who).Publish(ctx, &sns.PublishInput{TopicArn: topic, Message: aws.String("m")})
		return wardertest.Code(err)
	}
	if code := try(nobody); code != "AuthorizationError" {
		t.Errorf("a user without policies, by the default policy: %s", code)
	}
	policy := statement(`{"AWS":"arn:aws:iam::`+account+`:user/nobody"}`, "SNS:Publish", *topic)
	must(t, set(policy))
	if code := try(nobody); code != "" {
		t.Errorf("a user who is let in: %s", code)
	}
	if got := attributesOf(t, c, topic)["Policy"]; got != policy {
		t.Errorf("the policy reads %s", got)
	}
	must(t, set(strings.Replace(policy, "Allow", "Deny", 1)))
	if code := try(nobody); code != "AuthorizationError" {
		t.Errorf("a user who is kept out: %s", code)
	}
	for _, tc := range []struct{ policy, message string }{
		{statement(`{"AWS":"arn:aws:iam::`+account+`:user/nowhere"}`, "SNS:Publish", *topic), "Invalid parameter: Policy Error: PrincipalNotFound"},
		{statement(`"*"`, "s3:GetObject", *topic), "Invalid parameter: Policy statement action out of service scope!"},
		{statement(`"*"`, "SNS:Fly", *topic), "Invalid parameter: Policy statement action out of service scope!"},
		{statement(`"*"`, "SNS:Publish", "arn:aws:s3:::bucket"), "Invalid parameter: Policy Error: a statement is about arn:aws:s3:::bucket, which is no topic"},
	} {
		want(t, tc.policy, set(tc.policy), "InvalidParameter", tc.message)
	}
	if code := wardertest.Code(set(`{"Statement":1}`)); code != "InvalidParameter" {
		t.Errorf("no policy: %s", code)
	}
	must(t, set(""))
	if got := attributesOf(t, c, topic)["Policy"]; !strings.Contains(got, "__default_policy_ID") {
		t.Errorf("the policy reads %s", got)
	}
}
