package state

import (
	"iter"
	"time"
)

// AccessReport is what GenerateServiceLastAccessedDetails made: what a user,
// group, role or policy can reach, and when it was last used. It shows the
// moment it was made at, whatever happens to its entities later.
type AccessReport struct {
	ID          string // a UUID
	Account     string
	Owner       string // aws:userid of who had it made, the only one to read it
	Created     time.Time
	ActionLevel bool `json:",omitempty"`
	// Services are the namespaces of all that its policies grant, sorted, with
	// spaces between them: an administrator's are some hundreds.
	Services string
	// Actions are the tracked actions that are granted, by service, sorted, with
	// spaces between them. Nil unless ActionLevel.
	Actions  map[string]string `json:",omitempty"`
	Entities []AccessEntity    `json:",omitempty"`
}

// AccessEntity is a user or role that a report is about, and what it used of
// what is granted.
type AccessEntity struct {
	ID   string
	ARN  string
	Used []Access `json:",omitempty"` // by service
}

// Entries is how much a report keeps about its entities: them, and each service
// and action that they used.
func (r *AccessReport) Entries() int {
	n := len(r.Entities)
	for i := range r.Entities {
		n += len(r.Entities[i].Used)
		for j := range r.Entities[i].Used {
			n += len(r.Entities[i].Used[j].Actions)
		}
	}
	return n
}

const accessReportByAccount = 0

var accessReportSchema = schema[AccessReport]{
	prefix: "iam/access-report/",
	key:    func(r *AccessReport) string { return r.ID },
	indexes: []index[AccessReport]{
		accessReportByAccount: {name: "account", keys: func(r *AccessReport) []string {
			return []string{r.Account + "/" + r.Created.UTC().Format("20060102150405.000000000")}
		}},
	},
}

// AccessReportsOf iterates over an account's reports, the oldest first.
func (s *Snapshot) AccessReportsOf(account string) iter.Seq[*AccessReport] {
	return values(s.AccessReports.scan(accessReportByAccount, account+"/", ""))
}
