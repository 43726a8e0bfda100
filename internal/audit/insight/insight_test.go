package insight

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/warder-iam/warder/internal/audit/outbox"
	"github.com/warder-iam/warder/internal/audit/trail"
)

const watched = "111122223333"

var monday = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

// world is a watcher with a clock of its own, and what it emits.
type world struct {
	t *testing.T
	*Watcher
	outbox   *outbox.Outbox
	position int64
	got      []event
	calls    bool
	errors   bool
}

func newWorld(t *testing.T) *world {
	o, err := outbox.Open("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { o.Close() })
	w := &world{t: t, outbox: o, calls: true, errors: true}
	w.restart()
	return w
}

func (w *world) restart() {
	w.t.Helper()
	var err error
	w.Watcher, err = New(w.t.Context(), Config{
		Outbox: w.outbox,
		Wants: func(account string) (bool, bool) {
			return w.calls && account == watched, w.errors && account == watched
		},
		Emit: func(_ context.Context, e *trail.Entry) error {
			var got event
			if err := json.Unmarshal(e.JSON, &got); err != nil {
				return err
			}
			if e.Category != trail.Insight || e.ID != got.ID || e.Account != got.Recipient || e.Name != got.Details.Name || e.Source != got.Details.Source {
				w.t.Errorf("%+v of %s", e, e.JSON)
			}
			w.got = append(w.got, got)
			return nil
		},
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// happen has an API called n times in the minute.
func (w *world) happen(at time.Time, n int, name, failed string) {
	w.t.Helper()
	var entries []*trail.Entry
	for i := range n {
		text := fmt.Sprintf(`{"awsRegion":"us-east-1","userAgent":"agent","errorCode":%q,"userIdentity":{"arn":"arn:aws:iam::1:user/u%d"}}`, failed, i%7)
		entries = append(entries, &trail.Entry{
			ID: fmt.Sprint(w.position, i), Name: name, Source: "iam.amazonaws.com", Account: watched, Time: at.Add(time.Duration(i) * time.Millisecond),
			ReadOnly: name[0] == 'G', JSON: []byte(text),
		})
	}
	w.position++
	if err := w.Take(w.t.Context(), "log", w.position, entries); err != nil {
		w.t.Fatal(err)
	}
}

// days has a quiet time: a call now and then, and a burst every night.
func (w *world) days(n int) time.Time {
	at := monday
	for ; at.Before(monday.AddDate(0, 0, n)); at = at.Add(10 * time.Minute) {
		w.happen(at, 3, "CreateUser", "")
		w.happen(at, 1, "GetUser", "NoSuchEntityException")
		if at.Hour() == 3 && at.Minute() == 0 {
			w.happen(at, 40, "CreateUser", "")
		}
	}
	return at
}

// A burst that is unlike the days before begins an Insight, which ends when it is over;
// one that happens every night does not.
func TestCallRate(t *testing.T) {
	w := newWorld(t)
	at := w.days(5)
	if len(w.got) != 0 {
		t.Fatalf("usual days: %+v", w.got)
	}
	for i := range 8 {
		w.happen(at.Add(time.Duration(i)*time.Minute), 100, "CreateUser", "")
	}
	if len(w.got) != 1 {
		t.Fatalf("%d events at the beginning: %+v", len(w.got), w.got)
	}
	if err := w.Tick(t.Context(), at.Add(8*time.Minute)); err != nil || len(w.got) != 1 {
		t.Fatalf("ended too early: %v", err)
	}
	if err := w.Tick(t.Context(), at.Add(20*time.Minute)); err != nil || len(w.got) != 2 {
		t.Fatalf("%d events at the end, %v", len(w.got), err)
	}
	start, end := w.got[0], w.got[1]
	if start.Details.State != "Start" || end.Details.State != "End" || start.Shared != end.Shared || start.ID == end.ID || start.Type != "AwsCloudTrailInsight" ||
		start.Details.Type != CallRate || start.Details.Name != "CreateUser" || start.Time != at.Format(time.RFC3339) || start.Details.Error != "" {
		t.Errorf("%+v\n%+v", start, end)
	}
	if s := end.Details.Context.Statistics; s.Insight.Average != 100 || s.Duration != 8 || s.Baseline.Average < 0.25 || s.Baseline.Average > 0.4 || s.BaselineDuration != 5*24*60-5 {
		t.Errorf("statistics %+v", s)
	}
	who := start.Details.Context.Attributions
	if len(who) != 3 || who[0].Attribute != attrIdentity || len(who[0].Insight) != most || len(who[0].Baseline) != most || who[0].Insight[0].Average <= who[0].Baseline[0].Average {
		t.Errorf("attributions %+v", who)
	}
}

// Errors have a rate of their own, by code; reads count for it, and for no other.
func TestErrorRate(t *testing.T) {
	w := newWorld(t)
	at := w.days(3)
	w.happen(at, 60, "GetUser", "")
	if len(w.got) != 0 {
		t.Fatalf("many reads: %+v", w.got)
	}
	w.happen(at.Add(time.Hour), 60, "GetUser", "AccessDenied")
	if len(w.got) != 1 || w.got[0].Details.Type != ErrorRate || w.got[0].Details.Error != "AccessDenied" {
		t.Fatalf("many errors: %+v", w.got)
	}
}

// Nothing is found of who has not asked, nor before it is known what is usual.
func TestQuiet(t *testing.T) {
	w := newWorld(t)
	w.happen(monday, 1000, "CreateUser", "")
	w.happen(monday.Add(Learning-time.Minute), 5000, "CreateUser", "AccessDenied")
	if len(w.got) != 0 {
		t.Errorf("while learning: %+v", w.got)
	}
	w.happen(monday.Add(Learning+48*time.Hour), 9, "DeleteUser", "")
	if len(w.got) != 0 {
		t.Errorf("a few: %+v", w.got)
	}
	w.calls, w.errors = false, false
	w.happen(monday.Add(Learning+50*time.Hour), 9000, "DeleteRole", "AccessDenied")
	if len(w.got) != 0 {
		t.Errorf("nobody has asked: %+v", w.got)
	}
	w.calls = true
	w.happen(monday.Add(Learning+51*time.Hour), 9000, "DeleteRole", "AccessDenied")
	if len(w.got) != 1 || w.got[0].Details.Type != CallRate {
		t.Errorf("one type is asked for: %+v", w.got)
	}
}

// After a restart it goes on where it was saved: with what is usual, and what is open.
func TestRestart(t *testing.T) {
	w := newWorld(t)
	at := w.days(4)
	w.happen(at, 200, "CreateUser", "")
	if err := w.Save(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.restart()
	if position, known, err := w.Position(t.Context(), "log"); position != w.position || !known || err != nil {
		t.Errorf("position %d, %v, %v", position, known, err)
	}
	w.happen(at.Add(time.Minute), 200, "CreateUser", "")
	if len(w.got) != 1 {
		t.Fatalf("%d events", len(w.got))
	}
	w.happen(at.Add(30*time.Minute), 1, "CreateRole", "")
	if len(w.got) != 2 || w.got[1].Details.State != "End" || w.got[1].Details.Context.Statistics.Duration != 2 {
		t.Fatalf("%+v", w.got)
	}
}
