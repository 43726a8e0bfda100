//go:build unix

package e2e

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	trailARN   = "arn:aws:cloudtrail:us-east-1:" + account + ":trail/all"
	logFiles   = "logs/AWSLogs/" + account + "/CloudTrail/us-east-1/*/*/*/*.json.gz"
	digestFile = "logs/AWSLogs/" + account + "/CloudTrail-Digest/us-east-1/*/*/*/*.json.gz"
)

// auditing is a server whose trail "all" is delivered to the bucket "logs" of a gateway.
type auditing struct {
	*server
	gateway *gateway
	data    string
}

func newAuditing(t *testing.T) *auditing {
	t.Helper()
	need(t, "aws")
	a := &auditing{gateway: newGateway(t, "logs"), data: dataFolder(t)}
	a.serve(t)
	return a
}

// serve starts the server, which cuts a log file every second and a digest every
// two, where AWS takes five minutes and an hour.
func (a *auditing) serve(t *testing.T) {
	t.Helper()
	a.server = serveWith(t, a.gateway.environ(), append([]string{
		"--data", a.data, "--trail", filepath.Join(a.data, "trail"), "--buckets", a.gateway.url(), "--delivery-interval", "1s", "--digest-interval", "2s",
	}, administrator...)...)
}

// aws runs the aws CLI, for which S3 is the gateway.
func (a *auditing) aws(args ...string) (string, error) {
	a.t.Helper()
	cmd := exec.Command(need(a.t, "aws"), args...)
	cmd.Env, cmd.SysProcAttr = a.environ(adminKey, "AWS_ENDPOINT_URL_S3="+a.gateway.url()), dieWithTest()
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (a *auditing) must(args ...string) string {
	a.t.Helper()
	out, err := a.aws(args...)
	if err != nil {
		a.t.Fatalf("aws %q: %v: %s", args, err, out)
	}
	return out
}

// until waits until something holds.
func (a *auditing) until(what string, holds func() bool) {
	a.t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !holds(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			a.t.Fatalf("not within two minutes: %s", what)
		}
	}
}

// call makes some requests, changes and reads.
func (a *auditing) call(prefix string, n int) {
	a.t.Helper()
	for i := range n {
		if _, err := a.iam(adminKey).CreateUser(a.t.Context(), createUser(fmt.Sprintf("%s-%d", prefix, i))); err != nil {
			a.t.Fatal(err)
		}
		if _, err := a.sts(adminKey).GetCallerIdentity(a.t.Context(), nil); err != nil {
			a.t.Fatal(err)
		}
	}
}

// stopLogging stops the trail and waits until a digest has the log file that says
// so: it is the last one.
func (a *auditing) stopLogging(t *testing.T) {
	t.Helper()
	a.must("cloudtrail", "stop-logging", "--name", "all")
	a.until("the last digest", func() bool {
		var digests strings.Builder
		for _, name := range a.gateway.keys(digestFile) {
			digests.WriteString(unzipped(t, read(t, name)))
		}
		for _, name := range a.gateway.keys(logFiles) {
			if strings.Contains(unzipped(t, read(t, name)), `"eventName":"StopLogging"`) {
				return strings.Contains(digests.String(), filepath.Base(name))
			}
		}
		return false
	})
}

// events are the ids of the events in files of the bucket.
func events(t *testing.T, files []string) (ids []string) {
	t.Helper()
	for _, name := range files {
		var f struct{ Records []struct{ EventID string } }
		if err := json.Unmarshal([]byte(unzipped(t, read(t, name))), &f); err != nil {
			t.Fatal(err)
		}
		for _, r := range f.Records {
			ids = append(ids, r.EventID)
		}
	}
	slices.Sort(ids)
	return ids
}

// recorded are the ids of the events that `warder trail` finds.
func (a *auditing) recorded() (ids []string) {
	a.t.Helper()
	out, err := run(a.t, "trail", "--data", a.data, "--limit", "0", "--json")
	if err != nil {
		a.t.Fatal(out, err)
	}
	for line := range strings.Lines(out) {
		var e struct{ EventID, AWSRegion string }
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			a.t.Fatal(err)
		}
		ids = append(ids, e.EventID)
	}
	slices.Sort(ids)
	return ids
}

