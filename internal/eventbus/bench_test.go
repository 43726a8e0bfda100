package eventbus

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/warder-iam/warder/internal/audit/outbox"
	"github.com/warder-iam/warder/internal/audit/trail"
	"github.com/warder-iam/warder/internal/ids"
	"github.com/warder-iam/warder/internal/state"
	"github.com/warder-iam/warder/internal/store/memory"
)

const benchAccount = "123456789012"

// withRules is a bus with rules, each with the pattern that pattern makes of its number.
func withRules(tb testing.TB, n int, pattern func(int) string) (*Bus, *state.State) {
	tb.Helper()
	st, err := state.Open(context.Background(), memory.New())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { st.Close() })
	box, err := outbox.Open("")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { box.Close() })
	err = st.Update(context.Background(), time.Now(), func(tx *state.Tx) error {
		tx.Accounts.Put(&state.Account{ID: benchAccount})
		for i := range n {
			tx.EventRules.Put(&state.EventRule{
				Account: benchAccount, Region: "us-east-1", Bus: state.DefaultEventBus, Name: fmt.Sprintf("r%04d", i), State: state.EventRuleAllEvents,
				Pattern: &state.EventPattern{Text: pattern(i)}, Targets: []*state.EventTarget{{ID: "1", ARN: state.TopicARN(benchAccount, "us-east-1", "t")}},
			})
		}
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
	return New(Config{State: st.Snapshot, IDs: ids.New(), Outbox: box, Now: time.Now, Log: slog.New(slog.DiscardHandler)}), st
}

func record(name string) *trail.Entry {
	return &trail.Entry{
		ID: "5a1b2c3d", Name: name, Source: "iam.amazonaws.com", Account: benchAccount, Time: time.Now(), ReadOnly: true,
		JSON: []byte(`{"eventVersion":"1.11","userIdentity":{"type":"AssumedRole","principalId":"AROA123456789EXAMPLE:session","arn":"arn:aws:sts::123456789012:assumed-role/admin/session","accountId":"123456789012","accessKeyId":"ASIA123456789EXAMPLE","sessionContext":{"sessionIssuer":{"type":"Role","principalId":"AROA123456789EXAMPLE","arn":"arn:aws:iam::123456789012:role/admin","accountId":"123456789012","userName":"admin"},"attributes":{"creationDate":"2026-03-01T12:00:00Z","mfaAuthenticated":"false"}}},"eventTime":"2026-03-01T12:00:00Z","eventSource":"iam.amazonaws.com","eventName":"` + name + `","awsRegion":"us-east-1","sourceIPAddress":"192.0.2.1","userAgent":"aws-cli/2.15.0","requestParameters":{"userName":"ann"},"responseElements":null,"requestID":"8d1b2c3d-0000-4000-8000-000000000000","eventID":"5a1b2c3d-0000-4000-8000-000000000000","readOnly":true,"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"123456789012","eventCategory":"Management"}`),
	}
}

// BenchmarkTake is an event of the trail against rules of which none matches: 1,000 of
// its source with other operations, of other services, and with patterns that have to
// be tried; and the one of alerts that has to be, too.
func BenchmarkTake(b *testing.B) {
	for name, pattern := range map[string]func(int) string{
		"root": func(int) string {
			return `{"source":[{"prefix":"aws."}],"detail":{"userIdentity":{"type":["Root"],"invokedBy":[{"exists":false}]},"eventType":[{"anything-but":"AwsServiceEvent"}]}}`
		},
		"source":   func(i int) string { return fmt.Sprintf(`{"source":["aws.iam"],"detail":{"eventName":["Op%d"]}}`, i) },
		"services": func(i int) string { return fmt.Sprintf(`{"source":["aws.s%d"],"detail":{"eventName":["Op"]}}`, i) },
		"prefix": func(i int) string {
			return fmt.Sprintf(`{"source":[{"prefix":"aws."}],"detail":{"eventName":[{"prefix":"Op%d"}],"userIdentity":{"type":["Root"]}}}`, i)
		},
	} {
		b.Run(name, func(b *testing.B) {
			n := 1000
			if name == "root" {
				n = 1
			}
			bus, _ := withRules(b, n, pattern)
			entries := []*trail.Entry{record("GetUser")}
			var position int64
			b.ReportAllocs()
			for b.Loop() {
				position++
				if err := bus.Take(b.Context(), "log", position, entries); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkMatch is an event that one of 1,000 rules matches, put into the outbox with
// 999 others.
func BenchmarkMatch(b *testing.B) {
	bus, _ := withRules(b, 1000, func(i int) string { return fmt.Sprintf(`{"source":["aws.iam"],"detail":{"eventName":["Op%d"]}}`, i) })
	var entries []*trail.Entry
	for i := range 1000 {
		entries = append(entries, record(fmt.Sprintf("Op%d", i)))
	}
	var position int64
	for b.Loop() {
		position++
		if err := bus.Take(b.Context(), "log", position, entries); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/event")
}

// An event is matched once, whatever is handed over again, and a position is known
// though nothing matched.
func TestTakeAgain(t *testing.T) {
	bus, st := withRules(t, 1, func(int) string { return `{"source":["aws.iam"],"detail":{"eventName":["Hit"]}}` })
	count := func() int {
		items, err := bus.Outbox.Waiting(t.Context(), Queue, 100)
		if err != nil {
			t.Fatal(err)
		}
		return len(items)
	}
	take := func(position int64, names ...string) {
		t.Helper()
		var entries []*trail.Entry
		for _, name := range names {
			entries = append(entries, record(name))
		}
		if err := bus.Take(t.Context(), "log", position, entries); err != nil {
			t.Fatal(err)
		}
	}
	take(0)
	take(1, "Miss")
	take(3, "Hit", "Miss")
	take(3, "Hit", "Miss")
	if count() != 1 {
		t.Fatalf("%d items", count())
	}
	take(7, "Miss")
	if at, known, err := bus.Position(t.Context(), "log"); at != 7 || !known || err != nil {
		t.Errorf("%d, %v, %v", at, known, err)
	}
	// A rule that was changed holds from the next event on.
	err := st.Update(t.Context(), time.Now(), func(tx *state.Tx) error {
		r := tx.EventRule(benchAccount, "us-east-1", state.DefaultEventBus, "r0000")
		tx.EventRules.Update(r, func(r *state.EventRule) { r.State = state.EventRuleDisabled })
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	take(8, "Hit")
	if count() != 1 {
		t.Errorf("%d items", count())
	}
	// An event that cannot be read holds up none behind it.
	bus, _ = withRules(t, 1, func(int) string { return `{"source":["aws.iam"],"detail":{"eventName":["Hit"]}}` })
	bad := record("Hit")
	bad.JSON = bad.JSON[:len(bad.JSON)-5]
	if err := bus.Take(t.Context(), "log", 1, []*trail.Entry{bad, record("Hit")}); err != nil || count() != 1 {
		t.Errorf("%v, %d items", err, count())
	}
}
