package seal

import (
	"strings"
	"testing"
)

var cheap = PasswordCost{Memory: 64, Time: 1, Threads: 1}

func TestPassword(t *testing.T) {
	hash, err := cheap.Hash("correct horse")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(hash, "$argon2id$v=19$m=64,t=1,p=1$") || strings.Contains(hash, "correct") {
		t.Errorf("the hash is %s", hash)
	}
	if !VerifyPassword(hash, "correct horse") {
		t.Error("the password is refused")
	}
	for _, wrong := range []string{"", "correct horse ", "Correct horse", "correct", "correct horse\x00", strings.Repeat("x", MaxPassword+1)} {
		if VerifyPassword(hash, wrong) {
			t.Errorf("%q is taken", wrong)
		}
	}
	if again, _ := cheap.Hash("correct horse"); again == hash {
		t.Error("two hashes are the same")
	}
	if _, err := cheap.Hash(strings.Repeat("x", MaxPassword+1)); err == nil {
		t.Error("a password without end is hashed")
	}
}

func TestDefaultCost(t *testing.T) {
	hash, err := HashPassword("p")
	if err != nil || !strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("the hash is %s, %v", hash, err)
	}
	if !VerifyPassword(hash, "p") || VerifyPassword(hash, "q") {
		t.Error("the hash does not tell the password")
	}
}

// A vector of another implementation: the reference one's test suite (phc-winner-argon2,
// src/test.c, argon2id, t=2, m=2^8 KiB, p=1, "password", "somesalt").
func TestPasswordVector(t *testing.T) {
	const hash = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"
	if !VerifyPassword(hash, "password") || VerifyPassword(hash, "Password") {
		t.Error("the vector does not verify")
	}
}

func TestHashesRefused(t *testing.T) {
	good, err := cheap.Hash("p")
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(good, "$")
	for name, hash := range map[string]string{
		"none":             "",
		"plain":            "p",
		"argon2i":          strings.Replace(good, "argon2id", "argon2i", 1),
		"version":          strings.Replace(good, "v=19", "v=16", 1),
		"no memory":        strings.Replace(good, "m=64", "m=0", 1),
		"all memory":       strings.Replace(good, "m=64", "m=4194304", 1),
		"overflow":         strings.Replace(good, "m=64", "m=4294967360", 1),
		"no passes":        strings.Replace(good, "t=1", "t=0", 1),
		"many passes":      strings.Replace(good, "t=1", "t=1000000", 1),
		"no threads":       strings.Replace(good, "p=1", "p=0", 1),
		"leading zero":     strings.Replace(good, "m=64", "m=064", 1),
		"more parameters":  strings.Replace(good, "p=1", "p=1,x=1", 1),
		"trailing":         good + "$",
		"leading":          "$" + good,
		"no hash":          strings.TrimSuffix(good, parts[5]),
		"short hash":       strings.TrimSuffix(good, parts[5]) + "AAAA",
		"no salt":          strings.Replace(good, parts[4], "", 1),
		"padding":          good + "=",
		"line end in salt": strings.Replace(good, parts[4], "\n"+parts[4], 1),
		"very long":        good + strings.Repeat("A", 1000),
	} {
		if _, ok := parsePHC(hash); ok {
			t.Errorf("%s: %q is read", name, hash)
		}
	}
	// VerifyPassword does the work of a default hash for each of these, so two suffice.
	for _, hash := range []string{"", "p"} {
		if VerifyPassword(hash, "p") {
			t.Errorf("the hash %q verifies", hash)
		}
	}
	for _, c := range []PasswordCost{{}, {64, 0, 1}, {64, 1, 0}, {7, 1, 1}, {maxMemory + 1, 1, 1}, {64, maxTime + 1, 1}, {1024, 1, maxThreads + 1}} {
		if hash, err := c.Hash("p"); err == nil {
			t.Errorf("%+v hashes to %s", c, hash)
		}
	}
}

func FuzzParsePHC(f *testing.F) {
	hash, err := cheap.Hash("p")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(hash)
	f.Add("$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4")
	f.Fuzz(func(t *testing.T, text string) {
		if p, ok := parsePHC(text); ok && (p.String() != text || !p.cost.sane()) {
			t.Errorf("%q is read as %s", text, p)
		}
	})
}

func BenchmarkVerifyPassword(b *testing.B) {
	hash, _ := HashPassword("p")
	for b.Loop() {
		VerifyPassword(hash, "p")
	}
}
