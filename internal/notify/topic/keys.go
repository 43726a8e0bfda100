package topic

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // SignatureVersion 1 is SHA-1 by definition; who can verify version 2 asks for it
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/warder-iam/warder/internal/seal"
	"github.com/warder-iam/warder/internal/state"
)

// Keys are what messages are signed by, and where others find the certificates.
type Keys struct {
	base string
	ring *seal.Keyring
}

// NewKeys makes the keys of a server that others reach at base, a URL without a slash
// at its end; "" if that is not known.
func NewKeys(base string, ring *seal.Keyring) *Keys { return &Keys{base, ring} }

// Path is where the certificates are.
const Path = "/sns/"

// The name of a certificate's file, around its id. Verifiers look at the end of it.
const (
	filePrefix = "SimpleNotificationService-"
	fileSuffix = ".pem"
)

const (
	keyLife = 180 * 24 * time.Hour // a key signs
	// keepFor is how long a certificate is published after its successor began to
	// sign: for messages that are still on their way, and receivers that look at them
	// later. A certificate is valid until then.
	keepFor = 90 * 24 * time.Hour
)

const purposeKey = "sns-message-key"

func ownerOfKey(number int) []byte { return seal.Owner(strconv.Itoa(number)) }

// New makes a key. It takes a while.
func (k *Keys) New(number int, now time.Time) (*state.MessageKey, error) {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	template := x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "Warder SNS messages"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(keyLife + keepFor),
		KeyUsage: x509.KeyUsageDigitalSignature, BasicConstraintsValid: true,
	}
	certificate, err := x509.CreateCertificate(rand.Reader, &template, &template, private.Public(), private)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(certificate)
	return &state.MessageKey{
		Number: number, ID: hex.EncodeToString(sum[:16]), From: now.UTC().Truncate(time.Second),
		Private: k.ring.Seal(purposeKey, ownerOfKey(number), der), Certificate: certificate,
	}, nil
}

// Ensure makes the first key if there is none.
func (k *Keys) Ensure(ctx context.Context, st *state.State, now time.Time) error {
	if st.Snapshot().MessageKey() != nil {
		return nil
	}
	return k.put(ctx, st, 0, now)
}

func (k *Keys) put(ctx context.Context, st *state.State, number int, now time.Time) error {
	key, err := k.New(number, now)
	if err != nil {
		return err
	}
	return st.Update(ctx, now, func(tx *state.Tx) error {
		if tx.MessageKey() == nil && number == 0 || tx.MessageKey() != nil && tx.MessageKey().Number == number-1 {
			tx.MessageKeys.Put(key)
		}
		return nil
	})
}

// Rotate puts a new key in place of one that has signed for long enough, and forgets
// those that nobody verifies with any more. It is called now and then.
func (k *Keys) Rotate(ctx context.Context, st *state.State, now time.Time) error {
	newest := st.Snapshot().MessageKey()
	if newest == nil {
		return nil
	}
	if now.After(newest.From.Add(keyLife)) {
		return k.put(ctx, st, newest.Number+1, now)
	}
	if first := st.Snapshot().MessageKeys; first.Len() < 2 || now.Before(newest.From.Add(keepFor)) {
		return nil
	}
	return st.Update(ctx, now, func(tx *state.Tx) error {
		for _, old := range slices.Collect(tx.MessageKeys.All()) {
			if old.Number < newest.Number {
				tx.MessageKeys.Delete(old)
			}
		}
		return nil
	})
}

// errNoKey is the error of signing before there is a key.
var errNoKey = errors.New("topic: there is no key to sign messages with")

// sign signs a document by the newest key, and notes in it how.
func (k *Keys) sign(s *state.Snapshot, d *document) error {
	key := s.MessageKey()
	if key == nil {
		return errNoKey
	}
	der, err := k.ring.Open(purposeKey, ownerOfKey(key.Number), key.Private)
	if err != nil {
		return err
	}
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return err
	}
	private, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		return fmt.Errorf("topic: the key that messages are signed with is a %T", parsed)
	}
	var signature []byte
	if d.version == "2" {
		sum := sha256.Sum256(d.toSign())
		signature, err = rsa.SignPKCS1v15(nil, private, crypto.SHA256, sum[:])
	} else {
		sum := sha1.Sum(d.toSign()) //nolint:gosec // see the import
		signature, err = rsa.SignPKCS1v15(nil, private, crypto.SHA1, sum[:])
	}
	if err != nil {
		return err
	}
	d.signature = base64.StdEncoding.EncodeToString(signature)
	d.certificate = k.base + Path + filePrefix + key.ID + fileSuffix
	return nil
}

// Handler serves the certificates to anybody, below Path.
func (k *Keys) Handler(snapshot func() *state.Snapshot) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "only GET", http.StatusMethodNotAllowed)
			return
		}
		id, ok := strings.CutPrefix(r.URL.Path, Path+filePrefix)
		id, pem := strings.CutSuffix(id, fileSuffix)
		key := snapshot().MessageKeyByID(id)
		if !ok || !pem || key == nil {
			http.NotFound(w, r)
			return
		}
		text := encodePEM(key.Certificate)
		h := w.Header()
		h.Set("Content-Type", "application/x-pem-file")
		h.Set("Content-Length", strconv.Itoa(len(text)))
		h.Set("Cache-Control", "public, max-age=86400")
		h.Set("X-Content-Type-Options", "nosniff")
		if r.Method == http.MethodGet {
			_, _ = w.Write(text) // a client that has gone away is nobody to tell
		}
	})
}

func encodePEM(certificate []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate})
}
