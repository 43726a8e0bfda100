// Package reach says which services and actions policies grant at all, which is
// another question than what is decided about one request: is there anything of
// this service that these policies could allow? IAM's last accessed information
// is about the services that a user, group, role or policy can reach so
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_last-accessed.html).
//
// Only the statements' actions count. An Allow grants, whatever its resources
// and conditions: there may be a request that meets them. A Deny takes away
// where no request gets by it: without conditions, on every resource. Other
// types of policy (boundaries, SCPs, resource policies) are for the caller to
// leave out or to put in.
//
// internal/service/iam calls it.
package reach

import (
	"slices"
	"strings"

	"github.com/warder-iam/warder/policy"
)

// Catalog is what must be known of services: policy.Catalog has more.
type Catalog interface {
	Services() []string
	Service(prefix string) *policy.CatalogService
}

// Reach is what policies grant. It is not safe for concurrent use.
type Reach struct {
	catalog     Catalog
	allow, deny []rule
	named       map[string]bool // services that any rule names
	elsewhere   bool            // the answer for every service that no rule names
}

// A rule is the actions of a statement.
type rule struct {
	not bool // the statement's actions came as NotAction
	all bool // "*" is among them
	// byService are the other actions, in lower case, by service.
	byService map[string][]string
}

// New is what the granting policies allow and none of the denying ones, which
// may be the same, takes away.
func New(c Catalog, granting, denying []*policy.Document) *Reach {
	r := &Reach{catalog: c, named: make(map[string]bool)}
	for _, doc := range granting {
		for i := range doc.Statements {
			if st := &doc.Statements[i]; st.Effect == policy.Allow {
				r.allow = append(r.allow, r.rule(st))
			}
		}
	}
	for _, doc := range denying {
		for i := range doc.Statements {
			if st := &doc.Statements[i]; st.DeniesOutright() {
				r.deny = append(r.deny, r.rule(st))
			}
		}
	}
	r.elsewhere = r.permits("", "")
	return r
}

func (r *Reach) rule(st *policy.Statement) rule {
	out := rule{not: st.NotAction, byService: make(map[string][]string)}
	for _, a := range st.Actions {
		pattern := strings.ToLower(a.Value)
		service, _, ok := strings.Cut(pattern, ":") // the parser admits no wildcards in it
		if !ok {
			out.all = out.all || strings.Trim(pattern, "*") == ""
			continue
		}
		out.byService[service] = append(out.byService[service], pattern)
		r.named[service] = true
	}
	return out
}

// covers says whether the rule is about an action of a service; both are in
// lower case, the action with the service before it.
func (u *rule) covers(service, action string) bool {
	in := u.all || slices.ContainsFunc(u.byService[service], func(p string) bool { return policy.MatchAction(p, action) })
	return in != u.not
}

func (r *Reach) permits(service, action string) bool {
	in := func(u rule) bool { return u.covers(service, action) }
	return slices.ContainsFunc(r.allow, in) && !slices.ContainsFunc(r.deny, in)
}

// Action says whether an action ("s3:GetObject", in any case) is granted,
// whether the catalog knows it or not.
func (r *Reach) Action(name string) bool {
	name = strings.ToLower(name)
	service, _, _ := strings.Cut(name, ":")
	if !r.named[service] {
		return r.elsewhere
	}
	return r.permits(service, name)
}

// Actions are the granted ones among the catalog's actions of a service, in its
// order.
func (r *Reach) Actions(service string) (names []string) {
	s := r.catalog.Service(service)
	if s == nil {
		return nil
	}
	for _, a := range s.Actions {
		if r.Action(s.Prefix + ":" + a.Name) {
			names = append(names, a.Name)
		}
	}
	return names
}

// Service says whether any action of a service (its prefix, in any case) is
// granted.
func (r *Reach) Service(prefix string) bool {
	prefix = strings.ToLower(prefix)
	if !r.named[prefix] {
		return r.elsewhere
	}
	if s := r.catalog.Service(prefix); s != nil {
		return slices.ContainsFunc(s.Actions, func(a policy.CatalogAction) bool {
			return r.permits(prefix, prefix+":"+strings.ToLower(a.Name))
		})
	}
	// A service of the user's own: its actions are what the statements name.
	if r.permits(prefix, prefix+":") { // some action that nobody names
		return true
	}
	for _, u := range r.allow {
		if !u.not && slices.ContainsFunc(u.byService[prefix], func(p string) bool { return r.permits(prefix, p) }) {
			return true
		}
	}
	return false
}

// Services are the prefixes of all services that are granted, of the catalog's
// and of those that the statements name, sorted.
func (r *Reach) Services() (granted []string) {
	for _, prefix := range r.catalog.Services() {
		if r.Service(prefix) {
			granted = append(granted, prefix)
		}
	}
	for prefix := range r.named {
		if r.catalog.Service(prefix) == nil && r.Service(prefix) {
			granted = append(granted, prefix)
		}
	}
	slices.Sort(granted)
	return granted
}
