package eventbus

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/warder-iam/warder/internal/audit/trail"
	"github.com/warder-iam/warder/internal/eventpattern"
)

// What is read off a record without parsing it is what is in it, whatever callers call
// themselves, and the event that it becomes can be read.
func FuzzRecord(f *testing.F) {
	f.Add("ann", "eu-west-1")
	f.Add(`","awsRegion":"x`, "us-east-1")
	f.Add(`\`, "")
	f.Add(`},"eventTime":"`, "us-east-1")
	f.Fuzz(func(t *testing.T, name, agent string) {
		quoted, err := json.Marshal(name)
		if err != nil {
			t.Fatal(err)
		}
		by, err := json.Marshal(agent)
		if err != nil {
			t.Fatal(err)
		}
		e := &trail.Entry{Source: "iam.amazonaws.com", Account: benchAccount, Time: time.Now(), JSON: fmt.Appendf(nil,
			`{"eventVersion":"1.11","userIdentity":{"type":"IAMUser","userName":%s},"eventTime":"t","eventSource":"iam.amazonaws.com","eventName":"ListUsers","awsRegion":"eu-west-1","sourceIPAddress":"192.0.2.1","userAgent":%s}`,
			quoted, by)}
		if regionOf(e) != "eu-west-1" || identityOf(e) != "IAMUser" {
			t.Fatalf("%q, %q", regionOf(e), identityOf(e))
		}
		source, kind := sourceOf(e)
		event, err := eventpattern.Parse(envelope("id", e, source, kind, regionOf(e)))
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := event.String("detail.userIdentity.type"); !ok || got != "IAMUser" {
			t.Fatalf("%q", got)
		}
	})
}

func TestSourceOf(t *testing.T) {
	for _, c := range []struct {
		entry        trail.Entry
		source, kind string
	}{
		{trail.Entry{Source: "iam.amazonaws.com"}, "aws.iam", apiCall},
		{trail.Entry{Source: "signin.amazonaws.com"}, "aws.signin", signIn},
		{trail.Entry{Source: "cloudtrail.amazonaws.com", Category: trail.Insight}, "aws.cloudtrail", insight},
		{trail.Entry{Source: "authzen.warder", Category: trail.Data}, "warder.authzen", apiCall},
	} {
		if source, kind := sourceOf(&c.entry); source != c.source || kind != c.kind {
			t.Errorf("%+v: %s, %s", c.entry, source, kind)
		}
	}
}
