package server_test

import (
	"net/url"
	"testing"

	"github.com/warder-iam/warder/internal/api"
)

const targetTopic = "arn:aws:sns:us-east-1:" + account + ":target"

// snsSamples are values of the members that SNS's operations require.
var snsSamples = map[string]url.Values{
	"ActionName":      {"ActionName.member.1": {"Publish"}},
	"AttributeName":   {"AttributeName": {"DeliveryPolicy"}},
	"AWSAccountId":    {"AWSAccountId.member.1": {account}},
	"Label":           {"Label": {"label"}},
	"Message":         {"Message": {"message"}},
	"Name":            {"Name": {"target"}},
	"Protocol":        {"Protocol": {"http"}, "Endpoint": {"http://127.0.0.1/"}},
	"ResourceArn":     {"ResourceArn": {targetTopic}},
	"SubscriptionArn": {"SubscriptionArn": {targetTopic + ":00000000-0000-4000-8000-000000000000"}},
	"TagKeys":         {"TagKeys.member.1": {"key"}},
	"Tags":            {"Tags.member.1.Key": {"key"}, "Tags.member.1.Value": {"value"}},
	"Token":           {"Token": {"00"}},
	"TopicArn":        {"TopicArn": {targetTopic}},

	"PublishBatchRequestEntries": {"PublishBatchRequestEntries.member.1.Id": {"1"}, "PublishBatchRequestEntries.member.1.Message": {"message"}},
}

// snsSample fills in a member that is required, by the model or, as Publish's topic,
// by its rule.
func snsSample(t *testing.T, v url.Values, op *api.Operation, m *api.Member) {
	t.Helper()
	if !m.Required && (op.Name != "Publish" || m.Name != "TopicArn") {
		return
	}
	sample := snsSamples[m.Name]
	if sample == nil {
		t.Errorf("%s requires %s, which has no sample: add one", op.Name, m.Name)
	}
	for name, value := range sample {
		v[name] = value
	}
}