// The real validate-logs passes on what is delivered, and reports what was changed,
// deleted or moved since.
func TestValidateLogs(t *testing.T) {
	t.Parallel()
	a := newAuditing(t)
	start := time.Now().UTC().Format(time.RFC3339)
	if out, err := a.aws("cloudtrail", "create-trail", "--name", "none", "--s3-bucket-name", "no-such-bucket"); err == nil || !strings.Contains(out, "(S3BucketDoesNotExistException)") {
		t.Errorf("a bucket that there is not: %v: %s", err, out)
	}
	a.must("cloudtrail", "create-trail", "--name", "all", "--s3-bucket-name", "logs", "--is-multi-region-trail", "--enable-log-file-validation")
	a.must("cloudtrail", "start-logging", "--name", "all")
	for n := 1; n <= 3; n++ {
		a.call(fmt.Sprint("u", n), 5)
		a.until("log files", func() bool { return len(a.gateway.keys(logFiles)) >= n })
	}
	status := a.must("cloudtrail", "get-trail-status", "--name", "all")
	for _, want := range []string{`"LatestDeliveryTime": `, `"IsLogging": true`} {
		if !strings.Contains(status, want) {
			t.Errorf("the status is %s, without %s", status, want)
		}
	}
	a.stopLogging(t)
	logs, digests := a.gateway.keys(logFiles), a.gateway.keys(digestFile)

	validate := func() (string, error) {
		return a.aws("cloudtrail", "validate-logs", "--trail-arn", trailARN, "--start-time", start, "--verbose")
	}
	whole := func() {
		t.Helper()
		out, err := validate()
		for _, want := range []string{fmt.Sprintf("%d/%d digest files valid", len(digests), len(digests)), fmt.Sprintf("%d/%d log files valid", len(logs), len(logs))} {
			if err != nil || !strings.Contains(out, want) {
				t.Errorf("validate-logs: %v: %s, without %q", err, out, want)
			}
		}
	}
	whole()

	file := logs[len(logs)/2]
	digest := digests[len(digests)/2]
	for _, tc := range []struct {
		name, file string
		change     func(text string) string // "" deletes
		want       string
	}{
		{"a record is another", file, func(text string) string { return rezip(t, text, "user/administrator", "user/somebodyelse") }, "INVALID: hash value doesn't match"},
		{"a record is gone", file, func(text string) string { return gzipped(t, `{"Records":[]}`) }, "INVALID: hash value doesn't match"},
		{"it is cut off", file, func(text string) string { return text[:len(text)/2] }, "INVALID"},
		{"it is no log file", file, func(string) string { return "nothing" }, "INVALID: invalid format"},
		{"it is gone", file, func(string) string { return "" }, "INVALID: not found"},
		{"two are swapped", file, func(string) string { return read(t, logs[0]) }, "INVALID: hash value doesn't match"},
		{"a digest is another", digest, func(text string) string { return rezip(t, text, account, "999999999999") }, "INVALID"},
		{"a digest has a log file less", digest, func(text string) string { return rezip(t, text, `"logFiles":[`, `"logFiles":[],"x":[`) }, "INVALID: signature verification failed"},
		{"a digest is gone", digest, func(string) string { return "" }, "INVALID: not found"},
		{"the last digest is another", digests[len(digests)-1], func(text string) string { return read(t, digests[0]) }, "INVALID: has been moved from its original location"},
	} {
		text := read(t, tc.file)
		aside := tc.file + ".aside"
		if err := os.Rename(tc.file, aside); err != nil {
			t.Fatal(err)
		}
		if changed := tc.change(text); changed != "" {
			// The attributes stay, as with somebody who writes to the disk.
			if out, err := exec.Command("cp", "-a", aside, tc.file).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			if err := os.WriteFile(tc.file, []byte(changed), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		out, err := validate()
		reported := regexp.MustCompile(`file\ts3://logs/` + regexp.QuoteMeta(strings.TrimPrefix(tc.file, filepath.Join(a.gateway.dir, "logs")+"/")) + `\t` + regexp.QuoteMeta(tc.want))
		if err == nil || !reported.MatchString(out) {
			t.Errorf("%s: %v: %s", tc.name, err, out)
		}
		if err := os.Rename(aside, tc.file); err != nil {
			t.Fatal(err)
		}
	}

	// A digest that was put beside the others: whoever has no key cannot sign it.
	later := regexp.MustCompile(`\d{8}T\d{6}Z`).ReplaceAllString(digests[len(digests)-1], time.Now().UTC().Add(time.Minute).Format("20060102T150405Z"))
	if out, err := exec.Command("cp", "-a", digests[len(digests)-1], later).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if out, err := validate(); err == nil || !strings.Contains(out, filepath.Base(later)+"\tINVALID: has been moved from its original location") {
		t.Errorf("a digest that was put in: %v: %s", err, out)
	}
	if err := os.Remove(later); err != nil {
		t.Fatal(err)
	}
	whole()
}

// gzipped is a text as an object.
func gzipped(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// unzipped is what is in an object.
func unzipped(t *testing.T, object string) string {
	t.Helper()
	z, err := gzip.NewReader(strings.NewReader(object))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// rezip is an object with something else in it.
func rezip(t *testing.T, object, old, new string) string {
	t.Helper()
	text := unzipped(t, object)
	if !strings.Contains(text, old) {
		t.Fatalf("there is no %q in %s", old, text)
	}
	return gzipped(t, strings.ReplaceAll(text, old, new))
}

// While the bucket is away nothing is lost, and nothing is doubled when it is back,
// though the server was killed in between.
func TestDeliveryCatchesUp(t *testing.T) {
	t.Parallel()
	a := newAuditing(t)
	start := time.Now().UTC().Format(time.RFC3339)
	a.must("cloudtrail", "create-trail", "--name", "all", "--s3-bucket-name", "logs", "--is-multi-region-trail", "--enable-log-file-validation")
	var before []string
	a.until("CreateTrail is found", func() bool { before = a.recorded(); return len(before) > 0 })
	a.must("cloudtrail", "start-logging", "--name", "all")
	a.call("there", 5)
	a.until("a log file", func() bool { return len(a.gateway.keys(logFiles)) > 0 })
	a.gateway.stop()
	for n := range 4 {
		a.call(fmt.Sprint("away", n), 20)
		a.kill()
		a.serve(t)
	}
	a.until("the status tells of it", func() bool {
		a.call(fmt.Sprint("waiting", time.Now().UnixNano()), 1)
		return strings.Contains(a.must("cloudtrail", "get-trail-status", "--name", "all"), `"LatestDeliveryError": "ServiceUnavailable"`)
	})
	a.gateway.start()
	a.call("back", 5)
	a.stopLogging(t)
	if status := a.must("cloudtrail", "get-trail-status", "--name", "all"); strings.Contains(status, "DeliveryError") || !strings.Contains(status, `"LatestDigestDeliveryTime"`) {
		t.Errorf("the status after it: %s", status)
	}
	delivered := events(t, a.gateway.keys(logFiles))
	if unique := slices.Compact(slices.Clone(delivered)); len(unique) != len(delivered) {
		t.Errorf("%d events of %d are doubled", len(delivered)-len(unique), len(delivered))
	}
	recorded := a.recorded()
	for _, id := range delivered {
		if !slices.Contains(recorded, id) {
			t.Errorf("an event that nobody knows: %s", id)
		}
	}
	// After StopLogging there were the two requests for the status.
	var lost []string
	for _, id := range recorded {
		if _, there := slices.BinarySearch(delivered, id); !there && !slices.Contains(before, id) {
			lost = append(lost, id)
		}
	}
	if len(lost) > 2 {
		t.Errorf("%d events are not delivered, want the last two requests' at most: %q", len(lost), lost)
	}
	t.Logf("%d events delivered", len(delivered))
	if out, err := a.aws("cloudtrail", "validate-logs", "--trail-arn", trailARN, "--start-time", start); err != nil || strings.Contains(out, "INVALID") {
		t.Errorf("validate-logs: %v: %s", err, out)
	}
}
