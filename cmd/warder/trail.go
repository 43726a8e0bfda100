package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/warder-iam/warder/internal/audit/trail"
	"github.com/warder-iam/warder/internal/daemon"
)

// trailFlags are what `warder trail` is asked.
type trailFlags struct {
	data, account                          string
	event, user, resource, key, id         string
	since                                  time.Duration
	limit                                  int
	json, follow, changes, refused, headed bool
}

func trailCommand() *cobra.Command {
	var f trailFlags
	cmd := &cobra.Command{
		Use:   "trail",
		Short: "Show who did what: the audit trail of the running server",
		Long: `Show who did what: the audit trail of the running server, the newest event first.

  warder trail --resource my-role --since 720h   # what was done to a role, and with it
  warder trail --user alice --refused            # what alice was refused
  warder trail --event CreateAccessKey --json    # CloudTrail records, a line each
  warder trail --follow                          # live

Events are kept for 90 days. One of --event, --user, --resource, --key and --id
is looked up in the index; --changes and --refused choose among what it finds.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd.Context(), cmd.OutOrStdout()) },
	}
	dataFlag(cmd, &f.data)
	cmd.AddCommand(trailVerifyCommand())
	flags := cmd.Flags()
	flags.StringVar(&f.account, "account", "", "account to show, if there are several")
	flags.StringVar(&f.event, "event", "", `name of the event, such as "CreateUser"`)
	flags.StringVar(&f.user, "user", "", "name of the user, or of the role session, who did it")
	flags.StringVar(&f.resource, "resource", "", "name, id or ARN of what it was done to")
	flags.StringVar(&f.key, "key", "", "id of the access key that it was done with")
	flags.StringVar(&f.id, "id", "", "id of the event")
	flags.DurationVar(&f.since, "since", 24*time.Hour, "how far to look back")
	flags.IntVar(&f.limit, "limit", 100, "how many events to show at most; 0 shows all")
	flags.BoolVar(&f.changes, "changes", false, "only what changed something or tried to")
	flags.BoolVar(&f.refused, "refused", false, "only what ended with an error")
	flags.BoolVar(&f.json, "json", false, "print CloudTrail records, a line each")
	flags.BoolVar(&f.follow, "follow", false, "go on with new events as they come, the oldest first")
	cmd.MarkFlagsMutuallyExclusive("event", "user", "resource", "key", "id")
	return cmd
}

func trailVerifyCommand() *cobra.Command {
	var heads []string
	cmd := &cobra.Command{
		Use:   "verify FOLDER",
		Short: "Look for events that were changed, taken out or put in since they were logged",
		Long: `Look for events that were changed, taken out or put in since they were logged,
in the folder that warder serve --trail was given. The server may be running.

The log is a chain of hashes: what is found is certain. Who may write to the
folder could make a new chain up to its end; so note the head that is printed,
elsewhere, and give it to a later run with --head. What the log itself says that it
lost, to a crash or to overload, is shown as a gap and is no problem.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var known []trail.Head
			for _, text := range heads {
				head, err := parseHead(text)
				if err != nil {
					return err
				}
				known = append(known, head)
			}
			report, err := trail.Verify(cmd.Context(), filepath.Join(args[0], "log"), known...)
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			fmt.Fprintf(out, "%d events in %d segments; head %d:%s\n", report.Events, report.Segments, report.Head.Position, report.Head.Hash)
			for _, g := range report.Gaps {
				fmt.Fprintf(out, "gap at %d: %s, %d events lost %s\n", g.Position, g.Gap.Cause, g.Gap.Lost, g.Gap.Detail)
			}
			for _, p := range report.Problems {
				fmt.Fprintln(out, p)
			}
			if !report.OK() {
				return fmt.Errorf("%d problems: the log is not as it was written", len(report.Problems))
			}
			return nil
		},
	}
	cmd.Flags().StringArrayVar(&heads, "head", nil, "head that an earlier run printed, which has to be in the log")
	return cmd
}

// parseHead reads a head as `warder trail verify` prints it: POSITION:HASH.
func parseHead(text string) (head trail.Head, err error) {
	position, hash, _ := strings.Cut(text, ":")
	if head.Position, err = strconv.ParseInt(position, 10, 64); err == nil {
		err = head.Hash.UnmarshalText([]byte(hash))
	}
	if err != nil {
		return head, fmt.Errorf("--head %s is not POSITION:HASH: %w", text, err)
	}
	return head, nil
}

