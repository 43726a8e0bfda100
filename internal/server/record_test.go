package server_test

import (
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/warder-iam/warder/internal/daemon"
	"github.com/warder-iam/warder/internal/wardertest"
	"github.com/warder-iam/warder/sigv4"
)

// lines hands on the lines of a log that are about an operation.
type lines struct {
	about string
	found chan string
}

func (l lines) Write(p []byte) (int, error) {
	if text := string(p); strings.Contains(text, l.about) {
		l.found <- text
	}
	return len(p), nil
}

// The record of a request to a fixed path names its caller, as every other does.
func TestRecordOfFixedPath(t *testing.T) {
	log := lines{"operation=/access/v1/evaluation", make(chan string, 1)}
	s := wardertest.StartConfig(t, daemon.Config{
		Store: "memory", Log: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	body := `{"subject":{"type":"user","id":"administrator"},"action":{"name":"s3:GetObject"},"resource":{"type":"s3","id":"*"}}`
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/access/v1/evaluation", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	credentials := sigv4.Credentials{AccessKeyID: s.Admin.AccessKeyID, SecretAccessKey: s.Admin.SecretAccessKey}
	if err := sigv4.Sign(r, []byte(body), credentials, "us-east-1", "warder", s.Clock.Now()); err != nil {
		t.Fatal(err)
	}
	if err := wardertest.Do(r); err != nil {
		t.Fatal(err)
	}
	line := <-log.found
	for _, want := range []string{
		"service=warder", "status=200", "source=127.0.0.1", "key=" + s.Admin.AccessKeyID,
		"caller=arn:aws:iam::" + wardertest.Account + ":user/administrator",
	} {
		if !strings.Contains(line, want) {
			t.Errorf("%s is not in the line: %s", want, line)
		}
	}
}
