// Package selector says which events a trail takes: by its region, its event
// selectors and its Insights selectors. Delivery asks it for every event and
// every trail. It reads and keeps nothing, and does not know whether a trail is
// logging: that is a matter of when the event happened.
package selector

import (
	"slices"
	"strings"

	"github.com/warder-iam/warder/internal/audit/trail"
	"github.com/warder-iam/warder/internal/state"
)

// A Selector is what one trail takes. It is immutable; make it anew when the
// trail has changed.
type Selector struct {
	account      string
	region       string // "": all
	globalEvents bool
	basic        []state.EventSelector
	advanced     []state.AdvancedEventSelector
	insights     []state.InsightSelector
}

// everything is what a trail without selectors of its own takes: all management events.
var everything = []state.EventSelector{{ReadWrite: "All", Management: true}}

// Of makes the selector of a trail.
func Of(t *state.Trail) *Selector {
	s := &Selector{
		account: t.Account, region: t.Region, globalEvents: t.GlobalEvents,
		basic: t.Selectors.Basic, advanced: t.Selectors.Advanced, insights: t.Insights,
	}
	if t.MultiRegion {
		s.region = ""
	}
	if !t.Selectors.Custom() {
		s.basic = everything
	}
	return s
}

// Selects says whether the trail takes an event. An event whose record cannot be
// read is taken by every trail of its account: one too many can be seen to be one
// too many.
func (s *Selector) Selects(e *Event) bool {
	if e.entry.Account != s.account {
		return false
	}
	if s.region != "" || !s.globalEvents || e.entry.Category == trail.Insight || len(s.advanced) > 0 {
		if e.fields() == nil {
			return true
		}
	}
	switch {
	case !s.here(e):
		return false
	case e.entry.Category == trail.Insight:
		return slices.ContainsFunc(s.insights, e.insight)
	case len(s.advanced) > 0:
		return slices.ContainsFunc(s.advanced, e.advanced)
	}
	return slices.ContainsFunc(s.basic, e.basic)
}

// here says whether an event is of the trail's region. Events of global services
// are in us-east-1, and are taken only if the trail includes them. IAM is the
// one that Warder has: STS is in every region
// (https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-concepts.html#cloudtrail-concepts-global-service-events).
func (s *Selector) here(e *Event) bool {
	if s.region != "" && e.fields().Region != s.region {
		return false
	}
	return s.globalEvents || e.source() != "iam.amazonaws.com"
}

// basic says whether a basic selector takes the event.
func (e *Event) basic(s state.EventSelector) bool {
	if s.ReadWrite == "ReadOnly" && !e.entry.ReadOnly || s.ReadWrite == "WriteOnly" && e.entry.ReadOnly {
		return false
	}
	switch e.entry.Category {
	case trail.Management:
		return s.Management && !slices.Contains(s.ExcludedSources, e.entry.Source)
	case trail.Data:
		return slices.ContainsFunc(s.Data, e.about)
	}
	return false
}

// about says whether the event accesses one of some resources. Which ARNs are
// beginnings and which are whole differs by type
// (https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_DataResource.html).
func (e *Event) about(d state.DataResource) bool {
	f := e.fields()
	if f == nil {
		return true
	}
	return slices.ContainsFunc(f.Resources, func(r accessed) bool {
		return r.Type == d.Type && slices.ContainsFunc(d.Values, func(value string) bool {
			switch {
			case value == r.ARN:
				return true
			case strings.Count(value, ":") < 5: // "arn:aws:s3", "arn:aws:s3:::", "arn:aws:lambda": all of them
				return strings.HasPrefix(r.ARN, strings.TrimRight(value, ":")+":")
			case d.Type == "AWS::S3::Object":
				return strings.HasPrefix(r.ARN, value)
			}
			return false
		})
	})
}

// advanced says whether an advanced selector takes the event.
func (e *Event) advanced(s state.AdvancedEventSelector) bool {
	kind := ""
	for _, f := range s.Fields {
		if f.Field == "resources.type" && len(f.Equals) > 0 {
			kind = f.Equals[0]
		}
	}
	for i := range s.Fields {
		if !matches(&s.Fields[i], e.values(s.Fields[i].Field, kind)) {
			return false
		}
	}
	return true
}

// matches applies the operators of one field to its values, of which there may be
// none, or several of a list. One of the operators that select must hold, if there
// are any, and none of those that deselect may
// (https://docs.aws.amazon.com/awscloudtrail/latest/userguide/filtering-data-events.html#filtering-data-events-conditions).
func matches(f *state.FieldSelector, values []string) bool {
	is := func(operands []string, op func(value, operand string) bool) bool {
		return slices.ContainsFunc(operands, func(operand string) bool {
			return slices.ContainsFunc(values, func(value string) bool { return op(value, operand) })
		})
	}
	equal := func(a, b string) bool { return a == b }
	if is(f.NotEquals, equal) || is(f.NotStartsWith, strings.HasPrefix) || is(f.NotEndsWith, strings.HasSuffix) {
		return false
	}
	if len(f.Equals)+len(f.StartsWith)+len(f.EndsWith) == 0 {
		return true
	}
	return is(f.Equals, equal) || is(f.StartsWith, strings.HasPrefix) || is(f.EndsWith, strings.HasSuffix)
}

// insight says whether an Insights selector takes the event: unusual activity of
// a type, among events of a category.
func (e *Event) insight(s state.InsightSelector) bool {
	d := e.fields().Insight
	if d.Type != s.Type {
		return false
	}
	if len(s.Categories) == 0 {
		return d.Category == "Management"
	}
	return slices.Contains(s.Categories, d.Category)
}
