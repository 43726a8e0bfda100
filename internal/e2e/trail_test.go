package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/warder-iam/warder/internal/wardertest"
)

// cloudTrail is what the aws CLI shows of events, with their records read.
type cloudTrail struct {
	Events []struct {
		EventID, EventName, Username, ReadOnly, EventSource string

		Resources       []struct{ ResourceType, ResourceName string }
		CloudTrailEvent string
	}
	NextToken string
}

// lookUp asks the aws CLI for events until there are n, since the index is
// behind what happens.
func lookUp(t *testing.T, s *server, c wardertest.Credentials, n int, flags ...string) cloudTrail {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(200 * time.Millisecond) {
		cmd := exec.Command(need(t, "aws"), append([]string{"cloudtrail", "lookup-events", "--output", "json"}, flags...)...)
		cmd.Env, cmd.SysProcAttr = s.environ(c, "AWS_DEFAULT_REGION=us-east-1"), dieWithTest()
		text, err := cmd.Output()
		if err != nil {
			t.Fatalf("lookup-events: %v: %s", err, text)
		}
		var found cloudTrail
		if err := json.Unmarshal(text, &found); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		if len(found.Events) >= n {
			return found
		}
		if time.Now().After(deadline) {
			t.Fatalf("lookup-events %q finds %d events, want %d: %s", flags, len(found.Events), n, text)
		}
	}
}

