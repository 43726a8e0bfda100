package cloudtrail_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"

	"github.com/warder-iam/warder/internal/daemon"
	"github.com/warder-iam/warder/internal/wardertest"
)

// start starts a server with two buckets and one that cannot be written to.
func start(t *testing.T) *wardertest.Server {
	t.Helper()
	buckets := t.TempDir()
	for _, name := range []string{"bucket", "bucket-2"} {
		if err := os.Mkdir(filepath.Join(buckets, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return wardertest.StartConfig(t, daemon.Config{Store: "memory", TestHooks: true, Trail: t.TempDir(), Buckets: buckets})
}

// in makes a call in another region than us-east-1.
func in(region string) func(*cloudtrail.Options) {
	return func(o *cloudtrail.Options) { o.Region = region }
}

func trailARN(region, name string) string {
	return "arn:aws:cloudtrail:" + region + ":" + wardertest.Account + ":trail/" + name
}

// makeTrail makes a trail that delivers to "bucket".
func makeTrail(t *testing.T, c *cloudtrail.Client, name string, options ...func(*cloudtrail.CreateTrailInput)) {
	t.Helper()
	input := &cloudtrail.CreateTrailInput{Name: &name, S3BucketName: new("bucket")}
	for _, o := range options {
		o(input)
	}
	if _, err := c.CreateTrail(t.Context(), input); err != nil {
		t.Fatal(err)
	}
}

// everywhere makes a trail one of all regions.
func everywhere(in *cloudtrail.CreateTrailInput) { in.IsMultiRegionTrail = new(true) }

// refused checks the code of a refusal, and that its text says something.
func refused(t *testing.T, err error, code, text string) {
	t.Helper()
	if wardertest.Code(err) != code || !strings.Contains(wardertest.Message(err), text) {
		t.Errorf("%v, want %s: %s", err, code, text)
	}
}

// fields makes an advanced selector of FIELD=VALUE, VALUE after != for NotEquals.
func fields(conditions ...string) types.AdvancedEventSelector {
	var s types.AdvancedEventSelector
	for _, c := range conditions {
		field, value, _ := strings.Cut(c, "=")
		f := types.AdvancedFieldSelector{Field: new(strings.TrimSuffix(field, "!"))}
		if strings.HasSuffix(field, "!") {
			f.NotEquals = []string{value}
		} else {
			f.Equals = []string{value}
		}
		s.FieldSelectors = append(s.FieldSelectors, f)
	}
	return s
}
