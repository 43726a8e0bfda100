package alert

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/warder-iam/warder/internal/audit/trail"
	"github.com/warder-iam/warder/internal/eventbus"
	"github.com/warder-iam/warder/internal/eventpattern"
)

const account = "123456789012"

// Every pattern can be read, and matches the sample of its alert and of no other one.
func TestCatalogue(t *testing.T) {
	for _, of := range Catalogue {
		sample, err := of.Sample(account, "eu-west-1", time.Now())
		if err != nil {
			t.Fatal(err)
		}
		text, err := sample.JSON()
		if err != nil {
			t.Fatal(err)
		}
		event, err := eventpattern.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		var matched []string
		for _, a := range Catalogue {
			p, err := eventpattern.Compile(a.Pattern)
			if err != nil {
				t.Fatalf("%s: %v", a.Name, err)
			}
			if p.Matches(event) {
				matched = append(matched, a.Name)
			}
		}
		if !slices.Equal(matched, []string{of.Name}) {
			t.Errorf("the sample of %s is matched by %q", of.Name, matched)
		}
		if !strings.Contains(string(text), `"warderSample":true`) {
			t.Errorf("the sample of %s does not say that it is one", of.Name)
		}
		rule := eventpattern.Rule{Name: of.Rule()}
		in, out := of.Input(), of.Text()
		template, err := eventpattern.CompileTemplate(in.Template, in.Paths)
		if err != nil {
			t.Fatalf("%s: %v", of.Name, err)
		}
		var message struct {
			Alert, Severity, Title string
			Event                  struct{ Source string }
		}
		if err := json.Unmarshal(template.Fill(text, rule), &message); err != nil || message.Alert != of.Name || message.Severity != of.Severity || message.Event.Source != sample.Source {
			t.Errorf("%s: %+v, %v", of.Name, message, err)
		}
		if template, err = eventpattern.CompileTemplate(out.Template, out.Paths); err != nil {
			t.Fatalf("%s: %v", of.Name, err)
		}
		if lines := string(template.Fill(text, rule)); !strings.HasPrefix(lines, `"`+of.Severity+": "+of.Title+`"`+"\n") || !strings.Contains(lines, "Account "+account) {
			t.Errorf("%s: %s", of.Name, lines)
		}
	}
}

func TestFind(t *testing.T) {
	if found, err := Find([]string{"root-use", "warder-trail-change"}); err != nil || len(found) != 2 || found[1].Name != "trail-change" {
		t.Errorf("%v, %v", found, err)
	}
	if _, err := Find([]string{"nothing"}); err == nil {
		t.Error("an alert that there is not was found")
	}
}

// values are those of an outbox.
type values map[string][]byte

func (v values) Value(_ context.Context, name string) ([]byte, error) { return v[name], nil }

func (v values) ValueNames(_ context.Context, prefix string) (names []string, err error) {
	for name := range v {
		if strings.HasPrefix(name, prefix) {
			names = append(names, name)
		}
	}
	return names, nil
}

func (v values) land(w *eventbus.Watched) {
	maps.Copy(v, w.Values)
	w.Landed()
}

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

const ann, ben = "arn:aws:iam::123456789012:user/ann", "arn:aws:iam::123456789012:user/ben"

// call is the event of a call.
func call(who, from, region string, at time.Time, more string) *trail.Entry {
	return &trail.Entry{ID: "e", Account: account, Time: at, JSON: fmt.Appendf(nil,
		`{"userIdentity":{"type":"IAMUser","arn":%q},"sourceIPAddress":%q,"awsRegion":%q%s}`, who, from, region, more)}
}

func assume(who, role string, at time.Time) *trail.Entry {
	return call(who, "192.0.2.1", "us-east-1", at, fmt.Sprintf(`,"eventSource":"sts.amazonaws.com","eventName":"AssumeRole","requestParameters":{"roleArn":%q}`, role))
}

// kinds are the findings of what was watched.
func kinds(t *testing.T, w *eventbus.Watched) string {
	t.Helper()
	var all []string
	for _, e := range w.Events {
		var f finding
		if err := json.Unmarshal(e.Detail, &f); err != nil {
			t.Fatal(err)
		}
		if e.Source != Source || e.DetailType != DetailType || e.Region != Region || f.Title == "" || f.Severity == "" {
			t.Errorf("the finding %+v", e)
		}
		all = append(all, f.Finding)
	}
	return strings.Join(all, " ")
}

