package authzen_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/warder-iam/warder/internal/audit"
	"github.com/warder-iam/warder/internal/audit/decision"
	"github.com/warder-iam/warder/internal/audit/trail"
	"github.com/warder-iam/warder/internal/daemon"
	"github.com/warder-iam/warder/internal/wardertest"
)

// logged are the data events in the log, once what was asked last, by the name of an
// operation, is in it.
func logged(t *testing.T, dir, last string) (entries []*trail.Entry) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		entries = entries[:0]
		for r, err := range trail.Read(t.Context(), filepath.Join(dir, "log"), 0) {
			switch {
			case err != nil:
				t.Fatal(err)
			case r.Entry != nil && r.Entry.Category == trail.Data:
				entries = append(entries, r.Entry)
			case r.Entry != nil && r.Entry.Name == last:
				return entries
			}
		}
	}
	t.Fatalf("%s is not in the log", last)
	return nil
}

// Questions are data events, as far as the level says, with what it takes to decide
// them again.
func TestEvents(t *testing.T) {
	const allowed, denied = 40, 7
	for text, want := range map[string][2]int{ // the least and the most of those that were allowed
		"all": {allowed, allowed}, "denied": {0, 0}, "none": {0, 0}, "1/2": {1, allowed - 1},
	} {
		t.Run(strings.ReplaceAll(text, "/", " in "), func(t *testing.T) {
			t.Parallel()
			var level audit.Level
			if err := level.UnmarshalText([]byte(text)); err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			w := startOn(t, wardertest.StartConfig(t, daemon.Config{Store: "memory", TestHooks: true, Trail: dir, Decisions: level}))
			for i := range allowed {
				w.ask(fmt.Sprintf(`{"subject":{"type":"user","id":"alice"},"action":{"name":"write"},"resource":{"type":"record","id":"record-1"},"context":{"n":"%d"}}`, i))
			}
			for range denied {
				w.ask(`{"subject":{"type":"user","id":"alice"},"action":{"name":"Erase"},"resource":{"type":"record","id":"7"}}`)
			}
			w.ask(`{"subject":{"type":"user","id":"nobody"},"action":{"name":"read"},"resource":{"type":"record","id":"7"}}`) // nothing to decide
			_, err := w.iam.GetAccountSummary(t.Context(), nil)
			w.must(err)
			grants, refusals := 0, 0
			for _, e := range logged(t, dir, "GetAccountSummary") {
				var event struct {
					EventCategory, EventSource, EventName, RecipientAccountID string
					ManagementEvent                                           *bool
					UserIdentity                                              struct{ Type, ARN string }
					ResponseElements                                          struct{ Decision *bool }
					RequestParameters                                         struct {
						Subject          struct{ Type, ID string }
						Action, Resource string
					}
					Resources []struct{ ARN, AccountID string }
				}
				if err := json.Unmarshal(e.JSON, &event); err != nil {
					t.Fatalf("%s: %v", e.JSON, err)
				}
				d := event.ResponseElements.Decision
				if d == nil || event.EventCategory != "Data" || event.ManagementEvent == nil || *event.ManagementEvent || event.EventSource != audit.QuestionSource ||
					event.RecipientAccountID != wardertest.Account || event.UserIdentity.Type != "IAMUser" || event.RequestParameters.Subject.ID != "alice" ||
					len(event.Resources) != 1 || event.Resources[0].ARN != event.RequestParameters.Resource {
					t.Fatalf("%s", e.JSON)
				}
				r, err := decision.Parse(e.Record)
				if err != nil || r.Allowed() != *d || r.Revision == 0 || r.Checks[0].Action != event.RequestParameters.Action {
					t.Fatalf("%s of %s: %v", e.Record, e.JSON, err)
				}
				if *d {
					grants++
				} else {
					refusals++
				}
			}
			if grants < want[0] || grants > want[1] || text == "none" && refusals != 0 || text != "none" && refusals != denied {
				t.Errorf("%d grants and %d refusals are kept", grants, refusals)
			}
		})
	}
}

func TestLevel(t *testing.T) {
	for _, text := range []string{"all", "denied", "none", "1/1", "1/100"} {
		var level audit.Level
		if err := level.UnmarshalText([]byte(text)); err != nil {
			t.Error(err)
		}
		if got, err := level.MarshalText(); string(got) != text || err != nil {
			t.Errorf("%s is written as %s, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "ALL", "1/0", "1/-1", "2/3", "10", "1/x"} {
		if err := new(audit.Level).UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is a level", text)
		}
	}
}
