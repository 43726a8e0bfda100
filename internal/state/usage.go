package state

import (
	"context"
	"sync"
	"time"
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

// usage gathers last uses between flushes: every request makes one, and a
// durable write for each would cost more than the request. What a crash loses
// is at most one flush interval of last-used dates.
type usage struct {
	mu   sync.Mutex
	seen map[string]LastUse
}

func (u *usage) forget() {
	u.mu.Lock()
	u.seen = nil
	u.mu.Unlock()
}

// Touch notes a use. It does no I/O.
func (s *State) Touch(use LastUse) {
	s.usage.mu.Lock()
	if s.usage.seen == nil {
		s.usage.seen = make(map[string]LastUse)
	}
	s.usage.seen[use.ID] = use
	s.usage.mu.Unlock()
}

// LastUse is the last use of an access key or role as far as known, flushed or
// not; ok is false if there was none.
func (s *Snapshot) LastUse(id string) (use LastUse, ok bool) {
	if s.usage != nil {
		s.usage.mu.Lock()
		use, ok = s.usage.seen[id]
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

// FlushUsage writes the uses noted since the last flush.
func (s *State) FlushUsage(ctx context.Context, now time.Time) error {
	s.usage.mu.Lock()
	seen := s.usage.seen
	s.usage.seen = nil
	s.usage.mu.Unlock()
	if len(seen) == 0 {
		return nil
	}
	return s.Update(ctx, now, func(tx *Tx) error {
		for _, use := range seen {
			// What was deleted meanwhile must not come back as a last use.
			if tx.AccessKeys.Get(use.ID) != nil || tx.Roles.Get(use.ID) != nil {
				tx.LastUses.Put(&use)
			}
		}
		return nil
	})
}
