package outbound

import (
	"context"
	"slices"
	"time"

	"github.com/warder-iam/warder/internal/state"
)

const (
	// keyLife is how long a key signs.
	keyLife = 90 * 24 * time.Hour
	// announce is how long a key is published before it signs: well beyond
	// cacheFor, so that every verifier has it by then.
	announce = 24 * time.Hour
	// keepFor is how long a key is published after its successor began to sign:
	// until its last token has expired, and a little for clocks that are slow.
	keepFor = MaxToken + 10*time.Minute
)

// Rotate gives accounts new keys in place of old ones, and forgets keys that no
// living token needs. It is called now and then.
func (i *Issuer) Rotate(ctx context.Context, st *state.State, now time.Time) error {
	for r := range st.Snapshot().TokenIssuers.All() {
		fresh, err := i.successors(r, now)
		if err != nil {
			return err
		}
		if len(fresh) == 0 && !slices.ContainsFunc(r.Keys, func(k state.SigningKey) bool { return r.Superseded(k, now.Add(-keepFor)) }) {
			continue
		}
		err = st.Update(ctx, now, func(tx *state.Tx) error {
			current := tx.TokenIssuers.Get(r.Account)
			if current == nil || current.ID != r.ID {
				return nil // reset meanwhile
			}
			tx.TokenIssuers.Update(current, func(c *state.TokenIssuer) {
				c.Keys = slices.DeleteFunc(slices.Clone(c.Keys), func(k state.SigningKey) bool { return c.Superseded(k, now.Add(-keepFor)) })
				for _, k := range fresh {
					if last := current.Newest(k.Algorithm); last != nil && last.Number == k.Number-1 {
						c.Keys = append(c.Keys, k)
					}
				}
			})
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// successors are the keys that an enabled issuer is due to get. The one that
// signs now goes on until their time comes.
func (i *Issuer) successors(r *state.TokenIssuer, now time.Time) ([]state.SigningKey, error) {
	var fresh []state.SigningKey
	if !r.Enabled {
		return nil, nil
	}
	for _, algorithm := range algorithms {
		newest := r.Newest(algorithm)
		if newest == nil || now.Before(newest.From.Add(keyLife-announce)) {
			continue
		}
		k, err := i.newKey(r.Account, algorithm, newest.Number+1, now.UTC().Add(announce))
		if err != nil {
			return nil, err
		}
		fresh = append(fresh, k)
	}
	return fresh, nil
}
