package alert

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"strings"
	"time"

	"github.com/warder-iam/warder/internal/audit/trail"
	"github.com/warder-iam/warder/internal/eventbus"
	"github.com/warder-iam/warder/internal/service/events"
)

// Watcher makes findings of what it sees in the trail. It is an eventbus.Watcher, and
// as such used by one goroutine at a time.
type Watcher struct {
	values   Values
	learning time.Duration
	cache    map[string]*memory
	bursts   map[string]burst
	usual    map[string]int // what of a record is the same again, and the day it was
}

// Learning is how long a Watcher learns what is usual in an account before it finds
// anything new, unless told otherwise.
const Learning = 7 * 24 * time.Hour

// NewWatcher makes a Watcher, which keeps what it has seen in values.
func NewWatcher(values Values, learning time.Duration) *Watcher {
	return &Watcher{values: values, learning: learning, cache: map[string]*memory{}, bursts: map[string]burst{}, usual: map[string]int{}}
}

// valuesPrefix is what the names of memories begin with.
const valuesPrefix = "alerts/"

// record is what counts of a CloudTrail record.
type record struct {
	Name     string `json:"eventName"`
	Source   string `json:"eventSource"`
	Region   string `json:"awsRegion"`
	From     string `json:"sourceIPAddress"`
	Error    string `json:"errorCode"`
	Identity struct {
		Type      string `json:"type"`
		Principal string `json:"principalId"`
		ARN       string `json:"arn"`
		Account   string `json:"accountId"`
		Provider  string `json:"identityProvider"`
		Name      string `json:"userName"`
		Session   struct {
			Issuer struct {
				ARN string `json:"arn"`
			} `json:"sessionIssuer"`
		} `json:"sessionContext"`
	} `json:"userIdentity"`
	Parameters struct {
		Role string `json:"roleArn"`
	} `json:"requestParameters"`
}

// principal is who it was, without the session: the role, the user, somebody of
// another account, or whom an identity provider vouches for. "" is nobody.
func (r *record) principal() string {
	switch id := &r.Identity; {
	case id.Session.Issuer.ARN != "":
		return id.Session.Issuer.ARN
	case id.ARN != "":
		return id.ARN
	case id.Type == "AWSAccount":
		return id.Account + " " + id.Principal[:max(0, strings.IndexByte(id.Principal+":", ':'))]
	case id.Provider != "":
		return id.Provider + " " + id.Name
	}
	return ""
}

// Watch implements eventbus.Watcher.
func (w *Watcher) Watch(ctx context.Context, entries []*trail.Entry, gaps []*trail.Gap) (*eventbus.Watched, error) {
	c := &change{Watcher: w, memories: map[string]*memory{}, bursts: map[string]burst{}, usual: map[string]int{}}
	out := &eventbus.Watched{Values: map[string][]byte{}, Landed: c.land}
	for _, e := range entries {
		same, usual := signature(e)
		if usual && w.usual[same] == dayOf(e.Time) {
			continue
		}
		found, err := c.watch(ctx, e)
		if err != nil {
			return nil, err
		}
		if usual {
			c.usual[same] = dayOf(e.Time)
		}
		for _, f := range found {
			f.Record = e.JSON
			event, err := f.envelope(e.Account, Region, e.Time)
			if err != nil {
				return nil, err
			}
			out.Events = append(out.Events, event)
		}
	}
	for _, g := range gaps {
		event, err := gapFinding(g).envelope("", Region, g.Until)
		if err != nil {
			return nil, err
		}
		out.Events = append(out.Events, event)
	}
	for name, m := range c.memories {
		text, err := json.Marshal(m)
		if err != nil {
			return nil, err
		}
		out.Values[name] = text
	}
	return out, nil
}

// land makes what was remembered hold.
func (c *change) land() {
	for name, m := range c.memories {
		c.cache[name] = m
	}
	for name, b := range c.bursts {
		c.Watcher.bursts[name] = b
	}
	if len(c.Watcher.usual) >= maxCached {
		clear(c.Watcher.usual)
	}
	maps.Copy(c.Watcher.usual, c.usual)
}

// signature is all of an event that counts, if it is a call as most are: one that
// succeeded and assumed no role. Another with the same signature on the same day
// brings nothing new, and need not be read: it takes a fifth of the time.
func signature(e *trail.Entry) (text string, ok bool) {
	if strings.HasPrefix(e.Name, "AssumeRole") || bytes.Contains(e.JSON, errorMember) {
		return "", false
	}
	// The members stand in this order, and nothing that a caller wrote is before them
	// with quotes that are not escaped (internal/audit).
	from, end := bytes.Index(e.JSON, identityMember), bytes.Index(e.JSON, timeMember)
	place, agent := bytes.Index(e.JSON, regionMember), bytes.Index(e.JSON, agentMember)
	if from < 0 || end < from || place < end || agent < place {
		return "", false
	}
	return e.Account + string(e.JSON[from:end]) + string(e.JSON[place:agent]), true
}

var (
	identityMember, timeMember = []byte(`"userIdentity":`), []byte(`,"eventTime":`)
	regionMember, agentMember  = []byte(`,"awsRegion":`), []byte(`,"userAgent":`) // the address is between them
	errorMember                = []byte(`,"errorCode":`)
)

