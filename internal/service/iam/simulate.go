package iam

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/warder-iam/warder/arn"
	api "github.com/warder-iam/warder/internal/api/iam"
	"github.com/warder-iam/warder/internal/authz"
	"github.com/warder-iam/warder/internal/awserr"
	"github.com/warder-iam/warder/internal/question"
	"github.com/warder-iam/warder/internal/service"
	"github.com/warder-iam/warder/internal/state"
	"github.com/warder-iam/warder/policy"
)

// The policy simulator answers what would be decided about requests that
// nobody makes, from policies that are attached to a principal or sent along
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_testing-policies.html).
// It asks the engine that decides real requests; what is here reads the
// question and writes the answer.

// policySource is the target of the operations on PolicySourceArn: the user,
// group or role of the caller's account that it names, by the ARN that it has. A
// name that is none is authorized as it stands, so that only who may ask learns
// what is wrong with it.
func policySource(input reflect.Type) service.Part {
	text := service.Member[*string](input, "PolicySourceArn")
	return func(c *service.Call, s *state.Snapshot, in any, check *authz.Check) error {
		check.Resource, check.Account = *text(in), c.Caller.Account
		src := new(source)
		src.look(s, check.Account, check.Resource)
		switch {
		case src.user != nil:
			check.Resource, check.Tags = src.user.ARN(), src.user.Tags
		case src.role != nil:
			check.Resource, check.Tags = src.role.ARN(), src.role.Tags
		case src.group != nil:
			check.Resource = src.group.ARN()
		}
		return nil
	}
}

// A source is the user, group or role whose policies are asked about.
type source struct {
	user     *state.User // of the three, one is set
	group    *state.Group
	role     *state.Role
	identity *policy.Set
	boundary *policy.Set // nil if it has none
}

// look finds the entity of an account that an ARN names. Names are unique in an
// account, and AWS does not look at the path.
func (src *source) look(s *state.Snapshot, account, text string) {
	a, err := arn.Parse(text)
	if err != nil || a.Service != "iam" || a.Account != account {
		return
	}
	switch name := question.Name(text); a.ResourceType() {
	case "user":
		src.user = s.User(account, name)
	case "role":
		src.role = s.Role(account, name)
	case "group":
		src.group = s.Group(account, name)
	}
}

func (s *Service) findSource(c *service.Call, snap *state.Snapshot, text string) (*source, error) {
	a, err := arn.Parse(text)
	kind, id := a.ResourceType(), a.ResourceID()
	if err != nil || a.Service != "iam" || !arn.IsAccountID(a.Account) || id == "" || !slices.Contains([]string{"user", "group", "role"}, kind) {
		return nil, unclearEntity(text)
	}
	if a.Account != c.Caller.Account {
		return nil, invalidInput("Invalid Policy Source Arn: caller's account %s does not have access to policies in account %s", c.Caller.Account, a.Account)
	}
	src, name := new(source), question.Name(text)
	src.look(snap, a.Account, text)
	switch {
	case src.user != nil:
		src.identity, src.boundary, err = s.authz.UserPolicies(snap, src.user)
	case src.role != nil:
		src.identity, src.boundary, err = s.authz.RolePolicies(snap, src.role)
	case src.group != nil:
		src.identity, err = s.authz.GroupPolicies(snap, src.group)
	case kind == "user":
		return nil, noSuchUser(name)
	case kind == "role":
		return nil, noSuchRole(name)
	default:
		return nil, noSuchGroup(name)
	}
	if err != nil {
		return nil, awserr.Internal(err)
	}
	return src, nil
}

func unclearEntity(text string) error {
	return invalidInput("Invalid Entity Arn: %s does not clearly define entity type and name.", text)
}

// contextKeys lists the condition keys of documents: of each document each key
// once, as AWS does, of several documents one that they all use several times.
type contextKeys struct {
	names []string
}

func (k *contextKeys) add(doc *policy.Document) {
	k.names = append(k.names, doc.ContextKeys()...)
}

// addSet adds policies that are attached. What is attached in two ways is one policy.
func (k *contextKeys) addSet(set *policy.Set) {
	seen := map[*policy.Document]bool{}
	for _, p := range set.Policies() {
		if doc := p.Document(); !seen[doc] {
			seen[doc] = true
			k.add(doc)
		}
	}
}

// addTexts adds policies that were sent along, of whatever type they are.
func (k *contextKeys) addTexts(texts []string) error {
	for _, text := range texts {
		doc, err := policy.ParseText(policy.Identity, text)
		for _, kind := range []policy.Kind{policy.Resource, policy.Trust} {
			if err == nil {
				break
			}
			if other, e := policy.ParseText(kind, text); e == nil {
				doc, err = other, nil
			}
		}
		if err != nil {
			return invalidInput("%s", err)
		}
		k.add(doc)
	}
	return nil
}

func (k *contextKeys) output() *api.GetContextKeysForPolicyResponse {
	if k.names == nil {
		k.names = []string{}
	}
	return &api.GetContextKeysForPolicyResponse{ContextKeyNames: k.names}
}

func (s *Service) getContextKeysForCustomPolicy(_ *service.Call, _ *state.Snapshot, in *api.GetContextKeysForCustomPolicyRequest) (*api.GetContextKeysForPolicyResponse, error) {
	var keys contextKeys
	if err := keys.addTexts(in.PolicyInputList); err != nil {
		return nil, err
	}
	return keys.output(), nil
}

