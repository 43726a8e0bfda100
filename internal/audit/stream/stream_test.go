package stream

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/slim/otlp/collector/logs/v1"
	common "go.opentelemetry.io/proto/slim/otlp/common/v1"
	logs "go.opentelemetry.io/proto/slim/otlp/logs/v1"
	"google.golang.org/protobuf/proto"

	"github.com/warder-iam/warder/internal/audit/outbox"
	"github.com/warder-iam/warder/internal/audit/trail"
)

// world is a stream and the outbox that has its positions.
type world struct {
	t      *testing.T
	outbox *outbox.Outbox
	log    *lockedBuffer
	*Stream
	position int64
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func newWorld(t *testing.T, target string) *world {
	t.Helper()
	box, err := outbox.Open("")
	if err != nil {
		t.Fatal(err)
	}
	targets, err := Parse([]string{target})
	if err != nil {
		t.Fatal(err)
	}
	targets[0].Headers = map[string]string{"authorization": "Bearer token"}
	w := &world{t: t, outbox: box, log: new(lockedBuffer)}
	if w.Stream, err = Open(targets[0], box, slog.New(slog.NewTextHandler(w.log, nil))); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(w.Close(), box.Close()); err != nil {
			t.Error(err)
		}
	})
	return w
}

func event(id, code string) *trail.Entry {
	return &trail.Entry{
		ID: id, Name: "DeleteRole", Source: "iam.amazonaws.com", Account: "111122223333", Time: time.Date(2026, 7, 1, 13, 4, 5, 6000, time.UTC),
		JSON: []byte(`{"eventVersion":"1.11","userIdentity":{"type":"IAMUser","userName":"änn"},"eventID":"` + id + `","errorCode":"` + code + `","recipientAccountId":"111122223333"}`),
	}
}

func (w *world) take(ctx context.Context, entries ...*trail.Entry) error {
	w.t.Helper()
	w.position++
	return w.Take(ctx, "s", w.position, entries)
}

func (w *world) must(entries ...*trail.Entry) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Minute)
	defer cancel()
	if err := w.take(ctx, entries...); err != nil {
		w.t.Fatal(err)
	}
	if at, known, err := w.Position(ctx, "s"); err != nil || !known || at != w.position {
		w.t.Fatalf("the position is %d, %t, %v, want %d", at, known, err, w.position)
	}
}

// waits says that a batch is not taken while ctx lasts, and no position moves.
func (w *world) waits(entries ...*trail.Entry) {
	w.t.Helper()
	ctx, cancel := context.WithCancel(w.t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- w.take(ctx, entries...) }()
	for !strings.Contains(w.log.String(), "they wait") {
		select {
		case err := <-done:
			w.t.Fatalf("the batch was taken: %v", err)
		case <-time.After(time.Millisecond):
		}
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		w.t.Errorf("%v", err)
	}
	w.position--
	if at, _, err := w.Position(w.t.Context(), "s"); err != nil || at != w.position {
		w.t.Errorf("the position is %d, %v, want %d", at, err, w.position)
	}
}

func TestFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events.jsonl")
	w := newWorld(t, "file:"+path+"?events=management")
	data := event("data", "")
	data.Category = trail.Data
	w.must(event("1", ""), data, event("2", ""))
	w.must() // a position of nothing
	read := func(want ...string) {
		t.Helper()
		text, err := os.ReadFile(path)
		if err != nil || string(text) != strings.Join(want, "\n")+"\n" {
			t.Errorf("%q, %v, want %q", text, err, want)
		}
	}
	read(string(event("1", "").JSON), string(event("2", "").JSON))
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	// Rotated: a new one. Torn: a line of its own.
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	w.must(event("3", ""))
	read(string(event("3", "").JSON))
	if err := os.WriteFile(path, []byte(`{"torn`), 0o600); err != nil {
		t.Fatal(err)
	}
	w.must(event("4", ""))
	read(`{"torn`, string(event("4", "").JSON))
	// Not there for a while.
	if err := os.RemoveAll(filepath.Dir(path)); err != nil {
		t.Fatal(err)
	}
	w.waits(event("5", ""))
	if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	w.must(event("5", ""))
	read(string(event("5", "").JSON))
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	notPEM := filepath.Join(dir, "ca.pem")
	if err := os.WriteFile(notPEM, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		"file:" + dir, "file:" + dir + "/no/such", "file:/dev/null",
		"syslog:tls://127.0.0.1:1?ca=" + notPEM, "otlp:https://127.0.0.1:1?ca=" + notPEM + ".no", "syslog:tls://127.0.0.1:1?cert=" + notPEM + "&key=" + notPEM,
	} {
		targets, err := Parse([]string{text})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Open(targets[0], nil, slog.New(slog.DiscardHandler)); err == nil {
			t.Errorf("%s is opened", text)
		}
	}
}

