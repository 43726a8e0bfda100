package sts_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/warder-iam/warder/internal/daemon"
	"github.com/warder-iam/warder/internal/wardertest"
)

// recorded waits until the audit trail of the administrator's account has an event of that name.
func recorded(t *testing.T, s *wardertest.Server, name string) (event struct {
	AWSRegion, SourceIPAddress, ErrorCode string
	UserIdentity                          struct{ InvokedByDelegate struct{ AccountID string } }
	RequestParameters                     struct {
		SAMLAssertionID, RoleSessionName, SourceIdentity string

		PrincipalTags     map[string]string
		TransitiveTagKeys []string
	}
}) {
	t.Helper()
	body := `{"LookupAttributes":[{"AttributeKey":"EventName","AttributeValue":"` + name + `"}]}`
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-amz-json-1.1")
		r.Header.Set("X-Amz-Target", "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents")
		signFor(t, s, r, body, "cloudtrail")
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		var page struct {
			Events []struct{ CloudTrailEvent string }
		}
		err = json.NewDecoder(resp.Body).Decode(&page)
		resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatal(resp.Status, err)
		}
		if len(page.Events) > 0 {
			if err := json.Unmarshal([]byte(page.Events[0].CloudTrailEvent), &event); err != nil {
				t.Fatal(err)
			}
			return event
		}
		if time.Now().After(deadline) {
			t.Fatalf("no event %s", name)
		}
	}
}

// The trail shows what a SAML assertion asks for, and where the request came
// from though nobody signed it.
func TestSAMLEvent(t *testing.T) {
	w := startSAML(t, daemon.Config{Trail: t.TempDir()})
	arn := role(t, w.Server, w.Admin, "fed", samlTrust(`"sts:AssumeRoleWithSAML","sts:TagSession","sts:SetSourceIdentity"`, ""), "")
	if _, err := w.assume(t, arn, w.response(arn, attribute("PrincipalTag:team", "blue"), attribute("TransitiveTagKeys", "team"), attribute("SourceIdentity", "alice"))); err != nil {
		t.Fatal(err)
	}
	e := recorded(t, w.Server, "AssumeRoleWithSAML")
	if p := e.RequestParameters; p.SAMLAssertionID == "" || p.RoleSessionName != "alice@example.com" || p.SourceIdentity != "alice" ||
		p.PrincipalTags["team"] != "blue" || len(p.TransitiveTagKeys) != 1 || p.TransitiveTagKeys[0] != "team" {
		t.Errorf("%+v", e)
	}
	if e.AWSRegion != "us-east-1" || e.SourceIPAddress != "127.0.0.1" || e.ErrorCode != "" {
		t.Errorf("%+v", e)
	}
}

// The same of a web identity token; also of one that the trust policy refuses.
func TestWebIdentityEvent(t *testing.T) {
	w := startWebConfig(t, daemon.Config{Trail: t.TempDir()})
	arn := role(t, w.Server, w.Admin, "fed", w.trust(w.arn, web1, ""), "")
	tagged := map[string]any{"https://aws.amazon.com/tags": map[string]any{"principal_tags": map[string]any{"team": "blue"}, "transitive_tag_keys": []string{"team"}}, "https://aws.amazon.com/source_identity": "alice"}
	_, err := w.assume(arn, w.token(tagged), nil)
	wantRefusal(t, "no sts:TagSession", err, "AccessDenied", "Not authorized to perform sts:TagSession")
	e := recorded(t, w.Server, "AssumeRoleWithWebIdentity")
	if p := e.RequestParameters; p.RoleSessionName != "session" || p.SourceIdentity != "alice" || p.PrincipalTags["team"] != "blue" || len(p.TransitiveTagKeys) != 1 {
		t.Errorf("%+v", e)
	}
	if e.AWSRegion != "us-east-1" || e.ErrorCode != "AccessDenied" {
		t.Errorf("%+v", e)
	}
}
