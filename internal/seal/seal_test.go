package seal

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
)

var (
	owner  = Owner("access-key", "123456789012", "AKIAEXAMPLE")
	secret = []byte("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
)

func TestSealOpen(t *testing.T) {
	k := NewRandom()
	for _, plaintext := range [][]byte{nil, {}, {0}, secret, make([]byte, 1<<20)} {
		for _, aad := range [][]byte{nil, {}, owner} {
			sealed := k.Seal("p", aad, plaintext)
			if len(sealed) != len(plaintext)+Overhead {
				t.Errorf("%d bytes seal to %d", len(plaintext), len(sealed))
			}
			before := bytes.Clone(sealed)
			got, err := k.Open("p", aad, sealed)
			if err != nil || !bytes.Equal(got, plaintext) {
				t.Errorf("opens to %d bytes, %v", len(got), err)
			}
			if !bytes.Equal(sealed, before) {
				t.Error("opening changed the sealed value")
			}
		}
	}
	if bytes.Equal(k.Seal("p", nil, secret), k.Seal("p", nil, secret)) {
		t.Error("the same twice")
	}
	if bytes.Contains(k.Seal("p", nil, secret), secret[:8]) {
		t.Error("the plaintext shows")
	}
}

func TestOpenRefuses(t *testing.T) {
	k, other := NewRandom(), NewRandom()
	sealed := k.Seal("p", owner, secret)
	refused := func(what string, k *Keyring, purpose string, aad, sealed []byte) {
		t.Helper()
		if got, err := k.Open(purpose, aad, sealed); !errors.Is(err, ErrOpen) || got != nil {
			t.Errorf("%s: opens to %q, %v", what, got, err)
		}
	}
	refused("wrong purpose", k, "q", owner, sealed)
	refused("token's purpose", k, tokenPurpose, owner, sealed)
	refused("wrong owner", k, "p", Owner("access-key", "123456789012", "AKIAEXAMPLF"), sealed)
	refused("no owner", k, "p", nil, sealed)
	refused("longer owner", k, "p", append(bytes.Clone(owner), 0), sealed)
	refused("shorter owner", k, "p", owner[:len(owner)-1], sealed)
	refused("another ring", other, "p", owner, sealed)
	if _, err := other.Open("p", owner, sealed); !errors.Is(err, ErrUnknownKey) {
		t.Errorf("another ring: %v, not the error that says so", err)
	}
	for i := range sealed {
		refused(fmt.Sprint("cut to ", i), k, "p", owner, sealed[:i])
		for bit := range 8 {
			bad := bytes.Clone(sealed)
			bad[i] ^= 1 << bit
			refused(fmt.Sprintf("bit %d of byte %d turned", bit, i), k, "p", owner, bad)
		}
	}
	refused("longer", k, "p", owner, append(bytes.Clone(sealed), 0))
	refused("nothing", k, "p", owner, nil)
	// The id of another key of the same ring, put in place of the right one.
	if err := k.Rotate(); err != nil {
		t.Fatal(err)
	}
	bad := bytes.Clone(sealed)
	copy(bad[1:], k.Seal("p", owner, secret)[1:headerSize])
	refused("another key's id", k, "p", owner, bad)
}

func TestNoPurposePanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("sealed without a purpose")
		}
	}()
	NewRandom().Seal("", nil, secret)
}

func TestOwner(t *testing.T) {
	seen := map[string][]string{}
	for _, parts := range [][]string{
		{}, {""}, {"", ""}, {"a"}, {"a", ""}, {"", "a"}, {"ab"}, {"a", "b"}, {"ab", "c"}, {"a", "bc"}, {"\x01a"}, {"abc"},
		{strings.Repeat("x", 127)}, {strings.Repeat("x", 128)}, {strings.Repeat("x", 300), "y"},
	} {
		aad := string(Owner(parts...))
		if other, is := seen[aad]; is {
			t.Errorf("%q and %q are one owner", parts, other)
		}
		seen[aad] = parts
	}
}

func TestToken(t *testing.T) {
	k := NewRandom()
	aad := []byte("ASIAEXAMPLE")
	for _, n := range []int{0, 1, 2, 3, 600, 5000} {
		payload := bytes.Repeat([]byte{'x'}, n)
		token, err := k.SealToken(aad, payload)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Trim(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			t.Errorf("the token %q needs escaping", token)
		}
		got, err := k.OpenToken(aad, token)
		if err != nil || !bytes.Equal(got, payload) {
			t.Errorf("%d bytes open to %d, %v", n, len(got), err)
		}
	}
	if _, err := k.SealToken(aad, make([]byte, MaxToken)); err != ErrTooLarge {
		t.Errorf("a large token: %v", err)
	}
	largest := MaxToken*3/4 - Overhead
	token, err := k.SealToken(aad, make([]byte, largest))
	if err != nil || len(token) > MaxToken {
		t.Fatalf("the largest token: %d, %v", len(token), err)
	}
	if _, err := k.OpenToken(aad, token); err != nil {
		t.Errorf("the largest token: %v", err)
	}
}

