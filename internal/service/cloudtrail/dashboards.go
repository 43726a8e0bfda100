package cloudtrail

import (
	"strings"

	base "github.com/warder-iam/warder/internal/api"
	api "github.com/warder-iam/warder/internal/api/cloudtrail"
	"github.com/warder-iam/warder/internal/awserr"
	"github.com/warder-iam/warder/internal/service"
	"github.com/warder-iam/warder/internal/state"
)

// Custom dashboards
// (https://docs.aws.amazon.com/awscloudtrail/latest/userguide/lake-dashboard.html).
// They are kept and shown; there is no engine for their queries, so they cannot be
// refreshed, and a schedule for that cannot be enabled.

const maxDashboards, maxWidgets = 100, 10 // in a region; on a dashboard

// dashboardARN is the ARN of the dashboard that a request names by its ARN or its
// name.
func dashboardARN(c *service.Call, text string) (string, error) {
	if !strings.HasPrefix(text, "arn:") {
		return (&state.Dashboard{LakeResource: state.LakeResource{Account: c.Caller.Account, Region: c.Region, Name: text}}).ARN(), nil
	}
	return ownARN(c, text, "dashboard", "ResourceNotFoundException")
}

func findDashboard(c *service.Call, s *state.Snapshot, text string) (*state.Dashboard, error) {
	name, err := dashboardARN(c, text)
	if err != nil {
		return nil, err
	}
	d := s.DashboardByARN(name)
	if d == nil || d.Region != c.Region {
		return nil, awserr.New("ResourceNotFoundException", "The dashboard %s was not found.", name)
	}
	return d, nil
}

func (s *Service) createDashboard(c *service.Call, tx *state.Tx, in *api.CreateDashboardRequest) (*api.CreateDashboardResponse, error) {
	tags, err := newTags(in.TagsList)
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(*in.Name, "AWSCloudTrail-") {
		return nil, unsupported("There are no dashboards that CloudTrail manages.")
	}
	d := &state.Dashboard{
		LakeResource: state.LakeResource{
			ID: s.ids.Request(), Account: c.Caller.Account, Region: c.Region, Name: *in.Name, Created: c.Now(), Updated: c.Now(), Tags: tags,
		},
		Protected: base.Deref(in.TerminationProtectionEnabled),
	}
	if tx.DashboardByARN(d.ARN()) != nil {
		return nil, awserr.New("ConflictException", "A dashboard with the name %s already exists.", d.Name)
	}
	count := 0
	for range tx.DashboardsOf(d.Account, d.Region) {
		count++
	}
	if count >= maxDashboards {
		return nil, awserr.New("ServiceQuotaExceededException", "The number of dashboards is limited to %d.", maxDashboards)
	}
	if err := arrange(d, in.Widgets, in.RefreshSchedule); err != nil {
		return nil, err
	}
	tx.Dashboards.Put(d)
	return &api.CreateDashboardResponse{
		DashboardArn: new(d.ARN()), Name: &d.Name, Type: new(api.DashboardTypeCUSTOM), Widgets: widgetsOut(d), TagsList: tagsOut(d.Tags),
		RefreshSchedule: scheduleOut(d), TerminationProtectionEnabled: &d.Protected,
	}, nil
}

// arrange sets the widgets and the schedule of a dashboard; nil leaves them.
func arrange(d *state.Dashboard, widgets []api.RequestWidget, schedule *api.RefreshSchedule) error {
	if len(widgets) > maxWidgets {
		return awserr.New("ServiceQuotaExceededException", "The number of widgets on a dashboard is limited to %d.", maxWidgets)
	}
	if widgets != nil {
		d.Widgets = nil
	}
	for _, w := range widgets {
		d.Widgets = append(d.Widgets, state.Widget{Query: *w.QueryStatement, Parameters: w.QueryParameters, View: w.ViewProperties})
	}
	if schedule == nil {
		return nil
	}
	if base.Deref(schedule.Status) == api.RefreshScheduleStatusENABLED {
		return unsupported("Dashboards cannot be refreshed: there is no engine for queries.")
	}
	r := &state.RefreshSchedule{Time: "00:00"}
	if schedule.TimeOfDay != nil {
		r.Time = *schedule.TimeOfDay
	}
	if f := schedule.Frequency; f != nil {
		r.Unit, r.Every = base.Deref(f.Unit), int(base.Deref(f.Value))
	}
	d.Schedule = r
	return nil
}

