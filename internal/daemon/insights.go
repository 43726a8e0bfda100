package daemon

import (
	"context"

	"github.com/warder-iam/warder/internal/audit/feed"
	"github.com/warder-iam/warder/internal/audit/insight"
	"github.com/warder-iam/warder/internal/state"
)

// insightShare is the part of the time that each source may take to be looked through
// for unusual activity while many events come: one in eight.
const insightShare = 8

// findInsights has the trail looked through for accounts whose trails ask for it. What
// is found goes to the log, and from there to the index and to the trails.
func (d *Daemon) findInsights(ctx context.Context) (err error) {
	t := d.trail
	t.insights, err = insight.New(ctx, insight.Config{
		Outbox: t.outbox, Emit: t.log.Append,
		Wants: func(account string) (calls, errors bool) { return insightsOf(d.state.Snapshot(), account) },
	})
	if err == nil {
		t.feed.Add(t.insights, feed.Options{FromNow: true, Share: insightShare, Idle: func() bool { return !anyInsights(d.state.Snapshot()) }})
	}
	return err
}

// insightsOf says which Insights the trails of an account ask for.
func insightsOf(s *state.Snapshot, account string) (calls, errors bool) {
	for t := range s.TrailsOf(account) {
		for _, i := range t.Insights {
			calls = calls || t.Logging && i.Type == insight.CallRate
			errors = errors || t.Logging && i.Type == insight.ErrorRate
		}
	}
	return calls, errors
}

// anyInsights says whether any account asks for Insights.
func anyInsights(s *state.Snapshot) bool {
	for t := range s.Trails.All() {
		if t.Logging && len(t.Insights) > 0 {
			return true
		}
	}
	return false
}
