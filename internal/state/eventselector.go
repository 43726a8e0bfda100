package state

// EventSelectors say which events a trail or event data store takes: by basic
// selectors or by advanced ones, never both. Without any a trail has the default,
// every management event. Internal/audit/selector applies them.
// (https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_PutEventSelectors.html)
type EventSelectors struct {
	Basic    []EventSelector         `json:",omitempty"`
	Advanced []AdvancedEventSelector `json:",omitempty"`
}

// Custom says whether there are selectors besides the default.
func (s *EventSelectors) Custom() bool { return len(s.Basic)+len(s.Advanced) > 0 }

// EventSelector is a basic selector. An event is taken if any of them takes it
// (https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_EventSelector.html).
type EventSelector struct {
	ReadWrite       string         // "All", "ReadOnly" or "WriteOnly"
	Management      bool           // whether it takes management events
	ExcludedSources []string       `json:",omitempty"` // of management events
	Data            []DataResource `json:",omitempty"` // whose data events it takes
}

// DataResource names resources by ARNs or beginnings of ARNs
// (https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_DataResource.html).
type DataResource struct {
	Type   string // "AWS::S3::Object"
	Values []string
}

// AdvancedEventSelector takes an event if all its fields do
// (https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_AdvancedEventSelector.html).
type AdvancedEventSelector struct {
	Name   string `json:",omitempty"`
	Fields []FieldSelector
}

// FieldSelector is what an advanced selector asks of one field of the event
// (https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_AdvancedFieldSelector.html).
type FieldSelector struct {
	Field         string   // "eventName", "resources.ARN", …
	Equals        []string `json:",omitempty"`
	StartsWith    []string `json:",omitempty"`
	EndsWith      []string `json:",omitempty"`
	NotEquals     []string `json:",omitempty"`
	NotStartsWith []string `json:",omitempty"`
	NotEndsWith   []string `json:",omitempty"`
}

// InsightSelector is one type of unusual activity that is looked for, in events
// of some categories
// (https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_InsightSelector.html).
type InsightSelector struct {
	Type string // "ApiCallRateInsight" or "ApiErrorRateInsight"
	// Categories are "Management" and "Data". None were asked for: management.
	Categories []string `json:",omitempty"`
}
