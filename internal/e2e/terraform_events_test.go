package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
)

// The AWS provider makes event buses, rules, targets, connections and API
// destinations, finds nothing to change afterwards, takes them over into an empty
// state, changes them and takes them away.
func TestTerraformEvents(t *testing.T) {
	t.Parallel()
	path, plugins := need(t, "terraform"), pluginFolder(t)
	s := serveMemory(t)
	tf := &terraform{server: s, path: path, dir: t.TempDir(), state: "terraform.tfstate"}
	text, err := os.ReadFile(filepath.Join("testdata", "terraform-events", "main.tf"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(tf.dir, "main.tf"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	tf.must(0, "init", "-no-color", "-plugin-dir="+plugins)
	tf.must(0, tf.with("apply", "-auto-approve")...)
	var checks struct{ Rule, Bus, Hook string }
	tf.outputs("checks", &checks)
	prefix := "arn:aws:events:us-east-1:" + account + ":"
	if checks.Rule != prefix+"rule/keys" || checks.Bus != prefix+"rule/shop/orders" || !strings.HasPrefix(checks.Hook, prefix+"api-destination/hook/") {
		t.Errorf("%+v", checks)
	}
	tf.must(0, tf.with("plan", "-detailed-exitcode")...)

	imports := map[string]string{
		"aws_iam_role.sender": "event-sender", "aws_cloudwatch_event_bus.shop": "shop", "aws_cloudwatch_event_bus.copies": "copies",
		"aws_cloudwatch_event_permission.reader": "default/Reader", "aws_cloudwatch_event_bus_policy.shop": "shop",
		"aws_cloudwatch_event_rule.keys": "keys", "aws_cloudwatch_event_rule.orders": "shop/orders",
		"aws_cloudwatch_event_connection.basic": "basic", "aws_cloudwatch_event_connection.oauth": "oauth", "aws_cloudwatch_event_api_destination.hook": "hook",
		"aws_cloudwatch_event_target.hook": "keys/hook", "aws_cloudwatch_event_target.topic": "keys/topic", "aws_cloudwatch_event_target.copies": "shop/orders/copies",
	}
	var blocks strings.Builder
	for address, id := range imports {
		fmt.Fprintf(&blocks, "import {\n  to = %s\n  id = %q\n}\n", address, id)
	}
	file := filepath.Join(tf.dir, "imports.tf")
	if err := os.WriteFile(file, []byte(blocks.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	fresh := *tf
	fresh.state = "fresh.tfstate"
	out := fresh.must(2, fresh.with("plan", "-detailed-exitcode")...)
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	// Passwords are in no answer, so Terraform means to set those of the two
	// connections.
	if !strings.Contains(out, fmt.Sprintf("Plan: %d to import, 0 to add, 2 to change, 0 to destroy", len(imports))) ||
		strings.Count(out, `~ resource "aws_cloudwatch_event_connection"`) != 2 {
		t.Errorf("the import: %s", out)
	}

	tf.vars = []string{"-var=state=DISABLED", `-var=event_names=["CreateAccessKey","CreateLoginProfile"]`, "-var=password=second-password", "-var=url=https://two.example.com/*", "-var=attempts=9", "-var=reader=777788889999"}
	tf.must(0, tf.with("apply", "-auto-approve")...)
	tf.must(0, tf.with("plan", "-detailed-exitcode")...)

	if out := tf.must(0, tf.with("destroy", "-auto-approve")...); !strings.Contains(out, "Destroy complete!") {
		t.Errorf("destroy says %s", lastLines(out, 5))
	}
	client := eventbridge.New(eventbridge.Options{BaseEndpoint: &s.url, Region: "us-east-1", Credentials: credentials.StaticCredentialsProvider{Value: adminKey}})
	buses, err := client.ListEventBuses(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	rules, err := client.ListRules(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(buses.EventBuses) != 1 || buses.EventBuses[0].Policy != nil || len(rules.Rules) != 0 {
		t.Errorf("destroy has left %+v, %+v", buses.EventBuses, rules.Rules)
	}
}
