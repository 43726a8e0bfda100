// Package cloudtrail holds the rules of AWS CloudTrail: the history of an
// account's events, the trails that deliver them, and what CloudTrail Lake is
// configured with. What Lake would need an engine for, queries first of all, is
// refused with UnsupportedOperationException.
//
// The events are made by internal/audit and kept by internal/audit/trail; which of
// them a trail takes is told by internal/audit/selector. Who delivers them
// implements Delivery.
package cloudtrail

import (
	"github.com/warder-iam/warder/internal/audit/trail"
	"github.com/warder-iam/warder/internal/ids"
	"github.com/warder-iam/warder/internal/service"

	api "github.com/warder-iam/warder/internal/api/cloudtrail"
)

// Config is what CloudTrail works with.
type Config struct {
	IDs      *ids.Source
	Index    *trail.Index // of the events
	Delivery Delivery     // nil: there are no buckets
	Topics   Topics       // nil: nobody is told of deliveries
}

// Service is CloudTrail.
type Service struct {
	ids      *ids.Source
	index    *trail.Index
	delivery Delivery
	topics   Topics
}

// New makes CloudTrail's table of operations.
func New(c Config) *service.Service {
	s := &Service{ids: c.IDs, index: c.Index, delivery: c.Delivery, topics: c.Topics}
	return service.New(&api.Service, nil, s.operations())
}
