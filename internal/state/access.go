package state

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"
)

// TrackingPeriod is how far back last accessed information goes
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_last-accessed.html).
const TrackingPeriod = 400 * 24 * time.Hour

// Access is when a principal last used a service, and each of its actions. The
// dates are of attempts, allowed or not, to the minute, as AWS keeps them.
type Access struct {
	Principal string // unique id of a user or role; account id of a root user
	Service   string // namespace: "iam"
	AccessTime
	Actions []ActionAccess `json:",omitempty"` // by name
}

// ActionAccess is when an action was last used.
type ActionAccess struct {
	Name string // "GetUser"
	AccessTime
}

// AccessTime is when something was last used, and in which region.
type AccessTime struct {
	Date   time.Time
	Region string `json:",omitempty"`
}

const accessByPrincipal = 0

var accessSchema = schema[Access]{
	prefix: "iam/last-access/",
	key:    func(a *Access) string { return a.Principal + "/" + a.Service },
	indexes: []index[Access]{
		accessByPrincipal: {name: "principal", keys: func(a *Access) []string { return []string{a.Principal} }},
	},
}

// What is kept of one principal is bounded, since the names of other services'
// actions are whatever those who ask about them (AuthZEN) make up. The oldest
// goes.
const (
	maxServices = 1000 // of a principal
	maxActions  = 1000 // of a service
)

// accessKey is what a pending access is of, for one principal.
type accessKey struct{ service, action string }

// access is a pending access.
type access struct {
	minute int64 // since 1970
	region string
}

func (a access) public() AccessTime {
	return AccessTime{Date: time.Unix(a.minute*60, 0).UTC(), Region: a.region}
}

// access notes an access of a principal.
func (p *pending) access(principal string, k accessKey, a access) {
	uses := p.accesses[principal]
	old, ok := uses[k]
	switch {
	case ok && (old.minute > a.minute || old.minute == a.minute && old.region == a.region):
		return
	case !ok && p.size >= maxPending:
		return
	case !ok:
		p.size++
		k = accessKey{strings.Clone(k.service), strings.Clone(k.action)}
	}
	if uses == nil {
		if p.accesses == nil {
			p.accesses = make(map[string]map[accessKey]access)
		}
		uses = make(map[accessKey]access)
		p.accesses[principal] = uses
	}
	a.region = keep(old.region, a.region)
	uses[k] = a
}

// merge gives a record with actions' accesses added. An action without a name
// stands for the service alone.
func (a Access) merge(actions []ActionAccess) Access {
	byName := make(map[string]AccessTime, len(a.Actions)+len(actions))
	for _, old := range a.Actions {
		byName[old.Name] = old.AccessTime
	}
	for _, use := range actions {
		if !use.Date.Before(a.Date) {
			a.AccessTime = use.AccessTime
		}
		if use.Name != "" && !use.Date.Before(byName[use.Name].Date) {
			byName[use.Name] = use.AccessTime
		}
	}
	a.Actions = make([]ActionAccess, 0, len(byName))
	for name, t := range byName {
		a.Actions = append(a.Actions, ActionAccess{name, t})
	}
	if len(a.Actions) > maxActions {
		slices.SortFunc(a.Actions, func(x, y ActionAccess) int { return y.Date.Compare(x.Date) })
		a.Actions = a.Actions[:maxActions]
	}
	slices.SortFunc(a.Actions, func(x, y ActionAccess) int { return cmp.Compare(x.Name, y.Name) })
	return a
}

// since is the part of a record that is not older than the time given.
func (a Access) since(from time.Time) Access {
	a.Actions = slices.DeleteFunc(slices.Clone(a.Actions), func(x ActionAccess) bool { return x.Date.Before(from) })
	return a
}

func (tx *Tx) putAccess(principal, service string, actions []ActionAccess, now time.Time) {
	// What was deleted meanwhile must not come back.
	if tx.Users.Get(principal) == nil && tx.Roles.Get(principal) == nil && tx.Accounts.Get(principal) == nil {
		return
	}
	next := Access{Principal: principal, Service: service}
	if old := tx.Accesses.Get(principal + "/" + service); old != nil {
		next = *old
	} else if all := tx.accessesOf(principal); len(all) >= maxServices {
		tx.Accesses.Delete(slices.MinFunc(all, func(a, b *Access) int { return a.Date.Compare(b.Date) }))
	}
	next = next.merge(actions).since(now.Add(-TrackingPeriod))
	tx.Accesses.Put(&next)
}

func (s *Snapshot) accessesOf(principal string) []*Access {
	return slices.Collect(values(s.Accesses.scan(accessByPrincipal, principal+"\x00", "")))
}

// AccessesOf are what a user or role (by unique id) or a root user (by account
// id) used within the tracking period before now, as far as known, flushed or
// not; by service.
func (s *Snapshot) AccessesOf(principal string, now time.Time) map[string]Access {
	out := make(map[string]Access)
	for _, a := range s.accessesOf(principal) {
		out[a.Service] = *a
	}
	if s.usage != nil {
		unflushed := make(map[string][]ActionAccess)
		s.usage.mu.Lock()
		for _, p := range []*pending{&s.usage.flushed, &s.usage.now} {
			for k, a := range p.accesses[principal] {
				unflushed[k.service] = append(unflushed[k.service], ActionAccess{k.action, a.public()})
			}
		}
		s.usage.mu.Unlock()
		for service, actions := range unflushed {
			have, ok := out[service]
			if !ok {
				have = Access{Principal: principal, Service: service}
			}
			out[service] = have.merge(actions)
		}
	}
	from := now.Add(-TrackingPeriod)
	maps.DeleteFunc(out, func(_ string, a Access) bool { return a.Date.Before(from) })
	for service, a := range out {
		if slices.ContainsFunc(a.Actions, func(x ActionAccess) bool { return x.Date.Before(from) }) {
			out[service] = a.since(from)
		}
	}
	return out
}
