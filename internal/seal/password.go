package seal

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"strings"

	"golang.org/x/crypto/argon2"
)

// PasswordCost is what one try at a password costs whoever makes it.
type PasswordCost struct {
	Memory  uint32 // KiB
	Time    uint32 // passes
	Threads uint8
}

// DefaultPasswordCost is the first choice of the OWASP password storage cheat sheet
// for argon2id: 19 MiB, two passes, one thread
// (https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html).
var DefaultPasswordCost = PasswordCost{Memory: 19 << 10, Time: 2, Threads: 1}

// MaxPassword is the longest password in bytes. IAM takes 128 characters
// (https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateLoginProfile.html).
const MaxPassword = 1 << 10

const (
	saltSize = 16
	hashSize = 32
	// What a stored hash may ask for at most, so that one that somebody planted
	// cannot take the machine down.
	maxMemory  = 256 << 10
	maxTime    = 16
	maxThreads = 16
)

// hashing bounds the hashes that are computed at once, and with them the memory
// that a flood of sign-ins can take.
var hashing = make(chan struct{}, max(1, runtime.GOMAXPROCS(0)))

// HashPassword hashes a password at the default cost into the PHC string form
// ($argon2id$v=19$m=…,t=…,p=…$salt$hash), with a salt of its own.
func HashPassword(password string) (string, error) { return DefaultPasswordCost.Hash(password) }

// Hash is HashPassword at another cost. Tests use a low one.
func (c PasswordCost) Hash(password string) (string, error) {
	if !c.sane() {
		return "", fmt.Errorf("seal: a password cost out of bounds: %+v", c)
	}
	if len(password) > MaxPassword {
		return "", errors.New("seal: the password is too long")
	}
	salt := make([]byte, saltSize)
	rand.Read(salt) // never fails: crypto/rand ends the program instead
	return phc{c, salt, c.derive(password, salt, hashSize)}.String(), nil
}

// VerifyPassword reports whether hash is a hash of the password. It takes the cost
// from the hash. Given an empty hash (no such user, no password) or one that cannot
// be read, it works as long as on a good one and says no, so that the answer's delay
// does not tell who exists.
func VerifyPassword(hash, password string) bool {
	if len(password) > MaxPassword {
		return false
	}
	p, ok := parsePHC(hash)
	if !ok {
		p = phc{DefaultPasswordCost, make([]byte, saltSize), make([]byte, hashSize)}
	}
	got := p.cost.derive(password, p.salt, uint32(len(p.hash)))
	return subtle.ConstantTimeCompare(got, p.hash) == 1 && ok
}

func (c PasswordCost) sane() bool {
	return c.Time >= 1 && c.Time <= maxTime && c.Threads >= 1 && c.Threads <= maxThreads &&
		c.Memory >= 8*uint32(c.Threads) && c.Memory <= maxMemory
}

func (c PasswordCost) derive(password string, salt []byte, size uint32) []byte {
	hashing <- struct{}{}
	defer func() { <-hashing }()
	return argon2.IDKey([]byte(password), salt, c.Time, c.Memory, c.Threads, size)
}

// phc is a hash with what it was made with.
type phc struct {
	cost       PasswordCost
	salt, hash []byte
}

func (p phc) String() string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version,
		p.cost.Memory, p.cost.Time, p.cost.Threads, b64.EncodeToString(p.salt), b64.EncodeToString(p.hash))
}

// parsePHC reads what String makes, and nothing that merely looks like it.
func parsePHC(text string) (phc, bool) {
	var p phc
	parts := strings.Split(text, "$")
	if len(text) > 256 || len(parts) != 6 {
		return p, false
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &p.cost.Memory, &p.cost.Time, &p.cost.Threads); err != nil || !p.cost.sane() {
		return p, false
	}
	var err1, err2 error
	b64 := base64.RawStdEncoding.Strict()
	p.salt, err1 = b64.DecodeString(parts[4])
	p.hash, err2 = b64.DecodeString(parts[5])
	if err1 != nil || err2 != nil || len(p.salt) < 8 || len(p.hash) < 16 {
		return p, false
	}
	return p, p.String() == text
}
