package authz_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/warder-iam/warder/arn"
	"github.com/warder-iam/warder/internal/authn"
	"github.com/warder-iam/warder/internal/authz"
	"github.com/warder-iam/warder/internal/state"
	"github.com/warder-iam/warder/internal/store/memory"
	"github.com/warder-iam/warder/policy"
)

// A delegated session may never do what the principal that delegated may not do,
// nor what was not delegated, whatever a resource's policy says.
func TestDelegatedSessionIsNoMoreThanItsParents(t *testing.T) {
	const rounds = 3000
	random := rand.New(rand.NewPCG(1, 2))
	allowed, parents, templates := 0, 0, 0
	for i := range rounds {
		w := newDelegation(t, random, i)
		for range 6 {
			action, resource := pick(random, requestActions), pick(random, requestResources)
			check := authz.Check{Action: action, Resource: resource, Account: pick(random, []string{account, account, "444455556666"}), ResourcePolicy: w.resource}
			parent, child, template := w.may(t, w.parent, check), w.may(t, w.child, check), w.template(t, check)
			if child && !parent || child && !template {
				t.Fatalf("round %d: %s on %s of %s: delegated %v, parent %v, template %v\nidentity %s\nboundary %s\ntemplate %s\nresource %s",
					i, action, resource, check.Account, child, parent, template, w.text.identity, w.text.boundary, w.text.template, w.text.resource)
			}
			// With neither an exception nor a boundary in between, nothing is lost either.
			if parent && template && !child && w.resource == nil {
				t.Fatalf("round %d: %s on %s: allowed to the parent and delegated, and denied\nidentity %s\ntemplate %s", i, action, resource, w.text.identity, w.text.template)
			}
			allowed, parents, templates = allowed+one(child), parents+one(parent), templates+one(template)
		}
	}
	t.Logf("allowed: %d to the session, %d to its parent, %d by the template", allowed, parents, templates)
	if allowed < rounds/20 || parents < allowed+rounds/20 || templates < allowed+rounds/20 {
		t.Error("the cases are too much alike to show anything")
	}
}

func one(b bool) int {
	if b {
		return 1
	}
	return 0
}

var (
	requestActions   = []string{"s3:GetObject", "s3:PutObject", "sts:AssumeRole", "iam:GetUser"}
	requestResources = []string{"arn:aws:s3:::a/x", "arn:aws:s3:::b/alice", "arn:aws:iam::" + account + ":role/r", "*"}
	policyActions    = []string{"s3:GetObject", "s3:*", "*", "sts:AssumeRole", "iam:Get*"}
	policyResources  = []string{"*", "arn:aws:s3:::a/*", "arn:aws:s3:::*/${aws:username}", "arn:aws:iam::" + account + ":role/*"}
	conditions       = []string{"", "", "",
		`"StringEquals":{"aws:username":"alice"}`, `"StringEquals":{"aws:PrincipalTag/team":"red"}`,
		`"StringEquals":{"aws:PrincipalType":"User"}`, `"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/*"}`,
		`"StringLike":{"aws:userid":"*:sess"}`, `"StringEquals":{"aws:SourceIdentity":"me"}`}
)

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

