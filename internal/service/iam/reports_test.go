package iam

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/warder-iam/warder/internal/state"
)

// TestAccessReportsMakeRoom: what an account's reports keep is bounded by their
// age, their number and the entries that they have together; the oldest go.
func TestAccessReportsMakeRoom(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	// made is a report with as many entries, half of them services used and actions.
	made := func(id string, age time.Duration, entries int) *state.AccessReport {
		r := &state.AccessReport{ID: id, Created: now.Add(-age)}
		if entries > 0 {
			r.Entities = make([]state.AccessEntity, entries/2)
			r.Entities[0].Used = []state.Access{{Actions: make([]state.ActionAccess, entries-entries/2-1)}}
		}
		if r.Entries() != entries {
			t.Fatalf("a report of %d entries has %d", entries, r.Entries())
		}
		return r
	}
	var many []*state.AccessReport
	for i := range maxReports + 1 {
		many = append(many, made(fmt.Sprint(i), time.Hour, 0))
	}
	third := maxReportEntries / 3
	for name, c := range map[string]struct {
		kept []*state.AccessReport
		size int
		gone string
	}{
		"none":                {nil, 10, ""},
		"few":                 {[]*state.AccessReport{made("a", 2*time.Hour, 4), made("b", time.Hour, 4)}, 4, ""},
		"too old":             {[]*state.AccessReport{made("a", reportLifetime, 4), made("b", reportLifetime-time.Second, 4)}, 4, "a"},
		"too many":            {many, 0, "0 1"},
		"as many as may be":   {many[2:], 0, ""},
		"as large as may be":  {[]*state.AccessReport{made("a", 2*time.Hour, third), made("b", time.Hour, third)}, third, ""},
		"too large by one":    {[]*state.AccessReport{made("a", 2*time.Hour, third), made("b", time.Hour, third)}, maxReportEntries - 2*third + 1, "a"},
		"a large one":         {[]*state.AccessReport{made("a", 2*time.Hour, 4), made("b", time.Hour, 4)}, maxReportEntries, "a b"},
		"after too large one": {[]*state.AccessReport{made("a", 2*time.Hour, maxReportEntries+2)}, 0, "a"},
	} {
		var gone []string
		for _, r := range makeRoom(c.kept, made("new", 0, c.size), now) {
			gone = append(gone, r.ID)
		}
		if slices.Sort(gone); strings.Join(gone, " ") != c.gone {
			t.Errorf("%s: %q go, want %q", name, gone, c.gone)
		}
	}
}

// TestServiceNames: what reports call services, as AWS was seen to.
func TestServiceNames(t *testing.T) {
	for prefix, want := range map[string]string{
		"s3": "Amazon S3", "sts": "AWS Security Token Service", "iam": "AWS Identity and Access Management", "ses": "Amazon SES",
		"cloudformation": "AWS CloudFormation", "elasticloadbalancing": "Elastic Load Balancing", "apigateway": "Manage - Amazon API Gateway",
		"execute-api": "Amazon API Gateway", "lex": "Amazon Lex", "ram": "AWS Resource Access Manager (RAM)", "our-own": "our-own",
	} {
		if got := nameOfService(prefix); got != want {
			t.Errorf("%s is called %q, want %q", prefix, got, want)
		}
	}
}
