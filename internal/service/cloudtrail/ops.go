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
		s.trailOperations(),
		s.selectorOperations(),
		s.resourceOperations(),
		s.eventDataStoreOperations(),
		s.channelOperations(),
		s.dashboardOperations(),
		s.queryOperations(),
		s.importOperations(),
		s.organizationOperations(),
	)
}

func (s *Service) eventOperations() []service.Operation {
	return []service.Operation{
		service.Read("LookupEvents", on(anything), s.lookupEvents),
		service.Read("ListInsightsData", on(insightsFrom), s.listInsightsData),
		service.Read("ListInsightsMetricData", metrics, s.listInsightsMetricData),
	}
}

func (s *Service) trailOperations() []service.Operation {
	return []service.Operation{
		service.WithPrepare(service.Write("CreateTrail", creating(trailNamed, "TagsList"), s.createTrail), s.prepareCreateTrail),
		service.WithPrepare(service.Write("UpdateTrail", on(trailNamed), s.updateTrail), s.prepareUpdateTrail),
		service.Write("DeleteTrail", on(trailNamed), s.deleteTrail),
		service.Read("GetTrail", on(trailNamed), s.getTrail),
		service.Read("DescribeTrails", on(anything), s.describeTrails),
		service.Read("ListTrails", on(anything), s.listTrails),
		service.Write("StartLogging", on(trailNamed), s.startLogging),
		service.Write("StopLogging", on(trailNamed), s.stopLogging),
		service.Read("GetTrailStatus", on(trailNamed), s.getTrailStatus),
		service.Read("ListPublicKeys", on(anything), s.listPublicKeys),
	}
}

func (s *Service) selectorOperations() []service.Operation {
	return []service.Operation{
		service.Write("PutEventSelectors", on(trailOf), s.putEventSelectors),
		service.Read("GetEventSelectors", on(trailOf), s.getEventSelectors),
		service.Write("PutInsightSelectors", on(trailOrStore), s.putInsightSelectors),
		service.Read("GetInsightSelectors", on(trailOrStore), s.getInsightSelectors),
		service.Write("PutEventConfiguration", on(trailOrStore), s.putEventConfiguration),
		service.Read("GetEventConfiguration", on(trailOrStore), s.getEventConfiguration),
	}
}

// resourceOperations are for resources of several types.
func (s *Service) resourceOperations() []service.Operation {
	return []service.Operation{
		service.Write("AddTags", on(tagged, requestTags("TagsList")), s.addTags),
		service.Write("RemoveTags", on(tagged, tagKeys), s.removeTags),
		service.Read("ListTags", onEach(anyARN, "ResourceIdList", itself), s.listTags),
		service.Write("PutResourcePolicy", on(governed), s.putResourcePolicy),
		service.Read("GetResourcePolicy", on(governed), s.getResourcePolicy),
		service.Write("DeleteResourcePolicy", on(governed), s.deleteResourcePolicy),
	}
}

func (s *Service) eventDataStoreOperations() []service.Operation {
	return []service.Operation{
		service.Write("CreateEventDataStore", creating(newStore, "TagsList"), s.createEventDataStore),
		service.Write("UpdateEventDataStore", on(store), s.updateEventDataStore),
		service.Write("DeleteEventDataStore", on(store), s.deleteEventDataStore),
		service.Write("RestoreEventDataStore", on(store), s.restoreEventDataStore),
		service.Read("GetEventDataStore", on(store), s.getEventDataStore),
		service.Read("ListEventDataStores", on(anything), s.listEventDataStores),
		service.Write("StartEventDataStoreIngestion", on(store), s.startEventDataStoreIngestion),
		service.Write("StopEventDataStoreIngestion", on(store), s.stopEventDataStoreIngestion),
		service.Read("EnableFederation", on(store), s.enableFederation),
		service.Read("DisableFederation", on(store), s.disableFederation),
	}
}

func (s *Service) channelOperations() []service.Operation {
	return []service.Operation{
		service.Write("CreateChannel", creatingChannel, s.createChannel),
		service.Write("UpdateChannel", on(channel), s.updateChannel),
		service.Write("DeleteChannel", on(channel), s.deleteChannel),
		service.Read("GetChannel", on(channel), s.getChannel),
		service.Read("ListChannels", on(anything), s.listChannels),
	}
}

func (s *Service) dashboardOperations() []service.Operation {
	return []service.Operation{
		service.Write("CreateDashboard", creating(newDashboard, "TagsList"), s.createDashboard),
		service.Write("UpdateDashboard", on(dashboard), s.updateDashboard),
		service.Write("DeleteDashboard", on(dashboard), s.deleteDashboard),
		service.Read("GetDashboard", on(dashboard), s.getDashboard),
		service.Read("ListDashboards", on(anything), s.listDashboards),
		service.Read("StartDashboardRefresh", on(dashboard), s.startDashboardRefresh),
	}
}

func (s *Service) queryOperations() []service.Operation {
	return []service.Operation{
		service.Read("StartQuery", on(anyStore), s.startQuery),
		service.Read("DescribeQuery", on(store), s.describeQuery),
		service.Read("GetQueryResults", on(store), s.getQueryResults),
		service.Read("CancelQuery", on(store), s.cancelQuery),
		service.Read("ListQueries", on(store), s.listQueries),
		service.Read("GenerateQuery", onEach(eventDataStoreARN, "EventDataStores", itself), s.generateQuery),
		service.Read("SearchSampleQueries", on(anything), s.searchSampleQueries),
	}
}

func (s *Service) importOperations() []service.Operation {
	return []service.Operation{
		service.Read("StartImport", on(anything), s.startImport),
		service.Read("StopImport", on(anything), s.stopImport),
		service.Read("GetImport", on(anything), s.getImport),
		service.Read("ListImports", on(anything), s.listImports),
		service.Read("ListImportFailures", on(anything), s.listImportFailures),
	}
}

func (s *Service) organizationOperations() []service.Operation {
	return []service.Operation{
		service.Read("RegisterOrganizationDelegatedAdmin", on(anything), s.registerOrganizationDelegatedAdmin),
		service.Read("DeregisterOrganizationDelegatedAdmin", on(anything), s.deregisterOrganizationDelegatedAdmin),
	}
}
