package iam

import (
	"slices"
	"unicode/utf8"

	api "github.com/warder-iam/warder/internal/api/iam"
	"github.com/warder-iam/warder/internal/question"
	"github.com/warder-iam/warder/policy"
)

// The names by which AWS's simulator calls the types of policies in
// MatchedStatements. The API reference lists others (user, group, role, …),
// which AWS does not send.
const (
	typeIdentity = "IAM Policy"
	typeBoundary = "Permissions Boundary Policy"
	typeResource = "Resource Policy"
)

// typeNames also gives the order in which matched statements are listed.
var typeNames = []struct {
	layer policy.Layer
	name  string
}{
	{policy.LayerResource, typeResource}, {policy.LayerTrust, typeResource},
	{policy.LayerIdentity, typeIdentity}, {policy.LayerBoundary, typeBoundary},
}

// A verdict is the answer about one action on one resource.
type verdict struct {
	decision string
	matched  []api.Statement
	missing  []string
	bounded  *api.PermissionsBoundaryDecisionDetail // nil without a boundary
	details  map[string]string                      // nil within one account
}

// evaluate simulates one action on every resource. The shape of the answer is
// that of https://docs.aws.amazon.com/IAM/latest/APIReference/API_EvaluationResult.html:
// what is asked of "*" stands in the result itself, and what is asked of
// resources in ResourceSpecificResults, with a summary in the result.
func (sim *simulation) evaluate(action string) api.EvaluationResult {
	if sim.resources == nil {
		v := sim.decide(action, "*")
		return api.EvaluationResult{
			EvalActionName: &action, EvalResourceName: ptr("*"), EvalDecision: &v.decision,
			MatchedStatements: v.matched, MissingContextValues: v.missing,
			PermissionsBoundaryDecisionDetail: v.bounded, EvalDecisionDetails: v.details,
		}
	}
	out := api.EvaluationResult{
		EvalActionName: &action, EvalResourceName: ptr("*"), EvalDecision: ptr(policy.Allowed.String()),
		MatchedStatements: []api.Statement{}, MissingContextValues: []string{}, EvalDecisionDetails: map[string]string{},
	}
	for _, resource := range sim.resources {
		v := sim.decide(action, resource)
		out.ResourceSpecificResults = append(out.ResourceSpecificResults, api.ResourceSpecificResult{
			EvalResourceName: &resource, EvalResourceDecision: &v.decision, MatchedStatements: v.matched,
			MissingContextValues: v.missing, EvalDecisionDetails: v.details, PermissionsBoundaryDecisionDetail: v.bounded,
		})
		if len(sim.resources) == 1 {
			out.EvalResourceName, out.MatchedStatements = &resource, v.matched
			if v.details != nil {
				out.EvalDecisionDetails = v.details
			}
		}
		out.EvalDecision = worse(out.EvalDecision, &v.decision)
		if d := out.PermissionsBoundaryDecisionDetail; v.bounded != nil && (d == nil || *d.AllowedByPermissionsBoundary) {
			out.PermissionsBoundaryDecisionDetail = v.bounded
		}
	}
	return out
}

// worse is the decision that prevails over several resources.
func worse(a, b *string) *string {
	for _, d := range []policy.Reason{policy.ExplicitDeny, policy.ImplicitDeny} {
		if *a == d.String() || *b == d.String() {
			return ptr(d.String())
		}
	}
	return a
}

