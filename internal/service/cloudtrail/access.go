package cloudtrail

import (
	"reflect"

	"github.com/warder-iam/warder/internal/authz"
	"github.com/warder-iam/warder/internal/service"
	"github.com/warder-iam/warder/internal/state"

	api "github.com/warder-iam/warder/internal/api/cloudtrail"
)

// This file is the vocabulary of the authorization entries in ops.go: which
// resource each operation is authorized on, after
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awscloudtrail.html.

// naming makes the ARN of what a member of an input names. ARNs of other accounts
// are refused, as AWS does, whatever the caller may do.
type naming func(c *service.Call, text string) (string, error)

// named makes a target of a member that names a resource. What does not exist is
// authorized by the ARN that it would have, and where nothing is named it is any of
// its type.
func named(arn naming, kind, member string) service.Target {
	return func(input reflect.Type) service.Part {
		text := service.Member[*string](input, member)
		return func(c *service.Call, s *state.Snapshot, in any, check *authz.Check) error {
			if name := text(in); name != nil {
				return about(c, s, *name, arn, check)
			}
			check.Resource, check.Account = anyOf(c, kind), c.Caller.Account
			return nil
		}
	}
}

// anyOf stands for a resource of a type of which no more is known: one that is to
// be made and gets an id, or that the request leaves open.
func anyOf(c *service.Call, kind string) string {
	return "arn:aws:cloudtrail:" + c.Region + ":" + c.Caller.Account + ":" + kind + "/*"
}

// about makes a check one about a resource.
func about(c *service.Call, s *state.Snapshot, text string, arn naming, check *authz.Check) error {
	name, err := arn(c, text)
	if err != nil {
		return err
	}
	check.Resource, check.Account = name, c.Caller.Account
	r := lookUp(c, s, name)
	if r == nil {
		return nil
	}
	check.Tags = r.tags()
	if lake, ok := r.(lakeResource); ok {
		check.ResourcePolicy, err = compiled(lake.lake().Policy, name)
	}
	return err
}

var (
	trailNamed   = named(trailARN, "trail", "Name")
	trailOf      = named(trailARN, "trail", "TrailName")
	insightsFrom = named(trailARN, "trail", "InsightSource")
	store        = named(eventDataStoreARN, "eventdatastore", "EventDataStore")
	channel      = named(channelARN, "channel", "Channel")
	dashboard    = named(dashboardARN, "dashboard", "DashboardId")
	newDashboard = named(dashboardARN, "dashboard", "Name")
	tagged       = named(anyARN, "", "ResourceId")
	governed     = named(anyARN, "", "ResourceArn")
	newStore     = unnamed("eventdatastore")
	newChannel   = unnamed("channel")
	anyStore     = unnamed("eventdatastore")
)

// unnamed is the target of operations whose inputs name no resource.
func unnamed(kind string) service.Target {
	return func(reflect.Type) service.Part {
		return func(c *service.Call, _ *state.Snapshot, _ any, check *authz.Check) error {
			check.Resource, check.Account = anyOf(c, kind), c.Caller.Account
			return nil
		}
	}
}

// trailOrStore is the target of operations that are about a trail or an event data
// store.
func trailOrStore(input reflect.Type) service.Part {
	onTrail, onStore := trailOf(input), store(input)
	name := service.Member[*string](input, "TrailName")
	return func(c *service.Call, s *state.Snapshot, in any, check *authz.Check) error {
		if name(in) != nil {
			return onTrail(c, s, in, check)
		}
		return onStore(c, s, in, check)
	}
}

// anyARN is the ARN of a resource of any type.
func anyARN(c *service.Call, text string) (string, error) {
	_, err := kindOfARN(c, text)
	return text, err
}

// onEach is the rule of an operation that is authorized on every resource of a list.
func onEach[T any](arn naming, member string, text func(T) string) service.Rule {
	return func(action string, input reflect.Type) service.Authorize {
		list := service.Member[[]T](input, member)
		return func(c *service.Call, s *state.Snapshot, in any) ([]authz.Check, error) {
			var checks []authz.Check
			for _, item := range list(in) {
				check := authz.Check{Action: action}
				if err := about(c, s, text(item), arn, &check); err != nil {
					return nil, err
				}
				checks = append(checks, check)
			}
			if len(checks) == 0 {
				checks = append(checks, authz.Check{Action: action, Resource: "*", Account: c.Caller.Account})
			}
			return checks, nil
		}
	}
}

func itself(text string) string { return text }

// creatingChannel needs its permission also on the event data stores that events
// are to go to.
func creatingChannel(action string, input reflect.Type) service.Authorize {
	made := creating(newChannel, "Tags")(action, input)
	into := onEach(eventDataStoreARN, "Destinations", func(d api.Destination) string { return *d.Location })(action, input)
	return func(c *service.Call, s *state.Snapshot, in any) ([]authz.Check, error) {
		checks, err := made(c, s, in)
		if err != nil {
			return nil, err
		}
		more, err := into(c, s, in)
		return append(checks, more...), err
	}
}

// metrics is the rule of ListInsightsMetricData, which has no action of its own
// (https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_ListInsightsMetricData.html).
func metrics(_ string, input reflect.Type) service.Authorize {
	look := service.On(service.Anything)("cloudtrail:LookupEvents", input)
	list := service.On(trailOf)("cloudtrail:ListInsightsData", input)
	name := service.Member[*string](input, "TrailName")
	return func(c *service.Call, s *state.Snapshot, in any) ([]authz.Check, error) {
		checks, err := look(c, s, in)
		if err != nil || name(in) == nil {
			return checks, err
		}
		more, err := list(c, s, in)
		return append(checks, more...), err
	}
}

// requestTags adds aws:RequestTag/KEY and aws:TagKeys from the tags sent.
func requestTags(member string) service.Extra {
	return func(input reflect.Type) service.Part {
		tags := service.Member[[]api.Tag](input, member)
		return func(_ *service.Call, _ *state.Snapshot, in any, check *authz.Check) error {
			for _, t := range tags(in) {
				value := ""
				if t.Value != nil {
					value = *t.Value
				}
				check.RequestTag(*t.Key, value)
			}
			return nil
		}
	}
}

// tagKeys adds aws:TagKeys from the tags to be removed.
func tagKeys(input reflect.Type) service.Part {
	tags := service.Member[[]api.Tag](input, "TagsList")
	return func(_ *service.Call, _ *state.Snapshot, in any, check *authz.Check) error {
		for _, t := range tags(in) {
			check.TagKeys = append(check.TagKeys, *t.Key)
		}
		return nil
	}
}

// creating is the rule of an operation that makes a resource which may be given
// tags: they need cloudtrail:AddTags too.
func creating(target service.Target, member string) service.Rule {
	made := service.On(target, requestTags(member))
	return service.And(made, func(input reflect.Type) service.Authorize {
		tags, also := service.Member[[]api.Tag](input, member), made("cloudtrail:AddTags", input)
		return func(c *service.Call, s *state.Snapshot, in any) ([]authz.Check, error) {
			if len(tags(in)) == 0 {
				return nil, nil
			}
			return also(c, s, in)
		}
	})
}
