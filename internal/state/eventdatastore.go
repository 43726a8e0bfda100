package state

import (
	"iter"
	"time"
)

// EventDataStore is what an event data store is configured with
// (https://docs.aws.amazon.com/awscloudtrail/latest/userguide/query-event-data-store.html).
type EventDataStore struct {
	LakeResource
	Selectors   []AdvancedEventSelector
	MultiRegion bool
	Retention   int       // days
	Billing     string    // "EXTENDABLE_RETENTION_PRICING" or "FIXED_RETENTION_PRICING"
	Protected   bool      // from deletion
	Stopped     bool      // takes no events
	Deleted     time.Time `json:",omitzero"` // when it was deleted; it can be restored for a while

	Large       bool                 `json:",omitempty"` // events may be large
	ContextKeys []ContextKeySelector `json:",omitempty"` // what is added to events
}

// ContextKeySelector names tags or condition keys that are added to events.
type ContextKeySelector struct {
	Type string // "TagContext" or "RequestContext"
	Keys []string
}

// ARN is the event data store's name in policies.
func (e *EventDataStore) ARN() string {
	return cloudTrailARN(e.Region, e.Account, "eventdatastore", e.ID)
}

var eventDataStoreSchema = schema[EventDataStore]{
	prefix: "cloudtrail/event-data-store/",
	key:    func(e *EventDataStore) string { return e.ID },
	indexes: []index[EventDataStore]{
		lakeByARN:    {name: "ARN", unique: true, keys: func(e *EventDataStore) []string { return []string{e.ARN()} }},
		lakeByRegion: {name: "region", keys: func(e *EventDataStore) []string { return e.inRegion() }},
	},
}

// EventDataStoreByARN finds an event data store; nil if there is none.
func (s *Snapshot) EventDataStoreByARN(text string) *EventDataStore {
	return s.EventDataStores.find(lakeByARN, text)
}

// EventDataStoresOf iterates over the event data stores of an account's region, by
// name.
func (s *Snapshot) EventDataStoresOf(account, region string) iter.Seq[*EventDataStore] {
	return values(s.EventDataStores.scan(lakeByRegion, account+"/"+region+"/", ""))
}
