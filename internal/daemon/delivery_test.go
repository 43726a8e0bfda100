package daemon_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/warder-iam/warder/internal/daemon"
	"github.com/warder-iam/warder/internal/wardertest"
)

// A trail is delivered to a folder at AWS's pace, and tells a topic of it that lets
// CloudTrail in.
func TestDelivery(t *testing.T) {
	buckets := t.TempDir()
	if err := os.Mkdir(filepath.Join(buckets, "logs"), 0o700); err != nil {
		t.Fatal(err)
	}
	s := wardertest.StartConfig(t, daemon.Config{Store: "memory", TestHooks: true, Trail: t.TempDir(), Buckets: buckets})
	ct, ctx := s.CloudTrail(s.Admin), t.Context()
	topic, err := s.SNS(s.Admin).CreateTopic(ctx, &sns.CreateTopicInput{Name: aws.String("delivered")})
	if err != nil {
		t.Fatal(err)
	}
	create := &cloudtrail.CreateTrailInput{
		Name: aws.String("all"), S3BucketName: aws.String("logs"), S3KeyPrefix: aws.String("p"), SnsTopicName: topic.TopicArn,
		IsMultiRegionTrail: aws.Bool(true), EnableLogFileValidation: aws.Bool(true),
	}
	_, err = ct.CreateTrail(ctx, create)
	wardertest.WantCode(t, err, "InsufficientSnsTopicPolicyException")
	if _, err := s.SNS(s.Admin).SetTopicAttributes(ctx, &sns.SetTopicAttributesInput{
		TopicArn: topic.TopicArn, AttributeName: aws.String("Policy"),
		AttributeValue: aws.String(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"SNS:Publish","Resource":"` + *topic.TopicArn + `",
			"Condition":{"StringEquals":{"aws:SourceArn":"arn:aws:cloudtrail:us-east-1:` + wardertest.Account + `:trail/all"}}}}`),
	}); err != nil {
		t.Fatal(err)
	}
	outside := *create
	outside.S3KeyPrefix = aws.String("../p")
	if _, err := ct.CreateTrail(ctx, &outside); err == nil {
		t.Error("a prefix that leaves the bucket was taken")
	}
	if _, err := ct.CreateTrail(ctx, create); err != nil {
		t.Fatal(err)
	}
	if _, err := ct.StartLogging(ctx, &cloudtrail.StartLoggingInput{Name: aws.String("all")}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.IAM(s.Admin).CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String("alice")}); err != nil {
		t.Fatal(err)
	}
	key, err := s.IAM(s.Admin).CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: aws.String("alice")})
	if err != nil {
		t.Fatal(err)
	}
	status := func() *cloudtrail.GetTrailStatusOutput {
		t.Helper()
		out, err := ct.GetTrailStatus(ctx, &cloudtrail.GetTrailStatusInput{Name: aws.String("all")})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	if out := status(); out.LatestDeliveryTime != nil || out.LatestDigestDeliveryTime != nil || out.LatestNotificationTime != nil {
		t.Errorf("before any delivery: %+v", out)
	}
	until := func(what string, holds func() bool) {
		t.Helper()
		for deadline := time.Now().Add(2 * time.Minute); !holds(); time.Sleep(10 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("not within two minutes: %s", what)
			}
		}
	}
	until("a log file and its notice", func() bool {
		s.Clock.Add(time.Minute) // a file is cut when it is time, with what has been fed by then
		out := status()
		return out.LatestDeliveryTime != nil && out.LatestNotificationTime != nil
	})
	s.Clock.Add(time.Hour)
	until("a digest", func() bool { return status().LatestDigestDeliveryTime != nil })
	if out := status(); out.LatestDeliveryError != nil || out.LatestDigestDeliveryError != nil || out.LatestNotificationError != nil {
		t.Errorf("the status %+v", out)
	}
	keys, err := ct.ListPublicKeys(ctx, &cloudtrail.ListPublicKeysInput{StartTime: aws.Time(s.Clock.Now().Add(-2 * time.Hour)), EndTime: aws.Time(s.Clock.Now())})
	if err != nil || len(keys.PublicKeyList) != 1 {
		t.Fatalf("%+v, %v", keys, err)
	}
	logs, err := filepath.Glob(filepath.Join(buckets, "logs/p/AWSLogs", wardertest.Account, "CloudTrail/us-east-1/*/*/*/*.json.gz"))
	if err != nil || len(logs) == 0 {
		t.Errorf("log files %q, %v", logs, err)
	}
	digests, err := filepath.Glob(filepath.Join(buckets, "logs/p/AWSLogs", wardertest.Account, "CloudTrail-Digest/us-east-1/*/*/*/*_all_us-east-1_*.json.gz"))
	if err != nil || len(digests) == 0 {
		t.Fatalf("digests %q, %v", digests, err)
	}
	text, err := os.ReadFile(digests[0] + ".metadata.json")
	var metadata map[string]string
	if err != nil || json.Unmarshal(text, &metadata) != nil || len(metadata["signature"]) != 512 || metadata["signature-algorithm"] != "SHA256withRSA" {
		t.Errorf("metadata %s, %v", text, err)
	}
	for _, secret := range []string{*key.AccessKey.SecretAccessKey, s.Admin.SecretAccessKey} {
		if strings.Contains(s.Log.String(), secret) {
			t.Error("the server's log has a secret")
		}
	}
}

// What cannot work together stops the start.
func TestDeliveryConfig(t *testing.T) {
	for name, c := range map[string]daemon.Config{
		"no trail":       {Buckets: t.TempDir()},
		"no such folder": {Trail: t.TempDir(), Buckets: "/no/such/folder"},
		"no credentials": {Trail: t.TempDir(), Buckets: "https://s3.example.com"},
		"half a second":  {Trail: t.TempDir(), DigestEvery: 1500 * time.Millisecond},
		"the past":       {Trail: t.TempDir(), TrailFor: -time.Hour},
	} {
		c.Store, c.Listen = "memory", "127.0.0.1:0"
		if d, err := daemon.Open(t.Context(), c); err == nil {
			d.Close()
			t.Errorf("%s: it started", name)
		}
	}
}
