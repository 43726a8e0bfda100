package cloudtrail_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"

	"github.com/warder-iam/warder/internal/wardertest"
)

func makeStore(t *testing.T, c *cloudtrail.Client, name string, options ...func(*cloudtrail.CreateEventDataStoreInput)) string {
	t.Helper()
	input := &cloudtrail.CreateEventDataStoreInput{Name: &name, TerminationProtectionEnabled: new(false)}
	for _, o := range options {
		o(input)
	}
	out, err := c.CreateEventDataStore(t.Context(), input)
	if err != nil {
		t.Fatal(err)
	}
	return *out.EventDataStoreArn
}

// fromOutside makes an event data store one for events from outside of AWS.
func fromOutside(in *cloudtrail.CreateEventDataStoreInput) {
	in.AdvancedEventSelectors = []types.AdvancedEventSelector{fields("eventCategory=ActivityAuditLog")}
}

func TestEventDataStore(t *testing.T) {
	s := start(t)
	c, ctx := s.CloudTrail(s.Admin), t.Context()
	s.Clock.Stop()
	made, err := c.CreateEventDataStore(ctx, &cloudtrail.CreateEventDataStoreInput{Name: new("lake"), TagsList: []types.Tag{{Key: new("team"), Value: new("a")}}})
	if err != nil {
		t.Fatal(err)
	}
	if made.Status != types.EventDataStoreStatusEnabled || *made.RetentionPeriod != 366 || !*made.TerminationProtectionEnabled || !*made.MultiRegionEnabled ||
		made.BillingMode != types.BillingModeExtendableRetentionPricing || made.AdvancedEventSelectors[0].FieldSelectors[0].Equals[0] != "Management" || len(made.TagsList) != 1 {
		t.Errorf("%+v", made)
	}
	arn := made.EventDataStoreArn
	status := func() (types.EventDataStoreStatus, error) {
		out, err := c.GetEventDataStore(ctx, &cloudtrail.GetEventDataStoreInput{EventDataStore: arn})
		if err != nil {
			return "", err
		}
		return out.Status, nil
	}
	want := func(want types.EventDataStoreStatus) {
		t.Helper()
		if got, err := status(); got != want || err != nil {
			t.Errorf("%s, %v; want %s", got, err, want)
		}
	}
	remove := func() error {
		_, err := c.DeleteEventDataStore(ctx, &cloudtrail.DeleteEventDataStoreInput{EventDataStore: arn})
		return err
	}
	restore := func() error {
		_, err := c.RestoreEventDataStore(ctx, &cloudtrail.RestoreEventDataStoreInput{EventDataStore: arn})
		return err
	}
	_, err = c.CreateEventDataStore(ctx, &cloudtrail.CreateEventDataStoreInput{Name: new("lake")})
	refused(t, err, "EventDataStoreAlreadyExistsException", "lake")
	refused(t, remove(), "EventDataStoreTerminationProtectedException", "")
	refused(t, restore(), "InvalidEventDataStoreStatusException", "ENABLED")

	if _, err := c.StopEventDataStoreIngestion(ctx, &cloudtrail.StopEventDataStoreIngestionInput{EventDataStore: arn}); err != nil {
		t.Fatal(err)
	}
	want(types.EventDataStoreStatusStoppedIngestion)
	_, err = c.StopEventDataStoreIngestion(ctx, &cloudtrail.StopEventDataStoreIngestionInput{EventDataStore: arn})
	refused(t, err, "InvalidEventDataStoreStatusException", "STOPPED_INGESTION")
	if _, err := c.StartEventDataStoreIngestion(ctx, &cloudtrail.StartEventDataStoreIngestionInput{EventDataStore: arn}); err != nil {
		t.Fatal(err)
	}
	want(types.EventDataStoreStatusEnabled)

	s.Clock.Add(time.Hour)
	updated, err := c.UpdateEventDataStore(ctx, &cloudtrail.UpdateEventDataStoreInput{
		EventDataStore: arn, Name: new("pond"), RetentionPeriod: new(int32(90)), TerminationProtectionEnabled: new(false), MultiRegionEnabled: new(false),
		AdvancedEventSelectors: []types.AdvancedEventSelector{fields("eventCategory=Management", "eventName=CreateUser")},
	})
	if err != nil || *updated.Name != "pond" || *updated.RetentionPeriod != 90 || *updated.TerminationProtectionEnabled || *updated.MultiRegionEnabled || updated.UpdatedTimestamp.Sub(*updated.CreatedTimestamp) != time.Hour {
		t.Errorf("%+v, %v", updated, err)
	}
	if err := remove(); err != nil {
		t.Fatal(err)
	}
	want(types.EventDataStoreStatusPendingDeletion)
	refused(t, remove(), "InactiveEventDataStoreException", "")
	s.Clock.Add(7*24*time.Hour - time.Second)
	if err := restore(); err != nil {
		t.Error(err)
	}
	want(types.EventDataStoreStatusEnabled)
	if err := remove(); err != nil {
		t.Fatal(err)
	}
	s.Clock.Add(7 * 24 * time.Hour)
	_, err = status()
	refused(t, err, "EventDataStoreNotFoundException", *arn)
	refused(t, restore(), "EventDataStoreNotFoundException", *arn)
	makeStore(t, c, "pond")
	list, err := c.ListEventDataStores(ctx, &cloudtrail.ListEventDataStoresInput{})
	if err != nil || len(list.EventDataStores) != 1 {
		t.Errorf("%+v, %v", list, err)
	}
}

