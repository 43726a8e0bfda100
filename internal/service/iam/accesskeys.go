package iam

import (
	"reflect"

	"github.com/warder-iam/warder/arn"
	api "github.com/warder-iam/warder/internal/api/iam"
	"github.com/warder-iam/warder/internal/authn"
	"github.com/warder-iam/warder/internal/authz"
	"github.com/warder-iam/warder/internal/awserr"
	"github.com/warder-iam/warder/internal/ids"
	"github.com/warder-iam/warder/internal/service"
	"github.com/warder-iam/warder/internal/state"
	"github.com/warder-iam/warder/policy"
)

// An owner is who a credential belongs to: a user, or the account's root user.
type owner struct {
	id   string      // unique id, or the account id for the root user
	user *state.User // nil for the root user
}

// name is the UserName of outputs. AWS leaves it out for the root user.
func (o owner) name() *string {
	if o.user == nil {
		return nil
	}
	return ptr(o.user.Name)
}

// findOwner finds the owner of credentials by the name of a user or, where the
// name is left out, by who signed the request: only the root user itself can
// reach its credentials
// (https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateAccessKey.html).
func findOwner(c *service.Call, s *state.Snapshot, name *string) (owner, error) {
	if name == nil && c.Caller.Kind == policy.Root {
		return owner{id: c.Caller.Account}, nil
	}
	u, err := userOrSelf(c, s, name)
	if err != nil {
		return owner{}, err
	}
	return owner{u.ID, u}, nil
}

func noSuchAccessKey(id string) error {
	return awserr.New("NoSuchEntity", "The Access Key with id %s cannot be found.", id)
}

// findAccessKey finds a key by its id, of that owner and nobody else.
func findAccessKey(s *state.Snapshot, o owner, id string) (*state.AccessKey, error) {
	if k := s.AccessKeys.Get(id); k != nil && k.Owner == o.id {
		return k, nil
	}
	return nil, noSuchAccessKey(id)
}

func (s *Service) createAccessKey(c *service.Call, tx *state.Tx, in *api.CreateAccessKeyRequest) (*api.CreateAccessKeyResponse, error) {
	o, err := findOwner(c, &tx.Snapshot, in.UserName)
	if err != nil {
		return nil, err
	}
	if atLeast(tx.AccessKeysOf(o.id), maxAccessKeys) {
		return nil, overQuota("AccessKeysPerUser", maxAccessKeys)
	}
	account := c.Caller.Account
	id := s.ids.KeyID(ids.AccessKey, account)
	for tx.AccessKeys.Get(id) != nil {
		id = s.ids.KeyID(ids.AccessKey, account)
	}
	secret := s.ids.Secret()
	k := &state.AccessKey{
		ID: id, Account: account, Owner: o.id, Active: true, Created: c.Now(),
		Secret: authn.SealSecret(s.ring, account, id, secret),
	}
	tx.AccessKeys.Put(k)
	return &api.CreateAccessKeyResponse{AccessKey: &api.AccessKey{
		UserName: o.name(), AccessKeyId: ptr(id), Status: statusOut(k.Active), SecretAccessKey: ptr(secret), CreateDate: ptr(k.Created),
	}}, nil
}

func (s *Service) listAccessKeys(c *service.Call, snap *state.Snapshot, in *api.ListAccessKeysRequest) (*api.ListAccessKeysResponse, error) {
	o, err := findOwner(c, snap, in.UserName)
	if err != nil {
		return nil, err
	}
	after, limit, err := start(in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	keys, end := page(snap.AccessKeysOf(o.id), limit,
		func(k *state.AccessKey) string { return k.ID },
		func(k *state.AccessKey) bool { return k.ID > after })
	out := &api.ListAccessKeysResponse{AccessKeyMetadata: make([]api.AccessKeyMetadata, 0, len(keys)), IsTruncated: end.IsTruncated, Marker: end.Marker}
	for _, k := range keys {
		out.AccessKeyMetadata = append(out.AccessKeyMetadata, api.AccessKeyMetadata{
			UserName: o.name(), AccessKeyId: ptr(k.ID), Status: statusOut(k.Active), CreateDate: ptr(k.Created),
		})
	}
	return out, nil
}

func (s *Service) updateAccessKey(c *service.Call, tx *state.Tx, in *api.UpdateAccessKeyRequest) (*none, error) {
	o, err := findOwner(c, &tx.Snapshot, in.UserName)
	if err != nil {
		return nil, err
	}
	k, err := findAccessKey(&tx.Snapshot, o, *in.AccessKeyId)
	if err != nil {
		return nil, err
	}
	switch *in.Status {
	case api.StatusTypeActive, api.StatusTypeInactive:
	default:
		// The model's third status is for service-specific credentials.
		return nil, validation("1 validation error detected: Value at 'status' failed to satisfy constraint: Member must satisfy enum value set: [Active, Inactive]")
	}
	tx.AccessKeys.Update(k, func(k *state.AccessKey) { k.Active = *in.Status == api.StatusTypeActive })
	return nil, nil
}

func (s *Service) deleteAccessKey(c *service.Call, tx *state.Tx, in *api.DeleteAccessKeyRequest) (*none, error) {
	o, err := findOwner(c, &tx.Snapshot, in.UserName)
	if err != nil {
		return nil, err
	}
	k, err := findAccessKey(&tx.Snapshot, o, *in.AccessKeyId)
	if err != nil {
		return nil, err
	}
	tx.AccessKeys.Delete(k)
	tx.ForgetUses(k.ID)
	return nil, nil
}

// keyOwner is the target of GetAccessKeyLastUsed: the user that owns the key. A
// key that is not the account's is refused as AWS refuses it, the same whether
// another account has it or nobody.
func keyOwner(input reflect.Type) service.Part {
	id := service.Member[*string](input, "AccessKeyId")
	return func(c *service.Call, s *state.Snapshot, in any, check *authz.Check) error {
		k := s.AccessKeys.Get(*id(in))
		if k == nil || k.Account != c.Caller.Account {
			return awserr.New(awserr.CodeAccessDenied, "User: %s is not authorized to perform %s on resource: access key %s", c.Caller.ARN, check.Action, *id(in))
		}
		check.Account, check.Resource = k.Account, arn.Root(k.Account)
		if u := s.Users.Get(k.Owner); u != nil {
			check.Resource, check.Tags, check.Boundary = u.ARN(), u.Tags, u.Boundary
		}
		return nil
	}
}

// getAccessKeyLastUsed has "N/A" for the service and region of a key that was
// never used
// (https://docs.aws.amazon.com/IAM/latest/APIReference/API_AccessKeyLastUsed.html).
func (s *Service) getAccessKeyLastUsed(_ *service.Call, snap *state.Snapshot, in *api.GetAccessKeyLastUsedRequest) (*api.GetAccessKeyLastUsedResponse, error) {
	k := snap.AccessKeys.Get(*in.AccessKeyId) // keyOwner has found it in the caller's account
	out := &api.GetAccessKeyLastUsedResponse{AccessKeyLastUsed: &api.AccessKeyLastUsed{ServiceName: ptr(notApplicable), Region: ptr(notApplicable)}}
	if u := snap.Users.Get(k.Owner); u != nil {
		out.UserName = ptr(u.Name)
	}
	if use, ok := snap.LastUse(k.ID); ok {
		*out.AccessKeyLastUsed = api.AccessKeyLastUsed{LastUsedDate: ptr(use.Date), ServiceName: ptr(use.Service), Region: ptr(use.Region)}
	}
	return out, nil
}