func widgetsOut(d *state.Dashboard) []api.Widget {
	out := make([]api.Widget, len(d.Widgets))
	for i, w := range d.Widgets {
		out[i] = api.Widget{QueryStatement: &w.Query, QueryParameters: w.Parameters, ViewProperties: w.View}
	}
	return out
}

func scheduleOut(d *state.Dashboard) *api.RefreshSchedule {
	r := d.Schedule
	if r == nil {
		return nil
	}
	out := &api.RefreshSchedule{Status: new(api.RefreshScheduleStatusDISABLED), TimeOfDay: &r.Time}
	if r.Unit != "" {
		out.Frequency = &api.RefreshScheduleFrequency{Unit: &r.Unit, Value: new(int32(r.Every))}
	}
	return out
}

func (s *Service) updateDashboard(c *service.Call, tx *state.Tx, in *api.UpdateDashboardRequest) (*api.UpdateDashboardResponse, error) {
	found, err := findDashboard(c, &tx.Snapshot, *in.DashboardId)
	if err != nil {
		return nil, err
	}
	d := *found
	d.Updated = c.Now()
	if err := arrange(&d, in.Widgets, in.RefreshSchedule); err != nil {
		return nil, err
	}
	if in.TerminationProtectionEnabled != nil {
		d.Protected = *in.TerminationProtectionEnabled
	}
	tx.Dashboards.Put(&d)
	return &api.UpdateDashboardResponse{
		DashboardArn: new(d.ARN()), Name: &d.Name, Type: new(api.DashboardTypeCUSTOM), Widgets: widgetsOut(&d), RefreshSchedule: scheduleOut(&d),
		TerminationProtectionEnabled: &d.Protected, CreatedTimestamp: &d.Created, UpdatedTimestamp: &d.Updated,
	}, nil
}

func (s *Service) deleteDashboard(c *service.Call, tx *state.Tx, in *api.DeleteDashboardRequest) (*api.DeleteDashboardResponse, error) {
	d, err := findDashboard(c, &tx.Snapshot, *in.DashboardId)
	if err != nil {
		return nil, err
	}
	if d.Protected {
		return nil, awserr.New("ConflictException", "The dashboard %s cannot be deleted because termination protection is enabled for it.", d.ARN())
	}
	tx.Dashboards.Delete(d)
	return nil, nil
}

func (s *Service) getDashboard(c *service.Call, snap *state.Snapshot, in *api.GetDashboardRequest) (*api.GetDashboardResponse, error) {
	d, err := findDashboard(c, snap, *in.DashboardId)
	if err != nil {
		return nil, err
	}
	status := api.DashboardStatusCREATED
	if d.Updated.After(d.Created) {
		status = api.DashboardStatusUPDATED
	}
	return &api.GetDashboardResponse{
		DashboardArn: new(d.ARN()), Type: new(api.DashboardTypeCUSTOM), Status: &status, Widgets: widgetsOut(d), RefreshSchedule: scheduleOut(d),
		CreatedTimestamp: &d.Created, UpdatedTimestamp: &d.Updated, TerminationProtectionEnabled: &d.Protected,
	}, nil
}

func (s *Service) listDashboards(c *service.Call, snap *state.Snapshot, in *api.ListDashboardsRequest) (*api.ListDashboardsResponse, error) {
	all := func(yield func(*state.Dashboard) bool) {
		for d := range snap.DashboardsOf(c.Caller.Account, c.Region) {
			fits := strings.HasPrefix(d.Name, base.Deref(in.NamePrefix)) && (in.Type == nil || *in.Type == api.DashboardTypeCUSTOM)
			if fits && !yield(d) {
				return
			}
		}
	}
	found, next, err := page(all, func(d *state.Dashboard) string { return d.Name + "\x00" + d.ID }, in.NextToken, in.MaxResults)
	out := &api.ListDashboardsResponse{Dashboards: []api.DashboardDetail{}, NextToken: next}
	for _, d := range found {
		out.Dashboards = append(out.Dashboards, api.DashboardDetail{DashboardArn: new(d.ARN()), Type: new(api.DashboardTypeCUSTOM)})
	}
	return out, err
}

func (s *Service) startDashboardRefresh(c *service.Call, snap *state.Snapshot, in *api.StartDashboardRefreshRequest) (*api.StartDashboardRefreshResponse, error) {
	d, err := findDashboard(c, snap, *in.DashboardId)
	if err != nil {
		return nil, err
	}
	return nil, unsupported("The dashboard %s cannot be refreshed with %d parameters: there is no engine for queries.", d.ARN(), len(in.QueryParameterValues))
}
