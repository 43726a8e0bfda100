package sigv4

import (
	"encoding/hex"
	"fmt"
	"strings"
	"sync"
	"testing"
)

// The key of the worked example that AWS's documentation had for years, date
// 20150830, us-east-1, iam
// (https://docs.aws.amazon.com/general/latest/gr/sigv4-calculate-signature.html).
func TestSigningKey(t *testing.T) {
	key := SigningKey("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "20150830", "us-east-1", "iam")
	equal(t, "key", hex.EncodeToString(key[:]), "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9")
}

// A rotated secret, or an id that is used again, must never be served by what
// was cached for the same id.
func TestKeyCacheFollowsTheSecret(t *testing.T) {
	cache := NewKeyCache(8)
	s := Scope{"AKIA", "20250101", "us-east-1", "sts"}
	for _, secret := range []string{"one", "two", "one", "", "one", strings.Repeat("long", 100)} {
		want := SigningKey(secret, s.Date, s.Region, s.Service)
		for range 2 {
			if cache.Key(s, secret) != want {
				t.Errorf("wrong key for %q", secret)
			}
		}
	}
	if cache.Len() != 1 {
		t.Errorf("%d keys for one scope", cache.Len())
	}
	r := signedPost(t, nil)
	o := testOptions()
	o.Keys = cache
	if err := verify(r, testBody, o); err != nil {
		t.Error(err)
	}
	c, err := Read(r)
	if err != nil {
		t.Fatal(err)
	}
	wantReason(t, c.Verify(r, testBody, "rotated", o), SignatureDoesNotMatch)
	if err := verify(r, testBody, o); err != nil {
		t.Error(err)
	}
}

// Every part of the scope is in the key: none may be served for another.
func TestKeyCacheKeepsScopesApart(t *testing.T) {
	cache := NewKeyCache(100)
	for _, s := range []Scope{
		{"AKIA", "20250101", "us-east-1", "sts"}, {"AKIB", "20250101", "us-east-1", "sts"}, {"AKIA", "20250102", "us-east-1", "sts"},
		{"AKIA", "20250101", "us-east-2", "sts"}, {"AKIA", "20250101", "us-east-1", "iam"}, {"AKIA", "20250101", "us-east-1s", "ts"},
	} {
		if cache.Key(s, "x") != SigningKey("x", s.Date, s.Region, s.Service) {
			t.Errorf("wrong key for %v", s)
		}
	}
	if cache.Len() != 6 {
		t.Errorf("%d keys remembered, want 6", cache.Len())
	}
}

func TestKeyCacheIsBounded(t *testing.T) {
	cache := NewKeyCache(10)
	for i := range 1000 {
		s := Scope{fmt.Sprint("AKIA", i), "20250101", "us-east-1", "sts"}
		if cache.Key(s, "x") != SigningKey("x", s.Date, s.Region, s.Service) {
			t.Fatal("wrong key")
		}
		if cache.Len() > 10 {
			t.Fatalf("%d keys remembered", cache.Len())
		}
	}
	for _, none := range []*KeyCache{nil, NewKeyCache(0), NewKeyCache(-1)} {
		if none.Key(Scope{"A", "20250101", "r", "s"}, "x") != SigningKey("x", "20250101", "r", "s") || none.Len() != 0 {
			t.Error("a cache of nothing remembers")
		}
	}
}

func TestKeyCacheConcurrently(t *testing.T) {
	cache := NewKeyCache(4)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 200 {
				s := Scope{fmt.Sprint("AKIA", i%6), "20250101", "us-east-1", "sts"}
				secret := fmt.Sprint("secret", (i+g)%2)
				if cache.Key(s, secret) != SigningKey(secret, s.Date, s.Region, s.Service) {
					t.Error("wrong key")
				}
			}
		})
	}
	wg.Wait()
}

func TestSecretsDoNotPrint(t *testing.T) {
	key := SigningKey("secret", "20250101", "us-east-1", "sts")
	c := Credentials{"AKIA", "cAnArY", "tOkEn"}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		out := fmt.Sprintf(verb+verb, key, c) + fmt.Sprintf(verb, []any{key, c, struct{ K Key }{key}})
		if strings.Contains(out, "cAnArY") || strings.Contains(out, "tOkEn") || strings.Contains(out, fmt.Sprint(key[0], " ", key[1])) ||
			strings.Contains(out, fmt.Sprintf("%#x", key[0])) {
			t.Errorf("%s prints %s", verb, out)
		}
	}
}
