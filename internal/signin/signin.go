// Package signin signs IAM users in with their passwords, and with the codes of their
// MFA devices where they have any: what AWS's console does before it shows anything
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/console_sign-in-as-iam-user.html).
// What comes of it is a session of temporary credentials, good for twelve hours, in
// which the user may do what it may with an access key of its own.
//
// A password that must be changed first, because an administrator said so or because
// it has expired, is changed in the same request. That needs iam:ChangePassword.
//
// # What strangers learn
//
// Nobody has to be known to ask, so an unknown account, an unknown user, a user
// without a password and a wrong password or code have one answer, which takes one
// time. What a right password meets (MFA, a change that is due) is told to who has it.
// Guesses are counted with the user and the device (authn), which are locked for a
// while after five wrong ones, and slowed down by name and by address (limit.go).
//
// Each step leaves an event in the trail of the account (audit.SignIn), a sign-in in
// one transaction with what it changes. internal/daemon puts the handler on the
// server; `warder signin` asks it. Roles, federated users and root users do not sign in
// here: they have no passwords.
package signin

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"regexp"
	"slices"
	"time"

	iamapi "github.com/warder-iam/warder/internal/api/iam"
	"github.com/warder-iam/warder/internal/audit"
	"github.com/warder-iam/warder/internal/authn"
	"github.com/warder-iam/warder/internal/authz"
	"github.com/warder-iam/warder/internal/awserr"
	"github.com/warder-iam/warder/internal/ids"
	"github.com/warder-iam/warder/internal/seal"
	"github.com/warder-iam/warder/internal/service/iam"
	"github.com/warder-iam/warder/internal/state"
	"github.com/warder-iam/warder/internal/wire"
)

// Config is what signing in works with.
type Config struct {
	State     *state.State
	Authz     *authz.Authorizer
	Ring      *seal.Keyring // seals sessions into their tokens
	IDs       *ids.Source
	Passwords *authn.Passwords
	MFA       *authn.MFA
	Log       *slog.Logger

	// Unsigned is what is known of a request, and what its events begin with.
	Unsigned func(*http.Request) (authz.Request, audit.Request)
	// Trail keeps the events; nil keeps none.
	Trail Trail
	// URL is what is signed in to, as the events have it.
	URL string
	// PlainHost says whether a Host header names this machine to itself: no others take
	// passwords without TLS.
	PlainHost func(host string) bool
}

// A Trail keeps events: server.Trail.
type Trail interface {
	Encode(*audit.Event) ([]byte, error)
	Log(*audit.Event)
}

// Service signs users in. Make one with New.
type Service struct {
	Config
	limits *limits
	slots  chan struct{}
}

// atOnce is how many sign-ins are under way at one time: each keeps a processor busy
// for tens of milliseconds, and anybody can ask for one.
const atOnce = 16

// New makes the service.
func New(c Config) *Service {
	return &Service{Config: c, limits: newLimits(), slots: make(chan struct{}, atOnce)}
}

// Forget forgets how often who has tried.
func (s *Service) Forget() { s.limits.forget() }

// Request is who wants to sign in, and the proof.
type Request struct {
	Account  string `json:"account"` // id or alias
	UserName string `json:"userName"`
	Password string `json:"password"`

	MFASerialNumber string `json:"mfaSerialNumber,omitempty"` // of the device; needed if there are several
	MFACode         string `json:"mfaCode,omitempty"`
	NewPassword     string `json:"newPassword,omitempty"` // in place of one that must be changed
}

// Session is what a user gets that has signed in.
type Session struct {
	AccessKeyID     string    `json:"accessKeyId"`
	SecretAccessKey string    `json:"secretAccessKey"`
	SessionToken    string    `json:"sessionToken"`
	Expiration      time.Time `json:"expiration"`
	ARN             string    `json:"arn"` // of the user
}