func (s *Service) getContextKeysForPrincipalPolicy(c *service.Call, snap *state.Snapshot, in *api.GetContextKeysForPrincipalPolicyRequest) (*api.GetContextKeysForPolicyResponse, error) {
	src, err := s.findSource(c, snap, *in.PolicySourceArn)
	if err != nil {
		return nil, err
	}
	var keys contextKeys
	if err := keys.addTexts(in.PolicyInputList); err != nil {
		return nil, err
	}
	keys.addSet(src.identity)
	keys.addSet(src.boundary)
	return keys.output(), nil
}

func (s *Service) simulateCustomPolicy(c *service.Call, _ *state.Snapshot, in *api.SimulateCustomPolicyRequest) (*api.SimulatePolicyResponse, error) {
	sim := &simulation{account: c.Caller.Account}
	if err := sim.read(in); err != nil {
		return nil, err
	}
	return sim.page(in.Marker, in.MaxItems)
}

func (s *Service) simulatePrincipalPolicy(c *service.Call, snap *state.Snapshot, in *api.SimulatePrincipalPolicyRequest) (*api.SimulatePolicyResponse, error) {
	src, err := s.findSource(c, snap, *in.PolicySourceArn)
	if err != nil {
		return nil, err
	}
	sim := &simulation{account: c.Caller.Account, source: src}
	// From here on the two operations differ in the source alone.
	err = sim.read(&api.SimulateCustomPolicyRequest{
		PolicyInputList: in.PolicyInputList, PermissionsBoundaryPolicyInputList: in.PermissionsBoundaryPolicyInputList,
		ActionNames: in.ActionNames, ResourceArns: in.ResourceArns, ResourcePolicy: in.ResourcePolicy,
		ResourceOwner: in.ResourceOwner, CallerArn: in.CallerArn, ContextEntries: in.ContextEntries,
		ResourceHandlingOption: in.ResourceHandlingOption,
	})
	if err != nil {
		return nil, err
	}
	return sim.page(in.Marker, in.MaxItems)
}

// maxSimulation bounds the work of one call: bytes of policy text read, over
// all actions and resources. A page that reaches it ends early, as the
// reference of MaxItems says that pages may.
const maxSimulation = 256 << 20

// page simulates a page of the actions.
func (sim *simulation) page(marker *string, maxItems *int32) (*api.SimulatePolicyResponse, error) {
	after, limit, err := start(marker, maxItems)
	if err != nil {
		return nil, err
	}
	cost := max(1, len(sim.resources)) * (sim.size + 1<<10)
	if cost > maxSimulation {
		return nil, invalidInput("The simulation is too large: use fewer resources or smaller policies in one call.")
	}
	limit = min(limit, maxSimulation/cost)
	places := make([]int, len(sim.actions))
	for i := range places {
		places[i] = i
	}
	part, end := pageOf(places, after, limit, func(i int) string { return fmt.Sprintf("%08d", i) })
	out := &api.SimulatePolicyResponse{EvaluationResults: []api.EvaluationResult{}, IsTruncated: end.IsTruncated, Marker: end.Marker}
	for _, i := range part {
		out.EvaluationResults = append(out.EvaluationResults, sim.evaluate(sim.actions[i]))
	}
	return out, nil
}

// principal is the simulated caller: CallerArn or, where that is left out, the
// source if it is a user or role. Of somebody named by CallerArn only what the
// ARN says is known: the caller of SimulateCustomPolicy need not be allowed to
// learn anything about other users.
func (sim *simulation) principal(in *api.SimulateCustomPolicyRequest) (*policy.Principal, error) {
	caller, src := in.CallerArn, sim.source
	var known *state.Entity
	p := &policy.Principal{Kind: policy.User, Account: sim.account}
	switch {
	case src == nil || src.group != nil:
	case src.user != nil && (caller == nil || *caller == src.user.ARN()):
		known = &src.user.Entity
		p.ARN, p.UniqueID = src.user.ARN(), known.ID
	case src.role != nil && (caller == nil || *caller == src.role.ARN()):
		known = &src.role.Entity
		p.Kind, p.ARN, p.RoleARN, p.UniqueID = policy.RoleSession, src.role.ARN(), src.role.ARN(), known.ID
	}
	if known != nil {
		for _, t := range known.Tags {
			if k := "aws:PrincipalTag/" + t.Key; !sim.supplied(k) {
				sim.context.Set(k, policy.String(t.Value))
			}
		}
	} else if caller != nil {
		named, err := question.Principal(*caller)
		if err != nil || named.ARN == "" || !strings.Contains(named.ARN, ":iam:") || named.Kind == policy.Root {
			return nil, invalidInput("Invalid caller - Caller must be an IAM user, role or group in this context.")
		}
		p = named
	}
	if in.ResourcePolicy != nil {
		switch {
		case p.ARN == "":
			return nil, invalidInput("Invalid caller - Caller cannot be null or empty.")
		case p.Kind != policy.User:
			return nil, invalidInput("Invalid caller - Caller must be an IAM user in this context.")
		}
	}
	return p, nil
}
