package daemon

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/warder-iam/warder/internal/alert"
	"github.com/warder-iam/warder/internal/audit"
	"github.com/warder-iam/warder/internal/eventbus"
	"github.com/warder-iam/warder/internal/state"
)

// A log that was changed raises an alert, once a day.
func TestDamagedLogRaisesAlert(t *testing.T) {
	now := time.Now()
	d, err := Open(t.Context(), Config{Listen: "127.0.0.1:0", Store: storeMemory, Trail: t.TempDir(), Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	alerts, err := alert.Find([]string{"log-gap"})
	if err != nil {
		t.Fatal(err)
	}
	err = d.state.Update(t.Context(), now, func(tx *state.Tx) error {
		tx.EventRules.Put(&state.EventRule{
			Account: d.First.ID, Region: alert.Region, Bus: state.DefaultEventBus, Name: "damage", State: state.EventRuleEnabled,
			Pattern: &state.EventPattern{Text: alerts[0].Pattern}, Targets: []*state.EventTarget{{ID: "1", ARN: state.TopicARN(d.First.ID, alert.Region, "t")}},
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"one", "two", "three"} {
		d.trail.Log(&audit.Event{ID: id, Name: "ListUsers", Source: "iam.amazonaws.com", Account: d.First.ID, Time: now, JSON: []byte(`{"eventID":"` + id + `"}`)})
	}
	if err := d.trail.log.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	sent := func(after time.Duration) (texts []string) {
		t.Helper()
		now = now.Add(after)
		if err := d.buses.housekeep(t.Context(), d); err != nil {
			t.Fatal(err)
		}
		items, err := d.trail.outbox.Waiting(t.Context(), eventbus.Queue, 10)
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range items {
			texts = append(texts, string(item.Body))
		}
		return texts
	}
	if got := sent(verifyEvery); len(got) != 0 {
		t.Fatalf("a log that is whole: %q", got)
	}
	segments, err := filepath.Glob(filepath.Join(d.config.Trail, "log", "*"))
	if err != nil {
		t.Fatal(err)
	}
	changed := false
	for _, path := range segments {
		text, err := os.ReadFile(path)
		if err == nil && bytes.Contains(text, []byte(`"two"`)) {
			changed = true
			if err := os.WriteFile(path, bytes.Replace(text, []byte(`{"eventID":"two"}`), []byte(`{"eventID":"oww"}`), 1), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	if !changed {
		t.Fatal("the event is not in the log")
	}
	if got := sent(time.Minute); len(got) != 0 {
		t.Errorf("before its time: %q", got)
	}
	if got := sent(verifyEvery); len(got) != 1 || !strings.Contains(got[0], "log-damaged") || !strings.Contains(got[0], "is not as it was written") {
		t.Errorf("%q", got)
	}
}