func TestEventDataStoreRefused(t *testing.T) {
	s := start(t)
	c, ctx := s.CloudTrail(s.Admin), t.Context()
	for name, test := range map[string]struct {
		input cloudtrail.CreateEventDataStoreInput
		code  string
	}{
		"organization": {cloudtrail.CreateEventDataStoreInput{OrganizationEnabled: new(true)}, "OrganizationsNotInUseException"},
		"key":          {cloudtrail.CreateEventDataStoreInput{KmsKeyId: new("alias/key")}, "KmsKeyNotFoundException"},
		"retention":    {cloudtrail.CreateEventDataStoreInput{BillingMode: types.BillingModeFixedRetentionPricing, RetentionPeriod: new(int32(2558))}, "InvalidParameterException"},
		"selectors":    {cloudtrail.CreateEventDataStoreInput{AdvancedEventSelectors: []types.AdvancedEventSelector{fields("readOnly=true")}}, "InvalidEventSelectorsException"},
		"categories": {cloudtrail.CreateEventDataStoreInput{AdvancedEventSelectors: []types.AdvancedEventSelector{
			fields("eventCategory=Management"), fields("eventCategory=ConfigurationItem")}}, "InvalidEventSelectorsException"},
		"insights": {cloudtrail.CreateEventDataStoreInput{AdvancedEventSelectors: []types.AdvancedEventSelector{fields("eventCategory=Insight", "eventName=a")}}, "InvalidEventSelectorsException"},
	} {
		t.Run(name, func(t *testing.T) {
			test.input.Name = new("new")
			_, err := c.CreateEventDataStore(ctx, &test.input)
			refused(t, err, test.code, "")
		})
	}
	arn := makeStore(t, c, "lake")
	_, err := c.UpdateEventDataStore(ctx, &cloudtrail.UpdateEventDataStoreInput{EventDataStore: &arn})
	refused(t, err, "InvalidParameterException", "At least one")
	_, err = c.UpdateEventDataStore(ctx, &cloudtrail.UpdateEventDataStoreInput{EventDataStore: &arn, BillingMode: types.BillingModeFixedRetentionPricing})
	refused(t, err, "InvalidParameterException", "billing mode")
	_, err = c.UpdateEventDataStore(ctx, &cloudtrail.UpdateEventDataStoreInput{EventDataStore: &arn, AdvancedEventSelectors: []types.AdvancedEventSelector{fields("eventCategory=Insight")}})
	refused(t, err, "InvalidEventSelectorsException", "")
	_, err = c.GetEventDataStore(ctx, &cloudtrail.GetEventDataStoreInput{EventDataStore: &arn}, in("eu-west-1"))
	refused(t, err, "EventDataStoreARNInvalidException", "Region")
	_, err = c.GetEventDataStore(ctx, &cloudtrail.GetEventDataStoreInput{EventDataStore: new("none")})
	refused(t, err, "EventDataStoreNotFoundException", "none")
	_, err = c.EnableFederation(ctx, &cloudtrail.EnableFederationInput{EventDataStore: &arn, FederationRoleArn: new("arn:aws:iam::" + wardertest.Account + ":role/a")})
	refused(t, err, "UnsupportedOperationException", "Glue")
	for i := range 9 {
		makeStore(t, c, fmt.Sprint("lake-", i))
	}
	_, err = c.CreateEventDataStore(ctx, &cloudtrail.CreateEventDataStoreInput{Name: new("lake-9")})
	refused(t, err, "EventDataStoreMaxLimitExceededException", "")

	var names []string
	pages := cloudtrail.NewListEventDataStoresPaginator(c, &cloudtrail.ListEventDataStoresInput{MaxResults: new(int32(3))})
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if err != nil || len(out.EventDataStores) > 3 {
			t.Fatalf("%+v, %v", out, err)
		}
		for _, e := range out.EventDataStores {
			names = append(names, *e.Name)
		}
	}
	if got := fmt.Sprint(names); got != "[lake lake-0 lake-1 lake-2 lake-3 lake-4 lake-5 lake-6 lake-7 lake-8]" {
		t.Error(got)
	}
	_, err = c.ListEventDataStores(ctx, &cloudtrail.ListEventDataStoresInput{NextToken: new("abcd")})
	refused(t, err, "InvalidNextTokenException", "")
}

