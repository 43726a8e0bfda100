package state

import (
	"context"
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/warder-iam/warder/internal/ids"
)

// LastUse is when and for what an access key or a role was last used.
type LastUse struct {
	ID      string // access key id (AKIA…) or unique id of a role (AROA…)
	Date    time.Time
	Service string // signing name: "iam"
	Region  string
}

var lastUseSchema = schema[LastUse]{
	prefix: "iam/last-use/",
	key:    func(u *LastUse) string { return u.ID },
}

// Use is one authenticated request, as far as anybody asks later on who last
// used what. Denied requests are uses too.
type Use struct {
	LastUsed  string // what has a LastUse: an access key or a role; "" if neither
	Principal string // unique id of the user or role, account id of a root user; "" if none
	Service   string // "iam"
	Action    string // "GetUser"; "" if it is not known
	Region    string
	Time      time.Time
}

// usage gathers uses between flushes: every request makes one, and a durable
// write for each would cost more than the request. What a crash loses is at
// most one flush interval.
type usage struct {
	mu      sync.Mutex
	now     pending
	flushed pending // what is on its way to the store, and still to be seen

	flushing sync.Mutex // held by the one flush there is at a time
}

// maxPending bounds what is gathered: it is some tens of MB. Beyond it, uses of
// what was not used since the last flush are not noted; the daemon flushes
// every minute.
const maxPending = 1 << 17

// pending are uses that are not in the store.
type pending struct {
	lastUses map[string]LastUse
	accesses map[string]map[accessKey]access // by principal
	size     int
}

// keep gives the text that is kept already where it is the same, and else a copy:
// what is kept of a request must not keep its headers in memory.
func keep(kept, text string) string {
	if kept == text {
		return kept
	}
	return strings.Clone(text)
}

func (p *pending) touch(use LastUse) {
	old, ok := p.lastUses[use.ID]
	if !ok {
		if p.size >= maxPending {
			return
		}
		p.size++
		if p.lastUses == nil {
			p.lastUses = make(map[string]LastUse)
		}
	} else if old.Date.Equal(use.Date) && old.Service == use.Service && old.Region == use.Region {
		return
	}
	use.Service, use.Region = keep(old.Service, use.Service), keep(old.Region, use.Region)
	p.lastUses[use.ID] = use
}

// addOlder adds what p does not know, or knows to be older, from a flush that
// failed.
func (p *pending) addOlder(from pending) {
	for id, use := range from.lastUses {
		if have, ok := p.lastUses[id]; !ok || have.Date.Before(use.Date) {
			p.touch(use)
		}
	}
	for principal, uses := range from.accesses {
		for k, a := range uses {
			if have, ok := p.accesses[principal][k]; !ok || have.minute < a.minute {
				p.access(principal, k, a)
			}
		}
	}
}

func (u *usage) forget() {
	u.mu.Lock()
	u.now, u.flushed = pending{}, pending{}
	u.mu.Unlock()
}

// Used notes a use. It does no I/O.
func (s *State) Used(use *Use) {
	s.usage.mu.Lock()
	defer s.usage.mu.Unlock()
	if use.LastUsed != "" {
		s.lastUsed(LastUse{ID: use.LastUsed, Date: use.Time.UTC().Truncate(time.Second), Service: use.Service, Region: use.Region})
	}
	if use.Principal != "" {
		s.usage.now.access(use.Principal, accessKey{use.Service, use.Action}, access{use.Time.Unix() / 60, use.Region})
	}
}

// keySpan is the time after a use of an access key for which no other use of it
// is recorded, as AWS documents
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_getting-report.html).
const keySpan = 15 * time.Minute

// lastUsed notes a use of a role, or the first use of an access key in a while.
// Uses of access keys are dated to the minute, as AWS's are.
func (s *State) lastUsed(use LastUse) {
	if !strings.HasPrefix(use.ID, ids.Role) {
		last, ok := s.usage.lastUse(use.ID)
		if !ok {
			if u := s.current.Load().LastUses.Get(use.ID); u != nil {
				last = *u
			}
		}
		if since := use.Date.Sub(last.Date); since >= 0 && since < keySpan {
			return
		}
		use.Date = use.Date.Truncate(time.Minute)
	}
	s.usage.now.touch(use)
}

// lastUse finds a use that is not in the store.
func (u *usage) lastUse(id string) (use LastUse, ok bool) {
	if use, ok = u.now.lastUses[id]; !ok {
		use, ok = u.flushed.lastUses[id]
	}
	return use, ok
}

// LastUse is the last use of an access key or role as far as known, flushed or
// not; ok is false if there was none.
func (s *Snapshot) LastUse(id string) (use LastUse, ok bool) {
	if s.usage != nil {
		s.usage.mu.Lock()
		use, ok = s.usage.lastUse(id)
		s.usage.mu.Unlock()
	}
	if ok {
		return use, true
	}
	if u := s.LastUses.Get(id); u != nil {
		return *u, true
	}
	return LastUse{}, false
}

// ForgetUses deletes what is recorded about the uses of an access key, user or
// role that is being deleted.
func (tx *Tx) ForgetUses(id string) {
	if use := tx.LastUses.Get(id); use != nil {
		tx.LastUses.Delete(use)
	}
	for _, a := range tx.accessesOf(id) {
		tx.Accesses.Delete(a)
	}
}

// flushBatch is how many records of uses one transaction writes: other writers
// wait for it.
const flushBatch = 500

// FlushUsage writes the uses noted since the last flush.
func (s *State) FlushUsage(ctx context.Context, now time.Time) error {
	u := &s.usage
	u.flushing.Lock()
	defer u.flushing.Unlock()
	u.mu.Lock()
	batch := u.now
	u.now, u.flushed = pending{}, batch
	u.mu.Unlock()

	var err error
	writes := batch.writes(now)
	for len(writes) > 0 && err == nil {
		n := min(flushBatch, len(writes))
		err = s.Update(ctx, now, func(tx *Tx) error {
			for _, write := range writes[:n] {
				write(tx)
			}
			return nil
		})
		writes = writes[n:]
	}

	u.mu.Lock()
	if err != nil {
		u.now.addOlder(u.flushed)
	}
	u.flushed = pending{}
	u.mu.Unlock()
	return err
}

// writes are what puts the uses into tables, a record each.
func (p *pending) writes(now time.Time) []func(*Tx) {
	var all []func(*Tx)
	for use := range maps.Values(p.lastUses) {
		all = append(all, func(tx *Tx) {
			// What was deleted meanwhile must not come back as a last use.
			if tx.AccessKeys.Get(use.ID) != nil || tx.Roles.Get(use.ID) != nil {
				tx.LastUses.Put(&use)
			}
		})
	}
	for principal, uses := range p.accesses {
		services := make(map[string][]ActionAccess)
		for k, a := range uses {
			services[k.service] = append(services[k.service], ActionAccess{k.action, a.public()})
		}
		for service, actions := range services {
			all = append(all, func(tx *Tx) { tx.putAccess(principal, service, actions, now) })
		}
	}
	return all
}
