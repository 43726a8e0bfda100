// Package server takes requests from listeners to services: it finds the
// service and operation, runs the one pipeline that every operation goes
// through, and writes the answer or the error in the service's protocol. It is
// the only place that knows about HTTP.
//
//	bytes ─ read ─ authenticate ─ decode, validate ─ admit, authorize, rule ─ encode ─ bytes
//
// One Record is filled on the way and emitted once.
package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/warder-iam/warder/internal/authn"
	"github.com/warder-iam/warder/internal/authz"
	"github.com/warder-iam/warder/internal/awserr"
	"github.com/warder-iam/warder/internal/ids"
	"github.com/warder-iam/warder/internal/service"
	"github.com/warder-iam/warder/internal/state"
	"github.com/warder-iam/warder/policy"
	"github.com/warder-iam/warder/sigv4"
)

// MaxBody bounds a request body. The largest that IAM takes are certificate
// chains of two million characters, percent-encoded.
const MaxBody = 8 << 20

const (
	// smallBody is what a request may send without counting against maxLarge:
	// nearly every request has some hundred bytes.
	smallBody = 256 << 10
	// maxLarge is how many larger bodies are in memory at one time. Anybody can
	// send them, since they are read before the signature can be checked.
	maxLarge = 16
	// maxUnsigned bounds the body of a request without any signature: the tokens
	// of STS's federation have 100,000 characters at most.
	maxUnsigned = 1 << 20
	// maxDiscard is how much is read, and not kept, of a body that is refused:
	// many clients look for the answer only when they have sent everything.
	maxDiscard = 2 * MaxBody
)

// Server answers HTTP requests. It is an http.Handler.
type Server struct {
	State    *state.State
	Authn    *authn.Authenticator
	Authz    *authz.Authorizer
	IDs      *ids.Source
	Now      func() time.Time
	Log      *slog.Logger
	Services []*service.Service
	// Paths are the handlers of fixed paths besides the AWS protocols, such as
	// AuthZEN's. A key of one segment that ends in a slash, "/outbound/", takes all
	// paths below it. Each handler authenticates its own caller by Server.Caller,
	// unless what it serves is for everybody.
	Paths map[string]http.Handler

	// Trail keeps the events of requests; nil keeps none.
	Trail Trail

	large atomic.Int32 // bodies beyond smallBody in memory
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rec := &Record{RequestID: s.IDs.Request(), Time: s.Now(), Method: r.Method}
	defer s.emit(rec)
	if path, h := s.handler(r.URL.Path); h != nil {
		rec.Operation = path
		defer s.recovered(w, rec)
		w.Header().Set("X-Amzn-Requestid", rec.RequestID)
		h.ServeHTTP(&statusWriter{w, rec}, r.WithContext(context.WithValue(r.Context(), recordKey{}, rec)))
		return
	}
	buf := buffers.Get().(*[]byte)
	out, svc := s.answer((*buf)[:0], r, rec)
	h := w.Header()
	v := [...]string{rec.RequestID, contentType(svc), strconv.Itoa(len(out))} // one allocation for all
	h["X-Amzn-Requestid"], h["Content-Type"], h["Content-Length"] = v[0:1:1], v[1:2:2], v[2:3:3]
	w.WriteHeader(rec.Status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(out) // a client that has gone away is nobody to tell
	}
	if cap(out) <= maxPooled {
		*buf = out
		buffers.Put(buf)
	}
}

// handler finds the handler of a path, and the key that it stands under.
func (s *Server) handler(path string) (string, http.Handler) {
	if h := s.Paths[path]; h != nil {
		return path, h
	}
	if len(path) > 1 {
		if end := strings.IndexByte(path[1:], '/'); end >= 0 {
			path = path[:end+2]
			return path, s.Paths[path]
		}
	}
	return path, nil
}

// buffers are where answers are put together. Those that had to grow for an
// unusual one are not kept.
var buffers = sync.Pool{New: func() any { b := make([]byte, 0, 2048); return &b }}

const maxPooled = 64 << 10

// answer runs the pipeline and appends what came of it to b, in the protocol of
// the service.
func (s *Server) answer(b []byte, r *http.Request, rec *Record) ([]byte, *service.Service) {
	svc, op, out, err := s.call(r, rec)
	if err == nil {
		rec.Status = http.StatusOK
		return appendResponse(b, svc, op.Model, out, rec.RequestID), svc
	}
	rec.Error = awserr.From(err)
	rec.Status, b = appendError(b, svc, rec.Error, rec.RequestID)
	return b, svc
}

