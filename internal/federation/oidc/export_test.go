package oidc

import (
	"encoding/json"
	"fmt"
)

// Payload does what a token goes through before its claims are looked at, with
// these keys of its provider: for vectors whose payload is no set of claims.
func Payload(signed string, set []json.RawMessage) ([]byte, error) {
	jws, h, err := open(signed)
	if err != nil {
		return nil, err
	}
	keys := matching(readKeys(set), h)
	if len(keys) == 0 {
		return nil, noKey(fmt.Errorf("no key %q for %s", h.keyID, h.algorithm))
	}
	return verifySignature(jws, keys)
}
