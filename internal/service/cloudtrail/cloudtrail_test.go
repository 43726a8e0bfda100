package cloudtrail_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/warder-iam/warder/internal/daemon"
	"github.com/warder-iam/warder/internal/wardertest"
	"github.com/warder-iam/warder/sigv4"
)

// lookUp makes a signed request of the JSON protocol; code is that of a refusal.
func lookUp(t *testing.T, s *wardertest.Server, c wardertest.Credentials, body string) (found page, code string) {
	t.Helper()
	r, err := http.NewRequest(http.MethodPost, s.URL, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents")
	key := sigv4.Credentials{AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey, SessionToken: c.SessionToken}
	if err := sigv4.Sign(r, []byte(body), key, "eu-west-1", "cloudtrail", s.Clock.Now()); err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if got := resp.Header.Get("Content-Type"); got != "application/x-amz-json-1.1" {
		t.Errorf("content type %s", got)
	}
	var refusal struct {
		Type string `json:"__type"`
	}
	if err := json.Unmarshal(text, &refusal); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	if err := json.Unmarshal(text, &found); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	if (resp.StatusCode == http.StatusOK) != (refusal.Type == "") {
		t.Errorf("%s: %s", resp.Status, text)
	}
	return found, refusal.Type
}

type page struct {
	Events    []struct{ EventID, EventName, Username string }
	NextToken string
}

func TestRefused(t *testing.T) {
	s := wardertest.StartConfig(t, daemon.Config{Store: "memory", TestHooks: true, Trail: t.TempDir()})
	for body, want := range map[string]string{
		`{}`:                                   "",
		`{"EventCategory":"insight"}`:          "",
		`{"MaxResults":50}`:                    "",
		`{"MaxResults":0}`:                     "ValidationException",
		`{"MaxResults":51}`:                    "ValidationException",
		`{"MaxResults":"x"}`:                   "SerializationException",
		`{"NextToken":"x"}`:                    "InvalidNextTokenException",
		`{"StartTime":1000000,"EndTime":1000}`: "InvalidTimeRangeException",
		`{"EventCategory":"data"}`:             "ValidationException",
		`{"LookupAttributes":[{"AttributeKey":"EventName"}]}`:                                                                      "ValidationException",
		`{"LookupAttributes":[{"AttributeKey":"Colour","AttributeValue":"red"}]}`:                                                  "ValidationException",
		`{"LookupAttributes":[{"AttributeKey":"EventName","AttributeValue":"a"},{"AttributeKey":"EventId","AttributeValue":"b"}]}`: "InvalidLookupAttributesException",
	} {
		if _, code := lookUp(t, s, s.Admin, body); code != want {
			t.Errorf("%s: %q, want %q", body, code, want)
		}
	}
	nobody := s.User(s.Admin, "nobody", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","NotAction":"cloudtrail:*","Resource":"*"}}`)
	if _, code := lookUp(t, s, nobody, `{}`); code != "AccessDeniedException" {
		t.Errorf("without the permission: %q", code)
	}
	reader := s.User(s.Admin, "reader", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"cloudtrail:LookupEvents","Resource":"*"}}`)
	if _, code := lookUp(t, s, reader, `{}`); code != "" {
		t.Errorf("with the permission: %q", code)
	}
}

// Pages hold every event once, the newest first, and none of another account.
func TestPages(t *testing.T) {
	s := wardertest.StartConfig(t, daemon.Config{Store: "memory", TestHooks: true, Trail: t.TempDir()})
	_, other, _ := s.NewAccount()
	const n = 12
	for i := range n {
		if _, err := s.IAM(s.Admin).CreateGroup(t.Context(), &iam.CreateGroupInput{GroupName: aws.String(fmt.Sprintf("g%02d", i))}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.IAM(other).CreateGroup(t.Context(), &iam.CreateGroupInput{GroupName: aws.String("of-another")}); err != nil && wardertest.Code(err) != "EntityAlreadyExists" {
			t.Fatal(err)
		}
	}
	const query = `"LookupAttributes":[{"AttributeKey":"EventName","AttributeValue":"CreateGroup"}]`
	// The index is behind what happens.
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		if found, _ := lookUp(t, s, s.Admin, "{"+query+"}"); len(found.Events) == n {
			break
		} else if time.Now().After(deadline) {
			t.Fatalf("%d events are found, want %d", len(found.Events), n)
		}
	}
	seen, token := map[string]bool{}, ""
	for pages := 0; pages == 0 || token != ""; pages++ {
		body := "{" + query + `,"MaxResults":5`
		if token != "" {
			body += `,"NextToken":"` + token + `"`
		}
		found, code := lookUp(t, s, s.Admin, body+"}")
		if code != "" || pages > 3 || len(found.Events) > 5 {
			t.Fatalf("page %d: %q, %d events", pages, code, len(found.Events))
		}
		for _, e := range found.Events {
			if seen[e.EventID] || e.Username != "administrator" {
				t.Errorf("%+v is there twice, or is another's", e)
			}
			seen[e.EventID] = true
		}
		token = found.NextToken
	}
	if len(seen) != n {
		t.Errorf("%d events on all pages, want %d", len(seen), n)
	}
}
