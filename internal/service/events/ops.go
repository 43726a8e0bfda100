package events

import (
	"slices"

	"github.com/warder-iam/warder/internal/service"
)

// operations is the table of EventBridge: every operation with its authorization
// entry and its rule.
func (s *Service) operations() []service.Operation {
	return slices.Concat(
		s.ruleOperations(),
		s.busOperations(),
		s.destinationOperations(),
		s.archiveOperations(),
		s.partnerOperations(),
		s.endpointOperations(),
	)
}

func (s *Service) ruleOperations() []service.Operation {
	return []service.Operation{
		service.Write("PutRule", passing(tagging(on(ruleNamed("Name"), requestTags, patternKeys)), ruleRole), s.putRule),
		service.Read("DescribeRule", on(ruleNamed("Name")), s.describeRule),
		service.Read("ListRules", on(anything), s.listRules),
		service.Read("ListRuleNamesByTarget", on(anything), s.listRuleNamesByTarget),
		service.Write("EnableRule", on(ruleNamed("Name")), s.enableRule),
		service.Write("DisableRule", on(ruleNamed("Name")), s.disableRule),
		service.Write("DeleteRule", on(ruleNamed("Name")), s.deleteRule),
		service.Write("PutTargets", passing(on(ruleNamed("Rule"), targetARNs), targetRoles), s.putTargets),
		service.Read("ListTargetsByRule", on(ruleNamed("Rule")), s.listTargetsByRule),
		service.Write("RemoveTargets", on(ruleNamed("Rule")), s.removeTargets),
		service.Read("TestEventPattern", on(anything), s.testEventPattern),
		service.Write("TagResource", on(tagged, requestTags), s.tagResource),
		service.Write("UntagResource", on(tagged, tagKeys), s.untagResource),
		service.Read("ListTagsForResource", on(tagged), s.listTagsForResource),
	}
}

func (s *Service) busOperations() []service.Operation {
	return []service.Operation{
		service.Write("CreateEventBus", tagging(on(busNamed, requestTags)), s.createEventBus),
		service.Write("UpdateEventBus", on(busNamed), s.updateEventBus),
		service.Write("DeleteEventBus", on(busNamed), s.deleteEventBus),
		service.Read("DescribeEventBus", on(busNamed), s.describeEventBus),
		service.Read("ListEventBuses", on(anything), s.listEventBuses),
		service.Write("PutPermission", on(anything), s.putPermission),
		service.Write("RemovePermission", on(anything), s.removePermission),
		service.Read("PutEvents", putting, s.putEvents),
	}
}

func (s *Service) destinationOperations() []service.Operation {
	return []service.Operation{
		service.Write("CreateConnection", on(named("connection", "Name")), s.createConnection),
		service.Write("UpdateConnection", on(named("connection", "Name")), s.updateConnection),
		service.Write("DeauthorizeConnection", on(named("connection", "Name")), s.deauthorizeConnection),
		service.Write("DeleteConnection", on(named("connection", "Name")), s.deleteConnection),
		service.Read("DescribeConnection", on(named("connection", "Name")), s.describeConnection),
		service.Read("ListConnections", on(anything), s.listConnections),
		service.Write("CreateApiDestination", alsoOnConnection(on(named("api-destination", "Name"))), s.createAPIDestination),
		service.Write("UpdateApiDestination", on(named("api-destination", "Name")), s.updateAPIDestination),
		service.Write("DeleteApiDestination", on(named("api-destination", "Name")), s.deleteAPIDestination),
		service.Read("DescribeApiDestination", on(named("api-destination", "Name")), s.describeAPIDestination),
		service.Read("ListApiDestinations", on(anything), s.listAPIDestinations),
	}
}

// archiveOperations find none: Warder keeps no archives, and does not implement what
// makes one or replays it.
func (s *Service) archiveOperations() []service.Operation {
	return []service.Operation{
		service.Write("DeleteArchive", on(named("archive", "ArchiveName")), deleteArchive),
		service.Read("DescribeArchive", on(named("archive", "ArchiveName")), describeArchive),
		service.Read("ListArchives", on(anything), listArchives),
		service.Write("CancelReplay", on(named("replay", "ReplayName")), cancelReplay),
		service.Read("DescribeReplay", on(named("replay", "ReplayName")), describeReplay),
		service.Read("ListReplays", on(anything), listReplays),
	}
}

// partnerOperations are about the event sources of AWS's software partners, which
// nobody here has.
func (s *Service) partnerOperations() []service.Operation {
	return []service.Operation{
		service.Write("ActivateEventSource", on(eventSource("Name")), activateEventSource),
		service.Write("DeactivateEventSource", on(eventSource("Name")), deactivateEventSource),
		service.Read("DescribeEventSource", on(eventSource("Name")), describeEventSource),
		service.Read("ListEventSources", on(anything), listEventSources),
		service.Write("DeletePartnerEventSource", on(eventSource("Name")), deletePartnerEventSource),
		service.Read("DescribePartnerEventSource", on(eventSource("Name")), describePartnerEventSource),
		service.Read("ListPartnerEventSources", on(anything), listPartnerEventSources),
		service.Read("ListPartnerEventSourceAccounts", on(eventSource("EventSourceName")), listPartnerEventSourceAccounts),
	}
}

// endpointOperations are about endpoints that span two regions, of which there are none.
func (s *Service) endpointOperations() []service.Operation {
	return []service.Operation{
		service.Write("DeleteEndpoint", on(named("endpoint", "Name")), deleteEndpoint),
		service.Read("DescribeEndpoint", on(named("endpoint", "Name")), describeEndpoint),
		service.Read("ListEndpoints", on(anything), listEndpoints),
	}
}