// Refusal is why nobody was signed in.
type Refusal struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	// MFADevices are the serial numbers of the user's devices, if a code of one is
	// asked for, and PasswordChangeRequired says that a new password is, too.
	MFADevices             []string `json:"mfaDevices,omitempty"`
	PasswordChangeRequired bool     `json:"passwordChangeRequired,omitempty"`
}

func (r *Refusal) Error() string { return r.Code + ": " + r.Message }

// The codes of refusals besides those of AWS's APIs (AccessDenied,
// PasswordPolicyViolation, Throttling).
const (
	CodeFailed          = "AuthenticationFailed"
	CodeMFARequired     = "MFARequired"
	CodeChangeRequired  = "PasswordChangeRequired"
	CodeExpired         = "PasswordExpired"
	CodeInvalid         = "InvalidRequest"
	codeNotChangeable   = "PasswordChangeNotRequired"
	codeOnlyEncrypted   = "InsecureConnection"
	codeNotForPages     = "CrossOriginRequest"
	codeOnlyPost        = "MethodNotAllowed"
	codePolicyViolation = "PasswordPolicyViolation"
)

// lasting is how long a session of AWS's console lasts
// (https://docs.aws.amazon.com/signin/latest/userguide/what-is-sign-in.html).
const lasting = 12 * time.Hour

// failed is the one answer to who has not shown to be who it says: AWS's text.
func failed() error {
	return &Refusal{Code: CodeFailed, Message: "Your authentication information is incorrect. Please try again."}
}

func throttled() error { return &Refusal{Code: awserr.CodeThrottling, Message: "Rate exceeded"} }

// The most characters that an account's alias and a user's name have.
const (
	maxAlias = 63
	maxName  = 64
)

var mfaCode = regexp.MustCompile(`^[0-9]{6}$`)

// check refuses what is no sign-in, whoever it is about.
func (in *Request) check() error {
	text := ""
	switch {
	case in.Account == "" || in.UserName == "" || in.Password == "":
		text = "account, userName and password must be there"
	case len(in.Account) > maxAlias || len(in.UserName) > maxName || len(in.Password) > seal.MaxPassword:
		text = "account, userName or password is too long"
	case in.MFACode != "" && !mfaCode.MatchString(in.MFACode):
		text = "mfaCode must have six digits"
	case in.MFASerialNumber != "" && in.MFACode == "":
		text = "mfaSerialNumber goes with mfaCode"
	}
	if text == "" && in.NewPassword != "" {
		op := iamapi.Service.Operation("ChangePassword")
		err := wire.Validate(&iamapi.Service, op, &iamapi.ChangePasswordRequest{OldPassword: &in.NewPassword, NewPassword: &in.NewPassword})
		if err != nil {
			text = "newPassword has characters that a password must not have, or more than 128"
		}
	}
	if text != "" {
		return &Refusal{Code: CodeInvalid, Message: text}
	}
	return nil
}

// SignIn signs a user in. An error that is no *Refusal is a failure of Warder's own.
func (s *Service) SignIn(ctx context.Context, q authz.Request, begun audit.Request, in *Request) (*Session, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	default:
		return nil, throttled()
	}
	a := &attempt{Service: s, in: in, request: q, event: audit.SignIn{
		Request: begun, Step: audit.ConsoleLogin, LoginTo: s.URL, MFAUsed: in.MFACode != "",
	}}
	snap := s.State.Snapshot()
	account := snap.Accounts.Get(in.Account)
	if account == nil {
		account = snap.AccountByAlias(in.Account)
	}
	if account != nil {
		a.event.Account = account.ID
		a.event.User = snap.User(account.ID, in.UserName)
	}
	// However an account is called, it is the same one to guess at.
	back, ok := s.limits.take(addressKey(q.SourceIP), nameKey(a.event.Account, in), q.Time)
	if !ok {
		return nil, throttled()
	}
	session, err := a.run(ctx)
	if err == nil {
		back()
	}
	return session, err
}

