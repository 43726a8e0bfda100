package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
)

// opaEngine has a rule a statement, partially evaluated, for a single
// principal. For many it has one generic rule over data: a million rules would
// compile for hours.
type opaEngine struct {
	query    rego.PreparedEvalQuery
	requests []rego.EvalOption
}

func newOPA(w *workload) (decider, error) {
	if w.principals > 1 {
		return newOPAData(w)
	}
	sts, err := statements(w.policies(0)...)
	if err != nil {
		return nil, err
	}
	var text strings.Builder
	text.WriteString("package peers\ndefault allow := false\nallow if {\n\tpermitted\n\tnot denied\n}\ndefault denied := false\ndefault permitted := false\n")
	for _, st := range sts {
		head := "permitted"
		if st.deny {
			head = "denied"
		}
		// A rule for each pair of patterns: these are what the rule index
		// understands.
		for _, r := range st.resources {
			for _, a := range st.actions {
				fmt.Fprintf(&text, "%s if {\n\t%s\n\t%s\n", head, opaTest("input.resource", r), opaTest("input.action", a))
				if st.team != "" {
					fmt.Fprintf(&text, "\tinput.team == %q\n", st.team)
				}
				if st.network != "" {
					fmt.Fprintf(&text, "\tnet.cidr_contains(%q, input.ip)\n", st.network)
				}
				text.WriteString("}\n")
			}
		}
	}
	query, err := rego.New(rego.Query("data.peers.allow"), rego.Module("peers.rego", text.String())).
		PrepareForEval(context.Background(), rego.WithPartialEval())
	if err != nil {
		return nil, err
	}
	return &opaEngine{query: query}, nil
}

func opaTest(variable string, p pattern) string {
	if p.prefix {
		return fmt.Sprintf("startswith(%s, %q)", variable, p.text)
	}
	return fmt.Sprintf("%s == %q", variable, p.text)
}

const opaGeneric = `package peers

default allow := false

allow if {
	some name in data.principals[input.principal]
	some st in data.policies[name].allow
	applies(st)
	not denied
}

denied if {
	some name in data.principals[input.principal]
	some st in data.policies[name].deny
	applies(st)
}

applies(st) if {
	matches(input.resource, st.resources)
	matches(input.action, st.actions)
	team(st)
	network(st)
}

matches(s, patterns) if {
	some p in patterns.prefix
	startswith(s, p)
}

matches(s, patterns) if s in patterns.exact

team(st) if not st.team
team(st) if st.team == input.team

network(st) if not st.network
network(st) if net.cidr_contains(st.network, input.ip)
`

func newOPAData(w *workload) (decider, error) {
	policies, principals := map[string]any{}, map[string]any{}
	names := map[*document]string{}
	for p := range w.principals {
		var has []any
		for _, doc := range w.policies(p) {
			name, ok := names[doc]
			if !ok {
				name = fmt.Sprintf("p%d", len(policies))
				content, err := opaDocument(doc)
				if err != nil {
					return nil, err
				}
				policies[name] = content
				if w.shared {
					names[doc] = name
				}
			}
			has = append(has, name)
		}
		principals[opaName(p)] = has
	}
	store := inmem.NewFromObjectWithOpts(map[string]any{"policies": policies, "principals": principals},
		inmem.OptRoundTripOnWrite(false), inmem.OptReturnASTValuesOnRead(true))
	query, err := rego.New(rego.Query("data.peers.allow"), rego.Module("peers.rego", opaGeneric), rego.Store(store)).
		PrepareForEval(context.Background())
	if err != nil {
		return nil, err
	}
	return &opaEngine{query: query}, nil
}

func opaName(principal int) string { return fmt.Sprintf("user-%d", principal) }

func opaDocument(doc *document) (any, error) {
	sts, err := statements(doc)
	if err != nil {
		return nil, err
	}
	allow, deny := []any{}, []any{}
	for _, st := range sts {
		m := map[string]any{"actions": opaPatterns(st.actions), "resources": opaPatterns(st.resources)}
		if st.team != "" {
			m["team"] = st.team
		}
		if st.network != "" {
			m["network"] = st.network
		}
		if st.deny {
			deny = append(deny, m)
		} else {
			allow = append(allow, m)
		}
	}
	return map[string]any{"allow": allow, "deny": deny}, nil
}

func opaPatterns(ps []pattern) any {
	prefix, exact := []any{}, []any{}
	for _, p := range ps {
		if p.prefix {
			prefix = append(prefix, p.text)
		} else {
			exact = append(exact, p.text)
		}
	}
	return map[string]any{"prefix": prefix, "exact": exact}
}

func (d *opaEngine) prepare(requests []request) error {
	for i := range requests {
		r := &requests[i]
		input, err := ast.InterfaceToValue(map[string]any{
			"principal": opaName(r.principal), "action": r.action, "resource": r.resource, "team": team, "ip": sourceIP,
		})
		if err != nil {
			return err
		}
		d.requests = append(d.requests, rego.EvalParsedInput(input))
	}
	return nil
}

func (d *opaEngine) allowed(i int) bool {
	rs, err := d.query.Eval(context.Background(), d.requests[i])
	if err != nil {
		panic(err)
	}
	return rs.Allowed()
}
