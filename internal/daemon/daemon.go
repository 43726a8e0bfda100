// Package daemon is Warder as a running program: it opens the store, makes the
// first account, wires the services together and listens. cmd/warder gives it
// flags; tests start the same thing in their own process (internal/wardertest).
package daemon

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/warder-iam/warder/internal/alert"
	"github.com/warder-iam/warder/internal/audit"
	"github.com/warder-iam/warder/internal/audit/stream"
	"github.com/warder-iam/warder/internal/authn"
	"github.com/warder-iam/warder/internal/authz"
	"github.com/warder-iam/warder/internal/delegation"
	"github.com/warder-iam/warder/internal/federation/oidc"
	"github.com/warder-iam/warder/internal/ids"
	"github.com/warder-iam/warder/internal/notify"
	"github.com/warder-iam/warder/internal/notify/topic"
	"github.com/warder-iam/warder/internal/outbound"
	"github.com/warder-iam/warder/internal/seal"
	"github.com/warder-iam/warder/internal/server"
	"github.com/warder-iam/warder/internal/service"
	"github.com/warder-iam/warder/internal/service/authzen"
	"github.com/warder-iam/warder/internal/service/cloudtrail"
	"github.com/warder-iam/warder/internal/service/events"
	"github.com/warder-iam/warder/internal/service/iam"
	"github.com/warder-iam/warder/internal/service/sts"
	"github.com/warder-iam/warder/internal/signin"
	"github.com/warder-iam/warder/internal/state"
	"github.com/warder-iam/warder/internal/store"
	"github.com/warder-iam/warder/internal/store/memory"
	"github.com/warder-iam/warder/internal/store/sqlite"
)

// Config is what a daemon is started with. The zero value of a field is its
// default.
type Config struct {
	Listen string // "127.0.0.1:4500"
	Store  string // "sqlite" (default) or "memory"
	Data   string // folder of the durable store, its key and its control socket

	// Account is the id of the account that the first start makes; random if empty.
	Account string
	// AdminKeyID and AdminSecret are the first administrator's access key; random if empty.
	AdminKeyID, AdminSecret string

	// TestHooks serves POST /_warder/reset and /_warder/accounts to anybody who
	// can connect; on loopback only.
	TestHooks bool
	// InsecureListen allows listening beyond loopback without TLS.
	InsecureListen  bool
	TLSCert, TLSKey string // files; both or none

	// Federation says how far Warder goes to reach OpenID Connect providers.
	Federation oidc.Network

	// SAMLEndpoints are the audiences and recipients that SAML responses may be for;
	// AWS's if empty.
	SAMLEndpoints []string

	// PublicURL is where others reach this server: the base of the issuer URLs of
	// web identity tokens. Empty is the address that it listens on.
	PublicURL string

	// Trail is the folder of the audit trail; none is kept if it is empty.
	Trail string
	// TrailFor is how long the trail keeps events; 90 days if zero.
	TrailFor time.Duration
	// Buckets is where trails are delivered to: the URL of an S3 endpoint or a
	// folder of buckets; empty: nowhere, and there are no trails. MakeBuckets makes
	// the folder, and a bucket in it when a trail names it.
	Buckets     string
	MakeBuckets bool
	// DeliverEvery and DigestEvery are the times between log files and between
	// digests; CloudTrail's if zero.
	DeliverEvery, DigestEvery time.Duration
	// Decisions says which of the decisions about users' own services the trail keeps.
	Decisions audit.Level

	// Notify says how messages leave.
	Notify Notify

	// AlertLearning is how long it is learned what is usual in an account before there
	// are alerts about what is new; alert.Learning if zero.
	AlertLearning time.Duration

	// Streams are where the events of the trail are sent as they come (stream.Parse).
	Streams []string
	streams []stream.Target

	// Quotas are those that differ from AWS's defaults, by AWS's names.
	Quotas iam.Quotas

	Now func() time.Time // the clock; time.Now if nil
	Log *slog.Logger     // slog.Default() if nil
}

// DefaultListen is where Warder listens unless told otherwise.
const DefaultListen = "127.0.0.1:4500"

// Daemon is a running Warder. Open it, Run it, Close it.
type Daemon struct {
	config   Config
	state    *state.State
	ring     *seal.Keyring
	ids      *ids.Source
	server   *server.Server
	iam      *service.Service
	signIn   *signin.Service
	trail    *auditTrail    // nil if none is kept
	notify   *notifications // nil without a trail, whose outbox they need
	buses    *buses         // nil as well
	listener net.Listener
	issuer   *outbound.Issuer
	control  net.Listener // nil without a data folder
	tls      *tls.Config  // nil without TLS

	home AccountSpec // what a reset leaves; only with test hooks

	// First is the account that this start made; nil if there was one.
	First *NewAccount
}

