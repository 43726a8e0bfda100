package sigv4

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"sync"
)

// A Key is a derived signing key: good for one secret, day, region and service.
// It prints as nothing of use.
type Key [sha256.Size]byte

// String hides the key.
func (Key) String() string { return "sigv4.Key(hidden)" }

// GoString hides the key.
func (Key) GoString() string { return "sigv4.Key(hidden)" }

// SigningKey derives the signing key of a secret for a day (yyyymmdd), region
// and service
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html#calculate-signature).
func SigningKey(secret, date, region, service string) Key {
	k := hmacSHA256([]byte("AWS4"+secret), date)
	k = hmacSHA256(k[:], region)
	k = hmacSHA256(k[:], service)
	return hmacSHA256(k[:], terminator)
}

func hmacSHA256(key []byte, message string) (sum Key) {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(message))
	h.Sum(sum[:0])
	return sum
}

// A KeyCache remembers derived signing keys, so that a busy caller costs one
// HMAC a request instead of five. It holds at most as many as it was made for,
// and forgets an arbitrary one to make room.
//
// An entry is used only if the secret it was derived from is the secret at hand
// (they are compared by a hash, in constant time). So a rotated secret, or a
// deleted key whose id is used again, can never be served by what is cached;
// and since the secret is handed in each time, a key that is gone or disabled
// has to be stopped, and is stopped, before the cache is asked.
//
// A KeyCache is safe for concurrent use. The nil *KeyCache remembers nothing.
type KeyCache struct {
	max     int
	mu      sync.RWMutex
	entries map[Scope]cachedKey
}

type cachedKey struct {
	secret [sha256.Size]byte
	key    Key
}

// NewKeyCache makes a cache for at most max keys.
func NewKeyCache(max int) *KeyCache {
	return &KeyCache{max: max, entries: make(map[Scope]cachedKey)}
}

// Key is the signing key of a secret for a scope, remembered or derived.
func (c *KeyCache) Key(s Scope, secret string) Key {
	if c == nil || c.max <= 0 {
		return SigningKey(secret, s.Date, s.Region, s.Service)
	}
	var room [128]byte
	print := sha256.Sum256(append(room[:0], secret...))
	c.mu.RLock()
	e, ok := c.entries[s]
	c.mu.RUnlock()
	if ok && subtle.ConstantTimeCompare(e.secret[:], print[:]) == 1 {
		return e.key
	}
	key := SigningKey(secret, s.Date, s.Region, s.Service)
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.entries[s]; !ok && len(c.entries) >= c.max {
		for old := range c.entries {
			delete(c.entries, old)
			break
		}
	}
	c.entries[s] = cachedKey{print, key}
	return key
}

// Len is how many keys are remembered.
func (c *KeyCache) Len() int {
	if c == nil {
		return 0
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	return len(c.entries)
}

// hmacSum is the HMAC-SHA256 of a message.
func hmacSum(key *Key, message []byte) (sum [sha256.Size]byte) {
	h := hmac.New(sha256.New, key[:])
	h.Write(message)
	h.Sum(sum[:0])
	return sum
}
