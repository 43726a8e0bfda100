package cloudtrail_test

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"
)

func TestEventSelectors(t *testing.T) {
	s := start(t)
	c, ctx := s.CloudTrail(s.Admin), t.Context()
	makeTrail(t, c, "audit")
	get := func() *cloudtrail.GetEventSelectorsOutput {
		t.Helper()
		out, err := c.GetEventSelectors(ctx, &cloudtrail.GetEventSelectorsInput{TrailName: new("audit")})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	custom := func() bool {
		t.Helper()
		out, err := c.GetTrail(ctx, &cloudtrail.GetTrailInput{Name: new("audit")})
		if err != nil {
			t.Fatal(err)
		}
		return *out.Trail.HasCustomEventSelectors
	}
	isDefault := func() {
		t.Helper()
		out := get()
		if len(out.EventSelectors) != 1 || out.AdvancedEventSelectors != nil || out.EventSelectors[0].ReadWriteType != types.ReadWriteTypeAll ||
			!*out.EventSelectors[0].IncludeManagementEvents || out.EventSelectors[0].DataResources == nil || len(out.EventSelectors[0].DataResources) != 0 || custom() {
			t.Errorf("%+v", out)
		}
	}
	isDefault()
	put, err := c.PutEventSelectors(ctx, &cloudtrail.PutEventSelectorsInput{TrailName: new("audit"), EventSelectors: []types.EventSelector{{
		ReadWriteType: types.ReadWriteTypeWriteOnly, ExcludeManagementEventSources: []string{"kms.amazonaws.com"},
		DataResources: []types.DataResource{{Type: new("AWS::S3::Object"), Values: []string{"arn:aws:s3:::bucket/", "arn:aws:s3"}}},
	}}})
	if err != nil || *put.TrailARN != trailARN("us-east-1", "audit") || len(put.EventSelectors) != 1 || !*put.EventSelectors[0].IncludeManagementEvents {
		t.Errorf("%+v, %v", put, err)
	}
	if out := get(); !custom() || len(out.EventSelectors) != 1 || len(out.EventSelectors[0].DataResources[0].Values) != 2 || out.EventSelectors[0].ExcludeManagementEventSources[0] != "kms.amazonaws.com" {
		t.Errorf("%+v", out)
	}
	if _, err := c.PutEventSelectors(ctx, &cloudtrail.PutEventSelectorsInput{TrailName: new("audit"), AdvancedEventSelectors: []types.AdvancedEventSelector{
		fields("eventCategory=Management", "readOnly=false"), fields("eventCategory=Data", "resources.type=AWS::S3::Object", "userIdentity.arn!=arn:aws:iam::111122223333:user/a"),
	}}); err != nil {
		t.Fatal(err)
	}
	if out := get(); !custom() || out.EventSelectors != nil || len(out.AdvancedEventSelectors) != 2 || out.AdvancedEventSelectors[1].FieldSelectors[2].NotEquals == nil || out.AdvancedEventSelectors[0].Name != nil {
		t.Errorf("%+v", out)
	}
	if _, err := c.PutEventSelectors(ctx, &cloudtrail.PutEventSelectorsInput{TrailName: new("audit"), EventSelectors: []types.EventSelector{{}}}); err != nil {
		t.Fatal(err)
	}
	isDefault()
}

func TestEventSelectorsRefused(t *testing.T) {
	s := start(t)
	c := s.CloudTrail(s.Admin)
	makeTrail(t, c, "audit")
	basic := func(kind string, values ...string) []types.EventSelector {
		return []types.EventSelector{{DataResources: []types.DataResource{{Type: &kind, Values: values}}}}
	}
	many := func(n int) (values []string) {
		for i := range n {
			values = append(values, fmt.Sprintf("arn:aws:s3:::bucket/%d", i))
		}
		return values
	}
	with := func(s types.AdvancedEventSelector, more ...types.AdvancedFieldSelector) types.AdvancedEventSelector {
		s.FieldSelectors = append(s.FieldSelectors, more...)
		return s
	}
	for name, test := range map[string]struct {
		basic    []types.EventSelector
		advanced []types.AdvancedEventSelector
		text     string
	}{
		"nothing":          {nil, nil, "must specify"},
		"both":             {[]types.EventSelector{{}}, []types.AdvancedEventSelector{fields("eventCategory=Management")}, "both"},
		"six":              {make([]types.EventSelector, 6), nil, "5"},
		"a type":           {basic("AWS::SQS::Queue", "arn:aws:sqs"), nil, "Value AWS::SQS::Queue for DataResources.Type is invalid."},
		"no values":        {basic("AWS::S3::Object"), nil, ""},
		"a wildcard":       {basic("AWS::S3::Object", "arn:aws:s3:::*"), nil, "Value arn:aws:s3:::* for DataResources.Values is invalid."},
		"a bucket":         {basic("AWS::S3::Object", "arn:aws:s3:::bucket"), nil, "DataResources.Values"},
		"another service":  {basic("AWS::Lambda::Function", "arn:aws:s3:::bucket/"), nil, "DataResources.Values"},
		"no function":      {basic("AWS::Lambda::Function", "arn:aws:lambda:us-east-1:111122223333:layer:a"), nil, "DataResources.Values"},
		"many values":      {basic("AWS::S3::Object", many(251)...), nil, "250"},
		"excluded":         {[]types.EventSelector{{ExcludeManagementEventSources: []string{"iam.amazonaws.com"}}}, nil, "iam.amazonaws.com"},
		"no category":      {nil, []types.AdvancedEventSelector{fields("readOnly=true")}, "eventCategory"},
		"not a category":   {nil, []types.AdvancedEventSelector{fields("eventCategory!=Data")}, "eventCategory"},
		"unknown category": {nil, []types.AdvancedEventSelector{fields("eventCategory=Insight")}, "Insight"},
		"unknown field":    {nil, []types.AdvancedEventSelector{fields("eventCategory=Management", "colour=red")}, "colour"},
		"of stores":        {nil, []types.AdvancedEventSelector{fields("eventCategory=Management", "eventName=CreateUser")}, "eventName"},
		"a field twice":    {nil, []types.AdvancedEventSelector{fields("eventCategory=Management", "readOnly=true", "readOnly=false")}, "more than once"},
		"no type":          {nil, []types.AdvancedEventSelector{fields("eventCategory=Data", "eventName=GetObject")}, "resources.type"},
		"a wrong type":     {nil, []types.AdvancedEventSelector{fields("eventCategory=Data", "resources.type=objects")}, "objects"},
		"not a type":       {nil, []types.AdvancedEventSelector{fields("eventCategory=Data", "resources.type!=AWS::S3::Object")}, "resources.type"},
		"read only":        {nil, []types.AdvancedEventSelector{fields("eventCategory=Management", "readOnly=yes")}, "yes"},
		"a source":         {nil, []types.AdvancedEventSelector{fields("eventCategory=Management", "eventSource=iam.amazonaws.com")}, "NotEquals"},
		"not a source":     {nil, []types.AdvancedEventSelector{fields("eventCategory=Management", "eventSource!=iam.amazonaws.com")}, "iam.amazonaws.com"},
		"no source":        {nil, []types.AdvancedEventSelector{fields("eventCategory=NetworkActivity", "errorCode=VpceAccessDenied")}, "eventSource"},
		"an error code":    {nil, []types.AdvancedEventSelector{fields("eventCategory=NetworkActivity", "eventSource=s3.amazonaws.com", "errorCode=AccessDenied")}, "AccessDenied"},
		"console":          {nil, []types.AdvancedEventSelector{fields("eventCategory=Data", "resources.type=AWS::S3::Object", "sessionCredentialFromConsole=false")}, "false"},
		"no operator":      {nil, []types.AdvancedEventSelector{with(fields("eventCategory=Management"), types.AdvancedFieldSelector{Field: new("readOnly")})}, "operator"},
		"many conditions": {nil, []types.AdvancedEventSelector{with(fields("eventCategory=Data", "resources.type=AWS::S3::Object"),
			types.AdvancedFieldSelector{Field: new("resources.ARN"), StartsWith: many(499)})}, "500"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := c.PutEventSelectors(t.Context(), &cloudtrail.PutEventSelectorsInput{TrailName: new("audit"), EventSelectors: test.basic, AdvancedEventSelectors: test.advanced})
			refused(t, err, "InvalidEventSelectorsException", test.text)
		})
	}
}