func watch(t *testing.T, w *Watcher, entries ...*trail.Entry) *eventbus.Watched {
	t.Helper()
	out, err := w.Watch(t.Context(), entries, nil)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// While an account is learned nothing is new; afterwards what was not seen is, once,
// over restarts, until it has not been seen for long.
func TestFirstTimes(t *testing.T) {
	known := values{}
	w := NewWatcher(known, Learning)
	const role = "arn:aws:iam::123456789012:role/admin"
	step := func(what, want string, entries ...*trail.Entry) {
		t.Helper()
		out := watch(t, w, entries...)
		if got := kinds(t, out); got != want {
			t.Errorf("%s: %q, want %q", what, got, want)
		}
		known.land(out)
	}
	at := start
	step("learning", "", assume(ann, role, at), call(ben, "198.51.100.7", "us-east-1", at, ""), call(ann, "2001:db8:1::1", "us-east-1", at, ""))
	at = at.Add(Learning + time.Hour)
	step("known", "", assume(ann, role, at), call(ben, "198.51.100.99", "us-east-1", at, ""), call(ann, "2001:db8:1:2::9", "us-east-1", at, ""))
	step("another user", newRoleUse+" "+newNetwork, assume(ben, role, at))
	step("not again", "", assume(ben, role, at))
	step("a new user is not at a new place", "", call(ann+"e", "203.0.113.1", "us-east-1", at, ""))
	step("but then is", newNetwork, call(ann+"e", "203.0.114.1", "us-east-1", at, ""))
	step("a new network of IPv6", newNetwork, call(ann, "2001:db8:2::1", "us-east-1", at, ""))
	step("a new region", newRegion, call(ann, "192.0.2.1", "ap-south-1", at, ""))
	step("a refusal is from somewhere, too, but assumes nothing", newNetwork, call(ben, "203.0.113.1", "us-east-1", at, `,"errorCode":"AccessDenied","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","requestParameters":{"roleArn":"x"}`))
	w = NewWatcher(known, Learning)
	step("after a restart", "", assume(ann, role, at), assume(ben, role, at))
	for range 14 { // the account is in use all the time
		at = at.Add(Learning)
		step("daily use", "", call(ben, "203.0.113.1", "us-east-1", at, ""))
	}
	step("forgotten", newRoleUse, assume(ann, role, at))
	step("nobody watched: it is learned anew", "", assume(ben+"2", role, at.Add(3*Learning)))
	if err := json.Unmarshal(known["alerts/"+account+"/role/"+role], new(memory)); err != nil {
		t.Error(err)
	}
}

// Nothing is remembered of what has not landed.
func TestNotLanded(t *testing.T) {
	known := values{}
	w := NewWatcher(known, time.Nanosecond)
	known.land(watch(t, w, assume(ann, "r", start)))
	later := start.Add(time.Hour)
	for range 2 {
		if got := kinds(t, watch(t, w, assume(ben, "r", later))); got != newRoleUse {
			t.Errorf("%q", got)
		}
	}
	known.land(watch(t, w, assume(ben, "r", later)))
	if got := kinds(t, watch(t, w, assume(ben, "r", later))); got != "" {
		t.Errorf("%q", got)
	}
}

// Sessions of a role are one principal; services and strangers are none.
func TestPrincipals(t *testing.T) {
	for text, want := range map[string]string{
		`{"type":"AssumedRole","arn":"arn:aws:sts::1:assumed-role/r/s","sessionContext":{"sessionIssuer":{"arn":"arn:aws:iam::1:role/r"}}}`: "arn:aws:iam::1:role/r",
		`{"type":"AWSAccount","principalId":"AROAX:session","accountId":"210987654321"}`:                                                    "210987654321 AROAX",
		`{"type":"AWSAccount","principalId":"AIDAX","accountId":"210987654321"}`:                                                            "210987654321 AIDAX",
		`{"type":"WebIdentityUser","identityProvider":"idp","userName":"sub"}`:                                                              "idp sub",
		`{"type":"AWSService","invokedBy":"x"}`:                                                                                             "",
		`{"type":"Unknown"}`:                                                                                                                "",
	} {
		r := new(record)
		if err := json.Unmarshal([]byte(`{"userIdentity":`+text+`}`), r); err != nil {
			t.Fatal(err)
		}
		if got := r.principal(); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

// Ten refusals within five minutes are many, and are told of once.
func TestRefusals(t *testing.T) {
	w := NewWatcher(values{}, Learning)
	refuse := func(who string, at time.Time) *trail.Entry {
		return call(who, "192.0.2.1", "us-east-1", at, `,"errorCode":"AccessDenied"`)
	}
	run := func(n int, who string, at time.Time) (found string) {
		for range n {
			out := watch(t, w, refuse(who, at))
			found += kinds(t, out)
			values{}.land(out)
		}
		return found
	}
	if got := run(9, ann, start) + run(9, ben, start) + run(9, ann, start.Add(burstTime+time.Second)); got != "" {
		t.Errorf("too few: %q", got)
	}
	if got := run(5, ben, start); got != refusals {
		t.Errorf("%q", got)
	}
}

// A memory holds so much, and what was not seen for longest goes.
func TestMemoryIsBounded(t *testing.T) {
	known := values{}
	w := NewWatcher(known, time.Nanosecond)
	for i := range 2 * maxSeen {
		known.land(watch(t, w, assume(fmt.Sprintf("%s%03d", ann, i), "r", start.Add(time.Duration(i)*time.Hour))))
	}
	m := new(memory)
	if err := json.Unmarshal(known["alerts/"+account+"/role/r"], m); err != nil {
		t.Fatal(err)
	}
	if len(m.Seen) != maxSeen || m.Seen[fmt.Sprintf("%s%03d", ann, 2*maxSeen-1)] == 0 {
		t.Errorf("%d are remembered", len(m.Seen))
	}
	forgotten, err := w.Forget(t.Context(), start.Add(200*24*time.Hour))
	if err != nil || len(forgotten) != len(known) {
		t.Errorf("%d of %d are forgotten, %v", len(forgotten), len(known), err)
	}
	if forgotten, err = w.Forget(t.Context(), start.Add(24*time.Hour)); err != nil || len(forgotten) != 0 {
		t.Errorf("%d are forgotten, %v", len(forgotten), err)
	}
}

func TestGaps(t *testing.T) {
	w := NewWatcher(values{}, Learning)
	out, err := w.Watch(t.Context(), nil, []*trail.Gap{{Cause: trail.Tampering}, {Cause: trail.Overload, Lost: 7}, {Cause: trail.Crash}})
	if err != nil {
		t.Fatal(err)
	}
	if got := kinds(t, out); got != strings.Repeat(logGap+" ", 2)+logGap {
		t.Errorf("%q", got)
	}
	for i, want := range []string{high, medium, low} {
		if out.Events[i].Account != "" || !strings.Contains(string(out.Events[i].Detail), want) {
			t.Errorf("%+v", out.Events[i])
		}
	}
}

func TestNetworkOf(t *testing.T) {
	for text, want := range map[string]string{
		"192.0.2.77": "192.0.2.0/24", "::ffff:192.0.2.77": "192.0.2.0/24", "2001:db8:1:2::3": "2001:db8:1::/48", "fe80::1%eth0": "fe80::/48",
		"events.amazonaws.com": "", "AWS Internal": "", "": "",
	} {
		if got := networkOf(text); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

// What is read again only in part is found all the same.
func TestUsual(t *testing.T) {
	known := values{}
	w := NewWatcher(known, time.Nanosecond)
	step := func(want string, e *trail.Entry) {
		t.Helper()
		out := watch(t, w, e)
		if got := kinds(t, out); got != want {
			t.Errorf("%q, want %q", got, want)
		}
		known.land(out)
	}
	at := start.Add(time.Hour)
	step("", whole(ann, "192.0.2.1", "us-east-1", start, ""))
	for range 3 {
		step("", whole(ann, "192.0.2.1", "us-east-1", at, ""))
	}
	if len(w.usual) != 1 {
		t.Errorf("%d usual calls", len(w.usual))
	}
	step(newNetwork, whole(ann, "198.51.100.1", "us-east-1", at, ""))
	step(newRegion, whole(ann, "192.0.2.1", "us-east-2", at, ""))
	for i := range burstSize {
		want := ""
		if i == burstSize-1 {
			want = refusals
		}
		step(want, whole(ann, "192.0.2.1", "us-east-1", at, `,"errorCode":"AccessDenied"`))
	}
	step("", whole(ann, "192.0.2.1", "us-east-1", at.Add(24*time.Hour), ""))
	m := new(memory)
	if err := json.Unmarshal(known["alerts/"+account+"/from/"+ann], m); err != nil || m.Seen["192.0.2.0/24"] != dayOf(start)+1 {
		t.Errorf("%+v, %v", m, err)
	}
}

// whole is an event with its members in the order in which they are written.
func whole(who, from, region string, at time.Time, more string) *trail.Entry {
	return &trail.Entry{ID: "e", Account: account, Time: at, Name: "ListUsers", JSON: fmt.Appendf(nil,
		`{"eventVersion":"1.11","userIdentity":{"type":"IAMUser","arn":%q},"eventTime":%q,"eventSource":"iam.amazonaws.com","eventName":"ListUsers","awsRegion":%q,"sourceIPAddress":%q,"userAgent":"x"%s}`,
		who, at.Format(time.RFC3339), region, from, more)}
}

func BenchmarkWatch(b *testing.B) {
	for name, entry := range map[string]*trail.Entry{"usual": whole(ann, "192.0.2.1", "us-east-1", start, ""), "read": assume(ann, "arn:aws:iam::123456789012:role/admin", start)} {
		b.Run(name, func(b *testing.B) {
			w := NewWatcher(values{}, Learning)
			b.ReportAllocs()
			for b.Loop() {
				out, err := w.Watch(b.Context(), []*trail.Entry{entry}, nil)
				if err != nil {
					b.Fatal(err)
				}
				out.Landed()
			}
		})
	}
}
