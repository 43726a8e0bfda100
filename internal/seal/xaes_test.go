package seal

import (
	"bytes"
	"encoding/hex"
	"testing"
)

// The two vectors that the specification prints, one for each case of the CMAC
// subkey's most significant bit (https://c2sp.org/XAES-256-GCM, "Test Vectors").
func TestXAESVectors(t *testing.T) {
	for _, v := range []struct {
		key       byte
		aad, want string
	}{
		{1, "", "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271"},
		{3, "c2sp.org/XAES-256-GCM", "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d"},
	} {
		x, err := newXAES(bytes.Repeat([]byte{v.key}, KeySize))
		if err != nil {
			t.Fatal(err)
		}
		nonce := []byte("ABCDEFGHIJKLMNOPQRSTUVWX")
		got := x.seal(nil, nonce, []byte("XAES-256-GCM"), []byte(v.aad))
		if hex.EncodeToString(got) != v.want {
			t.Errorf("key %d: sealed to %x, want %s", v.key, got, v.want)
		}
		back, err := x.open(nil, nonce, got, []byte(v.aad))
		if err != nil || string(back) != "XAES-256-GCM" {
			t.Errorf("key %d: opened to %q, %v", v.key, back, err)
		}
	}
}
