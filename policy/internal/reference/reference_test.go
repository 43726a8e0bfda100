package reference

import (
	"encoding/json"
	"flag"
	"math/rand/v2"
	"testing"

	"github.com/warder-iam/warder/policy"
)

// cases is how many requests TestAgainstEngine compares; CI asks for 1,000,000.
var (
	cases = flag.Int("cases", 100_000, "requests to compare with the engine")
	seed  = flag.Uint64("seed", 1, "seed of the generated cases")
)

// compiled is the policies of a case for the engine.
func compiled(t testing.TB, c *Case) *policy.Layers {
	one := func(kind policy.Kind, text string) *policy.Policy {
		d, err := policy.Parse(kind, []byte(text))
		if err != nil {
			t.Fatalf("%s: %s", text, err.(*policy.ParseError).String())
		}
		return policy.Compile(policy.Source{Name: "p"}, d, policy.WithPrincipalIDs(c.IDs))
	}
	set := func(kind policy.Kind, texts []string) *policy.Set {
		if texts == nil {
			return nil
		}
		var ps []*policy.Policy
		for _, text := range texts {
			ps = append(ps, one(kind, text))
		}
		return policy.NewSet(ps...)
	}
	l := &policy.Layers{
		Identity: set(policy.Identity, c.Identity), Boundary: set(policy.Identity, c.Boundary),
		Session: set(policy.Session, c.Session), Endpoint: set(policy.Endpoint, c.Endpoint),
	}
	l.S3 = c.S3
	if c.Resources != "" {
		l.Resource = one(c.ResourceKind, c.Resources)
	}
	for _, s := range c.SCPs {
		l.SCPs = append(l.SCPs, set(policy.SCP, s))
	}
	for _, s := range c.RCPs {
		l.RCPs = append(l.RCPs, set(policy.RCP, s))
	}
	return l
}

func request(c *Case, ctx policy.Context) *policy.Request {
	return &policy.Request{Principal: c.Principal, Action: c.Action, Resource: c.Resource, ResourceAccount: c.Account, Context: ctx}
}

// TestAgainstEngine compares the engine with the reference on generated cases.
func TestAgainstEngine(t *testing.T) {
	g := generator{rand.New(rand.NewPCG(*seed, 0))}
	count := map[policy.Reason]int{}
	for done := 0; done < *cases; {
		c := g.world()
		l := compiled(t, &c)
		for range 20 {
			done++
			ctx := g.request(&c)
			reason, layer := Decide(&c)
			d := policy.Evaluate(request(&c, ctx), l)
			count[d.Reason]++
			if d.Reason != reason || d.Layer != layer {
				text, _ := json.MarshalIndent(c, "", " ")
				t.Fatalf("case %d: engine %s by %s, reference %s by %s\n%s\n%s", done, d.Reason, d.Layer, reason, layer, text, policy.Explain(request(&c, ctx), l))
			}
		}
	}
	for r := policy.ImplicitDeny; r <= policy.Allowed; r++ {
		if count[r] < *cases/20 {
			t.Errorf("only %d of %d cases are %s: the generator is lopsided", count[r], *cases, r)
		}
	}
	t.Log(count)
}
