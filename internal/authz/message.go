package authz

import (
	"encoding/base64"

	"github.com/warder-iam/warder/internal/seal"
)

const purposeMessage = "authorization-message"

// SealMessage encodes the explanation of a denial, so that the caller can carry
// it about but not read it. Who may call sts:DecodeAuthorizationMessage in the
// account can
// (https://docs.aws.amazon.com/STS/latest/APIReference/API_DecodeAuthorizationMessage.html).
func SealMessage(ring *seal.Keyring, account, explanation string) string {
	return base64.RawURLEncoding.EncodeToString(ring.Seal(purposeMessage, seal.Owner(account), []byte(explanation)))
}

// OpenMessage is the explanation in a message of the account.
func OpenMessage(ring *seal.Keyring, account, message string) (string, error) {
	sealed, err := base64.RawURLEncoding.DecodeString(message)
	if err != nil {
		return "", err
	}
	plain, err := ring.Open(purposeMessage, seal.Owner(account), sealed)
	return string(plain), err
}
