package selector

import (
	"encoding/json"
	"strconv"

	"github.com/warder-iam/warder/internal/audit/trail"
)

// Event is an event that is asked about. Its record is read once, and only if a
// selector asks for what the entry does not have. One goroutine may use it.
type Event struct {
	entry *trail.Entry
	read  bool
	known *fields // nil if the record could not be read
}

// Read makes the event of an entry.
func Read(e *trail.Entry) *Event { return &Event{entry: e} }

// fields are those of a record that can be selected by
// (https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html).
type fields struct {
	Region   string `json:"awsRegion"`
	Type     string `json:"eventType"`
	Error    string `json:"errorCode"`
	Endpoint string `json:"vpcEndpointId"`
	Console  string `json:"sessionCredentialFromConsole"`
	Identity struct {
		ARN string `json:"arn"`
	} `json:"userIdentity"`
	Resources []accessed `json:"resources"`
	Insight   insight    `json:"insightDetails"`
}

type accessed struct {
	Type string `json:"type"`
	ARN  string `json:"ARN"`
}

// insight is what an Insights event is about
// (https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-insights-fields-trails.html).
type insight struct {
	Type     string `json:"insightType"`
	Source   string `json:"eventSource"`
	Category string `json:"sourceEventCategory"`
}

// fields reads the record; nil if that is not possible.
func (e *Event) fields() *fields {
	if !e.read {
		e.read = true
		f := new(fields)
		if json.Unmarshal(e.entry.JSON, f) == nil {
			if f.Insight.Category == "" {
				f.Insight.Category = categoryManagement // all there were before there was the field
			}
			e.known = f
		}
	}
	return e.known
}

const categoryManagement = "Management"

// source is the service of the event, or of what an Insights event is about.
func (e *Event) source() string {
	if e.entry.Category == trail.Insight {
		return e.fields().Insight.Source
	}
	return e.entry.Source
}

func (e *Event) category() string {
	if e.entry.Category == trail.Management {
		return categoryManagement
	}
	return string(e.entry.Category)
}

// values are the values of a field of advanced selectors; none if the event does
// not have it. ARNs are those of the resources of a type.
func (e *Event) values(field, kind string) []string {
	f := e.fields()
	switch field {
	case "eventCategory":
		return []string{e.category()}
	case "eventSource":
		return []string{e.entry.Source}
	case "eventName":
		return []string{e.entry.Name}
	case "readOnly":
		return []string{strconv.FormatBool(e.entry.ReadOnly)}
	case "eventType":
		return some(f.Type)
	case "errorCode":
		return some(f.Error)
	case "vpcEndpointId":
		return some(f.Endpoint)
	case "userIdentity.arn":
		return some(f.Identity.ARN)
	case "sessionCredentialFromConsole":
		return some(f.Console)
	case "resources.type", "resources.ARN":
		var all []string
		for _, r := range f.Resources {
			switch {
			case field == "resources.type":
				all = append(all, r.Type)
			case kind == "" || r.Type == kind:
				all = append(all, r.ARN)
			}
		}
		return all
	}
	return nil
}

func some(value string) []string {
	if value == "" {
		return nil
	}
	return []string{value}
}