func TestEventConfiguration(t *testing.T) {
	s := start(t)
	c, ctx := s.CloudTrail(s.Admin), t.Context()
	arn := makeStore(t, c, "lake")
	makeTrail(t, c, "audit")
	keys := []types.ContextKeySelector{{Type: types.TypeTagContext, Equals: []string{"team"}}}
	_, err := c.PutEventConfiguration(ctx, &cloudtrail.PutEventConfigurationInput{EventDataStore: &arn, ContextKeySelectors: keys})
	refused(t, err, "InvalidParameterException", "Large")
	if _, err := c.PutEventConfiguration(ctx, &cloudtrail.PutEventConfigurationInput{EventDataStore: &arn, MaxEventSize: types.MaxEventSizeLarge, ContextKeySelectors: keys}); err != nil {
		t.Fatal(err)
	}
	out, err := c.GetEventConfiguration(ctx, &cloudtrail.GetEventConfigurationInput{EventDataStore: &arn})
	if err != nil || out.MaxEventSize != types.MaxEventSizeLarge || len(out.ContextKeySelectors) != 1 || out.ContextKeySelectors[0].Equals[0] != "team" {
		t.Errorf("%+v, %v", out, err)
	}
	_, err = c.PutEventConfiguration(ctx, &cloudtrail.PutEventConfigurationInput{TrailName: new("audit"), AggregationConfigurations: []types.AggregationConfiguration{
		{EventCategory: types.EventCategoryAggregationData, Templates: []types.Template{types.TemplateApiActivity}}}})
	refused(t, err, "UnsupportedOperationException", "aggregated")
	_, err = c.PutEventConfiguration(ctx, &cloudtrail.PutEventConfigurationInput{TrailName: new("audit"), MaxEventSize: types.MaxEventSizeLarge})
	refused(t, err, "InvalidParameterCombinationException", "")
	_, err = c.GetEventConfiguration(ctx, &cloudtrail.GetEventConfigurationInput{TrailName: new("audit"), EventDataStore: &arn})
	refused(t, err, "InvalidParameterCombinationException", "either")
}

