package sns

import (
	"strings"

	"github.com/warder-iam/warder/internal/awserr"
)

// The refusals that many operations share, in the texts that AWS sends.

// invalid is SNS's code for nearly all that is wrong with an input.
func invalid(format string, args ...any) *awserr.Error {
	return awserr.New("InvalidParameter", "Invalid parameter: "+format, args...)
}

// notBuilt is the answer to what Warder does not do; the text is ours.
func notBuilt(parameter, reason string) *awserr.Error {
	return invalid("%s Reason: %s", parameter, reason)
}

func noSuchTopic() error { return awserr.New("NotFound", "Topic does not exist") }

func noSuchSubscription() error { return awserr.New("NotFound", "Subscription does not exist") }

func noSuchResource() error { return awserr.New("ResourceNotFound", "Resource does not exist") }

// notARN is the answer to what is no ARN.
func notARN(parameter, text string) error {
	return invalid("%s Reason: An ARN must have at least 6 elements, not %d", parameter, strings.Count(text, ":")+1)
}
