package events

import (
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/warder-iam/warder/arn"
	api "github.com/warder-iam/warder/internal/api/events"
	"github.com/warder-iam/warder/internal/eventpattern"
	"github.com/warder-iam/warder/internal/notify"
	"github.com/warder-iam/warder/internal/service"
	"github.com/warder-iam/warder/internal/state"
)

// Targets of rules
// (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-targets.html).
// Events go to SNS topics, API destinations and other buses.

// maxTargets is how many targets a rule has.
const maxTargets = 5

func (s *Service) putTargets(c *service.Call, tx *state.Tx, in *api.PutTargetsRequest) (*api.PutTargetsResponse, error) {
	r, err := ruleAt(c, &tx.Snapshot, in.Rule, in.EventBusName)
	if err != nil {
		return nil, err
	}
	targets := slices.Clone(r.Targets)
	for i := range in.Targets {
		t, err := newTarget(c, &tx.Snapshot, r, &in.Targets[i])
		if err != nil {
			return nil, err
		}
		if at := slices.IndexFunc(targets, func(have *state.EventTarget) bool { return have.ID == t.ID }); at >= 0 {
			targets[at] = t
		} else {
			targets = append(targets, t)
		}
	}
	if len(targets) > maxTargets {
		return nil, overLimit()
	}
	tx.EventRules.Update(r, func(r *state.EventRule) { r.Targets = targets })
	return &api.PutTargetsResponse{FailedEntryCount: new(int32(0)), FailedEntries: []api.PutTargetsResultEntry{}}, nil
}

// newTarget checks a target. What is wrong with one fails the whole request, as with
// AWS; FailedEntries are for what fails on its side.
func newTarget(c *service.Call, s *state.Snapshot, r *state.EventRule, in *api.Target) (*state.EventTarget, error) {
	t := &state.EventTarget{ID: *in.Id, ARN: *in.Arn, Role: deref(in.RoleArn)}
	for member, given := range map[string]bool{
		"KinesisParameters": in.KinesisParameters != nil, "RunCommandParameters": in.RunCommandParameters != nil, "EcsParameters": in.EcsParameters != nil,
		"BatchParameters": in.BatchParameters != nil, "SqsParameters": in.SqsParameters != nil, "RedshiftDataParameters": in.RedshiftDataParameters != nil,
		"SageMakerPipelineParameters": in.SageMakerPipelineParameters != nil, "AppSyncParameters": in.AppSyncParameters != nil,
	} {
		if given {
			return nil, notBuilt(member, "Warder sends events to SNS topics, API destinations and event buses")
		}
	}
	if err := checkTargetARN(c, s, r, t, in); err != nil {
		return nil, err
	}
	if err := setInput(t, in); err != nil {
		return nil, err
	}
	if in.DeadLetterConfig != nil && in.DeadLetterConfig.Arn != nil {
		if a, err := arn.Parse(*in.DeadLetterConfig.Arn); err != nil || a.Service != "sns" || a.Region != r.Region || a.Account != r.Account {
			return nil, notBuilt("DeadLetterConfig", "Warder has no queues; it takes an SNS topic of the rule's account and region")
		}
		t.DeadLetter = *in.DeadLetterConfig.Arn
	}
	if p := in.RetryPolicy; p != nil {
		t.Retry = &state.EventRetry{Attempts: p.MaximumRetryAttempts, AgeSeconds: p.MaximumEventAgeInSeconds}
	}
	return t, nil
}