// A reader that does not read holds a stream up, and not the end of the server.
func TestPipe(t *testing.T) {
	r, w := io.Pipe()
	p := &pipe{w}
	done := make(chan error)
	ctx, cancel := context.WithCancel(t.Context())
	target := Target{}
	go func() { done <- p.send(ctx, []message{target.message(event("1", "")), target.message(event("2", ""))}) }()
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	go func() { done <- p.send(t.Context(), []message{target.message(event("3", ""))}) }()
	lines := bufio.NewScanner(r)
	for n := 0; n < 3 && lines.Scan(); n++ {
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	_ = r.Close()
	if err := p.send(t.Context(), []message{target.message(event("4", ""))}); err == nil {
		t.Error("nobody reads, and that is no error")
	}
}

// receiver is a syslog receiver over streams. It can go away and come back.
type receiver struct {
	t        *testing.T
	listener net.Listener
	got      chan string
	conns    chan net.Conn
}

func receive(t *testing.T, network, address string, config *tls.Config, framed bool) *receiver {
	t.Helper()
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	r := &receiver{t, l, make(chan string, 1000), make(chan net.Conn, 100)}
	if config != nil {
		l = tls.NewListener(l, config)
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			r.conns <- c
			go r.read(c, framed)
		}
	}()
	t.Cleanup(r.away)
	return r
}

func (r *receiver) read(c net.Conn, framed bool) {
	b := bufio.NewReader(c)
	for {
		if !framed {
			line, err := b.ReadString('\n')
			if err != nil {
				return
			}
			r.got <- strings.TrimSuffix(line, "\n")
			continue
		}
		length, err := b.ReadString(' ')
		if err != nil {
			return
		}
		n, err := strconv.Atoi(strings.TrimSuffix(length, " "))
		text := make([]byte, n)
		if _, e := io.ReadFull(b, text); err != nil || e != nil {
			return
		}
		r.got <- string(text)
	}
}

// away ends the receiver and its connections.
func (r *receiver) away() {
	_ = r.listener.Close()
	for len(r.conns) > 0 {
		_ = (<-r.conns).Close()
	}
}

// ids reads messages until it has those of the events, and fails on others but
// repetitions.
func ids(t *testing.T, got chan string, want ...string) (messages []string) {
	t.Helper()
	timeout := time.After(time.Minute)
	for len(want) > 0 {
		select {
		case m := <-got:
			messages = append(messages, m)
			if strings.Contains(m, `"eventID":"`+want[0]+`"`) {
				want = want[1:]
			}
		case <-timeout:
			t.Fatalf("%q did not come, but %q", want, messages)
		}
	}
	return messages
}

