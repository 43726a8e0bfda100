package state

import (
	"iter"
	"time"
)

// EventConnection is how requests to API destinations are authorized
// (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-target-connection.html).
type EventConnection struct {
	Account  string // twelve digits
	Region   string
	Name     string // unique in the account's region
	ID       string // a UUID; part of the ARN
	Created  time.Time
	Modified time.Time

	Description string `json:",omitempty"`
	State       string // "AUTHORIZED" or "DEAUTHORIZED"
	StateReason string `json:",omitempty"`
	Type        string // "BASIC", "API_KEY" or "OAUTH_CLIENT_CREDENTIALS"
	Authorized  time.Time
	// Auth are the parameters with their secrets: internal/connection. Nil if the
	// connection was deauthorized.
	Auth   []byte `json:",omitempty"` // sealed: internal/seal, purpose "event-connection", bound to ID and Account
	Secret string // ARN of the secret that AWS would keep them in
}

// ARN is the connection's, with the id that tells it from one of the same name
// before or after it.
func (c *EventConnection) ARN() string {
	return EventsARN(c.Account, c.Region, "connection/"+c.Name+"/"+c.ID)
}

const (
	eventConnectionByName = iota
	eventConnectionByARN
)

var eventConnectionSchema = schema[EventConnection]{
	prefix: "events/connection/",
	key:    func(c *EventConnection) string { return c.ID },
	indexes: []index[EventConnection]{
		eventConnectionByName: {name: "connection name", unique: true, keys: func(c *EventConnection) []string { return []string{eventsPlace(c.Account, c.Region) + c.Name} }},
		eventConnectionByARN:  {name: "connection ARN", unique: true, keys: func(c *EventConnection) []string { return []string{c.ARN()} }},
	},
}

// EventConnection finds a connection by its name; nil if there is none.
func (s *Snapshot) EventConnection(account, region, name string) *EventConnection {
	return s.EventConnections.find(eventConnectionByName, eventsPlace(account, region)+name)
}

// EventConnectionByARN finds a connection; nil if there is none.
func (s *Snapshot) EventConnectionByARN(arn string) *EventConnection {
	return s.EventConnections.find(eventConnectionByARN, arn)
}

// EventConnectionsIn iterates over the connections of an account's region in the
// order of their names.
func (s *Snapshot) EventConnectionsIn(account, region string) iter.Seq[*EventConnection] {
	return values(s.EventConnections.scan(eventConnectionByName, eventsPlace(account, region), ""))
}