// decide asks the engine.
func (sim *simulation) decide(action, resource string) verdict {
	layers := sim.layers
	layers.Resource = sim.compiled[question.PolicyKind(action, resource)]
	owner := sim.owner
	if owner == "" && layers.Resource != nil {
		owner = question.Owner(action, resource, sim.caller.Account)
	}
	if owner == "" {
		// Without a resource policy AWS simulates the principal's side alone,
		// whoever owns the resource.
		owner = sim.caller.Account
	}
	e := policy.Explain(&policy.Request{
		Principal: sim.caller, Action: action, Resource: resource, ResourceAccount: owner, Context: sim.context,
	}, &layers)

	v := verdict{decision: e.Decision, matched: []api.Statement{}, missing: []string{}}
	if e.Decision == policy.ImplicitDeny.String() {
		v.missing = sim.missing()
	}
	if layers.Boundary != nil {
		v.bounded = &api.PermissionsBoundaryDecisionDetail{AllowedByPermissionsBoundary: ptr(false)}
	}
	if owner != sim.caller.Account {
		// https://docs.aws.amazon.com/IAM/latest/APIReference/API_ResourceSpecificResult.html
		v.details = map[string]string{typeResource: policy.ImplicitDeny.String()}
	}
	for _, t := range typeNames {
		for i := range e.Layers {
			if e.Layers[i].Layer == t.layer.String() {
				sim.report(&v, &e.Layers[i], t.layer, t.name)
			}
		}
	}
	return v
}

// report takes one layer of an explanation into a verdict.
func (sim *simulation) report(v *verdict, l *policy.LayerTrace, layer policy.Layer, name string) {
	if v.details != nil {
		v.details[name] = l.Result
	}
	if layer == policy.LayerBoundary {
		*v.bounded.AllowedByPermissionsBoundary = l.Result == policy.Allowed.String()
	}
	// Only statements that determine the result are listed: those that deny,
	// if any does, and otherwise those that grant. A boundary grants nothing.
	var effect policy.Effect
	switch {
	case v.decision == policy.ExplicitDeny.String():
		effect = policy.Deny
	case v.decision == policy.Allowed.String() && layer != policy.LayerBoundary:
		effect = policy.Allow
	default:
		return
	}
	for i := range l.Matched {
		if st := &l.Matched[i]; st.Effect == effect.String() {
			v.matched = append(v.matched, sim.statement(st, name))
		}
	}
}

// missing lists the condition keys that the policies use and the call gave no
// value for. AWS lists all of them with each request that nothing allowed,
// whichever statement they are in, and none with the others.
func (sim *simulation) missing() []string {
	out := []string{}
	for _, name := range sim.keys.names {
		if !sim.supplied(name) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

func (sim *simulation) statement(st *policy.StatementTrace, typeName string) api.Statement {
	doc := sim.documents[st.Policy]
	if doc == nil {
		doc = sim.policies[st.Policy].Document()
		sim.documents[st.Policy] = doc
	}
	return api.Statement{
		SourcePolicyId: ptr(st.Policy.Name), SourcePolicyType: ptr(typeName),
		StartPosition: position(doc.Text(), statementStart(doc, st.Index)),
		EndPosition:   position(doc.Text(), int(st.End.Offset)),
	}
}

// statementStart is where AWS's simulator says that a statement begins: where
// the token before its content ends, which is the bracket of the list for the
// first statement, the statement before for another, and its own brace for one
// that is not in a list. The example outputs of the AWS CLI show it:
// https://docs.aws.amazon.com/cli/latest/reference/iam/simulate-custom-policy.html.
func statementStart(doc *policy.Document, index int) int {
	if index > 0 {
		return int(doc.Statements[index-1].End.Offset)
	}
	brace := int(doc.Statements[0].Pos.Offset)
	for i := brace - 1; i >= 0; i-- {
		switch doc.Text()[i] {
		case ' ', '\t', '\r', '\n':
		case '[':
			return i + 1
		default:
			return brace + 1
		}
	}
	return brace + 1
}

// position is an offset as a line and a column, both from 1. Lines end with
// LF, CR or both.
func position(text string, offset int) *api.Position {
	line, from := int32(1), 0
	for i := 0; i < offset; i++ {
		if text[i] == '\n' || text[i] == '\r' && (i+1 >= len(text) || text[i+1] != '\n') {
			line, from = line+1, i+1
		}
	}
	return &api.Position{Line: &line, Column: ptr(int32(utf8.RuneCountInString(text[from:offset]) + 1))}
}
