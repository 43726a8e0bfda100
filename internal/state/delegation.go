package state

import (
	"iter"
	"time"
)

// DelegationRequest asks for temporary access to an account
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies-temporary-delegation.html):
// the requestor's account makes it, a principal of the account that is to grant
// it takes it on as its owner, and somebody there accepts it. It is kept for a
// while after it has expired.
type DelegationRequest struct {
	ID        string // a UUID
	Requestor string // account
	// Account is whose access is asked for; "" until an owner comes, if the
	// requestor did not say.
	Account     string `json:",omitempty"`
	WorkflowID  string
	Description string
	Message     string `json:",omitempty"`
	RedirectURL string `json:",omitempty"`
	Channel     string // ARN of an SNS topic

	Template   string                // ARN of the managed policy that is the template
	Parameters []DelegationParameter `json:",omitempty"`
	Policy     string                // the template with the parameters filled in: all that may ever be granted
	Seconds    int                   // that the access is to last

	OnlySendByOwner *bool `json:",omitempty"` // nil: not said

	State   string // one of the model's stateType but EXPIRED, which Expires tells
	Created time.Time
	Updated time.Time
	Expires time.Time

	Owner     *Delegator `json:",omitempty"`
	Notes     string     `json:",omitempty"`
	Rejection string     `json:",omitempty"`

	Approver *Approver `json:",omitempty"`
	// Finalized is when the token was released; Traded when it was exchanged,
	// which is possible once.
	Finalized time.Time `json:",omitzero"`
	Traded    time.Time `json:",omitzero"`
}

// DelegationParameter is a value for a placeholder of a template.
type DelegationParameter struct {
	Name   string
	Type   string // "string" or "stringList"
	Values []string
}

// Delegator is a principal that did something with a delegation request. It is
// known by its unique id, so that nobody inherits a request with a name.
type Delegator struct {
	ID      string // of the user or role; the account id for the root user
	Session string `json:",omitempty"` // name of the role session; "" for others
	ARN     string // as it was at that moment
}

// Is says whether two are the same principal.
func (d *Delegator) Is(other *Delegator) bool {
	return d != nil && other != nil && d.ID == other.ID && d.Session == other.Session
}

// Approver is who accepted a delegation request, and the state of its session at
// that moment: the delegated session has that state too.
type Approver struct {
	Delegator
	Issued         time.Time           // when the request was accepted
	SessionEnds    time.Time           `json:",omitzero"` // of the approver's own session; zero for long-term credentials
	Tags           []Tag               `json:",omitempty"`
	Transitive     []string            `json:",omitempty"`
	SourceIdentity string              `json:",omitempty"`
	Provider       string              `json:",omitempty"`
	Claims         map[string][]string `json:",omitempty"`
}

const (
	delegationByAccount = iota
	delegationByRequestor
	delegationByWorkflow
)

var delegationSchema = schema[DelegationRequest]{
	prefix: "iam/delegation-request/",
	key:    func(r *DelegationRequest) string { return r.ID },
	indexes: []index[DelegationRequest]{
		// Those that have an owner, oldest first.
		delegationByAccount: {name: "account", unique: true, keys: func(r *DelegationRequest) []string {
			if r.Owner == nil {
				return nil
			}
			return []string{r.Account + "/" + r.PageKey()}
		}},
		delegationByRequestor: {name: "requestor", unique: true, keys: func(r *DelegationRequest) []string {
			return []string{r.Requestor + "/" + r.PageKey()}
		}},
		delegationByWorkflow: {name: "workflow id", unique: true, keys: func(r *DelegationRequest) []string {
			return []string{r.Requestor + "/" + r.WorkflowID}
		}},
	},
}

// PageKey orders the requests of an account by age.
func (r *DelegationRequest) PageKey() string {
	return r.Created.UTC().Format(time.RFC3339) + "/" + r.ID
}

// DelegationRequestsOf iterates over the requests to an account that have an
// owner, oldest first, after the one with the page key after.
func (s *Snapshot) DelegationRequestsOf(account, after string) iter.Seq[*DelegationRequest] {
	if after != "" {
		after = account + "/" + after
	}
	return values(s.DelegationRequests.scan(delegationByAccount, account+"/", after))
}

// DelegationRequestsBy iterates over the requests that an account made, oldest first.
func (s *Snapshot) DelegationRequestsBy(requestor string) iter.Seq[*DelegationRequest] {
	return values(s.DelegationRequests.scan(delegationByRequestor, requestor+"/", ""))
}

// DelegationRequestByWorkflow finds a requestor's request by its workflow id; nil
// if there is none.
func (s *Snapshot) DelegationRequestByWorkflow(requestor, workflow string) *DelegationRequest {
	return s.DelegationRequests.find(delegationByWorkflow, requestor+"/"+workflow)
}
