package cloudtrail

import (
	"cmp"
	"iter"
	"slices"
	"strings"
	"time"

	base "github.com/warder-iam/warder/internal/api"
	api "github.com/warder-iam/warder/internal/api/cloudtrail"
	"github.com/warder-iam/warder/internal/awserr"
	"github.com/warder-iam/warder/internal/service"
	"github.com/warder-iam/warder/internal/state"
)

// Event data stores of CloudTrail Lake. They are kept and shown as they are
// configured; there is no engine that would query events in them, so they hold
// none. (https://docs.aws.amazon.com/awscloudtrail/latest/userguide/query-event-data-store.html)

const (
	maxEventDataStores = 10 // in a region, those that wait for their deletion included
	// restorable is how long a deleted event data store waits for its deletion.
	restorable = 7 * 24 * time.Hour
)

// The retention periods of the billing modes, in days.
var retentions = map[string]struct{ usual, longest int }{
	api.BillingModeEXTENDABLERETENTIONPRICING: {366, 3653},
	api.BillingModeFIXEDRETENTIONPRICING:      {2557, 2557},
}

// eventDataStores iterates over those of the request's region that are not gone.
func eventDataStores(c *service.Call, s *state.Snapshot) iter.Seq[*state.EventDataStore] {
	return func(yield func(*state.EventDataStore) bool) {
		for e := range s.EventDataStoresOf(c.Caller.Account, c.Region) {
			if !gone(c, e) && !yield(e) {
				return
			}
		}
	}
}

// gone says whether an event data store was deleted and can no longer be restored.
func gone(c *service.Call, e *state.EventDataStore) bool {
	return !e.Deleted.IsZero() && !c.Time.Before(e.Deleted.Add(restorable))
}

// eventDataStoreAt finds an event data store by its ARN; nil if there is none.
func eventDataStoreAt(c *service.Call, s *state.Snapshot, text string) *state.EventDataStore {
	if e := s.EventDataStoreByARN(text); e != nil && !gone(c, e) {
		return e
	}
	return nil
}

// eventDataStoreARN is the ARN of the event data store that a request names by its
// ARN or its id.
func eventDataStoreARN(c *service.Call, text string) (string, error) {
	if !strings.HasPrefix(text, "arn:") {
		return (&state.EventDataStore{LakeResource: state.LakeResource{Account: c.Caller.Account, Region: c.Region, ID: text}}).ARN(), nil
	}
	const code = "EventDataStoreARNInvalidException"
	text, err := ownARN(c, text, "eventdatastore", code)
	if err == nil && !strings.HasPrefix(text, "arn:aws:cloudtrail:"+c.Region+":") {
		err = wrongRegion(c, code)
	}
	return text, err
}

// findEventDataStore finds an event data store, which may be waiting for its deletion.
func findEventDataStore(c *service.Call, s *state.Snapshot, text string) (*state.EventDataStore, error) {
	name, err := eventDataStoreARN(c, text)
	if err != nil {
		return nil, err
	}
	e := eventDataStoreAt(c, s, name)
	if e == nil {
		return nil, awserr.New("EventDataStoreNotFoundException", "The event data store %s was not found.", name)
	}
	return e, nil
}

// findActive finds an event data store that is not deleted.
func findActive(c *service.Call, s *state.Snapshot, text string) (*state.EventDataStore, error) {
	e, err := findEventDataStore(c, s, text)
	if err == nil && !e.Deleted.IsZero() {
		err = awserr.New("InactiveEventDataStoreException", "The event data store %s is inactive.", e.ARN())
	}
	return e, err
}

