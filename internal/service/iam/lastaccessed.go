package iam

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/warder-iam/warder/arn"
	base "github.com/warder-iam/warder/internal/api"
	api "github.com/warder-iam/warder/internal/api/iam"
	stsapi "github.com/warder-iam/warder/internal/api/sts"
	"github.com/warder-iam/warder/internal/awserr"
	"github.com/warder-iam/warder/internal/catalog"
	"github.com/warder-iam/warder/internal/reach"
	"github.com/warder-iam/warder/internal/service"
	"github.com/warder-iam/warder/internal/state"
)

// Last accessed information: the services, and the actions, that the policies
// of a user, group or role grant, or a managed policy, and when they were last
// used
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_last-accessed.html).
// What was used is recorded by internal/server for every request to Warder and
// by AuthZEN for the services that ask it; what is granted is for package reach
// to say. A report shows the moment it was asked for, at which it is made.

const (
	// reportLifetime is how long a report can be read. AWS does not say.
	reportLifetime = 24 * time.Hour
	// maxReports bounds the reports of an account: enough for one of each user
	// that an account has by default. The oldest goes.
	maxReports = 5000
	// maxReportEntries bounds what they keep about entities, all together, to some
	// tens of megabytes. The newest is kept however large it is: it holds no more
	// than what is recorded of use in any case.
	maxReportEntries = 200_000
	// servicesPage is how many services a page has that nobody said the length of.
	// AWS documents 100; this is what it was seen to send.
	servicesPage = 200
)

// generateServiceLastAccessedDetails keeps the report that was prepared.
func (s *Service) generateServiceLastAccessedDetails(c *service.Call, tx *state.Tx, _ *api.GenerateServiceLastAccessedDetailsRequest) (*api.GenerateServiceLastAccessedDetailsResponse, error) {
	report := c.Prepared.(*state.AccessReport)
	for _, r := range makeRoom(slices.Collect(tx.AccessReportsOf(c.Caller.Account)), report, c.Time) {
		tx.AccessReports.Delete(r)
	}
	tx.AccessReports.Put(report)
	return &api.GenerateServiceLastAccessedDetailsResponse{JobId: ptr(report.ID)}, nil
}

// makeRoom is which of an account's reports, the oldest first, go when another one
// comes: those that nobody can read any more, and the oldest of too many.
func makeRoom(kept []*state.AccessReport, report *state.AccessReport, now time.Time) (gone []*state.AccessReport) {
	entries := report.Entries()
	for i, r := range slices.Backward(kept) {
		entries += r.Entries()
		if !readable(r, now) || len(kept)-i >= maxReports || entries > maxReportEntries {
			return kept[:i+1]
		}
	}
	return nil
}

func readable(r *state.AccessReport, now time.Time) bool {
	return now.Before(r.Created.Add(reportLifetime))
}

// prepareServiceLastAccessedDetails makes the report.
func (s *Service) prepareServiceLastAccessedDetails(c *service.Call, snap *state.Snapshot, in *api.GenerateServiceLastAccessedDetailsRequest) (any, error) {
	subject, err := findAccessSubject(snap, c.Caller.Account, *in.Arn)
	if err != nil {
		return nil, err
	}
	policies, err := documents(subject.policies)
	if err != nil {
		return nil, err
	}
	report := &state.AccessReport{
		ID: s.ids.Request(), Account: c.Caller.Account, Owner: c.Caller.UserID(), Created: c.Now(),
		ActionLevel: deref(in.Granularity) == api.AccessAdvisorUsageGranularityTypeACTIONLEVEL,
		Entities:    subject.entities,
	}
	granted := reach.New(catalog.Open(), policies, policies)
	actions := make(map[string][]string) // tracked ones, by service
	for _, prefix := range granted.Services() {
		actions[prefix] = nil
		if report.ActionLevel && servedHere[prefix] != nil {
			actions[prefix] = slices.DeleteFunc(granted.Actions(prefix), func(name string) bool { return servedHere[prefix].Operation(name) == nil })
		}
	}
	for i := range report.Entities {
		e := &report.Entities[i]
		used := snap.AccessesOf(e.ID, c.Time)
		for _, prefix := range slices.Sorted(maps.Keys(used)) {
			a := used[prefix]
			a.Actions = slices.DeleteFunc(slices.Clone(a.Actions), func(x state.ActionAccess) bool { return !granted.Action(prefix + ":" + x.Name) })
			// A service that only its use tells of is granted by "*", or by the name
			// of an action that the catalog does not have.
			if _, known := actions[prefix]; !known && len(a.Actions) == 0 && !granted.Service(prefix) {
				continue
			}
			names := actions[prefix]
			if report.ActionLevel {
				for _, x := range a.Actions {
					names = append(names, x.Name)
				}
			} else {
				a.Actions = nil
			}
			actions[prefix] = names
			e.Used = append(e.Used, a)
		}
	}
	report.Services = strings.Join(slices.Sorted(maps.Keys(actions)), " ")
	if report.ActionLevel {
		report.Actions = make(map[string]string)
		for prefix, names := range actions {
			if len(names) > 0 {
				slices.Sort(names)
				report.Actions[prefix] = strings.Join(slices.Compact(names), " ")
			}
		}
	}
	return report, nil
}