// An attempt is one request to sign in.
type attempt struct {
	*Service
	in      *Request
	request authz.Request // the user's, once it is known
	event   audit.SignIn
	hash    string // that the password was right for
	due     due
}

func (a *attempt) run(ctx context.Context) (*Session, error) {
	if err := a.password(ctx); err != nil {
		return nil, err
	}
	snap := a.State.Snapshot()
	u := snap.Users.Get(a.event.User.ID)
	if u == nil || u.Login == nil {
		return nil, a.fail(failed(), audit.FailedAuthentication)
	}
	a.event.User = u
	if err := a.factor(ctx, snap, u); err != nil {
		return nil, err
	}
	session, made, err := a.session(snap, u)
	if err != nil {
		return nil, err
	}
	token, err := authn.Issue(a.Ring, session)
	if err != nil {
		return nil, err
	}
	err = a.State.Update(ctx, a.request.Time, func(tx *state.Tx) error { return a.land(tx, made) })
	if err != nil {
		return nil, a.refused(err)
	}
	return &Session{
		AccessKeyID: session.KeyID, SecretAccessKey: session.Secret, SessionToken: token, Expiration: session.Expires, ARN: u.ARN(),
	}, nil
}

// password checks the password. Who is not there costs as much as who is, and so does
// who is locked: neither is told apart from a wrong password.
func (a *attempt) password(ctx context.Context) error {
	id, why := "", audit.NoSuchUserName
	if a.event.User != nil {
		id, why = a.event.User.ID, audit.FailedAuthentication
	}
	hash, ok, err := a.Passwords.Verify(ctx, a.request.Time, id, a.in.Password)
	switch {
	case awserr.Code(err) == awserr.CodeThrottling:
		seal.VerifyPassword("", a.in.Password)
	case err != nil:
		return err
	case ok:
		a.hash = hash
		return nil
	}
	return a.fail(failed(), why)
}

// factor asks for what else is to be shown, and spends the code. What is missing is
// told before a code is spent: there is no other for half a minute.
func (a *attempt) factor(ctx context.Context, snap *state.Snapshot, u *state.User) error {
	a.due = dueOf(snap.Accounts.Get(u.Account), u, a.request.Time)
	devices := slices.Collect(snap.MFADevicesOwnedBy(u.ID))
	serial := a.in.MFASerialNumber
	if serial == "" && len(devices) == 1 {
		serial = devices[0].Serial
	}
	if len(devices) > 0 && (a.in.MFACode == "" || serial == "") {
		a.event.Step, a.event.MFAType = audit.CheckMFA, typeOf(devices)
		a.keep()
		asked := &Refusal{Code: CodeMFARequired, Message: "Enter a code of your MFA device.", PasswordChangeRequired: a.due == change}
		for _, d := range devices {
			asked.MFADevices = append(asked.MFADevices, d.Serial)
		}
		return asked
	}
	switch {
	case a.due == expired:
		return a.fail(&Refusal{Code: CodeExpired, Message: "Your password has expired. Your administrator can set a new one."}, "Password expired")
	case a.due == change && a.in.NewPassword == "":
		return a.fail(&Refusal{Code: CodeChangeRequired, Message: "You must change your password to continue.", PasswordChangeRequired: true}, "Password change required")
	case a.due == nothing && a.in.NewPassword != "":
		return a.fail(&Refusal{Code: codeNotChangeable, Message: "Your password need not be changed: sign in with it, and use ChangePassword of IAM."}, "Password change not required")
	case a.in.MFACode == "":
		return nil
	}
	switch err := a.MFA.Consume(ctx, a.request.Time, u.ID, serial, a.in.MFACode); {
	case awserr.Code(err) == awserr.CodeAccessDenied:
		return a.fail(failed(), audit.FailedAuthentication)
	case err != nil:
		return err
	}
	now := a.now()
	a.request.MFA, a.event.MFA = &now, serial
	return nil
}

