package daemon_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/warder-iam/warder/internal/audit/insight"
	"github.com/warder-iam/warder/internal/daemon"
	"github.com/warder-iam/warder/internal/wardertest"
)

// A burst of calls is found by LookupEvents once a trail has asked for Insights and it
// is known what is usual, and not before.
func TestInsights(t *testing.T) {
	dir := t.TempDir()
	s := wardertest.StartConfig(t, daemon.Config{
		Store: "memory", TestHooks: true, Trail: filepath.Join(dir, "trail"), Buckets: filepath.Join(dir, "buckets"), MakeBuckets: true,
	})
	ctx, ct, client := t.Context(), s.CloudTrail(s.Admin), s.IAM(s.Admin)
	must := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	made := 0
	burst := func(n int) {
		t.Helper()
		for range n {
			made++
			must(client.CreateGroup(ctx, &iam.CreateGroupInput{GroupName: aws.String(fmt.Sprint("g", made))}))
		}
	}
	find := func() []types.Event {
		t.Helper()
		out, err := ct.LookupEvents(ctx, &cloudtrail.LookupEventsInput{EventCategory: types.EventCategoryInsight})
		must(out, err)
		return out.Events
	}
	must(ct.CreateTrail(ctx, &cloudtrail.CreateTrailInput{Name: aws.String("all"), S3BucketName: aws.String("logs"), IsMultiRegionTrail: aws.Bool(true)}))
	must(ct.PutInsightSelectors(ctx, &cloudtrail.PutInsightSelectorsInput{TrailName: aws.String("all"), InsightSelectors: []types.InsightSelector{{InsightType: types.InsightTypeApiCallRateInsight}}}))
	must(ct.StartLogging(ctx, &cloudtrail.StartLoggingInput{Name: aws.String("all")}))
	burst(3)
	s.Clock.Add(insight.Learning + time.Hour)
	burst(40)
	var found []types.Event
	for deadline := time.Now().Add(30 * time.Second); len(found) == 0 && time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		found = find()
	}
	if len(found) != 1 || *found[0].EventName != "CreateGroup" || !strings.Contains(*found[0].CloudTrailEvent, `"insightType":"ApiCallRateInsight"`) {
		t.Fatalf("%d Insights: %+v", len(found), found)
	}
}