// servedHere are the services whose requests Warder sees all of, so that it can
// tell which of their actions were not used. iam:PassRole and other actions that
// are no operations are not tracked, as with AWS.
var servedHere = map[string]*base.Service{"iam": &api.Service, "sts": &stsapi.Service}

// readReport finds a report by its job's id. Only who had it made may read it,
// a role in a session of the same name
// (https://docs.aws.amazon.com/IAM/latest/APIReference/API_GenerateServiceLastAccessedDetails.html).
func readReport(c *service.Call, snap *state.Snapshot, jobID string) (*state.AccessReport, error) {
	r := snap.AccessReports.Get(jobID)
	if r == nil || r.Account != c.Caller.Account || r.Owner != c.Caller.UserID() || !readable(r, c.Time) {
		return nil, awserr.New("NoSuchEntity", "Job %s does not exist.", jobID)
	}
	return r, nil
}

func (s *Service) getServiceLastAccessedDetails(c *service.Call, snap *state.Snapshot, in *api.GetServiceLastAccessedDetailsRequest) (*api.GetServiceLastAccessedDetailsResponse, error) {
	after, limit, err := start(in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	if in.MaxItems == nil {
		limit = servicesPage
	}
	r, err := readReport(c, snap, *in.JobId)
	if err != nil {
		return nil, err
	}
	list := r.ID + "/services/"
	if err := ofList(after, list); err != nil {
		return nil, err
	}
	services, end := pageOf(strings.Fields(r.Services), after, limit, func(prefix string) string { return list + prefix })
	jobType := api.AccessAdvisorUsageGranularityTypeSERVICELEVEL
	if r.ActionLevel {
		jobType = api.AccessAdvisorUsageGranularityTypeACTIONLEVEL
	}
	out := &api.GetServiceLastAccessedDetailsResponse{
		JobStatus: ptr(api.JobStatusTypeCOMPLETED), JobType: ptr(jobType), JobCreationDate: ptr(r.Created), JobCompletionDate: ptr(r.Created),
		ServicesLastAccessed: make([]api.ServiceLastAccessed, 0, len(services)), IsTruncated: end.IsTruncated, Marker: end.Marker,
	}
	uses := usesOf(r)
	for _, prefix := range services {
		out.ServicesLastAccessed = append(out.ServicesLastAccessed, uses[prefix].out(r, prefix))
	}
	return out, nil
}

// ofList refuses a marker that is of another report, or of its other list.
func ofList(after, list string) error {
	if after != "" && !strings.HasPrefix(after, list) {
		return invalidInput("The marker passed in the request was invalid.")
	}
	return nil
}

// serviceUse is what all entities of a report together used of a service.
type serviceUse struct {
	last    state.AccessTime
	by      string // ARN of who used it last
	total   int32
	actions map[string]actionUse
}

type actionUse struct {
	state.AccessTime
	by string
}

// usesOf sums a report up, by service.
func usesOf(r *state.AccessReport) map[string]*serviceUse {
	uses := make(map[string]*serviceUse)
	for _, e := range r.Entities {
		for _, a := range e.Used {
			u := uses[a.Service]
			if u == nil {
				u = &serviceUse{actions: make(map[string]actionUse)}
				uses[a.Service] = u
			}
			u.total++
			if a.Date.After(u.last.Date) {
				u.last, u.by = a.AccessTime, e.ARN
			}
			for _, x := range a.Actions {
				if x.Date.After(u.actions[x.Name].Date) {
					u.actions[x.Name] = actionUse{x.AccessTime, e.ARN}
				}
			}
		}
	}
	return uses
}

// out is the row of a service; u is nil if nobody used it. A tracked action that
// nobody used has its name only.
func (u *serviceUse) out(r *state.AccessReport, prefix string) api.ServiceLastAccessed {
	row := api.ServiceLastAccessed{ServiceName: ptr(nameOfService(prefix)), ServiceNamespace: ptr(prefix), TotalAuthenticatedEntities: ptr(int32(0))}
	if u != nil {
		row.LastAuthenticated, row.LastAuthenticatedEntity, row.LastAuthenticatedRegion = ptr(u.last.Date), ptr(u.by), optional(u.last.Region)
		row.TotalAuthenticatedEntities = ptr(u.total)
	}
	for _, name := range strings.Fields(r.Actions[prefix]) {
		x := api.TrackedActionLastAccessed{ActionName: ptr(name)}
		if u != nil {
			if use, ok := u.actions[name]; ok {
				x.LastAccessedTime, x.LastAccessedEntity, x.LastAccessedRegion = ptr(use.Date), ptr(use.by), optional(use.Region)
			}
		}
		row.TrackedActionsLastAccessed = append(row.TrackedActionsLastAccessed, x)
	}
	return row
}

// serviceNames are what AWS was seen to call services here, where the service
// authorization reference has another name for them.
var serviceNames = map[string]string{
	"apigateway":           "Manage - Amazon API Gateway",
	"aws-marketplace":      "AWS Marketplace",
	"cloudformation":       "AWS CloudFormation",
	"consoleapp":           "AWS Console Mobile App",
	"elasticloadbalancing": "Elastic Load Balancing",
	"greengrass":           "AWS IoT Greengrass",
	"iam":                  "AWS Identity and Access Management",
	"importexport":         "AWS Import Export",
	"kinesisanalytics":     "Amazon Kinesis Analytics",
	"lex":                  "Amazon Lex",
	"ses":                  "Amazon SES",
	"sms-voice":            "Amazon Pinpoint SMS and Voice Service",
}

// nameOfService is what AWS calls a service here. A service that is not AWS's is
// called as its actions have it.
func nameOfService(prefix string) string {
	return cmp.Or(serviceNames[prefix], catalog.Open().ServiceName(prefix), prefix)
}

func (s *Service) getServiceLastAccessedDetailsWithEntities(c *service.Call, snap *state.Snapshot, in *api.GetServiceLastAccessedDetailsWithEntitiesRequest) (*api.GetServiceLastAccessedDetailsWithEntitiesResponse, error) {
	after, limit, err := start(in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	r, err := readReport(c, snap, *in.JobId)
	if err != nil {
		return nil, err
	}
	list := r.ID + "/entities/"
	if err := ofList(after, list); err != nil {
		return nil, err
	}
	prefix := *in.ServiceNamespace
	out := &api.GetServiceLastAccessedDetailsWithEntitiesResponse{
		JobStatus: ptr(api.JobStatusTypeCOMPLETED), JobCreationDate: ptr(r.Created), JobCompletionDate: ptr(r.Created), EntityDetailsList: []api.EntityDetails{},
	}
	var all []listedEntity
	if slices.Contains(strings.Fields(r.Services), prefix) {
		all = entitiesOf(r, prefix)
	} else if catalog.Open().ServiceName(prefix) == "" {
		return nil, invalidInput("Service namepace %s is either invalid or unsupported.", prefix) // as AWS spells it
	}
	entities, end := pageOf(all, after, limit, func(e listedEntity) string { return list + e.key })
	for _, e := range entities {
		out.EntityDetailsList = append(out.EntityDetailsList, e.EntityDetails)
	}
	out.IsTruncated, out.Marker = end.IsTruncated, end.Marker
	return out, nil
}

// listedEntity is an entity with its place in the list.
type listedEntity struct {
	key string
	api.EntityDetails
}

// entitiesOf lists who can use a service: who used it, the latest first, then the
// others.
func entitiesOf(r *state.AccessReport, prefix string) []listedEntity {
	all := make([]listedEntity, 0, len(r.Entities))
	for _, e := range r.Entities {
		a, _ := arn.Parse(e.ARN) // Warder has made it
		i := strings.LastIndexByte(a.Resource, '/')
		d := api.EntityDetails{EntityInfo: &api.EntityInfo{
			Arn: ptr(e.ARN), Id: ptr(e.ID), Type: ptr(strings.ToUpper(a.ResourceType())),
			Name: ptr(a.Resource[i+1:]), Path: ptr(strings.TrimPrefix(a.Resource[:i+1], a.ResourceType())),
		}}
		if i := slices.IndexFunc(e.Used, func(u state.Access) bool { return u.Service == prefix }); i >= 0 {
			d.LastAuthenticated = ptr(e.Used[i].Date)
		}
		all = append(all, listedEntity{EntityDetails: d})
	}
	slices.SortStableFunc(all, func(a, b listedEntity) int { return deref(b.LastAuthenticated).Compare(deref(a.LastAuthenticated)) })
	for i := range all {
		all[i].key = fmt.Sprintf("%09d", i)
	}
	return all
}