func TestSyslogTCP(t *testing.T) {
	r := receive(t, "tcp", "127.0.0.1:0", nil, true)
	address := r.listener.Addr().String()
	w := newWorld(t, "syslog:tcp://"+address)
	w.must(event("1", ""), event("2", "NoSuchEntityException"), event("3", "AccessDenied"))
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range ids(t, r.got, "1", "2", "3") {
		e := event(strconv.Itoa(i+1), []string{"", "NoSuchEntityException", "AccessDenied"}[i])
		if want := fmt.Sprintf("<%d>1 2026-07-01T13:04:05.000006Z %s warder %d cloudtrail - \ufeff%s", []int{86, 85, 84}[i], host, os.Getpid(), e.JSON); m != want {
			t.Errorf("got  %q\nwant %q", m, want)
		}
	}
	// Away, and back.
	r.away()
	w.waits(event("4", ""))
	r = receive(t, "tcp", address, nil, true)
	w.must(event("4", ""), event("5", ""))
	ids(t, r.got, "4", "5")
}

// A server that ends while a receiver takes its time ends, and the batch is sent
// again later.
func TestSyslogEnds(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0") // accepts, and reads nothing
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	w := newWorld(t, "syslog:tcp://"+l.Addr().String())
	for range 5 {
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		large := event("1", "")
		large.JSON = append(large.JSON[:len(large.JSON)-1], []byte(`,"requestParameters":"`+strings.Repeat("x", 4<<20)+`"}`)...)
		go func() { done <- w.take(ctx, large) }()
		conn, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		_ = conn.Close()
		w.position--
	}
}

// certificate is a certificate of 127.0.0.1 that vouches for itself, in a file too.
func certificate(t *testing.T) (tls.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, path
}

func TestSyslogTLS(t *testing.T) {
	cert, ca := certificate(t)
	r := receive(t, "tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert}}, true)
	w := newWorld(t, "syslog:tls://"+r.listener.Addr().String()+"?format=ocsf&ca="+ca)
	w.must(event("1", "AccessDenied"))
	select {
	case m := <-r.got:
		if !strings.HasPrefix(m, "<84>1 ") || !strings.Contains(m, " ocsf - \ufeff{\"class_uid\":3001") {
			t.Errorf("%q", m)
		}
	case <-time.After(time.Minute):
		t.Fatal("nothing came")
	}
	// One that nobody vouches for gets nothing.
	newWorld(t, "syslog:tls://"+r.listener.Addr().String()).waits(event("2", ""))
}

func TestSyslogUDP(t *testing.T) {
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := c.LocalAddr().String()
	got := datagrams(t, c)
	w := newWorld(t, "syslog:udp://"+address)
	large := event("2", "")
	large.JSON = append(large.JSON[:len(large.JSON)-1], []byte(`,"requestParameters":"`+strings.Repeat("x", 100000)+`"}`)...)
	w.must(event("1", ""), large)
	if m := ids(t, got, "1", "2"); !strings.HasPrefix(m[0], "<86>1 ") || len(m[1]) != maxDatagram {
		t.Errorf("%q and %d bytes", m[0], len(m[1]))
	}
	if !strings.Contains(w.log.String(), "was cut") {
		t.Errorf("%s", w.log)
	}
	// Nobody there, which the machine says by ICMP.
	_ = c.Close()
	w.waits(event("3", ""))
	if c, err = net.ListenPacket("udp", address); err != nil {
		t.Fatal(err)
	}
	got = datagrams(t, c)
	w.must(event("3", ""))
	ids(t, got, "3")
}

func datagrams(t *testing.T, c net.PacketConn) chan string {
	t.Cleanup(func() { _ = c.Close() })
	got := make(chan string, 100)
	go func() {
		b := make([]byte, 1<<17)
		for {
			n, _, err := c.ReadFrom(b)
			if err != nil {
				return
			}
			got <- string(b[:n])
		}
	}()
	return got
}

func TestSyslogUnix(t *testing.T) {
	dir, err := os.MkdirTemp("", "w") // paths of sockets are short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	path := filepath.Join(dir, "log")
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, "syslog:unix:"+path)
	got := datagrams(t, c)
	w.must(event("1", ""))
	want := "<86>" + event("", "").Time.Local().Format(time.Stamp) + fmt.Sprintf(" warder[%d]: {", os.Getpid())
	if m := ids(t, got, "1"); !strings.HasPrefix(m[0], want) {
		t.Errorf("%q, want %q", m, want)
	}
	_ = c.Close()
	_ = os.Remove(path)
	w.waits(event("2", ""))
	r := receive(t, "unix", path, nil, false)
	w.must(event("2", ""), event("3", ""))
	if m := ids(t, r.got, "2", "3"); !strings.HasPrefix(m[0], want) {
		t.Errorf("%q, want %q", m, want)
	}
}

