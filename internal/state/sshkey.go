package state

import (
	"iter"
	"time"
)

// SSHPublicKey is a user's public key for SSH.
type SSHPublicKey struct {
	ID          string // APKA…
	Account     string
	Owner       string // unique id of the user
	Body        string // "ssh-rsa …"
	Fingerprint string
	Active      bool
	Uploaded    time.Time
}

const sshKeyByOwner = 0

var sshKeySchema = schema[SSHPublicKey]{
	prefix: "iam/ssh-key/",
	key:    func(k *SSHPublicKey) string { return k.ID },
	indexes: []index[SSHPublicKey]{
		sshKeyByOwner: {name: "owner", keys: func(k *SSHPublicKey) []string { return []string{k.Owner} }},
	},
}

// SSHPublicKeysOf iterates over the SSH public keys of a user, by unique id.
func (s *Snapshot) SSHPublicKeysOf(owner string) iter.Seq[*SSHPublicKey] {
	return values(s.SSHPublicKeys.scan(sshKeyByOwner, owner+"\x00", ""))
}
