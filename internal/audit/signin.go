package audit

import (
	"slices"

	"github.com/warder-iam/warder/internal/state"
)

// SignInSource is where the events of signing in come from.
const SignInSource = "signin.amazonaws.com"

// The steps of signing in that have events.
const (
	ConsoleLogin    = "ConsoleLogin"    // with a password, and a code where there is MFA
	CheckMFA        = "CheckMfa"        // a password was right, and a code is asked for
	PasswordUpdated = "PasswordUpdated" // the password had to be changed and was
)

// The reasons of failures that CloudTrail gives.
const (
	FailedAuthentication = "Failed authentication"
	NoSuchUserName       = "No username found in supplied account"
)

// SignIn is a step of an IAM user's signing in with a password. Its event is not of
// an API
// (https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-aws-console-sign-in-events.html).
// The embedded Request says when, where and over what it came.
type SignIn struct {
	Request
	Step    string
	Account string      // whose user; "" if there is no such account
	User    *state.User // nil if there is no such user: the name is then nobody's to read
	Failure string      // why it failed; "" if it did not
	LoginTo string      // what was signed in to
	MFAUsed bool        // a code was given
	MFA     string      // serial number of the device whose code it was; "" if it was wrong
	MFAType string      // of CheckMFA
}

// Event is the event of the step. As with AWS, one that is not the user's yet names it
// without its ARN.
func (s *SignIn) Event(id string) *Event {
	e := &Event{ID: id, Name: s.Step, Source: SignInSource, Account: s.Account, Time: s.Time, Username: hidden}
	w := writers.Get().(*writer)
	defer w.free()
	w.reset()
	w.raw(`{"eventVersion":"1.11"`)
	w.key("userIdentity").raw(`{"type":"IAMUser"`)
	done := s.Failure == "" && s.Step != CheckMFA
	if s.User != nil {
		e.Username = s.User.Name
		w.key("principalId").text(s.User.ID)
		if done {
			w.key("arn").text(s.User.ARN())
		}
	}
	if s.Account != "" {
		w.key("accountId").text(s.Account)
	}
	if !done {
		w.raw(`,"accessKeyId":""`)
	}
	w.key("userName").text(e.Username).raw("}")
	w.key("eventTime").stamp(s.Time)
	w.key("eventSource").text(SignInSource)
	w.key("eventName").text(s.Step)
	w.key("awsRegion").text(s.Region)
	w.key("sourceIPAddress").address(s.SourceIP)
	w.key("userAgent").text(cut(s.UserAgent))
	result := "Success"
	if s.Failure != "" {
		result = "Failure"
		w.key("errorMessage").text(s.Failure)
	}
	w.raw(`,"requestParameters":null`)
	w.key("responseElements").raw("{").key(s.Step).text(result).raw("}")
	s.additional(w)
	w.key("eventID").text(id)
	w.raw(`,"readOnly":false,"eventType":"AwsConsoleSignIn","managementEvent":true`)
	if s.Account != "" {
		w.key("recipientAccountId").text(s.Account)
	}
	w.raw(`,"eventCategory":"Management"`)
	if s.TLS != nil {
		w.tls(s.TLS, s.Host)
	}
	w.raw("}")
	e.JSON = slices.Clone(w.buf)
	return e
}

// additional writes additionalEventData, which PasswordUpdated does not have.
func (s *SignIn) additional(w *writer) {
	switch s.Step {
	case ConsoleLogin:
		w.key("additionalEventData").raw("{")
		w.key("LoginTo").text(s.LoginTo)
		w.raw(`,"MobileVersion":"No"`)
		if s.MFA != "" {
			w.key("MFAIdentifier").text(s.MFA)
		}
		used := "No"
		if s.MFAUsed {
			used = "Yes"
		}
		w.key("MFAUsed").text(used).raw("}")
	case CheckMFA:
		w.key("additionalEventData").raw("{").key("MfaType").text(s.MFAType).raw("}")
	}
}
