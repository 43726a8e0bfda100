package saml

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rsa"
	_ "crypto/sha1" // of OAEP, where it is a mask and not a signature
	_ "crypto/sha256"
	_ "crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/beevik/etree"
)

const (
	nsEncryption   = "http://www.w3.org/2001/04/xmlenc#"
	nsEncryption11 = "http://www.w3.org/2009/xmlenc11#"
)

// maxWrapped is how many encrypted keys of an assertion are tried.
const maxWrapped = 4

// dataCiphers are the lengths of the keys of the ciphers of assertions.
var dataCiphers = map[string]struct {
	size int
	gcm  bool
}{
	nsEncryption11 + "aes128-gcm": {16, true},
	nsEncryption11 + "aes192-gcm": {24, true},
	nsEncryption11 + "aes256-gcm": {32, true},
	nsEncryption + "aes128-cbc":   {16, false},
	nsEncryption + "aes192-cbc":   {24, false},
	nsEncryption + "aes256-cbc":   {32, false},
}

var oaepHashes = map[string]crypto.Hash{
	"":                            crypto.SHA1, // the default
	nsSignature + "sha1":          crypto.SHA1,
	nsEncryption + "sha256":       crypto.SHA256,
	nsEncryption + "sha512":       crypto.SHA512,
	nsEncryption11 + "mgf1sha1":   crypto.SHA1,
	nsEncryption11 + "mgf1sha256": crypto.SHA256,
	nsEncryption11 + "mgf1sha384": crypto.SHA384,
	nsEncryption11 + "mgf1sha512": crypto.SHA512,
	"http://www.w3.org/2001/04/xmldsig-more#sha384": crypto.SHA384,
}

// decrypt decrypts an EncryptedAssertion with one of the provider's keys.
//
// AES-CBC has no integrity of its own: whoever may send altered ciphertext and
// sees how it fares can read it bit by bit. So it is taken only in a response
// whose signature, which covers the ciphertext, has been verified. RSA PKCS #1
// v1.5 is not taken at all, for the same reason.
func decrypt(encrypted *etree.Element, keys []*rsa.PrivateKey, verified bool) ([]byte, error) {
	data, err := one(encrypted, nsEncryption, "EncryptedData")
	if err != nil {
		return nil, err
	}
	name, err := method(data)
	if err != nil {
		return nil, err
	}
	algorithm, ok := dataCiphers[name.SelectAttrValue("Algorithm", "")]
	switch {
	case !ok:
		return nil, fmt.Errorf("the cipher %q", name.SelectAttrValue("Algorithm", ""))
	case !algorithm.gcm && !verified:
		return nil, errors.New("AES-CBC in a response that is not signed")
	}
	text, err := cipherValue(data)
	if err != nil {
		return nil, err
	}
	wrapped := all(encrypted, nsEncryption, "EncryptedKey")
	if info, err := optional(data, nsSignature, "KeyInfo"); err != nil {
		return nil, err
	} else if info != nil {
		wrapped = append(wrapped, all(info, nsEncryption, "EncryptedKey")...)
	}
	if len(wrapped) > maxWrapped {
		return nil, errors.New("too many encrypted keys")
	}
	err = errors.New("no key fits")
	for _, w := range wrapped {
		for _, key := range keys {
			secret, e := unwrap(w, key)
			if e != nil || len(secret) != algorithm.size {
				err = errors.Join(err, e)
				continue
			}
			plain, e := open(secret, text, algorithm.gcm)
			if e == nil {
				return plain, nil
			}
			err = errors.Join(err, e)
		}
	}
	return nil, err
}

func method(e *etree.Element) (*etree.Element, error) {
	return one(e, nsEncryption, "EncryptionMethod")
}

func cipherValue(e *etree.Element) ([]byte, error) {
	data, err := one(e, nsEncryption, "CipherData")
	if err != nil {
		return nil, err
	}
	element, err := one(data, nsEncryption, "CipherValue")
	if err != nil {
		return nil, err
	}
	text, err := value(element)
	if err != nil {
		return nil, err
	}
	return base64.StdEncoding.DecodeString(withoutSpace(text))
}

// unwrap decrypts the key that an assertion is encrypted with: RSA-OAEP.
func unwrap(e *etree.Element, key *rsa.PrivateKey) ([]byte, error) {
	m, err := method(e)
	if err != nil {
		return nil, err
	}
	options := rsa.OAEPOptions{}
	if options.Hash, err = oaepHash(m, nsSignature, "DigestMethod"); err != nil {
		return nil, err
	}
	switch name := m.SelectAttrValue("Algorithm", ""); name {
	case nsEncryption + "rsa-oaep-mgf1p":
		options.MGFHash = crypto.SHA1
	case nsEncryption11 + "rsa-oaep":
		if options.MGFHash, err = oaepHash(m, nsEncryption11, "MGF"); err != nil {
			return nil, err
		}
	default:
		return nil, fmt.Errorf("the key transport %q", name)
	}
	if label, err := optional(m, nsEncryption, "OAEPparams"); err != nil || label != nil {
		return nil, errors.New("OAEP with a label")
	}
	text, err := cipherValue(e)
	if err != nil {
		return nil, err
	}
	return key.Decrypt(nil, text, &options)
}

func oaepHash(m *etree.Element, space, tag string) (crypto.Hash, error) {
	e, err := optional(m, space, tag)
	if err != nil {
		return 0, err
	}
	name := ""
	if e != nil {
		name = e.SelectAttrValue("Algorithm", "-")
	}
	hash, ok := oaepHashes[name]
	if !ok {
		return 0, fmt.Errorf("the hash %q", name)
	}
	return hash, nil
}

// open decrypts what begins with its initialisation vector.
func open(secret, text []byte, gcm bool) ([]byte, error) {
	block, err := aes.NewCipher(secret)
	if err != nil {
		return nil, err
	}
	if gcm {
		aead, err := cipher.NewGCM(block)
		if err != nil {
			return nil, err
		}
		if len(text) < aead.NonceSize() {
			return nil, errors.New("too short")
		}
		return aead.Open(nil, text[:aead.NonceSize()], text[aead.NonceSize():], nil)
	}
	n := len(text) - aes.BlockSize
	if n < aes.BlockSize || n%aes.BlockSize != 0 {
		return nil, errors.New("not whole blocks")
	}
	plain := make([]byte, n)
	cipher.NewCBCDecrypter(block, text[:aes.BlockSize]).CryptBlocks(plain, text[aes.BlockSize:])
	padding := int(plain[n-1])
	if padding < 1 || padding > aes.BlockSize {
		return nil, errors.New("wrong padding")
	}
	return plain[:n-padding], nil
}