// Whatever is wrong with a token, the error is one and the same.
func TestTokenRefuses(t *testing.T) {
	k := NewRandom()
	aad := []byte("ASIAEXAMPLE")
	good, err := k.SealToken(aad, []byte("payload"))
	if err != nil {
		t.Fatal(err)
	}
	refused := func(what string, k *Keyring, aad []byte, token string) {
		t.Helper()
		if got, err := k.OpenToken(aad, token); err != ErrOpen || got != nil {
			t.Errorf("%s: opens to %q, %v", what, got, err)
		}
	}
	refused("other access key", k, []byte("ASIAEXAMPLF"), good)
	refused("no access key", k, nil, good)
	refused("other ring", NewRandom(), aad, good)
	refused("empty", k, aad, "")
	refused("too long", k, aad, strings.Repeat("A", MaxToken+1))
	refused("padded", k, aad, good+"=")
	refused("line end", k, aad, good+"\n")
	refused("line end inside", k, aad, good[:10]+"\r\n"+good[10:])
	refused("space", k, aad, " "+good)
	sealed, _ := tokenText.DecodeString(good)
	if std := base64.StdEncoding.EncodeToString(sealed); std != good {
		refused("other alphabet", k, aad, std)
	}
	refused("sealed for another purpose", k, aad, tokenText.EncodeToString(k.Seal("p", aad, []byte("payload"))))
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	for i := range good {
		refused(fmt.Sprint("cut to ", i), k, aad, good[:i])
		for j := range alphabet { // unused bits of the last character included
			if alphabet[j] != good[i] {
				refused(fmt.Sprintf("character %d is %c", i, alphabet[j]), k, aad, good[:i]+alphabet[j:j+1]+good[i+1:])
			}
		}
	}
}

func FuzzOpenToken(f *testing.F) {
	k, err := New(bytes.Repeat([]byte("key."), 8))
	if err != nil {
		f.Fatal(err)
	}
	// A token of this ring, so that the fuzzer starts from one that opens. Its nonce
	// is fixed, since the fuzzer's workers are processes that must agree on it.
	m := k.ring.Load().keys[0]
	sealed := append([]byte{version}, m.id[:]...)
	bound := bind(sealed, []byte("a"))
	nonce := make([]byte, nonceSize)
	sealed = m.subkey(tokenPurpose).Seal(append(sealed, nonce...), nonce, []byte("payload"), bound)
	token := tokenText.EncodeToString(sealed)
	if got, err := k.OpenToken([]byte("a"), token); err != nil || string(got) != "payload" {
		f.Fatalf("the token opens to %q, %v", got, err)
	}
	f.Add(token)
	f.Add("")
	f.Add(strings.Repeat("A", 100))
	f.Fuzz(func(t *testing.T, text string) {
		got, err := k.OpenToken([]byte("a"), text)
		if err == nil && (text != token || string(got) != "payload") {
			t.Errorf("%q opens to %q", text, got)
		}
		if err != nil && err != ErrOpen {
			t.Errorf("%q: %v", text, err)
		}
	})
}

func TestRotation(t *testing.T) {
	k := NewRandom()
	old := k.Seal("p", owner, secret)
	first := k.KeyIDs()[0]
	if !k.IsCurrent(old) {
		t.Error("a fresh value is not current")
	}
	if err := k.Rotate(); err != nil {
		t.Fatal(err)
	}
	young := k.Seal("p", owner, secret)
	if ids := k.KeyIDs(); len(ids) != 2 || ids[1] != first || ids[0] == first {
		t.Errorf("the keys are %v, the first was %s", ids, first)
	}
	if k.IsCurrent(old) || !k.IsCurrent(young) || k.IsCurrent(nil) {
		t.Error("which value is current is wrong")
	}
	for _, sealed := range [][]byte{old, young} {
		if got, err := k.Open("p", owner, sealed); err != nil || !bytes.Equal(got, secret) {
			t.Errorf("opens to %q, %v", got, err)
		}
	}
	if err := k.Remove(k.KeyIDs()[0]); err == nil {
		t.Error("the current key can be taken out")
	}
	if err := k.Remove("0011223344556677"); err == nil {
		t.Error("a key that is not there can be taken out")
	}
	if err := k.Remove(first); err != nil {
		t.Fatal(err)
	}
	if _, err := k.Open("p", owner, old); !errors.Is(err, ErrUnknownKey) {
		t.Errorf("a value of a key taken out: %v", err)
	}
	if _, err := k.Open("p", owner, young); err != nil {
		t.Error(err)
	}
}

