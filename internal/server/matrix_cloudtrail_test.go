package server_test

// cloudTrailSamples are values of the members that CloudTrail's operations require,
// as JSON where they are not texts.
var cloudTrailSamples = map[string]string{
	"Channel":                 "arn:aws:cloudtrail:us-east-1:" + account + ":channel/target",
	"DashboardId":             "arn:aws:cloudtrail:us-east-1:" + account + ":dashboard/target",
	"DataType":                "InsightsEvents",
	"DelegatedAdminAccountId": account,
	"Destinations":            `[{"Type":"EVENT_DATA_STORE","Location":"` + targetStore + `"}]`,
	"EventDataStore":          targetStore,
	"EventDataStores":         `["` + targetStore + `"]`,
	"EventName":               "GetUser",
	"EventSource":             "iam.amazonaws.com",
	"FederationRoleArn":       "arn:aws:iam::" + account + ":role/target",
	"ImportId":                "11111111-2222-3333-4444-555555555555",
	"InsightSelectors":        `[]`,
	"InsightSource":           targetTrail,
	"InsightType":             "ApiCallRateInsight",
	"MemberAccountId":         account,
	"Name":                    "target",
	"Prompt":                  "who deleted it?",
	"QueryId":                 "11111111-2222-3333-4444-555555555555",
	"ResourceArn":             targetStore,
	"ResourceId":              targetTrail,
	"ResourceIdList":          `["` + targetTrail + `"]`,
	"ResourcePolicy":          permitAll,
	"S3BucketName":            "bucket",
	"SearchPhrase":            "who deleted it?",
	"Source":                  "Custom",
	"TagsList":                `[{"Key":"key","Value":"value"}]`,
	"TrailName":               targetTrail,
}

const (
	targetTrail = "arn:aws:cloudtrail:us-east-1:" + account + ":trail/target"
	targetStore = "arn:aws:cloudtrail:us-east-1:" + account + ":eventdatastore/target"
)
