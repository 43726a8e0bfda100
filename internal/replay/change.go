package replay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/warder-iam/warder/internal/api"
	"github.com/warder-iam/warder/internal/authn"
	"github.com/warder-iam/warder/internal/awserr"
	"github.com/warder-iam/warder/internal/service"
	"github.com/warder-iam/warder/internal/state"
	"github.com/warder-iam/warder/internal/wire"
)

// Change is one call of an operation of IAM that is proposed, in the form that the
// aws CLI takes with --cli-input-json.
type Change struct {
	Operation string          `json:"operation"` // "PutRolePolicy"
	Input     json.RawMessage `json:"input"`
}

// Try makes the changes to a copy of the state, as the account's root user would. It
// returns the state without and with them; none is kept.
func Try(ctx context.Context, st *state.State, iam *service.Service, account string, changes []Change, now time.Time) (before, after *state.Snapshot, err error) {
	root, err := authn.OfOwner(st.Snapshot(), account, account)
	if err != nil {
		return nil, nil, fmt.Errorf("there is no account %q", account)
	}
	inputs := make([]any, len(changes))
	for i := range changes {
		if inputs[i], err = changes[i].input(iam); err != nil {
			return nil, nil, changes[i].failed(i, err)
		}
	}
	return st.Try(now, func(tx *state.Tx) error {
		for i := range changes {
			call := &service.Call{Context: ctx, Operation: iam.Operation(changes[i].Operation)}
			call.Caller, call.Time, call.Secure = root, now, true
			if _, err := iam.Apply(call, tx, inputs[i]); err != nil {
				return changes[i].failed(i, err)
			}
		}
		return nil
	})
}

func (c *Change) failed(i int, err error) error {
	if e, ok := errors.AsType[*awserr.Error](err); ok {
		err = fmt.Errorf("%s: %s", e.Code, e.Message)
	}
	return fmt.Errorf("change %d, %s: %w", i+1, c.Operation, err)
}

// input reads the input of the call. A member that the operation does not have is
// refused: it would be passed over, and the replay answer another question.
func (c *Change) input(iam *service.Service) (any, error) {
	op := iam.Operation(c.Operation)
	if op == nil {
		return nil, fmt.Errorf("IAM has no operation %q", c.Operation)
	}
	if !op.Writes {
		return nil, errors.New("the operation changes nothing")
	}
	members := map[string]json.RawMessage{}
	if len(c.Input) > 0 {
		if err := json.Unmarshal(c.Input, &members); err != nil {
			return nil, fmt.Errorf("the input is not a JSON object: %w", err)
		}
	}
	shape := iam.API.Shape(op.Model.InputShape)
	for name := range members {
		if !hasMember(shape, name) {
			return nil, fmt.Errorf("the operation has no parameter %q", name)
		}
	}
	in, err := wire.DecodeJSON(iam.API, op.Model, c.Input)
	if err != nil {
		return nil, err
	}
	return in, wire.Validate(iam.API, op.Model, in)
}

func hasMember(shape *api.Shape, name string) bool {
	if shape == nil {
		return false
	}
	for i := range shape.Members {
		if shape.Members[i].Name == name {
			return true
		}
	}
	return false
}