func TestInsightSelectors(t *testing.T) {
	s := start(t)
	c, ctx := s.CloudTrail(s.Admin), t.Context()
	makeTrail(t, c, "audit")
	rate, failures := types.InsightSelector{InsightType: types.InsightTypeApiCallRateInsight}, types.InsightSelector{InsightType: types.InsightTypeApiErrorRateInsight}
	ofData := types.InsightSelector{InsightType: types.InsightTypeApiErrorRateInsight, EventCategories: []types.SourceEventCategory{types.SourceEventCategoryData}}
	put := func(selectors ...types.InsightSelector) error {
		_, err := c.PutInsightSelectors(ctx, &cloudtrail.PutInsightSelectorsInput{TrailName: new("audit"), InsightSelectors: append([]types.InsightSelector{}, selectors...)})
		return err
	}
	get := func() ([]types.InsightSelector, error) {
		out, err := c.GetInsightSelectors(ctx, &cloudtrail.GetInsightSelectorsInput{TrailName: new("audit")})
		if err != nil {
			return nil, err
		}
		return out.InsightSelectors, nil
	}
	selectors := func(s ...types.AdvancedEventSelector) error {
		_, err := c.PutEventSelectors(ctx, &cloudtrail.PutEventSelectorsInput{TrailName: new("audit"), AdvancedEventSelectors: s})
		return err
	}
	_, err := get()
	refused(t, err, "InsightNotEnabledException", trailARN("us-east-1", "audit"))
	if err := put(rate, failures); err != nil {
		t.Fatal(err)
	}
	if got, err := get(); err != nil || len(got) != 2 || got[0].EventCategories[0] != types.SourceEventCategoryManagement {
		t.Errorf("%+v, %v", got, err)
	}
	refused(t, put(rate, rate), "InvalidInsightSelectorsException", "more than once")
	refused(t, put(types.InsightSelector{}), "InvalidInsightSelectorsException", "InsightType")
	refused(t, put(ofData), "UnsupportedOperationException", "management events")
	// Selectors that leave out what Insights need.
	refused(t, selectors(fields("eventCategory=Management", "readOnly=true")), "InvalidInsightSelectorsException", "write Management events")
	if err := put(failures); err != nil {
		t.Fatal(err)
	}
	if err := selectors(fields("eventCategory=Management", "readOnly=true"), fields("eventCategory=Data", "resources.type=AWS::S3::Object")); err != nil {
		t.Fatal(err)
	}
	out, err := c.ListInsightsData(ctx, &cloudtrail.ListInsightsDataInput{InsightSource: new(trailARN("us-east-1", "audit")), DataType: types.ListInsightsDataTypeInsightsEvents, Dimensions: map[string]string{"EventName": "GetObject"}})
	if err != nil || out.Events == nil || len(out.Events) != 0 {
		t.Errorf("%+v, %v", out, err)
	}
	if err := put(); err != nil {
		t.Fatal(err)
	}
	_, err = get()
	refused(t, err, "InsightNotEnabledException", "")
	_, err = c.PutInsightSelectors(ctx, &cloudtrail.PutInsightSelectorsInput{InsightSelectors: []types.InsightSelector{rate}})
	refused(t, err, "InvalidParameterCombinationException", "either")
	_, err = c.ListInsightsMetricData(ctx, &cloudtrail.ListInsightsMetricDataInput{EventSource: new("iam.amazonaws.com"), EventName: new("GetUser"), InsightType: types.InsightTypeApiCallRateInsight})
	refused(t, err, "UnsupportedOperationException", "")
}
