package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/warder-iam/warder/internal/daemon"
	"github.com/warder-iam/warder/internal/eventbus"
)

// webhookVariable names the environment variable that holds the key of a webhook: a
// flag would show it to everybody on the machine.
const webhookVariable = "WARDER_WEBHOOK_KEY"

// alertsFlags are what the commands of `warder alerts` share.
type alertsFlags struct {
	data string
	json bool
	daemon.AlertsRequest
}

func alertsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "alerts",
		Short: "Raise alarm about what should not happen: ready-made rules, where they are sent, and whether they arrive",
		Long: `Raise alarm about what should not happen: ready-made rules of EventBridge for
what guides to IAM ask for. They can be looked at and changed by aws events as any
other rule.

  warder alerts enable --mail security@example.com      # all of them
  warder alerts enable root-use --webhook https://...   # one, to a webhook
  warder alerts test                                    # send a sample of each
  warder alerts list                                    # what is on, sent, failed
  warder alerts dead                                    # what could not be sent`,
	}
	cmd.AddCommand(alertsListCommand(), alertsEnableCommand(), alertsDisableCommand(), alertsTestCommand(), alertsDeadCommand())
	return cmd
}

func (f *alertsFlags) add(cmd *cobra.Command) *cobra.Command {
	dataFlag(cmd, &f.data)
	cmd.Flags().StringVar(&f.Account, "account", "", "account, if there are several")
	cmd.Flags().StringVar(&f.Region, "region", "us-east-1", "region of the rules, which is that of the events that they see; IAM's are in us-east-1, as are findings")
	return cmd
}

func (f *alertsFlags) ask(ctx context.Context, verb string, names []string, out any) error {
	f.Names = names
	return daemon.Control(ctx, f.data, "POST", "/alerts/"+verb, f.AlertsRequest, out)
}

func alertsListCommand() *cobra.Command {
	var f alertsFlags
	cmd := f.add(&cobra.Command{
		Use:   "list [NAME...]",
		Short: "Show the alerts: which are on, where they are sent, and what came of it",
		RunE: func(cmd *cobra.Command, names []string) error {
			var list []daemon.AlertStatus
			if err := f.ask(cmd.Context(), "list", names, &list); err != nil {
				return err
			}
			if f.json {
				return printJSON(cmd, list)
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "ALERT\tSEVERITY\tSTATE\tSENT\tLAST\tFAILED\tTARGETS\tABOUT")
			for _, s := range list {
				last := "-"
				if !s.LastSent.IsZero() {
					last = s.LastSent.Local().Format(time.DateTime)
				}
				fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%s\t%d\t%s\t%s\n", s.Name, s.Severity, s.State, s.Sent, last, s.Failed,
					plain(cmp.Or(strings.Join(s.Targets, " "), "-")), s.Title)
			}
			for _, s := range list {
				if s.LastError != "" {
					fmt.Fprintf(w, "%s failed last at %s: %s\n", s.Name, s.LastFailed.Local().Format(time.DateTime), plain(s.LastError))
				}
			}
			return w.Flush()
		},
	})
	cmd.Flags().BoolVar(&f.json, "json", false, "print JSON")
	return cmd
}

func alertsEnableCommand() *cobra.Command {
	var f alertsFlags
	cmd := f.add(&cobra.Command{
		Use:   "enable [NAME...]",
		Short: "Switch alerts on, all or some, and say where they are sent",
		RunE: func(cmd *cobra.Command, names []string) error {
			f.WebhookKey = os.Getenv(webhookVariable)
			var done daemon.AlertsEnabled
			if err := f.ask(cmd.Context(), "enable", names, &done); err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			fmt.Fprintf(out, "on: %s\n", strings.Join(done.Rules, " "))
			if done.WebhookKey != "" {
				fmt.Fprintf(out, "the webhook is called with the header %s: %s\n", daemon.WebhookHeader, done.WebhookKey)
			}
			for _, note := range done.Notes {
				fmt.Fprintln(out, "note:", note)
			}
			return nil
		},
	})
	cmd.Flags().StringVar(&f.Topic, "to", "", "ARN of an SNS topic")
	cmd.Flags().StringVar(&f.Webhook, "webhook", "", "URL (https) that gets a POST with JSON; what its header "+daemon.WebhookHeader+" says is random, or $"+webhookVariable)
	cmd.Flags().StringVar(&f.Mail, "mail", "", "mail address; whoever reads it has to confirm")
	return cmd
}

func alertsDisableCommand() *cobra.Command {
	var f alertsFlags
	cmd := f.add(&cobra.Command{
		Use:   "disable [NAME...]",
		Short: "Switch alerts off, all or some",
		RunE: func(cmd *cobra.Command, names []string) error {
			var done daemon.AlertsEnabled
			if err := f.ask(cmd.Context(), "disable", names, &done); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "off: %s\n", cmp.Or(strings.Join(done.Rules, " "), "none was on"))
			return nil
		},
	})
	cmd.Flags().BoolVar(&f.Delete, "delete", false, "delete their rules, and with them where they were sent")
	return cmd
}

func alertsTestCommand() *cobra.Command {
	var f alertsFlags
	return f.add(&cobra.Command{
		Use:   "test [NAME...]",
		Short: "Send a sample of alerts, and say whether it arrived",
		RunE: func(cmd *cobra.Command, names []string) error {
			var tests []daemon.AlertTest
			if err := f.ask(cmd.Context(), "test", names, &tests); err != nil {
				return err
			}
			if !printTests(cmd.OutOrStdout(), tests) {
				return errors.New("not every sample has arrived")
			}
			return nil
		},
	})
}

// printTests prints what became of samples, and says whether all arrived.
func printTests(out io.Writer, tests []daemon.AlertTest) bool {
	all := true
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, t := range tests {
		if t.Error != "" {
			all = false
			fmt.Fprintf(w, "%s\tno sample\t\t%s\n", t.Name, t.Error)
		}
		for _, o := range t.Outcomes {
			result := "arrived"
			switch {
			case o.Dead:
				result = "given up"
			case o.Attempts > 0:
				result = "failed, is tried again"
			case !o.Arrived && o.Error != "":
				result = "not sent"
			case !o.Arrived:
				result = "on its way"
			}
			all = all && o.Arrived
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", t.Name, result, plain(o.To), plain(o.Error))
		}
	}
	_ = w.Flush() // to a terminal
	return all
}

func alertsDeadCommand() *cobra.Command {
	var data string
	var ask daemon.AlertLetters
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "dead",
		Short: "Show what could not be sent, by rules and by topics, send it again or delete it",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var letters []eventbus.DeadLetter
			if err := daemon.Control(cmd.Context(), data, "POST", "/alerts/dead", ask, &letters); err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd, letters)
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "ID\tSINCE\tFROM\tTO\tATTEMPTS\tERROR")
			for _, l := range letters {
				fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%d\t%s\n", l.ID, l.Made, plain(l.From), plain(l.To), l.Attempts, plain(l.Error))
			}
			return w.Flush()
		},
	}
	dataFlag(cmd, &data)
	cmd.Flags().Int64Var(&ask.Retry, "retry", 0, "id of a dead letter to send again")
	cmd.Flags().Int64Var(&ask.Delete, "delete", 0, "id of a dead letter to delete")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}
