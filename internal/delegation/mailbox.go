package delegation

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/warder-iam/warder/arn"
	"github.com/warder-iam/warder/internal/authz"
	"github.com/warder-iam/warder/internal/awserr"
	"github.com/warder-iam/warder/internal/seal"
	"github.com/warder-iam/warder/internal/state"
)

// Path is where a requestor asks after its requests: GET Path + ID, signed for the
// service "warder".
const Path = "/delegation/"

// signingName is the service that requests are signed for.
const signingName = "warder"

// action is what the requestor's principal needs, on the request's ARN in the
// requestor's account.
const action = "warder:GetDelegationToken"

// Mailbox stands in for the SNS topic that AWS sends the token to. Only
// principals of the requestor's account that have the permission see what is in it.
type Mailbox struct {
	// Caller authenticates a request that is signed for a service, and gives its body.
	Caller func(r *http.Request, service string) (authz.Request, []byte, error)
	State  *state.State
	Authz  *authz.Authorizer
	Ring   *seal.Keyring
	Log    *slog.Logger
}

// A Notice is what the requestor is told of its request.
type Notice struct {
	DelegationRequestID string     `json:"delegationRequestId"`
	RequestorWorkflowID string     `json:"requestorWorkflowId"`
	State               string     `json:"state"`
	OwnerAccountID      string     `json:"ownerAccountId,omitempty"`
	RejectionReason     string     `json:"rejectionReason,omitempty"`
	TradeInToken        string     `json:"tradeInToken,omitempty"` // while it can be exchanged
	Expiration          *time.Time `json:"expiration,omitempty"`   // of the access
}

// ServeHTTP implements http.Handler.
func (m *Mailbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet {
		w.Header().Set("Allow", http.MethodGet)
		http.Error(w, "only GET", http.StatusMethodNotAllowed)
		return
	}
	notice, err := m.notice(r)
	if err != nil {
		m.refuse(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(notice) // a client that has gone away is nobody to tell
}

func (m *Mailbox) notice(r *http.Request) (*Notice, error) {
	req, _, err := m.Caller(r, signingName)
	if err != nil {
		return nil, err
	}
	id, snap := strings.TrimPrefix(r.URL.Path, Path), m.State.Snapshot()
	account := req.Caller.Account
	check := authz.Check{Action: action, Resource: arn.IAM(account, "delegation-request", "/", id), Account: account}
	if err := m.Authz.Require(snap, &req, &check); err != nil {
		return nil, err
	}
	d := snap.DelegationRequests.Get(id)
	if d == nil || d.Requestor != account {
		return nil, awserr.New("NoSuchEntity", "There is no delegation request %s of this account.", id)
	}
	n := &Notice{
		DelegationRequestID: d.ID, RequestorWorkflowID: d.WorkflowID, State: StateOf(d, req.Time),
		OwnerAccountID: d.Account, RejectionReason: d.Rejection,
	}
	if Tradable(d, req.Time) {
		end := Ends(d).UTC()
		n.TradeInToken, n.Expiration = Token(m.Ring, d), &end
	}
	return n, nil
}

func (m *Mailbox) refuse(w http.ResponseWriter, err error) {
	e := awserr.From(err)
	status := http.StatusForbidden
	switch e.Code {
	case awserr.CodeInternalFailure:
		m.Log.Error("delegation", "cause", err)
		status = http.StatusInternalServerError
	case awserr.CodeMissingAuthenticationToken:
		w.Header().Set("Www-Authenticate", "AWS4-HMAC-SHA256")
		status = http.StatusUnauthorized
	case "NoSuchEntity":
		status = http.StatusNotFound
	}
	http.Error(w, e.Code+": "+e.Message, status)
}