func (s *Service) createEventDataStore(c *service.Call, tx *state.Tx, in *api.CreateEventDataStoreRequest) (*api.CreateEventDataStoreResponse, error) {
	tags, err := newTags(in.TagsList)
	if err != nil {
		return nil, err
	}
	e := &state.EventDataStore{
		LakeResource: state.LakeResource{
			ID: s.ids.Request(), Account: c.Caller.Account, Region: c.Region, Name: *in.Name, Created: c.Now(), Updated: c.Now(), Tags: tags,
		},
		Selectors:   []state.AdvancedEventSelector{{Name: "Default management events", Fields: []state.FieldSelector{{Field: "eventCategory", Equals: []string{management}}}}},
		MultiRegion: true, Protected: true, Billing: api.BillingModeEXTENDABLERETENTIONPRICING,
		Stopped: in.StartIngestion != nil && !*in.StartIngestion,
	}
	e.Billing = cmp.Or(base.Deref(in.BillingMode), e.Billing)
	e.Retention = retentions[e.Billing].usual
	if err := configure(e, &storeSettings{
		selectors: in.AdvancedEventSelectors, multiRegion: in.MultiRegionEnabled, organization: in.OrganizationEnabled,
		retention: in.RetentionPeriod, protected: in.TerminationProtectionEnabled, kmsKey: in.KmsKeyId,
	}); err != nil {
		return nil, err
	}
	if err := nameFree(c, &tx.Snapshot, e); err != nil {
		return nil, err
	}
	count := 0
	for other := range tx.EventDataStoresOf(e.Account, e.Region) {
		if gone(c, other) {
			tx.EventDataStores.Delete(other)
		} else {
			count++
		}
	}
	if count >= maxEventDataStores {
		return nil, awserr.New("EventDataStoreMaxLimitExceededException", "Your account has used the maximum number of event data stores.")
	}
	tx.EventDataStores.Put(e)
	return &api.CreateEventDataStoreResponse{
		EventDataStoreArn: new(e.ARN()), Name: &e.Name, Status: storeStatus(e), AdvancedEventSelectors: advancedOut(e.Selectors),
		MultiRegionEnabled: &e.MultiRegion, OrganizationEnabled: new(false), RetentionPeriod: new(int32(e.Retention)),
		TerminationProtectionEnabled: &e.Protected, TagsList: tagsOut(e.Tags), CreatedTimestamp: &e.Created, UpdatedTimestamp: &e.Updated, BillingMode: &e.Billing,
	}, nil
}

// nameFree checks that no other event data store has the name. Those that wait for
// their deletion leave theirs.
func nameFree(c *service.Call, s *state.Snapshot, e *state.EventDataStore) error {
	for other := range eventDataStores(c, s) {
		if other.ID != e.ID && other.Name == e.Name && other.Deleted.IsZero() {
			return awserr.New("EventDataStoreAlreadyExistsException", "An event data store with the name %s already exists.", e.Name)
		}
	}
	return nil
}

// storeSettings are what creating and updating an event data store set.
type storeSettings struct {
	selectors                            []api.AdvancedEventSelector
	multiRegion, organization, protected *bool
	retention                            *int32
	kmsKey                               *string
}

// configure applies settings to an event data store, whose billing mode is set.
func configure(e *state.EventDataStore, set *storeSettings) (err error) {
	if base.Deref(set.organization) {
		return noOrganization()
	}
	if set.kmsKey != nil {
		return awserr.New("KmsKeyNotFoundException", "There is no KMS key %s.", *set.kmsKey)
	}
	if len(set.selectors) > 0 {
		if e.Selectors, err = advancedSelectors(set.selectors, ofEventDataStore); err != nil {
			return err
		}
	}
	if set.multiRegion != nil {
		e.MultiRegion = *set.multiRegion
	}
	if set.protected != nil {
		e.Protected = *set.protected
	}
	if set.retention != nil {
		e.Retention = int(*set.retention)
	}
	if longest := retentions[e.Billing].longest; e.Retention > longest {
		return invalidParameter("The retention period of an event data store with the billing mode %s is limited to %d days.", e.Billing, longest)
	}
	return nil
}

