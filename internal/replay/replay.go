// Package replay decides recorded requests again, by the policies of today and by
// those of a proposed change, and says what would come out otherwise.
//
// A change is a list of calls of IAM's own operations ("PutRolePolicy",
// "DeleteUser"): they run as they would for real, with all their checks, on a copy of
// the state that is then thrown away. So anything can be proposed that can be done.
//
// What a record (internal/audit/decision) says of the request stays as it was: the
// time, the address, the tags of the resource, the session with its policies. Who
// asked is looked up by the unique id in both states, and so are a role's trust
// policy, the policies of the principal, and whether the access key is still active.
// A difference is one between the two states; that the state of today already decides
// otherwise than was recorded is counted apart, as drift.
//
// It leaves out what is not decided by policies: that a resource would not exist any
// more, quotas, the conflicts of a deletion.
package replay

import (
	"context"
	"iter"
	"runtime"
	"sync"
	"time"

	"github.com/warder-iam/warder/internal/audit/trail"
	"github.com/warder-iam/warder/internal/state"
)

// Source is where records come from: trail.Index.
type Source interface {
	Decisions(ctx context.Context, from, to time.Time) iter.Seq2[trail.DecisionBlock, error]
}

// Query says what is to be decided again.
type Query struct {
	Account  string
	From, To time.Time // zero: open
	// Principal is the ARN of a user or role, to look at its requests only; "" is all.
	Principal string
}

// Run decides the records of a time by two states.
func Run(ctx context.Context, source Source, before, after *state.Snapshot, q Query) (*Report, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	workers := runtime.GOMAXPROCS(0)
	blocks := make(chan []byte, 2*workers)
	free := make(chan []byte, 4*workers) // packed blocks to use again
	judges := make([]*judge, workers)
	var working sync.WaitGroup
	for i := range judges {
		judges[i] = newJudge(before, after, &q)
		working.Go(func() {
			for packed := range blocks {
				judges[i].block(packed)
				select {
				case free <- packed:
				default:
				}
			}
		})
	}
	err := func() error {
		defer close(blocks)
		for block, err := range source.Decisions(ctx, q.From, q.To) {
			if err != nil {
				return err
			}
			var b []byte
			select {
			case b = <-free:
			default:
			}
			select {
			case blocks <- append(b[:0], block...):
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
		return nil
	}()
	working.Wait()
	if err != nil {
		return nil, err
	}
	report := newReport(&q, before.Revision)
	for _, j := range judges {
		if j.failed != nil {
			return nil, j.failed
		}
		report.merge(j.tally)
	}
	return report.finish(newJudge(before, after, &q)), nil
}
