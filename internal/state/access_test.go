package state_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/warder-iam/warder/internal/state"
	"github.com/warder-iam/warder/internal/store"
	"github.com/warder-iam/warder/internal/store/memory"
)

// used is a use of a service by a user.
func used(user, service, action string, at time.Time) *state.Use {
	return &state.Use{Principal: user, Service: service, Action: action, Region: "us-east-1", Time: at}
}

func on(at time.Time) state.AccessTime { return state.AccessTime{Date: at, Region: "us-east-1"} }

func wantAccesses(t *testing.T, s *state.State, what, principal string, at time.Time, want ...state.Access) {
	t.Helper()
	wanted := map[string]state.Access{}
	for _, a := range want {
		a.Principal = principal
		wanted[a.Service] = a
	}
	got := s.Snapshot().AccessesOf(principal, at)
	for service, a := range got {
		if len(a.Actions) == 0 {
			a.Actions = nil // a store keeps no empty lists
			got[service] = a
		}
	}
	if !reflect.DeepEqual(got, wanted) {
		t.Errorf("%s:\n got %+v\nwant %+v", what, got, wanted)
	}
}

func flush(t *testing.T, s *state.State, at time.Time) {
	t.Helper()
	if err := s.FlushUsage(t.Context(), at); err != nil {
		t.Fatal(err)
	}
}

