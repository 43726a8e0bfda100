// Package seal keeps secrets: it encrypts those that must be had again (access
// key secrets, MFA seeds) before they go to the store, seals session tokens, and
// hashes passwords.
//
// A Keyring holds the master keys. For each purpose and master key there is a
// subkey of its own, so that nothing sealed for one purpose opens for another.
// Each message is encrypted with XChaCha20-Poly1305 under a 192-bit random nonce;
// docs/decisions/0002-sealing.md says why.
//
// What it leaves out: what a token means and when it expires, where sealed values
// are kept, password rules, and keys held by a KMS. Its callers are internal/state
// (secrets at rest), internal/authn and internal/service/sts (tokens), and
// internal/service/iam (passwords).
package seal

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"errors"

	"golang.org/x/crypto/chacha20poly1305"
)

// Errors of opening. None of them says more than a holder of the sealed bytes
// knows already, so that they may reach a log.
var (
	// ErrOpen: the value was not sealed by this ring for this purpose and owner,
	// or it has been altered. Which of these it is, is not said.
	ErrOpen = errors.New("seal: the value cannot be opened")
	// ErrUnknownKey: the value names a master key that the ring does not hold,
	// which an operator can put right. It wraps ErrOpen. Tokens never answer it.
	ErrUnknownKey error = unknownKey{}
	// ErrTooLarge: the payload does not fit into a token of MaxToken characters.
	ErrTooLarge = errors.New("seal: the token would be too large")
)

type unknownKey struct{}

func (unknownKey) Error() string {
	return "seal: the value is sealed with a master key that is not here"
}
func (unknownKey) Unwrap() error { return ErrOpen }

// A sealed value is: version (1 byte), id of the master key (8), nonce (24),
// ciphertext and tag. All of the header is authenticated.
const (
	version    = 1
	headerSize = 1 + keyIDSize
	nonceSize  = chacha20poly1305.NonceSizeX

	// Overhead is how much longer a sealed value is than its plaintext.
	Overhead = headerSize + nonceSize + chacha20poly1305.Overhead
)

// Seal encrypts plaintext under the current key. The purpose is a constant of the
// calling code, such as "access-key-secret"; it must not be empty or come from
// outside, since the ring remembers a subkey for each. aad names the owner (see
// Owner): the value opens only for the same purpose and aad, so that whoever can
// write to the store cannot move it to another record.
func (k *Keyring) Seal(purpose string, aad, plaintext []byte) []byte {
	return k.seal(purpose, aad, plaintext, nil)
}

func (k *Keyring) seal(purpose string, aad, plaintext, dst []byte) []byte {
	m := k.ring.Load().keys[0]
	if dst == nil {
		dst = make([]byte, 0, Overhead+len(plaintext))
	}
	dst = append(dst, version)
	dst = append(dst, m.id[:]...)
	bound := bind(dst[len(dst)-headerSize:], aad)
	var nonce [nonceSize]byte
	rand.Read(nonce[:]) // never fails: crypto/rand ends the program instead
	dst = append(dst, nonce[:]...)
	return m.subkey(purpose).Seal(dst, nonce[:], plaintext, bound)
}

// Open decrypts what Seal made for the same purpose and aad, under the current
// key or an older one of the ring. Any error wraps ErrOpen.
func (k *Keyring) Open(purpose string, aad, sealed []byte) ([]byte, error) {
	return k.open(purpose, aad, sealed, nil)
}

// open appends the plaintext to dst, which may be sealed[:0] to decrypt in place.
func (k *Keyring) open(purpose string, aad, sealed, dst []byte) ([]byte, error) {
	if len(sealed) < Overhead || sealed[0] != version {
		return nil, ErrOpen
	}
	header, body := sealed[:headerSize], sealed[headerSize:]
	m := k.ring.Load().find(header[1:])
	if m == nil {
		return nil, ErrUnknownKey
	}
	plaintext, err := m.subkey(purpose).Open(dst, body[:nonceSize], body[nonceSize:], bind(header, aad))
	if err != nil {
		return nil, ErrOpen
	}
	return plaintext, nil
}

// bind is the additional data of the cipher. The header has a fixed size, so no
// two pairs give the same bytes.
func bind(header, aad []byte) []byte {
	bound := make([]byte, 0, headerSize+len(aad))
	bound = append(bound, header...)
	return append(bound, aad...)
}

// IsCurrent reports whether a sealed value is under the current master key. After
// a rotation, values for which it is false want opening and sealing again before
// the old key is taken out.
func (k *Keyring) IsCurrent(sealed []byte) bool {
	m := k.ring.Load().keys[0]
	return len(sealed) >= Overhead && sealed[0] == version && string(sealed[1:headerSize]) == string(m.id[:])
}

// Owner joins the parts that name the owner of a value (a kind, an account id, an
// access key id) into an aad. Each part is preceded by its length, so that
// ("ab","c") and ("a","bc") differ.
func Owner(parts ...string) []byte {
	n := 0
	for _, p := range parts {
		n += binary.MaxVarintLen32 + len(p)
	}
	aad := make([]byte, 0, n)
	for _, p := range parts {
		aad = binary.AppendUvarint(aad, uint64(len(p)))
		aad = append(aad, p...)
	}
	return aad
}

const tokenPurpose = "session-token"

// MaxToken bounds a session token in characters, on sealing and on opening. AWS
// sets no size for its tokens but advises against counting on one
// (https://docs.aws.amazon.com/STS/latest/APIReference/API_Credentials.html and
// API_AssumeRole.html); this leaves room beside the other headers in the 8 KiB
// that common proxies allow for a header line.
const MaxToken = 7 << 10

// tokenText is URL-safe, since tokens travel in presigned URLs too, and strict, so
// that a token has one text only.
var tokenText = base64.RawURLEncoding.Strict()

// SealToken seals a session token's payload into the text of X-Amz-Security-Token.
// aad is what the session is bound to: its access key id. The payload ought to be
// compact already; past MaxToken characters it is refused with ErrTooLarge.
func (k *Keyring) SealToken(aad, payload []byte) (string, error) {
	size := tokenText.EncodedLen(Overhead + len(payload))
	if size > MaxToken {
		return "", ErrTooLarge
	}
	return tokenText.EncodeToString(k.Seal(tokenPurpose, aad, payload)), nil
}

// OpenToken opens a session token for the same aad. Whatever is wrong with it, the
// error is ErrOpen itself, so that nobody learns from it how to make a better one.
func (k *Keyring) OpenToken(aad []byte, token string) ([]byte, error) {
	if len(token) > MaxToken {
		return nil, ErrOpen
	}
	sealed, err := tokenText.DecodeString(token)
	// The decoder passes over line ends, which would give a token many texts.
	if err != nil || tokenText.EncodedLen(len(sealed)) != len(token) || len(sealed) < Overhead {
		return nil, ErrOpen
	}
	payload, err := k.open(tokenPurpose, aad, sealed, sealed[headerSize+nonceSize:headerSize+nonceSize])
	if err != nil {
		return nil, ErrOpen
	}
	return payload, nil
}