// call takes a request through every step up to the operation's rule. The
// service is nil in an error of a request that did not get as far as one.
func (s *Server) call(r *http.Request, rec *Record) (svc *service.Service, op *service.Operation, out any, err error) {
	defer caught(&out, &err)
	// The query protocol has two methods
	// (https://docs.aws.amazon.com/IAM/latest/UserGuide/programming.html). A third
	// would only be one more thing for a proxy in between to treat otherwise.
	if r.Method != http.MethodPost && r.Method != http.MethodGet {
		return nil, nil, nil, awserr.New("MethodNotAllowed", "The specified method is not allowed against this resource.")
	}
	claim, claimErr := authn.ReadClaim(r)
	limit := MaxBody
	if claim == nil {
		limit = maxUnsigned
	}
	body, release, err := s.readBody(r, limit)
	defer release()
	if err != nil {
		return nil, nil, nil, err
	}
	asked := read(r, body)
	if err = claimErr; err == nil {
		svc, err = s.route(claim, asked)
	}
	if err != nil {
		return svc, nil, nil, err
	}
	rec.Service = svc.API.SigningName
	// AWS's front end names a bad action before it looks at the signature.
	model, err := asked.operation(svc)
	if err != nil {
		return svc, nil, nil, err
	}
	rec.Operation = model.Name
	call := &service.Call{Context: r.Context(), RequestID: rec.RequestID}
	s.audited(r, rec, call, svc, model)
	defer func() { s.keep(rec, call, out, err) }()
	defer caught(&out, &err) // the event tells of a panic, too
	if call.Request, err = s.request(r, claim, body, model.Name, rec); err != nil {
		return svc, nil, nil, err
	}
	if claim == nil && !model.NoAuth {
		return svc, nil, nil, authn.ErrMissing()
	}
	op = svc.Operation(model.Name)
	if op == nil {
		return svc, nil, nil, awserr.New(awserr.CodeNotImplemented, "The operation %s of %s is not implemented by Warder.", model.Name, svc.API.ID)
	}
	call.Operation = op
	in, err := asked.input(svc, op.Model)
	if rec.audit != nil {
		rec.audit.Input = in // of a request that fails validation, too: its secrets are known by it
	}
	if err != nil {
		return svc, nil, nil, err
	}
	out, err = svc.Run(call, s.State, s.Authz, in)
	return svc, op, out, err
}

// request authenticates the caller, notes what the connection says and that the
// caller used the action ("" if only the service is known). A nil claim is an
// anonymous caller.
func (s *Server) request(r *http.Request, claim *sigv4.Claim, body []byte, action string, rec *Record) (authz.Request, error) {
	req := authz.Request{Time: rec.Time, Secure: r.TLS != nil, UserAgent: r.UserAgent(), Referer: r.Referer()}
	// Never from a header: anybody can write one (CVE-2026-21862).
	if peer, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		req.SourceIP = peer.Addr().Unmap()
	}
	rec.SourceIP, rec.UserAgent = req.SourceIP, req.UserAgent
	if claim == nil {
		req.Caller = authn.Anonymous()
		return req, nil
	}
	caller, err := s.Authn.Authenticate(s.State.Snapshot(), r, claim, body, rec.Time)
	if err != nil {
		return req, err
	}
	req.Caller, req.Region = caller, s.region(claim)
	if caller.Session != nil {
		req.MFA = caller.Session.MFA
	}
	rec.Caller, rec.KeyID = caller.ARN, caller.KeyID
	s.State.Used(&state.Use{
		LastUsed: caller.LastUsedID(), Principal: caller.UniqueID, Service: rec.Service, Action: action, Region: req.Region, Time: rec.Time,
	})
	return req, nil
}

// region is where a request was made. The signature's scope says so for services
// that are in every region. For one that is not, the scope is the caller's to
// choose, and must not be a way around a policy about aws:RequestedRegion
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-requestedregion).
func (s *Server) region(claim *sigv4.Claim) string {
	for _, svc := range s.Services {
		if svc.API.SigningName == claim.Service && svc.Region != "" {
			return svc.Region
		}
	}
	return claim.Region
}

