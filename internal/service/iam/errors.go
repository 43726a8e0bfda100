package iam

import (
	"strings"

	"github.com/warder-iam/warder/internal/awserr"
)

// The refusals that many operations share, in the texts that AWS sends.

func noSuchUser(name string) error {
	return awserr.New("NoSuchEntity", "The user with name %s cannot be found.", name)
}

func noSuchGroup(name string) error {
	return awserr.New("NoSuchEntity", "The group with name %s cannot be found.", name)
}

func noSuchRole(name string) error {
	return awserr.New("NoSuchEntity", "The role with name %s cannot be found.", name)
}

func noSuchInstanceProfile(name string) error {
	return awserr.New("NoSuchEntity", "Instance Profile %s cannot be found.", name)
}

// noSuchPolicy is the answer for a managed policy's ARN.
func noSuchPolicy(arn string) error {
	return awserr.New("NoSuchEntity", "Policy %s does not exist or is not attachable.", arn)
}

// notForCustomers is the answer to attaching a policy that only service-linked
// roles may have. AWS's text is known for roles
// (https://docs.aws.amazon.com/IAM/latest/APIReference/API_AttachRolePolicy.html).
func notForCustomers(kind string) error {
	return awserr.New("PolicyNotAttachable", "Cannot attach a Service Role Policy to a Customer %s.", strings.ToUpper(kind[:1])+kind[1:])
}

func noSuchInlinePolicy(kind, name string) error {
	return awserr.New("NoSuchEntity", "The %s policy with name %s cannot be found.", kind, name)
}

// exists is the answer to a name that is taken: kind is "User", "Group", "Role", …
func exists(kind, name string) error {
	return awserr.New("EntityAlreadyExists", "%s with name %s already exists.", kind, name)
}

func deleteConflict(text string) error {
	return awserr.New("DeleteConflict", "%s", text)
}

// noARN is the answer to what is no ARN at all.
func noARN(text string) error { return validation("ARN %s is not valid.", text) }

// invalidARN is the answer to the ARN of another kind of thing.
func invalidARN(text string) error { return invalidInput("ARN %s is not valid.", text) }

// invalidInput is IAM's code for what the model's constraints cannot express.
func invalidInput(format string, args ...any) error {
	return awserr.New("InvalidInput", format, args...)
}

func validation(format string, args ...any) error {
	return awserr.New(awserr.CodeValidationError, format, args...)
}
