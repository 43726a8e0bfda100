package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
)

// XAES-256-GCM (https://c2sp.org/XAES-256-GCM): AES-256-GCM under a key drawn for
// each message from a long-lived key and the first half of a 192-bit nonce, by the
// counter-mode KDF of NIST SP 800-108r1 with CMAC. The second half is the nonce of
// GCM. It is what lets one key seal any number of messages with random nonces,
// where GCM by itself must stop at 2^32 (NIST SP 800-38D, 8.3).
const (
	xaesNonceSize = 24
	xaesTagSize   = 16
)

type xaes struct {
	block cipher.Block
	k1    [aes.BlockSize]byte // the CMAC subkey for whole blocks
}

func newXAES(key []byte) (*xaes, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	x := &xaes{block: block}
	block.Encrypt(x.k1[:], x.k1[:])
	var carry byte
	for i := len(x.k1) - 1; i >= 0; i-- {
		carry, x.k1[i] = x.k1[i]>>7, x.k1[i]<<1|carry
	}
	x.k1[len(x.k1)-1] ^= 0x87 & -carry // without a branch on the key
	return x, nil
}

// message is the cipher of one message: the derived key's.
func (x *xaes) message(nonce []byte) cipher.AEAD {
	// A KDF input is one block: counter, label 'X', separator, context.
	key := make([]byte, 0, 2*aes.BlockSize)
	for counter := range byte(2) {
		key = append(key, 0, counter+1, 'X', 0)
		key = append(key, nonce[:12]...)
		half := key[len(key)-aes.BlockSize:]
		subtle.XORBytes(half, half, x.k1[:])
		x.block.Encrypt(half, half)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		panic("seal: " + err.Error()) // the key has 32 bytes
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic("seal: " + err.Error()) // AES has 16-byte blocks
	}
	return aead
}

func (x *xaes) seal(dst, nonce, plaintext, aad []byte) []byte {
	return x.message(nonce).Seal(dst, nonce[12:], plaintext, aad)
}

func (x *xaes) open(dst, nonce, ciphertext, aad []byte) ([]byte, error) {
	return x.message(nonce).Open(dst, nonce[12:], ciphertext, aad)
}
