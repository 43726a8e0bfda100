package events

import (
	"errors"

	api "github.com/warder-iam/warder/internal/api/events"
	"github.com/warder-iam/warder/internal/awserr"
	"github.com/warder-iam/warder/internal/eventpattern"
	"github.com/warder-iam/warder/internal/service"
	"github.com/warder-iam/warder/internal/state"
)

// Rules (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rules.html).

// maxRules is how many rules a bus has
// (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html).
const maxRules = 300

// compile reads an event pattern, and refuses it in AWS's words.
func compile(text string) (*eventpattern.Pattern, error) {
	p, err := eventpattern.Compile(text)
	if wrong, ok := errors.AsType[*eventpattern.Error](err); ok {
		return nil, awserr.New("InvalidEventPatternException", "Event pattern is not valid. Reason: %s", wrong.Reason)
	}
	return p, err
}

// ruleAt finds a rule by its name and bus.
func ruleAt(c *service.Call, s *state.Snapshot, name, bus *string) (*state.EventRule, error) {
	p, err := placeOf(c, bus)
	if err != nil {
		return nil, err
	}
	if _, err := p.find(s); err != nil {
		return nil, err
	}
	if r := s.EventRule(p.account, p.region, p.bus, *name); r != nil {
		return r, nil
	}
	return nil, noSuchRule(*name, p.bus)
}

// putRule makes a rule, or replaces all of one but its targets and tags.
func (s *Service) putRule(c *service.Call, tx *state.Tx, in *api.PutRuleRequest) (*api.PutRuleResponse, error) {
	p, err := placeOf(c, in.EventBusName)
	if err != nil {
		return nil, err
	}
	if _, err := p.find(&tx.Snapshot); err != nil {
		return nil, err
	}
	switch {
	case in.ScheduleExpression != nil && *in.ScheduleExpression != "" && p.bus != state.DefaultEventBus:
		return nil, invalid("ScheduleExpression is supported only on the default event bus.")
	case in.ScheduleExpression != nil && *in.ScheduleExpression != "":
		return nil, notBuilt("ScheduleExpression", "Warder runs no schedules, rules are triggered by events")
	case in.EventPattern == nil || *in.EventPattern == "":
		return nil, invalid("Parameter(s) EventPattern or ScheduleExpression must be specified.")
	}
	if _, err := compile(*in.EventPattern); err != nil {
		return nil, err
	}
	r := p.rule(*in.Name)
	r.CreatedBy, r.Created, r.State = c.Caller.Account, c.Now(), state.EventRuleEnabled
	if old := tx.EventRule(p.account, p.region, p.bus, r.Name); old != nil {
		r.CreatedBy, r.Created, r.State, r.Targets, r.Tags = old.CreatedBy, old.Created, old.State, old.Targets, old.Tags
	} else {
		if atLeast(tx.EventRulesOf(p.account, p.region, p.bus, ""), maxRules) {
			return nil, overLimit()
		}
		if r.Tags, err = mergeTags(nil, in.Tags); err != nil {
			return nil, err
		}
	}
	if in.State != nil {
		r.State = *in.State
	}
	r.Pattern, r.Description, r.Role = &state.EventPattern{Text: *in.EventPattern}, deref(in.Description), deref(in.RoleArn)
	tx.EventRules.Put(r)
	return &api.PutRuleResponse{RuleArn: new(r.ARN())}, nil
}

func (s *Service) describeRule(c *service.Call, snap *state.Snapshot, in *api.DescribeRuleRequest) (*api.DescribeRuleResponse, error) {
	r, err := ruleAt(c, snap, in.Name, in.EventBusName)
	if err != nil {
		return nil, err
	}
	return &api.DescribeRuleResponse{
		Name: &r.Name, Arn: new(r.ARN()), EventPattern: &r.Pattern.Text, State: &r.State, Description: optional(r.Description),
		RoleArn: optional(r.Role), EventBusName: &r.Bus, CreatedBy: &r.CreatedBy,
	}, nil
}

