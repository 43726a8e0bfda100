package alert

import (
	"context"
	"encoding/json"
	"maps"
	"time"
)

// A memory is what was seen of one thing: the principals of a role, the networks of a
// principal, the regions of an account. It is small, and forgets what was not seen for
// long.
type memory struct {
	Since time.Time      `json:"since,omitzero"` // of an account: when it began to be learned
	Seen  map[string]int `json:"seen"`           // and the day that it last was
}

const (
	// maxSeen is how much a memory holds; what was not seen for longest goes first.
	maxSeen = 256
	// forgetAfter is how many days something is remembered that is not seen again.
	forgetAfter = 90
	// maxCached is how many memories are kept at hand.
	maxCached = 20_000
)

func dayOf(t time.Time) int { return int(t.Unix() / (24 * 60 * 60)) }

// Values keeps memories: *outbox.Outbox.
type Values interface {
	Value(ctx context.Context, name string) ([]byte, error)
	ValueNames(ctx context.Context, prefix string) ([]string, error)
}

// A change is what one call of Watch remembers, which holds only when it has landed.
type change struct {
	*Watcher
	memories map[string]*memory
	bursts   map[string]burst
	usual    map[string]int
}

// of is the memory of a name, to be looked at.
func (c *change) of(ctx context.Context, name string) (*memory, error) {
	if m := c.memories[name]; m != nil {
		return m, nil
	}
	if m := c.cache[name]; m != nil {
		return m, nil
	}
	text, err := c.values.Value(ctx, name)
	if err != nil {
		return nil, err
	}
	m := &memory{}
	if text != nil {
		if err := json.Unmarshal(text, m); err != nil {
			return nil, err
		}
	}
	if len(c.cache) >= maxCached {
		clear(c.cache)
	}
	c.cache[name] = m
	return m, nil
}

// own is the memory of a name, to be changed.
func (c *change) own(name string, m *memory) *memory {
	if c.memories[name] == nil {
		c.memories[name] = &memory{m.Since, maps.Clone(m.Seen)}
		if c.memories[name].Seen == nil {
			c.memories[name].Seen = map[string]int{}
		}
	}
	return c.memories[name]
}

// see remembers that something was seen, and says whether it had been before, and
// whether anything had, of what is not forgotten.
func (c *change) see(ctx context.Context, name, item string, day int) (before, any bool, err error) {
	m, err := c.of(ctx, name)
	if err != nil {
		return false, false, err
	}
	any = !m.stale(day)
	last, before := m.Seen[item]
	before = before && day-last <= forgetAfter
	if before && last >= day {
		return before, any, nil
	}
	m = c.own(name, m)
	m.Seen[item] = day
	if len(m.Seen) > maxSeen {
		oldest := item
		for other, last := range m.Seen {
			if other != item && (last < m.Seen[oldest] || last == m.Seen[oldest] && (oldest == item || other < oldest)) {
				oldest = other
			}
		}
		delete(m.Seen, oldest)
	}
	return before, any, nil
}

// stale says whether all of a memory is forgotten.
func (m *memory) stale(today int) bool {
	for _, last := range m.Seen {
		if today-last <= forgetAfter {
			return false
		}
	}
	return true
}
