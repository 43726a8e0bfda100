package iam

import (
	"crypto/sha256"
	"encoding/base64"
	"iter"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"

	api "github.com/warder-iam/warder/internal/api/iam"
	"github.com/warder-iam/warder/internal/authz"
	"github.com/warder-iam/warder/internal/awserr"
	"github.com/warder-iam/warder/internal/ids"
	"github.com/warder-iam/warder/internal/service"
	"github.com/warder-iam/warder/internal/state"
	"github.com/warder-iam/warder/policy"
)

// Service-specific credentials of users
// (https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateServiceSpecificCredential.html).
//
// Warder runs none of these services. It makes the credentials, keeps a digest
// of the passwords, and ends them with their user.

// A credentialForm is what the credentials of a service are: a user name and a
// password or, with a prefix, an API key under an alias
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_api_keys_for_aws_services.html).
type credentialForm struct{ keyPrefix string }

var credentialServices = map[string]credentialForm{
	"codecommit.amazonaws.com":             {},
	"cassandra.amazonaws.com":              {},
	"bedrock.amazonaws.com":                {"ABSK"},
	"logs.amazonaws.com":                   {"ACWL"},
	"cloudwatch.amazonaws.com":             {"APIAACWM"},
	"aws-external-anthropic.amazonaws.com": {"AEAA"},
}

// apiKey says whether the service takes an API key.
func (f credentialForm) apiKey() bool { return f.keyPrefix != "" }

// secret is what the user is shown: the password, or the API key, which holds
// the alias and the password.
func (f credentialForm) secret(login, password string) string {
	if !f.apiKey() {
		return password
	}
	return f.keyPrefix + base64.StdEncoding.EncodeToString([]byte(login+":"+password))
}

var serviceName = regexp.MustCompile(`^[a-zA-Z0-9.-]*$`)

// checkCredentialService finds a service by its name, which may be in any case.
func checkCredentialService(name string) (string, error) {
	if !serviceName.MatchString(name) {
		return "", validation("ServiceName must match [a-zA-Z0-9.-]*")
	}
	canonical := strings.ToLower(name)
	if _, ok := credentialServices[canonical]; !ok {
		// The model has an error NotSupportedService; AWS sends this one.
		return "", awserr.New("NoSuchEntity", "No such service %s is supported for Service Specific Credentials", name)
	}
	return canonical, nil
}

// credentialService adds the condition keys of a new credential. An age that is
// not asked for is not there to be compared.
func credentialService(input reflect.Type) service.Part {
	name, age := service.Member[*string](input, "ServiceName"), service.Member[*int32](input, "CredentialAgeDays")
	return func(_ *service.Call, _ *state.Snapshot, in any, check *authz.Check) error {
		check.Set("iam:ServiceSpecificCredentialServiceName", policy.String(strings.ToLower(*name(in))))
		if days := age(in); days != nil {
			check.Set("iam:ServiceSpecificCredentialAgeDays", policy.Int(int64(*days)))
		}
		return nil
	}
}

// serviceOfCredential adds the service of the user's credential that the request
// is about.
func serviceOfCredential(input reflect.Type) service.Part {
	id, name := service.Member[*string](input, "ServiceSpecificCredentialId"), service.Member[*string](input, "UserName")
	return func(c *service.Call, s *state.Snapshot, in any, check *authz.Check) error {
		u, err := userOrSelf(c, s, name(in))
		if err != nil {
			return nil // the operation refuses it, once the caller may ask
		}
		if k := s.ServiceCredentials.Get(*id(in)); k != nil && k.Owner == u.ID {
			check.Set("iam:ServiceSpecificCredentialServiceName", policy.String(k.Service))
		}
		return nil
	}
}

// credentialOwners is the target of ListServiceSpecificCredentials: a user, or
// all of them.
func credentialOwners(input reflect.Type) service.Part {
	all, one := service.Member[*bool](input, "AllUsers"), user(input)
	return func(c *service.Call, s *state.Snapshot, in any, check *authz.Check) error {
		if !deref(all(in)) {
			return one(c, s, in, check)
		}
		check.Account, check.Resource = c.Caller.Account, "arn:aws:iam::"+c.Caller.Account+":user/*"
		return nil
	}
}

