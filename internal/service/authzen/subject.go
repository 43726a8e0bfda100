package authzen

import (
	"net/http"
	"regexp"
	"strings"

	"github.com/warder-iam/warder/arn"
	"github.com/warder-iam/warder/internal/authn"
	"github.com/warder-iam/warder/internal/authz"
	"github.com/warder-iam/warder/internal/question"
	"github.com/warder-iam/warder/internal/state"
	"github.com/warder-iam/warder/policy"
)

// A subject is who a question is about, found or not.
type subject struct {
	kind     string // "user" or "role"
	resource string // the user's or role's ARN; what it would be if there is none
	account  string
	user     *state.User // of the two, at most one is set
	role     *state.Role
	session  string // the name of a role session; "" otherwise
}

// The types of subject.
const (
	typeUser    = "user"
	typeRole    = "role"
	typeSession = "session"
)

var sessionName = regexp.MustCompile(`^[\w+=,.@-]{2,64}$`)

// findSubject finds a subject by unique id, name or ARN. Nothing is looked up
// outside the caller's account: there nobody is found.
func (c *call) findSubject(e *entity) (*subject, *failure) {
	sub := &subject{kind: e.kind, account: c.Caller.Account}
	id := e.id
	if e.kind == typeSession {
		var f *failure
		if id, f = sub.cutSession(id); f != nil {
			return nil, f
		}
		sub.kind = typeRole
	} else if e.kind != typeUser && e.kind != typeRole {
		return nil, malformed("subject.type %q is not known: use %q, %q or %q", e.kind, typeUser, typeRole, typeSession)
	}

	text, isARN := id, strings.HasPrefix(id, "arn:")
	if isARN {
		a, err := arn.Parse(text)
		if err != nil || a.Service != "iam" || a.ResourceType() != sub.kind || !arn.IsAccountID(a.Account) {
			return nil, malformed("subject.id is not the ARN of a %s: %s", e.kind, id)
		}
		if a.Account != sub.account {
			sub.resource, sub.account = text, a.Account
			return sub, nil
		}
	}
	sub.resource = sub.find(c.snap, id, isARN)
	if sub.resource == "" {
		if sub.resource = text; !isARN {
			sub.resource = arn.IAM(sub.account, sub.kind, "/", id)
		}
	}
	return sub, nil
}

// find looks a user or role of the account up and gives its ARN, "" if it is
// not there. A unique id comes before a name, since anybody may choose a name.
func (sub *subject) find(snap *state.Snapshot, id string, isARN bool) string {
	if sub.kind == typeUser {
		switch u := snap.Users.Get(id); {
		case isARN:
			sub.user = snap.UserByARN(id)
		case u != nil && u.Account == sub.account:
			sub.user = u
		default:
			sub.user = snap.User(sub.account, id)
		}
		if sub.user != nil {
			return sub.user.ARN()
		}
		return ""
	}
	switch r := snap.Roles.Get(id); {
	case isARN && sub.session != "":
		// The ARN of a session does not tell the path of its role.
		sub.role = snap.Role(sub.account, question.Name(id))
	case isARN:
		sub.role = snap.RoleByARN(id)
	case r != nil && r.Account == sub.account:
		sub.role = r
	default:
		sub.role = snap.Role(sub.account, id)
	}
	if sub.role != nil {
		return sub.role.ARN()
	}
	return ""
}

// cutSession takes the name of the session off the id of one, and gives what
// names the role.
func (sub *subject) cutSession(id string) (role string, f *failure) {
	if a, err := arn.Parse(id); err == nil {
		name, session, _ := strings.Cut(a.ResourceID(), "/")
		if a.Service == "sts" && a.ResourceType() == "assumed-role" && name != "" {
			role = arn.ARN{Partition: a.Partition, Service: "iam", Account: a.Account, Resource: "role/" + name}.String()
			sub.session = session
		}
	} else {
		role, sub.session, _ = strings.Cut(id, ":")
	}
	if role == "" || !sessionName.MatchString(sub.session) {
		return "", malformed("subject.id is no role session: it is an ARN such as %s, or the role's unique id or name, a colon and the session's name",
			arn.AssumedRole("123456789012", "ROLE", "SESSION"))
	}
	return role, nil
}

// check is what the caller needs permission for.
func (sub *subject) check(action string) *authz.Check {
	check := &authz.Check{Action: action, Resource: sub.resource, Account: sub.account}
	switch {
	case sub.user != nil:
		check.Tags = sub.user.Tags
	case sub.role != nil:
		check.Tags = sub.role.Tags
	}
	return check
}

// caller is the subject as if it made the request itself. A role stands for
// any session of it.
func (sub *subject) caller() (*authn.Caller, *failure) {
	c := new(authn.Caller)
	switch {
	case sub.user != nil:
		c.User = sub.user
		c.Principal = policy.Principal{Kind: policy.User, ARN: sub.resource, Account: sub.account, UniqueID: sub.user.ID}
	case sub.role != nil:
		c.Role = sub.role
		c.Principal = policy.Principal{Kind: policy.RoleSession, ARN: sub.resource, RoleARN: sub.resource, Account: sub.account, UniqueID: sub.role.ID}
		if sub.session != "" {
			c.ARN = arn.AssumedRole(sub.account, sub.role.Name, sub.session)
		}
	default:
		return nil, &failure{http.StatusNotFound, "The " + sub.kind + " " + sub.resource + " cannot be found."}
	}
	return c, nil
}