func TestChannel(t *testing.T) {
	s := start(t)
	c, ctx := s.CloudTrail(s.Admin), t.Context()
	outside, lake := makeStore(t, c, "outside", fromOutside), makeStore(t, c, "lake")
	to := func(arns ...string) (d []types.Destination) {
		for _, arn := range arns {
			d = append(d, types.Destination{Type: types.DestinationTypeEventDataStore, Location: &arn})
		}
		return d
	}
	create := func(name, source string, d []types.Destination) (*cloudtrail.CreateChannelOutput, error) {
		return c.CreateChannel(ctx, &cloudtrail.CreateChannelInput{Name: &name, Source: &source, Destinations: d})
	}
	made, err := create("partner", "Custom", to(outside))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, source string
		to           []types.Destination
		code         string
	}{
		{"partner", "Other", to(outside), "ChannelAlreadyExistsException"},
		{"other", "Custom", to(outside), "ChannelAlreadyExistsException"},
		{"other", "Other", to(lake), "InvalidEventDataStoreCategoryException"},
		{"other", "Other", to(outside + "0"), "EventDataStoreNotFoundException"},
		{"other", "Other", to("lake"), "EventDataStoreARNInvalidException"},
		{"other", "Other", to(outside, outside), "InvalidParameterException"},
		{"other", "Other", []types.Destination{{Type: types.DestinationTypeAwsService, Location: new("service")}}, "InvalidParameterException"},
	} {
		_, err := create(test.name, test.source, test.to)
		refused(t, err, test.code, "")
	}
	if _, err := c.UpdateChannel(ctx, &cloudtrail.UpdateChannelInput{Channel: made.ChannelArn, Name: new("renamed")}); err != nil {
		t.Fatal(err)
	}
	got, err := c.GetChannel(ctx, &cloudtrail.GetChannelInput{Channel: made.ChannelArn})
	if err != nil || *got.Name != "renamed" || *got.Source != "Custom" || *got.Destinations[0].Location != outside {
		t.Errorf("%+v, %v", got, err)
	}
	_, err = c.DeleteEventDataStore(ctx, &cloudtrail.DeleteEventDataStoreInput{EventDataStore: &outside})
	refused(t, err, "ChannelExistsForEDSException", *made.ChannelArn)
	if _, err := c.DeleteChannel(ctx, &cloudtrail.DeleteChannelInput{Channel: made.ChannelArn}); err != nil {
		t.Fatal(err)
	}
	_, err = c.GetChannel(ctx, &cloudtrail.GetChannelInput{Channel: made.ChannelArn})
	refused(t, err, "ChannelNotFoundException", *made.ChannelArn)
	if out, err := c.ListChannels(ctx, &cloudtrail.ListChannelsInput{}); err != nil || len(out.Channels) != 0 {
		t.Errorf("%+v, %v", out, err)
	}
}

