package cloudtrail_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"

	"github.com/warder-iam/warder/internal/daemon"
	"github.com/warder-iam/warder/internal/wardertest"
)

func TestTrail(t *testing.T) {
	s := start(t)
	c, ctx := s.CloudTrail(s.Admin), t.Context()
	made, err := c.CreateTrail(ctx, &cloudtrail.CreateTrailInput{
		Name: new("audit"), S3BucketName: new("bucket"), S3KeyPrefix: new("logs"), EnableLogFileValidation: new(true),
		TagsList: []types.Tag{{Key: new("team"), Value: new("security")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if *made.TrailARN != trailARN("us-east-1", "audit") || *made.S3KeyPrefix != "logs" || !*made.LogFileValidationEnabled || !*made.IncludeGlobalServiceEvents || *made.IsMultiRegionTrail {
		t.Errorf("created %+v", made)
	}
	if out, err := c.GetTrailStatus(ctx, &cloudtrail.GetTrailStatusInput{Name: new("audit")}); err != nil || *out.IsLogging || out.StartLoggingTime != nil {
		t.Errorf("a new trail: %+v, %v", out, err)
	}
	s.Clock.Stop()
	now := s.Clock.Now().UTC().Truncate(time.Second)
	if _, err := c.StartLogging(ctx, &cloudtrail.StartLoggingInput{Name: made.TrailARN}); err != nil {
		t.Fatal(err)
	}
	s.Clock.Add(time.Hour)
	if _, err := c.StopLogging(ctx, &cloudtrail.StopLoggingInput{Name: new("audit")}); err != nil {
		t.Fatal(err)
	}
	status, err := c.GetTrailStatus(ctx, &cloudtrail.GetTrailStatusInput{Name: new("audit")})
	if err != nil || *status.IsLogging || !status.StartLoggingTime.Equal(now) || !status.StopLoggingTime.Equal(now.Add(time.Hour)) || *status.TimeLoggingStarted != now.Format("2006-01-02T15:04:05Z") {
		t.Errorf("a stopped trail: %+v, %v", status, err)
	}

	updated, err := c.UpdateTrail(ctx, &cloudtrail.UpdateTrailInput{Name: new("audit"), S3BucketName: new("bucket-2"), S3KeyPrefix: new(""), IsMultiRegionTrail: new(true), KmsKeyId: new("")})
	if err != nil || *updated.S3BucketName != "bucket-2" || updated.S3KeyPrefix != nil || !*updated.IsMultiRegionTrail || !*updated.LogFileValidationEnabled {
		t.Errorf("updated %+v, %v", updated, err)
	}
	got, err := c.GetTrail(ctx, &cloudtrail.GetTrailInput{Name: new("audit")})
	if err != nil || *got.Trail.S3BucketName != "bucket-2" || *got.Trail.HomeRegion != "us-east-1" || *got.Trail.HasCustomEventSelectors || *got.Trail.HasInsightSelectors || *got.Trail.IsOrganizationTrail {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := c.DeleteTrail(ctx, &cloudtrail.DeleteTrailInput{Name: new("audit")}); err != nil {
		t.Fatal(err)
	}
	_, err = c.GetTrail(ctx, &cloudtrail.GetTrailInput{Name: new("audit")})
	refused(t, err, "TrailNotFoundException", "Unknown trail: "+trailARN("us-east-1", "audit")+" for the user: "+wardertest.Account)
	_, err = c.DeleteTrail(ctx, &cloudtrail.DeleteTrailInput{Name: new("audit")})
	refused(t, err, "TrailNotFoundException", "")
}

func TestCreateTrailRefused(t *testing.T) {
	s := start(t)
	c := s.CloudTrail(s.Admin)
	makeTrail(t, c, "there")
	for name, test := range map[string]struct {
		change     func(*cloudtrail.CreateTrailInput)
		code, text string
	}{
		"the same name": {func(in *cloudtrail.CreateTrailInput) { in.Name = new("there") }, "TrailAlreadyExistsException", "Trail there already exists for customer: " + wardertest.Account},
		"short name":    {func(in *cloudtrail.CreateTrailInput) { in.Name = new("ab") }, "InvalidTrailNameException", "too short"},
		"long name":     {func(in *cloudtrail.CreateTrailInput) { in.Name = new(strings.Repeat("a", 129)) }, "InvalidTrailNameException", "too long"},
		"beginning":     {func(in *cloudtrail.CreateTrailInput) { in.Name = new("-abc") }, "InvalidTrailNameException", "starts with"},
		"end":           {func(in *cloudtrail.CreateTrailInput) { in.Name = new("abc.") }, "InvalidTrailNameException", "ends with"},
		"space":         {func(in *cloudtrail.CreateTrailInput) { in.Name = new("a b c") }, "InvalidTrailNameException", "can only contain"},
		"adjacent":      {func(in *cloudtrail.CreateTrailInput) { in.Name = new("my-_trail") }, "InvalidTrailNameException", "adjacent"},
		"address":       {func(in *cloudtrail.CreateTrailInput) { in.Name = new("192.168.5.4") }, "InvalidTrailNameException", "IP address"},
		"no bucket":     {func(in *cloudtrail.CreateTrailInput) { in.S3BucketName = new("nothing") }, "S3BucketDoesNotExistException", "S3 bucket nothing does not exist!"},
		"blank bucket":  {func(in *cloudtrail.CreateTrailInput) { in.S3BucketName = new("") }, "InvalidS3BucketNameException", "blank"},
		"bucket's name": {func(in *cloudtrail.CreateTrailInput) { in.S3BucketName = new("Bucket_1") }, "InvalidS3BucketNameException", "Bucket_1"},
		"bucket's path": {func(in *cloudtrail.CreateTrailInput) { in.S3BucketName = new("../bucket") }, "InvalidS3BucketNameException", ""},
		"prefix":        {func(in *cloudtrail.CreateTrailInput) { in.S3KeyPrefix = new(strings.Repeat("a", 201)) }, "InvalidS3PrefixException", ""},
		"topic":         {func(in *cloudtrail.CreateTrailInput) { in.SnsTopicName = new("nothing") }, "InsufficientSnsTopicPolicyException", "SNS Topic does not exist"},
		"log group": {func(in *cloudtrail.CreateTrailInput) {
			in.CloudWatchLogsLogGroupArn = new("arn:aws:logs:us-east-1:111122223333:log-group:a:*")
		}, "InvalidCloudWatchLogsLogGroupArnException", ""},
		"log role": {func(in *cloudtrail.CreateTrailInput) {
			in.CloudWatchLogsRoleArn = new("arn:aws:iam::111122223333:role/a")
		}, "InvalidCloudWatchLogsRoleArnException", ""},
		"key":          {func(in *cloudtrail.CreateTrailInput) { in.KmsKeyId = new("alias/a") }, "KmsKeyNotFoundException", "alias/a"},
		"organization": {func(in *cloudtrail.CreateTrailInput) { in.IsOrganizationTrail = new(true) }, "OrganizationsNotInUseException", ""},
		"no global events": {func(in *cloudtrail.CreateTrailInput) {
			in.IsMultiRegionTrail, in.IncludeGlobalServiceEvents = new(true), new(false)
		}, "InvalidParameterCombinationException", "Multi-Region trail must include global service events."},
		"everywhere":     {func(in *cloudtrail.CreateTrailInput) { in.Name, in.IsMultiRegionTrail = new("there"), new(true) }, "TrailAlreadyExistsException", ""},
		"a tag twice":    {func(in *cloudtrail.CreateTrailInput) { in.TagsList = []types.Tag{{Key: new("a")}, {Key: new("a")}} }, "InvalidTagParameterException", ""},
		"a reserved tag": {func(in *cloudtrail.CreateTrailInput) { in.TagsList = []types.Tag{{Key: new("aws:a")}} }, "InvalidTagParameterException", ""},
	} {
		t.Run(name, func(t *testing.T) {
			in := &cloudtrail.CreateTrailInput{Name: new("new"), S3BucketName: new("bucket")}
			test.change(in)
			_, err := c.CreateTrail(t.Context(), in)
			refused(t, err, test.code, test.text)
			if in.Name != nil && *in.Name == "new" {
				_, err = c.UpdateTrail(t.Context(), &cloudtrail.UpdateTrailInput{
					Name: new("there"), S3BucketName: in.S3BucketName, S3KeyPrefix: in.S3KeyPrefix, SnsTopicName: in.SnsTopicName, KmsKeyId: in.KmsKeyId,
					CloudWatchLogsLogGroupArn: in.CloudWatchLogsLogGroupArn, CloudWatchLogsRoleArn: in.CloudWatchLogsRoleArn,
					IsOrganizationTrail: in.IsOrganizationTrail, IsMultiRegionTrail: in.IsMultiRegionTrail, IncludeGlobalServiceEvents: in.IncludeGlobalServiceEvents,
				})
				if in.TagsList == nil {
					refused(t, err, test.code, test.text)
				}
			}
		})
	}
	out, err := c.ListTrails(t.Context(), &cloudtrail.ListTrailsInput{})
	if err != nil || len(out.Trails) != 1 {
		t.Errorf("%+v, %v", out, err)
	}
}

// Without buckets there are no trails.
func TestNoBuckets(t *testing.T) {
	s := wardertest.StartConfig(t, daemon.Config{Store: "memory", TestHooks: true, Trail: t.TempDir()})
	_, err := s.CloudTrail(s.Admin).CreateTrail(t.Context(), &cloudtrail.CreateTrailInput{Name: new("audit"), S3BucketName: new("bucket")})
	refused(t, err, "S3BucketDoesNotExistException", "S3 bucket bucket does not exist!")
}

func TestQuotaOfTrails(t *testing.T) {
	s := start(t)
	c := s.CloudTrail(s.Admin)
	for i := range 4 {
		makeTrail(t, c, fmt.Sprintf("trail-%d", i))
	}
	everywhere := func(name, region string) error {
		_, err := c.CreateTrail(t.Context(), &cloudtrail.CreateTrailInput{Name: &name, S3BucketName: new("bucket"), IsMultiRegionTrail: new(true)}, in(region))
		return err
	}
	if err := everywhere("of-all", "eu-west-1"); err != nil {
		t.Fatal(err)
	}
	// There are five in us-east-1 now, and one in eu-west-1.
	const full = "User: " + wardertest.Account + " already has 5 trails in us-east-1."
	refused(t, everywhere("another", "eu-west-1"), "MaximumNumberOfTrailsExceededException", full)
	_, err := c.CreateTrail(t.Context(), &cloudtrail.CreateTrailInput{Name: new("one-more"), S3BucketName: new("bucket")})
	refused(t, err, "MaximumNumberOfTrailsExceededException", full)
	if _, err := c.CreateTrail(t.Context(), &cloudtrail.CreateTrailInput{Name: new("trail-0"), S3BucketName: new("bucket")}, in("eu-west-1")); err != nil {
		t.Errorf("a name of another region: %v", err)
	}
	_, err = c.UpdateTrail(t.Context(), &cloudtrail.UpdateTrailInput{Name: new("trail-0"), IsMultiRegionTrail: new(true)}, in("eu-west-1"))
	refused(t, err, "TrailAlreadyExistsException", "")
	_, err = c.CreateTrail(t.Context(), &cloudtrail.CreateTrailInput{Name: new("of-all"), S3BucketName: new("bucket")}, in("eu-central-1"))
	refused(t, err, "TrailAlreadyExistsException", "")
}

// A trail of all regions is seen in all, and changed in its own.
func TestRegions(t *testing.T) {
	s := start(t)
	c, ctx := s.CloudTrail(s.Admin), t.Context()
	makeTrail(t, c, "of-all", everywhere)
	makeTrail(t, c, "of-one")
	all, one, there := trailARN("us-east-1", "of-all"), trailARN("us-east-1", "of-one"), in("eu-west-1")

	names := func(region string, input *cloudtrail.DescribeTrailsInput) string {
		t.Helper()
		out, err := c.DescribeTrails(ctx, input, in(region))
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, tr := range out.TrailList {
			names = append(names, *tr.Name)
		}
		return strings.Join(names, " ")
	}
	for _, test := range []struct {
		region string
		input  cloudtrail.DescribeTrailsInput
		want   string
	}{
		{"us-east-1", cloudtrail.DescribeTrailsInput{}, "of-all of-one"},
		{"eu-west-1", cloudtrail.DescribeTrailsInput{}, "of-all"},
		{"eu-west-1", cloudtrail.DescribeTrailsInput{IncludeShadowTrails: new(false)}, ""},
		{"eu-west-1", cloudtrail.DescribeTrailsInput{TrailNameList: []string{"of-all"}}, ""},
		{"eu-west-1", cloudtrail.DescribeTrailsInput{TrailNameList: []string{one, all}}, "of-one of-all"},
		{"us-east-1", cloudtrail.DescribeTrailsInput{TrailNameList: []string{"of-one", "nothing"}}, "of-one"},
	} {
		if got := names(test.region, &test.input); got != test.want {
			t.Errorf("%s, %+v: %q, want %q", test.region, test.input, got, test.want)
		}
	}
	if out, err := c.GetTrail(ctx, &cloudtrail.GetTrailInput{Name: &all}, there); err != nil || *out.Trail.HomeRegion != "us-east-1" {
		t.Errorf("%+v, %v", out, err)
	}
	_, err := c.GetTrailStatus(ctx, &cloudtrail.GetTrailStatusInput{Name: &one}, there)
	refused(t, err, "CloudTrailARNInvalidException", "Region in ARN is wrong, you can only access resources in region eu-west-1.")
	_, err = c.GetEventSelectors(ctx, &cloudtrail.GetEventSelectorsInput{TrailName: new("of-all")}, there)
	refused(t, err, "TrailNotFoundException", "Unknown trail: "+trailARN("eu-west-1", "of-all"))
	for _, name := range []string{"of-all", all} {
		_, err = c.DeleteTrail(ctx, &cloudtrail.DeleteTrailInput{Name: &name}, there)
		refused(t, err, "InvalidHomeRegionException", "us-east-1")
		_, err = c.StopLogging(ctx, &cloudtrail.StopLoggingInput{Name: &name}, there)
		refused(t, err, "InvalidHomeRegionException", "us-east-1")
		_, err = c.UpdateTrail(ctx, &cloudtrail.UpdateTrailInput{Name: &name}, there)
		refused(t, err, "InvalidHomeRegionException", "us-east-1")
	}
	_, err = c.DeleteTrail(ctx, &cloudtrail.DeleteTrailInput{Name: &one}, there)
	refused(t, err, "CloudTrailARNInvalidException", "Region in ARN is wrong")
	for _, arn := range []string{"arn:aws:cloudtrail:us-east-1", "arn:aws:iam::" + wardertest.Account + ":trail/of-one", "arn:aws:cloudtrail:us-east-1:" + wardertest.Account + ":channel/of-one"} {
		_, err = c.GetTrail(ctx, &cloudtrail.GetTrailInput{Name: &arn})
		refused(t, err, "CloudTrailARNInvalidException", arn)
	}
}

// Another account neither sees nor names the trails of an account.
func TestOtherAccounts(t *testing.T) {
	s := start(t)
	makeTrail(t, s.CloudTrail(s.Admin), "audit", everywhere)
	id, admin, root := s.NewAccount()
	for _, who := range []wardertest.Credentials{admin, root} {
		c, arn := s.CloudTrail(who), trailARN("us-east-1", "audit")
		_, err := c.GetTrail(t.Context(), &cloudtrail.GetTrailInput{Name: &arn})
		refused(t, err, "CloudTrailARNInvalidException", "AccountID in ARN is wrong, you can only access resources with AccountID "+id)
		_, err = c.DescribeTrails(t.Context(), &cloudtrail.DescribeTrailsInput{TrailNameList: []string{arn}})
		refused(t, err, "CloudTrailARNInvalidException", "AccountID in ARN is wrong")
		_, err = c.ListTags(t.Context(), &cloudtrail.ListTagsInput{ResourceIdList: []string{arn}})
		refused(t, err, "CloudTrailARNInvalidException", "AccountID in ARN is wrong")
		_, err = c.DeleteTrail(t.Context(), &cloudtrail.DeleteTrailInput{Name: new("audit")})
		refused(t, err, "TrailNotFoundException", id)
		if out, err := c.DescribeTrails(t.Context(), &cloudtrail.DescribeTrailsInput{}); err != nil || len(out.TrailList) != 0 {
			t.Errorf("%+v, %v", out, err)
		}
	}
}

func TestPermissions(t *testing.T) {
	s := start(t)
	makeTrail(t, s.CloudTrail(s.Admin), "audit", func(in *cloudtrail.CreateTrailInput) {
		in.TagsList = []types.Tag{{Key: new("team"), Value: new("a")}}
	})
	stop := func(c *cloudtrail.Client) error {
		_, err := c.StopLogging(t.Context(), &cloudtrail.StopLoggingInput{Name: new("audit")})
		return err
	}
	const allow = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"cloudtrail:%s","Resource":"%s"%s}}`
	for i, test := range []struct{ action, resource, condition, code string }{
		{"StopLogging", "*", "", ""},
		{"StopLogging", trailARN("us-east-1", "audit"), "", ""},
		{"StopLogging", trailARN("us-east-1", "other"), "", "AccessDeniedException"},
		{"StopLogging", trailARN("eu-west-1", "audit"), "", "AccessDeniedException"},
		{"StartLogging", "*", "", "AccessDeniedException"},
		{"StopLogging", "*", `,"Condition":{"StringEquals":{"aws:ResourceTag/team":"a"}}`, ""},
		{"StopLogging", "*", `,"Condition":{"StringEquals":{"aws:ResourceTag/team":"b"}}`, "AccessDeniedException"},
	} {
		who := s.User(s.Admin, fmt.Sprint("user-", i), fmt.Sprintf(allow, test.action, test.resource, test.condition))
		if err := stop(s.CloudTrail(who)); wardertest.Code(err) != test.code {
			t.Errorf("%+v: %v", test, err)
		}
	}
	// Tags of a new trail need the permission to tag.
	create := func(c *cloudtrail.Client, tags ...types.Tag) error {
		_, err := c.CreateTrail(t.Context(), &cloudtrail.CreateTrailInput{Name: new("new"), S3BucketName: new("bucket"), TagsList: tags})
		return err
	}
	c := s.CloudTrail(s.User(s.Admin, "creator", fmt.Sprintf(allow, "CreateTrail", "*", "")))
	refused(t, create(c, types.Tag{Key: new("team"), Value: new("b")}), "AccessDeniedException", "cloudtrail:AddTags")
	if err := create(c); err != nil {
		t.Error(err)
	}
}

func TestTags(t *testing.T) {
	s := start(t)
	c, ctx, arn := s.CloudTrail(s.Admin), t.Context(), trailARN("us-east-1", "audit")
	makeTrail(t, c, "audit")
	tag := func(key, value string) types.Tag { return types.Tag{Key: &key, Value: &value} }
	list := func() (tags []string) {
		t.Helper()
		out, err := c.ListTags(ctx, &cloudtrail.ListTagsInput{ResourceIdList: []string{arn}})
		if err != nil || len(out.ResourceTagList) != 1 || *out.ResourceTagList[0].ResourceId != arn {
			t.Fatalf("%+v, %v", out, err)
		}
		for _, tag := range out.ResourceTagList[0].TagsList {
			tags = append(tags, *tag.Key+"="+*tag.Value)
		}
		return tags
	}
	if _, err := c.AddTags(ctx, &cloudtrail.AddTagsInput{ResourceId: &arn, TagsList: []types.Tag{tag("a", "1"), tag("b", "2")}}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.AddTags(ctx, &cloudtrail.AddTagsInput{ResourceId: &arn, TagsList: []types.Tag{tag("a", "3"), {Key: new("c")}}}); err != nil {
		t.Fatal(err)
	}
	if got := list(); !slices.Equal(got, []string{"a=3", "b=2", "c="}) {
		t.Errorf("%q", got)
	}
	if _, err := c.RemoveTags(ctx, &cloudtrail.RemoveTagsInput{ResourceId: &arn, TagsList: []types.Tag{{Key: new("b")}, {Key: new("x")}}}); err != nil {
		t.Fatal(err)
	}
	if got := list(); !slices.Equal(got, []string{"a=3", "c="}) {
		t.Errorf("%q", got)
	}
	var many []types.Tag
	for i := range 49 {
		many = append(many, tag(fmt.Sprint("k", i), "v"))
	}
	_, err := c.AddTags(ctx, &cloudtrail.AddTagsInput{ResourceId: &arn, TagsList: many})
	refused(t, err, "TagsLimitExceededException", "50")
	for id, code := range map[string]string{
		"audit":                                     "CloudTrailARNInvalidException",
		trailARN("us-east-1", "x-y"):                "ResourceNotFoundException",
		trailARN("eu-west-1", "audit"):              "CloudTrailARNInvalidException",
		strings.ReplaceAll(arn, "trail/", "thing/"): "ResourceTypeNotSupportedException",
		"arn:aws:iam::" + wardertest.Account + ":user/administrator": "ResourceTypeNotSupportedException",
	} {
		_, err := c.AddTags(ctx, &cloudtrail.AddTagsInput{ResourceId: &id, TagsList: []types.Tag{tag("a", "1")}})
		refused(t, err, code, "")
		_, err = c.ListTags(ctx, &cloudtrail.ListTagsInput{ResourceIdList: []string{arn, id}})
		refused(t, err, code, "")
	}
}
