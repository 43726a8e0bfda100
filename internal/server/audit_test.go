package server

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/warder-iam/warder/internal/api/sts"
	"github.com/warder-iam/warder/internal/audit"
	"github.com/warder-iam/warder/internal/authn"
	"github.com/warder-iam/warder/internal/authz"
	"github.com/warder-iam/warder/internal/ids"
	"github.com/warder-iam/warder/internal/seal"
	"github.com/warder-iam/warder/internal/service"
	"github.com/warder-iam/warder/internal/state"
	"github.com/warder-iam/warder/internal/store/memory"
)

// kept is a Trail that has the records of events.
type kept []string

func (k *kept) Encode(e *audit.Event) ([]byte, error) { return e.JSON, nil }
func (k *kept) Log(e *audit.Event)                    { *k = append(*k, string(e.JSON)) }

// However a request ends, there is one event, and it says how and from where.
func TestEventOfFailure(t *testing.T) {
	st, err := state.Open(t.Context(), memory.New())
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	const action = "AssumeRoleWithWebIdentity"
	op := service.Read(action, service.On(service.Anything), func(*service.Call, *state.Snapshot, *sts.AssumeRoleWithWebIdentityRequest) (*sts.AssumeRoleWithWebIdentityResponse, error) {
		panic("unreachable")
	})
	op = service.WithFactor(op, func(*service.Call, *state.Snapshot, *sts.AssumeRoleWithWebIdentityRequest) error { panic("in a step") })
	events := &kept{}
	s := &Server{
		State: st, Authn: authn.New(seal.NewRandom()), Authz: authz.New(), IDs: ids.New(), Now: time.Now, Log: slog.New(slog.DiscardHandler),
		Services: []*service.Service{service.New(&sts.Service, nil, []service.Operation{op})}, Trail: events,
	}
	good := url.Values{"RoleArn": {"arn:aws:iam::111122223333:role/r"}, "RoleSessionName": {"s1"}, "WebIdentityToken": {"token"}}
	bad := url.Values{"RoleArn": {"arn:aws:iam::111122223333:role/r"}, "RoleSessionName": {"no name"}, "WebIdentityToken": {"token"}}
	for _, tc := range []struct {
		action     string
		form       url.Values
		code, name string // name: roleSessionName in the event
	}{
		{action, good, "InternalFailure", "s1"},
		{action, bad, "ValidationError", "no name"},
		{"GetCallerIdentity", url.Values{}, "MissingAuthenticationToken", ""},
	} {
		*events = nil
		tc.form.Set("Action", tc.action)
		tc.form.Set("Version", "2011-06-15")
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(tc.form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		s.ServeHTTP(httptest.NewRecorder(), r)
		if len(*events) != 1 {
			t.Errorf("%s: %d events", tc.code, len(*events))
			continue
		}
		var e struct {
			AWSRegion, SourceIPAddress, ErrorCode string
			RequestParameters                     struct{ RoleSessionName string }
		}
		if err := json.Unmarshal([]byte((*events)[0]), &e); err != nil {
			t.Fatal(err)
		}
		if e.ErrorCode != tc.code || e.RequestParameters.RoleSessionName != tc.name || e.AWSRegion != "us-east-1" || e.SourceIPAddress != "192.0.2.1" {
			t.Errorf("%s: %s", tc.code, (*events)[0])
		}
	}
}
