package cloudtrail

import "github.com/warder-iam/warder/internal/awserr"

// The refusals that several operations share. The texts are those that AWS sends
// where they are known from reports of them.

func invalidParameter(format string, args ...any) error {
	return awserr.New("InvalidParameterException", format, args...)
}

func invalidCombination(format string, args ...any) error {
	return awserr.New("InvalidParameterCombinationException", format, args...)
}

func invalidToken() error {
	return awserr.New("InvalidNextTokenException", "The specified NextToken is not valid.")
}

// unsupported is the answer to what Warder does not do; the sentence says what.
func unsupported(format string, args ...any) error {
	return awserr.New("UnsupportedOperationException", format, args...)
}

// noOrganization is the answer to whatever is for organizations: no account is in
// one.
func noOrganization() error {
	return awserr.New("OrganizationsNotInUseException", "The request could not be processed because your account is not a member of an organization.")
}