// document is a random policy; principal is put into each statement.
func document(r *rand.Rand, principal func() string, resources []string) string {
	var statements []string
	for range 1 + r.IntN(2) {
		parts := []string{fmt.Sprintf(`"Effect":%q`, pick(r, []string{"Allow", "Allow", "Allow", "Deny"}))}
		parts = append(parts, fmt.Sprintf(`"Action":%q`, pick(r, policyActions)), fmt.Sprintf(`"Resource":%q`, pick(r, resources)))
		if principal != nil {
			parts = append(parts, `"Principal":`+principal())
		}
		if c := pick(r, conditions); c != "" {
			parts = append(parts, `"Condition":{`+c+`}`)
		}
		statements = append(statements, "{"+strings.Join(parts, ",")+"}")
	}
	return `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
}

// delegationWorld is a principal, a session that it delegated, and what limits them.
type delegationWorld struct {
	authz         *authz.Authorizer
	snap          *state.Snapshot
	parent, child *authn.Caller
	resource      *policy.Policy
	text          struct{ identity, boundary, template, resource string }
}

func newDelegation(t *testing.T, r *rand.Rand, round int) *delegationWorld {
	t.Helper()
	w := &delegationWorld{authz: authz.New()}
	w.text.identity = document(r, nil, policyResources)
	w.text.template = document(r, nil, policyResources)
	tags := []state.Tag{{Key: "team", Value: pick(r, []string{"red", "blue"})}}
	boundary := ""
	st, err := state.Open(t.Context(), memory.New())
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	entity := func(id, name string) state.Entity {
		return state.Entity{Account: account, ID: id, Name: name, Path: "/", Tags: tags}
	}
	grants := state.Grants{Inline: []state.InlinePolicy{{Name: "p", Document: &state.Document{Text: w.text.identity}}}}
	err = st.Update(t.Context(), time.Now(), func(tx *state.Tx) error {
		tx.Accounts.Put(&state.Account{ID: account})
		if r.IntN(3) == 0 {
			w.text.boundary = document(r, nil, policyResources)
			p := &state.ManagedPolicy{Entity: entity("ANPA0000000000000001", "boundary")}
			p.AddVersion(&state.Document{Text: w.text.boundary}, time.Now(), true)
			boundary = p.ARN()
			tx.Policies.Put(p)
		}
		tx.Users.Put(&state.User{Entity: entity("AIDA0000000000000001", "alice"), Grants: grants, Boundary: boundary})
		tx.Roles.Put(&state.Role{Entity: entity("AROA0000000000000001", "worker"), Grants: grants, Boundary: boundary})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	w.snap = st.Snapshot()

	session := &authn.Session{Kind: authn.Delegated, Account: account, Name: "sess", Policy: w.text.template}
	var p policy.Principal
	w.parent = new(authn.Caller)
	switch round % 3 {
	case 0:
		user := w.snap.Users.Get("AIDA0000000000000001")
		p = policy.Principal{Kind: policy.User, ARN: user.ARN(), Account: account, UniqueID: user.ID}
		w.parent.User = user
		session.Principal = user.ID
	case 1:
		role := w.snap.Roles.Get("AROA0000000000000001")
		p = policy.Principal{Kind: policy.RoleSession, ARN: arn.AssumedRole(account, role.Name, "sess"), RoleARN: role.ARN(), Account: account, UniqueID: role.ID}
		w.parent.Role = role
		own := &authn.Session{Kind: authn.AssumedRole, Account: account, Principal: role.ID, Name: "sess", Tags: []state.Tag{{Key: "Team", Value: "red"}}, SourceIdentity: "me"}
		w.parent.Session = own
		session.Principal, session.Tags, session.SourceIdentity = role.ID, own.Tags, own.SourceIdentity
	default:
		p = policy.Principal{Kind: policy.Root, ARN: arn.Root(account), Account: account, UniqueID: account}
		session.Principal = account
	}
	w.parent.Principal = p
	child := *w.parent
	child.Session = session
	w.child = &child

	if r.IntN(2) == 0 {
		w.text.resource = document(r, func() string {
			return pick(r, []string{`"*"`, fmt.Sprintf(`{"AWS":%q}`, p.ARN), `{"AWS":"` + account + `"}`, fmt.Sprintf(`{"AWS":%q}`, max(p.RoleARN, p.ARN))})
		}, []string{"*"})
		doc, err := policy.ParseText(policy.Resource, w.text.resource)
		if err != nil {
			t.Fatalf("%s: %v", w.text.resource, err)
		}
		w.resource = policy.Compile(policy.Source{Type: policy.SourceResource}, doc)
	}
	return w
}

func (w *delegationWorld) may(t *testing.T, who *authn.Caller, check authz.Check) bool {
	t.Helper()
	d, _, err := w.authz.Decide(w.snap, &authz.Request{Caller: who, Time: time.Now()}, &check)
	if err != nil {
		t.Fatal(err)
	}
	return d.Allowed()
}

// template says whether the template would allow a request by itself, as the
// only identity policy of the principal that delegated.
func (w *delegationWorld) template(t *testing.T, check authz.Check) bool {
	t.Helper()
	doc, err := policy.ParseText(policy.Identity, w.text.template)
	if err != nil {
		t.Fatal(err)
	}
	_, req, err := w.authz.Decide(w.snap, &authz.Request{Caller: w.child, Time: time.Now()}, &check)
	if err != nil {
		t.Fatal(err)
	}
	alone := *req
	alone.ResourceAccount = account
	principal := *req.Principal
	if principal.Kind == policy.Root {
		principal.Kind = policy.User // a root user needs no policy
	}
	alone.Principal = &principal
	return policy.Evaluate(&alone, &policy.Layers{Identity: policy.NewSet(policy.Compile(policy.Source{}, doc))}).Allowed()
}

// A session token that says nothing of what was delegated delegates nothing.
func TestDelegatedSessionWithoutPolicy(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for i := range 30 {
		w := newDelegation(t, random, i)
		w.child.Session.Policy = ""
		for _, action := range requestActions {
			if w.may(t, w.child, authz.Check{Action: action, Resource: "*", Account: account, ResourcePolicy: w.resource}) {
				t.Fatalf("round %d: %s is allowed", i, action)
			}
		}
	}
}
