package service

import (
	"fmt"
	"reflect"

	"github.com/warder-iam/warder/internal/authz"
	"github.com/warder-iam/warder/internal/state"
)

// The parts that authorization entries are made of. A table reads like the
// service authorization reference: the resource of the operation, then the
// condition keys it has besides the global ones.
//
//	Write("AttachUserPolicy", On(user, policyARN, boundaryOf), …)

// A Target finds the resource that an operation acts on and fills in the
// check's Resource, Account and Tags.
type Target func(input reflect.Type) Part

// An Extra adds the operation's own condition keys to the check.
type Extra = Target

// A Part works on one check of one request.
type Part func(c *Call, s *state.Snapshot, in any, check *authz.Check) error

// On is the rule of an operation that is authorized as its own action on one
// resource.
func On(target Target, extras ...Extra) Rule {
	return func(action string, input reflect.Type) Authorize {
		parts := make([]Part, 0, 1+len(extras))
		for _, bind := range append([]Target{target}, extras...) {
			parts = append(parts, bind(input))
		}
		return func(c *Call, s *state.Snapshot, in any) ([]authz.Check, error) {
			check := authz.Check{Action: action}
			for _, part := range parts {
				if err := part(c, s, in, &check); err != nil {
					return nil, err
				}
			}
			return []authz.Check{check}, nil
		}
	}
}

// And adds further checks to a rule, such as iam:PassRole on the role that is
// handed on. All checks must allow.
func And(rule Rule, more func(input reflect.Type) Authorize) Rule {
	return func(action string, input reflect.Type) Authorize {
		first, second := rule(action, input), more(input)
		return func(c *Call, s *state.Snapshot, in any) ([]authz.Check, error) {
			checks, err := first(c, s, in)
			if err != nil {
				return nil, err
			}
			also, err := second(c, s, in)
			return append(checks, also...), err
		}
	}
}

// Free is the rule of an operation that AWS documents as needing no permission.
func Free(string, reflect.Type) Authorize {
	return func(*Call, *state.Snapshot, any) ([]authz.Check, error) { return nil, nil }
}

// Anything is the target of operations that have no resource: "*".
func Anything(reflect.Type) Part {
	return func(c *Call, _ *state.Snapshot, _ any, check *authz.Check) error {
		check.Resource, check.Account = "*", c.Caller.Account
		return nil
	}
}

// Member gives access to a member of an operation's input by its name in the
// API model. It panics at start-up if the input has no such member of type T.
func Member[T any](input reflect.Type, name string) func(in any) T {
	f, ok := input.FieldByName(name)
	if !ok || f.Type != reflect.TypeFor[T]() {
		panic(fmt.Sprintf("service: %v has no member %s of type %v", input, name, reflect.TypeFor[T]()))
	}
	index := f.Index[0]
	return func(in any) T { return reflect.ValueOf(in).Elem().Field(index).Interface().(T) }
}

// HasMember says whether an operation's input has a member.
func HasMember(input reflect.Type, name string) bool {
	_, ok := input.FieldByName(name)
	return ok
}