func TestDashboard(t *testing.T) {
	s := start(t)
	c, ctx := s.CloudTrail(s.Admin), t.Context()
	widgets := []types.RequestWidget{{QueryStatement: new("SELECT 1"), ViewProperties: map[string]string{"Height": "2"}}}
	made, err := c.CreateDashboard(ctx, &cloudtrail.CreateDashboardInput{Name: new("board"), Widgets: widgets, TerminationProtectionEnabled: new(true)})
	if err != nil || made.Type != types.DashboardTypeCustom || *made.Widgets[0].QueryStatement != "SELECT 1" {
		t.Fatalf("%+v, %v", made, err)
	}
	_, err = c.CreateDashboard(ctx, &cloudtrail.CreateDashboardInput{Name: new("board")})
	refused(t, err, "ConflictException", "board")
	_, err = c.CreateDashboard(ctx, &cloudtrail.CreateDashboardInput{Name: new("other"), Widgets: make([]types.RequestWidget, 0), RefreshSchedule: &types.RefreshSchedule{Status: types.RefreshScheduleStatusEnabled}})
	refused(t, err, "UnsupportedOperationException", "")
	_, err = c.CreateDashboard(ctx, &cloudtrail.CreateDashboardInput{Name: new("AWSCloudTrail-Highlights")})
	refused(t, err, "UnsupportedOperationException", "")
	_, err = c.DeleteDashboard(ctx, &cloudtrail.DeleteDashboardInput{DashboardId: new("board")})
	refused(t, err, "ConflictException", "termination protection")
	if _, err := c.UpdateDashboard(ctx, &cloudtrail.UpdateDashboardInput{DashboardId: made.DashboardArn, TerminationProtectionEnabled: new(false),
		RefreshSchedule: &types.RefreshSchedule{Status: types.RefreshScheduleStatusDisabled, Frequency: &types.RefreshScheduleFrequency{Unit: types.RefreshScheduleFrequencyUnitDays, Value: new(int32(1))}}}); err != nil {
		t.Fatal(err)
	}
	got, err := c.GetDashboard(ctx, &cloudtrail.GetDashboardInput{DashboardId: new("board")})
	if err != nil || *got.RefreshSchedule.Frequency.Value != 1 || len(got.Widgets) != 1 || *got.TerminationProtectionEnabled {
		t.Errorf("%+v, %v", got, err)
	}
	_, err = c.StartDashboardRefresh(ctx, &cloudtrail.StartDashboardRefreshInput{DashboardId: new("board")})
	refused(t, err, "UnsupportedOperationException", "engine")
	for prefix, want := range map[string]int{"boa": 1, "box": 0} {
		if out, err := c.ListDashboards(ctx, &cloudtrail.ListDashboardsInput{NamePrefix: &prefix}); err != nil || len(out.Dashboards) != want {
			t.Errorf("%s: %+v, %v", prefix, out, err)
		}
	}
	if _, err := c.DeleteDashboard(ctx, &cloudtrail.DeleteDashboardInput{DashboardId: new("board")}); err != nil {
		t.Fatal(err)
	}
	_, err = c.GetDashboard(ctx, &cloudtrail.GetDashboardInput{DashboardId: new("board")})
	refused(t, err, "ResourceNotFoundException", "board")
}

// A resource's policy counts in its account: what it denies is denied, and what it
// allows needs no other permission.
func TestResourcePolicy(t *testing.T) {
	s := start(t)
	c, ctx := s.CloudTrail(s.Admin), t.Context()
	arn := makeStore(t, c, "lake")
	reader, writer := s.User(s.Admin, "reader", ""), s.User(s.Admin, "writer", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"cloudtrail:*","Resource":"*"}}`)
	get := func(who wardertest.Credentials) error {
		_, err := s.CloudTrail(who).GetEventDataStore(ctx, &cloudtrail.GetEventDataStoreInput{EventDataStore: &arn})
		return err
	}
	put := func(text string) error {
		_, err := c.PutResourcePolicy(ctx, &cloudtrail.PutResourcePolicyInput{ResourceArn: &arn, ResourcePolicy: &text})
		return err
	}
	_, err := c.GetResourcePolicy(ctx, &cloudtrail.GetResourcePolicyInput{ResourceArn: &arn})
	refused(t, err, "ResourcePolicyNotFoundException", "")
	refused(t, get(reader), "AccessDeniedException", arn)
	user := "arn:aws:iam::" + wardertest.Account + ":user/"
	text := fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"%sreader"},"Action":"cloudtrail:GetEventDataStore","Resource":"%s"},`+
		`{"Effect":"Deny","Principal":{"AWS":"%swriter"},"Action":"cloudtrail:GetEventDataStore","Resource":"%s"}]}`, user, arn, user, arn)
	if err := put(text); err != nil {
		t.Fatal(err)
	}
	if err := get(reader); err != nil {
		t.Error(err)
	}
	refused(t, get(writer), "AccessDeniedException", "explicit deny")
	out, err := c.GetResourcePolicy(ctx, &cloudtrail.GetResourcePolicyInput{ResourceArn: &arn})
	if err != nil || *out.ResourcePolicy != text {
		t.Errorf("%+v, %v", out, err)
	}
	for _, bad := range []string{`{`, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`,
		fmt.Sprintf(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"%snobody"},"Action":"*","Resource":"*"}}`, user)} {
		refused(t, put(bad), "ResourcePolicyNotValidException", "")
	}
	if _, err := c.DeleteResourcePolicy(ctx, &cloudtrail.DeleteResourcePolicyInput{ResourceArn: &arn}); err != nil {
		t.Fatal(err)
	}
	refused(t, get(reader), "AccessDeniedException", arn)
	if err := get(writer); err != nil {
		t.Error(err)
	}
	makeTrail(t, c, "audit")
	for id, code := range map[string]string{
		trailARN("us-east-1", "audit"): "ResourceTypeNotSupportedException",
		arn + "0":                      "ResourceNotFoundException",
		"lake":                         "CloudTrailARNInvalidException",
	} {
		_, err := c.GetResourcePolicy(ctx, &cloudtrail.GetResourcePolicyInput{ResourceArn: &id})
		refused(t, err, code, "")
	}
}