func checkTargetARN(c *service.Call, s *state.Snapshot, r *state.EventRule, t *state.EventTarget, in *api.Target) error {
	a, err := arn.Parse(t.ARN)
	if err != nil {
		return wrongARN(t.ARN)
	}
	kind := a.Service
	if kind == "events" {
		kind = a.ResourceType()
	}
	if in.HttpParameters != nil && kind != "api-destination" {
		return notBuilt("HttpParameters", "they are for API destinations")
	}
	switch kind {
	case "sns":
		if a.Region != r.Region || !arn.IsAccountID(a.Account) || strings.ContainsAny(a.Resource, ":/") {
			return wrongARN(t.ARN)
		}
	case "event-bus":
		if in.Input != nil || in.InputPath != nil || in.InputTransformer != nil {
			return notBuilt("Input", "another bus gets the event as it is")
		}
		if !arn.IsAccountID(a.Account) || a.ResourceID() == "" || a.ResourceID() == r.Bus && a.Account == r.Account && a.Region == r.Region {
			return wrongARN(t.ARN)
		}
	case "api-destination":
		d := s.APIDestinationByARN(t.ARN)
		if d == nil || d.Account != r.Account || d.Region != r.Region {
			return notFound("An api-destination '%s' does not exist.", t.ARN)
		}
		if t.Role == "" {
			return invalid("RoleArn is required for target %s.", t.ARN)
		}
		if t.HTTP, err = newHTTP(t, d, in.HttpParameters); err != nil {
			return err
		}
	default:
		return invalid("Parameter %s is not valid. Reason: Warder sends events to SNS topics, API destinations and event buses.", t.ARN)
	}
	if t.Role != "" {
		if role := s.RoleByARN(t.Role); role == nil || role.Account != c.Caller.Account {
			return invalid("Provided role '%s' cannot be assumed by principal '%s'.", t.Role, servicePrincipal)
		}
	}
	return nil
}

// newHTTP checks the parameters of requests to an API destination. A value that
// begins with "$." is the path of a part of the event.
func newHTTP(t *state.EventTarget, d *state.APIDestination, h *api.HttpParameters) (*state.EventHTTP, error) {
	var values []string
	if h != nil {
		values = h.PathParameterValues
	}
	if want := strings.Count(d.Endpoint, "*"); want != len(values) {
		return nil, notBuilt("PathParameterValues", fmt.Sprintf("the endpoint of target %s has %d places for path parameters", t.ID, want))
	}
	if h == nil {
		return nil, nil
	}
	for name, value := range h.HeaderParameters {
		if notify.ReservedHeader(name) {
			return nil, notBuilt("HeaderParameters", "the header "+name+" cannot be set")
		}
		values = append(slices.Clone(values), value)
	}
	for _, value := range h.QueryStringParameters {
		values = append(slices.Clone(values), value)
	}
	for _, v := range values {
		if strings.HasPrefix(v, "$") {
			if _, err := eventpattern.CompilePath(v); err != nil {
				return nil, invalid("Invalid JSONPath %s for target %s.", v, t.ID)
			}
		}
	}
	return &state.EventHTTP{PathParameters: h.PathParameterValues, Header: h.HeaderParameters, Query: h.QueryStringParameters}, nil
}

// setInput checks what is to be sent.
func setInput(t *state.EventTarget, in *api.Target) error {
	given := 0
	for _, there := range []bool{in.Input != nil, in.InputPath != nil, in.InputTransformer != nil} {
		if there {
			given++
		}
	}
	switch {
	case given > 1:
		return invalid("Only one of Input, InputPath, or InputTransformer must be provided for target %s.", t.ID)
	case in.Input != nil:
		if !json.Valid([]byte(*in.Input)) {
			return invalid("JSON syntax error in input for target %s.", t.ID)
		}
		t.Input = in.Input
	case in.InputPath != nil:
		if _, err := eventpattern.CompilePath(*in.InputPath); err != nil {
			return invalid("Invalid InputPath for target %s.", t.ID)
		}
		t.InputPath = in.InputPath
	case in.InputTransformer != nil:
		i := in.InputTransformer
		_, err := eventpattern.CompileTemplate(*i.InputTemplate, i.InputPathsMap)
		switch variable, undefined := errors.AsType[eventpattern.ErrVariable](err); {
		case undefined:
			return invalid("InputTemplate for target %s contains invalid placeholder %s.", t.ID, string(variable))
		case errors.Is(err, eventpattern.ErrReserved):
			return invalid("InputPathsMap for target %s has a key that begins with AWS.", t.ID)
		case errors.Is(err, eventpattern.ErrPath):
			return invalid("Invalid JSONPath in InputPathsMap for target %s.", t.ID)
		case err != nil:
			return invalid("Invalid InputTemplate for target %s : the template is not JSON.", t.ID)
		}
		t.Transformer = &state.InputTransformer{Paths: i.InputPathsMap, Template: *i.InputTemplate}
	}
	return nil
}

