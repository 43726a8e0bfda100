package authn

import (
	"errors"

	"github.com/warder-iam/warder/internal/awserr"
)

// The kinds of session that AWS keeps out of IAM and STS altogether, whatever
// their policies say
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_getsessiontoken.html,
// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetFederationToken.html).

// AdmitIAM refuses callers that may not call IAM: GetFederationToken sessions,
// and GetSessionToken sessions that were not made with MFA. Who has signed in with a
// password may: it is how people use IAM in AWS's console.
func (c *Caller) AdmitIAM() error {
	if c.Session == nil {
		return nil
	}
	switch c.Session.Kind {
	case AssumedRole, Delegated:
		return nil
	case SessionToken:
		if c.Session.MFA != nil || c.Session.SignedIn {
			return nil
		}
		return errInvalidToken(errors.New("authn: GetSessionToken session without MFA calls IAM"))
	default:
		return errInvalidToken(errors.New("authn: federated user session calls IAM"))
	}
}

// AdmitSTS refuses callers that may not call an STS operation: GetSessionToken
// sessions may call AssumeRole and GetCallerIdentity only, GetFederationToken
// sessions GetCallerIdentity only, and no session may get another
// GetSessionToken or GetFederationToken session. AWS documents no more than that for
// who has signed in. Delegated sessions are kept as
// short as GetSessionToken's: a web identity token of theirs would pass for one
// of the principal that delegated (ours; AWS does not say).
func (c *Caller) AdmitSTS(operation string) error {
	if c.Session == nil || operation == "GetCallerIdentity" {
		return nil
	}
	if operation == "GetSessionToken" || operation == "GetFederationToken" {
		return awserr.New(awserr.CodeAccessDenied, "Cannot call %s with session credentials", operation)
	}
	switch c.Session.Kind {
	case AssumedRole:
		return nil
	case SessionToken, Delegated:
		if c.Session.SignedIn || operation == "AssumeRole" {
			return nil
		}
	}
	return awserr.New(awserr.CodeAccessDenied, "Cannot call %s with session credentials", operation)
}
