package selector_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/warder-iam/warder/internal/audit/selector"
	"github.com/warder-iam/warder/internal/audit/trail"
	"github.com/warder-iam/warder/internal/state"
)

const account = "111122223333"

// The events that the tables below are about. The names of those of data and
// network events are as AWS's documentation has them.
var events = map[string]*trail.Entry{
	"createUser":    management("iam.amazonaws.com", "CreateUser", "us-east-1", false, ""),
	"getUser":       management("iam.amazonaws.com", "GetUser", "us-east-1", true, ""),
	"assumeRole":    management("sts.amazonaws.com", "AssumeRole", "eu-west-1", true, ""),
	"runInstances":  management("ec2.amazonaws.com", "RunInstances", "us-west-2", false, `,"sessionCredentialFromConsole":"true"`),
	"encrypt":       management("kms.amazonaws.com", "Encrypt", "eu-west-1", true, ""),
	"putObject":     data("s3.amazonaws.com", "PutObject", false, "AWS::S3::Object", "arn:aws:s3:::bucket-1/example-images/a.png"),
	"getObject":     data("s3.amazonaws.com", "GetObject", true, "AWS::S3::Object", "arn:aws:s3:::bucket-1/b.txt"),
	"getOther":      data("s3.amazonaws.com", "GetObject", true, "AWS::S3::Object", "arn:aws:s3:::bucket-10/b.txt"),
	"invoke":        data("lambda.amazonaws.com", "Invoke", false, "AWS::Lambda::Function", "arn:aws:lambda:us-west-2:111111111111:function:helloworld"),
	"invoke2":       data("lambda.amazonaws.com", "Invoke", false, "AWS::Lambda::Function", "arn:aws:lambda:us-west-2:111111111111:function:helloworld2"),
	"putItem":       data("dynamodb.amazonaws.com", "PutItem", false, "AWS::DynamoDB::Table", "arn:aws:dynamodb:us-east-1:111122223333:table/t"),
	"denied":        {Account: account, Category: "NetworkActivity", Source: "s3.amazonaws.com", Name: "GetObject", JSON: []byte(`{"awsRegion":"eu-west-1","errorCode":"VpceAccessDenied","vpcEndpointId":"vpce-1"}`)},
	"callRate":      insight(`{"insightType":"ApiCallRateInsight","eventSource":"ec2.amazonaws.com"}`),
	"errorRate":     insight(`{"insightType":"ApiErrorRateInsight","eventSource":"sts.amazonaws.com","sourceEventCategory":"Management"}`),
	"dataCallRate":  insight(`{"insightType":"ApiCallRateInsight","eventSource":"s3.amazonaws.com","sourceEventCategory":"Data"}`),
	"anotherOwners": {Account: "444455556666", Source: "iam.amazonaws.com", Name: "CreateUser", JSON: []byte(`{"awsRegion":"us-east-1"}`)},
}

func management(source, name, region string, readOnly bool, more string) *trail.Entry {
	text := fmt.Sprintf(`{"awsRegion":%q,"eventType":"AwsApiCall","userIdentity":{"arn":"arn:aws:iam::111122223333:user/alice"}%s}`, region, more)
	return &trail.Entry{Account: account, Source: source, Name: name, ReadOnly: readOnly, JSON: []byte(text)}
}

func data(source, name string, readOnly bool, kind, arn string) *trail.Entry {
	// As S3 does, with the bucket beside the object.
	text := fmt.Sprintf(`{"awsRegion":"eu-west-1","eventType":"AwsApiCall","userIdentity":{"arn":"arn:aws:sts::111122223333:assumed-role/reader/s"},`+
		`"resources":[{"type":%q,"ARN":%q},{"accountId":"111122223333","type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::bucket-1"}]}`, kind, arn)
	return &trail.Entry{Account: account, Category: trail.Data, Source: source, Name: name, ReadOnly: readOnly, JSON: []byte(text)}
}

func insight(details string) *trail.Entry {
	return &trail.Entry{Account: account, Category: trail.Insight, JSON: []byte(`{"awsRegion":"eu-west-1","insightDetails":` + details + `}`)}
}

func basic(s ...state.EventSelector) state.EventSelectors { return state.EventSelectors{Basic: s} }

// fields makes one advanced selector. A condition is FIELD OPERATOR VALUE, with
// operators =, ^ and $, and !=, !^ and !$ for those that deselect; those of one
// field after another belong to one selector of that field.
func fields(conditions ...string) state.EventSelectors {
	var s state.AdvancedEventSelector
	for _, c := range conditions {
		part := strings.Fields(c)
		if n := len(s.Fields); n == 0 || s.Fields[n-1].Field != part[0] {
			s.Fields = append(s.Fields, state.FieldSelector{Field: part[0]})
		}
		f := &s.Fields[len(s.Fields)-1]
		operands := map[string]*[]string{
			"=": &f.Equals, "^": &f.StartsWith, "$": &f.EndsWith, "!=": &f.NotEquals, "!^": &f.NotStartsWith, "!$": &f.NotEndsWith,
		}[part[1]]
		*operands = append(*operands, part[2])
	}
	return state.EventSelectors{Advanced: []state.AdvancedEventSelector{s}}
}

