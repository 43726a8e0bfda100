package delivery

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/warder-iam/warder/internal/audit/outbox"
	"github.com/warder-iam/warder/internal/audit/trail"
	"github.com/warder-iam/warder/internal/seal"
	"github.com/warder-iam/warder/internal/state"
	"github.com/warder-iam/warder/internal/store/memory"
)

const account = "111122223333"

var began = time.Date(2026, 3, 4, 10, 20, 30, 0, time.UTC)

// heap is buckets in memory, which may be away.
type heap struct {
	mu      sync.Mutex
	objects map[string]*Object
	puts    int
	away    error
}

func (h *heap) Check(context.Context, string, string) error { return h.away }

func (h *heap) Put(_ context.Context, bucket, key string, o *Object) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.away != nil {
		return h.away
	}
	h.puts++
	if old := h.objects[bucket+"/"+key]; old != nil && !bytes.Equal(old.Body, o.Body) {
		return errors.New("an object was changed: " + key)
	}
	h.objects[bucket+"/"+key] = o
	return nil
}

func (h *heap) keys(part string) (keys []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for key := range h.objects {
		if strings.Contains(key, part) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// world is a server's worth of what a delivery works with.
type world struct {
	t     *testing.T
	state *state.State
	ring  *seal.Keyring
	path  string
	heap  *heap

	mu  sync.Mutex
	now time.Time

	outbox *outbox.Outbox
	*Delivery
	notify   func(ctx context.Context, t *state.Trail, bucket, key string) error
	position int64
}

func newWorld(t *testing.T) *world {
	t.Helper()
	st, err := state.Open(t.Context(), memory.New())
	if err != nil {
		t.Fatal(err)
	}
	w := &world{
		t: t, state: st, ring: seal.NewRandom(), path: filepath.Join(t.TempDir(), "outbox.db"), heap: &heap{objects: map[string]*Object{}}, now: began,
	}
	t.Cleanup(func() { st.Close() })
	w.start()
	return w
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// start starts a delivery anew, as after a kill: what the one before had in memory
// is gone.
func (w *world) start() {
	w.t.Helper()
	if w.outbox != nil {
		w.outbox.Close()
	}
	var err error
	if w.outbox, err = outbox.Open(w.path); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { w.outbox.Close() })
	w.Delivery, err = New(w.t.Context(), Config{
		State: w.state, Ring: w.ring, Outbox: w.outbox, Buckets: w.heap, Now: w.clock, Log: slog.New(slog.DiscardHandler),
		Notify: func(ctx context.Context, t *state.Trail, bucket, key string) error {
			return w.notify(ctx, t, bucket, key)
		},
		Head: func() trail.Head { return trail.Head{Position: 7} },
	})
	if err != nil {
		w.t.Fatal(err)
	}
	at, _, err := w.Position(w.t.Context(), "log")
	if err != nil {
		w.t.Fatal(err)
	}
	w.position = at
}

// put makes a trail or changes it.
func (w *world) put(t state.Trail) {
	w.t.Helper()
	if err := w.state.Update(w.t.Context(), w.clock(), func(tx *state.Tx) error { tx.Trails.Put(&t); return nil }); err != nil {
		w.t.Fatal(err)
	}
}

// logging is a trail that has been logging since now.
func (w *world) logging(id string) state.Trail {
	return state.Trail{
		ID: id, Account: account, Region: "us-east-1", Name: "main-" + id, Bucket: "logs", MultiRegion: true, GlobalEvents: true, Validation: true,
		Logging: true, Started: w.clock(), Created: w.clock(),
	}
}

func (w *world) event(id string) *trail.Entry { return eventAt(id, account, "us-east-1", w.clock()) }

func eventAt(id, account, region string, at time.Time) *trail.Entry {
	return &trail.Entry{
		ID: id, Account: account, Time: at, Source: "iam.amazonaws.com", Name: "CreateUser",
		JSON: fmt.Appendf(nil, `{"userIdentity":{"userName":"x\"awsRegion\":\"no-where-1"},"awsRegion":%q,"eventID":%q}`, region, id),
	}
}

func (w *world) take(entries ...*trail.Entry) {
	w.t.Helper()
	if len(entries) == 0 { // nothing but a look at the trails
		w.Delivery.mu.Lock()
		defer w.Delivery.mu.Unlock()
		w.look(w.t.Context())
		return
	}
	w.position += int64(len(entries))
	if err := w.Take(w.t.Context(), "log", w.position, entries); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) flush() {
	w.t.Helper()
	if err := w.Flush(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// send sends everything that waits, in order.
func (w *world) send() {
	w.t.Helper()
	waiting, err := w.outbox.Waiting(w.t.Context(), consumer, 10000)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, item := range waiting {
		if w.Delivery.send(w.t.Context(), item) != nil {
			continue
		}
		if err := w.outbox.Delete(w.t.Context(), item.ID); err != nil {
			w.t.Fatal(err)
		}
	}
}

func unzip(t *testing.T, body []byte) []byte {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// delivered are the events in the log files whose keys have a part.
func (w *world) delivered(part string) (ids []string) {
	w.t.Helper()
	for _, key := range w.heap.keys("/CloudTrail/") {
		if !strings.Contains(key, part) {
			continue
		}
		var f struct{ Records []struct{ EventID string } }
		if err := json.Unmarshal(unzip(w.t, w.heap.objects[key].Body), &f); err != nil {
			w.t.Fatal(err)
		}
		for _, r := range f.Records {
			ids = append(ids, r.EventID)
		}
	}
	slices.Sort(ids)
	return ids
}

func (w *world) want(part string, ids ...string) {
	w.t.Helper()
	slices.Sort(ids)
	if got := w.delivered(part); !slices.Equal(got, ids) {
		w.t.Errorf("delivered %q, want %q", got, ids)
	}
}

func TestLogFile(t *testing.T) {
	w := newWorld(t)
	one := w.logging("1")
	one.Prefix, one.Validation = "all/of", false
	w.put(one)
	w.pass(time.Minute)
	w.take(w.event("a"), eventAt("b", account, "eu-west-1", w.clock()), eventAt("other's", "444455556666", "us-east-1", w.clock()))
	w.flush()
	w.send()
	keys := w.heap.keys("")
	if len(keys) != 2 {
		t.Fatalf("objects: %q", keys)
	}
	for i, want := range []string{
		"logs/all/of/AWSLogs/111122223333/CloudTrail/eu-west-1/2026/03/04/111122223333_CloudTrail_eu-west-1_20260304T1021Z_",
		"logs/all/of/AWSLogs/111122223333/CloudTrail/us-east-1/2026/03/04/111122223333_CloudTrail_us-east-1_20260304T1021Z_",
	} {
		unique, ok := strings.CutPrefix(keys[i], want)
		if !ok || len(unique) != len("Mu0KsOhtH1ar15ZZ.json.gz") || !strings.HasSuffix(unique, ".json.gz") {
			t.Errorf("key %s, want %s…", keys[i], want)
		}
	}
	w.want("us-east-1", "a")
	w.want("eu-west-1", "b")
	if s := w.Status("1"); s.Error != "" || !s.Delivered.Equal(w.clock()) || !s.DigestDelivered.IsZero() {
		t.Errorf("status %+v", s)
	}
	w.flush()
	w.send()
	if again := w.heap.keys(""); len(again) != 2 {
		t.Errorf("nothing made files: %q", again)
	}
}

// What a trail takes is said by what it was when the event happened, however late
// it is read; and by several trails each for itself.
func TestPeriods(t *testing.T) {
	w := newWorld(t)
	one := w.logging("1")
	w.put(one)
	w.take()
	before := eventAt("before", account, "us-east-1", w.clock().Add(-time.Nanosecond))
	start := w.event("start")
	w.pass(time.Minute)
	stop, late := w.event("stop"), w.event("late")
	one.Logging, one.Stopped = false, w.clock()
	w.put(one)
	w.take(before, start)
	w.pass(time.Minute)
	stopped := w.event("stopped")
	w.take(stopped, stop)
	w.pass(time.Minute)
	one.Logging, one.Started = true, w.clock()
	w.put(one)
	two := w.logging("2")
	two.Bucket = "others"
	w.put(two)
	w.take(late, w.event("again"))
	w.pass(time.Minute)
	one.Bucket = "moved"
	w.put(one)
	w.pass(time.Second)
	w.take(w.event("moved"))
	w.pass(time.Minute)
	if err := w.state.Update(t.Context(), w.clock(), func(tx *state.Tx) error {
		tx.Trails.Delete(tx.Trails.Get("1"))
		tx.Trails.Delete(tx.Trails.Get("2"))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	w.take()
	w.pass(time.Second)
	w.take(w.event("deleted"))
	w.flush()
	w.send()
	w.want("logs/", "start", "stop", "late", "again")
	w.want("moved/", "moved")
	w.want("others/", "again", "moved")
	if s := w.Status("1"); s != (Status{}) {
		t.Errorf("a trail that is gone has the status %+v", s)
	}
	w.pass(2 * keepEnded)
	w.put(w.logging("3"))
	w.take()
	if names, err := w.outbox.ValueNames(t.Context(), trailValue); err != nil || !slices.Equal(names, []string{trailValue + "3"}) {
		t.Errorf("kept of trails: %q, %v", names, err)
	}
}

// A trail that was started and stopped while nobody looked has what came between.
func TestUnseen(t *testing.T) {
	w := newWorld(t)
	one := w.logging("1")
	w.pass(time.Minute)
	inside := w.event("inside")
	one.Logging, one.Stopped = false, w.clock()
	w.put(one)
	w.pass(time.Minute)
	w.take(inside, w.event("outside"))
	w.flush()
	w.send()
	w.want("", "inside")
	w.pass(2 * keepEnded)
	one.Bucket = "elsewhere"
	w.put(one)
	w.take()
	if n := len(w.Delivery.trails["1"].Periods); n != 0 {
		t.Errorf("%d periods of a trail that stopped long ago", n)
	}
}

// A trail that is changed all the time does not fill the memory, and loses nothing.
func TestManyPeriods(t *testing.T) {
	w := newWorld(t)
	one := w.logging("1")
	first := w.event("first")
	for i := range 3 * maxPeriods {
		w.pass(time.Second)
		one.Prefix = fmt.Sprint("p", i)
		w.put(one)
		w.take()
	}
	if n := len(w.Delivery.trails["1"].Periods); n != maxPeriods {
		t.Errorf("%d periods", n)
	}
	w.take(first, w.event("last"))
	w.flush()
	w.send()
	w.want("", "first", "last")
}

func TestRegions(t *testing.T) {
	w := newWorld(t)
	w.put(w.logging("1"))
	var events []*trail.Entry
	for i := range 3 * maxRegions {
		events = append(events, eventAt(fmt.Sprint(i), account, fmt.Sprint("r-", i), w.clock()))
	}
	for _, region := range []string{"", "../../x", "US-EAST-1", "a/b", strings.Repeat("a", 33)} {
		events = append(events, eventAt("bad "+region, account, region, w.clock()))
	}
	w.take(events...)
	w.flush()
	w.send()
	if n := len(w.heap.keys("")); n != maxRegions+1 {
		t.Errorf("files of %d regions", n)
	}
	if n := len(w.delivered("")); n != len(events) {
		t.Errorf("%d events, want %d", n, len(events))
	}
	if n := len(w.delivered("us-east-1/")); n != len(events)-maxRegions {
		t.Errorf("%d events in the home region", n)
	}
}

// chainOf verifies the digests of a region as validate-logs does, from the last one
// back, and gives them oldest first.
func (w *world) chainOf(region string) (digests []digestFile) {
	w.t.Helper()
	keys := w.heap.keys("/CloudTrail-Digest/" + region + "/")
	if len(keys) == 0 {
		return nil
	}
	for next := keys[len(keys)-1]; next != ""; {
		o := w.heap.objects[next]
		if o == nil {
			w.t.Fatalf("the digest %s is missing", next)
		}
		text := unzip(w.t, o.Body)
		var d digestFile
		if err := json.Unmarshal(text, &d); err != nil {
			w.t.Fatal(err)
		}
		if d.DigestS3Bucket+"/"+d.DigestS3Object != next {
			w.t.Errorf("the digest %s says it is %s", next, d.DigestS3Object)
		}
		sum := sha256.Sum256(text)
		before := "null"
		next = ""
		if d.PreviousDigestS3Object != nil {
			before, next = *d.PreviousDigestSignature, *d.PreviousDigestS3Bucket+"/"+*d.PreviousDigestS3Object
		}
		hash := sha256.Sum256([]byte(d.DigestEndTime.Format(time.RFC3339) + "\n" + d.DigestS3Bucket + "/" + d.DigestS3Object + "\n" + hex.EncodeToString(sum[:]) + "\n" + before))
		i := slices.IndexFunc(w.PublicKeys(d.DigestEndTime, d.DigestEndTime), func(k *state.DigestKey) bool { return k.Fingerprint == d.DigestPublicKeyFingerprint })
		if i < 0 {
			w.t.Fatalf("no key is published for %s", d.DigestEndTime)
		}
		public, err := x509.ParsePKCS1PublicKey(w.PublicKeys(d.DigestEndTime, d.DigestEndTime)[i].Public)
		if err != nil {
			w.t.Fatal(err)
		}
		signature, err := hex.DecodeString(o.Metadata["signature"])
		if err != nil || o.Metadata["signature-algorithm"] != "SHA256withRSA" {
			w.t.Errorf("the metadata %v, %v", o.Metadata, err)
		}
		if err := rsa.VerifyPKCS1v15(public, crypto.SHA256, hash[:], signature); err != nil {
			w.t.Errorf("the signature of %s: %v", d.DigestS3Object, err)
		}
		for _, l := range d.LogFiles {
			o := w.heap.objects[l.S3Bucket+"/"+l.S3Object]
			if o == nil {
				w.t.Fatalf("the log file %s is missing", l.S3Object)
			}
			if sum := sha256.Sum256(unzip(w.t, o.Body)); hex.EncodeToString(sum[:]) != l.HashValue || l.HashAlgorithm != "SHA-256" {
				w.t.Errorf("the hash of %s", l.S3Object)
			}
		}
		digests = append(digests, d)
	}
	slices.Reverse(digests)
	for i := range digests[1:] {
		if !digests[i+1].DigestStartTime.Equal(digests[i].DigestEndTime) {
			w.t.Errorf("a gap between digests: %s, %s", digests[i].DigestEndTime, digests[i+1].DigestStartTime)
		}
	}
	return digests
}

type digestFile struct {
	AWSAccountID                   string
	DigestStartTime, DigestEndTime time.Time
	DigestS3Bucket, DigestS3Object string
	DigestPublicKeyFingerprint     string
	NewestEventTime                *string
	OldestEventTime                *string
	PreviousDigestS3Bucket         *string
	PreviousDigestS3Object         *string
	PreviousDigestHashValue        *string
	PreviousDigestSignature        *string
	LogFiles                       []struct{ S3Bucket, S3Object, HashValue, HashAlgorithm, OldestEventTime, NewestEventTime string }
	WarderTrailHead                string
}

func TestDigests(t *testing.T) {
	w := newWorld(t)
	one := w.logging("1")
	w.put(one)
	w.tick()
	w.take(w.event("a"), eventAt("far", account, "eu-west-1", w.clock()))
	w.pass(5 * time.Minute)
	w.tick()
	w.pass(time.Hour)
	w.tick()
	w.pass(time.Hour) // an empty one
	w.tick()
	w.start() // and the chain goes on
	w.take(w.event("b"))
	w.pass(time.Hour)
	w.tick()
	w.send()
	digests := w.chainOf("us-east-1")
	if len(digests) != 3 {
		t.Fatalf("%d digests: %+v", len(digests), digests)
	}
	first := digests[0]
	if !first.DigestStartTime.Equal(began) || !first.DigestEndTime.Equal(time.Date(2026, 3, 4, 11, 0, 0, 0, time.UTC)) || len(first.LogFiles) != 1 ||
		*first.NewestEventTime != "2026-03-04T10:20:30Z" || first.LogFiles[0].OldestEventTime != "2026-03-04T10:20:30Z" || first.PreviousDigestHashValue != nil ||
		first.WarderTrailHead != "7:"+strings.Repeat("0", 64) || first.AWSAccountID != account {
		t.Errorf("the first digest is %+v", first)
	}
	if want := "AWSLogs/111122223333/CloudTrail-Digest/us-east-1/2026/03/04/111122223333_CloudTrail-Digest_us-east-1_main-1_us-east-1_20260304T110000Z.json.gz"; first.DigestS3Object != want {
		t.Errorf("the key is %s", first.DigestS3Object)
	}
	if empty := digests[1]; len(empty.LogFiles) != 0 || empty.NewestEventTime != nil || empty.PreviousDigestHashValue == nil {
		t.Errorf("the empty digest is %+v", empty)
	}
	if len(digests[2].LogFiles) != 1 {
		t.Errorf("the last digest is %+v", digests[2])
	}
	if far := w.chainOf("eu-west-1"); len(far) != 3 || len(far[0].LogFiles) != 1 {
		t.Errorf("the digests of the other region are %+v", far)
	}
	if s := w.Status("1"); !s.DigestDelivered.Equal(w.clock()) || s.DigestError != "" {
		t.Errorf("status %+v", s)
	}

	// Without validation the chain ends with its last files; a new one begins later.
	w.take(w.event("c"))
	one.Validation = false
	w.put(one)
	w.pass(time.Hour)
	w.take(w.event("unsigned"))
	w.tick()
	w.pass(time.Hour)
	w.tick()
	one.Validation = true
	w.put(one)
	w.tick()
	w.pass(time.Hour)
	w.tick()
	w.send()
	if keys := w.heap.keys("/CloudTrail-Digest/us-east-1/"); len(keys) != 5 {
		t.Errorf("%d digests: %q", len(keys), keys)
	}
	if last := w.chainOf("us-east-1"); len(last) != 1 || len(last[0].LogFiles) != 0 {
		t.Errorf("the new chain is %+v", last)
	}
	w.want("us-east-1", "a", "b", "c", "unsigned")
}

// tick does what the server does four times a second.
func (w *world) tick() { w.cutIfDue(w.t.Context()) }

// A server that was away makes one digest of the time, and goes on in the same chain.
func TestDigestAfterDowntime(t *testing.T) {
	w := newWorld(t)
	w.put(w.logging("1"))
	w.take(w.event("a"))
	w.pass(time.Hour)
	w.tick()
	w.pass(50 * time.Hour)
	w.start()
	w.tick()
	w.send()
	digests := w.chainOf("us-east-1")
	if len(digests) != 2 || digests[1].DigestEndTime.Sub(digests[1].DigestStartTime) != 50*time.Hour {
		t.Errorf("%+v", digests)
	}
}

// Keys are made anew in time; the old private half goes, the public one stays.
func TestKeys(t *testing.T) {
	w := newWorld(t)
	w.put(w.logging("1"))
	for range 5 {
		w.tick()
		w.pass(40 * 24 * time.Hour)
	}
	w.tick()
	w.send()
	if n := len(w.chainOf("us-east-1")); n != 5 {
		t.Errorf("%d digests", n)
	}
	if err := w.RetireKeys(t.Context()); err != nil {
		t.Fatal(err)
	}
	var private int
	keys := w.PublicKeys(began, w.clock())
	for _, k := range keys {
		if k.Private != nil {
			private++
		}
	}
	if len(keys) != 2 || private != 1 {
		t.Errorf("%d keys, %d private", len(keys), private)
	}
	if bytes.Contains(keys[1].Private, keys[1].Public) {
		t.Error("a private key is not sealed")
	}
	if early := w.PublicKeys(began.Add(-2*time.Hour), began.Add(-time.Hour)); len(early) != 0 {
		t.Errorf("keys of before the first: %+v", early)
	}
}

// However often the server is killed and the bucket is away, every event arrives,
// once.
func TestKills(t *testing.T) {
	w := newWorld(t)
	w.put(w.logging("1"))
	var all []*trail.Entry // the log
	var ids []string
	r := rand.New(rand.NewPCG(1, 2))
	w.take()
	w.flush()
	for range 300 {
		w.pass(time.Minute)
		switch n := r.IntN(10); {
		case n < 5:
			e := w.event(fmt.Sprint("e", len(all)))
			all, ids = append(all, e), append(ids, e.ID)
			w.take(e)
		case n < 6:
			w.heap.away = cmp.Or(map[bool]error{true: errors.New("away")}[w.heap.away == nil], error(nil))
		case n < 7:
			w.start()
			w.take(all[w.position:]...)
		default:
			w.tick()
			w.send()
		}
	}
	w.heap.away = nil
	w.flush()
	w.pass(2 * time.Hour)
	w.tick()
	w.send()
	w.want("", ids...)
	var files int
	for _, d := range w.chainOf("us-east-1") {
		files += len(d.LogFiles)
	}
	if n := len(w.heap.keys("/CloudTrail/")); files != n {
		t.Errorf("the digests name %d files of %d", files, n)
	}
}

// What is put again after it seemed to have failed is neither lost nor doubled.
func TestCutAgain(t *testing.T) {
	w := newWorld(t)
	w.put(w.logging("1"))
	w.take(w.event("a"))
	d := w.Delivery
	gathered, size, durable := maps.Clone(d.files), d.size, maps.Clone(d.durable)
	w.flush()
	d.files, d.size, d.durable, d.chains = gathered, size, durable, map[chainID]chain{} // as if the answer to it was an error
	w.flush()
	w.pass(time.Hour)
	w.tick()
	w.send()
	w.want("", "a")
	if digests := w.chainOf("us-east-1"); len(digests) != 1 || len(digests[0].LogFiles) != 1 {
		t.Errorf("%+v", digests)
	}
}

// Memory is bounded: files are cut early, and nothing is taken while that fails.
func TestMemory(t *testing.T) {
	w := newWorld(t)
	w.put(w.logging("1"))
	w.Memory = 500
	for i := range 100 {
		w.take(w.event(fmt.Sprint(i)))
		if w.size > w.Memory+200 {
			t.Fatalf("%d bytes in memory", w.size)
		}
	}
	w.outbox.Close()
	var err error
	var last int
	for i := 100; err == nil && i < 200; i++ {
		last = i
		err = w.Take(t.Context(), "log", w.position+1, []*trail.Entry{w.event(fmt.Sprint(i))})
		if err == nil {
			w.position++
		}
	}
	if err == nil || w.size > w.Memory+200 {
		t.Fatalf("a disk that takes nothing: %v, %d bytes in memory", err, w.size)
	}
	w.start()
	var ids []string
	for i := range last {
		ids = append(ids, fmt.Sprint(i))
	}
	for i := w.position; i < int64(last); i++ {
		w.take(w.event(fmt.Sprint(i)))
	}
	w.flush()
	w.send()
	w.want("", ids...)
}

func TestStatus(t *testing.T) {
	w := newWorld(t)
	one := w.logging("1")
	one.Topic = "told"
	w.put(one)
	var told []string
	w.notify = func(_ context.Context, t *state.Trail, bucket, key string) error {
		told = append(told, t.TopicARN()+" "+bucket+" "+key[:8])
		return map[int]error{2: errors.New("no")}[len(told)]
	}
	w.take(w.event("a"))
	w.flush()
	w.heap.away = ErrNoBucket
	w.send()
	if s := w.Status("1"); s.Error != "NoSuchBucket" || !s.Delivered.IsZero() || !s.Attempted.Equal(w.clock()) || len(told) > 0 {
		t.Errorf("away: %+v, %q", s, told)
	}
	w.start()
	if s := w.Status("1"); s.Error != "NoSuchBucket" {
		t.Errorf("after a restart: %+v", s)
	}
	w.heap.away = nil
	w.send()
	if s := w.Status("1"); s.Error != "" || !s.Delivered.Equal(w.clock()) || !s.Notified.Equal(w.clock()) || s.NotifyError != "" {
		t.Errorf("back: %+v", s)
	}
	if !slices.Equal(told, []string{"arn:aws:sns:us-east-1:111122223333:told logs AWSLogs/"}) {
		t.Errorf("told %q", told)
	}
	w.take(w.event("b"))
	w.flush()
	w.send()
	if s := w.Status("1"); s.Error != "" || s.NotifyError == "" {
		t.Errorf("a topic that takes nothing: %+v", s)
	}
	if waiting, err := w.outbox.Waiting(t.Context(), consumer, 10); err != nil || len(waiting) != 0 {
		t.Errorf("waiting: %v, %v", waiting, err)
	}
}

// The whole of it at work: what is cut is sent, also what was left when the server ended.
func TestRun(t *testing.T) {
	w := newWorld(t)
	w.put(w.logging("1"))
	w.take(w.event("a"))
	ctx, stop := context.WithCancel(t.Context())
	stop()
	w.Run(ctx) // ends at once, and cuts
	ctx, stop = context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { w.Run(ctx); close(done) }()
	for len(w.heap.keys("/CloudTrail/")) < 1 {
		time.Sleep(time.Millisecond)
	}
	stop()
	<-done
	w.want("", "a")
}

// A source that begins now begins there after a restart, too.
func TestFromNow(t *testing.T) {
	w := newWorld(t)
	if err := w.Take(t.Context(), "new", 50, nil); err != nil {
		t.Fatal(err)
	}
	w.start()
	if at, known, err := w.Position(t.Context(), "new"); at != 50 || !known || err != nil {
		t.Errorf("position %d, %v, %v", at, known, err)
	}
}
