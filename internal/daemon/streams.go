package daemon

import (
	"errors"
	"os"

	"github.com/warder-iam/warder/internal/audit/stream"
)

// headersVariable names the environment variable that OpenTelemetry gives the
// headers for receivers in, such as tokens
// (https://opentelemetry.io/docs/specs/otel/protocol/exporter/).
const headersVariable = "OTEL_EXPORTER_OTLP_HEADERS"

// parseStreams reads the targets of the configuration.
func (c *Config) parseStreams() (err error) {
	if c.streams, err = stream.Parse(c.Streams); err != nil {
		return err
	}
	if len(c.streams) > 0 && c.Trail == "" {
		return errors.New("a stream sends the events of the audit trail, and there is none: start without --trail none")
	}
	headers, err := stream.ParseHeaders(os.Getenv(headersVariable))
	if err != nil {
		return err
	}
	for i := range c.streams {
		c.streams[i].Headers = headers // used by OTLP alone
	}
	return nil
}

// addStreams adds the streams to the feed.
func (t *auditTrail) addStreams(targets []stream.Target) error {
	for _, target := range targets {
		s, err := stream.Open(target, t.outbox, t.out)
		if err != nil {
			return err
		}
		t.streams = append(t.streams, s)
		t.feed.Add(s, stream.Feed)
	}
	return nil
}
