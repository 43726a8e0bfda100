package state

import (
	"fmt"
	"time"
)

// MessageKey is a key pair that the messages of topics are signed with. All topics
// share it, as in AWS.
type MessageKey struct {
	Number      int    // counts the keys
	ID          string // in the name of the certificate's file
	From        time.Time
	Private     []byte // sealed: internal/notify/topic
	Certificate []byte // DER
}

var messageKeySchema = schema[MessageKey]{
	prefix: "sns/message-key/",
	key:    func(k *MessageKey) string { return fmt.Sprintf("%08d", k.Number) },
	indexes: []index[MessageKey]{
		{name: "id", unique: true, keys: func(k *MessageKey) []string { return []string{k.ID} }},
	},
}

// MessageKeyByID finds a key by the id of its certificate; nil if there is none.
func (s *Snapshot) MessageKeyByID(id string) *MessageKey { return s.MessageKeys.find(0, id) }

// MessageKey is the key that messages are signed with: the newest; nil if there is
// none yet.
func (s *Snapshot) MessageKey() (newest *MessageKey) {
	for k := range s.MessageKeys.All() {
		newest = k
	}
	return newest
}
