package events

import (
	"reflect"
	"strings"

	"github.com/warder-iam/warder/arn"
	api "github.com/warder-iam/warder/internal/api/events"
	"github.com/warder-iam/warder/internal/authz"
	"github.com/warder-iam/warder/internal/service"
	"github.com/warder-iam/warder/internal/state"
	"github.com/warder-iam/warder/policy"
)

// This file is the vocabulary of the authorization entries in ops.go: which
// resource each operation is authorized on and with which condition keys, after
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoneventbridge.html.
// The policy of a bus counts for the bus and for its rules.

var (
	on       = service.On
	anything = service.Target(service.Anything)
)

// A place is where a bus is.
type place struct{ account, region, bus string }

// placeOf reads the name or ARN of a bus; nil is the default bus of the caller.
func placeOf(c *service.Call, text *string) (place, error) {
	p := place{c.Caller.Account, c.Region, state.DefaultEventBus}
	if text == nil {
		return p, nil
	}
	if !strings.HasPrefix(*text, "arn:") {
		p.bus = *text
		return p, nil
	}
	a, err := arn.Parse(*text)
	if err != nil || a.Service != "events" || a.ResourceType() != "event-bus" || !arn.IsAccountID(a.Account) {
		return p, wrongARN(*text)
	}
	if a.Region != c.Region {
		return p, notBuilt("EventBusName", "a request is made in the region of its bus")
	}
	return place{a.Account, a.Region, a.ResourceID()}, nil
}

func (p place) find(s *state.Snapshot) (*state.EventBus, error) {
	if b := s.EventBus(p.account, p.region, p.bus); b != nil {
		return b, nil
	}
	return nil, noSuchBus(p.bus)
}

// rule is a rule of this name, whether or not there is one.
func (p place) rule(name string) *state.EventRule {
	return &state.EventRule{Account: p.account, Region: p.region, Bus: p.bus, Name: name}
}

// BusPolicy is a bus's compiled policy; nil if it has none.
func BusPolicy(b *state.EventBus) (*policy.Policy, error) {
	if b == nil || b.Policy == nil {
		return nil, nil
	}
	return b.Policy.CompileAs(policy.Resource, func() policy.Source {
		return policy.Source{Type: policy.SourceResource, Name: b.Name, ARN: b.ARN()}
	})
}

// onBus fills in the check of a bus.
func onBus(s *state.Snapshot, p place, check *authz.Check) (err error) {
	check.Resource, check.Account = state.EventsARN(p.account, p.region, "event-bus/"+p.bus), p.account
	if b := s.EventBus(p.account, p.region, p.bus); b != nil {
		check.Tags = b.Tags
		check.ResourcePolicy, err = BusPolicy(b)
	}
	return err
}

// onRule fills in the check of a rule.
func onRule(c *service.Call, s *state.Snapshot, p place, name string, check *authz.Check) (err error) {
	check.Resource, check.Account = p.rule(name).ARN(), p.account
	creator := c.Caller.Account
	if r := s.EventRule(p.account, p.region, p.bus, name); r != nil {
		check.Tags, creator = r.Tags, r.CreatedBy
	}
	check.Set("events:creatorAccount", policy.String(creator))
	check.ResourcePolicy, err = BusPolicy(s.EventBus(p.account, p.region, p.bus))
	return err
}

// ruleNamed is the rule that a member names on the bus of EventBusName.
func ruleNamed(member string) service.Target {
	return func(input reflect.Type) service.Part {
		name, bus := service.Member[*string](input, member), service.Member[*string](input, "EventBusName")
		return func(c *service.Call, s *state.Snapshot, in any, check *authz.Check) error {
			p, err := placeOf(c, bus(in))
			if err != nil {
				return err
			}
			return onRule(c, s, p, *name(in), check)
		}
	}
}

// busNamed is the bus that a member names.
func busNamed(input reflect.Type) service.Part {
	name := service.Member[*string](input, "Name")
	return func(c *service.Call, s *state.Snapshot, in any, check *authz.Check) error {
		p, err := placeOf(c, name(in))
		if err != nil {
			return err
		}
		return onBus(s, p, check)
	}
}

