package cloudtrail

import (
	"regexp"
	"slices"

	base "github.com/warder-iam/warder/internal/api"
	api "github.com/warder-iam/warder/internal/api/cloudtrail"
	"github.com/warder-iam/warder/internal/state"
)

// Advanced event selectors: which fields there are for which category of events,
// and what may be asked of them
// (https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_AdvancedFieldSelector.html).

// owner is whose selectors they are: event data stores take more than trails.
type owner int

const (
	ofTrail owner = iota
	ofEventDataStore
)

// The categories of events.
const (
	management = "Management"
	data       = "Data"
	network    = "NetworkActivity"
)

// fieldsOf are the fields of each category besides eventCategory, and whether they
// must be there.
var fieldsOf = map[string]map[string]bool{
	management: {"eventSource": false, "readOnly": false},
	data: {
		"resources.type": true, "eventName": false, "eventSource": false, "eventType": false, "readOnly": false,
		"resources.ARN": false, "sessionCredentialFromConsole": false, "userIdentity.arn": false,
	},
	network: {"eventSource": true, "errorCode": false, "eventName": false, "vpcEndpointId": false},
}

// storeOnly are the categories that only an event data store takes, and then no
// other beside. They have no further fields.
var storeOnly = []string{"Insight", "ConfigurationItem", "Evidence", "ActivityAuditLog"}

// moreInStores are the fields of management events that only event data stores take.
var moreInStores = []string{"eventName", "eventType", "sessionCredentialFromConsole", "userIdentity.arn"}

// advancedSelectors reads and checks advanced event selectors.
func advancedSelectors(in []api.AdvancedEventSelector, whose owner) ([]state.AdvancedEventSelector, error) {
	if whose == ofEventDataStore && len(in) > maxSelectors {
		return nil, invalidSelectors("The number of advanced event selectors for an event data store is limited to %d.", maxSelectors)
	}
	selectors, conditions := make([]state.AdvancedEventSelector, len(in)), 0
	for i, s := range in {
		selectors[i].Name = base.Deref(s.Name)
		for _, f := range s.FieldSelectors {
			field := state.FieldSelector{
				Field: *f.Field, Equals: f.Equals, StartsWith: f.StartsWith, EndsWith: f.EndsWith,
				NotEquals: f.NotEquals, NotStartsWith: f.NotStartsWith, NotEndsWith: f.NotEndsWith,
			}
			conditions += operands(&field)
			selectors[i].Fields = append(selectors[i].Fields, field)
		}
		if err := checkSelector(&selectors[i], whose); err != nil {
			return nil, err
		}
		if alone := category(&selectors[i]); slices.Contains(storeOnly, alone) && category(&selectors[0]) != alone ||
			slices.Contains(storeOnly, category(&selectors[0])) && category(&selectors[0]) != alone {
			return nil, invalidSelectors("An event data store cannot take %s events beside others.", category(&selectors[0]))
		}
	}
	if conditions > maxConditions {
		return nil, invalidSelectors("The number of values of all conditions is limited to %d.", maxConditions)
	}
	return selectors, nil
}

func operands(f *state.FieldSelector) int {
	return len(f.Equals) + len(f.StartsWith) + len(f.EndsWith) + len(f.NotEquals) + len(f.NotStartsWith) + len(f.NotEndsWith)
}

// category is the eventCategory that a selector asks for; "" if it asks for none.
func category(s *state.AdvancedEventSelector) string {
	for _, f := range s.Fields {
		if f.Field == "eventCategory" && len(f.Equals) == 1 {
			return f.Equals[0]
		}
	}
	return ""
}

