package state

import (
	"iter"
	"time"
)

// EventArchive keeps the events of a bus so that they can be sent again
// (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-archive.html).
// The record says which; the events are not part of the state.
type EventArchive struct {
	Account string // twelve digits
	Region  string
	Name    string // unique in the account's region
	ID      string // a UUID: an archive that is made again under an old name has none of the old events
	Created time.Time

	Bus           string        // the name of the bus
	Description   string        `json:",omitempty"`
	Pattern       *EventPattern `json:",omitempty"` // nil keeps all events
	RetentionDays int           `json:",omitempty"` // 0 keeps them for good
}

// ARN is the archive's name in policies.
func (a *EventArchive) ARN() string { return EventsARN(a.Account, a.Region, "archive/"+a.Name) }

var eventArchiveSchema = schema[EventArchive]{
	prefix: "events/archive/",
	key:    func(a *EventArchive) string { return a.ID },
	indexes: []index[EventArchive]{
		{name: "archive name", unique: true, keys: func(a *EventArchive) []string { return []string{eventsPlace(a.Account, a.Region) + a.Name} }},
	},
}

// EventArchive finds an archive; nil if there is none.
func (s *Snapshot) EventArchive(account, region, name string) *EventArchive {
	return s.EventArchives.find(0, eventsPlace(account, region)+name)
}

// EventArchivesIn iterates over the archives of an account's region in the order of
// their names.
func (s *Snapshot) EventArchivesIn(account, region string) iter.Seq[*EventArchive] {
	return values(s.EventArchives.scan(0, eventsPlace(account, region), ""))
}
