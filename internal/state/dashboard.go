package state

import "iter"

// Dashboard is a set of queries and how their results are shown
// (https://docs.aws.amazon.com/awscloudtrail/latest/userguide/lake-dashboard.html).
type Dashboard struct {
	LakeResource
	Widgets   []Widget         `json:",omitempty"`
	Schedule  *RefreshSchedule `json:",omitempty"`
	Protected bool             // from deletion
}

// Widget is one query of a dashboard.
type Widget struct {
	Query      string
	Parameters []string          `json:",omitempty"`
	View       map[string]string // how the results are shown
}

// RefreshSchedule is when a dashboard's queries are to be run.
type RefreshSchedule struct {
	Unit    string // "HOURS" or "DAYS"; "" if no frequency was given
	Every   int
	Enabled bool
	Time    string // "00:00"
}

// ARN is the dashboard's name in policies.
func (d *Dashboard) ARN() string { return cloudTrailARN(d.Region, d.Account, "dashboard", d.Name) }

var dashboardSchema = schema[Dashboard]{
	prefix: "cloudtrail/dashboard/",
	key:    func(d *Dashboard) string { return d.ID },
	indexes: []index[Dashboard]{
		lakeByARN:    {name: "ARN", unique: true, keys: func(d *Dashboard) []string { return []string{d.ARN()} }},
		lakeByRegion: {name: "region", keys: func(d *Dashboard) []string { return d.inRegion() }},
	},
}

// DashboardByARN finds a dashboard; nil if there is none.
func (s *Snapshot) DashboardByARN(text string) *Dashboard { return s.Dashboards.find(lakeByARN, text) }

// DashboardsOf iterates over the dashboards of an account's region, by name.
func (s *Snapshot) DashboardsOf(account, region string) iter.Seq[*Dashboard] {
	return values(s.Dashboards.scan(lakeByRegion, account+"/"+region+"/", ""))
}
