package iam

import (
	"errors"

	api "github.com/warder-iam/warder/internal/api/iam"
	"github.com/warder-iam/warder/internal/awserr"
	"github.com/warder-iam/warder/internal/certs"
	"github.com/warder-iam/warder/internal/ids"
	"github.com/warder-iam/warder/internal/service"
	"github.com/warder-iam/warder/internal/state"
)

// SSH public keys of users
// (https://docs.aws.amazon.com/IAM/latest/APIReference/API_UploadSSHPublicKey.html).
// AWS takes them for CodeCommit, which Warder is not: it keeps them.

// prepareSSHPublicKey reads the key before the transaction.
func (s *Service) prepareSSHPublicKey(_ *service.Call, _ *state.Snapshot, in *api.UploadSSHPublicKeyRequest) (any, error) {
	key, err := certs.ReadSSHKey(*in.SSHPublicKeyBody)
	switch {
	case errors.Is(err, certs.ErrFormat):
		return nil, awserr.New("UnrecognizedPublicKeyEncoding", "Invalid public key uploaded.")
	case err != nil:
		return nil, awserr.New("InvalidPublicKey", "Invalid body for public key")
	}
	return key, nil
}

// uploadSSHPublicKey answers with the text that was sent. The operations that
// show the key later do not have its comment.
func (s *Service) uploadSSHPublicKey(c *service.Call, tx *state.Tx, in *api.UploadSSHPublicKeyRequest) (*api.UploadSSHPublicKeyResponse, error) {
	u, err := findUser(c, &tx.Snapshot, in.UserName)
	if err != nil {
		return nil, err
	}
	key := c.Prepared.(*certs.SSHKey)
	body := key.SSH()
	for k := range tx.SSHPublicKeysOf(u.ID) {
		if k.Body == body {
			return nil, awserr.New("DuplicateSSHPublicKey", "Duplicate SSH public key uploaded.")
		}
	}
	if atLeast(tx.SSHPublicKeysOf(u.ID), maxSSHPublicKeys) {
		return nil, overQuota("SSHPublicKeysPerUser", maxSSHPublicKeys)
	}
	id := s.ids.KeyID(ids.PublicKey, u.Account)
	for tx.SSHPublicKeys.Get(id) != nil {
		id = s.ids.KeyID(ids.PublicKey, u.Account)
	}
	k := &state.SSHPublicKey{
		ID: id, Account: u.Account, Owner: u.ID, Body: body, Fingerprint: key.Fingerprint(), Active: true, Uploaded: c.Now(),
	}
	tx.SSHPublicKeys.Put(k)
	return &api.UploadSSHPublicKeyResponse{SSHPublicKey: sshPublicKeyOut(u, k, *in.SSHPublicKeyBody)}, nil
}

func sshPublicKeyOut(u *state.User, k *state.SSHPublicKey, body string) *api.SSHPublicKey {
	return &api.SSHPublicKey{
		UserName: ptr(u.Name), SSHPublicKeyId: ptr(k.ID), Fingerprint: ptr(k.Fingerprint), SSHPublicKeyBody: ptr(body),
		Status: statusOut(k.Active), UploadDate: ptr(k.Uploaded),
	}
}

// findSSHPublicKey finds a key of a user by both their names.
func findSSHPublicKey(c *service.Call, s *state.Snapshot, userName, id *string) (*state.User, *state.SSHPublicKey, error) {
	u, err := findUser(c, s, userName)
	if err != nil {
		return nil, nil, err
	}
	switch k := s.SSHPublicKeys.Get(*id); {
	case k == nil || k.Account != u.Account:
	case k.Owner == u.ID:
		return u, k, nil
	default: // another user's
		return nil, nil, awserr.New("NoSuchEntity", "User has no Public Key with id %s.", *id)
	}
	return nil, nil, awserr.New("NoSuchEntity", "The Public Key with id %s cannot be found.", *id)
}

func (s *Service) getSSHPublicKey(c *service.Call, snap *state.Snapshot, in *api.GetSSHPublicKeyRequest) (*api.GetSSHPublicKeyResponse, error) {
	u, k, err := findSSHPublicKey(c, snap, in.UserName, in.SSHPublicKeyId)
	if err != nil {
		return nil, err
	}
	body := k.Body
	if *in.Encoding == api.EncodingTypePEM {
		key, err := certs.ReadSSHKey(k.Body)
		if err != nil {
			return nil, err
		}
		body = key.PEM() + "\n"
	}
	return &api.GetSSHPublicKeyResponse{SSHPublicKey: sshPublicKeyOut(u, k, body)}, nil
}

func (s *Service) listSSHPublicKeys(c *service.Call, snap *state.Snapshot, in *api.ListSSHPublicKeysRequest) (*api.ListSSHPublicKeysResponse, error) {
	u, err := userOrSelf(c, snap, in.UserName)
	if err != nil {
		return nil, err
	}
	after, limit, err := start(in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	keys, end := page(snap.SSHPublicKeysOf(u.ID), limit,
		func(k *state.SSHPublicKey) string { return k.ID },
		func(k *state.SSHPublicKey) bool { return k.ID > after })
	out := &api.ListSSHPublicKeysResponse{SSHPublicKeys: make([]api.SSHPublicKeyMetadata, 0, len(keys)), IsTruncated: end.IsTruncated, Marker: end.Marker}
	for _, k := range keys {
		out.SSHPublicKeys = append(out.SSHPublicKeys, api.SSHPublicKeyMetadata{
			UserName: ptr(u.Name), SSHPublicKeyId: ptr(k.ID), Status: statusOut(k.Active), UploadDate: ptr(k.Uploaded),
		})
	}
	return out, nil
}

func (s *Service) updateSSHPublicKey(c *service.Call, tx *state.Tx, in *api.UpdateSSHPublicKeyRequest) (*none, error) {
	_, k, err := findSSHPublicKey(c, &tx.Snapshot, in.UserName, in.SSHPublicKeyId)
	if err != nil {
		return nil, err
	}
	active, err := newStatus(in.Status)
	if err != nil {
		return nil, err
	}
	tx.SSHPublicKeys.Update(k, func(k *state.SSHPublicKey) { k.Active = active })
	return nil, nil
}

func (s *Service) deleteSSHPublicKey(c *service.Call, tx *state.Tx, in *api.DeleteSSHPublicKeyRequest) (*none, error) {
	_, k, err := findSSHPublicKey(c, &tx.Snapshot, in.UserName, in.SSHPublicKeyId)
	if err != nil {
		return nil, err
	}
	tx.SSHPublicKeys.Delete(k)
	return nil, nil
}

// newStatus is whether a status that is asked for is the active one. The model's
// third status, expired, cannot be set.
func newStatus(status *string) (active bool, err error) {
	switch *status {
	case api.StatusTypeActive:
		return true, nil
	case api.StatusTypeInactive:
		return false, nil
	}
	return false, invalidInput("Operation does not support status %s", *status)
}

func statusOut(active bool) *string {
	if active {
		return ptr(api.StatusTypeActive)
	}
	return ptr(api.StatusTypeInactive)
}