func (f *trailFlags) run(ctx context.Context, out io.Writer) error {
	q := daemon.EventQuery{Account: f.account, From: time.Now().Add(-f.since)}
	for attribute, value := range map[string]string{
		"EventName": f.event, "Username": f.user, "ResourceName": f.resource, "AccessKeyId": f.key, "EventId": f.id,
	} {
		if value != "" {
			q.Attribute, q.Value = attribute, value
		}
	}
	if f.limit < 0 {
		return errors.New("--limit is 0 or more")
	}
	found, err := f.find(ctx, q, f.limit)
	if err != nil {
		return err
	}
	if !f.follow {
		return f.print(out, found)
	}
	slices.Reverse(found)
	if err := f.print(out, found); err != nil {
		return err
	}
	return f.tail(ctx, out, q, found)
}

// find gathers the newest events, up to limit of them; 0 is no limit.
func (f *trailFlags) find(ctx context.Context, q daemon.EventQuery, limit int) (found []trailEvent, err error) {
	q.Limit = 1000
	for {
		var page daemon.FoundEvents
		if err := daemon.Control(ctx, f.data, "GET", q.Path(), nil, &page); err != nil {
			return nil, err
		}
		for _, e := range page.Events {
			event, err := readEvent(e)
			if err != nil {
				return nil, err
			}
			if f.changes && event.ReadOnly || f.refused && event.ErrorCode == "" {
				continue
			}
			if found = append(found, event); len(found) == limit {
				return found, nil
			}
		}
		if page.Next == "" {
			return found, nil
		}
		q.After = page.Next
	}
}

// tail prints what comes, until it is interrupted. It looks back a little each
// time: events are found some moments after they happened, and not in order.
func (f *trailFlags) tail(ctx context.Context, out io.Writer, q daemon.EventQuery, shown []trailEvent) error {
	const overlap = time.Minute
	seen := map[string]time.Time{}
	for _, e := range shown {
		seen[e.EventID] = e.EventTime
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Second):
		}
		q.From = time.Now().Add(-overlap)
		found, err := f.find(ctx, q, 0)
		if err != nil {
			return err
		}
		slices.Reverse(found)
		found = slices.DeleteFunc(found, func(e trailEvent) bool { _, ok := seen[e.EventID]; return ok })
		for _, e := range found {
			seen[e.EventID] = e.EventTime
		}
		for id, at := range seen {
			if at.Before(q.From) {
				delete(seen, id)
			}
		}
		if err := f.print(out, found); err != nil {
			return err
		}
	}
}

// trailEvent is what the table shows of an event.
type trailEvent struct {
	EventID, EventName, EventSource, SourceIPAddress string
	EventTime                                        time.Time
	ErrorCode                                        string
	ReadOnly                                         bool
	UserIdentity                                     struct{ Type, ARN, AccountID string }

	record    json.RawMessage
	resources []string
}

func readEvent(e daemon.FoundEvent) (trailEvent, error) {
	event := trailEvent{record: e.Record}
	if err := json.Unmarshal(e.Record, &event); err != nil {
		return event, err
	}
	for _, r := range e.Resources {
		event.resources = append(event.resources, r.Name)
	}
	return event, nil
}

func (f *trailFlags) print(out io.Writer, events []trailEvent) error {
	if f.json {
		for _, e := range events {
			if _, err := fmt.Fprintf(out, "%s\n", e.record); err != nil {
				return err
			}
		}
		return nil
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	if !f.headed && len(events) > 0 {
		f.headed = true
		fmt.Fprintln(w, "TIME\tWHO\tWHAT\tON\tFROM\tRESULT")
	}
	for _, e := range events {
		who := cmp.Or(e.UserIdentity.ARN, e.UserIdentity.AccountID, e.UserIdentity.Type)
		service, _, _ := strings.Cut(e.EventSource, ".")
		on := "-"
		if len(e.resources) > 0 {
			// The longest says most: it is the ARN, where there is one.
			on = slices.MaxFunc(e.resources, func(a, b string) int { return len(a) - len(b) })
		}
		fmt.Fprintf(w, "%s\t%s\t%s:%s\t%s\t%s\t%s\n", e.EventTime.Local().Format(time.DateTime), plain(who), service, e.EventName,
			plain(on), e.SourceIPAddress, cmp.Or(e.ErrorCode, "ok"))
	}
	return w.Flush()
}

// plain is a text without what a terminal would obey.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return '?'
		}
		return r
	}, text)
}
