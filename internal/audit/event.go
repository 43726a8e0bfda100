// Package audit makes CloudTrail events of requests: what was asked, by whom,
// from where and what came of it, in the form of eventVersion 1.11
// (https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html).
//
// internal/server fills a Request on the way through the pipeline and hands the
// events on when it is over: to the store, in the transaction of the change that
// they are about, or to the log. Keeping and finding events is internal/audit/trail's.
// The package decides nothing, reads no state and no clock.
//
// No secret is in any event. What a member of an input or output is called and
// what its shape says decide whether it is written (event_secret.go); a test lists the
// treatment of every one. Where the record differs from AWS's on purpose:
//
//   - sessionToken is a marker. AWS writes the token itself.
//   - requestParameters are written for requests that were denied, too. AWS
//     leaves them out of many.
//   - Requests that could not be authenticated have an event, with a
//     userIdentity of type Unknown.
package audit

import (
	"crypto/tls"
	"net/netip"
	"slices"
	"time"

	"github.com/warder-iam/warder/arn"
	"github.com/warder-iam/warder/internal/api"
	"github.com/warder-iam/warder/internal/api/sts"
	"github.com/warder-iam/warder/internal/audit/trail"
	"github.com/warder-iam/warder/internal/authn"
	"github.com/warder-iam/warder/internal/awserr"
	"github.com/warder-iam/warder/internal/state"
)

// Request is what the pipeline knows of one request when it is over.
type Request struct {
	ID        string    // the request id
	Time      time.Time // when it came
	Service   *api.Service
	Operation *api.Operation
	Caller    *authn.Caller // nil if not authenticated; the bearer, of a federated operation
	MFA       *time.Time    // when MFA was proven; nil: not
	Delegate  string        // the account that acts by a delegated session; "" for others
	Region    string
	SourceIP  netip.Addr
	UserAgent string
	TLS       *tls.ConnectionState // nil: no TLS
	Host      string               // as the client named it

	Input  any           // pointer to the operation's input; nil if it could not be read
	Output any           // pointer to the output; nil if there is none
	Err    *awserr.Error // nil: success
	Token  *Token        // what a verified identity provider's token asked for; nil without one
}

// Token is what CloudTrail shows of an identity provider's token as if it were
// parameters of the request.
type Token struct {
	ID             string      // of the SAML assertion; "" of others
	SessionName    string      // "" if the request names it
	SourceIdentity string      // "" if there is none
	Tags           []state.Tag // session tags
	Transitive     []string    // keys of Tags
	// Verified is how the connection to an OpenID Connect provider was verified:
	// "IAMTrustStore" or "Thumbprint"; "" if there was none.
	Verified string
}

// Resource is a thing by which LookupEvents finds an event: one by id, name and
// ARN, as the request and the answer have them.
type Resource struct{ Type, Name string }

// Event is one CloudTrail event: the record, and the attributes by which
// LookupEvents finds it.
type Event struct {
	ID, Name, Source, Username, AccessKeyID string

	Account   string // whose trail it belongs to: recipientAccountId; "" if nobody's
	Time      time.Time
	ReadOnly  bool
	Category  trail.Category
	Resources []Resource
	JSON      []byte
	Record    []byte // how it was decided (internal/audit/decision); nil if nothing was
}

// Events are the events of a request. There are two, with one sharedEventID, if
// a session of another account was got: each account has its own, and the other
// account is told no more of the caller than AWS tells it
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/cloudtrail-integration.html#stscloudtrailexample).
// There is none of a request that names no operation, as in CloudTrail. id makes
// UUIDs.
func (r *Request) Events(id func() string) []*Event {
	if r.Service == nil || r.Operation == nil {
		return nil
	}
	w := writers.Get().(*writer)
	defer w.free()
	account, other := r.accounts()
	if other == "" {
		return []*Event{r.event(w, id(), "", account, false)}
	}
	shared := id()
	return []*Event{
		r.event(w, id(), shared, account, false),
		r.event(w, id(), shared, other, true),
	}
}

// accounts are the accounts that have the event in their trails: the caller's,
// or the role's if the caller has none, and the other one if it was acted in.
// AWS tells an account of no refusal to a caller of another one
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/cloudtrail-integration.html#cloudtrail-integration_apis).
func (r *Request) accounts() (account, other string) {
	if r.Caller == nil && !r.Operation.NoAuth {
		return "", "" // whatever the input names: anybody can write that
	}
	target := ""
	switch in := r.Input.(type) {
	case *sts.AssumeRoleRequest:
		target = accountOf(in.RoleArn)
	case *sts.AssumeRoleWithSAMLRequest:
		target = accountOf(in.RoleArn)
	case *sts.AssumeRoleWithWebIdentityRequest:
		target = accountOf(in.RoleArn)
	case *sts.AssumeRootRequest:
		target = accountOf(in.TargetPrincipal)
	case *sts.GetDelegatedAccessTokenRequest:
		if out, ok := r.Output.(*sts.GetDelegatedAccessTokenResponse); ok && out != nil {
			target = accountOf(out.AssumedPrincipal)
		}
	}
	if r.Caller != nil {
		account = r.Caller.Account
	}
	switch {
	case account == "":
		return target, ""
	case target == account || r.Err != nil:
		return account, ""
	}
	return account, target
}

// accountOf is the account of an ARN, or the account id itself; "" if there is
// none.
func accountOf(text *string) string {
	if text == nil {
		return ""
	}
	if arn.IsAccountID(*text) {
		return *text
	}
	if a, err := arn.Parse(*text); err == nil && arn.IsAccountID(a.Account) {
		return a.Account
	}
	return ""
}