// collectorOf is an OpenTelemetry receiver that answers as it is told.
type collectorOf struct {
	mu      sync.Mutex
	records []*logs.LogRecord
	request *http.Request
	last    *collector.ExportLogsServiceRequest
	answer  func(*collector.ExportLogsServiceRequest) (status int, answer *collector.ExportLogsServiceResponse)
}

func (c *collectorOf) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.request = r.Clone(context.Background())
	request := new(collector.ExportLogsServiceRequest)
	z, err := gzip.NewReader(r.Body)
	if err != nil {
		w.WriteHeader(http.StatusUnsupportedMediaType)
		return
	}
	text, err := io.ReadAll(z)
	if err != nil || proto.Unmarshal(text, request) != nil {
		w.WriteHeader(http.StatusUnsupportedMediaType)
		return
	}
	c.last = request
	status, answer := http.StatusOK, new(collector.ExportLogsServiceResponse)
	if c.answer != nil {
		status, answer = c.answer(request)
	}
	if status == http.StatusOK {
		for _, l := range request.ResourceLogs {
			c.records = append(c.records, l.ScopeLogs[0].LogRecords...)
		}
	}
	body, _ := proto.Marshal(answer)
	w.Header().Set("Location", "/elsewhere")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

func (c *collectorOf) answers(f func(*collector.ExportLogsServiceRequest) (int, *collector.ExportLogsServiceResponse)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answer = f
}

func value(a []*common.KeyValue, key string) string {
	for _, kv := range a {
		if kv.Key == key {
			if b, ok := kv.Value.Value.(*common.AnyValue_BoolValue); ok {
				return strconv.FormatBool(b.BoolValue)
			}
			return kv.Value.GetStringValue()
		}
	}
	return ""
}

func (c *collectorOf) ids() (all []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range c.records {
		all = append(all, value(r.Attributes, "aws.cloudtrail.event_id"))
	}
	return all
}