// session makes the session and, if it is asked for, the new password.
func (a *attempt) session(snap *state.Snapshot, u *state.User) (*authn.Session, *iam.NewPassword, error) {
	session := &authn.Session{
		Kind: authn.SessionToken, SignedIn: true, Account: u.Account, Principal: u.ID, MFA: a.request.MFA,
		Issued: a.now(), Expires: a.now().Add(lasting),
	}
	session.KeyID, session.Secret = authn.NewKey(a.IDs, u.Account)
	var err error
	if a.request.Caller, err = authn.OfSession(snap, session); err != nil {
		return nil, nil, a.fail(failed(), audit.FailedAuthentication)
	}
	if a.due != change {
		return session, nil, nil
	}
	if err := a.mayChange(snap, u); err != nil {
		return nil, nil, a.refused(err)
	}
	made, err := iam.ChangePassword(snap, u, a.hash, a.in.Password, a.in.NewPassword)
	return session, made, a.refused(err)
}

// mayChange asks whether the user may change its password.
func (a *attempt) mayChange(snap *state.Snapshot, u *state.User) error {
	check := iam.ChangePasswordCheck(snap, u)
	return a.Authz.Require(snap, &a.request, &check)
}

// usedSpan is the time after a use of a password for which no other is noted
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_getting-report.html).
const usedSpan = 5 * time.Minute

// land writes the new password, when the password was used, and the events. What was
// found out before may have changed meanwhile, so it is asked again.
func (a *attempt) land(tx *state.Tx, made *iam.NewPassword) error {
	u := tx.Users.Get(a.event.User.ID)
	if u == nil || u.Login == nil || u.Login.Hash != a.hash || dueOf(tx.Accounts.Get(u.Account), u, tx.Now) != a.due {
		return failed()
	}
	for range tx.MFADevicesOwnedBy(u.ID) {
		if a.request.MFA == nil {
			return failed()
		}
	}
	a.event.User = u
	if made != nil {
		if err := a.mayChange(&tx.Snapshot, u); err != nil {
			return err
		}
		if err := made.Set(tx, u, a.now(), a.in.NewPassword, new(bool)); err != nil {
			return err
		}
		updated := a.event
		updated.Step = audit.PasswordUpdated
		if err := a.record(tx, &updated); err != nil {
			return err
		}
	}
	if u = tx.Users.Get(u.ID); a.now().Sub(u.PasswordUsed) >= usedSpan {
		tx.Users.Update(u, func(u *state.User) { u.PasswordUsed = a.now() })
	}
	return a.record(tx, &a.event)
}

// now is the time of the request as AWS writes times.
func (a *attempt) now() time.Time { return a.request.Time.UTC().Truncate(time.Second) }

// refused notes a refusal by a rule of IAM, which the user is told in its words.
func (a *attempt) refused(err error) error {
	if err == nil {
		return nil
	}
	if r, ok := errors.AsType[*Refusal](err); ok {
		return a.fail(r, audit.FailedAuthentication)
	}
	switch e := awserr.From(err); e.Code {
	case awserr.CodeAccessDenied, codePolicyViolation, "ConcurrentModification":
		return a.fail(&Refusal{Code: e.Code, Message: e.Message, PasswordChangeRequired: true}, "Password change refused")
	}
	return err
}

// fail notes a sign-in that failed, and gives the refusal.
func (a *attempt) fail(refusal error, why string) error {
	a.event.Failure = why
	a.keep()
	return refusal
}

// keep logs the event of a step that changes nothing.
func (a *attempt) keep() {
	if a.Trail != nil {
		a.Trail.Log(a.event.Event(a.IDs.Request()))
	}
}

// record has the event of a step land with what the step changes.
func (a *attempt) record(tx *state.Tx, e *audit.SignIn) error {
	if a.Trail == nil {
		return nil
	}
	text, err := a.Trail.Encode(e.Event(a.IDs.Request()))
	if err == nil {
		tx.Record(text)
	}
	return err
}
