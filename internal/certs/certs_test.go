package certs_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/warder-iam/warder/internal/certs"
)

func rsaKey(t testing.TB, bits int) *rsa.PrivateKey {
	t.Helper()
	k, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func ecKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// party is a certificate with its key.
type party struct {
	cert *x509.Certificate
	key  crypto.Signer
}

// issue makes a certificate that by signs; by nil is a signature of its own.
func issue(t testing.TB, name string, key crypto.Signer, by *party) *party {
	t.Helper()
	return issueAs(t, name, key, by, true)
}

// issueAs makes a certificate of an authority or of none.
func issueAs(t testing.TB, name string, key crypto.Signer, by *party, authority bool) *party {
	t.Helper()
	form := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: authority, BasicConstraintsValid: true,
	}
	parent, signer := form, key
	if by != nil {
		parent, signer = by.cert, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, form, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &party{cert, key}
}

func block(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func TestCertificate(t *testing.T) {
	a, b := issue(t, "a", ecKey(t), nil), issue(t, "b", ecKey(t), nil)
	text := certs.Text(a.cert)
	if !strings.HasPrefix(text, "-----BEGIN CERTIFICATE-----\n") || !strings.HasSuffix(text, "\n-----END CERTIFICATE-----") {
		t.Errorf("the text is %q", text)
	}
	for name, in := range map[string]string{
		"plain": text, "a line end": text + "\n", "blanks": " \r\n\t" + text + " \n",
		"DOS lines": strings.ReplaceAll(text, "\n", "\r\n") + "\r\n", "two": certs.Text(a.cert, b.cert),
	} {
		if got, err := certs.Certificate(in); err != nil || !got.Equal(a.cert) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, in := range map[string]string{
		"nothing": "", "words": "certificate", "a description": "Certificate:\n" + text, "another kind": strings.ReplaceAll(text, "CERTIFICATE", "CERTIFICATE REQUEST"),
		"no end": text[:len(text)-10], "broken": "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----", "no certificate": block("CERTIFICATE", []byte("x")),
		"a broken one first": "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n" + text,
		"headers":            strings.Replace(text, "-----\n", "-----\nProc-Type: 4,ENCRYPTED\n\n", 1),
	} {
		if got, err := certs.Certificate(in); !errors.Is(err, certs.ErrFormat) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

func TestCheckKey(t *testing.T) {
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		key  crypto.Signer
		ok   bool
	}{{"RSA", rsaKey(t, 2048), true}, {"RSA 1024", rsaKey(t, 1024), true}, {"EC", ecKey(t), true}, {"Ed25519", ed, false}} {
		if err := certs.CheckKey(issue(t, "x", tt.key, nil).cert); (err == nil) != tt.ok {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	small := &x509.Certificate{PublicKey: &rsa.PublicKey{N: new(big.Int).Lsh(big.NewInt(1), 1022), E: 65537}}
	if err := certs.CheckKey(small); !errors.Is(err, certs.ErrKey) {
		t.Errorf("1023 bits: %v", err)
	}
}

// A certificate with a huge key is refused before anything is computed with it.
func TestHugeKey(t *testing.T) {
	huge := &rsa.PublicKey{N: new(big.Int).SetBit(big.NewInt(1), 17000, 1), E: 65537}
	form := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "huge"}}
	der, err := x509.CreateCertificate(rand.Reader, form, form, huge, ecKey(t))
	if err == nil {
		_, err = certs.Certificate(block("CERTIFICATE", der))
	}
	if !errors.Is(err, certs.ErrKey) {
		t.Errorf("%v", err)
	}
}

func TestChain(t *testing.T) {
	root := issue(t, "root", rsaKey(t, 2048), nil)
	middle := issue(t, "middle", ecKey(t), root)
	leaf := issue(t, "leaf", ecKey(t), middle)
	other := issue(t, "middle", ecKey(t), root) // the right name, the wrong key
	stranger := issue(t, "stranger", ecKey(t), nil)
	end := issueAs(t, "leaf", ecKey(t), middle, false)
	for _, tt := range []struct {
		name  string
		chain []*x509.Certificate
		index int
		ok    bool
	}{
		{"none", nil, 0, true},
		{"the issuer", []*x509.Certificate{middle.cert}, 0, true},
		{"all", []*x509.Certificate{middle.cert, root.cert}, 0, true},
		{"the wrong order", []*x509.Certificate{root.cert, middle.cert}, -1, false},
		{"the leaf in it", []*x509.Certificate{leaf.cert, middle.cert}, 0, false},
		{"another issuer of the name", []*x509.Certificate{other.cert, root.cert}, 0, false},
		{"a gap", []*x509.Certificate{middle.cert, leaf.cert}, -1, false},
		{"more than a root", []*x509.Certificate{middle.cert, root.cert, middle.cert}, -1, false},
		// As AWS was seen to answer: an end certificate in the chain is no authority.
		{"unrelated", []*x509.Certificate{stranger.cert}, -1, false},
		{"an end certificate in it", []*x509.Certificate{end.cert, middle.cert}, 1, false},
	} {
		if index, ok := certs.CheckChain(leaf.cert, tt.chain); index != tt.index || ok != tt.ok {
			t.Errorf("%s: %d, %v", tt.name, index, ok)
		}
		if len(tt.chain) == 0 {
			continue
		}
		read, err := certs.Chain(strings.ReplaceAll(certs.Text(tt.chain...), "\n", "\r\n") + "\n")
		if err != nil || certs.Text(read...) != certs.Text(tt.chain...) {
			t.Errorf("%s: reading the chain: %v", tt.name, err)
		}
	}
	good := certs.Text(middle.cert, root.cert)
	for name, text := range map[string]string{
		"empty": "", "text before": "issuer\n" + good, "text between": certs.Text(middle.cert) + "\nroot:\n" + certs.Text(root.cert), "text after": good + "\nend",
	} {
		if _, err := certs.Chain(text); !errors.Is(err, certs.ErrFormat) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPrivateKey(t *testing.T) {
	r, e := rsaKey(t, 2048), ecKey(t)
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8 := func(k any) string {
		der, err := x509.MarshalPKCS8PrivateKey(k)
		if err != nil {
			t.Fatal(err)
		}
		return block("PRIVATE KEY", der)
	}
	ec, err := x509.MarshalECPrivateKey(e)
	if err != nil {
		t.Fatal(err)
	}
	pkcs1 := block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(r))
	parameters := block("EC PARAMETERS", []byte{6, 8, 42, 134, 72, 206, 61, 3, 1, 7})
	//lint:ignore SA1019 the form that openssl writes
	encrypted, err := x509.EncryptPEMBlock(rand.Reader, "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(r), []byte("secret"), x509.PEMCipherAES128)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, text string
		want       crypto.Signer
		err        error
	}{
		{"PKCS #1", pkcs1, r, nil},
		{"PKCS #8", pkcs8(r), r, nil},
		{"DOS lines", strings.ReplaceAll(pkcs1, "\n", "\r\n"), r, nil},
		{"EC", block("EC PRIVATE KEY", ec), e, nil},
		{"EC after its parameters", parameters + block("EC PRIVATE KEY", ec), e, nil},
		{"EC PKCS #8", pkcs8(e), e, nil},
		{"Ed25519", pkcs8(ed), nil, certs.ErrKey},
		{"encrypted", string(pem.EncodeToMemory(encrypted)), nil, certs.ErrEncrypted},
		{"encrypted PKCS #8", block("ENCRYPTED PRIVATE KEY", []byte("x")), nil, certs.ErrEncrypted},
		{"nothing", "", nil, certs.ErrFormat},
		{"words", "secret", nil, certs.ErrFormat},
		{"broken", block("RSA PRIVATE KEY", []byte("x")), nil, certs.ErrFormat},
		{"mislabelled", block("EC PRIVATE KEY", x509.MarshalPKCS1PrivateKey(r)), nil, certs.ErrFormat},
		{"a public key", block("PUBLIC KEY", []byte("x")), nil, certs.ErrFormat},
		{"only parameters", parameters, nil, certs.ErrFormat},
		{"two", pkcs1 + pkcs1, nil, certs.ErrFormat},
		{"headers", strings.Replace(pkcs1, "-----\n", "-----\nComment: mine\n\n", 1), nil, certs.ErrFormat},
	} {
		key, err := certs.PrivateKey(tt.text)
		if !errors.Is(err, tt.err) || (err == nil) != (tt.err == nil) {
			t.Errorf("%s: %v", tt.name, err)
		}
		if tt.err == nil {
			for _, k := range []crypto.Signer{r, e} {
				if certs.Fits(key, issue(t, "x", k, nil).cert) != (k == tt.want) {
					t.Errorf("%s: fits the wrong certificate", tt.name)
				}
			}
		}
	}
}

func TestSSHKey(t *testing.T) {
	k := rsaKey(t, 2048)
	public, err := ssh.NewPublicKey(&k.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	line := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(public)))
	spki, err := x509.MarshalPKIXPublicKey(&k.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	asPEM := strings.TrimSpace(block("PUBLIC KEY", spki))
	for name, tt := range map[string]struct{ text, want string }{
		"a line": {line, line}, "a comment": {line + " me@example.com\n", line}, "PEM": {asPEM + "\n", asPEM},
		"DOS lines": {strings.ReplaceAll(asPEM, "\n", "\r\n"), asPEM}, "PKCS #1": {block("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&k.PublicKey)), asPEM},
	} {
		got, err := certs.ReadSSHKey(tt.text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got.Text() != tt.want || got.SSH() != line || got.PEM() != asPEM || got.Fingerprint() != ssh.FingerprintLegacyMD5(public) {
			t.Errorf("%s: %s", name, got.Text())
		}
	}

	wire := func(bits uint, e int) string {
		p, err := ssh.NewPublicKey(&rsa.PublicKey{N: new(big.Int).SetBit(big.NewInt(1), int(bits)-1, 1), E: e})
		if err != nil {
			t.Fatal(err)
		}
		return string(ssh.MarshalAuthorizedKey(p))
	}
	spkiOf := func(k any) string {
		der, err := x509.MarshalPKIXPublicKey(k)
		if err != nil {
			t.Fatal(err)
		}
		return block("PUBLIC KEY", der)
	}
	ec, err := ssh.NewPublicKey(ecKey(t).Public())
	if err != nil {
		t.Fatal(err)
	}
	ed, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		text string
		want error
	}{
		"nothing": {"", certs.ErrFormat}, "words": {"my key", certs.ErrFormat}, "ECDSA": {string(ssh.MarshalAuthorizedKey(ec)), certs.ErrFormat},
		"two lines": {line + "\n" + line, certs.ErrFormat}, "a broken line before": {"ssh-rsa x\n" + line, certs.ErrFormat},
		"options": {`command="ls" ` + line, certs.ErrFormat}, "the kind as an option": {"ssh-rsa " + line, certs.ErrKey},
		"no Base64": {"ssh-rsa !!!!", certs.ErrKey}, "cut off": {line[:100], certs.ErrKey},
		"another kind in it": {"ssh-rsa " + strings.Fields(string(ssh.MarshalAuthorizedKey(ec)))[1], certs.ErrKey},
		"2047 bits":          {wire(2047, 65537), certs.ErrKey}, "16385 bits": {wire(16385, 65537), certs.ErrKey},
		"exponent 1 in PEM":     {spkiOf(&rsa.PublicKey{N: k.N, E: 1}), certs.ErrKey},
		"even exponent in PEM":  {spkiOf(&rsa.PublicKey{N: k.N, E: 4}), certs.ErrKey},
		"1024 bits in PEM":      {spkiOf(&rsaKey(t, 1024).PublicKey), certs.ErrKey},
		"Ed25519 in PEM":        {spkiOf(ed), certs.ErrKey},
		"broken PEM":            {block("PUBLIC KEY", []byte("x")), certs.ErrKey},
		"a private key":         {block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(k)), certs.ErrFormat},
		"more after PEM":        {asPEM + "\nmore", certs.ErrFormat},
		"a certificate":         {certs.Text(issue(t, "x", k, nil).cert), certs.ErrFormat},
		"PEM that does not end": {asPEM[:200], certs.ErrFormat},
	} {
		if got, err := certs.ReadSSHKey(tt.text); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, %v, want %v", name, got, err, tt.want)
		}
	}
}

// What is taken has a form that is taken again and stays the same.
func FuzzSSHKey(f *testing.F) {
	seeds(f, "ssh-*")
	f.Fuzz(func(t *testing.T, text string) {
		k, err := certs.ReadSSHKey(text)
		if err != nil {
			return
		}
		for _, form := range []string{k.SSH(), k.PEM()} {
			again, err := certs.ReadSSHKey(form)
			if err != nil || again.Text() != form || again.Fingerprint() != k.Fingerprint() {
				t.Fatalf("%q: %v", form, err)
			}
		}
	})
}

func FuzzChain(f *testing.F) {
	seeds(f, "chain*")
	f.Fuzz(func(t *testing.T, text string) {
		chain, err := certs.Chain(text)
		if err != nil {
			return
		}
		first, err := certs.Certificate(text)
		if err != nil || !first.Equal(chain[0]) {
			t.Fatalf("the first certificate: %v", err)
		}
		again, err := certs.Chain(certs.Text(chain...))
		if err != nil || certs.Text(again...) != certs.Text(chain...) {
			t.Fatalf("read again: %v", err)
		}
		certs.CheckChain(chain[0], chain[1:])
	})
}

func FuzzPrivateKey(f *testing.F) {
	seeds(f, "key*")
	f.Fuzz(func(t *testing.T, text string) {
		k, err := certs.PrivateKey(text)
		if err != nil {
			return
		}
		if _, err := x509.MarshalPKCS8PrivateKey(k); err != nil {
			t.Fatalf("a key without a form: %v", err)
		}
	})
}

func seeds(f *testing.F, pattern string) {
	files, err := filepath.Glob(filepath.Join("testdata", pattern))
	if err != nil || len(files) == 0 {
		f.Fatalf("%d seeds, %v", len(files), err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
}
