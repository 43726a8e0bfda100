package main

import (
	"strings"

	"github.com/casbin/casbin/v3"
	"github.com/casbin/casbin/v3/model"
)

// casbinEngine has one rule a statement, with its patterns joined by "|". It
// looks at every rule for every request, so that many principals in one
// enforcer are out of the question, and one enforcer each as well.
type casbinEngine struct {
	enforcer *casbin.Enforcer
	requests [][]any
}

const casbinModel = `
[request_definition]
r = act, obj, team, ip

[policy_definition]
p = act, obj, team, net, eft

[policy_effect]
e = some(where (p.eft == allow)) && !some(where (p.eft == deny))

[matchers]
m = any(r.obj, p.obj) && any(r.act, p.act) && (p.team == "-" || r.team == p.team) && (p.net == "-" || ipMatch(r.ip, p.net))
`

func newCasbin(w *workload) (decider, error) {
	m, err := model.NewModelFromString(casbinModel)
	if err != nil {
		return nil, err
	}
	e, err := casbin.NewEnforcer(m)
	if err != nil {
		return nil, err
	}
	e.AddFunction("any", func(args ...any) (any, error) {
		return casbinAny(args[0].(string), args[1].(string)), nil
	})
	sts, err := statements(w.policies(0)...)
	if err != nil {
		return nil, err
	}
	var rules [][]string
	for _, st := range sts {
		rule := []string{casbinJoin(st.actions), casbinJoin(st.resources), "-", "-", "allow"}
		if st.team != "" {
			rule[2] = st.team
		}
		if st.network != "" {
			rule[3] = st.network
		}
		if st.deny {
			rule[4] = "deny"
		}
		rules = append(rules, rule)
	}
	if _, err := e.AddPolicies(rules); err != nil {
		return nil, err
	}
	return &casbinEngine{enforcer: e}, nil
}

func casbinJoin(ps []pattern) string {
	var out []string
	for _, p := range ps {
		if p.prefix {
			out = append(out, p.text+"*")
		} else {
			out = append(out, p.text)
		}
	}
	return strings.Join(out, "|")
}

// casbinAny says whether s matches one of the patterns, without allocating.
func casbinAny(s, patterns string) bool {
	for {
		p, rest, more := strings.Cut(patterns, "|")
		if prefix, ok := strings.CutSuffix(p, "*"); ok && strings.HasPrefix(s, prefix) || s == p {
			return true
		}
		if !more {
			return false
		}
		patterns = rest
	}
}

func (d *casbinEngine) prepare(requests []request) error {
	for i := range requests {
		r := &requests[i]
		d.requests = append(d.requests, []any{r.action, r.resource, team, sourceIP})
	}
	return nil
}

func (d *casbinEngine) allowed(i int) bool {
	ok, err := d.enforcer.Enforce(d.requests[i]...)
	if err != nil {
		panic(err)
	}
	return ok
}
