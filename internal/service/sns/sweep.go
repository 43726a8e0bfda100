package sns

import (
	"context"
	"slices"
	"time"

	"github.com/warder-iam/warder/internal/notify/topic"
	"github.com/warder-iam/warder/internal/state"
)

// Sweep lets go of the subscriptions that nobody confirmed in time, and of those that
// ended and that nobody brought back. It is called now and then.
func Sweep(ctx context.Context, st *state.State, now time.Time) error {
	over := func(sub *state.Subscription) bool {
		since := sub.Ended
		if since.IsZero() {
			since = sub.Created
		}
		return (!sub.Confirmed || !sub.Ended.IsZero()) && now.After(since.Add(topic.TokenLife))
	}
	if !slices.ContainsFunc(slices.Collect(st.Snapshot().Subscriptions.All()), over) {
		return nil
	}
	return st.Update(ctx, now, func(tx *state.Tx) error {
		for _, sub := range slices.Collect(tx.Subscriptions.All()) {
			if over(sub) {
				tx.Subscriptions.Delete(sub)
			}
		}
		return nil
	})
}
