// Package service is the frame in which the rules of AWS's services stand: an
// operation is a value that holds its name, its authorization entry and its
// handler, and a service is a table of them. internal/server runs every
// operation through one pipeline; an operation does not call the steps, so it
// cannot leave one out.
//
// The rules themselves are in the folders below, a package a service, a file a
// resource kind. They know no HTTP, XML, SQL, clock or randomness.
package service

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/warder-iam/warder/internal/api"
	"github.com/warder-iam/warder/internal/audit"
	"github.com/warder-iam/warder/internal/authz"
	"github.com/warder-iam/warder/internal/state"
)

// Call is one request as a handler sees it: who makes it, when, under which id.
type Call struct {
	context.Context
	authz.Request // caller, time, connection, region
	RequestID     string
	Operation     *Operation

	// Prepared is what the operation's Prepare step, or its factor step if it has
	// no other, made for its rule and handler.
	Prepared any

	// Events makes the events of the audit trail that tell of the call, once it has
	// succeeded with an output. They land with what the operation writes, or not
	// at all. Nil keeps none; Recorded says that they have landed.
	Events   func(out any) ([][]byte, error)
	Recorded bool
	// Decided is where the pipeline leaves what was decided; nil if nobody keeps it.
	Decided *authz.Decided
	// Token is what the events show of an identity provider's token; nil without one.
	Token *audit.Token
}

// Service is one AWS service: its API model and the operations that are built.
type Service struct {
	API *api.Service
	// Admit refuses callers of a kind that may not use the service, or the
	// operation, whatever the policies say. Nil admits everybody who is
	// authenticated.
	Admit func(c *Call, s *state.Snapshot) error
	// Region is where a service with one endpoint for all regions has it: the
	// requests to it have this aws:RequestedRegion, whichever region their
	// signature is scoped to. Empty for services that are in every region.
	Region string

	operations map[string]*Operation
}

// New makes a service of a table of operations. It panics on a table that is
// wrong: an operation that the API does not have, that stands there twice, or
// that has no authorization entry.
func New(model *api.Service, admit func(*Call, *state.Snapshot) error, table []Operation) *Service {
	s := &Service{API: model, Admit: admit, operations: make(map[string]*Operation, len(table))}
	for i := range table {
		op := &table[i]
		op.Model = model.Operation(op.Name)
		switch {
		case op.Model == nil:
			panic(fmt.Sprintf("service: %s has no operation %s", model.ID, op.Name))
		case s.operations[op.Name] != nil:
			panic(fmt.Sprintf("service: %s.%s stands twice in the table", model.ID, op.Name))
		case op.handle == nil:
			panic(fmt.Sprintf("service: %s.%s has no handler", model.ID, op.Name))
		case op.rule == nil:
			panic(fmt.Sprintf("service: %s.%s has no authorization entry", model.ID, op.Name))
		case op.input != op.Model.Input:
			panic(fmt.Sprintf("service: %s.%s takes %v, the API says %v", model.ID, op.Name, op.input, op.Model.Input))
		case op.output != op.Model.Output:
			panic(fmt.Sprintf("service: %s.%s gives %v, the API says %v", model.ID, op.Name, op.output, op.Model.Output))
		}
		op.authorize = op.rule(model.SigningName+":"+op.Name, op.input)
		s.operations[op.Name] = op
	}
	return s
}

// Operation finds an operation that is built; nil if it is not.
func (s *Service) Operation(name string) *Operation { return s.operations[name] }

// Names lists the operations that are built, sorted.
func (s *Service) Names() []string { return slices.Sorted(maps.Keys(s.operations)) }

// Operation is an entry of a service's table. Make one with Read or Write.
type Operation struct {
	Name  string
	Model *api.Operation
	// Writes says that the operation runs in a transaction; others read a snapshot.
	Writes bool

	input, output reflect.Type
	rule          Rule
	authorize     Authorize
	factor        func(c *Call, s *state.Snapshot, in any) error
	prepare       func(c *Call, s *state.Snapshot, in any) (any, error)
	handle        func(c *Call, s *state.Snapshot, tx *state.Tx, in any) (any, error)
	after         func(c *Call, s *state.Snapshot) error
}

// A Rule is an authorization entry. It is bound once to the operation's action
// and input type, so that it can find the members it is about by name and
// panic at start-up if they are not there.
type Rule func(action string, input reflect.Type) Authorize

// Authorize lists the checks that must all allow a request. An empty list means
// that the operation needs no permission, as AWS documents for a few.
type Authorize func(c *Call, s *state.Snapshot, in any) ([]authz.Check, error)

