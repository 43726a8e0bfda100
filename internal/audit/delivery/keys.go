package delivery

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"slices"
	"time"

	"github.com/warder-iam/warder/internal/seal"
	"github.com/warder-iam/warder/internal/state"
)

// keys are the key pairs that sign digests: of the server, since CloudTrail has
// one for all accounts of a region, too.
type keys struct {
	state *state.State
	ring  *seal.Keyring
}

const (
	// keyLife is how long a key signs.
	keyLife = 90 * 24 * time.Hour
	// keepPrivate is how long a private key is kept after that, for digests that end
	// before and are made later.
	keepPrivate = 24 * time.Hour

	keyPurpose = "digest-signing-key" // binds sealed keys to their use
)

// at is the key that signs what ends at a time. It is made when it is needed.
func (k *keys) at(ctx context.Context, end, now time.Time) (*state.DigestKey, error) {
	if key := find(k.state.Snapshot(), end); key != nil {
		return key, nil
	}
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, err
	}
	public := x509.MarshalPKCS1PublicKey(&private.PublicKey)
	sum := sha256.Sum256(public)
	fingerprint := hex.EncodeToString(sum[:16]) // as long as CloudTrail's
	end = end.UTC().Truncate(time.Second)
	fresh := &state.DigestKey{
		Fingerprint: fingerprint, From: end, Until: end.Add(keyLife), Public: public,
		Private: k.ring.Seal(keyPurpose, seal.Owner(fingerprint), der),
	}
	err = k.state.Update(ctx, now, func(tx *state.Tx) error {
		if key := find(&tx.Snapshot, end); key != nil {
			fresh = key
			return nil
		}
		tx.DigestKeys.Put(fresh)
		return nil
	})
	return fresh, err
}

func find(s *state.Snapshot, end time.Time) *state.DigestKey {
	for key := range s.DigestKeysBetween(end, end) {
		if key.Private != nil {
			return key
		}
	}
	return nil
}

// sign makes the signature of a text: SHA256withRSA, in hexadecimal.
func (k *keys) sign(key *state.DigestKey, text string) (string, error) {
	der, err := k.ring.Open(keyPurpose, seal.Owner(key.Fingerprint), key.Private)
	if err != nil {
		return "", err
	}
	private, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(text))
	signature, err := private.(*rsa.PrivateKey).Sign(rand.Reader, sum[:], crypto.SHA256) // PKCS #1 v1.5
	return hex.EncodeToString(signature), err
}

// retire forgets the private halves of keys that sign no more, so that nobody who
// comes later signs by them.
func (k *keys) retire(ctx context.Context, now time.Time) error {
	over := func(key *state.DigestKey) bool { return key.Private != nil && now.After(key.Until.Add(keepPrivate)) }
	if !slices.ContainsFunc(slices.Collect(k.state.Snapshot().DigestKeys.All()), over) {
		return nil
	}
	return k.state.Update(ctx, now, func(tx *state.Tx) error {
		for _, key := range slices.Collect(tx.DigestKeys.All()) {
			if over(key) {
				tx.DigestKeys.Update(key, func(key *state.DigestKey) { key.Private = nil })
			}
		}
		return nil
	})
}

// PublicKeys are the keys that signed, or could have signed, at some time between
// two, by when that was. They are the same for all regions.
func (d *Delivery) PublicKeys(from, to time.Time) []*state.DigestKey {
	return slices.SortedFunc(d.State.Snapshot().DigestKeysBetween(from, to), func(a, b *state.DigestKey) int {
		if c := a.From.Compare(b.From); c != 0 {
			return c
		}
		return bytes.Compare(a.Public, b.Public)
	})
}

// RetireKeys lets go of private keys whose time is over. It is called now and then.
func (d *Delivery) RetireKeys(ctx context.Context) error { return d.keys.retire(ctx, d.Now()) }
