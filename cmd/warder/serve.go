package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/warder-iam/warder/internal/audit"
	"github.com/warder-iam/warder/internal/daemon"
	"github.com/warder-iam/warder/internal/federation/oidc"
	"github.com/warder-iam/warder/internal/outward"
)

// ballastSize is how much memory the server holds and never touches, so that it
// takes no room. It counts when the garbage collector decides how much garbage
// may gather before it works again: with little state, that would be tens of
// times a second.
const ballastSize = 64 << 20

func serveCommand() *cobra.Command {
	var c daemon.Config
	var level slog.Level
	var networks []string // of identity providers
	var roots string      // file of certificates
	var notifyNetworks []string
	var notifyRoots string
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the server",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ballast := make([]byte, ballastSize)
			defer runtime.KeepAlive(ballast)
			var err error
			if c.Federation, err = oidc.NewNetwork(networks, roots); err != nil {
				return err
			}
			if c.Notify.Network, err = outward.NewNetwork("--notify-network", notifyNetworks, notifyRoots); err != nil {
				return err
			}
			forget, err := trailFolder(&c)
			if err != nil {
				return err
			}
			defer forget()
			c.Log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
			d, err := daemon.Open(cmd.Context(), c)
			if err != nil {
				return err
			}
			defer d.Close()
			if d.First != nil {
				welcome(welcomeTo(&c), &c, d)
			}
			c.Log.Info("listening", "url", d.URL())
			return d.Run(cmd.Context())
		},
	}
	f := cmd.Flags()
	f.StringVar(&c.Listen, "listen", daemon.DefaultListen, "address to listen on")
	f.StringVar(&c.Store, "store", "sqlite", `"sqlite" (durable) or "memory"`)
	dataFlag(cmd, &c.Data)
	f.StringVar(&c.Account, "account", "", "id of the account that the first start makes (default random)")
	f.StringVar(&c.AdminKeyID, "admin-access-key-id", "", "access key id of the first administrator (default random)")
	f.StringVar(&c.AdminSecret, "admin-secret-access-key", "", "secret access key of the first administrator (default random)")
	f.BoolVar(&c.TestHooks, "test-hooks", false, "serve POST /_warder/reset and /_warder/accounts, on loopback only")
	f.BoolVar(&c.InsecureListen, "insecure-listen", false, "allow listening beyond loopback without TLS")
	f.StringVar(&c.TLSCert, "tls-cert", "", "file of the TLS certificate chain (PEM)")
	f.StringVar(&c.TLSKey, "tls-key", "", "file of the TLS key (PEM)")
	f.StringVar(&c.Trail, "trail", "", `folder of the audit trail of all requests (default "trail" in the data folder, or a temporary one with --store memory; "none" keeps none)`)
	f.Var((*days)(&c.TrailFor), "trail-retention", "how long the audit trail keeps events, such as 365d (default 90d)")
	f.StringVar(&c.Buckets, "buckets", "", "where trails are delivered to: the URL of an S3 endpoint, with credentials in WARDER_BUCKETS_ACCESS_KEY_ID and WARDER_BUCKETS_SECRET_ACCESS_KEY (region in WARDER_BUCKETS_REGION), or a folder of buckets (default \"buckets\" in the trail's folder, which makes the buckets that are named)")
	f.DurationVar(&c.DeliverEvery, "delivery-interval", 5*time.Minute, "how often log files are delivered")
	f.DurationVar(&c.DigestEvery, "digest-interval", time.Hour, "how often digests of log files are delivered, of trails with log file validation")
	f.TextVar(&c.Decisions, "decision-events", audit.Level{}, `which decisions for your own services (AuthZEN) the trail keeps: "all", "denied", "1/N" (all denied, one in N of the others) or "none"`)
	f.Var((*days)(&c.AlertLearning), "alert-learning", "how long it is learned what is usual in an account before there are alerts about what is new (default 7d)")
	f.StringArrayVar(&c.Streams, "stream", nil, "send the events of the audit trail to stdout, file:PATH, syslog:udp|tcp|tls://HOST:PORT, syslog:unix:PATH or otlp:http[s]://HOST:PORT; with ?format=ocsf in OCSF form, with ?events=management without data events; more than one may be given")
	f.StringToIntVar((*map[string]int)(&c.Quotas), "quota", nil, "quotas that differ from AWS's, such as UsersPerAccount=20000")
	f.StringVar(&c.PublicURL, "public-url", "", "where others reach this server, such as https://iam.example.com: the base of token issuers (default the address it listens on)")
	f.StringSliceVar(&networks, "federation-network", nil, "networks, such as 10.0.0.0/8, whose OpenID Connect providers may be connected to; the public internet always may be")
	f.StringSliceVar(&c.SAMLEndpoints, "saml-endpoint", nil, "audiences and recipients that SAML responses may be for, in place of AWS's")
	f.StringVar(&roots, "federation-ca-file", "", "file of certificates (PEM) that vouch for OpenID Connect providers, besides the system's")
	f.StringSliceVar(&notifyNetworks, "notify-network", nil, "networks, such as 10.0.0.0/8, whose webhooks and subscriptions' endpoints may be connected to; the public internet always may be")
	f.StringVar(&notifyRoots, "notify-ca-file", "", "file of certificates (PEM) that vouch for webhooks, endpoints and the mail server, besides the system's")
	f.StringVar(&c.Notify.SMTP, "smtp-url", "", "mail server, such as smtp://user@mail.example.com:587, or smtps:// for TLS from the start; its password is in WARDER_SMTP_PASSWORD")
	f.StringVar(&c.Notify.From, "smtp-from", "", "address that mail comes from")
	f.TextVar(&level, "log-level", slog.LevelInfo, "debug, info, warn or error; debug logs every request")
	return cmd
}

