package main

import (
	"fmt"
	"net/netip"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/ext"
)

// celEngine has one expression for all statements of a principal; where
// documents are shared, one for the Deny and one for the Allow statements of
// each document.
type celEngine struct {
	principals []celPrograms
	requests   []cel.Activation
	who        []int
}

type celPrograms struct {
	deny, allow []cel.Program
}

func newCEL(w *workload) (decider, error) {
	env, err := cel.NewEnv(
		ext.Network(),
		cel.Variable("action", cel.StringType), cel.Variable("resource", cel.StringType),
		cel.Variable("team", cel.StringType), cel.Variable("ip", ext.IPType),
		cel.ParserExpressionSizeLimit(-1),
	)
	if err != nil {
		return nil, err
	}
	d := &celEngine{principals: make([]celPrograms, w.principals)}
	documents := map[*document]celPrograms{}
	for p := range d.principals {
		progs := &d.principals[p]
		if !w.shared {
			deny, allow, err := celExpressions(w.policies(p)...)
			if err != nil {
				return nil, err
			}
			prog, err := celProgram(env, "!("+deny+") && ("+allow+")")
			if err != nil {
				return nil, err
			}
			progs.allow = []cel.Program{prog}
			continue
		}
		for _, doc := range w.policies(p) {
			one, ok := documents[doc]
			if !ok {
				deny, allow, err := celExpressions(doc)
				if err != nil {
					return nil, err
				}
				for _, part := range []struct {
					text string
					into *[]cel.Program
				}{{deny, &one.deny}, {allow, &one.allow}} {
					if part.text == "false" {
						continue
					}
					prog, err := celProgram(env, part.text)
					if err != nil {
						return nil, err
					}
					*part.into = append(*part.into, prog)
				}
				documents[doc] = one
			}
			progs.deny = append(progs.deny, one.deny...)
			progs.allow = append(progs.allow, one.allow...)
		}
	}
	return d, nil
}

func celProgram(env *cel.Env, text string) (cel.Program, error) {
	ast, iss := env.Compile(text)
	if iss.Err() != nil {
		return nil, iss.Err()
	}
	return env.Program(ast, cel.EvalOptions(cel.OptOptimize))
}

// celExpressions are what denies and what allows in documents.
func celExpressions(docs ...*document) (deny, allow string, err error) {
	sts, err := statements(docs...)
	if err != nil {
		return "", "", err
	}
	var denies, allows []string
	for _, st := range sts {
		// The most selective test first.
		tests := []string{celAny("resource", st.resources), celAny("action", st.actions)}
		if st.team != "" {
			tests = append(tests, fmt.Sprintf("team == %q", st.team))
		}
		if st.network != "" {
			tests = append(tests, fmt.Sprintf("cidr(%q).containsIP(ip)", st.network))
		}
		text := "(" + strings.Join(tests, " && ") + ")"
		if st.deny {
			denies = append(denies, text)
		} else {
			allows = append(allows, text)
		}
	}
	return celOr(denies), celOr(allows), nil
}

func celOr(texts []string) string {
	if len(texts) == 0 {
		return "false"
	}
	return strings.Join(texts, " || ")
}

func celAny(variable string, ps []pattern) string {
	var tests []string
	for _, p := range ps {
		if p.prefix {
			tests = append(tests, fmt.Sprintf("%s.startsWith(%q)", variable, p.text))
		} else {
			tests = append(tests, fmt.Sprintf("%s == %q", variable, p.text))
		}
	}
	return "(" + strings.Join(tests, " || ") + ")"
}

func (d *celEngine) prepare(requests []request) error {
	addr, err := netip.ParseAddr(sourceIP)
	if err != nil {
		return err
	}
	for i := range requests {
		r := &requests[i]
		a, err := cel.NewActivation(map[string]any{"action": r.action, "resource": r.resource, "team": team, "ip": ext.IP{Addr: addr}})
		if err != nil {
			return err
		}
		d.requests = append(d.requests, a)
		d.who = append(d.who, r.principal)
	}
	return nil
}

func (d *celEngine) allowed(i int) bool {
	progs := &d.principals[d.who[i]]
	for _, p := range progs.deny {
		if celTrue(p, d.requests[i]) {
			return false
		}
	}
	for _, p := range progs.allow {
		if celTrue(p, d.requests[i]) {
			return true
		}
	}
	return false
}

func celTrue(p cel.Program, a cel.Activation) bool {
	v, _, err := p.Eval(a)
	if err != nil {
		panic(err)
	}
	return v.Value() == true
}