func TestOTLP(t *testing.T) {
	c := new(collectorOf)
	s := httptest.NewServer(c)
	defer s.Close()
	w := newWorld(t, "otlp:"+s.URL)
	denied := examples(t)["denied.json"]
	elsewhere := event("2", "")
	elsewhere.JSON = bytes.ReplaceAll(elsewhere.JSON, []byte("111122223333"), []byte("444455556666"))
	w.must(denied, elsewhere)
	if h := c.request.Header; c.request.URL.Path != "/v1/logs" || h.Get("Content-Type") != "application/x-protobuf" || h.Get("Authorization") != "Bearer token" {
		t.Errorf("%s, %v", c.request.URL, h)
	}
	if len(c.last.ResourceLogs) != 2 {
		t.Fatalf("%d resources", len(c.last.ResourceLogs))
	}
	for key, want := range map[string]string{"service.name": "warder", "cloud.provider": "aws", "cloud.account.id": "111122223333", "cloud.region": "us-east-1"} {
		if got := value(c.last.ResourceLogs[0].Resource.Attributes, key); got != want {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
	r := c.records[0]
	if r.TimeUnixNano != uint64(denied.Time.UnixNano()) || r.SeverityNumber != logs.SeverityNumber_SEVERITY_NUMBER_WARN || r.Body.GetStringValue() != string(denied.JSON) {
		t.Errorf("%v", r)
	}
	for key, want := range map[string]string{
		"rpc.system": "AwsApiCall", "rpc.service": "iam.amazonaws.com", "rpc.method": "DeleteRole", "aws.request_id": "11111111-2222-3333-4444-555555555555",
		"aws.event.category": "Management", "aws.event.read_only": "false", "aws.event.management": "true", "client.address": "192.0.2.101",
		"user_agent.original": "aws-cli/2.0", "user.name": "ann", "user.id": "AIDAANN", "aws.principal.arn": "arn:aws:iam::111122223333:user/div/ann",
		"aws.access_key.id": "AKIAANN", "error.type": "AccessDenied", "aws.error.code": "AccessDenied", "tls.protocol.version": "1.3", "aws.shared_event_id": "",
	} {
		if got := value(r.Attributes, key); got != want {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
}

// What a receiver cannot take now is tried again; what it never takes is told of and
// holds up nothing.
func TestOTLPRefusals(t *testing.T) {
	for _, status := range []int{401, 403, 404, 429, 500, 503, 307} {
		c := new(collectorOf)
		s := httptest.NewServer(c)
		c.answers(func(*collector.ExportLogsServiceRequest) (int, *collector.ExportLogsServiceResponse) {
			return status, nil
		})
		w := newWorld(t, "otlp:"+s.URL)
		w.waits(event("1", ""))
		if !strings.Contains(w.log.String(), strconv.Itoa(status)) || strings.Contains(w.log.String(), "token") || c.request.URL.Path != "/v1/logs" {
			t.Errorf("%d: %s", status, w.log)
		}
		c.answers(nil)
		w.must(event("1", ""), event("2", ""))
		if got := c.ids(); !slices.Equal(got, []string{"1", "2"}) {
			t.Errorf("%d: %q", status, got)
		}
		s.Close()
	}
	c := new(collectorOf)
	s := httptest.NewServer(c)
	defer s.Close()
	w := newWorld(t, "otlp:"+s.URL)
	c.answers(func(r *collector.ExportLogsServiceRequest) (int, *collector.ExportLogsServiceResponse) {
		for _, record := range r.ResourceLogs[0].ScopeLogs[0].LogRecords {
			if value(record.Attributes, "aws.cloudtrail.event_id") == "bad" {
				return 400, nil
			}
		}
		return 200, new(collector.ExportLogsServiceResponse)
	})
	w.must(event("1", ""), event("2", ""), event("bad", ""), event("3", ""))
	if got := c.ids(); !slices.Equal(got, []string{"1", "2", "3"}) || !strings.Contains(w.log.String(), "event=bad") {
		t.Errorf("%q, %s", got, w.log)
	}
	c.answers(func(*collector.ExportLogsServiceRequest) (int, *collector.ExportLogsServiceResponse) {
		return 200, &collector.ExportLogsServiceResponse{PartialSuccess: &collector.ExportLogsPartialSuccess{RejectedLogRecords: 1, ErrorMessage: "too old"}}
	})
	w.must(event("4", ""))
	if !strings.Contains(w.log.String(), "too old") {
		t.Errorf("%s", w.log)
	}
}

func TestOTLPTLSAndSize(t *testing.T) {
	cert, ca := certificate(t)
	c := new(collectorOf)
	s := httptest.NewUnstartedServer(c)
	s.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
	s.StartTLS()
	defer s.Close()
	requests := 0
	c.answers(func(*collector.ExportLogsServiceRequest) (int, *collector.ExportLogsServiceResponse) {
		requests++
		return 200, new(collector.ExportLogsServiceResponse)
	})
	w := newWorld(t, "otlp:"+s.URL+"?ca="+ca)
	var large []*trail.Entry
	for i := range 5 {
		e := event(strconv.Itoa(i), "")
		e.JSON = append(e.JSON[:len(e.JSON)-1], []byte(`,"requestParameters":"`+strings.Repeat("x", 1<<20-1000)+`"}`)...)
		large = append(large, e)
	}
	w.must(large...)
	if got := c.ids(); !slices.Equal(got, []string{"0", "1", "2", "3", "4"}) || requests != 3 {
		t.Errorf("%q in %d requests", got, requests)
	}
	newWorld(t, "otlp:"+s.URL).waits(event("1", ""))
}