func both(a, b state.EventSelectors) state.EventSelectors {
	return state.EventSelectors{Advanced: append(a.Advanced, b.Advanced...)}
}

const (
	allManagement = "assumeRole createUser encrypt getUser runInstances"
	allData       = "getObject getOther invoke invoke2 putItem putObject"
)

func TestSelectors(t *testing.T) {
	s3 := func(readWrite string, values ...string) state.EventSelectors {
		return basic(state.EventSelector{ReadWrite: readWrite, Data: []state.DataResource{{Type: "AWS::S3::Object", Values: values}}})
	}
	of := func(kind, value string) state.EventSelectors {
		return basic(state.EventSelector{ReadWrite: "All", Data: []state.DataResource{{Type: kind, Values: []string{value}}}})
	}
	const dataEvents, objects = "eventCategory = Data", "resources.type = AWS::S3::Object"
	for name, test := range map[string]struct {
		selectors state.EventSelectors
		want      string
	}{
		"none":            {state.EventSelectors{}, allManagement},
		"all":             {basic(state.EventSelector{ReadWrite: "All", Management: true}), allManagement},
		"reads":           {basic(state.EventSelector{ReadWrite: "ReadOnly", Management: true}), "assumeRole encrypt getUser"},
		"writes":          {basic(state.EventSelector{ReadWrite: "WriteOnly", Management: true}), "createUser runInstances"},
		"no management":   {basic(state.EventSelector{ReadWrite: "All"}), ""},
		"excluded source": {basic(state.EventSelector{ReadWrite: "All", Management: true, ExcludedSources: []string{"kms.amazonaws.com"}}), "assumeRole createUser getUser runInstances"},
		"any selector will do": {
			basic(state.EventSelector{ReadWrite: "ReadOnly", Management: true}, state.EventSelector{ReadWrite: "WriteOnly", Data: []state.DataResource{{Type: "AWS::S3::Object", Values: []string{"arn:aws:s3"}}}}),
			"assumeRole encrypt getUser putObject"},
		"all objects":            {s3("All", "arn:aws:s3"), "getObject getOther putObject"},
		"all objects, colons":    {s3("All", "arn:aws:s3:::"), "getObject getOther putObject"},
		"objects of a bucket":    {s3("All", "arn:aws:s3:::bucket-1/"), "getObject putObject"},
		"objects with a prefix":  {s3("All", "arn:aws:s3:::bucket-1/example-images"), "putObject"},
		"written objects":        {s3("WriteOnly", "arn:aws:s3:::bucket-1/"), "putObject"},
		"objects of two buckets": {s3("ReadOnly", "arn:aws:s3:::bucket-1/", "arn:aws:s3:::bucket-10/"), "getObject getOther"},
		"a function":             {of("AWS::Lambda::Function", "arn:aws:lambda:us-west-2:111111111111:function:helloworld"), "invoke"},
		"all functions":          {of("AWS::Lambda::Function", "arn:aws:lambda"), "invoke invoke2"},
		"all tables":             {of("AWS::DynamoDB::Table", "arn:aws:dynamodb"), "putItem"},
		"ARNs of another type":   {of("AWS::Lambda::Function", "arn:aws:s3"), ""},

		"advanced management":          {fields("eventCategory = Management"), allManagement},
		"advanced reads":               {fields("eventCategory = Management", "readOnly = true"), "assumeRole encrypt getUser"},
		"advanced excluded source":     {fields("eventCategory = Management", "eventSource != kms.amazonaws.com", "eventSource != rdsdata.amazonaws.com"), "assumeRole createUser getUser runInstances"},
		"of the console":               {fields("eventCategory = Management", "sessionCredentialFromConsole = true"), "runInstances"},
		"not of the console":           {fields("eventCategory = Management", "sessionCredentialFromConsole != true"), "assumeRole createUser encrypt getUser"},
		"by a user":                    {fields("eventCategory = Management", "userIdentity.arn $ user/alice", "eventName ^ Create"), "createUser"},
		"not by a role":                {fields(dataEvents, objects, "userIdentity.arn !^ arn:aws:sts::111122223333:assumed-role/reader"), ""},
		"by a role":                    {fields(dataEvents, objects, "userIdentity.arn ^ arn:aws:sts::111122223333:assumed-role/reader"), "getObject getOther putObject"},
		"type of event":                {fields("eventCategory = Management", "eventType != AwsApiCall"), ""},
		"advanced objects":             {fields(dataEvents, objects), "getObject getOther putObject"},
		"objects of buckets":           {fields(dataEvents, objects, "resources.ARN ^ arn:aws:s3:::bucket-1/", "resources.ARN ^ arn:aws:s3:::nothing/"), "getObject putObject"},
		"the bucket is not the object": {fields(dataEvents, objects, "resources.ARN = arn:aws:s3:::bucket-1"), ""},
		"but for a bucket":             {fields(dataEvents, objects, "resources.ARN !^ arn:aws:s3:::bucket-1/"), "getOther"},
		"but for names":                {fields(dataEvents, objects, "eventName != GetObject", "eventName != HeadObject"), "putObject"},
		"operators that select":        {fields(dataEvents, objects, "resources.ARN = arn:aws:s3:::bucket-10/b.txt", "resources.ARN $ .png"), "getOther putObject"},
		"operators of both kinds":      {fields(dataEvents, objects, "resources.ARN ^ arn:aws:s3:::bucket-1", "resources.ARN !$ .png", "resources.ARN !^ arn:aws:s3:::bucket-10/"), "getObject"},
		"source of data events":        {fields(dataEvents, "resources.type = AWS::Lambda::Function", "eventSource = lambda.amazonaws.com"), "invoke invoke2"},
		"two selectors":                {both(fields("eventCategory = Management", "readOnly = false"), fields(dataEvents, "resources.type = AWS::DynamoDB::Table")), "createUser putItem runInstances"},
		"network":                      {fields("eventCategory = NetworkActivity", "eventSource = s3.amazonaws.com", "errorCode = VpceAccessDenied"), "denied"},
		"another endpoint":             {fields("eventCategory = NetworkActivity", "eventSource = s3.amazonaws.com", "vpcEndpointId != vpce-1"), ""},
		"a field there is not":         {fields("eventCategory = Management", "colour = red"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			check(t, &state.Trail{Account: account, MultiRegion: true, GlobalEvents: true, Selectors: test.selectors}, test.want)
		})
	}
}