// Sizes of fields beyond which CloudTrail cuts them
// (https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html).
const (
	maxText       = 1 << 10   // userAgent, errorCode, errorMessage: cut off
	maxParameters = 100 << 10 // requestParameters, responseElements: left out
)

// event writes the record of one account. For the other side of a cross-account
// request the caller is no more than an account.
func (r *Request) event(w *writer, id, shared, account string, otherSide bool) *Event {
	p := planOf(r.Service, r.Operation)
	e := &Event{ID: id, Name: r.Operation.Name, Source: p.source, Account: account, Time: r.Time, ReadOnly: p.readOnly}
	w.reset()
	w.raw(`{"eventVersion":"1.11"`)
	w.key("userIdentity")
	if otherSide {
		w.otherAccount(r.Caller)
	} else {
		w.identity(r)
		e.Username, e.AccessKeyID = username(r.Caller), keyID(r.Caller)
	}
	w.key("eventTime").stamp(r.Time)
	w.key("eventSource").text(p.source)
	w.key("eventName").text(r.Operation.Name)
	w.key("awsRegion").text(r.Region)
	w.key("sourceIPAddress").address(r.SourceIP)
	w.key("userAgent").text(cut(r.UserAgent))
	if r.Err != nil {
		w.key("errorCode").text(cut(errorCode(r.Service, r.Err.Code)))
		w.key("errorMessage").text(cut(p.input.scrub(r.Input, r.Err.Message)))
	}
	w.key("requestParameters").parameters(p.input, r.Input, r.more)
	if p.answer && r.Err == nil {
		w.key("responseElements").parameters(p.output, r.Output, nil)
	} else {
		w.key("responseElements").raw("null")
	}
	if r.Token != nil && r.Token.Verified != "" {
		w.key("additionalEventData").raw("{")
		w.key("identityProviderConnectionVerificationMethod").text(r.Token.Verified).raw("}")
	}
	w.key("requestID").text(r.ID)
	w.key("eventID").text(id)
	w.key("readOnly").bool(p.readOnly)
	w.accessed(r.Input)
	w.raw(`,"eventType":"AwsApiCall"`)
	w.key("managementEvent").bool(!p.data)
	if account != "" {
		w.key("recipientAccountId").text(account)
	}
	if shared != "" {
		w.key("sharedEventID").text(shared)
	}
	w.key("eventCategory")
	if p.data {
		e.Category = trail.Data
		w.text("Data")
	} else {
		w.text("Management")
	}
	if r.TLS != nil {
		w.tls(r.TLS, r.Host)
	}
	if r.Caller != nil && r.Caller.Session != nil && r.Caller.Session.SignedIn && !otherSide {
		w.raw(`,"sessionCredentialFromConsole":"true"`)
	}
	w.raw("}")
	e.JSON = slices.Clone(w.buf)
	e.Resources = slices.Clone(w.resources)
	return e
}

// more writes what CloudTrail shows among the parameters though it is none of
// them: what the token asked for, and the tags that a chained session hands on
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html#id_session-tags_ctlogs).
func (r *Request) more(w *writer) {
	if t := r.Token; t != nil {
		if t.ID != "" {
			w.key("sAMLAssertionID").text(t.ID)
		}
		if t.SessionName != "" {
			w.key("roleSessionName").text(t.SessionName)
		}
		if t.SourceIdentity != "" {
			w.key("sourceIdentity").text(t.SourceIdentity)
		}
		if len(t.Tags) > 0 {
			w.key("principalTags").raw("{")
			for _, tag := range t.Tags {
				w.anyKey(tag.Key).text(tag.Value)
			}
			w.raw("}")
		}
		if len(t.Transitive) > 0 {
			w.key("transitiveTagKeys").raw("[")
			for _, key := range t.Transitive {
				w.item().text(key)
			}
			w.raw("]")
		}
	}
	if _, ok := r.Input.(*sts.AssumeRoleRequest); !ok || r.Caller == nil || r.Caller.Session == nil || len(r.Caller.Session.Transitive) == 0 {
		return
	}
	w.key("incomingTransitiveTags").raw("{")
	for _, tag := range r.Caller.Session.Tags {
		if slices.Contains(r.Caller.Session.Transitive, tag.Key) {
			w.anyKey(tag.Key).text(tag.Value)
		}
	}
	w.raw("}")
}

// errorCode is the code as CloudTrail names it: the exception's name in the
// model where the service has one ("NoSuchEntityException"), or else the code on
// the wire ("AccessDenied").
func errorCode(svc *api.Service, code string) string {
	for i := range svc.Errors {
		if svc.Errors[i].Code == code && svc.Errors[i].Shape != "" {
			return svc.Errors[i].Shape
		}
	}
	return code
}

// accessed writes the resources field, which only STS's events have. (IAM's are
// found by resource nonetheless: Event.Resources.)
func (w *writer) accessed(input any) {
	var role, provider *string
	switch in := input.(type) {
	case *sts.AssumeRoleRequest:
		role = in.RoleArn
	case *sts.AssumeRoleWithSAMLRequest:
		role, provider = in.RoleArn, in.PrincipalArn
	case *sts.AssumeRoleWithWebIdentityRequest:
		role = in.RoleArn
	}
	if accountOf(role) == "" || len(*role) > maxName {
		return
	}
	w.key("resources").raw("[")
	w.resource(role, "AWS::IAM::Role")
	if accountOf(provider) != "" && len(*provider) <= maxName {
		w.resource(provider, "AWS::IAM::SAMLProvider")
	}
	w.raw("]")
}

func (w *writer) resource(name *string, kind string) {
	w.item().raw("{")
	w.key("accountId").text(accountOf(name))
	w.key("type").text(kind)
	w.key("ARN").text(*name).raw("}")
}
