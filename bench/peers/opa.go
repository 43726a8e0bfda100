package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
)

// opaEngine has a rule for each pair of patterns of a statement, which is what
// OPA's rule index understands. With one principal the rules are partially
// evaluated. With many, each document is a package of its own, and data say
// which packages are a principal's.
type opaEngine struct {
	query    rego.PreparedEvalQuery
	requests []rego.EvalOption
}

const opaSingle = `package peers

default allow := false

allow if {
	data.document.p0.permitted
	not data.document.p0.denied
}
`

const opaMany = `package peers

default allow := false

allow if {
	some name in data.principals[input.principal]
	data.document[name].permitted
	not denied
}

denied if {
	some name in data.principals[input.principal]
	data.document[name].denied
}
`

func newOPA(w *workload) (decider, error) {
	ctx := context.Background()
	if w.principals == 1 {
		document, err := opaPackage("p0", w.policies(0)...)
		if err != nil {
			return nil, err
		}
		query, err := rego.New(rego.Query("data.peers.allow"), rego.Module("peers.rego", opaSingle), rego.Module("p0.rego", document)).
			PrepareForEval(ctx, rego.WithPartialEval())
		return &opaEngine{query: query}, err
	}
	principals := map[string]any{}
	names := map[*document]string{}
	options := []func(*rego.Rego){rego.Query("data.peers.allow"), rego.Module("peers.rego", opaMany)}
	packages := 0
	for p := range w.principals {
		var has []any
		for _, doc := range w.policies(p) {
			name, ok := names[doc]
			if !ok {
				name = fmt.Sprintf("p%d", packages)
				packages++
				text, err := opaPackage(name, doc)
				if err != nil {
					return nil, err
				}
				options = append(options, rego.Module(name+".rego", text))
				if w.shared {
					names[doc] = name
				}
			}
			has = append(has, name)
		}
		principals[opaName(p)] = has
	}
	store := inmem.NewFromObjectWithOpts(map[string]any{"principals": principals},
		inmem.OptRoundTripOnWrite(false), inmem.OptReturnASTValuesOnRead(true))
	query, err := rego.New(append(options, rego.Store(store))...).PrepareForEval(ctx)
	return &opaEngine{query: query}, err
}

func opaName(principal int) string { return fmt.Sprintf("user-%d", principal) }

// opaPackage is a module with the documents' rules.
func opaPackage(name string, docs ...*document) (string, error) {
	sts, err := statements(docs...)
	if err != nil {
		return "", err
	}
	var text strings.Builder
	fmt.Fprintf(&text, "package document.%s\n\ndefault denied := false\n\ndefault permitted := false\n", name)
	for _, st := range sts {
		head := "permitted"
		if st.deny {
			head = "denied"
		}
		for _, r := range st.resources {
			for _, a := range st.actions {
				fmt.Fprintf(&text, "\n%s if {\n\t%s\n\t%s\n", head, opaTest("input.resource", r), opaTest("input.action", a))
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
	return text.String(), nil
}

func opaTest(variable string, p pattern) string {
	if p.prefix {
		return fmt.Sprintf("startswith(%s, %q)", variable, p.text)
	}
	return fmt.Sprintf("%s == %q", variable, p.text)
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
