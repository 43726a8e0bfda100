package server_test

// eventsSamples are values of the members that EventBridge's operations require, and
// of those that their rules require though the model does not, behind the operation's
// name. A value behind "json:" is JSON.
var eventsSamples = map[string]string{
	"ArchiveName":        "target",
	"AuthParameters":     `json:{"BasicAuthParameters":{"Username":"u","Password":"p"}}`,
	"AuthorizationType":  "BASIC",
	"ConnectionArn":      "arn:aws:events:us-east-1:" + account + ":connection/target/11111111-2222-3333-4444-555555555555",
	"Entries":            `[{"Source":"s","DetailType":"t","Detail":"{}","EventBusName":"arn:aws:events:us-east-1:` + account + `:event-bus/default"}]`,
	"Event":              `{"id":"1","account":"1","source":"s","time":"2026-01-01T00:00:00Z","region":"us-east-1","resources":[],"detail-type":"t","detail":{}}`,
	"EventPattern":       `{"source":["s"]}`,
	"EventSourceName":    "aws.partner/example.com/1",
	"HttpMethod":         "POST",
	"Ids":                `["1"]`,
	"InvocationEndpoint": "https://hook.example.com",
	"Name":               "target",
	"NamePrefix":         "aws.partner/example.com/",
	"ReplayName":         "target",
	"ResourceARN":        "arn:aws:events:us-east-1:" + account + ":rule/target",
	"Rule":               "target",
	"Tags":               `[{"Key":"key","Value":"value"}]`,
	"TagKeys":            `["key"]`,
	"TargetArn":          "arn:aws:sns:us-east-1:444455556666:target",
	"Targets":            `[{"Id":"1","Arn":"arn:aws:sns:us-east-1:` + account + `:target"}]`,
	"Account":            account,

	"PutRule.EventPattern":                  `{"source":["s"]}`,
	"PutPermission.Policy":                  `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"events:PutEvents","Resource":"*"}}`,
	"RemovePermission.RemoveAllPermissions": "json:true",

	"ActivateEventSource.Name":        "aws.partner/example.com/1",
	"DeactivateEventSource.Name":      "aws.partner/example.com/1",
	"DescribeEventSource.Name":        "aws.partner/example.com/1",
	"DeletePartnerEventSource.Name":   "aws.partner/example.com/1",
	"DescribePartnerEventSource.Name": "aws.partner/example.com/1",
}
