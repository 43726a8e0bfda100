package events

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	api "github.com/warder-iam/warder/internal/api/events"
	"github.com/warder-iam/warder/internal/authn"
	"github.com/warder-iam/warder/internal/authz"
	"github.com/warder-iam/warder/internal/ids"
	"github.com/warder-iam/warder/internal/service"
	"github.com/warder-iam/warder/internal/state"
	"github.com/warder-iam/warder/internal/store/memory"
	"github.com/warder-iam/warder/policy"
)

// taken is a Bus that keeps what it takes.
type taken struct {
	events map[string][]Event // by the ARN of the bus
	err    error
}

func (b *taken) Put(_ context.Context, bus *state.EventBus, events []Event) error {
	if b.err != nil {
		return b.err
	}
	b.events[bus.ARN()] = append(b.events[bus.ARN()], events...)
	return nil
}

const account = "111122223333"

// fixture is a service with a bus, in an account with one more event bus.
func fixture(t *testing.T) (*Service, *taken, *service.Call, *state.Snapshot) {
	t.Helper()
	st, err := state.Open(t.Context(), memory.New())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	at := time.Date(2026, 3, 4, 5, 6, 7, 8, time.UTC)
	if err := st.Update(t.Context(), at, func(tx *state.Tx) error {
		tx.Accounts.Put(&state.Account{ID: account, Name: "a", Created: at})
		tx.EventBuses.Put(&state.EventBus{Account: account, Region: "us-east-1", Name: "shop"})
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	bus := &taken{events: map[string][]Event{}}
	c := &service.Call{Context: t.Context(), Request: authz.Request{
		Caller: &authn.Caller{Principal: policy.Principal{Kind: policy.Root, Account: account}}, Time: at, Region: "us-east-1",
	}}
	return &Service{ids: ids.New(), bus: bus}, bus, c, st.Snapshot()
}

func entry(source, detailType, detail string) api.PutEventsRequestEntry {
	return api.PutEventsRequestEntry{Source: &source, DetailType: &detailType, Detail: &detail}
}

func TestPutEvents(t *testing.T) {
	s, bus, c, snap := fixture(t)
	full := entry("shop", "Order <placed>", `{"n": 1.50, "s": "é"}`)
	at := time.Date(2025, 1, 2, 3, 4, 5, 999, time.FixedZone("", 3600))
	full.Time, full.Resources, full.EventBusName = &at, []string{"arn:x"}, new("shop")
	traced := entry("a", "b", "{}")
	traced.TraceHeader = new("Root=1")
	nowhere := entry("a", "b", "{}")
	nowhere.EventBusName = new("nowhere")
	in := &api.PutEventsRequest{Entries: []api.PutEventsRequestEntry{
		full, entry("", "b", "{}"), entry("a", "", "{}"), entry("a", "b", ""), entry("a", "b", "detail"), entry("a", "b", "[1]"), entry("aws.iam", "b", "{}"), entry("warder.alerts", "b", "{}"), traced, nowhere, entry("a", "b", "{}"),
	}}
	out, err := s.putEvents(c, snap, in)
	if err != nil {
		t.Fatal(err)
	}
	if *out.FailedEntryCount != 9 || len(out.Entries) != 11 {
		t.Errorf("%+v", out)
	}
	for i, want := range []string{
		"", "InvalidArgument: Parameter Source is not valid. Reason: Source is a required argument.", "InvalidArgument: Parameter DetailType is not valid. Reason: DetailType is a required argument.",
		"InvalidArgument: Parameter Detail is not valid. Reason: Detail is a required argument.", "MalformedDetail: Detail is malformed.", "MalformedDetail: Detail is malformed.",
		"NotAuthorizedForSourceException: Not authorized for the source.", "NotAuthorizedForSourceException: Not authorized for the source.", "InvalidArgument: Parameter TraceHeader is not valid. Reason: Warder traces no events.",
		"ResourceNotFoundException: Event bus nowhere does not exist.", "",
	} {
		e := out.Entries[i]
		if got := strings.TrimSuffix(deref(e.ErrorCode)+": "+deref(e.ErrorMessage), ": "); got != want || (e.EventId == nil) != (want != "") {
			t.Errorf("entry %d: %q, want %q", i, got, want)
		}
	}
	shop, home := bus.events["arn:aws:events:us-east-1:"+account+":event-bus/shop"], bus.events["arn:aws:events:us-east-1:"+account+":event-bus/default"]
	if len(bus.events) != 2 || len(shop) != 1 || len(home) != 1 {
		t.Fatal(bus.events)
	}
	if got, want := string(shop[0].JSON), `{"version":"0","id":"`+*out.Entries[0].EventId+`","detail-type":"Order <placed>","source":"shop","account":"`+account+`","time":"2025-01-02T02:04:05Z","region":"us-east-1","resources":["arn:x"],"detail":{"n":1.50,"s":"é"}}`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if !strings.Contains(string(home[0].JSON), `"time":"2026-03-04T05:06:07Z","region":"us-east-1","resources":[]`) || !home[0].Time.Equal(c.Time) || home[0].ID != *out.Entries[10].EventId {
		t.Errorf("%s", home[0].JSON)
	}
}

func TestPutEventsRefused(t *testing.T) {
	s, bus, c, snap := fixture(t)
	large := entry("a", "b", `"`+strings.Repeat("x", maxRequest)+`"`)
	if _, err := s.putEvents(c, snap, &api.PutEventsRequest{Entries: []api.PutEventsRequestEntry{large}}); err == nil || !strings.Contains(err.Error(), "Total size of the entries in the request is over the limit.") {
		t.Error(err)
	}
	if _, err := s.putEvents(c, snap, &api.PutEventsRequest{Entries: []api.PutEventsRequestEntry{entry("a", "b", "{}")}, EndpointId: new("e.f")}); err == nil {
		t.Error("an endpoint that is not there")
	}
	bus.err = errors.New("the disk is full")
	for _, s := range []*Service{s, {ids: s.ids}} {
		out, err := s.putEvents(c, snap, &api.PutEventsRequest{Entries: []api.PutEventsRequestEntry{entry("a", "b", "{}")}})
		if err != nil || *out.FailedEntryCount != 1 || *out.Entries[0].ErrorCode != "InternalException" || out.Entries[0].EventId != nil {
			text, _ := json.Marshal(out)
			t.Errorf("%s, %v", text, err)
		}
	}
}