// Open makes everything ready and binds the address; requests wait until Run.
func Open(ctx context.Context, c Config) (d *Daemon, err error) {
	if err := c.complete(); err != nil {
		return nil, err
	}
	mailer, err := c.Notify.mailer()
	if err != nil {
		return nil, err
	}
	d = &Daemon{config: c, ids: ids.New()}
	if c.TLSCert != "" {
		cert, err := tls.LoadX509KeyPair(c.TLSCert, c.TLSKey)
		if err != nil {
			return nil, err
		}
		d.tls = &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	}
	defer func() {
		if err != nil {
			d.Close()
			d = nil
		}
	}()
	// The addresses first: a start that cannot listen must not have made an account.
	if d.listener, err = net.Listen("tcp", c.Listen); err != nil {
		return d, err
	}
	if d.state, d.ring, err = open(ctx, &c); err != nil {
		return d, err
	}
	if c.Store == storeSQLite {
		if d.control, err = listenControl(c.Data); err != nil {
			return d, err
		}
	}
	if d.First, err = d.bootstrap(ctx); err != nil {
		return d, err
	}
	if c.TestHooks {
		if d.home, err = d.findHome(); err != nil {
			return d, err
		}
	}
	if c.Trail != "" {
		if d.trail, err = openTrail(c.Trail, d.state, c.Store != storeMemory, c.Log); err != nil {
			return d, err
		}
		if err = d.deliver(ctx); err != nil {
			return d, err
		}
		if err = d.findInsights(ctx); err != nil {
			return d, err
		}
		if err = d.trail.addStreams(c.streams); err != nil {
			return d, err
		}
	}
	d.wire(mailer)
	if d.trail != nil {
		if err = d.trail.feed.Begin(ctx); err != nil {
			return d, err
		}
	}
	return d, nil
}

const (
	storeSQLite = "sqlite"
	storeMemory = "memory"
)

