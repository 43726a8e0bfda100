// Package connection holds the authorization parameters of EventBridge's
// connections: what internal/service/events seals and internal/eventbus opens to
// authorize a request to an API destination. It sends nothing.
package connection

import (
	"encoding/json"

	"github.com/warder-iam/warder/internal/seal"
	"github.com/warder-iam/warder/internal/state"
)

// The types of authorization.
const (
	Basic  = "BASIC"
	APIKey = "API_KEY"
	OAuth  = "OAUTH_CLIENT_CREDENTIALS"
)

// Auth are the parameters of one connection. What they are for its type says
// (https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_CreateConnectionAuthRequestParameters.html).
type Auth struct {
	// Name is the user's, the API key's header's or the OAuth client's; Secret the
	// password, the key or the client's secret.
	Name, Secret string

	Endpoint string // of OAuth: where tokens come from
	Method   string // of OAuth
	OAuth    *HTTP  `json:",omitempty"` // goes with the requests for tokens

	Invocation *HTTP `json:",omitempty"` // goes with the requests to destinations
}

// HTTP are parameters that are added to requests.
type HTTP struct {
	Header []Parameter `json:",omitempty"`
	Query  []Parameter `json:",omitempty"`
	Body   []Parameter `json:",omitempty"`
}

// Parameter is a name and a value, which is shown unless it is secret.
type Parameter struct {
	Key, Value string
	Secret     bool
}

// purpose is that of the seal.
const purpose = "event-connection"

func owner(c *state.EventConnection) []byte { return seal.Owner("event-connection", c.Account, c.ID) }

// Seal makes the connection's Auth.
func Seal(ring *seal.Keyring, c *state.EventConnection, a *Auth) ([]byte, error) {
	text, err := json.Marshal(a)
	if err != nil {
		return nil, err
	}
	return ring.Seal(purpose, owner(c), text), nil
}

// Open reads the connection's parameters; nil if it was deauthorized.
func Open(ring *seal.Keyring, c *state.EventConnection) (*Auth, error) {
	if c.Auth == nil {
		return nil, nil
	}
	text, err := ring.Open(purpose, owner(c), c.Auth)
	if err != nil {
		return nil, err
	}
	a := new(Auth)
	return a, json.Unmarshal(text, a)
}
