// Package events holds the rules of Amazon EventBridge: event buses and who may put
// events on them, rules and their targets, connections and API destinations,
// archives, and the events that callers put.
//
// It says which events go where; what it is that sends them there is a Bus, which
// the daemon hands in (internal/eventbus). Partner event sources and global endpoints
// are as in an account that has none.
package events

import (
	"context"
	"time"

	base "github.com/warder-iam/warder/internal/api"
	api "github.com/warder-iam/warder/internal/api/events"
	"github.com/warder-iam/warder/internal/ids"
	"github.com/warder-iam/warder/internal/seal"
	"github.com/warder-iam/warder/internal/service"
	"github.com/warder-iam/warder/internal/state"
)

// Event is an event on its way to a bus.
type Event struct {
	ID   string
	JSON []byte    // as rules see it
	Time time.Time // when it was taken
}

// Bus takes events for the rules of a bus. When Put returns without an error, they are
// kept, and are sent to the targets whatever happens to the server.
type Bus interface {
	Put(ctx context.Context, bus *state.EventBus, events []Event) error
}

// Service is EventBridge.
type Service struct {
	ids  *ids.Source
	ring *seal.Keyring
	bus  Bus
}

// Config is what EventBridge works with.
type Config struct {
	IDs  *ids.Source
	Ring *seal.Keyring // seals the secrets of connections
	Bus  Bus           // nil: events that are put are refused
}

// New makes EventBridge's table of operations.
func New(c Config) *service.Service {
	s := &Service{ids: c.IDs, ring: c.Ring, bus: c.Bus}
	return service.New(&api.Service, nil, s.operations())
}

// none is the output of an operation that has none.
type none = base.None

// optional is nil for the zero value: AWS leaves such members out.
func optional[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

func deref[T any](p *T) T { return base.Deref(p) }
