package wire

import (
	"github.com/warder-iam/warder/internal/api"
	"github.com/warder-iam/warder/internal/awserr"
)

// maxEcho is how much of a name that is not ours an error text repeats.
const maxEcho = 128

// Action is the Action parameter of a request; "" is none.
func Action(form Form) string {
	action, _ := form.Get("Action")
	return action
}

// Version is the Version parameter of a request; "" is none.
func Version(form Form) string {
	version, _ := form.Get("Version")
	return version
}

// Operation finds the operation that a request asks for, by its Action and its
// Version. A version other than the service's own finds nothing, as in AWS:
// the parameters of another version may mean something else.
func Operation(svc *api.Service, form Form) (*api.Operation, error) {
	action, version := Action(form), Version(form)
	if action == "" {
		return nil, awserr.New(awserr.CodeMissingAction, "Missing Action")
	}
	if version == svc.Version {
		if op := svc.Operation(action); op != nil {
			return op, nil
		}
	}
	if version == "" {
		version = "NO_VERSION_SPECIFIED"
	}
	return nil, awserr.New(awserr.CodeInvalidAction, "Could not find operation %s for version %s",
		clip(action, maxEcho), clip(version, maxEcho))
}