// findServiceCredential finds a user's credential.
func findServiceCredential(c *service.Call, s *state.Snapshot, name, id *string) (*state.User, *state.ServiceCredential, error) {
	u, err := userOrSelf(c, s, name)
	if err != nil {
		return nil, nil, err
	}
	k := s.ServiceCredentials.Get(*id)
	switch {
	case k == nil || k.Account != u.Account:
		return nil, nil, awserr.New("NoSuchEntity", "No such credential %s exists", *id)
	case k.Owner != u.ID:
		return nil, nil, validation("User %s does not have a service specific credential with id %s", u.Name, *id)
	}
	return u, k, nil
}

// freeLogin is the first name that no credential of the service has: one that
// was made before its user was renamed keeps the old name.
func freeLogin(s *state.Snapshot, service string, u *state.User) string {
	for n := 0; ; n++ {
		login := u.Name
		if n > 0 {
			login += "+" + strconv.Itoa(n)
		}
		login += "-at-" + u.Account
		if s.ServiceCredentialByLogin(service, login) == nil {
			return login
		}
	}
}

func ofService(seq iter.Seq[*state.ServiceCredential], service string) iter.Seq[*state.ServiceCredential] {
	return func(yield func(*state.ServiceCredential) bool) {
		for k := range seq {
			if (service == "" || k.Service == service) && !yield(k) {
				return
			}
		}
	}
}

func (s *Service) createServiceSpecificCredential(c *service.Call, tx *state.Tx, in *api.CreateServiceSpecificCredentialRequest) (*api.CreateServiceSpecificCredentialResponse, error) {
	u, err := findUser(c, &tx.Snapshot, in.UserName)
	if err != nil {
		return nil, err
	}
	name, err := checkCredentialService(*in.ServiceName)
	if err != nil {
		return nil, err
	}
	if atLeast(ofService(tx.ServiceCredentialsOf(u.ID), name), maxServiceCredentials) {
		return nil, overQuota("ContextSpecificCredentialsPerUserPerContext", maxServiceCredentials)
	}
	k := &state.ServiceCredential{
		ID: s.ids.Unique(ids.ServiceCredential, u.Account), Account: u.Account, Owner: u.ID, Service: name,
		Login: freeLogin(&tx.Snapshot, name, u), Active: true, Created: c.Now(),
	}
	if in.CredentialAgeDays != nil {
		k.Expires = k.Created.Add(time.Duration(*in.CredentialAgeDays) * 24 * time.Hour)
	}
	out := s.newServicePassword(c, u, k)
	tx.ServiceCredentials.Put(k)
	return &api.CreateServiceSpecificCredentialResponse{ServiceSpecificCredential: out}, nil
}

// newServicePassword gives a credential a password, and shows it once.
func (s *Service) newServicePassword(c *service.Call, u *state.User, k *state.ServiceCredential) *api.ServiceSpecificCredential {
	password := s.ids.ServicePassword()
	digest := sha256.Sum256([]byte(password))
	k.Digest = digest[:]
	m := serviceCredentialOut(c, u, k)
	out := &api.ServiceSpecificCredential{
		CreateDate: m.CreateDate, ExpirationDate: m.ExpirationDate, ServiceName: m.ServiceName, Status: m.Status,
		ServiceUserName: m.ServiceUserName, ServiceCredentialAlias: m.ServiceCredentialAlias,
		ServiceSpecificCredentialId: m.ServiceSpecificCredentialId, UserName: m.UserName,
	}
	form := credentialServices[k.Service]
	if secret := ptr(form.secret(k.Login, password)); form.apiKey() {
		out.ServiceCredentialSecret = secret
	} else {
		out.ServicePassword = secret
	}
	return out
}

