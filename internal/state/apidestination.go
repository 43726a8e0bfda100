package state

import (
	"iter"
	"time"
)

// APIDestination is an HTTP endpoint that rules send events to
// (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-api-destinations.html).
type APIDestination struct {
	Account  string // twelve digits
	Region   string
	Name     string // unique in the account's region
	ID       string // a UUID; part of the ARN
	Created  time.Time
	Modified time.Time

	Description string `json:",omitempty"`
	Connection  string // ARN
	Endpoint    string // "https://…", with an asterisk for each path parameter
	Method      string // "POST"
	Rate        int    // the most requests in a second
}

// APIDestinationRate is the rate of a destination that has not been given one.
const APIDestinationRate = 300

// ARN is the destination's, with the id that tells it from one of the same name
// before or after it.
func (d *APIDestination) ARN() string {
	return EventsARN(d.Account, d.Region, "api-destination/"+d.Name+"/"+d.ID)
}

const (
	apiDestinationByName = iota
	apiDestinationByARN
)

var apiDestinationSchema = schema[APIDestination]{
	prefix: "events/api-destination/",
	key:    func(d *APIDestination) string { return d.ID },
	indexes: []index[APIDestination]{
		apiDestinationByName: {name: "API destination name", unique: true, keys: func(d *APIDestination) []string { return []string{eventsPlace(d.Account, d.Region) + d.Name} }},
		apiDestinationByARN:  {name: "API destination ARN", unique: true, keys: func(d *APIDestination) []string { return []string{d.ARN()} }},
	},
}

// Active says whether the destination's connection authorizes its requests; without
// it nothing is sent.
func (s *Snapshot) Active(d *APIDestination) bool {
	c := s.EventConnectionByARN(d.Connection)
	return c != nil && c.Auth != nil
}

// APIDestination finds a destination by its name; nil if there is none.
func (s *Snapshot) APIDestination(account, region, name string) *APIDestination {
	return s.APIDestinations.find(apiDestinationByName, eventsPlace(account, region)+name)
}

// APIDestinationByARN finds a destination; nil if there is none.
func (s *Snapshot) APIDestinationByARN(arn string) *APIDestination {
	return s.APIDestinations.find(apiDestinationByARN, arn)
}

// APIDestinationsIn iterates over the destinations of an account's region in the
// order of their names.
func (s *Snapshot) APIDestinationsIn(account, region string) iter.Seq[*APIDestination] {
	return values(s.APIDestinations.scan(apiDestinationByName, eventsPlace(account, region), ""))
}
