package topic

import (
	"encoding/binary"
	"encoding/hex"
	"strings"
	"time"

	"github.com/warder-iam/warder/internal/seal"
	"github.com/warder-iam/warder/internal/state"
)

// TokenLife is how long a subscription can be confirmed
// (https://docs.aws.amazon.com/sns/latest/api/API_Subscribe.html).
const TokenLife = 2 * 24 * time.Hour

// purposeToken binds tokens to their use.
const purposeToken = "sns-confirmation"

// Token is what confirms a subscription: its id and, sealed for it alone, when the
// token was made. So none is kept, and one that was sent long ago is known to be.
func Token(ring *seal.Keyring, subscription string, now time.Time) string {
	made := binary.BigEndian.AppendUint64(nil, uint64(now.Unix()))
	_, id := splitSubscription(subscription)
	return hex.EncodeToString([]byte(id)) + hex.EncodeToString(ring.Seal(purposeToken, seal.Owner(subscription), made))
}

const idLength = len("00000000-0000-0000-0000-000000000000")

// Confirmed is the subscription to a topic that a token confirms; nil if it confirms
// none now.
func Confirmed(ring *seal.Keyring, s *state.Snapshot, topicARN, token string, now time.Time) *state.Subscription {
	raw, err := hex.DecodeString(token)
	if err != nil || len(raw) <= idLength {
		return nil
	}
	subscription := s.Subscriptions.Get(topicARN + ":" + string(raw[:idLength]))
	if subscription == nil {
		return nil
	}
	made, err := ring.Open(purposeToken, seal.Owner(subscription.ARN), raw[idLength:])
	if err != nil || len(made) != 8 {
		return nil
	}
	if at := time.Unix(int64(binary.BigEndian.Uint64(made)), 0); now.After(at.Add(TokenLife)) {
		return nil
	}
	return subscription
}

// splitSubscription takes a subscription's ARN apart: the topic's, and an id.
func splitSubscription(subscription string) (topicARN, id string) {
	i := strings.LastIndexByte(subscription, ':')
	if i < 0 {
		return subscription, ""
	}
	return subscription[:i], subscription[i+1:]
}
