package server

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/warder-iam/warder/internal/audit"
	"github.com/warder-iam/warder/internal/awserr"
)

// Record is what is remembered of one request. It is filled on the way through
// the pipeline and emitted once, whatever came of the request. What is
// logged of it holds no secret and no input.
type Record struct {
	RequestID string
	Time      time.Time
	Method    string
	Service   string // "" if the request did not get as far
	Operation string
	Caller    string // ARN; "" if not authenticated
	KeyID     string
	SourceIP  netip.Addr
	UserAgent string
	Status    int
	Error     *awserr.Error // nil for a success

	audit *audit.Request // nil if no trail is kept
}

// recordKey is the key of a request's record in its context, for Server.Caller.
type recordKey struct{}

// emit writes the record as one log line: failures of Warder's own as errors,
// the rest at debug level, where it costs nothing unless asked for.
func (s *Server) emit(rec *Record) {
	level := slog.LevelDebug
	if rec.Status >= http.StatusInternalServerError && rec.Status != http.StatusNotImplemented {
		level = slog.LevelError
	}
	if !s.Log.Enabled(context.Background(), level) {
		return
	}
	attrs := []slog.Attr{
		slog.String("request", rec.RequestID), slog.String("service", rec.Service), slog.String("operation", rec.Operation),
		slog.Int("status", rec.Status), slog.String("caller", rec.Caller), slog.String("key", rec.KeyID),
		slog.String("source", rec.SourceIP.String()), slog.Duration("took", s.Now().Sub(rec.Time)),
	}
	if rec.Error != nil {
		attrs = append(attrs, slog.String("code", rec.Error.Code))
		if rec.Error.Cause != nil {
			attrs = append(attrs, slog.String("cause", rec.Error.Cause.Error()))
		}
	}
	s.Log.LogAttrs(context.Background(), level, "request", attrs...)
}

// statusWriter notes the status that a handler writes.
type statusWriter struct {
	http.ResponseWriter
	rec *Record
}

// WriteHeader implements http.ResponseWriter.
func (w *statusWriter) WriteHeader(status int) {
	w.rec.Status = status
	w.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (w *statusWriter) Write(b []byte) (int, error) {
	if w.rec.Status == 0 {
		w.rec.Status = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}