func (s *Service) updateEventDataStore(c *service.Call, tx *state.Tx, in *api.UpdateEventDataStoreRequest) (*api.UpdateEventDataStoreResponse, error) {
	found, err := findActive(c, &tx.Snapshot, *in.EventDataStore)
	if err != nil {
		return nil, err
	}
	if in.Name == nil && len(in.AdvancedEventSelectors) == 0 && in.MultiRegionEnabled == nil && in.OrganizationEnabled == nil &&
		in.RetentionPeriod == nil && in.TerminationProtectionEnabled == nil && in.KmsKeyId == nil && in.BillingMode == nil {
		return nil, invalidParameter("At least one parameter besides EventDataStore must be specified.")
	}
	e := *found
	e.Name = cmp.Or(base.Deref(in.Name), e.Name)
	e.Updated = c.Now()
	if mode := cmp.Or(base.Deref(in.BillingMode), e.Billing); mode != e.Billing {
		if mode == api.BillingModeFIXEDRETENTIONPRICING {
			return nil, invalidParameter("The billing mode cannot be changed from %s to %s.", e.Billing, mode)
		}
		e.Billing = mode
	}
	if err := configure(&e, &storeSettings{
		selectors: in.AdvancedEventSelectors, multiRegion: in.MultiRegionEnabled, organization: in.OrganizationEnabled,
		retention: in.RetentionPeriod, protected: in.TerminationProtectionEnabled, kmsKey: in.KmsKeyId,
	}); err != nil {
		return nil, err
	}
	if kindOf(&e) != kindOf(found) {
		return nil, invalidSelectors("An event data store that takes %s events cannot take others.", kindOf(found))
	}
	if err := nameFree(c, &tx.Snapshot, &e); err != nil {
		return nil, err
	}
	tx.EventDataStores.Put(&e)
	return &api.UpdateEventDataStoreResponse{
		EventDataStoreArn: new(e.ARN()), Name: &e.Name, Status: storeStatus(&e), AdvancedEventSelectors: advancedOut(e.Selectors),
		MultiRegionEnabled: &e.MultiRegion, OrganizationEnabled: new(false), RetentionPeriod: new(int32(e.Retention)),
		TerminationProtectionEnabled: &e.Protected, CreatedTimestamp: &e.Created, UpdatedTimestamp: &e.Updated, BillingMode: &e.Billing,
		FederationStatus: new(api.FederationStatusDISABLED),
	}, nil
}

// cloudTrailEvents are management, data and network activity events.
const cloudTrailEvents = "CloudTrail"

// kindOf is what an event data store takes: CloudTrail's events, or one other
// category.
func kindOf(e *state.EventDataStore) string {
	if of := category(&e.Selectors[0]); slices.Contains(storeOnly, of) {
		return of
	}
	return cloudTrailEvents
}

func storeStatus(e *state.EventDataStore) *string {
	switch {
	case !e.Deleted.IsZero():
		return new(api.EventDataStoreStatusPENDINGDELETION)
	case e.Stopped:
		return new(api.EventDataStoreStatusSTOPPEDINGESTION)
	}
	return new(api.EventDataStoreStatusENABLED)
}

func (s *Service) getEventDataStore(c *service.Call, snap *state.Snapshot, in *api.GetEventDataStoreRequest) (*api.GetEventDataStoreResponse, error) {
	e, err := findEventDataStore(c, snap, *in.EventDataStore)
	if err != nil {
		return nil, err
	}
	return &api.GetEventDataStoreResponse{
		EventDataStoreArn: new(e.ARN()), Name: &e.Name, Status: storeStatus(e), AdvancedEventSelectors: advancedOut(e.Selectors),
		MultiRegionEnabled: &e.MultiRegion, OrganizationEnabled: new(false), RetentionPeriod: new(int32(e.Retention)),
		TerminationProtectionEnabled: &e.Protected, CreatedTimestamp: &e.Created, UpdatedTimestamp: &e.Updated, BillingMode: &e.Billing,
		FederationStatus: new(api.FederationStatusDISABLED),
	}, nil
}

func (s *Service) listEventDataStores(c *service.Call, snap *state.Snapshot, in *api.ListEventDataStoresRequest) (*api.ListEventDataStoresResponse, error) {
	stores, next, err := page(eventDataStores(c, snap), func(e *state.EventDataStore) string { return e.Name + "\x00" + e.ID }, in.NextToken, in.MaxResults)
	if err != nil {
		return nil, err
	}
	out := &api.ListEventDataStoresResponse{EventDataStores: []api.EventDataStore{}, NextToken: next}
	for _, e := range stores {
		out.EventDataStores = append(out.EventDataStores, api.EventDataStore{EventDataStoreArn: new(e.ARN()), Name: &e.Name})
	}
	return out, nil
}