// complete fills in defaults and refuses what does not go together.
func (c *Config) complete() error {
	if c.Listen == "" {
		c.Listen = DefaultListen
	}
	if c.Store == "" {
		c.Store = storeSQLite
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.AlertLearning == 0 {
		c.AlertLearning = alert.Learning
	}
	if err := c.Quotas.Check(); err != nil {
		return err
	}
	if err := c.parseStreams(); err != nil {
		return err
	}
	if err := c.deliveryConfig(); err != nil {
		return err
	}
	if (c.TLSCert == "") != (c.TLSKey == "") {
		return errors.New("a TLS certificate needs its key, and a key its certificate")
	}
	switch c.Store {
	case storeMemory:
	case storeSQLite:
		if c.Data == "" {
			return errors.New("the durable store needs a data folder")
		}
		if socket := ControlSocket(c.Data); len(socket) > maxSocketPath {
			return fmt.Errorf("the path %s is too long for a socket: start in the data folder, with --data=. alone", socket)
		}
	default:
		return fmt.Errorf("there is no store %q: use %q or %q", c.Store, storeSQLite, storeMemory)
	}
	loopback, err := isLoopback(c.Listen)
	if err != nil {
		return err
	}
	if !loopback {
		if c.TestHooks {
			return fmt.Errorf("test hooks are for loopback only, and %s is not", c.Listen)
		}
		if c.TLSCert == "" && !c.InsecureListen {
			return fmt.Errorf("refusing to listen on %s without TLS: give a certificate, or ask for plain text by --insecure-listen", c.Listen)
		}
	}
	if c.PublicURL, err = checkPublicURL(c.PublicURL); err != nil {
		return err
	}
	if (c.AdminKeyID == "") != (c.AdminSecret == "") {
		return errors.New("an administrator's access key needs both its id and its secret")
	}
	return (&AccountSpec{ID: c.Account, Admin: Key{c.AdminKeyID, c.AdminSecret}}).check()
}

// isLoopback says whether only this machine can reach an address.
func isLoopback(address string) (bool, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false, fmt.Errorf("listen address %q: %w", address, err)
	}
	if host == "localhost" {
		return true, nil
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback(), nil
}

// open opens the store, and the keys that the secrets in it are sealed with.
func open(ctx context.Context, c *Config) (*state.State, *seal.Keyring, error) {
	var st store.Store
	var ring *seal.Keyring
	if c.Store == storeMemory {
		st, ring = memory.New(), seal.NewRandom()
	} else {
		if err := os.MkdirAll(c.Data, 0o700); err != nil {
			return nil, nil, err
		}
		var err error
		if ring, err = openKeys(c.Data); err != nil {
			return nil, nil, err
		}
		if st, err = sqlite.Open(c.Data); err != nil {
			return nil, nil, err
		}
	}
	s, err := state.Open(ctx, st)
	if err != nil {
		return nil, nil, errors.Join(err, st.Close())
	}
	return s, ring, nil
}

// keyVariable names the environment variable that may hold the master key, for
// those who do not want it beside the data.
const keyVariable = "WARDER_MASTER_KEY"

// openKeys finds the master key. Only the first start makes one: on data that
// exist, a fresh key would open nothing.
func openKeys(dir string) (*seal.Keyring, error) {
	if text := os.Getenv(keyVariable); text != "" {
		return seal.Parse(text)
	}
	path := filepath.Join(dir, "master.key")
	if _, err := os.Stat(filepath.Join(dir, sqlite.DataFile)); errors.Is(err, os.ErrNotExist) {
		return seal.OpenOrCreate(path)
	}
	return seal.Open(path)
}

// wire makes the server of the services.
func (d *Daemon) wire(mailer *notify.Mailer) {
	az := authz.New()
	verifier := oidc.New(d.config.Federation)
	mfa := authn.NewMFA(d.state, d.ring)
	d.issuer = outbound.New(d.publicURL(), d.ring)
	d.iam = iam.New(iam.Config{
		IDs: d.ids, Ring: d.ring, Authz: az, MFA: mfa, Passwords: authn.NewPasswords(d.state), Quotas: d.config.Quotas, Issuer: d.issuer, OIDC: verifier,
	})
	eb := events.Config{IDs: d.ids, Ring: d.ring}
	if d.trail != nil {
		d.notify = d.newNotifications(az, mailer)
		d.buses = d.newBuses(az)
		eb.Bus = d.buses
	}
	d.server = &server.Server{
		State: d.state, Authn: authn.New(d.ring), Authz: az, IDs: d.ids, Now: d.config.Now, Log: d.config.Log,
		Services: []*service.Service{
			d.iam,
			sts.New(sts.Config{
				IDs: d.ids, Ring: d.ring, MFA: mfa, Issuer: d.issuer, OIDC: verifier,
				SAML: sts.SAML{State: d.state, Endpoints: d.config.SAMLEndpoints},
			}),
			events.New(eb),
		},
	}
	if d.trail != nil {
		d.server.Trail = d.trail
		d.server.Services = append(d.server.Services, d.notify.sns.Operations())
		ct := cloudtrail.Config{IDs: d.ids, Index: d.trail.index}
		if d.trail.delivery != nil {
			told := topics{d.notify.sns, d}
			d.trail.delivery.Notify = told.tell
			ct.Delivery, ct.Topics = deliverer{d.trail.delivery}, told
		}
		d.server.Services = append(d.server.Services, cloudtrail.New(ct))
	}
	zen := &authzen.Service{Caller: d.server.Caller, State: d.state, Authz: az, Ring: d.ring, Log: d.config.Log, URL: d.URL()}
	if d.trail != nil {
		zen.Takes, zen.Asked = d.config.Decisions.Takes, d.server.Asked
	}
	d.server.Paths = zen.Paths()
	d.server.Paths[PathReplay] = d.replayAPI(az)
	d.server.Paths[delegation.Path] = &delegation.Mailbox{Caller: d.server.Caller, State: d.state, Authz: az, Ring: d.ring, Log: d.config.Log}
	d.signIn = d.newSignIn(az, mfa)
	d.server.Paths[signin.Path] = d.signIn
	d.server.Paths[outbound.Path] = d.issuer.Handler(d.state.Snapshot)
	if d.notify != nil {
		d.server.Paths[topic.Path] = d.notify.keys.Handler(d.state.Snapshot)
	}
	if d.config.TestHooks {
		d.testHooks(d.server.Paths)
	}
}

// Services are the AWS services that it serves.
func (d *Daemon) Services() []*service.Service { return d.server.Services }

// URL is the address clients use.
func (d *Daemon) URL() string {
	scheme := "http"
	if d.tls != nil {
		scheme = "https"
	}
	return scheme + "://" + d.listener.Addr().String()
}

// publicURL is where others reach this server; "" if nobody has said so and the
// address that it listens on is none that can be called.
func (d *Daemon) publicURL() string {
	if d.config.PublicURL != "" {
		return d.config.PublicURL
	}
	if a, ok := d.listener.Addr().(*net.TCPAddr); ok && a.IP.IsUnspecified() {
		return ""
	}
	return d.URL()
}

// checkPublicURL makes the form of a public URL that paths can be appended to.
func checkPublicURL(text string) (string, error) {
	if text == "" {
		return "", nil
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
		return "", fmt.Errorf("the public URL %q is not of the form https://host/path", text)
	}
	return strings.TrimRight(u.String(), "/"), nil
}

// housekeepEvery is how often last-used dates are written, so the most of them
// that a crash can lose.
const housekeepEvery = time.Minute

// Run serves until ctx ends, then finishes the requests under way.
func (d *Daemon) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	hs := d.server.HTTP()
	serve := func() error { return hs.Serve(d.listener) }
	if d.tls != nil {
		hs.TLSConfig = d.tls
		serve = func() error { return hs.ServeTLS(d.listener, "", "") }
	}
	if d.control != nil {
		control := &http.Server{Handler: d.controlHandler(), ReadTimeout: 10 * time.Second}
		go func() { _ = control.Serve(d.control) }() // ends with Close
		defer control.Close()
	}
	if d.trail != nil {
		feeding, stop := context.WithCancel(context.WithoutCancel(ctx))
		fed := make(chan struct{})
		go func() {
			d.trail.run(feeding)
			close(fed)
		}()
		defer func() {
			if d.config.Store == storeMemory {
				d.trail.catchUp(feeding, d.state.Snapshot().Revision) // there is no later for what is in memory
			}
			stop()
			<-fed
		}()
	}
	if d.notify != nil {
		sent := make(chan struct{})
		go func() {
			var sending sync.WaitGroup
			sending.Go(func() { d.notify.run(ctx, d) })
			sending.Go(func() { d.buses.Run(ctx) })
			sending.Wait()
			close(sent)
		}()
		defer func() {
			cancel()
			<-sent
		}()
	}
	go d.housekeep(ctx)
	return d.server.Listen(ctx, hs, serve)
}