func (s *Service) listRules(c *service.Call, snap *state.Snapshot, in *api.ListRulesRequest) (*api.ListRulesResponse, error) {
	p, err := ownPlace(c, snap, in.EventBusName)
	if err != nil {
		return nil, err
	}
	rules, next, err := page(snap.EventRulesOf(p.account, p.region, p.bus, ""), nameOfRule, in.NamePrefix, in.NextToken, in.Limit, nil)
	if err != nil {
		return nil, err
	}
	out := &api.ListRulesResponse{Rules: []api.Rule{}, NextToken: next}
	for _, r := range rules {
		out.Rules = append(out.Rules, api.Rule{
			Name: &r.Name, Arn: new(r.ARN()), EventPattern: &r.Pattern.Text, State: &r.State, Description: optional(r.Description),
			RoleArn: optional(r.Role), EventBusName: &r.Bus,
		})
	}
	return out, nil
}

func nameOfRule(r *state.EventRule) string { return r.Name }

// ownPlace is the bus of a list, which must be the caller's: the operation is
// authorized on no resource.
func ownPlace(c *service.Call, s *state.Snapshot, bus *string) (place, error) {
	p, err := placeOf(c, bus)
	if err != nil {
		return p, err
	}
	if p.account != c.Caller.Account {
		return p, noSuchBus(p.bus)
	}
	_, err = p.find(s)
	return p, err
}

func (s *Service) listRuleNamesByTarget(c *service.Call, snap *state.Snapshot, in *api.ListRuleNamesByTargetRequest) (*api.ListRuleNamesByTargetResponse, error) {
	p, err := ownPlace(c, snap, in.EventBusName)
	if err != nil {
		return nil, err
	}
	rules, next, err := page(snap.EventRulesOf(p.account, p.region, p.bus, ""), nameOfRule, nil, in.NextToken, in.Limit, func(r *state.EventRule) bool {
		for _, t := range r.Targets {
			if t.ARN == *in.TargetArn {
				return true
			}
		}
		return false
	})
	if err != nil {
		return nil, err
	}
	out := &api.ListRuleNamesByTargetResponse{RuleNames: []string{}, NextToken: next}
	for _, r := range rules {
		out.RuleNames = append(out.RuleNames, r.Name)
	}
	return out, nil
}

func (s *Service) enableRule(c *service.Call, tx *state.Tx, in *api.EnableRuleRequest) (*none, error) {
	return setState(c, tx, in.Name, in.EventBusName, state.EventRuleEnabled)
}

func (s *Service) disableRule(c *service.Call, tx *state.Tx, in *api.DisableRuleRequest) (*none, error) {
	return setState(c, tx, in.Name, in.EventBusName, state.EventRuleDisabled)
}

func setState(c *service.Call, tx *state.Tx, name, bus *string, to string) (*none, error) {
	r, err := ruleAt(c, &tx.Snapshot, name, bus)
	if err != nil {
		return nil, err
	}
	if r.State != to {
		tx.EventRules.Update(r, func(r *state.EventRule) { r.State = to })
	}
	return nil, nil
}

// deleteRule deletes a rule that has no targets any more. It is no error if there is
// none. Force is about rules that services manage; there are none.
func (s *Service) deleteRule(c *service.Call, tx *state.Tx, in *api.DeleteRuleRequest) (*none, error) {
	p, err := placeOf(c, in.EventBusName)
	if err != nil {
		return nil, err
	}
	if _, err := p.find(&tx.Snapshot); err != nil {
		return nil, err
	}
	r := tx.EventRule(p.account, p.region, p.bus, *in.Name)
	switch {
	case r == nil:
		return nil, nil
	case len(r.Targets) > 0:
		return nil, invalid("Rule can't be deleted since it has targets.")
	}
	tx.EventRules.Delete(r)
	return nil, nil
}

// testEventPattern matches a pattern against an event, which must have the members
// that all events have.
func (s *Service) testEventPattern(_ *service.Call, _ *state.Snapshot, in *api.TestEventPatternRequest) (*api.TestEventPatternResponse, error) {
	p, err := compile(*in.EventPattern)
	if err != nil {
		return nil, err
	}
	e, err := eventpattern.Parse([]byte(*in.Event))
	if err != nil {
		return nil, invalid("Parameter Event is not valid.")
	}
	for _, member := range []string{"id", "account", "source", "time", "region", "detail-type"} {
		if _, ok := e.String(member); !ok {
			return nil, invalid("Parameter Event is not valid.")
		}
	}
	return &api.TestEventPatternResponse{Result: new(p.Matches(e))}, nil
}
