// Package ids makes the identifiers that AWS makes: unique ids (AIDA…, AROA…),
// access key ids, secrets, request ids, account ids. It is the only source of
// randomness of the business rules, which are handed a *Source, so that a test
// can repeat what it does.
//
// An access key id carries its account id: after the four-character prefix,
// base32, the top 48 bits are a one, the account id in 40 bits, and 7 random
// bits. That layout is AWS's since 2019, known from the public work on
// recovering account ids from keys; sts:GetAccessKeyInfo reads it. The other
// unique ids are laid out in the same way.
package ids

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"strconv"

	"github.com/warder-iam/warder/arn"
)

// Prefixes of unique ids
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids).
const (
	User              = "AIDA"
	Group             = "AGPA"
	Role              = "AROA"
	Policy            = "ANPA"
	InstanceProfile   = "AIPA"
	ServiceCredential = "ACCA" // service-specific
	ServerCertificate = "ASCA"
	PublicKey         = "APKA"
	AccessKey         = "AKIA" // long-term
	SessionKey        = "ASIA" // temporary
)

// Source makes identifiers from random bytes. It is safe for concurrent use if
// its reader is.
type Source struct{ random io.Reader }

// New makes a source that reads the operating system's random numbers.
func New() *Source { return &Source{rand.Reader} }

// NewFrom makes a source that reads r, for tests.
func NewFrom(r io.Reader) *Source { return &Source{r} }

func (s *Source) bytes(n int) []byte {
	b := make([]byte, n)
	if _, err := io.ReadFull(s.random, b); err != nil {
		panic("ids: no random numbers: " + err.Error())
	}
	return b
}

var b32 = base32.StdEncoding.WithPadding(base32.NoPadding)

// Unique makes a unique id of 21 characters with one of the prefixes.
func (s *Source) Unique(prefix, account string) string {
	return prefix + b32.EncodeToString(s.stamped(account, 11))[:17]
}

// KeyID makes an id of 20 characters: prefix AccessKey, SessionKey or PublicKey.
func (s *Source) KeyID(prefix, account string) string {
	return prefix + b32.EncodeToString(s.stamped(account, 10))
}

// stamped gives n random bytes that carry the account id in their front.
func (s *Source) stamped(account string, n int) []byte {
	number, err := strconv.ParseUint(account, 10, 40)
	if err != nil {
		panic("ids: not an account id: " + account)
	}
	b := s.bytes(n)
	front := uint64(1)<<47 | number<<7 | uint64(b[5]&0x7f)
	var eight [8]byte
	binary.BigEndian.PutUint64(eight[:], front)
	copy(b, eight[2:])
	return b
}

// AccountOf reads the account id out of an access key id or unique id; ok is
// false if it carries none.
func AccountOf(id string) (account string, ok bool) {
	if len(id) < 4+10 {
		return "", false
	}
	b, err := b32.DecodeString(id[4:14] + "AAAAAA")
	if err != nil {
		return "", false
	}
	front := binary.BigEndian.Uint64(append([]byte{0, 0}, b[:6]...))
	if front>>47 != 1 {
		return "", false
	}
	account = fmt.Sprintf("%012d", front>>7&(1<<40-1))
	return account, arn.IsAccountID(account)
}

// Certificate makes the id of a signing certificate: 32 characters of base32,
// without prefix or account
// (https://docs.aws.amazon.com/IAM/latest/APIReference/API_SigningCertificate.html).
func (s *Source) Certificate() string { return b32.EncodeToString(s.bytes(20)) }

// Secret makes a secret access key: 40 characters of base64.
func (s *Source) Secret() string { return base64.StdEncoding.EncodeToString(s.bytes(30)) }

// ServicePassword makes the password of a service-specific credential: 60
// characters of base64, of which the last is padding, as AWS's are.
func (s *Source) ServicePassword() string { return base64.StdEncoding.EncodeToString(s.bytes(44)) }

// Seed makes the secret of a virtual MFA device: 40 bytes, which is 64
// characters of base32, as AWS's are.
func (s *Source) Seed() []byte { return s.bytes(40) }

// Account makes an account id: twelve digits that do not begin with zero.
func (s *Source) Account() string {
	n := binary.BigEndian.Uint64(s.bytes(8))
	return strconv.FormatUint(100_000_000_000+n%900_000_000_000, 10)
}

// Request makes a request id: a version 4 UUID.
func (s *Source) Request() string {
	b := s.bytes(16)
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	var out [36]byte
	hex.Encode(out[0:8], b[0:4])
	hex.Encode(out[9:13], b[4:6])
	hex.Encode(out[14:18], b[6:8])
	hex.Encode(out[19:23], b[8:10])
	hex.Encode(out[24:36], b[10:16])
	out[8], out[13], out[18], out[23] = '-', '-', '-', '-'
	return string(out[:])
}
