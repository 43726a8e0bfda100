package events

import "github.com/warder-iam/warder/internal/awserr"

// The refusals that many operations share, in the texts that AWS sends.

// invalid is the code for what is wrong with an input.
func invalid(format string, args ...any) error {
	return awserr.New("ValidationException", format, args...)
}

// notBuilt is the answer to a member that would ask for what Warder does not do. The
// text is ours.
func notBuilt(member, reason string) error {
	return invalid("Parameter %s is not valid. Reason: %s.", member, reason)
}

func notFound(format string, args ...any) error {
	return awserr.New("ResourceNotFoundException", format, args...)
}

func noSuchBus(name string) error { return notFound("Event bus %s does not exist.", name) }

func noSuchRule(name, bus string) error {
	return notFound("Rule %s does not exist on EventBus %s.", name, bus)
}

func exists(kind, name string) error {
	return awserr.New("ResourceAlreadyExistsException", "%s %s already exists.", kind, name)
}

func overLimit() error {
	return awserr.New("LimitExceededException", "The requested resource exceeds the maximum number allowed.")
}

// wrongARN is the answer to an ARN of the wrong form or kind.
func wrongARN(text string) error {
	return invalid("Parameter %s is not valid. Reason: Provided Arn is not in correct format.", text)
}
