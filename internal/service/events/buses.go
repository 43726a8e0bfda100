package events

import (
	"slices"
	"strings"

	api "github.com/warder-iam/warder/internal/api/events"
	"github.com/warder-iam/warder/internal/service"
	"github.com/warder-iam/warder/internal/state"
	"github.com/warder-iam/warder/policy"
)

// Event buses (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-bus.html).

// maxBuses is how many buses an account has in a region, the default bus among them
// (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html).
const maxBuses = 100

func (s *Service) createEventBus(c *service.Call, tx *state.Tx, in *api.CreateEventBusRequest) (*api.CreateEventBusResponse, error) {
	if err := plainBus(in.KmsKeyIdentifier, in.DeadLetterConfig, in.LogConfig); err != nil {
		return nil, err
	}
	b := &state.EventBus{
		Account: c.Caller.Account, Region: c.Region, Name: *in.Name, Created: c.Now(), Modified: c.Now(), Description: deref(in.Description),
	}
	switch {
	case in.EventSourceName != nil:
		return nil, notFound("Event source %s does not exist.", *in.EventSourceName)
	case strings.Contains(b.Name, "/"):
		return nil, invalid("Event bus name must not contain '/'.")
	case tx.EventBus(b.Account, b.Region, b.Name) != nil:
		return nil, exists("Event bus", b.Name)
	case atLeast(tx.EventBusesIn(b.Account, b.Region), maxBuses-1):
		return nil, overLimit()
	}
	var err error
	if b.Tags, err = mergeTags(nil, in.Tags); err != nil {
		return nil, err
	}
	tx.EventBuses.Put(b)
	return &api.CreateEventBusResponse{EventBusArn: new(b.ARN()), Description: optional(b.Description)}, nil
}

// plainBus refuses what Warder's buses do not have.
func plainBus(key *string, dead *api.DeadLetterConfig, log *api.LogConfig) error {
	switch {
	case deref(key) != "":
		return notBuilt("KmsKeyIdentifier", "Warder has no KMS")
	case dead != nil && dead.Arn != nil:
		return notBuilt("DeadLetterConfig", "Warder encrypts no events, so that none is lost for want of a key")
	case log != nil && (log.Level != nil && *log.Level != api.LevelOFF || log.IncludeDetail != nil && *log.IncludeDetail != api.IncludeDetailNONE):
		return notBuilt("LogConfig", "Warder has no logs of event buses")
	}
	return nil
}

// ownBus finds a bus of the caller's; nil is the default one.
func ownBus(c *service.Call, s *state.Snapshot, name *string) (*state.EventBus, error) {
	p, err := placeOf(c, name)
	if err != nil {
		return nil, err
	}
	return p.find(s)
}

func (s *Service) updateEventBus(c *service.Call, tx *state.Tx, in *api.UpdateEventBusRequest) (*api.UpdateEventBusResponse, error) {
	if err := plainBus(in.KmsKeyIdentifier, in.DeadLetterConfig, in.LogConfig); err != nil {
		return nil, err
	}
	b, err := ownBus(c, &tx.Snapshot, in.Name)
	if err != nil {
		return nil, err
	}
	b = tx.EventBuses.Update(b, func(b *state.EventBus) { b.Description, b.Modified = deref(in.Description), c.Now() })
	return &api.UpdateEventBusResponse{Arn: new(b.ARN()), Name: &b.Name, Description: optional(b.Description)}, nil
}

// deleteEventBus deletes a bus with its rules. It is no error if there is none.
func (s *Service) deleteEventBus(c *service.Call, tx *state.Tx, in *api.DeleteEventBusRequest) (*none, error) {
	if *in.Name == state.DefaultEventBus {
		return nil, invalid("Cannot delete event bus default.")
	}
	b := tx.EventBus(c.Caller.Account, c.Region, *in.Name)
	if b == nil {
		return nil, nil
	}
	for _, r := range slices.Collect(tx.EventRulesOf(b.Account, b.Region, b.Name, "")) {
		tx.EventRules.Delete(r)
	}
	tx.EventBuses.Delete(b)
	return nil, nil
}

func (s *Service) describeEventBus(c *service.Call, snap *state.Snapshot, in *api.DescribeEventBusRequest) (*api.DescribeEventBusResponse, error) {
	b, err := ownBus(c, snap, in.Name)
	if err != nil {
		return nil, err
	}
	return &api.DescribeEventBusResponse{
		Name: &b.Name, Arn: new(b.ARN()), Description: optional(b.Description), Policy: policyOut(snap, b), CreationTime: &b.Created, LastModifiedTime: &b.Modified,
	}, nil
}

// policyOut is a bus's policy as it reads now.
func policyOut(s *state.Snapshot, b *state.EventBus) *string {
	if b.Policy == nil {
		return nil
	}
	return new(s.Shown(policy.Resource, b.Policy))
}

func (s *Service) listEventBuses(c *service.Call, snap *state.Snapshot, in *api.ListEventBusesRequest) (*api.ListEventBusesResponse, error) {
	all := append(slices.Collect(snap.EventBusesIn(c.Caller.Account, c.Region)), snap.EventBus(c.Caller.Account, c.Region, state.DefaultEventBus))
	slices.SortFunc(all, func(a, b *state.EventBus) int { return strings.Compare(a.Name, b.Name) })
	buses, next, err := page(slices.Values(all), func(b *state.EventBus) string { return b.Name }, in.NamePrefix, in.NextToken, in.Limit, nil)
	if err != nil {
		return nil, err
	}
	out := &api.ListEventBusesResponse{EventBuses: []api.EventBus{}, NextToken: next}
	for _, b := range buses {
		out.EventBuses = append(out.EventBuses, api.EventBus{
			Name: &b.Name, Arn: new(b.ARN()), Description: optional(b.Description), Policy: policyOut(snap, b), CreationTime: &b.Created, LastModifiedTime: &b.Modified,
		})
	}
	return out, nil
}