// Everything that was asked is in the trail: changes, reads and refusals; by every
// attribute, for the account it is about and no other; also after a kill.
func TestTrail(t *testing.T) {
	t.Parallel()
	data := dataFolder(t)
	flags := []string{"--data", data, "--trail", filepath.Join(data, "trail")}
	s := serve(t, append(flags, administrator...)...)
	admin, ctx := s.iam(adminKey), t.Context()
	if _, err := admin.CreateUser(ctx, createUser("alice")); err != nil {
		t.Fatal(err)
	}
	key, err := admin.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: ptr("alice")})
	if err != nil {
		t.Fatal(err)
	}
	alice := wardertest.Credentials{AccessKeyID: *key.AccessKey.AccessKeyId, SecretAccessKey: *key.AccessKey.SecretAccessKey}
	_, err = s.iam(alice).CreateUser(ctx, createUser("mallory"))
	wardertest.WantCode(t, err, "AccessDenied")
	if _, err := s.sts(alice).GetCallerIdentity(ctx, nil); err != nil {
		t.Fatal(err)
	}

	by := func(attribute, value string) []string {
		return []string{"--lookup-attributes", "AttributeKey=" + attribute + ",AttributeValue=" + value}
	}
	created := lookUp(t, s, adminKey, 2, by("EventName", "CreateUser")...)
	if len(created.Events) != 2 {
		t.Fatalf("%d events of CreateUser: %+v", len(created.Events), created)
	}
	// The newest first: the refusal.
	if e := created.Events[0]; e.Username != "alice" || !strings.Contains(e.CloudTrailEvent, `"errorCode":"AccessDenied"`) {
		t.Errorf("the refused request is %+v", e)
	}
	if e := created.Events[1]; e.Username != "administrator" || e.ReadOnly != "false" || e.EventSource != "iam.amazonaws.com" ||
		!strings.Contains(e.CloudTrailEvent, `"eventVersion":"1.11"`) || !strings.Contains(e.CloudTrailEvent, `"userName":"alice"`) {
		t.Errorf("the change is %+v", e)
	}
	if found := lookUp(t, s, adminKey, 1, by("AccessKeyId", alice.AccessKeyID)...); len(found.Events) < 1 || found.Events[0].Username != "alice" {
		t.Errorf("by access key: %+v", found)
	}
	if found := lookUp(t, s, adminKey, 1, by("EventName", "GetCallerIdentity")...); found.Events[0].ReadOnly != "true" {
		t.Errorf("a read: %+v", found)
	}
	id := created.Events[1].EventID
	if found := lookUp(t, s, adminKey, 1, by("EventId", id)...); len(found.Events) != 1 || found.Events[0].EventName != "CreateUser" {
		t.Errorf("by id: %+v", found)
	}
	text, err := json.Marshal(created)
	if err != nil || strings.Contains(string(text), alice.SecretAccessKey) {
		t.Errorf("the trail holds a secret key, %v", err)
	}

	// Another account sees its side of what crosses over, and nothing else.
	made, err := run(t, "account", "create", "--data", data, "--account", "444455556666")
	if err != nil {
		t.Fatal(made, err)
	}
	other := envOf(t, "sh", "--data", data, "--account", "444455556666")
	if _, err := s.iam(other).CreateRole(ctx, &iam.CreateRoleInput{RoleName: ptr("visited"),
		AssumeRolePolicyDocument: ptr(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"` + account + `"},"Action":"sts:AssumeRole"}}`)}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.sts(adminKey).AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: ptr("arn:aws:iam::444455556666:role/visited"), RoleSessionName: ptr("visit")}); err != nil {
		t.Fatal(err)
	}
	ours := lookUp(t, s, adminKey, 1, by("EventName", "AssumeRole")...)
	theirs := lookUp(t, s, other, 1, by("EventName", "AssumeRole")...)
	if a, b := shared(t, ours.Events[0].CloudTrailEvent), shared(t, theirs.Events[0].CloudTrailEvent); a == "" || a != b {
		t.Errorf("the two sides share %q and %q", a, b)
	}
	if strings.Contains(theirs.Events[0].CloudTrailEvent, "administrator") {
		t.Errorf("the other account is told who it was: %s", theirs.Events[0].CloudTrailEvent)
	}
	for _, e := range lookUp(t, s, other, 2).Events {
		if !strings.Contains(e.CloudTrailEvent, `"recipientAccountId":"444455556666"`) {
			t.Errorf("the other account has %s", e.CloudTrailEvent)
		}
	}
	_, err = s.iam(alice).CreateUser(ctx, createUser("eve"))
	wardertest.WantCode(t, err, "AccessDenied")
	cmd := exec.Command(need(t, "aws"), "cloudtrail", "lookup-events")
	cmd.Env, cmd.SysProcAttr = s.environ(alice, "AWS_DEFAULT_REGION=us-east-1"), dieWithTest()
	if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "(AccessDeniedException)") || !strings.Contains(string(out), "cloudtrail:LookupEvents") {
		t.Errorf("somebody without the permission: %v: %s", err, out)
	}

	// warder trail reads the same.
	for _, tc := range []struct {
		flags []string
		want  []string
	}{
		{[]string{"--event", "CreateUser"}, []string{"iam:CreateUser", "user/administrator", "user/alice", "AccessDenied", "ok"}},
		{[]string{"--event", "CreateUser", "--refused"}, []string{"AccessDenied"}},
		{[]string{"--user", "alice", "--json"}, []string{`"eventName":"GetCallerIdentity"`}},
		{[]string{"--account", "444455556666", "--changes"}, []string{"iam:CreateRole"}},
	} {
		flags := append([]string{"trail", "--data", data}, tc.flags...)
		if !slices.Contains(tc.flags, "--account") {
			flags = append(flags, "--account", account)
		}
		out, err := run(t, flags...)
		if err != nil {
			t.Fatal(out, err)
		}
		for _, want := range tc.want {
			if !strings.Contains(out, want) {
				t.Errorf("warder %q says %s, without %q", flags, out, want)
			}
		}
	}

	// A change that was acknowledged has its event, however the server ended.
	for _, name := range []string{"b1", "b2", "b3"} {
		if _, err := admin.CreateUser(ctx, createUser(name)); err != nil {
			t.Fatal(err)
		}
	}
	s.kill()
	s = serve(t, flags...)
	for _, name := range []string{"b1", "b2", "b3"} {
		if found := lookUp(t, s, adminKey, 1, by("ResourceName", name)...); found.Events[0].EventName != "CreateUser" {
			t.Errorf("after a kill: %+v", found)
		}
	}
}

// What is changed in the log is found, and a head that was noted shows that the
// end was cut off.
func TestTrailVerify(t *testing.T) {
	t.Parallel()
	data := dataFolder(t)
	folder := filepath.Join(data, "trail")
	s := serve(t, append([]string{"--data", data, "--trail", folder}, administrator...)...)
	for range 5 {
		if _, err := s.sts(adminKey).GetCallerIdentity(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
	}
	s.stop()
	out, err := run(t, "trail", "verify", folder)
	if err != nil || !strings.Contains(out, "5 events in 1 segments") {
		t.Fatalf("%v: %s", err, out)
	}
	_, head, _ := strings.Cut(strings.TrimSpace(out), "head ")
	if out, err := run(t, "trail", "verify", "--head", head, folder); err != nil {
		t.Errorf("with the head that it is: %v: %s", err, out)
	}
	segments, err := filepath.Glob(filepath.Join(folder, "log", "*"))
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(segments, func(name string) bool { return strings.Contains(read(t, name), "GetCallerIdentity") })
	whole := read(t, segments[i])
	lines := strings.SplitAfter(whole, "\n")
	for name, changed := range map[string]string{
		"another user":  strings.Replace(whole, "user/administrator", "user/somebodyelse", 1),
		"one taken out": strings.Join(slices.Delete(slices.Clone(lines), 2, 3), ""),
		"two swapped":   strings.Join(append([]string{lines[0], lines[2], lines[1]}, lines[3:]...), ""),
		"the end cut":   strings.Join(lines[:3], ""),
	} {
		if err := os.WriteFile(segments[i], []byte(changed), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := run(t, "trail", "verify", "--head", head, folder); err == nil || !strings.Contains(out, "not as it was written") {
			t.Errorf("%s: %v: %s", name, err, out)
		}
	}
	if out, err := run(t, "trail", "verify", "--head", "5", folder); err == nil {
		t.Errorf("a head that is none: %s", out)
	}
}

// A server that is killed while many clients write has the event of every change
// that was acknowledged.
func TestTrailKill(t *testing.T) {
	t.Parallel()
	data := dataFolder(t)
	flags := []string{"--data", data, "--trail", filepath.Join(data, "trail")}
	s := serve(t, append(flags, administrator...)...)
	var mu sync.Mutex
	var acknowledged []string
	for n := range 5 {
		ctx, stop := context.WithCancel(t.Context())
		var working sync.WaitGroup
		for w := range 16 {
			working.Go(func() {
				for i := 0; ctx.Err() == nil; i++ {
					name := fmt.Sprintf("u-%d-%d-%d", n, w, i)
					if _, err := s.iam(adminKey).CreateUser(ctx, createUser(name)); err != nil {
						return
					}
					mu.Lock()
					acknowledged = append(acknowledged, name)
					mu.Unlock()
				}
			})
		}
		time.Sleep(time.Duration(50+rand.IntN(200)) * time.Millisecond)
		s.kill()
		stop()
		working.Wait()
		s = serve(t, flags...)
	}
	if len(acknowledged) == 0 {
		t.Fatal("nothing was acknowledged")
	}
	missing := func() (names []string) {
		out, err := run(t, "trail", "--data", data, "--event", "CreateUser", "--limit", "0", "--json")
		if err != nil {
			t.Fatal(out, err)
		}
		there := map[string]bool{}
		for line := range strings.Lines(out) {
			var e struct {
				ErrorCode         string
				RequestParameters struct{ UserName string }
			}
			if err := json.Unmarshal([]byte(line), &e); err != nil {
				t.Fatal(err)
			}
			there[e.RequestParameters.UserName] = e.ErrorCode == ""
		}
		for _, name := range acknowledged {
			if !there[name] {
				names = append(names, name)
			}
		}
		return names
	}
	for deadline := time.Now().Add(time.Minute); len(missing()) > 0; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("of %d acknowledged changes, these have no event: %v", len(acknowledged), missing())
		}
	}
	t.Logf("%d acknowledged changes have their events", len(acknowledged))
}

func shared(t *testing.T, record string) string {
	t.Helper()
	var e struct{ SharedEventID string }
	if err := json.Unmarshal([]byte(record), &e); err != nil {
		t.Fatal(err)
	}
	return e.SharedEventID
}
