package server

import (
	"net/http"

	"github.com/warder-iam/warder/internal/api"
	"github.com/warder-iam/warder/internal/authn"
	"github.com/warder-iam/warder/internal/awserr"
	"github.com/warder-iam/warder/internal/service"
	"github.com/warder-iam/warder/internal/wire"
	"github.com/warder-iam/warder/sigv4"
)

// asked is what a request asks for, before it is known in which protocol.
type asked struct {
	*http.Request
	target string // X-Amz-Target, of the JSON protocols
	body   []byte

	parsed  bool // form and formErr are known
	form    wire.Form
	formErr error
}

func isJSON(svc *service.Service) bool { return svc != nil && svc.API.Protocol == "json" }

// read takes what is asked out of a request.
func read(r *http.Request, body []byte) *asked {
	return &asked{Request: r, target: r.Header.Get("X-Amz-Target"), body: body}
}

// query reads the parameters as those of the query protocol.
func (a *asked) query() (wire.Form, error) {
	if !a.parsed {
		a.form, a.formErr = wire.ParseForm(a.body, a.URL.RawQuery, a.Header.Get("Content-Type"))
		a.parsed = true
	}
	return a.form, a.formErr
}

// operation finds the operation of the service.
func (a *asked) operation(svc *service.Service) (*api.Operation, error) {
	if isJSON(svc) {
		return wire.Target(svc.API, a.target)
	}
	form, err := a.query()
	if err != nil {
		return nil, err
	}
	return wire.Operation(svc.API, form)
}

// input decodes and validates the operation's input.
func (a *asked) input(svc *service.Service, op *api.Operation) (in any, err error) {
	if isJSON(svc) {
		in, err = wire.DecodeJSON(svc.API, op, a.body)
	} else {
		form, _ := a.query() // operation has seen its error
		in, err = wire.DecodeQuery(svc.API, op, form)
	}
	if err != nil {
		return nil, err
	}
	return in, wire.Validate(svc.API, op, in)
}

// route finds the service of a request: by the scope of its signature or, if it
// is not signed, by the API that it asks for.
func (s *Server) route(claim *sigv4.Claim, a *asked) (*service.Service, error) {
	if claim != nil {
		for _, svc := range s.Services {
			if svc.API.SigningName == claim.Service {
				return svc, nil
			}
		}
		return nil, awserr.New(awserr.CodeSignatureDoesNotMatch, "Credential should be scoped to correct service: the service '%s' is not served here.", claim.Service)
	}
	for _, svc := range s.Services {
		if isJSON(svc) {
			if _, err := wire.Target(svc.API, a.target); err == nil {
				return svc, nil
			}
		} else if form, _ := a.query(); svc.API.Version == wire.Version(form) {
			return svc, nil
		}
	}
	return nil, authn.ErrMissing()
}

func contentType(svc *service.Service) string {
	if isJSON(svc) {
		return wire.ContentTypeJSON(svc.API)
	}
	return wire.ContentTypeXML
}

func appendResponse(b []byte, svc *service.Service, op *api.Operation, out any, requestID string) []byte {
	if isJSON(svc) {
		return wire.AppendJSONResponse(b, svc.API, op, out)
	}
	return wire.AppendQueryResponse(b, svc.API, op, out, requestID)
}

// appendError writes an error. The service is nil if the request did not get as
// far as one.
func appendError(b []byte, svc *service.Service, e *awserr.Error, requestID string) (status int, body []byte) {
	switch {
	case isJSON(svc):
		return wire.AppendJSONError(b, svc.API, e)
	case svc != nil:
		return wire.AppendQueryError(b, svc.API, e, requestID)
	}
	return wire.AppendQueryError(b, nil, e, requestID)
}