func (s *Service) listTargetsByRule(c *service.Call, snap *state.Snapshot, in *api.ListTargetsByRuleRequest) (*api.ListTargetsByRuleResponse, error) {
	r, err := ruleAt(c, snap, in.Rule, in.EventBusName)
	if err != nil {
		return nil, err
	}
	sorted := slices.SortedFunc(slices.Values(r.Targets), func(a, b *state.EventTarget) int { return strings.Compare(a.ID, b.ID) })
	targets, next, err := page(slices.Values(sorted), func(t *state.EventTarget) string { return t.ID }, nil, in.NextToken, in.Limit, nil)
	if err != nil {
		return nil, err
	}
	out := &api.ListTargetsByRuleResponse{Targets: []api.Target{}, NextToken: next}
	for _, t := range targets {
		out.Targets = append(out.Targets, targetOut(t))
	}
	return out, nil
}

func targetOut(t *state.EventTarget) api.Target {
	out := api.Target{Id: &t.ID, Arn: &t.ARN, RoleArn: optional(t.Role), Input: t.Input, InputPath: t.InputPath}
	if i := t.Transformer; i != nil {
		out.InputTransformer = &api.InputTransformer{InputPathsMap: i.Paths, InputTemplate: &i.Template}
	}
	if h := t.HTTP; h != nil {
		out.HttpParameters = &api.HttpParameters{PathParameterValues: h.PathParameters, HeaderParameters: h.Header, QueryStringParameters: h.Query}
	}
	if t.DeadLetter != "" {
		out.DeadLetterConfig = &api.DeadLetterConfig{Arn: &t.DeadLetter}
	}
	if t.Retry != nil {
		out.RetryPolicy = &api.RetryPolicy{MaximumRetryAttempts: t.Retry.Attempts, MaximumEventAgeInSeconds: t.Retry.AgeSeconds}
	}
	return out
}

// removeTargets tells of targets that were not there as entries that failed.
func (s *Service) removeTargets(c *service.Call, tx *state.Tx, in *api.RemoveTargetsRequest) (*api.RemoveTargetsResponse, error) {
	r, err := ruleAt(c, &tx.Snapshot, in.Rule, in.EventBusName)
	if err != nil {
		return nil, err
	}
	out := &api.RemoveTargetsResponse{FailedEntries: []api.RemoveTargetsResultEntry{}}
	for _, id := range in.Ids {
		if r.Target(id) == nil {
			out.FailedEntries = append(out.FailedEntries, api.RemoveTargetsResultEntry{
				TargetId: &id, ErrorCode: new("ResourceNotFoundException"), ErrorMessage: new(fmt.Sprintf("Rule %s does not have target with the Id %s.", r.Name, id)),
			})
		}
	}
	out.FailedEntryCount = new(int32(len(out.FailedEntries)))
	targets := slices.DeleteFunc(slices.Clone(r.Targets), func(t *state.EventTarget) bool { return slices.Contains(in.Ids, t.ID) })
	tx.EventRules.Update(r, func(r *state.EventRule) { r.Targets = targets })
	return out, nil
}

// atLeast says whether a sequence has n items, without counting further.
func atLeast[T any](seq iter.Seq[T], n int) bool {
	for range seq {
		if n--; n == 0 {
			return true
		}
	}
	return false
}
