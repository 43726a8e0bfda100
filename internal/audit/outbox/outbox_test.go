package outbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"
)

func open(t *testing.T, path string) *Outbox {
	t.Helper()
	o, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { o.Close() })
	return o
}

// receiver notes what it was sent, and refuses as told.
type receiver struct {
	mu     sync.Mutex
	got    []string
	refuse func(item *Item) error
	sent   chan struct{}
}

func (r *receiver) send(_ context.Context, item *Item) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.refuse != nil {
		if err := r.refuse(item); err != nil {
			return err
		}
	}
	r.got = append(r.got, item.Key+"="+string(item.Body))
	r.sent <- struct{}{}
	return nil
}

func (r *receiver) all() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.got)
}

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// start runs a sender until the test ends or the returned function is called.
func start(t *testing.T, o *Outbox, r *receiver, s Sender) (stop func()) {
	t.Helper()
	r.sent = make(chan struct{}, 1000)
	s.Queue, s.Send, s.Log = "q", r.send, quiet
	if s.First == 0 {
		s.First, s.Most = time.Millisecond, 2*time.Millisecond
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { o.Run(ctx, s); close(done) }()
	stop = sync.OnceFunc(func() { cancel(); <-done })
	t.Cleanup(stop)
	return stop
}

func put(t *testing.T, o *Outbox, b *Batch) bool {
	t.Helper()
	done, err := o.Put(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	return done
}

func items(n int, lane string) (list []Item) {
	for i := range n {
		list = append(list, Item{Queue: "q", Lane: lane, Key: lane, Body: fmt.Append(nil, i)})
	}
	return list
}

// A batch lands once, with its positions and values, whatever is put again.
func TestPut(t *testing.T) {
	path := filepath.Join(t.TempDir(), "outbox.db")
	o := open(t, path)
	batch := &Batch{Consumer: "c", Positions: map[string]int64{"s": 5}, Items: items(2, ""), Values: map[string][]byte{"v/a": []byte("x"), "w": {}}}
	if !put(t, o, batch) {
		t.Error("the first put did nothing")
	}
	if put(t, o, batch) {
		t.Error("the same batch was put twice")
	}
	if put(t, o, &Batch{Consumer: "c", Positions: map[string]int64{"s": 4}, Values: map[string][]byte{"v/a": nil}}) {
		t.Error("a batch of before was put")
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	o = open(t, path)
	if at, known, err := o.Position(t.Context(), "c", "s"); at != 5 || !known || err != nil {
		t.Errorf("position %d, %v, %v", at, known, err)
	}
	if _, known, err := o.Position(t.Context(), "d", "s"); known || err != nil {
		t.Errorf("another consumer's position: %v, %v", known, err)
	}
	if waiting, err := o.Waiting(t.Context(), "q", 10); len(waiting) != 2 || err != nil {
		t.Errorf("%d items, %v", len(waiting), err)
	}
	if names, err := o.ValueNames(t.Context(), "v/"); !slices.Equal(names, []string{"v/a"}) || err != nil {
		t.Errorf("names %v, %v", names, err)
	}
	if v, err := o.Value(t.Context(), "v/a"); string(v) != "x" || err != nil {
		t.Errorf("value %q, %v", v, err)
	}
	if v, err := o.Value(t.Context(), "none"); v != nil || err != nil {
		t.Errorf("value %q, %v", v, err)
	}
}

// Items of a lane arrive in order though some have to be sent again, and a lane
// that stands still holds up no other.
func TestLanes(t *testing.T) {
	o := open(t, "")
	put(t, o, &Batch{Items: append(items(20, "a"), append(items(20, "b"), items(20, "")...)...)})
	failures := map[int64]int{}
	r := &receiver{refuse: func(item *Item) error {
		if item.Lane == "a" && string(item.Body) == "0" {
			return errors.New("away")
		}
		if failures[item.ID]++; failures[item.ID] < 3 && item.ID%7 == 0 {
			return &Later{errors.New("busy"), time.Millisecond}
		}
		return nil
	}}
	stop := start(t, o, r, Sender{Workers: 4})
	for range 40 {
		<-r.sent
	}
	stop()
	var b []string
	for _, what := range r.all() {
		if what[0] == 'a' {
			t.Fatalf("%s overtook the item that cannot be sent", what)
		}
		if what[0] == 'b' {
			b = append(b, what)
		}
	}
	for i, what := range b {
		if what != fmt.Sprintf("b=%d", i) {
			t.Fatalf("item %d of the lane is %s", i, what)
		}
	}
	waiting, err := o.Waiting(t.Context(), "q", 100)
	if err != nil || len(waiting) != 20 || waiting[0].Attempts == 0 || waiting[0].Error != "away" {
		t.Errorf("waiting: %d, %+v, %v", len(waiting), waiting[0], err)
	}
}

// Without order an item that has to be sent again holds up none behind it.
func TestUnordered(t *testing.T) {
	o := open(t, "")
	put(t, o, &Batch{Items: append(items(20, "a"), append(items(20, "b"), items(1, "")...)...)})
	r := &receiver{refuse: func(item *Item) error {
		if item.Lane == "a" && string(item.Body) == "0" {
			return errors.New("away")
		}
		return nil
	}}
	stop := start(t, o, r, Sender{Workers: 4, Unordered: true})
	for range 40 {
		<-r.sent
	}
	stop()
	waiting, err := o.Waiting(t.Context(), "q", 100)
	if err != nil || len(waiting) != 1 || string(waiting[0].Body) != "0" || waiting[0].Lane != "a" {
		t.Errorf("waiting: %+v, %v", waiting, err)
	}
}

// What is given up is a dead letter, out of the way of what follows, and can be
// sent again.
func TestDeadLetters(t *testing.T) {
	o := open(t, "")
	put(t, o, &Batch{Items: items(3, "a")})
	var refused sync.Map
	died := make(chan *Item, 2)
	r := &receiver{refuse: func(item *Item) error {
		if _, again := refused.LoadOrStore(item.ID, true); item.ID == 1 && !again {
			return &Permanent{errors.New("gone")}
		}
		if item.ID == 2 && item.Attempts < 3 {
			return errors.New("away")
		}
		return nil
	}}
	stop := start(t, o, r, Sender{Keep: func(item *Item, _ time.Time) bool { return item.Attempts < 2 }, Died: func(_ context.Context, item *Item) { died <- item }})
	<-died
	<-died
	<-r.sent
	dead, err := o.Dead(t.Context(), "q", 0, 10)
	if err != nil || len(dead) != 2 || dead[0].Error != "gone" || dead[0].Attempts != 1 || dead[1].Attempts != 2 {
		t.Fatalf("dead: %+v, %v", dead, err)
	}
	if ok, err := o.Revive(t.Context(), 1); !ok || err != nil {
		t.Errorf("revive: %v, %v", ok, err)
	}
	if ok, err := o.Revive(t.Context(), 3); ok || err != nil {
		t.Errorf("what is not dead was revived: %v, %v", ok, err)
	}
	<-r.sent
	stop()
	if got, want := r.all(), []string{"a=2", "a=0"}; !slices.Equal(got, want) {
		t.Errorf("sent %q, want %q", got, want)
	}
	if err := o.Delete(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	if dead, err := o.Dead(t.Context(), "q", 0, 10); len(dead) != 0 || err != nil {
		t.Errorf("left: %v, %v", dead, err)
	}
}

// A database of another program is left alone.
func TestForeign(t *testing.T) {
	path := filepath.Join(t.TempDir(), "outbox.db")
	o := open(t, path)
	if _, err := o.db.Exec("PRAGMA user_version = 99"); err != nil {
		t.Fatal(err)
	}
	o.Close()
	if _, err := Open(path); err == nil {
		t.Error("a file of another version was opened")
	}
}
