package seal

import (
	"bytes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/crypto/chacha20poly1305"
)

// KeySize is the size of a master key in bytes.
const KeySize = 32

const keyIDSize = 8

// A Keyring is a set of master keys: the current one, which seals, and older ones,
// which still open. It may be used by any number of goroutines.
type Keyring struct {
	mu   sync.Mutex // held while the set of keys changes
	path string     // the file that the keys are kept in, or ""
	ring atomic.Pointer[ring]
}

// ring is one state of the set; never changed, only replaced.
type ring struct{ keys []*master } // the current key is the first

func (r *ring) find(id []byte) *master {
	for _, m := range r.keys {
		if string(m.id[:]) == string(id) {
			return m
		}
	}
	return nil
}

type master struct {
	id     [keyIDSize]byte
	secret [KeySize]byte
	mu     sync.Mutex // held while a subkey is added
	subs   atomic.Pointer[map[string]cipher.AEAD]
}

// newMaster derives the key's id from the key, so that the two cannot be mismatched
// and a key is all that one has to keep.
func newMaster(secret []byte) (*master, error) {
	if len(secret) != KeySize {
		return nil, fmt.Errorf("seal: a master key has %d bytes, not %d", KeySize, len(secret))
	}
	if bytes.Count(secret, secret[:1]) == KeySize {
		return nil, errors.New("seal: a master key of one repeated byte is none: take it from a random source")
	}
	m := &master{secret: [KeySize]byte(secret)}
	copy(m.id[:], m.derive("key id", keyIDSize))
	m.subs.Store(&map[string]cipher.AEAD{})
	return m, nil
}

// derive draws bytes from the master key by HKDF (RFC 5869).
func (m *master) derive(info string, size int) []byte {
	out, err := hkdf.Key(sha256.New, m.secret[:], nil, "warder seal v1 "+info, size)
	if err != nil {
		panic("seal: " + err.Error()) // the sizes are constants of this file
	}
	return out
}

// subkey is the master key's subkey for a purpose, made at first use.
func (m *master) subkey(purpose string) cipher.AEAD {
	if x := (*m.subs.Load())[purpose]; x != nil {
		return x
	}
	if purpose == "" {
		panic("seal: a value is sealed without a purpose")
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	old := *m.subs.Load()
	if x := old[purpose]; x != nil {
		return x
	}
	x, err := chacha20poly1305.NewX(m.derive("subkey "+purpose, KeySize))
	if err != nil {
		panic("seal: " + err.Error()) // the key has 32 bytes
	}
	grown := make(map[string]cipher.AEAD, len(old)+1)
	for p, x := range old {
		grown[p] = x
	}
	grown[purpose] = x
	m.subs.Store(&grown)
	return x
}

// New makes a ring of the given 32-byte keys; the first is the current one.
func New(keys ...[]byte) (*Keyring, error) {
	if len(keys) == 0 {
		return nil, errors.New("seal: there is no master key")
	}
	r := &ring{}
	for _, secret := range keys {
		m, err := newMaster(secret)
		if err != nil {
			return nil, err
		}
		if r.find(m.id[:]) != nil {
			return nil, fmt.Errorf("seal: master key %x is there twice", m.id)
		}
		r.keys = append(r.keys, m)
	}
	k := &Keyring{}
	k.ring.Store(r)
	return k, nil
}

// NewRandom makes a ring of one key that nobody else has and that is kept nowhere:
// for the memory store and for tests.
func NewRandom() *Keyring {
	k, err := New(randomKey())
	if err != nil {
		panic(err) // 32 random bytes are a key
	}
	return k
}

func randomKey() []byte {
	secret := make([]byte, KeySize)
	rand.Read(secret) // never fails: crypto/rand ends the program instead
	return secret
}

// Parse reads the text form of a ring, as an environment variable or the key file
// has it: keys in standard base64 (what `openssl rand -base64 32` prints) with
// spaces, commas or line ends between them, the current one first. A line that
// begins with # is a comment. No error repeats any of the text.
func Parse(text string) (*Keyring, error) {
	var keys [][]byte
	for line := range strings.Lines(text) {
		if strings.HasPrefix(strings.TrimSpace(line), "#") {
			continue
		}
		for _, word := range strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune(" ,\t\r\n", r) }) {
			secret, err := base64.StdEncoding.Strict().DecodeString(word)
			if err != nil {
				return nil, fmt.Errorf("seal: master key %d is not base64", len(keys)+1)
			}
			keys = append(keys, secret)
		}
	}
	return New(keys...)
}

