package main

import (
	"fmt"
	"strings"

	cedar "github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/types"
)

// cedarEngine has a policy set a principal. Cedar has no wildcards in the names
// of actions and resources, so that both are compared as strings of the context.
type cedarEngine struct {
	sets     []*cedar.PolicySet
	requests []cedar.Request
	who      []int
}

func newCedar(w *workload) (decider, error) {
	d := &cedarEngine{sets: make([]*cedar.PolicySet, w.principals)}
	documents := map[*document][]*cedar.Policy{}
	for p := range d.sets {
		set := cedar.NewPolicySet()
		n := 0
		for _, doc := range w.policies(p) {
			policies := documents[doc]
			if policies == nil {
				var err error
				if policies, err = cedarPolicies(doc); err != nil {
					return nil, err
				}
				if w.shared {
					documents[doc] = policies
				}
			}
			for _, policy := range policies {
				set.Add(cedar.PolicyID(cedarID(n)), policy)
				n++
			}
		}
		d.sets[p] = set
	}
	return d, nil
}

var cedarIDs = func() []string {
	out := make([]string, 2000)
	for i := range out {
		out[i] = fmt.Sprintf("policy%d", i)
	}
	return out
}()

// cedarID is the name of policy number n, made once.
func cedarID(n int) string { return cedarIDs[n] }

// cedarPolicies are a document's statements.
func cedarPolicies(doc *document) ([]*cedar.Policy, error) {
	sts, err := statements(doc)
	if err != nil {
		return nil, err
	}
	var out []*cedar.Policy
	for _, st := range sts {
		effect := "permit"
		if st.deny {
			effect = "forbid"
		}
		tests := []string{cedarAny("context.resource", st.resources), cedarAny("context.action", st.actions)}
		if st.team != "" {
			tests = append(tests, fmt.Sprintf("context.team == %q", st.team))
		}
		if st.network != "" {
			tests = append(tests, fmt.Sprintf("context.ip.isInRange(ip(%q))", st.network))
		}
		p := new(cedar.Policy)
		if err := p.UnmarshalCedar([]byte(effect + " (principal, action, resource) when { " + strings.Join(tests, " && ") + " };")); err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

func cedarAny(attribute string, ps []pattern) string {
	var tests []string
	for _, p := range ps {
		if p.prefix {
			tests = append(tests, fmt.Sprintf(`%s like "%s*"`, attribute, p.text))
		} else {
			tests = append(tests, fmt.Sprintf("%s == %q", attribute, p.text))
		}
	}
	return "(" + strings.Join(tests, " || ") + ")"
}

func (d *cedarEngine) prepare(requests []request) error {
	ip, err := types.ParseIPAddr(sourceIP)
	if err != nil {
		return err
	}
	for i := range requests {
		r := &requests[i]
		d.who = append(d.who, r.principal)
		d.requests = append(d.requests, cedar.Request{
			Principal: cedar.NewEntityUID("User", userName),
			Action:    cedar.NewEntityUID("Action", cedar.String(r.action)),
			Resource:  cedar.NewEntityUID("Object", cedar.String(r.resource)),
			Context: cedar.NewRecord(cedar.RecordMap{
				"action": cedar.String(r.action), "resource": cedar.String(r.resource), "team": cedar.String(team), "ip": ip,
			}),
		})
	}
	return nil
}

func (d *cedarEngine) allowed(i int) bool {
	decision, diagnostic := cedar.Authorize(d.sets[d.who[i]], nil, d.requests[i])
	if len(diagnostic.Errors) > 0 {
		panic(diagnostic.Errors[0].Message)
	}
	return decision == cedar.Allow
}
