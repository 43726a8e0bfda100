package daemon

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/warder-iam/warder/internal/authz"
	"github.com/warder-iam/warder/internal/awserr"
	"github.com/warder-iam/warder/internal/replay"
	"github.com/warder-iam/warder/internal/service/authzen"
)

// ReplayRequest asks what a change would have changed, for the control socket's path
// "/replay" and for the API's PathReplay.
type ReplayRequest struct {
	Account   string          `json:"account,omitempty"` // the only one there is, if empty; the caller's, by the API
	From      time.Time       `json:"from,omitzero"`
	To        time.Time       `json:"to,omitzero"`
	Principal string          `json:"principal,omitempty"` // ARN of a user or role; "" is all
	Changes   []replay.Change `json:"changes"`
}

// PathReplay is where the API is. A request is signed as those of AuthZEN are, for the
// service "warder", and needs the action warder:Replay on "*": its answer tells what
// everybody in the account has done.
const PathReplay = "/warder/v1/replay"

const (
	actionReplay  = authzen.SigningName + ":Replay"
	maxReplayBody = 4 << 20
)

func (d *Daemon) replay(r *http.Request, ask *ReplayRequest) (*replay.Report, error) {
	if d.trail == nil {
		return nil, errors.New("this server keeps no audit trail: it was started with --trail none")
	}
	before, after, err := replay.Try(r.Context(), d.state, d.iam, ask.Account, ask.Changes, d.config.Now())
	if err != nil {
		return nil, err
	}
	return replay.Run(r.Context(), d.trail.index, before, after, replay.Query{
		Account: ask.Account, From: ask.From, To: ask.To, Principal: ask.Principal,
	})
}

func parseReplay(body *json.Decoder) (*ReplayRequest, error) {
	ask := new(ReplayRequest)
	body.DisallowUnknownFields()
	if err := body.Decode(ask); err != nil {
		return nil, fmt.Errorf("the request cannot be read: %w", err)
	}
	return ask, nil
}

// serveReplay answers the control socket.
func (d *Daemon) serveReplay(w http.ResponseWriter, r *http.Request) {
	ask, err := parseReplay(json.NewDecoder(http.MaxBytesReader(w, r.Body, maxReplayBody)))
	if err == nil {
		ask.Account, err = d.onlyAccount(ask.Account)
	}
	var report *replay.Report
	if err == nil {
		report, err = d.replay(r, ask)
	}
	reply(w, report, err)
}

// replayAPI answers signed requests.
func (d *Daemon) replayAPI(az *authz.Authorizer) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		report, status, err := d.replayFor(az, r)
		if err == nil {
			reply(w, report, nil)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(map[string]string{"error": err.Error()}) // a client that has gone away is nobody to tell
	})
}

func (d *Daemon) replayFor(az *authz.Authorizer, r *http.Request) (*replay.Report, int, error) {
	if r.Method != http.MethodPost {
		return nil, http.StatusMethodNotAllowed, errors.New("only POST")
	}
	r.Body = http.MaxBytesReader(nil, r.Body, maxReplayBody)
	caller, body, err := d.server.Caller(r, authzen.SigningName)
	if err != nil {
		return nil, http.StatusForbidden, told(err)
	}
	account := caller.Caller.Account
	check := &authz.Check{Action: actionReplay, Resource: "*", Account: account}
	if err := az.Require(d.state.Snapshot(), &caller, check); err != nil {
		return nil, http.StatusForbidden, told(err)
	}
	ask, err := parseReplay(json.NewDecoder(bytes.NewReader(body)))
	if err != nil {
		return nil, http.StatusBadRequest, err
	}
	if ask.Account != "" && ask.Account != account {
		return nil, http.StatusForbidden, errors.New("the account is not the caller's")
	}
	ask.Account = account
	report, err := d.replay(r, ask)
	return report, http.StatusBadRequest, err
}

// told is an error as the caller may see it.
func told(err error) error {
	e := awserr.From(err)
	return fmt.Errorf("%s: %s", e.Code, e.Message)
}