// There is no engine for queries, and nothing is imported; who asks is told so.
func TestNoEngine(t *testing.T) {
	s := start(t)
	c, ctx := s.CloudTrail(s.Admin), t.Context()
	arn, id := makeStore(t, c, "lake"), "11111111-2222-3333-4444-555555555555"
	for name, test := range map[string]struct {
		code string
		call func() error
	}{
		"StartQuery": {"UnsupportedOperationException", func() error {
			_, err := c.StartQuery(ctx, &cloudtrail.StartQueryInput{QueryStatement: new("SELECT 1")})
			return err
		}},
		"GetQueryResults": {"QueryIdNotFoundException", func() error {
			_, err := c.GetQueryResults(ctx, &cloudtrail.GetQueryResultsInput{QueryId: &id})
			return err
		}},
		"DescribeQuery": {"QueryIdNotFoundException", func() error {
			_, err := c.DescribeQuery(ctx, &cloudtrail.DescribeQueryInput{QueryId: &id})
			return err
		}},
		"CancelQuery": {"QueryIdNotFoundException", func() error {
			_, err := c.CancelQuery(ctx, &cloudtrail.CancelQueryInput{QueryId: &id})
			return err
		}},
		"ListQueries": {"", func() error {
			_, err := c.ListQueries(ctx, &cloudtrail.ListQueriesInput{EventDataStore: &arn})
			return err
		}},
		"GenerateQuery": {"UnsupportedOperationException", func() error {
			_, err := c.GenerateQuery(ctx, &cloudtrail.GenerateQueryInput{EventDataStores: []string{arn}, Prompt: new("who?")})
			return err
		}},
		"SearchSampleQueries": {"UnsupportedOperationException", func() error {
			_, err := c.SearchSampleQueries(ctx, &cloudtrail.SearchSampleQueriesInput{SearchPhrase: new("who deleted")})
			return err
		}},
		"StartImport": {"UnsupportedOperationException", func() error {
			_, err := c.StartImport(ctx, &cloudtrail.StartImportInput{Destinations: []string{arn}, ImportSource: &types.ImportSource{S3: &types.S3ImportSource{
				S3LocationUri: new("s3://bucket/a"), S3BucketRegion: new("us-east-1"), S3BucketAccessRoleArn: new("arn:aws:iam::" + wardertest.Account + ":role/a")}}})
			return err
		}},
		"StopImport": {"ImportNotFoundException", func() error {
			_, err := c.StopImport(ctx, &cloudtrail.StopImportInput{ImportId: &id})
			return err
		}},
		"ListImports": {"", func() error { _, err := c.ListImports(ctx, &cloudtrail.ListImportsInput{}); return err }},
		"RegisterOrganizationDelegatedAdmin": {"OrganizationsNotInUseException", func() error {
			_, err := c.RegisterOrganizationDelegatedAdmin(ctx, &cloudtrail.RegisterOrganizationDelegatedAdminInput{MemberAccountId: new("111122223333")})
			return err
		}},
		"ListPublicKeys": {"", func() error { _, err := c.ListPublicKeys(ctx, &cloudtrail.ListPublicKeysInput{}); return err }},
	} {
		t.Run(name, func(t *testing.T) { refused(t, test.call(), test.code, "") })
	}
}