func TestAccesses(t *testing.T) {
	minute := now.Truncate(time.Minute)
	db := memory.NewDB()
	s := open(t, db.Open())
	u, v := user("a"), user("b")
	if err := put(s, u, v); err != nil {
		t.Fatal(err)
	}
	s.Used(used(u.ID, "iam", "GetUser", minute.Add(10*time.Second)))
	s.Used(used(u.ID, "iam", "ListUsers", minute.Add(time.Minute)))
	s.Used(used(u.ID, "warder", "", minute))
	s.Used(used("", "iam", "GetUser", minute)) // somebody who is no principal
	want := []state.Access{
		{Service: "iam", AccessTime: on(minute.Add(time.Minute)), Actions: []state.ActionAccess{
			{Name: "GetUser", AccessTime: on(minute)}, {Name: "ListUsers", AccessTime: on(minute.Add(time.Minute))}}},
		{Service: "warder", AccessTime: on(minute)},
	}
	wantAccesses(t, s, "unflushed", u.ID, minute, want...)
	wantAccesses(t, s, "of another user", v.ID, minute)
	flush(t, s, minute)
	wantAccesses(t, s, "flushed", u.ID, minute, want...)

	// Later uses, some flushed, some not; one is of the past.
	later := used(u.ID, "iam", "GetUser", minute.Add(time.Hour))
	later.Region = "eu-west-1"
	s.Used(later)
	s.Used(used(u.ID, "s3", "GetObject", minute.Add(time.Hour)))
	s.Used(used(u.ID, "iam", "ListUsers", minute.Add(-time.Hour)))
	elsewhere := state.AccessTime{Date: minute.Add(time.Hour), Region: "eu-west-1"}
	want[0].AccessTime, want[0].Actions[0].AccessTime = elsewhere, elsewhere
	want = append(want, state.Access{Service: "s3", AccessTime: on(minute.Add(time.Hour)), Actions: []state.ActionAccess{{Name: "GetObject", AccessTime: on(minute.Add(time.Hour))}}})
	wantAccesses(t, s, "unflushed on flushed", u.ID, minute, want...)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, db.Open())
	wantAccesses(t, s, "reopened", u.ID, minute, want...)

	// What is older than the tracking period is not told, and goes with the next
	// flush of its service.
	end := minute.Add(state.TrackingPeriod + 30*time.Minute)
	recent := state.Access{Service: "iam", AccessTime: elsewhere, Actions: want[0].Actions[:1]}
	wantAccesses(t, s, "after the tracking period", u.ID, end, recent, want[2])
	wantAccesses(t, s, "long after it", u.ID, end.Add(time.Hour))
	s.Used(used(u.ID, "iam", "GetRole", end))
	flush(t, s, end)
	if got := s.Snapshot().Accesses.Get(u.ID + "/iam"); len(got.Actions) != 2 || got.Actions[0].Name != "GetRole" || got.Actions[1].Name != "GetUser" {
		t.Errorf("kept: %+v", got)
	}

	// A deleted user leaves nothing, and does not come back.
	s.Used(used(u.ID, "sts", "GetCallerIdentity", end))
	if err := s.Update(t.Context(), end, func(tx *state.Tx) error {
		tx.ForgetUses(u.ID)
		tx.Users.Delete(u)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	flush(t, s, end)
	if n := s.Snapshot().Accesses.Len(); n != 0 {
		t.Errorf("%d records of a deleted user", n)
	}
}

// failing is a store that does not take writes while it is broken.
type failing struct {
	store.Store
	mu     sync.Mutex
	broken bool
}

func (f *failing) CommitAll(ctx context.Context, b []store.Batch) ([]store.Result, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.broken {
		return nil, errors.New("no space left")
	}
	return f.Store.CommitAll(ctx, b)
}

func (f *failing) set(broken bool) {
	f.mu.Lock()
	f.broken = broken
	f.mu.Unlock()
}

// TestFlushFails: what could not be written is still known, and is written by
// the next flush.
func TestFlushFails(t *testing.T) {
	db := memory.NewDB()
	st := &failing{Store: db.Open()}
	s := open(t, st)
	u, minute := user("a"), now.Truncate(time.Minute)
	if err := s.Update(t.Context(), now, func(tx *state.Tx) error {
		tx.Users.Put(u)
		tx.AccessKeys.Put(&state.AccessKey{ID: "AKIA1", Account: account, Owner: u.ID})
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	use := used(u.ID, "iam", "GetUser", minute)
	use.LastUsed = "AKIA1"
	s.Used(use)
	st.set(true)
	if err := s.FlushUsage(t.Context(), now); err == nil {
		t.Error("a flush into a broken store succeeds")
	}
	want := state.Access{Service: "iam", AccessTime: on(minute), Actions: []state.ActionAccess{{Name: "GetUser", AccessTime: on(minute)}}}
	wantAccesses(t, s, "after a flush that failed", u.ID, minute, want)
	if last, ok := s.Snapshot().LastUse("AKIA1"); !ok || !last.Date.Equal(minute) {
		t.Errorf("the last use after a flush that failed: %v, %v", last, ok)
	}
	st.set(false)
	flush(t, s, minute)
	if a := s.Snapshot().Accesses.Get(u.ID + "/iam"); a == nil || s.Snapshot().LastUses.Get("AKIA1") == nil {
		t.Error("the next flush does not write it")
	}
}

// TestAccessBounds: whoever makes up names of services and actions fills no
// memory; the latest are kept.
func TestAccessBounds(t *testing.T) {
	s := open(t, memory.NewDB().Open())
	u, minute := user("a"), now.Truncate(time.Minute)
	if err := put(s, u); err != nil {
		t.Fatal(err)
	}
	for i := range 1500 {
		s.Used(used(u.ID, "record", fmt.Sprintf("a%04d", i), minute.Add(time.Duration(i)*time.Minute)))
	}
	flush(t, s, minute)
	a := s.Snapshot().Accesses.Get(u.ID + "/record")
	if len(a.Actions) != 1000 || a.Actions[0].Name != "a0500" || a.Actions[999].Name != "a1499" {
		t.Errorf("%d actions, from %s", len(a.Actions), a.Actions[0].Name)
	}
	for i := range 1500 {
		s.Used(used(u.ID, fmt.Sprintf("s%04d", i), "x", minute.Add(time.Duration(i)*time.Minute)))
	}
	flush(t, s, minute)
	if n := s.Snapshot().Accesses.Len(); n != 1000 {
		t.Errorf("%d services", n)
	}
	for i := range 200_000 {
		s.Used(used(fmt.Sprint("AIDA", i), "iam", "GetUser", minute))
	}
	if got := s.Snapshot().AccessesOf("AIDA0", minute); len(got) != 1 {
		t.Error("the first of many is not known")
	}
	if got := s.Snapshot().AccessesOf("AIDA199999", minute); len(got) != 0 {
		t.Error("there is no bound to what is pending")
	}
}

// BenchmarkUsed is what noting its use costs a request.
func BenchmarkUsed(b *testing.B) {
	s, err := state.Open(b.Context(), memory.NewDB().Open())
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	use := used("AIDAIOSFODNN7EXAMPLE", "sts", "GetCallerIdentity", now)
	use.LastUsed = "AKIAIOSFODNN7EXAMPLE"
	b.ReportAllocs()
	for b.Loop() {
		s.Used(use)
	}
}