// watch looks at one event.
func (c *change) watch(ctx context.Context, e *trail.Entry) (found []*finding, err error) {
	r := new(record)
	if err := json.Unmarshal(e.JSON, r); err != nil {
		return nil, fmt.Errorf("alert: event %s: %w", e.ID, err)
	}
	who := r.principal()
	if who == "" || r.Identity.Type == "AWSService" {
		return nil, nil
	}
	day := dayOf(e.Time)
	place := valuesPrefix + e.Account + "/"
	learning, err := c.account(ctx, place+"account", e.Time)
	if err != nil {
		return nil, err
	}
	note := func(f finding, before bool) {
		if !before && !learning {
			f.Severity, f.Principal = medium, who
			found = append(found, &f)
		}
	}
	before, _, err := c.see(ctx, place+"account", "region "+r.Region, day)
	if err != nil {
		return nil, err
	}
	note(finding{Finding: newRegion, Title: who + " is the first to use the region " + r.Region + ".", Region: r.Region}, before)
	if r.assumed() {
		if before, _, err = c.see(ctx, place+"role/"+r.Parameters.Role, who, day); err != nil {
			return nil, err
		}
		note(finding{Finding: newRoleUse, Title: who + " assumed " + r.Parameters.Role + " for the first time.", Role: r.Parameters.Role}, before)
	}
	if network := networkOf(r.From); network != "" && r.Identity.ARN != "" {
		before, any, err := c.see(ctx, place+"from/"+who, network, day)
		if err != nil {
			return nil, err
		}
		// Whoever is new is not at a new place.
		note(finding{Finding: newNetwork, Title: who + " came from " + network + " for the first time.", Network: network}, before || !any)
	}
	if refused(r.Error) && c.burst(e.Account+" "+who, e.Time) {
		found = append(found, &finding{
			Finding: refusals, Severity: medium, Principal: who, Count: burstSize,
			Title: fmt.Sprintf("%s was refused %d calls within %v.", who, burstSize, burstTime),
		})
	}
	return found, nil
}

// account says whether the account is still being learned. That begins anew when
// nobody was watching for as long as it takes.
func (c *change) account(ctx context.Context, name string, at time.Time) (learning bool, err error) {
	m, err := c.of(ctx, name)
	if err != nil {
		return false, err
	}
	const active = "active"
	day := dayOf(at)
	last, known := m.Seen[active]
	if !known || last < day {
		anew := !known || time.Duration(day-last)*24*time.Hour > max(c.learning, 24*time.Hour)
		m = c.own(name, m)
		m.Seen[active] = day
		if anew {
			m.Since = at
		}
	}
	return at.Before(m.Since.Add(c.learning)), nil
}

// assumed says whether a role was assumed.
func (r *record) assumed() bool {
	return r.Source == "sts.amazonaws.com" && r.Error == "" && r.Parameters.Role != "" && strings.HasPrefix(r.Name, "AssumeRole")
}

// networkOf is the network of an address that counts as one place: /24, or /48 of
// IPv6. "" for what is no address.
func networkOf(text string) string {
	addr, err := netip.ParseAddr(text)
	if err != nil {
		return ""
	}
	bits := 24
	if addr = addr.Unmap(); addr.Is6() {
		bits = 48
	}
	p, err := addr.WithZone("").Prefix(bits)
	if err != nil {
		return ""
	}
	return p.String()
}

// refused says whether an errorCode is a refusal for lack of permission.
func refused(code string) bool {
	switch code {
	case "AccessDenied", "AccessDeniedException", "AuthorizationError", "Client.UnauthorizedOperation", "UnauthorizedOperation":
		return true
	}
	return false
}

// A burst counts the refusals of a principal. It is not kept over a restart.
type burst struct {
	began time.Time
	count int
}

const (
	burstSize = 10
	burstTime = 5 * time.Minute
	maxBursts = 10_000
)

// burst counts a refusal, and says whether it is the one by which there are many.
func (c *change) burst(name string, at time.Time) bool {
	b, ok := c.bursts[name]
	if !ok {
		b, ok = c.Watcher.bursts[name]
	}
	if !ok || at.Sub(b.began) > burstTime {
		b = burst{began: at}
		if len(c.Watcher.bursts) >= maxBursts {
			clear(c.Watcher.bursts)
		}
	}
	b.count++
	c.bursts[name] = b
	return b.count == burstSize
}

// gapFinding is what is found of a gap in the log: in no account, so in all.
func gapFinding(g *trail.Gap) *finding {
	f := &finding{Finding: logGap, Severity: medium, Cause: string(g.Cause), Count: int(g.Lost)}
	switch g.Cause {
	case trail.Tampering:
		f.Severity, f.Title = high, "The log of the audit trail was changed by somebody else while it was written."
	case trail.Crash:
		f.Severity, f.Title = low, "The server did not end in order: the last events before that may be missing in the log."
	default:
		f.Title = fmt.Sprintf("The log of the audit trail could not take %d events.", g.Lost)
	}
	return f
}

// Damage is the finding of a log that is not as it was written, of no account.
func Damage(what string, at time.Time) (*events.Envelope, error) {
	f := &finding{Finding: logDamaged, Severity: high, Title: "The log of the audit trail is not as it was written: " + what}
	return f.envelope("", Region, at)
}

// Forget are the values, to be deleted, of what was not seen for long.
func (w *Watcher) Forget(ctx context.Context, now time.Time) (values map[string][]byte, err error) {
	names, err := w.values.ValueNames(ctx, valuesPrefix)
	if err != nil {
		return nil, err
	}
	values = map[string][]byte{}
	for _, name := range names {
		text, err := w.values.Value(ctx, name)
		if err != nil {
			return nil, err
		}
		m := new(memory)
		if json.Unmarshal(text, m) != nil || m.stale(dayOf(now)) {
			values[name] = nil
		}
	}
	return values, nil
}