// housekeep does what is to be done now and then, until ctx ends.
func (d *Daemon) housekeep(ctx context.Context) {
	tick := time.NewTicker(housekeepEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := d.state.FlushUsage(ctx, d.config.Now()); err != nil && ctx.Err() == nil {
				d.config.Log.Error("last-used dates could not be written", "error", err)
			}
			if err := d.issuer.Rotate(ctx, d.state, d.config.Now()); err != nil && ctx.Err() == nil {
				d.config.Log.Error("signing keys could not be rotated", "error", err)
			}
			if d.trail != nil {
				if err := d.trail.retire(ctx, d.config.Now().Add(-d.config.TrailFor)); err != nil && ctx.Err() == nil {
					d.config.Log.Error("old events could not be let go", "error", err)
				}
				if err := d.trail.insights.Tick(ctx, d.config.Now()); err != nil && ctx.Err() == nil {
					d.config.Log.Error("Insights could not be ended", "error", err)
				}
			}
			if d.notify != nil {
				if err := d.notify.housekeep(ctx, d); err != nil && ctx.Err() == nil {
					d.config.Log.Error("subscriptions and the keys of messages could not be tidied", "error", err)
				}
			}
			if d.buses != nil {
				if err := d.buses.housekeep(ctx, d); err != nil && ctx.Err() == nil {
					d.config.Log.Error("the audit trail could not be looked through", "error", err)
				}
			}
			if d.config.Store == storeMemory {
				// Nobody asks for the past of a store that has none after a restart.
				if err := d.compact(ctx); err != nil && ctx.Err() == nil {
					d.config.Log.Error("the log could not be compacted", "error", err)
				}
			}
		}
	}
}

// compact forgets the past of the state, but for events that are not indexed yet.
func (d *Daemon) compact(ctx context.Context) error {
	if d.trail != nil {
		return d.trail.compact(ctx, d.state)
	}
	return d.state.Compact(ctx, d.state.Snapshot().Revision)
}

// Close writes what is to be written and lets go of everything. A daemon that
// runs must be stopped first, by its context.
func (d *Daemon) Close() error {
	var errs []error
	if d.listener != nil {
		if err := d.listener.Close(); !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	if d.control != nil {
		if err := d.control.Close(); !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	if d.state != nil {
		errs = append(errs, d.state.Close())
	}
	if d.trail != nil {
		errs = append(errs, d.trail.close())
	}
	return errors.Join(errs...)
}
