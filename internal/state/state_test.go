package state_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/warder-iam/warder/internal/state"
	"github.com/warder-iam/warder/internal/store"
	"github.com/warder-iam/warder/internal/store/memory"
)

const account = "123456789012"

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func open(t *testing.T, st store.Store) *state.State {
	t.Helper()
	s, err := state.Open(t.Context(), st)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func user(name string) *state.User {
	return &state.User{Entity: state.Entity{Account: account, ID: "AIDA" + name, Name: name, Path: "/", Created: now}}
}

func put(s *state.State, users ...*state.User) error {
	return s.Update(context.Background(), now, func(tx *state.Tx) error {
		for _, u := range users {
			tx.Users.Put(u)
		}
		return nil
	})
}

func names(s *state.Snapshot) (out []string) {
	for u := range s.UsersOf(account, "") {
		out = append(out, u.Name)
	}
	return out
}

func TestFinders(t *testing.T) {
	s := open(t, memory.New())
	bob := user("Bob")
	bob.Attached = []string{"arn:p"}
	bob.Groups = []string{"AGPA1"}
	if err := put(s, user("carol"), bob, user("Alice")); err != nil {
		t.Fatal(err)
	}
	snap := s.Snapshot()
	if got := names(snap); !slices.Equal(got, []string{"Alice", "Bob", "carol"}) {
		t.Errorf("users by name: %v", got)
	}
	if u := snap.User(account, "BOB"); u == nil || u.Name != "Bob" {
		t.Errorf("BOB is %v", u)
	}
	if u := snap.User("210987654321", "Bob"); u != nil {
		t.Errorf("another account's Bob is %v", u)
	}
	var after []string
	for u := range snap.UsersOf(account, "ALICE") {
		after = append(after, u.Name)
	}
	if !slices.Equal(after, []string{"Bob", "carol"}) {
		t.Errorf("after Alice: %v", after)
	}
	if n := snap.AttachmentCount(account, "arn:p"); n != 1 {
		t.Errorf("%d attachments", n)
	}
	if n := snap.AttachmentCount(account, "arn:"); n != 0 {
		t.Errorf("%d attachments of a prefix", n)
	}

	// Indexes follow changes.
	if err := s.Update(t.Context(), now, func(tx *state.Tx) error {
		u := tx.User(account, "bob")
		u = tx.Users.Update(u, func(u *state.User) { u.Name = "Robert"; u.Detach("arn:p") })
		if tx.User(account, "bob") != nil || tx.User(account, "robert") != u {
			t.Error("a transaction does not see its own rename")
		}
		tx.Users.Delete(tx.User(account, "alice"))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if got := names(s.Snapshot()); !slices.Equal(got, []string{"carol", "Robert"}) {
		t.Errorf("after the change: %v", got)
	}
	if n := s.Snapshot().AttachmentCount(account, "arn:p"); n != 0 {
		t.Errorf("%d attachments after detaching", n)
	}
	if got := names(snap); !slices.Equal(got, []string{"Alice", "Bob", "carol"}) || snap.AttachmentCount(account, "arn:p") != 1 {
		t.Errorf("the old snapshot changed: %v", got)
	}
}

func TestUpdateIsAllOrNothing(t *testing.T) {
	s := open(t, memory.New())
	boom := errors.New("boom")
	for name, fn := range map[string]func(tx *state.Tx) error{
		"an error": func(tx *state.Tx) error { tx.Users.Put(user("x")); return boom },
		"a panic":  func(tx *state.Tx) error { tx.Users.Put(user("x")); panic(boom) },
		"a name held twice": func(tx *state.Tx) error {
			tx.Users.Put(user("x"))
			other := user("X")
			other.ID = "AIDAother"
			tx.Users.Put(other)
			return nil
		},
	} {
		if err := s.Update(t.Context(), now, fn); err == nil {
			t.Errorf("%s: no error", name)
		}
		if got := names(s.Snapshot()); got != nil {
			t.Errorf("%s left %v", name, got)
		}
	}
	if err := put(s, user("x")); err != nil {
		t.Errorf("after the failures: %v", err)
	}
}

func TestReopen(t *testing.T) {
	db := memory.NewDB()
	s := open(t, db.Open())
	if err := put(s, user("a"), user("b")); err != nil {
		t.Fatal(err)
	}
	s.Used(&state.Use{LastUsed: "AKIA1", Service: "iam", Time: now})
	if err := s.Update(t.Context(), now, func(tx *state.Tx) error {
		tx.AccessKeys.Put(&state.AccessKey{ID: "AKIA1", Account: account, Owner: "AIDAa"})
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := put(s, user("c")); !errors.Is(err, state.ErrClosed) {
		t.Errorf("a write after Close: %v", err)
	}
	s = open(t, db.Open())
	if got := names(s.Snapshot()); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("reopened with %v", got)
	}
	if use, ok := s.Snapshot().LastUse("AKIA1"); !ok || !use.Date.Equal(now.Truncate(time.Minute)) {
		t.Errorf("the last use is %v, %v", use, ok)
	}
}

func TestClear(t *testing.T) {
	db := memory.NewDB()
	s := open(t, db.Open())
	if err := put(s, user("a"), user("b")); err != nil {
		t.Fatal(err)
	}
	if err := s.Update(t.Context(), now, func(tx *state.Tx) error {
		tx.Clear()
		tx.Users.Put(user("b"))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	_ = s.Close()
	if got := names(open(t, db.Open()).Snapshot()); !slices.Equal(got, []string{"b"}) {
		t.Errorf("after Clear: %v", got)
	}
}

// flaky is a store whose commits fail while broken is set.
type flaky struct {
	store.Store
	broken atomic.Bool
	slow   chan struct{} // a commit waits for one value, if not nil
}

var errDisk = errors.New("disk on fire")

func (f *flaky) CommitAll(ctx context.Context, batches []store.Batch) ([]store.Result, error) {
	if f.slow != nil {
		<-f.slow
	}
	if f.broken.Load() {
		return nil, errDisk
	}
	return f.Store.CommitAll(ctx, batches)
}

// A commit that fails takes with it what was built on it, and nothing else.
func TestFailedCommit(t *testing.T) {
	f := &flaky{Store: memory.New(), slow: make(chan struct{}, 100)}
	s := open(t, f)
	t.Cleanup(func() { close(f.slow) })
	f.slow <- struct{}{}
	if err := put(s, user("kept")); err != nil {
		t.Fatal(err)
	}

	// The second update sees the first before it is durable; both must fail, and
	// the reader must never see either.
	f.broken.Store(true)
	first, second := make(chan error), make(chan error)
	started := make(chan struct{})
	go func() {
		first <- s.Update(context.Background(), now, func(tx *state.Tx) error { close(started); tx.Users.Put(user("lost")); return nil })
	}()
	<-started
	ran := make(chan struct{})
	go func() {
		second <- s.Update(context.Background(), now, func(tx *state.Tx) error {
			defer close(ran)
			if tx.User(account, "lost") == nil {
				t.Error("an update does not see the one before it")
			}
			tx.Users.Put(user("lost-too"))
			return nil
		})
	}()
	<-ran
	f.slow <- struct{}{}
	f.slow <- struct{}{}
	if err := <-first; !errors.Is(err, errDisk) {
		t.Errorf("first: %v", err)
	}
	if err := <-second; err == nil {
		t.Error("second: no error")
	}
	if got := names(s.Snapshot()); !slices.Equal(got, []string{"kept"}) {
		t.Errorf("after the failure: %v", got)
	}

	f.broken.Store(false)
	f.slow <- struct{}{}
	if err := put(s, user("later")); err != nil {
		t.Errorf("after the disk came back: %v", err)
	}
	if got := names(s.Snapshot()); !slices.Equal(got, []string{"kept", "later"}) {
		t.Errorf("in the end: %v", got)
	}
}

// Nobody is told of a state that is not durable, not even by a refusal.
func TestRefusalWaitsForWhatItRead(t *testing.T) {
	f := &flaky{Store: memory.New(), slow: make(chan struct{}, 100)}
	s := open(t, f)
	t.Cleanup(func() { close(f.slow) })
	started := make(chan struct{})
	go func() {
		_ = s.Update(context.Background(), now, func(tx *state.Tx) error { tx.Users.Put(user("a")); close(started); return nil })
	}()
	<-started
	refused := make(chan struct{})
	var durable atomic.Bool
	go func() {
		err := s.Update(context.Background(), now, func(tx *state.Tx) error {
			if tx.User(account, "a") != nil {
				return errors.New("exists")
			}
			return nil
		})
		if err == nil || !durable.Load() {
			t.Errorf("refused with %v before the commit", err)
		}
		close(refused)
	}()
	durable.Store(true)
	f.slow <- struct{}{}
	<-refused
}

func TestConcurrentWritersAndReaders(t *testing.T) {
	s := open(t, memory.New())
	const writers, each = 8, 50
	var wg sync.WaitGroup
	stop := make(chan struct{})
	for range 4 {
		go func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				snap := s.Snapshot()
				if n := len(names(snap)); n != snap.Users.Len() {
					t.Errorf("an index of %d for %d users", n, snap.Users.Len())
					return
				}
			}
		}()
	}
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				name := fmt.Sprintf("u%d-%d", w, i)
				if err := put(s, user(name)); err != nil {
					t.Error(err)
				}
				if s.Snapshot().User(account, name) == nil {
					t.Errorf("%s is not there for its writer", name)
				}
			}
		})
	}
	wg.Wait()
	close(stop)
	if n := s.Snapshot().Users.Len(); n != writers*each {
		t.Errorf("%d users", n)
	}
	if rev := s.Snapshot().Revision; rev != writers*each {
		t.Errorf("revision %d", rev)
	}
}

func TestGrants(t *testing.T) {
	var g state.Grants
	doc := func(text string) *state.Document { return &state.Document{Text: text} }
	g.PutInline(state.InlinePolicy{Name: "b", Document: doc("1")})
	g.PutInline(state.InlinePolicy{Name: "a", Document: doc("2")})
	before := g
	g.PutInline(state.InlinePolicy{Name: "b", Document: doc("3")})
	if g.InlinePolicy("b").Document.Text != "3" || before.InlinePolicy("b").Document.Text != "1" {
		t.Error("PutInline changed the copy it was made from")
	}
	if g.Inline[0].Name != "a" || g.InlinePolicy("A") != &g.Inline[0] {
		t.Error("inline policies are out of order, or found in another case")
	}
	if !g.DeleteInline("a") || g.DeleteInline("a") {
		t.Error("DeleteInline")
	}
	g.Attach("x")
	g.Attach("x")
	if len(g.Attached) != 1 || !g.Detach("x") || g.Detach("x") {
		t.Error("Attach and Detach")
	}
}
