package cloudtrail

import (
	"slices"

	"github.com/warder-iam/warder/internal/service"
)

// Short names for the vocabulary of the tables below.
var (
	on       = service.On
	anything = service.Target(service.Anything)
)

// operations is the table of CloudTrail: every operation with its authorization
// entry and its rule.
func (s *Service) operations() []service.Operation {
	return slices.Concat(
		s.eventOperations(),
	)
}

func (s *Service) eventOperations() []service.Operation {
	return []service.Operation{
		service.Read("LookupEvents", on(anything), s.lookupEvents),
	}
}