// serviceCredentialOut is a credential without its password.
func serviceCredentialOut(c *service.Call, u *state.User, k *state.ServiceCredential) api.ServiceSpecificCredentialMetadata {
	out := api.ServiceSpecificCredentialMetadata{
		UserName: ptr(u.Name), ServiceName: ptr(k.Service), ServiceSpecificCredentialId: ptr(k.ID),
		CreateDate: ptr(k.Created), ExpirationDate: optional(k.Expires), Status: statusOut(k.Active),
	}
	if k.Expired(c.Time) {
		out.Status = ptr(api.StatusTypeExpired)
	}
	if credentialServices[k.Service].apiKey() {
		out.ServiceCredentialAlias = ptr(k.Login)
	} else {
		out.ServiceUserName = ptr(k.Login)
	}
	return out
}

// listServiceSpecificCredentials lists a user's credentials or, for AllUsers, the
// account's.
func (s *Service) listServiceSpecificCredentials(c *service.Call, snap *state.Snapshot, in *api.ListServiceSpecificCredentialsRequest) (*api.ListServiceSpecificCredentialsResponse, error) {
	after, limit, err := start(in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	name := ""
	if deref(in.ServiceName) != "" {
		if name, err = checkCredentialService(*in.ServiceName); err != nil {
			return nil, err
		}
	}
	all := snap.ServiceCredentialsIn(c.Caller.Account, after)
	switch {
	case !deref(in.AllUsers):
		u, err := userOrSelf(c, snap, in.UserName)
		if err != nil {
			return nil, err
		}
		all = snap.ServiceCredentialsOf(u.ID)
	case in.UserName != nil:
		return nil, invalidInput("Cannot list credentials for all users if a username is given")
	}
	found, end := page(ofService(all, name), limit,
		func(k *state.ServiceCredential) string { return k.ID },
		func(k *state.ServiceCredential) bool { return k.ID > after })
	out := &api.ListServiceSpecificCredentialsResponse{
		ServiceSpecificCredentials: make([]api.ServiceSpecificCredentialMetadata, 0, len(found)), IsTruncated: end.IsTruncated, Marker: end.Marker,
	}
	for _, k := range found {
		out.ServiceSpecificCredentials = append(out.ServiceSpecificCredentials, serviceCredentialOut(c, snap.Users.Get(k.Owner), k))
	}
	return out, nil
}

// stillGood refuses to change a credential whose time is over: it would stay
// over.
func stillGood(c *service.Call, k *state.ServiceCredential) error {
	if k.Expired(c.Time) {
		return invalidInput("The service specific credential %s has expired. Delete it and create another.", k.ID)
	}
	return nil
}

func (s *Service) updateServiceSpecificCredential(c *service.Call, tx *state.Tx, in *api.UpdateServiceSpecificCredentialRequest) (*none, error) {
	_, k, err := findServiceCredential(c, &tx.Snapshot, in.UserName, in.ServiceSpecificCredentialId)
	if err != nil {
		return nil, err
	}
	active, err := newStatus(in.Status)
	if err != nil {
		return nil, err
	}
	if err := stillGood(c, k); err != nil {
		return nil, err
	}
	tx.ServiceCredentials.Update(k, func(k *state.ServiceCredential) { k.Active = active })
	return nil, nil
}

// resetServiceSpecificCredential makes a new password. Status and dates stay.
func (s *Service) resetServiceSpecificCredential(c *service.Call, tx *state.Tx, in *api.ResetServiceSpecificCredentialRequest) (*api.ResetServiceSpecificCredentialResponse, error) {
	u, k, err := findServiceCredential(c, &tx.Snapshot, in.UserName, in.ServiceSpecificCredentialId)
	if err != nil {
		return nil, err
	}
	if err := stillGood(c, k); err != nil {
		return nil, err
	}
	var out *api.ServiceSpecificCredential
	tx.ServiceCredentials.Update(k, func(k *state.ServiceCredential) { out = s.newServicePassword(c, u, k) })
	return &api.ResetServiceSpecificCredentialResponse{ServiceSpecificCredential: out}, nil
}

func (s *Service) deleteServiceSpecificCredential(c *service.Call, tx *state.Tx, in *api.DeleteServiceSpecificCredentialRequest) (*none, error) {
	_, k, err := findServiceCredential(c, &tx.Snapshot, in.UserName, in.ServiceSpecificCredentialId)
	if err != nil {
		return nil, err
	}
	tx.ServiceCredentials.Delete(k)
	return nil, nil
}
