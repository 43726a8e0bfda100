package iam

import (
	"fmt"
	"slices"
	"strings"

	"github.com/warder-iam/warder/arn"
	api "github.com/warder-iam/warder/internal/api/iam"
	"github.com/warder-iam/warder/internal/question"
	"github.com/warder-iam/warder/policy"
)

// A simulation is one call of the simulator, read and checked.
type simulation struct {
	account string  // of who asks
	source  *source // of SimulatePrincipalPolicy; nil otherwise

	actions   []string
	resources []string // nil: every resource, "*"
	caller    *policy.Principal
	context   policy.Values
	owner     string // the account that ResourceOwner names; "" if it was left out

	layers   policy.Layers // Resource is set per request
	compiled map[policy.Kind]*policy.Policy

	policies  map[policy.Source]*policy.Policy
	documents map[policy.Source]*policy.Document // of policies, read when needed
	keys      contextKeys                        // of all policies
	size      int                                // of all policies, in bytes
}

// read takes in what both operations have in common.
func (sim *simulation) read(in *api.SimulateCustomPolicyRequest) error {
	sim.context = policy.NewContext()
	sim.policies, sim.documents = make(map[policy.Source]*policy.Policy), make(map[policy.Source]*policy.Document)
	steps := []func(*api.SimulateCustomPolicyRequest) error{
		sim.readActions, sim.readResources, sim.readContext, sim.readCaller, sim.readPolicies, sim.readResourcePolicy,
	}
	for _, step := range steps {
		if err := step(in); err != nil {
			return err
		}
	}
	question.Facts(sim.context, sim.caller)
	return nil
}

func (sim *simulation) readActions(in *api.SimulateCustomPolicyRequest) error {
	for _, action := range in.ActionNames {
		service, name, ok := strings.Cut(action, ":")
		switch {
		case !ok || service == "" || name == "":
			return invalidInput("The action is invalid since it is missing names")
		case strings.ContainsAny(action, "*?"):
			// As a literal name it would match no statement that it seems to be
			// about, and every statement with the same wildcards.
			return invalidInput("Invalid action name %s: wildcards are not supported in action names.", action)
		}
	}
	sim.actions = in.ActionNames
	return nil
}

func (sim *simulation) readResources(in *api.SimulateCustomPolicyRequest) error {
	for _, text := range in.ResourceArns {
		if text == "*" && len(in.ResourceArns) == 1 {
			break
		}
		if _, err := arn.Parse(text); err != nil {
			return invalidInput("ResourceNames are not in a valid ARN format: %s.", text)
		}
		sim.resources = append(sim.resources, text)
	}
	if in.ResourceOwner != nil {
		a, err := arn.Parse(*in.ResourceOwner)
		if err != nil || a.Service != "iam" || a.Region != "" || a.Resource != "root" || !arn.IsAccountID(a.Account) {
			return invalidInput("'%s' is not a valid as a Resource Owner.", *in.ResourceOwner)
		}
		sim.owner = a.Account
	}
	return sim.checkHandling(in.ResourceHandlingOption)
}

// handlingOptions are the scenarios that
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulateCustomPolicy.html
// lists. They name the resources that one action takes together; each resource
// is decided by itself all the same.
var handlingOptions = []string{"EC2-VPC-InstanceStore", "EC2-VPC-InstanceStore-Subnet", "EC2-VPC-EBS", "EC2-VPC-EBS-Subnet"}

func (sim *simulation) checkHandling(option *string) error {
	if option == nil {
		return nil
	}
	if !slices.Contains(handlingOptions, *option) {
		return invalidInput("Invalid input resource handling options: %s.", *option)
	}
	for _, action := range sim.actions {
		if sim.resources != nil && !strings.EqualFold(action, "ec2:RunInstances") {
			return invalidInput("Invalid input resource handling options. Action does not support resource handling options: %s.", action)
		}
	}
	return nil
}

func (sim *simulation) readContext(in *api.SimulateCustomPolicyRequest) error {
	for _, e := range in.ContextEntries {
		name := deref(e.ContextKeyName)
		if name == "" {
			return invalidInput("ContextKeyName cannot be null or empty.")
		}
		if sim.supplied(name) {
			return invalidInput("Duplicate context key: %s.", name)
		}
		v, err := contextValue(name, deref(e.ContextKeyType), e.ContextKeyValues)
		if err != nil {
			return err
		}
		sim.context.Set(name, v)
	}
	return nil
}

// supplied says whether a condition key has a value.
func (sim *simulation) supplied(name string) bool {
	_, ok := sim.context[policy.KeyOf(name)]
	return ok
}

func (sim *simulation) readCaller(in *api.SimulateCustomPolicyRequest) (err error) {
	sim.caller, err = sim.principal(in)
	return err
}

func (sim *simulation) readPolicies(in *api.SimulateCustomPolicyRequest) error {
	identity, boundary := []*policy.Policy(nil), []*policy.Policy(nil)
	if sim.source != nil {
		identity = append(identity, sim.source.identity.Policies()...)
		boundary = sim.source.boundary.Policies()
	}
	given, err := compileInputs("PolicyInputList", in.PolicyInputList)
	if err != nil {
		return err
	}
	identity = append(identity, given...)
	if n := len(in.PermissionsBoundaryPolicyInputList); n > 1 {
		return invalidInput("Only one permissions boundary policy can be simulated, but received %d.", n)
	} else if n == 1 {
		// In place of the one that is attached.
		if boundary, err = compileInputs("PermissionsBoundaryPolicyInputList", in.PermissionsBoundaryPolicyInputList); err != nil {
			return err
		}
	}
	sim.layers.Identity = policy.NewSet(identity...)
	if boundary != nil {
		sim.layers.Boundary = policy.NewSet(boundary...)
	}
	for _, p := range slices.Concat(identity, boundary) {
		sim.addPolicy(p)
	}
	return nil
}

func (sim *simulation) addPolicy(p *policy.Policy) {
	sim.policies[p.Source()] = p
	sim.size += len(p.Text())
	sim.keys.add(p.Document())
}

func compileInputs(list string, texts []string) ([]*policy.Policy, error) {
	var out []*policy.Policy
	for i, text := range texts {
		p, err := compileInput(policy.Identity, fmt.Sprintf("%s.%d", list, i+1), text)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

func compileInput(kind policy.Kind, name, text string) (*policy.Policy, error) {
	doc, err := policy.ParseText(kind, text)
	if err != nil {
		return nil, invalidInput("%s", err)
	}
	return policy.Compile(policy.Source{Name: name}, doc), nil
}

// readResourcePolicy reads the policy that every simulated resource is treated
// as if it had. On an IAM role it is the trust policy, which other actions than
// those of STS are not subject to.
func (sim *simulation) readResourcePolicy(in *api.SimulateCustomPolicyRequest) error {
	if in.ResourcePolicy == nil {
		return nil
	}
	if sim.resources == nil {
		return unclearEntity("*")
	}
	sim.compiled = make(map[policy.Kind]*policy.Policy)
	for _, action := range sim.actions {
		for _, resource := range sim.resources {
			kind := question.PolicyKind(action, resource)
			if sim.compiled[kind] != nil {
				continue
			}
			p, err := compileInput(kind, "ResourcePolicy", *in.ResourcePolicy)
			if err != nil {
				return err
			}
			if len(sim.compiled) == 0 {
				sim.addPolicy(p)
			}
			sim.compiled[kind] = p
		}
	}
	return nil
}
