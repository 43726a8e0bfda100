package signin

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"time"

	"github.com/warder-iam/warder/internal/awserr"
)

// Path is where a Request is posted as JSON. The answer is a Session or a Refusal.
const Path = "/signin"

const maxBody = 16 << 10

// failedAfter is when the answer to who is not known comes, however soon that is clear:
// what it takes to look up a user, to count a guess and to hash is well below.
const failedAfter = 250 * time.Millisecond

var pages = http.NewCrossOriginProtection()

// ServeHTTP implements http.Handler.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	w.Header().Set("Cache-Control", "no-store")
	in, err := s.read(w, r)
	var session *Session
	if err == nil {
		q, begun := s.Unsigned(r)
		session, err = s.SignIn(r.Context(), q, begun, in)
	}
	if err == nil {
		reply(w, http.StatusOK, session)
		return
	}
	refusal, ok := errors.AsType[*Refusal](err)
	if !ok {
		s.Log.Error("a sign-in came to no end", "error", err)
		e := awserr.Internal(nil)
		refusal = &Refusal{Code: e.Code, Message: e.Message}
	}
	if refusal.Code == CodeFailed {
		wait(r.Context(), failedAfter-time.Since(began))
	}
	reply(w, status(refusal.Code), refusal)
}

// read reads a request, from those who may send one. Other origins' pages must not
// guess passwords in a visitor's name, nor may a name that somebody makes resolve to
// this machine.
func (s *Service) read(w http.ResponseWriter, r *http.Request) (*Request, error) {
	if err := pages.Check(r); err != nil {
		return nil, &Refusal{Code: codeNotForPages, Message: "Signing in is not for other sites' pages."}
	}
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return nil, &Refusal{Code: codeOnlyPost, Message: "Only POST."}
	}
	if q, _ := s.Unsigned(r); r.TLS == nil && !(q.SourceIP.IsLoopback() && s.PlainHost(r.Host)) {
		return nil, &Refusal{Code: codeOnlyEncrypted, Message: "Signing in needs TLS, but for who is on the same machine."}
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return nil, &Refusal{Code: CodeInvalid, Message: "The body must be application/json."}
	}
	return decode(http.MaxBytesReader(w, r.Body, maxBody))
}

// decode reads one request and nothing else.
func decode(body io.Reader) (*Request, error) {
	d := json.NewDecoder(body)
	d.DisallowUnknownFields()
	in := new(Request)
	err := d.Decode(in)
	if err == nil {
		if _, more := d.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("more than one value")
		}
	}
	if err != nil { // may quote what was sent, so it is not told
		return nil, &Refusal{Code: CodeInvalid, Message: "The body is not the JSON of a sign-in."}
	}
	return in, nil
}

func status(code string) int {
	switch code {
	case CodeInvalid, codePolicyViolation, codeNotChangeable:
		return http.StatusBadRequest
	case codeOnlyPost:
		return http.StatusMethodNotAllowed
	case awserr.CodeThrottling:
		return http.StatusTooManyRequests
	case awserr.CodeInternalFailure:
		return http.StatusInternalServerError
	}
	return http.StatusForbidden
}

func reply(w http.ResponseWriter, status int, answer any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer) // a client that has gone away is nobody to tell
}

func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
