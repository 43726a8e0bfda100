package main

import (
	"github.com/warder-iam/warder/policy"
)

// warder is the engine all this is about.
type warder struct {
	layers   []policy.Layers // by principal
	requests []policy.Request
	who      []int
}

func newWarder(w *workload) (decider, error) {
	d := &warder{layers: make([]policy.Layers, w.principals)}
	compiled := map[*document]*policy.Policy{} // of shared documents
	for p := range d.layers {
		var ps []*policy.Policy
		for _, doc := range w.policies(p) {
			c := compiled[doc]
			if c == nil {
				parsed, err := policy.ParseText(policy.Identity, doc.text)
				if err != nil {
					return nil, err
				}
				c = policy.Compile(policy.Source{Name: "bench"}, parsed)
				if w.shared {
					compiled[doc] = c
				}
			}
			ps = append(ps, c)
		}
		d.layers[p].Identity = policy.NewSet(ps...)
	}
	return d, nil
}

func (d *warder) prepare(requests []request) error {
	ctx := policy.NewContext().Set("aws:SourceIp", policy.String(sourceIP)).Set("aws:PrincipalTag/team", policy.String(team)).
		Set("aws:username", policy.String(userName)).Set("aws:SecureTransport", policy.Bool(true))
	who := &policy.Principal{Kind: policy.User, ARN: "arn:aws:iam::111111111111:user/alice", Account: "111111111111", UniqueID: "AIDAEXAMPLEALICE0000"}
	for i := range requests {
		r := &requests[i]
		d.who = append(d.who, r.principal)
		d.requests = append(d.requests, policy.Request{
			Principal: who, Action: r.action, Resource: r.resource, ResourceAccount: who.Account, Context: ctx,
		})
	}
	return nil
}

func (d *warder) allowed(i int) bool {
	return policy.Evaluate(&d.requests[i], &d.layers[d.who[i]]).Allowed()
}
