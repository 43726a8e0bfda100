package eventbus

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/warder-iam/warder/arn"
	"github.com/warder-iam/warder/internal/audit/outbox"
	"github.com/warder-iam/warder/internal/authz"
	"github.com/warder-iam/warder/internal/awserr"
	"github.com/warder-iam/warder/internal/connection"
	"github.com/warder-iam/warder/internal/eventpattern"
	"github.com/warder-iam/warder/internal/notify"
	"github.com/warder-iam/warder/internal/notify/topic"
	"github.com/warder-iam/warder/internal/service/events"
	"github.com/warder-iam/warder/internal/service/sns"
	"github.com/warder-iam/warder/internal/state"
	"github.com/warder-iam/warder/policy"
)

// Run sends until ctx ends.
func (b *Bus) Run(ctx context.Context) {
	var noting sync.WaitGroup
	noting.Go(func() { b.note(ctx) })
	b.Outbox.Run(ctx, outbox.Sender{
		Queue: Queue, Workers: workers, Unordered: true, Send: b.send, Keep: keep, Died: b.died,
		First: b.FirstRetry, Most: b.MostRetry, Log: b.Log,
	})
	noting.Wait()
}

// keep follows the retry policy of the target
// (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-retry-policy.html).
func keep(item *outbox.Item, now time.Time) bool {
	d, err := read(item)
	return err == nil && item.Attempts <= d.MaxAttempts && now.Before(item.Made.Add(time.Duration(d.MaxAge)*time.Second))
}

// send sends an item. What is of an account that is gone is let go.
func (b *Bus) send(ctx context.Context, item *outbox.Item) error {
	d, err := read(item)
	if err != nil {
		return &outbox.Permanent{Err: err}
	}
	snap := b.State()
	if a, err := arn.Parse(d.Rule); err != nil || snap.Accounts.Get(a.Account) == nil {
		return nil
	}
	err = b.deliver(ctx, snap, d)
	if refused, ok := errors.AsType[*awserr.Error](err); ok {
		// Who lacks a permission, or names what is not there, lacks it the next time, too.
		err = &outbox.Permanent{Err: refused}
	}
	if ctx.Err() == nil {
		b.sent.add(d.Rule, b.Now(), err)
	}
	return err
}

func (b *Bus) deliver(ctx context.Context, snap *state.Snapshot, d *delivery) error {
	a, err := arn.Parse(d.ARN)
	switch {
	case err != nil:
		return &outbox.Permanent{Err: err}
	case a.Service == "sns":
		return b.publish(ctx, snap, d)
	case a.ResourceType() == "api-destination":
		return b.invoke(ctx, snap, d)
	}
	return b.forward(ctx, snap, d, place{a.Account, a.Region, a.ResourceID()})
}

// publish publishes to a topic, by the target's role or, if it has none, as
// EventBridge, which the topic's policy must let in.
func (b *Bus) publish(ctx context.Context, snap *state.Snapshot, d *delivery) error {
	n := b.notice(d, d.ARN, d.input(), d.messageID())
	if d.Role != "" {
		var err error
		if n.Caller, err = b.role(snap, d); err != nil {
			return err
		}
	}
	return b.Topics.PublishAs(ctx, snap, n)
}

func (b *Bus) notice(d *delivery, to, text, id string) *sns.Notice {
	a, _ := arn.Parse(d.Rule)
	return &sns.Notice{ID: id, Service: servicePrincipal, SourceARN: d.Rule, SourceAccount: a.Account, Topic: to, Text: text, Time: b.Now()}
}

var errInactive = errors.New("eventbus: the connection of the API destination is not authorized")

// invoke sends a request to an API destination
// (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-api-destinations.html).
func (b *Bus) invoke(ctx context.Context, snap *state.Snapshot, d *delivery) error {
	dest := snap.APIDestinationByARN(d.ARN)
	if dest == nil {
		return awserr.New("ResourceNotFoundException", "An api-destination '%s' does not exist.", d.ARN)
	}
	caller, err := b.role(snap, d)
	if err != nil {
		return err
	}
	check := authz.Check{Action: "events:InvokeApiDestination", Resource: d.ARN, Account: dest.Account}
	if err := b.Authz.Require(snap, &authz.Request{Caller: caller, Time: b.Now(), Region: dest.Region, Secure: true}, &check); err != nil {
		return err
	}
	c := snap.EventConnectionByARN(dest.Connection)
	if c == nil || c.Auth == nil {
		return errInactive
	}
	auth, err := connection.Open(b.Ring, c)
	if err != nil {
		return err
	}
	w, err := webhook(dest, d, c.Type, auth)
	if err != nil {
		return err
	}
	if err := b.rates.of(dest).Wait(ctx); err != nil {
		return err
	}
	return b.Webhooks.Send(ctx, w)
}