// text is what Parse reads back.
func (r *ring) text() []byte {
	var b bytes.Buffer
	b.WriteString("# Warder's master keys, the current one first. Whoever has them can read every\n" +
		"# secret in the store and make session tokens; without them no secret can be\n" +
		"# read again. Keep a copy in a safe place, apart from the backups of the data.\n")
	for _, m := range r.keys {
		b.WriteString(base64.StdEncoding.EncodeToString(m.secret[:]))
		b.WriteByte('\n')
	}
	return b.Bytes()
}

// KeyIDs lists the ids of the master keys in hex, the current one first. They are
// no secret.
func (k *Keyring) KeyIDs() []string {
	r := k.ring.Load()
	ids := make([]string, len(r.keys))
	for i, m := range r.keys {
		ids[i] = hex.EncodeToString(m.id[:])
	}
	return ids
}

// Rotate adds a fresh random key and makes it the current one; the older ones still
// open. If the ring came from a file, the file is rewritten first, so that nothing
// is ever sealed with a key that is not kept.
func (k *Keyring) Rotate() error {
	return k.change(func(keys []*master) ([]*master, error) {
		m, err := newMaster(randomKey())
		if err != nil {
			return nil, err
		}
		return append([]*master{m}, keys...), nil
	})
}

// Add puts a key that others have into the ring: in front as the current one, or
// behind, where it only opens. In a cluster a new key is added behind on each node
// before it becomes current on any.
func (k *Keyring) Add(secret []byte, current bool) error {
	return k.change(func(keys []*master) ([]*master, error) {
		m, err := newMaster(secret)
		if err != nil {
			return nil, err
		}
		rest := make([]*master, 0, len(keys)+1)
		for _, old := range keys {
			if old.id == m.id {
				m = old
			} else {
				rest = append(rest, old)
			}
		}
		if current {
			return append([]*master{m}, rest...), nil
		}
		if m == keys[0] {
			return nil, errors.New("seal: the current master key cannot be put behind")
		}
		return append(rest, m), nil
	})
}

// Remove takes an older key out of the ring for good. What is sealed with it opens
// no more, which ends every session token of that key at once.
func (k *Keyring) Remove(id string) error {
	return k.change(func(keys []*master) ([]*master, error) {
		var rest []*master
		for i, m := range keys {
			if hex.EncodeToString(m.id[:]) != id {
				rest = append(rest, m)
			} else if i == 0 {
				return nil, errors.New("seal: the current master key cannot be taken out")
			}
		}
		if len(rest) == len(keys) {
			return nil, fmt.Errorf("seal: there is no master key %q", id)
		}
		return rest, nil
	})
}

func (k *Keyring) change(edit func([]*master) ([]*master, error)) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	keys, err := edit(k.ring.Load().keys)
	if err != nil {
		return err
	}
	next := &ring{keys}
	if k.path != "" {
		if err := replaceFile(k.path, next.text()); err != nil {
			return err
		}
	}
	k.ring.Store(next)
	return nil
}

// String keeps the keys out of %v and logs.
func (k *Keyring) String() string { return "seal.Keyring(" + strings.Join(k.KeyIDs(), ",") + ")" }

// GoString keeps the keys out of %#v.
func (k *Keyring) GoString() string { return k.String() }
