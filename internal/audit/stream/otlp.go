package stream

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	collector "go.opentelemetry.io/proto/slim/otlp/collector/logs/v1"
	"google.golang.org/protobuf/proto"

	"github.com/warder-iam/warder/internal/audit/outbox"
)

// otlp sends log records to an OpenTelemetry collector: OTLP over HTTP with binary
// protobuf, which every receiver has
// (https://opentelemetry.io/docs/specs/otlp/#otlphttp).
type otlp struct {
	target *Target
	out    *slog.Logger
	client *http.Client
}

func newOTLP(t *Target, out *slog.Logger) (*otlp, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	var err error
	if transport.TLSClientConfig, err = t.tls(); err != nil {
		return nil, err
	}
	return &otlp{t, out, &http.Client{
		Transport: transport, Timeout: sendTimeout,
		// The headers may hold a token, which is for the receiver and nobody else.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// ParseHeaders reads headers as OTEL_EXPORTER_OTLP_HEADERS has them: a list of
// key=value, values being percent-encoded
// (https://opentelemetry.io/docs/specs/otel/protocol/exporter/#specifying-headers-via-environment-variables).
func ParseHeaders(text string) (map[string]string, error) {
	headers := map[string]string{}
	for item := range strings.SplitSeq(text, ",") {
		if strings.TrimSpace(item) == "" {
			continue
		}
		key, value, ok := strings.Cut(item, "=")
		key = strings.TrimSpace(key)
		// No error shows a value: they are secrets.
		decoded, err := url.PathUnescape(strings.TrimSpace(value))
		if !ok || err != nil || !printable(key, 256) || strings.ContainsAny(key, ":\"(),/;<=>?@[\\]{}") || strings.ContainsAny(decoded, "\r\n\x00") {
			return nil, errors.New("the headers for OTLP are not of the form key=value,key=value")
		}
		headers[key] = decoded
	}
	return headers, nil
}

// maxRequest is how large a request may be, before it is compressed: receivers take
// a few megabytes at least.
const maxRequest = 2 << 20

func (o *otlp) send(ctx context.Context, messages []message) error {
	for len(messages) > 0 {
		n, size := 0, 0
		for n < len(messages) && (n == 0 || size+len(messages[n].text) <= maxRequest) {
			size += len(messages[n].text)
			n++
		}
		if err := o.post(ctx, messages[:n]); err != nil {
			return err
		}
		messages = messages[n:]
	}
	return nil
}

// post sends one request. A receiver may find events that it will never take
// (https://opentelemetry.io/docs/specs/otlp/#failures-1): that is told in the
// server's log, and not tried for ever. What is wrong with the way to the receiver,
// its address or a token, is tried until it is put right.
func (o *otlp) post(ctx context.Context, messages []message) error {
	status, header, answer, err := o.request(ctx, messages)
	switch {
	case err != nil:
		return err
	case status == http.StatusOK:
		o.partial(answer, messages)
		return nil
	case status == http.StatusBadRequest, status == http.StatusRequestEntityTooLarge, status == http.StatusUnprocessableEntity:
		if half := len(messages) / 2; half > 0 {
			if err := o.post(ctx, messages[:half]); err != nil {
				return err
			}
			return o.post(ctx, messages[half:])
		}
		o.out.Error("an event was refused by the stream's receiver and is left out", "event", messages[0].EventID, "status", status)
		return nil
	}
	err = fmt.Errorf("the receiver answers %d %s", status, http.StatusText(status))
	if seconds, bad := strconv.Atoi(header.Get("Retry-After")); bad == nil && seconds > 0 {
		return &outbox.Later{Err: err, After: time.Duration(min(seconds, 3600)) * time.Second}
	}
	return err
}

func (o *otlp) request(ctx context.Context, messages []message) (status int, header http.Header, answer []byte, err error) {
	text, err := proto.Marshal(logsOf(messages, time.Now()))
	if err != nil {
		return 0, nil, nil, err
	}
	var body bytes.Buffer
	z := gzip.NewWriter(&body)
	if _, err := z.Write(text); err != nil {
		return 0, nil, nil, err
	}
	if err := z.Close(); err != nil {
		return 0, nil, nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, o.target.Address, &body)
	if err != nil {
		return 0, nil, nil, err
	}
	for key, value := range o.target.Headers {
		r.Header.Set(key, value)
	}
	r.Header.Set("Content-Type", "application/x-protobuf")
	r.Header.Set("Content-Encoding", "gzip")
	r.Header.Set("User-Agent", "warder")
	resp, err := o.client.Do(r)
	if err != nil {
		return 0, nil, nil, err
	}
	defer resp.Body.Close()
	answer, err = io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	return resp.StatusCode, resp.Header, answer, err
}

// partial tells of what a receiver has taken but for some
// (https://opentelemetry.io/docs/specs/otlp/#partial-success-1).
func (o *otlp) partial(answer []byte, messages []message) {
	var r collector.ExportLogsServiceResponse
	if err := proto.Unmarshal(answer, &r); err != nil {
		return // it has answered that it has them
	}
	if p := r.GetPartialSuccess(); p.GetRejectedLogRecords() > 0 || p.GetErrorMessage() != "" {
		o.out.Error("the stream's receiver has a complaint about events", "refused", p.GetRejectedLogRecords(), "message", p.GetErrorMessage(),
			"first", messages[0].EventID, "events", len(messages))
	}
}

func (o *otlp) close() error {
	o.client.CloseIdleConnections()
	return nil
}