// Caller authenticates a request to a fixed path, signed for the given service
// name. It reads the body and gives it back; from then on it is the caller's to
// bound what is done with it.
func (s *Server) Caller(r *http.Request, serviceName string) (authz.Request, []byte, error) {
	rec, ok := r.Context().Value(recordKey{}).(*Record)
	if !ok {
		rec = &Record{Time: s.Now()}
	}
	rec.Service = serviceName
	claim, err := authn.ReadClaim(r)
	if err != nil {
		return authz.Request{}, nil, err
	}
	if claim == nil {
		return authz.Request{}, nil, authn.ErrMissing()
	}
	if claim.Service != serviceName {
		return authz.Request{}, nil, wrongService(serviceName)
	}
	body, release, err := s.readBody(r, MaxBody)
	defer release()
	if err != nil {
		return authz.Request{}, nil, err
	}
	req, err := s.request(r, claim, body, "", rec)
	if err == nil && req.Caller.Kind == policy.Anonymous {
		err = authn.ErrMissing()
	}
	return req, body, err
}

func wrongService(want string) error {
	return awserr.New(awserr.CodeSignatureDoesNotMatch, "Credential should be scoped to correct service: '%s'.", want)
}

// readBody reads a body of at most limit bytes. release is to be called when
// the body is not needed any more; it is never nil.
func (s *Server) readBody(r *http.Request, limit int) (body []byte, release func(), err error) {
	release = func() {}
	if r.ContentLength > int64(limit) {
		discard(r)
		return nil, release, tooLarge(limit)
	}
	if r.ContentLength > 0 {
		// Grows with what arrives, not with what is announced. The one byte more
		// is where the end is read to.
		body = make([]byte, 0, min(r.ContentLength, 64<<10)+1)
	}
	body, err = appendAll(body, r.Body, smallBody)
	if err == nil && len(body) == smallBody {
		if s.large.Add(1) > maxLarge {
			s.large.Add(-1)
			discard(r)
			return nil, release, awserr.New("Throttling", "Rate exceeded")
		}
		release = func() { s.large.Add(-1) }
		body, err = appendAll(body, r.Body, limit+1)
	}
	if err != nil {
		return nil, release, &awserr.Error{Code: "MalformedHttpRequestException", Message: "The request body could not be read in full.", Cause: err}
	}
	if len(body) > limit {
		discard(r)
		return nil, release, tooLarge(limit)
	}
	return body, release, nil
}

func tooLarge(limit int) error {
	return awserr.New("RequestEntityTooLarge", "The request body is larger than %d bytes.", limit)
}

// discard reads on, within bounds, so that the refusal reaches the client.
func discard(r *http.Request) { _, _ = io.CopyN(io.Discard, r.Body, maxDiscard) }

// appendAll reads r to its end, or until b holds limit bytes.
func appendAll(b []byte, r io.Reader, limit int) ([]byte, error) {
	for len(b) < limit {
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
		n, err := r.Read(b[len(b):min(cap(b), limit)])
		b = b[:len(b)+n]
		if errors.Is(err, io.EOF) {
			return b, nil
		}
		if err != nil {
			return b, err
		}
	}
	return b, nil
}

// caught makes a panic an error. It is for defer.
func caught(out *any, err *error) {
	if p := recover(); p != nil {
		*out, *err = nil, awserr.Internal(fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
	}
}

// recovered keeps a panic of a fixed path's handler from the client.
func (s *Server) recovered(w http.ResponseWriter, rec *Record) {
	if p := recover(); p != nil {
		rec.Error = awserr.Internal(fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
		rec.Status = http.StatusInternalServerError
		http.Error(w, "internal failure "+rec.RequestID, rec.Status)
	}
}

// Listen serves on a listener until ctx ends, then lets requests under way
// finish for a few seconds.
func (s *Server) Listen(ctx context.Context, hs *http.Server, serve func() error) error {
	ended := make(chan error, 1)
	go func() { ended <- serve() }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		grace, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if hs.Shutdown(grace) != nil {
			// Whoever is still connected has sent no request, or will not take the answer.
			_ = hs.Close()
		}
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	}
}

// HTTP is an http.Server around s whose limits keep slow or greedy clients from
// holding on to memory and connections.
func (s *Server) HTTP() *http.Server {
	return &http.Server{
		Handler:           s,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      60 * time.Second,
		IdleTimeout:       120 * time.Second,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(s.Log.Handler(), slog.LevelDebug),
	}
}