// named is a resource of the caller's account and region, by its name. As in the
// reference, the ids in the ARNs of connections and API destinations do not count.
func named(kind, member string) service.Target {
	return func(input reflect.Type) service.Part {
		name := service.Member[*string](input, member)
		return func(c *service.Call, _ *state.Snapshot, in any, check *authz.Check) error {
			check.Resource, check.Account = state.EventsARN(c.Caller.Account, c.Region, kind+"/"+*name(in)), c.Caller.Account
			return nil
		}
	}
}

// eventSource is a partner event source, which belongs to no account.
func eventSource(member string) service.Target {
	return func(input reflect.Type) service.Part {
		name := service.Member[*string](input, member)
		return func(c *service.Call, _ *state.Snapshot, in any, check *authz.Check) error {
			check.Resource, check.Account = state.EventsARN("", c.Region, "event-source/"+*name(in)), c.Caller.Account
			return nil
		}
	}
}

// tagged is the bus or rule that ResourceARN names.
func tagged(input reflect.Type) service.Part {
	text := service.Member[*string](input, "ResourceARN")
	return func(c *service.Call, s *state.Snapshot, in any, check *authz.Check) error {
		p, rule, err := taggedPlace(c, *text(in))
		switch {
		case err != nil:
			return err
		case rule == "":
			return onBus(s, p, check)
		}
		return onRule(c, s, p, rule, check)
	}
}

// taggedPlace reads the ARN of a bus, with rule "", or of a rule.
func taggedPlace(c *service.Call, text string) (p place, rule string, err error) {
	a, err := arn.Parse(text)
	if err != nil || a.Service != "events" || a.Region != c.Region || !arn.IsAccountID(a.Account) || a.ResourceID() == "" {
		return p, "", wrongARN(text)
	}
	p = place{a.Account, a.Region, state.DefaultEventBus}
	switch a.ResourceType() {
	case "event-bus":
		p.bus = a.ResourceID()
		return p, "", nil
	case "rule":
		bus, name, ok := strings.Cut(a.ResourceID(), "/")
		if !ok {
			return p, bus, nil
		}
		p.bus = bus
		return p, name, nil
	}
	return p, "", wrongARN(text)
}

// tagging adds the tagging action to the rule of an operation that sets tags on what
// it makes.
func tagging(rule service.Rule) service.Rule {
	return service.And(rule, func(input reflect.Type) service.Authorize {
		tags, also := service.Member[[]api.Tag](input, "Tags"), rule("events:TagResource", input)
		return func(c *service.Call, s *state.Snapshot, in any) ([]authz.Check, error) {
			if len(tags(in)) == 0 {
				return nil, nil
			}
			return also(c, s, in)
		}
	})
}

// requestTags adds aws:RequestTag/KEY and aws:TagKeys from the tags sent.
func requestTags(input reflect.Type) service.Part {
	tags := service.Member[[]api.Tag](input, "Tags")
	return func(_ *service.Call, _ *state.Snapshot, in any, check *authz.Check) error {
		for _, t := range tags(in) {
			check.RequestTag(*t.Key, *t.Value)
		}
		return nil
	}
}

// tagKeys adds aws:TagKeys from the keys sent.
func tagKeys(input reflect.Type) service.Part {
	keys := service.Member[[]string](input, "TagKeys")
	return func(_ *service.Call, _ *state.Snapshot, in any, check *authz.Check) error {
		check.TagKeys = keys(in)
		return nil
	}
}

// patternKeys adds what a rule's pattern asks for literally. A key that the pattern
// leaves open is not there, so that a policy that asks for a value is not met
// (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-conditions.html).
func patternKeys(reflect.Type) service.Part {
	return func(_ *service.Call, _ *state.Snapshot, in any, check *authz.Check) error {
		text := in.(*api.PutRuleRequest).EventPattern
		if text == nil {
			return nil
		}
		p, err := compile(*text)
		if err != nil {
			return err
		}
		for key, path := range map[string]string{
			"events:source": "source", "events:detail-type": "detail-type", "events:detail.service": "detail.service",
			"events:detail.eventTypeCode": "detail.eventTypeCode", "events:detail.userIdentity.principalId": "detail.userIdentity.principalId",
		} {
			if values := p.Literals(path); len(values) > 0 {
				check.Set(key, policy.Strings(values...))
			}
		}
		return nil
	}
}