func checkSelector(s *state.AdvancedEventSelector, whose owner) error {
	of := category(s)
	known, ok := fieldsOf[of]
	switch {
	case of == "":
		return invalidSelectors("An advanced event selector must have the field eventCategory, with one value of Equals.")
	case !ok && (whose == ofTrail || !slices.Contains(storeOnly, of)):
		return invalidSelectors("Value %s for eventCategory is invalid.", of)
	}
	seen := make(map[string]bool)
	for i := range s.Fields {
		f := &s.Fields[i]
		_, has := known[f.Field]
		has = has || f.Field == "eventCategory" || of == management && whose == ofEventDataStore && slices.Contains(moreInStores, f.Field)
		switch {
		case !has:
			return invalidSelectors("The field %s is not supported for %s events.", f.Field, of)
		case seen[f.Field]:
			return invalidSelectors("The field %s is there more than once.", f.Field)
		}
		seen[f.Field] = true
		if err := checkField(f, of, whose); err != nil {
			return err
		}
	}
	for field, required := range known {
		if required && !seen[field] {
			return invalidSelectors("The field %s is required for %s events.", field, of)
		}
	}
	return nil
}

var resourceType = regexp.MustCompile(`^[A-Za-z0-9]+(::[A-Za-z0-9]+){2}$`)

// checkField checks the operators and values of one field.
func checkField(f *state.FieldSelector, of string, whose owner) error {
	n := operands(f)
	badValue := func(values []string, ok func(string) bool) error {
		for _, v := range values {
			if !ok(v) {
				return invalidSelectors("Value %s for %s is invalid.", v, f.Field)
			}
		}
		return nil
	}
	only := func(values ...string) func(string) bool {
		return func(v string) bool { return slices.Contains(values, v) }
	}
	equals := len(f.Equals)
	switch {
	case n == 0:
		return invalidSelectors("The field %s must have an operator.", f.Field)
	case slices.Contains([]string{"eventCategory", "readOnly", "resources.type"}, f.Field), f.Field == "eventSource" && of == network:
		if equals != 1 || n != 1 {
			return invalidSelectors("The field %s must have one value of Equals.", f.Field)
		}
		switch f.Field {
		case "readOnly":
			return badValue(f.Equals, only("true", "false"))
		case "resources.type":
			return badValue(f.Equals, resourceType.MatchString)
		}
	case f.Field == "eventSource" && of == management && whose == ofTrail:
		if len(f.NotEquals) != n {
			return invalidSelectors("The field eventSource can only have NotEquals.")
		}
		return badValue(f.NotEquals, only(excludable...))
	case f.Field == "sessionCredentialFromConsole", f.Field == "errorCode":
		if equals+len(f.NotEquals) != n {
			return invalidSelectors("The field %s can only have Equals and NotEquals.", f.Field)
		}
		value := map[string]string{"errorCode": "VpceAccessDenied", "sessionCredentialFromConsole": "true"}[f.Field]
		return badValue(slices.Concat(f.Equals, f.NotEquals), only(value))
	}
	return nil
}

func advancedOut(selectors []state.AdvancedEventSelector) []api.AdvancedEventSelector {
	out := make([]api.AdvancedEventSelector, len(selectors))
	for i, s := range selectors {
		out[i].Name = some(s.Name)
		for _, f := range s.Fields {
			out[i].FieldSelectors = append(out[i].FieldSelectors, api.AdvancedFieldSelector{
				Field: &f.Field, Equals: f.Equals, StartsWith: f.StartsWith, EndsWith: f.EndsWith,
				NotEquals: f.NotEquals, NotStartsWith: f.NotStartsWith, NotEndsWith: f.NotEndsWith,
			})
		}
	}
	return out
}

// takes says whether selectors take some management or data events: reads, writes
// or, if neither is asked for, any.
func takes(s *state.EventSelectors, of string, readOnly *bool) bool {
	if !s.Custom() {
		return of == management
	}
	for _, b := range s.Basic {
		some := b.Management
		if of == data {
			some = len(b.Data) > 0
		}
		if some && (readOnly == nil || b.ReadWrite == api.ReadWriteTypeAll || *readOnly == (b.ReadWrite == api.ReadWriteTypeReadOnly)) {
			return true
		}
	}
	return slices.ContainsFunc(s.Advanced, func(a state.AdvancedEventSelector) bool {
		return category(&a) == of && !slices.ContainsFunc(a.Fields, func(f state.FieldSelector) bool {
			return f.Field == "readOnly" && readOnly != nil && (f.Equals[0] == "true") != *readOnly
		})
	})
}