// webhook is the request that a destination, a target and a connection make up.
func webhook(dest *state.APIDestination, d *delivery, kind string, auth *connection.Auth) (w *notify.Webhook, err error) {
	w = &notify.Webhook{Method: dest.Method, Body: []byte(d.input())}
	var path []string
	if d.HTTP != nil {
		path = d.HTTP.PathParameters
		for name, value := range d.HTTP.Header {
			w.Header = append(w.Header, notify.Field{Name: name, Value: value})
		}
		for name, value := range d.HTTP.Query {
			w.Query = append(w.Query, notify.Field{Name: name, Value: value})
		}
	}
	if w.URL, err = notify.FillPath(dest.Endpoint, path); err != nil {
		return nil, err
	}
	if i := auth.Invocation; i != nil {
		w.Header, w.Query, w.Fields = append(w.Header, fields(i.Header)...), append(w.Query, fields(i.Query)...), fields(i.Body)
	}
	switch secret := (notify.Field{Name: auth.Name, Value: auth.Secret}); kind {
	case connection.OAuth:
		o := &notify.OAuth{Endpoint: auth.Endpoint, Method: auth.Method, ClientID: auth.Name, ClientSecret: auth.Secret}
		if p := auth.OAuth; p != nil {
			o.Header, o.Query, o.Body = fields(p.Header), fields(p.Query), fields(p.Body)
		}
		w.Auth.OAuth = o
	case connection.Basic:
		w.Auth.Basic = &secret
	default:
		w.Auth.APIKey = &secret
	}
	return w, nil
}

func fields(list []connection.Parameter) (out []notify.Field) {
	for _, p := range list {
		out = append(out, notify.Field{Name: p.Key, Value: p.Value})
	}
	return out
}

// rates hold the requests to API destinations to their rates.
type rates struct {
	mu    sync.Mutex
	byARN map[string]*rate.Limiter
}

// maxRates is how many limits are known; beyond it they begin anew.
const maxRates = 10_000

func (r *rates) of(d *state.APIDestination) *rate.Limiter {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.byARN == nil || len(r.byARN) >= maxRates {
		r.byARN = map[string]*rate.Limiter{}
	}
	l := r.byARN[d.ARN()]
	if l == nil {
		l = rate.NewLimiter(rate.Limit(d.Rate), d.Rate)
		r.byARN[d.ARN()] = l
	} else if l.Burst() != d.Rate {
		l.SetLimit(rate.Limit(d.Rate))
		l.SetBurst(d.Rate)
	}
	return l
}

// forward puts the event on another bus, whose policy must let in the rule's account,
// or its role, if it is another account's
// (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-cross-account.html).
func (b *Bus) forward(ctx context.Context, snap *state.Snapshot, d *delivery, to place) error {
	bus := snap.EventBus(to.account, to.region, to.bus)
	if bus == nil {
		return awserr.New("ResourceNotFoundException", "Event bus %s does not exist.", to.bus)
	}
	caller, err := b.sender(snap, d)
	if err != nil {
		return err
	}
	event, err := eventpattern.Parse([]byte(d.Event))
	if err != nil {
		return &outbox.Permanent{Err: err}
	}
	check := authz.Check{Action: "events:PutEvents", Resource: bus.ARN(), Account: bus.Account, Tags: bus.Tags}
	if check.ResourcePolicy, err = events.BusPolicy(bus); err != nil {
		return err
	}
	for key, member := range map[string]string{"events:source": "source", "events:detail-type": "detail-type"} {
		if value, ok := event.String(member); ok {
			check.Set(key, policy.Strings(value))
		}
	}
	check.Set("events:eventBusInvocation", policy.String("true"))
	check.Set("aws:SourceArn", policy.String(d.Rule))
	if err := b.Authz.Require(snap, &authz.Request{Caller: caller, Time: b.Now(), Region: bus.Region, Secure: true}, &check); err != nil {
		return err
	}
	return b.arrive(ctx, bus, []events.Event{{ID: d.ID, JSON: []byte(d.Event), Time: b.Now()}}, true)
}

// died sends a dead letter to the topic that the target names for it, with what AWS
// says of it (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html).
// Without one, or if that fails, it stays in the outbox.
func (b *Bus) died(ctx context.Context, item *outbox.Item) {
	d, err := read(item)
	if err != nil || d.DeadLetter == "" {
		return
	}
	n := b.notice(d, d.DeadLetter, d.Event, MessageID(d.ID, d.Rule, d.Target+" dead letter"))
	n.Attributes = map[string]topic.Attribute{}
	for name, value := range map[string]string{
		"RULE_ARN": d.Rule, "TARGET_ARN": d.ARN, "ERROR_CODE": errorCode(item.Error), "ERROR_MESSAGE": item.Error,
		"EXHAUSTED_RETRY_CONDITION": exhausted(d, item), "RETRY_ATTEMPTS": fmt.Sprint(item.Attempts - 1),
	} {
		n.Attributes[name] = topic.Attribute{Type: "String", Value: value}
	}
	if err := b.Topics.PublishAs(ctx, b.State(), n); err != nil {
		b.Log.Error("a dead letter could not be sent to its topic", "rule", d.Rule, "topic", d.DeadLetter, "error", err)
		return
	}
	if err := b.Outbox.Delete(ctx, item.ID); err != nil {
		b.Log.Error("a dead letter could not be taken out", "rule", d.Rule, "error", err)
	}
}

func exhausted(d *delivery, item *outbox.Item) string {
	if item.Attempts > d.MaxAttempts {
		return "MaximumRetryAttempts"
	}
	return "MaximumEventAgeInSeconds"
}

// errorCode is the code that AWS has for a cause.
func errorCode(text string) string {
	for part, code := range map[string]string{
		"is not authorized": "NO_PERMISSIONS", "does not exist": "NO_RESOURCE", "no answer within": "TIMEOUT", "answers " + fmt.Sprint(http.StatusTooManyRequests): "THROTTLING",
	} {
		if strings.Contains(text, part) {
			return code
		}
	}
	return "SDK_CLIENT_ERROR"
}