// targetARNs adds the ARNs of the targets that are put.
func targetARNs(reflect.Type) service.Part {
	return func(_ *service.Call, _ *state.Snapshot, in any, check *authz.Check) error {
		var arns []string
		for _, t := range in.(*api.PutTargetsRequest).Targets {
			arns = append(arns, *t.Arn)
		}
		check.Set("events:TargetArn", policy.Strings(arns...))
		return nil
	}
}

// alsoOnConnection asks for the action on the connection too that an API destination
// is made with.
func alsoOnConnection(rule service.Rule) service.Rule {
	return func(action string, input reflect.Type) service.Authorize {
		return service.And(rule, func(reflect.Type) service.Authorize {
			return func(c *service.Call, _ *state.Snapshot, in any) ([]authz.Check, error) {
				a, err := arn.Parse(*in.(*api.CreateApiDestinationRequest).ConnectionArn)
				if err != nil || a.Account != c.Caller.Account {
					return nil, nil // the rule refuses it
				}
				name, _, _ := strings.Cut(a.ResourceID(), "/")
				return []authz.Check{{Action: action, Resource: state.EventsARN(a.Account, a.Region, "connection/"+name), Account: a.Account}}, nil
			}
		})(action, input)
	}
}

// passing asks for iam:PassRole on every role that an input hands to EventBridge.
func passing(rule service.Rule, roles func(in any) []*string) service.Rule {
	return service.And(rule, func(reflect.Type) service.Authorize {
		return func(c *service.Call, s *state.Snapshot, in any) (checks []authz.Check, err error) {
			for _, text := range roles(in) {
				if text == nil {
					continue
				}
				check := authz.Check{Action: "iam:PassRole", Resource: *text, Account: c.Caller.Account}
				if r := s.RoleByARN(*text); r != nil {
					check.Account, check.Tags, check.Boundary = r.Account, r.Tags, r.Boundary
				} else if a, err := arn.Parse(*text); err == nil && arn.IsAccountID(a.Account) {
					check.Account = a.Account
				}
				check.Set("iam:PassedToService", policy.String(servicePrincipal))
				checks = append(checks, check)
			}
			return checks, nil
		}
	})
}

// servicePrincipal is what EventBridge is called in policies.
const servicePrincipal = "events.amazonaws.com"

func ruleRole(in any) []*string { return []*string{in.(*api.PutRuleRequest).RoleArn} }

func targetRoles(in any) (roles []*string) {
	for _, t := range in.(*api.PutTargetsRequest).Targets {
		roles = append(roles, t.RoleArn)
	}
	return roles
}

// putting authorizes PutEvents on each bus that an entry is for, with what the entry
// says. What is wrong with an entry is for the answer to say.
func putting(string, reflect.Type) service.Authorize {
	return func(c *service.Call, s *state.Snapshot, in any) (checks []authz.Check, err error) {
		type about struct {
			place
			source, detailType string
		}
		seen := map[about]bool{}
		for _, e := range in.(*api.PutEventsRequest).Entries {
			p, err := placeOf(c, e.EventBusName)
			if err != nil {
				return nil, err
			}
			a := about{p, deref(e.Source), deref(e.DetailType)}
			if seen[a] {
				continue
			}
			seen[a] = true
			check := authz.Check{Action: "events:PutEvents"}
			if err := onBus(s, p, &check); err != nil {
				return nil, err
			}
			if a.source != "" {
				check.Set("events:source", policy.Strings(a.source))
			}
			if a.detailType != "" {
				check.Set("events:detail-type", policy.Strings(a.detailType))
			}
			check.Set("events:eventBusInvocation", policy.String("false"))
			checks = append(checks, check)
		}
		return checks, nil
	}
}
