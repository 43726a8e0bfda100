// Package authzen answers the OpenID Authorization API 1.0 (AuthZEN,
// https://openid.net/specs/authorization-api-1_0.html): may this subject do
// this action on this resource? It lets services that are not AWS's, and the
// gateways before them, be decided by IAM policies.
//
//	POST /access/v1/evaluation               one question
//	POST /access/v1/evaluations              several, with defaults and semantics
//	GET  /.well-known/authzen-configuration  where these are
//
// # Who may ask
//
// The caller signs with SigV4 for the service "warder" and needs the action
// warder:Evaluate on the subject: on the user, or on the role (of a session: on
// its role). The answer tells of a denial what AWS's AccessDenied message would
// tell. The explanation ("options": {"explain": true}) discloses the subject's
// policies, so it needs iam:SimulatePrincipalPolicy on the subject as well.
// Instead, every denial comes with an encoded authorization message, which
// sts:DecodeAuthorizationMessage opens in the caller's account.
//
// # How a question becomes a request
//
//	subject.type             "user", "role" or "session"
//	subject.id               a name in the caller's account, an ARN, or a unique id
//	                         (AIDA…, AROA…, for a session AROA…:SESSION)
//	action.name              "s3:GetObject"; a name without a service belongs to
//	                         the service of the resource
//	resource.id              an ARN or "*"; anything else, with resource.type T,
//	                         is arn:aws:T::ACCOUNT:ID, of the subject's account
//	subject.properties.NAME  aws:PrincipalTag/NAME; ip_address is aws:SourceIp
//	resource.properties.NAME aws:ResourceTag/NAME
//	action.properties.NAME   SERVICE:NAME, a condition key of the action's service
//	context.NAME             SERVICE:NAME as well
//
// A NAME with a colon is the full name of a condition key wherever it stands.
// Objects within are flattened, their names joined by dots. The current time
// is known unless it is given. What Warder knows itself, the subject's name,
// account and, for users, tags, cannot be contradicted. A property for a tag that
// the subject does not have is the caller's claim: who asks is who enforces the
// answer, and it counts for that answer only.
//
// # What is recorded
//
// A question counts as an attempt of its subject, allowed or not: the subject's
// last accessed information in IAM has the action's service, the action and the
// region in the resource's ARN, and a role's RoleLastUsed has it too. Questions
// with "explain" do not count. Where a trail is kept, each has a data event
// (internal/audit), as far as the level of these says, with the record of how it
// was decided.
//
// # What it leaves out
//
// Session policies and session tags travel in the session's token only: a
// session that is named by its ARN is decided as a session of its role without
// them. The policies of resources outside IAM are not known, so that a resource
// of another account, a KMS key and a role of another account are denied. The
// search endpoints of the specification are not there.
//
// internal/daemon puts the handlers on the server.
package authzen

import (
	"log/slog"
	"mime"
	"net/http"

	"github.com/warder-iam/warder/internal/audit"
	"github.com/warder-iam/warder/internal/authz"
	"github.com/warder-iam/warder/internal/awserr"
	"github.com/warder-iam/warder/internal/question"
	"github.com/warder-iam/warder/internal/seal"
	"github.com/warder-iam/warder/internal/state"
)

// SigningName is the service that requests are signed for.
const SigningName = "warder"

// The paths of the API.
const (
	PathEvaluation  = "/access/v1/evaluation"
	PathEvaluations = "/access/v1/evaluations"
	PathMetadata    = "/.well-known/authzen-configuration"
)

// Limits of one request.
const (
	maxBody        = 1 << 20
	maxEvaluations = 1000
	maxRequestID   = 256
)

// Service is the AuthZEN API.
type Service struct {
	// Caller authenticates a request that is signed for a service, and gives its body.
	Caller func(r *http.Request, service string) (authz.Request, []byte, error)
	State  *state.State
	Authz  *authz.Authorizer
	Ring   *seal.Keyring
	Log    *slog.Logger
	URL    string // of the server; never from a request's Host

	// Takes says whether a question with such an answer is kept in the audit trail,
	// and Asked keeps it. Nil keeps none.
	Takes func(allowed bool) bool
	Asked func(r *http.Request, caller *authz.Request, q *audit.Question)
}

// Paths are the handlers of the API.
func (s *Service) Paths() map[string]http.Handler {
	return map[string]http.Handler{
		PathEvaluation:  s.handler(s.evaluation),
		PathEvaluations: s.handler(s.evaluations),
		PathMetadata:    http.HandlerFunc(s.metadata),
	}
}

// A call is one authenticated request.
type call struct {
	authz.Request
	http    *http.Request
	service *Service
	snap    *state.Snapshot
	explain bool
}

// handler is the HTTP binding of an endpoint: errors are a status and a message
// (https://openid.net/specs/authorization-api-1_0.html#name-error-responses).
func (s *Service) handler(endpoint func(*call, map[string]any) (any, *failure)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if id := r.Header.Get("X-Request-Id"); id != "" && len(id) <= maxRequestID {
			w.Header().Set("X-Request-Id", id)
		}
		answer, f := s.serve(r, endpoint)
		if f == nil {
			reply(w, answer)
			return
		}
		switch f.Status {
		case http.StatusMethodNotAllowed:
			w.Header().Set("Allow", http.MethodPost)
		case http.StatusUnauthorized:
			w.Header().Set("Www-Authenticate", "AWS4-HMAC-SHA256")
		}
		http.Error(w, f.Message, f.Status)
	})
}

func (s *Service) serve(r *http.Request, endpoint func(*call, map[string]any) (any, *failure)) (any, *failure) {
	if r.Method != http.MethodPost {
		return nil, &failure{http.StatusMethodNotAllowed, "only POST"}
	}
	r.Body = http.MaxBytesReader(nil, r.Body, maxBody)
	req, body, err := s.Caller(r, SigningName)
	if err != nil {
		return nil, s.unauthenticated(err)
	}
	if mt, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || mt != "application/json" {
		return nil, malformed("the Content-Type is not application/json")
	}
	in, err := question.ParseObject(body)
	if err != nil {
		return nil, malformed("%s", err)
	}
	return endpoint(&call{Request: req, http: r, service: s, snap: s.State.Snapshot()}, in)
}

// unauthenticated is the answer to a request whose caller is not known.
func (s *Service) unauthenticated(err error) *failure {
	if isTooLarge(err) {
		return tooLarge()
	}
	e := awserr.From(err)
	switch e.Code {
	case awserr.CodeInternalFailure:
		return s.internal(err)
	case "MalformedHttpRequestException":
		return malformed("%s", e.Message)
	}
	return &failure{http.StatusUnauthorized, e.Code + ": " + e.Message}
}

func (s *Service) internal(err error) *failure {
	s.Log.Error("authzen", "cause", err)
	return &failure{http.StatusInternalServerError, awserr.Internal(nil).Message}
}

// metadata says where the endpoints are
// (https://openid.net/specs/authorization-api-1_0.html#name-policy-decision-point-metad).
func (s *Service) metadata(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "only GET", http.StatusMethodNotAllowed)
		return
	}
	w.Header().Set("Cache-Control", "max-age=300")
	reply(w, map[string]string{
		"policy_decision_point":       s.URL,
		"access_evaluation_endpoint":  s.URL + PathEvaluation,
		"access_evaluations_endpoint": s.URL + PathEvaluations,
	})
}