// Read makes an operation that changes nothing.
func Read[In, Out any](name string, rule Rule, handle func(*Call, *state.Snapshot, *In) (*Out, error)) Operation {
	return Operation{
		Name: name, rule: rule, input: reflect.TypeFor[In](), output: reflect.TypeFor[Out](),
		handle: func(c *Call, s *state.Snapshot, _ *state.Tx, in any) (any, error) {
			return answer(handle(c, s, in.(*In)))
		},
	}
}

// Write makes an operation that runs in a transaction.
func Write[In, Out any](name string, rule Rule, handle func(*Call, *state.Tx, *In) (*Out, error)) Operation {
	return Operation{
		Name: name, rule: rule, input: reflect.TypeFor[In](), output: reflect.TypeFor[Out](), Writes: true,
		handle: func(c *Call, _ *state.Snapshot, tx *state.Tx, in any) (any, error) {
			return answer(handle(c, tx, in.(*In)))
		},
	}
}

// answer keeps a typed nil from passing for an output.
func answer[Out any](out *Out, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	if out == nil {
		out = new(Out)
	}
	return out, nil
}

// WithFactor adds a step that completes the caller's authentication from the
// input before anything is authorized: the MFA code that some STS operations
// take. It may change c.Request.
func WithFactor[In any](op Operation, factor func(*Call, *state.Snapshot, *In) error) Operation {
	op.factor = func(c *Call, s *state.Snapshot, in any) error { return factor(c, s, in.(*In)) }
	return op
}

// WithPrepare adds slow work, such as hashing a password, that must not be done
// while other writers wait. It runs when the request has been authorized
// against a snapshot; the transaction authorizes it again on the state it
// writes to. What it returns is c.Prepared of the handler.
func WithPrepare[In any](op Operation, prepare func(*Call, *state.Snapshot, *In) (any, error)) Operation {
	op.prepare = func(c *Call, s *state.Snapshot, in any) (any, error) { return prepare(c, s, in.(*In)) }
	return op
}

// WithAfter adds work that is to be done when the change has landed, such as sending a
// message about it. What the handler leaves in c.Prepared tells it what there is to
// do. If it fails, so does the request, though the change stands.
func WithAfter(op Operation, after func(*Call, *state.Snapshot) error) Operation {
	op.after = after
	return op
}

// Run takes an authenticated, decoded and validated request through admission,
// authorization and the operation's rule, on the given state and with the
// given authorizer. It is the only way to a handler.
func (s *Service) Run(c *Call, st *state.State, az *authz.Authorizer, in any) (any, error) {
	op := c.Operation
	snap := st.Snapshot()
	if s.Admit != nil {
		if err := s.Admit(c, snap); err != nil {
			return nil, err
		}
	}
	if op.factor != nil {
		if err := op.factor(c, snap, in); err != nil {
			return nil, err
		}
		snap = st.Snapshot() // the factor may have spent a code
	}
	if !op.Writes || op.prepare != nil {
		if err := op.permit(c, snap, az, in); err != nil {
			return nil, err
		}
	}
	if op.prepare != nil {
		var err error
		if c.Prepared, err = op.prepare(c, snap, in); err != nil {
			return nil, err
		}
	}
	if !op.Writes {
		return op.handle(c, snap, nil, in)
	}
	var out any
	err := st.Update(c, c.Time, func(tx *state.Tx) error {
		if err := op.permit(c, &tx.Snapshot, az, in); err != nil {
			return err
		}
		var err error
		if out, err = op.handle(c, nil, tx, in); err != nil || c.Events == nil {
			return err
		}
		events, err := c.Events(out)
		for _, e := range events {
			tx.Record(e)
		}
		return err
	})
	c.Recorded = err == nil && c.Events != nil
	if err == nil && op.after != nil {
		err = op.after(c, st.Snapshot())
	}
	return out, err
}

// Apply runs a writing operation in a transaction without asking whether the caller
// may: for who tries what would be (state.State.Try).
func (s *Service) Apply(c *Call, tx *state.Tx, in any) (any, error) {
	op := c.Operation
	if !op.Writes {
		return nil, fmt.Errorf("%s changes nothing", op.Model.Name)
	}
	if op.prepare != nil {
		var err error
		if c.Prepared, err = op.prepare(c, &tx.Snapshot, in); err != nil {
			return nil, err
		}
	}
	return op.handle(c, nil, tx, in)
}

func (op *Operation) permit(c *Call, s *state.Snapshot, az *authz.Authorizer, in any) error {
	checks, err := op.authorize(c, s, in)
	if err != nil {
		return err
	}
	return az.RequireAll(s, &c.Request, checks, c.Decided)
}

// Now is the time of the request as AWS writes times: UTC, whole seconds.
func (c *Call) Now() time.Time { return c.Time.UTC().Truncate(time.Second) }
