package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// endpoint is a receiver of SNS's messages that confirms its subscription and
// writes what arrives into a file, a message a line.
func endpoint(t *testing.T, file string) *httptest.Server {
	var mu sync.Mutex
	r := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		body, err := io.ReadAll(r.Body)
		var m struct{ SubscribeURL string }
		if err != nil || json.Unmarshal(body, &m) != nil {
			t.Errorf("there came %q, %v", body, err)
			return
		}
		f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			t.Error(err)
			return
		}
		defer f.Close()
		if _, err := f.WriteString(strings.ReplaceAll(string(body), "\n", " ") + "\n"); err != nil {
			t.Error(err)
		}
		if m.SubscribeURL == "" {
			return
		}
		resp, err := http.Get(m.SubscribeURL)
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Errorf("confirming: %v, %v", resp, err)
			return
		}
		resp.Body.Close()
	}))
	t.Cleanup(r.Close)
	return r
}

// Terraform makes a topic with an endpoint that confirms itself, and finds nothing
// to change afterwards; what boto3 publishes arrives there once, signed. The checks
// of the messages are in testdata/sns_client.py.
func TestSNS(t *testing.T) {
	t.Parallel()
	path, plugins, python := need(t, "terraform"), pluginFolder(t), need(t, "python3")
	probe := exec.Command(python, "-c", "import boto3, cryptography")
	if out, err := probe.CombinedOutput(); err != nil {
		missing(t, "boto3 or cryptography is not installed: %s", lastLines(string(out), 1))
	}
	dir := t.TempDir()
	arrivals := filepath.Join(dir, "arrivals")
	receiver := endpoint(t, arrivals)
	s := serve(t, append([]string{"--store", "memory", "--trail", filepath.Join(dir, "trail"), "--notify-network", "127.0.0.1"}, administrator...)...)
	tf := &terraform{server: s, path: path, dir: dir, state: "terraform.tfstate", vars: []string{"-var=receiver=" + receiver.URL}}
	text, err := os.ReadFile(filepath.Join("testdata", "terraform-sns", "main.tf"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "main.tf"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	tf.must(0, "init", "-no-color", "-plugin-dir="+plugins)
	tf.must(0, tf.with("apply", "-auto-approve")...)
	var checks struct {
		Topic            string
		Confirmed, Owner bool
	}
	tf.outputs("checks", &checks)
	if checks.Topic != "arn:aws:sns:us-east-1:"+account+":alarms" || !checks.Confirmed || !checks.Owner {
		t.Errorf("terraform reads %+v", checks)
	}
	tf.must(0, tf.with("plan", "-detailed-exitcode")...)

	script, err := filepath.Abs(filepath.Join("testdata", "sns_client.py"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(python, "-B", script, checks.Topic, arrivals)
	cmd.Env, cmd.Dir, cmd.SysProcAttr = s.environ(adminKey, "AWS_DEFAULT_REGION=us-east-1"), dir, dieWithTest()
	if out, err := cmd.CombinedOutput(); err != nil || !strings.HasSuffix(string(out), "ok\n") {
		t.Errorf("%v\n%s\nthe server: %s", err, out, lastLines(s.log.String(), 3))
	}

	c := s.cli()
	c.ok("aws sns get-topic-attributes --topic-arn %s", checks.Topic).want(t, "Attributes.SubscriptionsConfirmed", "1", "Attributes.SignatureVersion", "2")
	c.refused("NotImplemented", "is not implemented by Warder", "aws sns list-platform-applications")
	c.refused("InvalidParameter", "Warder delivers by http", "aws sns subscribe --topic-arn %s --protocol sms --notification-endpoint +15550100", checks.Topic)

	if out := tf.must(0, tf.with("destroy", "-auto-approve")...); !strings.Contains(out, "Destroy complete!") {
		t.Errorf("destroy says %s", lastLines(out, 5))
	}
	if got := c.ok("aws sns list-subscriptions").list("Subscriptions"); len(got) != 0 {
		t.Errorf("destroy has left %v", got)
	}
}
