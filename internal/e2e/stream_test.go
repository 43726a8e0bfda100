package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/warder-iam/warder/internal/wardertest"
)

// collected is what a receiver has, by the users that events say were made.
type collected struct {
	mu    sync.Mutex
	names map[string]bool
}

func (c *collected) add(record string) error {
	var e struct {
		EventName, ErrorCode string
		RequestParameters    struct{ UserName string }
	}
	if err := json.Unmarshal([]byte(record), &e); err != nil {
		return fmt.Errorf("%q: %w", record, err)
	}
	if e.EventName == "CreateUser" && e.ErrorCode == "" {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.names[e.RequestParameters.UserName] = true
	}
	return nil
}

// syslogReceiver is a receiver over TCP that can go away. What it was sent it reads
// to the end first: what a receiver loses is not the sender's to give.
func (c *collected) syslogReceiver(t *testing.T, address string) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				b := bufio.NewReader(conn)
				for {
					length, err := b.ReadString(' ')
					if err != nil {
						return
					}
					n, err := strconv.Atoi(strings.TrimSuffix(length, " "))
					if err != nil {
						t.Errorf("the frame begins with %q", length)
						return
					}
					text := make([]byte, n)
					if _, err := io.ReadFull(b, text); err != nil {
						return
					}
					_, record, _ := strings.Cut(string(text), "\ufeff")
					if err := c.add(record); err != nil {
						t.Error(err)
					}
				}
			}()
		}
	}()
	return l
}

// A server that is killed again and again, and whose receiver is away half of the
// time, sends the event of every change that was acknowledged.
func TestStreamKill(t *testing.T) {
	t.Parallel()
	data := dataFolder(t)
	byNet := &collected{names: map[string]bool{}}
	l := byNet.syslogReceiver(t, "127.0.0.1:0")
	address, file := l.Addr().String(), filepath.Join(data, "events.jsonl")
	flags := []string{"--data", data, "--trail", filepath.Join(data, "trail"), "--stream", "file:" + file, "--stream", "syslog:tcp://" + address}
	s := serve(t, append(flags, administrator...)...)
	var mu sync.Mutex
	var acknowledged []string
	for n := range 4 {
		ctx, stop := context.WithCancel(t.Context())
		var working sync.WaitGroup
		for w := range 8 {
			working.Go(func() {
				for i := 0; ctx.Err() == nil; i++ {
					name := fmt.Sprintf("u-%d-%d-%d", n, w, i)
					if _, err := s.iam(adminKey).CreateUser(ctx, createUser(name)); err != nil {
						return
					}
					mu.Lock()
					acknowledged = append(acknowledged, name)
					mu.Unlock()
				}
			})
		}
		time.Sleep(time.Duration(100+rand.IntN(200)) * time.Millisecond)
		s.kill()
		stop()
		working.Wait()
		if n%2 == 0 {
			_ = l.Close()
		} else {
			l = byNet.syslogReceiver(t, address)
		}
		s = serve(t, flags...)
	}
	t.Cleanup(func() { _ = l.Close() })
	if len(acknowledged) == 0 {
		t.Fatal("nothing was acknowledged")
	}
	missing := func(c *collected) (names []string) {
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, name := range acknowledged {
			if !c.names[name] {
				names = append(names, name)
			}
		}
		return names
	}
	inFile := func() *collected {
		c := &collected{names: map[string]bool{}}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			// A kill may tear the last line of its time; the next stands on its own.
			if err := c.add(line); err != nil && strings.HasSuffix(line, "}\n") {
				t.Error(err)
			}
		}
		return c
	}
	for deadline := time.Now().Add(time.Minute); len(missing(byNet)) > 0 || len(missing(inFile())) > 0; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("of %d acknowledged changes, %v have not come by syslog, and %v are not in the file", len(acknowledged), missing(byNet), missing(inFile()))
		}
	}
	t.Logf("%d acknowledged changes were sent", len(acknowledged))
}

// Standard output has events and nothing else; a reader that goes away does not end
// the server.
func TestStreamStdout(t *testing.T) {
	t.Parallel()
	data := dataFolder(t)
	flags := append([]string{"--data", data, "--trail", filepath.Join(data, "trail"), "--stream", "stdout?format=ocsf"}, administrator...)
	s := serve(t, flags...)
	if _, err := s.iam(adminKey).CreateUser(t.Context(), createUser("ann")); err != nil {
		t.Fatal(err)
	}
	_, err := s.iam(wardertest.Credentials{AccessKeyID: adminKeyID, SecretAccessKey: "wrong"}).CreateUser(t.Context(), createUser("bob"))
	wardertest.WantCode(t, err, "SignatureDoesNotMatch")
	for line := range strings.Lines(s.stdout.wait(t, `"type_uid":300101`)) {
		var e struct {
			Type int `json:"type_uid"`
			User struct{ Name string }
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil || e.Type != 300101 || e.User.Name != "ann" {
			t.Errorf("%q, %v", line, err)
		}
	}
}

// What cannot be right is said at the start.
func TestStreamRefused(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(dataFolder(t), "trail")
	for text, flags := range map[string][]string{
		"there is none":                          {"--trail", "none", "--stream", "stdout"},
		"not of the form stdout":                 {"--trail", folder, "--stream", "kafka:x"},
		"there is another one to the same place": {"--trail", folder, "--stream", "stdout", "--stream", "stdout?format=ocsf"},
		"is not a regular file":                  {"--trail", folder, "--stream", "file:/"},
	} {
		if _, err := tryServe(t, append([]string{"--store", "memory"}, flags...)...); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%q: %v, want %q", flags, err, text)
		}
	}
}