func TestAdd(t *testing.T) {
	a, b := randomKey(), randomKey()
	one, _ := New(a)
	if err := one.Add(b, false); err != nil {
		t.Fatal(err)
	}
	two, _ := New(b)
	if _, err := one.Open("p", nil, two.Seal("p", nil, secret)); err != nil {
		t.Errorf("a key put behind: %v", err)
	}
	if one.IsCurrent(two.Seal("p", nil, secret)) {
		t.Error("a key put behind is current")
	}
	if err := one.Add(b, true); err != nil || !one.IsCurrent(two.Seal("p", nil, secret)) || len(one.KeyIDs()) != 2 {
		t.Errorf("a key brought to the front: %v, %v", one.KeyIDs(), err)
	}
	if err := one.Add(b, false); err == nil {
		t.Error("the current key can be put behind")
	}
	if err := one.Add(a[:31], true); err == nil {
		t.Error("a short key")
	}
}

func TestNewRefuses(t *testing.T) {
	a := randomKey()
	for name, keys := range map[string][][]byte{
		"none": {}, "empty": {{}}, "short": {a[:31]}, "long": {append(bytes.Clone(a), 0)},
		"zeros": {make([]byte, KeySize)}, "ones": {bytes.Repeat([]byte{1}, KeySize)}, "twice": {a, a},
	} {
		if _, err := New(keys...); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

func TestParse(t *testing.T) {
	a, b := randomKey(), randomKey()
	ta, tb := base64.StdEncoding.EncodeToString(a), base64.StdEncoding.EncodeToString(b)
	want, _ := New(a, b)
	for _, text := range []string{ta + " " + tb, ta + "," + tb, ta + "\n" + tb + "\n", "# words\n\n " + ta + "\r\n\t# more\n" + tb, string(want.ring.Load().text())} {
		k, err := Parse(text)
		if err != nil || k.String() != want.String() {
			t.Errorf("%v, %v; want %v", k, err, want)
		}
	}
	for name, text := range map[string]string{
		"nothing": "", "comment": "# " + ta, "short": ta[:40], "not base64": ta[:20] + "!" + ta[21:], "hex": strings.Repeat("ab", 32),
		"one of two": ta + " secret", "no padding": strings.TrimRight(ta, "="), "twice": ta + " " + ta,
	} {
		_, err := Parse(text)
		if err == nil {
			t.Errorf("%s: taken", name)
		} else if strings.Contains(err.Error(), ta[:10]) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the error gives the text away: %v", name, err)
		}
	}
}

func TestKeysAreNotPrinted(t *testing.T) {
	a := bytes.Repeat([]byte("SECRETS!"), 4)
	k, _ := New(a)
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
		text := fmt.Sprintf(format, k)
		if strings.Contains(text, "SECRETS!") || strings.Contains(text, fmt.Sprint(a[:8])[1:20]) || strings.Contains(text, "5345435245545321") {
			t.Errorf("%s prints %s", format, text)
		}
	}
}

func TestConcurrent(t *testing.T) {
	k := NewRandom()
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := range 50 {
				purpose := fmt.Sprint("p", (w+i)%5)
				got, err := k.Open(purpose, owner, k.Seal(purpose, owner, secret))
				if err != nil || !bytes.Equal(got, secret) {
					t.Errorf("opens to %q, %v", got, err)
				}
				if i%25 == 0 {
					if err := k.Rotate(); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	if n := len(k.KeyIDs()); n != 17 {
		t.Errorf("%d keys after 16 rotations", n)
	}
}

func BenchmarkOpenToken(b *testing.B) {
	k := NewRandom()
	aad := []byte("ASIAEXAMPLEEXAMPLE00")
	token, _ := k.SealToken(aad, make([]byte, 600))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := k.OpenToken(aad, token); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSealToken(b *testing.B) {
	k := NewRandom()
	aad := []byte("ASIAEXAMPLEEXAMPLE00")
	payload := make([]byte, 600)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := k.SealToken(aad, payload); err != nil {
			b.Fatal(err)
		}
	}
}