func (s *Service) deleteEventDataStore(c *service.Call, tx *state.Tx, in *api.DeleteEventDataStoreRequest) (*api.DeleteEventDataStoreResponse, error) {
	e, err := findActive(c, &tx.Snapshot, *in.EventDataStore)
	if err != nil {
		return nil, err
	}
	if e.Protected {
		return nil, awserr.New("EventDataStoreTerminationProtectedException", "The event data store %s cannot be deleted because termination protection is enabled for it.", e.ARN())
	}
	for channel := range tx.ChannelsOf(e.Account, e.Region) {
		if slices.Contains(channel.Destinations, e.ARN()) {
			return nil, awserr.New("ChannelExistsForEDSException", "The event data store %s cannot be deleted because it is in use by the channel %s.", e.ARN(), channel.ARN())
		}
	}
	tx.EventDataStores.Update(e, func(e *state.EventDataStore) { e.Deleted, e.Updated = c.Now(), c.Now() })
	return nil, nil
}

func (s *Service) restoreEventDataStore(c *service.Call, tx *state.Tx, in *api.RestoreEventDataStoreRequest) (*api.RestoreEventDataStoreResponse, error) {
	e, err := findEventDataStore(c, &tx.Snapshot, *in.EventDataStore)
	if err != nil {
		return nil, err
	}
	if e.Deleted.IsZero() {
		return nil, storeStatusWrong(e)
	}
	if err := nameFree(c, &tx.Snapshot, e); err != nil {
		return nil, storeStatusWrong(e) // the documented errors have none for a name that is taken
	}
	e = tx.EventDataStores.Update(e, func(e *state.EventDataStore) { e.Deleted, e.Updated = time.Time{}, c.Now() })
	return &api.RestoreEventDataStoreResponse{
		EventDataStoreArn: new(e.ARN()), Name: &e.Name, Status: storeStatus(e), AdvancedEventSelectors: advancedOut(e.Selectors),
		MultiRegionEnabled: &e.MultiRegion, OrganizationEnabled: new(false), RetentionPeriod: new(int32(e.Retention)),
		TerminationProtectionEnabled: &e.Protected, CreatedTimestamp: &e.Created, UpdatedTimestamp: &e.Updated, BillingMode: &e.Billing,
	}, nil
}

func storeStatusWrong(e *state.EventDataStore) error {
	return awserr.New("InvalidEventDataStoreStatusException", "The event data store %s is in the status %s, which does not support the operation.", e.ARN(), *storeStatus(e))
}

func (s *Service) startEventDataStoreIngestion(c *service.Call, tx *state.Tx, in *api.StartEventDataStoreIngestionRequest) (*api.StartEventDataStoreIngestionResponse, error) {
	return nil, setIngestion(c, tx, *in.EventDataStore, false)
}

func (s *Service) stopEventDataStoreIngestion(c *service.Call, tx *state.Tx, in *api.StopEventDataStoreIngestionRequest) (*api.StopEventDataStoreIngestionResponse, error) {
	return nil, setIngestion(c, tx, *in.EventDataStore, true)
}

// setIngestion starts or stops what is stopped or started.
func setIngestion(c *service.Call, tx *state.Tx, text string, stopped bool) error {
	e, err := findEventDataStore(c, &tx.Snapshot, text)
	switch {
	case err != nil:
		return err
	case !e.Deleted.IsZero() || e.Stopped == stopped:
		return storeStatusWrong(e)
	case kindOf(e) != cloudTrailEvents && kindOf(e) != "ConfigurationItem":
		return awserr.New("InvalidEventDataStoreCategoryException", "The ingestion of %s events cannot be started or stopped.", kindOf(e))
	}
	tx.EventDataStores.Update(e, func(e *state.EventDataStore) { e.Stopped, e.Updated = stopped, c.Now() })
	return nil
}

// enableFederation would make the events readable by other services.
func (s *Service) enableFederation(c *service.Call, snap *state.Snapshot, in *api.EnableFederationRequest) (*api.EnableFederationResponse, error) {
	e, err := findActive(c, snap, *in.EventDataStore)
	if err != nil {
		return nil, err
	}
	return nil, unsupported("The event data store %s cannot be federated by the role %s: there is no AWS Glue Data Catalog.", e.ARN(), *in.FederationRoleArn)
}

// disableFederation changes nothing, as no event data store is federated.
func (s *Service) disableFederation(c *service.Call, snap *state.Snapshot, in *api.DisableFederationRequest) (*api.DisableFederationResponse, error) {
	e, err := findActive(c, snap, *in.EventDataStore)
	if err != nil {
		return nil, err
	}
	return &api.DisableFederationResponse{EventDataStoreArn: new(e.ARN()), FederationStatus: new(api.FederationStatusDISABLED)}, nil
}