func TestRegions(t *testing.T) {
	for name, test := range map[string]struct {
		trail state.Trail
		want  string
	}{
		"all regions":                 {state.Trail{Region: "eu-west-1", MultiRegion: true, GlobalEvents: true}, allManagement},
		"all, without global":         {state.Trail{Region: "eu-west-1", MultiRegion: true}, "assumeRole encrypt runInstances"},
		"one region":                  {state.Trail{Region: "eu-west-1", GlobalEvents: true}, "assumeRole encrypt"},
		"the region of global events": {state.Trail{Region: "us-east-1", GlobalEvents: true}, "createUser getUser"},
		"without them":                {state.Trail{Region: "us-east-1"}, ""},
		"data events of one region": {state.Trail{Region: "eu-west-1", GlobalEvents: true, Selectors: basic(state.EventSelector{ReadWrite: "All",
			Data: []state.DataResource{{Type: "AWS::Lambda::Function", Values: []string{"arn:aws:lambda"}}}})}, "invoke invoke2"},
		"data events of another": {state.Trail{Region: "us-east-1", GlobalEvents: true, Selectors: basic(state.EventSelector{ReadWrite: "All",
			Data: []state.DataResource{{Type: "AWS::Lambda::Function", Values: []string{"arn:aws:lambda"}}}})}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			test.trail.Account = account
			check(t, &test.trail, test.want)
		})
	}
}

func TestInsights(t *testing.T) {
	for name, test := range map[string]struct {
		insights []state.InsightSelector
		want     string
	}{
		"none":           {nil, ""},
		"call rate":      {[]state.InsightSelector{{Type: "ApiCallRateInsight"}}, "callRate"},
		"both":           {[]state.InsightSelector{{Type: "ApiCallRateInsight"}, {Type: "ApiErrorRateInsight", Categories: []string{"Management"}}}, "callRate errorRate"},
		"of data events": {[]state.InsightSelector{{Type: "ApiCallRateInsight", Categories: []string{"Data"}}}, "dataCallRate"},
		"of all events":  {[]state.InsightSelector{{Type: "ApiCallRateInsight", Categories: []string{"Data", "Management"}}}, "callRate dataCallRate"},
	} {
		t.Run(name, func(t *testing.T) {
			check(t, &state.Trail{Account: account, Region: "eu-west-1", GlobalEvents: true, Insights: test.insights, Selectors: basic(state.EventSelector{ReadWrite: "All"})}, test.want)
		})
	}
}

// A record that cannot be read is not lost for it.
func TestUnreadable(t *testing.T) {
	e := &trail.Entry{Account: account, Source: "iam.amazonaws.com", JSON: []byte("{")}
	for _, tr := range []*state.Trail{{}, {Region: "eu-west-1"}, {MultiRegion: true, GlobalEvents: true}, {Selectors: fields("eventCategory = Data")}} {
		tr.Account = account
		if !selector.Of(tr).Selects(selector.Read(e)) {
			t.Errorf("%+v does not take it", tr)
		}
	}
}

func check(t *testing.T, tr *state.Trail, want string) {
	t.Helper()
	s, wanted := selector.Of(tr), strings.Fields(want)
	took := 0
	for name, e := range events {
		got := s.Selects(selector.Read(e))
		expected := false
		for _, w := range wanted {
			expected = expected || w == name
		}
		if got != expected {
			t.Errorf("%s: %v", name, got)
		}
		if got {
			took++
		}
	}
	if took != len(wanted) {
		t.Errorf("took %d events, want %s", took, want)
	}
}
