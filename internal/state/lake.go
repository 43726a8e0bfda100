package state

import "time"

// LakeResource is what the resources of CloudTrail Lake have in common: event data
// stores, channels and dashboards.
type LakeResource struct {
	ID               string // a UUID
	Account, Region  string
	Name             string
	Created, Updated time.Time
	Tags             []Tag     `json:",omitempty"`
	Policy           *Document `json:",omitempty"` // the resource-based policy; nil if there is none
}

// inRegion is the key by which the resources of an account's region are found in
// the order of their names.
func (r *LakeResource) inRegion() []string {
	return []string{r.Account + "/" + r.Region + "/" + r.Name}
}

const (
	lakeByARN = iota
	lakeByRegion
)