// welcomeTo is standard output, unless events go there, for a program to read.
func welcomeTo(c *daemon.Config) io.Writer {
	if slices.ContainsFunc(c.Streams, func(target string) bool { return strings.HasPrefix(target, "stdout") }) {
		return os.Stderr
	}
	return os.Stdout
}

// noTrail is the --trail of a server that keeps none.
const noTrail = "none"

// trailFolder makes the trail's folder of what --trail says, and completes what
// depends on it. forget is to be called at the end.
func trailFolder(c *daemon.Config) (forget func(), err error) {
	forget = func() {}
	switch {
	case c.Trail == noTrail:
		c.Trail = ""
		return forget, nil
	case c.Trail != "":
	case c.Store == "memory":
		if c.Trail, err = os.MkdirTemp("", "warder-trail-"); err != nil {
			return forget, err
		}
		dir := c.Trail
		forget = func() { _ = os.RemoveAll(dir) } // what is left of it is in the temporary folder
	default:
		c.Trail = filepath.Join(c.Data, "trail")
	}
	if c.Buckets == "" {
		c.Buckets, c.MakeBuckets = filepath.Join(c.Trail, "buckets"), true
	}
	return forget, nil
}

// welcome tells, once, how to use what the first start made.
func welcome(w io.Writer, c *daemon.Config, d *daemon.Daemon) {
	if c.Store == "memory" {
		fmt.Fprintf(w, "Warder made account %s with the IAM user \"administrator\", in memory. To connect:\n", d.First.ID)
		fmt.Fprintf(w, "  export AWS_ENDPOINT_URL=%s AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1\n", d.URL())
		fmt.Fprintf(w, "  export AWS_ACCESS_KEY_ID=%s AWS_SECRET_ACCESS_KEY=%s\n", d.First.Admin.AccessKeyID, d.First.Admin.SecretAccessKey)
		return
	}
	fmt.Fprintf(w, "Warder made account %s with the IAM user \"administrator\". To connect, in another shell:\n", d.First.ID)
	fmt.Fprintf(w, "  eval \"$(%s env --data %s)\"\n", os.Args[0], c.Data)
	fmt.Fprintf(w, "  aws sts get-caller-identity\n")
}
