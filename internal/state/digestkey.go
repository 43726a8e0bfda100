package state

import (
	"iter"
	"time"
)

// DigestKey is a key pair that signs the digests of log files. It signs what ends
// between From and Until; its public half is kept for as long as there may be
// digests to verify
// (https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_PublicKey.html).
type DigestKey struct {
	Fingerprint string // by which digests name it
	From, Until time.Time
	Public      []byte // PKCS #1, DER
	Private     []byte `json:",omitempty"` // sealed: internal/audit/delivery; nil when nothing is to be signed by it any more
}

var digestKeySchema = schema[DigestKey]{
	prefix: "cloudtrail/digest-key/",
	key:    func(k *DigestKey) string { return k.Fingerprint },
}

// DigestKeysBetween iterates over the keys that sign at some time between two.
func (s *Snapshot) DigestKeysBetween(from, to time.Time) iter.Seq[*DigestKey] {
	return func(yield func(*DigestKey) bool) {
		for k := range s.DigestKeys.All() {
			if k.From.After(to) || !k.Until.After(from) {
				continue
			}
			if !yield(k) {
				return
			}
		}
	}
}
