package signin

import (
	"net/netip"
	"strings"
	"sync"
	"time"
)

// limits slow down those who guess: by the name that is guessed at, and by the address
// that it comes from. Names that nobody has are limited like others. They are kept in
// memory; what lasts is the count of wrong guesses with the user (authn).
type limits struct {
	mu               sync.Mutex
	addresses, names buckets
}

func newLimits() *limits {
	l := new(limits)
	l.forget()
	return l
}

func (l *limits) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.addresses = buckets{every: time.Second, most: 60}
	l.names = buckets{every: 6 * time.Second, most: 10}
}

// take counts a try, if there is one left both for the address and for the name. back
// takes it back: who signs in is not guessing.
func (l *limits) take(address, name string, now time.Time) (back func(), ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.addresses.take(address, now) || !l.names.take(name, now) {
		return nil, false
	}
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.addresses.back(address)
		l.names.back(name)
	}, true
}

// addressKey is who is behind an address: whoever has one of IPv6 has the 2^64 beside it.
func addressKey(a netip.Addr) string {
	if a.Is6() {
		if network, err := a.Prefix(64); err == nil {
			return network.String()
		}
	}
	return a.String()
}

// nameKey is whom a request is about: account is its id, "" if it is unknown.
func nameKey(account string, in *Request) string {
	if account == "" {
		account = "?" + in.Account
	}
	return account + "/" + strings.ToLower(in.UserName)
}

// buckets let each key try so many times at once, and then once in a while. What is
// kept of a key is when it will be as if it had never tried.
type buckets struct {
	every time.Duration
	most  int

	young, old map[string]time.Time
}

// maxKeys bounds each of the two maps. Keys of the older one that are not met again
// are forgotten when the younger one is full.
const maxKeys = 10_000

func (b *buckets) take(key string, now time.Time) bool {
	free := b.get(key)
	if free.Before(now) {
		free = now
	}
	free = free.Add(b.every)
	if free.Sub(now) > time.Duration(b.most)*b.every {
		return false
	}
	b.put(key, free)
	return true
}

func (b *buckets) back(key string) { b.put(key, b.get(key).Add(-b.every)) }

func (b *buckets) get(key string) time.Time {
	if free, ok := b.young[key]; ok {
		return free
	}
	return b.old[key]
}

func (b *buckets) put(key string, free time.Time) {
	if _, ok := b.young[key]; !ok && len(b.young) >= maxKeys || b.young == nil {
		b.old, b.young = b.young, make(map[string]time.Time)
	}
	b.young[key] = free
}
