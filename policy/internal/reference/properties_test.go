package reference

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/warder-iam/warder/policy"
)

// each runs a property on many worlds, with several requests each.
func each(t *testing.T, salt uint64, property func(g generator, c *Case, l *policy.Layers, req *policy.Request, d policy.Decision)) {
	g := generator{rand.New(rand.NewPCG(*seed, salt))}
	for range *cases / 100 {
		c := g.world()
		l := compiled(t, &c)
		for range 4 {
			req := request(&c, g.request(&c))
			property(g, &c, l, req, policy.Evaluate(req, l))
		}
	}
}

// compileIdentity is a set of one document.
func compileIdentity(t *testing.T, text string) *policy.Set {
	d, err := policy.Parse(policy.Identity, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return policy.NewSet(policy.Compile(policy.Source{}, d))
}

// denyOnly leaves the Deny statements of random documents.
func (g generator) denyOnly() string {
	for {
		var d map[string]any
		if err := json.Unmarshal([]byte(g.document(policy.Identity)), &d); err != nil {
			panic(err)
		}
		sts, ok := d["Statement"].([]any)
		if !ok {
			continue
		}
		sts = slices.DeleteFunc(sts, func(s any) bool { return s.(map[string]any)["Effect"] != "Deny" })
		if len(sts) > 0 {
			d["Statement"] = sts
			b, err := json.Marshal(d)
			if err != nil {
				panic(err)
			}
			return string(b)
		}
	}
}

// TestDenyNeverAllows: whatever a Deny is added to, nothing is allowed by it.
func TestDenyNeverAllows(t *testing.T) {
	each(t, 1, func(g generator, _ *Case, l *policy.Layers, req *policy.Request, d policy.Decision) {
		deny := compileIdentity(t, g.denyOnly())
		more := *l
		more.Identity = policy.NewSet(append(slices.Clone(l.Identity.Policies()), deny.Policies()...)...)
		if after := policy.Evaluate(req, &more); after.Allowed() && !d.Allowed() {
			t.Fatalf("%s\n%s", policy.Explain(req, l), policy.Explain(req, &more))
		}
	})
}

// TestLimitsNeverAllow: a boundary, a session policy, an SCP or an RCP that is
// set where none was never allows anything more.
func TestLimitsNeverAllow(t *testing.T) {
	each(t, 2, func(g generator, _ *Case, l *policy.Layers, req *policy.Request, d policy.Decision) {
		limit := compileIdentity(t, g.document(policy.Identity))
		for i, set := range []func(*policy.Layers) bool{
			func(l *policy.Layers) bool { was := l.Boundary == nil; l.Boundary = limit; return was },
			func(l *policy.Layers) bool { was := l.Session == nil; l.Session = limit; return was },
			func(l *policy.Layers) bool { l.SCPs = append(slices.Clone(l.SCPs), limit); return true },
			func(l *policy.Layers) bool { l.RCPs = append(slices.Clone(l.RCPs), limit); return true },
		} {
			// A federated user or AssumeRoot session without session policy has
			// nothing, which a session policy changes.
			if k := req.Principal.Kind; i == 1 && (k == policy.FederatedUser || k == policy.AssumeRootSession) {
				continue
			}
			more := *l
			if set(&more) && !d.Allowed() && policy.Evaluate(req, &more).Allowed() {
				t.Fatalf("limit %d: %s\n%s", i, policy.Explain(req, l), policy.Explain(req, &more))
			}
		}
	})
}

// TestOrderAndFormattingChangeNothing: statements in another order, with Sids,
// an Id and white space, decide the same.
func TestOrderAndFormattingChangeNothing(t *testing.T) {
	each(t, 3, func(g generator, c *Case, l *policy.Layers, req *policy.Request, d policy.Decision) {
		shuffled := *c
		for _, set := range []*[]string{&shuffled.Identity, &shuffled.Boundary, &shuffled.Session} {
			if *set != nil {
				*set = slices.Clone(*set)
				for i := range *set {
					(*set)[i] = g.reformat(t, (*set)[i])
				}
				g.Shuffle(len(*set), func(i, j int) { (*set)[i], (*set)[j] = (*set)[j], (*set)[i] })
			}
		}
		if shuffled.Resources != "" {
			shuffled.Resources = g.reformat(t, shuffled.Resources)
		}
		got := policy.Evaluate(req, compiled(t, &shuffled))
		if got.Reason != d.Reason || got.Layer != d.Layer {
			t.Fatalf("%s by %s, was %s by %s\n%+v", got.Reason, got.Layer, d.Reason, d.Layer, c)
		}
	})
}

// reformat writes a document in another order and form.
func (g generator) reformat(t *testing.T, text string) string {
	var d map[string]any
	dec := json.NewDecoder(bytes.NewReader([]byte(text)))
	dec.UseNumber()
	if err := dec.Decode(&d); err != nil {
		t.Fatal(err)
	}
	sts, ok := d["Statement"].([]any)
	if !ok {
		sts = []any{d["Statement"]}
	}
	g.Shuffle(len(sts), func(i, j int) { sts[i], sts[j] = sts[j], sts[i] })
	for i, s := range sts {
		s.(map[string]any)["Sid"] = string(rune('A'+i%26)) + string(rune('a'+i/26))
	}
	d["Statement"], d["Id"] = sts, "reformatted"
	b, err := json.MarshalIndent(d, "\r\n", "\t ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestExplainAgrees: the explanation has the decision, and what it says is
// needed suffices to be allowed in the layers that a grant can be added to.
func TestExplainAgrees(t *testing.T) {
	each(t, 4, func(_ generator, _ *Case, l *policy.Layers, req *policy.Request, d policy.Decision) {
		e := policy.Explain(req, l)
		if e.Decision != d.Reason.String() || e.Layer != d.Layer.String() {
			t.Fatalf("Explain: %s by %s, Evaluate: %s by %s", e.Decision, e.Layer, d.Reason, d.Layer)
		}
		if p, i := d.Statement(); p != nil && (e.Deciding == nil || e.Deciding.Index != i || len(e.Deciding.Misses) > 0) {
			t.Fatalf("decided by %d, explained by %+v", i, e.Deciding)
		}
		denied := false
		for _, layer := range e.Layers {
			denied = denied || layer.Result == "explicitDeny"
		}
		if denied != (d.Reason == policy.ExplicitDeny) {
			t.Fatalf("%s, but\n%s", d.Reason, e)
		}
	})
}

// TestNoAllocation: no decision allocates.
func TestNoAllocation(t *testing.T) {
	n := 0
	each(t, 5, func(_ generator, _ *Case, l *policy.Layers, req *policy.Request, _ policy.Decision) {
		if n++; n > 2000 {
			return
		}
		if a := testing.AllocsPerRun(1, func() { policy.Evaluate(req, l) }); a > 0 {
			t.Errorf("%v allocations for %+v on\n%s", a, req, policy.Explain(req, l))
		}
	})
}

// TestPrintChangesNothing: a printed document decides as before, and printing
// it again changes nothing.
func TestPrintChangesNothing(t *testing.T) {
	reprint := func(kind policy.Kind, text string) string {
		d, err := policy.Parse(kind, []byte(text))
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		return string(d.Print())
	}
	each(t, 6, func(_ generator, c *Case, _ *policy.Layers, req *policy.Request, d policy.Decision) {
		printed := *c
		sets := func(kind policy.Kind, texts []string) []string {
			out := slices.Clone(texts)
			for i := range out {
				out[i] = reprint(kind, out[i])
				if again := reprint(kind, out[i]); again != out[i] {
					t.Fatalf("%s\n%s", out[i], again)
				}
			}
			return out
		}
		printed.Identity, printed.Boundary, printed.Session = sets(policy.Identity, c.Identity), sets(policy.Identity, c.Boundary), sets(policy.Session, c.Session)
		printed.Endpoint = sets(policy.Endpoint, c.Endpoint)
		if c.Resources != "" {
			printed.Resources = reprint(c.ResourceKind, c.Resources)
		}
		got := policy.Evaluate(req, compiled(t, &printed))
		if got.Reason != d.Reason || got.Layer != d.Layer {
			t.Fatalf("%s by %s, was %s by %s\n%+v", got.Reason, got.Layer, d.Reason, d.Layer, c)
		}
	})
}
